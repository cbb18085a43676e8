from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL, format_datetime

from ..core.forecast import Waiting
from ..core.throttle import spread
from ..core.window_book import spread as spread_open

_OPEN = ("draft", "scheduled", "sending", "paused")


class ChaserCampaign(models.Model):
    """Which mailbox sends what of a campaign, and when each is done."""

    _inherit = "chaser.campaign"

    provider_mode = fields.Selection(
        [("fixed", "One mailbox"), ("spread", "Spread over the company's mailboxes")], "Sent From", required=True, tracking=True,
        default=lambda self: self.env.company.chaser_provider_mode,
        help="Spread: each customer keeps the mailbox of earlier reminders; the others go where their message leaves soonest.",
    )
    mailbox_summary = fields.Text("Mailboxes", compute="_compute_expected_finish", help="How many messages wait in each mailbox, and when it is done.")
    expected_finish = fields.Datetime(compute="_compute_expected_finish", help="When the last message leaves, if nothing else happens.")
    stranded_count = fields.Integer(compute="_compute_stranded_count", help="Waiting messages whose mailbox is not connected.")

    def write(self, vals):
        result = super().write(vals)
        if {"provider_id", "provider_mode"} & set(vals):
            for campaign in self.filtered(lambda campaign: campaign.state in ("scheduled", "sending")):
                campaign._check_provider()
                campaign._trigger_sending(campaign.scheduled_at if campaign.state == "scheduled" else None)
        return result

    # -- who sends

    def _check_provider(self):
        """The mailboxes that send are usable, and each waiting reminder has one.

        :raises UserError: saying what a manager has to do
        """
        self.ensure_one()
        if self.provider_mode == "fixed":
            self._check_fixed_provider()
        elif not self.env["chaser.provider"]._get_usable(self.company_id):
            raise UserError(self.env._(
                "%s has no connected mailbox to send from. A chaser manager connects one under Invoicing ▸ Chaser ▸ Configuration ▸ Mailboxes.",
                self.company_id.name))
        self._assign_mailboxes()

    def _check_fixed_provider(self):
        if not self.provider_id:
            self.provider_id = self.env["chaser.provider"]._get_default(self.company_id)
        if not self.provider_id:
            raise UserError(self.env._(
                "%s has no mailbox to send from. A chaser manager sets one up under Invoicing ▸ Chaser ▸ Configuration ▸ Mailboxes.",
                self.company_id.name))
        if self.provider_id.state != "connected":
            raise UserError(self.env._(
                "The mailbox “%(name)s” is not ready (%(state)s). A chaser manager opens it under Chaser ▸ Configuration ▸ Mailboxes "
                "and presses Test Connection. %(error)s",
                name=self.provider_id.name, error=self.provider_id.last_error or "",
                state=dict(self.provider_id._fields["state"]._description_selection(self.env))[self.provider_id.state]))

    def _assign_mailboxes(self):
        """Gives each waiting reminder its mailbox; one that the sender holds right now keeps its own."""
        Reminder = self.env["chaser.reminder"].sudo()
        waiting = Domain("campaign_id", "=", self.id) & Domain("state", "in", ("draft", "queued"))
        if self.provider_mode == "fixed":
            elsewhere = Reminder.search(waiting & Domain("provider_id", "!=", self.provider_id.id))
            elsewhere._move_to(dict.fromkeys(elsewhere.partner_id.ids, self.provider_id.id))
            return
        counts, waiting = {}, Reminder.search(waiting, order="priority desc, id")
        for reminder in waiting:
            counts[reminder.partner_id.id] = counts.get(reminder.partner_id.id, 0) + 1
        waiting._move_to(self.env["chaser.provider"].sudo()._share_customers(self.company_id, list(counts.items())))

    def _trigger_sending(self, moment=None):
        """Wakes each mailbox that has something of the campaign to send."""
        self.env["chaser.reminder"].flush_model(["provider_id", "state", "campaign_id"])
        rows = self.env.execute_query(SQL(
            "SELECT DISTINCT provider_id FROM chaser_reminder WHERE campaign_id = ANY(%s) AND state IN ('draft', 'queued') AND provider_id IS NOT NULL",
            self.ids))
        for provider in self.env["chaser.provider"].sudo().browse([row[0] for row in rows]) | self.sudo().provider_id:
            provider.cron_id._trigger(at=moment if moment and moment > fields.Datetime.now() else None)

    # -- when a mailbox cannot send

    def _compute_stranded_count(self):
        rows = self.env["chaser.reminder"]._read_group(self._get_stranded_domain(), ["campaign_id"], ["__count"])
        counts = {campaign.id: count for campaign, count in rows}
        for campaign in self:
            campaign.stranded_count = counts.get(campaign.id, 0) if campaign.state in ("scheduled", "sending", "paused") else 0

    def _get_stranded_domain(self):
        return [("campaign_id", "in", self.ids), ("state", "=", "queued"), ("provider_id.state", "!=", "connected")]

    def action_move_waiting(self):
        """Opens the choice of another mailbox for what waits in one that is not connected."""
        self.check_access("write")
        return self.env["chaser.mailbox.move"]._open_for(self.env["chaser.reminder"].search(self._get_stranded_domain()))

    # -- when it will be done

    @api.depends("provider_mode", "provider_id", "state", "scheduled_at", "duration_hours", "reminder_ids.state", "reminder_ids.provider_id")
    @api.depends_context("lang", "tz")
    def _compute_expected_finish(self):
        waiting = self._read_waiting()
        running = self.filtered(lambda campaign: campaign.state in ("scheduled", "sending"))
        finish = self._get_mailboxes(waiting, running)._forecast() if running else {}
        for campaign in self:
            campaign_id = campaign._origin.id
            mine = waiting.get(campaign_id, {}) if campaign.state in _OPEN else {}
            if campaign not in running and mine:
                finish |= campaign._forecast_start(mine, with_queue=len(self) == 1)
            ends = {provider_id: finish[provider_id, campaign_id] for provider_id in mine if (provider_id, campaign_id) in finish}
            counts = {provider_id: len(rows) for provider_id, rows in mine.items()}
            campaign.expected_finish = self._get_last(counts, ends)
            campaign.mailbox_summary = self._describe_mailboxes(counts, ends)

    def _read_waiting(self):
        """Campaign id → mailbox id → its waiting messages as (order, domain, commercial partner id)."""
        self.env["chaser.reminder"].flush_model()
        rows = self.env.execute_query(SQL(
            """SELECT campaign_id, provider_id, priority, id, recipient_domain, partner_id FROM chaser_reminder
                WHERE campaign_id = ANY(%s) AND state IN ('draft', 'queued') AND provider_id IS NOT NULL ORDER BY priority DESC, id""", self._origin.ids))
        waiting = {}
        for campaign_id, provider_id, priority, reminder_id, domain, partner_id in rows:
            waiting.setdefault(campaign_id, {}).setdefault(provider_id, []).append(((-(priority or 0), reminder_id), domain or "", partner_id))
        return waiting

    def _get_mailboxes(self, waiting, campaigns):
        ids = {provider_id for campaign in campaigns for provider_id in waiting.get(campaign._origin.id, {})}
        return self.env["chaser.provider"].sudo().browse(sorted(ids))

    def _forecast_start(self, mine, with_queue):
        """The forecast of a campaign that does not run yet, as if it began at its time."""
        start = max(self.scheduled_at or fields.Datetime.now(), fields.Datetime.now())
        ordered = sorted((*row, provider_id) for provider_id, rows in mine.items() for row in rows)
        departures = self._plan_departures(self.company_id, start, [row[2] for row in ordered], self.duration_hours)
        extra = {}
        for (order, domain, _partner_id, provider_id), (moment, window) in zip(ordered, departures, strict=True):
            extra.setdefault(provider_id, []).append(Waiting(order, domain, moment, self._origin.id, window))
        return self.env["chaser.provider"].sudo().browse(extra)._forecast(extra, with_queue=with_queue)

    @api.model
    def _plan_departures(self, company, start, partner_ids, hours):
        """Per message the moment before which it does not leave, and its customer's window (None: always open).

        :param partner_ids: commercial partner of each message, in the order in which they leave
        """
        windows = company._get_send_windows(self.env["res.partner"].browse(set(partner_ids)))
        if not windows:
            return [(moment, None) for moment in spread(start, len(partner_ids), hours)]
        mine = [windows[partner_id] for partner_id in partner_ids]
        return [(moment, window) for (moment, _opening), window in zip(spread_open(start, mine, hours), mine, strict=True)]

    @api.model
    def _get_last(self, counts, ends):
        """When the last of all messages leaves; False where one never does, or nothing is known."""
        if any(provider_id in ends and ends[provider_id][0] < count for provider_id, count in counts.items()):
            return False
        return max((last for _count, last in ends.values()), default=False)

    @api.model
    def _describe_mailboxes(self, counts, ends):
        """One line per mailbox: how many messages it sends, and when the last of them leaves.

        :param dict counts: mailbox id → messages; ``ends``: mailbox id → (count, moment), where there is a forecast
        """
        lines = []
        for provider in self.env["chaser.provider"].sudo().browse(counts).sorted(lambda provider: (provider.sequence, provider.id)):
            values = {"name": provider.name, "count": counts[provider.id]}
            if provider.state == "connected" and ends.get(provider.id, (0,))[0] < counts[provider.id]:
                lines.append(self.env._("%(name)s: %(count)s messages, some of which no send window ever lets go", **values))
            elif provider.id in ends:
                values["when"] = format_datetime(self.env, ends[provider.id][1], dt_format="short")
                lines.append(self.env._("%(name)s: %(count)s messages, the last at %(when)s", **values))
            else:
                lines.append(self.env._("%(name)s: %(count)s messages wait, the mailbox is not connected", **values))
        return "\n".join(lines) or False
