import base64

from odoo import api, fields, models


class ChaserPersonData(models.TransientModel):
    """The dialog *Personal Data* of a customer: what is stored, a copy of it, and its
    end."""

    _name = "chaser.person.data"
    _description = "Personal Data of a Customer"
    _inherit = ["chaser.company.mixin"]
    _rec_name = "partner_id"

    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company
    )
    partner_id = fields.Many2one("res.partner", "Customer", required=True)
    report = fields.Text(compute="_compute_report")
    result = fields.Text(readonly=True)
    file = fields.Binary("Copy of the Data", readonly=True, attachment=False)
    file_name = fields.Char(compute="_compute_file_name")

    @api.depends("partner_id", "result")
    def _compute_report(self):
        for wizard in self:
            wizard.report = wizard.partner_id and self.env["chaser.person"]._describe(
                wizard.partner_id
            )

    @api.depends("partner_id")
    def _compute_file_name(self):
        for wizard in self:
            wizard.file_name = f"personal-data-{wizard.partner_id.id or 0}.json"

    def action_export(self):
        self.ensure_one()
        text = self.env["chaser.person"]._export(self.partner_id)
        self._by_program().file = base64.b64encode(text.encode())
        return self._reopen()

    def action_erase(self):
        self.ensure_one()
        self._by_program().result = self.env["chaser.person"]._erase(self.partner_id)
        self._by_program().file = False
        return self._reopen()

    def _reopen(self):
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Personal Data"),
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
            "target": "new",
        }
