from odoo import fields, models

from ...core.client import VERSION

VERSION_PARAMETER = "invoice_chaser_whatsapp.graph_version"


class ResConfigSettings(models.TransientModel):
    """Meta ends each version of its interface about two years after it appeared, so
    that it can be raised without a new release of this addon."""

    _inherit = "res.config.settings"

    chaser_whatsapp_version = fields.Char(
        "Version of Meta's Interface",
        config_parameter=VERSION_PARAMETER,
        default=VERSION,
        help="Of the Graph API, for example v25.0. Meta lists the versions and their "
        "ends at developers.facebook.com/docs/graph-api/changelog.",
    )

    def set_values(self):
        """What is no version would make each request fail."""
        for settings in self:
            settings.env["chaser.provider"]._check_whatsapp_version(
                settings.chaser_whatsapp_version or VERSION
            )
        return super().set_values()
