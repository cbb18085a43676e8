import io
import re
from contextlib import contextmanager
from datetime import timedelta

from lxml import html as lxml_html

from odoo.tests import HttpCase, new_test_user, tagged
from odoo.tools.pdf import PdfFileReader

from ..core.letter import render
from ..core.page.customer_answers import ACTIONS, Answer
from ..core.page.customer_page import render_busy, render_notice, render_page
from ..core.page.page_texts import PAGE_TEXTS
from ..core.page.pages import invalid_page
from .common import ChaserCase, FakeTransport

_ARABIC = re.compile(r"[\u0600-\u06ff\ufb50-\ufdff\ufe70-\ufefc]+")
_LATIN = re.compile(r"[A-Za-z]{2,}")
# Links and addresses, also one that is shown in part (a…@b….example).
_NO_WORDS = re.compile(r"https?://\S+|\S+@\S+")
# Names and signs that are written alike in both: of the data below, and of banks.
_NAMES = {
    "alnoor",
    "trading",
    "pop",
    "accounts",
    "sara",
    "khan",
    "inv",
    "iban",
    "rf",  # the start of a creditor reference (ISO 11649)
    "swift",
    "bic",
    "pdf",
    "usd",
    "rinv",
    "aed",
    "trn",
    "xlsx",
    "gulf",
    "bank",
    "llc",
    "png",
    "jpeg",
}
# The switch to the other language, and the language's own name in it, are meant for its
# readers.
_SWITCH = {"en": {"العربية"}, "ar": {"english"}}


@tagged("post_install", "-at_install")
class TestLanguageWalk(ChaserCase, HttpCase):
    """Everything that a customer sees is in their language: message, text, pages,
    attachments."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.write(
            {
                "name": "POP Trading",
                "phone": "+971 4 555 0100",
                "vat": "100123456700003",
            }
        )
        country = cls.env.ref("base.ae")
        country.with_context(lang="ar_001").name = "الإمارات العربية المتحدة"
        cls.company.partner_id.write(
            {
                "country_id": country.id,
                "street": False,
                "city": False,
                "state_id": False,
                "zip": False,
            }
        )
        cls.seller = new_test_user(
            cls.env,
            "walk_seller",
            "base.group_user",
            name="Sara Khan",
            email="sara@pop.example",
            company_id=cls.company.id,
        )

    @contextmanager
    def enter_registry_test_mode(self):
        yield  # it is on for the whole class

    def _send(self, language, **values):
        # An address of its own, because the walk before has unsubscribed the other one.
        email = f"finance{self.env['chaser.reminder'].search_count([])}@alnoor.example"
        customer = self._make_customer(
            "Alnoor Trading",
            email,
            chaser_language=language,
            country_id=self.env.ref("base.ae").id,
        )
        invoices = self._make_invoice(customer, days=10) | self._make_invoice(
            customer, days=5
        )
        invoices.invoice_user_id = self.seller
        campaign = self._campaign(invoices, **values)
        campaign.action_send()
        transport = self._run(FakeTransport())
        [message] = transport.sent
        return campaign.reminder_ids, message

    def _refuse_strangers(self, surfaces, language):
        self.assertEqual(
            {
                name: words
                for name, text in surfaces.items()
                if (words := self._strangers(text, language))
            },
            {},
        )

    def _get_surfaces(self, reminder, message):
        """Name → text as a reader sees it."""
        token = reminder.sudo().stop_token
        surfaces = {
            "subject": message.subject,
            "html": self._visible(message.html),
            "text": message.text,
        }
        for name, path in (
            ("unsubscribe page", f"/chaser/u/{token}"),
            ("customer's page", reminder.sudo()._make_page_url("")),
        ):
            answer = self.url_open(path)
            if answer.status_code == 200 and self._visible(
                answer.text
            ) != self._visible(invalid_page()):
                surfaces[name] = self._visible(answer.text)
                surfaces[f"{name}: language"] = lxml_html.document_fromstring(
                    answer.content.decode()
                ).get("lang")
        surfaces["unsubscribed"] = self._visible(
            self.url_open(
                f"/chaser/u/{token}", data={"List-Unsubscribe": "One-Click"}
            ).text
        )
        for attachment in message.attachments:
            surfaces[f"attachment {attachment.name}"] = self._read_attachment(
                attachment
            )
            surfaces[f"name of {attachment.name}"] = attachment.name
        return surfaces

    def _visible(self, page):
        root = lxml_html.document_fromstring(page)
        for element in root.xpath("//style|//script|//template"):
            element.drop_tree()
        for element in root.iter():
            element.tail = f" {element.tail or ''}"
        titles = " ".join(
            root.xpath(
                "//@title|//@alt|//@placeholder|//@aria-label|//input[@type='submit' "
                "or @type='button']/@value"
            )
        )
        return f"{root.text_content()} {titles}"

    def _read_attachment(self, attachment):
        if attachment.mimetype != "application/pdf":
            return ""
        return "\n".join(
            page.extract_text() or ""
            for page in PdfFileReader(io.BytesIO(attachment.content)).pages
        )

    def _strangers(self, text, language):
        """Words of the other language."""
        text = _NO_WORDS.sub(" ", text)
        words = _ARABIC.findall(text) if language == "en" else _LATIN.findall(text)
        return sorted(
            {word for word in words if word.lower() not in _NAMES | _SWITCH[language]}
        )

    def _walk(self, language, **values):
        reminder, message = self._send(language, **values)
        surfaces = self._get_surfaces(reminder, message)
        for name in (
            "subject",
            "html",
            "text",
            "unsubscribe page",
            "customer's page",
            "unsubscribed",
        ):
            self.assertTrue(surfaces[name].strip(), name)
        faults = {
            name: words
            for name, text in surfaces.items()
            if not name.endswith(": language")
            and (words := self._strangers(text, language))
        }
        self.assertEqual(faults, {})
        for name, text in surfaces.items():
            if name.endswith(": language"):
                self.assertEqual(text, language, name)
        self.assertEqual(message.headers["Content-Language"], language)
        return surfaces

    def test_english(self):
        surfaces = self._walk("en")
        self.assertIn(self.company.currency_id.name, surfaces["html"])

    def test_arabic(self):
        surfaces = self._walk("ar")
        for name in ("subject", "html", "text", "unsubscribe page", "unsubscribed"):
            self.assertTrue(_ARABIC.search(surfaces[name]), name)

    def test_each_level_with_what_is_attached(self):
        for language in ("en", "ar"):
            for code in ("polite", "firm", "urgent", "final"):
                with self.subTest(language=language, code=code):
                    surfaces = self._walk(
                        language,
                        template_id=self.env.ref(
                            f"invoice_chaser.chaser_template_{code}"
                        ).id,
                    )
                    files = [name for name in surfaces if name.startswith("attachment")]
                    self.assertEqual(len(files), {"urgent": 1, "final": 2}.get(code, 0))
                    self.assertTrue(all(surfaces[name].strip() for name in files))

    def test_letters_without_a_level(self):
        """Thank-you and statement, as their templates make them."""
        customer = self._make_customer("Alnoor Trading", "finance@alnoor.example")
        self._make_invoice(customer, days=10).invoice_user_id = self.seller
        data = self.env["chaser.composer"]._get_preview_data(customer, self.company)
        for language in ("en", "ar"):
            for code in ("thanks", "statement"):
                rendered = render.compose(
                    data,
                    self.env.ref(
                        f"invoice_chaser.chaser_template_{code}"
                    )._get_sources(),
                    language,
                )
                self._refuse_strangers(
                    {
                        "subject": rendered.subject,
                        "html": self._visible(rendered.html),
                        "text": rendered.text,
                    },
                    language,
                )

    def test_every_state_of_the_customers_page(self):
        for language in ("en", "ar"):
            reminder = self._send(language)[0].sudo()
            path = reminder._get_page_path("x")
            surfaces = {
                f"problem {code}": self._visible(
                    render_page(
                        reminder._get_page_data(
                            language, problem=code, problem_action=action
                        )
                    )[0]
                )
                for action in ACTIONS
                for code in PAGE_TEXTS["en"]
                if code.endswith(
                    (
                        "_missing",
                        "_wrong",
                        "_range",
                        "_empty",
                        "_type",
                        "_limit",
                        "_form",
                    )
                )
            }
            surfaces |= {
                "busy": self._visible(
                    render_busy(language, path, {"action": "copy"}, had_file=True)[0]
                ),
                "busy reading": self._visible(render_busy(language, path)[0]),
                "too often": self._visible(
                    render_notice(language, path, "too_often")[0]
                ),
            }
            said = {"ar": "البضاعة تالفة", "en": "Damaged"}[language]
            for answer in (
                Answer("dispute", text=said, invoices=(1,)),
                Answer("promise", day=self.today + timedelta(days=3)),
                Answer("paid", text="4711"),
            ):
                record = reminder._process_answer(
                    answer,
                    reminder._make_form_key(answer.action),
                    {"ip": "192.0.2.9", "user_agent": ""},
                )
                surfaces[f"after {answer.action}"] = self._visible(
                    render_page(reminder._get_page_data(language, done=record.id))[0]
                )
            for invoice in reminder.line_ids.move_id:
                self._pay(invoice)
            surfaces["settled"] = self._visible(
                render_page(reminder._get_page_data(language))[0]
            )
            self.assertIn(PAGE_TEXTS[language]["all_paid"], surfaces["settled"])
            self._refuse_strangers(surfaces, language)

    def test_the_walk_notices_a_stranger(self):
        self.assertEqual(self._strangers("عرض الفاتورة View", "ar"), ["View"])
        self.assertEqual(self._strangers("View عرض", "en"), ["عرض"])
        self.assertEqual(
            self._strangers(
                "POP Trading, INV/1, https://x.example/abc a@b.example", "ar"
            ),
            [],
        )

    def test_fallback_is_english_throughout(self):
        """A template without Arabic: the message is English, and so are its pages."""
        template = self.env["chaser.template"].create(
            {
                "name": "English alone",
                "company_id": self.company.id,
                "subject": "Reminder {{ total_due }}",
                "body_html": "<p>Dear {{ contact_name }},</p><p>{{ invoice_table "
                "}}</p><p>Please pay, and tell us about it by replying to this "
                "message.</p>",
            }
        )
        customer = self._make_customer(
            "Alnoor Trading", "finance@alnoor.example", chaser_language="ar"
        )
        campaign = self._campaign(self._make_invoice(customer), template_id=template.id)
        campaign.action_send()
        [message] = self._run(FakeTransport()).sent
        surfaces = self._get_surfaces(campaign.reminder_ids, message)
        self._refuse_strangers(surfaces, "en")
        self.assertEqual(surfaces["unsubscribe page: language"], "en")
