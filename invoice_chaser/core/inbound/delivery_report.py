"""Reports of mail servers about mail they could not deliver, or not yet: which mail is
one, and what it says of each recipient."""

import re
from dataclasses import replace
from email.message import Message

from ..mail import verdict
from . import mime
from .report_words import (
    CODE,
    DAEMON,
    MAX_WORDS,
    SUBJECT,
    SURE_SUBJECT,
    TOLD,
    explain,
    read_words,
)
from .status_block import (
    COPIES,
    ORIGINAL_ID,
    Failure,
    attached,
    read_status_part,
    status_parts,
)

# Services that report by mail in a form of their own: Amazon SNS, Microsoft's JMRP.
_NOTIFIERS = ("no-reply@sns.amazonaws.com", "staff@hotmail.com", "staff@outlook.com")
_REFUSED = re.compile("deleted|failed|error")
# Who sends notices of programs.
_PROGRAM = re.compile(
    r"(?:no|do-?not)[-_.]?reply|noreply|system|notif|admin|mail[-_.]?(?:server|gateway"
    r"|system|security)|gateway|security|quarantine|alerts?\b",
    re.I,
)


def looks_like_report(mail: Message) -> bool:
    """By its headers alone: worth reading as a report of a mail server."""
    if mime.sender(mail)[1] in _NOTIFIERS:
        return True
    return _is_marked(mail) or (
        bool(SUBJECT.search(mime.header(mail, "Subject")))
        and not mime.header(mail, "In-Reply-To")
    )


def _is_marked(mail: Message) -> bool:
    content_type = mime.header(mail, "Content-Type").lower()
    return (
        content_type.startswith("multipart/report")
        or "delivery-status" in content_type
        or bool(mime.header(mail, "X-Failed-Recipients"))
        or bool(DAEMON.match(mime.sender(mail)[1].partition("@")[0]))
        or mime.header(mail, "Return-Path") == "<>"
    )


def read_failures(mail: Message, is_inner: bool = False) -> list[Failure]:
    """Every recipient that a report speaks of, whatever became of it; empty when it is
    no report.

    :param is_inner: the mail is itself attached to another report
    """
    failures = [
        failure for part in status_parts(mail) for failure in read_status_part(part)
    ]
    # The block names no address (a pipe, a path, only a domain); the words may.
    if not any(failure.addresses for failure in failures) and (
        failures or _may_report(mail)
    ):
        inner = [] if is_inner else _read_inner(mail)
        failures = inner or read_words(mail) or failures
    elif any(
        failure.key == "unclear" or failure.verdict == verdict.HARD
        for failure in failures
    ):
        failures = explain(mail, failures)
    return _spare_groups(
        list({failure.addresses: failure for failure in reversed(failures)}.values())[
            ::-1
        ]
    )


def _may_report(mail: Message) -> bool:
    """Whether a server wrote it, by its headers; or else, by what it returns or by the
    codes in it. A customer may write about a delivery that failed, too."""
    address = mime.sender(mail)[1]
    is_program = not address or bool(_PROGRAM.match(address.partition("@")[0]))
    if _is_marked(mail):
        return True
    if not looks_like_report(mail) and not (
        is_program and not mime.header(mail, "In-Reply-To")
    ):
        return False
    text = mime.body(mail)[:MAX_WORDS]
    returns = bool(ORIGINAL_ID.search(text)) or any(
        mime.content_type(part) in COPIES for part in mime.parts(mail)
    )
    if not is_program and not SURE_SUBJECT.search(mime.header(mail, "Subject")):
        return bool(returns or verdict.find_codes(text) or CODE.search(text))
    return looks_like_report(mail) or bool(returns and TOLD.search(text[:3000]))


def _read_inner(mail: Message) -> list[Failure]:
    """A gateway passes on the report of another server as an attached message."""
    for part in mime.parts(mail):
        if mime.content_type(part) in ("message/rfc822", "message/global"):
            inner = attached(part)
            if status_parts(inner) or _is_marked(inner):
                return read_failures(inner, is_inner=True)
    return []


def _spare_groups(failures: list[Failure]) -> list[Failure]:
    """A group address that reached one of its members exists, even if other members do
    not."""
    members: dict[str, set] = {}
    for failure in failures:
        if failure.original:
            members.setdefault(failure.original, set()).add(failure.address)
    groups = {original for original, found in members.items() if len(found) > 1}
    return [
        replace(failure, original="")
        if failure.original in groups
        and failure.address != failure.original
        and failure.verdict == "hard"
        else failure
        for failure in failures
    ]


def read_rejection(mail: Message) -> list[Failure]:
    """A server's filter writes a receipt where it refuses a mail (Dovecot, Sieve's
    reject: RFC 5429 §2.1.2): deleted without a person, for the reason in the text."""
    refused = []
    for part in mime.parts(mail):
        if mime.content_type(part) == "message/disposition-notification":
            fields = attached(part)
            told = mime.header(fields, "Disposition").lower()
            if "automatic-action" in told and _REFUSED.search(told):
                refused += mime.addresses(fields, "Final-Recipient")
    if not refused:
        return []
    words = mime.clean(mime.body(mail)[:500], one_line=True)
    found = verdict.judge("failed", "", words)
    return [
        Failure(
            address,
            "failed",
            found.status,
            words,
            found.verdict,
            found.widespread,
            key=found.key,
        )
        for address in dict.fromkeys(refused)
    ]
