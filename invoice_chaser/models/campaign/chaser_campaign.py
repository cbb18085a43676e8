import pytz

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL, format_date

from ...core.pace.throttle import spread
from ...core.plan.reach import DEFAULT_CHANNEL
from ..common.limits import check_numbers
from .chaser_campaign_figures import OPEN_STATES


class ChaserCampaign(models.Model):
    _name = "chaser.campaign"
    _description = "Reminder Campaign"
    _inherit = [
        "mail.thread",
        "mail.activity.mixin",
        "chaser.reason.mixin",
        "chaser.company.mixin",
        "chaser.campaign.row.mixin",
        "chaser.campaign.figures.mixin",
        "chaser.campaign.letters.mixin",
        "chaser.channel.choice.mixin",
    ]
    _order = "id desc"
    _check_company_auto = True

    name = fields.Char(required=True, tracking=True)
    active = fields.Boolean(default=True, tracking=True)
    description = fields.Text(tracking=True)
    company_id = fields.Many2one(
        "res.company",
        required=True,
        readonly=True,
        index=True,
        default=lambda self: self.env.company,
    )
    campaign_type = fields.Selection(
        [
            ("invoice_reminder", "Invoice Reminder"),
            ("payment_follow_up", "Payment Follow-up"),
            ("overdue_notice", "Overdue Notice"),
            ("bulk_reminder", "Bulk Reminder"),
        ],
        required=True,
        default="invoice_reminder",
        tracking=True,
    )
    state = fields.Selection(
        [
            ("draft", "Draft"),
            ("scheduled", "Scheduled"),
            ("sending", "Sending"),
            ("paused", "Paused"),
            ("completed", "Completed"),
            ("failed", "Failed"),
            ("cancelled", "Cancelled"),
        ],
        required=True,
        default="draft",
        readonly=True,
        copy=False,
        tracking=True,
        index=True,
    )
    user_id = fields.Many2one(
        "res.users", "Responsible", default=lambda self: self.env.user, tracking=True
    )
    provider_id = fields.Many2one(
        "chaser.provider",
        "Mailbox",
        check_company=True,
        tracking=True,
        index="btree_not_null",
    )
    level_id = fields.Many2one(
        "chaser.level",
        check_company=True,
        tracking=True,
        help="Empty: each customer gets the level that is due.",
        index="btree_not_null",
    )
    template_id = fields.Many2one(
        "chaser.template",
        check_company=True,
        tracking=True,
        help="Empty: the template of each level.",
        index="btree_not_null",
    )
    channel = fields.Selection(
        lambda self: self.env["chaser.channel"]._get_selection(),
        tracking=True,
        help="Empty: by each level's own channels. A customer's own wish comes first.",
    )
    sender_name = fields.Char(tracking=True, help="Empty: the mailbox's own.")
    reply_to = fields.Char(tracking=True, help="Empty: the mailbox's own.")
    tag_ids = fields.Many2many(
        "chaser.tag", string="Tags", check_company=True, tracking=True
    )
    segment_ids = fields.Many2many(
        "chaser.segment",
        "chaser_campaign_segment_rel",
        "campaign_id",
        "segment_id",
        "Segments",
        check_company=True,
        tracking=True,
        help="The groups of customers that this campaign was made for.",
    )
    scheduled_at = fields.Datetime("Scheduled For", tracking=True, copy=False)
    tz = fields.Selection(
        lambda self: [(tz, tz) for tz in pytz.common_timezones],
        "Time Zone",
        tracking=True,
        default=lambda self: self.env.company._get_chaser_tz(),
        required=True,
    )
    scheduled_local = fields.Char("Local Time", compute="_compute_scheduled_local")
    duration_hours = fields.Float(
        "Spread over (Hours)",
        tracking=True,
        aggregator=None,
        help="0 = as fast as the mailbox's limits allow.",
    )
    started_at = fields.Datetime(readonly=True, copy=False)
    completed_at = fields.Datetime(readonly=True, copy=False)
    left_out = fields.Text(
        "Not Chaseable",
        readonly=True,
        copy=False,
        help="What was selected but cannot be chased at all.",
    )
    reminder_ids = fields.One2many("chaser.reminder", "campaign_id", readonly=True)
    import_id = fields.Many2one(
        "chaser.import", "Imported With", readonly=True, copy=False, ondelete="restrict"
    )

    provider_mode = fields.Selection(
        [("fixed", "One mailbox"), ("spread", "Spread over the company's mailboxes")],
        "Sent From",
        required=True,
        tracking=True,
        default=lambda self: self.env.company.chaser_provider_mode,
        help="Spread: each customer keeps the mailbox of earlier reminders; the "
        "others go where their message leaves soonest.",
    )
    stranded_count = fields.Integer(
        compute="_compute_stranded_count",
        help="Waiting messages whose mailbox is not connected.",
    )

    is_thanks = fields.Boolean("Thank-You", readonly=True, copy=False)
    is_copies = fields.Boolean(
        "Copies on Request",
        readonly=True,
        copy=False,
        help="Takes the copies that customers ask for on their page.",
    )
    daily_run_id = fields.Many2one(
        "chaser.daily.run",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="restrict",
    )
    daily_kind = fields.Selection(
        [("approval", "To approve"), ("auto", "Sent by itself")],
        readonly=True,
        copy=False,
    )

    _daily_uniq = models.UniqueIndex(
        "(daily_run_id, daily_kind) WHERE daily_run_id IS NOT NULL AND state = 'draft'",
        "There is one such draft per daily run.",
    )
    held_before_count = fields.Integer(
        "Left Out as Before", compute="_compute_held_before_count"
    )

    @api.constrains("duration_hours")
    def _check_duration(self):
        check_numbers(self, {"duration_hours": (0, 24 * 31)})

    @api.depends("scheduled_at", "tz")
    @api.depends_context("lang")
    def _compute_scheduled_local(self):
        for campaign in self:
            campaign.scheduled_local = campaign.scheduled_at and self._describe_local(
                campaign.scheduled_at.isoformat(), campaign.tz
            )

    def _read_shown_reasons(self):
        return self.env["chaser.waiting"]._read_campaign_reasons(self)

    def _compute_held_before_count(self):
        for campaign in self:
            campaign.held_before_count = len(campaign.daily_run_id.held_ids or ())

    def action_view_held(self):
        """Who was left out on the campaign's day; of one that a user made, its own."""
        self.ensure_one()
        if not self.daily_run_id:
            return self.action_view_reminders()
        return self.daily_run_id.action_view_held()

    @api.ondelete(at_uninstall=False)
    def _unlink_except_sent(self):
        # What came in from another tool is evidence there, and may be taken out here.
        own = self.filtered(lambda campaign: not campaign.import_id)
        if any(
            campaign.state not in ("draft", "cancelled") for campaign in own
        ) or self.env["chaser.reminder"].sudo().search_count(
            [("campaign_id", "in", own.ids), ("state", "in", ("sending", "sent"))],
            limit=1,
        ):
            raise UserError(
                self.env._(
                    "A campaign that has sent something is evidence and cannot be "
                    "deleted. Archive it instead."
                )
            )

    @api.model
    def create_for_invoices(self, invoice_ids, values=None):
        """A campaign with its reminders in ``draft`` for the overdue items of these
        invoices.

        :param list invoice_ids: ids of ``account.move``; those that cannot be chased
        are left out and named on the campaign
        :param dict values: values of the campaign; besides, ``excluded_partner_ids``
        and ``excluded_line_ids`` (journal items) leave out what the accountant dropped,
        and ``partner_ids`` says whose items of these entries are meant
        :return: the campaign
        :raises UserError: when nothing is left to chase, saying why
        """
        self.check_access("create")
        values = dict(values or {})
        self._check_user_values(values, besides={"company_id"})
        excluded = {
            key: set(values.pop(key, None) or ())
            for key in ("excluded_partner_ids", "excluded_line_ids")
        }
        invoices = self.env["account.move"].browse(invoice_ids)
        Planner = self.env["chaser.planner"]
        plan = Planner._build_plan(
            invoices,
            values.get("company_id"),
            values.get("level_id"),
            values.get("channel"),
            values.pop("partner_ids", None),
        )
        Planner._exclude(plan, **excluded)
        if not plan.messages:
            raise UserError(self.env["chaser.plan.writer"]._describe_nothing(plan))
        today = format_date(self.env, plan.company._get_chaser_today())
        provider = self.env["chaser.provider"]._get_default(plan.company)
        campaign = self.with_company(plan.company)._create_by_program(
            {
                "name": self.env._("Reminders %s", today),
                "provider_id": provider.id,
                "tz": plan.company._get_chaser_tz(),
                **values,
                "company_id": plan.company.id,
                "left_out": "\n".join(plan.left_out) or False,
            }
        )
        campaign.env["chaser.plan.writer"]._create_reminders(campaign, plan)
        return campaign

    # -- actions: they only queue; the mailbox's scheduled job sends

    def action_send(self):
        """Queue the campaign's reminders for sending now. A campaign that runs or is
        done stays as it is.

        :raises UserError: when it is cancelled, has no usable mailbox, or a template
        cannot be used; nothing is queued then
        """
        for campaign in self._lock():
            if campaign.state in ("draft", "scheduled"):
                campaign._start(fields.Datetime.now())
            elif campaign.state == "paused":
                campaign.action_resume()
            elif campaign.state == "cancelled":
                raise UserError(
                    self.env._(
                        "Campaign “%s” is cancelled. Chase the invoices again to make "
                        "a new one.",
                        campaign.name,
                    )
                )
        return True

    def action_schedule(self, scheduled_at=None):
        """Queue the campaign for ``scheduled_at`` (UTC; default: the campaign's own
        field).

        :raises UserError: without a moment in the future, and as ``action_send``
        """
        for campaign in self._lock():
            moment = fields.Datetime.to_datetime(scheduled_at) or campaign.scheduled_at
            if not moment or moment <= fields.Datetime.now():
                raise UserError(
                    self.env._(
                        "Campaign “%s”: choose a moment in the future to schedule it.",
                        campaign.name,
                    )
                )
            if campaign.state not in ("draft", "scheduled"):
                raise UserError(
                    self.env._("Campaign “%s” has been started already.", campaign.name)
                )
            campaign._start(moment, state="scheduled")
        return True

    def action_pause(self):
        """Pause after the message that is leaving right now; what is queued stays
        queued."""
        for campaign in self._lock():
            if campaign.state in ("scheduled", "sending"):
                campaign._set_paused("paused_by", self.env.user.name)
        return True

    def action_resume(self):
        """Go on with what is still queued; what was sent is not sent again."""
        for campaign in self._lock():
            if campaign.state == "paused":
                campaign._ensure_mailboxes()
                now, start = fields.Datetime.now(), campaign.scheduled_at
                later = start and not campaign.started_at and start > now
                campaign._by_program().write(
                    {
                        "state": "scheduled" if later else "sending",
                        **({} if later else {"started_at": campaign.started_at or now}),
                        **self._prepare_reason_values(False),
                    }
                )
                self.env["chaser.waiting"]._follow_resume(campaign)
                campaign._trigger_sending(campaign.scheduled_at if later else None)
        return True

    def action_cancel(self):
        """End the campaign; unsent messages are discarded."""
        for campaign in self._lock():
            if campaign.state in OPEN_STATES:
                campaign.reminder_ids.filtered(
                    lambda r: r.state in ("draft", "queued")
                ).sudo()._set_state("cancelled")
                campaign._by_program().write(
                    {"state": "cancelled", "completed_at": fields.Datetime.now()}
                )
        self.env["chaser.daily.run"]._drop_approval(self)
        return True

    def _start(self, moment, state="sending"):
        self.ensure_one()
        self._ensure_mailboxes()
        self._check_templates()
        self._queue_reminders(moment)
        values = {
            "state": state,
            "scheduled_at": moment,
            **self._prepare_reason_values(False),
        }
        self._by_program().write(
            values
            if state == "scheduled"
            else values | {"started_at": fields.Datetime.now()}
        )
        self._trigger_sending(moment)
        if state == "sending" and not self.env["chaser.reminder"].search_count(
            [("campaign_id", "=", self.id), ("state", "=", "queued")], limit=1
        ):
            self._set_finished()
        self.env["chaser.daily.run"]._settle_approval(self)

    def _queue_reminders(self, moment):
        """Drafts become queued, the most important first, spread over the campaign's
        duration."""
        self.flush_recordset()
        drafts = (
            self.env["chaser.reminder"]
            .sudo()
            .search(
                [("campaign_id", "=", self.id), ("state", "in", ("draft", "queued"))],
                order="priority desc, id",
            )
        )
        moments = spread(moment, len(drafts), self.duration_hours)
        self.env.cr.execute(
            SQL(
                """UPDATE chaser_reminder r SET state = 'queued', scheduled_at = v.at
                 FROM unnest(%s::int[], %s::timestamp[]) AS v(id, at)
                 WHERE r.id = v.id""",
                drafts.ids,
                [fields.Datetime.to_string(at) for at in moments],
            )
        )
        self.env["chaser.reminder"].invalidate_model(["state", "scheduled_at"])
        self.invalidate_recordset()
        self.env["chaser.window"]._queue(self, moment)

    @api.model
    def _hand_over(self, company):
        """Campaigns of the day that wait for somebody who has left wait for whoever is
        responsible now."""
        waiting = self.search(
            [
                ("company_id", "=", company.id),
                ("state", "=", "draft"),
                ("daily_run_id", "!=", False),
            ]
        )
        people = company._get_chaser_people()
        for campaign in waiting.filtered(lambda one: one.user_id not in people):
            campaign.activity_unlink(["mail.mail_activity_data_todo"])
            campaign.user_id = company._get_chaser_daily_user()
            campaign.daily_run_id._ask_for_approval(campaign)

    @api.model
    def _cron_thank(self):
        """The scheduled job of ``chaser.thanks``."""
        self.env["chaser.thanks"]._thank_all()

    # -- setters, also used by the sending job

    def _set_paused(self, code, detail=""):
        self._by_program().write(
            {"state": "paused", **self._prepare_reason_values(code, {"detail": detail})}
        )
        self.message_post(
            body=self.env._(
                "Paused: %s", self._get_reason_text(code, {"detail": detail})
            )
        )

    def _set_finished(self):
        """Completed, or failed when nothing could be sent at all."""
        for campaign in self:
            states = set(campaign.reminder_ids.mapped("state"))
            failed = "failed" in states and "sent" not in states
            campaign._by_program().write(
                {
                    "state": "failed" if failed else "completed",
                    "completed_at": fields.Datetime.now(),
                    **self._prepare_reason_values(False),
                }
            )

    # -- Which mailbox sends what of a campaign, and when each is done

    def write(self, vals):
        result = super().write(vals)
        if {"state", "reason_code"} & set(vals):
            self._tell_moved()
        if {"provider_id", "provider_mode"} & set(vals):
            for campaign in self.filtered(
                lambda campaign: campaign.state in ("scheduled", "sending")
            ):
                campaign._ensure_mailboxes()
                campaign._trigger_sending(
                    campaign.scheduled_at if campaign.state == "scheduled" else None
                )
        return result

    # -- who sends

    def _ensure_mailboxes(self):
        """The mailboxes that send are usable, and each waiting reminder has one.

        :raises UserError: saying what a manager has to do
        """
        self.ensure_one()
        for channel in self._get_waiting_channels():
            own = self.provider_id.channel or DEFAULT_CHANNEL
            if self.provider_mode == "fixed" and channel == own:
                self._ensure_fixed_provider()
            elif not self.env["chaser.provider"]._get_usable(self.company_id, channel):
                raise UserError(
                    self.env["chaser.provider"]._get_missing_words(
                        self.company_id, channel
                    )
                )
        self._assign_mailboxes()

    def _ensure_fixed_provider(self):
        if not self.provider_id:
            self.provider_id = self.env["chaser.provider"]._get_default(self.company_id)
        if not self.provider_id:
            raise UserError(
                self.env._(
                    "%s has no mailbox to send from. A chaser manager sets one up "
                    "under Chaser ▸ Configuration ▸ Mailboxes.",
                    self.company_id.name,
                )
            )
        if self.provider_id.state != "connected":
            raise UserError(
                self.env._(
                    "The mailbox “%(name)s” is not ready (%(state)s). A chaser "
                    "manager opens it under Chaser ▸ Configuration ▸ Mailboxes "
                    "and presses Test Connection. %(error)s",
                    name=self.provider_id.name,
                    error=self.provider_id.last_error or "",
                    state=dict(
                        self.provider_id._fields["state"]._description_selection(
                            self.env
                        )
                    )[self.provider_id.state],
                )
            )

    def _assign_mailboxes(self):
        """Gives each waiting reminder its mailbox; one that the sender holds right now
        keeps its own."""
        Reminder = self.env["chaser.reminder"].sudo()
        waiting = Domain("campaign_id", "=", self.id) & Domain(
            "state", "in", ("draft", "queued")
        )
        if self.provider_mode == "fixed":
            own = self.provider_id
            waiting &= Domain("provider_id", "!=", own.id) | Domain(
                "channel", "!=", own.channel
            )
        found = Reminder.search(waiting, order="priority desc, id")
        for channel, reminders in found.grouped("channel").items():
            mailboxes = (
                self.env["chaser.provider"]
                .sudo()
                ._choose_mailboxes(
                    self.company_id,
                    channel,
                    [one.partner_id.id for one in reminders],
                    self.provider_mode == "fixed" and self.provider_id,
                )
            )
            reminders._move_to(mailboxes)

    def _trigger_sending(self, moment=None):
        """Wakes each mailbox that has something of the campaign to send."""
        self.env["chaser.reminder"].flush_model(["provider_id", "state", "campaign_id"])
        rows = self.env.execute_query(
            SQL(
                "SELECT DISTINCT provider_id FROM chaser_reminder WHERE campaign_id = "
                "ANY(%s) AND state IN ('draft', 'queued') AND provider_id IS NOT NULL",
                self.ids,
            )
        )
        for provider in (
            self.env["chaser.provider"].sudo().browse([row[0] for row in rows])
            | self.sudo().provider_id
        ):
            provider.cron_id._trigger(
                at=moment if moment and moment > fields.Datetime.now() else None
            )
        # The PDFs are made while the first messages leave, or long before where the
        # campaign is scheduled.
        if (
            self.env["chaser.template"]
            .sudo()
            .search_count([("attach_invoices", "=", "pdf")], limit=1)
        ):
            self.env["chaser.documents"]._wake_pdf_job()

    # -- when a mailbox cannot send

    def _compute_stranded_count(self):
        rows = self.env["chaser.reminder"]._read_group(
            self._get_stranded_domain(), ["campaign_id"], ["__count"]
        )
        counts = {campaign.id: count for campaign, count in rows}
        for campaign in self:
            campaign.stranded_count = (
                counts.get(campaign.id, 0)
                if campaign.state in ("scheduled", "sending", "paused")
                else 0
            )

    def _get_stranded_domain(self):
        return [
            ("campaign_id", "in", self.ids),
            ("state", "=", "queued"),
            ("provider_id.state", "!=", "connected"),
        ]

    def action_move_waiting(self):
        """Opens the choice of another mailbox for what waits in one that is not
        connected."""
        self.check_access("write")
        return self.env["chaser.mailbox.move"]._open_for(
            self.env["chaser.reminder"].search(self._get_stranded_domain())
        )
