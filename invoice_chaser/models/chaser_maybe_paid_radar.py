from datetime import timedelta
from decimal import Decimal

from odoo import api, fields, models
from odoo.fields import Command
from odoo.tools import SQL

from ..core.maybe_paid import Customer, Item, Money, Radar, is_registered
from .chaser_campaign_plan import PAID_STATES

# Older money that nobody allocated is a matter for the books, not for the next reminder; so many of the newest are looked at.
_MONEY_DAYS, _MONEY_COUNT = 400, 5000


class ChaserMaybePaid(models.Model):
    """The radar: reads money and items of a company in a fixed number of queries, and keeps what fits (``core.maybe_paid``)."""

    _inherit = "chaser.maybe.paid"

    @api.model
    def _refresh(self, company):
        """Finds new hits and holds what they cover; lets go what no longer fits. As superuser, one company at a time. Repeatable."""
        Hits = self.sudo().with_company(company)
        money = Hits._read_money(company) if company.sudo().chaser_maybe_paid else []
        known = {(hit.source_key, hit.partner_id.id, hit.items_key or ""): hit for hit in Hits.search([
            ("company_id", "=", company.id), "|", ("state", "=", "open"), ("source_key", "in", [one.key for one in money])])}
        if not money and not known:
            return Hits.browse()
        radar = Hits._make_radar(company) if money else Radar([])
        registered, found = Hits._read_registered(company) if money else {}, {}
        for one in money:
            for hit in (hit for hit in radar.match(one) if not is_registered(one, hit, registered)):
                found[one.key, hit.partner_id, ",".join(map(str, hit.item_ids))] = (one, hit)
        lost = Hits.browse().union(*(hit for key, hit in known.items() if hit.state == "open" and key not in found))
        lost.write({"state": "gone"})
        lost._release_holds()
        again = Hits.browse().union(*(known[key] for key in found if key in known and known[key].state in ("gone", "reconciled")))
        again.write({"state": "open", "decided_by_id": False, "decided_at": False})
        fresh = Hits._create_hits(company, {key: value for key, value in found.items() if key not in known}) | again
        fresh._make_holds(company)
        return fresh

    @api.model
    def _create_hits(self, company, found):
        return self.create([
            {
                "company_id": company.id, "partner_id": hit.partner_id, "source_key": one.key, "items_key": items_key,
                "move_ids": [Command.set(hit.move_ids)], "line_ids": [Command.set(hit.item_ids)], "score": hit.score, "is_exact": hit.is_exact,
                "parts": [{"code": part.code, "points": part.points, "detail": part.detail} for part in hit.parts],
                "label": one.text[:200], "source_date": one.day, "currency_id": next(iter(one.amounts)),
                "source_amount": float(next(iter(one.amounts.values()))),
                **self._prepare_source_values(one.key),
            }
            for (_key, _partner_id, items_key), (one, hit) in found.items()
        ])

    @api.model
    def _prepare_source_values(self, key):
        kind, _separator, record_id = key.partition("-")
        field = {"line": "statement_line_id", "payment": "payment_id", "credit": "credit_line_id"}[kind]
        return {field: int(record_id)}

    def _make_holds(self, company):
        """One hold per customer and invoices, however much money fits them."""
        groups = self.grouped(lambda hit: (hit.partner_id, hit.move_ids))
        for (partner, moves), hits in groups.items():
            hold = self.env["chaser.hold"]._hold(company, partner, "maybe_paid", moves, hits[0]._get_note())
            hits.hold_id = hold

    # -- reading

    @api.model
    def _read_money(self, company):
        """Unreconciled bank lines, payments without an entry, and open credits of customers. Their text is the payer's: our own number of
        a payment (PBNK1/2026/00001) looks like an invoice number and says nothing."""
        for model in ("account.bank.statement.line", "account.payment", "account.move", "account.move.line"):
            self.env[model].flush_model()
        since = fields.Date.today() - timedelta(days=_MONEY_DAYS)
        rows = self.env.execute_query_dict(SQL(
            """(SELECT 'line-' || s.id AS key, m.date, concat_ws(' ', s.payment_ref, m.ref, s.partner_name) AS text, s.account_number AS account,
                       s.currency_id, s.foreign_currency_id AS other_id, abs(coalesce(s.amount_residual, s.amount)) AS amount, s.amount AS journal_amount,
                       p.commercial_partner_id AS partner_id, false AS booked
                  FROM account_bank_statement_line s JOIN account_move m ON m.id = s.move_id LEFT JOIN res_partner p ON p.id = s.partner_id
                 WHERE s.company_id = %(company)s AND s.is_reconciled IS NOT TRUE AND s.amount > 0 AND m.state = 'posted' AND m.date >= %(since)s
                 ORDER BY s.id DESC LIMIT %(count)s)
               UNION ALL
               (SELECT 'payment-' || y.id, y.date, concat_ws(' ', y.memo, y.payment_reference), NULL, y.currency_id, NULL, y.amount, NULL,
                       p.commercial_partner_id, false
                  FROM account_payment y LEFT JOIN res_partner p ON p.id = y.partner_id
                 WHERE y.company_id = %(company)s AND y.state = 'in_process' AND y.move_id IS NULL AND y.payment_type = 'inbound'
                   AND y.partner_type = 'customer' AND y.date >= %(since)s
                   AND NOT EXISTS (SELECT 1 FROM account_move__account_payment r WHERE r.payment_id = y.id)
                 ORDER BY y.id DESC LIMIT %(count)s)
               UNION ALL
               (SELECT 'credit-' || l.id, l.date, concat_ws(' ', m.ref, l.name), NULL, l.currency_id, NULL, -l.amount_residual_currency, NULL,
                       p.commercial_partner_id, true
                  FROM account_move_line l JOIN account_move m ON m.id = l.move_id JOIN res_partner p ON p.id = l.partner_id
                 WHERE l.company_id = %(company)s AND l.parent_state = 'posted' AND l.reconciled IS NOT TRUE AND m.move_type = 'entry'
                   AND l.account_id IN (SELECT id FROM account_account WHERE account_type = 'asset_receivable')
                   AND l.amount_residual_currency < 0 AND l.date >= %(since)s
                 ORDER BY l.id DESC LIMIT %(count)s)""",
            company=company.id, since=since, count=_MONEY_COUNT))
        return [self._as_money(row) for row in rows]

    @api.model
    def _read_registered(self, company):
        """Days of payments of customers whose bank line is not matched, by customer, currency and amount."""
        rows = self.env.execute_query(SQL(
            """SELECT p.commercial_partner_id, y.currency_id, y.amount, y.date FROM account_payment y JOIN res_partner p ON p.id = y.partner_id
                WHERE y.company_id = %s AND y.is_matched IS NOT TRUE AND y.state IN ('in_process', 'paid') AND y.payment_type = 'inbound'
                  AND y.move_id IS NOT NULL AND y.date >= %s""", company.id, fields.Date.today() - timedelta(days=_MONEY_DAYS)))
        registered = {}
        for partner_id, currency_id, amount, day in rows:
            registered.setdefault((partner_id, currency_id, Decimal(str(amount))), []).append(day)
        return registered

    @api.model
    def _as_money(self, row):
        """The rest of a bank line is in its foreign currency where it has one; the journal's amount counts as well."""
        amounts = {row["other_id"] or row["currency_id"]: Decimal(str(row["amount"]))}
        if row["other_id"]:
            amounts[row["currency_id"]] = Decimal(str(row["journal_amount"]))
        return Money(row["key"], amounts, row["date"], row["text"] or "", row["partner_id"], row["account"] or "", row["booked"])

    @api.model
    def _make_radar(self, company):
        items = self.env.execute_query_dict(SQL(
            """SELECT l.id, l.move_id, m.commercial_partner_id AS partner_id, coalesce(m.name, '') AS number,
                      coalesce(nullif(m.payment_reference, m.name), m.ref, '') AS reference, l.currency_id,
                      l.amount_residual_currency AS residual, coalesce(l.date_maturity, m.invoice_date_due, l.date) AS date_due
                 FROM account_move_line l JOIN account_move m ON m.id = l.move_id
                WHERE l.company_id = %s AND l.parent_state = 'posted' AND l.reconciled IS NOT TRUE AND l.amount_residual_currency > 0
                  AND l.account_id IN (SELECT id FROM account_account WHERE account_type = 'asset_receivable')
                  AND m.move_type IN ('out_invoice', 'out_receipt') AND m.payment_state NOT IN %s""", company.id, PAID_STATES))
        partner_ids = list({row["partner_id"] for row in items})
        customers = self.env.execute_query(SQL(
            """SELECT p.id, p.name, p.complete_name, (SELECT array_agg(b.sanitized_acc_number) FROM res_partner_bank b
                      JOIN res_partner c ON c.id = b.partner_id WHERE c.commercial_partner_id = p.id AND b.active)
                 FROM res_partner p WHERE p.id = ANY(%s)""", partner_ids))
        return Radar(
            [Item(**row | {"residual": Decimal(str(row["residual"]))}) for row in items],
            [Customer(partner_id, tuple(dict.fromkeys(filter(None, names))), tuple(filter(None, accounts or ())))
             for partner_id, *names, accounts in customers])

    @api.model
    def _get_fingerprint_sql(self, company):
        """One row that changes whenever money comes in or is allocated; cheap enough to be asked before each message."""
        return SQL(
            """SELECT l.*, p.* FROM
                 (SELECT count(*) AS lines, max(id) AS last_line, max(write_date) AS line_written FROM account_bank_statement_line
                   WHERE company_id = %(company)s AND is_reconciled IS NOT TRUE) l,
                 (SELECT max(id) AS last_payment, max(write_date) AS payment_written FROM account_payment
                   WHERE company_id = %(company)s AND is_matched IS NOT TRUE) p""", company=company.id)
