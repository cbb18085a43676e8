from odoo import api, models
from odoo.tools import SQL

from ...core.overview.receivables import previous_end
from ..planning.open_items import get_due_date, is_money, is_receivable

# The amounts of a month by customer, currency and month; what `chaser.receivable.month`
# keeps. In the company's currency, but those that end in ``_currency``.
BUCKET_FIELDS = (
    "not_due",
    "days_1_30",
    "days_31_60",
    "days_61_90",
    "days_over_90",
    "credit",
)
FLOW_FIELDS = ("sales", "paid", "paid_days", "credited", "written_off")
ROLL_FIELDS = (
    "due_base",
    "due_rolled",
    "one_base",
    "one_rolled",
    "two_base",
    "two_rolled",
    "three_base",
    "three_rolled",
)
MONTH_FIELDS = (
    *BUCKET_FIELDS,
    *(f"{name}_currency" for name in BUCKET_FIELDS),
    *FLOW_FIELDS,
    *ROLL_FIELDS,
)


class ChaserReceivables(models.AbstractModel):
    """What was and is owed, from the journal items of receivable accounts: all of
    them, so that the totals are those of the ledger."""

    _name = "chaser.receivables"
    _description = "Figures on Receivables"

    @api.model
    def _flush(self):
        for model in (
            "account.move.line",
            "account.move",
            "account.partial.reconcile",
            "res.partner",
        ):
            self.env[model].flush_model()

    # -- now

    @api.model
    def _read_now(self, scope):
        """What is open today, per company and currency: the buckets in both
        currencies, the overdue amount weighted with its days, the sales and payments
        of the running month. One query."""
        self._flush()
        names = (*self._open_names, *FLOW_FIELDS)
        return self.env.execute_query_dict(
            SQL(
                "SELECT company_id, currency_id, %s FROM (%s) now GROUP BY 1, 2 "
                "ORDER BY 1, 2",
                self._sum(names),
                self._get_now_sql(scope),
            )
        )

    @api.model
    def _get_now_rows_sql(self, scope, names):
        """The same by customer, in the shape of a month that ends today."""
        return SQL(
            "SELECT company_id, today AS date, partner_id, currency_id, %s "
            "FROM (%s) now GROUP BY 1, 2, 3, 4",
            self._sum(names),
            self._get_now_sql(scope, by_customer=True),
        )

    @api.model
    def _get_now_sql(self, scope, by_customer=False):
        """Rows of open amounts, and rows of sales and payments of the running
        month."""
        partner = SQL(
            "(SELECT cp.commercial_partner_id FROM res_partner cp "
            "WHERE cp.id = l.partner_id)"
            if by_customer
            else "NULL::int"
        )
        return SQL(
            """SELECT c.today, o.* FROM (VALUES %(days)s) AS c(id, today)
                 JOIN (WITH company(id, today) AS (VALUES %(days)s),
                       open AS (%(open)s), flow AS (%(flow)s)
                       SELECT company_id, partner_id, currency_id, %(open_names)s,
                              %(no_flow)s FROM open
                       UNION ALL
                       SELECT company_id, partner_id, currency_id, %(no_open)s,
                              %(flow_names)s FROM flow) o ON o.company_id = c.id""",
            days=self._get_days_sql(scope),
            open=self._get_open_sql(scope, partner),
            flow=self._get_flow_sql(scope, partner),
            open_names=self._names(self._open_names),
            flow_names=self._names(FLOW_FIELDS),
            no_open=self._nothing(self._open_names),
            no_flow=self._nothing(FLOW_FIELDS),
        )

    _open_names = (
        *BUCKET_FIELDS,
        *(f"{name}_currency" for name in BUCKET_FIELDS),
        "late_days",
        "in_payment",
        "item_count",
        "late_count",
    )

    @api.model
    def _get_open_sql(self, scope, partner):
        """One pass over the items that are not reconciled, per company and currency."""
        return SQL(
            """SELECT l.company_id, %(partner)s AS partner_id, l.currency_id,
                      %(buckets)s,
                      sum(l.amount_residual * (c.today - due.at)) FILTER (WHERE
                      l.amount_residual > 0 AND due.at < c.today) AS late_days,
                      sum(l.amount_residual) FILTER (WHERE l.amount_residual > 0
                      AND m.payment_state = 'in_payment') AS in_payment,
                      count(*) FILTER (WHERE l.amount_residual > 0) AS item_count,
                      count(*) FILTER (WHERE l.amount_residual > 0
                      AND due.at < c.today) AS late_count
                 FROM account_move_line l JOIN company c ON c.id = l.company_id
                 JOIN account_move m ON m.id = l.move_id
                CROSS JOIN LATERAL (SELECT %(due)s AS at) due
                WHERE l.parent_state = 'posted' AND l.reconciled IS NOT TRUE
                AND (l.amount_residual <> 0 OR l.amount_residual_currency <> 0)
                  AND %(account)s AND %(customer)s
                GROUP BY 1, 2, 3""",
            partner=partner,
            buckets=self._get_bucket_sums(
                SQL("l.amount_residual"),
                SQL("l.amount_residual_currency"),
                SQL("c.today - due.at"),
            ),
            due=self._due,
            account=self._receivable,
            customer=self._get_customer_sql(scope, SQL("l.partner_id")),
        )

    @api.model
    def _get_flow_sql(self, scope, partner):
        """Sales and payments of the running month, in the shape of ``_get_open_sql``
        (one row per item or payment)."""
        return SQL(
            """SELECT l.company_id, %(partner)s AS partner_id, l.currency_id,
                      l.balance AS sales, 0 AS paid, 0 AS paid_days, 0 AS credited,
                      0 AS written_off
                 FROM account_move_line l JOIN company c ON c.id = l.company_id
                 JOIN account_move m ON m.id = l.move_id
                WHERE l.parent_state = 'posted' AND l.date <= c.today
                  AND l.date >= date_trunc('month', c.today)
                  AND %(sale)s AND %(account)s AND %(customer)s
                UNION ALL
               SELECT l.company_id, %(partner)s, l.currency_id, 0, %(matched)s
                 FROM account_partial_reconcile r
                 JOIN account_move_line l ON l.id = r.debit_move_id
                 JOIN company c ON c.id = l.company_id
                 JOIN account_move m ON m.id = l.move_id
                 JOIN account_move_line o ON o.id = r.credit_move_id
                 JOIN account_move om ON om.id = o.move_id
                WHERE r.max_date >= date_trunc('month', c.today)
                  AND r.max_date <= c.today
                  AND l.parent_state = 'posted' AND %(account)s AND %(customer)s""",
            partner=partner,
            sale=self._sale,
            matched=self._matched,
            account=self._receivable,
            customer=self._get_customer_sql(scope, SQL("l.partner_id")),
        )

    # -- month by month (read, and kept, by `chaser.receivable.month`)

    @api.model
    def _get_months_sql(self, company_ids, ends):
        """The amounts of closed months, one row per company, month, customer and
        currency; from all journal items up to the last of these months.

        What is open at a month's end is the balance less what was matched by then
        (`account.partial.reconcile.max_date`, as Odoo's aged report has it).
        """
        return SQL(
            """WITH %(sources)s, o AS (%(open)s), f AS (%(flow)s)
            SELECT company_id, d AS date, partner_id, currency_id, %(sums)s
              FROM (SELECT company_id, d, partner_id, currency_id, %(open_names)s,
                           %(no_flow)s FROM o
                    UNION ALL
                    SELECT company_id, d, partner_id, currency_id, %(no_open)s,
                           %(flow_names)s FROM f) both_of
             GROUP BY 1, 2, 3, 4""",
            sources=self._get_sources_sql(company_ids, ends),
            open=self._get_open_at_sql(),
            flow=self._get_flow_at_sql(),
            sums=self._sum(MONTH_FIELDS),
            open_names=self._names(self._stock_names),
            flow_names=self._names(FLOW_FIELDS),
            no_open=self._nothing(self._stock_names),
            no_flow=self._nothing(FLOW_FIELDS),
        )

    @api.model
    def _get_sources_sql(self, company_ids, ends):
        """The months ``me``, the items ``l`` up to the last of them, their matchings
        ``r`` (taken off an item's balance) and the day ``c`` of the last one."""
        months = SQL(", ").join(
            SQL("(%s::date, %s::date)", previous_end(end), end) for end in ends
        )
        return SQL(
            """me(prev, d) AS (VALUES %(months)s),
            l AS MATERIALIZED (
                SELECT l.id, l.company_id, l.currency_id, l.date, l.balance,
                       l.amount_currency, l.reconciled, p.commercial_partner_id AS
                       partner_id, %(due)s AS due, %(sale)s AS is_sale
                  FROM account_move_line l JOIN account_move m ON m.id = l.move_id
                  LEFT JOIN res_partner p ON p.id = l.partner_id
                 WHERE l.parent_state = 'posted' AND l.company_id = ANY(%(companies)s)
                   AND l.date <= %(last)s AND %(account)s),
            r AS MATERIALIZED (
                SELECT debit_move_id AS line, max_date AS at, amount,
                       debit_amount_currency AS amount_currency
                  FROM account_partial_reconcile
                 UNION ALL
                SELECT credit_move_id, max_date, -amount, -credit_amount_currency
                  FROM account_partial_reconcile),
            c AS MATERIALIZED (SELECT line, max(at) AS closed FROM r GROUP BY 1)""",
            months=months,
            due=self._due,
            sale=self._sale,
            companies=list(company_ids),
            last=ends[-1],
            account=self._receivable,
        )

    _stock_names = (
        *BUCKET_FIELDS,
        *(f"{name}_currency" for name in BUCKET_FIELDS),
        *ROLL_FIELDS,
    )

    @api.model
    def _get_open_at_sql(self):
        """What is open of each item at each month's end, in buckets; and of what was
        open a month before, how much still is."""
        rolls = SQL(", ").join(
            SQL(
                "sum(%(base)s) FILTER (WHERE %(due)s) AS %(base_name)s, "
                "sum(least(greatest(open, 0), open_before)) FILTER (WHERE %(due)s) AS "
                "%(rolled_name)s",
                base=SQL("open_before"),
                due=due,
                base_name=SQL.identifier(f"{name}_base"),
                rolled_name=SQL.identifier(f"{name}_rolled"),
            )
            for name, due in (
                ("due", SQL("open_before > 0 AND due > prev AND due <= d")),
                ("one", SQL("open_before > 0 AND months_late = 0 AND due <= prev")),
                ("two", SQL("open_before > 0 AND months_late = 1")),
                ("three", SQL("open_before > 0 AND months_late = 2")),
            )
        )
        return SQL(
            """SELECT company_id, d, partner_id, currency_id, %(buckets)s, %(rolls)s
                 FROM (
                SELECT l.company_id, me.d, me.prev, l.partner_id, l.currency_id, l.due,
                       (extract(year FROM me.prev) - extract(year FROM l.due)) * 12
                       + extract(month FROM me.prev) - extract(month FROM l.due)
                       AS months_late,
                       CASE WHEN l.date <= me.d THEN l.balance
                       - coalesce(sum(r.amount) FILTER (WHERE r.at <= me.d), 0)
                       END AS open,
                       l.amount_currency - coalesce(sum(r.amount_currency)
                       FILTER (WHERE r.at <= me.d), 0) AS open_currency,
                       CASE WHEN l.date <= me.prev THEN l.balance
                       - coalesce(sum(r.amount) FILTER (WHERE r.at <= me.prev), 0)
                       END AS open_before
                  FROM me JOIN l ON l.date <= me.d
                  LEFT JOIN c ON c.line = l.id
                  LEFT JOIN r ON r.line = l.id
                 WHERE l.reconciled IS NOT TRUE OR c.closed > me.prev
                 GROUP BY me.d, me.prev, l.id, l.company_id, l.partner_id,
                 l.currency_id, l.due, l.date, l.balance, l.amount_currency) items
                GROUP BY 1, 2, 3, 4""",
            buckets=self._get_bucket_sums(
                SQL("open"), SQL("open_currency"), SQL("d - due")
            ),
            rolls=rolls,
        )

    @api.model
    def _get_flow_at_sql(self):
        """Sales of each month, and what was matched in it, by kind."""
        return SQL(
            """SELECT l.company_id, me.d, l.partner_id, l.currency_id,
                      l.balance AS sales, 0 AS paid, 0 AS paid_days, 0 AS credited,
                      0 AS written_off
                 FROM me JOIN l ON l.date > me.prev AND l.date <= me.d
                WHERE l.is_sale
                UNION ALL
               SELECT l.company_id, me.d, l.partner_id, l.currency_id, 0, %s
                 FROM account_partial_reconcile r
                 JOIN me ON r.max_date > me.prev AND r.max_date <= me.d
                 JOIN l ON l.id = r.debit_move_id
                 JOIN account_move_line o ON o.id = r.credit_move_id
                 JOIN account_move om ON om.id = o.move_id
                CROSS JOIN LATERAL (SELECT l.due AS at) due""",
            self._get_matched_sql(SQL("l.due")),
        )

    # -- pieces of SQL

    _due = get_due_date()
    _receivable = is_receivable()
    _sale = SQL("m.move_type IN ('out_invoice', 'out_receipt', 'out_refund')")

    @api.model
    def _get_matched_sql(self, due):
        """Of a matching ``r`` of an item with an item of the entry ``om``: what was
        paid by money, with the days late; credited; matched otherwise (written off or
        netted). Differences of exchange rates are none of these."""
        exchange = SQL("r.debit_amount_currency = 0 AND r.credit_amount_currency = 0")
        return SQL(
            """CASE WHEN %(money)s THEN r.amount ELSE 0 END AS paid,
               CASE WHEN %(money)s THEN r.amount * (r.max_date - %(due)s) ELSE 0 END
               AS paid_days,
               CASE WHEN om.move_type = 'out_refund' THEN r.amount ELSE 0 END AS
               credited,
               CASE WHEN NOT %(money)s AND om.move_type <> 'out_refund'
               AND NOT (%(exchange)s) THEN r.amount ELSE 0 END AS written_off""",
            money=is_money(),
            due=due,
            exchange=exchange,
        )

    @property
    def _matched(self):
        return self._get_matched_sql(self._due)

    @api.model
    def _get_bucket_sums(self, amount, amount_currency, days):
        """Sums per bucket, in both currencies; credits in their own one."""
        ranges = (
            SQL("%s > 0 AND %s <= 0", amount, days),
            SQL("%s > 0 AND %s BETWEEN 1 AND 30", amount, days),
            SQL("%s > 0 AND %s BETWEEN 31 AND 60", amount, days),
            SQL("%s > 0 AND %s BETWEEN 61 AND 90", amount, days),
            SQL("%s > 0 AND %s > 90", amount, days),
            SQL("%s < 0", amount),
        )
        return SQL(", ").join(
            SQL(
                "sum(%s) FILTER (WHERE %s) AS %s",
                value,
                condition,
                SQL.identifier(name + suffix),
            )
            for value, suffix in ((amount, ""), (amount_currency, "_currency"))
            for name, condition in zip(BUCKET_FIELDS, ranges, strict=True)
        )

    @api.model
    def _get_days_sql(self, scope):
        """Rows of (company, its day of today)."""
        return SQL(", ").join(
            SQL("(%s::int, %s::date)", company_id, day)
            for company_id, day in scope.today.items()
        )

    @api.model
    def _get_customer_sql(self, scope, column):
        """The customers asked about: of a salesperson, with a tag (a commercial
        partner's own, as the worklist has it)."""
        conditions = []
        if scope.user_id:
            conditions.append(SQL("cp.user_id = %s", scope.user_id))
        if scope.tag_id:
            conditions.append(
                SQL(
                    "EXISTS (SELECT 1 FROM res_partner_res_partner_category_rel t "
                    "WHERE t.partner_id = cp.id AND t.category_id = %s)",
                    scope.tag_id,
                )
            )
        if not conditions:
            return SQL("TRUE")
        return SQL(
            "%s IN (SELECT sp.id FROM res_partner sp JOIN res_partner cp "
            "ON cp.id = sp.commercial_partner_id WHERE %s)",
            column,
            SQL(" AND ").join(conditions),
        )

    @api.model
    def _names(self, names):
        return SQL(", ").join(SQL.identifier(name) for name in names)

    @api.model
    def _sum(self, names):
        return SQL(", ").join(
            SQL(
                "coalesce(sum(%s), 0)::float8 AS %s",
                SQL.identifier(name),
                SQL.identifier(name),
            )
            for name in names
        )

    @api.model
    def _nothing(self, names):
        return SQL(", ").join(SQL("0 AS %s", SQL.identifier(name)) for name in names)
