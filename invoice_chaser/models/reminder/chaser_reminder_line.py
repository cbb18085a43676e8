from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ...core.plan.cadence import Sent


class ChaserReminderLine(models.Model):
    """Snapshot of one open item as of the day of the reminder; a credit is a line with
    a negative amount."""

    _name = "chaser.reminder.line"
    _description = "Reminder Line"
    _order = "is_credit, date_maturity, id"
    _rec_name = "number"

    reminder_id = fields.Many2one(
        "chaser.reminder", required=True, readonly=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, index=True
    )
    move_line_id = fields.Many2one(
        "account.move.line",
        "Journal Item",
        readonly=True,
        index=True,
        ondelete="set null",
    )
    move_id = fields.Many2one(
        "account.move", "Invoice", readonly=True, index=True, ondelete="set null"
    )
    number = fields.Char(readonly=True)
    label = fields.Char(readonly=True, help="Of an item that is no invoice.")
    is_credit = fields.Boolean(readonly=True)
    currency_id = fields.Many2one("res.currency", required=True, readonly=True)
    company_currency_id = fields.Many2one(
        related="company_id.currency_id", string="Company Currency"
    )
    amount = fields.Monetary(readonly=True, aggregator=None)
    amount_residual = fields.Monetary("Open Amount", readonly=True, aggregator=None)
    amount_company = fields.Monetary(
        "Open Amount (Company Currency)",
        readonly=True,
        currency_field="company_currency_id",
    )
    invoice_date = fields.Date(readonly=True)
    date_maturity = fields.Date("Due Date", readonly=True)
    days_overdue = fields.Integer(readonly=True, aggregator=None)
    level_id = fields.Many2one("chaser.level", readonly=True, index="btree_not_null")
    dropped_code = fields.Char(
        readonly=True, help="Why the item was taken out of the reminder after planning."
    )
    dropped_params = fields.Json(readonly=True)
    dropped_reason = fields.Char(compute="_compute_dropped_reason")

    @api.depends("dropped_code", "dropped_params")
    @api.depends_context("lang")
    def _compute_dropped_reason(self):
        for line in self:
            line.dropped_reason = self.env["chaser.reminder"]._get_reason_text(
                line.dropped_code, line.dropped_params
            )

    @api.model
    def _read_level_history(self, line_ids, company):
        """Journal item → the levels that were sent about it, each with its first and
        last day.

        An item's own level counts, which is the line's: beside an older item it may
        have been part of a stricter message."""
        self.flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT l.move_line_id, v.id, v.tone, %s, %s
                 FROM chaser_reminder_line l JOIN chaser_reminder r ON r.id =
                 l.reminder_id JOIN chaser_level v ON v.id = l.level_id
                WHERE l.move_line_id = ANY(%s) AND r.state = 'sent' AND NOT l.is_credit
                AND l.dropped_code IS NULL
                GROUP BY 1, 2, 3 ORDER BY 1, 2""",
                self.env["chaser.planner"]._get_local_day("min(r.sent_at)", company),
                self.env["chaser.planner"]._get_local_day("max(r.sent_at)", company),
                list(line_ids),
            )
        )
        history = {}
        for line_id, *sent in rows:
            history[line_id] = (*history.get(line_id, ()), Sent(*sent))
        return history

    @api.model
    def _read_broken_promises(self, plan):
        """Journal item → the day on which the last promise that covered it was found
        broken, unless it was written about since: a broken promise makes only the next
        reminder stricter, not all that follow."""
        self.env["chaser.promise"].flush_model()
        self.env["chaser.reminder.line"].flush_model()
        return dict(
            self.env.execute_query(
                SQL(
                    """SELECT r.line_id, %s FROM chaser_promise p
                    JOIN chaser_promise_line_rel r ON r.promise_id = p.id
                WHERE p.company_id = %s AND p.state = 'broken'
                AND p.settled_at IS NOT NULL AND r.line_id = ANY(%s)
                  AND NOT EXISTS (SELECT 1 FROM chaser_reminder_line x
                  JOIN chaser_reminder m ON m.id = x.reminder_id
                        WHERE x.move_line_id = r.line_id AND m.state = 'sent'
                        AND m.sent_at >= p.settled_at AND NOT x.is_credit
                        AND x.dropped_code IS NULL)
                GROUP BY r.line_id""",
                    self.env["chaser.planner"]._get_local_day(
                        "max(p.settled_at)", plan.company
                    ),
                    plan.company.id,
                    list(plan.rows),
                )
            )
        )

    def _read_free_credits(self):
        """What of the credits of a reminder is still free to be set off, by journal
        item, negative."""
        reminder = self.reminder_id
        if not self.filtered("is_credit"):
            return {}
        owed = self.filtered(
            lambda line: not line.is_credit
            and reminder._get_item_state(line.move_line_id) != "paid"
        )
        rows = self.env["chaser.account"]._read_credit_rows(
            reminder.company_id,
            reminder.partner_id.commercial_partner_id,
            owed.move_line_id,
        )
        return {row["id"]: row["residual"] for row in rows}

    def action_drop(self):
        """Take single items out of reminders that are not sent yet; a reminder without
        items is skipped."""
        self.env["chaser.campaign"].check_access("write")
        lines = self._filtered_access("read").filtered(
            lambda line: not line.dropped_code
        )
        if any(
            state not in ("draft", "queued")
            for state in lines.reminder_id.mapped("state")
        ):
            raise UserError(
                self.env._("What is already sent or being sent cannot be changed.")
            )
        lines.sudo().write(
            {
                "dropped_code": "dropped",
                "dropped_params": {"detail": self.env.user.name},
            }
        )
        empty = lines.reminder_id.filtered(
            lambda reminder: not reminder._get_live_lines()
        )
        empty.sudo()._set_skipped("dropped", {"detail": self.env.user.name})
