import json

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.tools import SQL

# Model → the field that names the customer, and what is told of each record.
_TOLD = {
    "chaser.reminder": (
        *("sent_at", "state", "channel", "subject", "recipient_email"),
        *("recipient_others", "language", "body_text", "text_values", "paid_at"),
    ),
    "chaser.event": (
        *("occurred_at", "event_type", "ip_address", "user_agent", "device_type"),
        *("mail_client", "country_code", "city", "link_url", "verdict"),
    ),
    "chaser.inbound": (
        *("received_at", "kind", "sender_email", "sender_name", "subject"),
        "body_text",
    ),
    "chaser.answer": (
        *("answered_at", "action", "said_by", "text", "date_promised"),
        *("proposed_email", "ip_address", "user_agent"),
    ),
    "chaser.call": ("called_at", "outcome", "note"),
    "chaser.promise": ("promised_at", "date_promised", "state", "said_by", "note"),
    "chaser.dispute": ("disputed_at", "state", "reason", "resolution"),
    "chaser.hold": ("create_date", "code", "detail", "date_until", "released_at"),
}
_OF_CONTACT = (
    *("name", "email", "phone", "lang", "tz", "chaser_language", "chaser_paused_until"),
    *("chaser_pause_reason", "chaser_marketing_consent", "chaser_consent_at"),
    *("chaser_consent_proof", "chaser_source"),
)


class ChaserPerson(models.AbstractModel):
    """What one customer may ask for (GDPR articles 15, 17 and 20; UAE PDPL articles 13
    and 15): a copy of what is stored about them, and that it is erased. By a manager,
    in the user's companies."""

    _name = "chaser.person"
    _description = "Data of One Person"

    @api.model
    def _check_may(self):
        if not self.env.su and not self.env.user.has_group(
            "invoice_chaser.group_chaser_manager"
        ):
            raise AccessError(
                self.env._("Only a manager of Invoice Chaser may do this.")
            )

    @api.model
    def _get_told(self):
        """Model → the fields that the copy has; each has ``partner_id`` and
        ``company_id``. A further addon that stores personal data adds its own."""
        return _TOLD

    @api.model
    def _export(self, partner):
        """All that this addon stores about a customer and their contacts, as JSON.
        Secrets (tokens of links) are no data of the person and not in it."""
        self._check_may()
        customer = partner.commercial_partner_id
        people = self.env["res.partner"].search([("id", "child_of", customer.id)])
        told = {
            "made_at": fields.Datetime.to_string(fields.Datetime.now()),
            "companies": self.env.companies.mapped("name"),
            "contacts": self._read_records(people, _OF_CONTACT),
            "stopped_addresses": self._read_records(
                self._get_stopped(people), ("email", "reason", "suppressed_at")
            ),
        }
        for model, names in self._get_told().items():
            records = self.env[model].search(
                [
                    ("partner_id", "=", customer.id),
                    ("company_id", "in", self.env.companies.ids),
                ],
                order="id",
            )
            told[model] = self._read_records(records, names)
        return json.dumps(told, ensure_ascii=False, indent=2, default=str) + "\n"

    @api.model
    def _read_records(self, records, names):
        known = [name for name in names if name in records._fields]
        return [{name: record[name] or None for name in known} for record in records]

    @api.model
    def _get_stopped(self, people):
        return self.env["chaser.suppression"].search(
            [
                ("email", "in", people.mapped("email_normalized")),
                ("company_id", "in", self.env.companies.ids),
            ]
        )

    @api.model
    def _get_condition(self, kind, partner):
        if "partner_id" not in self.env[kind.model]._fields:
            return None
        return SQL(
            "t.partner_id = %s AND t.company_id = ANY(%s)",
            partner.commercial_partner_id.id,
            self.env.companies.ids,
        )

    @api.model
    def _describe(self, partner):
        """What is stored, and what of it may not be erased yet, line by line."""
        self._check_may()
        forget = self.env["chaser.forget"].sudo()
        lines = []
        for kind in forget._get_kinds().values():
            condition = self._get_condition(kind, partner)
            if condition is not None:
                count, kept = forget._count(kind, condition, kind.ways[0])
                lines += self._describe_kind(kind, count, kept)
        return "\n".join(lines + self._describe_rest(partner))

    @api.model
    def _describe_kind(self, kind, count, kept):
        if not count:
            return []
        labels = dict(
            self.env["chaser.retention.rule"]
            ._fields["kind"]
            ._description_selection(self.env)
        )
        lines = [
            self.env._(
                "%(what)s: %(count)s can be erased.",
                what=labels.get(kind.name, kind.name),
                count=count - kept,
            )
        ]
        if kept:
            lines.append(
                self.env._(
                    "… %s stay for now: an invoice that they are about is unpaid, or a "
                    "dispute or promise is open, and they are evidence of it.",
                    kept,
                )
            )
        return lines

    @api.model
    def _describe_rest(self, partner):
        """What is not erased at all, with the reason."""
        people = self.env["res.partner"].search(
            [("id", "child_of", partner.commercial_partner_id.id)]
        )
        lines = [
            self.env._(
                "Invoices, payments and the contact itself belong to the accounts, "
                "which the law says how long to keep: Odoo's own tools are for them."
            ),
            self.env._(
                "Promises, disputes and that a reminder was sent stay as figures, "
                "without the person's words."
            ),
        ]
        if self._get_stopped(people):
            lines.append(
                self.env._(
                    "Stopped addresses stay: without them the person would be written "
                    "to again."
                )
            )
        return lines

    @api.model
    def _erase(self, partner):
        """Erases what may be erased, at once; returns the report."""
        self._check_may()
        partner.check_access("read")
        forget = self.env["chaser.forget"].sudo()
        before, count = self._describe(partner), 0
        for kind in forget._get_kinds().values():
            condition = self._get_condition(kind, partner)
            while condition is not None and (
                done := forget._forget(kind, condition, kind.ways[0])
            ):
                count += done
        customer = partner.commercial_partner_id.sudo()
        for model in ("chaser.promise", "chaser.dispute"):
            records = self.env[model].sudo()
            done = records.search(
                [
                    ("partner_id", "=", customer.id),
                    ("company_id", "in", self.env.companies.ids),
                    ("state", "!=", "open"),
                ]
            )
            for name in ("said_by", "note", "resolution"):
                if name in done._fields:
                    done.write({name: False})
        customer._message_log(
            author_id=self.env.user.partner_id.id,
            body=self.env._(
                "Personal data of reminders was erased on request: %s records.", count
            ),
        )
        after = self._describe(partner)
        return "\n\n".join(
            (
                self.env._("Erased: %s records.", count),
                self.env._("Before:") + "\n" + before,
                self.env._("Now:") + "\n" + after,
            )
        )
