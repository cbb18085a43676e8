from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

from ...core.hours.holiday_source import find_holidays, find_ramadan

_SOURCED = ("date_from", "date_to", "is_estimated", "kind")


class ChaserHoliday(models.Model):
    """Days on which no reminder leaves, and Ramadan, whose hours are shorter. The
    library adds days and corrects only those that no person has changed."""

    _name = "chaser.holiday"
    _description = "Day off for Reminders"
    _inherit = ["mail.thread", "mail.activity.mixin", "chaser.company.mixin"]
    _order = "date_from desc, id"
    _check_company_auto = True

    name = fields.Char(required=True, translate=True, tracking=True)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company",
        index=True,
        default=lambda self: self.env.company,
        help="Empty: for all companies, where the country fits.",
    )
    country_id = fields.Many2one(
        "res.country",
        index="btree_not_null",
        tracking=True,
        help="For customers there. Empty: a day off of the company itself, for every "
        "customer.",
    )
    kind = fields.Selection(
        [("holiday", "Day Off"), ("ramadan", "Ramadan")],
        default="holiday",
        required=True,
        tracking=True,
        help="Ramadan is no day off: the calendar's hours in Ramadan count.",
    )
    date_from = fields.Date("From", required=True, tracking=True)
    date_to = fields.Date(
        "Until",
        required=True,
        tracking=True,
        compute="_compute_date_to",
        store=True,
        readonly=False,
        precompute=True,
    )
    is_estimated = fields.Boolean(
        "Estimated",
        tracking=True,
        help="The sighting of the moon decides: nothing is sent on the day before and "
        "the day after either, until a person confirms the dates.",
    )
    confirmed_at = fields.Datetime(readonly=True, copy=False, tracking=True)
    confirmed_by_id = fields.Many2one("res.users", readonly=True, copy=False)
    certainty = fields.Selection(
        [
            ("certain", "Certain"),
            ("estimated", "Estimated ± 1 Day"),
            ("confirmed", "Confirmed"),
        ],
        compute="_compute_certainty",
        search="_search_certainty",
    )
    source_key = fields.Char(
        readonly=True,
        copy=False,
        help="Which days of the library these are. Empty: entered by a person.",
    )
    source_values = fields.Json(
        readonly=True,
        copy=False,
        help="What the library said; what differs from it was edited by a person and "
        "stays.",
    )

    _source_uniq = models.UniqueIndex("(source_key) WHERE source_key IS NOT NULL")
    _dates_idx = models.Index("(date_to) WHERE active IS TRUE")
    _order_check = models.Constraint(
        "CHECK(date_to >= date_from)", "A day off cannot end before it begins."
    )
    _scope_check = models.Constraint(
        "CHECK(company_id IS NOT NULL OR country_id IS NOT NULL)",
        "A day off for all companies needs a country.",
    )

    @api.depends("date_from")
    def _compute_date_to(self):
        for day in self:
            if not day.date_to or day.date_from and day.date_to < day.date_from:
                day.date_to = day.date_from

    @api.depends("is_estimated", "confirmed_at")
    def _compute_certainty(self):
        for day in self:
            day.certainty = (
                "certain"
                if not day.is_estimated
                else "confirmed"
                if day.confirmed_at
                else "estimated"
            )

    @api.model
    def _search_certainty(self, operator, value):
        if operator != "in":
            return NotImplemented
        domains = {
            "certain": Domain("is_estimated", "=", False),
            "estimated": Domain("is_estimated", "=", True)
            & Domain("confirmed_at", "=", False),
            "confirmed": Domain("is_estimated", "=", True)
            & Domain("confirmed_at", "!=", False),
        }
        return Domain.OR(domains[name] for name in value if name in domains)

    # -- CRUD

    @api.model_create_multi
    def create(self, vals_list):
        days = super().create(vals_list)
        for day in days.filtered("source_key"):
            day.source_values = day.source_values or day._get_sourced()
        self.env["chaser.window"]._recheck()
        return days

    def write(self, vals):
        result = super().write(vals)
        if set(vals) & {
            *_SOURCED,
            "active",
            "confirmed_at",
            "country_id",
            "company_id",
        }:
            self.env["chaser.window"]._recheck()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_sourced(self):
        if self.filtered("source_key"):
            raise UserError(
                self.env._(
                    "Days of the calendar of a country would come back with the next "
                    "refresh. Archive them instead."
                )
            )

    def unlink(self):
        result = super().unlink()
        self.env["chaser.window"]._recheck()
        return result

    # -- a person decides

    def action_confirm(self):
        """Confirm the dates as they are; the days before and after are normal days
        again."""
        self.check_access("write")
        days = self.filtered(lambda day: day.certainty == "estimated")
        days._by_program().write(
            {"confirmed_at": fields.Datetime.now(), "confirmed_by_id": self.env.user.id}
        )
        days.activity_ids.filtered("automated").action_feedback(
            feedback=self.env._("Confirmed by %s", self.env.user.name)
        )
        return True

    def action_unconfirm(self):
        """Undo a confirmation that was a mistake: the dates are estimated again."""
        self.check_access("write")
        self._by_program().write({"confirmed_at": False, "confirmed_by_id": False})
        return True

    # -- from the installed libraries

    def _get_sourced(self):
        self.ensure_one()
        return {
            "date_from": fields.Date.to_string(self.date_from),
            "date_to": fields.Date.to_string(self.date_to),
            "is_estimated": self.is_estimated,
            "kind": self.kind,
        }

    def _is_untouched(self):
        """Whether it is still as the library has it; a person's change is never
        overwritten."""
        return (
            self.active
            and not self.confirmed_at
            and self.source_values == self._get_sourced()
        )

    @api.model
    def _cron_refresh(self):
        """This year's and next year's days of the countries that calendars and
        companies name."""
        year = fields.Date.context_today(self).year
        for country in self._get_countries():
            self._store_days(
                country,
                find_holidays(country.code, (year, year + 1))
                + find_ramadan(country.code, (year, year + 1)),
            )

    @api.model
    def _get_countries(self):
        calendars = self.env["resource.calendar"].search(
            [("chaser_country_ids", "!=", False)]
        )
        companies = self.env["res.company"].search(
            [("chaser_window_enabled", "=", True)]
        )
        return calendars.chaser_country_ids | companies.country_id

    @api.model
    def _store_days(self, country, found):
        """Adds new days and corrects those that no person has changed; archived ones
        stay archived."""
        known = self.with_context(active_test=False).search(
            [("source_key", "in", [days.key for days in found])]
        )
        by_key = {day.source_key: day for day in known}
        for days in found:
            values = {
                "date_from": fields.Date.to_string(days.first),
                "date_to": fields.Date.to_string(days.last),
                "is_estimated": days.estimated,
                "kind": days.kind,
            }
            day = by_key.get(days.key)
            if not day:
                day = self._create_by_program(
                    {
                        "name": days.names["en_US"],
                        "company_id": False,
                        "country_id": country.id,
                        "source_key": days.key,
                        "source_values": values,
                        **values,
                    }
                )
            elif day._is_untouched() and day.source_values != values:
                day._by_program().write({**values, "source_values": values})
            day._add_arabic(days.names.get("ar_001"))

    def _add_arabic(self, name):
        """The library's Arabic name, where there is none and Arabic is installed."""
        english = self.with_context(lang="en_US").name
        for code in self.env["res.lang"]._get_chaser_arabic_codes():
            if name and self.with_context(lang=code).name == english:
                self.update_field_translations("name", {code: name})

    # -- asking

    @api.model
    def _cron_ask(self):
        """An activity for whoever confirms days off, some days before each estimated
        date. Once per person and day off."""
        companies = self.env["res.company"].search(
            [("chaser_window_enabled", "=", True)]
        )
        countries = (
            self.env["resource.calendar"]
            .search([("chaser_country_ids", "!=", False)])
            .chaser_country_ids
        )
        for company in companies:
            user = company._get_chaser_responsible(
                wanted=company.chaser_holiday_user_id
            )
            today = company._get_chaser_today()
            days = self.search(
                [
                    ("certainty", "in", ["estimated"]),
                    ("date_to", ">=", today),
                    (
                        "date_from",
                        "<=",
                        today + timedelta(days=company.chaser_holiday_notice + 1),
                    ),
                    "|",
                    ("company_id", "=", company.id),
                    "&",
                    ("company_id", "=", False),
                    ("country_id", "in", (countries | company.country_id).ids),
                ]
            )
            for day in days if user else ():
                day._ask(user)

    def _ask(self, user):
        if not self.activity_ids.filtered(lambda activity: activity.user_id == user):
            self.activity_schedule(
                "mail.mail_activity_data_todo",
                date_deadline=self.date_from - timedelta(days=1),
                user_id=user.id,
                summary=self.with_context(lang=user.lang).env._(
                    "Confirm the dates of %s", self.with_context(lang=user.lang).name
                ),
                note=self.with_context(lang=user.lang).env._(
                    "The dates are estimated. Until they are confirmed, reminders "
                    "wait on the day before and the day after, too."
                ),
            )
