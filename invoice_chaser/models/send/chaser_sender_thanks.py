from odoo import models

from ...core.plan.gates import Skip
from .chaser_sender import _hold_a_minute
from .chaser_thanks import THANKED_STATES


class ChaserSenderThanks(models.AbstractModel):
    """A thank-you on its way through the same steps as a reminder; what is asked of it
    is the opposite."""

    _name = "chaser.sender.thanks"
    _inherit = ["chaser.sender"]
    _description = "Sender of Thank-You Messages"

    def _get_bank_stop(self, job, company):
        """What is thanked for is settled: no newer bank data is waited for."""
        return None

    def _step_refresh(self, job):
        """A thank-you goes only while everything that it gives thanks for is still
        settled by money; read under a lock."""
        rows = self._read_open_items(job)
        if len(rows) < job.row["item_count"]:
            return _hold_a_minute("busy")
        back = [
            row["number"] or ""
            for row in rows
            if not row["reconciled"] or row["payment_state"] not in THANKED_STATES
        ]
        if back or not rows:
            return Skip("thanks_taken_back", {"detail": ", ".join(back)})
        job.items, job.credits = rows, []
        return None

    def _get_interval_stop(self, job):
        """The interval between reminders is not meant; stopped, paused and held
        customers get no thanks either."""
        return None

    def _get_sent_words(self, recipients):
        return self.env._("Thank-you sent to %s", recipients)
