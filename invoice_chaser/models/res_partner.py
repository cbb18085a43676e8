from odoo import fields, models
from odoo.tools import email_normalize_all


class ResPartner(models.Model):
    _inherit = "res.partner"

    # What one company agreed with a customer is not the other company's business: these depend on the company.
    preferred_contact_interval = fields.Integer(
        "Days Between Contacts", company_dependent=True, help="0: the company's setting."
    )
    chaser_paused_until = fields.Date("Reminders Paused Until", company_dependent=True)
    chaser_pause_reason = fields.Char("Reason for the Pause", company_dependent=True)
    consolidation_preference = fields.Selection(
        [("auto", "Automatic"), ("enabled", "Always one message"), ("disabled", "One message per invoice")],
        "Consolidation", company_dependent=True, help="Automatic: one message from the company's number of items.",
    )
    max_consolidation_amount = fields.Float(
        "Consolidate up to", company_dependent=True, digits="Account",
        help="In the company's currency: above it, the automatic choice sends one message per invoice. 0: no limit.",
    )
    chaser_language = fields.Selection(
        [("en", "English"), ("ar", "Arabic"), ("both", "Arabic and English")], "Reminder Language",
        help="Empty: Arabic where the contact's language is Arabic, English where it is a third one, else the company's setting.",
    )
    chaser_escalation_partner_id = fields.Many2one("res.partner", "Escalation Contact", help="Gets a copy from the levels that say so.")
    chaser_marketing_consent = fields.Boolean("Marketing Consent", help="Not used for payment reminders, which rest on the contract.")
    chaser_reminder_count = fields.Integer(compute="_compute_chaser_reminder_count", groups="invoice_chaser.group_chaser_user")

    def _compute_chaser_reminder_count(self):
        rows = self.env["chaser.reminder"]._read_group([("partner_id", "in", self.commercial_partner_id.ids)], ["partner_id"], ["__count"])
        counts = {partner.id: count for partner, count in rows}
        for partner in self:
            partner.chaser_reminder_count = counts.get(partner.commercial_partner_id.id, 0)

    def action_chase(self):
        """Preview of a campaign for everything overdue of these customers in the current company."""
        return self.env["account.move"]._get_overdue_invoices(self, self.env.company).action_chase()

    def action_view_chaser_reminders(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("invoice_chaser.chaser_reminder_action")
        return action | {"domain": [("partner_id", "=", self.commercial_partner_id.id)], "context": {}}

    def _get_chaser_emails(self):
        """Usable addresses by commercial partner id, best first: its invoice contacts, then its own field.

        A field may hold several addresses and display names; each usable one counts.
        """
        contacts = self.env["res.partner"].search_fetch(
            [("commercial_partner_id", "in", self.ids), ("type", "=", "invoice"), ("email", "!=", False)], ["email", "commercial_partner_id"]
        )
        emails = {partner.id: [] for partner in self}
        for contact in contacts - self:
            emails[contact.commercial_partner_id.id].extend(email_normalize_all(contact.email))
        for partner in self:
            if not emails[partner.id]:
                emails[partner.id] = email_normalize_all(partner.email or "")
        return {partner_id: list(dict.fromkeys(found)) for partner_id, found in emails.items()}
