"""What a column may mean: the targets of each kind of table, and the names by which
tools call them. The names are compared without case, blanks and marks (``norm``)."""

import re
from dataclasses import dataclass

# What a table holds. ``invoices`` is recognised to say that Odoo has them itself.
KINDS = (
    "contacts",
    "stopped",
    "lists",
    "members",
    "templates",
    "campaigns",
    "sends",
    "events",
    "promises",
    "notes",
    "invoices",
    "records",
    "kept",
)


@dataclass(frozen=True)
class Target:
    """``reads``: text, email, moment, day, number, truth, tags, json, or status.
    ``names``: normalized names that columns have in the files of tools."""

    name: str
    reads: str = "text"
    names: tuple[str, ...] = ()


def norm(text: str) -> str:
    return re.sub(r"[\W_]+", "_", str(text).casefold()).strip("_")


def _targets(*rows: str) -> dict[str, Target]:
    """Rows of ``name reads other names…``."""
    found = {}
    for row in rows:
        name, reads, *names = row.split()
        found[name] = Target(name, reads, (name, *names))
    return found


_CONTACT_KEYS = (
    "email email email_address e_mail emailaddress mail primary_email contact_email "
    "customer_email البريد_الإلكتروني",
    "customer_ref text contact_id customer_id subscriber_id partner_id recipient_id",
    "customer_name text customer customer_name partner partner_name account_name",
    "vat text trn tax_id vat_number tax_number tax_registration_number "
    "الرقم_الضريبي رقم_التسجيل_الضريبي",
)
CONTACTS = _targets(
    "email email email_address e_mail emailaddress mail primary_email contact_email "
    "customer_email email_1 البريد_الإلكتروني البريد",
    "external_id text id uuid euid ext_id contact_id customer_id subscriber_id "
    "identifier customer_identifier customer_ref unique_id externalid",
    "name text full_name fullname display_name contact_name الاسم اسم_العميل",
    "first_name text firstname fname vorname prenom prénom given_name "
    "contact_first_name الاسم_الأول",
    "last_name text lastname lname nachname nom surname family_name contact_last_name "
    "اسم_العائلة",
    "company text company_name companyname organization organisation business_name "
    "customer_name account_name parent_name الشركة",
    "is_company truth iscompany",
    "vat text trn tax_id vat_number tax_number tax_registration_number "
    "الرقم_الضريبي رقم_التسجيل_الضريبي",
    "reference text ref customer_reference account_number",
    "phone text phone_number telephone landline_number tel work_phone الهاتف",
    "mobile text sms mobile_number cell cell_phone mobilenumber الجوال",
    "website text web url",
    "street text address address_line_1 address1 addressline1 street_address العنوان",
    "street2 text address_line_2 address2 addressline2",
    "city text town المدينة",
    "zip text zipcode zip_code postal_code postcode",
    "state text region_name province emirate state_id",
    "country text country_name country_code country_id الدولة",
    "language text lang locale preferred_locale reminder_language",
    "tags tags tag labels categories category_id الوسوم",
    "lists tags list segments segment groups listids list_ids list_name list_names",
    "source text lead_source signup_source origin المصدر",
    "consent truth marketing_consent gdpr_consent consent_given accepts_marketing "
    "opt_in optin email_consent",
    "consent_at moment consent_date marketing_consent_at consent_timestamp "
    "marketing_consent_date optin_time opt_in_date",
    "consent_proof text consent_source consent_text marketing_consent_source "
    "consent_ip optin_ip",
    "status status subscription_status email_status email_marketing "
    "email_marketing_status state_of_subscription",
    "stopped truth unsubscribed opted_out opt_out optout is_unsubscribed "
    "is_blacklisted blacklisted blocklisted emailblacklisted email_blacklisted "
    "do_not_contact donotcontact suppressed",
    "bounced truth is_bounced hard_bounced email_bounced",
    "stopped_at moment unsubscribed_at unsub_time clean_time unsubscribe_date "
    "opt_out_date unsubscribed_date bounced_at suppressed_at",
    "stop_note text unsub_reason unsubscribe_reason unsubscribed_reason opt_out_reason",
    "note text notes comment comments followup_notes payment_note الملاحظات",
    "custom_fields json attributes attribs custom_attributes metadata custom "
    "merge_fields properties",
    "contact_interval number preferred_contact_interval",
    "consolidation text consolidation_preference",
    "consolidation_max number max_consolidation_amount",
    "paused_until day chaser_paused_until followup_next_action_date "
    "payment_next_action_date next_reminder_date followup_next_date pause_until",
    "pause_reason text chaser_pause_reason payment_next_action",
)
STOPPED = _targets(
    "email email email_address e_mail emailaddress mail recipient recipient_email "
    "البريد_الإلكتروني",
    "reason text dnc_reason suppression_type status bounce_type category event type "
    "السبب",
    "stopped_at moment suppressed_at date created_at created unsubscribed_at "
    "bounced_at date_added timestamp create_date unsubscribe_date unsub_time التاريخ",
    "stop_note text note notes comments comment description detail details message",
    "channel text dnc_channel",
    "active truth is_active",
    "released_at moment resubscribed_at",
    "origin text source",
    "external_id text id",
)
LISTS = _targets(
    "name text list_name title segment_name segment الاسم",
    "external_id text id list_id uuid",
    "description text notes",
)
MEMBERS = _targets(
    "list text list_id list_name segment_id segment segment_name",
    *_CONTACT_KEYS,
)
TEMPLATES = _targets(
    "name text template_name title الاسم",
    "external_id text id template_id uuid key",
    "category text template_type type kind",
    "subject text subject_en subject_line",
    "body_html text body html html_content body_en body_html_en content body_text",
    "subject_ar text arabic_subject",
    "body_html_ar text body_ar html_ar arabic_body",
)
CAMPAIGNS = _targets(
    "name text campaign_name title campaign",
    "external_id text id campaign_id uuid unique_id",
    "description text",
    "campaign_type text type",
    "subject text subject_line",
    "body_html text body html html_content",
    "scheduled_at moment send_at scheduled_for",
    "started_at moment send_date sent_at started sent_date",
    "completed_at moment finished_at completed ended_at",
    "created_at moment",
    "state text status campaign_status",
)
SENDS = _targets(
    "email email recipient_email to to_email recipient email_address to_address",
    "external_id text id send_id email_id log_id reminder_id uuid",
    "campaign text campaign_id campaign_name",
    "customer_ref text contact_id customer_id subscriber_id partner_id",
    "vat text trn customer_vat",
    "subject text subject_line email_subject",
    "body_html text body html content html_content",
    "body_text text text plain_text",
    "sent_at moment sent_date send_date date_sent timestamp created_at sent_time date",
    "message_id text messageid smtp_id",
    "state text status delivery_status",
    "level text reminder_level stage",
    "invoices tags invoice_numbers invoice_number invoice invoice_ids",
    "language text lang",
    "opened_at moment open_date date_read first_opened_at",
    "clicked_at moment click_date first_clicked_at",
    "bounced_at moment bounce_date hard_bounce_date",
    "replied_at moment reply_date",
    "delivered_at moment delivery_date delivered_date",
)
EVENTS = _targets(
    "event_type text event type st_text action activity event_name",
    "external_id text id event_id provider_event_id sg_event_id",
    "send text send_id email_log_id reminder_id email_id log_id",
    "message_id text mid messageid smtp_id",
    "campaign text campaign_id campaign_name",
    "email email recipient_email recipient email_address to rcpt",
    "occurred_at moment timestamp ts time date created_at event_time event_date",
    "subject text sub",
    "link text url link_url clicked_url",
    "user_agent text useragent ua",
    "ip text ip_address",
    "device text device_type",
    "mail_client text email_client client",
    "country text country_code",
    "detail text reason description response message diagnostic",
)
PROMISES = _targets(
    *_CONTACT_KEYS,
    "external_id text id promise_id",
    "date_promised day promise_date promised_date promise_to_pay_date pays_on "
    "expected_payment_date promised_payment_date due_on",
    "promised_at moment created_at said_on promise_made_at date",
    "amount number promised_amount amount_promised",
    "currency text currency_code",
    "invoices tags invoice_numbers invoice_number invoice invoice_ids",
    "state text status outcome",
    "note text notes comment comments",
)
NOTES = _targets(
    *_CONTACT_KEYS,
    "external_id text id note_id",
    "note text notes body text comment comments content message note_text",
    "written_at moment created_at date timestamp note_date",
    "author text user created_by user_name author_name",
)
INVOICES = _targets(
    "number text invoice_number invoice_no invoicenumber invoiceno",
    "due_date day duedate",
    "amount_due number amountdue balance amount_outstanding",
    "amount_paid number amountpaid",
)
TARGETS = {
    "contacts": CONTACTS,
    "stopped": STOPPED,
    "lists": LISTS,
    "members": MEMBERS,
    "templates": TEMPLATES,
    "campaigns": CAMPAIGNS,
    "sends": SENDS,
    "events": EVENTS,
    "promises": PROMISES,
    "notes": NOTES,
    "invoices": INVOICES,
    "records": {},
    "kept": {},
}
# Of each group one target must be there.
REQUIRED = {
    "contacts": (("email", "name", "company", "first_name", "last_name"),),
    "stopped": (("email",),),
    "lists": (("name",),),
    "members": (("list",), ("email", "customer_ref", "customer_name", "vat")),
    "templates": (("name", "subject"), ("body_html",)),
    "campaigns": (("name",),),
    "sends": (("email", "customer_ref", "vat"), ("sent_at",)),
    "events": (("event_type",), ("send", "message_id", "email"), ("occurred_at",)),
    "promises": (("email", "customer_ref", "customer_name", "vat"), ("date_promised",)),
    "notes": (("email", "customer_ref", "customer_name", "vat"), ("note",)),
    "invoices": (("number",), ("amount_due", "amount_paid")),
    "records": (),
    "kept": (),
}


def make_targets(*rows: str) -> dict[str, Target]:
    """Further targets of contacts, in rows of ``name reads other names…``: what a
    channel keeps of them."""
    return _targets(*rows)


def get_targets(kind: str, more: dict[str, Target] | None = None) -> dict[str, Target]:
    """The targets of a kind of table. ``more``: further ones of contacts, by name."""
    own = TARGETS.get(kind, {})
    return own | (more or {}) if kind == "contacts" else own


def map_by_name(
    kind: str, header: list[str], more: dict[str, Target] | None = None
) -> dict[str, str]:
    """Column → target, by the names; each target once, its own name first."""
    wanted = {norm(column): column for column in reversed(header)}
    mapping = {}
    for target in get_targets(kind, more).values():
        for name in target.names:
            column = wanted.get(name)
            if column is not None and column not in mapping:
                mapping[column] = target.name
                break
    return mapping


def lacks(kind: str, targets: set[str]) -> list[tuple[str, ...]]:
    """The groups of which none is there."""
    return [group for group in REQUIRED[kind] if not set(group) & targets]
