"""What came in: an answer, an automatic reply, a report of a mail server, a complaint. And whom it is about.

Sources: RFC 3834 (automatic responses), RFC 3464 (delivery reports), RFC 5965 (complaints), RFC 8098 (read receipts), the habits of Exchange and Gmail.
"""

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from email.message import Message

from ..mail.message import Attachment
from . import mime
from .delivery_report import Failure, attached, looks_like_report, original_ids, read_failures
from .reply_text import QUOTE_MARK, is_forwarded, split_quote

MAX_ATTACHMENTS = 20
MAX_ATTACHMENT_BYTES = 5_000_000
_SNIPPET = 200
_TOKEN = re.compile(r"^chaser\+([a-z0-9_-]{20,64})@", re.I)
# Our own links, which a quoted reminder holds when its references were lost: open, click, unsubscribe, the customer's page.
_LINK_TOKEN = re.compile(r"/chaser/[a-z]/([\w-]{20,64})")
_AUTO_HEADERS = (
    "X-Autoreply", "X-Autorespond", "X-Auto-Reply", "X-Autoresponse", "X-Mail-Autoreply", "X-MS-Exchange-Inbox-Rules-Loop", "X-FC-MachineGenerated")
_AUTO_SUBJECT = re.compile(
    r"^[\s\u200e\u200f]*(?:(?:re|fw|fwd|رد|ر)\s*:\s*)*(?:automatic reply|auto(?:matic)?[- ]?(?:reply|response|answer)|out of (?:the )?office"
    r"|ooo\b|on (?:annual |sick )?leave|away from (?:the |my )?(?:office|desk)|vacation (?:reply|response|notice)"
    r"|رد تلقائي|الرد التلقائي|ردّ? آلي|خارج المكتب|خارج مكتبي|في إجازة|إجازة سنوية|أنا في إجازة)",
    re.I)


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
    """``kind``: ``reply``, ``auto_reply``, ``bounce``, ``complaint`` or ``notice`` (says that all is well, or is not meant for anybody)."""

    kind: str = "reply"
    text: str = ""
    failures: tuple[Failure, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    left_out: int = 0
    digest: str = ""
    # What they answered to, as far as their mail repeats it: shown folded.
    quoted: str = ""

    @property
    def key(self) -> str:
        """The same for the same mail, however often and wherever it is read."""
        return self.message_id or f"sha256:{self.digest}"

    @property
    def snippet(self) -> str:
        words = " ".join(self.text.split())
        return words if len(words) <= _SNIPPET else words[: _SNIPPET - 1].rstrip() + "…"


def outline(raw: bytes) -> Outline:
    """From the header block of a mail; never raises."""
    return Outline(**_outline_values(mime.parse(raw.rstrip() + b"\r\n\r\n")))


def read(raw: bytes | Message) -> Inbound:
    """The whole mail, understood; never raises."""
    mail = mime.parse(raw) if isinstance(raw, bytes) else raw
    values = _outline_values(mail)
    kind, failures = _classify(mail, values)
    if kind in ("bounce", "complaint", "notice"):
        values["references"] = tuple(dict.fromkeys((*original_ids(mail), *values["references"])))
    values["tokens"] = tuple(dict.fromkeys((*values["tokens"], *_find_link_tokens(mail))))
    text = mime.body(mail)
    attachments, left_out = _read_attachments(mail) if kind == "reply" else ((), 0)
    source = raw if isinstance(raw, bytes) else repr((values["sender"], values["subject"], values["date"], text)).encode("utf-8", "replace")
    own, quoted = text.replace(QUOTE_MARK, "> ")[:5000], ""
    if kind in ("reply", "auto_reply"):
        own, quoted = split_quote(text, is_forwarded(values["subject"]))
    return Inbound(
        **values, kind=kind, failures=tuple(failures), attachments=attachments, left_out=left_out, text=own, quoted=quoted,
        digest=hashlib.sha256(source).hexdigest())


def _find_link_tokens(mail: Message) -> list[str]:
    texts = (mime.text_of(part) for part in mime.parts(mail) if part.get_content_maintype() == "text" and not mime.is_attachment(part))
    return [token.lower() for text in texts for token in _LINK_TOKEN.findall(text)][:20]


def _outline_values(mail: Message) -> dict:
    name, address = mime.sender(mail)
    recipients = mime.addresses(mail, "Delivered-To", "X-Original-To", "To", "Cc", "Resent-To")
    return {
        "message_id": next(iter(mime.message_ids(mime.header(mail, "Message-ID"))), ""), "sender": address, "sender_name": name,
        "recipients": tuple(recipients), "subject": mime.header(mail, "Subject")[:500], "date": mime.date(mail),
        "references": tuple(mime.message_ids(*(mime.header(mail, key)[-8000:] for key in ("In-Reply-To", "X-Microsoft-Original-Message-ID")),
                                             " ".join(mime.header(mail, "References").split()[-32:]))),
        "tokens": tuple(match[1].lower() for match in map(_TOKEN.match, recipients) if match),
        "is_report": looks_like_report(mail), "is_automatic": _is_automatic(mail),
        "is_list": bool(mime.header(mail, "List-Id") or mime.header(mail, "List-Unsubscribe")),
    }


# -- what it is


def _classify(mail: Message, values: dict) -> tuple[str, list[Failure]]:
    report_type = re.search(r'report-type="?([\w-]+)', mime.header(mail, "Content-Type"), re.I)
    report_type = report_type[1].lower() if report_type else ""
    kinds = {part.get_content_type() for part in mime.parts(mail)}
    if report_type == "feedback-report" or "message/feedback-report" in kinds:
        return "complaint", _read_complaint(mail)
    if report_type == "disposition-notification" or "message/disposition-notification" in kinds:
        return "notice", []
    failures = read_failures(mail)
    if failures:
        return ("notice" if all(failure.verdict == "delivered" for failure in failures) else "bounce"), failures
    if values["is_automatic"]:
        return "auto_reply", []
    return ("notice" if values["is_list"] else "reply"), []


def _is_automatic(mail: Message) -> bool:
    """RFC 3834 §5; Precedence; Exchange's and Gmail's marks; the subject, in English and Arabic."""
    submitted = mime.header(mail, "Auto-Submitted").lower().split(";")[0].strip()
    precedence = mime.header(mail, "Precedence").lower().strip()
    return (
        submitted not in ("", "no") or precedence in ("auto_reply", "auto-reply", "bulk", "junk")
        or any(mime.header(mail, name).lower() not in ("", "no", "false") for name in _AUTO_HEADERS)
        or mime.header(mail, "X-Auto-Response-Suppress").lower() not in ("", "none")
        or "rules agent" in mime.header(mail, "X-MS-Exchange-Generated-Message-Source").lower()
        or "autoresponder" in f"{mime.header(mail, 'X-POST-MessageClass')} {mime.header(mail, 'Delivered-To')}".lower()
        or mime.header(mail, "Return-Path").strip() == "<>" or bool(_AUTO_SUBJECT.match(mime.header(mail, "Subject")))
    )


def _read_complaint(mail: Message) -> list[Failure]:
    """Whom a complaint is about (RFC 5965 §3.2); many services hide it, then the mail in it tells."""
    found, originals = [], []
    for part in mime.parts(mail):
        kind = part.get_content_type()
        if kind == "message/feedback-report":
            found += mime.addresses(attached(part), "Original-Rcpt-To", "Removal-Recipient")
        elif kind in ("message/rfc822", "text/rfc822-headers"):
            originals += mime.addresses(attached(part), "To")
    return [Failure(address, "complained", verdict="complaint") for address in dict.fromkeys(found or originals)]


def _read_attachments(mail: Message) -> tuple[tuple[Attachment, ...], int]:
    """Files of an answer, up to a number and a size in all; how many were left out."""
    kept, size, left_out = [], 0, 0
    for part in mime.parts(mail):
        if not mime.is_attachment(part):
            continue
        data = mime.content(part)
        if len(kept) >= MAX_ATTACHMENTS or size + len(data) > MAX_ATTACHMENT_BYTES:
            left_out += 1
            continue
        size += len(data)
        kept.append(Attachment(mime.filename(part) or "attachment", data, part.get_content_type()))
    return tuple(kept), left_out


# -- whom it is about


def find_numbers(text: str, numbers: list[str]) -> list[str]:
    """Those of our document numbers that a text names, however its writer spells them: other digits, other separators, small letters."""
    words = _fold(text)
    return [number for number in numbers if len(number) > 3 and re.search(rf"(?<!\w){_pattern(number)}(?!\w)", words)]


def _pattern(number: str) -> str:
    return r"[\s/_.-]{0,2}".join(map(re.escape, re.findall(r"\w+", _fold(number))))


def _fold(text: str) -> str:
    text = "".join(str(unicodedata.digit(char)) if char.isdigit() and not char.isascii() else char for char in text)
    return text.casefold().replace("_", "-")
