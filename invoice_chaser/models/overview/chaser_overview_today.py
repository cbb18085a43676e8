from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

# How long a broken promise is shown as something to do.
_BROKEN_DAYS = 30


class ChaserOverviewToday(models.AbstractModel):
    """What runs now, how the mailboxes are, what was promised and disputed, and what
    waits for a person: read by one query."""

    _name = "chaser.overview.today"
    _description = "What Runs and What Waits"

    @api.model
    def _flush(self):
        for model in (
            "chaser.promise",
            "chaser.dispute",
            "chaser.hold",
            "chaser.inbound",
            "chaser.maybe.paid",
            "chaser.suppression",
            "chaser.campaign",
            "chaser.provider",
            "chaser.level",
            "chaser.cash.forecast",
            "res.company",
            "digest.digest",
        ):
            self.env[model].flush_model()

    @api.model
    def _read_today(self, scope):
        """One dictionary; see the pieces below."""
        self._flush()
        pieces = {
            "promises": self._get_promises_sql(scope),
            "disputes": self._get_disputes_sql(scope),
            "needs": self._get_needs_sql(scope),
            "campaigns": self._get_campaigns_sql(scope),
            "mailboxes": self._get_mailboxes_sql(scope),
            "levels": self._get_levels_sql(scope),
            "cash": SQL(
                "SELECT company_id, date, weeks, error, simple_error, is_enough "
                "FROM chaser_cash_forecast WHERE company_id = ANY(%s)",
                scope.company_ids,
            ),
            "minutes": SQL(
                "SELECT id, chaser_minutes_per_message AS minutes FROM res_company "
                "WHERE id = ANY(%s)",
                scope.company_ids,
            ),
        }
        if weekly := self.env["digest.digest"]._get_chaser_weekly():
            users = weekly._fields["user_ids"]
            pieces["weekly"] = SQL(
                "SELECT 1 FROM %s WHERE %s = %s AND %s = %s",
                SQL.identifier(users.relation),
                SQL.identifier(users.column1),
                weekly.id,
                SQL.identifier(users.column2),
                self.env.uid,
            )
        if self.env["chaser.effect"]._may_see():
            pieces["effect"] = self.env["chaser.effect"]._get_effect_sql(scope)
        [row] = self.env.execute_query_dict(
            SQL(
                "SELECT %s",
                SQL(", ").join(
                    SQL(
                        "(SELECT coalesce(json_agg(x), '[]') FROM (%s) x) AS %s",
                        piece,
                        SQL.identifier(name),
                    )
                    for name, piece in pieces.items()
                ),
            )
        )
        return row

    @api.model
    def _customer(self, scope, column):
        return self.env["chaser.receivables"]._get_customer_sql(scope, column)

    # -- promises and disputes

    @api.model
    def _get_promises_sql(self, scope):
        """Promises settled in the period by outcome, and the open ones: how many, and
        about how much in the company's currency. What a promise is about: its amount
        where that is in the company's currency, else its items."""
        return SQL(
            """SELECT p.company_id, p.state, count(*) AS number,
                      sum(CASE WHEN p.amount > 0 AND p.currency_id = c.currency_id
                      THEN p.amount ELSE coalesce(i.amount, 0) END)::float8 AS amount
                 FROM chaser_promise p JOIN res_company c ON c.id = p.company_id
                 LEFT JOIN LATERAL (SELECT sum(l.balance) AS amount
                      FROM chaser_promise_line_rel x JOIN account_move_line l
                        ON l.id = x.line_id WHERE x.promise_id = p.id) i ON true
                WHERE p.company_id = ANY(%(companies)s) AND (p.state = 'open'
                   OR p.state IN ('kept', 'partly', 'broken')
                   AND p.settled_at >= %(start)s) AND %(customer)s
                GROUP BY 1, 2""",
            companies=scope.company_ids,
            start=scope.start,
            customer=self._customer(scope, SQL("p.partner_id")),
        )

    @api.model
    def _get_disputes_sql(self, scope):
        """Disputes: those of the period and those still open; the amount as the
        promises' (without one, what the invoices are open for)."""
        return SQL(
            """SELECT d.company_id, d.state = 'open' AS is_open,
                      d.disputed_at >= %(start)s AS is_new, count(*) AS number,
                      sum(CASE WHEN d.amount > 0 AND d.currency_id = c.currency_id
                      THEN d.amount ELSE coalesce(i.amount, 0) END)::float8 AS amount
                 FROM chaser_dispute d JOIN res_company c ON c.id = d.company_id
                 LEFT JOIN LATERAL (SELECT sum(m.amount_total_signed) AS amount
                      FROM chaser_dispute_move_rel x JOIN account_move m
                        ON m.id = x.move_id WHERE x.dispute_id = d.id) i ON true
                WHERE d.company_id = ANY(%(companies)s) AND (d.state = 'open'
                   OR d.disputed_at >= %(start)s) AND %(customer)s
                GROUP BY 1, 2, 3""",
            companies=scope.company_ids,
            start=scope.start,
            customer=self._customer(scope, SQL("d.partner_id")),
        )

    # -- what waits for a person

    @api.model
    def _get_needs_sql(self, scope):
        """How many of each kind, oldest kinds of trouble first."""
        parts = self._get_need_parts(scope)
        return SQL(" UNION ALL ").join(
            SQL("SELECT %s AS kind, count(*) AS number FROM (%s) n", kind, part)
            for kind, part in parts.items()
        )

    @api.model
    def _get_need_parts(self, scope):
        """Kind → rows that are counted for it, in the order of the page. Where each
        leads to: ``chaser.overview.link``, with the same conditions."""
        companies, today = scope.company_ids, scope.day
        mine = SQL("company_id = ANY(%s)", companies)
        return {
            "undecided": SQL(
                "SELECT 1 FROM chaser_reminder WHERE is_undecided AND %s AND %s",
                mine,
                self._customer(scope, SQL("partner_id")),
            ),
            "mailboxes": SQL(
                "SELECT 1 FROM chaser_provider WHERE active AND state = 'expired' "
                "AND %s",
                mine,
            ),
            "answers": SQL(
                "SELECT 1 FROM chaser_hold WHERE released_at IS NULL AND code IN "
                "('reply', 'says_paid', 'wrong_contact') AND (date_until IS NULL OR "
                "date_until >= %s) AND %s AND %s",
                today,
                mine,
                self._customer(scope, SQL("partner_id")),
            ),
            "unmatched": SQL(
                "SELECT 1 FROM chaser_inbound WHERE state = 'unmatched' AND %s", mine
            ),
            "maybe_paid": SQL(
                "SELECT 1 FROM chaser_maybe_paid WHERE state = 'open' AND %s AND %s",
                mine,
                self._customer(scope, SQL("partner_id")),
            ),
            "broken": SQL(
                "SELECT 1 FROM chaser_promise WHERE state = 'broken' AND settled_at "
                ">= %s AND %s AND %s",
                self._get_broken_since(),
                mine,
                self._customer(scope, SQL("partner_id")),
            ),
            "approvals": SQL(
                "SELECT 1 FROM chaser_campaign WHERE active AND state = 'draft' AND %s",
                mine,
            ),
            "stopped": self._get_stopped_sql(scope),
        }

    @api.model
    def _get_broken_since(self):
        return fields.Datetime.now() - timedelta(days=_BROKEN_DAYS)

    @api.model
    def _get_stopped_sql(self, scope):
        """Customers who owe something and whose every address is stopped."""
        return SQL(
            """SELECT DISTINCT p.commercial_partner_id AS id FROM chaser_suppression s
                 JOIN res_partner p ON p.email_normalized = s.email AND p.active
                WHERE s.released_at IS NULL AND s.company_id = ANY(%(companies)s)
                  AND %(customer)s
                  AND EXISTS (SELECT 1 FROM account_move_line l
                      JOIN res_partner lp ON lp.id = l.partner_id
                      WHERE lp.commercial_partner_id = p.commercial_partner_id
                      AND l.company_id = s.company_id AND l.parent_state = 'posted'
                      AND l.reconciled IS NOT TRUE AND l.amount_residual > 0
                      AND %(receivable)s)
                  AND NOT EXISTS (SELECT 1 FROM res_partner o
                      WHERE o.commercial_partner_id = p.commercial_partner_id
                      AND o.active AND o.email_normalized IS NOT NULL
                      AND (o.id = o.commercial_partner_id OR o.type = 'invoice')
                      AND NOT EXISTS (SELECT 1 FROM chaser_suppression os
                          WHERE os.email = o.email_normalized
                          AND os.company_id = s.company_id
                          AND os.released_at IS NULL))""",
            companies=scope.company_ids,
            customer=self._customer(scope, SQL("p.commercial_partner_id")),
            receivable=self.env["chaser.receivables"]._receivable,
        )

    # -- what runs

    @api.model
    def _get_campaigns_sql(self, scope):
        """Campaigns that wait for their time, run or are paused."""
        return SQL(
            """SELECT c.id, c.name, c.state, count(r.id) FILTER (WHERE r.state NOT IN
                      ('skipped', 'cancelled')) AS total,
                      count(r.id) FILTER (WHERE r.state = 'sent') AS sent,
                      count(r.id) FILTER (WHERE r.state = 'failed') AS failed
                 FROM chaser_campaign c LEFT JOIN chaser_reminder r
                   ON r.campaign_id = c.id
                WHERE c.active AND c.state IN ('scheduled', 'sending', 'paused')
                  AND c.company_id = ANY(%s)
                GROUP BY c.id ORDER BY c.id DESC LIMIT 20""",
            scope.company_ids,
        )

    @api.model
    def _get_mailboxes_sql(self, scope):
        """Mailboxes with what they have sent in 24 hours and what waits."""
        now = fields.Datetime.now()
        return SQL(
            """SELECT p.id, p.name, p.state, p.last_error,
                      CASE WHEN p.hold_until > %(now)s THEN p.hold_until END AS
                      hold_until, p.daily_quota AS quota,
                      greatest(p.daily_quota - p.daily_reserve, 0) AS usable,
                      (SELECT count(*) FROM chaser_reminder r
                        WHERE r.provider_id = p.id AND r.attempted_at > %(since)s)
                      AS used,
                      (SELECT count(*) FROM chaser_reminder r
                        WHERE r.provider_id = p.id AND r.state = 'queued') AS queued
                 FROM chaser_provider p
                WHERE p.active AND p.company_id = ANY(%(companies)s)
                ORDER BY p.is_primary DESC, p.sequence, p.id""",
            now=now,
            since=now - timedelta(hours=24),
            companies=scope.company_ids,
        )

    @api.model
    def _get_levels_sql(self, scope):
        """Names of the levels in the reader's language, in their order."""
        return SQL(
            "SELECT id, coalesce(name->>%s, name->>'en_US') AS name FROM chaser_level "
            "WHERE company_id IS NULL OR company_id = ANY(%s) ORDER BY sequence, id",
            self.env.lang or "en_US",
            scope.company_ids,
        )

    # -- for the page

    @api.model
    def _get_today(self, row, rates, sales):
        """:param sales: of the period, for the share that is disputed"""
        promises = {
            state: self._add_up(
                [one for one in row["promises"] if one["state"] == state], rates
            )
            for state in ("kept", "partly", "broken", "open")
        }
        ended = [promises[state] for state in ("kept", "partly", "broken")]
        number = sum(one["number"] for one in ended)
        amount = sum(one["amount"] for one in ended)
        disputed = self._add_up([d for d in row["disputes"] if d["is_new"]], rates)
        return {
            "promises": {
                **promises,
                "kept_share": 100.0 * promises["kept"]["number"] / number
                if number
                else None,
                "kept_amount_share": 100.0 * promises["kept"]["amount"] / amount
                if amount
                else None,
            },
            "disputes": {
                "open": self._add_up(
                    [one for one in row["disputes"] if one["is_open"]], rates
                ),
                "new": disputed,
                "share": 100.0 * disputed["amount"] / sales if sales > 0 else None,
            },
            "needs": [one for one in row["needs"] if one["number"]],
            "campaigns": row["campaigns"],
            "mailboxes": [self._describe_mailbox(one) for one in row["mailboxes"]],
        }

    @api.model
    def _add_up(self, rows, rates):
        return {
            "number": sum(row["number"] for row in rows),
            "amount": sum(
                (row["amount"] or 0) * (rates[row["company_id"]] or 0) for row in rows
            ),
        }

    @api.model
    def _describe_mailbox(self, row):
        """``left`` is None without a limit."""
        return {
            **row,
            "left": max(row["usable"] - row["used"], 0) if row["quota"] else None,
            "is_well": row["state"] == "connected"
            and not row["last_error"]
            and not row["hold_until"],
        }
