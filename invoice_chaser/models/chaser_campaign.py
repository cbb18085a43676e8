import pytz

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..core.template_language import REQUIRED_TAGS, TemplateProblem, check
from ..core.throttle import spread

OPEN_STATES = ("draft", "scheduled", "sending", "paused")


class ChaserCampaign(models.Model):
    _name = "chaser.campaign"
    _description = "Reminder Campaign"
    _inherit = ["mail.thread", "mail.activity.mixin", "chaser.reason.mixin", "chaser.company.mixin"]
    _order = "id desc"
    _check_company_auto = True

    name = fields.Char(required=True, tracking=True)
    active = fields.Boolean(default=True)
    description = fields.Text()
    company_id = fields.Many2one("res.company", required=True, readonly=True, index=True, default=lambda self: self.env.company)
    campaign_type = fields.Selection(
        [
            ("invoice_reminder", "Invoice Reminder"), ("payment_follow_up", "Payment Follow-up"),
            ("overdue_notice", "Overdue Notice"), ("bulk_reminder", "Bulk Reminder"),
        ],
        required=True, default="invoice_reminder", tracking=True,
    )
    state = fields.Selection(
        [
            ("draft", "Draft"), ("scheduled", "Scheduled"), ("sending", "Sending"), ("paused", "Paused"),
            ("completed", "Completed"), ("failed", "Failed"), ("cancelled", "Cancelled"),
        ],
        required=True, default="draft", readonly=True, copy=False, tracking=True, index=True,
    )
    user_id = fields.Many2one("res.users", "Responsible", default=lambda self: self.env.user, tracking=True)
    provider_id = fields.Many2one("chaser.provider", "Mailbox", check_company=True, tracking=True, index="btree_not_null")
    level_id = fields.Many2one(
        "chaser.level", check_company=True, tracking=True, help="Empty: each customer gets the level that is due.", index="btree_not_null"
    )
    template_id = fields.Many2one(
        "chaser.template", check_company=True, tracking=True, help="Empty: the template of each level.", index="btree_not_null"
    )
    sender_name = fields.Char(tracking=True, help="Empty: the mailbox's own.")
    reply_to = fields.Char(tracking=True, help="Empty: the mailbox's own.")
    tag_ids = fields.Many2many("chaser.tag", string="Tags", check_company=True)
    scheduled_at = fields.Datetime("Scheduled For", tracking=True, copy=False)
    tz = fields.Selection(
        lambda self: [(tz, tz) for tz in pytz.common_timezones], "Time Zone", default=lambda self: self.env.company._get_chaser_tz(), required=True
    )
    scheduled_local = fields.Char("Local Time", compute="_compute_scheduled_local")
    duration_hours = fields.Float("Spread over (Hours)", tracking=True, aggregator=None, help="0: as fast as the mailbox may.")
    started_at = fields.Datetime(readonly=True, copy=False)
    completed_at = fields.Datetime(readonly=True, copy=False)
    left_out = fields.Text(readonly=True, copy=False, help="What was selected but cannot be chased at all.")
    reminder_ids = fields.One2many("chaser.reminder", "campaign_id", readonly=True)

    _duration_check = models.Constraint("CHECK(duration_hours >= 0)", "The duration cannot be negative.")

    @api.depends("scheduled_at", "tz")
    def _compute_scheduled_local(self):
        for campaign in self:
            moment = campaign.scheduled_at and pytz.utc.localize(campaign.scheduled_at).astimezone(pytz.timezone(campaign.tz))
            campaign.scheduled_local = moment and f"{moment:%Y-%m-%d %H:%M} ({campaign.tz})"

    @api.ondelete(at_uninstall=False)
    def _unlink_except_sent(self):
        if any(campaign.state not in ("draft", "cancelled") for campaign in self) or self.env["chaser.reminder"].sudo().search_count(
            [("campaign_id", "in", self.ids), ("state", "in", ("sending", "sent"))], limit=1
        ):
            raise UserError(self.env._("A campaign that has sent something is evidence and cannot be deleted. Archive it instead."))

    # -- actions: they only queue; the mailbox's scheduled job sends

    def action_send(self):
        """Queue the campaign's reminders for sending now. A campaign that runs or is done stays as it is.

        :raises UserError: when it is cancelled, has no usable mailbox, or a template cannot be used; nothing is queued then
        """
        for campaign in self._lock():
            if campaign.state in ("draft", "scheduled"):
                campaign._start(fields.Datetime.now())
            elif campaign.state == "paused":
                campaign.action_resume()
            elif campaign.state == "cancelled":
                raise UserError(self.env._("Campaign “%s” is cancelled. Chase the invoices again to make a new one.", campaign.name))
        return True

    def action_schedule(self, scheduled_at=None):
        """Queue the campaign for ``scheduled_at`` (UTC; default: the campaign's own field).

        :raises UserError: without a moment in the future, and as ``action_send``
        """
        for campaign in self._lock():
            moment = fields.Datetime.to_datetime(scheduled_at) or campaign.scheduled_at
            if not moment or moment <= fields.Datetime.now():
                raise UserError(self.env._("Campaign “%s”: choose a moment in the future to schedule it.", campaign.name))
            if campaign.state not in ("draft", "scheduled"):
                raise UserError(self.env._("Campaign “%s” has been started already.", campaign.name))
            campaign._start(moment, state="scheduled")
        return True

    def action_pause(self):
        """Stop after the message that is leaving right now; everything queued stays queued."""
        for campaign in self._lock():
            if campaign.state in ("scheduled", "sending"):
                campaign._set_paused("paused_by", self.env.user.name)
        return True

    def action_resume(self):
        """Go on with what is still queued. Nothing sent is sent again."""
        for campaign in self._lock():
            if campaign.state == "paused":
                campaign._check_provider()
                later = campaign.scheduled_at and not campaign.started_at and campaign.scheduled_at > fields.Datetime.now()
                campaign.write({"state": "scheduled" if later else "sending", **self._prepare_reason_values(False)})
                if not later:
                    campaign.started_at = campaign.started_at or fields.Datetime.now()
                campaign._trigger_sending(campaign.scheduled_at if later else None)
        return True

    def action_cancel(self):
        """End the campaign; what is not sent yet never will be."""
        for campaign in self._lock():
            if campaign.state in OPEN_STATES:
                campaign.reminder_ids.filtered(lambda r: r.state in ("draft", "queued")).sudo()._set_state("cancelled")
                campaign.write({"state": "cancelled", "completed_at": fields.Datetime.now()})
        return True

    def _lock(self):
        """The campaigns, writable by the user and locked until the end of the transaction, freshly read."""
        self.check_access("write")
        self.lock_for_update(allow_referencing=True)
        self.invalidate_recordset()
        return self

    def _start(self, moment, state="sending"):
        self.ensure_one()
        self._check_provider()
        self._check_templates()
        self._queue_reminders(moment)
        values = {"state": state, "scheduled_at": moment, **self._prepare_reason_values(False)}
        self.write(values if state == "scheduled" else values | {"started_at": fields.Datetime.now()})
        self._trigger_sending(moment)
        if state == "sending" and not self.env["chaser.reminder"].search_count([("campaign_id", "=", self.id), ("state", "=", "queued")], limit=1):
            self._set_finished()

    def _check_templates(self):
        for template in self._get_templates():
            try:
                for subject, body in template._get_sources().values():
                    check(subject, is_html=False)
                    check(body, REQUIRED_TAGS[template.category])
            except TemplateProblem as problem:
                raise UserError(self.env._(
                    "Template “%(name)s”: %(problem)s", name=template.name, problem=template._describe_problem(problem))) from None

    def _get_templates(self):
        Template = self.env["chaser.template"]
        levels = Template.env["chaser.level"].union(*(level for (level,) in self.env["chaser.reminder"]._read_group(
            [("campaign_id", "in", self.ids)], ["level_id"])))
        chosen = [Template._get_for_level(level, self.company_id, self.campaign_type) for level in levels or [levels]]
        return self.template_id or Template.union(*chosen)

    def _queue_reminders(self, moment):
        """Drafts become queued, the most important first, spread over the campaign's duration."""
        self.flush_recordset()
        drafts = self.env["chaser.reminder"].sudo().search([("campaign_id", "=", self.id), ("state", "in", ("draft", "queued"))], order="priority desc, id")
        moments = spread(moment, len(drafts), self.duration_hours)
        self.env.cr.execute(SQL(
            """UPDATE chaser_reminder r SET state = 'queued', scheduled_at = v.at
                 FROM unnest(%s::int[], %s::timestamp[]) AS v(id, at) WHERE r.id = v.id""",
            drafts.ids, [fields.Datetime.to_string(at) for at in moments]))
        self.env["chaser.reminder"].invalidate_model(["state", "scheduled_at"])
        self.invalidate_recordset()

    # -- setters, also used by the sending job

    def _set_paused(self, code, detail=""):
        self.write({"state": "paused", **self._prepare_reason_values(code, {"detail": detail})})
        self.message_post(body=self.env._("Paused: %s", self._get_reason_text(code, {"detail": detail})))

    def _set_finished(self):
        """Completed, or failed when nothing could be sent at all."""
        for campaign in self:
            states = set(campaign.reminder_ids.mapped("state"))
            failed = "failed" in states and "sent" not in states
            campaign.write({"state": "failed" if failed else "completed", "completed_at": fields.Datetime.now(), **self._prepare_reason_values(False)})

    # -- views

    def action_view_reminders(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("invoice_chaser.chaser_reminder_action")
        domain = [("campaign_id", "=", self.id)]
        state = self.env.context.get("chaser_state")
        return action | {"domain": domain + ([("state", "=", state)] if state else []), "context": {}}

    def action_view_events(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("invoice_chaser.chaser_event_action")
        event_type = self.env.context.get("chaser_event_type")
        domain = [("campaign_id", "=", self.id)] + ([("event_type", "=", event_type)] if event_type else [])
        return action | {"domain": domain, "context": {}}
