from decimal import Decimal

from odoo import api, fields, models

from ..core.plan.reach import DEFAULT_CHANNEL


class ChaserPreviewMessage(models.TransientModel):
    _name = "chaser.preview.message"
    _description = "Chase: Planned Message"
    _inherit = [
        "chaser.reason.mixin",
        "chaser.company.mixin",
        "chaser.channel.mixin",
    ]
    _order = "sequence, id"
    _rec_name = "partner_id"

    preview_id = fields.Many2one(
        "chaser.preview", required=True, ondelete="cascade", index=True
    )
    company_id = fields.Many2one("res.company", required=True, index=True)
    sequence = fields.Integer()
    included = fields.Boolean("Send", default=True)
    partner_id = fields.Many2one("res.partner", "Customer", readonly=True)
    level_id = fields.Many2one("chaser.level", readonly=True)
    recipient = fields.Char(readonly=True)
    language = fields.Selection(
        [("en", "English"), ("ar", "Arabic"), ("both", "Arabic and English")],
        readonly=True,
    )
    item_count = fields.Integer("Items", readonly=True)
    move_count = fields.Integer("Invoices", readonly=True)
    days_overdue = fields.Integer(readonly=True)
    level_code = fields.Char(readonly=True)
    level_params = fields.Json(readonly=True)
    level_reason = fields.Char("Why This Level", compute="_compute_level_reason")
    numbers = fields.Char("Invoice Numbers", readonly=True)
    total_display = fields.Char("Open Amount", readonly=True)
    credits = fields.Json(readonly=True, help="Credit → what is set off of it.")
    item_ids = fields.One2many("chaser.preview.item", "message_id")
    attachments_display = fields.Char(
        "Attached",
        compute="_compute_attachments_display",
        help="What the template attaches, up to the company's limits.",
    )

    @api.depends("partner_id", "numbers")
    def _compute_display_name(self):
        """A customer may get several messages: then the invoices tell them apart."""
        for message in self:
            mine = message.preview_id.message_ids.filtered(
                lambda one, customer=message.partner_id: one.partner_id == customer
            )
            message.display_name = (
                f"{message.partner_id.display_name} · {message.numbers}"
                if len(mine) > 1
                else message.partner_id.display_name
            )

    @api.depends("level_id", "preview_id.template_id", "preview_id.level_id")
    @api.depends_context("lang")
    def _compute_attachments_display(self):
        known = {}
        for message in self:
            template = message.preview_id._get_template(message)
            key = (template, message.company_id)
            if key not in known:
                known[key] = template._describe_documents()
            message.attachments_display = (
                known[key] if message.channel == DEFAULT_CHANNEL else False
            )

    def action_view_customer(self):
        return self.partner_id._get_records_action()

    def action_view_invoices(self):
        """The invoices that the message asks for, or those for which nothing is
        sent."""
        moves = self.item_ids.move_line_id.move_id
        return moves._get_records_action(name=self.env._("Invoices"))

    def _get_credits(self):
        """What the message sets off; None where items were dropped here."""
        if not all(self.item_ids.mapped("included")):
            return None
        return {
            int(line_id): Decimal(amount)
            for line_id, amount in (self.credits or {}).items()
        }

    @api.depends("level_code", "level_params")
    @api.depends_context("lang")
    def _compute_level_reason(self):
        for message in self:
            message.level_reason = self._get_reason_text(
                message.level_code, message.level_params
            )


class ChaserPreviewItem(models.TransientModel):
    _name = "chaser.preview.item"
    _description = "Chase: Planned Item"
    _inherit = ["chaser.company.mixin"]
    _order = "message_id, date_maturity, id"
    _rec_name = "number"

    preview_id = fields.Many2one(
        "chaser.preview", required=True, ondelete="cascade", index=True
    )
    message_id = fields.Many2one(
        "chaser.preview.message", required=True, ondelete="cascade", index=True
    )
    company_id = fields.Many2one("res.company", required=True, index=True)
    included = fields.Boolean("Send", default=True)
    partner_id = fields.Many2one("res.partner", "Customer", readonly=True)
    move_line_id = fields.Many2one(
        "account.move.line", readonly=True, ondelete="cascade"
    )
    number = fields.Char("Invoice", readonly=True)
    currency_id = fields.Many2one("res.currency", readonly=True)
    amount_residual = fields.Monetary("Open Amount", readonly=True)
    date_maturity = fields.Date("Due Date", readonly=True)
    days_overdue = fields.Integer(readonly=True)

    def action_view_invoice(self):
        return self.move_line_id.move_id._get_records_action()
