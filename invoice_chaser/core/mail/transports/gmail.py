"""Gmail API. Our own MIME goes up unchanged; the narrow right ``gmail.send`` is enough
to send.

Source of the responses: developers.google.com/gmail/api/guides/handle-errors.
"""

import re
from datetime import timedelta

import requests

from ..api import GOOGLE_RATE, get_json, get_reasons, retry_after
from ..errors import (
    DAY,
    AuthenticationFailed,
    MessageRefused,
    OutcomeUnknown,
    PolicyRefused,
    RateLimited,
    RecipientRefused,
    TransportError,
)
from ..message import OutgoingMessage, SendResult
from .api import ApiTransport, classify_common

BASE = "https://gmail.googleapis.com"
_SEND = f"{BASE}/upload/gmail/v1/users/me/messages/send"
_MESSAGES = f"{BASE}/gmail/v1/users/me/messages"
# A person must act at Google: the right is missing, the API is off in the project, or
# the domain's administrator forbids it.
_CLOSED = {
    "insufficientPermissions",
    "accessNotConfigured",
    "SERVICE_DISABLED",
    "domainPolicy",
    "authError",
    "failedPrecondition",
}
_RECIPIENT = re.compile(r"recipient address|invalid to\b", re.I)
_DAILY = re.compile(r"\bdaily\b|mail sending", re.I)


class GmailTransport(ApiTransport):
    def send(self, message: OutgoingMessage) -> SendResult:
        raw = self._write(message)
        response = self._call(
            "POST",
            _SEND,
            sends=True,
            params={"uploadType": "media"},
            data=raw,
            headers={"Content-Type": "message/rfc822"},
        )
        facts = get_json(response)
        if not facts.get("id"):
            raise OutcomeUnknown(f"{response.status_code} without a message id")
        return SendResult(
            str(facts["id"]),
            f"{response.status_code} accepted",
            thread_id=str(facts.get("threadId") or ""),
        )

    def find_sent(self, message_id: str) -> bool | None:
        if not self._can_read:
            return None
        response = self._call(
            "GET",
            _MESSAGES,
            params={
                "q": f"rfc822msgid:{message_id.strip('<>')}",
                "includeSpamTrash": "true",
                "maxResults": 1,
            },
        )
        facts = get_json(response)
        return (
            bool(facts.get("messages"))
            if "resultSizeEstimate" in facts or "messages" in facts
            else None
        )

    def _classify(
        self, response: requests.Response, text: str, sends: bool
    ) -> TransportError:
        reasons = get_reasons(response)
        if response.status_code in (403, 429) and (
            "dailyLimitExceeded" in reasons or _DAILY.search(text)
        ):
            return RateLimited(text, retry_after(response, text, otherwise=DAY))
        if response.status_code == 403 and reasons & GOOGLE_RATE:
            return RateLimited(
                text, retry_after(response, text, otherwise=timedelta(minutes=5))
            )
        common = classify_common(response, text, sends)
        if common:
            return common
        if reasons & _CLOSED:
            return AuthenticationFailed(text)
        if response.status_code == 403:
            return PolicyRefused(text)
        if response.status_code == 400 and _RECIPIENT.search(text):
            return RecipientRefused(text, permanent=True)
        return MessageRefused(text)
