"""The contract that every way out fulfils."""

from abc import abstractmethod

from ..connection import Connection
from ..message import OutgoingMessage, SendResult


class Transport(Connection):
    """One connection, used for a batch: ``with transport: transport.send(…)``. An error
    other than ``OutcomeUnknown`` is a promise that the message was not taken over."""

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
