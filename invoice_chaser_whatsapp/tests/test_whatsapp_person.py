"""Numbers, consent, wishes to stop, blocks; and that nothing leaves without consent."""

import base64
from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError, ValidationError
from odoo.tests import Form, new_test_user, tagged

from .people_common import PeopleCase


@tagged("post_install", "-at_install")
class TestNumbers(PeopleCase):
    def test_numbers_are_e164(self):
        for number, wanted in (
            ("050 123 4567", "+971501234567"),
            ("00971 50 123 4567", "+971501234567"),
            ("+971-4-555-0100", "+97145550100"),
            ("04 555 0100", "+97145550100"),
            ("+44 20 7946 0018", "+442079460018"),
        ):
            with self.subTest(number):
                person = self._make_person(number=number)
                self.assertEqual(person.phone_e164, wanted)
                person.unlink()

    def test_no_number(self):
        with self.assertRaisesRegex(ValidationError, "“12ab” of Al Noor Trading"):
            self._make_person(number="12ab")
        with self.assertRaisesRegex(ValidationError, "Enter a number for Al Noor"):
            self._make_person(number=False)

    def test_a_contacts_number_belongs_to_the_customer(self):
        contact = self.env["res.partner"].create(
            {"name": "Ahmed", "parent_id": self.customer.id}
        )
        person = self._make_person(contact)
        self.assertEqual(person.partner_id, self.customer)
        self.assertEqual(person.contact_id, contact)

    def test_found_in_whatever_form(self):
        person = self._make_person(number="+5511987654321", user_id="BR.9xY")
        for known in (
            {"wa_id": "551187654321"},
            {"phone": "+5511987654321"},
            {"user_id": "BR.9xY"},
        ):
            self.assertEqual(self.Person._find(self.company, **known), person)
        for unknown in ({"wa_id": "971501234567"}, {"user_id": "BR.9xZ"}, {}):
            self.assertFalse(self.Person._find(self.company, **unknown))

    def test_other_companies_numbers_are_not_found(self):
        self._make_person()
        other = self.env["res.company"].create({"name": "Other"})
        self.assertFalse(self.Person._find(other, wa_id="971501234567"))


@tagged("post_install", "-at_install")
class TestConsent(PeopleCase):
    def _reason(self, customer=None):
        customer = customer or self.customer
        return self.Person._read_reachable(self.company, customer)[customer.id][1]

    def test_no_number_no_consent(self):
        nobody = self._make_customer("Nobody", "nobody@x.example")
        self.assertEqual(self._reason(nobody), "whatsapp_no_number")
        self.assertEqual(self._reason(), "whatsapp_no_opt_in")
        person = self._make_person(days=None)
        self.assertEqual((person.state, self._reason()), ("none", "whatsapp_no_opt_in"))
        self.assertEqual(
            self.Person._read_stopped(["+971501234567", "+97150999"], self.company),
            {"+971501234567": "whatsapp_no_opt_in", "+97150999": "whatsapp_no_opt_in"},
        )

    def test_consent(self):
        person = self._make_person()
        self.assertEqual(person.state, "opted_in")
        found, reason = self.Person._read_reachable(self.company, self.customer)[
            self.customer.id
        ]
        self.assertEqual((found, reason), (person, None))
        self.assertFalse(self.Person._read_stopped(["+971501234567"], self.company))

    def test_a_consent_is_whole(self):
        for missing in ("opt_in_date", "opt_in_source", "opt_in_text"):
            with (
                self.assertRaisesRegex(ValidationError, "is not complete"),
                self.cr.savepoint(),
            ):
                self._make_person(**{missing: False})
        with self.assertRaisesRegex(ValidationError, "in the future"):
            self._make_person(days=-3)

    def test_stop_and_consent_anew(self):
        person = self._make_person()
        person._stop("a message", "STOP")
        self.assertEqual(
            (person.state, self._reason()), ("opted_out", "whatsapp_opted_out")
        )
        self.assertEqual(
            self.Person._read_stopped(["+971501234567"], self.company),
            {"+971501234567": "whatsapp_opted_out"},
        )
        first = person.opt_out_date
        person._stop("again", "stop!")
        self.assertEqual((person.opt_out_date, person.opt_out_text), (first, "STOP"))
        # An older consent that is imported later changes nothing.
        person.opt_in_date = fields.Datetime.now() - timedelta(days=3)
        self.assertEqual(person.state, "opted_out")
        person.opt_out_date = fields.Datetime.now() - timedelta(days=2)
        person.opt_in_date = fields.Datetime.now() - timedelta(days=1)
        self.assertEqual((person.state, self._reason()), ("opted_in", None))

    def test_one_number_of_two_customers(self):
        sister = self._make_customer("Al Noor Transport", "t@alnoor.example")
        person, twin = self._make_person(), self._make_person(sister)
        person._stop("a message", "إيقاف")
        self.assertEqual(twin.state, "opted_out")
        third = self._make_customer("Al Noor Foods", "f@alnoor.example")
        self.assertEqual(self._make_person(third, days=5).state, "opted_out")

    def test_blocked(self):
        person = self._make_person()
        person._note_undeliverable(131026)
        self.assertEqual(person.state, "opted_in", "it says so now and then")
        person._note_delivered()
        person._note_undeliverable(131026)
        self.assertEqual(person.state, "opted_in")
        person._note_undeliverable(131026)
        self.assertEqual((person.state, person.reason), ("blocked", "undeliverable"))
        self.assertEqual(self._reason(), "whatsapp_blocked")
        person.action_unblock()
        self.assertEqual((person.state, self._reason()), ("opted_in", None))

    def test_a_company_for_itself(self):
        self._make_person()
        other = self.env["res.company"].create({"name": "Other"})
        self.assertEqual(
            self.Person._read_stopped(["+971501234567"], other),
            {"+971501234567": "whatsapp_no_opt_in"},
        )

    def test_a_head_offices_stop_holds_in_its_branches(self):
        branch = self.env["res.company"].create(
            {"name": "Branch", "parent_id": self.company.id}
        )
        self._make_person()._stop("a message", "STOP")
        self._make_person(company_id=branch.id)
        self.assertEqual(
            self.Person._read_stopped(["+971501234567"], branch),
            {"+971501234567": "whatsapp_opted_out"},
        )

    def test_the_number_of_queries_does_not_grow(self):
        customers = self.customer
        for number in range(5):
            customer = self._make_customer(f"C{number}", f"c{number}@x.example")
            self._make_person(customer, number=f"+97150123400{number}")
            customers |= customer
        few, many = customers[:2], customers
        self.env.flush_all()
        counts = []
        for some in (few, many):
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            self.Person._read_reachable(self.company, some)
            counts.append(self.cr.sql_log_count - before)
        self.assertEqual(counts[0], counts[1])

    def test_merged_customers_keep_the_wish(self):
        twin = self._make_customer("Al Noor (old)", "old@alnoor.example")
        person = self._make_person()
        other = self._make_person(twin, days=10)
        other._write_as_reported({"opt_out_date": False})
        person.write({"opt_out_date": fields.Datetime.now(), "opt_out_text": "stop"})
        self.env["chaser.identity"]._join([self.customer.id], twin.id)
        left = self.Person.search([("partner_id", "=", twin.id)])
        self.assertEqual((len(left), left.state), (1, "opted_out"))
        self.assertEqual(left.opt_out_text, "stop")


@tagged("post_install", "-at_install")
class TestWebhookFacts(PeopleCase):
    def test_learns_how_whatsapp_spells_it(self):
        person = self._make_person(number="+525512345678")
        value = {
            "contacts": [
                {
                    "wa_id": "5215512345678",
                    "user_id": "MX.13491208655302741918",
                    "profile": {"name": "Luis", "username": "luis"},
                },
                "nonsense",
            ]
        }
        for _once_more in range(2):
            self.Person.sudo()._learn(self.company, value)
        self.assertEqual(
            (person.wa_id, person.user_id, person.username, person.phone_e164),
            ("5215512345678", "MX.13491208655302741918", "luis", "+525512345678"),
        )

    def test_a_changed_number(self):
        person = self._make_person(wa_id="971501234567")
        message = {
            "from": "971501234567",
            "type": "system",
            "system": {"type": "user_changed_number", "wa_id": "971509999999"},
        }
        self.Person.sudo()._learn(self.company, {"messages": [message]})
        self.assertEqual(
            (person.phone_e164, person.wa_id, person.state),
            ("+971509999999", "971509999999", "opted_in"),
        )
        self.assertIn("+971509999999", self.customer.message_ids[0].body)

    def test_whatever_comes(self):
        for value in (
            {},
            {"contacts": None, "messages": [None, {"type": "system"}]},
            {"contacts": [{"wa_id": 7, "profile": []}]},
            {"messages": [{"type": "system", "system": {"wa_id": "x"}, "from": "1"}]},
        ):
            self.Person.sudo()._learn(self.company, value)


@tagged("post_install", "-at_install")
class TestEnterConsent(PeopleCase):
    def test_for_many_customers(self):
        broken = self._make_customer("Broken", "b@x.example", phone="12")
        nobody = self._make_customer("Nobody", "n@x.example")
        customers = self.customer | broken | nobody
        action = (
            customers.with_company(self.company)
            .with_user(self.accountant)
            .action_chaser_whatsapp_opt_in()
        )
        wizard = (
            self.env["chaser.whatsapp.opt.in"]
            .with_user(self.accountant)
            .browse(action["res_id"])
        )
        self.assertEqual(wizard.left_out_count, 2)
        wizard.write(
            {
                "opt_in_source": "email",
                "opt_in_text": "Yes please",
                "opt_in_evidence": base64.b64encode(b"mail"),
                "opt_in_evidence_name": "mail.eml",
            }
        )
        again = wizard.action_confirm()
        person = self.customer.chaser_whatsapp_ids
        self.assertEqual(
            (person.phone_e164, person.state, person.opt_in_source),
            ("+971501234567", "opted_in", "email"),
        )
        self.assertEqual(base64.b64decode(person.opt_in_evidence), b"mail")
        self.assertEqual(again["res_id"], wizard.id)
        self.assertEqual(wizard.line_ids.partner_id, broken | nobody)
        wizard.line_ids.filtered(
            lambda one: one.partner_id == broken
        ).number = "0509999999"
        wizard.action_confirm()
        self.assertEqual(broken.chaser_whatsapp_ids.phone_e164, "+971509999999")

    def test_on_the_form(self):
        with Form(self.Person) as form:
            form.partner_id = self.customer
            form.phone_e164 = "050 123 4567"
        person = form.record
        self.assertEqual((person.state, person.phone_e164), ("none", "+971501234567"))

    def test_imported(self):
        result = self.Person.load(
            [
                "partner_id",
                "phone_e164",
                "opt_in_date",
                "opt_in_source",
                "opt_in_text",
            ],
            [
                [
                    "Al Noor Trading",
                    "050 123 4567",
                    "2026-05-14 09:30:00",
                    "form",
                    "We agree",
                ]
            ],
        )
        self.assertFalse(result["messages"])
        self.assertEqual(self.customer.chaser_whatsapp_ids.state, "opted_in")
        result = self.Person.load(
            ["partner_id", "phone_e164"], [["Al Noor Trading", "nonsense"]]
        )
        self.assertIn("“nonsense” of Al Noor", result["messages"][0]["message"])
        self.assertTrue(self.Person.get_import_templates())

    def test_words_on_the_customer(self):
        customer = self.customer.with_company(self.company)
        self.assertIn("No consent", customer.chaser_whatsapp_state)
        self._make_person()
        customer.invalidate_recordset()
        self.assertEqual(customer.chaser_whatsapp_state, "+971501234567")

    def test_stop_on_the_page(self):
        person = self._make_person()
        reminder = self._make_sent(whatsapp_to="+971501234567")
        data = reminder._get_page_data("en")
        self.assertEqual(data.stop_path, f"/chaser/u/{reminder.stop_token}")
        hit = {"user_agent": "x", "ip": "127.0.0.1"}
        Event = self.env["chaser.event"].sudo()
        facts = Event._stop_reminders(reminder.stop_token, hit)
        # Enough for its owner; whoever has the link need not learn the number.
        self.assertEqual(facts["email"], "…567")
        self.assertEqual(person.state, "opted_out")

    def test_rights(self):
        person = self._make_person()
        stranger = new_test_user(
            self.env,
            login="stranger",
            groups="base.group_user",
            company_id=self.company.id,
        )
        with self.assertRaises(AccessError):
            person.with_user(stranger).read(["phone_e164"])
        other = self.env["res.company"].create({"name": "Other"})
        elsewhere = new_test_user(
            self.env,
            login="elsewhere",
            groups="invoice_chaser.group_chaser_user",
            company_id=other.id,
            company_ids=[(6, 0, other.ids)],
        )
        self.assertFalse(
            self.env["chaser.whatsapp.person"].with_user(elsewhere).search([])
        )
        person.with_user(self.accountant).action_stop()
        self.assertEqual(person.state, "opted_out")
        with self.assertRaises(AccessError):
            person.with_user(self.accountant).unlink()


@tagged("post_install", "-at_install")
class TestPersonalData(PeopleCase):
    """What is told of a person's number and words, and when they are forgotten."""

    def setUp(self):
        super().setUp()
        self.mail = (
            self.env["chaser.inbound"]
            .sudo()
            .create(
                {
                    "company_id": self.company.id,
                    "mail_key": "<wa-1>",
                    "state": "matched",
                    "kind": "reply",
                    "partner_id": self.customer.id,
                    "body_text": "We pay on Sunday",
                    "whatsapp_from": "971501234567",
                    "received_at": fields.Datetime.now() - timedelta(days=900),
                }
            )
        )
        self.env.flush_all()

    def test_forgotten_with_the_words(self):
        self.env["chaser.retention.rule"].create({"kind": "inbound", "days": 730})
        self.env["chaser.retention.rule"]._gc_by_rules()
        self.env.invalidate_all()
        self.assertFalse(self.mail.body_text or self.mail.whatsapp_from)

    def test_every_column_is_there(self):
        for kind in self.env["chaser.forget"]._get_kinds().values():
            for name in kind.empties:
                self.assertTrue(self.env[kind.model]._fields[name].store, name)
        for model, names in self.env["chaser.person"]._get_told().items():
            self.assertLessEqual(
                {*names, "partner_id", "company_id"},
                set(self.env[model]._fields),
                model,
            )

    def test_told_and_erased_on_request(self):
        person = self._make_person()
        told = self.env["chaser.person"]._export(self.customer)
        for words in (person.phone_e164, "We pay on Sunday", "971501234567"):
            self.assertIn(words, told)
        self.env["chaser.person"]._erase(self.customer)
        self.env.invalidate_all()
        self.assertFalse(self.mail.body_text or self.mail.whatsapp_from)
        self.assertTrue(person.exists().opt_in_date, "consent is the proof")
