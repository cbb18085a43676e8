"""Postmark webhooks.

Secret: ``user:password``, entered at Postmark as the webhook's *Basic auth credentials*
as well. There is no signature; the address of the webhook is unguessable, too.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime

from .base import (
    Malformed,
    Refused,
    Report,
    Service,
    WebhookRequest,
    _,
    bracket,
    country,
    moment,
    part,
    read_json,
    text,
    valid_mark,
)

_TYPES = {
    "Delivery": "delivered",
    "Bounce": "bounced",
    "SpamComplaint": "complained",
    "Open": "opened",
    "Click": "clicked",
}
_TIMES = ("DeliveredAt", "BouncedAt", "ReceivedAt")
_HARD = {"HardBounce", "BadEmailAddress", "ManuallyDeactivated", "AddressChange"}
_POLICY = {"Blocked", "SpamNotification", "DMARCPolicy", "SMTPApiError", "Unconfirmed"}


class Postmark(Service):
    name = "postmark"
    label = "Postmark"
    # pylint: disable-next=prefer-env-translation  # only marked here
    hint = _(
        "Proof: user:password, entered at the webhook under Basic auth "
        "credentials as well."
    )

    def verify(
        self,
        request: WebhookRequest,
        secret: str,
        now: datetime,
        fetch: Callable[[str], bytes],
    ) -> str:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        try:
            given = base64.b64decode(given.strip(), validate=True)
        except (binascii.Error, ValueError):
            raise Refused("no user and password") from None
        if (
            scheme.lower() != "basic"
            or ":" not in secret
            or not hmac.compare_digest(given, secret.encode())
        ):
            raise Refused("wrong user or password")
        return hashlib.sha256(request.body).hexdigest()

    def parse(self, body: bytes) -> list[Report]:
        event = read_json(body, dict)
        record = text(event, "RecordType")
        kind = _TYPES.get(record)
        if not kind:
            return []
        message_id = text(event, "MessageID")
        stamp = next((text(event, name) for name in _TIMES if text(event, name)), "")
        if not message_id or not stamp:
            raise Malformed("an event without MessageID or time")
        recipient = text(event, "Recipient") or text(event, "Email")
        return [
            Report(
                event_id=text(event, "ID")
                or hashlib.sha256(
                    "|".join(
                        (
                            message_id,
                            record,
                            recipient,
                            stamp,
                            text(event, "OriginalLink"),
                        )
                    ).encode()
                ).hexdigest(),
                event_type=kind,
                at=moment(stamp),
                recipient=recipient,
                message_ids=(bracket(f"{message_id}@mtasv.net"),),
                mark=valid_mark(part(event, "Metadata").get("chaser-id")),
                bounce=self._get_bounce(text(event, "Type"))
                if kind == "bounced"
                else "",
                detail=text(event, "Details") or text(event, "Description"),
                link=text(event, "OriginalLink", 2000),
                user_agent=text(event, "UserAgent"),
                ip=text(part(event, "Geo"), "IP", 45),
                country=country(text(part(event, "Geo"), "CountryISOCode", 10)),
                city=text(part(event, "Geo"), "City", 100),
                client=text(part(event, "Client"), "Name", 100),
            )
        ]

    def _get_bounce(self, kind: str) -> str:
        if kind in ("Transient", "SoftBounce", "DnsError"):
            return "soft"
        return "policy" if kind in _POLICY else "hard" if kind in _HARD else "soft"

    def get_headers(self, mark: str) -> dict[str, str]:
        return {"X-PM-Metadata-chaser-id": mark, "X-PM-KeepID": "true"}


POSTMARK = Postmark()
