"""Both sides of the account: which credits are free."""

import random
from decimal import Decimal

import pytest
from core.plan.netting import (
    Account,
    OpenCredit,
    OpenDebit,
    get_free_credits,
    get_untaken,
    is_valued,
    leave_for_others,
    take_up,
)

AED, USD = 1, 2


def credit(number, amount, currency=AED):
    return OpenCredit(number, currency, Decimal(amount), Decimal(amount))


def debit(number, amount, currency=AED):
    return OpenDebit(number, currency, Decimal(amount))


def sums(rows):
    return [(one.id, one.residual) for one in rows]


@pytest.mark.parametrize(
    ("credits", "debits", "free", "left"),
    [
        # An opening entry: more debit than credit.
        ([credit(1, 3000)], [debit(2, 5000)], [], [(2, 2000)]),
        # +500/-400
        ([credit(1, 400)], [debit(2, 500)], [], [(2, 100)]),
        # A credit note that was paid out.
        ([credit(1, 300)], [debit(2, 300)], [], []),
        # More credit than debit: the rest is free.
        ([credit(1, 500)], [debit(2, 300)], [(1, 200)], []),
        # The refund takes the credit note of its amount, not the older payment.
        ([credit(1, 200), credit(2, 300)], [debit(3, 300)], [(1, 200)], []),
        # Else the oldest first.
        ([credit(1, 200), credit(2, 300)], [debit(3, 250)], [(2, 250)], []),
        # Currencies are apart.
        ([credit(1, 200, USD)], [debit(2, 200)], [(1, 200)], [(2, 200)]),
    ],
)
def test_take_up(credits, debits, free, left):
    found = take_up(credits, debits)
    assert (sums(found[0]), sums(found[1])) == (free, left)


def test_what_is_left_in_company_currency():
    [free] = take_up(
        [OpenCredit(1, USD, Decimal(100), Decimal("367.25"))], [debit(2, 40, USD)]
    )[0]
    assert (free.residual, free.company_residual) == (60, Decimal("220.35"))


def test_one_of_two_overdue():
    """1,500 of credit, 1,000 asked for, 1,000 overdue beside it: 500 is owed."""
    assert sums(
        leave_for_others([credit(1, 1500)], [debit(2, 1000)], [debit(3, 1000)])
    ) == [(1, 500)]
    # What does not cover everything is shown whole.
    assert sums(
        leave_for_others([credit(1, 900)], [debit(2, 1000)], [debit(3, 1000)])
    ) == [(1, 900)]


def test_a_currency_that_is_not_asked_for():
    """USD is asked for; of the AED credit, what is overdue in AED takes its share."""
    assert sums(
        leave_for_others([credit(1, 200)], [debit(2, 1000, USD)], [debit(3, 50)])
    ) == [(1, 150)]


def test_untaken():
    """A debit that nobody asks for takes its own company's credits first."""
    accounts = {
        1: Account([credit(1, 500)], [debit(2, 100)]),
        2: Account([credit(3, 50)], [debit(4, 250)]),
    }
    assert sums(get_untaken(accounts)) == [(1, 200)]
    assert get_untaken({1: Account()}) == []


def test_is_valued():
    """Only credits beside something in another currency than the company's make its
    currency a question."""
    both = [Account([credit(1, 10)]), Account([credit(2, 10, USD)])]
    assert is_valued(both, [], AED)
    assert is_valued(both[:1], [AED, USD], AED)
    assert is_valued(both[1:], [USD], AED)
    assert not is_valued(both[:1], [AED], AED)
    assert not is_valued([Account([], [debit(1, 10)])], [AED, USD], AED)


def test_legal_entity():
    """Head office 1 and branch 2: money in the one is set off in the other."""
    accounts = {1: Account([credit(1, 1000)]), 2: Account()}
    assert sums(get_free_credits(accounts, 2, [debit(9, 1000)])) == [(1, 1000)]
    # The head office needs it itself; the rest is the branch's.
    accounts[1].overdue.append(debit(2, 700))
    assert sums(get_free_credits(accounts, 2, [debit(9, 1000)])) == [(1, 300)]
    # Asked from the head office: only its own.
    assert sums(
        get_free_credits({1: Account([credit(1, 1000)])}, 1, [debit(2, 700)])
    ) == [(1, 1000)]
    # A debit of the branch takes up the credit of the head office.
    accounts = {1: Account([credit(1, 300)]), 2: Account(takers=[debit(3, 300)])}
    assert get_free_credits(accounts, 1, [debit(9, 1000)]) == []


@pytest.mark.parametrize("seed", range(200))
def test_no_more_is_asked_than_the_account_holds(seed):
    """Over the companies of an entity together, and in each currency: asked = what is
    overdue less what is free, and never more than the account."""
    chance = random.Random(seed)

    def some(make, start):
        return [
            make(
                start + index,
                chance.choice((50, 100, 100, 300)),
                chance.choice((AED, USD)),
            )
            for index in range(chance.randint(0, 3))
        ]

    companies = range(1, chance.randint(1, 3) + 1)
    asked = {key: some(debit, key * 100 + 50) for key in companies}
    books = {
        key: Account(some(credit, key * 100), some(debit, key * 100 + 20))
        for key in companies
    }
    for currency in (AED, USD):
        total, shown = Decimal(0), []
        for key in companies:
            accounts = {
                other: Account(
                    books[other].credits,
                    books[other].takers,
                    asked[other] if other != key else [],
                )
                for other in companies
            }
            free = [
                one
                for one in get_free_credits(accounts, key, asked[key])
                if one.currency_id == currency
            ]
            owed = _sum(asked[key], currency)
            if owed > _sum(free, currency):
                total += owed - _sum(free, currency)
                shown += [(one.id, one.residual) for one in free]
        account = sum(
            _sum(asked[key] + books[key].takers, currency)
            - _sum(books[key].credits, currency)
            for key in companies
        )
        overdue = sum(_sum(asked[key], currency) for key in companies)
        takers = sum(_sum(books[key].takers, currency) for key in companies)
        credits = sum(_sum(books[key].credits, currency) for key in companies)
        assert total <= max(account, 0)
        assert total == max(0, overdue - max(0, credits - takers))
        # No part of a credit stands in two messages.
        for key in companies:
            for one in books[key].credits:
                assert (
                    sum(part for number, part in shown if number == one.id)
                    <= one.residual
                )


def _sum(rows, currency):
    return sum(
        (one.residual for one in rows if one.currency_id == currency), Decimal(0)
    )
