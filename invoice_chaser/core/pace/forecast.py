"""When each waiting message leaves, if nothing else happens: the run loop of the
mailboxes, stepped through with the rules of ``core.throttle`` instead of the clock."""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import heappop, heappush

from ..hours.send_window import SendWindow
from .share import Capacity, make_capacity
from .throttle import NAP, Throttle


@dataclass(frozen=True, order=True)
class Waiting:
    """A queued message. ``order``: the smaller leaves first, no two are equal;
    ``not_before`` as ``now`` of the forecast; ``group``: its campaign, or what else the
    caller knows it by; ``window``: when its customer may be written to
    (``core.send_window``), None: always; ``expires``: from when it is not sent any
    more."""

    order: tuple
    domain: str = field(compare=False)
    not_before: datetime = field(compare=False)
    group: Hashable = field(default=None, compare=False)
    window: SendWindow | None = field(default=None, compare=False)
    expires: datetime | None = field(default=None, compare=False)


@dataclass
class Mailbox:
    """A mailbox and its queue. ``start``: not before (a hold of the whole mailbox)."""

    id: Hashable
    throttle: Throttle
    waiting: Sequence[Waiting]
    start: datetime | None = None


@dataclass(frozen=True)
class Departure:
    """One message of the forecast and when it leaves. ``limit``: what it waited for,
    the first in the order ``month``, ``day``, ``window``, ``domain``, ``minute``; empty
    when nothing was in the way."""

    mailbox: Hashable
    waiting: Waiting
    at: datetime
    limit: str = ""


def forecast(now: datetime, mailboxes: Sequence[Mailbox]) -> Iterator[Departure]:
    """The departures of all mailboxes, batch by batch; none for a message whose window
    never opens. Mailboxes of one company share its ``MonthCount``.

    :param now: UTC without zone; each message takes its mailbox's ``Pace.work``, the
    random parts of the pace are taken as their mean
    """
    return Queues(now, mailboxes).run()


def finishes(
    departures: Iterator[Departure],
) -> dict[tuple[Hashable, Hashable], tuple[int, datetime]]:
    """(mailbox, group) → how many messages, and when the last of them leaves."""
    result: dict = {}
    for departure in departures:
        key = (departure.mailbox, departure.waiting.group)
        count, last = result.get(key, (0, departure.at))
        result[key] = (count + 1, max(last, departure.at))
    return result


class Queues:
    """The queues of several mailboxes at work side by side. Messages may be put in at
    any time, also between two runs."""

    def __init__(self, now: datetime, mailboxes: Sequence[Mailbox]):
        self._lines = {mailbox.id: _Line(mailbox, now) for mailbox in mailboxes}

    def __contains__(self, mailbox_id: Hashable) -> bool:
        return mailbox_id in self._lines

    def put(self, mailbox_id: Hashable, waiting: Waiting) -> None:
        self._lines[mailbox_id].put(waiting)

    def get_waiting(self) -> Iterator[tuple[Hashable, Waiting, str]]:
        """(mailbox, message, what it waits for) of all that has not left."""
        return (
            (mailbox_id, waiting, line.get_limit(waiting))
            for mailbox_id, line in self._lines.items()
            for waiting in line.get_waiting()
        )

    def get_capacity(self, mailbox_id: Hashable, now: datetime) -> Capacity:
        """What the mailbox can take, for ``core.share``."""
        line = self._lines[mailbox_id]
        return make_capacity(
            mailbox_id, line.throttle.pace, line.throttle.count_day(now), line.count
        )

    def pop_given_up(self) -> list[tuple[datetime, Waiting]]:
        """What will never leave, because its window never opens or its time is over,
        and when that was found; each is reported once."""
        given_up = [entry for line in self._lines.values() for entry in line.given_up]
        for line in self._lines.values():
            line.given_up = []
        return given_up

    def run(self, until: datetime | None = None) -> Iterator[Departure]:
        """What leaves before ``until`` (None: all), the mailbox whose turn comes first
        at a time."""
        while True:
            busy = [
                line
                for line in self._lines.values()
                if line.next is not None and (until is None or line.next < until)
            ]
            if not busy:
                return
            line = min(busy, key=lambda one: one.next)
            yield from line.send_batch(line.next)


class _Line:
    """The queue of one mailbox at work."""

    def __init__(self, mailbox: Mailbox, now: datetime):
        self.id, self.throttle = mailbox.id, mailbox.throttle
        self.count = 0
        self.given_up: list[tuple[datetime, Waiting]] = []
        self._free = max(
            now, mailbox.start or now
        )  # not before the end of a batch's rest, or of the mailbox's own hold
        # A message stands behind its order, so that heaps compare plain tuples.
        self._future: list[tuple[datetime, tuple, Waiting]] = []
        self._domains: dict[str, list[tuple[tuple, Waiting]]] = {}
        self._ready: list[
            tuple[tuple, Waiting, str]
        ] = []  # the first message of each domain that may be written to
        self._parked: list[tuple[datetime, str]] = []  # domains whose limit is reached
        self._held: set[str] = set()
        self._openings: dict[
            tuple, datetime
        ] = {}  # messages that wait or waited for their window
        self._ends: dict[
            str, datetime
        ] = {}  # until when each limit was last in the way; of domains by their name
        for waiting in mailbox.waiting:
            self.put(waiting)

    @property
    def next(self) -> datetime | None:
        """When there is something to do again; None with an empty queue."""
        if self._ready:
            return self._free
        coming = self._future[:1] + self._parked[:1]
        return max(self._free, min(entry[0] for entry in coming)) if coming else None

    def put(self, waiting: Waiting) -> None:
        self.count += 1
        heappush(self._future, (waiting.not_before, waiting.order, waiting))

    def get_waiting(self) -> Iterator[Waiting]:
        yield from (waiting for _moment, _order, waiting in self._future)
        for queue in self._domains.values():
            yield from (waiting for _order, waiting in queue)

    def send_batch(self, clock: datetime) -> Iterator[Departure]:
        throttle, pace = self.throttle, self.throttle.pace
        self._admit(clock)
        if not self._ready:
            return
        allowed = throttle.allowance(clock)
        if not allowed.count:
            self._free = self._ends[allowed.limit] = self._wait(clock, allowed.until)
            return
        at, sent = clock, 0
        while sent < allowed.count and (waiting := self._pop_next(at)):
            throttle.note(waiting.domain, at)
            limit = self.get_limit(waiting)
            self._openings.pop(waiting.order, None)
            yield Departure(self.id, waiting, at, limit)
            sent += 1
            self._free = at = at + timedelta(
                seconds=pace.work
                + (pace.gap() if sent < allowed.count else pace.rest())
            )

    def get_limit(self, waiting: Waiting) -> str:
        """Which limit a message waits or waited for; empty: none."""
        opening = self._openings.get(waiting.order)
        since = opening or waiting.not_before
        ends = {"domain": self._ends.get("@" + waiting.domain)} | {
            name: self._ends.get(name) for name in ("month", "day", "minute")
        }
        bound = [
            name
            for name in ("month", "day", "window", "domain", "minute")
            if (name == "window" and opening) or (ends.get(name) or since) > since
        ]
        return bound[0] if bound else ""

    def _admit(self, clock: datetime) -> None:
        """What has become due, and the domains that may be written to again."""
        openings: dict[SendWindow, datetime | None] = {}
        while self._future and self._future[0][0] <= clock:
            waiting = heappop(self._future)[2]
            if waiting.window and self._put_off_if_closed(waiting, clock, openings):
                continue
            queue = self._domains.setdefault(waiting.domain, [])
            heappush(queue, (waiting.order, waiting))
            if queue[0][1] is waiting and waiting.domain not in self._held:
                heappush(self._ready, (waiting.order, waiting, waiting.domain))
        while self._parked and self._parked[0][0] <= clock:
            domain = heappop(self._parked)[1]
            self._held.discard(domain)
            heappush(self._ready, (*self._domains[domain][0], domain))

    def _put_off_if_closed(
        self, waiting: Waiting, clock: datetime, openings: dict
    ) -> bool:
        """While the customer's window is closed, makes the message wait for the next
        opening, or gives it up when there is none. Returns whether it did."""
        if waiting.window not in openings:
            openings[waiting.window] = waiting.window.next_open(clock).at
        opening = openings[waiting.window]
        if opening is None:
            self._give_up(waiting, clock)
        elif opening > clock:
            self._openings[waiting.order] = opening
            heappush(self._future, (opening, waiting.order, waiting))
        return opening is None or opening > clock

    def _give_up(self, waiting: Waiting, moment: datetime) -> None:
        self.count -= 1
        self._openings.pop(waiting.order, None)
        self.given_up.append((moment, waiting))

    def _pop_next(self, at: datetime) -> Waiting | None:
        """The most important message whose domain may be written to."""
        while self._ready:
            _order, first, domain = heappop(self._ready)
            queue = self._domains[domain]
            if not queue or queue[0][1] is not first:
                # a more important message has come before it and has an entry of its
                # own
                continue
            hold = self.throttle.get_domain_hold(domain, at)
            if hold:
                self._ends["@" + domain] = hold
                heappush(self._parked, (hold, domain))
                self._held.add(domain)
                continue
            heappop(queue)
            if queue:
                heappush(self._ready, (*queue[0], domain))
            if first.expires and at >= first.expires:
                self._give_up(first, at)
                continue
            if first.window and self._put_off_if_closed(first, at, {}):
                # it was open when the message became due, and closed while it waited
                # for its turn
                continue
            self.count -= 1
            return first
        return None

    def _wait(self, clock: datetime, until: datetime) -> datetime:
        """When a mailbox at its limit goes on: after a short wait within the run, else
        at the next full second, until which its queue waits."""
        if until - clock <= timedelta(seconds=NAP):
            return max(until, clock)
        return until.replace(microsecond=0) + timedelta(seconds=1)
