import pytz

from odoo import api, fields, models
from odoo.tools import SQL, format_datetime

from ...core.hours.open_time import local_moment
from ...core.plan.cadence import Choice
from ...core.plan.planning import Message, OpenItem
from ...core.plan.priority import compute_priority
from ...core.plan.reach import DEFAULT_CHANNEL, Route
from ...core.plan.simulator import Clock, Departure, Post, simulate


class ChaserSimulator(models.AbstractModel):
    """What goes out in days to come: the simulator and a customer's next step."""

    _name = "chaser.simulator"
    _description = "Simulator of Reminders"

    @api.model
    def _simulate(self, company, days, partners=None, ladders=None):
        """What goes out in the next ``days`` days, by the planner, the choice of
        mailboxes and the pace of the real run; see ``core.plan.simulator``.

        :return: ``CampaignPlan`` (of today, as read) and ``Simulation``
        """
        Planner = self.env["chaser.planner"]
        plan = Planner._plan_open(company, partners, days=days, ladders=ladders)
        self._foresee_promises(plan)
        receivables = plan.load_receivables(self.env)
        simulation = simulate(
            plan.customers,
            Planner._get_plan_settings(company, automatic=True),
            plan.today,
            days,
            *self._make_post(company, plan),
            prioritize=lambda customer, message: compute_priority(
                float(message.company_net),
                receivables,
                message.days_overdue,
                customer.trust,
                customer.record,
            ).score,
            approve_all=company.chaser_daily_approval,
            queued=list(self._read_queued(plan)),
        )
        return plan, simulation

    @api.model
    def _make_post(self, company, plan):
        """The company's mailboxes with what waits in them, and its days, as the
        simulator sees them.

        Without a connected mailbox it is the one that campaigns would get, else one
        with the usual limits.
        """
        Provider, book = self.env["chaser.provider"].sudo(), company._get_window_book()
        ids = [customer.partner_id for customer in plan.customers]
        channels = self.env["chaser.channel"]
        mailboxes, senders, known, domains = Provider, {}, {}, {}
        for code in dict.fromkeys(
            code for customer in plan.customers for code in customer.reach
        ):
            connected, default = (
                Provider._get_usable(company, code),
                Provider._get_default(company, code),
            )
            spread = company.chaser_provider_mode == "spread" and connected
            mailboxes |= connected | default
            senders[code] = (connected if spread else default).ids or [False]
            last = Provider._read_last_senders(company, ids, code)
            known |= {(code, partner_id): last[partner_id] for partner_id in last}
            channel = channels._get(code)
            domains |= {
                (code, customer.partner_id): channel._get_domain(
                    customer.reach[code].addresses
                )
                for customer in plan.customers
                if code in customer.reach
            }
        queues = mailboxes._make_queues(
            fields.Datetime.now(), self._read_queued_ids(company, ids)
        )
        post = Post(
            queues,
            senders,
            known,
            domains,
            company._get_send_windows(self.env["res.partner"].browse(ids), book),
        )
        return post, self._make_clock(company, plan.today, book)

    @api.model
    def _make_clock(self, company, today, book):
        now, tz = fields.Datetime.now(), company._get_chaser_tz()
        zone = pytz.timezone(tz)
        done = (
            self.env["chaser.daily.run"]
            .sudo()
            .search_count(
                [
                    ("company_id", "=", company.id),
                    ("date", "=", today),
                    ("state", "=", "done"),
                ]
            )
        )

        def get_run(day):
            if day == today and done or company._is_chaser_day_off(day, book):
                return None
            return max(company._get_chaser_daily_moment(day), now)

        return Clock(
            get_run,
            lambda moment: pytz.utc.localize(moment).astimezone(zone).date(),
            lambda day: local_moment(day, 0, tz),
        )

    @api.model
    def _foresee_promises(self, plan):
        """What becomes of the open promises of the plan's customers when nobody pays:
        they are broken, or kept in part."""
        promises = (
            self.env["chaser.promise"]
            .sudo()
            .search(
                [
                    ("company_id", "=", plan.company.id),
                    ("state", "=", "open"),
                    ("partner_id", "in", [one.partner_id for one in plan.customers]),
                ]
            )
        )
        ends = promises._foresee() if promises else {}
        for customer in plan.customers:
            customer.promises = tuple(ends.get(customer.partner_id, ()))

    @api.model
    def _read_queued_ids(self, company, partner_ids):
        """Reminders that wait and that the simulator knows as departures of their
        own."""
        self.env["chaser.reminder"].flush_model(["state", "purpose", "partner_id"])
        return {
            row[0]
            for row in self.env.execute_query(
                SQL(
                    """SELECT id FROM chaser_reminder WHERE company_id = %s
                    AND partner_id = ANY(%s) AND purpose = 'reminder'
                  AND state IN ('draft', 'queued')""",
                    company.id,
                    partner_ids,
                )
            )
        }

    @api.model
    def _read_queued(self, plan):
        """Reminders that wait already, as departures with their place in the queue; a
        draft as if it were approved now. Messages of a paused campaign keep blocking
        their customer."""
        customers = {
            customer.partner_id: customer
            for customer in plan.customers
            if customer.live
        }
        self.env["chaser.campaign"].flush_model()
        self.env["chaser.reminder"].flush_model()
        rows = self.env.execute_query_dict(
            SQL(
                """SELECT r.id, r.partner_id, r.provider_id, r.level_id, r.level_code,
                r.level_params, r.priority, r.channel, c.state = 'draft' AS is_draft,
                      greatest(r.scheduled_at, c.scheduled_at) AS moment,
                      array_agg(l.move_line_id) AS items,
                      array_agg(l.level_id) AS levels
                 FROM chaser_reminder r JOIN chaser_campaign c ON c.id = r.campaign_id
                 JOIN chaser_reminder_line l ON l.reminder_id = r.id
                WHERE r.company_id = %s AND r.partner_id = ANY(%s)
                AND r.purpose = 'reminder' AND r.state IN ('draft', 'queued')
                  AND c.state IN ('draft', 'scheduled', 'sending') AND NOT l.is_credit
                  AND l.dropped_code IS NULL
                GROUP BY r.id, c.id ORDER BY r.id""",
                plan.company.id,
                list(customers),
            )
        )
        now = fields.Datetime.now()
        for row in rows:
            customer = customers[row["partner_id"]]
            message = self._make_queued_message(customer, row, plan.today)
            if message.items:
                departure = Departure(
                    customer,
                    message,
                    plan.today,
                    row["priority"] or 0,
                    row["is_draft"],
                    row["provider_id"],
                )
                yield (
                    departure,
                    (-departure.priority, -1, row["id"]),
                    max(row["moment"] or now, now),
                )

    @api.model
    def _make_queued_message(self, customer, row, today):
        levels = dict(zip(row["items"], row["levels"], strict=True))
        items = [
            OpenItem(
                item.id,
                item.move_id,
                customer.partner_id,
                item.currency_id,
                item.residual,
                item.company_residual,
                item.date_due,
                (today - item.date_due).days,
            )
            for item in customer.items
            if item.id in levels
        ]
        rule = next(
            (rule for rule in customer.ladder.rules if rule.id == row["level_id"]), None
        )
        choice = Choice(
            rule, row["level_code"] or "level_none", row["level_params"] or {}
        )
        return Message(
            customer.partner_id,
            items,
            choice=choice,
            item_levels={item.id: levels[item.id] for item in items if levels[item.id]},
            route=Route(row["channel"] or DEFAULT_CHANNEL),
        )

    # -- what a campaign says about its end

    @api.model
    def _get_last(self, counts, ends):
        """When the last of all messages leaves; False where one never does, or nothing
        is known."""
        if any(
            provider_id in ends and ends[provider_id][0] < count
            for provider_id, count in counts.items()
        ):
            return False
        return max((last for _count, last in ends.values()), default=False)

    @api.model
    def _describe_mailboxes(self, counts, ends):
        """One line per mailbox: how many messages it sends, and when the last of them
        leaves.

        :param dict counts: mailbox id → messages; ``ends``: mailbox id → (count,
        moment), where there is a forecast
        """
        lines = []
        for provider in (
            self.env["chaser.provider"]
            .sudo()
            .browse(counts)
            .sorted(lambda provider: (provider.sequence, provider.id))
        ):
            values = {"name": provider.name, "count": counts[provider.id]}
            if (
                provider.state == "connected"
                and ends.get(provider.id, (0,))[0] < counts[provider.id]
            ):
                lines.append(
                    self.env._(
                        "%(name)s: %(count)s messages, some of which never leave, "
                        "because no send window opens",
                        **values,
                    )
                )
            elif provider.id in ends:
                values["when"] = format_datetime(
                    self.env, ends[provider.id][1], dt_format="short"
                )
                lines.append(
                    self.env._(
                        "%(name)s: %(count)s messages, the last at %(when)s", **values
                    )
                )
            else:
                lines.append(
                    self.env._(
                        "%(name)s: %(count)s messages wait, the mailbox is not "
                        "connected",
                        **values,
                    )
                )
        return "\n".join(lines) or False
