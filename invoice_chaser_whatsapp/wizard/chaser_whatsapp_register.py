from odoo import fields, models

from odoo.addons.invoice_chaser.models.common.chaser_secret_mixin import secret_fields


class ChaserWhatsappRegister(models.TransientModel):
    """Asks for the PIN with which Meta registers a number. It is forgotten at once."""

    _name = "chaser.whatsapp.register"
    _description = "Register a WhatsApp Number"
    _inherit = ["chaser.secret.mixin", "chaser.company.mixin"]

    provider_id = fields.Many2one(
        "chaser.provider", "Mailbox", required=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="provider_id.company_id", store=True)
    pin, pin_sealed, has_pin = secret_fields(
        "pin",
        "PIN",
        told_by="has_pin",
        help="Six digits: of the number's two-step verification. Where it has none "
        "yet, these become it; keep them.",
    )

    def action_register(self):
        self.ensure_one()
        pin, provider = self._open_secret__("pin_sealed"), self.provider_id
        self.unlink()
        return provider.action_whatsapp_register(pin)

    def _describe_no_secret(self, field_name):
        return self.env._("The PIN has six digits.")

    def _get_mailbox(self):
        return self.provider_id
