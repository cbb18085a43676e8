from datetime import timedelta

from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import new_test_user, tagged

from .test_daily import DailyCase


@tagged("post_install", "-at_install")
class TestSimulation(DailyCase):
    def _simulation(self, policy=None, user=None):
        Simulation = self.env["chaser.simulation"].with_user(user or self.accountant)
        with self._at(self.today, 7):
            return Simulation.browse(
                Simulation._open(policy and policy.with_user(user or self.accountant))[
                    "res_id"
                ]
            )

    def test_what_goes_out_and_why(self):
        self._make_invoice(days=20)
        self._make_invoice(self._make_customer("No mail", False))
        simulation = self._simulation()
        lines = simulation.line_ids.filtered(lambda line: line.kind == "message")
        self.assertEqual(
            lines.mapped("level_name"),
            ["Firm reminder", *["Urgent notice"] * 3, "Final notice"],
        )
        self.assertEqual(
            [(line.date - self.today).days for line in lines], [0, 10, 24, 38, 45]
        )
        self.assertEqual(
            (
                simulation.message_count,
                simulation.customer_count,
                simulation.held_count,
            ),
            (5, 1, 1),
        )
        self.assertEqual(
            simulation.approval_count, 5, "the daily run waits for approval"
        )
        self.assertEqual(
            lines[0].reason,
            "Firm reminder: oldest item 20 days overdue, nothing sent about it yet",
        )
        self.assertEqual(
            (lines[0].provider_id, lines[0].amount, lines[0].item_count),
            (self.provider, 1000, 1),
        )
        self.assertIn("No usable e-mail", (simulation.line_ids - lines).reason)
        self.assertFalse(
            self.env["chaser.reminder"].search([("partner_id", "=", self.customer.id)]),
            "nothing is made",
        )

    def test_what_falls_due_later_is_part_of_it(self):
        self._make_invoice(days=-30)
        [line] = self._simulation().line_ids.filtered(
            lambda one: one.date <= self.today + timedelta(days=35)
        )
        self.assertEqual(
            ((line.date - self.today).days, line.level_name), (31, "Polite reminder")
        )

    def test_limits_and_approval_by_level(self):
        self.company.chaser_daily_approval = False
        self.provider.daily_quota = 1
        for number in range(3):
            self._make_invoice(
                self._make_customer(f"L{number}", f"l{number}@x.example"), days=3
            )
        simulation = self._simulation()
        first = simulation.line_ids.filtered(
            lambda line: line.level_name == "Polite reminder"
        )
        self.assertEqual(
            [((line.date - self.today).days, line.delayed_by) for line in first],
            [(0, False), (1, "day"), (2, "day")],
        )
        final = simulation.line_ids.filtered(
            lambda line: line.level_name == "Final notice"
        )
        self.assertTrue(all(final.mapped("needs_approval")))
        self.assertFalse(any(first.mapped("needs_approval")))

    def test_mailboxes_limits_and_approvals_in_words(self):
        self.company.write(
            {"chaser_provider_mode": "spread", "chaser_daily_approval": False}
        )
        self.provider.daily_quota = 1
        second = self.env["chaser.provider"].create(
            {
                "company_id": self.company.id,
                "kind": "smtp",
                "email": "second@pop.example",
                "smtp_host": "127.0.0.1",
                "smtp_port": 1,
                "smtp_encryption": "none",
                "daily_quota": 1,
            }
        )
        second._set_state("connected")
        for number in range(5):
            self._make_invoice(
                self._make_customer(f"L{number}", f"l{number}@x{number}.example"),
                days=3,
            )
        simulation = self._simulation()
        first = simulation.message_line_ids.filtered(
            lambda line: line.level_name == "Polite reminder"
        ).sorted("partner_id")
        self.assertEqual(
            [(line.provider_id, (line.date - self.today).days) for line in first],
            [
                (self.provider, 0),
                (second, 0),
                (self.provider, 1),
                (second, 1),
                (self.provider, 2),
            ],
        )
        self.assertIn(
            "accounts@pop.example",
            simulation.mailbox_summary.replace(
                self.provider.name, "accounts@pop.example"
            ),
        )
        self.assertIn("delayed (Per 24 hours)", simulation.mailbox_summary)
        self.assertIn(
            "something waits for approval; first on", simulation.approval_summary
        )
        self.assertFalse(simulation.warning)
        self.assertEqual(
            simulation.held_line_ids | simulation.message_line_ids, simulation.line_ids
        )

    def test_what_does_not_fit_into_the_days(self):
        self.provider.daily_quota = 1
        for number in range(4):
            self._make_invoice(
                self._make_customer(f"L{number}", f"l{number}@x.example"), days=3
            )
        Simulation = self.env["chaser.simulation"].with_user(self.accountant)
        with self._at(self.today, 7):
            simulation = Simulation.create({"company_id": self.company.id, "days": 3})
            simulation.action_simulate()
        self.assertEqual((simulation.message_count, simulation.waiting_count), (3, 1))
        [waiting] = simulation.line_ids.filtered(lambda line: line.kind == "waiting")
        self.assertEqual(
            (waiting.leaves_at, waiting.delayed_by, waiting.date),
            (False, "day", self.today),
        )

    def test_without_a_connected_mailbox(self):
        self._make_invoice()
        self.provider._set_state("expired", "gone")
        simulation = self._simulation()
        self.assertIn("is not connected", simulation.warning)
        self.assertEqual(simulation.line_ids[0].provider_id, self.provider)
        self.provider.active = False
        simulation = self._simulation()
        self.assertIn("has no mailbox yet", simulation.warning)
        self.assertTrue(simulation.message_count)
        self.assertFalse(simulation.line_ids.provider_id)

    def test_todays_run_is_not_repeated(self):
        self._make_invoice()
        with self._at(self.today):
            self._run_daily().campaign_ids.action_cancel()
            lines = (
                self.env["chaser.simulation"]
                .browse(self.env["chaser.simulation"]._open()["res_id"])
                .message_line_ids
            )
        self.assertEqual(lines[0].date, self.today + timedelta(days=1))

    def test_what_if(self):
        """Other levels are tried without being saved; saving is the manager's."""
        self._make_invoice(days=2)
        policy = self.env.ref("invoice_chaser.chaser_policy_standard")
        simulation = self._simulation(policy)
        self.assertEqual((len(simulation.level_ids), simulation.is_changed), (4, False))
        simulation.level_ids.filtered(
            lambda line: line.name == "Firm reminder"
        ).days_overdue = 10
        simulation.level_ids = [
            Command.create(
                {
                    "name": "Phone first",
                    "sequence": 25,
                    "days_overdue": 20,
                    "min_days": 3,
                    "tone": "firm",
                }
            )
        ]
        with self._at(self.today, 7):
            simulation.action_simulate()

        def days(scenario):
            lines = simulation.line_ids.filtered(lambda line: line.scenario == scenario)
            return [
                ((line.date - self.today).days, line.level_name)
                for line in lines
                if (line.date - self.today).days < 25
            ]

        self.assertEqual(
            days("present"), [(0, "Polite reminder"), (13, "Firm reminder")]
        )
        self.assertEqual(
            days("changed"),
            [(0, "Polite reminder"), (8, "Firm reminder"), (18, "Phone first")],
        )
        self.assertEqual(
            simulation.message_count - 1,
            simulation.changed_count - 2,
            "one level more, the rest as before",
        )
        new = simulation.line_ids.filtered(
            lambda line: line.level_name == "Phone first"
        )
        self.assertIn(
            "Phone first: oldest item 20 days overdue, “Firm reminder” sent 10 days "
            "ago",
            new.reason,
        )
        self.assertEqual(
            policy.level_ids.filtered(lambda level: level.code == "firm").days_overdue,
            15,
            "nothing is saved",
        )
        with self.assertRaises(AccessError):
            simulation.action_apply()
        manager = new_test_user(
            self.env,
            "sim_manager",
            "invoice_chaser.group_chaser_manager",
            company_id=self.company.id,
        )
        simulation.with_user(manager).sudo(False).action_apply()
        self.assertEqual(
            policy.level_ids.sorted("sequence").mapped("days_overdue"),
            [1, 10, 20, 30, 60],
        )

    def test_before_due_level_in_what_if(self):
        self._make_invoice(days=-2)
        simulation = self._simulation(
            self.env.ref("invoice_chaser.chaser_policy_standard")
        )
        simulation.level_ids = [
            Command.create(
                {"name": "Soon due", "sequence": 1, "days_overdue": -5, "min_days": 0}
            )
        ]
        with self._at(self.today, 7):
            simulation.action_simulate()
        lines = simulation.line_ids.filtered(lambda line: line.scenario == "changed")
        self.assertEqual(
            (lines[0].level_name, lines[0].date, lines[0].reason),
            ("Soon due", self.today, "Soon due: due in 2 days"),
        )

    def test_company_scoped(self):
        data = self.setup_other_company(name="Second company")
        self.init_invoice(
            "out_invoice",
            self.partner_a,
            "2026-01-01",
            post=True,
            amounts=[100],
            company=data["company"],
        )
        self._make_invoice()
        simulation = self._simulation()
        self.assertEqual(simulation.line_ids.partner_id, self.customer)
        foreign = new_test_user(
            self.env,
            "sim_other",
            "invoice_chaser.group_chaser_user",
            company_id=data["company"].id,
            company_ids=[Command.set(data["company"].ids)],
        )
        self.assertFalse(
            self.env["chaser.simulation.line"]
            .with_user(foreign)
            .search([("simulation_id", "=", simulation.id)])
        )
        with self.assertRaises(AccessError):
            simulation.with_user(foreign).action_simulate()
        self.assertEqual(self._simulation(user=foreign).company_id, data["company"])

    def test_views_open(self):
        self._make_invoice()
        simulation = self._simulation()
        action = simulation.action_view_lines()
        self.assertEqual(action["domain"], [("simulation_id", "=", simulation.id)])
        for view_type in ("list", "calendar", "graph", "pivot", "search"):
            self.assertTrue(
                self.env["chaser.simulation.line"].get_view(view_type=view_type)["arch"]
            )

    def test_constant_queries(self):
        for number in range(20):
            self._make_invoice(
                self._make_customer(f"S{number}", f"s{number}@x.example")
            )
        Simulator = self.env["chaser.simulator"]

        def count(days):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            Simulator._simulate(self.company, days)
            return self.env.cr.sql_log_count - before

        count(5)
        self.assertLessEqual(
            count(60), count(5) + 2, "the days are calculated, not read"
        )
