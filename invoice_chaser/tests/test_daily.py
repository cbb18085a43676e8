import contextlib
from datetime import date, timedelta
from unittest.mock import patch

from odoo import fields
from odoo.fields import Command
from odoo.tests import freeze_time, new_test_user, tagged

from .common import ChaserCase, FakeTransport


class DailyCase(ChaserCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.write(
            {
                "chaser_daily": True,
                "chaser_daily_hour": 8,
                "chaser_daily_user_id": cls.accountant.id,
                "chaser_window_enabled": False,
                "chaser_contact_interval": 7,
            }
        )
        cls.env["res.company"].search(
            [("id", "!=", cls.company.id)]
        ).chaser_daily = False

    def _at(self, day, hour=9):
        """A local hour (Dubai, UTC+4) of a day as a frozen clock."""
        return freeze_time(
            fields.Datetime.to_string(
                fields.Datetime.to_datetime(day) + timedelta(hours=hour - 4)
            )
        )

    def _run_daily(self):
        self.env.flush_all()
        with self.enter_registry_test_mode():
            self.env.ref("invoice_chaser.ir_cron_daily_run").method_direct_trigger()
        self.env.invalidate_all()
        return self.env["chaser.daily.run"].search(
            [("company_id", "=", self.company.id)], limit=1
        )


@tagged("post_install", "-at_install")
class TestDailyRun(DailyCase):
    def test_campaign_waits_for_approval(self):
        invoice = self._make_invoice(days=20)
        nobody = self._make_customer("No mail", False)
        self._make_invoice(nobody)
        with self._at(self.today):
            run = self._run_daily()
        [campaign] = run.campaign_ids
        self.assertEqual(
            (run.state, run.message_count, run.held_count, campaign.state),
            ("done", 1, 1, "draft"),
        )
        going = campaign.reminder_ids.filtered(
            lambda reminder: reminder.state == "draft"
        )
        self.assertEqual(
            (going.partner_id, going.line_ids.move_id, going.level_id.code),
            (self.customer, invoice, "firm"),
        )
        self.assertIn("nothing sent about it yet", going.level_reason)
        held = campaign.reminder_ids - going
        self.assertEqual((held.partner_id, held.reason_code), (nobody, "no_email"))
        [activity] = campaign.activity_ids
        self.assertEqual(activity.user_id, self.accountant)
        self.assertIn("1 reminders of today wait", activity.summary)
        campaign.with_user(self.accountant).action_send()
        self.assertEqual(
            (campaign.state, campaign.activity_ids),
            ("sending", self.env["mail.activity"]),
        )
        self.assertEqual(len(self._run().sent), 1)

    def test_nothing_twice(self):
        self._make_invoice()
        with self._at(self.today):
            first = self._run_daily()
            self.assertEqual(self._run_daily(), first)
            self.assertEqual(
                len(
                    self.env["chaser.reminder"].search(
                        [("partner_id", "=", self.customer.id)]
                    )
                ),
                1,
            )
            self.assertEqual(
                self.env["chaser.daily.run"].search_count(
                    [("company_id", "=", self.company.id)]
                ),
                1,
            )

    def test_unique_per_company_and_day(self):
        Run = self.env["chaser.daily.run"].sudo()
        Run.create({"company_id": self.company.id, "date": self.today})
        with (
            self.assertRaisesRegex(Exception, "chaser_daily_run_day_uniq"),
            self.cr.savepoint(),
        ):
            Run.create({"company_id": self.company.id, "date": self.today})

    def test_another_server_has_the_company(self):
        self._make_invoice()
        with (
            self._at(self.today),
            patch.object(
                type(self.env["chaser.daily.run"]),
                "_company_lock",
                self._locked_elsewhere,
            ),
        ):
            self.assertFalse(self._run_daily())
        with self._at(self.today):
            self.assertEqual(self._run_daily().message_count, 1)

    def _locked_elsewhere(self, _company):
        return contextlib.nullcontext(False)

    def test_lock_is_one_per_company(self):
        """The lock itself, requested by a second connection."""
        Run = self.env["chaser.daily.run"]
        with Run._company_lock(self.company) as alone, self.registry.cursor() as other:
            self.assertTrue(alone)
            if other.connection is not self.cr.connection:
                with Run.with_env(self.env(cr=other))._company_lock(
                    self.company
                ) as second:
                    self.assertFalse(second)

    def test_not_before_its_hour(self):
        self._make_invoice()
        with self._at(self.today, 7.9):
            self.assertFalse(self._run_daily())
        with self._at(self.today, 8):
            self.assertTrue(self._run_daily())

    def test_time_zone_of_the_company(self):
        self.company.partner_id.tz = "America/New_York"
        self._make_invoice()
        with self._at(self.today, 9):  # 00:00 in New York
            self.assertFalse(self._run_daily())
        with self._at(self.today, 18):
            self.assertTrue(self._run_daily())

    def test_switched_off(self):
        self._make_invoice()
        self.company.chaser_daily = False
        with self._at(self.today):
            self.assertFalse(self._run_daily())

    def test_quiet_day_leaves_no_campaign(self):
        with self._at(self.today):
            run = self._run_daily()
        self.assertEqual(
            (run.state, run.message_count, run.campaign_ids),
            ("done", 0, self.env["chaser.campaign"]),
        )
        nobody = self._make_customer("No mail", False)
        self._make_invoice(nobody)
        with self._at(self.today + timedelta(days=1)):
            run = self._run_daily()
        self.assertEqual(
            (run.held_count, run.campaign_ids), (1, self.env["chaser.campaign"])
        )
        self.assertIn("No usable e-mail address (1)", run.summary)

    def test_batches_and_restart(self):
        """A run that stops after a batch (no time left, killed) goes on after the last
        customer: none twice, none forgotten."""
        customers = [
            self._make_customer(f"C{number}", f"c{number}@x.example")
            for number in range(5)
        ]
        for customer in customers:
            self._make_invoice(customer)
        Run = self.env["chaser.daily.run"].sudo()
        with (
            patch(
                "odoo.addons.invoice_chaser.models.campaign.chaser_daily_run.BATCH_CUSTOMERS",
                2,
            ),
            self._at(self.today),
            patch.object(
                type(self.env["ir.cron"]),
                "_commit_progress",
                lambda *_args, **_kwargs: 0,
            ),
        ):
            for planned, cursor in (
                (2, customers[1].id),
                (4, customers[3].id),
                (5, customers[4].id),
            ):
                Run._cron_run()
                run = Run.search([("company_id", "=", self.company.id)])
                self.assertEqual(
                    (run.state, run.cursor, run.message_count),
                    ("planning", cursor, planned),
                )
            Run._cron_run()
        self.assertEqual(
            (run.state, run.message_count, len(run.campaign_ids)), ("done", 5, 1)
        )
        self.assertEqual(
            run.campaign_ids.reminder_ids.partner_id.sorted("id").ids,
            [customer.id for customer in customers],
        )
        self.assertEqual(len(run.campaign_ids.reminder_ids), 5)

    def test_failure_is_told_and_tried_again(self):
        self._make_invoice()
        Run = type(self.env["chaser.daily.run"])
        with (
            self._at(self.today),
            patch.object(Run, "_plan_batch", side_effect=ValueError("broken data")),
            self.assertLogs(
                "odoo.addons.invoice_chaser.models.campaign.chaser_daily_run", "ERROR"
            ),
        ):
            run = self._run_daily()
            self.assertEqual((run.state, run.attempt_count), ("failed", 1))
            self.assertIn("broken data", run.reason)
            self._run_daily()
            self._run_daily()
            self.assertEqual(self._run_daily().attempt_count, 3, "not for ever")
        self.assertIn(self.accountant.partner_id, run.message_ids.notified_partner_ids)

    def test_mended_after_a_failure(self):
        self._make_invoice()
        Run = type(self.env["chaser.daily.run"])
        with self._at(self.today):
            with (
                patch.object(Run, "_plan_batch", side_effect=ValueError("x")),
                self.assertLogs(
                    "odoo.addons.invoice_chaser.models.campaign.chaser_daily_run",
                    "ERROR",
                ),
            ):
                self._run_daily()
            run = self._run_daily()
        self.assertEqual((run.state, run.reason, run.message_count), ("done", False, 1))

    def test_without_approval(self):
        self.company.chaser_daily_approval = False
        strict = self._make_customer("Strict", "s@x.example")
        self._sent_campaign(self._make_invoice(strict, days=70))
        self._make_invoice(days=20)
        with self._at(self.today + timedelta(days=11)):
            run = self._run_daily()
            campaigns = {campaign.daily_kind: campaign for campaign in run.campaign_ids}
            self.assertEqual(
                {kind: campaign.state for kind, campaign in campaigns.items()},
                {"auto": "sending", "approval": "draft"},
            )
            self.assertEqual(
                campaigns["approval"].reminder_ids.level_id.code,
                "final",
                "this level wants a person",
            )
            self.assertEqual(
                [message.recipients[0] for message in self._run().sent],
                ["finance@alnoor.example"],
            )

    def test_without_approval_and_without_mailbox(self):
        self.company.chaser_daily_approval = False
        self.provider.active = False
        self._make_invoice()
        with self._at(self.today):
            run = self._run_daily()
        self.assertEqual(
            (run.state, run.campaign_ids.state, run.reason_code),
            ("done", "draft", "daily_not_sent"),
        )
        self.assertIn("has no mailbox", run.reason)
        self.assertIn("has no mailbox", run.campaign_ids.activity_ids.note)

    def test_unapproved_campaign_is_replaced(self):
        self._make_invoice(days=14)
        with self._at(self.today):
            first = self._run_daily().campaign_ids
        self.assertEqual(first.reminder_ids.level_id.code, "polite")
        with self._at(self.today + timedelta(days=1)):
            second = self._run_daily().campaign_ids
        self.assertEqual(
            (first.state, first.activity_ids, second.state),
            ("cancelled", self.env["mail.activity"], "draft"),
        )
        self.assertEqual(
            second.reminder_ids.level_id.code,
            "firm",
            "planned with the figures of the day",
        )

    def test_waiting_customers_are_counted_not_written_down(self):
        self._sent_campaign(self._make_invoice(days=3))
        other = self._make_customer("Other", "o@x.example")
        self._make_invoice(other)
        with self._at(self.today + timedelta(days=1)):
            run = self._run_daily()
        self.assertEqual(
            (run.message_count, run.waiting_count, run.held_count), (1, 1, 0)
        )
        self.assertEqual(run.campaign_ids.reminder_ids.partner_id, other)
        self.assertIn("Contacted lately (1)", run.summary)

    def test_held_back_is_written_down_once(self):
        """The same customer for the same reason has one record, which every day's run
        counts and shows; a change makes a new one."""
        nobody = self._make_customer("No mail", False)
        first = self._make_invoice(nobody)
        held = self.env["chaser.reminder"].search_count
        domain = [("partner_id", "=", nobody.id)]
        runs = []
        for number in range(4):
            self._make_invoice(
                self._make_customer(f"P{number}", f"p{number}@x.example")
            )
            if number == 2:
                self._make_invoice(nobody, days=3)
            with self._at(self.today + timedelta(days=number)):
                runs.append(self._run_daily())
        self.assertEqual([run.held_count for run in runs], [1, 1, 1, 1])
        self.assertEqual(
            held(domain),
            2,
            "one from the first day, one since there is a second invoice",
        )
        self.assertEqual([len(run.held_ids or ()) for run in runs], [0, 1, 0, 1])
        for run in runs:
            shown = self.env["chaser.reminder"].search(run.action_view_held()["domain"])
            self.assertEqual(
                (shown.partner_id, shown.reason_code), (nobody, "no_email")
            )
        self.assertEqual(
            [run.campaign_ids.held_before_count for run in runs], [0, 1, 0, 1]
        )
        nobody.email = "now@x.example"
        with self._at(self.today + timedelta(days=4)):
            run = self._run_daily()
        self.assertFalse(run.held_count or run.held_ids)
        self.assertIn(
            first,
            run.campaign_ids.reminder_ids.filtered(
                lambda one: one.partner_id == nobody
            ).line_ids.move_id,
        )

    def test_days_off(self):
        """No plan and no digest on the company's days off; the next working day takes
        the customers up. What waits for approval stays."""
        self.company.write(
            {"chaser_window_enabled": True, "country_id": self.env.ref("base.ae").id}
        )
        friday = date(2026, 11, 20)
        self._make_invoice(days=(self.today - friday).days + 20)
        Run = self.env["chaser.daily.run"]
        with self._at(friday):
            first = self._run_daily()
        self.assertEqual((first.date, first.campaign_ids.state), (friday, "draft"))
        for number in (1, 2):
            with self._at(friday + timedelta(days=number)):
                self.assertEqual(self._run_daily(), first)
                self.assertEqual(
                    first.campaign_ids.state, "draft", "still there to be approved"
                )
        with self._at(friday + timedelta(days=3)):
            monday = self._run_daily()
        self.assertEqual(
            (monday.date, first.campaign_ids.state), (date(2026, 11, 23), "cancelled")
        )
        with self._at(date(2026, 12, 2)):
            self.assertEqual(self._run_daily(), monday, "National Day")
        self.company.chaser_window_enabled = False
        with self._at(date(2026, 12, 2)):
            self.assertEqual(
                self._run_daily().date,
                date(2026, 12, 2),
                "without working hours each day is a working day",
            )
        self.assertEqual(Run.search_count([("company_id", "=", self.company.id)]), 3)

    def test_a_calendar_that_never_opens_is_no_day_off(self):
        """The plan is made, and the reminders say what is wrong; else nobody would
        notice."""
        closed = self.env["resource.calendar"].create(
            {
                "name": "Closed",
                "company_id": self.company.id,
                "attendance_ids": [Command.clear()],
            }
        )
        self.company.write(
            {"chaser_window_enabled": True, "chaser_calendar_id": closed.id}
        )
        self._make_invoice()
        with self._at(self.today):
            self.assertEqual(self._run_daily().message_count, 1)

    def test_each_level_once(self):
        invoice = self._make_invoice(days=1)
        self.company.chaser_daily_approval = False
        seen = []
        for number in range(0, 28):
            with self._at(self.today + timedelta(days=number)):
                self._run_daily()
                self._run()
                seen += [
                    (number, line.level_id.code)
                    for line in self.env["chaser.reminder.line"].search(
                        [("move_id", "=", invoice.id)]
                    )
                    if line.level_id.code not in {code for _day, code in seen}
                ]
        self.assertEqual(seen, [(0, "polite"), (14, "firm")])
        self.assertEqual(
            len(
                self.env["chaser.reminder"].search(
                    [("partner_id", "=", self.customer.id)]
                )
            ),
            2,
        )

    def test_broken_promise_makes_one_reminder_harder(self):
        """Found broken in the morning, written about on the same day: the next one does
        not count it again."""
        self.company.write(
            {"chaser_daily_approval": False, "chaser_contact_interval": 1}
        )
        invoice = self._make_invoice(days=16)
        with self._at(self.today - timedelta(days=10)):
            self._sent_campaign(
                invoice, level_id=self.env.ref("invoice_chaser.chaser_level_polite").id
            )
        self.env["chaser.promise"]._promise(
            self.company, self.customer, self.today, invoice
        )
        levels = []
        for number in range(10):
            with self._at(self.today + timedelta(days=number)):
                run = self._run_daily()
                self._run()
                levels += [
                    (number, level.code)
                    for level in run.campaign_ids.reminder_ids.filtered(
                        lambda one: one.state == "sent"
                    ).level_id
                ]
        self.assertEqual(invoice.sudo().chaser_promise_ids.state, "broken")
        self.assertEqual(levels, [(1, "firm")])

    def test_digest(self):
        self._make_invoice()
        with self._at(self.today):
            run = self._run_daily()
        self.assertIn(self.accountant.partner_id, run.message_ids.notified_partner_ids)
        self.assertIn(
            "1 messages to 1 customers.",
            run.message_ids.filtered("notified_partner_ids").body,
        )
        self.company.chaser_daily_digest = False
        self._make_invoice(self._make_customer("Next", "n@x.example"))
        with self._at(self.today + timedelta(days=1)):
            run = self._run_daily()
        self.assertFalse(run.message_ids.notified_partner_ids)

    def test_digest_in_the_language_of_the_reader(self):
        self.accountant.lang = "ar_001"
        self._make_invoice()
        with self._at(self.today):
            run = self._run_daily()
        self.assertNotEqual(run.with_context(lang="ar_001").summary, "")

    def test_companies_apart(self):
        other = self.setup_other_company(name="Second company")["company"]
        self._make_invoice()
        stranger = self.init_invoice(
            "out_invoice",
            self.partner_a,
            "2026-01-01",
            post=True,
            amounts=[100],
            company=other,
        )
        self.partner_a.email = "a@x.example"
        with self._at(self.today):
            run = self._run_daily()
        self.assertNotIn(stranger, run.campaign_ids.reminder_ids.line_ids.move_id)
        self.assertFalse(
            self.env["chaser.daily.run"].search([("company_id", "=", other.id)])
        )
        foreign = new_test_user(
            self.env,
            "other_acc",
            "invoice_chaser.group_chaser_user",
            company_id=other.id,
            company_ids=[(6, 0, other.ids)],
        )
        self.assertFalse(self.env["chaser.daily.run"].with_user(foreign).search([]))

    def test_query_count_does_not_grow(self):
        Planner = self.env["chaser.planner"]
        for number in range(30):
            self._make_invoice(
                self._make_customer(f"Q{number}", f"q{number}@x.example")
            )

        def count(limit):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            plan = Planner._plan_open(self.company, limit=limit)
            self.assertEqual(len(plan.customers), limit)
            return self.env.cr.sql_log_count - before

        count(3)
        few, many = count(3), count(30)
        self.assertLessEqual(many, few + 2)
        self.assertLessEqual(many, 40)


@tagged("post_install", "-at_install")
class TestSimulatedDays(DailyCase):
    """The simulator is the planner: what it says for 30 days is what 30 daily runs
    do."""

    def _make_world(self):
        self.company.write(
            {"chaser_daily_approval": False, "chaser_contact_interval": 5}
        )
        days = (40, 12, 1, -3, -9, -20, 61, 29, 14, -1, 16, 90)
        self.people = [
            self._make_customer(f"W{number}", f"w{number}@x.example")
            for number in range(9)
        ]
        for number, overdue in enumerate(days):
            self._make_invoice(
                self.people[number % 6], amount=500 + 100 * number, days=overdue
            )
        self._make_invoice(self.people[6], days=5, amount=70)
        self.people[6].with_company(self.company).consolidation_preference = "disabled"
        self._make_invoice(self.people[6], days=3, amount=80)
        self._make_invoice(self.people[7], days=20)
        self.people[7].with_company(self.company).chaser_paused_until = (
            self.today + timedelta(days=9)
        )
        promised = self._make_invoice(self.people[8], days=20)
        promised.chaser_promise_date = self.today + timedelta(days=4)
        old = self._make_invoice(self._make_customer("Old", "old@x.example"), days=40)
        with self._at(self.today - timedelta(days=3)):
            self._sent_campaign(old)

    def _simulate(self, days):
        _plan, simulation = self.env["chaser.simulator"]._simulate(self.company, days)
        return sorted(
            (
                fields.Date.to_string(self._local(one.leaves)),
                one.customer.partner_id,
                one.message.level_id,
                tuple(sorted(i.id for i in one.message.items)),
            )
            for one in simulation.departures
        )

    def _local(self, moment):
        return fields.Datetime.context_timestamp(
            self.company.with_context(tz="Asia/Dubai"), moment
        ).date()

    def _live(self, days, hours=(9,)):
        for number in range(days):
            for index, hour in enumerate(hours):
                # A few seconds later each day: a mailbox at its limit rests until a
                # second after it.
                with self._at(self.today + timedelta(days=number), hour + number / 600):
                    if not index:
                        run = self._run_daily()
                        run.campaign_ids.filtered(
                            lambda campaign: campaign.state == "draft"
                        ).action_send()
                    self._run(FakeTransport())
        sent = self.env["chaser.reminder"].search(
            [("company_id", "=", self.company.id), ("state", "=", "sent")]
        )
        return sorted(
            (
                fields.Date.to_string(self._local(one.sent_at)),
                one.partner_id.id,
                one.level_id.id,
                tuple(sorted(one.line_ids.move_line_id.ids)),
            )
            for one in sent
            if one.campaign_id.daily_run_id
        )

    def test_thirty_days(self):
        self._make_world()
        with self._at(self.today):
            expected = self._simulate(30)
        self.assertGreater(len(expected), 25)
        self.assertEqual(self._live(30), expected)

    def test_with_a_quota_that_binds(self):
        self._make_world()
        self.provider.daily_quota = 2
        with self._at(self.today):
            expected = self._simulate(14)
            limits = {
                one.limit
                for one in self.env["chaser.simulator"]
                ._simulate(self.company, 14)[1]
                .departures
            }
        self.assertIn("day", limits)
        self.assertEqual(self._live(14), expected)

    def test_with_send_windows(self):
        self._make_world()
        self.company.write(
            {
                "chaser_window_enabled": True,
                "chaser_daily_hour": 6,
                "country_id": self.env.ref("base.ae").id,
            }
        )
        with self._at(self.today, 6):
            expected = self._simulate(14)
            limits = {
                one.limit
                for one in self.env["chaser.simulator"]
                ._simulate(self.company, 14)[1]
                .departures
            }
        self.assertIn("window", limits)
        self.assertEqual(self._live(14, hours=(6, 8, 9, 11)), expected)

    def test_what_waits_already_is_part_of_it(self):
        campaign = self._campaign(self._make_invoice(days=20))
        with self._at(self.today):
            self.assertEqual(
                [(row[1], row[2]) for row in self._simulate(5)],
                [(self.customer.id, campaign.reminder_ids.level_id.id)],
            )
        campaign.action_send()
        campaign.action_pause()
        with self._at(self.today):
            self.assertEqual(
                self._simulate(5), [], "a paused campaign keeps its customers"
            )


@tagged("post_install", "-at_install")
class TestDailyNames(ChaserCase):
    """The digest names what nobody would look at (N1, F4)."""

    def test_forgotten_draft_and_document_without_customer(self):
        self.company.chaser_daily = True
        campaign = self._campaign(self._make_invoice(), name="Forgotten")
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE chaser_reminder SET create_date = create_date - interval '9 days' "
            "WHERE campaign_id = %s",
            [campaign.id],
        )
        self.env.invalidate_all()
        receipt = self._make_invoice(move_type="out_receipt", post=False)
        receipt.partner_id = False
        receipt.action_post()
        run = (
            self.env["chaser.daily.run"]
            .sudo()
            .create({"company_id": self.company.id, "date": self.today})
        )
        while run.state == "planning":
            run._plan_batch()
        self.assertIn("“Forgotten”", run.summary)
        self.assertIn("9 days", run.summary)
        self.assertIn(receipt.name, run.summary)
        [message] = self.env["chaser.planner"]._plan_open(self.company).messages
        self.assertEqual(message.skip.reason, "live_reminder")
        reason = campaign._get_reason_text(message.skip.reason, message.skip.params)
        self.assertIn("since", reason)
