from odoo import fields, models


class ResPartnerCategory(models.Model):
    _name = "res.partner.category"
    _inherit = ["res.partner.category", "chaser.links.mixin"]

    chaser_policy_id = fields.Many2one(
        "chaser.policy",
        "Follow-up Policy",
        company_dependent=True,
        domain="[('company_id', 'in', (False, allowed_company_ids[0]))]",
        groups="invoice_chaser.group_chaser_user",
        help="For customers with this tag who have no policy of their own, in the "
        "current company. Several tags: the first policy counts.",
    )
