"""Reports of mail servers about mail they could not deliver, or not yet (RFC 3464), and what others write instead."""

import contextlib
import logging
import re
from dataclasses import dataclass
from email.message import Message

from flufl.bounce import all_failures

from . import mime

# The library logs an error of one of its detectors as ours before it raises it; we go on without.
logging.getLogger("flufl.bounce").setLevel(logging.CRITICAL + 1)

_STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?!\.?\d)")
_REPLY_CODE = re.compile(r"(?<![\d.#])([45]\d\d)(?=[ :-])")
_UNKNOWN = re.compile(
    r"user (?:is )?unknown|unknown (?:user|recipient|address|local)|no such (?:user|recipient|person|mailbox|address|domain)|does ?n[o']t (?:exist|have an?\b)"
    r"|not (?:be )?found|could ?n[o']t be found|no mailbox|invalid (?:recipient|address|mailbox)"
    r"|(?:recipient|mailbox|address|account) (?:is )?(?:unknown|disabled|inactive|unavailable)"
    r"|unrouteable|recipient address rejected|not a (?:valid|known) (?:user|mailbox)|has no mx|null ?mx|no longer (?:on|valid|with|in use)|isn't in my control",
    re.I)
_FULL = re.compile(r"quota|mailbox (?:is )?full|over ?limit|insufficient (?:system )?storage|out of storage|too large|size limit", re.I)
_SPAM = re.compile(
    r"spam|policy|blocked|black ?list|block ?list|reputation|unsolicited|dmarc|\bspf\b|dkim|content (?:rejected|filter)|banned|refused your mail", re.I)
_BUSY = re.compile(r"\brate\b|too (?:many|fast|quickly)|throttl|busy|try again|greylist", re.I)
# Exchange: groups and people that take mail from some senders only (5.7.12x, 5.7.13x). No fault of ours that others would meet, too.
_RESTRICTED = {124, 129, 133, 134, 135, 136, 193, 200, 201}
_REACHED = {"delivered", "relayed", "expanded"}
_DAEMON = re.compile(r"^(?:mailer-?daemon|postmaster|mail-?delivery|mdaemon|bounces?)(?:[+.=@-]|$)", re.I)
_SUBJECT = re.compile(
    r"undeliver|delivery (?:status|failure|has failed|report|notification)|returned (?:mail|to sender)|failure notice"
    r"|mail (?:delivery )?(?:failed|failure|system error)"
    r"|could not be delivered|non remis|unzustellbar|delayed|تعذر تسليم|تعذّر تسليم|لم يتم تسليم|غير قابلة? للتسليم|فشل التسليم", re.I)
_ORIGINAL_ID = re.compile(r"^[ \t>]*(?:X-Microsoft-Original-)?Message-ID:\s*(<[^<>\s]{3,250}>)", re.I | re.M)


@dataclass(frozen=True)
class Failure:
    """One recipient of a report. ``verdict``: ``hard`` (the address does not exist), ``soft`` (it failed, another time may do), ``delayed``
    (still being tried), ``policy`` (refused as spam or by a rule) or ``delivered``. ``widespread``: a refusal that the next message would meet as well."""

    address: str
    action: str = ""
    status: str = ""
    words: str = ""
    verdict: str = "soft"
    widespread: bool = False
    original: str = ""

    @property
    def addresses(self) -> tuple[str, ...]:
        """The address we wrote to, as far as the report knows it, then the one that failed (a forwarded mail has two)."""
        return tuple(dict.fromkeys(filter(None, (self.original, self.address))))


def looks_like_report(mail: Message) -> bool:
    """By its headers alone: worth reading as a report of a mail server."""
    content_type = mime.header(mail, "Content-Type").lower()
    return (
        content_type.startswith("multipart/report") or "delivery-status" in content_type or bool(mime.header(mail, "X-Failed-Recipients"))
        or bool(_DAEMON.match(mime.sender(mail)[1].partition("@")[0])) or mime.header(mail, "Return-Path") == "<>"
        or (bool(_SUBJECT.search(mime.header(mail, "Subject"))) and not mime.header(mail, "In-Reply-To"))
    )


def read_failures(mail: Message) -> list[Failure]:
    """Every recipient that a report speaks of, whatever became of it; empty when it is no report."""
    failures = [failure for part in _status_parts(mail) for failure in _read_status_part(part)]
    if not failures and looks_like_report(mail):
        failures = _read_words(mail)
    return list({failure.addresses: failure for failure in reversed(failures)}.values())[::-1]


def original_ids(mail: Message) -> list[str]:
    """Message-IDs of the mail that the report is about: attached whole, as headers, or copied into the text."""
    found = []
    for part in mime.parts(mail):
        kind = part.get_content_type()
        if kind in ("message/rfc822", "message/global", "text/rfc822-headers", "message/rfc822-headers", "message/global-headers"):
            original = attached(part)
            found += mime.message_ids(*(mime.header(original, name) for name in ("X-Microsoft-Original-Message-ID", "Message-ID")))
        elif kind in ("text/plain", "text/html"):
            found += _ORIGINAL_ID.findall(mime.text_of(part))
    return list(dict.fromkeys(found))


def attached(part: Message) -> Message:
    """The message inside a part, however it was put there."""
    payload = part.get_payload()
    if isinstance(payload, list) and payload and isinstance(payload[0], Message) and payload[0].keys():
        return payload[0]
    return mime.parse(mime.content(part) or str(payload).encode("utf-8", "replace"))


# -- standard reports


def _status_parts(mail: Message) -> list[Message]:
    return [part for part in mime.parts(mail) if part.get_content_type() in ("message/delivery-status", "message/global-delivery-status")]


def _read_status_part(part: Message) -> list[Failure]:
    payload = part.get_payload()
    blocks = [block for block in payload if isinstance(block, Message)] if isinstance(payload, list) else []
    if not any("final-recipient" in map(str.lower, block.keys()) for block in blocks):
        text = mime.decode(mime.content(part)) or "\n\n".join(map(str, blocks))
        blocks = [mime.parse(block.encode("utf-8", "replace")) for block in re.split(r"\r?\n[ \t]*\r?\n", text.strip())]
    return [_read_block(block) for block in blocks[:500] if mime.header(block, "Final-Recipient") or mime.header(block, "Original-Recipient")]


def _read_block(block: Message) -> Failure:
    action = mime.header(block, "Action").lower().split(" ")[0].strip(";")
    status = mime.header(block, "Status").split(" ")[0]
    words = mime.header(block, "Diagnostic-Code")
    words = re.sub(r"^\s*[\w-]+\s*;\s*", "", words)[:500]
    verdict, widespread, status = judge(action, status, words)
    return Failure(
        address=_recipient(block, "Final-Recipient"), original=_recipient(block, "Original-Recipient"), action=action, status=status,
        words=words, verdict=verdict, widespread=widespread)


def _recipient(block: Message, name: str) -> str:
    # "rfc822; a@b"; Exchange writes a bare address, others an X.400 one, and some encode it (RFC 3461 xtext).
    found = mime.addresses(block, name)
    return re.sub(r"\+([0-9a-f]{2})", lambda hit: chr(int(hit[1], 16)), found[0]) if found and "+40" in found[0] else found[0] if found else ""


def judge(action: str, status: str, words: str) -> tuple[str, bool, str]:
    """Verdict, whether it concerns more than this recipient, and the status in use.

    RFC 3464 §2.3.3 (Action), RFC 3463 (Status). A status that says nothing ("5.0.0") gives way to the one in the server's own words.
    """
    match = _STATUS.search(status)
    code = tuple(map(int, match.groups())) if match else (0, 0, 0)
    inner = _STATUS.search(words)
    if inner and code[1:] == (0, 0):
        code = tuple(map(int, inner.groups()))
    if not code[0]:
        reply = _REPLY_CODE.search(words)
        code = (int(reply[1][0]), 0, 0) if reply else (5, 0, 0)
    text = ".".join(map(str, code))
    if action in _REACHED or (not action and code[0] == 2):
        return "delivered", False, text
    if action == "delayed":
        return "delayed", False, text
    if code[0] != 5:
        return "soft", False, text
    return *_judge_permanent(code, words), text


def _judge_permanent(code: tuple, words: str) -> tuple[str, bool]:
    _class, subject, detail = code
    if subject == 7:
        return "policy", detail not in _RESTRICTED and not _UNKNOWN.search(words)
    if subject == 1:
        # 5.1.7 and 5.1.8 speak of the sender's address; 5.1.90 of the sender's daily limit (Exchange).
        return ("policy", True) if detail in (7, 8) else ("soft", False) if detail == 90 else ("hard", False)
    if subject == 2:
        return ("hard" if detail == 1 and not _BUSY.search(words) else "soft"), False
    if subject == 4:
        # No such domain: 5.4.4 (Postfix), 5.4.310 (Exchange); no such address behind Exchange's edge: 5.4.1 "Recipient address rejected".
        return ("hard" if detail in (4, 310) or (detail == 1 and _UNKNOWN.search(words)) else "soft"), False
    return _judge_words(words, subject)


def _judge_words(words: str, subject: int) -> tuple[str, bool]:
    """Where the code says nothing about the address: the words, then the SMTP reply (RFC 5321: 550, 551, 553 speak of the mailbox)."""
    if _FULL.search(words):
        return "soft", False
    if _UNKNOWN.search(words):
        return "hard", False
    if _SPAM.search(words):
        return "policy", True
    reply = _REPLY_CODE.search(words)
    known = subject == 0 and (not reply or reply[1] in ("550", "551", "553"))
    return ("hard" if known else "soft"), False


# -- reports in words


def _read_words(mail: Message) -> list[Failure]:
    text = mime.body(mail)
    temporary, permanent = set(), set()
    with contextlib.suppress(Exception):  # a detector of the library may stumble over any mail
        temporary, permanent = (_texts(found) for found in all_failures(_shorten(mail, text)))
    permanent |= set(mime.addresses(mail, "X-Failed-Recipients"))
    failures = [_judge_near(address, text, "failed") for address in sorted(permanent)[:200]]
    return failures + [Failure(address, "delayed", verdict="delayed", words=_near(address, text)) for address in sorted(temporary - permanent)[:200]]


def _shorten(mail: Message, text: str) -> Message:
    """The beginning of a report, for a library that tries hundreds of patterns at each line."""
    short = Message()
    for name in ("From", "To", "Subject", "X-Mailer"):
        short[name] = mime.header(mail, name)[:300]
    short.set_payload("\n".join(line[:300] for line in text[:20_000].split("\n")[:300]) + "\n")
    return short


def _texts(found: frozenset) -> set[str]:
    texts = (address.decode("ascii", "ignore") if isinstance(address, bytes) else str(address) for address in found)
    return {address for text in texts for address in mime.find_addresses(text)[:1]}


def _judge_near(address: str, text: str, action: str) -> Failure:
    words = _near(address, text)
    verdict, widespread, status = judge(action, "", words)
    return Failure(address, action, status, words, verdict, widespread)


def _near(address: str, text: str) -> str:
    """The lines from the address on, where servers write why."""
    position = max(text.lower().find(address), 0)
    return mime.clean(text[position + len(address) : position + 600] if address in text.lower() else text[:600], one_line=True)[:500]
