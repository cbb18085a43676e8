from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL, format_date

from ...core.plan.gates import Hold

_RECHECK = timedelta(hours=1)


class ChaserBankData(models.AbstractModel):
    """Whether the bank's data is recent enough to write to anybody: a setting of the
    company."""

    _name = "chaser.bank.data"
    _description = "Recent Bank Data"

    @api.model
    def _get_missing(self, company):
        """When bank data came in last, in words, where that is too long ago; None where
        it is not, or does not matter."""
        days = company.sudo().chaser_bank_days
        if not days:
            return None
        # The last line by id, not by date: what matters is when somebody imported or
        # entered bank data.
        # A branch without a bank of its own is paid at the company above it.
        rows = self.env.execute_query(
            SQL(
                """SELECT s.create_date
                FROM unnest(%s::int[]) WITH ORDINALITY AS c(id, place)
                CROSS JOIN LATERAL (SELECT create_date FROM account_bank_statement_line
                WHERE company_id = c.id ORDER BY id DESC LIMIT 1) s
                ORDER BY c.place LIMIT 1""",
                list(company._get_chaser_chain().ids),
            )
        )
        last = rows[0][0] if rows else None
        if last and last >= fields.Datetime.now() - timedelta(days=days):
            return None
        return format_date(self.env, last) if last else "–"

    @api.model
    def _get_hold(self, company):
        """All reminders wait where the company wants recent bank data and has none."""
        missing = self._get_missing(company)
        if missing is None:
            return None
        return Hold(
            "hold_bank_data", {"detail": missing}, fields.Datetime.now() + _RECHECK
        )

    @api.model
    def _recheck(self, companies):
        """Bank data came in: reminders that wait for it are tried at once, those of the
        branches as well."""
        Reminder = self.env["chaser.reminder"].sudo()
        Reminder.flush_model(["state", "reason_code"])
        rows = self.env.execute_query(
            SQL(
                "SELECT id FROM chaser_reminder WHERE company_id = ANY(%s) AND state "
                "= 'queued' AND reason_code = 'hold_bank_data'",
                [id_ for one in companies for id_ in one._get_chaser_entity().ids],
            )
        )
        if rows:
            reminders = Reminder.browse(row[0] for row in rows)
            reminders._write_moments([fields.Datetime.now()] * len(reminders))
            for provider in reminders.provider_id:
                provider.cron_id._trigger()


class AccountBankStatementLine(models.Model):
    _inherit = "account.bank.statement.line"

    @api.model_create_multi
    def create(self, vals_list):
        lines = super().create(vals_list)
        self.env["chaser.bank.data"]._recheck(lines.company_id)
        return lines
