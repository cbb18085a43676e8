from odoo import api, fields, models


class ChaserReminder(models.Model):
    _inherit = "chaser.reminder"  # pylint: disable=consider-merging-classes-inherited  # money that came in, whose room is loaded later

    maybe_paid_count = fields.Integer("Maybe Paid", compute="_compute_maybe_paid_count")

    def _compute_maybe_paid_count(self):
        rows = self.env["chaser.maybe.paid"]._read_group(
            [
                ("partner_id", "in", self.partner_id.ids),
                ("company_id", "in", self.company_id.ids),
                ("state", "=", "open"),
            ],
            ["company_id", "partner_id"],
            ["__count"],
        )
        counts = {(company.id, partner.id): count for company, partner, count in rows}
        for reminder in self:
            reminder.maybe_paid_count = counts.get(
                (reminder.company_id.id, reminder.partner_id.id), 0
            )

    def action_view_maybe_paid(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "invoice_chaser.chaser_maybe_paid_action"
        )
        return action | {
            "domain": [
                ("partner_id", "=", self.partner_id.id),
                ("company_id", "=", self.company_id.id),
            ],
            "context": {"search_default_open": 1},
        }

    @api.model
    def _requeue_maybe_paid(self, hits):
        """What was left out for these hits alone and whose campaign still runs or has
        just ended goes into its queue again."""
        skipped = self.sudo().search(
            [
                ("company_id", "in", hits.company_id.ids),
                ("partner_id", "in", hits.partner_id.ids),
                ("state", "=", "skipped"),
                ("reason_code", "=", "hold_maybe_paid"),
                (
                    "campaign_id.state",
                    "in",
                    ("draft", "scheduled", "sending", "paused", "completed", "failed"),
                ),
            ]
        )
        held = (
            self.env["chaser.hold"]
            .sudo()
            .search(
                [
                    ("code", "=", "maybe_paid"),
                    ("partner_id", "in", hits.partner_id.ids),
                    ("is_active", "in", [True]),
                ]
            )
        )
        for reminder in skipped.filtered(
            lambda one: one.partner_id not in held.partner_id
        ):
            newer = self.sudo().search_count(
                [
                    ("partner_id", "=", reminder.partner_id.id),
                    ("company_id", "=", reminder.company_id.id),
                    ("id", ">", reminder.id),
                    ("state", "!=", "cancelled"),
                ]
            )
            if not newer:
                reminder._requeue()

    def _requeue(self):
        self.line_ids.filtered(
            lambda line: line.dropped_code == "hold_maybe_paid"
        ).write({"dropped_code": False, "dropped_params": False})
        campaign = self.campaign_id
        campaign._touch()
        if campaign.state == "draft":
            self._set_state("draft")
        elif campaign.state != "cancelled":
            self._set_state("queued", scheduled_at=fields.Datetime.now())
            self.campaign_id._reopen()
