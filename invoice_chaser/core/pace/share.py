"""Which mailbox writes to whom, where a campaign is spread over several."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from .throttle import Pace

_DAY = 86_400.0
# Each message takes at least this long (seconds), however fast the pace, so that equal
# mailboxes share the work.
_NETWORK = 0.1


@dataclass(frozen=True)
class Capacity:
    """A mailbox. ``left``: messages it may still send in the current 24 hours (None: no
    limit); ``per_day``: in any further 24 hours; ``gap``: mean seconds between two
    messages; ``queued``: how many messages wait for it already."""

    id: Hashable
    left: int | None
    per_day: int
    gap: float
    queued: int = 0

    def seconds_for(self, count: int) -> float:
        """After how many seconds the ``count``-th message from now leaves."""
        if self.left is None or count <= self.left:
            return count * self.gap
        days, rest = divmod(count - self.left - 1, max(self.per_day, 1))
        return (days + 1) * _DAY + (rest + 1) * self.gap


def make_capacity(mailbox_id: Hashable, pace: Pace, used: int, queued: int) -> Capacity:
    """:param used: messages of the last 24 hours; ``queued``: what waits for the
    mailbox"""
    gap = (
        pace.work + (pace.gap() * (pace.batch_size - 1) + pace.rest()) / pace.batch_size
    )
    slowest = max(gap, 60.0 / pace.per_minute if pace.per_minute else 0.0, _NETWORK)
    return Capacity(
        mailbox_id,
        max(pace.per_day - used, 0) if pace.per_day else None,
        pace.per_day,
        slowest,
        queued,
    )


def share(
    customers: Iterable[tuple[Hashable, int]],
    mailboxes: Sequence[Capacity],
    known: Mapping[Hashable, Hashable],
) -> dict:
    """Customer → mailbox. A customer who was written to before keeps their mailbox;
    each other one, in the given order, gets the mailbox from which their messages leave
    soonest.

    :param customers: (customer, number of their messages), the most important first;
    one customer is never split over mailboxes
    :param known: customer → the mailbox that wrote to them last; one that is not in
    ``mailboxes`` does not count
    :return: empty without a mailbox. The same input always gives the same answer: of
    equal mailboxes the first is taken
    """
    counts = {mailbox.id: mailbox.queued for mailbox in mailboxes}
    if not counts:
        return {}
    chosen = {}
    customers = list(customers)
    for customer, number in customers:
        if known.get(customer) in counts:
            chosen[customer] = known[customer]
            counts[chosen[customer]] += number
    for customer, number in customers:
        if customer not in chosen:
            best = min(
                mailboxes,
                key=lambda mailbox: mailbox.seconds_for(counts[mailbox.id] + number),
            )
            chosen[customer] = best.id
            counts[best.id] += number
    return chosen
