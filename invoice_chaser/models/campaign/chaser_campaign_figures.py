from odoo import api, fields, models
from odoo.tools import SQL, formatLang

from ...core.letter.localize import FSI, PDI
from ...core.pace.forecast import Waiting
from ...core.plan.reach import DEFAULT_CHANNEL

OPEN_STATES = ("draft", "scheduled", "sending", "paused")


class ChaserCampaignFiguresMixin(models.AbstractModel):
    """What became of a campaign and when it will be done: counted each time, never
    stored."""

    _name = "chaser.campaign.figures.mixin"
    _description = "Figures of a Campaign"

    mailbox_summary = fields.Text(
        "Mailboxes",
        compute="_compute_expected_finish",
        help="How many messages wait in each mailbox, and when it is done.",
    )
    expected_finish = fields.Datetime(
        compute="_compute_expected_finish",
        help="Estimated time of the last message.",
    )
    month_count = fields.Integer(
        "Sent This Month",
        compute="_compute_month_count",
        help="Messages of the whole company since its month began, all campaigns and "
        "mailboxes together: what its monthly limit counts.",
    )
    month_limit = fields.Integer(compute="_compute_month_count")
    customer_count = fields.Integer(
        "Customers",
        compute="_compute_state_figures",
        help="Who gets a message or got one; those that are left out do not count.",
    )
    invoice_count = fields.Integer(
        "Invoices",
        compute="_compute_state_figures",
        help="What the messages ask for; what is left out does not count.",
    )
    item_count = fields.Integer(
        "Invoices and Instalments",
        compute="_compute_state_figures",
        help="As the invoices; each instalment that is due counts.",
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
    undecided_count = fields.Integer(
        "Delivery Unknown", compute="_compute_state_figures"
    )
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
    delivery_rate = fields.Float(
        "Delivery Rate (%)",
        compute="_compute_delivery",
        aggregator=None,
        help="Confirmed by a report, or without a bounce for 72 hours, of all whose "
        "fate is known by now.",
    )
    delivery_display = fields.Char("Delivery", compute="_compute_delivery")
    channel_figures = fields.Text(
        "By Channel",
        compute="_compute_delivery",
        help="Where it went by more than one.",
    )
    last_activity_at = fields.Datetime(
        "Last Activity",
        compute="_compute_delivery",
        help="When something was sent or came back last.",
    )
    opened_count = fields.Integer("Opened", compute="_compute_event_figures")
    clicked_count = fields.Integer("Clicked", compute="_compute_event_figures")
    machine_opened_count = fields.Integer(
        "Opened by Machines", compute="_compute_event_figures"
    )
    machine_clicked_count = fields.Integer(
        "Clicked by Machines", compute="_compute_event_figures"
    )
    replied_count = fields.Integer("Answered", compute="_compute_event_figures")
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

    wait_reason = fields.Char(
        "What Holds It",
        compute="_compute_wait_reason",
        help="Why nothing of it leaves just now, and until when.",
    )

    def _tell_moved(self):
        """Tells everybody who looks at these campaigns to look again. Over the bus go
        their numbers alone: it does not know which company a reader works in."""
        if self.ids:
            self.env.ref("invoice_chaser.group_chaser_user").sudo()._bus_send(
                "invoice_chaser.campaign", {"ids": self.ids}
            )

    @api.depends("company_id")
    def _compute_month_count(self):
        now = fields.Datetime.now()
        for company, campaigns in self.grouped("company_id").items():
            campaigns.month_limit = company.chaser_monthly_limit
            campaigns.month_count = (
                self.env["chaser.provider"]._get_month_count(company, now)
                if company.chaser_monthly_limit
                else 0
            )

    @api.depends("state", "reminder_ids.state")
    @api.depends_context("lang", "tz")
    def _compute_wait_reason(self):
        """What the next message waits for; empty while one may leave."""
        now = fields.Datetime.now()
        running = self.filtered(lambda campaign: campaign.state == "sending")
        (self - running).wait_reason = False
        for campaign in running:
            following = (
                self.env["chaser.reminder"]
                .sudo()
                .search(
                    [("campaign_id", "=", campaign.id), ("state", "=", "queued")],
                    order="scheduled_at, priority desc, id",
                    limit=1,
                )
            )
            mailbox = following.provider_id
            if not following:
                campaign.wait_reason = False
            elif mailbox.state != "connected":
                campaign.wait_reason = self.env._(
                    "The mailbox “%s” is not connected.", mailbox.name
                )
            elif mailbox.hold_until and mailbox.hold_until > now:
                campaign.wait_reason = mailbox.reason
            else:
                waits = following.scheduled_at and following.scheduled_at > now
                campaign.wait_reason = waits and following.reason

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
                count(DISTINCT r.partner_id) FILTER (WHERE r.state NOT IN ('skipped',
                'cancelled')) AS customers,
                      count(*) FILTER (WHERE r.state IN ('draft', 'queued')) AS queued,
                      count(*) FILTER (WHERE r.state = 'sending') AS sending,
                      count(*) FILTER (WHERE r.state = 'sent') AS sent,
                      count(*) FILTER (WHERE r.state = 'failed') AS failed,
                      count(*) FILTER (WHERE r.state = 'skipped') AS skipped,
                      count(*) FILTER (WHERE r.is_undecided) AS undecided,
                      coalesce(sum(i.items) FILTER (WHERE r.state NOT IN ('skipped',
                      'cancelled')), 0) AS items,
                      coalesce(sum(i.moves) FILTER (WHERE r.state NOT IN ('skipped',
                      'cancelled')), 0) AS moves
                 FROM chaser_reminder r LEFT JOIN (
                    SELECT reminder_id, sum(items) AS items, count(move_id) AS moves
                      FROM (SELECT l.reminder_id, l.move_id, count(*) AS items
                              FROM chaser_reminder_line l
                              JOIN chaser_reminder q ON q.id = l.reminder_id
                             WHERE q.campaign_id = ANY(%(ids)s) AND NOT l.is_credit
                             GROUP BY 1, 2) m
                     GROUP BY 1) i ON i.reminder_id = r.id
                WHERE r.campaign_id = ANY(%(ids)s) GROUP BY r.campaign_id""",
                ids=list(self.ids),
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
            campaign.customer_count, campaign.item_count, campaign.invoice_count = (
                row["customers"],
                row["items"],
                row["moves"],
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
        counts = self.env["chaser.event.kept"].sudo()._read_campaigns(self.ids)
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

    @api.depends_context("lang")
    def _compute_delivery(self):
        delivery = self.env["chaser.delivery"]
        rows = delivery._read_campaigns(self.ids)
        last = self.env["chaser.event.kept"].sudo()._read_last(self.ids)
        mixed = [id_ for id_, row in rows.items() if row["channels"] > 1]
        self._set_channel_figures(mixed)
        for campaign in self:
            row = rows.get(campaign.id)
            campaign.delivery_rate = row and delivery._get_rate(row) or 0.0
            campaign.delivery_display = row and delivery._describe(row)
            campaign.last_activity_at = row and max(
                filter(None, (row["last_used"], last.get(campaign.id))), default=False
            )

    def _set_channel_figures(self, mixed):
        """What became of each channel's messages, where a campaign has several."""
        delivery = self.env["chaser.delivery"]
        rows = delivery._read_channels("campaign_id", mixed) if mixed else {}
        for campaign in self:
            mine = {
                code: row for (id_, code), row in rows.items() if id_ == campaign.id
            }
            lines = [
                delivery._describe_channel(code, row)
                for code, row in sorted(mine.items())
            ]
            campaign.channel_figures = len(lines) > 1 and "\n".join(lines)

    def _compute_amounts(self):
        rows = self.env.execute_query(
            SQL(
                """SELECT r.campaign_id, l.currency_id, sum(l.amount_residual),
                      sum(CASE WHEN l.is_credit
                      THEN least(0, l.amount_residual
                      - coalesce(a.amount_residual_currency, 0))
                      ELSE l.amount_residual - coalesce(a.amount_residual_currency, 0)
                      END)
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

    # -- the records behind the figures

    def action_view_reminders(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "invoice_chaser.chaser_reminder_action"
        )
        domain = [("campaign_id", "=", self.id)]
        state = self.env.context.get("chaser_state")
        return action | {
            "domain": domain + ([("state", "=", state)] if state else []),
            "context": {},
        }

    def action_view_events(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "invoice_chaser.chaser_event_action"
        )
        event_type = self.env.context.get("chaser_event_type")
        domain = [("campaign_id", "=", self.id)] + (
            [("event_type", "=", event_type)] if event_type else []
        )
        return action | {"domain": domain, "context": {}}

    # -- by which channels

    def _get_waiting_channels(self):
        """The channels of what waits; e-mail where nothing does."""
        rows = (
            self.env["chaser.reminder"]
            .sudo()
            ._read_group(
                [("campaign_id", "=", self.id), ("state", "in", ("draft", "queued"))],
                ["channel"],
            )
        )
        return [channel for (channel,) in rows] or [DEFAULT_CHANNEL]

    # -- drafts that were forgotten

    @api.model
    def _read_forgotten(self, company, days):
        """Drafts that keep their customers waiting: (name, customers, days)."""
        rows = self.env["chaser.reminder"]._read_group(
            [
                ("company_id", "=", company.id),
                ("state", "=", "draft"),
                ("campaign_id.state", "=", "draft"),
                ("campaign_id.daily_run_id", "=", False),
                (
                    "create_date",
                    "<",
                    fields.Datetime.subtract(fields.Datetime.now(), days=days),
                ),
            ],
            ["campaign_id"],
            ["partner_id:count_distinct", "create_date:min"],
        )
        now = fields.Datetime.now()
        return [
            (campaign.name, count, (now - since).days)
            for campaign, count, since in rows
        ]
