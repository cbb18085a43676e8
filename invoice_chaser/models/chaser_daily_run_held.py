from odoo import fields, models
from odoo.tools import SQL


class ChaserDailyRun(models.Model):
    """Who is held back is written down when it begins or changes, not anew each day."""

    _inherit = "chaser.daily.run"

    held_ids = fields.Json(readonly=True, help="Records of earlier days (reminders) that still say why a customer is held back.")

    def _leave_standing(self, messages):
        """Of the messages of a plan those that are to be written down; the records that say the same already are noted on the run."""
        held = [message for message in messages if message.skip]
        known = self._read_standing({message.partner_id for message in held})
        standing = {id(message): known.get(self._get_held_key(message)) for message in held}
        self.held_ids = sorted({*(self.held_ids or ()), *filter(None, standing.values())})
        return [message for message in messages if not standing.get(id(message))]

    def _get_held_key(self, message):
        params = tuple(sorted((name, str(value)) for name, value in (message.skip.params or {}).items()))
        return message.partner_id, message.skip.reason, params, tuple(sorted(item.id for item in message.items))

    def _read_standing(self, partner_ids):
        """(customer, reason, its values, items) → the last record of a daily run about it; what was followed by a reminder is over."""
        if not partner_ids:
            return {}
        for model in ("chaser.reminder", "chaser.reminder.line", "chaser.campaign"):
            self.env[model].flush_model()
        rows = self.env.execute_query(SQL(
            """SELECT r.id, r.partner_id, r.reason_code, r.reason_params, array_agg(l.move_line_id ORDER BY l.move_line_id)
                 FROM chaser_reminder r JOIN chaser_campaign c ON c.id = r.campaign_id JOIN chaser_reminder_line l ON l.reminder_id = r.id
                WHERE r.company_id = %s AND r.partner_id = ANY(%s) AND r.state = 'skipped' AND c.daily_run_id IS NOT NULL AND NOT l.is_credit
                  AND l.move_line_id IS NOT NULL AND NOT EXISTS (
                      SELECT 1 FROM chaser_reminder o WHERE o.company_id = r.company_id AND o.partner_id = r.partner_id AND o.state = 'sent' AND o.id > r.id)
                GROUP BY r.id ORDER BY r.id""", self.company_id.id, list(partner_ids)))
        return {
            (partner_id, code, tuple(sorted((name, str(value)) for name, value in (params or {}).items())), tuple(items)): reminder_id
            for reminder_id, partner_id, code, params, items in rows
        }

    def action_view_held(self):
        """Everybody who was held back on this day and why, also where that was written down on an earlier day."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("invoice_chaser.chaser_reminder_action")
        own = [("campaign_id", "in", self.campaign_ids.ids), ("state", "=", "skipped")]
        domain = ["|", ("id", "in", self.held_ids or []), "&", *own]
        return action | {"name": self.env._("Held Back"), "domain": domain, "context": {}}


class ChaserCampaign(models.Model):
    _inherit = "chaser.campaign"

    held_before_count = fields.Integer("Held Back as Before", compute="_compute_held_before_count")

    def _compute_held_before_count(self):
        for campaign in self:
            campaign.held_before_count = len(campaign.daily_run_id.held_ids or ())

    def action_view_held(self):
        return self.daily_run_id.action_view_held()
