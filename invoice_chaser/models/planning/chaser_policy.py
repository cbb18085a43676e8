from odoo import api, fields, models
from odoo.exceptions import UserError

from ...core.plan.cadence import Ladder


class ChaserPolicy(models.Model):
    """A named list of levels. A customer has their own policy, else that of a tag, else
    the company's."""

    _name = "chaser.policy"
    _description = "Follow-up Policy"
    _inherit = ["mail.thread", "chaser.company.mixin"]
    _order = "sequence, id"
    _check_company_auto = True

    name = fields.Char(required=True, translate=True, tracking=True)
    active = fields.Boolean(default=True, tracking=True)
    sequence = fields.Integer(
        default=10,
        tracking=True,
        aggregator=None,
        help="Where several tags of a customer have a policy, the first one counts.",
    )
    company_id = fields.Many2one(
        "res.company",
        index=True,
        default=lambda self: self.env.company,
        tracking=True,
        help="Empty: any company may use it.",
    )
    description = fields.Text(translate=True, tracking=True)
    level_ids = fields.One2many("chaser.level", "policy_id", "Levels", copy=True)
    level_count = fields.Integer(compute="_compute_level_count")
    customer_count = fields.Integer(
        "Assigned Customers",
        compute="_compute_customer_count",
        help="Customers who have it by name, in this company.",
    )
    is_company_default = fields.Boolean(
        "Default Here", compute="_compute_is_company_default"
    )

    @api.depends("level_ids")
    def _compute_level_count(self):
        for policy in self:
            policy.level_count = len(policy.level_ids)

    @api.depends_context("company")
    def _compute_customer_count(self):
        for policy in self:
            policy.customer_count = (
                self.env["res.partner"].search_count(
                    [("chaser_policy_id", "=", policy._origin.id or False)]
                )
                if policy._origin
                else 0
            )

    @api.depends_context("company")
    def _compute_is_company_default(self):
        company = self.env.company
        default = self.env["chaser.level"].sudo()._get_ladder(company).policy_id
        for policy in self:
            policy.is_company_default = policy._origin in default

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        if self._get_shared() in self:
            raise UserError(
                self.env._(
                    "“%s” is what counts where nothing else is chosen. Change its "
                    "levels, or archive it.",
                    self._get_shared().name,
                )
            )
        self.with_context(active_test=False).level_ids._unlink_except_used()
        if (
            self.env["res.company"]
            .sudo()
            .search_count([("chaser_policy_id", "in", self.ids)], limit=1)
        ):
            raise UserError(
                self.env._(
                    "This policy is a company's default. Choose another one in the "
                    "settings first."
                )
            )

    # -- actions

    def action_make_default(self):
        """The policy of every customer of the current company who has none by name or
        tag."""
        self.ensure_one()
        self.check_access("write")
        self.env.company.sudo().chaser_policy_id = self

    def action_what_if(self):
        """The simulator with this policy's levels, to try others before saving them."""
        self.ensure_one()
        return self.env["chaser.simulation"]._open(self)

    def action_view_customers(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "account.res_partner_action_customer"
        )
        return action | {"domain": [("chaser_policy_id", "=", self.id)], "context": {}}

    # -- business

    @api.model
    def _get_shared(self):
        """The shipped policy, while it is active; empty when it was deleted or
        archived."""
        shared = self.env.ref(
            "invoice_chaser.chaser_policy_standard", raise_if_not_found=False
        )
        return shared.filtered("active") if shared else self.browse()

    @api.model
    def _adopt_shipped_levels(self):
        """Assigns levels that were shipped before policies existed to the shipped
        policy, once."""
        shared = self._get_shared()
        if shared and not shared.with_context(active_test=False).level_ids:
            refs = [
                self.env.ref(
                    f"invoice_chaser.chaser_level_{code}", raise_if_not_found=False
                )
                for code in ("polite", "firm", "urgent", "final")
            ]
            for level in filter(None, refs):
                if not level.policy_id and not level.company_id:
                    level.policy_id = shared

    def _get_levels(self):
        return self.filtered("active").level_ids.filtered("active")

    @api.model
    def _choose(self, partners, company):
        """Policy and where it comes from (``customer``, ``tag``, ``company``) by
        commercial partner id; a fixed number of queries.

        Precedence: the customer's own; those of the customer's tags (the first by the
        policies' order); the company's default. A policy that is archived, without
        levels, or of another company is ignored, so that every customer has one."""
        partners, Policy = partners.with_company(company), self.sudo()
        usable = Policy.search(
            [("company_id", "in", (company.id, False)), ("level_ids", "!=", False)]
        ).filtered(lambda policy: policy._get_levels())
        partners.fetch(["chaser_policy_id", "category_id"])
        by_tag = {
            tag.id: tag.chaser_policy_id
            for tag in partners.category_id.sudo().with_company(company)
            if tag.chaser_policy_id in usable
        }
        place = {policy.id: number for number, policy in enumerate(usable)}
        chosen = {}
        for partner in partners:
            own = partner.sudo().chaser_policy_id
            tags = (
                [tag_id for tag_id in partner.category_id.ids if tag_id in by_tag]
                if by_tag
                else []
            )
            if own.id in place:
                chosen[partner.id] = (own, "customer", False)
            elif tags:
                tag_id = min(tags, key=lambda one: (place[by_tag[one].id], one))
                chosen[partner.id] = (by_tag[tag_id], "tag", tag_id)
            else:
                chosen[partner.id] = (Policy.browse(), "company", False)
        return chosen

    @api.model
    def _get_ladders(self, partners, company, changed=None):
        """``core.cadence.Ladder`` by commercial partner id; customers of one policy
        share it.

        :param dict changed: policy id → ladder that counts instead of the saved one
        """
        levels = self.env["chaser.level"].sudo()._get_ladder(company)
        ladders, found = dict(changed or {}), {}
        default = ladders.get(levels.policy_id[:1].id) or Ladder(levels._get_rules())
        for partner_id, (policy, _source, _tag_id) in self._choose(
            partners, company
        ).items():
            if policy and policy.id not in ladders:
                ladders[policy.id] = Ladder(policy._get_levels()._get_rules())
            found[partner_id] = ladders.get(policy.id, default)
        return found
