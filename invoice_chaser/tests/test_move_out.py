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

from ..models.move_in.own_columns import ONLY_OUT, get_order
from .move_in_common import MoveInCase

SOURCE = b"From: a@b.example\r\nSubject: Re\r\n\r\nPaid.\r\n> https://x.example/chaser/p/%s\r\n"
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
        self._fill_chatter(campaign, contact)
        self.env.flush_all()
        return contact, reminder

    def _fill_chatter(self, campaign, contact):
        """Notes, a change that Odoo tracks, files of a message, of a note and of a mail
        that came in."""
        reminder = campaign.sudo().reminder_ids
        campaign.message_post(
            body="Ask Ahmed first", attachments=[("plan.csv", b"a,b\n1,2\n")]
        )
        contact.message_post(body="Prefers mornings", subject="By phone")
        self.env["ir.attachment"].sudo().create(
            {
                "name": "Statement 1.pdf",
                "raw": b"%PDF-1.4 statement",
                "mimetype": "application/pdf",
                "res_model": "chaser.reminder",
                "res_id": reminder.id,
            }
        )
        mail = (
            self.env["chaser.inbound"]
            .sudo()
            .create(
                {
                    "company_id": self.company.id,
                    "mail_key": "key-1",
                    "kind": "reply",
                    "received_at": Datetime.now(),
                    "partner_id": self.customer.id,
                    "sender_email": "ahmed@alnoor.example",
                }
            )
        )
        self.env["ir.attachment"].sudo().create(
            {
                "name": "reply.eml",
                "raw": SOURCE % reminder.page_token.encode(),
                "mimetype": "message/rfc822",
                "description": "chaser.inbound.source",
                "res_model": "chaser.inbound",
                "res_id": mail.id,
            }
        )

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
            theirs = after[model]
            if model == "mail.message":
                # What moving in has changed is noted beside what came in.
                keys = {row["chaser.key"]: row for row in rows}
                theirs = [row for row in theirs if row["chaser.key"] in keys]
                rows = [keys[row["chaser.key"]] for row in theirs]
                self.assertEqual(len(rows), len(keys))
            for row, again in zip(rows, theirs, strict=True):
                # Ids that must be unique in a database.
                for column in ("provider_event_id", "message_id"):
                    if column in row and model != "chaser.reminder":
                        row[column] = again[column] = ""
                self.assertEqual(row, again, model)
        self.assertEqual(self._files(raw), self._files(self._export(other)))
        theirs = self.env["chaser.reminder"].search([("company_id", "=", other.id)])
        [document] = theirs.document_ids.filtered(
            lambda file: file.name == "Statement 1.pdf"
        )
        self.assertEqual(document.raw, b"%PDF-1.4 statement")
        [note] = theirs.campaign_id.message_ids.filtered("attachment_ids")
        self.assertIn("Ask Ahmed first", note.body)
        self.assertEqual(note.attachment_ids.raw, b"a,b\n1,2\n")
        self.assertEqual(note.author_id, self.env.user.partner_id)
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

    def _files(self, raw):
        """Content of the files of records, by their name without the key."""
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            return sorted(
                (name.rsplit("-", 1)[-1], archive.read(name))
                for name in archive.namelist()
                if name.startswith("files/")
            )

    def test_a_table_of_files_without_them_is_refused_row_by_row(self):
        self._fill()
        with zipfile.ZipFile(io.BytesIO(self._export(self.company))) as archive:
            table = archive.read("ir.attachment.csv")
        imp = self._check(("ir.attachment.csv", table))
        self.assertEqual(set(imp.line_ids.mapped("action")), {"refused"})
        self.assertIn("Drop in the whole ZIP of Move Out", imp.line_ids[0].reason)

    def test_the_chatter_of_a_shared_customer_stays_with_its_company(self):
        shared = self._make_customer("Shared", "s@s.example")
        other = self._create_company(name="Other Trading")
        user = new_test_user(
            self.env,
            "theirs",
            "invoice_chaser.group_chaser_user",
            company_id=other.id,
            company_ids=[(6, 0, other.ids)],
        )
        for company, words, author in (
            (self.company, "ours alone", self.accountant),
            (other, "theirs alone", user),
        ):
            self.env["chaser.hold"].create(
                {"partner_id": shared.id, "company_id": company.id, "detail": "x"}
            )
            shared.with_company(company).message_post(
                body=words, author_id=author.partner_id.id
            )
            self.env["mail.message"].search(
                [("body", "ilike", words)]
            ).record_company_id = False
        ours, theirs = (
            self._tables(self._export(self.company)),
            self._tables(self._export(other)),
        )
        self.assertIn("ours alone", str(ours["mail.message"]))
        self.assertNotIn("theirs alone", str(ours))
        self.assertIn("theirs alone", str(theirs["mail.message"]))
        self.assertNotIn("ours alone", str(theirs))

    def test_every_model_with_records_of_a_company_is_exported_or_named(self):
        """Nothing that a company has here is forgotten; what is left out is of the
        machine, a secret, or computed from the rest."""
        left_out = {
            *("chaser.oauth.grant", "chaser.oauth.request"),  # secrets
            *("chaser.receivable.month", "chaser.receivable.stale"),  # computed
            *("chaser.receivable.kept", "chaser.cash.forecast", "chaser.event.kept"),
            *("chaser.import", "chaser.import.file", "chaser.import.line"),
            "chaser.import.column",  # of files that came in
        }
        ours = {
            name
            for name, model in self.registry.items()
            if name.startswith("chaser.")
            and not (model._abstract or model._transient or not model._auto)
        }
        self.assertEqual(ours - {*get_order(self.env), *ONLY_OUT}, left_out)

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
        mails = [
            email.message_from_bytes(archive.read(name), policy=policy.default)
            for name in archive.namelist()
            if name.endswith(".eml")
        ]
        [mail] = [one for one in mails if one["Message-ID"] == reminder.message_id]
        self.assertEqual(mail["Subject"], reminder.subject)
        self.assertEqual(mail["Message-ID"], reminder.message_id)
        self.assertEqual(mail["To"], "ahmed@alnoor.example")
        self.assertIn("Al Noor", mail.get_body(("plain",)).get_content())
        files = {part.get_filename(): part for part in mail.iter_attachments()}
        self.assertEqual(files["Statement 1.pdf"].get_content(), b"%PDF-1.4 statement")

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
                if n.endswith((".csv", ".eml", ".json"))
            ).decode()
        for secret in (
            "very-secret-words",
            *(
                value
                for name in reminder._fields
                if name.endswith("token")
                if (value := reminder.sudo()[name])
            ),
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
