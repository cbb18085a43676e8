from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import email_normalize

from ...core.mail.connection import ServerSettings
from ...core.mail.errors import PolicyRefused, Unreachable, one_line
from ...core.mail.transports.smtp import SessionTransport, SmtpTransport


class ChaserProvider(models.Model):
    _inherit = "chaser.provider"  # pylint: disable=consider-merging-classes-inherited  # the kinds smtp and odoo

    smtp_host = fields.Char("Server", tracking=True)
    smtp_port = fields.Integer("Port", default=587, tracking=True, aggregator=None)
    smtp_encryption = fields.Selection(
        [("starttls", "STARTTLS"), ("ssl", "TLS"), ("none", "None")],
        "Encryption",
        default="starttls",
        tracking=True,
        help="With STARTTLS and TLS the server's certificate is checked.",
    )
    smtp_user = fields.Char("User", tracking=True)
    smtp_password = fields.Char(
        "Password",
        compute="_compute_smtp_password",
        inverse="_inverse_smtp_password",
        store=False,
        copy=False,
        exportable=False,
        help="Stored encrypted; it cannot be read back.",
    )
    smtp_password_sealed = fields.Char(
        groups=fields.NO_ACCESS, copy=False, exportable=False
    )
    has_smtp_password = fields.Boolean(
        compute="_compute_has_smtp_password", compute_sudo=True
    )
    mail_server_id = fields.Many2one(
        "ir.mail_server",
        "Outgoing Mail Server",
        tracking=True,
        help="Empty: Odoo's default one.",
    )

    def _compute_smtp_password(self):
        self.smtp_password = False

    @api.depends("smtp_password_sealed")
    def _compute_has_smtp_password(self):
        for provider in self:
            provider.has_smtp_password = bool(provider.smtp_password_sealed)

    def _inverse_smtp_password(self):
        for provider in self.filtered("smtp_password"):
            provider._seal("smtp_password_sealed", provider.smtp_password)
            if provider.state == "connected":
                provider._set_state("draft")
        self.invalidate_recordset(["smtp_password"])

    @api.model
    def _get_connection_fields(self):
        return super()._get_connection_fields() | {
            "smtp_host",
            "smtp_port",
            "smtp_encryption",
            "smtp_user",
            "mail_server_id",
        }

    def _prepare_write_effects(self, vals):
        """A password goes to the server it was entered for: with another one it must be
        entered anew."""
        effects = super()._prepare_write_effects(vals)
        if "smtp_host" in vals and not vals.get("smtp_password"):
            moved = self.filtered(
                lambda provider: provider.smtp_host
                and provider.smtp_host != vals["smtp_host"]
            )
            effects.append(lambda: moved._seal("smtp_password_sealed", False))
        return effects

    def action_clear_password(self):
        self.check_access("write")
        self._seal("smtp_password_sealed", False)

    def _get_transport_smtp(self):
        if not self.smtp_host or not self.smtp_port:
            raise UserError(
                self.env._("“%s” names no mail server. Enter host and port.", self.name)
            )
        return SmtpTransport(
            ServerSettings(
                self.smtp_host,
                self.smtp_port,
                self.smtp_encryption or "starttls",
                self.smtp_user or "",
                self._open_secret__("smtp_password_sealed") if self.smtp_user else "",
            )
        )

    def _get_transport_odoo(self):
        return OdooServerTransport(
            self.env, self.mail_server_id, email_normalize(self.email)
        )


class OdooServerTransport(SessionTransport):
    """Sends over an ``ir.mail_server``: its login, its rules for the sender's address,
    our message and our order of steps."""

    def __init__(self, env, server, email_from):
        super().__init__(self._connect_server, email_from)
        self._servers = env["ir.mail_server"].sudo()
        self._server = server.sudo()
        self._email_from = email_from

    def _connect_server(self):
        try:
            session = self._servers._connect__(
                mail_server_id=self._server.id or None, smtp_from=self._email_from
            )
        except UserError as error:
            raise Unreachable(one_line(str(error))) from None
        if session is None:
            raise Unreachable(
                self._servers.env._("Odoo does not send mail in this mode.")
            )
        return session

    def _prepare(self, message, mail):
        try:
            sender, recipients, mail = self._servers._prepare_email_message__(
                mail, self._session
            )
        except AssertionError as error:
            raise PolicyRefused(one_line(str(error))) from None
        return sender, recipients, mail
