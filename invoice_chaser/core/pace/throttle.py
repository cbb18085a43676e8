"""Human pace: when the next message may leave. The same rules pace the real run and the
forecast (``core.pace.forecast``)."""

from bisect import bisect_right
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

MINUTE, DAY = timedelta(minutes=1), timedelta(hours=24)
# How long a run waits for its next slot (seconds). A longer wait is left to the
# scheduler, because a scheduled job must not block its thread.
NAP = 8.0


@dataclass(frozen=True)
class Pace:
    """Limits of a mailbox. 0 means no limit; ``pause`` in seconds between batches,
    ``jitter`` between messages of a batch.

    ``per_day`` is what we may use of the mailbox's quota, the person's reserve already
    taken off. ``tz``: whose months are counted. ``work``: seconds that a message itself
    takes; for the forecast, the real run does not wait for them.
    """

    batch_size: int = 5
    pause: float = 3.0
    per_minute: int = 0
    per_day: int = 500
    per_month: int = 0
    per_domain: int = 0
    jitter: tuple[float, float] = (0.0, 0.0)
    tz: str = "UTC"
    work: float = 0.0

    def gap(self, draw: float = 0.5) -> float:
        """Seconds from one message to the next; ``draw`` in 0…1 is the random part.
        Spread so that the limit per minute is approached evenly instead of used up at
        once, where the spacing is short enough to be waited for in place."""
        low, high = self.jitter
        spacing = (
            60 / self.per_minute
            if self.per_minute and 60 / self.per_minute <= NAP
            else 0.0
        )
        return low + (high - low) * draw + max(0.0, spacing - (low + high) / 2)

    def rest(self, draw: float = 0.5) -> float:
        """Seconds from the last message of a batch to the next batch."""
        return max(self.pause, self.gap(draw))


@dataclass(frozen=True)
class Allowance:
    """How many messages may go now; when none, why and until when."""

    count: int
    limit: str = ""
    until: datetime | None = None


def retry_delay(attempt: int) -> timedelta:
    """Growing: 5, 20, 80 … minutes after attempt 1, 2, 3 …, 12 hours at most."""
    return min(
        timedelta(minutes=5 * 4 ** min(max(0, attempt - 1), 8)), timedelta(hours=12)
    )


def month_start(now: datetime, tz: str = "UTC") -> datetime:
    """The first moment of the month in a time zone; ``now`` and the result are UTC
    without zone, as Odoo stores them."""
    local = now.replace(tzinfo=timezone.utc).astimezone(ZoneInfo(tz))
    return _to_utc(local.replace(day=1, hour=0, minute=0, second=0, microsecond=0))


def next_month(now: datetime, tz: str = "UTC") -> datetime:
    """The first moment of the next month in a time zone; UTC without zone, as
    ``now``."""
    local = (
        now.replace(tzinfo=timezone.utc)
        .astimezone(ZoneInfo(tz))
        .replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    )
    return _to_utc((local + timedelta(days=32)).replace(day=1))


def _to_utc(local: datetime) -> datetime:
    return local.astimezone(timezone.utc).replace(tzinfo=None)


def allowance(
    now: datetime, sent: Sequence[datetime], pace: Pace, sent_this_month: int = 0
) -> Allowance:
    """What a mailbox may send at ``now``.

    :param sent: when this mailbox sent, in the last 24 hours, oldest first (same clock
    and zone as ``now``)
    :param sent_this_month: messages of the company since the first of the month
    """
    free, blocked = pace.batch_size, []
    for name, limit, window in (
        ("minute", pace.per_minute, MINUTE),
        ("day", pace.per_day, DAY),
    ):
        if not limit:
            continue
        left = limit - (len(sent) - bisect_right(sent, now - window))
        free = min(free, left)
        if left <= 0:
            # The slot opens when the oldest of the last `limit` messages leaves the
            # window.
            blocked.append((sent[-limit] + window, name))
    if pace.per_month:
        free = min(free, pace.per_month - sent_this_month)
        if sent_this_month >= pace.per_month:
            blocked.append((next_month(now, pace.tz), "month"))
    if blocked:
        until, name = max(blocked)
        return Allowance(0, name, until)
    return Allowance(max(free, 0))


class MonthCount:
    """Messages of a company in the current month, over all its mailboxes."""

    def __init__(self, count: int, now: datetime, tz: str = "UTC"):
        self.count = count
        self._tz, self._end = tz, next_month(now, tz)

    def get(self, now: datetime) -> int:
        if now >= self._end:
            self.count, self._end = 0, next_month(now, self._tz)
        return self.count


class Throttle:
    """What a mailbox has sent lately, and what may go now."""

    def __init__(
        self,
        pace: Pace,
        sent: Sequence[datetime] = (),
        domains: dict[str, Sequence[datetime]] | None = None,
        month: MonthCount | None = None,
    ):
        """``sent``: attempts of the last 24 hours, oldest first; ``domains``: those of
        the last minute by recipient domain."""
        self.pace = pace
        self.month = month
        self._sent = list(sent)
        self._domains = {
            domain: deque(times) for domain, times in (domains or {}).items()
        }

    def allowance(self, now: datetime) -> Allowance:
        return allowance(
            now, self._sent, self.pace, self.month.get(now) if self.month else 0
        )

    def count_day(self, now: datetime) -> int:
        """How many were sent in the last 24 hours."""
        return len(self._sent) - bisect_right(self._sent, now - DAY)

    def get_domain_hold(
        self, domain: str, now: datetime, ahead: int = 0
    ) -> datetime | None:
        """Until when messages to a recipient domain wait; None when one may go.
        ``ahead``: so many more are leaving for it right now. What has no domain (not
        every channel's addresses have one) is not counted."""
        if not domain:
            return None
        times, limit = self._domains.get(domain, deque()), self.pace.per_domain
        while times and times[0] <= now - MINUTE:
            times.popleft()
        if not limit or len(times) + ahead < limit:
            return None
        return (times[ahead - limit] if ahead < limit else now) + MINUTE

    def get_domain_room(self, domain: str, now: datetime) -> int | None:
        """How many messages may go to a recipient domain now; None: any number."""
        if not self.pace.per_domain or not domain:
            return None
        held = self.get_domain_hold(domain, now)
        return 0 if held else self.pace.per_domain - len(self._domains.get(domain, ()))

    def note(self, domain: str, now: datetime) -> None:
        """A message leaves."""
        self._sent.append(now)
        if len(self._sent) > 2 * max(self.pace.per_day, 1000):
            del self._sent[: bisect_right(self._sent, now - DAY)]
        if domain:
            self._domains.setdefault(domain, deque()).append(now)
        if self.month:
            self.month.get(now)
            self.month.count += 1

    def get_last(self) -> datetime | None:
        """When the mailbox sent last, as far as the last 24 hours tell."""
        return self._sent[-1] if self._sent else None


def spread(start: datetime, count: int, hours: float) -> list[datetime]:
    """``count`` moments from ``start``, evenly over ``hours`` (0: all at once)."""
    if count <= 1 or hours <= 0:
        return [start] * count
    step = timedelta(hours=hours) / count
    return [start + step * index for index in range(count)]
