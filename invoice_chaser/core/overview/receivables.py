"""Figures on receivables from month-end amounts: days sales outstanding, collection
effectiveness, roll rates, days late. Pure; amounts are floats in one currency."""

from calendar import monthrange
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

# Days overdue at which a bucket of the ageing ends; the last one has no end.
BUCKETS = ("not_due", "days_1_30", "days_31_60", "days_61_90", "days_over_90")
# What an item may roll from: it falls due within the month, or was overdue at its
# beginning since one, two or three months.
ROLLS = ("due", "one", "two", "three")


@dataclass(frozen=True)
class Dso:
    """``days``; ``is_more``: the sales known do not reach back far enough, it is more
    than that."""

    days: float
    is_more: bool = False


def month_end(day: date) -> date:
    """The last day of the month of a day."""
    return day.replace(day=monthrange(day.year, day.month)[1])


def previous_end(day: date) -> date:
    """The last day of the month before that of a day."""
    return day.replace(day=1) - timedelta(days=1)


def month_ends(first: date, today: date) -> list[date]:
    """The ends of the closed months from that of ``first`` to the last one before
    ``today``'s, oldest first."""
    ends, end = [], previous_end(today)
    while end >= first:
        ends.append(end)
        end = previous_end(end)
    return ends[::-1]


def go_back(day: date, months: int) -> date:
    """The first day of the month that lies so many months before that of ``day``."""
    number = day.year * 12 + day.month - 1 - months
    return date(number // 12, number % 12 + 1, 1)


def count_back(balance: float, sales: Iterable[tuple[int, float]]) -> Dso | None:
    """Days sales outstanding by count-back (exhaustion): whole months of sales are
    taken off the balance, newest first; the last one counts in proportion.

    :param balance: all receivables, open credits taken off
    :param sales: (days, sales with tax) per month, newest first; of a month that runs,
        the days that have passed
    :return: None where nothing was sold in the newest month and something is owed; a
        month without sales (or with more credit notes than sales) ends the count, as
        Oracle's manual for Financial Management has it
    """
    if balance <= 0:
        return Dso(0.0)
    days = 0.0
    for month_days, amount in sales:
        if amount <= 0:
            return Dso(days, True) if days else None
        if balance <= amount:
            return Dso(days + month_days * balance / amount)
        balance -= amount
        days += month_days
    return Dso(days, True) if days else None


def best_possible(
    not_due: float, sales: Sequence[tuple[int, float]], months: int = 3
) -> float | None:
    """Best possible DSO: what it would be if everybody paid on the due date.

    Receivables that are not due yet, over the sales of the last three months, times
    their days."""
    days = sum(month_days for month_days, _amount in sales[:months])
    amount = sum(amount for _days, amount in sales[:months])
    return days * max(not_due, 0.0) / amount if amount > 0 else None


def effectiveness(
    begin: float, sales: float, end: float, end_not_due: float, months: int = 1
) -> float | None:
    """Collection effectiveness index (Credit Research Foundation), in percent: what was
    collected of what could be.

    :param begin: receivables at the beginning
    :param end: at the end
    :param end_not_due: of these, not due yet
    :param months: over how many months ``sales`` is; the formula takes one month's
    """
    possible = begin + sales / months - end_not_due
    if possible <= 0:
        return None
    return 100.0 * (begin + sales / months - end) / possible


def share(part: float, whole: float) -> float | None:
    """A part in percent; None of nothing."""
    return 100.0 * part / whole if whole > 0 else None
