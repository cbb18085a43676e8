"""Which mailbox writes to which customer when a campaign is spread over several."""

import random
from collections import Counter

import pytest
from core.pace.share import Capacity, share

LARGE, SMALL = Capacity("large", 1500, 1500, 3.0), Capacity("small", 400, 400, 4.0)


def customers(count, each=1):
    return [(number, each) for number in range(count)]


def test_nobody_without_a_mailbox():
    assert share(customers(3), [], {}) == {}


def test_one_mailbox_gets_all():
    assert share(customers(3), [SMALL], {1: "gone"}) == dict.fromkeys(range(3), "small")


@pytest.mark.parametrize("count", [1, 2, 100, 1000, 5000])
def test_everyone_has_exactly_one(count):
    chosen = share(customers(count), [LARGE, SMALL], {})
    assert sorted(chosen) == list(range(count))
    assert share(customers(count), [LARGE, SMALL], {}) == chosen, (
        "the same input, the same answer"
    )


def test_by_speed_while_both_have_room():
    counts = Counter(share(customers(700), [LARGE, SMALL], {}).values())
    assert counts["large"] == pytest.approx(400, abs=2)


def test_by_room_where_a_quota_ends():
    """Both finish on the same day, instead of one of them on the next."""
    counts = Counter(share(customers(1900), [LARGE, SMALL], {}).values())
    assert counts == {"large": 1500, "small": 400}


def test_several_days():
    counts = Counter(share(customers(3800), [LARGE, SMALL], {}).values())
    assert counts["large"] == pytest.approx(3000, abs=400)


def test_used_up_mailbox_gets_nothing_today():
    used = Capacity("used", 0, 1500, 3.0)
    assert set(share(customers(300), [used, SMALL], {}).values()) == {"small"}


def test_what_waits_already_counts():
    busy = Capacity("busy", 400, 400, 4.0, queued=390)
    counts = Counter(share(customers(100), [busy, SMALL], {}).values())
    assert counts == {"small": 100}


def test_known_senders_stay():
    known = {number: "small" for number in range(0, 600, 2)}
    chosen = share(customers(600), [LARGE, SMALL], known)
    assert all(chosen[number] == "small" for number in known)
    assert Counter(chosen.values())["large"] == 300, "the others make up for it"


def test_sender_that_is_gone_is_not_waited_for():
    assert set(
        share(customers(4), [LARGE], dict.fromkeys(range(4), "expired")).values()
    ) == {"large"}


def test_messages_of_a_customer_stay_together():
    chosen = share(customers(50, each=7), [LARGE, SMALL], {})
    assert len(chosen) == 50
    assert Counter(chosen.values())["large"] > 25


def test_no_limits_at_all():
    counts = Counter(
        share(
            customers(100), [Capacity(1, None, 0, 3.0), Capacity(2, None, 0, 3.0)], {}
        ).values()
    )
    assert counts == {1: 50, 2: 50}


def test_order_of_equal_mailboxes_decides_not_chance():
    boxes = [Capacity(name, 100, 100, 1.0) for name in "abc"]
    people = customers(60)
    random.Random(3).shuffle(people)
    chosen = share(people, boxes, {})
    assert [chosen[customer] for customer, _number in people[:3]] == ["a", "b", "c"]
