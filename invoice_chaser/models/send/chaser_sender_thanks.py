from odoo import models

from ...core.plan.gates import Skip
from .chaser_sender import _hold_a_minute


class ChaserSenderThanks(models.AbstractModel):
    """A thank-you passes the same steps as a reminder, but its items must be paid."""

    _name = "chaser.sender.thanks"
    _inherit = ["chaser.sender"]
    _description = "Sender of Thank-You Messages"

    def _get_bank_stop(self, job, company):
        """The items are settled, so it does not wait for newer bank data."""
        return None

    def _step_refresh(self, job):
        """A thank-you is sent only while all its items are settled by payments; read
        under a lock."""
        rows = self._read_open_items(job)
        if len(rows) < job.row["item_count"]:
            return _hold_a_minute("busy")
        paid = self.env["chaser.thanks"]._read_paid_ids(row["id"] for row in rows)
        back = [
            row["number"] or ""
            for row in rows
            if not row["reconciled"] or row["id"] not in paid
        ]
        if back or not rows:
            return Skip("thanks_taken_back", {"detail": ", ".join(back)})
        job.items, job.credits = rows, []
        return None

    def _get_interval_stop(self, job):
        """The interval between reminders does not apply; stopped, paused and held
        customers get no thanks either."""
        return None

    def _get_sent_words(self, recipients):
        return self.env._("Thank-you sent to %s", recipients)
