"""What messages cost before they leave, and what was billed."""

from datetime import date, timedelta

from odoo.exceptions import AccessError, ValidationError
from odoo.tests import tagged

from .people_common import PeopleCase


@tagged("post_install", "-at_install")
class TestPrices(PeopleCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.Price = cls.env["chaser.whatsapp.price"]
        cls.aed = cls.env.ref("base.AED")

    def _price(self, market="Rest of Middle East", amount=0.0577, code="ae", **values):
        return self.Price.create(
            {
                "market": market,
                "country_ids": self.env.ref(f"base.{code}").ids if code else [],
                "amount": amount,
                "currency_id": self.aed.id,
                "date_from": self.today - timedelta(days=30),
                "company_id": self.company.id,
                **values,
            }
        )

    def _words(self, *messages):
        return self.Price._describe_forecast(
            self.Price._forecast(self.company, messages)
        )

    def test_empty_until_somebody_fills_it_in(self):
        self.assertFalse(self.Price.search([]))
        self.assertFalse(self._words())
        words = self._words(("+971501234567", "utility"))
        self.assertIn("United Arab Emirates", words)
        self.assertIn("no price", words)

    def test_forecast(self):
        self._price()
        self._price("Egypt", 0.0132, "eg")
        messages = [("+971501234567", "utility")] * 100 + [("+201001234567", "utility")]
        self.assertIn("101 messages", self._words(*messages))
        self.assertIn("5.78", self._words(*messages))
        self.assertIn("0.0132 AED", self._words(("+201001234567", "utility")))
        self.assertIn("unknown country", self._words(("AE.13491208655", "utility")))

    def test_own_before_shared(self):
        self._price(company_id=False, amount=1)
        self.assertIn("1.00", self._words(("+971501234567", "utility")))
        self._price(amount=2)
        self.assertIn("2.00", self._words(("+971501234567", "utility")))

    def test_a_country_has_one_market(self):
        self._price()
        self._price(date_from=date(2027, 1, 1))
        with self.assertRaisesRegex(ValidationError, "Rest of Middle East"):
            self._price("Other")

    def test_rights(self):
        price = self._price()
        self.assertEqual(price.with_user(self.accountant).amount, 0.0577)
        with self.assertRaises(AccessError):
            price.with_user(self.accountant).amount = 2

    def test_in_the_preview(self):
        self._price()
        self._make_person()
        invoice = self._make_invoice()
        self.customer.with_company(self.company).chaser_channel = "whatsapp"
        action = self.env["chaser.preview"]._open_for_invoices(invoice)
        preview = self.env["chaser.preview"].browse(action["res_id"])
        self.assertEqual(preview.message_ids.channel, "whatsapp")
        self.assertIn("0.0577 AED", preview.whatsapp_cost)
        # There is no template yet: the reader learns that before anything leaves.
        self.assertIn("no WhatsApp template", preview.whatsapp_problem)
        arabic = preview.with_context(lang="ar_001").whatsapp_problem
        self.assertNotIn("template", arabic)
        preview.message_ids.included = False
        self.assertFalse(preview.whatsapp_cost or preview.whatsapp_problem)

    def _charge(self, reminder, **pricing):
        return self.Price.sudo()._record_actual(reminder, pricing, None)

    def test_billed(self):
        self._price()
        self._price(category="marketing", amount=0.4)
        self._make_person()
        reminder = self._make_sent()
        reminder.write(
            self.env["chaser.channel"]
            ._get("whatsapp")
            ._prepare_recipient_values(["+971501234567"])
        )
        charge = self._charge(reminder, category="utility", type="regular")
        self.assertEqual((charge.expected, charge.amount), (0.0577, 0.0577))
        self.assertEqual(
            self._charge(reminder, category="utility", type="regular"), charge
        )
        again = self._charge(reminder, category="marketing", type="regular")
        self.assertEqual(again, charge)
        self.assertAlmostEqual(charge.difference, 0.3423)
        self._charge(reminder, category="utility", type="free_entry_point")
        self.assertEqual((charge.amount, charge.is_billed), (0, False))
        self.assertFalse(self._charge(reminder))

    def test_a_campaigns_cost(self):
        """Billed and expected of all its messages, and the difference."""
        self._price(amount=0.05)
        self._price(category="marketing", amount=0.4)
        self._make_person()
        reminder = self._make_sent()
        reminder.write(
            self.env["chaser.channel"]
            ._get("whatsapp")
            ._prepare_recipient_values(["+971501234567"])
        )
        campaign = reminder.campaign_id
        self.assertFalse(campaign.whatsapp_cost)
        self._charge(reminder, category="marketing", type="regular")
        campaign.invalidate_recordset()
        words = campaign.whatsapp_cost.replace("\N{NO-BREAK SPACE}", " ")
        self.assertIn("Messages billed: 1, for", words)
        for amount in ("0.40", "Expected: 0.05 AED", "0.35"):
            self.assertIn(amount, words)
        charge = self._charge(reminder, category="new_kind", type="regular")
        self.assertEqual((charge.category, charge.has_price), ("other", False))
