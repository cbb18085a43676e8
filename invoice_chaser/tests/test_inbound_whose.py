import base64
from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from ..core.inbound import budget, inbound
from .inbound_common import InboundCase


@tagged("post_install", "-at_install")
class TestWhoseMail(InboundCase):
    """Whose mail it is: the customer's, a program's, or our own."""

    def _to(self, raw, *addresses):
        return raw.replace(
            b"To: accounts@pop.example", f"To: {', '.join(addresses)}".encode()
        )

    def test_answer_through_a_list_is_an_answer(self):
        """accounts@ may be a group: each answer comes with a List-Id."""
        reminder = self._sent_reminder()
        record = self._receive(
            self._mail(
                reference=reminder.message_id,
                more="List-Id: <accounts.pop.example>\r\nPrecedence: list\r\n",
            )
        )
        self.assertEqual((record.kind, reminder.status), ("reply", "replied"))
        other = self._receive(
            self._mail("call me", more="List-Id: <a.pop.example>\r\n")
        )
        self.assertEqual(other.state, "unmatched", "from somebody we wrote to: listed")

    def test_answer_through_a_list_to_the_gateway(self):
        """Odoo itself would drop it, or file it without the hold."""
        reminder = self._sent_reminder()
        self._gateway(
            self._mail(
                reference=reminder.message_id,
                more="List-Id: <accounts.pop.example>\r\n",
            )
        )
        self.assertEqual(reminder.status, "replied")
        self.assertTrue(self._holds())

    def test_help_desk_agent_is_a_person(self):
        reminder = self._sent_reminder()
        record = self._receive(
            self._mail(
                "We dispute this invoice: goods damaged.",
                reference=reminder.message_id,
                more="Auto-Submitted: auto-generated\r\nX-Mailer: Zendesk Mailer\r\n"
                "X-Auto-Response-Suppress: All\r\n",
            )
        )
        self.assertEqual(record.kind, "reply")
        self.assertTrue(self._holds())

    def test_colleague_answers_the_customer(self):
        """From a user of the company with the mailbox in copy: an answer *to* the
        customer. It is noted and releases the hold; it is none of theirs."""
        reminder = self._sent_reminder()
        theirs = self._receive(self._mail(reference=reminder.message_id))
        self.assertTrue(self._holds())
        self.accountant.partner_id.email = "accountant@pop.example"
        raw = self._to(
            self._mail(
                "We will look into it.",
                sender="Aisha <accountant@pop.example>",
                reference=theirs.mail_key,
            ),
            "finance@alnoor.example",
            "accounts@pop.example",
        )
        record = self._receive(raw)
        self.assertRecordValues(
            record,
            [{"kind": "own", "state": "matched", "partner_id": self.customer.id}],
        )
        self.assertFalse(self._holds())
        self.assertEqual(theirs.reminder_id, record.reminder_id)
        message = self.customer.message_ids.filtered(
            lambda message: "look into it" in (message.body or "")
        )
        self.assertEqual(message.message_type, "email")
        self.assertEqual(message.author_id, self.accountant.partner_id)
        events = reminder.event_ids.filtered(
            lambda event: event.event_type == "replied"
        )
        self.assertEqual(len(events), 1, "the customer answered once")

    def test_our_mailbox_answers_the_customer(self):
        reminder = self._sent_reminder()
        self._receive(self._mail(reference=reminder.message_id))
        raw = self._mail(
            sender=reminder.provider_id.email, reference=reminder.message_id
        )
        record = self._receive(self._to(raw, "fatima@alnoor.example"))
        self.assertEqual(record.kind, "own")
        self.assertFalse(self._holds())

    def test_what_colleagues_say_to_each_other_is_not_taken(self):
        reminder = self._sent_reminder()
        self._receive(self._mail(reference=reminder.message_id))
        raw = self._mail(
            "what do you think?",
            sender=reminder.provider_id.email,
            reference=reminder.message_id,
        )
        self.assertFalse(self._receive(self._to(raw, "boss@pop.example")))
        self.assertTrue(self._holds())

    def test_copy_of_our_own_reminder_is_not_taken(self):
        self.company.chaser_contact_interval = 0
        first = self._sent_reminder()
        second = self._sent_reminder()
        raw = self._mail(
            sender=second.provider_id.email,
            reference=first.message_id,
            message_id=second.message_id,
        )
        self.assertFalse(self._receive(self._to(raw, "finance@alnoor.example")))

    def test_a_user_who_is_the_customer_is_the_customer(self):
        self.accountant.partner_id.email = "finance@alnoor.example"
        reminder = self._sent_reminder()
        record = self._receive(self._mail(reference=reminder.message_id))
        self.assertEqual(record.kind, "reply")

    def test_user_of_another_company_is_no_colleague(self):
        other = self.setup_other_company(name="Other")["company"]
        new_test_user(
            self.env,
            "of_other",
            "base.group_user",
            email="z@other.example",
            company_id=other.id,
            company_ids=[fields.Command.set(other.ids)],
        )
        reminder = self._sent_reminder()
        record = self._receive(
            self._mail(sender="z@other.example", reference=reminder.message_id)
        )
        self.assertEqual(record.kind, "reply")

    def test_wrong_clocks(self):
        reminder = self._sent_reminder()
        now = fields.Datetime.now()
        for year in (1998, 2031, 2099):
            raw = self._mail(reference=reminder.message_id).replace(
                b"May 2026", f"May {year}".encode()
            )
            record = self._receive(raw)
            self.assertLess(abs(record.received_at - now), timedelta(minutes=5))

    # -- out of office: a proposal

    def _away(self, text):
        self.reminder = self._sent_reminder()
        sent = fields.Datetime.now().strftime("%a, %d %b %Y %H:%M:%S +0000")
        raw = self._mail(
            text, subject="Automatic reply: x", reference=self.reminder.message_id
        ).replace(b"Mon, 04 May 2026 12:15:00 +0400", sent.encode())
        return self._receive(raw)

    def test_absence_proposes_to_wait(self):
        back = fields.Date.today() + timedelta(days=20)
        record = self._away(f"I will be back on {back.isoformat()}.")
        self.assertEqual((record.kind, record.absence_until), ("auto_reply", back))
        self.assertTrue(record.can_wait)
        self.assertFalse(self._holds(), "nothing by itself")
        record.with_user(self.accountant).action_wait()
        self.assertRecordValues(
            self._holds(),
            [{"code": "manual", "date_until": back - timedelta(days=1)}],
        )
        self.assertTrue(record.absence_used)

    def _written(self, today=None):
        """Whom a reminder that is planned on a day goes to."""
        day = today or self.today
        with patch.object(
            type(self.company), "_get_chaser_today", lambda _company: day
        ):
            reach = self.env["chaser.channel.email"]._read_reach(
                self.customer.with_company(self.company), self.company
            )
        return reach[self.customer.id].addresses

    def test_absence_proposes_a_contact_for_its_time(self):
        back = self.today + timedelta(days=9)
        record = self._away(
            f"Back on {back.isoformat()}. Please contact ali@alnoor.example instead."
        )
        own = self._written()
        self.assertEqual(record.absence_contact, "ali@alnoor.example")
        contacts = self.customer.child_ids
        record.with_user(self.accountant).action_use_contact()
        self.assertFalse(self._holds(), "nothing is held")
        self.assertEqual(self.customer.child_ids, contacts, "no contact is changed")
        self.assertEqual(self._written(), ("ali@alnoor.example",))
        self.assertEqual(self._written(back - timedelta(days=1)), self._written())
        self.assertEqual(self._written(back), own, "back on the day they said")
        self.assertIn("is out of office", self.customer.chaser_address_note)
        self.assertIn("ali@alnoor.example", self.customer.message_ids[0].body)
        self.assertTrue(record.is_redirecting)
        campaign = self._sent_campaign(self._make_invoice(amount=77))
        self.assertEqual(
            campaign.reminder_ids.recipient_email, "ali@alnoor.example", "written to"
        )

    def test_a_contact_without_a_day_is_used_until_it_is_undone(self):
        record = self._away("I am away. Please contact ali@alnoor.example instead.")
        own = self._written()
        self.assertFalse(record.can_wait)
        with self.assertRaises(UserError):
            record.action_wait()
        record.with_user(self.accountant).action_use_contact()
        later = self.today + timedelta(days=300)
        self.assertEqual(self._written(later), ("ali@alnoor.example",))
        record.with_user(self.accountant).action_end_redirect()
        self.assertEqual(self._written(), own)
        self.assertFalse(record.is_redirecting)
        record.with_user(self.accountant).action_use_contact()
        self.assertEqual(self._written(), ("ali@alnoor.example",), "it can be redone")

    def test_the_contact_is_used_by_this_company_alone(self):
        record = self._away("I am away. Please contact ali@alnoor.example instead.")
        record.action_use_contact()
        other = self._create_company(name="Other Trading")
        reach = self.env["chaser.channel.email"]._read_reach(
            self.customer.with_company(other), other
        )
        self.assertNotIn("ali@alnoor.example", reach[self.customer.id].addresses)

    def test_absence_that_is_over_proposes_nothing(self):
        back = fields.Date.today() + timedelta(days=3)
        record = self._away(f"I will be back on {back.isoformat()}.")
        with patch.object(
            type(self.company), "_get_chaser_today", lambda _company: back
        ):
            record.invalidate_recordset(["can_wait"])
            self.assertFalse(record.can_wait)

    def test_strangers_may_not_decide(self):
        record = self._away("Please contact ali@alnoor.example.")
        plain = new_test_user(self.env, "plain_user", "base.group_user")
        for action in (
            *("action_wait", "action_use_contact", "action_end_redirect"),
            "action_open_source",
        ):
            with self.assertRaises(AccessError):
                getattr(record.with_user(plain), action)()


@tagged("post_install", "-at_install")
class TestWhole(InboundCase):
    """Nothing of an answer is lost: new words, folded rest, files, the original."""

    def test_new_words_and_folded_rest(self):
        reminder = self._sent_reminder()
        raw = self._mail(
            "Paid on Monday.\r\n\r\nOn Sun, 3 May 2026 at 10:15, POP "
            "<accounts@pop.example> wrote:\r\n> You owe us a lot.\r\n",
            reference=reminder.message_id,
        )
        record = self._receive(raw)
        self.assertEqual(record.body_text, "Paid on Monday.")
        self.assertIn("You owe us a lot.", record.quoted_text)
        body = self.customer.message_ids[0].body
        before, _mark, quote = body.partition("data-o-mail-quote")
        self.assertIn("Paid on Monday.", before)
        self.assertNotIn("You owe us", before)
        self.assertIn("You owe us a lot.", quote)

    def test_original_is_kept_and_opened_by_its_readers(self):
        reminder = self._sent_reminder()
        raw = self._mail(reference=reminder.message_id)
        record = self._receive(raw)
        self.assertEqual(record.source_id.sudo().raw, raw)
        action = record.with_user(self.accountant).action_open_source()
        self.assertIn(str(record.source_id.id), action["url"])
        self.assertFalse(
            self.customer.message_ids[0].attachment_ids, "not into the chatter"
        )
        record.source_id.sudo().unlink()
        record.invalidate_recordset()
        with self.assertRaises(UserError):
            record.action_open_source()

    def test_original_of_the_gateway_is_kept(self):
        reminder = self._sent_reminder()
        self._gateway(self._mail("Zahlung", reference=reminder.message_id))
        record = self.env["chaser.inbound"].search([])
        self.assertIn(b"Zahlung", record.source_id.sudo().raw)

    def test_files_left_out_are_named(self):
        reminder = self._sent_reminder()
        part = (
            "--b\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; "
            "filename={}\r\nContent-Transfer-Encoding: base64\r\n\r\n{}\r\n"
        )
        data = base64.encodebytes(b"x" * 90_000).decode()
        head = self._mail(reference=reminder.message_id).partition(b"Content-Type")[0]
        raw = (
            head
            + (
                "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: "
                "text/plain\r\n\r\nSlip attached.\r\n"
                + part.format("first.pdf", data)
                + part.format("slip.pdf", data)
                + "--b--"
            ).encode()
        )
        with patch.object(inbound, "MAX_ATTACHMENT_BYTES", 100_000):
            record = self._receive(raw)
        self.assertEqual((record.left_out, record.attachment_count), ("slip.pdf", 1))
        body = self.customer.message_ids[0].body
        self.assertIn("slip.pdf", body)
        self.assertIn("Slip attached.", body)

    def test_cut_mail_says_so(self):
        reminder = self._sent_reminder()
        record = self._receive(
            self._mail("long words " * 3000, reference=reminder.message_id)
        )
        self.assertTrue(record.is_cut)
        self.assertIn("longer than this", self.customer.message_ids[0].body)


@tagged("post_install", "-at_install")
class TestReports(InboundCase):
    """Reports are known by what they return."""

    def _nameless(self, reference, words):
        return (
            "Return-Path: <>\r\nFrom: postmaster@appliance.example\r\nTo: "
            "accounts@pop.example\r\nSubject: Delivery failure\r\nMessage-ID: "
            f"<n{self.id()}@x.example>\r\n{reference}\r\n\r\n{words}\r\n"
        ).encode()

    def test_our_id_and_no_recipient(self):
        """The only recipient of the reminder is meant."""
        reminder = self._sent_reminder()
        record = self._receive(
            self._nameless(
                f"References: {reminder.message_id}",
                "Your message could not be delivered. The recipient does not exist.",
            )
        )
        self.assertRecordValues(record, [{"kind": "bounce", "state": "matched"}])
        self.assertEqual(reminder.status, "bounced")
        self.assertTrue(self._stopped("finance@alnoor.example"))

    def test_our_id_and_no_recipient_among_several(self):
        self.customer.email = "finance@alnoor.example, second@alnoor.example"
        reminder = self._sent_reminder()
        self._receive(
            self._nameless(
                f"References: {reminder.message_id}",
                "Your message could not be delivered. The recipient does not exist.",
            )
        )
        self.assertEqual(reminder.status, "bounced")
        self.assertFalse(
            self._stopped("finance@alnoor.example")
            or self._stopped("second@alnoor.example"),
            "nobody says which of the two",
        )

    def test_what_cannot_be_matched_is_listed(self):
        self._sent_reminder()
        for raw in (
            self._report(
                "<chaser.ffffffffffffffffffffffffffffffff@pop.example>",
                ("somebody@private.example", "failed", "5.1.1", "unknown"),
            ),
            self._nameless("X-A: b", "Your message could not be delivered."),
        ):
            with self.subTest():
                record = self._receive(raw)
                self.assertEqual((record.kind, record.state), ("bounce", "unmatched"))
                record.unlink()

    def test_one_event_for_one_recipient(self):
        """Some services list our own address and an identifier beside it."""
        reminder = self._sent_reminder()
        raw = (
            "Return-Path: <>\r\nFrom: mailer-daemon@zoho.example\r\nTo: "
            "accounts@pop.example\r\nSubject: Undelivered Mail\r\nMessage-ID: "
            "<zoho-1@zoho.example>\r\n\r\nYour message could not be delivered.\r\n"
            "\r\nfinance@alnoor.example, ERROR CODE :550 - 5.1.1 User unknown\r\n\r\n"
            "accounts@pop.example\r\n\r\n<1892.4711@mail.zoho.example>\r\n\r\n"
            f"Received: from x\r\nMessage-ID: {reminder.message_id}\r\nTo: "
            "finance@alnoor.example\r\n"
        ).encode()
        record = self._receive(raw)
        self.assertEqual(
            [failure["addresses"] for failure in record.failures],
            [["finance@alnoor.example"]],
        )
        bounced = reminder.event_ids.filtered(
            lambda event: event.event_type == "bounced"
        )
        self.assertEqual(len(bounced), 1)
        self.assertTrue(self._stopped("finance@alnoor.example"))
        self.assertFalse(self._stopped("accounts@pop.example"))

    def test_a_server_that_rejects_by_a_receipt(self):
        """Dovecot and Sieve write a receipt, not a report; a receipt of a person who
        read it is not kept."""
        reminder = self._sent_reminder()
        raw = (
            "From: Mail Delivery <finance@alnoor.example>\r\nTo: accounts@pop.example"
            "\r\nSubject: Automatically rejected mail\r\nMessage-ID: "
            "<mdn-{0}@a.example>\r\nContent-Type: multipart/report; "
            "report-type=disposition-notification; "
            "boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nYour message was "
            "automatically rejected:\r\nQuota exceeded\r\n--b\r\nContent-Type: "
            "message/disposition-notification\r\n\r\nFinal-Recipient: rfc822; "
            "finance@alnoor.example\r\nOriginal-Message-ID: {1}\r\nDisposition: {0}"
            "-action/MDN-sent-automatically; deleted\r\n--b\r\nContent-Type: "
            "message/rfc822\r\n\r\nMessage-ID: {1}\r\n\r\nx\r\n--b--\r\n"
        )
        self.assertFalse(
            self._receive(raw.format("manual", reminder.message_id).encode())
        )
        record = self._receive(raw.format("automatic", reminder.message_id).encode())
        self.assertRecordValues(record, [{"kind": "bounce", "verdict": "soft"}])
        self.assertEqual(reminder.status, "bounced")
        self.assertFalse(self._stopped("finance@alnoor.example"))

    def test_hard_failure_that_names_nobody_assigned_by_hand(self):
        record = self._receive(
            self._nameless("X-A: b", "Your message could not be delivered: 5.1.1")
        )
        record._assign(self.customer, self.env["chaser.reminder"])
        self.assertEqual(record.state, "matched")
        self.assertFalse(self._stopped("finance@alnoor.example"))

    def test_feedback_that_is_no_complaint_stops_nothing(self):
        reminder = self._sent_reminder()
        raw = (
            "From: fbl@isp.example\r\nMessage-ID: <fbl-{0}@isp.example>\r\n"
            "Content-Type: multipart/report; report-type=feedback-report; "
            "boundary=b\r\n\r\n--b\r\nContent-Type: message/feedback-report\r\n\r\n"
            "Feedback-Type: {0}\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n"
            f"To: finance@alnoor.example\r\nMessage-ID: {reminder.message_id}\r\n\r\n"
            "x\r\n--b--\r\n"
        )
        for kind in ("not-spam", "auth-failure", "virus", "fraud", "other"):
            self._receive(raw.format(kind).encode())
            self.assertFalse(self._stopped("finance@alnoor.example"), kind)
        self.assertEqual(
            self.env["chaser.inbound"].search_count([]), 2, "fraud and other are kept"
        )
        self._receive(raw.format("opt-out").encode())
        self.assertEqual(self._stopped("finance@alnoor.example").reason, "complaint")


@tagged("post_install", "-at_install")
class TestSetAside(InboundCase):
    """A mail that would take too long is listed; the others are read."""

    def test_gateway_goes_on(self):
        reminder = self._sent_reminder()

        def refuse(*_args):
            raise budget.TooExpensive

        with patch.object(inbound.mime, "body", refuse):
            record = self._receive(self._mail(reference=reminder.message_id))
        self.assertRecordValues(
            record,
            [
                {
                    "kind": "broken",
                    "state": "unmatched",
                    "subject": "Re: overdue",
                    "body_text": False,
                    "is_cut": True,
                }
            ],
        )
        self.assertTrue(record.source_id)
        self.assertEqual(reminder.status, "sent")

    def test_assigned_by_hand(self):
        """The person has read it in the mailbox; nothing else happens."""
        self.test_gateway_goes_on()
        record = self.env["chaser.inbound"].search([])
        record._assign(self.customer, self.env["chaser.reminder"])
        self.assertEqual(record.state, "matched")
        self.assertFalse(self._holds())
        with mute_logger("odoo.sql_db"):
            self.assertFalse(self._receive(self._mail(message_id=record.mail_key)))
