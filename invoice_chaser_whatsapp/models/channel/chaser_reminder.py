from odoo import api, fields, models

# By the reminder's status: what a phone shows beside a message.
_TICKS = {
    "sent": "✓",
    "delivered": "✓✓",
    "opened": "✓✓",
    "clicked": "✓✓",
    "replied": "✓✓",
}


class ChaserReminder(models.Model):
    """Where a reminder goes by WhatsApp, what was sent, and how far it came."""

    _inherit = "chaser.reminder"

    whatsapp_to = fields.Char(
        "WhatsApp Number", readonly=True, index="btree_not_null", copy=False
    )
    whatsapp_text = fields.Text(
        "WhatsApp Message",
        readonly=True,
        copy=False,
        help="The exact text as it was sent.",
    )
    whatsapp_key = fields.Char(
        readonly=True,
        copy=False,
        index="btree_not_null",
        help="Of the last attempt; Meta repeats it in its reports.",
    )
    whatsapp_version_id = fields.Many2one(
        "chaser.whatsapp.template.version",
        "WhatsApp Template",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
    )
    whatsapp_ticks = fields.Char("WhatsApp", compute="_compute_whatsapp_ticks")
    whatsapp_is_read = fields.Boolean(compute="_compute_whatsapp_ticks")

    @api.depends("channel", "status")
    def _compute_whatsapp_ticks(self):
        """One tick: sent; two: delivered; two in blue: read, as on a phone."""
        for reminder in self:
            mine = reminder.channel == "whatsapp"
            reminder.whatsapp_ticks = mine and _TICKS.get(reminder.status)
            reminder.whatsapp_is_read = mine and reminder.status in (
                "opened",
                "clicked",
                "replied",
            )
