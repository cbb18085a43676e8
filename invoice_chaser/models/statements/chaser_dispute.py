from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import formatLang

from .chaser_statement_mixin import TASK_TYPE


class ChaserDispute(models.Model):
    """What a customer objects to. The named invoices, or all of the customer's, are
    held until it is resolved or rejected; the disputed amount says how much it is
    about."""

    _name = "chaser.dispute"
    _description = "Dispute"
    _inherit = ["chaser.statement.mixin"]
    _order = "id desc"

    move_ids = fields.Many2many(
        "account.move",
        "chaser_dispute_move_rel",
        "dispute_id",
        "move_id",
        "Invoices",
        check_company=True,
        help="Empty: everything of this customer.",
    )
    reason = fields.Char(required=True, tracking=True)
    amount = fields.Monetary(
        "Disputed Amount",
        tracking=True,
        aggregator=None,
        help="0: all that is open on the invoices.",
    )
    disputed_at = fields.Datetime("Said On", required=True, default=fields.Datetime.now)
    state = fields.Selection(
        [("open", "Open"), ("resolved", "Resolved"), ("rejected", "Rejected")],
        required=True,
        default="open",
        readonly=True,
        copy=False,
        tracking=True,
        index=True,
    )
    resolution = fields.Text(
        copy=False, tracking=True, help="What was agreed or answered."
    )
    closed_at = fields.Datetime("Closed On", readonly=True, copy=False)
    closed_by_id = fields.Many2one("res.users", readonly=True, copy=False)

    _amount_check = models.Constraint(
        "CHECK(amount >= 0)", "A disputed amount cannot be negative."
    )
    _open_idx = models.Index("(company_id, partner_id) WHERE state = 'open'")

    @api.depends("partner_id", "reason")
    def _compute_display_name(self):
        for dispute in self:
            dispute.display_name = (
                f"{dispute.partner_id.display_name or ''}: {dispute.reason or ''}"
            )

    @api.model_create_multi
    def create(self, vals_list):
        disputes = super().create(
            [self._prepare_statement_values(vals) for vals in vals_list]
        )
        for dispute in disputes:
            dispute._note_created()
            if dispute.user_id != self.env.user or dispute.source == "page":
                dispute._plan_todo(lambda one: one.env._("Dispute: %s", one.reason))
        return disputes

    def write(self, vals):
        if not self.env.su and "state" in vals:
            raise UserError(
                self.env._(
                    "Use Resolve, Reject or Reopen, so that it is noted who decided."
                )
            )
        return super().write(vals)

    # -- actions

    def action_resolve(self, resolution=None):
        """The customer was right, or there is an agreement; what is still open is
        chased again."""
        self._close("resolved", resolution)

    def action_reject(self, resolution=None):
        """The objection is rejected; the invoices are chased again."""
        self._close("rejected", resolution)

    def action_reopen(self):
        self.check_access("write")
        closed = self.filtered(lambda dispute: dispute.state != "open")
        closed.sudo().write(
            {"state": "open", "closed_at": False, "closed_by_id": False}
        )
        for dispute in closed:
            dispute._note(self.env._("Dispute opened again: %s", dispute.reason))

    def _close(self, state, resolution=None):
        self.check_access("write")
        words = dict(self._fields["state"]._description_selection(self.env))
        for dispute in self.filtered(lambda dispute: dispute.state == "open").sudo():
            dispute.write(
                {
                    "state": state,
                    "closed_at": fields.Datetime.now(),
                    "closed_by_id": self.env.uid,
                    "resolution": resolution or dispute.resolution,
                }
            )
            dispute._note(
                self.env._(
                    "Dispute “%(reason)s” – %(state)s. %(resolution)s",
                    reason=dispute.reason,
                    state=words[state],
                    resolution=dispute.resolution or "",
                )
            )
            dispute.activity_unlink([TASK_TYPE])

    def _note_created(self):
        amount = (
            formatLang(self.env, self.amount, currency_obj=self.currency_id)
            if self.amount
            else self.env._("what is open")
        )
        self._note(
            self.env._(
                "Dispute about %(invoices)s (%(amount)s): %(reason)s. Said by %(who)s "
                "(%(where)s).",
                invoices=self._get_invoices_text(),
                amount=amount,
                reason=self.reason,
                who=self.said_by or self.partner_id.name,
                where=dict(self._fields["source"]._description_selection(self.env))[
                    self.source
                ],
            )
        )

    def _drop_moves(self, moves):
        """These invoices are not disputed any more; a dispute about nothing else is
        resolved."""
        for dispute in self:
            rest = dispute.move_ids - moves
            if rest:
                dispute.move_ids = rest
            else:
                dispute._close("resolved")
