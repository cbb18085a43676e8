from odoo import fields
from odoo.fields import Command
from odoo.tests import new_test_user, tagged

from ..core.mail import errors
from .common import FakeTransport
from .test_send import SendCase

_HIT = {"method": "GET", "user_agent": "Mozilla/5.0 x", "ip": "10.0.0.1", "country": ""}


@tagged("post_install", "-at_install")
class TestCopies(SendCase):
    """Who is copied gets a message of their own, by the same rules as everybody who is
    written to; and what they do with it is not the customer's doing."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.manager = cls._user("copied_manager", "boss@pop.example")
        cls.seller = cls._user("copied_seller", "seller@pop.example")
        cls.escalation = cls.env["res.partner"].create(
            {
                "name": "CFO",
                "parent_id": cls.customer.id,
                "email": "cfo@alnoor.example",
                "type": "contact",
            }
        )
        cls.customer.chaser_escalation_partner_id = cls.escalation
        cls.env["chaser.level"].search([]).write(
            {
                "copy_user_id": cls.manager.id,
                "copy_salesperson": True,
                "copy_escalation": True,
            }
        )

    @classmethod
    def _user(cls, login, email):
        return new_test_user(
            cls.env,
            login=login,
            groups="base.group_user,account.group_account_invoice",
            company_id=cls.company.id,
            email=email,
        )

    @classmethod
    def _make_invoice(cls, *args, **kwargs):
        invoice = super()._make_invoice(*args, **kwargs)
        invoice.invoice_user_id = cls.seller
        return invoice

    def _send(self):
        """The customer's message, then the copies by address."""
        message, *others = self._run().sent
        return message, {one.recipients[0]: one for one in others}

    def _copies(self):
        return self.env["chaser.reminder"].search(
            [("copy_of_id", "=", self.reminder.id), ("purpose", "=", "colleague")]
        )

    _ALL = {"boss@pop.example", "seller@pop.example", "cfo@alnoor.example"}

    def test_each_gets_a_message_of_their_own(self):
        message, copies = self._send()
        self.assertEqual(message.envelope, ("finance@alnoor.example",))
        self.assertEqual(set(copies), self._ALL)
        self.assertEqual(
            {address for one in copies.values() for address in one.envelope}, self._ALL
        )
        self.assertEqual(set((self.reminder.recipient_cc or "").split(", ")), self._ALL)
        for copy in copies.values():
            self.assertIn("1,500.00", copy.text)
            self.assertIn("finance@alnoor.example", copy.html)
            self.assertNotEqual(copy.message_id, message.message_id)

    def test_nothing_in_a_copy_stands_for_the_customer(self):
        _message, copies = self._send()
        reminder = self.reminder.sudo()
        self.assertIn("/chaser/o/removed", reminder.body_html)
        for address, copy in copies.items():
            whole = copy.html + copy.text + str(copy.headers)
            for secret in (reminder.token, reminder.pixel_token, reminder.page_token):
                self.assertNotIn(secret, whole)
            self.assertNotIn("/chaser/o/", whole)
            self.assertNotIn("/chaser/c/", whole)
            self.assertNotIn("/chaser/p/", whole)
            own = self._copies().filtered_domain([("recipient_email", "=", address)])
            self.assertIn(f"/chaser/u/{own.sudo().stop_token}", copy.html)
            self.assertIn(own.sudo().stop_token, copy.headers["List-Unsubscribe"])

    def test_their_stop_stops_themselves(self):
        self._send()
        own = self._copies().filtered(
            lambda one: one.recipient_email == "boss@pop.example"
        )
        events = self.env["chaser.event"].sudo()
        events._unsubscribe(own.sudo().stop_token, _HIT)
        events._register_hit(own.sudo().pixel_token, "opened", _HIT)
        stopped = self.env["chaser.suppression"].search([]).mapped("email")
        self.assertEqual(stopped, ["boss@pop.example"])
        self.assertFalse(
            events.search(
                [
                    ("partner_id", "=", self.customer.id),
                    ("event_type", "in", ("opened", "unsubscribed")),
                ]
            )
        )
        self.assertEqual(self.reminder.status, "sent")

    def test_stopped_and_blacklisted(self):
        self.env["chaser.suppression"]._suppress(
            self.company, "boss@pop.example", "manual"
        )
        self.env["mail.blacklist"].create({"email": "cfo@alnoor.example"})
        _message, copies = self._send()
        self.assertEqual(set(copies), {"seller@pop.example"})
        notes = " ".join(self.customer.message_ids.mapped("body"))
        self.assertIn("No copy to boss@pop.example", notes)
        self.assertIn("No copy to cfo@alnoor.example", notes)

    def test_stopped_between_message_and_copy(self):
        def stop(_message):
            self.env["chaser.suppression"]._suppress(
                self.company, "cfo@alnoor.example", "manual"
            )

        _original, *copies = self._run(FakeTransport([stop])).sent
        self.assertEqual(
            {one.recipients[0] for one in copies}, self._ALL - {"cfo@alnoor.example"}
        )
        left = self._copies().filtered(lambda one: one.state == "skipped")
        self.assertEqual(left.reason_code, "suppressed")

    def test_archived_people(self):
        self.manager.active = False
        self.seller.active = False
        self.escalation.active = False
        _message, copies = self._send()
        self.assertFalse(copies)
        self.assertFalse(self.reminder.recipient_cc)

    def test_user_of_another_company(self):
        other = self.env["res.company"].create({"name": "Elsewhere"})
        self.manager.write(
            {"company_ids": [Command.set(other.ids)], "company_id": other.id}
        )
        _message, copies = self._send()
        self.assertEqual(set(copies), self._ALL - {"boss@pop.example"})

    def test_customer_is_no_colleague(self):
        """The escalation contact who gets the message gets no copy of it."""
        self.escalation.type = "invoice"
        message, copies = self._send()
        self.assertIn("cfo@alnoor.example", message.recipients)
        self.assertNotIn("cfo@alnoor.example", copies)

    def test_bounce_of_a_copy_is_not_the_customers(self):
        refused = errors.RecipientRefused("550 unknown", permanent=True)
        self._run(FakeTransport([None, refused, refused, refused]))
        self.assertEqual(set(self._copies().mapped("state")), {"failed"})
        self.assertEqual(self.reminder.status, "sent")
        self.assertFalse(
            self.env["chaser.suppression"].search(
                [("email", "=", "finance@alnoor.example")]
            )
        )
        self.assertFalse(
            self.customer.activity_ids.filtered(
                lambda one: one.activity_type_id
                == self.env.ref("invoice_chaser.mail_activity_type_address")
            )
        )

    def test_once_also_after_a_crash(self):
        """The notes of the original are made again; the copies are not."""
        self.assertEqual(len(self._run().sent), 4)
        reminder = self.reminder.sudo()
        sender = reminder._get_sender()
        for _again in range(2):
            sender._write_notes([sender._make_late_note(reminder, self.env.user)])
        self.assertEqual(len(self._copies()), 3)
        self.assertFalse(self._run().sent)

    def test_late_note_brings_the_copies(self):
        """A process that dies after the record leaves no copies; the next run makes
        them with the notes."""
        self._run()
        self._copies().sudo().unlink()
        self.env["mail.message"].search(
            [("message_id", "=", self.reminder.message_id)]
        ).unlink()
        self.assertEqual(len(self._run().sent), 3)
        self.assertEqual(len(self._copies()), 3)

    def test_figures_count_the_customer_only(self):
        self._send()
        self.assertEqual(self.campaign.sent_count, 1)
        [(last, live, week)] = (
            self.env["chaser.planner"]
            ._read_contacts(self.customer, self.company)
            .values()
        )
        self.assertEqual(last, self.company._get_chaser_today())
        self.assertFalse(live)
        self.assertEqual(week, (last,))

    def test_files_go_along(self):
        self.env["chaser.template"].search([]).attach_statement = "xlsx"
        message, copies = self._send()
        self.assertEqual(len(message.attachments), 1)
        for copy in copies.values():
            self.assertEqual(
                [(file.name, file.content) for file in copy.attachments],
                [(file.name, file.content) for file in message.attachments],
            )

    def test_takes_no_slot_of_a_customer(self):
        self._send()
        self.assertEqual(self.provider.used_today, 1)
        self.assertTrue(all(one.sent_at for one in self._copies()))
        self.assertLessEqual(self._copies()[0].sent_at, fields.Datetime.now())
