from datetime import timedelta

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import freeze_time, new_test_user, tagged

from .common import ChaserCase


@tagged("post_install", "-at_install")
class TestPolicy(ChaserCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.standard = cls.env.ref("invoice_chaser.chaser_policy_standard")
        cls.template = cls.env.ref("invoice_chaser.chaser_template_firm")

    def _policy(self, name="Own", days=(1, 20), **values):
        return self.env["chaser.policy"].create(
            {
                "name": name,
                "level_ids": [
                    Command.create(
                        {
                            "name": f"{name} {day}",
                            "days_overdue": day,
                            "min_days": 3,
                            "sequence": index,
                            "template_id": self.template.id,
                            "tone": ("friendly", "firm", "urgent", "final")[
                                min(index, 3)
                            ],
                        }
                    )
                    for index, day in enumerate(days)
                ],
                **values,
            }
        )

    def _level(self, customer=None, days=30):
        """The level that a customer would get for a new item."""
        campaign = self._campaign(
            self._make_invoice(
                customer or self._make_customer("Fresh", "fresh@x.example"), days=days
            )
        )
        level = campaign.reminder_ids.level_id
        campaign.action_cancel()
        return level.name

    # -- which policy

    def test_shipped_levels_are_the_shipped_policy(self):
        self.assertEqual(
            self.standard.level_ids.mapped("code"),
            ["polite", "firm", "urgent", "final"],
        )
        self.assertEqual(
            self.env["chaser.level"]._get_ladder(self.company), self.standard.level_ids
        )
        self.assertTrue(self.standard.is_company_default)

    def test_precedence(self):
        """Customer, then tag (the first policy by sequence), then company, then the
        shipped one; told in words."""
        customer = self.customer.with_company(self.company)
        own, gold, silver, default = (
            self._policy(name, sequence=number)
            for number, name in enumerate(("Own", "Gold", "Silver", "Default"))
        )
        tags = self.env["res.partner.category"].create(
            [
                {"name": "S", "chaser_policy_id": silver.id},
                {"name": "G", "chaser_policy_id": gold.id},
                {"name": "None"},
            ]
        )
        for change, level, words in (
            (lambda: None, "Urgent notice", "Standard: the company's default"),
            (
                lambda: self.company.write({"chaser_policy_id": default.id}),
                "Default 1",
                "Default: the company's default",
            ),
            (
                lambda: customer.write(
                    {"category_id": [Command.set((tags[0] | tags[2]).ids)]}
                ),
                "Silver 1",
                "Silver: by the tag “S”",
            ),
            (
                lambda: customer.write({"category_id": [Command.link(tags[1].id)]}),
                "Gold 1",
                "Gold: by the tag “G”",
            ),
            (
                lambda: customer.write({"chaser_policy_id": own.id}),
                "Own 1",
                "Own: the customer's own",
            ),
        ):
            change()
            customer.invalidate_recordset()
            self.assertEqual(self._level(customer), level)
            self.assertEqual(customer.chaser_policy_source, words)

    def test_nobody_falls_out(self):
        """An archived policy, one without levels, one of another company: the next one
        in line counts."""
        customer = self.customer.with_company(self.company)
        policy = self._policy()
        customer.chaser_policy_id = policy
        policy.active = False
        self.assertEqual(self._level(customer), "Urgent notice")
        policy.active = True
        policy.level_ids.action_archive()
        self.assertEqual(self._level(customer), "Urgent notice")
        self.company.chaser_policy_id = policy
        self.assertEqual(self._level(customer), "Urgent notice")

    def test_company_dependent(self):
        other = self.setup_other_company(name="Second company")["company"]
        policy = self._policy(company_id=False)
        self.customer.with_company(self.company).chaser_policy_id = policy
        self.assertFalse(self.customer.with_company(other).chaser_policy_id)
        tag = (
            self.env["res.partner.category"]
            .with_company(self.company)
            .create({"name": "T", "chaser_policy_id": policy.id})
        )
        self.assertFalse(tag.with_company(other).chaser_policy_id)

    def test_policy_of_another_company_is_refused(self):
        other = self.setup_other_company(name="Second company")["company"]
        foreign = self._policy(company_id=other.id)
        self.assertEqual(foreign.level_ids.company_id, other)
        customer = self.customer.with_company(self.company)
        with (
            self.assertRaisesRegex(ValidationError, "belongs to Second company"),
            self.env.cr.savepoint(),
        ):
            customer.sudo().chaser_policy_id = foreign
        with self.assertRaises(AccessError):  # which does not even say whose it is
            customer.chaser_policy_id = foreign

    def test_levels_without_a_policy_are_the_companys_own(self):
        own = self.env["chaser.level"].create(
            {"name": "Alone", "days_overdue": 2, "template_id": self.template.id}
        )
        self.assertEqual(
            (own.company_id, self.env["chaser.level"]._get_ladder(self.company)),
            (self.company, own),
        )

    def test_deleting(self):
        with self.assertRaisesRegex(UserError, "nothing else is chosen"):
            self.standard.unlink()
        policy = self._policy()
        self.company.chaser_policy_id = policy
        with self.assertRaisesRegex(UserError, "default"):
            policy.unlink()
        self.company.chaser_policy_id = False
        self.customer.with_company(self.company).chaser_policy_id = policy
        self._sent_campaign(self._make_invoice())
        with self.assertRaisesRegex(UserError, "cannot be deleted"):
            policy.unlink()

    def test_make_default(self):
        policy = self._policy()
        policy.action_make_default()
        self.assertEqual(self.company.chaser_policy_id, policy)
        self.assertEqual(
            (policy.is_company_default, self.standard.is_company_default), (True, False)
        )
        with self.assertRaises(UserError):
            policy.with_user(self.accountant).action_make_default()

    def test_accountant_assigns(self):
        policy = self._policy()
        clerk = new_test_user(
            self.env,
            "clerk",
            "invoice_chaser.group_chaser_user,base.group_partner_manager",
            company_id=self.company.id,
        )
        self.customer.with_user(clerk).with_company(
            self.company
        ).chaser_policy_id = policy
        self.assertEqual(policy.with_user(clerk).customer_count, 1)

    def test_old_levels_are_adopted_once(self):
        levels = self.standard.level_ids
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE chaser_level SET policy_id = NULL WHERE id = ANY(%s)", [levels.ids]
        )
        self.env.invalidate_all()
        self.assertEqual(
            self.env["chaser.level"]._get_ladder(self.company),
            levels,
            "without the policy they still count",
        )
        self.env["chaser.policy"]._adopt_shipped_levels()
        self.assertEqual(self.standard.level_ids, levels)
        levels[0].policy_id = False
        self.env["chaser.policy"]._adopt_shipped_levels()
        self.assertFalse(levels[0].policy_id, "taken out on purpose")

    # -- the level and why

    def test_explained_on_the_reminder(self):
        invoice = self._make_invoice(days=14)
        first = self._sent_campaign(invoice).reminder_ids
        self.assertEqual(
            first.level_reason,
            "Polite reminder: oldest item 14 days overdue, nothing sent about it yet",
        )
        with freeze_time(self._later(days=9)):
            second = self._campaign(invoice).reminder_ids
            self.assertEqual(
                second.level_reason,
                "Firm reminder: oldest item 23 days overdue, “Polite reminder” sent 9 "
                "days ago",
            )
        arabic = second.with_context(lang="ar_001").level_reason
        self.assertIn("23 يوم", arabic)
        self.assertIn("9 أيام", arabic)

    def test_changed_policy(self):
        invoice = self._make_invoice(days=40)
        self._sent_campaign(invoice)
        self.customer.with_company(self.company).chaser_policy_id = self._policy(
            "Mild", (1, 10, 35, 60)
        )
        with freeze_time(self._later(days=8)):
            reminder = self._campaign(invoice).reminder_ids
        self.assertEqual(
            (reminder.level_id.name, reminder.level_code),
            ("Mild 35", "level_stays"),
            "urgent stays urgent",
        )

    def test_young_item_is_not_urgent_by_itself(self):
        old, young = self._make_invoice(days=40), self._make_invoice(days=3)
        reminder = self._sent_campaign(old | young).reminder_ids
        levels = {line.move_id: line.level_id.code for line in reminder.line_ids}
        self.assertEqual(
            (reminder.level_id.code, levels),
            ("urgent", {old: "urgent", young: "polite"}),
        )
        self._pay(old)
        with freeze_time(self._later(days=13)):
            self.assertEqual(self._campaign(young).reminder_ids.level_id.code, "firm")

    def test_partly_paid_item_goes_on(self):
        invoice = self._make_invoice(days=14)
        self._sent_campaign(invoice)
        self._pay(invoice, 400)
        with freeze_time(self._later(days=9)):
            reminder = self._campaign(invoice).reminder_ids
        self.assertEqual(
            (reminder.level_id.code, reminder.line_ids.amount_residual), ("firm", 600)
        )

    def test_broken_promise_is_one_level_harder(self):
        invoice = self._make_invoice(days=2)
        self._sent_campaign(invoice)
        promise = self.env["chaser.promise"].create(
            {
                "company_id": self.company.id,
                "partner_id": self.customer.id,
                "move_ids": [Command.set(invoice.ids)],
                "amount": 1000,
                "date_promised": self.today + timedelta(days=3),
            }
        )
        with freeze_time(self._later(days=8)):
            promise._update_states()
            self.assertEqual(promise.state, "broken")
            reminder = self._campaign(invoice).reminder_ids
        self.assertEqual(
            (reminder.level_id.code, reminder.level_code), ("firm", "level_broken")
        )
        self.assertIn("promise", reminder.level_reason)

    # -- before the due date

    def _add_notice(self):
        return self.env["chaser.level"].create(
            {
                "name": "Soon due",
                "sequence": 5,
                "days_overdue": -3,
                "min_days": 0,
                "policy_id": self.standard.id,
                "template_id": self.env.ref("invoice_chaser.chaser_template_polite").id,
            }
        )

    def test_notice_before_the_due_date(self):
        soon, later = self._make_invoice(days=-2), self._make_invoice(days=-9)
        with self.assertRaisesRegex(UserError, "nothing overdue yet"):
            self._campaign(soon)
        level = self._add_notice()
        campaign = self._campaign(soon | later)
        self.assertEqual(
            (campaign.reminder_ids.level_id, campaign.reminder_ids.line_ids.move_id),
            (level, soon),
        )
        self.assertEqual(campaign.reminder_ids.level_reason, "Soon due: due in 2 days")
        self.assertIn("1 nothing overdue yet", campaign.left_out)
        campaign.action_send()
        self.assertEqual(len(self._run().sent), 1, "the send step lets it pass")

    def test_notice_that_comes_too_late_is_not_sent(self):
        self._add_notice()
        campaign = self._campaign(self._make_invoice(days=-2))
        campaign.action_send()
        with freeze_time(self._later(days=4)):
            self.assertEqual(self._run().sent, [])
        self.assertEqual(campaign.reminder_ids.reason_code, "overdue_now")

    def test_not_due_items_never_stand_beside_overdue_ones(self):
        self._add_notice()
        soon, overdue = self._make_invoice(days=-2), self._make_invoice(days=5)
        self.assertEqual(
            self._campaign(soon | overdue).reminder_ids.line_ids.move_id, overdue
        )

    # -- next step

    def test_next_step(self):
        customer = self.customer.with_user(self.accountant).with_company(self.company)
        self.assertEqual(customer.chaser_next_step, "Nothing is due.")
        self._make_invoice(days=20)
        customer.invalidate_recordset()
        self.assertEqual(
            customer.chaser_next_step,
            "Firm reminder: oldest item 20 days overdue, nothing sent about it yet",
        )
        self.company.write({"chaser_daily": True, "chaser_window_enabled": False})
        customer.invalidate_recordset()
        self.assertRegex(
            customer.chaser_next_step, "Next by the daily run: .*, Firm reminder"
        )
        self.customer.with_company(self.company).chaser_paused_until = (
            self.today + timedelta(days=90)
        )
        customer.invalidate_recordset()
        self.assertRegex(customer.chaser_next_step, "^Customer paused until")
        self.assertNotIn("Next by", customer.chaser_next_step)

    def test_next_step_of_several_and_of_a_contact(self):
        other = self._make_customer("Other", "o@x.example")
        contact = self.env["res.partner"].create(
            {"name": "Person", "parent_id": self.customer.id}
        )
        self._make_invoice(days=2)
        steps = [
            one.chaser_next_step
            for one in (self.customer | other | contact).with_company(self.company)
        ]
        self.assertEqual(steps[1], "Nothing is due.")
        self.assertTrue(steps[0].startswith("Polite"))
        self.assertEqual(steps[0], steps[2])
