"""Whole queues, sent by the rules that pace the real run: no limit is broken at any
instant, no message is lost, sent twice or waits for ever; and the forecast fits a run
with real, random pauses."""

import random
from bisect import bisect_right
from collections import Counter
from datetime import datetime, timedelta

import pytest
from core.pace.forecast import Mailbox, Waiting, finishes, forecast
from core.pace.throttle import DAY, MINUTE, NAP, MonthCount, Pace, Throttle

NOW = datetime(2026, 11, 21, 8, 0)
SECOND = timedelta(seconds=1)


def queue(count, domains=None, start=0, group="campaign", not_before=NOW):
    """Messages to ``domains`` (default: each to its own), all due."""
    return [
        Waiting(
            (start + number,),
            domains[number % len(domains)] if domains else f"d{start + number}.example",
            not_before,
            group,
        )
        for number in range(count)
    ]


def run(pace, waiting, now=NOW, month=None, sent=()):
    return list(
        forecast(now, [Mailbox("box", Throttle(pace, sent, month=month), waiting)])
    )


def most_within(moments, window):
    """The largest number in any half-open window of that length: only windows that end
    at a message matter."""
    return max(
        (
            number - bisect_right(moments, moment - window)
            for number, moment in enumerate(moments, 1)
        ),
        default=0,
    )


def check(departures, waiting, pace, sent=()):
    """No message is lost, none is sent twice, no limit is broken at any instant."""
    assert Counter(departure.waiting for departure in departures) == Counter(waiting)
    moments = sorted([*sent, *(departure.at for departure in departures)])
    assert most_within(moments, DAY) <= (pace.per_day or len(moments))
    assert most_within(moments, MINUTE) <= (pace.per_minute or len(moments))
    if pace.per_domain:
        by_domain = {}
        for departure in departures:
            by_domain.setdefault(departure.waiting.domain, []).append(departure.at)
        assert (
            max(most_within(sorted(times), MINUTE) for times in by_domain.values())
            <= pace.per_domain
        )
    assert all(departure.at >= departure.waiting.not_before for departure in departures)


PACES = [
    Pace(),
    Pace(5, 3, 20, 500, jitter=(1, 4)),
    Pace(5, 3, 10, 2000, jitter=(1, 4), per_domain=5),
    Pace(50, 0, 15, 400),
    Pace(1, 10, 30, 1500),
    Pace(7, 1, 0, 3333),
    Pace(5, 3, 2, 500),
    Pace(5, 3, 20, 0, jitter=(1, 4), per_domain=1),
]


@pytest.mark.parametrize("pace", PACES, ids=str)
@pytest.mark.parametrize(
    "domains",
    [None, ["gmail.com", "hotmail.com", *(f"d{number}.ae" for number in range(40))]],
    ids=["own", "shared"],
)
def test_ten_thousand_messages(pace, domains):
    waiting = queue(10_000, domains)
    check(run(pace, waiting), waiting, pace)


def real_run(pace, waiting, seed):
    """The mailbox's job on a simulated clock, with random pauses; for long waits a
    scheduler that wakes once a minute."""
    dice = random.Random(seed)
    throttle, clock, left, moments = Throttle(pace), NOW, sorted(waiting), []
    polls = NOW + timedelta(seconds=dice.uniform(0, 60))

    def wait(until):
        nonlocal polls
        if until - clock <= timedelta(seconds=NAP):
            return until
        until = until.replace(microsecond=0) + SECOND
        if until - clock <= 10 * MINUTE:  # the alarm
            return until + timedelta(seconds=dice.uniform(0, 2))
        polls += timedelta(
            seconds=60 * max(0, -(-(until - polls).total_seconds() // 60))
        )
        return max(polls, until)

    while left:
        allowed = throttle.allowance(clock)
        if not allowed.count:
            assert allowed.until > clock, "a hold must lie ahead, else the queue spins"
            clock = wait(allowed.until)
            continue
        taken = []
        for message in left:
            if len(taken) < allowed.count and not throttle.get_domain_hold(
                message.domain, clock
            ):
                throttle.note(message.domain, clock)
                moments.append((clock, message))
                taken.append(message)
                clock += timedelta(seconds=pace.gap(dice.random()))
        left = [message for message in left if message not in taken] if taken else left
        if taken:
            clock += timedelta(seconds=max(0, pace.rest(dice.random()) - pace.gap(0.5)))
        else:
            clock = wait(
                min(
                    filter(
                        None,
                        (
                            throttle.get_domain_hold(message.domain, clock)
                            for message in left
                        ),
                    )
                )
            )
    return moments


@pytest.mark.parametrize(
    ("pace", "count"),
    [
        (Pace(5, 3, 20, 500, jitter=(1, 4), per_domain=5), 400),
        (Pace(5, 3, 20, 500, jitter=(1, 4), per_domain=5), 1200),
        (Pace(5, 3, 10, 2000, jitter=(1, 4), per_domain=5), 700),
        (Pace(5, 3, 15, 400, jitter=(1, 4)), 900),
        (Pace(5, 3, 2, 0), 300),
        (Pace(5, 3, 0, 0), 600),
        (Pace(5, 3, 20, 1500, jitter=(1, 4), per_domain=2), 400),
    ],
    ids=str,
)
def test_forecast_is_right_within_a_tenth(pace, count):
    """Against runs with random pauses and a scheduler that polls, which share only the
    rules with the forecast."""
    domains = ["gmail.com", *(f"d{number}.ae" for number in range(30))]
    waiting = queue(count, domains)
    said = max(departure.at for departure in run(pace, waiting)) - NOW
    for seed in range(5):
        took = max(moment for moment, _message in real_run(pace, waiting, seed)) - NOW
        assert abs(said - took) <= took / 10, f"said {said}, took {took}"


def test_important_ones_first():
    waiting = queue(200)
    shuffled = random.Random(1).sample(waiting, 200)
    assert [departure.waiting for departure in run(Pace(), shuffled)] == waiting


def test_full_domain_lets_the_others_pass():
    """A hundred messages to one domain do not delay less important ones."""
    waiting = queue(100, ["gmail.com"]) + queue(5, ["other.ae"], start=100)
    departures = run(Pace(per_domain=5), waiting)
    check(departures, waiting, Pace(per_domain=5))
    others = [
        departure.at
        for departure in departures
        if departure.waiting.domain == "other.ae"
    ]
    assert max(others) < NOW + MINUTE
    assert departures[-1].at < NOW + timedelta(minutes=21)


def test_spread_messages_wait_for_their_time():
    waiting = [
        Waiting((number,), f"d{number}.ae", NOW + timedelta(minutes=10 * number))
        for number in range(12)
    ]
    departures = run(Pace(), waiting)
    check(departures, waiting, Pace())
    assert all(
        departure.at - departure.waiting.not_before < 2 * MINUTE
        for departure in departures
    )


def test_mailbox_on_hold_starts_later():
    start = NOW + timedelta(hours=2)
    [departure] = forecast(NOW, [Mailbox("box", Throttle(Pace()), queue(1), start)])
    assert departure.at == start


def test_messages_sent_earlier_count():
    earlier = [NOW - timedelta(seconds=seconds) for seconds in range(3000, 0, -10)]
    pace = Pace(5, 3, 20, 500)
    waiting = queue(400)
    departures = run(pace, waiting, sent=earlier)
    check(departures, waiting, pace, earlier)
    assert departures[-1].at > NOW + timedelta(hours=23)
    assert run(pace, waiting)[-1].at < NOW + timedelta(hours=1)


def test_throughput_is_not_wasted():
    """With 500 a day, 1,000 messages end in the second day and not later; 20 a minute
    are used to the full."""
    assert (
        NOW + DAY
        < run(Pace(5, 3, 20, 500), queue(1_000))[-1].at
        < NOW + DAY + timedelta(hours=1)
    )
    assert (
        run(Pace(5, 3, 20, 500, jitter=(1, 4)), queue(400))[-1].at < NOW + 21 * MINUTE
    )


@pytest.mark.parametrize(
    ("count", "seconds"), [(1, 0), (5, 0), (6, 3), (10, 3), (11, 6), (400, 237)]
)
def test_default_pace(count, seconds):
    assert run(Pace(), queue(count))[-1].at == NOW + timedelta(seconds=seconds)


def test_nothing_waits():
    assert run(Pace(), []) == []
    assert finishes(forecast(NOW, [])) == {}


def test_waits_for_the_next_month_of_the_company():
    start = datetime(2026, 1, 30, 12, 0)
    pace = Pace(pause=0, per_day=0, per_month=10, tz="Asia/Dubai")

    def last(count):
        return run(
            pace,
            queue(count, not_before=start),
            start,
            MonthCount(5, start, "Asia/Dubai"),
        )[-1].at

    assert last(5) < datetime(2026, 1, 31)
    assert datetime(2026, 1, 31, 20) <= last(6) < datetime(2026, 1, 31, 20, 2)
    assert datetime(2026, 2, 28, 20) <= last(16) < datetime(2026, 2, 28, 20, 2)


# -- several mailboxes


def test_ten_thousand_over_several_mailboxes():
    paces = {
        "a": Pace(5, 3, 20, 500, jitter=(1, 4)),
        "b": Pace(5, 3, 10, 2000, jitter=(1, 4), per_domain=5),
        "c": Pace(5, 3, 15, 400),
    }
    waiting = queue(10_000, ["gmail.com", *(f"d{number}.ae" for number in range(500))])
    parts = {name: waiting[number::3] for number, name in enumerate(paces)}
    departures = list(
        forecast(
            NOW,
            [
                Mailbox(name, Throttle(pace), parts[name])
                for name, pace in paces.items()
            ],
        )
    )
    assert Counter(departure.waiting for departure in departures) == Counter(waiting)
    for name, pace in paces.items():
        check(
            [departure for departure in departures if departure.mailbox == name],
            parts[name],
            pace,
        )


def test_mailboxes_share_the_monthly_limit():
    """Together they never pass it, and both go on in the next month."""
    start = datetime(2026, 11, 28)
    month = MonthCount(0, start, "Asia/Dubai")
    pace = Pace(per_day=500, per_month=700, tz="Asia/Dubai")
    boxes = [
        Mailbox(
            name,
            Throttle(pace, month=month),
            queue(600, start=600 * number, not_before=start),
        )
        for number, name in enumerate("ab")
    ]
    departures = list(forecast(start, boxes))
    assert len(departures) == 1200
    boundary = datetime(2026, 11, 30, 20)
    assert sum(departure.at < boundary for departure in departures) == 700
    assert {
        departure.mailbox for departure in departures if departure.at >= boundary
    } == {"a", "b"}


def test_finishes_by_mailbox_and_campaign():
    waiting = [*queue(10, group="one"), *queue(5, start=100, group="two")]
    found = finishes(
        forecast(
            NOW,
            [
                Mailbox("a", Throttle(Pace()), waiting),
                Mailbox("b", Throttle(Pace()), queue(1, start=900, group="one")),
            ],
        )
    )
    assert found == {
        ("a", "one"): (10, NOW + 3 * SECOND),
        ("a", "two"): (5, NOW + 6 * SECOND),
        ("b", "one"): (1, NOW),
    }


def test_short_waits_are_slept_through_and_long_ones_end_at_a_full_second():
    now = NOW + timedelta(microseconds=300)
    long, short = (
        Pace(batch_size=1, pause=0, per_minute=1, per_day=0),
        Pace(batch_size=1, pause=NAP, per_day=0),
    )
    assert run(long, queue(2), now)[-1].at == NOW + MINUTE + SECOND
    assert run(short, queue(2), now)[-1].at == now + timedelta(seconds=NAP)
