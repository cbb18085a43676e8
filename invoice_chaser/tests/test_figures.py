from datetime import timedelta

from odoo import fields
from odoo.exceptions import ValidationError
from odoo.tests import freeze_time, tagged

from ..core.mail import errors
from .common import FakeTransport
from .test_send import SendCase


@tagged("post_install", "-at_install")
class TestDelivery(SendCase):
    """What is known of delivery, with what is only supposed kept apart."""

    def _event(self, reminder, event_type):
        reminder._record_event(event_type, source="webhook")

    def test_three_kept_apart(self):
        campaign = self._customers(4)
        transport = FakeTransport(
            [None, None, errors.RecipientRefused("550 no", permanent=True)]
        )
        # The reminder of setUp goes first or last, as its amount says.
        self._run(transport)
        sent = campaign.reminder_ids.filtered(lambda one: one.state == "sent")
        self.assertGreaterEqual(len(sent), 3)
        self.assertIn(f"{len(sent)} accepted so far", campaign.delivery_display)
        self._event(sent[0], "delivered")
        self.env.invalidate_all()
        self.assertIn("1 confirmed", campaign.delivery_display)
        bounced = len(campaign.reminder_ids) - len(sent)
        self.assertAlmostEqual(campaign.delivery_rate, 100 * 1 / (1 + bounced))
        with freeze_time(self._later(hours=73)):
            self.env.invalidate_all()
            self.assertIn(
                f"{len(sent) - 1} without a bounce after 72 hours",
                campaign.delivery_display,
            )
            self.assertAlmostEqual(
                campaign.delivery_rate, 100 * len(sent) / len(campaign.reminder_ids)
            )
            # It comes back after all.
            self._event(sent[1], "bounced")
            self.env.invalidate_all()
            self.assertAlmostEqual(
                campaign.delivery_rate,
                100 * (len(sent) - 1) / len(campaign.reminder_ids),
            )

    def test_last_activity(self):
        self._run()
        moment = self._later(hours=5).replace(microsecond=0)
        self.reminder._record_event("replied", source="gateway", occurred_at=moment)
        self.env.invalidate_all()
        self.assertEqual(self.campaign.last_activity_at, moment)

    def test_mailbox(self):
        campaign = self._customers(4)
        self._run()
        reminders = campaign.reminder_ids | self.reminder
        self._event(reminders[0], "complained")
        self._event(reminders[1], "replied")
        self._event(reminders[2], "bounced")
        reminders[3]._record_event("opened", source="pixel", verdict="human")
        reminders[4]._record_event("opened", source="pixel", verdict="machine")
        self.env.invalidate_all()
        self.assertEqual(
            [
                self.provider[f"{name}_rate"]
                for name in ("complaint", "reply", "bounce", "open")
            ],
            [20, 20, 20, 20],
        )
        self.assertEqual(self.provider.used_month, 5)
        used = self.provider.last_used_at
        self.assertTrue(used)
        with freeze_time(self._later(days=91)):
            self.env.invalidate_all()
            self.assertEqual(self.provider.bounce_rate, 0, "of the last 90 days")
            self.assertEqual(self.provider.last_used_at, used)

    def test_the_same_whichever_way_it_is_read(self):
        """The quick way of campaigns and the way of everything else agree, whatever
        came back in whatever order, and after figures are kept."""
        campaign = self._customers(8)
        self._run()
        sent = campaign.reminder_ids
        for number, event_type in (
            *((0, "delivered"), (0, "bounced"), (1, "bounced"), (2, "delivered")),
            *((2, "delivered"), (3, "opened"), (4, "replied"), (5, "complained")),
        ):
            self._event(sent[number], event_type)
        sent[6].sudo().state = "failed"
        delivery = self.env["chaser.delivery"]
        names = ("sent", "confirmed", "presumed", "accepted", "bounced", "last_used")
        for hours in (0, 73):
            with freeze_time(self._later(hours=hours)):
                quick = delivery._read_campaigns(campaign.ids)[campaign.id]
                other = delivery._read("campaign_id", campaign.ids)[campaign.id]
                for name in names:
                    self.assertEqual(quick[name], other[name], name)
        self.assertEqual(
            [quick[name] for name in names[:5]], [len(sent) - 1, 1, len(sent) - 4, 0, 2]
        )

    def test_last_activity_of_what_is_kept(self):
        self._run()
        moment = self._later(hours=5).replace(microsecond=0)
        self.reminder._record_event("replied", source="gateway", occurred_at=moment)
        with freeze_time(self._later(days=2)):
            self.env["chaser.event.kept"].sudo()._keep()
            self.env.invalidate_all()
            self.assertEqual(self.campaign.last_activity_at, moment)
            later = self._later(days=1).replace(microsecond=0)
            self.reminder._record_event("opened", source="pixel", occurred_at=later)
            self.env.invalidate_all()
            self.assertEqual(self.campaign.last_activity_at, later)

    def test_queries_of_a_list(self):
        campaigns = self.campaign | self._customers(2) | self._customers(3)
        self._run()
        for some in (campaigns[:1], campaigns):
            self.env.flush_all()
            self.env.invalidate_all()
            with self.assertQueryCount(3):
                some.mapped("delivery_display")


@tagged("post_install", "-at_install")
class TestOneQuota(SendCase):
    """The limit is the account's, however many mailboxes name it."""

    def _twin(self, company=None, **values):
        company = company or self.env["res.company"].create({"name": "Elsewhere"})
        return self.env["chaser.provider"].create(
            {
                "company_id": company.id,
                "kind": "smtp",
                "email": self.provider.email.upper(),
                "smtp_host": "127.0.0.1",
                "daily_quota": 5,
                **values,
            }
        )

    def test_address_once_in_a_company(self):
        with (
            self.assertRaisesRegex(ValidationError, "already"),
            self.env.cr.savepoint(),
        ):
            self._twin(self.company)
        self.provider.active = False
        twin = self._twin(self.company)
        with (
            self.assertRaisesRegex(ValidationError, "already"),
            self.env.cr.savepoint(),
        ):
            self.provider.active = True
        twin.active = False
        self.provider.active = True

    def test_quota_of_two_records(self):
        self._run()
        twin = self._twin()
        self.assertEqual(twin.used_today, 1)
        self.assertEqual(twin.left_today, "4")
        attempts = twin._read_attempts(fields.Datetime.now())
        self.assertEqual(len(attempts[twin.id][0]), 1)

    def test_made_anew(self):
        """An archived mailbox made anew does not begin at 0."""
        self._run()
        self.provider.active = False
        twin = self._twin(self.company)
        self.assertEqual(twin.used_today, 1)

    def test_limit_holds(self):
        twin = self._twin()
        for _number in range(3):
            self.env["chaser.reminder"].sudo().create(
                {
                    "partner_id": self.customer.id,
                    "company_id": twin.company_id.id,
                    "provider_id": twin.id,
                    "channel": "email",
                    "state": "sent",
                    "recipient_email": "x@x.example",
                    "attempted_at": fields.Datetime.now() - timedelta(hours=1),
                }
            )
        self.provider.daily_quota = 3
        self.assertFalse(self._run().sent)
        self.assertEqual(self.reminder.reason_code, "limit_day")
        self.provider.daily_quota = 4
        self.assertEqual(len(self._run().sent), 1)

    def test_other_addresses_count_for_themselves(self):
        self._run()
        twin = self._twin(email="other@pop.example")
        self.assertEqual(twin.used_today, 0)
