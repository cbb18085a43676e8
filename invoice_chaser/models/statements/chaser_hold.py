import logging

import psycopg2.errors

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain
from odoo.tools import SQL, email_normalize, email_normalize_all

from ...core.plan.gates import Skip
from ...core.plan.holds import Held
from ..planning.open_items import PAID_STATES

_logger = logging.getLogger(__name__)


class ChaserHold(models.Model):
    """Why a customer, or some of their invoices, are not chased until a user, or a
    date, releases them."""

    _name = "chaser.hold"
    _description = "Hold on Reminders"
    _inherit = [
        "mail.thread",
        "mail.activity.mixin",
        "chaser.reason.mixin",
        "chaser.company.mixin",
    ]
    _order = "id desc"
    _check_company_auto = True

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
    )
    move_ids = fields.Many2many(
        "account.move",
        "chaser_hold_move_rel",
        "hold_id",
        "move_id",
        "Invoices",
        check_company=True,
        help="Empty: everything of this customer.",
    )
    move_key = fields.Char(
        compute="_compute_move_key",
        store=True,
        help="The invoices as one value, so that a hold exists once.",
    )
    code = fields.Selection(
        [
            ("manual", "By hand"),
            ("reply", "Customer answered"),
            ("wrong_contact", "Wrong contact"),
            ("maybe_paid", "Maybe paid"),
            ("says_paid", "Says it is paid"),
            ("bank_data", "No recent bank data"),
        ],
        "Kind",
        required=True,
        default="manual",
        tracking=True,
    )
    detail = fields.Char("Details", tracking=True)
    date_until = fields.Date(
        "On Hold Until (Inclusive)",
        tracking=True,
        help="The last day of the hold. Empty: until somebody releases it.",
    )
    reminder_id = fields.Many2one(
        "chaser.reminder",
        index="btree_not_null",
        ondelete="set null",
        check_company=True,
    )
    source = fields.Selection(
        [
            ("person", "A user"),
            ("page", "The customer, on the page"),
            ("mail", "The customer, by mail"),
            ("program", "The program"),
        ],
        "Where From",
        required=True,
        default="person",
        readonly=True,
    )
    released_at = fields.Datetime(
        "Released On", readonly=True, copy=False, tracking=True
    )
    released_by_id = fields.Many2one("res.users", readonly=True, copy=False)
    is_active = fields.Boolean(
        "In Force", compute="_compute_is_active", search="_search_is_active"
    )
    reason = fields.Char(compute="_compute_reason")

    _active_uniq = models.UniqueIndex(
        "(company_id, partner_id, code, move_key) WHERE released_at IS NULL",
        "There is such a hold already. Change its end, or release it first.",
    )
    proposed_email = fields.Char(
        readonly=True,
        copy=False,
        help="Proposed by the reader of a reminder; nothing is written there by "
        "itself.",
    )

    # -- computes and constraints

    @api.depends("partner_id", "code")
    @api.depends_context("lang")
    def _compute_display_name(self):
        names = dict(self._fields["code"]._description_selection(self.env))
        for hold in self:
            hold.display_name = (
                f"{hold.partner_id.display_name or ''}: {names.get(hold.code, '')}"
            )

    @api.depends("move_ids")
    def _compute_move_key(self):
        for hold in self:
            hold.move_key = self._make_move_key(hold.move_ids)

    @api.model
    def _make_move_key(self, moves):
        return ",".join(map(str, sorted(moves.ids)))

    @api.depends("released_at", "date_until", "company_id")
    def _compute_is_active(self):
        for hold in self:
            hold.is_active = not hold.released_at and hold._is_within(hold.date_until)

    def _is_within(self, day):
        company = self.company_id or self.env.company
        return not day or day >= company._get_chaser_today()

    def _search_is_active(self, operator, value):
        if operator != "in":
            return NotImplemented
        companies = self.env["res.company"].sudo().search([])  # pylint: disable=no-search-all  # they are few
        lasts = Domain.OR(
            Domain("company_id", "=", company.id)
            & Domain("date_until", ">=", company._get_chaser_today())
            for company in companies
        )
        active = Domain("released_at", "=", False) & (
            Domain("date_until", "=", False) | lasts
        )
        return active if True in value else ~active

    @api.depends("code", "detail", "date_until")
    @api.depends_context("lang")
    def _compute_reason(self):
        for hold in self:
            hold.reason = self._get_reason_text(
                f"hold_{hold.code}", hold._prepare_params()
            )

    def _prepare_params(self):
        return {
            "detail": self.detail or "",
            "date": self.date_until.isoformat() if self.date_until else "",
        }

    @api.constrains("move_ids", "partner_id")
    def _check_moves(self):
        for hold in self:
            strangers = hold.move_ids.filtered(
                lambda move, hold=hold: move.commercial_partner_id != hold.partner_id
            )
            if strangers:
                raise ValidationError(
                    self.env._(
                        "%(invoices)s does not belong to %(customer)s.",
                        invoices=", ".join(strangers.mapped("display_name")),
                        customer=hold.partner_id.display_name,
                    )
                )

    # -- CRUD

    @api.model_create_multi
    def create(self, vals_list):
        partners = self.env["res.partner"].browse(
            [vals["partner_id"] for vals in vals_list if vals.get("partner_id")]
        )
        commercial = {
            partner.id: partner.commercial_partner_id.id for partner in partners
        }
        return super().create(
            [
                {**vals, "partner_id": commercial[vals["partner_id"]]}
                if vals.get("partner_id")
                else vals
                for vals in vals_list
            ]
        )

    # -- customers that join another one, or leave it (``chaser.identity``)

    def _settle_clash(self, partner_id):
        """There is one hold in force per customer, code and invoices: the other's
        stays, to the later end, and ours is evidence."""
        clashes = self.browse()
        theirs = self.search(
            [("partner_id", "=", partner_id), ("released_at", "=", False)]
        )
        known = {(one.company_id, one.code, one.move_key): one for one in theirs}
        for hold in self.filtered(lambda one: not one.released_at):
            key = (hold.company_id, hold.code, hold.move_key)
            other = known.setdefault(key, hold)
            if other == hold:
                continue
            if other.date_until and (
                not hold.date_until or hold.date_until > other.date_until
            ):
                other.date_until = hold.date_until
            clashes |= hold
        clashes.write({"released_at": fields.Datetime.now()})
        return self

    @api.model
    def _hold_as(self, former_id, partner):
        """Who leaves a customer that is held as a whole stays held: by holds, and by a
        dispute or a promise over everything, which stays with the former customer."""
        everything = [("partner_id", "=", former_id), ("move_ids", "=", False)]
        in_force = [*everything, ("state", "=", "open")]
        promises = self.env["chaser.promise"].sudo().search(in_force)
        found = [
            (hold.company_id, hold.code, hold.detail, hold.date_until, hold.source)
            for hold in self.search([*everything, ("released_at", "=", False)])
        ] + [
            (one.company_id, "manual", one.display_name, until, "program")
            for one, until in (
                *(
                    (one, None)
                    for one in self.env["chaser.dispute"].sudo().search(in_force)
                ),
                *((one, one.date_promised) for one in promises if not one.amount),
            )
        ]
        holds = {}
        for company, code, *hold in found:
            holds.setdefault((company, code), []).append(hold)
        for (company, code), same in holds.items():
            details, ends, sources = zip(*same, strict=True)
            self._hold(
                company,
                partner,
                code,
                detail="; ".join(filter(None, details)),
                until=max(ends) if all(ends) else None,
                source=sources[0],
            )

    # -- actions

    def action_release(self):
        """Chase again what these held; the records stay as evidence."""
        self.check_access("write")
        open_ones = self.filtered(lambda hold: not hold.released_at)
        open_ones._by_program().write(
            {"released_at": fields.Datetime.now(), "released_by_id": self.env.uid}
        )
        open_ones.activity_unlink(["mail.mail_activity_data_todo"])
        # For holds of an answer, the task to read it is done.
        answered = open_ones.filtered(lambda hold: hold.code == "reply")
        for company, holds in answered.grouped("company_id").items():
            holds.partner_id.sudo().activity_search(
                ["invoice_chaser.mail_activity_type_answer"],
                additional_domain=[("chaser_company_id", "in", (company.id, False))],
            ).action_feedback()

    # -- business

    @api.model
    def _hold(
        self,
        company,
        partner,
        code,
        moves=None,
        detail="",
        until=None,
        reminder=None,
        source="program",
    ):
        """Hold a customer (``moves`` empty) or some of their invoices; always as
        superuser.

        There is one hold in force per company, customer, code and invoices: asked
        again, the words are replaced and the later end stays (``until`` None is the
        latest).

        :param moves: ``account.move`` of this customer and company
        :param until: last day of the hold, a date in the company's time zone; None:
        until somebody releases it
        :return: the hold in force; empty when another process is making the same one at
        this moment
        """
        Hold = self.sudo().with_company(company)
        partner, moves = (
            partner.commercial_partner_id,
            moves or self.env["account.move"],
        )
        found = Hold._find_same(company, partner, code, moves)
        if found and not found.is_active:
            found.write({"released_at": fields.Datetime.now()})
            found = Hold.browse()
        if found:
            found._refresh_hold(detail, until, reminder)
            return found
        return Hold._create_once(
            {
                "company_id": company.id,
                "partner_id": partner.id,
                "code": code,
                "move_ids": [fields.Command.set(moves.ids)],
                "detail": detail,
                "date_until": until,
                "reminder_id": reminder.id if reminder else False,
                "source": source,
            }
        )

    @api.model
    def _find_same(self, company, partner, code, moves):
        """The hold of this company, customer, code and invoices that nobody has
        released; may be none."""
        return self.search(
            [
                ("company_id", "=", company.id),
                ("partner_id", "=", partner.id),
                ("code", "=", code),
                ("released_at", "=", False),
                (
                    "move_key",
                    "in",
                    [self._make_move_key(moves)] + ([] if moves else [False]),
                ),
            ],
            limit=1,
        )

    def _refresh_hold(self, detail, until, reminder):
        later = None if not (until and self.date_until) else max(until, self.date_until)
        values = {
            "detail": detail or self.detail,
            "date_until": later or False,
            "reminder_id": reminder.id if reminder else self.reminder_id.id,
        }
        changed = {
            name: value
            for name, value in values.items()
            if value != self._fields[name].convert_to_write(self[name], self)
        }
        if changed:
            self.write(changed)

    @api.model
    def _create_once(self, values):
        self.env.cr.flush()  # errors of what the caller has written are the caller's
        try:
            with self.env.cr.savepoint():
                return self.create(values)
        except psycopg2.errors.UniqueViolation:
            _logger.info("The same hold was made by another process")
            return self.browse()

    @api.model
    def _read_held(self, company, partner_ids, today):
        """What is held now of these commercial partners in a company, as a ``Held``;
        one query.

        :param today: in the company's time zone
        """
        for model in ("chaser.hold", "chaser.promise", "chaser.dispute"):
            self.env[model].flush_model()
        return self._make_held(
            self.env.execute_query(
                self._get_held_sql(company, list(partner_ids), today)
            )
        )

    @api.model
    def _make_held(self, rows):
        """``Held`` from rows of ``_get_held_sql``."""
        held = Held()
        for partner_id, move_id, item_id, code, params in rows:
            held.add(
                partner_id,
                move_id,
                item_id,
                Skip(code, {name: value for name, value in params.items() if value}),
            )
        return held

    @api.model
    def _get_held_sql(self, company, partner_ids, today):
        """Rows of customer, invoice, journal item (the most specific that is set
        counts), reason and its values. Promises and disputes about invoices are stored
        on the invoices (``chaser_promise_date``, ``chaser_dispute_reason``); here are
        those about the whole customer."""
        return SQL(
            """SELECT h.partner_id, r.move_id, NULL::int AS item_id,
            'hold_' || h.code AS code,
                      jsonb_build_object('detail', h.detail, 'date',
                      h.date_until) AS params
                 FROM chaser_hold h LEFT JOIN chaser_hold_move_rel r ON r.hold_id = h.id
                WHERE (h.company_id = ANY(%(chain)s)
                OR r.move_id IS NOT NULL AND h.company_id = ANY(%(entity)s))
                AND h.partner_id = ANY(%(partners)s) AND h.released_at IS NULL
                  AND (h.date_until IS NULL OR h.date_until >= %(today)s)
               UNION ALL
               SELECT d.partner_id, NULL, NULL, 'customer_disputes',
               jsonb_build_object('detail', d.reason) FROM chaser_dispute d
                WHERE d.company_id = ANY(%(chain)s) AND d.partner_id = ANY(%(partners)s)
                AND d.state = 'open'
                  AND NOT EXISTS (SELECT 1 FROM chaser_dispute_move_rel r
                  WHERE r.dispute_id = d.id)
               UNION ALL
               SELECT p.partner_id, NULL, NULL, 'customer_promised',
               jsonb_build_object('date', max(p.date_promised)) FROM chaser_promise p
                WHERE p.company_id = ANY(%(chain)s) AND p.partner_id = ANY(%(partners)s)
                AND p.state = 'open' AND p.date_promised >= %(today)s
                  AND coalesce(p.amount, 0) = 0 AND NOT EXISTS (SELECT 1
                  FROM chaser_promise_move_rel r WHERE r.promise_id = p.id)
                GROUP BY p.partner_id""",
            # What holds a customer in the head office holds in its branches, too; an
            # invoice is held whoever of the legal entity plans around it.
            entity=list(company._get_chaser_entity().ids),
            chain=list(company._get_chaser_chain().ids),
            partners=partner_ids,
            today=today,
        )

    @api.model
    def _release_paid(self):
        """Releases holds whose invoices are all paid."""
        held = self.sudo().search(
            [("released_at", "=", False), ("move_ids", "!=", False)]
        )
        held.filtered(
            lambda hold: all(
                move.payment_state in PAID_STATES for move in hold.move_ids
            )
        ).action_release()

    # -- The other contact that a customer proposed: a user decides whether it is
    # written to

    def action_use_proposed_email(self):
        """Write to the proposed address from now on: it replaces the address of the
        invoice contact that was written to, or becomes the customer's invoice contact.
        Then the hold is released."""
        self.ensure_one()
        self.check_access("write")
        email = email_normalize(self.proposed_email or "")
        if not email or self.released_at:
            raise UserError(
                self.env._(
                    "“%s” proposes no other address, or is released already.",
                    self.display_name,
                )
            )
        self._replace_email(email)
        self.partner_id.sudo()._for_chaser(self.company_id)._message_log(
            body=self.env._(
                "Reminders go to %(email)s from now on; decided by %(user)s.",
                email=email,
                user=self.env.user.name,
            )
        )
        self.action_release()

    def _replace_email(self, email):
        written = (
            self.sudo().reminder_id._get_all_recipients() if self.reminder_id else []
        )
        # As superuser, because users who may decide on holds need not have the right to
        # change contacts.
        Partner = self.env["res.partner"].sudo()
        contacts = Partner.search(
            [
                ("parent_id", "=", self.partner_id.id),
                ("type", "=", "invoice"),
                ("email", "!=", False),
            ]
        )
        wrong = contacts.filtered(
            lambda contact: set(email_normalize_all(contact.email)) & set(written)
        )
        if wrong:
            wrong.write({"email": email})
        elif email not in {
            found
            for contact in contacts
            for found in email_normalize_all(contact.email)
        }:
            Partner.create(
                {
                    "name": email,
                    "email": email,
                    "type": "invoice",
                    "parent_id": self.partner_id.id,
                    "company_id": self.partner_id.company_id.id,
                }
            )
