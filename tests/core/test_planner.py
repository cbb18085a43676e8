"""A customer on a day: which items matter, which level, what is held; and the forecast that feeds itself."""

import copy
import random
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from core.cadence import Ladder, LevelRule, Sent
from core.gates import Skip
from core.planner import Barrier, CustomerFacts, ItemFacts, Settings, get_next_day, plan_day, plan_one, record_sent
from core.planning import OpenCredit
from core.simulator import Departure, Mailbox, simulate
from core.throttle import Pace

TODAY = date(2026, 11, 21)
SOON = LevelRule(9, 5, -3, 0, 0, "friendly")
POLITE, FIRM, URGENT, FINAL = RULES = (
    LevelRule(1, 10, 1, 0, 0, "friendly"),
    LevelRule(2, 20, 15, 7, 0, "firm"),
    LevelRule(3, 30, 30, 7, 14, "urgent"),
    LevelRule(4, 40, 60, 10, 0, "final", True),
)
LADDER, WITH_NOTICE = Ladder(RULES), Ladder((SOON, *RULES))
AUTOMATIC = Settings(automatic=True)


def item(number, days=10, amount=100, history=(), **values):
    return ItemFacts(number, number, 1, Decimal(amount), Decimal(amount), TODAY - timedelta(days=days), history=history, **values)


def sent(rule, first, last=None):
    ago = [TODAY - timedelta(days=days) for days in (first, first if last is None else last)]
    return Sent(rule.id, rule.tone, *ago)


def customer(*items, ladder=LADDER, **values):
    return CustomerFacts(7, ladder, list(items), **values)


def shape(messages):
    return sorted(([one.id for one in message.items], message.level_id, message.skip.reason if message.skip else "") for message in messages)


@pytest.mark.parametrize(
    ("facts", "automatic", "expected"),
    [
        (customer(item(1, 0)), False, []),
        (customer(item(1, 1)), True, [([1], 1, "")]),
        (customer(item(1, 40), item(2, 3)), True, [([1, 2], 3, "")]),
        # asked for by a person: again at his level; by itself: only what is new
        (customer(item(1, 5, history=(sent(POLITE, 4),))), False, [([1], 1, "")]),
        (customer(item(1, 5, history=(sent(POLITE, 4),))), True, [([1], 1, "level_wait")]),
        # a new invoice beside an old one: one message, at the old one's level
        (customer(item(1, 40, history=(sent(URGENT, 5),)), item(2, 2)), True, [([1, 2], 3, "")]),
        # partly paid items keep their level
        (customer(item(1, 20, 5, history=(sent(POLITE, 10),))), True, [([1], 2, "")]),
        # not yet due: only for a level before the due date, never beside what is overdue
        (customer(item(1, -2)), True, []),
        (customer(item(1, -2), ladder=WITH_NOTICE), True, [([1], 9, "")]),
        (customer(item(1, -4), ladder=WITH_NOTICE), True, []),
        (customer(item(1, -2), item(2, 3), ladder=WITH_NOTICE), True, [([2], 1, "")]),
        (customer(item(1, -2), item(2, 3, barriers=(Barrier(Skip("disputed")),)), ladder=WITH_NOTICE), True, [([1], 9, ""), ([2], 1, "disputed")]),
        (customer(item(1, -1), item(2, 0), ladder=WITH_NOTICE), True, [([2, 1], 9, "")]),
        # young, and the ladder begins later
        (customer(item(1, 5), ladder=Ladder((FIRM,))), False, [([1], None, "below_first_level")]),
        (customer(item(1, 5), ladder=Ladder(())), False, [([1], None, "")]),
        (customer(item(1, 5), ladder=Ladder(())), True, [([1], None, "below_first_level")]),
        (customer(item(1, 16), item(2, 5), ladder=Ladder((FIRM,))), True, [([1, 2], 2, "")]),
        # held
        (customer(item(1), barriers=[Barrier(Skip("paused"), TODAY)]), True, [([1], 1, "paused")]),
        (customer(item(1), barriers=[Barrier(Skip("paused"), TODAY - timedelta(days=1))]), True, [([1], 1, "")]),
        (customer(item(1), live=Skip("live_reminder")), True, [([1], 1, "live_reminder")]),
        (customer(item(1), last_contact=TODAY - timedelta(days=6), interval=7), True, [([1], 1, "recent_contact")]),
        (customer(item(1), last_contact=TODAY - timedelta(days=7), interval=7), True, [([1], 1, "")]),
        (customer(item(1), credits=[OpenCredit(5, 1, Decimal(100), Decimal(100))]), True, [([1], 1, "covered_by_credit")]),
        (customer(item(1), item(2), preference="disabled"), True, [([1], 1, ""), ([2], 1, "")]),
    ],
)  # fmt: skip
def test_one_customer(facts, automatic, expected):
    before = copy.deepcopy((facts.items, facts.credits, facts.last_contact))
    assert shape(plan_one(facts, TODAY, Settings(automatic=automatic))) == expected
    assert (facts.items, facts.credits, facts.last_contact) == before


def test_a_young_item_once_in_an_urgent_mail_is_not_urgent_by_itself():
    old, young = item(1, 40), item(2, 3)
    facts = customer(old, young)
    [message] = plan_one(facts, TODAY, AUTOMATIC)
    assert (message.level_id, message.item_levels) == (3, {1: 3, 2: 1})
    record_sent(facts, message, TODAY)
    facts.items.remove(old)  # paid
    later = TODAY + timedelta(days=12)
    [message] = plan_one(facts, later, AUTOMATIC)
    assert (message.level_id, message.choice.code, message.choice.params) == (2, "level_next", {"level": 2, "days": 15, "last": 1, "ago": 12})


def test_fixed_level_counts_for_every_item():
    facts = customer(item(1, 40, history=(sent(FINAL, 3),)), item(2, 2))
    [message] = plan_one(facts, TODAY, Settings(fixed=FIRM))
    assert (message.level_id, message.item_levels, message.choice.code) == (2, {1: 2, 2: 2}, "level_fixed")
    assert plan_one(customer(item(1, -5)), TODAY, Settings(fixed=FIRM)) == []
    assert plan_one(customer(item(1, -2)), TODAY, Settings(fixed=SOON))[0].level_id == 9


def test_record_sent_keeps_the_first_day():
    facts = customer(item(1, 31))
    for ago in (0, 20):
        [message] = plan_one(facts, TODAY + timedelta(days=ago), Settings())
        record_sent(facts, message, TODAY + timedelta(days=ago))
    assert facts.items[0].history == (Sent(3, "urgent", TODAY, TODAY + timedelta(days=20)),)
    assert facts.last_contact == TODAY + timedelta(days=20)


def test_barrier_of_a_stop():
    assert Barrier.of(Skip("promised", {"date": "2026-11-30"})) == Barrier(Skip("promised", {"date": "2026-11-30"}), date(2026, 11, 30))
    assert Barrier.of(Skip("disputed", {"date": ""})).until is None


def random_customer(chance, number, ladder):
    items = []
    for index in range(chance.randint(0, 4)):
        days, history = chance.randint(-40, 70), ()
        if days > 0 and chance.random() < 0.4:
            history = (sent(chance.choice(RULES[:3]), chance.randint(0, days)),)
        barriers = chance.choice(((), (), (), (Barrier(Skip("disputed")),), (Barrier(Skip("promised"), TODAY + timedelta(days=chance.randint(0, 20))),)))
        broken = TODAY - timedelta(days=chance.randint(0, 9)) if chance.random() < 0.1 else None
        items.append(item(number * 10 + index, days, chance.randint(1, 900), history, barriers=barriers, broken=broken))
    return CustomerFacts(
        number, ladder, items, [OpenCredit(number * 10 + 9, 1, Decimal(60), Decimal(60))] if chance.random() < 0.2 else [],
        preference=chance.choice(("auto", "disabled", "enabled")), interval=chance.choice((0, 3, 7)),
        barriers=[Barrier(Skip("paused"), TODAY + timedelta(days=9))] if chance.random() < 0.1 else [],
        last_contact=TODAY - timedelta(days=chance.randint(0, 9)) if chance.random() < 0.3 else None,
    )  # fmt: skip


def run_by_hand(customers, days, pace):
    """The same world without the simulator's short cuts: every customer planned on every day, a queue by importance, so many a day."""
    out, queue = [], []
    for number in range(days):
        day = TODAY + timedelta(days=number)
        waiting = {one.partner_id for one, _message in queue}
        for facts in customers:
            if facts.partner_id not in waiting:
                queue += [(facts, message) for message in plan_one(facts, day, AUTOMATIC) if not message.skip]
        queue.sort(key=lambda pair: -len(pair[1].items))
        going, queue = queue[: pace.per_day or None], queue[pace.per_day :] if pace.per_day else []
        for facts, message in going:
            record_sent(facts, message, day)
            out.append((day, facts.partner_id, message.level_id, tuple(one.id for one in message.items)))
    return out


@pytest.mark.parametrize("seed", range(25))
def test_forecast_is_what_happens(seed):
    """The simulator looks at a customer only when something may have changed; the plain day-by-day run must say the same."""
    chance = random.Random(seed)
    customers = [random_customer(chance, number, chance.choice((LADDER, WITH_NOTICE))) for number in range(1, 60)]
    pace = Pace(pause=0, per_day=chance.choice((0, 0, 3, 8)))
    expected = run_by_hand(copy.deepcopy(customers), 60, pace)
    forecast = forecast_of(customers, pace, 60)
    assert sorted((day, partner, level, items) for day, partner, level, items in forecast) == sorted(expected)
    assert expected, "an empty world proves nothing"


def forecast_of(customers, pace, days, **values):
    result = simulate(
        customers, AUTOMATIC, TODAY, days, Mailbox(pace), get_moment=lambda day: datetime(day.year, day.month, day.day, 9),
        get_day=lambda moment: moment.date(), prioritize=lambda _customer, message: len(message.items), **values)  # fmt: skip
    return [(one.leaves.date(), one.customer.partner_id, one.message.level_id, tuple(i.id for i in one.message.items)) for one in result.departures]


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
            assert all(message.skip for message in plan_one(facts, day, AUTOMATIC)), (facts, day)


def test_limits_and_windows_say_why():
    customers = [CustomerFacts(number, LADDER, [item(number, 5)], interval=7) for number in range(1, 8)]

    def opens(partner_id, moment):
        return max(moment, datetime(2026, 11, 23, 6)) if partner_id == 7 else moment

    result = simulate(
        customers, AUTOMATIC, TODAY, 3, Mailbox(Pace(pause=0, per_day=4, batch_size=2), opens=opens),
        get_moment=lambda day: datetime(day.year, day.month, day.day, 9), get_day=lambda moment: moment.date(), prioritize=lambda *_args: 1)  # fmt: skip
    assert [(one.leaves.day, one.customer.partner_id, one.limit) for one in result.departures] == [
        (21, 1, ""), (21, 2, ""), (21, 3, ""), (21, 4, ""), (22, 5, "day"), (22, 6, "day"), (23, 7, "window"),
    ]  # fmt: skip
    assert all(one.planned == TODAY for one in result.departures)


def test_held_ones_are_told_once_with_the_reason():
    facts = CustomerFacts(1, LADDER, [item(1, 1), item(2, -20)], barriers=[Barrier(Skip("no_email"))])
    result = simulate([facts], AUTOMATIC, TODAY, 60, Mailbox(Pace()), get_moment=lambda day: datetime(day.year, day.month, day.day, 9),
                      get_day=lambda moment: moment.date(), prioritize=lambda *_args: 1)  # fmt: skip
    assert ([one.message.skip.reason for one in result.held], result.departures) == (["no_email"], [])


def test_what_is_queued_already_leaves_first_and_blocks_the_customer():
    facts = CustomerFacts(1, LADDER, [item(1, 20)], interval=7, live=Skip("live_reminder"))
    [message] = plan_one(CustomerFacts(1, LADDER, facts.items), TODAY, AUTOMATIC)
    departure = Departure(facts, message, TODAY - timedelta(days=2), priority=3)
    out = forecast_of([facts], Pace(), 30, queued=[(departure, datetime(2026, 11, 24, 9))])
    assert [(day.day, level) for day, _partner, level, _items in out] == [(24, 2), (1, 3), (15, 3)]


def test_plan_day_is_all_customers():
    facts = [customer(item(1)), CustomerFacts(8, LADDER, [item(2)])]
    assert [message.partner_id for message in plan_day(facts, TODAY, AUTOMATIC)] == [7, 8]
