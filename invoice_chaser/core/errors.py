"""The answers of mail services, as the few cases that decide what happens next.

Source of the codes: RFC 5321 §4.2, RFC 3463, and the services' own pages (Google a/answer/3726730, Microsoft
"SMTP submission improvements").
"""

import re
from datetime import timedelta

DAY = timedelta(hours=24)


class TransportError(Exception):
    """Base. ``str()`` is what the service said, one line, safe to show: no transport puts a secret into it."""


class AuthenticationFailed(TransportError):
    """The mailbox does not let us in. Nothing was sent; a person must act."""


class RateLimited(TransportError):
    """Too much, too fast. Nothing was sent; the mailbox rests for ``retry_after``."""

    def __init__(self, text: str, retry_after: timedelta = timedelta(minutes=5)):
        super().__init__(text)
        self.retry_after = retry_after


class Unreachable(TransportError):
    """No usable answer, or a temporary refusal of this message. Nothing was sent; try again later."""


class RecipientRefused(TransportError):
    """The service does not take this customer's address. ``permanent``: it never will (suppress the address)."""

    def __init__(self, text: str, permanent: bool):
        super().__init__(text)
        self.permanent = permanent


class MessageRefused(TransportError):
    """This message is not acceptable (size, form), whoever it goes to. Nothing was sent."""


class PolicyRefused(TransportError):
    """Refused as spam or against policy, or the sender may not send: the next message would fare no better."""


class OutcomeUnknown(TransportError):
    """The line broke after the message had been handed over: it may or may not have been taken. Never resend blindly."""


_ENHANCED = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
# Temporary answers that speak of volume (Google: 4.7.0, 4.7.28, 4.2.1, 4.4.5; Microsoft: 4.3.2; RFC 3463: 4.5.3).
_VOLUME = {(4, 7, 0), (4, 7, 28), (4, 2, 1), (4, 4, 5), (4, 3, 2), (4, 5, 3)}
_VOLUME_WORDS = re.compile(r"rate|too many|too fast|throttl|concurrent connections|quota", re.I)
_DAILY_WORDS = re.compile(r"daily|SubmissionQuotaExceeded|sending limit", re.I)
_SPAM_WORDS = re.compile(r"spam|policy|blocked|blacklist|blocklist|reputation|unsolicited", re.I)


def one_line(text: bytes | str, limit: int = 300) -> str:
    """The service's words as one short line."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    return " ".join(text.split())[:limit]


def classify_smtp(code: int, text: bytes | str, stage: str) -> TransportError:
    """The error for an SMTP reply.

    :param code: three-digit reply code, 400 or above
    :param text: the reply's text
    :param stage: ``connect``, ``auth``, ``mail``, ``rcpt`` or ``data``: which command was answered
    """
    words = one_line(text)
    said = f"{code} {words}"
    match = _ENHANCED.search(words)
    enhanced = tuple(int(part) for part in match.groups()) if match else (code // 100, 0, 0)
    if code < 500:
        return _classify_temporary(said, words, enhanced, stage)
    return _classify_permanent(code, said, words, enhanced, stage)


def _classify_temporary(said: str, words: str, enhanced: tuple, stage: str) -> TransportError:
    # At RCPT, 4.2.x speaks of the recipient's mailbox, not of ours.
    if stage == "rcpt" and enhanced[1] in (1, 2):
        return RecipientRefused(said, permanent=False)
    if _DAILY_WORDS.search(words):
        return RateLimited(said, DAY)
    if enhanced in _VOLUME or _VOLUME_WORDS.search(words):
        return RateLimited(said)
    if stage == "rcpt":
        return RecipientRefused(said, permanent=False)
    return Unreachable(said)


def _classify_permanent(code: int, said: str, words: str, enhanced: tuple, stage: str) -> TransportError:
    if enhanced == (5, 4, 5) or _DAILY_WORDS.search(words):
        return RateLimited(said, DAY)
    # 5.7.30: basic authentication switched off (Microsoft); 530 and 535 may come at any command.
    if stage == "auth" or code in (530, 534, 535, 538) or enhanced in ((5, 7, 8), (5, 7, 30)):
        return AuthenticationFailed(said)
    if stage in ("connect", "mail"):
        return PolicyRefused(said)
    if stage == "rcpt":
        return _classify_recipient(code, said, words, enhanced)
    if code == 552 or enhanced[1:] == (3, 4):
        return MessageRefused(said)
    if enhanced[1] in (1, 2):
        return RecipientRefused(said, permanent=enhanced != (5, 2, 2))
    if code == 554 or enhanced[1] == 7 or _SPAM_WORDS.search(words):
        return PolicyRefused(said)
    return MessageRefused(said)


def _classify_recipient(code: int, said: str, words: str, enhanced: tuple) -> TransportError:
    if enhanced[1] == 7 or _SPAM_WORDS.search(words):
        return PolicyRefused(said)
    # A full mailbox empties again (RFC 3463: 5.2.2; 552 says the same without the enhanced code).
    full = enhanced == (5, 2, 2) or (code == 552 and enhanced[1] == 0)
    # Routing (5.4.x) and system trouble (5.3.x) are not the address's fault either.
    return RecipientRefused(said, permanent=not full and enhanced[1] not in (3, 4))
