from datetime import timedelta

from odoo.fields import Command
from odoo.tests import new_test_user, tagged

from .common import FakeTransport
from .inbound_common import InboundCase


@tagged("post_install", "-at_install")
class TestBranches(InboundCase):
    """A company and its branches are one legal entity, and so one creditor (F5)."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.branch = cls.env["res.company"].create(
            {"name": "POP Branch", "parent_id": cls.company.id}
        )
        cls.branch.partner_id.tz = "Asia/Dubai"
        cls.other = cls._create_company(name="Second Company")
        cls._work_in(cls.company | cls.branch | cls.other)
        cls.env.cr.precommit.run()

    @classmethod
    def _make_move(cls, company, amount, move_type="out_invoice", days=20):
        move = (
            cls.env["account.move"]
            .with_company(company)
            .create(
                {
                    "move_type": move_type,
                    "company_id": company.id,
                    "partner_id": cls.customer.id,
                    "invoice_date": cls.today - timedelta(days=days),
                    "invoice_date_due": cls.today - timedelta(days=days),
                    "invoice_payment_term_id": False,
                    "invoice_line_ids": [
                        Command.create(
                            {"name": "Goods", "price_unit": amount, "tax_ids": []}
                        )
                    ],
                }
            )
        )
        move.action_post()
        return move

    def _plan(self, company):
        return self.env["chaser.planner"]._plan_open(company, automatic=False)

    def _asked(self, company):
        return sum(message.company_net for message in self._plan(company).going)

    def _worklist(self, company):
        rows = self.env["chaser.worklist"]._read_rows(company, self.customer.ids)
        return sum(row["amount_due"] for row in rows)

    def _assert_asked(self, company, amount):
        self.assertEqual(self._asked(company), amount)
        self.assertEqual(self._worklist(company), amount)

    def test_money_in_the_head_office(self):
        """Branch invoice 1,000, credit of 1,000 in the head office: nothing is owed."""
        self._make_move(self.branch, 1000)
        self._assert_asked(self.branch, 1000)
        self._make_move(self.company, 1000, "out_refund")
        self._assert_asked(self.branch, 0)
        [message] = self._plan(self.branch).messages
        self.assertEqual(message.skip.reason, "covered_by_credit")

    def test_each_credit_stands_in_one_company_s_message(self):
        """1,000 in each, 1,500 of credit in the branch: the branch is settled, the head
        office asks for 500."""
        self._make_move(self.branch, 1000)
        self._make_move(self.company, 1000)
        self._make_move(self.branch, 1500, "out_refund")
        self._assert_asked(self.branch, 0)
        self._assert_asked(self.company, 500)

    def test_another_entity_does_not_count(self):
        self._make_move(self.branch, 1000)
        self._make_move(self.other, 1000, "out_refund")
        self._assert_asked(self.branch, 1000)

    def test_written_to_by_the_head_office(self):
        """One creditor, one letter: the interval counts over the branches, and so does
        a reminder on its way."""
        self._make_move(self.branch, 1000)
        self._sent_campaign(self._make_move(self.company, 500))
        [message] = self._plan(self.branch).messages
        self.assertEqual(message.skip.reason, "recent_contact")

    def test_reminder_on_its_way_in_the_head_office(self):
        self._make_move(self.branch, 1000)
        self._campaign(self._make_move(self.company, 500))
        [message] = self._plan(self.branch).messages
        self.assertEqual(message.skip.reason, "live_reminder")

    def test_pause_of_the_head_office(self):
        self._make_move(self.branch, 1000)
        until = self.today + timedelta(days=9)
        self.customer.with_company(self.company).write(
            {"chaser_paused_until": until, "chaser_pause_reason": "Agreed"}
        )
        [message] = self._plan(self.branch).messages
        self.assertEqual(message.skip.reason, "paused")
        self.assertEqual(message.skip.params["detail"], "Agreed")

    def test_hold_and_stopped_address_of_the_head_office(self):
        self._make_move(self.branch, 1000)
        hold = self.env["chaser.hold"]._hold(self.company, self.customer, "manual")
        [message] = self._plan(self.branch).messages
        self.assertEqual(message.skip.reason, "hold_manual")
        hold.action_release()
        self.env["chaser.suppression"].sudo().create(
            {"company_id": self.company.id, "email": "finance@alnoor.example"}
        )
        [message] = self._plan(self.branch).messages
        self.assertEqual(message.skip.reason, "suppressed")

    def test_an_old_pause_of_the_branch_hides_none(self):
        """The longer pause counts, at planning and at the send; the worklist shows
        it."""
        campaign = self._campaign(self._make_move(self.branch, 1000))
        campaign.action_send()
        self.customer.with_company(self.branch).write(
            {"chaser_paused_until": "2020-01-01", "chaser_pause_reason": "Old"}
        )
        self.customer.with_company(self.company).write(
            {"chaser_paused_until": self.today, "chaser_pause_reason": "New"}
        )
        self.assertFalse(self._run(FakeTransport()).sent)
        reminder = campaign.reminder_ids
        self.assertEqual(reminder.reason_code, "paused")
        self.assertIn("New", reminder.reason)
        [message] = self._plan(self.branch).messages
        self.assertEqual(message.skip.params["detail"], "New")
        [row] = self.env["chaser.worklist"]._read_rows(self.branch, self.customer.ids)
        self.assertTrue(row["is_held"])

    def test_last_reminder_of_the_head_office(self):
        """The interval is the entity's, so the branch's worklist shows it; not that of
        another company with the same customer."""
        letter = self._sent_campaign(self._make_move(self.company, 500)).reminder_ids
        for company in (self.branch, self.other):
            self._make_move(company, 1000)
        Worklist = self.env["chaser.worklist"]
        for company, at in ((self.branch, letter.sent_at), (self.other, False)):
            [row] = Worklist.search([("company_id", "=", company.id)])
            self.assertEqual(row.last_contact_at, at)
            customer = self.customer.with_company(company)
            self.assertEqual(customer.chaser_last_reminder_at, at)

    def test_what_the_branch_settles_stays_there(self):
        """A pause of the branch does not hold in the head office."""
        self._make_move(self.company, 1000)
        self.customer.with_company(self.branch).chaser_paused_until = self.today
        self._assert_asked(self.company, 1000)

    # -- money that came in at the head office

    def test_bank_line_of_the_head_office(self):
        """A branch without a bank of its own is paid at the head office: whoever quotes
        the reference of the branch's message, or its invoice's number, is found by the
        branch, and the money is allocated in one click."""
        invoice = self._make_move(self.branch, 1000)
        reminder = self._sent_campaign(invoice).reminder_ids
        self.env["account.bank.statement.line"].create(
            {
                "journal_id": self.company_data["default_journal_bank"].id,
                "date": self.today,
                "payment_ref": reminder.payment_reference,
                "amount": 1000,
            }
        )
        MaybePaid = self.env["chaser.maybe.paid"]
        MaybePaid._refresh(self.company)
        self.assertFalse(MaybePaid.search([]), "the branch's message, the branch's hit")
        MaybePaid._refresh(self.branch)
        [hit] = MaybePaid.search([])
        self.assertEqual((hit.company_id, hit.is_exact), (self.branch, True))
        hit.action_reconcile()
        self.assertEqual(invoice.amount_residual, 0)

    def test_promise_kept_at_the_head_office(self):
        invoice = self._make_move(self.branch, 1000)
        promise = self.env["chaser.promise"]._promise(
            self.branch, self.customer, self.today + timedelta(days=2), invoice
        )
        data = self.company_data
        entry = self.env["account.move"].create(
            {
                "move_type": "entry",
                "journal_id": data["default_journal_bank"].id,
                "date": self.today,
                "line_ids": [
                    Command.create(
                        {
                            "account_id": data["default_account_receivable"].id,
                            "partner_id": self.customer.id,
                            "credit": 1000,
                        }
                    ),
                    Command.create(
                        {
                            "account_id": data["default_account_revenue"].id,
                            "debit": 1000,
                        }
                    ),
                ],
            }
        )
        entry.action_post()
        found = promise._read_unallocated()[promise.id]
        self.assertEqual(found, {self.company.currency_id.id: 1000})

    def test_statement_is_the_legal_entity_s(self):
        """Letter and statement say one sum where the head office has the money."""
        self._make_move(self.branch, 1000)
        self._make_move(self.company, 300, "out_refund")
        self._make_move(self.other, 50)
        rows = self.env["chaser.documents"]._read_statement_rows(
            self.customer.id, self.branch.id
        )
        self.assertEqual(sum(row["residual"] for row in rows), 700)
        self._assert_asked(self.branch, 700)

    def test_bank_data_of_the_head_office(self):
        self.branch.chaser_bank_days = 3
        self.assertIsNotNone(self.env["chaser.bank.data"]._get_hold(self.branch))
        self.env["account.bank.statement.line"].create(
            {
                "journal_id": self.company_data["default_journal_bank"].id,
                "date": self.today,
                "payment_ref": "Something",
                "amount": 5,
            }
        )
        self.assertIsNone(self.env["chaser.bank.data"]._get_hold(self.branch))

    # -- mailboxes

    def _own_mailbox(self):
        mailbox = self.provider.copy(
            {"company_id": self.branch.id, "email": "branch@pop.example"}
        )
        mailbox._set_state("connected")
        return mailbox

    def test_mailbox_of_the_head_office(self):
        """A branch without a mailbox writes from that of its head office, as itself and
        by its own settings; whoever works in the branch alone may do so."""
        self.branch.write({"email": "branch@pop.example", "chaser_maybe_paid": False})
        invoice = self._make_move(self.branch, 1000)
        clerk = new_test_user(
            self.env,
            login="branch_clerk",
            groups="invoice_chaser.group_chaser_user",
            company_id=self.branch.id,
            company_ids=[Command.set(self.branch.ids)],
        )
        campaign = (
            self.env["chaser.campaign"]
            .with_user(clerk)
            .with_context(allowed_company_ids=self.branch.ids)
            .create_for_invoices(invoice.ids, {"company_id": self.branch.id})
        )
        self.assertEqual(campaign.provider_id, self.provider)
        campaign.action_send()
        [message] = self._run(FakeTransport()).sent
        self.assertEqual(message.sender, "accounts@pop.example")
        self.assertIn("POP Branch", message.html)
        [reminder] = campaign.sudo().reminder_ids
        self.assertEqual(reminder.state, "sent")
        self.assertEqual(reminder.company_id, self.branch)
        self.assertEqual(
            self.provider._get_month_count(self.provider.company_id, self._later()), 1
        )

    def test_settings_of_the_branch(self):
        """Interval, window and bank data are the reminder's company's, whoever else the
        mailbox writes for."""
        self.company.chaser_bank_days = 1
        campaign = self._campaign(self._make_move(self.branch, 1000))
        campaign.action_send()
        self.assertEqual(len(self._run(FakeTransport()).sent), 1)
        second = self._make_customer("Blue Sea", "pay@blue.example")
        own = self._campaign(self._make_invoice(second))
        own.action_send()
        self.assertFalse(self._run(FakeTransport()).sent)
        self.assertEqual(own.reminder_ids.reason_code, "hold_bank_data")

    def test_mailbox_of_its_own(self):
        mailbox = self._own_mailbox()
        campaign = self._campaign(self._make_move(self.branch, 1000))
        self.assertEqual(campaign.provider_id, mailbox)
        other = self._make_customer("Blue Sea", "pay@blue.example")
        head = self._campaign(self._make_invoice(other))
        self.assertEqual(head.provider_id, self.provider)
        Provider = self.env["chaser.provider"]
        self.assertEqual(Provider._get_usable(self.branch), mailbox)
        mailbox._set_state("disabled")
        self.assertFalse(Provider._get_usable(self.branch))

    def test_answer_to_the_branch(self):
        """An answer in the head office's mailbox belongs to the branch that wrote."""
        reminder = self._sent_campaign(self._make_move(self.branch, 1000)).reminder_ids
        raw = self._mail(reference=reminder.message_id)
        record = self._receive(raw, self.company, self.provider)
        self.assertEqual(
            (record.company_id, record.reminder_id), (self.branch, reminder)
        )
        self.assertFalse(self._receive(raw, self.company, self.provider))
