import json

from odoo.tests import tagged

from .common import ChaserCase, FakeTransport


@tagged("post_install", "-at_install")
class TestCampaignLive(ChaserCase):
    """Screens follow a campaign by Odoo's bus."""

    def _read_told(self):
        """The campaigns that the bus told about, oldest first, since the last time."""
        self.env.flush_all()
        self.env.cr.precommit.run()
        rows = self.env["bus.bus"].sudo().search([], order="id")
        told = [
            json.loads(row.message)["payload"]
            for row in rows
            if json.loads(row.message)["type"] == "invoice_chaser.campaign"
        ]
        rows.unlink()
        return told

    def test_sending_and_buttons_are_told(self):
        campaign = self._campaign(self._make_invoice())
        self._read_told()
        for act in (
            campaign.action_send,
            campaign.action_pause,
            campaign.action_resume,
        ):
            act()
            self.assertEqual(self._read_told(), [{"ids": campaign.ids}], act.__name__)
        self._run(FakeTransport())
        self.assertEqual(campaign.state, "completed")
        told = self._read_told()
        self.assertGreaterEqual(len(told), 2, "its message, and its end")
        self.assertEqual({tuple(one["ids"]) for one in told}, {tuple(campaign.ids)})
        self.assertEqual({tuple(one) for one in told}, {("ids",)}, "and nothing else")

    def test_what_holds_it(self):
        campaign = self._campaign(self._make_invoice())
        self.assertFalse(campaign.wait_reason)
        campaign.action_send()
        self.assertFalse(campaign.wait_reason, "it may leave")
        until = self._later(hours=2)
        self.provider._set_hold(until, "limit_day")
        campaign.invalidate_recordset()
        self.assertEqual(campaign.wait_reason, self.provider.reason)
        self.provider._set_hold(False, False)
        self.provider._set_state("expired", "535 no")
        campaign.invalidate_recordset()
        self.assertIn("not connected", campaign.wait_reason)

    def test_local_time_in_the_language_of_the_reader(self):
        campaign = self._campaign(self._make_invoice())
        campaign.write({"scheduled_at": "2026-11-27 19:10:00", "tz": "Asia/Dubai"})
        self.assertEqual(campaign.scheduled_local, "Friday 27 Nov, 23:10 (Dubai time)")
        arabic = campaign.with_context(lang="ar_001").scheduled_local
        self.assertIn("الجمعة", arabic)
