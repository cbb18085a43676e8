"""Pace: what may go now, and the pauses. For whole queues see test_forecast."""

from datetime import datetime, timedelta

import pytest
from core.pace.throttle import (
    DAY,
    NAP,
    Allowance,
    MonthCount,
    Pace,
    Throttle,
    allowance,
    month_start,
    next_month,
    retry_delay,
    spread,
)

NOW = datetime(2026, 11, 21, 8, 0)


def at(*seconds):
    return [NOW + timedelta(seconds=number) for number in seconds]


@pytest.mark.parametrize(
    ("attempt", "minutes"),
    [(0, 5), (1, 5), (2, 20), (3, 80), (4, 320), (5, 720), (50, 720)],
)
def test_retry_delay(attempt, minutes):
    assert retry_delay(attempt) == timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("sent", "pace", "month", "expected"),
    [
        ([], Pace(), 0, Allowance(5)),
        ([], Pace(batch_size=5, per_minute=3), 0, Allowance(3)),
        (at(-10, -5), Pace(per_minute=3), 0, Allowance(1)),
        (
            at(-50, -10, -5),
            Pace(per_minute=3),
            0,
            Allowance(0, "minute", NOW + timedelta(seconds=10)),
        ),
        (
            at(-60, -10, -5),
            Pace(per_minute=3),
            0,
            Allowance(1),
        ),  # exactly a minute ago does not count any more
        (
            at(-50, -40, -10, -5),
            Pace(per_minute=3),
            0,
            Allowance(0, "minute", NOW + timedelta(seconds=20)),
        ),  # limit lowered
        (
            at(-80000, -10),
            Pace(per_day=2),
            0,
            Allowance(0, "day", NOW + timedelta(seconds=6400)),
        ),
        (at(-86400, -10), Pace(per_day=2), 0, Allowance(1)),
        (
            at(-10, -5),
            Pace(per_minute=2, per_day=2),
            0,
            Allowance(0, "day", NOW + DAY - timedelta(seconds=10)),
        ),
        (at(-5), Pace(per_minute=0, per_day=0), 0, Allowance(5)),
        ([], Pace(per_month=100), 98, Allowance(2)),
        ([], Pace(per_month=100), 100, Allowance(0, "month", datetime(2026, 12, 1))),
        ([], Pace(per_month=100), 250, Allowance(0, "month", datetime(2026, 12, 1))),
    ],
)
def test_allowance(sent, pace, month, expected):
    assert allowance(NOW, sent, pace, month) == expected


@pytest.mark.parametrize(
    ("now", "first"),
    [
        (datetime(2026, 12, 31, 23, 59), datetime(2027, 1, 1)),
        (datetime(2026, 1, 31), datetime(2026, 2, 1)),
        (datetime(2028, 2, 29, 12), datetime(2028, 3, 1)),
    ],
)
def test_month_ends(now, first):
    assert allowance(now, [], Pace(per_month=1), 1).until == first


@pytest.mark.parametrize(
    ("now", "tz", "start", "end"),
    [
        (
            datetime(2026, 11, 30, 19, 59),
            "Asia/Dubai",
            datetime(2026, 10, 31, 20),
            datetime(2026, 11, 30, 20),
        ),
        (
            datetime(2026, 11, 30, 20, 0),
            "Asia/Dubai",
            datetime(2026, 11, 30, 20),
            datetime(2026, 12, 31, 20),
        ),
        (
            datetime(2026, 12, 31, 23, 59),
            "UTC",
            datetime(2026, 12, 1),
            datetime(2027, 1, 1),
        ),
        (
            datetime(2026, 3, 15),
            "Europe/Berlin",
            datetime(2026, 2, 28, 23),
            datetime(2026, 3, 31, 22),
        ),  # summer time begins in between
        (
            datetime(2026, 1, 1, 4),
            "America/New_York",
            datetime(2025, 12, 1, 5),
            datetime(2026, 1, 1, 5),
        ),
    ],
)
def test_month_of_the_company(now, tz, start, end):
    assert (month_start(now, tz), next_month(now, tz)) == (start, end)
    assert allowance(now, [], Pace(per_month=1, tz=tz), 1).until == end


def test_month_count_begins_anew():
    month = MonthCount(7, datetime(2026, 11, 30, 19, 0), "Asia/Dubai")
    assert month.get(datetime(2026, 11, 30, 19, 59, 59)) == 7
    assert month.get(datetime(2026, 11, 30, 20, 0)) == 0
    month.count = 3
    assert month.get(datetime(2026, 12, 31, 19, 0)) == 3
    assert month.get(datetime(2027, 2, 1)) == 0


@pytest.mark.parametrize(
    ("pace", "draw", "gap", "rest"),
    [
        (Pace(), 0.5, 0, 3),
        (Pace(jitter=(1, 4)), 0, 1, 3),
        (Pace(jitter=(1, 4)), 1, 4, 4),
        (Pace(jitter=(1, 4), pause=10), 1, 4, 10),
        (Pace(per_minute=20), 0.9, 3, 3),
        (
            Pace(per_minute=20, jitter=(1, 4)),
            0.5,
            3,
            3,
        ),  # spaced out: 20 a minute is one in three seconds
        (Pace(per_minute=20, jitter=(1, 4)), 0, 1.5, 3),
        (Pace(per_minute=20, jitter=(1, 4)), 1, 4.5, 4.5),
        (Pace(per_minute=10, jitter=(1, 4)), 0.5, 6, 6),
        (Pace(per_minute=100, jitter=(1, 4)), 0.5, 2.5, 3),
        (
            Pace(per_minute=2, jitter=(1, 4)),
            0.5,
            2.5,
            3,
        ),  # too slow for a wait within the run: a burst, then the queue waits
    ],
)
def test_rhythm(pace, draw, gap, rest):
    assert pace.gap(draw) == pytest.approx(gap)
    assert pace.rest(draw) == pytest.approx(rest)


def test_rhythm_never_naps_longer_than_a_nap():
    for per_minute in range(1, 200):
        assert Pace(per_minute=per_minute).gap(1) <= NAP


def test_domains():
    throttle = Throttle(Pace(per_domain=2), domains={"x.example": at(-70, -30, -10)})
    assert throttle.get_domain_hold("x.example", NOW) == NOW + timedelta(seconds=30)
    assert throttle.get_domain_room("x.example", NOW) == 0
    assert throttle.get_domain_room("x.example", NOW + timedelta(seconds=30)) == 1
    assert throttle.get_domain_room("y.example", NOW) == 2
    throttle.note("y.example", NOW)
    assert throttle.get_domain_room("y.example", NOW) == 1
    throttle.note("y.example", NOW + timedelta(seconds=1))
    assert throttle.get_domain_hold(
        "y.example", NOW + timedelta(seconds=1)
    ) == NOW + timedelta(minutes=1)
    assert throttle.get_last() == NOW + timedelta(seconds=1)


def test_domain_with_messages_just_leaving():
    """The next one waits for the oldest of the last three, whether it has left or is
    leaving now."""
    throttle = Throttle(Pace(per_domain=3))
    throttle.note("gmail.com", NOW - timedelta(seconds=40))
    throttle.note("gmail.com", NOW - timedelta(seconds=10))
    assert throttle.get_domain_hold("gmail.com", NOW) is None
    assert throttle.get_domain_hold("gmail.com", NOW, ahead=1) == NOW + timedelta(
        seconds=20
    )
    assert throttle.get_domain_hold("gmail.com", NOW, ahead=2) == NOW + timedelta(
        seconds=50
    )
    for many in (3, 9):
        assert throttle.get_domain_hold(
            "gmail.com", NOW, ahead=many
        ) == NOW + timedelta(seconds=60)
    assert throttle.get_domain_hold("other.ae", NOW, ahead=2) is None
    assert (
        Throttle(Pace(per_domain=0)).get_domain_hold("gmail.com", NOW, ahead=9) is None
    )


def test_domains_without_limit():
    throttle = Throttle(Pace(), domains={"x.example": at(*[-1] * 50)})
    assert throttle.get_domain_hold("x.example", NOW) is None
    assert throttle.get_domain_room("x.example", NOW) is None
    assert throttle.get_last() is None


def test_history_stays_short():
    throttle = Throttle(Pace(per_day=500))
    for hour in range(10_000):
        throttle.note("x.example", NOW + timedelta(hours=hour))
    assert len(throttle._sent) <= 2001
    assert throttle.allowance(NOW + timedelta(hours=9_999)).count == 5


@pytest.mark.parametrize(
    ("count", "hours", "expected"),
    [
        (0, 2, []),
        (1, 2, [0]),
        (3, 0, [0, 0, 0]),
        (4, 2, [0, 1800, 3600, 5400]),
        (2, -1, [0, 0]),
    ],
)
def test_spread(count, hours, expected):
    assert spread(NOW, count, hours) == at(*expected)


def test_spread_is_even_and_ends_inside():
    moments = spread(NOW, 400, 6.5)
    gaps = {second - first for first, second in zip(moments, moments[1:], strict=False)}
    assert max(gaps) - min(gaps) <= timedelta(microseconds=2)
    assert moments[0] == NOW and moments[-1] < NOW + timedelta(hours=6.5)
