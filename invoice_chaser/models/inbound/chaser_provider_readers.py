from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import email_normalize

from ...core.mail.connection import ServerSettings
from ...core.mail.oauth import API
from ...core.mail.readers.gmail import GmailReader
from ...core.mail.readers.graph import GraphReader
from ...core.mail.readers.imap import ImapReader


class ChaserProvider(models.Model):
    """The ways to read a mailbox, and their settings."""

    _inherit = "chaser.provider"

    imap_host = fields.Char("IMAP Server", tracking=True)
    imap_port = fields.Integer("IMAP Port", default=993, tracking=True, aggregator=None)
    imap_encryption = fields.Selection(
        [("ssl", "TLS"), ("starttls", "STARTTLS"), ("none", "None")], "IMAP Encryption", default="ssl", tracking=True,
        help="With STARTTLS and TLS the server's certificate is checked.",
    )
    imap_login = fields.Selection(
        [("smtp", "As for sending"), ("own", "Own user and password"), ("oauth", "Consent of this mailbox (XOAUTH2)")],
        "IMAP Login", default="smtp", required=True, tracking=True,
    )
    imap_user = fields.Char("IMAP User", tracking=True)
    imap_password = fields.Char(
        "IMAP Password", compute="_compute_imap_password", inverse="_inverse_imap_password", store=False, copy=False, exportable=False,
        help="Stored encrypted; it cannot be read back.",
    )
    imap_password_sealed = fields.Char(groups=fields.NO_ACCESS, copy=False, exportable=False)
    has_imap_password = fields.Boolean(compute="_compute_has_imap_password", compute_sudo=True)

    def _compute_imap_password(self):
        self.imap_password = False

    @api.depends("imap_password_sealed")
    def _compute_has_imap_password(self):
        for provider in self:
            provider.has_imap_password = bool(provider.imap_password_sealed)

    def _inverse_imap_password(self):
        for provider in self.filtered("imap_password"):
            provider._seal("imap_password_sealed", provider.imap_password)
        self.invalidate_recordset(["imap_password"])

    @api.constrains("imap_login", "read_method", "kind")
    def _check_imap_login(self):
        for provider in self:
            if provider.read_method == "imap" and provider.imap_login == "oauth" and not provider.is_oauth:
                raise ValidationError(self.env._("“%s” has no consent to read with. Choose a user and a password.", provider.name))

    @api.model
    def _get_consent_fields(self):
        return super()._get_consent_fields() | {"read_method", "imap_login"}

    def write(self, vals):
        """A password goes to the server it was entered for: with another one it must be entered, or tested, anew."""
        moved = self.browse()
        if "imap_host" in vals:
            moved = self.filtered(lambda provider: provider.imap_host and provider.imap_host != vals["imap_host"])
        result = super().write(vals)
        if moved:
            moved.sudo().write({"read_database": False})
            if not vals.get("imap_password"):
                moved._seal("imap_password_sealed", False)
        return result

    def action_clear_imap_password(self):
        self.check_access("write")
        self._seal("imap_password_sealed", False)

    def _get_read_place(self):
        place = super()._get_read_place()
        return f"{place}|{self.imap_host}|{self._get_imap_user()}" if self.read_method == "imap" else place

    def _get_imap_user(self):
        users = {"smtp": self.smtp_user, "own": self.imap_user}
        return users.get(self.imap_login) or email_normalize(self.email or "")

    # -- adapters

    def _get_reader_none(self):
        raise UserError(self.env._("Choose first how “%s” is read.", self.name))

    def _get_reader_imap(self):
        if not self.imap_host or not self.imap_port:
            raise UserError(self.env._("“%s” names no IMAP server. Enter host and port.", self.name))
        password, get_token = "", None
        if self.imap_login == "oauth":
            get_token = self._get_reading_token__(getattr(self, f"_get_imap_resource_{self.kind}")())
        else:
            password = self._open_secret__("smtp_password_sealed" if self.imap_login == "smtp" else "imap_password_sealed")
        server = ServerSettings(self.imap_host, self.imap_port, self.imap_encryption or "ssl", self._get_imap_user(), password)
        return ImapReader(server, self.read_folder or "INBOX", get_token)

    def _reads_imap_by_consent(self):
        """Whether the consent must cover IMAP. A kind whose service offers that defines ``_get_imap_resource_<kind>``: which token opens it."""
        return self.read_method == "imap" and self.imap_login == "oauth" and self.oauth_access == "send_read"

    def _get_reader_gmail(self):
        return GmailReader(self.read_folder or "INBOX", self._get_reading_token__(), self._get_detour())

    def _get_reader_graph(self):
        folder = self.read_folder or "inbox"
        return GraphReader(folder.lower() if folder.upper() == "INBOX" else folder, self._get_reading_token__(), self._get_detour())

    def _get_reading_token__(self, resource=API):
        """What gives a reader its tokens.

        :raises UserError: when the consent does not cover reading
        """
        if not self._can_read_mailbox():
            raise UserError(self.env._(
                "The consent of “%s” does not cover reading. Set Rights to “Send and read answers”, save, and press Connect again.", self.name))
        return lambda rejected: self._get_access_token__(resource, rejected)
