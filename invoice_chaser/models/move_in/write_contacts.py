"""Customers with what belongs to them, and the segments that they are in."""

import re

from odoo.tools import SQL

from .changes import CHANGED, NEW, SAME, Change, refuse
from .finder import plain_vat
from .properties import CustomFields

# Target of a column → field of the contact, where the value goes in as it is.
_PLAIN = {
    "name": "name",
    "email": "email",
    "phone": "phone",
    "street": "street",
    "street2": "street2",
    "city": "city",
    "zip": "zip",
    "vat": "vat",
    "reference": "ref",
    "website": "website",
    "is_company": "is_company",
    "source": "chaser_source",
}
_CONSOLIDATION = ("auto", "enabled", "disabled")


def same(name, here, told):
    """Is it the same but for how Odoo writes it?"""
    if name == "vat":
        return plain_vat(here) == plain_vat(told)
    if name == "phone":
        return re.sub(r"\D", "", here or "") == re.sub(r"\D", "", told or "")
    if name == "website":
        return re.sub(r"^https?://|/$", "", here or "") == re.sub(
            r"^https?://|/$", "", told or ""
        )
    if name == "email":
        return (here or "").strip().lower() == (told or "").strip().lower()
    if isinstance(told, str) or isinstance(here, str):
        return " ".join((here or "").split()) == " ".join((told or "").split())
    return (here or False) == (told or False)


class ContactWriter:
    def __init__(self, table):
        self.table, self.env, self.company = table, table.env, table.company
        self.custom = CustomFields(self.env)
        self.countries = self.languages = None
        self.tags = {}

    def identities(self, record):
        return [record.key, *record.values.get("emails", ())]

    def name(self, record):
        return record.values.get("name") or record.key

    def plan(self, records):
        self.table.finder.prefetch(records)
        self._read_stopped(records)
        self._read_tags(records)
        found = [(record, self._find(record)) for record in records]
        partners = self.env["res.partner"].union(
            *(match.partner for _record, match in found if hasattr(match, "partner"))
        )
        partners.mapped("name")  # one query for all of them
        return [
            match if isinstance(match, Change) else self._plan_one(record, match)
            for record, match in found
        ]

    def _find(self, record):
        if record.key in self.table.finder.foreign:
            return refuse(record, "other_company", detail=record.key)
        return self.table.find(record)

    def _plan_one(self, record, match):
        values, remarks = self._prepare_values(record)
        reason = remarks[0] if remarks else None
        if not match.partner:
            if match.planned:
                return Change(record, SAME, reason=("planned", {}))
            return Change(
                record,
                NEW,
                self.name(record),
                values,
                {key: ("", value) for key, value in self._describe(values).items()},
                reason,
            )
        changed = self._compare(match.partner, values)
        if match.how != "id" and not reason:
            reason = (f"found_{match.how}", {"detail": match.partner.display_name})
        return Change(
            record,
            CHANGED if changed else SAME,
            self.name(record),
            changed,
            self._difference(match.partner, changed),
            reason,
            match.partner,
            match.partner.id,
        )

    # -- what the file says, in fields

    def _prepare_values(self, record):
        told, remarks = record.values, []
        values = {
            field: told[target] for target, field in _PLAIN.items() if told.get(target)
        }
        custom = dict(told.get("custom") or {})
        if told.get("mobile"):
            if values.get("phone"):
                custom["Mobile"] = told["mobile"]
            else:
                values["phone"] = told["mobile"]
        if told.get("company"):
            values["company_name"] = told["company"]
        if told.get("contact_person"):
            custom["Contact Person"] = told["contact_person"]
        for target, read in (
            ("country", self._find_country),
            ("language", self._find_language),
        ):
            if told.get(target):
                found = read(told[target])
                values |= found
                if not found:
                    remarks.append(
                        ("not_found", {"column": target, "detail": told[target][:60]})
                    )
        if told.get("state"):
            custom.setdefault("State", told["state"])
        values |= self._prepare_chasing(told, remarks)
        values |= self._prepare_consent(told)
        if told.get("tags"):
            values["tags"] = told["tags"]
        if custom:
            values["custom"] = custom
        return values, remarks

    def _prepare_chasing(self, told, remarks):
        values = {}
        if told.get("contact_interval") is not None:
            values["preferred_contact_interval"] = int(told["contact_interval"])
        if told.get("consolidation") in _CONSOLIDATION:
            values["consolidation_preference"] = told["consolidation"]
        elif told.get("consolidation"):
            remarks.append(
                (
                    "not_found",
                    {"column": "consolidation", "detail": told["consolidation"][:60]},
                )
            )
        if told.get("consolidation_max"):
            values["max_consolidation_amount"] = float(told["consolidation_max"])
        if told.get("paused_until"):
            values["chaser_paused_until"] = told["paused_until"]
            values["chaser_pause_reason"] = told.get("pause_reason") or self.env._(
                "Imported: %s", self.table.file.name
            )
        return values

    def _prepare_consent(self, told):
        """Only with proof of it, and never for an address that is stopped."""
        if not told.get("consent") or self.stopped & set(told.get("emails", ())):
            return {}
        proof = told.get("consent_proof") or self.env._(
            "Column of %(file)s, row by row", file=self.table.file.name
        )
        return {
            "chaser_marketing_consent": True,
            "chaser_consent_at": told.get("consent_at") or False,
            "chaser_consent_proof": proof,
        }

    def _read_stopped(self, records):
        emails = {key for record in records for key in record.values.get("emails", ())}
        self.stopped = set(
            self.env["chaser.channel.email"].sudo()._read_stopped(emails, self.company)
        )
        if self.table.dry:
            lines = (
                self.env["chaser.import.line"]
                .sudo()
                .search_fetch(
                    [
                        ("import_id", "=", self.table.imp.id),
                        ("step", "=", "stopped"),
                        ("key", "in", list(emails)),
                        ("action", "=", "new"),
                    ],
                    ["key"],
                )
            )
            self.stopped |= set(lines.mapped("key"))

    def _find_country(self, text):
        if self.countries is None:
            rows = self.env["res.country"].with_context(lang="en_US").search([])
            self.countries = {row.name.casefold(): row.id for row in rows}
            self.countries |= {row.code.casefold(): row.id for row in rows if row.code}
            self.countries |= {"uae": self.countries.get("ae")}
        found = self.countries.get(text.strip().casefold())
        return {"country_id": found} if found else {}

    def _find_language(self, text):
        if self.languages is None:
            self.languages = [
                code for code, _name in self.env["res.lang"].get_installed()
            ]
        code = text.strip().replace("-", "_")
        known = {"arabic": "ar", "english": "en", "العربية": "ar"}
        code = known.get(code.casefold(), code)
        for language in self.languages:
            if language == code or language.split("_")[0] == code.split("_")[0].lower():
                return {"lang": language}
        return {}

    # -- what is here

    def _compare(self, partner, values):
        """What would be written: what is empty here, or differs where the files shall
        replace it. Nothing makes it easier to write to somebody."""
        partner = partner.with_company(self.company)
        changed = {}
        for name, told in values.items():
            if name in ("tags", "custom", "chaser_consent_at", "chaser_consent_proof"):
                continue
            here = partner[name]
            here = here.id if hasattr(here, "_name") else here
            if same(name, here, told) or (here and not self._may_replace(name, here)):
                continue
            if name == "is_company" or (
                name == "chaser_paused_until" and here and here >= told
            ):
                continue
            changed[name] = told
        if "chaser_paused_until" not in changed:
            changed.pop("chaser_pause_reason", None)
        if "chaser_marketing_consent" in changed:
            changed |= {
                name: values[name]
                for name in ("chaser_consent_at", "chaser_consent_proof")
            }
        known = {tag.casefold() for tag in partner.category_id.mapped("name")}
        tags = [tag for tag in values.get("tags", ()) if tag.casefold() not in known]
        custom = self.custom.compare(
            partner, values.get("custom") or {}, self.table.replace
        )
        return (
            changed
            | ({"tags": tags} if tags else {})
            | ({"custom": custom} if custom else {})
        )

    def _may_replace(self, name, here):
        return self.table.replace or name == "chaser_paused_until"

    def _difference(self, partner, changed):
        partner = partner.with_company(self.company)
        told = self._describe(changed)
        shown = {}
        for label, value in told.items():
            field = label if label in partner._fields else None
            here = partner[field] if field else ""
            shown[label] = (
                here.display_name if hasattr(here, "_name") else here or "",
                value,
            )
        return shown

    def _describe(self, values):
        shown = {}
        for name, value in values.items():
            if name == "custom":
                shown |= value
            elif name == "tags":
                shown["tags"] = ", ".join(value)
            elif name == "country_id":
                shown[name] = self.env["res.country"].browse(value).name
            else:
                shown[name] = value
        return shown

    # -- doing it

    def _read_tags(self, records):
        names = {tag for record in records for tag in record.values.get("tags", ())}
        missing = names - set(self.tags)
        if missing:
            rows = self.env["res.partner.category"].search(
                [("name", "in", list(missing))]
            )
            self.tags |= {row.name: row.id for row in rows}

    def _ensure_tag_ids(self, names):
        for name in names:
            if name not in self.tags:
                self.tags[name] = (
                    self.env["res.partner.category"].create({"name": name}).id
                )
        return [self.tags[name] for name in names]

    def _prepare_write(self, change):
        values = dict(change.values)
        tags = values.pop("tags", None)
        custom = values.pop("custom", None)
        if tags:
            values["category_id"] = [(4, tag) for tag in self._ensure_tag_ids(tags)]
        if custom:
            values["properties"] = self.custom.prepare(change.target, custom)
        return values

    def apply(self, changes):
        Partner = self.env["res.partner"].with_company(self.company)
        Partner = Partner.with_context(tracking_disable=True, mail_create_nolog=True)
        new = [change for change in changes if change.action == NEW]
        partners = Partner.create(
            [
                {
                    "company_id": False,
                    "is_company": False,
                    **self._prepare_write(change),
                }
                for change in new
            ]
        )
        for change, partner in zip(new, partners, strict=True):
            change.target, change.partner_id = partner, partner.id
        for change in changes:
            if change.action == CHANGED:
                change.target.with_env(Partner.env).write(self._prepare_write(change))

    def register(self, changes):
        """Found by its id from now on, whatever it is called then."""
        known = self.table.finder.by_key
        self.table.xml_ids.write(
            "contact",
            [
                (change.record.key, change.target)
                for change in changes
                if change.target and change.record.key not in known
            ],
        )


class HoldWriter:
    """Customers whom the other tool had disabled: held until a person releases them."""

    def __init__(self, table):
        self.table, self.env, self.company = table, table.env, table.company

    def identities(self, record):
        return [record.key]

    def name(self, record):
        return record.values.get("name") or record.key

    def plan(self, records):
        self.table.finder.prefetch(records)
        found = [(record, self.table.find(record)) for record in records]
        ids = [
            match.partner.commercial_partner_id.id
            for _record, match in found
            if hasattr(match, "partner")
        ]
        holds = (
            self.env["chaser.hold"]
            .sudo()
            .search([("company_id", "=", self.company.id), ("partner_id", "in", ids)])
        )
        return [
            match if isinstance(match, Change) else self._plan_one(record, match, holds)
            for record, match in found
        ]

    def _plan_one(self, record, match, holds):
        if not match.partner:
            if match.planned or self.table.dry:
                return Change(record, NEW, values={})
            return refuse(record, "no_customer", detail=self.name(record))
        customer = match.partner.commercial_partner_id
        known = holds.filtered(lambda hold: hold.partner_id == customer)
        words = self._get_words()
        if known.filtered(lambda hold: not hold.released_at or hold.detail == words):
            return Change(record, SAME)
        return Change(
            record,
            NEW,
            values={"detail": words},
            target=customer,
            partner_id=customer.id,
        )

    def _get_words(self):
        return self.env._("Disabled in the other tool (%s)", self.table.file.name)

    def apply(self, changes):
        self.env["chaser.hold"].create(
            [
                {
                    "company_id": self.company.id,
                    "partner_id": change.target.id,
                    "code": "manual",
                    "detail": change.values["detail"],
                }
                for change in changes
            ]
        )


class SegmentWriter:
    """Lists of the other tool as segments; members come after all customers."""

    def __init__(self, table):
        self.table, self.env, self.company = table, table.env, table.company

    def identities(self, record):
        return [record.key]

    def name(self, record):
        return record.values.get("name") or record.key

    def plan(self, records):
        keys = self.table.xml_ids.read(
            "chaser.segment", "segment", [record.key for record in records]
        )
        names = find_segments(self.env, self.company)
        changes = []
        for record in records:
            known = keys.get(record.key) or names.get(record.values["name"].casefold())
            changes.append(
                Change(
                    record,
                    SAME if known else NEW,
                    values={
                        "name": record.values["name"],
                        "description": record.values.get("description") or False,
                    },
                    target=known,
                )
            )
        if not self.table.dry:
            Segment = self.env["chaser.segment"]
            self.table.xml_ids.write(
                "segment",
                [
                    (change.record.key, Segment.browse(change.target))
                    for change in changes
                    if change.target and change.record.key not in keys
                ],
            )
        return changes

    def apply(self, changes):
        segments = self.env["chaser.segment"].create(
            [change.values | {"company_id": self.company.id} for change in changes]
        )
        self.table.xml_ids.write(
            "segment",
            [
                (change.record.key, segment)
                for change, segment in zip(changes, segments, strict=True)
            ],
        )


def find_segments(env, company):
    """Name in small letters → id, of a company."""
    rows = (
        env["chaser.segment"]
        .with_context(lang="en_US")
        .search([("company_id", "=", company.id)])
    )
    return {row.name.casefold(): row.id for row in rows}


class MemberWriter:
    """Puts customers into segments, never out of them."""

    def __init__(self, table):
        self.table, self.env, self.company = table, table.env, table.company
        self.told = set()

    def identities(self, record):
        values = record.values
        told = [values.get("customer_ref"), *values.get("emails", ()), record.key]
        who = next((text for text in told if text), "")
        return [f"{who}\x1f{values['lists']}"] if who else []

    def name(self, record):
        values = record.values
        who = values.get("name") or values.get("email") or values.get("customer_ref")
        return f"{who or record.key}: {', '.join(values.get('lists', ()))}"

    def plan(self, records):
        self.table.finder.prefetch(records)
        self.names = find_segments(self.env, self.company)
        lists = {name for record in records for name in record.values["lists"]}
        self.keys = self.table.xml_ids.read("chaser.segment", "segment", lists)
        found = [(record, self.table.find(record)) for record in records]
        self._read_members(lists, found)
        return [
            match if isinstance(match, Change) else self._plan_one(record, match)
            for record, match in found
        ]

    def _read_members(self, lists, found):
        """Which customers of these rows are in which segments; not all members of the
        segments, of whom there may be as many as the file has rows."""
        field = self.env["chaser.segment"]._fields["partner_ids"]
        segments = list(filter(None, map(self._find_segment, lists)))
        customers = [
            match.partner.commercial_partner_id.id
            for _record, match in found
            if hasattr(match, "partner") and match.partner
        ]
        self.env["chaser.segment"].flush_model(["partner_ids"])
        self.members = set(
            self.env.execute_query(
                SQL(
                    "SELECT %s, %s FROM %s WHERE %s = ANY(%s) AND %s = ANY(%s)",
                    *(SQL.identifier(field.column1), SQL.identifier(field.column2)),
                    SQL.identifier(field.relation),
                    *(SQL.identifier(field.column1), segments),
                    *(SQL.identifier(field.column2), customers),
                )
            )
        )

    def _find_segment(self, name):
        return self.keys.get(name) or self.names.get(name.casefold())

    def _plan_one(self, record, match):
        if not match.partner and not match.planned:
            return refuse(record, "no_customer", detail=self.name(record))
        lists = record.values["lists"]
        customer = match.partner.commercial_partner_id
        missing = []
        for name in lists:
            segment = self._find_segment(name)
            if (segment, customer.id) not in self.members:
                missing.append(name)
        return Change(
            record,
            NEW if missing else SAME,
            values={"lists": missing},
            difference={"lists": ("", ", ".join(missing))} if missing else {},
            target=customer,
            partner_id=customer.id,
        )

    def apply(self, changes):
        wanted = {}
        for change in changes:
            for name in change.values["lists"]:
                wanted.setdefault(name, []).append(change.target.id)
        Segment = self.env["chaser.segment"]
        for name, ids in wanted.items():
            segment = Segment.browse(self._find_segment(name) or ())
            if not segment:
                segment = Segment.create({"name": name, "company_id": self.company.id})
                self.names[name.casefold()] = segment.id
            segment._put_in(self.env["res.partner"].browse(ids))
            self._tell_once(segment)

    def _tell_once(self, segment):
        """Not for each batch of a large file."""
        if segment.id not in self.told:
            self.told.add(segment.id)
            segment._message_log(
                body=self.env._("Customers come in from %s", self.table.file.name),
                author_id=self.env.user.partner_id.id,
            )
