from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from odoo.addons.invoice_chaser.core.mail.errors import (
    AuthenticationFailed,
    MessageRefused,
    OutcomeUnknown,
    RateLimited,
    TransportError,
    Unreachable,
)
from odoo.addons.invoice_chaser.core.mail.message import Attachment, SendResult
from odoo.addons.invoice_chaser.core.mail.transports.base import Transport

from ...core.client import Client
from ...core.errors import Action, ConnectFailed, GraphError, UnknownOutcome
from ...core.payload import make_template, set_media

_STOPS = {
    Action.STOP_ACCOUNT,
    Action.REGISTER,
    Action.STOP_NUMBER,
}


@dataclass(frozen=True)
class WhatsappMessage:
    """``message_id``: our own key, which stays over all attempts; ``callback``: what
    Meta repeats in its reports, new for each attempt; ``address``: a number in E.164,
    or a user id; ``document``: the PDF of the header."""

    message_id: str
    callback: str
    address: str
    template: str
    language: str
    components: tuple[dict, ...]
    text: str = ""
    version_id: int = 0
    document: Attachment | None = None


class GraphRefused(MessageRefused):
    """Meta refuses this message; ``error`` says what that means, which the channel
    knows."""

    def __init__(self, words: str, error: GraphError):
        super().__init__(words)
        self.error = error


class WhatsappTransport(Transport):
    """Hands messages over to Meta's Cloud API.

    :param describe: makes a sentence of one of the client's errors
    """

    def __init__(self, client: Client, describe: Callable[[Exception], str]):
        self._client, self._describe = client, describe
        self._number = None

    def open(self):
        if self._number is not None:
            return
        try:
            self._number = self._client.read_number()
        except (GraphError, ConnectFailed) as error:
            self.close()
            raise self._translate(error) from None

    def close(self):
        self._number = None
        self._client.close()

    def whoami(self):
        return (self._number or {}).get("display_phone_number") or ""

    def send(self, message):
        self.open()
        try:
            accepted = self._send_again_without_file_trouble(message)
        except UnknownOutcome as error:
            raise OutcomeUnknown(str(error)) from None
        except (GraphError, ConnectFailed) as error:
            raise self._translate(error) from None
        return SendResult(provider_message_id=accepted.wamid, response=accepted.status)

    def _send_again_without_file_trouble(self, message):
        """Meta loses a file now and then, and says so (131052, 131053): it is uploaded
        once more. Such a response means that nothing was taken."""
        try:
            return self._hand_over(message)
        except GraphError as error:
            if error.action != Action.UPLOAD_AGAIN or not message.document:
                raise
        return self._hand_over(message)

    def _hand_over(self, message):
        components = message.components
        if message.document:
            # The name that the customer sees goes with the message; in the form of an
            # upload, letters beyond ASCII are spelled in more than one way.
            media_id = self._client.upload_media(
                message.document.content, "statement.pdf", message.document.mimetype
            )
            components = set_media(components, media_id, message.document.name)
        # The upload may have taken a while.
        self.check_fresh()
        return self._client.send_message(
            make_template(
                message.address,
                message.template,
                message.language,
                components,
                message.callback,
            )
        )

    def _translate(self, error) -> TransportError:
        if not isinstance(error, GraphError):
            return Unreachable(str(error))
        if error.action in _STOPS:
            return AuthenticationFailed(self._describe(error))
        if error.action == Action.BACK_OFF:
            rest = timedelta(seconds=error.retry_after) if error.retry_after else None
            return RateLimited(str(error), rest)
        if error.action == Action.RETRY:
            return Unreachable(str(error))
        return GraphRefused(str(error), error)
