"""The gateway's HTTP interface: one POST a message, ``201`` with its id when it is
taken."""

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from datetime import timedelta

from odoo.addons.invoice_chaser.core.mail.errors import (
    AuthenticationFailed,
    MessageRefused,
    OutcomeUnknown,
    RateLimited,
    RecipientRefused,
    Unreachable,
)
from odoo.addons.invoice_chaser.core.mail.message import SendResult
from odoo.addons.invoice_chaser.core.mail.transports.base import Transport


@dataclass(frozen=True)
class ShortMessage:
    """``message_id``: our own key of the message, which the gateway repeats in its
    responses."""

    message_id: str
    number: str
    text: str


class GatewayTransport(Transport):
    def __init__(self, url, key, timeout=30.0):
        self._url, self._timeout = url, timeout
        # Two underscores: out of reach for server actions and templates.
        self.__key = key

    def open(self):
        self._call("/me", None)

    def close(self):
        pass

    def whoami(self):
        return self._call("/me", None)["account"]

    def send(self, message):
        answer = self._call(
            "/messages",
            {"ref": message.message_id, "to": message.number, "text": message.text},
        )
        return SendResult(provider_message_id=answer["id"], response="201 taken")

    def _call(self, path, body):
        request = urllib.request.Request(
            self._url + path,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self.__key}",
                "Content-Type": "application/json",
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=self._timeout) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            raise _classify(error.code, error.read(300).decode()) from None
        except urllib.error.URLError as error:
            # No connection was made: nothing was handed over.
            raise Unreachable(str(error.reason)) from None
        except (OSError, ValueError) as error:
            # The line broke, or the answer was cut, after the request had left.
            problem = Unreachable if body is None else OutcomeUnknown
            raise problem(str(error)) from None


def _classify(status, words):
    """What the gateway's page on errors says of each status."""
    said = f"{status} {words}"
    if status in (401, 403):
        return AuthenticationFailed(said)
    if status == 429:
        return RateLimited(said, timedelta(minutes=1))
    if status == 404:
        return RecipientRefused(said, permanent=True)
    if status >= 500:
        return Unreachable(said)
    return MessageRefused(said)
