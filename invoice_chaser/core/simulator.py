"""The days to come: the planner of the daily run asked day by day, its outcome fed back into the facts, the mailbox's pace in between."""

import heapq
import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from .planner import WAITING, CustomerFacts, Settings, get_block, get_next_day, plan_one, record_sent
from .planning import Message
from .throttle import DAY, Pace, allowance

_TICK = timedelta(microseconds=1)


@dataclass(slots=True)
class Departure:
    """A message of the forecast. ``planned``: day of the plan (company's time zone); ``leaves``: UTC, None when it does not;
    ``limit``: what made it wait (``minute``, ``day``, ``month``, ``window``)."""

    customer: CustomerFacts
    message: Message
    planned: date
    priority: int = 0
    not_before: datetime | None = None
    leaves: datetime | None = None
    limit: str = ""


class Mailbox:
    """What waits for a mailbox and when it leaves, by the rules that pace the real run.

    :param opens: (customer's id, UTC moment) → the first moment from then on at which a message to him may leave
    """

    def __init__(self, pace: Pace, sent: Iterable[datetime] = (), sent_this_month: int = 0,
                 opens: Callable[[int, datetime], datetime] = lambda _partner_id, moment: moment):
        self.pace, self.opens = pace, opens
        self.sent, self.month = list(sent), sent_this_month
        self.clock = datetime.min
        self._count = itertools.count()
        self._waiting: list = []
        self._ready: list = []
        self._limit, self._limited_until = "", datetime.min

    def put(self, departure: Departure, moment: datetime) -> None:
        departure.not_before = self.opens(departure.customer.partner_id, moment)
        departure.limit = "window" if departure.not_before > moment else ""
        heapq.heappush(self._waiting, (departure.not_before, next(self._count), departure))

    def run(self, start: datetime, end: datetime) -> Iterator[Departure]:
        """What leaves from ``start`` until before ``end``, the most important first."""
        self._set_clock(max(self.clock, start))
        while self.clock < end:
            while self._waiting and self._waiting[0][0] <= self.clock:
                _moment, number, departure = heapq.heappop(self._waiting)
                heapq.heappush(self._ready, (-departure.priority, number, departure))
            if not self._ready:
                if not self._waiting:
                    return
                self._set_clock(self._waiting[0][0])
                continue
            allowed = allowance(self.clock, self.sent, self.pace, self.month)
            if not allowed.count:
                self._limit, self._limited_until = allowed.limit, allowed.until
                self._set_clock(allowed.until + _TICK)
                continue
            yield from self._send_batch(allowed.count)

    def _send_batch(self, count: int) -> Iterator[Departure]:
        for _number in range(min(count, len(self._ready))):
            departure = heapq.heappop(self._ready)[2]
            opens = self.opens(departure.customer.partner_id, self.clock)
            if opens > self.clock:
                departure.limit = "window"
                heapq.heappush(self._waiting, (opens, next(self._count), departure))
                continue
            if departure.not_before < self._limited_until <= self.clock:
                departure.limit = self._limit
            departure.leaves = self.clock
            self.sent.append(self.clock)
            self.month += 1
            yield departure
        self._set_clock(self.clock + timedelta(seconds=self.pace.pause))

    def _set_clock(self, moment: datetime) -> None:
        if (moment.year, moment.month) != (self.clock.year, self.clock.month) and self.clock != datetime.min:
            self.month = 0
        self.clock = moment
        keep = max(self.pace.per_day, self.pace.per_minute, 1)
        self.sent = [one for one in self.sent[-keep:] if one > moment - DAY] if len(self.sent) > 2 * keep else self.sent


@dataclass
class Forecast:
    """``departures``: in the order of leaving; ``held``: customers who get nothing, and why, once per customer and reason."""

    departures: list[Departure] = field(default_factory=list)
    held: list[Departure] = field(default_factory=list)


def simulate(
    customers: Iterable[CustomerFacts], settings: Settings, start: date, days: int, mailbox: Mailbox, *,
    get_moment: Callable[[date], datetime], get_day: Callable[[datetime], date], prioritize: Callable[[CustomerFacts, Message], int],
    queued: Iterable[tuple[Departure, datetime]] = (),
) -> Forecast:
    """The next ``days`` days from ``start``, if nobody pays, answers or decides anything and every approval is given at once.

    The customers are used up: their facts are those of the last day afterwards.

    :param get_moment: day → the daily run's moment (UTC); ``get_day``: UTC moment → day in the company's time zone
    :param queued: reminders that wait already, with the moment from which they may leave
    """
    run = _Run(settings, start, days, mailbox, get_moment, get_day, prioritize)
    for departure, moment in queued:
        run.queue(departure, moment)
    for customer in customers:
        if customer.partner_id not in run.on_the_way:
            run.wake(customer, start)
    return run.go()


class _Run:
    def __init__(self, settings, start, days, mailbox, get_moment, get_day, prioritize):
        self.settings, self.start, self.days, self.mailbox = settings, start, days, mailbox
        self.get_moment, self.get_day, self.prioritize = get_moment, get_day, prioritize
        self.calendar: list[list[CustomerFacts]] = [[] for _day in range(days)]
        self.on_the_way: dict[int, int] = {}
        self.told: set[tuple[int, str]] = set()
        self.forecast = Forecast()

    def go(self) -> Forecast:
        for number in range(self.days):
            day = self.start + timedelta(days=number)
            moment = self.get_moment(day)
            # In the order in which the daily run writes them down: it decides among equals when a limit binds.
            for customer in sorted(self.calendar[number], key=lambda one: one.partner_id):
                self._plan(customer, day, moment)
            self.calendar[number] = []
            for departure in self.mailbox.run(moment, self.get_moment(day + timedelta(days=1))):
                self._leave(departure)
        return self.forecast

    def wake(self, customer: CustomerFacts, day: date | None) -> None:
        """Look at the customer again on a day; those beyond the horizon are done."""
        if day and (number := max((day - self.start).days, 0)) < self.days:
            self.calendar[number].append(customer)

    def queue(self, departure: Departure, moment: datetime) -> None:
        partner_id = departure.customer.partner_id
        self.on_the_way[partner_id] = self.on_the_way.get(partner_id, 0) + 1
        departure.priority = departure.priority or self.prioritize(departure.customer, departure.message)
        self.mailbox.put(departure, moment)

    def _plan(self, customer: CustomerFacts, day: date, moment: datetime) -> None:
        messages = plan_one(customer, day, self.settings)
        going = [message for message in messages if not message.skip]
        for message in messages:
            if message.skip and message.skip.reason not in WAITING:
                self._tell_held(customer, message, day)
        for message in going:
            self.queue(Departure(customer, message, day), moment)
        if not going:
            block = get_block(customer, day)
            recent = block and block.reason == "recent_contact"
            self.wake(customer, customer.last_contact + timedelta(days=customer.interval) if recent else get_next_day(customer, messages, day))

    def _tell_held(self, customer: CustomerFacts, message: Message, day: date) -> None:
        key = (customer.partner_id, message.skip.reason)
        if key not in self.told:
            self.told.add(key)
            self.forecast.held.append(Departure(customer, message, day))

    def _leave(self, departure: Departure) -> None:
        customer = departure.customer
        day = self.get_day(departure.leaves)
        record_sent(customer, departure.message, day)
        self.forecast.departures.append(departure)
        self.on_the_way[customer.partner_id] -= 1
        if not self.on_the_way[customer.partner_id]:
            del self.on_the_way[customer.partner_id]
            customer.live = None
            self.wake(customer, max(departure.planned, day) + timedelta(days=max(customer.interval, 1)))
