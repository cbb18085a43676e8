from datetime import timedelta
from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tools import SQL, format_amount, format_date

from ...core.match.maybe_paid import Customer, Item, Money, MoneyMatcher, is_registered
from ..common.chaser_reason_mixin import isolate_for
from ..planning.chaser_planner import PAID_STATES

# Payments that have not been allocated for longer than this are a matter for
# bookkeeping, not for the next reminder. Of the newest ones so many are looked at.
_MONEY_DAYS, _MONEY_COUNT = 400, 5000
_MONEY_SQL = """(SELECT 'line-' || s.id AS key, m.date, concat_ws(' ', s.payment_ref,
m.ref, s.partner_name) AS text, s.account_number AS account,
                       s.currency_id, s.foreign_currency_id AS other_id,
                       abs(coalesce(s.amount_residual, s.amount)) AS amount,
                       s.amount AS journal_amount,
                       p.commercial_partner_id AS partner_id, false AS booked
                  FROM account_bank_statement_line s JOIN account_move m ON m.id =
                  s.move_id LEFT JOIN res_partner p ON p.id = s.partner_id
                 WHERE s.company_id = %(company)s AND s.is_reconciled IS NOT TRUE
                 AND s.amount > 0 AND m.state = 'posted' AND m.date >= %(since)s
                 ORDER BY s.id DESC LIMIT %(count)s)
               UNION ALL
               (SELECT 'payment-' || y.id, y.date, concat_ws(' ', y.memo,
               y.payment_reference), NULL, y.currency_id, NULL, y.amount, NULL,
                       p.commercial_partner_id, false
                  FROM account_payment y LEFT JOIN res_partner p ON p.id = y.partner_id
                 WHERE y.company_id = %(company)s AND y.state = 'in_process'
                 AND y.move_id IS NULL AND y.payment_type = 'inbound'
                   AND y.partner_type = 'customer' AND y.date >= %(since)s
                   AND NOT EXISTS (SELECT 1 FROM account_move__account_payment r
                   WHERE r.payment_id = y.id)
                 ORDER BY y.id DESC LIMIT %(count)s)
               UNION ALL
               (SELECT 'credit-' || l.id, l.date, concat_ws(' ', m.ref, l.name), NULL,
               l.currency_id, NULL, -l.amount_residual_currency, NULL,
                       p.commercial_partner_id, true
                  FROM account_move_line l JOIN account_move m ON m.id = l.move_id
                  JOIN res_partner p ON p.id = l.partner_id
                 WHERE l.company_id = %(company)s AND l.parent_state = 'posted'
                 AND l.reconciled IS NOT TRUE AND m.move_type = 'entry'
                   AND l.account_id IN (SELECT id FROM account_account
                   WHERE account_type = 'asset_receivable')
                   AND l.amount_residual_currency < 0 AND l.date >= %(since)s
                 ORDER BY l.id DESC LIMIT %(count)s)"""


class ChaserMaybePaid(models.Model):
    """Money that is not allocated yet and fits what a customer owes. It holds the
    customer's reminders until an accountant has decided; the decision is remembered for
    this money and these items."""

    _name = "chaser.maybe.paid"
    _description = "Maybe Paid"
    _order = "score desc, source_date desc, id desc"
    _check_company_auto = True

    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, index=True
    )
    partner_id = fields.Many2one(
        "res.partner",
        "Customer",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    move_ids = fields.Many2many(
        "account.move",
        "chaser_maybe_paid_move_rel",
        "hit_id",
        "move_id",
        "Invoices",
        readonly=True,
        help="Empty: nothing says for what it was paid.",
    )
    line_ids = fields.Many2many(
        "account.move.line",
        "chaser_maybe_paid_line_rel",
        "hit_id",
        "line_id",
        "Open Items",
        readonly=True,
    )
    statement_line_id = fields.Many2one(
        "account.bank.statement.line",
        "Bank Line",
        readonly=True,
        index="btree_not_null",
        ondelete="cascade",
    )
    payment_id = fields.Many2one(
        "account.payment",
        "Payment",
        readonly=True,
        index="btree_not_null",
        ondelete="cascade",
    )
    credit_line_id = fields.Many2one(
        "account.move.line",
        "Credit",
        readonly=True,
        index="btree_not_null",
        ondelete="cascade",
    )
    source_key = fields.Char(
        required=True,
        readonly=True,
        help="Which money: the bank line, payment or credit.",
    )
    items_key = fields.Char(readonly=True, help="Which open items, as one value.")
    source_date = fields.Date("Date", readonly=True)
    source_amount = fields.Monetary("Amount", readonly=True, aggregator=None)
    currency_id = fields.Many2one("res.currency", readonly=True)
    label = fields.Char(readonly=True)
    score = fields.Integer(
        readonly=True, aggregator=None, help="0 to 100; from 60 on it holds a reminder."
    )
    parts = fields.Json(readonly=True)
    is_exact = fields.Boolean(
        "To the Fils",
        readonly=True,
        help="The money is exactly what these items make together.",
    )
    explanation = fields.Char(compute="_compute_explanation")
    fits = fields.Char("Why It Fits", compute="_compute_explanation")
    state = fields.Selection(
        [
            ("open", "To Look At"),
            ("reconciled", "Reconciled"),
            ("ignored", "Ignored"),
            ("sent", "Sent Anyway"),
            ("gone", "No Longer There"),
        ],
        required=True,
        default="open",
        readonly=True,
        index=True,
    )
    hold_id = fields.Many2one(
        "chaser.hold", readonly=True, index="btree_not_null", ondelete="set null"
    )
    decided_by_id = fields.Many2one("res.users", "Decided By", readonly=True)
    decided_at = fields.Datetime("Decided On", readonly=True)

    _pair_uniq = models.UniqueIndex("(company_id, source_key, partner_id, items_key)")

    # -- in words

    @api.depends("partner_id", "label")
    def _compute_display_name(self):
        for hit in self:
            hit.display_name = (
                f"{hit.partner_id.display_name}: {hit.label or hit.source_key}"
            )

    @api.depends("parts", "source_date", "source_amount", "label", "move_ids")
    @api.depends_context("lang")
    def _compute_explanation(self):
        for hit in self:
            values = {
                "money": hit._get_source_name(),
                "date": format_date(self.env, hit.source_date) or "",
                "amount": format_amount(self.env, hit.source_amount, hit.currency_id)
                if hit.currency_id
                else "",
                "label": hit.label or "",
                "invoices": ", ".join(hit.sudo().move_ids.mapped("name"))
                or self.env._("something that this customer owes"),
            }
            values = {
                name: isolate_for(self.env, value) for name, value in values.items()
            }
            hit.explanation = self.env._(
                "%(money)s of %(date)s, %(amount)s, “%(label)s” fits %(invoices)s",
                **values,
            )
            hit.fits = "; ".join(
                filter(None, (self._describe_part(part) for part in hit.parts or []))
            )

    def _get_source_name(self):
        if self.statement_line_id:
            return self.env._("Bank line")
        return (
            self.env._("Payment")
            if self.payment_id
            else self.env._("Credit in the books")
        )

    @api.model
    def _describe_part(self, part):
        """One part of a score (``core.maybe_paid.Part``) in words, with its points."""
        detail = isolate_for(self.env, part.get("detail") or "")
        sentences = {
            "number": self.env._("invoice number %s in the text", detail),
            "number_part": self.env._(
                "most of the invoice number %s in the text", detail
            ),
            "number_tail": self.env._(
                "end of the invoice number %s in the text", detail
            ),
            "customer": self.env._("the customer himself"),
            "account": self.env._("the customer's bank account"),
            "name": self.env._("the customer's name in the text"),
            "name_part": self.env._("a part of the customer's name in the text"),
            "amount": self.env._("exact amount"),
            "sum": self.env._("exact sum of these items"),
            "unique": self.env._("nobody else owes this amount"),
            "within": self.env._("not more than is owed"),
        }
        return f"{sentences.get(part['code'], part['code'])} ({part['points']})"

    def _get_note(self):
        """The hit without words, for a hold that people of both languages read."""
        self.ensure_one()
        amount = (
            format_amount(self.env, self.source_amount, self.currency_id)
            if self.currency_id
            else ""
        )
        numbers = ", ".join(self.move_ids.mapped("name")) or self.partner_id.name
        return (
            f"{fields.Date.to_string(self.source_date)} · {amount} · "
            f"“{self.label or ''}” → {numbers}"
        )

    # -- the accountant decides

    def _check_may_decide(self):
        self.check_access("read")
        self.env["chaser.campaign"].check_access("write")
        if self.filtered(lambda hit: hit.state != "open"):
            raise UserError(
                self.env._("This has been decided already. Reload the list.")
            )

    def action_ignore(self):
        """This money has nothing to do with these items; they are chased again from the
        next campaign on."""
        self._check_may_decide()
        self.sudo()._set_decided("ignored")
        return True

    def action_send_anyway(self):
        """Remind nevertheless: what was left out for this goes out with its
        campaign."""
        self._check_may_decide()
        self.sudo()._set_decided("sent")
        self.env["chaser.reminder"]._requeue_maybe_paid(self)
        return True

    def action_reconcile(self):
        """Allocate the money where it is exactly what the items make; else open it, so
        that a person does.

        :raises UserError: when the books do not allow it, with the reason
        :raises AccessError: for who may not work on bank lines
        """
        self.ensure_one()
        self._check_may_decide()
        if not self.is_exact or any(line.reconciled for line in self.line_ids):
            return self._open_source()
        items = self.line_ids
        if self.statement_line_id:
            self._reconcile_bank_line(items)
        elif self.credit_line_id:
            (self.credit_line_id | items).reconcile()
        else:
            self.payment_id.write(
                {"invoice_ids": [Command.link(move.id) for move in items.move_id]}
            )
        self.sudo()._set_decided("reconciled")
        return True

    def _reconcile_bank_line(self, items):
        """As Community allows it: the amount on the suspense account becomes the
        customer's, and is reconciled with the items."""
        line = self.statement_line_id
        line.check_access("write")
        _liquidity, suspense, _other = line._seek_for_lines()
        if len(suspense) != 1 or len(items.account_id) != 1:
            raise UserError(
                self.env._(
                    "The bank line “%s” was changed meanwhile, or the items stand on "
                    "different accounts. Reconcile it by hand.",
                    self.label,
                )
            )
        if not line.partner_id:
            line.partner_id = self.partner_id
            _liquidity, suspense, _other = line._seek_for_lines()
        suspense.write(
            {"account_id": items.account_id.id, "partner_id": self.partner_id.id}
        )
        (suspense | items).reconcile()

    def _open_source(self):
        record = (
            self.payment_id
            or self.statement_line_id.move_id
            or self.credit_line_id.move_id
        )
        return {
            "type": "ir.actions.act_window",
            "res_model": record._name,
            "res_id": record.id,
            "view_mode": "form",
            "views": [(False, "form")],
        }

    def action_open_source(self):
        self.ensure_one()
        self.check_access("read")
        return self._open_source()

    @api.model
    def action_open_maybe_paid(self):
        """Look afresh, then show what is to be decided."""
        self.check_access("read")
        for company in self.env.companies:
            self._refresh(company)
        return self.env["ir.actions.act_window"]._for_xml_id(
            "invoice_chaser.chaser_maybe_paid_action"
        )

    # -- setters

    def _set_decided(self, state):
        self.write(
            {
                "state": state,
                "decided_by_id": self.env.uid,
                "decided_at": fields.Datetime.now(),
            }
        )
        self._release_holds()

    def _release_holds(self):
        """A hold ends when its last open hit is decided."""
        holds = self.hold_id
        kept = self.search(
            [("hold_id", "in", holds.ids), ("state", "=", "open")]
        ).hold_id
        (holds - kept).action_release()

    # -- Matching: reads money and items of a company in a fixed number of queries, and
    # keeps what fits (``core.maybe_paid``)

    @api.model
    def _refresh(self, company):
        """Finds new hits and holds the items that they cover; releases what no longer
        fits. As superuser, one company at a time. Repeatable."""
        Hits = self.sudo().with_company(company)
        money = Hits._read_money(company) if company.sudo().chaser_maybe_paid else []
        known = {
            (hit.source_key, hit.partner_id.id, hit.items_key or ""): hit
            for hit in Hits.search(
                [
                    ("company_id", "=", company.id),
                    "|",
                    ("state", "=", "open"),
                    ("source_key", "in", [one.key for one in money]),
                ]
            )
        }
        if not money and not known:
            return Hits.browse()
        found = Hits._match_money(company, money)
        lost = Hits.browse().union(
            *(
                hit
                for key, hit in known.items()
                if hit.state == "open" and key not in found
            )
        )
        lost.write({"state": "gone"})
        lost._release_holds()
        again = Hits.browse().union(
            *(
                known[key]
                for key in found
                if key in known and known[key].state in ("gone", "reconciled")
            )
        )
        again.write({"state": "open", "decided_by_id": False, "decided_at": False})
        fresh = (
            Hits._create_hits(
                company,
                {key: value for key, value in found.items() if key not in known},
            )
            | again
        )
        fresh._make_holds(company)
        return fresh

    @api.model
    def _match_money(self, company, money):
        """(money, customer, items) → what was found; money that was registered by hand
        already is left out."""
        found = {}
        if not money:
            return found
        matcher, registered = (
            self._make_matcher(company),
            self._read_registered(company),
        )
        for one in money:
            for hit in matcher.match(one):
                if not is_registered(one, hit, registered):
                    found[one.key, hit.partner_id, ",".join(map(str, hit.item_ids))] = (
                        one,
                        hit,
                    )
        return found

    @api.model
    def _create_hits(self, company, found):
        return self.create(
            [
                {
                    "company_id": company.id,
                    "partner_id": hit.partner_id,
                    "source_key": one.key,
                    "items_key": items_key,
                    "move_ids": [Command.set(hit.move_ids)],
                    "line_ids": [Command.set(hit.item_ids)],
                    "score": hit.score,
                    "is_exact": hit.is_exact,
                    "parts": [
                        {
                            "code": part.code,
                            "points": part.points,
                            "detail": part.detail,
                        }
                        for part in hit.parts
                    ],
                    "label": one.text[:200],
                    "source_date": one.day,
                    "currency_id": next(iter(one.amounts)),
                    "source_amount": float(next(iter(one.amounts.values()))),
                    **self._prepare_source_values(one.key),
                }
                for (_key, _partner_id, items_key), (one, hit) in found.items()
            ]
        )

    @api.model
    def _prepare_source_values(self, key):
        kind, _separator, record_id = key.partition("-")
        field = {
            "line": "statement_line_id",
            "payment": "payment_id",
            "credit": "credit_line_id",
        }[kind]
        return {field: int(record_id)}

    def _make_holds(self, company):
        """One hold per customer and invoices, however much money fits them."""
        groups = self.grouped(lambda hit: (hit.partner_id, hit.move_ids))
        for (partner, moves), hits in groups.items():
            hold = self.env["chaser.hold"]._hold(
                company, partner, "maybe_paid", moves, hits[0]._get_note()
            )
            hits.hold_id = hold

    # -- reading

    @api.model
    def _read_money(self, company):
        """Unreconciled bank lines, payments without an entry, and open credits of
        customers. Their text is the payer's: our own number of a payment
        (PBNK1/2026/00001) looks like an invoice number and says nothing."""
        for model in (
            "account.bank.statement.line",
            "account.payment",
            "account.move",
            "account.move.line",
        ):
            self.env[model].flush_model()
        since = fields.Date.today() - timedelta(days=_MONEY_DAYS)
        rows = self.env.execute_query_dict(
            SQL(_MONEY_SQL, company=company.id, since=since, count=_MONEY_COUNT)
        )
        return [self._as_money(row) for row in rows]

    @api.model
    def _read_registered(self, company):
        """Days of payments of customers whose bank line is not matched, by customer,
        currency and amount."""
        rows = self.env.execute_query(
            SQL(
                """SELECT p.commercial_partner_id, y.currency_id, y.amount, y.date
                FROM account_payment y JOIN res_partner p ON p.id = y.partner_id
                WHERE y.company_id = %s AND y.is_matched IS NOT TRUE
                AND y.state IN ('in_process', 'paid') AND y.payment_type = 'inbound'
                  AND y.move_id IS NOT NULL AND y.date >= %s""",
                company.id,
                fields.Date.today() - timedelta(days=_MONEY_DAYS),
            )
        )
        registered = {}
        for partner_id, currency_id, amount, day in rows:
            registered.setdefault(
                (partner_id, currency_id, Decimal(str(amount))), []
            ).append(day)
        return registered

    @api.model
    def _as_money(self, row):
        """The rest of a bank line is in its foreign currency where it has one; the
        journal's amount counts as well."""
        amounts = {row["other_id"] or row["currency_id"]: Decimal(str(row["amount"]))}
        if row["other_id"]:
            amounts[row["currency_id"]] = Decimal(str(row["journal_amount"]))
        return Money(
            row["key"],
            amounts,
            row["date"],
            row["text"] or "",
            row["partner_id"],
            row["account"] or "",
            row["booked"],
        )

    @api.model
    def _make_matcher(self, company):
        items = self.env.execute_query_dict(
            SQL(
                """SELECT l.id, l.move_id, m.commercial_partner_id AS partner_id,
                coalesce(m.name, '') AS number,
                      coalesce(nullif(m.payment_reference, m.name), m.ref,
                      '') AS reference, l.currency_id,
                      l.amount_residual_currency AS residual, coalesce(l.date_maturity,
                      m.invoice_date_due, l.date) AS date_due
                 FROM account_move_line l JOIN account_move m ON m.id = l.move_id
                WHERE l.company_id = %s AND l.parent_state = 'posted'
                AND l.reconciled IS NOT TRUE AND l.amount_residual_currency > 0
                  AND l.account_id IN (SELECT id FROM account_account
                  WHERE account_type = 'asset_receivable')
                  AND m.move_type IN ('out_invoice', 'out_receipt')
                  AND m.payment_state NOT IN %s""",
                company.id,
                PAID_STATES,
            )
        )
        partner_ids = list({row["partner_id"] for row in items})
        customers = self.env.execute_query(
            SQL(
                """SELECT p.id, p.name, p.complete_name,
                (SELECT array_agg(b.sanitized_acc_number) FROM res_partner_bank b
                      JOIN res_partner c ON c.id = b.partner_id
                      WHERE c.commercial_partner_id = p.id AND b.active)
                 FROM res_partner p WHERE p.id = ANY(%s)""",
                partner_ids,
            )
        )
        return MoneyMatcher(
            [
                Item(**row | {"residual": Decimal(str(row["residual"]))})
                for row in items
            ],
            [
                Customer(
                    partner_id,
                    tuple(dict.fromkeys(filter(None, names))),
                    tuple(filter(None, accounts or ())),
                )
                for partner_id, *names, accounts in customers
            ],
        )

    @api.model
    def _get_fingerprint_sql(self, company):
        """One row that changes whenever money comes in or is allocated. The query is
        fast enough to run before each message."""
        return SQL(
            """SELECT l.*, p.* FROM
                 (SELECT count(*) AS lines, max(id) AS last_line,
                 max(write_date) AS line_written FROM account_bank_statement_line
                   WHERE company_id = %(company)s AND is_reconciled IS NOT TRUE) l,
                 (SELECT max(id) AS last_payment, max(write_date) AS payment_written
                 FROM account_payment
                   WHERE company_id = %(company)s AND is_matched IS NOT TRUE) p""",
            company=company.id,
        )
