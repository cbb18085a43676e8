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
