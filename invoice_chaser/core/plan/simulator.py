"""The days to come: the planner of the daily run asked day by day, its outcome fed back
into the facts, and what it plans put into the queues of the mailboxes
(``core.pace.forecast``), chosen as the real campaigns choose them
(``core.pace.share``)."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from ..hours.send_window import SendWindow
from ..pace.forecast import Queues, Waiting
from ..pace.share import share
from .gates import Skip
from .planner import (
    WAITING,
    CustomerFacts,
    Settings,
    get_block,
    get_contact_day,
    get_next_day,
    plan_one,
    record_sent,
    settle_promises,
)
from .planning import Message

_DAY = timedelta(days=1)


@dataclass(slots=True, eq=False)
class Departure:
    """A message of the simulation. ``planned``: day of the plan (company's time zone);
    ``approval``: it waits for a person first; ``mailbox``: who sends it; ``leaves``:
    UTC, None when it does not within the days; ``limit``: what made it wait, as
    ``core.pace.forecast.Departure`` has it."""

    customer: CustomerFacts
    message: Message
    planned: date
    priority: int = 0
    approval: bool = False
    mailbox: Hashable = None
    leaves: datetime | None = None
    limit: str = ""

    @property
    def channel(self) -> str:
        return self.message.route.channel


@dataclass(frozen=True)
class Clock:
    """Days and moments of the company (days in its time zone, moments UTC).

    ``get_run``: day → moment of the daily run, None on a day off; ``get_day``: moment →
    day; ``get_start``: day → its first moment
    """

    get_run: Callable[[date], datetime | None]
    get_day: Callable[[datetime], date]
    get_start: Callable[[date], datetime]


@dataclass
class Post:
    """The mailboxes and what is known of the customers as recipients.

    ``senders``: channel → those among which a campaign of the daily run is shared, the
    first one preferred; ``known``: (channel, customer) → the mailbox that wrote to them
    last; ``domains``: (channel, customer) → domain of their address; ``windows``:
    customer → when they may be written to (missing: always)
    """

    queues: Queues
    senders: Mapping[str, Sequence[Hashable]]
    known: dict[tuple[str, int], Hashable] = field(default_factory=dict)
    domains: Mapping[tuple[str, int], str] = field(default_factory=dict)
    windows: Mapping[int, SendWindow] = field(default_factory=dict)

    def choose(self, departures: Iterable[Departure], moment: datetime) -> None:
        """A mailbox for each departure of one campaign, given the most important
        first."""
        by_channel: dict[str, list[Departure]] = {}
        for departure in departures:
            by_channel.setdefault(departure.channel, []).append(departure)
        for channel, mine in by_channel.items():
            self._choose_among(self.senders.get(channel, ()), mine, channel, moment)

    def _choose_among(
        self,
        senders: Sequence[Hashable],
        departures: list[Departure],
        channel: str,
        moment: datetime,
    ) -> None:
        counts: dict[int, int] = {}
        for departure in departures:
            partner_id = departure.customer.partner_id
            counts[partner_id] = counts.get(partner_id, 0) + 1
        capacities = [self.queues.get_capacity(sender, moment) for sender in senders]
        known = {
            partner_id: self.known[channel, partner_id]
            for partner_id in counts
            if (channel, partner_id) in self.known
        }
        chosen = share(counts.items(), capacities, known)
        for departure in departures:
            departure.mailbox = chosen.get(departure.customer.partner_id)

    def put(
        self,
        departure: Departure,
        order: tuple,
        moment: datetime,
        expires: datetime | None,
    ) -> None:
        partner_id = departure.customer.partner_id
        self.queues.put(
            departure.mailbox,
            Waiting(
                order,
                self.domains.get((departure.channel, partner_id), ""),
                moment,
                departure,
                self.windows.get(partner_id),
                expires,
            ),
        )


@dataclass
class Simulation:
    """``departures``: in the order of leaving; ``held``: customers who get nothing, and
    why, once per customer and reason; ``waiting``: what is planned within the days and
    does not leave in them."""

    departures: list[Departure] = field(default_factory=list)
    held: list[Departure] = field(default_factory=list)
    waiting: list[Departure] = field(default_factory=list)


def simulate(
    customers: Iterable[CustomerFacts],
    settings: Settings,
    start: date,
    days: int,
    post: Post,
    clock: Clock,
    *,
    prioritize: Callable[[CustomerFacts, Message], int],
    approve_all: bool = False,
    queued: Iterable[tuple[Departure, tuple, datetime]] = (),
) -> Simulation:
    """The next ``days`` days from ``start``, if nobody pays, answers or decides
    anything and every approval is given at once.

    The given customers are changed: afterwards their facts are those of the last day.

    :param approve_all: the whole campaign of a day waits for approval; else only levels
    that want it
    :param queued: reminders that wait already, each with its place in the queue and the
    moment from which it may leave
    """
    run = _Run(settings, start, days, post, clock, prioritize, approve_all)
    for departure, order, moment in queued:
        run.enqueue(departure, order, moment)
    for customer in customers:
        if customer.partner_id not in run.on_the_way:
            run.wake(customer, start)
    return run.go()


class _Run:
    def __init__(self, settings, start, days, post, clock, prioritize, approve_all):
        self.settings, self.start, self.days, self.post, self.clock = (
            settings,
            start,
            days,
            post,
            clock,
        )
        self.prioritize, self.approve_all = prioritize, approve_all
        self.calendar: list[list[CustomerFacts]] = [[] for _day in range(days)]
        self.on_the_way: dict[int, int] = {}
        self.told: set[tuple[int, str]] = set()
        self.count, self.planned = 0, -1
        self.result = Simulation()

    def go(self) -> Simulation:
        for number in range(self.days):
            day = self.start + timedelta(days=number)
            moment = self.clock.get_run(day)
            if moment is not None:
                self._drain(moment)
                self._plan_day(number, day, moment)
            elif number + 1 < self.days:
                # Nothing is planned on a day off; its customers are planned on the next
                # working day.
                self.calendar[number + 1] += self.calendar[number]
                self.planned = number
        self._drain(self.clock.get_start(self.start + timedelta(days=self.days)))
        for _mailbox, waiting, limit in self.post.queues.get_waiting():
            if isinstance(waiting.group, Departure):
                waiting.group.limit = limit
                self.result.waiting.append(waiting.group)
        return self.result

    def _drain(self, until: datetime) -> None:
        """What leaves before a moment."""
        for departure in self.post.queues.run(until):
            if isinstance(departure.waiting.group, Departure):
                self._leave(departure.waiting.group, departure)
        for moment, waiting in self.post.queues.pop_given_up():
            if isinstance(waiting.group, Departure):
                self._give_up(waiting.group, waiting, moment)

    def wake(self, customer: CustomerFacts, day: date | None) -> None:
        """Look at the customer again on a day, or on the next one that is not planned
        yet; those beyond the horizon are done."""
        if (
            day
            and (number := max((day - self.start).days, self.planned + 1)) < self.days
        ):
            self.calendar[number].append(customer)

    def enqueue(self, departure: Departure, order: tuple, moment: datetime) -> None:
        """Something that waits already. A mailbox that is not connected lets nothing
        go."""
        partner_id = departure.customer.partner_id
        self.on_the_way[partner_id] = self.on_the_way.get(partner_id, 0) + 1
        if departure.mailbox in self.post.queues:
            self.post.put(departure, order, moment, self._get_expiry(departure.message))
        else:
            self._note_left_out(
                departure.customer,
                departure.message,
                departure.planned,
                Skip("provider_closed", {"detail": ""}),
            )

    # -- a day's plan

    def _plan_day(self, number: int, day: date, moment: datetime) -> None:
        # In the order in which the daily run writes them down: it decides among equals
        # when a limit binds.
        customers, self.calendar[number] = (
            sorted(self.calendar[number], key=lambda one: one.partner_id),
            [],
        )
        self.planned = number
        campaigns: tuple[list[Departure], list[Departure]] = ([], [])
        for customer in customers:
            going = self._plan(customer, day)
            campaigns[any(departure.approval for departure in going)].extend(going)
        for campaign in campaigns:
            ordered = sorted(campaign, key=lambda departure: -departure.priority)
            if ordered:
                self.post.choose(ordered, moment)
            for departure in ordered:
                self.count += 1
                if departure.mailbox is None:
                    self.result.waiting.append(departure)
                else:
                    self.post.put(
                        departure,
                        (-departure.priority, 0, self.count),
                        moment,
                        self._get_expiry(departure.message),
                    )

    def _plan(self, customer: CustomerFacts, day: date) -> list[Departure]:
        settle_promises(customer, day)
        messages = plan_one(customer, day, self.settings)
        going = [message for message in messages if not message.skip]
        for message in messages:
            if message.skip and message.skip.reason == "holdout":
                # The daily run writes it down; the days after find it there.
                customer.waits_since = day
            if message.skip and message.skip.reason not in WAITING:
                self._note_left_out(customer, message, day, message.skip)
        if going:
            self.on_the_way[customer.partner_id] = len(going)
            strict = self.approve_all or any(
                message.choice.level and message.choice.level.requires_approval
                for message in going
            )
            return [
                Departure(
                    customer, message, day, self.prioritize(customer, message), strict
                )
                for message in going
            ]
        block = get_block(customer, day)
        recent = block and block.reason == "recent_contact"
        self.wake(
            customer,
            get_contact_day(
                customer, day, customer.last_contact + timedelta(days=customer.interval)
            )
            if recent
            else get_next_day(customer, messages, day),
        )
        return []

    def _get_expiry(self, message: Message) -> datetime | None:
        """A notice before the due date is not sent after it."""
        level = message.choice.level if message.choice else None
        if not level or level.days_overdue >= 0:
            return None
        return self.clock.get_start(max(item.date_due for item in message.items) + _DAY)

    def _note_left_out(
        self, customer: CustomerFacts, message: Message, day: date, stop: Skip
    ) -> None:
        key = (customer.partner_id, stop.reason)
        if key not in self.told:
            self.told.add(key)
            message.skip = stop
            self.result.held.append(Departure(customer, message, day))

    # -- the end of a message

    def _leave(self, departure: Departure, fact) -> None:
        departure.leaves, departure.limit = fact.at, fact.limit
        day, message = self.clock.get_day(fact.at), departure.message
        if self._get_expiry(message):
            message.items = [item for item in message.items if item.date_due >= day]
        record_sent(departure.customer, message, day)
        key = departure.channel, departure.customer.partner_id
        self.post.known[key] = departure.mailbox
        self.result.departures.append(departure)
        customer, day = departure.customer, max(departure.planned, day)
        after = day + timedelta(days=max(customer.interval, 1))
        self._release(departure, get_contact_day(customer, day, after))

    def _give_up(
        self, departure: Departure, waiting: Waiting, moment: datetime
    ) -> None:
        """The message does not leave. A notice that is too late no longer blocks its
        customer; a message whose window never opens still does."""
        if waiting.expires:
            self._note_left_out(
                departure.customer,
                departure.message,
                departure.planned,
                Skip("overdue_now"),
            )
            self._release(departure, self.clock.get_day(moment))
        else:
            self._note_left_out(
                departure.customer,
                departure.message,
                departure.planned,
                Skip("window_never", {"detail": waiting.window.name}),
            )

    def _release(self, departure: Departure, day: date) -> None:
        """The customer can be planned again once none of their messages waits."""
        customer = departure.customer
        self.on_the_way[customer.partner_id] -= 1
        if not self.on_the_way[customer.partner_id]:
            del self.on_the_way[customer.partner_id]
            customer.live = None
            self.wake(customer, day)
