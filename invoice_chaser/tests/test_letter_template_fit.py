from odoo.tests import Form, tagged

from ..core.letter.render import compose
from ..core.letter.template_file import load
from .common import ChaserCase, FakeTransport


@tagged("post_install", "-at_install")
class TestTemplateFit(ChaserCase):
    """For how many invoices a template is written, and in which language its message
    and the files really are."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        Template = cls.env["chaser.template"]
        cls.level = cls.env["chaser.level"].search([("code", "=", "firm")], limit=1)
        cls.one, cls.few, cls.many = (
            Template.create(
                {
                    "name": name,
                    "company_id": False,
                    "category": cls.level.template_id.category,
                    "item_fit": fit,
                    "item_limit": 3,
                    "sequence": number,
                    "subject": f"{name} {{{{ total_due }}}}",
                    "body_html": "<p>{{ invoice_table }}</p>",
                }
            )
            for number, (name, fit) in enumerate(
                (("For one", "one"), ("For few", "most"), ("For several", "several"))
            )
        )
        cls.level.template_id = cls.one

    def _subject_for(self, count, **values):
        customer = self._make_customer(f"C{count}", f"c{count}@fit.example")
        invoices = self.env["account.move"]
        for _number in range(count):
            invoices |= self._make_invoice(customer, amount=100)
        campaign = self._campaign(invoices, level_id=self.level.id, **values)
        campaign.action_send()
        [message] = self._run(FakeTransport()).sent
        return message.subject.split(" ")[1]

    def test_the_next_fitting_one(self):
        self.assertEqual(self._subject_for(1), "one")
        self.assertEqual(self._subject_for(3), "few")
        self.assertEqual(self._subject_for(4), "several")

    def test_campaigns_own_template(self):
        self.assertEqual(self._subject_for(2, template_id=self.few.id), "few")
        self.assertEqual(self._subject_for(5, template_id=self.few.id), "several")

    def test_never_without_a_text(self):
        """Where none fits, the wanted one after all."""
        (self.few | self.many).active = False
        self.env["chaser.template"].search([("is_default", "=", True)]).item_fit = "one"
        self.assertEqual(self._subject_for(2), "one")

    def test_preview_says_so(self):
        customer = self._make_customer("P", "p@fit.example")
        invoices = self._make_invoice(customer) | self._make_invoice(customer)
        action = invoices.with_user(self.accountant).action_chase()
        preview = self.env["chaser.preview"].browse(action["res_id"])
        preview.level_id = self.level
        preview.shown_message_id = preview.message_ids.filtered(
            lambda one: one.partner_id == customer
        )
        self.assertIn("For one", preview.preview_template_note)
        self.assertIn("For few", preview.preview_template_note)
        preview.template_id = self.many
        self.assertFalse(preview.preview_template_note)

    def test_origin(self):
        shipped = self.env.ref("invoice_chaser.chaser_template_polite")
        self.assertEqual(shipped.origin, "Shipped with Invoice Chaser")
        self.assertIn(self.env.user.name, self.one.origin)

    def test_form(self):
        with Form(self.one) as form:
            form.description = "For the first letter"
            form.item_fit = "several"
        self.assertEqual(self.one.item_fit, "several")

    # -- the file carries everything

    def test_shipped_levels_there_and_back(self):
        """What goes along, comes along."""
        levels = self.env["chaser.level"].search([("company_id", "=", False)])
        templates = levels.template_id
        self.assertIn("pdf", templates.mapped("attach_statement"))
        self.assertTrue(any(templates.mapped("attach_letter")))
        Files = self.env["chaser.template.file"]
        arabic = self.env["res.lang"]._get_chaser_arabic()
        entries = load(Files._export(templates).encode())
        for template, entry in zip(templates, entries, strict=True):
            self.assertFalse(entry.problems)
            self.assertTrue(Files._is_like(template, entry, arabic))
            copy = Files._create_template(entry, self.company, arabic, False)
            for name in (
                "attach_invoices",
                "attach_statement",
                "attach_letter",
                "item_fit",
                "item_limit",
                "description",
            ):
                self.assertEqual(copy[name], template[name], name)
            entry.attach_statement = "xlsx"
            self.assertFalse(Files._is_like(template, entry, arabic))

    def test_letter_of_its_own(self):
        letter = self.env["chaser.template"].create(
            {
                "name": "Own letter",
                "company_id": False,
                "category": "system",
                "subject": "Letter",
                "body_html": "<p>Dear all</p>",
            }
        )
        self.one.write({"attach_letter": True, "letter_template_id": letter.id})
        Files = self.env["chaser.template.file"]
        [entry] = load(Files._export(self.one).encode())
        self.assertEqual(
            Files._prepare_values(entry, self.company)["letter_template_id"], letter.id
        )
        entry.letter_template = "not here"
        self.assertNotIn(
            "letter_template_id", Files._prepare_values(entry, self.company)
        )

    # -- signatures

    def test_signed_once(self):
        invoice = self._make_invoice()
        invoice.invoice_user_id = False
        for level in self.env["chaser.level"].search([("company_id", "=", False)]):
            template = level.template_id
            if not template.get_external_id()[template.id]:
                continue
            data = self.env["chaser.composer"]._get_preview_data(
                self.customer, self.company
            )
            for lang, (_subject, body) in template._get_sources().items():
                text = compose(data, {lang: ("s", body)}, lang).text
                lines = [line.strip() for line in text.splitlines() if line.strip()]
                for first, second in zip(lines, lines[1:], strict=False):
                    self.assertFalse(
                        first == second == self.company.name, (template.name, lang)
                    )

    # -- the language that the message really has

    def test_english_text_has_english_files(self):
        self.customer.chaser_language = "ar"
        self.one.write({"attach_statement": "xlsx", "item_fit": "any"})
        invoice = self._make_invoice()
        campaign = self._campaign(invoice, level_id=self.level.id)
        self.assertEqual(campaign.reminder_ids.language, "ar")
        campaign.action_send()
        [message] = self._run(FakeTransport()).sent
        self.assertEqual(campaign.reminder_ids.language, "en")
        [file] = message.attachments
        self.assertTrue(file.name.isascii(), file.name)

    def test_arabic_text_has_arabic_files(self):
        self.customer.chaser_language = "ar"
        arabic = {"ar_001": "<p>نص {{ invoice_table }}</p>"}
        self.one.write({"attach_statement": "xlsx", "item_fit": "any"})
        self.one.update_field_translations("subject", {"ar_001": "موضوع"})
        self.one.update_field_translations("body_html", arabic)
        campaign = self._campaign(self._make_invoice(), level_id=self.level.id)
        campaign.action_send()
        [message] = self._run(FakeTransport()).sent
        self.assertEqual(campaign.reminder_ids.language, "ar")
        self.assertFalse(message.attachments[0].name.isascii())
