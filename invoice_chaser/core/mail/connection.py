"""What every connection to a mail service is, whichever way the mail goes."""

import ssl
from abc import ABC, abstractmethod
from dataclasses import dataclass
from types import TracebackType
from typing import Self


@dataclass(frozen=True)
class ServerSettings:
    """A mail server and the login there. ``encryption``: ``none``, ``starttls`` or
    ``ssl``, the latter two with the certificate checked. ``timeout`` in seconds."""

    host: str
    port: int
    encryption: str
    user: str = ""
    password: str = ""
    timeout: float = 30.0
    verify: bool = True

    def __repr__(self) -> str:  # the password stays out of tracebacks and logs
        return f"{type(self).__name__}({self.host}:{self.port}, {self.encryption})"

    def make_context(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


class Connection(ABC):
    """``with connection: …``. Entering and every method raise only the errors of
    ``core.errors``. After an error the next call works again (it reconnects where it
    must)."""

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self,
        kind: type | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @abstractmethod
    def open(self) -> None:
        """Connect and authenticate. Raises AuthenticationFailed, RateLimited,
        PolicyRefused or Unreachable."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the connection. Never raises."""

    def find_sent(self, message_id: str) -> bool | None:
        """Whether the mailbox holds a sent message with this Message-ID; None where
        that cannot be told. Sends nothing.

        Raises the errors of ``open``. Override where the service lets us look; False
        must mean that it is certainly not there."""
        return None
