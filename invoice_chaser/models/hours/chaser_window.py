from datetime import datetime, timedelta

from psycopg2.extras import Json

from odoo import api, fields, models
from odoo.tools import SQL

from ...core.hours.window_book import spread as spread_open
from ...core.pace.throttle import spread
from ...core.plan.gates import Hold

WINDOW_CODES = ("window", "window_never")
# Calendars of different countries: after so many looks no common hour is found.
_LOOKS = 14


class ChaserWindow(models.AbstractModel):
    """What send windows do to reminders: when each may leave, with the reason of each
    shift, and what a changed calendar means for those that wait."""

    _name = "chaser.window"
    _description = "Send Windows of Reminders"

    @api.model
    def _get_hold(self, window, moment):
        """Why a message must not leave at ``moment`` (UTC) and until when; None when it
        may."""
        opening = window.next_open(moment)
        if opening.at == moment:
            return None
        params = opening.as_params() | {"wanted": moment.isoformat()}
        if opening.at is None:
            # The message is not lost: it is tried again each day until a person has
            # corrected the calendar.
            return Hold(
                "window_never", {"detail": window.name}, moment + timedelta(days=1)
            )
        return Hold("window", params, opening.at)

    @api.model
    def _look_at_hour(self, company, partners, moment):
        """Which hour a message of ``moment`` (UTC) finds at these customers' place,
        also where the company sends at any hour.

        :return: for how many customers it is no working time, the opening of the first
            of them with its causes (None: of nobody), and the next moment that is
            working time for all (None: there is none)
        """
        windows = company._get_send_windows(partners, company._make_window_book())
        closed = [window for window in windows.values() if not window.is_open(moment)]
        if not closed:
            return 0, None, None
        later = moment
        for _look in range(_LOOKS):
            openings = [window.next_open(later).at for window in set(windows.values())]
            if None in openings:
                return len(closed), closed[0].next_open(moment), None
            if max(openings) == later:
                break
            later = max(openings)
        return len(closed), closed[0].next_open(moment), later

    @api.model
    def _recheck(self, companies=None, partners=None):
        """Hours or days off were changed: the mailbox's job checks the reminders that
        wait for them again, at once."""
        conditions = [SQL("state = 'queued' AND reason_code IN %s", WINDOW_CODES)]
        if companies is not None:
            conditions.append(SQL("company_id = ANY(%s)", list(companies.ids)))
        if partners is not None:
            conditions.append(SQL("partner_id = ANY(%s)", list(partners.ids)))
        Reminder = self.env["chaser.reminder"].sudo()
        Reminder.flush_model(["state", "reason_code", "scheduled_at"])
        rows = self.env.execute_query(
            SQL(
                "SELECT id, provider_id, reason_params->>'wanted' FROM "
                "chaser_reminder WHERE %s",
                SQL(" AND ").join(conditions),
            )
        )
        if not rows:
            return
        reminders = Reminder.browse(row[0] for row in rows)
        now = fields.Datetime.now()
        moments = [
            max(datetime.fromisoformat(wanted), now) if wanted else now
            for _id, _provider, wanted in rows
        ]
        reminders._write_moments(moments)
        for provider in reminders.provider_id:
            provider.cron_id._trigger()

    @api.model
    def _queue(self, campaign, moment):
        """The queued reminders of a campaign within send windows: at the first open
        moment of each customer, spread over open hours, with the reason of each
        shift."""
        Reminder = self.env["chaser.reminder"].sudo()
        queued = Reminder.search_fetch(
            [("campaign_id", "=", campaign.id), ("state", "=", "queued")],
            ["partner_id"],
            order="priority desc, id",
        )
        windows = campaign.company_id._get_send_windows(queued.partner_id)
        if windows:
            moments = spread_open(
                moment,
                [windows[reminder.partner_id.id] for reminder in queued],
                campaign.duration_hours,
            )
            self._write_openings(queued, moments, moment)

    @api.model
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


class ResourceCalendar(models.Model):
    _name = "resource.calendar"
    _inherit = ["resource.calendar", "chaser.links.mixin"]

    chaser_country_ids = fields.Many2many(
        "res.country",
        "chaser_calendar_country_rel",
        string="Customers in Countries",
        help="Reminders to customers there leave within these hours.",
    )
    chaser_state_ids = fields.Many2many(
        "res.country.state",
        "chaser_calendar_state_rel",
        string="Customers in States",
        help="As the countries, for single states or emirates.",
    )
    chaser_ramadan_calendar_id = fields.Many2one(
        "resource.calendar",
        "Hours in Ramadan",
        index="btree_not_null",
        help="Empty: Ramadan changes nothing.",
    )

    def write(self, vals):
        result = super().write(vals)
        self.env["chaser.window"]._recheck()
        return result


class ResourceCalendarAttendance(models.Model):
    _inherit = "resource.calendar.attendance"

    @api.model_create_multi
    def create(self, vals_list):
        records = super().create(vals_list)
        self.env["chaser.window"]._recheck()
        return records

    def write(self, vals):
        result = super().write(vals)
        self.env["chaser.window"]._recheck()
        return result

    def unlink(self):
        result = super().unlink()
        self.env["chaser.window"]._recheck()
        return result


class ResourceCalendarLeaves(models.Model):
    _inherit = "resource.calendar.leaves"

    @api.model_create_multi
    def create(self, vals_list):
        records = super().create(vals_list)
        records._recheck_chaser_windows()
        return records

    def write(self, vals):
        result = super().write(vals)
        self._recheck_chaser_windows()
        return result

    def unlink(self):
        self._recheck_chaser_windows()
        return super().unlink()

    def _recheck_chaser_windows(self):
        """The time off of a single employee does not matter here."""
        if any(not leave.resource_id for leave in self):
            self.env["chaser.window"]._recheck()
