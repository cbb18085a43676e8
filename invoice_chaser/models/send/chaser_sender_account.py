from odoo import models
from odoo.tools import SQL

from ...core.plan.gates import Skip


class ChaserSenderAccount(models.AbstractModel):
    """What the sender asks, at the moment of sending, about the account of a message's
    customer, and about what was agreed with them."""

    _name = "chaser.sender.account"
    _description = "Account of a Customer at the Send"

    def _read_credits(self, job, live):
        """The credits that the message may set off, from both sides of the account."""
        own, today = job.row, job.run.settings["today"]
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
        credits = account._get_credit_rows(
            accounts.get(own["partner_id"], {}),
            {row["id"]: row for row in rows},
            company,
            live,
            self._get_lines_elsewhere(job),
        )
        currencies = {row["currency_id"] for row in live}
        job.other_credits = [
            row for row in credits if row["currency_id"] not in currencies
        ]
        return [row for row in credits if row["currency_id"] in currencies]

    def _read_credit_stop(self, job):
        """A look first where credits in another currency settle the whole account."""
        own, account = job.row, self.env["chaser.account"]
        company = self.env["res.company"].browse(own["company_id"])
        partner_ids = [own["partner_id"]]
        if job.other_credits and account._read_in_credit(company, partner_ids):
            return Skip("account_in_credit")
        if job.run.get("payables", lambda: company.chaser_show_payables):
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

    def _get_agreed_sql(self, company):
        """What was agreed with the customer (``p``), by the company or those above."""
        keys = [str(one) for one in company._get_chaser_chain().ids]

        def first(column, empty):
            values = [SQL("nullif(%s->>%s, %s)", column, key, empty) for key in keys]
            return SQL("coalesce(%s)", SQL(", ").join(values))

        return SQL(
            "(%s)::date AS paused_until, %s AS pause_reason, (%s)::int AS interval",
            first(SQL.identifier("p", "chaser_paused_until"), ""),
            first(SQL.identifier("p", "chaser_pause_reason"), ""),
            first(SQL.identifier("p", "preferred_contact_interval"), "0"),
        )
