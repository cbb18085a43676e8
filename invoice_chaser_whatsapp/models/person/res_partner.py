from odoo import api, fields, models


class ResPartner(models.Model):
    _inherit = "res.partner"

    chaser_whatsapp_ids = fields.One2many(
        "chaser.whatsapp.person",
        "partner_id",
        "WhatsApp Numbers",
        groups="invoice_chaser.group_chaser_user",
    )
    chaser_whatsapp_state = fields.Char(
        "By WhatsApp",
        compute="_compute_chaser_whatsapp_state",
        groups="invoice_chaser.group_chaser_user",
        help="Whether your company may write to them by WhatsApp, and why not.",
    )

    @api.depends("chaser_whatsapp_ids.state", "chaser_whatsapp_ids.company_id")
    @api.depends_context("company", "lang")
    def _compute_chaser_whatsapp_state(self):
        """For a contact: of the customer that it belongs to."""
        company = self.env.company
        customers = self.commercial_partner_id
        found = self.env["chaser.whatsapp.person"]._read_reachable(company, customers)
        reasons = self.env["chaser.reason.mixin"]
        for partner in self:
            person, reason = found.get(
                partner.commercial_partner_id.id, (None, "whatsapp_no_number")
            )
            partner.chaser_whatsapp_state = (
                person._get_address()
                if person
                else reasons._get_reason_text(reason, {"detail": company.name})
            )

    def action_chaser_whatsapp_opt_in(self):
        """Enter the consent of these customers to messages by WhatsApp."""
        self.check_access("read")
        return self.env["chaser.whatsapp.opt.in"]._open(self, self.env.company)
