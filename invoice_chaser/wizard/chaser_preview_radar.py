from odoo import api, fields, models


class ChaserPreview(models.TransientModel):
    _inherit = "chaser.preview"

    maybe_paid_count = fields.Integer("Maybe Paid", compute="_compute_maybe_paid_count")

    def _compute_maybe_paid_count(self):
        for preview in self:
            preview.maybe_paid_count = len(preview.held_ids.filtered(lambda held: held.reason_code == "hold_maybe_paid"))

    @api.depends("provider_id")
    def _compute_warning(self):
        result = super()._compute_warning()
        for preview in self:
            missing = preview.company_id._get_missing_bank_data()
            if missing is not None:
                words = self.env._("No recent bank data (the last came in: %s): reminders wait until bank lines are imported.", missing)
                preview.warning = "\n".join(filter(None, (preview.warning, words)))
        return result

    def action_view_maybe_paid(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("invoice_chaser.chaser_maybe_paid_action")
        partners = self.held_ids.filtered(lambda held: held.reason_code == "hold_maybe_paid").partner_id
        return action | {"domain": [("partner_id", "in", partners.ids), ("company_id", "=", self.company_id.id)], "context": {"search_default_open": 1}}
