"""Both sides of a receivable account: which credits are free to be set against what is
asked for.

A credit that an open debit takes up is no credit. Such debits are all that no message
asks for: opening entries, refunds paid out, returned cheques. So what is asked never
exceeds the whole account in that currency. Pure; amounts are positive on both sides.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal


@dataclass(slots=True)
class OpenDebit:
    """Something owed that a message does not ask for."""

    id: int
    currency_id: int
    residual: Decimal


@dataclass(slots=True)
class OpenCredit:
    """A credit note, payment or other open credit of the customer, or what is free of
    it; amounts are positive. ``company_residual``: in the company's currency."""

    id: int
    currency_id: int
    residual: Decimal
    company_residual: Decimal


@dataclass(slots=True)
class Account:
    """What stands on a customer's account in one company, beside what is asked for.

    ``takers``: debits that no message asks for; ``overdue``: what other messages of the
    company may ask for.
    """

    credits: list[OpenCredit] = field(default_factory=list)
    takers: list[OpenDebit] = field(default_factory=list)
    overdue: list[OpenDebit] = field(default_factory=list)


def take_up(
    credits: list[OpenCredit], debits: Iterable[OpenDebit]
) -> tuple[list[OpenCredit], list[OpenDebit]]:
    """What is left of both when the debits take up the credits of their currency.

    A debit of exactly a credit's amount takes that one (a refund and its payment);
    else the first ones go first, so give them oldest first.
    """
    debits = list(debits)
    if not debits or not credits:
        return list(credits), debits
    free = {credit.id: credit.residual for credit in credits}
    wanted = []
    for debit in debits:
        exact = next(
            (
                credit
                for credit in credits
                if credit.currency_id == debit.currency_id
                and free[credit.id] == credit.residual == debit.residual
            ),
            None,
        )
        if exact:
            free[exact.id] = Decimal(0)
        else:
            wanted.append(debit)
    left = []
    for debit in wanted:
        rest = debit.residual
        for credit in credits:
            if rest and credit.currency_id == debit.currency_id:
                taken = min(rest, free[credit.id])
                free[credit.id] -= taken
                rest -= taken
        if rest:
            left.append(replace(debit, residual=rest))
    return [
        _reduce(credit, free[credit.id]) for credit in credits if free[credit.id]
    ], left


def get_free_credits(
    accounts: Mapping[int, Account], company_id: int, asked: Iterable[OpenDebit] = ()
) -> list[OpenCredit]:
    """The credits that the messages of a company may set off.

    :param accounts: the customer's accounts in the companies that are one legal entity
        (a company and its branches), by company id
    :param asked: what the messages ask for

    Within each company the takers come first, then its own overdue items. What a
    company does not need is first taken up by the debits of the others that nobody asks
    for, then shared out among those that owe more than they have, in the order of their
    ids (the head office before its branches). Each part of a credit stands in the
    messages of one company. ``chaser.worklist`` says the same in SQL.
    """
    if not any(account.credits for account in accounts.values()):
        return []
    if set(accounts) == {company_id}:
        account = accounts[company_id]
        return take_up(account.credits, account.takers)[0]
    accounts = {company_id: Account(), **accounts}
    used, spare, needs, hungry = {}, {}, {}, []
    for key in sorted(accounts):
        free, left = take_up(accounts[key].credits, accounts[key].takers)
        hungry += left
        wanted = [*accounts[key].overdue, *(asked if key == company_id else ())]
        spare[key], needs[key] = take_up(free, wanted)
        used[key] = _subtract(free, spare[key])
    for pool in (spare, used):
        for key in sorted(pool):
            pool[key], hungry = take_up(pool[key], hungry)
    for key in sorted(accounts):
        for other in sorted(accounts):
            if other != key:
                before = spare[other]
                spare[other], needs[key] = take_up(before, needs[key])
                used[key] = used[key] + _subtract(before, spare[other])
    return _add(used[company_id], spare[company_id])


def get_untaken(accounts: Mapping[int, Account]) -> list[OpenCredit]:
    """What of a customer's credits no debit takes up that nobody asks for: within each
    company first, then over the legal entity. ``accounts``: by company id."""
    free: dict[int, list[OpenCredit]] = {}
    hungry: list[OpenDebit] = []
    for key in sorted(accounts):
        free[key], left = take_up(accounts[key].credits, accounts[key].takers)
        hungry += left
    for key in sorted(free):
        free[key], hungry = take_up(free[key], hungry)
    return [credit for credits in free.values() for credit in credits]


def is_valued(
    accounts: Iterable[Account], currencies: Iterable[int], home: int
) -> bool:
    """Whether credits stand on these accounts, and anything in another currency than
    the company's: then what is asked for in a currency does not say whether anything is
    owed in the company's.

    :param currencies: ids of those of the items; ``home``: id of the company's
    """
    given = {credit.currency_id for one in accounts for credit in one.credits}
    return bool(given) and given.union(currencies) != {home}


def leave_for_others(
    credits: list[OpenCredit],
    items: Iterable[object],
    others: Iterable[OpenDebit],
) -> list[OpenCredit]:
    """Where credits would cover all that is asked for in a currency, or nothing is
    asked for in it, what is overdue beside it takes its share first.

    :param items: what is asked for (``currency_id``, ``residual``)
    :param others: overdue items that were not chosen
    """
    others = list(others)
    if not others or not credits:
        return credits
    asked: dict[int, Decimal] = {}
    for item in items:
        asked[item.currency_id] = asked.get(item.currency_id, 0) + item.residual
    given: dict[int, Decimal] = {}
    for credit in credits:
        given[credit.currency_id] = given.get(credit.currency_id, 0) + credit.residual
    covered = {
        key for key, sum_given in given.items() if sum_given >= asked.get(key, 0)
    }
    return take_up(credits, [one for one in others if one.currency_id in covered])[0]


def _reduce(credit: OpenCredit, free: Decimal) -> OpenCredit:
    if free == credit.residual:
        return credit
    return replace(
        credit,
        residual=free,
        company_residual=(credit.company_residual * free / credit.residual).quantize(
            Decimal("0.01")
        ),
    )


def _subtract(credits: list[OpenCredit], others: list[OpenCredit]) -> list[OpenCredit]:
    """The parts of credits that are not among the others."""
    left = {credit.id: credit.residual for credit in others}
    return [
        _reduce(credit, credit.residual - left.get(credit.id, 0))
        for credit in credits
        if credit.residual > left.get(credit.id, 0)
    ]


def _add(credits: list[OpenCredit], others: list[OpenCredit]) -> list[OpenCredit]:
    """Both, with the parts of one credit put together."""
    sums: dict[int, OpenCredit] = {}
    for credit in [*credits, *others]:
        known = sums.get(credit.id)
        sums[credit.id] = (
            replace(
                known,
                residual=known.residual + credit.residual,
                company_residual=known.company_residual + credit.company_residual,
            )
            if known
            else credit
        )
    return list(sums.values())
