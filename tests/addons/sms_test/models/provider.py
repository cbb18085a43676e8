from odoo import api, fields, models
from odoo.exceptions import UserError

from ..transport import GatewayTransport


class Provider(models.Model):
    _inherit = "chaser.provider"

    kind = fields.Selection(
        selection_add=[("sms_test", "Short Messages")],
        ondelete={"sms_test": "set default"},
    )
    sms_test_url = fields.Char("Gateway", groups="invoice_chaser.group_chaser_manager")
    sms_test_key = fields.Char(
        "Key",
        compute="_compute_sms_test_key",
        inverse="_inverse_sms_test_key",
        groups="invoice_chaser.group_chaser_manager",
    )
    sms_test_key_sealed = fields.Char(groups=fields.NO_ACCESS, copy=False)

    def _compute_sms_test_key(self):
        self.sms_test_key = False

    def _inverse_sms_test_key(self):
        for provider in self.filtered("sms_test_key"):
            provider._seal("sms_test_key_sealed", provider.sms_test_key)
            if provider.state == "connected":
                provider._set_state("draft")
        self.invalidate_recordset(["sms_test_key"])

    @api.model
    def _get_connection_fields(self):
        return super()._get_connection_fields() | {"sms_test_url"}

    def _get_transport_sms_test__(self):
        if not self.sms_test_url or not self.sms_test_key_sealed:
            raise UserError(
                self.env._("“%s” needs the gateway's address and key.", self.name)
            )
        return GatewayTransport(
            self.sms_test_url, self._open_secret__("sms_test_key_sealed")
        )
