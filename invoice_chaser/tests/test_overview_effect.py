"""The hold-out: drawn once, honoured by the daily run, the preview and the simulator
alike; what it says about the effect, and to whom."""

from datetime import date, timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import tagged

from ..core.plan.holdout import LATER, NOW, Holdout
from .common import ChaserCase
from .overview_common import OverviewCase


@tagged("post_install", "-at_install")
class TestHoldout(ChaserCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.write(
            {
                "chaser_holdout": True,
                "chaser_holdout_amount": 5000,
                "chaser_daily": True,
                "chaser_daily_user_id": cls.accountant.id,
            }
        )

    def _draw(self, arm):
        """All reminders are drawn alike."""
        self.startPatcher(patch.object(Holdout, "draw", lambda *_args: arm))

    def _plan(self, day=None):
        """The going and the waiting messages of the daily run of a day."""
        if day:
            self.startPatcher(
                patch.object(
                    self.registry["res.company"],
                    "_get_chaser_today",
                    lambda _self: day,
                )
            )
        plan = self.env["chaser.planner"]._plan_open(self.company)
        return plan, {message.partner_id: message for message in plan.messages}

    def test_a_key_is_made_and_stays(self):
        key = self.company.sudo().chaser_holdout_key
        self.assertGreaterEqual(len(key), 32)
        self.company.chaser_holdout = False
        self.company.chaser_holdout = True
        self.assertEqual(self.company.sudo().chaser_holdout_key, key)
        with self.assertRaises(AccessError):
            self.company.with_user(self.accountant).read(["chaser_holdout_key"])

    def test_off_nobody_waits(self):
        self.company.chaser_holdout = False
        self._draw(LATER)
        self._make_invoice()
        _plan, messages = self._plan()
        self.assertFalse(messages[self.customer.id].skip)
        self.assertIsNone(messages[self.customer.id].arm)

    def test_drawn_to_wait(self):
        """Three days, today included; noted on the reminder with its reason."""
        self._draw(LATER)
        invoice = self._make_invoice()
        campaign = self._campaign(invoice)
        [reminder] = campaign.reminder_ids
        self.assertEqual((reminder.state, reminder.reason_code), ("skipped", "holdout"))
        self.assertEqual(reminder.holdout_arm, "later")
        self.assertEqual(
            reminder.reason_params["date"],
            (self.today + timedelta(days=2)).isoformat(),
        )
        self.assertIn("measure", reminder.with_user(self.accountant).reason)

    def test_the_days_after(self):
        """It waits on the next two days, without being noted again, and goes on the
        fourth."""
        self._draw(LATER)
        self._campaign(self._make_invoice())
        for days, reason in ((1, "holdout_wait"), (2, "holdout_wait"), (3, None)):
            _plan, messages = self._plan(self.today + timedelta(days=days))
            message = messages[self.customer.id]
            self.assertEqual(message.skip and message.skip.reason, reason, days)
            self.assertEqual(message.arm, "later")

    def test_drawn_to_go(self):
        self._draw(NOW)
        campaign = self._campaign(self._make_invoice())
        self.assertEqual(campaign.reminder_ids.state, "draft")
        self.assertEqual(campaign.reminder_ids.holdout_arm, "now")

    def test_never_the_last_level_and_never_much_money(self):
        self._draw(LATER)
        rich = self._make_customer("Rich", "rich@x.example")
        self._make_invoice(partner=rich, amount=5000.01)
        limit = self._make_customer("Limit", "limit@x.example")
        self._make_invoice(partner=limit, amount=5000)
        _plan, messages = self._plan()
        self.assertFalse(messages[rich.id].skip)
        self.assertIsNone(messages[rich.id].arm)
        self.assertEqual(messages[limit.id].skip.reason, "holdout")
        # With one level alone, it is the last.
        levels = self.env["chaser.level"].search([])
        levels[1:].active = False
        _plan, messages = self._plan()
        self.assertFalse(messages[limit.id].skip)

    def test_a_level_that_a_person_chose_does_not_wait(self):
        self._draw(LATER)
        level = self.env.ref("invoice_chaser.chaser_level_polite")
        campaign = self._campaign(self._make_invoice(), level_id=level.id)
        self.assertEqual(campaign.reminder_ids.state, "draft")

    def test_run_preview_and_simulator_agree(self):
        """With the company's own key, forty customers: each of the three lets the same
        ones wait, some do, and most do not."""
        invoices = self._invoice_customers(40)
        _plan, messages = self._plan()
        waiting = {
            partner_id
            for partner_id, message in messages.items()
            if message.skip and message.skip.reason == "holdout"
        }
        preview = self.env["chaser.planner"]._build_plan(invoices)
        self.assertEqual(
            {m.partner_id for m in preview.messages if m.arm == "later"}, waiting
        )
        _plan, forecast = self.env["chaser.simulator"]._simulate(self.company, 10)
        first = self.today
        late = {
            one.customer.partner_id
            for one in forecast.departures
            if one.planned >= first + timedelta(days=3)
        }
        self.assertLessEqual(waiting, late | self._not_sent(forecast, waiting))
        self.assertFalse(
            {
                one.customer.partner_id
                for one in forecast.departures
                if one.planned < first + timedelta(days=3)
            }
            & waiting
        )
        self.assertLess(len(waiting), 20)

    def _not_sent(self, forecast, partner_ids):
        return partner_ids - {one.customer.partner_id for one in forecast.departures}

    def test_only_a_manager_sees_the_part(self):
        self._draw(NOW)
        reminder = self._campaign(self._make_invoice()).reminder_ids
        fields_of = self.env["chaser.reminder"].with_user(self.accountant).fields_get()
        self.assertNotIn("holdout_arm", fields_of)
        with self.assertRaises(AccessError):
            reminder.with_user(self.accountant).read(["holdout_arm"])


@tagged("post_install", "-at_install")
class TestEffect(OverviewCase):
    def _make_unit(self, arm, day, items):
        reminder = (
            self.env["chaser.reminder"]
            .sudo()
            .create(
                {
                    "company_id": self.company.id,
                    "partner_id": self.customer.id,
                    "holdout_arm": arm,
                    "state": "sent" if arm == "now" else "skipped",
                    "reason_code": arm == "later" and "holdout",
                    "line_ids": [
                        fields.Command.create(
                            {
                                "company_id": self.company.id,
                                "move_line_id": self._receivable(move).id,
                                "currency_id": self.company.currency_id.id,
                                "amount_company": amount,
                            }
                        )
                        for move, amount in items.items()
                    ],
                }
            )
        )
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE chaser_reminder SET create_date = %s WHERE id = %s",
            [f"{day} 08:00", reminder.id],
        )
        return reminder

    def test_sums_by_hand(self):
        """Due on 2 March, sent: A's 1000 come on 12 March, after 10 days: 10 days, all
        of it within 14. Due on 10 March, waits: 200 of B's 600 come after 7 days, the
        rest not within 30: (200 × 7 + 400 × 30) / 600 = 22.33 days, a third within 14.
        Due on 1 April: its 30 days are not over."""
        self._make_unit("now", date(2025, 3, 2), {self.a: 1000})
        self._make_unit("later", date(2025, 3, 10), {self.b: 600})
        self._make_unit("later", date(2025, 4, 1), {self.c: 900})
        scope = self.env["chaser.overview"]._make_scope({})
        rows = {
            row["arm"]: row for row in self.env["chaser.effect"]._read_effect(scope)
        }
        self.assertEqual(rows["now"]["number"], 1)
        self.assertAlmostEqual(rows["now"]["days"], 10)
        self.assertAlmostEqual(rows["now"]["paid"], 1)
        self.assertEqual(rows["now"]["asked"], 1000)
        self.assertEqual(rows["later"]["number"], 1)
        self.assertAlmostEqual(rows["later"]["days"], 67 / 3)
        self.assertAlmostEqual(rows["later"]["days_squared"], (67 / 3) ** 2)
        self.assertAlmostEqual(rows["later"]["paid"], 1 / 3)

    def test_for_a_manager(self):
        self._make_unit("later", date(2025, 3, 10), {self.b: 600})
        effect = self._read(as_user=self.env.user)["effect"]
        self.assertEqual((effect["number"], effect["is_enough"]), (1, False))
        self.assertFalse(effect["is_on"])
        self.assertIsNone(self._read(as_user=self.accountant)["effect"])


@tagged("post_install", "-at_install")
class TestCashForecast(OverviewCase):
    def test_items_are_the_ledger_s(self):
        """Invoices with what was set against each; money is told from credit notes."""
        items = self.env["chaser.cash.forecast"]._read_items(self.company, self.today)
        found = sorted(
            (item.amount, item.get_open(self.today), len(item.settled))
            for item in items
        )
        self.assertEqual(
            found,
            [(300, 270, 1), (500, 500, 0), (600, 350, 2), (900, 900, 0), (1000, 0, 1)],
        )
        money = {
            item.amount: [is_money for _day, _amount, is_money in item.settled]
            for item in items
        }
        self.assertCountEqual(money[600], [True, False])
        self.assertEqual(money[300], [False])

    def test_on_the_page(self):
        """Made by the job, shown with its day; two paid items say too little."""
        self.assertIsNone(self._read()["cash"])
        self.env["chaser.cash.forecast"].sudo()._make(self.company)
        cash = self._read()["cash"]
        self.assertEqual((cash["date"], len(cash["weeks"])), ("2025-04-20", 13))
        self.assertFalse(cash["is_enough"])
        expected = sum(week["amount"] for week in cash["weeks"])
        self.assertGreater(expected, 0)
        self.assertLessEqual(expected, 2020)
        self.assertIsNone(self._read(user=self.accountant.id)["cash"])

    def test_one_per_company(self):
        first = self.env["chaser.cash.forecast"].sudo()._make(self.company)
        self.assertEqual(
            self.env["chaser.cash.forecast"].sudo()._make(self.company), first
        )

    def test_promises_that_were_kept(self):
        """One of one kept: (1 + 1) / (1 + 2)."""
        self.assertEqual(
            self.env["chaser.cash.forecast"]._get_kept_share(self.company), 0.5
        )
        promise = self.env["chaser.promise"].create(
            {
                "company_id": self.company.id,
                "partner_id": self.customer.id,
                "date_promised": self.today + timedelta(days=3),
            }
        )
        promise.sudo().write({"state": "kept", "settled_at": fields.Datetime.now()})
        self.assertAlmostEqual(
            self.env["chaser.cash.forecast"]._get_kept_share(self.company), 2 / 3
        )
