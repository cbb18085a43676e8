from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain
from odoo.tools import SQL, format_date

from ...core.letter.language_rule import choose_language
from ...core.mail.addresses import clean_addresses
from ..common.limits import AMOUNT, DAYS, check_numbers
from ..common.mail_message import COMPANY_KEY

_USERS = {"groups": "invoice_chaser.group_chaser_user"}
_AGREED = {"tracking": True, **_USERS}


class ResPartner(models.Model):
    """What is agreed with a customer is for users of Invoice Chaser alone."""

    _name = "res.partner"
    _inherit = ["res.partner", "chaser.links.mixin"]

    # By these a file that moves in finds customers (models/move_in/finder.py has the
    # same expressions): without them each batch of it reads all contacts. Hash: a name
    # may be longer than a B-tree takes.
    _chaser_find_email_idx = models.Index("USING hash (lower(email_normalized))")
    _chaser_find_vat_idx = models.Index(
        "USING hash (regexp_replace(upper(vat), '[^A-Z0-9]', '', 'g'))"
    )
    _chaser_find_name_idx = models.Index(
        r"USING hash (lower(regexp_replace(trim(name), '\s+', ' ', 'g')))"
    )

    # Agreements of one company with a customer do not concern other companies, so these
    # fields are company-dependent.
    preferred_contact_interval = fields.Integer(
        "Days Between Contacts",
        company_dependent=True,
        help="0: the company's setting.",
        **_AGREED,
    )
    chaser_paused_until = fields.Date(
        "Reminders Paused Until", company_dependent=True, tracking=True, **_USERS
    )
    chaser_pause_reason = fields.Char(
        "Reason for the Pause", company_dependent=True, tracking=True, **_USERS
    )
    consolidation_preference = fields.Selection(
        [
            ("auto", "Automatic"),
            ("enabled", "Always one message"),
            ("disabled", "One message per invoice"),
        ],
        "Consolidation",
        company_dependent=True,
        help="Automatic: one message from the company's number of items.",
        **_AGREED,
    )
    max_consolidation_amount = fields.Float(
        "Consolidate up to",
        company_dependent=True,
        digits="Account",
        help="In the company's currency: above it, the automatic choice sends one "
        "message per invoice. 0: no limit.",
        **_AGREED,
    )
    chaser_channel = fields.Selection(
        lambda self: self.env["chaser.channel"]._get_selection(),
        "Reminders By",
        company_dependent=True,
        help="The channel that the customer wishes. Empty: by the level's.",
        **_AGREED,
    )
    chaser_has_channels = fields.Boolean(
        compute="_compute_chaser_has_channels", **_USERS
    )
    chaser_language = fields.Selection(
        [("en", "English"), ("ar", "Arabic"), ("both", "Arabic and English")],
        "Reminder Language",
        help="Empty: Arabic where the contact's language is Arabic, English where it "
        "is a third one, else the company's setting.",
        **_AGREED,
    )
    chaser_escalation_partner_id = fields.Many2one(
        "res.partner",
        "Escalation Contact",
        help="Gets a copy from the levels that say so.",
        **_AGREED,
    )
    chaser_marketing_consent = fields.Boolean(
        "Marketing Consent",
        help="Not used for payment reminders, which rest on the contract.",
        **_AGREED,
    )
    chaser_consent_at = fields.Datetime("Consent Given On", tracking=True, **_USERS)
    chaser_consent_proof = fields.Char(
        "Proof of Consent",
        help="Where it was given: a form, a paper, an address.",
        **_AGREED,
    )
    chaser_source = fields.Char(
        "Source",
        help="Where the contact came from, as the former tool said.",
        **_AGREED,
    )
    chaser_is_customer = fields.Boolean(
        compute="_compute_chaser_is_customer",
        search="_search_chaser_is_customer",
        help="Whether it is a customer of its own: a commercial partner, which a "
        "subsidiary with a parent is as well. Its contacts are not.",
    )
    chaser_reminder_count = fields.Integer(
        compute="_compute_chaser_reminder_count", **_USERS
    )
    chaser_hold_display = fields.Char(
        "On Hold", compute="_compute_chaser_hold_display", **_USERS
    )
    chaser_priority = fields.Integer(
        "Priority", compute="_compute_chaser_figures", **_USERS
    )
    chaser_amount_overdue = fields.Monetary(
        "Overdue",
        compute="_compute_chaser_figures",
        currency_field="currency_id",
        groups="invoice_chaser.group_chaser_user",
        help="In the company's currency, open credits taken off.",
    )
    chaser_answers_display = fields.Char(
        "Answers", compute="_compute_chaser_figures", **_USERS
    )
    chaser_history_ids = fields.Many2many(
        "chaser.reminder",
        string="History",
        compute="_compute_chaser_history_ids",
        groups="invoice_chaser.group_chaser_user",
    )
    chaser_language_reason = fields.Char(
        "Gets Reminders In",
        compute="_compute_chaser_language_reason",
        groups="invoice_chaser.group_chaser_user",
        help="The language that reminders of the current company will have, and why.",
    )
    chaser_policy_id = fields.Many2one(
        "chaser.policy",
        "Follow-up Policy",
        company_dependent=True,
        domain="[('company_id', 'in', (False, allowed_company_ids[0]))]",
        groups="invoice_chaser.group_chaser_user",
        help="Empty: that of the customer's tags, else the company's.",
        tracking=True,
    )
    chaser_policy_source = fields.Char(
        "Policy in Force", compute="_compute_chaser_policy_source", **_USERS
    )
    chaser_can_chase = fields.Boolean(
        compute="_compute_chaser_next_step",
        groups="invoice_chaser.group_chaser_user",
        help="Whether a reminder would go today if a user asked for it.",
    )
    chaser_next_step = fields.Text(
        "Next Step", compute="_compute_chaser_next_step", **_USERS
    )
    chaser_calendar_id = fields.Many2one(
        "resource.calendar",
        "Hours for Reminders",
        company_dependent=True,
        domain="[('company_id', 'in', (allowed_company_ids[0], False))]",
        help="Empty: the hours of the customer's emirate, state or country, else the "
        "company's.",
        **_AGREED,
    )

    def _for_chaser(self, company):
        """For notes that only this company's users of Invoice Chaser may see."""
        return self.with_context(**{COMPANY_KEY: company.id})

    def _compute_chaser_has_channels(self):
        self.chaser_has_channels = len(self.env["chaser.channel"]._get_known()) > 1

    def _compute_chaser_reminder_count(self):
        rows = self.env["chaser.reminder"]._read_group(
            [("partner_id", "in", self.commercial_partner_id.ids)],
            ["partner_id"],
            ["__count"],
        )
        counts = {partner.id: count for partner, count in rows}
        for partner in self:
            partner.chaser_reminder_count = counts.get(
                partner.commercial_partner_id.id, 0
            )

    def action_chase(self):
        """Preview of a campaign for everything overdue of these customers in the
        current company."""
        return self.env["account.move"]._chase_customers(self, self.env.company)

    def action_view_chaser_reminders(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "invoice_chaser.chaser_reminder_action"
        )
        return action | {
            "domain": [("partner_id", "=", self.commercial_partner_id.id)],
            "context": {},
        }

    def _get_chaser_emails(self, contacts=None):
        """Usable addresses by commercial partner id, best first: its invoice contacts,
        then its own field.

        A field may hold several addresses and display names; each usable one counts.
        Where there is none at all, the contacts that the invoices were made out to
        count. The same for whoever asks: as superuser, without contacts of another
        company than the current one.

        :param contacts: partner id → ids of the contacts of their invoices
        """
        emails = {row["id"]: self._choose_emails(row) for row in self._read_emails()}
        missing = {
            contact_id: partner_id
            for partner_id, contact_ids in (contacts or {}).items()
            if not emails.get(partner_id)
            for contact_id in contact_ids
        }
        for contact in self.env["res.partner"].sudo().browse(missing):
            if contact.active and contact._is_of_company(self.env.company):
                emails[missing[contact.id]] += clean_addresses(contact.email or "")
        return {
            partner_id: list(dict.fromkeys(found))
            for partner_id, found in emails.items()
        }

    def _read_emails(self):
        """What ``_choose_emails`` takes, of each."""
        for model in ("res.partner", "chaser.inbound"):
            self.env[model].flush_model()
        return self.env.execute_query_dict(
            SQL(
                "SELECT p.id, p.email AS own_email, %s AS site_emails, %s AS "
                "substitutes FROM res_partner p WHERE p.id = ANY(%s)",
                self._get_site_emails_sql(self.env.company),
                self.env["chaser.inbound"]._get_substitutes_sql(self.env.company),
                list(self.ids),
            )
        )

    @api.model
    def _get_site_emails(self, contact_ids):
        """Addresses of those of these contacts who are invoice contacts, and so get the
        invoices of their site."""
        contacts = self.env["res.partner"].sudo().browse(contact_ids)
        found = {
            contact.id: emails
            for contact in contacts
            if contact.type == "invoice"
            and contact.active
            and contact._is_of_company(self.env.company)
            and (emails := clean_addresses(contact.email or ""))
        }
        if not found:
            return {}
        customers = contacts.browse(found).commercial_partner_id
        substitutes = {}
        for row in customers._read_emails():
            substitutes |= row["substitutes"] or {}
        return {
            contact_id: [substitutes.get(email, email) for email in emails]
            for contact_id, emails in found.items()
        }

    @api.model
    def _get_site_emails_sql(self, company):
        """The addresses of a customer's (``p``) invoice contacts, as an array."""
        return SQL(
            """ARRAY(SELECT c.email FROM res_partner c
            WHERE c.commercial_partner_id = p.id AND c.id <> p.id
            AND c.type = 'invoice' AND c.active AND c.email <> ''
            AND (c.company_id IS NULL OR c.company_id = ANY(%s))
            ORDER BY c.complete_name, c.id DESC)""",
            company._get_chaser_entity().ids,
        )

    @api.model
    def _get_addresses_sql(self, company, partner_id, reminder_id):
        """What ``_choose_emails`` takes, for a reminder on its way."""
        return SQL(
            """SELECT p.email AS own_email, %s AS site_emails, %s AS substitutes,
            (SELECT s.email FROM chaser_reminder r JOIN res_partner s
            ON s.id = r.contact_id AND s.active WHERE r.id = %s) AS site_email,
            ARRAY(SELECT DISTINCT k.email FROM chaser_reminder_line l
            JOIN account_move m ON m.id = l.move_id
            JOIN res_partner k ON k.id = m.partner_id
            WHERE l.reminder_id = %s AND NOT l.is_credit AND k.active AND k.email <> ''
            AND (k.company_id IS NULL OR k.company_id = ANY(%s))) AS contact_emails
            FROM res_partner p WHERE p.id = %s""",
            self._get_site_emails_sql(company),
            self.env["chaser.inbound"]._get_substitutes_sql(company),
            reminder_id,
            reminder_id,
            list(company._get_chaser_entity().ids),
            partner_id,
        )

    @api.model
    def _choose_emails(self, row):
        """Usable addresses, best first: of the site (``site_email``) where the message
        is one site's, else of the invoice contacts (``site_emails``), else
        the customer's own (``own_email``), else those of the contacts that the invoices
        were made out to (``contact_emails``). Whoever is out of office is replaced by
        the contact that a person has chosen from their reply (``substitutes``)."""
        substitutes = row.get("substitutes") or {}
        for raw in (
            [row.get("site_email")],
            row["site_emails"],
            [row["own_email"]],
            row.get("contact_emails"),
        ):
            given = filter(None, raw or ())
            found = [email for one in given for email in clean_addresses(one)]
            if found:
                found = [substitutes.get(email, email) for email in found]
                return list(dict.fromkeys(found))
        return []

    def _get_chaser_values(self, company, names):
        """Values of company-dependent fields per partner id; those that a branch leaves
        empty are its head office's. Of several pauses the longest counts, with its
        reason. One query per level of companies."""
        found = {partner.id: dict.fromkeys(names) for partner in self}
        pause = {"chaser_paused_until", "chaser_pause_reason"} & set(names)
        for one in company._get_chaser_chain():
            partners = self.with_company(one)
            partners.fetch(names)
            for partner in partners:
                own = found[partner.id]
                for name in set(names) - pause:
                    own[name] = own[name] or partner[name]
                until = own.get("chaser_paused_until")
                if not until or (partner.chaser_paused_until or until) > until:
                    own.update({name: partner[name] for name in pause})
        return found

    def _is_of_company(self, company):
        """Whether a contact may be used for a company's customers: shared, or of that
        legal entity."""
        self.ensure_one()
        owner = self.sudo().company_id
        return not owner or owner in company._get_chaser_entity()

    # -- The *Chasing* tab of a customer, for the current company: holds, promises,
    # answers, and what was sent

    @api.depends_context("company", "lang")
    def _compute_chaser_hold_display(self):
        Hold, company = self.env["chaser.hold"].sudo(), self.env.company
        held = (
            Hold._read_held(
                company, self.commercial_partner_id.ids, company._get_chaser_today()
            )
            if self.ids
            else None
        )
        for partner in self:
            stop = held and held.customers.get(partner.commercial_partner_id.id)
            partner.chaser_hold_display = stop and Hold._get_reason_text(
                stop.reason, stop.params
            )

    @api.depends_context("company", "lang")
    def _compute_chaser_figures(self):
        """From the worklist where something is overdue; the record of promises and
        answers also without."""
        Worklist, company = self.env["chaser.worklist"].sudo(), self.env.company
        ids = self.commercial_partner_id.ids
        rows = (
            {row["partner_id"]: row for row in Worklist._read_rows(company, ids)}
            if ids
            else {}
        )
        records = Worklist._read_records(company, ids) if ids else {}
        for partner in self:
            own = partner.commercial_partner_id.id
            row, record = rows.get(own, {}), records.get(own)
            partner.chaser_priority = row.get("priority", 0)
            partner.chaser_amount_overdue = row.get("amount_due", 0)
            partner.chaser_answers_display = record and Worklist._describe_answers(
                record.reminders_answered, record.reminders
            )

    @api.depends_context("company")
    def _compute_chaser_history_ids(self):
        for partner in self:
            partner.chaser_history_ids = self.env["chaser.reminder"].search(
                [
                    ("company_id", "=", self.env.company.id),
                    ("partner_id", "=", partner.commercial_partner_id._origin.id),
                    ("state", "in", ("queued", "sending", "sent", "failed")),
                ],
                limit=20,
            )

    # -- The language of a customer's reminders, and the reason for it in words

    def _get_chaser_language(self, company):
        """``en``, ``ar`` or ``both`` for reminders of a company."""
        self.ensure_one()
        return choose_language(
            self.chaser_language, self.lang, company.chaser_language
        )[0]

    @api.depends("chaser_language", "lang")
    @api.depends_context("company", "lang")
    def _compute_chaser_language_reason(self):
        Lang, company = self.env["res.lang"], self.env.company
        names, arabic = dict(Lang.get_installed()), Lang._get_chaser_arabic()
        languages = dict(
            self.env["res.company"]
            ._fields["chaser_language"]
            ._description_selection(self.env)
        )
        for partner in self:
            language, reason = choose_language(
                partner.chaser_language, partner.lang, company.chaser_language
            )
            if language != "en" and not arabic:
                language, reason = "en", "no_arabic"
            partner.chaser_language_reason = self._get_language_reasons()[reason] % {
                "language": languages[language],
                "own": names.get(partner.lang, partner.lang or ""),
                "company": company.name,
            }

    @api.model
    def _get_language_reasons(self):
        # pylint: disable=prefer-env-translation  # this is what _ stands for here
        _ = self.env._
        return {
            "own": _("%(language)s, because it is chosen here."),
            "contact": _("%(language)s, because the contact's language is %(own)s."),
            "other": _(
                "%(language)s, because reminders are written in English and Arabic, "
                "not in %(own)s."
            ),
            "company": _("%(language)s, because that is the setting of %(company)s."),
            "no_arabic": _(
                "%(language)s, because Arabic is not installed in this database."
            ),
        }

    @api.depends("chaser_policy_id", "category_id")
    @api.depends_context("company", "lang")
    def _compute_chaser_policy_source(self):
        company = self.env.company
        chosen = self.env["chaser.policy"]._choose(self.commercial_partner_id, company)
        default = self.env["chaser.level"].sudo()._get_ladder(company)
        for partner in self:
            policy, source, tag_id = chosen.get(
                partner.commercial_partner_id.id, (None, "company", False)
            )
            if source == "customer":
                partner.chaser_policy_source = self.env._(
                    "%s: the customer's own", policy.name
                )
            elif source == "tag":
                tag = self.env["res.partner.category"].browse(tag_id).name
                partner.chaser_policy_source = self.env._(
                    "%(policy)s: by the tag “%(tag)s”", policy=policy.name, tag=tag
                )
            else:
                name = default.policy_id[:1].name or self.env._("levels of the company")
                partner.chaser_policy_source = self.env._(
                    "%s: the company's default", name
                )

    @api.depends("chaser_policy_id", "category_id")
    @api.depends_context("company", "lang")
    def _compute_chaser_next_step(self):
        Campaign, company = self.env["chaser.campaign"], self.env.company
        customers = self.commercial_partner_id
        if not customers._origin or not Campaign.has_access("read"):
            self.chaser_next_step = self.chaser_can_chase = False
            return
        today = self.env["chaser.planner"]._plan_open(
            company, customers, automatic=False
        )
        coming = None
        if company.chaser_daily:
            coming = self.env["chaser.simulator"]._simulate(company, 60, customers)[1]
        going = {message.partner_id for message in today.messages if not message.skip}
        for partner in self:
            partner.chaser_can_chase = partner.commercial_partner_id._origin.id in going
            # Several messages may wait for the same reason, which is said once.
            partner.chaser_next_step = "\n".join(
                dict.fromkeys(partner._describe_next_step(today, coming))
            ) or self.env._("Nothing is due.")

    def _describe_next_step(self, today, coming):
        """Today's level in words, or why nothing may go; then what the daily run will
        do."""
        Campaign, own = (
            self.env["chaser.campaign"],
            self.commercial_partner_id._origin.id,
        )
        for message in today.messages:
            if message.partner_id == own:
                stop = message.skip or message.choice
                code = stop.reason if message.skip else stop.code
                yield Campaign._get_reason_text(code, stop.params) or ""
        departure = (
            next(
                (one for one in coming.departures if one.customer.partner_id == own),
                None,
            )
            if coming
            else None
        )
        if departure:
            yield self.env._(
                "Next by the daily run: %(date)s, %(level)s",
                date=format_date(self.env, departure.leaves.date()),
                level=self.env["chaser.level"]
                .sudo()
                .browse(departure.message.level_id)
                .name
                or "",
            )

    @api.constrains("preferred_contact_interval", "max_consolidation_amount")
    def _check_chaser_numbers(self):
        check_numbers(
            self,
            {
                "preferred_contact_interval": (0, DAYS),
                "max_consolidation_amount": (0, AMOUNT),
            },
        )

    @api.constrains("chaser_policy_id")
    def _check_chaser_policy_company(self):
        for partner in self:
            company = partner.sudo().chaser_policy_id.company_id
            if company and company != self.env.company:
                raise ValidationError(
                    self.env._(
                        "The policy “%(policy)s” belongs to %(owner)s; choose one of "
                        "%(company)s, or a shared one.",
                        policy=partner.chaser_policy_id.name,
                        owner=company.name,
                        company=self.env.company.name,
                    )
                )

    def write(self, vals):
        identity = self.env["chaser.identity"]
        moves = {"parent_id", "is_company"} & set(vals)
        before = identity._read_customers(self) if moves else {}
        result = super(ResPartner, self._for_agreement(vals)).write(vals)
        if before:
            identity._follow(before)
        if {"chaser_calendar_id", "country_id", "state_id", "tz"} & set(vals):
            self.env["chaser.window"]._recheck(partners=self)
            self._follow_chaser_place()
        return result

    def _for_agreement(self, vals):
        """What this company agrees with the customer is no other company's to read."""
        known = filter(None, map(self._fields.get, vals))
        if any(
            one.company_dependent and "chaser" in (one._module or "") for one in known
        ):
            return self._for_chaser(self.env.company)
        return self

    @api.depends("commercial_partner_id")
    def _compute_chaser_is_customer(self):
        for partner in self:
            partner.chaser_is_customer = partner.commercial_partner_id == partner

    def _search_chaser_is_customer(self, operator, value):
        if operator != "in":
            return NotImplemented
        own = SQL("(SELECT id FROM res_partner WHERE commercial_partner_id = id)")
        found = Domain("id", "in", own)
        if set(value) == {True, False}:
            return Domain.TRUE
        return found if True in value else ~found

    def _follow_chaser_place(self):
        """Where these are companies of ours, their clock and country count for their
        customers as well, and their month begins by that clock."""
        companies = (
            self.env["res.company"].sudo().search([("partner_id", "in", self.ids)])
        )
        if companies:
            self.env["chaser.window"]._recheck(companies)
            self.env["chaser.waiting"]._follow_companies(companies)
