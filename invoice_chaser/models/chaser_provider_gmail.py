from odoo import fields, models
from odoo.tools import email_normalize

from ..core import oauth_google
from ..core.oauth import API
from ..core.transports.gmail import GmailTransport


class ChaserProvider(models.Model):
    _inherit = "chaser.provider"

    kind = fields.Selection(selection_add=[("gmail", "Gmail / Google Workspace")], ondelete={"gmail": "set default"})

    def _get_oauth_service_gmail__(self):
        return oauth_google.GoogleService(self.company_id._get_chaser_app__("google"), detour=self._get_detour())

    def _get_oauth_scopes_gmail(self):
        if self._reads_imap_by_consent():
            return [*oauth_google.IDENTITY, oauth_google.ALL_MAIL]
        read = (oauth_google.READ,) if self.oauth_access == "send_read" else ()
        return [*oauth_google.IDENTITY, oauth_google.SEND, *read]

    def _get_imap_resource_gmail(self):
        return API

    def _get_sent_box_gmail(self):
        return self._get_transport_gmail() if self._can_read_mailbox() else None

    def _get_transport_gmail(self):
        self._check_granted()
        return GmailTransport(
            email_normalize(self.email), lambda rejected: self._get_access_token__(rejected=rejected),
            can_read=self._can_read_mailbox(), detour=self._get_detour())
