from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.fields import Domain
from odoo.tools import SQL

from ..planning.open_items import is_money
from .chaser_overview_reminders import MAIN_WINDOW

USER_GROUP = "invoice_chaser.group_chaser_user"


class DigestDigest(models.Model):
    _inherit = "digest.digest"

    kpi_chaser_collected = fields.Boolean("Paid after Reminders")
    kpi_chaser_collected_value = fields.Monetary(
        compute="_compute_kpi_chaser_collected_value"
    )
    kpi_chaser_over_60 = fields.Boolean("Overdue for More Than 60 Days")
    kpi_chaser_over_60_value = fields.Monetary(
        compute="_compute_kpi_chaser_over_60_value"
    )
    kpi_chaser_broken = fields.Boolean("Broken Promises")
    kpi_chaser_broken_value = fields.Integer(compute="_compute_kpi_chaser_broken_value")
    kpi_chaser_approval = fields.Boolean("Campaigns Waiting for Approval")
    kpi_chaser_approval_value = fields.Integer(
        compute="_compute_kpi_chaser_approval_value"
    )

    def _check_chaser_group(self):
        """Odoo leaves the figure out of the mail of who must not see it."""
        if not self.env.user.has_group(USER_GROUP):
            raise AccessError(
                self.env._("The figures of reminders are for users of Invoice Chaser.")
            )

    def _compute_kpi_chaser_collected_value(self):
        """Money that came in the time, at most 14 days after a reminder that named the
        item; in the company's currency."""
        self._check_chaser_group()
        start, end, companies = self._get_kpi_compute_parameters()
        first, last = (
            fields.Datetime.to_datetime(moment).date() for moment in (start, end)
        )
        amounts = self._read_chaser_collected(companies, first, last)
        for digest in self:
            company = digest.company_id or self.env.company
            digest.kpi_chaser_collected_value = amounts.get(company.id, 0.0)

    def _read_chaser_collected(self, companies, first, last):
        """Company id → amount paid from the day ``first`` to before ``last``."""
        Reminders = self.env["chaser.overview.reminders"]
        Reminders._flush()
        self.env["chaser.receivables"]._flush()
        return dict(
            self.env.execute_query(
                SQL(
                    """SELECT l.company_id, sum(m.amount)::float8
                         FROM account_partial_reconcile m
                         JOIN account_move_line l ON l.id = m.debit_move_id
                         JOIN account_move_line o ON o.id = m.credit_move_id
                         JOIN account_move om ON om.id = o.move_id
                        WHERE l.company_id = ANY(%(companies)s)
                          AND m.max_date >= %(first)s AND m.max_date < %(last)s
                          AND %(money)s
                          AND EXISTS (
                              SELECT 1 FROM chaser_reminder_line rl
                                JOIN chaser_reminder r ON r.id = rl.reminder_id
                               WHERE rl.move_line_id = l.id AND r.state = 'sent'
                                 AND r.purpose = 'reminder'
                                 AND rl.is_credit IS NOT TRUE
                                 AND rl.dropped_code IS NULL
                                 AND %(day)s < m.max_date
                                 AND %(day)s >= m.max_date - %(window)s)
                        GROUP BY 1""",
                    companies=companies.ids,
                    first=first,
                    last=last,
                    day=Reminders._get_day_sql(SQL("r.sent_at")),
                    window=MAIN_WINDOW,
                    money=is_money(),
                )
            )
        )

    def _compute_kpi_chaser_over_60_value(self):
        """As of now: what is owed has no time from and to."""
        self._check_chaser_group()
        _start, _end, companies = self._get_kpi_compute_parameters()
        due = Domain.OR(
            Domain("company_id", "=", company.id)
            & self.env["chaser.overview.link"]._get_due_domain(
                company._get_chaser_today(), 61, None
            )
            for company in companies
        )
        amounts = dict(
            (company.id, amount)
            for company, amount in self.env["account.move.line"]
            .sudo()
            ._read_group(
                [
                    ("company_id", "in", companies.ids),
                    ("parent_state", "=", "posted"),
                    ("account_id.account_type", "=", "asset_receivable"),
                    ("reconciled", "=", False),
                    ("amount_residual", ">", 0),
                ]
                + list(due),
                ["company_id"],
                ["amount_residual:sum"],
            )
        )
        for digest in self:
            company = digest.company_id or self.env.company
            digest.kpi_chaser_over_60_value = amounts.get(company.id, 0.0)

    def _compute_kpi_chaser_broken_value(self):
        self._check_chaser_group()
        self._calculate_company_based_kpi(
            "chaser.promise",
            "kpi_chaser_broken_value",
            date_field="settled_at",
            additional_domain=[("state", "=", "broken")],
        )

    def _compute_kpi_chaser_approval_value(self):
        """As of now."""
        self._check_chaser_group()
        _start, _end, companies = self._get_kpi_compute_parameters()
        counts = dict(
            (company.id, count)
            for company, count in self.env["chaser.campaign"]._read_group(
                [("company_id", "in", companies.ids), ("state", "=", "draft")],
                ["company_id"],
                ["__count"],
            )
        )
        for digest in self:
            company = digest.company_id or self.env.company
            digest.kpi_chaser_approval_value = counts.get(company.id, 0)

    # -- the weekly summary, for who asks for it on the overview

    @api.model
    def _get_chaser_weekly(self):
        """The shipped summary; none where it was deleted."""
        name = "invoice_chaser.chaser_weekly_digest"
        return self.env.ref(name, raise_if_not_found=False) or self.browse()

    @api.model
    def chaser_ask_weekly(self, wanted):
        """The user wants the weekly summary by mail, or does not any more.

        :return: whether they get it now
        """
        self._check_chaser_group()
        digest, user = self._get_chaser_weekly().sudo(), self.env.user
        if not digest:
            return False
        if wanted:
            digest._action_subscribe_users(user)
            digest.filtered(lambda one: one.state != "activated").action_activate()
        else:
            digest._action_unsubscribe_users(user)
        return user in digest.user_ids

    def _compute_kpis_actions(self, company, user):
        actions = super()._compute_kpis_actions(company, user)
        menu = self.env.ref("invoice_chaser.chaser_menu").id
        for name, action in (
            ("collected", "chaser_overview_action"),
            ("over_60", "chaser_receivable_report_action"),
            ("broken", "chaser_promise_action"),
            ("approval", "chaser_campaign_action"),
        ):
            actions[f"kpi_chaser_{name}"] = f"invoice_chaser.{action}?menu_id={menu}"
        return actions
