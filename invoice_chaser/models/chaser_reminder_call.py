from odoo import fields, models


class ChaserReminder(models.Model):
    _inherit = "chaser.reminder"

    call_ids = fields.One2many("chaser.call", "reminder_id", "Calls", readonly=True)

    def action_call(self):
        """Record a call about this reminder."""
        self.ensure_one()
        return self.env["chaser.call"]._open(self.partner_id, reminder=self)


class ResPartner(models.Model):
    _inherit = "res.partner"

    chaser_call_ids = fields.One2many("chaser.call", "partner_id", "Calls", readonly=True, groups="invoice_chaser.group_chaser_user")

    def action_chaser_call(self):
        """Record a call to this customer."""
        self.ensure_one()
        return self.env["chaser.call"]._open(self.commercial_partner_id)
