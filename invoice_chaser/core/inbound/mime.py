"""Reading what others wrote: mail whose form cannot be trusted. Nothing here raises, whatever it is given.

Every text that comes out is plain Unicode without NUL, control characters and lone surrogates, so that a database takes it.
"""

import contextlib
import email
import email.header
import email.parser
import email.utils
import re
from collections.abc import Iterator
from datetime import datetime, timezone
from email.message import Message
from email.policy import compat32

from lxml import html as lxml_html

MAX_BYTES = 10_000_000
MAX_TEXT = 100_000  # characters of a body that are looked at
_MAX_PARTS = 200
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u0085\u2028\u2029\ud800-\udfff]")
_ADDRESS = re.compile(r"[^\s<>\"'(),:;\[\]\\@]+@[^\s<>\"'(),:;\[\]\\@]+\.[^\s<>\"'(),:;\[\]\\@.]+")
_MESSAGE_ID = re.compile(r"<[^<>\s]{3,250}>")
# Parts of an HTML mail that repeat the mail answered to: Gmail, Outlook (desktop and web), Yahoo, Thunderbird, Apple.
_QUOTES = (
    "//head|//style|//script|//title|//blockquote|//*[contains(concat(' ', @class, ' '), ' gmail_quote ')]"
    "|//*[contains(@class, 'gmail_quote_container')]|//*[contains(@class, 'yahoo_quoted')]|//*[contains(@class, 'moz-cite-prefix')]"
    "|//*[@id='divRplyFwdMsg']|//*[@id='divRplyFwdMsg']/following-sibling::*|//*[@id='appendonsend']/following-sibling::*"
)


def parse(raw: bytes) -> Message:
    """The message; of one that is nested beyond reason, the headers alone."""
    try:
        return email.message_from_bytes(raw[:MAX_BYTES], policy=compat32)
    except Exception:  # the standard parser promises not to raise, and does (RecursionError, ValueError)
        return email.parser.BytesHeaderParser(policy=compat32).parsebytes(raw.partition(b"\r\n\r\n")[0][:100_000])


def clean(text: str, one_line: bool = False) -> str:
    """Without what a database or a screen cannot take."""
    text = _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return " ".join(text.split()) if one_line else text


def decode(data: bytes, charset: str | None = None) -> str:
    """Text from bytes: in the charset they claim, else UTF-8, else the one of Arabic Windows, which leaves few bytes undefined."""
    for name in (charset, "utf-8", "cp1256"):
        if name:
            with contextlib.suppress(LookupError, ValueError):
                return data.decode(name)
    return data.decode("latin-1")


def headers(mail: Message, name: str) -> list[str]:
    """All values of a header, decoded (RFC 2047), each on one line."""
    name = name.lower()
    return [_decode_header(str(value)) for key, value in _raw_headers(mail) if key.lower() == name]


def header(mail: Message, name: str) -> str:
    """The first value of a header; empty when it is missing."""
    return next(iter(headers(mail, name)), "")


def _raw_headers(mail: Message) -> list:
    # raw_items: a header object of the newer policies would be parsed here, and may raise.
    return list(mail.raw_items())[:1000]


def _decode_header(value: str) -> str:
    value = decode(value[:20_000].encode("utf-8", "surrogateescape"))
    if "=?" in value:
        try:
            parts = email.header.decode_header(value)
        except Exception:
            parts = [(value, None)]
        value = "".join(part if isinstance(part, str) else decode(part, charset) for part, charset in parts)
    return clean(value, one_line=True)


def addresses(mail: Message, *names: str) -> list[str]:
    """Plain addresses in these headers, lower case, in order, each once."""
    found = [address.lower() for name in names for value in headers(mail, name) for address in _ADDRESS.findall(value)]
    return list(dict.fromkeys(found))


def sender(mail: Message) -> tuple[str, str]:
    """Name and address of the author."""
    value = header(mail, "From")
    address = next(iter(reversed(_ADDRESS.findall(value))), "")
    name = email.utils.parseaddr(value)[0] or value.replace(f"<{address}>", "").replace(address, "")
    return name.strip(" \"'<>")[:200], address.lower()


def message_ids(*values: str) -> list[str]:
    """Message-IDs with their angle brackets, in order, each once."""
    return list(dict.fromkeys(found for value in values for found in _MESSAGE_ID.findall(value)))


def date(mail: Message) -> datetime | None:
    """When it says it was written, in UTC, without a time zone; None when it does not say, or nonsense."""
    try:
        moment = email.utils.parsedate_to_datetime(header(mail, "Date"))
        moment = moment.astimezone(timezone.utc) if moment.tzinfo else moment
        return moment.replace(tzinfo=None, microsecond=0) if 1990 < moment.year < 2100 else None
    except (TypeError, ValueError, OverflowError, IndexError):
        return None


def parts(mail: Message) -> Iterator[Message]:
    """The leaves of a message, without what lies inside an attached message."""
    waiting, seen = [mail], 0
    while waiting and seen < _MAX_PARTS:
        part, seen = waiting.pop(0), seen + 1
        payload = part.get_payload()
        if part.get_content_maintype() == "multipart" and isinstance(payload, list):
            waiting = [child for child in payload if isinstance(child, Message)] + waiting
        else:
            yield part


def content(part: Message) -> bytes:
    """A leaf's bytes, its transfer encoding undone as far as it goes."""
    try:
        return part.get_payload(decode=True) or b""
    except Exception:
        return b""


def text_of(part: Message) -> str:
    try:
        charset = part.get_content_charset()
    except Exception:
        charset = None
    return clean(decode(content(part)[: MAX_TEXT * 4], charset))[:MAX_TEXT]


def filename(part: Message) -> str:
    try:
        name = part.get_filename() or ""
    except Exception:
        name = ""
    return _decode_header(name).replace("/", "_").replace("\\", "_")[:150]


def is_attachment(part: Message) -> bool:
    return bool(filename(part)) or (header(part, "Content-Disposition").lower().startswith("attachment"))


def body(mail: Message) -> str:
    """The text of a message: its plain part, else its HTML without the mail it repeats."""
    leaves = [part for part in parts(mail) if not is_attachment(part)]
    for kind, read in (("text/plain", text_of), ("text/html", lambda part: html_to_text(text_of(part)))):
        for part in leaves:
            if part.get_content_type() == kind:
                text = read(part).strip()
                if text:
                    return text
    return ""


def html_to_text(markup: str) -> str:
    """The words of an HTML mail, in lines, without the mail it repeats."""
    try:
        root = lxml_html.document_fromstring(markup or "<p></p>")
        for element in root.xpath(_QUOTES):
            if element.getparent() is not None:
                element.drop_tree()
        for element in root.iter("br", "p", "div", "tr", "li", "h1", "h2", "h3", "table"):
            element.tail = "\n" + (element.tail or "")
        text = root.text_content()
    except Exception:  # lxml has many ways to say that this is no HTML
        text = re.sub(r"<[^<>]*>", " ", markup)
    lines = [" ".join(line.split()) for line in clean(text).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
