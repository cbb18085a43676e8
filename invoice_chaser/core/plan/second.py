"""Levels that go by two channels, some days apart: which message is the second one, and
when. It is planned from what was sent, as a repetition is: nothing waits in a queue
meanwhile, so that whatever the customer does, or a person decides, counts at once."""

from dataclasses import dataclass
from datetime import date, timedelta

from .cadence import BOTH, Ladder, LevelRule

# So long after its day a second message may still go. Later it comes as a surprise:
# after a daily run that was off for weeks, or a level that has just got two channels.
GRACE = timedelta(days=7)
# So many days may lie between the two, at most.
LATEST = 60


@dataclass(frozen=True, slots=True)
class LastMessage:
    """The last message about an item: its day (company's time zone), level, channel."""

    day: date
    level_id: int
    channel: str


@dataclass(frozen=True, slots=True)
class Second:
    """The second message of a level about an item: the first one went on ``first`` by
    the level's first channel; it is due from ``due`` up to and including ``end``."""

    rule: LevelRule
    first: date

    @property
    def due(self) -> date:
        return self.first + timedelta(days=self.rule.channel_days)

    @property
    def end(self) -> date:
        return self.due + GRACE

    @property
    def channels(self) -> tuple[str, ...]:
        return self.rule.channels[1:]


def get_second(last: LastMessage | None, ladder: Ladder) -> Second | None:
    """What is to follow the last message about an item. Nothing, where that went by
    another channel than the level's first: then it was the second itself, or the first
    one did not reach."""
    number = ladder.index.get(last.level_id) if last else None
    if number is None:
        return None
    rule = ladder.rules[number]
    if rule.pick != BOTH or last.channel != rule.channels[0] or not rule.channels[1:]:
        return None
    return Second(rule, last.day)
