"""What Meta reports by the webhook: the proof of its origin, and its many updates as
plain values. Unknown fields are kept and counted, and nothing in a body raises.

Source: Meta, "Webhooks for the WhatsApp Business Platform"."""

import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from hashlib import sha256

from .errors import NO_CODE

# Meta sends up to 1000 updates in one request.
MAX_BODY = 10_000_000
SIGNATURE = "X-Hub-Signature-256"
# Fields whose value is about templates, and about account and number.
TEMPLATE_FIELDS = {
    "message_template_status_update",
    "message_template_quality_update",
    "message_template_components_update",
    "template_category_update",
}
ACCOUNT_FIELDS = {
    "account_update",
    "account_alerts",
    "account_review_update",
    "phone_number_quality_update",
    "phone_number_name_update",
    "business_capability_update",
    "security",
}
# Fields about persons beside their messages.
PERSON_FIELDS = {"user_preferences", "user_id_update"}


class Malformed(Exception):
    """The body is not JSON, or not what Meta sends."""


@dataclass(frozen=True)
class Status:
    """A report about one message. ``callback``: what we sent as
    ``biz_opaque_callback_data``; ``recipient``: their wa_id, ``user_id`` their
    business-scoped id, either may be empty; ``errors``: (code, words) each."""

    wamid: str
    status: str
    moment: datetime | None
    callback: str = ""
    recipient: str = ""
    user_id: str = ""
    pricing: dict = field(default_factory=dict)
    errors: tuple[tuple[int, str], ...] = ()
    phone_id: str = ""


@dataclass(frozen=True)
class Message:
    """A message of a person. ``contact`` and ``message`` are Meta's own values."""

    phone_id: str
    contact: dict
    message: dict


@dataclass(frozen=True)
class Change:
    """A report about a template, the account, or a person."""

    field: str
    waba_id: str
    value: dict
    phone_id: str = ""


@dataclass
class Report:
    """All updates of one request. ``unknown``: fields that this addon does not know,
    with how often."""

    statuses: list[Status] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    errors: list[tuple[int, str]] = field(default_factory=list)
    unknown: dict[str, int] = field(default_factory=dict)

    @property
    def count(self) -> int:
        return len(self.statuses) + len(self.messages) + len(self.changes)

    def _note_unknown(self, name):
        name = str(name)[:60]
        self.unknown[name] = self.unknown.get(name, 0) + 1


# -- the proof


def sign(secret: str, body: bytes) -> str:
    """The header's value for a body."""
    return "sha256=" + hmac.new(secret.encode(), body, sha256).hexdigest()


def is_signed(secret: str, body: bytes, signature: str | None) -> bool:
    """Whether Meta has signed exactly these bytes with the app's secret."""
    return hmac.compare_digest(
        sign(secret, body).encode(), (signature or "").strip().encode()
    )


def get_challenge(params: dict, verify_token: str) -> str | None:
    """What to respond to Meta's check of the address; None when it is not ours."""
    told = str(params.get("hub.verify_token") or "")
    if params.get("hub.mode") != "subscribe" or not verify_token:
        return None
    if not hmac.compare_digest(told.encode(), verify_token.encode()):
        return None
    # Meta's own challenges are numbers; whatever else comes is not repeated.
    challenge = str(params.get("hub.challenge") or "")
    return challenge if challenge.isalnum() and len(challenge) <= 200 else None


# -- the body


def parse(body: bytes | str) -> Report:
    """All updates of a request's body.

    :raises Malformed: when it is not JSON of the form that Meta sends
    """
    try:
        data = _clean(json.loads(body))
    except (ValueError, RecursionError) as error:
        raise Malformed(str(error)[:200]) from None
    if not isinstance(data, dict) or not isinstance(data.get("entry"), list):
        raise Malformed("no entries")
    report = Report()
    for waba_id, name, value in _iterate(data, report):
        if name == "messages":
            _read_messages(report, value)
        elif name in TEMPLATE_FIELDS | ACCOUNT_FIELDS | PERSON_FIELDS:
            report.changes.append(Change(name, waba_id, value, _get_phone_id(value)))
        else:
            report._note_unknown(name)
    return report


def _clean(node):
    """Without what PostgreSQL cannot store as text: NUL, and halves of surrogates."""
    if isinstance(node, str):
        return node.replace("\0", "").encode("utf-8", "replace").decode()
    if isinstance(node, list):
        return [_clean(one) for one in node]
    if isinstance(node, dict):
        return {_clean(name): _clean(value) for name, value in node.items()}
    return node


def _iterate(data, report) -> Iterator[tuple[str, str, dict]]:
    for entry in data["entry"]:
        changes = entry.get("changes") if isinstance(entry, dict) else None
        if not isinstance(changes, list):
            report._note_unknown("entry")
            continue
        for change in changes:
            value = change.get("value") if isinstance(change, dict) else None
            if not isinstance(value, dict) or not isinstance(change.get("field"), str):
                report._note_unknown("change")
                continue
            yield _text(entry.get("id")), change["field"], value


def _read_messages(report, value):
    phone_id = _get_phone_id(value)
    for status in _list(value, "statuses"):
        made = _make_status(status, phone_id)
        if made:
            report.statuses.append(made)
        else:
            report._note_unknown("status")
    contacts = [one for one in _list(value, "contacts") if isinstance(one, dict)]
    for message in _list(value, "messages"):
        if not isinstance(message, dict) or not message.get("id"):
            report._note_unknown("message")
            continue
        report.messages.append(
            Message(phone_id, _find_contact(contacts, message), message)
        )
    report.errors += _read_errors(value)
    for name in value.keys() - _KNOWN_PARTS:
        report._note_unknown(f"messages.{name}")


_KNOWN_PARTS = {
    "messaging_product",
    "metadata",
    "contacts",
    "statuses",
    "messages",
    "errors",
}


def _make_status(status, phone_id):
    if not isinstance(status, dict) or not status.get("id") or not status.get("status"):
        return None
    pricing = status.get("pricing")
    return Status(
        wamid=_text(status["id"]),
        status=_text(status["status"]).lower(),
        moment=read_moment(status.get("timestamp")),
        callback=_text(status.get("biz_opaque_callback_data")),
        recipient=_text(status.get("recipient_id")),
        user_id=_text(status.get("recipient_user_id")),
        pricing=pricing if isinstance(pricing, dict) else {},
        errors=tuple(_read_errors(status)),
        phone_id=phone_id,
    )


def _find_contact(contacts, message):
    """The contact of a message: by wa_id or user id, else the only one."""
    sender = {_text(message.get("from")), _text(message.get("from_user_id"))} - {""}
    for contact in contacts:
        if {_text(contact.get("wa_id")), _text(contact.get("user_id"))} & sender:
            return contact
    return contacts[0] if len(contacts) == 1 else {}


def _read_errors(value):
    found = []
    for error in _list(value, "errors"):
        if not isinstance(error, dict):
            continue
        data = error.get("error_data")
        details = data.get("details") if isinstance(data, dict) else ""
        words = details or error.get("message") or error.get("title") or ""
        code = error.get("code")
        number = int(code) if _is_number(code) else NO_CODE
        found.append((number, " ".join(_text(words).split())[:300]))
    return found


def read_moment(value) -> datetime | None:
    """Seconds since 1970, as text or number → UTC without zone, as Odoo stores it;
    None for what cannot be one."""
    try:
        moment = datetime.fromtimestamp(float(value), timezone.utc)
    except (TypeError, ValueError, OverflowError, OSError):
        return None
    moment = moment.replace(tzinfo=None, microsecond=0)
    latest = datetime.now(timezone.utc).replace(tzinfo=None) + timedelta(days=1)
    return moment if datetime(2009, 1, 1) < moment < latest else None


def read_end(value) -> datetime | None:
    """A moment that lies ahead, when something ends; None for never (0) and for what
    is none."""
    if not _is_number(value):
        return None
    return datetime(1970, 1, 1) + timedelta(seconds=int(value)) if int(value) else None


def _is_number(value):
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return False
    text = str(value)
    return text.isascii() and text.isdigit() and 0 < len(text) < 12


def _get_phone_id(value):
    metadata = value.get("metadata")
    return _text(metadata.get("phone_number_id")) if isinstance(metadata, dict) else ""


def _list(value, name):
    found = value.get(name)
    return found if isinstance(found, list) else []


def _text(value):
    if isinstance(value, (str, int)) and not isinstance(value, bool):
        return str(value)
    return ""


# -- numbers as Meta writes them


def read_limit(value) -> int | None:
    """A messaging limit, as number, as text, or as ``TIER_2K``: unique persons in 24
    hours, 0 for none; None for what is not one."""
    text = str(value if value is not None else "").upper().removeprefix("TIER_")
    if text in ("UNLIMITED", "-1"):
        return 0
    factor = 1000 if text.endswith("K") else 1
    text = text.removesuffix("K")
    return int(text) * factor if _is_number(text) else None


def normalize_language(code: str) -> str:
    """Reports write ``en-US`` for the language ``en_US``."""
    return (code or "").replace("-", "_")
