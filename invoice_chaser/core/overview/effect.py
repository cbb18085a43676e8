"""What a share or a difference is worth: intervals that say how sure a figure is."""

from dataclasses import dataclass
from math import ceil, sqrt

# 95 % of a normal distribution lie within so many standard deviations.
Z = 1.959963984540054


def wilson(hits: int, total: int) -> tuple[float, float] | None:
    """The 95 % interval of a share, in percent (Wilson 1927): right also for small
    numbers and for shares near 0 and 100. None of nothing."""
    if total <= 0:
        return None
    rate = hits / total
    spread = Z * sqrt(rate * (1 - rate) / total + Z * Z / (4 * total * total))
    middle, scale = rate + Z * Z / (2 * total), 1 + Z * Z / total
    low, high = (middle - spread) / scale, (middle + spread) / scale
    return 100.0 * max(low, 0.0), 100.0 * min(high, 1.0)


# A difference of ten points is found in four of five cases with so many reminders that
# waited: (1.96 + 0.84)² × ¼ × (1 + 1/9) / 0.1², where nine go for each that waits and
# every other one is paid, the worst case.
NEEDED = ceil((Z + 0.8416) ** 2 * 0.25 * (1 + 1 / 9) / 0.1**2)
# What becomes of a reminder is looked at for so many days after it was due.
HORIZON = 30


@dataclass(frozen=True)
class Sums:
    """Of one part of the hold-out: how many reminders, and for each of two values per
    reminder the sum and the sum of squares. ``days``: until the money came, 30 where
    it did not, weighted by amount; ``paid``: which part of it came within 14 days.
    ``asked``: the amount in all."""

    number: int = 0
    days: float = 0.0
    days_squared: float = 0.0
    paid: float = 0.0
    paid_squared: float = 0.0
    asked: float = 0.0


@dataclass(frozen=True)
class Difference:
    """With its 95 % interval."""

    value: float
    low: float
    high: float


def compare(first: tuple, second: tuple) -> Difference:
    """The mean of the second sample less that of the first, each as (number, sum, sum
    of squares); Welch's interval, with the normal distribution: samples are large."""
    means, spread = [], 0.0
    for number, total, squares in (first, second):
        mean = total / number
        variance = max(squares - number * mean * mean, 0.0) / (number - 1)
        means.append(mean)
        spread += variance / number
    value, half = means[1] - means[0], Z * sqrt(spread)
    return Difference(value, value - half, value + half)


def measure(now: Sums, later: Sums) -> dict:
    """What reminders cause: who was drawn to wait is like who was not but for the
    three days, so the difference is the effect of these days.

    Everybody counts in the part they were drawn for, whatever became of their reminder.
    """
    facts = {"number": later.number, "needed": NEEDED, "is_enough": False}
    if later.number < NEEDED or now.number < NEEDED:
        return facts
    days = compare(
        (now.number, now.days, now.days_squared),
        (later.number, later.days, later.days_squared),
    )
    paid = compare(
        (later.number, later.paid, later.paid_squared),
        (now.number, now.paid, now.paid_squared),
    )
    return facts | {
        "is_enough": True,
        "days": vars(days),
        "points": {name: 100.0 * value for name, value in vars(paid).items()},
        "money": {name: value * now.asked for name, value in vars(paid).items()},
    }


# Of two texts a difference of ten points is found in four of five cases with so many
# customers each, where every other one pays, the worst case.
NEEDED_TEXTS = ceil((Z + 0.8416) ** 2 * 0.25 * 2 / 0.1**2)


def compare_texts(first: tuple[int, int], second: tuple[int, int]) -> dict:
    """What two texts that were drawn by chance brought, each as (customers, those of
    them who did what was hoped for).

    :return: ``shares`` in percent, ``points`` (the second less the first, with its 95 %
        interval; None while a part is empty), ``is_enough``: whether there are as many
        as are needed, and ``is_clear``: whether the interval leaves out zero then
    """
    shares = [
        100.0 * hits / number if number else None for number, hits in (first, second)
    ]
    enough = min(first[0], second[0]) >= NEEDED_TEXTS
    if min(first[0], second[0]) < 2:
        return {"shares": shares, "points": None, "is_enough": False, "is_clear": False}
    found = compare(
        *((number, float(hits), float(hits)) for number, hits in (first, second))
    )
    points = Difference(*(100.0 * value for value in vars(found).values()))
    return {
        "shares": shares,
        "points": points,
        "is_enough": enough,
        "is_clear": enough and not points.low <= 0 <= points.high,
    }
