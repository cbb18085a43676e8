"""Customers and ladders for the tests of planner and simulator."""

from datetime import date, timedelta
from decimal import Decimal

from core.plan.cadence import Ladder, LevelRule, Sent
from core.plan.gates import Skip
from core.plan.netting import OpenCredit
from core.plan.planner import Barrier, CustomerFacts, ItemFacts, PromiseEnd, Settings

TODAY = date(2026, 11, 21)
SOON = LevelRule(9, 5, -3, 0, 0, "friendly")
POLITE, FIRM, URGENT, FINAL = RULES = (
    LevelRule(1, 10, 1, 0, 0, "friendly"),
    LevelRule(2, 20, 15, 7, 0, "firm"),
    LevelRule(3, 30, 30, 7, 14, "urgent"),
    LevelRule(4, 40, 60, 10, 0, "final", True),
)
LADDER, WITH_NOTICE = Ladder(RULES), Ladder((SOON, *RULES))
AUTOMATIC = Settings(automatic=True)


def item(number, days=10, amount=100, history=(), **values):
    return ItemFacts(
        number,
        number,
        1,
        Decimal(amount),
        Decimal(amount),
        TODAY - timedelta(days=days),
        history=history,
        **values,
    )


def sent(rule, first, last=None):
    ago = [
        TODAY - timedelta(days=days)
        for days in (first, first if last is None else last)
    ]
    return Sent(rule.id, rule.tone, *ago)


def customer(*items, ladder=LADDER, **values):
    return CustomerFacts(7, ladder, list(items), **values)


def random_customer(chance, number, ladder):
    items = []
    for index in range(chance.randint(0, 4)):
        days, history = chance.randint(-40, 70), ()
        if days > 0 and chance.random() < 0.4:
            history = (sent(chance.choice(RULES[:3]), chance.randint(0, days)),)
        barriers = chance.choice(
            (
                (),
                (),
                (),
                (Barrier(Skip("disputed")),),
                (
                    Barrier(
                        Skip("promised"), TODAY + timedelta(days=chance.randint(0, 20))
                    ),
                ),
            )
        )
        broken = (
            TODAY - timedelta(days=chance.randint(0, 9))
            if chance.random() < 0.1
            else None
        )
        items.append(
            item(
                number * 10 + index,
                days,
                chance.randint(1, 900),
                history,
                barriers=barriers,
                broken=broken,
            )
        )
    promised = [one for one in items if one.barriers and one.barriers[0].until]
    ends = [
        PromiseEnd(one.barriers[0].until, frozenset([one.id]), chance.random() < 0.8)
        for one in promised
    ]
    return CustomerFacts(
        number, ladder, items, [OpenCredit(number * 10 + 9, 1, Decimal(60), Decimal(60))] if chance.random() < 0.2 else [],  # noqa: E501
        preference=chance.choice(("auto", "disabled", "enabled")), interval=chance.choice((0, 3, 7)),  # noqa: E501
        barriers=[Barrier(Skip("paused"), TODAY + timedelta(days=9))] if chance.random() < 0.1 else [],  # noqa: E501
        last_contact=TODAY - timedelta(days=chance.randint(0, 9)) if chance.random() < 0.3 else None, promises=tuple(ends),  # noqa: E501
    )  # fmt: skip
