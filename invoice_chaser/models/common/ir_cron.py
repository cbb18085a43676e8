from odoo import models


class IrCron(models.Model):
    _inherit = "ir.cron"

    def _drop_with_action(self):
        """Deleting a scheduled job leaves its server action behind; this removes
        both."""
        actions = self.ir_actions_server_id
        self.unlink()
        actions.unlink()
