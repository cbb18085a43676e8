"""Which window a customer has, and estimates and spreading over windows."""

from datetime import date, datetime, timedelta

import pytest
from core.hours.open_time import Slot
from core.hours.send_window import SendWindow
from core.hours.window_book import (
    Calendar,
    Holiday,
    Place,
    WindowBook,
    spread,
    zone_for,
)
from core.pace.forecast import Mailbox, Waiting, forecast
from core.pace.throttle import Pace, Throttle

AE, SA, GB, US, SHARJAH = 1, 2, 3, 4, 10
DAYS = tuple(Slot(day, 480, 1020) for day in range(4))
UAE = Calendar(
    1,
    "UAE",
    "Asia/Dubai",
    DAYS + (Slot(4, 480, 690),),
    tuple(Slot(day, 540, 870) for day in range(5)),
    frozenset({AE}),
)
SHJ = Calendar(
    2, "Sharjah", "Asia/Dubai", DAYS, None, frozenset(), frozenset({SHARJAH})
)
KSA = Calendar(
    3, "KSA", "Asia/Riyadh", (Slot(6, 480, 1020), *DAYS), None, frozenset({SA})
)
OWN = Calendar(4, "Own", "Asia/Dubai", tuple(Slot(day, 600, 720) for day in range(6)))
HOME = Place(country_id=AE, country_code="AE", tz="Asia/Dubai")
HOLIDAYS = (
    Holiday(date(2026, 12, 2), date(2026, 12, 3), {"en_US": "National Day"}, AE),
    Holiday(date(2026, 9, 23), date(2026, 9, 23), {"en_US": "National Day"}, SA),
    Holiday(date(2026, 11, 24), date(2026, 11, 24), {"en_US": "Stocktaking"}),
    Holiday(
        date(2027, 2, 8), date(2027, 3, 8), {"en_US": "Ramadan"}, AE, is_ramadan=True
    ),
)
NOON = datetime(2026, 11, 25, 8, 0)  # Wednesday, 12:00 in Dubai


def book(default=1, in_customer_zone=True):
    return WindowBook([UAE, SHJ, KSA, OWN], default, HOME, HOLIDAYS, in_customer_zone)


@pytest.mark.parametrize(
    ("place", "name", "tz"),
    [
        (None, "UAE", "Asia/Dubai"),
        (Place(), "UAE", "Asia/Dubai"),
        (Place(country_id=AE, country_code="AE"), "UAE", "Asia/Dubai"),
        (
            Place(state_id=SHARJAH, country_id=AE, country_code="AE"),
            "Sharjah",
            "Asia/Dubai",
        ),
        (Place(country_id=SA, country_code="SA"), "KSA", "Asia/Riyadh"),
        (
            Place(country_id=SA, country_code="SA", tz="Asia/Dubai"),
            "KSA",
            "Asia/Riyadh",
        ),
        (Place(country_id=GB, country_code="GB"), "UAE", "Europe/London"),
        (
            Place(country_id=GB, country_code="GB", tz="Asia/Dubai"),
            "UAE",
            "Europe/London",
        ),
        (
            Place(country_id=US, country_code="US", tz="America/Chicago"),
            "UAE",
            "America/Chicago",
        ),
        (Place(country_id=US, country_code="US"), "UAE", "Asia/Dubai"),
        (Place(calendar_id=4, country_id=SA, country_code="SA"), "Own", "Asia/Riyadh"),
        (Place(calendar_id=99, country_id=SA, country_code="SA"), "KSA", "Asia/Riyadh"),
    ],
)
def test_choice(place, name, tz):
    window = book().get(place)
    assert (window.name, window.tz) == (name, tz)


def test_by_the_company_s_clock():
    assert (
        book(in_customer_zone=False).get(Place(country_id=SA, country_code="SA")).tz
        == "Asia/Dubai"
    )


def test_the_company_s_own_calendar_serves_its_country_but_not_another_emirate_s_or_country_s():  # noqa: E501
    assert book(default=4).get(Place(country_id=AE, country_code="AE")).name == "Own"
    assert (
        book(default=4)
        .get(Place(state_id=SHARJAH, country_id=AE, country_code="AE"))
        .name
        == "Sharjah"
    )
    assert book(default=4).get(Place(country_id=SA, country_code="SA")).name == "KSA"


def test_customers_of_one_kind_share_a_window():
    mine = book()
    assert (
        mine.get(Place(country_id=AE, country_code="AE"))
        is mine.get(Place())
        is mine.get(Place(country_id=AE, country_code="AE", state_id=77))
    )
    assert mine.get(Place(country_id=SA, country_code="SA")) is not mine.get()


def test_holidays_of_the_place():
    riyadh, dubai = book().get(Place(country_id=SA, country_code="SA")), book().get()
    for window, day, opened in (
        (riyadh, datetime(2026, 12, 2, 7), True),
        (dubai, datetime(2026, 12, 2, 7), False),
        (riyadh, datetime(2026, 9, 23, 7), False),
        (dubai, datetime(2026, 9, 23, 7), True),
        (riyadh, datetime(2026, 11, 24, 7), False),
        (dubai, datetime(2026, 11, 24, 7), False),
        (
            book().get(Place(country_id=GB, country_code="GB")),
            datetime(2026, 12, 2, 12),
            False,
        ),
    ):
        assert window.is_open(day) is opened, (window.name, day)


def test_ramadan_only_where_the_calendar_has_hours_for_it():
    afternoon = datetime(2027, 2, 16, 11, 30)  # 15:30 in Dubai
    assert not book().get().is_open(afternoon)
    assert (
        book()
        .get(Place(state_id=SHARJAH, country_id=AE, country_code="AE"))
        .is_open(afternoon)
    )


@pytest.mark.parametrize(
    ("tz", "code", "fallback", "expected"),
    [
        ("Asia/Dubai", "", "UTC", "Asia/Dubai"),
        ("", "", "Asia/Dubai", "Asia/Dubai"),
        ("Nowhere/None", "", "Asia/Dubai", "Asia/Dubai"),
        ("Asia/Dubai", "GB", "Asia/Dubai", "Europe/London"),
        ("Europe/London", "GB", "Asia/Dubai", "Europe/London"),
        ("", "US", "Asia/Dubai", "Asia/Dubai"),
        ("America/New_York", "us", "Asia/Dubai", "America/New_York"),
        ("", "XX", "Asia/Dubai", "Asia/Dubai"),
    ],
)
def test_zone(tz, code, fallback, expected):
    assert zone_for(tz, code, fallback) == expected


# -- estimates

PACE = Pace(batch_size=5, pause=60, per_minute=0, per_day=0)


def estimate_finish(now, counts, pace):
    """When the last of so many messages per window leaves; None when one never
    leaves."""
    messages = [window for window, count in counts.items() for _number in range(count)]
    waiting = [
        Waiting((number,), f"d{number}.ae", now, window=window)
        for number, window in enumerate(messages)
    ]
    departures = list(forecast(now, [Mailbox("box", Throttle(pace), waiting)]))
    return (
        max([now, *(departure.at for departure in departures)])
        if len(departures) == len(messages)
        else None
    )


def test_estimate_without_limits_of_a_window_is_the_plain_one():
    always = SendWindow("UTC", tuple(Slot(day, 0, 1440) for day in range(7)))
    for count in (1, 5, 6, 40):
        assert estimate_finish(NOON, {always: count}, PACE) == estimate_finish(
            NOON, {None: count}, PACE
        )
    quota = Pace(batch_size=5, pause=3, per_day=6)
    assert estimate_finish(NOON, {always: 12}, quota) == estimate_finish(
        NOON, {None: 12}, quota
    )


def test_estimate_waits_for_the_window():
    window = book().get()
    friday = datetime(
        2026, 11, 20, 7, 28
    )  # 11:28 in Dubai; two batches fit before 11:30
    assert estimate_finish(friday, {window: 10}, PACE) == friday + timedelta(minutes=1)
    assert estimate_finish(friday, {window: 11}, PACE) == datetime(2026, 11, 23, 4, 0)


def test_estimate_over_several_windows_lets_open_ones_go_first():
    riyadh, dubai = book().get(Place(country_id=SA, country_code="SA")), book().get()
    saturday = datetime(2026, 11, 21, 6)
    assert estimate_finish(saturday, {riyadh: 5, dubai: 5}, PACE) == datetime(
        2026, 11, 23, 4, 0
    )
    assert estimate_finish(saturday, {riyadh: 5}, PACE) == datetime(2026, 11, 22, 5, 0)


def test_estimate_that_never_ends():
    assert (
        estimate_finish(NOON, {SendWindow("UTC", ()): 1, book().get(): 1}, PACE) is None
    )
    assert estimate_finish(NOON, {}, PACE) == NOON


def test_daily_quota_and_window_together():
    window = book().get()
    finish = estimate_finish(
        datetime(2026, 11, 25, 12, 59),
        {window: 20},
        Pace(batch_size=10, pause=0, per_day=10),
    )
    # Wednesday 16:59, ten; 24 hours later is 16:59 on Thursday, the next ten still fit.
    assert finish.date() == date(2026, 11, 26)
    assert finish < datetime(2026, 11, 26, 13, 0)


# -- spreading


def test_spread_over_open_hours():
    window = book().get()
    wednesday = datetime(2026, 11, 25, 12, 0)  # 16:00 in Dubai: one hour left
    moments = [at for at, _opening in spread(wednesday, [window] * 4, 2)]
    assert moments == [
        wednesday,
        wednesday + timedelta(minutes=30),
        datetime(2026, 11, 26, 4, 0),
        datetime(2026, 11, 26, 4, 30),
    ]


def test_spread_tells_why_it_starts_later():
    window = book().get()
    moments = spread(datetime(2026, 11, 20, 11), [window] * 2, 1)
    assert [at for at, _opening in moments] == [
        datetime(2026, 11, 23, 4),
        datetime(2026, 11, 23, 4, 30),
    ]
    assert [[shift.code for shift in opening.shifts] for _at, opening in moments] == [
        ["after", "day"]
    ] * 2


def test_spread_keeps_each_customer_to_his_own_hours():
    riyadh, dubai, never = (
        book().get(Place(country_id=SA, country_code="SA")),
        book().get(),
        SendWindow("UTC", ()),
    )
    saturday = datetime(2026, 11, 21, 6)
    moments = [at for at, _opening in spread(saturday, [riyadh, dubai, never], 0)]
    assert moments == [datetime(2026, 11, 22, 5), datetime(2026, 11, 23, 4), saturday]
    assert spread(saturday, [], 3) == []
