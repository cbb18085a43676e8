"""From open items to the messages of a campaign: netting, consolidation, reasons. Pure;
the ORM reads and writes."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from .cadence import Choice
from .gates import Skip
from .netting import OpenCredit, OpenDebit, leave_for_others
from .reach import DEFAULT_CHANNEL, Route


@dataclass(slots=True)
class OpenItem:
    """A receivable journal item on a day. ``residual`` in the item's currency,
    ``company_residual`` in the company's."""

    id: int
    move_id: int
    partner_id: int
    currency_id: int
    residual: Decimal
    company_residual: Decimal
    date_due: date
    days_overdue: int
    hold: Skip | None = None
    # The contact who gets the invoices of a site; 0: those of the customer.
    site: int = 0


@dataclass
class Customer:
    """A commercial partner's items, credits that are free, and what is known about
    writing to them. ``others``: overdue items that nobody has chosen."""

    partner_id: int
    items: list[OpenItem] = field(default_factory=list)
    credits: list[OpenCredit] = field(default_factory=list)
    preference: str = "auto"
    max_amount: Decimal = Decimal(0)
    block: Skip | None = None
    others: list[OpenDebit] = field(default_factory=list)


@dataclass
class Message:
    """One reminder to be: its items, the credits set against them, and why it must not
    go (None: it may).

    ``choice``: the level and why; ``item_levels``: item → the level that it has by
    itself (a young item beside an old one has a lower one); ``route``: by which channel
    it goes; ``arm``: its part of the hold-out, where it is in one.
    """

    partner_id: int
    items: list[OpenItem]
    credits: list[OpenCredit] = field(default_factory=list)
    skip: Skip | None = None
    choice: Choice | None = None
    item_levels: dict[int, int] = field(default_factory=dict)
    route: Route = Route(DEFAULT_CHANNEL)
    arm: str | None = None

    def leave_credits_for(self, dropped: list[OpenItem]) -> None:
        """After some items were taken out: what is left may be covered by credits."""
        self.credits = leave_for_others(
            self.credits,
            self.items,
            [OpenDebit(one.id, one.currency_id, one.residual) for one in dropped],
        )
        if self.items and not _net_positive(self):
            self.skip = Skip("covered_by_credit")

    @property
    def level_id(self) -> int | None:
        return self.choice.level.id if self.choice and self.choice.level else None

    @property
    def site(self) -> int:
        """The one site that its items are of; else 0."""
        sites = {item.site for item in self.items}
        return sites.pop() if len(sites) == 1 else 0

    @property
    def days_overdue(self) -> int:
        return max(item.days_overdue for item in self.items)

    @property
    def company_net(self) -> Decimal:
        return sum((item.company_residual for item in self.items), Decimal(0)) - sum(
            (credit.company_residual for credit in self.credits), Decimal(0)
        )


def plan_messages(
    customers: Iterable[Customer], minimum: Decimal, min_invoices: int
) -> list[Message]:
    """The messages of a campaign, skipped ones included, each with its reason.

    :param minimum: smallest net per customer in the company's currency; 0: none
    :param min_invoices: from how many items ``auto`` consolidates
    """
    messages = []
    for customer in customers:
        messages.extend(plan_customer(customer, minimum, min_invoices))
    return messages


def plan_customer(
    customer: Customer, minimum: Decimal, min_invoices: int
) -> list[Message]:
    """The messages to one customer; see ``plan_messages``."""
    messages, live = [], []
    for item in customer.items:
        if item.hold:
            messages.append(Message(customer.partner_id, [item], skip=item.hold))
        else:
            live.append(item)
    if not live:
        return messages
    credits = leave_for_others(customer.credits, live, customer.others)
    due, covered = net_items(live, credits)
    if covered:
        messages.append(
            Message(
                customer.partner_id,
                covered,
                _credits_for(covered, credits),
                Skip("covered_by_credit"),
            )
        )
    if not due:
        return messages
    groups = _consolidate(customer, due, min_invoices)
    _share_credits(groups, credits)
    total = sum((group.company_net for group in groups), Decimal(0))
    for group in groups:
        if customer.block:
            group.skip = customer.block
        elif total < minimum:
            group.skip = Skip("below_minimum")
        elif group.credits and not _net_positive(group):
            group.skip = Skip("covered_by_credit")
    return messages + groups


def net_items(
    items: list[OpenItem], credits: list[OpenCredit]
) -> tuple[list[OpenItem], list[OpenItem]]:
    """Items of currencies with a positive net, and those of currencies where open
    credits cover everything."""
    if not credits:
        return items, []
    net: dict[int, Decimal] = {}
    for item in items:
        net[item.currency_id] = net.get(item.currency_id, Decimal(0)) + item.residual
    for credit in credits:
        if credit.currency_id in net:
            net[credit.currency_id] -= credit.residual
    due = [item for item in items if net[item.currency_id] > 0]
    return due, [item for item in items if net[item.currency_id] <= 0]


def _credits_for(items: list[OpenItem], credits: list[OpenCredit]) -> list[OpenCredit]:
    currencies = {item.currency_id for item in items}
    return [credit for credit in credits if credit.currency_id in currencies]


def _consolidate(
    customer: Customer, items: list[OpenItem], min_invoices: int
) -> list[Message]:
    if len(items) == 1:
        return [Message(customer.partner_id, items)]
    items = sorted(items, key=lambda item: (item.date_due, item.id))
    if not any(item.site for item in items):
        return _consolidate_site(customer, items, min_invoices)
    sites: dict[int, list[OpenItem]] = {}
    for item in items:
        sites.setdefault(item.site, []).append(item)
    return [
        message
        for group in sites.values()
        for message in _consolidate_site(customer, group, min_invoices)
    ]


def _consolidate_site(
    customer: Customer, items: list[OpenItem], min_invoices: int
) -> list[Message]:
    if _one_message(customer, items, min_invoices):
        return [Message(customer.partner_id, items)]
    moves: dict[int, list[OpenItem]] = {}
    for item in items:
        moves.setdefault(item.move_id, []).append(item)
    return [Message(customer.partner_id, group) for group in moves.values()]


def _one_message(customer: Customer, items: list[OpenItem], min_invoices: int) -> bool:
    if customer.preference == "enabled":
        return True
    if customer.preference == "disabled" or len(items) < min_invoices:
        return False
    return (
        not customer.max_amount
        or sum((item.company_residual for item in items), Decimal(0))
        <= customer.max_amount
    )


def _share_credits(groups: list[Message], credits: list[OpenCredit]) -> None:
    """Each credit is shown once: with the oldest message whose items in its currency it
    does not cover alone.

    Where none is large enough, messages are joined until one is, so that customers are
    never asked for more than they owe."""
    for credit in sorted(credits, key=lambda credit: (-credit.residual, credit.id)):
        fits = [
            group
            for group in groups
            if any(item.currency_id == credit.currency_id for item in group.items)
        ]
        if not fits:
            continue
        bearer = next(
            (
                group
                for group in fits
                if _net_in(group, credit.currency_id) > credit.residual
            ),
            fits[0],
        )
        for other in fits[1:]:
            if _net_in(bearer, credit.currency_id) > credit.residual:
                break
            bearer.items.extend(other.items)
            bearer.credits.extend(other.credits)
            groups.remove(other)
        bearer.credits.append(credit)


def _net_in(message: Message, currency_id: int) -> Decimal:
    owed = sum(
        (item.residual for item in message.items if item.currency_id == currency_id),
        Decimal(0),
    )
    return owed - sum(
        (
            credit.residual
            for credit in message.credits
            if credit.currency_id == currency_id
        ),
        Decimal(0),
    )


def _net_positive(message: Message) -> bool:
    due, _covered = net_items(message.items, message.credits)
    return bool(due)
