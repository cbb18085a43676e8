"""What customers write: whose it is, what it does, files, and our answer within a
day."""

import time
from datetime import timedelta

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import tagged

from ..core.errors import GraphError, UnknownOutcome
from ..core.webhook import Status
from .people_common import PeopleCase


@tagged("post_install", "-at_install")
class TestAnswers(PeopleCase):
    def setUp(self):
        super().setUp()
        self.person = self._make_person()
        self.reminder = self._make_sent(internet_message_id="wamid.OURS")
        self.message_number = 0

    def _receive(self, text="We pay on Sunday", context="wamid.OURS", **message):
        self.message_number += 1
        message = {
            "from": "971501234567",
            "id": f"wamid.THEIRS{self.message_number}",
            "timestamp": str(int(time.time()) - 60),
            "type": "text",
            "text": {"body": text},
            **({"context": {"id": context}} if context else {}),
            **message,
        }
        contact = {"wa_id": message.get("from"), "profile": {"name": "Ahmed"}}
        return (
            self.env["chaser.whatsapp.inbound"]
            .sudo()
            ._process_message(self.account, contact, message)
        )

    def _holds(self):
        return self.env["chaser.hold"].search([("partner_id", "=", self.customer.id)])

    def test_an_answer(self):
        record = self._receive()
        self.assertEqual(
            (record.state, record.matched_by, record.reminder_id, record.kind),
            ("matched", "reference", self.reminder, "whatsapp"),
        )
        self.assertEqual(self.reminder.status, "replied")
        self.assertEqual(self._holds().mapped("code"), ["reply"])
        said = self.customer.message_ids.filtered(
            lambda note: "We pay on Sunday" in str(note.body)
        )
        self.assertEqual((len(said), said.author_id), (1, self.customer))
        self.assertTrue(self.customer.activity_ids)

    def test_once(self):
        self._receive()
        self.message_number -= 1
        self.assertFalse(self._receive())
        self.assertEqual(len(self._holds()), 1)

    def test_matched_by_the_sender(self):
        record = self._receive(context="")
        self.assertEqual(
            (record.reminder_id, record.matched_by), (self.reminder, "number")
        )

    def test_matched_by_the_invoice(self):
        sister = self._make_customer("Al Noor Transport", "t@alnoor.example")
        self._make_person(sister)
        other = self._make_sent(sister)
        number = self.reminder.line_ids.filtered("number")[:1].number
        other.sent_at = fields.Datetime.now()
        self.assertEqual(self._receive("hello", context="").reminder_id, other)
        record = self._receive(f"{number} is paid", context="")
        self.assertEqual(record.reminder_id, self.reminder)

    def test_without_a_number(self):
        self.person.user_id = "AE.13491208655302741918"
        record = self._receive(
            **{"from": None, "from_user_id": "AE.13491208655302741918"}, context=""
        )
        self.assertEqual(record.partner_id, self.customer)

    def test_unmatched(self):
        record = self._receive(context="", **{"from": "442079460123"})
        self.assertEqual((record.state, record.partner_id.id), ("unmatched", False))
        self.assertFalse(self._holds())
        record._assign(self.customer, self.reminder)
        self.assertEqual(self._holds().mapped("code"), ["reply"])
        # The next one of this number is known.
        again = self._receive(context="", **{"from": "442079460123"})
        self.assertEqual(again.partner_id, self.customer)
        self.assertEqual(
            self.Person._find(self.company, wa_id="442079460123").state, "none"
        )

    def test_by_a_customers_phone(self):
        new = self._make_customer("New", "new@x.example", phone="+442079460018")
        record = self._receive(context="", **{"from": "442079460018"})
        self.assertEqual((record.partner_id, record.reminder_id.id), (new, False))

    def test_stop(self):
        for text in ("STOP", "إيقاف"):
            with self.subTest(text):
                self.person.opt_out_date = False
                self._receive(text)
                self.assertEqual(self.person.state, "opted_out")
                self.assertEqual(self.person.opt_out_text, text)
        self.assertFalse(self._holds(), "there is nothing to answer")

    def test_stop_and_more(self):
        self._receive(
            "Please stop sending messages. We have paid the invoice on Monday by cheque"
        )
        self.assertEqual(self.person.state, "opted_out")
        self.assertEqual(self._holds().mapped("code"), ["reply"])

    def test_buttons(self):
        record = self._receive(
            type="button", button={"text": "Pay later", "payload": "x"}
        )
        self.assertEqual(record.body_text, "Pay later")
        record = self._receive(
            type="interactive",
            interactive={"type": "button_reply", "button_reply": {"title": "Yes"}},
        )
        self.assertEqual(record.body_text, "Yes")

    def test_files(self):
        self.meta.media["55"] = {"url": "https://x/1", "file_size": 20}
        record = self._receive(
            type="document",
            document={
                "id": "55",
                "mime_type": "application/pdf",
                "filename": "../proof\u202e.pdf",
                "caption": "Proof of payment",
            },
        )
        self.assertEqual(
            (record.attachment_count, record.body_text), (1, "Proof of payment")
        )
        file = self.env["ir.attachment"].search(record._get_files_domain())
        self.assertEqual(
            (file.name, file.raw), ("proof.pdf", b"%PDF-1.7 proof of payment")
        )
        self.assertEqual(self.customer.message_ids[0].attachment_ids.name, "proof.pdf")

    def test_files_that_are_not_kept(self):
        self.meta.media["55"] = {"url": "https://x/1", "file_size": 99_000_000}
        image = {"id": "55", "mime_type": "image/jpeg"}
        record = self._receive(type="image", image=image)
        self.assertEqual((record.left_out, record.attachment_count), ("image.jpg", 0))
        self.meta.errors["get_media"] = GraphError(100, "gone")
        self.assertTrue(self._receive(type="image", image=image).left_out)
        self.assertIn("image.jpg", str(self.customer.message_ids[0].body))

    def test_no_answers(self):
        before = len(self.customer.message_ids)
        self.assertFalse(
            self._receive(
                type="reaction", reaction={"message_id": "wamid.OURS", "emoji": "👍"}
            )
        )
        self.assertEqual(len(self.customer.message_ids), before + 1)
        self.assertFalse(self._receive(type="system", system={"body": "x"}))
        self.assertFalse(self._holds())

    def test_whatever_comes(self):
        """One report may carry them all."""
        for message in (
            {"type": "unsupported"},
            {"type": "text", "text": "nonsense"},
            {"type": "interactive", "interactive": {"type": "x"}},
            {"type": "image", "image": None},
            {"type": "location", "location": {"latitude": 25.2, "longitude": 55.3}},
            {"timestamp": "nonsense", "context": "nonsense"},
            {"timestamp": "99999999999999"},
        ):
            record = self._receive(**message)
            self.assertEqual(record.state, "matched", str(message))

    # -- our answer

    def _answer(self, record, text="Thank you"):
        action = record.with_user(self.accountant).action_whatsapp_answer()
        wizard = self.env[action["res_model"]].with_user(self.accountant)
        wizard = wizard.browse(action["res_id"])
        wizard.text = text
        return wizard

    def test_answered(self):
        record = self._receive()
        wizard = self._answer(record)
        self.assertIn("no price", wizard.price)
        wizard.action_send()
        [payload] = [call[1] for call in self.meta.calls if call[0] == "send_message"]
        # The customer sees that it was read.
        self.assertIn(("mark_read", record.mail_key), self.meta.calls)
        self.assertEqual(payload["to"], "+971501234567")
        self.assertEqual(payload["text"]["body"], "Thank you")
        self.assertEqual(payload["context"], {"message_id": record.mail_key})
        self.assertTrue(self._holds().released_at)
        said = "".join(str(note.body) for note in self.customer.message_ids)
        self.assertIn("Thank you", said)
        with self.assertRaisesRegex(UserError, "sent already"):
            wizard.action_send()
        self.assertEqual(self.meta.names().count("send_message"), 1)

    def test_that_it_was_read_is_no_condition(self):
        self.meta.errors["mark_read"] = GraphError(100, "no such message")
        self._answer(self._receive()).action_send()
        self.assertEqual(self.meta.names().count("send_message"), 1)
        self.assertTrue(self._holds().released_at)

    def test_refused_or_unknown(self):
        record = self._receive()
        wizard = self._answer(record)
        self.meta.errors["send_message"] = GraphError(131047, "re-engagement")
        with self.assertRaises(UserError):
            wizard.action_send()
        own = [("kind", "=", "whatsapp_own")]
        self.assertFalse(self.env["chaser.inbound"].sudo().search(own))
        self.meta.errors["send_message"] = UnknownOutcome("broke")
        wizard.action_send()
        self.assertIn("not known", str(self.customer.message_ids[0].body))
        self.assertFalse(self._holds().released_at)
        with self.assertRaisesRegex(UserError, "sent already"):
            wizard.action_send()

    def test_reports_about_our_answer(self):
        self._answer(self._receive()).action_send()
        Inbound = self.env["chaser.inbound"].sudo()
        own = Inbound.search([("kind", "=", "whatsapp_own")])
        report = {"wamid": "wamid.1", "moment": None, "callback": own.mail_key}
        pricing = {"category": "service", "type": "regular"}
        sent = Status(status="sent", pricing=pricing, **report)
        self.assertFalse(Inbound._process_whatsapp_status(self.account, sent))
        charge = self.env["chaser.whatsapp.charge"].sudo().search([])
        self.assertEqual(
            (charge.category, charge.partner_id), ("service", self.customer)
        )
        failed = Status(status="failed", errors=((131026, "No WhatsApp"),), **report)
        for new in (True, False):
            self.assertEqual(
                Inbound._process_whatsapp_status(self.account, failed), new
            )
        self.assertIn("No WhatsApp", str(self.customer.message_ids[0].body))

    def test_the_window(self):
        record = self._receive(timestamp=str(int(time.time()) - 25 * 3600))
        self.assertFalse(record.whatsapp_can_answer)
        with self.assertRaisesRegex(UserError, "24 hours"):
            record.action_whatsapp_answer()
        later = self._receive()
        record.invalidate_recordset()
        self.assertTrue(record.whatsapp_can_answer, "a later message opens it anew")
        wizard = self._answer(record)
        for one in record | later:
            one.received_at -= timedelta(days=2)
        self.env.flush_all()
        with self.assertRaisesRegex(UserError, "24 hours"):
            wizard.action_send()
        self.assertNotIn("send_message", self.meta.names())
