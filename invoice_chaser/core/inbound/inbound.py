"""What came in: an answer, an automatic reply, a report of a mail server, a complaint.
And whom it is about.

Sources: RFC 3834 (automatic responses), RFC 3464 (delivery reports), RFC 5965
(complaints), RFC 8098 (read receipts), the habits of Exchange and Gmail.
"""

import hashlib
import re
import unicodedata
from dataclasses import dataclass, field, replace
from datetime import datetime
from email.message import Message

from ..mail.message import Attachment
from . import automatic, budget, mime
from .absence import Absence, read_absence
from .delivery_report import looks_like_report, read_failures, read_rejection
from .notification import read_notification
from .reply_text import MAX_CHARS, QUOTE_MARK, is_forwarded, split_quote
from .status_block import Failure, attached, original_ids

MAX_ATTACHMENTS = 20
MAX_ATTACHMENT_BYTES = 10_000_000
_MAX_NAMES = 50
_SNIPPET = 200
_TOKEN = re.compile(r"^chaser\+([a-z0-9_-]{20,64})@", re.I)
# Our own links, which a quoted reminder holds when its references were lost: open,
# click, unsubscribe, the customer's page.
_LINK_TOKEN = re.compile(r"/chaser/[a-z]/([\w-]{20,64})")
_MAX_REFERENCES = 200


@dataclass(frozen=True)
class Outline:
    """What the headers alone tell. Times are UTC without a time zone."""

    message_id: str
    sender: str
    sender_name: str
    recipients: tuple[str, ...]
    subject: str
    date: datetime | None
    references: tuple[str, ...]
    tokens: tuple[str, ...]
    is_report: bool
    is_automatic: bool
    is_list: bool


@dataclass(frozen=True)
class Inbound(Outline):
    """``kind``: ``reply``, ``auto_reply``, ``bounce``, ``complaint``, ``notice`` (says
    that all is well, or is not meant for anybody) or ``broken`` (it would take too
    long to read). ``source``: the mail itself, up to ``mime.MAX_BYTES``."""

    kind: str = "reply"
    text: str = ""
    failures: tuple[Failure, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    # Names of files that are too large, too many or cut.
    left_out: tuple[str, ...] = ()
    # The mail is longer than what was read of it.
    is_cut: bool = False
    digest: str = ""
    source: bytes = field(default=b"", repr=False)
    # What they answered to, as far as their mail repeats it: shown folded.
    quoted: str = ""
    # What an out-of-office reply proposes: wait until a day, or write to somebody else.
    absence: Absence | None = None

    @property
    def key(self) -> str:
        """The same for the same mail, however often and wherever it is read."""
        return self.message_id or f"sha256:{self.digest}"

    @property
    def snippet(self) -> str:
        words = " ".join(self.text.split())
        return words if len(words) <= _SNIPPET else words[: _SNIPPET - 1].rstrip() + "…"


def outline(raw: bytes) -> Outline:
    """From the header block of a mail; never raises. Headers that use up the time are
    called a report, so that the mail is looked at, set aside and listed."""
    try:
        with budget.limited():
            return Outline(**_outline_values(mime.parse(raw.rstrip() + b"\r\n\r\n")))
    except budget.TooExpensive:
        return Outline(**_find_plain_values(raw) | {"is_report": True})


def read(raw: bytes | Message) -> Inbound:
    """The whole mail, understood; never raises. A mail that uses up its time comes back
    as ``broken``, by what its headers say plainly, for a person to read."""
    source = raw if isinstance(raw, bytes) else mime.to_bytes(raw)
    digest = hashlib.sha256(source).hexdigest()
    try:
        with budget.limited():
            found = _read(mime.parse(source) if source or raw is source else raw)
    except budget.TooExpensive:
        found = Inbound(**_find_plain_values(source), kind="broken", is_cut=True)
    return replace(
        found,
        digest=digest,
        source=source[: mime.MAX_BYTES],
        is_cut=found.is_cut or mime.is_beyond_limit(source),
    )


def _find_plain_values(raw: bytes) -> dict:
    """The first lines of a mail, without decoding anything."""
    found = {}
    for line in raw[:20_000].split(b"\n")[:200]:
        name, _colon, value = line.partition(b":")
        words = mime.clean(value[:500].decode("utf-8", "replace"), one_line=True)
        found.setdefault(name.strip().lower(), words)
    return {
        "message_id": next(iter(mime.message_ids(found.get(b"message-id", ""))), ""),
        "sender": next(iter(mime.find_addresses(found.get(b"from", ""))), ""),
        "sender_name": "",
        "recipients": (),
        "subject": found.get(b"subject", ""),
        "date": None,
        "references": tuple(mime.message_ids(found.get(b"in-reply-to", ""))),
        "tokens": (),
        "is_report": False,
        "is_automatic": False,
        "is_list": False,
    }


def _read(mail: Message) -> Inbound:
    values = _outline_values(mail)
    kind, failures, ids = read_notification(mail) or (*_classify(mail, values), [])
    if kind in ("bounce", "complaint", "notice"):
        ids += original_ids(mail)
        values["references"] = tuple(dict.fromkeys((*ids, *values["references"])))
    values["tokens"] = tuple(
        dict.fromkeys((*values["tokens"], *_find_link_tokens(mail)))
    )
    text = mime.body(mail)
    own, quoted = text.replace(QUOTE_MARK, "> ")[:5000], ""
    if kind in ("reply", "auto_reply"):
        own, quoted = split_quote(text, is_forwarded(values["subject"]))
        if automatic.is_automatic_by_words(mail, own):
            kind = "auto_reply"
    attachments, left_out = _read_attachments(mail) if kind == "reply" else ((), ())
    return Inbound(
        **values,
        kind=kind,
        failures=tuple(failures),
        attachments=attachments,
        left_out=left_out,
        text=own,
        quoted=quoted,
        is_cut=bool(mime.find_cut_parts(mail)) or len(text) > MAX_CHARS,
        absence=_read_absence(own, values) if kind == "auto_reply" else None,
    )


def _read_absence(own: str, values: dict) -> Absence | None:
    sent = values["date"]
    return read_absence(own, values["sender"], sent.date() if sent else None)


def _find_link_tokens(mail: Message) -> list[str]:
    texts = (
        mime.text_of(part)
        for part in mime.parts(mail)
        if part.get_content_maintype() == "text" and not mime.is_attachment(part)
    )
    return [token.lower() for text in texts for token in _LINK_TOKEN.findall(text)][:20]


def _outline_values(mail: Message) -> dict:
    name, address = mime.sender(mail)
    recipients = mime.addresses(
        mail, "Delivered-To", "X-Original-To", "To", "Cc", "Resent-To"
    )
    return {
        "message_id": next(iter(mime.message_ids(mime.header(mail, "Message-ID"))), ""),
        "sender": address,
        "sender_name": name,
        "recipients": tuple(recipients),
        "subject": mime.header(mail, "Subject")[:500],
        "date": mime.date(mail),
        "references": tuple(
            mime.message_ids(
                *(
                    mime.header(mail, key)[-8000:]
                    for key in ("In-Reply-To", "X-Microsoft-Original-Message-ID")
                ),
                " ".join(mime.header(mail, "References").split()[-_MAX_REFERENCES:]),
            )
        ),
        "tokens": tuple(
            match[1].lower() for match in map(_TOKEN.match, recipients) if match
        ),
        # A head of which nothing can be read says nothing: the mail is looked at.
        "is_report": looks_like_report(mail) or not mime.header_names(mail),
        "is_automatic": automatic.is_automatic(mail),
        "is_list": bool(
            mime.header(mail, "List-Id") or mime.header(mail, "List-Unsubscribe")
        ),
    }


# -- what it is


def _classify(mail: Message, values: dict) -> tuple[str, list[Failure]]:
    report_type = re.search(
        r'report-type="?([\w-]+)', mime.header(mail, "Content-Type"), re.I
    )
    report_type = report_type[1].lower() if report_type else ""
    kinds = {mime.content_type(part) for part in mime.parts(mail)}
    if report_type == "feedback-report" or "message/feedback-report" in kinds:
        return _classify_feedback(mail)
    if _is_microsoft_complaint(mail):
        return "complaint", _read_complaint(mail)
    if (
        report_type == "disposition-notification"
        or "message/disposition-notification" in kinds
    ):
        failures = read_rejection(mail)
        return ("bounce", failures) if failures else ("notice", [])
    failures = read_failures(mail)
    if failures:
        return (
            "notice"
            if all(failure.verdict == "delivered" for failure in failures)
            else "bounce"
        ), failures
    if values["is_automatic"]:
        return "auto_reply", []
    # What passes a list is an answer, too: a shared mailbox may be one.
    return "reply", []


def _classify_feedback(mail: Message) -> tuple[str, list[Failure]]:
    """Abuse and opt-out say what the customer wants. "not-spam" praises, "auth-failure"
    and "virus" are about the mail; what else there may be, a person reads."""
    kinds, failures = _read_feedback_kinds(mail), _read_complaint(mail)
    if kinds & {"abuse", "opt-out", "opt-out-list"}:
        return "complaint", failures
    if kinds <= {"not-spam", "auth-failure", "virus"}:
        return "notice", failures
    return "complaint", [replace(failure, verdict="feedback") for failure in failures]


def _read_feedback_kinds(mail: Message) -> set[str]:
    """Feedback types (RFC 5965 §7.3, RFC 6591). A report that says none means abuse."""
    return {
        mime.header(attached(part), "Feedback-Type").lower().strip() or "abuse"
        for part in mime.parts(mail)
        if mime.content_type(part) == "message/feedback-report"
    } or {"abuse"}


def _is_microsoft_complaint(mail: Message) -> bool:
    """JMRP: from staff@hotmail.com, with the message attached."""
    return mime.sender(mail)[1] in ("staff@hotmail.com", "staff@outlook.com") and any(
        mime.content_type(part) == "message/rfc822" for part in mime.parts(mail)
    )


def _read_complaint(mail: Message) -> list[Failure]:
    """Whom a complaint is about (RFC 5965 §3.2); many services hide the address; then
    it is read from the mail in the report."""
    found, originals = [], []
    for part in mime.parts(mail):
        kind = mime.content_type(part)
        if kind == "message/feedback-report":
            found += mime.addresses(
                attached(part), "Original-Rcpt-To", "Removal-Recipient"
            )
        elif kind in ("message/rfc822", "text/rfc822-headers"):
            originals += mime.addresses(
                attached(part), "X-HmXmrOriginalRecipient", "To"
            )
    return [
        Failure(address, "complained", verdict="complaint")
        for address in dict.fromkeys(found or originals)
    ]


def _read_attachments(
    mail: Message,
) -> tuple[tuple[Attachment, ...], tuple[str, ...]]:
    """Files of an answer, up to a number and a size in all; names of those left out."""
    kept, size, left_out, cut = [], 0, [], mime.find_cut_parts(mail)
    for part in mime.parts(mail):
        if not mime.is_attachment(part):
            continue
        budget.check()
        data, name = mime.content(part), mime.filename(part) or mime.make_filename(part)
        # Half a file is worse than none: it looks like the whole.
        if (
            part in cut
            or len(kept) >= MAX_ATTACHMENTS
            or size + len(data) > MAX_ATTACHMENT_BYTES
        ):
            left_out.append(name)
            continue
        size += len(data)
        kept.append(Attachment(name, data, mime.content_type(part)))
    return tuple(kept), tuple(left_out[:_MAX_NAMES])


# -- whom it is about


def find_numbers(text: str, numbers: list[str]) -> list[str]:
    """Those of our document numbers that a text names, however its writer spells them:
    other digits, other separators, small letters."""
    words = _fold(text)
    return [
        number
        for number in numbers
        if len(number) > 3 and re.search(rf"(?<!\w){_pattern(number)}(?!\w)", words)
    ]


def _pattern(number: str) -> str:
    return r"[\s/_.-]{0,2}".join(map(re.escape, re.findall(r"\w+", _fold(number))))


def _fold(text: str) -> str:
    text = "".join(
        str(unicodedata.digit(char)) if char.isdigit() and not char.isascii() else char
        for char in text
    )
    return text.casefold().replace("_", "-")
