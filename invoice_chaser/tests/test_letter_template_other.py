from odoo.exceptions import AccessError, ValidationError
from odoo.tests import Form, new_test_user, tagged

from .test_letter_template import TemplateCase

BODY = "<p>نص {{ invoice_table }}</p>"


@tagged("post_install", "-at_install")
class TestOtherLanguage(TemplateCase):
    """The Arabic letter on the form of an English user, and the English one on that of
    an Arabic user."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["res.lang"]._activate_lang("ar_001")
        cls.letter = cls.env["chaser.template"].create(
            {
                "name": "Letter",
                "company_id": cls.company.id,
                "subject": "Due: {{ total_due }}",
                "body_html": "<p>Text {{ invoice_table }}</p>",
            }
        )

    def _write_arabic(self, **values):
        self.letter.write(
            {"other_subject": "المستحق: {{ total_due }}", "other_body_html": BODY}
            | values
        )

    def test_shows_what_is_stored_and_never_the_fallback(self):
        self.assertEqual(
            (
                self.letter.other_lang,
                self.letter.other_subject,
                self.letter.other_body_html,
            ),
            ("ar_001", False, False),
        )
        self._write_arabic()
        self.assertEqual(self.letter.other_subject, "المستحق: {{ total_due }}")
        self.assertEqual(
            self.letter._get_sources()["ar"], ("المستحق: {{ total_due }}", BODY)
        )
        self.assertEqual(self.letter.subject, "Due: {{ total_due }}")
        arabic = self.letter.with_context(lang="ar_001")
        self.assertEqual(
            (arabic.other_lang, arabic.other_subject), ("en_US", "Due: {{ total_due }}")
        )

    def test_both_languages_on_a_new_template(self):
        with Form(self.env["chaser.template"]) as form:
            form.name = "New"
            form.subject, form.body_html = (
                "Due: {{ total_due }}",
                "<p>Text {{ invoice_table }}</p>",
            )
            form.other_subject, form.other_body_html = "المستحق: {{ total_due }}", BODY
        self.assertEqual(sorted(form.record._get_sources()), ["ar", "en"])

    def test_edit_of_one_language_keeps_what_was_typed_in_the_other(self):
        with Form(self.letter) as form:
            form.other_subject, form.other_body_html = "المستحق: {{ total_due }}", BODY
            form.subject = "Now due: {{ total_due }}"
            self.assertEqual(form.other_subject, "المستحق: {{ total_due }}")
            self.assertIn(
                "نص",
                form.preview["languages"]["ar"]["html"],
                "not saved yet, and shown",
            )
        self.assertEqual(
            {lang: texts[0] for lang, texts in self.letter._get_sources().items()},
            {"en": "Now due: {{ total_due }}", "ar": "المستحق: {{ total_due }}"},
        )

    def test_saved_together_they_make_one_version(self):
        self._sent_campaign(self._make_invoice(), template_id=self.letter.id)
        self.letter.write(
            {
                "subject": "New {{ total_due }}",
                "other_subject": "جديد {{ total_due }}",
                "other_body_html": BODY,
            }
        )
        self.assertEqual(self.letter.version_ids.mapped("number"), [2, 1])
        self.assertEqual(
            {
                lang: texts[0]
                for lang, texts in self.letter.version_ids[0].content.items()
            },
            {"en": "New {{ total_due }}", "ar": "جديد {{ total_due }}"},
        )

    def test_is_checked_and_sanitized_as_the_text_itself(self):
        with self.assertRaisesRegex(ValidationError, "Arabic.*invoice_table"):
            self._write_arabic(other_body_html="<p>نص بلا جدول</p>")
        with self.assertRaisesRegex(
            ValidationError, "total_du.*Did you mean “total_due”"
        ):
            self._write_arabic(other_subject="{{ total_du }}")
        self._write_arabic(other_body_html=BODY + "<script>alert(1)</script>")
        self.assertNotIn("script", self.letter._get_sources()["ar"][1])

    def test_emptied_arabic_falls_away_and_english_stays(self):
        self._write_arabic()
        self.letter.write({"other_subject": False, "other_body_html": False})
        self.assertEqual(list(self.letter._get_sources()), ["en"])
        with self.assertRaisesRegex(ValidationError, "English|بالإنجليزية"):
            self.letter.with_context(lang="ar_001").other_subject = False

    def test_written_elsewhere_it_is_read_anew(self):
        self._write_arabic()
        self.assertEqual(self.letter.other_subject, "المستحق: {{ total_due }}")
        self.letter.update_field_translations(
            "subject", {"ar_001": "غيره {{ total_due }}"}
        )
        self.assertEqual(self.letter.other_subject, "غيره {{ total_due }}")

    def test_without_arabic_there_is_no_other_language(self):
        self.env["res.lang"].search([("code", "=like", "ar%")]).active = False
        self.letter.invalidate_recordset()
        self.assertFalse(self.letter.other_lang)
        self.letter.write({"other_subject": "x", "other_body_html": "<p>x</p>"})
        self.assertEqual(list(self.letter._get_sources()), ["en"])

    def test_a_reader_cannot_write_it(self):
        reader = new_test_user(
            self.env,
            "reads_letters",
            groups="invoice_chaser.group_chaser_user",
            company_id=self.company.id,
        )
        with self.assertRaises(AccessError):
            self.letter.with_user(reader).write(
                {"other_subject": "x", "other_body_html": BODY}
            )

    def test_a_default_is_held_to_the_wording_in_the_user_s_language(self):
        self._write_arabic(is_default=True, level_id=self.level.id)
        with self.assertRaisesRegex(
            ValidationError, "cannot be a default.*\n.*Arabic, text.*interest"
        ):
            self._write_arabic(
                other_body_html="<p>سنحتسب فائدة على التأخير {{ invoice_table }}</p>"
            )
