import select
from datetime import timedelta
from unittest.mock import patch

import psycopg2

from odoo import fields, sql_db
from odoo.exceptions import UserError
from odoo.tests import Form, freeze_time, tagged
from odoo.tools import SQL
from odoo.tools.misc import Callbacks

from ..core.mail import errors
from ..models.send.chaser_provider import _wake_scheduler
from ..models.send.chaser_sender import ChaserSender as Pipeline
from ..models.send.locks import _CONNECTION_SPACE, _MONTH_SPACE
from ..models.send.run import MailboxRun
from .common import FakeTransport
from .test_send import SendCase


@tagged("post_install", "-at_install")
class TestKinds(SendCase):
    """What a mailbox starts with, and what stays when its kind changes."""

    def _provider(self, **values):
        return self.env["chaser.provider"].create(
            {
                "kind": "smtp",
                "email": "second@pop.example",
                "smtp_host": "h",
                "company_id": self.company.id,
                **values,
            }
        )

    def test_created_with_the_limits_of_its_kind(self):
        self.assertRecordValues(
            self._provider(),
            [
                {
                    "daily_quota": 500,
                    "per_minute": 20,
                    "per_domain_minute": 5,
                    "batch_size": 5,
                    "batch_pause": 3,
                    "jitter_min": 1,
                    "jitter_max": 4,
                    "daily_reserve": 0,
                    "limits_profile": "smtp",
                }
            ],
        )

    def test_what_is_given_counts(self):
        provider = self._provider(
            daily_quota=77, jitter_min=0, jitter_max=0, per_minute=0
        )
        self.assertRecordValues(
            provider,
            [
                {
                    "daily_quota": 77,
                    "per_minute": 0,
                    "per_domain_minute": 5,
                    "jitter_max": 0,
                }
            ],
        )

    def test_change_of_kind_keeps_what_a_person_set(self):
        provider = self._provider(daily_quota=77)
        with patch.object(
            type(provider),
            "_get_limits_profile",
            lambda _self, kind, email=None: "outlook",
        ):
            with patch.object(
                type(provider),
                "_get_kind_defaults",
                lambda _self, kind, email=None: {
                    "daily_quota": 2000,
                    "per_minute": 10,
                    "max_connections": 1,
                },
            ):
                provider.kind = "odoo"
        self.assertRecordValues(
            provider,
            [
                {
                    "daily_quota": 77,
                    "per_minute": 10,
                    "max_connections": 1,
                    "limits_profile": "outlook",
                }
            ],
        )

    def test_form_shows_the_limits_when_the_kind_is_chosen(self):
        def profile(_self, kind, email=None):
            return "gmail" if kind == "odoo" else "smtp"

        with (
            patch.object(type(self.provider), "_get_limits_profile", profile),
            patch.object(
                type(self.provider),
                "_get_kind_defaults",
                lambda model, kind, email=None: {
                    "daily_quota": 1500 if kind == "odoo" else 500,
                    "per_minute": 20,
                },
            ),
            Form(self._provider()) as form,
        ):
            self.assertEqual(form.daily_quota, 500)
            form.kind = "odoo"
            self.assertEqual(form.daily_quota, 1500)
            form.daily_quota = 300
            form.kind = "smtp"
            self.assertEqual(form.daily_quota, 300, "set by a person")

    def test_impossible_values(self):
        for values in (
            {"daily_reserve": -1},
            {"daily_quota": 10, "daily_reserve": 10},
            {"jitter_min": 4, "jitter_max": 1},
            {"jitter_max": 100},
            {"max_connections": -1},
        ):
            with (
                self.subTest(values=values),
                self.assertRaises(psycopg2.errors.CheckViolation),
                self.cr.savepoint(),
            ):
                self._provider(**values).flush_recordset()


@tagged("post_install", "-at_install")
class TestPace(SendCase):
    def _naps(self, **pace):
        """Pauses of one run, in seconds."""
        naps = []
        self.provider.write(pace)
        self.env.flush_all()
        with (
            self.enter_registry_test_mode(),
            patch.object(
                type(self.provider), "_get_transport__", lambda _self: FakeTransport()
            ),
            patch.object(
                type(self.provider),
                "_pause",
                lambda _self, seconds: naps.append(seconds),
            ),
            patch.object(
                type(self.provider),
                "_start_alarm",
                lambda _self, _seconds, _dbname: None,
            ),
        ):
            self.provider.cron_id.method_direct_trigger()
        self.env.invalidate_all()
        return naps

    def test_pauses_between_messages_and_batches(self):
        self._customers(6)
        naps = self._naps(batch_size=4, batch_pause=5, jitter_min=1, jitter_max=4)
        self.assertEqual(
            len(naps),
            6,
            "three in one batch, two in the other, and the rest between them",
        )
        self.assertEqual(naps[3], 5)
        self.assertTrue(all(1 <= nap <= 4 for nap in naps[:3] + naps[4:]), naps)
        self.assertGreater(len(set(naps[:3])), 1, "not like a machine")

    def test_spacing_by_the_limit_per_minute(self):
        self._customers(4)
        naps = self._naps(
            batch_size=6, batch_pause=0, per_minute=10, jitter_min=0, jitter_max=0
        )
        self.assertEqual(naps, [6.0] * 4)

    def test_next_run_keeps_the_rest_of_the_last(self):
        """A run that ends, or is killed, does not shorten the pause."""
        self._run()
        self._customers(1)
        naps = self._naps(batch_pause=7)
        self.assertEqual(len(naps), 1)
        self.assertAlmostEqual(naps[0], 7, delta=2)

    def test_long_rest_is_told_not_slept(self):
        self._run()
        campaign = self._customers(1)
        moment = self._later(seconds=1)
        with freeze_time(moment):
            naps = self._naps(batch_pause=40)
        self.assertFalse(naps)
        self.assertEqual(
            (campaign.reminder_ids.state, campaign.reminder_ids.reason_code),
            ("queued", "limit_pace"),
        )
        self.assertLess(self.provider.hold_until, moment + timedelta(seconds=45))
        self.assertEqual(len(self._run_at(moment + timedelta(seconds=45)).sent), 1)

    def test_reserve_is_left_to_the_person(self):
        self._customers(5)
        self.provider.write({"daily_quota": 5, "daily_reserve": 2})
        self.assertEqual(self.provider.left_today, "3")
        self.assertEqual(len(self._run().sent), 3)
        self.assertEqual(
            (self.provider.reason_code, self.provider.left_today), ("limit_day", "0")
        )

    def test_domain_at_its_limit_lets_others_pass(self):
        """What waits is put off in one statement, not claimed one by one."""
        many = self._customers(30)
        others = self.env["account.move"]
        for number in range(3):
            others |= self._make_invoice(
                self._make_customer(
                    f"Other {number}", f"o{number}@other{number}.example"
                ),
                amount=1,
            )
        small = self._campaign(others)
        small.action_send()
        self.provider.write({"per_domain_minute": 5, "batch_size": 5})
        moment = fields.Datetime.now()
        transport = self._run_at(moment, FakeTransport())
        self.assertEqual(len(transport.sent), 5 + 3 + 1)
        self.assertEqual(set(small.reminder_ids.mapped("state")), {"sent"})
        held = many.reminder_ids.filtered(lambda reminder: reminder.state == "queued")
        self.assertEqual(
            (len(held), set(held.mapped("reason_code"))), (25, {"limit_domain"})
        )
        for minute in range(1, 6):
            self._run_at(moment + timedelta(seconds=63 * minute), transport)
        self.assertEqual(len(transport.sent), 5 + 3 + 1 + 25)
        self.assertEqual(many.state, "completed")

    def test_forecast_is_what_happens(self):
        """A frozen clock that moves on by the job's own pauses and holds, against what
        the campaign said before."""
        campaign = self._customers(40)
        self.campaign.action_cancel()
        self.provider.write(
            {
                "per_minute": 10,
                "per_domain_minute": 4,
                "batch_size": 5,
                "batch_pause": 3,
                "jitter_min": 1,
                "jitter_max": 4,
                "daily_quota": 30,
            }
        )
        start = fields.Datetime.now()
        with freeze_time(start) as clock:
            said = campaign.expected_finish
            transport, times = FakeTransport(), []
            transport.script = [
                lambda _message: times.append(fields.Datetime.now())
            ] * 40
            with patch.object(
                type(self.provider),
                "_pause",
                lambda _self, seconds: clock.tick(seconds),
            ):
                for _run in range(60):
                    self._run_keeping_pause(transport)
                    if campaign.state == "completed":
                        break
                    wake = self.provider.hold_until or min(
                        campaign.reminder_ids.filtered(
                            lambda reminder: reminder.state == "queued"
                        ).mapped("scheduled_at")
                    )
                    clock.move_to(max(wake, fields.Datetime.now()))
        self.assertEqual(len(transport.sent), 40)
        self.assertEqual(len({message.recipients for message in transport.sent}), 40)
        took, expected = times[-1] - start, said - start
        self.assertLess(abs(took - expected), took / 10, (took, expected))
        for window, limit in ((timedelta(minutes=1), 4), (timedelta(hours=24), 30)):
            for moment in times:
                self.assertLessEqual(
                    sum(moment - window < other <= moment for other in times),
                    limit,
                    window,
                )

    def _run_keeping_pause(self, transport):
        self.env.flush_all()
        with (
            self.enter_registry_test_mode(),
            patch.object(
                type(self.provider), "_get_transport__", lambda _self: transport
            ),
            patch.object(
                type(self.provider),
                "_start_alarm",
                lambda _self, _seconds, _dbname: None,
            ),
        ):
            self.provider.cron_id.method_direct_trigger()
        self.env.invalidate_all()

    def test_alarm_for_short_waits(self):
        """The scheduler alone looks once a minute; a wait that ends in between gets an
        alarm, a long one needs none."""
        self._customers(3)
        alarms, moment = [], fields.Datetime.now()
        self.provider.per_minute = 2
        with patch.object(
            type(self.provider), "_set_alarm", lambda _self, until: alarms.append(until)
        ):
            self._run_at(moment)
        self.assertEqual(alarms, [self.provider.hold_until])
        self.assertTrue(60 <= (alarms[0] - moment).total_seconds() <= 63)
        seconds = []
        with (
            patch.object(
                type(self.provider),
                "_start_alarm",
                lambda _self, wait, _dbname: seconds.append(wait),
            ),
            freeze_time(moment),
            patch.object(self.env.cr, "postcommit", Callbacks()),
        ):
            for hours in (1, -1, 0.01):
                self.provider._set_alarm(moment + timedelta(hours=hours))
            self.assertFalse(seconds, "only what is committed can be found")
            self.env.cr.postcommit.run()
        self.assertEqual(seconds, [36])

    def test_alarm_wakes_the_scheduler(self):
        with sql_db.db_connect("postgres").cursor() as cr:
            cr.execute("LISTEN cron_trigger")
            cr.commit()  # pylint: disable=invalid-commit  # LISTEN begins with it; this cursor is on no database of the test
            self.provider._start_alarm(0.01, "some_database")
            heard = set()
            while ("cron_trigger", "some_database") not in heard:
                self.assertTrue(
                    select.select([cr._cnx], [], [], 30)[0], "woken within the time"
                )
                cr._cnx.poll()
                heard = {
                    (notice.channel, notice.payload) for notice in cr._cnx.notifies
                }
        with patch.object(
            sql_db, "db_connect", side_effect=psycopg2.OperationalError("gone")
        ):
            _wake_scheduler("some_database")


@tagged("post_install", "-at_install")
class TestLearned(SendCase):
    """The service's responses, and how long the mailbox waits after each."""

    def _refuse(self, error, moment=None):
        transport = FakeTransport([error])
        moment = moment or fields.Datetime.now()
        self._run_at(moment, transport)
        self.assertFalse(transport.sent)
        self.assertEqual(
            (self.reminder.state, self.reminder.attempt_count), ("queued", 0)
        )
        return round((self.provider.hold_until - moment).total_seconds() / 60)

    def test_what_is_used_up(self):
        for answer, code, minutes in (
            ((421, "4.7.0 slow down", "data"), "rate_limited", 5),
            (
                (432, "4.3.2 Concurrent connections limit exceeded", "mail"),
                "limit_service_connections",
                10,
            ),
            (
                (550, "5.4.5 Daily user sending limit exceeded", "data"),
                "limit_service_day",
                24 * 60,
            ),
            (
                (
                    554,
                    "5.2.0 "
                    "STOREDRV.Submission.Exception:SubmissionQuotaExceededException",
                    "data",
                ),
                "limit_service_day",
                24 * 60,
            ),
            ((554, "5.2.2 mailbox full", "data"), "mailbox_full", 60),
        ):
            with self.subTest(answer=answer):
                self.provider._set_connected()
                held = self._refuse(errors.classify_smtp(*answer))
                self.assertEqual(held, minutes)
                self.assertEqual(
                    {self.provider.reason_code, self.reminder.reason_code}, {code}
                )
                self.assertIn(answer[1][:20], self.reminder.reason)

    def test_full_mailbox_of_the_customer_is_not_ours(self):
        self._run(
            FakeTransport([errors.classify_smtp(554, "5.2.2 mailbox full", "rcpt")])
        )
        self.assertEqual(
            (
                self.reminder.state,
                self.reminder.reason_code,
                self.reminder.attempt_count,
            ),
            ("queued", "retry", 1),
        )
        self.assertFalse(self.provider.hold_until)

    def test_own_full_mailbox_is_told_once(self):
        self._refuse(errors.classify_smtp(554, "5.2.2 mailbox full", "data"))
        self._refuse(
            errors.classify_smtp(554, "5.2.2 mailbox full", "data"),
            self._later(hours=1, seconds=5),
        )
        self.assertEqual(self.provider.activity_ids.mapped("summary"), ["Mailbox full"])

    def test_longer_each_time_until_it_works(self):
        moment, held = fields.Datetime.now(), []
        for _time in range(5):
            held.append(self._refuse(errors.RateLimited("421 4.7.0 slow down"), moment))
            moment = self.provider.hold_until + timedelta(seconds=1)
        self.assertEqual(held, [5, 10, 20, 40, 60])
        self._run_at(moment)
        self.assertEqual(
            (self.reminder.state, self.provider.rate_limit_count), ("sent", 0)
        )

    def test_retry_after_is_obeyed_to_the_second(self):
        moment = fields.Datetime.now()
        self._run_at(
            moment, FakeTransport([errors.RateLimited("429", timedelta(seconds=95))])
        )
        self.assertEqual(self.provider.hold_until, moment + timedelta(seconds=96))


@tagged("post_install", "-at_install")
class TestMonth(SendCase):
    def test_month_of_the_companys_time_zone(self):
        """Eight in the evening of the last day, UTC, is the new month in Dubai."""
        self.campaign.action_cancel()
        self.company.chaser_monthly_limit = 1
        with freeze_time("2026-11-30 10:00:00"):
            self.assertEqual(
                self.provider._get_month_count(self.company, fields.Datetime.now()), 0
            )
        campaign = self._customers(2)
        with freeze_time("2026-11-30 19:00:00"):
            self.assertEqual(len(self._run().sent), 1)
            self.assertEqual(
                self.provider.hold_until,
                fields.Datetime.to_datetime("2026-11-30 20:00:01"),
            )
            self.assertEqual(
                self.provider._get_month_count(self.company, fields.Datetime.now()), 1
            )
        with freeze_time("2026-11-30 20:00:02"):
            self.assertEqual(
                self.provider._get_month_count(self.company, fields.Datetime.now()), 0
            )
            self.assertEqual(len(self._run().sent), 1)
        self.assertEqual(set(campaign.reminder_ids.mapped("state")), {"sent"})

    def test_two_mailboxes_cannot_pass_it(self):
        """The other mailbox sends in the middle of our run; the count is read anew for
        each message, under a lock."""
        campaign = self._customers(4)
        self.company.chaser_monthly_limit = 3

        def other_sends(_message):
            self.env.cr.execute(
                SQL(
                    "UPDATE chaser_reminder SET attempted_at = %s WHERE id = %s",
                    fields.Datetime.now(),
                    campaign.reminder_ids.sorted("id")[-1].id,
                )
            )

        transport = self._run(FakeTransport([other_sends, None, None]))
        self.assertEqual(len(transport.sent), 2, "two of ours and one of the other's")
        self.assertEqual(self.provider.reason_code, "limit_month")

    def test_lock_is_held_until_the_mark_and_not_longer(self):
        self.company.chaser_monthly_limit = 50
        seen = {}

        def look(name):
            [(seen[name],)] = self.env.execute_query(
                SQL(
                    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND "
                    "classid = %s AND objid = %s",
                    _MONTH_SPACE,
                    self.company.id,
                )
            )

        original = Pipeline._step_mark

        def mark(sender, job):
            look("before the mark")
            return original(sender, job)

        with patch.object(Pipeline, "_step_mark", mark):
            self.assertEqual(len(self._run().sent), 1)
        self.assertEqual(seen["before the mark"], 1)

    def test_without_a_limit_nothing_is_locked(self):
        with patch.object(
            type(self.provider), "_make_month_count", side_effect=[None]
        ) as count:
            self.assertEqual(len(self._run().sent), 1)
        self.assertEqual(count.call_count, 1)


@tagged("post_install", "-at_install")
class TestConnections(SendCase):
    def test_waits_its_turn(self):
        """Another mailbox with the same account sends: this one waits, says so, and
        goes on."""
        self.provider.write({"max_connections": 1, "smtp_user": "relay"})
        self.provider._set_state("connected")
        key = f"{self.provider._get_connection_account()}#0"
        with (
            psycopg2.connect(
                **sql_db.connection_info_for(self.env.cr.dbname)[1]
            ) as other,
            other.cursor() as cursor,
            patch(
                "odoo.addons.invoice_chaser.models.send.locks._CONNECTION_PATIENCE", 50
            ),
        ):
            cursor.execute(
                "SELECT pg_advisory_lock(%s, hashtext(%s))", (_CONNECTION_SPACE, key)
            )
            transport = self._run()
            self.assertEqual((transport.opened, transport.sent), (0, []))
            self.assertEqual(
                (self.reminder.state, self.reminder.reason_code),
                ("queued", "limit_connections"),
            )
            cursor.execute(
                "SELECT pg_advisory_unlock(%s, hashtext(%s))", (_CONNECTION_SPACE, key)
            )
        other.close()
        self._run_at(self._later(seconds=40), transport)
        self.assertEqual(len(transport.sent), 1)
        self.assertFalse(self.provider.hold_until)

    def test_same_account_is_the_same_connection(self):
        self.provider.smtp_user = "relay"
        second = self.provider.copy({"email": "second@pop.example"})
        self.assertEqual(
            second._get_connection_account(), self.provider._get_connection_account()
        )
        second.smtp_user = "other"
        self.assertNotEqual(
            second._get_connection_account(), self.provider._get_connection_account()
        )
        first, other = (
            self.env["chaser.provider"].create(
                {"kind": "odoo", "email": f"{name}@pop.example"}
            )
            for name in "ab"
        )
        self.assertEqual(
            first._get_connection_account(),
            other._get_connection_account(),
            "Odoo's default server is one account",
        )

    def test_no_limit_no_lock(self):
        self.provider.max_connections = 0
        with MailboxRun(self.provider)._connection_slot() as mine:
            self.assertTrue(mine)
            self.assertFalse(
                self.env.execute_query(
                    SQL(
                        "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND "
                        "classid = %s AND pid = pg_backend_pid()",
                        _CONNECTION_SPACE,
                    )
                )
            )

    def test_killed_sender_leaves_no_lock(self):
        self.provider.max_connections = 1
        transport = FakeTransport([RuntimeError("boom")])
        with self.assertLogs("odoo.addons.invoice_chaser.models.send.batches", "ERROR"):
            self._run(transport)
        self.assertTrue(self.reminder.is_undecided)
        self.assertFalse(
            self.env.execute_query(
                SQL(
                    "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND classid = "
                    "%s",
                    _CONNECTION_SPACE,
                )
            )
        )
        with self.assertRaises(UserError):
            self.reminder.action_retry()
