from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import freeze_time, new_test_user, tagged

from ..models.send.run import MailboxRun
from .common import ChaserCase, FakeTransport


class MaybePaidCase(ChaserCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.bank = cls.company_data["default_journal_bank"]
        cls.invoice = cls._make_invoice(amount=4200)
        cls.number = cls.invoice.name
        cls.bookkeeper = new_test_user(
            cls.env,
            "bookkeeper",
            "invoice_chaser.group_chaser_user,account.group_account_user",
            company_id=cls.company.id,
        )

    @classmethod
    def _bank_line(cls, label, amount, partner=None, **values):
        return cls.env["account.bank.statement.line"].create(
            {
                "journal_id": cls.bank.id,
                "date": cls.today,
                "payment_ref": label,
                "amount": amount,
                "partner_id": partner and partner.id,
                **values,
            }
        )

    def _hits(self, **domain):
        self.env["chaser.maybe.paid"]._refresh(self.company)
        return self.env["chaser.maybe.paid"].search(
            [
                ("company_id", "=", self.company.id),
                *((key, "=", value) for key, value in domain.items()),
            ]
        )


@tagged("post_install", "-at_install")
class TestMaybePaid(MaybePaidCase):
    def test_bank_line_holds_in_planning(self):
        line = self._bank_line(f"POP {self.number.rpartition('/')[2]}", 4200)
        other = self._make_customer("Other", "o@other.example")
        campaign = self._campaign(self.invoice | self._make_invoice(other))
        held = campaign.reminder_ids.filtered(
            lambda one: one.partner_id == self.customer
        )
        self.assertEqual((held.state, held.reason_code), ("skipped", "hold_maybe_paid"))
        self.assertIn(self.number, held.reason)
        self.assertIn("4,200.00", held.reason)
        self.assertEqual((campaign.reminder_ids - held).state, "draft")
        hit = self._hits()
        self.assertEqual(
            (hit.statement_line_id, hit.move_ids, hit.state, hit.is_exact),
            (line, self.invoice, "open", True),
        )
        self.assertIn(f"fits {self.number}", hit.explanation)
        arabic = hit.with_context(lang="ar_001")
        self.assertIn(
            f"\u2068{self.number}\u2069",
            arabic.explanation,
            "keeps its direction among Arabic words",
        )
        self.assertIn("exact amount (25)", hit.fits)
        self.assertEqual(hit.hold_id.move_ids, self.invoice)
        self.assertEqual(held.maybe_paid_count, 1)

    def test_daily_run_looks_first(self):
        self._bank_line(self.number, 4200)
        run = (
            self.env["chaser.daily.run"]
            .sudo()
            .create({"company_id": self.company.id, "date": self.today})
        )
        run._plan_batch()
        self.assertEqual(
            self.env["chaser.reminder"]
            .search([("partner_id", "=", self.customer.id)])
            .mapped("state"),
            ["skipped"],
        )
        self.assertEqual(self._hits().state, "open")

    def test_preview_shows_it(self):
        self._bank_line(self.number, 4200)
        self._make_invoice(self._make_customer("Other", "o@other.example"))
        preview = self.env["chaser.preview"].browse(
            (self.invoice | self._make_invoice(amount=5)).action_chase()["res_id"]
        )
        self.assertEqual(preview.maybe_paid_count, 1)
        self.assertEqual(preview.held_ids.reason_code, "hold_maybe_paid")
        self.assertEqual(
            preview.action_view_maybe_paid()["domain"][0],
            ("partner_id", "in", self.customer.ids),
        )

    def test_imported_between_plan_and_send(self):
        campaign = self._campaign(self.invoice)
        campaign.action_send()
        self._bank_line(f"TRANSFER {self.number}", 4200)
        self.assertEqual(self._run().sent, [])
        self.assertEqual(
            (campaign.reminder_ids.state, campaign.reminder_ids.reason_code),
            ("skipped", "hold_maybe_paid"),
        )

    def test_imported_between_two_messages(self):
        other = self._make_customer("Other", "o@other.example")
        invoice = self._make_invoice(other, amount=9000)
        campaign = self._campaign(self.invoice | invoice)
        campaign.action_send()
        first = campaign.reminder_ids.sorted(lambda one: (-one.priority, one.id))[
            0
        ].partner_id
        late = self.invoice if first == other else invoice

        def arrives(_message):
            self._bank_line(late.name, late.amount_total)
            self.env.flush_all()

        transport = FakeTransport([arrives])
        self._run(transport)
        self.assertEqual(len(transport.sent), 1)
        self.assertEqual(
            campaign.reminder_ids.filtered(
                lambda one: one.partner_id == late.partner_id
            ).reason_code,
            "hold_maybe_paid",
        )

    def test_named_invoice_alone_is_held(self):
        second = self._make_invoice(amount=300)
        self._bank_line(self.number, 4200)
        campaign = self._campaign(self.invoice | second)
        live = campaign.reminder_ids.filtered(lambda one: one.state == "draft")
        self.assertEqual(live.line_ids.move_id, second)

    def test_customer_alone_holds_everything_of_his(self):
        self._bank_line("TT", 100, self.customer)
        hit = self._hits()
        self.assertEqual(
            (hit.move_ids.ids, hit.is_exact, hit.hold_id.move_ids.ids), ([], False, [])
        )
        self.assertEqual(
            self._campaign(self.invoice).reminder_ids.reason_code, "hold_maybe_paid"
        )

    def test_account_and_name(self):
        self.env["res.partner.bank"].create(
            {
                "acc_number": "AE07 0331 2345 6789 0123 456",
                "partner_id": self.customer.id,
            }
        )
        self._bank_line("TT", 100, account_number="AE070331234567890123456")
        self.assertEqual(
            [part["code"] for part in self._hits().parts], ["account", "within"]
        )
        self._bank_line("FROM AL NOOR TRADING", 4200)
        self.assertIn(
            "name", [part["code"] for hit in self._hits() for part in hit.parts]
        )

    def test_what_does_not_fit(self):
        for label, amount in (
            ("CASH DEPOSIT", 4200),
            ("CHQ 99", 12),
            ("", 1),
            (self.number, -4200),
        ):
            self._bank_line(label, amount)
        self.assertFalse(self._hits())
        self.assertEqual(self._campaign(self.invoice).reminder_ids.state, "draft")

    def test_foreign_currency(self):
        usd = (
            self.env.ref("base.USD")
            if self.company.currency_id != self.env.ref("base.USD")
            else self.env.ref("base.EUR")
        )
        usd.active = True
        self.env["res.currency.rate"].create(
            {
                "currency_id": usd.id,
                "rate": 0.25,
                "name": self.today - timedelta(days=90),
                "company_id": self.company.id,
            }
        )
        invoice = self._make_invoice(amount=1000, currency=usd)
        self._bank_line(
            "AL NOOR TRADING", 4000, foreign_currency_id=usd.id, amount_currency=1000
        )
        hit = self._hits()
        self.assertEqual(
            (hit.move_ids, hit.currency_id, hit.source_amount, hit.is_exact),
            (invoice, usd, 1000, True),
        )
        self._hits().with_user(self.bookkeeper).action_reconcile()
        self.assertTrue(self._receivable(invoice).reconciled)

    def test_payment_without_an_entry(self):
        method = self.bank.inbound_payment_method_line_ids[:1]
        method.payment_account_id = False
        # Where bank reconciliation is installed, Odoo makes payments without an entry.
        with patch.object(
            type(self.env["account.move"]),
            "_get_invoice_in_payment_state",
            lambda _self: "in_payment",
        ):
            payment = self.env["account.payment"].create(
                {
                    "payment_type": "inbound",
                    "partner_type": "customer",
                    "partner_id": self.customer.id,
                    "amount": 4200,
                    "journal_id": self.bank.id,
                    "payment_method_line_id": method.id,
                    "currency_id": self.company.currency_id.id,
                }
            )
            payment.action_post()
        self.assertFalse(payment.move_id)
        hit = self._hits()
        self.assertEqual(
            (hit.payment_id, hit.move_ids, hit.is_exact), (payment, self.invoice, True)
        )
        self.assertIn("Payment", hit.explanation)
        hit.with_user(self.bookkeeper).action_reconcile()
        self.assertEqual((hit.state, payment.invoice_ids), ("reconciled", self.invoice))
        self.assertFalse(self._hits(state="open"))

    def _credit(self, amount):
        """An unallocated credit of the customer in the books."""
        account = self._receivable(self.invoice).account_id
        move = self.env["account.move"].create(
            {
                "move_type": "entry",
                "journal_id": self.company_data["default_journal_misc"].id,
                "date": self.today,
                "line_ids": [
                    Command.create(
                        {
                            "account_id": account.id,
                            "partner_id": self.customer.id,
                            "credit": amount,
                            "name": "Money",
                        }
                    ),
                    Command.create(
                        {
                            "account_id": self.bank.default_account_id.id,
                            "debit": amount,
                            "name": "Money",
                        }
                    ),
                ],
            }
        )
        move.action_post()
        return move.line_ids.filtered("credit")

    def test_credit_in_the_books_must_equal_something(self):
        """The credit is netted in the reminder anyway."""
        self._credit(100)
        self.assertFalse(self._hits())
        self._make_invoice(amount=70)
        credit = self._credit(4200)
        hit = self._hits()
        self.assertEqual((hit.credit_line_id, hit.move_ids), (credit, self.invoice))
        hit.with_user(self.bookkeeper).action_reconcile()
        self.assertTrue(credit.reconciled)
        self.assertEqual(self.invoice.payment_state, "paid")

    def test_bank_line_of_a_payment_registered_by_hand(self):
        """Users of Community register payments and do not reconcile the bank line: it
        is not further money."""
        paid = self._make_invoice(amount=640)
        line = self._bank_line("TT", 640, self.customer)
        self.assertTrue(self._hits(state="open"))
        payment = self._pay(paid)
        if payment.is_matched:
            self.skipTest("this journal needs no bank line")
        self.assertFalse(self._hits(state="open"))
        line.payment_ref = f"TT {self.number}"
        self.assertEqual(self._hits(state="open").move_ids, self.invoice)

    # -- decisions

    def test_reconcile_exact(self):
        second = self._make_invoice(amount=800)
        line = self._bank_line("TT AL NOOR", 5000, self.customer)
        hit = self._hits()
        self.assertEqual((hit.move_ids, hit.is_exact), (self.invoice | second, True))
        hit.with_user(self.bookkeeper).action_reconcile()
        self.assertTrue(line.is_reconciled)
        self.assertEqual(set((self.invoice | second).mapped("payment_state")), {"paid"})
        self.assertEqual(
            (hit.state, hit.decided_by_id, hit.hold_id.is_active),
            ("reconciled", self.bookkeeper, False),
        )
        self.assertFalse(self._hits(state="open"))
        line.action_undo_reconciliation()
        self.assertEqual(
            self._hits(state="open"), hit, "taken back: to be looked at again"
        )

    def test_reconcile_needs_the_right_to_the_books(self):
        self._bank_line(self.number, 4200)
        hit = self._hits()
        with self.assertRaises(AccessError):
            hit.with_user(self.accountant).action_reconcile()
        self.assertEqual(hit.state, "open")

    def test_reconcile_inexact_opens_the_money(self):
        line = self._bank_line(self.number, 1000)
        action = self._hits().with_user(self.bookkeeper).action_reconcile()
        self.assertEqual(
            (action["res_model"], action["res_id"]), ("account.move", line.move_id.id)
        )
        self.assertEqual(self._hits().state, "open")

    def test_ignore_is_remembered_for_the_pair(self):
        self._bank_line(self.number, 4200)
        hit = self._hits()
        hit.with_user(self.accountant).action_ignore()
        self.assertEqual((hit.state, hit.hold_id.is_active), ("ignored", False))
        self.assertEqual(self._hits(), hit)
        self.assertEqual(hit.state, "ignored")
        self.assertEqual(self._campaign(self.invoice).reminder_ids.state, "draft")
        self._bank_line(f"{self.number} again", 4200)
        self.assertEqual(
            len(self._hits(state="open")), 1, "other money is another question"
        )

    def test_send_anyway(self):
        campaign = self._campaign(self.invoice)
        campaign.action_send()
        self._bank_line(self.number, 4200)
        self._run()
        self.assertEqual(campaign.state, "completed")
        hit = self._hits()
        hit.with_user(self.accountant).action_send_anyway()
        self.assertEqual(
            (campaign.reminder_ids.state, campaign.state), ("queued", "sending")
        )
        self.assertEqual(len(self._run().sent), 1)
        self.assertEqual((campaign.reminder_ids.state, hit.state), ("sent", "sent"))

    def test_send_anyway_in_a_draft_and_with_other_money_open(self):
        self._bank_line(self.number, 4200)
        self._bank_line(f"{self.number} part", 50)
        campaign = self._campaign(self.invoice)
        first, second = self._hits()
        first.action_send_anyway()
        self.assertEqual(
            campaign.reminder_ids.state, "skipped", "the other line still holds it"
        )
        second.action_send_anyway()
        self.assertEqual(
            (campaign.reminder_ids.state, campaign.state), ("draft", "draft")
        )
        self.assertFalse(campaign.reminder_ids.line_ids.dropped_code)

    def test_decided_twice(self):
        self._bank_line(self.number, 4200)
        hit = self._hits()
        hit.action_ignore()
        for method in ("action_ignore", "action_send_anyway", "action_reconcile"):
            with self.assertRaisesRegex(UserError, "decided already"):
                getattr(hit, method)()

    def test_lost_hits_let_go(self):
        line = self._bank_line(self.number, 4200)
        hit = self._hits()
        self._pay(self.invoice)
        self._hits()
        self.assertEqual((hit.state, hit.hold_id.is_active), ("gone", False))
        line.unlink()
        self.assertFalse(hit.exists())

    def test_switched_off(self):
        self._bank_line(self.number, 4200)
        hit = self._hits()
        self.company.chaser_maybe_paid = False
        self.assertEqual((hit.state, hit.hold_id.is_active), ("gone", False))
        self.assertEqual(self._campaign(self.invoice).reminder_ids.state, "draft")

    def test_other_company_s_money_is_nothing_to_us(self):
        other = self.setup_other_company(name="Other")
        self.env["account.bank.statement.line"].with_company(other["company"]).create(
            {
                "journal_id": other["default_journal_bank"].id,
                "date": self.today,
                "payment_ref": self.number,
                "amount": 4200,
            }
        )
        self.assertFalse(self._hits())
        self.env["chaser.maybe.paid"]._refresh(other["company"])
        self.assertFalse(
            self.env["chaser.maybe.paid"].search(
                [("partner_id", "=", self.customer.id)]
            )
        )

    def test_twice_changes_nothing(self):
        self._bank_line(self.number, 4200)
        hit = self._hits()
        self.assertFalse(self.env["chaser.maybe.paid"]._refresh(self.company))
        self.assertEqual(self._hits(), hit)
        self.assertEqual(
            self.env["chaser.hold"].search_count([("code", "=", "maybe_paid")]), 1
        )

    def test_queries_do_not_grow(self):
        """The number of queries does not grow with the lines or the items, only with
        new hits."""
        counts = []
        for number in (1, 3, 40):
            for index in range(number):
                self._bank_line(f"NOTHING {number} {index}", 7 + index)
                self._make_invoice(
                    self._make_customer(
                        f"N {number} {index}", f"n{number}{index}@n.example"
                    ),
                    amount=100000 + index,
                )
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            self.assertFalse(self._hits())
            counts.append(self.cr.sql_log_count - before)
        self.assertEqual(counts[1], counts[2], "the first fills Odoo's own caches")
        self.assertLessEqual(counts[2], 12)

    def test_menu_looks_afresh(self):
        self._bank_line(self.number, 4200)
        action = (
            self.env["chaser.maybe.paid"]
            .with_user(self.accountant)
            .action_open_maybe_paid()
        )
        self.assertEqual(action["res_model"], "chaser.maybe.paid")
        self.assertEqual(
            self.env["chaser.maybe.paid"].search_count(
                [("state", "=", "open"), ("company_id", "=", self.company.id)]
            ),
            1,
        )

    def test_dead_line_costs_nothing(self):
        campaign = self._campaign(self.invoice)
        campaign.action_send()

        class Dies(BaseException):
            pass

        def die(*_args):
            raise Dies

        transport = FakeTransport()
        with (
            patch.object(type(self.env["chaser.maybe.paid"]), "_refresh", die),
            self.assertRaises(Dies),
        ):
            self._run(transport)
        self.env.invalidate_all()
        self.assertEqual(
            (campaign.reminder_ids.state, campaign.reminder_ids.attempt_count),
            ("queued", 0),
        )
        self.assertEqual(len(self._run(transport).sent), 1)


@tagged("post_install", "-at_install")
class TestBankData(MaybePaidCase):
    def setUp(self):
        super().setUp()
        self.company.chaser_bank_days = 5

    def test_everything_waits_without_bank_data(self):
        other = self._make_customer("Other", "o@other.example")
        campaign = self._campaign(self.invoice | self._make_invoice(other))
        campaign.action_send()
        self.assertEqual(self._run().sent, [])
        self.assertEqual(
            set(campaign.reminder_ids.mapped("reason_code")), {"hold_bank_data"}
        )
        self.assertEqual(set(campaign.reminder_ids.mapped("state")), {"queued"})
        self.assertIn("No recent bank data", campaign.reminder_ids[0].reason)
        self._bank_line("SALARY", -5)
        self.assertLessEqual(
            max(campaign.reminder_ids.mapped("scheduled_at")),
            fields.Datetime.now(),
            "tried at once when bank data came in",
        )
        self.assertEqual(len(self._run().sent), 2)

    def test_old_bank_data_is_none(self):
        self._bank_line("SALARY", -5)
        self.assertIsNone(self.env["chaser.bank.data"]._get_missing(self.company))
        with freeze_time(self._later(days=6)):
            self.assertTrue(self.env["chaser.bank.data"]._get_missing(self.company))
        self.company.chaser_bank_days = 0
        with freeze_time(self._later(days=600)):
            self.assertIsNone(self.env["chaser.bank.data"]._get_missing(self.company))

    def test_switched_off_goes_on_at_once(self):
        campaign = self._campaign(self.invoice)
        campaign.action_send()
        self._run()
        self.company.chaser_bank_days = 0
        self.assertEqual(len(self._run().sent), 1)

    def test_preview_warns(self):
        preview = self.env["chaser.preview"].browse(
            self.invoice.action_chase()["res_id"]
        )
        self.assertIn("No recent bank data", preview.warning)

    def test_step_itself_holds(self):
        campaign = self._campaign(self.invoice)
        campaign.action_send()
        with patch.object(MailboxRun, "_hold_without_bank_data", lambda _self: None):
            self.assertEqual(self._run().sent, [])
        self.assertEqual(campaign.reminder_ids.reason_code, "hold_bank_data")
