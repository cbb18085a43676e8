import csv
import hashlib
import io
import json
import zipfile
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

import pytz

from odoo import api, fields, models, release
from odoo.exceptions import AccessError
from odoo.tools import html2plaintext

from ...core.move_in.own import FORMAT, KEY, MESSAGES, VERSION, guard, mask_links
from ...core.status.tracking import mask_tokens
from .own_chatter import Chatter
from .own_columns import (
    BESIDE,
    NAMED,
    ONLY_OUT,
    PICKED,
    Keys,
    get_columns,
    get_domain,
    get_order,
)

_CHUNK = 500
# The links of a message let its reader answer for the customer. What was sent is kept;
# whoever gets the file cannot act by it.
_WITH_TOKENS = {"chaser.reminder": ("body_html", "body_text", "link_targets")}


class ChaserExport(models.AbstractModel):
    """Everything that a company has in the addon, as a ZIP: a CSV per model, the sent
    messages as mail files, and a manifest with the hash of each."""

    _name = "chaser.export"
    _description = "Move Out"

    @api.model
    def _write(self, company, stream):
        """Write the ZIP to a binary stream.

        :param stream: a file opened for writing
        :return: model → number of records
        :raises AccessError: for another company, or without the rights of a manager
        """
        self._check_rights(company)
        exporter = _Exporter(self.with_company(company).sudo().env, company)
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
            return exporter.write(archive)

    @api.model
    def _get_more_models(self):
        """Models of a later addon, each after those that it refers to: model → the
        fields by which a record that is here already is the same one, or none. A hook
        for addons; their tables and columns are found by introspection."""
        return {}

    @api.model
    def _check_rights(self, company):
        manager = self.env.user.has_group("invoice_chaser.group_chaser_manager")
        if not self.env.su and not (manager and company in self.env.companies):
            raise AccessError(
                self.env._("Only a chaser manager of %s may export it.", company.name)
            )

    @api.model
    def action_export(self):
        """Download the export of the current company."""
        self._check_rights(self.env.company)
        return {
            "type": "ir.actions.act_url",
            "url": "/invoice_chaser/export.zip",
            "target": "download",
        }


class _Exporter:
    def __init__(self, env, company):
        self.env = env(context={**env.context, "active_test": False, "lang": "en_US"})
        self.company, self.keys = company.with_env(self.env), Keys(self.env, company)
        self.hashes, self.counts, self.found = {}, {}, {}
        self.order = get_order(self.env)
        self.chatter = Chatter(self.env, self.company, self.keys, self.found)

    def write(self, archive):  # pylint: disable=method-required-super  # no model
        for model in (*self.order, *ONLY_OUT):
            if model not in ("ir.attachment", "mail.message"):
                self.found[model] = self._find_ids(model)
        notes = self.chatter.find_messages()
        self.found |= {
            "ir.attachment": self.chatter.find_files(notes),
            "mail.message": notes,
        }
        for model, ids in self.found.items():
            if ids:
                self._write_table(archive, model, ids)
        self._write_messages(archive)
        self._write_files(archive)
        manifest = {
            "format": FORMAT,
            "version": VERSION,
            "company": self.company.name,
            "odoo": release.version,
            "exported_at": fields.Datetime.to_string(fields.Datetime.now()),
            "records": self.counts,
            "files": self.hashes,
        }
        archive.writestr(
            "manifest.json", json.dumps(manifest, ensure_ascii=False, indent=2)
        )
        return self.counts

    def _find_ids(self, model):
        Model = self.env[model]
        if model == "res.partner":
            return self._find_partner_ids()
        ids = Model.search(get_domain(model, self.company), order="id").ids
        if "company_id" in Model._fields and ids:
            self.keys.read(model, ids)
            own = Model.browse(ids)
            own.mapped("company_id")
            return [
                record.id
                for record in own
                if record.company_id or not self.keys.is_shipped(model, record.id)
            ]
        return ids

    def _find_partner_ids(self):
        """Customers of the company, and everybody whom its records are about."""
        Partner = self.env["res.partner"]
        found = Partner.search(
            [
                ("company_id", "in", (False, self.company.id)),
                "|",
                ("customer_rank", ">", 0),
                ("id", "in", self._find_imported_partner_ids()),
            ]
        )
        for model in self.order:
            Model = self.env[model]
            names = [
                name
                for name in ("partner_id", "partner_ids")
                if name in Model._fields and Model._fields[name].store
            ]
            for name in names if model not in (*PICKED, "res.company") else ():
                groups = Model._read_group(
                    [("company_id", "=", self.company.id)], [name]
                )
                found |= Partner.union(*(partner for (partner,) in groups))
        found |= found.commercial_partner_id
        found |= Partner.search([("id", "child_of", found.commercial_partner_id.ids)])
        mine = (
            found.filtered(lambda p: p.company_id.id in (False, self.company.id))
            - self.env["res.company"].sudo().search([]).partner_id
        )
        # A company before its contacts.
        return mine.sorted(lambda p: (bool(p.parent_id), p.id)).ids

    def _find_imported_partner_ids(self):
        rows = self.env["ir.model.data"].search(
            [
                ("module", "=", "chaser_import"),
                ("model", "=", "res.partner"),
                ("name", "=like", f"%\\_{self.company.id}\\_%"),
            ]
        )
        return rows.mapped("res_id")

    # -- tables

    def _write_table(self, archive, model, ids):
        columns = get_columns(self.env, model)
        header = [KEY, *BESIDE.get(model, ())]
        header += [column for column, _field, _lang in columns]
        digest, name = hashlib.sha256(), f"{model}.csv"
        with archive.open(name, "w", force_zip64=True) as stream:

            def put(rows):
                text = io.StringIO()
                csv.writer(text).writerows(rows)
                raw = text.getvalue().encode()
                digest.update(raw)
                stream.write(raw)

            put([header])
            for start in range(0, len(ids), _CHUNK):
                put(self._make_rows(model, ids[start : start + _CHUNK], columns))
                self.env.invalidate_all()
        self.hashes[name], self.counts[model] = digest.hexdigest(), len(ids)

    def _make_rows(self, model, ids, columns):
        self.keys.read(model, ids)
        records = self.env[model].with_company(self.company).browse(ids)
        by_lang = {lang: records.with_context(lang=lang) for _c, _f, lang in columns}
        self._read_keys_of_references(records, columns)
        for index, record in enumerate(records):
            # A company is the one whose export it is: it has no name of its own in it.
            own = model == "res.company"
            row = ["company" if own else self.keys.get(model, record.id)]
            if model in BESIDE:
                row += map(guard, self.chatter.tell(record))
            for _column, field, lang in columns:
                value = self._show(field, by_lang[lang][index])
                if lang != "en_US" and value == self._show(field, record):
                    value = ""
                row.append(guard(mask_links(value)))
            yield row

    def _read_keys_of_references(self, records, columns):
        for _column, field, _lang in columns:
            if field.relational and field.comodel_name in self.order:
                self.keys.read(field.comodel_name, records[field.name].ids)

    def _show(self, field, record):
        value = record[field.name]
        if record._name == "mail.message" and field.name == "body":
            value = self.chatter.get_body(record)
        if value and field.name in _WITH_TOKENS.get(record._name, ()):
            value = json.loads(_mask(json.dumps(value)))
        if field.type == "properties":
            return _dump(self._get_properties(record))
        if field.type == "boolean":
            return "1" if value else "0"
        if field.type == "json":
            return _dump(value) if value is not None and value is not False else ""
        if field.type == "many2one":
            return self._name(field.comodel_name, value) if value else ""
        if field.type == "many2many":
            names = sorted(self._name(field.comodel_name, one) for one in value)
            return _dump(names) if names else ""
        if field.type in ("integer", "float", "monetary"):
            return repr(value or 0)
        if field.type == "datetime":
            return f"{value:%Y-%m-%d %H:%M:%S.%f}" if value else ""
        return str(value) if value not in (False, None) else ""

    def _name(self, model, record):
        if model in NAMED:
            return str(record[NAMED[model]] or "")
        return self.keys.get(model, record.id)

    def _get_properties(self, record):
        """By their labels: names of properties are of one database."""
        return {
            one["string"]: one["value"]
            for one in record.read(["properties"])[0]["properties"]
            if one.get("value") and one.get("type") in ("char", "text")
        }

    # -- messages

    def _write_messages(self, archive):
        Reminder = self.env["chaser.reminder"]
        ids = Reminder.search(
            [("company_id", "=", self.company.id), ("state", "=", "sent")], order="id"
        ).ids
        for start in range(0, len(ids), _CHUNK):
            self.keys.read("chaser.reminder", ids[start : start + _CHUNK])
            for reminder in Reminder.browse(ids[start : start + _CHUNK]):
                if not reminder.body_html and not reminder.body_text:
                    continue
                raw = self._make_mail(reminder)
                name = f"{MESSAGES}{self.keys.get('chaser.reminder', reminder.id)}.eml"
                archive.writestr(name, raw)
                self.hashes[name] = hashlib.sha256(raw).hexdigest()
            self.env.invalidate_all()

    def _write_files(self, archive):
        for id_ in self.found["ir.attachment"]:
            attachment = self.env["ir.attachment"].browse(id_)
            name, raw = (
                self.chatter.get_path(attachment),
                self.chatter.get_content(attachment),
            )
            archive.writestr(name, raw)
            self.hashes[name] = hashlib.sha256(raw).hexdigest()
            self.env.invalidate_all()

    def _make_mail(self, reminder):
        """The message as it is kept, with the files that went with it."""
        mail = EmailMessage(policy=SMTP)
        sender = reminder.provider_id.email or self.company.email or ""
        for name, value in (
            ("Subject", reminder.subject),
            ("From", sender),
            ("To", reminder.recipient_email),
            ("Cc", reminder.recipient_cc),
            ("Message-ID", reminder.message_id),
        ):
            text = " ".join(str(value or "").split())
            if text:
                mail[name] = text
        if reminder.sent_at:
            mail["Date"] = format_datetime(pytz.utc.localize(reminder.sent_at))
        html = _mask(str(reminder.body_html or ""))
        text = _mask(reminder.body_text or "")
        mail.set_content(text or html2plaintext(html))
        if html:
            mail.add_alternative(html, subtype="html")
        for file in reminder.document_ids.sorted("id"):
            main, _slash, sub = (file.mimetype or "").partition("/")
            mail.add_attachment(
                file.raw or b"",
                maintype=main
                if sub and main not in ("text", "message")
                else "application",
                subtype=sub
                if sub and main not in ("text", "message")
                else "octet-stream",
                filename=file.name,
            )
        return bytes(mail)


def _mask(text):
    return mask_links(mask_tokens(text))


def _dump(value):
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
