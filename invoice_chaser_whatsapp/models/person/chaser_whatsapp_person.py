from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import SQL, file_path, format_date

from ...core.phone import fold_number, is_user_id, to_wa_id

_TEMPLATE = "invoice_chaser_whatsapp/static/import_templates/chaser_whatsapp_person.csv"
_OPT_IN_SOURCES = [
    ("form", "Signed form or contract"),
    ("website", "Website or portal"),
    ("email", "E-mail"),
    ("phone", "Phone call"),
    ("whatsapp", "They wrote to us on WhatsApp"),
    ("meeting", "In person"),
    ("import", "Imported"),
]
BLOCK_REASONS = [
    ("undeliverable", "WhatsApp does not deliver to it"),
    ("wrong_person", "It is not this customer's number"),
    ("complaint", "Complaint"),
    ("manual", "Blocked by a colleague"),
]


class ChaserWhatsappPerson(models.Model):
    """A WhatsApp account that belongs to a customer, and whether the company may write
    to it.

    The account is known by up to three values, side by side: the number that we write
    to, ``wa_id`` as WhatsApp spells it, and the user id (BSUID), with which there may
    be no number at all. What is allowed is derived from dated facts: a consent with its
    source and words, the wish to stop, a block. The latest fact counts."""

    _name = "chaser.whatsapp.person"
    _description = "WhatsApp Number"
    _inherit = ["mail.thread", "chaser.company.mixin"]
    _order = "sequence, id"
    _check_company_auto = True

    sequence = fields.Integer(default=10)
    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company
    )
    partner_id = fields.Many2one(
        "res.partner",
        "Customer",
        required=True,
        index=True,
        ondelete="cascade",
        check_company=True,
        domain="[('parent_id', '=', False)]",
    )
    contact_id = fields.Many2one(
        "res.partner",
        "Contact",
        ondelete="set null",
        check_company=True,
        domain="[('id', 'child_of', partner_id)]",
        help="Whose number it is, where the customer has several contacts.",
    )
    phone_e164 = fields.Char(
        "Number",
        index="btree_not_null",
        tracking=True,
        help="With the country's code; landlines can have WhatsApp, too.",
    )
    number_key = fields.Char(compute="_compute_number_key", store=True, index=True)
    sent_to = fields.Char(
        "Last Sent To", readonly=True, copy=False, help="As it was handed to WhatsApp."
    )
    wa_id = fields.Char(
        "WhatsApp Id",
        readonly=True,
        copy=False,
        index="btree_not_null",
        help="The number as WhatsApp spells it; in some countries it is another one.",
    )
    user_id = fields.Char(
        "WhatsApp User Id",
        readonly=True,
        copy=False,
        index="btree_not_null",
        help="Stays when the person hides the number behind a username.",
    )
    username = fields.Char(readonly=True, copy=False)
    opt_in_date = fields.Datetime(
        "Consent On",
        tracking=True,
        copy=False,
        help="When they agreed to get messages of your company by WhatsApp.",
    )
    opt_in_source = fields.Selection(
        _OPT_IN_SOURCES, "Consent By", tracking=True, copy=False
    )
    opt_in_text = fields.Text(
        "Words of the Consent",
        tracking=True,
        copy=False,
        help="What they agreed to, word for word. It names your company.",
    )
    opt_in_evidence = fields.Binary("Evidence", attachment=True, copy=False)
    opt_in_evidence_name = fields.Char(copy=False)
    opt_out_date = fields.Datetime("Stopped On", tracking=True, copy=False)
    opt_out_source = fields.Char("Stopped By", readonly=True, copy=False)
    opt_out_text = fields.Text("Words of the Stop", copy=False)
    blocked_at = fields.Datetime("Blocked On", readonly=True, copy=False)
    reason = fields.Selection(
        BLOCK_REASONS, "Blocked Because", readonly=True, tracking=True, copy=False
    )
    undeliverable_count = fields.Integer(
        "Not Delivered in a Row", readonly=True, copy=False, aggregator=None
    )
    rests_until = fields.Datetime(
        readonly=True,
        copy=False,
        help="WhatsApp protects its users from too many messages of businesses: it has "
        "kept one from them, and for a day nothing more is tried.",
    )
    state = fields.Selection(
        [
            ("none", "No Consent"),
            ("opted_in", "May Be Written To"),
            ("opted_out", "Wants No Messages"),
            ("blocked", "Blocked"),
        ],
        compute="_compute_state",
        store=True,
        tracking=True,
        index=True,
    )

    _number_uniq = models.UniqueIndex(
        "(company_id, partner_id, phone_e164) WHERE phone_e164 IS NOT NULL",
        "This customer has the number already.",
    )
    _user_uniq = models.UniqueIndex(
        "(company_id, partner_id, user_id) WHERE user_id IS NOT NULL",
        "This customer has the WhatsApp user already.",
    )

    # -- what is derived

    @api.depends("partner_id.name", "phone_e164", "username", "user_id")
    def _compute_display_name(self):
        for person in self:
            own = person.phone_e164 or person.username or person.user_id or ""
            person.display_name = f"{person.partner_id.name or ''} ({own})"

    @api.depends("phone_e164")
    def _compute_number_key(self):
        for person in self:
            person.number_key = fold_number(person.phone_e164 or "") or False

    @api.depends(
        "opt_in_date", "opt_in_source", "opt_in_text", "opt_out_date", "blocked_at"
    )
    def _compute_state(self):
        """The latest fact counts; a consent without source or words is none."""
        for person in self:
            facts = [
                ("opted_out", person.opt_out_date),
                ("blocked", person.blocked_at),
            ]
            if person.opt_in_source and (person.opt_in_text or "").strip():
                facts.insert(0, ("opted_in", person.opt_in_date))
            found = [(moment, state) for state, moment in facts if moment]
            # Of facts of the same moment, the stricter one.
            latest = max((moment for moment, _state in found), default=None)
            states = [state for moment, state in found if moment == latest]
            person.state = states[-1] if states else "none"

    # -- constraints and CRUD

    @api.constrains("opt_in_date", "opt_in_source", "opt_in_text")
    def _check_consent(self):
        for person in self:
            given = [
                person.opt_in_date,
                person.opt_in_source,
                (person.opt_in_text or "").strip(),
            ]
            if any(given) and not all(given):
                raise ValidationError(
                    self.env._(
                        "The consent of %s is not complete: enter when it was given, "
                        "how, and in which words.",
                        person.display_name,
                    )
                )
            if person.opt_in_date and person.opt_in_date > fields.Datetime.now():
                raise ValidationError(
                    self.env._(
                        "The consent of %(person)s is dated %(date)s, which is in the "
                        "future. Enter the day on which it was given.",
                        person=person.display_name,
                        date=format_date(self.env, person.opt_in_date),
                    )
                )

    @api.constrains("phone_e164", "user_id")
    def _check_reachable(self):
        for person in self:
            if not person.phone_e164 and not person.user_id:
                raise ValidationError(
                    self.env._(
                        "Enter a number for %s; without one there is nobody to write "
                        "to.",
                        person.partner_id.display_name,
                    )
                )

    @api.model_create_multi
    def create(self, vals_list):
        persons = super().create([self._prepare_number(vals) for vals in vals_list])
        for person in persons:
            person._adopt_stop()
        return persons

    def write(self, vals):
        if "phone_e164" in vals:
            partner = self.partner_id[:1]
            vals = self._prepare_number({"partner_id": partner.id, **vals})
            if "partner_id" in vals and vals["partner_id"] == partner.id:
                vals = {name: vals[name] for name in vals if name != "partner_id"}
        result = super().write(vals)
        if "phone_e164" in vals:
            for person in self:
                person._adopt_stop()
        return result

    def _write_as_reported(self, vals):
        """Without a check of the number, which WhatsApp itself has named."""
        # pylint: disable=super-method-mismatch  # what our own write adds is left out
        return super().write(vals)

    @api.model
    def _prepare_number(self, vals):
        """The number in E.164, and the customer for a contact.

        :raises ValidationError: naming the customer, when it is no number
        """
        partner = self.env["res.partner"].browse(vals.get("partner_id") or ())
        if partner and partner.commercial_partner_id != partner:
            vals = {
                "contact_id": partner.id,
                **vals,
                "partner_id": partner.commercial_partner_id.id,
            }
        given = vals.get("phone_e164")
        if not given or given == f"+{vals.get('wa_id')}" and to_wa_id(given):
            # WhatsApp itself has named it: a number that a library does not know yet.
            return vals
        number = self._format_number(vals["phone_e164"], partner)
        if not number:
            raise ValidationError(
                self.env._(
                    "“%(number)s” of %(customer)s is no phone number. Write it with "
                    "its country's code, for example +971 50 123 4567.",
                    number=vals["phone_e164"],
                    customer=partner.display_name or "?",
                )
            )
        return {**vals, "phone_e164": number}

    @api.model
    def _format_number(self, number, partner):
        """The number in E.164 by the customer's country, else the company's; empty when
        it is none. Landlines are numbers, too."""
        country = partner.country_id or partner.commercial_partner_id.country_id
        text = " ".join(str(number).split())
        for place in (country, self.env.company.country_id):
            found = partner._phone_format(
                number=text, country=place, force_format="E164"
            )
            # Without the library the text would come back as it is.
            if found and found.startswith("+") and to_wa_id(found):
                return found
        return ""

    def _adopt_stop(self):
        """A number that wants no messages wants none for a further customer either;
        a consent that is newer than the wish counts."""
        twins = self._get_twins() - self
        latest = max(
            twins.filtered("opt_out_date").mapped("opt_out_date"), default=None
        )
        if not latest or self.opt_out_date and self.opt_out_date >= latest:
            return
        twin = twins.filtered(lambda one: one.opt_out_date == latest)[:1]
        self._by_program().write(
            {
                "opt_out_date": latest,
                "opt_out_source": twin.opt_out_source,
                "opt_out_text": twin.opt_out_text,
            }
        )

    def _get_twins(self):
        """All records of the same WhatsApp account in the company: one number may
        belong to several customers (a group's accountant)."""
        self.ensure_one()
        return self.sudo()._find(
            self.company_id,
            wa_id=self.wa_id or "",
            user_id=self.user_id or "",
            phone=self.phone_e164 or "",
        )

    def _settle_clash(self, partner_id):
        """The customer becomes part of another one: of two records with the same
        number the other customer's stays, with whatever forbids writing to it."""
        left = self
        for person in self:
            same = self.search(
                [
                    ("id", "!=", person.id),
                    ("company_id", "=", person.company_id.id),
                    ("partner_id", "=", partner_id),
                    "|",
                    ("phone_e164", "=", person.phone_e164 or "-"),
                    ("user_id", "=", person.user_id or "-"),
                ],
                limit=1,
            )
            if same:
                same._take_over(person)
                left -= person
                person.unlink()
        return left

    def _take_over(self, other):
        """The later consent, wish and block of two records of one account."""
        values = {}
        for date, names in (
            (
                "opt_in_date",
                ("opt_in_source", "opt_in_text", "opt_in_evidence")
                + ("opt_in_evidence_name",),
            ),
            ("opt_out_date", ("opt_out_source", "opt_out_text")),
            ("blocked_at", ("reason",)),
        ):
            if other[date] and (not self[date] or other[date] > self[date]):
                values |= {name: other[name] for name in (date, *names)}
        for name in ("phone_e164", "wa_id", "user_id", "username"):
            values[name] = self[name] or other[name]
        self._by_program().write(values)

    @api.model
    def get_import_templates(self):
        """What Odoo's import offers to download."""
        file_path(_TEMPLATE)
        label = self.env._("Import Template for WhatsApp Numbers")
        return [{"label": label, "template": f"/{_TEMPLATE}"}]

    # -- whom we may write to

    def _get_address(self):
        """What a message is sent to: the number, else the user id."""
        return self.phone_e164 or self.user_id or ""

    @api.model
    def _read_reachable(self, company, partners):
        """Customers by WhatsApp, in a fixed number of queries.

        :param partners: commercial partners
        :return: partner id → (the person to write to, None), or (empty, key of the
            reason why nobody can be written to)
        """
        people = self.sudo().search(
            [("company_id", "=", company.id), ("partner_id", "in", partners.ids)]
        )
        stopped = self._read_stopped(
            {person._get_address() for person in people}, company
        )
        by_partner = people.grouped("partner_id")
        found = {}
        for partner in partners:
            mine = by_partner.get(partner, self.browse())
            usable = mine.filtered(
                lambda person: person.state == "opted_in"
                and person._get_address() not in stopped
            )
            found[partner.id] = (
                (usable[:1], None)
                if usable
                else (
                    self.browse(),
                    self._get_unreachable_reason(partner, mine, stopped),
                )
            )
        return found

    @api.model
    def _get_unreachable_reason(self, partner, mine, stopped):
        reasons = {stopped.get(person._get_address()) for person in mine}
        if "whatsapp_resting" in reasons:
            return "whatsapp_resting"
        states = set(mine.mapped("state"))
        for state in ("opted_out", "blocked"):
            if state in states:
                return f"whatsapp_{state}"
        if mine or partner.sudo().phone:
            return "whatsapp_no_opt_in"
        return "whatsapp_no_number"

    @api.model
    def _read_stopped(self, addresses, company):
        """Address → key of the reason why nothing may go to it."""
        self.flush_model()
        rows = self.env.execute_query(self._get_stopped_sql(addresses, company))
        return dict(reversed(rows))

    @api.model
    def _get_stopped_sql(self, addresses, company):
        """Rows of ``address`` and ``reason``: the last gate before a message leaves.
        An address without a consent in this company is among them, and so is one whose
        latest fact is a wish to stop or a block, here or in a company above; one that
        rests comes last."""
        return SQL(
            """SELECT a.address, CASE
                WHEN greatest(f.consent, f.stop, f.block) = f.consent
                    AND f.consent IS DISTINCT FROM greatest(f.stop, f.block)
                    THEN 'whatsapp_resting'
                WHEN f.consent IS NULL AND f.stop IS NULL AND f.block IS NULL
                    THEN 'whatsapp_no_opt_in'
                WHEN f.stop IS NOT NULL AND f.stop >= coalesce(f.block, f.stop)
                    THEN 'whatsapp_opted_out'
                WHEN f.block IS NOT NULL THEN 'whatsapp_blocked'
                ELSE 'whatsapp_no_opt_in' END AS reason
            FROM unnest(%(addresses)s::text[]) AS a(address)
            CROSS JOIN LATERAL (SELECT
                max(p.opt_in_date) FILTER (WHERE p.company_id = %(company)s
                    AND p.opt_in_source IS NOT NULL
                    AND coalesce(trim(p.opt_in_text), '') <> '') AS consent,
                max(p.opt_out_date) AS stop, max(p.blocked_at) AS block,
                max(p.rests_until) AS rest
                FROM chaser_whatsapp_person p WHERE p.company_id = ANY(%(chain)s)
                AND (p.phone_e164 = a.address OR p.user_id = a.address)) f
            WHERE f.consent IS NULL OR greatest(f.stop, f.block) >= f.consent
                OR f.rest > %(now)s""",
            addresses=list(addresses),
            company=company.id,
            chain=list(company._get_chaser_chain().ids),
            now=fields.Datetime.now(),
        )

    # -- whose number it is

    @api.model
    def _find(self, company, wa_id="", user_id="", phone=""):
        """The records of a WhatsApp account in a company, by whichever value is known.
        A number in one of the forms that WhatsApp keeps is the same number."""
        keys = {fold_number(value) for value in (wa_id, phone)} - {""}
        names = [user_id] if is_user_id(user_id) else []
        spelled = {to_wa_id(value) for value in (wa_id, phone)} - {""}
        if not (keys or names):
            return self.browse()
        return self.search(
            [
                ("company_id", "=", company.id),
                "|",
                ("number_key", "in", list(keys)),
                "|",
                ("wa_id", "in", list(spelled)),
                ("user_id", "in", names),
            ],
            order="state desc, id",
        )

    # -- buttons

    def action_stop(self):
        """They said so to a colleague."""
        self.check_access("write")
        self._stop(self.env._("Told to %s", self.env.user.name), False)

    def action_block(self):
        self.check_access("write")
        self._block("manual", self.env.user.name)

    def action_wrong_person(self):
        self.check_access("write")
        self._block("wrong_person", self.env.user.name)

    def action_unblock(self):
        """What was known before the block counts again; a wish to stop stays."""
        self.check_access("write")
        blocked = self.filtered("blocked_at")
        if not blocked:
            raise UserError(self.env._("None of these numbers is blocked."))
        blocked._by_program().write(
            {"blocked_at": False, "reason": False, "undeliverable_count": 0}
        )

    def action_enter_consent(self):
        """Ask for the consent of these numbers."""
        return self.env["chaser.whatsapp.opt.in"]._open(
            self.partner_id, self.company_id[:1] or self.env.company, self
        )
