"""What customers promised, and what was noted about them."""

import hashlib

from markupsafe import Markup

from odoo import fields

from .changes import NEW, SAME, Change, refuse


class PromiseWriter:
    def __init__(self, table):
        self.table, self.env, self.company = table, table.env, table.company
        self.today = self.company._get_chaser_today()

    def identities(self, record):
        return [record.key]

    def name(self, record):
        told = record.values
        who = told.get("customer_name") or told.get("email") or told.get("customer_ref")
        return f"{who or record.key}: {told.get('date_promised', '')}"

    def plan(self, records):
        self.table.finder.prefetch(records)
        keys = self.table.xml_ids.read(
            "chaser.promise", "promise", [record.key for record in records]
        )
        self._read_invoices(records)
        self._read_currencies()
        return [
            Change(record, SAME) if record.key in keys else self._plan_one(record)
            for record in records
        ]

    def _read_invoices(self, records):
        numbers = {n for record in records for n in record.values.get("invoices", ())}
        moves = self.env["account.move"].search(
            [
                ("company_id", "=", self.company.id),
                ("name", "in", list(numbers)),
                ("move_type", "in", ("out_invoice", "out_receipt")),
            ]
        )
        self.moves = {move.name: move for move in moves}

    def _read_currencies(self):
        rows = self.env["res.currency"].search([])
        self.currencies = {row.name: row.id for row in rows}

    def _plan_one(self, record):
        told = record.values
        match = self.table.find(record)
        if isinstance(match, Change):
            return match
        if not match.partner and not match.planned:
            return refuse(record, "no_customer", detail=self.name(record))
        day = told["date_promised"]
        state = told["state"] or ("open" if day >= self.today else "")
        if not state or (state == "open" and day < self.today):
            return refuse(record, "past_promise", detail=fields.Date.to_string(day))
        code = told.get("currency", "").upper()
        if code and code not in self.currencies:
            return refuse(record, "no_currency", detail=code)
        customer = match.partner.commercial_partner_id
        moves = [
            self.moves[number].id
            for number in told.get("invoices", ())
            if number in self.moves
            and self.moves[number].commercial_partner_id == customer
        ]
        missing = [n for n in told.get("invoices", ()) if n not in self.moves]
        values = {
            "partner_id": customer.id,
            "date_promised": day,
            "promised_at": told.get("promised_at") or fields.Datetime.now(),
            "amount": float(told.get("amount") or 0),
            "currency_id": self.currencies.get(code) or self.company.currency_id.id,
            "note": told.get("note") or False,
            "source": "other",
            "state": state,
            "move_ids": [(6, 0, moves)],
        }
        return Change(
            record,
            NEW,
            self.name(record),
            values,
            {"date_promised": ("", day)},
            ("no_invoice", {"detail": ", ".join(missing)[:200]}) if missing else None,
            partner_id=customer.id,
        )

    def apply(self, changes):
        """A promise that is over comes in as what became of it, and asks nobody for
        anything; one that is not holds what it covers, as one that is made here."""
        Promise = self.env["chaser.promise"].sudo().with_company(self.company)
        for change in changes:
            values = dict(change.values)
            over = values["state"] != "open"
            promise = Promise.create(
                values
                | {
                    "company_id": self.company.id,
                    "user_id": False if over else self.env.uid,
                    "settled_at": fields.Datetime.to_datetime(values["date_promised"])
                    if over
                    else False,
                }
            )
            if over:
                promise.write({"line_ids": [(5,)], "covered_move_ids": [(5,)]})
            self.table.xml_ids.write("promise", [(change.record.key, promise)])


class NoteWriter:
    """Notes in the chatter of the customer, with their day and author."""

    def __init__(self, table):
        self.table, self.env, self.company = table, table.env, table.company

    def identities(self, record):
        return [record.key]

    def name(self, record):
        return record.values.get("note", "")[:80]

    def plan(self, records):
        self.table.finder.prefetch(records)
        ids = [self._message_id(record) for record in records]
        known = set(
            self.env["mail.message"]
            .sudo()
            .search([("message_id", "in", ids)])
            .mapped("message_id")
        )
        return [
            Change(record, SAME)
            if self._message_id(record) in known
            else self._plan_one(record)
            for record in records
        ]

    def _message_id(self, record):
        """A Message-ID that is always the same for this note in this company."""
        told = self.table.xml_ids.name("note", record.key)
        return f"<{hashlib.sha256(told.encode()).hexdigest()[:40]}@chaser-import>"

    def _plan_one(self, record):
        match = self.table.find(record)
        if isinstance(match, Change):
            return match
        if not match.partner and not match.planned:
            return refuse(record, "no_customer", detail=self.name(record))
        return Change(
            record,
            NEW,
            self.name(record),
            difference={"note": ("", record.values["note"][:200])},
            partner_id=match.partner.id,
        )

    def apply(self, changes):
        author = self.env.user.partner_id
        self.env["mail.message"].sudo().create(
            [
                {
                    "model": "res.partner",
                    "res_id": change.partner_id,
                    "chaser_company_id": self.company.id,
                    "message_type": "comment",
                    "subtype_id": self.env.ref("mail.mt_note").id,
                    "author_id": author.id,
                    "date": change.record.values.get("written_at")
                    or fields.Datetime.now(),
                    "message_id": self._message_id(change.record),
                    "body": self._get_body(change.record.values),
                }
                for change in changes
            ]
        )

    def _get_body(self, told):
        body = Markup("<p>%s</p>") % told["note"]
        if told.get("author"):
            body += Markup("<p>%s</p>") % self.env._("Written by %s.", told["author"])
        return body
