from odoo import api, fields, models
from odoo.exceptions import ValidationError


class ResPartner(models.Model):
    _inherit = "res.partner"

    chaser_policy_id = fields.Many2one(
        "chaser.policy", "Follow-up Policy", company_dependent=True, domain="[('company_id', 'in', (False, allowed_company_ids[0]))]",
        groups="invoice_chaser.group_chaser_user", help="Empty: that of the customer's tags, else the company's.",
    )
    chaser_policy_source = fields.Char("Policy in Force", compute="_compute_chaser_policy_source", groups="invoice_chaser.group_chaser_user")

    @api.depends("chaser_policy_id", "category_id")
    @api.depends_context("company", "lang")
    def _compute_chaser_policy_source(self):
        company = self.env.company
        chosen = self.env["chaser.policy"]._choose(self.commercial_partner_id, company)
        default = self.env["chaser.level"].sudo()._get_ladder(company)
        for partner in self:
            policy, source, tag_id = chosen.get(partner.commercial_partner_id.id, (None, "company", False))
            if source == "customer":
                partner.chaser_policy_source = self.env._("%s: the customer's own", policy.name)
            elif source == "tag":
                tag = self.env["res.partner.category"].browse(tag_id).name
                partner.chaser_policy_source = self.env._("%(policy)s: by the tag “%(tag)s”", policy=policy.name, tag=tag)
            else:
                name = default.policy_id[:1].name or self.env._("levels of the company")
                partner.chaser_policy_source = self.env._("%s: the company's default", name)

    @api.constrains("chaser_policy_id")
    def _check_chaser_policy_company(self):
        for partner in self:
            company = partner.sudo().chaser_policy_id.company_id
            if company and company != self.env.company:
                raise ValidationError(self.env._(
                    "The policy “%(policy)s” belongs to %(owner)s; choose one of %(company)s, or a shared one.",
                    policy=partner.chaser_policy_id.name, owner=company.name, company=self.env.company.name))
