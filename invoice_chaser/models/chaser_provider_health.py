from odoo import fields, models


class ChaserProvider(models.Model):
    """How a mailbox fares, for its list, cards and form."""

    _inherit = "chaser.provider"

    next_slot_at = fields.Datetime(
        "Next Free Slot", compute="_compute_next_slot_at", help="When one more message could leave, by the mailbox's limits and holds.")

    def _compute_next_slot_at(self):
        now = fields.Datetime.now()
        attempts = self._origin._read_attempts(now) if self._origin else {}
        for provider in self:
            mailbox = provider._origin
            provider.next_slot_at = mailbox._get_next_slot(now, attempts) if mailbox and mailbox.state == "connected" else False

    def _get_next_slot(self, now, attempts):
        """The first moment (UTC) from ``now`` on at which limits and holds let one message go. ``attempts``: see ``_read_attempts``."""
        self.ensure_one()
        start = max(now, self.hold_until or now)
        allowed = self._make_throttle(start, attempts=attempts).allowance(start)
        return start if allowed.count else allowed.until.replace(microsecond=0)
