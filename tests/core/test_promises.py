from datetime import date, timedelta
from decimal import Decimal

import pytest
from core.plan.promises import Coverable, Covered, choose_covered, judge_promise

TODAY = date(2026, 3, 10)
AED, USD = 1, 2


def item(number, amount, days=10, move=None, currency=AED):
    return Coverable(
        number,
        move or number * 10,
        currency,
        Decimal(amount),
        TODAY - timedelta(days=days),
    )


def chosen(items, amount, currency=AED):
    return [found.id for found in choose_covered(items, Decimal(amount), currency)]


# -- what is covered


def test_without_amount_everything_oldest_first():
    assert chosen(
        [item(1, 100, days=5), item(2, 50, days=9), item(3, 7, currency=USD)], 0
    ) == [3, 2, 1]


@pytest.mark.parametrize(
    ("amount", "expected"),
    [("1", [1]), ("100", [1]), ("100.01", [1, 2]), ("250", [1, 2]), ("999", [1, 2, 3])],
)
def test_amount_reaches_so_far(amount, expected):
    assert (
        chosen([item(1, 100, days=9), item(2, 150, days=8), item(3, 5, days=7)], amount)
        == expected
    )


def test_amount_covers_its_own_currency_only():
    assert chosen([item(1, 100, currency=USD), item(2, 100)], 500) == [2]
    assert chosen([item(1, 100, currency=USD)], 500) == []


def test_invoice_is_covered_whole():
    """The second instalment of the invoice in which the amount ends."""
    items = [
        item(1, 100, days=9, move=7),
        item(2, 100, days=8, move=7),
        item(3, 100, days=9, move=8),
    ]
    assert chosen(items, 50) == [1, 2]


# -- what became of it


def judge(*items, amount=0, unallocated=None, days=0):
    return judge_promise(
        items, Decimal(amount), unallocated or {}, TODAY, TODAY + timedelta(days=days)
    )[0]


def covered(residual, paid=0, late=0, credited=0, currency=AED):
    return Covered(
        currency, Decimal(residual), Decimal(paid), Decimal(late), Decimal(credited)
    )


@pytest.mark.parametrize(
    ("items", "amount", "before", "after"),
    [
        ([covered(100)], 0, "open", "broken"),
        ([covered(0, paid=100)], 0, "kept", "kept"),
        ([covered(40, paid=60)], 0, "open", "partly"),
        ([covered(40, paid=60)], 60, "kept", "kept"),
        ([covered(41, paid=59)], 60, "open", "partly"),
        ([covered(40, paid=60)], 500, "open", "partly"),
        ([covered(0, paid=100)], 500, "kept", "kept"),
        ([covered(0, late=100)], 0, "open", "broken"),
        ([covered(0, paid=50, late=50)], 0, "open", "partly"),
        ([covered(0, credited=100)], 0, "cancelled", "cancelled"),
        ([covered(0, paid=30, credited=70)], 0, "kept", "kept"),
        ([covered(0, paid=30, credited=70)], 60, "kept", "kept"),
        ([covered(30, credited=70)], 0, "open", "broken"),
        ([covered(0, paid=100), covered(50, currency=USD)], 0, "open", "partly"),
        ([covered(0, paid=100), covered(0, paid=50, currency=USD)], 0, "kept", "kept"),
        ([], 100, "cancelled", "cancelled"),
    ],
)
def test_judge(items, amount, before, after):
    assert judge(*items, amount=amount) == before, "on the promised day"
    assert judge(*items, amount=amount, days=1) == after, "the day after"


def test_money_that_is_not_matched_yet_counts():
    state, used = judge_promise(
        [covered(40, paid=60)],
        Decimal(0),
        {AED: Decimal(100), USD: Decimal(5)},
        TODAY,
        TODAY + timedelta(days=3),
    )
    assert (state, used) == ("kept", {AED: Decimal(40)})
    assert judge(covered(100), unallocated={AED: Decimal(10)}, days=1) == "partly"
    assert judge(covered(100), unallocated={USD: Decimal(100)}, days=1) == "broken"


def test_no_more_is_used_than_needed():
    _state, used = judge_promise(
        [covered(0, paid=100)], Decimal(100), {AED: Decimal(100)}, TODAY, TODAY
    )
    assert used == {AED: Decimal(0)}
