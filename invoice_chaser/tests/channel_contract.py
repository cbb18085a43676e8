"""What every channel fulfils: an addon with a channel of its own inherits
``ChannelContract`` beside ``ChaserCase`` and says how its addresses are given, taken
and stopped (docs/adding-a-channel.md)."""

from unittest.mock import patch

from ..core.mail.errors import (
    MessageRefused,
    OutcomeUnknown,
    RateLimited,
    RecipientRefused,
)
from ..core.plan.gates import Fail, Hold, Skip
from .common import FakeTransport


class ChannelContract:
    """Hooks of the channel under test: ``channel`` (its code), ``mailbox`` (a connected
    ``chaser.provider`` that carries it), ``no_address_reason``, and the methods below.
    The customers of the tests are reached by it and by e-mail."""

    channel = None
    mailbox = None
    no_address_reason = None

    def give_address(self, partner):
        """Make the customer reachable by the channel."""
        raise NotImplementedError

    def take_address(self, partner):
        """Make them unreachable."""
        raise NotImplementedError

    def get_address(self, message):
        """Where a message that the transport was given goes."""
        raise NotImplementedError

    # -- helpers

    def setUp(self):
        super().setUp()
        self.give_address(self.customer)
        self.levels = self.env["chaser.level"].search([])
        self.levels.write({"channel": self.channel, "channel_fallback": False})
        self.door = self.env["chaser.channel"]._get(self.channel)
        self.invoice = self._make_invoice(amount=1000.0)

    def _fall_back_by(self, code):
        self.levels.channel_fallback = code

    def _queue(self, **values):
        campaign = self._campaign(self.invoice, **values)
        campaign.action_send()
        return campaign.reminder_ids

    def _run_channel(self, transport=None):
        return self._run(transport, provider=self.mailbox)

    def _stop(self, reminder):
        self.door._stop_addresses(
            reminder, self.door._get_addresses(reminder), "unsubscribed", "test"
        )

    def _get_events(self, reminder):
        return reminder.event_ids.mapped("event_type")

    # -- planning

    def test_planned_shown_and_sent_by_it(self):
        reminder = self._queue()
        self.assertEqual(reminder.channel, self.channel)
        self.assertEqual(reminder.provider_id, self.mailbox)
        self.assertTrue(reminder.recipient_display)
        sent = self._run_channel().sent
        self.assertEqual(len(sent), 1)
        self.assertIn(self.get_address(sent[0]), reminder.recipient_display)
        self.assertEqual(reminder.state, "sent")
        self.assertEqual(self._get_events(reminder), ["sent"])
        self.assertEqual(reminder.message_id, sent[0].message_id)
        self.assertEqual(self.invoice.amount_residual, 1000.0)

    def test_preview_shows_the_message(self):
        action = self.env["chaser.preview"]._open_for_invoices(self.invoice)
        preview = self.env["chaser.preview"].browse(action["res_id"])
        self.assertEqual(preview.message_ids.channel, self.channel)
        self.assertTrue(preview.message_ids.recipient)
        self.assertIn(
            "1,000.00", str(preview.preview_en or "") + str(preview.preview_ar or "")
        )

    def test_notes_stand_on_invoice_and_customer_once(self):
        reminder = self._queue()
        self._run_channel()
        self._run_channel()
        for record in (self.invoice, self.customer):
            notes = record.message_ids.filtered(
                lambda note: note.message_id == reminder.message_id
            )
            self.assertEqual(len(notes), 1, record)
            self.assertEqual(notes.message_type, self.door._message_type)

    def test_without_an_address_it_is_left_out_and_says_why(self):
        self.take_address(self.customer)
        reminder = self._campaign(self.invoice).reminder_ids
        self.assertEqual(reminder.state, "skipped")
        self.assertEqual(reminder.reason_code, self.no_address_reason)

    def test_the_customers_wish_comes_first(self):
        other = "email" if self.channel != "email" else None
        if not other:
            self.skipTest("needs a second channel")
        self.customer.with_company(self.company).chaser_channel = other
        reminder = self._queue()
        self.assertEqual(reminder.channel, other)
        self.assertEqual(reminder.channel_rest, [self.channel])

    # -- the gates, at the moment of sending

    def test_a_stopped_address_gets_nothing(self):
        reminder = self._queue()
        self._stop(reminder)
        self.assertFalse(self._run_channel().sent)
        self.assertEqual(reminder.state, "skipped")
        self.assertTrue(reminder.reason)

    def test_a_paid_invoice_is_not_asked_for(self):
        reminder = self._queue()
        self._pay(self.invoice)
        self.assertFalse(self._run_channel().sent)
        self.assertEqual((reminder.state, reminder.reason_code), ("skipped", "paid"))

    def test_a_held_customer_gets_nothing(self):
        reminder = self._queue()
        self.env["chaser.hold"]._hold(self.company, self.customer, "manual")
        self.assertFalse(self._run_channel().sent)
        self.assertEqual(reminder.state, "skipped")

    def test_the_mailboxes_limits_hold(self):
        self.mailbox.daily_quota = 1
        second = self._make_customer("Second", "second@customer.example")
        self.give_address(second)
        self.invoice |= self._make_invoice(second)
        reminders = self._queue()
        self.assertEqual(len(self._run_channel().sent), 1)
        self.assertEqual(
            sorted(reminders.mapped("state")),
            ["queued", "sent"],
            reminders.mapped("reason"),
        )

    # -- never twice

    def test_killed_after_the_mark_it_is_never_sent_again_by_itself(self):
        """What a killed process leaves behind: the intent, committed."""
        self._fall_back_by("email")
        reminder = self._queue()
        reminder.sudo()._set_state("sending", message_id="<key@test>")
        self.assertFalse(self._run_channel().sent)
        self.assertFalse(self._run().sent)
        self.assertTrue(reminder.is_undecided)
        self.assertEqual(reminder.channel, self.channel)

    def test_an_unknown_outcome_is_never_sent_again_by_itself(self):
        self._fall_back_by("email")
        reminder = self._queue()
        self._run_channel(FakeTransport([OutcomeUnknown("the line broke")]))
        self.assertTrue(reminder.is_undecided)
        self.assertFalse(self._run_channel().sent)
        self.assertFalse(self._run().sent)
        self.assertEqual(reminder.channel, self.channel)

    def test_a_mailbox_that_rests_keeps_its_queue(self):
        reminder = self._queue()
        self._run_channel(FakeTransport([RateLimited("slow down")]))
        self.assertEqual(reminder.state, "queued")
        self.assertTrue(reminder.reason)

    # -- by another channel

    def test_refused_for_good_without_another_channel(self):
        reminder = self._queue()
        self._run_channel(FakeTransport([RecipientRefused("unknown", True)]))
        self.assertEqual(reminder.state, "failed")
        self.assertEqual(reminder.status, "bounced")
        self.assertTrue(
            self.door._read_stopped(self.door._get_addresses(reminder), self.company)
        )

    def test_a_copy_goes_by_the_channel_of_the_message(self):
        reminder = self._queue()
        self._run_channel()
        self.assertEqual(reminder.state, "sent")
        copy = reminder.sudo()._queue_copy()
        self.assertEqual(copy.channel, self.channel)
        sent = self._run_channel().sent
        self.assertEqual(len(sent), 1)
        self.assertIn(self.get_address(sent[0]), reminder.recipient_display)

    def test_the_stop_link_stops_the_address(self):
        reminder = self._queue()
        self._run_channel()
        hit = {"user_agent": "test", "ip": "127.0.0.1"}
        self.env["chaser.event"].sudo()._stop_reminders(reminder.sudo().stop_token, hit)
        self.assertTrue(
            self.door._read_stopped(self.door._get_addresses(reminder), self.company)
        )
        self.assertIn("unsubscribed", self._get_events(reminder))

    # -- what only the channel knows

    def _says(self, method, answer):
        return patch.object(
            self.registry[self.door._name], method, lambda *_args: answer
        )

    def test_what_only_waits_is_not_passed_on(self):
        self._fall_back_by("email")
        reminder, until = self._queue(), self._later(hours=1)
        with self._says("_get_address_stop", Hold("rate_limited", {}, until)):
            self.assertFalse(self._run_channel().sent)
        self.assertEqual((reminder.channel, reminder.state), (self.channel, "queued"))
        self.assertEqual(reminder.scheduled_at, until)

    def test_a_message_that_cannot_be_made_says_why(self):
        reminder = self._queue()
        with self._says("_compose", Skip("template", {"detail": "no text"})):
            self.assertFalse(self._run_channel().sent)
        self.assertEqual(
            (reminder.state, reminder.reason_code), ("skipped", "template")
        )

    def test_a_response_that_only_the_channel_understands(self):
        """It decides before the error's class does."""
        reminder, until = self._queue(), self._later(hours=1)
        refused = MessageRefused("no")
        with self._says("_process_error", Hold("rate_limited", {}, until)):
            self._run_channel(FakeTransport([refused]))
        self.assertEqual((reminder.state, reminder.attempt_count), ("queued", 1))
        self.assertEqual(reminder.scheduled_at, until)
        reminder.sudo().scheduled_at = self._later(seconds=-5)
        with self._says("_process_error", Fail("template", {"detail": "gone"})):
            self._run_channel(FakeTransport([refused]))
        self.assertEqual((reminder.state, reminder.reason_code), ("failed", "template"))
        self.assertIn("failed", self._get_events(reminder))
