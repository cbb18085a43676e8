from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from ...core.plan.priority import (
    AGE_FULL_DAYS,
    AGE_MAX,
    AMOUNT_FULL_SHARE,
    AMOUNT_MAX,
    ANSWER_MAX,
    ANSWER_UNKNOWN,
    PROMISE_MAX,
    PROMISE_UNKNOWN,
    TRUST_PARTS,
    Record,
)
from .open_items import get_rated, is_open, is_open_debit

# A row is one customer in one company. Its id contains both, so that it does not change
# between two readings.
_COMPANY_SHIFT = 1 << 32


class ChaserWorklist(models.Model):
    """Customers with overdue items, most urgent first: one SQL pass over what is open
    now. The score is `core.priority`'s."""

    _name = "chaser.worklist"
    _inherit = [
        "chaser.statement.buttons.mixin",
        "chaser.ageing.mixin",
        "chaser.amounts.mixin",
    ]
    _description = "Worklist of Customers"
    _auto = False
    _order = "priority desc, amount_overdue desc, id"
    _rec_name = "partner_id"

    company_id = fields.Many2one("res.company", readonly=True)
    partner_id = fields.Many2one("res.partner", "Customer", readonly=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    user_id = fields.Many2one("res.users", "Salesperson", readonly=True)
    item_count = fields.Integer("Overdue Items", readonly=True)
    amount_overdue = fields.Monetary(
        "Overdue",
        readonly=True,
        help="In the company's currency, without currencies that have no rate; open "
        "credits are not taken off.",
    )
    amount_credit = fields.Monetary(
        "Open Credits",
        readonly=True,
        help="As far as no open debit takes them up that is no invoice.",
    )
    amount_due = fields.Monetary(
        "Net Overdue",
        readonly=True,
        help="Overdue less the open credits of the same currency, in the company's "
        "currency, without currencies that have no rate.",
    )
    is_due = fields.Boolean(
        "Owes Something",
        readonly=True,
        help="Something overdue is left after open credits, in whichever currency.",
    )
    date_oldest = fields.Date("Oldest Due Date", readonly=True)
    days_overdue = fields.Integer(readonly=True, aggregator="max")
    priority = fields.Integer(
        readonly=True, aggregator="avg", help="0 to 100: amount, age and relationship."
    )
    priority_amount = fields.Integer(
        "Priority: Amount",
        readonly=True,
        aggregator="avg",
        help="Of 50: share of all receivables, full from a tenth.",
    )
    priority_age = fields.Integer(
        "Priority: Age",
        readonly=True,
        aggregator="avg",
        help="Of 30: the oldest item, full from 90 days.",
    )
    priority_trust = fields.Integer(
        "Priority: Trust",
        readonly=True,
        aggregator="avg",
        help="Of 10: Odoo's degree of trust.",
    )
    priority_promises = fields.Integer(
        "Priority: Promises",
        readonly=True,
        aggregator="avg",
        help="Of 5: share of broken promises.",
    )
    priority_answers = fields.Integer(
        "Priority: Answers",
        readonly=True,
        aggregator="avg",
        help="Of 5: share of reminders without an answer.",
    )
    trust = fields.Selection(
        [("good", "Good Debtor"), ("normal", "Normal Debtor"), ("bad", "Bad Debtor")],
        readonly=True,
    )
    promise_total = fields.Integer("Promises Ended", readonly=True)
    promise_kept = fields.Integer("Promises Kept", readonly=True)
    reminder_total = fields.Integer("Reminders in a Year", readonly=True)
    answered_total = fields.Integer("Answered", readonly=True)
    last_contact_at = fields.Datetime("Last Reminder", readonly=True)
    is_held = fields.Boolean(
        "On Hold",
        readonly=True,
        help="Paused, or held as a whole by an answer, a promise, a dispute or a "
        "person.",
    )
    is_under_way = fields.Boolean("Reminder on Its Way", readonly=True)
    phone = fields.Char(related="partner_id.phone")
    email = fields.Char(related="partner_id.email")
    next_step = fields.Char(
        compute="_compute_next_step",
        help="Which reminder the customer would get today, and why, or why none.",
    )
    can_chase = fields.Boolean(
        compute="_compute_next_step",
        help="Whether a message would go today; the next step says why not.",
    )
    hold_display = fields.Char("Why on Hold", compute="_compute_hold_display")
    promises_display = fields.Char("Promises", compute="_compute_displays")
    answered_display = fields.Char("Answers", compute="_compute_displays")
    line_ids = fields.Many2many(
        "account.move.line", string="Items", compute="_compute_records"
    )
    reminder_ids = fields.Many2many(
        "chaser.reminder", string="Reminders", compute="_compute_records"
    )
    promise_ids = fields.Many2many(
        "chaser.promise", string="Promises Made", compute="_compute_records"
    )
    dispute_ids = fields.Many2many(
        "chaser.dispute", string="Disputes", compute="_compute_records"
    )
    call_ids = fields.One2many(related="partner_id.chaser_call_ids")

    @property
    def _table_query(self):
        self._flush_sources()
        companies = self.env["res.company"].sudo().search([])  # pylint: disable=no-search-all  # they are few
        return self._get_query(companies)

    def _flush_sources(self):
        for model in (
            "account.move.line",
            "account.move",
            "res.partner",
            "chaser.reminder",
            "chaser.reminder.line",
            "chaser.event",
            "chaser.promise",
            "chaser.dispute",
            "chaser.hold",
        ):
            self.env[model].flush_model()

    @api.model
    def _get_query(self, companies):
        """One row per customer with something overdue in these companies."""
        identity = self.env["chaser.identity"]
        return SQL(
            """WITH company(id, today, chain) AS (VALUES %(companies)s),
            due AS MATERIALIZED (%(due)s),
            record AS MATERIALIZED (%(record)s),
            promised AS MATERIALIZED (%(promised)s),
            facts AS (
                SELECT d.*, c.today, c.chain, p.user_id, r.last_contact_at,
                       greatest(c.today - d.date_oldest, 0) AS days_overdue,
                       sum(greatest(d.amount_open, 0)) OVER (PARTITION BY
                       d.company_id) AS receivables,
                       coalesce(p.trust->>d.company_id::text, 'normal') AS trust,
                       (SELECT bool_or((p.chaser_paused_until->>k::text)::date >=
                       c.today) FROM unnest(c.chain) k) AS is_paused,
                       coalesce(pr.promises, 0) AS promise_total,
                       coalesce(pr.kept, 0) AS promise_kept,
                       coalesce(r.reminders, 0) AS reminder_total,
                       coalesce(r.answered, 0) AS answered_total,
                       coalesce(r.is_under_way, false) AS is_under_way
                  FROM due d JOIN company c ON c.id = d.company_id
                  JOIN res_partner p ON p.id = d.partner_id
                  LEFT JOIN record r ON (r.company_id, r.partner_id)
                  = (d.company_id, d.partner_id)
                  LEFT JOIN promised pr ON (pr.company_id, pr.partner_id)
                  = (d.company_id, d.partner_id)
            ),
            scored AS (SELECT facts.*, %(scores)s FROM facts WHERE item_count > 0)
            SELECT s.company_id * %(shift)s + s.partner_id AS id, s.company_id,
            s.partner_id, s.user_id, s.item_count, s.amount_overdue,
                   -s.amount_credit AS amount_credit, s.amount_due, s.date_oldest,
                   s.days_overdue, s.trust, s.promise_total, s.promise_kept,
                   s.reminder_total, s.answered_total, s.last_contact_at,
                   s.is_under_way, coalesce(s.is_paused, false) OR %(held)s AS is_held,
                   s.priority_amount, s.priority_age, s.priority_trust,
                   s.priority_promises, s.priority_answers, s.booked > 0 AS is_due,
                   s.priority_amount + s.priority_age + s.priority_trust +
                   s.priority_promises + s.priority_answers AS priority
              FROM scored s""",
            companies=self._get_days_sql(companies),
            due=self._get_due_sql(),
            record=identity._get_record_sql(
                identity._get_letters_sql(SQL("IS NOT NULL"), companies)
            ),
            promised=self._get_promised_sql(),
            scores=self._get_scores_sql(),
            held=self._get_held_sql(),
            shift=SQL("%s::bigint", _COMPANY_SHIFT),
        )

    @api.model
    def _get_days_sql(self, companies):
        """Rows of (company, its day of today, itself and those above it)."""
        return SQL(", ").join(
            SQL(
                "(%s::int, %s::date, %s::int[])",
                company.id,
                company._get_chaser_today(),
                list(company._get_chaser_chain().ids),
            )
            for company in companies
        )

    @api.model
    def _get_due_sql(self):
        """What is open per customer, in the company's currency; one pass over both
        sides of the account. As in ``core.plan.netting``, credits are set off per
        currency, as far as no debit takes them up that nobody asks for. Amounts to be
        shown leave out currencies without a rate; ``booked``, by which customers are
        ordered, has all."""
        return SQL(
            """SELECT company_id, partner_id, sum(amount_open) AS amount_open,
                      coalesce(sum(overdue) FILTER (WHERE is_rated),
                      0) AS amount_overdue,
                      -coalesce(sum(off) FILTER (WHERE is_rated), 0) AS amount_credit,
                      coalesce(sum(rest) FILTER (WHERE is_rated), 0) AS amount_due,
                      sum(rest) AS booked,
                      sum(item_count) AS item_count, min(date_oldest) AS date_oldest
                 FROM (%s) account JOIN (%s) rated USING (company_id, currency_id)
                CROSS JOIN LATERAL (SELECT
                      round(coalesce(credit * free / nullif(own, 0), 0), 2) AS off,
                      round(coalesce(overdue * net / nullif(asked, 0), 0), 2) AS rest
                      ) parts GROUP BY 1, 2""",
            self.env["chaser.account"]._get_net_sql(),
            get_rated(),
        )

    @api.model
    def _get_promised_sql(self, partner_ids=None):
        """Promises that have ended per customer, and how many were kept."""
        return SQL(
            """SELECT company_id, partner_id, count(*) AS promises, count(*)
            FILTER (WHERE state = 'kept') AS kept
                 FROM chaser_promise WHERE state IN ('kept', 'partly', 'broken') AND %s
                 GROUP BY 1, 2""",
            SQL("partner_id = ANY(%s)", list(partner_ids))
            if partner_ids is not None
            else SQL("TRUE"),
        )

    @api.model
    def _get_scores_sql(self):
        """`core.priority.compute_priority`, in SQL, from the columns of ``facts``."""
        trust = SQL(" ").join(
            SQL("WHEN %s THEN %s", key, part) for key, part in TRUST_PARTS.items()
        )
        return SQL(
            """floor(%(amount_max)s * least(1, sqrt(CASE WHEN booked > 0
            AND receivables > 0
                    THEN (booked / receivables)::float8 / %(full_share)s
                    ELSE 0 END)) + 0.5)::int AS priority_amount,
               floor(%(age_max)s * least(days_overdue,
               %(full_days)s)::float8 / %(full_days)s + 0.5)::int AS priority_age,
               CASE trust %(trust)s ELSE %(normal)s END AS priority_trust,
               %(promises)s AS priority_promises, %(answers)s AS priority_answers""",
            amount_max=AMOUNT_MAX,
            full_share=AMOUNT_FULL_SHARE,
            age_max=AGE_MAX,
            full_days=AGE_FULL_DAYS,
            trust=trust,
            normal=TRUST_PARTS["normal"],
            promises=self._get_missed_sql(
                SQL("promise_total"), SQL("promise_kept"), PROMISE_MAX, PROMISE_UNKNOWN
            ),
            answers=self._get_missed_sql(
                SQL("reminder_total"), SQL("answered_total"), ANSWER_MAX, ANSWER_UNKNOWN
            ),
        )

    @api.model
    def _get_missed_sql(self, count, good, most, unknown):
        return SQL(
            "CASE WHEN %(count)s > 0 THEN floor(%(most)s * (%(count)s - "
            "least(%(good)s, %(count)s))::float8 / %(count)s + 0.5)::int ELSE "
            "%(unknown)s END",
            count=count,
            good=good,
            most=most,
            unknown=unknown,
        )

    @api.model
    def _get_held_sql(self):
        """Whether the customer as a whole is held, by the company or one above it;
        holds of single invoices do not count."""
        return SQL(
            """(EXISTS (SELECT 1 FROM chaser_hold h WHERE h.company_id = ANY(s.chain)
            AND h.partner_id = s.partner_id AND h.released_at IS NULL
                           AND (h.date_until IS NULL OR h.date_until >= s.today)
                           AND NOT EXISTS (SELECT 1 FROM chaser_hold_move_rel m
                           WHERE m.hold_id = h.id))
                OR EXISTS (SELECT 1 FROM chaser_promise h
                WHERE h.company_id = ANY(s.chain) AND h.partner_id = s.partner_id
                AND h.state = 'open'
                           AND coalesce(h.amount, 0) = 0
                           AND h.date_promised >= s.today AND NOT EXISTS (SELECT 1
                           FROM chaser_promise_move_rel m WHERE m.promise_id = h.id))
                OR EXISTS (SELECT 1 FROM chaser_dispute h
                WHERE h.company_id = ANY(s.chain) AND h.partner_id = s.partner_id
                AND h.state = 'open'
                           AND NOT EXISTS (SELECT 1 FROM chaser_dispute_move_rel m
                           WHERE m.dispute_id = h.id)))"""
        )

    # -- what others need of it

    @api.model
    def _read_rows(self, company, partner_ids):
        """The worklist's rows of some customers (commercial partners) as dictionaries.
        Shares are of these customers' receivables only where all are asked for, so the
        whole company is read and then filtered."""
        self._flush_sources()
        query = self._get_query(company._get_chaser_entity())
        return self.env.execute_query_dict(
            SQL(
                "SELECT * FROM (%s) worklist WHERE company_id = %s "
                "AND partner_id = ANY(%s)",
                query,
                company.id,
                list(partner_ids),
            )
        )

    @api.model
    def _read_records(self, company, partner_ids):
        """Past behaviour of customers for `core.priority`, by partner id; those without
        any history are missing. Two queries."""
        for model in ("chaser.reminder", "chaser.event", "chaser.promise"):
            self.env[model].flush_model()
        rows = self.env.execute_query_dict(
            SQL(
                """WITH company(id, today, chain) AS (VALUES %s),
                record AS (%s), promised AS (%s)
               SELECT coalesce(r.partner_id, p.partner_id) AS partner_id,
               coalesce(p.promises, 0) AS promises, coalesce(p.kept, 0) AS kept,
                      coalesce(r.reminders, 0) AS reminders, coalesce(r.answered,
                      0) AS answered
                 FROM record r FULL JOIN promised p ON p.company_id = r.company_id
                 AND p.partner_id = r.partner_id
                WHERE coalesce(r.company_id, p.company_id) = %s""",
                self._get_days_sql(company),
                # What was written to a group says nothing of how they answer.
                self.env["chaser.identity"]._get_record_sql(
                    SQL(
                        "SELECT r.*, r.partner_id AS customer_id FROM chaser_reminder "
                        "r WHERE r.purpose = 'reminder' AND r.company_id = %s "
                        "AND r.partner_id = ANY(%s)",
                        company.id,
                        list(partner_ids),
                    )
                ),
                self._get_promised_sql(partner_ids),
                company.id,
            )
        )
        return {
            row["partner_id"]: Record(
                row["promises"], row["kept"], row["reminders"], row["answered"]
            )
            for row in rows
        }

    @api.model
    def _read_receivables(self, company):
        """All open receivables of a company in its currency: what each customer owes,
        added up; a customer with a credit balance counts as zero."""
        self.env["account.move.line"].flush_model()
        [(total,)] = self.env.execute_query(
            SQL(
                """SELECT coalesce(sum(greatest(amount, 0)), 0) FROM (
                SELECT sum(l.amount_residual) AS amount FROM account_move_line l
                JOIN res_partner p ON p.id = l.partner_id
                WHERE l.company_id = %s AND %s
                GROUP BY p.commercial_partner_id) open""",
                company.id,
                is_open(),
            )
        )
        return float(total)

    # -- actions

    @api.model
    def _get_todo_domain(self):
        """Customers who can be chased now: as the filter *To Do*."""
        return (
            Domain("is_held", "=", False)
            & Domain("is_under_way", "=", False)
            & Domain("is_due", "=", True)
        )

    def _get_next(self):
        """The customer after this one, in the worklist's order; the first again after
        the last."""
        self.ensure_one()
        after = Domain("priority", "<", self.priority) | Domain(
            "priority", "=", self.priority
        ) & (
            Domain("amount_overdue", "<", self.amount_overdue)
            | Domain("amount_overdue", "=", self.amount_overdue)
            & Domain("id", ">", self.id)
        )
        todo = (
            self._get_todo_domain()
            & Domain("id", "!=", self.id)
            & Domain("company_id", "=", self.company_id.id)
        )
        return self.search(todo & after, limit=1) or self.search(todo, limit=1)

    def action_next(self):
        """The form of the next customer who is neither on hold nor has a reminder on
        its way."""
        following = self._get_next()
        if not following:
            return self.env["ir.actions.act_window"]._for_xml_id(
                "invoice_chaser.chaser_worklist_action"
            )
        return {
            "type": "ir.actions.act_window",
            "res_model": self._name,
            "res_id": following.id,
            "view_mode": "form",
            "views": [(False, "form")],
            "target": "current",
        }

    def action_chase(self):
        """The preview of a campaign for everything overdue of these customers."""
        companies = self.company_id
        return self.partner_id.with_company(
            companies[:1] or self.env.company
        ).action_chase()

    # -- What accountants read about a customer beside the score, and what they can do
    # from the worklist

    @api.depends("partner_id", "company_id")
    @api.depends_context("lang")
    def _compute_next_step(self):
        for company, rows in self.grouped("company_id").items():
            partners = rows.partner_id.with_company(company)
            # One customer whom the reader may not see must not stop the list.
            visible = partners._filtered_access("read")
            steps = dict.fromkeys(
                (partners - visible).ids,
                self.env._("This customer belongs to another company."),
            ) | {partner.id: partner.chaser_next_step for partner in visible}
            for row in rows:
                row.can_chase = row.partner_id in visible and (
                    row.partner_id.with_company(company).chaser_can_chase
                )
                # The list has one line for it; the form shows all.
                row.next_step = (steps.get(row.partner_id.id) or "").replace(
                    "\n", " · "
                ) or False

    def _compute_hold_display(self):
        for row in self:
            Hold = self.env["chaser.hold"].sudo()
            held = Hold._read_held(
                row.company_id, [row.partner_id.id], row.company_id._get_chaser_today()
            )
            stop = held.customers.get(row.partner_id.id)
            row.hold_display = stop and Hold._get_reason_text(stop.reason, stop.params)

    # The sources are named here because the list would otherwise read them in a second
    # pass over all customers.
    @api.depends("promise_kept", "promise_total", "answered_total", "reminder_total")
    @api.depends_context("lang")
    def _compute_displays(self):
        for row in self:
            row.promises_display = self._describe_promises(
                row.promise_kept, row.promise_total
            )
            row.answered_display = self._describe_answers(
                row.answered_total, row.reminder_total
            )

    def _describe_promises(self, kept, total):
        return (
            self.env._("kept %(kept)s of %(total)s", kept=kept, total=total)
            if total
            else False
        )

    def _describe_answers(self, answered, total):
        return (
            self.env._(
                "answered %(answered)s of %(total)s", answered=answered, total=total
            )
            if total
            else False
        )

    def _compute_records(self):
        """Only on the form: one customer at a time."""
        for row in self:
            mine = [
                ("company_id", "=", row.company_id.id),
                ("partner_id", "=", row.partner_id.id),
            ]
            row.line_ids = self.env["account.move.line"].search(
                [
                    (
                        "id",
                        "in",
                        self._read_open_line_ids(row.company_id, row.partner_id),
                    )
                ],
                order="date_maturity, id",
            )
            letters = self.env["chaser.identity"]._read_letter_ids(
                row.partner_id, row.company_id
            )
            row.reminder_ids = self.env["chaser.reminder"].search(
                [
                    ("id", "in", letters),
                    ("state", "in", ("queued", "sending", "sent", "failed")),
                ],
                limit=40,
            )
            row.promise_ids = self.env["chaser.promise"].search(mine)
            row.dispute_ids = self.env["chaser.dispute"].search(mine)

    @api.model
    def _read_open_line_ids(self, company, partner):
        """What a customer owes, item by item: that is not their subsidiaries'."""
        rows = self.env.execute_query(
            SQL(
                """SELECT l.id FROM account_move_line l
                JOIN res_partner p ON p.id = l.partner_id
                WHERE l.company_id = %s AND p.commercial_partner_id = %s AND %s""",
                company.id,
                partner.id,
                is_open_debit(),
            )
        )
        return [row[0] for row in rows]

    # -- actions

    def _get_chaser_subject(self):
        return (
            self.partner_id,
            self.company_id,
            self.env["account.move"],
            self.env["chaser.reminder"],
        )

    def action_call(self):
        """Record a call to this customer, or plan one."""
        self.ensure_one()
        return (
            self.env["chaser.call"].with_company(self.company_id)._open(self.partner_id)
        )
