import re
from contextlib import contextmanager
from unittest.mock import patch

from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import SQL

from ..models.move_in import chaser_import, run
from .move_in_common import MoveInCase


def make_csv(count, domain="l"):
    rows = "".join(
        f"{number},u{number}@{domain}.example,Name {domain} {number},t{number % 3}\n"
        for number in range(count)
    )
    return "contacts.csv", "id,email,name,tags\n" + rows


@tagged("post_install", "-at_install")
class TestMoveInLarge(MoveInCase):
    """Imports that go through the job, batch by batch."""

    def setUp(self):
        super().setUp()
        self.startPatcher(patch.object(chaser_import, "_AT_ONCE", 10))
        self.startPatcher(patch.object(run, "BATCH", 7))

    @contextmanager
    def _seconds(self, left):
        """What the scheduler grants after each batch."""
        answers = iter(left)

        def commit(_self, processed=0, *, remaining=None, deactivate=False):
            self.env.flush_all()
            return next(answers, 9.0)

        with patch.object(self.registry["ir.cron"], "_commit_progress", commit):
            yield

    def _imported(self, domain="l"):
        return self.env["res.partner"].search_count(
            [("email", "like", f"@{domain}.example")]
        )

    def test_the_job_goes_on_where_the_time_was_up(self):
        imp = self._import(make_csv(30))
        imp.action_check()
        # Each row counts once for each thing that it may hold.
        steps = len(imp.file_ids._get_steps())
        self.assertEqual((imp.state, imp.rows_total), ("checking", 30 * steps))
        with self.assertRaises(UserError):
            imp.action_check()
        Import = self.env["chaser.import"]
        with self._seconds([]):
            Import._cron_run()
        self.assertEqual((imp.state, imp.new_count), ("checked", 30))
        self.assertFalse(self._imported())
        imp.action_import()
        # The rows of opt-outs come first (5 batches of 7), then the customers.
        with self._seconds([9.0] * 6 + [0]):
            Import._cron_run()
        self.assertEqual(imp.state, "importing")
        self.assertEqual(self._imported(), 14)
        self.assertEqual(imp.rows_done, 44)
        self.assertAlmostEqual(imp.progress, 100 * 44 / (30 * steps))
        with self._seconds([]):
            Import._cron_run()
        self.assertEqual(imp.state, "done")
        self.assertEqual(self._imported(), 30)
        self.assertEqual(imp.new_count, 30)
        self.assertEqual(imp.progress, 100)

    def test_a_batch_that_fails_leaves_nothing_and_the_rest_can_go_on(self):
        imp = self._import(make_csv(30))
        imp.action_check()
        with self._seconds([]):
            self.env["chaser.import"]._cron_run()
        imp.action_import()
        take, calls = run.TableRun.take, []

        def broken(table, records):
            take(table, records)
            calls.append(table.step)
            if calls.count("contact") == 3 and len(calls) == calls.index("contact") + 3:
                raise RuntimeError("the disk is full")

        with patch.object(run.TableRun, "take", broken), self._seconds([]):
            self.env["chaser.import"]._cron_run()
        self.assertEqual(imp.state, "failed")
        self.assertIn("contacts.csv (Customer), rows 16 to 22", imp.message)
        self.assertIn("the disk is full", imp.message)
        self.assertIn("Of 30 rows of this step 14 have come in", imp.message)
        self.assertIn("go on with row 16", imp.message)
        self.assertEqual(self._imported(), 14, "no half batch")
        imp.action_import()
        with self._seconds([]):
            self.env["chaser.import"]._cron_run()
        self.assertEqual((imp.state, self._imported()), ("done", 30))
        self.assertEqual(imp.new_count, 30)

    def test_a_step_that_is_taken_at_once_comes_in_whole_or_not_at_all(self):
        self.startPatcher(patch.object(chaser_import, "_AT_ONCE", 9999))
        name, text = make_csv(30)
        rows = text.splitlines()
        rows[0] += ",status"
        rows[1:] = [
            row + (",unsubscribed" if n < 5 else ",") for n, row in enumerate(rows[1:])
        ]
        imp = self._check((name, "\n".join(rows)))
        take = run.TableRun.take

        def broken(table, records):
            take(table, records)
            if table.step == "contact" and records[-1].row > 22:
                raise RuntimeError("the disk is full")

        with patch.object(run.TableRun, "take", broken):
            imp.action_import()
        self.assertEqual(imp.state, "failed")
        self.assertIn("rows 23 to 29: the disk is full", imp.message)
        self.assertIn("Nothing of this step has come in", imp.message)
        self.assertFalse(self._imported(), "three batches before it are undone")
        self.assertNotIn("contact", imp.file_ids.figures, "nothing is counted")
        Suppression = self.env["chaser.suppression"]
        stopped = [("company_id", "=", self.company.id), ("email", "like", "@l.exa")]
        self.assertEqual(
            Suppression.search_count(stopped), 5, "the step before stays: opt-outs"
        )
        self.assertEqual((imp.cursor_row, imp.rows_done), (0, 30))
        imp.action_import()
        self.assertEqual((imp.state, self._imported()), ("done", 30))
        self.assertEqual(Suppression.search_count(stopped), 5)
        figures = self._figures(imp)
        self.assertEqual(figures["contact"], {"new": 30})
        self.assertEqual(figures["stopped"], {"new": 5})

    def test_a_check_that_was_stopped_is_no_leave_to_import(self):
        imp = self._import(make_csv(30))
        imp.action_check()
        imp.action_stop()
        with self.assertRaisesRegex(UserError, "Check the files first"):
            imp.action_import()

    def test_customers_are_found_by_indexes(self):
        """A batch of a large file must not read all contacts."""
        asked = []
        execute = type(self.env).execute_query

        def keep(env, query):
            asked.append(query)
            return execute(env, query)

        self.startPatcher(patch.object(chaser_import, "_AT_ONCE", 9999))
        csv = "contacts.csv", "email,name,vat\na@b.example,A,100123456700003\n"
        with patch.object(type(self.env), "execute_query", keep):
            self._check(csv)
        looks = [query for query in asked if "told.key" in query.code]
        self.assertEqual(len(looks), 3)
        self.env.cr.execute("SET LOCAL enable_seqscan = off")
        plans = {
            re.search(
                r"res_partner__?chaser_find_\w+",
                str(self.env.execute_query(SQL("EXPLAIN %s", query))),
            )[0]
            for query in looks
        }
        self.assertEqual(len(plans), 3, plans)

    def test_it_can_be_stopped_and_goes_on(self):
        imp = self._import(make_csv(30))
        imp.action_check()
        imp.action_stop()
        self.assertEqual(imp.state, "failed")
        imp.action_check()
        with self._seconds([]):
            self.env["chaser.import"]._cron_run()
        self.assertEqual(imp.state, "checked")

    def test_changed_files_must_be_checked_again(self):
        self.startPatcher(patch.object(chaser_import, "_AT_ONCE", 9999))
        imp = self._import(make_csv(5))
        imp.action_check()
        more = self._import(make_csv(5, "other")).attachment_ids
        imp.attachment_ids = [(4, more.id)]
        with self.assertRaisesRegex(UserError, "check them again"):
            imp.action_import()

    def test_queries_do_not_grow_with_the_rows_of_a_batch(self):
        self.startPatcher(patch.object(run, "BATCH", 500))
        self.startPatcher(patch.object(chaser_import, "_AT_ONCE", 9999))
        self._take_in(make_csv(3, "warm"))
        counts = {}
        for size in (20, 200):
            domain = f"q{size}"
            name, text = make_csv(size, domain)
            imp = self._check((name, text.replace("\n", f"\n{domain}", size)))
            self.env.flush_all()
            before = self.env.cr.sql_log_count
            imp.action_import()
            self.env.flush_all()
            counts[size] = self.env.cr.sql_log_count - before
            self.assertEqual(self._imported(domain), size)
        self.assertLess(counts[200] - counts[20], 60, counts)
