from odoo import models


class ChaserDailyRun(models.Model):
    _inherit = "chaser.daily.run"

    def _plan_batch(self):
        """Money that came in overnight first, once a run, so that the plan knows what it holds."""
        if not self.cursor:
            self.env["chaser.maybe.paid"]._refresh(self.company_id)
        return super()._plan_batch()
