from odoo import api, fields, models
from odoo.tools import SQL

from ...core.hours.open_time import Slot
from ...core.hours.send_window import Closure
from ...core.hours.window_book import Calendar, Holiday, Place, WindowBook
from ..common.limits import check_numbers

# Holidays older than this cannot shift anything any more.
_KEEP_DAYS = 40


class ResCompany(models.Model):
    """Send windows: the company's working hours, holidays and time zone as plain values
    for ``core.window_book``."""

    _inherit = "res.company"  # pylint: disable=consider-merging-classes-inherited  # send windows

    chaser_window_enabled = fields.Boolean(
        "Send in Working Hours Only",
        help="Reminders leave within working hours and not on days off, in the "
        "customer's time zone.",
        tracking=True,
    )
    chaser_calendar_id = fields.Many2one(
        "resource.calendar",
        "Hours for Reminders",
        domain="[('company_id', 'in', (id, False))]",
        help="Empty: the hours shipped for the company's country, else its own "
        "working hours.",
        tracking=True,
    )
    chaser_window_zone = fields.Selection(
        [("customer", "The customer's"), ("company", "The company's")],
        "Clock for Reminders",
        default="customer",
        required=True,
        tracking=True,
    )
    chaser_holiday_user_id = fields.Many2one(
        "res.users",
        "Confirms Days Off",
        help="Is asked some days before an estimated Islamic date. Empty: a chaser "
        "manager of the company.",
        tracking=True,
    )
    chaser_holiday_notice = fields.Integer(
        "Asked Days Before", default=10, tracking=True
    )

    @api.constrains("chaser_holiday_notice")
    def _check_chaser_holiday_notice(self):
        check_numbers(self, {"chaser_holiday_notice": (0, 365)})

    def _prepare_chaser_effects(self, vals):
        effects = super()._prepare_chaser_effects(vals)
        if any(
            name.startswith(("chaser_window", "chaser_calendar"))
            or name in ("country_id", "resource_calendar_id")
            for name in vals
        ):
            effects.append(lambda: self.env["chaser.window"]._recheck(self))
        if (
            vals.get("country_id")
            and "chaser_window_enabled" not in vals
            and not self.env.context.get("chaser_creates_company")
        ):
            effects.append(self._switch_windows_on)
        return effects

    @api.model_create_multi
    def create(self, vals_list):
        # Odoo writes the country while it creates: that is no later decision.
        new = self.with_context(chaser_creates_company=True)
        companies = super(ResCompany, new).create(vals_list).with_env(self.env)
        for company, vals in zip(companies, vals_list, strict=True):
            if "chaser_window_enabled" not in vals:
                company._switch_windows_on()
        return companies

    def _switch_windows_on(self):
        """A company in the UAE begins with working hours on, because its weekend and
        its days off are shipped. One that has sent reminders already keeps its ways."""
        for company in self.sudo().filtered(
            lambda one: one.country_id.code == "AE" and not one.chaser_window_enabled
        ):
            if not self.env["chaser.reminder"].search_count(
                [("company_id", "=", company.id)], limit=1
            ):
                company.chaser_window_enabled = True

    def _get_chaser_calendar(self):
        """The calendar whose hours count where a customer has none of their own."""
        self.ensure_one()
        if self.chaser_calendar_id:
            return self.chaser_calendar_id
        shared = self.env["resource.calendar"].search(
            [
                ("company_id", "in", (self.id, False)),
                "|",
                ("chaser_state_ids", "in", self.state_id.ids),
                ("chaser_country_ids", "in", self.country_id.ids),
            ]
        )
        return (
            shared.filtered(
                lambda calendar: self.state_id in calendar.chaser_state_ids
            )[:1]
            or shared[:1]
            or self.resource_calendar_id
        )

    def _is_chaser_day_off(self, day, book=None):
        """Whether the company works at no hour of a day, by its own calendar, holidays
        and clock. Where windows are off, or its calendar never opens (which the
        reminders show), no day is off.

        :param book: what ``_get_window_book`` gave; default: read now
        """
        self.ensure_one()
        book = book or self._get_window_book()
        return bool(book) and book.get().is_day_off(day)

    def _get_send_windows(self, partners, book=None):
        """Send window by partner id (commercial partners); empty where windows are off.
        A fixed number of queries.

        :param book: what ``_get_window_book`` gave; default: read now

        :return: dict of ``core.send_window.SendWindow``; customers with the same hours
        share one object
        """
        self.ensure_one()
        book = book or self._get_window_book()
        if not book:
            return {}
        return {
            partner_id: book.get(place)
            for partner_id, place in self._read_chaser_places(partners.ids).items()
        }

    def _get_window_book(self):
        """All windows of the company as one plain object that asks no database; None
        where windows are off."""
        self.ensure_one()
        return self._make_window_book() if self.sudo().chaser_window_enabled else None

    def _make_window_book(self):
        """All windows of the company, also of one that sends at any hour."""
        company = self.sudo()
        own = company._get_chaser_calendar()
        calendars = company._read_chaser_calendars(own)
        country = company.country_id
        home = Place(
            country_id=country.id or None,
            country_code=country.code or "",
            tz=company._get_chaser_tz(),
        )
        if own.id not in {
            calendar.id for calendar in calendars
        }:  # a company without a calendar is always open
            calendars.append(
                Calendar(0, "", home.tz, tuple(Slot(day, 0, 1440) for day in range(7)))
            )
        return WindowBook(
            calendars,
            own.id or 0,
            home,
            company._read_chaser_holidays(),
            company.chaser_window_zone == "customer",
        )

    def _read_chaser_calendars(self, own):
        """Calendars that customers of the company may have, with hours and closed
        stretches."""
        Calendars = self.env["resource.calendar"].with_context(active_test=False)
        found = (
            Calendars.search(
                [("company_id", "in", (self.id, False)), ("active", "=", True)]
            )
            | own
        )
        found |= found.chaser_ramadan_calendar_id
        slots = {calendar.id: [] for calendar in found}
        work = [
            ("calendar_id", "in", found.ids),
            ("display_type", "=", False),
            ("day_period", "!=", "lunch"),
        ]
        for row in self.env["resource.calendar.attendance"].search(work):
            week = (
                int(row.week_type)
                if row.calendar_id.two_weeks_calendar and row.week_type
                else None
            )
            slots[row.calendar_id.id].append(
                Slot(
                    int(row.dayofweek),
                    round(row.hour_from * 60),
                    min(round(row.hour_to * 60), 1440),
                    week,
                )
            )
        closures = self._read_chaser_closures(found)
        return [
            Calendar(
                calendar.id,
                calendar.name,
                calendar.tz,
                tuple(slots[calendar.id]),
                tuple(slots[calendar.chaser_ramadan_calendar_id.id])
                if calendar.chaser_ramadan_calendar_id
                else None,
                frozenset(calendar.chaser_country_ids.ids),
                frozenset(calendar.chaser_state_ids.ids),
                closures.get(calendar.id, ()) + closures.get(False, ()),
            )
            for calendar in found.sorted(
                lambda calendar: (not calendar.company_id, calendar.id)
            )
        ]

    def _read_chaser_closures(self, calendars):
        """Odoo's own time off for everybody, by calendar id (False: of the whole
        company)."""
        leaves = self.env["resource.calendar.leaves"].search(
            [
                ("resource_id", "=", False),
                ("time_type", "=", "leave"),
                ("company_id", "in", (self.id, False)),
                ("calendar_id", "in", [*calendars.ids, False]),
                (
                    "date_to",
                    ">",
                    fields.Datetime.subtract(fields.Datetime.now(), days=_KEEP_DAYS),
                ),
            ]
        )
        return {
            calendar.id: tuple(
                Closure(leave.date_from, leave.date_to, leave.name or "")
                for leave in group
            )
            for calendar, group in leaves.grouped("calendar_id").items()
        }

    def _read_chaser_holidays(self):
        """Days off and Ramadan with their names in all languages."""
        self.env["chaser.holiday"].flush_model()
        rows = self.env.execute_query_dict(
            SQL(
                """SELECT date_from, date_to, name, country_id, coalesce(is_estimated
                AND confirmed_at IS NULL, false) AS estimated, kind
                 FROM chaser_holiday WHERE active AND (company_id = %s
                 OR company_id IS NULL AND country_id IS NOT NULL) AND date_to >= %s
                ORDER BY date_from, id""",
                self.id,
                fields.Date.subtract(self._get_chaser_today(), days=_KEEP_DAYS),
            )
        )
        return [
            Holiday(
                row["date_from"],
                row["date_to"],
                row["name"],
                row["country_id"],
                row["estimated"],
                row["kind"] == "ramadan",
            )
            for row in rows
        ]

    def _read_chaser_places(self, partner_ids):
        """What decides on the window of each customer, by partner id. One query."""
        self.env["res.partner"].flush_model(
            ["state_id", "country_id", "tz", "chaser_calendar_id"]
        )
        rows = self.env.execute_query(
            SQL(
                """SELECT p.id, (p.chaser_calendar_id->>%s)::int, p.state_id,
                p.country_id, coalesce(c.code, ''), coalesce(p.tz, '')
                 FROM res_partner p LEFT JOIN res_country c ON c.id = p.country_id
                 WHERE p.id = ANY(%s)""",
                str(self.id),
                list(partner_ids),
            )
        )
        return {row[0]: Place(*row[1:]) for row in rows}
