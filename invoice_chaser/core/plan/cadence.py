"""Which level an item, and a message about several items, gets on a day; and why, as a
code with its values."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from .reach import DEFAULT_CHANNEL

# From friendly to final; levels of different ladders are compared by their tone.
TONES = ("friendly", "firm", "urgent", "final")
_RANK = {tone: rank for rank, tone in enumerate(TONES)}
# How a level with two channels uses them: the first one that reaches; the one that the
# customer reacted to last; both, some days apart.
ORDER, REACTION, BOTH = "order", "reaction", "both"


@dataclass(frozen=True)
class LevelRule:
    """One level of a policy.

    ``days_overdue``: from how many days after the due date (negative: before it, and
    only until it); ``min_days``: since the level before it was first sent;
    ``repeat_days``: an automatic run sends it again after so many days (0: once);
    ``channels``: by which it goes, the first one that reaches the customer; ``pick``:
    how they are used, and ``channel_days``: how far both are apart.
    """

    id: int
    sequence: int
    days_overdue: int
    min_days: int
    repeat_days: int = 0
    tone: str = "friendly"
    requires_approval: bool = False
    channels: tuple[str, ...] = (DEFAULT_CHANNEL,)
    pick: str = ORDER
    channel_days: int = 0


@dataclass(frozen=True, slots=True)
class Sent:
    """A level that was sent about an item: first and last day (company's time zone)."""

    level_id: int
    tone: str
    first: date
    last: date


@dataclass(slots=True)
class Choice:
    """The level for a day and why: ``code`` and ``params`` fill a sentence of the
    addon's catalogue.

    ``is_news``: an automatic run would write, because the level is new for the item or
    its repetition is due. Shared: never changed.
    """

    level: LevelRule | None
    code: str
    params: dict = field(default_factory=dict)
    is_news: bool = False
    find_change: Callable[[], date | None] | None = None
    _change: date | None = None

    @property
    def changes_on(self) -> date | None:
        """The first later day on which the answer may be another one by itself; None:
        never. Calculated when asked for, and once: few ask."""
        if self.find_change:
            self._change, self.find_change = self.find_change(), None
        return self._change


class Ladder:
    """The rules of a policy, lowest first, and what they say about an item."""

    def __init__(self, rules: Iterable[LevelRule]):
        self.rules: tuple[LevelRule, ...] = tuple(
            sorted(rules, key=lambda rule: (rule.sequence, rule.id))
        )
        self.index = {rule.id: number for number, rule in enumerate(self.rules)}
        self.top = len(self.rules) - 1
        # The channels of all levels, in the order in which they are met.
        self.channels = tuple(
            dict.fromkeys(code for rule in self.rules for code in rule.channels)
        )
        self.picks = frozenset(rule.pick for rule in self.rules)
        self._fresh_day: date | None = None
        self._fresh: dict[int, Choice] = {}

    @property
    def first_day(self) -> int:
        """The lowest ``days_overdue``: from when an item can matter at all; 1 for an
        empty ladder."""
        return min((rule.days_overdue for rule in self.rules), default=1)

    def place(self, history: Sequence[Sent]) -> tuple[int, date | None, date | None]:
        """Where an item stands: index of its highest level (-1: none), since when, and
        the last day it was written about.

        A level of another policy (the customer's policy was changed) counts as the
        highest one that is not stricter in tone."""
        best, first, last = -1, None, None
        for sent in history:
            number = self.index.get(sent.level_id)
            if number is None:
                number = self._find_by_tone(sent.tone)
            if last is None or sent.last > last:
                last = sent.last
            if number > best or first is None:
                best, first = max(best, number), sent.first
            elif number == best and sent.first < first:
                first = sent.first
        return best, first, last

    def _find_by_tone(self, tone: str) -> int:
        rank = _RANK.get(tone, 0)
        return max(
            (
                number
                for number, rule in enumerate(self.rules)
                if _RANK.get(rule.tone, 0) <= rank
            ),
            default=-1,
        )

    def choose(
        self, days: int, history: Sequence[Sent], day: date, broken: date | None = None
    ) -> Choice:
        """The level of one item.

        * The highest level whose days have come, at once: a campaign that starts late
        does not send every missed level.
        * The last level is sent only after the one before it: nobody gets a final
        notice without warning.
        * An item stays at its level until ``min_days`` of a higher one have passed
          since the level was *first* sent, and never falls.
        * A promise broken since the last reminder (``broken``: its day) makes it one
        level stricter than it was.

        :param days: days after the due date (negative: before)
        """
        if not history and not broken:
            return self._choose_fresh(days, day)
        return self._choose(days, history, day, broken)

    def _choose_fresh(self, days: int, day: date) -> Choice:
        """Nothing was sent: the answer of a day depends on the age alone, and thousands
        of items share it."""
        if day != self._fresh_day:
            self._fresh_day, self._fresh = day, {}
        if days not in self._fresh:
            self._fresh[days] = self._choose(days, (), day, None)
        return self._fresh[days]

    def _choose(
        self, days: int, history: Sequence[Sent], day: date, broken: date | None
    ) -> Choice:
        place, first, last = self.place(history)
        chosen, code = (
            self._choose_first(days)
            if last is None
            else self._choose_next(days, place, first, day)
        )
        if (
            broken
            and last is not None
            and broken >= last
            and place < self.top
            and chosen <= place + 1
        ):
            chosen, code = place + 1, "level_broken"
        elif broken and last is None and 0 <= chosen < self.top - 1:
            chosen, code = chosen + 1, "level_broken"
        rule = self.rules[chosen] if chosen >= 0 else None
        is_news = rule is not None and (last is None or chosen > place)
        if (
            rule
            and not is_news
            and rule.repeat_days
            and day >= last + timedelta(days=rule.repeat_days)
        ):
            is_news, code = True, "level_repeat"
        params = {"level": rule.id if rule else False, "days": days}
        if last is not None:
            params |= {
                "last": self.rules[place].id if place >= 0 else history[-1].level_id,
                "ago": (day - last).days,
            }
        if code == "level_broken":
            params["date"] = broken.isoformat()
        return Choice(
            rule,
            code,
            params,
            is_news,
            lambda: self._find_change(days, place, first, last, day),
        )

    def _choose_first(self, days: int) -> tuple[int, str]:
        reached = [
            number for number, rule in enumerate(self.rules) if _applies(rule, days)
        ]
        if not reached:
            return -1, "level_none"
        if reached[-1] == self.top and self.top > 0:
            return (
                (reached[-2], "level_first_not_last")
                if len(reached) > 1
                else (-1, "level_none")
            )
        return reached[-1], "level_before_due" if days <= 0 else "level_first"

    def _choose_next(
        self, days: int, place: int, first: date, day: date
    ) -> tuple[int, str]:
        highest = self.top if place >= self.top - 1 else self.top - 1
        for number in range(highest, place, -1):
            rule = self.rules[number]
            if _applies(rule, days) and day >= first + timedelta(days=rule.min_days):
                return number, "level_next"
        if place < 0 or not _applies(self.rules[place], days, once=True):
            return -1, "level_none"
        return place, "level_stays"

    def _find_change(
        self, days: int, place: int, first: date | None, last: date | None, day: date
    ) -> date | None:
        coming = [rule.days_overdue - days for rule in self.rules[max(place, 0) :]]
        if last is not None:
            since = (day - first).days
            coming += [rule.min_days - since for rule in self.rules[place + 1 :]]
            if place >= 0 and self.rules[place].repeat_days:
                coming.append(self.rules[place].repeat_days - (day - last).days)
        ahead = [number for number in coming if number > 0]
        return day + timedelta(days=min(ahead)) if ahead else None


def _applies(rule: LevelRule, days: int, once: bool = False) -> bool:
    """Whether the days of a level have come (``once``: had come before). A notice
    before the due date is no reminder: it ends with it."""
    if rule.days_overdue < 0 < days:
        return False
    return once or rule.days_overdue <= days


def lead(ladder: Ladder, choices: Sequence[Choice]) -> Choice:
    """The choice for one message about several items: the highest level counts; among
    equal ones news first, then the oldest item.

    What leads may have been said before; the message is news as soon as one of its
    items is.
    """
    if len(choices) == 1:
        return choices[0]
    top = max(
        choices,
        key=lambda one: (_get_index(ladder, one), one.is_news, one.params["days"]),
    )
    fresh = sum(one.is_news for one in choices)

    def find_change():
        return min(
            (moment for moment in (one.changes_on for one in choices) if moment),
            default=None,
        )

    if fresh and not top.is_news:
        return Choice(
            top.level, "level_joined", top.params | {"count": fresh}, True, find_change
        )
    return Choice(top.level, top.code, top.params, top.is_news, find_change)


def _get_index(ladder: Ladder, choice: Choice) -> int:
    return ladder.index[choice.level.id] if choice.level else -1
