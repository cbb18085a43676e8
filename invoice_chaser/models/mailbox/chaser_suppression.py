from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import SQL, email_normalize

from ...core.mail.addresses import clean_address

_BOUNCE_ACTIVITY = "invoice_chaser.mail_activity_type_address"


class ChaserSuppression(models.Model):
    _name = "chaser.suppression"
    _description = "Stopped Address"
    _inherit = ["mail.thread", "chaser.company.mixin"]
    _order = "suppressed_at desc, id desc"
    _rec_name = "email"

    email = fields.Char(
        required=True,
        index=True,
        help="The address that gets no reminders from this company.",
    )
    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company
    )
    reason = fields.Selection(
        [
            ("unsubscribed", "Unsubscribed"),
            ("hard_bounce", "Address does not exist"),
            ("complaint", "Complaint"),
            ("manual", "Stopped by a person"),
            ("import", "Imported"),
        ],
        required=True,
        default="manual",
        tracking=True,
    )
    source = fields.Char(
        help="Where it came from: the link in a mail, the mail server's response, a "
        "file."
    )
    source_display = fields.Char(
        "Came From",
        compute="_compute_source_display",
        help="In the language of the reader, where a program wrote it.",
    )
    suppressed_at = fields.Datetime(
        "Stopped On", required=True, default=fields.Datetime.now, readonly=True
    )
    released_at = fields.Datetime("Released On", readonly=True, tracking=True)
    released_by_id = fields.Many2one("res.users", readonly=True)
    is_active = fields.Boolean(
        "In Force", compute="_compute_is_active", search="_search_is_active"
    )
    reminder_id = fields.Many2one(
        "chaser.reminder", readonly=True, index="btree_not_null", ondelete="set null"
    )
    note = fields.Text()

    _active_uniq = models.UniqueIndex(
        "(company_id, email) WHERE released_at IS NULL",
        "Reminders to this address are stopped already.",
    )

    @api.depends("source")
    @api.depends_context("lang")
    def _compute_source_display(self):
        """What a job wrote is a key; what a person or a file said stands as it is."""
        words = {
            "server_response": self.env._("Mail server's response"),
            "service_report": self.env._("Report of the mail service"),
            "service_complaint": self.env._("Complaint from the mail service"),
        }
        for stop in self:
            stop.source_display = words.get(stop.source, stop.source)

    @api.depends("released_at")
    def _compute_is_active(self):
        for record in self:
            record.is_active = not record.released_at

    def _search_is_active(self, operator, value):
        if operator != "in":
            return NotImplemented
        return [("released_at", "=" if True in value else "!=", False)]

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            vals["email"] = self._normalize(vals.get("email"))
        return super().create(vals_list)

    def write(self, vals):
        if "email" in vals:
            vals = {**vals, "email": self._normalize(vals["email"])}
        return super().write(vals)

    @api.model
    def _normalize(self, email):
        normalized = clean_address(email or "")
        if not normalized:
            raise ValidationError(
                self.env._("“%s” is not a single e-mail address.", email or "")
            )
        return normalized

    def action_release(self):
        """Allow reminders to the address again; the record stays as evidence."""
        self.filtered("is_active")._by_program().write(
            {"released_at": fields.Datetime.now(), "released_by_id": self.env.uid}
        )

    @api.model
    def _suppress(self, company, email, reason, source="", reminder=None, note=""):
        """Stop an address for a company, once; returns the record in force. Called as
        superuser."""
        email = self._normalize(email)
        record = self.sudo().search(
            [
                ("company_id", "=", company.id),
                ("email", "=", email),
                ("released_at", "=", False),
            ],
            limit=1,
        )
        return record or self.sudo().create(
            {
                "company_id": company.id,
                "email": email,
                "reason": reason,
                "source": source,
                "note": note,
                "reminder_id": reminder.id if reminder else False,
            }
        )

    # -- which addresses are stopped

    @api.model
    def _get_stopped_sql(self, emails, company):
        """Rows of ``address`` and ``reason`` (``suppressed``, or ``blacklisted`` by
        Odoo's own list); the first of an address counts. What the head office has
        stopped is stopped in its branches."""
        return SQL(
            """SELECT email AS address, 'suppressed' AS reason FROM chaser_suppression
                WHERE company_id = ANY(%(companies)s) AND released_at IS NULL
                AND email = ANY(%(emails)s)
               UNION ALL SELECT email, 'blacklisted' FROM mail_blacklist WHERE active
               AND email = ANY(%(emails)s)""",
            companies=list(company._get_chaser_chain().ids),
            emails=list(emails),
        )

    # -- what a failing address means, for the address and the customer: the same
    # whether the mail server says so at once or in a report hours later

    @api.model
    def _process_bounce(
        self, company, partner, address, verdict, words, reminder=None, widespread=True
    ):
        """The policy, after the event is recorded: ``hard`` stops the address after the
        company's number, with a task to find another; ``policy`` pauses the campaign;
        ``soft`` and ``delayed`` are counted, and the customer is chased again later.

        :param widespread: a refusal that other messages would meet as well; a rule of a
        single recipient pauses nothing"""
        if verdict == "hard":
            if (
                self._count_hard_bounces(company, address)
                >= company.chaser_bounce_limit
            ):
                self._stop_address(company, partner, address, words, reminder)
        elif verdict == "policy" and widespread and reminder:
            reminder._pause_for_policy(words)

    @api.model
    def _count_hard_bounces(self, company, address):
        """Hard bounces of an address since it was last released; at least the one at
        hand."""
        self.env["chaser.event"].flush_model()
        self.flush_model()
        [(count,)] = self.env.execute_query(
            SQL(
                """SELECT count(*) FROM chaser_event e
                WHERE e.company_id = %(company)s AND e.event_type = 'bounced'
                AND e.raw_data->>'recipient' = %(address)s
                  AND e.raw_data->>'bounce_class' = 'hard'
                  AND e.create_date > coalesce((SELECT max(s.released_at)
                  FROM chaser_suppression s
                                                 WHERE s.company_id = %(company)s
                                                 AND s.email = %(address)s),
                                                 '-infinity')""",
                company=company.id,
                address=address,
            )
        )
        return max(count, 1)

    @api.model
    def _stop_address(self, company, partner, address, words, reminder):
        if not email_normalize(address):
            return
        known = self.sudo().search_count(
            [
                ("company_id", "=", company.id),
                ("email", "=", address),
                ("released_at", "=", False),
            ],
            limit=1,
        )
        self._suppress(
            company,
            address,
            "hard_bounce",
            source="server_response",
            reminder=reminder,
            note=words,
        )
        copied = reminder and reminder.purpose == "colleague"
        if partner and not known and not copied:
            self._plan_new_address(
                company, partner.commercial_partner_id.sudo(), address, words, reminder
            )

    @api.model
    def _plan_new_address(self, company, partner, address, words, reminder):
        """A task to find another address, naming one where the customer has one."""
        user = company._get_chaser_responsible(partner, reminder)
        if not user:
            return
        other = self._find_other_contact(company, partner, address)
        spoken = self.with_context(lang=user.lang or self.env.lang)
        proposal = (
            spoken.env._(
                "%(name)s (%(email)s) is another contact of this customer.",
                name=other.name,
                email=other.email,
            )
            if other
            else spoken.env._(
                "The customer has no other contact with an e-mail address."
            )
        )
        partner._for_chaser(company).activity_schedule(
            _BOUNCE_ACTIVITY,
            user_id=user.id,
            summary=spoken.env._("Find another address than %s", address),
            note=" ".join(filter(None, (proposal, words))),
        )

    @api.model
    def _find_other_contact(self, company, partner, address):
        """Another contact of the customer who can be written to: its invoice contacts
        first. Empty when there is none."""
        people = (
            self.env["res.partner"]
            .sudo()
            .search(
                [
                    ("id", "child_of", partner.commercial_partner_id.id),
                    ("email_normalized", "!=", False),
                    ("email_normalized", "!=", address),
                    ("company_id", "in", (company.id, False)),
                ]
            )
        )
        stopped = (
            self.env["chaser.channel.email"]._read_stopped(
                people.mapped("email_normalized"), company
            )
            if people
            else {}
        )
        usable = people.filtered(lambda person: person.email_normalized not in stopped)
        return usable.sorted(
            lambda person: (
                person.type != "invoice",
                person.type != "contact",
                person == partner,
                person.id,
            )
        )[:1]
