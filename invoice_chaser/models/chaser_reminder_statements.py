from odoo import models


class ChaserReminder(models.Model):
    """Buttons on a reminder for what the customer answered to it."""

    _inherit = "chaser.reminder"

    def action_chaser_promise(self):
        """Form for a promise about the items of this reminder."""
        return self._open_chaser_statement("chaser.promise")

    def action_chaser_dispute(self):
        return self._open_chaser_statement("chaser.dispute")

    def action_chaser_hold(self):
        return self._open_chaser_statement("chaser.hold")

    def _open_chaser_statement(self, model):
        self.ensure_one()
        self.check_access("read")
        moves = self._get_live_lines().move_id.filtered(lambda move: move.payment_state not in ("paid", "reversed"))
        return self.partner_id._open_chaser_statement(model, self.company_id, moves, self)
