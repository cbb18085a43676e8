from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import format_date


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

    chaser_next_step = fields.Text("Next Step", compute="_compute_chaser_next_step", groups="invoice_chaser.group_chaser_user")

    @api.depends("chaser_policy_id", "category_id")
    @api.depends_context("company", "lang")
    def _compute_chaser_next_step(self):
        Campaign, company = self.env["chaser.campaign"], self.env.company
        customers = self.commercial_partner_id
        if not customers._origin or not Campaign.has_access("read"):
            self.chaser_next_step = False
            return
        today = Campaign._plan_open(company, customers, automatic=False)
        coming = Campaign._forecast(company, 60, customers)[1] if company.chaser_daily else None
        for partner in self:
            partner.chaser_next_step = "\n".join(partner._describe_next_step(today, coming)) or self.env._("Nothing is due.")

    def _describe_next_step(self, today, coming):
        """Today's level in words, or why nothing may go; then what the daily run will do."""
        Campaign, own = self.env["chaser.campaign"], self.commercial_partner_id._origin.id
        for message in today.messages:
            if message.partner_id == own:
                stop = message.skip or message.choice
                code = stop.reason if message.skip else stop.code
                yield Campaign._get_reason_text(code, stop.params) or ""
        departure = next((one for one in coming.departures if one.customer.partner_id == own), None) if coming else None
        if departure:
            yield self.env._(
                "Next by the daily run: %(date)s, %(level)s", date=format_date(self.env, departure.leaves.date()),
                level=self.env["chaser.level"].sudo().browse(departure.message.level_id).name or "")

    @api.constrains("chaser_policy_id")
    def _check_chaser_policy_company(self):
        for partner in self:
            company = partner.sudo().chaser_policy_id.company_id
            if company and company != self.env.company:
                raise ValidationError(self.env._(
                    "The policy “%(policy)s” belongs to %(owner)s; choose one of %(company)s, or a shared one.",
                    policy=partner.chaser_policy_id.name, owner=company.name, company=self.env.company.name))
