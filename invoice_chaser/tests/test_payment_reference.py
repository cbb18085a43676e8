from odoo.tests import tagged
from odoo.tools.safe_eval import safe_eval

from ..core.match.reference import make_reference
from ..core.page.transfer import make_transfers
from .common import ChaserCase, FakeTransport


@tagged("post_install", "-at_install")
class TestPaymentReference(ChaserCase):
    """An account per currency (F7), and one reference that stands for the message."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.foreign = cls.setup_other_currency("EUR", rates=[("2020-01-01", 0.5)])
        cls.bank = cls._make_bank("AE070331234567890123456")
        cls.invoice = cls._make_invoice(amount=1000, days=30)
        cls.second = cls._make_invoice(amount=500, days=20)
        (cls.invoice | cls.second).partner_bank_id = cls.bank

    @classmethod
    def _make_bank(cls, number):
        return cls.env["res.partner.bank"].create(
            {
                "acc_number": number,
                "partner_id": cls.company.partner_id.id,
                "allow_out_payment": True,
            }
        )

    def _bank_line(self, amount, text, **values):
        return self.env["account.bank.statement.line"].create(
            {
                "journal_id": self.company_data["default_journal_bank"].id,
                "date": self.today,
                "payment_ref": text,
                "amount": amount,
                **values,
            }
        )

    def _find(self):
        self.env["chaser.maybe.paid"]._refresh(self.company)
        return self.env["chaser.maybe.paid"].search([("state", "=", "open")])

    # -- where to pay

    def test_account_per_currency(self):
        """AED to the AED account, EUR to the EUR account, each beside its total, in
        mail, letter, statement and page."""
        euro = self._make_bank("DE89370400440532013000")
        other = self._make_invoice(amount=200, currency=self.foreign)
        other.partner_bank_id = euro
        self.customer.chaser_language = "both"
        campaign = self._campaign(self.invoice | self.second | other)
        campaign.action_send()
        [message] = self._run(FakeTransport()).sent
        for number in (self.bank.acc_number, euro.acc_number):
            self.assertIn(number, message.text)
            self.assertGreaterEqual(message.html.count(number), 4, "block and total")
        self.assertIn("To pay: EUR", message.text)
        self.assertIn("لسداد", message.text)
        self.assertEqual(
            [
                (one.currency, one.amount, one.bank["iban"])
                for one in self._get_transfers(campaign)
            ],
            [
                ("EUR", 200, euro.acc_number),
                (self.company.currency_id.name, 1500, self.bank.acc_number),
            ],
        )

    def _get_transfers(self, campaign):
        page = campaign.reminder_ids.sudo()._get_page_data("en")
        return make_transfers(page.items, page.accounts, page.payment_reference)

    def test_two_accounts_of_one_currency(self):
        self.second.partner_bank_id = self._make_bank("AE460261001015026740201")
        campaign = self._sent_campaign(self.invoice | self.second)
        transfers = self._get_transfers(campaign)
        self.assertEqual(
            [one.numbers for one in transfers],
            [(self.invoice.name,), (self.second.name,)],
        )

    def test_one_account(self):
        campaign = self._sent_campaign(self.invoice)
        [one] = self._get_transfers(campaign)
        self.assertEqual((one.bank["iban"], one.numbers), (self.bank.acc_number, ()))

    # -- what to quote

    def test_reference_in_the_message(self):
        campaign = self._campaign(self.invoice | self.second)
        campaign.action_send()
        [message] = self._run(FakeTransport()).sent
        reminder = campaign.reminder_ids
        reference = make_reference(reminder.id)
        self.assertEqual(reminder.payment_reference, reference)
        self.assertIn(f"Payment reference: {reference}", message.text)
        self.assertIn(reference, message.html)
        self.assertEqual(
            reminder.sudo()._get_page_data("ar").payment_reference, reference
        )

    def test_exact_hit_whatever_else_is_said(self):
        """In Arabic digits, among other words, with another customer's name: exactly
        the items of the message."""
        reminder = self._sent_campaign(self.invoice | self.second).reminder_ids
        other = self._make_customer("Blue Sea", "pay@blue.example")
        self._make_invoice(other, 1500)
        eastern = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
        text = f"حوالة Blue Sea {reminder.payment_reference.translate(eastern)} شكرا"
        self._bank_line(1500, text, partner_name="Blue Sea")
        hit = self._find()
        self.assertEqual(hit.partner_id, self.customer)
        self.assertEqual(hit.line_ids, self._receivable(self.invoice | self.second))
        self.assertEqual((hit.score, hit.is_exact), (100, True))
        self.assertEqual(hit.reminder_id, reminder)
        hit.action_reconcile()
        self.assertEqual((self.invoice | self.second).mapped("amount_residual"), [0, 0])

    def test_part_payment_oldest_first(self):
        reminder = self._sent_campaign(self.invoice | self.second).reminder_ids
        self._bank_line(1200, f"{reminder.payment_reference} part")
        hit = self._find()
        self.assertFalse(hit.is_exact)
        told = hit.action_reconcile()
        self.assertEqual(
            (self.invoice | self.second).mapped("amount_residual"), [0, 300]
        )
        said = told["params"]["message"].replace("\xa0", " ")
        for amount in ("1,200.00", "300.00 of", "1,500.00 are still open"):
            self.assertIn(amount, said)
        self.assertIn("300.00", self.customer.message_ids[:1].body)
        self.assertEqual(hit.state, "reconciled")

    def test_more_than_was_asked_for(self):
        """All items are settled; what is too much stays on the account, and is
        named."""
        reminder = self._sent_campaign(self.invoice | self.second).reminder_ids
        self._bank_line(1600, reminder.payment_reference)
        hit = self._find()
        self.assertFalse(hit.is_exact)
        said = hit.action_reconcile()["params"]["message"].replace("\xa0", " ")
        self.assertEqual((self.invoice | self.second).mapped("amount_residual"), [0, 0])
        self.assertIn("100.00 more than", said)
        [left] = (
            self.env["chaser.account"]
            ._read_untaken(self.company, self.customer.ids)
            .values()
        )
        self.assertEqual(left, 100)

    def test_one_currency_of_the_message(self):
        """The message asks for 1,000 and EUR 200. Who pays 1,200 has paid 1,000 of it;
        no money changes its currency by itself. EUR are allocated to EUR, and what the
        message set off in EUR goes with them."""
        euros = self._make_invoice(amount=200, currency=self.foreign, days=40)
        back = self._make_invoice(
            amount=20, currency=self.foreign, move_type="out_refund"
        )
        campaign = self._sent_campaign(self.invoice | euros)
        reference = campaign.reminder_ids.payment_reference
        self._bank_line(1200, reference)
        hit = self._find()
        self.assertEqual(hit.line_ids, self._receivable(self.invoice))
        hit.action_reconcile()
        self.assertEqual(
            (self.invoice | euros | back).mapped("amount_residual"), [0, 200, 20]
        )
        self._bank_line(
            360,
            reference,
            foreign_currency_id=self.foreign.id,
            amount_currency=180,
        )
        hit = self._find().filtered(lambda one: one.source_amount == 180)
        self.assertEqual((hit.line_ids, hit.is_exact), (self._receivable(euros), True))
        hit.action_reconcile()
        self.assertEqual((euros | back).mapped("amount_residual"), [0, 0])

    def _send_two(self):
        """A reminder, beside one to somebody else; and its reference as it is read
        out, in groups."""
        reminder = self._sent_campaign(self.invoice).reminder_ids
        other = self._make_customer("Other Buyer", "other@buyer.example")
        self._sent_campaign(self._make_invoice(other))
        reference = reminder.payment_reference
        groups = [reference[at : at + 4] for at in range(0, len(reference), 4)]
        return reminder, " ".join(groups)

    def test_found_by_what_is_dictated(self):
        """On the phone: the reminder is found by its reference, however it is typed, or
        by its beginning."""
        reminder, spaced = self._send_two()
        eastern = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
        Reminder = self.env["chaser.reminder"].with_user(self.accountant)
        whole = [
            spaced.replace(" ", ""),
            spaced,
            spaced.lower(),
            spaced.replace(" ", "-"),
            spaced.lower().translate(eastern),
        ]
        parts = [spaced[:-1], spaced[2:], f"my reference is {spaced}."]
        for operator, texts in (("=", whole), ("ilike", whole + parts)):
            for typed in texts:
                found = Reminder.search([("payment_reference", operator, typed)])
                self.assertEqual(found, reminder, typed)
        left = Reminder.search([("payment_reference", "not ilike", spaced)])
        self.assertNotIn(reminder, left)
        self.assertFalse(Reminder.search([("payment_reference", "ilike", "RF991234")]))
        some = Reminder.search([("payment_reference", "!=", False)])
        self.assertEqual(some, Reminder.search([("payment_reference", "ilike", "")]))

    def _make_everything(self, reminder):
        values = {"company_id": self.company.id, "partner_id": self.customer.id}
        self.env["chaser.promise"]._promise(
            self.company, self.customer, self._later(days=5).date()
        )
        self.env["chaser.dispute"].create(values | {"reason": "price"})
        self.env["chaser.hold"]._hold(self.company, self.customer, "manual")
        about = values | {"reminder_id": reminder.id}
        self.env["chaser.answer"].sudo().create(
            about | {"action": "promise", "key": "one"}
        )
        self.env["chaser.inbound"].sudo().create(
            about | {"mail_key": "one", "kind": "reply"}
        )
        reminder.sudo()._record_event("opened", source="pixel")
        self._bank_line(70, reminder.payment_reference)
        self._find()

    def test_found_on_every_list(self):
        """Each list that is about reminders or their customers, by its search field."""
        reminder, typed = self._send_two()
        self._make_everything(reminder)
        lists = set()
        for view in self.env["ir.ui.view"].search([("type", "=", "search")]):
            if not (view.model or "").startswith("chaser."):
                continue
            field = view._get_combined_arch().find(
                ".//field[@string='Payment Reference']"
            )
            if field is None:
                continue
            lists.add(view.model)
            domain = safe_eval(field.get("filter_domain"), {"self": typed})
            found = self.env[view.model].with_user(self.accountant).search(domain)
            self.assertTrue(found, view.model)
            if view.model == "chaser.campaign":
                self.assertEqual(found, reminder.campaign_id)
            else:
                self.assertEqual(found.partner_id, self.customer, view.model)
        names = "answer campaign dispute event hold inbound maybe.paid promise worklist"
        self.assertEqual(lists, {f"chaser.{name}" for name in names.split()})
        for name in ("chaser.reminder.report", "chaser.event.report"):
            found = self.env[name].search([("payment_reference", "ilike", typed)])
            self.assertEqual(found.reminder_id, reminder)

    def test_with_the_credit_of_the_message(self):
        """1,500 less a credit note of 300: the payment of 1,200 settles all three."""
        refund = self._make_invoice(amount=300, move_type="out_refund")
        reminder = self._sent_campaign(self.invoice | self.second).reminder_ids
        self._bank_line(1200, reminder.payment_reference)
        hit = self._find()
        self.assertTrue(hit.is_exact)
        hit.action_reconcile()
        moves = self.invoice | self.second | refund
        self.assertEqual(moves.mapped("amount_residual"), [0, 0, 0])

    def test_reference_of_another_company_or_of_nothing_open(self):
        reminder = self._sent_campaign(self.invoice).reminder_ids
        self._pay(self.invoice)
        self._bank_line(77, reminder.payment_reference)
        self._bank_line(78, make_reference(999999999))
        self.assertFalse(self._find())
