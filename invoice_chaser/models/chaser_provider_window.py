from collections import Counter
from datetime import timedelta

from odoo import fields, models
from odoo.tools import SQL

from ..core.window_book import estimate_finish


class ChaserProvider(models.Model):
    _inherit = "chaser.provider"

    def _hold_closed(self):
        """What is due now but outside its window waits with its reason, all at once: the pace is for messages that leave."""
        self._fresh()
        book = self.company_id._get_window_book()
        if book:
            now = fields.Datetime.now()
            self.env.cr.execute(SQL(
                "SELECT r.id, r.partner_id FROM %s AND r.scheduled_at <= %s FOR NO KEY UPDATE OF r SKIP LOCKED",
                self._get_queue_sql(), now), log_exceptions=False)
            due = dict(self.env.cr.fetchall())
            places = self.company_id._read_chaser_places(set(due.values()))
            holds = {}
            for reminder_id, partner_id in due.items():
                window = book.get(places[partner_id])
                holds.setdefault(window, []).append(reminder_id)
            for window, reminder_ids in holds.items():
                hold = self.env["chaser.reminder"]._get_window_hold(window, now)
                if hold:
                    self.env["chaser.reminder"].browse(reminder_ids)._stop(hold)
        self._commit_now()

    def _estimate_finish(self, count, start, duration_hours=0, partner_ids=()):
        """With send windows, messages wait for their customers' hours; ``partner_ids``: the customer of each message."""
        partners = self.env["res.partner"].browse(set(partner_ids))
        windows = self.company_id._get_send_windows(partners | self.company_id.partner_id)
        if not windows:
            return super()._estimate_finish(count, start, duration_hours)
        own = windows[self.company_id.partner_id.id]
        counts = Counter(windows[partner_id] for partner_id in partner_ids) or Counter({own: count})
        start = max(start, self.hold_until or start)
        pace = self._get_pace()
        finish = estimate_finish(start, counts, pace, self._get_sent_times(start), self._get_month_count(start) if pace.per_month else 0)
        if finish is None:
            return False
        last = max(window.add_open_time(start, timedelta(hours=duration_hours)) for window in counts) if duration_hours else start
        return max(finish, last).replace(microsecond=0)
