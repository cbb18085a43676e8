from odoo import api, fields, models
from odoo.tools import SQL, email_normalize_all

from ...core.mail.addresses import read_addresses
from .chaser_standing import MOMENTS


class ResPartner(models.Model):
    _inherit = "res.partner"  # pylint: disable=consider-merging-classes-inherited  # mail that comes in

    chaser_address_note = fields.Text(
        "About the Addresses",
        compute="_compute_chaser_address_note",
        groups="invoice_chaser.group_chaser_user",
    )

    chaser_inbound_count = fields.Integer(
        compute="_compute_chaser_inbound_count",
        groups="invoice_chaser.group_chaser_user",
    )
    chaser_soft_bounce_count = fields.Integer(
        "Failed Deliveries",
        compute="_compute_chaser_soft_bounce_count",
        groups="invoice_chaser.group_chaser_user",
        help="Reminders of the last 90 days that did not arrive although the address "
        "may exist: mailbox full, server down.",
    )

    chaser_payment_reference = fields.Char(
        "Payment Reference",
        store=False,
        search="_search_chaser_payment_reference",
        groups="invoice_chaser.group_chaser_user",
        help="Who got a message with this reference.",
    )
    chaser_last_reminder_at = fields.Datetime(
        "Last Reminder",
        compute="_compute_chaser_standing",
        search="_search_chaser_last_reminder_at",
        groups="invoice_chaser.group_chaser_user",
    )
    chaser_last_opened_at = fields.Datetime(
        "Last Opened",
        compute="_compute_chaser_standing",
        search="_search_chaser_last_opened_at",
        groups="invoice_chaser.group_chaser_user",
    )
    chaser_last_clicked_at = fields.Datetime(
        "Last Clicked",
        compute="_compute_chaser_standing",
        search="_search_chaser_last_clicked_at",
        groups="invoice_chaser.group_chaser_user",
    )
    chaser_last_answered_at = fields.Datetime(
        "Last Answered",
        compute="_compute_chaser_standing",
        search="_search_chaser_last_answered_at",
        groups="invoice_chaser.group_chaser_user",
    )
    chaser_bounce_count = fields.Integer(
        "Bounced",
        compute="_compute_chaser_standing",
        search="_search_chaser_bounce_count",
        groups="invoice_chaser.group_chaser_user",
        help="Reminders of this company that came back.",
    )
    chaser_habit = fields.Char(
        "Reply Habit",
        compute="_compute_chaser_standing",
        groups="invoice_chaser.group_chaser_user",
    )
    chaser_contact_status = fields.Selection(
        [
            ("reachable", "Reachable"),
            ("stopped", "Stopped"),
            ("missing", "No usable address"),
        ],
        "Contact Status",
        compute="_compute_chaser_contact_status",
        search="_search_chaser_contact_status",
        groups="invoice_chaser.group_chaser_user",
        help="Whether reminders of this company can reach the customer by e-mail.",
    )
    chaser_contact_reason = fields.Char(
        "Contact Status in Words",
        compute="_compute_chaser_contact_status",
        groups="invoice_chaser.group_chaser_user",
    )

    @api.depends_context("company", "lang")
    def _compute_chaser_standing(self):
        found = self.env["chaser.standing"]._read(self.commercial_partner_id)
        for partner in self:
            facts = found.get(partner.commercial_partner_id.id) or {}
            for name in MOMENTS:
                partner[name] = facts.get(name)
            partner.chaser_bounce_count = facts.get("chaser_bounce_count") or 0
            partner.chaser_habit = bool(facts) and self.env._(
                "Answered %(answered)s of %(count)s reminders",
                answered=facts["answered"],
                count=facts["reminders"],
            )

    @api.depends_context("company", "lang")
    def _compute_chaser_contact_status(self):
        partners = self.commercial_partner_id._origin
        found = self.env["chaser.standing"]._read_contact(partners)
        for partner in self:
            key = partner.commercial_partner_id._origin.id
            partner.chaser_contact_status, partner.chaser_contact_reason = found.get(
                key, (False, False)
            )

    def _search_chaser_last_reminder_at(self, operator, value):
        name = "chaser_last_reminder_at"
        return self.env["chaser.standing"]._search_by(name, operator, value)

    def _search_chaser_last_opened_at(self, operator, value):
        return self.env["chaser.standing"]._search_by(
            "chaser_last_opened_at", operator, value
        )

    def _search_chaser_last_clicked_at(self, operator, value):
        name = "chaser_last_clicked_at"
        return self.env["chaser.standing"]._search_by(name, operator, value)

    def _search_chaser_payment_reference(self, operator, value):
        if operator not in ("in", "like", "ilike"):
            return NotImplemented
        letters = self.env["chaser.reminder"].search(
            [("payment_reference", operator, value)]
        )
        return [("id", "in", letters.partner_id.ids)]

    def _search_chaser_last_answered_at(self, operator, value):
        name = "chaser_last_answered_at"
        return self.env["chaser.standing"]._search_by(name, operator, value)

    def _search_chaser_bounce_count(self, operator, value):
        return self.env["chaser.standing"]._search_by(
            "chaser_bounce_count", operator, value
        )

    def _search_chaser_contact_status(self, operator, value):
        """By the same rules as planning, for all customers at once."""
        if operator != "in":
            return NotImplemented
        customers = self.search(
            [("customer_rank", ">", 0), ("chaser_is_customer", "=", True)]
        )
        found = self.env["chaser.standing"]._read_contact(customers)
        return [("id", "in", [key for key, one in found.items() if one[0] in value])]

    def _compute_chaser_inbound_count(self):
        rows = self.env["chaser.inbound"]._read_group(
            [("partner_id", "in", self.commercial_partner_id.ids)],
            ["partner_id"],
            ["__count"],
        )
        counts = {partner.id: count for partner, count in rows}
        for partner in self:
            partner.chaser_inbound_count = counts.get(
                partner.commercial_partner_id.id, 0
            )

    def _compute_chaser_soft_bounce_count(self):
        self.env["chaser.event"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT partner_id, count(DISTINCT reminder_id) FROM chaser_event
                WHERE partner_id = ANY(%s) AND company_id = ANY(%s)
                AND event_type = 'bounced' AND raw_data->>'bounce_class' = 'soft'
                AND occurred_at > %s
                GROUP BY partner_id""",
                self.commercial_partner_id.ids,
                self.env.companies.ids,
                fields.Datetime.subtract(fields.Datetime.now(), days=90),
            )
        )
        counts = dict(rows)
        for partner in self:
            partner.chaser_soft_bounce_count = counts.get(
                partner.commercial_partner_id.id, 0
            )

    def action_view_chaser_inbound(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "invoice_chaser.chaser_inbound_action"
        )
        return action | {
            "domain": [("partner_id", "=", self.commercial_partner_id.id)],
            "context": {},
        }

    # -- a message in the chatter releases the hold

    def _message_post_after_hook(self, message, msg_values):
        result = super()._message_post_after_hook(message, msg_values)
        if len(self) == 1:
            self._on_answered(message)
        return result

    def _on_answered(self, message, company=None):
        """A colleague has written to the customer, in the chatter or by mail (a note
        does not count): the hold of the customer's answer is released."""
        author = (
            message.author_id.sudo()
            .with_context(active_test=False)
            .user_ids.filtered(lambda user: not user.share)[:1]
        )
        if (
            message.message_type not in ("comment", "email", "email_outgoing")
            or message.is_internal
            or message.subtype_id.internal
            or not author
        ):
            return
        customer = self.commercial_partner_id
        companies = company or (
            author.company_ids
            if message.message_type == "email"
            else self.env.companies
        )
        holds = (
            self.env["chaser.hold"]
            .sudo()
            .search(
                [
                    ("partner_id", "=", customer.id),
                    ("company_id", "in", companies.ids),
                    ("code", "=", "reply"),
                    ("released_at", "=", False),
                ]
            )
        )
        if holds and self._is_addressed(message, customer):
            holds.with_user(author).sudo().action_release()

    def _is_addressed(self, message, customer):
        """Whether a message in the chatter reaches the customer: one of its contacts,
        or a follower of the document."""
        addresses = set(email_normalize_all(message.outgoing_email_to or ""))
        document = self.env[message.model].browse(message.res_id)
        readers = (
            message.partner_ids | document.sudo().message_follower_ids.partner_id
        ).commercial_partner_id
        return customer in readers or bool(
            addresses
            & set(
                customer.sudo()
                .search([("id", "child_of", customer.id)])
                .mapped("email_normalized")
            )
        )

    # -- where reminders go, and what a person should know about it

    @api.depends("email", "child_ids.email", "child_ids.type")
    @api.depends_context("company", "lang")
    def _compute_chaser_address_note(self):
        customers = self.commercial_partner_id.with_context(lang=self.env.lang)
        notes = customers._get_chaser_address_notes() if customers.ids else {}
        for partner in self:
            partner.chaser_address_note = notes.get(partner.commercial_partner_id.id)

    def _get_chaser_address_notes(self):
        """What a person should know about where reminders go: partner id → text."""
        reasons = self.env["chaser.reason.mixin"]
        notes = {}
        for row in self._read_emails():
            lines = [
                reasons._get_reason_text(code, params)
                for code, params in self._find_address_problems(row)
            ]
            lines += [
                self.env._(
                    "%(absent)s is out of office: reminders go to %(contact)s.",
                    absent=absent,
                    contact=contact,
                )
                for absent, contact in (row["substitutes"] or {}).items()
            ]
            notes[row["id"]] = "\n".join(lines)
        return notes

    def _get_chaser_address_problems(self):
        """What is entered beside the usable addresses, or in place of them, and cannot
        be written to: partner id → (code of the reason, its parameters) of each."""
        return {
            row["id"]: problems
            for row in self._read_emails()
            if (problems := self._find_address_problems(row))
        }

    @api.model
    def _find_address_problems(self, row):
        """Of those that are asked until an address is found, and of whom it is."""
        problems = {}
        for group in (row["site_emails"] or (), [row["own_email"]]):
            entries = [entry for text in group for entry in read_addresses(text or "")]
            for entry in entries:
                if entry.problem:
                    params = {"detail": entry.text[:100]}
                    problems[entry.text] = (f"address_{entry.problem}", params)
            if any(entry.address for entry in entries):
                break
        return list(problems.values())


class AccountMove(models.Model):
    _inherit = "account.move"  # pylint: disable=consider-merging-classes-inherited  # mail that comes in

    def _message_post_after_hook(self, message, msg_values):
        result = super()._message_post_after_hook(message, msg_values)
        if (
            len(self) == 1
            and self.is_sale_document(include_receipts=True)
            and self.commercial_partner_id
        ):
            self.commercial_partner_id._on_answered(message, self.company_id)
        return result
