from odoo import fields, models
from odoo.tools import SQL

from .chaser_reminder_report import get_channels


class ChaserEventReport(models.Model):
    """Events with what is known of the reminders they belong to, for pivots and
    graphs."""

    _name = "chaser.event.report"
    _description = "Analysis of Events"
    _auto = False
    _order = "occurred_at desc, id desc"
    _rec_name = "event_type"

    reminder_id = fields.Many2one("chaser.reminder", readonly=True)
    payment_reference = fields.Char(related="reminder_id.payment_reference")
    campaign_id = fields.Many2one("chaser.campaign", readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)
    partner_id = fields.Many2one("res.partner", "Customer", readonly=True)
    user_id = fields.Many2one("res.users", "Salesperson", readonly=True)
    category_ids = fields.Many2many(
        related="partner_id.category_id", string="Customer Tags"
    )
    level_id = fields.Many2one("chaser.level", readonly=True)
    provider_id = fields.Many2one("chaser.provider", "Mailbox", readonly=True)
    channel = fields.Selection(get_channels, readonly=True)
    language = fields.Selection(
        [("en", "English"), ("ar", "Arabic"), ("both", "Arabic and English")],
        readonly=True,
    )
    occurred_at = fields.Datetime("Time", readonly=True)
    weekday = fields.Selection(
        [
            ("1", "Monday"),
            ("2", "Tuesday"),
            ("3", "Wednesday"),
            ("4", "Thursday"),
            ("5", "Friday"),
            ("6", "Saturday"),
            ("7", "Sunday"),
        ],
        readonly=True,
        help="In the company's time zone.",
    )
    event_type = fields.Selection(
        lambda self: (
            self.env["chaser.event"]
            ._fields["event_type"]
            ._description_selection(self.env)
        ),
        "Event",
        readonly=True,
    )
    verdict = fields.Selection(
        lambda self: (
            self.env["chaser.event"]._fields["verdict"]._description_selection(self.env)
        ),
        readonly=True,
    )
    device_type = fields.Selection(
        lambda self: (
            self.env["chaser.event"]
            ._fields["device_type"]
            ._description_selection(self.env)
        ),
        readonly=True,
    )
    mail_client = fields.Char(readonly=True)

    @property
    def _table_query(self):
        for model in ("chaser.reminder", "chaser.event", "res.partner", "res.company"):
            self.env[model].flush_model()
        return SQL(
            """SELECT e.id, e.reminder_id, e.campaign_id, e.company_id, r.partner_id,
                      p.user_id, r.level_id, r.provider_id, %(channel)s AS channel,
                      r.language, e.occurred_at, e.event_type, e.verdict,
                      e.device_type, e.mail_client,
                      extract(isodow FROM e.occurred_at AT TIME ZONE 'UTC'
                      AT TIME ZONE coalesce(cp.tz, 'Asia/Dubai'))::int::text AS weekday
                 FROM chaser_event e JOIN chaser_reminder r ON r.id = e.reminder_id
                 JOIN res_partner p ON p.id = r.partner_id
                 JOIN res_company c ON c.id = e.company_id
                 JOIN res_partner cp ON cp.id = c.partner_id""",
            channel=self.env["chaser.overview.reminders"]._channel,
        )
