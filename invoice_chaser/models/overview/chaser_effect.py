from datetime import timedelta

from odoo import api, models
from odoo.tools import SQL

from ...core.overview.effect import HORIZON, Sums, measure
from ...core.plan.holdout import LATER, NOW, WAIT_DAYS
from ..planning.open_items import is_money
from .chaser_overview_reminders import MAIN_WINDOW

MANAGER_GROUP = "invoice_chaser.group_chaser_manager"
# A reminder that waited goes within so many days after its wait, or the next one is a
# new one.
_GRACE_DAYS = 14


class ChaserEffect(models.AbstractModel):
    """The hold-out (``core.plan.holdout``): who waits, and what that says about the
    effect of reminders. Only a manager reads it."""

    _name = "chaser.effect"
    _description = "Measured Effect of Reminders"

    @api.model
    def _fill_waits(self, facts, company):
        """Customers' facts (by id): since when the reminder that is due waits, as noted
        on the reminder that was left out for it. One query where the hold-out is
        on."""
        if not company.chaser_holdout:
            return
        self.env["chaser.reminder"].flush_model()
        today = company._get_chaser_today()
        rows = self.env.execute_query(
            SQL(
                """SELECT r.partner_id, max((r.reason_params->>'date')::date) - %(wait)s
                     FROM chaser_reminder r
                    WHERE r.company_id = %(company)s AND r.partner_id = ANY(%(ids)s)
                      AND r.holdout_arm = %(later)s AND r.reason_code = 'holdout'
                      AND (r.reason_params->>'date')::date >= %(since)s
                      AND NOT EXISTS (SELECT 1 FROM chaser_reminder s
                          WHERE s.company_id = r.company_id AND s.id > r.id
                          AND s.partner_id = r.partner_id AND s.state = 'sent'
                          AND s.purpose = 'reminder')
                    GROUP BY 1""",
                wait=WAIT_DAYS - 1,
                company=company.id,
                ids=list(facts),
                later=LATER,
                since=today - timedelta(days=_GRACE_DAYS),
            )
        )
        for partner_id, since in rows:
            facts[partner_id].waits_since = since

    # -- what it says

    @api.model
    def _may_see(self):
        return self.env.su or self.env.user.has_group(MANAGER_GROUP)

    @api.model
    def _read_effect(self, scope):
        """The sums; None for who is no manager."""
        if not self._may_see():
            return None
        return self.env.execute_query_dict(self._get_effect_sql(scope))

    @api.model
    def _get_effect_sql(self, scope):
        """Sums per company and part over all reminders whose thirty days are over, of
        all time: few wait."""
        return SQL(
            """WITH company(id, today) AS (VALUES %(days)s), u AS (%(drawn)s),
                l AS (
                    SELECT u.id, l.move_line_id, l.amount_company AS asked, u.day
                      FROM u JOIN chaser_reminder_line l ON l.reminder_id = u.id
                     WHERE l.is_credit IS NOT TRUE AND l.amount_company > 0),
                p AS (
                    SELECT l.id, sum(m.amount * (%(horizon)s - least(greatest(
                           m.max_date - l.day, 0), %(horizon)s))) AS early,
                           sum(m.amount) FILTER (WHERE m.max_date - l.day <=
                           %(window)s) AS paid
                      FROM l JOIN account_partial_reconcile m
                        ON m.debit_move_id = l.move_line_id
                      JOIN account_move_line o ON o.id = m.credit_move_id
                      JOIN account_move om ON om.id = o.move_id
                     WHERE %(money)s
                     GROUP BY 1),
                v AS (
                    SELECT u.company_id, u.arm, a.asked,
                           %(horizon)s - least(coalesce(p.early, 0) / a.asked,
                           %(horizon)s) AS days,
                           least(coalesce(p.paid, 0) / a.asked, 1) AS paid
                      FROM u JOIN (SELECT id, sum(asked) AS asked FROM l GROUP BY 1) a
                        ON a.id = u.id LEFT JOIN p ON p.id = u.id)
                SELECT company_id, arm, count(*)::int AS number,
                       sum(days)::float8 AS days,
                       sum(days * days)::float8 AS days_squared,
                       sum(paid)::float8 AS paid,
                       sum(paid * paid)::float8 AS paid_squared,
                       sum(asked)::float8 AS asked
                  FROM v GROUP BY 1, 2""",
            days=self.env["chaser.receivables"]._get_days_sql(scope),
            drawn=self._get_drawn_sql(),
            horizon=HORIZON,
            window=MAIN_WINDOW,
            money=is_money(),
        )

    @api.model
    def _get_drawn_sql(self):
        """Reminders as they were drawn, whose thirty days are over: those that went,
        and those that were left out to wait (not the ones that followed them)."""
        return SQL(
            """SELECT r.id, r.company_id, r.holdout_arm AS arm, made.day
                 FROM chaser_reminder r JOIN company c ON c.id = r.company_id
                CROSS JOIN LATERAL (SELECT %(day)s AS day) made
                WHERE made.day <= c.today - %(horizon)s
                  AND (r.holdout_arm = %(later)s AND r.reason_code = 'holdout'
                       OR r.holdout_arm = %(now)s AND r.state NOT IN ('cancelled',
                       'draft') AND r.reason_code IS DISTINCT FROM 'dropped')""",
            day=self.env["chaser.overview.reminders"]._get_day_sql(
                SQL("r.create_date")
            ),
            horizon=HORIZON,
            now=NOW,
            later=LATER,
        )

    @api.model
    def _get_effect(self, rows, rates):
        """For the page; None for who is no manager."""
        if rows is None:
            return None
        companies = self.env["res.company"].browse(rates)
        return {
            "is_on": any(companies.mapped("chaser_holdout")),
            **measure(self._add_up(rows, NOW, rates), self._add_up(rows, LATER, rates)),
        }

    @api.model
    def _add_up(self, rows, arm, rates):
        own = [row for row in rows if row["arm"] == arm]
        return Sums(
            sum(row["number"] for row in own),
            *(
                sum(row[name] for row in own)
                for name in ("days", "days_squared", "paid", "paid_squared")
            ),
            sum(row["asked"] * (rates[row["company_id"]] or 0) for row in own),
        )
