"""Reports in the standard's form: a block of fields for each recipient, and the message
that they return (RFC 3464, RFC 3461)."""

import re
from dataclasses import dataclass
from email.message import Message

from ..mail import verdict
from . import budget, mime

COPIES = (
    "message/rfc822",
    "message/global",
    "text/rfc822-headers",
    "message/rfc822-headers",
    "message/global-headers",
)
ORIGINAL_ID = re.compile(
    r"^[ \t>]*(?:X-Microsoft-Original-)?Message-ID:\s*(<[^<>\s]{3,250}>)", re.I | re.M
)


@dataclass(frozen=True)
class Failure:
    """One recipient of a report. ``verdict``: ``hard`` (the address does not exist),
    ``soft`` (it failed, another time may do), ``delayed`` (still being tried),
    ``policy`` (refused as spam or by a rule) or ``delivered``. ``widespread``: a
    refusal that the next message would meet as well."""

    address: str
    action: str = ""
    status: str = ""
    words: str = ""
    verdict: str = "soft"
    widespread: bool = False
    original: str = ""
    key: str = ""  # which rule of core.mail.verdict decided

    @property
    def addresses(self) -> tuple[str, ...]:
        """The address we wrote to, as far as the report knows it, then the one that
        failed (a forwarded mail has two)."""
        return tuple(dict.fromkeys(filter(None, (self.original, self.address))))


def original_ids(mail: Message, is_inner: bool = False) -> list[str]:
    """Message-IDs of the mail that the report is about: attached whole, as headers, or
    copied into the text."""
    found = []
    for part in mime.parts(mail):
        kind = mime.content_type(part)
        if kind in COPIES:
            original = attached(part)
            if not is_inner and status_parts(original):
                found += original_ids(original, is_inner=True)
            ids = mime.message_ids(
                *(
                    mime.header(original, name)
                    for name in ("X-Microsoft-Original-Message-ID", "Message-ID")
                )
            )
            # A line that is no header, or an empty one, ends the headers too early.
            found += ids or ORIGINAL_ID.findall(
                mime.content(part)[:20_000].decode("utf-8", "replace")
            )
        elif kind in ("text/plain", "text/html"):
            found += ORIGINAL_ID.findall(mime.text_of(part))
    return list(dict.fromkeys(found))


def attached(part: Message) -> Message:
    """The message inside a part, however it was put there."""
    payload = part.get_payload()
    if (
        isinstance(payload, list)
        and payload
        and isinstance(payload[0], Message)
        and payload[0].keys()
    ):
        return payload[0]
    return mime.parse(mime.content(part) or str(payload).encode("utf-8", "replace"))


def status_parts(mail: Message) -> list[Message]:
    return [
        part
        for part in mime.parts(mail)
        if mime.content_type(part)
        in ("message/delivery-status", "message/global-delivery-status")
    ]


def read_status_part(part: Message) -> list[Failure]:
    payload = part.get_payload()
    blocks = (
        [block for block in payload if isinstance(block, Message)]
        if isinstance(payload, list)
        else []
    )
    if not any("final-recipient" in map(str.lower, block.keys()) for block in blocks):
        text = mime.decode(mime.content(part)) or "\n\n".join(map(str, blocks))
        blocks = [
            mime.parse(block.encode("utf-8", "replace"))
            for block in re.split(r"\r?\n[ \t]*\r?\n", text.strip())
        ]
    return [
        read_block(one)
        for block in blocks[:500]
        for one in _split_block(block)
        if mime.header(one, "Final-Recipient") or mime.header(one, "Original-Recipient")
    ]


def _split_block(block: Message) -> list[Message]:
    """Some servers leave out the empty line between two recipients (RFC 3464 §2.1 asks
    for it): a field that has occurred before begins a new one."""
    if len(block.get_all("Final-Recipient") or ()) < 2:
        return [block]
    parts, names = [Message()], set()
    for name, value in block.items()[:2_000]:
        if name.lower() in names:
            parts.append(Message())
            names = set()
        names.add(name.lower())
        parts[-1][name] = value
    return parts[:200]


def read_block(block: Message) -> Failure:
    budget.check()
    action = mime.header(block, "Action").lower().split(" ")[0].strip(";")
    status = mime.header(block, "Status").split(" ")[0]
    words = mime.header(block, "Diagnostic-Code")
    words = re.sub(r"^\s*[\w-]+\s*;\s*", "", words)[:500]
    found = verdict.judge(action, status, words)
    return Failure(
        address=_recipient(block, "Final-Recipient"),
        original=_recipient(block, "Original-Recipient"),
        action=action,
        status=found.status,
        words=words,
        verdict=found.verdict,
        widespread=found.widespread,
        key=found.key,
    )


def _recipient(block: Message, name: str) -> str:
    # "rfc822; a@b"; Exchange writes a bare address, others an X.400 one, and some
    # encode it (RFC 3461 xtext).
    found = mime.addresses(block, name)
    return (
        re.sub(r"\+([0-9a-f]{2})", lambda hit: chr(int(hit[1], 16)), found[0])
        if found and "+40" in found[0]
        else found[0]
        if found
        else ""
    )


def judge(action: str, status: str, words: str) -> tuple[str, bool, str]:
    """Verdict, whether it concerns more than this recipient, and the status in use."""
    found = verdict.judge(action, status, words)
    return found.verdict, found.widespread, found.status
