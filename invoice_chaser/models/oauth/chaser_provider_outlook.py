from odoo import api, fields, models
from odoo.tools import email_normalize

from ...core.mail import oauth_microsoft as microsoft
from ...core.mail.transports import outlook


class ChaserProvider(models.Model):
    _inherit = "chaser.provider"

    kind = fields.Selection(selection_add=[("outlook", "Outlook / Microsoft 365")], ondelete={"outlook": "set default"})
    outlook_way = fields.Selection(
        [("graph", "Microsoft Graph"), ("smtp", "SMTP with a token")], "Way Out", default="graph", required=True, tracking=True,
        help="Graph is the better choice. SMTP is for tenants that allow no Graph mail; it must be switched on for the mailbox there.",
    )

    @api.model
    def _get_consent_fields(self):
        return super()._get_consent_fields() | {"outlook_way"}

    @api.model
    def _get_connection_fields(self):
        return super()._get_connection_fields() | {"outlook_way"}

    def _get_oauth_service_outlook__(self):
        return microsoft.MicrosoftService(self.company_id._get_chaser_app__("microsoft"), detour=self._get_detour())

    def _get_oauth_scopes_outlook(self):
        reads, by_smtp = self.oauth_access == "send_read", self.outlook_way == "smtp"
        return [
            *microsoft.IDENTITY, *([] if by_smtp else [microsoft.SEND]),
            *([microsoft.READ if by_smtp else microsoft.READ_WRITE] if reads else []),
            *([microsoft.SMTP_SEND] if by_smtp else []), *([microsoft.IMAP_ALL] if self._reads_imap_by_consent() else [])]

    def _get_imap_resource_outlook(self):
        return microsoft.OFFICE

    def _get_sent_box_outlook(self):
        # SMTP has no way to look: Graph does it for both.
        return self._get_outlook_graph() if self._can_read_mailbox() else None

    def _get_transport_outlook(self):
        self._check_granted()
        return self._get_outlook_smtp() if self.outlook_way == "smtp" else self._get_outlook_graph()

    def _get_outlook_graph(self):
        return outlook.OutlookTransport(
            email_normalize(self.email), lambda rejected: self._get_access_token__(rejected=rejected),
            can_read=self._can_read_mailbox(), detour=self._get_detour())

    def _get_outlook_smtp(self):
        return outlook.OutlookSmtpTransport(email_normalize(self.email), lambda rejected: self._get_access_token__(microsoft.OFFICE, rejected))
