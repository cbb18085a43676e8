"""Priority score 0-100 of a customer: whom to write to, and to call, first."""

import math
from dataclasses import dataclass

AMOUNT_MAX, AGE_MAX, RELATION_MAX = 50, 30, 20
# Trust as Odoo knows it: a bad debtor is looked at first.
_TRUST = {"good": 0, "normal": 10, "bad": 20}
_AGE_FULL_DAYS = 90


@dataclass(frozen=True)
class Priority:
    amount: int
    age: int
    relation: int

    @property
    def score(self) -> int:
        return self.amount + self.age + self.relation


def compute_priority(amount: float, reference: float, days_overdue: int, trust: str | None) -> Priority:
    """
    :param amount: the customer's overdue net in the company's currency (major units)
    :param reference: the largest such amount of the campaign; the amount part is logarithmic against it
    :param days_overdue: of the oldest item
    :param trust: ``good``, ``normal`` or ``bad`` (``res.partner.trust``)
    """
    part = 0
    if amount > 0 and reference > 0:
        part = round(AMOUNT_MAX * min(1.0, math.log1p(amount) / math.log1p(reference)))
    age = round(AGE_MAX * max(0, min(days_overdue, _AGE_FULL_DAYS)) / _AGE_FULL_DAYS)
    return Priority(part, age, _TRUST.get(trust or "normal", _TRUST["normal"]))
