from dataclasses import replace

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL, formatLang

from ...core.letter.checker import (
    ERROR,
    WARNING,
    Finding,
    check_filled,
    check_message,
    check_texts,
)
from ...core.letter.localize import FSI, PDI
from ...core.letter.render import languages
from ...core.letter.template_language import TemplateProblem
from ...core.pace.forecast import Waiting
from .chaser_campaign import OPEN_STATES

_CHECKED_STATES = ("draft", "scheduled", "paused")


class ChaserCampaign(models.Model):
    """The figures of a campaign, its expected end, and what the checker says; all of it
    computed when read."""

    _name = "chaser.campaign"
    _inherit = ["chaser.campaign", "chaser.checker.mixin"]  # pylint: disable=consider-merging-classes-inherited  # counted and found, a subject of its own

    mailbox_summary = fields.Text(
        "Mailboxes",
        compute="_compute_expected_finish",
        help="How many messages wait in each mailbox, and when it is done.",
    )
    expected_finish = fields.Datetime(
        compute="_compute_expected_finish",
        help="When the last message leaves, if nothing else happens.",
    )
    customer_count = fields.Integer("Customers", compute="_compute_state_figures")
    item_count = fields.Integer(
        "Invoices and Instalments", compute="_compute_state_figures"
    )
    recipient_count = fields.Integer(
        "Recipients",
        compute="_compute_state_figures",
        help="Messages that went out or will.",
    )
    queued_count = fields.Integer("Queued", compute="_compute_state_figures")
    sent_count = fields.Integer("Sent", compute="_compute_state_figures")
    failed_count = fields.Integer("Failed", compute="_compute_state_figures")
    skipped_count = fields.Integer("Left Out", compute="_compute_state_figures")
    undecided_count = fields.Integer("To Settle", compute="_compute_state_figures")
    progress = fields.Float(compute="_compute_state_figures", aggregator=None)
    saved_count = fields.Integer("Messages Saved", compute="_compute_state_figures")
    saved_percent = fields.Float(
        "Saved (%)", compute="_compute_state_figures", aggregator=None
    )
    delivered_count = fields.Integer(
        "Delivered",
        compute="_compute_event_figures",
        help="Only where the mail service reports it.",
    )
    opened_count = fields.Integer("Opened", compute="_compute_event_figures")
    clicked_count = fields.Integer("Clicked", compute="_compute_event_figures")
    machine_opened_count = fields.Integer(
        "Opened by Machines", compute="_compute_event_figures"
    )
    machine_clicked_count = fields.Integer(
        "Clicked by Machines", compute="_compute_event_figures"
    )
    replied_count = fields.Integer("Replied", compute="_compute_event_figures")
    bounced_count = fields.Integer("Bounced", compute="_compute_event_figures")
    unsubscribed_count = fields.Integer(
        "Unsubscribed", compute="_compute_event_figures"
    )
    open_rate = fields.Float(
        "Open Rate (%)", compute="_compute_event_figures", aggregator=None
    )
    click_rate = fields.Float(
        "Click Rate (%)", compute="_compute_event_figures", aggregator=None
    )
    reply_rate = fields.Float(
        "Reply Rate (%)", compute="_compute_event_figures", aggregator=None
    )
    bounce_rate = fields.Float(
        "Bounce Rate (%)", compute="_compute_event_figures", aggregator=None
    )
    amount_chased = fields.Char(
        compute="_compute_amounts", help="Per currency, of the messages sent."
    )
    amount_collected = fields.Char(
        "Collected Since",
        compute="_compute_amounts",
        help="What of it has been paid or credited since.",
    )

    @api.depends("reminder_ids.state")
    def _read_state_figures(self):
        """Campaign id → how many reminders in which state, and what they are about; one
        query."""
        self.env["chaser.reminder"].flush_model(
            ["state", "campaign_id", "is_undecided"]
        )
        rows = self.env.execute_query_dict(
            SQL(
                """SELECT r.campaign_id, count(*) AS total,
                count(DISTINCT r.partner_id) AS customers,
                      count(*) FILTER (WHERE r.state IN ('draft', 'queued')) AS queued,
                      count(*) FILTER (WHERE r.state = 'sending') AS sending,
                      count(*) FILTER (WHERE r.state = 'sent') AS sent,
                      count(*) FILTER (WHERE r.state = 'failed') AS failed,
                      count(*) FILTER (WHERE r.state = 'skipped') AS skipped,
                      count(*) FILTER (WHERE r.is_undecided) AS undecided,
                      coalesce(sum(i.items), 0) AS items,
                      coalesce(sum(i.moves) FILTER (WHERE r.state NOT IN ('skipped',
                      'cancelled')), 0) AS moves
                 FROM chaser_reminder r
                 LEFT JOIN LATERAL (SELECT count(*) AS items,
                 count(DISTINCT l.move_id) AS moves FROM chaser_reminder_line l
                                     WHERE l.reminder_id = r.id
                                     AND NOT l.is_credit) i ON true
                WHERE r.campaign_id IN %s GROUP BY r.campaign_id""",
                tuple(self.ids or [0]),
            )
        )
        return {row["campaign_id"]: row for row in rows}

    def _compute_state_figures(self):
        figures = self._read_state_figures()
        for campaign in self:
            row = figures.get(campaign.id) or dict.fromkeys(
                (
                    "total",
                    "customers",
                    "queued",
                    "sending",
                    "sent",
                    "failed",
                    "skipped",
                    "undecided",
                    "items",
                    "moves",
                ),
                0,
            )
            messages = row["queued"] + row["sending"] + row["sent"] + row["failed"]
            campaign.customer_count, campaign.item_count = (
                row["customers"],
                row["items"],
            )
            campaign.recipient_count, campaign.queued_count = (
                messages,
                row["queued"] + row["sending"],
            )
            campaign.sent_count, campaign.failed_count = row["sent"], row["failed"]
            campaign.skipped_count, campaign.undecided_count = (
                row["skipped"],
                row["undecided"],
            )
            campaign.progress = (
                100.0 * (row["sent"] + row["failed"]) / messages
                if messages
                else 100.0 * (campaign.state == "completed")
            )
            campaign.saved_count = max(row["moves"] - messages, 0)
            campaign.saved_percent = (
                100.0 * campaign.saved_count / row["moves"] if row["moves"] else 0.0
            )

    def _compute_event_figures(self):
        rows = self.env.execute_query(
            SQL(
                """SELECT campaign_id, event_type, coalesce(verdict,
                'human') <> 'machine' AS people, count(DISTINCT reminder_id)
                 FROM chaser_event WHERE campaign_id IN %s GROUP BY 1, 2, 3""",
                tuple(self.ids or [0]),
            )
        )
        counts = {
            (campaign_id, event_type, people): count
            for campaign_id, event_type, people, count in rows
        }
        for campaign in self:
            for event_type in (
                "delivered",
                "opened",
                "clicked",
                "replied",
                "bounced",
                "unsubscribed",
            ):
                campaign[f"{event_type}_count"] = counts.get(
                    (campaign.id, event_type, True), 0
                )
            campaign.machine_opened_count = counts.get(
                (campaign.id, "opened", False), 0
            )
            campaign.machine_clicked_count = counts.get(
                (campaign.id, "clicked", False), 0
            )
            sent = campaign.sent_count
            for rate, count in (
                ("open", "opened"),
                ("click", "clicked"),
                ("reply", "replied"),
                ("bounce", "bounced"),
            ):
                campaign[f"{rate}_rate"] = (
                    min(100.0, 100.0 * campaign[f"{count}_count"] / sent)
                    if sent
                    else 0.0
                )

    def _compute_amounts(self):
        rows = self.env.execute_query(
            SQL(
                """SELECT r.campaign_id, l.currency_id, sum(l.amount_residual),
                      sum(CASE WHEN l.is_credit THEN 0 ELSE l.amount_residual -
                      coalesce(a.amount_residual_currency, 0) END)
                 FROM chaser_reminder r JOIN chaser_reminder_line l ON l.reminder_id =
                 r.id
                 LEFT JOIN account_move_line a ON a.id = l.move_line_id
                WHERE r.campaign_id IN %s AND r.state = 'sent'
                AND r.purpose = 'reminder' AND l.dropped_code IS NULL
                GROUP BY 1, 2 ORDER BY 2""",
                tuple(self.ids or [0]),
            )
        )
        for campaign in self:
            mine = [row for row in rows if row[0] == campaign.id]
            campaign.amount_chased = self._format_amounts(
                (currency, chased) for _id, currency, chased, _collected in mine
            )
            campaign.amount_collected = self._format_amounts(
                (currency, collected) for _id, currency, _chased, collected in mine
            )

    def _format_amounts(self, amounts):
        """Amounts side by side, one per currency. Each is isolated, because on an
        Arabic screen the figures of neighbouring amounts would mix."""
        currencies = self.env["res.currency"]
        texts = [
            formatLang(self.env, amount, currency_obj=currencies.browse(currency))
            for currency, amount in amounts
        ]
        return (
            "  ·  ".join(f"{FSI}{text}{PDI}" for text in texts)
            if len(texts) > 1
            else "".join(texts)
        )

    # -- when it will be done

    @api.depends(
        "provider_mode",
        "provider_id",
        "state",
        "scheduled_at",
        "duration_hours",
        "reminder_ids.state",
        "reminder_ids.provider_id",
    )
    @api.depends_context("lang", "tz")
    def _compute_expected_finish(self):
        Simulator = self.env["chaser.simulator"]
        waiting = self._read_waiting()
        running = self.filtered(
            lambda campaign: campaign.state in ("scheduled", "sending")
        )
        finish = self._get_mailboxes(waiting, running)._forecast() if running else {}
        for campaign in self:
            campaign_id = campaign._origin.id
            mine = waiting.get(campaign_id, {}) if campaign.state in OPEN_STATES else {}
            if campaign not in running and mine:
                finish |= campaign._forecast_start(mine, with_queue=len(self) == 1)
            ends = {
                provider_id: finish[provider_id, campaign_id]
                for provider_id in mine
                if (provider_id, campaign_id) in finish
            }
            counts = {provider_id: len(rows) for provider_id, rows in mine.items()}
            campaign.expected_finish = Simulator._get_last(counts, ends)
            campaign.mailbox_summary = Simulator._describe_mailboxes(counts, ends)

    def _read_waiting(self):
        """Campaign id → mailbox id → its waiting messages as (order, domain, commercial
        partner id)."""
        self.env["chaser.reminder"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT campaign_id, provider_id, priority, id, recipient_domain,
                partner_id FROM chaser_reminder
                WHERE campaign_id = ANY(%s) AND state IN ('draft', 'queued')
                AND provider_id IS NOT NULL ORDER BY priority DESC, id""",
                self._origin.ids,
            )
        )
        waiting = {}
        for campaign_id, provider_id, priority, reminder_id, domain, partner_id in rows:
            waiting.setdefault(campaign_id, {}).setdefault(provider_id, []).append(
                ((-(priority or 0), reminder_id), domain or "", partner_id)
            )
        return waiting

    def _get_mailboxes(self, waiting, campaigns):
        ids = {
            provider_id
            for campaign in campaigns
            for provider_id in waiting.get(campaign._origin.id, {})
        }
        return self.env["chaser.provider"].sudo().browse(sorted(ids))

    def _forecast_start(self, mine, with_queue):
        """The forecast of a campaign that does not run yet, as if it began at its
        time."""
        start = max(self.scheduled_at or fields.Datetime.now(), fields.Datetime.now())
        ordered = sorted(
            (*row, provider_id) for provider_id, rows in mine.items() for row in rows
        )
        departures = self.env["chaser.window"]._plan_departures(
            self.company_id, start, [row[2] for row in ordered], self.duration_hours
        )
        extra = {}
        for (order, domain, _partner_id, provider_id), (moment, window) in zip(
            ordered, departures, strict=True
        ):
            extra.setdefault(provider_id, []).append(
                Waiting(order, domain, moment, self._origin.id, window)
            )
        return (
            self.env["chaser.provider"]
            .sudo()
            .browse(extra)
            ._forecast(extra, with_queue=with_queue)
        )

    # -- the checker: the letters a campaign will send, with the data of its largest
    # message per level and language

    findings = fields.Json(
        compute="_compute_findings",
        help="What the checker says before the campaign is sent.",
    )
    findings_note = fields.Char(compute="_compute_findings")

    @api.depends("state", "template_id", "campaign_type", "reminder_ids.state")
    @api.depends_context("lang")
    def _compute_findings(self):
        for campaign in self:
            campaign.findings, campaign.findings_note = False, False
            if campaign.state in _CHECKED_STATES and campaign._origin:
                campaign.findings, campaign.findings_note = (
                    campaign._origin._check_letters()
                )

    def _check_letters(self):
        """Findings as plain values, and the sentence on what was looked at. The number
        of queries depends on the levels alone."""
        self.ensure_one()
        samples, total = self._read_samples()
        templates = {
            level_id: self._get_sample_template(level_id)
            for level_id in {sample["level_id"] for sample in samples}
        }
        composer, Partner = (
            self.env["chaser.composer"].with_company(self.company_id),
            self.env["res.partner"],
        )
        partners = Partner.browse(sample["partner_id"] for sample in samples)
        previews = (
            composer._get_previews(
                [
                    (partner, set(sample["line_ids"]))
                    for partner, sample in zip(partners, samples, strict=True)
                ],
                self.company_id,
            )
            if samples
            else []
        )
        values, texts = [], {}
        for sample, data in zip(samples, previews, strict=True):
            template = templates[sample["level_id"]]
            if template not in texts:
                texts[template] = template._get_sources() if template else {}
                values += self._prepare_findings(
                    self._check_sources(texts[template]), template
                )
            values += self._prepare_findings(
                self._check_sample(sample, data, texts[template]), template
            )
        note = self.env._(
            "Checked on %(checked)s of %(total)s messages: the largest of each level "
            "and language.",
            checked=len(samples),
            total=total,
        )
        return self._unite_findings(values), note if samples else False

    @api.model
    def _unite_findings(self, values):
        """Each finding once, errors first."""
        once = {
            (one["code"], one["template"], one["place"], one["text"]): one
            for one in values
        }
        return sorted(once.values(), key=lambda one: one["severity"] != ERROR)

    def _read_samples(self):
        """Of each level and language the waiting reminder with most items, and how many
        reminders wait in all."""
        self.env["chaser.reminder"].flush_model(
            ["campaign_id", "state", "level_id", "language", "partner_id"]
        )
        self.env["chaser.reminder.line"].flush_model()
        waiting = self.env.execute_query_dict(
            SQL(
                "SELECT id, level_id, language, partner_id FROM chaser_reminder WHERE "
                "campaign_id = %s AND state IN ('draft', 'queued') ORDER BY id",
                self.id,
            )
        )
        # By their ids and not by a join: the lines have just been written, PostgreSQL
        # does not know yet how many they are, and a join that it plans for a few took
        # half a minute for 20,000.
        counts = dict(
            self.env.execute_query(
                SQL(
                    "SELECT reminder_id, count(*) %s GROUP BY reminder_id",
                    self._get_live_lines_sql(row["id"] for row in waiting),
                )
            )
        )
        largest = {}
        for row in sorted(
            waiting, key=lambda row: (-counts.get(row["id"], 0), row["id"])
        ):
            largest.setdefault((row["level_id"] or 0, row["language"] or ""), row)
        samples = [largest[key] for key in sorted(largest)]
        line_ids = dict(
            self.env.execute_query(
                SQL(
                    "SELECT reminder_id, array_agg(move_line_id) %s GROUP BY "
                    "reminder_id",
                    self._get_live_lines_sql(row["id"] for row in samples),
                )
            )
        )
        return [
            row
            | {
                "items": counts.get(row["id"], 0),
                "line_ids": line_ids.get(row["id"], ()),
            }
            for row in samples
        ], len(waiting)

    @api.model
    def _get_live_lines_sql(self, reminder_ids):
        return SQL(
            "FROM chaser_reminder_line WHERE reminder_id = ANY(%s) AND NOT is_credit "
            "AND dropped_code IS NULL",
            list(reminder_ids),
        )

    def _get_sample_template(self, level_id):
        level = self.env["chaser.level"].browse(level_id or ())
        return self.template_id or self.env["chaser.template"]._get_for_level(
            level, self.company_id, self.campaign_type
        )

    def _check_sources(self, sources):
        if "en" not in sources:
            return [Finding("no_template", ERROR)]
        found = check_texts(
            sources["en"], sources.get("ar"), self.company_id.chaser_allow_sensitive
        )
        # That Arabic is missing matters only where a message of the campaign wants it:
        # see _check_sample.
        return [one for one in found if one.code != "no_arabic"]

    def _check_sample(self, sample, data, sources):
        """One message with its own data: tags without a value, facts in one language
        alone, size."""
        if "en" not in sources or not data:
            return []
        wanted = languages(sample["language"] or "en")
        found = (
            [] if set(wanted) <= set(sources) else [Finding("no_arabic", WARNING, "ar")]
        )
        level = self.env["chaser.level"].browse(sample["level_id"] or ())
        names = {
            lang: level.with_context(lang=code).name or ""
            for lang, code in self.env["res.lang"]._get_chaser_codes().items()
        }
        data = replace(
            data,
            level_name=names,
            unsubscribe_url=f"{self.get_base_url()}/chaser/u/sample",
        )
        try:
            return [
                *found,
                *check_filled(sources, data, wanted),
                *check_message(sources, data, sample["language"] or "en"),
            ]
        except TemplateProblem as problem:
            return [Finding("template", ERROR, params={"problem": problem})]

    # -- in the way of sending

    def _check_findings(self):
        """Errors of the checker stop a campaign; the templates' own syntax was looked
        at first.

        :raises UserError: naming template, place and finding
        """
        for campaign in self:
            values, _note = campaign._check_letters()
            if any(one["severity"] == ERROR for one in values):
                raise UserError(
                    self.env._(
                        "Campaign “%(name)s” cannot be sent as long as this is "
                        "open:\n%(findings)s",
                        name=campaign.name,
                        findings=self._format_findings(values),
                    )
                )

    def action_confirm_send(self):
        """Send, after asking where the checker has warnings. Programs call
        ``action_send``, which does not ask."""
        return self._ask_or_do("action_send")

    def action_confirm_schedule(self):
        return self._ask_or_do("action_schedule")

    def _ask_or_do(self, method, then=None):
        """The method at once, or a question with the warnings first; ``then``: an
        action to go on with, whatever the answer."""
        self.ensure_one()
        self.check_access("write")
        values, note = self._check_letters()
        warnings = self._format_findings(values, WARNING)
        if warnings and not any(one["severity"] == ERROR for one in values):
            return {
                "type": "ir.actions.client",
                "tag": "chaser_ask",
                "params": {
                    "title": self.env._("Send all the same?"),
                    "body": "\n\n".join(filter(None, (warnings, note))),
                    "model": self._name,
                    "id": self.id,
                    "method": method,
                    "next": then or False,
                },
            }
        result = getattr(self, method)()
        return then or result
