from psycopg2.extras import Json

from odoo import api, fields, models
from odoo.tools import format_datetime

from ...core.hours.window_book import spread as spread_open
from ...core.pace.throttle import spread


class ChaserCampaign(models.Model):
    _inherit = "chaser.campaign"  # pylint: disable=consider-merging-classes-inherited  # send windows

    def _queue_in_windows(self, moment):
        """Within send windows: at the first open moment of each customer, spread over
        open hours, with the reason of each shift."""
        Reminder = self.env["chaser.reminder"].sudo()
        queued = Reminder.search_fetch(
            [("campaign_id", "=", self.id), ("state", "=", "queued")],
            ["partner_id"],
            order="priority desc, id",
        )
        windows = self.company_id._get_send_windows(queued.partner_id)
        if windows:
            moments = spread_open(
                moment,
                [windows[reminder.partner_id.id] for reminder in queued],
                self.duration_hours,
            )
            self._write_openings(queued, moments, moment)

    def _write_openings(self, reminders, moments, wanted):
        """Moment and reason of many reminders by one statement. A calendar that never
        opens is found by the mailbox's job."""
        self.env.flush_all()
        rows = []
        for reminder, (at, opening) in zip(reminders, moments, strict=True):
            shifted = opening.shifts and opening.at
            params = (
                opening.as_params()
                | {
                    "wanted": wanted.isoformat(),
                    "until": at.replace(microsecond=0).isoformat(),
                }
                if shifted
                else None
            )
            rows.append(
                (
                    reminder.id,
                    fields.Datetime.to_string(at),
                    "window" if shifted else None,
                    Json(params) if params else None,
                )
            )
        self.env.cr.execute_values(
            """UPDATE chaser_reminder r SET scheduled_at = v.at::timestamp,
            reason_code = v.code, reason_params = v.params::jsonb
                 FROM (VALUES %s) AS v(id, at, code, params) WHERE r.id = v.id""",
            rows,
            page_size=1000,
        )
        reminders.invalidate_recordset(
            ["scheduled_at", "reason_code", "reason_params", "reason"]
        )

    # -- when what is planned will leave

    @api.model
    def _plan_departures(self, company, start, partner_ids, hours):
        """Per message the moment before which it does not leave, and its customer's
        window (None: always open).

        :param partner_ids: commercial partner of each message, in the order in which
        they leave
        """
        windows = company._get_send_windows(
            self.env["res.partner"].browse(set(partner_ids))
        )
        if not windows:
            return [(moment, None) for moment in spread(start, len(partner_ids), hours)]
        mine = [windows[partner_id] for partner_id in partner_ids]
        return [
            (moment, window)
            for (moment, _opening), window in zip(
                spread_open(start, mine, hours), mine, strict=True
            )
        ]

    @api.model
    def _get_last(self, counts, ends):
        """When the last of all messages leaves; False where one never does, or nothing
        is known."""
        if any(
            provider_id in ends and ends[provider_id][0] < count
            for provider_id, count in counts.items()
        ):
            return False
        return max((last for _count, last in ends.values()), default=False)

    @api.model
    def _describe_mailboxes(self, counts, ends):
        """One line per mailbox: how many messages it sends, and when the last of them
        leaves.

        :param dict counts: mailbox id → messages; ``ends``: mailbox id → (count,
        moment), where there is a forecast
        """
        lines = []
        for provider in (
            self.env["chaser.provider"]
            .sudo()
            .browse(counts)
            .sorted(lambda provider: (provider.sequence, provider.id))
        ):
            values = {"name": provider.name, "count": counts[provider.id]}
            if (
                provider.state == "connected"
                and ends.get(provider.id, (0,))[0] < counts[provider.id]
            ):
                lines.append(
                    self.env._(
                        "%(name)s: %(count)s messages, some of which no send window "
                        "ever lets go",
                        **values,
                    )
                )
            elif provider.id in ends:
                values["when"] = format_datetime(
                    self.env, ends[provider.id][1], dt_format="short"
                )
                lines.append(
                    self.env._(
                        "%(name)s: %(count)s messages, the last at %(when)s", **values
                    )
                )
            else:
                lines.append(
                    self.env._(
                        "%(name)s: %(count)s messages wait, the mailbox is not "
                        "connected",
                        **values,
                    )
                )
        return "\n".join(lines) or False
