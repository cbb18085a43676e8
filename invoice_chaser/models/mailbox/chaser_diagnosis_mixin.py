from odoo import api, fields, models
from odoo.exceptions import UserError

from ...core.mail.diagnosis import PRESETS, Settings, diagnose


class ChaserDiagnosisMixin(models.AbstractModel):
    """What a mailbox's error means and what to change, in the words of whoever reads
    it; and what the common services want, filled in."""

    _name = "chaser.diagnosis.mixin"
    _description = "What a Mailbox's Error Means"

    error_cause = fields.Char(
        "What Went Wrong",
        compute="_compute_error_cause",
        help="The likely cause of the last error.",
    )
    error_fix = fields.Char(
        "What to Change",
        compute="_compute_error_cause",
        help="What usually mends it.",
    )
    smtp_preset = fields.Selection(
        [
            ("google", "Google Workspace"),
            ("gmail", "Gmail (personal)"),
            ("microsoft", "Microsoft 365"),
            ("outlook", "Outlook.com (personal)"),
            ("zoho", "Zoho Mail"),
            ("cpanel", "cPanel (hosting)"),
            ("ses", "Amazon SES"),
            ("own", "Own mail server"),
        ],
        "Service",
        store=False,
        help="Fills in server, port, encryption and pace as the service wants them. "
        "Everything can be changed afterwards.",
    )

    @api.onchange("smtp_preset")
    def _onchange_smtp_preset(self):
        preset = PRESETS.get(self.smtp_preset)
        if not preset:
            return
        domain = (self.email or "").rpartition("@")[2] or "company.ae"
        self.smtp_host = preset.host.format(domain=domain)
        self.smtp_port, self.smtp_encryption = preset.port, preset.encryption
        self.daily_quota, self.per_minute = preset.daily, preset.minute
        if not self.smtp_user and self.smtp_preset != "ses":
            self.smtp_user = self.email

    def action_check_domain(self):
        """A dialog that explains the domain's records."""
        self.ensure_one()
        check = self.env["chaser.domain.check"]._create_by_program(
            {"provider_id": self.id, "company_id": self.company_id.id}
        )
        return self._open_domain_check(check)

    def _open_domain_check(self, check):
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Records of the Domain"),
            "res_model": check._name,
            "res_id": check.id,
            "views": [(False, "form")],
            "target": "new",
        }

    @api.depends(
        "last_error", "smtp_host", "smtp_port", "smtp_encryption", "smtp_user", "kind"
    )
    @api.depends_context("lang")
    def _compute_error_cause(self):
        for provider in self:
            provider.error_cause, provider.error_fix = provider._explain_error(
                provider.last_error
            )

    def _explain_error(self, said):
        """(cause, what to change) of what a service said; where that is nothing known,
        its own words and nothing."""
        code = diagnose(said or "", self._get_diagnosis_settings())
        if code in ("", "other"):
            return said or False, False
        values = {
            "host": self.smtp_host or self.env._("the mail server"),
            "port": self.smtp_port or "",
            "user": self.smtp_user or self.email or "",
            "email": self.email or "",
        }
        cause, fix = self._get_causes()[code]
        # pylint: disable=translation-positional-used  # one table of whole sentences
        return cause % values, fix % values

    def _get_diagnosis_settings(self):
        return Settings(
            self.smtp_host or "",
            self.smtp_port if self.kind == "smtp" else 0,
            self.smtp_encryption or "" if self.kind == "smtp" else "",
            self.smtp_user or "",
        )

    def _get_causes(self):
        """Code of ``core.mail.diagnosis`` → what it means, and what to change."""
        return {
            **self._get_server_causes(),
            **self._get_encryption_causes(),
            **self._get_certificate_causes(),
            **self._get_login_causes(),
            **self._get_sender_causes(),
        }

    def _get_server_causes(self):
        """As ``_get_causes``: on the way to the server."""
        return {
            "host_unknown": (
                self.env._("There is no server by the name “%(host)s”."),
                self.env._(
                    "Check the spelling. The name is in the instructions of your mail "
                    "service, often smtp. or mail. before your domain."
                ),
            ),
            "refused": (
                self.env._("“%(host)s” takes no connections on port %(port)s."),
                self.env._(
                    "Check the port: 587 with STARTTLS, or 465 with TLS. If both are "
                    "refused, the name is that of another server, or a firewall is in "
                    "between."
                ),
            ),
            "no_way": (
                self.env._("This Odoo server has no way to “%(host)s”."),
                self.env._(
                    "Ask whoever runs the Odoo server to let it connect to port "
                    "%(port)s of the mail server."
                ),
            ),
            "slow": (
                self.env._("“%(host)s” did not respond on port %(port)s in time."),
                self.env._(
                    "Usually a firewall or the hosting company blocks the port. Try "
                    "587 with STARTTLS, then 465 with TLS, or ask for port %(port)s "
                    "to be opened."
                ),
            ),
            "closed": (
                self.env._("“%(host)s” closed the connection before it was used."),
                self.env._(
                    "Try again in some minutes. If it stays, check port and "
                    "encryption, or whether the server allows this Odoo server's "
                    "address."
                ),
            ),
        }

    def _get_encryption_causes(self):
        """As ``_get_causes``: how the connection is encrypted."""
        return {
            "tls_expected": (
                self.env._(
                    "Port %(port)s is encrypted from the start, and we began without."
                ),
                self.env._("Set the encryption to TLS, or use port 587 with STARTTLS."),
            ),
            "tls_unexpected": (
                self.env._(
                    "Port %(port)s is not encrypted from the start, and we began so."
                ),
                self.env._("Set the encryption to STARTTLS, or use port 465 with TLS."),
            ),
            "tls_old": (
                self.env._(
                    "“%(host)s” offers only an encryption that is no longer safe."
                ),
                self.env._(
                    "Ask whoever runs the mail server to switch on TLS 1.2 or later."
                ),
            ),
            "starttls_missing": (
                self.env._("“%(host)s” offers no STARTTLS on port %(port)s."),
                self.env._(
                    "Use TLS with port 465. Encryption “None” is only for a server in "
                    "your own network."
                ),
            ),
            "starttls_needed": (
                self.env._("“%(host)s” wants an encrypted connection."),
                self.env._(
                    "Set the encryption to STARTTLS with port 587, or to TLS with port "
                    "465."
                ),
            ),
        }

    def _get_certificate_causes(self):
        """As ``_get_causes``: whether the server is the one that it says."""
        return {
            "certificate_name": (
                self.env._("The certificate that was shown is not for “%(host)s”."),
                self.env._(
                    "Enter the server by the name in its certificate. With a hosting "
                    "company that is often the name of its own server."
                ),
            ),
            "certificate_expired": (
                self.env._("The certificate of “%(host)s” is not valid today."),
                self.env._(
                    "Whoever runs the mail server has to renew it. Check as well that "
                    "the clock of this Odoo server is right."
                ),
            ),
            "certificate_own": (
                self.env._(
                    "Nobody whom this Odoo server knows vouches for “%(host)s”."
                ),
                self.env._(
                    "The mail server needs a certificate of a public authority, or its "
                    "own authority has to be made known to the Odoo server."
                ),
            ),
        }

    def _get_login_causes(self):
        """As ``_get_causes``: who may come in."""
        return {
            "password": (
                self.env._("User or password is wrong."),
                self.env._(
                    "Enter the password again. The user is usually the whole address, "
                    "here %(user)s."
                ),
            ),
            "app_password": (
                self.env._("Google takes no normal password from programs."),
                self.env._(
                    "Choose the kind Gmail and press Connect; or switch on 2-Step "
                    "Verification for %(user)s and enter an app password."
                ),
            ),
            "basic_off": (
                self.env._("Microsoft takes no password for this mailbox."),
                self.env._(
                    "Choose the kind Outlook and press Connect; or an administrator of "
                    "Microsoft 365 switches on Authenticated SMTP for %(user)s."
                ),
            ),
            "login_method": (
                self.env._("“%(host)s” offers no way to log in over this connection."),
                self.env._(
                    "Switch on encryption: most servers take a password only over "
                    "STARTTLS or TLS. If it is on, leave the user empty."
                ),
            ),
            "login_chars": (
                self.env._(
                    "User or password holds characters that this login cannot take."
                ),
                self.env._(
                    "Give the mailbox a password of plain letters, digits and signs."
                ),
            ),
            "login_needed": (
                self.env._("“%(host)s” sends only for who has logged in."),
                self.env._(
                    "Enter user and password; the user is usually the whole address."
                ),
            ),
        }

    def _get_sender_causes(self):
        """As ``_get_causes``: who may send, and how much."""
        return {
            "relay": (
                self.env._("“%(host)s” does not send for this mailbox."),
                self.env._(
                    "Enter user and password, or have the server allow this Odoo "
                    "server's address."
                ),
            ),
            "sender_foreign": (
                self.env._("The user %(user)s may not send as %(email)s."),
                self.env._(
                    "Log in as %(email)s itself, or give %(user)s the right to send as "
                    "that address."
                ),
            ),
            "sender_unproven": (
                self.env._("The service does not know yet that %(email)s is yours."),
                self.env._(
                    "Prove the address or its domain in the service's own settings."
                ),
            ),
            "sender_refused": (
                self.env._("“%(host)s” does not take %(email)s as a sender."),
                self.env._("Check the address. Its domain has to exist and take mail."),
            ),
            "blocked": (
                self.env._("“%(host)s” does not take mail from this Odoo server."),
                self.env._(
                    "The address of the Odoo server is on a list of senders of "
                    "unwanted mail, or has no name. Send through your mail service "
                    "with a login, or have the entry removed."
                ),
            ),
            "limit": (
                self.env._(
                    "The mailbox has sent as much as the service allows for now."
                ),
                self.env._(
                    "Nothing is lost: it goes on by itself. Lower the limits if it "
                    "happens often."
                ),
            ),
            "full": (
                self.env._("The mailbox is full."),
                self.env._("Delete old mail of it, Sent Items included."),
            ),
        }

    def _ensure_original(self):
        """A copy of a database for trials must not send, whatever its mailboxes need.

        :raises UserError: in a database that Odoo has neutralized
        """
        parameters = self.env["ir.config_parameter"].sudo()
        if parameters.get_param("database.is_neutralized") == "true":
            raise UserError(
                self.env._(
                    "“%s” stays switched off: this database is a copy for trials "
                    "(neutralized), which must not send. If it is to send, an "
                    "administrator deletes the system parameter "
                    "database.is_neutralized first.",
                    self[:1].display_name,
                )
            )
