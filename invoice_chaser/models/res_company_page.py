from odoo import fields, models


class ResCompany(models.Model):
    _inherit = "res.company"

    chaser_promise_days = fields.Integer(
        "Customers May Promise up to", default=30, help="Days ahead that can be chosen on the customer's page. Users may agree on any date.")

    _chaser_promise_days_check = models.Constraint(
        "CHECK(chaser_promise_days >= 0)", "The days that a customer may promise ahead cannot be negative.")


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    chaser_promise_days = fields.Integer(related="company_id.chaser_promise_days", readonly=False)
