from odoo import fields, models
from odoo.exceptions import UserError


class ChaserAnswer(models.Model):
    """What a customer sent from their page, unchanged, as evidence. The unique key
    makes sure that a form counts once, even if a button is pressed twice."""

    _name = "chaser.answer"
    _description = "Customer's Answer"
    _inherit = "chaser.label.mixin"
    _order = "id desc"
    _rec_name = "action"

    reminder_id = fields.Many2one(
        "chaser.reminder", required=True, readonly=True, index=True, ondelete="cascade"
    )
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
    action = fields.Selection(
        [
            ("promise", "Will pay"),
            ("paid", "Already paid"),
            ("dispute", "Disputes"),
            ("contact", "Wrong contact"),
            ("copy", "Wants a copy"),
        ],
        required=True,
        readonly=True,
    )
    key = fields.Char(
        required=True,
        readonly=True,
        groups=fields.NO_ACCESS,
        help="Of the form that was sent.",
    )
    answered_at = fields.Datetime(
        "Time", required=True, readonly=True, default=fields.Datetime.now
    )
    said_by = fields.Char("Name Given", readonly=True)
    text = fields.Text("In the Customer's Words", readonly=True)
    proposed_email = fields.Char(readonly=True)
    date_promised = fields.Date(readonly=True)
    amount = fields.Monetary(readonly=True, aggregator=None)
    currency_id = fields.Many2one("res.currency", readonly=True)
    move_ids = fields.Many2many(
        "account.move",
        "chaser_answer_move_rel",
        "answer_id",
        "move_id",
        "Invoices",
        readonly=True,
    )
    attachment_id = fields.Many2one(
        "ir.attachment", "File", readonly=True, ondelete="set null"
    )
    hold_id = fields.Many2one("chaser.hold", readonly=True, ondelete="set null")
    promise_id = fields.Many2one("chaser.promise", readonly=True, ondelete="set null")
    dispute_id = fields.Many2one("chaser.dispute", readonly=True, ondelete="set null")
    copy_id = fields.Many2one(
        "chaser.reminder", "Copy", readonly=True, ondelete="set null"
    )
    ip_address = fields.Char("IP Address", readonly=True)
    user_agent = fields.Char(readonly=True)

    _key_uniq = models.UniqueIndex("(key)")
    _recent_idx = models.Index("(ip_address, answered_at)")

    def action_view_record(self):
        """What it led to: the promise, dispute, hold or copy; without any, the
        reminder."""
        self.ensure_one()
        self.check_access("read")
        record = (
            self.promise_id
            or self.dispute_id
            or self.hold_id
            or self.copy_id
            or self.reminder_id
        )
        return {
            "type": "ir.actions.act_window",
            "res_model": record._name,
            "res_id": record.id,
            "view_mode": "form",
        }

    def write(self, vals):
        if not self.env.su or set(vals) & {
            "key",
            "action",
            "reminder_id",
            "text",
            "answered_at",
            "company_id",
            "partner_id",
        }:
            raise UserError(
                self.env._(
                    "What a customer has answered is evidence and cannot be changed."
                )
            )
        return super().write(vals)
