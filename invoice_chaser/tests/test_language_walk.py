import io
import re
from contextlib import contextmanager

from lxml import html as lxml_html

from odoo.tests import HttpCase, new_test_user, tagged
from odoo.tools.pdf import PdfFileReader

from ..core.pages import invalid_page
from .common import ChaserCase, FakeTransport

_ARABIC = re.compile(r"[\u0600-\u06ff\ufb50-\ufdff\ufe70-\ufefc]+")
_LATIN = re.compile(r"[A-Za-z]{2,}")
_NO_WORDS = re.compile(r"https?://\S+|[\w.+-]+@[\w.-]+")
# Names and signs that are written alike in both: of the data below, and of banks.
_NAMES = {
    "alnoor", "trading", "pop", "accounts", "sara", "khan", "inv", "iban", "swift", "bic", "pdf", "usd", "united", "states", "rinv", "aed", "trn", "xlsx",
    "gulf", "bank", "llc", "png", "jpeg",
}
# The switch to the other language, and the language's own name in it, are meant for its readers.
_SWITCH = {"en": {"العربية"}, "ar": {"english"}}


@tagged("post_install", "-at_install")
class TestLanguageWalk(ChaserCase, HttpCase):
    """Whatever a customer gets to see is in his language. The walk takes each surface that is there: message, text, pages, attachments."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.write({"name": "POP Trading", "phone": "+971 4 555 0100", "vat": "100123456700003"})
        cls.seller = new_test_user(cls.env, "walk_seller", "base.group_user", name="Sara Khan", email="sara@pop.example", company_id=cls.company.id)

    @contextmanager
    def enter_registry_test_mode(self):
        yield  # it is on for the whole class

    def _send(self, language):
        customer = self._make_customer("Alnoor Trading", "finance@alnoor.example", chaser_language=language)
        invoices = self._make_invoice(customer, days=10) | self._make_invoice(customer, days=5)
        invoices.invoice_user_id = self.seller
        campaign = self._campaign(invoices)
        campaign.action_send()
        transport = self._run(FakeTransport())
        [message] = transport.sent
        return campaign.reminder_ids, message

    def _get_surfaces(self, reminder, message):
        """Name → text as a reader sees it."""
        token = reminder.sudo().token
        surfaces = {"subject": message.subject, "html": self._visible(message.html), "text": message.text}
        for name, path in (("unsubscribe page", f"/chaser/u/{token}"), ("customer's page", reminder.sudo()._get_page_url(""))):
            answer = self.url_open(path)
            if answer.status_code == 200 and self._visible(answer.text) != self._visible(invalid_page()):
                surfaces[name] = self._visible(answer.text)
                surfaces[f"{name}: language"] = lxml_html.document_fromstring(answer.content.decode()).get("lang")
        surfaces["unsubscribed"] = self._visible(self.url_open(f"/chaser/u/{token}", data={"List-Unsubscribe": "One-Click"}).text)
        for attachment in message.attachments:
            surfaces[f"attachment {attachment.name}"] = self._read_attachment(attachment)
        return surfaces

    def _visible(self, page):
        root = lxml_html.document_fromstring(page)
        for element in root.xpath("//style|//script|//template"):
            element.drop_tree()
        for element in root.iter():
            element.tail = f" {element.tail or ''}"
        titles = " ".join(root.xpath("//@title|//@alt|//@placeholder|//@aria-label|//input[@type='submit' or @type='button']/@value"))
        return f"{root.text_content()} {titles}"

    def _read_attachment(self, attachment):
        if attachment.mimetype != "application/pdf":
            return ""
        return "\n".join(page.extract_text() or "" for page in PdfFileReader(io.BytesIO(attachment.content)).pages)

    def _strangers(self, text, language):
        """Words of the other language."""
        text = _NO_WORDS.sub(" ", text)
        words = _ARABIC.findall(text) if language == "en" else _LATIN.findall(text)
        return sorted({word for word in words if word.lower() not in _NAMES | _SWITCH[language]})

    def _walk(self, language):
        reminder, message = self._send(language)
        surfaces = self._get_surfaces(reminder, message)
        for name in ("subject", "html", "text", "unsubscribe page", "customer's page", "unsubscribed"):
            self.assertTrue(surfaces[name].strip(), name)
        faults = {name: words for name, text in surfaces.items() if not name.endswith(": language") and (words := self._strangers(text, language))}
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

    def test_the_walk_notices_a_stranger(self):
        self.assertEqual(self._strangers("عرض الفاتورة View", "ar"), ["View"])
        self.assertEqual(self._strangers("View عرض", "en"), ["عرض"])
        self.assertEqual(self._strangers("POP Trading, INV/1, https://x.example/abc a@b.example", "ar"), [])

    def test_fallback_is_english_throughout(self):
        """A template without Arabic: the message is English, and so are its pages."""
        template = self.env["chaser.template"].create({
            "name": "English alone", "company_id": self.company.id, "subject": "Reminder {{ total_due }}",
            "body_html": "<p>Dear {{ contact_name }},</p><p>{{ invoice_table }}</p><p>Please pay, and tell us about it by replying to this message.</p>"})
        customer = self._make_customer("Alnoor Trading", "finance@alnoor.example", chaser_language="ar")
        campaign = self._campaign(self._make_invoice(customer), template_id=template.id)
        campaign.action_send()
        [message] = self._run(FakeTransport()).sent
        surfaces = self._get_surfaces(campaign.reminder_ids, message)
        self.assertEqual({name: words for name, text in surfaces.items() if (words := self._strangers(text, "en"))}, {})
        self.assertEqual(surfaces["unsubscribe page: language"], "en")
