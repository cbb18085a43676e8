from dataclasses import replace
from decimal import Decimal

from odoo import api, models
from odoo.tools import SQL

from ...core.plan.gates import Skip
from ...core.plan.holds import Held
from ...core.plan.netting import (
    Account,
    OpenCredit,
    OpenDebit,
    get_free_credits,
    get_untaken,
    leave_for_others,
    take_up,
)
from .open_items import (
    INVOICE_TYPES,
    get_due_date,
    get_label,
    is_asked_for,
    is_no_followup,
    is_open,
    is_open_debit,
    is_open_payable,
    is_receivable,
    is_unpaid_invoice,
)


class ChaserAccount(models.AbstractModel):
    """What customers owe: both sides of their receivable account, read in a fixed
    number of queries, whatever the number of customers."""

    _name = "chaser.account"
    _description = "Receivable Account of Customers"

    # -- what may be asked for

    @api.model
    def _select_items(self, condition, company, until):
        """Open receivable journal items by id, as dictionaries.

        :param SQL condition: which items (alias ``l``, their entry ``m``, their
        commercial partner ``p.commercial_partner_id``)
        :param until: latest due date
        """
        self.env["account.move.line"].flush_model()
        self.env["account.move"].flush_model()
        self.env["res.partner"].flush_model()
        rows = self.env.execute_query_dict(
            SQL(
                """SELECT * FROM (
               SELECT l.id, l.move_id, p.commercial_partner_id AS partner_id,
               l.currency_id, l.amount_residual_currency AS residual,
                      l.amount_residual AS company_residual,
                      l.amount_currency AS amount, m.name AS number, %s AS label,
                      coalesce(m.invoice_date, l.date) AS invoice_date,
                      %s AS date_due, %s AS no_followup,
                      m.payment_state, m.chaser_dispute_reason AS dispute,
                      m.chaser_promise_date AS promise, m.partner_id AS contact_id
                 FROM account_move_line l JOIN account_move m ON m.id = l.move_id
                 JOIN res_partner p ON p.id = l.partner_id
                WHERE %s AND %s AND l.company_id = %s
               ) items WHERE date_due <= %s ORDER BY id""",
                get_label(),
                get_due_date(),
                is_no_followup(),
                condition,
                is_open_debit(),
                company.id,
                until,
            )
        )
        return {row["id"]: row for row in rows}

    @api.model
    def _get_item_hold(self, row, today):
        """Why an item must not be chased, from its own state; None when it may."""
        if row["no_followup"]:
            return Skip("no_followup")
        if row["dispute"] or row["payment_state"] == "blocked":
            return Skip("disputed", {"detail": row["dispute"] or ""})
        if row["promise"] and row["promise"] >= today:
            return Skip("promised", {"date": row["promise"].isoformat()})
        return None

    # -- what stands beside it

    @api.model
    def _get_beside_sql(self, condition, company, today, chosen):
        """What counts on an account beside the items that are asked for: credits,
        debits that nobody asks for, and overdue invoices. Oldest first.

        :param SQL condition: which customers, e.g. ``= 5``
        :param chosen: ids of the items that are asked for
        """
        return SQL(
            """SELECT l.id, l.move_id, l.company_id,
            p.commercial_partner_id AS partner_id, l.currency_id,
                      l.amount_residual_currency AS residual,
                      l.amount_residual AS company_residual,
                      l.amount_currency AS amount, coalesce(m.name, m.ref,
                      '') AS number, coalesce(m.invoice_date, l.date) AS invoice_date,
                      NULL::date AS date_due, %(asked)s AS is_asked,
                      %(no_followup)s AS no_followup, m.payment_state,
                      m.chaser_dispute_reason AS dispute,
                      m.chaser_promise_date AS promise
                 FROM account_move_line l JOIN account_move m ON m.id = l.move_id
                 JOIN res_partner p ON p.id = l.partner_id
                WHERE p.commercial_partner_id %(condition)s AND %(open)s
                  AND l.company_id = ANY(%(companies)s)
                  AND (l.amount_residual_currency < 0 OR %(debit)s)
                  AND NOT EXISTS (SELECT 1 FROM unnest(%(chosen)s::int[]) c
                  WHERE c = l.id)
                ORDER BY l.date, l.id""",
            asked=is_asked_for(company.chaser_open_debits),
            no_followup=is_no_followup(),
            condition=condition,
            open=is_open(),
            companies=list(company._get_chaser_entity().ids),
            debit=self._get_debit_condition(company, today),
            chosen=list(chosen),
        )

    @api.model
    def _get_debit_condition(self, company, today):
        """Debits that take part in netting beside what was chosen: what nobody asks
        for, and what is overdue."""
        other_debits = company.chaser_open_debits
        return SQL(
            """l.amount_residual_currency > 0 AND (NOT %s AND m.move_type <> ALL(%s)
            OR %s AND %s < %s)""",
            other_debits,
            list(INVOICE_TYPES),
            is_asked_for(other_debits),
            get_due_date(),
            today,
        )

    @api.model
    def _read_invoice_contacts(self, company, partner_ids):
        """Customer → ids of the contacts that their open invoices were made out to."""
        rows = self.env.execute_query(
            SQL(
                """SELECT DISTINCT p.commercial_partner_id, m.partner_id
                FROM account_move_line l JOIN account_move m ON m.id = l.move_id
                JOIN res_partner p ON p.id = l.partner_id
                WHERE p.commercial_partner_id = ANY(%s) AND l.company_id = %s AND %s
                AND m.partner_id IS NOT NULL ORDER BY 1, 2""",
                list(partner_ids),
                company.id,
                is_open_debit(),
            )
        )
        contacts = {}
        for partner_id, contact_id in rows:
            contacts.setdefault(partner_id, []).append(contact_id)
        return contacts

    @api.model
    def _read_nameless(self, company):
        """Names of overdue documents that nobody can be asked for: they have no
        customer."""
        rows = self.env.execute_query(
            SQL(
                """SELECT DISTINCT m.name FROM account_move_line l
                JOIN account_move m ON m.id = l.move_id
                WHERE l.company_id = %s AND l.partner_id IS NULL AND %s AND %s
                AND %s < %s ORDER BY 1""",
                company.id,
                is_open_debit(),
                is_asked_for(False),
                get_due_date(),
                company._get_chaser_today(),
            )
        )
        return [row[0] for row in rows]

    @api.model
    def _get_accountless_sql(self):
        """A document that stands on no receivable account, after an import or a change
        of the account's kind: nothing of it can be asked for."""
        return SQL(
            """(m.state = 'posted' AND %s AND NOT EXISTS (
            SELECT 1 FROM account_move_line l WHERE l.move_id = m.id AND %s))""",
            is_unpaid_invoice(),
            is_receivable(),
        )

    @api.model
    def _leave_accountless(self, moves):
        """Those of these documents that stand on no receivable account."""
        if not moves:
            return moves
        rows = self.env.execute_query(
            SQL(
                "SELECT m.id FROM account_move m WHERE m.id = ANY(%s) AND %s",
                list(moves.ids),
                self._get_accountless_sql(),
            )
        )
        return moves.browse(row[0] for row in rows)

    @api.model
    def _read_accountless(self, company):
        """Names of the documents of a company that stand on no receivable account."""
        rows = self.env.execute_query(
            SQL(
                "SELECT m.name FROM account_move m WHERE m.company_id = %s AND %s "
                "ORDER BY m.name",
                company.id,
                self._get_accountless_sql(),
            )
        )
        return [row[0] for row in rows]

    @api.model
    def _has_open_items(self, partner_id):
        """Whether anything is open on a customer's account, in whichever company."""
        rows = self.env.execute_query(
            SQL(
                """SELECT 1 FROM account_move_line l
                JOIN res_partner p ON p.id = l.partner_id
                WHERE p.commercial_partner_id = %s AND %s LIMIT 1""",
                partner_id,
                is_open(),
            )
        )
        return bool(rows)

    @api.model
    def _get_open_items_sql(self, customers):
        """Rows of ``customer_id`` and ``id``: what is open on the accounts of
        customers. Read first and by itself (OFFSET): whatever is joined to it may have
        many more rows.

        :param SQL customers: condition on a customer's id, e.g. ``= 5``
        """
        return SQL(
            """SELECT p.commercial_partner_id AS customer_id, l.id
            FROM account_move_line l JOIN res_partner p ON p.id = l.partner_id
            WHERE p.commercial_partner_id %s AND %s OFFSET 0""",
            customers,
            is_open(),
        )

    @api.model
    def _get_net_sql(self):
        """Rows of ``_get_sides_sql`` with what is ``free`` of the credits and what is
        left to ask for (``net``), in their currency: ``core.plan.netting`` in SQL. What
        a company of a legal entity does not need goes to the others, in the order of
        their ids."""
        return SQL(
            """SELECT *, asked - used + least(used, greatest(greatest(hungers - spares,
                      0) - used_before, 0)) - least(need, greatest(greatest(spares
                      - hungers, 0) - need_before, 0)) AS net
                 FROM (SELECT *, sum(spare) OVER entity AS spares,
                       sum(hunger) OVER entity AS hungers,
                       coalesce(sum(used) OVER (entity ORDER BY company_id ROWS BETWEEN
                       UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS used_before,
                       coalesce(sum(need) OVER (entity ORDER BY company_id ROWS BETWEEN
                       UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS need_before
                  FROM (SELECT *, least(free, asked) AS used,
                        greatest(free - asked, 0) AS spare,
                        greatest(asked - free, 0) AS need,
                        greatest(taken - own, 0) AS hunger
                   FROM (SELECT *, greatest(own - taken, 0) AS free FROM (%s) sides
                   ) freed) parts
                 WINDOW entity AS (PARTITION BY root, partner_id, currency_id)
                 ) shared""",
            self._get_sides_sql(),
        )

    @api.model
    def _get_sides_sql(self):
        """Per company, customer and currency: ``asked`` for, ``own`` credits, what is
        ``taken`` up of them, in that currency; ``overdue`` and ``credit`` in the
        company's."""
        return SQL(
            """SELECT l.company_id, p.commercial_partner_id AS partner_id,
            l.currency_id, split_part(o.parent_path, '/', 1) AS root,
                      sum(l.amount_residual) AS amount_open,
                      coalesce(sum(l.amount_residual) FILTER (WHERE is_due), 0)
                      AS overdue,
                      coalesce(sum(l.amount_residual_currency)
                      FILTER (WHERE is_due), 0) AS asked,
                      coalesce(-sum(l.amount_residual) FILTER (WHERE is_credit), 0)
                      AS credit,
                      coalesce(-sum(l.amount_residual_currency)
                      FILTER (WHERE is_credit), 0) AS own,
                      coalesce(sum(l.amount_residual_currency)
                      FILTER (WHERE l.amount_residual_currency > 0
                      AND NOT o.chaser_open_debits IS TRUE
                      AND m.move_type <> ALL(%(types)s)), 0) AS taken,
                      count(*) FILTER (WHERE is_due) AS item_count,
                      min(at) FILTER (WHERE is_asked) AS date_oldest
                 FROM account_move_line l
                 JOIN company c ON c.id = l.company_id
                 JOIN res_company o ON o.id = l.company_id
                 JOIN account_move m ON m.id = l.move_id
                 JOIN res_partner p ON p.id = l.partner_id
                CROSS JOIN LATERAL (SELECT %(due)s AS at,
                      l.amount_residual_currency > 0 AND %(asked)s AS is_asked,
                      l.amount_residual_currency < 0
                      AND NOT %(no_followup)s AS is_credit) one
                CROSS JOIN LATERAL (SELECT is_asked AND at < c.today AS is_due) two
                WHERE %(open)s GROUP BY 1, 2, 3, 4""",
            types=list(INVOICE_TYPES),
            due=get_due_date(),
            asked=is_asked_for(SQL("o.chaser_open_debits IS TRUE")),
            no_followup=is_no_followup(),
            open=is_open(),
        )

    @api.model
    def _make_accounts(self, rows, get_hold):
        """Partner id → company id → ``Account``.

        :param rows: what ``_get_beside_sql`` found
        :param get_hold: why an item of these rows must not be chased, or None
        """
        accounts = {}
        for row in rows:
            account = accounts.setdefault(row["partner_id"], {}).setdefault(
                row["company_id"], Account()
            )
            residual = Decimal(str(row["residual"]))
            if residual < 0:
                if not row["no_followup"]:
                    account.credits.append(_as_credit(row))
            elif not row["is_asked"]:
                account.takers.append(_as_debit(row))
            elif not get_hold(row):
                account.overdue.append(_as_debit(row))
        return accounts

    @api.model
    def _read_accounts(self, company, partner_ids, chosen, today, held):
        """The accounts of customers beside the chosen items (ids), and the rows by id;
        one query."""
        rows = self.env.execute_query_dict(
            self._get_beside_sql(
                SQL("= ANY(%s)", list(partner_ids)), company, today, chosen
            )
        )
        accounts = self._make_accounts(
            rows,
            lambda row: self._get_item_hold(row, today)
            or held.get_item(row["move_id"], row["id"]),
        )
        return accounts, {row["id"]: row for row in rows}

    @api.model
    def _read_payables(self, company, partner_ids):
        """Customer → (currency id, what we owe them on open bills), where the company
        shows it."""
        if not company.chaser_show_payables or not partner_ids:
            return {}
        rows = self.env.execute_query(
            SQL(
                """SELECT p.commercial_partner_id, l.currency_id,
                -sum(l.amount_residual_currency) FROM account_move_line l
                JOIN res_partner p ON p.id = l.partner_id
                WHERE p.commercial_partner_id = ANY(%s) AND l.company_id = ANY(%s)
                AND %s GROUP BY 1, 2 HAVING sum(l.amount_residual_currency) < 0
                ORDER BY 1, 2""",
                list(partner_ids),
                list(company._get_chaser_entity().ids),
                is_open_payable(),
            )
        )
        payables = {}
        for partner_id, currency_id, amount in rows:
            payables.setdefault(partner_id, []).append((currency_id, amount))
        return payables

    @api.model
    def _read_in_credit(self, company, partner_ids, payables=False):
        """Which of these customers owe nothing over all currencies: their whole account
        in the legal entity, in the company's currency, is zero or in credit.

        :param payables: whether what we owe them counts as well
        """
        counted = is_open()
        if payables:
            counted = SQL("(%s OR %s)", counted, is_open_payable())
        rows = self.env.execute_query(
            SQL(
                """SELECT p.commercial_partner_id FROM account_move_line l
                JOIN res_partner p ON p.id = l.partner_id
                WHERE p.commercial_partner_id = ANY(%s) AND l.company_id = ANY(%s)
                AND %s AND NOT (l.amount_residual_currency < 0 AND %s)
                GROUP BY 1 HAVING sum(l.amount_residual) <= 0""",
                list(partner_ids),
                list(company._get_chaser_entity().ids),
                counted,
                is_no_followup(),
            )
        )
        return {row[0] for row in rows}

    @api.model
    def _read_untaken(self, company, partner_ids):
        """Open credit of the legal entity → how much of it no debit takes up that
        nobody asks for, for whoever asks whether money came in. One query."""
        if not partner_ids:
            return {}
        accounts, _rows = self._read_accounts(
            company, partner_ids, (), company._get_chaser_today(), Held()
        )
        return {
            credit.id: credit.residual
            for own in accounts.values()
            for credit in get_untaken(own)
        }

    @api.model
    def _read_credit_rows(self, company, partner, items):
        """The credits that a message to a customer about these journal items may set
        off now; as superuser, two queries."""
        if not items:
            return []
        today = company._get_chaser_today()
        held = self.env["chaser.hold"].sudo()._read_held(company, partner.ids, today)
        accounts, rows = self._read_accounts(
            company, partner.ids, items.ids, today, held
        )
        asked = [
            {
                "id": item.id,
                "currency_id": item.currency_id.id,
                "residual": item.amount_residual_currency,
            }
            for item in items
        ]
        return self._get_credit_rows(accounts.get(partner.id, {}), rows, company, asked)

    @api.model
    def _get_credit_rows(self, accounts, rows, company, items, elsewhere=()):
        """The credits that a message about these items may set off, as rows with what
        is free of them.

        :param items: rows with ``currency_id`` and ``residual``
        :param elsewhere: ids of items and credits that stand in another message
        """
        asked, own = [_as_debit(row) for row in items], accounts.get(company.id)
        if own:
            ids = {row["id"] for row in items}
            own = replace(
                own, overdue=[one for one in own.overdue if one.id not in ids]
            )
            accounts = accounts | {company.id: own}
        free = get_free_credits(accounts, company.id, asked)
        credits = leave_for_others(
            [credit for credit in free if credit.id not in elsewhere],
            asked,
            [one for one in own.overdue if one.id not in elsewhere] if own else (),
        )
        return [
            rows[credit.id]
            | {
                "residual": -credit.residual,
                "company_residual": -credit.company_residual,
            }
            for credit in credits
        ]

    @api.model
    def _get_rest(self, covered, credits):
        """What is left of credits (rows) that cover items (``OpenItem``), as rows."""
        rows = {row["id"]: row for row in credits}
        debits = [OpenDebit(one.id, one.currency_id, one.residual) for one in covered]
        currencies = {debit.currency_id for debit in debits}
        given = [_as_credit(row) for row in credits if row["currency_id"] in currencies]
        return [
            rows[credit.id] | {"residual": -credit.residual}
            for credit in take_up(given, debits)[0]
        ]


def _as_credit(row):
    return OpenCredit(
        row["id"],
        row["currency_id"],
        -Decimal(str(row["residual"])),
        -Decimal(str(row["company_residual"])),
    )


def _as_debit(row):
    return OpenDebit(row["id"], row["currency_id"], Decimal(str(row["residual"])))
