from datetime import timedelta

from odoo import fields
from odoo.exceptions import ValidationError
from odoo.tests import tagged

from odoo.addons.invoice_chaser.core.mail.errors import OutcomeUnknown
from odoo.addons.invoice_chaser.tests.common import FakeTransport
from odoo.addons.invoice_chaser.tests.test_daily import DailyCase

from .whatsapp_common import WhatsappCase


class TwoChannelCase(WhatsappCase, DailyCase):
    """A daily run over levels that go by e-mail and by WhatsApp."""

    pick = "both"

    def setUp(self):
        super().setUp()
        self.company.chaser_daily_approval = False
        self.levels.write(
            {
                "channel": "email",
                "channel_fallback": "whatsapp",
                "channel_pick": self.pick,
                "channel_days": 3,
            }
        )
        self.Reminder = self.env["chaser.reminder"].sudo()

    def _get_mine(self):
        return self.Reminder.search(
            [("partner_id", "=", self.customer.id), ("purpose", "=", "reminder")],
            order="id",
        )

    def _live(self, number, mail=None, whatsapp=None):
        """Day ``number``: the daily run, then both mailboxes; what left by each."""
        with self._at(self.today + timedelta(days=number)):
            self.mailbox.sudo().whatsapp_polled_at = fields.Datetime.now()
            self._run_daily()
            return [
                len(self._run(transport=mail).sent),
                len(self._run_channel(whatsapp).sent),
            ]

    def _say(self, reminder, event_type, days, **values):
        with self._at(self.today + timedelta(days=days), hour=12):
            reminder._record_event(event_type, "pixel", **values)


@tagged("post_install", "-at_install")
class TestBothChannels(TwoChannelCase):
    def test_each_once_and_days_apart(self):
        gone = [self._live(number) for number in range(7)]
        self.assertEqual(gone[0], [1, 0])
        self.assertEqual(gone[3], [0, 1])
        self.assertEqual(sum(map(sum, gone)), 2)
        first, second = self._get_mine()
        self.assertEqual(
            (second.level_id, second.level_code), (first.level_id, "level_second")
        )
        self.assertEqual(first.line_ids.move_id, second.line_ids.move_id)
        self.assertIn("second channel", second.level_reason)
        self.assertIn("not by E-Mail: the first reminder", second.channel_note)
        arabic = second.with_context(lang="ar_001")
        self.assertNotIn("second", arabic.level_reason)

    def test_preview_and_simulator_say_so(self):
        with self._at(self.today):
            _plan, simulation = self.env["chaser.simulator"]._simulate(self.company, 6)
            days = [
                ((one.planned - self.today).days, one.channel)
                for one in simulation.departures
                if one.customer.partner_id == self.customer.id
            ]
        self.assertEqual(days, [(0, "email"), (3, "whatsapp")])
        self._live(0)
        with self._at(self.today + timedelta(days=3)):
            action = self.invoice.with_user(self.accountant).action_chase()
            preview = self.env["chaser.preview"].browse(action["res_id"])
            [message] = preview.message_ids
            self.assertEqual((message.channel, message.included), ("whatsapp", True))
            self.assertIn("second channel", message.level_reason)
            self.assertIn("first reminder", message.channel_note)

    def test_who_has_reacted_gets_no_second(self):
        self._live(0)
        self._say(self._get_mine(), "clicked", 1, verdict="human")
        self.assertEqual(self._live(3), [0, 0])
        self.assertEqual(len(self._get_mine()), 1)

    def test_a_machine_is_no_reaction(self):
        self._live(0)
        self._say(self._get_mine(), "clicked", 1, verdict="machine")
        self._say(self._get_mine(), "opened", 1, verdict="human")
        self.assertEqual(self._live(3), [0, 1])

    def test_who_reacts_after_the_run_gets_no_second(self):
        self._live(0)
        first = self._get_mine()
        with self._at(self.today + timedelta(days=3)):
            self._run_daily()
            first._record_event("replied", "gateway")
            self.mailbox.sudo().whatsapp_polled_at = fields.Datetime.now()
            self.assertFalse(self._run_channel().sent)
        second = self._get_mine()[1]
        self.assertEqual((second.state, second.reason_code), ("skipped", "reacted"))
        self.assertEqual(self._live(4), [0, 0])

    def test_what_is_paid_or_promised_gets_no_second(self):
        self._live(0)
        self._pay(self.invoice)
        self.assertEqual(self._live(3), [0, 0])

    def test_it_counts_as_one_of_the_week(self):
        self.company.chaser_week_limit = 1
        self.assertEqual(self._live(0), [1, 0])
        self.assertEqual(self._live(3), [0, 0])
        # After a week there is room again.
        self.assertEqual(self._live(7), [0, 1])

    def test_a_second_of_unknown_outcome_is_not_made_again(self):
        self._live(0)
        broken = FakeTransport([OutcomeUnknown("the line broke")])
        self._live(3, whatsapp=broken)
        second = self._get_mine()[1]
        self.assertTrue(second.is_undecided)
        for number in (4, 5):
            self.assertEqual(self._live(number), [0, 0])
        # A person has looked: it did not leave. The same row goes, and no third.
        second._set_not_sent()
        self.assertEqual(self._live(6), [0, 1])
        self.assertEqual(self._live(8), [0, 0])
        self.assertEqual(len(self._get_mine()), 2)

    def test_a_report_that_the_first_failed_makes_no_third(self):
        """The e-mail comes back after the second message has gone."""
        self._live(0)
        self._live(3)
        first, second = self._get_mine()
        with self._at(self.today + timedelta(days=4)):
            fell = first._get_channel()._fall_back(first, "recipient_refused")
        self.assertFalse(fell)
        self.assertEqual((first.channel, second.state), ("email", "sent"))

    def test_where_the_first_does_not_reach_it_is_one_message(self):
        self.customer.email = False
        self.assertEqual(self._live(0), [0, 1])
        for number in (3, 4):
            self.assertEqual(self._live(number), [0, 0])

    def test_the_customers_wish_is_one_channel(self):
        self.customer.with_company(self.company).chaser_channel = "email"
        self.assertEqual(self._live(0), [1, 0])
        self.assertEqual(self._live(3), [0, 0])

    def test_two_different_channels(self):
        with self.assertRaisesRegex(ValidationError, "two different channels"):
            self.levels[0].channel_fallback = "email"
        with self.assertRaises(ValidationError):
            self.levels[0].channel_days = 0

    def test_the_addon_goes(self):
        self.env["chaser.channel"]._forget("whatsapp")
        self.assertEqual(set(self.levels.mapped("channel_pick")), {"order"})
        self.assertEqual(set(self.levels.mapped("channel")), {"email"})

    def test_what_was_said_stays_when_the_addon_goes(self):
        """The sentences of its keys go with it; nobody may read a key."""
        self._live(0)
        self._live(3)
        first, second = self._get_mine()
        second._set_state("failed", "whatsapp_file", {"detail": "no room"})
        second.channel_passed = [["whatsapp", "whatsapp_no_opt_in", {}]]
        first.channel_rest = ["whatsapp"]
        self.env["chaser.channel"]._forget("whatsapp")
        self.env.flush_all()
        self.assertEqual(second.reason_code, "channel_gone")
        self.assertIn("Meta could not take the statement's PDF", second.reason)
        self.assertFalse(second.channel_passed or first.channel_rest)
        self.assertFalse(second.recipient_domain)


@tagged("post_install", "-at_install")
class TestReactions(TwoChannelCase):
    pick = "reaction"

    def test_the_one_they_react_to(self):
        self.customer.with_company(self.company).chaser_channel = "whatsapp"
        self.assertEqual(self._live(0), [0, 1])
        self.customer.with_company(self.company).chaser_channel = False
        self._say(self._get_mine(), "clicked", 1, verdict="human")
        # The next level, after the interval.
        self.levels.min_days = 0
        self.invoice.line_ids.date_maturity = self.today - timedelta(days=40)
        self.env.flush_all()
        self.assertEqual(self._live(8), [0, 1])
        reminder = self._get_mine()[1]
        self.assertIn("not by E-Mail: they reacted", reminder.channel_note)
        self.assertEqual(reminder.channel_rest, ["email"])

    def test_until_then_the_first(self):
        self.assertEqual(self._live(0), [1, 0])
        self.assertEqual(self._live(3), [0, 0])
        self.assertFalse(self._get_mine().channel_note)
