from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged

from ..core.letter.checker import Finding
from .common import FakeTransport
from .test_letter_template import TemplateCase

LONG = (
    "<p>Dear {{ contact_name }},</p><p>{{ invoice_table }}</p><p>Please pay "
    "what is due, and tell us about it by a short reply to this message.</p>"
)


class CheckerCase(TemplateCase):
    def _bilingual(self, english="", arabic="", **values):
        template = self._template(**{"body_html": LONG + english, **values})
        template.update_field_translations(
            "subject", {"ar_001": "تذكير {{ total_due }}"}
        )
        template.update_field_translations(
            "body_html",
            {
                "ar_001": "<p>السادة {{ contact_name }}،</p><p>{{ invoice_table "
                "}}</p><p>يرجى السداد وإبلاغنا بذلك في رد قصير على هذه الرسالة.</p>"
                + arabic
            },
        )
        return template

    def codes(self, record, severity=None):
        return [
            one["code"]
            for one in record.findings or []
            if severity in (None, one["severity"])
        ]


@tagged("post_install", "-at_install")
class TestTemplateChecker(CheckerCase):
    def test_shipped_templates_are_clean(self):
        shipped = (
            self.env["chaser.template"]
            .search([])
            .filtered(lambda template: template.get_external_id()[template.id])
        )
        self.assertGreater(len(shipped), 3)
        for template in shipped:
            with self.subTest(template.name):
                self.assertEqual(
                    [
                        one
                        for one in template.findings or []
                        if one["severity"] == "error"
                    ],
                    [],
                )

    def test_findings_in_words_with_their_place(self):
        [finding] = self._bilingual("<p>Interest will be charged.</p>").findings
        self.assertEqual(
            (finding["severity"], finding["code"]), ("error", "wording_interest")
        )
        self.assertEqual(finding["place"], "English, text, paragraph 4")
        self.assertIn("“Interest” is about interest", finding["text"])

    def test_every_code_has_a_sentence(self):
        sentences = self.env["chaser.template"]._get_finding_sentences()
        for code in sentences:
            one = Finding(
                code,
                "error",
                "ar",
                "body",
                2,
                {"words": "x", "tag": "iban", "size": "9"},
            )
            text = self.env["chaser.template"]._get_finding_text(one)
            self.assertTrue(text)
            self.assertNotIn("%(", text)

    def test_languages_beside_each_other(self):
        template = self._bilingual(
            "<p>{{ iban }}</p><p>within 14 days</p>", "<p>خلال 10 أيام</p>"
        )
        self.assertEqual(
            sorted(self.codes(template, "error")),
            ["number_differs", "number_differs", "tag_differs"],
        )
        self.assertIn(
            "Account number or IBAN (iban)",
            " ".join(one["text"] for one in template.findings),
        )

    def test_what_is_being_typed_is_checked(self):
        template = self._bilingual()
        self.assertFalse(template.findings)
        form = self.env["chaser.template"].new(
            {"body_html": LONG + "<p>We will see you in court.</p>"}, origin=template
        )
        self.assertEqual(self.codes(form), ["wording_threat"])
        form.body_html = "<p>{{ invoice_table }}</p><p>{{ nam }}</p>"
        [finding] = form.findings
        self.assertIn("nam", finding["text"])

    def test_the_company_may_allow_it(self):
        template = self._bilingual("<p>A late fee applies.</p>")
        self.assertEqual(self.codes(template), ["wording_fee"])
        self.company.chaser_allow_sensitive = True
        template.invalidate_recordset()
        self.assertEqual(self.codes(template), [])

    def test_what_the_company_lacks_is_an_empty_tag(self):
        self.company.phone = False
        template = self._bilingual(
            "<p>Call {{ company_phone }}</p>", "<p>هاتف {{ company_phone }}</p>"
        )
        self.assertEqual(self.codes(template), ["empty_tag", "empty_tag"])
        self.company.phone = "+971 4 555 0100"
        template.invalidate_recordset()
        self.assertEqual(self.codes(template), [])

    def test_errors_are_in_the_way_of_a_default(self):
        template = self._bilingual("<p>We will take legal action.</p>")
        with self.assertRaisesRegex(
            ValidationError, r"cannot be a default(.|\n)*legal action"
        ):
            template.is_default = True
        self.company.chaser_allow_sensitive = True
        template.is_default = True
        self.company.chaser_allow_sensitive = False
        with self.assertRaisesRegex(ValidationError, "cannot be a default"):
            template.subject = "Court {{ total_due }}"

    def test_errors_in_the_other_language_too(self):
        template = self._bilingual(is_default=True)
        with self.assertRaisesRegex(ValidationError, "Arabic"):
            template.update_field_translations(
                "body_html",
                {"ar_001": "<p>{{ invoice_table }}</p><p>سنلجأ إلى القضاء</p>"},
            )

    def test_languages_of_a_default_are_edited_one_after_the_other(self):
        template = self._bilingual(is_default=True)
        template.body_html = LONG + "<p>within 14 days to {{ iban }}</p>"
        self.assertIn("number_differs", self.codes(template, "error"))
        campaign = self._campaign(self._make_invoice(), template_id=template.id)
        with self.assertRaisesRegex(UserError, "14"):
            campaign.action_send()
        template.is_default = False
        with self.assertRaisesRegex(ValidationError, "14"):
            template.is_default = True

    def test_warnings_are_not_in_the_way(self):
        template = self._template(
            is_default=True, body_html=LONG, subject="URGENT PAYMENT NEEDED"
        )
        self.assertEqual(
            sorted(self.codes(template, "warning")), ["no_arabic", "subject_capitals"]
        )

    def test_in_arabic(self):
        template = self._bilingual("<p>Interest will be charged.</p>").with_context(
            lang="ar_001"
        )
        self.assertTrue(template.findings[0]["text"])


@tagged("post_install", "-at_install")
class TestCampaignChecker(CheckerCase):
    def _customers(self, count, language="en"):
        partners = [
            self._make_customer(
                f"C{language}{index}",
                f"c{index}@{language}.example",
                chaser_language=language,
            )
            for index in range(count)
        ]
        invoices = self.env["account.move"]
        for index, partner in enumerate(partners):
            invoices |= self._make_invoice(partner)
            if not index:
                invoices |= self._make_invoice(partner)
        return invoices

    def test_clean(self):
        self.company.phone = "+971 4 555 0100"
        campaign = self._campaign(self._customers(2))
        self.assertFalse(campaign.findings)
        self.assertIn("1 of 2 messages", campaign.findings_note)
        action = campaign.with_user(self.accountant).action_confirm_send()
        self.assertIs(action, True)
        self.assertEqual(campaign.state, "sending")

    def test_errors_stop_it_and_nothing_is_queued(self):
        template = self._bilingual("<p>We will go to court.</p>", name="Rude letter")
        campaign = self._campaign(self._customers(1), template_id=template.id)
        self.assertEqual(self.codes(campaign), ["wording_threat"])
        for method in ("action_send", "action_confirm_send"):
            with self.assertRaisesRegex(
                UserError, r"Rude letter: English, text, paragraph 4(.|\n)*court"
            ):
                getattr(campaign.with_user(self.accountant), method)()
        self.assertEqual(
            (campaign.state, campaign.reminder_ids.state), ("draft", "draft")
        )
        self.assertEqual(len(self._run(FakeTransport()).sent), 0)

    def test_warnings_ask_first(self):
        campaign = self._campaign(
            self._customers(1),
            template_id=self._bilingual(subject="URGENT PAYMENT NEEDED").id,
        )
        self.assertEqual(self.codes(campaign, "error"), [])
        question = campaign.action_confirm_send()
        self.assertEqual(
            (question["tag"], question["params"]["method"], question["params"]["id"]),
            ("chaser_ask", "action_send", campaign.id),
        )
        self.assertIn("capitals", question["params"]["body"])
        self.assertEqual(campaign.state, "draft")
        campaign.action_send()  # a program does not get asked
        self.assertEqual(campaign.state, "sending")
        self.assertFalse(campaign.findings)

    def test_preview_wizard_asks_and_then_opens_the_campaign(self):
        action = self._customers(1).with_user(self.accountant).action_chase()
        preview = (
            self.env["chaser.preview"]
            .with_user(self.accountant)
            .browse(action["res_id"])
        )
        preview.template_id = self._bilingual(subject="URGENT PAYMENT NEEDED")
        question = preview.action_send()
        self.assertEqual(question["tag"], "chaser_ask")
        self.assertEqual(
            (
                question["params"]["next"]["res_model"],
                question["params"]["next"]["res_id"],
            ),
            ("chaser.campaign", question["params"]["id"]),
        )
        self.assertEqual(
            self.env["chaser.campaign"].browse(question["params"]["id"]).state, "draft"
        )

    def test_real_data_shows_empty_tags(self):
        template = self._bilingual("<p>{{ iban }}</p>", "<p>{{ iban }}</p>")
        campaign = self._campaign(self._customers(1), template_id=template.id)
        self.assertEqual(self.codes(template), [])
        self.assertEqual(self.codes(campaign, "error"), ["empty_tag"])
        with self.assertRaisesRegex(UserError, "iban"):
            campaign.action_send()

    def test_arabic_is_missed_only_where_somebody_wants_it(self):
        template = self._template(body_html=LONG)
        self.assertEqual(
            self.codes(self._campaign(self._customers(1), template_id=template.id)), []
        )
        wanted = self._campaign(self._customers(1, "ar"), template_id=template.id)
        self.assertEqual(self.codes(wanted), ["no_arabic"])
        wanted.action_send()
        self._run()
        self.assertEqual(
            (wanted.reminder_ids.state, wanted.reminder_ids.language), ("sent", "en")
        )

    def test_one_sample_per_level_and_language(self):
        campaign = self._campaign(
            self._customers(3) | self._customers(2, "ar") | self._customers(2, "both")
        )
        samples, total = campaign._read_samples()
        self.assertEqual((len(samples), total), (3, 7))
        self.assertEqual({row["items"] for row in samples}, {2})

    def test_query_count_does_not_grow_with_the_campaign(self):
        counts = []
        for size in (2, 12):
            campaign = self._campaign(self._customers(size, "both"), name=f"of {size}")
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            campaign._check_letters()
            counts.append(self.env.cr.sql_log_count - before)
            campaign.action_cancel()
        self.assertLessEqual(counts[1], counts[0], counts)

    def test_nothing_to_check(self):
        campaign = self._sent_campaign(self._customers(1))
        self.assertEqual((campaign.findings, campaign.findings_note), (False, False))


@tagged("post_install", "-at_install")
class TestLanguageRule(TemplateCase):
    def _reason(self, **values):
        self.customer.write(values)
        self.customer.invalidate_recordset()
        return self.customer.with_company(self.company).chaser_language_reason

    def test_reason_in_words(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        self.assertEqual(
            self._reason(lang="en_US"),
            "English, because that is the setting of POP Trading.",
        )
        self.assertEqual(
            self._reason(lang="fr_FR"),
            "English, because reminders are written in English and Arabic, not in "
            "French / Français.",
        )
        self.assertRegex(
            self._reason(lang="ar_001"),
            r"^Arabic, because the contact's language is Arabic",
        )
        self.assertEqual(
            self._reason(chaser_language="both"),
            "Arabic and English, because it is chosen here.",
        )
        self.company.chaser_language = "both"
        self.assertRegex(
            self._reason(chaser_language=False, lang="fr_FR"),
            "^Arabic and English, because reminders are written",
        )

    def test_campaign_follows_the_same_rule(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        self.company.chaser_language = "ar"
        self.customer.lang = "fr_FR"
        other = self._make_customer("Other", "o@o.example", lang="en_US")
        campaign = self._campaign(self._make_invoice() | self._make_invoice(other))
        languages = {
            reminder.partner_id: reminder.language for reminder in campaign.reminder_ids
        }
        self.assertEqual(languages, {self.customer: "en", other: "ar"})
