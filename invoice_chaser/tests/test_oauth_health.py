from datetime import timedelta

from odoo import fields
from odoo.tests import freeze_time, tagged

from .common import ChaserCase


@tagged("post_install", "-at_install")
class TestHealth(ChaserCase):
    """What a mailbox's list, cards and form say about it."""

    def test_next_free_slot(self):
        with freeze_time(fields.Datetime.now().replace(microsecond=0)):
            now = fields.Datetime.now()
            self.assertEqual(self.provider.next_slot_at, now)
            self.provider._set_hold(now + timedelta(hours=2), "rate_limited")
            self.provider.invalidate_recordset()
            self.assertEqual(self.provider.next_slot_at, now + timedelta(hours=2))
            self.provider._set_state("expired", "No.")
            self.provider.invalidate_recordset()
            self.assertFalse(self.provider.next_slot_at)

    def test_next_free_slot_after_a_full_minute(self):
        self._sent_campaign(self._make_invoice())
        self.provider.per_minute = 1
        self.provider.invalidate_recordset()
        attempted = (
            self.env["chaser.reminder"]
            .search([("provider_id", "=", self.provider.id)])
            .attempted_at
        )
        self.assertGreaterEqual(
            self.provider.next_slot_at, attempted + timedelta(seconds=59)
        )
        self.assertLessEqual(
            self.provider.next_slot_at, attempted + timedelta(minutes=2)
        )

    def test_health_in_words(self):
        def says(**values):
            self.provider.sudo().write(values)
            self.provider.invalidate_recordset()
            return self.provider.health

        self.assertEqual(says(), "Works")
        self.assertEqual(says(read_error="535 no"), "Reading: 535 no")
        self.provider._set_hold(
            fields.Datetime.now() + timedelta(hours=1), "rate_limited", "slow down"
        )
        self.assertRegex(says(read_error=False), "asks to slow down.*slow down$")
        self.assertEqual(
            says(hold_until=fields.Datetime.now() - timedelta(seconds=5)),
            "Works",
            "it is over",
        )
        self.provider._set_state("expired", "invalid_grant")
        self.assertEqual(says(), "invalid_grant")
        self.provider._set_state("disabled")
        self.assertEqual(says(), "Disabled")
        self.assertEqual(
            self.provider.copy({"email": "new@pop.example"}).health, "Not tested yet"
        )

    def test_views_open(self):
        for kind in ("list", "kanban", "form", "search"):
            self.env["chaser.provider"].with_user(
                self.env.ref("base.user_admin")
            ).get_views([[False, kind]])
        self.assertIn(
            "kanban", self.env.ref("invoice_chaser.chaser_provider_action").view_mode
        )
