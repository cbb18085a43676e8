"""What a step of the send pipeline may answer when a reminder must not go now."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class Stop:
    """``reason`` is a key of the addon's catalogue of reasons, ``params`` fills its
    sentence."""

    reason: str
    params: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Skip(Stop):
    """Not at all: the reminder ends as ``skipped``."""


@dataclass(frozen=True)
class Fail(Stop):
    """It cannot be made or sent; a person can correct the cause and retry."""


@dataclass(frozen=True)
class Hold(Stop):
    """Not before ``until`` (UTC, naive as Odoo stores it); the reminder stays
    queued."""

    until: datetime | None = None


@dataclass(frozen=True)
class Elsewhere(Stop):
    """Not by this channel: the reminder goes on by the next one of its order, if one
    reaches the customer; else it ends as ``Skip`` would."""


@dataclass(frozen=True)
class Release:
    """Not a stop: ``work`` takes time and must not be done under locks. All locks are
    released, the work is done, and the steps begin anew."""

    work: Callable[[], object]
