from odoo import api, fields, models


class ChaserWorklist(models.Model):
    """What the accountant reads about a customer beside his score, and what he does about it from the worklist."""

    _inherit = "chaser.worklist"

    phone = fields.Char(related="partner_id.phone")
    email = fields.Char(related="partner_id.email")
    next_step = fields.Char(compute="_compute_next_step", help="Which reminder the customer would get today, and why, or why none.")
    hold_display = fields.Char("Why on Hold", compute="_compute_hold_display")
    promises_display = fields.Char("Promises", compute="_compute_displays")
    answered_display = fields.Char("Answers", compute="_compute_displays")
    line_ids = fields.Many2many("account.move.line", string="Items", compute="_compute_records")
    reminder_ids = fields.Many2many("chaser.reminder", string="Reminders", compute="_compute_records")
    promise_ids = fields.Many2many("chaser.promise", string="Promises Made", compute="_compute_records")
    dispute_ids = fields.Many2many("chaser.dispute", string="Disputes", compute="_compute_records")
    call_ids = fields.One2many(related="partner_id.chaser_call_ids")

    @api.depends("partner_id", "company_id")
    @api.depends_context("lang")
    def _compute_next_step(self):
        for company, rows in self.grouped("company_id").items():
            partners = rows.partner_id.with_company(company)
            steps = {partner.id: partner.chaser_next_step for partner in partners}
            for row in rows:
                # The list has one line for it; the form shows all.
                row.next_step = (steps.get(row.partner_id.id) or "").replace("\n", " · ") or False

    def _compute_hold_display(self):
        for row in self:
            Hold = self.env["chaser.hold"].sudo()
            held = Hold._read_held(row.company_id, [row.partner_id.id], row.company_id._get_chaser_today())
            stop = held.customers.get(row.partner_id.id)
            row.hold_display = stop and Hold._get_reason_text(stop.reason, stop.params)

    # Without its sources named here, the list would read them in a second pass over all customers.
    @api.depends("promise_kept", "promise_total", "answered_total", "reminder_total")
    @api.depends_context("lang")
    def _compute_displays(self):
        for row in self:
            row.promises_display = self._describe_promises(row.promise_kept, row.promise_total)
            row.answered_display = self._describe_answers(row.answered_total, row.reminder_total)

    def _describe_promises(self, kept, total):
        return self.env._("kept %(kept)s of %(total)s", kept=kept, total=total) if total else False

    def _describe_answers(self, answered, total):
        return self.env._("answered %(answered)s of %(total)s", answered=answered, total=total) if total else False

    def _compute_records(self):
        """Only on the form: one customer at a time."""
        for row in self:
            mine = [("company_id", "=", row.company_id.id), ("partner_id", "=", row.partner_id.id)]
            row.line_ids = self.env["account.move.line"].search([
                ("company_id", "=", row.company_id.id), ("partner_id", "child_of", row.partner_id.id), ("parent_state", "=", "posted"),
                ("account_type", "=", "asset_receivable"), ("reconciled", "=", False), ("amount_residual", ">", 0)], order="date_maturity, id")
            row.reminder_ids = self.env["chaser.reminder"].search(mine + [("state", "in", ("queued", "sending", "sent", "failed"))], limit=40)
            row.promise_ids = self.env["chaser.promise"].search(mine)
            row.dispute_ids = self.env["chaser.dispute"].search(mine)

    # -- actions

    def action_hold(self):
        return self.partner_id._open_chaser_statement("chaser.hold", self.company_id)

    def action_promise(self):
        return self.partner_id._open_chaser_statement("chaser.promise", self.company_id)

    def action_dispute(self):
        return self.partner_id._open_chaser_statement("chaser.dispute", self.company_id)

    def action_call(self):
        """Record a call to this customer, or plan one."""
        self.ensure_one()
        return self.env["chaser.call"].with_company(self.company_id)._open(self.partner_id)
