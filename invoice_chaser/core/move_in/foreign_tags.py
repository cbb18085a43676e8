"""Merge tags of other tools in ours. What has no counterpart stays as it is and is
named, so that a person can rewrite it."""

import re

# Name of the other tool, normalized → our tag. An empty one is left out: our messages
# have it by themselves (the link to stop, the link to the web version).
_OURS = {
    "customer_name": "name full_name fullname customer customer_name company "
    "company_name client_name contact_company organisation organization account_name "
    "subscriber_name companyname customername merge_company mmerge_company",
    "contact_name": "fname first_name firstname lname last_name lastname contact_name "
    "vorname prenom nachname nom subscriber_firstname contact_firstname "
    "contact_lastname contactname recipient_name "
    "subscriber_first_name subscriber_last_name",
    "customer_reference": "customer_reference customer_id customer_number "
    "account_number customer_code",
    "company_name": "list_company sender_name our_company organization_name org_name "
    "business_name company_sender list_name your_company organisationname",
    "company_address": "list_address list_address_html html_list_address_html "
    "our_address sender_address",
    "company_phone": "list_phone our_phone sender_phone",
    "company_email": "list_email our_email sender_email reply_to",
    "company_website": "list_url our_website website",
    "invoice_table": "invoice_table invoices invoices_table invoice_list invoicetable "
    "overdue_invoices table_of_invoices invoice_details statement_table invoicelist",
    "invoice_count": "invoice_count number_of_invoices invoices_count total_invoices",
    "invoice_numbers": "invoice_number invoice_numbers invoice_no invoicenumber "
    "invoice_id invoice_ref",
    "oldest_due_date": "due_date duedate invoice_due_date oldest_due_date",
    "days_overdue": "days_overdue daysoverdue overdue_days days_past_due days_late",
    "total_due": "total_due amount_due amountdue total amount balance total_overdue "
    "outstanding outstanding_amount total_amount balance_due amount_outstanding "
    "total_outstanding invoice_amount",
    "payment_reference": "payment_reference reference",
    "pay_url": "payment_link pay_link payment_url pay_url paynow pay_now_link",
    "page_url": "portal_link portal_url customer_portal invoice_link view_invoice_link",
    "salesperson_name": "salesperson sales_person account_manager user_name owner_name",
    "today": "date today current_date current_year date_today",
    "": "unsub unsubscribe unsubscribe_url unsubscribeurl unsubscribe_text archive "
    "unsubscribe_link optin_url mirror webview_url webview_text archive_page "
    "update_profile forward preferences_url manage_url trackview messageurl "
    "unsubscriber tracking_pixel list_description rewards",
}
_INDEX = {name: ours for ours, names in _OURS.items() for name in names.split()}
_FORMS = (
    # Mailchimp: *|FNAME|*, *|IF:…|* and *|END:IF|* included.
    re.compile(r"\*\|([^|*]{1,80})\|\*"),
    # Mautic: {contactfield=firstname}, {unsubscribe_url}, {contactfield=x|default}.
    re.compile(r"(?<!\{)\{(?:contactfield=)?([a-z_]{3,60})(?:\|[^{}]*)?\}(?!\})"),
    # listmonk and Go templates: {{ .Subscriber.FirstName }}, {{ UnsubscribeURL }}.
    re.compile(r"\{\{-?\s*\.?((?:Subscriber|Campaign)\.[\w.]+)\s*-?\}\}"),
    # Brevo, Handlebars, Liquid, ours: {{ contact.FIRSTNAME }}, {{ params.total }}.
    re.compile(
        r"\{\{\{?\s{0,20}([\w.\-]{1,80})(?:\s{0,20}\|[^{}]{0,500})?\s{0,20}\}?\}\}"
    ),
    # Chaser and mail merge: [customer_name], %recipient_name%, «Name».
    re.compile(r"\[([A-Za-z][A-Za-z_ ]{2,40})\]"),
    re.compile(r"%([A-Za-z][A-Za-z_]{2,40})%"),
    re.compile(r"«([^«»]{2,40})»"),
)
_PREFIXES = re.compile(
    r"^(?:subscriber|contact|recipient|params|campaign|merge|customer|invoice|company"
    r"|sender|user|account|lead|organisation|organization)[._]+(?:attribs[._])?"
)


def translate_tags(text: str, known: tuple[str, ...]) -> tuple[str, list[str]]:
    """The text with our tags, and those of the other tool that ours has none for.

    :param known: our own tags, which stay
    """
    lost: list[str] = []

    def change(match: re.Match) -> str:
        ours = _find(match[1], known)
        if ours is None:
            # In square brackets, braces or percent signs much else stands that is no
            # tag; only what surely is one counts.
            if match.re in _FORMS[4:] or match.re is _FORMS[1]:
                return match[0]
            lost.append(match[0])
            return match[0]
        return f"{{{{ {ours} }}}}" if ours else ""

    for form in _FORMS:
        text = form.sub(change, text)
    return text, list(dict.fromkeys(lost))


def _find(name: str, known: tuple[str, ...]) -> str | None:
    """Our tag; empty for what is left out; None for what is not known."""
    plain = name.strip()
    if plain in known:
        return plain
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", plain)
    word = re.sub(r"[\W]+", "_", snake).strip("_").lower()
    if word in _INDEX:
        return _INDEX[word]
    short = _PREFIXES.sub("", snake.lower().replace("-", "_"))
    short = re.sub(r"[\W]+", "_", short).strip("_")
    return _INDEX.get(short)
