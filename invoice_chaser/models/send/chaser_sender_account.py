from datetime import timedelta

from odoo import fields, models
from odoo.tools import SQL

from ...core.plan.gates import Skip
from ...core.plan.netting import is_valued


class ChaserSenderAccount(models.AbstractModel):
    """What the sender asks, at the moment of sending, about the account of a message's
    customer, and about what was agreed with them."""

    _name = "chaser.sender.account"
    _description = "Account of a Customer at the Send"

    def _read_credits(self, job, live):
        """The credits that the message may set off, from both sides of the account."""
        own, today = job.row, job.settings["today"]
        company = self.env["res.company"].browse(own["company_id"])
        account = self.env["chaser.account"]
        rows = job.run.ask(
            account._get_beside_sql(
                SQL("= %s", own["partner_id"]),
                company,
                today,
                [row["id"] for row in live],
            )
        )
        if not any(row["residual"] < 0 for row in rows):
            return []
        accounts = account._make_accounts(
            rows,
            lambda row: account._get_item_hold(row, today)
            or job.held.get_item(row["move_id"], row["id"]),
        )
        books = accounts.get(own["partner_id"], {})
        home = job.run.get(("home", company.id), lambda: company.currency_id.id)
        currencies = {row["currency_id"] for row in live}
        job.is_valued = is_valued(books.values(), currencies, home)
        credits = account._get_credit_rows(
            books,
            {row["id"]: row for row in rows},
            company,
            live,
            self._get_lines_elsewhere(job),
        )
        job.other_credits = [
            row for row in credits if row["currency_id"] not in currencies
        ]
        return [row for row in credits if row["currency_id"] in currencies]

    def _read_credit_stop(self, job):
        """A look first where the whole account is settled in the company's currency."""
        own, account = job.row, self.env["chaser.account"]
        company = self.env["res.company"].browse(own["company_id"])
        partner_ids = [own["partner_id"]]
        if job.is_valued and account._read_in_credit(company, partner_ids):
            return Skip("account_in_credit")
        if job.run.get(
            ("shows_payables", company.id), lambda: company.chaser_show_payables
        ):
            found = account._read_payables(company, partner_ids)
            job.payables = found.get(own["partner_id"], [])
            if job.payables and account._read_in_credit(company, partner_ids, True):
                return Skip("net_zero")
        return None

    def _get_lines_elsewhere(self, job):
        """Where a customer gets one message per invoice, an item or a credit is in one
        of them only."""
        own = job.row
        if not own["split_move_id"]:
            return set()
        rows = self.env.execute_query(
            SQL(
                """SELECT l.move_line_id FROM chaser_reminder_line l
                JOIN chaser_reminder r ON r.id = l.reminder_id
                WHERE r.campaign_id = %s AND r.partner_id = %s AND r.id <> %s
                  AND r.state IN ('draft', 'queued', 'sending', 'sent')""",
                own["campaign_id"],
                own["partner_id"],
                job.reminder.id,
            )
        )
        return {row[0] for row in rows}

    def _get_letters_sql(self, job):
        """When the customer was written to, by the rule of planning: last by another
        campaign, each time of the last week, and by another campaign of which it is not
        known whether it arrived."""
        own = job.row
        company = self.env["res.company"].browse(own["company_id"])
        return SQL(
            """SELECT max(o.sent_at) FILTER (WHERE o.state = 'sent' AND other)
            AS last_contact, array_agg(o.sent_at ORDER BY o.sent_at DESC)
            FILTER (WHERE o.state = 'sent' AND o.sent_at > %s) AS week_contacts,
            max(c.name) FILTER (WHERE open) AS open_letter,
            min(o.create_date) FILTER (WHERE open) AS open_since
              FROM (%s) o LEFT JOIN chaser_campaign c ON c.id = o.campaign_id
             CROSS JOIN LATERAL (SELECT o.campaign_id IS DISTINCT FROM %s AS other) a
             CROSS JOIN LATERAL (SELECT other AND (o.state = 'sending'
             OR o.is_undecided) AS open) b""",
            fields.Datetime.now() - timedelta(days=8),
            self.env["chaser.identity"]._get_letters_sql(
                SQL("= %s", own["partner_id"]), company
            ),
            own["campaign_id"],
        )

    def _get_agreed_sql(self, company):
        """What was agreed with the customer (``p``), by the company or those above."""
        keys = [str(one) for one in company._get_chaser_chain().ids]

        def get(column, key):
            return SQL("%s->>%s", SQL.identifier("p", column), key)

        pauses = [SQL("(%s)::date", get("chaser_paused_until", key)) for key in keys]
        longest = SQL("greatest(%s)", SQL(", ").join(pauses))
        reasons = [
            SQL("CASE WHEN %s = %s THEN %s END", pause, longest, reason)
            for pause, reason in zip(
                pauses,
                (get("chaser_pause_reason", key) for key in keys),
                strict=True,
            )
        ]
        intervals = [
            SQL("nullif(%s, '0')", get("preferred_contact_interval", key))
            for key in keys
        ]
        return SQL(
            "%s AS paused_until, coalesce(%s) AS pause_reason, "
            "coalesce(%s)::int AS interval",
            longest,
            SQL(", ").join(reasons),
            SQL(", ").join(intervals),
        )
