from odoo import api, fields, models

from ...core.plan.reach import DEFAULT_CHANNEL


class ChaserChannelChoiceMixin(models.AbstractModel):
    """For models whose forms let a person choose a channel: with e-mail alone there is
    nothing to choose, and nothing to see."""

    _name = "chaser.channel.choice.mixin"
    _description = "Chooses a Channel"

    has_channels = fields.Boolean(compute="_compute_has_channels")

    def _compute_has_channels(self):
        self.has_channels = len(self.env["chaser.channel"]._get_known()) > 1


class ChaserChannelMixin(models.AbstractModel):
    """By which channel a message goes: for reminders, and for those that a preview
    shows. A further channel adds its code here, once for all of them."""

    _name = "chaser.channel.mixin"
    _inherit = ["chaser.channel.choice.mixin"]
    _description = "Goes by a Channel"

    channel = fields.Selection(
        [("email", "E-Mail")], default=DEFAULT_CHANNEL, readonly=True
    )
    channel_passed = fields.Json(
        readonly=True,
        help="The channels that come before it in the order, each with why it was not "
        "taken.",
    )
    channel_note = fields.Char("Why This Channel", compute="_compute_channel_note")

    address_note = fields.Text(
        "About the Addresses",
        compute="_compute_address_note",
        help="Addresses of the customer that cannot be written to, each with its "
        "reason, and whom a message goes to in place of somebody who is away.",
    )

    @api.depends("channel")
    @api.depends_context("lang")
    def _compute_address_note(self):
        self.address_note = False
        for company in self.company_id:
            mine = self.filtered(
                lambda record, company=company: record.company_id == company
                and record.channel == DEFAULT_CHANNEL
            )
            partners = mine.partner_id.sudo().with_company(company)
            notes = partners._get_chaser_address_notes() if partners else {}
            for record in mine:
                record.address_note = notes.get(record.partner_id.id)

    @api.depends("channel_passed")
    @api.depends_context("lang")
    def _compute_channel_note(self):
        names = dict(self.env["chaser.channel"]._get_selection())
        reasons = self.env["chaser.reason.mixin"]
        for record in self:
            record.channel_note = "; ".join(
                self.env._(
                    "not by %(channel)s: %(reason)s",
                    channel=names.get(code, code),
                    reason=reasons._get_reason_text(reason, params),
                )
                for code, reason, params in record.channel_passed or ()
            )
