"""Levels: the table of cases, and what must hold whatever comes."""

import random
from datetime import date, timedelta

import pytest
from core.plan.cadence import Choice, Ladder, LevelRule, Sent, lead

TODAY = date(2026, 11, 21)
POLITE, FIRM, URGENT, FINAL = RULES = (
    LevelRule(1, 10, 1, 0, 0, "friendly"),
    LevelRule(2, 20, 10, 7, 0, "firm"),
    LevelRule(3, 30, 25, 10, 14, "urgent"),
    LevelRule(4, 40, 45, 14, 0, "final"),
)
SOON = LevelRule(9, 5, -3, 0, 0, "friendly")
LADDER = Ladder(RULES)


def days_ago(days):
    return TODAY - timedelta(days=days)


def sent(rule, first, last=None):
    """``rule`` was sent ``first`` days ago for the first and ``last`` days ago for the
    last time."""
    return Sent(
        rule.id, rule.tone, days_ago(first), days_ago(first if last is None else last)
    )


CASES = {
    # what: (days overdue, history, broken promise, level, code, would an automatic run
    # write)
    "not overdue": (0, (), None, None, "level_none", False),
    "first day": (1, (), None, POLITE, "level_first", True),
    "still the first": (9, (), None, POLITE, "level_first", True),
    "ten days, never written to": (10, (), None, FIRM, "level_first", True),
    "late start: at once, not through every missed level": (30, (), None, URGENT, "level_first", True),  # noqa: E501
    "late start: never final out of the blue": (45, (), None, URGENT, "level_first_not_last", True),  # noqa: E501
    "very late start": (400, (), None, URGENT, "level_first_not_last", True),
    "same level, next one not old enough": (5, (sent(POLITE, 4),), None, POLITE, "level_stays", False),  # noqa: E501
    "next level": (12, (sent(POLITE, 7),), None, FIRM, "level_next", True),
    "next level, too soon after the last": (12, (sent(POLITE, 6),), None, POLITE, "level_stays", False),  # noqa: E501
    "urgent wants ten days, firm only seven": (30, (sent(POLITE, 8),), None, FIRM, "level_next", True),  # noqa: E501
    "urgent directly after polite": (30, (sent(POLITE, 10),), None, URGENT, "level_next", True),  # noqa: E501
    "gap: polite half a year ago, then nothing": (220, (sent(POLITE, 200),), None, URGENT, "level_next", True),  # noqa: E501
    "gap: firm half a year ago": (220, (sent(FIRM, 200),), None, URGENT, "level_next", True),  # noqa: E501
    "final follows urgent": (50, (sent(URGENT, 14),), None, FINAL, "level_next", True),
    "final not before its days": (50, (sent(URGENT, 13),), None, URGENT, "level_stays", False),  # noqa: E501
    "counted from the first, not from the repetition": (50, (sent(URGENT, 14, 2),), None, FINAL, "level_next", True),  # noqa: E501
    "repetition is due": (42, (sent(URGENT, 16, 14),), None, URGENT, "level_repeat", True),  # noqa: E501
    "repetition is not due": (42, (sent(URGENT, 16, 13),), None, URGENT, "level_stays", False),  # noqa: E501
    "after the last one a person takes over": (400, (sent(FINAL, 100),), None, FINAL, "level_stays", False),  # noqa: E501
    "never falls back when the due date is moved": (5, (sent(URGENT, 3),), None, URGENT, "level_stays", False),  # noqa: E501
    "several in the past": (30, (sent(POLITE, 29), sent(FIRM, 15)), None, URGENT, "level_next", True),  # noqa: E501
    "changed policy: the level of another ladder counts by its tone": (
        50, (Sent(77, "urgent", days_ago(20), days_ago(20)),), None, FINAL, "level_next", True),  # noqa: E501
    "changed policy, milder": (50, (Sent(77, "friendly", days_ago(20), days_ago(20)),), None, URGENT, "level_next", True),  # noqa: E501
    "changed policy, just written to": (50, (Sent(77, "firm", days_ago(1), days_ago(1)),), None, FIRM, "level_stays", False),  # noqa: E501
    "broken promise: one harder than it was": (12, (sent(POLITE, 3),), 1, FIRM, "level_broken", True),  # noqa: E501
    "broken promise: final after urgent": (30, (sent(URGENT, 3),), 1, FINAL, "level_broken", True),  # noqa: E501
    "broken promise: once, not after each reminder": (12, (sent(POLITE, 9), sent(FIRM, 1)), 4, FIRM, "level_stays", False),  # noqa: E501
    "broken promise: age says more": (30, (sent(POLITE, 10),), 1, URGENT, "level_next", True),  # noqa: E501
    "broken promise, never written to": (12, (), 1, URGENT, "level_broken", True),
    "broken promise, never written to: no final": (30, (), 1, URGENT, "level_first", True),  # noqa: E501
    "broken promise at the top": (90, (sent(FINAL, 5),), 1, FINAL, "level_stays", False),  # noqa: E501
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_case(name):
    days, history, broken, level, code, is_news = CASES[name]
    for rules in (RULES, RULES[::-1]):
        choice = Ladder(rules).choose(
            days, history, TODAY, days_ago(broken) if broken else None
        )
        assert (choice.level, choice.code, choice.is_news) == (level, code, is_news)
    assert choice.params["days"] == days
    assert choice.params["level"] == (level.id if level else False)
    if history:
        assert choice.params["ago"] == min((TODAY - one.last).days for one in history)


@pytest.mark.parametrize(
    ("days", "history", "level", "code"),
    [
        (-4, (), None, "level_none"),
        (-3, (), SOON, "level_before_due"),
        (0, (), SOON, "level_before_due"),
        (1, (), POLITE, "level_first"),
        (-1, (sent(SOON, 2),), SOON, "level_stays"),
        (1, (sent(SOON, 4),), POLITE, "level_next"),
        (60, (sent(SOON, 63),), URGENT, "level_next"),
    ],
)
def test_before_the_due_date(days, history, level, code):
    choice = Ladder((SOON, *RULES)).choose(days, history, TODAY)
    assert (choice.level, choice.code) == (level, code)


def test_a_notice_ends_with_the_due_date():
    ladder = Ladder((SOON, FIRM))
    assert ladder.choose(2, (), TODAY).level is None
    assert ladder.choose(2, (sent(SOON, 4),), TODAY).level is None
    assert ladder.choose(10, (sent(SOON, 12),), TODAY).level is FIRM
    assert (ladder.first_day, LADDER.first_day, Ladder(()).first_day) == (-3, 1, 1)


@pytest.mark.parametrize(
    ("rules", "days", "expected"),
    [
        ((), 10, None),
        ((FINAL,), 50, FINAL),
        ((POLITE, FINAL), 50, POLITE),
        ((LevelRule(1, 10, 30, 0), LevelRule(2, 20, 5, 0)), 10, None),
        ((LevelRule(1, 10, 0, 0), FIRM), 5, LevelRule(1, 10, 0, 0)),
    ],
)
def test_other_ladders(rules, days, expected):
    assert Ladder(rules).choose(days, (), TODAY).level == expected


def test_one_message_gets_the_highest_level_and_says_so():
    old = LADDER.choose(40, (sent(URGENT, 3),), TODAY)
    new = LADDER.choose(2, (), TODAY)
    together = lead(LADDER, [new, old])
    assert (
        together.level,
        together.code,
        together.is_news,
        together.params["count"],
    ) == (URGENT, "level_joined", True, 1)
    assert lead(LADDER, [old]).code == "level_stays"
    assert not lead(LADDER, [old, LADDER.choose(3, (sent(POLITE, 1),), TODAY)]).is_news
    two = lead(LADDER, [LADDER.choose(26, (), TODAY), LADDER.choose(33, (), TODAY)])
    assert two.params["days"] == 33, "the oldest of equals explains"
    assert lead(LADDER, [LADDER.choose(0, (), TODAY)]).level is None


def test_two_items_at_one_level_where_one_is_new_to_it():
    again, fresh = (
        LADDER.choose(30, (sent(URGENT, 3),), TODAY),
        LADDER.choose(27, (sent(POLITE, 20),), TODAY),
    )
    assert (
        lead(LADDER, [again, fresh]).code,
        lead(LADDER, [again, fresh]).params["days"],
    ) == ("level_next", 27)


def test_changes_on():
    assert LADDER.choose(0, (), TODAY).changes_on == TODAY + timedelta(days=1)
    assert LADDER.choose(2, (sent(POLITE, 1),), TODAY).changes_on == TODAY + timedelta(
        days=6
    )
    assert LADDER.choose(400, (sent(FINAL, 1),), TODAY).changes_on is None


@pytest.mark.parametrize("seed", range(30))
def test_nothing_changes_before_changes_on(seed):
    """The simulator skips to that day; if it were too late, it would miss a
    reminder."""
    chance = random.Random(seed)
    for _number in range(60):
        rules = [
            LevelRule(
                number,
                number,
                chance.randint(-5, 40),
                chance.randint(0, 15),
                chance.choice((0, 0, 5, 20)),
                chance.choice(("friendly", "firm")),
            )
            for number in range(1, chance.randint(2, 6))
        ]
        ladder = Ladder(rules)
        days = chance.randint(-10, 50)
        history = tuple(
            sent(chance.choice(rules), first, chance.randint(0, first))
            for first in chance.choices(range(30), k=chance.choice((0, 1, 2)))
        )
        if len({one.level_id for one in history}) < len(history):
            continue
        now = ladder.choose(days, history, TODAY)
        for later in range(1, 80):
            day = TODAY + timedelta(days=later)
            if (now.changes_on and day >= now.changes_on) or (days <= 0 < days + later):
                break
            then = ladder.choose(days + later, history, day)
            assert (then.level, then.is_news) == (now.level, now.is_news), (
                rules,
                days,
                history,
                later,
            )


@pytest.mark.parametrize("every", [1, 3, 7, 14, 30])
def test_a_year_of_chasing_climbs_every_step_and_never_falls(every):
    history, levels = (), []
    for number in range(0, 365, every):
        day = TODAY + timedelta(days=number)
        choice = LADDER.choose(number, history, day)
        if not choice.level:
            continue
        if choice.level not in levels:
            levels.append(choice.level)
            history += (Sent(choice.level.id, choice.level.tone, day, day),)
    assert levels == sorted(levels, key=lambda one: one.sequence)
    assert levels[-1] is FINAL
    assert URGENT in levels


def test_choices_are_not_shared():
    assert Choice(None, "x").params is not Choice(None, "x").params
