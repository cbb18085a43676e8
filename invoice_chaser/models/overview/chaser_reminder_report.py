from odoo import fields, models
from odoo.tools import SQL

from ..planning.open_items import is_money
from .chaser_overview_reminders import MAIN_WINDOW, WINDOWS


def get_channels(records):
    """The channels that there are, also those of further addons."""
    return (
        records.env["chaser.reminder"]
        ._fields["channel"]
        ._description_selection(records.env)
    )


class ChaserReminderReport(models.Model):
    """Reminders by what they asked for and what became of them: one row per message
    and currency. What was paid after one counts as on the overview."""

    _name = "chaser.reminder.report"
    _description = "Analysis of Reminders"
    _auto = False
    _order = "sent_at desc, id desc"
    _rec_name = "reminder_id"

    reminder_id = fields.Many2one("chaser.reminder", readonly=True)
    payment_reference = fields.Char(related="reminder_id.payment_reference")
    campaign_id = fields.Many2one("chaser.campaign", readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)
    company_currency_id = fields.Many2one(
        related="company_id.currency_id", string="Company Currency"
    )
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
    sent_at = fields.Datetime("Sent", readonly=True)
    status = fields.Selection(
        lambda self: (
            self.env["chaser.reminder"]
            ._fields["status"]
            ._description_selection(self.env)
        ),
        "Outcome",
        readonly=True,
    )
    message_count = fields.Integer("Messages", readonly=True)
    item_count = fields.Integer("Invoices and Instalments", readonly=True)
    currency_id = fields.Many2one("res.currency", readonly=True)
    amount_asked = fields.Monetary("Asked For", readonly=True)
    amount_company = fields.Monetary(
        "Asked For in Company Currency",
        readonly=True,
        currency_field="company_currency_id",
    )
    amount_collected = fields.Monetary(
        "Paid within 14 Days",
        readonly=True,
        currency_field="company_currency_id",
        help="Money only, counted for the last reminder before it, in the company's "
        "currency. An association, not an effect.",
    )
    amount_collected_30 = fields.Monetary(
        "Paid within 30 Days", readonly=True, currency_field="company_currency_id"
    )

    @property
    def _table_query(self):
        for model in ("chaser.reminder", "chaser.reminder.line", "chaser.event"):
            self.env[model].flush_model()
        self.env["chaser.receivables"]._flush()
        Reminders = self.env["chaser.overview.reminders"]
        return SQL(
            """SELECT r.id * 1000::bigint + coalesce(l.currency_id, 0) AS id,
                      r.id AS reminder_id, r.campaign_id, r.company_id, r.partner_id,
                      p.user_id, r.level_id, r.provider_id, %(channel)s AS channel,
                      r.language, r.sent_at, %(status)s AS status,
                      CASE WHEN l.place = 1 THEN 1 ELSE 0 END AS message_count,
                      l.items AS item_count, l.currency_id, l.asked AS amount_asked,
                      l.company AS amount_company,
                      paid.main AS amount_collected,
                      paid.longest AS amount_collected_30
                 FROM chaser_reminder r JOIN res_partner p ON p.id = r.partner_id
                CROSS JOIN LATERAL (
                      SELECT l.currency_id, count(*) AS items,
                             sum(l.amount_residual) AS asked,
                             sum(l.amount_company) AS company,
                             row_number() OVER (ORDER BY l.currency_id) AS place
                        FROM chaser_reminder_line l
                       WHERE l.reminder_id = r.id AND l.is_credit IS NOT TRUE
                         AND l.dropped_code IS NULL GROUP BY 1) l
                CROSS JOIN LATERAL (%(paid)s) paid
                WHERE r.purpose = 'reminder' AND r.state = 'sent'""",
            channel=Reminders._channel,
            status=self.env["chaser.reminder"]._get_status_sql("r"),
            paid=self._get_paid_sql(),
        )

    def _get_paid_sql(self):
        """What was paid of the items of reminder ``r`` in the currency of ``l`` after
        it, before any later reminder that names the item."""
        sent = self.env["chaser.overview.reminders"]._get_day_sql
        return SQL(
            """SELECT coalesce(sum(m.amount) FILTER (WHERE m.max_date - %(day)s <=
                      %(main)s), 0) AS main, coalesce(sum(m.amount), 0) AS longest
                 FROM chaser_reminder_line pl
                 JOIN account_partial_reconcile m ON m.debit_move_id = pl.move_line_id
                 JOIN account_move_line o ON o.id = m.credit_move_id
                 JOIN account_move om ON om.id = o.move_id
                WHERE pl.reminder_id = r.id AND pl.is_credit IS NOT TRUE
                  AND pl.dropped_code IS NULL AND pl.currency_id = l.currency_id
                  AND m.max_date > %(day)s AND m.max_date <= %(day)s + %(longest)s
                  AND %(money)s
                  AND NOT EXISTS (
                      SELECT 1 FROM chaser_reminder_line ll
                        JOIN chaser_reminder lr ON lr.id = ll.reminder_id
                       WHERE ll.move_line_id = pl.move_line_id AND lr.state = 'sent'
                         AND lr.purpose = 'reminder' AND ll.is_credit IS NOT TRUE
                         AND ll.dropped_code IS NULL
                         AND (lr.sent_at, lr.id) > (r.sent_at, r.id)
                         AND %(later)s < m.max_date)""",
            day=sent(SQL("r.sent_at")),
            later=sent(SQL("lr.sent_at")),
            main=MAIN_WINDOW,
            longest=WINDOWS[-1],
            money=is_money(),
        )

    def action_view_reminder(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": "chaser.reminder",
            "res_id": self.reminder_id.id,
            "view_mode": "form",
        }
