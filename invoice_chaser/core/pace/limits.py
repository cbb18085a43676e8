"""What a mailbox may send, by kind of service: the values a new mailbox starts with.
All of them can be changed.

They leave room for the person's own mail below what the services publish (Google:
support.google.com/a/answer/166852, 500 a day for a consumer mailbox and 2,000 for
Workspace; Microsoft: learn.microsoft.com, SMTP submission: 30 a minute and 3
connections a mailbox, 10,000 recipients a day).
"""

from dataclasses import asdict, dataclass

# Consumer addresses of Google: a quarter of what a Workspace mailbox may send.
_CONSUMER_DOMAINS = ("gmail.com", "googlemail.com")


@dataclass(frozen=True)
class KindLimits:
    """Messages per minute and per rolling 24 hours, per recipient domain and minute;
    seconds of jitter; connections of all servers together to one account of the service
    (0: no limit)."""

    per_minute: int = 20
    daily_quota: int = 500
    per_domain_minute: int = 5
    batch_size: int = 5
    batch_pause: float = 3.0
    jitter_min: float = 1.0
    jitter_max: float = 4.0
    max_connections: int = 0


LIMITS = {
    "smtp": KindLimits(),
    "gmail": KindLimits(per_minute=20, daily_quota=1500),
    "gmail_consumer": KindLimits(per_minute=15, daily_quota=400),
    "outlook": KindLimits(per_minute=10, daily_quota=2000, max_connections=1),
}


def get_profile(kind: str, email: str | None) -> str:
    """Which entry of ``LIMITS`` a mailbox starts with. A consumer mailbox of Google is
    recognised by its address."""
    if (
        kind == "gmail"
        and (email or "").strip().lower().rpartition("@")[2] in _CONSUMER_DOMAINS
    ):
        return "gmail_consumer"
    return kind if kind in LIMITS else "smtp"


def get_limits(profile: str) -> dict:
    return asdict(LIMITS.get(profile, LIMITS["smtp"]))
