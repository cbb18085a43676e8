import hashlib
import hmac
import json
from contextlib import contextmanager

from odoo.tests import HttpCase, tagged

from odoo.addons.invoice_chaser.core.mail.errors import RecipientRefused
from odoo.addons.invoice_chaser.tests.channel_contract import ChannelContract
from odoo.addons.invoice_chaser.tests.common import ChaserCase, FakeTransport
from odoo.addons.invoice_chaser.tests.inbound_common import InboundCase


class SmsCase(ChannelContract, ChaserCase):
    channel = "sms_test"
    no_address_reason = "sms_test_no_number"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.mailbox = cls.env["chaser.provider"].create(
            {
                "company_id": cls.company.id,
                "name": "Short messages",
                "kind": "sms_test",
                "email": False,
                "sms_test_url": "http://127.0.0.1:1",
                "sms_test_key": "a-secret-key",
                "batch_pause": 0,
                "jitter_min": 0,
                "jitter_max": 0,
            }
        )
        cls.mailbox._set_state("connected")

    def give_address(self, partner):
        partner.phone = f"+971 50 {partner.id:07d}"

    def take_address(self, partner):
        partner.phone = False

    def get_address(self, message):
        return message.number


@tagged("post_install", "-at_install")
class TestContract(SmsCase):
    """What every channel fulfils."""

    allow_inherited_tests_method = True

    def test_its_own_text_is_kept(self):
        reminder = self._queue()
        self._run_channel()
        self.assertIn("1,000.00", reminder.sms_test_text)
        self.assertFalse(reminder.body_html)
        self.assertFalse(reminder.recipient_email)

    def test_a_mailbox_carries_one_channel(self):
        self.assertEqual(self.mailbox.channel, "sms_test")
        self.assertEqual(self.provider.channel, "email")
        self.assertTrue(self.mailbox.is_primary and self.provider.is_primary)
        self.assertFalse(self.mailbox.email)


@tagged("post_install", "-at_install")
class TestFallBack(SmsCase):
    """One reminder, by one channel after the other; never by both."""

    def setUp(self):
        super().setUp()
        self._fall_back_by("email")

    def test_without_a_number_it_goes_by_mail(self):
        self.take_address(self.customer)
        reminder = self._queue()
        self.assertEqual((reminder.channel, reminder.state), ("email", "queued"))
        self.assertEqual(reminder.provider_id, self.provider)
        self.assertIn("No mobile number", reminder.channel_note)
        self.assertFalse(self._run_channel().sent)
        self.assertEqual(len(self._run().sent), 1)

    def test_the_number_is_stopped_after_planning(self):
        reminder = self._queue()
        self._stop(reminder)
        self.assertFalse(self._run_channel().sent)
        self.assertEqual((reminder.channel, reminder.state), ("email", "queued"))
        self.assertEqual(reminder.provider_id, self.provider)
        self.assertEqual(reminder.recipient_email, self.customer.email)
        self.assertEqual(len(self._run().sent), 1)
        self.assertEqual(reminder.status, "sent")
        self.assertFalse(self._run_channel().sent)

    def test_refused_for_good(self):
        reminder = self._queue()
        self._run_channel(FakeTransport([RecipientRefused("no such number", True)]))
        self.assertEqual((reminder.channel, reminder.state), ("email", "queued"))
        self.assertEqual(len(self._run().sent), 1)
        # What became of the short message says nothing about the mail.
        self.assertEqual(reminder.status, "sent")
        self.assertEqual(
            sorted(reminder.event_ids.mapped("event_type")), ["bounced", "sent"]
        )

    def test_reported_as_undelivered(self):
        reminder = self._queue()
        self._run_channel()
        self.assertEqual(reminder.state, "sent")
        report = {"id": "1", "kind": "undelivered", "text": "handset is off"}
        door = self.door.sudo()
        door._process_response(reminder.sudo(), report)
        self.assertEqual((reminder.channel, reminder.state), ("email", "queued"))
        self.assertEqual(reminder.campaign_id.state, "sending")
        self.assertEqual(len(self._run().sent), 1)
        door._process_response(reminder.sudo(), report)
        self.assertEqual(reminder.state, "sent", "the same report again")
        self.assertFalse(self._run().sent)

    def test_a_late_report_says_nothing_about_the_mail(self):
        reminder = self._queue()
        self._run_channel()
        door = self.door.sudo()
        for number in ("1", "2", "3"):
            report = {"id": number, "kind": "undelivered", "text": "handset is off"}
            door._process_response(reminder.sudo(), report)
            self._run()
        self.assertEqual((reminder.channel, reminder.status), ("email", "sent"))
        self.assertEqual(reminder.attempt_count, 1)

    def _report_undelivered(self, reminder):
        report = {"id": "1", "kind": "undelivered", "text": "handset is off"}
        self.door.sudo()._process_response(reminder.sudo(), report)
        self.assertEqual((reminder.channel, reminder.state), ("sms_test", "sent"))
        self.assertFalse(self._run().sent)

    def test_beside_another_reminder_on_its_way(self):
        reminder = self._queue()
        self._run_channel()
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE chaser_reminder SET sent_at = sent_at - interval '60 days' "
            "WHERE id = %s",
            [reminder.id],
        )
        self.env.invalidate_all()
        self.customer.with_company(self.company).preferred_contact_interval = 1
        second = self._campaign(self._make_invoice(days=25)).reminder_ids
        self.assertEqual(second.state, "draft")
        self._report_undelivered(reminder)

    def test_of_a_cancelled_campaign(self):
        reminder = self._queue()
        self._run_channel()
        reminder.campaign_id.sudo().state = "cancelled"
        self._report_undelivered(reminder)

    def test_of_which_nobody_knows_whether_it_left(self):
        reminder = self._queue()
        reminder.sudo()._set_undecided("undecided")
        self.assertFalse(self.door.sudo()._fall_back(reminder.sudo(), "channel_gone"))
        self.assertTrue(reminder.is_undecided)

    def test_paid_meanwhile_it_goes_by_no_other_channel(self):
        reminder = self._queue()
        self._run_channel()
        self._pay(self.invoice)
        report = {"id": "1", "kind": "undelivered", "text": "handset is off"}
        self.door.sudo()._process_response(reminder.sudo(), report)
        self.assertEqual((reminder.channel, reminder.state), ("sms_test", "sent"))
        self.assertFalse(self._run().sent)

    def test_without_a_mailbox_for_mail_it_fails_with_its_reason(self):
        self.provider._set_state("draft")
        reminder = self._queue()
        self._run_channel(FakeTransport([RecipientRefused("no such number", True)]))
        self.assertEqual((reminder.channel, reminder.state), ("sms_test", "failed"))

    def test_the_campaigns_own_choice(self):
        reminder = self._queue(channel="email")
        self.assertEqual(reminder.channel, "email")
        self.assertEqual(reminder.channel_rest, ["sms_test"])

    def test_simulated_as_it_is_sent(self):
        _plan, simulation = self.env["chaser.simulator"]._simulate(self.company, 3)
        departures = [
            one
            for one in simulation.departures
            if one.customer.partner_id == self.customer.id
        ]
        self.assertEqual([one.channel for one in departures], ["sms_test"])
        self.assertEqual(departures[0].mailbox, self.mailbox.id)

    def test_thanks_go_by_the_customers_wish(self):
        routes = self.env["chaser.channel"]._read_routes(
            self.customer.with_company(self.company), self.company
        )
        self.assertEqual(routes[self.customer.id][0].channel, "email")
        self.customer.with_company(self.company).chaser_channel = "sms_test"
        routes = self.env["chaser.channel"]._read_routes(
            self.customer.with_company(self.company), self.company
        )
        self.assertEqual(routes[self.customer.id][1]["channel"], "sms_test")

    def test_removed(self):
        """As at uninstalling: what waits goes on by mail, nothing names it any more."""
        reminder = self._queue()
        self.customer.with_company(self.company).chaser_channel = "sms_test"
        self.env["chaser.channel"]._forget("sms_test")
        self.env.invalidate_all()
        self.assertEqual((reminder.channel, reminder.state), ("email", "queued"))
        self.assertEqual(set(self.levels.mapped("channel")), {"email"})
        self.assertFalse(self.customer.with_company(self.company).chaser_channel)
        self.assertEqual(len(self._run().sent), 1)


@tagged("post_install", "-at_install")
class TestMailBounces(SmsCase, InboundCase):
    """The mail had left; hours later its server reports that it reached nobody."""

    def setUp(self):
        super().setUp()
        self.levels.write({"channel": "email", "channel_fallback": "sms_test"})
        self.customer.email = "first@alnoor.example"
        self.reminder = self._queue()
        self.assertEqual(len(self._run().sent), 1)
        self.assertEqual(
            (self.reminder.channel, self.reminder.state), ("email", "sent")
        )

    def _bounce(self, address, status="5.1.1", words="550 5.1.1 User unknown"):
        self._receive(self._report(self.reminder, (address, "failed", status, words)))

    def test_hard_for_its_only_address(self):
        for _ in range(2):
            self._bounce(self.reminder.recipient_email or "first@alnoor.example")
            self.assertFalse(self._run().sent)
        self.assertEqual(
            (self.reminder.channel, self.reminder.state), ("sms_test", "queued")
        )
        self.assertIn("User unknown", self.reminder.channel_note)
        self.assertEqual(len(self._run_channel().sent), 1)
        self.assertEqual(self.reminder.status, "sent")
        self._bounce("first@alnoor.example")
        self.assertEqual(
            (self.reminder.channel, self.reminder.state), ("sms_test", "sent")
        )
        self.assertFalse(self._run_channel().sent)

    def test_soft_is_no_reason(self):
        self._bounce("first@alnoor.example", "4.2.2", "452 4.2.2 mailbox full")
        self.assertEqual(
            (self.reminder.channel, self.reminder.state), ("email", "sent")
        )

    def test_one_of_two_addresses(self):
        """The other one has it."""
        self.reminder.sudo().recipient_others = "second@alnoor.example"
        self._bounce("first@alnoor.example")
        self.assertEqual(
            (self.reminder.channel, self.reminder.state), ("email", "sent")
        )
        self._bounce("second@alnoor.example")
        self.assertEqual(
            (self.reminder.channel, self.reminder.state), ("sms_test", "queued")
        )

    def test_a_person_has_opened_it(self):
        self.reminder.sudo()._record_event("replied", source="gateway")
        self._bounce("first@alnoor.example")
        self.assertEqual(
            (self.reminder.channel, self.reminder.state), ("email", "sent")
        )

    def test_paid_meanwhile(self):
        self._pay(self.invoice)
        self._bounce("first@alnoor.example")
        self.assertEqual(
            (self.reminder.channel, self.reminder.state), ("email", "sent")
        )


@tagged("post_install", "-at_install")
class TestResponses(SmsCase, HttpCase):
    """The gateway's responses, over HTTP."""

    @contextmanager
    def enter_registry_test_mode(self):
        yield  # it is on for the whole class

    def _post(self, key="a-secret-key", **response):
        body = json.dumps(response).encode()
        signature = hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
        answer = self.url_open(
            f"/sms_test/{self.mailbox.id}",
            data=body,
            headers={"X-Signature": signature, "Content-Type": "application/json"},
        )
        self.env.invalidate_all()
        return answer.status_code

    def setUp(self):
        super().setUp()
        self.reminder = self._queue()
        self._run_channel()
        self.ref = self.reminder.message_id

    def test_delivered(self):
        self.assertEqual(self._post(ref=self.ref, id="1", kind="delivered"), 204)
        self.assertEqual(self.reminder.status, "delivered")

    def test_a_strangers_response_counts_for_nothing(self):
        status = self._post(key="other", ref=self.ref, id="1", kind="delivered")
        self.assertEqual(status, 403)
        self.assertEqual(self.reminder.status, "sent")

    def test_stop(self):
        for _ in range(2):
            self._post(ref=self.ref, id="2", kind="answer", text=" stop ")
        stops = self.env["sms.test.stop"].search([])
        self.assertEqual(stops.mapped("number"), [self.reminder.sms_test_number])
        self.assertEqual(self.reminder.status, "sent")
        self._pay(self.invoice)
        second = self._campaign(self._make_invoice()).reminder_ids
        self.assertEqual(second.reason_code, "sms_test_stopped")

    def test_an_answer_holds_the_customer_until_a_person_has_looked(self):
        for _ in range(2):
            self._post(ref=self.ref, id="3", kind="answer", text="We pay on Sunday")
        self.assertEqual(self.reminder.status, "replied")
        holds = self.env["chaser.hold"].search([("partner_id", "=", self.customer.id)])
        self.assertEqual(holds.mapped("code"), ["reply"])
        said = self.customer.message_ids.filtered(
            lambda note: "We pay on Sunday" in str(note.body)
        )
        self.assertEqual(len(said), 1)

    def test_a_response_settles_an_unknown_outcome(self):
        self.reminder.sudo().attempted_at = self.reminder.sent_at
        self.reminder.sudo()._set_undecided("undecided")
        self._post(ref=self.ref, id="4", kind="delivered")
        self.assertFalse(self.reminder.is_undecided)
        self.assertEqual(self.reminder.state, "sent")
