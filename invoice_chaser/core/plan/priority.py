"""Priority score 0-100 of a customer: whom to write to, and to call, first.

`compute_priority` and the worklist's SQL (`chaser.worklist`) are the same formula;
`TestWorklist.test_score_is_the_planners` compares them.
"""

import math
from dataclasses import dataclass

AMOUNT_MAX, AGE_MAX, RELATION_MAX = 50, 30, 20
TRUST_MAX, PROMISE_MAX, ANSWER_MAX = 10, 5, 5
# Trust as Odoo's partners have it: customers of low trust come first.
TRUST_PARTS = {"good": 0, "normal": 5, "bad": TRUST_MAX}
# Without a history, neither good nor bad.
PROMISE_UNKNOWN = ANSWER_UNKNOWN = 2
AGE_FULL_DAYS = 90
# A customer who owes so much of all receivables gets the whole amount part.
AMOUNT_FULL_SHARE = 0.1


@dataclass(frozen=True)
class Record:
    """What we know of a customer's behaviour: promises that ended, and how many were
    kept; reminders sent in the last year, and how many of them were answered (a reply,
    or an answer on the page)."""

    promises: int = 0
    promises_kept: int = 0
    reminders: int = 0
    reminders_answered: int = 0


@dataclass(frozen=True)
class Priority:
    amount: int
    age: int
    trust: int
    promises: int
    answers: int

    @property
    def relation(self) -> int:
        return self.trust + self.promises + self.answers

    @property
    def score(self) -> int:
        return self.amount + self.age + self.relation


def compute_priority(
    amount: float,
    receivables: float,
    days_overdue: int,
    trust: str | None,
    record: Record | None = None,
) -> Priority:
    """The score of a customer, with its parts.

    :param amount: the customer's overdue net in the company's currency (major units)
    :param receivables: all open receivables of the company, in the same currency; the
    amount part grows with the square root of the customer's share and is full from a
    tenth
    :param days_overdue: of the oldest item; the age part is full from 90 days
    :param trust: ``good``, ``normal`` or ``bad`` (``res.partner.trust``)
    :param record: promises and answers so far; broken promises and silence raise the
    score
    """
    record = record or Record()
    share = amount / receivables if amount > 0 and receivables > 0 else 0.0
    return Priority(
        _round(AMOUNT_MAX * min(1.0, math.sqrt(share / AMOUNT_FULL_SHARE))),
        _round(AGE_MAX * max(0, min(days_overdue, AGE_FULL_DAYS)) / AGE_FULL_DAYS),
        TRUST_PARTS.get(trust or "normal", TRUST_PARTS["normal"]),
        _missed(record.promises, record.promises_kept, PROMISE_MAX, PROMISE_UNKNOWN),
        _missed(
            record.reminders, record.reminders_answered, ANSWER_MAX, ANSWER_UNKNOWN
        ),
    )


def _missed(count: int, good: int, most: int, unknown: int) -> int:
    return _round(most * (count - min(good, count)) / count) if count > 0 else unknown


def _round(value: float) -> int:
    """Half up, as PostgreSQL's ``floor(x + 0.5)``; Python's own rounds half to even."""
    return math.floor(value + 0.5)
