import hashlib
import logging

import psycopg2.errors
from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL, plaintext2html

from ...core.inbound.inbound import Inbound, find_numbers

_logger = logging.getLogger(__name__)
_VERDICTS = ("hard", "policy", "soft", "delayed")
# How far back a sender and an invoice number are looked for.
_MATCH_DAYS = 365


class ChaserInbound(models.Model):
    """A mail that came in and concerns our reminders: an answer, an automatic reply, a
    report of a mail server, a complaint. Other mail of the mailbox is never stored."""

    _name = "chaser.inbound"
    _description = "Incoming Mail"
    _inherit = ["chaser.company.mixin"]
    _order = "received_at desc, id desc"
    _rec_name = "subject"
    _check_company_auto = True

    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, index=True
    )
    provider_id = fields.Many2one(
        "chaser.provider",
        "Mailbox",
        readonly=True,
        check_company=True,
        index="btree_not_null",
        ondelete="set null",
    )
    mail_key = fields.Char(
        required=True,
        readonly=True,
        help="The Message-ID, so that a mail that is read twice counts once.",
    )
    sender_email = fields.Char("From", readonly=True)
    sender_name = fields.Char(readonly=True)
    subject = fields.Char(readonly=True)
    received_at = fields.Datetime(
        "Date", required=True, readonly=True, default=fields.Datetime.now
    )
    kind = fields.Selection(
        [
            ("reply", "Answer"),
            ("auto_reply", "Automatic reply"),
            ("bounce", "Delivery report"),
            ("complaint", "Complaint"),
            ("broken", "Could not be processed"),
        ],
        required=True,
        readonly=True,
    )
    verdict = fields.Selection(
        [
            ("hard", "Address does not exist"),
            ("soft", "Failed, may work later"),
            ("delayed", "Delayed"),
            ("policy", "Refused as spam or by a rule"),
        ],
        "Report",
        readonly=True,
    )
    snippet = fields.Char("Text", readonly=True)
    body_text = fields.Text("Whole Text", readonly=True)
    failures = fields.Json(
        readonly=True,
        help="The recipients of a delivery report: address, verdict, status, words.",
    )
    state = fields.Selection(
        [("unmatched", "Unmatched"), ("matched", "Matched"), ("ignored", "Ignored")],
        required=True,
        readonly=True,
        default="unmatched",
        index=True,
    )
    matched_by = fields.Selection(
        [
            ("reference", "Reference to our message"),
            ("token", "Our address or link"),
            ("number", "Sender and invoice number"),
            ("person", "A person"),
        ],
        readonly=True,
    )
    partner_id = fields.Many2one(
        "res.partner",
        "Customer",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
    reminder_id = fields.Many2one(
        "chaser.reminder",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
        check_company=True,
    )
    settled_by_id = fields.Many2one("res.users", "Settled by", readonly=True)
    attachment_count = fields.Integer(
        "Attachments", compute="_compute_attachment_count"
    )

    _mail_uniq = models.UniqueIndex(
        "(company_id, mail_key)", "This mail has been read already."
    )

    def _compute_attachment_count(self):
        rows = (
            self.env["ir.attachment"]
            .sudo()
            ._read_group(
                [("res_model", "=", self._name), ("res_id", "in", self.ids)],
                ["res_id"],
                ["__count"],
            )
        )
        counts = dict(rows)
        for record in self:
            record.attachment_count = counts.get(record.id, 0)

    # -- actions of a person

    def _check_may_act(self):
        """Who may read it may settle it. Accountants have read access only; the program
        writes as superuser."""
        self.check_access("read")
        self.env["chaser.campaign"].check_access("write")
        return self.sudo()

    def action_ignore(self):
        """Take it off the list; the record stays as evidence that it was read."""
        self._check_may_act().filtered(
            lambda record: record.state == "unmatched"
        ).write({"state": "ignored", "settled_by_id": self.env.uid})

    def action_assign(self):
        """Ask for the customer, or the reminder, that this is about."""
        self.ensure_one()
        self._check_may_act()
        wizard = self.env["chaser.inbound.assign"].create(
            {"inbound_id": self.id, "company_id": self.company_id.id}
        )
        return {
            "type": "ir.actions.act_window",
            "res_model": "chaser.inbound.assign",
            "res_id": wizard.id,
            "view_mode": "form",
            "target": "new",
            "name": self.env._("Assign to a Customer"),
        }

    def action_open_customer(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": "res.partner",
            "res_id": self.partner_id.id,
            "view_mode": "form",
        }

    def _assign(self, partner, reminder):
        """What a person decided has the same effects as a match found by the program.

        :raises UserError: when it is settled already
        """
        record = self._check_may_act()
        record.lock_for_update()
        record.invalidate_recordset()
        if record.state == "matched":
            raise UserError(
                self.env._(
                    "This mail belongs to %s already.", record.partner_id.display_name
                )
            )
        record.write(
            {
                "state": "matched",
                "matched_by": "person",
                "partner_id": partner.commercial_partner_id.id,
                "reminder_id": reminder.id,
                "settled_by_id": self.env.uid,
            }
        )
        record._apply()

    # -- taking mail in

    @api.model
    def _receive(self, company, found: Inbound, provider=None):
        """Take one mail in for a company: match it, keep it where it concerns us, and
        do what it asks for.

        As superuser. A mail that was taken in before changes nothing.

        :return: the new record; empty when it was taken in before, or does not concern
        our reminders"""
        Inbound = self.sudo().with_company(company)
        if found.kind == "notice" or Inbound._is_known(company, found.key):
            return self.browse()
        reminder, matched_by = Inbound._match(company, found)
        if not reminder and not Inbound._concerns(company, found):
            return self.browse()
        record = Inbound._create_once(
            Inbound._prepare_values(company, found, provider, reminder, matched_by),
            found.attachments,
        )
        if record and reminder:
            record._apply(found.left_out)
        return record

    @api.model
    def _is_known(self, company, key):
        return bool(
            self.sudo().search_count(
                [("company_id", "=", company.id), ("mail_key", "=", key)], limit=1
            )
        )

    @api.model
    def _prepare_values(self, company, found, provider, reminder, matched_by):
        verdicts = [failure.verdict for failure in found.failures]
        return {
            "company_id": company.id,
            "provider_id": provider.id if provider else False,
            "mail_key": found.key,
            "sender_email": found.sender,
            "sender_name": found.sender_name,
            "subject": found.subject,
            "received_at": found.date or fields.Datetime.now(),
            "kind": found.kind,
            "verdict": next(
                (verdict for verdict in _VERDICTS if verdict in verdicts), False
            ),
            "snippet": found.snippet,
            "body_text": found.text,
            "state": "matched" if reminder else "unmatched",
            "matched_by": matched_by,
            "reminder_id": reminder.id,
            "partner_id": reminder.partner_id.id,
            "failures": [
                {
                    "addresses": list(failure.addresses),
                    "verdict": failure.verdict,
                    "status": failure.status,
                    "words": failure.words,
                    "widespread": failure.widespread,
                }
                for failure in found.failures
            ],
        }

    @api.model
    def _create_once(self, values, attachments):
        try:
            with self.env.cr.savepoint():
                record = self.create(values)
        except psycopg2.errors.UniqueViolation:
            _logger.info("The same mail was taken in by another process")
            return self.browse()
        # They belong to the record: only its readers may read them.
        self.env["ir.attachment"].create(
            [
                {
                    "name": file.name,
                    "raw": file.content,
                    "res_model": self._name,
                    "res_id": record.id,
                }
                for file in attachments
            ]
        )
        return record

    # -- whom it is about: our reference, our token, sender and invoice number; within
    # one company

    @api.model
    def _match(self, company, found):
        """The reminder that a mail is about, and what proves it; ``(empty, False)``
        when nothing does."""
        for matched_by, reminder in (
            ("reference", lambda: self._match_references(company, found.references)),
            ("token", lambda: self._match_tokens(company, found.tokens)),
            ("number", lambda: self._match_number(company, found)),
        ):
            record = reminder()
            if record:
                return record, matched_by
        return self.env["chaser.reminder"], False

    @api.model
    def _get_our_ids_domain(self, company, references):
        """Reminders with one of these Message-IDs, ours or the one that the mail
        service gave instead. ``company`` None: of any company."""
        ids = list(references)
        own = Domain("message_id", "in", ids) | Domain("internet_message_id", "in", ids)
        return own & Domain("company_id", "=", company.id) if company else own

    @api.model
    def _match_references(self, company, references):
        if not references:
            return self.env["chaser.reminder"]
        return (
            self.env["chaser.reminder"]
            .sudo()
            .search(
                self._get_our_ids_domain(company, references),
                order="sent_at desc nulls last, id desc",
                limit=1,
            )
        )

    @api.model
    def _match_tokens(self, company, tokens):
        """By the token in an address or link; mail servers may have changed its letter
        case."""
        Reminder = self.env["chaser.reminder"].sudo()
        if not tokens:
            return Reminder
        Reminder.flush_model(["token", "company_id"])
        rows = self.env.execute_query(
            SQL(
                "SELECT id FROM chaser_reminder WHERE lower(token) = ANY(%s) %s ORDER "
                "BY id DESC LIMIT 1",
                list(tokens),
                SQL("AND company_id = %s", company.id) if company else SQL(),
            )
        )
        return Reminder.browse(row[0] for row in rows)

    @api.model
    def _match_number(self, company, found):
        """By an address that we wrote to, and the number of an invoice that we asked
        for."""
        Reminder = self.env["chaser.reminder"].sudo()
        if found.kind != "reply" or not found.sender:
            return Reminder
        Reminder.flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT r.id, array_agg(l.number) FROM chaser_reminder r
                JOIN chaser_reminder_line l ON l.reminder_id = r.id AND NOT l.is_credit
                WHERE r.company_id = %s AND r.state = 'sent' AND r.sent_at > %s
                AND l.number IS NOT NULL AND %s
                GROUP BY r.id ORDER BY r.sent_at DESC, r.id DESC LIMIT 100""",
                company.id,
                fields.Datetime.subtract(fields.Datetime.now(), days=_MATCH_DAYS),
                self._get_written_sql(found.sender),
            )
        )
        text = f"{found.subject}\n{found.text}"
        return Reminder.browse(
            next(
                (
                    reminder_id
                    for reminder_id, numbers in rows
                    if find_numbers(text, numbers)
                ),
                None,
            )
        )

    @api.model
    def _get_written_sql(self, address):
        """Condition on ``chaser_reminder r``: it went to the address, or to a customer
        who has a contact with it."""
        return SQL(
            """(r.recipient_email = %(address)s OR r.recipient_others IS NOT NULL
            AND %(address)s = ANY(string_to_array(r.recipient_others, ', '))
                OR r.partner_id = ANY(ARRAY(SELECT commercial_partner_id
                FROM res_partner WHERE email_normalized = %(address)s)))""",
            address=address,
        )

    @api.model
    def _concerns(self, company, found):
        """Whether a mail without a match belongs on the list: it comes from somebody we
        wrote to, or says that an address of theirs fails. An automatic reply that names
        nothing of ours does not."""
        if found.kind == "reply":
            return not found.is_list and self._is_written_to(company, [found.sender])
        if found.kind in ("bounce", "complaint"):
            return self._is_written_to(
                company,
                [
                    address
                    for failure in found.failures
                    for address in failure.addresses
                ],
            )
        return False

    @api.model
    def _is_written_to(self, company, addresses):
        """Whether the company has sent a reminder to one of these addresses, or to a
        customer who has a contact with one."""
        return bool(self._find_written_to(company, addresses))

    @api.model
    def _receive_broken(self, company, found, provider):
        """A mail that could not be processed: only its headers are kept, and a person
        reads it in the mailbox."""
        if self._is_known(company, found.key):
            return self.browse()
        values = self._prepare_values(
            company, found, provider, self.env["chaser.reminder"], False
        )
        return (
            self.sudo()
            .with_company(company)
            ._create_once(
                values
                | {
                    "kind": "broken",
                    "body_text": False,
                    "snippet": False,
                    "failures": False,
                },
                (),
            )
        )

    # -- for a whole page of a mailbox: a fixed number of queries

    @api.model
    def _find_known(self, company, keys):
        """Which of these mails were taken in before."""
        return set(
            self.sudo()
            .search(
                [
                    ("company_id", "=", company.id),
                    ("mail_key", "in", list(filter(None, keys))),
                ]
            )
            .mapped("mail_key")
        )

    @api.model
    def _find_our_ids(self, company, references):
        """Which of these Message-IDs are those of our reminders."""
        reminders = (
            self.env["chaser.reminder"]
            .sudo()
            .search_fetch(
                self._get_our_ids_domain(company, references),
                ["message_id", "internet_message_id"],
            )
        )
        return set(reminders.mapped("message_id")) | set(
            reminders.mapped("internet_message_id")
        )

    @api.model
    def _find_written_to(self, company, addresses):
        """Which of these addresses are those of customers that the company has written
        to."""
        self.env["chaser.reminder"].flush_model()
        self.env["res.partner"].flush_model(
            ["email_normalized", "commercial_partner_id"]
        )
        rows = self.env.execute_query(
            SQL(
                """SELECT recipient_email FROM chaser_reminder
                WHERE company_id = %(company)s AND recipient_email = ANY(%(addresses)s)
                AND attempted_at IS NOT NULL
                UNION
               SELECT o.address FROM chaser_reminder r,
               unnest(string_to_array(r.recipient_others, ', ')) AS o(address)
                WHERE r.company_id = %(company)s AND r.recipient_others IS NOT NULL
                AND r.attempted_at IS NOT NULL AND o.address = ANY(%(addresses)s)
                UNION
               SELECT p.email_normalized FROM res_partner p
                WHERE p.email_normalized = ANY(%(addresses)s) AND EXISTS (
                    SELECT 1 FROM chaser_reminder r
                     WHERE r.company_id = %(company)s AND r.partner_id =
                     p.commercial_partner_id AND r.attempted_at IS NOT NULL)""",
                company=company.id,
                addresses=list(set(filter(None, addresses))),
            )
        )
        return {row[0] for row in rows}

    # -- helpers of the effects

    def _make_event_id(self, part=""):
        """Names one consequence of one mail, so that it is recorded once."""
        self.ensure_one()
        return f"mail:{self.company_id.id}:{hashlib.sha256(f'{self.mail_key}|{part}'.encode()).hexdigest()[:40]}"  # noqa: E501

    def _get_body(self, left_out=0):
        body = plaintext2html(self.body_text or "")
        if left_out:
            body += Markup("<p><em>%s</em></p>") % self.env._(
                "%s attachments were too large and stay in the mailbox.", left_out
            )
        return body
