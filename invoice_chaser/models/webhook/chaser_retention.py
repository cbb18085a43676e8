from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

_BATCH = 5000


class ChaserRetention(models.AbstractModel):
    """What is forgotten after each company's retention period, by Odoo's daily
    clean-up: reports as they came in, and personal data of events and answers."""

    _name = "chaser.retention"
    _description = "Retention of Raw Data"

    @api.autovacuum
    def _gc_reports(self):
        """Deletes reports past their company's retention period; their content is kept
        as events."""
        return self._forget(
            """DELETE FROM chaser_webhook_event WHERE id IN (
                   SELECT id FROM chaser_webhook_event WHERE company_id = %(company)s
                   AND received_at < %(before)s
                    LIMIT %(batch)s FOR UPDATE SKIP LOCKED)"""
        )

    @api.autovacuum
    def _gc_events(self):
        """Deletes addresses, programs and raw data of old events. The data of a bounce
        stays, because the bounce policy counts it; the address it names is the
        customer's own, as the reminder has it."""
        result = self._forget(
            """UPDATE chaser_event SET ip_address = NULL, user_agent = NULL,
            raw_data = CASE WHEN event_type = 'bounced' THEN raw_data ELSE NULL END
                WHERE id IN (SELECT id FROM chaser_event WHERE company_id = %(company)s
                AND occurred_at < %(before)s
                                AND (ip_address IS NOT NULL OR user_agent IS NOT NULL
                                OR (raw_data IS NOT NULL AND event_type <> 'bounced'))
                              LIMIT %(batch)s FOR NO KEY UPDATE SKIP LOCKED)"""
        )
        self.env["chaser.event"].invalidate_model(
            ["ip_address", "user_agent", "raw_data"], flush=False
        )
        return result

    @api.autovacuum
    def _gc_answers(self):
        """Deletes where an answer came from; what the customer said is evidence and
        stays."""
        result = self._forget(
            """UPDATE chaser_answer SET ip_address = NULL, user_agent = NULL
                WHERE id IN (SELECT id FROM chaser_answer WHERE company_id = %(company)s
                AND answered_at < %(before)s
                                AND (ip_address IS NOT NULL OR user_agent IS NOT NULL)
                                LIMIT %(batch)s FOR NO KEY UPDATE SKIP LOCKED)"""
        )
        self.env["chaser.answer"].invalidate_model(
            ["ip_address", "user_agent"], flush=False
        )
        return result

    @api.model
    def _get_moments(self):
        """Company id → the moment before which personal data is forgotten (UTC), for
        the companies that forget."""
        now = fields.Datetime.now()
        companies = self.env["res.company"].sudo()
        return {
            company.id: now - timedelta(days=company.chaser_retention_days)
            for company in companies.search([("chaser_retention_days", ">", 0)])
        }

    @api.model
    def _forget(self, statement):
        """What an autovacuum method returns, after ``statement`` for each company that
        forgets; it limits itself to ``%(batch)s`` rows of ``%(company)s`` from before
        ``%(before)s``."""
        done = 0
        for company_id, before in self._get_moments().items():
            self.env.cr.execute(
                SQL(statement, company=company_id, before=before, batch=_BATCH)
            )
            done = max(done, self.env.cr.rowcount)
        return done, done if done >= _BATCH else 0
