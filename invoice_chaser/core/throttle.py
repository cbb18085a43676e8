"""Human pace: when the next message may leave, and when the last one will."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

MINUTE, DAY = timedelta(minutes=1), timedelta(hours=24)


@dataclass(frozen=True)
class Pace:
    """Limits of a mailbox. 0 means no limit; ``pause`` in seconds between batches."""

    batch_size: int = 5
    pause: float = 3.0
    per_minute: int = 0
    per_day: int = 500
    per_month: int = 0


@dataclass(frozen=True)
class Allowance:
    """How many messages may go now; when none, why and until when."""

    count: int
    limit: str = ""
    until: datetime | None = None


def retry_delay(attempt: int) -> timedelta:
    """Growing: 5, 20, 80 … minutes after attempt 1, 2, 3 …, 12 hours at most."""
    return min(timedelta(minutes=5 * 4 ** min(max(0, attempt - 1), 8)), timedelta(hours=12))


def allowance(now: datetime, sent: Sequence[datetime], pace: Pace, sent_this_month: int = 0) -> Allowance:
    """What a mailbox may send at ``now``.

    :param sent: when this mailbox sent, in the last 24 hours, oldest first (same clock and zone as ``now``)
    :param sent_this_month: messages of the company since the first of the month
    """
    free = pace.batch_size
    checks = (("minute", pace.per_minute, MINUTE), ("day", pace.per_day, DAY))
    blocked = []
    for name, limit, window in checks:
        if not limit:
            continue
        recent = [moment for moment in sent if moment > now - window]
        left = limit - len(recent)
        free = min(free, left)
        if left <= 0:
            # The slot opens when the oldest of the last `limit` messages leaves the window.
            blocked.append((recent[-limit] + window, name))
    if pace.per_month:
        free = min(free, pace.per_month - sent_this_month)
        if sent_this_month >= pace.per_month:
            blocked.append((_next_month(now), "month"))
    if blocked:
        until, name = max(blocked)
        return Allowance(0, name, until)
    return Allowance(max(free, 0))


def _next_month(now: datetime) -> datetime:
    first = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (first + timedelta(days=32)).replace(day=1)


def estimate_finish(now: datetime, count: int, pace: Pace, sent: Sequence[datetime] = (), sent_this_month: int = 0) -> datetime:
    """When the last of ``count`` queued messages leaves, if nothing else uses the mailbox.

    Steps from slot to slot of the same rules that pace the real run; the network's own time is taken as nothing.
    """
    clock, history, left, month = now, list(sent), count, sent_this_month
    while left > 0:
        allowed = allowance(clock, history, pace, month)
        if not allowed.count:
            until = allowed.until + timedelta(microseconds=1)
            month = month if (until.year, until.month) == (clock.year, clock.month) else 0
            clock = until
            continue
        step = min(allowed.count, left)
        history.extend([clock] * step)
        left -= step
        month += step
        history = [moment for moment in history[-max(pace.per_day, pace.per_minute, 1):] if moment > clock - DAY]
        if left:
            clock += timedelta(seconds=pace.pause)
    return clock


def spread(start: datetime, count: int, hours: float) -> list[datetime]:
    """``count`` moments from ``start``, evenly over ``hours`` (0: all at once)."""
    if count <= 1 or hours <= 0:
        return [start] * count
    step = timedelta(hours=hours) / count
    return [start + step * index for index in range(count)]
