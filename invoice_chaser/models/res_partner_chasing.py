from odoo import api, fields, models


class ResPartner(models.Model):
    """The *Chasing* tab of a customer: what holds him, what he promised, how he answers, what he got. Of the current company."""

    _inherit = "res.partner"

    chaser_hold_display = fields.Char("On Hold", compute="_compute_chaser_hold_display", groups="invoice_chaser.group_chaser_user")
    chaser_priority = fields.Integer("Priority", compute="_compute_chaser_figures", groups="invoice_chaser.group_chaser_user")
    chaser_amount_overdue = fields.Monetary(
        "Overdue", compute="_compute_chaser_figures", currency_field="currency_id", groups="invoice_chaser.group_chaser_user",
        help="In the company's currency, open credits taken off.")
    chaser_answers_display = fields.Char("Answers", compute="_compute_chaser_figures", groups="invoice_chaser.group_chaser_user")
    chaser_history_ids = fields.Many2many(
        "chaser.reminder", string="History", compute="_compute_chaser_history_ids", groups="invoice_chaser.group_chaser_user")

    @api.depends_context("company", "lang")
    def _compute_chaser_hold_display(self):
        Hold, company = self.env["chaser.hold"].sudo(), self.env.company
        held = Hold._read_held(company, self.commercial_partner_id.ids, company._get_chaser_today()) if self.ids else None
        for partner in self:
            stop = held and held.customers.get(partner.commercial_partner_id.id)
            partner.chaser_hold_display = stop and Hold._get_reason_text(stop.reason, stop.params)

    @api.depends_context("company", "lang")
    def _compute_chaser_figures(self):
        """From the worklist where something is overdue; the record of promises and answers also without."""
        Worklist, company = self.env["chaser.worklist"].sudo(), self.env.company
        ids = self.commercial_partner_id.ids
        rows = {row["partner_id"]: row for row in Worklist._read_rows(company, ids)} if ids else {}
        records = Worklist._read_records(company, ids) if ids else {}
        for partner in self:
            own = partner.commercial_partner_id.id
            row, record = rows.get(own, {}), records.get(own)
            partner.chaser_priority = row.get("priority", 0)
            partner.chaser_amount_overdue = row.get("amount_due", 0)
            partner.chaser_answers_display = record and Worklist._describe_answers(record.reminders_answered, record.reminders)

    @api.depends_context("company")
    def _compute_chaser_history_ids(self):
        for partner in self:
            partner.chaser_history_ids = self.env["chaser.reminder"].search([
                ("company_id", "=", self.env.company.id), ("partner_id", "=", partner.commercial_partner_id._origin.id),
                ("state", "in", ("queued", "sending", "sent", "failed"))], limit=20)
