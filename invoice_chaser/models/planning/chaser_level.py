from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from ...core.plan.cadence import BOTH, ORDER, REACTION, LevelRule
from ...core.plan.reach import DEFAULT_CHANNEL
from ...core.plan.second import LATEST
from ..common.limits import DAYS, check_numbers


class ChaserLevel(models.Model):
    _name = "chaser.level"
    _description = "Reminder Level"
    _inherit = [
        "mail.thread",
        "chaser.company.mixin",
        "chaser.channel.choice.mixin",
        "chaser.trial.mixin",
    ]
    _order = "sequence, id"
    _check_company_auto = True

    name = fields.Char(required=True, translate=True, tracking=True)
    code = fields.Char(help="Technical name, for programs.", copy=False, tracking=True)
    active = fields.Boolean(default=True, tracking=True)
    sequence = fields.Integer(default=10, tracking=True, aggregator=None)
    policy_id = fields.Many2one(
        "chaser.policy",
        index="btree_not_null",
        ondelete="cascade",
        check_company=True,
        tracking=True,
        help="The policy that this level belongs to. Empty: the company's own levels, "
        "where it has no default policy.",
    )
    company_id = fields.Many2one(
        "res.company",
        index=True,
        compute="_compute_company_id",
        store=True,
        readonly=False,
        precompute=True,
        tracking=True,
        help="As the policy's. Levels without a company are shared; a company with "
        "levels of its own uses only those.",
    )
    days_overdue = fields.Integer(
        required=True,
        default=1,
        tracking=True,
        aggregator=None,
        help="From how many days after the due date this level applies. Negative: "
        "before the due date.",
    )
    min_days = fields.Integer(
        "Days since Previous Level",
        default=7,
        tracking=True,
        aggregator=None,
        help="How many days after the previous level was first sent this one may "
        "follow.",
    )
    repeat_days = fields.Integer(
        "Repeat after Days",
        tracking=True,
        aggregator=None,
        help="The daily run sends this level again after so many days, while no "
        "higher one is due. 0: once. A person may repeat it at any time.",
    )
    tone = fields.Selection(
        [
            ("friendly", "Friendly"),
            ("firm", "Firm"),
            ("urgent", "Urgent"),
            ("final", "Final"),
        ],
        default="friendly",
        required=True,
        tracking=True,
    )
    template_id = fields.Many2one(
        "chaser.template",
        required=True,
        tracking=True,
        index="btree_not_null",
        check_company=True,
        ondelete="restrict",
    )
    channel = fields.Selection(
        lambda self: self.env["chaser.channel"]._get_selection(),
        default=DEFAULT_CHANNEL,
        required=True,
        tracking=True,
        help="By which channel reminders of this level go. A customer's own wish comes "
        "first.",
    )
    channel_fallback = fields.Selection(
        lambda self: self.env["chaser.channel"]._get_selection(),
        "Else By",
        tracking=True,
        help="Where the channel does not reach the customer, or cannot deliver: the "
        "same reminder goes by this one.",
    )
    channel_pick = fields.Selection(
        [
            (ORDER, "The second one instead"),
            (REACTION, "The one they react to"),
            (BOTH, "Both, days apart"),
        ],
        "Two Channels",
        default=ORDER,
        required=True,
        tracking=True,
        help="By the second one instead: where the first does not reach. The one they "
        "react to: by which they last clicked or answered; until they have, the "
        "first. Both: the daily run sends a second reminder by the other channel after "
        "some days, unless they have clicked, answered, promised or paid. It counts as "
        "one of the messages a week, and the interval between contacts does not stop "
        "it. A customer's own wish is one channel alone.",
    )
    channel_days = fields.Integer(
        "Days between Both",
        default=3,
        tracking=True,
        aggregator=None,
        help="How many days after the first reminder the second one goes. More than a "
        "week too late it does not go any more.",
    )
    copy_salesperson = fields.Boolean("Copy to Salesperson", tracking=True)
    copy_user_id = fields.Many2one(
        "res.users",
        "Copy to Manager",
        tracking=True,
        domain="[('share', '=', False)]",
        help="Gets a copy of their own, while they work in the company.",
    )
    copy_escalation = fields.Boolean(
        "Copy to Escalation Contact",
        tracking=True,
        help="The customer's own escalation contact, where one is set.",
    )
    activity_type_id = fields.Many2one(
        "mail.activity.type",
        "Activity",
        tracking=True,
        help="Planned for the responsible person when a reminder of this level was "
        "sent.",
    )
    requires_approval = fields.Boolean(
        tracking=True,
        help="Automatic runs make such reminders as a draft. Pressing Send on a "
        "campaign is a person's approval.",
    )

    _days_check = models.Constraint(
        "CHECK(min_days >= 0 AND repeat_days >= 0)",
        "Numbers of days between reminders cannot be negative.",
    )

    @api.constrains("channel", "channel_fallback", "channel_pick")
    def _check_channels(self):
        for level in self:
            if level.channel_pick != ORDER and len(level._get_channels()) < 2:
                raise ValidationError(
                    self.env._(
                        "“%s” needs two different channels for that.", level.name
                    )
                )

    @api.constrains("days_overdue", "min_days", "repeat_days", "channel_days")
    def _check_numbers(self):
        check_numbers(
            self,
            {
                "days_overdue": (-365, DAYS),
                "min_days": (0, DAYS),
                "repeat_days": (0, DAYS),
                "channel_days": (1, LATEST),
            },
        )

    @api.model_create_multi
    def create(self, vals_list):
        levels = super().create(vals_list)
        levels.filtered("trial_template_id")._begin_trial()
        return levels

    def write(self, vals):
        pairs = {level: (level.template_id, level.trial_template_id) for level in self}
        result = super().write(vals)
        if {"template_id", "trial_template_id"} & set(vals):
            self.filtered(
                lambda level: pairs[level]
                != (level.template_id, level.trial_template_id)
            )._begin_trial()
        return result

    @api.depends("policy_id.company_id")
    def _compute_company_id(self):
        for level in self:
            level.company_id = (
                level.policy_id.company_id
                if level.policy_id
                else level.company_id or self.env.company
            )

    @api.model
    def _get_ladder(self, company):
        """The levels for customers without a policy of their own: the company's default
        policy, else its own levels, else the shared ones."""
        if levels := company.chaser_policy_id._get_levels():
            return levels
        shared = self.env["chaser.policy"]._get_shared()
        levels = self.search(
            [
                ("company_id", "in", (company.id, False)),
                ("policy_id", "in", (shared.id, False)),
            ]
        )
        return levels.filtered("company_id") or levels

    def _get_rules(self):
        return [
            LevelRule(
                level.id,
                level.sequence,
                level.days_overdue,
                level.min_days,
                level.repeat_days,
                level.tone,
                level.requires_approval,
                *level._get_channel_rule(),
            )
            for level in self
        ]

    def _get_channel_rule(self):
        """The last values of a ``LevelRule``: by which channels it goes, and how they
        are used."""
        channels = self._get_channels()
        pick = self.channel_pick if len(channels) > 1 else ORDER
        return channels or (DEFAULT_CHANNEL,), pick, self.channel_days

    def _get_channels(self):
        """The codes of its channels, in the order in which they are tried."""
        return tuple(dict.fromkeys(filter(None, (self.channel, self.channel_fallback))))

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        if (
            self.env["chaser.reminder"]
            .sudo()
            .search_count([("level_id", "in", self.ids)], limit=1)
        ):
            raise UserError(
                self.env._(
                    "A level that was used cannot be deleted. Archive it instead."
                )
            )
