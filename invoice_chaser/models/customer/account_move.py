from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_date

# A change of these in a posted item changes what was owed, when, or by whom.
_FIGURE_FIELDS = {
    "date_maturity",
    "partner_id",
    "account_id",
    "balance",
    "debit",
    "credit",
    "amount_currency",
}


class AccountMove(models.Model):
    _inherit = "account.move"

    chaser_reminder_count = fields.Integer(
        compute="_compute_chaser_reminder_count",
        groups="invoice_chaser.group_chaser_user",
    )
    chaser_stop_display = fields.Char(
        "Not Chased Because",
        compute="_compute_chaser_stop_display",
        groups="invoice_chaser.group_chaser_user",
        help="Marked as no follow-up, blocked, promised, disputed or on hold.",
    )
    chaser_last_display = fields.Char(
        "Last Reminder",
        compute="_compute_chaser_last_display",
        groups="invoice_chaser.group_chaser_user",
    )
    chaser_next_display = fields.Text(
        "Next Step of the Customer",
        related="commercial_partner_id.chaser_next_step",
        groups="invoice_chaser.group_chaser_user",
    )

    def write(self, vals):
        """Odoo posts, resets and re-dates entries by this: closed months change."""
        if not {"state", "date"} & set(vals):
            return super().write(vals)
        days = self.line_ids._get_chaser_days()
        result = super().write(vals)
        days += self.line_ids._get_chaser_days()
        self.env["chaser.receivable.month"].sudo()._mark_changed(days)
        return result

    def _compute_chaser_reminder_count(self):
        rows = self.env["chaser.reminder.line"]._read_group(
            [("move_id", "in", self.ids), ("reminder_id.state", "!=", "cancelled")],
            ["move_id"],
            ["reminder_id:count_distinct"],
        )
        counts = {move.id: count for move, count in rows}
        for move in self:
            move.chaser_reminder_count = counts.get(move.id, 0)

    def action_chase(self):
        """Opens the preview of a campaign for these invoices: who gets what, who does
        not and why.

        :raises UserError: when none of them can be chased, with the reasons
        """
        return self.env["chaser.preview"]._open_for_invoices(self)

    def action_view_chaser_reminders(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "invoice_chaser.chaser_reminder_action"
        )
        return action | {"domain": [("line_ids.move_id", "=", self.id)], "context": {}}

    @api.model
    def _get_overdue_invoices(self, partners, company):
        """Invoices of these customers (commercial partners) in a company with something
        overdue, as the user may see them."""
        overdue = self.env["chaser.planner"]._read_overdue(
            company, partners.commercial_partner_id
        )
        moves = self.search([("id", "in", list({move for _line, move in overdue}))])
        if not moves:
            raise UserError(
                self.env._(
                    "Nothing is overdue for %s.",
                    ", ".join(partners.mapped("display_name")[:5]),
                )
            )
        return moves

    @api.model
    def _chase_customers(self, partners, company):
        """The preview for everything overdue of these customers."""
        customers = partners.commercial_partner_id
        return self.env["chaser.preview"]._open_for_invoices(
            self._get_overdue_invoices(customers, company), customers
        )

    # -- The small panel on an invoice: whether it is chased, why not, and what was sent
    # about it

    @api.depends(
        "line_ids.no_followup",
        "payment_state",
        "chaser_promise_date",
        "chaser_dispute_reason",
    )
    @api.depends_context("lang")
    def _compute_chaser_stop_display(self):
        Hold = self.env["chaser.hold"].sudo()
        for company, moves in (
            self.filtered(
                lambda move: move.move_type in ("out_invoice", "out_receipt")
                and move.id
            )
            .grouped("company_id")
            .items()
        ):
            held = Hold._read_held(
                company, moves.commercial_partner_id.ids, company._get_chaser_today()
            )
            for move in moves:
                move.chaser_stop_display = move._describe_stop(held)
        (self - self.filtered("chaser_stop_display")).chaser_stop_display = False

    def _describe_stop(self, held):
        """What keeps this invoice from being chased, in words; the invoice's own reason
        before the customer's."""
        if self.no_followup:
            return self._get_chaser_reason("no_followup")
        if self.payment_state == "blocked":
            return self.env._("Its payment is blocked.")
        if self.chaser_dispute_reason:
            return self._get_chaser_reason(
                "disputed", {"detail": self.chaser_dispute_reason}
            )
        if (
            self.chaser_promise_date
            and self.chaser_promise_date >= self.company_id._get_chaser_today()
        ):
            return self._get_chaser_reason(
                "promised", {"date": self.chaser_promise_date.isoformat()}
            )
        lines = self.line_ids.filtered(
            lambda line: line.account_id.account_type == "asset_receivable"
            and not line.reconciled
        )
        stops = [held.get_item(self.id, line.id) for line in lines] or [
            held.get_item(self.id, 0)
        ]
        stop = next(filter(None, stops), None) or held.customers.get(
            self.commercial_partner_id.id
        )
        return stop and self._get_chaser_reason(stop.reason, stop.params)

    def _get_chaser_reason(self, code, params=None):
        return self.env["chaser.hold"]._get_reason_text(code, params)

    def _compute_chaser_last_display(self):
        lines = self.env["chaser.reminder.line"].search(
            [
                ("move_id", "in", self.ids),
                ("is_credit", "=", False),
                ("dropped_code", "=", False),
                ("reminder_id.state", "=", "sent"),
            ]
        )
        last = {}
        for line in lines.sorted(lambda line: (line.reminder_id.sent_at, line.id)):
            last[line.move_id.id] = line.reminder_id
        statuses = dict(
            self.env["chaser.reminder"]
            ._fields["status"]
            ._description_selection(self.env)
        )
        for move in self:
            reminder = last.get(move.id)
            move.chaser_last_display = reminder and " · ".join(
                filter(
                    None,
                    (
                        reminder.level_id.name,
                        format_date(self.env, reminder.sent_at),
                        statuses.get(reminder.status),
                    ),
                )
            )


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    def write(self, vals):
        """What may change in a posted item: closed months change with it."""
        if not set(vals) & _FIGURE_FIELDS:
            return super().write(vals)
        days = self._get_chaser_days()
        result = super().write(vals)
        days += self._get_chaser_days()
        self.env["chaser.receivable.month"].sudo()._mark_changed(days)
        return result

    def _get_chaser_days(self):
        """(company, day) of the receivable items among these that are posted."""
        return [
            (line.company_id, line.date)
            for line in self
            if line.parent_state == "posted"
            and line.account_id.account_type == "asset_receivable"
        ]


class AccountPartialReconcile(models.Model):
    _inherit = "account.partial.reconcile"

    @api.model_create_multi
    def create(self, vals_list):
        partials = super().create(vals_list)
        # Every way to pay, credit or match an invoice creates this record, so queued
        # reminders about it are stopped here.
        self.env["chaser.reminder"].sudo()._on_reconciled(partials.debit_move_id)
        self.env["chaser.promise"].sudo()._update_reconciled(partials.debit_move_id)
        self.env["chaser.receivable.month"].sudo()._mark_changed(
            partials._get_chaser_days()
        )
        return partials

    def unlink(self):
        lines, days = self.debit_move_id, self._get_chaser_days()
        result = super().unlink()
        self.env["chaser.receivable.month"].sudo()._mark_changed(days)
        self.env["chaser.reminder"].sudo()._on_unreconciled(lines.exists())
        self.env["chaser.promise"].sudo()._update_reconciled(lines.exists())
        return result

    def _get_chaser_days(self):
        """(company, day) of each matching, as the figures of months count it."""
        return [(one.debit_move_id.company_id, one.max_date) for one in self]
