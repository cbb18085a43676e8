"""By which channel a message goes: who can be reached how, and the order in which the
channels are tried. Pure; the channels themselves read who can be reached."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from .gates import Skip

# What a reminder goes by where nobody says anything else.
DEFAULT_CHANNEL = "email"


@dataclass(frozen=True)
class Reach:
    """How a customer can be reached by one channel.

    ``addresses``: where a message would go, best first (what an address is, the channel
    says: an e-mail address, a number); ``stop``: why nothing can go, None when it can.
    """

    addresses: tuple[str, ...] = ()
    stop: Skip | None = None


@dataclass(frozen=True)
class Route:
    """The channel of a message, and to which addresses it goes. ``rest``: those that
    are tried after it, in their order, when it turns out that it does not reach;
    ``passed``: those before it, each with why it was not taken.

    ``stop``: no channel reaches: why the first one of the order does not.
    """

    channel: str
    addresses: tuple[str, ...] = ()
    rest: tuple[str, ...] = ()
    passed: tuple[tuple[str, Skip], ...] = ()
    stop: Skip | None = None


@dataclass(frozen=True, slots=True)
class Reaction:
    """The last time that a customer did something with a message (a click or an answer
    of a person): by which channel the message had come, and the day."""

    channel: str
    day: date


def order_channels(
    wish: str | None, chosen: str | None, level: Iterable[str], known: Iterable[str]
) -> tuple[str, ...]:
    """The channels of a message, the first one to be tried first.

    The customer's wish comes before everything; a person's choice for the whole
    campaign stands in place of the level's own order, of which nothing is lost: what is
    left of it are the fall-backs. Unknown channels (their addon is gone) are left out.

    :param wish: the customer's own channel :param chosen: the campaign's
    :param level: the level's order :param known: channels that are installed
    """
    return _order(wish, chosen, tuple(level), tuple(known))


# Asked for every message, with few different answers.
@lru_cache(maxsize=256)
def _order(
    wish: str | None, chosen: str | None, level: tuple[str, ...], known: tuple[str, ...]
) -> tuple[str, ...]:
    wanted = dict.fromkeys(filter(None, (wish, chosen, *level)))
    return tuple(name for name in wanted if name in known) or (DEFAULT_CHANNEL,)


def choose_route(order: tuple[str, ...], reach: Mapping[str, Reach]) -> Route:
    """The first channel of the order that reaches; see ``Route``."""
    passed: list[tuple[str, Skip]] = []
    for place, name in enumerate(order):
        stop = reach[name].stop
        if stop is None:
            rest = order[place + 1 :]
            return Route(name, reach[name].addresses, rest, tuple(passed))
        passed.append((name, stop))
    first, stop = passed[0]
    return Route(first, reach[first].addresses, stop=stop)
