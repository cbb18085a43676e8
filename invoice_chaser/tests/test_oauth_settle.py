from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.tests import tagged

from ..core.mail.transports.outlook import OutlookSmtpTransport
from .oauth_common import OauthCase, OutlookMixin, Response, SmtpServer


@tagged("post_install", "-at_install")
class TestSettle(OauthCase):
    """An outcome that a crash or a broken connection left unknown is settled by asking
    the mailbox; the message is never sent again by itself."""

    def setUp(self):
        super().setUp()
        self.box.oauth_access = "send_read"
        self._connected()

    def _run_box(self):
        with (
            self._own_cursors(),
            patch.object(type(self.box), "_pause", lambda *_args: None),
        ):
            self.box.cron_id.method_direct_trigger()

    def _undecided(self, fault="<take it, then drop the line>"):
        """A reminder whose connection broke, long enough ago to ask the mailbox."""
        campaign = self._campaign(self._make_invoice(), provider_id=self.box.id)
        campaign.action_send()
        self.fake.fail("message", fault, times=1)
        self._run_box()
        reminder = campaign.reminder_ids
        self.assertEqual(
            (reminder.state, reminder.is_undecided, reminder.reason_code),
            ("failed", True, "line_broke"),
        )
        return reminder

    def _age(self, reminder, **delta):
        reminder.sudo().attempted_at = fields.Datetime.now() - timedelta(
            **(delta or {"minutes": 3})
        )

    def test_found(self):
        reminder = self._undecided()
        self._age(reminder)
        self._run_box()
        self.assertEqual(
            (reminder.state, reminder.is_undecided, len(self.fake.received)),
            ("sent", False, 1),
        )
        self.assertEqual(reminder.sent_at, reminder.attempted_at)
        self.assertEqual(
            reminder.event_ids.filtered(
                lambda event: event.event_type == "sent"
            ).raw_data,
            {"found": "it is in the mailbox"},
        )
        self.assertTrue(
            self.env["mail.message"].search(
                [
                    ("message_id", "=", reminder.message_id),
                    ("model", "=", "res.partner"),
                ]
            )
        )

    def test_clearly_not_there(self):
        reminder = self._undecided("<drop the line>")
        self._age(reminder)
        self._run_box()
        self.assertEqual(
            (reminder.state, reminder.is_undecided, reminder.reason_code),
            ("failed", True, "undecided_absent"),
        )
        self.assertIn("holds no such message", reminder.reason)
        self._run_box()
        self.assertEqual(self.fake.received, [], "nobody but a person sends it again")
        reminder.with_user(self.accountant).action_settle_not_sent()
        self._run_box()
        self.assertEqual((reminder.state, len(self.fake.received)), ("sent", 1))

    def test_not_asked_too_soon_but_soon_after(self):
        triggers = self.env["ir.cron.trigger"].sudo()
        reminder = self._undecided("<drop the line>")
        triggers.search([]).unlink()
        self._run_box()
        self.assertEqual(reminder.reason_code, "line_broke")
        self.assertTrue(
            triggers.search(
                [
                    ("cron_id", "=", self.box.sudo().cron_id.id),
                    ("call_at", ">", fields.Datetime.now()),
                ]
            )
        )

    def test_killed_process(self):
        """Killed between the commit of the intent and the service's response; the
        message was sent."""
        reminder = self._undecided()
        reminder.sudo().write({"state": "sending", "is_undecided": False})
        self._age(reminder)
        self._run_box()
        self.assertEqual((reminder.state, len(self.fake.received)), ("sent", 1))

    def test_mailbox_does_not_answer(self):
        reminder = self._undecided()
        self._age(reminder)
        self.fake.fail("search", Response(500, "oops"), times=1)
        self._run_box()
        self.assertEqual(
            (reminder.is_undecided, reminder.reason_code), (True, "line_broke")
        )
        self.assertTrue(self.box.hold_until)
        self.box.sudo().hold_until = False
        self._run_box()
        self.assertEqual(reminder.state, "sent")

    def test_without_the_right_to_read(self):
        reminder = self._undecided()
        self.box.oauth_access = "send"
        self._connected()
        self._age(reminder)
        before = len(self.fake.requests)
        self._run_box()
        self.assertEqual(
            (reminder.is_undecided, len(self.fake.requests)), (True, before)
        )

    def test_old_ones_are_left_to_the_person(self):
        reminder = self._undecided()
        self._age(reminder, days=4)
        self._run_box()
        self.assertTrue(reminder.is_undecided)


@tagged("post_install", "-at_install")
class TestSettleOutlook(OutlookMixin, TestSettle):
    def test_renamed_by_the_service(self):
        """Exchange may give the message another Message-ID: it is looked for under the
        one that the draft had."""
        self.fake.renames = True
        self.addCleanup(setattr, self.fake, "renames", False)
        reminder = self._undecided()
        self.assertTrue(reminder.internet_message_id.startswith("<renamed."))
        self._age(reminder)
        self._run_box()
        self.assertEqual((reminder.state, len(self.fake.received)), ("sent", 1))

    def test_sent_by_smtp_is_looked_for_by_graph(self):
        reminder = self._undecided()
        self.box.outlook_way = "smtp"
        self._connected()
        self._age(reminder)
        with (
            SmtpServer(
                user=self.box.email, password="", mechanisms=("XOAUTH2",)
            ) as server,
            patch.object(
                type(self.box),
                "_get_outlook_smtp__",
                lambda box: OutlookSmtpTransport(
                    box.email, lambda _rejected: "t", (server.host, server.port), False
                ),
            ),
        ):
            self._run_box()
        self.assertEqual((reminder.state, server.connections), ("sent", 0))
