from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command
from odoo.tools import format_date

from ..core.plan.cadence import Ladder, LevelRule

_MAX_DAYS = 366


class ChaserSimulation(models.TransientModel):
    """Simulates the days to come with the planner of the daily run; for a policy also
    with changed levels that are not saved."""

    _name = "chaser.simulation"
    _description = "Simulator"
    _inherit = ["chaser.company.mixin", "chaser.channel.choice.mixin"]
    _check_company_auto = True

    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company
    )
    days = fields.Integer(default=60)
    policy_id = fields.Many2one(
        "chaser.policy",
        "What If: Policy",
        check_company=True,
        help="Change its levels below without saving them, and compare.",
    )
    level_ids = fields.One2many(
        "chaser.simulation.level", "simulation_id", "Levels to Try"
    )
    line_ids = fields.One2many("chaser.simulation.line", "simulation_id", readonly=True)
    simulated_at = fields.Datetime(readonly=True)
    message_count = fields.Integer("Messages", compute="_compute_figures")
    customer_count = fields.Integer("Customers", compute="_compute_figures")
    approval_count = fields.Integer("Wait for Approval", compute="_compute_figures")
    limited_count = fields.Integer("Delayed by a Limit", compute="_compute_figures")
    held_count = fields.Integer("Left Out", compute="_compute_figures")
    changed_count = fields.Integer(
        "Messages with the Change", compute="_compute_figures"
    )
    is_changed = fields.Boolean(compute="_compute_figures")

    _days_check = models.Constraint(
        f"CHECK(days BETWEEN 1 AND {_MAX_DAYS})",
        f"Simulate between 1 and {_MAX_DAYS} days.",
    )

    @api.depends("company_id", "days")
    def _compute_display_name(self):
        for simulation in self:
            simulation.display_name = self.env._(
                "Simulation of %s days", simulation.days
            )

    @api.depends("line_ids")
    def _compute_figures(self):
        for simulation in self:
            rows = self.env["chaser.simulation.line"]._read_group(
                [("simulation_id", "=", simulation._origin.id)],
                ["scenario", "kind", "needs_approval", "delayed_by"],
                ["__count"],
            )

            def count(rows=rows, **wanted):
                names = ("scenario", "kind", "needs_approval", "delayed_by")
                return sum(
                    row[-1]
                    for row in rows
                    if all(
                        test(row[names.index(name)]) for name, test in wanted.items()
                    )
                )

            def is_present(value):
                return value == "present"

            def is_message(value):
                return value == "message"

            simulation.message_count = count(scenario=is_present, kind=is_message)
            simulation.approval_count = count(
                scenario=is_present, kind=is_message, needs_approval=bool
            )
            simulation.limited_count = count(
                scenario=is_present, kind=is_message, delayed_by=bool
            )
            simulation.held_count = count(
                scenario=is_present, kind=lambda value: value == "held"
            )
            simulation.changed_count = count(
                scenario=lambda value: value == "changed", kind=is_message
            )
            simulation.is_changed = any(row[0] == "changed" for row in rows)
            simulation.customer_count = len(
                self.env["chaser.simulation.line"]._read_group(
                    [
                        ("simulation_id", "=", simulation._origin.id),
                        ("scenario", "=", "present"),
                        ("kind", "=", "message"),
                    ],
                    ["partner_id"],
                )
            )

    @api.onchange("policy_id")
    def _onchange_policy_id(self):
        self.level_ids = [
            Command.clear(),
            *(
                Command.create(values)
                for values in self._prepare_levels(self.policy_id)
            ),
        ]

    @api.model
    def _prepare_levels(self, policy):
        return [
            {
                "level_id": level.id,
                **{
                    name: level[name]
                    for name in self.env["chaser.simulation.level"]._COPIED
                },
            }
            for level in policy._get_levels()
        ]

    @api.model
    def _open(self, policy=None):
        """A simulation of the current company, run at once; with a policy, ready for
        trying other levels."""
        policy = policy or self.env["chaser.policy"]
        simulation = self._create_by_program(
            {
                "company_id": self.env.company.id,
                "policy_id": policy.id,
                "level_ids": [
                    Command.create(values) for values in self._prepare_levels(policy)
                ],
            }
        )
        return simulation.action_simulate()

    # -- actions

    def action_simulate(self):
        """Calculate again: the saved levels, and beside them the changed ones if there
        are any."""
        self.ensure_one()
        self.check_access("write")
        if self.company_id not in self.env.companies:
            raise UserError(self.env._("You do not work in %s.", self.company_id.name))
        self.line_ids.unlink()
        self._add_lines("present")
        if self._is_different():
            self._add_lines("changed", {self.policy_id.id: self._get_ladder()})
        self._by_program().simulated_at = fields.Datetime.now()
        self.invalidate_recordset()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Simulator"),
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
        }

    def action_apply(self):
        """Save the tried levels in the policy: changed ones are written, new ones
        added, missing ones archived."""
        self.ensure_one()
        self.policy_id.check_access("write")
        kept = self.level_ids.level_id
        (self.policy_id._get_levels() - kept).action_archive()
        for line in self.level_ids:
            values = {name: line[name] for name in line._COPIED}
            if line.level_id:
                line.level_id.write(
                    {
                        name: value
                        for name, value in values.items()
                        if line.level_id[name] != value
                    }
                )
            else:
                template = (
                    self.policy_id._get_levels()
                    .filtered(lambda level, tone=line.tone: level.tone == tone)[:1]
                    .template_id
                )
                line._by_program().level_id = self.env["chaser.level"].create(
                    {
                        **values,
                        "policy_id": self.policy_id.id,
                        "template_id": template.id
                        or self.env["chaser.template"]
                        ._get_default("invoice_reminder", self.company_id)
                        .id,
                    }
                )
        return {
            "type": "ir.actions.act_window",
            "res_model": "chaser.policy",
            "res_id": self.policy_id.id,
            "view_mode": "form",
        }

    def action_view_lines(self):
        """The days: as a calendar, a list, a chart per day, or a pivot table."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "invoice_chaser.chaser_simulation_line_action"
        )
        wanted = {
            f"search_default_{name}": 1
            for name in self.env.context.get("chaser_filters", ("messages", "present"))
        }
        return action | {"domain": [("simulation_id", "=", self.id)], "context": wanted}

    # -- calculation

    def _is_different(self):
        """Whether the levels to try differ from the saved ones."""
        if not self.policy_id:
            return False
        saved = self.env["chaser.policy"].browse(self.policy_id.id)._get_levels()
        return len(saved) != len(self.level_ids) or any(
            not line.level_id
            or any(line[name] != line.level_id[name] for name in line._COPIED)
            for line in self.level_ids
        )

    def _get_ladder(self):
        return Ladder(line._get_rule() for line in self.level_ids)

    def _add_lines(self, scenario, ladders=None):
        plan, simulation = self.env["chaser.simulator"]._simulate(
            self.company_id, self.days or 60, ladders=ladders
        )
        names = self._get_level_names()
        kinds = (
            ("message", simulation.departures),
            ("waiting", simulation.waiting),
            ("held", simulation.held),
        )
        self.env["chaser.plan.writer"]._insert(
            "chaser.simulation.line",
            [
                self._prepare_row(plan, departure, scenario, kind, names)
                for kind, departures in kinds
                for departure in departures
            ],
        )

    def _get_level_names(self):
        levels = (
            self.env["chaser.level"]
            .sudo()
            .with_context(active_test=False)
            .search([("company_id", "in", (self.company_id.id, False))])
        )
        return {level.id: level.name for level in levels} | {
            line._get_rule_id(): line.name for line in self.level_ids
        }

    def _prepare_row(self, plan, departure, scenario, kind, names):
        message, company = departure.message, self.company_id
        stop, level = message.skip, message.choice.level if message.choice else None
        code, params = (
            (stop.reason, stop.params)
            if stop
            else (message.choice.code, message.choice.params)
            if message.choice
            else ("", {})
        )
        params = {
            key: names.get(value, "") if key in ("level", "last") and value else value
            for key, value in params.items()
        }
        numbers = [plan.rows[item.id]["number"] or "" for item in message.items]
        return {
            "simulation_id": self.id,
            "company_id": company.id,
            "scenario": scenario,
            "kind": kind,
            "date": plan_day_of(departure, company),
            "planned_on": departure.planned,
            "leaves_at": departure.leaves,
            "partner_id": message.partner_id,
            "level_id": level.id if level and level.id > 0 else None,
            "level_name": names.get(level.id) if level else None,
            "provider_id": departure.mailbox or None,
            **self._prepare_channel_values(message.route),
            "item_count": len(message.items),
            "item_ids": [item.id for item in message.items],
            "numbers": ", ".join(numbers[:6]) + (" …" if len(numbers) > 6 else ""),
            "amount": float(message.company_net),
            "days_overdue": message.days_overdue,
            "delayed_by": departure.limit or None,
            "needs_approval": departure.approval and not stop,
            "reason_code": code or None,
            "reason_params": params or None,
        }

    @api.model
    def _prepare_channel_values(self, route):
        values = self.env["chaser.channel"]._prepare_route_values(route)
        return {
            "channel": route.channel,
            "channel_passed": values["channel_passed"] or None,
        }

    # -- at a glance: mailboxes, limits that bind, approvals

    message_line_ids = fields.One2many(
        "chaser.simulation.line",
        "simulation_id",
        readonly=True,
        domain=[("kind", "!=", "held"), ("scenario", "=", "present")],
    )
    changed_line_ids = fields.One2many(
        "chaser.simulation.line",
        "simulation_id",
        readonly=True,
        domain=[("kind", "!=", "held"), ("scenario", "=", "changed")],
    )
    held_line_ids = fields.One2many(
        "chaser.simulation.line",
        "simulation_id",
        "Customers Left Out",
        readonly=True,
        domain=[("kind", "=", "held"), ("scenario", "=", "present")],
    )
    waiting_count = fields.Integer("Still Waiting", compute="_compute_summary")
    mailbox_summary = fields.Text("Mailboxes", compute="_compute_summary")
    approval_summary = fields.Char("Approvals", compute="_compute_summary")
    warning = fields.Text(compute="_compute_summary")

    @api.depends("line_ids")
    @api.depends_context("lang")
    def _compute_summary(self):
        Line = self.env["chaser.simulation.line"]
        for simulation in self:
            mine = [
                ("simulation_id", "=", simulation._origin.id),
                ("scenario", "=", "present"),
                ("kind", "!=", "held"),
            ]
            simulation.waiting_count = Line.search_count(
                [*mine, ("kind", "=", "waiting")]
            )
            simulation.mailbox_summary = (
                "\n".join(simulation._describe_mailboxes(mine)) or False
            )
            simulation.approval_summary = simulation._describe_approvals(mine)
            simulation.warning = simulation._get_warning()

    def _describe_mailboxes(self, domain):
        """One line per mailbox: its messages, and how many of them each limit
        delays."""
        rows = self.env["chaser.simulation.line"]._read_group(
            domain, ["provider_id", "delayed_by"], ["__count"]
        )
        names = dict(
            self.env["chaser.simulation.line"]
            ._fields["delayed_by"]
            ._description_selection(self.env)
        )
        for provider in (
            self.env["chaser.provider"]
            .sudo()
            .union(*(row[0] for row in rows))
            .sorted(lambda one: (one.sequence, one.id))
        ):
            counts = {
                limit: count for own, limit, count in rows if own.id == provider.id
            }
            text = self.env._(
                "%(mailbox)s: %(count)s messages",
                mailbox=provider.name,
                count=sum(counts.values()),
            )
            delayed = [
                self.env._(
                    "%(count)s delayed (%(limit)s)", count=count, limit=names[limit]
                )
                for limit, count in counts.items()
                if limit
            ]
            yield "; ".join([text, *delayed])

    def _describe_approvals(self, domain):
        rows = self.env["chaser.simulation.line"]._read_group(
            [*domain, ("needs_approval", "=", True)],
            ["planned_on:day"],
            ["__count"],
            order="planned_on:day",
        )
        if not rows:
            return False
        day, count = rows[0]
        return self.env._(
            "On %(days)s days something waits for approval; first on %(date)s: "
            "%(count)s messages.",
            days=len(rows),
            date=format_date(self.env, day),
            count=count,
        )

    def _get_warning(self):
        """Why the real run would send less than the simulation."""
        provider = self.env["chaser.provider"].sudo()._get_default(self.company_id)
        if not provider:
            return self.env._(
                "%s has no mailbox yet: calculated with the usual limits of one.",
                self.company_id.name,
            )
        if provider.state != "connected":
            return self.env._(
                "The mailbox “%s” is not connected: calculated as if it were. Nothing "
                "leaves until a manager has connected it.",
                provider.name,
            )
        if not self.company_id.chaser_daily:
            return self.env._(
                "The daily run of %s is switched off: this is what it would do.",
                self.company_id.name,
            )
        return False


def plan_day_of(departure, company):
    """The local day on which a message leaves; of one that does not, the day of the
    plan."""
    if not departure.leaves:
        return departure.planned
    return fields.Datetime.context_timestamp(
        company.with_context(tz=company._get_chaser_tz()), departure.leaves
    ).date()


class ChaserSimulationLevel(models.TransientModel):
    """A level with values to try."""

    _name = "chaser.simulation.level"
    _description = "Simulator: Level to Try"
    _inherit = ["chaser.company.mixin"]
    _order = "sequence, id"
    _COPIED = (
        "name",
        "sequence",
        "days_overdue",
        "min_days",
        "repeat_days",
        "tone",
        "requires_approval",
    )

    simulation_id = fields.Many2one(
        "chaser.simulation", required=True, ondelete="cascade", index=True
    )
    company_id = fields.Many2one(related="simulation_id.company_id", store=True)
    level_id = fields.Many2one("chaser.level")
    name = fields.Char(required=True)
    sequence = fields.Integer(default=100)
    days_overdue = fields.Integer(default=1)
    min_days = fields.Integer("Days After Previous", default=7)
    repeat_days = fields.Integer("Repeat after")
    tone = fields.Selection(
        lambda self: self.env["chaser.level"]
        ._fields["tone"]
        ._description_selection(self.env),
        default="friendly",
        required=True,
    )
    requires_approval = fields.Boolean()

    @api.constrains("min_days", "repeat_days")
    def _check_days(self):
        if any(line.min_days < 0 or line.repeat_days < 0 for line in self):
            raise ValidationError(
                self.env._("Numbers of days between reminders cannot be negative.")
            )

    def _get_rule_id(self):
        """New levels have no id yet and get a negative one."""
        return self.level_id.id or -self.id

    def _get_rule(self):
        return LevelRule(
            self._get_rule_id(),
            self.sequence,
            self.days_overdue,
            self.min_days,
            self.repeat_days,
            self.tone,
            self.requires_approval,
            *self.level_id._get_channel_rule(),
        )


class ChaserSimulationLine(models.TransientModel):
    """One message of the days to come, or a customer who gets none and why."""

    _name = "chaser.simulation.line"
    _description = "Simulated Message"
    _inherit = [
        "chaser.reason.mixin",
        "chaser.company.mixin",
        "chaser.channel.mixin",
    ]
    _order = "date, leaves_at, id"
    _rec_name = "partner_id"

    simulation_id = fields.Many2one(
        "chaser.simulation", required=True, ondelete="cascade", index=True
    )
    company_id = fields.Many2one("res.company", required=True)
    company_currency_id = fields.Many2one(related="company_id.currency_id")
    scenario = fields.Selection(
        [("present", "As saved"), ("changed", "With the change")], required=True
    )
    kind = fields.Selection(
        [("message", "Message"), ("waiting", "Still waiting"), ("held", "Left out")],
        required=True,
    )
    date = fields.Date("Day")
    planned_on = fields.Date()
    leaves_at = fields.Datetime("Leaves")
    partner_id = fields.Many2one("res.partner", "Customer", ondelete="cascade")
    level_id = fields.Many2one("chaser.level", ondelete="cascade")
    level_name = fields.Char()
    provider_id = fields.Many2one("chaser.provider", "Mailbox", ondelete="cascade")
    item_count = fields.Integer("Items")
    item_ids = fields.Json(help="Journal items.")
    numbers = fields.Char("Invoices")
    amount = fields.Monetary("Open Amount", currency_field="company_currency_id")
    days_overdue = fields.Integer(aggregator="max")
    needs_approval = fields.Boolean()
    delayed_by = fields.Selection(
        [
            ("minute", "Per minute"),
            ("day", "Per 24 hours"),
            ("month", "Per month"),
            ("domain", "Recipient's domain"),
            ("window", "Sending hours"),
        ]
    )

    def action_open_partner(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": "res.partner",
            "res_id": self.partner_id.id,
            "view_mode": "form",
        }
