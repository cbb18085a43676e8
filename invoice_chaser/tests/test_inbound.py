from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, new_test_user, tagged
from odoo.tools import mute_logger

from ..core.mail.errors import OutcomeUnknown, RecipientRefused
from .common import FakeTransport
from .inbound_common import InboundCase

PDF = (
    "Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\nContent-Type: "
    "text/plain\r\n\r\nTransfer copy attached.\r\n--m\r\n"
    "Content-Type: application/pdf\r\nContent-Disposition: attachment; "
    'filename="copy.pdf"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
    "JVBERi0xLjQK\r\n--m--\r\n"
)


@tagged("post_install", "-at_install")
class TestReply(InboundCase):
    def test_answer_goes_to_the_chatter_holds_and_plans(self):
        reminder = self._sent_reminder()
        record = self._receive(
            self._mail(
                sender="Fatima Hassan <fatima@alnoor.example>",
                reference=reminder.message_id,
            )
        )
        self.assertRecordValues(
            record,
            [
                {
                    "state": "matched",
                    "kind": "reply",
                    "matched_by": "reference",
                    "reminder_id": reminder.id,
                    "partner_id": self.customer.id,
                    "sender_name": "Fatima Hassan",
                    "snippet": "We will pay on Thursday.",
                }
            ],
        )
        message = self.customer.message_ids[0]
        self.assertIn("We will pay on Thursday.", message.body)
        self.assertEqual(
            (message.author_id, message.message_type, message.subtype_id),
            (self.contact, "email", self.env.ref("mail.mt_comment")),
        )
        self.assertFalse(message.is_internal)
        self.assertEqual(
            (
                reminder.status,
                reminder.event_ids.filtered(
                    lambda event: event.event_type == "replied"
                ).source,
            ),
            ("replied", "gateway"),
        )
        self.assertRecordValues(
            self._holds(),
            [{"code": "reply", "reminder_id": reminder.id, "source": "mail"}],
        )
        self.assertEqual(self._activities().user_id, self.accountant)
        self.assertIn("We will pay", self._activities().note)

    def test_ladder_rests_until_released(self):
        reminder = self._sent_reminder()
        self._receive(self._mail(reference=reminder.message_id))
        self.company.chaser_contact_interval = 0
        campaign = self._campaign(self._make_invoice())
        self.assertEqual(
            set(campaign.reminder_ids.mapped("reason_code")), {"hold_reply"}
        )
        self._holds().action_release()
        self.assertFalse(self._activities(), "the task is done with the release")
        self.assertEqual(
            self._campaign(self._make_invoice()).reminder_ids.state, "draft"
        )

    def test_read_twice_counts_once(self):
        reminder = self._sent_reminder()
        raw = self._mail(reference=reminder.message_id)
        self.assertTrue(self._receive(raw))
        self._holds().action_release()
        before = (len(reminder.event_ids), len(self.customer.message_ids))
        self.assertFalse(self._receive(raw))
        self.assertFalse(self._gateway(raw))
        self.assertEqual(
            (len(reminder.event_ids), len(self.customer.message_ids)), before
        )
        self.assertFalse(
            self._holds(),
            "what a person has released is not held again by the same mail",
        )

    def test_second_answer_holds_again_with_one_task(self):
        reminder = self._sent_reminder()
        for _ in range(2):
            self._receive(self._mail(reference=reminder.message_id))
        self.assertEqual((len(self._holds()), len(self._activities())), (1, 1))
        self.assertEqual(
            len(
                reminder.event_ids.filtered(lambda event: event.event_type == "replied")
            ),
            2,
        )

    def test_answer_of_somebody_unknown(self):
        """A colleague of the customer who is not a contact: in the chatter under their
        own name, and no contact is created."""
        reminder = self._sent_reminder()
        count = self.env["res.partner"].search_count([])
        self._receive(
            self._mail(
                sender="Ali <ali@elsewhere.example>", reference=reminder.message_id
            )
        )
        message = self.customer.message_ids[0]
        self.assertEqual(
            (message.author_id.id, message.email_from),
            (False, '"Ali" <ali@elsewhere.example>'),
        )
        self.assertEqual(self.env["res.partner"].search_count([]), count)

    def test_colleagues_are_told_and_the_customers_people_are_not(self):
        reminder = self._sent_reminder()
        self.customer.message_subscribe((self.accountant.partner_id | self.contact).ids)
        self._receive(self._mail(reference=reminder.message_id))
        self.assertEqual(
            self.customer.message_ids[0].notified_partner_ids,
            self.accountant.partner_id,
        )

    def test_attachments_are_kept(self):
        reminder = self._sent_reminder()
        head = self._mail(reference=reminder.message_id).partition(b"Content-Type")[0]
        record = self._receive(head + PDF.encode())
        [file] = self.customer.message_ids[0].attachment_ids
        self.assertEqual(
            (file.name, file.raw, file.res_model, file.res_id),
            ("copy.pdf", b"%PDF-1.4\n", "chaser.inbound", record.id),
            "read by who may read the mail",
        )
        self.assertEqual(record.attachment_count, 1)

    def test_html_in_the_text_stays_text(self):
        reminder = self._sent_reminder()
        self._receive(
            self._mail(
                "<script>alert(1)</script> & <b>bold</b>",
                subject="<img src=x onerror=alert(1)>",
                reference=reminder.message_id,
            )
        )
        self.assertIn("&lt;script&gt;", self.customer.message_ids[0].body)
        self.assertNotIn(
            "<script>", self.customer.message_ids[0].body + self._activities().note
        )

    def test_paid_reminder_holds_nothing(self):
        """ "Thank you, paid" about a paid invoice would stop the reminder of the next
        invoice without reason."""
        invoice = self._make_invoice()
        reminder = self._sent_campaign(invoice).reminder_ids
        self._pay(invoice)
        self._receive(self._mail("Paid, thanks.", reference=reminder.message_id))
        self.assertFalse(self._holds())
        self.assertTrue(self._activities())

    def test_answer_settles_what_was_undecided(self):
        campaign = self._campaign(self._make_invoice())
        campaign.action_send()
        self._run(FakeTransport([OutcomeUnknown("line broke")]))
        reminder = campaign.reminder_ids
        self.assertTrue(reminder.is_undecided)
        self._receive(self._mail(reference=reminder.message_id))
        self.assertEqual(
            (reminder.state, reminder.is_undecided, reminder.status),
            ("sent", False, "replied"),
        )
        self.assertTrue(reminder.sent_at)

    # -- matching

    def test_matching_order(self):
        reminder = self._sent_reminder()
        token, reply = reminder.sudo().token, reminder.sudo().reply_token
        reminder.sudo().internet_message_id = "<graph-made-1@outlook.example>"
        number = reminder.line_ids.number
        for kind, raw in (
            ("reference", self._mail(reference="<graph-made-1@outlook.example>")),
            (
                "reference",
                self._mail(
                    more=f"X-Microsoft-Original-Message-ID: {reminder.message_id}\r\n"
                ),
            ),
            (
                "reference",
                self._mail(
                    more=f"References: <a@b.example>\r\n {reminder.message_id} "
                    "<c@d.example>\r\n"
                ),
            ),
            (
                "token",
                self._mail(
                    more=f"Delivered-To: chaser+{reply.lower()}@mail.pop.example\r\n"
                ),
            ),
            (
                "token",
                self._mail(
                    f"Paid.\r\n> see https://x.example/chaser/c/{token}/1",
                    sender="x@elsewhere.example",
                ),
            ),
            ("number", self._mail(f"We have paid {number.lower().replace('/', '-')}")),
            (
                "number",
                self._mail(
                    "see subject",
                    subject=f"Payment of {number}",
                    sender="fatima@alnoor.example",
                ),
            ),
        ):
            with self.subTest(kind=kind, raw=raw):
                record = self._receive(raw)
                self.assertEqual(
                    (record.matched_by, record.reminder_id), (kind, reminder)
                )

    def test_reference_outweighs_number(self):
        first, second = (
            self._sent_reminder(),
            self._sent_reminder(self._make_customer("Two", "two@customer.example")),
        )
        record = self._receive(
            self._mail(f"about {second.line_ids.number}", reference=first.message_id)
        )
        self.assertEqual(record.reminder_id, first)

    def test_number_alone_is_no_proof(self):
        reminder = self._sent_reminder()
        self.assertFalse(
            self._receive(
                self._mail(
                    f"about {reminder.line_ids.number}",
                    sender="stranger@elsewhere.example",
                )
            )
        )

    def test_other_mail_is_not_stored(self):
        """The mailbox belongs to a person: mail that does not concern reminders leaves
        no trace."""
        self._sent_reminder()
        for raw in (
            self._mail(
                sender="friend@private.example", reference="<other@private.example>"
            ),
            self._mail(sender="news@alnoor.example", more="List-Id: <news>\r\n"),
            self._mail("I am away", more="Auto-Submitted: auto-replied\r\n"),
            self._report(
                "<own-mail@pop.example>",
                ("somebody@private.example", "failed", "5.1.1", "unknown"),
            ),
        ):
            self.assertFalse(self._receive(raw))
        self.assertFalse(self.env["chaser.inbound"].search([]))

    def test_known_sender_without_number_is_listed(self):
        self._sent_reminder()
        record = self._receive(self._mail("Please call me about the invoices."))
        self.assertRecordValues(
            record,
            [
                {
                    "state": "unmatched",
                    "reminder_id": False,
                    "partner_id": False,
                    "matched_by": False,
                }
            ],
        )
        self.assertFalse(self._holds())

    def test_other_company_is_never_matched(self):
        """The mailbox of one company is not read for the other, not even by an exact
        reference."""
        other = self.setup_other_company(name="Other")["company"]
        reminder = self._sent_reminder()
        for raw in (
            self._mail(reference=reminder.message_id),
            self._mail(f"paid {reminder.line_ids.number}"),
            self._mail(
                more="Delivered-To: "
                f"chaser+{reminder.sudo().reply_token}@pop.example\r\n"
            ),
            self._report(
                reminder, (reminder.recipient_email, "failed", "5.1.1", "unknown")
            ),
        ):
            self.assertFalse(self._receive(raw, company=other))
        self.assertFalse(self.env["chaser.inbound"].sudo().search([]))
        self.assertEqual(
            (
                reminder.status,
                len(self._holds()),
                len(self._stopped(reminder.recipient_email)),
            ),
            ("sent", 0, 0),
        )

    # -- automatic replies

    def test_out_of_office_is_noted_and_nothing_else(self):
        reminder = self._sent_reminder()
        record = self._receive(
            self._mail(
                "أنا خارج المكتب",
                subject="رد تلقائي: فواتير",
                reference=reminder.message_id,
            )
        )
        self.assertRecordValues(record, [{"kind": "auto_reply", "state": "matched"}])
        self.assertEqual(reminder.status, "sent")
        self.assertFalse(self._holds() or self._activities())
        note = self.customer.message_ids[0]
        self.assertIn("خارج المكتب", note.body)
        self.assertEqual(note.subtype_id, self.env.ref("mail.mt_note"))


@tagged("post_install", "-at_install")
class TestAnswer(InboundCase):
    """What releases the hold of an answer."""

    def setUp(self):
        super().setUp()
        self.reminder = self._sent_reminder()
        self._receive(self._mail(reference=self.reminder.message_id))
        self.assertTrue(self._holds())

    def _post(self, record, user=None, **values):
        values = {
            "body": "We look into it.",
            "message_type": "comment",
            "subtype_xmlid": "mail.mt_comment",
        } | values
        record.with_user(user or self.accountant).message_post(**values)
        self.env.invalidate_all()

    def test_message_to_the_customer_releases(self):
        self._post(self.customer, partner_ids=self.customer.ids)
        hold = self.env["chaser.hold"].search([("partner_id", "=", self.customer.id)])
        self.assertFalse(self._holds())
        self.assertEqual(hold.released_by_id, self.accountant)
        self.assertFalse(self._activities())

    def test_message_to_a_contact_on_the_invoice_releases(self):
        self._post(self.reminder.line_ids.move_id, partner_ids=self.contact.ids)
        self.assertFalse(self._holds())

    def test_note_and_talk_among_colleagues_do_not(self):
        self._post(
            self.customer, subtype_xmlid="mail.mt_note", partner_ids=self.customer.ids
        )
        self._post(self.customer, partner_ids=self.env.user.partner_id.ids)
        self._post(self.reminder.line_ids.move_id)
        self.assertTrue(self._holds())

    def test_customers_own_message_does_not(self):
        portal = new_test_user(
            self.env, "inbound_portal", "base.group_portal", partner_id=self.contact.id
        )
        self.customer.sudo().message_post(
            body="hello?",
            author_id=portal.partner_id.id,
            message_type="comment",
            subtype_xmlid="mail.mt_comment",
            partner_ids=self.customer.ids,
        )
        self.assertTrue(self._holds())

    def test_other_companys_hold_stays(self):
        other = self.setup_other_company(name="Other")["company"]
        self.env["chaser.hold"]._hold(other, self.customer, "reply")
        self._post(self.customer, partner_ids=self.customer.ids)
        self.assertFalse(self._holds())
        self.assertTrue(
            self.env["chaser.hold"]
            .sudo()
            .search([("company_id", "=", other.id), ("released_at", "=", False)])
        )

    def test_other_holds_stay(self):
        self.env["chaser.hold"]._hold(
            self.company, self.customer, "manual", detail="by hand"
        )
        self._post(self.customer, partner_ids=self.customer.ids)
        self.assertEqual(self._holds().code, "manual")

    def test_our_own_notes_do_not_release(self):
        """Neither the note of a further reminder nor the incoming mail itself."""
        self._receive(self._mail("again", reference=self.reminder.message_id))
        self.reminder._log_sent()
        self.assertTrue(self._holds())


@tagged("post_install", "-at_install")
class TestBounce(InboundCase):
    def _bounce(self, reminder, status, words="no", action="failed", address=None):
        return self._receive(
            self._report(
                reminder, (address or reminder.recipient_email, action, status, words)
            )
        )

    def _classes(self, reminder):
        events = reminder.event_ids.filtered(
            lambda event: event.event_type in ("bounced", "deferred")
        )
        return [
            (event.event_type, (event.raw_data or {}).get("bounce_class"))
            for event in events
        ]

    def test_hard_bounce_stops_the_address_and_proposes_another(self):
        reminder = self._sent_reminder()
        record = self._bounce(reminder, "5.1.1", "550 5.1.1 User unknown")
        self.assertRecordValues(
            record,
            [
                {
                    "kind": "bounce",
                    "verdict": "hard",
                    "state": "matched",
                    "reminder_id": reminder.id,
                }
            ],
        )
        self.assertEqual(
            (reminder.status, self._classes(reminder)),
            ("bounced", [("bounced", "hard")]),
        )
        self.assertEqual(
            (
                self._stopped("finance@alnoor.example").reason,
                self._stopped("finance@alnoor.example").reminder_id,
            ),
            ("hard_bounce", reminder),
        )
        activity = self._activities()
        self.assertIn("finance@alnoor.example", activity.summary)
        self.assertIn("Fatima (fatima@alnoor.example)", activity.note)
        self.assertEqual(activity.user_id, self.accountant)

    def test_no_other_contact(self):
        lonely = self._make_customer("Lonely", "lonely@customer.example")
        self._bounce(self._sent_reminder(lonely), "5.1.1")
        self.assertIn("no other contact", self._activities(lonely).note)

    def test_stopped_and_foreign_contacts_are_not_proposed(self):
        other = self.setup_other_company(name="Other")["company"]
        self.env["chaser.suppression"]._suppress(
            self.company, "fatima@alnoor.example", "manual"
        )
        self.env["res.partner"].create(
            {
                "name": "Zanzibar",
                "email": "z@alnoor.example",
                "parent_id": self.customer.id,
            }
        ).company_id = other
        self._bounce(self._sent_reminder(), "5.1.1")
        self.assertNotIn("Zanzibar", self._activities().note)
        self.assertIn("no other contact", self._activities().note)

    def test_limit_of_the_company(self):
        self.company.write({"chaser_bounce_limit": 2, "chaser_contact_interval": 0})
        first, second = self._sent_reminder(), self._sent_reminder()
        self._bounce(first, "5.1.1")
        self.assertFalse(self._stopped("finance@alnoor.example") or self._activities())
        self._bounce(second, "5.1.1")
        self.assertTrue(self._stopped("finance@alnoor.example") and self._activities())

    def test_release_starts_counting_anew(self):
        self.company.write({"chaser_bounce_limit": 2, "chaser_contact_interval": 0})
        for _ in range(2):
            self._bounce(self._sent_reminder(), "5.1.1")
        stopped = self._stopped("finance@alnoor.example")
        stopped.action_release()
        stopped.sudo().released_at = fields.Datetime.now() + timedelta(seconds=5)
        self._bounce(self._sent_reminder(), "5.1.1")
        self.assertFalse(self._stopped("finance@alnoor.example"))

    def test_limit_below_one_is_refused(self):
        with (
            self.assertRaises(ValidationError),
            self.cr.savepoint(),
        ):
            self.company.chaser_bounce_limit = 0
            self.env.flush_all()

    def test_soft_bounce_is_counted_and_nothing_is_stopped(self):
        reminder = self._sent_reminder()
        self._bounce(reminder, "5.2.2", "mailbox full")
        self.assertEqual(self._classes(reminder), [("bounced", "soft")])
        self.assertEqual(self.customer.chaser_soft_bounce_count, 1)
        self.assertFalse(
            self._stopped("finance@alnoor.example")
            or self._activities()
            or self._holds()
        )

    def test_delayed_is_not_bounced(self):
        reminder = self._sent_reminder()
        record = self._bounce(reminder, "4.4.1", action="delayed")
        self.assertEqual(
            (record.verdict, reminder.status, self._classes(reminder)),
            ("delayed", "sent", [("deferred", "delayed")]),
        )
        self.assertEqual(self.customer.chaser_soft_bounce_count, 0)

    def test_policy_pauses_the_campaign_and_spares_the_address(self):
        campaign = self._campaign(
            self._make_invoice()
            | self._make_invoice(self._make_customer("Two", "two@customer.example"))
        )
        campaign.duration_hours = 10
        campaign.action_send()
        self._run(FakeTransport())
        self.assertEqual(campaign.state, "sending")
        sent = campaign.reminder_ids.filtered(lambda reminder: reminder.state == "sent")
        self._bounce(sent, "5.7.1", "550 5.7.1 blocked as spam")
        self.assertEqual((campaign.state, campaign.reason_code), ("paused", "policy"))
        self.assertIn("blocked as spam", campaign.reason)
        self.assertFalse(self._stopped(sent.recipient_email))
        self.assertEqual(self._classes(sent), [("bounced", "policy")])

    def test_policy_after_the_end_is_said(self):
        reminder = self._sent_reminder()
        self._bounce(reminder, "5.7.1", "550 5.7.1 blocked as spam")
        self.assertEqual(reminder.campaign_id.state, "completed")
        self.assertIn("blocked as spam", reminder.campaign_id.message_ids[0].body)

    def test_one_recipients_rule_pauses_nothing(self):
        campaign = self._campaign(
            self._make_invoice()
            | self._make_invoice(self._make_customer("Two", "two@customer.example"))
        )
        campaign.duration_hours = 10
        campaign.action_send()
        self._run(FakeTransport())
        sent = campaign.reminder_ids.filtered(lambda reminder: reminder.state == "sent")
        self._bounce(sent, "5.7.133", "RESOLVER.RST.SenderNotAuthenticatedForGroup")
        self.assertEqual(campaign.state, "sending")

    def test_each_recipient_for_itself(self):
        self.customer.email = "finance@alnoor.example, second@alnoor.example"
        reminder = self._sent_reminder()
        self.assertEqual(len(reminder._get_all_recipients()), 2)
        self._receive(
            self._report(
                reminder,
                ("finance@alnoor.example", "failed", "5.1.1", "unknown"),
                ("second@alnoor.example", "delayed", "4.4.1", "later"),
            )
        )
        self.assertEqual(
            sorted(self._classes(reminder)),
            [("bounced", "hard"), ("deferred", "delayed")],
        )
        self.assertTrue(self._stopped("finance@alnoor.example"))
        self.assertFalse(self._stopped("second@alnoor.example"))

    def test_copy_to_a_colleague_says_nothing_about_the_customer(self):
        reminder = self._sent_reminder()
        reminder.sudo().recipient_cc = "sales@pop.example"
        self._bounce(reminder, "5.1.1", address="sales@pop.example")
        self.assertEqual((reminder.status, self._classes(reminder)), ("sent", []))
        self.assertFalse(self._stopped("sales@pop.example"))

    def test_forwarded_address_does_not_stop_the_customers_own(self):
        reminder = self._sent_reminder()
        self._bounce(reminder, "5.1.1", address="private@gmail.example")
        self.assertEqual(self._classes(reminder), [("bounced", "soft")])
        self.assertFalse(
            self._stopped("finance@alnoor.example")
            | self._stopped("private@gmail.example")
        )

    def test_read_twice_counts_once(self):
        self.company.chaser_bounce_limit = 2
        reminder = self._sent_reminder()
        raw = self._report(
            reminder, (reminder.recipient_email, "failed", "5.1.1", "unknown")
        )
        self._receive(raw)
        self._receive(raw)
        self.assertEqual(len(self._classes(reminder)), 1)
        self.assertFalse(self._stopped(reminder.recipient_email))

    def test_report_without_our_message_is_listed(self):
        reminder = self._sent_reminder()
        record = self._receive(
            self._report(
                "<lost@mx.example>",
                (reminder.recipient_email, "failed", "5.1.1", "unknown"),
            )
        )
        self.assertEqual(
            (record.state, record.verdict, reminder.status),
            ("unmatched", "hard", "sent"),
        )
        self.assertFalse(self._stopped(reminder.recipient_email))

    def test_refusal_at_the_send_follows_the_same_policy(self):
        self.company.chaser_bounce_limit = 2
        self.company.chaser_contact_interval = 0
        for expected in (0, 1):
            campaign = self._campaign(self._make_invoice())
            campaign.action_send()
            self._run(
                FakeTransport(
                    [RecipientRefused("550 5.1.1 no such user", permanent=True)]
                )
            )
            self.assertEqual(campaign.reminder_ids.reason_code, "recipient_refused")
            self.assertEqual(campaign.reminder_ids.status, "bounced")
            self.assertEqual(len(self._stopped("finance@alnoor.example")), expected)
        self.assertIn("Fatima", self._activities().note)

    def test_complaint_stops_the_address_at_once(self):
        self.company.chaser_bounce_limit = 5
        reminder = self._sent_reminder()
        raw = (
            "From: abuse@mailbox.example\r\nMessage-ID: <arf@mailbox.example>\r\n"
            "Content-Type: multipart/report; report-type=feedback-report; "
            "boundary=b\r\n\r\n"
            "--b\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: "
            "abuse\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n"
            "To: finance@alnoor.example\r\nMessage-ID: "
            f"{reminder.message_id}\r\n\r\nx\r\n--b--\r\n"
        ).encode()
        record = self._receive(raw)
        self.assertEqual(
            (record.kind, self._stopped("finance@alnoor.example").reason),
            ("complaint", "complaint"),
        )
        self.assertIn("complained", reminder.event_ids.mapped("event_type"))


@tagged("post_install", "-at_install")
class TestUnmatched(InboundCase):
    def setUp(self):
        super().setUp()
        self.reminder = self._sent_reminder()
        self.record = self._receive(self._mail("Please call me about the invoices."))

    def _assign(self, user=None, **values):
        action = self.record.with_user(user or self.accountant).action_assign()
        wizard = (
            self.env["chaser.inbound.assign"]
            .with_user(user or self.accountant)
            .browse(action["res_id"])
        )
        wizard.write(values)
        return wizard

    def test_assign_does_what_a_match_does(self):
        wizard = self._assign()
        self.assertEqual(
            (wizard.partner_id, wizard.reminder_id),
            (self.customer, self.reminder),
            "proposed by the sender's address",
        )
        wizard.action_assign()
        self.env.invalidate_all()
        self.assertRecordValues(
            self.record,
            [
                {
                    "state": "matched",
                    "matched_by": "person",
                    "partner_id": self.customer.id,
                    "reminder_id": self.reminder.id,
                    "settled_by_id": self.accountant.id,
                }
            ],
        )
        self.assertEqual(self.reminder.status, "replied")
        self.assertTrue(self._holds() and self._activities())
        self.assertIn("Please call me", self.customer.message_ids[0].body)

    def test_assign_to_a_customer_without_a_reminder(self):
        self._assign(reminder_id=False).action_assign()
        self.assertEqual(
            (self.record.partner_id, self.reminder.status), (self.customer, "sent")
        )
        self.assertTrue(self._holds())

    def test_form_follows_the_customer(self):
        other = self._make_customer("Two", "two@customer.example")
        theirs = self._sent_reminder(other)
        form = Form(self._assign())
        form.partner_id = other
        self.assertEqual(form.reminder_id, theirs)

    def test_assign_refuses_nonsense(self):
        other = self._make_customer("Two", "two@customer.example")
        for values, words in (
            ({"partner_id": False, "reminder_id": False}, "Choose the customer"),
            ({"partner_id": other.id, "reminder_id": self.reminder.id}, "Al Noor"),
        ):
            with self.subTest(values=values), self.assertRaisesRegex(UserError, words):
                self._assign(**values).action_assign()
        wizard = self._assign()
        wizard.action_assign()
        with self.assertRaisesRegex(UserError, "already"):
            wizard.action_assign()

    def test_assigned_report_stops_the_address(self):
        self.record = self._receive(
            self._report(
                "<lost@mx.example>",
                ("finance@alnoor.example", "failed", "5.1.1", "unknown"),
            )
        )
        self._assign().action_assign()
        self.assertTrue(self._stopped("finance@alnoor.example"))
        self.assertEqual(self.reminder.status, "bounced")

    def test_nothing_to_propose(self):
        self.customer.email = self.contact.email = "new@alnoor.example"
        self.reminder.sudo().recipient_email = "other@alnoor.example"
        wizard = self._assign()
        self.assertFalse(wizard.partner_id or wizard.reminder_id)

    def test_ignore(self):
        self.record.with_user(self.accountant).action_ignore()
        self.assertEqual(
            (self.record.state, self.record.settled_by_id), ("ignored", self.accountant)
        )
        self.assertFalse(self._holds())
        self._assign().action_assign()
        self.assertEqual(
            self.record.state, "matched", "who changes his mind can still assign it"
        )

    def test_attachments_wait_with_the_mail(self):
        head = self._mail().partition(b"Content-Type")[0]
        self.record = self._receive(head + PDF.encode())
        files = self.env["ir.attachment"].search(
            [("res_model", "=", "chaser.inbound"), ("res_id", "=", self.record.id)]
        )
        self.assertEqual(self.record.attachment_count, 1, "the original is none")
        file = files - self.record.source_id
        self.assertEqual(file.with_user(self.accountant).name, "copy.pdf")
        other = self.setup_other_company(name="Other")["company"]
        stranger = new_test_user(
            self.env,
            "inbound_b",
            "invoice_chaser.group_chaser_manager",
            company_id=other.id,
        )
        with self.assertRaises(AccessError):
            file.with_user(stranger).with_context(allowed_company_ids=other.ids).read(
                ["name"]
            )
        self._assign().action_assign()
        self.assertEqual(self.customer.message_ids[0].attachment_ids.name, "copy.pdf")

    def test_counts_on_reminder_and_customer(self):
        self._assign().action_assign()
        self.assertEqual(
            (
                self.reminder.inbound_count,
                self.customer.chaser_inbound_count,
                self.contact.chaser_inbound_count,
            ),
            (1, 1, 1),
        )
        for action in (
            self.reminder.action_view_inbound(),
            self.contact.action_view_chaser_inbound(),
        ):
            self.assertEqual(
                self.env["chaser.inbound"].search(action["domain"]), self.record
            )

    def test_queries_do_not_grow_with_the_history(self):
        for number in range(5):
            self._sent_reminder(
                self._make_customer(f"C{number}", f"c{number}@customer.example")
            )
        self.env.flush_all()
        stranger = self._mail(sender="friend@private.example")
        self._receive(stranger)
        with self.assertQueryCount(4):
            self._receive(stranger)


@tagged("post_install", "-at_install")
class TestGateway(InboundCase):
    """Through Odoo's own mail gateway."""

    def setUp(self):
        super().setUp()
        self.domain = self.env["mail.alias.domain"].create({"name": "mail.pop.example"})
        self.company.alias_domain_id = self.domain
        self.reminder = self._sent_reminder()

    def _to(self, raw, address):
        return raw.replace(b"To: accounts@pop.example", f"To: {address}".encode())

    def test_answer(self):
        notes = len(self.customer.message_ids)
        self._gateway(self._mail(reference=self.reminder.message_id))
        self.assertEqual(
            self.env["chaser.inbound"].search([]).reminder_id, self.reminder
        )
        self.assertEqual(
            len(self.customer.message_ids),
            notes + 1,
            "once, not also by Odoo's own routing",
        )
        self.assertEqual(self.reminder.status, "replied")
        self.assertTrue(self._holds())

    def test_out_of_office_is_no_answer(self):
        self._gateway(
            self._mail(
                "away",
                reference=self.reminder.message_id,
                more="Auto-Submitted: auto-replied\r\n",
            )
        )
        self.assertEqual(self.reminder.status, "sent")
        self.assertFalse(self._holds())

    def test_report(self):
        raw = self._report(
            self.reminder, (self.reminder.recipient_email, "failed", "5.1.1", "unknown")
        )
        self._gateway(self._to(raw, "bounce@mail.pop.example"))
        self.assertEqual(self.reminder.status, "bounced")
        self.assertTrue(self._stopped(self.reminder.recipient_email))
        self.assertEqual(self.customer.message_bounce, 1, "Odoo's own counting goes on")

    def test_token_in_the_address(self):
        self._gateway(
            self._to(
                self._mail("paid"),
                f"chaser+{self.reminder.sudo().reply_token}@mail.pop.example",
            )
        )
        self.assertEqual(self.env["chaser.inbound"].search([]).matched_by, "token")

    def test_reply_address_names_the_reminder(self):
        """Where the company wants it; a campaign's or mailbox's own Reply-To outweighs
        it."""
        partner = self._make_customer("Two", "two@customer.example")
        for values, expected in (
            ({}, "catchall@mail.pop.example"),
            ({"chaser_reply_token": True}, "chaser+{token}@mail.pop.example"),
        ):
            self.company.write({"chaser_contact_interval": 0, **values})
            campaign = self._campaign(self._make_invoice(partner))
            campaign.action_send()
            [message] = self._run(FakeTransport()).sent
            self.assertEqual(
                message.reply_to,
                expected.format(token=campaign.reminder_ids.sudo().reply_token),
            )
        campaign = self._campaign(
            self._make_invoice(partner), reply_to="boss@pop.example"
        )
        campaign.action_send()
        self.assertEqual(
            self._run(FakeTransport()).sent[0].reply_to, "boss@pop.example"
        )

    def test_invoice_number_to_the_catchall(self):
        self._gateway(
            self._to(
                self._mail(f"paid {self.reminder.line_ids.number}"),
                "catchall@mail.pop.example",
            )
        )
        self.assertEqual(self.env["chaser.inbound"].search([]).matched_by, "number")

    def test_known_sender_to_the_catchall_is_listed_instead_of_bounced(self):
        mails = self.env["mail.mail"].sudo().search_count([])
        self._gateway(self._to(self._mail("call me"), "catchall@mail.pop.example"))
        self.assertEqual(self.env["chaser.inbound"].search([]).state, "unmatched")
        self.assertEqual(self.env["mail.mail"].sudo().search_count([]), mails)

    def test_two_companies_behind_one_catchall(self):
        """Which of two companies that wrote to the sender is meant: the invoice number
        decides, nothing else is guessed."""
        other = self.setup_other_company(name="Other")["company"]
        other.alias_domain_id = self.domain
        theirs = self.reminder.sudo().copy(
            {
                "company_id": other.id,
                "campaign_id": False,
                "token": "t" * 32,
                "message_id": "<x@other.example>",
                "provider_id": False,
            }
        )
        theirs.write(
            {
                "state": "sent",
                "attempted_at": fields.Datetime.now(),
                "sent_at": fields.Datetime.now(),
                "recipient_email": "finance@alnoor.example",
            }
        )
        with mute_logger(
            "odoo.addons.mail.models.mail_thread", "odoo.addons.mail.models.mail_mail"
        ):
            self._gateway(self._to(self._mail("call me"), "catchall@mail.pop.example"))
        self.assertFalse(self.env["chaser.inbound"].sudo().search([]))
        self._gateway(
            self._to(
                self._mail(f"paid {self.reminder.line_ids.number}"),
                "catchall@mail.pop.example",
            )
        )
        self.assertEqual(
            self.env["chaser.inbound"].sudo().search([]).company_id, self.company
        )

    def test_other_mail_goes_its_own_way(self):
        with self.assertRaises(ValueError):
            self._gateway(self._mail(sender="stranger@elsewhere.example"))
        message = self.customer.message_post(
            body="hi", message_type="comment", subtype_xmlid="mail.mt_comment"
        )
        self._gateway(self._mail("an answer to that", reference=message.message_id))
        self.assertIn("an answer to that", self.customer.message_ids[0].body)
        self.assertFalse(self.env["chaser.inbound"].search([]))

    def test_copy_to_another_alias_arrives_there_too(self):
        alias = self.env["mail.alias"].create(
            {
                "alias_name": "desk",
                "alias_domain_id": self.domain.id,
                "alias_contact": "everyone",
                "alias_model_id": self.env["ir.model"]._get_id("chaser.campaign"),
            }
        )
        self._gateway(
            self._to(
                self._mail(reference=self.reminder.message_id),
                f"accounts@pop.example, {alias.alias_full_name}",
            )
        )
        self.assertEqual(
            self.env["chaser.campaign"].search([], limit=1).name, "Re: overdue"
        )
        self.assertEqual(self.reminder.status, "replied")
        self.assertEqual(
            len(
                self.customer.message_ids.filtered(
                    lambda message: message.message_type == "email"
                )
            ),
            1,
        )

    def test_known_sender_to_another_alias_is_not_taken(self):
        alias = self.env["mail.alias"].create(
            {
                "alias_name": "desk",
                "alias_domain_id": self.domain.id,
                "alias_contact": "everyone",
                "alias_model_id": self.env["ir.model"]._get_id("chaser.campaign"),
            }
        )
        self._gateway(
            self._to(self._mail(), f"accounts@pop.example, {alias.alias_full_name}")
        )
        self.assertFalse(self.env["chaser.inbound"].search([]))

    def test_fault_of_ours_does_not_stop_the_gateway(self):
        def fail(*_args, **_values):
            raise RuntimeError("broken")

        with (
            patch.object(type(self.env["chaser.inbound"]), "_sort_gateway_mail", fail),
            mute_logger("odoo.addons.invoice_chaser.models.inbound.mail_thread"),
        ):
            self._gateway(self._mail(reference=self.reminder.message_id))
        self.assertIn(
            "We will pay",
            self.customer.message_ids[0].body,
            "Odoo has put it into the chatter itself",
        )

    def test_company_is_that_of_the_reminder(self):
        other = self.setup_other_company(name="Other")["company"]
        shared = self._make_customer("Shared", "shared@customer.example")
        reminder = self._sent_reminder(shared)
        self._gateway(
            self._to(
                self._mail(
                    sender="shared@customer.example", reference=reminder.message_id
                ),
                "accounts@pop.example",
            )
        )
        self.assertEqual(self._holds(shared).company_id, self.company)
        self.assertFalse(
            self.env["chaser.hold"].sudo().search([("company_id", "=", other.id)])
        )

    def test_colleague_answers_by_mail(self):
        """From the user's own mail program, through Odoo: the hold is released, too."""
        self._gateway(self._mail(reference=self.reminder.message_id))
        incoming = self.customer.message_ids[0]
        self.assertTrue(self._holds())
        self.customer.message_subscribe(self.customer.ids)
        self._gateway(
            self._mail(
                "we look into it",
                sender="acc@pop.example",
                reference=incoming.message_id,
                message_id="<own@pop.example>",
            )
        )
        self.assertFalse(self._holds())
