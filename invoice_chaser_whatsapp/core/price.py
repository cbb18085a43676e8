"""What messages cost: the rate that holds on a day, the forecast, and how far what was
billed is from it.

Meta bills a delivered message by the recipient's market and the message's category.
Since October 2026 free-form answers are billed as well; rates change on the first day
of a quarter only ("Pricing on the WhatsApp Business Platform").
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

CATEGORIES = ("utility", "marketing", "authentication", "service")


@dataclass(frozen=True)
class Rate:
    """One line of a price list. ``countries``: ISO codes of the market; empty: all
    countries that no other line of the list names. ``amount`` in major units of
    ``currency`` for one message."""

    market: str
    countries: frozenset[str]
    category: str
    since: date
    currency: str
    amount: Decimal


@dataclass(frozen=True)
class Forecast:
    """``amounts`` per currency in major units; ``unpriced`` counts the messages for
    which the list has no rate, by country code ("" where the country is unknown)."""

    messages: int = 0
    amounts: Mapping[str, Decimal] = field(default_factory=dict)
    unpriced: Mapping[str, int] = field(default_factory=dict)


def choose_rate(
    rates: Iterable[Rate], country: str, category: str, day: date
) -> Rate | None:
    """The rate of a message: of the country's own market before the one for all others,
    the latest that holds on the day; None where the list says nothing.

    :param country: ISO 3166 code of the recipient's number; empty when unknown
    """
    held = [one for one in rates if one.category == category and one.since <= day]
    own = [one for one in held if country and country in one.countries]
    # A market that is named once is the country's, also before its first rate.
    named = any(country in one.countries for one in rates) if country else True
    others = [] if named else [one for one in held if not one.countries]
    return max(own or others, key=lambda one: one.since, default=None)


def make_forecast(
    messages: Iterable[tuple[str, str]], rates: Iterable[Rate], day: date
) -> Forecast:
    """What messages will cost if each of them is delivered.

    :param messages: (country code, category) of each
    """
    rates = tuple(rates)
    amounts: dict[str, Decimal] = {}
    unpriced: dict[str, int] = {}
    count = 0
    for country, category in messages:
        count += 1
        rate = choose_rate(rates, country, category, day)
        if rate is None:
            unpriced[country] = unpriced.get(country, 0) + 1
        else:
            amounts[rate.currency] = amounts.get(rate.currency, 0) + rate.amount
    return Forecast(count, amounts, unpriced)


def read_pricing(pricing: Mapping[str, object]) -> tuple[str, bool | None]:
    """(category, whether it is billed) as a status report tells. ``billable`` is being
    taken out by Meta; ``type`` says the same: only ``regular`` is billed. None: the
    report does not say.

    :param pricing: of a status report: ``billable``, ``type``, ``category``
    """
    category = str(pricing.get("category") or "").lower().replace("-", "_")
    kind = str(pricing.get("type") or "").lower()
    if kind:
        return category, kind == "regular"
    billable = pricing.get("billable")
    return category, billable if isinstance(billable, bool) else None
