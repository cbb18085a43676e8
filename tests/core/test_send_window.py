"""Send windows: dated cases in the UAE's weeks and feasts, other zones, clock changes,
and the chain of causes."""

import itertools
from datetime import date, datetime, timedelta

import pytest
import pytz
from core.hours.open_time import Slot, intersect, merge, slots_on, subtract, to_utc
from core.hours.send_window import Closure, DayOff, SendWindow, SpecialHours

DUBAI, RIYADH, LONDON = "Asia/Dubai", "Asia/Riyadh", "Europe/London"


def week(*days):
    return tuple(
        Slot(day, start * 60 // 1, round(end * 60)) for day, start, end in days
    )


UAE = week(*((day, 8, 17) for day in range(4)), (4, 8, 11.5))
UAE_RAMADAN = week(*((day, 9, 14.5) for day in range(4)), (4, 9, 11.5))
SHARJAH = week(*((day, 8, 17) for day in range(4)))
SHARJAH_RAMADAN = week(*((day, 9, 14.5) for day in range(4)))
KSA = week((6, 8, 17), *((day, 8, 17) for day in range(4)))
OFFICE = week(*((day, 9, 17) for day in range(5)))
HOLIDAYS = (
    DayOff(date(2026, 1, 1), date(2026, 1, 1), {"en_US": "New Year's Day"}),
    DayOff(date(2026, 3, 19), date(2026, 3, 22), {"en_US": "Eid al-Fitr"}),
    DayOff(date(2026, 5, 26), date(2026, 5, 26), {"en_US": "Day of Arafah"}),
    DayOff(date(2026, 5, 27), date(2026, 5, 29), {"en_US": "Eid al-Adha"}),
    DayOff(date(2026, 6, 15), date(2026, 6, 15), {"en_US": "Islamic New Year"}),
    DayOff(date(2026, 8, 28), date(2026, 8, 28), {"en_US": "Prophet's Birthday"}),
    DayOff(date(2026, 12, 2), date(2026, 12, 3), {"en_US": "National Day"}),
    DayOff(
        date(2027, 3, 9), date(2027, 3, 11), {"en_US": "Eid al-Fitr"}, estimated=True
    ),
    DayOff(
        date(2027, 5, 15), date(2027, 5, 15), {"en_US": "Day of Arafah"}, estimated=True
    ),
    DayOff(
        date(2027, 5, 16), date(2027, 5, 18), {"en_US": "Eid al-Adha"}, estimated=True
    ),
    DayOff(
        date(2027, 6, 6),
        date(2027, 6, 6),
        {"en_US": "Islamic New Year"},
        estimated=True,
    ),
    DayOff(
        date(2027, 8, 14),
        date(2027, 8, 14),
        {"en_US": "Prophet's Birthday"},
        estimated=True,
    ),
    DayOff(date(2027, 12, 2), date(2027, 12, 3), {"en_US": "National Day"}),
)


def ramadan(slots):
    return (
        SpecialHours(date(2026, 2, 18), date(2026, 3, 19), slots, {"en_US": "Ramadan"}),
        SpecialHours(
            date(2027, 2, 8),
            date(2027, 3, 8),
            slots,
            {"en_US": "Ramadan"},
            estimated=True,
        ),
    )


WINDOWS = {
    "dubai": SendWindow(DUBAI, UAE, HOLIDAYS, ramadan(UAE_RAMADAN)),
    "sharjah": SendWindow(DUBAI, SHARJAH, HOLIDAYS, ramadan(SHARJAH_RAMADAN)),
    "riyadh": SendWindow(
        RIYADH,
        KSA,
        [DayOff(date(2026, 9, 23), date(2026, 9, 23), {"en_US": "National Day"})],
    ),
    "london": SendWindow(LONDON, OFFICE),
    "confirmed": SendWindow(
        DUBAI,
        UAE,
        [DayOff(date(2027, 3, 10), date(2027, 3, 12), {"en_US": "Eid al-Fitr"})],
    ),
    "night": SendWindow(DUBAI, (Slot(0, 1200, 1440), Slot(1, 0, 360))),
}


def utc(text, tz):
    local = pytz.timezone(tz).localize(datetime.fromisoformat(text))
    return local.astimezone(pytz.utc).replace(tzinfo=None)


# window, wanted (local), open (local), codes of the chain
CASES = [
    # the plain week in Dubai; 16 November 2026 is a Monday
    ("dubai", "2026-11-16 08:00", "2026-11-16 08:00", ""),
    ("dubai", "2026-11-16 16:59", "2026-11-16 16:59", ""),
    ("dubai", "2026-11-16 07:59", "2026-11-16 08:00", "before"),
    ("dubai", "2026-11-16 17:00", "2026-11-17 08:00", "after"),
    ("dubai", "2026-11-16 00:00", "2026-11-16 08:00", "before"),
    ("dubai", "2026-11-16 23:59", "2026-11-17 08:00", "after"),
    ("dubai", "2026-11-19 17:30", "2026-11-20 08:00", "after"),
    # Friday: until 11:30, before the prayer at 13:15
    ("dubai", "2026-11-20 08:00", "2026-11-20 08:00", ""),
    ("dubai", "2026-11-20 11:29", "2026-11-20 11:29", ""),
    ("dubai", "2026-11-20 11:30", "2026-11-23 08:00", "after day"),
    ("dubai", "2026-11-20 13:15", "2026-11-23 08:00", "after day"),
    ("dubai", "2026-11-20 15:00", "2026-11-23 08:00", "after day"),
    ("dubai", "2026-11-21 10:00", "2026-11-23 08:00", "day"),
    ("dubai", "2026-11-22 23:30", "2026-11-23 08:00", "day"),
    ("dubai", "2026-11-23 03:30", "2026-11-23 08:00", "before"),
    # National Day 2026: Wednesday and Thursday, then Friday morning is open
    ("dubai", "2026-12-01 16:00", "2026-12-01 16:00", ""),
    ("dubai", "2026-12-01 18:00", "2026-12-04 08:00", "after holiday"),
    ("dubai", "2026-12-02 10:00", "2026-12-04 08:00", "holiday"),
    ("dubai", "2026-12-03 23:59", "2026-12-04 08:00", "holiday"),
    ("dubai", "2026-12-04 09:00", "2026-12-04 09:00", ""),
    # National Day 2027: Thursday and Friday, then the weekend
    ("dubai", "2027-12-01 17:00", "2027-12-06 08:00", "after holiday day"),
    ("dubai", "2027-12-03 09:00", "2027-12-06 08:00", "holiday day"),
    # New Year's Day 2026: Thursday
    ("dubai", "2025-12-31 20:00", "2026-01-02 08:00", "after holiday"),
    ("dubai", "2026-01-01 09:00", "2026-01-02 08:00", "holiday"),
    # Islamic New Year 2026: Monday, after a weekend
    ("dubai", "2026-06-12 12:00", "2026-06-16 08:00", "after day holiday"),
    # Ramadan 2026, confirmed: 18 February to 19 March
    ("dubai", "2026-02-17 16:30", "2026-02-17 16:30", ""),
    ("dubai", "2026-02-18 08:30", "2026-02-18 09:00", "ramadan"),
    ("dubai", "2026-02-18 09:00", "2026-02-18 09:00", ""),
    ("dubai", "2026-02-18 14:30", "2026-02-19 09:00", "ramadan"),
    ("dubai", "2026-02-18 18:00", "2026-02-19 09:00", "after"),
    ("dubai", "2026-02-18 07:00", "2026-02-18 09:00", "before"),
    ("dubai", "2026-02-20 08:15", "2026-02-20 09:00", "ramadan"),
    ("dubai", "2026-02-20 12:00", "2026-02-23 09:00", "after day"),
    ("dubai", "2026-03-18 14:29", "2026-03-18 14:29", ""),
    # Eid al-Fitr 2026: Thursday 19 (still Ramadan by the calendar) to Sunday 22 March
    ("dubai", "2026-03-18 15:00", "2026-03-23 08:00", "ramadan holiday"),
    ("dubai", "2026-03-19 10:00", "2026-03-23 08:00", "holiday"),
    ("dubai", "2026-03-20 10:00", "2026-03-23 08:00", "holiday"),
    ("dubai", "2026-03-22 23:59", "2026-03-23 08:00", "holiday"),
    ("dubai", "2026-03-23 16:30", "2026-03-23 16:30", ""),
    # Arafah and Eid al-Adha 2026: Tuesday 26 to Friday 29 May
    ("dubai", "2026-05-25 16:00", "2026-05-25 16:00", ""),
    ("dubai", "2026-05-25 17:00", "2026-06-01 08:00", "after holiday holiday day"),
    ("dubai", "2026-05-26 09:00", "2026-06-01 08:00", "holiday holiday day"),
    ("dubai", "2026-05-29 09:00", "2026-06-01 08:00", "holiday day"),
    # Prophet's Birthday 2026: a Friday; 2027, estimated: a Saturday, so that Friday and
    # Sunday are held, too
    ("dubai", "2026-08-27 17:00", "2026-08-31 08:00", "after holiday day"),
    ("dubai", "2026-08-28 09:00", "2026-08-31 08:00", "holiday day"),
    ("dubai", "2027-08-12 18:00", "2027-08-16 08:00", "after estimated"),
    # Ramadan 2027, estimated: 8 February to 8 March; the edges have the hours that both
    # ways allow
    ("dubai", "2027-02-05 09:00", "2027-02-05 09:00", ""),
    ("dubai", "2027-02-08 08:00", "2027-02-08 09:00", "ramadan_estimated"),
    ("dubai", "2027-02-08 15:00", "2027-02-09 09:00", "ramadan_estimated"),
    ("dubai", "2027-02-09 15:00", "2027-02-10 09:00", "ramadan"),
    # Eid al-Fitr 2027, estimated 9 to 11 March: Monday 8 and Friday 12 are held as well
    ("dubai", "2027-03-05 11:30", "2027-03-15 08:00", "after day estimated day"),
    ("dubai", "2027-03-07 12:00", "2027-03-15 08:00", "day estimated day"),
    ("dubai", "2027-03-08 10:00", "2027-03-15 08:00", "estimated day"),
    ("dubai", "2027-03-10 10:00", "2027-03-15 08:00", "estimated day"),
    ("dubai", "2027-03-12 09:00", "2027-03-15 08:00", "estimated day"),
    ("dubai", "2027-03-15 09:00", "2027-03-15 09:00", ""),
    # the same week once a person has confirmed 10 to 12 March
    ("confirmed", "2027-03-08 10:00", "2027-03-08 10:00", ""),
    ("confirmed", "2027-03-09 16:59", "2027-03-09 16:59", ""),
    ("confirmed", "2027-03-10 08:00", "2027-03-15 08:00", "holiday day"),
    # Eid al-Adha 2027, estimated 15 (Arafah) and 16 to 18 May: held from Friday 14 to
    # Wednesday 19
    ("dubai", "2027-05-13 16:00", "2027-05-13 16:00", ""),
    ("dubai", "2027-05-14 09:00", "2027-05-20 08:00", "estimated estimated"),
    ("dubai", "2027-05-19 12:00", "2027-05-20 08:00", "estimated"),
    ("dubai", "2027-05-20 12:00", "2027-05-20 12:00", ""),
    # Islamic New Year 2027, estimated Sunday 6 June: Monday is held
    ("dubai", "2027-06-04 12:00", "2027-06-08 08:00", "after estimated"),
    # Sharjah: Friday to Sunday off
    ("sharjah", "2026-11-19 16:59", "2026-11-19 16:59", ""),
    ("sharjah", "2026-11-19 17:00", "2026-11-23 08:00", "after day"),
    ("sharjah", "2026-11-20 09:00", "2026-11-23 08:00", "day"),
    ("sharjah", "2026-12-01 17:30", "2026-12-07 08:00", "after holiday day"),
    ("sharjah", "2026-03-18 14:45", "2026-03-23 08:00", "ramadan holiday"),
    ("sharjah", "2027-03-12 09:00", "2027-03-15 08:00", "estimated day"),
    # a customer in Riyadh: Sunday works, Friday and Saturday do not
    ("riyadh", "2026-11-22 08:00", "2026-11-22 08:00", ""),
    ("riyadh", "2026-11-20 09:00", "2026-11-22 08:00", "day"),
    ("riyadh", "2026-11-19 17:00", "2026-11-22 08:00", "after day"),
    ("riyadh", "2026-09-23 09:00", "2026-09-24 08:00", "holiday"),
    ("riyadh", "2026-12-02 09:00", "2026-12-02 09:00", ""),
    # a customer in London, winter and summer
    ("london", "2026-11-20 16:59", "2026-11-20 16:59", ""),
    ("london", "2026-11-20 17:00", "2026-11-23 09:00", "after day"),
    ("london", "2026-07-20 08:30", "2026-07-20 09:00", "before"),
    ("london", "2026-03-28 12:00", "2026-03-30 09:00", "day"),
    ("london", "2026-10-23 18:00", "2026-10-26 09:00", "after day"),
    # open over midnight
    ("night", "2026-11-16 23:59", "2026-11-16 23:59", ""),
    ("night", "2026-11-17 00:00", "2026-11-17 00:00", ""),
    ("night", "2026-11-17 05:59", "2026-11-17 05:59", ""),
    ("night", "2026-11-17 06:00", "2026-11-23 20:00", "after day"),
]


def test_table_is_large_enough():
    assert len(CASES) >= 60
    assert len({case[:2] for case in CASES}) == len(CASES)


@pytest.mark.parametrize(("name", "wanted", "opens", "codes"), CASES)
def test_dated_case(name, wanted, opens, codes):
    window = WINDOWS[name]
    opening = window.next_open(utc(wanted, window.tz))
    assert opening.at == utc(opens, window.tz)
    assert [shift.code for shift in opening.shifts] == _expected(codes)
    assert window.is_open(opening.at)
    assert window.is_open(utc(wanted, window.tz)) is (wanted == opens)


def _expected(codes):
    return codes.split()


@pytest.mark.parametrize("name", sorted(WINDOWS))
def test_next_open_is_the_first_open_quarter_of_an_hour(name):
    """Against the plain definition: look at each quarter of an hour until one is
    open."""
    window = WINDOWS[name]
    for start in (
        datetime(2026, 3, 15, 3, 45),
        datetime(2026, 10, 23, 20),
        datetime(2027, 3, 4, 22, 15),
        datetime(2027, 2, 6),
    ):
        moment = next(moment for moment in _quarters(start) if window.is_open(moment))
        assert window.next_open(start).at == moment


def _quarters(start):
    return (start + timedelta(minutes=15 * number) for number in itertools.count())


def test_opening_is_never_before_the_wanted_moment_and_stays():
    window = WINDOWS["dubai"]
    for hours in range(0, 24 * 500, 7):
        moment = datetime(2026, 1, 1) + timedelta(hours=hours)
        opening = window.next_open(moment)
        assert opening.at >= moment
        assert window.next_open(opening.at).at == opening.at
        assert bool(opening.shifts) == (opening.at != moment)


# -- the chain of causes


def test_chain_names_days_and_times():
    opening = WINDOWS["dubai"].next_open(utc("2026-11-20 15:00", DUBAI))
    after, weekend = opening.shifts
    assert (after.first, after.time) == (date(2026, 11, 20), 11 * 60 + 30)
    assert (weekend.first, weekend.last) == (date(2026, 11, 21), date(2026, 11, 22))


def test_chain_names_the_feast_in_all_languages():
    names = {"en_US": "Eid al-Fitr", "ar_001": "عيد الفطر"}
    window = SendWindow(
        DUBAI, UAE, [DayOff(date(2027, 3, 9), date(2027, 3, 11), names, estimated=True)]
    )
    opening = window.next_open(utc("2027-03-08 10:00", DUBAI))
    feast, weekend = opening.shifts
    assert (feast.first, feast.last, feast.code) == (
        date(2027, 3, 8),
        date(2027, 3, 12),
        "estimated",
    )
    assert opening.as_params() == {
        "tz": DUBAI,
        "shifts": [
            {
                "code": "estimated",
                "first": "2027-03-08",
                "last": "2027-03-12",
                "names": names,
            },
            {"code": "day", "first": "2027-03-13", "last": "2027-03-14"},
        ],
    }
    assert weekend.as_params() == {
        "code": "day",
        "first": "2027-03-13",
        "last": "2027-03-14",
    }


def test_certain_feast_goes_before_an_estimated_one():
    window = SendWindow(
        DUBAI,
        UAE,
        [
            DayOff(
                date(2027, 3, 9), date(2027, 3, 11), {"en_US": "Eid"}, estimated=True
            ),
            DayOff(date(2027, 3, 12), date(2027, 3, 12), {"en_US": "Company day"}),
        ],
    )
    codes = [
        (shift.code, shift.first.day, shift.last.day)
        for shift in window.next_open(utc("2027-03-08 10:00", DUBAI)).shifts
    ]
    assert codes == [("estimated", 8, 11), ("holiday", 12, 12), ("day", 13, 14)]


def test_break_at_noon():
    window = SendWindow(DUBAI, (Slot(0, 480, 720), Slot(0, 780, 1020)))
    opening = window.next_open(utc("2026-11-16 12:10", DUBAI))
    assert opening.at == utc("2026-11-16 13:00", DUBAI)
    assert [(shift.code, shift.time) for shift in opening.shifts] == [("break", 780)]


def test_time_off_of_the_calendar_is_a_closure():
    closure = Closure(
        utc("2026-11-16 09:00", DUBAI), utc("2026-11-16 12:30", DUBAI), "Stocktaking"
    )
    window = SendWindow(DUBAI, UAE, closures=[closure])
    assert window.is_open(utc("2026-11-16 08:59", DUBAI))
    opening = window.next_open(utc("2026-11-16 09:00", DUBAI))
    assert opening.at == utc("2026-11-16 12:30", DUBAI)
    assert [(shift.code, shift.names) for shift in opening.shifts] == [
        ("closure", {"en": "Stocktaking"})
    ]
    whole = SendWindow(
        DUBAI,
        UAE,
        closures=[
            Closure(
                utc("2026-11-16 00:00", DUBAI), utc("2026-11-18 00:00", DUBAI), "Move"
            )
        ],
    )
    opening = whole.next_open(utc("2026-11-16 10:00", DUBAI))
    assert opening.at == utc("2026-11-18 08:00", DUBAI)
    assert [shift.code for shift in opening.shifts] == ["closure"]


def test_calendar_that_never_opens():
    opening = SendWindow(DUBAI, ()).next_open(datetime(2026, 11, 16))
    assert opening.at is None
    assert opening.shifts
    assert SendWindow(DUBAI, ()).add_open_time(
        datetime(2026, 11, 16), timedelta(hours=1)
    ) == datetime(2026, 11, 16)


def test_every_other_week():
    slots = (Slot(0, 480, 1020, week=0), Slot(1, 480, 1020, week=1))
    days = [date(2026, 11, 16) + timedelta(days=number) for number in range(14)]
    assert [day.weekday() for day in days if slots_on(day, slots)] in ([0, 1], [1, 0])
    assert sum(bool(slots_on(day, slots)) for day in days) == 2
    assert slots_on(date(2026, 11, 16), slots) != slots_on(date(2026, 11, 23), slots)


# -- open time


def test_open_time_is_counted_over_nights_weekends_and_feasts():
    window = WINDOWS["dubai"]
    start = utc("2026-11-20 10:30", DUBAI)
    assert window.add_open_time(start, timedelta(minutes=30)) == utc(
        "2026-11-20 11:00", DUBAI
    )
    assert window.add_open_time(start, timedelta(hours=1)) == utc(
        "2026-11-23 08:00", DUBAI
    )
    assert window.add_open_time(start, timedelta(hours=2)) == utc(
        "2026-11-23 09:00", DUBAI
    )
    assert window.add_open_time(utc("2026-11-21 10:00", DUBAI), timedelta()) == utc(
        "2026-11-23 08:00", DUBAI
    )
    assert window.add_open_time(
        utc("2026-12-01 16:00", DUBAI), timedelta(hours=2)
    ) == utc("2026-12-04 09:00", DUBAI)


# -- clock changes


@pytest.mark.parametrize(
    ("day", "minutes", "is_end", "expected"),
    [
        (date(2026, 3, 29), 0, False, "2026-03-29 00:00"),
        (date(2026, 3, 29), 90, False, "2026-03-29 01:00"),  # 01:30 does not exist
        (date(2026, 3, 29), 119, True, "2026-03-29 01:00"),
        (date(2026, 3, 29), 120, False, "2026-03-29 01:00"),
        (date(2026, 3, 29), 180, False, "2026-03-29 02:00"),
        (date(2026, 7, 1), 540, False, "2026-07-01 08:00"),
        (date(2026, 10, 25), 90, False, "2026-10-25 00:30"),
        (date(2026, 10, 25), 90, True, "2026-10-25 01:30"),  # 01:30 comes twice
        (date(2026, 10, 25), 180, False, "2026-10-25 03:00"),
        (date(2026, 12, 31), 1440, True, "2027-01-01 00:00"),
    ],
)
def test_wall_clock_in_london(day, minutes, is_end, expected):
    assert to_utc(
        day, minutes, pytz.timezone(LONDON), is_end
    ) == datetime.fromisoformat(expected)


def test_night_of_the_clock_change():
    night = SendWindow(LONDON, tuple(Slot(day, 30, 150) for day in range(7)))
    # Forward: 00:30 to 02:30 is one hour of real time, back: three.
    assert night.add_open_time(
        datetime(2026, 3, 29, 0, 30), timedelta(minutes=59)
    ) == datetime(2026, 3, 29, 1, 29)
    assert night.next_open(datetime(2026, 3, 29, 1, 30)).at == datetime(
        2026, 3, 29, 23, 30
    )
    assert night.add_open_time(
        datetime(2026, 10, 24, 23, 30), timedelta(minutes=179)
    ) == datetime(2026, 10, 25, 2, 29)
    gone = SendWindow(
        LONDON, (Slot(6, 70, 110),)
    )  # 01:10 to 01:50 does not exist on 29 March
    assert gone.next_open(datetime(2026, 3, 29, 0, 0)).at == datetime(2026, 4, 5, 0, 10)


def test_samoa_skips_a_day():
    window = SendWindow("Pacific/Apia", tuple(Slot(day, 540, 1020) for day in range(7)))
    opening = window.next_open(utc("2011-12-29 18:00", "Pacific/Apia"))
    assert opening.at == utc("2011-12-31 09:00", "Pacific/Apia")


# -- arithmetic


def test_merge_intersect_subtract():
    assert merge([(5, 7), (1, 3), (3, 4), (8, 8)]) == [(1, 4), (5, 7)]
    assert intersect([(1, 5), (7, 9)], [(2, 8)]) == [(2, 5), (7, 8)]
    assert subtract([(1, 10)], [(2, 3), (5, 20)]) == [(1, 2), (3, 5)]
    assert subtract([(1, 10)], [(0, 10)]) == []


@pytest.mark.parametrize(
    ("window", "day", "expected"),
    [
        ("dubai", date(2026, 11, 20), False), ("dubai", date(2026, 11, 21), True), ("sharjah", date(2026, 11, 20), True),  # noqa: E501
        ("riyadh", date(2026, 11, 22), False), ("dubai", date(2026, 12, 2), True), ("dubai", date(2027, 3, 8), True),  # noqa: E501
        ("confirmed", date(2027, 3, 8), False), ("dubai", date(2026, 3, 4), False), ("night", date(2026, 11, 24), False),  # noqa: E501
    ],
)  # fmt: skip
def test_day_off(window, day, expected):
    assert WINDOWS[window].is_day_off(day) is expected


def test_a_calendar_that_never_opens_has_no_days_off():
    assert not SendWindow(DUBAI, ()).is_day_off(date(2026, 11, 23))
