"""Pace: no limit is broken at any instant, nothing is lost, and the forecast is what happens."""

from bisect import bisect_right
from datetime import datetime, timedelta

import pytest
from core.throttle import DAY, MINUTE, Allowance, Pace, allowance, estimate_finish, retry_delay, spread

NOW = datetime(2026, 11, 21, 8, 0)


def at(*seconds):
    return [NOW + timedelta(seconds=number) for number in seconds]


@pytest.mark.parametrize(("attempt", "minutes"), [(0, 5), (1, 5), (2, 20), (3, 80), (4, 320), (5, 720), (50, 720)])
def test_retry_delay(attempt, minutes):
    assert retry_delay(attempt) == timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("sent", "pace", "month", "expected"),
    [
        ([], Pace(), 0, Allowance(5)),
        ([], Pace(batch_size=5, per_minute=3), 0, Allowance(3)),
        (at(-10, -5), Pace(per_minute=3), 0, Allowance(1)),
        (at(-50, -10, -5), Pace(per_minute=3), 0, Allowance(0, "minute", NOW + timedelta(seconds=10))),
        (at(-60, -10, -5), Pace(per_minute=3), 0, Allowance(1)),  # exactly a minute ago is over
        (
            at(-50, -40, -10, -5),
            Pace(per_minute=3),
            0,
            Allowance(0, "minute", NOW + timedelta(seconds=20)),
        ),  # limit lowered
        (at(-80000, -10), Pace(per_day=2), 0, Allowance(0, "day", NOW + timedelta(seconds=6400))),
        (at(-86400, -10), Pace(per_day=2), 0, Allowance(1)),
        (at(-10, -5), Pace(per_minute=2, per_day=2), 0, Allowance(0, "day", NOW + DAY - timedelta(seconds=10))),
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


def simulate(count, pace, sent=()):
    """A mailbox at work, as the scheduler runs it: ask, send what is allowed, pause; or wait until told."""
    clock, history = NOW, list(sent)
    while count:
        recent = history[bisect_right(history, clock - DAY) :]
        allowed = allowance(clock, recent, pace)
        if allowed.count:
            step = min(allowed.count, count)
            history += [clock] * step
            count -= step
            clock += timedelta(seconds=pace.pause)
        else:
            assert allowed.until > clock, "a hold must lie ahead, else the queue spins"
            clock = allowed.until
    return history


def most_within(moments, window):
    """The largest number in any half-open window of that length: only windows that end at a message matter."""
    return max(number - bisect_right(moments, moment - window) for number, moment in enumerate(moments, 1))


PACES = [
    Pace(),
    Pace(5, 3, 20, 500),
    Pace(5, 3, 10, 2000),
    Pace(50, 0, 15, 400),
    Pace(1, 10, 30, 1500),
    Pace(7, 1, 0, 3333),
]


@pytest.mark.parametrize("pace", PACES, ids=str)
def test_ten_thousand_messages(pace):
    history = simulate(10_000, pace)
    assert len(history) == 10_000
    assert history == sorted(history)
    assert most_within(history, DAY) <= pace.per_day
    if pace.per_minute:
        assert most_within(history, MINUTE) <= pace.per_minute
    if pace.pause:
        assert most_within(history, timedelta(seconds=pace.pause)) <= pace.batch_size
    # The forecast steps a microsecond over each slot's edge.
    assert timedelta(0) <= estimate_finish(NOW, 10_000, pace) - history[-1] < timedelta(seconds=0.1)


def test_messages_sent_earlier_count():
    earlier = at(*range(-3000, 0, 10))
    pace = Pace(5, 3, 20, 500)
    history = simulate(400, pace, earlier)
    assert most_within(history, DAY) == 500
    assert timedelta(0) <= estimate_finish(NOW, 400, pace, earlier) - history[-1] < timedelta(seconds=0.1)
    assert estimate_finish(NOW, 400, pace) < NOW + timedelta(hours=1)


def test_throughput_is_not_wasted():
    """With 500 a day, 1,000 messages end in the second day and not later."""
    finish = estimate_finish(NOW, 1_000, Pace(5, 3, 20, 500))
    assert NOW + DAY < finish < NOW + DAY + timedelta(hours=1)


@pytest.mark.parametrize(("count", "seconds"), [(0, 0), (1, 0), (5, 0), (6, 3), (10, 3), (11, 6), (400, 237)])
def test_estimate_of_default_pace(count, seconds):
    assert estimate_finish(NOW, count, Pace()) == NOW + timedelta(seconds=seconds)


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


def test_estimate_waits_for_the_next_month():
    start = datetime(2026, 1, 30, 12, 0)
    pace = Pace(batch_size=5, pause=0, per_day=0, per_month=10)
    assert estimate_finish(start, 5, pace, sent_this_month=5) < datetime(2026, 1, 31)
    assert datetime(2026, 2, 1) <= estimate_finish(start, 6, pace, sent_this_month=5) < datetime(2026, 2, 2)
    assert datetime(2026, 3, 1) <= estimate_finish(start, 16, pace, sent_this_month=5) < datetime(2026, 3, 2)
