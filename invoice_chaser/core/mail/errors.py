"""The responses of mail services, as the few cases that decide what happens next.

Source of the codes: RFC 5321 §4.2, RFC 3463, and the services' own pages (Google
a/answer/3726730, Microsoft "SMTP submission improvements").
"""

import re
from datetime import timedelta

from . import verdict

DAY = timedelta(hours=24)


class TransportError(Exception):
    """Base. ``str()`` is what the service said, one line, safe to show: no transport
    puts a secret into it. ``dead``: the customer's addresses that it never takes."""

    dead: tuple[str, ...] = ()


class AuthenticationFailed(TransportError):
    """The mailbox does not let us in. Nothing was sent; a person must act."""


class RateLimited(TransportError):
    """Too many messages, or too fast. Nothing was sent; the mailbox rests for
    ``retry_after``.

    ``scope``: what is used up: ``rate``, ``day`` (the service's own daily limit),
    ``connections``, or ``storage`` (our mailbox itself is full, Sent Items included).
    ``is_told``: the service named the time itself (Retry-After, a daily limit); else
    the mailbox rests longer each time the response comes again.
    """

    def __init__(
        self, text: str, retry_after: timedelta | None = None, scope: str = "rate"
    ):
        super().__init__(text)
        self.is_told = retry_after is not None
        self.retry_after = retry_after or timedelta(minutes=5)
        self.scope = scope

    def get_rest(self, count: int) -> timedelta:
        """How long to rest at the ``count``-th such response in a row (1 or more): as
        told, else 5, 10, 20 … minutes, at most an hour."""
        if self.is_told:
            return self.retry_after
        return min(
            self.retry_after * 2 ** min(max(count, 1) - 1, 10), timedelta(hours=1)
        )


class Unreachable(TransportError):
    """No usable response, or a temporary refusal of this message. Nothing was sent; try
    again later."""


class NoSession(Unreachable):
    """The service itself cannot be reached, or lets nobody begin: no message was
    refused, and the next one would not go either."""


class StoodStill(TransportError):
    """The process stood still (a frozen machine, a closed laptop) between the intent
    and the moment at which the message would have been handed over. It was not: what is
    known of it is older than it may be."""


class NoRoom(TransportError):
    """Our own disk takes nothing, so the message was not handed over."""


class RecipientRefused(TransportError):
    """The service refuses this customer's address. ``permanent``: it always will (stop
    the address)."""

    def __init__(self, text: str, permanent: bool):
        super().__init__(text)
        self.permanent = permanent


class MessageRefused(TransportError):
    """This message is not acceptable (size, form), whoever it goes to. Nothing was
    sent."""


class PolicyRefused(TransportError):
    """Refused as spam or against policy, or the sender may not send: the next message
    would be refused as well."""


class OutcomeUnknown(TransportError):
    """The line broke after the message had been handed over: it may or may not have
    been taken. Never resend blindly.

    ``internet_message_id``: the Message-ID that the service had given it by then, where
    it is not ours."""

    internet_message_id = ""


# Not a part of an IP address or a version ("5.32.100.7").
_ENHANCED = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?!\.?\d)")
# Addresses, hosts and links repeat the customer's name ("info@dailyrate.ae") and say
# nothing about the reason.
_NAMES = re.compile(
    r"https?://\S+|\S{1,300}@\S{1,300}"
    r"|\b[\w-]{1,63}(?:\.[\w-]{1,63}){0,20}\.[a-z][\w-]{1,62}",
    re.I,
)
# Temporary responses that speak of volume (Google: 4.7.0, 4.7.28, 4.2.1, 4.4.5;
# Microsoft: 4.3.2; RFC 3463: 4.5.3).
_VOLUME = {(4, 7, 0), (4, 7, 28), (4, 2, 1), (4, 4, 5), (4, 3, 2), (4, 5, 3)}
_VOLUME_WORDS = re.compile(
    r"\brate\b|too many|too fast|too quickly|throttl|concurrent connections|quota", re.I
)
_CONNECTION_WORDS = re.compile(r"connections?\b|sender thread limit", re.I)
_DAILY_WORDS = re.compile(r"\bdaily\b|SubmissionQuotaExceeded|sending limit", re.I)
_SPAM_WORDS = re.compile(
    r"spam|policy|blocked|blacklist|blocklist|reputation|unsolicited|relay|"
    r"sender (?:address|verify)",
    re.I,
)
# RFC 3463 X.1.7 and X.1.8 speak of the sender's address, though many servers say so
# only at RCPT.
_SENDER = ((1, 7), (1, 8))


def one_line(text: bytes | str, limit: int = 300) -> str:
    """The service's words as one short line."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    return " ".join(text.split())[:limit]


def classify_smtp(code: int, text: bytes | str, stage: str) -> TransportError:
    """The error for an SMTP reply.

    :param code: three-digit reply code, 400 or above
    :param text: the reply's text
    :param stage: ``connect``, ``auth``, ``mail``, ``rcpt`` or ``data``: which command
    was answered
    """
    words = one_line(text)
    said = f"{code} {words}"
    match = _ENHANCED.search(words)
    enhanced = (
        (code // 100, *(int(part) for part in match.groups()[1:]))
        if match
        else (code // 100, 0, 0)
    )
    words = _NAMES.sub("", words)
    if code < 500:
        return _classify_temporary(said, words, enhanced, stage)
    return _classify_permanent(code, said, words, enhanced, stage)


def _classify_temporary(
    said: str, words: str, enhanced: tuple, stage: str
) -> TransportError:
    if enhanced[1:] in _SENDER:
        return Unreachable(said)
    # At RCPT, 4.2.x speaks of the recipient's mailbox, not of ours; 4.2.2 (full) always
    # does.
    if (stage == "rcpt" and enhanced[1] in (1, 2)) or (
        stage == "data" and enhanced == (4, 2, 2)
    ):
        return RecipientRefused(said, permanent=False)
    if _DAILY_WORDS.search(words):
        return RateLimited(said, DAY, "day")
    if enhanced in _VOLUME or _VOLUME_WORDS.search(words):
        return RateLimited(
            said, scope="connections" if _CONNECTION_WORDS.search(words) else "rate"
        )
    if stage == "rcpt":
        return RecipientRefused(said, permanent=False)
    return Unreachable(said)


def _classify_permanent(
    code: int, said: str, words: str, enhanced: tuple, stage: str
) -> TransportError:
    if enhanced == (5, 4, 5) or _DAILY_WORDS.search(words):
        return RateLimited(said, DAY, "day")
    # "Mailbox full" to MAIL or DATA is our own mailbox, whose Sent Items count
    # (Microsoft: 554 5.2.2); to RCPT it is the customer's.
    if enhanced == (5, 2, 2) and code == 554 and stage in ("mail", "data"):
        return RateLimited(said, timedelta(hours=1), "storage")
    # What Exchange says when it takes a message over for sending (5.2.0, OutboundSpam
    # and the like) is about us, never about the address.
    if "storedrv.submission" in said.lower():
        return PolicyRefused(said)
    # 5.7.30: basic authentication switched off (Microsoft); 530 and 535 may come at any
    # command.
    if (
        stage == "auth"
        or code in (530, 534, 535, 538)
        or enhanced in ((5, 7, 8), (5, 7, 30))
    ):
        return AuthenticationFailed(said)
    if enhanced[1:] in ((3, 4), (2, 3)) or (
        code == 552 and enhanced[1] == 0 and stage in ("mail", "data")
    ):
        return MessageRefused(said)
    if stage in ("connect", "mail") or enhanced[1:] in _SENDER:
        return PolicyRefused(said)
    found = verdict.judge("failed", "", said, stage)
    if stage == "rcpt" or enhanced[1] in (1, 2):
        return _classify_recipient(said, found, enhanced)
    if code == 552 or (enhanced[1] == 6 and not _SPAM_WORDS.search(words)):
        return MessageRefused(said)
    if code == 554 or enhanced[1] == 7 or _SPAM_WORDS.search(words):
        return PolicyRefused(said)
    return MessageRefused(said)


def _classify_recipient(
    said: str, found: verdict.Judgement, enhanced: tuple
) -> TransportError:
    if found.widespread:
        return PolicyRefused(said)
    # System trouble (5.3.x), routing (5.4.x), protocol (5.5.x) and content (5.6.x) say
    # nothing about the address, unless the words do.
    spoken = enhanced[1] in (0, 1, 2) or verdict.find_rule(said)
    return RecipientRefused(
        said, permanent=bool(found.verdict == verdict.HARD and spoken)
    )
