from odoo import api, fields, models


class ChaserReminder(models.Model):
    _inherit = "chaser.reminder"

    level_code = fields.Char(readonly=True)
    level_params = fields.Json(readonly=True)
    level_reason = fields.Char("Why This Level", compute="_compute_level_reason")

    @api.depends("level_code", "level_params")
    @api.depends_context("lang")
    def _compute_level_reason(self):
        for reminder in self:
            reminder.level_reason = self._get_reason_text(reminder.level_code, reminder.level_params)
