import re
from email import message_from_bytes, policy

from odoo.fields import Command
from odoo.tests import new_test_user, tagged

from ..core.letter import render
from ..core.letter.template_language import check
from .common import ChaserCase

_LEVELS = ("polite", "firm", "urgent", "final")
_SHIPPED = (*_LEVELS, "thanks", "statement", "letter")
# Words that a reminder of this addon never uses: threat, interest, religion.
_FORBIDDEN = re.compile(
    r"\b(legal action|lawyer|court|interest|penalty|late "
    r"fee|lawsuit|consequence|collection agency|blacklist)\b|"
    r"محكمة|محام|قضائي|قانوني|فائدة|فوائد|غرامة|ربا|بسم الله|السلام "
    r"عليكم|والله|إن شاء الله",
    re.I,
)


@tagged("post_install", "-at_install")
class TestLetters(ChaserCase):
    """The shipped texts, as a customer reads them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.sources = {
            code: cls.env.ref(f"invoice_chaser.chaser_template_{code}")._get_sources()
            for code in _SHIPPED
        }

    def _compose(self, code, lang, count, days=20):
        invoices = self.env["account.move"]
        customer = self._make_customer(f"Customer {code} {lang} {count}", "x@x.example")
        for _number in range(count):
            invoices |= self._make_invoice(customer, days=days)
        data = self.env["chaser.composer"]._get_preview_data(customer, self.company)
        return render.compose(data, self.sources[code], lang)

    def test_both_languages_are_shipped(self):
        for code, sources in self.sources.items():
            with self.subTest(code):
                self.assertEqual(set(sources), {"en", "ar"})
                for subject, body in sources.values():
                    check(subject, is_html=False)
                    check(body)
                self.assertTrue(re.search("[\u0600-\u06ff]", sources["ar"][0]))
                self.assertFalse(re.search("[\u0600-\u06ff]", "".join(sources["en"])))

    def test_no_threat_interest_or_religion(self):
        for code, sources in self.sources.items():
            for lang, texts in sources.items():
                with self.subTest(code=code, lang=lang):
                    self.assertFalse(_FORBIDDEN.search(" ".join(texts)))

    def test_number_agreement(self):
        """One, two, 3-10 and 11 or more take different forms in Arabic, and one differs
        from many in English."""
        forms = {
            "en": {
                1: "the following invoice has passed its due date",
                2: "the following 2 invoices have passed their due dates",
                3: "the following 3 invoices have",
                11: "the following 11 invoices have",
            },
            "ar": {
                1: "فاتورة واحدة تجاوزت تاريخ استحقاقها",
                2: "فاتورتين تجاوزتا تاريخ استحقاقهما",
                3: "3 فواتير تجاوزت تاريخ استحقاقها",
                11: "11 فاتورة تجاوزت تاريخ استحقاقها",
            },
        }
        for lang, expected in forms.items():
            for count, words in expected.items():
                with self.subTest(lang=lang, count=count):
                    rendered = self._compose("polite", lang, count)
                    self.assertIn(words, rendered.text)
                    self.assertIn(words, rendered.html)

    def test_days_agree(self):
        forms = {
            "en": {1: "for 1 day.", 2: "for 2 days.", 11: "for 11 days."},
            "ar": {
                1: "يوم واحد",
                2: "يومان",
                3: "3 أيام",
                11: "11 يومًا",
                100: "100 يوم",
            },
        }
        for lang, expected in forms.items():
            for days, words in expected.items():
                with self.subTest(lang=lang, days=days):
                    self.assertIn(words, self._compose("firm", lang, 1, days).text)

    def test_each_text_in_each_language_is_whole(self):
        for code in _LEVELS:
            for lang in ("en", "ar", "both"):
                with self.subTest(code=code, lang=lang):
                    rendered = self._compose(code, lang, 2)
                    self.assertNotRegex(
                        rendered.subject + rendered.text + rendered.html,
                        r"\{\{|\}\}|\{%|None|False",
                    )
                    self.assertEqual(
                        rendered.html.count('class="items"'), len(rendered.langs)
                    )
                    self.assertLessEqual(len(rendered.subject), 200)
                    if lang == "en":
                        self.assertNotRegex(
                            rendered.html + rendered.text, "[\u0600-\u06ff]"
                        )

    def test_the_tone_rises(self):
        """Each level has another text, and gives less time."""
        subjects = [self.sources[code]["en"][0].split(":")[0] for code in _LEVELS]
        self.assertEqual(
            subjects,
            [
                "Payment reminder",
                "Payment overdue since {{ oldest_due_date }}",
                "Urgent",
                "Final notice",
            ],
        )
        arabic = [self.sources[code]["ar"][0].split(":")[0] for code in _LEVELS]
        self.assertEqual(
            arabic,
            [
                "تذكير بالسداد",
                "مبلغ {{ total_due }} متأخر السداد منذ {{ oldest_due_date }}",
                "عاجل",
                "إشعار نهائي",
            ],
        )

    def test_a_first_letter_speaks_of_no_earlier_one(self):
        """A customer who was never written to may first get any level but the last (a
        campaign that starts late)."""
        for code in _LEVELS[:-1]:
            for lang in ("en", "ar"):
                rendered = self._compose(code, lang, 2)
                self.assertNotRegex(
                    rendered.subject + rendered.text,
                    "(?i)second|earlier|previous|again|we wrote|سابق|ثانٍ|مجددًا|مرة "
                    "أخرى|سبق أن",
                    f"{code} {lang}",
                )
        self.assertIn("earlier reminders", self._compose("final", "en", 2).text)


@tagged("post_install", "-at_install")
class TestMessage(ChaserCase):
    """What the pipeline makes of company, invoice and customer."""

    def _message(self, invoices=None):
        campaign = self._campaign(invoices or self._make_invoice(days=5))
        campaign.action_send()
        [message] = self._run().sent
        return message

    def test_neither_a_robot_nor_who_has_left_signs(self):
        seller = new_test_user(
            self.env,
            "letters_seller",
            "base.group_user",
            name="Sara Khan",
            company_id=self.company.id,
        )
        for user, signs in (
            (seller, True),
            (self.env.ref("base.user_root"), False),
            (self.env["res.users"], False),
        ):
            invoice = self._make_invoice(
                self._make_customer(f"Customer {user.id}", f"a{user.id}@a.example"),
                days=5,
            )
            invoice.invoice_user_id = user
            self.assertEqual("Sara Khan" in self._message(invoice).text, signs)
            self.assertNotIn("OdooBot", self._compose_preview(invoice).text)
        seller.active = False
        invoice = self._make_invoice(
            self._make_customer("Left", "left@a.example"), days=5
        )
        invoice.invoice_user_id = seller
        self.assertNotIn("Sara Khan", self._message(invoice).text)

    def _compose_preview(self, invoice):
        data = self.env["chaser.composer"]._get_preview_data(
            invoice.partner_id, self.company
        )
        return render.compose(
            data,
            self.env.ref("invoice_chaser.chaser_template_polite")._get_sources(),
            "en",
        )

    def test_headers(self):
        self.customer.chaser_language = "both"
        message = self._message()
        mail = message_from_bytes(message.to_email().as_bytes(), policy=policy.default)
        self.assertEqual(mail["Content-Language"], "ar, en")
        self.assertEqual(mail["Auto-Submitted"], "auto-generated")
        self.assertEqual(mail["List-Unsubscribe-Post"], "List-Unsubscribe=One-Click")
        self.assertRegex(mail["List-Unsubscribe"], r"^<http[^ ]+/chaser/u/[^/ >]{32}>$")
        self.assertRegex(mail["Message-ID"], r"^<[^@ ]+@[^@ ]+>$")
        self.assertEqual(mail["From"].addresses[0].display_name, "POP Accounts")
        self.assertTrue(mail["Subject"].startswith("تذكير بالسداد"))
        self.assertFalse([defect for part in mail.walk() for defect in part.defects])

    def test_a_customers_name_starts_no_header(self):
        self.customer.name = "Evil\r\nBcc: victim@example.com"
        self.env.ref(
            "invoice_chaser.chaser_template_polite"
        ).subject = "For {{ customer_name }}: {{ total_due }}"
        mail = message_from_bytes(
            self._message().to_email().as_bytes(), policy=policy.default
        )
        self.assertNotIn("Bcc", mail)
        self.assertIn(
            "Evil Bcc: victim@example.com", mail["Subject"].replace("  ", " ")
        )

    def test_logo(self):
        self.assertNotIn(
            "/logo.png",
            self._message().html,
            "no logo of Odoo's in the place of one's own",
        )
        self.company.logo = (
            self.env["res.partner"]
            .search([("image_1920", "!=", False)], limit=1)
            .image_1920
            or _PIXEL
        )
        message = self._message(
            self._make_invoice(self._make_customer("Second", "second@x.example"))
        )
        self.assertIn(
            f'src="{self.company.get_base_url()}/logo.png?company={self.company.id}" '
            'alt="POP Trading"',
            message.html,
        )

    def test_bank_details(self):
        bank = self.env["res.partner.bank"].create(
            {
                "acc_number": "AE070331234567890123456",
                "partner_id": self.company.partner_id.id,
                "allow_out_payment": True,
            }
        )
        invoice = self._make_invoice(post=False)
        invoice.partner_bank_id = bank
        invoice.action_post()
        message = self._message(invoice)
        self.assertIn(bank.acc_number.replace(" ", ""), message.text.replace(" ", ""))
        self.assertIn("Account name: POP Trading", message.text)

    def test_instalments(self):
        terms = self.env["account.payment.term"].create(
            {
                "name": "Three",
                "line_ids": [
                    Command.create(
                        {"value": "percent", "value_amount": share, "nb_days": days}
                    )
                    for share, days in ((30, 5), (30, 10), (40, 90))
                ],
            }
        )
        invoice = self._make_invoice(days=40, terms=terms)
        message = self._message(invoice)
        self.assertIn("instalment 1 of 3", message.text)
        self.assertIn("instalment 2 of 3", message.text)
        self.assertNotIn("instalment 3 of 3", message.text, "it is not due yet")
        data = self.env["chaser.composer"]._get_preview_data(
            self.customer, self.company
        )
        self.assertEqual(
            [(item.part, item.parts) for item in data.items],
            [(1, 3), (2, 3)],
            "the preview says the same",
        )

    def test_an_invoice_due_at_once_is_no_instalment(self):
        self.assertNotIn("instalment", self._message().text)


_PIXEL = b"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="  # noqa: E501
