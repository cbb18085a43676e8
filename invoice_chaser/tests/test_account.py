from datetime import timedelta

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import tagged

from ..core.letter.localize import format_day
from .common import ChaserCase, FakeTransport


@tagged("post_install", "-at_install")
class TestAccount(ChaserCase):
    """Both sides of the receivable account (cases F1, F10, F11, F15, N5)."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.invoice = cls._make_invoice(amount=1000)

    @classmethod
    def _book(cls, debit=0.0, credit=0.0, partner=None, days=40, **values):
        """An entry on the customer's receivable account, against another account."""
        account = cls.company_data["default_account_receivable"]
        other = cls.company_data["default_account_revenue"]
        entry = cls.env["account.move"].create(
            {
                "move_type": "entry",
                "date": cls.today - timedelta(days=days),
                "ref": "Opening balance",
                "line_ids": [
                    Command.create(
                        {
                            "account_id": account.id,
                            "partner_id": (partner or cls.customer).id,
                            "debit": debit,
                            "credit": credit,
                            "name": "Opening balance",
                            **values,
                        }
                    ),
                    Command.create(
                        {"account_id": other.id, "debit": credit, "credit": debit}
                    ),
                ],
            }
        )
        entry.action_post()
        return entry

    @classmethod
    def _refund(cls, amount, partner=None):
        return cls._make_invoice(partner, amount, move_type="out_refund")

    @classmethod
    def _pay_out(cls, amount, payment_type="outbound", partner=None):
        payment = cls.env["account.payment"].create(
            {
                "payment_type": payment_type,
                "partner_type": "customer",
                "partner_id": (partner or cls.customer).id,
                "amount": amount,
                "date": cls.today,
                "journal_id": cls.company_data["default_journal_bank"].id,
            }
        )
        payment.action_post()
        return payment

    def _asked(self, reminders):
        """What the lines of the reminders ask for in all."""
        return sum(reminders.line_ids.mapped("amount_residual"))

    def _assert_asked(self, amount, invoices=None):
        """Preview, plan, worklist, mail and page say the same sum."""
        campaign = self._campaign(invoices or self.invoice)
        [reminder] = campaign.reminder_ids
        self.assertFalse(reminder.reason)
        self.assertEqual(self._asked(reminder), amount)
        [row] = self.env["chaser.worklist"]._read_rows(self.company, self.customer.ids)
        self.assertEqual(row["amount_due"], amount)
        campaign.action_send()
        [message] = self._run(FakeTransport()).sent
        currency = self.company.currency_id.name
        said = " ".join(message.text.split())
        self.assertIn(f"Total due: {currency} {amount:,.2f}", said)
        self.assertEqual(self._asked(reminder), amount)
        return reminder

    def test_opening_entry_takes_up_its_credit(self):
        """F1 (a): 5,000 debit and 3,000 credit in the opening entries: 1,000 is asked
        for."""
        self._book(debit=5000)
        self._book(credit=3000)
        self._assert_asked(1000)

    def test_part_of_a_credit_is_free(self):
        self._book(debit=400)
        self._book(credit=500)
        self._assert_asked(900)

    def test_refund_that_was_paid_out(self):
        """F1 (b): a credit note of 300 whose money was given back."""
        self._refund(300)
        self._pay_out(300)
        self._assert_asked(1000)

    def test_the_refund_takes_its_own_credit_note(self):
        """A payment on account beside it stays the customer's."""
        paid = self._pay_out(200, "inbound")
        self._refund(300)
        self._pay_out(300)
        reminder = self._assert_asked(800)
        credit = reminder.line_ids.filtered("is_credit")
        self.assertEqual(credit.move_id, paid.move_id)

    def test_credit_at_the_send(self):
        """The opening debit comes between plan and send."""
        self._refund(300)
        campaign = self._campaign(self.invoice)
        self.assertEqual(self._asked(campaign.reminder_ids), 700)
        campaign.action_send()
        self._book(debit=500)
        [message] = self._run(FakeTransport()).sent
        self.assertIn("1,000.00", message.text)
        live = campaign.reminder_ids._get_page_lines()
        self.assertEqual(sum(live.mapped("amount_residual")), 1000)

    def test_post_dated_payment_says_from_when(self):
        """N7: a cheque in hand, dated in 30 days, is taken off, and the letter and the
        statement name its date; in both languages."""
        self.customer.chaser_language = "both"
        entry = self._book(credit=400, days=-30)
        reminder = self._assert_asked(600)
        self.assertIn(entry, reminder.line_ids.move_id)
        day = self.today + timedelta(days=30)
        for lang, word in (("en", "dated"), ("ar", "بتاريخ")):
            shown = f"{word} {format_day(day, lang)}"
            self.assertIn(shown, reminder.body_html)
            self.assertIn(shown, reminder.body_text)

    def test_credit_that_is_not_to_be_set_off(self):
        """F15: Odoo's own flag on a credit note."""
        refund = self._refund(300)
        self._receivable(refund).no_followup = True
        self._assert_asked(1000)

    def test_one_of_two_chosen(self):
        """N5: two invoices of 1,000 and 1,500 of credit: 500 is owed, whichever is
        chosen."""
        self._make_invoice(amount=1000)
        self._refund(1500)
        self._assert_asked(500)

    def test_chosen_alone_keeps_the_credit(self):
        self._make_invoice(amount=1000)
        self._refund(400)
        campaign = self._campaign(self.invoice)
        self.assertEqual(self._asked(campaign.reminder_ids), 600)
        campaign.action_send()
        [message] = self._run(FakeTransport()).sent
        self.assertIn("600.00", message.text)

    def test_dropped_in_the_preview(self):
        """What is taken out takes its share of the credit."""
        other = self._make_invoice(amount=1000)
        self._refund(1500)
        campaign = self._campaign(
            self.invoice | other, excluded_line_ids=self._receivable(other).ids
        )
        draft = campaign.reminder_ids.filtered(lambda one: one.state == "draft")
        self.assertEqual(self._asked(draft), 500)
        campaign.action_send()
        [message] = self._run(FakeTransport()).sent
        self.assertIn("500.00", message.text)

    def test_one_message_per_invoice(self):
        """Each credit stands in one message, and what an open debit took up in none."""
        self.customer.with_company(self.company).consolidation_preference = "disabled"
        second = self._make_invoice(amount=1000)
        self._book(debit=100)
        for amount in (300, 200):
            self._refund(amount)
        campaign = self._campaign(self.invoice | second)
        self.assertEqual(self._asked(campaign.reminder_ids), 1600)
        campaign.action_send()
        self._run(FakeTransport())
        self.assertEqual(self._asked(campaign.reminder_ids), 1600)

    # -- who is chosen

    def test_parent_without_its_subsidiary(self):
        """F10: a subsidiary that is a company of its own is a customer of its own."""
        child = self._make_customer(
            "Al Noor Retail", "retail@alnoor.example", parent_id=self.customer.id
        )
        self._make_invoice(child, 700)
        preview = self.env["chaser.preview"].browse(
            self.customer.action_chase()["res_id"]
        )
        self.assertEqual(preview.message_ids.partner_id, self.customer)
        row = self.env["chaser.worklist"].search(
            [("partner_id", "=", self.customer.id)]
        )
        self.assertEqual(row.line_ids, self._receivable(self.invoice))

    def test_imported_without_a_due_date(self):
        """F11: without one the invoice date counts, for the button as for the plan."""
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE account_move_line SET date_maturity = NULL WHERE move_id = %s",
            [self.invoice.id],
        )
        self.env.cr.execute(
            "UPDATE account_move SET invoice_date_due = NULL WHERE id = %s",
            [self.invoice.id],
        )
        self.env.invalidate_all()
        self.assertTrue(self.customer.action_chase()["res_id"])
        self._make_invoice(self.env["res.partner"].create({"name": "Later"}), days=-3)
        with self.assertRaises(UserError):
            self.env["res.partner"].search([("name", "=", "Later")]).action_chase()

    # -- open debits that are no invoices

    def test_other_open_debits(self):
        """F1, second part: switched on, the opening balance is asked for in a line of
        its own, with label and date; in mail, page and statement alike."""
        self.company.chaser_open_debits = True
        self._book(debit=5000)
        self._book(credit=3000)
        other = self._make_customer("Other", "pay@other.example")
        entry = self._book(debit=70)
        entry.button_draft()
        entry.line_ids[1].write(
            {
                "account_id": self.company_data["default_account_receivable"].id,
                "partner_id": other.id,
            }
        )
        entry.action_post()
        preview = self.env["chaser.preview"].browse(
            self.customer.action_chase()["res_id"]
        )
        self.assertEqual(preview.message_ids.partner_id, self.customer)
        preview.action_save_draft()
        [reminder] = self.env["chaser.reminder"].search(
            [("partner_id", "=", self.customer.id)]
        )
        self.assertEqual(reminder.state, "draft")
        self.assertEqual(self._asked(reminder), 3070)
        [row] = self.env["chaser.worklist"]._read_rows(self.company, self.customer.ids)
        self.assertEqual(row["amount_due"], 3070)
        reminder.campaign_id.action_send()
        [message] = self._run(FakeTransport()).sent
        text = " ".join(message.text.split())
        self.assertIn(f"Total due: {self.company.currency_id.name} 3,070.00", text)
        self.assertIn("Opening balance MISC/", text)
        self.assertIn("Opening balance", message.html)
        labels = [item.label for item in reminder._get_page_items()]
        self.assertIn("Opening balance", labels)
        rows = self.env["chaser.documents"]._read_statement_rows(
            self.customer.id, self.company.id
        )
        self.assertEqual(
            [row["label"] for row in rows if row["amount"] == 5000],
            ["Opening balance"],
        )

    def test_customer_with_an_opening_balance_alone(self):
        customer = self._make_customer("Migrated", "pay@migrated.example")
        self._book(debit=800, partner=customer)
        with self.assertRaises(UserError):
            customer.action_chase()
        self.company.chaser_open_debits = True
        self.assertTrue(customer.action_chase()["res_id"])
        plan = self.env["chaser.planner"]._plan_open(self.company, customer)
        self.assertEqual(plan.going[0].company_net, 800)
