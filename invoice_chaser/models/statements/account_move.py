from odoo import api, fields, models
from odoo.tools.sql import column_exists, create_column


class AccountMove(models.Model):
    """Promises and disputes as an invoice shows them: one date and one reason, derived
    from the records."""

    _name = "account.move"
    _inherit = ["account.move", "chaser.statement.buttons.mixin"]  # pylint: disable=consider-merging-classes-inherited  # promises, disputes and holds

    chaser_promise_ids = fields.Many2many(
        "chaser.promise",
        "chaser_promise_covered_rel",
        "move_id",
        "promise_id",
        "Promises",
        copy=False,
        readonly=True,
        groups=fields.NO_ACCESS,
    )
    chaser_dispute_ids = fields.Many2many(
        "chaser.dispute",
        "chaser_dispute_move_rel",
        "move_id",
        "dispute_id",
        "Disputes",
        copy=False,
        readonly=True,
        groups=fields.NO_ACCESS,
    )
    chaser_promise_date = fields.Date(
        "Promised For",
        copy=False,
        compute="_compute_chaser_promise_date",
        inverse="_inverse_chaser_promise_date",
        store=True,
        readonly=False,
        groups="account.group_account_invoice",
        help="The customer promised to pay on this day; no reminder before it has "
        "passed. Setting it records a promise.",
    )
    chaser_dispute_reason = fields.Char(
        "Dispute",
        copy=False,
        compute="_compute_chaser_dispute_reason",
        inverse="_inverse_chaser_dispute_reason",
        store=True,
        readonly=False,
        groups="invoice_chaser.group_chaser_user",
        help="What the customer disputes; no reminder while it is set. Setting it "
        "records a dispute, emptying it resolves it.",
    )

    def _auto_init(self):
        # Nothing is promised or disputed yet, so not all entries of a large company
        # need to be computed.
        for name, kind in (
            ("chaser_promise_date", "date"),
            ("chaser_dispute_reason", "varchar"),
        ):
            if not column_exists(self.env.cr, "account_move", name):
                create_column(self.env.cr, "account_move", name, kind)
        return super()._auto_init()

    @api.depends("chaser_promise_ids.state", "chaser_promise_ids.date_promised")
    def _compute_chaser_promise_date(self):
        for move in self:
            days = move.chaser_promise_ids.filtered(
                lambda promise: promise.state == "open"
            ).mapped("date_promised")
            move.chaser_promise_date = max(days, default=False)

    def _inverse_chaser_promise_date(self):
        for move in self.sudo():
            day, promises = (
                move.chaser_promise_date,
                move.chaser_promise_ids.filtered(
                    lambda promise: promise.state == "open"
                ),
            )
            own = promises.filtered(
                lambda promise, move=move: promise.move_ids == move
            )[:1]
            if own and day:
                own.date_promised = day
            elif day:
                self.env["chaser.promise"]._promise(
                    move.company_id,
                    move.commercial_partner_id,
                    day,
                    move,
                    source="other",
                    user_id=self.env.uid,
                )
            else:
                promises._drop_moves(move)

    @api.depends("chaser_dispute_ids.state", "chaser_dispute_ids.reason")
    def _compute_chaser_dispute_reason(self):
        for move in self:
            reasons = (
                move.chaser_dispute_ids.filtered(
                    lambda dispute: dispute.state == "open"
                )
                .sorted("id")
                .mapped("reason")
            )
            move.chaser_dispute_reason = "; ".join(reasons) or False

    def _inverse_chaser_dispute_reason(self):
        for move in self.sudo():
            reason, disputes = (
                move.chaser_dispute_reason,
                move.chaser_dispute_ids.filtered(
                    lambda dispute: dispute.state == "open"
                ),
            )
            own = disputes.filtered(
                lambda dispute, move=move: dispute.move_ids == move
            )[:1]
            if own and reason:
                own.reason = reason
            elif reason:
                self.env["chaser.dispute"].create(
                    {
                        "company_id": move.company_id.id,
                        "partner_id": move.commercial_partner_id.id,
                        "move_ids": [fields.Command.set(move.ids)],
                        "reason": reason,
                        "source": "other",
                        "user_id": self.env.uid,
                        "currency_id": move.currency_id.id,
                    }
                )
            else:
                disputes._drop_moves(move)

    # -- buttons

    def _get_chaser_subject(self):
        return (
            self.commercial_partner_id,
            self.company_id,
            self,
            self.env["chaser.reminder"],
        )
