from datetime import date, datetime
from unittest.mock import patch

from psycopg2 import IntegrityError

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import freeze_time, new_test_user, tagged
from odoo.tools import mute_logger

from ..core.hours.holiday_source import FoundDays
from ..models.send.run import MailboxRun
from .common import ChaserCase, FakeTransport

# UTC; Dubai is four hours ahead.
FRIDAY_NOON = "2026-11-20 08:00:00"
SATURDAY = "2026-11-21 06:00:00"
MONDAY_OPEN = datetime(2026, 11, 23, 4)


@tagged("post_install", "-at_install")
class WindowCase(ChaserCase):
    @classmethod
    def setUpClass(cls):
        with freeze_time(FRIDAY_NOON):
            super().setUpClass()
        cls.uae = cls.env.ref("base.ae")
        cls.company.write({"country_id": cls.uae.id, "chaser_window_enabled": True})
        cls.customer.country_id = cls.uae

    def setUp(self):
        super().setUp()
        self._freeze(FRIDAY_NOON)

    def _freeze(self, moment):
        freezer = freeze_time(moment)
        freezer.__enter__()
        self.addCleanup(freezer.__exit__, None, None, None)

    def _queued(self, partner=None, **values):
        campaign = self._campaign(self._make_invoice(partner), **values)
        campaign.action_send()
        return campaign.reminder_ids

    def _customer_in(self, name, country, **values):
        return self._make_customer(
            name,
            f"{name.lower().replace(' ', '')}@place.example",
            country_id=self.env.ref(f"base.{country}").id,
            **values,
        )


class TestWindow(WindowCase):
    def test_off_by_default(self):
        self.assertFalse(
            self.env["res.company"].create({"name": "New"}).chaser_window_enabled
        )

    def test_on_by_default_in_the_uae(self):
        """At the creation or when the country is set, unless somebody decided or
        reminders were sent already."""
        Company = self.env["res.company"]
        # Odoo adds the partner to the values that it is given: each has its own.
        values = {"country_id": self.uae.id}
        self.assertTrue(
            Company.create(values | {"name": "A New One"}).chaser_window_enabled
        )
        self.assertFalse(
            Company.create(
                values | {"name": "A Second One", "chaser_window_enabled": False}
            ).chaser_window_enabled
        )
        later = Company.create({"name": "A Later One"})
        later.country_id = self.uae
        self.assertTrue(later.chaser_window_enabled)
        self._queued()
        self.company.write({"country_id": False, "chaser_window_enabled": False})
        self.company.country_id = self.uae
        self.assertFalse(self.company.chaser_window_enabled)

    def test_at_any_hour_where_it_is_off(self):
        self.company.chaser_window_enabled = False
        self.assertEqual(self.company._get_send_windows(self.customer), {})
        reminder = self._queued()
        self.assertEqual(len(self._run().sent), 1)
        self.assertEqual(reminder.state, "sent")

    def test_friday_afternoon_goes_on_monday(self):
        reminder = self._queued()
        self.assertEqual(
            (reminder.state, reminder.scheduled_at, reminder.reason_code),
            ("queued", MONDAY_OPEN, "window"),
        )
        self.assertEqual(
            reminder.reason,
            "Friday 20 Nov after 11:30; Saturday 21 Nov – Sunday 22 Nov: goes on "
            "Monday 23 Nov, 08:00 (Dubai time).",
        )
        self.assertIn("الجمعة", reminder.with_context(lang="ar_001").reason)
        self.assertEqual(self._run().sent, [])
        with freeze_time("2026-11-23 04:00:00"):
            self.assertEqual(len(self._run().sent), 1)
        self.assertEqual((reminder.state, reminder.reason_code), ("sent", False))

    def test_open_hours_send_at_once(self):
        with freeze_time("2026-11-19 10:00:00"):
            reminder = self._queued()
            self.assertFalse(reminder.reason_code)
            self.assertEqual(len(self._run().sent), 1)

    def test_mailbox_wakes_when_the_window_opens(self):
        self._queued()
        self.provider.cron_id.sudo()
        triggers = self.env["ir.cron.trigger"].search(
            [("cron_id", "=", self.provider.cron_id.id)]
        )
        triggers.unlink()
        self._run()
        self.assertIn(
            MONDAY_OPEN,
            self.env["ir.cron.trigger"]
            .search([("cron_id", "=", self.provider.cron_id.id)])
            .mapped("call_at"),
        )

    def test_what_became_due_outside_the_window_waits_in_one_go(self):
        """A limit delayed them until after hours: what must wait uses neither pace nor
        attempts."""
        with freeze_time("2026-11-19 10:00:00"):
            invoices = self.env["account.move"]
            for number in range(12):
                invoices |= self._make_invoice(self._customer_in(f"C {number}", "ae"))
            campaign = self._campaign(invoices)
            campaign.action_send()
        transport = FakeTransport()
        pauses = []
        with patch.object(MailboxRun, "_send_batches", lambda _self: pauses.append(1)):
            self._run(transport)
        self.assertEqual(
            set(campaign.reminder_ids.mapped("scheduled_at")), {MONDAY_OPEN}
        )
        self.assertEqual(set(campaign.reminder_ids.mapped("reason_code")), {"window"})
        self.assertEqual(set(campaign.reminder_ids.mapped("attempt_count")), {0})

    def test_step_holds_what_the_stage_could_not_see(self):
        """The window ends during the run: the step itself makes the message wait."""
        with freeze_time("2026-11-19 10:00:00"):
            reminder = self._queued()
        with patch.object(MailboxRun, "_hold_closed", lambda _self: None):
            self.assertEqual(self._run().sent, [])
        self.assertEqual(
            (reminder.state, reminder.scheduled_at, reminder.attempt_count),
            ("queued", MONDAY_OPEN, 0),
        )

    def test_each_customer_by_his_own_calendar_and_clock(self):
        cases = {
            "Dubai": (self._customer_in("Dubai", "ae"), MONDAY_OPEN),
            "Sharjah": (
                self._customer_in(
                    "Sharjah", "ae", state_id=self.env.ref("base.state_ae_sh").id
                ),
                MONDAY_OPEN,
            ),
            "Riyadh": (self._customer_in("Riyadh", "sa"), datetime(2026, 11, 22, 5)),
            "London": (self._customer_in("London", "uk", tz="Asia/Dubai"), None),
            "Nowhere": (
                self._make_customer("Nowhere", "nowhere@place.example"),
                MONDAY_OPEN,
            ),
        }
        windows = self.company._get_send_windows(
            self.env["res.partner"].union(
                *(partner for partner, _moment in cases.values())
            )
        )
        self.assertEqual(
            windows[cases["Sharjah"][0].id].name, "Sharjah (Friday to Sunday off)"
        )
        self.assertEqual(windows[cases["London"][0].id].tz, "Europe/London")
        for name, (partner, moment) in cases.items():
            with self.subTest(name):
                reminder = self._queued(partner)
                # 08:00 in London on Friday: the company's hours in the customer's time
                # zone are open.
                self.assertEqual(reminder.reason_code, "window" if moment else False)
                if moment:
                    self.assertEqual(reminder.scheduled_at, moment)

    def test_calendar_set_on_the_customer(self):
        own = self.env["resource.calendar"].create(
            {
                "name": "Saturdays",
                "company_id": self.company.id,
                "tz": "Asia/Dubai",
                "attendance_ids": [
                    Command.clear(),
                    Command.create(
                        {
                            "name": "Sat",
                            "dayofweek": "5",
                            "hour_from": 10,
                            "hour_to": 24,
                        }
                    ),
                ],
            }
        )
        self.customer.with_company(self.company).chaser_calendar_id = own
        self.assertEqual(self._queued().scheduled_at, datetime(2026, 11, 21, 6))
        other = self.env["res.company"].create(
            {"name": "Other", "chaser_window_enabled": True, "country_id": self.uae.id}
        )
        self.assertNotEqual(
            other._get_send_windows(self.customer)[self.customer.id].name, "Saturdays"
        )

    def test_company_s_clock_alone(self):
        self.company.chaser_window_zone = "company"
        london = self._customer_in("London", "uk")
        self.assertEqual(
            self.company._get_send_windows(london)[london.id].tz, "Asia/Dubai"
        )

    def test_odoo_s_time_off_counts(self):
        self.env["resource.calendar.leaves"].create(
            {
                "name": "Move",
                "calendar_id": self.env.ref("invoice_chaser.resource_calendar_uae").id,
                "date_from": "2026-11-22 20:00:00",
                "date_to": "2026-11-23 20:00:00",
            }
        )
        reminder = self._queued()
        self.assertEqual(reminder.scheduled_at, datetime(2026, 11, 24, 4))
        self.assertIn("Move, time off", reminder.reason)

    def test_calendar_without_hours_is_told(self):
        empty = self.env["resource.calendar"].create(
            {
                "name": "Empty",
                "company_id": self.company.id,
                "attendance_ids": [Command.clear()],
            }
        )
        empty.attendance_ids.unlink()
        self.company.chaser_calendar_id = empty
        reminder = self._queued()
        self._run()
        self.assertEqual(
            (reminder.state, reminder.reason_code, reminder.scheduled_at),
            ("queued", "window_never", datetime(2026, 11, 21, 8)),
        )
        self.assertIn("Empty", reminder.reason)
        self.company.chaser_calendar_id = False
        self.assertEqual(reminder.scheduled_at, datetime(2026, 11, 20, 8))

    def test_changes_are_judged_anew_at_once(self):
        """Hours, days off, the customer's place, the switch: what waits because of them
        wakes the mailbox."""
        reminder = self._queued()
        friday = self.env.ref(
            "invoice_chaser.resource_calendar_uae"
        ).attendance_ids.filtered(lambda row: row.dayofweek == "4")
        now = datetime(2026, 11, 20, 8)
        for change in (
            lambda: friday.write({"hour_to": 11}),
            lambda: self.customer.write({"country_id": self.env.ref("base.sa").id}),
            lambda: self.env["chaser.holiday"].create(
                {
                    "name": "Closed",
                    "company_id": self.company.id,
                    "date_from": "2026-11-24",
                }
            ),
            lambda: self.company.write({"chaser_window_zone": "company"}),
        ):
            change()
            self.assertEqual(reminder.scheduled_at, now)
            self._run()
            self.assertEqual(reminder.reason_code, "window")
            self.assertGreater(reminder.scheduled_at, now)
        self.company.chaser_window_enabled = False
        self.assertEqual(reminder.scheduled_at, now)
        self.assertEqual(len(self._run().sent), 1)

    def test_time_off_of_one_employee_changes_nothing(self):
        reminder = self._queued()
        resource = (
            self.env["resource.resource"]
            .sudo()
            .create(
                {
                    "name": "Somebody",
                    "calendar_id": self.company.resource_calendar_id.id,
                }
            )
        )
        self.env["resource.calendar.leaves"].create(
            {
                "name": "Holiday",
                "resource_id": resource.id,
                "calendar_id": resource.calendar_id.id,
                "date_from": "2026-11-22 20:00:00",
                "date_to": "2026-11-23 20:00:00",
            }
        )
        self.assertEqual(reminder.scheduled_at, MONDAY_OPEN)

    def test_spread_and_expected_finish(self):
        invoices = self.env["account.move"]
        for number in range(4):
            invoices |= self._make_invoice(self._customer_in(f"S {number}", "ae"))
        campaign = self._campaign(invoices, duration_hours=2)
        campaign.action_schedule(
            datetime(2026, 11, 25, 12)
        )  # 16:00 in Dubai, one hour left
        moments = sorted(campaign.reminder_ids.mapped("scheduled_at"))
        self.assertEqual(
            moments,
            [
                datetime(2026, 11, 25, 12),
                datetime(2026, 11, 25, 12, 30),
                datetime(2026, 11, 26, 4),
                datetime(2026, 11, 26, 4, 30),
            ],
        )
        self.assertEqual(
            campaign.expected_finish,
            moments[-1],
            "the last message leaves at its own moment",
        )
        preview = self.env["chaser.preview"].browse(
            self._make_invoice(days=40).action_chase()["res_id"]
        )
        self.assertEqual(preview.expected_finish, MONDAY_OPEN)

    def test_queries_do_not_grow_with_customers(self):
        few = self.env["res.partner"].union(
            *(self._customer_in(f"F {number}", "ae") for number in range(2))
        )
        many = self.env["res.partner"].union(
            *(
                self._customer_in(f"M {number}", "sa" if number % 2 else "ae")
                for number in range(30)
            )
        )
        self.env.flush_all()
        counts = []
        for partners in (few, many):
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            windows = self.company._get_send_windows(partners)
            counts.append(self.cr.sql_log_count - before)
        self.assertEqual(counts[0], counts[1])
        self.assertLessEqual(counts[1], 14)
        self.assertEqual(
            len(set(windows.values())),
            2,
            "customers with the same hours share a window",
        )

    def test_dead_before_the_mark_leaves_it_queued(self):
        """A process that is killed in this step leaves the reminder as it was."""
        with freeze_time("2026-11-19 10:00:00"):
            reminder = self._queued()

            class Dies(BaseException):
                pass

            def die(_self, _job):
                raise Dies

            transport = FakeTransport()
            with (
                patch.object(self.registry["chaser.sender"], "_step_window", die),
                self.assertRaises(Dies),
            ):
                self._run(transport)
            self.env.invalidate_all()
            self.assertEqual(
                (reminder.state, reminder.attempt_count, transport.sent),
                ("queued", 0, []),
            )
            self.assertEqual(len(self._run(transport).sent), 1)


class TestHoliday(WindowCase):
    def _day(self, xml_id):
        return self.env.ref(f"invoice_chaser.holiday_ae_{xml_id}")

    def test_shipped_days(self):
        eid = self._day("2027_eid_al_fitr")
        self.assertEqual(
            (
                eid.date_from,
                eid.date_to,
                eid.certainty,
                eid.country_id,
                eid.company_id.id,
            ),
            (date(2027, 3, 9), date(2027, 3, 11), "estimated", self.uae, False),
        )
        self.assertEqual(self._day("2026_national_day").certainty, "certain")
        self.assertEqual(self._day("2026_ramadan").certainty, "confirmed")
        self.assertEqual(self._day("2027_ramadan").kind, "ramadan")

    def test_eid_estimated_then_confirmed(self):
        self._freeze("2027-03-08 06:00:00")  # Monday before the estimated Eid
        reminder = self._queued()
        self.assertEqual(reminder.scheduled_at, datetime(2027, 3, 15, 4))
        self.assertIn(
            "Eid al-Fitr (estimated ± 1 day, not confirmed yet: Monday 8 Mar – "
            "Friday 12 Mar)",
            reminder.reason,
        )
        self._day("2027_ramadan").action_confirm()
        eid = self._day("2027_eid_al_fitr")
        eid.with_user(
            new_test_user(
                self.env,
                "chief",
                "invoice_chaser.group_chaser_manager",
                company_id=self.company.id,
            )
        ).action_confirm()
        self.assertEqual(
            (eid.certainty, eid.confirmed_by_id.login), ("confirmed", "chief")
        )
        self.assertEqual(len(self._run().sent), 1, "the day before is free now")

    def test_company_s_own_day_off(self):
        self.env["chaser.holiday"].create(
            {
                "name": "Stocktaking",
                "date_from": "2026-11-23",
                "company_id": self.company.id,
            }
        )
        riyadh = self._queued(self._customer_in("Riyadh", "sa"))
        self.assertEqual(self._queued().scheduled_at, datetime(2026, 11, 24, 4))
        self.assertEqual(
            riyadh.scheduled_at,
            datetime(2026, 11, 22, 5),
            "Sunday is a working day there",
        )
        self.assertIn(
            "Stocktaking",
            self._run()
            and self.customer
            and self.env["chaser.reminder"]
            .search([("partner_id", "=", self.customer.id)])
            .reason,
        )

    def test_other_company_s_day_off_is_nothing_to_us(self):
        other = self.env["res.company"].create({"name": "Other"})
        self.env["chaser.holiday"].create(
            {"name": "Theirs", "date_from": "2026-11-23", "company_id": other.id}
        )
        self.assertEqual(self._queued().scheduled_at, MONDAY_OPEN)

    def test_accountant_reads_manager_edits(self):
        eid = self._day("2027_eid_al_fitr")
        self.assertEqual(eid.with_user(self.accountant).name, "Eid al-Fitr")
        for method in ("action_confirm", "action_unconfirm", "unlink"):
            with self.assertRaises(AccessError):
                getattr(eid.with_user(self.accountant), method)()

    def test_bad_input(self):
        Holiday = self.env["chaser.holiday"]
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaisesRegex(IntegrityError, "order_check"),
            self.cr.savepoint(),
        ):
            Holiday.create({"name": "Back", "date_from": "2026-11-23"}).write(
                {"date_to": "2026-11-20"}
            )
            self.env.flush_all()
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaisesRegex(IntegrityError, "scope_check"),
            self.cr.savepoint(),
        ):
            Holiday.create(
                {"name": "Nowhere", "date_from": "2026-11-23", "company_id": False}
            )
            self.env.flush_all()
        with self.assertRaisesRegex(UserError, "Archive"):
            self._day("2027_eid_al_fitr").unlink()

    # -- refresh

    def _store_days(self, first, last, estimated=True, key="AE/2027/Eid al-Fitr"):
        days = FoundDays(
            key,
            date.fromisoformat(first),
            date.fromisoformat(last),
            {"en_US": "Eid al-Fitr", "ar_001": "عيد الفطر"},
            estimated,
        )
        self.env["chaser.holiday"]._store_days(self.uae, [days])
        return (
            self.env["chaser.holiday"]
            .with_context(active_test=False)
            .search([("source_key", "=", key)])
        )

    def test_refresh_corrects_what_nobody_touched(self):
        day = self._store_days("2027-03-10", "2027-03-12", estimated=False)
        self.assertEqual(
            (day, day.date_from, day.certainty),
            (self._day("2027_eid_al_fitr"), date(2027, 3, 10), "certain"),
        )
        day = self._store_days("2027-03-09", "2027-03-12")
        self.assertEqual(
            (day.date_from, day.certainty), (date(2027, 3, 9), "estimated")
        )

    def test_refresh_never_overwrites_a_person(self):
        eid = self._day("2027_eid_al_fitr")
        for values in (
            {"date_to": "2027-03-13"},
            {"active": False},
            {"is_estimated": False},
        ):
            with self.subTest(values), self.cr.savepoint() as savepoint:
                eid.write(values)
                self._store_days("2027-03-10", "2027-03-11", estimated=False)
                self.assertEqual(eid.date_from, date(2027, 3, 9))
                savepoint.rollback()
                self.env.invalidate_all()
        eid.action_confirm()
        self._store_days("2027-03-10", "2027-03-11", estimated=False)
        self.assertEqual(
            (eid.date_from, eid.certainty), (date(2027, 3, 9), "confirmed")
        )

    def test_refresh_adds_names_in_arabic(self):
        day = self._store_days("2031-01-25", "2031-01-27", key="AE/2031/Eid al-Fitr")
        self.assertEqual(
            (day.company_id.id, day.country_id, day.name),
            (False, self.uae, "Eid al-Fitr"),
        )
        self.assertEqual(day.with_context(lang="ar_001").name, "عيد الفطر")
        day.with_context(lang="ar_001").name = "العيد"
        self._store_days("2031-01-25", "2031-01-27", key="AE/2031/Eid al-Fitr")
        self.assertEqual(day.with_context(lang="ar_001").name, "العيد")

    def test_refresh_job_twice_and_without_libraries(self):
        Holiday = self.env["chaser.holiday"]
        self._freeze("2029-01-05 06:00:00")
        Holiday._cron_refresh()
        keys = Holiday.search([]).mapped("source_key")
        self.assertIn("AE/2029/National Day", keys)
        self.assertIn("SA/2030/National Day Holiday", keys)
        self.assertIn("AE/1451/Ramadan", keys)
        Holiday._cron_refresh()
        self.assertEqual(len(Holiday.search([])), len(keys))
        self._freeze("2035-01-05 06:00:00")
        with (
            patch(
                "odoo.addons.invoice_chaser.core.hours.holiday_source._holidays", None
            ),
            patch("odoo.addons.invoice_chaser.core.hours.holiday_source.Hijri", None),
        ):  # noqa: E501
            Holiday._cron_refresh()
        self.assertEqual(len(Holiday.search([])), len(keys))

    # -- asking

    def test_manager_is_asked_once_some_days_before(self):
        manager = new_test_user(
            self.env,
            "asked",
            "invoice_chaser.group_chaser_manager",
            company_id=self.company.id,
        )
        self.company.write(
            {"chaser_holiday_user_id": manager.id, "chaser_holiday_notice": 10}
        )
        eid = self._day("2027_eid_al_fitr")
        self._freeze("2027-02-25 06:00:00")
        self.env["chaser.holiday"]._cron_ask()
        self.assertFalse(eid.activity_ids)
        self._freeze("2027-02-26 06:00:00")
        self.env["chaser.holiday"]._cron_ask()
        self.env["chaser.holiday"]._cron_ask()
        activity = eid.activity_ids
        self.assertEqual(
            (len(activity), activity.user_id, activity.date_deadline),
            (1, manager, date(2027, 3, 8)),
        )
        self.assertIn("Eid al-Fitr", activity.summary)
        eid.with_user(manager).action_confirm()
        self.assertFalse(eid.activity_ids)

    def test_nobody_is_asked_where_windows_are_off(self):
        self.env["res.company"].search([]).chaser_window_enabled = False
        self._freeze("2027-03-05 06:00:00")
        self.env["chaser.holiday"]._cron_ask()
        self.assertFalse(self._day("2027_eid_al_fitr").activity_ids)
