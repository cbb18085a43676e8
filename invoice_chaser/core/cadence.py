"""Which level a customer gets today."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True)
class LevelRule:
    """``days_overdue``: from how many days after the due date (negative: before); ``min_days``: since the last level."""

    id: int
    sequence: int
    days_overdue: int
    min_days: int


def choose_level(
    levels: Sequence[LevelRule], days_overdue: int, last_level_id: int | None, last_sent: date | None, today: date
) -> LevelRule | None:
    """The level for a customer whose oldest item is ``days_overdue`` days late; None when no level applies yet.

    * The highest level whose days have come, at once: a late start does not send every missed level.
    * Never the last level to a customer who was not written to about these items.
    * A customer written to stays at his level until ``min_days`` of a higher one have passed, and never falls back.
    """
    ladder = sorted(levels, key=lambda level: level.sequence)
    reached = [level for level in ladder if level.days_overdue <= days_overdue]
    if not reached:
        return None
    target = reached[-1]
    last = next((level for level in ladder if level.id == last_level_id), None)
    if last is None:
        if target is ladder[-1] and len(ladder) > 1:
            return reached[-2] if len(reached) > 1 else None
        return target
    ready = [
        level for level in reached
        if level.sequence > last.sequence and not (last_sent and today < last_sent + timedelta(days=level.min_days))
    ]
    return ready[-1] if ready else last
