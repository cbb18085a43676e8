"""The export of this addon, read again: each record as it was, in another company or
database. Nothing of it is sent, asked or planned anew."""

import json
from datetime import datetime

from odoo import fields, models

from ...core.move_in.own import unguard
from .changes import CHANGED, NEW, SAME, Change, refuse
from .own_columns import NAMED, get_columns, get_order
from .properties import CustomFields

# What would be sent, or is under way in another database, is no history.
_WAITING = {
    "chaser.reminder": ("draft", "queued", "sending"),
    "chaser.campaign": ("draft", "scheduled", "sending", "paused"),
}
# These are made by Odoo's own way, because it makes more than a row.
_MADE = ("res.partner", "chaser.provider", "chaser.segment", "chaser.template")
# The same record of the company, found by what is unique in it.
_UNIQUE = {
    "chaser.suppression": ("email", "released_at"),
    "chaser.tag": ("name",),
    "chaser.segment": ("name",),
    "chaser.policy": ("name",),
    "chaser.retention.rule": ("kind",),
    "chaser.template.version": ("template_id", "checksum"),
}
_MISSING = object()


class RecordWriter:
    step = "record"

    def __init__(self, table):
        self.table, self.company = table, table.company
        self.model = table.file.fixed["model"]
        context = {"active_test": False, "lang": "en_US", "tracking_disable": True}
        env = table.env
        self.env = env(su=True, context={**env.context, **context})
        self.Model = self.env[self.model].with_company(self.company)
        self.columns = get_columns(self.env, self.model)
        self.custom = CustomFields(self.env)
        self.resolved = {}

    def identities(self, record):
        return [record.key]

    def name(self, record):
        raw = record.values["raw"]
        told = next((raw[n] for n in ("name", "email", "subject") if raw.get(n)), "")
        return f"{self.Model._description}: {unguard(told) or record.key}"

    def plan(self, records):
        if self.model in ("res.company",):
            return [self._plan_settings(record) for record in records]
        self._resolve(records)
        known = self._read_known(records)
        return [self._plan_one(record, known) for record in records]

    # -- what is here

    def _read_known(self, records):
        keys = [record.key for record in records]
        known = self.table.xml_ids.read(self.model, self.model, keys)
        if self.model == "res.partner":
            for record in records:
                raw = record.values["raw"]
                record.values |= {
                    "vat": unguard(raw.get("vat", "")),
                    "name": unguard(raw.get("name", "")),
                    "emails": [e for e in [unguard(raw.get("email", "")).lower()] if e],
                }
            if any(raw_is_shared(record) for record in records):
                self.table.finder.prefetch(records)
        return known

    def _find_like(self, record, values):
        """One that is here by another way: the customer by what identifies them, else
        by what is unique."""
        if self.model == "res.partner":
            if not raw_is_shared(record) or values.get("parent_id"):
                return None
            match = self.table.find(record)
            return match if isinstance(match, Change) else match.partner.id
        more = self.env["chaser.export"]._get_more_models()
        names = _UNIQUE.get(self.model) or more.get(self.model)
        if not names or (self.model == "chaser.suppression" and values["released_at"]):
            return None
        domain = [(name, "=", values.get(name)) for name in names]
        domain.append(("company_id", "in", (self.company.id, False)))
        return self.Model.search(domain, limit=1).id

    def _plan_one(self, record, known):
        values, missing = self._read(record)
        state = values.get("state")
        if state in _WAITING.get(self.model, ()):
            return refuse(record, "not_sent")
        required = [name for name in missing if self.Model._fields[name].required]
        if required and not self.table.dry:
            told = ", ".join(missing[name] for name in required)
            return refuse(record, "own_reference", detail=told[:200])
        here = known.get(record.key)
        if not here:
            like = self._find_like(record, values)
            if isinstance(like, Change):
                return like
            if like:
                change = self._compare(record, like, values)
                change.reason = change.reason or ("found_unique", {})
                return change
            return Change(record, NEW, self.name(record), values)
        return self._compare(record, here, values)

    def _compare(self, record, here, values):
        target = self.Model.browse(here)
        changed = {}
        if self.table.replace and self.model in (
            *_MADE,
            "chaser.policy",
            "chaser.level",
            "chaser.retention.rule",
        ):
            changed = self._differ(target, values)
        return Change(
            record,
            CHANGED if changed else SAME,
            self.name(record),
            changed,
            {name: ("", value) for name, value in changed.items()},
            target=target,
            partner_id=here if self.model == "res.partner" else 0,
        )

    def _differ(self, target, values):
        changed = {}
        for name, value in values.items():
            field = self.Model._fields.get(name)
            if not field or field.type in ("many2many", "properties"):
                continue
            here = target[name]
            here = here.id if field.type == "many2one" else here
            if (here or False) != (value or False) and value not in (False, ""):
                changed[name] = value
        return changed

    def _plan_settings(self, record):
        values, _missing = self._read(record)
        company = self.company.with_env(self.env)
        changed = {
            name: value
            for name, value in values.items()
            if name in company._fields and (company[name] or False) != (value or False)
        }
        shown = {name: (company[name], value) for name, value in changed.items()}
        if not changed or not self.table.replace:
            return Change(
                record, SAME, reason=("kept_settings", {}) if changed else None
            )
        return Change(
            record, CHANGED, self.name(record), changed, shown, target=company
        )

    # -- reading a row

    def _resolve(self, records):
        """Reads what all references of these rows mean, model by model."""
        wanted = {}
        for record in records:
            for column, field, _lang in self.columns:
                if field.relational:
                    names = split_names(field, record.values["raw"].get(column, ""))
                    wanted.setdefault(field.comodel_name, set()).update(names)
        self.resolved = {
            model: self._read_references(model, names - {""})
            for model, names in wanted.items()
        }

    def _read_references(self, model, names):
        if model in NAMED:
            domain = [(NAMED[model], "in", list(names))]
            if model == "account.move":
                domain.append(("company_id", "=", self.company.id))
            rows = self.env[model].search(domain) if names else self.env[model]
            return {row[NAMED[model]]: row.id for row in rows}
        found = self.table.xml_ids.read(model, model, names)
        for name in names:
            if "." in name and name not in found:
                shipped = self.env.ref(name, raise_if_not_found=False)
                if shipped and shipped._name == model:
                    found[name] = shipped.id
        return found

    def _read(self, record):
        """Values of the row, and references that lead nowhere: field → name."""
        raw, values, missing, texts = record.values["raw"], {}, {}, {}
        for column, field, lang in self.columns:
            if column not in raw:
                continue
            text = unguard(raw[column])
            if lang != "en_US":
                if text:
                    texts.setdefault(field.name, {})[lang] = text
            elif field.relational:
                value, lost = self._refer(field, text)
                values[field.name] = value
                if lost:
                    missing[field.name] = lost
            else:
                values[field.name] = read_value(field, text)
        if texts:
            values["__texts__"] = texts
        return values, missing

    def _refer(self, field, text):
        names = split_names(field, text)
        known = self.resolved.get(field.comodel_name, {})
        if field.comodel_name == "res.partner.category":
            known = known | self._make_tags(set(names) - set(known))
        ids = [known[name] for name in names if name in known]
        lost = ", ".join(name for name in names if name not in known)
        if field.type == "many2many":
            return [(6, 0, ids)], lost
        return (ids[0] if ids else False), lost

    def _make_tags(self, names):
        if self.table.dry or not names:
            return {}
        Tag = self.env["res.partner.category"]
        made = {name: Tag.create({"name": name}).id for name in sorted(names) if name}
        self.resolved.setdefault("res.partner.category", {}).update(made)
        return made

    # -- doing it

    def apply(self, changes):
        new = [change for change in changes if change.action == NEW]
        for change, target in zip(new, self._create(new), strict=True):
            change.target = target
            if self.model == "res.partner":
                change.partner_id = target.id
        for change in changes:
            if change.action == CHANGED:
                values = {k: v for k, v in change.values.items() if k[:2] != "__"}
                change.target.write(values)
        for change in changes:
            texts = change.values.get("__texts__", {}) if change.action == NEW else {}
            for name, by_lang in texts.items():
                change.target.update_field_translations(name, by_lang)

    def _create(self, changes):
        if not changes:
            return self.Model
        vals_list = [self._prepare(change) for change in changes]
        if self.model in _MADE:
            return self.Model.create(vals_list)
        # Past the models' own ways, which would note, plan and hold as if it were news.
        return models.BaseModel.create(self.Model, vals_list)

    def _prepare(self, change):
        values = {k: v for k, v in change.values.items() if k[:2] != "__"}
        raw = change.record.values["raw"]
        if self.model == "res.partner":
            values["company_id"] = self.company.id if raw.get("own") == "1" else False
            told = values.pop("properties", None) or {}
            if told:
                values["properties"] = self.custom.prepare(None, told)
        elif "company_id" in self.Model._fields:
            field = self.Model._fields["company_id"]
            if not field.compute and not field.related:
                values["company_id"] = self.company.id
        if self.model == "chaser.template.version":
            values |= self._prepare_version(values)
        if self.model == "chaser.promise":
            # Payments of before are not those that keep it.
            [(values["last_partial_id"],)] = self.Model._read_last_partial()
        if self.model == "chaser.campaign":
            values["import_id"] = self.table.imp.id
        if self.model == "chaser.event":
            # The service's id is unique over all companies.
            told = values.get("provider_event_id")
            values["provider_event_id"] = told and f"{self.company.id}~{told}"
        return values

    def _prepare_version(self, values):
        """A shared template may have other versions here: this one comes after them."""
        taken = self.Model.search([("template_id", "=", values["template_id"])])
        company = (
            taken.template_id.company_id
            or self.env["chaser.template"].browse(values["template_id"]).company_id
        )
        numbers = taken.mapped("number")
        free = values["number"] not in numbers
        return {
            "company_id": company.id,
            "number": values["number"] if free else max(numbers) + 1,
        }

    def register(self, changes):
        self.table.xml_ids.write(
            self.model,
            [
                (change.record.key, change.target)
                for change in changes
                if change.target and self.model != "res.company"
            ],
        )


class LinkWriter(RecordWriter):
    """References to what came in later: the reminder that stopped an address, the
    promise that another one replaced."""

    def plan(self, records):
        if self.model in ("res.company", "ir.attachment", "mail.message"):
            return [Change(record, SAME) for record in records]
        self._resolve(records)
        known = self.table.xml_ids.read(
            self.model, self.model, [record.key for record in records]
        )
        return [self._plan_link(record, known.get(record.key)) for record in records]

    def _plan_link(self, record, here):
        values, _missing = self._read(record)
        if not here:
            return Change(record, SAME)
        target = self.Model.browse(here)
        changed, order = {}, get_order(self.env)
        for name, value in values.items():
            field = self.Model._fields.get(name)
            if not field or not field.relational or field.comodel_name not in order:
                continue
            ids = target[name].ids
            wanted = value[0][2] if field.type == "many2many" else [value] * bool(value)
            if set(wanted) - set(ids) and (field.type == "many2many" or not ids):
                changed[name] = value
        return Change(record, CHANGED if changed else SAME, "", changed, target=target)

    def apply(self, changes):
        for change in changes:
            models.BaseModel.write(change.target, change.values)

    def register(self, changes):
        """They have their ids already."""


def raw_is_shared(record):
    """A contact of all companies: it may be here by another way."""
    return record.values["raw"].get("own") != "1"


def split_names(field, text):
    text = unguard(text)
    if not text:
        return []
    return json.loads(text) if field.type == "many2many" else [text]


def read_value(field, text):
    """A value as ``chaser.export`` has shown it."""
    if field.type == "boolean":
        return text == "1"
    if field.type in ("integer", "float", "monetary"):
        number = float(text or 0)
        return int(number) if field.type == "integer" else number
    if field.type in ("json", "properties"):
        return json.loads(text) if text else False
    if field.type == "datetime":
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S.%f") if text else False
    if field.type == "date":
        return fields.Date.to_date(text) if text else False
    return text or False
