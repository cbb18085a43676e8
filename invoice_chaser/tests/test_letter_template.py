import json
from unittest.mock import patch

from psycopg2 import IntegrityError

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from ..core.letter.merge_tags import GROUPS, MERGE_TAGS
from ..core.mail.errors import AuthenticationFailed
from .common import ChaserCase, FakeTransport

TEXTS = {"subject": "{{ total_due }}", "body_html": "<p>{{ invoice_table }}</p>"}


class TemplateCase(ChaserCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.polite = cls.env.ref("invoice_chaser.chaser_template_polite")
        cls.level = cls.env.ref("invoice_chaser.chaser_level_polite")

    @classmethod
    def _make_invoice(cls, partner=None, amount=1000.0, days=3, **options):
        """Overdue enough for the first level only."""
        return super()._make_invoice(partner, amount, days, **options)

    def _template(self, **values):
        return self.env["chaser.template"].create(
            {"name": "Letter", "company_id": self.company.id, **TEXTS, **values}
        )

    def _hit(self, reminder, event_type, verdict):
        reminder._record_event(event_type, source="pixel", verdict=verdict)


@tagged("post_install", "-at_install")
class TestTemplateChoice(TemplateCase):
    def _used(self, **values):
        reminder = self._sent_campaign(self._make_invoice(), **values).reminder_ids
        return reminder.template_version_id.template_id

    def test_level_has_its_template(self):
        self.assertEqual(self._used(), self.polite)

    def test_default_of_a_level_goes_first(self):
        mine = self._template(is_default=True, level_id=self.level.id)
        self.assertEqual(self._used(), mine)

    def test_default_of_another_level_or_archived_does_not_count(self):
        self._template(
            is_default=True,
            level_id=self.env.ref("invoice_chaser.chaser_level_firm").id,
        )
        self._template(is_default=True, level_id=self.level.id, active=False)
        self._template(level_id=self.level.id)
        self.assertEqual(self._used(), self.polite)

    def test_own_company_before_shared_and_category_of_the_campaign_first(self):
        Template, level = self.env["chaser.template"], self.level
        shared = self._template(
            is_default=True,
            level_id=level.id,
            company_id=False,
            category="overdue_notice",
        )
        self.assertEqual(
            Template._get_for_level(level, self.company, "overdue_notice"), shared
        )
        self.assertEqual(
            Template._get_for_level(level, self.company, "invoice_reminder"),
            self.polite,
        )
        own = self._template(is_default=True, level_id=level.id)
        self.assertEqual(
            Template._get_for_level(level, self.company, "overdue_notice"), own
        )
        self.assertEqual(
            Template._get_for_level(level, self.company, "bulk_reminder"), own
        )

    def test_another_company_default_is_not_ours(self):
        other = self.setup_other_company(name="Zanzibar")["company"]
        self._template(is_default=True, level_id=self.level.id, company_id=other.id)
        self.assertEqual(self._used(), self.polite)

    def test_template_of_the_campaign_wins(self):
        self._template(is_default=True, level_id=self.level.id)
        chosen = self._template()
        self.assertEqual(self._used(template_id=chosen.id), chosen)

    def test_preview_shows_the_same_choice(self):
        self._template(
            is_default=True,
            level_id=self.level.id,
            body_html="<p>Our own words {{ invoice_table }}</p>",
        )
        action = self._make_invoice().with_user(self.accountant).action_chase()
        self.assertIn(
            "Our own words",
            self.env["chaser.preview"].browse(action["res_id"]).preview_en,
        )

    def test_one_default_per_category_and_level(self):
        self._template(is_default=True, level_id=self.level.id)
        self._template(is_default=True)
        self._template(
            is_default=True, category="overdue_notice", level_id=self.level.id
        )
        with (
            self.assertRaises(IntegrityError),
            mute_logger("odoo.sql_db"),
            self.env.cr.savepoint(),
        ):
            self._template(is_default=True, level_id=self.level.id)

    def test_template_of_a_level_cannot_be_archived(self):
        with self.assertRaisesRegex(ValidationError, "Polite"):
            self.polite.active = False
        spare = self._template(company_id=False)
        self.level.template_id = spare
        self.polite.action_archive()
        self.assertEqual(self._used(), spare)

    def test_copy_is_a_letter_of_its_own(self):
        copy = self.polite.copy()
        self.assertEqual(
            (copy.is_default, copy.version_count, copy.usage_count), (False, 0, 0)
        )
        self.assertEqual(copy._get_sources(), self.polite._get_sources())
        self.assertEqual(
            (copy.name, self.polite.copy({"name": "Mine"}).name),
            ("Polite reminder (copy)", "Mine"),
        )
        copy.subject = "Other {{ total_due }}"
        self.assertNotEqual(copy._get_sources()["en"], self.polite._get_sources()["en"])


@tagged("post_install", "-at_install")
class TestTemplateVersions(TemplateCase):
    def test_edit_of_a_used_template_makes_the_next_version(self):
        self.polite.subject = "Before use {{ total_due }}"
        self.assertFalse(self.polite.version_ids)
        first = self._sent_campaign(self._make_invoice()).reminder_ids
        self.polite.subject = "After use {{ total_due }}"
        self.assertEqual(self.polite.version_ids.mapped("number"), [2, 1])
        self.assertIn("Before use", first.template_version_id.summary)
        self.assertIn("Before use", first.subject)
        second = self._sent_campaign(
            self._make_invoice(self._make_customer("B", "b@b.example"))
        ).reminder_ids
        self.assertEqual(second.template_version_id.number, 2)

    def test_edit_of_the_arabic_text_too(self):
        self._sent_campaign(self._make_invoice())
        self.polite.with_context(lang="ar_001").subject = "تذكير {{ total_due }}"
        self.polite.update_field_translations(
            "body_html", {"ar_001": "<p>نص {{ invoice_table }}</p>"}
        )
        self.assertEqual(self.polite.version_count, 3)
        self.assertIn("نص", self.polite.version_ids[0].content["ar"][1])

    def test_no_version_without_a_change_of_the_text(self):
        self._sent_campaign(self._make_invoice())
        self.polite.write(
            {"name": "New name", "sequence": 5, "subject": self.polite.subject}
        )
        self.assertEqual(self.polite.version_count, 1)

    def test_versions_are_made_by_the_manager_who_edits_not_written_by_him(self):
        manager = new_test_user(
            self.env,
            "t_manager",
            "invoice_chaser.group_chaser_manager",
            company_id=self.company.id,
        )
        self._sent_campaign(self._make_invoice())
        template = self.polite.with_user(manager)
        template.body_html = "<p>{{ invoice_table }} new</p>"
        version = template.version_ids[0]
        self.assertEqual(version.create_uid, manager)
        with self.assertRaises(AccessError):
            version.content = {}
        with self.assertRaises(AccessError):
            version.unlink()


@tagged("post_install", "-at_install")
class TestTemplateFigures(TemplateCase):
    def test_people_count_and_machines_do_not(self):
        reminders = self.env["chaser.reminder"]
        for name in "abcd":
            reminders |= self._sent_campaign(
                self._make_invoice(self._make_customer(name, f"{name}@{name}.example"))
            ).reminder_ids
        for verdict in ("human", "human", "machine"):
            self._hit(reminders[0], "opened", verdict)
        self._hit(reminders[1], "opened", "unknown")
        self._hit(reminders[2], "opened", "machine")
        self._hit(reminders[2], "clicked", "machine")
        self._hit(reminders[0], "clicked", "human")
        self._hit(reminders[3], "replied", False)
        self.assertEqual(
            (
                self.polite.usage_count,
                self.polite.open_rate,
                self.polite.click_rate,
                self.polite.reply_rate,
            ),
            (4, 50.0, 25.0, 25.0),
        )
        self.assertEqual(self.polite.last_used_at, max(reminders.mapped("sent_at")))

    def test_versions_have_figures_of_their_own(self):
        first = self._sent_campaign(self._make_invoice()).reminder_ids
        self.polite.subject = "New {{ total_due }}"
        self._sent_campaign(self._make_invoice(self._make_customer("B", "b@b.example")))
        self._hit(first, "opened", "human")
        newer, older = self.polite.version_ids
        self.assertEqual(
            [(v.usage_count, v.open_rate) for v in (newer, older)],
            [(1, 0.0), (1, 100.0)],
        )
        self.assertEqual((self.polite.usage_count, self.polite.open_rate), (2, 50.0))

    def test_never_used(self):
        template = self._template()
        self.assertEqual(
            (template.usage_count, template.last_used_at, template.open_rate),
            (0, False, 0.0),
        )

    def test_three_queries_whatever_the_number_of_templates(self):
        templates = self.env["chaser.template"].search([])
        self.env.flush_all()
        templates.invalidate_recordset()
        with self.assertQueryCount(3):
            templates.mapped("open_rate")

    def test_other_companies_do_not_count(self):
        self._sent_campaign(self._make_invoice())
        other = self.setup_other_company(name="Zanzibar")["company"]
        self.assertEqual(
            self.polite.with_context(allowed_company_ids=other.ids).usage_count, 0
        )
        self.assertEqual(
            self.polite.with_context(allowed_company_ids=self.company.ids).usage_count,
            1,
        )


@tagged("post_install", "-at_install")
class TestTemplateTexts(TemplateCase):
    def assert_refused(self, pattern, **values):
        with self.assertRaisesRegex(ValidationError, pattern), self.env.cr.savepoint():
            self._template(**values)

    def test_every_tag_and_group_has_words(self):
        Template = self.env["chaser.template"]
        self.assertEqual(set(Template._get_merge_tag_words()), set(MERGE_TAGS))
        self.assertEqual(set(Template._get_merge_tag_groups()), set(GROUPS))
        offered = [tag for group in self.polite.merge_tags for tag in group["tags"]]
        self.assertEqual({tag["name"] for tag in offered}, set(MERGE_TAGS))
        self.assertEqual(
            [tag["name"] for tag in offered if tag["required"]], ["invoice_table"]
        )
        json.dumps(self.polite.merge_tags)

    def test_all_problems_with_line_and_nearest_name(self):
        body = (
            "<p>{{ custmer_name }}</p>\n<p>{{ totl_due }}</p>\n<p>{{ "
            "customer_name|uper }}</p>"
        )
        with self.assertRaises(ValidationError) as caught, self.env.cr.savepoint():
            self._template(body_html=body, subject="{{ total_du")
        lines = str(caught.exception).splitlines()
        self.assertEqual(len(lines), 5, lines)
        for line, parts in zip(
            lines,
            (
                ("subject", "line 1", "not closed"),
                ("text", "line 3", "uper", "upper"),
                ("text", "line 1", "custmer_name", "customer_name"),
                ("text", "line 2", "totl_due", "total_due"),
                ("text", "invoice_table", "required"),
            ),
            strict=True,
        ):
            for part in ("Letter", "English", *parts):
                self.assertIn(part, line)

    def test_syntax_errors_in_words(self):
        for source, pattern in (
            ("{% if total_due %}x", "endif"),
            ("{{ total_due", "not closed"),
            ("x{% endif %}", "without an “if”"),
            ("{% loop %}", "statement “loop”"),
            ("{{ 1 2 }}", "cannot be read at"),
            ("{{ 'a }}", "cannot be read"),
            ("{{ total_due }", "not closed"),
            ("{% if total_due", "not closed"),
        ):
            with self.subTest(source):
                self.assert_refused(pattern, subject=source)

    def test_in_the_users_language(self):
        template = self.env["chaser.template"].with_context(lang="ar_001")
        words = template._get_syntax_words()
        self.assertEqual(
            set(words),
            {
                "open_print",
                "open_if",
                "open_statement",
                "stray_end",
                "unknown_statement",
                "unexpected",
                "other",
            },
        )
        for sentence in words.values():
            self.assertTrue(sentence % {"line": 1, "tag": "x", "detail": "y"})

    def test_merge_tags_as_links_survive_editor_and_sanitizer(self):
        for link in (
            "{{ promise_url }}",
            "https://{{ promise_url }}",
            "{{promise_url}}",
            "{{%20promise_url%20}}",
        ):
            template = self._template(
                body_html=f'<p>{{{{ invoice_table }}}}</p><p><a href="{link}">x</a></p>'
            )
            self.assertIn('href="{{ promise_url }}"', str(template.body_html))
        template.preview_partner_id = False
        self.assertIn(
            "/chaser/p/sample#promise", template.preview["languages"]["en"]["html"]
        )

    def test_links_of_the_page_in_a_sent_message(self):
        body = (
            '<p>{{ invoice_table }}</p><a href="{{ promise_url }}">p</a><a '
            'href="{{ dispute_url }}">d</a><a href="{{ pay_url }}">y</a>'
        )
        reminder = self._sent_campaign(
            self._make_invoice(), template_id=self._template(body_html=body).id
        ).reminder_ids
        page = reminder.sudo()._make_page_url("")
        targets = [
            target.removeprefix(reminder.get_base_url())
            for target in reminder.sudo().link_targets
        ]
        self.assertIn(f"{page}#promise", targets)
        self.assertIn(f"{page}#dispute", targets)
        self.assertTrue(
            any(target.endswith("payment=True#portal_pay") for target in targets)
        )


@tagged("post_install", "-at_install")
class TestTemplatePreview(TemplateCase):
    def test_sample_in_all_languages(self):
        shown = self.polite.preview
        self.assertFalse(shown["note"])
        english, arabic, both = (
            shown["languages"][key] for key in ("en", "ar", "both")
        )
        self.assertIn("Ahmed Al Mansoori", english["html"])
        self.assertIn("INV/", english["text"])
        self.assertIn('dir="rtl"', arabic["html"])
        self.assertIn(" · ", both["subject"])
        self.assertIn("Dear", both["text"])
        headers = dict(map(tuple, english["headers"]))
        self.assertEqual(headers["Subject"], english["subject"])
        self.assertIn("List-Unsubscribe", headers)
        self.assertEqual(headers["From"], "POP Accounts <accounts@pop.example>")
        self.assertNotIn("/chaser/o/", english["html"])

    def test_real_customer(self):
        invoice = self._make_invoice(amount=4321)
        self.customer.write({"ref": "C-77", "vat": "100111111100003"})
        self.polite.preview_partner_id = self.customer
        message = self.polite.preview["languages"]["en"]
        self.assertIn("4,321.00", message["html"])
        self.assertIn(invoice.name, message["text"])
        self.assertEqual(
            dict(map(tuple, message["headers"]))["To"], "finance@alnoor.example"
        )

    def test_customer_without_anything_overdue(self):
        self.polite.preview_partner_id = self.customer
        self.assertIn("Al Noor Trading", self.polite.preview["note"])
        self.assertIn("sample", self.polite.preview["note"])

    def test_without_arabic(self):
        preview = self._template().preview["languages"]
        self.assertTrue(preview["en"]["html"])
        self.assertIn("Arabic", preview["ar"]["note"])
        self.assertIn("Arabic", preview["both"]["note"])

    def test_what_is_being_typed(self):
        form = self.env["chaser.template"].new(
            {
                "subject": "Typed {{ total_duu }}",
                "body_html": "<p>{{ invoice_table }}</p>",
            },
            origin=self.polite,
        )
        self.assertIn("total_due", form.preview["languages"]["en"]["note"])
        form.subject = "Typed {{ total_due }}"
        self.assertIn("Typed", form.preview["languages"]["en"]["subject"])

    # -- send me this

    def _send_me(self, transport=None, user=None, template=None, **options):
        transport = transport or FakeTransport()
        template = (template or self.polite).with_user(user or self.accountant)
        with patch.object(
            type(self.provider), "_get_transport__", lambda _self: transport
        ):
            template.action_send_me(**options)
        return transport.sent

    def test_send_me_goes_to_the_user_alone(self):
        self._make_invoice(amount=4321)
        before = (
            self.env["chaser.reminder"].search_count([]),
            self.env["chaser.event"].search_count([]),
            self.env["mail.message"].search_count([]),
        )
        [message] = self._send_me(partner_id=self.customer.id, language="both")
        self.assertEqual((message.recipients, message.cc), (("acc@pop.example",), ()))
        self.assertTrue(message.subject.startswith("[Sample] "))
        self.assertIn("4,321.00", message.html)
        for body in (message.html, message.text):
            self.assertIn("No customer has received it", body)
            self.assertNotIn("/chaser/o/", body)
            self.assertNotIn("/chaser/c/", body)
            self.assertNotIn("/chaser/u/", body)
        self.assertNotIn("List-Unsubscribe", message.headers)
        after = (
            self.env["chaser.reminder"].search_count([]),
            self.env["chaser.event"].search_count([]),
            self.env["mail.message"].search_count([]),
        )
        self.assertEqual(before, after)
        self.assertFalse(self.polite.version_ids)
        self.assertFalse(
            self.env["chaser.reminder"].search(
                [("recipient_email", "=", "acc@pop.example")]
            )
        )

    def test_send_me_needs_address_mailbox_and_text(self):
        self.accountant.email = False
        with self.assertRaisesRegex(UserError, "no e-mail address"):
            self._send_me()
        self.accountant.email = "acc@pop.example"
        with self.assertRaisesRegex(UserError, "Arabic"):
            self._send_me(template=self._template(), language="ar")
        with self.assertRaisesRegex(UserError, "did not take it"):
            self._send_me(FakeTransport([AuthenticationFailed("no")]))
        self.provider._set_state("disabled")
        with self.assertRaisesRegex(UserError, "mailbox"):
            self._send_me()

    def test_send_me_reads_no_customer_of_another_company(self):
        other = self.setup_other_company(name="Zanzibar")["company"]
        secret = self._make_customer("Secret", "s@s.example", company_id=other.id)
        with self.assertRaises(AccessError):
            self._send_me(partner_id=secret.id)
