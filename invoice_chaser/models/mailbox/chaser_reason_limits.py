from odoo import api, models


class ChaserReasonMixin(models.AbstractModel):
    _inherit = "chaser.reason.mixin"

    @api.model
    def _get_reasons(self):
        # pylint: disable=prefer-env-translation  # this is what _ stands for here
        _ = self.env._
        return super()._get_reasons() | {
            "limit_pace": _("The mailbox rests between two batches; goes on at %(until)s."),
            "limit_connections": _("Another mailbox uses the same account right now; goes on at %(until)s."),
            "limit_service_day": _("The mail service's own daily limit is reached; goes on at %(until)s. It said: %(detail)s"),
            "limit_service_connections": _("The mail service has too many connections of this mailbox; goes on at %(until)s. It said: %(detail)s"),
            "mailbox_full": _(
                "The sending mailbox itself is full: empty its Sent Items or Deleted Items. Next try at %(until)s. The mail service said: %(detail)s"),
            "provider_closed": _("The mailbox is not connected: a manager tests it, or the message is moved to another mailbox. %(detail)s"),
        }
