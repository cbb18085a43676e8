import base64
import hashlib
import hmac
import json
from contextlib import contextmanager
from datetime import timedelta
from unittest.mock import patch

import requests
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.service.model import call_kw
from odoo.tests import HttpCase, new_test_user, tagged
from odoo.tools import SQL, mute_logger

from ..core.mail.webhooks import SERVICES, Refused, Report, Service
from ..core.mail.webhooks.base import make_mark
from .common import ChaserCase, FakeTransport

KEY = ec.generate_private_key(ec.SECP256R1())
SENDGRID_SECRET = base64.b64encode(
    KEY.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
).decode()
MAILGUN_SECRET, POSTMARK_SECRET = "key-4711-Sesam", "pop:Sesam-öffne-dich"
EVENT = "chaser.webhook.event"


class Pigeon(Service):
    """A mail service that nobody has heard of."""

    name, label = "pigeon", "Pigeon Post"
    hint = "Proof: the ring on its leg."

    def verify(self, request, secret, now, fetch):
        if request.headers.get("ring") != secret:
            raise Refused("another ring")
        return hashlib.sha256(request.body).hexdigest()

    def parse(self, body):
        message_ids = (body.decode(),)
        return [
            Report("p1", "delivered", fields.Datetime.now(), message_ids=message_ids)
        ]

    def get_headers(self, mark):
        return {"X-Ring": mark}


class WebhookCase(ChaserCase, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider.write(
            {"webhook_service": "sendgrid", "webhook_secret": SENDGRID_SECRET}
        )
        cls.provider._set_state("connected")
        cls.transport = FakeTransport()
        cls.campaign = cls("test_delivered")._campaign(cls._make_invoice())
        cls.campaign.action_send()
        cls("test_delivered")._run(cls.transport)
        cls.reminder = cls.campaign.reminder_ids
        cls.reminder.sudo().sent_at = fields.Datetime.now() - timedelta(minutes=10)
        cls.token = cls.provider.sudo().webhook_token
        cls.path = f"/chaser/webhook/sendgrid/{cls.token}"
        cls.manager = new_test_user(
            cls.env,
            "webhook_manager",
            "invoice_chaser.group_chaser_manager",
            company_id=cls.company.id,
        )
        cls.env.flush_all()

    @contextmanager
    def enter_registry_test_mode(self):
        yield  # it is on for the whole class

    def _sg(self, event, number=1, **values):
        return {
            "email": "finance@alnoor.example",
            "timestamp": int(
                (fields.Datetime.now() - timedelta(minutes=5)).timestamp()
            ),
            "event": event,
            "smtp-id": self.reminder.message_id,
            "sg_event_id": f"{event}-{number}",
            **values,
        }

    def _post(self, events, path=None, key=KEY, body=None, **headers):
        body = json.dumps(events).encode() if body is None else body
        signature = base64.b64encode(
            key.sign(b"1" + body, ec.ECDSA(hashes.SHA256()))
        ).decode()
        headers = {
            "Content-Type": "application/json",
            "X-Twilio-Email-Event-Webhook-Signature": signature,
            "X-Twilio-Email-Event-Webhook-Timestamp": "1",
        } | headers
        with self.assertNoLogs(level="WARNING"):
            answer = self.url_open(
                path or self.path, data=body, headers=headers, allow_redirects=False
            )
        self.assertNotIn("Set-Cookie", answer.headers)
        self.assertEqual(answer.text, "")
        self.env.invalidate_all()
        return answer.status_code

    def _work(self):
        self.env.ref("invoice_chaser.ir_cron_process_webhooks").method_direct_trigger()
        self.env.invalidate_all()

    def _stored(self):
        return self.env[EVENT].search(
            [("provider_id", "=", self.provider.id)], order="id"
        )

    def _facts(self):
        return self.env["chaser.event"].search(
            [("reminder_id", "=", self.reminder.id), ("source", "=", "webhook")],
            order="id",
        )


@tagged("post_install", "-at_install")
class TestWebhooks(WebhookCase):
    # -- taking in

    def test_delivered(self):
        self.assertEqual(self._post([self._sg("delivered")]), 200)
        self.assertRecordValues(
            self._stored(),
            [
                {
                    "is_processed": False,
                    "service": "sendgrid",
                    "company_id": self.company.id,
                }
            ],
        )
        self.assertFalse(self._facts(), "answered before anything is worked off")
        self._work()
        self.assertRecordValues(
            self._stored(),
            [
                {
                    "is_processed": True,
                    "report_count": 1,
                    "matched_count": 1,
                    "error": False,
                }
            ],
        )
        self.assertEqual(
            (self.reminder.status, self._facts().event_type), ("delivered", "delivered")
        )

    def test_repeated_is_once(self):
        events = [self._sg("delivered")]
        for _time in range(3):
            self.assertEqual(self._post(events), 200)
        self.assertEqual(len(self._stored()), 1)
        self._work()
        self._post([*events, self._sg("open", useragent="Mozilla/5.0 (iPhone) Mail")])
        self._work()
        self.assertEqual(
            self._facts().mapped("event_type"),
            ["delivered", "opened"],
            "the same fact in another report counts once",
        )
        self.assertEqual(self._stored().mapped("matched_count"), [1, 1])

    def test_refused(self):
        other = ec.generate_private_key(ec.SECP256R1())
        for expected, options in (
            (403, {"key": other}),
            (403, {"X-Twilio-Email-Event-Webhook-Signature": ""}),
            (403, {"X-Twilio-Email-Event-Webhook-Timestamp": "2"}),
            (404, {"path": "/chaser/webhook/sendgrid/" + "a" * 32}),
            (404, {"path": "/chaser/webhook/sendgrid/x"}),
            (404, {"path": f"/chaser/webhook/mailgun/{self.token}"}),
            (404, {"path": f"/chaser/webhook/nobody/{self.token}"}),
            (404, {"path": "/chaser/webhook/sendgrid/%00"}),
            (413, {"body": b"x" * 1_100_000}),
        ):
            with self.subTest(expected=expected, options=str(options)[:80]):
                self.assertEqual(
                    self._post([self._sg("delivered")], **options), expected
                )
        self.assertFalse(self._stored())

    def test_a_new_service_needs_nothing_here(self):
        """Its own module names, labels and explains it, and does the rest."""
        pigeon = Pigeon()
        with patch.dict(SERVICES, {"pigeon": pigeon}):
            for model, name in (
                (self.provider, "webhook_service"),
                (self.env[EVENT], "service"),
            ):
                words = dict(model._fields[name]._description_selection(self.env))
                self.assertEqual(words["pigeon"], "Pigeon Post")
            self.provider.write(
                {"webhook_service": "pigeon", "webhook_secret": "ring 7"}
            )
            self.assertEqual(self.provider.webhook_hint, pigeon.hint)
            path = f"/chaser/webhook/pigeon/{self.token}"
            body = self.reminder.message_id.encode()
            self.assertEqual(self._post(None, path, body=body), 403)
            self.assertEqual(self._post(None, path, body=body, Ring="ring 7"), 200)
            self._work()
            self.assertEqual(self._facts().mapped("event_type"), ["delivered"])
            self.assertIn("Pigeon Post", self._stored().display_name)

    def test_refused_without_a_proof(self):
        self.provider.with_user(self.manager).action_clear_webhook_secret()
        self.assertEqual(self._post([self._sg("delivered")]), 403)
        self.assertFalse(self._stored())

    def test_other_methods_change_nothing(self):
        for method in ("GET", "HEAD", "PUT", "OPTIONS"):
            with self.subTest(method=method):
                self.assertIn(
                    self.url_open(self.path, method=method).status_code, (200, 204, 405)
                )
        self.assertFalse(self._stored())

    def test_trouble_on_our_side_asks_to_come_again(self):
        with patch.object(
            type(self.env[EVENT]), "_store", side_effect=RuntimeError("no disk")
        ):
            self.assertEqual(self._post([self._sg("delivered")]), 503)
        self.assertEqual(self._post([self._sg("delivered")]), 200)

    def test_other_services(self):
        self.provider.write(
            {"webhook_service": "mailgun", "webhook_secret": MAILGUN_SECRET}
        )
        self.env.flush_all()
        stamp, token = str(int(fields.Datetime.now().timestamp())), "t" * 50
        signature = hmac.new(
            MAILGUN_SECRET.encode(), (stamp + token).encode(), hashlib.sha256
        ).hexdigest()
        body = {
            "signature": {"timestamp": stamp, "token": token, "signature": signature},
            "event-data": {
                "event": "delivered",
                "id": "mg1",
                "timestamp": int(stamp),
                "recipient": "finance@alnoor.example",
                "message": {
                    "headers": {"message-id": self.reminder.message_id.strip("<>")}
                },
            },
        }
        self.assertEqual(
            self._post(body, path=f"/chaser/webhook/mailgun/{self.token}"), 200
        )
        body["event-data"]["event"] = "failed"
        self.assertEqual(
            self._post(body, path=f"/chaser/webhook/mailgun/{self.token}"),
            200,
            "a used token brings nothing new",
        )
        self.provider.write(
            {"webhook_service": "postmark", "webhook_secret": POSTMARK_SECRET}
        )
        self.env.flush_all()
        mark = make_mark(self.reminder.message_id)
        body = {
            "RecordType": "Open",
            "MessageID": "m",
            "Metadata": {"chaser-id": mark},
            "Recipient": "finance@alnoor.example",
            "ReceivedAt": fields.Datetime.now().isoformat() + "Z",
            "UserAgent": "Mozilla/5.0 (iPhone) Mail",
        }
        credentials = base64.b64encode(POSTMARK_SECRET.encode()).decode()
        self.assertEqual(
            self._post(
                body,
                path=f"/chaser/webhook/postmark/{self.token}",
                Authorization=f"Basic {credentials}",
            ),
            200,
        )
        self._work()
        self.assertEqual(self._facts().mapped("event_type"), ["delivered", "opened"])
        self.assertFalse(any(self._stored().mapped("error")))

    # -- what it means

    def test_late_and_reordered_never_go_back(self):
        self._post(
            [
                self._sg(
                    "click",
                    url="https://pop.example/x",
                    useragent="Mozilla/5.0 (Windows NT 10.0) Firefox/130",
                )
            ]
        )
        self._work()
        self.assertEqual(self.reminder.status, "clicked")
        for number, event in enumerate(("delivered", "deferred", "bounce", "open")):
            self._post([self._sg(event, number, status="4.2.2", type="bounce")])
            self._work()
            self.assertEqual(self.reminder.status, "clicked")

    def test_hard_bounce_stops_the_address(self):
        self._post(
            [
                self._sg(
                    "bounce",
                    status="5.1.1",
                    type="bounce",
                    reason="550 5.1.1 no such user",
                )
            ]
        )
        self._work()
        self.assertEqual(self.reminder.status, "bounced")
        stopped = self.env["chaser.suppression"].search(
            [("email", "=", "finance@alnoor.example")]
        )
        self.assertEqual(
            (stopped.reason, stopped.reminder_id), ("hard_bounce", self.reminder)
        )

    def test_soft_bounce_and_complaint(self):
        self._post([self._sg("bounce", status="4.2.2", type="bounce", reason="full")])
        self._work()
        self.assertFalse(
            self.env["chaser.suppression"].search(
                [("email", "=", "finance@alnoor.example")]
            )
        )
        self._post([self._sg("spamreport")])
        self._work()
        self.assertEqual(
            self.env["chaser.suppression"]
            .search([("email", "=", "finance@alnoor.example")])
            .reason,
            "complaint",
        )

    def test_machines_do_not_count(self):
        self._post(
            [
                self._sg("open", sg_machine_open=True, useragent="Mozilla/5.0"),
                self._sg("open", 2, useragent="Barracuda Sentinel (EE)"),
            ]
        )
        self._work()
        self.assertEqual(self._facts().mapped("verdict"), ["machine", "machine"])
        self.assertEqual(self.reminder.status, "sent")

    def test_copy_to_a_colleague_says_nothing_about_the_customer(self):
        self._post(
            [
                self._sg(
                    "open",
                    email="sales@pop.example",
                    useragent="Mozilla/5.0 (iPhone) Mail",
                ),
                self._sg("delivered", **{"smtp-id": "<else@where>"}),
            ]
        )
        self._work()
        self.assertFalse(self._facts())
        self.assertRecordValues(
            self._stored(),
            [{"is_processed": True, "report_count": 2, "matched_count": 0}],
        )

    def test_report_settles_what_was_undecided(self):
        self.reminder.sudo().write(
            {"state": "failed", "is_undecided": True, "sent_at": False}
        )
        self._post([self._sg("delivered")])
        self._work()
        self.assertEqual(
            (self.reminder.state, self.reminder.is_undecided, self.reminder.status),
            ("sent", False, "delivered"),
        )
        self.assertTrue(self.reminder.sent_at)

    def test_never_across_companies(self):
        """The other company's service, with its own proof, reports about our message:
        nothing of ours changes."""
        other = self.env["res.company"].create(
            {"name": "Other", "email": "x@pop.example"}
        )
        foreign = self.env["chaser.provider"].create(
            {
                "kind": "smtp",
                "email": "box@pop.example",
                "smtp_host": "h",
                "company_id": other.id,
                "webhook_service": "sendgrid",
                "webhook_secret": SENDGRID_SECRET,
            }
        )
        self.env.flush_all()
        mark = make_mark(self.reminder.message_id)
        self.assertEqual(
            self._post(
                [self._sg("spamreport", chaser_id=mark)],
                path=f"/chaser/webhook/sendgrid/{foreign.sudo().webhook_token}",
            ),
            200,
        )
        self._work()
        self.assertFalse(self._facts())
        self.assertFalse(
            self.env["chaser.suppression"].search(
                [("email", "=", "finance@alnoor.example")]
            )
        )
        report = self.env[EVENT].sudo().search([("provider_id", "=", foreign.id)])
        self.assertEqual(
            (report.company_id, report.matched_count, report.is_processed),
            (other, 0, True),
        )
        self.assertFalse(
            self.env[EVENT].with_user(self.manager).search([("id", "=", report.id)])
        )

    def test_mark_in_the_message(self):
        """Some services replace the Message-ID; the mark in their own header comes
        back."""
        [message] = self.transport.sent
        mark = make_mark(self.reminder.message_id)
        self.assertEqual(
            json.loads(message.headers["X-SMTPAPI"]),
            {"unique_args": {"chaser_id": mark}},
        )
        self._post(
            [
                self._sg(
                    "delivered",
                    chaser_id=mark,
                    **{"smtp-id": "<other@sendgrid.example>"},
                )
            ]
        )
        self._work()
        self.assertEqual(self._facts().event_type, "delivered")

    def test_no_mark_without_a_service(self):
        self.provider.webhook_service = False
        campaign = self._campaign(
            self._make_invoice(self._make_customer("N", "n@x.example"))
        )
        campaign.action_send()
        [message] = self._run().sent
        self.assertFalse(
            [
                name
                for name in message.headers
                if name.startswith(("X-SMTPAPI", "X-SES", "X-PM", "X-Mailgun"))
            ]
        )

    # -- what goes wrong

    def test_error_is_kept_and_processed_again(self):
        self._post([self._sg("delivered", timestamp="soon")])
        self._work()
        [event] = self._stored()
        self.assertIn("It cannot be read", event.error)
        self._work()
        self._work()
        self._work()
        self.assertEqual(
            (event.attempt_count, event.is_processed), (3, False), "then a person looks"
        )
        event.sudo().payload = json.dumps([self._sg("delivered")])
        event.with_user(self.manager).action_process()
        self.assertEqual(
            (event.is_processed, event.error, self._facts().event_type),
            (True, False, "delivered"),
        )
        event.with_user(self.manager).action_process()
        self.assertEqual(len(self._facts()), 1)

    def test_one_faulty_report_does_not_stop_the_others(self):
        for number in range(3):
            self._post([self._sg("delivered", number)])
        original, faulty = type(self.env[EVENT])._process, self._stored()[0].id

        def process(event):
            if event.id == faulty:
                raise RuntimeError("boom")
            return original(event)

        with (
            patch.object(type(self.env[EVENT]), "_process", process),
            mute_logger(
                "odoo.addons.invoice_chaser.models.webhook.chaser_webhook_event"
            ),
        ):
            self._work()
        self.assertEqual(self._stored().mapped("is_processed"), [False, True, True])
        self._work()
        self.assertEqual(self._stored().mapped("is_processed"), [True, True, True])

    def test_death_in_the_middle_repeats_nothing(self):
        """Killed after the events were written, before the report was done: all of it
        is undone together."""

        class Killed(BaseException):
            pass

        self._post([self._sg("delivered")])
        with (
            patch.object(type(self.env[EVENT]), "_set_processed", side_effect=Killed),
            self.assertRaises(Killed),
            self.cr.savepoint(),
        ):
            self._stored().sudo()._process_safely()
        self.env.invalidate_all()
        self.assertFalse(self._facts())
        self._work()
        self.assertEqual(len(self._facts()), 1)

    # -- Amazon's question

    def _subscription(self):
        url = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=t"
        self.provider.write(
            {
                "webhook_service": "ses",
                "webhook_secret": "arn:aws:sns:eu-west-1:1:chaser",
            }
        )
        self.env.cr.execute(
            SQL(
                "UPDATE chaser_provider SET webhook_service = 'ses' WHERE id = %s",
                self.provider.id,
            )
        )
        self.env.flush_all()
        return self.env[EVENT].sudo().create(
            {
                "company_id": self.company.id,
                "provider_id": self.provider.id,
                "service": "ses",
                "external_key": "s1",
                "payload": json.dumps(
                    {"Type": "SubscriptionConfirmation", "SubscribeURL": url}
                ),
            }
        ), url

    def test_subscription_is_confirmed_by_a_person_only(self):
        event, url = self._subscription()
        asked = []
        with patch.object(
            type(event), "_get_url__", lambda _self, address: asked.append(address)
        ):
            self._work()
            self.assertEqual(
                (event.needs_confirmation, event.is_processed, asked), (True, False, [])
            )
            event.with_user(self.manager).action_confirm()
        self.assertEqual(asked, [url])
        self.assertEqual((event.needs_confirmation, event.is_processed), (False, True))
        with patch.object(
            type(event), "_get_url__", side_effect=AssertionError("asked again")
        ):
            event.with_user(self.manager).action_confirm()

    def test_confirmation_that_fails(self):
        event, _url = self._subscription()
        self._work()
        with (
            patch.object(
                type(event), "_get_url__", side_effect=requests.ConnectionError("down")
            ),
            self.assertRaisesRegex(Exception, "cannot be reached"),
        ):
            event.with_user(self.manager).action_confirm()
        self.assertTrue(event.needs_confirmation)
        event.sudo().subscribe_url = "https://evil.example/"
        with (
            patch.object(
                type(event), "_get_url__", side_effect=AssertionError("asked")
            ),
            self.assertRaisesRegex(Exception, "not one of Amazon"),
        ):
            event.with_user(self.manager).action_confirm()

    def test_only_amazon_is_asked_for_certificates(self):
        asked = []
        with patch.object(
            type(self.env[EVENT]),
            "_get_url__",
            lambda _self, url: asked.append(url) or b"pem",
        ):
            url = f"https://sns.eu-west-1.amazonaws.com/{self._testMethodName}.pem"
            for _time in range(2):
                self.assertEqual(self.env[EVENT]._fetch__(SERVICES["ses"], url), b"pem")
            for bad in (
                "https://evil.example/x.pem",
                "http://sns.eu-west-1.amazonaws.com/x.pem",
                "file:///etc/passwd",
            ):
                with self.assertRaises(Refused):
                    self.env[EVENT]._fetch__(SERVICES["ses"], bad)
        self.assertEqual(asked, [url], "once, then from memory")

    def test_redirects_are_not_followed(self):
        with patch("requests.get") as get:
            get.return_value.status_code = 302
            with self.assertRaises(requests.RequestException):
                self.env[EVENT]._get_url__("https://sns.eu-west-1.amazonaws.com/x.pem")
            self.assertFalse(get.call_args.kwargs["allow_redirects"])
            self.assertLessEqual(get.call_args.kwargs["timeout"], 5)

    # -- secrets and rights

    def test_nobody_reads_proof_or_token(self):
        sealed = self.provider.sudo().webhook_secret_sealed
        self.assertTrue(sealed.startswith("c1."))
        self.assertNotIn(SENDGRID_SECRET, sealed)
        admin = new_test_user(
            self.env,
            "webhook_admin",
            "base.group_system,invoice_chaser.group_chaser_manager,base.group_allow_export",
            company_id=self.company.id,
        )
        for user in (self.accountant, self.manager, admin):
            model, ids = (
                self.env(user=user, su=False)["chaser.provider"],
                self.provider.ids,
            )
            for name in ("webhook_secret_sealed", "webhook_token"):
                for method, *args in (
                    ("read", ids, [name]),
                    ("search", [(name, "=like", "%")]),
                    ("search_read", [], [name]),
                    ("export_data", ids, [name]),
                    ("formatted_read_group", [], [name], ["__count"]),
                    ("write", ids, {name: "x"}),
                    ("web_save", ids, {name: "x"}, {}),
                ):
                    refusal = UserError if method == "export_data" else AccessError
                    with (
                        self.subTest(user=user.login, name=name, method=method),
                        self.assertRaises(refusal) as caught,
                    ):
                        call_kw(model, method, list(args), {})
                    self.assertNotIn(sealed, str(caught.exception))
                    self.assertNotIn(self.token, str(caught.exception))
            answers = str(
                [
                    call_kw(model, "read", [ids], {})
                    if user != self.accountant
                    else "",
                    call_kw(model, "fields_get", [], {}),
                ]
            )
            self.assertNotIn(sealed, answers)
            self.assertNotIn(SENDGRID_SECRET, answers)
        self.assertFalse(self.provider.with_user(self.manager).webhook_secret)
        with self.assertRaises(AccessError):
            call_kw(
                self.env(user=self.accountant, su=False)["chaser.provider"],
                "read",
                [self.provider.ids, ["webhook_url"]],
                {},
            )

    def test_address_for_the_manager(self):
        self.assertTrue(
            self.provider.with_user(self.manager).webhook_url.endswith(self.path)
        )
        self.provider.with_user(self.manager).action_new_webhook_address()
        self.env.flush_all()
        self.assertEqual(self._post([self._sg("delivered")]), 404, "the old address")
        self.assertFalse(
            self.provider.copy({"email": "copy@pop.example"}).sudo().webhook_token
        )

    def test_another_service_needs_another_proof(self):
        self.provider.webhook_service = "mailgun"
        self.assertFalse(self.provider.has_webhook_secret)

    def test_accountant_sees_and_does_nothing_here(self):
        self._post([self._sg("delivered")])
        event = self._stored()
        for method in ("action_process", "action_confirm"):
            with self.subTest(method=method), self.assertRaises(AccessError):
                call_kw(
                    self.env(user=self.accountant, su=False)[EVENT],
                    method,
                    [event.ids],
                    {},
                )
        with self.assertRaises(AccessError):
            event.with_user(self.accountant).read(["payload"])
        with self.assertRaises(AccessError):
            event.with_user(self.manager).write({"payload": "x"})

    # -- forgetting

    def test_raw_data_is_forgotten(self):
        self.company.chaser_retention_days = 30
        self._post(
            [
                self._sg("open", useragent="Mozilla/5.0 (iPhone) Mail", ip="192.0.2.7"),
                self._sg("bounce", status="4.2.2", type="bounce", reason="full"),
            ]
        )
        self._work()
        opened, bounced = self._facts()
        self.assertTrue(opened.ip_address and opened.user_agent and opened.raw_data)
        self.env["chaser.retention"]._gc_reports()
        self.env["chaser.retention"]._gc_events()
        self.assertTrue(opened.ip_address and self._stored(), "not yet")
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE chaser_event SET occurred_at = occurred_at - interval '31 days'"
        )
        self.env.cr.execute(
            "UPDATE chaser_webhook_event SET received_at = received_at - interval "
            "'31 days'"
        )
        self.env.invalidate_all()
        self.company.chaser_retention_days = 0
        self.env["chaser.retention"]._gc_reports()
        self.env["chaser.retention"]._gc_events()
        self.assertTrue(self._stored() and opened.ip_address, "0: keep")
        self.company.chaser_retention_days = 30
        self.env["chaser.retention"]._gc_reports()
        self.env["chaser.retention"]._gc_events()
        self.env.invalidate_all()
        self.assertFalse(self._stored())
        self.assertEqual(
            (opened.ip_address, opened.user_agent, opened.raw_data, opened.event_type),
            (False, False, False, "opened"),
        )
        self.assertEqual(
            bounced.raw_data["bounce_class"], "soft", "the bounce policy counts it"
        )
        self.assertTrue(opened.verdict)
