"""Arithmetic of the overview, by examples with the calculation beside them."""

from datetime import date

import pytest
from core.overview.effect import wilson
from core.overview.receivables import (
    best_possible,
    count_back,
    effectiveness,
    go_back,
    month_ends,
    share,
)
from core.overview.scope import parse_filters

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
