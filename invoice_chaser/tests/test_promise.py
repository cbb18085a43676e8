from datetime import timedelta
from types import SimpleNamespace
from unittest.mock import patch

import psycopg2.errors

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.service.model import call_kw
from odoo.tests import freeze_time, new_test_user, tagged

from ..core.plan.holds import Held
from .common import ChaserCase


@tagged("post_install", "-at_install")
class TestPromise(ChaserCase):
    def _promise(self, moves=None, days=5, amount=0.0, **values):
        return self.env["chaser.promise"]._promise(
            self.company,
            self.customer,
            self.today + timedelta(days=days),
            moves,
            amount,
            user_id=self.accountant.id,
            **values,
        )

    def _check(self, promises, **later):
        with freeze_time(self._later(**later)):
            self.env.invalidate_all()
            self.env["chaser.promise"]._cron_check()
        return promises.mapped("state")

    def _reasons(self, campaign):
        return {
            move.name: reminder.reason_code or None
            for reminder in campaign.reminder_ids
            for move in reminder.line_ids.move_id
        }

    def _notes(self, record):
        return " ".join(record.message_ids.mapped("body"))

    def _payment(self, amount, day=None, partner=None):
        """Money in the books, matched to nothing; False where this Odoo writes payments
        without an entry of their own."""
        payment = self.env["account.payment"].create(
            {
                "partner_id": (partner or self.customer).id,
                "amount": amount,
                "payment_type": "inbound",
                "partner_type": "customer",
                "journal_id": self.company_data["default_journal_bank"].id,
                "date": day or self.today,
            }
        )
        payment.action_post()
        return payment

    # -- what it holds

    def test_one_invoice_is_held_alone(self):
        held, other = self._make_invoice(amount=10), self._make_invoice(amount=20)
        self._promise(held)
        self.assertEqual(
            self._reasons(self._campaign(held | other)),
            {held.name: "promised", other.name: None},
        )
        self.assertEqual(
            (held.chaser_promise_date, other.chaser_promise_date),
            (self.today + timedelta(days=5), False),
        )

    def test_until_the_day_has_passed(self):
        invoice = self._make_invoice()
        self._promise(invoice, days=2)
        with freeze_time(self._later(days=2)):
            self.assertEqual(
                self._reasons(self._campaign(invoice)), {invoice.name: "promised"}
            )
        with freeze_time(self._later(days=3)):
            self.assertEqual(
                self._reasons(self._campaign(invoice)),
                {invoice.name: None},
                "also before the job has looked",
            )

    def test_whole_customer_with_what_falls_due_meanwhile(self):
        invoice = self._make_invoice()
        self._promise()
        later = self._make_invoice(days=1)
        campaign = self._campaign(invoice | later)
        self.assertEqual(
            self._reasons(campaign),
            {invoice.name: "promised", later.name: "customer_promised"},
        )
        reason = campaign.reminder_ids.filtered(
            lambda reminder: reminder.reason_code == "customer_promised"
        ).reason
        self.assertIn("promised to pay everything by", reason)
        with freeze_time(self._later(days=6)):
            self.assertEqual(
                set(self._reasons(self._campaign(invoice | later)).values()), {None}
            )

    def test_part_amount_holds_the_oldest_that_it_pays(self):
        old, middle, young = (
            self._make_invoice(amount=100, days=30),
            self._make_invoice(amount=100, days=20),
            self._make_invoice(amount=100, days=10),
        )
        promise = self._promise(amount=150)
        self.assertEqual(promise.covered_move_ids, old | middle)
        self.assertEqual(
            self._reasons(self._campaign(old | middle | young)),
            {old.name: "promised", middle.name: "promised", young.name: None},
        )

    def test_part_of_one_invoice_holds_it_whole(self):
        invoice = self._make_invoice(amount=1000)
        self._promise(invoice, amount=100)
        self.assertEqual(
            self._reasons(self._campaign(invoice)), {invoice.name: "promised"}
        )

    def test_amount_holds_its_own_currency_only(self):
        foreign = self.setup_other_currency("EUR")
        home, abroad = self._make_invoice(), self._make_invoice(currency=foreign)
        promise = self._promise(home | abroad, amount=5000)
        self.assertEqual(promise.covered_move_ids, home)
        self.assertEqual(
            self._reasons(self._campaign(home | abroad)),
            {home.name: "promised", abroad.name: None},
        )
        self.assertEqual(
            self._promise(abroad, amount=5, currency_id=foreign.id).covered_move_ids,
            abroad,
        )

    def test_instalment_that_is_not_due_is_not_promised(self):
        terms = self.env["account.payment.term"].create(
            {
                "name": "50/50",
                "line_ids": [
                    Command.create(
                        {"value": "percent", "value_amount": 50, "nb_days": 10}
                    ),
                    Command.create(
                        {"value": "percent", "value_amount": 50, "nb_days": 90}
                    ),
                ],
            }
        )
        invoice = self._make_invoice(amount=800, days=20, terms=terms)
        promise = self._promise(invoice)
        self.assertEqual(promise.line_ids.mapped("amount_residual"), [400])
        self._pay(invoice, 400)
        self.assertEqual(promise.state, "kept", "the late half is what he meant")

    def test_stops_what_is_queued(self):
        campaign = self._campaign(self._make_invoice())
        campaign.action_send()
        self._promise()
        self.assertFalse(self._run().sent)
        self.assertEqual(campaign.reminder_ids.reason_code, "promised")

    def test_of_everything_stops_at_the_send_what_fell_due_meanwhile(self):
        self._promise()
        invoice = self._make_invoice()
        with patch.object(
            type(self.env["chaser.hold"]), "_read_held", lambda *_args: Held()
        ):
            campaign = self._campaign(invoice)
        campaign.action_send()
        self.assertFalse(self._run().sent)
        self.assertEqual(campaign.reminder_ids.reason_code, "customer_promised")

    def test_drops_one_invoice_of_what_is_queued(self):
        one, two = self._make_invoice(amount=10), self._make_invoice(amount=20)
        campaign = self._campaign(one | two)
        campaign.action_send()
        self._promise(one)
        [message] = self._run().sent
        self.assertNotIn(one.name, message.text)

    def test_another_company_goes_on(self):
        other = self.setup_other_company(name="Second")["company"]
        self.env["chaser.promise"]._promise(
            other, self.customer, self.today + timedelta(days=9)
        )
        self.assertEqual(
            self._campaign(self._make_invoice()).reminder_ids.state, "draft"
        )

    # -- kept, partly, broken

    def test_kept_at_once_by_the_payment(self):
        invoice = self._make_invoice()
        promise = self._promise(invoice)
        self._pay(invoice)
        self.assertEqual(promise.state, "kept")
        self.assertTrue(promise.settled_at)
        self.assertFalse(invoice.chaser_promise_date)
        self.assertIn("kept", self._notes(self.customer))

    def test_part_payment_waits_for_the_day(self):
        invoice = self._make_invoice(amount=1000)
        promise = self._promise(invoice)
        self._pay(invoice, 400)
        self.assertEqual(promise.state, "open")
        self.assertIn("400", promise.amount_paid)
        self.assertEqual(self._check(promise, days=5), ["open"])
        self.assertEqual(self._check(promise, days=6), ["partly"])
        self.assertTrue(promise.activity_ids)

    def test_promised_part_is_kept_by_that_part(self):
        invoice = self._make_invoice(amount=1000)
        promise = self._promise(invoice, amount=400)
        self._pay(invoice, 400)
        self.assertEqual(promise.state, "kept")

    def test_broken(self):
        invoice = self._make_invoice()
        promise = self._promise(invoice)
        self.assertEqual(self._check(promise, days=6), ["broken"])
        self.assertFalse(invoice.chaser_promise_date)
        self.assertIn("broken", self._notes(self.customer))
        self.assertIn("broken", self._notes(invoice))
        self.assertEqual(promise.activity_ids.user_id, self.accountant)
        with freeze_time(self._later(days=6)):
            self.assertEqual(
                self._reasons(self._campaign(invoice)), {invoice.name: None}
            )
        count = len(self.customer.message_ids)
        self._check(promise, days=7)
        self.assertEqual(
            (len(self.customer.message_ids), len(promise.activity_ids)),
            (count, 1),
            "said once",
        )

    def test_payment_before_the_promise_is_not_his_keeping_it(self):
        invoice = self._make_invoice(amount=1000)
        self._pay(invoice, 600)
        promise = self._promise(invoice)
        self.assertEqual(self._check(promise, days=6), ["broken"])

    def test_paid_too_late(self):
        invoice = self._make_invoice()
        promise = self._promise(invoice, days=2)
        self._check(promise, days=3)
        with freeze_time(self._later(days=4)):
            self._pay(invoice)
        self.assertEqual(promise.state, "broken")

    def test_late_bank_data_mends_it(self):
        """The customer paid in time; the payment was entered after the day."""
        invoice = self._make_invoice()
        promise = self._promise(invoice, days=2)
        self.assertEqual(self._check(promise, days=3), ["broken"])
        wizard = (
            self.env["account.payment.register"]
            .with_context(active_model="account.move", active_ids=invoice.ids)
            .create({"payment_date": self.today + timedelta(days=1)})
        )
        wizard._create_payments()
        self.assertEqual(promise.state, "kept")
        self.assertFalse(promise.activity_ids, "nobody has to call any more")

    def test_payment_taken_back(self):
        invoice = self._make_invoice()
        promise = self._promise(invoice)
        payment = self._pay(invoice)
        self.assertEqual(promise.state, "kept")
        payment.action_draft()
        payment.action_cancel()
        self.assertEqual(self._check(promise, hours=1), ["open"])
        self.assertTrue(invoice.chaser_promise_date)

    def test_credited_in_full_is_no_word_kept_or_broken(self):
        invoice = self._make_invoice()
        promise = self._promise(invoice)
        refund = self._make_invoice(move_type="out_refund", days=0)
        (self._receivable(invoice) | self._receivable(refund)).reconcile()
        self.assertEqual(promise.state, "cancelled")

    def test_money_that_is_matched_to_nothing_yet(self):
        invoice = self._make_invoice(amount=1000)
        promise = self._promise(invoice)
        if not self._payment(1000).move_id:
            self.skipTest(
                "payments without an entry of their own show up on the bank line "
                "instead"
            )
        self.assertEqual(self._check(promise, hours=1), ["kept"])

    def test_unmatched_money_counts_for_one_promise(self):
        one, two = self._make_invoice(amount=1000), self._make_invoice(amount=1000)
        first, second = self._promise(one, days=1), self._promise(two, days=2)
        if not self._payment(1000).move_id:
            self.skipTest(
                "payments without an entry of their own show up on the bank line "
                "instead"
            )
        self.assertEqual(self._check(first | second, days=3), ["kept", "broken"])

    def test_unmatched_money_of_somebody_else(self):
        invoice = self._make_invoice(amount=1000)
        promise = self._promise(invoice)
        self._payment(
            1000, partner=self._make_customer("Other", "other@customer.example")
        )
        self.assertEqual(self._check(promise, days=6), ["broken"])

    def test_payment_never_fails_because_of_a_promise(self):
        invoice = self._make_invoice()
        promise = self._promise(invoice)

        def collide(_self):
            raise psycopg2.errors.SerializationFailure

        with patch.object(type(promise), "_update_states", collide):
            self._pay(invoice)
        self.assertIn(invoice.payment_state, ("paid", "in_payment"))
        self.assertEqual(promise.state, "open")
        self.assertEqual(self._check(promise, hours=1), ["kept"], "the job catches up")

    # -- for the planner and the score

    def test_broken_since(self):
        Planner = self.env["chaser.planner"]
        promise = self._promise(self._make_invoice(), days=1)
        self._make_invoice(self._make_customer("Other", "other@customer.example"))

        def read():
            return {
                item.id: item.broken
                for facts in Planner._plan_open(self.company).customers
                for item in facts.items
            }

        [mine] = promise.line_ids.ids
        self.assertEqual((len(read()), set(read().values())), (2, {None}))
        self._check(promise, days=2)
        found = fields.Datetime.context_timestamp(
            self.env.user.with_context(tz=self.company._get_chaser_tz()),
            promise.settled_at,
        ).date()
        self.assertEqual(
            {line: day for line, day in read().items() if day}, {mine: found}
        )
        other = SimpleNamespace(
            company=self.setup_other_company(name="Second")["company"], rows=[mine]
        )
        Line = self.env["chaser.reminder.line"]
        self.assertEqual(Line._read_broken_promises(other), {})

    def test_history(self):
        for number in range(3):
            invoice = self._make_invoice()
            self._promise(invoice, days=1)
            if number:
                self._pay(invoice)
        self._promise(self._make_invoice()).action_cancel()
        self._check(self.env["chaser.promise"], days=2)
        self._promise(self._make_invoice())
        self.assertEqual(
            self.env["chaser.promise"]._get_promise_figures(
                self.company, [self.customer.id]
            ),
            {self.customer.id: (2, 3)},
        )
        partner = self.customer.with_user(self.accountant)
        self.assertEqual(
            (
                partner.chaser_promise_kept,
                partner.chaser_promise_total,
                partner.chaser_promise_count,
            ),
            (2, 3, 5),
        )
        self.assertEqual(partner.chaser_promise_history, "kept 2 of 3")

    def test_figures_cost_does_not_grow(self):
        partners = self.env["res.partner"]
        for number in range(5):
            partners |= self._make_customer(f"F{number}", f"f{number}@customer.example")
        self.env.flush_all()
        self.env.invalidate_all()
        partners.with_user(self.accountant).mapped("commercial_partner_id")
        with self.assertQueryCount(5):
            partners.with_user(self.accountant).mapped("chaser_promise_total")

    # -- by hand

    def test_recorded_over_the_api(self):
        """As JSON-2 calls it; the customer is the commercial partner, the currency that
        of the invoice."""
        foreign = self.setup_other_currency("EUR")
        branch = self.env["res.partner"].create(
            {"name": "Branch", "parent_id": self.customer.id}
        )
        invoice = self._make_invoice(currency=foreign)
        env = self.env(
            user=self.accountant.id,
            su=False,
            context={"allowed_company_ids": self.company.ids},
        )
        [promise_id] = call_kw(
            env["chaser.promise"],
            "create",
            [
                [
                    {
                        "partner_id": branch.id,
                        "move_ids": [[6, 0, invoice.ids]],
                        "date_promised": str(self.today + timedelta(days=4)),
                        "amount": 100,
                        "source": "phone",
                        "said_by": "Mr Haddad",
                    }
                ]
            ],
            {},
        )
        promise = self.env["chaser.promise"].browse(promise_id)
        self.assertEqual(
            (promise.partner_id, promise.currency_id, promise.user_id, promise.state),
            (self.customer, foreign, self.accountant, "open"),
        )
        self.assertEqual(invoice.chaser_promise_date, promise.date_promised)
        for record in (self.customer, invoice):
            self.assertIn("Mr Haddad", self._notes(record))
        call_kw(env["chaser.promise"], "action_cancel", [[promise_id]], {})
        self.assertEqual(promise.state, "cancelled")
        self.assertFalse(invoice.chaser_promise_date)

    def test_state_is_not_set_by_hand(self):
        promise = self._promise(self._make_invoice())
        with self.assertRaisesRegex(UserError, "Payments decide"):
            promise.with_user(self.accountant).state = "kept"

    def test_postponed_and_widened(self):
        one, two = self._make_invoice(amount=10, days=30), self._make_invoice(amount=20)
        promise = self._promise(one | two, amount=10)
        self.assertEqual(promise.covered_move_ids, one)
        promise.with_user(self.accountant).write(
            {"amount": 30, "date_promised": self.today + timedelta(days=9)}
        )
        self.assertEqual(promise.covered_move_ids, one | two)
        self.assertEqual(two.chaser_promise_date, self.today + timedelta(days=9))
        promise.with_user(self.accountant).move_ids = one
        self.assertFalse(two.chaser_promise_date)

    def test_new_one_replaces_the_open_one(self):
        invoice = self._make_invoice()
        first = self._promise(invoice, days=2)
        second = self._promise(invoice, days=4)
        self.assertEqual(
            (first.state, second.replaces_id, second._get_first_said()),
            ("cancelled", first, first.promised_at),
        )
        self.assertEqual(
            self._promise(self._make_invoice()).replaces_id.id,
            False,
            "another invoice, another promise",
        )

    def test_refusals(self):
        other = self._make_customer("Other", "other@customer.example")
        with self.assertRaisesRegex(ValidationError, "does not belong to Al Noor"):
            self._promise(self._make_invoice(other))
        data = self.setup_other_company(name="Second")
        foreign = self.init_invoice(
            "out_invoice",
            self.customer,
            "2026-01-01",
            post=True,
            amounts=[100],
            company=data["company"],
        )
        with self.assertRaises(UserError):
            self._promise(foreign)
        outsider = new_test_user(
            self.env,
            "promise_outsider",
            "account.group_account_invoice",
            company_id=self.company.id,
        )
        with self.assertRaises(AccessError):
            self.env["chaser.promise"].with_user(outsider).create(
                {"partner_id": self.customer.id, "date_promised": self.today}
            )

    # -- on the invoice

    def test_date_on_the_invoice(self):
        invoice = self._make_invoice()
        invoice.with_user(self.accountant).chaser_promise_date = self.today + timedelta(
            days=3
        )
        promise = invoice.sudo().chaser_promise_ids
        self.assertEqual(
            (promise.date_promised, promise.move_ids, promise.user_id),
            (self.today + timedelta(days=3), invoice, self.accountant),
        )
        invoice.chaser_promise_date = self.today + timedelta(days=5)
        self.assertEqual(promise.date_promised, self.today + timedelta(days=5))
        self.assertEqual(invoice.sudo().chaser_promise_ids, promise)
        invoice.chaser_promise_date = False
        self.assertEqual(
            (promise.state, invoice.chaser_promise_date), ("cancelled", False)
        )

    def test_date_taken_off_one_of_two(self):
        one, two = self._make_invoice(), self._make_invoice()
        promise = self._promise(one | two)
        one.chaser_promise_date = False
        self.assertEqual((promise.state, promise.covered_move_ids), ("open", two))
        self.assertEqual(
            (one.chaser_promise_date, two.chaser_promise_date),
            (False, promise.date_promised),
        )

    def test_date_by_an_invoicing_user(self):
        """Users who may change the invoice could always do this; they need no right on
        the records behind it."""
        user = new_test_user(
            self.env,
            "promise_invoicing",
            "account.group_account_invoice",
            company_id=self.company.id,
        )
        invoice = self._make_invoice()
        invoice.with_user(user).chaser_promise_date = self.today + timedelta(days=3)
        self.assertEqual(invoice.sudo().chaser_promise_ids.user_id, user)

    def test_several_invoices_in_one_write(self):
        invoices = self._make_invoice() | self._make_invoice(
            self._make_customer("Other", "other@customer.example")
        )
        invoices.write({"chaser_promise_date": self.today + timedelta(days=1)})
        self.assertEqual(len(invoices.sudo().chaser_promise_ids), 2)

    def test_copy_of_the_invoice_is_not_promised(self):
        invoice = self._make_invoice()
        self._promise(invoice)
        copy = invoice.copy()
        self.assertFalse(copy.chaser_promise_date or copy.sudo().chaser_promise_ids)

    def test_buttons(self):
        one, two = self._make_invoice(), self._make_invoice()
        reminder = self._sent_campaign(one | two).reminder_ids
        self._pay(two)
        for record, moves in ((self.customer, []), (one, one.ids), (reminder, one.ids)):
            for method, model in (
                ("promise", "chaser.promise"),
                ("dispute", "chaser.dispute"),
                ("hold", "chaser.hold"),
            ):
                with self.subTest(record=record._name, method=method):
                    action = getattr(
                        record.with_user(self.accountant), f"action_chaser_{method}"
                    )()
                    self.assertEqual(
                        (action["res_model"], action["context"]["default_partner_id"]),
                        (model, self.customer.id),
                    )
                    self.assertEqual(
                        action["context"]["default_move_ids"], [Command.set(moves)]
                    )

    def test_form_button_to_record(self):
        invoice = self._make_invoice()
        context = invoice.with_user(self.accountant).action_chaser_promise()["context"]
        promise = (
            self.env["chaser.promise"]
            .with_user(self.accountant)
            .with_context(**context)
            .create({"date_promised": self.today + timedelta(days=1)})
        )
        self.assertEqual(
            (promise.partner_id, promise.move_ids, promise.company_id),
            (self.customer, invoice, self.company),
        )

    def test_views_from_the_customer(self):
        self._promise(self._make_invoice())
        self.assertEqual(
            self.customer.with_user(self.accountant).chaser_promise_count, 1
        )
        for name in ("promises", "disputes", "holds"):
            action = getattr(
                self.customer.with_user(self.accountant), f"action_view_chaser_{name}"
            )()
            self.env[action["res_model"]].search(action["domain"])

    def test_deleted_invoice_leaves_the_promise(self):
        invoice = self._make_invoice()
        promise = self._promise(invoice)
        invoice.button_draft()
        self.assertEqual(self._check(promise, days=6), ["broken"])

    def test_settled_moment_is_the_clocks(self):
        promise = self._promise(self._make_invoice(), days=1)
        moment = self._later(days=2).replace(microsecond=0)
        with freeze_time(moment):
            self.env["chaser.promise"]._cron_check()
        self.assertEqual(promise.settled_at, fields.Datetime.to_datetime(moment))
