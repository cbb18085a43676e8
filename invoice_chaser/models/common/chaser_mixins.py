from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.tools import file_path

_TEMPLATES = "invoice_chaser/static/import_templates"


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


class ChaserStatementButtonsMixin(models.AbstractModel):
    """The buttons *Promise*, *Dispute* and *Hold*: each opens the form of a new record,
    filled with what is known where the button stands."""

    _name = "chaser.statement.buttons.mixin"
    _description = "Buttons for What a Customer Says"

    def action_chaser_promise(self):
        """Form for a promise."""
        return self._open_chaser_statement("chaser.promise")

    def action_chaser_dispute(self):
        return self._open_chaser_statement("chaser.dispute")

    def action_chaser_hold(self):
        return self._open_chaser_statement("chaser.hold")

    def _get_chaser_subject(self):
        """What the record is about: the customer, the company, the invoices (none:
        everything) and the reminder (may be empty)."""
        raise NotImplementedError

    def _open_chaser_statement(self, model):
        self.check_access("read")
        self.env[model].check_access("create")
        partner, company, moves, reminder = self._get_chaser_subject()
        partner.ensure_one()
        defaults = {
            "default_partner_id": partner.commercial_partner_id.id,
            "default_company_id": company.id,
            "default_move_ids": [fields.Command.set(moves.ids)],
            "default_reminder_id": reminder.id,
        }
        if len(moves.currency_id) == 1:
            defaults["default_currency_id"] = moves.currency_id.id
        return {
            "type": "ir.actions.act_window",
            "res_model": model,
            "view_mode": "form",
            "views": [(False, "form")],
            "target": "new",
            "name": self.env["ir.model"].sudo()._get(model).name,
            "context": defaults,
        }
