"""What the overview is asked about: companies, months, customers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from .receivables import go_back

PERIODS = (3, 6, 12, 24)
DEFAULT_PERIOD = 6
# DSO counts back over months of sales before the first one that is shown.
COUNT_BACK_MONTHS = 12


@dataclass(frozen=True)
class Scope:
    """``today``: company id → its day; ``months``: how many are shown, the running one
    included; ``start``: the first moment of the first of them (naive UTC), ``tz``: in
    which time zone; ``user_id``, ``tag_id``: customers of this salesperson, with this
    tag."""

    today: Mapping[int, date]
    day: date
    start: datetime | None = None
    tz: str = "UTC"
    months: int = DEFAULT_PERIOD
    user_id: int | None = None
    tag_id: int | None = None

    @property
    def company_ids(self) -> list[int]:
        return list(self.today)

    @property
    def first_day(self) -> date:
        """The first day of the first month that is shown."""
        return go_back(self.day, self.months - 1)

    @property
    def first_known(self) -> date:
        """The first day of the first month whose sales are read."""
        return go_back(self.day, self.months - 1 + COUNT_BACK_MONTHS)


def parse_filters(filters: Mapping | None, allowed: list[int]) -> dict:
    """What a browser sends, made safe: the companies among those that are allowed, a
    period that exists, whole numbers. What is not understood counts as not asked."""
    filters = filters if isinstance(filters, Mapping) else {}
    company = _number(filters.get("company"))
    period = _number(filters.get("period"))
    return {
        "company_ids": [company] if company in allowed else allowed,
        "months": period if period in PERIODS else DEFAULT_PERIOD,
        "user_id": _number(filters.get("user")),
        "tag_id": _number(filters.get("tag")),
    }


def _number(value) -> int | None:
    if isinstance(value, bool):
        return None
    try:
        number = int(value)
    except (TypeError, ValueError):
        return None
    return number if 0 < number < 2**31 else None
