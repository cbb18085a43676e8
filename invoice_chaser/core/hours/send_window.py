"""When a message may leave: weekly hours, days off, Ramadan, time zones. Pure; moments
are UTC and naive as Odoo stores them.

Nothing here knows the words: a shift is a code with its values, and the addon's
catalogue of reasons makes the sentence.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import pytz

from .open_time import (
    Interval,
    Slot,
    intersect,
    intervals_of,
    local_date,
    slots_on,
    subtract,
    to_utc,
)

DAY = timedelta(days=1)
# No calendar is closed for longer; a longer search means that it never opens.
HORIZON_DAYS = 400


@dataclass(frozen=True)
class DayOff:
    """Days, first and last included, on which nothing leaves. Estimated: the sighting
    of the moon decides, so nothing leaves on the day before and the day after
    either."""

    first: date
    last: date
    names: Mapping[str, str] = field(default_factory=dict, hash=False)
    estimated: bool = False


@dataclass(frozen=True)
class SpecialHours:
    """Days, both included, with hours of their own (Ramadan). Estimated: a day that may
    or may not be one of them has only the hours that are open in both cases."""

    first: date
    last: date
    slots: tuple[Slot, ...]
    names: Mapping[str, str] = field(default_factory=dict, hash=False)
    estimated: bool = False

    def is_certain(self, day: date) -> bool:
        margin = DAY if self.estimated else timedelta()
        return self.first + margin <= day <= self.last - margin

    def is_possible(self, day: date) -> bool:
        margin = DAY if self.estimated else timedelta()
        return self.first - margin <= day <= self.last + margin


@dataclass(frozen=True)
class Closure:
    """A closed stretch of time that is not a whole day (UTC, end excluded), as Odoo's
    time off of a calendar."""

    start: datetime
    end: datetime
    name: str = ""


@dataclass(frozen=True)
class Shift:
    """One cause on the way from the wanted moment to the open one: ``code`` and its
    days, both included.

    Codes: ``day`` (no hours on that weekday), ``before``, ``after``, ``break`` (outside
    the hours of a day; ``time`` in minutes after midnight), ``holiday``, ``estimated``,
    ``ramadan``, ``ramadan_estimated``, ``closure``.
    """

    code: str
    first: date
    last: date
    names: Mapping[str, str] = field(default_factory=dict, hash=False)
    time: int | None = None

    def as_params(self) -> dict:
        """Plain values that JSON can keep."""
        values = {
            "code": self.code,
            "first": self.first.isoformat(),
            "last": self.last.isoformat(),
        }
        if self.names:
            values["names"] = dict(self.names)
        return values if self.time is None else values | {"time": self.time}


@dataclass(frozen=True)
class Opening:
    """The next open moment (None: the calendar never opens) and why it is not the
    wanted one (empty: it is)."""

    at: datetime | None
    shifts: tuple[Shift, ...] = ()
    tz: str = "UTC"

    def as_params(self) -> dict:
        """For the reason of a reminder: plain values that JSON can keep."""
        return {"tz": self.tz, "shifts": [shift.as_params() for shift in self.shifts]}


class SendWindow:
    """The open time of one calendar in one time zone.

    :param tz: name of the IANA time zone in which slots and days are meant
    :param slots: weekly hours; ``special``: Ramadan; ``days_off``: holidays;
    ``closures``: single closed stretches
    """

    def __init__(
        self,
        tz: str,
        slots: Iterable[Slot],
        days_off: Sequence[DayOff] = (),
        special: Sequence[SpecialHours] = (),
        closures: Sequence[Closure] = (),
        name: str = "",
    ):
        self.tz, self.name = tz, name
        self.zone = pytz.timezone(tz)
        self.slots = tuple(slots)
        self.special, self.closures = tuple(special), tuple(closures)
        self._off = _days_off_by_date(days_off)
        self._days: dict[date, list[Interval]] = {}

    def is_open(self, moment: datetime) -> bool:
        return any(
            start <= moment < end
            for start, end in self._open_on(local_date(moment, self.zone))
        )

    def is_day_off(self, day: date) -> bool:
        """Whether it is closed all day; False where the calendar never opens at all,
        because then no single day is the reason."""
        return (
            not self._open_on(day)
            and self.next_open(to_utc(day, 0, self.zone)).at is not None
        )

    def next_open(self, moment: datetime) -> Opening:
        """The first moment from ``moment`` on at which a message may leave, with the
        chain of causes that shifted it."""
        day, shifts = local_date(moment, self.zone), []
        for _number in range(HORIZON_DAYS):
            start = next(
                (
                    max(start, moment)
                    for start, end in self._open_on(day)
                    if end > moment
                ),
                None,
            )
            if start == moment:
                return Opening(moment, (), self.tz)
            if start:
                shift = self._explain_wait(day, moment, start)
                return Opening(
                    start, tuple(_join(shifts + ([shift] if shift else []))), self.tz
                )
            shifts.append(self._explain_day(day, moment))
            day += DAY
        return Opening(None, tuple(_join(shifts))[:3], self.tz)

    def add_open_time(self, moment: datetime, span: timedelta) -> datetime:
        """The moment at which ``span`` of open time has passed since ``moment``;
        ``moment`` itself where the calendar never opens."""
        clock, left = self.next_open(moment).at, span
        while clock is not None:
            end = next(
                end
                for start, end in self._open_on(local_date(clock, self.zone))
                if start <= clock < end
            )
            if left < end - clock:
                return clock + left
            left -= end - clock
            clock = self.next_open(end).at
        return moment

    # -- one day

    def _open_on(self, day: date) -> list[Interval]:
        if day not in self._days:
            open_time = (
                []
                if day in self._off
                else intervals_of(day, self._slots_on(day), self.zone)
            )
            self._days[day] = subtract(
                open_time, [(closure.start, closure.end) for closure in self.closures]
            )
        return self._days[day]

    def _slots_on(self, day: date) -> list[tuple[int, int]]:
        slots = slots_on(day, self.slots)
        for special in self.special:
            if special.is_certain(day):
                return slots_on(day, special.slots)
            if special.is_possible(day):
                slots = intersect(slots, slots_on(day, special.slots))
        return slots

    # -- why

    def _explain_day(self, day: date, moment: datetime) -> Shift:
        """Why nothing more leaves on ``day`` at or after ``moment``."""
        if day in self._off:
            return _shift_of(self._off[day], day)
        usual = slots_on(day, self.slots)
        if not usual:
            return Shift("day", day, day)
        if not _any_after(intervals_of(day, usual, self.zone), moment):
            return Shift("after", day, day, time=usual[-1][1])
        if not _any_after(intervals_of(day, self._slots_on(day), self.zone), moment):
            return self._explain_special(day)
        return self._explain_closure(day, moment)

    def _explain_wait(
        self, day: date, moment: datetime, start: datetime
    ) -> Shift | None:
        """Why a message of ``moment`` waits until ``start`` on the day that it opens;
        None when it came from an earlier day."""
        if local_date(moment, self.zone) != day:
            return None
        if any(closure.start <= moment < closure.end for closure in self.closures):
            return self._explain_closure(day, moment)
        usual = intervals_of(day, slots_on(day, self.slots), self.zone)
        if any(first <= moment < last for first, last in usual):
            return self._explain_special(day)
        opened = any(first <= moment for first, _last in self._open_on(day))
        local = pytz.utc.localize(start).astimezone(self.zone)
        return Shift(
            "break" if opened else "before",
            day,
            day,
            time=local.hour * 60 + local.minute,
        )

    def _explain_special(self, day: date) -> Shift:
        special = next(
            (special for special in self.special if special.is_possible(day)), None
        )
        if special is None:
            return Shift("day", day, day)
        return Shift(
            "ramadan" if special.is_certain(day) else "ramadan_estimated",
            day,
            day,
            special.names,
        )

    def _explain_closure(self, day: date, moment: datetime) -> Shift:
        usual = [
            (max(start, moment), end)
            for start, end in intervals_of(day, self._slots_on(day), self.zone)
            if end > moment
        ]
        name = next(
            (
                closure.name
                for closure in self.closures
                if intersect(usual, [(closure.start, closure.end)])
            ),
            "",
        )
        return Shift("closure", day, day, {"en": name} if name else {})


def _days_off_by_date(days_off: Sequence[DayOff]) -> dict[date, DayOff]:
    """A certain day off goes before one that is only possible."""
    found: dict[date, DayOff] = {}
    for off in sorted(days_off, key=lambda off: (off.estimated, off.first)):
        margin = 1 if off.estimated else 0
        for number in range(-margin, (off.last - off.first).days + 1 + margin):
            found.setdefault(off.first + timedelta(days=number), off)
    return found


def _shift_of(off: DayOff, day: date) -> Shift:
    return Shift("estimated" if off.estimated else "holiday", day, day, off.names)


def _any_after(intervals: Sequence[Interval], moment: datetime) -> bool:
    return any(end > moment for _start, end in intervals)


def _join(shifts: Sequence[Shift]) -> list[Shift]:
    """Neighbouring days with the same cause are reported as one."""
    joined: list[Shift] = []
    for shift in shifts:
        last = joined[-1] if joined else None
        if (
            last
            and last.code == shift.code != "after"
            and last.names == shift.names
            and shift.first - last.last == DAY
        ):
            joined[-1] = Shift(shift.code, last.first, shift.last, shift.names)
        else:
            joined.append(shift)
    return joined
