"""Amazon SES through SNS.

Secret: the ARN of the SNS topic. Any customer of Amazon can have SNS sign a message, so
the signature alone proves nothing: the topic must be the manager's own. The certificate
is fetched from ``https://sns.<region>.amazonaws.com`` and nowhere else (docs:
"Verifying the signatures of Amazon SNS messages"; versions 1, SHA-1, and 2, SHA-256).
"""

import base64
import binascii
import hmac
import re
from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from .base import (
    Malformed,
    Refused,
    Report,
    Service,
    WebhookRequest,
    _,
    bracket,
    moment,
    part,
    read_json,
    text,
    valid_mark,
)

_HOST = re.compile(r"sns\.[a-z]{2}(-[a-z]+)+-\d\.amazonaws\.com(\.cn)?")
_SIGNED = {
    "Notification": (
        "Message",
        "MessageId",
        "Subject",
        "Timestamp",
        "TopicArn",
        "Type",
    ),
    "SubscriptionConfirmation": (
        "Message",
        "MessageId",
        "SubscribeURL",
        "Timestamp",
        "Token",
        "TopicArn",
        "Type",
    ),
    "UnsubscribeConfirmation": (
        "Message",
        "MessageId",
        "SubscribeURL",
        "Timestamp",
        "Token",
        "TopicArn",
        "Type",
    ),
}
_HASHES = {"1": hashes.SHA1, "2": hashes.SHA256}  # noqa: S303  # what the service offers; 2 is the manager's choice at SNS
_TYPES = {
    "Delivery": "delivered",
    "Bounce": "bounced",
    "Complaint": "complained",
    "DeliveryDelay": "deferred",
    "Open": "opened",
    "Click": "clicked",
    "Reject": "bounced",
}


def is_sns_url(url: str) -> bool:
    """Whether an address is one of SNS itself, over HTTPS."""
    try:
        split = urlsplit(url)
        return (
            split.scheme == "https"
            and split.port in (None, 443)
            and not split.username
            and bool(_HOST.fullmatch(split.hostname or ""))
        )
    except ValueError:
        return False


class Ses(Service):
    name = "ses"
    label = "Amazon SES"
    # pylint: disable-next=prefer-env-translation  # only marked here
    hint = _(
        "Proof: the ARN of the SNS topic that gets the events of your "
        "configuration set (arn:aws:sns:…). "
        "After the subscription, confirm it under Reports of the Mail Service."
    )

    def verify(
        self,
        request: WebhookRequest,
        secret: str,
        now: datetime,
        fetch: Callable[[str], bytes],
    ) -> str:
        try:
            data = read_json(request.body, dict)
        except Malformed:
            raise Refused("no message of SNS") from None
        signed = _SIGNED.get(data.get("Type"))
        if not signed or any(
            not isinstance(data.get(name), str) for name in signed if name != "Subject"
        ):
            raise Refused("no message of SNS")
        # Before anything is fetched: only the manager's own topic gets that far.
        if not secret or not hmac.compare_digest(
            data["TopicArn"].encode(), secret.strip().encode()
        ):
            raise Refused("another topic")
        url = data.get("SigningCertURL")
        if (
            not isinstance(url, str)
            or not is_sns_url(url)
            or not urlsplit(url).path.endswith(".pem")
        ):
            raise Refused("a certificate from elsewhere")
        _check_signature(data, signed, fetch(url), now)
        return data["MessageId"]

    def parse(self, body: bytes) -> list[Report]:
        data = read_json(body, dict)
        if data.get("Type") != "Notification":
            return []
        try:
            event = read_json(text(data, "Message", 1_000_000).encode(), dict)
        except Malformed:
            return []  # a test message of the topic is plain text
        name = text(event, "eventType") or text(event, "notificationType")
        kind = _TYPES.get(name)
        if not kind:
            return []
        return _make_reports(text(data, "MessageId"), event, name, kind)

    def get_headers(self, mark: str) -> dict[str, str]:
        return {"X-SES-MESSAGE-TAGS": f"chaser_id={mark}"}

    def is_own_url(self, url: str) -> bool:
        return is_sns_url(url)

    def get_subscribe_url(self, body: bytes) -> str:
        """The address that confirms the subscription, of a verified request that asks
        for it; empty for any other."""
        data = read_json(body, dict)
        url = (
            text(data, "SubscribeURL", 2000)
            if data.get("Type") == "SubscriptionConfirmation"
            else ""
        )
        return url if is_sns_url(url) else ""


def _check_signature(data: dict, signed: tuple, pem: bytes, now: datetime) -> None:
    canonical = "".join(
        f"{name}\n{data[name]}\n" for name in signed if data.get(name) is not None
    )
    try:
        certificate = x509.load_pem_x509_certificate(pem)
        key, algorithm = (
            certificate.public_key(),
            _HASHES[str(data.get("SignatureVersion"))](),
        )
        signature = base64.b64decode(str(data.get("Signature")), validate=True)
    except (ValueError, KeyError, binascii.Error):
        raise Refused("no usable certificate or signature") from None
    if not isinstance(key, rsa.RSAPublicKey):
        raise Refused("no usable certificate or signature")
    if (
        not certificate.not_valid_before_utc.replace(tzinfo=None)
        <= now
        <= certificate.not_valid_after_utc.replace(tzinfo=None)
    ):
        raise Refused("the certificate is not valid now")
    try:
        key.verify(signature, canonical.encode(), padding.PKCS1v15(), algorithm)
    except InvalidSignature:
        raise Refused("wrong signature") from None


def _make_reports(event_id: str, event: dict, name: str, kind: str) -> list[Report]:
    mail = part(event, "mail")
    details = part(event, name[0].lower() + name[1:])
    headers = mail.get("headers") if isinstance(mail.get("headers"), list) else []
    own = [
        text(header, "value")
        for header in headers
        if text(header, "name").lower() == "message-id"
    ]
    tags = part(mail, "tags").get("chaser_id")
    people = _get_recipients(mail, details)
    return [
        Report(
            event_id=f"{event_id}:{number}",
            event_type=kind,
            at=moment(details.get("timestamp") or mail.get("timestamp")),
            recipient=recipient,
            message_ids=tuple(
                dict.fromkeys(
                    filter(
                        None,
                        map(
                            bracket,
                            [*own, text(part(mail, "commonHeaders"), "messageId")],
                        ),
                    )
                )
            ),
            mark=valid_mark(tags[0] if isinstance(tags, list) and tags else None),
            bounce=_get_bounce(name, details) if kind == "bounced" else "",
            detail=reason or text(details, "reason") or text(details, "smtpResponse"),
            link=text(details, "link", 2000),
            user_agent=text(details, "userAgent"),
            ip=text(details, "ipAddress", 45),
        )
        for number, (recipient, reason) in enumerate(people)
    ]


def _get_recipients(mail: dict, details: dict) -> list[tuple[str, str]]:
    """(address, what the server said) of those whom the event is about."""
    for name in ("bouncedRecipients", "complainedRecipients", "delayedRecipients"):
        rows = details.get(name)
        if isinstance(rows, list):
            return [
                (text(row, "emailAddress"), text(row, "diagnosticCode")) for row in rows
            ]
    for rows in (details.get("recipients"), mail.get("destination")):
        if isinstance(rows, list):
            return [(row, "") for row in rows if isinstance(row, str)][
                : 1 if "userAgent" in details else None
            ]
    return [("", "")]


def _get_bounce(name: str, details: dict) -> str:
    if name == "Reject":
        return "policy"
    kind = text(details, "bounceType")
    if kind == "Permanent":
        return "hard"
    return (
        "policy"
        if text(details, "bounceSubType") in ("ContentRejected", "AttachmentRejected")
        else "soft"
    )


SES = Ses()
