"""Arithmetic of the overview, by examples with the calculation beside them."""

import random
from datetime import date
from decimal import Decimal
from math import exp, sqrt

import pytest
from core.overview.effect import (
    HORIZON,
    NEEDED,
    NEEDED_TEXTS,
    Sums,
    compare,
    compare_texts,
    measure,
    wilson,
)
from core.overview.receivables import (
    best_possible,
    count_back,
    effectiveness,
    go_back,
    month_ends,
    share,
)
from core.overview.scope import parse_filters
from core.plan.holdout import LATER, WAIT_DAYS, Holdout, draw_half

# --- DSO ------------------------------------------------------------------------------


def test_count_back_takes_whole_months_newest_first():
    """500: March 200 in 31 days, February 250 in 28, then 50 of January's 310."""
    dso = count_back(500, [(31, 200), (28, 250), (31, 310)])
    assert dso.days == pytest.approx(31 + 28 + 31 * 50 / 310)
    assert not dso.is_more


def test_count_back_within_the_newest_month():
    assert count_back(100, [(20, 400)]).days == pytest.approx(5)


def test_count_back_ends_where_the_sales_end():
    """More is owed than was sold in the months known: at least so many days."""
    dso = count_back(1000, [(31, 200), (28, 250)])
    assert (dso.days, dso.is_more) == (59, True)


def test_count_back_stops_at_a_month_without_sales():
    dso = count_back(1000, [(31, 200), (28, -10), (31, 5000)])
    assert (dso.days, dso.is_more) == (31, True)


def test_count_back_of_nothing():
    assert count_back(0, [(31, 200)]).days == 0
    assert count_back(-50, []).days == 0
    assert count_back(10, [(31, 0)]) is None
    assert count_back(10, []) is None


def test_best_possible_is_over_three_months():
    sales = [(20, 400), (31, 850), (28, 600), (31, 9999)]
    assert best_possible(500, sales) == pytest.approx(79 * 500 / 1850)
    assert best_possible(500, [(20, 0)]) is None
    assert best_possible(-3, sales) == 0


# --- CEI, shares ----------------------------------------------------------------------


def test_effectiveness():
    """All that could be collected was: 100. Nothing: 0."""
    assert effectiveness(1000, 500, 500, 500) == pytest.approx(100)
    assert effectiveness(1000, 500, 1500, 500) == pytest.approx(0)
    assert effectiveness(1000, 3000, 1200, 700, months=3) == pytest.approx(
        100 * (1000 + 1000 - 1200) / (1000 + 1000 - 700)
    )
    assert effectiveness(0, 500, 500, 500) is None


def test_share_of_nothing():
    assert share(1, 0) is None
    assert share(1, 4) == 25


# --- days and filters -----------------------------------------------------------------


def test_month_ends():
    assert month_ends(date(2024, 1, 1), date(2024, 4, 30)) == [
        date(2024, 1, 31),
        date(2024, 2, 29),
        date(2024, 3, 31),
    ]
    assert month_ends(date(2024, 4, 1), date(2024, 4, 30)) == []


def test_go_back():
    assert go_back(date(2025, 3, 31), 0) == date(2025, 3, 1)
    assert go_back(date(2025, 3, 31), 3) == date(2024, 12, 1)
    assert go_back(date(2025, 1, 1), 24) == date(2023, 1, 1)


@pytest.mark.parametrize(
    "filters",
    [None, [], "x", {"company": 9}, {"company": True}, {"period": 5}, {"user": "-1"}],
)
def test_filters_without_sense_count_as_not_asked(filters):
    assert parse_filters(filters, [1, 2]) == {
        "company_ids": [1, 2],
        "months": 6,
        "user_id": None,
        "tag_id": None,
    }


def test_filters():
    asked = {"company": "2", "period": 12, "user": 7, "tag": "8"}
    assert parse_filters(asked, [1, 2]) == {
        "company_ids": [2],
        "months": 12,
        "user_id": 7,
        "tag_id": 8,
    }


# --- intervals ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hits", "total", "low", "high"),
    [
        # Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
        (81, 263, 25.53, 36.62),
        (15, 148, 6.24, 16.05),
        (0, 20, 0.0, 16.11),
        (1, 29, 0.61, 17.18),
    ],
)
def test_wilson(hits, total, low, high):
    assert wilson(hits, total) == pytest.approx((low, high), abs=0.005)


def test_wilson_of_nothing():
    assert wilson(0, 0) is None


# --- the effect -----------------------------------------------------------------------
#
# Payers of whom we know what a reminder does: without one, a part `before` of those who
# have not paid pays per day; after one, a part `after`. A reminder that waits three
# days leaves the first three days to `before`.


def _expected_days(before, after, wait):
    """Mean days until payment, 30 at most, for a reminder after ``wait`` days."""
    waiting = (1 - exp(-before * wait)) / before
    rest = exp(-before * wait) * (1 - exp(-after * (HORIZON - wait))) / after
    return waiting + rest


def _draw_days(chance, before, after, wait):
    if wait and (days := chance.expovariate(before)) <= wait:
        return days
    return min(wait + chance.expovariate(after), HORIZON)


def _play(chance, before, after, companies, reminders=3000):
    """What companies measure that remind so often and let a tenth wait. Ten of them
    share a key, which costs most of the time; their payers differ."""
    for number in range(companies):
        if number % 10 == 0:
            holdout = Holdout(str(chance.random()), Decimal(1000))
            later = sum(holdout.draw(one, None) == LATER for one in range(reminders))
        arms = ((reminders - later, 0), (later, WAIT_DAYS))
        yield measure(
            *(
                _sum_up(
                    [_draw_days(chance, before, after, wait) for _one in range(size)]
                )
                for size, wait in arms
            )
        )


def _sum_up(days):
    paid = float(sum(value <= 14 for value in days))
    squares = sum(value * value for value in days)
    return Sums(len(days), sum(days), squares, paid, paid, 100.0 * len(days))


# Of 100 companies at least 93 intervals must hold the truth. A 95 % interval that is
# right misses that in one hundred of eight by chance alone (binomial), so a thousand
# companies are asked: of these, it would miss 930 once in five hundred trials.
COMPANIES, LEAST = 1000, 930


def test_interval_covers_a_known_effect():
    chance = random.Random(1)
    before, after = 0.02, 0.12
    true = _expected_days(before, after, WAIT_DAYS) - _expected_days(before, after, 0)
    assert true == pytest.approx(2.34, abs=0.01)
    results = list(_play(chance, before, after, COMPANIES))
    early = 1 - exp(-before * WAIT_DAYS)
    late = early + (1 - early) * (1 - exp(-after * (14 - WAIT_DAYS)))
    points = 100 * (1 - exp(-after * 14) - late)
    for name, wanted in (("days", true), ("points", points)):
        found = [one[name] for one in results]
        covered = sum(one["low"] <= wanted <= one["high"] for one in found)
        assert LEAST <= covered <= 970, (name, covered)
    # And it is seen: most intervals are above nought.
    assert sum(one["days"]["low"] > 0 for one in results) >= 800


def test_no_effect_where_there_is_none():
    """Payers whom reminders leave cold (A/A)."""
    chance = random.Random(1)
    results = list(_play(chance, 0.05, 0.05, COMPANIES))
    for name in ("days", "points", "money"):
        none = sum(one[name]["low"] <= 0 <= one[name]["high"] for one in results)
        assert LEAST <= none <= 970, (name, none)


def test_compare_by_hand():
    """1, 2, 3 and 4, 6, 8: means 2 and 6, variances 1 and 4; ± 1.96 √(1/3 + 4/3)."""
    found = compare((3, 6, 14), (3, 18, 116))
    half = 1.959964 * sqrt(5 / 3)
    assert vars(found) == pytest.approx(
        {"value": 4, "low": 4 - half, "high": 4 + half}, abs=1e-5
    )


def test_too_few_say_nothing():
    """About 218 must have waited; a small number is told, and no difference."""
    few = Sums(NEEDED - 1, 100, 1000, 50, 50, 500)
    assert NEEDED == 219
    assert measure(Sums(5000, 1, 1, 1, 1, 1), few) == {
        "number": NEEDED - 1,
        "needed": NEEDED,
        "is_enough": False,
    }
    assert not measure(Sums(), Sums())["is_enough"]


def test_money_is_what_was_asked_times_the_points():
    now = Sums(1000, 10_000, 200_000, 600, 600, 50_000)
    later = Sums(1000, 12_000, 250_000, 500, 500, 50_000)
    found = measure(now, later)
    assert found["days"]["value"] == pytest.approx(2)
    assert found["points"]["value"] == pytest.approx(10)
    assert found["money"]["value"] == pytest.approx(5_000)


# --- two texts of a level ---------------------------------------------------------


def test_two_texts():
    """25 and 35 % of 400 each. Variances 75/399 and 91/399, so the standard error is
    √((0.18797 + 0.22807) / 400) = 3.225 points, and the interval ± 6.32."""
    told = compare_texts((400, 100), (400, 140))
    assert told["shares"] == [25, 35]
    assert told["points"].value == pytest.approx(10)
    assert told["points"].low == pytest.approx(3.68, abs=0.01)
    assert told["points"].high == pytest.approx(16.32, abs=0.01)
    assert told["is_enough"] and told["is_clear"]


def test_two_texts_that_do_not_differ():
    told = compare_texts((400, 100), (400, 110))
    assert told["is_enough"] and not told["is_clear"]


@pytest.mark.parametrize(
    "pair", [((0, 0), (0, 0)), ((1, 1), (500, 9)), ((9, 9), (0, 0))]
)
def test_two_texts_without_enough(pair):
    told = compare_texts(*pair)
    assert told["points"] is None
    assert not told["is_enough"] and not told["is_clear"]


def test_small_trials_are_never_clear():
    """All against none, but few: said, and not taken for proof."""
    told = compare_texts((30, 0), (30, 30))
    assert told["points"].value == 100 and not told["is_clear"]
    assert NEEDED_TEXTS == 393


def test_halves_of_a_draw():
    """Half each, the same for everybody who asks, and another with another key."""
    drawn = [draw_half("key", f"{number}/1/2/3") for number in range(4000)]
    assert abs(sum(drawn) - 2000) < 200
    assert drawn == [draw_half("key", f"{number}/1/2/3") for number in range(4000)]
    other = [draw_half("other", f"{number}/1/2/3") for number in range(4000)]
    assert abs(sum(a == b for a, b in zip(drawn, other, strict=True)) - 2000) < 200
