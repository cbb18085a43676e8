"""The contract that every way out fulfils."""

import time
from abc import abstractmethod

from ..connection import Connection
from ..errors import StoodStill
from ..message import OutgoingMessage, SendResult

# Seconds from the intent to the moment at which the message must have begun to leave.
FRESH = 60.0


def tick() -> float:
    """Seconds of a clock that goes on while the machine sleeps, where there is one."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class Transport(Connection):
    """One connection, used for a batch: ``with transport: transport.send(…)``. An error
    other than ``OutcomeUnknown`` is a promise that the message was not taken over."""

    # Until when (``tick``) the message must have begun to leave; None: whenever.
    leave_by: float | None = None

    def check_fresh(self) -> None:
        """Asked right before the service gets what it could act upon. A process that
        stood still since the intent may find that others have flagged the message, and
        a person has settled it.

        :raises StoodStill: when it is too late
        """
        if self.leave_by is not None and tick() > self.leave_by:
            raise StoodStill("too late")

    @abstractmethod
    def send(self, message: OutgoingMessage) -> SendResult:
        """Hand one message over; a return means that the service has accepted it."""

    @abstractmethod
    def whoami(self) -> str:
        """Which mailbox the service takes us for, for *Test connection*."""

    def prove(self, sender: str) -> None:
        """Raise one of the errors of ``open`` unless a message of this sender could
        leave now; nothing is sent. Called while it is open, which is all that most
        services can be asked; override where there is more."""
