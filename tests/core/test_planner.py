"""A customer on a day: which items matter, which level, what is held."""

import copy
import random
from datetime import date, timedelta
from decimal import Decimal

import pytest
from core.plan.cadence import Ladder, Sent
from core.plan.gates import Skip
from core.plan.netting import OpenCredit
from core.plan.planner import (
    Barrier,
    CustomerFacts,
    PromiseEnd,
    Settings,
    get_next_day,
    plan_day,
    plan_one,
    record_sent,
    settle_promises,
)
from core.plan.priority import Record
from planning_world import (
    AUTOMATIC,
    FINAL,
    FIRM,
    LADDER,
    POLITE,
    SOON,
    TODAY,
    URGENT,
    WITH_NOTICE,
    customer,
    item,
    random_customer,
    sent,
)


def shape(messages):
    return sorted(
        (
            [one.id for one in message.items],
            message.level_id,
            message.skip.reason if message.skip else "",
        )
        for message in messages
    )


@pytest.mark.parametrize(
    ("facts", "automatic", "expected"),
    [
        (customer(item(1, 0)), False, []),
        (customer(item(1, 1)), True, [([1], 1, "")]),
        (customer(item(1, 40), item(2, 3)), True, [([1, 2], 3, "")]),
        # asked for by a user: again at the same level; automatic: only what is new
        (customer(item(1, 5, history=(sent(POLITE, 4),))), False, [([1], 1, "")]),
        (customer(item(1, 5, history=(sent(POLITE, 4),))), True, [([1], 1, "level_wait")]),  # noqa: E501
        # a new invoice beside an old one: one message, at the old one's level
        (customer(item(1, 40, history=(sent(URGENT, 5),)), item(2, 2)), True, [([1, 2], 3, "")]),  # noqa: E501
        # partly paid items keep their level
        (customer(item(1, 20, 5, history=(sent(POLITE, 10),))), True, [([1], 2, "")]),
        # not yet due: only for a level before the due date, never beside what is
        # overdue
        (customer(item(1, -2)), True, []),
        (customer(item(1, -2), ladder=WITH_NOTICE), True, [([1], 9, "")]),
        (customer(item(1, -4), ladder=WITH_NOTICE), True, []),
        (customer(item(1, -2), item(2, 3), ladder=WITH_NOTICE), True, [([2], 1, "")]),
        (customer(item(1, -2), item(2, 3, barriers=(Barrier(Skip("disputed")),)), ladder=WITH_NOTICE), True, [([1], 9, ""), ([2], 1, "disputed")]),  # noqa: E501
        (customer(item(1, -1), item(2, 0), ladder=WITH_NOTICE), True, [([2, 1], 9, "")]),  # noqa: E501
        # young, and the ladder begins later
        (customer(item(1, 5), ladder=Ladder((FIRM,))), False, [([1], None, "below_first_level")]),  # noqa: E501
        (customer(item(1, 5), ladder=Ladder(())), False, [([1], None, "")]),
        (customer(item(1, 5), ladder=Ladder(())), True, [([1], None, "below_first_level")]),  # noqa: E501
        (customer(item(1, 16), item(2, 5), ladder=Ladder((FIRM,))), True, [([1, 2], 2, "")]),  # noqa: E501
        # held
        (customer(item(1), barriers=[Barrier(Skip("paused"), TODAY)]), True, [([1], 1, "paused")]),  # noqa: E501
        (customer(item(1), barriers=[Barrier(Skip("paused"), TODAY - timedelta(days=1))]), True, [([1], 1, "")]),  # noqa: E501
        (customer(item(1), live=Skip("live_reminder")), True, [([1], 1, "live_reminder")]),  # noqa: E501
        (customer(item(1), last_contact=TODAY - timedelta(days=6), interval=7), True, [([1], 1, "recent_contact")]),  # noqa: E501
        (customer(item(1), last_contact=TODAY - timedelta(days=7), interval=7), True, [([1], 1, "")]),  # noqa: E501
        # at most so many messages a week, by whatever channel
        (customer(item(1), contacts=(TODAY - timedelta(days=6),) * 2, week_limit=2), True, [([1], 1, "week_limit")]),  # noqa: E501
        (customer(item(1), contacts=(TODAY - timedelta(days=7),) * 2, week_limit=2), True, [([1], 1, "")]),  # noqa: E501
        (customer(item(1), contacts=(TODAY,), week_limit=2), True, [([1], 1, "")]),
        (customer(item(1), item(2), preference="disabled", week_limit=1), True, [([1], 1, ""), ([2], 1, "week_limit")]),  # noqa: E501
        (customer(item(1), item(2), preference="disabled", contacts=(TODAY,), week_limit=2), True, [([1], 1, ""), ([2], 1, "week_limit")]),  # noqa: E501
        (customer(item(1), credits=[OpenCredit(5, 1, Decimal(100), Decimal(100))]), True, [([1], 1, "covered_by_credit")]),  # noqa: E501
        (customer(item(1), item(2), preference="disabled"), True, [([1], 1, ""), ([2], 1, "")]),  # noqa: E501
    ],
)  # fmt: skip
def test_one_customer(facts, automatic, expected):
    before = copy.deepcopy((facts.items, facts.credits, facts.last_contact))
    assert shape(plan_one(facts, TODAY, Settings(automatic=automatic))) == expected
    assert (facts.items, facts.credits, facts.last_contact) == before


def test_when_the_week_has_room_again():
    days = (TODAY - timedelta(days=5), TODAY - timedelta(days=1))
    facts = customer(item(1), contacts=days, week_limit=2)
    [message] = plan_one(facts, TODAY, AUTOMATIC)
    again = TODAY + timedelta(days=2)
    assert message.skip.params == {"date": again.isoformat(), "detail": "2"}
    assert get_next_day(facts, [message], TODAY) <= again
    [message] = plan_one(facts, again, AUTOMATIC)
    assert not message.skip
    record_sent(facts, message, again)
    assert plan_one(facts, again + timedelta(days=1), AUTOMATIC)[0].skip


def test_a_young_item_once_in_an_urgent_mail_is_not_urgent_by_itself():
    old, young = item(1, 40), item(2, 3)
    facts = customer(old, young)
    [message] = plan_one(facts, TODAY, AUTOMATIC)
    assert (message.level_id, message.item_levels) == (3, {1: 3, 2: 1})
    record_sent(facts, message, TODAY)
    facts.items.remove(old)  # paid
    later = TODAY + timedelta(days=12)
    [message] = plan_one(facts, later, AUTOMATIC)
    assert (message.level_id, message.choice.code, message.choice.params) == (
        2,
        "level_next",
        {"level": 2, "days": 15, "last": 1, "ago": 12},
    )


def test_fixed_level_counts_for_every_item():
    facts = customer(item(1, 40, history=(sent(FINAL, 3),)), item(2, 2))
    [message] = plan_one(facts, TODAY, Settings(fixed=FIRM))
    assert (message.level_id, message.item_levels, message.choice.code) == (
        2,
        {1: 2, 2: 2},
        "level_fixed",
    )
    assert plan_one(customer(item(1, -5)), TODAY, Settings(fixed=FIRM)) == []
    assert plan_one(customer(item(1, -2)), TODAY, Settings(fixed=SOON))[0].level_id == 9


def test_record_sent_keeps_the_first_day():
    facts = customer(item(1, 31))
    for ago in (0, 20):
        [message] = plan_one(facts, TODAY + timedelta(days=ago), Settings())
        record_sent(facts, message, TODAY + timedelta(days=ago))
    assert facts.items[0].history == (
        Sent(3, "urgent", TODAY, TODAY + timedelta(days=20)),
    )
    assert facts.last_contact == TODAY + timedelta(days=20)


def test_barrier_of_a_stop():
    assert Barrier.of(Skip("promised", {"date": "2026-11-30"})) == Barrier(
        Skip("promised", {"date": "2026-11-30"}), date(2026, 11, 30)
    )
    assert Barrier.of(Skip("disputed", {"date": ""})).until is None


@pytest.mark.parametrize("seed", range(25))
def test_next_day_is_never_too_late(seed):
    chance = random.Random(seed)
    for number in range(1, 40):
        facts = random_customer(chance, number, WITH_NOTICE)
        now = plan_one(facts, TODAY, AUTOMATIC)
        if any(not message.skip for message in now):
            continue
        next_day = get_next_day(facts, now, TODAY)
        for later in range(1, 100):
            day = TODAY + timedelta(days=later)
            if next_day and day >= next_day:
                break
            assert all(message.skip for message in plan_one(facts, day, AUTOMATIC)), (
                facts,
                day,
            )


def test_plan_day_is_all_customers():
    facts = [customer(item(1)), CustomerFacts(8, LADDER, [item(2)])]
    assert [message.partner_id for message in plan_day(facts, TODAY, AUTOMATIC)] == [
        7,
        8,
    ]


def test_promise_that_ends_unpaid():
    facts = customer(
        item(1, 20, history=(sent(POLITE, 9),)),
        item(2, 20, history=(sent(POLITE, 9),)),
        interval=0,
    )
    facts.promises = (
        PromiseEnd(TODAY, frozenset([1])),
        PromiseEnd(TODAY + timedelta(days=3), frozenset([2]), is_broken=False),
    )
    settle_promises(facts, TODAY)
    assert (len(facts.promises), facts.record) == (2, None), "its last day still counts"
    settle_promises(facts, TODAY + timedelta(days=1))
    assert ([one.broken for one in facts.items], facts.record) == (
        [TODAY + timedelta(days=1), None],
        Record(promises=1),
    )
    [message] = plan_one(facts, TODAY + timedelta(days=1), AUTOMATIC)
    assert (message.level_id, message.choice.code) == (FIRM.id, "level_broken")
    settle_promises(facts, TODAY + timedelta(days=9))
    assert (facts.items[1].broken, facts.record.promises, facts.promises) == (
        None,
        2,
        (),
    ), "kept in part: no harder, but remembered"
