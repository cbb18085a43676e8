from odoo.tests import tagged

from .common import ChaserCase, FakeTransport


@tagged("post_install", "-at_install")
class TestSend(ChaserCase):
    def test_one_message_for_two_invoices(self):
        campaign = self._campaign(self._make_invoice() | self._make_invoice(amount=500))
        campaign.action_send()
        transport = self._run()
        self.assertEqual(len(transport.sent), 1)
        self.assertEqual(campaign.state, "completed")
        self.assertEqual(campaign.reminder_ids.state, "sent")
        self.assertIn("1,500.00", transport.sent[0].text)
        self.assertEqual(FakeTransport().sent, [])
