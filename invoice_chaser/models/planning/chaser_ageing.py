from odoo import api, fields, models
from odoo.tools import SQL, formatLang

from .open_items import get_due_date, get_rated, is_open_debit


class ChaserAgeingMixin(models.AbstractModel):
    """How old what a customer owes is, for rows of a customer (``partner_id``) in a
    company (``company_id``)."""

    _name = "chaser.ageing.mixin"
    _description = "Ageing of a Customer's Account"

    ageing = fields.Json(
        compute="_compute_ageing",
        help="What is open by days overdue, in the company's currency, without "
        "currencies that have no rate.",
    )

    @api.depends_context("lang")
    def _compute_ageing(self):
        """[{label, amount (as text), share (percent), late}], one query per company."""
        for company, rows in self.grouped("company_id").items():
            found = {}
            for partner_id, bucket, amount in self.env.execute_query(
                SQL(
                    """SELECT p.commercial_partner_id, least(3, greatest(-1,
                       floor((%(today)s - %(due)s - 1) / 30.0)))::int,
                       sum(l.amount_residual)::float8
                     FROM account_move_line l JOIN res_partner p ON p.id = l.partner_id
                     JOIN account_move m ON m.id = l.move_id
                     JOIN (%(rated)s) v ON v.company_id = l.company_id
                     AND v.currency_id = l.currency_id AND v.is_rated
                    WHERE l.company_id = %(company)s
                      AND p.commercial_partner_id = ANY(%(partners)s) AND %(open)s
                    GROUP BY 1, 2 ORDER BY 1, 2""",
                    today=company._get_chaser_today(),
                    due=get_due_date(),
                    rated=get_rated(),
                    company=company.id,
                    partners=list(rows.partner_id.ids),
                    open=is_open_debit(),
                )
            ):
                found.setdefault(partner_id, {})[bucket] = amount
            for row in rows:
                row.ageing = self._describe_ageing(
                    found.get(row.partner_id.id, {}), company.currency_id
                )

    def _describe_ageing(self, amounts, currency):
        labels = {
            -1: self.env._("Not due"),
            0: self.env._("1 to 30 days"),
            1: self.env._("31 to 60 days"),
            2: self.env._("61 to 90 days"),
            3: self.env._("Over 90 days"),
        }
        total = sum(amounts.values())
        return [
            {
                "label": labels[bucket],
                "amount": formatLang(self.env, amount, currency_obj=currency),
                "share": 100.0 * amount / total,
                "late": bucket + 1,
            }
            for bucket, amount in sorted(amounts.items())
            if amount > 0
        ]

    def action_view_activities(self):
        """What is planned with these customers, by kind and day. The rows are figures
        and keep no activities of their own: those of the customers count."""
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Activities"),
            "res_model": "res.partner",
            "views": [(False, "activity"), (False, "list"), (False, "form")],
            "domain": [("id", "in", self.partner_id.ids)],
        }
