from odoo import api, fields, models
from odoo.exceptions import UserError


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
