from datetime import timedelta

from odoo import fields, models
from odoo.exceptions import UserError

from ...core.mail.errors import TransportError
from ...core.mail.readers.base import Reader

# A mailbox shows what it sent after a moment; asked sooner, "not there" would say nothing.
_RIPE = timedelta(minutes=2)
_STALE = timedelta(days=3)


class ChaserProvider(models.Model):
    """Settling by the mailbox itself what a crash or a broken line left open. A kind whose service can be searched defines
    ``_get_sent_box_<kind>``."""

    _inherit = "chaser.provider"

    def _get_sent_box(self):
        """Where to look whether a message was sent: an adapter with ``find_sent``, not connected yet. None where nothing can be asked.

        :raises UserError: when it cannot be opened (no key, no password)
        """
        self.ensure_one()
        by_kind = getattr(self, f"_get_sent_box_{self.kind}", None)
        rests = self.read_hold_until and self.read_hold_until > fields.Datetime.now()
        by_imap = self.is_reading and self.read_method == "imap" and not rests
        return by_kind and by_kind() or (self._get_reader() if by_imap else None)

    def _settle_undecided(self):
        """Ask for each open Message-ID: found means sent; else a person is told what the mailbox said, and he alone sends again."""
        now = fields.Datetime.now()
        waiting = self.env["chaser.reminder"].search([
            ("provider_id", "=", self.id), ("is_undecided", "=", True), ("reason_code", "in", ("undecided", "line_broke")),
            ("attempted_at", ">", now - _STALE)])
        if not waiting or self.state != "connected" or (self.hold_until and self.hold_until > now):
            return
        box = None
        try:
            box = self._get_sent_box()
            ripe = waiting.filtered(lambda reminder: reminder.attempted_at <= now - _RIPE)
            if box and waiting - ripe:
                self.sudo().cron_id._trigger(at=now + _RIPE + timedelta(seconds=5))
            if box and ripe:
                self._ask_sent_box(box, ripe)
        except (TransportError, UserError) as error:
            # The next run asks again.
            self._fresh()
            self._take_box_error(box, error)
        self._commit_now()

    def _ask_sent_box(self, box, reminders):
        with box:
            for reminder in reminders:
                reminder._settle_by_mailbox(box.find_sent(reminder.internet_message_id or reminder.message_id))
                self._commit_now()

    def _take_box_error(self, box, error):
        """Trouble with reading stops no sending; trouble with the way out is what it would be for a message."""
        if isinstance(box, Reader) or isinstance(error, UserError):
            self._set_read_error(error)
        else:
            self._take_error(error)
