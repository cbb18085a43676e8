from datetime import timedelta
from unittest.mock import patch

from odoo.tests import new_test_user, tagged

from .test_daily import DailyCase


@tagged("post_install", "-at_install")
class TestResponsible(DailyCase):
    """One rule for tasks, approvals, calls and answers: who is asked is active, works
    in the company, and works with the addon."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.boss = new_test_user(
            cls.env,
            login="chaser_boss",
            groups="invoice_chaser.group_chaser_manager",
            company_id=cls.company.id,
            email="boss@pop.example",
        )
        # The test's own user is a manager, too.
        cls.managers = cls.company._get_chaser_people("manager")
        cls.env["chaser.level"].search([]).activity_type_id = cls.env.ref(
            "mail.mail_activity_data_call"
        )

    def _call_of(self, campaign):
        [activity] = self.customer.activity_ids.filtered(
            lambda one: one.activity_type_id
            == self.env.ref("mail.mail_activity_data_call")
        )
        return activity

    def test_tasks_speak_the_language_of_whoever_gets_them(self):
        """Made by a job or a customer's answer in English, read by an Arabic user
        (A13)."""
        self.managers.lang = "ar_001"
        self.accountant.lang = "ar_001"
        campaign = self._campaign(self._make_invoice(), user_id=self.accountant.id)
        campaign.action_send()
        self._run()
        reminder = campaign.reminder_ids
        before = self.env["mail.activity"].search([]).ids
        hold = self.env["chaser.hold"]._hold(self.company, self.customer, "reply")
        reminder._plan_page_todo(
            hold, lambda one: one.env._("Says it is paid: look for the payment")
        )
        reminder._plan_activity(self.env.ref("mail.mail_activity_data_call").id)
        promise = self.env["chaser.promise"]._promise(
            self.company, self.customer, self.today + timedelta(days=1)
        )
        promise._plan_todo(lambda one: one.env._("Promise for %s kept.", "1"))
        self.env["chaser.dispute"].sudo().create(
            {
                "company_id": self.company.id,
                "partner_id": self.customer.id,
                "reason": "Two cartons",
                "source": "page",
            }
        )
        self.provider._notify_expired("refused")
        self.provider._notify_read_refused("refused")
        self.env["chaser.suppression"]._plan_new_address(
            self.company, self.customer, "gone@x.example", "", reminder
        )
        self.env["chaser.channel"]._plan_look(
            self.company, self.customer, reminder, "Aisha", "words"
        )
        tasks = self.env["mail.activity"].search([("id", "not in", before)])
        self.assertEqual(len(tasks), 8, tasks.mapped("summary"))
        for task in tasks:
            self.assertRegex(task.summary, "[\u0600-\u06ff]", task.user_id.lang)

    # -- what a level asks for

    def test_campaign_without_a_responsible(self):
        campaign = self._campaign(self._make_invoice(), user_id=False)
        campaign.action_send()
        self._run()
        self.assertIn(self._call_of(campaign).user_id, self.managers)

    def test_responsible_archived_between_queue_and_send(self):
        campaign = self._campaign(self._make_invoice(), user_id=self.accountant.id)
        campaign.action_send()
        self.accountant.active = False
        self._run()
        self.assertIn(self._call_of(campaign).user_id, self.managers)

    def test_salesperson_comes_before_managers(self):
        seller = new_test_user(
            self.env,
            login="chaser_seller",
            groups="invoice_chaser.group_chaser_user",
            company_id=self.company.id,
        )
        invoice = self._make_invoice()
        invoice.invoice_user_id = seller
        campaign = self._campaign(invoice, user_id=False)
        campaign.action_send()
        self._run()
        self.assertEqual(self._call_of(campaign).user_id, seller)

    def test_nobody_at_all(self):
        campaign = self._campaign(self._make_invoice(), user_id=False)
        campaign.action_send()
        self.startPatcher(
            patch.object(
                type(self.company),
                "_get_chaser_people",
                lambda company, _group="user": company.env["res.users"],
            )
        )
        self._run()
        self.assertEqual(campaign.reminder_ids.state, "sent")
        self.assertFalse(self.customer.activity_ids)
        self.assertIn(
            "Nobody works with reminders",
            " ".join(self.customer.message_ids.mapped("body")),
        )

    # -- the daily run

    def test_daily_run_of_somebody_who_has_left(self):
        self._make_invoice(days=20)
        self.accountant.active = False
        with self._at(self.today):
            run = self._run_daily()
        self.assertIn(run.campaign_ids.user_id, self.managers)
        self.assertIn(run.campaign_ids.activity_ids.user_id, self.managers)
        told = run.message_ids.notified_partner_ids
        self.assertTrue(told & self.managers.partner_id)
        self.assertNotIn(self.accountant.partner_id, told)

    def test_daily_run_without_anybody_set(self):
        self._make_invoice(days=20)
        self.company.chaser_daily_user_id = False
        with self._at(self.today):
            run = self._run_daily()
        self.assertIn(run.campaign_ids.activity_ids.user_id, self.managers)

    def test_campaign_of_the_day_does_not_wait_for_who_leaves(self):
        self._make_invoice(days=20)
        with self._at(self.today):
            campaign = self._run_daily().campaign_ids
            self.assertEqual(campaign.activity_ids.user_id, self.accountant)
            self.accountant.action_archive()
        with self._at(self.today, hour=10):
            self._run_daily()
        self.assertIn(campaign.user_id, self.managers)
        [activity] = campaign.activity_ids
        self.assertIn(activity.user_id, self.managers)
        self.assertIn("wait for your approval", activity.summary)

    # -- answers, promises, tasks that were there already

    def test_tasks_go_on_when_a_user_leaves(self):
        campaign = self._campaign(self._make_invoice(), user_id=self.accountant.id)
        campaign.action_send()
        self._run()
        other = self.customer.activity_schedule(
            "mail.mail_activity_data_todo",
            user_id=self.accountant.id,
            summary="private",
        )
        self.assertEqual(self._call_of(campaign).user_id, self.accountant)
        self.accountant.action_archive()
        self.assertIn(self._call_of(campaign).user_id, self.managers)
        self.assertFalse(other.exists(), "not ours: as Odoo does it")

    def test_broken_promise_of_who_has_left(self):
        invoice = self._make_invoice()
        promise = (
            self.env["chaser.promise"]
            .with_user(self.accountant)
            ._promise(
                self.company, self.customer, self.today + timedelta(days=1), invoice
            )
        )
        self.accountant.active = False
        promise.sudo()._plan_todo("broken")
        todo = self.env["mail.activity"].search([("summary", "=", "broken")])
        self.assertIn(todo.user_id, self.managers)
