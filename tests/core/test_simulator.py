"""The simulator, which feeds its own results back, plans the same as planning day by
day by hand, over several mailboxes, and says what is in the way."""

import copy
import random
from collections import Counter
from datetime import date, datetime, timedelta

import pytest
from core.hours.open_time import Slot
from core.hours.send_window import SendWindow
from core.pace.forecast import Mailbox, Queues, Waiting
from core.pace.throttle import DAY, MonthCount, Pace, Throttle
from core.plan.cadence import Sent
from core.plan.gates import Skip
from core.plan.planner import (
    Barrier,
    CustomerFacts,
    PromiseEnd,
    plan_one,
    record_sent,
    settle_promises,
)
from core.plan.simulator import Clock, Departure, Post, simulate
from planning_world import (
    AUTOMATIC,
    FINAL,
    FIRM,
    LADDER,
    POLITE,
    TODAY,
    WITH_NOTICE,
    item,
    random_customer,
)

WEEKEND = (5, 6)


def nine(day):
    return datetime(day.year, day.month, day.day, 9)


def midnight(day):
    return datetime(day.year, day.month, day.day)


EVERY_DAY = Clock(nine, datetime.date, midnight)
WORKDAYS = Clock(
    lambda day: None if day.weekday() in WEEKEND else nine(day), datetime.date, midnight
)


def post_of(*paces, sent=(), **values):
    """Mailboxes 1, 2 … with these paces, sharing what is sent."""
    boxes = [
        Mailbox(number, Throttle(pace, sent), ())
        for number, pace in enumerate(paces, 1)
    ]
    return Post(
        Queues(midnight(TODAY), boxes), {"email": [box.id for box in boxes]}, **values
    )


def run(
    customers,
    post,
    days,
    clock=EVERY_DAY,
    prioritize=lambda _customer, message: len(message.items),
    **values,
):
    post = post if isinstance(post, Post) else post_of(post)
    return simulate(
        customers, AUTOMATIC, TODAY, days, post, clock, prioritize=prioritize, **values
    )


def rows_of(simulation):
    return [
        (
            one.leaves.date(),
            one.customer.partner_id,
            one.message.level_id,
            tuple(i.id for i in one.message.items),
        )
        for one in simulation.departures
    ]


def run_by_hand(customers, days, per_day, off=()):
    """The same world without the simulator's short cuts: every customer planned on
    every working day, a queue by importance, so many a day, also on days off; a notice
    that is too late is dropped."""
    out, queue = [], []
    for number in range(days):
        day = TODAY + timedelta(days=number)
        waiting = {one.partner_id for one, _message in queue}
        automatic, strict = [], []
        for facts in customers if day.weekday() not in off else ():
            if facts.partner_id not in waiting:
                settle_promises(facts, day)
                going = [
                    (facts, message)
                    for message in plan_one(facts, day, AUTOMATIC)
                    if not message.skip
                ]
                (
                    strict
                    if any(
                        message.choice.level.requires_approval
                        for _facts, message in going
                    )
                    else automatic
                ).extend(going)
        queue += (
            automatic + strict
        )  # what is to be approved is a campaign of its own, and comes second
        queue.sort(key=lambda pair: -len(pair[1].items))
        sent, left = [], []
        for facts, message in queue:
            if per_day and len(sent) >= per_day:
                left.append((facts, message))
            elif message.choice.level.days_overdue >= 0 or any(
                one.date_due >= day for one in message.items
            ):
                sent.append((facts, message))
        for facts, message in sent:
            if message.choice.level.days_overdue < 0:
                message.items = [one for one in message.items if one.date_due >= day]
            record_sent(facts, message, day)
            out.append(
                (
                    day,
                    facts.partner_id,
                    message.level_id,
                    tuple(one.id for one in message.items),
                )
            )
        queue = left
    return out


@pytest.mark.parametrize("clock", [EVERY_DAY, WORKDAYS], ids=["every day", "workdays"])
@pytest.mark.parametrize("seed", range(25))
def test_simulation_is_what_happens(seed, clock):
    """The simulator looks at a customer only when something may have changed; the plain
    day-by-day run must say the same."""
    chance = random.Random(seed)
    customers = [
        random_customer(chance, number, chance.choice((LADDER, WITH_NOTICE)))
        for number in range(1, 60)
    ]
    per_day = chance.choice((0, 0, 3, 8))
    expected = run_by_hand(
        copy.deepcopy(customers), 60, per_day, WEEKEND if clock is WORKDAYS else ()
    )
    simulation = run(customers, Pace(pause=0, per_day=per_day), 60, clock)
    assert sorted(rows_of(simulation)) == sorted(expected)
    assert expected, "an empty world proves nothing"


@pytest.mark.parametrize("seed", range(25))
def test_several_mailboxes(seed):
    """No customer is lost, no limit is broken, each keeps the mailbox that wrote to
    them before, and without limits the mailbox changes nothing else."""
    chance = random.Random(seed)
    customers = [
        random_customer(chance, number, chance.choice((LADDER, WITH_NOTICE)))
        for number in range(1, 80)
    ]
    free = run(copy.deepcopy(customers), Pace(pause=0, per_day=0), 60)
    several = run(
        copy.deepcopy(customers),
        post_of(Pace(pause=0, per_day=0), Pace(pause=0, per_day=0)),
        60,
    )
    assert sorted(rows_of(several)) == sorted(rows_of(free))
    paces = (
        Pace(pause=0, per_day=chance.randint(1, 4)),
        Pace(per_day=chance.randint(1, 4)),
    )
    bound = run(customers, post_of(*paces), 60)
    boxes = {}
    for one in bound.departures:
        assert boxes.setdefault(one.customer.partner_id, one.mailbox) == one.mailbox
    for number, pace in enumerate(paces, 1):
        times = [one.leaves for one in bound.departures if one.mailbox == number]
        assert times == sorted(times)
        assert all(
            later - first >= DAY
            for first, later in zip(times, times[pace.per_day :], strict=False)
        )
    assert Counter(one.mailbox for one in several.departures).keys() == {1, 2}
    left = {id(one) for one in bound.departures} & {id(one) for one in bound.waiting}
    assert not left, "what leaves does not wait"
    assert all(
        one.limit == "day"
        for one in bound.waiting
        if one.planned < TODAY + timedelta(days=55)
    )


def people(count, days=5, **values):
    return [
        CustomerFacts(number, LADDER, [item(number, days)], interval=7, **values)
        for number in range(1, count + 1)
    ]


def test_shared_by_capacity_and_known_sender():
    post = post_of(
        Pace(pause=0, per_day=2), Pace(pause=0, per_day=6), known={("email", 8): 1}
    )
    result = run(people(8), post, 1)
    assert {one.customer.partner_id: one.mailbox for one in result.departures} == {
        1: 2,
        2: 1,
        3: 2,
        4: 2,
        5: 2,
        6: 2,
        7: 2,
        8: 1,
    }
    assert not result.waiting


def test_limits_and_windows_say_why():
    monday = SendWindow("UTC", [Slot(0, 6 * 60, 18 * 60)])
    post = post_of(Pace(pause=0, per_day=4, batch_size=2), windows={7: monday})
    result = run(people(7), post, 3, prioritize=lambda *_args: 1)
    assert [(one.leaves.day, one.customer.partner_id, one.limit) for one in result.departures] == [  # noqa: E501
        (21, 1, ""), (21, 2, ""), (21, 3, ""), (21, 4, ""), (22, 5, "day"), (22, 6, "day"), (23, 7, "window"),  # noqa: E501
    ]  # fmt: skip
    assert all(one.planned == TODAY for one in result.departures)


def test_domain_and_minute():
    post = post_of(
        Pace(pause=0, per_domain=1, per_minute=3),
        domains={
            ("email", key): name
            for key, name in enumerate(["big.example", "big.example", "a", "b", "c"], 1)
        },
    )
    result = run(people(5), post, 1, prioritize=lambda *_args: 1)
    assert [(one.customer.partner_id, one.leaves - nine(TODAY), one.limit) for one in result.departures] == [  # noqa: E501
        (1, timedelta(0), ""), (3, timedelta(0), ""), (4, timedelta(0), ""),
        (2, timedelta(minutes=1, seconds=1), "domain"), (5, timedelta(minutes=1, seconds=1), "minute"),  # noqa: E501
    ]  # fmt: skip


def test_month_of_the_company_is_shared():
    """Two mailboxes, one limit; the month ends where the company is: 20:00 UTC in
    Dubai."""
    start = date(2026, 11, 30)
    month = MonthCount(7, midnight(start), "Asia/Dubai")
    boxes = [
        Mailbox(
            number,
            Throttle(Pace(pause=0, per_month=10, tz="Asia/Dubai"), month=month),
            (),
        )
        for number in (1, 2)
    ]
    facts = [
        CustomerFacts(number, LADDER, [item(number, -8)], interval=7)
        for number in range(1, 7)
    ]
    result = simulate(
        facts,
        AUTOMATIC,
        start,
        2,
        Post(Queues(midnight(start), boxes), {"email": [1, 2]}),
        EVERY_DAY,
        prioritize=lambda *_args: 1,
    )
    assert [(one.leaves, one.limit) for one in result.departures] == 3 * [
        (nine(start), "")
    ] + 3 * [(datetime(2026, 11, 30, 20, 0, 1), "month")]
    assert {one.mailbox for one in result.departures} == {1, 2}


def test_what_does_not_leave_in_time_is_told():
    result = run(people(5), Pace(pause=0, per_day=2), 2)
    assert [
        (one.customer.partner_id, one.leaves, one.limit) for one in result.waiting
    ] == [(5, None, "day")]
    nobody = run(people(1), post_of(), 2)
    assert [one.mailbox for one in nobody.waiting] == [None], "without any mailbox"


def test_a_window_that_never_opens():
    result = run(
        people(1),
        post_of(Pace(), windows={1: SendWindow("UTC", [], name="Closed")}),
        30,
    )
    assert (
        [
            (one.message.skip.reason, one.message.skip.params["detail"])
            for one in result.held
        ],
        result.departures,
    ) == ([("window_never", "Closed")], [])


def test_notice_that_would_come_too_late():
    """Planned on Saturday for Monday, it leaves on Tuesday by the customer's hours;
    then the item is overdue, and the levels begin."""
    facts = CustomerFacts(1, WITH_NOTICE, [item(1, -2)], interval=7)
    result = run(
        [facts],
        post_of(Pace(), windows={1: SendWindow("UTC", [Slot(1, 600, 660)])}),
        12,
    )
    assert [one.message.skip.reason for one in result.held] == ["overdue_now"]
    assert [
        (one.planned, one.leaves, one.message.level_id) for one in result.departures
    ] == [(date(2026, 11, 25), datetime(2026, 12, 1, 10), POLITE.id)]


def test_approval_is_of_the_whole_campaign_or_of_a_level():
    old = CustomerFacts(
        9,
        LADDER,
        [
            item(
                9,
                90,
                history=(
                    Sent(
                        3,
                        "urgent",
                        TODAY - timedelta(days=30),
                        TODAY - timedelta(days=20),
                    ),
                ),
            )
        ],
        interval=7,
    )
    result = run([*people(1), copy.deepcopy(old)], Pace(), 1)
    assert {
        one.customer.partner_id: (one.message.level_id, one.approval)
        for one in result.departures
    } == {1: (POLITE.id, False), 9: (FINAL.id, True)}
    assert all(
        one.approval
        for one in run([*people(1), old], Pace(), 1, approve_all=True).departures
    )


def test_days_off_plan_nothing_but_send_what_waits():
    """Saturday and Sunday: no plan; the backlog of Friday goes on by the windows of the
    customers (here: always)."""
    friday = TODAY - timedelta(days=1)
    facts = [
        CustomerFacts(number, LADDER, [item(number, 5)], interval=7)
        for number in range(1, 4)
    ]
    late = CustomerFacts(4, LADDER, [item(4, 0)], interval=7)
    result = simulate(
        [*facts, late], AUTOMATIC, friday, 4, Post(Queues(midnight(friday), [Mailbox(1, Throttle(Pace(pause=0, per_day=2)), ())]), {"email": [1]}), WORKDAYS,  # noqa: E501
        prioritize=lambda *_args: 1)  # fmt: skip
    assert [
        (one.customer.partner_id, one.planned.day, one.leaves.day)
        for one in result.departures
    ] == [(1, 20, 20), (2, 20, 20), (3, 20, 21), (4, 23, 23)]


def test_broken_promise_in_the_days_to_come():
    held = Barrier(Skip("promised", {"date": "2026-11-24"}), date(2026, 11, 24))
    facts = CustomerFacts(
        1,
        LADDER,
        [
            item(
                1,
                12,
                history=(
                    Sent(
                        1,
                        "friendly",
                        TODAY - timedelta(days=9),
                        TODAY - timedelta(days=9),
                    ),
                ),
                barriers=(held,),
            )
        ],
    )
    facts.promises = (PromiseEnd(date(2026, 11, 24), frozenset([1])),)
    [first, *_rest] = run([facts], Pace(), 20).departures
    assert (first.planned, first.message.level_id, first.message.choice.code) == (
        date(2026, 11, 25),
        FIRM.id,
        "level_broken",
    )


def test_held_ones_are_told_once_with_the_reason():
    facts = CustomerFacts(
        1, LADDER, [item(1, 1), item(2, -20)], barriers=[Barrier(Skip("no_email"))]
    )
    result = run([facts], Pace(), 60)
    assert ([one.message.skip.reason for one in result.held], result.departures) == (
        ["no_email"],
        [],
    )


def waiting_one(mailbox):
    facts = CustomerFacts(
        1, LADDER, [item(1, 20)], interval=7, live=Skip("live_reminder")
    )
    [message] = plan_one(CustomerFacts(1, LADDER, facts.items), TODAY, AUTOMATIC)
    return facts, (
        Departure(
            facts, message, TODAY - timedelta(days=2), priority=3, mailbox=mailbox
        ),
        (-3, -1, 77),
        datetime(2026, 11, 24, 9),
    )


def test_what_is_queued_already_leaves_first_and_blocks_the_customer():
    facts, queued = waiting_one(1)
    out = rows_of(run([facts], Pace(), 30, queued=[queued]))
    assert [(day.day, level) for day, _partner, level, _items in out] == [
        (24, 2),
        (1, 3),
        (15, 3),
    ]


def test_what_is_queued_in_a_mailbox_that_is_not_connected_stays():
    facts, queued = waiting_one(5)
    result = run([facts], Pace(), 30, queued=[queued])
    assert ([one.message.skip.reason for one in result.held], result.departures) == (
        ["provider_closed"],
        [],
    )


def test_other_messages_of_the_mailbox_take_their_place():
    """Thank-you letters wait in the same queue: they use the day's quota and are none
    of the simulation."""
    post = post_of(Pace(pause=0, per_day=1))
    post.queues.put(1, Waiting((-50, 1), "x", nine(TODAY) - timedelta(hours=1), 12))
    [only] = run(people(1), post, 3).departures
    assert (only.leaves.date(), only.limit) == (TODAY + timedelta(days=1), "day")
