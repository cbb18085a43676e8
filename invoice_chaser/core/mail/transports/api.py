"""What transports over an HTTP API share: how "not taken" and "perhaps taken" are told
apart."""

import requests

from ..api import ApiConnection, GetToken, retry_after
from ..errors import (
    AuthenticationFailed,
    MessageRefused,
    OutcomeUnknown,
    RateLimited,
    TransportError,
    Unreachable,
    one_line,
)
from ..message import OutgoingMessage
from .base import Transport


class ApiTransport(ApiConnection, Transport):
    """``mailbox``: the address that everything is sent from. ``can_read``: whether the
    mailbox may be searched."""

    def __init__(
        self,
        mailbox: str,
        get_token: GetToken,
        can_read: bool = False,
        detour: str = "",
        timeout: float = 30.0,
    ):
        super().__init__(get_token, detour, timeout)
        self._mailbox, self._can_read = mailbox, can_read

    def whoami(self) -> str:
        return self._mailbox

    def _write(self, message: OutgoingMessage) -> bytes:
        """The message as bytes with CRLF line ends. Raises MessageRefused."""
        try:
            return message.to_email().as_bytes()
        except (ValueError, UnicodeError) as error:
            raise MessageRefused(one_line(str(error))) from None


def classify_common(
    response: requests.Response, text: str, sends: bool
) -> TransportError | None:
    """What means the same for every service; None for the rest."""
    code = response.status_code
    if code == 401:
        return AuthenticationFailed(text)
    if code == 413:
        return MessageRefused(text)
    if code == 429 or (code == 503 and response.headers.get("Retry-After")):
        return RateLimited(text, retry_after(response, text))
    if code >= 500 or code < 400:
        # Neither service knows an idempotency key: after a failure of its own it may
        # have queued the message.
        return (OutcomeUnknown if sends and code >= 500 else Unreachable)(text)
    return None
