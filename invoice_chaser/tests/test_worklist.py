"""The worklist: who is on it, in which order, and that its score is the planner's."""

from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.tests import tagged

from ..core.plan.priority import compute_priority
from .common import ChaserCase


@tagged("post_install", "-at_install")
class TestWorklist(ChaserCase):
    def _rows(self, user=None):
        self.env["chaser.worklist"].invalidate_model()
        return (
            self.env["chaser.worklist"]
            .with_user(user or self.accountant)
            .search([("company_id", "=", self.company.id)])
        )

    def _row(self, partner=None):
        return self._rows().filtered(
            lambda row: row.partner_id == (partner or self.customer)
        )

    def test_one_row_per_customer_with_what_is_overdue(self):
        self._make_invoice(amount=1000, days=20)
        self._make_invoice(amount=500, days=5)
        self._make_invoice(amount=700, days=-10)
        row = self._row()
        self.assertEqual(
            (row.item_count, row.amount_overdue, row.amount_due, row.days_overdue),
            (2, 1500, 1500, 20),
        )
        self.assertEqual(row.date_oldest, self.today - timedelta(days=20))

    def test_ageing_in_the_row(self):
        """The shares of what is open, by days overdue; 30 belongs to the first month,
        31 to the second."""
        for amount, days in ((100, -5), (200, 1), (300, 30), (150, 31), (250, 91)):
            self._make_invoice(amount=amount, days=days)
        parts = self._row().ageing
        self.assertEqual(
            [(part["label"], round(part["share"])) for part in parts],
            [
                ("Not due", 10),
                ("1 to 30 days", 50),
                ("31 to 60 days", 15),
                ("Over 90 days", 25),
            ],
        )
        self.assertIn("500.00", parts[1]["amount"])
        arabic = self._row().with_context(lang="ar_001").ageing
        self.assertNotEqual(arabic[0]["label"], "Not due")

    def test_no_chase_for_whom_it_cannot_reach(self):
        """The button is there for who would get a message today; the next step says why
        the others would not (A26)."""
        stopped = self._make_customer("Stopped Stores", "stopped@x.example")
        silent = self._make_customer("Silent Stores", False)
        for partner in (self.customer, stopped, silent):
            self._make_invoice(partner)
        self.env["chaser.suppression"]._suppress(
            self.company, "stopped@x.example", "manual"
        )
        self.assertTrue(self._row().can_chase)
        for partner in (stopped, silent):
            self.assertFalse(self._row(partner).can_chase, partner.name)
            self.assertTrue(self._row(partner).next_step)

    def test_activities_of_the_customers(self):
        self._make_invoice()
        action = self._rows().action_view_activities()
        self.assertEqual(action["views"][0][1], "activity")
        self.assertEqual(
            self.env[action["res_model"]].search(action["domain"]), self.customer
        )

    def test_a_reason_is_said_once(self):
        """Also where several messages wait for it (A10)."""
        self.customer.consolidation_preference = "disabled"
        for _number in range(3):
            invoice = self._make_invoice(days=20)
            invoice.line_ids.no_followup = True
        reasons = self._row().next_step.split(" · ")
        self.assertEqual(len(reasons), len(set(reasons)))

    def test_nobody_without_overdue_items(self):
        self._make_invoice(days=-1)
        self._make_invoice(days=30, post=False)
        paid = self._make_invoice(days=30)
        self._pay(paid)
        self.assertFalse(self._rows())

    def test_due_today_is_not_overdue(self):
        self._make_invoice(days=0)
        self.assertFalse(self._rows())

    def test_credits_are_taken_off(self):
        self._make_invoice(amount=1000, days=20)
        self._make_invoice(amount=300, days=3, move_type="out_refund")
        row = self._row()
        self.assertEqual(
            (row.amount_overdue, row.amount_credit, row.amount_due), (1000, 300, 700)
        )

    def test_contacts_belong_to_their_company(self):
        contact = self.env["res.partner"].create(
            {
                "name": "Buyer",
                "parent_id": self.customer.id,
                "email": "b@alnoor.example",
            }
        )
        self._make_invoice(amount=100, days=20)
        self._make_invoice(partner=contact, amount=200, days=8)
        self.assertEqual(self._row().amount_overdue, 300)

    def test_foreign_currency_counts_in_the_company_s(self):
        currency = self.setup_other_currency("EUR", rates=[("2000-01-01", 0.5)])
        self._make_invoice(amount=100, days=20, currency=currency)
        self.assertEqual(self._row().amount_overdue, 200)

    def test_currency_without_a_rate(self):
        """Odoo books 1 for 1 where nobody has entered a rate. The amount stands in its
        own currency and in no other; the customer is to be chased all the same."""
        currency = self.setup_other_currency("EUR", rates=[])
        currency.rate_ids.unlink()
        self._make_invoice(amount=100, days=20, currency=currency)
        [row] = self._rows().search(self.env["chaser.worklist"]._get_todo_domain())
        self.assertEqual(row.partner_id, self.customer)
        self.assertEqual((row.amount_overdue, row.amount_due), (0, 0))
        self.assertFalse(row.ageing)
        self.assertIn("100.00", row.amounts_display)
        self.assertIn(currency.symbol, row.amounts_display)
        self._make_invoice(amount=70, days=20)
        self._make_invoice(amount=20, days=20, move_type="out_refund")
        row = self._row()
        self.assertEqual(
            (row.amount_overdue, row.amount_credit, row.amount_due), (70, 20, 50)
        )
        self.assertIn("50.00", row.amounts_display)
        self.assertIn("100.00", row.amounts_display)

    def test_total_over_companies_needs_a_rate(self):
        """Two companies of different currencies: no total and no sum of a group until
        there is a rate."""
        other = self._create_company(name="Second Company")
        currency = self.setup_other_currency("EUR", rates=[])
        currency.rate_ids.unlink()
        other.currency_id = currency
        self._work_in(self.company | other)
        Worklist = self.env["chaser.worklist"]
        for known in (False, True):
            if known:
                self.env["res.currency.rate"].create(
                    {
                        "name": "2020-01-01",
                        "currency_id": currency.id,
                        "company_id": self.company.id,
                        "rate": 0.5,
                    }
                )
            views = Worklist.get_views([(False, "list")])
            self.assertEqual(
                'name="amount_due" sum=' in views["views"]["list"]["arch"], known
            )
            fields = views["models"]["chaser.worklist"]["fields"]
            self.assertEqual("aggregator" in fields["amount_due"], known)
            self.assertTrue(fields["item_count"]["aggregator"])

    def test_most_urgent_first(self):
        small, old, big = (
            self._make_customer(name, f"{name}@x.example")
            for name in ("small", "old", "big")
        )
        self._make_invoice(partner=small, amount=100, days=5)
        self._make_invoice(partner=old, amount=100, days=200)
        self._make_invoice(partner=big, amount=50_000, days=5)
        self.assertEqual(
            self._rows().mapped("partner_id.name"), ["big", "old", "small"]
        )

    def test_score_is_the_planners(self):
        """The worklist's SQL and `core.priority` are one formula: compared over
        amounts, ages, trust, promises and answers."""
        partners = [self._make_customer(f"C{n}", f"c{n}@x.example") for n in range(7)]
        for n, partner in enumerate(partners):
            self._make_invoice(
                partner=partner, amount=37.0 * (n + 1) ** 3, days=3 + 17 * n
            )
            partner.with_company(self.company).trust = ("good", "normal", "bad")[n % 3]
        self._make_invoice(amount=90_000, days=-20)
        Worklist = self.env["chaser.worklist"]
        for n, partner in enumerate(partners):
            self._make_promises(partner, kept=n % 4, broken=n % 3)
        receivables = Worklist._read_receivables(self.company)
        records = Worklist._read_records(
            self.company, [partner.id for partner in partners]
        )
        self.assertEqual(
            receivables, 90_000 + sum(37.0 * (n + 1) ** 3 for n in range(7))
        )
        for n, partner in enumerate(partners):
            row = self._row(partner)
            wanted = compute_priority(
                37.0 * (n + 1) ** 3,
                receivables,
                3 + 17 * n,
                ("good", "normal", "bad")[n % 3],
                records.get(partner.id),
            )
            self.assertEqual(
                (
                    row.priority_amount,
                    row.priority_age,
                    row.priority_trust,
                    row.priority_promises,
                    row.priority_answers,
                ),
                (
                    wanted.amount,
                    wanted.age,
                    wanted.trust,
                    wanted.promises,
                    wanted.answers,
                ),
                partner.name,
            )
            self.assertEqual(row.priority, wanted.score)

    def _make_promises(self, partner, kept=0, broken=0):
        for state, count in (("kept", kept), ("broken", broken)):
            for _n in range(count):
                promise = self.env["chaser.promise"].create(
                    {
                        "company_id": self.company.id,
                        "partner_id": partner.id,
                        "amount": 10,
                        "currency_id": self.company.currency_id.id,
                        "date_promised": self.today + timedelta(days=3),
                        "source": "phone",
                    }
                )
                promise.sudo().state = state

    def test_history_in_words(self):
        self._make_invoice(days=20)
        self._make_promises(self.customer, kept=7, broken=2)
        row = self._row()
        self.assertEqual(row.promises_display, "kept 7 of 9")
        self.assertFalse(row.answered_display)

    def test_answers_lower_the_score(self):
        campaign = self._sent_campaign(self._make_invoice(days=20))
        silent = self._row()
        self.assertEqual(
            (silent.reminder_total, silent.answered_total, silent.priority_answers),
            (1, 0, 5),
        )
        campaign.reminder_ids._record_event("replied", source="gateway")
        answered = self._row()
        self.assertEqual(
            (
                answered.answered_total,
                answered.priority_answers,
                answered.answered_display,
            ),
            (1, 0, "answered 1 of 1"),
        )

    def test_reminder_on_its_way_and_pause_and_hold(self):
        invoice = self._make_invoice(days=20)
        self.assertFalse(self._row().is_held or self._row().is_under_way)
        self._campaign(invoice)
        self.assertTrue(self._row().is_under_way)
        self.customer.with_company(self.company).chaser_paused_until = (
            self.today + timedelta(days=1)
        )
        self.assertTrue(self._row().is_held)
        self.customer.with_company(self.company).chaser_paused_until = (
            self.today - timedelta(days=1)
        )
        row = self._row()
        row = self._row()
        self.assertFalse(row.is_held)
        self.env["chaser.hold"]._hold(
            self.company, self.customer, "manual", moves=invoice
        )
        row = self._row()
        self.assertFalse(row.is_held, "one invoice is held, the customer is not")
        hold = self.env["chaser.hold"]._hold(
            self.company, self.customer, "manual", detail="calls on Monday"
        )
        row = self._row()
        self.assertTrue(row.is_held)
        self.assertIn("calls on Monday", row.hold_display)
        hold.action_release()
        row = self._row()
        self.assertFalse(row.is_held)

    def test_actions_open_what_they_say_for_this_customer(self):
        self._make_invoice(days=20)
        row = self._row()
        for action, model in (
            (row.action_chaser_hold(), "chaser.hold"),
            (row.action_chaser_promise(), "chaser.promise"),
            (row.action_chaser_dispute(), "chaser.dispute"),
            (row.action_call(), "chaser.call"),
        ):
            made = (
                self.env[model]
                .with_user(self.accountant)
                .with_context(**action["context"])
                .new({})
            )
            self.assertEqual(
                (action["res_model"], made.partner_id, made.company_id),
                (model, self.customer, self.company),
            )
        self.assertEqual(row.action_chase()["res_model"], "chaser.preview")

    def test_next_passes_over_those_held_or_written_to(self):
        first, held, written, last = (
            self._make_customer(name, f"{name}@x.example")
            for name in ("first", "held", "written", "last")
        )
        for partner, amount in (
            (first, 4000),
            (held, 3000),
            (written, 2000),
            (last, 1000),
        ):
            invoice = self._make_invoice(partner=partner, amount=amount, days=20)
            if partner == written:
                self._campaign(invoice)
        held.with_company(self.company).chaser_paused_until = self.today
        rows = {row.partner_id: row for row in self._rows()}
        self.assertEqual(rows[first]._get_next().partner_id, last)
        self.assertEqual(
            rows[last]._get_next().partner_id, first, "after the last the first again"
        )
        self.assertEqual(rows[first].action_next()["res_id"], rows[last].id)

    def test_constant_number_of_queries(self):
        """Also with the daily run on, when the next step asks the simulator."""
        self.company.chaser_daily = True
        self._make_invoice(days=20)
        self.env.flush_all()

        def count():
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            rows = self._rows()
            rows.mapped("priority")
            rows.mapped("next_step")
            return self.cr.sql_log_count - before

        count()
        few = count()
        for n in range(30):
            self._make_invoice(
                partner=self._make_customer(f"C{n}", f"c{n}@x.example"), days=n + 1
            )
        self.env.flush_all()
        self.assertLessEqual(count(), few + 2)

    def test_the_list_is_one_pass_and_its_count(self):
        """As the browser asks for it: whatever the columns, all customers are read
        once, and once to count them."""
        self._make_invoice(days=20)
        Worklist = self.env["chaser.worklist"].with_user(self.accountant)
        columns = (
            "partner_id",
            "priority",
            "amount_due",
            "currency_id",
            "item_count",
            "days_overdue",
            "promises_display",
            "answered_display",
            "is_held",
        )
        asked, real = [], type(self.cr).execute

        def record(cr, query, params=None, log_exceptions=True):
            asked.append(str(getattr(query, "code", query)))
            return real(cr, query, params, log_exceptions)

        with patch.object(type(self.cr), "execute", record):
            Worklist.web_search_read(
                [("is_held", "=", False)], {name: {} for name in columns}, limit=1
            )
        self.assertEqual(sum("due AS MATERIALIZED" in query for query in asked), 2)

    def test_ids_are_stable_and_tell_companies_apart(self):
        self._make_invoice(days=20)
        first = self._row().id
        self._make_invoice(
            partner=self._make_customer("Other", "o@x.example"), days=90, amount=9999
        )
        self.assertEqual(self._row().id, first)
        self.assertEqual(first % (1 << 32), self.customer.id)
        self.assertEqual(first >> 32, self.company.id)

    def test_another_company_s_customers_are_not_seen(self):
        other = self.setup_other_company()["company"]
        partner = self._make_customer("Shared", "s@x.example")
        invoice = (
            self.env["account.move"]
            .with_company(other)
            .create(
                {
                    "move_type": "out_invoice",
                    "partner_id": partner.id,
                    "company_id": other.id,
                    "invoice_date": self.today - timedelta(days=40),
                    "invoice_date_due": self.today - timedelta(days=30),
                    "invoice_line_ids": [
                        fields.Command.create(
                            {"name": "x", "price_unit": 10, "tax_ids": False}
                        )
                    ],
                }
            )
        )
        invoice.action_post()
        self.assertNotIn(
            partner,
            self.env["chaser.worklist"]
            .with_user(self.accountant)
            .search([])
            .partner_id,
        )
        self.assertIn(
            partner,
            self.env["chaser.worklist"]
            .sudo()
            .search([("company_id", "=", other.id)])
            .partner_id,
        )
