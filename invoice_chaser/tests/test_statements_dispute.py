from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command
from odoo.service.model import call_kw
from odoo.tests import new_test_user, tagged

from .common import ChaserCase


@tagged("post_install", "-at_install")
class TestDispute(ChaserCase):
    def _dispute(self, moves=None, reason="Broken glass", user=None, **values):
        return (
            self.env["chaser.dispute"]
            .with_user(user or self.accountant)
            .create(
                {
                    "partner_id": self.customer.id,
                    "move_ids": [Command.set((moves or self.env["account.move"]).ids)],
                    "reason": reason,
                    **values,
                }
            )
            .with_user(self.env.user)
        )

    def _reasons(self, campaign):
        return {
            move.name: reminder.reason_code or None
            for reminder in campaign.reminder_ids
            for move in reminder.line_ids.move_id
        }

    def _notes(self, record):
        return " ".join(record.message_ids.mapped("body"))

    def test_named_invoices_are_held(self):
        held, other = self._make_invoice(amount=10), self._make_invoice(amount=20)
        self._dispute(held, amount=5)
        campaign = self._campaign(held | other)
        self.assertEqual(
            self._reasons(campaign),
            {held.name: "disputed", other.name: None},
            "held whole, whatever part is disputed",
        )
        self.assertIn(
            "Broken glass",
            campaign.reminder_ids.filtered(
                lambda reminder: reminder.state == "skipped"
            ).reason,
        )

    def test_whole_customer_is_held(self):
        invoice = self._make_invoice()
        self._dispute()
        campaign = self._campaign(invoice | self._make_invoice())
        self.assertEqual(set(self._reasons(campaign).values()), {"customer_disputes"})
        self.assertIn("Broken glass", campaign.reminder_ids[0].reason)

    def test_stops_what_is_queued(self):
        campaign = self._campaign(self._make_invoice())
        campaign.action_send()
        self._dispute()
        self.assertFalse(self._run().sent)
        self.assertEqual(campaign.reminder_ids.reason_code, "customer_disputes")

    def test_resolved_and_rejected(self):
        for method, state in (
            ("action_resolve", "resolved"),
            ("action_reject", "rejected"),
        ):
            with self.subTest(method):
                invoice = self._make_invoice()
                dispute = self._dispute(invoice)
                getattr(dispute.with_user(self.accountant), method)(
                    "Credit note promised"
                )
                self.assertEqual(
                    (dispute.state, dispute.closed_by_id, dispute.resolution),
                    (state, self.accountant, "Credit note promised"),
                )
                self.assertTrue(dispute.closed_at)
                self.assertFalse(invoice.chaser_dispute_reason)
                self.assertEqual(
                    self._reasons(self._campaign(invoice)), {invoice.name: None}
                )
                for record in (self.customer, invoice):
                    self.assertIn("Credit note promised", self._notes(record))
                self.env["chaser.reminder"].sudo().search(
                    [("state", "=", "draft")]
                ).campaign_id.action_cancel()

    def test_reopened(self):
        invoice = self._make_invoice()
        dispute = self._dispute(invoice)
        dispute.action_resolve()
        dispute.with_user(self.accountant).action_reopen()
        self.assertEqual(
            (dispute.state, dispute.closed_at, invoice.chaser_dispute_reason),
            ("open", False, "Broken glass"),
        )

    def test_closed_once(self):
        dispute = self._dispute()
        dispute.action_resolve("first")
        dispute.action_reject("second")
        self.assertEqual((dispute.state, dispute.resolution), ("resolved", "first"))

    def test_responsible_gets_a_to_do(self):
        colleague = new_test_user(
            self.env,
            "dispute_colleague",
            "invoice_chaser.group_chaser_user",
            company_id=self.company.id,
        )
        dispute = self._dispute(user_id=colleague.id)
        self.assertEqual(dispute.activity_ids.user_id, colleague)
        self.assertFalse(
            self._dispute().activity_ids, "who takes it on himself needs none"
        )
        dispute.action_resolve()
        self.assertFalse(dispute.activity_ids)

    def test_two_disputes_about_one_invoice(self):
        invoice = self._make_invoice()
        first, second = self._dispute(invoice, "Glass"), self._dispute(invoice, "Price")
        self.assertEqual(invoice.chaser_dispute_reason, "Glass; Price")
        first.action_resolve()
        self.assertEqual(invoice.chaser_dispute_reason, "Price")
        second.action_reject()
        self.assertFalse(invoice.chaser_dispute_reason)

    def test_state_is_not_set_by_hand(self):
        with self.assertRaisesRegex(UserError, "Use Resolve"):
            self._dispute().with_user(self.accountant).state = "resolved"

    def test_over_the_api(self):
        invoice = self._make_invoice()
        env = self.env(
            user=self.accountant.id,
            su=False,
            context={"allowed_company_ids": self.company.ids},
        )
        [dispute_id] = call_kw(
            env["chaser.dispute"],
            "create",
            [
                [
                    {
                        "partner_id": self.customer.id,
                        "move_ids": [[6, 0, invoice.ids]],
                        "reason": "Price",
                        "source": "mail",
                        "said_by": "Ms Khan",
                    }
                ]
            ],
            {},
        )
        self.assertEqual(invoice.chaser_dispute_reason, "Price")
        self.assertIn("Ms Khan", self._notes(invoice))
        call_kw(
            env["chaser.dispute"],
            "action_reject",
            [[dispute_id]],
            {"resolution": "Agreed price"},
        )
        self.assertEqual(
            self.env["chaser.dispute"].browse(dispute_id).state, "rejected"
        )

    def test_refusals(self):
        other = self._make_customer("Other", "other@customer.example")
        with self.assertRaisesRegex(ValidationError, "does not belong to Al Noor"):
            self._dispute(self._make_invoice(other))

    # -- on the invoice

    def test_reason_on_the_invoice(self):
        invoice = self._make_invoice()
        invoice.with_user(self.accountant).chaser_dispute_reason = "Wrong goods"
        dispute = invoice.sudo().chaser_dispute_ids
        self.assertEqual(
            (dispute.reason, dispute.move_ids, dispute.user_id),
            ("Wrong goods", invoice, self.accountant),
        )
        invoice.chaser_dispute_reason = "Wrong goods, 2 pallets"
        self.assertEqual(dispute.reason, "Wrong goods, 2 pallets")
        self.assertEqual(invoice.sudo().chaser_dispute_ids, dispute)
        invoice.with_user(self.accountant).chaser_dispute_reason = False
        self.assertEqual(
            (dispute.state, dispute.closed_by_id), ("resolved", self.accountant)
        )

    def test_reason_taken_off_one_of_two(self):
        one, two = self._make_invoice(), self._make_invoice()
        dispute = self._dispute(one | two)
        one.chaser_dispute_reason = False
        self.assertEqual((dispute.state, dispute.move_ids), ("open", two))
        self.assertEqual(
            (one.chaser_dispute_reason, two.chaser_dispute_reason),
            (False, "Broken glass"),
        )

    def test_markup_in_the_reason_stays_text(self):
        invoice = self._make_invoice()
        self._dispute(invoice, "<script>alert(1)</script>")
        self.assertNotIn("<script>", self._notes(invoice))
        self.assertIn("&lt;script&gt;", self._notes(invoice))
