import re
from collections import Counter, defaultdict
from datetime import timedelta
from decimal import Decimal

from odoo import fields
from odoo.fields import Command
from odoo.tests import tagged

from .common import FakeTransport
from .ledger_common import CUSTOMERS, Books, LedgerCase, exact

_ROW = re.compile(
    r"^(Credit |Booked )?(?P<number>\S+)( \(instalment (?P<part>\d+) of \d+\))? .*"
    r" (?P<currency>[A-Z]{3}) (?P<amount>-?[\d,.]+)$"
)
_TOLD = re.compile(
    r"You have an open credit of (?P<amounts>.+?), which is not taken off"
)
_TOTAL = re.compile(r"^Total due: (?P<currency>[A-Z]{3}) (?P<amount>-?[\d,.]+)$")
# Reasons for which a customer as a whole is not written to, whatever is owed.
_WHOLE = ("hold_manual", "paused", "no_email", "customer_archived", "live_reminder")
# What the items themselves say.
_HELD = ("disputed", "promised", "no_followup")


@tagged("post_install", "-at_install")
class TestLedgerWorld(LedgerCase):
    """A random world (seeded) against an independent calculation: nobody is asked for
    more than they owe, everything overdue is in one message or has a reason, and what
    leaves says what the books say at that moment; in each company."""

    # -- planning

    def test_plans(self):
        books = Books(self.env, self.today)
        asked, blocked, going = {}, {}, {}
        for company in self.companies:
            plan = self.env["chaser.planner"]._plan_open(company, automatic=False)
            self._assert_nothing_lost(books, company, plan)
            going[company] = plan.going
            lines = list(self._read_plan(plan))
            asked |= self._sum_asked(books, company, lines)
            blocked |= self._read_reasons(company, plan.messages)
        reasons = Counter(blocked.values())
        for reason in ("account_in_credit", "hold_manual", "paused", "no_email"):
            self.assertTrue(reasons[reason], reasons)
        self.assertGreater(sum(map(len, going.values())), CUSTOMERS / 5, reasons)
        self._assert_nets(books, asked, blocked)
        self._assert_owed(books, asked)
        for company in self.companies:
            self._assert_worklist(books, company, asked)
            self._assert_one_sum(books, company, going[company])

    def _assert_nothing_lost(self, books, company, plan):
        """Every overdue item of the company is in exactly one message, which goes or
        has a reason; nothing of another company is in any."""
        places = Counter(item.id for message in plan.messages for item in message.items)
        for item in books.overdue(company):
            self.assertEqual(places[item.id], 1, item.move_id.name)
        items = self.env["account.move.line"].browse(places)
        self.assertEqual(items.company_id, company)
        for message in plan.messages:
            for item in message.items if message.skip is None else ():
                line = self.env["account.move.line"].browse(item.id)
                self.assertFalse(books.is_held(line), line.move_id.name)
                self.assertEqual(books.customer(line).id, message.partner_id)
            if message.skip and message.skip.reason in _HELD:
                [item] = message.items
                line = self.env["account.move.line"].browse(item.id)
                self.assertTrue(books.is_held(line), line.move_id.name)

    def _read_plan(self, plan):
        """(item or credit, amount) of what would go."""
        for message in plan.going:
            for sign, rows in ((1, message.items), (-1, message.credits)):
                for row in rows:
                    line = self.env["account.move.line"].browse(row.id)
                    yield line, sign * row.residual

    def _sum_asked(self, books, company, lines):
        """What is asked, by customer, company, currency; nothing twice, no part of a
        credit more than once, nothing of another legal entity."""
        asked, items, used = defaultdict(Decimal), set(), defaultdict(Decimal)
        for line, amount in lines:
            self.assertEqual(line.company_id.root_id, company.root_id)
            asked[books.customer(line), company, line.currency_id] += amount
            if amount < 0:
                used[line] -= amount
            else:
                self.assertEqual(line.company_id, company)
                self.assertNotIn(line, items, "asked for twice")
                self.assertEqual(amount, exact(line.amount_residual_currency))
                items.add(line)
        for credit, amount in used.items():
            self.assertLessEqual(amount, -exact(credit.amount_residual_currency))
        return asked

    def _read_reasons(self, company, messages):
        """Why a customer as a whole is not written to, by customer and company."""
        partners = self.env["res.partner"]
        return {
            (partners.browse(message.partner_id), company): message.skip.reason
            for message in messages
            if message.skip and message.skip.reason not in (*_HELD, "covered_by_credit")
        }

    def _assert_nets(self, books, asked, blocked):
        """Each company asks for exactly what is owed after the credits, or says why it
        does not; and the reason is true."""
        totals, currencies = books.owed_in_all()
        for key, net in books.nets().items():
            customer, company, _currency = key
            reason = blocked.get((customer, company))
            words = f"{customer.name} {company.name} {reason}"
            in_credit = (
                len(currencies[customer, company.root_id]) > 1
                and totals[customer, company.root_id] <= 0
            )
            if reason == "account_in_credit":
                self.assertTrue(in_credit, words)
            elif reason:
                self.assertIn(reason, _WHOLE, words)
            elif in_credit:
                self.assertFalse(asked.get(key, 0), words)
            else:
                self.assertEqual(asked.get(key, 0), net, words)

    def _assert_owed(self, books, asked):
        """All companies of a legal entity together never ask for more than the whole
        account."""
        sums, owed = defaultdict(Decimal), books.owed()
        for (customer, company, currency), amount in asked.items():
            sums[customer, company.root_id, currency] += amount
        for key, amount in sums.items():
            self.assertLessEqual(amount, max(owed[key], 0), key[0].name)

    # -- one sum everywhere

    def _assert_worklist(self, books, company, asked):
        """The worklist's net is what the messages ask for, in company currency, as far
        as there is a rate. It shows what is disputed or promised as well: those
        customers are left out."""
        entity = self.companies.filtered(lambda one: one.root_id == company.root_id)
        aside = {
            books.customer(line)
            for one in entity
            for line in books.overdue(one).filtered(books.is_held)
        }
        totals, nets = defaultdict(Decimal), books.nets()
        for (customer, owner, currency), net in nets.items():
            if owner == company and books.is_rated(company, currency):
                rate = currency._convert(1, company.currency_id, company, self.today)
                totals[customer] += net * exact(rate)
        rows = self.env["chaser.worklist"]._read_rows(company, self.customers.ids)
        found = {row["partner_id"]: exact(row["amount_due"]) for row in rows}
        for customer, net in totals.items():
            if customer not in aside:
                self.assertAlmostEqual(
                    found.get(customer.id, 0), net, delta=Decimal("0.05")
                )

    def _assert_one_sum(self, books, company, messages):
        """Preview, statement, maybe-paid and promises see the same account."""
        partners = self.env["res.partner"].browse({one.partner_id for one in messages})
        previews = self.env["chaser.composer"]._get_previews(
            [
                (
                    partners.browse(message.partner_id),
                    {item.id for item in message.items},
                    {credit.id: credit.residual for credit in message.credits},
                )
                for message in messages
            ],
            company,
        )
        for message, preview in zip(messages, previews, strict=True):
            sums = defaultdict(Decimal)
            for row in message.items:
                sums[row.currency_id] += row.residual
            for row in message.credits:
                sums[row.currency_id] -= row.residual
            named = {
                self.env["res.currency"].browse(currency_id).name: amount
                for currency_id, amount in sums.items()
            }
            shown = {name: amount for (name, _digits), amount in preview.totals.items()}
            self.assertEqual(shown, named)
        self._assert_free(books, company, partners)
        self._assert_promises(books, company, partners)
        owed = books.owed()
        for partner in self.chance.sample(list(partners), 15):
            sums = defaultdict(Decimal)
            for row in self.env["chaser.documents"]._read_statement_rows(
                partner.id, company.id
            ):
                line = self.env["account.move.line"].browse(row["id"])
                if not books.is_set_aside(line):
                    sums[line.currency_id] += exact(row["residual"])
            for currency, amount in sums.items():
                self.assertEqual(amount, owed[partner, company.root_id, currency])

    def _assert_free(self, books, company, partners):
        """Money that may be a payment is what no open debit takes up."""
        untaken = self.env["chaser.account"]._read_untaken(company, partners.ids)
        sums, free = defaultdict(Decimal), books.free()
        for line_id, amount in untaken.items():
            line = self.env["account.move.line"].browse(line_id)
            sums[books.customer(line), company.root_id, line.currency_id] += amount
        for key, amount in free.items():
            if key[0] in partners and key[1] == company.root_id:
                self.assertEqual(sums[key], amount, key[0].name)

    def _assert_promises(self, books, company, partners):
        """A promise is kept by the money that no open debit takes up; a credit note is
        no money."""
        free, promises = books.free(), self.env["chaser.promise"]
        for partner in self.chance.sample(list(partners), 15):
            promises |= promises._promise(company, partner, self.today)
        promises.promised_at = "2020-01-01"
        found = promises._read_unallocated()
        for promise in promises:
            mine = books.lines.filtered(
                lambda line, promise=promise: books.customer(line) == promise.partner_id
                and line.company_id.root_id == company.root_id
            )
            for currency in self.currencies:
                key = promise.partner_id, company.root_id, currency
                amount = found.get(promise.id, {}).get(currency.id, 0)
                self.assertLessEqual(amount, free.get(key, 0), promise.partner_id.name)
                notes = mine.filtered(
                    lambda line: line.move_id.move_type == "out_refund"
                )
                if currency not in notes.currency_id:
                    self.assertEqual(amount, free.get(key, 0), promise.partner_id.name)
        promises._set_state("cancelled")

    # -- sending

    def test_what_left(self):
        """Queue, random changes, send; in each company in turn. What left is what the
        books say at that moment."""
        sent = self.env["chaser.reminder"]
        for company in self.companies:
            reminders = self._queue(company)
            moved = self._change_something()
            transport = FakeTransport()
            for _round in range(4):
                self._run(transport, reminders.provider_id)
            self.assertGreater(len(transport.sent), 5, company.name)
            self.assertFalse(reminders.filtered(lambda one: one.state == "queued"))
            books = Books(self.env, self.today)
            asked = self._sum_asked(
                books, company, list(self._read_mails(books, company, transport.sent))
            )
            self._assert_owed(books, asked)
            left = reminders.filtered(lambda one: one.state == "sent")
            self._assert_mails(books, company, asked, reminders, moved)
            self._assert_pages(books, company, asked, left)
            self._assert_told(books, company, left)
            self._assert_thanks(company, left)
            sent |= left
        lines = sent.line_ids.filtered(
            lambda line: not line.is_credit and not line.dropped_code
        )
        self.assertEqual(len(lines), len(lines.move_line_id), "nothing twice")

    def _queue(self, company):
        """A campaign about everything overdue of a company, waiting to leave."""
        overdue = Books(self.env, self.today).overdue(company)
        campaign = self.env["chaser.campaign"].create_for_invoices(
            overdue.move_id.ids, {"company_id": company.id}
        )
        campaign.action_send()
        return campaign.reminder_ids

    def _read_mails(self, books, company, messages):
        """The rows of the mails as (item or credit, amount)."""
        by_number = defaultdict(lambda: self.env["account.move.line"])
        for line in books.lines:
            if line.company_id.root_id == company.root_id:
                by_number[line.move_id.name] |= line
        for message in messages:
            sums, totals = defaultdict(Decimal), {}
            for text in message.text.replace("\xa0", " ").splitlines():
                if total := _TOTAL.match(text):
                    totals[total["currency"]] = _parse(total["amount"])
                elif "|" in text and (row := _ROW.match(text)):
                    items = by_number[row["number"]]
                    if row["part"]:
                        items = self._receivable(items.move_id).sorted(
                            lambda line: (line.date_maturity, line.id)
                        )[int(row["part"]) - 1]
                    [item] = items
                    self.assertEqual(item.currency_id.name, row["currency"])
                    sums[row["currency"]] += _parse(row["amount"])
                    yield item, _parse(row["amount"])
            self.assertTrue(totals)
            self.assertEqual(dict(sums), totals)

    def _assert_mails(self, books, company, asked, reminders, moved):
        """A customer of whom everything due was planned is asked for exactly the net,
        or a reason stands on the reminder."""
        # What credits covered when it was planned is asked for by the next campaign,
        # where they are gone at the send.
        covered = reminders.filtered(
            lambda one: one.reason_code == "covered_by_credit"
            and not any(one.line_ids.mapped("dropped_code"))
        )
        planned = (reminders - covered).line_ids.filtered(
            lambda line: not line.is_credit
        )
        due = books.overdue(company).filtered(lambda line: not books.is_held(line))
        late = {books.customer(line) for line in due - planned.move_line_id}
        blocked = {
            (one.partner_id, company): one.reason_code
            for one in reminders.filtered(lambda one: one.state == "skipped")
            if one.reason_code in (*_WHOLE, "account_in_credit")
        }
        totals, currencies = books.owed_in_all()
        for key, net in books.nets().items():
            customer = key[0]
            if key[1] != company or customer in late or customer in moved:
                continue
            entity = customer, company.root_id
            in_credit = len(currencies[entity]) > 1 and totals[entity] <= 0
            if in_credit or (customer, company) in blocked:
                self.assertFalse(asked.get(key, 0), customer.name)
            else:
                why = [
                    (one.state, one.reason_code)
                    for one in reminders
                    if one.partner_id == customer
                ]
                words = f"{customer.name}, {company.name}: {why}"
                self.assertEqual(asked.get(key, 0), net, words)

    def _assert_pages(self, books, company, asked, sent):
        """The customer's pages ask for what the mails asked for."""
        pages = defaultdict(Decimal)
        for reminder in sent:
            for item in reminder._get_page_items():
                currency = next(
                    one for one in self.currencies if one.name == item.currency
                )
                pages[reminder.partner_id, company, currency] += item.residual
        self.assertEqual(
            {key: amount for key, amount in pages.items() if amount},
            {key: amount for key, amount in asked.items() if amount},
        )

    def _assert_told(self, books, company, sent):
        """Which open credit in another currency a mail tells of, the customer has."""
        free, count = books.free(), 0
        by_name = {currency.name: currency for currency in self.currencies}
        for reminder in sent:
            text = " ".join(reminder.body_text.replace("\xa0", " ").split())
            told = _TOLD.search(text)
            for name, amount in re.findall(
                r"([A-Z]{3}) ([\d,]+\.\d\d)", told["amounts"] if told else ""
            ):
                key = reminder.partner_id, company.root_id, by_name[name]
                self.assertLessEqual(
                    _parse(amount), free[key], reminder.partner_id.name
                )
                self.assertNotIn(f"Total due: {name}", text)
                count += 1
        self.assertTrue(count or company != self.company, "some mail tells of one")

    def _assert_thanks(self, company, sent):
        """Who pays what was asked for is thanked for that and nothing else, once."""
        home, day = company.currency_id, fields.Datetime.now() - timedelta(days=1)
        company.write({"chaser_thanks": True, "chaser_thanks_hours": 0})
        company.chaser_thanks_since = day
        lines = sent.line_ids.filtered(
            lambda line: not (line.is_credit or line.dropped_code)
            and line.currency_id == home
        )
        ids = lines.move_line_id.ids
        items = lines.move_line_id.browse(self.chance.sample(ids, min(10, len(ids))))
        self._settle(items)
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE chaser_reminder SET sent_at = %s WHERE id = ANY(%s)",
            [day, sent.ids],
        )
        self.env.invalidate_all()
        self.assertEqual(set(items.mapped("reconciled")), {True})
        thanks = self.env["chaser.thanks"].sudo().with_company(company)
        campaign = thanks._thank(company)
        thanked = campaign.reminder_ids.line_ids.move_line_id
        # Also those that a credit note has settled in part, which Odoo calls reversed.
        self.assertEqual(thanked, items)
        self.assertFalse(thanks._thank(company), "once")
        transport = FakeTransport()
        for _round in range(2):
            self._run(transport, campaign.reminder_ids.provider_id)
        for reminder in campaign.reminder_ids.filtered(lambda one: one.state == "sent"):
            for number in reminder.line_ids.mapped("number"):
                self.assertIn(number, reminder.body_text)
        self.assertTrue(transport.sent)

    def _settle(self, items):
        """Money for each item, matched with it."""
        entries = self._post([self._prepare_money(item) for item in items])
        for line in self._receivable(entries):
            (line | items.browse(int(line.name))).reconcile()
        self._analyze()

    def _prepare_money(self, item):
        chart, amount = self.chart[item.company_id], item.amount_residual
        credit = {
            "name": str(item.id),
            "account_id": item.account_id.id,
            "partner_id": item.partner_id.id,
            "credit": amount,
        }
        debit = {"account_id": chart["income"].id, "debit": amount}
        return {
            "move_type": "entry",
            "company_id": item.company_id.id,
            "journal_id": chart["bank"].id,
            "date": self.today,
            "line_ids": [Command.create(credit), Command.create(debit)],
        }

    def _change_something(self):
        """Between queue and send: payments, credit notes, opening entries, refunds paid
        out, matching in any order and undone, invoices reset, disputes, promises,
        holds, customers who become part of another. Returns whom the last concerns."""
        extra, moved = [], self.env["res.partner"]
        for number, partner in enumerate(self.customers):
            kind = self.chance.randint(0, 15)
            if kind == 0:
                extra.append(self._prepare_entry(partner))
            elif kind == 1:
                extra.append(self._prepare_invoice(partner, "out_refund"))
            elif kind == 2:
                extra.append(self._prepare_payment(partner))
            elif kind == 3:
                self._match(partner)
            elif kind == 4:
                self._change_invoice(partner)
            elif kind == 5:
                self._unmatch(partner)
            elif kind == 6 and self.chance.random() < 0.3:
                company = self.chance.choice(self.companies)
                self.env["chaser.hold"]._hold(company, partner, "manual")
            elif kind == 7 and number and self.chance.random() < 0.5:
                group = self.customers[number - 1].commercial_partner_id
                partner.write({"parent_id": group.id, "is_company": False})
                moved |= partner | group
        self._post(extra)
        return moved

    def _change_invoice(self, partner):
        """An invoice is reset to draft, disputed, promised or flagged."""
        invoices = self.moves.filtered(
            lambda move: move.partner_id == partner
            and move.move_type == "out_invoice"
            and move.state == "posted"
            and move.payment_state == "not_paid"
        )
        if invoices and self.chance.random() < 0.5:
            invoices[0].button_draft()
        elif invoices:
            self._hold_back(invoices[0])

    def _unmatch(self, partner):
        lines = self.env["account.move.line"].search(
            [("partner_id", "=", partner.id), ("matched_debit_ids", "!=", False)]
        )
        lines[:1].remove_move_reconcile()


def _parse(text):
    return Decimal(text.replace(",", ""))
