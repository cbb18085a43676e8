from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import SQL, mute_logger

from .common import ChaserCase, FakeTransport


class Killed(BaseException):
    """A killed process."""


@tagged("post_install", "-at_install")
class TestThanks(ChaserCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.write({"chaser_thanks": True, "chaser_thanks_hours": 24})
        cls.company.chaser_thanks_since = fields.Datetime.now() - timedelta(days=30)

    def setUp(self):
        super().setUp()
        self.invoices = self._make_invoice() | self._make_invoice(amount=500)
        self.campaign = self._sent_campaign(self.invoices)
        self._age("chaser_reminder", "sent_at", days=10)

    def _age(self, table, column, **delta):
        """Make everything in a column older."""
        self.env.flush_all()
        self.env.cr.execute(
            f"UPDATE {table} SET {column} = {column} - %s", [timedelta(**delta)]
        )  # pylint: disable=sql-injection
        self.env.invalidate_all()

    def _pay_all(self, invoices=None, **ago):
        for invoice in invoices or self.invoices:
            self._pay(invoice)
        self._age("account_partial_reconcile", "create_date", **(ago or {"hours": 25}))

    def _thanks(self, **domain):
        return self.env["chaser.reminder"].search(
            [("purpose", "=", "thanks"), ("company_id", "=", self.company.id)]
        )

    def _thank(self):
        self.env.flush_all()
        with self.enter_registry_test_mode():
            self.env.ref("invoice_chaser.ir_cron_thanks").method_direct_trigger()
        self.env.invalidate_all()
        return self._thanks()

    def test_one_message_for_all_that_was_paid(self):
        self._pay_all()
        thanks = self._thank()
        self.assertRecordValues(
            thanks,
            [
                {
                    "state": "queued",
                    "partner_id": self.customer.id,
                    "recipient_email": "finance@alnoor.example",
                }
            ],
        )
        self.assertEqual(thanks.line_ids.move_id, self.invoices)
        self.assertTrue(thanks.campaign_id.is_thanks)
        [message] = self._run().sent
        self.assertIn("Thank you", message.subject)
        for invoice in self.invoices:
            self.assertIn(invoice.name, message.text)
        self.assertEqual(
            (thanks.state, thanks.campaign_id.state), ("sent", "completed")
        )
        self.assertIn("Thank-you sent", self.customer.message_ids[0].body)
        self.assertFalse(thanks.campaign_id.amount_chased, "nothing is chased here")

    def test_once_per_item_ever(self):
        self._pay_all()
        transport = FakeTransport()
        for _time in range(3):
            self._thank()
            self._run(transport)
        self.assertEqual(len(transport.sent), 1)
        later = self._make_invoice(amount=70, days=30)
        self.company.chaser_contact_interval = 0
        self._sent_campaign(later)
        self._age("chaser_reminder", "sent_at", days=2)
        self._pay_all(later)
        self._thank()
        [message] = self._run().sent
        self.assertIn(later.name, message.text)
        self.assertNotIn(self.invoices[0].name, message.text)

    def test_off_by_default_and_not_for_what_was_before(self):
        self.assertFalse(self.env["res.company"].create({"name": "New"}).chaser_thanks)
        self.company.chaser_thanks = False
        self._pay_all()
        self.assertFalse(self._thank())
        self.company.chaser_thanks = True
        self.assertFalse(self._thank(), "paid before it was switched on")

    def test_waits_and_groups(self):
        first, second = self.invoices
        self._pay_all(first, hours=20)
        self.assertFalse(self._thank(), "not yet")
        self._pay(second)
        self._age("account_partial_reconcile", "create_date", hours=5)
        self.assertEqual(self._thank().line_ids.move_id, self.invoices)

    def test_only_what_was_reminded_of(self):
        other = self._make_customer("Never Reminded", "never@x.example")
        invoice = self._make_invoice(other)
        self._pay_all(self.invoices[0] | invoice)
        thanks = self._thank()
        self.assertEqual(
            (thanks.partner_id, thanks.line_ids.move_id),
            (self.customer, self.invoices[0]),
        )

    def test_credit_note_is_no_payment(self):
        wizard = (
            self.env["account.move.reversal"]
            .with_context(active_model="account.move", active_ids=self.invoices[0].ids)
            .create({"journal_id": self.invoices[0].journal_id.id})
        )
        wizard.refund_moves()
        refund = self.invoices[0].reversal_move_ids
        if refund.state == "draft":
            refund.action_post()
        lines = self._receivable(self.invoices[0]) | self._receivable(refund)
        lines.filtered(lambda line: not line.reconciled).reconcile()
        self._age("account_partial_reconcile", "create_date", hours=25)
        self.assertFalse(self._thank())

    def _settle(self, invoice, amount, journal):
        """An entry in a journal's books that takes so much off an invoice, the rest of
        it off by a credit note."""
        accounts = self.company_data
        values = {"partner_id": self.customer.id, "name": "Booked"}
        entry = self.env["account.move"].create(
            {
                "journal_id": accounts[f"default_journal_{journal}"].id,
                "line_ids": [
                    Command.create(
                        {
                            **values,
                            "account_id": accounts["default_account_receivable"].id,
                            "credit": amount,
                        }
                    ),
                    Command.create(
                        {
                            **values,
                            "account_id": accounts["default_account_expense"].id,
                            "debit": amount,
                        }
                    ),
                ],
            }
        )
        entry.action_post()
        rest = invoice.amount_residual - amount
        credit = self._make_invoice(amount=rest, move_type="out_refund")
        for move in (entry, credit):
            self._receivable(invoice | move).reconcile()
        self.assertEqual(invoice.amount_residual, 0)
        self._age("account_partial_reconcile", "create_date", hours=25)

    def test_money_beside_a_credit_note(self):
        """Booked by hand in the bank's journal. Odoo calls the invoice reversed; the
        customer has paid, and is thanked."""
        invoice = self.invoices[0]
        self._settle(invoice, invoice.amount_total - 30, "bank")
        self.assertEqual(invoice.payment_state, "reversed")
        thanks = self._thank()
        self.assertEqual(thanks.line_ids.move_id, invoice)
        self.assertEqual(len(self._run(FakeTransport()).sent), 1)

    def test_written_off_beside_a_credit_note(self):
        invoice = self.invoices[0]
        self._settle(invoice, invoice.amount_total - 30, "misc")
        self.assertFalse(self._thank())

    def test_write_off_is_no_payment(self):
        """Odoo calls the invoice paid; nobody has paid anything. Nor is a payment
        thanked for that becomes a write-off before the message goes."""
        invoice = self.invoices[0]
        self._pay_all(invoice)
        thanks = self._thank()
        with patch.object(type(thanks), "_on_unreconciled", lambda _self, _lines: None):
            invoice.line_ids.remove_move_reconcile()
        line = self._receivable(invoice)
        wizard = self.env["account.move"].create(
            {
                "journal_id": self.company_data["default_journal_misc"].id,
                "line_ids": [
                    Command.create(
                        {
                            "account_id": account.id,
                            "partner_id": self.customer.id,
                            side: invoice.amount_total,
                        }
                    )
                    for account, side in (
                        (line.account_id, "credit"),
                        (self.company_data["default_account_expense"], "debit"),
                    )
                ],
            }
        )
        wizard.action_post()
        (line | self._receivable(wizard)).reconcile()
        self.assertEqual(invoice.payment_state, "paid")
        self.assertFalse(self._run().sent)
        self.assertEqual(thanks.reason_code, "thanks_taken_back")
        thanks.sudo().unlink()
        self._age("account_partial_reconcile", "create_date", hours=25)
        self.assertFalse(self._thank())

    def test_payment_taken_back_before_it_goes(self):
        self._pay_all()
        thanks = self._thank()
        self.invoices[0].line_ids.remove_move_reconcile()
        self.assertEqual(
            (thanks.state, thanks.reason_code), ("skipped", "thanks_taken_back")
        )
        self.assertIn(self.invoices[0].name, thanks.reason)
        self.assertFalse(self._run().sent)
        self.assertEqual(thanks.campaign_id.state, "completed")

    def test_payment_taken_back_is_caught_by_the_fresh_read(self):
        """Even if the hook had not run at all."""
        self._pay_all()
        thanks = self._thank()
        with patch.object(type(thanks), "_on_unreconciled", lambda _self, _lines: None):
            self.invoices[1].line_ids.remove_move_reconcile()
        self.assertEqual(thanks.state, "queued")
        self.assertFalse(self._run().sent)
        self.assertEqual(
            (thanks.state, thanks.reason_code), ("skipped", "thanks_taken_back")
        )

    def test_payment_taken_back_before_it_is_made(self):
        self._pay_all()
        for invoice in self.invoices:
            invoice.line_ids.remove_move_reconcile()
        self.assertFalse(self._thank())

    def test_a_further_payment_does_not_stop_it(self):
        """The hook on payments skips reminders whose items are paid; thank-yous are
        about paid items."""
        self._pay_all()
        thanks = self._thank()
        other = self._make_invoice(self._make_customer("Else", "else@x.example"))
        self._pay(other)
        self.env["chaser.reminder"].sudo()._settle_paid(
            SQL("r.provider_id = %s", self.provider.id)
        )
        self.assertEqual(thanks.state, "queued")

    def test_stopped_paused_and_held_customers(self):
        cases = {
            "suppressed": lambda: self.env["chaser.suppression"].create(
                {"email": "finance@alnoor.example", "company_id": self.company.id}
            ),
            "paused": lambda: self.customer.with_company(self.company).write(
                {"chaser_paused_until": self.today}
            ),
        }
        self._pay_all()
        thanks = self._thank()
        for code, change in cases.items():
            with self.subTest(code=code), self.cr.savepoint() as savepoint:
                change()
                self.assertFalse(self._run().sent)
                self.assertEqual((thanks.state, thanks.reason_code), ("skipped", code))
                savepoint.rollback()
            self.env.invalidate_all()

    def test_no_address(self):
        self._pay_all()
        self.customer.email = False
        thanks = self._thank()
        self.assertEqual((thanks.state, thanks.reason_code), ("skipped", "no_email"))
        self.assertEqual(len(self._thank()), 1)

    def test_is_no_contact_and_no_reminder(self):
        """Neither the interval of a reminder nor the level of the customer comes from a
        thank-you; it goes right after a reminder, too."""
        self._age("chaser_reminder", "sent_at", days=-10)
        self._pay_all(hours=25)
        self.env.cr.execute(
            "UPDATE chaser_reminder SET sent_at = sent_at - interval '26 hours'"
        )
        self.env.invalidate_all()
        self._thank()
        self.assertEqual(
            len(self._run().sent), 1, "the interval between reminders is not meant"
        )
        self.env.cr.execute(
            "UPDATE chaser_reminder SET sent_at = sent_at - interval '20 days' WHERE "
            "purpose = 'reminder'"
        )
        self.env.invalidate_all()
        campaign = self._campaign(self._make_invoice(amount=77))
        self.assertEqual(campaign.reminder_ids.state, "draft")

    def test_languages(self):
        customer = self._make_customer(
            "Arabic", "ar@customer.example", chaser_language="ar"
        )
        invoice = self._make_invoice(customer)
        self._sent_campaign(invoice)
        self._age("chaser_reminder", "sent_at", days=2)
        self._pay_all(invoice)
        self._thank()
        [message] = self._run().sent
        self.assertIn('dir="rtl"', message.html)
        self.assertNotIn("Thank you", message.subject)

    def test_no_mailbox_loses_nothing(self):
        self._pay_all()
        self.provider._set_state("draft")
        self.assertFalse(self._thank())
        with self.assertRaises(UserError):
            self.env["chaser.thanks"].with_company(self.company)._thank(self.company)
        self.provider._set_state("connected")
        self.assertEqual(self._thank().state, "queued")

    def test_other_company_gives_no_thanks(self):
        other = self.setup_other_company(name="Other Company")["company"]
        self._pay_all()
        self.company.chaser_thanks = False
        other.write({"chaser_thanks": True})
        self.assertFalse(self._thank())

    def test_death_at_each_step(self):
        """Like any message: never twice, never lost."""
        model = self.registry["chaser.sender.thanks"]
        for number, name in enumerate(model._SEND_STEPS):
            with self.subTest(step=name):
                customer = self._make_customer(
                    f"Kill {number}", f"kill{number}@x.example"
                )
                invoice = self._make_invoice(customer)
                self._sent_campaign(invoice)
                self._age("chaser_reminder", "sent_at", days=2)
                self._pay_all(invoice)
                thanks = self._thank().filtered(
                    lambda reminder, partner=customer: reminder.partner_id == partner
                )
                original, transport = getattr(model, f"_step_{name}"), FakeTransport()

                def step(sender, job, original=original):
                    original(sender, job)
                    raise Killed

                with (
                    patch.object(model, f"_step_{name}", step),
                    mute_logger("odoo.addons.base.models.ir_cron"),
                ):
                    try:
                        self._run(transport)
                    except Killed:
                        self.env.invalidate_all()
                self._run(transport)
                self._run(transport)
                self._thank()
                self._run(transport)
                mine = [
                    mail
                    for mail in transport.sent
                    if mail.recipients == (f"kill{number}@x.example",)
                ]
                self.assertLessEqual(len(mine), 1)
                self.assertTrue(
                    thanks.state == "sent" or thanks.is_undecided,
                    (name, thanks.state, thanks.reason),
                )

    def test_death_before_the_campaign_is_kept(self):
        self._pay_all()
        with (
            patch.object(
                type(self.env["chaser.campaign"]), "_start", side_effect=Killed
            ),
            self.assertRaises(Killed),
            self.cr.savepoint(),
        ):
            thanks = self.env["chaser.thanks"].sudo().with_company(self.company)
            thanks._thank(self.company)
        self.env.invalidate_all()
        self.assertFalse(self._thanks())
        self.assertEqual(len(self._thank()), 1)
