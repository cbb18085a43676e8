from odoo import api, models


class ChaserCampaign(models.Model):
    _inherit = "chaser.campaign"

    @api.model
    def _build_plan(self, invoices, company_id=None, level_id=None):
        """Money that came in meanwhile first, so that the plan knows what it holds."""
        company = self._choose_company(invoices.exists()._filtered_access("read"), company_id)
        if self.env.su or company in self.env.companies:
            self.env["chaser.maybe.paid"]._refresh(company)
        return super()._build_plan(invoices, company_id, level_id)
