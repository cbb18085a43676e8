from unittest.mock import patch

from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from ..core.mail import errors
from ..core.mail.message import SendResult
from ..core.status.tracking import mask_tokens
from ..models.send.batches import Batches
from .common import FakeTransport
from .test_send import Killed, SendCase


@tagged("post_install", "-at_install")
class TestRecord(SendCase):
    """The records of a sent message: values written past the ORM must equal those that
    the ORM would have written."""

    def _get_notes(self):
        return self.env["mail.message"].search(
            [("message_id", "=", self.reminder.message_id)], order="id"
        )

    def test_notes_are_those_that_the_orm_would_make(self):
        self._run()
        for note in self._get_notes():
            values = {
                name: note[name]
                for name in (
                    "body",
                    "subject",
                    "message_id",
                    "message_type",
                    "is_internal",
                    "email_from",
                    "reply_to",
                    "date",
                    "model",
                    "res_id",
                )
            }
            values |= {
                "subtype_id": note.subtype_id.id,
                "author_id": note.author_id.id,
                "chaser_company_id": note.chaser_company_id.id,
            }
            twin = (
                self.env["mail.message"]
                .with_user(note.create_uid)
                .sudo()
                .create(values)
            )
            for name, field in note._fields.items():
                if (
                    field.store
                    and field.column_type
                    and name not in ("id", "create_date", "write_date")
                ):
                    with self.subTest(name, model=note.model):
                        self.assertEqual(note[name], twin[name])

    def test_notes_on_each_invoice_and_last_on_the_customer(self):
        self._run()
        notes = self._get_notes()
        self.assertEqual(
            sorted(
                notes.filtered(lambda note: note.model == "account.move").mapped(
                    "res_id"
                )
            ),
            sorted(self.reminder.line_ids.move_id.ids),
        )
        self.assertEqual(
            (notes[-1].model, notes[-1].res_id), ("res.partner", self.customer.id)
        )
        self.assertEqual(notes.author_id, self.accountant.partner_id)
        self.assertTrue(
            all(
                note.is_internal and note.subtype_id == self.env.ref("mail.mt_note")
                for note in notes
            )
        )

    def _get_own_notes(self, reminders):
        return self.env["mail.message"].search(
            [("message_id", "in", reminders.mapped("message_id"))]
        )

    def test_another_addon_sees_the_notes_of_a_batch_at_once(self):
        """They are made by the ORM: an override of ``mail.message.create`` runs, once a
        batch."""
        self.campaign.action_cancel()
        campaign, made = self._customers(3), []
        create = self.registry["mail.message"].create

        def override(model, values_list):
            mine = [
                values
                for values in values_list
                if values.get("message_type") == "email_outgoing"
            ]
            if mine:
                made.append(len(mine))
                values_list = [
                    values | {"email_add_signature": False} for values in values_list
                ]
            return create(model, values_list)

        with patch.object(self.registry["mail.message"], "create", override):
            self._run()
        self.assertEqual(made, [6], "a note on each customer and each invoice")
        self.assertEqual(
            self._get_own_notes(campaign.reminder_ids).mapped("email_add_signature"),
            [False] * 6,
        )

    def test_death_between_the_record_and_the_notes(self):
        """The next run makes the notes and the activity that are missing, exactly
        once."""
        self.reminder.level_id.activity_type_id = self.env.ref(
            "mail.mail_activity_data_call"
        )
        with (
            patch.object(Batches, "write_notes", side_effect=Killed),
            mute_logger("odoo.addons.base.models.ir_cron"),
        ):
            try:
                self._run()
            except Killed:
                self.env.invalidate_all()
        self.assertEqual((self.reminder.state, len(self._get_notes())), ("sent", 0))
        for _run in range(3):
            self.assertFalse(self._run().sent)
            self.assertEqual(len(self._get_notes()), 3)
        self.assertEqual(
            (self._get_notes()[-1].model, self._get_notes().author_id),
            ("res.partner", self.accountant.partner_id),
        )
        self.assertEqual(len(self.customer.activity_ids), 1)

    def test_one_note_that_fails_costs_no_other(self):
        self.campaign.action_cancel()
        campaign = self._customers(3)
        faulty = campaign.reminder_ids[0].partner_id
        create = self.registry["mail.message"].create

        def override(model, values_list):
            if any(
                values.get("model") == "res.partner"
                and values.get("res_id") == faulty.id
                for values in values_list
            ):
                raise ValueError("not this one")
            return create(model, values_list)

        with (
            patch.object(self.registry["mail.message"], "create", override),
            self.assertLogs("odoo.addons.invoice_chaser.models.send.run", "ERROR"),
        ):
            self.assertEqual(len(self._run().sent), 3)
        self.assertEqual(len(self._get_own_notes(campaign.reminder_ids)), 4)
        self.assertEqual(campaign.state, "completed")
        self._run()
        self.assertEqual(
            len(self._get_own_notes(campaign.reminder_ids)),
            6,
            "the next run makes up for it",
        )

    def test_nobody_is_notified(self):
        colleague = new_test_user(
            self.env,
            "colleague",
            "account.group_account_invoice",
            company_id=self.company.id,
            notification_type="email",
        )
        invoice = self.reminder.line_ids.move_id[0]
        for document in (self.customer, invoice):
            document.message_subscribe((colleague.partner_id | self.customer).ids)
        mails = self.env["mail.mail"].search_count([])
        self._run()
        self.assertFalse(self._get_notes().notification_ids)
        self.assertEqual(self.env["mail.mail"].search_count([]), mails)

    def test_colleagues_read_the_notes_and_the_customer_does_not(self):
        colleague = new_test_user(
            self.env,
            "colleague",
            "account.group_account_invoice",
            company_id=self.company.id,
        )
        portal = new_test_user(self.env, "portal_customer", "base.group_portal")
        portal.partner_id.parent_id = self.customer
        invoice = self.reminder.line_ids.move_id[0]
        self.assertFalse(self._get_notes())
        invoice.message_subscribe(portal.partner_id.ids)
        before = invoice.message_ids
        self._run()
        self.assertEqual(len(invoice.with_user(colleague).message_ids - before), 1)
        self.assertFalse(
            self._get_notes()
            .with_user(portal)
            .search([("id", "in", self._get_notes().ids)])
        )

    def test_subject_and_address_are_escaped(self):
        self.campaign.template_id = self.env.ref(
            "invoice_chaser.chaser_template_polite"
        ).copy(
            {
                "subject": "<b>{{ customer_name }}</b> & co",
                "company_id": self.company.id,
            }
        )
        self._run()
        body = self._get_notes()[-1].body
        self.assertIn("&lt;b&gt;", body)
        self.assertNotIn("<b><b>", body)

    def test_notes_speak_the_language_of_who_signs_them(self):
        self.accountant.lang = "ar_001"
        words = self.env(context={"lang": "ar_001"})["chaser.sender"]._get_sent_words(
            "finance@alnoor.example"
        )
        self._run()
        self.assertIn(words, self._get_notes()[-1].body)

    def test_event_and_result(self):
        transport = FakeTransport()
        refused = {"x@x.example": "550 no"}
        with patch.object(
            FakeTransport,
            "send",
            lambda own, message: own.sent.append(message)
            or SendResult(
                provider_message_id="p-1",
                response="250 OK",
                refused=refused,
                thread_id="t-1",
                internet_message_id="<theirs@service>",
            ),
        ):
            self._run(transport)
        event = self.reminder.event_ids
        self.assertEqual(
            (event.event_type, event.source, event.raw_data),
            ("sent", "api", {"response": "250 OK", "refused": refused}),
        )
        self.assertEqual(
            (event.campaign_id, event.company_id, event.partner_id),
            (self.campaign, self.company, self.customer),
        )
        self.assertEqual(event.occurred_at, self.reminder.sent_at)
        self.assertTrue(event.create_date and event.create_uid)
        self.assertEqual(
            (
                self.reminder.provider_message_id,
                self.reminder.provider_thread_id,
                self.reminder.internet_message_id,
            ),
            ("p-1", "t-1", "<theirs@service>"),
        )
        self.assertFalse(self.reminder.is_undecided)

    def test_marked_values_are_those_of_the_message(self):
        [message] = self._run(FakeTransport()).sent
        reminder = self.reminder
        self.assertEqual(reminder.recipient_domain, "alnoor.example")
        self.assertEqual(
            (reminder.recipient_others, reminder.recipient_cc), (False, False)
        )
        self.assertEqual(
            (reminder.subject, reminder.body_html, reminder.body_text),
            (message.subject, mask_tokens(message.html), mask_tokens(message.text)),
        )
        self.assertEqual(reminder.language, "en")
        self.assertEqual(list(reminder.text_values), ["en"])
        told = reminder.text_values["en"]
        self.assertEqual(told["customer_name"], self.customer.name)
        self.assertIn(told["total_due"], message.text)
        self.assertNotIn(reminder.sudo().page_token, str(reminder.text_values))
        self.assertIn(
            f"{{{{ total_due }}}}  {told['total_due']}", reminder.text_values_note
        )
        self.assertTrue(
            reminder.sudo().link_targets
            and reminder.template_version_id
            and reminder.attempted_at
        )
        self.assertEqual(reminder.write_uid.id, self.provider.cron_id.user_id.id)
        self.assertFalse(reminder.reason_code)

    def test_stored_domain_follows_the_address_that_is_left(self):
        """The first address is stopped: the second one, of another domain, counts
        against its own domain's limit."""
        self.customer.email = "finance@alnoor.example, other@second.example"
        self.env["chaser.suppression"].create(
            {
                "email": "finance@alnoor.example",
                "company_id": self.company.id,
                "reason": "manual",
            }
        )
        [message] = self._run().sent
        self.assertEqual(message.recipients, ("other@second.example",))
        self.assertEqual(
            (self.reminder.recipient_email, self.reminder.recipient_domain),
            ("other@second.example", "second.example"),
        )

    def test_a_retry_keeps_what_was_known_and_forgets_the_reason(self):
        self._run(FakeTransport([errors.Unreachable("later")]))
        self.assertEqual(self.reminder.state, "queued")
        self.assertTrue(self.reminder.reason_code)
        self.reminder.sudo().scheduled_at = self._later(seconds=-1)
        self.provider.sudo().write({"hold_until": False})
        self._run()
        self.assertEqual(
            (
                self.reminder.state,
                self.reminder.reason_code,
                self.reminder.attempt_count,
            ),
            ("sent", False, 2),
        )

    def test_queries_per_message(self):
        """A small constant: the statements of the steps, one to see whether the mailbox
        is still open, and the part of its batch. The notes are asked for in a number
        that does not depend on the messages."""
        self._run()
        self.campaign.action_cancel()
        noted, write_notes = [], self.registry["chaser.sender"]._write_notes

        def count_notes(sender, notes):
            before = self.env.cr.sql_log_count
            write_notes(sender, notes)
            sender.env.flush_all()
            noted.append(self.env.cr.sql_log_count - before)

        def count(customers):
            self._customers(customers)
            self.env.flush_all()
            before = self.env.cr.sql_log_count
            with patch.object(
                self.registry["chaser.sender"], "_write_notes", count_notes
            ):
                self.assertEqual(len(self._run().sent), customers)
            return self.env.cr.sql_log_count - before

        few, many = count(2), count(12)
        # A batch of five has one more, for its invoices' links.
        self.assertLessEqual(
            (many - few) / 10, 14.2, f"{few} queries for 2 messages, {many} for 12"
        )
        self.assertLessEqual(noted[1], noted[0], noted)
