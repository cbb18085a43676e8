from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

from ..core.mail import errors
from ..models.send.chaser_sender import ChaserSender as Pipeline
from .common import FakeTransport
from .test_send import SendCase


class MailboxCase(SendCase):
    """Two connected mailboxes; the first is the primary one."""

    def setUp(self):
        super().setUp()
        self.campaign.action_cancel()
        self.second = self._make_mailbox("second@pop.example")

    def _make_mailbox(self, email, **values):
        provider = self.env["chaser.provider"].create(
            {
                "company_id": self.company.id,
                "kind": "smtp",
                "email": email,
                "smtp_host": "127.0.0.1",
                "smtp_port": 1,
                "smtp_encryption": "none",
                "per_domain_minute": 0,
                "batch_pause": 0,
                "per_minute": 0,
                "jitter_min": 0,
                "jitter_max": 0,
                **values,
            }
        )
        provider._set_state("connected")
        return provider

    def _draft(self, count, start=0, **values):
        invoices = self.env["account.move"]
        for number in range(start, start + count):
            customer = self.env["res.partner"].search(
                [("email", "=", f"b{number}@box{number}.example")]
            ) or self._make_customer(f"Box {number}", f"b{number}@box{number}.example")
            invoices |= self._make_invoice(customer, amount=100 + number)
        return self._campaign(invoices, **values)

    def _boxes(self, campaign):
        return {
            provider: len(
                campaign.reminder_ids.filtered(
                    lambda reminder, box=provider: reminder.provider_id == box
                )
            )
            for provider in campaign.reminder_ids.provider_id
        }

    def _run_both(self, **transports):
        sent = {}
        for name, provider in (("first", self.provider), ("second", self.second)):
            sent[name] = self._run(transports.get(name), provider).sent
        return sent


@tagged("post_install", "-at_install")
class TestSpread(MailboxCase):
    def test_fixed_is_the_default_and_the_primary_sends(self):
        campaign = self._draft(4)
        self.assertEqual(
            (campaign.provider_mode, campaign.provider_id), ("fixed", self.provider)
        )
        self.assertEqual(self._boxes(campaign), {self.provider: 4})

    def test_spread(self):
        campaign = self._draft(10, provider_mode="spread")
        self.assertEqual(
            self._boxes(campaign),
            {self.provider: 5, self.second: 5},
            "shown before it starts",
        )
        campaign.action_send()
        sent = self._run_both()
        self.assertEqual([len(sent["first"]), len(sent["second"])], [5, 5])
        self.assertEqual(campaign.state, "completed")
        self.assertEqual(
            len({mail.recipients for mails in sent.values() for mail in mails}), 10
        )
        self.assertEqual(
            {mail.sender for mail in sent["second"]}, {"second@pop.example"}
        )

    def test_company_decides_what_new_campaigns_start_with(self):
        self.company.chaser_provider_mode = "spread"
        self.assertEqual(self._draft(2).provider_mode, "spread")

    def test_by_capacity(self):
        self.second.daily_quota = 2
        self.assertEqual(
            self._boxes(self._draft(10, provider_mode="spread")),
            {self.provider: 8, self.second: 2},
        )

    def test_used_up_capacity_counts(self):
        self.second.daily_quota = 3
        self._draft(2, provider_id=self.second.id).action_send()
        self._run(provider=self.second)
        self.assertEqual(
            self._boxes(self._draft(10, start=20, provider_mode="spread")),
            {self.provider: 9, self.second: 1},
        )

    def test_customer_keeps_the_sender_he_knows(self):
        self._draft(3, provider_id=self.second.id).action_send()
        self._run(provider=self.second)
        self.company.chaser_contact_interval = 0
        campaign = self._draft(9, provider_mode="spread")
        known = campaign.reminder_ids.filtered(
            lambda reminder: reminder.partner_id.name in ("Box 0", "Box 1", "Box 2")
        )
        self.assertEqual(known.provider_id, self.second)
        self.assertEqual(self._boxes(campaign), {self.provider: 5, self.second: 4})
        self.second._set_state("expired", "gone")
        self.assertEqual(
            self._boxes(self._draft(2, start=30, provider_mode="spread")),
            {self.provider: 2},
        )
        campaign.action_cancel()
        again = self._draft(3, provider_mode="spread")
        self.assertEqual(
            self._boxes(again),
            {self.provider: 3},
            "the one he knew is not connected any more",
        )

    def test_messages_of_one_customer_stay_together(self):
        customer = self._make_customer(
            "Single", "single@box.example", consolidation_preference="disabled"
        )
        invoices = self.env["account.move"]
        for number in range(5):
            invoices |= self._make_invoice(customer, amount=10 + number)
        campaign = self._campaign(invoices, provider_mode="spread")
        self.assertEqual(len(campaign.reminder_ids), 5)
        self.assertEqual(len(campaign.reminder_ids.provider_id), 1)

    def test_other_companies_mailboxes_are_not_used(self):
        other = self.env["res.company"].create(
            {"name": "Other", "email": "x@other.example"}
        )
        foreign = self.second.copy(
            {"email": "foreign@other.example", "company_id": other.id}
        )
        foreign._set_state("connected")
        campaign = self._draft(9, provider_mode="spread")
        self.assertNotIn(foreign, campaign.reminder_ids.provider_id)
        self.assertFalse(
            campaign.reminder_ids.sudo()._move_to(
                dict.fromkeys(campaign.reminder_ids.partner_id.ids, foreign.id)
            )
        )
        self.assertNotIn(foreign, campaign.reminder_ids.provider_id)

    def test_same_answer_each_time(self):
        campaign = self._draft(12, provider_mode="spread")
        before = {reminder: reminder.provider_id for reminder in campaign.reminder_ids}
        campaign._assign_mailboxes()
        campaign.action_send()
        self.assertEqual(
            {reminder: reminder.provider_id for reminder in campaign.reminder_ids},
            before,
        )

    def test_query_count_does_not_grow(self):
        def count(campaign):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            campaign._assign_mailboxes()
            self.env.flush_all()
            return self.env.cr.sql_log_count - before

        few, many = (
            self._draft(3, provider_mode="fixed"),
            self._draft(40, start=100, provider_mode="fixed"),
        )
        (few | many).write({"provider_mode": "spread"})
        first, second = count(few), count(many)
        self.assertLessEqual(second, first + 2)
        self.assertLessEqual(second, 25)

    def test_scheduled_campaign_starts_whichever_mailbox_comes_first(self):
        campaign = self._draft(4, provider_mode="spread")
        moment = self._later(hours=5)
        campaign.action_schedule(fields.Datetime.to_string(moment))
        for provider in (self.provider, self.second):
            self.assertTrue(
                self.env["ir.cron.trigger"].search(
                    [
                        ("cron_id", "=", provider.cron_id.id),
                        ("call_at", ">", self._later(hours=4)),
                    ]
                )
            )
        self.provider._set_state("expired", "gone")
        self.assertEqual(
            len(self._run_second_at(moment + timedelta(minutes=1)).sent), 2
        )
        self.assertEqual(
            campaign.state, "sending", "the other two wait for their mailbox"
        )

    def _run_second_at(self, moment):
        provider, self.provider = self.provider, self.second
        try:
            return self._run_at(moment, FakeTransport())
        finally:
            self.provider = provider

    def test_no_mailbox_connected(self):
        campaign = self._draft(2, provider_mode="spread")
        (self.provider | self.second)._set_state("disabled")
        with self.assertRaisesRegex(UserError, "no connected mailbox"):
            campaign.action_send()
        self.assertEqual(set(campaign.reminder_ids.mapped("state")), {"draft"})

    def test_change_of_the_mailbox_while_it_runs(self):
        campaign = self._draft(4)
        campaign.action_send()
        campaign.with_user(self.accountant).provider_id = self.second
        self.assertEqual(self._boxes(campaign), {self.second: 4})
        sent = self._run_both()
        self.assertEqual([len(sent["first"]), len(sent["second"])], [0, 4])


@tagged("post_install", "-at_install")
class TestSummary(MailboxCase):
    def test_campaign_says_who_sends_how_many_and_when_each_is_done(self):
        (self.provider | self.second).write({"batch_size": 2, "batch_pause": 60})
        self.second.batch_pause = 120
        campaign = self._draft(10, provider_mode="spread")
        lines = campaign.mailbox_summary.splitlines()
        self.assertEqual(len(lines), 2)
        self.assertRegex(
            lines[0], r"^accounts@pop.example: \d+ messages, the last at .*\d"
        )
        self.assertTrue(campaign.expected_finish)
        campaign.action_send()
        self.assertEqual(len(campaign.mailbox_summary.splitlines()), 2)

    def test_forecast_of_one_campaign_waits_for_the_other(self):
        """More important messages leave first, whichever campaign they belong to."""
        self.provider.write({"batch_size": 1, "batch_pause": 60})
        first = self._draft(5)
        first.action_send()
        second = self._draft(5, start=10)
        second.action_send()
        both = first | second
        ends = [campaign.expected_finish for campaign in both]
        self.assertAlmostEqual(
            max(ends), self._later(minutes=9, seconds=8), delta=timedelta(seconds=30)
        )

    def test_mailbox_that_is_not_connected_is_named(self):
        campaign = self._draft(4, provider_mode="spread")
        campaign.action_send()
        self.second._set_state("expired", "535 no")
        self.assertIn(
            "second@pop.example: 2 messages wait, the mailbox is not connected",
            campaign.mailbox_summary,
        )
        self.assertEqual(campaign.stranded_count, 2)

    def test_preview(self):
        invoices = self.env["account.move"]
        for number in range(6):
            invoices |= self._make_invoice(
                self._make_customer(f"P{number}", f"p{number}@prev{number}.example")
            )
        action = invoices.with_user(self.accountant).action_chase()
        preview = (
            self.env["chaser.preview"]
            .with_user(self.accountant)
            .browse(action["res_id"])
        )
        self.assertEqual(len(preview.mailbox_summary.splitlines()), 1)
        preview.provider_mode = "spread"
        self.assertEqual(preview.mailbox_summary.count("3 messages"), 2)
        self.assertTrue(preview.expected_finish)
        preview.message_ids[:2].included = False
        self.assertEqual(preview.mailbox_summary.count("2 messages"), 2)
        campaign = self.env["chaser.campaign"].browse(preview.action_send()["res_id"])
        self.assertEqual(campaign.provider_mode, "spread")
        self.assertEqual(sum(len(mails) for mails in self._run_both().values()), 4)


@tagged("post_install", "-at_install")
class TestMove(MailboxCase):
    """A mailbox that fails in mid-campaign."""

    def setUp(self):
        super().setUp()
        self.campaign = self._draft(6, provider_mode="spread")
        self.campaign.action_send()

    def _expire(self):
        """After one message."""
        return self._run(
            FakeTransport([None, errors.AuthenticationFailed("535 5.7.8 revoked")]),
            self.second,
        )

    def _open(self, action):
        return (
            self.env["chaser.mailbox.move"]
            .with_user(self.accountant)
            .browse(action["res_id"])
        )

    def test_waits_visibly_and_moves_on_demand(self):
        sent = {"second": self._expire().sent, "first": self._run().sent}
        self.assertEqual([len(sent["first"]), len(sent["second"])], [3, 1])
        waiting = self.campaign.reminder_ids.filtered(
            lambda reminder: reminder.state == "queued"
        )
        self.assertEqual(
            (len(waiting), set(waiting.mapped("reason_code"))),
            (2, {"provider_expired"}),
        )
        self.assertEqual(
            (self.campaign.state, self.campaign.stranded_count), ("sending", 2)
        )
        wizard = self._open(
            self.campaign.with_user(self.accountant).action_move_waiting()
        )
        self.assertEqual(
            (wizard.reminder_count, wizard.source_names), (2, "second@pop.example")
        )
        wizard.provider_id = self.provider
        notice = wizard.action_move()
        self.assertIn("2 of 2", notice["params"]["message"])
        self.assertFalse(any(waiting.mapped("reason_code")))
        self.assertEqual(len(self._run().sent), 2)
        self.assertEqual(self.campaign.state, "completed")
        self.assertEqual(len(set(self.campaign.reminder_ids.mapped("message_id"))), 6)

    def test_without_a_choice_it_is_spread(self):
        self._expire()
        third = self._make_mailbox("third@pop.example")
        self._open(
            self.campaign.with_user(self.accountant).action_move_waiting()
        ).action_move()
        self.assertFalse(
            self.campaign.reminder_ids.filtered(
                lambda reminder: reminder.state == "queued"
                and reminder.provider_id == self.second
            )
        )
        self.assertTrue(third)
        self.assertEqual(self.campaign.stranded_count, 0)

    def test_never_after_the_mark(self):
        """Moved while its message is in the network: it stays where it is and is sent
        once."""
        reminders = self.campaign.reminder_ids.filtered(
            lambda reminder: reminder.provider_id == self.second
        )

        def move(_message):
            moving = reminders.sudo()._move_to(
                dict.fromkeys(reminders.partner_id.ids, self.provider.id)
            )
            self.assertEqual(
                len(moving), 2, "the one that is leaving is not among them"
            )
            self.env.flush_all()

        sent = self._run(FakeTransport([move]), self.second).sent
        self.assertEqual(len(sent), 1, "the moved ones are not sent from here")
        self.assertEqual(len(self._run().sent), 5)
        self.assertEqual(self.campaign.state, "completed")
        self.assertEqual(
            sorted(self.campaign.reminder_ids.mapped("attempt_count")), [1] * 6
        )

    def test_killed_at_each_step_while_moved(self):
        """A sender that is killed, then a move: every customer gets exactly one
        message."""

        class Killed(BaseException):
            pass

        for name in Pipeline._SEND_STEPS:
            with self.subTest(step=name):
                start = 100 + 10 * list(Pipeline._SEND_STEPS).index(name)
                campaign = self._draft(1, start=start, provider_id=self.second.id)
                campaign.action_send()
                model = self.registry["chaser.sender"]
                original = getattr(model, f"_step_{name}")

                def step(sender, job, original=original):
                    original(sender, job)
                    raise Killed

                transport = FakeTransport()
                with patch.object(model, f"_step_{name}", step):
                    try:
                        self._run(transport, self.second)
                    except Killed:
                        self.env.invalidate_all()
                reminder = campaign.reminder_ids
                reminder.sudo()._move_to({reminder.partner_id.id: self.provider.id})
                self._run(transport, self.second)
                self._run(transport, self.provider)
                mine = [
                    mail
                    for mail in transport.sent
                    if mail.recipients == (f"b{start}@box{start}.example",)
                ]
                self.assertLessEqual(len(mine), 1)
                self._assert_settled(reminder)
                self.assertEqual(
                    len(mine) == 1,
                    reminder.state == "sent"
                    or reminder.is_undecided
                    and name != "mark",
                )

    def test_from_the_mailbox(self):
        self.second._set_state("disabled")
        self.assertEqual(
            set(
                self.campaign.reminder_ids.filtered(
                    lambda r: r.provider_id == self.second
                ).mapped("reason_code")
            ),
            {"provider_closed"},
        )
        wizard = self._open(
            self.second.with_user(self.accountant).action_move_waiting()
        )
        self.assertEqual(wizard.reminder_count, 3)
        wizard.action_move()
        self.assertEqual(self._boxes(self.campaign), {self.provider: 6})

    def test_reconnected_mailbox_forgets_the_reason(self):
        self.second._set_state("expired", "535")
        self.second._set_connected()
        self.assertFalse(any(self.campaign.reminder_ids.mapped("reason_code")))
        self.assertEqual(len(self._run(provider=self.second).sent), 3)

    def test_nothing_to_move(self):
        self._run_both()
        with self.assertRaisesRegex(UserError, "Nothing waits"):
            self.campaign.action_move_waiting()

    def test_target_must_be_connected(self):
        wizard = self._open(
            self.second.with_user(self.accountant).action_move_waiting()
        )
        wizard.provider_id = self.provider
        self.provider._set_state("draft")
        with self.assertRaisesRegex(UserError, "not connected"):
            wizard.action_move()
        (self.provider | self.second)._set_state("draft")
        wizard.provider_id = False
        with self.assertRaisesRegex(UserError, "no connected mailbox"):
            wizard.action_move()

    def test_others_may_not(self):
        stranger = new_test_user(
            self.env,
            "move_stranger",
            "account.group_account_invoice",
            company_id=self.company.id,
        )
        calls = (
            (self.campaign, "action_move_waiting"),
            (self.second, "action_move_waiting"),
            (self.campaign.reminder_ids, "action_move_mailbox"),
        )
        for records, method in calls:
            with self.subTest(records=records), self.assertRaises(AccessError):
                getattr(records.with_user(stranger), method)()
