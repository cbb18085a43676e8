from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from ...core.overview.cash import WEEKS, Item, forecast, look_back
from ...core.overview.receivables import go_back
from ..planning.open_items import is_money

# How far back habits are learned, and from how many month ends it is looked back.
_HABIT_MONTHS, _ORIGINS = 18, 4


class ChaserCashForecast(models.Model):
    """What money is expected in the next 13 weeks of what is open (``core.overview.
    cash``), made each night: one per company."""

    _name = "chaser.cash.forecast"
    _description = "Forecast of Cash"
    _rec_name = "company_id"

    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, ondelete="cascade"
    )
    date = fields.Date("Made On", required=True, readonly=True)
    weeks = fields.Json(readonly=True, help="Per week, in the company's currency.")
    error = fields.Float(
        "Error (%)",
        readonly=True,
        help="How much the weeks of earlier forecasts would have missed, in percent of "
        "what came. Empty: too little history.",
    )
    simple_error = fields.Float(
        "Error of Due Date plus Average Delay (%)", readonly=True
    )
    is_enough = fields.Boolean("Enough History", readonly=True)
    paid_count = fields.Float("Paid Items", readonly=True)

    _company_uniq = models.UniqueIndex("(company_id)")

    @api.model
    def _cron_make(self):
        companies = self.env["res.company"].search([])  # pylint: disable=no-search-all  # they are few
        for number, company in enumerate(companies):
            self._make(company)
            self.env["ir.cron"]._commit_progress(
                1, remaining=len(companies) - number - 1
            )

    @api.model
    def _make(self, company):
        """The forecast of a company from today on."""
        today = company._get_chaser_today()
        items = self._read_items(company, today)
        # Each looks 13 weeks ahead: the newest ended when these began.
        origins, day = [], today - timedelta(weeks=WEEKS)
        for number in range(_ORIGINS):
            origins.append(go_back(day, number) - timedelta(days=1))
        test = look_back(items, origins)
        values = {
            "date": today,
            "weeks": forecast(items, today, self._get_kept_share(company)),
            "error": test.error or 0.0,
            "simple_error": test.simple_error or 0.0,
            "is_enough": test.is_enough,
            "paid_count": test.paid_count,
        }
        record = self.search([("company_id", "=", company.id)])
        if record:
            record.write(values)
        else:
            record = self.create({**values, "company_id": company.id})
        return record

    @api.model
    def _get_kept_share(self, company):
        """Of the promises that ended; with none, a half."""
        rows = dict(
            self.env["chaser.promise"]._read_group(
                [
                    ("company_id", "=", company.id),
                    ("state", "in", ("kept", "partly", "broken")),
                ],
                ["state"],
                ["__count"],
            )
        )
        return (rows.get("kept", 0) + 1) / (sum(rows.values()) + 2)

    @api.model
    def _read_items(self, company, today):
        """What was invoiced in the last 18 months or is still open, with everything
        that was set against it; two queries."""
        Receivables = self.env["chaser.receivables"]
        Receivables._flush()
        self.env["chaser.promise"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT l.id, coalesce(p.commercial_partner_id, 0), l.date, %(due)s,
                          l.balance::float8, (
                          SELECT max(promise.date_promised) FROM
                          chaser_promise_line_rel x JOIN chaser_promise promise
                            ON promise.id = x.promise_id WHERE x.line_id = l.id
                            AND promise.state = 'open')
                     FROM account_move_line l JOIN account_move m ON m.id = l.move_id
                     LEFT JOIN res_partner p ON p.id = l.partner_id
                    WHERE l.company_id = %(company)s AND l.parent_state = 'posted'
                      AND l.balance > 0 AND l.date <= %(today)s AND %(account)s
                      AND m.origin_payment_id IS NULL
                      AND (l.date >= %(since)s OR l.reconciled IS NOT TRUE)""",
                due=Receivables._due,
                company=company.id,
                today=today,
                account=Receivables._receivable,
                since=go_back(today, _HABIT_MONTHS),
            )
        )
        items = {
            line_id: Item(payer, day, due, amount, [], promised)
            for line_id, payer, day, due, amount, promised in rows
        }
        for line_id, day, amount, by_money in self.env.execute_query(
            SQL(
                """SELECT r.debit_move_id, r.max_date, r.amount::float8, %s
                     FROM account_partial_reconcile r
                     JOIN account_move_line o ON o.id = r.credit_move_id
                     JOIN account_move om ON om.id = o.move_id
                    WHERE r.debit_move_id = ANY(%s)""",
                is_money(),
                list(items),
            )
        ):
            items[line_id].settled.append((day, amount, by_money))
        return list(items.values())

    # -- for the page

    @api.model
    def _get_cash(self, rows, scope, rates):
        """The weeks of all companies from the day of the oldest forecast; None where
        there is none, or where only some customers are asked about."""
        rows = [row for row in rows if rates[row["company_id"]] is not None]
        if not rows or scope.user_id or scope.tag_id:
            return None
        day = fields.Date.to_date(min(row["date"] for row in rows))
        tested = [row for row in rows if row["is_enough"]]
        total = sum(sum(row["weeks"]) * rates[row["company_id"]] for row in tested)
        return {
            "date": day.isoformat(),
            "weeks": [
                {
                    "date": (day + timedelta(days=7 * number + 1)).isoformat(),
                    "amount": sum(
                        row["weeks"][number] * rates[row["company_id"]] for row in rows
                    ),
                }
                for number in range(WEEKS)
            ],
            "is_enough": bool(tested) and len(tested) == len(rows),
            # Of several companies: weighted by what is expected of each.
            **{
                name: sum(
                    row[name] * sum(row["weeks"]) * rates[row["company_id"]]
                    for row in tested
                )
                / total
                if total
                else None
                for name in ("error", "simple_error")
            },
        }
