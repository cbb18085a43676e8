from odoo import models


class ChaserDailyRun(models.Model):
    _inherit = "chaser.daily.run"

    def _plan_batch(self):
        """What happened since the last run first, once a run, so that the plan knows it: promises whose day has passed, and money that
        came in and holds a customer until somebody has looked."""
        if not self.cursor:
            self.env["chaser.promise"]._check_passed(self.company_id)
            self.env["chaser.maybe.paid"]._refresh(self.company_id)
        return super()._plan_batch()
