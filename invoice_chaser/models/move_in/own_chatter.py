"""The chatter of the records of an export, and their files: which of them belong to a
company, what their tables say, and the same read again."""

import re

from markupsafe import Markup

from odoo.fields import Domain
from odoo.tools import split_every

from ...core.move_in.own import FILES, mask_mail
from ...core.move_in.problems import FileProblem
from ...core.move_in.tables import OwnFiles
from .changes import NEW, SAME, Change, refuse
from .own_columns import get_order
from .write_records import RecordWriter

_CHUNK = 1000


def get_owners(env):
    """The models whose records have notes and files in an export."""
    other = ("res.company", "ir.attachment", "mail.message")
    return tuple(model for model in get_order(env) if model not in other)


def get_file_fields(Model):
    return [
        name
        for name, field in Model._fields.items()
        if field.type == "binary" and field.store and field.attachment
    ]


class Chatter:
    """For the export: ids, and what the tables say beside the fields.

    :param found: model → ids of the records that are exported
    """

    def __init__(self, env, company, keys, found):
        self.env, self.company, self.keys, self.found = env, company, keys, found
        self.found_partners, self.owners = set(), get_owners(env)

    def _get_files(self, model):
        """Fields of a later addon's model that are files themselves."""
        if model not in self.env["chaser.export"]._get_more_models():
            return []
        return get_file_fields(self.env[model])

    def find_messages(self):
        """Of all records of the company. The chatter of a customer whom companies share
        belongs to each of them in part: to this one what was written in it, or by
        somebody who works in no other."""
        ids = []
        self.found_partners = set(self.found.get("res.partner", ()))
        for model in self.owners:
            if "message_ids" not in self.env[model]._fields:
                continue
            records = self.env[model].browse(self.found.get(model, ()))
            shared = records.browse()
            if model == "res.partner":
                shared = records.filtered(lambda partner: not partner.company_id)
            ids += self._search(model, (records - shared).ids, Domain.TRUE)
            ids += self._search(model, shared.ids, self._get_shared_domain())
        return sorted(ids)

    def _search(self, model, record_ids, domain):
        ids = []
        for part in split_every(_CHUNK, record_ids):
            messages = self.env["mail.message"].search(
                Domain("model", "=", model)
                & Domain("res_id", "in", list(part))
                & Domain("message_type", "!=", "user_notification")
                & domain,
                order="id",
            )
            ids += [
                message.id
                for message in messages
                if message.body or message.attachment_ids or message.tracking_value_ids
            ]
            self.env.invalidate_all()
        return ids

    def _get_shared_domain(self):
        companies = self.env["res.company"].search([])
        if companies == self.company:
            return Domain.TRUE
        users = self.env["res.users"].search([("company_ids", "in", self.company.ids)])
        own = users.filtered(lambda user: user.company_ids == self.company)
        sent = self.env["chaser.reminder"].browse(self.found.get("chaser.reminder", ()))
        return (
            Domain("record_company_id", "=", self.company.id)
            | Domain("author_id", "in", own.partner_id.ids)
            | Domain(
                "message_id", "in", sent.filtered("message_id").mapped("message_id")
            )
        )

    def find_files(self, message_ids):
        """Files of the records, and those of the chatter that is exported."""
        Attachment, ids = self.env["ir.attachment"], set()
        for model in self.owners:
            if model == "res.partner":
                continue  # their other files are not of this addon
            for part in split_every(_CHUNK, self.found.get(model, ())):
                ids |= set(
                    Attachment.search(
                        [
                            ("res_model", "=", model),
                            ("res_id", "in", list(part)),
                            ("res_field", "in", (False, *self._get_files(model))),
                            ("type", "=", "binary"),
                        ]
                    ).ids
                )
        for part in split_every(_CHUNK, message_ids):
            files = self.env["mail.message"].browse(part).attachment_ids
            ids |= set(files.filtered(lambda file: file.type == "binary").ids)
            self.env.invalidate_all()
        return sorted(ids)

    def tell(self, record):
        """What the table says of a record beside its fields (``BESIDE``)."""
        if record._name == "res.partner":
            return [1 if record.company_id else 0]
        message = record._name == "mail.message"
        model = record.model if message else record.res_model
        owner = self.keys.get(model, record.res_id) if model in self.owners else ""
        if not message:
            field = record.res_field or ""
            return [model if owner else "", owner, self.get_path(record), field]
        subtype = record.subtype_id.get_external_id().get(record.subtype_id.id, "")
        author = record.author_id
        known = author.id in self.found_partners
        return [
            *(model, owner, subtype),
            author.user_ids[:1].login
            or (self.keys.get("res.partner", author.id) if known else ""),
        ]

    def get_path(self, attachment):
        name = re.sub(r"[^\w.-]+", "_", attachment.name or "")[-80:].lstrip(".")
        return f"{FILES}{self.keys.get('ir.attachment', attachment.id)}-{name}"

    def get_content(self, attachment):
        raw = attachment.raw or b""
        return mask_mail(raw) if attachment.mimetype == "message/rfc822" else raw

    def get_body(self, message):
        """With the changes of fields that Odoo keeps beside it."""
        body = Markup(message.body or "")
        for value in message.tracking_value_ids._tracking_value_format():
            body += Markup("<p>%s: %s → %s</p>") % (
                value["fieldInfo"]["changedField"],
                value["oldValue"] or "–",
                value["newValue"] or "–",
            )
        return str(body)


class ChatterWriter(RecordWriter):
    """Notes and mails, under the records that came in before them. Nobody is told."""

    def name(self, record):
        raw = record.values["raw"]
        return f"{self.Model._description}: {raw.get('subject') or record.key}"

    def plan(self, records):
        self._resolve(records)
        self._read_owners(records)
        known = self._read_known(records)
        return [
            Change(record, SAME, target=self.Model.browse(known[record.key]))
            if record.key in known
            else self._plan_new(record)
            for record in records
        ]

    def _read_owners(self, records):
        wanted = {}
        for record in records:
            raw = record.values["raw"]
            wanted.setdefault(raw.get("model", ""), set()).add(raw.get("record", ""))
        self.owners = {
            model: self._read_references(model, names - {""})
            for model, names in wanted.items()
            if model in get_owners(self.env)
        }

    def _find_owner(self, record):
        raw = record.values["raw"]
        return self.owners.get(raw.get("model"), {}).get(raw.get("record"))

    def _plan_new(self, record):
        raw = record.values["raw"]
        if not self.table.dry and raw.get("record") and not self._find_owner(record):
            return refuse(record, "own_reference", detail=raw["record"][:200])
        values, _missing = self._read(record)
        return Change(record, NEW, self.name(record), values)

    def _prepare(self, change):
        raw = change.record.values["raw"]
        told = raw.get("subtype")
        subtype = self.env.ref(told, raise_if_not_found=False) if told else None
        values = change.values | {
            "model": raw["model"],
            "res_id": self._find_owner(change.record),
            "subtype_id": subtype.id if subtype else False,
            "author_id": self._find_author(raw.get("author", "")),
            "record_company_id": self.company.id,
        }
        taken = self.Model.search_count(
            [("message_id", "=", values.get("message_id"))], limit=1
        )
        if values.get("message_id") and taken:
            # An answer to the mail belongs to the record that it is an answer to.
            values["message_id"] = f"{self.company.id}~{values['message_id']}"
        return values

    def _find_author(self, told):
        if not told:
            return False
        user = self.env["res.users"].search([("login", "=", told)], limit=1)
        return (
            user.partner_id.id
            or self._read_references("res.partner", {told}).get(told)
            or False
        )

    def _create(self, changes):
        return self.Model.create([self._prepare(change) for change in changes])


class FileWriter(ChatterWriter):
    """Files, from the same ZIP as their table."""

    def __init__(self, table):
        super().__init__(table)
        self.files = OwnFiles(table.file.attachment_id.raw)

    def name(self, record):
        return f"{self.Model._description}: {record.values['raw'].get('name')}"

    def _plan_new(self, record):
        try:
            self._get_content(record)
        except FileProblem as problem:
            return refuse(record, problem.code, **problem.params)
        return super()._plan_new(record)

    def _get_content(self, record):
        return self.files.get(record.values["raw"].get("file", ""))

    def _prepare(self, change):
        raw = change.record.values["raw"]
        return change.values | {
            "res_model": raw.get("model") or False,
            "res_id": self._find_owner(change.record) or False,
            "company_id": self.company.id,
            "res_field": self._get_field(raw),
            "raw": self._get_content(change.record),
        }

    def _get_field(self, raw):
        """The field that the file is, where the model has one of that name."""
        model = raw.get("model")
        if model not in self.env["chaser.export"]._get_more_models():
            return False
        told = raw.get("field")
        return told if told in get_file_fields(self.env[model]) else False
