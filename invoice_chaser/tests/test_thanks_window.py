from datetime import timedelta

from odoo import fields
from odoo.tests import tagged
from odoo.tools import SQL

from .test_hours_window import MONDAY_OPEN, WindowCase


@tagged("post_install", "-at_install")
class TestThanksWindow(WindowCase):
    """A thank-you keeps the hours in which a customer may be written to, like every
    other message."""

    def setUp(self):
        super().setUp()  # Friday noon in Dubai: closed until Monday
        self.now = fields.Datetime.now()
        self.company.write({"chaser_thanks": True, "chaser_thanks_hours": 24})
        self.company.chaser_thanks_since = self.now - timedelta(days=30)
        self.company.chaser_window_enabled = False
        self.invoices = self._make_invoice() | self._make_invoice(amount=500)
        self._sent_campaign(self.invoices)
        self._set("chaser_reminder", "sent_at", self.now - timedelta(days=10))
        self.company.chaser_window_enabled = True
        for invoice in self.invoices:
            self._pay(invoice)
        self._set(
            "account_partial_reconcile", "create_date", self.now - timedelta(hours=25)
        )

    def _set(self, table, column, moment):
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                "UPDATE %s SET %s = %s",
                SQL.identifier(table),
                SQL.identifier(column),
                moment,
            )
        )
        self.env.invalidate_all()

    def _thank(self):
        self.env.flush_all()
        with self.enter_registry_test_mode():
            self.env.ref("invoice_chaser.ir_cron_thanks").method_direct_trigger()
        self.env.invalidate_all()
        return self.env["chaser.reminder"].search(
            [("purpose", "=", "thanks"), ("company_id", "=", self.company.id)]
        )

    def test_waits_for_the_window_and_goes_once(self):
        thanks = self._thank()
        self.assertRecordValues(
            thanks,
            [{"state": "queued", "reason_code": "window", "scheduled_at": MONDAY_OPEN}],
        )
        self.assertEqual(self._run().sent, [])
        self.assertEqual(
            self._thank(), thanks, "who has one on its way gets no second one"
        )
        self._freeze(MONDAY_OPEN + timedelta(minutes=1))
        self.assertEqual(self._thank(), thanks)
        [message] = self._run().sent
        for invoice in self.invoices:
            self.assertIn(invoice.name, message.text, "one message for all of it")
        self.assertEqual(
            (thanks.state, thanks.sent_at), ("sent", fields.Datetime.now())
        )
        self.assertEqual((self._thank(), self._run().sent), (thanks, []), "once")
