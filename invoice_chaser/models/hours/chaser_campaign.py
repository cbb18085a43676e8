from psycopg2.extras import Json

from odoo import fields, models

from ...core.hours.window_book import spread


class ChaserCampaign(models.Model):
    _inherit = "chaser.campaign"  # pylint: disable=consider-merging-classes-inherited  # send windows

    def _queue_in_windows(self, moment):
        """Within send windows: at the first open moment of each customer, spread over open hours, with the reason of each shift."""
        Reminder = self.env["chaser.reminder"].sudo()
        queued = Reminder.search_fetch([("campaign_id", "=", self.id), ("state", "=", "queued")], ["partner_id"], order="priority desc, id")
        windows = self.company_id._get_send_windows(queued.partner_id)
        if windows:
            moments = spread(moment, [windows[reminder.partner_id.id] for reminder in queued], self.duration_hours)
            self._write_openings(queued, moments, moment)

    def _write_openings(self, reminders, moments, wanted):
        """Moment and reason of many reminders by one statement. A calendar that never opens is found by the mailbox's job."""
        self.env.flush_all()
        rows = []
        for reminder, (at, opening) in zip(reminders, moments, strict=True):
            shifted = opening.shifts and opening.at
            params = opening.as_params() | {"wanted": wanted.isoformat(), "until": at.replace(microsecond=0).isoformat()} if shifted else None
            rows.append((reminder.id, fields.Datetime.to_string(at), "window" if shifted else None, Json(params) if params else None))
        self.env.cr.execute_values(
            """UPDATE chaser_reminder r SET scheduled_at = v.at::timestamp, reason_code = v.code, reason_params = v.params::jsonb
                 FROM (VALUES %s) AS v(id, at, code, params) WHERE r.id = v.id""", rows, page_size=1000)
        reminders.invalidate_recordset(["scheduled_at", "reason_code", "reason_params", "reason"])
