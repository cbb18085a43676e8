from decimal import Decimal

from odoo import models
from odoo.tools import SQL

from ..core.gates import Skip
from ..core.planning import OpenCredit, OpenItem, net_items
from .chaser_campaign_plan import PAID_STATES


class ChaserReminder(models.Model):
    """What of a reminder's items is still to be chased at the moment of sending."""

    _inherit = "chaser.reminder"

    def _step_refresh(self, job):
        """Fresh balances, read under a lock so that no payment can slip in before the mark."""
        rows = self._read_open_items(job.run)
        if len(rows) < job.row["item_count"]:
            return self._hold_a_minute("busy")
        dropped = {}
        for row in rows:
            code, params = self._get_drop_reason(row, job)
            if code:
                dropped[row["line_id"]] = (code, params)
        live = [row for row in rows if row["line_id"] not in dropped]
        credits = self._read_own_credits(job, {row["currency_id"] for row in live}) if live else []
        due, covered = net_items([_as_item(row) for row in live], [_as_credit(row) for row in credits])
        for item in covered:
            line_id = next(row["line_id"] for row in live if row["id"] == item.id)
            dropped[line_id] = ("covered_by_credit", {})
        self._drop_lines(dropped)
        if not due:
            code, params = _strongest_drop(dropped)
            return Skip(code, params)
        kept = {item.id for item in due}
        currencies = {item.currency_id for item in due}
        job.items = [row for row in live if row["id"] in kept]
        job.credits = [row for row in credits if row["currency_id"] in currencies]
        return None

    def _read_open_items(self, run):
        """The reminder's items as they are now; one that another transaction is changing is missing."""
        rows = run.ask(SQL(
            """SELECT rl.id AS line_id, l.id, l.move_id, l.currency_id, l.amount_residual_currency AS residual,
                      l.amount_residual AS company_residual, l.amount_currency AS amount, m.name AS number, m.invoice_date,
                      coalesce(l.date_maturity, m.invoice_date_due, m.invoice_date, l.date) AS date_due, l.parent_state, l.reconciled,
                      l.company_id, l.no_followup, m.payment_state, m.chaser_dispute_reason AS dispute, m.chaser_promise_date AS promise,
                      m.access_token, m.payment_reference, m.invoice_user_id, m.partner_bank_id, p.name AS contact_name,
                      i.part, i.parts, rl.amount AS shown_amount, rl.amount_residual AS shown_residual, rl.days_overdue AS shown_days
                 FROM chaser_reminder_line rl JOIN account_move_line l ON l.id = rl.move_line_id JOIN account_move m ON m.id = l.move_id
                 LEFT JOIN res_partner p ON p.id = m.partner_id CROSS JOIN LATERAL %s i
                WHERE rl.reminder_id = %s AND NOT rl.is_credit AND rl.dropped_code IS NULL
                ORDER BY date_due, l.id FOR SHARE OF l, m SKIP LOCKED""", self._get_instalment_sql("l"), self.id))
        return rows

    def _get_drop_reason(self, row, job):
        today = job.run.settings["today"]
        if row["company_id"] != job.row["company_id"] or row["parent_state"] != "posted":
            return "not_open", {}
        if row["reconciled"] or row["residual"] <= 0 or row["payment_state"] in PAID_STATES:
            return "paid", {}
        hold = self.env["chaser.campaign"]._get_item_hold(row, today) or job.held.get_item(row["move_id"], row["id"])
        if hold:
            return hold.reason, hold.params
        level = job.run.get(("level", job.row["level_id"]), lambda: self._prepare_level_values(job.row["level_id"]))
        return self._get_date_reason((today - row["date_due"]).days, level["days_overdue"]), {}

    def _get_date_reason(self, days, level_days):
        """A reminder is about what is overdue; a notice before the due date is not sent after it."""
        if level_days < 0:
            return "overdue_now" if days > 0 else "not_due" if days < level_days else None
        return "not_due" if days < min(level_days, 1) else None

    def _read_own_credits(self, job, currency_ids):
        own = job.row
        company = self.env["res.company"].browse(own["company_id"])
        rows = job.run.ask(self.env["chaser.campaign"]._get_credits_sql(SQL("= %s", own["partner_id"]), company))
        others = self._get_credits_shown_elsewhere(own) if rows else set()
        return [row for row in rows if row["currency_id"] in currency_ids and row["id"] not in others]

    def _get_credits_shown_elsewhere(self, own):
        """Where a customer gets one message per invoice, a credit stands in one of them only."""
        if not own["split_move_id"]:
            return set()
        rows = self.env.execute_query(SQL(
            """SELECT l.move_line_id FROM chaser_reminder_line l JOIN chaser_reminder r ON r.id = l.reminder_id
                WHERE r.campaign_id = %s AND r.partner_id = %s AND r.id <> %s AND l.is_credit
                  AND r.state IN ('draft', 'queued', 'sending', 'sent')""", own["campaign_id"], own["partner_id"], self.id))
        return {row[0] for row in rows}

    def _drop_lines(self, dropped):
        for line_id, (code, params) in dropped.items():
            self.env["chaser.reminder.line"].browse(line_id).write({"dropped_code": code, "dropped_params": params or False})


def _as_item(row):
    return OpenItem(row["id"], row["move_id"], 0, row["currency_id"], Decimal(str(row["residual"])), Decimal(str(row["company_residual"])), row["date_due"], 0)


def _as_credit(row):
    return OpenCredit(row["id"], row["currency_id"], -Decimal(str(row["residual"])), -Decimal(str(row["company_residual"])))


def _strongest_drop(dropped):
    """The reason to show when nothing is left: paid only if that is true of everything."""
    codes = list(dropped.values()) or [("paid", {})]
    other = [entry for entry in codes if entry[0] != "paid"]
    return other[0] if other else codes[0]
