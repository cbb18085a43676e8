from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL, email_normalize

from ...core.inbound.inbound import find_numbers

# How far back a sender and an invoice number are looked for.
MATCH_DAYS = 365
# How the Message-IDs of our reminders begin.
_OUR_FORM = "<chaser."


class ChaserInboundMatcher(models.AbstractModel):
    """Whom a mail that came in is about, within one company and its branches; and which
    mails of a mailbox are worth fetching."""

    _name = "chaser.inbound.matcher"
    _description = "Matching of Incoming Mail"

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
        if company:
            own &= Domain("company_id", "in", company._get_chaser_served().ids)
        return own

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
        ) or self._match_thread(company, references)

    @api.model
    def _match_thread(self, company, references):
        """By a mail that was taken in for a reminder, and is answered here."""
        domain = Domain("mail_key", "in", list(references)) & Domain(
            "reminder_id", "!=", False
        )
        if company:
            domain &= Domain("company_id", "in", company._get_chaser_served().ids)
        mails = self.env["chaser.inbound"].sudo()
        return mails.search(domain, order="id desc", limit=1).reminder_id

    @api.model
    def _match_tokens(self, company, tokens):
        """By the token in an address or link, whose capitals a mail server may have
        lost."""
        Reminder = self.env["chaser.reminder"].sudo()
        if not tokens:
            return Reminder
        Reminder.flush_model(["token", "stop_token", "reply_token", "company_id"])
        rows = self.env.execute_query(
            SQL(
                "SELECT id FROM chaser_reminder WHERE (lower(token) = ANY(%(tokens)s) "
                "OR lower(stop_token) = ANY(%(tokens)s) OR lower(reply_token) = "
                "ANY(%(tokens)s)) %(where)s ORDER BY id DESC LIMIT 1",
                tokens=list(tokens),
                where=SQL(
                    "AND company_id = ANY(%s)", list(company._get_chaser_served().ids)
                )
                if company
                else SQL(),
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
                WHERE r.company_id = ANY(%s) AND r.state = 'sent' AND r.sent_at > %s
                AND l.number IS NOT NULL AND %s
                GROUP BY r.id ORDER BY r.sent_at DESC, r.id DESC LIMIT 100""",
                list(company._get_chaser_served().ids),
                fields.Datetime.subtract(fields.Datetime.now(), days=MATCH_DAYS),
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
        wrote to, or says that their address fails; and a report that returns a message
        of ours which nobody knows any more, or nothing at all. An automatic reply that
        names nothing of ours does not."""
        if found.kind == "reply":
            return self._is_written_to(company, [found.sender])
        if found.kind in ("bounce", "complaint"):
            people = [
                address for failure in found.failures for address in failure.addresses
            ]
            return (
                self._is_written_to(company, people)
                or not people
                and not found.references
                or any(ref.startswith(_OUR_FORM) for ref in found.references)
                and not self._match_references(None, found.references)
            )
        return False

    # -- our own mail

    @api.model
    def _is_own(self, company, found, reminder):
        """Whether we or a colleague wrote it: one of the company's mailboxes, or one of
        its users. Whoever got the reminder is a customer."""
        if found.kind not in ("reply", "auto_reply") or not found.sender:
            return False
        if reminder and found.sender in reminder._get_all_recipients():
            return False
        providers = (
            self.env["chaser.provider"]
            .sudo()
            .search_fetch(
                [("company_id", "in", company._get_chaser_served().ids)],
                ["email", "reply_to"],
            )
        )
        own = {
            email_normalize(address or "")
            for address in (
                *providers.mapped("email"),
                *providers.mapped("reply_to"),
                company.email,
                company.catchall_email,
            )
        }
        return found.sender in own or bool(
            self.env["res.users"]
            .sudo()
            .search_count(
                [
                    ("share", "=", False),
                    ("company_ids", "in", company._get_chaser_served().ids),
                    ("partner_id.email_normalized", "=", found.sender),
                ],
                limit=1,
            )
        )

    @api.model
    def _is_answer_to(self, reminder, found):
        """Whether a mail of ours went to the customer. What colleagues say to each
        other, and the copy of a reminder itself, is none of our business."""
        if not reminder or found.message_id in self._find_our_ids(
            reminder.company_id, [found.message_id]
        ):
            return False
        people = self.env["res.partner"].search(
            [
                ("id", "child_of", reminder.partner_id.commercial_partner_id.id),
                ("email_normalized", "in", found.recipients),
            ],
            limit=1,
        )
        return bool(
            people or set(reminder._get_all_recipients()) & set(found.recipients)
        )

    @api.model
    def _is_written_to(self, company, addresses):
        """Whether the company has sent a reminder to one of these addresses, or to a
        customer who has a contact with one."""
        return bool(self._find_written_to(company, addresses))

    # -- for a whole page of a mailbox: a fixed number of queries

    @api.model
    def _find_known(self, company, keys):
        """Which of these mails were taken in before."""
        return set(
            self.env["chaser.inbound"]
            .sudo()
            .search(
                [
                    ("company_id", "in", company._get_chaser_served().ids),
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
                WHERE company_id = ANY(%(companies)s)
                AND recipient_email = ANY(%(addresses)s)
                AND attempted_at IS NOT NULL
                UNION
               SELECT o.address FROM chaser_reminder r,
               unnest(string_to_array(r.recipient_others, ', ')) AS o(address)
                WHERE r.company_id = ANY(%(companies)s)
                AND r.recipient_others IS NOT NULL AND r.attempted_at IS NOT NULL
                AND o.address = ANY(%(addresses)s)
                UNION
               SELECT p.email_normalized FROM res_partner p
                WHERE p.email_normalized = ANY(%(addresses)s) AND EXISTS (
                    SELECT 1 FROM chaser_reminder r
                     WHERE r.company_id = ANY(%(companies)s) AND r.partner_id =
                     p.commercial_partner_id AND r.attempted_at IS NOT NULL)""",
                companies=list(company._get_chaser_served().ids),
                addresses=list(set(filter(None, addresses))),
            )
        )
        return {row[0] for row in rows}

    @api.model
    def _choose_page(self, company, outlines, own):
        """Those of a page worth fetching: answers to us, reports, and mail of people we
        wrote to, which is not known yet. A fixed number of queries.

        :param outlines: reference at the mail service → ``Outline``
        :param own: the mailbox's own address
        """
        references = [
            ref for outline in outlines.values() for ref in outline.references
        ]
        known = self._find_known(
            company,
            [outline.message_id for outline in outlines.values()] + references,
        )
        # Ours, and what was taken in and is answered by a colleague.
        ours = self._find_our_ids(company, references) | known
        written = self._find_written_to(
            company,
            [outline.sender for outline in outlines.values() if outline.sender != own],
        )
        return [
            ref
            for ref, outline in outlines.items()
            if outline.message_id not in known
            and (
                outline.is_report
                or outline.tokens
                or ours & set(outline.references)
                or (outline.sender in written and not outline.is_automatic)
            )
        ]
