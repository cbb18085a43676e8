from odoo import api, fields, models
from odoo.exceptions import UserError


class AccountMove(models.Model):
    _inherit = "account.move"

    chaser_reminder_count = fields.Integer(compute="_compute_chaser_reminder_count", groups="invoice_chaser.group_chaser_user")

    def _compute_chaser_reminder_count(self):
        rows = self.env["chaser.reminder.line"]._read_group(
            [("move_id", "in", self.ids), ("reminder_id.state", "!=", "cancelled")], ["move_id"], ["reminder_id:count_distinct"]
        )
        counts = {move.id: count for move, count in rows}
        for move in self:
            move.chaser_reminder_count = counts.get(move.id, 0)

    def action_chase(self):
        """Opens the preview of a campaign for these invoices: who gets what, who does not and why.

        :raises UserError: when none of them can be chased, with the reasons
        """
        return self.env["chaser.preview"]._open_for_invoices(self)

    def action_view_chaser_reminders(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("invoice_chaser.chaser_reminder_action")
        return action | {"domain": [("line_ids.move_id", "=", self.id)], "context": {}}

    @api.model
    def _get_overdue_invoices(self, partners, company):
        """Invoices of these customers (commercial partners) in a company with something overdue, as the user may see them."""
        lines = self.env["account.move.line"].search([
            ("company_id", "=", company.id), ("parent_state", "=", "posted"), ("account_id.account_type", "=", "asset_receivable"),
            ("move_id.move_type", "in", ("out_invoice", "out_receipt")), ("reconciled", "=", False),
            ("partner_id", "child_of", partners.commercial_partner_id.ids), ("date_maturity", "<", company._get_chaser_today()),
        ])
        if not lines:
            raise UserError(self.env._("Nothing is overdue for %s.", ", ".join(partners.mapped("display_name")[:5])))
        return lines.move_id
