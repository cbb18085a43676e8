from unittest.mock import patch

from odoo.tests import tagged
from odoo.tools import SQL

from ..models.send.prepared import PreparedQueries
from .test_send import SendCase


@tagged("post_install", "-at_install")
class TestPrepared(SendCase):
    """Queries that are planned once a run give the same results as any other."""

    def _get_names(self):
        return {
            row[0]
            for row in self.env.execute_query(
                SQL(
                    r"SELECT name FROM pg_prepared_statements WHERE name LIKE "
                    r"'chaser\_%%'"
                )
            )
        }

    def test_answers_as_the_plain_query(self):
        queries = PreparedQueries(self.env.cr)
        for query in (
            SQL("SELECT 1 AS one"),
            SQL(
                "SELECT id, name FROM res_partner WHERE id = ANY(%s) AND name LIKE %s "
                "ORDER BY id",
                [self.customer.id, self.company.partner_id.id],
                "%",
            ),
            SQL("SELECT id FROM res_partner WHERE id = ANY(%s)", []),
            SQL(
                "SELECT name LIKE 'Al%%' AS is_al, %s::int AS nothing FROM "
                "res_partner WHERE id = %s",
                None,
                self.customer.id,
            ),
            SQL(
                "SELECT p.id FROM res_partner p WHERE %s AND active = %s",
                SQL("p.id = %s", self.customer.id),
                True,
            ),
            SQL(
                "SELECT id FROM res_partner WHERE name = %s",
                "x'; DROP TABLE res_partner; --",
            ),
        ):
            for _again in range(8):  # PostgreSQL uses its generic plan after the fifth
                self.assertEqual(queries.ask(query), self.env.execute_query_dict(query))

    def test_planned_once_and_with_new_values(self):
        queries, second = (
            PreparedQueries(self.env.cr),
            self._make_customer("Second", "second@x.example"),
        )
        for partner in (self.customer, second, self.customer):
            self.assertEqual(
                queries.ask(
                    SQL("SELECT name FROM res_partner WHERE id = %s", partner.id)
                ),
                [{"name": partner.name}],
            )
        self.assertEqual(len(self._get_names()), 1)

    def test_stays_over_a_rollback(self):
        queries, query = (
            PreparedQueries(self.env.cr),
            SQL("SELECT name FROM res_partner WHERE id = %s", self.customer.id),
        )
        with self.env.cr.savepoint() as savepoint:
            first = queries.ask(query)
            savepoint.rollback()
        self.assertEqual(queries.ask(query), first)

    def test_the_next_run_clears_away(self):
        PreparedQueries(self.env.cr).ask(SQL("SELECT 1 AS one"))
        former = self._get_names()
        PreparedQueries(self.env.cr).ask(SQL("SELECT 2 AS two"))
        self.assertEqual(len(self._get_names()), 1)
        self.assertFalse(self._get_names() & former)

    def test_a_job_asks_the_same_few_for_all_messages(self):
        """Else each message would leave a statement behind."""
        self._run()
        asked, ask = set(), PreparedQueries.ask

        def count(own, query):
            asked.add(query.code)
            return ask(own, query)

        self.campaign.action_cancel()
        self._customers(6)
        with patch.object(PreparedQueries, "ask", count):
            self.assertEqual(len(self._run().sent), 6)
        self.assertEqual(len(asked), 6)
