"""A random world of customers with every kind of document, and the books as they are,
added up by hand. Shares no code with the planner."""

import random
from collections import defaultdict
from datetime import timedelta
from decimal import Decimal

from odoo.fields import Command

from .common import ChaserCase

CUSTOMERS, SEED = 200, 20261128
_INVOICES = ("out_invoice", "out_receipt")


def exact(value):
    return Decimal(str(round(value, 2)))


class Books:
    """The receivable accounts as they are, read item by item through the ORM: what is
    owed, what is overdue, what may be set off."""

    def __init__(self, env, today):
        self.env, self.today = env, today
        env.flush_all()
        env.invalidate_all()
        self.lines = (
            env["account.move.line"]
            .sudo()
            .with_context(active_test=False)
            .search(
                [
                    ("account_id.account_type", "=", "asset_receivable"),
                    ("parent_state", "=", "posted"),
                    ("full_reconcile_id", "=", False),
                ],
                order="date, id",
            )
            .filtered(
                lambda line: not line.currency_id.is_zero(line.amount_residual_currency)
            )
        )
        open_now = [("state", "=", "open")]
        disputes = env["chaser.dispute"].sudo().search(open_now)
        promises = env["chaser.promise"].sudo().search(open_now)
        promises = promises.filtered(lambda one: one.date_promised >= today)
        self.held = disputes.move_ids | promises.move_ids

    @staticmethod
    def customer(line):
        return line.partner_id.commercial_partner_id

    def is_invoice(self, line):
        return line.move_id.move_type in _INVOICES

    def is_asked(self, line):
        """Whether a debit may be asked for at all."""
        return self.is_invoice(line) or line.company_id.chaser_open_debits

    def is_overdue(self, line):
        due = line.date_maturity
        if self.is_invoice(line):
            due = due or line.move_id.invoice_date_due or line.move_id.invoice_date
        return (
            line.amount_residual_currency > 0
            and self.is_asked(line)
            and (due or line.date) < self.today
        )

    def is_held(self, line):
        """What a person keeps from being asked for by itself."""
        return line.move_id in self.held or self.is_flagged(line)

    def is_flagged(self, line):
        return line.no_followup and line.journal_id.type != "general"

    @staticmethod
    def is_rated(company, currency):
        """Whether somebody has entered a rate of one to the other."""
        return currency == company.currency_id or bool(
            (currency | company.currency_id).rate_ids.filtered(
                lambda rate: rate.company_id
                in (company.root_id, rate.browse().company_id)
            )
        )

    def is_set_aside(self, line):
        """A credit that a person does not want to be set off."""
        return line.amount_residual_currency < 0 and self.is_flagged(line)

    def overdue(self, company):
        return self.lines.filtered(
            lambda line: line.company_id == company and self.is_overdue(line)
        )

    def owed(self):
        """What each account comes to: by customer, legal entity, currency."""
        sums = defaultdict(Decimal)
        for line in self.lines:
            if not self.is_set_aside(line):
                key = self.customer(line), line.company_id.root_id, line.currency_id
                sums[key] += exact(line.amount_residual_currency)
        return sums

    def owed_in_all(self):
        """By customer and legal entity, in the company's currency; and in how many
        currencies something stands there."""
        sums, currencies = defaultdict(Decimal), defaultdict(set)
        for line in self.lines:
            if not self.is_set_aside(line):
                key = self.customer(line), line.company_id.root_id
                sums[key] += exact(line.amount_residual)
                currencies[key].add(line.currency_id)
        return sums, currencies

    def free(self):
        """By customer, legal entity, currency: what is left of the credits when the
        debits that nobody asks for have taken theirs."""
        sums = defaultdict(Decimal)
        for line in self.lines:
            amount = exact(line.amount_residual_currency)
            key = self.customer(line), line.company_id.root_id, line.currency_id
            if (amount < 0 and not self.is_set_aside(line)) or (
                amount > 0 and not self.is_asked(line)
            ):
                sums[key] -= amount
        return {key: max(amount, Decimal(0)) for key, amount in sums.items()}

    def nets(self):
        """What the messages of a company may ask for: by customer, company, currency.
        The accounts of a legal entity help each other out (``_share``)."""
        entities = defaultdict(lambda: defaultdict(lambda: [Decimal(0)] * 3))
        for line in self.lines:
            amount = exact(line.amount_residual_currency)
            key = self.customer(line), line.company_id.root_id, line.currency_id
            own = entities[key][line.company_id]
            if amount > 0 and not self.is_asked(line):
                own[2] += amount
            elif amount < 0 and not self.is_set_aside(line):
                own[1] -= amount
            elif self.is_overdue(line) and not self.is_held(line):
                own[0] += amount
        return {
            (customer, company, currency): net
            for (customer, _root, currency), parts in entities.items()
            for company, net in _share(parts).items()
        }


def _share(parts):
    """Net per company of a legal entity, in one currency: ``parts`` are what is due,
    the credits, and the debits that nobody asks for.

    Each company's credits go to its own such debits, then to what is due there. What is
    left goes to such debits of the others (which, where that is not enough, take from
    what was used), then to what is due in the others, head office first."""
    free = {key: max(credit - taken, 0) for key, (_, credit, taken) in parts.items()}
    hunger = sum(max(taken - credit, 0) for _, credit, taken in parts.values())
    used = {key: min(free[key], parts[key][0]) for key in parts}
    spare = sum(free.values()) - sum(used.values())
    needs = {key: parts[key][0] - used[key] for key in parts}
    fed = min(spare, hunger)
    spare, hunger = spare - fed, hunger - fed
    nets = {}
    for key in sorted(parts, key=lambda one: one.id):
        back = min(used[key], hunger)
        hunger -= back
        given = min(spare, needs[key])
        spare -= given
        nets[key] = parts[key][0] - used[key] + back - given
    return nets


class LedgerCase(ChaserCase):
    """Three companies (one, its branch, another legal entity), three currencies, some
    hundred customers."""

    arabic = False

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.chance = random.Random(SEED)
        cls.branch = cls.env["res.company"].create(
            {"name": "POP Branch", "parent_id": cls.company.id}
        )
        cls.second = cls._create_company(name="Second Company")
        cls.companies = cls.company | cls.branch | cls.second
        cls._work_in(cls.companies)
        cls.companies.partner_id.tz = "Asia/Dubai"
        cls.companies.write(
            {
                "chaser_contact_interval": 0,
                "chaser_maybe_paid": False,
                "chaser_consolidation_min_invoices": 2,
            }
        )
        cls.second.write({"chaser_open_debits": True, "chaser_site_contacts": True})
        cls.env.cr.precommit.run()
        # The branch has no mailbox: that of its head office writes for it.
        cls.provider.copy({"company_id": cls.second.id})._set_state("connected")
        cls.currencies = [
            cls.company.currency_id,
            cls.setup_other_currency("EUR", rates=[("2020-01-01", 0.5)]),
            cls.setup_other_currency("GBP", rates=[("2020-01-01", 0.4)]),
        ]
        cls.terms = cls.env["account.payment.term"].create(
            {
                "name": "Two instalments",
                "line_ids": [
                    Command.create({"value_amount": 50, "nb_days": days})
                    for days in (0, 30)
                ],
            }
        )
        cls._find_accounts()
        cls._make_customers()
        cls._make_documents()

    @classmethod
    def _find_accounts(cls):
        """Company → accounts and journals; a branch books in those of its head
        office."""
        cls.chart = {}
        for company in cls.company | cls.second:
            Account = cls.env["account.account"].with_company(company)
            Journal = cls.env["account.journal"].with_company(company)
            mine, own = (
                ("company_ids", "in", company.id),
                ("company_id", "=", company.id),
            )
            found = {
                kind: Account.search([mine, ("account_type", "=", kind)], limit=1)
                for kind in ("asset_receivable", "income")
            }
            found |= {
                kind: Journal.search([own, ("type", "=", kind)], limit=1)
                for kind in ("general", "bank")
            }
            found["asset_receivable"] = (
                cls.env["res.partner"]
                .with_company(company)
                .new()
                .property_account_receivable_id
                or found["asset_receivable"]
            )
            cls.chart[company] = found
        cls.chart[cls.branch] = cls.chart[cls.company]

    @classmethod
    def _make_customers(cls):
        cls.customers = cls.env["res.partner"].create(
            [
                {
                    "name": f"World {number}",
                    "email": f"pay@world{number}.example"
                    if number % 20 != 1
                    else False,
                    "is_company": True,
                }
                for number in range(CUSTOMERS)
            ]
        )
        for company in cls.companies:
            for partner in cls.customers.with_company(company):
                partner.consolidation_preference = cls.chance.choice(
                    ("auto", "auto", "enabled", "disabled")
                )
        cls.sites = cls.env["res.partner"].create(
            [
                {
                    "name": f"Site of {partner.name}",
                    "type": "invoice",
                    "parent_id": partner.id,
                    "email": f"site@world{partner.id}.example",
                }
                for partner in cls.customers[::5]
            ]
        )

    @classmethod
    def _amount(cls):
        return float(cls.chance.choice((50, 100, 100, 150.5, 300, 999.99)))

    @classmethod
    def _any_company(cls):
        return cls.chance.choice(
            [cls.company] * 5 + [cls.branch] * 3 + [cls.second] * 2
        )

    @classmethod
    def _make_documents(cls):
        moves, chance = [], cls.chance
        for partner in cls.customers:
            for _number in range(chance.choice((0, 1, 1, 2, 3, 3))):
                kind = chance.choice(("out_invoice",) * 9 + ("out_receipt",))
                moves.append(cls._prepare_invoice(partner, kind))
            for _number in range(chance.choice((0, 0, 0, 1, 1, 2))):
                moves.append(cls._prepare_invoice(partner, "out_refund"))
            for _number in range(chance.choice((0, 0, 0, 1, 2))):
                moves.append(cls._prepare_entry(partner))
            if chance.random() < 0.25:
                moves.append(cls._prepare_payment(partner))
        chance.shuffle(moves)
        cls.moves = cls._post(moves)
        cls._analyze()
        cls._flag_some()
        for partner in cls.customers:
            if chance.random() < 0.25:
                cls._match(partner)
        cls._analyze()

    @classmethod
    def _post(cls, values_list):
        """Documents company by company."""
        made = cls.env["account.move"]
        for company in cls.companies:
            moves = (
                cls.env["account.move"]
                .with_company(company)
                .with_context(tracking_disable=True)
                .create([one for one in values_list if one["company_id"] == company.id])
            )
            # Odoo reads the payment state when it posts.
            cls._analyze()
            moves.action_post()
            made |= moves
        return made.with_company(cls.company)

    @classmethod
    def _flag_some(cls):
        """What a person has said: not to be asked for, not to be set off, disputed,
        promised, on hold, paused."""
        for move in cls.moves:
            if move.move_type == "out_refund" and cls.chance.random() < 0.15:
                cls._receivable(move).no_followup = True
            if move.move_type == "out_invoice" and cls.chance.random() < 0.1:
                cls._hold_back(move)
        for company in cls.companies:
            for partner in cls.chance.sample(list(cls.customers), 12):
                cls.env["chaser.hold"]._hold(company, partner, "manual")
            for partner in cls.chance.sample(list(cls.customers), 10):
                partner.with_company(company).chaser_paused_until = cls.today

    @classmethod
    def _hold_back(cls, move):
        """An invoice that is disputed, promised or flagged."""
        partner, company = move.commercial_partner_id, move.company_id
        kind = cls.chance.choice(("dispute", "promise", "flag"))
        if kind == "dispute":
            cls.env["chaser.dispute"].with_company(company).create(
                {
                    "company_id": company.id,
                    "partner_id": partner.id,
                    "move_ids": move.ids,
                    "reason": "price",
                }
            )
        elif kind == "promise":
            day = cls.today + timedelta(days=5)
            cls.env["chaser.promise"]._promise(company, partner, day, move)
        else:
            cls._receivable(move).no_followup = True

    @classmethod
    def _analyze(cls):
        """A whole world in one transaction: PostgreSQL has no statistics of it by
        itself, and Odoo's own query for the payment state takes minutes."""
        cls.env.flush_all()
        cls.env.cr.execute(
            "ANALYZE account_move, account_move_line, account_partial_reconcile, "
            "res_partner"
        )

    @classmethod
    def _prepare_invoice(cls, partner, move_type):
        days, company = (
            cls.chance.choice((-20, -1, 0, 1, 10, 40, 90)),
            cls._any_company(),
        )
        currency = cls.chance.choice([cls.currencies[0]] * 5 + cls.currencies[1:])
        sites = cls.sites.filtered(lambda site: site.parent_id == partner)
        parts = move_type == "out_invoice" and cls.chance.random() < 0.15
        return {
            "move_type": move_type,
            "company_id": company.id,
            "partner_id": (sites if cls.chance.random() < 0.5 else sites[:0]).id
            or partner.id,
            "currency_id": currency.id,
            "invoice_date": cls.today - timedelta(days=max(days, 0)),
            "invoice_date_due": cls.today - timedelta(days=days),
            "invoice_payment_term_id": cls.terms.id if parts else False,
            "invoice_line_ids": [
                Command.create(
                    {"name": "Goods", "price_unit": cls._amount(), "tax_ids": []}
                )
            ],
        }

    @classmethod
    def _prepare_entry(cls, partner):
        """An opening entry, a returned cheque: either side of the account."""
        side = cls.chance.choice(("debit", "credit"))
        return cls._prepare_booking(partner, side, cls.chance.randint(0, 60), "general")

    @classmethod
    def _prepare_payment(cls, partner):
        """Money that came in or went out, on no invoice. As an entry of the bank's
        journal: ``account.payment`` makes the same, and Odoo's queries for it take
        minutes in a transaction without statistics."""
        side = cls.chance.choice(("credit", "credit", "debit"))
        return cls._prepare_booking(partner, side, 0, "bank")

    @classmethod
    def _prepare_booking(cls, partner, side, days, journal):
        amount, company = cls._amount(), cls._any_company()
        chart, other = cls.chart[company], "credit" if side == "debit" else "debit"
        return {
            "move_type": "entry",
            "company_id": company.id,
            "journal_id": chart[journal].id,
            "date": cls.today - timedelta(days=days),
            "line_ids": [
                Command.create(
                    {
                        "account_id": chart["asset_receivable"].id,
                        "partner_id": partner.id,
                        "name": "Booked",
                        side: amount,
                    }
                ),
                Command.create({"account_id": chart["income"].id, other: amount}),
            ],
        }

    @classmethod
    def _match(cls, partner):
        """Something of the account is reconciled, in part or whole: any credit with any
        debit of the legal entity, so in any order."""
        lines = cls.env["account.move.line"].search(
            [
                ("partner_id", "child_of", partner.ids),
                ("account_type", "=", "asset_receivable"),
                ("parent_state", "=", "posted"),
                ("reconciled", "=", False),
            ]
        )
        root = cls.chance.choice((cls.company, cls.second))
        lines = lines.filtered(lambda line: line.company_id.root_id == root)
        debits = lines.filtered(lambda line: line.balance > 0)
        credits = lines.filtered(lambda line: line.balance < 0)
        if debits and credits:
            (cls.chance.choice(debits) | cls.chance.choice(credits)).reconcile()
