from odoo import fields, models


class ChaserTag(models.Model):
    _name = "chaser.tag"
    _description = "Chaser Tag"
    _inherit = ["chaser.company.mixin"]
    _order = "name"

    name = fields.Char(required=True, translate=True)
    color = fields.Integer()
    company_id = fields.Many2one(
        "res.company", index=True, default=lambda self: self.env.company
    )

    _name_uniq = models.UniqueIndex("(company_id, name)", "This tag exists already.")
