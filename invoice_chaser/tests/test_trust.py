"""What machines do that stand still, stop, or have another clock."""

import errno
import logging
from datetime import timedelta
from unittest.mock import patch

import psycopg2.errors

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import freeze_time, tagged
from odoo.tools import mute_logger

from ..core.mail import errors
from ..core.mail.transports import base
from ..models.common.conflicts import quiet_conflicts
from ..models.send import chaser_provider, chaser_watch
from .common import FakeTransport
from .test_send import Killed, SendCase


@tagged("post_install", "-at_install")
class TestUnknownOutcome(SendCase):
    """Nobody knows whether it was sent: that is a failure, too."""

    def test_unknown_outcomes_in_a_row_pause_the_campaign(self):
        campaign = self._customers(12)
        self.company.chaser_max_failures = 5
        transport = FakeTransport([errors.OutcomeUnknown("line broke")] * 13)
        self._run(transport)
        self.assertEqual((campaign.state, campaign.undecided_count), ("paused", 5))
        self.assertEqual(campaign.reason_code, "failures_in_row")
        self.assertEqual(campaign.queued_count, 7, "the others wait")

    def test_unknown_and_refused_count_together(self):
        campaign = self._customers(6)
        self.company.chaser_max_failures = 2
        self.reminder.action_drop()
        self._run(
            FakeTransport([errors.MessageRefused("no"), errors.OutcomeUnknown("broke")])
        )
        self.assertEqual(campaign.state, "paused")

    def _die_while_sending(self):
        def die(_message):
            raise Killed

        # Not assertRaises, which would undo the mark.
        with mute_logger("odoo.addons.base.models.ir_cron"):
            try:
                self._run(FakeTransport([die]))
            except Killed:
                self.env.invalidate_all()
        self.assertEqual(self.reminder.state, "sending")
        self._run()
        self.assertTrue(self.reminder.is_undecided)

    def test_not_sent_only_when_the_sender_can_not_be_at_it_any_more(self):
        self._die_while_sending()
        self.assertFalse(self.reminder.may_send_again)
        with self.assertRaisesRegex(UserError, "may still be on its way"):
            self.reminder.with_user(self.accountant).action_settle_not_sent()
        self.assertEqual(self.reminder.state, "failed")
        self.env.cr.execute(
            "UPDATE chaser_event SET create_date = create_date - interval '16 minutes'"
        )
        self.env.invalidate_all()
        self.assertTrue(self.reminder.may_send_again)
        self.reminder.with_user(self.accountant).action_settle_not_sent()
        self.assertEqual(self.reminder.state, "queued")

    def test_the_clock_of_the_one_who_was_sending_does_not_count(self):
        self._die_while_sending()
        self.reminder.sudo().attempted_at = self._later(hours=-2)
        self.env.flush_all()
        self.env.invalidate_all()
        self.assertFalse(self.reminder.may_send_again)

    def test_the_mailbox_is_asked_before_it_is_sent_again(self):
        self._run(FakeTransport([errors.OutcomeUnknown("line broke")]))
        box = FakeTransport()
        box.find_sent = lambda _message_id: True
        with patch.object(
            self.registry["chaser.provider"], "_get_sent_box__", lambda _self: box
        ):
            result = self.reminder.with_user(self.accountant).action_settle_not_sent()
        self.assertEqual(self.reminder.state, "sent")
        self.assertIn("were found", result["params"]["message"])
        self.assertFalse(self._run().sent)

    def test_a_mailbox_that_cannot_be_asked_stops_nobody(self):
        self._run(FakeTransport([errors.OutcomeUnknown("line broke")]))
        box = FakeTransport()
        box.open_error = errors.Unreachable("away")
        with patch.object(
            self.registry["chaser.provider"], "_get_sent_box__", lambda _self: box
        ):
            self.reminder.with_user(self.accountant).action_settle_not_sent()
        self.assertEqual(self.reminder.state, "queued")

    def test_settled_in_a_cancelled_campaign_waits_nowhere(self):
        self._run(FakeTransport([errors.OutcomeUnknown("line broke")]))
        self.campaign.sudo().state = "cancelled"
        with self.assertRaisesRegex(Exception, "Settle first"):
            self.reminder.action_retry()
        self.reminder.action_settle_not_sent()
        self.assertEqual(
            (self.reminder.state, self.reminder.is_undecided), ("cancelled", False)
        )

    def test_settled_in_a_draft_waits_with_it(self):
        self._run(FakeTransport([errors.OutcomeUnknown("line broke")]))
        self.campaign.sudo().state = "draft"
        self.reminder.action_settle_not_sent()
        self.assertEqual(
            (self.reminder.state, self.reminder.is_undecided), ("draft", False)
        )
        self.campaign.action_send()
        self.assertEqual(len(self._run().sent), 1)

    def test_retry_in_a_cancelled_campaign_says_what_to_do(self):
        self._run(FakeTransport([errors.MessageRefused("no")]))
        self.campaign.sudo().state = "cancelled"
        with self.assertRaisesRegex(UserError, "is cancelled"):
            self.reminder.action_retry()
        self.assertEqual(self.reminder.state, "failed")


@tagged("post_install", "-at_install")
class TestNoSession(SendCase):
    def test_a_server_that_goes_away_costs_no_message_an_attempt(self):
        campaign = self._customers(10)
        away = errors.NoSession("connection refused")
        transport = self._run(FakeTransport([None, None, *[away] * 9]))
        self.assertEqual(len(transport.sent), 2)
        self.assertEqual(self.provider.unreachable_count, 1, "one try, not nine")
        self.assertEqual(self.provider.reason_code, "unreachable")
        self.assertIn("connection refused", self.provider.health)
        waiting = (campaign | self.campaign).reminder_ids.filtered(
            lambda reminder: reminder.state == "queued"
        )
        self.assertEqual(len(waiting), 9)
        self.assertEqual(set(waiting.mapped("attempt_count")), {0})
        transport = self._run_at(self._later(minutes=6))
        self.assertEqual(len(transport.sent), 9)
        self.assertEqual(campaign.state, "completed")


@tagged("post_install", "-at_install")
class TestStoodStill(SendCase):
    def test_what_is_too_old_goes_back_into_the_queue(self):
        clock = [100.0]
        transport = FakeTransport()
        real = transport.check_fresh

        def late():
            clock[0] += 61
            real()

        transport.check_fresh = late
        with patch.object(base, "tick", lambda: clock[0]):
            self._run(transport)
        self.assertFalse(transport.sent)
        self.assertEqual(
            (self.reminder.state, self.reminder.attempt_count), ("queued", 0)
        )
        self.assertEqual(self.reminder.reason_code, "stood_still")
        self.assertEqual(len(self._run().sent), 1)


@tagged("post_install", "-at_install")
class TestClocks(SendCase):
    """Servers whose clocks differ by an hour."""

    def test_a_clock_that_was_ahead_holds_nobody(self):
        campaign = self._customers(8, duration_hours=0)
        self.provider.write(
            {"batch_pause": 3, "per_minute": 30, "per_domain_minute": 20}
        )
        with freeze_time(self._later(hours=1)):
            self._run(FakeTransport([None] * 3 + [errors.RateLimited("slow")]))
        self.provider.sudo().hold_until = False
        self.env.flush_all()
        before = len(campaign.reminder_ids.filtered(lambda one: one.state == "sent"))
        transport = self._run()
        self.assertGreater(len(transport.sent), 0, self.provider.reason)
        self.assertFalse(self.provider.hold_until)
        self.assertGreater(before, 0)

    def test_what_a_fast_clock_sent_counts_for_the_day(self):
        self._customers(8)
        self.provider.daily_quota = 4
        with freeze_time(self._later(hours=1)):
            self.assertEqual(len(self._run().sent), 4)
        self.provider.sudo().hold_until = False
        self.env.flush_all()
        self.assertFalse(self._run().sent, "the quota holds")
        self.assertEqual(self.provider.reason_code, "limit_day")


@tagged("post_install", "-at_install")
class TestFullDisk(SendCase):
    def test_a_full_disk_holds_and_fails_nothing(self):
        campaign = self._customers(6)

        def keep(_documents, _job):
            raise OSError(errno.ENOSPC, "No space left on device")

        with patch.object(self.registry["chaser.documents"], "_keep", keep):
            transport = self._run()
        self.assertFalse(transport.sent)
        states = (campaign | self.campaign).reminder_ids.mapped("state")
        self.assertEqual(set(states), {"queued"})
        self.assertEqual(self.provider.reason_code, "disk")
        self.assertIn("No space left", self.provider.health)
        self.assertEqual(campaign.state, "sending")
        self.assertEqual(len(self._run_at(self._later(minutes=6)).sent), 7)

    def test_what_cannot_be_kept_outside_does_not_leave(self):
        def note(_watermark, _job, _number):
            raise OSError(errno.ENOSPC, "No space left on device")

        with patch.object(self.registry["chaser.watermark"], "_note", note):
            transport = self._run()
        self.assertFalse(transport.sent)
        self.assertEqual(
            (self.reminder.state, self.reminder.attempt_count), ("queued", 0)
        )
        self.assertEqual(self.provider.reason_code, "disk")
        self.assertEqual(len(self._run_at(self._later(minutes=6)).sent), 1)

    def test_a_full_disk_of_the_database(self):
        def keep(_documents, _job):
            raise psycopg2.errors.DiskFull("could not extend file")

        with patch.object(self.registry["chaser.documents"], "_keep", keep):
            self._run()
        self.assertEqual(
            (self.reminder.state, self.provider.reason_code), ("queued", "disk")
        )

    def test_another_error_of_files_is_the_messages_own(self):
        def keep(_documents, _job):
            raise FileNotFoundError(errno.ENOENT, "gone")

        logger = "odoo.addons.invoice_chaser.models.send.batches"
        with (
            patch.object(self.registry["chaser.documents"], "_keep", keep),
            self.assertLogs(logger, "ERROR"),
        ):
            self._run()
        self.assertEqual(
            (self.reminder.state, self.reminder.reason_code), ("failed", "unexpected")
        )


@tagged("post_install", "-at_install")
class TestSweep(SendCase):
    def test_what_waits_in_a_campaign_that_has_ended_is_sent_after_all(self):
        self.campaign.sudo().state = "completed"
        self.assertEqual(self.reminder.state, "queued")
        self._run()
        self.assertEqual(self.campaign.state, "sending")
        self.assertEqual(len(self._run().sent), 1)
        self.assertEqual(self.campaign.state, "completed")

    def test_what_waits_in_a_cancelled_campaign_is_cancelled(self):
        self.campaign.sudo().state = "cancelled"
        self.assertFalse(self._run().sent)
        self.assertEqual(self.reminder.state, "cancelled")
        again = self._campaign(self._make_invoice())
        self.assertEqual(again.reminder_ids.state, "draft", "the customer is free")

    def test_a_draft_in_a_campaign_that_was_started_is_cancelled(self):
        self.reminder.sudo().state = "draft"
        self._run()
        self.assertEqual(self.reminder.state, "cancelled")


@tagged("post_install", "-at_install")
class TestMachinery(SendCase):
    """A job that is off or late, and no scheduler at all."""

    def setUp(self):
        super().setUp()
        self.job = self.provider.sudo().cron_id
        self.mails = []
        self.patch(
            self.registry["mail.mail"],
            "send",
            lambda mails, **_options: self.mails.extend(mails.mapped("email_to")),
        )

    def _get_health(self):
        self.env.flush_all()
        self.env.invalidate_all()
        return self.provider.health

    def _make_late(self, minutes=20):
        self.env["ir.cron.trigger"].sudo().search([]).unlink()
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE ir_cron SET nextcall = now() AT TIME ZONE 'UTC' - %s * interval "
            "'1 minute', lastcall = now() AT TIME ZONE 'UTC'",
            [minutes],
        )

    def test_a_job_that_is_off(self):
        self.assertEqual(self._get_health(), "Works")
        self.job.active = False
        self.assertIn("switched off", self._get_health())
        with patch.object(
            self.registry["chaser.provider"], "_prove_connection", lambda _self: None
        ):
            self.provider.action_test_connection()
        self.assertTrue(self.job.active)
        self.assertEqual(self._get_health(), "Works")

    def test_a_job_that_is_missing(self):
        self.job.unlink()
        self.assertIn("missing", self._get_health())
        with patch.object(
            self.registry["chaser.provider"], "_prove_connection", lambda _self: None
        ):
            self.provider.action_test_connection()
        self.assertTrue(self.provider.sudo().cron_id)
        self.assertEqual(self._get_health(), "Works")

    def test_a_job_that_is_late(self):
        self._make_late(10)
        self.assertEqual(self._get_health(), "Works")
        self._make_late(20)
        self.assertIn("should have run", self._get_health())
        self.reminder.action_drop()
        self.assertEqual(self._get_health(), "Works", "nothing is due")

    def test_no_scheduler(self):
        self._make_late()
        self.env.cr.execute("UPDATE ir_cron SET lastcall = NULL")
        self.assertIn("max_cron_threads", self._get_health())

    def test_managers_are_told_once_by_activity_and_mail(self):
        self._make_late(90)
        watch = self.env["chaser.watch"]
        with freeze_time(self._later(minutes=50)):
            watch._cron_look()
        self.assertFalse(self.mails)
        with freeze_time(self._later(minutes=70)):
            watch._cron_look()
            watch._cron_look()
        self.assertEqual(len(self.provider.activity_ids), 1)
        self.assertIn("nothing says why", self.provider.activity_ids.note)
        people = self.company._get_chaser_people("manager").filtered("email")
        self.assertEqual(len(self.mails), len(people))

    def test_whoever_waits_for_a_reason_is_no_trouble(self):
        late = self._later(minutes=70)
        self.provider.sudo().hold_until = self._later(minutes=100)
        with freeze_time(late):
            self.assertFalse(self.env["chaser.watch"]._find_still())
        self.provider.sudo().hold_until = False
        with freeze_time(late):
            self.assertEqual(
                [row[0] for row in self.env["chaser.watch"]._find_still()],
                [self.provider],
            )
        other = self._customers(1).reminder_ids.sudo()
        other.write({"state": "sent", "attempted_at": self._later(minutes=60)})
        with freeze_time(late):
            self.assertFalse(self.env["chaser.watch"]._find_still(), "it is at work")

    def test_a_users_request_looks_where_nothing_else_runs(self):
        looks = []
        self.patch(
            self.registry["chaser.watch"], "_cron_look", lambda _self: looks.append(1)
        )
        chaser_watch._looked.clear()
        with self.enter_registry_test_mode():
            self.env["chaser.watch"]._look_from_request()
            self.env["chaser.watch"]._look_from_request()
        self.assertEqual(len(looks), 1)
        chaser_watch._looked.clear()

    def test_one_alarm_per_process(self):
        started = []

        class Timer:
            daemon = False

            def __init__(self, seconds, *_args):
                self.seconds, self.cancelled = seconds, False
                started.append(self)

            def start(self):
                pass

            def cancel(self):
                self.cancelled = True

            def is_alive(self):
                return not self.cancelled

        alarms = chaser_provider._Alarms()
        with patch.object(chaser_provider.threading, "Timer", Timer):
            for _run in range(40):
                alarms.start("one", 540)
            self.assertEqual(len(started), 1)
            alarms.start("one", 30)
            alarms.start("two", 30)
            alarms.start("one", 500)
        waiting = [timer.seconds for timer in started if timer.is_alive()]
        self.assertEqual(waiting, [30, 30], "the earliest of each database")


@tagged("post_install", "-at_install")
class TestQuiet(SendCase):
    """Conflicts that are repeated leave no error in the log; everything else does."""

    def _log(self, error):
        logger = logging.getLogger("odoo.sql_db")
        try:
            raise error
        except type(error):
            logger.error("bad query: %s", error)

    def test_expected_conflicts_are_no_errors(self):
        conflict = psycopg2.errors.SerializationFailure("changed")
        with self.assertNoLogs("odoo.sql_db", "ERROR"), quiet_conflicts():
            self._log(conflict)
        with self.assertLogs("odoo.sql_db", "ERROR"):
            self._log(conflict)
        with self.assertLogs("odoo.sql_db", "ERROR"), quiet_conflicts():
            self._log(psycopg2.errors.SyntaxError("wrong"))

    def test_the_job_is_quiet(self):
        self.env.flush_all()

        def claim(batches, _limit):
            self._log(psycopg2.errors.SerializationFailure("changed"))
            return []

        with (
            patch(
                "odoo.addons.invoice_chaser.models.send.batches.Batches._claim", claim
            ),
            self.assertNoLogs("odoo.sql_db", "ERROR"),
        ):
            self._run()


@tagged("post_install", "-at_install")
class TestLinks(SendCase):
    def _record_writes(self):
        """What is written to invoices from now on."""
        writes, cursor = [], type(self.env.cr)
        real = cursor.execute

        def execute(cr, query, *args, **options):
            text = str(getattr(query, "code", query))
            if text.lstrip().startswith("UPDATE account_move "):
                writes.append(text)
            return real(cr, query, *args, **options)

        self.patch(cursor, "execute", execute)
        return writes

    def test_links_are_made_before_the_batch(self):
        """Queueing and the steps write nothing to an invoice, which somebody may be
        paying; the tokens come before the first message, once."""
        moves, writes = self.reminder.line_ids.move_id, self._record_writes()
        self.reminder.campaign_id._queue_reminders(fields.Datetime.now())
        self.assertFalse(writes)
        moments = []

        def remember(_message):
            moments.append(len(writes))

        [message] = self._run(FakeTransport([remember])).sent
        self.assertIn("access_token=", message.text)
        self.assertTrue(all(moves.mapped("access_token")))
        [tokens] = writes
        self.assertIn("SKIP LOCKED", tokens)
        self.assertEqual(moments, [1])

    def test_who_changes_an_invoice_is_left_alone(self):
        """The message goes without that link."""
        conflict = psycopg2.errors.SerializationFailure("changed")
        composer = type(self.env["chaser.composer"])
        with patch.object(composer, "_ensure_portal_tokens", side_effect=conflict):
            [message] = self._run().sent
        self.assertNotIn("access_token=", message.text)


@tagged("post_install", "-at_install")
class TestDecidedMeanwhile(SendCase):
    def test_the_rest_of_a_day_comes_into_a_draft_of_its_own(self):
        """A person sends or cancels what there is while the daily run still plans."""
        run = (
            self.env["chaser.daily.run"]
            .sudo()
            .create(
                {
                    "name": "Day",
                    "company_id": self.company.id,
                    "date": self.today - timedelta(days=1),
                }
            )
        )
        for state in ("cancelled", "completed", "sending", "paused", "scheduled"):
            first = run._ensure_campaign(True)
            self.assertEqual(run._ensure_campaign(True), first)
            first.state = state
            self.env.flush_all()
        self.assertEqual(len(run.campaign_ids), 5)
        self.assertEqual(run._ensure_campaign(True).state, "draft")

    def test_requeued_by_money_only_where_it_would_be_sent(self):
        self.reminder = self.reminder.sudo()
        self.reminder._set_skipped("hold_maybe_paid")
        self.campaign.sudo().state = "cancelled"
        self.reminder._requeue()
        self.assertEqual(self.reminder.state, "skipped")
        self.campaign.sudo().state = "completed"
        self.reminder._requeue()
        self.assertEqual(
            (self.reminder.state, self.campaign.state), ("queued", "sending")
        )
        self.assertTrue(fields.Datetime.now() >= self.reminder.scheduled_at)
