"""Which money fits which open items, and which does not."""

import random
import time
from datetime import date
from decimal import Decimal

import pytest
from core.match import maybe_paid
from core.match.label_match import name_words, squash
from core.match.maybe_paid import (
    THRESHOLD,
    Customer,
    Item,
    Money,
    MoneyMatcher,
    find_sum,
    make_quoted,
)

AED, USD = 1, 2
DAY = date(2026, 11, 12)
NOOR, GULF, FAJR = 10, 20, 30
IBAN = "AE070331234567890123456"


def item(
    number, amount, partner=NOOR, currency=AED, reference="", item_id=None, due=DAY
):
    item_id = item_id or item.counter
    item.counter += 1
    return Item(
        item_id,
        1000 + item_id,
        partner,
        number,
        reference,
        currency,
        Decimal(str(amount)),
        due,
    )


item.counter = 1
ITEMS = [
    item("INV/2026/00142", 4200, item_id=142),
    item("INV/2026/00143", 1800, item_id=143),
    item("INV/2026/00150", 999.5, item_id=150),
    item("INV/2026/00200", 4200, GULF, item_id=200),
    item("INV/2026/00201", 77.77, GULF, item_id=201),
    item("INV/2026/01420", 5100, GULF, item_id=1420),
    item("INV/2026/00300", 3000, FAJR, USD, item_id=300),
    item("INV/2026/00301", 640, FAJR, reference="RF18 5390 0754 7034", item_id=301),
]
CUSTOMERS = [
    Customer(NOOR, ("Al Noor Trading LLC",), (IBAN,)),
    Customer(GULF, ("Gulf Star Electronics FZE",), ("AE12 0330 0000 1111 2222 333",)),
    Customer(FAJR, ("مؤسسة الفجر للمقاولات", "Fajr Contracting Est.")),
]


def line(text="", amount=0, currency=AED, **values):
    return Money("line-1", {currency: Decimal(str(amount))}, DAY, text, **values)


@pytest.fixture(scope="module")
def matcher():
    return MoneyMatcher(ITEMS, CUSTOMERS)


def hits(matcher, money):
    return [(hit.partner_id, hit.item_ids) for hit in matcher.match(money)]


# text, amount, customer, items; None: nothing that holds a reminder
LABELS = [
    ("POP INV 00142", 4200, NOOR, (142,)),
    ("INV/2026/00142", 4200, NOOR, (142,)),
    ("INV/2026/00142", 100, NOOR, (142,)),
    ("inv 2026 142", 4200, NOOR, (142,)),
    ("INV2026142", 1, NOOR, (142,)),
    ("Payment for invoice INV-2026-00142 thank you", 4200, NOOR, (142,)),
    ("TRF INV00142 4200", 4200, NOOR, (142,)),
    ("inv no 142 al noor", 4200, NOOR, (142,)),
    ("INV / 2026 / 00142 , INV / 2026 / 00143", 6000, NOOR, (142, 143)),
    ("INV 142 + INV 143", 6000, NOOR, (142, 143)),
    ("00142 and 00143", 6000, NOOR, (142, 143)),
    ("فاتورة INV/٢٠٢٦/٠٠١٤٢", 4200, NOOR, (142,)),
    ("RF18539007547034", 640, FAJR, (301,)),
    ("ref RF18 5390 0754 7034 usd", 10, FAJR, (301,)),
    ("AL NOOR TRADING LLC", 1800, NOOR, (143,)),
    (
        "NOOR AL INWARD TT AL NOOR",
        6000,
        None,
        (),
    ),  # the name and a sum: 30 + 20 is not enough
    ("FROM GULF STAR ELECTRONICS", 77.77, GULF, (201,)),
    ("مؤسسة الفجر للمقاولات دفعة", 640, FAJR, (301,)),
    (
        "Gulf Star",
        77.77,
        None,
        (),
    ),  # part of a name and an amount that only this customer owes: 10 + 15 + 25
    ("CASH DEPOSIT", 4200, None, ()),
    ("CASH DEPOSIT", 77.77, None, ()),
    ("CHQ 142", 10, None, ()),
    ("CHQ 900142", 4200, None, ()),
    ("SALARY 2026", 2026, None, ()),
    ("", 4200, None, ()),
    ("1420142000142900", 5, None, ()),
]


@pytest.mark.parametrize(("text", "amount", "partner", "items"), LABELS)
def test_label(matcher, text, amount, partner, items):
    found = hits(matcher, line(text, amount))
    assert found == ([(partner, items)] if partner else [])


def test_number_of_one_is_not_the_number_of_another(matcher):
    assert hits(matcher, line("INV/2026/01420", 5100)) == [(GULF, (1420,))]
    assert hits(matcher, line("INV 1420", 5100)) == [(GULF, (1420,))]


def test_customer_of_the_line(matcher):
    assert hits(matcher, line("TT", 4200, partner_id=NOOR)) == [(NOOR, (142,))]
    assert hits(matcher, line("TT", 6000, partner_id=NOOR)) == [(NOOR, (142, 143))]
    assert hits(matcher, line("TT", 500, partner_id=NOOR)) == [(NOOR, ())], (
        "his money, for something"
    )
    assert hits(matcher, line("TT", 99999, partner_id=NOOR)) == [], (
        "more than he owes: not for these"
    )
    assert hits(matcher, line("TT", 500, partner_id=99)) == []


def test_account(matcher):
    assert hits(matcher, line("TT", 500, account="AE07 0331 2345 6789 0123 456")) == [
        (NOOR, ())
    ]
    assert hits(matcher, line(f"INWARD {IBAN} 500", 500)) == [(NOOR, ())]
    shared = MoneyMatcher(
        ITEMS, [Customer(NOOR, (), (IBAN,)), Customer(GULF, (), (IBAN,))]
    )
    assert hits(shared, line("TT", 500, account=IBAN)) == []


def test_amount_alone_is_never_enough():
    matcher = MoneyMatcher([item("INV/2026/00001", 123.45)])
    [hit] = [
        matcher._judge(line("", 123.45), NOOR, facts)
        for facts in [_facts(matcher, line("", 123.45))]
    ]
    assert hit.score < THRESHOLD


def _facts(matcher, money):
    from collections import defaultdict

    found = defaultdict(maybe_paid._Found)
    matcher._find_amounts(money, found)
    return found[NOOR]


def test_currency_counts(matcher):
    assert hits(matcher, line("fajr contracting", 3000, AED)) == []
    assert hits(matcher, line("fajr contracting", 3000, USD)) == [(FAJR, (300,))]
    both = Money("line-2", {AED: Decimal(11017), USD: Decimal(3000)}, DAY, "TT", FAJR)
    [hit] = matcher.match(both)
    assert (hit.item_ids, hit.is_exact) == ((300,), True)


def test_money_in_the_books_must_name_or_equal_something(matcher):
    """A payment of the customer is netted in the reminder already, so it is no hit."""
    booked = {"partner_id": NOOR, "is_booked": True}
    assert hits(matcher, line("PAY/1", 500, **booked)) == []
    assert hits(matcher, line("PAY/1", 4200, **booked)) == [(NOOR, (142,))]
    assert hits(matcher, line("PAY/1 INV/2026/00143", 50, **booked)) == [(NOOR, (143,))]
    assert hits(matcher, line("PAY/1 INV/2026/00200", 50, **booked)) == []


def test_explanation(matcher):
    [hit] = matcher.match(line("POP INV 00142", 4200))
    assert [(part.code, part.detail) for part in hit.parts] == [
        ("number_part", "INV/2026/00142"),
        ("amount", ""),
    ]
    assert hit.is_exact
    assert hit.move_ids == (1142,)
    [hit] = matcher.match(line("INV/2026/00142", 1000))
    assert ([part.code for part in hit.parts], hit.is_exact) == (["number"], False)
    [hit] = matcher.match(line("INV 2026 142 AL NOOR TRADING", 4200))
    assert {part.code for part in hit.parts} == {"number", "name", "amount"}
    assert hit.score == 100


def test_best_first():
    matcher = MoneyMatcher(
        [
            item("INV/2026/00001", 50, NOOR, item_id=901),
            item("BILL/2026/00001", 50, GULF, item_id=902),
        ]
    )
    found = matcher.match(line("INV/2026/00001", 50))
    assert [hit.partner_id for hit in found][0] == NOOR


def test_line_of_a_registered_payment(matcher):
    registered = {(NOOR, AED, Decimal(500)): [DAY]}
    [hit] = matcher.match(line("TT", 500, partner_id=NOOR))
    assert maybe_paid.is_registered(line("TT", 500, partner_id=NOOR), hit, registered)
    assert not maybe_paid.is_registered(
        line("TT", 501, partner_id=NOOR), hit, registered
    )
    assert not maybe_paid.is_registered(
        line("TT", 500, partner_id=NOOR),
        hit,
        {(NOOR, AED, Decimal(500)): [date(2026, 1, 2)]},
    )
    assert not maybe_paid.is_registered(
        line("TT", 500, partner_id=NOOR), hit, {(NOOR, USD, Decimal(500)): [DAY]}
    )
    [named] = matcher.match(line("INV/2026/00142", 500))
    assert not maybe_paid.is_registered(line("INV/2026/00142", 500), named, registered)


# -- the sum of a few


def amounts(*values):
    return [
        item(f"X/{number}", value, item_id=5000 + number)
        for number, value in enumerate(values)
    ]


@pytest.mark.parametrize(
    ("values", "wanted", "expected"),
    [
        ((10, 20, 30), 30, {10, 20}),
        ((10, 20, 30), 60, {10, 20, 30}),
        ((10, 20, 30), 25, None),
        ((10,), 10, None),
        ((), 10, None),
        ((5, 5, 7), 10, {5}),
        ((0.1, 0.2, 9), 0.3, {0.1, 0.2}),
        ((1, 2, 4, 8, 16, 100), 31, {1, 2, 4, 8, 16}),
        ((10, 20), 5, None),
    ],
)
def test_sum(values, wanted, expected):
    found = find_sum(amounts(*values), Decimal(str(wanted)))
    assert (
        None if found is None else {float(one.residual) for one in found}
    ) == expected
    if found:
        assert sum(one.residual for one in found) == Decimal(str(wanted))


def test_sum_agrees_with_trying_everything():
    chance = random.Random(3)
    from itertools import combinations

    for _number in range(120):
        pool = amounts(*(chance.randint(1, 30) for _ in range(chance.randint(2, 8))))
        wanted = Decimal(chance.randint(2, 80))
        possible = any(
            sum(one.residual for one in some) == wanted
            for size in range(2, maybe_paid.MAX_PARTS + 1)
            for some in combinations(pool, size)
        )
        possible = possible or sum(one.residual for one in pool) == wanted
        assert bool(find_sum(pool, wanted)) == possible, (
            [one.residual for one in pool],
            wanted,
        )


def test_search_for_a_sum_is_bounded(monkeypatch):
    steps = []

    class Counted(list):
        def __getitem__(self, key):
            steps.append(key)
            return super().__getitem__(key)

    pool = amounts(*(1000 + 2 * number for number in range(200)))
    assert find_sum(Counted(pool), Decimal(4001)) is None
    started = time.process_time()
    for _number in range(20):
        find_sum(pool, Decimal(4001))
    assert time.process_time() - started < 5, "4,000 steps each, not 2^200"


# -- size and bad data


def test_many_customers_with_the_same_amount_say_nothing():
    matcher = MoneyMatcher(
        [
            item(f"INV/2026/{number:05}", 100, 5000 + number, item_id=7000 + number)
            for number in range(1, 200)
        ]
    )
    assert hits(matcher, line("DEPOSIT", 100)) == []
    assert hits(matcher, line("INV/2026/00007", 100)) == [(5007, (7007,))]


def test_work_grows_with_lines_not_with_their_product(monkeypatch):
    """Each line looks at few items, however many there are."""
    looked = []
    original = maybe_paid.find_label
    monkeypatch.setattr(
        maybe_paid, "find_label", lambda *args: looked.append(1) or original(*args)
    )
    per_line = []
    for count in (100, 10000):
        matcher = MoneyMatcher(
            [
                item(
                    f"INV/2026/{number:05}",
                    100 + number,
                    20000 + number % 700,
                    item_id=30000 + number,
                )
                for number in range(1, count + 1)
            ]
        )
        looked.clear()
        for number in range(1, 51):
            matcher.match(line(f"TT INV {number:05} thanks", 100 + number))
        per_line.append(len(looked) / 50)
    assert per_line[1] <= per_line[0] + 40


@pytest.mark.parametrize(
    "text", ["\x00", "🙂" * 50, "²³", "A" * 5000, "1" * 5000, "(((", "١٢٣", None or ""]
)
def test_strange_texts(matcher, text):
    assert isinstance(matcher.match(line(text, 5, account=text)), list)


def test_items_without_number():
    assert hits(
        MoneyMatcher([Item(1, 2, NOOR, "", "", AED, Decimal(5))]),
        line("5", 5, partner_id=NOOR),
    ) == [(NOOR, (1,))]
    assert MoneyMatcher([]).match(line("INV 1", 1, partner_id=NOOR)) == []


def test_words():
    assert squash("Inv / 2026-00142") == "INV202600142"
    assert squash("٠٠١٤٢") == "00142"
    assert name_words("Al Noor Trading LLC") == {"noor"}
    assert name_words("مؤسسة الفجر للمقاولات") == {"الفجر", "للمقاولات"}


# -- money that quotes the payment reference of a message


QUOTED = [
    item("INV/1", 1000, item_id=9001),
    item("INV/2", 500, item_id=9002),
    item("INV/3", 200, currency=USD, item_id=9003),
]


@pytest.mark.parametrize(
    ("amounts", "credits", "items", "exact"),
    [
        ({AED: 1500}, {}, (9001, 9002), True),
        ({AED: 1200}, {AED: 300}, (9001, 9002), True),
        ({AED: 1200}, {USD: 300}, (9001, 9002), False),
        ({AED: 1200}, {}, (9001, 9002), False),
        ({USD: 200}, {}, (9003,), True),
        ({USD: 150}, {USD: 50}, (9003,), True),
        # A bank line in foreign currency is known in both.
        ({USD: 200, AED: 734}, {}, (9001, 9002, 9003), False),
        # Another currency than any that was asked for: a person decides.
        ({3: 1500}, {}, (9001, 9002, 9003), False),
    ],
)
def test_quoted_reference(amounts, credits, items, exact):
    """Exactly the items of the message, in the currency of the money."""
    exactly = {key: Decimal(value) for key, value in amounts.items()}
    taken = {key: Decimal(value) for key, value in credits.items()}
    hit = make_quoted(Money("line-1", exactly), 77, QUOTED, taken)
    assert (hit.item_ids, hit.is_exact, hit.message_id) == (items, exact, 77)
    assert hit.partner_id == NOOR
    assert hit.score == 100
