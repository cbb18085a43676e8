from datetime import date

from odoo import fields, models
from odoo.tools import SQL

from ...core.overview.receivables import go_back, month_ends
from ...core.overview.scope import Scope
from .chaser_receivables import BUCKET_FIELDS, FLOW_FIELDS

_NAMES = (
    *BUCKET_FIELDS,
    *(f"{name}_currency" for name in BUCKET_FIELDS),
    *FLOW_FIELDS,
)
# As far back as the longest period of the overview.
_MONTHS = 24


class ChaserReceivableReport(models.Model):
    """Receivables by month, customer and currency: closed months as they ended, the
    running one as it is today."""

    _name = "chaser.receivable.report"
    _description = "Receivables by Month"
    _auto = False
    _order = "date desc, amount_open desc, id"
    _rec_name = "partner_id"

    company_id = fields.Many2one("res.company", readonly=True)
    company_currency_id = fields.Many2one(
        related="company_id.currency_id", string="Company Currency"
    )
    date = fields.Date("As Of", readonly=True)
    partner_id = fields.Many2one("res.partner", "Customer", readonly=True)
    user_id = fields.Many2one("res.users", "Salesperson", readonly=True)
    category_ids = fields.Many2many(
        related="partner_id.category_id", string="Customer Tags"
    )
    currency_id = fields.Many2one("res.currency", readonly=True)

    # Columns of a bare model stand in the order of these classes' fields; each amount
    # of a month is a balance, so months must not be added up: group by date.
    not_due = fields.Monetary(readonly=True, currency_field="company_currency_id")
    days_1_30 = fields.Monetary(
        "1 to 30 Days", readonly=True, currency_field="company_currency_id"
    )
    days_31_60 = fields.Monetary(
        "31 to 60 Days", readonly=True, currency_field="company_currency_id"
    )
    days_61_90 = fields.Monetary(
        "61 to 90 Days", readonly=True, currency_field="company_currency_id"
    )
    days_over_90 = fields.Monetary(
        "Over 90 Days", readonly=True, currency_field="company_currency_id"
    )
    credit = fields.Monetary(
        "Open Credits", readonly=True, currency_field="company_currency_id"
    )
    amount_open = fields.Monetary(
        "Open",
        readonly=True,
        currency_field="company_currency_id",
        help="Open credits taken off.",
    )
    amount_overdue = fields.Monetary(
        "Overdue", readonly=True, currency_field="company_currency_id"
    )
    amount_open_currency = fields.Monetary("Open in Currency", readonly=True)
    amount_overdue_currency = fields.Monetary("Overdue in Currency", readonly=True)
    sales = fields.Monetary(
        "Invoiced in the Month", readonly=True, currency_field="company_currency_id"
    )
    paid = fields.Monetary(
        "Paid in the Month", readonly=True, currency_field="company_currency_id"
    )
    credited = fields.Monetary(
        "Credited in the Month", readonly=True, currency_field="company_currency_id"
    )
    written_off = fields.Monetary(
        "Written Off or Netted in the Month",
        readonly=True,
        currency_field="company_currency_id",
    )

    @property
    def _table_query(self):
        companies = self.env["res.company"].sudo().search([])  # pylint: disable=no-search-all  # they are few
        today = {company.id: company._get_chaser_today() for company in companies}
        day = max(today.values(), default=date.min)
        ends = month_ends(go_back(day, _MONTHS), day)
        Month = self.env["chaser.receivable.month"].sudo()
        Receivables = self.env["chaser.receivables"]
        Receivables._flush()
        rows = Month._get_rows_sql(
            list(today), ends, Month._read_kept(list(today), ends), _NAMES
        )
        late = ("days_1_30", "days_31_60", "days_61_90", "days_over_90")
        return SQL(
            """SELECT row_number() OVER (ORDER BY r.company_id, r.date, r.partner_id,
                      r.currency_id) AS id, r.company_id, r.date, r.currency_id,
                      coalesce(p.commercial_partner_id, r.partner_id) AS partner_id,
                      p.user_id, %(names)s, %(open)s AS amount_open,
                      %(overdue)s AS amount_overdue,
                      %(open_currency)s AS amount_open_currency,
                      %(overdue_currency)s AS amount_overdue_currency
                 FROM (%(rows)s UNION ALL %(now)s) r
                 LEFT JOIN res_partner c ON c.id = r.partner_id
                 LEFT JOIN res_partner p ON p.id = c.commercial_partner_id""",
            names=SQL(", ").join(SQL.identifier("r", name) for name in _NAMES),
            open=self._plus(BUCKET_FIELDS),
            overdue=self._plus(late),
            open_currency=self._plus(f"{name}_currency" for name in BUCKET_FIELDS),
            overdue_currency=self._plus(f"{name}_currency" for name in late),
            rows=rows,
            now=Receivables._get_now_rows_sql(Scope(today, day), _NAMES),
        )

    def _plus(self, names):
        return SQL(" + ").join(SQL.identifier("r", name) for name in names)
