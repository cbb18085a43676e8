from datetime import timedelta

from odoo import fields
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command
from odoo.tests import freeze_time, new_test_user, tagged
from odoo.tools import mute_logger

from .common import ChaserCase


@tagged("post_install", "-at_install")
class TestHold(ChaserCase):
    def _hold(self, code="manual", moves=None, **values):
        return self.env["chaser.hold"]._hold(
            self.company, self.customer, code, moves, **values
        )

    def _reasons(self, campaign):
        return {
            reminder.reason_code: reminder
            for reminder in campaign.reminder_ids
            if reminder.state == "skipped"
        }

    # -- what it holds

    def test_customer_is_held_with_reason(self):
        invoice = self._make_invoice()
        self._hold("reply", detail="asks for a copy of the order")
        reminder = self._campaign(invoice).reminder_ids
        self.assertEqual(
            (reminder.state, reminder.reason_code), ("skipped", "hold_reply")
        )
        self.assertIn("asks for a copy of the order", reminder.reason)

    def test_every_code_has_its_sentence(self):
        for code, _label in self.env["chaser.hold"]._fields["code"].selection:
            with self.subTest(code):
                text = self.env["chaser.hold"]._get_reason_text(
                    f"hold_{code}", {"detail": "the words"}
                )
                self.assertIn("the words", text)
                self.assertNotIn("hold_", text)

    def test_invoice_is_held_alone(self):
        held, other = self._make_invoice(amount=10), self._make_invoice(amount=20)
        self._hold(moves=held)
        campaign = self._campaign(held | other)
        reminder = self._reasons(campaign)["hold_manual"]
        self.assertEqual(reminder.line_ids.move_id, held)
        self.assertEqual((campaign.reminder_ids - reminder).line_ids.move_id, other)

    def test_ends_by_date(self):
        """The last day belongs to the hold; after it the customer is chased again by
        itself."""
        invoice = self._make_invoice()
        hold = self._hold(until=self.today + timedelta(days=3))
        reminder = self._campaign(invoice).reminder_ids
        self.assertEqual(reminder.reason_code, "hold_manual")
        self.assertIn("On hold until", reminder.reason)
        with freeze_time(self._later(days=3)):
            self.assertEqual(
                self._campaign(invoice).reminder_ids.reason_code, "hold_manual"
            )
        with freeze_time(self._later(days=4)):
            self.env.invalidate_all()
            self.assertFalse(hold.is_active)
            self.assertEqual(self._campaign(invoice).reminder_ids.state, "draft")

    def test_released_by_a_person(self):
        invoice = self._make_invoice()
        hold = self._hold()
        hold.activity_schedule(
            "mail.mail_activity_data_todo", user_id=self.accountant.id
        )
        hold.with_user(self.accountant).action_release()
        self.assertTrue(hold.released_at)
        self.assertEqual(hold.released_by_id, self.accountant)
        self.assertFalse(hold.activity_ids)
        self.assertEqual(self._campaign(invoice).reminder_ids.state, "draft")
        before = hold.released_at
        with freeze_time(self._later(hours=1)):
            hold.action_release()
        self.assertEqual(hold.released_at, before, "released once")

    def test_other_customers_and_companies_go_on(self):
        other = self._make_customer("Other", "other@customer.example")
        self._hold()
        company = self.setup_other_company(name="Second")["company"]
        self.env["chaser.hold"]._hold(company, other, "manual")
        campaign = self._campaign(self._make_invoice() | self._make_invoice(other))
        self.assertEqual(
            campaign.reminder_ids.filtered(
                lambda reminder: reminder.state == "draft"
            ).partner_id,
            other,
        )

    # -- at the send

    def test_hold_that_comes_after_planning(self):
        campaign = self._campaign(self._make_invoice())
        campaign.action_send()
        self._hold("maybe_paid", detail="1,000.00 came in on 3 March")
        self.assertFalse(self._run().sent)
        reminder = campaign.reminder_ids
        self.assertEqual(
            (reminder.state, reminder.reason_code), ("skipped", "hold_maybe_paid")
        )
        self.assertIn("came in", reminder.reason)

    def test_hold_of_one_invoice_after_planning(self):
        held, other = self._make_invoice(amount=10), self._make_invoice(amount=20)
        campaign = self._campaign(held | other)
        campaign.action_send()
        self._hold(moves=held, detail="wrong order number")
        [message] = self._run().sent
        self.assertNotIn(held.name, message.text)
        self.assertIn(other.name, message.text)
        self.assertIn(
            "wrong order number",
            campaign.reminder_ids.line_ids.filtered("dropped_code").dropped_reason,
        )

    def test_ended_hold_stops_nothing_at_the_send(self):
        campaign = self._campaign(self._make_invoice())
        campaign.action_send()
        self._hold(until=self.today - timedelta(days=1))
        self._hold("reply").action_release()
        self.assertEqual(len(self._run().sent), 1)

    # -- one hold

    def test_asked_twice(self):
        first = self._hold(detail="one", until=self.today + timedelta(days=3))
        again = self._hold(detail="two", until=self.today + timedelta(days=1))
        self.assertEqual(first, again)
        self.assertEqual(
            (first.detail, first.date_until),
            ("two", self.today + timedelta(days=3)),
            "the later end stays",
        )
        self.assertFalse(self._hold().date_until, "without an end is the latest")
        self.assertFalse(self._hold(until=self.today).date_until)
        self.assertEqual(first.detail, "two", "no words replace none")

    def test_code_and_invoices_make_it_another(self):
        one, two = self._make_invoice(), self._make_invoice()
        holds = (
            self._hold()
            | self._hold("reply")
            | self._hold(moves=one)
            | self._hold(moves=one | two)
        )
        self.assertEqual(len(holds), 4)
        self.assertEqual(self._hold(moves=two | one), holds[3], "in whatever order")

    def test_new_one_after_the_end(self):
        for end in (
            lambda hold: hold.action_release(),
            lambda hold: hold.write({"date_until": self.today - timedelta(days=1)}),
        ):
            hold = self._hold()
            end(hold)
            again = self._hold()
            self.assertNotEqual(again, hold)
            self.assertTrue(again.is_active)
            self.assertTrue(hold.released_at)

    def test_second_one_by_hand_is_refused_in_words(self):
        self._hold()
        with (
            self.assertRaisesRegex(Exception, "chaser_hold_active_uniq|such a hold"),
            mute_logger("odoo.sql_db"),
            self.cr.savepoint(),
        ):
            self.env["chaser.hold"].with_user(self.accountant).create(
                {"partner_id": self.customer.id, "company_id": self.company.id}
            )
            self.env.flush_all()
        message = self.env["chaser.hold"]._active_uniq.get_error_message(
            self.env["chaser.hold"], None
        )
        self.assertIn("such a hold already", message)

    def test_same_one_by_two_processes(self):
        """The other process's row is not visible yet when ours is created."""
        self._hold()
        Hold = self.env["chaser.hold"].sudo()
        with mute_logger("odoo.sql_db"):
            lost = Hold._create_once(
                {
                    "company_id": self.company.id,
                    "partner_id": self.customer.id,
                    "code": "manual",
                }
            )
        self.assertFalse(lost)
        self.assertEqual(Hold.search_count([("partner_id", "=", self.customer.id)]), 1)

    # -- by hand

    def test_made_by_an_accountant(self):
        branch = self.env["res.partner"].create(
            {"name": "Branch", "parent_id": self.customer.id}
        )
        invoice = self._make_invoice()
        hold = (
            self.env["chaser.hold"]
            .with_user(self.accountant)
            .create(
                {
                    "partner_id": branch.id,
                    "move_ids": [Command.set(invoice.ids)],
                    "detail": "talks with the owner",
                }
            )
        )
        self.assertEqual(
            (hold.partner_id, hold.company_id, hold.code, hold.source),
            (self.customer, self.company, "manual", "person"),
        )
        self.assertIn("talks with the owner", hold.reason)
        self.assertEqual(
            self._campaign(invoice).reminder_ids.reason_code, "hold_manual"
        )

    def test_invoice_of_somebody_else(self):
        other = self._make_customer("Other", "other@customer.example")
        with self.assertRaisesRegex(ValidationError, "does not belong to Al Noor"):
            self._hold(moves=self._make_invoice(other))

    def test_invoice_of_another_company(self):
        data = self.setup_other_company(name="Second")
        foreign = self.init_invoice(
            "out_invoice",
            self.customer,
            "2026-01-01",
            post=True,
            amounts=[100],
            company=data["company"],
        )
        with self.assertRaises(UserError):
            self._hold(moves=foreign)

    def test_search_in_force(self):
        Hold = self.env["chaser.hold"]
        one = self._hold()
        ended = self._hold("reply", until=self.today - timedelta(days=1))
        released = self._hold("bank_data")
        released.action_release()
        mine = [("partner_id", "=", self.customer.id)]
        self.assertEqual(Hold.search([*mine, ("is_active", "=", True)]), one)
        self.assertEqual(
            Hold.search([*mine, ("is_active", "=", False)], order="id"),
            ended | released,
        )
        self.assertEqual(
            [hold.is_active for hold in (one, ended, released)], [True, False, False]
        )

    def test_today_is_the_companys(self):
        """At 21:00 UTC the last day is over in Dubai."""
        hold = self._hold(until=self.today)
        evening = fields.Datetime.to_datetime(self.today) + timedelta(hours=21)
        with freeze_time(evening):
            self.env.invalidate_all()
            self.assertFalse(hold.is_active)
            self.assertFalse(
                self.env["chaser.hold"].search(
                    [("id", "=", hold.id), ("is_active", "=", True)]
                )
            )

    def test_rights(self):
        hold = self._hold()
        outsider = new_test_user(
            self.env,
            "hold_outsider",
            "account.group_account_invoice",
            company_id=self.company.id,
        )
        with self.assertRaises(UserError):
            hold.with_user(outsider).action_release()
        self.assertFalse(hold.released_at)

    def test_detail_keeps_its_direction_in_arabic(self):
        hold = self.env["chaser.hold"]._hold(
            self.company, self.customer, "manual", detail="Owner travels (until Sunday)"
        )
        self.assertIn("Owner travels (until Sunday)", hold.reason)
        self.assertNotIn("\u2068", hold.reason)
        self.assertIn(
            "\u2068Owner travels (until Sunday)\u2069",
            hold.with_context(lang="ar_001").reason,
        )

    def test_reading_costs_one_query(self):
        """Beside the one that reads whose branch the company is."""
        for _number in range(5):
            self._hold(moves=self._make_invoice())
        self.env.flush_all()
        company = self.company
        company._get_chaser_entity()  # kept for the process
        self.env.invalidate_all()
        with self.assertQueryCount(2):
            held = self.env["chaser.hold"]._read_held(
                company, [self.customer.id], self.today
            )
        self.assertEqual(len(held.moves), 5)
