"""The message as it is handed to a transport, and its MIME form."""

import re
from dataclasses import dataclass, field
from datetime import datetime, timezone
from email.header import Header
from email.headerregistry import Address, AddressHeader, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from email.utils import format_datetime

# Message-IDs and links must not become encoded words (RFC 2047 §5), which Python makes
# of any that exceed its line.
_VERBATIM = {"in-reply-to", "references", "list-unsubscribe", "list-unsubscribe-post"}


class _Policy(EmailPolicy):
    """Folds what Python 3.11 folds wrongly: it loses, for example, spaces between the
    encoded words of a long name or subject."""

    def fold(self, name: str, value: str) -> str:
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
    """One message to one customer. ``recipients[0]`` is the customer's address; its
    refusal fails the message."""

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
        mail["From"] = self._address(self.sender, self.sender_name)
        mail["To"] = [self._address(address) for address in self.recipients]
        if self.cc:
            mail["Cc"] = [self._address(address) for address in self.cc]
        mail["Subject"] = clean_header(self.subject)
        if self.reply_to:
            mail["Reply-To"] = self._address(self.reply_to, self.sender_name)
        if self.references:
            mail["In-Reply-To"] = self.references[-1]
            mail["References"] = " ".join(self.references)
        mail.set_content(self.text)
        mail.add_alternative(self.html, subtype="html")
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

    @staticmethod
    def _address(address: str, name: str = "") -> Address:
        if not address.strip():
            raise ValueError("an address is empty")
        if not address.isascii():
            raise ValueError(
                f"{address}: only ASCII addresses can be written to (no SMTPUTF8, RFC "
                "6531)"
            )
        return Address(display_name=clean_header(name), addr_spec=address)


@dataclass(frozen=True)
class SendResult:
    """What the service said when it took the message over. ``refused``: copies (never
    the customer) it did not take.

    ``thread_id``: the service's own id of the conversation. ``internet_message_id``:
    the Message-ID that the service gave the message in place of ours; empty where ours
    stands.
    """

    provider_message_id: str = ""
    response: str = ""
    refused: dict[str, str] = field(default_factory=dict)
    thread_id: str = ""
    internet_message_id: str = ""
