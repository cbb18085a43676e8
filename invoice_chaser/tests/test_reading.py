import contextlib
import json
from datetime import timedelta
from unittest.mock import patch

import psycopg2.errors

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.service.model import call_kw
from odoo.tests import Form, tagged
from odoo.tools import file_open, mute_logger

from ..core.inbound import inbound
from ..core.mail.errors import (
    AuthenticationFailed,
    OutcomeUnknown,
    RateLimited,
    Unreachable,
)
from ..core.mail.readers.base import Entry, FolderMissing, MarkingReader, Page
from ..core.mail.readers.gmail import GmailReader
from ..core.mail.readers.graph import GraphReader
from ..core.mail.readers.imap import ImapReader
from .common import FakeTransport
from .inbound_common import InboundCase

SECRET = "Open-Sesame-42"


class FakeReader(MarkingReader):
    """A mailbox in memory, by the contract of readers. ``script``: per call of
    ``list_new``, an error to raise or a callable."""

    def __init__(self, *mails):
        self.mails, self.sent, self.script = list(mails), set(), []
        self.fetched, self.seen, self.opened, self.closed = [], [], 0, 0
        self.generation = 1

    def open(self):
        self.opened += 1

    def close(self):
        self.closed += 1

    def list_new(self, cursor, since, limit):
        step = self.script.pop(0) if self.script else None
        if isinstance(step, BaseException):
            raise step
        if step:
            step()
        start = (
            cursor.get("position", 0)
            if cursor.get("generation") == self.generation
            else 0
        )
        end = min(start + limit, len(self.mails))
        entries = tuple(
            Entry(str(number), self.mails[number].partition(b"\r\n\r\n")[0])
            for number in range(start, end)
        )
        return Page(
            entries,
            {"position": end, "generation": self.generation},
            end < len(self.mails),
        )

    def fetch(self, ref, max_bytes):
        self.fetched.append(ref)
        return self.mails[int(ref)] and self.mails[int(ref)][:max_bytes]

    def find_sent(self, message_id):
        return True if message_id in self.sent else None

    def mark_seen(self, refs):
        self.seen += refs


@tagged("post_install", "-at_install")
class TestReading(InboundCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider._by_program().write(
            {
                "read_method": "imap",
                "imap_host": "127.0.0.1",
                "read_database": cls.provider._get_database_id(),
            }
        )
        cls.cron = cls.env.ref("invoice_chaser.ir_cron_read_mailboxes")

    def setUp(self):
        super().setUp()
        self.reader = FakeReader()
        self.startPatcher(
            patch.object(
                type(self.provider), "_get_reader__", lambda _self: self.reader
            )
        )

    def _read(self):
        """One run of the scheduled job, by Odoo's own scheduler code."""
        self.env.flush_all()
        with self.enter_registry_test_mode():
            self.cron.method_direct_trigger()
        self.env.invalidate_all()

    def _inbound(self):
        return self.env["chaser.inbound"].search([])

    def test_answers_and_reports_are_taken_in(self):
        first, second = (
            self._sent_reminder(),
            self._sent_reminder(self._make_customer("Two", "two@customer.example")),
        )
        self.reader.mails = [
            self._mail(reference=first.message_id),
            self._report(
                second, ("two@customer.example", "failed", "5.1.1", "unknown")
            ),
            self._mail(sender="friend@private.example"),
        ]
        self._read()
        self.assertEqual((first.status, second.status), ("replied", "bounced"))
        self.assertRecordValues(
            self.provider,
            [{"read_looked_count": 3, "read_kept_count": 2, "read_error": False}],
        )
        self.assertEqual(self._inbound().provider_id, self.provider)
        self.assertTrue(self.provider.read_at)

    def test_other_mail_is_not_even_fetched(self):
        reminder = self._sent_reminder()
        self.reader.mails = [
            self._mail("secret of a person", sender="friend@private.example"),
            self._mail(sender="news@alnoor.example", more="List-Id: <n>\r\n"),
            self._mail(sender="accounts@pop.example", subject="own"),
            self._mail("away", more="Auto-Submitted: auto-replied\r\n"),
            self._mail(sender="stranger@elsewhere.example", reference="<x@y.example>"),
            self._mail(reference=reminder.message_id),
        ]
        self._read()
        self.assertEqual(self.reader.fetched, ["5"])
        self.assertEqual(
            self.env["ir.attachment"]
            .search([("res_model", "=", "chaser.inbound")])
            .mapped("name"),
            ["Re: overdue.eml"],
            "the original of the answer, and nothing else",
        )
        self.assertNotIn(
            "secret of a person", json.dumps(self._inbound().read(), default=str)
        )

    def test_goes_on_where_it_stood(self):
        reminder = self._sent_reminder()
        self.reader.mails = [self._mail(reference=reminder.message_id)]
        self._read()
        self._read()
        self.assertEqual(self.reader.fetched, ["0"])
        self.reader.mails.append(self._mail(reference=reminder.message_id))
        self._read()
        self.assertEqual((self.reader.fetched, len(self._inbound())), (["0", "1"], 2))

    def test_forgotten_position_counts_nothing_twice(self):
        reminder = self._sent_reminder()
        self.reader.mails = [self._mail(reference=reminder.message_id)]
        self._read()
        self.reader.generation = 2
        self._read()
        self.assertEqual(
            (len(self._inbound()), self.reader.fetched),
            (1, ["0"]),
            "known by its Message-ID, and not fetched again",
        )
        self.assertEqual(
            len(
                reminder.event_ids.filtered(lambda event: event.event_type == "replied")
            ),
            1,
        )

    def test_another_folder_starts_anew(self):
        self.reader.mails = [self._mail(sender="friend@private.example")]
        self._read()
        self.assertEqual(self.provider.sudo().read_cursor["position"], 1)
        self.provider.read_folder = "Archive"
        self._read()
        self.assertEqual(self.provider.read_looked_count, 1)

    def test_another_server_or_user_starts_anew(self):
        """A position is a number of one server's folder: on another server, or in
        another user's mailbox, it means other mails."""
        self.reader.mails = [self._mail(sender="friend@private.example")]
        self.provider.write({"imap_login": "own", "imap_user": "reminders"})
        for change in (
            {
                "imap_host": "imap.other.example",
                "read_database": self.provider._get_database_id(),
            },
            {"imap_user": "accounts"},
            {"imap_login": "smtp"},
        ):
            self._read()
            self.assertEqual(self.provider.read_looked_count, 1)
            self._read()
            self.assertEqual(
                self.provider.read_looked_count, 0, "it goes on where it stood"
            )
            self.provider._by_program().write(change)
            self.provider.sudo().read_database = self.provider._get_database_id()
        self._read()
        self.assertEqual(self.provider.read_looked_count, 1)

    def test_runs_are_bounded_and_go_on(self):
        self.reader.mails = [
            self._mail(sender=f"friend{n}@private.example") for n in range(450)
        ]
        self._read()
        position = self.provider.sudo().read_cursor["position"]
        self.assertTrue(200 <= position <= 450)
        for _ in range(3):
            self._read()
        self.assertEqual(self.provider.sudo().read_cursor["position"], 450)

    def test_killed_in_the_middle_of_a_page(self):
        """Whenever a process is killed, each mail is taken in exactly once."""
        reminder = self._sent_reminder()
        self.reader.mails = [
            self._mail(f"answer {n}", reference=reminder.message_id) for n in range(4)
        ]

        class Killed(BaseException):
            pass

        for fatal in range(4):
            fetch = self.reader.fetch

            def die(ref, max_bytes, fetch=fetch, fatal=fatal):
                if int(ref) == fatal:
                    raise Killed
                return fetch(ref, max_bytes)

            with patch.object(self.reader, "fetch", die), self.assertRaises(Killed):
                self.provider._read_mailbox(commit=self.env.flush_all)
        self._read()
        self.assertEqual(
            sorted(self._inbound().mapped("snippet")), [f"answer {n}" for n in range(4)]
        )
        self.assertEqual(
            len(
                reminder.event_ids.filtered(lambda event: event.event_type == "replied")
            ),
            4,
        )

    def test_a_fault_in_one_mail_does_not_stop_the_others(self):
        reminder = self._sent_reminder()
        self.reader.mails = [
            self._mail("bad", reference=reminder.message_id, subject="the bad one"),
            self._mail("good", reference=reminder.message_id),
        ]
        real = type(self.env["chaser.inbound"])._apply_reply

        def apply(record):
            if record.snippet == "bad":
                raise RuntimeError("broken")
            return real(record)

        with (
            patch.object(type(self.env["chaser.inbound"]), "_apply_reply", apply),
            mute_logger("odoo.addons.invoice_chaser.models.inbound.chaser_provider"),
        ):
            self._read()
        self.assertEqual(
            {record.subject: (record.kind, record.state) for record in self._inbound()},
            {
                "the bad one": ("broken", "unmatched"),
                "Re: overdue": ("reply", "matched"),
            },
        )

    def test_a_mail_that_ends_its_process_is_set_aside(self):
        """A worker killed while it reads one mail (limit_time_real) leaves it named:
        the next run lists it by its headers and reads the others."""
        reminder = self._sent_reminder()
        self.reader.mails = [
            self._mail("killer", reference=reminder.message_id, subject="the slow one"),
            self._mail("good", reference=reminder.message_id),
        ]
        real = self.reader.fetch

        def die(ref, size):
            if ref == "0":
                raise KeyboardInterrupt
            return real(ref, size)

        with patch.object(self.reader, "fetch", die):
            # No assertRaises: it would undo what the killed process has committed.
            with contextlib.suppress(KeyboardInterrupt):
                self.provider._read_mailbox(commit=self.env.flush_all)
                self.fail("it was to be killed")
            self.assertEqual(self.provider.sudo().read_trying, "0")
            with mute_logger(
                "odoo.addons.invoice_chaser.models.inbound.chaser_provider"
            ):
                self.provider._read_mailbox(commit=self.env.flush_all)
        self.assertEqual(
            {record.subject: (record.kind, record.state) for record in self._inbound()},
            {
                "the slow one": ("broken", "unmatched"),
                "Re: overdue": ("reply", "matched"),
            },
        )
        self.assertFalse(self.provider.sudo().read_trying)
        self.assertEqual(self.provider.read_looked_count, 2)

    def test_mail_that_is_gone_is_passed_over(self):
        reminder = self._sent_reminder()
        self.reader.mails = [self._mail(reference=reminder.message_id)]
        with patch.object(self.reader, "fetch", lambda _ref, _bytes: None):
            self._read()
        self.assertRecordValues(
            self.provider,
            [{"read_looked_count": 1, "read_kept_count": 0, "read_error": False}],
        )

    def test_marks_only_what_it_took_and_only_where_asked(self):
        reminder = self._sent_reminder()
        self.reader.mails = [
            self._mail(reference=reminder.message_id),
            self._mail(sender="friend@private.example"),
        ]
        self._read()
        self.assertEqual(self.reader.seen, [])
        self.provider.read_mark = True
        self.reader.mails += [
            self._mail(sender="friend@private.example"),
            self._mail(reference=reminder.message_id),
        ]
        self._read()
        self.assertEqual(self.reader.seen, ["3"])

    def test_queries_per_page_do_not_grow(self):
        self._sent_reminder()
        outlines = {
            str(n): inbound.outline(
                self._mail(
                    sender=f"friend{n}@private.example",
                    reference=f"<{n}@private.example>",
                )
            )
            for n in range(40)
        }
        matcher = self.env["chaser.inbound.matcher"]
        matcher._choose_page(self.company, {"0": outlines["0"]}, "accounts@pop.example")
        with self.assertQueryCount(3):
            self.assertEqual(
                matcher._choose_page(self.company, outlines, "accounts@pop.example"), []
            )

    # -- what goes wrong

    def test_errors_are_written_down_and_pass(self):
        for error, words in (
            (Unreachable("no route"), "no route"),
            (FolderMissing("NO Mailbox"), "INBOX"),
            (UserError("no key"), "no key"),
        ):
            self.reader.script = [error]
            self._read()
            self.assertIn(words, self.provider.read_error)
        self._read()
        self.assertFalse(self.provider.read_error)
        self.assertEqual(self.reader.closed, self.reader.opened)
        self.assertEqual(
            self.provider.state, "connected", "sending does not depend on reading"
        )

    def test_refused_login_asks_a_person_once(self):
        for _ in range(2):
            self.reader.script = [AuthenticationFailed("535 no")]
            self._read()
        activities = self.provider.activity_ids
        self.assertEqual(len(activities), 1)
        self.assertIn("535 no", activities.note)
        self.assertEqual(self.provider.state, "connected")

    def test_rate_limit_is_obeyed(self):
        self.reader.script = [RateLimited("slow down", timedelta(hours=1))]
        self._read()
        opened = self.reader.opened
        self._read()
        self.assertEqual(self.reader.opened, opened, "rests")
        self.provider.sudo().read_hold_until = fields.Datetime.now() - timedelta(
            seconds=1
        )
        self._read()
        self.assertFalse(self.provider.read_hold_until or self.provider.read_error)

    def test_one_mailbox_in_trouble_does_not_stop_the_other(self):
        second = self.provider.copy(
            {
                "email": "second@pop.example",
                "read_method": "imap",
                "imap_host": "127.0.0.1",
            }
        )
        second.sudo().read_database = second._get_database_id()
        self.reader.script = [Unreachable("no route")]
        self._read()
        self.assertEqual(
            sorted(map(bool, (self.provider | second).mapped("read_error"))),
            [False, True],
        )

    def test_two_readers_of_one_mailbox(self):
        with self.registry.cursor() as cursor:
            cursor._cnx.cursor().execute("SELECT 1")
        with patch.object(type(self.provider), "_reader_lock", lambda _self: _Locked()):
            self.assertFalse(self.provider._read_mailbox(commit=self.env.flush_all))
            self.assertEqual(
                self.provider.action_read_now()["params"]["type"], "warning"
            )
        self.assertEqual(self.reader.opened, 0)

    def test_same_mail_at_the_same_moment(self):
        """The gateway takes in the mail between our look and our insert: the unique key
        decides, nothing is raised."""
        reminder = self._sent_reminder()
        raw = self._mail(reference=reminder.message_id)
        self._receive(raw)
        with (
            patch.object(
                type(self.env["chaser.inbound"]), "_is_known", lambda *_args: False
            ),
            mute_logger("odoo.sql_db"),
        ):
            self.assertFalse(self._receive(raw))
        self.assertEqual(len(self._inbound()), 1)

    def test_conflict_with_another_process_is_not_swallowed(self):
        """The mail is not lost: the position stays before it, and the next run reads
        it."""
        reminder = self._sent_reminder()
        self.reader.mails = [self._mail(reference=reminder.message_id)]

        def conflict(*_args, **_values):
            raise psycopg2.errors.SerializationFailure

        with (
            patch.object(type(self.env["chaser.inbound"]), "_receive", conflict),
            self.assertRaises(psycopg2.errors.SerializationFailure),
        ):
            self.provider._read_mailbox(commit=self.env.flush_all)
        self._read()
        self.assertEqual(reminder.status, "replied")

    # -- where it is not read

    def test_not_read(self):
        for values in (
            {"read_method": "none"},
            {"active": False},
            {"read_database": "another database"},
            {"state": "disabled"},
        ):
            with self.subTest(values=values):
                before = {name: self.provider[name] for name in values}
                self.provider._by_program().write(values)
                self.assertFalse(self.provider.is_reading)
                self._read()
                self.assertEqual(self.reader.opened, 0)
                self.provider._by_program().write(before)

    def test_test_reading_begins_it(self):
        self.provider.sudo().read_database = False
        result = self.provider.action_test_reading()
        self.assertEqual(result["params"]["type"], "success")
        self.assertTrue(self.provider.is_reading)
        self.assertEqual(self.reader.fetched, [])
        self.reader.script = [AuthenticationFailed("535 no")]
        self.assertEqual(
            self.provider.action_test_reading()["params"]["message"], "535 no"
        )

    def test_read_now(self):
        reminder = self._sent_reminder()
        self.reader.mails = [self._mail(reference=reminder.message_id)]
        self.assertIn(
            "1 looked at, 1 taken over",
            self.provider.action_read_now()["params"]["message"],
        )
        self.provider.sudo().read_database = False
        with self.assertRaisesRegex(UserError, "Test Reading"):
            self.provider.action_read_now()

    def test_only_a_manager_sets_and_starts_it(self):
        for method in (
            "action_test_reading",
            "action_read_now",
            "action_clear_imap_password",
        ):
            with self.subTest(method=method), self.assertRaises(AccessError):
                call_kw(
                    self.env(user=self.accountant)["chaser.provider"],
                    method,
                    [self.provider.ids],
                    {},
                )

    # -- what a crash left open

    def test_interrupted_send_is_settled_when_the_mailbox_has_it(self):
        reminders = self.env["chaser.reminder"]
        for number in range(2):
            campaign = self._campaign(
                self._make_invoice(
                    self._make_customer(f"C{number}", f"c{number}@customer.example")
                )
            )
            campaign.action_send()
            self._run(FakeTransport([OutcomeUnknown("line broke")]))
            reminders |= campaign.reminder_ids
        found, open_one = reminders
        self.reader.sent.add(found.message_id)
        self._run()
        self.assertEqual(
            (reminders.mapped("is_undecided"), self.reader.opened),
            ([True, True], 0),
            "too early to look",
        )
        reminders.sudo().attempted_at = fields.Datetime.now() - timedelta(minutes=5)
        transport = self._run()
        self.assertEqual(
            (found.state, found.is_undecided, found.status), ("sent", False, "sent")
        )
        self.assertEqual(found.sent_at, found.attempted_at)
        self.assertIn("in the mailbox", found.reason)
        self.assertEqual(
            (open_one.state, open_one.is_undecided, open_one.reason_code),
            ("failed", True, "undecided_unseen"),
            "absence proves nothing",
        )
        self.assertIn("not every server", open_one.reason)
        self.assertEqual((transport.sent, self.reader.closed), ([], self.reader.opened))
        self._run()
        self.assertEqual(self.reader.opened, 1, "each is asked about once")

    def _undecided(self):
        campaign = self._campaign(self._make_invoice())
        campaign.action_send()
        self._run(FakeTransport([OutcomeUnknown("line broke")]))
        campaign.reminder_ids.sudo().attempted_at = fields.Datetime.now() - timedelta(
            minutes=5
        )
        return campaign.reminder_ids

    def test_trouble_with_the_folder_stops_no_sending(self):
        reminder = self._undecided()
        other = self._campaign(
            self._make_invoice(self._make_customer("Other", "other@customer.example"))
        )
        other.action_send()
        for error in (
            AuthenticationFailed("535 no"),
            Unreachable("gone"),
            UserError("no key"),
        ):
            with self.subTest(error=error):
                self.provider.sudo().write({"read_error": False})

                def refuse(_message_id, error=error):
                    raise error

                with patch.object(self.reader, "find_sent", refuse):
                    self._run()
                self.assertEqual(
                    (
                        self.provider.state,
                        self.provider.hold_until,
                        self.provider.read_error,
                    ),
                    ("connected", False, str(error)),
                )
                self.assertEqual(
                    (reminder.is_undecided, reminder.reason_code),
                    (True, "line_broke"),
                    "the next run asks again",
                )
        self.assertEqual(other.reminder_ids.state, "sent")
        self.reader.sent.add(reminder.message_id)
        self._run()
        self.assertEqual(reminder.state, "sent")

    def test_person_is_quicker_than_the_mailbox(self):
        reminder = self._undecided()
        reminder.with_user(self.accountant).action_settle_not_sent()
        reminder._settle_by_mailbox(None)
        self.assertEqual(
            (reminder.state, reminder.reason_code), ("queued", "settled_not_sent")
        )

    def test_mailbox_that_cannot_be_asked(self):
        for values in (
            {"read_method": "none"},
            {"read_database": "another database"},
            {"read_hold_until": self._later(hours=1)},
        ):
            with self.subTest(values=values):
                before = {name: self.provider[name] for name in values}
                reminder = self._undecided()
                self.provider._by_program().write(values)
                self._run()
                self.assertEqual(
                    (reminder.is_undecided, reminder.reason_code, self.reader.opened),
                    (True, "line_broke", 0),
                )
                self.assertIn("may or may not", reminder.reason)
                reminder.with_user(self.accountant).action_settle_sent()
                self.provider._by_program().write(before)
                self.env["chaser.reminder"].search([]).sudo().write(
                    {"sent_at": fields.Datetime.now() - timedelta(days=99)}
                )


class _Locked:
    def __enter__(self):
        return False

    def __exit__(self, *_error):
        return False


@tagged("post_install", "-at_install")
class TestReaders(InboundCase):
    """From the settings to the adapter, and what is kept secret."""

    def _settings(self, **values):
        self.provider.write(
            {"read_method": "imap", "imap_host": "imap.pop.example", **values}
        )
        return self.provider._get_reader__()

    def test_imap_by_the_password_for_sending(self):
        # The password is entered together with the server that it goes to.
        reader = self._settings(smtp_user="u", smtp_password=SECRET)
        settings = reader._ImapReader__settings
        self.assertEqual(
            (
                settings.host,
                settings.port,
                settings.encryption,
                settings.user,
                settings.password,
                reader._folder,
            ),
            ("imap.pop.example", 993, "ssl", "u", SECRET, "INBOX"),
        )
        self.assertIsInstance(reader, ImapReader)

    def test_imap_by_a_password_of_its_own(self):
        reader = self._settings(
            imap_login="own",
            imap_user="me",
            imap_password=SECRET,
            read_folder="Answers",
        )
        settings = reader._ImapReader__settings
        self.assertEqual(
            (settings.user, settings.password, reader._folder),
            ("me", SECRET, "Answers"),
        )
        self.assertTrue(self.provider.has_imap_password)
        self.assertNotIn(SECRET, self.provider.sudo().imap_password_sealed)
        self.assertFalse(self.provider.imap_password)

    def test_password_is_readable_by_nobody(self):
        self._settings(imap_login="own", imap_password=SECRET)
        for user in (self.accountant, self.env.user):
            env = self.env(user=user, su=False)
            names = [
                name
                for name in env["chaser.provider"].fields_get()
                if "read" in name or "imap" in name
            ]
            self.assertNotIn("imap_password_sealed", names)
            self.assertNotIn("read_cursor", names)
            self.assertNotIn(
                SECRET, str(env["chaser.provider"].browse(self.provider.id).read(names))
            )
            with self.assertRaises(AccessError):
                env["chaser.provider"].browse(self.provider.id).read(
                    ["imap_password_sealed"]
                )
        self.assertIn("imap_password_sealed", self.provider._get_sealed_fields())

    def test_another_server_forgets_the_password_and_the_test(self):
        self._settings(imap_login="own", imap_password=SECRET)
        self.provider.sudo().read_database = self.provider._get_database_id()
        self.provider.imap_host = "evil.example"
        self.assertFalse(self.provider.has_imap_password)
        self.assertFalse(self.provider.is_reading)
        with self.assertRaises(UserError):
            self.provider._get_reader__()

    def test_xoauth2_takes_the_token_of_the_mailbox(self):
        """Which token, and that the consent covers it: test_oauth_imap."""
        with self.assertRaisesRegex(ValidationError, "no consent"):
            self._settings(imap_login="oauth")

    def test_what_is_missing_is_said(self):
        for values, words in (
            ({"imap_host": False}, "IMAP server"),
            ({"imap_login": "own"}, "password"),
            ({"read_method": "none"}, "how"),
        ):
            with self.subTest(values=values), self.assertRaisesRegex(UserError, words):
                self._settings(**values)

    def test_methods_belong_to_kinds(self):
        for values in ({"read_method": "gmail"}, {"read_method": "graph"}):
            with self.subTest(values=values), self.assertRaises(ValidationError):
                self.provider._by_program().write(values)

    def test_apis(self):
        provider, kinds = (
            self.provider,
            self.provider._fields["kind"].get_values(self.env),
        )
        for kind, method, adapter in (
            ("gmail", "gmail", GmailReader),
            ("outlook", "graph", GraphReader),
        ):
            if kind not in kinds:
                continue
            provider.write({"kind": kind, "read_method": method})
            with self.assertRaisesRegex(UserError, "does not cover reading"):
                provider._get_reader__()
            with (
                patch.object(type(provider), "_can_read_mailbox", lambda _self: True),
                patch.object(
                    type(provider),
                    "_fetch_access_token__",
                    lambda _self, _resource, rejected: f"token{rejected}",
                ),
            ):
                reader = provider._get_reader__()
                self.assertIsInstance(reader, adapter)
                reader.open()
                self.assertEqual(reader._ApiConnection__token, "token")
            with self.assertRaises(ValidationError):
                provider.read_mark = True
            provider.write({"read_method": "none", "kind": "smtp", "read_mark": False})

    def test_form(self):
        form = Form(self.provider)
        form.read_method = "imap"
        form.imap_host = "imap.pop.example"
        form.imap_login = "own"
        form.imap_password = SECRET
        form.save()
        self.assertTrue(self.provider.has_imap_password)

    def test_neutralized_copy_does_not_read(self):
        self._settings(imap_login="own", imap_password=SECRET)
        self.provider.sudo().read_database = self.provider._get_database_id()
        self.env.flush_all()
        with file_open("invoice_chaser/data/neutralize.sql") as script:
            self.env.cr.execute(script.read())
        self.env.invalidate_all()
        self.assertEqual(
            (
                self.provider.read_method,
                self.provider.has_imap_password,
                self.provider.is_reading,
            ),
            ("none", False, False),
        )
