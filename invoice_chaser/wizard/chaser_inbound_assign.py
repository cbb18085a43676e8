from odoo import api, fields, models
from odoo.exceptions import UserError


class ChaserInboundAssign(models.TransientModel):
    """Whom an unmatched mail is about: collects the choice and hands it over."""

    _name = "chaser.inbound.assign"
    _description = "Assign an Incoming Mail"
    _inherit = ["chaser.company.mixin"]
    _check_company_auto = True

    company_id = fields.Many2one("res.company", required=True, readonly=True)
    inbound_id = fields.Many2one(
        "chaser.inbound",
        "Mail",
        required=True,
        readonly=True,
        ondelete="cascade",
        check_company=True,
    )
    partner_id = fields.Many2one(
        "res.partner",
        "Customer",
        check_company=True,
        compute="_compute_partner_id",
        store=True,
        readonly=False,
        precompute=True,
    )
    reminder_id = fields.Many2one(
        "chaser.reminder",
        check_company=True,
        compute="_compute_reminder_id",
        store=True,
        readonly=False,
        precompute=True,
        help="Empty: the mail is about the customer, not about one reminder.",
    )

    @api.depends("inbound_id")
    def _compute_partner_id(self):
        """The customer whom we wrote to at this address."""
        for wizard in self:
            addresses = [
                wizard.inbound_id.sender_email,
                *(
                    a
                    for failure in wizard.inbound_id.failures or []
                    for a in failure["addresses"]
                ),
            ]
            reminder = self.env["chaser.reminder"].search(
                [
                    ("company_id", "=", wizard.company_id.id),
                    ("recipient_email", "in", list(filter(None, addresses))),
                ],
                order="sent_at desc nulls last",
                limit=1,
            )
            contact = self.env["res.partner"].search(
                [("email_normalized", "in", list(filter(None, addresses)))], limit=1
            )
            wizard.partner_id = reminder.partner_id or contact.commercial_partner_id

    @api.depends("partner_id")
    def _compute_reminder_id(self):
        for wizard in self:
            partner = wizard.partner_id.commercial_partner_id
            wizard.reminder_id = self.env["chaser.reminder"].search(
                [
                    ("company_id", "=", wizard.company_id.id),
                    ("partner_id", "=", partner.id),
                    ("state", "=", "sent"),
                ],
                order="sent_at desc",
                limit=1,
            )

    def action_assign(self):
        """:raises UserError: without a customer, or when the reminder is another
        customer's"""
        self.ensure_one()
        partner = self.partner_id.commercial_partner_id
        if not partner:
            raise UserError(self.env._("Choose the customer that the mail is about."))
        if self.reminder_id and self.reminder_id.partner_id != partner:
            raise UserError(
                self.env._(
                    "This reminder went to %s, not to the customer you chose.",
                    self.reminder_id.partner_id.display_name,
                )
            )
        self.inbound_id._assign(partner, self.reminder_id)
        return {"type": "ir.actions.act_window_close"}
