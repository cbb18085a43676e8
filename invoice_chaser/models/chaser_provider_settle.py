from datetime import timedelta

from odoo import fields, models

from ..core.errors import TransportError

# A mailbox shows what it sent after a moment; asked sooner, "not there" would say nothing.
_RIPE = timedelta(minutes=2)
_STALE = timedelta(days=3)


class ChaserProvider(models.Model):
    """Settling by the mailbox itself what a crash or a broken line left open."""

    _inherit = "chaser.provider"

    def _settle_undecided(self):
        """Ask for each open Message-ID: found means sent; clearly not there is told to the person, who alone sends again."""
        now = fields.Datetime.now()
        waiting = self.env["chaser.reminder"].search([
            ("provider_id", "=", self.id), ("is_undecided", "=", True), ("reason_code", "in", ("undecided", "line_broke")),
            ("attempted_at", ">", now - _STALE)])
        ripe = waiting.filtered(lambda reminder: reminder.attempted_at <= now - _RIPE)
        if not waiting or self.state != "connected" or (self.hold_until and self.hold_until > now) or not self._can_ask_mailbox():
            return
        if waiting - ripe:
            self.sudo().cron_id._trigger(at=now + _RIPE + timedelta(seconds=5))
        transport = ripe and self._open_transport()
        if not transport:
            return
        try:
            for reminder in ripe:
                reminder._settle_by_mailbox(transport.find_sent(reminder.message_id))
                self._commit_now()
        except TransportError as error:
            # The next run asks again.
            self._fresh()
            self._take_error(error)
            self._commit_now()
        finally:
            transport.close()
