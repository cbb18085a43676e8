from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

from odoo import fields
from odoo.tests import freeze_time, tagged

from ..core.mail import errors
from .common import FakeTransport
from .test_send import SendCase

# A Saturday.
_CLOSED = "2026-11-21 06:00:00"

# What ends by itself within minutes, or where waiting is itself what a person wants.
_BY_ITSELF = {
    "busy": "an invoice that another transaction changes: a minute",
    "retry": "one message; the next attempt has its moment",
    "fell_back": "leaves at once, by the next channel",
    "documents": "the job of the PDFs ends it: test_send_documents",
    "in_turn": "no wait: what leaves next",
    "spread": "the campaign's own duration",
    "window_never": "as window, by the same hook",
}


@tagged("post_install", "-at_install")
class TestWaiting(SendCase):
    """Each reason for which something waits: it begins, it is said on reminder and
    campaign with the moment, its cause goes, and so does the wait."""

    def _assert_said(self, code, until=True):
        reminder = self.reminder
        self.assertEqual(reminder.state, "queued", reminder.reason)
        shown = reminder._read_shown_reasons()[reminder]
        self.assertEqual(shown[0], code)
        self.assertEqual(bool((shown[1] or {}).get("until")), until, shown)
        self.assertTrue(reminder.reason)
        if self.campaign.state == "sending":
            self.assertEqual(self.campaign.reason, reminder.reason)

    def _assert_goes(self, code):
        """The cause is gone: nothing is said of it any more, and the mailbox's job,
        which was woken, sends."""
        self.env.flush_all()
        self.env.invalidate_all()
        self.assertNotEqual(self.reminder._read_shown_reasons()[self.reminder][0], code)
        self.assertFalse(
            self.provider.hold_until and self.provider.hold_until > self._later()
        )
        self.assertLessEqual(self.reminder.scheduled_at, self._later())
        self.assertTrue(
            self.env["ir.cron.trigger"].search_count(
                [
                    ("cron_id", "=", self.provider.cron_id.id),
                    ("call_at", "<=", self._later()),
                ]
            )
        )
        transport = self._run()
        self.assertEqual(self.reminder.state, "sent", self.reminder.reason)
        self.assertEqual(len(transport.sent), 1)

    def _use(self, count=1, email="before@alnoor.example"):
        """So many messages have left this mailbox just now."""
        for number in range(count):
            self.env["chaser.reminder"].sudo().create(
                {
                    "partner_id": self._make_customer(f"Before {number}", email).id,
                    "company_id": self.company.id,
                    "provider_id": self.provider.id,
                    "channel": "email",
                    "state": "sent",
                    "recipient_email": email,
                    "attempted_at": fields.Datetime.now(),
                    "sent_at": fields.Datetime.now(),
                }
            )

    # -- limits of the mailbox

    def _walk_limit(self, code, hold, release):
        self._use()
        self.provider.write(hold)
        self._run()
        self._assert_said(code)
        self.provider.write(release)
        self._assert_goes(code)

    def test_limit_day(self):
        self._walk_limit("limit_day", {"daily_quota": 1}, {"daily_quota": 5000})

    def test_limit_day_by_reserve(self):
        self._walk_limit(
            "limit_day", {"daily_quota": 2, "daily_reserve": 1}, {"daily_reserve": 0}
        )

    def test_limit_minute(self):
        self._walk_limit("limit_minute", {"per_minute": 1}, {"per_minute": 0})

    def test_limit_domain(self):
        self._walk_limit(
            "limit_domain", {"per_domain_minute": 1}, {"per_domain_minute": 0}
        )

    def test_limit_pace(self):
        self._walk_limit("limit_pace", {"batch_pause": 600}, {"batch_pause": 0})

    def test_limit_connections(self):
        self.provider.max_connections = 1
        self.provider._set_hold(self._later(seconds=30), "limit_connections")
        self._assert_said("limit_connections")
        self.provider.max_connections = 0
        self._assert_goes("limit_connections")

    # -- limits of the company

    def test_limit_month(self):
        self._use()
        self.company.chaser_monthly_limit = 1
        self._run()
        self._assert_said("limit_month")
        self.company.chaser_monthly_limit = 0
        self._assert_goes("limit_month")

    def test_limit_month_raised_too_little(self):
        """What was let go is held again by the job, until the same moment."""
        self._use(3)
        self.company.chaser_monthly_limit = 1
        self._run()
        until = self.provider.hold_until
        self.company.chaser_monthly_limit = 2
        self.assertFalse(self.provider.hold_until)
        self.assertFalse(self._run().sent)
        self._assert_said("limit_month")
        self.assertEqual(self.provider.hold_until, until)

    def test_limit_that_is_gone_whoever_changed_it(self):
        """A change that the hold does not hear of: the next run counts again."""
        self._use()
        self.provider.daily_quota = 1
        self._run()
        self.env.cr.execute(
            "UPDATE chaser_provider SET daily_quota = 9 WHERE id = %s",
            [self.provider.id],
        )
        self.env.invalidate_all()
        self._assert_said("limit_day")
        self.assertEqual(len(self._run().sent), 1)

    # -- what the mail service says

    def _walk_told(self, code, error):
        transport = FakeTransport()
        transport.open_error = error
        self._run(transport)
        self._assert_said(code)
        with patch.object(
            type(self.provider), "_get_transport__", lambda _self: FakeTransport()
        ):
            self.provider.action_test_connection()
        self._assert_goes(code)

    def test_rate_limited(self):
        self._walk_told(
            "rate_limited", errors.RateLimited("slow", timedelta(minutes=5))
        )

    def test_unreachable(self):
        self._walk_told("unreachable", errors.Unreachable("no route"))

    def test_limit_service_day(self):
        self._walk_told("limit_service_day", errors.RateLimited("enough", scope="day"))

    def test_limit_service_connections(self):
        self._walk_told(
            "limit_service_connections",
            errors.RateLimited("too many", scope="connections"),
        )

    def test_mailbox_full(self):
        self._walk_told("mailbox_full", errors.RateLimited("full", scope="storage"))

    # -- states of the mailbox

    def _test_connection(self):
        with patch.object(
            type(self.provider), "_get_transport__", lambda _self: FakeTransport()
        ):
            self.provider.action_test_connection()

    def test_provider_expired(self):
        transport = FakeTransport()
        transport.open_error = errors.AuthenticationFailed("535 no")
        self._run(transport)
        self._assert_said("provider_expired", until=False)
        self.assertIn("535 no", self.reminder.reason)
        self._test_connection()
        self._assert_goes("provider_expired")

    def test_provider_closed(self):
        self.provider.action_disable()
        self._assert_said("provider_closed", until=False)
        self._test_connection()
        self._assert_goes("provider_closed")

    def test_provider_archived(self):
        self.provider.active = False
        self._assert_said("provider_closed", until=False)
        self.assertEqual(self.campaign.stranded_count, 1)
        self.provider.active = True
        self._test_connection()
        self._assert_goes("provider_closed")

    # -- the campaign

    def test_campaign_paused(self):
        self.campaign.action_pause()
        self.assertEqual(self.reminder.reason, self.campaign.reason)
        self.assertIn(self.env.user.name, self.reminder.reason)
        self.campaign.action_resume()
        self._assert_goes("paused_by")

    def test_policy(self):
        self._run(FakeTransport([errors.PolicyRefused("5.7.1 spam")]))
        self._assert_said("policy", until=False)
        self.assertEqual(self.campaign.state, "paused")
        self.campaign.action_resume()
        self._assert_goes("policy")

    def test_campaign_later(self):
        campaign = self._campaign(
            self._make_invoice(self._make_customer("L", "l@l.example"))
        )
        campaign.action_schedule(self._later(days=2))
        reminder = campaign.reminder_ids
        self.assertEqual(
            reminder.reason,
            self.env["chaser.reason.mixin"]._get_reason_text(
                "campaign_later",
                {"until": campaign.scheduled_at.replace(microsecond=0).isoformat()},
            ),
        )
        self.assertEqual(campaign.reason, reminder.reason)
        campaign.action_send()
        self._run()
        self.assertEqual(reminder.state, "sent")

    def test_spread(self):
        invoices = self._invoice_customers(2)
        campaign = self._campaign(invoices, duration_hours=4)
        campaign.action_send()
        later = campaign.reminder_ids.sorted("scheduled_at")[-1]
        [(code, params)] = later._read_shown_reasons().values()
        self.assertEqual(code, "spread")
        self.assertTrue(params["until"])

    def test_neutralized_copy_says_why(self):
        sql = (Path(__file__).parents[1] / "data/neutralize.sql").read_text()
        self.env.flush_all()
        self.env.cr.execute(sql)
        self.env.invalidate_all()
        self.assertEqual(self.campaign.state, "paused")
        self.assertIn("copy", self.campaign.reason)
        self.assertEqual(self.reminder.reason, self.campaign.reason)

    # -- bank data, windows, documents

    def test_hold_bank_data(self):
        self.company.chaser_bank_days = 3
        self._run()
        self._assert_said("hold_bank_data")
        self.company.chaser_bank_days = 0
        self._assert_goes("hold_bank_data")

    def test_hold_bank_data_ended_by_a_line(self):
        self.company.chaser_bank_days = 3
        self._run()
        self._assert_said("hold_bank_data")
        self.env["account.bank.statement.line"].create(
            {
                "journal_id": self.company_data["default_journal_bank"].id,
                "payment_ref": "other",
                "amount": 1,
            }
        )
        self._assert_goes("hold_bank_data")

    # -- joining a queue that is held already

    def test_joining_a_held_queue(self):
        self._use()
        self.provider.daily_quota = 1
        self._run()
        campaign = self._campaign(
            self._make_invoice(self._make_customer("J", "j@j.example"))
        )
        campaign.action_send()
        self.assertEqual(campaign.reminder_ids.reason, self.reminder.reason)
        self.assertEqual(campaign.reason, self.reminder.reason)
        self.provider.daily_quota = 0
        self.assertEqual(len(self._run().sent), 2)

    def test_waiting_for_its_turn(self):
        [(code, _params)] = self.reminder._read_shown_reasons().values()
        self.assertEqual(code, "in_turn")
        self.assertFalse(self.campaign.reason)

    def test_number_of_queries_of_a_list(self):
        campaigns = self.env["chaser.campaign"]
        for number in range(4):
            campaign = self._campaign(
                self._make_invoice(
                    self._make_customer(f"N{number}", f"n{number}@n.example")
                )
            )
            campaign.action_send()
            campaigns |= campaign
        for some in (campaigns[:1], campaigns):
            self.env.flush_all()
            self.env.invalidate_all()
            with self.assertQueryCount(4):
                some.mapped("reason")

    def test_all_reasons_to_wait_are_walked(self):
        """A new reason to wait needs its way to end, and a test of it here."""
        mixin = self.env["chaser.reason.mixin"]
        codes = (
            mixin._get_waiting_reasons()
            | mixin._get_mailbox_reasons()
            | mixin._get_window_reasons()
        )
        missing = [
            code
            for code in codes
            if code not in _BY_ITSELF
            and not hasattr(self, f"test_{code}")
            and not hasattr(TestWaitingHours, f"test_{code}")
        ]
        self.assertFalse(missing)


@tagged("post_install", "-at_install")
class TestWaitingHours(SendCase):
    """As above, under a frozen clock: waits for working hours."""

    @classmethod
    def setUpClass(cls):
        with freeze_time(_CLOSED):
            super().setUpClass()

    def setUp(self):
        self.startPatcher(freeze_time(_CLOSED))
        super().setUp()

    def _hold(self):
        self.company.write(
            {
                "country_id": self.env.ref("base.ae").id,
                "chaser_window_enabled": True,
            }
        )
        self._run()
        self.assertEqual(self.reminder.reason_code, "window", self.reminder.reason)
        self.assertIn("Monday", self.campaign.reason)

    def test_window(self):
        self._hold()
        self.company.chaser_window_enabled = False
        self.assertEqual(len(self._run().sent), 1)

    def test_window_by_the_companys_clock(self):
        """The company's own contact is where its time zone stands."""
        self._hold()
        before = self.reminder.scheduled_at
        # Sunday evening there is Monday morning here: the window opens at another
        # moment.
        self.company.partner_id.tz = "Pacific/Auckland"
        self.assertLess(self.reminder.scheduled_at, before)
        self._run()
        self.assertNotEqual(self.reminder.scheduled_at, before)
