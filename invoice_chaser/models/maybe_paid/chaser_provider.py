from odoo import fields, models
from odoo.tools import SQL


class ChaserProvider(models.Model):
    _inherit = "chaser.provider"

    def _hold_without_bank_data(self):
        """Without recent bank data nothing leaves: all that is due waits at once."""
        hold = self.env["chaser.reminder"]._get_bank_hold(self.company_id)
        if hold:
            self.env.cr.execute(SQL(
                "SELECT r.id FROM %s AND r.scheduled_at <= %s AND r.purpose = 'reminder' FOR NO KEY UPDATE OF r SKIP LOCKED",
                self._get_queue_sql(), fields.Datetime.now()), log_exceptions=False)
            self.env["chaser.reminder"].browse(row[0] for row in self.env.cr.fetchall())._stop(hold)
