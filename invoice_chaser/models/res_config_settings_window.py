from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    chaser_window_enabled = fields.Boolean(related="company_id.chaser_window_enabled", readonly=False)
    chaser_calendar_id = fields.Many2one(related="company_id.chaser_calendar_id", readonly=False)
    chaser_window_zone = fields.Selection(related="company_id.chaser_window_zone", readonly=False, required=True)
    chaser_holiday_user_id = fields.Many2one(related="company_id.chaser_holiday_user_id", readonly=False)
    chaser_holiday_notice = fields.Integer(related="company_id.chaser_holiday_notice", readonly=False)
