"""Templates: the shipped ones pass Meta's rules; submitting, states, the choice, and
what goes into a request."""

from datetime import timedelta
from decimal import Decimal

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged

from odoo.addons.invoice_chaser.core.letter.message_data import Item, MessageData

from ..core.errors import ConnectFailed, GraphError
from .people_common import PeopleCase


@tagged("post_install", "-at_install")
class TemplateCase(PeopleCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.Template._create_shipped(cls.account)
        cls.templates = cls.Template.search([("provider_id", "=", cls.account.id)])
        cls.polite = cls._get_template("chaser_polite", "en")
        cls.levels = cls.env["chaser.level"]._get_ladder(cls.company)

    @classmethod
    def _get_template(cls, name, language):
        return cls.templates.filtered(
            lambda one: (one.name, one.language) == (name, language)
        )

    def _approve(self, templates=None):
        templates = self.templates if templates is None else templates
        self.meta.status = "APPROVED"
        for template in templates:
            template.action_submit()
        return templates

    def _make_row(self, template, **values):
        """The template as Meta's list has it."""
        return {
            "id": template.meta_id or "77",
            "name": template.name,
            "language": template.language,
            "status": "APPROVED",
            "category": "UTILITY",
            "components": template._make_components(template._make_content()),
            **values,
        }

    def _make_data(self, count=3, days=23, **values):
        items = tuple(
            Item(
                f"INV/{number}",
                self.today - timedelta(days=days + 30),
                self.today - timedelta(days=days),
                days,
                Decimal("100.00"),
                Decimal("100.00"),
                "AED",
            )
            for number in range(count)
        )
        return MessageData(
            company={"name": "POP Trading"},
            customer_name="Al Noor Trading",
            contact_name="Al Noor Trading",
            is_company=True,
            items=items,
            today=self.today,
            page_url="https://odoo.pop.example/chaser/p/AbC",
            **{"payment_reference": "RF42123456", **values},
        )


class TestShipped(TemplateCase):
    def test_meta_would_refuse_none(self):
        self.assertEqual(len(self.templates), 8)
        for template in self.templates:
            with self.subTest(template.display_name):
                self.assertFalse(template.findings)
                self.assertEqual(template.category, "utility")

    def test_only_once(self):
        self.assertFalse(self.Template._create_shipped(self.account))

    def test_plurals(self):
        arabic = self._get_template("chaser_firm", "ar")
        for count, days, words, late in (
            (1, 1, "فاتورة واحدة متأخرة السداد", "يومًا واحدًا"),
            (2, 2, "فاتورتان متأخرتا السداد", "يومين"),
            (5, 5, "5 فواتير متأخرة السداد", "5 أيام"),
            (11, 23, "11 فاتورة متأخرة السداد", "23 يومًا"),
            (100, 100, "100 فاتورة متأخرة السداد", "100 يوم"),
        ):
            body = arabic._render(self._make_data(count, days))["body"]
            self.assertIn(words, body)
            self.assertIn(late, body)
            self.assertIn("السادة/ ", body)
        english = self._get_template("chaser_polite", "en")
        self.assertIn(
            "1 invoice is overdue", english._render(self._make_data(1))["body"]
        )
        body = english._render(self._make_data(3))["body"]
        self.assertIn("3 invoices are overdue", body)
        self.assertIn("AED 300.00", body)

    def test_reference_of_the_message(self):
        """Every shipped text quotes it, so that the payment is found; to Meta it is
        shown by a sample."""
        for template in self.templates:
            data = self._make_data(payment_reference="RF42123456")
            self.assertIn("RF42123456", template._render(data)["body"])
            [sample] = template.variable_ids.filtered(
                lambda one: one.name == "reference"
            ).mapped("sample")
            self.assertRegex(sample, r"^\u2066?RF\d{8}\u2069?$")


class TestRules(TemplateCase):
    def test_what_meta_would_refuse(self):
        for change, words in (
            ({"body": "{{customer}} owes {{company}} money, says {{total}}"}, "before"),
            ({"footer": "x" * 61}, "61 / 60"),
            ({"button_text": "x" * 26}, "26 / 25"),
            (
                {"body": self.polite.body + " Pay to AE070331234567890123456 now."},
                "AE070331234567890123456",
            ),
            ({"body": self.polite.body + " Else we take legal action. Bye."}, "threat"),
            (
                {"body": self._get_template("chaser_polite", "ar").body},
                "not in the language",
            ),
            ({"body": self.polite.body + " Get 10% discount now."}, "sells"),
        ):
            with self.subTest(words):
                template = self.polite.copy(change)
                texts = " ".join(one["text"] for one in template.findings)
                self.assertIn(words, texts)
                with self.assertRaisesRegex(UserError, "Meta would refuse"):
                    template.action_submit()
        self.assertFalse(self.meta.calls)

    def test_twice_the_same_text(self):
        twin = self.polite.copy()
        self.assertIn("chaser_polite", twin.findings[0]["text"])

    def test_variables_follow_the_text(self):
        self.polite.body = (
            "Dear {{customer}}, about {{total}} and {{special}}: please look at it."
        )
        self.assertEqual(
            dict(self.polite.variable_ids.mapped(lambda one: (one.name, one.source))),
            {"customer": "addressee", "total": "total_due", "special": False},
        )
        self.assertIn("{{special}}", " ".join(f["text"] for f in self.polite.findings))

    def test_no_account_numbers_to_choose(self):
        sources = self.Template._get_sources()
        self.assertFalse({"iban", "bic", "page_url", "invoice_table"} & set(sources))

    def test_one_per_level(self):
        level = self.levels[0]
        self.polite.level_id = level
        with self.assertRaisesRegex(ValidationError, "chaser_polite"):
            self._get_template("chaser_firm", "en").level_id = level
        self._get_template("chaser_firm", "ar").level_id = level

    def test_preview(self):
        preview = str(self.polite.preview)
        self.assertIn('dir="ltr"', preview)
        self.assertIn("POP Trading", preview)
        self.assertIn("View and answer", preview)
        self.assertIn(
            'dir="rtl"', str(self._get_template("chaser_polite", "ar").preview)
        )
        self.polite.body = "A *bold* <script>x</script> text with {{customer}} in it."
        preview = str(self.polite.preview)
        self.assertIn("<b>bold</b>", preview)
        self.assertNotIn("<script>", preview)


class TestSubmit(TemplateCase):
    def test_created(self):
        self.polite.action_submit()
        self.assertEqual(self.meta.names(), ["upload_sample", "create_template"])
        self.assertEqual(self.meta.calls[0][1], b"%PDF")
        values = self.meta.calls[1][1]
        self.assertEqual(
            (values["name"], values["language"], values["category"]),
            ("chaser_polite", "en", "UTILITY"),
        )
        header, body, footer, buttons = values["components"]
        self.assertEqual(header["example"], {"header_handle": ["4::handle"]})
        names = {one["param_name"] for one in body["example"]["body_text_named_params"]}
        self.assertEqual(
            names,
            {"customer", "company", "today", "items", "total", "oldest", "reference"},
        )
        self.assertTrue(footer["text"])
        self.assertEqual(
            buttons["buttons"][0]["url"], "https://odoo.pop.example/chaser/p/{{1}}"
        )
        self.assertEqual((self.polite.state, self.polite.can_send), ("pending", False))
        self.assertEqual(self.polite.version_id.number, 1)
        with self.assertRaisesRegex(UserError, "as it is"):
            self.polite.action_submit()

    def test_edited(self):
        self._approve(self.polite)
        self.assertTrue(self.polite.can_send)
        before = self.polite._render(self._make_data())["body"]
        self.polite.body = self.polite.body.replace("Hello", "Good day")
        self.assertTrue(self.polite.is_changed)
        # What Meta has approved leaves, until the new text is approved.
        self.assertEqual(self.polite._render(self._make_data())["body"], before)
        self.polite.action_submit()
        self.assertEqual(self.meta.calls[-1][0], "edit_template")
        self.assertNotIn("name", self.meta.calls[-1][2])
        self.assertEqual(self.polite.version_id.number, 2)
        self.assertEqual(self.polite.state, "pending")
        self.assertFalse(self.polite.is_changed)

    def test_refused(self):
        self.meta.errors["create_template"] = GraphError(
            100, "Message body too long", 2388040
        )
        with self.assertRaisesRegex(UserError, "Message body too long"):
            self.polite.action_submit()
        self.assertEqual(
            (self.polite.state, self.polite.version_id.id), ("draft", False)
        )
        self.meta.errors["create_template"] = ConnectFailed("no route")
        with self.assertRaisesRegex(UserError, "could not be reached"):
            self.polite.action_submit()

    def test_name_and_language_stay(self):
        self.polite.action_submit()
        with self.assertRaisesRegex(UserError, "Duplicate it"):
            self.polite.name = "other"
        with self.assertRaisesRegex(UserError, "Delete it there first"):
            self.polite.unlink()
        copy = self.polite.copy()
        self.assertEqual(
            (copy.name, copy.state, copy.meta_id, copy.version_id.id),
            ("chaser_polite_2", "draft", False, False),
        )

    def test_deleted_at_meta(self):
        self.polite.action_submit()
        self.polite.action_delete_at_meta()
        self.assertEqual(self.polite.state, "deleted")
        self.polite.unlink()

    def test_rights(self):
        own = self.polite.with_user(self.accountant)
        self.assertTrue(own.body)
        with self.assertRaises(AccessError):
            own.action_submit()
        with self.assertRaises(AccessError):
            own.body = "other"


class TestStates(TemplateCase):
    def _event(self, field="message_template_status_update", **value):
        return self.Template.sudo()._process_event(
            self.account,
            field,
            {
                "message_template_id": int(self.polite.meta_id),
                "message_template_name": "chaser_polite",
                "message_template_language": "en",
                **value,
            },
        )

    def setUp(self):
        super().setUp()
        self.polite.action_submit()

    def test_approved_and_rejected(self):
        self._event(event="APPROVED", reason="NONE")
        self.assertTrue(self.polite.can_send)
        self._event(
            event="REJECTED",
            reason="ABUSIVE_CONTENT",
            rejection_info={"reason": "It threatens", "recommendation": "Do not"},
        )
        self.assertEqual(self.polite.state, "rejected")
        self.assertIn("friendlier", self.polite.state_words)
        self.assertIn("It threatens", self.polite.meta_words)
        self.assertEqual(self.polite._get_send_block(), "whatsapp_rejected")
        self.assertIn("rejected", self.polite.send_block)
        self.assertTrue(self.account.activity_ids)

    def test_paused_and_whatever_comes(self):
        self._event(event="PAUSED", other_info={"title": "FIRST_PAUSE"})
        self.assertEqual(self.polite._get_send_block(), "whatsapp_paused")
        self._event(event="SOMETHING_NEW")
        self.assertEqual(self.polite.state, "paused")
        self.polite.action_unpause()
        self.assertIn("unpause_template", self.meta.names())
        self.assertFalse(
            self._event(message_template_id=1, message_template_name="other")
        )

    def test_found_by_name_and_language(self):
        self.polite.sudo().language = "en"
        self.polite.sudo().meta_id = False
        found = self.Template.sudo()._process_event(
            self.account,
            "message_template_status_update",
            {
                "event": "APPROVED",
                "message_template_id": 5,
                "message_template_name": "chaser_polite",
                "message_template_language": "en",
            },
        )
        self.assertEqual(found, self.polite)

    def test_marketing_stops_it_until_a_manager_allows_it(self):
        self._event(event="APPROVED")
        self._event(
            "template_category_update",
            new_category="UTILITY",
            correct_category="MARKETING",
        )
        self.assertTrue(self.polite.can_send, "announced only")
        self.assertIn("Marketing", self.polite.state_words)
        self._event(
            "template_category_update",
            previous_category="UTILITY",
            new_category="MARKETING",
        )
        self.assertEqual(self.polite._get_send_block(), "whatsapp_marketing")
        self.assertEqual(
            self.Template._choose(self.company, self.levels[0], "en"),
            (self.Template, "whatsapp_marketing"),
        )
        with self.assertRaises(AccessError):
            self.polite.with_user(self.accountant).action_allow_marketing()
        self.polite.action_allow_marketing()
        self.assertTrue(self.polite.can_send)
        self.assertEqual(self.polite._get_billed_category(), "marketing")

    def test_approved_as_marketing(self):
        firm = self._get_template("chaser_firm", "en")
        self.meta.status, self.meta.category = "APPROVED", "MARKETING"
        firm.action_submit()
        self.assertEqual(firm._get_send_block(), "whatsapp_marketing")

    def test_synchronised(self):
        self.meta.rows = [self._make_row(self.polite, quality_score={"score": "GREEN"})]
        self.polite.action_sync()
        self.assertEqual(
            (self.polite.state, self.polite.quality, self.polite.differs),
            ("approved", "GREEN", False),
        )
        row = self._make_row(self.polite)
        row["components"][1]["text"] = "Other {{customer}} text with {{sum}} in it"
        self.meta.rows = [row]
        self.polite.action_sync()
        self.assertEqual(self.polite._get_send_block(), "whatsapp_differs")
        with self.assertRaisesRegex(UserError, "sum"):
            self.polite.action_take_over()

    def test_taken_over(self):
        row = self._make_row(self.polite)
        row["components"][1]["text"] = "Other text for {{customer}}, by us all."
        self.meta.rows = [row]
        self.polite.action_sync()
        self.polite.action_take_over()
        self.assertEqual(self.polite.body, "Other text for {{customer}}, by us all.")
        self.assertTrue(self.polite.can_send)
        self.assertEqual(self.polite.version_id.number, 2)

    def test_an_old_version_again(self):
        before = self.polite.version_id
        self.polite.write({"body": "Dear {{customer}}, please pay.", "footer": "Bye"})
        self.assertIn("POP", before.preview)
        self.assertTrue(self.polite.is_changed)
        before.action_use_again()
        self.assertFalse(self.polite.is_changed)
        with self.assertRaises(AccessError):
            before.with_user(self.accountant).action_use_again()

    def test_gone_at_meta(self):
        self.meta.rows = []
        self.polite.action_sync()
        self.assertEqual(self.polite.state, "deleted")
        self.assertEqual(self.polite._get_send_block(), "whatsapp_disabled")

    def test_read_again_before_a_campaign(self):
        self.meta.calls.clear()
        self.Template._ensure_fresh(self.account)
        self.assertFalse(self.meta.calls)
        self.polite.sudo().synced_at = fields.Datetime.now() - timedelta(hours=2)
        self.meta.rows = [self._make_row(self.polite)]
        self.Template._ensure_fresh(self.account)
        self.assertEqual(self.meta.names(), ["list_templates"])
        # One that Meta no longer has is not asked for at each run.
        self.meta.rows = []
        self.Template._sync(self.account)
        self.meta.calls.clear()
        self.Template._ensure_fresh(self.account)
        self.assertFalse(self.meta.calls)
        self.meta.rows = [self._make_row(self.polite)]
        self.Template._sync(self.account)
        # A change that Meta tells of is looked at, too.
        self._event("message_template_components_update")
        self.meta.errors["list_templates"] = ConnectFailed("no route")
        self.Template._ensure_fresh(self.account)
        self.assertEqual(self.polite.state, "approved")

    def test_words_that_are_new_at_meta(self):
        """A category or a score that did not exist when this was written."""
        row = self._make_row(
            self.polite, category="SERVICE_PLUS", quality_score={"score": "BLUE"}
        )
        self.meta.rows = [row]
        self.polite.action_sync()
        self.assertEqual(
            (self.polite.meta_category, self.polite.quality), ("other", False)
        )
        self.assertEqual(self.polite._get_send_block(), "whatsapp_marketing")


class TestUse(TemplateCase):
    def test_chosen(self):
        choose = self.Template._choose
        polite, firm = self.levels[0], self.levels[1]
        self.assertEqual(
            choose(self.company, polite, "en")[1], "whatsapp_not_submitted"
        )
        self._approve()
        self.assertEqual(choose(self.company, polite, "en")[0], self.polite)
        self.assertEqual(
            choose(self.company, firm, "ar")[0], self._get_template("chaser_firm", "ar")
        )
        self.assertEqual(
            choose(self.company, firm, "both")[0],
            self._get_template("chaser_firm", "ar"),
        )
        self._get_template("chaser_firm", "ar").active = False
        self.assertEqual(
            choose(self.company, firm, "ar")[0], self._get_template("chaser_firm", "en")
        )
        own = self.polite.copy(
            {"level_id": firm.id, "name": "own", "body": "Own text."}
        )
        self.assertEqual(choose(self.company, firm, "en")[1], "whatsapp_not_submitted")
        self._approve(own)
        self.assertEqual(choose(self.company, firm, "en")[0], own)
        other = self.env["res.company"].create({"name": "Other"})
        self.assertEqual(choose(other, firm, "en")[1], "whatsapp_no_account")
        self.assertEqual(
            choose(self.company, self.env["chaser.level"], "en")[1],
            "whatsapp_no_template",
        )

    def test_components(self):
        self._approve(self.polite)
        header, body, button = self.polite._prepare_components(
            self._make_data(), "4711", "/chaser/p/ToKeN"
        )
        document = header["parameters"][0]["document"]
        self.assertEqual(document["id"], "4711")
        self.assertTrue(document["filename"].endswith(".pdf"))
        values = {one["parameter_name"]: one["text"] for one in body["parameters"]}
        self.assertEqual(values["total"], "AED 300.00")
        self.assertEqual(values["items"], "3 invoices are")
        self.assertEqual(button["parameters"], [{"type": "text", "text": "ToKeN"}])

    def test_payment_reference_of_the_message(self):
        """A text of one's own may quote it; the variable of that name fills itself with
        the message's reference."""
        self.polite.body = (
            "About the account of {{customer}}: please quote {{payment_reference}} "
            "with the transfer of {{total}} to us, and we will find it at once."
        )
        self.assertEqual(
            self.polite.variable_ids.filtered(
                lambda one: one.name == "payment_reference"
            ).source,
            "payment_reference",
        )
        self._approve(self.polite)
        rendered = self.polite._render(self._make_data(payment_reference="RF42123456"))
        self.assertEqual(rendered["values"]["payment_reference"], "RF42123456")
        self.assertIn("quote RF42123456 with", rendered["body"])

    def test_values_are_one_line(self):
        data = self._make_data()
        self._approve(self.polite)
        data = type(data)(**{**data.__dict__, "contact_name": "Al\n Noor\t    LLC"})
        self.assertEqual(self.polite._render(data)["values"]["customer"], "Al Noor LLC")
        self.assertEqual(self.polite._render(data)["empty"], [])

    def test_without_a_value(self):
        self.polite.body = "About {{ref}} of {{customer}}, please look at it today."
        self.polite.variable_ids.filtered(
            lambda one: one.name == "ref"
        ).source = "customer_reference"
        self._approve(self.polite)
        self.assertEqual(self.polite._render(self._make_data())["empty"], ["ref"])
