"""Receivables on the overview: each figure on the ledger of `overview_common`, with
the calculation beside it."""

from datetime import date

from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged

from .overview_common import OverviewCase


@tagged("post_install", "-at_install")
class TestOverviewReceivables(OverviewCase):
    def _month(self, day, **filters):
        months = self._read(period=12, **filters)["receivables"]["months"]
        return next(month for month in months if month["date"] == day)

    def test_ageing_now(self):
        """Not due: D 500. 1–30: C 900 (1 day). 31–60: B 350 (7 March to 20 April: 44
        days). Over 90: F 270 (110 days). Credits: E −100."""
        now = self._read()["receivables"]["now"]
        self.assertEqual(
            now["buckets"],
            {
                "not_due": 500,
                "days_1_30": 900,
                "days_31_60": 350,
                "days_61_90": 0,
                "days_over_90": 270,
            },
        )
        self.assertEqual(now["credit"], -100)
        self.assertEqual(now["open"], 500 + 900 + 350 + 270)
        self.assertEqual(now["net"], 2020 - 100)
        self.assertEqual(now["overdue"], 900 + 350 + 270)
        self.assertAlmostEqual(now["overdue_share"], 100 * 1520 / 2020)
        self.assertEqual(now["over_60"], 270)
        self.assertEqual((now["item_count"], now["late_count"]), (4, 3))

    def test_open_late_by(self):
        """(900 × 1 + 350 × 44 + 270 × 110) / 1520 = 46000 / 1520."""
        now = self._read()["receivables"]["now"]
        self.assertAlmostEqual(now["open_late_by"], 46000 / 1520)

    def test_ageing_at_month_ends(self):
        """End of February: A 1000 is 28 days late, F 270 is 59, B 600 is not due. End
        of March: A is paid, B 350 is 24 days late, F is 90, C is not due."""
        february = self._month("2025-02-28")
        self.assertEqual(list(february["buckets"].values()), [600, 1000, 270, 0, 0])
        march = self._month("2025-03-31")
        self.assertEqual(list(march["buckets"].values()), [900, 350, 0, 270, 0])
        self.assertEqual(march["total"], 1520)
        january = self._month("2025-01-31")
        # A is due on that very day; F is 31 days late.
        self.assertEqual(list(january["buckets"].values()), [1000, 0, 300, 0, 0])

    def test_flows_of_march(self):
        """Sold 900 less the credit note of 50; paid 1000 and 200; credited 50."""
        march = self._month("2025-03-31")
        self.assertEqual(march["sales"], 850)
        self.assertEqual(march["paid"], 1200)
        self.assertEqual(march["credited"], 50)
        self.assertEqual(march["written_off"], 0)
        self.assertEqual(self._month("2025-02-28")["written_off"], 30)
        running = self._month("2025-04-20")
        self.assertEqual(running["sales"], 500 - 100)

    def test_paid_late_by_counts_money_only(self):
        """(1000 × 40 + 200 × 10) / 1200 days; neither the credit note of 50 nor the 30
        written off are in it."""
        march = self._month("2025-03-31")
        self.assertAlmostEqual(march["paid_late_by"], 42000 / 1200)
        period = self._read(period=3)["receivables"]["period"]
        self.assertAlmostEqual(period["paid_late_by"], 35)
        self.assertEqual(period["paid"], 1200)

    def test_dso_counts_back(self):
        """1920 owed. April sold 400 in 20 days, March 850 in 31, February 600 in 28:
        70 are left of January's 1000 in 31 days."""
        now = self._read()["receivables"]["now"]
        self.assertAlmostEqual(now["dso"], 20 + 31 + 28 + 31 * 70 / 1000)
        self.assertFalse(now["dso_is_more"])

    def test_best_possible_dso(self):
        """500 are not due, over 1850 sold in the 79 days of February to 20 April."""
        now = self._read()["receivables"]["now"]
        self.assertAlmostEqual(now["best_dso"], 79 * 500 / 1850)

    def test_dso_of_a_closed_month(self):
        """End of February: 1870. February 600 in 28 days, January 1000 in 31, December
        300 in 31: 270 of it."""
        february = self._month("2025-02-28")
        self.assertAlmostEqual(february["dso"], 28 + 31 + 31 * 270 / 300)

    def test_collection_effectiveness(self):
        """March: (1870 + 850 − 1520) / (1870 + 850 − 900)."""
        march = self._month("2025-03-31")
        self.assertAlmostEqual(march["effectiveness"], 100 * 1200 / 1820)

    def test_collection_effectiveness_of_the_period(self):
        """February: (1300 + 600 − 1870) of (1300 + 600 − 600); March: 1200 of 1820."""
        period = self._read(period=3)["receivables"]["period"]
        self.assertAlmostEqual(period["effectiveness"], 100 * 1230 / 3120)

    def test_roll_rates(self):
        """March: B 600 fell due and 350 of it are open; A 1000 (due in January) was
        paid; F 270 (due in December) stays whole. February: A rolls whole, F 270 of
        300."""
        rolls = self._read(period=12)["receivables"]["rolls"]
        months = {month["date"]: month for month in rolls["months"]}
        march, february = months["2025-03-31"], months["2025-02-28"]
        self.assertAlmostEqual(march["due"], 100 * 350 / 600)
        self.assertIsNone(march["one"])
        self.assertEqual((march["two"], march["three"]), (0, 100))
        self.assertEqual((february["one"], february["two"]), (100, 90))
        self.assertIsNone(february["due"])

    def test_each_currency_by_itself_and_together(self):
        """100 EUR at 2 EUR per USD: 50 in the total, 100 EUR in its own line."""
        euro = self.setup_other_currency("EUR", rates=[("2000-01-01", 2.0)])
        self._make_bill(100, date(2025, 4, 1), date(2025, 4, 10), currency_id=euro.id)
        receivables = self._read()["receivables"]
        self.assertEqual(receivables["now"]["buckets"]["days_1_30"], 950)
        own = {row["currency_id"]: row for row in receivables["by_currency"]}
        self.assertEqual(own[euro.id]["days_1_30"], 100)
        self.assertEqual(own[self.company.currency_id.id]["days_1_30"], 900)

    def test_salesperson_and_tag(self):
        """Beta Stores has C and D alone."""
        self.other.user_id = self.accountant
        tag = self.env["res.partner.category"].create({"name": "Retail"})
        self.customer.category_id = tag
        mine = self._read(user=self.accountant.id)["receivables"]
        self.assertEqual(mine["now"]["open"], 1400)
        tagged_ones = self._read(tag=tag.id)["receivables"]
        self.assertEqual(tagged_ones["now"]["open"], 350 + 270)
        month = self._month("2025-03-31", tag=tag.id)
        self.assertEqual(month["total"], 350 + 270)

    def test_only_active_companies(self):
        """A company that the user has not switched on is in no figure, whatever the
        browser asks for."""
        other = self._create_company(name="Elsewhere")
        self.accountant.company_ids += other
        read = self._read(company=other.id)
        self.assertEqual(read["receivables"]["now"]["open"], 2020)
        self.assertEqual(
            [company["id"] for company in read["filters"]["companies"]],
            [self.company.id],
        )
        both = (
            self.env["chaser.overview"]
            .with_user(self.accountant)
            .with_context(allowed_company_ids=[self.company.id, other.id])
        )
        self.assertEqual(
            both.read_overview({"company": other.id})["receivables"]["now"]["open"], 0
        )

    def test_a_currency_without_a_rate_is_in_no_total(self):
        """Odoo would take one for one."""
        other = self._create_company(name="Elsewhere")
        other.currency_id = self.env["res.currency"].create(
            {"name": "QQQ", "symbol": "Q", "active": True}
        )
        self.accountant.company_ids += other
        read = (
            self.env["chaser.overview"]
            .with_user(self.accountant)
            .with_context(allowed_company_ids=[self.company.id, other.id])
            .read_overview({})
        )
        self.assertEqual(read["without_rate"], ["QQQ"])

    def test_nothing_for_others(self):
        stranger = new_test_user(
            self.env,
            login="chaser_stranger",
            groups="account.group_account_invoice",
            company_id=self.company.id,
        )
        with self.assertRaises(AccessError):
            self._read(as_user=stranger)

    def test_filters_that_make_no_sense(self):
        """Whatever stands in an address, the page opens."""
        for filters in (
            None,
            [],
            {"period": "x", "company": "1;--", "user": -4, "tag": True},
            {"user": 2**40, "tag": 999_999_999},
        ):
            read = (
                self.env["chaser.overview"]
                .with_user(self.accountant)
                .read_overview(filters)
            )
            self.assertEqual(read["filters"]["period"], 6)

    def test_query_count(self):
        """However many customers and months."""
        for user in (self.accountant, self.env.user):
            self._read(as_user=user)
            with self.assertQueryCount(8):
                self._read(as_user=user, period=24, user=self.accountant.id)

    def test_it_changes_nothing(self):
        """A replica would refuse a change."""
        self.env.flush_all()
        self.env.cr.execute("SAVEPOINT readonly")
        self.env.cr.execute("SET TRANSACTION READ ONLY")
        self._read()
        self.env.cr.execute("ROLLBACK TO SAVEPOINT readonly")


@tagged("post_install", "-at_install")
class TestOverviewLinks(OverviewCase):
    """A click shows the records that the figure counts: their sum is the figure."""

    def _open(self, name, key=None, **filters):
        return (
            self.env["chaser.overview.link"]
            .with_user(self.accountant)
            .open_figure(name, key, filters)
        )

    def _sum(self, action, field):
        records = (
            self.env[action["res_model"]]
            .with_user(self.accountant)
            .search(action["domain"])
        )
        return sum(records.mapped(field))

    def test_each_bucket_leads_to_its_items(self):
        now = self._read()["receivables"]["now"]
        for name, amount in (now["buckets"] | {"credit": now["credit"]}).items():
            action = self._open("items", name)
            self.assertEqual(self._sum(action, "amount_residual"), amount, name)
        for name in ("overdue", "over_60", "open"):
            action = self._open("items", name)
            self.assertEqual(self._sum(action, "amount_residual"), now[name], name)

    def test_of_some_customers(self):
        self.other.user_id = self.accountant
        action = self._open("items", "open", user=self.accountant.id)
        self.assertEqual(self._sum(action, "amount_residual"), 1400)

    def test_a_month_leads_to_its_invoices(self):
        """March: C 900 and the credit note of 50."""
        action = self._open("month", "2025-03-31")
        self.assertEqual(self._sum(action, "amount_total_signed"), 850)

    def test_payments_of_a_month(self):
        action = self._open("month_paid", "2025-03-31")
        self.assertEqual(self._sum(action, "balance"), -1200)
        self.assertEqual(self._sum(self._open("payments", period=3), "balance"), -1200)

    def test_what_else_settled_something(self):
        """By the day on which it was matched, as the figures are: the credit note of 50
        in March, the 30 written off in February; E is set against nothing."""
        for name, day, amount in (
            ("month_credited", "2025-03-31", -50),
            ("month_credited", "2025-04-20", 0),
            ("month_written_off", "2025-02-28", -30),
            ("month_written_off", "2025-03-31", 0),
        ):
            self.assertEqual(self._sum(self._open(name, day), "balance"), amount, name)

    def test_bucket_of_a_currency(self):
        """And everything together: 2,020 open less the credit of 100."""
        euro = self.setup_other_currency("EUR", rates=[("2000-01-01", 0.5)])
        own, other = self.company.currency_id.id, euro.id
        for currency_id, amount in ((own, 900), (other, 0)):
            action = self._open("items", ["days_1_30", currency_id])
            self.assertEqual(self._sum(action, "amount_residual"), amount)
        now = self._read()["receivables"]["now"]
        self.assertEqual(
            self._sum(self._open("items", "all"), "amount_residual"), now["net"]
        )
        self.assertEqual(now["net"], 1920)

    def test_what_is_not_known_leads_nowhere(self):
        for name, key in (
            ("items", "nonsense"),
            ("items", None),
            ("items", ["open", "x"]),
            ("items", [None, 1]),
            ("month_credited", None),
            ("month", "x"),
            ("show", None),
            (None, None),
            (["items"], "open"),
        ):
            self.assertFalse(self._open(name, key))
