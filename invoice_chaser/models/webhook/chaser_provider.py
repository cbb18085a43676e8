from odoo import api, fields, models

from ...core.mail.webhooks import SERVICES
from ...core.status.tracking import new_token
from ..common.chaser_secret_mixin import secret_fields


class ChaserProvider(models.Model):
    """Reports of the mail service behind an SMTP mailbox: their address, and what
    proves that they come from the service."""

    _inherit = "chaser.provider"  # pylint: disable=consider-merging-classes-inherited  # reports of the mail service

    webhook_service = fields.Selection(
        lambda self: [(one.name, one.label) for one in SERVICES.values()],
        "Mail Service",
        tracking=True,
        copy=False,
        help="The service that reports deliveries, bounces and complaints of this "
        "mailbox's messages.",
    )
    webhook_token = fields.Char(
        compute="_compute_webhook_token",
        store=True,
        groups=fields.NO_ACCESS,
        copy=False,
        exportable=False,
    )
    webhook_url = fields.Char(
        "Address to Enter There",
        compute="_compute_webhook_url",
        compute_sudo=True,
        groups="invoice_chaser.group_chaser_manager",
    )
    webhook_secret, webhook_secret_sealed, has_webhook_secret = secret_fields(
        "webhook_secret",
        "Proof",
        told_by="has_webhook_secret",
        help="What proves that a report is the service's. Stored encrypted; it cannot "
        "be read back.",
    )
    webhook_hint = fields.Char("What to Enter", compute="_compute_webhook_hint")
    webhook_count = fields.Integer(
        "Reports",
        compute="_compute_webhook_count",
        groups="invoice_chaser.group_chaser_manager",
    )

    _webhook_token_uniq = models.UniqueIndex(
        "(webhook_token) WHERE webhook_token IS NOT NULL"
    )

    @api.depends("webhook_service")
    def _compute_webhook_token(self):
        """Kept when the service changes, so that an address that was entered at a
        service stays valid."""
        for provider in self:
            provider.webhook_token = provider.webhook_token or (
                new_token() if provider.webhook_service else False
            )

    @api.depends("webhook_service", "webhook_token")
    def _compute_webhook_url(self):
        for provider in self:
            service, token = provider.webhook_service, provider.webhook_token
            provider.webhook_url = (
                f"{provider.get_base_url()}/chaser/webhook/{service}/{token}"
                if service and token
                else False
            )

    @api.depends("webhook_service")
    @api.depends_context("lang")
    def _compute_webhook_hint(self):
        for provider in self:
            service = SERVICES.get(provider.webhook_service)
            # The sentence stands in the service's own module, marked for translation.
            provider.webhook_hint = service and self.env._(service.hint)

    def _compute_webhook_count(self):
        rows = self.env["chaser.webhook.event"]._read_group(
            [("provider_id", "in", self.ids)], ["provider_id"], ["__count"]
        )
        counts = {provider.id: count for provider, count in rows}
        for provider in self:
            provider.webhook_count = counts.get(provider.id, 0)

    def _prepare_write_effects(self, vals):
        """Another service needs another secret: the old one is deleted."""
        effects = super()._prepare_write_effects(vals)
        if "webhook_service" in vals and not vals.get("webhook_secret"):
            changed = self.filtered(
                lambda provider: provider.webhook_service != vals["webhook_service"]
            )
            effects.append(lambda: changed._seal("webhook_secret_sealed", False))
        return effects

    # -- actions

    def action_new_webhook_address(self):
        """A new address; requests to the old one are refused from now on."""
        self.check_access("write")
        for provider in self.sudo():
            provider.webhook_token = new_token()

    def action_clear_webhook_secret(self):
        self._forget_secret("webhook_secret_sealed")

    def action_view_webhook_events(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "invoice_chaser.chaser_webhook_event_action"
        )
        return action | {"domain": [("provider_id", "=", self.id)], "context": {}}
