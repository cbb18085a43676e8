from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_date, formatLang

from .chaser_statement_mixin import TASK_TYPE


class ChaserPromise(models.Model):
    """A customer's word that he will pay on a day.

    Until the day has passed it holds what it covers: without an amount the named invoices, or everything of the customer; with an
    amount the oldest of them that it pays, whole invoices (``core.promises``). Payments are looked up, never entered here.
    """

    _name = "chaser.promise"
    _description = "Promise to Pay"
    _inherit = ["chaser.statement.mixin"]
    _order = "date_promised desc, id desc"

    move_ids = fields.Many2many(
        "account.move", "chaser_promise_move_rel", "promise_id", "move_id", "Invoices", check_company=True,
        help="Empty: everything of this customer.",
    )
    amount = fields.Monetary(tracking=True, aggregator=None, help="0: all that is open on the invoices.")
    date_promised = fields.Date("Pays On", required=True, tracking=True, index=True)
    promised_at = fields.Datetime("Said On", required=True, default=fields.Datetime.now)
    note = fields.Text()
    state = fields.Selection(
        [("open", "Open"), ("kept", "Kept"), ("partly", "Partly kept"), ("broken", "Broken"), ("cancelled", "Cancelled")],
        required=True, default="open", readonly=True, copy=False, tracking=True, index=True,
    )
    settled_at = fields.Datetime("Settled", readonly=True, copy=False, help="When it was found kept, partly kept or broken, or was cancelled.")
    covered_move_ids = fields.Many2many(
        "account.move", "chaser_promise_covered_rel", "promise_id", "move_id", "Held Invoices", readonly=True, copy=False)
    line_ids = fields.Many2many(
        "account.move.line", "chaser_promise_line_rel", "promise_id", "line_id", "Covered Items", copy=False, check_company=True,
        help="The open items that must be paid for the promise to be kept.",
    )
    last_partial_id = fields.Integer(readonly=True, copy=False, help="Matchings up to this one were there before the promise.")
    replaces_id = fields.Many2one("chaser.promise", readonly=True, copy=False, index="btree_not_null", ondelete="set null")
    amount_paid = fields.Char("Paid Since", compute="_compute_amount_paid")

    _amount_check = models.Constraint("CHECK(amount >= 0)", "A promised amount cannot be negative.")
    _open_idx = models.Index("(company_id, partner_id) WHERE state = 'open'")

    # -- computes

    @api.depends("partner_id", "date_promised")
    @api.depends_context("lang")
    def _compute_display_name(self):
        for promise in self:
            day = format_date(self.env, promise.date_promised) if promise.date_promised else ""
            promise.display_name = self.env._("%(customer)s pays on %(day)s", customer=promise.partner_id.display_name or "", day=day)

    def _compute_amount_paid(self):
        covered = self._read_covered()
        currencies = self.env["res.currency"].browse({item.currency_id for items in covered.values() for item in items})
        for promise in self:
            paid = {}
            for item in covered.get(promise.id, ()):
                paid[item.currency_id] = paid.get(item.currency_id, 0) + item.paid + item.paid_late
            promise.amount_paid = "  ·  ".join(
                formatLang(self.env, float(paid[currency.id]), currency_obj=currency) for currency in currencies if paid.get(currency.id))

    # -- CRUD

    @api.model_create_multi
    def create(self, vals_list):
        promises = super().create([self._prepare_statement_values(vals) for vals in vals_list])
        [(last,)] = self._read_last_partial()
        for promise in promises:
            promise.sudo().last_partial_id = last
            promise._set_covered()
            promise._note_created()
        return promises

    def write(self, vals):
        if not self.env.su and "state" in vals:
            raise UserError(self.env._("Payments decide whether a promise is kept. Use Cancel to withdraw it."))
        result = super().write(vals)
        if {"move_ids", "amount", "currency_id"} & set(vals) and "line_ids" not in vals:
            for promise in self.filtered(lambda promise: promise.state == "open"):
                promise._set_covered()
        if "date_promised" in vals:
            self.sudo()._check_kept()
        return result

    # -- actions

    def action_cancel(self):
        """The promise does not count any more, neither as kept nor as broken; what it held is chased again."""
        self.check_access("write")
        self.filtered(lambda promise: promise.state == "open").sudo()._set_state("cancelled")

    def action_check(self):
        """Look for payments now."""
        self.check_access("read")
        self.sudo()._check_kept()

    def _drop_moves(self, moves):
        """These invoices are not promised any more; a promise about nothing else is cancelled."""
        for promise in self:
            rest = promise.covered_move_ids - moves
            if rest:
                promise.move_ids = rest
            else:
                promise._set_state("cancelled")

    # -- business

    @api.model
    def _promise(self, company, partner, day, moves=None, amount=0.0, **values):
        """Record a promise, as superuser. An open one about the same invoices is replaced: it counts neither as kept nor as broken.

        :param day: date in the company's time zone
        :param moves: the invoices; None: everything of the customer
        :param values: further values of the record (``source``, ``said_by``, ``line_ids``, ``reminder_id`` …)
        """
        Promise = self.sudo().with_company(company)
        moves = moves or self.env["account.move"]
        former = Promise.search([
            ("company_id", "=", company.id), ("partner_id", "=", partner.commercial_partner_id.id), ("state", "=", "open")])
        former = former.filtered(lambda promise: promise.move_ids == moves)[:1]
        former._set_state("cancelled")
        return Promise.create({
            "company_id": company.id, "partner_id": partner.id, "date_promised": day, "amount": amount, "replaces_id": former.id,
            "move_ids": [fields.Command.set(moves.ids)], **values,
        })

    def _get_first_said(self):
        """When the first promise of a chain of replaced ones was made."""
        first = self
        while first.replaces_id:
            first = first.replaces_id
        return first.promised_at

    def _note_created(self):
        amount = formatLang(self.env, self.amount, currency_obj=self.currency_id) if self.amount else self.env._("what is open")
        self._note(self.env._(
            "Promise: %(amount)s on %(day)s for %(invoices)s. Said by %(who)s (%(where)s).", amount=amount,
            day=format_date(self.env, self.date_promised), invoices=self._get_invoices_text(), who=self.said_by or self.partner_id.name,
            where=dict(self._fields["source"]._description_selection(self.env))[self.source]), self.covered_move_ids)

    def _set_state(self, state):
        """Every change of state goes through here."""
        for promise in self.sudo().filtered(lambda promise: promise.state != state):
            promise.write({"state": state, "settled_at": fields.Datetime.now() if state != "open" else False})
            promise._tell_state()

    def _tell_state(self):
        words = {
            "kept": self.env._("Promise for %s kept.", format_date(self.env, self.date_promised)),
            "partly": self.env._("Promise for %s kept in part only.", format_date(self.env, self.date_promised)),
            "broken": self.env._("Promise for %s broken: nothing was paid.", format_date(self.env, self.date_promised)),
            "cancelled": self.env._("Promise for %s cancelled.", format_date(self.env, self.date_promised)),
        }
        if self.state not in words:
            return
        self._note(words[self.state], self.covered_move_ids)
        self.activity_unlink([TASK_TYPE])
        if self.state in ("partly", "broken"):
            self._plan_todo(words[self.state])
