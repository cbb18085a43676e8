"""The contract that every way out fulfils."""

from abc import ABC, abstractmethod
from types import TracebackType

from ..message import OutgoingMessage, SendResult


class Transport(ABC):
    """One connection, used for a batch: ``with transport: transport.send(…)``.

    Entering and ``send`` raise only the errors of ``core.errors``. An error other than ``OutcomeUnknown`` is a promise
    that the message was not taken over. After an error the next ``send`` works again (it reconnects where it must).
    """

    def __enter__(self) -> "Transport":
        self.open()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    @abstractmethod
    def open(self) -> None:
        """Connect and authenticate. Raises AuthenticationFailed, RateLimited, PolicyRefused or Unreachable."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the connection. Never raises."""

    @abstractmethod
    def send(self, message: OutgoingMessage) -> SendResult:
        """Hand one message over; a return means that the service has accepted it."""

    @abstractmethod
    def whoami(self) -> str:
        """Which mailbox the service takes us for, for *Test connection*."""

    def find_sent(self, message_id: str) -> bool | None:
        """Whether the mailbox holds a sent message with this Message-ID; None where it cannot be asked. Sends nothing.

        Raises the errors of ``open``. Override where the service lets us look; False must mean "clearly not there".
        """
        return None
