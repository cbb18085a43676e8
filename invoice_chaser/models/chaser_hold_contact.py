from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools import email_normalize, email_normalize_all


class ChaserHold(models.Model):
    """The other contact that a customer proposed: a person decides whether it is written to."""

    _inherit = "chaser.hold"

    proposed_email = fields.Char(readonly=True, copy=False, help="Proposed by the reader of a reminder; nothing is written there by itself.")

    def action_use_proposed_email(self):
        """Write to the proposed address from now on: it replaces the address of the invoice contact that was written to, or becomes the
        customer's invoice contact. Then the hold is released."""
        self.ensure_one()
        self.check_access("write")
        email = email_normalize(self.proposed_email or "")
        if not email or self.released_at:
            raise UserError(self.env._("“%s” proposes no other address, or is released already.", self.display_name))
        written = self.sudo().reminder_id._get_all_recipients() if self.reminder_id else []
        # As superuser: who may decide on holds need not be allowed to change contacts in general.
        Partner = self.env["res.partner"].sudo()
        contacts = Partner.search([("parent_id", "=", self.partner_id.id), ("type", "=", "invoice"), ("email", "!=", False)])
        wrong = contacts.filtered(lambda contact: set(email_normalize_all(contact.email)) & set(written))
        if wrong:
            wrong.write({"email": email})
        elif email not in {found for contact in contacts for found in email_normalize_all(contact.email)}:
            Partner.create({
                "name": email, "email": email, "type": "invoice", "parent_id": self.partner_id.id,
                "company_id": self.partner_id.company_id.id})
        self.partner_id.sudo()._message_log(body=self.env._(
            "Reminders go to %(email)s from now on; decided by %(user)s.", email=email, user=self.env.user.name))
        self.action_release()
