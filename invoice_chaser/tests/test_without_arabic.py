from unittest.mock import patch

from odoo.exceptions import UserError
from odoo.tests import new_test_user, tagged

from .common import ChaserCase, FakeTransport


@tagged("post_install", "-at_install")
class TestWithoutArabic(ChaserCase):
    """Arabic was never activated (``dev/db NAME --plain``), or is archived: what wants
    Arabic gets English, and nothing fails."""

    arabic = False

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["res.lang"].search([("code", "=like", "ar%")]).active = False
        cls.customer.chaser_language = "both"
        cls.polite = cls.env.ref("invoice_chaser.chaser_template_polite")
        cls.manager = new_test_user(
            cls.env,
            "manager_en",
            "invoice_chaser.group_chaser_manager,base.group_system",
            company_id=cls.company.id,
            email="m@pop.example",
        )

    def test_plan_send_and_record(self):
        transport = FakeTransport()
        campaign = self._campaign(self._make_invoice() | self._make_invoice(amount=7))
        campaign.action_send()
        self._run(transport)
        [reminder] = campaign.reminder_ids
        self.assertEqual(
            (reminder.state, len(transport.sent)), ("sent", 1), reminder.reason
        )
        self.assertIn("INV/", reminder.body_html)
        self.assertNotIn('lang="ar"', reminder.body_html)
        self.assertTrue(
            self.customer.message_ids.filtered(
                lambda note: note.message_id == reminder.message_id
            )
        )

    def test_preview_says_that_arabic_is_missing(self):
        preview = (
            self.env["chaser.preview"]
            .with_user(self.accountant)
            .browse(
                self._make_invoice().with_user(self.accountant).action_chase()["res_id"]
            )
        )
        self.assertIn("Arabic is not installed", preview.warning)
        self.assertTrue(preview.preview_en)
        self.assertRegex(
            self.customer.chaser_language_reason,
            "^English, because Arabic is not installed",
        )
        preview.action_send()

    def test_form_of_a_letter_and_its_samples(self):
        self._make_invoice()
        polite, transport = self.polite.with_user(self.manager), FakeTransport()
        for partner in (self.customer, self.env["res.partner"]):
            with (
                self.subTest(partner=partner.name),
                patch.object(
                    type(self.provider), "_get_transport__", lambda _self: transport
                ),
            ):
                polite.preview_partner_id = partner
                shown = polite.preview["languages"]
                self.assertTrue(shown["en"]["html"])
                polite.action_send_me(partner.id, "en")
                for language in ("ar", "both"):
                    self.assertIn("There is no Arabic text", shown[language]["note"])
                    with self.assertRaisesRegex(UserError, "There is no Arabic text"):
                        polite.action_send_me(partner.id, language)
        self.assertEqual(len(transport.sent), 2)
        self.assertFalse(polite.other_lang)
        self.assertEqual(set(polite._get_sources()), {"en"})
        polite.subject = "Still {{ total_due }}"

    def test_checker_file_and_settings(self):
        campaign = self._campaign(self._make_invoice())
        campaign._check_templates()
        self.assertEqual(
            {finding["code"] for finding in campaign.findings or ()}, {"no_arabic"}
        )
        self.polite.action_export()
        self.assertEqual(
            self.env["chaser.template.file"]._prepare_entry(self.polite).name,
            {"en": self.polite.name},
        )
        settings = self.env["res.config.settings"].with_user(self.manager).create({})
        self.assertFalse(settings.chaser_arabic_installed)

    def test_arabic_can_be_loaded_afterwards(self):
        self.env["res.config.settings"].create({}).action_chaser_install_arabic()
        self.assertEqual(set(self.polite._get_sources()), {"en", "ar"})
        transport = FakeTransport()
        self._campaign(self._make_invoice()).action_send()
        self._run(transport)
        self.assertIn('lang="ar" dir="rtl"', transport.sent[0].html)
