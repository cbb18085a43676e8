"""What every customer gets on a day, from facts that were read once. The daily run, the
preview and the simulator all ask here."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal

from .cadence import REACTION, Choice, Ladder, LevelRule, Sent, lead
from .gates import Skip
from .holdout import LATER, Holdout, get_end
from .netting import OpenCredit, OpenDebit
from .planning import Customer, Message, OpenItem, plan_customer
from .priority import Record
from .reach import DEFAULT_CHANNEL, Reach, Reaction, choose_route, order_channels
from .second import LastMessage, Second, get_second

# These customers are only not due yet. An automatic run does not record each of them.
WAITING = (
    "recent_contact",
    "week_limit",
    "live_reminder",
    "level_wait",
    "below_first_level",
    "holdout_wait",
)
_DAY, _WEEK = timedelta(days=1), timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Barrier:
    """Why a customer or an item must not be chased, up to and including the day
    ``until`` (None: until somebody lifts it)."""

    stop: Skip
    until: date | None = None

    @classmethod
    def of(cls, stop: Skip) -> "Barrier":
        """A stop that says in its ``date`` how long it holds, if it ends by itself."""
        last = stop.params.get("date")
        return cls(stop, date.fromisoformat(last) if last else None)

    def holds(self, day: date) -> bool:
        return self.until is None or day <= self.until


@dataclass(slots=True)
class ItemFacts:
    """An open item. ``history``: what was sent about it; ``broken``: the day on which a
    promise that covered it was found broken, while nothing was sent about it since;
    ``last``: the last message about it, while a second one may follow (nobody has
    reacted, and it was not tried yet)."""

    id: int
    move_id: int
    currency_id: int
    residual: Decimal
    company_residual: Decimal
    date_due: date
    barriers: tuple[Barrier, ...] = ()
    history: tuple[Sent, ...] = ()
    broken: date | None = None
    site: int = 0
    last: LastMessage | None = None


@dataclass(frozen=True, slots=True)
class PromiseEnd:
    """What becomes of an open promise when its last day (``last``) passes and nothing
    is paid; ``is_broken``: else it is kept in part."""

    last: date
    item_ids: frozenset[int]
    is_broken: bool = True


@dataclass(slots=True)
class CustomerFacts:
    """A commercial partner in one company, as known on the day of reading.

    ``live``: a reminder that is on its way; ``last_contact`` and ``interval`` (days)
    keep reminders apart; ``contacts``: the days of the messages of the last week, by
    whatever channel, of which there may be ``week_limit`` (0: any number);
    ``promises``: the open ones, for days to come only;
    ``channel``: the one that the customer wishes; ``reach``: how each channel that may
    be needed reaches them; ``reacts``: which one they reacted to last;
    ``others``: overdue items that were not chosen;
    ``waits_since``: since when the reminder that is due waits to be measured.
    """

    partner_id: int
    ladder: Ladder
    items: list[ItemFacts] = field(default_factory=list)
    credits: list[OpenCredit] = field(default_factory=list)
    preference: str = "auto"
    max_amount: Decimal = Decimal(0)
    barriers: list[Barrier] = field(default_factory=list)
    live: Skip | None = None
    last_contact: date | None = None
    interval: int = 0
    contacts: tuple[date, ...] = ()
    week_limit: int = 0
    trust: str = "normal"
    record: Record | None = None
    promises: tuple[PromiseEnd, ...] = ()
    channel: str | None = None
    reach: dict[str, Reach] = field(default_factory=lambda: {DEFAULT_CHANNEL: Reach()})
    reacts: Reaction | None = None
    others: list[OpenDebit] = field(default_factory=list)
    waits_since: date | None = None


@dataclass(frozen=True)
class Settings:
    """``minimum``: smallest net per customer, company currency; ``min_invoices``: from
    how many items ``auto`` consolidates.

    ``automatic``: no user has asked for these reminders, so only what is new is sent;
    ``fixed``: one level for all, and ``channel``: one channel for all, chosen by a
    person."""

    minimum: Decimal = Decimal(0)
    min_invoices: int = 2
    automatic: bool = False
    fixed: LevelRule | None = None
    channel: str | None = None
    holdout: Holdout | None = None


def plan_day(
    customers: Iterable[CustomerFacts], day: date, settings: Settings
) -> list[Message]:
    """The messages of a day, those that must not go included, each with its reason."""
    return [
        message
        for customer in customers
        for message in plan_one(customer, day, settings)
    ]


def plan_one(customer: CustomerFacts, day: date, settings: Settings) -> list[Message]:
    """The messages of one customer on a day; empty when none of the customer's items
    matters yet. Nothing given is changed."""
    items, choices = _choose_items(customer, day, settings)
    if not items:
        return []
    seconds = _find_seconds(customer, items, choices, day, settings)
    known = Customer(
        customer.partner_id,
        _wait_for_interval(customer, items, seconds, day) if seconds else items,
        customer.credits,
        customer.preference,
        customer.max_amount,
        get_block(customer, day, has_interval=not seconds),
        customer.others,
    )
    messages = plan_customer(known, settings.minimum, settings.min_invoices)
    for message in messages:
        if any(item.id in seconds and not item.hold for item in message.items):
            _set_second(message, seconds, choices, customer, day)
            continue
        _set_level(message, choices, customer.ladder, settings)
        _set_route(message, customer, settings)
    _limit_week(customer, messages, day)
    if settings.holdout and not settings.fixed and not seconds:
        _hold_out(customer, messages, day, settings)
    return messages


def _find_seconds(
    customer: CustomerFacts,
    items: list[OpenItem],
    choices: dict[int, Choice],
    day: date,
    settings: Settings,
) -> dict[int, Second]:
    """The items about which a second message, by their level's other channel, is due.
    The customer's wish and a person's choice mean one channel alone; whoever has
    written to the customer since has taken its place, and so does a reminder that is
    due anyhow."""
    if settings.fixed or settings.channel or customer.channel:
        return {}
    found = {}
    for fact in customer.items:
        second = get_second(fact.last, customer.ladder)
        if (
            second
            and second.due <= day <= second.end
            and second.first == customer.last_contact
            and any(_reaches(customer, code) for code in second.channels)
        ):
            found[fact.id] = second
    live = [item for item in items if not item.hold]
    if not any(item.id in found for item in live):
        return {}
    is_due = any(choices[item.id].is_news for item in live)
    return {} if is_due and not _get_interval_stop(customer, day) else found


def _reaches(customer: CustomerFacts, code: str) -> bool:
    return code in customer.reach and not customer.reach[code].stop


def _wait_for_interval(
    customer: CustomerFacts,
    items: list[OpenItem],
    seconds: dict[int, Second],
    day: date,
) -> list[OpenItem]:
    """The interval between contacts gives way to a second message about the same items;
    the others wait for its end."""
    stop = _get_interval_stop(customer, day)
    if not stop:
        return items
    return [
        item if item.hold or item.id in seconds else replace(item, hold=stop)
        for item in items
    ]


def _set_second(
    message: Message,
    seconds: dict[int, Second],
    choices: dict[int, Choice],
    customer: CustomerFacts,
    day: date,
) -> None:
    """The level of the first message once more, by the other channel alone: what the
    customer has got already does not come again."""
    index = customer.ladder.index
    second = max(
        (seconds[item.id] for item in message.items if item.id in seconds),
        key=lambda one: index[one.rule.id],
    )
    first = second.first.isoformat()
    message.choice = Choice(
        second.rule,
        "level_second",
        {
            "level": second.rule.id,
            "days": message.days_overdue,
            "last": second.rule.id,
            "ago": (day - second.first).days,
            "date": first,
        },
        True,
    )
    message.item_levels = {
        item.id: min(
            choices[item.id].level, second.rule, key=lambda one: index[one.id]
        ).id
        for item in message.items
        if choices[item.id].level
    }
    message.route = choose_route(
        tuple(code for code in second.channels if code in customer.reach),
        customer.reach,
    )
    passed = (second.rule.channels[0], Skip("channel_first", {"date": first}))
    message.route = replace(message.route, passed=(passed, *message.route.passed))
    message.skip = message.skip or message.route.stop


def _hold_out(
    customer: CustomerFacts, messages: list[Message], day: date, settings: Settings
) -> None:
    """Draws the customer's reminder of this day: it goes now, or waits. Never the last
    level, a notice before the due date, or a message about much money."""
    going = [message for message in messages if not message.skip]
    if not all(_may_wait(message, customer.ladder, settings) for message in going):
        return
    arm = settings.holdout.draw(customer.partner_id, customer.last_contact)
    end = get_end(customer.waits_since or day)
    for message in going:
        message.arm = arm
        if arm == LATER and day <= end:
            reason = "holdout_wait" if customer.waits_since else "holdout"
            message.skip = Skip(reason, {"date": end.isoformat()})


def _may_wait(message: Message, ladder: Ladder, settings: Settings) -> bool:
    level = message.choice.level
    if not level or level.days_overdue < 0 or level.id == ladder.rules[-1].id:
        return False
    return message.company_net <= settings.holdout.maximum


def get_block(
    customer: CustomerFacts, day: date, has_interval: bool = True
) -> Skip | None:
    """Why the customer must not get any message on a day. ``has_interval``: the days
    between contacts count."""
    for barrier in customer.barriers:
        if barrier.holds(day):
            return barrier.stop
    if customer.live:
        return customer.live
    if has_interval and (stop := _get_interval_stop(customer, day)):
        return stop
    if get_week_rest(customer, day) == 0:
        return _get_week_stop(customer, day)
    return None


def _get_interval_stop(customer: CustomerFacts, day: date) -> Skip | None:
    last = customer.last_contact
    if not last or day >= last + timedelta(days=customer.interval):
        return None
    return Skip(
        "recent_contact", {"date": last.isoformat(), "detail": str(customer.interval)}
    )


def get_contact_day(customer: CustomerFacts, day: date, after: date) -> date:
    """The first day on which a customer who was written to may be written to again:
    ``after``, the end of the interval; earlier, and later than ``day``, for a second
    message."""
    seconds = (get_second(fact.last, customer.ladder) for fact in customer.items)
    days = [second.due for second in seconds if second and second.due > day]
    return min([after, *days])


def get_week_rest(customer: CustomerFacts, day: date) -> int | None:
    """How many more messages the customer may get on a day; None: any number."""
    if not customer.week_limit:
        return None
    return max(0, customer.week_limit - len(_get_week(customer, day)))


def _get_week(customer: CustomerFacts, day: date) -> list[date]:
    """The messages that count on a day, the newest first."""
    return sorted((one for one in customer.contacts if day < one + _WEEK), reverse=True)


def _get_week_stop(customer: CustomerFacts, day: date) -> Skip:
    """From when one more may go: the week after the message that has to drop out."""
    week = _get_week(customer, day)
    free = week[customer.week_limit - 1] + _WEEK if week else day + _WEEK
    return Skip(
        "week_limit", {"date": free.isoformat(), "detail": str(customer.week_limit)}
    )


def _limit_week(customer: CustomerFacts, messages: list[Message], day: date) -> None:
    """Where a customer gets one message per invoice: no more than the week has room
    for; the others wait."""
    rest = get_week_rest(customer, day)
    if rest is None:
        return
    going = [message for message in messages if not message.skip]
    for message in going[rest:]:
        message.skip = _get_week_stop(
            replace(
                customer, contacts=(*customer.contacts, *[day] * min(rest, len(going)))
            ),
            day,
        )


def get_next_day(
    customer: CustomerFacts, messages: Iterable[Message], day: date
) -> date | None:
    """The first later day on which the plan for the customer may differ, if nothing
    happens meanwhile; None: never.

    May be too early (the plan of that day is then the same), never too late.
    """
    moments = [barrier.until + _DAY for barrier in customer.barriers if barrier.until]
    if customer.last_contact:
        moments.append(customer.last_contact + timedelta(days=customer.interval))
    if customer.week_limit:
        moments += [contact + _WEEK for contact in customer.contacts]
    if customer.waits_since:
        moments.append(get_end(customer.waits_since) + _DAY)
    seconds = [get_second(fact.last, customer.ladder) for fact in customer.items]
    for second in filter(None, seconds):
        moments += (second.due, second.end + _DAY)
    first_day = min(customer.ladder.first_day, 1)
    for item in customer.items:
        moments += (item.date_due + _DAY, item.date_due + timedelta(days=first_day))
        moments += [barrier.until + _DAY for barrier in item.barriers if barrier.until]
    moments += [
        moment
        for moment in (
            message.choice.changes_on for message in messages if message.choice
        )
        if moment
    ]
    return min((moment for moment in moments if moment > day), default=None)


def record_sent(customer: CustomerFacts, message: Message, day: date) -> None:
    """The facts after a message has left on a day: what the next reading of the books
    would find."""
    customer.last_contact, customer.waits_since = day, None
    customer.contacts = (*customer.contacts, day)
    record = customer.record or Record()
    customer.record = replace(record, reminders=record.reminders + 1)
    own = {item.id for item in message.items}
    index, rules = customer.ladder.index, customer.ladder.rules
    for item in customer.items:
        if item.id not in own:
            continue
        item.broken = None
        if message.level_id:
            item.last = LastMessage(day, message.level_id, message.route.channel)
        level_id = message.item_levels.get(item.id)
        if level_id in index:
            sent = Sent(level_id, rules[index[level_id]].tone, day, day)
            item.history = _add_sent(item.history, sent)


def settle_promises(customer: CustomerFacts, day: date) -> None:
    """The facts after the promises whose day has passed were compared with the
    payments, of which there are none."""
    ended = [promise for promise in customer.promises if promise.last < day]
    if not ended:
        return
    record = customer.record or Record()
    customer.record = replace(record, promises=record.promises + len(ended))
    customer.promises = tuple(
        promise for promise in customer.promises if promise.last >= day
    )
    for item in customer.items:
        days = [
            promise.last + _DAY
            for promise in ended
            if promise.is_broken and item.id in promise.item_ids
        ]
        item.broken = max(
            [*days, *([item.broken] if item.broken else [])], default=None
        )


def _add_sent(history: tuple[Sent, ...], new: Sent) -> tuple[Sent, ...]:
    for old in history:
        if old.level_id == new.level_id:
            rest = (sent for sent in history if sent is not old)
            return (*rest, Sent(old.level_id, old.tone, old.first, new.last))
    return (*history, new)


def _choose_items(
    customer: CustomerFacts, day: date, settings: Settings
) -> tuple[list[OpenItem], dict[int, Choice]]:
    """The items that matter on a day, and the level of each. Items not yet due matter
    for a level before the due date only, and never beside overdue ones: one message is
    either a reminder or a notice that something is about to fall due."""
    items, choices, overdue = [], {}, False
    for fact in customer.items:
        days = (day - fact.date_due).days
        choice = (
            _choose_fixed(settings.fixed, days)
            if settings.fixed
            else customer.ladder.choose(days, fact.history, day, fact.broken)
        )
        if days <= 0 and choice.level is None:
            continue
        hold = None
        if fact.barriers:
            hold = next(
                (barrier.stop for barrier in fact.barriers if barrier.holds(day)), None
            )
        overdue = overdue or (days > 0 and not hold)
        choices[fact.id] = choice
        items.append(
            OpenItem(
                fact.id,
                fact.move_id,
                customer.partner_id,
                fact.currency_id,
                fact.residual,
                fact.company_residual,
                fact.date_due,
                days,
                hold,
                fact.site,
            )
        )
    return [
        item for item in items if item.days_overdue > 0
    ] if overdue else items, choices


def _choose_fixed(rule: LevelRule, days: int) -> Choice:
    if days <= 0 and rule.days_overdue > days:
        return Choice(None, "level_none", {"days": days})
    return Choice(rule, "level_fixed", {"level": rule.id, "days": days}, True)


def _set_level(
    message: Message, choices: dict[int, Choice], ladder: Ladder, settings: Settings
) -> None:
    own = [choices[item.id] for item in message.items]
    if settings.fixed:
        message.choice = max(own, key=lambda choice: choice.params["days"])
    else:
        message.choice = lead(ladder, own)
    message.item_levels = {
        item.id: choice.level.id
        for item, choice in zip(message.items, own, strict=True)
        if choice.level
    }
    if message.skip or not (ladder.rules or settings.fixed or settings.automatic):
        return
    if not message.choice.level:
        message.skip = Skip("below_first_level", {"detail": str(message.days_overdue)})
    elif settings.automatic and not message.choice.is_news:
        changes = message.choice.changes_on
        message.skip = Skip(
            "level_wait",
            message.choice.params | {"date": changes.isoformat() if changes else ""},
        )


def get_channels(
    customer: CustomerFacts, settings: Settings, known: Iterable[str]
) -> tuple[str, ...]:
    """The channels that a message to the customer may need, whatever its level will
    be, in the order in which they are met. ``known``: those that are installed."""
    levels = settings.fixed.channels if settings.fixed else customer.ladder.channels
    return order_channels(
        customer.channel, settings.channel, levels or (DEFAULT_CHANNEL,), known
    )


def _set_route(message: Message, customer: CustomerFacts, settings: Settings) -> None:
    """Only among the channels of which it is known how they reach the customer."""
    level = message.choice.level if message.choice else None
    channels, reacts = level.channels if level else tuple(customer.reach), None
    if level and level.pick == REACTION and customer.reacts:
        if customer.reacts.channel in channels[1:]:
            reacts = customer.reacts
            channels = (reacts.channel, *channels)
    order = order_channels(customer.channel, settings.channel, channels, customer.reach)
    message.route = choose_route(order, customer.reach)
    if reacts and order[0] == message.route.channel == reacts.channel:
        if not (customer.channel or settings.channel):
            stop = Skip("channel_reacts", {"date": reacts.day.isoformat()})
            passed = ((level.channels[0], stop),)
            message.route = replace(message.route, passed=passed)
    message.skip = message.skip or message.route.stop
