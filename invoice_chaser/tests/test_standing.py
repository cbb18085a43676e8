from datetime import timedelta

from odoo import fields
from odoo.tests import tagged

from .test_send import SendCase


@tagged("post_install", "-at_install")
class TestStanding(SendCase):
    """What came back from a customer, on the customer, in lists and in segments."""

    def setUp(self):
        super().setUp()
        self.env = self.env(user=self.accountant)
        self.other = self._make_customer("Other", "other@other.example")
        self._run()
        reminder = self.reminder.sudo()
        self.hour = fields.Datetime.now().replace(microsecond=0) + timedelta(hours=1)
        for event_type, verdict in (("opened", "human"), ("clicked", "machine")):
            reminder._record_event(
                event_type, source="pixel", verdict=verdict, occurred_at=self.hour
            )
        reminder._record_event("replied", source="gateway", occurred_at=self.hour)
        reminder._record_event("bounced", source="gateway", occurred_at=self.hour)
        self.env.invalidate_all()
        self.mine = self.customer.with_env(self.env)

    def _find(self, *leaf):
        found = self.env["res.partner"].search([leaf])
        return self.mine in found, self.other.with_env(self.env) in found

    def test_on_the_customer(self):
        self.assertRecordValues(
            self.mine,
            [
                {
                    "chaser_last_reminder_at": self.reminder.sent_at,
                    "chaser_last_opened_at": self.hour,
                    "chaser_last_clicked_at": False,
                    "chaser_last_answered_at": self.hour,
                    "chaser_bounce_count": 1,
                    "chaser_habit": "Answered 1 of 1 reminders",
                    "chaser_contact_status": "reachable",
                }
            ],
        )

    def test_searchable(self):
        day = fields.Datetime.now() - timedelta(days=1)
        for leaf, expected in (
            (("chaser_last_reminder_at", ">", day), (True, False)),
            (("chaser_last_reminder_at", "<", day), (False, False)),
            (("chaser_last_reminder_at", "=", False), (False, True)),
            (("chaser_last_answered_at", "!=", False), (True, False)),
            (("chaser_last_clicked_at", "!=", False), (False, False)),
            (("chaser_last_opened_at", "=", False), (False, True)),
            (("chaser_bounce_count", ">=", 1), (True, False)),
            (("chaser_bounce_count", "=", 0), (False, True)),
        ):
            with self.subTest(leaf):
                self.assertEqual(self._find(*leaf), expected)

    def test_contact_status(self):
        (self.customer | self.other).write({"customer_rank": 1})
        self.assertEqual(
            self._find("chaser_contact_status", "=", "reachable"), (True, True)
        )
        self.env["chaser.suppression"].sudo()._suppress(
            self.company, "other@other.example", "manual"
        )
        self.customer.email = False
        self.env.invalidate_all()
        self.assertEqual(
            self._find("chaser_contact_status", "=", "stopped"), (False, True)
        )
        self.assertEqual(
            self._find("chaser_contact_status", "=", "missing"), (True, False)
        )
        self.assertIn("stopped", self.other.with_env(self.env).chaser_contact_reason)

    def test_in_a_segment(self):
        segment = self.env["chaser.segment"].create(
            {
                "name": "Silent",
                "domain": "[('chaser_last_answered_at', '!=', False)]",
            }
        )
        self.assertEqual(segment._get_customers(), self.mine)

    def test_queries_of_a_list(self):
        customers = self.mine | self.other.with_env(self.env)
        for some in (customers[:1], customers):
            self.env.flush_all()
            self.env.invalidate_all()
            some.mapped("commercial_partner_id.name")
            with self.assertQueryCount(1):
                some.mapped("chaser_habit")

    def test_columns_of_reminders(self):
        """The moments and the kind of bounce are columns to search by, too."""
        reminder = self.reminder.sudo()
        reminder._record_event(
            "bounced",
            source="gateway",
            raw_data={"bounce_class": "hard", "words": "550 5.1.1 unknown"},
        )
        self.env.invalidate_all()
        self.assertEqual(reminder.replied_at, self.hour)
        self.assertEqual(reminder.bounce_class, "hard")
        self.assertEqual(reminder.bounce_reason, "550 5.1.1 unknown")
        self.assertEqual(reminder.sent_from, "accounts@pop.example")
        self.assertEqual(reminder.sent_from_name, "POP Accounts")
        self.assertEqual(reminder.saved_count, 1)
        Reminder = self.env["chaser.reminder"]
        for domain in (
            [("bounce_class", "=", "hard")],
            [("replied_at", "!=", False)],
            [("replied_at", ">=", self.hour)],
            [("unsubscribed_at", "=", False)],
        ):
            with self.subTest(domain):
                self.assertIn(self.reminder.with_env(self.env), Reminder.search(domain))
        self.assertFalse(Reminder.search([("unsubscribed_at", "!=", False)]))
        self.assertFalse(Reminder.search([("bounce_class", "=", "policy")]))
