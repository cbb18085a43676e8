"""Twilio SendGrid, Event Webhook with signature.

Secret: the *Verification Key* of the Signed Event Webhook, base64 of a public key on
P-256. The signature is ECDSA with SHA-256 over timestamp and raw body (docs: "Getting
Started with the Event Webhook Security Features").
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Callable
from datetime import datetime

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

from .base import (
    Malformed,
    Refused,
    Report,
    Service,
    WebhookRequest,
    _,
    bracket,
    moment,
    read_json,
    text,
    valid_mark,
)

_TYPES = {
    "delivered": "delivered",
    "bounce": "bounced",
    "dropped": "bounced",
    "deferred": "deferred",
    "open": "opened",
    "click": "clicked",
    "spamreport": "complained",
    "unsubscribe": "unsubscribed",
    "group_unsubscribe": "unsubscribed",
}


class SendGrid(Service):
    name = "sendgrid"
    label = "SendGrid"
    # pylint: disable-next=prefer-env-translation  # only marked here
    hint = _(
        "Proof: the Verification Key of Mail Settings ▸ Event Webhook ▸ "
        "Signature Verification."
    )

    def verify(
        self,
        request: WebhookRequest,
        secret: str,
        now: datetime,
        fetch: Callable[[str], bytes],
    ) -> str:
        try:
            key = load_der_public_key(base64.b64decode(secret, validate=True))
            signature = base64.b64decode(
                request.headers.get("x-twilio-email-event-webhook-signature", ""),
                validate=True,
            )
        except (ValueError, binascii.Error, UnsupportedAlgorithm):
            raise Refused("key or signature is not base64 of one") from None
        if not isinstance(key, ec.EllipticCurvePublicKey):
            raise Refused("the key is not for ECDSA")
        stamp = request.headers.get("x-twilio-email-event-webhook-timestamp", "")
        try:
            key.verify(
                signature, stamp.encode() + request.body, ec.ECDSA(hashes.SHA256())
            )
        except InvalidSignature:
            raise Refused("wrong signature") from None
        return hashlib.sha256(request.body).hexdigest()

    def parse(self, body: bytes) -> list[Report]:
        reports = []
        for event in read_json(body, list):
            kind = _TYPES.get(text(event, "event"))
            if kind:
                reports.append(self._make_report(event, kind))
        return reports

    def _make_report(self, event: dict, kind: str) -> Report:
        event_id = text(event, "sg_event_id")
        if not event_id:
            raise Malformed("an event without sg_event_id")
        return Report(
            event_id=event_id,
            event_type=kind,
            at=moment(event.get("timestamp")),
            recipient=text(event, "email"),
            message_ids=tuple(filter(None, [bracket(text(event, "smtp-id"))])),
            mark=valid_mark(event.get("chaser_id")),
            bounce=_get_bounce(event) if kind == "bounced" else "",
            detail=text(event, "reason") or text(event, "response"),
            link=text(event, "url", 2000),
            user_agent=text(event, "useragent"),
            ip=text(event, "ip", 45),
            machine=event.get("sg_machine_open") is True,
        )

    def get_headers(self, mark: str) -> dict[str, str]:
        return {"X-SMTPAPI": json.dumps({"unique_args": {"chaser_id": mark}})}


def _get_bounce(event: dict) -> str:
    """``blocked``: refused for now or by policy; ``dropped``: SendGrid did not try,
    because of an older bounce, a complaint or a rule."""
    if text(event, "event") == "dropped":
        return (
            "hard"
            if "bounced" in text(event, "reason").lower()
            or "invalid" in text(event, "reason").lower()
            else "policy"
        )
    if text(event, "type") == "blocked":
        return "policy"
    return (
        "hard"
        if text(event, "status").startswith("5") or not text(event, "status")
        else "soft"
    )


SENDGRID = SendGrid()
