from odoo import fields, models


class ResCompany(models.Model):
    _inherit = "res.company"

    chaser_bounce_limit = fields.Integer(
        "Stop an Address after", default=1, help="So many times must a mail server say that an address does not exist before it gets no more reminders."
    )
    chaser_reply_token = fields.Boolean(
        "Reply Address per Reminder",
        help="Answers go to chaser+…@ the alias domain, an address that names the reminder. The mail server of that domain must deliver it to Odoo.",
    )

    _chaser_bounce_limit_check = models.Constraint("CHECK(chaser_bounce_limit > 0)", "An address is stopped after at least one failure.")


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    chaser_bounce_limit = fields.Integer(related="company_id.chaser_bounce_limit", readonly=False)
    chaser_reply_token = fields.Boolean(related="company_id.chaser_reply_token", readonly=False)
