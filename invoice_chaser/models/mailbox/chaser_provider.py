import os

from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import email_normalize

from ...core.mail.errors import AuthenticationFailed, TransportError
from ...core.mail.message import OutgoingMessage
from ...core.plan.reach import DEFAULT_CHANNEL
from ..common.limits import check_numbers

# How long a test waits for each response: whoever presses the button looks at it.
PROOF_SECONDS = 8


class ChaserProvider(models.Model):
    """A mailbox that reminders leave from. A further kind is a further addon: it adds
    to ``kind`` and defines ``_get_transport_<kind>__`` (docs/adding-a-provider.md)."""

    _name = "chaser.provider"
    _description = "Mailbox"
    _inherit = [
        "mail.thread",
        "mail.activity.mixin",
        "chaser.reason.mixin",
        "chaser.company.mixin",
        "chaser.limits.mixin",
        "chaser.smtp.mixin",
        "chaser.diagnosis.mixin",
    ]
    _order = "is_primary desc, sequence, id"
    _check_company_auto = True
    # A mailbox of the head office writes for its branches, too.
    _check_company_domain = models.check_company_domain_parent_of
    _allow_sudo_commands = False

    name = fields.Char(
        compute="_compute_name",
        store=True,
        readonly=False,
        required=True,
        precompute=True,
        tracking=True,
    )
    active = fields.Boolean(default=True, tracking=True)
    sequence = fields.Integer(default=10, tracking=True, aggregator=None)
    company_id = fields.Many2one(
        "res.company",
        required=True,
        index=True,
        default=lambda self: self.env.company,
        tracking=True,
    )
    kind = fields.Selection(
        [("odoo", "Odoo outgoing mail server"), ("smtp", "SMTP")],
        required=True,
        default="odoo",
        tracking=True,
    )
    channel = fields.Selection(
        lambda self: self.env["chaser.channel"]._get_selection(),
        compute="_compute_channel",
        store=True,
        precompute=True,
        help="What the mailbox carries, by its kind.",
    )
    email = fields.Char(
        "Address",
        tracking=True,
        default=lambda self: self.env.company.email,
    )
    sender_name = fields.Char(tracking=True, default=lambda self: self.env.company.name)
    reply_to = fields.Char(
        tracking=True,
        help="Empty: replies come to Odoo where it has an alias domain, else to the "
        "mailbox's own address.",
    )
    is_primary = fields.Boolean(
        "Primary",
        tracking=True,
        copy=False,
        help="Used where a campaign names no other; one per company and channel.",
    )
    state = fields.Selection(
        [
            ("draft", "To Test"),
            ("connected", "Connected"),
            ("expired", "Not Authorised"),
            ("disabled", "Disabled"),
        ],
        default="draft",
        required=True,
        readonly=True,
        tracking=True,
        copy=False,
    )
    last_check_at = fields.Datetime("Last Check", readonly=True, copy=False)
    last_error = fields.Text(readonly=True, copy=False, tracking=True)
    sampled_at = fields.Datetime(
        "Last Sample",
        readonly=True,
        copy=False,
        help="When a sample was last sent to a user.",
    )
    hold_until = fields.Datetime("Waits Until", readonly=True, copy=False)
    unreachable_count = fields.Integer(readonly=True, copy=False, aggregator=None)
    connected_database = fields.Char(
        readonly=True,
        copy=False,
        help="The database in which the connection was proven; a copy of it must "
        "prove it again.",
    )
    cron_id = fields.Many2one(
        "ir.cron",
        readonly=True,
        copy=False,
        ondelete="set null",
        index="btree_not_null",
    )

    _primary_uniq = models.UniqueIndex(
        "(company_id, channel) WHERE is_primary AND active",
        "The company has a primary mailbox already.",
    )
    health = fields.Char(
        compute="_compute_health",
        help="What keeps the mailbox from sending or being read, in words.",
    )

    # -- computes and constraints

    @api.depends("email")
    def _compute_name(self):
        for provider in self:
            provider.name = provider.name or provider.email or self.env._("Mailbox")

    @api.depends("kind")
    def _compute_channel(self):
        for provider in self:
            provider.channel = self.env["chaser.channel"]._get_by_kind(provider.kind)

    def _get_channel(self):
        """The model of what it carries."""
        return self.env["chaser.channel"]._get(self.channel)

    @api.constrains("smtp_port")
    def _check_port(self):
        for provider in self.filtered(lambda one: one.kind == "smtp"):
            check_numbers(provider, {"smtp_port": (1, 65535)})

    @api.constrains("email", "reply_to", "kind")
    def _check_addresses(self):
        for provider in self:
            if not provider.email and provider.channel == "email":
                raise ValidationError(
                    self.env._("“%s” needs an e-mail address.", provider.name or "")
                )
            for address in filter(None, (provider.email, provider.reply_to)):
                normalized = email_normalize(address)
                if not normalized or not normalized.isascii():
                    raise ValidationError(
                        self.env._("“%s” is not a single e-mail address.", address)
                    )

    @api.constrains("email", "company_id", "channel", "active")
    def _check_address_once(self):
        """Two mailboxes of one address would each believe that they have its whole
        quota to themselves, and read its mail twice."""
        for provider in self.filtered(lambda one: one.active and one.email):
            others = self.search(
                [
                    ("id", "!=", provider.id),
                    ("company_id", "=", provider.company_id.id),
                    ("channel", "=", provider.channel),
                ]
            )
            address = email_normalize(provider.email)
            twin = others.filtered(
                lambda one, mine=address: email_normalize(one.email or "") == mine
            )[:1]
            if twin:
                raise ValidationError(
                    self.env._(
                        "“%(address)s” is the mailbox “%(name)s” already. Change that "
                        "one, or archive it first.",
                        address=provider.email,
                        name=twin.name,
                    )
                )

    # -- CRUD

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._check_user_values(vals)
        providers = super(ChaserProvider, self._by_program()).create(
            self._add_kind_defaults(vals_list)
        )
        providers = providers.with_env(self.env)
        for (company, channel), new in providers.grouped(
            lambda provider: (provider.company_id, provider.channel)
        ).items():
            # The first mailbox of a company is its primary one, so that users need
            # not set it.
            mine = self.search(
                [("company_id", "=", company.id), ("channel", "=", channel)]
            )
            if not mine.filtered("is_primary"):
                new[:1].is_primary = True
        providers._ensure_crons()
        return providers

    def write(self, vals):
        self.check_access("write")
        if "company_id" in vals and self.env["chaser.reminder"].sudo().search_count(
            [("provider_id", "in", self.ids)], limit=1
        ):
            raise UserError(
                self.env._("A mailbox that was used cannot move to another company.")
            )
        effects = self._prepare_write_effects(vals)
        if vals.get("active"):
            for provider in self._get_former_primaries():
                super(ChaserProvider, provider).write({"is_primary": False})
        result = super().write(vals)
        for effect in effects:
            effect()
        return result

    def _get_former_primaries(self):
        """Archived mailboxes in whose place another one has become the primary one:
        they leave it to that when they come back."""
        return self.filtered(
            lambda one: (
                not one.active
                and one.is_primary
                and self.search_count(
                    [
                        ("id", "!=", one.id),
                        ("company_id", "=", one.company_id.id),
                        ("channel", "=", one.channel),
                        ("is_primary", "=", True),
                    ],
                    limit=1,
                )
            )
        )

    def _prepare_write_effects(self, vals):
        """What has to follow a change, as functions that are called in this order after
        it is written; they may remember values of before.

        Hook: oauth, inbound and webhook add theirs.
        """
        effects = []
        if "active" in vals:
            effects.append(
                lambda: self.sudo().cron_id.write({"active": vals["active"]})
            )
            if not vals["active"]:
                # What waits in it says so, and can be moved to another mailbox.
                effects.append(
                    lambda: self.filtered(
                        lambda provider: provider.state != "draft"
                    )._set_state("disabled")
                )
        effects.append(lambda: self.env["chaser.waiting"]._follow_mailboxes(self, vals))
        if set(vals) & self._get_connection_fields():
            effects.append(
                lambda: self.filtered(
                    lambda provider: provider.state == "connected"
                )._set_state("draft")
            )
        if {"kind", "email"} & set(vals):
            effects.append(lambda: self._follow_kind(vals))
        return effects + self._prepare_smtp_effects(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        if (
            self.env["chaser.reminder"]
            .sudo()
            .search_count([("provider_id", "in", self.ids)], limit=1)
        ):
            raise UserError(
                self.env._(
                    "A mailbox that was used cannot be deleted. Archive it instead."
                )
            )

    def unlink(self):
        self._drop_crons()
        self.env["chaser.watermark"]._drop(self.ids)
        return super().unlink()

    @api.model
    def _get_connection_fields(self):
        """After a change of one of these the connection must be tested again.

        Hook: oauth and further kinds add their own fields.
        """
        return {"kind", "email"} | self._get_smtp_fields()

    def _ensure_crons(self):
        """One scheduled job per mailbox, so that Odoo's workers run mailboxes side by
        side."""
        for provider in self.sudo().filtered(lambda provider: not provider.cron_id):
            provider.cron_id = (
                self.env["ir.cron"]
                .sudo()
                .create(
                    {
                        "name": f"Invoice Chaser: send from mailbox {provider.id}",
                        "model_id": self.env["ir.model"]._get_id(self._name),
                        "state": "code",
                        "code": f"model.browse({provider.id})._cron_send()",
                        "user_id": self.env.ref("base.user_root").id,
                        "interval_number": 10,
                        "interval_type": "minutes",
                        "active": provider.active,
                    }
                )
            )

    def _drop_crons(self):
        """Deleting a scheduled job leaves its server action behind; this removes
        both."""
        crons = self.sudo().cron_id
        actions = crons.ir_actions_server_id
        crons.unlink()
        actions.unlink()

    # -- state

    def _set_state(self, state, error=False):
        """Every change of state goes through here."""
        if state == "expired":
            self._notify_expired(error)
        self._by_program().write(
            {
                "state": state,
                "last_error": error,
                "last_check_at": fields.Datetime.now(),
                "connected_database": self._get_database_id()
                if state == "connected"
                else False,
            }
        )
        self._tell_waiting(state, error)

    def _notify_expired(self, error):
        for provider in self.filtered(lambda provider: provider.state != "expired"):
            provider._tell_manager(
                lambda one: one.env._("Mailbox not authorised"), error
            )

    def _tell_manager(self, summary, note):
        """An activity for a manager of the mailbox's company; one is enough for the
        same trouble. Both texts as for ``res.users._say_chaser``."""
        person = self.company_id._get_chaser_people("manager")[:1]
        summary = person._say_chaser(self, summary)
        if person and summary not in self.activity_ids.mapped("summary"):
            self.activity_schedule(
                "mail.mail_activity_data_todo",
                user_id=person.id,
                summary=summary,
                note=person._say_chaser(self, note) or "",
            )

    def _set_hold(self, until, code, detail=""):
        self._by_program().write(
            {
                "hold_until": until,
                **self._prepare_reason_values(
                    code,
                    {"until": until.isoformat(), "detail": detail} if until else None,
                ),
            }
        )

    # -- actions

    def action_test_connection(self):
        """Connect as a real send would, and ask whether the sender is taken. The result
        is on the form; nothing is sent."""
        self.check_access("write")
        self._ensure_original()
        for provider in self:
            try:
                provider._prove_connection()
            except (TransportError, UserError) as error:
                provider._set_state(provider._get_failed_state(error), str(error))
            else:
                provider._set_connected()
        failed = self.filtered("last_error")
        if not failed:
            return self._notify(
                self.env._("Connection works"),
                "\n".join(provider._describe_proof() for provider in self),
                "success",
            )
        return self._notify(
            self.env._("Connection failed"),
            "\n".join(
                " ".join(filter(None, (one.error_cause, one.error_fix)))
                for one in failed
            ),
            "danger",
        )

    def _prove_connection(self):
        """Raise TransportError or UserError unless a message could leave now."""
        if self.is_oauth:
            self._prove_consent()
        patient = self.with_context(chaser_timeout=PROOF_SECONDS)
        with patient._get_transport__() as transport:
            transport.prove(email_normalize(self.email) or "")

    def _describe_proof(self):
        """What a successful test has shown."""
        server = (
            f"{self.smtp_host}:{self.smtp_port}" if self.kind == "smtp" else self.name
        )
        return self.env._(
            "%(server)s: connected, signed in, and %(email)s is taken as the sender. "
            "Nothing was sent.",
            server=server,
            email=self.email or self.name,
        )

    def _get_failed_state(self, error):
        """The state after a failed test."""
        if self.is_oauth and isinstance(error, AuthenticationFailed):
            return "expired"
        return "expired" if self.state == "expired" else "draft"

    def _set_connected(self):
        self._set_state("connected")
        self._by_program().write(
            {
                "hold_until": False,
                "unreachable_count": 0,
                **self._prepare_reason_values(False),
            }
        )
        self.env["chaser.waiting"]._follow_test(self)
        self.activity_unlink(["mail.mail_activity_data_todo"])
        self._mend_job()
        self.sudo().cron_id._trigger()

    def action_send_sample(self):
        """Send a short sample to the user's own address."""
        self.ensure_one()
        self.check_access("write")
        address = email_normalize(self.env.user.email or "")
        if not address:
            raise UserError(self.env._("Your own user has no e-mail address."))
        text = self.env._(
            "This is a sample from the mailbox “%s” of Invoice Chaser.", self.name
        )
        message = OutgoingMessage(
            message_id=self._make_message_id(email_normalize(self.email)),
            sender=email_normalize(self.email),
            sender_name=self.sender_name or "",
            recipients=(address,),
            subject=self.env._("Sample from Invoice Chaser"),
            text=text + "\n",
            html=str(Markup("<p>%s</p>") % text),
        )
        try:
            with self._get_transport__() as transport:
                transport.send(message)
        except TransportError as error:
            self._set_state(self.state, str(error))
            return self._notify(
                self.env._("Connection failed"),
                " ".join(filter(None, (self.error_cause, self.error_fix))),
                "danger",
            )
        self._set_connected()
        self._by_program().sampled_at = fields.Datetime.now()
        return self._notify(self.env._("Sample sent"), address, "success")

    def action_disable(self):
        self.check_access("write")
        self._set_state("disabled")

    @api.model
    def _notify(self, title, message, kind):
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "title": title,
                "message": message,
                "type": kind,
                "sticky": kind == "danger",
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }

    def action_view_reminders(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "invoice_chaser.chaser_reminder_action"
        )
        return action | {"domain": [("provider_id", "=", self.id)], "context": {}}

    def _get_mailbox(self):
        return self

    # -- business

    def _get_transport__(self):
        """The adapter of the mailbox's kind, not connected yet.

        :raises UserError: when the mailbox cannot be used at all (no key, no password)
        """
        self.ensure_one()
        return getattr(self, f"_get_transport_{self.kind}__")()

    @api.model
    def _make_message_id(self, email):
        """A Message-ID in the domain of the mailbox (RFC 5322 §3.6.4); it tells nothing
        about the reminder."""
        return f"<chaser.{os.urandom(16).hex()}@{email.partition('@')[2]}>"

    @api.model
    def _get_default(self, company, channel=DEFAULT_CHANNEL):
        """The mailbox for a company's campaigns: the primary one if it works, else the
        first that does; may be none."""
        providers = self._get_own(company, channel)
        return (
            providers.filtered(lambda provider: provider.state == "connected")[:1]
            or providers[:1]
        )

    @api.model
    def _get_own(self, company, channel=DEFAULT_CHANNEL):
        """The mailboxes of a company for a channel, the primary one first; those of the
        nearest company above it where a branch has none of its own."""
        chain = company._get_chaser_chain()
        found = self.search(
            [("company_id", "in", chain.ids), ("channel", "=", channel)]
        ).grouped("company_id")
        return next((found[one] for one in chain if one in found), self.browse())

    # -- The health of a mailbox, for its list, cards and form

    @api.depends(
        "state",
        "last_error",
        "last_check_at",
        "hold_until",
        "reason",
        "read_error",
        "restored_note",
        "job_note",
    )
    @api.depends_context("lang", "tz")
    def _compute_health(self):
        now = fields.Datetime.now()
        for provider in self:
            held = provider.hold_until and provider.hold_until > now
            words = [
                provider.restored_note,
                provider.job_note,
                provider.error_cause,
                held and provider.reason,
                provider.read_error and self.env._("Reading: %s", provider.read_error),
            ]
            provider.health = (
                " ".join(filter(None, words)) or provider._get_plain_health()
            )

    def _get_plain_health(self):
        """In one word, where there is no problem to report."""
        if self.state == "connected":
            return self.env._("Works")
        return (
            self.env._("Not tested yet")
            if not self.last_check_at
            else dict(self._fields["state"]._description_selection(self.env))[
                self.state
            ]
        )
