"""Reports of mail services: only reports of the service itself are accepted, and they
are read correctly. Bodies as the services document them."""

import base64
import hashlib
import hmac
import json
from datetime import datetime, timedelta, timezone

import pytest
from core.mail import webhooks
from core.mail.webhooks import (
    SERVICES,
    Malformed,
    Refused,
    WebhookRequest,
    find_services,
)
from core.mail.webhooks.base import make_mark, moment
from core.mail.webhooks.mailgun import MAILGUN
from core.mail.webhooks.postmark import POSTMARK
from core.mail.webhooks.sendgrid import SENDGRID
from core.mail.webhooks.ses import SES, is_sns_url
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

NOW = datetime(2026, 11, 21, 8, 0)
MARK = "0123456789abcdef" * 2
MESSAGE_ID = f"<chaser.{MARK}@pop.example>"


def never(url):
    raise AssertionError(f"asked for {url}")


# -- SendGrid

SG_KEY = ec.generate_private_key(ec.SECP256R1())
SG_SECRET = base64.b64encode(
    SG_KEY.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
).decode()


def sendgrid(events, key=SG_KEY, stamp="1795248000", **changes):
    body = json.dumps(events).encode()
    signature = base64.b64encode(
        key.sign(stamp.encode() + body, ec.ECDSA(hashes.SHA256()))
    ).decode()
    headers = {
        "x-twilio-email-event-webhook-signature": signature,
        "x-twilio-email-event-webhook-timestamp": stamp,
    } | changes
    return WebhookRequest(body, headers)


def sg(event, **values):
    return {
        "email": "finance@alnoor.example",
        "timestamp": 1795248000,
        "smtp-id": MESSAGE_ID,
        "event": event,
        "sg_event_id": f"id-{event}",
        "sg_message_id": "14c5d75ce93.dfd.64b469",
        "chaser_id": MARK,
        **values,
    }


def test_sendgrid_signature():
    request = sendgrid([sg("delivered")])
    assert (
        SENDGRID.verify(request, SG_SECRET, NOW, never)
        == hashlib.sha256(request.body).hexdigest()
    )
    for bad in (
        WebhookRequest(request.body + b" ", request.headers),
        WebhookRequest(request.body),
        sendgrid([], key=ec.generate_private_key(ec.SECP256R1())),
        WebhookRequest(
            request.body,
            dict(request.headers)
            | {"x-twilio-email-event-webhook-timestamp": "1795248001"},
        ),
        WebhookRequest(
            request.body,
            dict(request.headers) | {"x-twilio-email-event-webhook-signature": "%%%"},
        ),
        WebhookRequest(
            request.body,
            dict(request.headers) | {"x-twilio-email-event-webhook-signature": "AAAA"},
        ),
    ):
        with pytest.raises(Refused):
            SENDGRID.verify(bad, SG_SECRET, NOW, never)
    rsa_key = base64.b64encode(
        rsa.generate_private_key(65537, 2048)
        .public_key()
        .public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    ).decode()
    for secret in ("", "no key", "AAAA", rsa_key):
        with pytest.raises(Refused):
            SENDGRID.verify(request, secret, NOW, never)


@pytest.mark.parametrize(
    ("event", "kind", "bounce"),
    [
        (sg("delivered", response="250 OK"), "delivered", ""),
        (sg("deferred", response="400 try again"), "deferred", ""),
        (
            sg(
                "bounce", status="5.1.1", type="bounce", reason="550 5.1.1 no such user"
            ),
            "bounced",
            "hard",
        ),
        (sg("bounce", status="4.2.2", type="bounce", reason="full"), "bounced", "soft"),
        (sg("bounce", type="blocked", reason="spam"), "bounced", "policy"),
        (sg("dropped", reason="Bounced Address"), "bounced", "hard"),
        (sg("dropped", reason="Unsubscribed Address"), "bounced", "policy"),
        (sg("open", useragent="Mail", ip="192.0.2.1"), "opened", ""),
        (sg("click", url="https://pop.example/x"), "clicked", ""),
        (sg("spamreport"), "complained", ""),
        (sg("group_unsubscribe"), "unsubscribed", ""),
    ],
)
def test_sendgrid_events(event, kind, bounce):
    [report] = SENDGRID.parse(json.dumps([event]).encode())
    assert (report.event_type, report.bounce, report.mark, report.message_ids) == (
        kind,
        bounce,
        MARK,
        (MESSAGE_ID,),
    )
    assert (report.at, report.recipient, report.event_id) == (
        datetime(2026, 11, 21, 8, 0),
        "finance@alnoor.example",
        f"id-{event['event']}",
    )


def test_sendgrid_many_at_once():
    body = json.dumps(
        [
            sg("processed"),
            sg("delivered"),
            sg("open", sg_machine_open=True),
            sg("something new"),
        ]
    ).encode()
    assert [(report.event_type, report.machine) for report in SENDGRID.parse(body)] == [
        ("delivered", False),
        ("opened", True),
    ]


# -- Mailgun

MG_SECRET = "key-4711"


def mailgun(event, stamp=None, token="a" * 50, secret=MG_SECRET, **changes):
    stamp = stamp or str(int(NOW.replace(tzinfo=timezone.utc).timestamp()))
    signature = hmac.new(
        secret.encode(), (stamp + token).encode(), hashlib.sha256
    ).hexdigest()
    return WebhookRequest(
        json.dumps(
            {
                "signature": {
                    "timestamp": stamp,
                    "token": token,
                    "signature": signature,
                }
                | changes,
                "event-data": event,
            }
        ).encode()
    )


def mg(event, **values):
    return {
        "event": event,
        "id": f"mg-{event}",
        "timestamp": 1795248000.25,
        "recipient": "finance@alnoor.example",
        "message": {"headers": {"message-id": MESSAGE_ID.strip("<>")}},
        "user-variables": {"chaser_id": MARK},
        **values,
    }


def test_mailgun_signature():
    assert MAILGUN.verify(mailgun(mg("delivered")), MG_SECRET, NOW, never) == "a" * 50
    for request, secret, now in (
        (mailgun(mg("delivered")), "other", NOW),
        (mailgun(mg("delivered")), "", NOW),
        (mailgun(mg("delivered"), secret=""), "", NOW),
        (mailgun(mg("delivered"), signature="0" * 64), MG_SECRET, NOW),
        (mailgun(mg("delivered"), signature="é"), MG_SECRET, NOW),
        (mailgun(mg("delivered"), token=""), MG_SECRET, NOW),
        (mailgun(mg("delivered"), timestamp="x"), MG_SECRET, NOW),
        (mailgun(mg("delivered")), MG_SECRET, NOW + timedelta(hours=10)),
        (mailgun(mg("delivered")), MG_SECRET, NOW - timedelta(hours=10)),
        (WebhookRequest(b"[]"), MG_SECRET, NOW),
        (WebhookRequest(b"{}"), MG_SECRET, NOW),
        (WebhookRequest(b"\xff"), MG_SECRET, NOW),
        (
            WebhookRequest(
                b'{"signature": {"timestamp": "9999999999999999", "token": "x", '
                b'"signature": "y"}}'
            ),
            MG_SECRET,
            NOW,
        ),
    ):
        with pytest.raises(Refused):
            MAILGUN.verify(request, secret, now, never)


@pytest.mark.parametrize(
    ("event", "kind", "bounce"),
    [
        (mg("delivered"), "delivered", ""),
        (
            mg(
                "failed",
                severity="temporary",
                **{"delivery-status": {"message": "later"}},
            ),
            "deferred",
            "",
        ),
        (
            mg(
                "failed",
                severity="permanent",
                **{
                    "delivery-status": {
                        "enhanced-code": "5.1.1",
                        "message": "no such user",
                    }
                },
            ),
            "bounced",
            "hard",
        ),
        (
            mg(
                "failed",
                severity="permanent",
                **{"delivery-status": {"enhanced-code": "5.7.1"}},
            ),
            "bounced",
            "policy",
        ),
        (
            mg(
                "failed",
                severity="permanent",
                **{"delivery-status": {"enhanced-code": "5.2.2"}},
            ),
            "bounced",
            "soft",
        ),
        (
            mg("failed", severity="permanent", reason="suppress-bounce"),
            "bounced",
            "hard",
        ),
        (mg("rejected"), "bounced", "policy"),
        (
            mg(
                "opened",
                ip="192.0.2.1",
                **{"client-info": {"user-agent": "Mail", "bot": "apple"}},
            ),
            "opened",
            "",
        ),
        (mg("clicked", url="https://pop.example/x"), "clicked", ""),
        (mg("complained"), "complained", ""),
        (mg("unsubscribed"), "unsubscribed", ""),
    ],
)
def test_mailgun_events(event, kind, bounce):
    [report] = MAILGUN.parse(mailgun(event).body)
    assert (report.event_type, report.bounce, report.mark, report.message_ids) == (
        kind,
        bounce,
        MARK,
        (MESSAGE_ID,),
    )
    assert report.at == datetime(2026, 11, 21, 8, 0)
    assert report.machine is (event["event"] == "opened")


def test_mailgun_other_events_say_nothing():
    assert MAILGUN.parse(mailgun(mg("accepted")).body) == []
    assert MAILGUN.parse(mailgun(None).body) == []


# -- Postmark

PM_SECRET = "pop:Sesam"


def postmark(event, credentials=PM_SECRET, scheme="Basic"):
    return WebhookRequest(
        json.dumps(event).encode(),
        {
            "authorization": f"{scheme} "
            f"{base64.b64encode(credentials.encode()).decode()}"
        },
    )


def pm(record, **values):
    return {
        "RecordType": record,
        "MessageID": "883953f4-6105-42a2-a16a-77a8eac79483",
        "Metadata": {"chaser-id": MARK},
        "Recipient": "finance@alnoor.example",
        **values,
    }


def test_postmark_credentials():
    request = postmark(pm("Delivery", DeliveredAt="2026-11-21T08:00:00Z"))
    assert (
        POSTMARK.verify(request, PM_SECRET, NOW, never)
        == hashlib.sha256(request.body).hexdigest()
    )
    for bad, secret in (
        (postmark({}, "pop:wrong"), PM_SECRET),
        (postmark({}, scheme="Bearer"), PM_SECRET),
        (WebhookRequest(b"{}"), PM_SECRET),
        (WebhookRequest(b"{}", {"authorization": "Basic ÿ"}), PM_SECRET),
        (postmark({}, ""), ""),
        (postmark({}, "nocolon"), "nocolon"),
    ):
        with pytest.raises(Refused):
            POSTMARK.verify(bad, secret, NOW, never)


@pytest.mark.parametrize(
    ("event", "kind", "bounce"),
    [
        (
            pm("Delivery", DeliveredAt="2026-11-21T08:00:00Z", Details="250 OK"),
            "delivered",
            "",
        ),
        (
            pm(
                "Bounce",
                BouncedAt="2026-11-21T09:00:00.1234+01:00",
                Type="HardBounce",
                ID=4323372036854775807,
            ),
            "bounced",
            "hard",
        ),
        (
            pm("Bounce", BouncedAt="2026-11-21T08:00:00Z", Type="SoftBounce"),
            "bounced",
            "soft",
        ),
        (
            pm("Bounce", BouncedAt="2026-11-21T08:00:00Z", Type="SpamNotification"),
            "bounced",
            "policy",
        ),
        (
            pm("SpamComplaint", BouncedAt="2026-11-21T08:00:00Z", Type="SpamComplaint"),
            "complained",
            "",
        ),
        (
            pm(
                "Open",
                ReceivedAt="2026-11-21T08:00:00Z",
                UserAgent="Mail",
                Geo={"IP": "192.0.2.1"},
            ),
            "opened",
            "",
        ),
        (
            pm(
                "Click",
                ReceivedAt="2026-11-21T08:00:00Z",
                OriginalLink="https://pop.example/x",
            ),
            "clicked",
            "",
        ),
    ],
)
def test_postmark_events(event, kind, bounce):
    [report] = POSTMARK.parse(json.dumps(event).encode())
    assert (report.event_type, report.bounce, report.mark) == (kind, bounce, MARK)
    assert report.at == datetime(2026, 11, 21, 8, 0)
    assert report.event_id


def test_postmark_two_clicks_are_two_events():
    first, again, other = (
        POSTMARK.parse(
            json.dumps(
                pm("Click", ReceivedAt=at, OriginalLink="https://x.example")
            ).encode()
        )[0].event_id
        for at in (
            "2026-11-21T08:00:00Z",
            "2026-11-21T08:00:00Z",
            "2026-11-21T08:00:09Z",
        )
    )
    assert first == again != other
    assert POSTMARK.parse(json.dumps(pm("SubscriptionChange")).encode()) == []


def test_postmark_tells_place_and_program():
    """As in Postmark's own example of an open; ``country`` where known (7.1)."""
    event = pm(
        "Open",
        ReceivedAt="2026-11-21T08:00:00Z",
        Geo={"CountryISOCode": "AE", "City": "Dubai", "IP": "192.0.2.1"},
        Client={"Name": "Apple Mail", "Company": "Apple Inc.", "Family": "Apple Mail"},
    )
    [report] = POSTMARK.parse(json.dumps(event).encode())
    assert (report.country, report.city, report.client) == (
        "AE",
        "Dubai",
        "Apple Mail",
    )


def test_postmark_without_a_place():
    for geo in ({}, {"CountryISOCode": "Unknown"}, {"CountryISOCode": 7}, None):
        event = pm("Open", Geo=geo, ReceivedAt="2026-11-21T08:00:00Z")
        [report] = POSTMARK.parse(json.dumps(event).encode())
        assert (report.country, report.city) == ("", "")


# -- Amazon SES

ARN = "arn:aws:sns:eu-west-1:123456789012:chaser"
CERT_URL = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123.pem"
SNS_KEY = rsa.generate_private_key(65537, 2048)


def certificate(key=SNS_KEY, days=365):
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(days=10))
        .not_valid_after(NOW + timedelta(days=days))
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )


PEM = certificate()


def sns(message, kind="Notification", key=SNS_KEY, version="1", signed=True, **changes):
    data = {
        "Type": kind,
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": ARN,
        "Timestamp": "2026-11-21T08:00:00.000Z",
        "Message": message if isinstance(message, str) else json.dumps(message),
        "SignatureVersion": version,
        "SigningCertURL": CERT_URL,
    }
    if kind != "Notification":
        data |= {
            "SubscribeURL": "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=t",
            "Token": "t",
        }
    data |= changes
    names = [
        "Message",
        "MessageId",
        "Subject",
        "SubscribeURL",
        "Timestamp",
        "Token",
        "TopicArn",
        "Type",
    ]
    canonical = "".join(f"{name}\n{data[name]}\n" for name in names if name in data)
    algorithm = hashes.SHA256() if version == "2" else hashes.SHA1()
    data["Signature"] = (
        base64.b64encode(
            key.sign(canonical.encode(), padding.PKCS1v15(), algorithm)
        ).decode()
        if signed
        else "AAAA"
    )
    return WebhookRequest(json.dumps(data).encode())


def mail(**values):
    return {
        "timestamp": "2026-11-21T07:59:00.000Z",
        "messageId": "0100-ses",
        "destination": ["finance@alnoor.example"],
        "commonHeaders": {"messageId": MESSAGE_ID},
        "tags": {"chaser_id": [MARK]},
        **values,
    }


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize(
    "changes", [{}, {"Subject": "Amazon SES Email Event Notification"}]
)
def test_ses_signature(version, changes):
    request = sns({}, version=version, **changes)
    assert (
        SES.verify(request, ARN, NOW, {CERT_URL: PEM}.__getitem__)
        == "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324"
    )


def test_ses_refuses_before_it_fetches():
    for request, secret in (
        (sns({}), ""),
        (sns({}), ARN + "x"),
        (sns({}, TopicArn="arn:aws:sns:eu-west-1:999:other"), ARN),
        (WebhookRequest(b"x"), ARN),
        (WebhookRequest(b"{}"), ARN),
        (WebhookRequest(b'{"Type": "Notification"}'), ARN),
        (sns({}, kind="Else"), ARN),
        *(
            (sns({}, SigningCertURL=url), ARN)
            for url in (
                "http://sns.eu-west-1.amazonaws.com/x.pem",
                "https://sns.eu-west-1.amazonaws.com.evil.example/x.pem",
                "https://evil.example/x.pem",
                "https://sns.eu-west-1.amazonaws.com@evil.example/x.pem",
                "https://evil.example/sns.eu-west-1.amazonaws.com/x.pem",
                "https://sns.eu-west-1.amazonaws.com:8443/x.pem",
                "https://u:p@sns.eu-west-1.amazonaws.com/x.pem",
                "https://s3.eu-west-1.amazonaws.com/x.pem",
                "https://sns.eu-west-1.amazonaws.com/x.exe",
                "https://sns.amazonaws.com/x.pem",
                "file:///etc/passwd",
                "https://[/x.pem",
                "",
                None,
                7,
            )
        ),
    ):
        with pytest.raises(Refused):
            SES.verify(request, secret, NOW, never)


def test_ses_refuses_what_is_not_signed_so():
    other = rsa.generate_private_key(65537, 2048)
    good = json.loads(sns({"a": 1}).body)
    for request, pem, now in (
        (sns({}, signed=False), PEM, NOW),
        (sns({}, key=other), PEM, NOW),
        (sns({}), certificate(other), NOW),
        (sns({}), b"no certificate", NOW),
        (WebhookRequest(json.dumps(good | {"Message": "{}"}).encode()), PEM, NOW),
        (WebhookRequest(json.dumps(good | {"Subject": "x"}).encode()), PEM, NOW),
        (
            WebhookRequest(json.dumps(good | {"SignatureVersion": "3"}).encode()),
            PEM,
            NOW,
        ),
        (sns({}), PEM, NOW + timedelta(days=4000)),
        (sns({}, version="2", SignatureVersion="1"), PEM, NOW),
    ):
        with pytest.raises(Refused):
            SES.verify(request, ARN, now, lambda _url, pem=pem: pem)


@pytest.mark.parametrize(
    "region",
    ["eu-west-1", "us-east-1", "me-central-1", "us-gov-west-1", "ap-southeast-2"],
)
def test_ses_regions(region):
    assert is_sns_url(f"https://sns.{region}.amazonaws.com/x.pem")


def test_ses_china():
    assert is_sns_url("https://sns.cn-north-1.amazonaws.com.cn/x.pem")
    assert not is_sns_url("https://sns.cn-north-1.amazonaws.com.cn.evil.example/x.pem")


@pytest.mark.parametrize(
    ("event", "kind", "bounce", "detail"),
    [
        (
            {
                "eventType": "Delivery",
                "delivery": {
                    "timestamp": "2026-11-21T08:00:00Z",
                    "recipients": ["finance@alnoor.example"],
                    "smtpResponse": "250 ok",
                },
            },
            "delivered",
            "",
            "250 ok",
        ),
        (
            {
                "notificationType": "Bounce",
                "bounce": {
                    "bounceType": "Permanent",
                    "bounceSubType": "General",
                    "timestamp": "2026-11-21T08:00:00Z",
                    "bouncedRecipients": [
                        {
                            "emailAddress": "finance@alnoor.example",
                            "diagnosticCode": "smtp; 550 5.1.1",
                        }
                    ],
                },
            },
            "bounced",
            "hard",
            "smtp; 550 5.1.1",
        ),
        (
            {
                "eventType": "Bounce",
                "bounce": {
                    "bounceType": "Transient",
                    "bounceSubType": "MailboxFull",
                    "timestamp": "2026-11-21T08:00:00Z",
                    "bouncedRecipients": [{"emailAddress": "finance@alnoor.example"}],
                },
            },
            "bounced",
            "soft",
            "",
        ),
        (
            {
                "eventType": "Bounce",
                "bounce": {
                    "bounceType": "Transient",
                    "bounceSubType": "ContentRejected",
                    "timestamp": "2026-11-21T08:00:00Z",
                    "bouncedRecipients": [{"emailAddress": "finance@alnoor.example"}],
                },
            },
            "bounced",
            "policy",
            "",
        ),
        (
            {
                "eventType": "Complaint",
                "complaint": {
                    "timestamp": "2026-11-21T08:00:00Z",
                    "complainedRecipients": [
                        {"emailAddress": "finance@alnoor.example"}
                    ],
                },
            },
            "complained",
            "",
            "",
        ),
        (
            {
                "eventType": "DeliveryDelay",
                "deliveryDelay": {
                    "timestamp": "2026-11-21T08:00:00Z",
                    "delayedRecipients": [
                        {
                            "emailAddress": "finance@alnoor.example",
                            "diagnosticCode": "451",
                        }
                    ],
                },
            },
            "deferred",
            "",
            "451",
        ),
        (
            {
                "eventType": "Open",
                "open": {
                    "timestamp": "2026-11-21T08:00:00Z",
                    "userAgent": "Mail",
                    "ipAddress": "192.0.2.1",
                },
            },
            "opened",
            "",
            "",
        ),
        (
            {
                "eventType": "Click",
                "click": {
                    "timestamp": "2026-11-21T08:00:00Z",
                    "userAgent": "Mail",
                    "link": "https://pop.example/x",
                },
            },
            "clicked",
            "",
            "",
        ),
        (
            {
                "eventType": "Reject",
                "reject": {"reason": "Bad content"},
                "mail": mail(timestamp="2026-11-21T08:00:00Z"),
            },
            "bounced",
            "policy",
            "Bad content",
        ),
    ],
)
def test_ses_events(event, kind, bounce, detail):
    [report] = SES.parse(sns({"mail": mail(), **event}).body)
    assert (report.event_type, report.bounce, report.detail) == (kind, bounce, detail)
    assert (report.recipient, report.mark, report.message_ids) == (
        "finance@alnoor.example",
        MARK,
        (MESSAGE_ID,),
    )
    assert report.at == datetime(2026, 11, 21, 8, 0)


def test_ses_all_recipients():
    event = {
        "eventType": "Bounce",
        "mail": mail(),
        "bounce": {
            "bounceType": "Permanent",
            "timestamp": "2026-11-21T08:00:00Z",
            "bouncedRecipients": [
                {"emailAddress": "a@x.example"},
                {"emailAddress": "b@x.example"},
            ],
        },
    }
    reports = SES.parse(sns(event).body)
    assert [report.recipient for report in reports] == ["a@x.example", "b@x.example"]
    assert len({report.event_id for report in reports}) == 2


def test_ses_own_header_of_the_message():
    event = {
        "eventType": "Delivery",
        "mail": mail(
            headers=[{"name": "Message-ID", "value": MESSAGE_ID}],
            commonHeaders={},
            tags={},
        ),
        "delivery": {"timestamp": "2026-11-21T08:00:00Z"},
    }
    [report] = SES.parse(sns(event).body)
    assert (report.message_ids, report.mark) == ((MESSAGE_ID,), "")


def test_ses_subscription():
    request = sns("You have chosen to subscribe", kind="SubscriptionConfirmation")
    SES.verify(request, ARN, NOW, {CERT_URL: PEM}.__getitem__)
    assert SES.parse(request.body) == []
    assert SES.get_subscribe_url(request.body).startswith(
        "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription"
    )
    for url in (
        "https://evil.example/",
        "http://sns.eu-west-1.amazonaws.com/",
        "https://sns.eu-west-1.amazonaws.com.evil.example/",
    ):
        assert (
            SES.get_subscribe_url(
                sns("x", kind="SubscriptionConfirmation", SubscribeURL=url).body
            )
            == ""
        )
    assert SES.get_subscribe_url(sns({}).body) == ""


def test_ses_other_messages_say_nothing():
    for message in (
        "hello",
        "Successfully validated SNS topic for Amazon SES event publishing.",
        {"eventType": "Send", "mail": mail()},
        {},
        {"eventType": 7},
    ):
        assert SES.parse(sns(message).body) == []


# -- all of them

NEW_SERVICE = """
from core.mail.webhooks.base import Refused, Service, _


class Pigeon(Service):
    name = "pigeon"
    label = "Pigeon Post"
    hint = _("Proof: the ring on its leg.")

    def verify(self, request, secret, now, fetch):
        raise Refused("no ring")

    def parse(self, body):
        return []

    def get_headers(self, mark):
        return {"X-Ring": mark}


PIGEON = Pigeon()
"""


def test_a_file_is_all_that_a_new_service_needs(tmp_path, monkeypatch):
    (tmp_path / "pigeon.py").write_text(NEW_SERVICE)
    monkeypatch.setattr(webhooks, "__path__", [*webhooks.__path__, str(tmp_path)])
    found = find_services(webhooks.__path__)
    assert set(found) == {*SERVICES, "pigeon"}
    assert [one.label for one in found.values()] == sorted(
        one.label for one in found.values()
    )


@pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES)
def test_each_service_says_what_it_is_and_what_to_enter(service):
    assert service.name.isascii() and service.name.islower()
    assert service.label and service.hint.startswith("Proof: ")


@pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES)
def test_only_addresses_of_the_service_are_opened(service):
    assert not service.is_own_url("https://evil.example/x.pem")
    assert service.get_subscribe_url(b"{}") == ""


@pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"\xff\xfe",
        b"[" * 100_000,
        b"{}",
        b"[]",
        b'"x"',
        b"[1]",
        b'[{"event": "delivered"}]',
        b'{"event-data": 7}',
        b'{"event-data": {"event": "delivered", "id": "x", "timestamp": "soon"}}',
        b'{"RecordType": "Delivery"}',
        b'{"RecordType": "Delivery", "MessageID": [], "DeliveredAt": {}}',
        b'{"Type": "Notification", "Message": 7}',
    ],
)
def test_rubbish_is_refused_or_malformed(service, body):
    """No other exception: a verified report may still be unreadable."""
    try:
        assert service.parse(body) == []
    except Malformed as error:
        assert "\n" not in str(error) and str(error)
    with pytest.raises(Refused):
        service.verify(WebhookRequest(body), "secret:secret", NOW, never)


@pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES)
def test_mark_travels_in_a_header(service):
    headers = service.get_headers(MARK)
    assert MARK in " ".join(headers.values())
    assert all("\n" not in value and value.isascii() for value in headers.values())


def test_mark_of_a_message_id():
    assert make_mark(MESSAGE_ID) == MARK
    for other in (
        "",
        None,
        "<x@y>",
        f"<chaser.{MARK}@>",
        f"<chaser.{MARK[:-1]}@pop.example>",
        f"<chaser.{MARK}@pop.example>\n",
    ):
        assert make_mark(other) == ""


@pytest.mark.parametrize(
    "value",
    [
        "2026-11-21T08:00:00Z",
        "2026-11-21T12:00:00+04:00",
        1795248000,
        1795248000.9,
        "2026-11-21T08:00:00.999999",
    ],
)
def test_moment(value):
    assert moment(value) == NOW


@pytest.mark.parametrize(
    "value", [None, "", "soon", True, {}, [], 1e300, "9999-12-31T23:59:59-23:59"]
)
def test_no_moment(value):
    with pytest.raises(Malformed):
        moment(value)
