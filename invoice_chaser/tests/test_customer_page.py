import base64
from contextlib import contextmanager
from datetime import timedelta
from io import BytesIO
from unittest.mock import patch

import psycopg2.errors
from lxml import html

from odoo import fields
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import HttpCase, freeze_time, new_test_user, tagged
from odoo.tools import SQL
from odoo.tools.pdf import PdfFileReader

from ..controllers import customer_page
from ..core.letter.documents import pdf
from ..core.page.customer_answers import MAX_FILE
from ..core.status.tracking import mask_tokens, new_token
from .common import ChaserCase
from .test_routes import BAD_TOKENS, CHROME

PDF = b"%PDF-1.7 proof of payment"
ACTIONS = ("promise", "paid", "dispute", "contact", "copy")


@tagged("post_install", "-at_install")
class TestCustomerPage(ChaserCase, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.one, cls.two = (
            cls._make_invoice(amount=1000, days=30),
            cls._make_invoice(amount=500, days=20),
        )
        cls.campaign = cls("test_shows_what_is_open")._sent_campaign(cls.one | cls.two)
        cls.reminder = cls.campaign.reminder_ids
        cls.path = cls.reminder._make_page_url("")
        cls.env.flush_all()

    def setUp(self):
        super().setUp()
        for limiter in (
            customer_page.PER_TOKEN,
            customer_page.PER_IP,
            customer_page.STATEMENTS,
        ):
            limiter.clear()

    @contextmanager
    def enter_registry_test_mode(self):
        yield  # it is on for the whole class

    # -- a visitor

    def _ask(self, path=None, method="GET", quiet=True, **options):
        """One request, and what holds for every answer."""
        headers = {"User-Agent": CHROME, **options.pop("headers", {})}
        with self.assertNoLogs(level="WARNING" if quiet else "CRITICAL"):
            answer = self.url_open(
                path or self.path,
                method=method,
                headers=headers,
                allow_redirects=False,
                **options,
            )
        self.assertIn(answer.status_code, (200, 303, 413, 429), path)
        self.assertIn("no-store", answer.headers.get("Cache-Control", ""))
        self.assertEqual(answer.headers.get("X-Robots-Tag"), "noindex")
        self.assertEqual(answer.headers.get("Referrer-Policy"), "no-referrer")
        self.assertNotIn("Set-Cookie", answer.headers)
        if (
            answer.status_code == 200
            and "no longer valid" not in answer.text
            and method in ("GET", "POST")
        ):
            self.assertIn(
                "default-src 'none'", answer.headers.get("Content-Security-Policy", "")
            )
        for sign in ("Traceback", "odoo.http", "/web/", "Internal Server", "Werkzeug"):
            self.assertNotIn(sign, answer.text)
        self.env.invalidate_all()
        return answer

    def _tree(self, path=None):
        return html.document_fromstring(self._ask(path).text)

    def _get_key(self, action, path=None):
        [key] = self._tree(path).xpath(
            f"//section[@id='{action}']//input[@name='key']/@value"
        )
        return key

    def _post(self, action, path=None, key=None, files=None, **form):
        data = {
            "action": action,
            "key": key or self._get_key(action, path),
            "lang": "en",
            **form,
        }
        return self._ask(path, method="POST", data=data, files=files)

    def _done(self, answer):
        """The page that a browser shows after the post."""
        self.assertEqual(answer.status_code, 303, answer.text[:3000])
        location = answer.headers["Location"]
        self.assertIn(self.path, location)
        return self._ask(location[location.index("/chaser") :]).text

    def _day(self, days):
        return (self.today + timedelta(days=days)).isoformat()

    def _answers(self):
        return self.env["chaser.answer"].search(
            [("reminder_id", "=", self.reminder.id)]
        )

    def _snapshot(self):
        """Every row that a visit could have touched."""
        self.env.flush_all()
        tables = (
            "chaser_reminder",
            "chaser_answer",
            "chaser_hold",
            "chaser_promise",
            "chaser_dispute",
            "chaser_event",
            "mail_message",
            "mail_activity",
            "ir_attachment",
            "account_move",
            "chaser_suppression",
            "ir_config_parameter",
        )
        return {
            table: self.env.execute_query(
                SQL(
                    "SELECT count(*), max(id), max(write_date) FROM %s",
                    SQL.identifier(table),
                )
            )
            for table in tables
        }

    def _notes(self, record):
        return " ".join(record.message_ids.mapped("body"))

    # -- what it shows

    def test_shows_what_is_open(self):
        text = self._tree().text_content().replace("\u00a0", " ")
        for part in (
            "POP Trading",
            "Al Noor Trading",
            self.one.name,
            self.two.name,
            "30 days overdue",
            "1,500.00",
        ):
            self.assertIn(part, text)

    def test_what_a_transfer_needs(self):
        """The account of the invoices, what is open less what was paid since, and the
        reference of the message."""
        bank = self.env["res.partner.bank"].create(
            {
                "acc_number": "AE070331234567890123456",
                "partner_id": self.company.partner_id.id,
                "allow_out_payment": True,
            }
        )
        (self.one | self.two).partner_bank_id = bank
        self._pay(self.two, 200)
        root = self._tree()
        copied = root.xpath("//button/@data-copy")
        self.assertIn("AE070331234567890123456", copied)
        self.assertIn("1300.00", copied)
        self.assertIn(self.reminder.payment_reference, copied)
        self.assertTrue(root.xpath("//svg"))

    def test_statement(self):
        """The whole account as it is now, in the page's language, without login; a few
        a minute."""
        if not pdf.is_available():
            self.skipTest("WeasyPrint is not installed")
        later = self._make_invoice(amount=77, days=-5)
        [href] = self._tree().xpath("//a[contains(@href, 'statement.pdf')]/@href")
        answer = self._ask(href)
        self.assertEqual(answer.headers["Content-Type"], "application/pdf")
        reader = PdfFileReader(BytesIO(answer.content), strict=False)
        text = " ".join(page.extract_text() for page in reader.pages)
        for part in (self.one.name, self.two.name, later.name):
            self.assertIn(part, text)
        arabic = self._ask(href.replace("lang=en", "lang=ar"))
        self.assertIn("attachment", arabic.headers["Content-Disposition"])
        unknown = self._ask(f"/chaser/p/{'x' * 22}/statement.pdf")
        self.assertIn("no longer valid", unknown.text)
        for _number in range(6):
            last = self._ask(href)
        self.assertEqual(last.status_code, 429)

    def test_an_arabic_page_leads_to_arabic_pages(self):
        """Those of the portal, which greet in Arabic; an English page to English
        ones."""
        # In this order: the portal remembers a language that a visitor has chosen.
        for lang in ("en", "ar"):
            links = self._tree(f"{self.path}?lang={lang}").xpath("//td//a/@href")
            self.assertEqual(links[0].startswith("/ar/my/"), lang == "ar")
            portal = self.url_open(links[0])
            self.assertEqual(portal.status_code, 200)
            # What Odoo says of its page: here only our own Arabic is loaded.
            code = {"ar": "ar_001", "en": "en_US"}[lang]
            self.assertIn(f'"bundle_params": {{"lang": "{code}"}}', portal.text)

    def test_the_links_of_a_message_lead_to_its_language(self):
        """In a message in both, each part to its own."""
        invoice = self._make_invoice(
            self._make_customer("Both", "both@x.example", chaser_language="both")
        )
        campaign = self._campaign(invoice)
        campaign.action_send()
        [message] = self._run().sent
        arabic, english = f"/ar/my/invoices/{invoice.id}", f"/my/invoices/{invoice.id}"
        self.assertIn(arabic, message.text)
        self.assertIn(english, message.text.replace(arabic, ""))

    def test_no_arabic_address_where_the_site_has_no_arabic(self):
        """An address in a language that the site does not have would not exist."""
        composer = self.env["chaser.composer"]
        self.assertEqual(composer._get_portal_prefixes(), {"ar": "/ar"})
        with patch.object(
            type(composer), "_get_site_languages", lambda _self: ["en_US"]
        ):
            self.assertEqual(composer._get_portal_prefixes(), {})

    def test_pdf_and_portal_links_work_without_login(self):
        links = self._tree().xpath("//td//a/@href")
        self.assertEqual(len([link for link in links if "report_type=pdf" in link]), 2)
        portal = self.url_open(links[0])
        self.assertEqual(portal.status_code, 200)
        self.assertIn(self.one.name, portal.text)

    def test_pay_button_where_online_payment_is_on(self):
        if "payment.provider" not in self.env:
            self.skipTest("account_payment is not installed")
        self.env["payment.provider"].sudo().search([]).state = "disabled"
        self.env["ir.config_parameter"].sudo().set_param(
            "account_payment.enable_portal_payment", "True"
        )
        self.assertFalse(
            self._tree().xpath("//a[contains(@href, 'payment=1')]"),
            "no payment service is on",
        )
        self.env["payment.provider"].sudo().search([], limit=1).write(
            {"company_id": self.company.id}
        )
        self.env.cr.execute(
            "UPDATE payment_provider SET state = 'test', company_id = %s WHERE id = "
            "(SELECT min(id) FROM payment_provider)",
            [self.company.id],
        )
        self.env.invalidate_all()
        self.assertEqual(
            len(self._tree().xpath("//a[contains(@href, 'payment=1')]")), 2
        )
        self.env["ir.config_parameter"].sudo().set_param(
            "account_payment.enable_portal_payment", "False"
        )
        self.assertFalse(self._tree().xpath("//a[contains(@href, 'payment=1')]"))

    def test_paid_ones_are_shown_as_paid(self):
        self._pay(self.one)
        root = self._tree()
        self.assertEqual(len(root.xpath("//tr[@class='paid']")), 1)
        self.assertIn("500.00", root.xpath("//tr[@class='total']")[0].text_content())
        self._pay(self.two)
        root = self._tree()
        self.assertIn("nothing for you to do", root.text_content())
        self.assertFalse(root.xpath("//form"))

    def test_part_payment_and_credit_note(self):
        self._pay(self.one, 300)
        self.assertIn("1,200.00", self._tree().text_content())

    def test_language(self):
        self.assertEqual(self._tree().get("lang"), "en")
        for query, lang in (
            ("?lang=ar", "ar"),
            ("?lang=en", "en"),
            ("?lang=xx", "en"),
            ("?lang=" + "a" * 5000, "en"),
        ):
            self.assertEqual(self._tree(self.path + query).get("lang"), lang)
        self.reminder.sudo().language = "both"
        root = self._tree()
        self.assertEqual((root.get("lang"), root.get("dir")), ("ar", "rtl"))
        self.assertIn("فواتيركم غير المسددة", root.text_content())

    def test_token_of_its_own(self):
        """The token that is in every image address cannot be used to answer."""
        own = self.reminder.sudo()
        for token in (own.token, own.pixel_token, own.stop_token, own.reply_token):
            self.assertNotIn(token, self.path)
            self.assertIn("no longer valid", self._ask(f"/chaser/p/{token}").text)
        self.assertIn(self.path, self.reminder._make_page_url())
        self.assertTrue(self.reminder._make_page_url().startswith("http"))

    def test_message_leads_to_the_page(self):
        self.assertTrue(
            any(self.path in target for target in self.reminder.sudo().link_targets),
            self.reminder.sudo().link_targets,
        )

    # -- reading changes nothing

    def test_looking_changes_nothing(self):
        before = self._snapshot()
        key = self._get_key("promise")
        for method in ("GET", "HEAD", "OPTIONS"):
            for query in (
                "",
                "?lang=ar",
                "?a=1",
                f"?action=promise&day={self._day(3)}&key={key}",
                f"?action=copy&key={self._get_key('copy')}",
                "?method=POST",
            ):
                with self.subTest(method=method, query=query[:30]):
                    self._ask(self.path + query, method=method)
        for method in ("PUT", "DELETE", "PATCH"):
            self._ask(
                method=method,
                data={"action": "promise", "day": self._day(3), "key": key},
            )
        self.assertEqual(self._snapshot(), before)

    def test_bad_tokens(self):
        before = self._snapshot()
        for name, token in BAD_TOKENS.items():
            if ".." in token:
                continue
            for method in ("GET", "HEAD", "POST"):
                with self.subTest(token=name, method=method):
                    answer = self._ask(
                        f"/chaser/p/{token}",
                        method=method,
                        data={"action": "promise", "day": self._day(1)}
                        if method == "POST"
                        else None,
                    )
                    self.assertTrue(
                        method == "HEAD" or "no longer valid" in answer.text
                    )
                    self.assertNotIn("<script>alert", answer.text)
        for path in ("/chaser/p", "/chaser/p/", f"{self.path}/x"):
            self.assertIn("no longer valid", self._ask(path).text)
        self.assertEqual(self._snapshot(), before)

    def test_expired(self):
        key = self._get_key("promise")
        self.company.chaser_link_days = 3
        self.reminder.sudo().sent_at = self._later(days=-3, minutes=-1)
        self.assertIn("no longer valid", self._ask().text)
        self.assertIn(
            "no longer valid", self._post("promise", key=key, day=self._day(2)).text
        )
        self.assertFalse(self._answers())
        self.reminder.sudo().sent_at = self._later(days=-3, minutes=1)
        self.assertIn(self.one.name, self._ask().text)

    def test_what_was_never_sent_has_no_page(self):
        draft = self._campaign(
            self._make_invoice(self._make_customer("Draft", "draft@customer.example"))
        ).reminder_ids
        self.assertIn("no longer valid", self._ask(draft._make_page_url("")).text)

    # -- I will pay on …

    def test_promise(self):
        page = self._done(self._post("promise", day=self._day(7), name="Omar"))
        self.assertIn("We have noted your date", page)
        self.assertIn("You will pay on", page)
        promise = self._answers().promise_id
        self.assertEqual(
            (promise.move_ids, promise.date_promised, promise.amount),
            (self.one | self.two, self.today + timedelta(days=7), 0),
        )
        self.assertEqual(
            (promise.source, promise.said_by, promise.user_id, promise.reminder_id),
            ("page", "Omar", self.accountant, self.reminder),
        )
        self.assertEqual(promise.line_ids, self._receivable(self.one | self.two))
        self.assertEqual(
            promise.activity_ids.mapped(
                lambda todo: (todo.user_id, todo.date_deadline)
            ),
            [(self.accountant, self.today + timedelta(days=7))],
        )
        for record in (self.customer, self.one):
            self.assertIn("Omar", self._notes(record))
        self.assertIn("Payment announced for", page)
        with freeze_time(self._later(days=7)):
            again = self._campaign(self.one | self.two)
            self.assertEqual(
                set(again.reminder_ids.mapped("reason_code")), {"promised"}
            )

    def test_promise_of_a_part(self):
        self._done(self._post("promise", day=self._day(7), amount="900"))
        promise = self._answers().promise_id
        self.assertEqual(
            (promise.amount, promise.covered_move_ids),
            (900, self.one),
            "the oldest that it pays",
        )

    def test_promise_in_arabic(self):
        answer = self._post(
            "promise", day=self._day(7), amount="٩٠٠", lang="ar", name="عمر حداد"
        )
        page = self._done(answer)
        self.assertIn("لقد سجّلنا التاريخ", page)
        self.assertEqual(
            (self._answers().promise_id.amount, self._answers().said_by),
            (900, "عمر حداد"),
        )

    def test_promise_out_of_range(self):
        for day, amount, words in (
            (self._day(-1), "", "choose a date from today"),
            (self._day(31), "", "choose a date from today"),
            ("", "", "choose the date"),
            (self._day(3), "1500.01", "not above what is open"),
            (self._day(3), "much", "cannot be read"),
        ):
            with self.subTest(day=day, amount=amount):
                text = self._post("promise", day=day, amount=amount).text
                self.assertIn(words, text)
                self.assertIn('class="open"', text)
        self.assertFalse(self._answers())
        self.company.chaser_promise_days = 60
        self._done(self._post("promise", day=self._day(31)))

    def test_date_may_be_changed_but_not_for_ever(self):
        self._done(self._post("promise", day=self._day(20)))
        self._done(self._post("promise", day=self._day(30)))
        first, second = self.env["chaser.promise"].search(
            [("reminder_id", "=", self.reminder.id)], order="id"
        )
        self.assertEqual(
            (first.state, second.state, second.replaces_id),
            ("cancelled", "open", first),
        )
        with freeze_time(self._later(days=10)):
            self.assertIn(
                "choose a date from today",
                self._post("promise", day=self._day(35)).text,
            )
        self.assertEqual(second.state, "open")
        self.assertEqual(len(self._answers()), 2)

    def test_broken_promise_leaves_one_to_do(self):
        self._done(self._post("promise", day=self._day(2)))
        promise = self._answers().promise_id
        with freeze_time(self._later(days=3)):
            self.env["chaser.promise"]._cron_check()
        self.assertEqual(promise.state, "broken")
        self.assertIn(
            "broken",
            promise.activity_ids.summary,
            "to look for the payment, and to call, would be two",
        )

    def test_promise_stops_what_is_queued(self):
        with freeze_time(self._later(days=8)):
            campaign = self._campaign(self.one | self.two)
            campaign.action_send()
            self._done(self._post("promise", day=self._day(12)))
            self.assertFalse(self._run().sent)
        self.assertEqual(campaign.reminder_ids.reason_code, "promised")

    # -- already paid

    def test_paid_with_reference(self):
        page = self._done(self._post("paid", reference="TT 4711 of 3 March"))
        self.assertIn("We will look for your payment", page)
        hold = self._answers().hold_id
        self.assertEqual(
            (hold.code, hold.move_ids, hold.source, hold.reminder_id),
            ("says_paid", self.one | self.two, "page", self.reminder),
        )
        self.assertIn("TT 4711", hold.reason)
        self.assertEqual(hold.activity_ids.user_id, self.accountant)
        self.assertIn("TT 4711", self._notes(self.customer))
        with freeze_time(self._later(days=30)):
            self.assertEqual(
                set(
                    self._campaign(self.one | self.two).reminder_ids.mapped(
                        "reason_code"
                    )
                ),
                {"hold_says_paid"},
            )

    def test_paid_with_file(self):
        self._done(
            self._post("paid", files={"file": ("../<b>slip</b>.exe", PDF, "text/html")})
        )
        attachment = self._answers().attachment_id
        self.assertEqual(
            (attachment.raw, attachment.mimetype, attachment.res_model),
            (PDF, "application/pdf", "chaser.hold"),
        )
        self.assertRegex(attachment.name, r"^[\w.-]+\.pdf$")
        self.assertFalse(attachment.public)
        outsider = new_test_user(
            self.env,
            "page_outsider",
            "account.group_account_invoice",
            company_id=self.company.id,
        )
        self.assertTrue(attachment.with_user(self.accountant).has_access("read"))
        self.assertFalse(attachment.with_user(outsider).has_access("read"))

    def test_files_that_are_refused(self):
        for content, words in (
            (b"<html><script>alert(1)</script>", "Only PDF, PNG and JPEG"),
            (b"MZ" + b"x" * 100, "Only PDF"),
            (PDF.ljust(MAX_FILE + 1, b"x"), "larger than 5 MB"),
        ):
            with self.subTest(words):
                self.assertIn(
                    words,
                    self._post("paid", files={"file": ("slip.pdf", content)}).text,
                )
        self.assertIn("enter a payment reference", self._post("paid").text)
        self.assertIn(
            "enter a payment reference",
            self._post("paid", files={"file": ("", b"")}).text,
        )
        self.assertFalse(self._answers())

    def test_body_that_is_not_even_read(self):
        answer = self._ask(
            method="POST",
            quiet=False,
            data={"action": "paid"},
            files={"file": ("big.pdf", PDF.ljust(customer_page.MAX_BODY + 10, b"x"))},
        )
        self.assertEqual(answer.status_code, 413)
        self.assertIn("larger than 5 MB", answer.text)
        self.assertFalse(self._answers())

    def test_saying_it_again_makes_one_hold_and_one_to_do(self):
        self._done(self._post("paid", reference="first"))
        self._done(self._post("paid", reference="second"))
        self.assertEqual(len(self._answers()), 2)
        self.assertEqual(
            (
                len(self._answers().hold_id),
                self._answers().hold_id.detail,
                len(self._answers().hold_id.activity_ids),
            ),
            (1, "second", 1),
        )

    def test_released_by_payment(self):
        self._done(self._post("paid", reference="TT"))
        self._pay(self.one | self.two)
        self.env["chaser.promise"]._cron_check()
        self.assertTrue(self._answers().hold_id.released_at)

    # -- dispute

    def test_dispute(self):
        page = self._done(
            self._post("dispute", invoice="2", reason="Two pallets\r\nwere broken")
        )
        self.assertIn("We will look into it", page)
        self.assertIn("Being clarified", page)
        dispute = self._answers().dispute_id
        self.assertEqual(
            (dispute.move_ids, dispute.reason, dispute.user_id),
            (self.two, "Two pallets were broken", self.accountant),
        )
        self.assertEqual(dispute.activity_ids.user_id, self.accountant)
        self.assertEqual(
            (self.two.chaser_dispute_reason, self.one.chaser_dispute_reason),
            ("Two pallets were broken", False),
        )

    def test_dispute_needs_invoice_and_words(self):
        self.assertIn("tick the invoices", self._post("dispute", reason="broken").text)
        self.assertIn(
            "tick the invoices",
            self._post("dispute", reason="broken", invoice="3").text,
        )
        self.assertIn(
            "in a few words", self._post("dispute", reason=" ", invoice="1").text
        )
        self.assertFalse(self._answers())

    def test_dispute_in_arabic_with_markup(self):
        words = "البضاعة تالفة <script>alert(1)</script> 50 %s"
        page = self._done(self._post("dispute", invoice="1", reason=words))
        self.assertNotIn("<script>alert", page)
        self.assertEqual(self._answers().dispute_id.reason, words)
        self.assertNotIn("<script>", self._notes(self.customer))

    # -- wrong contact

    def test_wrong_contact(self):
        page = self._done(self._post("contact", email="CFO@alnoor.example"))
        self.assertIn("We will check the address", page)
        hold = self._answers().hold_id
        self.assertEqual(
            (
                hold.code,
                hold.proposed_email,
                hold.move_ids.ids,
                hold.activity_ids.user_id,
            ),
            ("wrong_contact", "cfo@alnoor.example", [], self.accountant),
        )
        self.assertEqual(
            self.customer._get_chaser_emails()[self.customer.id],
            ["finance@alnoor.example"],
            "nobody has decided yet",
        )
        with freeze_time(self._later(days=30)):
            reminder = self._campaign(self.one).reminder_ids
            self.assertEqual(
                (reminder.reason_code, reminder.recipient_email),
                ("hold_wrong_contact", "finance@alnoor.example"),
            )
            self.assertIn("cfo@alnoor.example", reminder.reason)

    def test_accountant_takes_the_proposed_address(self):
        self._done(self._post("contact", email="cfo@alnoor.example"))
        hold = self._answers().hold_id
        hold.with_user(self.accountant).action_use_proposed_email()
        self.assertEqual(
            self.customer._get_chaser_emails()[self.customer.id], ["cfo@alnoor.example"]
        )
        self.assertEqual(
            self.customer.email,
            "finance@alnoor.example",
            "only the invoices' address is meant",
        )
        self.assertTrue(hold.released_at)
        with freeze_time(self._later(days=30)):
            self.assertEqual(
                self._campaign(self.one).reminder_ids.recipient_email,
                "cfo@alnoor.example",
            )

    def test_proposed_address_replaces_the_wrong_contacts(self):
        contact = self.env["res.partner"].create(
            {
                "name": "AP",
                "type": "invoice",
                "parent_id": self.customer.id,
                "email": "finance@alnoor.example",
            }
        )
        self._done(self._post("contact", email="cfo@alnoor.example"))
        self._answers().hold_id.with_user(self.accountant).action_use_proposed_email()
        self.assertEqual(contact.email, "cfo@alnoor.example")

    # -- copy

    def test_copy_goes_to_the_same_address_only(self):
        self.customer.email = "somebody.else@alnoor.example"
        page = self._done(
            self._post("copy", email="evil@x.example", recipient_email="evil@x.example")
        )
        self.assertIn("on its way", page)
        copy = self._answers().copy_id
        self.assertEqual(
            (copy.state, copy.purpose, copy.copy_of_id, copy.campaign_id.is_copies),
            ("queued", "copy", self.reminder, True),
        )
        [message] = self._run().sent
        self.assertEqual(
            (message.recipients, message.cc), (("finance@alnoor.example",), ())
        )
        self.assertEqual(
            (message.subject, mask_tokens(message.html), mask_tokens(message.text)),
            (self.reminder.subject, self.reminder.body_html, self.reminder.body_text),
            "the same",
        )
        self.assertNotEqual(message.message_id, self.reminder.message_id)
        self.assertEqual((copy.state, copy.campaign_id.state), ("sent", "completed"))

    def test_copy_after_a_part_payment_asks_for_the_rest_only(self):
        self._pay(self.one)
        self._done(self._post("copy"))
        [message] = self._run().sent
        self.assertNotIn(self.one.name, message.text)
        self.assertIn(self.two.name, message.text)

    def test_copy_is_not_sent_when_paid_meanwhile(self):
        self._done(self._post("copy"))
        self._pay(self.one | self.two)
        self.assertFalse(self._run().sent)
        self.assertEqual(self._answers().copy_id.reason_code, "paid")

    def test_copy_of_what_is_promised(self):
        """Customers may read what they have promised."""
        self._done(self._post("promise", day=self._day(3)))
        self._done(self._post("copy"))
        self.assertEqual(len(self._run().sent), 1)

    def test_copy_keeps_the_quota(self):
        self.provider.daily_quota = 1
        self._done(self._post("copy"))
        self.assertFalse(self._run().sent)
        self.assertEqual(
            (self._answers().copy_id.state, self._answers().copy_id.reason_code),
            ("queued", "limit_day"),
        )

    def test_copies_are_few(self):
        self._done(self._post("copy"))
        self.assertIn("a short while ago", self._post("copy").text)
        self._run()
        self.assertIn("a short while ago", self._post("copy").text)
        for _number in range(2):
            self.env.cr.execute(
                "UPDATE chaser_reminder SET create_date = create_date - interval '2 "
                "days' WHERE purpose = 'copy'"
            )
            self.env.invalidate_all()
            self._done(self._post("copy"))
            self._run()
        self.env.cr.execute(
            "UPDATE chaser_reminder SET create_date = create_date - interval '2 "
            "days' WHERE purpose = 'copy'"
        )
        self.env.invalidate_all()
        self.assertIn("a short while ago", self._post("copy").text, "three in all")

    def test_no_copy_to_a_stopped_address(self):
        self.env["chaser.suppression"].create(
            {"email": "finance@alnoor.example", "company_id": self.company.id}
        )
        self.assertIn("no copy either", self._post("copy").text)
        self.assertFalse(self._answers())
        self.assertFalse(self.env["chaser.reminder"].search([("purpose", "=", "copy")]))

    def test_copy_does_not_count_as_contact(self):
        self._done(self._post("copy"))
        with freeze_time(self._later(days=8)):
            self._run()
            self.assertEqual(
                self._campaign(self.one | self.two).reminder_ids.state, "draft"
            )

    # -- misuse

    def test_form_sent_twice(self):
        key = self._get_key("paid")
        first, second = (
            self._post("paid", key=key, reference=words) for words in ("TT 1", "TT 2")
        )
        self.assertEqual(first.headers["Location"], second.headers["Location"])
        self.assertEqual((len(self._answers()), self._answers().text), (1, "TT 1"))

    def test_keys_that_do_not_fit(self):
        before = self._snapshot()
        other = self._sent_campaign(
            self._make_invoice(self._make_customer("Other", "other@customer.example"))
        ).reminder_ids
        foreign = self._get_key("promise", other._make_page_url(""))
        good = self._get_key("promise")
        before = self._snapshot()
        raw = bytearray(base64.urlsafe_b64decode(good + "==="))
        raw[20] ^= 1
        keys = {
            "none": "x",
            "another page's": foreign,
            "another action's": self._get_key("paid"),
            "cut": good[:-3],
            "changed": base64.urlsafe_b64encode(raw).decode(),
            "no base64": "§§§§",
            "long": "A" * 100_000,
            "other version": base64.urlsafe_b64encode(
                b"\x02" + bytes(raw[1:])
            ).decode(),
            "spaces": " ",
            "nul": "\x00",
        }
        for name, key in keys.items():
            with self.subTest(name):
                answer = self._post("promise", key=key, day=self._day(3))
                self.assertIn("press the button once more", answer.text)
                self.assertIn(
                    f'value="{self._day(3)}"',
                    answer.text,
                    "what was entered is still there",
                )
        self.assertEqual(self._snapshot(), before)

    def test_key_expires(self):
        key = self._get_key("promise")
        with freeze_time(self._later(hours=25)):
            self.assertIn(
                "press the button once more",
                self._post("promise", key=key, day=self._day(3)).text,
            )
        self.assertFalse(self._answers())

    def test_odd_requests(self):
        before = self._snapshot()
        for action in ("", "pay", "__init__", "promise\x00", "x" * 5000):
            self.assertIn("choose one of the answers", self._post(action, key="x").text)
        for headers, body in (
            ({"Content-Type": "application/json"}, b'{"action": "promise"}'),
            ({"Content-Type": "multipart/form-data; boundary=x"}, b"--y\r\nbroken"),
            ({"Content-Type": "multipart/form-data"}, b"no boundary"),
            ({"Content-Type": "text/xml"}, b"\xff\xfe"),
            ({"Content-Type": ""}, b"action=promise"),
            (
                {"Content-Type": "application/x-www-form-urlencoded"},
                b"action=%ff&key=%00&self=1&token=x&lang[]=1&invoice=%ff",
            ),
        ):
            with self.subTest(headers=headers):
                self._ask(method="POST", headers=headers, data=body)
        for query in (
            "self=1",
            "token=x",
            "a=" + "9" * 50,
            "a=-1",
            "a=x",
            "%00=%ff",
            "lang=%ff",
            "request=1",
            "db=other",
        ):
            with self.subTest(query=query[:20]):
                self.assertIn(self.one.name, self._ask(f"{self.path}?{query}").text)
        self.assertEqual(self._snapshot(), before)

    def test_nothing_is_left_to_answer(self):
        keys = {action: self._get_key(action) for action in ACTIONS}
        self._pay(self.one | self.two)
        for action, form in (
            ("promise", {"day": self._day(3)}),
            ("paid", {"reference": "TT"}),
            ("dispute", {"reason": "broken", "invoice": "1"}),
            ("copy", {}),
        ):
            with self.subTest(action):
                self.assertIn(
                    "nothing left to answer",
                    self._post(action, key=keys[action], **form).text,
                )
        self.assertFalse(self._answers())
        self.assertFalse(
            self.env["chaser.hold"].search([("partner_id", "=", self.customer.id)]),
            "never the whole customer by accident",
        )

    def test_thanks_are_for_the_own_answer_only(self):
        self._done(self._post("paid", reference="TT"))
        other = self._sent_campaign(
            self._make_invoice(self._make_customer("Other", "other@customer.example"))
        ).reminder_ids
        self.assertNotIn(
            'class="done"',
            self._ask(f"{other._make_page_url('')}?a={self._answers().id}").text,
        )
        self.assertNotIn(
            'class="done"', self._ask(f"{self.path}?a={self._answers().id + 1}").text
        )

    def test_limit_per_page_and_day(self):
        values = {
            "reminder_id": self.reminder.id,
            "company_id": self.company.id,
            "partner_id": self.customer.id,
            "action": "paid",
        }
        earlier = fields.Datetime.now() - timedelta(hours=2)
        self.env["chaser.answer"].sudo().create(
            [
                {**values, "key": new_token(), "answered_at": earlier}
                for _number in range(20)
            ]
        )
        self.assertIn("a little too often", self._post("paid", reference="TT").text)
        self.assertFalse(
            self.env["chaser.hold"].search([("partner_id", "=", self.customer.id)])
        )

    def test_limit_per_page_and_minute_counts_over_all_workers(self):
        """What another worker has stored counts, though this one's memory is empty."""
        values = {
            "reminder_id": self.reminder.id,
            "company_id": self.company.id,
            "partner_id": self.customer.id,
            "action": "paid",
        }
        others = (
            self.env["chaser.answer"]
            .sudo()
            .create([{**values, "key": new_token()} for _number in range(6)])
        )
        self.assertIn("a little too often", self._post("paid", reference="TT").text)
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                "UPDATE chaser_answer SET answered_at = answered_at - interval '61 "
                "seconds' WHERE id = %s",
                others[0].id,
            )
        )
        self._done(self._post("paid", reference="TT"))

    def test_where_it_came_from_is_forgotten(self):
        self._done(self._post("paid", reference="TT", headers={"User-Agent": CHROME}))
        answer = self._answers()
        self.company.chaser_retention_days = 30
        self.assertTrue(answer.ip_address and answer.user_agent)
        self.env["chaser.retention"]._gc_answers()
        self.assertTrue(answer.ip_address, "not yet")
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE chaser_answer SET answered_at = answered_at - interval '31 days'"
        )
        self.env["chaser.answer"].invalidate_model()
        self.company.chaser_retention_days = 0
        self.env["chaser.retention"]._gc_answers()
        self.assertTrue(answer.ip_address, "0: keep")
        self.company.chaser_retention_days = 30
        self.env["chaser.retention"]._gc_answers()
        self.assertEqual(
            (answer.ip_address, answer.user_agent, answer.text), (False, False, "TT")
        )

    def test_limit_per_caller_and_hour(self):
        other = self._sent_campaign(
            self._make_invoice(self._make_customer("Other", "other@customer.example"))
        ).reminder_ids
        values = {
            "reminder_id": other.id,
            "company_id": self.company.id,
            "partner_id": other.partner_id.id,
            "action": "paid",
            "ip_address": "127.0.0.1",
        }
        self.env["chaser.answer"].sudo().create(
            [{**values, "key": new_token()} for _number in range(60)]
        )
        self.assertIn("a little too often", self._post("paid", reference="TT").text)

    def test_flood_of_calls(self):
        key = self._get_key("paid")
        with patch.object(customer_page.PER_TOKEN, "limit", 3):
            statuses = [self._ask().status_code for _number in range(4)]
            refused = self._ask(
                method="POST", data={"action": "paid", "key": key, "reference": "TT"}
            )
        self.assertEqual((statuses, refused.status_code), ([200, 200, 429, 429], 429))
        self.assertIn("a little too often", refused.text)
        self.assertFalse(self._answers())
        with patch.object(customer_page.PER_IP, "limit", 3):
            self.assertEqual(
                self._ask(f"/chaser/p/{new_token()}").status_code,
                429,
                "tokens cannot be tried out",
            )

    # -- the database

    def test_busy_database(self):
        key, before = self._get_key("dispute"), self._snapshot()

        def wait(_self, *_args, **_kwargs):
            raise psycopg2.errors.LockNotAvailable

        form = {"key": key, "reason": "broken <b>", "invoice": "2"}
        with patch.object(type(self.reminder), "_find_by_page_token", wait):
            self.assertIn("cannot be shown just now", self._ask().text)
            answer = self._post("dispute", **form)
        self.assertIn("Nothing is lost", answer.text)
        self.assertEqual(self._snapshot(), before)
        sent = {
            field.get("name"): field.get("value")
            for field in html.document_fromstring(answer.text).xpath("//form/input")
        }
        self.assertEqual(
            (sent["key"], sent["reason"], sent["invoice"]), (key, "broken <b>", "2")
        )
        self._done(self._ask(method="POST", data=sent))
        self.assertEqual(
            self._answers().dispute_id.move_ids,
            self.two,
            "the button of the busy page does it",
        )

    def test_unforeseen_error_undoes_everything(self):
        def fail(_self, *_args, **_kwargs):
            raise RuntimeError("nobody thought of this")

        key, before = self._get_key("paid"), self._snapshot()
        with patch.object(type(self.reminder), "_plan_page_todo", fail):
            self.assertIn(
                "Nothing is lost", self._post("paid", key=key, reference="TT").text
            )
        self.assertEqual(self._snapshot(), before)

    def test_collision_is_tried_again(self):
        tries, original = [], type(self.reminder)._process_answer

        def collide(reminder, *args):
            tries.append(1)
            if len(tries) < 3:
                raise psycopg2.errors.SerializationFailure
            return original(reminder, *args)

        with patch.object(type(self.reminder), "_process_answer", collide):
            self._done(self._post("paid", reference="TT"))
        self.assertEqual((len(tries), len(self._answers())), (3, 1))

    # -- companies, rights, evidence

    def test_other_companies_stay_out(self):
        other = self.setup_other_company(name="Second")["company"]
        user = new_test_user(
            self.env,
            "page_other",
            "invoice_chaser.group_chaser_manager",
            company_id=other.id,
        )
        self._done(self._post("paid", reference="TT"))
        self._done(self._post("promise", day=self._day(3)))
        for records in (
            self._answers(),
            self._answers().hold_id,
            self._answers().promise_id,
            self._answers().hold_id.activity_ids,
        ):
            self.assertTrue(records)
            self.assertFalse(
                records.with_user(user)
                .with_context(allowed_company_ids=other.ids)
                ._filtered_access("read"),
                records._name,
            )
        foreign = (
            self.env["account.move"]
            .with_context(allowed_company_ids=other.ids)
            .create(
                {
                    "move_type": "out_invoice",
                    "partner_id": self.customer.id,
                    "invoice_date": self._day(-20),
                    "invoice_date_due": self._day(-20),
                    "invoice_line_ids": [
                        Command.create(
                            {
                                "name": "Goods",
                                "price_unit": 100,
                                "tax_ids": [Command.clear()],
                            }
                        )
                    ],
                }
            )
        )
        foreign.action_post()
        campaign = (
            self.env["chaser.campaign"]
            .with_user(user)
            .with_context(allowed_company_ids=other.ids)
            .create_for_invoices(foreign.ids)
        )
        self.assertEqual(
            campaign.reminder_ids.state,
            "draft",
            "what he told one company is not the other's business",
        )

    def test_responsible(self):
        self.assertEqual(self.reminder._get_page_responsible(), self.accountant)
        self.accountant.active = False
        found = self.reminder._get_page_responsible()
        self.assertTrue(
            found.active and self.company in found.company_ids and not found.share
        )

    def test_answer_is_evidence(self):
        self._done(self._post("paid", reference="TT"))
        answer = self._answers()
        self.assertEqual(
            (answer.text, answer.ip_address, answer.user_agent, answer.move_ids),
            ("TT", "127.0.0.1", CHROME, self.one | self.two),
        )
        for user in (self.accountant, self.env.user):
            with self.assertRaises(UserError):
                answer.with_user(user).write({"text": "x"})
        with self.assertRaises(UserError):
            answer.sudo().write({"text": "x"})
        self.assertNotIn("key", answer.with_user(self.accountant).fields_get())
        self.assertNotIn(
            "page_token", self.reminder.with_user(self.accountant).fields_get()
        )
        action = answer.with_user(self.accountant).action_view_record()
        self.assertEqual(
            (action["res_model"], action["res_id"]), ("chaser.hold", answer.hold_id.id)
        )

    def test_nobody_is_mailed(self):
        """Copies leave only through the mailbox's queue."""
        before = self.env["mail.mail"].search_count([])
        self._done(self._post("paid", reference="TT"))
        self._done(self._post("dispute", invoice="1", reason="broken"))
        self._done(self._post("promise", day=self._day(3)))
        self.assertEqual(self.env["mail.mail"].search_count([]), before)

    def test_two_instalments_of_one_invoice(self):
        terms = self.env["account.payment.term"].create(
            {
                "name": "50/50",
                "line_ids": [
                    Command.create(
                        {"value": "percent", "value_amount": 50, "nb_days": 1}
                    ),
                    Command.create(
                        {"value": "percent", "value_amount": 50, "nb_days": 2}
                    ),
                ],
            }
        )
        customer = self._make_customer("Parts", "parts@customer.example")
        invoice = self._make_invoice(customer, amount=800, days=20, terms=terms)
        reminder = self._sent_campaign(invoice).reminder_ids
        path = reminder._make_page_url("")
        self.assertEqual(len(self._tree(path).xpath("//tbody/tr[@class='open']")), 2)
        self._post("dispute", path, reason="broken", invoice="1")
        self.assertEqual(invoice.chaser_dispute_reason, "broken")

    def test_day_of_the_company(self):
        """At 21:00 UTC it is tomorrow in Dubai: yesterday's date cannot be promised any
        more."""
        evening = fields.Datetime.to_datetime(self.today) + timedelta(hours=21)
        with freeze_time(evening):
            [first] = self._tree().xpath("//input[@type='date']/@min")
            self.assertEqual(first, self._day(1))
            self.assertIn(
                "choose a date from today", self._post("promise", day=self._day(0)).text
            )

    def test_cost_does_not_grow_with_invoices(self):
        def count(number):
            customer = self._make_customer(f"C{number}", f"c{number}@customer.example")
            invoices = self.env["account.move"]
            for _number in range(number):
                invoices |= self._make_invoice(customer, amount=10)
            reminder = (
                self.env["chaser.reminder"]
                .sudo()
                .browse(self._sent_campaign(invoices).reminder_ids.ids)
            )
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.assertEqual(len(reminder._get_page_data("en").items), number)
            return self.env.cr.sql_log_count - before

        count(1)
        few, many = count(2), count(12)
        self.assertLessEqual(
            many, few + 3, f"{few} queries for 2 invoices, {many} for 12"
        )

    def test_our_style_and_script_are_all_that_is_allowed(self):
        policy = self._ask().headers["Content-Security-Policy"]
        self.assertRegex(
            policy,
            r"^default-src 'none'; style-src 'sha256-[\w+/=]+'; "
            r"script-src 'sha256-[\w+/=]+'; img-src data:; form-action 'self'; "
            r"base-uri 'none'; frame-ancestors 'none'$",
        )
