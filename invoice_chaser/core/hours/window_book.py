"""Which send window a customer has: calendars, holidays and places of a company, read
once, asked per customer. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import pytz

from .open_time import Slot
from .send_window import Closure, DayOff, Opening, SendWindow, SpecialHours


@dataclass(frozen=True)
class Calendar:
    """Weekly hours; where they are the customers' own (``country_ids``, ``state_ids``);
    ``ramadan_slots``: None: as always."""

    id: int
    name: str
    tz: str
    slots: tuple[Slot, ...]
    ramadan_slots: tuple[Slot, ...] | None = None
    country_ids: frozenset[int] = frozenset()
    state_ids: frozenset[int] = frozenset()
    closures: tuple[Closure, ...] = ()


@dataclass(frozen=True)
class Holiday:
    """Days off or Ramadan (``is_ramadan``). ``country_id`` None: a day off of the
    company itself, for every customer."""

    first: date
    last: date
    names: Mapping[str, str] = field(default_factory=dict, hash=False)
    country_id: int | None = None
    estimated: bool = False
    is_ramadan: bool = False


@dataclass(frozen=True)
class Place:
    """What decides on a customer's window. ``country_code``: ISO 3166, two letters."""

    calendar_id: int | None = None
    state_id: int | None = None
    country_id: int | None = None
    country_code: str = ""
    tz: str = ""


class WindowBook:
    """All windows of a company.

    :param calendars: in the order in which they are looked through;
    :param default_id: the company's own
    :param in_customer_zone: False: everything goes by the company's clock
    """

    def __init__(
        self,
        calendars: Sequence[Calendar],
        default_id: int,
        home: Place,
        holidays: Sequence[Holiday],
        in_customer_zone: bool = True,
    ):
        self.calendars = {calendar.id: calendar for calendar in calendars}
        self.default_id, self.home = default_id, home
        self.holidays, self.in_customer_zone = tuple(holidays), in_customer_zone
        self._windows: dict[tuple, SendWindow] = {}

    def get(self, place: Place | None = None) -> SendWindow:
        """The window of a customer; without a place the company's own."""
        place = place or self.home
        calendar, is_own = self._choose(place)
        country_id = (
            (place.country_id or self.home.country_id)
            if is_own
            else self.home.country_id
        )
        key = (calendar.id, country_id, self._get_zone(place, calendar, is_own))
        if key not in self._windows:
            self._windows[key] = self._make(*key)
        return self._windows[key]

    def _choose(self, place: Place) -> tuple[Calendar, bool]:
        """The customer's calendar: set on the customer, else that of their emirate or
        state, else that of their country, else the company's (False)."""
        if place.calendar_id in self.calendars:
            return self.calendars[place.calendar_id], True
        if place is not self.home:
            for kind, own in (
                ("state_ids", place.state_id),
                ("country_ids", place.country_id),
            ):
                found = next(
                    (
                        calendar
                        for calendar in self.calendars.values()
                        if own and own in getattr(calendar, kind)
                    ),
                    None,
                )
                # The company's own calendar wins over the general one of its own
                # country.
                if found and not (
                    kind == "country_ids" and own == self.home.country_id
                ):
                    return found, True
        return self.calendars[self.default_id], False

    def _get_zone(self, place: Place, calendar: Calendar, is_own: bool) -> str:
        if not self.in_customer_zone:
            return self.home.tz or calendar.tz
        return zone_for(
            place.tz,
            place.country_code,
            calendar.tz if is_own else self.home.tz or calendar.tz,
        )

    def _make(self, calendar_id: int, country_id: int | None, tz: str) -> SendWindow:
        calendar = self.calendars[calendar_id]
        mine = [
            holiday
            for holiday in self.holidays
            if holiday.country_id in (None, country_id)
        ]
        ramadan = [
            SpecialHours(
                day.first, day.last, calendar.ramadan_slots, day.names, day.estimated
            )
            for day in mine
            if day.is_ramadan and calendar.ramadan_slots is not None
        ]
        off = [
            DayOff(day.first, day.last, day.names, day.estimated)
            for day in mine
            if not day.is_ramadan
        ]
        return SendWindow(
            tz, calendar.slots, off, ramadan, calendar.closures, calendar.name
        )


def zone_for(tz: str, country_code: str, fallback: str) -> str:
    """The customer's time zone: their own where it lies in their country, else that of
    a country with a single one, else ``fallback``.

    A contact's zone alone is not to be trusted: Odoo copies it from the user who typed
    the contact in.
    """
    zones = pytz.country_timezones.get(country_code.upper(), []) if country_code else []
    if tz and (tz in zones or not zones):
        return tz if tz in pytz.all_timezones_set else fallback
    if fallback in zones:
        return fallback
    return zones[0] if len(zones) == 1 else fallback


def spread(
    start: datetime, windows: Sequence[SendWindow], hours: float
) -> list[tuple[datetime, Opening]]:
    """Per message the moment it is to leave and the opening that explains it; ``hours``
    of open time, evenly (0: all at once).

    A window that never opens leaves its message at ``start``; the opening says so
    (``at`` is None).
    """
    step = (
        timedelta(hours=hours) / len(windows) if windows and hours > 0 else timedelta()
    )
    openings: dict[SendWindow, Opening] = {}
    moments = []
    for number, window in enumerate(windows):
        if window not in openings:
            openings[window] = window.next_open(start)
        opening = openings[window]
        at = window.add_open_time(start, step * number) if opening.at else start
        moments.append((at, opening))
    return moments
