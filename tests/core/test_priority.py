"""The score: its parts, its limits, and that it grows with what makes a customer
urgent."""

import itertools

import pytest
from core.plan.priority import (
    AGE_MAX,
    AMOUNT_MAX,
    RELATION_MAX,
    Record,
    compute_priority,
)


@pytest.mark.parametrize(
    ("amount", "receivables", "days", "trust", "record", "parts"),
    [
        # a tenth of everything, three months late, distrusted, breaks promises, never
        # answers
        (100, 1000, 90, "bad", Record(4, 0, 6, 0), (50, 30, 10, 5, 5)),
        (0, 1000, 0, "good", Record(3, 3, 5, 5), (0, 0, 0, 0, 0)),
        # more than a tenth, later than 90 days: the parts are full
        (900, 1000, 500, "normal", None, (50, 30, 5, 2, 2)),
        # a hundredth of everything: a third of the amount part, not a tenth of it
        (10, 1000, 45, "normal", None, (16, 15, 5, 2, 2)),
        # credits cover more than is due; not due yet
        (-50, 1000, -10, None, None, (0, 0, 5, 2, 2)),
        # no receivables known, an unknown trust
        (10, 0, 0, "odd", None, (0, 0, 5, 2, 2)),
        # 7 of 9 promises kept, half of the reminders answered
        (0, 1, 0, "good", Record(9, 7, 4, 2), (0, 0, 0, 1, 3)),
        # more answers than reminders (two on one page) is not a negative part
        (0, 1, 0, "good", Record(1, 2, 1, 3), (0, 0, 0, 0, 0)),
        # half a point counts up, as in the worklist's SQL
        (0, 1, 0, "good", Record(2, 1, 2, 1), (0, 0, 0, 3, 3)),
        (0, 1, 1.5, "good", Record(1, 1, 1, 1), (0, 1, 0, 0, 0)),
    ],
)
def test_parts(amount, receivables, days, trust, record, parts):
    priority = compute_priority(amount, receivables, days, trust, record)
    assert (
        priority.amount,
        priority.age,
        priority.trust,
        priority.promises,
        priority.answers,
    ) == parts
    assert priority.relation == sum(parts[2:])
    assert priority.score == sum(parts)


def test_grows_with_amount_age_and_distrust_and_stays_within_100():
    amounts, days, trusts = (
        [0, 1, 10, 1e3, 1e6, 1e12],
        [-5, 0, 10, 89, 90, 4000],
        ["good", "normal", "bad"],
    )
    records = [Record(2, 2, 2, 2), None, Record(2, 0, 2, 0)]
    for amount, age, trust, record in itertools.product(amounts, days, trusts, records):
        assert (
            0
            <= compute_priority(amount, 1e6, age, trust, record).score
            <= AMOUNT_MAX + AGE_MAX + RELATION_MAX
            == 100
        )
    for values, make in (
        (amounts, lambda v: (v, 1e6, 5, "normal")),
        (days, lambda v: (5, 1e6, v, "normal")),
        (trusts, lambda v: (5, 1e6, 5, v)),
        (records, lambda v: (5, 1e6, 5, "normal", v)),
    ):
        scores = [compute_priority(*make(value)).score for value in values]
        assert scores == sorted(scores)
        assert scores[0] < scores[-1]


def test_a_double_amount_is_more_urgent_but_not_twice_as_urgent():
    single, double = (
        compute_priority(amount, 100_000, 5, "normal").amount for amount in (100, 200)
    )
    assert single < double < 2 * single
