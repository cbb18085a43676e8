from odoo.exceptions import ValidationError
from odoo.tests import tagged

from .channel_contract import ChannelContract
from .common import ChaserCase


@tagged("post_install", "-at_install")
class TestEmail(ChannelContract, ChaserCase):
    """E-mail fulfils what every channel does. That a second channel can move in is
    proved by the addon of docs/adding-a-channel.md (tests/e2e/test_channel.py)."""

    channel = "email"
    no_address_reason = "no_email"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.mailbox = cls.provider

    def give_address(self, partner):
        partner.email = partner.email or "someone@customer.example"

    def take_address(self, partner):
        partner.email = False

    def get_address(self, message):
        return message.recipients[0]

    def test_alone_there_is_nothing_to_choose(self):
        self.assertEqual(self.env["chaser.channel"]._get_known(), ("email",))
        self.assertFalse(self.levels[:1].has_channels)
        self.assertFalse(self.customer.chaser_has_channels)

    def test_a_mailbox_for_mail_needs_an_address(self):
        with self.assertRaises(ValidationError):
            self.provider.email = False

    def test_what_a_removed_channel_left_behind(self):
        """Rows that name a channel whose addon is gone are read as an e-mail without
        an address; nothing breaks."""
        reminder = self._queue()
        self._run_channel()
        reminder.sudo().write({"channel": False, "recipient_email": False})
        self.assertEqual(reminder._get_channel()._name, "chaser.channel.email")
        self.assertFalse(reminder.recipient_display)
