import re
from unittest.mock import patch

from odoo.api import Environment
from odoo.tests import tagged
from odoo.tools import SQL

from .common import ChaserCase

_COPIES = 20_000


@tagged("post_install", "-at_install")
class TestPlanIndexes(ChaserCase):
    """With many rows, and every kind of plan allowed, PostgreSQL uses the intended
    indexes for the main queries."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.people = [
            cls._make_customer(f"I{number}", f"i{number}@x.example")
            for number in range(12)
        ]
        for customer in cls.people:
            cls._make_invoice(customer)

    def _copy(self, table, source_id, **values):
        """Many copies of a row; ``values``: column → SQL, ``n`` counts the copies."""
        self.cr.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_name = "
            "%s AND column_name <> 'id' AND is_generated = 'NEVER'",
            [table],
        )
        columns = [name for (name,) in self.cr.fetchall()]
        picked = [
            SQL(values[name]) if name in values else SQL.identifier("t", name)
            for name in columns
        ]
        self.cr.execute(
            SQL(
                "INSERT INTO %s (%s) SELECT %s FROM %s t, generate_series(1, %s) n "
                "WHERE t.id = %s",
                SQL.identifier(table),
                SQL(", ").join(map(SQL.identifier, columns)),
                SQL(", ").join(picked),
                SQL.identifier(table),
                _COPIES,
                source_id,
            )
        )
        self.cr.execute(SQL("ANALYZE %s", SQL.identifier(table)))

    def _explain(self, call):
        """The plans of all queries that ``call`` makes through ``execute_query``, as
        one text per query."""
        asked, real = [], Environment.execute_query

        def record(env, query):
            asked.append(query)
            return real(env, query)

        with patch.object(Environment, "execute_query", record):
            call()
        plans = []
        for query in asked:
            self.cr.execute(SQL("EXPLAIN %s", query))
            plans.append("\n".join(row[0] for row in self.cr.fetchall()))
        return plans

    def _assert_uses(self, plans, table, *indexes):
        """One of the indexes, where several serve as well, and never the whole
        table."""
        # PostgreSQL numbers an alias that stands several times in a query.
        read = re.compile(rf" on {table}(_\d+)? ")
        about = [plan for plan in plans if read.search(plan)]
        self.assertTrue(about, f"no query reads {table}: {plans}")
        for plan in about:
            self.assertTrue(any(index in plan for index in indexes), plan)
            self.assertNotRegex(plan, rf"Seq Scan on {table}(_\d+)? ")

    def test_open_items(self):
        """The books keep everything that was ever paid, also of who owes something now;
        the daily run reads what is open."""
        paid = self._make_invoice(self.people[0], amount=5)
        self._pay(paid)
        self.env.flush_all()
        self._copy("account_move_line", self._receivable(paid).id)
        Planner = self.env["chaser.planner"]
        plans = self._explain(lambda: Planner._plan_open(self.company))
        # What is open, and what was written about the same items.
        reads = [plan for plan in plans if "account_move_line l" in plan]
        self.assertTrue(any("chaser_reminder_line x" in plan for plan in reads))
        self._assert_uses(
            reads, "account_move_line l", "account_move_line_unreconciled_index"
        )

    def test_history(self):
        """Years of reminders; a few customers are planned."""
        self._sent_campaign(self._make_invoice(days=20))
        reminder = self.env["chaser.reminder"].search(
            [("partner_id", "=", self.customer.id)], limit=1
        )
        other = self.people[0]
        self.env.flush_all()
        self._copy(
            "chaser_reminder",
            reminder.id,
            token="md5(n::text)",
            page_token="md5('p' || n)",
            pixel_token="md5('o' || n)",
            stop_token="md5('s' || n)",
            reply_token="md5('r' || n)",
            partner_id=f"{other.id}",
            message_id="n::text",
        )
        self._copy(
            "chaser_reminder_line",
            reminder.line_ids[:1].id,
            move_line_id="NULL::int",
            reminder_id="t.reminder_id",
        )
        Planner = self.env["chaser.planner"]
        lines = self._receivable(self.people[1].invoice_ids).ids
        contacts = self._explain(
            lambda: Planner._read_contacts(self.people[1], self.company)
        )
        history = self._explain(
            lambda: self.env["chaser.reminder.line"]._read_level_history(
                lines, self.company
            )
        )
        self._assert_uses(
            contacts,
            "chaser_reminder r",
            "chaser_reminder_contact_idx",
            "chaser_reminder__partner_id_index",
        )
        self._assert_uses(
            contacts,
            "chaser_reminder_line x",
            "chaser_reminder_line__move_line_id_index",
        )
        self._assert_uses(
            history,
            "chaser_reminder_line l",
            "chaser_reminder_line__move_line_id_index",
        )
