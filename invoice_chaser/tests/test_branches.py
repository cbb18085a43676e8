from datetime import timedelta

from odoo.fields import Command
from odoo.tests import tagged

from .common import ChaserCase


@tagged("post_install", "-at_install")
class TestBranches(ChaserCase):
    """A company and its branches are one legal entity, and so one creditor (F5)."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.branch = cls.env["res.company"].create(
            {"name": "POP Branch", "parent_id": cls.company.id}
        )
        cls.branch.partner_id.tz = "Asia/Dubai"
        cls.env.user.company_ids |= cls.branch
        cls.other = cls._create_company(name="Second Company")
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

    def test_what_the_branch_settles_stays_there(self):
        """A pause of the branch does not hold in the head office."""
        self._make_move(self.company, 1000)
        self.customer.with_company(self.branch).chaser_paused_until = self.today
        self._assert_asked(self.company, 1000)
