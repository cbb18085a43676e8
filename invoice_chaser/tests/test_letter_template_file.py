import base64
import json

from odoo.exceptions import AccessError, UserError
from odoo.tests import HttpCase, new_test_user, tagged

from .test_letter_template import TemplateCase


@tagged("post_install", "-at_install")
class TestTemplateFile(TemplateCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.manager = new_test_user(
            cls.env,
            "file_manager",
            "invoice_chaser.group_chaser_manager",
            company_id=cls.company.id,
        )

    def _read(self, content, user=None, **values):
        raw = content if isinstance(content, bytes) else content.encode()
        wizard = (
            self.env["chaser.template.import"]
            .with_user(user or self.manager)
            .create(
                {
                    "file": base64.b64encode(raw),
                    "file_name": "x.json",
                    "company_id": self.company.id,
                    **values,
                }
            )
        )
        wizard.action_read()
        return wizard

    def _entry(self, **values):
        return {
            "key": "k1",
            "name": {"en": "From afar", "ar": "من بعيد"},
            "category": "overdue_notice",
            "level": "",
            "is_default": False,
            "sequence": 5,
            "subject": {"en": "S {{ total_due }}", "ar": "م {{ total_due }}"},
            "body_html": {
                "en": "<p>Hello {{ invoice_table }}</p>",
                "ar": "<p>مرحبا {{ invoice_table }}</p>",
            },
            **values,
        }

    def _file(self, *entries):
        return json.dumps(
            {
                "format": "invoice_chaser.templates",
                "version": 1,
                "templates": list(entries),
            }
        )

    def _imported(self, wizard):
        return self.env["chaser.template"].browse(
            wizard.action_import()["domain"][0][2]
        )

    def test_new_template_in_both_languages(self):
        wizard = self._read(self._file(self._entry()))
        self.assertEqual(
            (wizard.line_ids.state, wizard.line_ids.choice, wizard.line_ids.message),
            ("new", "create", False),
        )
        template = self._imported(wizard)
        self.assertEqual(
            (
                template.name,
                template.category,
                template.company_id,
                template.sequence,
                template.is_default,
            ),
            ("From afar", "overdue_notice", self.company, 5, False),
        )
        self.assertEqual(template.with_context(lang="ar_001").name, "من بعيد")
        self.assertEqual(
            template._get_sources(),
            {
                "en": ("S {{ total_due }}", "<p>Hello {{ invoice_table }}</p>"),
                "ar": ("م {{ total_due }}", "<p>مرحبا {{ invoice_table }}</p>"),
            },
        )

    def test_again_changes_nothing(self):
        content = self._file(
            self._entry(), self._entry(key="k2", name={"en": "Second"})
        )
        first = self._imported(self._read(content))
        again = self._read(content)
        self.assertEqual(again.line_ids.mapped("state"), ["same", "same"])
        self.assertEqual(again.line_ids.template_id, first)
        with self.assertRaisesRegex(UserError, "Nothing is chosen"):
            again.action_import()
        self.assertEqual(
            self.env["chaser.template"].search_count(
                [("file_key", "in", ("k1", "k2"))]
            ),
            2,
        )

    def test_nothing_is_overwritten_unasked(self):
        template = self._imported(self._read(self._file(self._entry())))
        changed = self._file(
            self._entry(
                subject={"en": "Changed {{ total_due }}", "ar": "م {{ total_due }}"}
            )
        )
        wizard = self._read(changed)
        self.assertEqual(
            (wizard.line_ids.state, wizard.line_ids.choice), ("different", "skip")
        )
        with self.assertRaises(UserError):
            wizard.action_import()
        self.assertEqual(template.subject, "S {{ total_due }}")
        wizard.line_ids.choice = "copy"
        copy = self._imported(wizard)
        self.assertNotEqual(copy, template)
        self.assertEqual(
            (template.subject, copy.subject, copy.file_key),
            ("S {{ total_due }}", "Changed {{ total_due }}", False),
        )
        wizard = self._read(changed)
        wizard.line_ids.choice = "update"
        self.assertEqual(self._imported(wizard), template)
        self.assertEqual(template.subject, "Changed {{ total_due }}")
        self.assertEqual(self._read(changed).line_ids.state, "same")

    def test_replacing_a_used_template_makes_its_next_version(self):
        template = self._imported(self._read(self._file(self._entry())))
        self._sent_campaign(self._make_invoice(), template_id=template.id)
        wizard = self._read(
            self._file(
                self._entry(
                    body_html={
                        "en": "<p>New {{ invoice_table }}</p>",
                        "ar": "<p>جديد {{ invoice_table }}</p>",
                    }
                )
            )
        )
        wizard.line_ids.choice = "update"
        wizard.action_import()
        self.assertGreater(template.version_count, 1)
        self.assertIn("Hello", template.version_ids[-1].summary)

    def test_there_and_back(self):
        exported = self.env["chaser.template.file"]._export(self.polite)
        wizard = self._read(exported)
        self.assertEqual(
            wizard.line_ids.state, "new"
        )  # the shared one is not the company's
        self.assertIn("default", wizard.line_ids.message)
        copy = self._imported(wizard)
        self.assertEqual(copy._get_sources(), self.polite._get_sources())
        self.assertEqual(
            (copy.is_default, copy.file_key),
            (False, "invoice_chaser.chaser_template_polite"),
        )
        self.assertEqual(
            json.loads(self.env["chaser.template.file"]._export(copy))["templates"][0][
                "key"
            ],
            "invoice_chaser.chaser_template_polite",
        )
        self.assertEqual(self._read(exported).line_ids.state, "same")

    def test_all_shipped_templates_can_be_read_again(self):
        shipped = self.env["chaser.template"].search([("company_id", "=", False)])
        wizard = self._read(self.env["chaser.template.file"]._export(shipped))
        self.assertEqual(len(wizard.line_ids), len(shipped))
        self.assertEqual(set(wizard.line_ids.mapped("state")), {"new"})

    def test_own_templates_are_found_again_without_a_key(self):
        mine = self._template(name="Mine")
        self.assertEqual(
            self._read(
                self.env["chaser.template.file"]._export(mine)
            ).line_ids.template_id,
            mine,
        )
        self.assertFalse(mine.file_key)

    def test_clear_messages_for_bad_templates(self):
        wizard = self._read(
            self._file(
                self._entry(category="overdue_notise"),
                self._entry(
                    key="k2",
                    body_html={"en": "<p>{{ invoice_tabel }}</p>", "ar": "<p>x</p>"},
                ),
                self._entry(key="k3", subject={"en": ""}),
                self._entry(key="k1"),
                5,
                self._entry(key="k4", colour="red", name="x", level=7),
                self._entry(key="k5", subject={"en": "x", "fr": "y"}),
            )
        )
        self.assertEqual(set(wizard.line_ids.mapped("state")), {"invalid"})
        messages = wizard.line_ids.mapped("message")
        for message, parts in zip(
            messages,
            (
                ("overdue_notise", "overdue_notice"),
                ("body_html.en", "invoice_tabel", "invoice_table", "body_html.ar"),
                ("subject.en", "missing", "subject.ar"),
                ("k1", "twice"),
                ("not a template",),
                ("colour", "name", "level"),
                ("subject.fr", "languages", "subject.ar"),
            ),
            strict=True,
        ):
            for part in parts:
                self.assertIn(part, message)
        wizard.line_ids[0].choice = "create"
        with self.assertRaisesRegex(UserError, "cannot be imported"):
            wizard.action_import()
        self.assertFalse(self.env["chaser.template"].search([("file_key", "=", "k1")]))

    def test_clear_messages_for_bad_files(self):
        for content, pattern in (
            (b"\xff\xfe\x00", "UTF-8"),
            (b"{", "line 1"),
            ("[]", "no file of templates"),
            ('{"format": "x"}', "no file of templates"),
            ('{"format": "invoice_chaser.templates", "version": 9}', "version 9"),
            (self._file(), "no templates"),
            (b"[" * 100_000, "read"),
            (b" " * 5_000_001, "5 MB"),
        ):
            with self.subTest(pattern), self.assertRaisesRegex(UserError, pattern):
                self._read(content)
        with self.assertRaisesRegex(UserError, "Choose a file"):
            self.env["chaser.template.import"].with_user(self.manager).create(
                {}
            ).action_read()

    def test_html_of_a_file_is_sanitized(self):
        body = "<p onclick='x()'>Hi {{ invoice_table }}<script>alert(1)</script></p>"
        template = self._imported(
            self._read(
                self._file(self._entry(body_html={"en": body}, subject={"en": "s"}))
            )
        )
        self.assertNotIn("script", str(template.body_html))
        self.assertNotIn("onclick", str(template.body_html))

    def test_only_managers_import(self):
        with self.assertRaises(AccessError):
            self._read(self._file(self._entry()), user=self.accountant)

    def test_without_arabic_it_says_so(self):
        self.env["res.lang"].search([("code", "=", "ar_001")]).active = False
        wizard = self._read(self._file(self._entry()))
        self.assertIn("Arabic", wizard.line_ids.message)
        self.assertEqual(set(self._imported(wizard)._get_sources()), {"en"})

    def test_export_needs_a_selection(self):
        self.assertIn(f"ids={self.polite.id}", self.polite.action_export()["url"])
        with self.assertRaises(UserError):
            self.env["chaser.template"].action_export()


@tagged("post_install", "-at_install")
class TestTemplateDownload(TemplateCase, HttpCase):
    def _get(self, ids):
        return self.url_open(f"/invoice_chaser/templates.json?ids={ids}")

    def test_download(self):
        other = self.setup_other_company(name="Zanzibar")["company"]
        secret = self._template(name="Secret", company_id=other.id)
        self.accountant.password = "accountant-password"  # noqa: S105
        self.env.flush_all()
        self.assertIn("login", self._get(self.polite.id).url)
        self.authenticate(self.accountant.login, "accountant-password")
        answer = self._get(f"{self.polite.id},{secret.id},x,-1,99999999999999999999")
        self.assertEqual(
            (answer.status_code, answer.headers["Content-Type"]),
            (200, "application/json; charset=utf-8"),
        )
        self.assertIn("attachment", answer.headers["Content-Disposition"])
        [template] = answer.json()["templates"]
        self.assertEqual(
            (template["key"], template["category"]),
            ("invoice_chaser.chaser_template_polite", "invoice_reminder"),
        )
        self.assertIn("{{ invoice_table }}", template["body_html"]["ar"])
        self.assertEqual(self._get(secret.id).status_code, 404)
        self.assertEqual(self._get("").status_code, 404)


@tagged("post_install", "-at_install")
class TestCompareVersions(TemplateCase):
    def test_last_two_versions_in_both_languages(self):
        with self.assertRaisesRegex(UserError, "not been used"):
            self.polite.action_compare()
        self._sent_campaign(self._make_invoice())
        action = self.polite.action_compare()
        comparison = self.env["chaser.template.compare"].browse(action["res_id"])
        self.assertEqual(
            (comparison.left_id.number, comparison.right_id.id), (1, False)
        )
        self.assertEqual(
            [
                (one["lang"], one["changed"])
                for one in comparison.difference["languages"]
            ],
            [("en", False), ("ar", False)],
        )
        self.polite.subject = "Altogether new {{ total_due }}"
        comparison = self.env["chaser.template.compare"].browse(
            self.polite.action_compare()["res_id"]
        )
        self.assertEqual(
            (comparison.left_id.number, comparison.right_id.number), (1, 2)
        )
        english, arabic = comparison.difference["languages"]
        self.assertEqual((english["changed"], arabic["changed"]), (True, False))
        self.assertEqual(english["subject"][0]["kind"], "changed")
        self.assertTrue(all(row["kind"] == "same" for row in english["body"]))

    def test_any_two(self):
        self._sent_campaign(self._make_invoice())
        for word in ("one", "two"):
            self.polite.subject = f"{word} {{{{ total_due }}}}"
        versions = self.polite.version_ids
        comparison = self.env["chaser.template.compare"].browse(
            (versions[0] | versions[2])
            .with_user(self.accountant)
            .action_compare()["res_id"]
        )
        self.assertEqual(
            (comparison.left_id, comparison.right_id), (versions[2], versions[0])
        )
        comparison.right_id = False
        self.assertEqual(comparison.difference["right"], "The text as it is now")
        with self.assertRaises(UserError):
            versions.action_compare()
