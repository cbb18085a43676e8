import time

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import config, email_normalize

from ...core.mail.connection import ServerSettings
from ...core.mail.errors import PolicyRefused, Unreachable, one_line
from ...core.mail.transports.smtp import SessionTransport, SmtpTransport
from ..common.chaser_secret_mixin import secret_fields

# What a password belongs to.
_SERVER = frozenset(("smtp_host", "smtp_port", "smtp_encryption"))
# Seconds: what RFC 5321 §4.5.3.2.6 asks for, and what writing down the outcome needs.
_RFC_PATIENCE, _RESERVE, _TIMEOUT = 600, 15, 30


class ChaserSmtpMixin(models.AbstractModel):
    """The server of a mailbox of the kinds ``smtp`` (its own) and ``odoo`` (one that
    Odoo knows)."""

    _name = "chaser.smtp.mixin"
    _description = "SMTP Server of a Mailbox"
    _inherit = ["chaser.secret.mixin"]

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
    smtp_password, smtp_password_sealed, has_smtp_password = secret_fields(
        "smtp_password",
        "Password",
        told_by="has_smtp_password",
        strip=False,
        entered="_prove_anew",
        help="Stored encrypted; it cannot be read back.",
    )
    mail_server_id = fields.Many2one(
        "ir.mail_server",
        "Outgoing Mail Server",
        tracking=True,
        help="Empty: Odoo's default one.",
    )

    def _prove_anew(self):
        """Another password: the connection is unproven."""
        if self.state == "connected":
            self._set_state("draft")

    @api.model
    def _get_smtp_fields(self):
        """Fields of the connection."""
        return {
            "smtp_host",
            "smtp_port",
            "smtp_encryption",
            "smtp_user",
            "mail_server_id",
        }

    def _prepare_smtp_effects(self, vals):
        """A password goes to the server it was entered for: with another host, port or
        encryption it must be entered again."""
        if vals.get("smtp_password"):
            return []
        moved = self.filtered("smtp_host")._filter_moved(vals, _SERVER)
        return [lambda: moved._seal("smtp_password_sealed", False)] if moved else []

    def _filter_moved(self, vals, names):
        """Those whose fields of these names are to change."""
        return self.filtered(
            lambda provider: any(
                name in vals and (provider[name] or False) != (vals[name] or False)
                for name in names
            )
        )

    def action_clear_password(self):
        self._forget_secret("smtp_password_sealed")

    def _get_transport_smtp__(self):
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
                timeout=self.env.context.get("chaser_timeout") or _TIMEOUT,
            ),
            make_patience(),
        )

    def _get_transport_odoo__(self):
        return OdooServerTransport(
            self.env, self.mail_server_id, email_normalize(self.email)
        )

    def _get_connection_account_smtp(self):
        return f"smtp:{self.smtp_host}:{self.smtp_port}:{self.smtp_user or self.email}"

    def _get_connection_account_odoo(self):
        return f"odoo:{self.mail_server_id.id or 0}"


def make_patience():
    """How many seconds the answer to a message may still take. RFC 5321 asks for ten
    minutes, but Odoo ends a process whose job lasts longer than its own limit
    (``limit_time_real_cron``, else ``limit_time_real``; 0: none), and what became of
    the message would be lost with it. Counted from now, where a run begins."""
    limit = config["limit_time_real_cron"]
    # 0 means no limit to Odoo's worker processes, and nothing to its threads.
    if limit < 0 or not (limit or config["workers"]):
        limit = config["limit_time_real"]
    if not limit:
        return lambda: _RFC_PATIENCE
    until = time.monotonic() + limit - _RESERVE
    return lambda: min(_RFC_PATIENCE, until - time.monotonic())


class OdooServerTransport(SessionTransport):
    """Sends over an ``ir.mail_server``: its login, its rules for the sender's address,
    our message and our order of steps."""

    def __init__(self, env, server, email_from):
        super().__init__(self._connect_server, email_from, make_patience())
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
