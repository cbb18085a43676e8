from odoo import fields, models


class ResPartner(models.Model):
    _inherit = "res.partner"

    chaser_calendar_id = fields.Many2one(
        "resource.calendar", "Hours for Reminders", company_dependent=True, domain="[('company_id', 'in', (allowed_company_ids[0], False))]",
        help="Empty: the hours of the customer's emirate, state or country, else the company's.")

    def write(self, vals):
        result = super().write(vals)
        if {"chaser_calendar_id", "country_id", "state_id", "tz"} & set(vals):
            self.env["chaser.reminder"]._recheck_windows(partners=self)
        return result
