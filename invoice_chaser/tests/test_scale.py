"""Figures of many events: kept, exact, and read by indexes."""

import random
from datetime import timedelta

from odoo import fields
from odoo.tests import tagged
from odoo.tools import SQL

from ..models.reminder import chaser_event_kept
from ..models.webhook import chaser_retention
from .test_send import SendCase

_KINDS = ("delivered", "opened", "clicked", "replied", "bounced", "unsubscribed")
_VERDICTS = ("human", "machine", "unknown", None)


@tagged("post_install", "-at_install")
class TestKept(SendCase):
    def setUp(self):
        super().setUp()
        self.kept = self.env["chaser.event.kept"].sudo()
        self.many = self._customers(6)
        self._run()
        self.reminders = (self.many | self.campaign).reminder_ids
        self.dice = random.Random(3)

    def _add(self, count, age_hours):
        """Random events, stored so many hours ago."""
        self.env.flush_all()
        at = fields.Datetime.now() - timedelta(hours=age_hours)
        for _number in range(count):
            reminder = self.dice.choice(self.reminders)
            self.env.cr.execute(
                SQL(
                    """INSERT INTO chaser_event (reminder_id, campaign_id, company_id,
                    partner_id, event_type, source, verdict, occurred_at, create_date)
                    VALUES (%s, %s, %s, %s, %s, 'pixel', %s, %s, %s)""",
                    reminder.id,
                    reminder.campaign_id.id,
                    reminder.company_id.id,
                    reminder.partner_id.id,
                    self.dice.choice(_KINDS),
                    self.dice.choice(_VERDICTS),
                    at,
                    at,
                )
            )
        self.env.invalidate_all()

    def _count(self, campaign, kind, people=True):
        """By hand, from every event."""
        self.env.cr.execute(
            "SELECT reminder_id, verdict FROM chaser_event WHERE campaign_id = %s AND "
            "event_type = %s",
            [campaign.id, kind],
        )
        return len(
            {
                one
                for one, verdict in self.env.cr.fetchall()
                if (verdict != "machine") == people
            }
        )

    def _check(self):
        self.env.invalidate_all()
        for campaign in self.many | self.campaign:
            for kind in _KINDS:
                self.assertEqual(
                    campaign[f"{kind}_count"], self._count(campaign, kind), kind
                )
            for kind in ("opened", "clicked"):
                self.assertEqual(
                    campaign[f"machine_{kind}_count"],
                    self._count(campaign, kind, people=False),
                )
        self._check_templates()

    def _check_templates(self):
        versions = self.reminders.template_version_id
        for version in versions:
            mine = self.reminders.filtered(
                lambda one, version=version: one.template_version_id == version
            )
            self.assertEqual(version.usage_count, len(mine))
            opened = {
                event.reminder_id
                for event in mine.event_ids
                if event.event_type == "opened" and event.verdict != "machine"
            }
            self.assertAlmostEqual(version.open_rate, 100 * len(opened) / len(mine))
        template = versions.template_id[0]
        own = self.reminders.filtered(
            lambda one: one.template_version_id.template_id == template
        )
        self.assertEqual(template.usage_count, len(own))

    def test_whatever_is_kept_the_figures_are_those_of_all_events(self):
        self._check()
        self._add(30, 48)
        self._check()
        self.kept._keep()
        self.assertTrue(self.kept._get_until())
        self._check()
        self._add(30, 0)
        self._check()
        self._add(30, 3)
        self.kept._keep()
        self._check()
        self.kept._keep()
        self._check()

    def test_in_steps(self):
        self.patch(chaser_event_kept, "_STEP", 7)
        self._add(40, 5)
        self.kept._keep()
        self._check()
        self.assertEqual(self.kept._get_until(), self.kept._get_last_old())

    def test_young_events_are_not_kept_yet(self):
        self._add(10, 0)
        self.kept._keep()
        self.env.cr.execute("SELECT max(id) FROM chaser_event")
        [last] = self.env.cr.fetchone()
        self.assertLess(self.kept._get_until(), last)
        self._check()

    def test_a_changed_verdict_is_put_right_with_the_next_event(self):
        self._add(30, 5)
        self.kept._keep()
        self.env.cr.execute("UPDATE chaser_event SET verdict = 'machine'")
        self._add(30, 2)
        self.kept._keep()
        self._check()

    def test_queries_do_not_grow_with_events(self):
        def count():
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            (self.many | self.campaign).mapped("opened_count")
            return self.env.cr.sql_log_count - before

        few = count()
        self._add(60, 5)
        self.kept._keep()
        self.assertLessEqual(count(), few)


@tagged("post_install", "-at_install")
class TestPlans(SendCase):
    """What PostgreSQL can use where the tables are large: asked with sequential scans
    switched off, because these tables are small."""

    def _explain(self, query):
        self.env.flush_all()
        self.env.cr.execute("SET LOCAL enable_seqscan = off")
        rows = self.env.execute_query(SQL("EXPLAIN %s", query))
        self.env.cr.execute("SET LOCAL enable_seqscan = on")
        return "\n".join(row[0] for row in rows)

    def _assert_indexed(self, query, *tables):
        plan = self._explain(query)
        for table in tables:
            self.assertNotIn(f"Seq Scan on {table} ", plan + " ", plan)

    def test_new_events_are_found_by_their_ids(self):
        kept = self.env["chaser.event.kept"].sudo()
        self._run()
        self.env.cr.execute(
            "UPDATE chaser_event SET create_date = now() - interval '1d'"
        )
        kept._keep()
        query = kept._get_since_sql(SQL("e.campaign_id"), self.campaign.ids, None)
        self._assert_indexed(query, "chaser_event", "chaser_event o")
        self.assertIn("chaser_event_pkey", self._explain(query))
        self.assertIn("chaser_event_reminder_idx", self._explain(query))

    def test_what_is_to_be_forgotten_has_an_index_of_its_own(self):
        retention, statements = self.env["chaser.retention"], []
        self.company.chaser_retention_days = 30
        self.patch(
            type(retention),
            "_forget",
            lambda _self, statement: statements.append(statement) or (0, 0),
        )
        retention._gc_events()
        query = SQL(
            statements[0],
            company=self.company.id,
            before=fields.Datetime.now(),
            batch=10,
        )
        # With so few rows the index over all is as good; here it is away.
        self.env.cr.execute("DROP INDEX chaser_event_company_time_idx")
        self.assertIn("chaser_event_forget_idx", self._explain(query))

    def test_the_queue_of_a_mailbox(self):
        plan = self._explain(
            SQL(
                "SELECT r.id FROM %s ORDER BY r.priority DESC, r.id LIMIT 5",
                self.provider._get_queue_sql(),
            )
        )
        self.assertIn("chaser_reminder_queue_idx", plan)

    def test_retention_takes_one_batch_at_a_time(self):
        self._run()
        retention = self.env["chaser.retention"]
        self.company.chaser_retention_days = 1
        self.env.cr.execute(
            "UPDATE chaser_event SET ip_address = '1.2.3.4', occurred_at = now() - "
            "interval '9 days'"
        )
        self.env.cr.execute(
            "INSERT INTO chaser_event (reminder_id, company_id, event_type, source, "
            "occurred_at, ip_address) SELECT reminder_id, company_id, 'opened', "
            "'pixel', occurred_at, ip_address FROM chaser_event, generate_series(1, 4)"
        )
        self.patch(chaser_retention, "_BATCH", 3)
        done, left = retention._gc_events()
        self.assertEqual((done, bool(left)), (3, True))
        self.assertEqual(retention._gc_events()[0], 2)
        self.assertEqual(retention._gc_events(), (0, 0))
