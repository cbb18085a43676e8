from odoo import api, models

from ...core.plan.gates import Skip
from .chaser_thanks import THANKED_STATES


class ChaserReminder(models.Model):
    """A thank-you on its way through the same steps as a reminder; what is asked of it is the opposite."""

    _inherit = "chaser.reminder"

    def _step_refresh(self, job):
        """A thank-you goes only while everything that it gives thanks for is still settled by money; read under a lock."""
        if job.row["purpose"] != "thanks":
            return super()._step_refresh(job)
        rows = self._read_open_items(job.run)
        if len(rows) < job.row["item_count"]:
            return self._hold_a_minute("busy")
        back = [row["number"] or "" for row in rows if not row["reconciled"] or row["payment_state"] not in THANKED_STATES]
        if back or not rows:
            return Skip("thanks_taken_back", {"detail": ", ".join(back)})
        job.items, job.credits = rows, []
        return None

    def _step_gates(self, job):
        """Stopped, paused and held customers get no thanks either; the interval between reminders is not meant."""
        stop = super()._step_gates(job)
        if job.row["purpose"] == "thanks" and isinstance(stop, Skip) and stop.reason == "recent_contact":
            return self._get_domain_stop(job)
        return stop

    def _get_sent_words(self, purpose, recipients):
        if purpose == "thanks":
            return self.env._("Thank-you sent to %s", recipients)
        return super()._get_sent_words(purpose, recipients)

    def _on_unreconciled(self, move_lines):
        """A payment is taken back: the thanks for it that wait do not go."""
        result = super()._on_unreconciled(move_lines)
        if move_lines:
            waiting = self.search([("purpose", "=", "thanks"), ("state", "in", ("draft", "queued")), ("line_ids", "any", [
                ("move_line_id", "in", move_lines.ids), ("move_line_id.reconciled", "=", False)])])
            # One that the sender holds reads the balance itself, under a lock, before it goes.
            for reminder in waiting.try_lock_for_update(allow_referencing=True):
                numbers = reminder.line_ids.filtered(lambda line: line.move_line_id in move_lines).mapped("number")
                reminder._set_skipped("thanks_taken_back", {"detail": ", ".join(filter(None, numbers))})
        return result


class ChaserReasonMixin(models.AbstractModel):
    _inherit = "chaser.reason.mixin"

    @api.model
    def _get_reasons(self):
        # pylint: disable=prefer-env-translation  # this is what _ stands for here
        _ = self.env._
        return super()._get_reasons() | {
            "thanks_taken_back": _("The payment was taken back before the thank-you went: %(detail)s"),
        }
