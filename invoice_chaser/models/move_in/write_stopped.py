"""Stopped addresses: first of all, and only ever more of them."""

from odoo import fields

from ...core.mail.addresses import clean_address
from .changes import NEW, SAME, Change


class StoppedWriter:
    def __init__(self, table):
        self.table, self.env, self.company = table, table.env, table.company

    def identities(self, record):
        return [record.key]

    def name(self, record):
        return record.values.get("email") or record.key

    def plan(self, records):
        here = self._read_here(records)
        return [self._plan_one(record, here) for record in records]

    def _get_forms(self, record):
        """The address as planning and the list of stopped addresses compare it: a
        domain that has two spellings in the one that mail uses."""
        forms = [clean_address(form) for form in record.values["emails"]]
        own = clean_address(record.values["email"])
        return list(dict.fromkeys(filter(None, [own, *forms])))

    def _read_here(self, records):
        forms = {form for record in records for form in self._get_forms(record)}
        rows = (
            self.env["chaser.suppression"]
            .sudo()
            .search_fetch(
                [("company_id", "=", self.company.id), ("email", "in", list(forms))],
                ["email", "released_at", "suppressed_at", "source"],
            )
        )
        return rows.grouped("email")

    def _plan_one(self, record, here):
        forms = self._get_forms(record)
        stopped_at = record.values.get("stopped_at")
        missing = []
        for form in forms:
            rows = here.get(form, self.env["chaser.suppression"])
            if any(not row.released_at for row in rows):
                continue
            later = rows.filtered(
                lambda row: row.released_at
                and (
                    row.released_at >= stopped_at
                    if stopped_at
                    else row.source == self._get_source()
                )
            )
            if later:
                # A person let mail go there again after that; it is no news.
                day = fields.Date.to_string(max(later.mapped("released_at")).date())
                return Change(record, SAME, reason=("released", {"detail": day}))
            missing.append(form)
        if not missing:
            return Change(record, SAME)
        return Change(
            record,
            NEW,
            values={"forms": missing},
            difference={"reason": ("", record.values["reason"])},
        )

    def _get_source(self):
        return self.env._("Import: %s", self.table.file.name)

    def apply(self, changes):
        now = fields.Datetime.now()
        self.env["chaser.suppression"].with_context(
            tracking_disable=True, mail_create_nolog=True
        ).sudo().create(
            [
                {
                    "company_id": self.company.id,
                    "email": form,
                    "reason": change.record.values["reason"],
                    "source": self._get_source(),
                    "suppressed_at": min(
                        change.record.values.get("stopped_at") or now, now
                    ),
                    "note": change.record.values.get("note") or False,
                }
                for change in changes
                for form in change.values["forms"]
            ]
        )
