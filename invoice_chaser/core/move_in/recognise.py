"""Which tool wrote a table, what it holds, and what its columns mean.

Sources of the headers: the tools' own exports, as their help pages and the files that
users publish show them (Mailchimp: audience export and the account export with
``granular_activity``; listmonk: ``cmd/subscribers.go``; Brevo: contact export and the
log export ``st_text,ts,sub,frm,email,tag,mid,link``; Mautic: field aliases, report on
"do not contact"; Odoo: technical names).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from .habits import DMY
from .own import KEY, OWN_MODELS
from .targets import REQUIRED, TARGETS, Target, lacks, map_by_name, norm

# Columns that say nothing about a customer: technical traces of the tool.
IGNORED = {
    "mailchimp": {
        *("member_rating", "confirm_time", "confirm_ip", "latitude", "longitude"),
        *("gmtoff", "dstoff", "timezone", "cc", "region", "last_changed", "leid"),
        *("unsub_campaign_title", "unsub_campaign_id", "unsub_reason_other"),
        *("clean_campaign_title", "clean_campaign_id", "emailaddress_status"),
    },
    "listmonk": {"created_at", "updated_at", "id"},
    "brevo": {
        "added_time",
        "modified_time",
        "createdat",
        "modifiedat",
        "smsblacklisted",
    },
    "mautic": {
        *("points", "stage", "date_added", "date_identified", "last_active"),
        *("date_modified", "preferred_profile_image", "attribution", "owner_id"),
        *("attribution_date", "is_published", "created_by", "modified_by"),
    },
    "odoo": {"create_date", "write_date", "write_uid", "create_uid", "active"},
}
_EVENT_FOLDERS = {
    "opens": "opened",
    "clicks": "clicked",
    "sent": "sent",
    "bounces": "bounced",
    "unsubscribes": "unsubscribed",
    "abuse": "complained",
    "abuse_reports": "complained",
}
_GRANULAR = re.compile(r"granular_activity/(\w+)/(\d+)?_?", re.I)
_FILE_WORDS = (
    ("members", ("list_members", "list_contacts", "memberships", "segment_members")),
    ("lists", ("lists", "segments", "groups", "audiences")),
    ("events", ("events", "activity", "tracking", "webhook")),
    (
        "sends",
        ("sends", "email_logs", "email_log", "messages", "sent_emails", "send_log"),
    ),
    ("campaigns", ("campaigns",)),
    ("templates", ("templates",)),
    (
        "stopped",
        (
            *(
                "suppression",
                "unsubscrib",
                "opt_out",
                "optout",
                "blocklist",
                "blacklist",
            ),
            *("bounces", "do_not_contact", "dnc", "cleaned", "stopped"),
        ),
    ),
    ("promises", ("promise",)),
    ("notes", ("notes", "comments")),
    ("contacts", ("contacts", "subscribers", "customers", "leads", "audience")),
)


@dataclass
class Found:
    """``tool`` is empty for a file of no known tool; ``kind`` is empty where a person
    has to say what it holds. ``columns``: column → target, empty for one that is left
    out, ``custom`` for a field of the tool's user. ``fixed``: values that stand in the
    file's name (a campaign, a type of event). ``order``: where the tool always writes
    dates in one way. ``more``: further targets of contacts, those of channels."""

    tool: str = ""
    kind: str = ""
    columns: dict[str, str] = field(default_factory=dict)
    fixed: dict[str, str] = field(default_factory=dict)
    order: str | None = None
    more: dict[str, Target] = field(default_factory=dict)


def recognise(
    name: str, header: list[str], more: dict[str, Target] | None = None
) -> Found:
    """What a table is, by its header, and by its name where the header does not say.
    ``more``: further targets of contacts."""
    names = {norm(column) for column in header}
    for tool, test in _TOOLS:
        found = test(name, names, header)
        if found:
            found.tool, found.more = tool, more or {}
            _fill_rest(found, header)
            return found
    found = _recognise_by_names(name, header)
    found.more = more or {}
    if found.kind:
        _fill_rest(found, header)
    return found


def _fill_rest(found: Found, header: list[str]) -> None:
    """Columns that the tool's own rule does not name: by their names, else left out, or
    a field of the user's own."""
    if found.kind not in TARGETS:
        return
    taken = set(found.columns.values())
    for column, target in map_by_name(found.kind, header, found.more).items():
        # Without a channel that knows it, it is a field of the user's own.
        is_free = column not in found.columns or (
            target in found.more and found.columns[column] == "custom"
        )
        if is_free and target not in taken:
            found.columns[column] = target
    ignored = IGNORED.get(found.tool, set())
    for column in header:
        rest = "custom" if found.kind == "contacts" else ""
        if norm(column) in ignored or column.startswith("("):
            rest = ""
        found.columns.setdefault(column, rest)


def _recognise_by_names(name: str, header: list[str]) -> Found:
    """A table of no known tool: the kind whose required columns are there and of which
    most columns are known; the file's name decides where several fit."""
    told = _kind_of_name(name)
    best, best_score = "", (-1, -1)
    for kind in TARGETS:
        if not TARGETS[kind]:
            continue  # not told by names of columns
        mapping = map_by_name(kind, header)
        if lacks(kind, set(mapping.values())):
            continue
        score = (kind == told, len(mapping) + len(REQUIRED[kind]))
        if score > best_score:
            best, best_score = kind, score
    found = Found("", best)
    if best == "contacts" and best_score[1] < 3 and told != "contacts":
        found.kind = "contacts" if "email" in map(norm, header) else ""
    return found


def _kind_of_name(name: str) -> str:
    text = norm(re.split(r"[/\\]", name)[-1])
    for kind, words in _FILE_WORDS:
        if any(word in text for word in words):
            return kind
    return ""


def pick(header: list[str], **targets: str) -> dict[str, str]:
    """Column → target for the normalized names that are there (``name=target``)."""
    columns = {norm(column): column for column in reversed(header)}
    return {columns[key]: target for key, target in targets.items() if key in columns}


# --- the tools ------------------------------------------------------------------------


def _mailchimp(name: str, names: set, header: list) -> Found | None:
    if match := _GRANULAR.search(name):
        event = _EVENT_FOLDERS.get(match[1].lower())
        if event and "email" in names:
            columns = pick(header, timestamp="occurred_at", email="email", url="link")
            fixed = {"event_type": event, "campaign": match[2] or ""}
            return Found(kind="events", columns=columns, fixed=fixed)
    if {"unique_id", "send_date", "subject"} <= names and "title" in names:
        columns = pick(
            header,
            title="name",
            unique_id="external_id",
            subject="subject",
            send_date="started_at",
        )
        return Found(kind="campaigns", columns=columns, order="mdy")
    marks = {"euid", "leid", "member_rating", "optin_time", "last_changed"}
    if not ("email_address" in names and len(marks & names) >= 2):
        return None
    columns = pick(
        header,
        euid="external_id",
        address="street",
        notes="note",
        optin_time="consent_at",
        optin_ip="consent_proof",
        unsub_time="stopped_at",
        clean_time="stopped_at",
        unsub_reason="stop_note",
    )
    fixed = {}
    stem = norm(re.split(r"[/\\]", name)[-1])
    if "clean_time" in names or stem.startswith("cleaned"):
        fixed["status"] = "bounced"
    elif "unsub_time" in names or stem.startswith("unsubscribed"):
        fixed["status"] = "unsubscribed"
    elif "nonsubscribed" in stem or "transactional" in stem:
        fixed["status"] = "never_subscribed"
    return Found(kind="contacts", columns=columns, fixed=fixed)


def _listmonk(name: str, names: set, header: list) -> Found | None:
    if {"uuid", "email", "name", "status"} <= names and (
        "attributes" in names or "attribs" in names
    ):
        columns = pick(
            header,
            uuid="external_id",
            attributes="custom_fields",
            attribs="custom_fields",
            lists="lists",
        )
        return Found(kind="contacts", columns=columns)
    if {"uuid", "name", "subject", "body", "content_type"} <= names:
        columns = pick(header, uuid="external_id", body="body_html")
        return Found(kind="campaigns", columns=columns)
    if {"name", "body", "is_default", "type"} <= names and "subject" in names:
        columns = pick(header, id="external_id", body="body_html")
        columns |= pick(header, type="")
        return Found(kind="templates", columns=columns)
    return None


def _brevo(name: str, names: set, header: list) -> Found | None:
    if {"st_text", "ts", "email"} <= names:
        columns = pick(
            header,
            st_text="event_type",
            ts="occurred_at",
            sub="subject",
            email="email",
            tag="campaign",
            mid="message_id",
            link="link",
            frm="",
        )
        return Found(kind="events", columns=columns, order=DMY)
    marks = {"added_time", "modified_time", "ext_id", "listids", "emailblacklisted"}
    if not ("email" in names and marks & names):
        return None
    columns = pick(
        header,
        ext_id="external_id",
        sms="mobile",
        landline_number="phone",
        whatsapp="custom",
        listids="lists",
        attributes="custom_fields",
    )
    return Found(kind="contacts", columns=columns)


def _mautic(name: str, names: set, header: list) -> Found | None:
    dnc = {"dnc_reason", "dnc", "dnc_channel", "do_not_contact_reason"} & names
    if "email" in names and (dnc or {"reason", "channel", "date_added"} <= names):
        columns = pick(
            header,
            dnc_reason="reason",
            dnc="reason",
            do_not_contact_reason="reason",
            reason="reason",
            dnc_channel="channel",
            comments="stop_note",
            date_added="stopped_at",
        )
        if "dnc_reason" in names and "reason" in names:
            columns |= pick(header, reason="")
        return Found(kind="stopped", columns=columns)
    marks = IGNORED["mautic"] & names
    if {"email", "firstname", "lastname"} <= names and len(marks) >= 2:
        columns = pick(header, preferred_locale="language", donotcontact="status")
        return Found(kind="contacts", columns=columns)
    return None


def _chaser(name: str, names: set, header: list) -> Found | None:
    """Its own import files (no export has a documented header): invoices are Odoo's own
    business, customers have a name and a contact."""
    joined = {item.replace("_", "") for item in names}
    money = {"amountdue", "amountpaid"} <= joined
    if money and {"invoicenumber", "invoiceno", "number", "identifier"} & joined:
        return Found(kind="invoices")
    if {"customername", "firstname", "lastname"} <= joined and (
        {"emailaddress", "email", "contactemail"} & joined
    ):
        columns = {
            column: "identifies"
            for column in header
            if norm(column).replace("_", "") == "customername"
        }
        columns = dict.fromkeys(columns, "company")
        return Found(kind="contacts", columns=columns)
    return None


def _odoo(name: str, names: set, header: list) -> Found | None:
    lower = {column.strip().casefold() for column in header}
    if {"email", "name"} <= lower and (
        {"opt_out", "is_blacklisted", "list_ids", "list_ids/name"} & lower
    ):
        columns = pick(header, list_ids="lists", list_ids_name="lists")
        return Found(kind="contacts", columns=columns | pick(header, id="external_id"))
    marks = {
        *("id", ".id", "parent_id", "parent_id/id", "parent_id/name", "category_id"),
        *("category_id/id", "category_id/name", "is_company", "country_id/id", "lang"),
        *("property_payment_term_id", "followup_next_action_date", "vat", "comment"),
        *("payment_next_action_date", "payment_next_action", "user_id", "ref"),
    }
    if "name" in lower and len(marks & lower) >= 2 and "subject" not in lower:
        columns = pick(
            header,
            parent_id="company",
            parent_id_name="company",
            category_id="tags",
            category_id_name="tags",
            country_id_id="",
            parent_id_id="",
            category_id_id="",
        )
        return Found(kind="contacts", columns=columns | pick(header, id="external_id"))
    return None


def _own(name: str, names: set, header: list) -> Found | None:
    """The export of this addon: the file is named after the model."""
    if not header or header[0] != KEY:
        return None
    model = re.split(r"[/\\]", name)[-1].rsplit(".", 1)[0]
    kind = "records" if model in OWN_MODELS else "kept"
    return Found(kind=kind, fixed={"model": model})


_TOOLS: tuple[tuple[str, Callable], ...] = (
    ("own", _own),
    ("mailchimp", _mailchimp),
    ("listmonk", _listmonk),
    ("brevo", _brevo),
    ("mautic", _mautic),
    ("chaser", _chaser),
    ("odoo", _odoo),
)
TOOLS = tuple(tool for tool, _test in _TOOLS)
