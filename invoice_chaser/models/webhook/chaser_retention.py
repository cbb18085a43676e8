from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

_BATCH = 5000


class ResCompany(models.Model):
    _inherit = "res.company"  # pylint: disable=consider-merging-classes-inherited  # forgets personal data

    chaser_retention_days = fields.Integer(
        "Keep Raw Data for Days",
        default=180,
        help="After so many days, reports of mail services are deleted, and "
        "addresses, programs and raw data of opens, clicks and answers are forgotten; "
        "the fact itself stays. 0: keep them.",
    )

    def _get_chaser_retention(self):
        """Company id → the moment before which personal data is forgotten (UTC), for
        the companies that forget."""
        now = fields.Datetime.now()
        return {
            company.id: now - timedelta(days=company.chaser_retention_days)
            for company in self.sudo().search([("chaser_retention_days", ">", 0)])
        }

    @api.model
    def _forget(self, statement):
        """What an autovacuum method returns, after ``statement`` for each company that
        forgets; it limits itself to ``%(batch)s`` rows of ``%(company)s`` from before
        ``%(before)s``."""
        done = 0
        for company_id, before in self._get_chaser_retention().items():
            self.env.cr.execute(
                SQL(statement, company=company_id, before=before, batch=_BATCH)
            )
            done = max(done, self.env.cr.rowcount)
        return done, done if done >= _BATCH else 0


class ChaserWebhookEvent(models.Model):
    _inherit = "chaser.webhook.event"  # pylint: disable=consider-merging-classes-inherited  # forgets personal data

    @api.autovacuum
    def _gc_old(self):
        """Reports past their company's retention period are deleted; what they said is
        kept as events."""
        return self.env["res.company"]._forget(
            """DELETE FROM chaser_webhook_event WHERE id IN (
                   SELECT id FROM chaser_webhook_event WHERE company_id = %(company)s
                   AND received_at < %(before)s
                    LIMIT %(batch)s FOR UPDATE SKIP LOCKED)"""
        )


class ChaserEvent(models.Model):
    _inherit = "chaser.event"  # pylint: disable=consider-merging-classes-inherited  # forgets personal data

    @api.autovacuum
    def _gc_personal_data(self):
        """Addresses, programs and raw data of old events are forgotten. What was found
        out about a bounce stays, because the bounce policy counts it; the address it
        names is the customer's own, as the reminder has it."""
        result = self.env["res.company"]._forget(
            """UPDATE chaser_event SET ip_address = NULL, user_agent = NULL,
            raw_data = CASE WHEN event_type = 'bounced' THEN raw_data ELSE NULL END
                WHERE id IN (SELECT id FROM chaser_event WHERE company_id = %(company)s
                AND occurred_at < %(before)s
                                AND (ip_address IS NOT NULL OR user_agent IS NOT NULL
                                OR raw_data IS NOT NULL AND event_type <> 'bounced')
                              LIMIT %(batch)s FOR NO KEY UPDATE SKIP LOCKED)"""
        )
        self.invalidate_model(["ip_address", "user_agent", "raw_data"], flush=False)
        return result


class ChaserAnswer(models.Model):
    _inherit = "chaser.answer"  # pylint: disable=consider-merging-classes-inherited  # forgets personal data

    @api.autovacuum
    def _gc_personal_data(self):
        """Where an answer came from is forgotten; what the customer said is evidence
        and stays."""
        result = self.env["res.company"]._forget(
            """UPDATE chaser_answer SET ip_address = NULL, user_agent = NULL
                WHERE id IN (SELECT id FROM chaser_answer WHERE company_id = %(company)s
                AND answered_at < %(before)s
                                AND (ip_address IS NOT NULL OR user_agent IS NOT NULL)
                                LIMIT %(batch)s FOR NO KEY UPDATE SKIP LOCKED)"""
        )
        self.invalidate_model(["ip_address", "user_agent"], flush=False)
        return result
