from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from ...core.overview.receivables import go_back, month_ends
from .chaser_receivables import BUCKET_FIELDS, FLOW_FIELDS, MONTH_FIELDS, ROLL_FIELDS

# So many closed months are kept: what the longest period shows, and the year before it
# that DSO counts back over.
KEPT_MONTHS = 36
# Who posts into a closed month mostly posts several entries: added up once for them.
_PATIENCE = timedelta(minutes=5)


class ChaserReceivableMonth(models.Model):
    """What was owed at the end of a closed month, per customer and currency, and what
    was sold, paid and rolled in it: figures that no longer change, kept so that the
    overview need not add up all journal items of three years."""

    _name = "chaser.receivable.month"
    _description = "Receivables of a Closed Month"
    _order = "date desc, id"
    _rec_name = "date"

    company_id = fields.Many2one("res.company", required=True, readonly=True)
    date = fields.Date("Month End", required=True, readonly=True)
    # A customer who is deleted or merged leaves what was owed.
    partner_id = fields.Many2one(
        "res.partner", "Customer", readonly=True, index=True, ondelete="set null"
    )
    currency_id = fields.Many2one("res.currency", required=True, readonly=True)

    not_due = fields.Float(readonly=True)
    days_1_30 = fields.Float(readonly=True)
    days_31_60 = fields.Float(readonly=True)
    days_61_90 = fields.Float(readonly=True)
    days_over_90 = fields.Float(readonly=True)
    credit = fields.Float(readonly=True)
    not_due_currency = fields.Float(readonly=True)
    days_1_30_currency = fields.Float(readonly=True)
    days_31_60_currency = fields.Float(readonly=True)
    days_61_90_currency = fields.Float(readonly=True)
    days_over_90_currency = fields.Float(readonly=True)
    credit_currency = fields.Float(readonly=True)
    sales = fields.Float(readonly=True)
    paid = fields.Float(readonly=True)
    paid_days = fields.Float(readonly=True)
    credited = fields.Float(readonly=True)
    written_off = fields.Float(readonly=True)
    due_base = fields.Float(readonly=True)
    due_rolled = fields.Float(readonly=True)
    one_base = fields.Float(readonly=True)
    one_rolled = fields.Float(readonly=True)
    two_base = fields.Float(readonly=True)
    two_rolled = fields.Float(readonly=True)
    three_base = fields.Float(readonly=True)
    three_rolled = fields.Float(readonly=True)

    _company_date_idx = models.Index("(company_id, date)")

    # -- reading

    @api.model
    def _read_sums(self, scope):
        """Closed months per company in the company's currency, oldest first: kept ones
        as they are kept, the others added up now. Two queries."""
        ends = month_ends(scope.first_known, scope.day)
        if not ends:
            return []
        kept = self._read_kept(scope.company_ids, ends)
        names = (*BUCKET_FIELDS, *FLOW_FIELDS, *ROLL_FIELDS)
        Receivables = self.env["chaser.receivables"]
        Receivables._flush()
        return self.env.execute_query_dict(
            SQL(
                "SELECT company_id, date, %s FROM (%s) months WHERE %s "
                "GROUP BY 1, 2 ORDER BY 1, 2",
                Receivables._sum(names),
                self._get_rows_sql(scope.company_ids, ends, kept, names),
                Receivables._get_customer_sql(scope, SQL("partner_id")),
            )
        )

    @api.model
    def _read_kept(self, company_ids, ends):
        """(company, month) pairs that are kept and that nothing has changed since."""
        self.env["chaser.receivable.kept"].flush_model()
        self.env["chaser.receivable.stale"].flush_model()
        return set(
            self.env.execute_query(
                SQL(
                    """SELECT k.company_id, k.date FROM chaser_receivable_kept k
                        WHERE k.company_id = ANY(%s) AND k.date = ANY(%s)
                          AND NOT EXISTS (SELECT 1 FROM chaser_receivable_stale s
                          WHERE s.company_id = k.company_id AND s.date <= k.date)""",
                    list(company_ids),
                    list(ends),
                )
            )
        )

    @api.model
    def _get_rows_sql(self, company_ids, ends, kept, names):
        """Rows of all these months, per customer and currency."""
        self.flush_model()
        columns = self.env["chaser.receivables"]._names(
            ("company_id", "date", "partner_id", "currency_id", *names)
        )
        parts = []
        if kept:
            pairs = SQL(", ").join(SQL("(%s, %s::date)", *pair) for pair in kept)
            parts.append(
                SQL(
                    "SELECT %s FROM chaser_receivable_month "
                    "WHERE (company_id, date) IN (%s)",
                    columns,
                    pairs,
                )
            )
        for company_id in company_ids:
            missing = [end for end in ends if (company_id, end) not in kept]
            if missing:
                rows = self.env["chaser.receivables"]._get_months_sql(
                    [company_id], missing
                )
                parts.append(SQL("SELECT %s FROM (%s) added", columns, rows))
        return SQL(" UNION ALL ").join(parts)

    # -- keeping

    @api.model
    def _cron_keep(self):
        """Keeps the closed months of all companies that are not kept yet, or in which
        something has changed."""
        companies = self.env["res.company"].search([])  # pylint: disable=no-search-all  # they are few
        for number, company in enumerate(companies):
            self._keep(company)
            self.env["ir.cron"]._commit_progress(
                1, remaining=len(companies) - number - 1
            )

    @api.model
    def _keep(self, company):
        """Adds up the months of a company that are missing or changed; how many."""
        day = company._get_chaser_today()
        ends = month_ends(go_back(day, KEPT_MONTHS), day)
        Stale = self.env["chaser.receivable.stale"]
        stale = Stale.search([("company_id", "=", company.id)])
        kept = self._read_kept([company.id], ends)
        missing = [end for end in ends if (company.id, end) not in kept]
        if missing:
            self._store(company, missing)
        # Only the marks that were seen: what is marked meanwhile stays marked.
        stale.unlink()
        return len(missing)

    @api.model
    def _store(self, company, ends):
        Receivables = self.env["chaser.receivables"]
        Receivables._flush()
        self.env["chaser.receivable.kept"].search(
            [("company_id", "=", company.id), ("date", "in", ends)]
        ).unlink()
        self.env.cr.execute(
            SQL(
                "DELETE FROM chaser_receivable_month WHERE company_id = %s "
                "AND date = ANY(%s)",
                company.id,
                list(ends),
            )
        )
        # Some hundred thousand rows, which the ORM would take minutes for.
        columns = ("company_id", "date", "partner_id", "currency_id", *MONTH_FIELDS)
        self.env.cr.execute(
            SQL(
                "INSERT INTO chaser_receivable_month (%s) SELECT %s FROM (%s) months",
                Receivables._names(columns),
                Receivables._names(columns),
                Receivables._get_months_sql([company.id], ends),
            )
        )
        self.env["chaser.receivable.kept"].create(
            [{"company_id": company.id, "date": end} for end in ends]
        )
        self.invalidate_model()

    @api.model
    def _mark_changed(self, days):
        """Months from these days on have to be added up anew, where they are closed.

        A mark is a new row: two users who post into the same month never wait for each
        other.

        :param days: (company, day) pairs; a company's first day counts
        """
        first = {}
        for company, day in days:
            if company and day and (company not in first or day < first[company]):
                first[company] = day
        marks = [
            {"company_id": company.id, "date": day}
            for company, day in first.items()
            if day < company._get_chaser_today().replace(day=1)
        ]
        if marks:
            self.env["chaser.receivable.stale"].sudo().create(marks)
            job = self.env.ref(
                "invoice_chaser.ir_cron_keep_months", raise_if_not_found=False
            )
            if job:  # missing while the addon is being installed
                job.sudo()._trigger(fields.Datetime.now() + _PATIENCE)


class ChaserReceivableKept(models.Model):
    """A closed month whose figures are kept: also one in which nothing was owed."""

    _name = "chaser.receivable.kept"
    _description = "Closed Month That Is Kept"
    _rec_name = "date"

    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, ondelete="cascade"
    )
    date = fields.Date("Month End", required=True, readonly=True)

    _month_uniq = models.UniqueIndex("(company_id, date)")


class ChaserReceivableStale(models.Model):
    """A mark: from this day on, the figures kept of closed months are not true."""

    _name = "chaser.receivable.stale"
    _description = "Closed Months That Changed"
    _rec_name = "date"

    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, index=True, ondelete="cascade"
    )
    date = fields.Date("Changed From", required=True, readonly=True)
