from odoo import api, models


class AccountPartialReconcile(models.Model):
    _inherit = "account.partial.reconcile"

    @api.model_create_multi
    def create(self, vals_list):
        partials = super().create(vals_list)
        # Every way to pay, credit or match an invoice ends here, so that what is queued
        # for it stops at once.
        self.env["chaser.reminder"].sudo()._on_reconciled(partials.debit_move_id)
        self.env["chaser.promise"].sudo()._check_reconciled(partials.debit_move_id)
        return partials

    def unlink(self):
        lines = self.debit_move_id
        result = super().unlink()
        self.env["chaser.reminder"].sudo()._on_unreconciled(lines.exists())
        self.env["chaser.promise"].sudo()._check_reconciled(lines.exists())
        return result
