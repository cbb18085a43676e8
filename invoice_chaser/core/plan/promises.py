"""Promises to pay: what they cover, and whether they were kept."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

ZERO = Decimal(0)


@dataclass(frozen=True)
class Coverable:
    """An open item that a promise may cover. ``residual`` in the item's currency (major
    units)."""

    id: int
    move_id: int
    currency_id: int
    residual: Decimal
    date_due: date


@dataclass(frozen=True)
class Covered:
    """A covered item as it is now, and what has happened to it since the promise, in
    the item's currency (major units).

    ``paid``: payments dated on or before the promised day; ``paid_late``: after it;
    ``credited``: credit notes.
    """

    currency_id: int
    residual: Decimal
    paid: Decimal = ZERO
    paid_late: Decimal = ZERO
    credited: Decimal = ZERO

    @property
    def opening(self) -> Decimal:
        """What was open at the promise, without what has been credited since."""
        return self.residual + self.paid + self.paid_late


def choose_covered(
    items: Iterable[Coverable], amount: Decimal, currency_id: int
) -> list[Coverable]:
    """The items that a promise covers.

    Without an amount all of them. With one: those of its currency, whole invoices,
    oldest first, until the amount is used up; the invoice in which it ends is covered
    whole, because asking for one part while the other is promised would confuse."""
    ordered = sorted(items, key=lambda item: (item.date_due, item.move_id, item.id))
    if not amount:
        return ordered
    chosen, left, moves = [], amount, set()
    for item in ordered:
        if item.currency_id != currency_id or (left <= 0 and item.move_id not in moves):
            continue
        chosen.append(item)
        moves.add(item.move_id)
        left -= item.residual
    return chosen


def judge_promise(
    items: Iterable[Covered],
    amount: Decimal,
    unallocated: Mapping[int, Decimal],
    date_promised: date,
    today: date,
) -> tuple[str, dict[int, Decimal]]:
    """State of a promise today, and how much of ``unallocated`` it counts as its own.

    :param amount: promised; 0: everything that is covered
    :param unallocated: payments of the customer since the promise, dated in time, that
    are matched to no invoice yet, per currency
    :return: ``kept`` as soon as the money is there, ``open`` until the day has passed,
    then ``partly`` or ``broken``; ``cancelled`` when nothing is left to pay because it
    was credited
    """
    opening: dict[int, Decimal] = {}
    paid: dict[int, Decimal] = {}
    for item in items:
        opening[item.currency_id] = opening.get(item.currency_id, ZERO) + item.opening
        paid[item.currency_id] = paid.get(item.currency_id, ZERO) + item.paid
    need = {
        currency: min(amount, total) if amount else total
        for currency, total in opening.items()
    }
    if not any(need.values()):
        return "cancelled", {}
    used = {
        currency: max(
            ZERO, min(wanted - paid[currency], unallocated.get(currency, ZERO))
        )
        for currency, wanted in need.items()
    }
    if all(
        paid[currency] + used[currency] >= wanted for currency, wanted in need.items()
    ):
        return "kept", used
    if today <= date_promised:
        return "open", used
    return ("partly" if any(paid.values()) or any(used.values()) else "broken"), used
