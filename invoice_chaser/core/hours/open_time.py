"""Weekly hours as stretches of UTC time: arithmetic on slots and intervals, right
across midnight and clock changes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import pytz

Interval = tuple[datetime, datetime]


@dataclass(frozen=True)
class Slot:
    """Open hours of one weekday (0 = Monday) in minutes after local midnight, end
    excluded (1440: until midnight).

    ``week``: None for every week, 0 or 1 for every other one, counted as Odoo's
    calendars count (`resource.calendar.attendance`).
    """

    weekday: int
    start: int
    end: int
    week: int | None = None


def slots_on(day: date, slots: Iterable[Slot]) -> list[tuple[int, int]]:
    """The hours of a day in minutes, sorted and joined where they touch."""
    week = (day.toordinal() - 1) // 7 % 2
    return merge(
        (slot.start, slot.end)
        for slot in slots
        if slot.weekday == day.weekday() and slot.week in (None, week)
    )


def merge(spans: Iterable[tuple]) -> list[tuple]:
    merged: list[tuple] = []
    for start, end in sorted(span for span in spans if span[1] > span[0]):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def intersect(left: Sequence[tuple], right: Sequence[tuple]) -> list[tuple]:
    return merge((max(a[0], b[0]), min(a[1], b[1])) for a in left for b in right)


def subtract(spans: Sequence[tuple], holes: Sequence[tuple]) -> list[tuple]:
    for start, end in holes:
        spans = [
            part
            for span in spans
            for part in ((span[0], min(span[1], start)), (max(span[0], end), span[1]))
            if part[1] > part[0]
        ]
    return list(spans)


def local_date(moment: datetime, zone) -> date:
    """The date of a UTC moment where the clock of ``zone`` (pytz) is used."""
    return pytz.utc.localize(moment).astimezone(zone).date()


def intervals_of(day: date, slots: Sequence[tuple[int, int]], zone) -> list[Interval]:
    """Slots of a local day as UTC intervals (naive)."""
    spans = (
        (to_utc(day, start, zone), to_utc(day, end, zone, is_end=True))
        for start, end in slots
    )
    return [(start, end) for start, end in spans if end > start]


def to_utc(day: date, minutes: int, zone, is_end: bool = False) -> datetime:
    """A wall clock time as a UTC moment (naive).

    A time that occurs twice when clocks are set back is its first occurrence, as an end
    its second. A time that does not occur when they are set forward is the moment of
    the change.
    """
    wall = datetime.combine(day, time()) + timedelta(minutes=minutes)
    early, late = sorted(
        zone.localize(wall, is_dst=is_dst).astimezone(pytz.utc)
        for is_dst in (True, False)
    )
    if early == late:
        return early.replace(tzinfo=None)
    if early.astimezone(zone).replace(tzinfo=None) == wall:
        return (late if is_end else early).replace(tzinfo=None)
    return _clock_change(early, late, zone).replace(tzinfo=None)


def _clock_change(early: datetime, late: datetime, zone) -> datetime:
    """The moment between the two at which the zone's offset changes, to the second."""
    before = early.astimezone(zone).utcoffset()
    while late - early > timedelta(seconds=1):
        middle = early + (late - early) / 2
        if middle.astimezone(zone).utcoffset() == before:
            early = middle
        else:
            late = middle
    return late.replace(microsecond=0)


def local_moment(day: date, hour: float, tz: str) -> datetime:
    """A local hour of a day (a float, 9.5 is half past nine) as naive UTC; an hour that
    a clock change leaves out becomes the next one."""
    minutes = round(hour * 60)
    local = datetime.combine(day, time(minutes // 60 % 24, minutes % 60))
    zone = pytz.timezone(tz)
    return (
        zone.normalize(zone.localize(local)).astimezone(pytz.utc).replace(tzinfo=None)
    )
