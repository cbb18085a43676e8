from datetime import timedelta

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import freeze_time, new_test_user, tagged

from .common import ChaserCase


@tagged("post_install", "-at_install")
class TestCall(ChaserCase):
    def _final(self):
        """A customer at the last level, which asks for a call."""
        self.invoice = self._make_invoice(days=70)
        self._sent_campaign(self.invoice)
        with freeze_time(self._later(days=11)):
            return self._sent_campaign(self.invoice).reminder_ids

    def _call(self, reminder, outcome, **values):
        action = reminder.with_user(self.accountant).action_call()
        return (
            self.env["chaser.call"]
            .with_user(self.accountant)
            .with_context(**action["context"])
            .create({"outcome": outcome, **values})
        )

    def test_reached_settles_the_activity(self):
        reminder = self._final()
        self.assertEqual(
            self.customer.activity_ids.activity_type_id,
            self.env.ref("mail.mail_activity_data_call"),
        )
        call = self._call(reminder, "reached", note="Pays on Sunday, perhaps")
        self.assertEqual(
            (call.partner_id, call.company_id, call.user_id, reminder.call_ids),
            (self.customer, self.company, self.accountant, call),
        )
        self.assertFalse(self.customer.activity_ids)
        self.assertIn(
            "Pays on Sunday",
            self.customer.message_ids[0].body + self.customer.message_ids[1].body,
        )

    def test_no_answer_is_due_again_tomorrow(self):
        reminder = self._final()
        self._call(reminder, "no_answer")
        self.assertEqual(
            self.customer.activity_ids.date_deadline,
            fields.Date.today() + timedelta(days=1),
        )

    def test_planned_then_made(self):
        """One thing from the worklist: planned for a day, an activity for it, then its
        outcome; the plan is no call of its own."""
        self._make_invoice(days=20)
        self.env.flush_all()
        [row] = (
            self.env["chaser.worklist"]
            .with_user(self.accountant)
            .search(
                [
                    ("partner_id", "=", self.customer.id),
                    ("company_id", "=", self.company.id),
                ]
            )
        )
        Call = (
            self.env["chaser.call"]
            .with_user(self.accountant)
            .with_context(**row.action_call()["context"])
        )
        day = self.today + timedelta(days=3)
        plan = Call.create(
            {"outcome": "planned", "date_again": day, "note": "Ask for Mr Saleh"}
        )
        [activity] = self.customer.activity_ids
        self.assertEqual(
            (activity.date_deadline, activity.user_id, plan.activity_id),
            (day, self.accountant, activity),
        )
        self.assertEqual((row.call_ids, self.customer.chaser_call_ids), (plan, plan))
        later = Call.create(
            {"outcome": "planned", "date_again": day + timedelta(days=1)}
        )
        self.assertEqual(
            (plan.exists(), self.customer.activity_ids.date_deadline),
            (Call.browse(), day + timedelta(days=1)),
            "moved, not doubled",
        )
        made = Call.create({"outcome": "reached", "note": "Will pay"})
        self.assertEqual(
            (later.exists(), self.customer.activity_ids, self.customer.chaser_call_ids),
            (Call.browse(), self.env["mail.activity"], made),
        )

    def test_no_answer_asks_again_also_without_a_level(self):
        self._make_invoice(days=20)
        call = (
            self.env["chaser.call"]
            .with_user(self.accountant)
            .create({"partner_id": self.customer.id, "outcome": "no_answer"})
        )
        self.assertEqual(self.customer.activity_ids.date_deadline, call.date_again)
        self.assertEqual(
            call.date_again, fields.Date.context_today(call) + timedelta(days=1)
        )

    def test_planned_call_needs_a_day(self):
        with (
            self.assertRaisesRegex(Exception, "chaser_call_again_check"),
            self.cr.savepoint(),
        ):
            self.env["chaser.call"].create(
                {"partner_id": self.customer.id, "outcome": "planned"}
            )

    def test_promise_on_the_phone_holds_reminders(self):
        reminder = self._final()
        day = self.today + timedelta(days=40)
        self._call(reminder, "promised", date_promised=day, amount_promised=1000)
        promise = self.env["chaser.promise"].search(
            [("partner_id", "=", self.customer.id)]
        )
        self.assertEqual(
            (promise.date_promised, promise.move_ids, promise.source, promise.state),
            (day, self.invoice, "phone", "open"),
        )
        with freeze_time(self._later(days=30)):
            campaign = self._campaign(self.invoice)
        self.assertEqual(campaign.reminder_ids.state, "skipped")

    def test_promise_needs_a_day(self):
        with (
            self.assertRaisesRegex(Exception, "chaser_call_promise_check"),
            self.cr.savepoint(),
        ):
            self._call(self._final(), "promised")

    def test_other_activities_stay(self):
        reminder = self._final()
        self.customer.activity_schedule(
            "mail.mail_activity_data_todo", summary="Send the contract"
        )
        self._call(reminder, "wrong_number")
        self.assertEqual(self.customer.activity_ids.summary, "Send the contract")

    def test_from_the_customer_and_its_contact(self):
        contact = self.env["res.partner"].create(
            {"name": "Person", "parent_id": self.customer.id}
        )
        action = contact.with_user(self.accountant).action_chaser_call()
        call = (
            self.env["chaser.call"]
            .with_user(self.accountant)
            .with_context(**action["context"])
            .create({"outcome": "reached"})
        )
        self.assertEqual(
            (call.partner_id, call.reminder_id),
            (self.customer, self.env["chaser.reminder"]),
        )

    def test_evidence(self):
        call = self._call(self._final(), "reached")
        with self.assertRaises(UserError):
            call.with_user(self.accountant).unlink()
        manager = new_test_user(
            self.env,
            "call_manager",
            "invoice_chaser.group_chaser_manager",
            company_id=self.company.id,
        )
        call.with_user(manager).unlink()
