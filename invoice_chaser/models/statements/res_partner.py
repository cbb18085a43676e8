from odoo import fields, models


class ResPartner(models.Model):
    """What the customer has said, and how reliable their promises are."""

    _name = "res.partner"
    _inherit = ["res.partner", "chaser.statement.buttons.mixin"]  # pylint: disable=consider-merging-classes-inherited  # promises, disputes and holds

    # Several fields from one query each; both depend on the current company.
    chaser_promise_kept = fields.Integer(
        "Promises Kept",
        compute="_compute_chaser_promises",
        groups="invoice_chaser.group_chaser_user",
    )
    chaser_promise_total = fields.Integer(
        "Promises Settled",
        compute="_compute_chaser_promises",
        groups="invoice_chaser.group_chaser_user",
    )
    chaser_promise_history = fields.Char(
        "Word Kept",
        compute="_compute_chaser_promises",
        groups="invoice_chaser.group_chaser_user",
    )
    chaser_promise_count = fields.Integer(
        "Promises",
        compute="_compute_chaser_promises",
        groups="invoice_chaser.group_chaser_user",
    )
    chaser_dispute_count = fields.Integer(
        "Open Disputes",
        compute="_compute_chaser_stops",
        groups="invoice_chaser.group_chaser_user",
    )
    chaser_hold_count = fields.Integer(
        "Holds",
        compute="_compute_chaser_stops",
        groups="invoice_chaser.group_chaser_user",
    )

    chaser_call_ids = fields.One2many(
        "chaser.call",
        "partner_id",
        "Calls",
        readonly=True,
        groups="invoice_chaser.group_chaser_user",
    )

    def _compute_chaser_promises(self):
        customers = self.commercial_partner_id
        figures = self.env["chaser.promise"]._get_promise_figures(
            self.env.company, customers.ids
        )
        counts = dict(
            self.env["chaser.promise"]._read_group(
                [
                    ("company_id", "=", self.env.company.id),
                    ("partner_id", "in", customers.ids),
                ],
                ["partner_id"],
                ["__count"],
            )
        )
        for partner in self:
            kept, total = figures.get(partner.commercial_partner_id.id, (0, 0))
            partner.chaser_promise_kept, partner.chaser_promise_total = kept, total
            partner.chaser_promise_history = (
                self.env._("kept %(kept)s of %(total)s", kept=kept, total=total)
                if total
                else ""
            )
            partner.chaser_promise_count = counts.get(partner.commercial_partner_id, 0)

    def _compute_chaser_stops(self):
        customers, company = (
            self.commercial_partner_id,
            ("company_id", "=", self.env.company.id),
        )
        disputes = dict(
            self.env["chaser.dispute"]._read_group(
                [company, ("partner_id", "in", customers.ids), ("state", "=", "open")],
                ["partner_id"],
                ["__count"],
            )
        )
        holds = dict(
            self.env["chaser.hold"]._read_group(
                [
                    company,
                    ("partner_id", "in", customers.ids),
                    ("is_active", "=", True),
                ],
                ["partner_id"],
                ["__count"],
            )
        )
        for partner in self:
            partner.chaser_dispute_count = disputes.get(
                partner.commercial_partner_id, 0
            )
            partner.chaser_hold_count = holds.get(partner.commercial_partner_id, 0)

    # -- buttons

    def _get_chaser_subject(self):
        return (
            self,
            self.env.company,
            self.env["account.move"],
            self.env["chaser.reminder"],
        )

    def action_view_chaser_promises(self):
        return self._view_chaser_statements("chaser_promise_action")

    def action_view_chaser_disputes(self):
        return self._view_chaser_statements("chaser_dispute_action")

    def action_view_chaser_holds(self):
        return self._view_chaser_statements("chaser_hold_action")

    def _view_chaser_statements(self, name):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(f"invoice_chaser.{name}")
        return action | {
            "domain": [("partner_id", "=", self.commercial_partner_id.id)],
            "context": {"default_partner_id": self.commercial_partner_id.id},
        }

    def action_chaser_call(self):
        """Record a call to this customer."""
        self.ensure_one()
        return self.env["chaser.call"]._open(self.commercial_partner_id)
