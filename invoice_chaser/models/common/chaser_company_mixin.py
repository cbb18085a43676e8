from odoo import models
from odoo.exceptions import AccessError


class ChaserCompanyMixin(models.AbstractModel):
    """Users may write records of their companies only: Odoo's record rules check a
    record as it is before a change, not as it is after it."""

    _name = "chaser.company.mixin"
    _description = "Stays in the User's Companies"

    def write(self, vals):
        company_id = vals.get("company_id")
        if company_id and not self.env.su and company_id not in self.env.companies.ids:
            raise AccessError(
                self.env._("Nothing can be moved to a company that you do not work in.")
            )
        return super().write(vals)
