import sys
from pathlib import Path
from unittest.mock import patch

from odoo.exceptions import ValidationError
from odoo.tests import tagged
from odoo.tools import config

from ..core.mail.connection import ServerSettings
from ..core.mail.errors import RecipientRefused
from ..core.mail.message import SendResult
from ..core.mail.transports.smtp import SmtpTransport
from ..models.mailbox import chaser_smtp_mixin
from .common import ChaserCase, FakeTransport

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))
from support.smtp_server import DROP, SmtpServer  # noqa: E402


class Choosy(FakeTransport):
    """Takes a message for some of its addresses."""

    def __init__(self, dead):
        super().__init__()
        self.dead = dead

    def send(self, message):
        super().send(message)
        dead = tuple(one for one in message.recipients if one in self.dead)
        return SendResult(
            response="250 OK",
            refused={one: "550 5.1.1 unknown" for one in dead},
            dead=dead,
        )


@tagged("post_install", "-at_install")
class TestAddresses(ChaserCase):
    """Addresses are checked and cleaned once, when a campaign is planned."""

    def test_cleaned_when_planned(self):
        for number, (entered, written) in enumerate(
            (
                ("a4@x.example\u200f", "a4@x.example"),
                ("\u00a0a4@x.example", "a4@x.example"),
                ("a4\u200b@x.exam\u200bple", "a4@x.example"),
                ("\u202ba4@x.example\u202c", "a4@x.example"),
                ("a3@شركة.example", "a3@xn--ogbpi5d.example"),
                ("a1@x.example.", "a1@x.example"),
            )
        ):
            customer = self._make_customer(f"C{number}", entered)
            [reminder] = self._campaign(self._make_invoice(customer)).reminder_ids
            self.assertEqual(reminder.recipient_email, written)

    def test_left_out_with_the_reason_shown(self):
        for number, (entered, code) in enumerate(
            (
                ("not an address", "address_form"),
                ("a2@x..example", "address_domain"),
                ("علي@x.example", "address_local"),
                ('"quoted local"@x.example', "address_quoted"),
            )
        ):
            customer = self._make_customer(f"C{number}", entered)
            [reminder] = self._campaign(self._make_invoice(customer)).reminder_ids
            self.assertEqual((reminder.state, reminder.reason_code), ("skipped", code))
            self.assertIn(entered, reminder.reason)

    def test_one_of_several_is_enough(self):
        customer = self._make_customer("C", "bad@x..example; good@x.example")
        [reminder] = self._campaign(self._make_invoice(customer)).reminder_ids
        self.assertEqual(
            (reminder.recipient_email, reminder.recipient_others),
            ("good@x.example", False),
        )
        for note in (reminder.address_note, customer.chaser_address_note):
            self.assertIn("“bad@x..example” cannot be written to", note)
        arabic = reminder.with_context(lang="ar_001").address_note
        self.assertIn("bad@x..example", arabic)
        self.assertNotIn("cannot", arabic)

    def test_what_is_not_used_is_shown_before_it_is_sent(self):
        """In the preview, beside the addresses that a message goes to."""
        customer = self._make_customer("C", "good@x.example; علي@x.example")
        site = self._make_customer(
            "Site",
            '"a b"@x.example',
            parent_id=customer.id,
            type="invoice",
            is_company=False,
        )
        move = self._make_invoice(customer)
        preview = self.env["chaser.preview"].browse(move.action_chase()["res_id"])
        [message] = preview.message_ids
        self.assertEqual(message.recipient, "good@x.example")
        self.assertIn("علي@x.example", message.address_note)
        self.assertIn('"a b"@x.example', message.address_note)
        site.email = "accounts@x.example"
        self.env.invalidate_all()
        self.assertFalse(message.address_note, "nobody asks the others then")

    def test_each_address_has_its_own_outcome(self):
        """One is dead, the other gets the message; the dead one is stopped."""
        for number, dead in enumerate(("first", "second")):
            one, two = f"first{number}@x.example", f"second{number}@x.example"
            customer = self._make_customer(f"C{number}", f"{one}; {two}")
            campaign = self._campaign(self._make_invoice(customer))
            campaign.action_send()
            gone = f"{dead}{number}@x.example"
            transport = self._run(Choosy({gone}))
            self.assertEqual(transport.sent[0].recipients, (one, two))
            reminder = campaign.reminder_ids
            self.assertEqual(reminder.state, "sent")
            stopped = self.env["chaser.suppression"].search(
                [("email", "in", [one, two]), ("released_at", "=", False)]
            )
            self.assertEqual(stopped.mapped("email"), [gone])
            self.assertIn("bounced", reminder.event_ids.mapped("event_type"))

    def test_all_addresses_dead(self):
        customer = self._make_customer("C", "first@x.example; second@x.example")
        campaign = self._campaign(self._make_invoice(customer))
        campaign.action_send()
        error = RecipientRefused("550 5.1.1 unknown", permanent=True)
        error.dead = ("first@x.example", "second@x.example")
        self._run(FakeTransport([error]))
        self.assertEqual(campaign.reminder_ids.reason_code, "recipient_refused")
        self.assertEqual(
            self.env["chaser.suppression"].search_count(
                [("email", "in", error.dead), ("released_at", "=", False)]
            ),
            2,
        )
        self.assertFalse(campaign.state == "paused")

    def test_one_dead_and_one_later(self):
        customer = self._make_customer("C", "first@x.example; second@x.example")
        campaign = self._campaign(self._make_invoice(customer))
        campaign.action_send()
        error = RecipientRefused("450 4.2.2 full", permanent=False)
        error.dead = ("first@x.example",)
        self._run(FakeTransport([error]))
        self.assertEqual(campaign.reminder_ids.state, "queued")
        self.assertTrue(
            self.env["chaser.suppression"].search_count(
                [("email", "=", "first@x.example"), ("released_at", "=", False)]
            )
        )

    def test_stopped_address_is_cleaned(self):
        record = self.env["chaser.suppression"].create(
            {"email": "Ali <a4@x.example\u200f>", "company_id": self.company.id}
        )
        self.assertEqual(record.email, "a4@x.example")
        with self.assertRaises(ValidationError):
            self.env["chaser.suppression"].create(
                {"email": "a@x.example, b@x.example", "company_id": self.company.id}
            )

    def test_patience_is_what_odoo_leaves(self):
        """The wait for a server's final answer ends before Odoo ends the process."""
        for cron, real, workers, expected in (
            (-1, 120, 0, 105),
            (300, 120, 0, 285),
            (3600, 120, 2, 600),
            (0, 120, 2, 600),
            (0, 120, 0, 105),
            (-1, 0, 0, 600),
        ):
            options = {
                "limit_time_real_cron": cron,
                "limit_time_real": real,
                "workers": workers,
            }
            with (
                patch.dict(config.options, options),
                patch.object(chaser_smtp_mixin.time, "monotonic", lambda: 1000.0),
            ):
                self.assertEqual(chaser_smtp_mixin.make_patience()(), expected)
        with patch.object(chaser_smtp_mixin.time, "monotonic", lambda: 1000.0):
            get_patience = chaser_smtp_mixin.make_patience()
        with patch.object(chaser_smtp_mixin.time, "monotonic", lambda: 1090.0):
            self.assertEqual(get_patience(), 15, "less as the run goes on")


@tagged("post_install", "-at_install")
class TestSessions(ChaserCase):
    """What the end of a session means for the queue, with a real server."""

    def _send(self, server, count, after_first=None):
        campaign = self._campaign(
            self.env["account.move"].concat(
                *(
                    self._make_invoice(self._make_customer(f"C{n}", f"c{n}@x.example"))
                    for n in range(count)
                )
            )
        )
        campaign.action_send()
        settings = ServerSettings(
            server.host, server.port, "none", server.user, server.password, timeout=2.0
        )
        transport = SmtpTransport(settings)
        send = transport.send

        def send_then_fail(message):
            result = send(message)
            if after_first and len(server.received) == 1:
                server.fail("mail", after_first, times=1)
            return result

        transport.send = send_then_fail
        self._run(transport)
        return campaign.reminder_ids

    def test_a_session_that_ends_costs_nothing(self):
        """After so many messages, or minutes: nothing was handed over, so a new one is
        opened at once. No attempt is counted, and the mailbox does not rest."""
        for reply in ("421 4.3.2 Maximum message count per session reached", DROP):
            with self.subTest(reply=str(reply)), SmtpServer() as server:
                reminders = self._send(server, 3, after_first=reply)
                self.assertEqual(set(reminders.mapped("state")), {"sent"})
                self.assertEqual(set(reminders.mapped("attempt_count")), {1})
                self.assertEqual((len(server.received), server.connections), (3, 2))
                self.assertFalse(self.provider.hold_until)

    def test_a_line_that_breaks_after_the_message_asks_a_person(self):
        with SmtpServer() as server:
            server.fail("payload", DROP, times=1)
            reminder = self._send(server, 1)
            self.assertTrue(reminder.is_undecided)
            self.assertFalse(self._run().sent, "never once more by itself")

    def test_no_login_that_we_can_do_asks_a_person(self):
        server = SmtpServer(user="u@x.example", password="p", mechanisms=("XOAUTH2",))
        with server:
            reminder = self._send(server, 1)
        self.assertEqual(
            (self.provider.state, reminder.state, reminder.attempt_count),
            ("expired", "queued", 0),
        )
        self.assertIn("No suitable", self.provider.last_error)
        self.assertTrue(self.provider.activity_ids, "the manager is told")
        self.assertFalse(self._run().sent, "it waits for them, not for a time")
