from odoo import api, fields, models


class ChaserProvider(models.Model):
    """How a mailbox fares, for its list, cards and form."""

    _inherit = "chaser.provider"

    next_slot_at = fields.Datetime(
        "Next Free Slot", compute="_compute_next_slot_at", help="When one more message could leave, by the mailbox's limits and holds.")

    health = fields.Char(compute="_compute_health", help="What keeps the mailbox from sending or being read, in words.")

    @api.depends("state", "last_error", "last_check_at", "hold_until", "reason", "read_error")
    @api.depends_context("lang", "tz")
    def _compute_health(self):
        now = fields.Datetime.now()
        for provider in self:
            held = provider.hold_until and provider.hold_until > now
            words = [provider.last_error, held and provider.reason, provider.read_error and self.env._("Reading: %s", provider.read_error)]
            provider.health = " ".join(filter(None, words)) or provider._get_plain_health()

    def _get_plain_health(self):
        """In a word, where there is no trouble to tell."""
        if self.state == "connected":
            return self.env._("Works")
        return self.env._("Not tested yet") if not self.last_check_at else dict(self._fields["state"]._description_selection(self.env))[self.state]

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
