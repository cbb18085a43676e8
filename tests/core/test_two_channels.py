"""A level that goes by two channels: some days apart, or by the one that the customer
reacts to."""

from datetime import timedelta
from decimal import Decimal

import pytest
from core.plan.cadence import Ladder, LevelRule
from core.plan.gates import Skip
from core.plan.holdout import Holdout
from core.plan.netting import OpenCredit
from core.plan.planner import (
    Barrier,
    ItemFacts,
    PromiseEnd,
    Settings,
    get_next_day,
    plan_one,
    record_sent,
    settle_promises,
)
from core.plan.reach import Reach, Reaction
from core.plan.second import GRACE, LastMessage
from planning_world import AUTOMATIC, FIRM, TODAY, customer, item, sent

BOTH = LevelRule(
    1, 10, 1, 0, 0, "friendly", channels=("email", "sms"), pick="both", channel_days=3
)
NEXT = LevelRule(2, 20, 12, 7, 0, "firm", channels=("sms",))
REACTS = LevelRule(3, 10, 1, 0, channels=("email", "sms"), pick="reaction")
LADDER = Ladder((BOTH, NEXT))
GONE = Reach((), Skip("no_consent"))
HERE = {"email": Reach(("a@b.example",)), "sms": Reach(("+9715",))}


def ago(days):
    return TODAY - timedelta(days=days)


def first(days, number=1, overdue=8, channel="email", **values):
    """An item about which a message of the level ``BOTH`` went some days ago."""
    return item(
        number,
        overdue,
        history=(sent(BOTH, days),),
        last=LastMessage(ago(days), BOTH.id, channel),
        **values,
    )


def make(*items, days=3, **values):
    return customer(
        *items,
        **{
            "ladder": LADDER,
            "reach": HERE,
            "interval": 7,
            "last_contact": ago(days),
            "contacts": (ago(days),),
        }
        | values,
    )


def shape(messages):
    return [
        (
            sorted(one.id for one in message.items),
            message.route.channel,
            message.choice.code,
            message.skip.reason if message.skip else "",
        )
        for message in messages
    ]


SECOND = [([1], "sms", "level_second", "")]


@pytest.mark.parametrize("settings", [AUTOMATIC, Settings()], ids=["run", "person"])
def test_the_second_goes_on_its_day_inside_the_interval(settings):
    [message] = plan_one(make(first(3)), TODAY, settings)
    assert shape([message]) == SECOND
    assert message.level_id == BOTH.id and message.item_levels == {1: BOTH.id}
    assert message.choice.params == {
        "level": 1,
        "days": 8,
        "last": 1,
        "ago": 3,
        "date": ago(3).isoformat(),
    }
    # Words: why not by the first; and it never goes back to it.
    assert message.route.passed == (
        ("email", Skip("channel_first", {"date": ago(3).isoformat()})),
    )
    assert not message.route.rest


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        # not yet; too late, nobody is surprised by what was forgotten
        (make(first(2), days=2), "recent_contact"),
        (make(first(11), days=11), "level_wait"),
        # the second has gone already: it is the last about the item
        (make(first(3, channel="sms")), "recent_contact"),
        # the other channel does not reach
        (make(first(3), reach=HERE | {"sms": GONE}), "recent_contact"),
        # reacted, or tried already: the facts do not name the first any more
        (make(item(1, 8, history=(sent(BOTH, 3),))), "recent_contact"),
        # the customer's wish is one channel; a person has chosen one for all
        (make(first(3), channel="email"), "recent_contact"),
        (make(first(3), channel="sms"), "recent_contact"),
        # somebody has written to them since
        (make(first(3), last_contact=ago(1)), "recent_contact"),
        # everything that holds a reminder holds a second one
        (make(first(3), live=Skip("live_reminder")), "live_reminder"),
        (make(first(3), barriers=[Barrier(Skip("paused"))]), "paused"),
        (make(first(3), week_limit=1), "week_limit"),
        (make(first(3, barriers=(Barrier(Skip("promised")),))), "promised"),
        (
            make(first(3), credits=[OpenCredit(5, 1, 100, 100)]),
            "covered_by_credit",
        ),
    ],
)
def test_no_second(facts, reason):
    messages = plan_one(facts, TODAY, AUTOMATIC)
    assert [one.skip.reason for one in messages] == [reason]


@pytest.mark.parametrize(
    "settings", [Settings(channel="email"), Settings(fixed=BOTH)], ids=str
)
def test_a_persons_choice_has_no_second(settings):
    [message] = plan_one(make(first(3)), TODAY, settings)
    assert message.skip.reason == "recent_contact"


def test_the_week_has_room_for_both():
    [message] = plan_one(make(first(3), week_limit=2), TODAY, AUTOMATIC)
    assert not message.skip


def test_inside_the_interval_only_what_the_first_was_about():
    """A new invoice waits for the end of the interval; it is not lost silently."""
    facts = make(first(3), item(2, 4))
    assert sorted(shape(plan_one(facts, TODAY, AUTOMATIC))) == [
        *SECOND,
        ([2], "email", "level_first", "recent_contact"),
    ]


def test_a_credit_covers_what_is_not_in_the_second_too():
    """Credits are set off once: the blocked rest takes its part."""
    credit = OpenCredit(5, 1, 100, 100)
    facts = make(first(3), item(2, 4), credits=[credit])
    messages = plan_one(facts, TODAY, AUTOMATIC)
    assert sum(len(message.credits) for message in messages) <= 1


def test_a_stricter_level_comes_before_a_second():
    rule = LevelRule(
        1, 10, 1, 0, channels=("email", "sms"), pick="both", channel_days=9
    )
    facts = make(first(9, overdue=15), days=9, ladder=Ladder((rule, NEXT)))
    [message] = plan_one(facts, TODAY, AUTOMATIC)
    assert (message.level_id, message.choice.code) == (NEXT.id, "level_next")


def test_a_young_items_own_level_stays_its_own():
    """Its next level is due, but the interval is not over: the text is the first
    level's, and so is what is remembered."""
    facts = make(first(8, overdue=15), days=8, interval=30)
    facts.items[0].last = LastMessage(ago(8), BOTH.id, "email")
    [message] = plan_one(facts, TODAY, AUTOMATIC)
    assert message.level_id == BOTH.id and message.item_levels == {1: BOTH.id}


def test_one_message_per_invoice_one_second_each():
    facts = make(first(3, 1), first(3, 2), preference="disabled")
    assert shape(plan_one(facts, TODAY, AUTOMATIC)) == [
        ([1], "sms", "level_second", ""),
        ([2], "sms", "level_second", ""),
    ]


def test_it_is_no_part_of_the_hold_out():
    settings = Settings(automatic=True, holdout=Holdout("key", Decimal(10**9)))
    [message] = plan_one(make(first(3)), TODAY, settings)
    assert not message.skip and not message.arm


def test_days_go_by():
    """Each channel once, then the next level, never two on a day."""
    facts = make(item(1, 0), last_contact=None, contacts=())
    gone = []
    for number in range(60):
        day = TODAY + timedelta(days=number)
        messages = plan_one(facts, day, AUTOMATIC)
        going = [one for one in messages if not one.skip]
        assert len(going) <= 1
        for message in going:
            record_sent(facts, message, day)
            gone.append((number, message.level_id, message.route.channel))
    assert gone == [(1, 1, "email"), (4, 1, "sms"), (12, 2, "sms")]


def test_the_next_day_is_not_too_late():
    facts = make(first(1), days=1)
    messages = plan_one(facts, TODAY, AUTOMATIC)
    assert get_next_day(facts, messages, TODAY) <= TODAY + timedelta(days=2)
    late = make(first(3), reach=HERE | {"sms": GONE})
    assert get_next_day(late, plan_one(late, TODAY, AUTOMATIC), TODAY) <= (
        TODAY + timedelta(days=4)
    )
    assert GRACE == timedelta(days=7)


def test_a_promise_holds_it_and_its_breach_is_stricter():
    facts = make(
        first(3, barriers=(Barrier(Skip("promised"), TODAY),)),
        promises=(PromiseEnd(TODAY, frozenset({1})),),
    )
    assert plan_one(facts, TODAY, AUTOMATIC)[0].skip.reason == "promised"
    later = TODAY + timedelta(days=4)
    settle_promises(facts, later)
    [message] = plan_one(facts, later, AUTOMATIC)
    assert message.choice.code == "level_broken"


# -- the one that they react to


@pytest.mark.parametrize(
    ("values", "channel", "passed"),
    [
        ({}, "email", ()),
        ({"reacts": Reaction("email", ago(9))}, "email", ()),
        (
            {"reacts": Reaction("sms", ago(9))},
            "sms",
            (("email", Skip("channel_reacts", {"date": ago(9).isoformat()})),),
        ),
        # not by what does not reach, nor by what the level does not name
        (
            {"reacts": Reaction("sms", ago(9)), "reach": HERE | {"sms": GONE}},
            "email",
            (("sms", Skip("no_consent")),),
        ),
        ({"reacts": Reaction("post", ago(9))}, "email", ()),
        # the wish comes first
        ({"reacts": Reaction("sms", ago(9)), "channel": "email"}, "email", ()),
    ],
)
def test_the_channel_they_react_to(values, channel, passed):
    facts = customer(item(1), **{"ladder": Ladder((REACTS,)), "reach": HERE} | values)
    [message] = plan_one(facts, TODAY, AUTOMATIC)
    assert (message.route.channel, message.route.passed) == (channel, passed)
    if channel == "sms":
        assert message.route.rest == ("email",)


def test_other_levels_do_not_look_at_reactions():
    facts = customer(
        item(1, 20),
        ladder=Ladder((FIRM,)),
        reach={"email": Reach(("a@b.example",))},
        reacts=Reaction("sms", ago(1)),
    )
    assert plan_one(facts, TODAY, AUTOMATIC)[0].route.channel == "email"


def test_facts_without_a_last_message_cost_nothing():
    assert ItemFacts(1, 1, 1, 1, 1, TODAY).last is None
