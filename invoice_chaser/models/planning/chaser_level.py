from datetime import timedelta

from babel.dates import format_timedelta

from odoo import api, fields, models
from odoo.exceptions import MissingError, UserError
from odoo.tools.misc import babel_locale_parse

from ...core.plan.cadence import LevelRule


class ChaserLevel(models.Model):
    _name = "chaser.level"
    _description = "Reminder Level"
    _inherit = ["mail.thread", "chaser.company.mixin"]
    _order = "sequence, id"
    _check_company_auto = True

    name = fields.Char(required=True, translate=True, tracking=True)
    code = fields.Char(help="Technical name, for programs.", copy=False)
    active = fields.Boolean(default=True)
    sequence = fields.Integer(default=10)
    policy_id = fields.Many2one(
        "chaser.policy", index="btree_not_null", ondelete="cascade", check_company=True, tracking=True,
        help="The ladder that this level is a part of. Empty: the company's own ladder, where it has no default policy.",
    )
    company_id = fields.Many2one(
        "res.company", index=True, compute="_compute_company_id", store=True, readonly=False, precompute=True,
        help="As the policy's. Levels without a company are shared; a company with levels of its own uses only those.",
    )
    days_overdue = fields.Integer(
        required=True, default=1, tracking=True, aggregator=None,
        help="From how many days after the due date this level applies. Negative: before the due date.",
    )
    min_days = fields.Integer(
        "Days since Previous Level", default=7, tracking=True, aggregator=None,
        help="How many days after the previous level was first sent this one may follow.",
    )
    repeat_days = fields.Integer(
        "Repeat after Days", tracking=True, aggregator=None,
        help="The daily run sends this level again after so many days, while no higher one is due. 0: once. A person may repeat it at any time.",
    )
    tone = fields.Selection(
        [("friendly", "Friendly"), ("firm", "Firm"), ("urgent", "Urgent"), ("final", "Final")],
        default="friendly", required=True, tracking=True,
    )
    template_id = fields.Many2one(
        "chaser.template", required=True, tracking=True, index="btree_not_null", check_company=True, ondelete="restrict"
    )
    copy_salesperson = fields.Boolean("Copy to Salesperson", tracking=True)
    copy_user_id = fields.Many2one("res.users", "Copy to Manager", tracking=True)
    copy_escalation = fields.Boolean(
        "Copy to Escalation Contact", tracking=True, help="The customer's own escalation contact, where one is set."
    )
    activity_type_id = fields.Many2one("mail.activity.type", "Activity", help="Planned for the responsible person when a reminder of this level was sent.")
    requires_approval = fields.Boolean(
        tracking=True, help="Automatic runs make such reminders as a draft. Pressing Send on a campaign is a person's approval."
    )

    _days_check = models.Constraint("CHECK(min_days >= 0 AND repeat_days >= 0)", "Numbers of days between reminders cannot be negative.")

    @api.depends("policy_id.company_id")
    def _compute_company_id(self):
        for level in self:
            level.company_id = level.policy_id.company_id if level.policy_id else level.company_id or self.env.company

    @api.model
    def _get_ladder(self, company):
        """The levels for customers without a policy of their own: the company's default policy, else its own levels, else the shared ones."""
        if levels := company.chaser_policy_id._get_levels():
            return levels
        shared = self.env["chaser.policy"]._get_shared()
        levels = self.search([("company_id", "in", (company.id, False)), ("policy_id", "in", (shared.id, False))])
        return levels.filtered("company_id") or levels

    def _get_rules(self):
        return [
            LevelRule(level.id, level.sequence, level.days_overdue, level.min_days, level.repeat_days, level.tone, level.requires_approval)
            for level in self
        ]

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        if self.env["chaser.reminder"].sudo().search_count([("level_id", "in", self.ids)], limit=1):
            raise UserError(self.env._("A level that was used cannot be deleted. Archive it instead."))


class ChaserReasonMixin(models.AbstractModel):
    """Why a level: sentences like those for holds, made when read, in the reader's language."""

    _inherit = "chaser.reason.mixin"

    @api.model
    def _get_reasons(self):
        # pylint: disable=prefer-env-translation  # this is what _ stands for here
        _ = self.env._
        return super()._get_reasons() | {
            "level_first": _("%(level)s: oldest item %(days)s overdue, nothing sent about it yet"),
            "level_first_not_last": _("%(level)s: oldest item %(days)s overdue, but nothing sent about it yet, so not the last level"),
            "level_before_due": _("%(level)s: due in %(due_in)s"),
            "level_next": _("%(level)s: oldest item %(days)s overdue, “%(last)s” sent %(ago)s"),
            "level_stays": _("%(level)s again: oldest item %(days)s overdue, last sent %(ago)s; the next level is not due yet"),
            "level_repeat": _("%(level)s again: oldest item %(days)s overdue, last sent %(ago)s; its repetition is due"),
            "level_joined": _("%(level)s: oldest item %(days)s overdue, last sent %(ago)s; further items have come due (%(count)s)"),
            "level_broken": _("%(level)s: a promise was found broken on %(date)s, so one level harder; oldest item %(days)s overdue"),
            "level_fixed": _("%(level)s: chosen by a person for the whole campaign; oldest item %(days)s overdue"),
            "level_wait": _("Waits: %(level)s was sent %(ago)s about everything that is overdue. Next look: %(date)s"),
            "daily_failed": _("The daily run could not be planned and is tried again. %(detail)s"),
            "daily_not_sent": _("Planned, but not sent by itself. %(detail)s"),
            "overdue_now": _("Fallen due meanwhile: the notice comes too late, the next reminder is the first level."),
        }

    @api.model
    def _localize_reason_params(self, params):
        """Levels by name, numbers of days with their noun, in the plural form that the language wants."""
        values = super()._localize_reason_params({"level": "", "last": "", "days": "", "ago": "", "count": ""} | params)
        for name in ("level", "last"):
            if values[name] and isinstance(values[name], int):
                values[name] = self._get_level_name(values[name])
        if isinstance(values["days"], int):
            values["due_in"] = self._format_days(-values["days"])
            values["days"] = self._format_days(values["days"])
        if isinstance(values["ago"], int):
            values["ago"] = self._format_ago(values["ago"])
        return values

    @api.model
    def _get_level_name(self, level_id):
        """From the cache where it is: a list of customers asks for the same few names over and over."""
        try:
            return self.env["chaser.level"].sudo().browse(level_id).name
        except MissingError:
            return self.env._("a deleted level")

    @api.model
    def _format_days(self, days, direction=False):
        """``23 days``, or ``23 days ago``: CLDR's plural forms, so that Arabic numbers agree with their noun."""
        return format_timedelta(
            timedelta(days=-days if direction else days), granularity="day", threshold=10**9, add_direction=direction,
            locale=babel_locale_parse(self.env.lang))

    @api.model
    def _format_ago(self, days):
        return self._format_days(days, direction=True) if days else self.env._("today")
