from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..core.letter.template_language import TemplateProblem
from ..core.pace.forecast import Waiting
from ..core.plan.reach import DEFAULT_CHANNEL


class ChaserPreview(models.TransientModel):
    """What a campaign would do, before it does it. Collects choices and calls
    ``create_for_invoices``."""

    _name = "chaser.preview"
    _description = "Chase: Preview"
    _inherit = [
        "chaser.reason.mixin",
        "chaser.company.mixin",
        "chaser.channel.choice.mixin",
        "chaser.preview.glance.mixin",
    ]
    _check_company_auto = True

    name = fields.Char("Campaign", required=True)
    campaign_id = fields.Many2one(
        "chaser.campaign",
        "Made from It",
        readonly=True,
        ondelete="set null",
        help="A preview becomes one campaign, however often a button is pressed.",
    )
    company_id = fields.Many2one("res.company", required=True, readonly=True)
    invoice_ids = fields.Json(readonly=True)
    partner_ids = fields.Json("Only These Customers", readonly=True)
    provider_mode = fields.Selection(
        lambda self: self.env["chaser.campaign"]
        ._fields["provider_mode"]
        ._description_selection(self.env),
        "Sent From",
        default="fixed",
        required=True,
    )
    provider_id = fields.Many2one("chaser.provider", "Mailbox", check_company=True)
    campaign_type = fields.Selection(
        lambda self: self.env["chaser.campaign"]
        ._fields["campaign_type"]
        ._description_selection(self.env),
        default="invoice_reminder",
        required=True,
    )
    level_id = fields.Many2one(
        "chaser.level",
        check_company=True,
        help="Empty: each customer gets the level that is due.",
    )
    template_id = fields.Many2one(
        "chaser.template", check_company=True, help="Empty: the template of each level."
    )
    channel = fields.Selection(
        lambda self: self.env["chaser.channel"]._get_selection(),
        help="Empty: by each level's own channels. A customer's own wish comes first.",
    )
    planned_channel = fields.Char(
        readonly=True, help="The choice for which the messages were planned."
    )
    tag_ids = fields.Many2many("chaser.tag", string="Tags", check_company=True)
    segment_ids = fields.Many2many(
        "chaser.segment",
        "chaser_preview_segment_rel",
        string="Segments",
        check_company=True,
        readonly=True,
    )
    scheduled_at = fields.Datetime("Schedule For")
    duration_hours = fields.Float("Spread over (Hours)")
    left_out = fields.Text("Not Chaseable", readonly=True)
    maybe_paid_count = fields.Integer("Maybe Paid", compute="_compute_maybe_paid_count")
    warning = fields.Text(compute="_compute_warning")
    message_ids = fields.One2many(
        "chaser.preview.message", "preview_id", domain=[("reason_code", "=", False)]
    )
    held_ids = fields.One2many(
        "chaser.preview.message",
        "preview_id",
        "Messages Left Out",
        domain=[("reason_code", "!=", False)],
        readonly=True,
    )
    item_ids = fields.One2many("chaser.preview.item", "preview_id")
    customer_count = fields.Integer("Customers", compute="_compute_figures")
    message_count = fields.Integer("Messages", compute="_compute_figures")
    invoice_count = fields.Integer("Invoices", compute="_compute_figures")
    saved_percent = fields.Float("Saved (%)", compute="_compute_figures")
    held_count = fields.Integer("Left Out", compute="_compute_figures")
    expected_finish = fields.Datetime("Last Message Leaves", compute="_compute_figures")
    mailbox_summary = fields.Text("Mailboxes", compute="_compute_figures")
    shown_message_id = fields.Many2one(
        "chaser.preview.message",
        "Show the Message to",
        domain="[('preview_id', '=', id), ('reason_code', '=', False)]",
    )
    shown_position = fields.Char("Position", compute="_compute_shown_position")
    preview_en = fields.Html("English", compute="_compute_preview", sanitize=False)
    preview_ar = fields.Html("Arabic", compute="_compute_preview", sanitize=False)
    preview_template_note = fields.Char(compute="_compute_preview")
    preview_language = fields.Char("Will Be Sent In", compute="_compute_preview")

    # -- opening

    @api.model
    def _open_for_invoices(self, invoices, customers=None):
        Planner = self.env["chaser.planner"]
        self.env["chaser.campaign"].check_access("create")
        partner_ids = customers.ids if customers is not None else None
        plan = Planner._build_plan(invoices, partner_ids=partner_ids)
        if not plan.messages:
            raise UserError(self.env["chaser.plan.writer"]._describe_nothing(plan))
        company = plan.company
        preview = self._create_by_program(
            {
                "name": self.env._(
                    "Reminders %s", fields.Date.to_string(company._get_chaser_today())
                ),
                "company_id": company.id,
                "invoice_ids": invoices.ids,
                "partner_ids": partner_ids,
                "provider_id": self.env["chaser.provider"]._get_default(company).id,
                "provider_mode": company.chaser_provider_mode,
                "left_out": "\n".join(plan.left_out) or False,
            }
        )
        preview._fill(plan)
        return preview._open()

    def _open(self):
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Chase"),
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
            "target": "current",
            "context": {"allowed_company_ids": self.env.companies.ids},
        }

    def _fill(self, plan):
        messages = self.env["chaser.preview.message"]._create_by_program(
            [
                self._prepare_message_values(plan, index, message)
                for index, message in enumerate(plan.messages)
            ]
        )
        self.env["chaser.preview.item"]._create_by_program(
            [
                {
                    "preview_id": self.id,
                    "company_id": self.company_id.id,
                    "message_id": record.id,
                    "partner_id": message.partner_id,
                    "move_line_id": item.id,
                    "currency_id": item.currency_id,
                    "amount_residual": float(item.residual),
                    "date_maturity": item.date_due,
                    "days_overdue": item.days_overdue,
                    "number": plan.rows[item.id]["label"]
                    or plan.rows[item.id]["number"],
                }
                for record, message in zip(messages, plan.messages, strict=True)
                if not message.skip
                for item in message.items
            ]
        )
        self.shown_message_id = self.message_ids[:1]

    def _prepare_message_values(self, plan, index, message):
        skip, choice = message.skip, message.choice if message.level_id else None
        return {
            "preview_id": self.id,
            "company_id": self.company_id.id,
            "sequence": index,
            "partner_id": message.partner_id,
            "level_id": message.level_id,
            "level_code": choice and choice.code,
            "level_params": choice and choice.params,
            **self._prepare_channel_values(message),
            "language": plan.languages[message.partner_id],
            "item_count": len(message.items),
            "move_count": len({item.move_id for item in message.items}),
            "days_overdue": message.days_overdue,
            "total_display": self._get_total(message),
            "credits": {credit.id: str(credit.residual) for credit in message.credits},
            "numbers": ", ".join(
                plan.rows[item.id]["number"] or "" for item in message.items[:6]
            ),
            **self._prepare_reason_values(
                skip.reason if skip else False, skip.params if skip else None
            ),
        }

    @api.model
    def _prepare_channel_values(self, message):
        route = message.route
        values = self.env["chaser.channel"]._prepare_route_values(route)
        return {
            "channel": route.channel,
            "channel_passed": values["channel_passed"],
            "recipient": ", ".join(route.addresses),
        }

    def _get_total(self, message):
        totals = {}
        for item in message.items:
            totals[item.currency_id] = (
                totals.get(item.currency_id, Decimal(0)) + item.residual
            )
        for credit in message.credits:
            totals[credit.currency_id] = (
                totals.get(credit.currency_id, Decimal(0)) - credit.residual
            )
        return self.env["chaser.campaign"]._format_amounts(
            (currency, float(total)) for currency, total in totals.items()
        )

    # -- computes

    @api.depends(
        "message_ids.included",
        "item_ids.included",
        "provider_id",
        "provider_mode",
        "scheduled_at",
        "duration_hours",
    )
    def _compute_figures(self):
        for preview in self:
            going = preview.message_ids.filtered("included")
            items = preview.item_ids.filtered(
                lambda item, kept=going: item.included and item.message_id in kept
            )
            going &= items.message_id
            moves = sum(
                len(mine.move_line_id.move_id)
                for mine in items.grouped("message_id").values()
            )
            preview.message_count, preview.customer_count, preview.invoice_count = (
                len(going),
                len(going.partner_id),
                moves,
            )
            preview.saved_percent = (
                100.0 * (moves - len(going)) / moves if moves else 0.0
            )
            preview.held_count = len(preview.held_ids)
            preview._forecast(going)

    def _forecast(self, going):
        """Which mailbox would send how many of these messages, and when the last of
        each leaves."""
        Provider, start = (
            self.env["chaser.provider"].sudo(),
            max(self.scheduled_at or fields.Datetime.now(), fields.Datetime.now()),
        )
        departures = self.env["chaser.window"]._plan_departures(
            self.company_id,
            start,
            [message.partner_id.id for message in going],
            self.duration_hours,
        )
        chosen = {}
        for code, messages in going.grouped("channel").items():
            mailboxes = Provider._choose_mailboxes(
                self.company_id,
                code,
                [message.partner_id.id for message in messages],
                self.provider_mode == "fixed" and self.provider_id,
            )
            chosen |= {
                (code, partner_id): mailboxes[partner_id] for partner_id in mailboxes
            }
        extra = self._group_by_mailbox(going, departures, chosen)
        ends = {
            provider_id: end
            for (provider_id, group), end in Provider.browse(extra)
            ._forecast(extra)
            .items()
            if group == "preview"
        }
        counts = {provider_id: len(rows) for provider_id, rows in extra.items()}
        Simulator = self.env["chaser.simulator"]
        self.expected_finish = Simulator._get_last(counts, ends)
        self.mailbox_summary = Simulator._describe_mailboxes(counts, ends)

    def _group_by_mailbox(self, going, departures, chosen):
        """Mailbox id → what would wait there.

        :param dict chosen: (channel, customer id) → mailbox id
        """
        extra, channels = {}, self.env["chaser.channel"]
        for message, (moment, window) in zip(going, departures, strict=True):
            provider_id = chosen.get((message.channel, message.partner_id.id))
            domain = channels._get(message.channel)._get_domain(
                (message.recipient or "").split(", ")
            )
            # Whether it is more important than what is queued already is not known
            # here; so it comes at the end, in the plan's own order.
            extra.setdefault(provider_id, []).append(
                Waiting((1, message.sequence), domain, moment, "preview", window)
            )
        extra.pop(False, None)
        extra.pop(None, None)
        return extra

    @api.depends("provider_id", "provider_mode", "channel", "message_ids.channel")
    def _compute_warning(self):
        arabic = self.env["res.lang"]._get_chaser_arabic()
        for preview in self:
            warnings = preview._get_mailbox_warnings()
            if not arabic and any(
                message.language in ("ar", "both") for message in preview.message_ids
            ):
                warnings.append(
                    self.env._(
                        "Arabic is not installed in this database: customers who want "
                        "Arabic get English. A manager loads it in the settings."
                    )
                )
            missing = self.env["chaser.bank.data"]._get_missing(preview.company_id)
            if missing is not None:
                warnings.append(
                    self.env._(
                        "No recent bank data (the last came in: %s): reminders wait "
                        "until bank lines are imported.",
                        missing,
                    )
                )
            preview.warning = "\n".join(warnings) or False

    def _get_mailbox_warnings(self):
        """Why the campaign could not be sent at present."""
        warnings = [
            self.env._(
                "No mailbox for %s is connected; a manager must test one before the "
                "campaign can be sent.",
                self.env["chaser.channel"]._get_name(code),
            )
            for code in set(self.message_ids.mapped("channel")) - {DEFAULT_CHANNEL}
            if not self.env["chaser.provider"]._get_usable(self.company_id, code)
        ]
        if self.channel != self.planned_channel:
            warnings.append(
                self.env._(
                    "The messages below are planned for another channel: press Plan "
                    "Again."
                )
            )
        if DEFAULT_CHANNEL in self.message_ids.mapped("channel"):
            warnings += self._get_email_warnings()
        return warnings

    def _get_email_warnings(self):
        if self.provider_mode == "spread" and self.provider_id:
            if self.env["chaser.provider"]._get_usable(self.company_id):
                return []
            return [
                self.env._(
                    "No mailbox of %s is connected; a manager must test one before "
                    "the campaign can be sent.",
                    self.company_id.name,
                )
            ]
        if not self.provider_id:
            return [
                self.env._(
                    "No mailbox is set up for %s yet; the campaign can be saved but "
                    "not sent.",
                    self.company_id.name,
                )
            ]
        if self.provider_id.state != "connected":
            return [
                self.env._(
                    "The mailbox “%s” is not connected; a manager must test it before "
                    "the campaign can be sent.",
                    self.provider_id.name,
                )
            ]
        return []

    def _compute_maybe_paid_count(self):
        for preview in self:
            preview.maybe_paid_count = len(
                preview.held_ids.filtered(
                    lambda held: held.reason_code == "hold_maybe_paid"
                )
            )

    def action_view_maybe_paid(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "invoice_chaser.chaser_maybe_paid_action"
        )
        partners = self.held_ids.filtered(
            lambda held: held.reason_code == "hold_maybe_paid"
        ).partner_id
        return action | {
            "domain": [
                ("partner_id", "in", partners.ids),
                ("company_id", "=", self.company_id.id),
            ],
            "context": {"search_default_open": 1},
        }

    @api.depends("shown_message_id", "message_ids")
    def _compute_shown_position(self):
        for preview in self:
            ids = preview.message_ids._origin.ids
            shown = preview.shown_message_id._origin.id
            preview.shown_position = (
                f"{ids.index(shown) + 1} / {len(ids)}" if shown in ids else False
            )

    def action_show_next(self):
        return self._show_other(1)

    def action_show_previous(self):
        return self._show_other(-1)

    def _show_other(self, step):
        """The message after the shown one, or before it; after the last the first."""
        self.ensure_one()
        ids = self.message_ids.ids
        if ids:
            shown = self.shown_message_id.id
            place = ids.index(shown) if shown in ids else -1
            self.shown_message_id = ids[(place + step) % len(ids)]
        return True

    @api.depends("shown_message_id", "template_id", "level_id", "item_ids.included")
    def _compute_preview(self):
        for preview in self:
            preview.preview_en = preview.preview_ar = preview.preview_language = False
            preview.preview_template_note = False
            message = preview.message_ids.filtered(
                lambda one, shown=preview.shown_message_id._origin: (
                    shown and one._origin == shown
                )
            )
            if message:
                preview._render_preview(message)

    def _get_template(self, message):
        return self._choose_template(message)[0]

    def _choose_template(self, message):
        """The template of a message, and in words why it is not the wanted one."""
        level = self.level_id or message.level_id
        items = len(message.item_ids.filtered("included"))
        template, note = self.env["chaser.template"]._choose_said(
            self.template_id, level, self, items
        )
        if template == level.template_id and not self.template_id:
            template = template.browse(
                level._draw_text(
                    self.company_id.sudo().chaser_holdout_key,
                    message.partner_id.id,
                    level.id,
                    template.id,
                    level.trial_template_id.id,
                )
            )
        return template, note

    def _render_preview(self, message):
        template, self.preview_template_note = self._choose_template(message)
        level = self.level_id or message.level_id
        channel = self.with_company(self.company_id).env["chaser.channel"]
        show = channel._get(message.channel)._render_preview
        line_ids = set(message.item_ids.filtered("included").move_line_id.ids)
        data = channel.env["chaser.composer"]._get_preview_data(
            message.partner_id, self.company_id, line_ids, message._get_credits()
        )
        if not data or not template:
            return
        for lang in ("en", "ar"):
            try:
                self[f"preview_{lang}"] = show(template, data, lang, level)
            except TemplateProblem as problem:
                self[f"preview_{lang}"] = template._describe_problem(problem)
        self.preview_language = dict(
            message._fields["language"]._description_selection(self.env)
        )[message.language]

    # -- actions

    def action_plan_again(self):
        """The messages anew, for the level and the channel that are chosen."""
        self.ensure_one()
        invoices = self.env["account.move"].browse(self.invoice_ids)
        company, level, channel = self.company_id, self.level_id, self.channel
        plan = self.env["chaser.planner"]._build_plan(
            invoices, company.id, level.id, channel, self.partner_ids
        )
        self.item_ids.unlink()
        (self.message_ids | self.held_ids).unlink()
        self._by_program().write(
            {
                "planned_channel": self.channel,
                "left_out": "\n".join(plan.left_out) or False,
            }
        )
        self._fill(plan)
        return self._open()

    def _create_campaign(self):
        """The campaign of these choices, made once: whoever presses a second time, also
        at the same moment, gets the one that there is.

        :return: the campaign, and whether it is new
        :raises UserError: when the messages shown are those of another channel
        """
        self.ensure_one()
        self.lock_for_update()
        self.invalidate_recordset(["campaign_id"])
        if self.campaign_id:
            return self.campaign_id, False
        if self.channel != self.planned_channel:
            raise UserError(
                self.env._(
                    "The channel was changed after these messages were planned. Press "
                    "Plan Again and look at them first."
                )
            )
        self._by_program().campaign_id = self.env[
            "chaser.campaign"
        ].create_for_invoices(self.invoice_ids, self._prepare_campaign_values())
        return self.campaign_id, True

    def _prepare_campaign_values(self):
        dropped = self.message_ids.filtered(lambda message: not message.included)
        return {
            "name": self.name,
            "company_id": self.company_id.id,
            "provider_id": self.provider_id.id,
            "provider_mode": self.provider_mode,
            "campaign_type": self.campaign_type,
            "level_id": self.level_id.id,
            "channel": self.channel,
            "template_id": self.template_id.id,
            "tag_ids": [fields.Command.set(self.tag_ids.ids)],
            "segment_ids": [fields.Command.set(self.segment_ids.ids)],
            "scheduled_at": self.scheduled_at,
            "duration_hours": self.duration_hours,
            "partner_ids": self.partner_ids or None,
            "excluded_line_ids": (
                dropped.item_ids
                | self.item_ids.filtered(lambda item: not item.included)
            ).move_line_id.ids,
        }

    def action_open_campaign(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": "chaser.campaign",
            "res_id": self.campaign_id.id,
            "view_mode": "form",
            "views": [(False, "form")],
            "target": "current",
        }

    def _start(self, method):
        """Make the campaign and send or schedule it; one that was made before is only
        shown."""
        campaign, is_new = self._create_campaign()
        opened = self.action_open_campaign()
        return campaign._ask_or_do(method, opened) if is_new else opened

    def action_send(self):
        return self._start("action_send")

    def action_send_later(self):
        """At the next moment that is working time for all of these customers."""
        self.ensure_one()
        if not self.later_at:
            raise UserError(
                self.env._("It is working time for these customers: send it now.")
            )
        self.scheduled_at = self.later_at
        return self.action_schedule()

    def action_schedule(self):
        if not self.scheduled_at:
            raise UserError(self.env._("Choose when the campaign is to be sent."))
        return self._start("action_schedule")

    def action_save_draft(self):
        self._create_campaign()
        return self.action_open_campaign()
