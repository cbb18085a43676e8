from odoo import api, fields, models
from odoo.tools import SQL

# Which setting of a mailbox is the cause of which wait.
_CAUSES = {
    "daily_quota": "limit_day",
    "daily_reserve": "limit_day",
    "email": "limit_day",
    "per_minute": "limit_minute",
    "per_domain_minute": "limit_domain",
    "max_connections": "limit_connections",
    "batch_size": "limit_pace",
    "batch_pause": "limit_pace",
    "jitter_min": "limit_pace",
    "jitter_max": "limit_pace",
}
# Limits of ours: whether they still hold can be counted at any time.
_COUNTED = ("limit_day", "limit_minute", "limit_month")
# What is said by the mail service or its server: a successful test ends it.
_TOLD = (
    "rate_limited",
    "unreachable",
    "limit_service_day",
    "limit_service_connections",
    "mailbox_full",
)
_CLOSED = ("provider_expired", "provider_closed")
_BY_MAILBOX = {*_CAUSES.values(), "limit_month", *_TOLD, *_CLOSED} - {"limit_domain"}


class ChaserWaiting(models.AbstractModel):
    """Why queued reminders and their campaigns wait and until when, and who lets them
    go: whoever takes the cause away.

    A wait is stored as a moment, and a moment outlives its cause. So a change of a
    cause ends the waits that it made, at once, and each run of a mailbox counts its
    limits again. What is shown is what is true now: of the campaign, the mailbox, and
    the reminder itself, the one that keeps it longest."""

    _name = "chaser.waiting"
    _description = "Waiting Reminders"

    # -- letting go

    @api.model
    def _follow_mailboxes(self, providers, vals):
        """Settings of mailboxes were changed."""
        codes = {_CAUSES[name] for name in vals if name in _CAUSES}
        if codes:
            self._let_go(providers, codes)

    @api.model
    def _follow_companies(self, companies):
        """The month of these companies has another limit, or begins at another
        moment."""
        providers = self.env["chaser.provider"].sudo()
        self._let_go(
            providers.search([("company_id", "in", companies.ids)]), {"limit_month"}
        )

    @api.model
    def _follow_test(self, providers):
        """A person has proven that the mailboxes work: nothing that one of them or its
        service said before keeps anything."""
        self._let_go(providers, {*_BY_MAILBOX, "limit_domain"})

    @api.model
    def _follow_resume(self, campaign):
        """A person lets a campaign go on that was paused because of a refusal."""
        self.env["chaser.reminder"].sudo().search(
            [
                ("campaign_id", "=", campaign.id),
                ("state", "=", "queued"),
                ("reason_code", "=", "policy"),
            ]
        ).write(self.env["chaser.reason.mixin"]._prepare_reason_values(False))

    @api.model
    def _review(self, provider):
        """Ends a wait by a limit that no longer holds, whatever changed it."""
        now = fields.Datetime.now()
        if (
            provider.hold_until
            and provider.hold_until > now
            and provider.reason_code in _COUNTED
            and provider._make_throttle(now).allowance(now).count
        ):
            self._let_go(provider, _COUNTED)

    @api.model
    def _let_go(self, providers, codes):
        """Ends the waits with these keys; what may go then is tried at once, by the
        mailbox's job, which holds it again if it must."""
        codes, providers = list(codes), providers.sudo()
        free = providers._prepare_reason_values(False)
        held = providers.filtered(lambda provider: provider.reason_code in codes)
        held.write({"hold_until": False, **free})
        waiting = (
            self.env["chaser.reminder"]
            .sudo()
            .search(
                [
                    ("provider_id", "in", providers.ids),
                    ("state", "=", "queued"),
                    ("reason_code", "in", codes),
                ]
            )
        )
        # What the sender holds right now is judged by it anyway.
        waiting = waiting.try_lock_for_update(allow_referencing=True)
        by_domain = waiting.filtered(lambda one: one.reason_code == "limit_domain")
        by_domain.write({"scheduled_at": fields.Datetime.now()})
        waiting.write(free)
        for provider in held | waiting.provider_id:
            provider.cron_id._trigger()

    # -- saying why

    @api.model
    def _read_reasons(self, reminders):
        """Reminder → (key, values) that is true of it now; only of queued ones."""
        now, queued = fields.Datetime.now(), reminders.sudo()
        return {
            reminder: self._get_reason(reminder, now)
            for reminder in queued.filtered(lambda one: one.state == "queued")
        }

    @api.model
    def _read_campaign_reasons(self, campaigns):
        """Campaign → (key, values), for those that run or will and have no reason of
        their own: why the reminder that leaves next has not left yet."""
        campaigns = campaigns.sudo().filtered(lambda one: not one.reason_code)
        found, now = {}, fields.Datetime.now()
        for campaign in campaigns:
            if campaign.state == "paused":
                found[campaign] = ("campaign_paused", {})
            elif campaign.state == "scheduled" and campaign.scheduled_at:
                found[campaign] = _until("campaign_later", campaign.scheduled_at)
        sending = campaigns.filtered(lambda one: one.state == "sending")
        for reminder in self._read_next(sending):
            code, params = self._get_reason(reminder, now)
            # That some wait their turn is what sending is.
            if code != "in_turn":
                found[reminder.campaign_id] = (code, params)
        return found

    @api.model
    def _read_next(self, campaigns):
        """The queued reminder of each campaign that leaves first, by what is known."""
        if not campaigns.ids:
            return self.env["chaser.reminder"]
        self.env["chaser.reminder"].flush_model()
        self.env["chaser.provider"].flush_model(["state", "hold_until"])
        rows = self.env.execute_query(
            SQL(
                """SELECT DISTINCT ON (r.campaign_id) r.id FROM chaser_reminder r
                LEFT JOIN chaser_provider p ON p.id = r.provider_id
                WHERE r.campaign_id = ANY(%s) AND r.state = 'queued'
                ORDER BY r.campaign_id, (p.state = 'connected') DESC NULLS LAST,
                    greatest(r.scheduled_at, p.hold_until), r.priority DESC, r.id""",
                campaigns.ids,
            )
        )
        return self.env["chaser.reminder"].sudo().browse(row[0] for row in rows)

    def _get_reason(self, reminder, now):
        """(key, values) of what keeps one queued reminder at ``now`` (UTC)."""
        provider, campaign = reminder.provider_id, reminder.campaign_id
        code, params = reminder.reason_code, reminder.reason_params or {}
        later = reminder.scheduled_at and reminder.scheduled_at > now
        if campaign.state == "paused":
            return campaign.reason_code or "campaign_paused", campaign.reason_params
        if not provider:
            return "no_mailbox", {}
        if provider.state != "connected":
            return self._get_closed_reason(provider, code, params)
        held = provider.hold_until and provider.hold_until > now
        if held and not (
            later and code and reminder.scheduled_at > provider.hold_until
        ):
            return provider.reason_code, provider.reason_params
        if campaign.state == "scheduled" and not (code and later):
            return _until("campaign_later", campaign.scheduled_at)
        if code and code not in _BY_MAILBOX and (later or "until" not in params):
            return code, params
        return _until("spread", reminder.scheduled_at) if later else ("in_turn", {})

    def _get_closed_reason(self, provider, code, params):
        if code in _CLOSED:
            return code, params
        return (
            "provider_expired" if provider.state == "expired" else "provider_closed",
            {"detail": provider.last_error or ""},
        )


def _until(code, moment):
    return code, {"until": moment.replace(microsecond=0).isoformat()}
