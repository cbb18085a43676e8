from odoo import api, fields, models
from odoo.tools import SQL

from .open_items import get_rated


class ChaserAmountsMixin(models.AbstractModel):
    """Amounts of customers (``partner_id``) in a company (``company_id``) per currency,
    and totals only where they mean something."""

    _name = "chaser.amounts.mixin"
    _description = "Amounts per Currency"

    amounts_display = fields.Char(
        "Per Currency",
        compute="_compute_amounts_display",
        help="Overdue less open credits, in each currency: what a reminder asks for.",
    )

    def _compute_amounts_display(self):
        """One query per company."""
        for company, rows in self.grouped("company_id").items():
            amounts = {}
            for partner_id, currency_id, amount in self.env.execute_query(
                SQL(
                    """WITH company(id, today, chain) AS (VALUES %s)
                    SELECT partner_id, currency_id, net FROM (%s) account
                    WHERE company_id = %s AND partner_id = ANY(%s) AND net > 0
                    ORDER BY 1, 2""",
                    self.env["chaser.worklist"]._get_days_sql(
                        company._get_chaser_entity()
                    ),
                    self.env["chaser.account"]._get_net_sql(),
                    company.id,
                    list(rows.partner_id.ids),
                )
            ):
                amounts.setdefault(partner_id, []).append((currency_id, amount))
            for row in rows:
                row.amounts_display = self.env["chaser.campaign"]._format_amounts(
                    amounts.get(row.partner_id.id, ())
                )

    # -- totals over companies

    @api.model
    def _has_totals(self):
        """Whether the user's companies have one currency, or a rate between theirs and
        the current one's. Odoo's lists take 1 where there is none."""
        companies, home = self.env.companies, self.env.company
        if len(companies.currency_id) < 2:
            return True
        rows = self.env.execute_query(
            SQL(
                "SELECT bool_and(is_rated) FROM (%s) rated WHERE company_id = %s "
                "AND currency_id = ANY(%s)",
                get_rated(),
                home.id,
                list(companies.currency_id.ids),
            )
        )
        return bool(rows[0][0])

    @api.model
    def fields_get(self, allfields=None, attributes=None):
        """Without a rate no group has a sum of amounts: each row keeps its own."""
        found = super().fields_get(allfields, attributes)
        if not self._has_totals():
            for field in found.values():
                if field.get("type") == "monetary":
                    field.pop("aggregator", None)
        return found

    @api.model
    def _get_view_cache_key(self, view_id=None, view_type="form", **options):
        key = super()._get_view_cache_key(view_id, view_type, **options)
        return (*key, self._has_totals())

    @api.model
    def _get_view(self, view_id=None, view_type="form", **options):
        """Nor has the list a total then."""
        arch, view = super()._get_view(view_id, view_type, **options)
        if view_type == "list" and not self._has_totals():
            for node in arch.xpath("//field[@sum]"):
                if self._fields[node.get("name")].type == "monetary":
                    del node.attrib["sum"]
        return arch, view
