import base64
import csv
import io
import zipfile

from odoo import fields
from odoo.tests import tagged

from odoo.addons.invoice_chaser.tests.move_in_common import MoveInCase

from .whatsapp_common import WhatsappCase

_HEAD = (
    "Name,Email,Country,WhatsApp,WhatsApp Opt-In,WhatsApp Opt-In Date,"
    "WhatsApp Opt-In Source,WhatsApp Opt-In Text,WhatsApp Opt-Out\n"
)
_WORDS = "We agree to reminders of POP Trading by WhatsApp."


@tagged("post_install", "-at_install")
class TestWhatsappMoveIn(WhatsappCase, MoveInCase):
    """Numbers and consents in the files of another tool."""

    def _read(self, email):
        partner = self._partner(email)
        return self.env["chaser.whatsapp.person"].search(
            [("partner_id", "=", partner.id)]
        )

    def _take(self, *rows, name="contacts.csv", **values):
        return self._take_in((name, _HEAD + "\n".join(rows) + "\n"), **values)

    def test_numbers_with_their_consent(self):
        row = (
            "Al Noor,a@noor.example,AE,050 123 4567,yes,2026-05-14 09:30,"
            f'E-mail,"{_WORDS}",'
        )
        imp = self._take(row)
        person = self._read("a@noor.example")
        self.assertEqual(
            (person.phone_e164, person.state), ("+971501234567", "opted_in")
        )
        self.assertEqual((person.opt_in_source, person.opt_in_text), ("email", _WORDS))
        self.assertEqual(str(person.opt_in_date), "2026-05-14 09:30:00")
        self.assertEqual(self._figures(imp)["channel"], {"new": 1})
        again = self._take(row)
        self.assertEqual(self._figures(again)["channel"], {"same": 1})

    def test_nothing_of_a_consent_is_made_up(self):
        future = fields.Date.add(self.today, days=3)
        imp = self._take(
            "No words,w@c.example,AE,050 123 4501,yes,2026-05-14,,,",
            f"No day,d@c.example,AE,050 123 4502,yes,,,{_WORDS},",
            f"Future,f@c.example,AE,050 123 4503,yes,{future},,{_WORDS},",
            "Silent,s@c.example,AE,050 123 4504,,,,,",
            f"Said no,n@c.example,AE,050 123 4505,no,2026-05-14,,{_WORDS},",
        )
        for letter in "wdfsn":
            person = self._read(f"{letter}@c.example")
            self.assertTrue(person.phone_e164, letter)
            self.assertEqual(person.state, "none", letter)
        lines = imp.line_ids.filtered(lambda line: line.step == "channel")
        told = {line.name: line.reason or "" for line in lines}
        self.assertIn("and its words", told["No words"])
        self.assertIn("and its words", told["No day"])
        self.assertIn("in the future", told["Future"])
        self.assertFalse(told["Silent"])

    def test_a_number_that_is_none_is_refused_and_the_contact_comes_in(self):
        imp = self._take("Odd,o@o.example,AE,call me,yes,2026-05-14,,x,")
        self.assertTrue(self._partner("o@o.example"))
        [line] = imp.line_ids.filtered(lambda line: line.step == "channel")
        self.assertEqual(line.action, "refused")
        self.assertIn("call me", line.reason)

    def test_the_contacts_own_phone_where_no_other_is_told(self):
        text = "name,email,country,phone,whatsapp_opt_in,whatsapp_opt_in_date,"
        text += "whatsapp_opt_in_text\nP,p@p.example,AE,04 555 0100,1,2026-05-14,Yes\n"
        self._take_in(("contacts.csv", text))
        person = self._read("p@p.example")
        self.assertEqual(
            (person.phone_e164, person.state), ("+97145550100", "opted_in")
        )

    def test_nothing_is_made_less_stopped(self):
        row = f"B,b@b.example,AE,050 123 4567,yes,2026-05-14,,{_WORDS},"
        self._take(row)
        person = self._read("b@b.example").sudo()
        person._stop("Test", "stop")
        self._take(row, on_existing="replace")
        self.assertEqual(person.state, "opted_out")
        self._take(f"B,b@b.example,AE,050 123 4567,yes,2026-05-15,,{_WORDS},")
        self.assertEqual(person.state, "opted_out")

    def test_who_wants_none_is_stopped(self):
        self._take("C,c@c.example,AE,050 123 4567,,,,,yes")
        self.assertEqual(self._read("c@c.example").state, "opted_out")

    def test_a_check_changes_nothing(self):
        row = f"D,d@d.example,AE,050 123 4567,yes,2026-05-14,,{_WORDS},"
        imp = self._check(("contacts.csv", _HEAD + row + "\n"))
        [line] = imp.line_ids.filtered(lambda line: line.step == "channel")
        self.assertEqual(line.action, "new")
        self.assertIn("+971501234567", str(line.difference))
        self.assertFalse(
            self.env["res.partner"].search([("email", "=", "d@d.example")])
        )

    def test_brevo_names_the_number(self):
        text = (
            "CONTACT ID;EMAIL;FIRSTNAME;LASTNAME;SMS;WHATSAPP;ADDED_TIME;MODIFIED_TIME"
        )
        text += ";EXT_ID\n1;z@z.example;Z;Z;;971501234567;01-02-2026;01-02-2026;7\n"
        self._take_in(("contacts.csv", text))
        person = self._read("z@z.example")
        self.assertEqual((person.phone_e164, person.state), ("+971501234567", "none"))


@tagged("post_install", "-at_install")
class TestWhatsappMoveOut(WhatsappCase, MoveInCase):
    """Its tables leave with the company's export, and come in again."""

    def _export(self, company):
        stream = io.BytesIO()
        self.env["chaser.export"].with_user(self.mover)._write(company, stream)
        return stream.getvalue()

    def _read_tables(self, raw):
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            return {
                name[:-4]: list(
                    csv.DictReader(io.StringIO(archive.read(name).decode()))
                )
                for name in archive.namelist()
                if name.startswith("chaser.whatsapp") and name.endswith(".csv")
            }

    def _fill(self):
        person = self._get_person()
        self.customer.company_id = self.company
        person.write(
            {
                "opt_in_evidence": base64.b64encode(b"%PDF-1.4 signed"),
                "opt_in_evidence_name": "signed.pdf",
            }
        )
        self.env["chaser.whatsapp.price"].create(
            {
                "company_id": self.company.id,
                "market": "UAE",
                "country_ids": [(6, 0, self.env.ref("base.ae").ids)],
                "currency_id": self.env.ref("base.AED").id,
                "amount": 0.05,
                "date_from": "2026-01-01",
            }
        )
        reminder = self._queue()
        self._run_channel()
        pricing = {"billable": True, "pricing_model": "PMP", "category": "utility"}
        status = self._make_status(reminder, "delivered", pricing=pricing)
        self._receive(self._make_messages(statuses=[status]))
        return reminder

    def test_the_same_in_an_empty_company(self):
        self.env.ref("base.AED").active = True
        reminder = self._fill()
        raw = self._export(self.company)
        before = self._read_tables(raw)
        self.assertEqual(
            set(before),
            {
                "chaser.whatsapp.person",
                "chaser.whatsapp.template",
                "chaser.whatsapp.variable",
                "chaser.whatsapp.template.version",
                "chaser.whatsapp.price",
                "chaser.whatsapp.charge",
            },
        )
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            everything = b"".join(archive.read(name) for name in archive.namelist())
        for secret in (b"EAAtoken0000000000000000", b"app-secret", b"some words"):
            self.assertNotIn(secret, everything)
        other = self._create_company(name="POP Moved")
        self.mover.write({"company_ids": [(4, other.id)], "company_id": other.id})
        # A number sends from one mailbox alone.
        self.mailbox.sudo().active = False
        imp = self._take_in(("export.zip", raw), company=other, on_existing="replace")
        refused = imp.line_ids.filtered(
            lambda line: line.action in ("refused", "doubtful")
            and line.file_id.name.startswith("chaser.whatsapp")
        )
        self.assertFalse(
            refused.mapped(lambda line: (line.file_id.name, line.row, line.reason))
        )
        after = self._read_tables(self._export(other))
        for model, rows in before.items():
            self.assertEqual(rows, after[model], model)
        person = self.env["chaser.whatsapp.person"].search(
            [("company_id", "=", other.id)]
        )
        self.assertEqual(person.state, "opted_in")
        self.assertEqual(base64.b64decode(person.opt_in_evidence), b"%PDF-1.4 signed")
        theirs = self.env["chaser.reminder"].search([("company_id", "=", other.id)])
        self.assertEqual(theirs.whatsapp_text, reminder.whatsapp_text)
        self.assertEqual(theirs.whatsapp_version_id.company_id, other)
        again = imp.copy({"attachment_ids": [(6, 0, imp.attachment_ids.ids)]})
        again.action_check()
        again.action_import()
        for step, counts in self._figures(again).items():
            self.assertFalse(
                {"new", "changed", "refused"} & set(counts), (step, counts)
            )
