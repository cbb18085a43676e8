from odoo import api, models


class ChaserReasonMixin(models.AbstractModel):
    _inherit = "chaser.reason.mixin"  # pylint: disable=consider-merging-classes-inherited  # reasons of people and templates

    @api.model
    def _get_whatsapp_person_reasons(self):
        """Why somebody cannot be written to by WhatsApp."""
        # pylint: disable=prefer-env-translation  # this is what _ stands for here
        _ = self.env._
        return {
            "whatsapp_no_number": _(
                "No WhatsApp number. Enter one on the customer's page Chasing."
            ),
            "whatsapp_no_opt_in": _(
                "No consent to messages by WhatsApp. Enter it on the customer's page "
                "Chasing, with its date and words."
            ),
            "whatsapp_opted_out": _("Wants no messages by WhatsApp. %(detail)s"),
            "whatsapp_resting": _(
                "WhatsApp keeps messages from this customer for now, to protect them "
                "from too many; nothing is tried for a day."
            ),
            "whatsapp_blocked": _("The WhatsApp number is blocked. %(detail)s"),
        }

    @api.model
    def _get_whatsapp_choice_reasons(self):
        """Why no template can be used."""
        # pylint: disable=prefer-env-translation  # this is what _ stands for here
        _ = self.env._
        return {
            "whatsapp_no_account": _("No WhatsApp number of the company is connected."),
            "whatsapp_no_template": _(
                "There is no WhatsApp template for this level and language."
            ),
            "whatsapp_not_submitted": _(
                "The WhatsApp template was not submitted to Meta yet."
            ),
            "whatsapp_not_approved": _(
                "Meta has not approved the WhatsApp template yet."
            ),
            "whatsapp_rejected": _("Meta has rejected the WhatsApp template."),
            "whatsapp_paused": _(
                "Meta has paused the WhatsApp template because customers gave it bad "
                "marks."
            ),
            "whatsapp_disabled": _(
                "Meta has disabled the WhatsApp template, or has it no more."
            ),
            "whatsapp_marketing": _(
                "Meta counts the WhatsApp template as marketing, which costs several "
                "times as much. A manager can allow it on the template."
            ),
            "whatsapp_utility_stopped": _(
                "Meta has stopped utility templates of the account: see the mailbox, "
                "under What Meta Says."
            ),
            "whatsapp_differs": _(
                "The text of the WhatsApp template was changed at Meta. Take it over "
                "on the template, or submit ours again."
            ),
        }
