from dataclasses import replace

from odoo import api, models

# Kind → further columns that name a person or hold their words.
_MORE = {
    "messages": ("whatsapp_to", "whatsapp_text"),
    "inbound": ("whatsapp_from", "whatsapp_user_id"),
}


class ChaserForget(models.AbstractModel):
    """Numbers and texts of WhatsApp are forgotten with the mails of the same kind. The
    consent itself and the wish to stop stay: without them nobody could say why the
    customer was written to, or would be written to again."""

    _inherit = "chaser.forget"

    @api.model
    def _get_kinds(self):
        kinds = super()._get_kinds()
        return kinds | {
            name: replace(kinds[name], empties=kinds[name].empties + more)
            for name, more in _MORE.items()
        }


class ChaserPerson(models.AbstractModel):
    """What a person is told of their data, with their number and consent."""

    _inherit = "chaser.person"

    @api.model
    def _get_told(self):
        told = super()._get_told()
        return told | {
            "chaser.reminder": told["chaser.reminder"]
            + ("whatsapp_to", "whatsapp_text"),
            "chaser.inbound": told["chaser.inbound"] + ("whatsapp_from",),
            "chaser.whatsapp.person": (
                *("phone_e164", "wa_id", "user_id", "state", "opt_in_date"),
                *("opt_in_source", "opt_in_text", "opt_out_date", "opt_out_text"),
            ),
        }
