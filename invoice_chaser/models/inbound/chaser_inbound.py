import hashlib
import logging
from dataclasses import replace

import psycopg2.errors
from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import plaintext2html

from ...core.inbound.inbound import Inbound
from ...core.status.tracking import mask_tokens
from .chaser_inbound_matcher import MATCH_DAYS

_logger = logging.getLogger(__name__)
_VERDICTS = ("hard", "policy", "soft", "delayed")
# Marks the attachment that is the mail itself.
_SOURCE = "chaser.inbound.source"


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
            ("own", "Our answer"),
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
    body_text = fields.Text(
        "Text of the Mail", readonly=True, help="What they wrote themselves."
    )
    quoted_text = fields.Text(
        readonly=True, help="What they answered to, as far as their mail repeats it."
    )
    left_out = fields.Char(
        readonly=True,
        help="Files that are not kept because they are too large, too many, or cut.",
    )
    is_cut = fields.Boolean(
        "Longer Than Shown",
        readonly=True,
        help="The mail is longer than what is read of it; the rest is in the mailbox.",
    )
    source_id = fields.Many2one(
        "ir.attachment",
        "Original",
        compute="_compute_source_id",
        help="The mail as it came.",
    )
    absence_until = fields.Date(
        "Back On",
        readonly=True,
        help="The first day on which they read mail again, as their automatic reply "
        "says.",
    )
    absence_contact = fields.Char(
        "Write To",
        readonly=True,
        help="Whom their automatic reply asks to write to meanwhile.",
    )
    absence_used = fields.Boolean(readonly=True)
    absence_redirects = fields.Boolean(
        "Reminders Go to the Other Contact",
        readonly=True,
        help="Until the day on which they are back; where their reply names none, "
        "until a person ends it.",
    )
    absence_email = fields.Char("In Place Of", readonly=True)
    is_redirecting = fields.Boolean(compute="_compute_can_wait")
    can_wait = fields.Boolean(compute="_compute_can_wait")
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
            ._read_group(self._get_files_domain(), ["res_id"], ["__count"])
        )
        counts = dict(rows)
        for record in self:
            record.attachment_count = counts.get(record.id, 0)

    def _get_files_domain(self):
        """The files of the mails; the original is none of them."""
        return [
            ("res_model", "=", self._name),
            ("res_id", "in", self.ids),
            ("res_field", "=", False),
            ("description", "!=", _SOURCE),
        ]

    def _compute_source_id(self):
        sources = (
            self.env["ir.attachment"]
            .sudo()
            .search(
                [
                    ("res_model", "=", self._name),
                    ("res_id", "in", self.ids),
                    ("description", "=", _SOURCE),
                ]
            )
        )
        by_id = {source.res_id: source for source in sources}
        for record in self:
            record.source_id = by_id.get(record.id, False)

    @api.depends("absence_until", "absence_redirects", "state", "company_id")
    def _compute_can_wait(self):
        for record in self:
            today = record.company_id._get_chaser_today()
            is_away = bool(record.absence_until and record.absence_until > today)
            record.can_wait = is_away and record.state == "matched"
            record.is_redirecting = record.absence_redirects and (
                is_away or not record.absence_until
            )

    # -- actions of a person

    def action_open_source(self):
        """The mail as it came, as a file that any mail program opens."""
        self.ensure_one()
        self.check_access("read")
        if not self.source_id:
            raise UserError(
                self.env._("The original of “%s” is not kept.", self.display_name)
            )
        return {
            "type": "ir.actions.act_url",
            "url": f"/web/content/{self.source_id.id}?download=true",
            "target": "download",
        }

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
        wizard = (
            self.env["chaser.inbound.assign"]
            ._by_program()
            .create({"inbound_id": self.id, "company_id": self.company_id.id})
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
        if not record.try_lock_for_update():
            raise UserError(
                self.env._(
                    "Somebody else is deciding on this mail at this moment. Reload, "
                    "and look at what they decided."
                )
            )
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
        if found.kind == "broken":
            return Inbound._receive_broken(company, found, provider)
        matcher = self.env["chaser.inbound.matcher"]
        reminder, matched_by = matcher._match(company, found)
        if reminder and matcher._is_own(company, found, reminder):
            if not matcher._is_answer_to(reminder, found):
                return self.browse()
            found = replace(found, kind="own")
        elif not reminder and not matcher._concerns(company, found):
            return self.browse()
        record = Inbound._create_once(
            Inbound._prepare_values(company, found, provider, reminder, matched_by),
            found,
        )
        if record and reminder:
            record._apply()
        return record

    @api.model
    def _is_known(self, company, key):
        return bool(
            self.sudo().search_count(
                [
                    ("company_id", "in", company._get_chaser_served().ids),
                    ("mail_key", "=", key),
                ],
                limit=1,
            )
        )

    @api.model
    def _prepare_values(self, company, found, provider, reminder, matched_by):
        verdicts = [failure.verdict for failure in found.failures]
        return {
            # A branch's reminder may have left from the head office's mailbox.
            "company_id": reminder.company_id.id or company.id,
            "provider_id": provider.id if provider else False,
            "mail_key": found.key,
            "sender_email": found.sender,
            "sender_name": found.sender_name,
            "subject": found.subject,
            "received_at": self._get_received_at(found, reminder),
            "kind": found.kind,
            "verdict": next(
                (verdict for verdict in _VERDICTS if verdict in verdicts), False
            ),
            "snippet": found.snippet,
            "body_text": mask_tokens(found.text or ""),
            "quoted_text": found.quoted,
            "left_out": ", ".join(found.left_out)[:500],
            "is_cut": found.is_cut,
            "absence_until": found.absence and found.absence.back_on,
            "absence_contact": found.absence and found.absence.contact,
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
    def _get_received_at(self, found, reminder):
        """When it was written, unless the sender's clock is plainly wrong: in the
        future, years ago, or before what it answers."""
        now = fields.Datetime.now()
        earliest = fields.Datetime.subtract(reminder.sent_at or now, days=1)
        if not reminder.sent_at:
            earliest = fields.Datetime.subtract(now, days=MATCH_DAYS)
        return found.date if found.date and earliest <= found.date <= now else now

    @api.model
    def _create_once(self, values, found):
        self.env.cr.flush()  # errors of what the caller has written are the caller's
        try:
            with self.env.cr.savepoint():
                record = self.create(values)
        except psycopg2.errors.UniqueViolation:
            _logger.info("The same mail was taken in by another process")
            return self.browse()
        # They belong to the record: who may not read it may not read them.
        own = {"res_model": self._name, "res_id": record.id}
        self.env["ir.attachment"].create(
            [
                {"name": file.name, "raw": file.content, **own}
                for file in found.attachments
            ]
            + [
                {
                    "name": f"{(record.subject or 'mail')[:80]}.eml",
                    "raw": found.source,
                    "mimetype": "message/rfc822",
                    "description": _SOURCE,
                    **own,
                }
                for _once in (1,)
                if found.source
            ]
        )
        return record

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
                    "quoted_text": False,
                    "snippet": False,
                    "failures": False,
                },
                replace(found, attachments=()),
            )
        )

    # -- helpers of the effects

    def _make_event_id(self, part=""):
        """Names one consequence of one mail, so that it is recorded once."""
        self.ensure_one()
        return f"mail:{self.company_id.id}:{hashlib.sha256(f'{self.mail_key}|{part}'.encode()).hexdigest()[:40]}"  # noqa: E501

    def _get_body(self):
        """What they wrote, the quoted rest folded, and what is missing."""
        body = plaintext2html(self.body_text or "")
        if self.quoted_text:
            body += Markup(
                '<blockquote data-o-mail-quote="1">%s</blockquote>'
            ) % plaintext2html(self.quoted_text)
        for words in self._get_missing_words():
            body += Markup("<p><em>%s</em></p>") % words
        return body

    def _get_missing_words(self):
        words = []
        if self.left_out:
            words.append(
                self.env._(
                    "Not kept, for they are too large or cut: %s. They stay in the "
                    "mailbox.",
                    self.left_out,
                )
            )
        if self.is_cut:
            words.append(
                self.env._(
                    "The mail is longer than this. Read the rest in the mailbox, or in "
                    "its original under Incoming Mail."
                )
            )
        return words
