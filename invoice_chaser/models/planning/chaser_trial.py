import secrets

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import SQL

from ...core.overview.effect import NEEDED_TEXTS, compare_texts
from ...core.plan.holdout import draw_half

# What a text brought is looked at for so many days after it was sent.
TRIAL_DAYS = 14


class ChaserTrialMixin(models.AbstractModel):
    """Two texts of a level, tried against each other: each customer gets the one that a
    keyed hash draws for them, the same on every occasion, and what both brought is
    compared with an interval that says how sure it is."""

    _name = "chaser.trial.mixin"
    _description = "Two Texts Tried against Each Other"

    trial_template_id = fields.Many2one(
        "chaser.template",
        "Tried Against",
        check_company=True,
        tracking=True,
        index="btree_not_null",
        ondelete="restrict",
        help="Half of the customers, drawn by chance, get this text instead, so that "
        "both can be compared. A template that a campaign names, or that is the "
        "default made for the level, is not part of it.",
    )
    trial_since = fields.Datetime("Tried Since", readonly=True, copy=False)
    trial_result = fields.Text(compute="_compute_trial_result")

    @api.constrains("trial_template_id", "template_id")
    def _check_trial(self):
        for level in self.filtered("trial_template_id"):
            if level.trial_template_id == level.template_id:
                raise ValidationError(
                    self.env._(
                        "“%s” cannot be tried against itself: choose another template.",
                        level.trial_template_id.name,
                    )
                )
            if level.trial_template_id.category != level.template_id.category:
                raise ValidationError(
                    self.env._(
                        "“%(second)s” is of another category than “%(first)s”, so it "
                        "cannot be tried against it.",
                        second=level.trial_template_id.name,
                        first=level.template_id.name,
                    )
                )

    def _begin_trial(self):
        """Another pair of texts is another trial, counted from now on."""
        for level in self:
            since = level.trial_template_id and fields.Datetime.now()
            level._by_program().trial_since = since
        # pylint: disable-next=no-search-all  # they are few
        companies = self.env["res.company"].sudo().search([])
        for company in companies.filtered(lambda one: not one.chaser_holdout_key):
            company.chaser_holdout_key = secrets.token_hex(16)

    @api.model
    def _draw_text(self, key, partner_id, level_id, first_id, second_id):
        """The id of the text for a customer: the first, or the second of a trial.

        :param key: the company's secret of draws; without one there is no trial
        """
        if not second_id or not key:
            return first_id
        occasion = f"{partner_id}/{level_id}/{first_id}/{second_id}"
        return second_id if draw_half(key, occasion) else first_id

    # -- what it says

    def _compute_trial_result(self):
        for level in self:
            level.trial_result = (
                bool(level._origin.trial_template_id and level._origin.trial_since)
                and level._origin._describe_trial()
            )

    def _read_trial(self):
        """Template id → (customers, those who paid in full within 14 days), in the
        user's companies. A customer counts once, by the first message of the trial,
        and only when its days are over."""
        self.ensure_one()
        self.env["chaser.reminder"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT template_id, count(*), count(*) FILTER (WHERE paid) FROM (
                    SELECT DISTINCT ON (r.company_id, r.partner_id) v.template_id,
                        r.paid_at IS NOT NULL
                        AND r.paid_at <= r.sent_at + %(days)s * interval '1 day' AS paid
                    FROM chaser_reminder r
                    JOIN chaser_template_version v ON v.id = r.template_version_id
                    WHERE r.level_id = %(level)s AND r.state = 'sent'
                    AND r.purpose = 'reminder' AND r.sent_at >= %(since)s
                    AND v.template_id = ANY(%(templates)s)
                    AND r.company_id = ANY(%(companies)s)
                    AND r.sent_at <= %(until)s
                    ORDER BY r.company_id, r.partner_id, r.sent_at, r.id) f
                GROUP BY 1""",
                days=TRIAL_DAYS,
                level=self.id,
                since=self.trial_since,
                templates=[self.template_id.id, self.trial_template_id.id],
                companies=list(self.env.companies.ids),
                until=fields.Datetime.subtract(fields.Datetime.now(), days=TRIAL_DAYS),
            )
        )
        return {template_id: (count, paid) for template_id, count, paid in rows}

    def _describe_trial(self):
        found = self._read_trial()
        pair = (self.template_id, self.trial_template_id)
        counts = [found.get(template.id, (0, 0)) for template in pair]
        told = compare_texts(*counts)
        lines = [
            self.env._(
                "“%(name)s”: %(paid)s of %(count)s customers paid within %(days)s days",
                name=template.name,
                paid=paid,
                count=count,
                days=TRIAL_DAYS,
            )
            for template, (count, paid) in zip(pair, counts, strict=True)
        ]
        if told["points"]:
            lines.append(
                self.env._(
                    "Difference: %(value)+.1f points (95 %%: %(low)+.1f to "
                    "%(high)+.1f)",
                    **vars(told["points"]),
                )
            )
        if not told["is_enough"]:
            lines.append(
                self.env._(
                    "Too few to tell: about %s customers each are needed to see a "
                    "difference of ten points.",
                    NEEDED_TEXTS,
                )
            )
        elif told["is_clear"]:
            better = pair[1] if told["points"].value > 0 else pair[0]
            lines.append(self.env._("“%s” brings more.", better.name))
        else:
            lines.append(self.env._("No difference can be seen."))
        return "\n".join(lines)
