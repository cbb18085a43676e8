from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.http import request
from odoo.tools import config, email_normalize

from ...core.mail import oauth_google
from ...core.mail import oauth_microsoft as microsoft
from ...core.mail.errors import AuthenticationFailed, TransportError
from ...core.mail.http import LOOPBACK, check_detour
from ...core.mail.oauth import API, CALLBACK, ConsentProblem, missing_scopes
from ...core.mail.transports import outlook
from ...core.mail.transports.gmail import GmailTransport
from ..mailbox.chaser_smtp_mixin import make_patience

_DETOUR_OPTION = "invoice_chaser_detour"
# A change of one of these may end the consent: which rights it covers depends on them.
_CONSENT_FIELDS = {
    "kind",
    "email",
    "company_id",
    "oauth_access",
    "outlook_way",
    "read_method",
    "imap_login",
}


class ChaserProvider(models.Model):
    """Connecting a mailbox by consent (OAuth). A kind that does so defines
    ``_get_oauth_service_<kind>__`` and ``_get_oauth_scopes_<kind>``; everything else is
    here."""

    _inherit = "chaser.provider"  # pylint: disable=consider-merging-classes-inherited  # mailboxes by consent

    oauth_access = fields.Selection(
        [("send", "Send only"), ("send_read", "Send and read answers")],
        "Rights",
        default="send",
        required=True,
        tracking=True,
        help="Only these rights are asked for. Reading finds replies and bounces, and "
        "settles whether an interrupted message went out.",
    )
    grant_ids = fields.One2many(
        "chaser.oauth.grant", "provider_id", groups=fields.NO_ACCESS, copy=False
    )
    is_oauth = fields.Boolean(compute="_compute_is_oauth")
    is_granted = fields.Boolean(
        compute="_compute_is_granted", compute_sudo=True, help="A consent is stored."
    )
    kind = fields.Selection(
        selection_add=[
            ("gmail", "Gmail / Google Workspace"),
            ("outlook", "Outlook / Microsoft 365"),
        ],
        ondelete={"gmail": "set default", "outlook": "set default"},
    )
    outlook_way = fields.Selection(
        [("graph", "Microsoft Graph"), ("smtp", "SMTP with a token")],
        "Way Out",
        default="graph",
        required=True,
        tracking=True,
        help="Graph is the better choice. SMTP is for tenants that allow no Graph "
        "mail; it must be switched on for the mailbox there.",
    )

    @api.depends("kind")
    def _compute_is_oauth(self):
        for provider in self:
            provider.is_oauth = hasattr(
                provider, f"_get_oauth_service_{provider.kind}__"
            )

    @api.depends("grant_ids")
    def _compute_is_granted(self):
        for provider in self:
            provider.is_granted = bool(provider.grant_ids)

    @api.model
    def _get_connection_fields(self):
        return super()._get_connection_fields() | {"oauth_access", "outlook_way"}

    def _prepare_write_effects(self, vals):
        """A consent ends when what it was given for has changed."""
        effects = super()._prepare_write_effects(vals)
        if _CONSENT_FIELDS & set(vals):
            before = {provider: provider._read_consent_facts() for provider in self}
            effects.append(lambda: self._end_consents(before))
        return effects

    def _end_consents(self, before):
        changed = self.filtered(
            lambda provider: before[provider] != provider._read_consent_facts()
        )
        changed.sudo().grant_ids.unlink()
        for provider in changed.filtered(
            lambda provider: provider.state == "connected" and provider.is_oauth
        ):
            provider._set_state("draft")

    def _read_consent_facts(self):
        """What a consent is given for."""
        return [
            self.kind,
            email_normalize(self.email or ""),
            self.company_id,
            self._get_oauth_scopes() if self.is_oauth else [],
        ]

    # -- the service

    @api.model
    def _get_detour(self):
        """For tests: a local server that acts as all services. It is set in Odoo's
        configuration only, and may only be on this machine."""
        base = config.get(_DETOUR_OPTION)
        try:
            return check_detour(base) if base else ""
        except ValueError as error:
            raise UserError(str(error)) from None

    def _get_oauth_service__(self):
        """:raises UserError: when this Odoo is not registered there, or the
        registration cannot be opened, or the mailbox is of another kind"""
        self.ensure_one()
        self._check_by_consent()
        return getattr(self, f"_get_oauth_service_{self.kind}__")()

    def _check_by_consent(self):
        if not hasattr(self, f"_get_oauth_service_{self.kind}__"):
            raise UserError(
                self.env._("“%s” is not connected by consent.", self.display_name)
            )

    def _get_oauth_scopes(self):
        self.ensure_one()
        return getattr(self, f"_get_oauth_scopes_{self.kind}")()

    def _fetch_access_token__(self, resource=API, rejected=""):
        """A fresh access token of the mailbox, for sending and for reading. It is
        refreshed under a row lock, and committed before it is used.

        :param rejected: a token that the service has just refused although it should be
        valid
        :raises AuthenticationFailed: a person must act (hand it to ``handle_error`` of
        the run)
        :raises Unreachable, RateLimited: later
        """
        self.ensure_one()
        return self.env["chaser.oauth.grant"].sudo()._lend__(self, resource, rejected)

    def _can_read_mailbox(self):
        """Whether the stored consent covers reading."""
        self.ensure_one()
        granted = (self.sudo().grant_ids.scopes or "").split()
        return (
            bool(granted)
            and self.oauth_access == "send_read"
            and not missing_scopes(self._get_oauth_scopes(), granted)
        )

    def _describe_not_connected(self):
        return self.env._(
            "The mailbox “%s” is not connected yet. Press Connect.", self.name
        )

    def _check_granted(self):
        if not self.sudo().grant_ids:
            raise UserError(self._describe_not_connected())

    # -- connect

    def action_connect(self):
        """Send the person to the service, to consent. What comes back:
        ``_finish_consent``."""
        self.ensure_one()
        self.check_access("write")
        self._ensure_original()
        if not self.is_oauth:
            raise UserError(
                self.env._(
                    "A mailbox of this kind has no consent: enter its server and "
                    "password, then test it."
                )
            )
        redirect_uri = self._get_redirect_uri()
        service = self._get_oauth_service__()
        pending = (
            self.env["chaser.oauth.request"]
            .sudo()
            ._open_for(self, self.env.user, self._get_session_key())
        )
        try:
            begin = service.begin(
                redirect_uri,
                pending._make_state(),
                self._get_oauth_scopes(),
                email_normalize(self.email),
            )
        except ConsentProblem as problem:
            raise UserError(self._describe_consent_problem(problem)["text"]) from None
        pending._remember(begin.memory)
        return {"type": "ir.actions.act_url", "url": begin.url, "target": "self"}

    @api.model
    def _get_session_key(self):
        """What stays the same in a person's session until they sign out."""
        if not request:
            raise UserError(
                self.env._(
                    "A mailbox is connected in the browser: open it and press Connect."
                )
            )
        return request.session.sid[:42]

    @api.model
    def _get_redirect_uri(self):
        """The address to register at the services, from ``web.base.url``, whatever
        proxy stands before Odoo."""
        base = self.get_base_url().rstrip("/")
        scheme, _, host = base.partition("://")
        if scheme != "https" and host.partition(":")[0] not in LOOPBACK:
            raise UserError(
                self.env._(
                    "Google and Microsoft lead back to https addresses only, but this "
                    "Odoo calls itself %s. An administrator corrects the system "
                    "parameter web.base.url.",
                    base,
                )
            )
        return base + CALLBACK

    def _finish_consent(self, pending, params):
        """Exchange the code, look whose mailbox it is, and only then store anything.

        :param pending: the ``chaser.oauth.request``, checked
        :param params: the query of the callback
        :raises ConsentProblem: with nothing stored
        """
        self.ensure_one()
        memory = pending._use_up__()
        try:
            service = self._get_oauth_service__()
        except UserError as error:
            raise ConsentProblem("no_key", str(error)) from None
        grant = service.finish(memory, params, self._get_oauth_scopes())
        try:
            address = service.whoami(grant.tokens[API]["value"])
        except TransportError as error:
            raise ConsentProblem("unreachable", str(error)) from None
        if email_normalize(address) != email_normalize(self.email):
            raise ConsentProblem("other_mailbox", address)
        self._keep_grant(grant)

    def _keep_grant(self, grant):
        try:
            self.env["chaser.oauth.grant"].sudo()._keep(self, grant)
        except UserError as error:
            raise ConsentProblem("no_key", str(error)) from None
        self.invalidate_recordset()
        self._set_connected()

    # -- test and disconnect

    def _prove_consent(self):
        """Raise TransportError or UserError unless the consent still stands, for this
        very mailbox."""
        self._check_granted()
        token = self._fetch_access_token__()
        service = self._get_oauth_service__()
        try:
            address = service.whoami(token)
        except AuthenticationFailed:
            # The token was revoked at the service, or has just ended there: a new one
            # decides.
            address = service.whoami(self._fetch_access_token__(rejected=token))
        if email_normalize(address) != email_normalize(self.email):
            raise AuthenticationFailed(
                self._describe_consent_problem(
                    ConsentProblem("other_mailbox", address)
                )["text"]
            )

    def action_disconnect(self):
        """Revoke the consent and delete it."""
        self.ensure_one()
        self.check_access("write")
        self._check_by_consent()
        revoked = self._revoke_grant()
        self.sudo().grant_ids.unlink()
        self._set_state("draft")
        return self._notify(
            self.env._("Disconnected"),
            self.env._("The rights were given back and the tokens deleted.")
            if revoked
            else self.env._(
                "The tokens were deleted here. To take the rights back at the service "
                "too, remove this application in the account's settings there."
            ),
            "success",
        )

    def _revoke_grant(self):
        """Only where no other mailbox of this Odoo uses the same account: Google
        revokes all tokens of an account at once."""
        others = self.sudo().search(
            [
                ("kind", "=", self.kind),
                ("id", "!=", self.id),
                ("grant_ids", "!=", False),
            ]
        )
        if others.filtered(
            lambda other: email_normalize(other.email) == email_normalize(self.email)
        ):
            return False
        try:
            return self._get_oauth_service__().revoke(self.sudo().grant_ids._load__())
        except (UserError, ValueError):
            return False

    # -- words

    @api.model
    def _describe_consent_problem(self, problem):
        """What happened and what to do, in the person's language: ``{"title",
        "text"}``."""
        # Isolated (U+2068, U+2069): addresses and a service's English keep their
        # direction in an Arabic sentence.
        detail = f"\u2068{problem.detail.rstrip('. ') or problem.code}\u2069"
        again = self.env._(
            "Nothing was changed. Go back to the mailbox and press Connect again."
        )
        words = self._get_callback_words(detail, again) | self._get_service_words(
            detail, again
        )
        words["no_key"] = (
            self.env._("The connection could not be stored"),
            problem.detail,
        )
        words["unreachable"] = (
            self.env._("The service did not respond"),
            self.env._("Try again in a few minutes. %s", again),
        )
        title, text = words.get(problem.code) or (
            self.env._("The service refused"),
            self.env._("It said: %(words)s. %(again)s", words=detail, again=again),
        )
        return {"title": title, "text": text}

    def _get_callback_words(self, detail, again):
        """Title and text by code, where the way back into Odoo went wrong."""
        # pylint: disable=prefer-env-translation  # this is what _ stands for here
        _ = self.env._
        return {
            "not_signed_in": (
                _("You are not signed in here"),
                _(
                    "Sign in to Odoo at %s in this browser, open the mailbox and "
                    "press Connect again.",
                    self.get_base_url(),
                ),
            ),
            "bad_state": (
                _("This response does not fit"),
                _(
                    "It was not asked for by this database, or it was changed on the "
                    "way. If you work with several databases, sign in to the one in "
                    "which "
                    "you pressed Connect, and press it again."
                ),
            ),
            "expired": (
                _("That took too long"),
                _("A consent must be given within 15 minutes. %s", again),
            ),
            "used": (
                _("This consent was used already"),
                _(
                    "Each consent works once. If the mailbox is connected, all is "
                    "well; else press Connect again."
                ),
            ),
            "other_user": (
                _("Somebody else asked for this"),
                _(
                    "%s pressed Connect. The same person must finish it, or you press "
                    "Connect yourself.",
                    detail,
                ),
            ),
            "other_session": (
                _("Another browser asked for this"),
                _("Press Connect and consent in one and the same browser. %s", again),
            ),
            "no_access": (
                _("You may not connect this mailbox"),
                _("Ask a manager of Invoice Chaser to connect it."),
            ),
        }

    def _get_service_words(self, detail, again):
        """Title and text by code, where the service's response is not what the mailbox
        needs."""
        # pylint: disable=prefer-env-translation  # this is what _ stands for here
        _ = self.env._
        return {
            "denied": (
                _("You did not consent"),
                _(
                    "Without your consent no reminder can leave from this mailbox. %s "
                    "If your organisation asks for an administrator's approval, "
                    "have this application approved first.",
                    again,
                ),
            ),
            "incomplete": (
                _("A right is missing"),
                _(
                    "Leave all boxes ticked on the consent page; this one is needed "
                    "and was not granted: %(right)s. %(again)s",
                    right=detail,
                    again=again,
                ),
            ),
            "no_refresh": (
                _("The consent does not last"),
                _(
                    "The service gave no lasting permission. Remove this application "
                    "in the account's security settings, then press Connect again."
                ),
            ),
            "other_mailbox": (
                _("You consented with another mailbox"),
                _(
                    "The consent came from %s. Press Connect again and choose the "
                    "mailbox's own account, or correct the address on the form.",
                    detail,
                ),
            ),
            "tenant": (
                _("The directory is not known"),
                _(
                    "Microsoft does not know the directory that is set. An "
                    "administrator corrects it in the settings (Accounting, Invoice "
                    "Chaser)."
                ),
            ),
        }

    def _get_oauth_service_gmail__(self):
        return oauth_google.GoogleService(
            self.company_id._get_chaser_app__("google"), detour=self._get_detour()
        )

    def _get_oauth_scopes_gmail(self):
        if self._reads_imap_by_consent():
            return [*oauth_google.IDENTITY, oauth_google.ALL_MAIL]
        read = (oauth_google.READ,) if self.oauth_access == "send_read" else ()
        return [*oauth_google.IDENTITY, oauth_google.SEND, *read]

    def _get_imap_resource_gmail(self):
        return API

    def _get_sent_box_gmail__(self):
        return self._get_transport_gmail__() if self._can_read_mailbox() else None

    def _get_transport_gmail__(self):
        self._check_granted()
        return GmailTransport(
            email_normalize(self.email),
            lambda rejected: self._fetch_access_token__(rejected=rejected),
            can_read=self._can_read_mailbox(),
            detour=self._get_detour(),
        )

    # -- Outlook

    def _get_oauth_service_outlook__(self):
        return microsoft.MicrosoftService(
            self.company_id._get_chaser_app__("microsoft"), detour=self._get_detour()
        )

    def _get_oauth_scopes_outlook(self):
        reads, by_smtp = self.oauth_access == "send_read", self.outlook_way == "smtp"
        return [
            *microsoft.IDENTITY,
            *([] if by_smtp else [microsoft.SEND]),
            *([microsoft.READ if by_smtp else microsoft.READ_WRITE] if reads else []),
            *([microsoft.SMTP_SEND] if by_smtp else []),
            *([microsoft.IMAP_ALL] if self._reads_imap_by_consent() else []),
        ]

    def _get_imap_resource_outlook(self):
        return microsoft.OFFICE

    def _get_sent_box_outlook__(self):
        # SMTP has no way to search a mailbox: Graph does it for both.
        return self._get_outlook_graph__() if self._can_read_mailbox() else None

    def _get_transport_outlook__(self):
        self._check_granted()
        return (
            self._get_outlook_smtp__()
            if self.outlook_way == "smtp"
            else self._get_outlook_graph__()
        )

    def _get_outlook_graph__(self):
        return outlook.OutlookTransport(
            email_normalize(self.email),
            lambda rejected: self._fetch_access_token__(rejected=rejected),
            can_read=self._can_read_mailbox(),
            detour=self._get_detour(),
        )

    def _get_outlook_smtp__(self):
        return outlook.OutlookSmtpTransport(
            email_normalize(self.email),
            lambda rejected: self._fetch_access_token__(microsoft.OFFICE, rejected),
            get_patience=make_patience(),
        )
