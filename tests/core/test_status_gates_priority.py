"""The small rules: status by rank, reasons, priority."""

import itertools
import random
from datetime import datetime

import pytest
from core.gates import Fail, Hold, Skip, Stop
from core.priority import AGE_MAX, AMOUNT_MAX, RELATION_MAX, compute_priority
from core.status import HUMAN_EVENTS, RANK, STATUS_OF_EVENT, STATUS_OF_STATE, strongest


# -- status -----------------------------------------------------------------------------------------------------------
def test_rank_holds_the_binding_values_once():
    assert set(RANK) == {
        "queued",
        "sending",
        "sent",
        "delivered",
        "opened",
        "clicked",
        "replied",
        "bounced",
        "failed",
        "suppressed",
        "paid",
    }
    assert len(set(RANK)) == len(RANK)
    assert set(STATUS_OF_EVENT.values()) | set(STATUS_OF_STATE.values()) <= set(RANK)
    assert set(STATUS_OF_STATE) == {"draft", "queued", "sending", "sent", "failed", "skipped", "cancelled"}
    assert set(HUMAN_EVENTS) == {"opened", "clicked"}


@pytest.mark.parametrize(
    ("weak", "strong"),
    [
        ("delivered", "clicked"),
        ("opened", "clicked"),
        ("sent", "delivered"),
        ("clicked", "replied"),
        ("replied", "paid"),
        ("bounced", "paid"),
        ("bounced", "replied"),
        ("failed", "sent"),
        ("queued", "sending"),
        ("delivered", "bounced"),
    ],
)
def test_stronger_wins_in_any_order(weak, strong):
    assert strongest(weak, strong) == strongest(strong, weak) == strong


def test_late_and_repeated_events_never_take_a_status_back():
    chance = random.Random(7)
    for _run in range(200):
        seen, current = [], "queued"
        for status in chance.choices(RANK, k=12):
            seen.append(status)
            following = strongest(current, status)
            assert RANK.index(following) >= RANK.index(current)
            current = following
        assert current == strongest("queued", *chance.sample(seen, len(seen)))


@pytest.mark.parametrize("statuses", [("nonsense",), ("sent", "nonsense"), ()])
def test_unknown_status_is_an_error(statuses):
    with pytest.raises(ValueError):
        strongest(*statuses)


# -- gates ------------------------------------------------------------------------------------------------------------
def test_stops_are_values():
    assert Skip("paid") == Skip("paid", {})
    assert Skip("paid") != Fail("paid")
    assert Hold("quota", {"n": 1}, datetime(2026, 1, 1)).until == datetime(2026, 1, 1)
    assert all(issubclass(kind, Stop) for kind in (Skip, Fail, Hold))
    assert Skip("a").params is not Skip("b").params
    with pytest.raises(AttributeError):
        Skip("paid").reason = "other"


# -- priority ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("amount", "reference", "days", "trust", "parts"),
    [
        (1000, 1000, 90, "bad", (50, 30, 20)),
        (0, 1000, 0, "good", (0, 0, 0)),
        (1000, 1000, 500, "bad", (50, 30, 20)),
        (5000, 1000, 45, "normal", (50, 15, 10)),
        (-50, 1000, -10, None, (0, 0, 10)),
        (10, 0, 0, "odd", (0, 0, 10)),
        (0.001, 0.001, 30, "good", (50, 10, 0)),
    ],
)
def test_priority_parts(amount, reference, days, trust, parts):
    priority = compute_priority(amount, reference, days, trust)
    assert (priority.amount, priority.age, priority.relation) == parts
    assert priority.score == sum(parts)


def test_priority_grows_with_amount_age_and_distrust_and_stays_within_100():
    amounts, days, trusts = [0, 1, 10, 1e3, 1e6, 1e12], [-5, 0, 10, 89, 90, 4000], ["good", "normal", "bad"]
    for amount, age, trust in itertools.product(amounts, days, trusts):
        assert 0 <= compute_priority(amount, 1e6, age, trust).score <= AMOUNT_MAX + AGE_MAX + RELATION_MAX == 100
    for values, make in (
        (amounts, lambda v: (v, 1e6, 5, "normal")),
        (days, lambda v: (5, 1e6, v, "normal")),
        (trusts, lambda v: (5, 1e6, 5, v)),
    ):
        scores = [compute_priority(*make(value)).score for value in values]
        assert scores == sorted(scores)
        assert scores[0] < scores[-1]
