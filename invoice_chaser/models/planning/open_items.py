"""Said here once, and used by whoever asks: what an open receivable item is, when it
is due, when an invoice is paid, and whose an item is. Pieces of SQL take the aliases of
the tables: ``l`` the journal item, ``m`` its entry, ``p`` the item's partner."""

from odoo.tools import SQL

# States that count as paid here: Odoo has the money or expects it on a bank line, so
# nobody must be asked for it again.
PAID_STATES = ("paid", "in_payment", "reversed", "invoicing_legacy")
# Journals in which money comes in and goes out.
MONEY_JOURNALS = ("bank", "cash", "credit")
# Documents that ask a customer for money.
INVOICE_TYPES = ("out_invoice", "out_receipt")


def is_receivable(line="l"):
    """On a receivable account. The accounts are looked up before the items, which is
    four times as fast as a join."""
    return SQL(
        """%s = ANY(ARRAY(SELECT id FROM account_account
        WHERE account_type = 'asset_receivable'))""",
        SQL.identifier(line, "account_id"),
    )


def is_open(line="l"):
    """An open receivable item, of either side: posted, on a receivable account, not
    reconciled."""
    return SQL(
        """(%(line)s.parent_state = 'posted' AND %(line)s.reconciled IS NOT TRUE
        AND %(receivable)s)""",
        line=SQL.identifier(line),
        receivable=is_receivable(line),
    )


def is_open_payable(line="l"):
    """An open item of the other side of the business: our bills from a vendor."""
    return SQL(
        """(%(line)s.parent_state = 'posted' AND %(line)s.reconciled IS NOT TRUE
        AND %(line)s.account_id = ANY(ARRAY(SELECT id FROM account_account
        WHERE account_type = 'liability_payable')))""",
        line=SQL.identifier(line),
    )


def is_open_debit(line="l"):
    """An open item that the customer owes, in its own currency."""
    return SQL(
        "(%s AND %s > 0)",
        is_open(line),
        SQL.identifier(line, "amount_residual_currency"),
    )


def is_open_credit(line="l"):
    """An open item in the customer's favour: credit note, payment not allocated, any
    other credit on the account."""
    return SQL(
        "(%s AND %s < 0)",
        is_open(line),
        SQL.identifier(line, "amount_residual_currency"),
    )


def get_due_date(line="l", move="m"):
    """The day until which an item is to be paid; imported ones may lack one or the
    other date. The due date that Odoo gives an entry that is no invoice is the day on
    which it was typed in: there the item's own date counts."""
    return SQL(
        "coalesce(%s, CASE WHEN %s <> 'entry' THEN coalesce(%s, %s) END, %s)",
        SQL.identifier(line, "date_maturity"),
        SQL.identifier(move, "move_type"),
        SQL.identifier(move, "invoice_date_due"),
        SQL.identifier(move, "invoice_date"),
        SQL.identifier(line, "date"),
    )


def is_unpaid_invoice(move="m"):
    """A customer invoice that Odoo does not call paid."""
    return SQL(
        "(%s = ANY(%s) AND %s <> ALL(%s))",
        SQL.identifier(move, "move_type"),
        list(INVOICE_TYPES),
        SQL.identifier(move, "payment_state"),
        list(PAID_STATES),
    )


def get_rated():
    """Rows of (``company_id``, ``currency_id``, ``is_rated``): whether an amount in a
    currency says anything in the company's. Odoo takes 1 where nobody has entered a
    rate, for what it books as well; rates belong to the head office."""
    rate = """EXISTS (SELECT 1 FROM res_currency_rate r WHERE r.currency_id = %s
    AND coalesce(r.company_id, split_part(o.parent_path, '/', 1)::int)
    = split_part(o.parent_path, '/', 1)::int)"""
    return SQL(
        """SELECT o.id AS company_id, c.id AS currency_id, c.id = o.currency_id
        OR %s OR %s AS is_rated FROM res_company o CROSS JOIN res_currency c""",
        SQL(rate, SQL("c.id")),
        SQL(rate, SQL("o.currency_id")),
    )


def is_asked_for(other_debits, move="m"):
    """What may be chased: unpaid invoices and, where the company says so
    (``other_debits``, a piece of SQL or a value), open debits that are no invoices."""
    return SQL(
        "(%s OR %s AND %s <> ALL(%s))",
        is_unpaid_invoice(move),
        other_debits,
        SQL.identifier(move, "move_type"),
        list(INVOICE_TYPES),
    )


def get_label(line="l", move="m"):
    """The words for an item that is no invoice; NULL for an invoice, which has its
    number."""
    return SQL(
        """CASE WHEN %(type)s <> ALL(%(types)s)
        THEN coalesce(nullif(%(name)s, ''), %(ref)s, '') END""",
        type=SQL.identifier(move, "move_type"),
        types=list(INVOICE_TYPES),
        name=SQL.identifier(line, "name"),
        ref=SQL.identifier(move, "ref"),
    )


def is_no_followup(line="l"):
    """Odoo's own flag *No Follow-up*, set by a person: not to be asked for, or not to
    be set off. Odoo sets it by itself on every entry of a general journal, where it
    says nothing."""
    return SQL(
        """(%s IS TRUE AND %s <> ALL(ARRAY(SELECT id FROM account_journal
        WHERE type = 'general')))""",
        SQL.identifier(line, "no_followup"),
        SQL.identifier(line, "journal_id"),
    )


def is_money(move="om"):
    """Whether an entry is money that came in or went out: payments, lines of bank
    statements, and what was booked by hand or imported in the journal of a bank or of
    cash. A credit note, a write-off or netted bills are none; Odoo's payment state does
    not tell them apart: it is *paid* for an invoice that was written off, and
    *reversed* for one that a credit note and money have settled together."""
    return SQL(
        "(%s = ANY(ARRAY(SELECT id FROM account_journal WHERE type IN %s)))",
        SQL.identifier(move, "journal_id"),
        MONEY_JOURNALS,
    )


def is_settled(reconciled, residual, payment_state):
    """Whether nothing of an item is to be asked for any more, from its values."""
    return bool(reconciled) or residual <= 0 or payment_state in PAID_STATES
