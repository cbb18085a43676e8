import csv
import email
import hashlib
import io
import json
import re
import zipfile
from email import policy

from odoo.exceptions import AccessError
from odoo.fields import Datetime
from odoo.tests import HttpCase, new_test_user, tagged

from .move_in_common import MoveInCase

# Links to entries of the accounting, which an empty company does not have.
_ACCOUNTING = {"move_id", "move_ids", "covered_move_ids", "split_move_id"}


@tagged("post_install", "-at_install")
class TestMoveOut(MoveInCase, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.customer.write(
            {
                "company_id": cls.company.id,
                "phone": "+971 4 555 0101",
                "category_id": [(0, 0, {"name": "Wholesale"})],
                "chaser_source": "=trade fair",
            }
        )
        cls.customer.with_company(cls.company).preferred_contact_interval = 9

    def _fill(self):
        """Something of everything that comes in again."""
        env, company = (
            self.env(context={"allowed_company_ids": self.company.ids}),
            self.company,
        )
        contact = env["res.partner"].create(
            {
                "name": "Ahmed",
                "email": "ahmed@alnoor.example",
                "parent_id": self.customer.id,
                "company_id": company.id,
                "type": "invoice",
            }
        )
        policy_ = env["chaser.policy"].create(
            {"name": "Own ladder", "company_id": company.id}
        )
        template = env["chaser.template"].create(
            {
                "name": "Ours",
                "subject": "{{ total_due }}",
                "body_html": "<p>Hello</p>{{ invoice_table }}",
                "company_id": company.id,
            }
        )
        template.update_field_translations(
            "subject", {"ar_001": "المبلغ {{ total_due }}"}
        )
        template.update_field_translations(
            "body_html", {"ar_001": "<p>مرحبا</p>{{ invoice_table }}"}
        )
        env["chaser.level"].create(
            {
                "name": "Gentle",
                "policy_id": policy_.id,
                "days_overdue": 4,
                "template_id": template.id,
            }
        )
        tag = env["chaser.tag"].create({"name": "VIP", "company_id": company.id})
        segment = env["chaser.segment"].create(
            {
                "name": "Key",
                "company_id": company.id,
                "partner_ids": [(6, 0, self.customer.ids)],
            }
        )
        campaign = self._sent_campaign(
            self._make_invoice(),
            tag_ids=[(6, 0, tag.ids)],
            segment_ids=[(6, 0, segment.ids)],
        )
        reminder = campaign.reminder_ids
        reminder._record_event("opened", "pixel", verdict="human", user_agent="=1+1")
        env["chaser.suppression"]._suppress(
            company,
            "gone@alnoor.example",
            "hard_bounce",
            "mail server",
            reminder,
            "550 no",
        )
        released = env["chaser.suppression"]._suppress(
            company, "back@alnoor.example", "manual"
        )
        released.action_release()
        env["chaser.hold"].create(
            {"partner_id": self.customer.id, "detail": "By phone"}
        )
        env["chaser.promise"].create(
            {"partner_id": self.customer.id, "date_promised": "2030-01-05", "amount": 5}
        )
        env["chaser.call"].create(
            {
                "partner_id": self.customer.id,
                "called_at": Datetime.now(),
                "outcome": env["chaser.call"]._fields["outcome"].get_values(env)[0],
            }
        )
        company.chaser_contact_interval = 11
        self.env.flush_all()
        return contact, reminder

    def _export(self, company):
        stream = io.BytesIO()
        self.env["chaser.export"]._write(company, stream)
        return stream.getvalue()

    def _tables(self, raw):
        """Model → rows, without the links to the accounting."""
        found = {}
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            for name in archive.namelist():
                if name.endswith(".csv"):
                    text = archive.read(name).decode()
                    rows = list(csv.DictReader(io.StringIO(text, newline="")))
                    for row in rows:
                        for column in _ACCOUNTING & set(row):
                            del row[column]
                    found[name[:-4]] = rows
        return found

    def test_the_export_in_an_empty_company_gives_the_same(self):
        _contact, reminder = self._fill()
        raw = self._export(self.company)
        other = self._create_company(name="POP Moved")
        other.write({"email": self.company.email})
        self.mover.write({"company_ids": [(4, other.id)], "company_id": other.id})
        imp = self._take_in(("export.zip", raw), company=other, on_existing="replace")
        refused = imp.line_ids.filtered(
            lambda line: line.action in ("refused", "doubtful")
        )
        self.assertFalse(
            refused.mapped(lambda line: (line.file_id.name, line.row, line.reason))
        )
        before, after = self._tables(raw), self._tables(self._export(other))
        self.assertEqual(set(before), set(after))
        for model, rows in before.items():
            for row, again in zip(rows, after[model], strict=True):
                if model == "chaser.event":
                    row["provider_event_id"] = again["provider_event_id"] = ""
                self.assertEqual(row, again, model)
        theirs = self.env["chaser.reminder"].search([("company_id", "=", other.id)])
        self.assertEqual(
            theirs.body_html,
            reminder.body_html.replace(reminder.sudo().token, "removed").replace(
                reminder.sudo().page_token, "removed"
            ),
        )
        self.assertEqual(theirs.status, reminder.status)
        self.assertNotEqual(theirs.partner_id, reminder.partner_id)
        self.assertEqual(theirs.partner_id.company_id, other)
        again = imp.copy({"attachment_ids": [(6, 0, imp.attachment_ids.ids)]})
        again.action_check()
        again.action_import()
        for step, counts in self._figures(again).items():
            self.assertFalse(
                {"new", "changed", "refused"} & set(counts), (step, counts)
            )

    def test_what_waits_to_be_sent_is_not_sent_there(self):
        campaign = self._campaign(self._make_invoice())
        campaign.action_send()
        raw = self._export(self.company)
        other = self._create_company(name="Other Trading")
        self.mover.write({"company_ids": [(4, other.id)], "company_id": other.id})
        imp = self._take_in(("export.zip", raw), company=other)
        self.assertFalse(
            self.env["chaser.reminder"].search([("company_id", "=", other.id)])
        )
        self.assertIn(
            "never sent", " ".join(imp.line_ids.filtered("reason").mapped("reason"))
        )

    def test_the_manifest_has_the_hash_of_each_file_and_messages_are_mails(self):
        _contact, reminder = self._fill()
        archive = zipfile.ZipFile(io.BytesIO(self._export(self.company)))
        manifest = json.loads(archive.read("manifest.json"))
        self.assertEqual(
            {n: hashlib.sha256(archive.read(n)).hexdigest() for n in manifest["files"]},
            manifest["files"],
        )
        self.assertEqual(set(archive.namelist()), {*manifest["files"], "manifest.json"})
        self.assertEqual(manifest["records"]["chaser.reminder"], 1)
        [name] = [n for n in archive.namelist() if n.endswith(".eml")]
        mail = email.message_from_bytes(archive.read(name), policy=policy.default)
        self.assertEqual(mail["Subject"], reminder.subject)
        self.assertEqual(mail["Message-ID"], reminder.message_id)
        self.assertEqual(mail["To"], "ahmed@alnoor.example")
        self.assertIn("Al Noor", mail.get_body(("plain",)).get_content())

    def test_no_secret_and_no_formula_leaves(self):
        self._fill()
        self.provider.smtp_password = "very-secret-words"
        reminder = self.env["chaser.reminder"].search(
            [("company_id", "=", self.company.id)]
        )
        raw = self._export(self.company)
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            tables = b"".join(
                archive.read(n)
                for n in archive.namelist()
                if n.endswith((".csv", ".eml"))
            ).decode()
        for secret in (
            "very-secret-words",
            reminder.sudo().token,
            reminder.sudo().page_token,
            self.provider.sudo().smtp_password_sealed,
        ):
            self.assertTrue(secret)
            self.assertNotIn(secret, tables)
        for header in re.findall(r"^chaser\.key.*$", tables, re.M):
            # chaser_reply_token is a setting: whether answers carry one.
            header = header.replace("chaser_reply_token", "")
            for word in ("sealed", "token", "password"):
                self.assertNotIn(word, header)
        self.assertIn("'=trade fair", tables, "no spreadsheet takes it for a formula")
        cells = [
            cell
            for rows in self._tables(raw).values()
            for row in rows
            for cell in row.values()
        ]
        self.assertFalse([cell for cell in cells if cell.startswith(("=", "@", "+"))])

    def test_a_table_that_was_changed_is_refused(self):
        self._fill()
        old, new = zipfile.ZipFile(io.BytesIO(self._export(self.company))), io.BytesIO()
        with zipfile.ZipFile(new, "w") as archive:
            for item in old.namelist():
                content = old.read(item)
                archive.writestr(item, content + b"x,1\n" * (item == "res.partner.csv"))
        imp = self._import(("export.zip", new.getvalue()))
        imp.action_check()
        self.assertIn("was changed after the export", imp.file_ids.problem)

    def test_one_company_does_not_export_another(self):
        self._fill()
        other = self._create_company(name="Other Trading")
        stranger = new_test_user(
            self.env,
            "stranger",
            "invoice_chaser.group_chaser_manager",
            company_id=other.id,
            company_ids=[(6, 0, other.ids)],
        )
        with self.assertRaises(AccessError):
            self.env["chaser.export"].with_user(stranger)._write(
                self.company, io.BytesIO()
            )
        with self.assertRaises(AccessError):
            self.env["chaser.export"].with_user(self.accountant)._write(
                self.company, io.BytesIO()
            )
        tables = self._tables(self._export(other))
        self.assertFalse(
            {"chaser.reminder", "chaser.hold", "chaser.segment"} & set(tables)
        )
        self.assertNotIn("Al Noor", str(tables))

    def test_download(self):
        self._fill()
        new_test_user(
            self.env,
            "downloader",
            "invoice_chaser.group_chaser_manager",
            company_id=self.company.id,
            password="downloader",
        )
        self.authenticate("downloader", "downloader")
        answer = self.url_open("/invoice_chaser/export.zip")
        self.assertEqual(answer.status_code, 200)
        self.assertEqual(answer.headers["Cache-Control"], "no-store")
        self.assertIn("chaser.reminder", self._tables(answer.content))
        self.accountant.password = "accountant-1"
        self.authenticate("chaser_accountant", "accountant-1")
        self.assertEqual(self.url_open("/invoice_chaser/export.zip").status_code, 404)
