import hashlib
import io
import zipfile
from contextlib import contextmanager
from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from ..core.letter.documents import pdf
from ..core.mail import errors
from .common import ChaserCase, FakeTransport

_PDF = b"%PDF-1.7 an invoice "


class DocumentCase(ChaserCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.template = cls.env.ref("invoice_chaser.chaser_template_polite").copy(
            {"name": "With documents", "company_id": cls.company.id}
        )
        cls.job = cls.env.ref("invoice_chaser.ir_cron_make_invoice_pdfs")
        cls.made = []

    def setUp(self):
        super().setUp()
        self.startPatcher(
            patch.object(
                self.registry["chaser.documents"], "_wake_pdf_job", lambda _self: None
            )
        )

    def _send(self, invoices, transport=None, **options):
        """The campaign and the messages of a template with these options."""
        self.template.write(options)
        campaign = self._campaign(invoices, template_id=self.template.id)
        campaign.action_send()
        return campaign, self._run(transport or FakeTransport()).sent

    def _attach_pdf(self, invoice, content=None):
        """The PDF that Odoo has stored for an invoice."""
        return self.env["ir.attachment"].create(
            {
                "name": f"{invoice.name.replace('/', '_')}.pdf",
                "raw": content or _PDF + invoice.name.encode(),
                "mimetype": "application/pdf",
                "res_model": "account.move",
                "res_id": invoice.id,
                "res_field": "invoice_pdf_report_file",
            }
        )

    @contextmanager
    def _report_engine(self, error=None):
        """Odoo's report engine, which makes a PDF or refuses."""
        made = []

        def generate(_send, moves, **_settings):
            made.append(moves)
            if error:
                raise error
            for move in moves:
                self._attach_pdf(move)
            return self.env["ir.attachment"]

        with patch.object(
            type(self.env["account.move.send"]), "_generate_and_send_invoices", generate
        ):
            yield made

    def _run_job(self):
        self.env.flush_all()
        with self.enter_registry_test_mode():
            self.job.method_direct_trigger()
        self.env.invalidate_all()


@tagged("post_install", "-at_install")
class TestDocuments(DocumentCase):
    """What goes with a message, what is kept of it, and what is noted when something
    cannot be attached."""

    def test_nothing_is_attached_by_default(self):
        campaign, [message] = self._send(self._make_invoice())
        self.assertFalse(message.attachments)
        self.assertFalse(campaign.reminder_ids.attached_files)
        self.assertIn("/my/invoices/", message.text)

    def test_invoices_are_not_linked_where_not_wanted(self):
        _campaign, [message] = self._send(self._make_invoice(), attach_invoices="none")
        self.assertNotIn("/my/invoices/", message.html + message.text)

    # -- statement and letter

    def test_statement_shows_everything_open(self):
        overdue, later = (
            self._make_invoice(amount=100),
            self._make_invoice(amount=55, days=-10),
        )
        credit = self._make_invoice(amount=30, move_type="out_refund")
        with patch.object(pdf, "make_pdf", lambda html: html.encode()):
            campaign, [message] = self._send(overdue, attach_statement="pdf")
        [file] = message.attachments
        html = file.content.decode()
        for move in (overdue, later, credit):
            self.assertIn(move.name, html)
        self.assertIn("not due yet", html)
        self.assertIn("125.00", html, "the balance: 100 + 55 - 30")
        self.assertTrue(
            file.name.startswith("Statement of account POP Trading ")
            and file.name.endswith(".pdf")
        )
        self.assertIn("Attached: statement of account.", message.text)
        self.assertEqual(campaign.reminder_ids.attached_files[0]["kind"], "statement")

    def test_real_pdf(self):
        if not pdf.is_available():
            self.skipTest("WeasyPrint is not installed")
        _campaign, [message] = self._send(
            self._make_invoice(), attach_statement="pdf", attach_letter=True
        )
        self.assertEqual(
            [file.content[:5] for file in message.attachments], [b"%PDF-"] * 2
        )
        self.assertEqual(
            [part.get_content_type() for part in message.to_email().iter_attachments()],
            ["application/pdf"] * 2,
        )

    def test_letter_has_the_figures_of_the_message(self):
        invoices = self._make_invoice(amount=100) | self._make_invoice(amount=70)
        self.customer.write(
            {"street": "Street 5", "city": "Sharjah", "vat": "100987654300003"}
        )
        with patch.object(pdf, "make_pdf", lambda html: html.encode()):
            _campaign, [message] = self._send(invoices, attach_letter=True)
        [file] = message.attachments
        letter = file.content.decode()
        for words in (
            "Dear Sir or Madam",
            "Al Noor Trading",
            "Street 5",
            "Sharjah",
            "100987654300003",
            "170.00",
            *invoices.mapped("name"),
        ):
            self.assertIn(words, letter)
        self.assertIn("170.00", message.html)

    def test_documents_in_the_customers_language(self):
        for language, words, missing in (
            ("ar", "كشف حساب", "Statement"),
            ("en", "Statement of account", "كشف حساب"),
            ("both", "كشف حساب", None),
        ):
            with (
                self.subTest(language),
                patch.object(pdf, "make_pdf", lambda html: html.encode()),
            ):
                customer = self._make_customer(
                    f"Customer {language}",
                    f"c-{language}@x.example",
                    chaser_language=language,
                )
                _campaign, [message] = self._send(
                    self._make_invoice(customer),
                    attach_statement="pdf",
                    attach_letter=True,
                )
                letter, statement = (
                    file.content.decode() for file in message.attachments
                )
                self.assertIn(words, statement)
                self.assertIn(words, message.attachments[1].name)
                if missing:
                    self.assertNotIn(missing, statement)
                self.assertEqual("المحترمين" in letter, language != "en")
                self.assertEqual("Yours faithfully" in letter, language != "ar")

    def test_letter_of_ones_own(self):
        own = self.template.copy(
            {
                "category": "system",
                "subject": "Our letter",
                "body_html": "<p>Our own words to {{ customer_name }}</p>",
            }
        )
        with patch.object(pdf, "make_pdf", lambda html: html.encode()):
            _campaign, [message] = self._send(
                self._make_invoice(), attach_letter=True, letter_template_id=own.id
            )
        self.assertIn(
            "Our own words to Al Noor Trading", message.attachments[0].content.decode()
        )

    def test_spreadsheet(self):
        invoice = self._make_invoice(amount=100)
        _campaign, [message] = self._send(invoice, attach_statement="xlsx")
        [file] = message.attachments
        self.assertTrue(file.name.endswith(".xlsx"))
        with zipfile.ZipFile(io.BytesIO(file.content)) as book:
            self.assertIn(invoice.name, book.read("xl/sharedStrings.xml").decode())

    def test_without_the_pdf_library(self):
        def refuse(_html):
            raise pdf.NoEngine

        with patch.object(pdf, "make_pdf", refuse):
            campaign, [message] = self._send(
                self._make_invoice(), attach_statement="pdf", attach_letter=True
            )
        self.assertFalse(message.attachments)
        self.assertNotIn("Attached", message.text)
        note = campaign.reminder_ids.document_note
        self.assertEqual(note.count("WeasyPrint is not installed"), 2)
        self.assertEqual(campaign.reminder_ids.state, "sent")

    def test_a_document_that_fails_does_not_stop_the_message(self):
        def fail(_html):
            raise ValueError("broken font")

        with (
            patch.object(pdf, "make_pdf", fail),
            mute_logger("odoo.addons.invoice_chaser.models.send.chaser_documents"),
        ):
            campaign, [message] = self._send(
                self._make_invoice(), attach_statement="pdf"
            )
        self.assertFalse(message.attachments)
        self.assertIn("broken font", campaign.reminder_ids.document_note)

    # -- what is kept

    def test_the_exact_files_are_kept_for_those_who_may_read_the_reminder(self):
        with patch.object(pdf, "make_pdf", lambda html: html.encode()):
            campaign, [message] = self._send(
                self._make_invoice(), attach_statement="pdf"
            )
        reminder = campaign.reminder_ids
        self.assertEqual(
            reminder.attached_files,
            [
                {
                    "kind": "statement",
                    "number": "",
                    "name": message.attachments[0].name,
                    "mimetype": "application/pdf",
                    "size": len(message.attachments[0].content),
                    "sha256": hashlib.sha256(
                        message.attachments[0].content
                    ).hexdigest(),
                }
            ],
        )
        files = reminder.with_user(self.accountant).document_ids
        self.assertEqual(files.mapped("raw"), [message.attachments[0].content])
        other_company = self.env["res.company"].create({"name": "Other"})
        stranger = new_test_user(
            self.env,
            "stranger",
            "invoice_chaser.group_chaser_user",
            company_id=other_company.id,
            company_ids=[(6, 0, other_company.ids)],
        )
        plain = new_test_user(
            self.env, "plain", "base.group_user", company_id=self.company.id
        )
        for user in (stranger, plain):
            with self.subTest(user.login), self.assertRaises(AccessError):
                files.with_user(user).read(["raw"])

    def test_a_second_attempt_keeps_one_copy(self):
        transport = FakeTransport([errors.Unreachable("later")])
        with patch.object(pdf, "make_pdf", lambda html: html.encode()):
            campaign, _sent = self._send(
                self._make_invoice(), transport, attach_statement="pdf"
            )
            reminder = campaign.reminder_ids
            self.assertEqual(reminder.state, "queued")
            reminder.sudo().scheduled_at = fields.Datetime.now()
            self.provider.sudo().write({"hold_until": False})
            self._run(transport)
        self.assertEqual(
            (
                reminder.state,
                len(reminder.document_ids),
                len(transport.sent[0].attachments),
            ),
            ("sent", 1, 1),
        )

    # -- caps

    def test_caps(self):
        invoices = (
            self._make_invoice(days=40)
            | self._make_invoice(days=30)
            | self._make_invoice(days=20)
        )
        for invoice in invoices:
            self._attach_pdf(invoice)
        self.company.chaser_attach_max_count = 2
        campaign, [message] = self._send(invoices, attach_invoices="pdf")
        self.assertEqual(
            [file.name for file in message.attachments],
            [f"{invoice.name.replace('/', '_')}.pdf" for invoice in invoices[:2]],
        )
        self.assertIn(
            "One more invoice can be downloaded by its link above.", message.text
        )
        self.assertIn(
            invoices[2].name.replace("/", "_"), campaign.reminder_ids.document_note
        )

    def test_size_cap(self):
        small, large = self._make_invoice(days=30), self._make_invoice(days=40)
        self._attach_pdf(small)
        self._attach_pdf(large, b"%PDF-" + b"x" * 1_000_001)
        self.company.chaser_attach_max_mb = 1
        _campaign, [message] = self._send(small | large, attach_invoices="pdf")
        self.assertEqual(
            [file.name for file in message.attachments],
            [f"{small.name.replace('/', '_')}.pdf"],
        )

    # -- invoice PDFs

    def test_the_pdf_that_odoo_has_goes_as_it_is(self):
        invoice = self._make_invoice()
        kept = self._attach_pdf(invoice)
        with self._report_engine() as made:
            campaign, [message] = self._send(invoice, attach_invoices="pdf")
        self.assertEqual(
            [(file.name, file.content) for file in message.attachments],
            [(kept.name, kept.raw)],
        )
        self.assertFalse(made)
        self.assertIn(f"Attached: the invoice ({invoice.name}).", message.text)
        self.assertEqual(
            campaign.reminder_ids.attached_files[0]["number"], invoice.name
        )

    def test_a_missing_pdf_is_made_by_the_job_and_not_by_the_sender(self):
        invoice = self._make_invoice()
        with self._report_engine() as made:
            campaign, sent = self._send(invoice, attach_invoices="pdf")
            reminder = campaign.reminder_ids
            self.assertFalse(sent or made, "the sender does not make it")
            self.assertEqual(
                (reminder.state, reminder.reason_code), ("queued", "documents")
            )
            self.assertIn("being made", reminder.reason)
            self._run_job()
            self.assertEqual(made, [invoice])
            [message] = self._run().sent
        self.assertEqual(len(message.attachments), 1)
        self.assertEqual((reminder.state, reminder.document_note), ("sent", False))

    def test_a_pdf_that_cannot_be_made_is_told_and_the_message_goes(self):
        invoice, other = self._make_invoice(days=30), self._make_invoice(days=20)
        self._attach_pdf(other)
        with self._report_engine(UserError("wkhtmltopdf is missing")):
            campaign, sent = self._send(invoice | other, attach_invoices="pdf")
            self.assertFalse(sent)
            self._run_job()
            [message] = self._run().sent
        self.assertEqual(len(message.attachments), 1)
        note = campaign.reminder_ids.document_note
        self.assertIn(invoice.name, note)
        self.assertIn("wkhtmltopdf is missing", note)
        self.assertIn("One more invoice can be downloaded", message.text)

    def test_the_message_does_not_wait_for_ever(self):
        """The job never runs: after a while the message goes without."""
        campaign, sent = self._send(self._make_invoice(), attach_invoices="pdf")
        reminder = campaign.reminder_ids
        self.assertFalse(sent)
        self.assertLessEqual(reminder.documents_until, self._later(minutes=21))
        reminder.sudo().write(
            {
                "documents_until": fields.Datetime.now() - timedelta(seconds=1),
                "scheduled_at": fields.Datetime.now(),
            }
        )
        [message] = self._run().sent
        self.assertFalse(message.attachments)
        self.assertIn("There is no PDF of", reminder.document_note)

    def test_a_scheduled_campaign_is_prepared_before(self):
        invoice = self._make_invoice()
        self.template.attach_invoices = "pdf"
        campaign = self._campaign(invoice, template_id=self.template.id)
        campaign.action_schedule(fields.Datetime.to_string(self._later(days=1)))
        self.assertEqual(campaign.state, "scheduled")
        with self._report_engine() as made:
            self._run_job()
            self._run_job()
        self.assertEqual(made, [invoice], "once")

    def test_the_job_makes_no_more_than_go(self):
        invoices = (
            self._make_invoice(days=40)
            | self._make_invoice(days=30)
            | self._make_invoice(days=20)
        )
        self.company.chaser_attach_max_count = 2
        with self._report_engine() as made:
            campaign, _sent = self._send(invoices, attach_invoices="pdf")
            self._run_job()
            [message] = self._run().sent
        self.assertEqual(made, [invoices[0], invoices[1]])
        self.assertEqual(len(message.attachments), 2)
        self.assertEqual(campaign.reminder_ids.state, "sent")

    def test_the_job_leaves_others_alone(self):
        with self._report_engine() as made:
            self._send(self._make_invoice(), attach_invoices="link")
            self._campaign(
                self._make_invoice(self._make_customer("Draft", "draft@x.example")),
                template_id=self.template.id,
            )
            self._run_job()
        self.assertFalse(made)

    def test_queries_do_not_grow_without_documents(self):
        """A template without documents costs nothing per message."""

        def count(customers):
            invoices = self.env["account.move"]
            for number in range(customers):
                invoices |= self._make_invoice(
                    self._make_customer(
                        f"Q{customers}-{number}", f"q{customers}-{number}@x.example"
                    )
                )
            campaign = self._campaign(invoices, template_id=self.template.id)
            campaign.action_send()
            self.env.flush_all()
            before = self.env.cr.sql_log_count
            self._run()
            return self.env.cr.sql_log_count - before

        few, many = count(2), count(8)
        self.assertLessEqual((many - few) / 6, 25)
