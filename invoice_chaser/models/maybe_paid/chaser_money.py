from datetime import timedelta
from decimal import Decimal

from odoo import api, fields, models
from odoo.tools import SQL

from ...core.match.maybe_paid import Customer, Item, Money, MoneyMatcher, make_quoted
from ...core.match.reference import find_references
from ..planning.open_items import (
    get_due_date,
    is_open,
    is_open_credit,
    is_open_debit,
    is_unpaid_invoice,
)

# Payments that have not been allocated for longer than this are a matter for
# bookkeeping, not for the next reminder. Of the newest ones so many are looked at.
_MONEY_DAYS, _MONEY_COUNT = 400, 5000
_MONEY_SQL = """(SELECT 'line-' || s.id AS key, m.date, concat_ws(' ', s.payment_ref,
m.ref, s.partner_name) AS text, s.account_number AS account,
                       s.currency_id, s.foreign_currency_id AS other_id,
                       abs(coalesce(s.amount_residual, s.amount)) AS amount,
                       s.amount AS journal_amount,
                       p.commercial_partner_id AS partner_id, false AS booked
                  FROM account_bank_statement_line s JOIN account_move m ON m.id =
                  s.move_id LEFT JOIN res_partner p ON p.id = s.partner_id
                 WHERE s.company_id = ANY(%(companies)s) AND s.is_reconciled IS NOT TRUE
                 AND s.amount > 0 AND m.state = 'posted' AND m.date >= %(since)s
                 ORDER BY s.id DESC LIMIT %(count)s)
               UNION ALL
               (SELECT 'payment-' || y.id, y.date, concat_ws(' ', y.memo,
               y.payment_reference), NULL, y.currency_id, NULL, y.amount, NULL,
                       p.commercial_partner_id, false
                  FROM account_payment y LEFT JOIN res_partner p ON p.id = y.partner_id
                 WHERE y.company_id = ANY(%(companies)s) AND y.state = 'in_process'
                 AND y.move_id IS NULL AND y.payment_type = 'inbound'
                   AND y.partner_type = 'customer' AND y.date >= %(since)s
                   AND NOT EXISTS (SELECT 1 FROM account_move__account_payment r
                   WHERE r.payment_id = y.id)
                 ORDER BY y.id DESC LIMIT %(count)s)
               UNION ALL
               (SELECT 'credit-' || l.id, l.date, concat_ws(' ', m.ref, l.name), NULL,
               l.currency_id, NULL, -l.amount_residual_currency, NULL,
                       p.commercial_partner_id, true
                  FROM account_move_line l JOIN account_move m ON m.id = l.move_id
                  JOIN res_partner p ON p.id = l.partner_id
                 WHERE l.company_id = ANY(%(companies)s) AND %(credit)s
                   AND m.move_type = 'entry' AND l.date >= %(since)s
                 ORDER BY l.id DESC LIMIT %(count)s)"""


class ChaserMoney(models.AbstractModel):
    """Money that is not allocated yet, and what customers owe, read to be compared."""

    _name = "chaser.money"
    _description = "Money Not Allocated"

    @api.model
    def _read_money(self, company):
        """Unreconciled bank lines, payments without an entry, and open credits of
        customers, of the whole legal entity: a branch's customer pays into the head
        office's bank as well. Their text is the payer's: our own number of a payment
        (PBNK1/2026/00001) looks like an invoice number and says nothing."""
        for model in (
            "account.bank.statement.line",
            "account.payment",
            "account.move",
            "account.move.line",
        ):
            self.env[model].flush_model()
        since = fields.Date.today() - timedelta(days=_MONEY_DAYS)
        rows = self.env.execute_query_dict(
            SQL(
                _MONEY_SQL,
                companies=list(company._get_chaser_entity().ids),
                since=since,
                count=_MONEY_COUNT,
                credit=is_open_credit(),
            )
        )
        return [self._as_money(row) for row in self._leave_untaken(company, rows)]

    @api.model
    def _leave_untaken(self, company, rows):
        """Without credits that an open debit takes up: a refund that was paid out, an
        opening entry with both sides. Money that went back pays nothing."""
        booked = [row for row in rows if row["booked"]]
        free = self.env["chaser.account"]._read_untaken(
            company, list({row["partner_id"] for row in booked})
        )
        for row in booked:
            row["amount"] = free.get(int(row["key"].rpartition("-")[2]), 0)
        return [row for row in rows if not row["booked"] or row["amount"]]

    @api.model
    def _read_quoted(self, company, money):
        """Money key → hit, where its text quotes the payment reference of a message of
        which something is still open. None instead of a hit where the message is
        another company's of the legal entity: it is theirs to look at."""
        numbers = {one.key: find_references(one.text) for one in money}
        wanted = list({number for found in numbers.values() for number in found})
        messages = self._read_messages(company, wanted) if wanted else {}
        quoted = {}
        for one in money:
            for number in numbers[one.key]:
                if number in messages and one.key not in quoted:
                    owner, items, credits = messages[number]
                    quoted[one.key] = (
                        make_quoted(one, number, items, credits)
                        if owner == company.id
                        else None
                    )
        return quoted

    @api.model
    def _read_messages(self, company, reminder_ids):
        """Reminder id → its company's id, its customer's items that are open now, and
        what it set off by currency; of the legal entity."""
        rows = self.env.execute_query_dict(
            SQL(
                """SELECT r.id AS reminder_id, r.company_id, rl.is_credit, l.id,
                l.move_id,
                p.commercial_partner_id AS partner_id, rl.number, l.currency_id,
                abs(l.amount_residual_currency) AS residual,
                abs(rl.amount_residual) AS shown, rl.date_maturity AS date_due
                 FROM chaser_reminder r
                 JOIN chaser_reminder_line rl ON rl.reminder_id = r.id
                 JOIN account_move_line l ON l.id = rl.move_line_id
                 JOIN res_partner p ON p.id = l.partner_id
                WHERE r.id = ANY(%s) AND r.company_id = ANY(%s)
                AND r.purpose <> 'thanks'
                AND r.state IN ('sending', 'sent', 'failed')
                AND p.commercial_partner_id = r.partner_id
                AND rl.dropped_code IS NULL AND %s ORDER BY rl.date_maturity, l.id""",
                reminder_ids,
                list(company._get_chaser_entity().ids),
                is_open(),
            )
        )
        messages = {}
        for row in rows:
            _owner, items, credits = messages.setdefault(
                row["reminder_id"], (row["company_id"], [], {})
            )
            residual = Decimal(str(row["residual"]))
            if row["is_credit"]:
                used = min(residual, Decimal(str(row["shown"])))
                credits[row["currency_id"]] = (
                    credits.get(row["currency_id"], Decimal(0)) + used
                )
            else:
                items.append(
                    Item(
                        row["id"],
                        row["move_id"],
                        row["partner_id"],
                        row["number"] or "",
                        "",
                        row["currency_id"],
                        residual,
                        row["date_due"],
                    )
                )
        return {key: value for key, value in messages.items() if value[1]}

    @api.model
    def _read_registered(self, company):
        """Days of payments of customers whose bank line is not matched, by customer,
        currency and amount."""
        rows = self.env.execute_query(
            SQL(
                """SELECT p.commercial_partner_id, y.currency_id, y.amount, y.date
                FROM account_payment y JOIN res_partner p ON p.id = y.partner_id
                WHERE y.company_id = ANY(%s) AND y.is_matched IS NOT TRUE
                AND y.state IN ('in_process', 'paid') AND y.payment_type = 'inbound'
                  AND y.move_id IS NOT NULL AND y.date >= %s""",
                list(company._get_chaser_entity().ids),
                fields.Date.today() - timedelta(days=_MONEY_DAYS),
            )
        )
        registered = {}
        for partner_id, currency_id, amount, day in rows:
            registered.setdefault(
                (partner_id, currency_id, Decimal(str(amount))), []
            ).append(day)
        return registered

    @api.model
    def _as_money(self, row):
        """The rest of a bank line is in its foreign currency where it has one; the
        journal's amount counts as well."""
        amounts = {row["other_id"] or row["currency_id"]: Decimal(str(row["amount"]))}
        if row["other_id"]:
            amounts[row["currency_id"]] = Decimal(str(row["journal_amount"]))
        return Money(
            row["key"],
            amounts,
            row["date"],
            row["text"] or "",
            row["partner_id"],
            row["account"] or "",
            row["booked"],
        )

    @api.model
    def _make_matcher(self, company):
        items = self.env.execute_query_dict(
            SQL(
                """SELECT l.id, l.move_id, c.commercial_partner_id AS partner_id,
                coalesce(m.name, '') AS number,
                      coalesce(nullif(m.payment_reference, m.name), m.ref,
                      '') AS reference, l.currency_id,
                      l.amount_residual_currency AS residual, %s AS date_due
                 FROM account_move_line l JOIN account_move m ON m.id = l.move_id
                 JOIN res_partner c ON c.id = l.partner_id
                WHERE l.company_id = %s AND %s AND %s""",
                get_due_date(),
                company.id,
                is_open_debit(),
                is_unpaid_invoice(),
            )
        )
        partner_ids = list({row["partner_id"] for row in items})
        customers = self.env.execute_query(
            SQL(
                """SELECT p.id, p.name, p.complete_name,
                (SELECT array_agg(b.sanitized_acc_number) FROM res_partner_bank b
                      JOIN res_partner c ON c.id = b.partner_id
                      WHERE c.commercial_partner_id = p.id AND b.active)
                 FROM res_partner p WHERE p.id = ANY(%s)""",
                partner_ids,
            )
        )
        return MoneyMatcher(
            [
                Item(**row | {"residual": Decimal(str(row["residual"]))})
                for row in items
            ],
            [
                Customer(
                    partner_id,
                    tuple(dict.fromkeys(filter(None, names))),
                    tuple(filter(None, accounts or ())),
                )
                for partner_id, *names, accounts in customers
            ],
        )
