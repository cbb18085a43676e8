"""Matching money (core.match.maybe_paid): 2,000 bank lines against 10,000 open items
of 1,500 customers, beside comparing each with each. No database."""

import random
import sys
import time
from datetime import date
from decimal import Decimal
from pathlib import Path

sys.path[:0] = [
    str(Path(__file__).parent),
    str(Path(__file__).parent.parent / "invoice_chaser"),
]

from core.match.maybe_paid import Customer, Item, Money, MoneyMatcher  # noqa: E402
from figures import Row, median, p90, print_table, require, scaled, times  # noqa: E402

ITEMS, LINES, CUSTOMERS = scaled(10_000), scaled(2_000), scaled(1_500)


def make_items(chance):
    return [
        Item(
            number,
            number,
            number % CUSTOMERS,
            f"INV/2026/{number:05}",
            "",
            1,
            Decimal(chance.randint(10_000, 9_000_000)) / 100,
            date(2026, chance.randint(1, 10), 1),
        )
        for number in range(1, ITEMS + 1)
    ]


def make_lines(chance, items):
    """Four in ten name an invoice, four in ten the customer, the rest say nothing; six
    in ten have an item's amount."""
    lines = []
    for number in range(LINES):
        item, kind = chance.choice(items), chance.random()
        named = f"TT REF 20261112{number:06} INV {item.number[-5:]} thanks"
        customer = (
            f"COMPANY NUMBER{item.partner_id} WORD{item.partner_id % 300} 2026 {number}"
        )
        text = (
            named
            if kind < 0.4
            else customer
            if kind < 0.8
            else f"CASH DEP {number} BR 0142"
        )
        amount = item.residual if kind < 0.6 else Decimal(chance.randint(1, 90_000))
        lines.append(
            Money(
                f"line-{number}",
                {1: amount},
                None,
                text,
                item.partner_id if kind > 0.95 else None,
            )
        )
    return lines


def compare_each(items, lines):
    """The simple way, for comparison: number in the text or the same amount, the least
    that must be tested for each pair."""
    return sum(
        1
        for line in lines
        for item in items
        if item.number in line.text
        or line.amounts.get(item.currency_id) == item.residual
    )


def run(quick=False):
    chance = random.Random(1)
    items = make_items(chance)
    lines = make_lines(chance, items)
    customers = [
        Customer(n, (f"Company Number{n} word{n % 300} Trading LLC",), (f"AE{n:021}",))
        for n in range(CUSTOMERS)
    ]
    whole, hits = [], 0
    for _round in range(1 if quick else 5):
        start = time.perf_counter()
        matcher = MoneyMatcher(items, customers)
        hits = sum(len(matcher.match(line)) for line in lines)
        whole.append(time.perf_counter() - start)
    require(hits, "nothing was found")
    start = time.perf_counter()
    compare_each(items, lines[:100])
    plain = (time.perf_counter() - start) * LINES / min(LINES, 100)
    print_table(
        f"Maybe paid: {LINES:,} bank lines, {ITEMS:,} open items",
        [
            Row(
                "matcher, index and all lines",
                f"{median(whole):.2f} s",
                f"{p90(whole):.2f} s",
                "6 to read",
                f"{times(plain, median(whole))} × faster",
            ),
            Row("each with each, two tests a pair", f"{plain:.2f} s"),
        ],
        [f"{hits} hits; the plain way is measured on 100 lines and multiplied"],
    )


if __name__ == "__main__":
    run("--quick" in sys.argv)
