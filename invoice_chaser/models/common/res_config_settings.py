from odoo import api, fields, models

from ...core.letter.documents import pdf
from ...core.mail import domain_lookup
from ...core.mail.oauth import CALLBACK


class ResLang(models.Model):
    _inherit = "res.lang"

    @api.model
    def _get_chaser_arabic_codes(self):
        """Codes of the installed kinds of Arabic, in an order that stays; the first one
        is the one that letters and names are written in."""
        return sorted(
            code
            for code, _name in self.get_installed()
            if code.partition("_")[0] == "ar"
        )

    @api.model
    def _get_chaser_arabic(self):
        """Odoo's code of the Arabic that is written here; False where none is
        installed."""
        return next(iter(self._get_chaser_arabic_codes()), False)

    @api.model
    def _get_chaser_codes(self):
        """Message language → Odoo's code for a name: English for both where there is no
        Arabic."""
        return {"en": "en_US", "ar": self._get_chaser_arabic() or "en_US"}


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    chaser_contact_interval = fields.Integer(
        related="company_id.chaser_contact_interval", readonly=False
    )
    chaser_week_limit = fields.Integer(
        related="company_id.chaser_week_limit", readonly=False
    )
    chaser_currency_id = fields.Many2one(
        related="company_id.currency_id", string="Chaser Currency"
    )
    chaser_minimum_amount = fields.Monetary(
        related="company_id.chaser_minimum_amount",
        readonly=False,
        currency_field="chaser_currency_id",
    )
    chaser_site_contacts = fields.Boolean(
        related="company_id.chaser_site_contacts", readonly=False
    )
    chaser_own_companies = fields.Boolean(
        related="company_id.chaser_own_companies", readonly=False
    )
    chaser_show_payables = fields.Boolean(
        related="company_id.chaser_show_payables", readonly=False
    )
    chaser_dns = fields.Boolean(related="company_id.chaser_dns", readonly=False)
    chaser_has_dns = fields.Boolean(compute="_compute_chaser_has_dns")
    chaser_open_debits = fields.Boolean(
        related="company_id.chaser_open_debits", readonly=False
    )
    chaser_consolidation_min_invoices = fields.Integer(
        related="company_id.chaser_consolidation_min_invoices", readonly=False
    )
    chaser_language = fields.Selection(
        related="company_id.chaser_language", readonly=False, required=True
    )
    chaser_allow_sensitive = fields.Boolean(
        related="company_id.chaser_allow_sensitive", readonly=False
    )
    chaser_tracking = fields.Boolean(
        related="company_id.chaser_tracking", readonly=False
    )
    chaser_max_failures = fields.Integer(
        related="company_id.chaser_max_failures", readonly=False
    )
    chaser_monthly_limit = fields.Integer(
        related="company_id.chaser_monthly_limit", readonly=False
    )
    chaser_provider_mode = fields.Selection(
        related="company_id.chaser_provider_mode", readonly=False, required=True
    )
    chaser_link_days = fields.Integer(
        related="company_id.chaser_link_days", readonly=False
    )
    chaser_policy_id = fields.Many2one(
        related="company_id.chaser_policy_id",
        readonly=False,
        domain="[('company_id', 'in', (False, company_id))]",
    )
    chaser_minutes_per_message = fields.Float(
        related="company_id.chaser_minutes_per_message", readonly=False
    )
    chaser_holdout = fields.Boolean(
        related="company_id.chaser_holdout",
        readonly=False,
        groups="invoice_chaser.group_chaser_manager",
    )
    chaser_holdout_amount = fields.Monetary(
        related="company_id.chaser_holdout_amount",
        readonly=False,
        currency_field="chaser_currency_id",
        groups="invoice_chaser.group_chaser_manager",
    )
    chaser_daily = fields.Boolean(related="company_id.chaser_daily", readonly=False)
    chaser_daily_hour = fields.Float(
        related="company_id.chaser_daily_hour", readonly=False
    )
    chaser_daily_approval = fields.Boolean(
        related="company_id.chaser_daily_approval", readonly=False
    )
    chaser_daily_user_id = fields.Many2one(
        related="company_id.chaser_daily_user_id", readonly=False
    )
    chaser_daily_digest = fields.Boolean(
        related="company_id.chaser_daily_digest", readonly=False
    )
    chaser_arabic_installed = fields.Boolean(compute="_compute_chaser_arabic_installed")
    chaser_key_status = fields.Char(
        "Encryption Key", compute="_compute_chaser_key_status"
    )

    chaser_redirect_uri = fields.Char(
        "Address to Register", compute="_compute_chaser_redirect_uri"
    )
    chaser_google_client_id = fields.Char(
        related="company_id.chaser_google_client_id", readonly=False
    )
    chaser_google_client_secret = fields.Char(
        related="company_id.chaser_google_client_secret", readonly=False
    )
    chaser_has_google_secret = fields.Boolean(
        related="company_id.chaser_has_google_secret"
    )
    chaser_microsoft_client_id = fields.Char(
        related="company_id.chaser_microsoft_client_id", readonly=False
    )
    chaser_microsoft_client_secret = fields.Char(
        related="company_id.chaser_microsoft_client_secret", readonly=False
    )
    chaser_has_microsoft_secret = fields.Boolean(
        related="company_id.chaser_has_microsoft_secret"
    )
    chaser_microsoft_tenant = fields.Char(
        related="company_id.chaser_microsoft_tenant", readonly=False
    )
    chaser_window_enabled = fields.Boolean(
        related="company_id.chaser_window_enabled", readonly=False
    )
    chaser_calendar_id = fields.Many2one(
        related="company_id.chaser_calendar_id", readonly=False
    )
    chaser_window_zone = fields.Selection(
        related="company_id.chaser_window_zone", readonly=False, required=True
    )
    chaser_holiday_user_id = fields.Many2one(
        related="company_id.chaser_holiday_user_id", readonly=False
    )
    chaser_holiday_notice = fields.Integer(
        related="company_id.chaser_holiday_notice", readonly=False
    )
    # attachments, and incoming mail
    chaser_attach_max_count = fields.Integer(
        related="company_id.chaser_attach_max_count", readonly=False
    )
    chaser_attach_max_mb = fields.Integer(
        related="company_id.chaser_attach_max_mb", readonly=False
    )
    chaser_has_pdf_engine = fields.Boolean(compute="_compute_chaser_has_pdf_engine")
    chaser_promise_days = fields.Integer(
        related="company_id.chaser_promise_days", readonly=False
    )
    chaser_bounce_limit = fields.Integer(
        related="company_id.chaser_bounce_limit", readonly=False
    )
    chaser_reply_token = fields.Boolean(
        related="company_id.chaser_reply_token", readonly=False
    )
    chaser_maybe_paid = fields.Boolean(
        related="company_id.chaser_maybe_paid", readonly=False
    )
    chaser_bank_days = fields.Integer(
        related="company_id.chaser_bank_days", readonly=False
    )
    chaser_thanks = fields.Boolean(related="company_id.chaser_thanks", readonly=False)
    chaser_thanks_hours = fields.Integer(
        related="company_id.chaser_thanks_hours", readonly=False
    )
    chaser_thanks_template_id = fields.Many2one(
        related="company_id.chaser_thanks_template_id", readonly=False
    )
    chaser_retention_days = fields.Integer(
        related="company_id.chaser_retention_days", readonly=False
    )

    chaser_mailbox_state = fields.Char(
        "State of the Mailboxes", compute="_compute_chaser_mailbox_state"
    )

    @api.depends("company_id")
    def _compute_chaser_mailbox_state(self):
        for record in self:
            mailboxes = self.env["chaser.provider"].search(
                [("company_id", "=", record.company_id.id)]
            )
            works = mailboxes.filtered(lambda mailbox: mailbox.state == "connected")
            record.chaser_mailbox_state = (
                self.env._(
                    "%(works)s of %(all)s work: %(names)s",
                    works=len(works),
                    all=len(mailboxes),
                    names=", ".join(mailboxes.mapped("name")),
                )
                if mailboxes
                else self.env._("None is set up yet: reminders cannot be sent.")
            )

    @api.onchange("chaser_daily")
    def _onchange_chaser_daily(self):
        """Somebody must be responsible for the campaign of the day: if nobody is set,
        the user who switches it on."""
        if self.chaser_daily and not self.chaser_daily_user_id:
            self.chaser_daily_user_id = self.env.user

    def _compute_chaser_arabic_installed(self):
        self.chaser_arabic_installed = bool(self.env["res.lang"]._get_chaser_arabic())

    def _compute_chaser_key_status(self):
        for record in self:
            record.chaser_key_status = self.env["chaser.provider"]._get_key_status()

    def _compute_chaser_redirect_uri(self):
        for record in self:
            record.chaser_redirect_uri = self.get_base_url().rstrip("/") + CALLBACK

    def action_chaser_reseal(self):
        return self.env["chaser.reseal"].action_reseal()

    def action_chaser_install_arabic(self):
        """Load Odoo's Arabic, so that the Arabic texts of the templates exist. The
        language of no user changes."""
        self.env["base.language.install"].create(
            {
                "lang_ids": [
                    fields.Command.set(
                        self.env["res.lang"]
                        .with_context(active_test=False)
                        .search([("code", "=", "ar_001")])
                        .ids
                    )
                ],
                "overwrite": False,
            }
        ).lang_install()
        return {"type": "ir.actions.client", "tag": "reload"}

    def _compute_chaser_has_pdf_engine(self):
        self.chaser_has_pdf_engine = pdf.is_available()

    def _compute_chaser_has_dns(self):
        self.chaser_has_dns = domain_lookup.is_available()
