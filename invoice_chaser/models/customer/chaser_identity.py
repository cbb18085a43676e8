from collections import defaultdict

from odoo import api, models
from odoo.tools import SQL


class ChaserIdentity(models.AbstractModel):
    """Who a customer is: the commercial partner, today, of the items' partner. What is
    known of a customer (reminders, holds, promises, disputes, calls, answers) is kept
    with that partner; when contacts move, merge or change kind, it follows here, in one
    place.

    By SQL, as Odoo's own merge does it: history is moved, not edited."""

    _name = "chaser.identity"
    _description = "Identity of Customers"

    @api.model
    def _get_models(self):
        """Names of the models that keep a customer in ``partner_id``."""
        return [
            name
            for name, model in self.env.registry.items()
            if name.startswith("chaser.")
            and model._auto
            and not model._abstract
            and not model._transient
            and "partner_id" in model._fields
            and model._fields["partner_id"].store
            and model._fields["partner_id"].comodel_name == "res.partner"
        ]

    # -- what was written to a customer

    @api.model
    def _get_letters_sql(self, customers, companies):
        """The reminders of legal entities that count as written to customers, for the
        interval, the messages of a week, whether one is on its way, and what the
        worklist shows: rows of ``customer_id`` and the reminder's columns.

        Those that are kept with the customer; and those to somebody else that left, or
        may have, about an item that is the customer's today: who leaves a group was
        written to as a part of it.

        :param SQL customers: condition on a customer's id, e.g. ``= 5``
        :param companies: one of each legal entity, or more
        """
        entities = companies.browse().union(
            *(company._get_chaser_entity() for company in companies)
        )
        # A reminder is in one of the two parts, never in both.
        return SQL(
            """SELECT r.partner_id AS customer_id, %(columns)s FROM chaser_reminder r
            WHERE r.partner_id %(customers)s AND r.company_id = ANY(%(companies)s)
              AND r.purpose = 'reminder'
            UNION ALL
            SELECT DISTINCT i.customer_id, %(columns)s FROM (%(items)s) i
              JOIN chaser_reminder_line x ON x.move_line_id = i.id
              JOIN chaser_reminder r ON r.id = x.reminder_id
            WHERE NOT x.is_credit AND x.dropped_code IS NULL
              AND r.partner_id <> i.customer_id
              AND r.company_id = ANY(%(companies)s) AND r.purpose = 'reminder'
              AND (r.state IN ('sending', 'sent') OR r.is_undecided)""",
            items=self.env["chaser.account"]._get_open_items_sql(customers),
            columns=SQL(
                "r.id, r.company_id, r.partner_id, r.campaign_id, r.state, "
                "r.is_undecided, r.sent_at, r.create_date"
            ),
            customers=customers,
            companies=list(entities.ids),
        )

    @api.model
    def _get_record_sql(self, letters):
        """Per company and customer: the last reminder, and whether one is on its way,
        of all that count as written to them (by whichever branch, or to the group that
        they have left); how many reminders of the last year are the company's own to
        the customer, and how many of these were answered. In one pass.

        :param SQL letters: rows as of ``_get_letters_sql``
        :return: to be used beside rows named ``company`` (``id``, ``today``, ``chain``:
            itself and those above it, the head office last)
        """
        return SQL(
            """SELECT c.id AS company_id, r.customer_id AS partner_id,
                      count(*) FILTER (WHERE own) AS reminders,
                      count(*) FILTER (WHERE own AND EXISTS (
                          SELECT 1 FROM chaser_event e WHERE e.reminder_id = r.id
                          AND e.event_type = 'replied')) AS answered,
                      max(r.sent_at) FILTER (WHERE r.state = 'sent') AS last_contact_at,
                      bool_or(r.state IN ('draft', 'queued', 'sending')
                      OR r.is_undecided) AS is_under_way
                 FROM (%s) r JOIN company w ON w.id = r.company_id
                 JOIN company c
                 ON c.chain[cardinality(c.chain)] = w.chain[cardinality(w.chain)]
                CROSS JOIN LATERAL (SELECT r.partner_id = r.customer_id
                      AND r.company_id = c.id AND r.state = 'sent'
                      AND r.sent_at > c.today - interval '1 year' AS own) o
                GROUP BY 1, 2""",
            letters,
        )

    @api.model
    def _read_letter_ids(self, customer, company):
        """Ids of the reminders by which a customer was, or is to be, written to."""
        for name in ("chaser.reminder", "chaser.reminder.line", "account.move.line"):
            self.env[name].flush_model()
        letters = self._get_letters_sql(SQL("= %s", customer.id), company)
        rows = self.env.execute_query(SQL("SELECT id FROM (%s) letters", letters))
        return [letter_id for (letter_id,) in rows]

    # -- contacts that change what they belong to

    @api.model
    def _read_customers(self, partners):
        """Partner id → id of the customer that it belongs to now, contacts below it
        included."""
        family = (
            self.env["res.partner"]
            .sudo()
            .with_context(active_test=False)
            .search([("id", "child_of", partners.ids)])
        )
        return {one.id: one.commercial_partner_id.id for one in family}

    @api.model
    def _follow(self, before):
        """After contacts were moved. :param before: what ``_read_customers`` said"""
        partners = self.env["res.partner"].sudo().browse(before)
        partners.invalidate_recordset(["commercial_partner_id"])
        whole, left = defaultdict(set), set()
        for partner in partners:
            old, new = before[partner.id], partner.commercial_partner_id.id
            if old == new:
                continue
            if partner.id == old:
                whole[new].add(old)
            else:
                left.add((old, new))
        for new, olds in whole.items():
            self._join(olds, new)
        for old, new in left:
            self._take_along(old, new)

    @api.autovacuum
    def _gc_moved(self):
        """What was moved past the ORM, or before this addon followed: each customer's
        knowledge is with the commercial partner of today."""
        for name in self._get_models():
            rows = self.env.execute_query(
                SQL(
                    """SELECT DISTINCT r.partner_id, p.commercial_partner_id FROM %s r
                    JOIN res_partner p ON p.id = r.partner_id
                    WHERE p.commercial_partner_id <> p.id""",
                    SQL.identifier(self.env[name]._table),
                )
            )
            for old_id, new_id in rows:
                self._join([old_id], new_id)

    @api.model
    def _join(self, old_ids, new_id):
        """Customers become part of another one, which keeps all that is known of
        them."""
        old_ids = sorted(set(old_ids) - {new_id})
        if not old_ids:
            return
        self.env.flush_all()
        for name in self._get_models():
            model = self.env[name].sudo()
            records = model.with_context(active_test=False).search(
                [("partner_id", "in", old_ids)]
            )
            self._move(records, new_id)
        self._keep_agreed(old_ids, new_id)

    @api.model
    def _move(self, records, new_id):
        """What clashes with the other customer's is settled first
        (``_settle_clash`` of the model, where it has a unique index)."""
        if not records:
            return
        if hasattr(records, "_settle_clash"):
            records = records._settle_clash(new_id)
            records.flush_model()
        self.env.cr.execute(
            SQL(
                "UPDATE %s SET partner_id = %s WHERE id = ANY(%s)",
                SQL.identifier(records._table),
                new_id,
                list(records.ids),
            )
        )
        records.invalidate_model()

    @api.model
    def _take_along(self, old_id, new_id):
        """Contacts leave a customer: what is about their items alone goes with them,
        and what holds the former customer as a whole holds them, too."""
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                """SELECT r.id FROM chaser_reminder r WHERE r.partner_id = %(old)s
                AND EXISTS (SELECT 1 FROM chaser_reminder_line x
                  WHERE x.reminder_id = r.id AND x.move_line_id IS NOT NULL)
                AND NOT EXISTS (SELECT 1 FROM chaser_reminder_line x
                  JOIN account_move_line l ON l.id = x.move_line_id
                  LEFT JOIN res_partner p ON p.id = l.partner_id
                  WHERE x.reminder_id = r.id
                  AND p.commercial_partner_id IS DISTINCT FROM %(new)s)""",
                old=old_id,
                new=new_id,
            )
        )
        reminders = self.env["chaser.reminder"].sudo().browse(row[0] for row in rows)
        self._move(reminders.event_ids, new_id)
        self._move(reminders, new_id)
        new = self.env["res.partner"].sudo().browse(new_id)
        for name in ("chaser.hold", "chaser.promise", "chaser.dispute"):
            records = self.env[name].sudo().search([("partner_id", "=", old_id)])
            self._move(
                records.filtered(
                    lambda record: record.move_ids
                    and record.move_ids.partner_id.commercial_partner_id == new
                ),
                new_id,
            )
        if self.env["chaser.account"]._has_open_items(new_id):
            self.env["chaser.hold"].sudo()._hold_as(old_id, new)
            self._keep_agreed([old_id], new_id)

    @api.model
    def _keep_agreed(self, old_ids, new_id):
        """What was agreed with the former customer, in each company: the later pause
        counts, and the longer interval where the new one has agreed on none."""
        Partner = self.env["res.partner"].sudo()
        rows = self.env.execute_query(
            SQL(
                """SELECT DISTINCT c.id FROM res_partner p, res_company c
                WHERE p.id = ANY(%s) AND (p.chaser_paused_until ? c.id::text
                OR p.preferred_contact_interval ? c.id::text)""",
                list(old_ids),
            )
        )
        for (company_id,) in rows:
            old = Partner.with_company(company_id).browse(old_ids)
            new, values = Partner.with_company(company_id).browse(new_id), {}
            paused = old.filtered("chaser_paused_until")
            until = max(paused.mapped("chaser_paused_until"), default=None)
            if until and (
                not new.chaser_paused_until or until > new.chaser_paused_until
            ):
                reasons = filter(None, paused.mapped("chaser_pause_reason"))
                values = {
                    "chaser_paused_until": until,
                    "chaser_pause_reason": "; ".join(reasons)
                    or ", ".join(paused.mapped("name")),
                }
            interval = max(old.mapped("preferred_contact_interval"))
            if interval and not new.preferred_contact_interval:
                values["preferred_contact_interval"] = interval
            if values:
                new.write(values)


class PartnerMerge(models.TransientModel):
    _inherit = "base.partner.merge.automatic.wizard"  # pylint: disable=consider-merging-classes-inherited  # merging keeps what is known of both

    def _update_foreign_keys(self, src_partners, dst_partner):
        """Before Odoo moves foreign keys by SQL, past our unique indexes. What is known
        of a contact's items is kept with the customer that it belonged to, and can be
        told apart only when the items have moved."""
        identity = self.env["chaser.identity"]
        new_id = dst_partner.commercial_partner_id.id
        left = (src_partners.commercial_partner_id - src_partners).ids
        identity._join(src_partners.ids, new_id)
        result = super()._update_foreign_keys(src_partners, dst_partner)
        self.env.invalidate_all(flush=False)
        for old_id in set(left) - {new_id}:
            identity._take_along(old_id, new_id)
        return result
