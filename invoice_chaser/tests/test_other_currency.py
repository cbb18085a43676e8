from odoo.tests import tagged

from .common import ChaserCase, FakeTransport


@tagged("post_install", "-at_install")
class TestOtherCurrency(ChaserCase):
    """Other currencies are not silent (F6); figures and amounts (F13, N2)."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.foreign = cls.setup_other_currency("EUR", rates=[("2020-01-01", 0.5)])
        cls.invoice = cls._make_invoice(amount=1000, currency=cls.foreign)

    def _pay_on_account(self, amount):
        payment = self.env["account.payment"].create(
            {
                "payment_type": "inbound",
                "partner_type": "customer",
                "partner_id": self.customer.id,
                "amount": amount,
                "date": self.today,
                "journal_id": self.company_data["default_journal_bank"].id,
            }
        )
        payment.action_post()

    def test_settled_over_all_currencies(self):
        """EUR 1,000 are 2,000 in the books; 2,000 came in in company currency: a look
        first, and no letter."""
        self._pay_on_account(2000)
        [reminder] = self._campaign(self.invoice).reminder_ids
        self.assertEqual(reminder.reason_code, "account_in_credit")
        self.assertIn("allocate", reminder.reason)

    def test_paid_after_planning(self):
        campaign = self._campaign(self.invoice)
        campaign.action_send()
        self._pay_on_account(2000)
        self.assertFalse(self._run(FakeTransport()).sent)
        self.assertEqual(campaign.reminder_ids.reason_code, "account_in_credit")

    def test_settled_by_what_is_left_of_a_credit(self):
        """An invoice in company currency takes 50 of 2,050; what is left settles the
        EUR invoice: a look first, at planning and at the send."""
        small = self._make_invoice(amount=50)
        campaign = self._campaign(self.invoice | small)
        campaign.action_send()
        self._pay_on_account(2050)
        self.assertFalse(self._run(FakeTransport()).sent)
        self.assertEqual(campaign.reminder_ids.reason_code, "account_in_credit")
        reminders = self._campaign(self.invoice | small).reminder_ids
        reasons = {one.line_ids.move_id: one.reason_code for one in reminders}
        self.assertEqual(reasons[self.invoice], "account_in_credit")

    def test_what_is_left_of_a_credit_is_told(self):
        """200 came in, 50 are owed in that currency: the letter asks for the EUR
        invoice alone and tells of 150; also where the money comes after planning."""
        small = self._make_invoice(amount=50)
        currency = self.company.currency_id.name
        told = f"You have an open credit of {currency} 150.00"
        queued = self._campaign(self.invoice | small)
        queued.action_send()
        self._pay_on_account(200)
        planned = self.env["chaser.composer"]._get_preview_data(
            self.customer, self.company, self._receivable(self.invoice).ids
        )
        self.assertEqual([one.residual for one in planned.other_credits], [-150])
        [message] = self._run(FakeTransport()).sent
        text = message.text.replace("\xa0", " ")
        self.assertIn(told, text)
        self.assertIn("Total due: EUR 1,000.00", text)
        self.assertNotIn(f"Total due: {currency}", text)

    def test_in_credit_by_the_rates_alone(self):
        """EUR 1,000 less EUR 900, of which the credit note stands in the books with
        more: the account is in credit in the company's currency, so somebody allocates
        first; then EUR 100 are asked for."""
        self.env["res.currency.rate"].create(
            {
                "name": self.today,
                "currency_id": self.foreign.id,
                "company_id": self.company.id,
                "rate": 0.25,
            }
        )
        refund = self._make_invoice(
            amount=900, currency=self.foreign, move_type="out_refund", days=0
        )
        campaign = self._campaign(self.invoice)
        self.assertEqual(campaign.reminder_ids.reason_code, "account_in_credit")
        campaign.action_cancel()
        self._receivable(self.invoice | refund).reconcile()
        [reminder] = self._campaign(self.invoice).reminder_ids
        self.assertFalse(reminder.reason)
        self.assertEqual(sum(reminder.line_ids.mapped("amount_residual")), 100)

    def test_credit_is_told(self):
        """A part came in: the letter asks for the invoice and tells of the credit, in
        both languages and in no sum."""
        self.customer.chaser_language = "both"
        self._pay_on_account(500)
        campaign = self._campaign(self.invoice)
        preview = self.env["chaser.composer"]._get_preview_data(
            self.customer, self.company
        )
        self.assertEqual([one.residual for one in preview.other_credits], [-500])
        campaign.action_send()
        [message] = self._run(FakeTransport()).sent
        text = message.text.replace("\xa0", " ")
        currency = self.company.currency_id.name
        self.assertIn("Total due: EUR 1,000.00", text)
        self.assertIn(f"You have an open credit of {currency} 500.00", text)
        self.assertIn("لديكم رصيد دائن مفتوح قدره", text)
        self.assertIn("another currency", message.html)
        self.assertNotIn(f"Total due: {currency}", text)

    def test_worklist_per_currency(self):
        self._make_invoice(amount=70)
        self._pay_on_account(20)
        row = self.env["chaser.worklist"].search(
            [("partner_id", "=", self.customer.id)]
        )
        self.assertIn("1,000.00", row.amounts_display)
        self.assertIn("50.00", row.amounts_display)
        self.assertEqual(row.amount_due, 2050)

    def test_collected_is_not_more_than_chased(self):
        """F13: a credit note that the letter had set off already is no collection."""
        invoice = self._make_invoice(
            self._make_customer("Other", "pay@other.example"), 1000
        )
        refund = self._make_invoice(invoice.partner_id, 300, move_type="out_refund")
        campaign = self._sent_campaign(invoice)
        self.assertIn("700.00", campaign.amount_chased)
        (self._receivable(invoice) | self._receivable(refund)).reconcile()
        campaign.invalidate_recordset()
        self.assertIn("0.00", campaign.amount_collected)
        self.assertNotIn("300", campaign.amount_collected)
        self._pay(invoice)
        campaign.invalidate_recordset()
        self.assertIn("700.00", campaign.amount_collected)

    def test_a_rest_of_a_cent_is_not_chased(self):
        """N2: with the default settings."""
        self.assertEqual(self.company.chaser_minimum_amount, 1)
        customer = self._make_customer("Cent", "pay@cent.example")
        invoice = self._make_invoice(customer, 100)
        self._pay(invoice, 99.99)
        [reminder] = self._campaign(invoice).reminder_ids
        self.assertEqual(reminder.reason_code, "below_minimum")

    # -- customers who are vendors (N3)

    def _bill(self, amount):
        bill = self._make_invoice(amount=amount, move_type="in_invoice", post=False)
        bill.partner_id = self.vendor
        bill.action_post()
        return bill

    def test_what_we_owe(self):
        self.vendor = self._make_customer("Both", "both@both.example")
        invoice = self._make_invoice(self.vendor, 1000)
        self._bill(400)
        [reminder] = self._campaign(invoice).reminder_ids
        self.assertEqual(reminder.state, "draft")
        reminder.campaign_id.action_cancel()
        self.company.chaser_show_payables = True
        campaign = self._campaign(invoice)
        campaign.action_send()
        [message] = self._run(FakeTransport()).sent
        text = message.text.replace("\xa0", " ")
        currency = self.company.currency_id.name
        self.assertIn(f"We owe you {currency} 400.00 on open bills", text)
        self.assertIn(f"Total due: {currency} 1,000.00", text)

    def test_net_zero_is_looked_at(self):
        self.company.chaser_show_payables = True
        self.vendor = self._make_customer("Both", "both@both.example")
        invoice = self._make_invoice(self.vendor, 1000)
        campaign = self._campaign(invoice)
        campaign.action_send()
        self._bill(5000)
        self.assertFalse(self._run(FakeTransport()).sent)
        self.assertEqual(campaign.reminder_ids.reason_code, "net_zero")
        [message] = (
            self.env["chaser.planner"]._plan_open(self.company, self.vendor).messages
        )
        self.assertEqual(message.skip.reason, "net_zero")
