from odoo import api, fields, models
from odoo.exceptions import UserError

EVENT_TYPES = [
    ("sent", "Sent"), ("delivered", "Delivered"), ("opened", "Opened"), ("clicked", "Clicked"), ("replied", "Replied"),
    ("bounced", "Bounced"), ("complained", "Complained"), ("unsubscribed", "Unsubscribed"), ("failed", "Failed"), ("deferred", "Deferred"),
]
# Verdict and purge of personal data are all that may change afterwards.
_CHANGEABLE = {"verdict", "verdict_reason", "user_agent", "ip_address", "raw_data"}


class ChaserEvent(models.Model):
    _name = "chaser.event"
    _description = "Reminder Event"
    _order = "occurred_at desc, id desc"
    _rec_name = "event_type"

    reminder_id = fields.Many2one("chaser.reminder", required=True, readonly=True, ondelete="cascade")
    campaign_id = fields.Many2one("chaser.campaign", readonly=True, ondelete="cascade")
    partner_id = fields.Many2one("res.partner", "Customer", readonly=True, index="btree_not_null")
    company_id = fields.Many2one("res.company", required=True, readonly=True)
    event_type = fields.Selection(EVENT_TYPES, required=True, readonly=True)
    occurred_at = fields.Datetime("Time", required=True, readonly=True, default=fields.Datetime.now)
    source = fields.Selection(
        [("pixel", "Image or link"), ("webhook", "Webhook"), ("gateway", "Incoming mail"), ("api", "Mail service"), ("manual", "Person")],
        required=True, readonly=True,
    )
    provider_event_id = fields.Char(readonly=True, help="The service's own id, so that a repeated report counts once.")
    raw_data = fields.Json(readonly=True)
    user_agent = fields.Char(readonly=True)
    ip_address = fields.Char("IP Address", readonly=True)
    device_type = fields.Selection(
        [("desktop", "Desktop"), ("phone", "Phone"), ("tablet", "Tablet"), ("other", "Other")], readonly=True
    )
    mail_client = fields.Char(readonly=True)
    link_url = fields.Char("Link", readonly=True)
    link_position = fields.Integer(readonly=True, aggregator=None)
    country_code = fields.Char("Country", readonly=True)
    verdict = fields.Selection([("human", "Person"), ("machine", "Machine"), ("unknown", "Unknown")], readonly=True)
    verdict_reason = fields.Selection(
        [
            ("head", "Only the headers were asked for"), ("hidden_link", "Followed a link that no person can see"),
            ("known_agent", "A known scanner or robot"), ("no_agent", "Names no program"), ("prefetch", "Fetched ahead by the mail service"),
            ("too_soon", "Too soon after sending"), ("burst", "Several links within seconds"),
            ("proxy", "Opened through the mail service's image proxy"), ("privacy_proxy", "Hidden by a privacy proxy"),
        ],
        readonly=True,
    )

    _reminder_idx = models.Index("(reminder_id, event_type)")
    _campaign_idx = models.Index("(campaign_id, event_type, verdict) INCLUDE (reminder_id) WHERE campaign_id IS NOT NULL")
    _company_time_idx = models.Index("(company_id, occurred_at)")
    _provider_event_uniq = models.UniqueIndex("(source, provider_event_id) WHERE provider_event_id IS NOT NULL")

    def write(self, vals):
        if not self.env.su or set(vals) - _CHANGEABLE:
            raise UserError(self.env._("Events are facts and cannot be changed."))
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self):
        raise UserError(self.env._("Events are facts and cannot be deleted."))

    def action_view_reminder(self):
        self.ensure_one()
        return {"type": "ir.actions.act_window", "res_model": "chaser.reminder", "res_id": self.reminder_id.id, "view_mode": "form"}
