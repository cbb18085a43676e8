"""Status by rank, and the results of steps."""

import random
from datetime import datetime

import pytest
from core.plan.gates import Fail, Hold, Skip, Stop
from core.status.status import (
    HUMAN_EVENTS,
    RANK,
    STATUS_OF_EVENT,
    STATUS_OF_STATE,
    strongest,
)


# -- status
# --------------------------------------------------------------------------------------
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
    assert set(STATUS_OF_STATE) == {
        "draft",
        "queued",
        "sending",
        "sent",
        "failed",
        "skipped",
        "cancelled",
    }
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


# -- gates
# --------------------------------------------------------------------------------------
def test_stops_are_values():
    assert Skip("paid") == Skip("paid", {})
    assert Skip("paid") != Fail("paid")
    assert Hold("quota", {"n": 1}, datetime(2026, 1, 1)).until == datetime(2026, 1, 1)
    assert all(issubclass(kind, Stop) for kind in (Skip, Fail, Hold))
    assert Skip("a").params is not Skip("b").params
    with pytest.raises(AttributeError):
        Skip("paid").reason = "other"
