from datetime import timedelta

from odoo import fields, models
from odoo.tools import SQL, format_date


class ResCompany(models.Model):
    _inherit = "res.company"  # pylint: disable=consider-merging-classes-inherited  # money not allocated yet

    chaser_maybe_paid = fields.Boolean(
        "Look for Payments First",
        default=True,
        help="Bank lines and payments that are not allocated yet and fit what a "
        "customer owes hold the reminder until somebody has looked.",
    )
    chaser_bank_days = fields.Integer(
        "Bank Data of the Last Days",
        default=0,
        help="Nothing is sent when no bank line came in for so many days. 0: never "
        "mind.",
    )

    _chaser_bank_days_check = models.Constraint(
        "CHECK(chaser_bank_days >= 0)", "Days cannot be negative."
    )

    def _prepare_chaser_effects(self, vals):
        effects = super()._prepare_chaser_effects(vals)
        if "chaser_maybe_paid" in vals:
            effects += [
                lambda company=company: self.env["chaser.maybe.paid"]._refresh(company)
                for company in self
            ]
        if "chaser_bank_days" in vals:
            effects.append(lambda: self.env["chaser.reminder"]._recheck_bank_data(self))
        return effects

    def _get_missing_bank_data(self):
        """When bank data came in last, in words, where that is too long ago; None where
        it is not, or does not matter."""
        self.ensure_one()
        days = self.sudo().chaser_bank_days
        if not days:
            return None
        # The last line by id, not by date: what matters is when somebody imported or
        # entered bank data.
        rows = self.env.execute_query(
            SQL(
                "SELECT create_date FROM account_bank_statement_line WHERE company_id "
                "= %s ORDER BY id DESC LIMIT 1",
                self.id,
            )
        )
        last = rows[0][0] if rows else None
        if last and last >= fields.Datetime.now() - timedelta(days=days):
            return None
        return format_date(self.env, last) if last else "–"
