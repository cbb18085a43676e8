import logging
from collections import Counter
from dataclasses import replace

import psycopg2

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL, plaintext2html

from ...core.plan.planner import WAITING
from ..common.conflicts import CONFLICTS, advisory_lock, quiet_conflicts

_logger = logging.getLogger(__name__)
# First key of the advisory lock: "day" in ASCII; the second is the company's id.
_LOCK_SPACE = 0x646179
BATCH_CUSTOMERS = 500
_MAX_ATTEMPTS = 3
# Drafts older than so many days are named in the digest; so many documents are.
_FORGOTTEN_DAYS, _NAMED = 7, 10


class ChaserDailyRun(models.Model):
    """The daily run of a company: which customers get what today. One row per company
    and day; a run that was stopped goes on where it ended."""

    _name = "chaser.daily.run"
    _description = "Daily Run"
    _inherit = ["mail.thread", "chaser.reason.mixin", "chaser.company.mixin"]
    _order = "date desc, id desc"

    name = fields.Char(readonly=True)
    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, index=True
    )
    date = fields.Date(required=True, readonly=True, help="In the company's time zone.")
    state = fields.Selection(
        [("planning", "Planning"), ("done", "Done"), ("failed", "Failed")],
        required=True,
        default="planning",
        readonly=True,
    )
    cursor = fields.Integer(
        readonly=True,
        help="The last customer that is planned; a run that was stopped goes on after "
        "this one.",
    )
    attempt_count = fields.Integer(readonly=True, aggregator=None)
    receivables = fields.Float(
        readonly=True,
        help="All open receivables when the run began: the measure of the priority, "
        "the same for every batch.",
    )
    figures = fields.Json(readonly=True, default=dict)
    campaign_ids = fields.One2many(
        "chaser.campaign", "daily_run_id", "Campaigns", readonly=True
    )
    finished_at = fields.Datetime(readonly=True)
    message_count = fields.Integer("Reminders", compute="_compute_summary")
    held_count = fields.Integer("Left Out", compute="_compute_summary")
    waiting_count = fields.Integer("Waiting for Their Turn", compute="_compute_summary")
    summary = fields.Text(compute="_compute_summary")

    _day_uniq = models.UniqueIndex(
        "(company_id, date)", "This company has a daily run for that day already."
    )
    held_ids = fields.Json(
        "Left Out Before",
        readonly=True,
        help="Records of earlier days (reminders) that still say why a customer is "
        "left out.",
    )

    @api.depends("figures", "state", "reason_code", "reason_params")
    @api.depends_context("lang")
    def _compute_summary(self):
        for run in self:
            figures = run.figures or {}
            run.message_count = figures.get("messages", 0)
            run.held_count = sum(figures.get("held", {}).values())
            run.waiting_count = sum(figures.get("waiting", {}).values())
            run.summary = "\n".join(run._describe())

    def _describe(self):
        """The digest, line by line, in the language of the environment."""
        figures, titles = self.figures or {}, self._get_reason_titles()
        yield self.env._(
            "%(messages)s messages to %(customers)s customers.",
            messages=figures.get("messages", 0),
            customers=figures.get("customers", 0),
        )
        levels = (
            self.env["chaser.level"]
            .sudo()
            .browse(int(key) for key in figures.get("levels", {}))
            .exists()
        )
        for level in levels.sorted("sequence"):
            yield self.env._(
                "%(level)s: %(count)s",
                level=level.name,
                count=figures["levels"][str(level.id)],
            )
        for key, heading in (
            ("held", self.env._("Left out:")),
            ("waiting", self.env._("Waiting for their turn:")),
        ):
            if counts := figures.get(key):
                yield heading
                for code, count in sorted(counts.items(), key=lambda pair: -pair[1]):
                    yield (
                        f"– {titles.get(code) or self._get_reason_text(code)} ({count})"
                    )
        yield from self._describe_odd(figures)
        for name, count, days in figures.get("forgotten", ()):
            yield self.env._(
                "%(count)s customers have waited for %(days)s days for the draft "
                "“%(name)s”: send or cancel it.",
                count=count,
                days=days,
                name=name,
            )
        if self.reason:
            yield self.reason

    def _describe_odd(self, figures):
        odd = {
            "nameless": self.env._("Without a customer, so nobody can be asked"),
            "accountless": self.env._("On no receivable account, so nothing is asked"),
        }
        for key, words in odd.items():
            if names := figures.get(key):
                more = " …" if len(names) > _NAMED else ""
                yield f"{words}: {', '.join(names[:_NAMED])}{more}"

    @api.model
    def _get_reason_titles(self):
        """Short names of what the planner answers, for counts."""
        # pylint: disable=prefer-env-translation  # this is what _ stands for here
        _ = self.env._
        return {
            **{
                code: _("No usable e-mail address")
                for code in (
                    "no_email",
                    "address_form",
                    "address_domain",
                    "address_local",
                    "address_quoted",
                )
            },
            "suppressed": _("Address stopped"),
            "blacklisted": _("Address on Odoo's blacklist"),
            "paused": _("Customer paused"),
            "recent_contact": _("Contacted lately"),
            "week_limit": _("Enough messages this week"),
            "below_minimum": _("Below the minimum amount"),
            "holdout": _("Drawn to wait, to measure the effect"),
            "holdout_wait": _("Waits, to measure the effect"),
            "live_reminder": _("Another reminder is on its way"),
            "covered_by_credit": _("Covered by open credits"),
            "no_followup": _("Invoice not to be followed up"),
            "disputed": _("Invoice disputed"),
            "promised": _("Payment promised"),
            "level_wait": _("Already reminded at this level"),
            "below_first_level": _("No level applies yet"),
            **{
                f"hold_{code}": _("On hold: %s", name)
                for code, name in self.env["chaser.hold"]
                ._fields["code"]
                ._description_selection(self.env)
            },
        }

    def action_view_campaigns(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "invoice_chaser.chaser_campaign_action"
        )
        if len(self.campaign_ids) == 1:
            return {
                "type": "ir.actions.act_window",
                "res_model": "chaser.campaign",
                "res_id": self.campaign_ids.id,
                "view_mode": "form",
            }
        return action | {"domain": [("daily_run_id", "=", self.id)], "context": {}}

    # -- scheduled job

    @api.model
    def _cron_run(self):
        """Plans the day of each company whose time has come. Safe to run at any time,
        on any number of servers: one process per company at a time (advisory lock), one
        row per company and day, and each batch moves the cursor in the transaction that
        writes its reminders."""
        companies = self.env["res.company"].search([("chaser_daily", "=", True)])
        for company in companies.sorted("id"):
            # Stored names are in the language of the person who reads them.
            run = self.with_company(company).with_context(
                lang=company._get_chaser_daily_user().lang or self.env.lang
            )
            with quiet_conflicts(), run._company_lock(company) as alone:
                try:
                    if alone and not run._run_company(company):
                        return
                except CONFLICTS:
                    # Somebody changed the same rows: what was not committed is undone,
                    # and the next call does it again.
                    self.env.cr.rollback()
                    self.env.invalidate_all(flush=False)
                    self.env.ref("invoice_chaser.ir_cron_daily_run")._trigger()

    def _company_lock(self, company):
        """True for the only process that plans this company. The lock belongs to the
        connection and outlives commits."""
        return advisory_lock(self.env.cr, _LOCK_SPACE, company.id)

    def _run_company(self, company):
        """Returns whether there is time left for the next company."""
        self.env["chaser.campaign"]._hand_over(company)
        run = self._open_due_run(company)
        while run and run.state == "planning":
            self.env.cr.flush()
            try:
                with self.env.cr.savepoint():
                    done = run._plan_batch()
            except (psycopg2.InterfaceError, *CONFLICTS):
                raise
            except Exception as error:
                _logger.exception(
                    "The daily run of company %s could not plan a batch after "
                    "customer %s",
                    company.id,
                    run.cursor,
                )
                self.env.invalidate_all(flush=False)
                run._set_failed(error)
                done = 0
            if (
                self.env["ir.cron"]._commit_progress(
                    done, remaining=int(run.state == "planning")
                )
                <= 0
            ):
                return False
        return True

    @api.model
    def _open_due_run(self, company):
        """Today's run if its time has come and it is not done. Creates it, or tries a
        failed one again."""
        today = company._get_chaser_today()
        if fields.Datetime.now() < company._get_chaser_daily_moment(today):
            return self.browse()
        run = self.search([("company_id", "=", company.id), ("date", "=", today)])
        if not run and company._is_chaser_day_off(today):
            return run
        if not run:
            self._supersede(company)
            run = self.create(
                {
                    "name": self.env._("Daily run %s", fields.Date.to_string(today)),
                    "company_id": company.id,
                    "date": today,
                    "receivables": self.env["chaser.worklist"]
                    .sudo()
                    ._read_receivables(company),
                }
            )
        elif run.state == "failed" and run.attempt_count < _MAX_ATTEMPTS:
            run.write({"state": "planning", **self._prepare_reason_values(False)})
        return run.filtered(lambda one: one.state == "planning")

    @api.model
    def _supersede(self, company):
        """Cancels campaigns of earlier days that nobody approved; today's plan contains
        their customers with fresh figures."""
        old = self.env["chaser.campaign"].search(
            [
                ("company_id", "=", company.id),
                ("daily_run_id", "!=", False),
                ("state", "=", "draft"),
            ]
        )
        old.action_cancel()
        for campaign in old:
            campaign.message_post(
                body=self.env._(
                    "Not approved in time: the next daily run has planned these "
                    "customers again."
                )
            )

    def _set_failed(self, error):
        attempts = self.attempt_count + 1
        self.write(
            {
                "state": "failed",
                "attempt_count": attempts,
                **self._prepare_reason_values(
                    "daily_failed", {"detail": f"{type(error).__name__}: {error}"[:300]}
                ),
            }
        )
        if attempts >= _MAX_ATTEMPTS:
            self._tell(always=True)

    # -- planning

    def _plan_batch(self):
        """The next customers, in the order of their ids; returns how many. Without any
        left the run is finished."""
        if not self.cursor:
            # First update what the plan depends on: promises whose day has passed, and
            # money that came in and may hold customers.
            self.env["chaser.promise"]._update_passed(self.company_id)
            self.env["chaser.maybe.paid"]._refresh(self.company_id)
        plan = self.env["chaser.planner"]._plan_open(
            self.company_id, limit=BATCH_CUSTOMERS, after=self.cursor
        )
        if not plan.customers:
            self._finish()
            return 0
        plan.receivables = self.receivables
        recorded = self._leave_standing(
            [
                message
                for message in plan.messages
                if not message.skip or message.skip.reason not in WAITING
            ]
        )
        for needs_approval, messages in self._split(recorded):
            if messages:
                campaign = self._ensure_campaign(needs_approval)
                writer = campaign.env["chaser.plan.writer"]
                writer._create_reminders(campaign, replace(plan, messages=messages))
        self.write(
            {
                "cursor": max(customer.partner_id for customer in plan.customers),
                "figures": self._add_figures(plan.messages),
            }
        )
        return len(plan.customers)

    def _split(self, messages):
        """Pairs (needs approval, messages); a customer's messages stay together.
        Messages that are left out go with those to be approved."""
        if self.company_id.chaser_daily_approval:
            return [(True, messages)]
        strict = {
            message.partner_id
            for message in messages
            if not message.skip
            and message.choice.level
            and message.choice.level.requires_approval
        }
        return [
            (
                False,
                [message for message in messages if message.partner_id not in strict],
            ),
            (True, [message for message in messages if message.partner_id in strict]),
        ]

    def _add_figures(self, messages):
        old = self.figures or {}
        levels, held, waiting = (
            Counter(old.get(key, {})) for key in ("levels", "held", "waiting")
        )
        going = [message for message in messages if not message.skip]
        levels.update(str(message.level_id) for message in going)
        for message in messages:
            if message.skip:
                (waiting if message.skip.reason in WAITING else held)[
                    message.skip.reason
                ] += 1
        return {
            "messages": old.get("messages", 0) + len(going),
            "levels": dict(levels),
            "held": dict(held),
            "waiting": dict(waiting),
            "customers": old.get("customers", 0)
            + len({message.partner_id for message in going}),
        }

    def _ensure_campaign(self, needs_approval):
        company = self.company_id
        kind = "approval" if needs_approval else "auto"
        # What a person has sent or cancelled meanwhile stays as they decided it.
        found = self.campaign_ids.filtered(
            lambda campaign: campaign.daily_kind == kind and campaign.state == "draft"
        )
        return found or self.env["chaser.campaign"].create(
            {
                "name": self.env._("Daily run %s", fields.Date.to_string(self.date))
                + ("" if needs_approval else self.env._(" (sent by itself)")),
                "company_id": company.id,
                "daily_run_id": self.id,
                "daily_kind": kind,
                "tz": company._get_chaser_tz(),
                "user_id": company._get_chaser_daily_user().id,
                "provider_id": self.env["chaser.provider"]._get_default(company).id,
            }
        )

    # -- the end

    def _finish(self):
        """Everything is planned: campaigns with something to send are sent, or wait for
        approval; the others go."""
        if not self.message_count:
            self.campaign_ids.unlink()
        odd = {
            "nameless": self.env["chaser.account"]._read_nameless(self.company_id),
            "accountless": self.env["chaser.account"]._read_accountless(
                self.company_id
            ),
            "forgotten": self.env["chaser.campaign"]._read_forgotten(
                self.company_id, _FORGOTTEN_DAYS
            ),
        }
        self.write(
            {
                "state": "done",
                "finished_at": fields.Datetime.now(),
                "figures": (self.figures or {}) | odd,
            }
        )
        for campaign in self.campaign_ids:
            if campaign.daily_kind == "auto" and campaign.state == "draft":
                self._send_by_itself(campaign)
            if campaign.state == "draft":
                self._ask_for_approval(campaign)
        self._tell()

    def _send_by_itself(self, campaign):
        """Queues the campaign without a person; on an error a person is asked."""
        self.env.cr.flush()
        try:
            with self.env.cr.savepoint():
                campaign.action_send()
        except UserError as error:
            self.env.invalidate_all(flush=False)
            self.write(
                self._prepare_reason_values("daily_not_sent", {"detail": str(error)})
            )

    def _ask_for_approval(self, campaign):
        user = campaign.user_id
        run = self.with_context(lang=user.lang or self.env.lang)
        count = self.env["chaser.reminder"].search_count(
            [("campaign_id", "=", campaign.id), ("state", "=", "draft")]
        )
        campaign.activity_schedule(
            "mail.mail_activity_data_todo",
            user_id=user.id or self.env.uid,
            note=run.reason or False,
            summary=run.env._("%s reminders of today wait for your approval", count),
        )

    @api.model
    def _settle_approval(self, campaign):
        """A user has decided on the campaign of a day, so the activity that asks for it
        is done."""
        if campaign.daily_run_id:
            campaign.sudo().activity_feedback(
                ["mail.mail_activity_data_todo"],
                feedback=self.env._("Approved and queued."),
            )

    @api.model
    def _drop_approval(self, campaigns):
        campaigns.filtered("daily_run_id").sudo().activity_unlink(
            ["mail.mail_activity_data_todo"]
        )

    def _tell(self, always=False):
        """The digest: on the run, on its campaigns, and to the responsible person if
        the company wants that."""
        user = self.company_id._get_chaser_daily_user(unset=always)
        run = self.with_context(lang=user.lang or self.env.lang)
        something = (
            always
            or run.message_count
            or run.held_count
            or (run.figures or {}).get("forgotten")
        )
        notify = (
            user.partner_id
            if something and self.company_id.chaser_daily_digest
            else self.env["res.partner"]
        )
        body = plaintext2html(run.summary)
        run.message_post(
            body=body,
            subject=run.env._("Daily run %s", fields.Date.to_string(run.date)),
            partner_ids=notify.ids,
        )
        for campaign in run.campaign_ids:
            campaign.message_post(body=body)

    @api.autovacuum
    def _gc_quiet_runs(self):
        """Deletes runs without a campaign after a year."""
        limit = fields.Date.subtract(fields.Date.today(), days=365)
        self.search([("date", "<", limit), ("campaign_ids", "=", False)]).unlink()

    # -- A customer who is left out gets a record when that begins or changes, not each
    # day

    def _leave_standing(self, messages):
        """The messages of a plan that need a record. A customer who is left out for the
        same reason as before has one already; its id is kept on the run."""
        held = [message for message in messages if message.skip]
        known = self._read_standing({message.partner_id for message in held})
        standing = {
            id(message): known.get(self._get_held_key(message)) for message in held
        }
        self.held_ids = sorted(
            {*(self.held_ids or ()), *filter(None, standing.values())}
        )
        return [message for message in messages if not standing.get(id(message))]

    def _get_held_key(self, message):
        params = tuple(
            sorted(
                (name, str(value))
                for name, value in (message.skip.params or {}).items()
            )
        )
        return (
            message.partner_id,
            message.skip.reason,
            params,
            tuple(sorted(item.id for item in message.items)),
        )

    def _read_standing(self, partner_ids):
        """(customer, reason, its values, items) → the last record of a daily run about
        it; records that were followed by a reminder do not count."""
        if not partner_ids:
            return {}
        for model in ("chaser.reminder", "chaser.reminder.line", "chaser.campaign"):
            self.env[model].flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT r.id, r.partner_id, r.reason_code, r.reason_params,
                array_agg(l.move_line_id ORDER BY l.move_line_id)
                 FROM chaser_reminder r JOIN chaser_campaign c ON c.id = r.campaign_id
                 JOIN chaser_reminder_line l ON l.reminder_id = r.id
                WHERE r.company_id = %s AND r.partner_id = ANY(%s)
                AND r.state = 'skipped' AND c.daily_run_id IS NOT NULL
                AND NOT l.is_credit
                  AND l.move_line_id IS NOT NULL AND NOT EXISTS (
                      SELECT 1 FROM chaser_reminder o WHERE o.company_id = r.company_id
                      AND o.partner_id = r.partner_id AND o.state = 'sent'
                      AND o.id > r.id)
                GROUP BY r.id ORDER BY r.id""",
                self.company_id.id,
                list(partner_ids),
            )
        )
        return {
            (
                partner_id,
                code,
                tuple(
                    sorted((name, str(value)) for name, value in (params or {}).items())
                ),
                tuple(items),
            ): reminder_id
            for reminder_id, partner_id, code, params, items in rows
        }

    def action_view_held(self):
        """Everybody who was left out on this day and why, also where that was written
        down on an earlier day."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "invoice_chaser.chaser_reminder_action"
        )
        own = [("campaign_id", "in", self.campaign_ids.ids), ("state", "=", "skipped")]
        domain = ["|", ("id", "in", self.held_ids or []), "&", *own]
        return action | {
            "name": self.env._("Left Out"),
            "domain": domain,
            "context": {},
        }
