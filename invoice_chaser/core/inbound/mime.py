"""Reads mail whose form cannot be trusted. Nothing here raises, whatever it is given.

Every text that comes out is plain Unicode without NUL, control characters and lone
surrogates, so that a database takes it.
"""

import base64
import contextlib
import email
import email.errors
import email.generator
import email.header
import email.parser
import email.utils
import io
import itertools
import mimetypes
import re
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from email.message import Message
from email.policy import compat32

from . import budget
from .html_text import html_to_text
from .reply_text import QUOTE_MARK

MAX_BYTES = 10_000_000
MAX_TEXT = 100_000  # characters of a body that are looked at
_MAX_PARTS = 200
_CONTROL = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u0085\u2028\u2029\ud800-\udfff]"
)
# A mail is not read beyond these limits, so that reading time grows only with its
# length.
_MAX_LINES = 250_000
_MAX_HEAD = 500_000
# Between two chunks the time is looked at: what one takes, however it is made, is far
# below a second.
_CHUNK = 50_000
_MAX_MULTIPARTS = 50
_MAX_HEADERS = 1000
_MAX_HEADER_CHARS = 20_000  # of one header
_MAX_HEADERS_CHARS = 100_000  # of all headers with one name
_MAX_ADDRESSES = 2000
_ENDS_ADDRESS = frozenset(' \t\r\n\f\v<>"(),:;[]\\@\u00a0\u200e\u200f\u200b\ufeff')
_HEAD_END = re.compile(rb"\n\r?\n|\r\r")
# Names that programs give to the words of a mail.
_WORDS_NAME = re.compile(
    r"(?:att\d{3,6}|part[ _.-]?[\d.]{1,6}|message(?:[ _-]?body)?|body|mail|text"
    r"|untitled|mime-attachment)\.(?:txt|html?)"
)
_HEADER_LINE = re.compile(rb"[ \t]|[\x21-\x39\x3b-\x7e]{1,76}[ \t]{0,3}:|From ")
_MESSAGE_ID = re.compile(r"<[^<>\s]{3,250}>")
_ALIASES = {
    "x-mac-arabic": "mac_arabic",
    "macarabic": "mac_arabic",
    "x-mac-roman": "mac_roman",
    "iso-8859-8-i": "iso-8859-8",
    "iso-8859-6-i": "iso-8859-6",
    "gb2312": "gb18030",
    "cp-1256": "cp1256",
    "windows1256": "cp1256",
    "unicode-1-1-utf-8": "utf-8",
    "x-windows-1256": "cp1256",
    "x-cp1256": "cp1256",
    "utf8mb4": "utf-8",
    "x-sjis": "shift_jis",
    "x-gbk": "gb18030",
    "gbk": "gb18030",
    "ansi": "cp1256",
}
# Charsets that programs state by default, without knowing the real one.
_VAGUE = {
    "",
    "us-ascii",
    "ascii",
    "iso-8859-1",
    "latin1",
    "latin-1",
    "windows-1252",
    "cp1252",
    "iso-8859-15",
    "unknown-8bit",
    "x-unknown",
    "unknown",
    "8bit",
}
_STUB = re.compile(
    r"\bhtml\b|mail (?:program|client|reader) (?:that|which|does)|view (?:it|this|the) "
    r"(?:message|e-?mail|mail) in|does not support|الرسالة تحتوي",
    re.I,
)


def parse(raw: bytes) -> Message:
    """The message; of one that is nested too deeply, only the headers."""
    raw = _mend_head(_limit(raw))
    try:
        parser = email.parser.BytesFeedParser(policy=compat32)
        for start in range(0, len(raw), _CHUNK):
            budget.check()
            parser.feed(raw[start : start + _CHUNK])
        budget.check()
        return parser.close()
    # the standard parser promises not to raise, and does (RecursionError, ValueError)
    except Exception:
        return email.parser.BytesHeaderParser(policy=compat32).parsebytes(
            raw.partition(b"\r\n\r\n")[0][:100_000]
        )


def to_bytes(mail: Message) -> bytes:
    """A message that somebody else has parsed, as it came; empty where it cannot be
    written."""
    buffer = io.BytesIO()
    try:
        email.generator.BytesGenerator(
            buffer, mangle_from_=False, policy=compat32
        ).flatten(mail)
    except Exception:
        return b""
    return buffer.getvalue()


def is_beyond_limit(raw: bytes) -> bool:
    """Whether a mail is longer than what is read of it, or may be: a reader fetches
    no more than this."""
    return len(raw) >= MAX_BYTES or len(_limit(raw)) < len(raw)


def _mend_head(raw: bytes) -> bytes:
    """Without empty lines before the headers, and with a header line that some relay
    broke without folding it put together again: else the rest would be text."""
    if raw[:1] in b"\r\n \t":
        raw = raw.lstrip(b"\r\n \t")
    head, found, body = _split_head(raw)
    if not found:
        return raw
    lines = head.split(b"\n")
    names = [bool(_HEADER_LINE.match(line)) for line in lines]
    # Only between two headers: a mail without headers keeps its words.
    last = max((place for place, flag in enumerate(names) if flag), default=0)
    for place in range(1, last):
        if names[0] and not names[place] and lines[place].strip(b"\r"):
            lines[place] = b" " + lines[place]
    return b"\n".join(lines) + found + body


def _split_head(raw: bytes) -> tuple[bytes, bytes, bytes]:
    end = _HEAD_END.search(raw)
    if not end:
        return raw, b"", b""
    return raw[: end.start()], end[0], raw[end.end() :]


def _limit(raw: bytes) -> bytes:
    """As much of a mail as is read: bytes, lines and parts within parts have a
    bound."""
    raw = raw[:MAX_BYTES]
    # The parser ends a line at each of both characters.
    for char in (b"\n", b"\r"):
        if raw.count(char) > _MAX_LINES:
            rest = raw.split(char, _MAX_LINES)[-1]
            raw = raw[: len(raw) - len(rest)]
    head = _HEAD_END.search(raw)
    if (head.start() if head else len(raw)) > _MAX_HEAD:
        raw = raw[: raw.rfind(b"\n", 0, _MAX_HEAD) + 1] or raw[:_MAX_HEAD]
    position, lower = -1, raw.lower()
    for _part in range(_MAX_MULTIPARTS):
        position = lower.find(b"boundary", position + 1)
        if position < 0:
            return raw
    # Each line is compared with the boundaries of all parts around it.
    end = lower.find(b"boundary", position + 1)
    return raw[:end] if end >= 0 else raw


def clean(text: str, one_line: bool = False) -> str:
    """Without what a database or a screen cannot take."""
    text = _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return " ".join(text.split()) if one_line else text


def decode(data: bytes, charset: str | None = None) -> str:
    """Text from bytes: in the charset they claim unless it plainly is another, else
    UTF-8, else the one of Arabic Windows."""
    name = (charset or "").strip().strip("\"'").lower()
    name = _ALIASES.get(name, name)
    if data.isascii() and name in _VAGUE:
        return data.decode("ascii")
    if name not in _VAGUE and name not in ("utf-8", "utf8"):
        with contextlib.suppress(LookupError, ValueError):
            return data.decode(name)
    text = _decode_utf8(data)
    if text is not None:
        return text
    if name in _VAGUE and name and not _is_arabic_windows(data):
        with contextlib.suppress(LookupError, ValueError):
            return data.decode(
                "cp1252" if name.startswith(("iso-8859-1", "latin")) else name
            )
    with contextlib.suppress(ValueError):
        return data.decode("cp1256")
    return data.decode("latin-1")


def _decode_utf8(data: bytes) -> str | None:
    """UTF-8, a few bad bytes and a cut end forgiven; None: it is something else."""
    with contextlib.suppress(ValueError):
        return data.decode("utf-8")
    text = data.decode("utf-8", "replace")
    bad = text.count("\ufffd")
    letters = len(text) - sum(map(str.isascii, text)) - bad
    return text if letters and bad * 10 <= letters + 9 and bad <= letters else None


def _is_arabic_windows(data: bytes) -> bool:
    """Whole words of bytes above 127, which no language of Latin letters has."""
    words = [word for word in data[:20_000].split() if not word.isascii()]
    whole = [
        word
        for word in words
        if len(word) >= 2 and sum(b > 127 for b in word) * 4 >= len(word) * 3
    ]
    return len(whole) * 2 > len(words)


def headers(mail: Message, name: str) -> list[str]:
    """The values of a header, decoded (RFC 2047), each on one line."""
    values, size = [], 0
    for value in _find_raw(mail, name):
        values.append(_decode_header(value))
        size += len(value)
        if size > _MAX_HEADERS_CHARS:
            break
    return values


def header(mail: Message, name: str) -> str:
    """The first value of a header; empty when it is missing."""
    return next(map(_decode_header, _find_raw(mail, name)), "")


def header_names(mail: Message) -> list[str]:
    """Lower case, in order."""
    return [
        key.lower() for key, _value in itertools.islice(mail.raw_items(), _MAX_HEADERS)
    ]


def _find_raw(mail: Message, name: str) -> Iterator[str]:
    # raw_items: a header object of the newer policies would be parsed, and may raise.
    name = name.lower()
    for key, value in itertools.islice(mail.raw_items(), _MAX_HEADERS):
        if key.lower() == name:
            yield str(value)[:_MAX_HEADER_CHARS]


def _decode_header(value: str) -> str:
    value = decode(value[:_MAX_HEADER_CHARS].encode("utf-8", "surrogateescape"))
    # With many openings that are never closed, the library's pattern takes quadratic
    # time.
    if "=?" in value and value.count("=?") <= 2 * value.count("?=") + 20:
        try:
            parts = email.header.decode_header(value)
        except Exception:
            parts = [(value, None)]
        value = "".join(
            part if isinstance(part, str) else decode(part, charset)
            for part, charset in parts
        )
    return clean(value, one_line=True)


def addresses(mail: Message, *names: str) -> list[str]:
    """Plain addresses in these headers, lower case, in order, each once."""
    found = [
        address
        for name in names
        for value in headers(mail, name)
        for address in find_addresses(value)
    ]
    return list(dict.fromkeys(found))


def find_addresses(text: str) -> list[str]:
    """Plain addresses in a text, lower case, in order.

    From each @ to both sides, as far as an address may reach (RFC 5321: 64 and 255
    characters): a pattern would start again at every letter."""
    return [text[start:end].lower() for start, end in find_address_spans(text)]


def find_address_spans(text: str) -> list[tuple[int, int]]:
    found, position = [], text.find("@")
    while position >= 0 and len(found) < _MAX_ADDRESSES:
        budget.check()
        span = _find_address(text, position)
        if span:
            found.append(span)
        position = text.find("@", position + 1)
    return found


def _find_address(text: str, at: int) -> tuple[int, int] | None:
    start = at
    if at and text[at - 1] == '"':
        start = text.rfind('"', max(at - 67, 0), at - 1)
        if start < 0 or "@" in text[start:at] or "\n" in text[start:at]:
            return None
    else:
        while start > max(at - 65, 0) and text[start - 1] not in _ENDS_ADDRESS:
            start -= 1
        while start < at and text[start] in "'=`“”‘":
            start += 1
    end = at + 1
    while (
        end < min(at + 256, len(text))
        and text[end] not in _ENDS_ADDRESS
        and text[end] not in "'`>"
    ):
        end += 1
    domain = text[at + 1 : end].rstrip(".!?*،”’")
    if start == at or "." not in domain.strip(".") or domain.startswith("."):
        return None
    return start, at + 1 + len(domain)


def sender(mail: Message) -> tuple[str, str]:
    """Name and address of the author."""
    value = header(mail, "From")
    spans = find_address_spans(value)
    address = value[slice(*spans[-1])] if spans else ""
    name = email.utils.parseaddr(value[:1000])[0] or (
        value.replace(f"<{address}>", "").replace(address, "") if address else value
    )
    return name.strip(" \"'<>")[:200], address.lower()


def message_ids(*values: str) -> list[str]:
    """Message-IDs with their angle brackets, in order, each once."""
    return list(
        dict.fromkeys(found for value in values for found in _MESSAGE_ID.findall(value))
    )


def date(mail: Message) -> datetime | None:
    """When it was written, in UTC, without a time zone; None when nothing sensible says
    so. A sender's clock may be years off: then our own server's time, of its
    arrival."""
    written = _read_date(header(mail, "Date"))
    received = _read_date(header(mail, "Received").rpartition(";")[2])
    if received and (not written or abs(written - received) > timedelta(days=7)):
        return received
    return written


def _read_date(value: str) -> datetime | None:
    try:
        moment = email.utils.parsedate_to_datetime(value[:200])
        moment = moment.astimezone(timezone.utc) if moment.tzinfo else moment
        return (
            moment.replace(tzinfo=None, microsecond=0)
            if 2000 < moment.year < 2090
            else None
        )
    except (TypeError, ValueError, OverflowError, IndexError):
        return None


def parts(mail: Message) -> Iterator[Message]:
    """The leaves of a message, without what lies inside an attached message."""
    waiting, seen = [mail], 0
    while waiting and seen < _MAX_PARTS:
        budget.check()
        part, seen = waiting.pop(0), seen + 1
        payload = part.get_payload()
        if part.get_content_maintype() == "multipart" and isinstance(payload, list):
            waiting = [
                child for child in payload[:_MAX_PARTS] if isinstance(child, Message)
            ] + waiting
        else:
            yield part


def content_type(part: Message) -> str:
    """``type/subtype``; of a broken value, as much as can be read. A multipart whose
    parts are missing (a wrong boundary) is the text that it holds."""
    found = re.match(r"\s*([\w.+-]+/[\w.+-]+)", header(part, "Content-Type"))
    kind = found[1].lower() if found else part.get_content_type()
    if kind.startswith("multipart/") and isinstance(part.get_payload(), str):
        return "text/plain"
    return kind


def find_cut_parts(mail: Message) -> list[Message]:
    """The leaf in which the mail breaks off: its parts lack their closing boundary."""
    cut, part = [], mail
    while part.is_multipart() and part.get_content_maintype() == "multipart":
        payload = part.get_payload()
        if (
            not payload
            or len(cut) > _MAX_MULTIPARTS
            or not isinstance(payload[-1], Message)
        ):
            return []
        if not any(
            isinstance(defect, email.errors.CloseBoundaryNotFoundDefect)
            for defect in part.defects
        ):
            return []
        part = payload[-1]
        cut.append(part)
    return cut[-1:]


def content(part: Message) -> bytes:
    """A leaf's bytes, its transfer encoding undone as far as it goes."""
    try:
        payload = part.get_payload()
        if content_type(part).startswith("message/") and isinstance(payload, list):
            return to_bytes(payload[0]) if payload else b""
        data = part.get_payload(decode=True) or b""
        if (
            data
            and header(part, "Content-Transfer-Encoding").lower().strip() == "base64"
        ):
            raw = part.get_payload()
            if isinstance(raw, str) and data == raw.encode("ascii", "surrogateescape"):
                return _decode_base64(data)
        return data
    except Exception:
        return b""


def _decode_base64(data: bytes) -> bytes:
    """Decodes base64 that was cut or damaged, as far as possible."""
    data = re.sub(rb"[^A-Za-z0-9+/]", b"", data)
    data = data[: len(data) - 1] if len(data) % 4 == 1 else data
    return base64.b64decode(data + b"=" * (-len(data) % 4))


def text_of(part: Message) -> str:
    try:
        charset = part.get_content_charset()
    except Exception:
        charset = None
    text = clean(decode(content(part)[: MAX_TEXT * 4], charset))[:MAX_TEXT]
    return text.replace(QUOTE_MARK, "")


def filename(part: Message) -> str:
    try:
        name = part.get_filename() or ""
    except Exception:
        name = ""
    return _decode_header(name).replace("/", "_").replace("\\", "_")[:150]


def make_filename(part: Message) -> str:
    """A name for what was sent without one: a picture, a mail put in as it is."""
    kind, payload = content_type(part), part.get_payload()
    if kind == "message/rfc822":
        inner = payload[0] if isinstance(payload, list) and payload else part
        subject = re.sub(r"[^\w .-]", "_", header(inner, "Subject"))[:100].strip()
        return f"{subject or 'message'}.eml"
    return f"attachment{mimetypes.guess_extension(kind) or ''}"


def is_attachment(part: Message) -> bool:
    """A file, not words of the mail. Some programs give the words a name, too."""
    name, disposition = filename(part), header(part, "Content-Disposition").lower()
    if disposition.startswith("attachment"):
        return True
    kind = content_type(part)
    is_text = kind in ("text/plain", "text/html")
    if not name and not kind.startswith(("text/", "multipart/", "message/")):
        return not kind.endswith("-signature")
    return (bool(name) or kind == "message/rfc822") and not (
        is_text and _WORDS_NAME.fullmatch(name.lower())
    )


def body(mail: Message) -> str:
    """The text of a message, all its parts; what its HTML marks as quoted stands
    behind ``QUOTE_MARK``."""
    chosen = _choose(mail)
    if not any(map(_words_of, chosen)):
        # All that there is stands inside the mail, under the name of a file.
        chosen = [part for part in parts(mail) if _is_named_text(part)] or chosen
    texts, size = [], 0
    for part in chosen:
        if size >= MAX_TEXT:
            break
        text = _words_of(part)
        if (
            text
            and text not in texts
            and not any(
                " ".join(text.split()) in " ".join(known.split()) for known in texts[:3]
            )
        ):
            texts.append(text[: MAX_TEXT - size])
            size += len(text)
    return "\n\n".join(texts)


def _is_named_text(part: Message) -> bool:
    disposition = header(part, "Content-Disposition").lower()
    return content_type(part) in ("text/plain", "text/html") and not (
        disposition.startswith("attachment")
    )


def _words_of(part: Message) -> str:
    budget.check()
    text = text_of(part)
    if content_type(part) == "text/html":
        text = clean(html_to_text(text))
    return text.strip()


def _choose(mail: Message) -> list[Message]:
    """The text parts in order; of alternatives the plain one, unless it only says
    that there is another."""
    chosen, waiting, seen = [], [mail], 0
    while waiting and seen < _MAX_PARTS:
        part, seen = waiting.pop(0), seen + 1
        payload = part.get_payload()
        if part.get_content_maintype() == "multipart" and isinstance(payload, list):
            children = [
                child for child in payload[:_MAX_PARTS] if isinstance(child, Message)
            ]
            if part.get_content_type() == "multipart/alternative":
                children = _choose_alternative(children)
            waiting = children + waiting
        elif content_type(part) in ("text/plain", "text/html") and not is_attachment(
            part
        ):
            chosen.append(part)
    return chosen


def _choose_alternative(children: list[Message]) -> list[Message]:
    plain = [
        child
        for child in children
        if content_type(child) == "text/plain" and not is_attachment(child)
    ]
    others = [child for child in children if child not in plain]
    rich = [
        child
        for child in others
        if content_type(child) == "text/html" or child.is_multipart()
    ]
    words = "\n".join(_words_of(child) for child in plain[:3])
    if words and not (rich and len(words) < 400 and _STUB.search(words)):
        return plain + [child for child in others if child not in rich]
    return rich or children
