"""Which money that is not allocated yet fits which open items: bank lines and payments
against what customers owe. Pure.

Everything is indexed once, so that a bank line looks at the few items that share its
amount, a number of its text or its customer; the work grows with lines plus items, not
with their product.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cached_property

from .label_match import (
    PARTLY,
    TAIL,
    WHOLE,
    Label,
    LineText,
    find_label,
    get_tail,
    name_words,
    squash,
)
from .reference import make_reference

# A hit holds a reminder from here on.
THRESHOLD = 60
# Points. Number and amount together, or customer and amount together, are enough; an
# amount alone is not.
_NUMBER_POINTS = {WHOLE: 60, PARTLY: 45, TAIL: 15}
CUSTOMER, ACCOUNT, NAME, NAME_PART = 50, 50, 30, 10
AMOUNT, AMOUNT_UNIQUE, AMOUNT_SUM, AMOUNT_WITHIN = 25, 15, 20, 10
# A payment in the books is a credit of the customer already: it is a hit only for items
# that it names or equals.
SAME_CUSTOMER = 35
# Bounds of the search for a sum: the oldest items of a customer, so many of them
# together, so many combinations looked at.
MAX_ITEMS, MAX_PARTS, MAX_STEPS = 14, 5, 4000
# A payment registered by hand and its bank line lie so many days apart at most.
SAME_PAYMENT_DAYS = 31
# A label with one amount in common with many customers says nothing about any of them.
MAX_CANDIDATES = 12


@dataclass(frozen=True)
class Money:
    """Money that came in and is not allocated: ``key`` names where (``line-7``,
    ``payment-3``, ``credit-9``).

    ``amounts``: by currency id, positive, in each currency in which it is known.
    ``is_booked``: a payment or credit in the books.
    """

    key: str
    amounts: Mapping[int, Decimal]
    day: date | None = None
    text: str = ""
    partner_id: int | None = None
    account: str = ""
    is_booked: bool = False


@dataclass(frozen=True)
class Item:
    """An open item of a customer (commercial partner); ``residual`` in its currency."""

    id: int
    move_id: int
    partner_id: int
    number: str
    reference: str
    currency_id: int
    residual: Decimal
    date_due: date | None = None


@dataclass(frozen=True)
class Customer:
    """``accounts``: IBANs and account numbers; ``names``: the customer's own and those
    of the contacts."""

    id: int
    names: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Part:
    """One reason of a score: a code, its points, and what it is about."""

    code: str
    points: int
    detail: str = ""


@dataclass(frozen=True)
class Hit:
    """Money that fits items of one customer. Without items: it is the customer's money,
    but nothing says for what."""

    key: str
    partner_id: int
    item_ids: tuple[int, ...]
    move_ids: tuple[int, ...]
    parts: tuple[Part, ...] = ()
    is_exact: bool = False
    # The message whose payment reference the text quotes; 0: none.
    message_id: int = 0

    @cached_property
    def score(self) -> int:
        return min(100, sum(part.points for part in self.parts))


def make_quoted(
    money: Money,
    message_id: int,
    items: Sequence[Item],
    credits: Mapping[int, Decimal],
) -> Hit:
    """The hit for money whose text quotes the payment reference of a message: that
    message's items that are still open, of them those in the money's currency. Where
    the message asks for nothing in it, all of them: a person decides at which rate.

    :param credits: what the message set off of them, positive, by currency id
    """
    own = [item for item in items if item.currency_id in money.amounts] or items
    owed: dict[int, Decimal] = {}
    for item in own:
        owed[item.currency_id] = owed.get(item.currency_id, Decimal(0)) + item.residual
    [(currency_id, total), *others] = owed.items()
    wanted = total - credits.get(currency_id, Decimal(0))
    return Hit(
        money.key,
        own[0].partner_id,
        tuple(sorted(item.id for item in own)),
        tuple(sorted({item.move_id for item in own})),
        (Part("reference", 100, make_reference(message_id)),),
        not others and money.amounts.get(currency_id) == wanted,
        message_id,
    )


@dataclass
class _Found:
    """What a line has in common with one customer."""

    numbers: dict[int, Part] = field(default_factory=dict)  # item id → part
    parts: list[Part] = field(default_factory=list)
    amount_items: set[int] = field(default_factory=set)


class MoneyMatcher:
    """All open items of a company, indexed. ``match`` looks one piece of money up."""

    def __init__(self, items: Iterable[Item], customers: Iterable[Customer] = ()):
        self.items = {item.id: item for item in items}
        self.by_partner: dict[int, list[Item]] = defaultdict(list)
        self._by_amount: dict[tuple[int, Decimal], list[Item]] = defaultdict(list)
        self._by_tail: dict[int, list[Item]] = defaultdict(list)
        self._labels: dict[int, list[Label]] = {}
        for item in sorted(
            self.items.values(), key=lambda item: (item.date_due or date.max, item.id)
        ):
            self.by_partner[item.partner_id].append(item)
            self._by_amount[item.currency_id, item.residual].append(item)
            for tail in {get_tail(item.number), get_tail(item.reference)} - {None}:
                self._by_tail[tail].append(item)
        self._index_customers(customers)

    def _index_customers(self, customers: Iterable[Customer]) -> None:
        self._by_account: dict[str, int] = {}
        self._by_word: dict[str, set[int]] = defaultdict(set)
        self._names: dict[int, list[frozenset[str]]] = {}
        for customer in customers:
            if customer.id not in self.by_partner:
                continue
            self._names[customer.id] = [
                words for name in customer.names if (words := name_words(name))
            ]
            for account in map(squash, customer.accounts):
                # An account of two customers identifies neither of them.
                self._by_account[account] = (
                    0
                    if self._by_account.get(account, customer.id) != customer.id
                    else customer.id
                )
            for word in {word for words in self._names[customer.id] for word in words}:
                self._by_word[word].add(customer.id)
        self._account_lengths = {len(account) for account in self._by_account}

    def match(self, money: Money) -> list[Hit]:
        """The customers that this money fits well enough to hold a reminder, best
        first."""
        text = LineText(money.text)
        found: dict[int, _Found] = defaultdict(_Found)
        self._find_numbers(money, text, found)
        self._find_amounts(money, found)
        self._find_customer(money, text, found)
        hits = (
            self._judge(money, partner_id, facts) for partner_id, facts in found.items()
        )
        return sorted(
            (hit for hit in hits if hit and hit.score >= THRESHOLD),
            key=lambda hit: (-hit.score, hit.partner_id),
        )

    # -- what a line has in common with customers

    def _find_numbers(
        self, money: Money, text: LineText, found: Mapping[int, _Found]
    ) -> None:
        """Invoice numbers and payment references in the text. Spaces, separators and
        leading zeros do not matter."""
        seen = {
            item.id: item
            for tail in text.tails()
            for item in self._by_tail.get(tail, ())
        }
        for item in seen.values():
            found_labels = (
                (find_label(label, text), label.text)
                for label in self._get_labels(item)
            )
            part = max(
                (
                    Part(code, _NUMBER_POINTS[code], label)
                    for code, label in found_labels
                    if code
                ),
                key=lambda part: part.points,
                default=None,
            )
            if part:
                found[item.partner_id].numbers[item.id] = part

    def _get_labels(self, item: Item) -> list[Label]:
        """Made when a bank line asks for the item, not for all items in advance."""
        if item.id not in self._labels:
            self._labels[item.id] = [
                Label(text)
                for text in dict.fromkeys((item.number, item.reference))
                if squash(text)
            ]
        return self._labels[item.id]

    def _find_amounts(self, money: Money, found: Mapping[int, _Found]) -> None:
        same = [
            item
            for amount in money.amounts.items()
            for item in self._by_amount.get(amount, ())
        ]
        partners = {item.partner_id for item in same}
        for item in same:
            if (
                item.partner_id in found
                or len(partners) <= MAX_CANDIDATES
                or item.partner_id == money.partner_id
            ):
                found[item.partner_id].amount_items.add(item.id)
        if len(partners) == 1:
            found[partners.pop()].parts.append(Part("unique", AMOUNT_UNIQUE))

    def _find_customer(
        self, money: Money, text: LineText, found: Mapping[int, _Found]
    ) -> None:
        if money.partner_id in self.by_partner:
            found[money.partner_id].parts.append(
                Part("customer", SAME_CUSTOMER if money.is_booked else CUSTOMER)
            )
            return
        account = squash(money.account)
        owner = (
            self._by_account.get(account)
            if account
            else next(filter(None, self._accounts_in(text.squashed)), None)
        )
        if owner:
            found[owner].parts.append(Part("account", ACCOUNT, money.account))
            return
        if not money.partner_id:
            self._find_name(money, found)

    def _accounts_in(self, text: str) -> Iterable[int]:
        """Customers whose IBAN is in a text without separators, whatever follows it."""
        starts = [match.start() for match in re.finditer(r"[A-Z]{2}\d{2}", text)]
        return (
            self._by_account[text[at : at + length]]
            for at in starts
            for length in self._account_lengths
            if text[at : at + length] in self._by_account
        )

    def _find_name(self, money: Money, found: Mapping[int, _Found]) -> None:
        words = name_words(money.text)
        near = {
            partner_id
            for word in words
            if len(self._by_word.get(word, ())) <= MAX_CANDIDATES
            for partner_id in self._by_word.get(word, ())
        }
        whole = {
            partner_id
            for partner_id in near | set(found)
            if any(name <= words for name in self._names.get(partner_id, ()))
        }
        for partner_id in near | whole:
            if partner_id in whole:
                found[partner_id].parts.append(
                    Part("name", NAME if len(whole) == 1 else NAME_PART)
                )
            elif partner_id in found:
                found[partner_id].parts.append(Part("name_part", NAME_PART))

    # -- the verdict on one customer

    def _judge(self, money: Money, partner_id: int, facts: _Found) -> Hit | None:
        if money.is_booked and money.partner_id not in (None, partner_id):
            return None
        named = [
            item_id for item_id, part in facts.numbers.items() if part.code != TAIL
        ]
        items, amount = self._fit_amount(money, partner_id, facts, named)
        numbers = [
            facts.numbers[item_id] for item_id in items if item_id in facts.numbers
        ] or (list(facts.numbers.values()) if not items else [])
        parts = [
            part
            for part in facts.parts
            if part.code != "unique" or (amount and amount.code == "amount")
        ]
        if numbers:
            parts.insert(0, max(numbers, key=lambda part: part.points))
        if amount:
            parts.append(amount)
        elif named:
            items = tuple(named)
        if not named and not amount or money.is_booked and not (named or amount):
            return None
        exact = bool(amount) and amount.code in ("amount", "sum")
        moves = tuple(sorted({self.items[item_id].move_id for item_id in items}))
        return Hit(
            money.key, partner_id, tuple(sorted(items)), moves, tuple(parts), exact
        )

    def _fit_amount(
        self, money: Money, partner_id: int, facts: _Found, named: Sequence[int]
    ) -> tuple[tuple[int, ...], Part | None]:
        """The items that the amount pays: the named ones, a single one, a few together;
        else no particular one, if the customer owes that much."""
        for currency_id, amount in money.amounts.items():
            if named and _sum(self.items, named, currency_id) == amount:
                return tuple(named), Part(
                    "amount" if len(named) == 1 else "sum",
                    AMOUNT if len(named) == 1 else AMOUNT_SUM,
                )
        if facts.amount_items:
            chosen = next(
                (item_id for item_id in facts.amount_items if item_id in facts.numbers),
                min(facts.amount_items, key=self._age),
            )
            return (chosen,), Part("amount", AMOUNT)
        if not facts.parts and not named:
            return (), None
        for currency_id, amount in money.amounts.items():
            own = [
                item
                for item in self.by_partner[partner_id]
                if item.currency_id == currency_id
            ]
            combination = find_sum(own, amount)
            if combination:
                return tuple(item.id for item in combination), Part("sum", AMOUNT_SUM)
        if (
            not money.is_booked
            and not named
            and any(
                amount <= self._owed(partner_id, currency_id)
                for currency_id, amount in money.amounts.items()
            )
        ):
            return (), Part("within", AMOUNT_WITHIN)
        return (), None

    def _age(self, item_id: int) -> tuple[date, int]:
        return self.items[item_id].date_due or date.max, item_id

    def _owed(self, partner_id: int, currency_id: int) -> Decimal:
        return sum(
            (
                item.residual
                for item in self.by_partner[partner_id]
                if item.currency_id == currency_id
            ),
            Decimal(0),
        )


def is_registered(
    money: Money,
    hit: Hit,
    registered: Mapping[tuple[int, int, Decimal], Sequence[date]],
) -> bool:
    """Whether a bank line is the money of a payment that somebody registered by hand,
    as Community's users do, who cannot reconcile bank lines: then it says nothing about
    what is still open. An open invoice named in its text counts nevertheless.

    :param registered: days of payments that no bank line is matched with, by customer,
    currency and amount
    """
    if money.is_booked or any(part.code in (WHOLE, PARTLY) for part in hit.parts):
        return False
    days = [
        day
        for currency_id, amount in money.amounts.items()
        for day in registered.get((hit.partner_id, currency_id, amount), ())
    ]
    return any(
        money.day is None or abs((day - money.day).days) <= SAME_PAYMENT_DAYS
        for day in days
    )


def find_sum(items: Sequence[Item], amount: Decimal) -> list[Item] | None:
    """Two to ``MAX_PARTS`` of the oldest items that make exactly ``amount``; everything
    together counts, too. Bounded by ``MAX_STEPS``."""
    if len(items) > 1 and sum((item.residual for item in items), Decimal(0)) == amount:
        return list(items)
    pool = [item for item in items[:MAX_ITEMS] if 0 < item.residual < amount]
    steps = 0
    stack: list[tuple[int, Decimal, tuple[Item, ...]]] = [(0, amount, ())]
    while stack and steps < MAX_STEPS:
        start, left, chosen = stack.pop()
        for index in range(start, len(pool)):
            steps += 1
            item = pool[index]
            if item.residual == left and chosen:
                return [*chosen, item]
            if item.residual < left and len(chosen) + 1 < MAX_PARTS:
                stack.append((index + 1, left - item.residual, (*chosen, item)))
    return None


def _sum(
    items: Mapping[int, Item], item_ids: Iterable[int], currency_id: int
) -> Decimal | None:
    chosen = [items[item_id] for item_id in item_ids]
    return (
        sum((item.residual for item in chosen), Decimal(0))
        if all(item.currency_id == currency_id for item in chosen)
        else None
    )
