from odoo import fields, models


class ChaserReminder(models.Model):
    """What the service tells about a message, and settling what a crash left open."""

    _inherit = "chaser.reminder"

    provider_thread_id = fields.Char(readonly=True, copy=False, help="The conversation at the mail service, which a reply belongs to as well.")
    internet_message_id = fields.Char(
        readonly=True, copy=False, index="btree_not_null", help="The Message-ID that the mail service gave the message in place of ours.")

    def _prepare_result_values(self, result):
        return {
            "provider_message_id": result.provider_message_id or False, "provider_thread_id": result.thread_id or False,
            "internet_message_id": result.internet_message_id or False,
        }
