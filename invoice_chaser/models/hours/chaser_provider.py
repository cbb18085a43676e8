from odoo import fields, models
from odoo.tools import SQL


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
        self._hold_without_bank_data()
        self._commit_now()
