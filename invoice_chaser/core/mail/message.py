"""The message as it is handed to a transport, and its MIME form."""

import binascii
import re
from dataclasses import dataclass, field
from datetime import datetime, timezone
from email.header import Header
from email.headerregistry import Address, AddressHeader, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from email.utils import format_datetime
from functools import lru_cache
from hashlib import sha256

# Message-IDs and links must not become encoded words (RFC 2047 §5), which Python makes
# of any that exceed its line.
_VERBATIM = {"in-reply-to", "references", "list-unsubscribe", "list-unsubscribe-post"}
_AS_GIVEN = _VERBATIM | {"subject"}


# A line of a header, and of an encoded body (RFC 5322 §2.1.1, RFC 2045 §6.7).
_LINE = 76
_BREAKS = re.compile(r"[\r\n]")


class _Policy(EmailPolicy):
    """Folds what Python 3.11 folds wrongly: it loses, for example, spaces between the
    encoded words of a long name or subject.

    What needs neither encoding nor folding is kept as it is given, and parsed only when
    somebody reads it: the parsing of headers was half of what a message cost."""

    def header_store_parse(self, name: str, value: str) -> tuple[str, str]:
        if not isinstance(value, str) or hasattr(value, "name"):
            return super().header_store_parse(name, value)
        if _BREAKS.search(value):
            raise ValueError(f"a line break in the header {name}")
        short = value.isascii() and len(name) + 2 + len(value) <= _LINE
        if short or name.lower() in _AS_GIVEN:
            return name, value
        return super().header_store_parse(name, value)

    def header_fetch_parse(self, name: str, value: str) -> str:
        """Types of parts are asked for again and again while a message is written."""
        if hasattr(value, "name") or not name.lower().startswith("content-"):
            return super().header_fetch_parse(name, value)
        return self._parse_once(name, value)

    @lru_cache(maxsize=256)  # noqa: B019  # there is one policy
    def _parse_once(self, name: str, value: str) -> str:
        return self.header_factory(name, value)

    def fold(self, name: str, value: str) -> str:
        if name.lower() == "subject" and not value.isascii():
            return f"{name}: {self._encode(value, len(name) + 2)}{self.linesep}"
        if value.isascii():
            if name.lower() not in _VERBATIM:
                return super().fold(name, value)
            return f"{name}: " + f"{self.linesep} ".join(value.split()) + self.linesep
        if isinstance(value, UnstructuredHeader):
            return f"{name}: {self._encode(value, len(name) + 2)}{self.linesep}"
        if isinstance(value, AddressHeader):
            return (
                f"{name}: "
                + f",{self.linesep} ".join(map(self._encode_address, value.addresses))
                + self.linesep
            )
        return super().fold(name, value)

    def fold_binary(self, name: str, value: str) -> bytes:
        return self.fold(name, value).encode("ascii")

    def _encode_address(self, address: Address) -> str:
        if address.display_name.isascii():
            return str(address)
        return (
            f"{self._encode(address.display_name, 16)}{self.linesep} "
            f"<{address.addr_spec}>"
        )

    def _encode(self, text: str, used: int) -> str:
        return Header(str(text), "utf-8", maxlinelen=76, header_name="x" * used).encode(
            linesep=self.linesep
        )


# 7bit: quoted-printable or base64 is chosen per part, so that no relay has to convert
# (and break) Arabic text.
_POLICY = _Policy(linesep=SMTP.linesep, cte_type="7bit")
# Control characters end headers (CR, LF) or are invisible; none belongs into a name or
# a subject.
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u0085\u2028\u2029]+")


def clean_header(text: str | None) -> str:
    """One line without control characters, so that no customer's name can start a
    header of its own (RFC 5322 §2.2)."""
    return _CONTROL.sub(" ", text or "").strip()


@dataclass(frozen=True)
class Attachment:
    name: str
    content: bytes
    mimetype: str = "application/octet-stream"


@dataclass(frozen=True)
class OutgoingMessage:
    """One message to one customer. ``recipients`` are the customer's addresses; the
    refusal of all of them fails the message. ``cc``: copies to others."""

    message_id: str
    sender: str
    recipients: tuple[str, ...]
    subject: str
    html: str
    text: str
    sender_name: str = ""
    cc: tuple[str, ...] = ()
    reply_to: str = ""
    references: tuple[str, ...] = ()
    headers: dict[str, str] = field(default_factory=dict)
    attachments: tuple[Attachment, ...] = ()
    date: datetime | None = None

    @property
    def envelope(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.recipients + self.cc))

    def to_email(self) -> EmailMessage:
        """The MIME form: multipart/alternative (text, HTML), mixed with attachments
        where there are any.

        Raises ValueError when an address cannot be written into a header.
        """
        mail = EmailMessage(policy=_POLICY)
        mail["Message-ID"] = self.message_id
        mail["Date"] = format_datetime(self.date or datetime.now(timezone.utc))
        mail["From"] = _write_addresses([(self.sender, self.sender_name)])
        mail["To"] = _write_addresses([(address, "") for address in self.recipients])
        if self.cc:
            mail["Cc"] = _write_addresses([(address, "") for address in self.cc])
        mail["Subject"] = clean_header(self.subject)
        if self.reply_to:
            mail["Reply-To"] = _write_addresses([(self.reply_to, self.sender_name)])
        if self.references:
            mail["In-Reply-To"] = self.references[-1]
            mail["References"] = " ".join(self.references)
        mail["MIME-Version"] = "1.0"
        # What is encoded holds no "=_" (RFC 2045 §6.7), and our id stands in no text.
        boundary = f"=_{sha256(self.message_id.encode()).hexdigest()[:32]}"
        mail["Content-Type"] = f'multipart/alternative; boundary="{boundary}"'
        mail.set_payload(
            [_make_part("plain", self.text), _make_part("html", self.html)]
        )
        for attachment in self.attachments:
            maintype, _, subtype = attachment.mimetype.partition("/")
            mail.add_attachment(
                attachment.content,
                maintype=maintype,
                subtype=subtype or "octet-stream",
                filename=clean_header(attachment.name),
            )
        # Last: setting the content moves every Content-… header into the first part.
        for name, value in self.headers.items():
            mail[name] = clean_header(value)
        return mail


def _write_addresses(entries: list[tuple[str, str]]) -> str | list[Address]:
    """The value of a header for (address, name) pairs; as text where it is ASCII."""
    addresses = [_make_address(address, name) for address, name in entries]
    if all(address.display_name.isascii() for address in addresses):
        return ", ".join(map(str, addresses))
    return addresses


@lru_cache(maxsize=256)
def _make_address(address: str, name: str = "") -> Address:
    """Checked; kept, because the sender's is that of the whole run."""
    if not address.strip():
        raise ValueError("an address is empty")
    if not address.isascii():
        raise ValueError(
            f"{address}: only ASCII addresses can be written to (no SMTPUTF8, RFC 6531)"
        )
    return Address(display_name=clean_header(name), addr_spec=address)


def _make_part(subtype: str, text: str) -> EmailMessage:
    """A part with text in UTF-8, in seven bits and short lines: as it is where it
    allows that, else quoted-printable or, where that is shorter, base64."""
    lines = text.encode().splitlines()
    data = b"\n".join(lines) + b"\n"
    if data.isascii() and max(map(len, lines), default=0) <= _LINE:
        encoding, body = "7bit", data
    else:
        encoding, body = "quoted-printable", binascii.b2a_qp(data, istext=True)
        if len(body) > 4 * (len(data) + 2) / 3:
            encoding, body = "base64", _encode_base64(lines)
    part = EmailMessage(policy=_POLICY)
    part["Content-Type"] = f'text/{subtype}; charset="utf-8"'
    part["Content-Transfer-Encoding"] = encoding
    part.set_payload(body.decode("ascii"))
    return part


def _encode_base64(lines: list[bytes]) -> bytes:
    """With the line ends that a text has in mails (RFC 2045 §6.8)."""
    data = b"\r\n".join(lines) + b"\r\n"
    size = _LINE * 3 // 4
    return b"".join(
        binascii.b2a_base64(data[start : start + size])
        for start in range(0, len(data), size)
    )


@dataclass(frozen=True)
class SendResult:
    """What the service said when it took the message over. ``refused``: addresses it
    did not take, with its words (never all of the customer's). ``dead``: those of them
    that it never will.

    ``thread_id``: the service's own id of the conversation. ``internet_message_id``:
    the Message-ID that the service gave the message in place of ours; empty where ours
    stands.
    """

    provider_message_id: str = ""
    response: str = ""
    refused: dict[str, str] = field(default_factory=dict)
    dead: tuple[str, ...] = ()
    thread_id: str = ""
    internet_message_id: str = ""
