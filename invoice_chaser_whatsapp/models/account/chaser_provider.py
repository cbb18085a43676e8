import logging
import re
from dataclasses import replace
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from odoo.addons.invoice_chaser.core.mail.http import detoured
from odoo.addons.invoice_chaser.core.status.tracking import new_token
from odoo.addons.invoice_chaser.models.common.chaser_secret_mixin import secret_fields

from ...core.client import GRAPH_URL, VERSION, Client
from ...core.errors import Action, ConnectFailed, GraphError
from ...core.health import Finding, confirm, explain, is_well, read_facts
from ..common.res_config_settings import VERSION_PARAMETER
from .transport import WhatsappTransport

_logger = logging.getLogger(__name__)
_ID = re.compile(r"\d{5,25}")
_PIN = re.compile(r"\d{6}")
# Before a line of what Meta says: what is to be done, and what is in order.
_MARKS = {False: "⚠", True: "✓"}
# What Meta lets a new number send until it says otherwise (TIER_250).
_FIRST_LIMIT = 250
# While a mailbox sends, quality and limits are read anew when they are older.
_FRESH = timedelta(hours=1)
_SECRETS = {
    "whatsapp_token_sealed": "whatsapp_token",
    "whatsapp_app_secret_sealed": "whatsapp_app_secret",
    "whatsapp_verify_token_sealed": "whatsapp_verify_token",
}


class ChaserProvider(models.Model):
    """A number of the WhatsApp Business Cloud API, as a kind of mailbox: what connects
    it, what Meta says of it, and how much it may send."""

    _inherit = "chaser.provider"

    kind = fields.Selection(
        selection_add=[("whatsapp", "WhatsApp")],
        ondelete={"whatsapp": lambda rows: rows._forget_whatsapp()},
    )
    whatsapp_waba_id = fields.Char(
        "WhatsApp Business Account ID",
        tracking=True,
        copy=False,
        help="In the WhatsApp Manager under Account tools ▸ Phone numbers, or in the "
        "app under WhatsApp ▸ API Setup.",
    )
    whatsapp_phone_id = fields.Char(
        "Phone Number ID",
        tracking=True,
        copy=False,
        help="Meta's own id of the number, not the number itself.",
    )
    whatsapp_app_id = fields.Char("App ID", tracking=True, copy=False)
    whatsapp_token, whatsapp_token_sealed, has_whatsapp_token = secret_fields(
        "whatsapp_token",
        "Token",
        told_by="has_whatsapp_token",
        entered="_note_whatsapp_secret",
        help="The permanent token of the system user. Stored encrypted; it cannot be "
        "read back.",
    )
    whatsapp_app_secret, whatsapp_app_secret_sealed, has_whatsapp_app_secret = (
        secret_fields(
            "whatsapp_app_secret",
            "App Secret",
            told_by="has_whatsapp_app_secret",
            help="Proves that a report is Meta's. In the app under App settings ▸ "
            "Basic. Stored encrypted; it cannot be read back.",
        )
    )
    whatsapp_verify_token, whatsapp_verify_token_sealed, has_whatsapp_verify_token = (
        secret_fields(
            "whatsapp_verify_token",
            "Verify Token",
            told_by="has_whatsapp_verify_token",
            help="Any words of yours; enter the same ones at Meta. Stored encrypted; "
            "it cannot be read back.",
        )
    )
    whatsapp_callback_url = fields.Char(
        "Callback URL",
        compute="_compute_whatsapp_callback_url",
        compute_sudo=True,
        groups="invoice_chaser.group_chaser_manager",
        help="Enter it at Meta, in the app under WhatsApp ▸ Configuration.",
    )
    whatsapp_number = fields.Char("Number", readonly=True, copy=False, tracking=True)
    whatsapp_display_name = fields.Char("Name at Meta", readonly=True, copy=False)
    whatsapp_number_status = fields.Char("Status at Meta", readonly=True, copy=False)
    whatsapp_quality = fields.Selection(
        [("green", "High"), ("yellow", "Medium"), ("red", "Low")],
        "Quality",
        readonly=True,
        copy=False,
        tracking=True,
        help="How customers rated the number's messages in the last days.",
    )
    whatsapp_limit_known = fields.Boolean(readonly=True, copy=False)
    whatsapp_limit = fields.Integer(
        "Limit of the Portfolio",
        readonly=True,
        copy=False,
        tracking=True,
        aggregator=None,
        help="How many people all numbers of the business portfolio may write to in 24 "
        "hours. 0: no limit.",
    )
    whatsapp_portfolio_id = fields.Char(
        "Business Portfolio", readonly=True, copy=False, index="btree_not_null"
    )
    whatsapp_polled_at = fields.Datetime("Read at Meta", readonly=True, copy=False)
    whatsapp_findings = fields.Json(readonly=True, copy=False)
    whatsapp_report = fields.Text("What Meta Says", compute="_compute_whatsapp_report")

    _whatsapp_phone_uniq = models.UniqueIndex(
        "(whatsapp_phone_id) WHERE whatsapp_phone_id IS NOT NULL AND active",
        "This phone number ID belongs to another mailbox already.",
    )

    # -- fields

    @api.constrains("kind", "whatsapp_waba_id", "whatsapp_phone_id", "whatsapp_app_id")
    def _check_whatsapp_ids(self):
        for provider in self.filtered(lambda one: one.kind == "whatsapp"):
            for name in ("whatsapp_waba_id", "whatsapp_phone_id", "whatsapp_app_id"):
                if provider[name] and not _ID.fullmatch(provider[name]):
                    raise ValidationError(
                        self.env._(
                            "“%(value)s” is no %(field)s: it has digits only, as Meta "
                            "shows it.",
                            value=provider[name],
                            field=self._fields[name]._description_string(self.env),
                        )
                    )

    @api.depends("kind", "webhook_token")
    def _compute_whatsapp_callback_url(self):
        for provider in self:
            # Before it is saved the address is not yet the one that it will have.
            token = provider.kind == "whatsapp" and provider._origin.webhook_token
            provider.whatsapp_callback_url = (
                f"{provider.get_base_url()}/chaser/whatsapp/{token}" if token else False
            )

    @api.depends("whatsapp_findings", "whatsapp_polled_at")
    @api.depends_context("lang", "tz")
    def _compute_whatsapp_report(self):
        for provider in self:
            provider.whatsapp_report = "\n".join(
                f"{_MARKS[is_well(code)]} {self._get_reason_text(code, params)}"
                for code, params in provider.whatsapp_findings or ()
            )

    @api.depends("kind")
    def _compute_webhook_token(self):
        """A WhatsApp mailbox has an address for reports from the start."""
        mine = self.filtered(lambda one: one.kind == "whatsapp")
        for provider in mine:
            provider.webhook_token = provider.webhook_token or new_token()
        return super(ChaserProvider, self - mine)._compute_webhook_token()

    def _note_whatsapp_secret(self):
        """Another token may be another account's."""
        if self.state == "connected":
            self._set_state("draft")

    @api.model
    def _get_connection_fields(self):
        return super()._get_connection_fields() | {
            "whatsapp_waba_id",
            "whatsapp_phone_id",
            "whatsapp_app_id",
        }

    @api.model_create_multi
    def create(self, vals_list):
        """A number has no address of e-mail; the company's would be its default."""
        return super().create(
            [
                vals | {"email": False, "reply_to": False}
                if vals.get("kind") == "whatsapp"
                else vals
                for vals in vals_list
            ]
        )

    @api.depends("email", "kind", "whatsapp_number")
    def _compute_name(self):
        """The address of e-mail, which a new mailbox is called by, is no name for a
        number."""
        for provider in self.filtered(lambda one: one.kind == "whatsapp"):
            if provider.name in (False, "", provider.email, provider.company_id.email):
                provider.name = self.env._("WhatsApp")
        return super()._compute_name()

    def _forget_whatsapp(self):
        """The addon is uninstalled: what was never used goes, the rest is archived,
        because sent reminders name it."""
        self.env["chaser.webhook.event"].sudo().search(
            [("service", "=", "whatsapp")]
        ).unlink()
        Reminder = self.env["chaser.reminder"].sudo()
        used = Reminder.search([("provider_id", "in", self.ids)]).provider_id
        (self - used).unlink()
        for provider in used:
            provider.write(
                {
                    "kind": "odoo",
                    "active": False,
                    "email": provider.company_id.email or "whatsapp@example.invalid",
                }
            )

    # -- the connection

    @api.model
    def _check_whatsapp_version(self, version):
        """:raises UserError: when it is no version of the Graph API"""
        if not re.fullmatch(r"v\d{1,3}\.\d", version or ""):
            raise UserError(
                self.env._(
                    "“%s” is no version of Meta's interface; it looks like v25.0.",
                    version,
                )
            )

    @api.model
    def _get_whatsapp_version(self):
        parameters = self.env["ir.config_parameter"].sudo()
        return parameters.get_param(VERSION_PARAMETER) or VERSION

    def _get_whatsapp_client__(self):
        """Meta's interface, for this number.

        :raises UserError: when something is missing, naming it
        """
        self.ensure_one()
        missing = [
            self._fields[name]._description_string(self.env)
            for name in ("whatsapp_waba_id", "whatsapp_phone_id")
            if not self[name]
        ]
        if missing:
            raise UserError(
                self.env._(
                    "“%(name)s” needs: %(missing)s.",
                    name=self.name,
                    missing=", ".join(missing),
                )
            )
        return Client(
            self._open_secret__("whatsapp_token_sealed"),
            version=self._get_whatsapp_version(),
            base_url=detoured(f"{GRAPH_URL}/", self._get_detour()),
            phone_id=self.whatsapp_phone_id,
            waba_id=self.whatsapp_waba_id,
            app_id=self.whatsapp_app_id or None,
        )

    def _get_transport_whatsapp__(self):
        """Called at the start of a run. Quality, limits and templates are read anew
        before a campaign, and what they say may stop the mailbox."""
        polled = self.whatsapp_polled_at
        if not polled or polled < fields.Datetime.now() - _FRESH:
            self._poll_whatsapp()
            self._commit_now()
            if self.state == "expired":
                raise UserError(self.last_error or "")
        # A template that Meta reports as changed is read again at once.
        self.env["chaser.whatsapp.template"]._ensure_fresh(self)
        self._commit_now()
        return WhatsappTransport(
            self._get_whatsapp_client__(), self._describe_whatsapp_error
        )

    def _describe_no_secret(self, field_name):
        if field_name not in _SECRETS:
            return super()._describe_no_secret(field_name)
        return self.env._(
            "“%(name)s” has no %(field)s yet. Enter it on the mailbox.",
            name=self.display_name,
            field=self._fields[_SECRETS[field_name]]._description_string(self.env),
        )

    def _get_connection_account_whatsapp(self):
        return f"whatsapp:{self.whatsapp_phone_id}"

    def _describe_whatsapp_error(self, error):
        """One of the client's errors as a sentence for the company's people."""
        if not isinstance(error, GraphError):
            return self.env._("Meta cannot be reached: %s", error)
        manager = self.company_id._get_chaser_people("manager")[:1]
        reasons = self.with_context(lang=manager.lang or self.env.lang)
        return reasons._get_reason_text(error.sentence, {"detail": str(error)})

    # -- Test: what Meta says of the number, in words

    def _prove_connection(self):
        if self.kind != "whatsapp":
            return super()._prove_connection()
        self.ensure_one()
        with self._get_whatsapp_client__() as client:
            try:
                findings = self._read_whatsapp(client)
            except (GraphError, ConnectFailed) as error:
                raise UserError(self._describe_whatsapp_error(error)) from None
        if blocking := [one for one in findings if one.blocks]:
            raise UserError(
                "\n".join(
                    self._get_reason_text(one.sentence, one.params) for one in blocking
                )
            )

    def _describe_proof(self):
        """What *Test* has shown of a number."""
        if self.kind != "whatsapp":
            return super()._describe_proof()
        words = self.env._(
            "%(number)s (%(name)s) is connected. Nothing was sent.",
            number=self.whatsapp_number or self.whatsapp_phone_id,
            name=self.whatsapp_display_name or self.name,
        )
        return "\n".join(filter(None, (words, self.whatsapp_report)))

    def _read_whatsapp(self, client):
        """Reads number, account, token and subscriptions and keeps what they say;
        returns the findings."""
        number = client.read_number()
        account, token, subscriptions = {}, client.read_token(), []
        findings = []
        try:
            account, subscriptions = (
                client.read_account(),
                client.read_subscriptions(),
            )
            numbers = {str(one.get("id")) for one in client.read_numbers()}
            if self.whatsapp_phone_id not in numbers:
                # Templates and reports would be another account's.
                findings.append(Finding("whatsapp_check_other_account", blocks=True))
        except GraphError as error:
            if error.action == Action.BACK_OFF:
                raise
            findings.append(Finding("whatsapp_check_account", {"detail": str(error)}))
        findings += explain(
            number,
            account,
            token,
            subscriptions,
            self.whatsapp_app_id or "",
            fields.Datetime.now(),
        )
        if not self.has_whatsapp_app_secret or not self.has_whatsapp_verify_token:
            findings.append(Finding("whatsapp_check_no_proof"))
        findings.sort(key=lambda one: not one.blocks)
        findings += confirm(number, token, [one.sentence for one in findings])
        self._keep_whatsapp(read_facts(number, account, token), findings)
        return findings

    def _keep_whatsapp(self, facts, findings):
        values = {
            "whatsapp_number": facts.number or False,
            "whatsapp_display_name": facts.name or False,
            "whatsapp_number_status": facts.status or False,
            "whatsapp_quality": facts.quality or False,
            "whatsapp_findings": [[one.sentence, one.params] for one in findings]
            or False,
            "whatsapp_polled_at": fields.Datetime.now(),
        }
        if facts.portfolio:
            values["whatsapp_portfolio_id"] = facts.portfolio
        if facts.limit is not None:
            values |= {"whatsapp_limit": facts.limit, "whatsapp_limit_known": True}
        if facts.quality == "red" and self.whatsapp_quality != "red":
            self._tell_manager(
                lambda one: one.env._("Low quality of the WhatsApp number"),
                lambda one: one._get_reason_text("whatsapp_check_quality_red"),
            )
        self._by_program().write(values)

    # -- Register and Subscribe

    def action_open_whatsapp_register(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Register the Number"),
            "res_model": "chaser.whatsapp.register",
            "view_mode": "form",
            "target": "new",
            "context": {"default_provider_id": self.id},
        }

    def action_whatsapp_register(self, pin):
        """Register the number for the Cloud API. ``pin``: six digits, of its two-step
        verification; where it has none yet, these become it."""
        self.ensure_one()
        self.check_access("write")
        if not _PIN.fullmatch(pin or ""):
            raise UserError(self.env._("The PIN has six digits."))
        with self._get_whatsapp_client__() as client:
            try:
                # A number that is connected already must not be registered again
                # (Meta: 133005 and a lock of days).
                if client.read_number().get("status") != "CONNECTED":
                    client.register(pin)
            except (GraphError, ConnectFailed) as error:
                raise UserError(self._describe_whatsapp_error(error)) from None
        return self.action_test_connection()

    def action_whatsapp_subscribe(self):
        """Have Meta send its reports about this account here. The app's own callback
        URL, which template and account reports always go to, is entered at Meta."""
        self.ensure_one()
        self.check_access("write")
        verify_token = self._open_secret__("whatsapp_verify_token_sealed")
        self._open_secret__("whatsapp_app_secret_sealed")
        with self._get_whatsapp_client__() as client:
            try:
                client.subscribe(self.sudo().whatsapp_callback_url, verify_token)
            except (GraphError, ConnectFailed) as error:
                raise UserError(self._describe_whatsapp_error(error)) from None
        return self.action_test_connection()

    # -- the daily look

    @api.model
    def _cron_poll_whatsapp(self):
        """Quality is told by no webhook, so it is read once a day, and before a
        campaign."""
        accounts = self.search([("kind", "=", "whatsapp"), ("state", "=", "connected")])
        for account in accounts:
            account._poll_whatsapp()
            self.env["ir.cron"]._commit_progress(1)

    def _poll_whatsapp(self):
        """Read quality, limits and templates; what is wrong with the account stops it,
        with a sentence."""
        self.ensure_one()
        try:
            with self._get_whatsapp_client__() as client:
                findings = self._read_whatsapp(client)
        except ConnectFailed as error:
            _logger.info("WhatsApp of mailbox %s was not read: %s", self.id, error)
            return
        except GraphError as error:
            self._process_whatsapp_stop(error)
            return
        except UserError as error:
            self._set_state("expired", str(error))
            return
        if blocking := [one for one in findings if one.blocks]:
            first = blocking[0]
            self._set_state(
                "expired", self._get_reason_text(first.sentence, first.params)
            )
            return
        try:
            self.env["chaser.whatsapp.template"]._sync(self)
        except UserError as error:
            _logger.info("Templates of mailbox %s were not read: %s", self.id, error)

    def _process_whatsapp_stop(self, error):
        """An error that reaches the account or the number, wherever it came from: the
        mailbox stops until a manager has acted. Returns whether it is one."""
        self.ensure_one()
        stops = (Action.STOP_ACCOUNT, Action.REGISTER, Action.STOP_NUMBER)
        if error.action not in stops:
            return False
        if self.state == "connected":
            self._set_state("expired", self._describe_whatsapp_error(error))
        return True

    def _stop_whatsapp(self, words, end=None):
        """Meta has restricted or ended the account. ``end``: until when (UTC), where
        it says so."""
        self.ensure_one()
        detail = words
        if end:
            detail = self.env._(
                "%(words)s, until %(date)s",
                words=words,
                date=fields.Date.to_string(end),
            )
        self._set_state(
            "expired", self._get_reason_text("whatsapp_locked", {"detail": detail})
        )

    # -- how much it may send

    @api.model
    def _get_kind_defaults(self, kind, email=None):
        """Meta lets 45 messages to one person follow each other, then one in six
        seconds; a new portfolio writes to 250 people in 24 hours."""
        if kind != "whatsapp":
            return super()._get_kind_defaults(kind, email)
        return {
            "per_minute": 60,
            "daily_quota": 0,
            "per_domain_minute": 10,
            "batch_size": 10,
            "batch_pause": 1.0,
            "jitter_min": 0.2,
            "jitter_max": 1.0,
            "max_connections": 0,
        }

    @api.model
    def _get_limits_profile(self, kind, email=None):
        if kind != "whatsapp":
            return super()._get_limits_profile(kind, email)
        return "whatsapp"

    def _get_whatsapp_limit(self):
        """Persons in 24 hours; 0: no limit."""
        return self.whatsapp_limit if self.whatsapp_limit_known else _FIRST_LIMIT

    def _get_pace(self):
        """The mailbox's own quota, or the portfolio's limit where that is less."""
        pace = super()._get_pace()
        limit = self._get_whatsapp_limit() if self.kind == "whatsapp" else 0
        if not limit:
            return pace
        return replace(pace, per_day=min(pace.per_day or limit, limit))

    def _compute_used_today(self):
        """What is left of the portfolio's limit, where that is less."""
        result = super()._compute_used_today()
        for provider in self.filtered(lambda one: one.kind == "whatsapp"):
            limit = provider._get_pace().per_day
            if limit:
                left = max(limit - provider.used_today, 0)
                provider.left_today = str(left)
        return result

    def _read_attempts(self, now):
        """The limit is the portfolio's: what its other numbers have sent counts as
        well."""
        found = super()._read_attempts(now)
        for provider in self.filtered("whatsapp_portfolio_id"):
            others = self.sudo().search(
                [
                    ("whatsapp_portfolio_id", "=", provider.whatsapp_portfolio_id),
                    ("id", "!=", provider.id),
                ]
            )
            if not others:
                continue
            times, domains = found.get(provider.id, ([], {}))
            more = super(ChaserProvider, others)._read_attempts(now)
            for other_times, _domains in more.values():
                times = [*times, *other_times]
            found[provider.id] = (sorted(times), domains)
        return found
