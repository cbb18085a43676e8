"""Closed months are kept, and recomputed when something in them changes; reports agree
with the overview."""

from datetime import date, datetime

from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged

from .overview_common import OverviewCase


@tagged("post_install", "-at_install")
class TestOverviewHistory(OverviewCase):
    def _keep(self):
        return self.env["chaser.receivable.month"].sudo()._keep(self.company)

    def _months(self):
        read = self._read(period=12)["receivables"]
        return read["months"][:-1], read["rolls"]

    def _count_added_up(self):
        """How many months the next reading adds up from journal items."""
        scope = self.env["chaser.overview"]._make_scope({"period": 24})
        ends = [
            date.fromisoformat(month["date"])
            for month in self._read(period=24)["receivables"]["months"][:-1]
        ]
        kept = (
            self.env["chaser.receivable.month"]
            .sudo()
            ._read_kept(scope.company_ids, ends)
        )
        return len(ends) - len([pair for pair in kept if pair[0] == self.company.id])

    def test_kept_figures_are_those_added_up(self):
        before = self._months()
        self.assertGreater(self._keep(), 30)
        self.assertEqual(self._months(), before)
        self.assertEqual(self._count_added_up(), 0)
        self.assertEqual(self._keep(), 0, "nothing is left to keep")

    def _assert_follows(self, change, day):
        """After a change, the page shows the truth at once, the kept months from that
        one on are added up anew, and then agree."""
        self._keep()
        before = self._months()
        change()
        now = self._months()
        self.assertNotEqual(now, before)
        stale = (
            self.env["chaser.receivable.stale"]
            .sudo()
            .search([("company_id", "=", self.company.id)])
        )
        self.assertEqual(min(stale.mapped("date")), day)
        stale.flush_recordset()
        self._keep()
        self.assertFalse(stale.exists())
        self.assertEqual(self._months(), now)
        self.env["chaser.receivable.kept"].sudo().search([]).unlink()
        self.assertEqual(self._months(), now)

    def test_an_invoice_posted_into_a_closed_month(self):
        self._assert_follows(
            lambda: self._make_bill(70, date(2025, 2, 3), date(2025, 2, 20)),
            date(2025, 2, 3),
        )

    def test_an_invoice_reset_to_draft(self):
        self._assert_follows(lambda: self.c.button_draft(), date(2025, 3, 20))

    def test_a_payment_in_a_closed_month(self):
        self._assert_follows(
            lambda: self._pay_on(self.f, 100, date(2025, 2, 25)), date(2025, 2, 25)
        )

    def test_a_payment_taken_back(self):
        lines = self._receivable(self.a)
        self._assert_follows(lambda: lines.remove_move_reconcile(), date(2025, 3, 12))

    def test_another_due_date(self):
        line = self._receivable(self.b)
        self._assert_follows(
            lambda: line.write({"date_maturity": date(2025, 2, 10)}),
            date(2025, 2, 5),
        )

    def test_what_changes_no_closed_month_leaves_no_mark(self):
        """An invoice and a payment of the running month; a draft."""
        self._keep()
        bill = self._make_bill(70, date(2025, 4, 3), date(2025, 4, 20))
        self._pay_on(bill, 70, date(2025, 4, 10))
        bill = self._make_bill(70, date(2025, 4, 3), date(2025, 4, 20))
        bill.button_draft()
        bill.date = date(2025, 2, 1)
        self.assertFalse(self.env["chaser.receivable.stale"].sudo().search([]))

    def test_keeping_is_asked_for_once(self):
        """The job is woken after a change."""
        job = self.env.ref("invoice_chaser.ir_cron_keep_months")
        triggers = (
            self.env["ir.cron.trigger"].sudo().search_count([("cron_id", "=", job.id)])
        )
        self._make_bill(70, date(2025, 2, 3), date(2025, 2, 20))
        self.assertGreater(
            self.env["ir.cron.trigger"].sudo().search_count([("cron_id", "=", job.id)]),
            triggers,
        )

    def test_another_company_s_months_stay(self):
        other = self._create_company(name="Elsewhere")
        self.env["chaser.receivable.month"].sudo()._keep(other)
        self._keep()
        self._make_bill(70, date(2025, 2, 3), date(2025, 2, 20))
        self.assertEqual(self.env["chaser.receivable.month"].sudo()._keep(other), 0)

    def test_query_count_with_kept_months(self):
        self._keep()
        self._read()
        with self.assertQueryCount(8):
            self._read(period=24)


@tagged("post_install", "-at_install")
class TestOverviewReports(OverviewCase):
    def _report(self, model, domain=(), user=None):
        return (
            self.env[model]
            .with_user(user or self.accountant)
            .with_context(allowed_company_ids=self.company.ids)
            .search([("company_id", "=", self.company.id), *domain])
        )

    def test_receivables_are_the_overview_s(self):
        """Today and the end of March, by customer: Al Noor has B, F and the credit
        note, Beta has C and D."""
        rows = self._report("chaser.receivable.report", [("date", "=", self.today)])
        by_customer = {row.partner_id: row for row in rows}
        mine = by_customer[self.customer]
        self.assertEqual(mine.amount_open, 350 + 270 - 100)
        self.assertEqual(mine.amount_overdue, 350 + 270)
        self.assertEqual(mine.days_over_90, 270)
        self.assertEqual(by_customer[self.other].amount_open, 1400)
        self.assertEqual(by_customer[self.other].not_due, 500)
        march = self._report(
            "chaser.receivable.report", [("date", "=", date(2025, 3, 31))]
        )
        self.assertEqual(sum(march.mapped("amount_open")), 1520)
        self.assertEqual(sum(march.mapped("paid")), 1200)

    def test_receivables_kept_or_added_up(self):
        fields = ["date", "partner_id", "amount_open", "sales", "paid", "credited"]
        before = self._report("chaser.receivable.report").read(fields)
        self.env["chaser.receivable.month"].sudo()._keep(self.company)
        self.env.invalidate_all()
        after = self._report("chaser.receivable.report").read(fields)
        strip = [{**row, "id": 0} for row in before]
        self.assertCountEqual([{**row, "id": 0} for row in after], strip)

    def test_in_their_own_currency(self):
        """100 EUR at 2 EUR per USD."""
        euro = self.setup_other_currency("EUR", rates=[("2000-01-01", 2.0)])
        self._make_bill(100, date(2025, 4, 1), date(2025, 4, 10), currency_id=euro.id)
        row = self._report(
            "chaser.receivable.report",
            [("date", "=", self.today), ("currency_id", "=", euro.id)],
        )
        self.assertEqual((row.amount_open, row.amount_open_currency), (50, 100))

    def test_a_closed_month_leads_to_its_customers(self):
        action = (
            self.env["chaser.overview.link"]
            .with_user(self.accountant)
            .open_figure("month_items", "2025-03-31", {})
        )
        rows = self._report(action["res_model"], action["domain"])
        self.assertEqual(sum(rows.mapped("amount_open")), 1520)

    def test_views_open(self):
        """Pivot, graph and list read and group without an error, in each favourite."""
        for model in (
            "chaser.receivable.report",
            "chaser.reminder.report",
            "chaser.event.report",
        ):
            Model = self.env[model].with_user(self.accountant)
            for favourite in (
                self.env["ir.filters"].sudo().search([("model_id", "=", model)])
            ):
                domain, groups = favourite._get_eval_domain(), favourite.context
                groupby = [
                    name
                    for name in Model._fields
                    if f"'{name}'" in groups and not Model._fields[name].aggregator
                ]
                Model.formatted_read_group(domain, groupby, ["__count"])
            Model.search([]).read()

    def test_only_own_companies_and_groups(self):
        other = self._create_company(name="Elsewhere")
        stranger = new_test_user(
            self.env,
            login="report_stranger",
            groups="invoice_chaser.group_chaser_user",
            company_id=other.id,
            company_ids=[(6, 0, other.ids)],
        )
        for model in (
            "chaser.receivable.report",
            "chaser.reminder.report",
            "chaser.event.report",
        ):
            rows = self.env[model].with_user(stranger).search([])
            self.assertFalse(rows.filtered(lambda row: row.company_id == self.company))

    def test_nothing_without_the_group(self):
        """Neither by reading, searching, counting nor grouping; kept months not even
        for who has it."""
        clerk = new_test_user(
            self.env,
            login="report_clerk",
            groups="account.group_account_invoice",
            company_id=self.company.id,
        )
        closed = (
            "chaser.receivable.month",
            "chaser.receivable.kept",
            "chaser.receivable.stale",
        )
        reports = (
            "chaser.receivable.report",
            "chaser.reminder.report",
            "chaser.event.report",
            "chaser.cash.forecast",
        )
        for user, models in ((clerk, closed + reports), (self.accountant, closed)):
            for model in models:
                Model = self.env[model].with_user(user)
                for call in (
                    lambda Model=Model: Model.search([]),
                    lambda Model=Model: Model.search_count([]),
                    lambda Model=Model: Model.formatted_read_group([], [], ["__count"]),
                ):
                    with self.assertRaises(AccessError):
                        call()
        with self.assertRaises(AccessError):
            self.env["chaser.overview.link"].with_user(clerk).open_figure(
                "items", "open"
            )

    def test_customer_form_leads_there(self):
        action = self.env.ref("invoice_chaser.chaser_partner_report_action")
        view = (
            self.env["res.partner"]
            .with_user(self.accountant)
            .get_view(self.env.ref("base.view_partner_form").id, "form")
        )
        self.assertIn(f'name="{action.id}"', view["arch"])


@tagged("post_install", "-at_install")
class TestOverviewCustomer(OverviewCase):
    def _read_customer(self, partner):
        return (
            self.env["chaser.overview.customer"]
            .with_user(self.accountant)
            .with_company(self.company)
            .read_customer(partner.id)
        )

    def test_figures(self):
        """Al Noor: B 350 is 44 days late, F 270 is 110; −100. It paid 1000 40 days late
        and 200 10 days late: 35 days. At the end of February it owed 600 + 1000 +
        270."""
        read = self._read_customer(self.customer)
        self.assertEqual(
            (read["buckets"]["days_31_60"], read["buckets"]["days_over_90"]),
            (350, 270),
        )
        self.assertEqual(read["buckets"]["credit"], -100)
        self.assertAlmostEqual(read["paid_late_by"], 35)
        months = {month["date"]: month for month in read["months"]}
        self.assertEqual(months["2025-02-28"]["open"], 1870)
        self.assertEqual(months["2025-03-31"]["paid"], 1200)
        self.assertEqual(months["2025-04-20"]["open"], 350 + 270 - 100)

    def test_the_same_when_months_are_kept(self):
        before = self._read_customer(self.customer)
        self.env["chaser.receivable.month"].sudo()._keep(self.company)
        self.assertEqual(self._read_customer(self.customer), before)

    def test_habits(self):
        """Two reminders on Sundays, one was answered; a machine's click is no
        reaction."""
        for day, event in ((2, "replied"), (9, "clicked")):
            reminder = (
                self.env["chaser.reminder"]
                .sudo()
                .create(
                    {
                        "company_id": self.company.id,
                        "partner_id": self.customer.id,
                        "language": "ar",
                        "state": "sent",
                        "sent_at": datetime(2025, 3, day, 8),
                    }
                )
            )
            self.env["chaser.event"].sudo().create(
                {
                    "reminder_id": reminder.id,
                    "company_id": self.company.id,
                    "event_type": event,
                    "verdict": "machine",
                    "source": "pixel",
                }
            )
        habits = self._read_customer(self.customer)["habits"]
        self.assertEqual(habits["weekday"], [{"key": "7", "number": 2, "reacted": 1}])
        self.assertEqual(habits["language"], [{"key": "ar", "number": 2, "reacted": 1}])

    def test_a_customer_without_anything(self):
        read = self._read_customer(self._make_customer("New", "new@x.example"))
        self.assertEqual((read["months"], read["paid_late_by"]), ([], None))

    def test_not_for_others(self):
        stranger = new_test_user(
            self.env,
            login="customer_stranger",
            groups="account.group_account_invoice",
            company_id=self.company.id,
        )
        with self.assertRaises(AccessError):
            self.env["chaser.overview.customer"].with_user(stranger).read_customer(
                self.customer.id
            )
