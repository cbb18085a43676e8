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

    def _settle_by_mailbox(self, found):
        """What the mailbox said of an undecided reminder: True sent, False clearly not there, None it could not say."""
        self.ensure_one()
        if not self.is_undecided:
            return  # a person was quicker
        if found:
            self._settle_found(self.env._("it is in the mailbox"))
        else:
            code = "undecided_absent" if found is False else "undecided_unseen"
            self._set_state("failed", code, {"date": fields.Date.context_today(self).isoformat()}, is_undecided=True)
