import logging

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from ...core.plan.gates import Elsewhere, Hold, Skip
from ...core.status.status import HUMAN_EVENTS, RANK, STATUS_OF_EVENT, STATUS_OF_STATE

_logger = logging.getLogger(__name__)


class ChaserReminder(models.Model):
    """One message to one customer about one or many open items."""

    _name = "chaser.reminder"
    _description = "Payment Reminder"
    _inherit = [
        "chaser.reason.mixin",
        "chaser.statement.buttons.mixin",
        "chaser.channel.mixin",
        "chaser.token.mixin",
        "chaser.kept.message.mixin",
    ]
    _order = "id desc"
    _rec_name = "subject"

    campaign_id = fields.Many2one(
        "chaser.campaign", readonly=True, index=True, ondelete="cascade"
    )
    partner_id = fields.Many2one(
        "res.partner",
        "Customer",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, index=True
    )
    contact_id = fields.Many2one(
        "res.partner",
        "Site",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
        help="The invoice contact who gets the invoices of their site alone.",
    )
    provider_id = fields.Many2one(
        "chaser.provider", "Mailbox", readonly=True, ondelete="restrict"
    )
    level_id = fields.Many2one(
        "chaser.level", readonly=True, index="btree_not_null", ondelete="restrict"
    )
    template_version_id = fields.Many2one(
        "chaser.template.version",
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
    )
    purpose = fields.Selection(
        [
            ("reminder", "Reminder"),
            ("thanks", "Thank-You"),
            ("copy", "Copy on Request"),
            ("colleague", "Copy to a Colleague"),
        ],
        default="reminder",
        required=True,
        readonly=True,
    )
    copy_of_id = fields.Many2one(
        "chaser.reminder", readonly=True, index="btree_not_null", ondelete="cascade"
    )
    split_move_id = fields.Many2one(
        "account.move",
        "Only Invoice",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
        help="Set where the customer gets one message per invoice.",
    )
    line_ids = fields.One2many("chaser.reminder.line", "reminder_id", readonly=True)
    language = fields.Selection(
        [("en", "English"), ("ar", "Arabic"), ("both", "Arabic and English")],
        readonly=True,
        default="en",
    )
    channel_rest = fields.Json(
        readonly=True,
        help="The channels that come after it in the order, for when it does not "
        "reach the customer.",
    )
    channel_since = fields.Datetime(
        readonly=True,
        help="Set where it fell back to another channel: what happened before says "
        "nothing about it.",
    )
    recipient_display = fields.Char("Goes To", compute="_compute_recipient_display")
    recipient_email = fields.Char("Recipient", readonly=True)
    recipient_others = fields.Char("Further Recipients", readonly=True)
    recipient_cc = fields.Char("Copies", readonly=True)
    sent_from = fields.Char(readonly=True)
    sent_from_name = fields.Char("Sender's Name", readonly=True)
    recipient_domain = fields.Char(
        compute="_compute_recipient_domain", store=True, precompute=True
    )
    state = fields.Selection(
        [
            ("draft", "Draft"),
            ("queued", "Queued"),
            ("sending", "Sending"),
            ("sent", "Sent"),
            ("failed", "Failed"),
            ("skipped", "Left Out"),
            ("cancelled", "Cancelled"),
        ],
        required=True,
        default="draft",
        readonly=True,
    )
    status = fields.Selection(
        [
            ("queued", "Queued"),
            ("sending", "Sending"),
            ("sent", "Sent"),
            ("delivered", "Delivered"),
            ("opened", "Opened"),
            ("clicked", "Clicked"),
            ("replied", "Answered"),
            ("bounced", "Bounced"),
            ("failed", "Failed"),
            ("suppressed", "Left Out"),
            ("paid", "Paid"),
        ],
        compute="_compute_status",
        search="_search_status",
        help="What became of it: the furthest that is known.",
    )
    is_undecided = fields.Boolean(
        "Delivery Unknown",
        readonly=True,
        help="It is unknown whether it was sent; a user checks and settles it.",
    )
    scheduled_at = fields.Datetime("Not Before", readonly=True)
    attempted_at = fields.Datetime("Last Attempt", readonly=True)
    sent_at = fields.Datetime("Sent", readonly=True)
    paid_at = fields.Datetime(
        "Paid", readonly=True, help="When the last of its items was found paid."
    )
    attempt_count = fields.Integer(readonly=True, aggregator=None)
    message_id = fields.Char("Message-ID", readonly=True, index="btree_not_null")
    provider_message_id = fields.Char("Message ID of the Mail Service", readonly=True)
    provider_thread_id = fields.Char(
        "Conversation at the Mail Service",
        readonly=True,
        copy=False,
        help="The conversation at the mail service, which a reply belongs to as well.",
    )
    internet_message_id = fields.Char(
        readonly=True,
        copy=False,
        index="btree_not_null",
        help="The Message-ID that the mail service gave the message in place of ours.",
    )
    document_ids = fields.Many2many(
        "ir.attachment",
        string="Attachments",
        compute="_compute_document_ids",
        help="The exact files that were sent.",
    )
    attached_files = fields.Json(
        readonly=True, help="Name, size and SHA-256 of what went with the last attempt."
    )
    document_notes = fields.Json(readonly=True)
    document_note = fields.Text(
        "About the Attachments", compute="_compute_document_note"
    )
    documents_until = fields.Datetime(
        "Waits for PDFs Until",
        readonly=True,
        help="In the past: the job has done what it could.",
    )
    holdout_arm = fields.Selection(
        [("now", "Sent when due"), ("later", "Waited three days")],
        "Part of the Hold-Out",
        readonly=True,
        groups="invoice_chaser.group_chaser_manager",
        help="Drawn by chance, to measure what reminders cause.",
    )
    priority = fields.Integer(readonly=True, aggregator="avg")
    priority_amount = fields.Integer("Priority: Amount", readonly=True, aggregator=None)
    priority_age = fields.Integer("Priority: Age", readonly=True, aggregator=None)
    priority_relation = fields.Integer(
        "Priority: Relationship", readonly=True, aggregator=None
    )
    item_count = fields.Integer("Items", compute="_compute_totals")
    total_display = fields.Char(
        "Open Amount",
        compute="_compute_totals",
        help="Per currency, open credits taken off.",
    )
    company_currency_id = fields.Many2one(related="company_id.currency_id")
    amount_asked = fields.Monetary(
        "Asked",
        currency_field="company_currency_id",
        compute="_compute_totals",
        help="In the company's currency at the rate of the books.",
    )
    event_ids = fields.One2many("chaser.event", "reminder_id", readonly=True)
    open_count = fields.Integer("Opens", compute="_compute_event_counts")
    click_count = fields.Integer("Clicks", compute="_compute_event_counts")

    # A customer cannot have two live reminders: one message, or one per invoice where
    # they get one message per invoice.
    _live_uniq = models.UniqueIndex(
        "(company_id, partner_id, purpose, COALESCE(split_move_id, 0)) WHERE "
        "(state IN ('draft', 'queued', 'sending') OR is_undecided) "
        "AND purpose <> 'colleague'",
        "A reminder to this customer is on its way already. Reload and look at "
        "it first.",
    )
    _colleague_uniq = models.UniqueIndex(
        "(copy_of_id, recipient_email) WHERE purpose = 'colleague'"
    )
    _queue_idx = models.Index("(provider_id, priority DESC, id) WHERE state = 'queued'")
    _sending_idx = models.Index("(provider_id) WHERE state = 'sending'")
    _attempted_idx = models.Index(
        "(provider_id, attempted_at) WHERE attempted_at IS NOT NULL"
    )
    _contact_idx = models.Index("(company_id, partner_id, sent_at)")
    _holdout_idx = models.Index(
        "(company_id, partner_id) WHERE holdout_arm IS NOT NULL"
    )
    _recipient_idx = models.Index("(company_id, recipient_email)")
    _recipient_others_idx = models.Index(
        "(company_id) WHERE recipient_others IS NOT NULL"
    )
    # The reminders that a changed calendar has to check again.
    _window_idx = models.Index(
        "(company_id) WHERE state = 'queued' AND reason_code IN ('window', "
        "'window_never')"
    )
    level_code = fields.Char(readonly=True)
    level_params = fields.Json(readonly=True)
    level_reason = fields.Char("Why This Level", compute="_compute_level_reason")
    call_ids = fields.One2many("chaser.call", "reminder_id", "Calls", readonly=True)
    inbound_ids = fields.One2many(
        "chaser.inbound", "reminder_id", "Incoming Mail", readonly=True
    )
    inbound_count = fields.Integer("Incoming", compute="_compute_inbound_count")

    # -- computes

    @api.depends("partner_id", "subject", "number_display")
    def _compute_display_name(self):
        for reminder in self:
            reminder.display_name = reminder.subject or self.env._(
                "Reminder to %s", reminder.partner_id.display_name
            )

    number_display = fields.Char("Invoices", compute="_compute_number_display")

    @api.depends("line_ids.number")
    def _compute_number_display(self):
        for reminder in self:
            numbers = reminder.line_ids.filtered(
                lambda line: not line.is_credit and not line.dropped_code
            ).mapped("number")
            reminder.number_display = ", ".join(filter(None, numbers[:3])) + (
                " …" if len(numbers) > 3 else ""
            )

    @api.depends("recipient_email")
    def _compute_recipient_domain(self):
        for reminder in self:
            reminder.recipient_domain = (reminder.recipient_email or "").rpartition(
                "@"
            )[2].lower() or False

    @api.depends("channel", "recipient_email", "recipient_others")
    def _compute_recipient_display(self):
        for reminder in self:
            reminder.recipient_display = ", ".join(
                reminder._get_channel()._get_addresses(reminder)
            )

    @api.depends("line_ids.amount_residual", "line_ids.dropped_code")
    def _compute_totals(self):
        for reminder in self:
            lines = reminder.line_ids
            if reminder.state != "skipped":
                lines = lines.filtered(lambda line: not line.dropped_code)
            totals = {}
            for line in lines:
                totals[line.currency_id] = (
                    totals.get(line.currency_id, 0.0) + line.amount_residual
                )
            reminder.amount_asked = sum(lines.mapped("amount_company"))
            reminder.item_count = len(lines.filtered(lambda line: not line.is_credit))
            reminder.total_display = self.env["chaser.campaign"]._format_amounts(
                (currency.id, amount) for currency, amount in totals.items()
            )

    def _compute_event_counts(self):
        rows = self.env["chaser.event"]._read_group(
            [
                ("reminder_id", "in", self.ids),
                ("event_type", "in", HUMAN_EVENTS),
                ("verdict", "!=", "machine"),
            ],
            ["reminder_id", "event_type"],
            ["__count"],
        )
        counts = {
            (reminder.id, event_type): count for reminder, event_type, count in rows
        }
        for reminder in self:
            reminder.open_count = counts.get((reminder.id, "opened"), 0)
            reminder.click_count = counts.get((reminder.id, "clicked"), 0)

    def _compute_document_ids(self):
        found = (
            self.env["ir.attachment"]
            .search([("res_model", "=", self._name), ("res_id", "in", self.ids)])
            .grouped("res_id")
        )
        for reminder in self:
            reminder.document_ids = found.get(reminder.id, self.env["ir.attachment"])

    @api.depends("document_notes")
    @api.depends_context("lang", "tz")
    def _compute_document_note(self):
        for reminder in self:
            reminder.document_note = (
                "\n".join(
                    self._get_reason_text(code, params)
                    for code, params in reminder.document_notes or []
                )
                or False
            )

    @api.depends("inbound_ids")
    def _compute_inbound_count(self):
        rows = self.env["chaser.inbound"]._read_group(
            [("reminder_id", "in", self.ids)], ["reminder_id"], ["__count"]
        )
        counts = {reminder.id: count for reminder, count in rows}
        for reminder in self:
            reminder.inbound_count = counts.get(reminder.id, 0)

    # -- status: derived from facts by rank, in SQL, so that lists, groups and searches
    # agree

    def _field_to_sql(self, alias, field_expr, query=None):
        if field_expr == "status":
            self._check_field_access(self._fields["status"], "read")
            return self._get_status_sql(alias)
        return super()._field_to_sql(alias, field_expr, query)

    @api.model
    def _get_status_sql(self, alias):
        """Rank of the strongest fact → its name."""
        ranks = {name: RANK.index(name) for name in RANK}
        events = SQL(" ").join(
            SQL("WHEN %s THEN %s", event, ranks[status])
            for event, status in STATUS_OF_EVENT.items()
        )
        states = SQL(" ").join(
            SQL("WHEN %s THEN %s", state, ranks[status])
            for state, status in STATUS_OF_STATE.items()
        )
        table = SQL.identifier(alias)
        return SQL(
            """(ARRAY[%(names)s])[1 + CASE WHEN %(table)s.paid_at IS NOT NULL
            THEN %(paid)s ELSE GREATEST(
                 CASE %(table)s.state %(states)s END,
                 (SELECT max(CASE e.event_type %(events)s END) FROM chaser_event e
                 WHERE e.reminder_id = %(table)s.id
                     AND (%(table)s.channel_since IS NULL
                     OR e.create_date > %(table)s.channel_since)
                     AND (e.event_type NOT IN %(human)s OR e.verdict IS DISTINCT
                     FROM 'machine'))) END]""",
            names=SQL(", ").join(SQL("%s", name) for name in RANK),
            table=table,
            paid=ranks["paid"],
            states=states,
            events=events,
            human=HUMAN_EVENTS,
        )

    @api.depends("state", "paid_at", "event_ids.verdict")
    def _compute_status(self):
        self.flush_model(["state", "paid_at"])
        self.env["chaser.event"].flush_model()
        rows = self.env.execute_query(
            SQL(
                "SELECT id, %s FROM chaser_reminder WHERE id = ANY(%s)",
                self._get_status_sql("chaser_reminder"),
                list(self._origin.ids),
            )
        )
        statuses = dict(rows)
        for reminder in self:
            reminder.status = statuses.get(reminder._origin.id, "queued")

    def _search_status(self, operator, value):
        if operator != "in":
            return NotImplemented
        names = tuple(name for name in value if name) or ("",)
        return Domain(
            "id",
            "in",
            SQL(
                "(SELECT id FROM chaser_reminder WHERE %s IN %s)",
                self._get_status_sql("chaser_reminder"),
                names,
            ),
        )

    # -- setters: every change of state goes through here

    def _set_state(self, state, code=False, params=None, **values):
        self.write(
            {"state": state, **self._prepare_reason_values(code, params), **values}
        )

    def _set_skipped(self, code, params=None):
        self._set_state(
            "skipped",
            code,
            params,
            **({"paid_at": fields.Datetime.now()} if code == "paid" else {}),
        )

    def _write_moments(self, moments):
        """A new ``scheduled_at`` for each of these by one statement; one that the
        sender holds right now is left to it."""
        self.env.cr.execute(
            SQL(
                """UPDATE chaser_reminder r SET scheduled_at = v.at
                 FROM (SELECT id, at FROM unnest(%s::int[], %s::timestamp[]) AS u(id,
                 at)) v
                WHERE r.id IN (SELECT id FROM chaser_reminder WHERE id = ANY(%s)
                AND state = 'queued' FOR NO KEY UPDATE SKIP LOCKED)
                  AND r.id = v.id""",
                self.ids,
                [fields.Datetime.to_string(moment) for moment in moments],
                self.ids,
            ),
            log_exceptions=False,
        )
        self.invalidate_model(["scheduled_at"])

    def _stop(self, stop):
        """Apply the result of a step: wait, be skipped, or fail
        (``core.plan.gates``)."""
        if isinstance(stop, Hold):
            params = stop.params | (
                {"until": stop.until.isoformat()} if stop.until else {}
            )
            self._set_state(
                "queued",
                stop.reason,
                params,
                **({"scheduled_at": stop.until} if stop.until else {}),
            )
        elif isinstance(stop, Elsewhere):
            if not self._get_channel()._fall_back(self, stop.reason, stop.params):
                self._set_skipped(stop.reason, stop.params)
        elif isinstance(stop, Skip):
            if stop.reason != "gone":
                self._set_skipped(stop.reason, stop.params)
        else:
            self._set_failed(stop.reason, stop.params)

    def _set_failed(self, code, params=None, event_type="failed"):
        self._set_state("failed", code, params)
        self._record_event(
            event_type, source="api", raw_data={"reason": code, **(params or {})}
        )
        self._pause_after_failures()

    def _set_undecided(self, code, params=None):
        """Whether it was sent is unknown: a user decides, and it is never sent again by
        itself."""
        self._set_state("failed", code, params, is_undecided=True)
        self._record_event(
            "failed", source="api", raw_data={"reason": code, **(params or {})}
        )
        self._pause_after_failures()

    def _pause_after_failures(self):
        """The campaign pauses itself after the company's number of failures in a row
        (0: never)."""
        limit = self.company_id.chaser_max_failures
        if not limit or self.campaign_id.state != "sending":
            return
        self.flush_recordset()
        rows = self.env.execute_query(
            SQL(
                """SELECT r.state FROM chaser_reminder r
                JOIN chaser_event e ON e.reminder_id = r.id
                AND e.event_type IN ('sent', 'failed', 'bounced')
                WHERE r.campaign_id = %s AND r.state IN ('sent', 'failed')
                ORDER BY e.id DESC LIMIT %s""",
                self.campaign_id.id,
                limit,
            )
        )
        if len(rows) == limit and all(state == "failed" for (state,) in rows):
            self.campaign_id._set_paused("failures_in_row", str(limit))

    def _pause_for_policy(self, words):
        """The next messages of the campaign would be refused as well. A campaign that
        has ended already gets a note."""
        campaign = self.campaign_id
        if campaign.state in ("scheduled", "sending"):
            campaign._set_paused("policy", words)
        elif campaign and campaign.state != "paused":
            campaign.message_post(
                body=self._get_reason_text("policy_late", {"detail": words})
            )

    def _record_event(self, event_type, source, **values):
        return (
            self.env["chaser.event"]
            .sudo()
            .create(
                [
                    {
                        "reminder_id": reminder.id,
                        "campaign_id": reminder.campaign_id.id,
                        "company_id": reminder.company_id.id,
                        "partner_id": reminder.partner_id.id,
                        "event_type": event_type,
                        "source": source,
                        **values,
                    }
                    for reminder in self
                ]
            )
        )

    def _get_live_lines(self):
        return self.line_ids.filtered(
            lambda line: not line.is_credit and not line.dropped_code
        )

    # -- sending

    def _get_sender(self, purpose=None):
        """The object that sends it, by its purpose: ``chaser.sender``, or one of its
        own that inherits it. ``purpose``: where it is known already, so that no row has
        to be read."""
        name = f"chaser.sender.{purpose or self.purpose}"
        return self.env[name if name in self.env else "chaser.sender"]

    # -- hooks

    def _get_all_recipients(self):
        """Every e-mail address that the message went to as its own, normalized (copies
        to colleagues are not meant)."""
        self.ensure_one()
        return self.env["chaser.channel.email"]._get_addresses(self)

    def _get_channel(self):
        """The model of its channel (``chaser.channel.<code>``). What went by a channel
        that is not installed any more has none of its own: as for an e-mail without an
        address."""
        channel = self.env["chaser.channel"]._get(self.channel)
        return self.env["chaser.channel.email"] if channel is None else channel

    @api.depends("level_code", "level_params")
    @api.depends_context("lang")
    def _compute_level_reason(self):
        for reminder in self:
            reminder.level_reason = self._get_reason_text(
                reminder.level_code, reminder.level_params
            )
