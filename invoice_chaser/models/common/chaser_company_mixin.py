from odoo import api, models
from odoo.exceptions import AccessError
from odoo.tools import file_path

_TEMPLATES = "invoice_chaser/static/import_templates"


class ChaserCompanyMixin(models.AbstractModel):
    """Records stay within the companies of whoever writes them: Odoo's record rules
    check a record as it is before a change, not as it is after it."""

    _name = "chaser.company.mixin"
    _description = "Stays in the User's Companies"

    def write(self, vals):
        company_id = vals.get("company_id")
        if company_id and not self.env.su and company_id not in self.env.companies.ids:
            raise AccessError(
                self.env._("Nothing can be moved to a company that you do not work in.")
            )
        return super().write(vals)

    @api.model
    def get_import_templates(self):
        """What Odoo's import offers to download: an example with the columns that a
        user fills in, for the models that have one."""
        name = f"{_TEMPLATES}/{self._name.replace('.', '_')}.csv"
        try:
            file_path(name)
        except FileNotFoundError:
            return []
        label = self.env._("Import Template for %s", self._description)
        return [{"label": label, "template": f"/{name}"}]
