import logging
from datetime import timedelta
from decimal import Decimal

import psycopg2.errors

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tools import SQL, format_date, formatLang

from ...core.plan.planner import PromiseEnd
from ...core.plan.promises import Coverable, Covered, choose_covered, judge_promise
from ..planning.open_items import (
    INVOICE_TYPES,
    get_due_date,
    is_open_credit,
    is_open_debit,
)
from .chaser_statement_mixin import TASK_TYPE

_logger = logging.getLogger(__name__)
# For so many days after its day a promise is looked at again: bank data may come in
# late, or a payment be taken back.
_LOOK_BACK_DAYS = 30


class ChaserPromise(models.Model):
    """A customer's promise to pay on a day. Until the day has passed it holds what it
    covers: without an amount the named invoices, or everything of the customer; with an
    amount the oldest of them that the amount pays, as whole invoices
    (``core.promises``). Payments are looked up, never entered here."""

    _name = "chaser.promise"
    _description = "Promise to Pay"
    _inherit = ["chaser.statement.mixin"]
    _order = "date_promised desc, id desc"

    move_ids = fields.Many2many(
        "account.move",
        "chaser_promise_move_rel",
        "promise_id",
        "move_id",
        "Invoices",
        check_company=True,
        help="Empty: everything of this customer.",
    )
    amount = fields.Monetary(
        tracking=True, aggregator=None, help="0: all that is open on the invoices."
    )
    date_promised = fields.Date("Pays On", required=True, tracking=True, index=True)
    promised_at = fields.Datetime("Said On", required=True, default=fields.Datetime.now)
    note = fields.Text()
    state = fields.Selection(
        [
            ("open", "Open"),
            ("kept", "Kept"),
            ("partly", "Partly kept"),
            ("broken", "Broken"),
            ("cancelled", "Cancelled"),
        ],
        required=True,
        default="open",
        readonly=True,
        copy=False,
        tracking=True,
        index=True,
    )
    settled_at = fields.Datetime(
        "Settled",
        readonly=True,
        copy=False,
        help="When it was found kept, partly kept or broken, or was cancelled.",
    )
    covered_move_ids = fields.Many2many(
        "account.move",
        "chaser_promise_covered_rel",
        "promise_id",
        "move_id",
        "Invoices on Hold",
        readonly=True,
        copy=False,
    )
    line_ids = fields.Many2many(
        "account.move.line",
        "chaser_promise_line_rel",
        "promise_id",
        "line_id",
        "Covered Items",
        copy=False,
        check_company=True,
        help="The open items that must be paid for the promise to be kept.",
    )
    last_partial_id = fields.Integer(
        readonly=True,
        copy=False,
        help="Matchings up to this one were there before the promise.",
    )
    replaces_id = fields.Many2one(
        "chaser.promise",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
    )
    amount_paid = fields.Char("Paid Since", compute="_compute_amount_paid")

    _amount_check = models.Constraint(
        "CHECK(amount >= 0)", "A promised amount cannot be negative."
    )
    _open_idx = models.Index("(company_id, partner_id) WHERE state = 'open'")

    # -- computes

    @api.depends("partner_id", "date_promised")
    @api.depends_context("lang")
    def _compute_display_name(self):
        for promise in self:
            day = (
                format_date(self.env, promise.date_promised)
                if promise.date_promised
                else ""
            )
            promise.display_name = self.env._(
                "%(customer)s pays on %(day)s",
                customer=promise.partner_id.display_name or "",
                day=day,
            )

    def _compute_amount_paid(self):
        covered = self._read_covered()
        currencies = self.env["res.currency"].browse(
            {item.currency_id for items in covered.values() for item in items}
        )
        for promise in self:
            paid = {}
            for item in covered.get(promise.id, ()):
                paid[item.currency_id] = (
                    paid.get(item.currency_id, 0) + item.paid + item.paid_late
                )
            promise.amount_paid = "  ·  ".join(
                formatLang(self.env, float(paid[currency.id]), currency_obj=currency)
                for currency in currencies
                if paid.get(currency.id)
            )

    # -- CRUD

    @api.model_create_multi
    def create(self, vals_list):
        promises = super().create(
            [self._prepare_statement_values(vals) for vals in vals_list]
        )
        [(last,)] = self._read_last_partial()
        for promise in promises:
            promise.sudo().last_partial_id = last
            promise._set_covered()
            promise._note_created()
        return promises

    def write(self, vals):
        if not self.env.su and "state" in vals:
            raise UserError(
                self.env._(
                    "Payments decide whether a promise is kept. Use Cancel to "
                    "withdraw it."
                )
            )
        result = super().write(vals)
        if {"move_ids", "amount", "currency_id"} & set(vals) and "line_ids" not in vals:
            for promise in self.filtered(lambda promise: promise.state == "open"):
                promise._set_covered()
        if "date_promised" in vals:
            self.sudo()._update_states()
        return result

    # -- actions

    def action_cancel(self):
        """Cancel the promise: it counts neither as kept nor as broken; what it held is
        chased again."""
        self.check_access("write")
        self.filtered(lambda promise: promise.state == "open").sudo()._set_state(
            "cancelled"
        )

    def action_check(self):
        """Look for payments now."""
        self.check_access("read")
        self.sudo()._update_states()

    def _drop_moves(self, moves):
        """These invoices are not promised any more; a promise about nothing else is
        cancelled."""
        for promise in self:
            rest = promise.covered_move_ids - moves
            if rest:
                promise.move_ids = rest
            else:
                promise._set_state("cancelled")

    # -- business

    @api.model
    def _promise(self, company, partner, day, moves=None, amount=0.0, **values):
        """Record a promise, as superuser. An open one about the same invoices is
        replaced: it counts neither as kept nor as broken.

        :param day: date in the company's time zone
        :param moves: the invoices; None: everything of the customer
        :param values: further values of the record (``source``, ``said_by``,
        ``line_ids``, ``reminder_id`` …)
        """
        Promise = self.sudo().with_company(company)
        moves = moves or self.env["account.move"]
        former = Promise.search(
            [
                ("company_id", "=", company.id),
                ("partner_id", "=", partner.commercial_partner_id.id),
                ("state", "=", "open"),
            ]
        )
        former = former.filtered(lambda promise: promise.move_ids == moves)[:1]
        former._set_state("cancelled")
        return Promise.create(
            {
                "company_id": company.id,
                "partner_id": partner.id,
                "date_promised": day,
                "amount": amount,
                "replaces_id": former.id,
                "move_ids": [fields.Command.set(moves.ids)],
                **values,
            }
        )

    def _get_first_said(self):
        """When the first promise of a chain of replaced ones was made."""
        first = self
        while first.replaces_id:
            first = first.replaces_id
        return first.promised_at

    def _note_created(self):
        amount = (
            formatLang(self.env, self.amount, currency_obj=self.currency_id)
            if self.amount
            else self.env._("what is open")
        )
        self._note(
            self.env._(
                "Promise: %(amount)s on %(day)s for %(invoices)s. Said by %(who)s "
                "(%(where)s).",
                amount=amount,
                day=format_date(self.env, self.date_promised),
                invoices=self._get_invoices_text(),
                who=self.said_by or self.partner_id.name,
                where=dict(self._fields["source"]._description_selection(self.env))[
                    self.source
                ],
            ),
            self.covered_move_ids,
        )

    def _set_state(self, state):
        """Every change of state goes through here."""
        for promise in self.sudo().filtered(lambda promise: promise.state != state):
            promise.write(
                {
                    "state": state,
                    "settled_at": fields.Datetime.now() if state != "open" else False,
                }
            )
            promise._tell_state()

    def _tell_state(self):
        words = self._describe_state()
        if words:
            self._note(words, self.covered_move_ids)
            self.activity_unlink([TASK_TYPE])
        if self.state in ("partly", "broken"):
            self._plan_todo(lambda one: one._describe_state())

    def _describe_state(self):
        """How the promise ended, in words; empty while it has not."""
        return {
            "kept": self.env._(
                "Promise for %s kept.", format_date(self.env, self.date_promised)
            ),
            "partly": self.env._(
                "Promise for %s kept in part only.",
                format_date(self.env, self.date_promised),
            ),
            "broken": self.env._(
                "Promise for %s broken: nothing was paid.",
                format_date(self.env, self.date_promised),
            ),
            "cancelled": self.env._(
                "Promise for %s cancelled.", format_date(self.env, self.date_promised)
            ),
        }.get(self.state)

    # -- What a promise covers, and the payments that keep it

    # -- what is covered

    @api.model
    def _read_last_partial(self):
        return self.env.execute_query(
            SQL("SELECT coalesce(max(id), 0) FROM account_partial_reconcile")
        )

    def _set_covered(self):
        """Store what the promise covers, from the items that are open now. Given items
        (``line_ids``) are kept, within the amount."""
        for promise in self.sudo():
            items = promise._read_coverable()
            if promise.line_ids and not promise.covered_move_ids:
                items = [item for item in items if item.id in promise.line_ids.ids]
            chosen = choose_covered(
                items, Decimal(str(promise.amount)), promise.currency_id.id
            )
            moves = {item.move_id for item in chosen} or set(promise.move_ids.ids)
            promise.write(
                {
                    "line_ids": [Command.set([item.id for item in chosen])],
                    "covered_move_ids": [Command.set(list(moves))],
                }
            )

    def _read_coverable(self):
        """Open items of the named invoices, or of the customer: the overdue ones, or
        all where none is overdue yet."""
        self.ensure_one()
        self.env["account.move.line"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT l.id, l.move_id, l.currency_id, l.amount_residual_currency,
                      %s
                 FROM account_move_line l JOIN account_move m ON m.id = l.move_id
                 JOIN res_partner c ON c.id = l.partner_id
                WHERE %s AND m.move_type = ANY(%s) AND l.company_id = %s
                AND c.commercial_partner_id = %s AND (%s OR l.move_id = ANY(%s))""",
                get_due_date(),
                is_open_debit(),
                list(INVOICE_TYPES),
                self.company_id.id,
                self.partner_id.id,
                not self.move_ids,
                list(self.move_ids.ids),
            )
        )
        items = [
            Coverable(line, move, currency, Decimal(str(residual)), due)
            for line, move, currency, residual, due in rows
        ]
        today = self.company_id._get_chaser_today()
        return [item for item in items if item.date_due < today] or items

    # -- payments

    def _read_covered(self):
        """Per promise id its covered items as they are now; one query."""
        if not self.ids:
            return {}
        self.env["account.move.line"].flush_model()
        self.env["account.partial.reconcile"].flush_model()
        self.flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT p.id, l.currency_id, l.amount_residual_currency,
                      coalesce(sum(r.debit_amount_currency)
                      FILTER (WHERE m.move_type <> 'out_refund'
                      AND c.date <= p.date_promised), 0),
                      coalesce(sum(r.debit_amount_currency)
                      FILTER (WHERE m.move_type <> 'out_refund'
                      AND c.date > p.date_promised), 0),
                      coalesce(sum(r.debit_amount_currency)
                      FILTER (WHERE m.move_type = 'out_refund'), 0)
                 FROM chaser_promise p JOIN chaser_promise_line_rel x ON x.promise_id =
                 p.id JOIN account_move_line l ON l.id = x.line_id
                 LEFT JOIN account_partial_reconcile r ON r.debit_move_id = l.id
                 AND r.id > coalesce(p.last_partial_id, 0)
                 LEFT JOIN account_move_line c ON c.id = r.credit_move_id LEFT
                 JOIN account_move m ON m.id = c.move_id
                WHERE p.id = ANY(%s) GROUP BY p.id, l.id""",
                list(self.ids),
            )
        )
        covered = {}
        for promise_id, currency_id, *amounts in rows:
            covered.setdefault(promise_id, []).append(
                Covered(currency_id, *(Decimal(str(amount)) for amount in amounts))
            )
        return covered

    def _read_unallocated(self):
        """Per promise id and currency: payments of the customer to the legal entity
        since the promise, dated in time, that are matched to nothing yet and did not go
        back."""
        self.env["account.move.line"].flush_model()
        self.env["account.move"].flush_model()
        self.flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT p.id, p.company_id, p.partner_id, l.currency_id, l.id
                 FROM chaser_promise p JOIN res_company c ON c.id = p.company_id
                 JOIN res_company o ON split_part(o.parent_path, '/', 1)
                 = split_part(c.parent_path, '/', 1)
                 JOIN account_move_line l ON l.company_id = o.id
                 JOIN account_move m ON m.id = l.move_id
                 JOIN res_partner b ON b.id = l.partner_id
                WHERE p.id = ANY(%s) AND b.commercial_partner_id = p.partner_id
                  AND %s AND m.move_type <> 'out_refund'
                  AND l.date BETWEEN p.promised_at::date - 1 AND p.date_promised
                ORDER BY p.id, l.id""",
                list(self.ids),
                is_open_credit(),
            )
        )
        free, unallocated = {}, {}
        for company_id in {row[1] for row in rows}:
            free |= self.env["chaser.account"]._read_untaken(
                self.env["res.company"].browse(company_id),
                list({row[2] for row in rows if row[1] == company_id}),
            )
        for promise_id, _company_id, _partner_id, currency_id, line_id in rows:
            own = unallocated.setdefault(promise_id, {})
            own[currency_id] = own.get(currency_id, 0) + free.get(line_id, 0)
        return unallocated

    def _update_states(self):
        """Update the states from the books. A payment that is not matched counts for
        one promise only, the earliest."""
        promises = self.filtered(lambda promise: promise.state != "cancelled").sorted(
            "date_promised"
        )
        if not promises:
            return
        covered, unallocated, used = (
            promises._read_covered(),
            promises._read_unallocated(),
            {},
        )
        for promise in promises:
            spent = used.setdefault(
                (promise.company_id.root_id, promise.partner_id), {}
            )
            free = {
                currency: amount - spent.get(currency, 0)
                for currency, amount in unallocated.get(promise.id, {}).items()
            }
            state, taken = judge_promise(
                covered.get(promise.id, ()),
                Decimal(str(promise.amount)),
                free,
                promise.date_promised,
                promise.company_id._get_chaser_today(),
            )
            for currency, amount in taken.items():
                spent[currency] = spent.get(currency, 0) + amount
            promise._set_state(state)

    @api.model
    def _update_reconciled(self, move_lines):
        """Items were paid, credited, or their payment was taken back. A payment never
        fails or waits because of a promise: rows that another process has locked are
        left to the scheduled job."""
        if not move_lines:
            return
        self.env.cr.flush()  # errors of what the caller has written are the caller's
        try:
            with self.env.cr.savepoint():
                self.env.cr.execute(
                    SQL(
                        """SELECT p.id FROM chaser_promise p
                        WHERE p.state <> 'cancelled'
                          AND p.id IN (SELECT promise_id FROM chaser_promise_line_rel
                          WHERE line_id = ANY(%s))
                          FOR NO KEY UPDATE SKIP LOCKED""",
                        list(move_lines.ids),
                    ),
                    log_exceptions=False,
                )
                self.browse(row[0] for row in self.env.cr.fetchall())._update_states()
                self.env.flush_all()
        except psycopg2.errors.SerializationFailure:
            _logger.info(
                "Promises about %s are changed by another process right now; the "
                "scheduled job looks at them",
                move_lines.ids,
            )

    @api.model
    def _cron_check(self):
        """Updates promises whose day has passed, those with unmatched payments, and the
        settled ones of the last weeks: late bank data can make a broken one kept, and a
        payment that is taken back reopens a kept one."""
        since = fields.Date.subtract(fields.Date.today(), days=_LOOK_BACK_DAYS)
        self.search(
            [
                "|",
                ("state", "=", "open"),
                "&",
                ("state", "!=", "cancelled"),
                ("date_promised", ">=", since),
            ]
        )._update_states()
        self.env["chaser.hold"]._release_paid()

    def _foresee(self):
        """Commercial partner id → how these open promises will end
        (``core.plan.planner.PromiseEnd``) if nothing more is paid."""
        covered, unallocated, ends = self._read_covered(), self._read_unallocated(), {}
        for promise in self:
            day = promise.date_promised
            state, _taken = judge_promise(
                covered.get(promise.id, ()),
                Decimal(str(promise.amount)),
                unallocated.get(promise.id, {}),
                day,
                day + timedelta(days=1),
            )
            if state in ("broken", "partly"):
                ends.setdefault(promise.partner_id.id, []).append(
                    PromiseEnd(day, frozenset(promise.line_ids.ids), state == "broken")
                )
        return ends

    @api.model
    def _update_passed(self, company):
        """Updates open promises whose day has passed, before the planner reads them."""
        self.search(
            [
                ("company_id", "=", company.id),
                ("state", "=", "open"),
                ("date_promised", "<", company._get_chaser_today()),
            ]
        )._update_states()

    # -- figures for the score

    @api.model
    def _get_promise_figures(self, company, partner_ids):
        """Commercial partner id → (kept, settled). Open and cancelled promises count in
        neither; partly kept ones as not kept."""
        rows = self.sudo()._read_group(
            [
                ("company_id", "=", company.id),
                ("partner_id", "in", list(partner_ids)),
                ("state", "in", ("kept", "partly", "broken")),
            ],
            ["partner_id", "state"],
            ["__count"],
        )
        figures = {}
        for partner, state, count in rows:
            kept, total = figures.get(partner.id, (0, 0))
            figures[partner.id] = (
                kept + (count if state == "kept" else 0),
                total + count,
            )
        return figures
