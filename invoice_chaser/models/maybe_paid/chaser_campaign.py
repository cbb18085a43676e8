from odoo import api, models


class ChaserCampaign(models.Model):
    _inherit = "chaser.campaign"

    @api.model
    def _prepare_planning(self, company):
        """Money that came in meanwhile first, so that the plan knows what it holds."""
        result = super()._prepare_planning(company)
        if self.env.su or company in self.env.companies:
            self.env["chaser.maybe.paid"]._refresh(company)
        return result
