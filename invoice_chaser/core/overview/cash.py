"""Cash to come from what is open: 13 weeks ahead, by each payer's habit, and how wrong
such a forecast would have been in the past.

The habit is a hazard per week before or after the due date: of what was still unpaid at
the beginning of that week, the part that was paid in it. What is still open counts as
not paid so far (a survivor), so that who never pays is not forgotten. A payer with
little history is drawn towards all payers of the company.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

WEEKS = 13
# Weeks before and after the due date that are told apart; later ones are like the last.
FIRST, LAST = -13, 52
# The whole company counts as much as so many items of the payer's own.
_SHRINK = 4.0
# Fewer paid items, or fewer times to look back from, say nothing.
LEAST_PAID, LEAST_ORIGINS = 30, 2


@dataclass(slots=True)
class Item:
    """An invoice's receivable. ``settled``: (day, amount, whether it was money);
    ``promised``: the day for which its payment is promised."""

    payer: int
    day: date
    due: date
    amount: float
    settled: list[tuple[date, float, bool]] = field(default_factory=list)
    promised: date | None = None

    def get_open(self, day: date) -> float:
        """What was open at the end of a day."""
        return self.amount - sum(
            amount for settled, amount, _money in self.settled if settled <= day
        )


class _Counts:
    """Per week from the due date: what was unpaid at its beginning, what was paid in
    it, in items (parts of items count as parts)."""

    __slots__ = ("paid", "steps")

    def __init__(self):
        self.paid = [0.0] * (LAST - FIRST + 1)
        self.steps = [0.0] * (LAST - FIRST + 2)

    def add(self, first: int, last: int, weight: float, is_paid: bool) -> None:
        self.steps[first - FIRST] += weight
        self.steps[last - FIRST + 1] -= weight
        if is_paid:
            self.paid[last - FIRST] += weight

    def get_unpaid(self) -> list[float]:
        unpaid, total = [], 0.0
        for step in self.steps[:-1]:
            total += step
            unpaid.append(max(total, 0.0))
        return unpaid


def _week(day: date, due: date) -> int:
    return min(max((day - due).days // 7, FIRST), LAST)


class Habits:
    """What payers did up to a day."""

    def __init__(self, items: Iterable[Item], today: date):
        everybody, payers = _Counts(), defaultdict(_Counts)
        for item in items:
            if item.day > today or item.amount <= 0:
                continue
            first = _week(item.day, item.due)
            for day, amount, is_money in item.settled:
                if day <= today:
                    last = max(_week(day, item.due), first)
                    weight = amount / item.amount
                    everybody.add(first, last, weight, is_money)
                    payers[item.payer].add(first, last, weight, is_money)
            if (rest := item.get_open(today) / item.amount) > 1e-9:
                last = max(_week(today, item.due), first)
                everybody.add(first, last, rest, False)
                payers[item.payer].add(first, last, rest, False)
        self.paid_count = sum(everybody.paid)
        self._everybody = [
            paid / unpaid if unpaid > 0 else 0.0
            for paid, unpaid in zip(everybody.paid, everybody.get_unpaid(), strict=True)
        ]
        self._payers = {payer: self._shrink(own) for payer, own in payers.items()}

    def _shrink(self, own: _Counts) -> list[float]:
        return [
            (paid + _SHRINK * common) / (unpaid + _SHRINK)
            for paid, unpaid, common in zip(
                own.paid, own.get_unpaid(), self._everybody, strict=True
            )
        ]

    def spread(self, item: Item, today: date, amount: float) -> list[float]:
        """How much of an amount comes in each of the weeks after a day."""
        hazards = self._payers.get(item.payer, self._everybody)
        weeks, left = [], amount
        for number in range(WEEKS):
            day = today + timedelta(days=7 * number + 1)
            comes = left * min(hazards[_week(day, item.due) - FIRST], 1.0)
            weeks.append(comes)
            left -= comes
        return weeks


def forecast(
    items: Sequence[Item], today: date, kept_share: float | None = None
) -> list[float]:
    """Money expected in each of the 13 weeks after a day, of what is open on it.

    :param kept_share: the part of promises that is kept: so much of a promised item
        comes in the promised week, the rest by habit after it; None: promises are not
        looked at
    """
    habits, weeks = Habits(items, today), [0.0] * WEEKS
    for item in items:
        amount = item.get_open(today) if item.day <= today else 0.0
        if amount <= 0:
            continue
        place = (
            (item.promised - today).days - 1
            if kept_share is not None and item.promised and item.promised > today
            else None
        )
        if place is None:
            comes = habits.spread(item, today, amount)
        else:
            comes = _promise(habits, item, today, amount, place // 7, kept_share)
        weeks = [one + more for one, more in zip(weeks, comes, strict=True)]
    return weeks


def _promise(habits, item, today, amount, week, kept_share):
    comes = [0.0] * WEEKS
    if week >= WEEKS:
        return comes
    comes[week] += kept_share * amount
    later = today + timedelta(days=7 * (week + 1))
    rest = habits.spread(item, later, (1 - kept_share) * amount)
    for number, more in enumerate(rest[: WEEKS - week - 1]):
        comes[week + 1 + number] += more
    return comes


def forecast_simply(items: Sequence[Item], today: date) -> list[float]:
    """What one would do without: each item is paid the company's average delay after
    its due date; what should have come already comes in the first week."""
    late = total = 0.0
    for item in items:
        for day, amount, is_money in item.settled:
            if is_money and day <= today:
                late += amount * (day - item.due).days
                total += amount
    delay = timedelta(days=round(late / total) if total else 0)
    weeks = [0.0] * WEEKS
    for item in items:
        amount = item.get_open(today) if item.day <= today else 0.0
        place = max(((item.due + delay) - today).days - 1, 0) // 7
        if amount > 0 and place < WEEKS:
            weeks[place] += amount
    return weeks


def get_actual(items: Iterable[Item], today: date) -> list[float]:
    """The money that came in each of the weeks after a day for what was open on it."""
    weeks = [0.0] * WEEKS
    for item in items:
        if item.day > today:
            continue
        for day, amount, is_money in item.settled:
            place = ((day - today).days - 1) // 7
            if is_money and day > today and place < WEEKS:
                weeks[place] += amount
    return weeks


@dataclass(frozen=True)
class BackTest:
    """``error``: of the forecast by habit, ``simple_error``: of due date plus average
    delay; both as the weeks' misses in percent of the money that came. ``times``: from
    how many days it was looked back. None where there is too little history."""

    error: float | None
    simple_error: float | None
    times: int
    paid_count: float

    @property
    def is_enough(self) -> bool:
        return self.error is not None


def look_back(items: Sequence[Item], origins: Iterable[date]) -> BackTest:
    """How wrong forecasts made on these days would have been, each with what was known
    on it."""
    missed = simply_missed = came = 0.0
    times, paid_count = 0, 0.0
    for origin in origins:
        paid_count = Habits(items, origin).paid_count
        actual = get_actual(items, origin)
        if paid_count < LEAST_PAID or sum(actual) <= 0:
            continue
        times += 1
        came += sum(actual)
        for made, is_simple in (
            (forecast(items, origin), False),
            (forecast_simply(items, origin), True),
        ):
            miss = sum(abs(a - b) for a, b in zip(made, actual, strict=True))
            if is_simple:
                simply_missed += miss
            else:
                missed += miss
    if times < LEAST_ORIGINS:
        return BackTest(None, None, times, paid_count)
    return BackTest(
        100.0 * missed / came, 100.0 * simply_missed / came, times, paid_count
    )
