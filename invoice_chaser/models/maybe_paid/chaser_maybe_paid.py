from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tools import SQL, format_amount, format_date

from ...core.match.maybe_paid import is_registered
from ..common.chaser_reason_mixin import isolate_for


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
    reminder_id = fields.Many2one(
        "chaser.reminder",
        "Quoted Message",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
        help="The text quotes the payment reference of this message.",
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
        "Exact Amount",
        readonly=True,
        help="The money is exactly what these items make together.",
    )
    explanation = fields.Char(compute="_compute_explanation")
    fits = fields.Char("Why It Fits", compute="_compute_explanation")
    state = fields.Selection(
        [
            ("open", "To Review"),
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

    def _settle_clash(self, partner_id):
        """The same money was found for both customers that become one: the other's hit
        stays, with what was decided on it."""
        theirs = self.search([("partner_id", "=", partner_id)])
        known = {(one.company_id, one.source_key, one.items_key) for one in theirs}
        twins, kept = self.browse(), self.browse()
        for hit in self.sorted(lambda one: one.state == "open"):
            key = (hit.company_id, hit.source_key, hit.items_key)
            if key in known:
                twins |= hit
            else:
                known.add(key)
                kept |= hit
        twins.write({"state": "gone"})
        twins._release_holds()
        twins.unlink()
        return kept

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
                "invoices": ", ".join(hit.sudo().move_ids.sorted("id").mapped("name"))
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
            "reference": self.env._("payment reference %s in the text", detail),
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
        can_allocate = self.is_exact or self.reminder_id
        if not can_allocate or any(line.reconciled for line in self.line_ids):
            return self._open_source()
        items = self.line_ids | self._get_quoted_credits()
        owed = self._get_owed(items)
        if self.statement_line_id:
            self._reconcile_bank_line(items)
        elif self.credit_line_id:
            (self.credit_line_id | items).reconcile()
        else:
            self.payment_id.write(
                {"invoice_ids": [Command.link(move.id) for move in items.move_id]}
            )
        self.sudo()._set_decided("reconciled")
        return True if self.is_exact else self._tell_difference(owed, items)

    def _get_quoted_credits(self):
        """What the quoted message set off of these items, as far as it is open:
        allocated with them."""
        currencies = self.line_ids.currency_id
        lines = self.reminder_id.sudo().line_ids.filtered(
            lambda line: line.is_credit
            and not line.dropped_code
            and line.currency_id in currencies
        )
        return lines.move_line_id.filtered(lambda line: not line.reconciled)

    def _get_owed(self, items):
        """Per currency what is open on items and credits together."""
        return [
            (currency, sum(lines.mapped("amount_residual_currency")))
            for currency, lines in items.grouped("currency_id").items()
        ]

    def _tell_difference(self, owed, items):
        """Part of what was asked for, or more: the difference is said, and kept on the
        customer. The oldest items were paid first."""
        values = {
            "paid": format_amount(self.env, self.source_amount, self.currency_id),
            "asked": self._format_amounts(owed),
            "reference": self.reminder_id.sudo().payment_reference,
        }
        more = self.source_amount - dict(owed).get(self.currency_id, self.source_amount)
        if more <= 0:
            # A payment without an entry is linked only; its bank line settles them.
            left = [(self.currency_id, -more)] if more else self._get_owed(items)
            words = self.env._(
                "%(paid)s allocated to the items of %(reference)s, oldest first; "
                "%(rest)s of %(asked)s are still open.",
                rest=self._format_amounts(left),
                **values,
            )
        else:
            words = self.env._(
                "%(paid)s allocated to the items of %(reference)s: %(more)s more than "
                "the %(asked)s that were open. It stays on the customer's account.",
                more=format_amount(self.env, more, self.currency_id),
                **values,
            )
        self.partner_id.sudo()._for_chaser(self.company_id)._message_log(body=words)
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "info",
                "message": words,
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }

    def _format_amounts(self, amounts):
        return " · ".join(
            format_amount(self.env, amount, currency) for currency, amount in amounts
        )

    def _reconcile_bank_line(self, items):
        """As Community allows it: the amount on the suspense account becomes the
        customer's, and is reconciled with the items."""
        line = self.statement_line_id
        line.check_access("write")
        _liquidity, suspense, _other = line._seek_for_lines()
        if len(suspense) != 1 or len(items.account_id) != 1:
            raise UserError(
                self.env._(
                    "The bank line “%s” was changed meanwhile, or the items are on "
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
        money = (
            Hits.env["chaser.money"]._read_money(company)
            if company.sudo().chaser_maybe_paid
            else []
        )
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
        reader = self.env["chaser.money"]
        matcher, registered = (
            reader._make_matcher(company),
            reader._read_registered(company),
        )
        quoted = reader._read_quoted(company, money)
        for one in money:
            hits = [quoted[one.key]] if one.key in quoted else matcher.match(one)
            for hit in filter(None, hits):
                if one.key in quoted or not is_registered(one, hit, registered):
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
                    "reminder_id": hit.message_id or False,
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

    @api.model
    def _get_fingerprint_sql(self, company):
        """One row that changes whenever money comes in or is allocated. The query is
        fast enough to run before each message."""
        return SQL(
            """SELECT l.*, p.* FROM
                 (SELECT count(*) AS lines, max(id) AS last_line,
                 max(write_date) AS line_written FROM account_bank_statement_line
                   WHERE company_id = ANY(%(companies)s)
                   AND is_reconciled IS NOT TRUE) l,
                 (SELECT max(id) AS last_payment, max(write_date) AS payment_written
                 FROM account_payment
                   WHERE company_id = ANY(%(companies)s)
                   AND is_matched IS NOT TRUE) p""",
            companies=list(company._get_chaser_entity().ids),
        )
