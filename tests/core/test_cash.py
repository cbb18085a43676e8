"""The forecast of cash: small cases by hand, and a simulated ledger on which it has to
beat the due date plus the average delay."""

import random
from datetime import date, timedelta

import pytest
from core.overview.cash import (
    WEEKS,
    Habits,
    Item,
    forecast,
    forecast_simply,
    get_actual,
    look_back,
)

TODAY = date(2025, 6, 30)


def _days(number):
    return TODAY + timedelta(days=number)


def _paid(payer, due, late, amount=100.0):
    return Item(
        payer,
        due - timedelta(days=30),
        due,
        amount,
        [(due + timedelta(days=late), amount, True)],
    )


def test_simple_forecast_by_hand():
    """Average delay: (100 × 10 + 300 × 30) / 400 = 25 days. Due in 3 days: comes in 28
    days, the fourth week. Due 40 days ago: should have come, so this week."""
    items = [
        _paid(1, _days(-60), 10),
        _paid(2, _days(-90), 30, 300.0),
        Item(1, _days(-27), _days(3), 50.0),
        Item(2, _days(-70), _days(-40), 70.0),
    ]
    weeks = forecast_simply(items, TODAY)
    assert weeks[0] == 70
    assert weeks[3] == 50
    assert sum(weeks) == 120


def test_actual_by_hand():
    """What was open on the day, by the week in which money came for it; neither what
    was invoiced later nor a credit note counts."""
    items = [
        Item(1, _days(-40), _days(-10), 100.0, [(_days(1), 60.0, True)]),
        Item(1, _days(-40), _days(-10), 100.0, [(_days(7), 10.0, True)]),
        Item(1, _days(-40), _days(-10), 100.0, [(_days(8), 5.0, True)]),
        Item(1, _days(-40), _days(-10), 100.0, [(_days(2), 40.0, False)]),
        Item(1, _days(1), _days(31), 100.0, [(_days(3), 100.0, True)]),
        Item(1, _days(-40), _days(-10), 100.0, [(_days(-1), 100.0, True)]),
    ]
    assert get_actual(items, TODAY) == [70, 5, *[0] * (WEEKS - 2)]


def test_habit_is_the_payer_s_own():
    """One payer always pays in the week of the due date, the other four weeks later; an
    item of each is due tomorrow."""
    items = []
    for number in range(1, 41):
        items.append(_paid(1, _days(-60 - 7 * number), 2))
        items.append(_paid(2, _days(-60 - 7 * number), 30))
    items += [Item(1, _days(-29), _days(1), 1.0), Item(2, _days(-29), _days(1), 1.0)]
    habits = Habits(items, TODAY)
    first = habits.spread(items[-2], TODAY, 100.0)
    second = habits.spread(items[-1], TODAY, 100.0)
    assert first[0] > 90
    assert second[0] < 10
    assert second[4] > 80


def test_a_new_payer_is_like_the_others():
    items = [_paid(number, _days(-60 - number), 2) for number in range(40)]
    new = Item(999, _days(-29), _days(1), 1.0)
    assert Habits([*items, new], TODAY).spread(new, TODAY, 100.0)[0] > 90


def test_who_never_pays_is_not_counted_on():
    """A hundred paid on time, and fifty that have been open for two years: another one
    of these brings next to nothing."""
    items = [_paid(number, _days(-60), 2) for number in range(100)]
    items += [Item(1000 + n, _days(-800), _days(-770), 100.0) for n in range(50)]
    weeks = forecast(items, TODAY)
    assert sum(weeks) < 0.05 * 5000


def test_never_more_than_is_open():
    chance = random.Random(1)
    items = [_paid(n % 7, _days(-40 - n), chance.randint(-20, 60)) for n in range(200)]
    items += [Item(n % 7, _days(-50), _days(n - 20), 100.0) for n in range(40)]
    weeks = forecast(items, TODAY)
    open_now = sum(item.get_open(TODAY) for item in items if item.day <= TODAY)
    assert all(week >= 0 for week in weeks)
    assert sum(weeks) <= open_now


def test_a_promise():
    """Of 100 promised for the third week, 80 of 100 such promises being kept: 80 come
    in it, nothing before it, the rest by habit after it."""
    items = [_paid(1, _days(-60 - n), 5) for n in range(40)]
    items.append(Item(1, _days(-60), _days(-30), 100.0, promised=_days(15)))
    weeks = forecast(items, TODAY, 0.8)
    assert weeks[:2] == [0, 0]
    assert weeks[2] == pytest.approx(80)
    assert sum(weeks[3:]) <= 20 + 1e-9
    far = Item(1, _days(-60), _days(-30), 100.0, promised=_days(200))
    assert sum(forecast([*items[:-1], far], TODAY, 0.8)) == 0


def _make_ledger(chance, payers=60, months=18):
    """Invoices of payers with habits of their own: early, on the day, a month late, or
    slow and unsure; one in fifty is never paid."""
    items = []
    for payer in range(payers):
        middle, spread = chance.choice(((-5, 3), (1, 3), (25, 8), (55, 20)))
        for _number in range(months * 2):
            day = TODAY - timedelta(days=chance.randint(0, months * 30))
            due = day + timedelta(days=30)
            amount = round(chance.lognormvariate(7, 0.8), 2)
            item = Item(payer, day, due, amount)
            late = max(chance.gauss(middle, spread), -25)
            paid = due + timedelta(days=round(late))
            if paid <= TODAY and chance.random() > 0.02:
                item.settled.append((paid, amount, True))
            items.append(item)
    return items


@pytest.mark.parametrize("seed", range(5))
def test_it_beats_due_date_plus_average_delay(seed):
    items = _make_ledger(random.Random(seed))
    origins = [_days(-91 - 30 * number) for number in range(4)]
    result = look_back(items, origins)
    assert result.is_enough
    assert result.times == 4
    assert result.error < 0.8 * result.simple_error, result


def test_too_little_history():
    items = [_paid(1, _days(-200 - n), 5) for n in range(20)]
    result = look_back(items, [_days(-91), _days(-121)])
    assert not result.is_enough
    assert result.error is None


def test_a_forecast_of_the_past_knows_nothing_of_its_future():
    """What came after the day changes the actual figures, not the forecast."""
    items = _make_ledger(random.Random(9))
    origin = _days(-91)
    before = forecast(items, origin)
    for item in items:
        item.settled = [one for one in item.settled if one[0] <= origin]
    assert forecast(items, origin) == before
