"""From open items to messages."""

import copy
import random
from collections import Counter
from datetime import date, timedelta
from decimal import Decimal

import pytest
from core.plan.gates import Skip
from core.plan.planning import (
    Customer,
    Message,
    OpenCredit,
    OpenItem,
    net_items,
    plan_messages,
)

AED, USD = 1, 2
HOLD, BLOCK = Skip("on_hold"), Skip("no_email")


def item(number, residual=100, currency=AED, move=None, hold=None, days=10):
    rate = 1 if currency == AED else Decimal("3.6725")
    return OpenItem(
        number,
        move or number,
        7,
        currency,
        Decimal(residual),
        Decimal(residual) * rate,
        date(2026, 11, 1) - timedelta(days=days),
        days,
        hold,
    )


def credit(number, residual, currency=AED):
    rate = 1 if currency == AED else Decimal("3.6725")
    return OpenCredit(number, currency, Decimal(residual), Decimal(residual) * rate)


def plan(items, credits=(), minimum=0, min_invoices=2, **values):
    return plan_messages(
        [Customer(7, list(items), list(credits), **values)],
        Decimal(minimum),
        min_invoices,
    )


def shape(messages):
    return sorted(
        (
            [one.id for one in message.items],
            [one.id for one in message.credits],
            message.skip.reason if message.skip else "",
        )
        for message in messages
    )


@pytest.mark.parametrize(
    ("items", "values", "expected"),
    [
        ([], {}, []),
        ([item(1)], {}, [([1], [], "")]),
        ([item(1), item(2)], {}, [([1, 2], [], "")]),
        (
            [item(1), item(2)],
            {"preference": "disabled"},
            [([1], [], ""), ([2], [], "")],
        ),
        ([item(1), item(2)], {"min_invoices": 3}, [([1], [], ""), ([2], [], "")]),
        (
            [item(1), item(2)],
            {"min_invoices": 3, "preference": "enabled"},
            [([1, 2], [], "")],
        ),
        (
            [item(1), item(2)],
            {"max_amount": Decimal(199)},
            [([1], [], ""), ([2], [], "")],
        ),
        ([item(1), item(2)], {"max_amount": Decimal(200)}, [([1, 2], [], "")]),
        (
            [item(1), item(2)],
            {"max_amount": Decimal(199), "preference": "enabled"},
            [([1, 2], [], "")],
        ),
        # two instalments of one invoice stay together
        (
            [item(1, move=5), item(2, move=5), item(3)],
            {"preference": "disabled"},
            [([1, 2], [], ""), ([3], [], "")],
        ),
        # the oldest first
        (
            [item(1, days=5), item(2, days=50), item(3, days=20)],
            {},
            [([2, 3, 1], [], "")],
        ),
    ],
)
def test_consolidation(items, values, expected):
    assert shape(plan(items, **values)) == expected


@pytest.mark.parametrize(
    ("items", "credits", "values", "expected"),
    [
        ([item(1)], [credit(1, 30)], {}, [([1], [1], "")]),
        ([item(1)], [credit(1, 100)], {}, [([1], [1], "covered_by_credit")]),
        (
            [item(1)],
            [credit(1, 70), credit(2, 60)],
            {},
            [([1], [1, 2], "covered_by_credit")],
        ),
        (
            [item(1), item(2, currency=USD)],
            [credit(1, 500)],
            {},
            [([1], [1], "covered_by_credit"), ([2], [], "")],
        ),
        ([item(1)], [credit(1, 500, USD)], {}, [([1], [], "")]),
        (
            [item(1, days=9), item(2)],
            [credit(1, 30)],
            {"preference": "disabled"},
            [([1], [], ""), ([2], [1], "")],
        ),
        # not with the older one, which it would cover alone while the other is asked
        # for in full
        (
            [item(1, days=50), item(2, 200)],
            [credit(1, 150)],
            {"preference": "disabled"},
            [([1], [], ""), ([2], [1], "")],
        ),
        (
            [item(1, 100), item(2, 100, days=9)],
            [credit(1, 60), credit(2, 60)],
            {"preference": "disabled"},
            [([1], [1], ""), ([2], [2], "")],
        ),
        # larger than each: joined, else a customer who owes 50 is asked for 100
        (
            [item(1), item(2, days=9), item(3, days=8)],
            [credit(1, 150)],
            {"preference": "disabled"},
            [([1, 2], [1], ""), ([3], [], "")],
        ),
    ],
)
def test_netting(items, credits, values, expected):
    assert shape(plan(items, credits, **values)) == expected


@pytest.mark.parametrize(
    ("items", "credits", "values", "expected"),
    [
        ([item(1, hold=HOLD)], [], {}, [([1], [], "on_hold")]),
        ([item(1, hold=HOLD), item(2)], [], {}, [([1], [], "on_hold"), ([2], [], "")]),
        ([item(1)], [], {"block": BLOCK}, [([1], [], "no_email")]),
        (
            [item(1), item(2, hold=HOLD)],
            [],
            {"block": BLOCK},
            [([1], [], "no_email"), ([2], [], "on_hold")],
        ),
        ([item(1), item(2)], [], {"minimum": 200}, [([1, 2], [], "")]),
        ([item(1), item(2)], [], {"minimum": 201}, [([1, 2], [], "below_minimum")]),
        # on the customer's total, not per message
        (
            [item(1), item(2)],
            [],
            {"minimum": 150, "preference": "disabled"},
            [([1], [], ""), ([2], [], "")],
        ),
        (
            [item(1), item(2)],
            [credit(1, 60)],
            {"minimum": 150},
            [([1, 2], [1], "below_minimum")],
        ),
        ([item(1, 50, USD)], [], {"minimum": 180}, [([1], [], "")]),
        ([item(1)], [], {"minimum": 500, "block": BLOCK}, [([1], [], "no_email")]),
    ],
)
def test_reasons(items, credits, values, expected):
    assert shape(plan(items, credits, **values)) == expected


def test_held_items_neither_count_nor_use_up_credits():
    assert shape(plan([item(1, 1000, hold=HOLD), item(2, 100)], [credit(1, 100)])) == [
        ([1], [], "on_hold"),
        ([2], [1], "covered_by_credit"),
    ]


def test_message_figures():
    message = Message(
        7, [item(1, 100, days=3), item(2, 10, USD, days=40)], [credit(1, 30)]
    )
    assert message.days_overdue == 40
    assert message.company_net == Decimal("106.725")


def test_net_items():
    items = [item(1), item(2, 50, USD)]
    assert net_items(items, [credit(1, 50, USD)]) == ([items[0]], [items[1]])
    assert net_items(items, []) == (items, [])
    assert net_items([], [credit(1, 50)]) == ([], [])


def random_customer(chance, partner):
    items, numbers = [], iter(range(1000))
    for _number in range(chance.randint(0, 9)):
        items.append(
            item(
                next(numbers),
                chance.randint(1, 500),
                chance.choice((AED, AED, USD)),
                move=chance.randint(1, 6),
                hold=chance.choice((None, None, None, HOLD)),
                days=chance.randint(1, 90),
            )
        )
    credits = [
        credit(next(numbers), chance.randint(1, 700), chance.choice((AED, USD)))
        for _number in range(chance.choice((0, 0, 1, 2, 5)))
    ]
    return Customer(
        partner,
        items,
        credits,
        chance.choice(("auto", "enabled", "disabled")),
        Decimal(chance.choice((0, 0, 300))),
        chance.choice((None, None, BLOCK)),
    )


def owed(items, credits, currency):
    return sum(one.residual for one in items if one.currency_id == currency) - sum(
        one.residual for one in credits if one.currency_id == currency
    )


@pytest.mark.parametrize("seed", range(40))
def test_whatever_comes_nothing_is_lost_doubled_or_asked_twice(seed):
    chance = random.Random(seed)
    customers = [random_customer(chance, partner) for partner in range(25)]
    before = copy.deepcopy(customers)
    messages = plan_messages(
        customers, Decimal(chance.choice((0, 100))), chance.randint(1, 4)
    )
    assert customers == before, "the plan must not change what it was given"
    for customer in customers:
        own = [
            message for message in messages if message.partner_id == customer.partner_id
        ]
        assert Counter(one.id for message in own for one in message.items) == Counter(
            one.id for one in customer.items
        )
        shown = Counter(one.id for message in own for one in message.credits)
        assert not shown or max(shown.values()) == 1
        assert set(shown) <= {one.id for one in customer.credits}
        assert all(message.items for message in own)
        live = [one for one in customer.items if not one.hold]
        going = [message for message in own if not message.skip]
        assert all(one.hold is None for message in going for one in message.items)
        assert not (customer.block and going)
        for currency in (AED, USD):
            asked = sum(
                owed(message.items, message.credits, currency) for message in going
            )
            assert asked <= max(Decimal(0), owed(live, customer.credits, currency)), (
                "never more than the net"
            )
            for message in going:
                if any(one.currency_id == currency for one in message.items):
                    assert owed(message.items, message.credits, currency) > 0
