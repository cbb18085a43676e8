import logging
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL, format_date

from ...core.status.tracking import new_token
from ..planning.open_items import get_due_date, is_money

_logger = logging.getLogger(__name__)
# Customers who were reminded, or paid, longer ago get no thanks any more (days).
_REMINDED, _PAID = 365, 14


class ChaserThanks(models.AbstractModel):
    """Thank-you messages, and copies that customers ask for. They are campaigns that
    the program makes, so that they are sent, shown and stopped like any other
    message."""

    _name = "chaser.thanks"
    _description = "Thank-You Messages and Copies"

    @api.model
    def _thank_all(self):
        """For each company with thank-yous: queues messages to customers who have paid
        what they were reminded of, after the set delay."""
        companies = self.env["res.company"].search([("chaser_thanks", "=", True)])
        for number, company in enumerate(companies, 1):
            self.env.cr.flush()
            try:
                with self.env.cr.savepoint():
                    self.with_company(company)._thank(company)
            except UserError as error:
                _logger.info(
                    "No thank-you messages for company %s now: %s", company.id, error
                )
            self.env["ir.cron"]._commit_progress(1, remaining=len(companies) - number)

    @api.model
    def _thank(self, company):
        """The campaign of thank-you messages that are due now; empty when there are
        none.

        :raises UserError: without a connected mailbox or a usable text; nothing is made
        then, and the next run tries again
        """
        now = fields.Datetime.now()
        groups = {}
        for row in self._read_thanked_items(company, now):
            groups.setdefault(row["partner_id"], []).append(row)
        due = {
            partner_id: rows
            for partner_id, rows in groups.items()
            if min(row["paid_at"] for row in rows)
            <= now - timedelta(hours=company.chaser_thanks_hours)
        }
        if not due:
            return self.env["chaser.campaign"]
        template = company.chaser_thanks_template_id or self.env.ref(
            "invoice_chaser.chaser_template_thanks"
        )
        campaign = self.env["chaser.campaign"].create(
            {
                "name": self.env._(
                    "Thank-you %s", format_date(self.env, company._get_chaser_today())
                ),
                "company_id": company.id,
                "is_thanks": True,
                "campaign_type": "payment_follow_up",
                "template_id": template.id,
                "user_id": False,
                "tz": company._get_chaser_tz(),
                "provider_id": self.env["chaser.provider"]._get_default(company).id,
                "provider_mode": company.chaser_provider_mode,
            }
        )
        self._create_reminders(campaign, due)
        campaign._start(now)
        return campaign

    @api.model
    def _read_thanked_items(self, company, now):
        """Items that were reminded of, are settled by money since, and were never
        thanked for; customers whose thank-you is on its way are not included."""
        self.env["account.move.line"].flush_model()
        self.env["account.move"].flush_model()
        self.env["chaser.reminder"].flush_model()
        self.env["chaser.reminder.line"].flush_model()
        since = max(company.chaser_thanks_since or now, now - timedelta(days=_PAID))
        return self.env.execute_query_dict(
            SQL(
                """SELECT DISTINCT l.id, l.move_id,
                c.commercial_partner_id AS partner_id, l.currency_id,
                l.amount_currency AS amount, m.name AS number,
                      m.invoice_date, %(due)s AS date_due, paid.at AS paid_at
                 FROM chaser_reminder r JOIN chaser_reminder_line rl ON rl.reminder_id =
                 r.id
                 JOIN account_move_line l ON l.id = rl.move_line_id
                 JOIN account_move m ON m.id = l.move_id
                 JOIN res_partner c ON c.id = l.partner_id
                 JOIN LATERAL (SELECT max(p.create_date) AS at
                 FROM account_partial_reconcile p
                 JOIN account_move_line o ON o.id = p.credit_move_id
                 JOIN account_move om ON om.id = o.move_id
                 WHERE p.debit_move_id = l.id AND %(money)s) paid ON true
                WHERE r.company_id = %(company)s AND r.purpose = 'reminder'
                AND r.state = 'sent' AND r.sent_at > %(reminded)s
                  AND NOT rl.is_credit AND rl.dropped_code IS NULL AND l.reconciled
                  AND l.company_id = %(company)s
                  AND l.parent_state = 'posted' AND paid.at > r.sent_at
                  AND paid.at >= %(since)s
                  AND NOT EXISTS (SELECT 1 FROM chaser_reminder_line tl
                  JOIN chaser_reminder t ON t.id = tl.reminder_id
                                   WHERE tl.move_line_id = l.id
                                   AND t.purpose = 'thanks')
                  AND NOT EXISTS (SELECT 1 FROM chaser_reminder t
                  WHERE t.company_id = r.company_id AND t.partner_id =
                  c.commercial_partner_id
                                     AND t.purpose = 'thanks' AND (t.state IN ('draft',
                                     'queued', 'sending') OR t.is_undecided))
                ORDER BY l.id""",
                company=company.id,
                reminded=now - timedelta(days=_REMINDED),
                money=is_money(),
                due=get_due_date(),
                since=since,
            )
        )

    @api.model
    def _read_paid_ids(self, item_ids):
        """Of journal items those that money has settled, at least in part; what a
        credit note or a write-off has settled alone is nothing to give thanks for."""
        rows = self.env.execute_query(
            SQL(
                """SELECT DISTINCT p.debit_move_id FROM account_partial_reconcile p
                JOIN account_move_line o ON o.id = p.credit_move_id
                JOIN account_move om ON om.id = o.move_id
                WHERE p.debit_move_id = ANY(%s) AND %s""",
                list(item_ids),
                is_money(),
            )
        )
        return {item_id for (item_id,) in rows}

    @api.model
    def _create_reminders(self, campaign, groups):
        """One message per customer with their items, waiting; one without an address is
        kept with that reason, so that it is not tried again."""
        company = campaign.company_id
        partners = self.env["res.partner"].with_company(company).browse(groups)
        routes = self.env["chaser.channel"]._read_routes(partners, company)
        reminders = (
            self.env["chaser.reminder"]
            .sudo()
            .create(
                [
                    {
                        "campaign_id": campaign.id,
                        "company_id": company.id,
                        "partner_id": partner.id,
                        "provider_id": campaign.provider_id.id,
                        "purpose": "thanks",
                        **routes[partner.id][1],
                        "language": partner._get_chaser_language(company),
                        "token": new_token(),
                        **self._prepare_state(campaign, routes[partner.id][0].stop),
                    }
                    for partner in partners
                ]
            )
        )
        self.env["chaser.reminder.line"].sudo().create(
            [
                self._prepare_thanks_line(reminder, row)
                for reminder in reminders
                for row in groups[reminder.partner_id.id]
            ]
        )

    @api.model
    def _prepare_state(self, campaign, stop):
        return {
            "state": "skipped" if stop else "draft",
            **campaign._prepare_reason_values(
                stop and stop.reason, stop and stop.params
            ),
        }

    @api.model
    def _prepare_thanks_line(self, reminder, row):
        return {
            "reminder_id": reminder.id,
            "company_id": reminder.company_id.id,
            "move_line_id": row["id"],
            "move_id": row["move_id"],
            "number": row["number"],
            "is_credit": False,
            "currency_id": row["currency_id"],
            "amount": row["amount"],
            "amount_residual": 0,
            "amount_company": 0,
            "invoice_date": row["invoice_date"],
            "date_maturity": row["date_due"],
        }

    # -- copies on request

    @api.model
    def _open_copy_campaign(self, reminder):
        """The campaign that collects copies of a company and mailbox; it is created, or
        reopened, where needed. The mailbox is the one that wrote, else the company's.
        As superuser."""
        provider = reminder.provider_id
        if provider.state != "connected" or not provider.active:
            provider = self.env["chaser.provider"]._get_default(
                reminder.company_id, reminder._get_channel()._get_code()
            )
        Campaign = self.env["chaser.campaign"]
        campaign = Campaign.search(
            [
                ("is_copies", "=", True),
                ("company_id", "=", reminder.company_id.id),
                ("provider_id", "=", provider.id),
                ("state", "in", ("sending", "paused", "completed", "failed")),
            ],
            limit=1,
        )
        campaign = campaign or Campaign.create(
            {
                "name": self.env._("Copies on request"),
                "is_copies": True,
                "company_id": reminder.company_id.id,
                "provider_id": provider.id,
                "user_id": reminder.campaign_id.user_id.id,
                "tz": reminder.company_id._get_chaser_tz(),
            }
        )
        campaign._touch()
        if campaign.state not in ("paused", "sending"):
            campaign.write(
                {
                    "state": "sending",
                    "completed_at": False,
                    "started_at": campaign.started_at or fields.Datetime.now(),
                }
            )
        return campaign
