"""When each waiting message leaves, if nothing else happens: the run loop of the mailboxes, stepped through with the rules of
``core.throttle`` instead of the clock."""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import heapify, heappop, heappush

from .send_window import SendWindow
from .throttle import NAP, Throttle


@dataclass(frozen=True, order=True)
class Waiting:
    """A queued message. ``order``: the smaller leaves first; ``not_before`` as ``now`` of the forecast; ``group``: its campaign;
    ``window``: when its customer may be written to (``core.send_window``), None: always."""

    order: tuple
    domain: str = field(compare=False)
    not_before: datetime = field(compare=False)
    group: Hashable = field(default=None, compare=False)
    window: SendWindow | None = field(default=None, compare=False)


@dataclass
class Mailbox:
    """A mailbox and its queue. ``start``: not before (a hold of the whole mailbox)."""

    id: Hashable
    throttle: Throttle
    waiting: Sequence[Waiting]
    start: datetime | None = None


@dataclass(frozen=True)
class Departure:
    """One message of the forecast and when it leaves."""

    mailbox: Hashable
    waiting: Waiting
    at: datetime


def forecast(now: datetime, mailboxes: Sequence[Mailbox]) -> Iterator[Departure]:
    """The departures of all mailboxes, batch by batch; none for a message whose window never opens. Mailboxes of one company share its
    ``MonthCount``.

    :param now: UTC without zone; the network's own time is taken as nothing, the random parts of the pace as their mean
    """
    lines = [_Line(mailbox) for mailbox in mailboxes]
    clocks = [(max(now, line.mailbox.start or now), number) for number, line in enumerate(lines) if line.mailbox.waiting]
    heapify(clocks)
    while clocks:
        clock, number = heappop(clocks)
        yield from lines[number].send_batch(clock)
        if lines[number].next:
            heappush(clocks, (lines[number].next, number))


def finishes(departures: Iterator[Departure]) -> dict[tuple[Hashable, Hashable], tuple[int, datetime]]:
    """(mailbox, group) → how many messages, and when the last of them leaves."""
    result: dict = {}
    for departure in departures:
        key = (departure.mailbox, departure.waiting.group)
        count, last = result.get(key, (0, departure.at))
        result[key] = (count + 1, max(last, departure.at))
    return result


class _Line:
    """The queue of one mailbox at work."""

    def __init__(self, mailbox: Mailbox):
        self.mailbox = mailbox
        self.next: datetime | None = None
        self._future = [(waiting.not_before, waiting) for waiting in mailbox.waiting]
        heapify(self._future)
        self._domains: dict[str, list[Waiting]] = {}
        self._ready: list[tuple[Waiting, str]] = []  # the first message of each domain that may be written to
        self._parked: list[tuple[datetime, str]] = []  # domains whose limit is reached
        self._held: set[str] = set()

    def send_batch(self, clock: datetime) -> Iterator[Departure]:
        throttle, pace = self.mailbox.throttle, self.mailbox.throttle.pace
        self._admit(clock)
        allowed = throttle.allowance(clock)
        if not allowed.count:
            self.next = self._wait(clock, allowed.until)
            return
        at, sent = clock, 0
        while sent < allowed.count and (waiting := self._take(at)):
            throttle.note(waiting.domain, at)
            yield Departure(self.mailbox.id, waiting, at)
            sent += 1
            at += timedelta(seconds=pace.gap() if sent < allowed.count else pace.rest())
        coming = self._future[:1] + self._parked[:1]
        if sent and self._ready:
            self.next = at
        else:
            self.next = max(at, min(entry[0] for entry in coming)) if coming else None

    def _admit(self, clock: datetime) -> None:
        """What has become due, and the domains that may be written to again."""
        openings: dict[SendWindow, datetime | None] = {}
        while self._future and self._future[0][0] <= clock:
            waiting = heappop(self._future)[1]
            if waiting.window and not self._is_open(waiting, clock, openings):
                continue
            queue = self._domains.setdefault(waiting.domain, [])
            heappush(queue, waiting)
            if queue[0] is waiting and waiting.domain not in self._held:
                heappush(self._ready, (waiting, waiting.domain))
        while self._parked and self._parked[0][0] <= clock:
            domain = heappop(self._parked)[1]
            self._held.discard(domain)
            heappush(self._ready, (self._domains[domain][0], domain))

    def _is_open(self, waiting: Waiting, clock: datetime, openings: dict) -> bool:
        """Whether the customer's window is open; if not, the message waits for its opening, or is given up when it never comes."""
        if waiting.window not in openings:
            openings[waiting.window] = waiting.window.next_open(clock).at
        opening = openings[waiting.window]
        if opening is not None and opening > clock:
            heappush(self._future, (opening, waiting))
        return opening is not None and opening <= clock

    def _take(self, at: datetime) -> Waiting | None:
        """The most important message whose domain may be written to."""
        while self._ready:
            first, domain = heappop(self._ready)
            queue = self._domains[domain]
            if not queue or queue[0] is not first:
                continue  # overtaken by a more important one, which has an entry of its own
            hold = self.mailbox.throttle.get_domain_hold(domain, at)
            if hold:
                heappush(self._parked, (hold, domain))
                self._held.add(domain)
                continue
            heappop(queue)
            if queue:
                heappush(self._ready, (queue[0], domain))
            if first.window and not self._is_open(first, at, {}):
                continue  # it was open when the message became due, and closed while it waited for its turn
            return first
        return None

    def _wait(self, clock: datetime, until: datetime) -> datetime:
        """When a mailbox at its limit is at it again: it naps for a short wait, and else holds its queue until the next full second."""
        if until - clock <= timedelta(seconds=NAP):
            return max(until, clock)
        return until.replace(microsecond=0) + timedelta(seconds=1)
