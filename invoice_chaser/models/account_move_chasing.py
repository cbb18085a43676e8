from odoo import api, fields, models
from odoo.tools import format_date


class AccountMove(models.Model):
    """The small panel on an invoice: whether it is chased, why not, and what was sent about it."""

    _inherit = "account.move"

    chaser_stop_display = fields.Char(
        "Not Chased Because", compute="_compute_chaser_stop_display", groups="invoice_chaser.group_chaser_user",
        help="Marked as no follow-up, blocked, promised, disputed or on hold.")
    chaser_last_display = fields.Char("Last Reminder", compute="_compute_chaser_last_display", groups="invoice_chaser.group_chaser_user")
    chaser_next_display = fields.Text(
        "Next Step of the Customer", related="commercial_partner_id.chaser_next_step", groups="invoice_chaser.group_chaser_user")

    @api.depends("line_ids.no_followup", "payment_state", "chaser_promise_date", "chaser_dispute_reason")
    @api.depends_context("lang")
    def _compute_chaser_stop_display(self):
        Hold = self.env["chaser.hold"].sudo()
        for company, moves in self.filtered(lambda move: move.move_type in ("out_invoice", "out_receipt") and move.id).grouped("company_id").items():
            held = Hold._read_held(company, moves.commercial_partner_id.ids, company._get_chaser_today())
            for move in moves:
                move.chaser_stop_display = move._describe_stop(held)
        (self - self.filtered("chaser_stop_display")).chaser_stop_display = False

    def _describe_stop(self, held):
        """What keeps this invoice from being chased, in words; the invoice's own reason before the customer's."""
        if self.no_followup:
            return self._get_chaser_reason("no_followup")
        if self.payment_state == "blocked":
            return self.env._("Its payment is blocked.")
        if self.chaser_dispute_reason:
            return self._get_chaser_reason("disputed", {"detail": self.chaser_dispute_reason})
        if self.chaser_promise_date and self.chaser_promise_date >= self.company_id._get_chaser_today():
            return self._get_chaser_reason("promised", {"date": self.chaser_promise_date.isoformat()})
        lines = self.line_ids.filtered(lambda line: line.account_id.account_type == "asset_receivable" and not line.reconciled)
        stops = [held.get_item(self.id, line.id) for line in lines] or [held.get_item(self.id, 0)]
        stop = next(filter(None, stops), None) or held.customers.get(self.commercial_partner_id.id)
        return stop and self._get_chaser_reason(stop.reason, stop.params)

    def _get_chaser_reason(self, code, params=None):
        return self.env["chaser.hold"]._get_reason_text(code, params)

    def _compute_chaser_last_display(self):
        lines = self.env["chaser.reminder.line"].search(
            [("move_id", "in", self.ids), ("is_credit", "=", False), ("dropped_code", "=", False), ("reminder_id.state", "=", "sent")])
        last = {}
        for line in lines.sorted(lambda line: (line.reminder_id.sent_at, line.id)):
            last[line.move_id.id] = line.reminder_id
        statuses = dict(self.env["chaser.reminder"]._fields["status"]._description_selection(self.env))
        for move in self:
            reminder = last.get(move.id)
            move.chaser_last_display = reminder and " · ".join(filter(None, (
                reminder.level_id.name, format_date(self.env, reminder.sent_at), statuses.get(reminder.status))))
