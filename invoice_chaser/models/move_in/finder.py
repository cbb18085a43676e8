"""Which customer a row means: by external id, VAT number, e-mail, exact name, in this
order, and only among those that the company may see. Where that is not certain, nobody
is chosen."""

import re
from dataclasses import dataclass

from odoo.tools import SQL, split_every

from ...core.move_in.convert import Record

MODULE = "chaser_import"
# Steps whose records are contacts.
_OF_CONTACTS = ("contact", "channel", "hold", "member")


def plain_vat(text):
    return re.sub(r"[^A-Z0-9]", "", (text or "").upper())


def plain_name(text):
    return " ".join((text or "").split()).casefold()


@dataclass
class Match:
    """``partner``: the one, or empty. ``how``: ``id``, ``vat``, ``email``, ``name``,
    ``choice``, or empty. ``candidates``: those that it may be, where it is doubtful.
    ``planned``: not there yet, but a row of this import will make it."""

    partner: object
    how: str = ""
    candidates: tuple = ()
    planned: bool = False


class XmlIds:
    """External ids of what came in: the same record of the same tool is found again.
    Each company has its own, so that two of them may read the same file."""

    def __init__(self, env, company, tool):
        self.env, self.prefix = env, f"{tool or 'file'}_{company.id}"

    def name(self, step, key):
        return f"{self.prefix}_{step}_{re.sub(r'[^A-Za-z0-9_@.-]', '_', key)}"[:250]

    # pylint: disable-next=method-required-super  # no model
    def read(self, model, step, keys):
        """Key → id of a record that exists."""
        names = {self.name(step, key): key for key in keys if key}
        found = {}
        table = SQL.identifier(self.env[model]._table)
        for part in split_every(1000, names):
            rows = self.env.execute_query(
                SQL(
                    """SELECT d.name, d.res_id FROM ir_model_data d
                    JOIN %s r ON r.id = d.res_id
                    WHERE d.module = %s AND d.model = %s AND d.name = ANY(%s)""",
                    table,
                    MODULE,
                    model,
                    list(part),
                )
            )
            found |= {names[name]: res_id for name, res_id in rows}
        return found

    # pylint: disable-next=method-required-super  # no model
    def write(self, step, pairs):
        """:param pairs: (key, record) of what was made"""
        self.env["ir.model.data"].sudo()._update_xmlids(
            [
                {
                    "xml_id": f"{MODULE}.{self.name(step, key)}",
                    "record": record,
                    "noupdate": True,
                }
                for key, record in pairs
                if key
            ]
        )


class Finder:
    """Reads for a batch of records at once; the number of queries does not depend on
    their number."""

    def __init__(self, env, company, xml_ids, imp=None):
        self.env, self.company, self.xml_ids, self.imp = env, company, xml_ids, imp
        self.by_key, self.by_vat, self.by_email, self.by_name = {}, {}, {}, {}
        self.planned, self.foreign = {}, set()

    def prefetch(self, records: list[Record]):
        keys = {
            key for record in records for key in (self._key(record), self._ref(record))
        }
        self.env["res.partner"].flush_model()
        self.by_key = self._visible(
            {key: [id_] for key, id_ in self._read_keys(keys - {""}).items()}
        )
        vats = {plain_vat(record.values.get("vat")) for record in records} - {""}
        self.by_vat = self._read(
            "regexp_replace(upper(vat), '[^A-Z0-9]', '', 'g')", vats
        )
        emails = {key for record in records for key in record.values.get("emails", ())}
        self.by_email = self._read("lower(email_normalized)", emails)
        names = {plain_name(self._name(record)) for record in records} - {""}
        self.by_name = self._read(
            r"lower(regexp_replace(trim(name), '\s+', ' ', 'g'))", names, top=True
        )
        self.planned = self._read_planned(keys - {""}, emails)

    def _key(self, record):
        return record.key if record.step in _OF_CONTACTS else ""

    def _ref(self, record):
        return str(record.values.get("customer_ref") or "")

    def _name(self, record):
        values = record.values
        return values.get("customer_name") or (
            values.get("name") if record.step in _OF_CONTACTS else ""
        )

    def _read_keys(self, keys):
        found = self.xml_ids.read("res.partner", "contact", keys)
        outside = {key for key in keys if re.fullmatch(r"[\w]+\.[\w.-]+", key)}
        for key in outside - set(found):
            module, _dot, name = key.partition(".")
            row = self.env.execute_query(
                SQL(
                    """SELECT res_id FROM ir_model_data WHERE module = %s AND name = %s
                    AND model = 'res.partner'""",
                    module,
                    name,
                )
            )
            if row:
                found[key] = row[0][0]
        return found

    def _visible(self, groups):
        """Only customers of the company, or shared ones; those of others are kept
        apart, to say so."""
        ids = {id_ for found in groups.values() for id_ in found}
        partners = self.env["res.partner"].sudo().browse(ids).exists()
        allowed = {False, *self.company.parent_ids.ids}
        seen = {p.id for p in partners if p.company_id.id in allowed}
        self.foreign |= {
            key for key, found in groups.items() if found and not seen & set(found)
        }
        return {
            key: [id_ for id_ in found if id_ in seen]
            for key, found in groups.items()
            if seen & set(found)
        }

    def _read(self, expression, values, top=False):
        """Value → ids of the customers that have it, by an index on the expression
        (models/customer/res_partner.py). OFFSET 0 keeps one look into it for each
        value: while a file comes in, PostgreSQL has no statistics of its rows yet, and
        would read all contacts for each batch (394 ms, not 6, with 100,000)."""
        found = {}
        for part in split_every(1000, values):
            rows = self.env.execute_query(
                SQL(
                    """SELECT told.key,
                    array_agg(p.id ORDER BY p.parent_id NULLS FIRST, p.id)
                    FROM unnest(%s) AS told(key), LATERAL (
                        SELECT id, parent_id FROM res_partner
                        WHERE %s = told.key AND active
                        AND (company_id IS NULL OR company_id = ANY(%s)) %s OFFSET 0
                    ) p GROUP BY told.key""",
                    list(part),
                    SQL(expression),
                    list(self.company.parent_ids.ids),
                    SQL("AND parent_id IS NULL") if top else SQL(),
                )
            )
            found |= dict(rows)
        return found

    def _read_planned(self, keys, emails):
        """Of a dry run: what the rows before say of keys and addresses: a customer that
        they have found, or (0) that they will make."""
        if not self.imp or not self.imp.is_dry:
            return {}
        lines = (
            self.env["chaser.import.line"]
            .sudo()
            .search_fetch(
                [
                    ("import_id", "=", self.imp.id),
                    ("step", "=", "contact"),
                    ("action", "in", ("new", "changed", "same")),
                    "|",
                    ("key", "in", list(keys)),
                    ("email", "in", list(emails)),
                ],
                ["key", "email", "partner_id"],
            )
        )
        found = {line.email: line.partner_id.id for line in lines if line.email}
        return found | {line.key: line.partner_id.id for line in lines if line.key}

    def find(self, record: Record) -> Match:
        Partner = self.env["res.partner"]
        for key in filter(None, (self._key(record), self._ref(record))):
            if key in self.by_key:
                return Match(Partner.browse(self.by_key[key][0]), "id")
            if self.planned.get(key):
                return Match(Partner.browse(self.planned[key]), "id")
        vat = self._one(self.by_vat.get(plain_vat(record.values.get("vat")), ()))
        emails = [
            id_
            for key in record.values.get("emails", ())
            for id_ in self.by_email.get(key, ())
        ]
        email = self._one(emails)
        if vat and email and not self._alike(vat, email):
            return Match(Partner, candidates=tuple(dict.fromkeys([*vat, *email])))
        for how, found in (("vat", vat), ("email", email)):
            if found and self._alike(found, found):
                return Match(Partner.browse(found[0]), how)
            if found:
                return Match(Partner, candidates=tuple(found))
        return self._find_by_name(record)

    def _find_by_name(self, record):
        Partner = self.env["res.partner"]
        found = self.by_name.get(plain_name(self._name(record)), [])
        identities = {
            self._key(record),
            self._ref(record),
            *record.values.get("emails", ()),
        }
        if identities & set(self.planned) - {""}:
            return Match(Partner, planned=True)
        if not found:
            return Match(Partner)
        partner = Partner.browse(found[0])
        has_email = bool(record.values.get("emails"))
        if len(found) == 1 and not (has_email and partner.sudo().email):
            return Match(partner, "name")
        return Match(Partner, candidates=tuple(found))

    def _one(self, ids):
        return list(dict.fromkeys(ids))

    def _alike(self, first, second):
        """All of one customer (its company and its contacts)?"""
        partners = self.env["res.partner"].sudo().browse({*first, *second})
        return len(partners.commercial_partner_id) == 1
