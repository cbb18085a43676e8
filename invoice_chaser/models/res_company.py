from odoo import fields, models


class ResCompany(models.Model):
    _inherit = "res.company"

    chaser_contact_interval = fields.Integer(
        "Days Between Contacts", default=7, help="A customer is not written to again before so many days have passed."
    )
    chaser_minimum_amount = fields.Monetary(
        "Minimum Amount to Chase", default=0, help="Customers whose total is below it are left out."
    )
    chaser_consolidation_min_invoices = fields.Integer(
        "Consolidate from", default=2, help="From how many items a customer gets one message instead of one per invoice."
    )
    chaser_language = fields.Selection(
        [("en", "English"), ("ar", "Arabic"), ("both", "Arabic and English")], "Reminder Language", default="en", required=True,
        help="For customers without a language of their own.",
    )
    chaser_tracking = fields.Boolean("Track Opens and Clicks", default=True)
    chaser_max_failures = fields.Integer(
        "Failures in a Row", default=5, help="A campaign pauses itself after so many failures in a row. 0: never."
    )
    chaser_monthly_limit = fields.Integer("Messages per Month", default=0, help="Over all mailboxes of the company. 0: no limit.")
    chaser_link_days = fields.Integer("Links Valid for Days", default=365, help="How long the links in a reminder work.")

    def _get_chaser_tz(self):
        """The company's time zone; Dubai where none is set on its partner."""
        self.ensure_one()
        return self.partner_id.tz or "Asia/Dubai"

    def _get_chaser_today(self):
        """Today in the company's time zone, as a date."""
        self.ensure_one()
        return fields.Date.context_today(self.with_context(tz=self._get_chaser_tz()))
