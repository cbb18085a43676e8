from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from ...core.pace.limits import get_limits, get_profile
from ...core.pace.throttle import MINUTE, MonthCount, Pace, Throttle, month_start
from ..common.limits import COUNT, check_numbers

_NUMBERS = {
    "daily_quota": (0, COUNT),
    "per_minute": (0, COUNT),
    "per_domain_minute": (0, COUNT),
    "batch_size": (1, 1000),
    # A longer pause would outlast a run; a limit per minute or day says more.
    "batch_pause": (0, 3600),
    "max_attempts": (1, 20),
    "daily_reserve": (0, COUNT),
    "jitter_min": (0, 60),
    "jitter_max": (0, 60),
    "max_connections": (0, 1000),
}
# Moments are rounded up to full seconds; what is later than that is another clock.
_SKEW = timedelta(seconds=2)
# Over which rates of opens, bounces … are shown.
_FIGURES = timedelta(days=90)


class ChaserLimitsMixin(models.AbstractModel):
    """What a mailbox may send, what it has sent lately, and so when it may again."""

    _name = "chaser.limits.mixin"
    _description = "Limits and Pace of a Mailbox"

    daily_quota = fields.Integer(
        default=500,
        tracking=True,
        aggregator=None,
        help="Messages in any 24 hours. 0: no limit.",
    )
    per_minute = fields.Integer(
        "Messages per Minute",
        default=0,
        tracking=True,
        aggregator=None,
        help="0: no limit beside the batches.",
    )
    per_domain_minute = fields.Integer(
        "Per Recipient Domain and Minute",
        default=20,
        tracking=True,
        aggregator=None,
        help="0: no limit.",
    )
    batch_size = fields.Integer(default=5, tracking=True, aggregator=None)
    batch_pause = fields.Float(
        "Pause between Batches (s)", default=3.0, tracking=True, aggregator=None
    )
    max_attempts = fields.Integer(
        "Attempts per Message", default=3, tracking=True, aggregator=None
    )
    daily_reserve = fields.Integer(
        "Kept for the Person",
        default=0,
        tracking=True,
        aggregator=None,
        help="Messages of the daily quota that are left to the person whose mailbox "
        "this is.",
    )
    jitter_min = fields.Float(
        "Pause between Messages from (s)", tracking=True, aggregator=None
    )
    jitter_max = fields.Float(
        "to (s)",
        tracking=True,
        aggregator=None,
        help="A random pause between two messages, as a person makes it. 0 to 0: none.",
    )
    max_connections = fields.Integer(
        tracking=True,
        aggregator=None,
        help="How many mailboxes may use the same account of the mail service at the "
        "same time. Each mailbox uses one connection. 0: no limit.",
    )
    limits_profile = fields.Char(
        readonly=True,
        copy=False,
        help="Whose limits the mailbox started with; what a person changed stays.",
    )
    rate_limit_count = fields.Integer(readonly=True, copy=False, aggregator=None)

    used_today = fields.Integer("Sent in 24 Hours", compute="_compute_used_today")
    left_today = fields.Char("Left in 24 Hours", compute="_compute_used_today")
    queued_count = fields.Integer("Queued", compute="_compute_used_today")
    used_month = fields.Integer("Sent This Month", compute="_compute_figures")
    last_used_at = fields.Datetime("Last Used", compute="_compute_figures")
    delivery_display = fields.Char(
        "Delivery", compute="_compute_figures", help="Of the last 90 days."
    )
    open_rate = fields.Float(
        "Open Rate (%)",
        compute="_compute_figures",
        aggregator=None,
        help="Of the last 90 days.",
    )
    reply_rate = fields.Float(
        "Reply Rate (%)",
        compute="_compute_figures",
        aggregator=None,
        help="Of the last 90 days.",
    )
    bounce_rate = fields.Float(
        "Bounce Rate (%)",
        compute="_compute_figures",
        aggregator=None,
        help="Of the last 90 days.",
    )
    complaint_rate = fields.Float(
        "Complaint Rate (%)",
        compute="_compute_figures",
        aggregator=None,
        help="Of the last 90 days. Mail services accept 0.1 %, and slow a sender down "
        "from 0.3 % on.",
    )
    next_slot_at = fields.Datetime(
        "Next Free Slot",
        compute="_compute_next_slot_at",
        help="When one more message could leave, by the mailbox's limits and waits.",
    )

    _batch_check = models.Constraint(
        "CHECK(batch_size > 0 AND batch_pause >= 0 AND max_attempts > 0)",
        "Batch size and attempts must be positive.",
    )
    _limits_check = models.Constraint(
        "CHECK(daily_quota >= 0 AND per_minute >= 0 AND per_domain_minute >= 0)",
        "A limit cannot be negative; 0 means no limit.",
    )
    _reserve_check = models.Constraint(
        "CHECK(daily_reserve >= 0 AND (daily_quota = 0 OR daily_reserve < "
        "daily_quota))",
        "What is kept for the person must be less than the daily quota.",
    )
    _jitter_check = models.Constraint(
        "CHECK(jitter_min >= 0 AND jitter_max >= jitter_min AND jitter_max <= 60)",
        "The pause between messages goes from a smaller to a larger number, up "
        "to 60 s.",
    )
    _connections_check = models.Constraint(
        "CHECK(max_connections >= 0)", "A limit cannot be negative; 0 means no limit."
    )

    @api.constrains(*_NUMBERS)
    def _check_numbers(self):
        check_numbers(self, _NUMBERS)

    # -- what was used of them

    def _compute_used_today(self):
        since = fields.Datetime.subtract(fields.Datetime.now(), hours=24)
        Reminder = self.env["chaser.reminder"].sudo()
        groups = self._read_same_address()
        ids = {provider_id for group in groups.values() for provider_id in group}
        used = {
            p.id: n
            for p, n in Reminder._read_group(
                [
                    ("provider_id", "in", list(ids)),
                    ("attempted_at", ">", since),
                    ("purpose", "!=", "colleague"),
                ],
                ["provider_id"],
                ["__count"],
            )
        }
        sent = {
            key: sum(used.get(one, 0) for one in group) for key, group in groups.items()
        }
        queued = {
            p.id: n
            for p, n in Reminder._read_group(
                [("provider_id", "in", self.ids), ("state", "=", "queued")],
                ["provider_id"],
                ["__count"],
            )
        }
        for provider in self:
            provider.used_today = sent.get(provider.id, 0)
            provider.queued_count = queued.get(provider.id, 0)
            left = max(
                provider.daily_quota - provider.daily_reserve - provider.used_today, 0
            )
            provider.left_today = (
                str(left) if provider.daily_quota else self.env._("no limit")
            )

    def _compute_figures(self):
        """What became of what left from it lately: how it is now, at a price that does
        not grow with its history. Nothing is stored."""
        delivery, now = self.env["chaser.delivery"].sudo(), fields.Datetime.now()
        rows = delivery._read("provider_id", self._origin.ids, now - _FIGURES)
        last = {
            provider.id: moment
            for provider, moment in self.env["chaser.reminder"]
            .sudo()
            ._read_group(
                [
                    ("provider_id", "in", self._origin.ids),
                    ("attempted_at", "!=", False),
                ],
                ["provider_id"],
                ["attempted_at:max"],
            )
        }
        for provider in self:
            row = rows.get(provider._origin.id) or {}
            sent = row.get("sent") or 0
            for rate, count in (
                ("open", "opened"),
                ("reply", "replied"),
                ("bounce", "bounced"),
                ("complaint", "complained"),
            ):
                number = row.get(count) or 0
                provider[f"{rate}_rate"] = (
                    min(100.0 * number / sent, 100) if sent else 0
                )
            provider.last_used_at = last.get(provider._origin.id)
            provider.delivery_display = bool(row) and delivery._describe(row)
            provider.used_month = (
                self.env["chaser.reminder"]
                .sudo()
                .search_count(
                    [
                        ("provider_id", "=", provider._origin.id),
                        (
                            "attempted_at",
                            ">=",
                            month_start(now, provider.company_id._get_chaser_tz()),
                        ),
                    ]
                )
            )

    def _compute_next_slot_at(self):
        now = fields.Datetime.now()
        attempts = self._origin._read_attempts(now) if self._origin else {}
        for provider in self:
            mailbox = provider._origin
            provider.next_slot_at = (
                mailbox._get_next_slot(now, attempts)
                if mailbox and mailbox.state == "connected"
                else False
            )

    def _get_next_slot(self, now, attempts):
        """The first moment (UTC) from ``now`` on at which limits and holds let one
        message go. ``attempts``: see ``_read_attempts``."""
        self.ensure_one()
        start = max(now, self.hold_until or now)
        allowed = self._make_throttle(start, attempts=attempts).allowance(start)
        return start if allowed.count else allowed.until.replace(microsecond=0)

    # -- what a kind starts with

    @api.model
    def _get_kind_defaults(self, kind, email=None):
        """Limits that a mailbox of this kind starts with, by field name. An addon with
        a kind of its own overrides it."""
        return get_limits(get_profile(kind, email))

    @api.model
    def _get_limits_profile(self, kind, email=None):
        return get_profile(kind, email)

    @api.model
    def _add_kind_defaults(self, vals_list):
        """The values of new mailboxes, with what their kinds start with."""
        kind_default = self.default_get(["kind"]).get("kind")
        complete = []
        for vals in vals_list:
            kind, email = vals.get("kind") or kind_default, vals.get("email")
            complete.append(
                self._get_kind_defaults(kind, email)
                | {"limits_profile": self._get_limits_profile(kind, email)}
                | vals
            )
        return complete

    def _follow_kind(self, vals):
        """After a change of kind or address: its limits, where nobody has set any."""
        for provider in self:
            changes = {
                name: value
                for name, value in provider._prepare_limit_changes().items()
                if name not in vals
            }
            if changes:
                provider._by_program().write(changes)

    @api.onchange("kind", "email")
    def _onchange_limits(self):
        self.update(self._prepare_limit_changes())

    def _prepare_limit_changes(self):
        """After a change of kind or address: the new kind's limits, for those that
        still are as the former kind set them."""
        self.ensure_one()
        profile = self._get_limits_profile(self.kind, self.email)
        if profile == self.limits_profile:
            return {}
        former = get_limits(self.limits_profile) if self.limits_profile else {}
        new = self._get_kind_defaults(self.kind, self.email)
        untouched = {
            name: value
            for name, value in new.items()
            if not former or self[name] == former[name]
        }
        return untouched | {"limits_profile": profile}

    # -- pace

    def _get_pace(self):
        self.ensure_one()
        company = self.company_id
        return Pace(
            self.batch_size,
            self.batch_pause,
            self.per_minute,
            self.daily_quota - self.daily_reserve if self.daily_quota else 0,
            company.chaser_monthly_limit,
            self.per_domain_minute,
            (self.jitter_min, self.jitter_max),
            company._get_chaser_tz(),
            self.message_seconds,
        )

    def _make_throttle(self, now, month=None, attempts=None):
        """The mailbox's recent past and its rules. ``month``: a count that several
        mailboxes share, ``attempts``: what ``_read_attempts`` gave for several;
        default: read now."""
        self.ensure_one()
        times, domains = (
            self._read_attempts(now) if attempts is None else attempts
        ).get(self.id, ([], {}))
        return Throttle(
            self._get_pace(), times, domains, month or self._make_month_count(now)
        )

    def _make_month_count(self, now):
        """The company's messages of this month; None without a monthly limit."""
        company = self.company_id
        return (
            MonthCount(
                self._get_month_count(company, now), now, company._get_chaser_tz()
            )
            if company.chaser_monthly_limit
            else None
        )

    def _read_attempts(self, now):
        """Copies to colleagues take no slot of a customer; they wait themselves where
        the limits are used up.

        :return: mailbox id → (moments of the last 24 hours, oldest first; those of the
            last minute by recipient domain). UTC, rounded up to the next second, so
            that no limit ends too early.

        What a server with a fast clock noted as later than now counts for the day, as a
        minute old: nobody waits until that time has come."""
        self.env["chaser.reminder"].flush_model(
            ["attempted_at", "provider_id", "recipient_domain"]
        )
        groups = self._read_same_address()
        owners = {}
        for provider_id, group in groups.items():
            for one in group:
                owners.setdefault(one, []).append(provider_id)
        rows = self.env.execute_query(
            SQL(
                """SELECT provider_id, attempted_at + interval '1 second',
                recipient_domain FROM chaser_reminder
                WHERE provider_id = ANY(%s) AND attempted_at > %s
                AND purpose <> 'colleague'""",
                list(owners),
                now - timedelta(hours=24),
            )
        )
        found, ahead = {}, now + _SKEW
        rows = [
            (one, now - MINUTE if at > ahead else at, domain)
            for one, at, domain in rows
        ]
        for one, moment, domain in sorted(rows, key=lambda row: row[1]):
            for provider_id in owners[one]:
                times, domains = found.setdefault(provider_id, ([], {}))
                times.append(moment)
                if moment > now - timedelta(minutes=1):
                    domains.setdefault(domain, []).append(moment)
        return found

    def _read_same_address(self):
        """Mailbox id → ids of all mailboxes that name the same address, itself
        included: of every company, archived ones as well, because the limit is the
        account's. Only their numbers are ever used of others."""
        self.env["chaser.provider"].flush_model(["email"])
        rows = self.env.execute_query(
            SQL(
                """SELECT p.id, array_agg(o.id) FROM chaser_provider p
                JOIN chaser_provider o ON o.id = p.id OR p.email <> ''
                 AND lower(trim(o.email)) = lower(trim(p.email))
                 AND o.channel IS NOT DISTINCT FROM p.channel
                WHERE p.id = ANY(%s) GROUP BY p.id""",
                list(self._origin.ids),
            )
        )
        return dict(rows)

    @api.model
    def _get_month_count(self, company, now):
        """Messages of the company, and those of its mailboxes for its branches, since
        its month began (in its own time zone)."""
        return (
            self.env["chaser.reminder"]
            .sudo()
            .search_count(
                [
                    "|",
                    ("company_id", "=", company.id),
                    ("provider_id.company_id", "=", company.id),
                    ("purpose", "!=", "colleague"),
                    ("attempted_at", ">=", month_start(now, company._get_chaser_tz())),
                ]
            )
        )

    # -- hooks

    def _get_connection_account(self):
        """The account of a mail service that the mailbox uses, as text: mailboxes with
        the same account share ``max_connections``. A kind overrides
        ``_get_connection_account_<kind>`` where the address does not identify the
        account."""
        self.ensure_one()
        special = getattr(self, f"_get_connection_account_{self.kind}", None)
        return special() if special else f"{self.kind}:{self.email}"
