"""Mailgun webhooks.

Secret: the *HTTP webhook signing key*. The signature is HMAC-SHA256 over timestamp and
token only, not over the rest; therefore each token counts once, and an old one not at
all (docs: "Securing Webhooks"). Mailgun repeats for eight hours what we did not take.
"""

import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

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
    "delivered": "delivered",
    "failed": "bounced",
    "opened": "opened",
    "clicked": "clicked",
    "complained": "complained",
    "unsubscribed": "unsubscribed",
    "rejected": "bounced",
}
_WINDOW = timedelta(hours=9)


class Mailgun(Service):
    name = "mailgun"
    label = "Mailgun"
    # pylint: disable-next=prefer-env-translation  # only marked here
    hint = _("Proof: the HTTP webhook signing key of Sending ▸ Webhooks.")

    def verify(
        self,
        request: WebhookRequest,
        secret: str,
        now: datetime,
        fetch: Callable[[str], bytes],
    ) -> str:
        try:
            signature = part(read_json(request.body, dict), "signature")
            stamp, token, given = (
                text(signature, name, 200)
                for name in ("timestamp", "token", "signature")
            )
            sent = datetime.fromtimestamp(int(stamp), timezone.utc).replace(tzinfo=None)
        except (Malformed, ValueError, OverflowError, OSError):
            raise Refused("no signature") from None
        expected = hmac.new(
            secret.encode(), f"{stamp}{token}".encode(), hashlib.sha256
        ).hexdigest()
        if (
            not secret
            or not token
            or not hmac.compare_digest(expected.encode(), given.encode())
        ):
            raise Refused("wrong signature")
        if not -_WINDOW < now - sent < _WINDOW:
            raise Refused("too old")
        return token

    def parse(self, body: bytes) -> list[Report]:
        event = part(read_json(body, dict), "event-data")
        kind = _TYPES.get(text(event, "event"))
        if not kind:
            return []
        if not text(event, "id"):
            raise Malformed("an event without id")
        temporary = kind == "bounced" and text(event, "severity") == "temporary"
        status, client = part(event, "delivery-status"), part(event, "client-info")
        return [
            Report(
                event_id=text(event, "id"),
                event_type="deferred" if temporary else kind,
                at=moment(event.get("timestamp")),
                recipient=text(event, "recipient"),
                message_ids=tuple(
                    filter(
                        None,
                        [
                            bracket(
                                text(part(event, "message", "headers"), "message-id")
                            )
                        ],
                    )
                ),
                mark=valid_mark(part(event, "user-variables").get("chaser_id")),
                bounce=_get_bounce(event)
                if kind == "bounced" and not temporary
                else "",
                detail=text(status, "message")
                or text(status, "description")
                or text(event, "reason"),
                link=text(event, "url", 2000),
                user_agent=text(client, "user-agent"),
                ip=text(event, "ip", 45),
                country=country(text(part(event, "geolocation"), "country", 10)),
                city=text(part(event, "geolocation"), "city", 100),
                client=text(client, "client-name", 100),
                machine=bool(text(client, "bot")),
            )
        ]

    def get_headers(self, mark: str) -> dict[str, str]:
        return {"X-Mailgun-Variables": json.dumps({"chaser_id": mark})}


def _get_bounce(event: dict) -> str:
    if text(event, "event") == "rejected":
        return "policy"
    code = text(part(event, "delivery-status"), "enhanced-code")
    if code.startswith("5.7") or "spam" in text(event, "reason").lower():
        return "policy"
    # 5.2.2: a full mailbox empties again (RFC 3463).
    return "soft" if code == "5.2.2" else "hard"


MAILGUN = Mailgun()
