from datetime import datetime, timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from ...core.plan.gates import Hold

WINDOW_CODES = ("window", "window_never")


class ChaserReminder(models.Model):
    _inherit = "chaser.reminder"  # pylint: disable=consider-merging-classes-inherited  # send windows, whose room is loaded later

    # What a changed calendar has to look at again.
    _window_idx = models.Index(
        "(company_id) WHERE state = 'queued' AND reason_code IN ('window', "
        "'window_never')"
    )

    @api.model
    def _get_window_hold(self, window, moment):
        """Why a message must not leave at ``moment`` (UTC) and until when; None when it
        may."""
        opening = window.next_open(moment)
        if opening.at == moment:
            return None
        params = opening.as_params() | {"wanted": moment.isoformat()}
        if opening.at is None:
            # Nobody loses it: a person mends the calendar, and it is looked at each
            # day.
            return Hold(
                "window_never", {"detail": window.name}, moment + timedelta(days=1)
            )
        return Hold("window", params, opening.at)

    @api.model
    def _recheck_windows(self, companies=None, partners=None):
        """Hours or days off were changed: what waits for them is judged anew by the
        mailbox's job, at once."""
        conditions = [SQL("state = 'queued' AND reason_code IN %s", WINDOW_CODES)]
        if companies is not None:
            conditions.append(SQL("company_id = ANY(%s)", list(companies.ids)))
        if partners is not None:
            conditions.append(SQL("partner_id = ANY(%s)", list(partners.ids)))
        self.flush_model(["state", "reason_code", "scheduled_at"])
        rows = self.env.execute_query(
            SQL(
                "SELECT id, provider_id, reason_params->>'wanted' FROM "
                "chaser_reminder WHERE %s",
                SQL(" AND ").join(conditions),
            )
        )
        if not rows:
            return
        reminders = self.sudo().browse(row[0] for row in rows)
        now = fields.Datetime.now()
        moments = [
            max(datetime.fromisoformat(wanted), now) if wanted else now
            for _id, _provider, wanted in rows
        ]
        self._write_moments(reminders.ids, moments)
        for provider in reminders.provider_id:
            provider.cron_id._trigger()

    @api.model
    def _write_moments(self, reminder_ids, moments):
        """New ``scheduled_at`` of many reminders by one statement; one that the sender
        holds right now is left to it."""
        self.env.cr.execute(
            SQL(
                """UPDATE chaser_reminder r SET scheduled_at = v.at
                 FROM (SELECT id, at FROM unnest(%s::int[], %s::timestamp[]) AS u(id,
                 at)) v
                WHERE r.id IN (SELECT id FROM chaser_reminder WHERE id = ANY(%s)
                AND state = 'queued' FOR NO KEY UPDATE SKIP LOCKED)
                  AND r.id = v.id""",
                reminder_ids,
                [fields.Datetime.to_string(moment) for moment in moments],
                reminder_ids,
            ),
            log_exceptions=False,
        )
        self.invalidate_model(["scheduled_at"])
