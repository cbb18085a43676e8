from datetime import timedelta
from unittest.mock import patch

import psycopg2

from odoo import fields, sql_db
from odoo.tests import freeze_time, tagged
from odoo.tools import mute_logger

from ..core.mail import errors
from ..core.status.tracking import mask_tokens
from ..models.send.chaser_sender import ChaserSender as Pipeline
from ..models.send.locks import _LOCK_SPACE
from .common import ChaserCase, FakeTransport

STEPS = Pipeline._SEND_STEPS


class Killed(BaseException):
    """A killed process: ``except Exception`` does not catch it."""


class SendCase(ChaserCase):
    def setUp(self):
        super().setUp()
        self.campaign = self._campaign(
            self._make_invoice() | self._make_invoice(amount=500)
        )
        self.campaign.action_send()
        self.reminder = self.campaign.reminder_ids

    def _customers(self, count, **values):
        """A running campaign to ``count`` customers with one invoice each."""
        invoices = self.env["account.move"]
        for number in range(count):
            invoices |= self._make_invoice(
                self._make_customer(f"Customer {number}", f"c{number}@many.example"),
                amount=100 + number,
            )
        campaign = self._campaign(invoices, **values)
        campaign.action_send()
        return campaign

    def _run_at(self, moment, transport=None):
        with freeze_time(moment):
            return self._run(transport)

    def _assert_settled(self, reminder):
        """Queued, sent, or left to a user: nothing in between, nothing lost."""
        self.assertTrue(
            reminder.state in ("queued", "sent")
            or (reminder.state == "failed" and reminder.reason),
            (reminder.state, reminder.reason),
        )


@tagged("post_install", "-at_install")
class TestSend(SendCase):
    def test_message_and_traces(self):
        [message] = self._run().sent
        self.assertEqual(message.recipients, ("finance@alnoor.example",))
        self.assertIn("1,500.00", message.text)
        self.assertEqual(self.reminder.state, "sent")
        self.assertEqual(self.reminder.status, "sent")
        self.assertEqual(self.reminder.attempt_count, 1)
        self.assertEqual(self.reminder.message_id, message.message_id)
        self.assertEqual(self.reminder.body_html, mask_tokens(message.html))
        self.assertEqual(self.reminder.provider_message_id, "id-1")
        self.assertEqual(self.reminder.event_ids.event_type, "sent")
        self.assertEqual(self.campaign.state, "completed")
        self.assertEqual(self.campaign.progress, 100)

    def test_a_purpose_picks_its_sender(self):
        """A purpose without a sender of its own uses the common sender; an extension of
        the common sender affects all of them."""
        for purpose, name in (
            ("reminder", "chaser.sender"),
            ("thanks", "chaser.sender.thanks"),
            ("copy", "chaser.sender.copy"),
            ("new", "chaser.sender"),
        ):
            self.assertEqual(self.reminder._get_sender(purpose)._name, name)
            self.assertTrue(
                issubclass(self.registry[name], self.registry["chaser.sender"])
            )
        self.assertEqual(self.reminder._get_sender()._name, "chaser.sender")

    def test_headers(self):
        mail = self._run().sent[0].to_email()
        self.assertEqual(mail["List-Unsubscribe-Post"], "List-Unsubscribe=One-Click")
        self.assertIn(
            f"/chaser/u/{self.reminder.sudo().stop_token}>", mail["List-Unsubscribe"]
        )
        self.assertEqual(mail["Auto-Submitted"], "auto-generated")
        self.assertEqual(mail["Content-Language"], "en")

    def test_replies_lead_into_odoo_where_it_has_an_alias_domain(self):
        self.assertFalse(self.company.alias_domain_id)
        self.assertIsNone(self._run().sent[0].to_email()["Reply-To"])
        self.company.alias_domain_id = self.env["mail.alias.domain"].create(
            {"name": "odoo.pop.example"}
        )
        self.campaign = self._customers(2)
        [first, _second] = self._run().sent
        self.assertIn(self.company.catchall_email, first.to_email()["Reply-To"])
        self.provider.reply_to = "office@pop.example"
        customer = self._make_customer("Office", "o@office.example")
        self._campaign(self._make_invoice(customer)).action_send()
        self.assertIn("office@pop.example", self._run().sent[0].to_email()["Reply-To"])

    def test_chatter_threads_replies_to_the_customer(self):
        self._run()
        messages = self.env["mail.message"].search(
            [("message_id", "=", self.reminder.message_id)]
        )
        self.assertEqual(set(messages.mapped("model")), {"account.move", "res.partner"})
        self.assertEqual(len(messages), 3)
        self.assertFalse(messages.notification_ids, "nobody is notified")
        raw = (
            "From: finance@alnoor.example\r\nTo: accounts@pop.example\r\nSubject: "
            "Re: invoices\r\nMessage-ID: <r1@alnoor.example>\r\n"
            f"In-Reply-To: {self.reminder.message_id}\r\n\r\nWe pay on Sunday.\r\n"
        )
        self.env["mail.thread"].message_process(False, raw)
        self.assertIn("We pay on Sunday", self.customer.message_ids[0].body)

    def test_second_reminder_references_the_first(self):
        self._run()
        self.company.chaser_contact_interval = 0
        self.env.flush_all()
        campaign = self._sent_campaign(self._make_invoice(days=30))
        self.assertEqual(campaign.reminder_ids.state, "sent")
        later = self._campaign(self._make_invoice(days=40))
        later.action_send()
        [message] = self._run().sent
        self.assertEqual(
            message.references,
            (self.reminder.message_id, campaign.reminder_ids.message_id),
        )

    def test_same_campaign_twice(self):
        self.campaign.action_send()
        transport = self._run()
        self.campaign.action_send()
        self._run(transport)
        self.assertEqual(len(transport.sent), 1)

    def test_two_campaigns_one_reminder(self):
        """Two campaigns for the same customer: the second one leaves the customer out
        and names the first."""
        second = self._campaign(self._make_invoice(amount=77))
        self.assertEqual(second.reminder_ids.reason_code, "live_reminder")
        self.assertIn(self.campaign.name, second.reminder_ids.reason)
        second.action_send()
        self.assertEqual(len(self._run().sent), 1)
        self.assertEqual(second.state, "completed")

    def test_pause_in_mid_batch(self):
        campaign = self._customers(4)
        self.campaign.action_cancel()

        def pause(_message):
            campaign.action_pause()
            self.env.flush_all()

        transport = FakeTransport([None, pause])
        self._run(transport)
        self.assertEqual(len(transport.sent), 2)
        self.assertEqual(campaign.state, "paused")
        self.assertEqual(campaign.reminder_ids.mapped("state").count("queued"), 2)
        campaign.action_resume()
        self._run(transport)
        self.assertEqual(len({message.recipients for message in transport.sent}), 4)
        self.assertEqual(campaign.state, "completed")

    def test_cancel_leaves_sent_ones(self):
        campaign = self._customers(3)
        self.campaign.action_cancel()

        def cancel(_message):
            campaign.action_cancel()
            self.env.flush_all()

        self._run(FakeTransport([cancel]))
        self.assertEqual(
            sorted(campaign.reminder_ids.mapped("state")),
            ["cancelled", "cancelled", "sent"],
        )
        with self.assertRaisesRegex(Exception, "is cancelled"):
            campaign.action_send()

    def test_schedule(self):
        campaign = self._customers(1)
        self.campaign.action_cancel()
        campaign.action_cancel()
        campaign = self._campaign(
            self._make_invoice(self._make_customer("Later", "later@x.example"))
        )
        moment = self._later(hours=5)
        campaign.action_schedule(fields.Datetime.to_string(moment))
        self.assertEqual(campaign.state, "scheduled")
        self.assertFalse(self._run().sent)
        self.assertTrue(
            self.env["ir.cron.trigger"].search(
                [
                    ("cron_id", "=", self.provider.cron_id.id),
                    ("call_at", ">", self._later(hours=4)),
                ]
            )
        )
        self.assertEqual(len(self._run_at(moment + timedelta(minutes=1)).sent), 1)

    def test_priority_first(self):
        campaign = self._customers(3)
        self.campaign.action_cancel()
        order = [message.recipients[0] for message in self._run().sent]
        self.assertEqual(
            order,
            campaign.reminder_ids.sorted(lambda r: (-r.priority, r.id)).mapped(
                "recipient_email"
            ),
        )


@tagged("post_install", "-at_install")
class TestKill(SendCase):
    """The sender is stopped at each step: nothing is sent twice, nothing is lost."""

    def _kill(self, name, error, after):
        pipeline = self.registry["chaser.sender"]
        original = getattr(pipeline, f"_step_{name}")

        def step(sender, job):
            if after:
                original(sender, job)
            raise error

        return patch.object(pipeline, f"_step_{name}", step)

    def _check(self, name, error, after):
        transport = FakeTransport()
        with (
            self._kill(name, error, after),
            mute_logger(
                "odoo.addons.invoice_chaser.models.send.batches",
                "odoo.addons.base.models.ir_cron",
            ),
        ):
            try:
                self._run(transport)
            except Killed:
                self.env.invalidate_all()
        # A run that finds the reminder of a killed process, and one more.
        self._run(transport)
        self._run(transport)
        self._assert_settled(self.reminder)
        self.assertLessEqual(len(transport.sent), 1, f"sent twice after {name}")
        if len(transport.sent) == 1:
            self.assertTrue(self.reminder.state == "sent" or self.reminder.is_undecided)
        else:
            self.assertNotEqual(self.reminder.state, "sent")
        return transport

    def test_exception_at_each_step(self):
        for name in STEPS:
            for after in (False, True):
                with self.subTest(step=name, after=after):
                    self._renew()
                    self._check(name, RuntimeError("boom"), after)

    def test_death_at_each_step(self):
        for name in STEPS:
            for after in (False, True):
                with self.subTest(step=name, after=after):
                    self._renew()
                    transport = self._check(name, Killed(), after)
                    if STEPS.index(name) + after <= STEPS.index("mark"):
                        self.assertEqual(
                            len(transport.sent),
                            1,
                            "before the mark a death costs nothing",
                        )
                    elif (name, after) != ("record", True):
                        self.assertTrue(
                            self.reminder.is_undecided,
                            "after the mark only a person may decide",
                        )

    def test_death_in_the_middle_of_the_network_call(self):
        def die(_message):
            raise Killed

        with mute_logger("odoo.addons.base.models.ir_cron"):
            try:
                self._run(FakeTransport([die]))
            except Killed:
                self.env.invalidate_all()
        self.assertEqual(self.reminder.state, "sending")
        transport = self._run()
        self.assertFalse(transport.sent, "never blindly resent")
        self.assertTrue(self.reminder.is_undecided)
        self.assertIn("may or may not have arrived", self.reminder.reason)
        self.assertTrue(self.reminder.message_id, "so that the mailbox can be asked")

    def _renew(self):
        """A new customer and campaign, so that each case starts in the same way."""
        self.campaign.action_cancel()
        customer = self._make_customer(
            "Again", f"again{self.env['res.partner'].search_count([])}@x.example"
        )
        self.campaign = self._campaign(self._make_invoice(customer))
        self.campaign.action_send()
        self.reminder = self.campaign.reminder_ids

    def test_undecided_blocks_the_next_campaign_until_settled(self):
        self._run(FakeTransport([errors.OutcomeUnknown("line broke")]))
        self.assertTrue(self.reminder.is_undecided)
        self.assertEqual(
            self._campaign(self._make_invoice()).reminder_ids.reason_code,
            "live_reminder",
        )
        with self.assertRaisesRegex(Exception, "Settle first"):
            self.reminder.action_retry()
        self.reminder.with_user(self.accountant).action_settle_sent()
        self.assertEqual(
            (self.reminder.state, self.reminder.is_undecided), ("sent", False)
        )
        self.assertTrue(
            self.env["mail.message"].search(
                [("message_id", "=", self.reminder.message_id)]
            )
        )
        self.assertFalse(self._run().sent)

    def test_undecided_settled_as_not_sent(self):
        self._run(FakeTransport([errors.OutcomeUnknown("line broke")]))
        first_id = self.reminder.message_id
        self.reminder.with_user(self.accountant).action_settle_not_sent()
        [message] = self._run().sent
        self.assertEqual(
            message.message_id, first_id, "the Message-ID stays over attempts"
        )

    def test_chatter_failure_keeps_sent(self):
        with (
            patch.object(
                self.registry["chaser.sender"],
                "_write_notes",
                side_effect=RuntimeError("no chatter"),
            ),
            mute_logger("odoo.addons.invoice_chaser.models.send.run"),
        ):
            transport = self._run()
        self.assertEqual(self.reminder.state, "sent")
        self._run(transport)
        self.assertEqual(len(transport.sent), 1)

    def test_one_faulty_customer_does_not_stop_the_others(self):
        campaign = self._customers(3)
        self.campaign.action_cancel()
        faulty = campaign.reminder_ids.sorted(lambda r: (-r.priority, r.id))[0]
        original = Pipeline._step_render

        def step(sender, job):
            if job.reminder.id == faulty.id:
                raise ValueError("broken data")
            return original(sender, job)

        with (
            patch.object(Pipeline, "_step_render", step),
            self.assertLogs("odoo.addons.invoice_chaser.models.send.batches", "ERROR"),
        ):
            transport = self._run()
        self.assertEqual(len(transport.sent), 2)
        self.assertEqual(faulty.state, "failed")
        self.assertIn("broken data", faulty.reason)
        faulty.action_retry()
        self._run(transport)
        self.assertEqual(len(transport.sent), 3)

    def test_second_sender_stays_out(self):
        """While one process holds the mailbox's lock, another one's run does
        nothing."""
        with (
            psycopg2.connect(
                **sql_db.connection_info_for(self.env.cr.dbname)[1]
            ) as other,
            other.cursor() as cursor,
        ):
            cursor.execute(
                "SELECT pg_advisory_lock(%s, %s)", (_LOCK_SPACE, self.provider.id)
            )
            transport = self._run()
            self.assertFalse(transport.sent)
            self.assertEqual(self.reminder.state, "queued")
            cursor.execute(
                "SELECT pg_advisory_unlock(%s, %s)", (_LOCK_SPACE, self.provider.id)
            )
        other.close()
        self.assertEqual(len(self._run(transport).sent), 1)


@tagged("post_install", "-at_install")
class TestBetween(SendCase):
    """What happens between queueing and sending."""

    def test_paid(self):
        for invoice in self.reminder.line_ids.move_id:
            self._pay(invoice)
        self.assertEqual(
            (self.reminder.state, self.reminder.reason_code),
            ("skipped", "paid"),
            "at once, by the hook",
        )
        self.assertEqual(self.reminder.status, "paid")
        self.assertFalse(self._run().sent)

    def test_one_of_two_paid(self):
        paid, open_one = self.reminder.line_ids.move_id.sorted("amount_total")
        self._pay(paid)
        [message] = self._run().sent
        self.assertIn(open_one.name, message.text)
        self.assertNotIn(paid.name, message.text)
        self.assertIn("1,000.00", message.text)
        dropped = self.reminder.line_ids.filtered("dropped_code")
        self.assertEqual((dropped.move_id, dropped.dropped_code), (paid, "paid"))

    def test_part_payment_changes_the_text(self):
        self._pay(self.reminder.line_ids.move_id.sorted("amount_total")[-1], 400)
        [message] = self._run().sent
        self.assertIn("1,100.00", message.text)
        self.assertEqual(sum(self.reminder.line_ids.mapped("amount_residual")), 1100)

    def test_payment_between_hook_and_send_is_caught_by_the_fresh_read(self):
        """Even if the hook had not run at all."""
        with patch.object(
            type(self.reminder), "_on_reconciled", lambda _self, _lines: None
        ):
            for invoice in self.reminder.line_ids.move_id:
                self._pay(invoice)
        self.assertEqual(self.reminder.state, "queued")
        self.assertFalse(self._run().sent)
        self.assertEqual(
            (self.reminder.state, self.reminder.reason_code), ("skipped", "paid")
        )

    def test_credit_note(self):
        refund = self._make_invoice(amount=1500, days=0, move_type="out_refund")
        self.assertTrue(refund)
        self.assertFalse(self._run().sent)
        self.assertEqual(self.reminder.reason_code, "covered_by_credit")

    def test_small_credit_note_is_shown(self):
        refund = self._make_invoice(amount=200, days=0, move_type="out_refund")
        [message] = self._run().sent
        self.assertIn(refund.name, message.text)
        self.assertIn("1,300.00", message.text)
        self.assertEqual(self.reminder.line_ids.filtered("is_credit").move_id, refund)

    def test_dispute(self):
        one, other = self.reminder.line_ids.move_id
        one.chaser_dispute_reason = "Wrong goods"
        other.action_toggle_block_payment()
        self.assertFalse(self._run().sent)
        self.assertEqual(
            (self.reminder.state, self.reminder.reason_code), ("skipped", "disputed")
        )

    def test_dispute_of_one(self):
        one, other = self.reminder.line_ids.move_id
        one.chaser_dispute_reason = "Wrong goods"
        [message] = self._run().sent
        self.assertNotIn(one.name, message.text)
        self.assertIn(other.name, message.text)
        self.assertIn(
            "Wrong goods",
            self.reminder.line_ids.filtered("dropped_code").dropped_reason,
        )

    def test_promise_pause_suppression_blacklist_and_draft(self):
        cases = {
            "promised": lambda r: r.line_ids.move_id.write(
                {"chaser_promise_date": self.today + timedelta(days=3)}
            ),
            "paused": lambda r: r.partner_id.with_company(self.company).write(
                {"chaser_paused_until": self.today, "chaser_pause_reason": "Ramadan"}
            ),
            "suppressed": lambda r: self.env["chaser.suppression"].create(
                {"email": r.recipient_email, "company_id": self.company.id}
            ),
            "blacklisted": lambda r: self.env["mail.blacklist"]._add(r.recipient_email),
            "not_open": lambda r: r.line_ids.move_id.button_draft(),
            "no_followup": lambda r: r.line_ids.move_line_id.write(
                {"no_followup": True}
            ),
        }
        campaign = self._customers(len(cases))
        self.campaign.action_cancel()
        for (code, change), reminder in zip(
            cases.items(), campaign.reminder_ids, strict=True
        ):
            with self.subTest(code):
                change(reminder)
        self.assertFalse(self._run().sent)
        self.assertEqual(campaign.reminder_ids.mapped("reason_code"), list(cases))
        self.assertTrue(all(campaign.reminder_ids.mapped("reason")))

    def test_pause_of_another_company_does_not_count(self):
        other = self.env["res.company"].create({"name": "Other"})
        self.customer.with_company(other).chaser_paused_until = self.today + timedelta(
            days=9
        )
        self.assertEqual(len(self._run().sent), 1)

    def test_written_to_by_another_campaign_meanwhile(self):
        self.env["chaser.reminder"].sudo().create(
            {
                "company_id": self.company.id,
                "partner_id": self.customer.id,
                "provider_id": self.provider.id,
                "state": "sent",
                "sent_at": self._later(days=-2),
                "token": "x" * 32,
            }
        )
        self.assertFalse(self._run().sent)
        self.assertEqual(self.reminder.reason_code, "recent_contact")

    def test_the_week_is_full_meanwhile(self):
        """By another message of this campaign, which the interval does not count."""
        self.company.chaser_week_limit = 1
        self.env["chaser.reminder"].sudo().create(
            {
                "company_id": self.company.id,
                "partner_id": self.customer.id,
                "provider_id": self.provider.id,
                "campaign_id": self.reminder.campaign_id.id,
                "state": "sent",
                "sent_at": self._later(days=-2),
                "token": "x" * 32,
            }
        )
        self.assertFalse(self._run().sent)
        self.assertEqual(self.reminder.reason_code, "week_limit")

    def test_customer_pays_after_sending(self):
        self._run()
        for invoice in self.reminder.line_ids.move_id:
            self._pay(invoice)
        self.assertTrue(self.reminder.paid_at)
        self.assertEqual(self.reminder.status, "paid")
        self.assertIn("1,500.00", self.campaign.amount_collected)


@tagged("post_install", "-at_install")
class TestAnswers(SendCase):
    """The mail service's responses and their effects."""

    def test_temporary_retries_with_growing_delay_then_gives_up(self):
        error = errors.Unreachable("451 4.3.0 try later")
        transport = FakeTransport([error] * 5)
        moment = fields.Datetime.now()
        delays = []
        for attempt in (1, 2, 3):
            self._run_at(moment, transport)
            self.assertEqual(self.reminder.attempt_count, attempt)
            if attempt < 3:
                self.assertEqual(
                    (self.reminder.state, self.reminder.reason_code),
                    ("queued", "retry"),
                )
                self.assertIn("451 4.3.0 try later", self.reminder.reason)
                delays.append(self.reminder.scheduled_at - moment)
                moment = self.reminder.scheduled_at + timedelta(seconds=1)
        self.assertLess(delays[0], delays[1])
        self.assertEqual(
            (self.reminder.state, self.reminder.reason_code), ("failed", "gave_up")
        )
        self.assertEqual(len(transport.script), 2, "no fourth attempt")

    def test_not_before_its_time(self):
        transport = FakeTransport([errors.Unreachable("451 later")])
        self._run(transport)
        self._run(transport)
        self.assertFalse(transport.sent)
        self._run_at(self._later(minutes=6), transport)
        self.assertEqual(len(transport.sent), 1)

    def test_recipient_refused_for_good(self):
        self._run(
            FakeTransport(
                [errors.RecipientRefused("550 5.1.1 no such user", permanent=True)]
            )
        )
        self.assertEqual(
            (self.reminder.state, self.reminder.status), ("failed", "bounced")
        )
        suppression = self.env["chaser.suppression"].search(
            [("email", "=", "finance@alnoor.example")]
        )
        self.assertEqual(
            (suppression.reason, suppression.reminder_id),
            ("hard_bounce", self.reminder),
        )
        self.assertEqual(self.campaign.bounced_count, 1)
        self.assertEqual(self.campaign.state, "failed", "nothing could be sent at all")

    def test_recipient_refused_for_now(self):
        self._run(
            FakeTransport(
                [errors.RecipientRefused("452 4.2.2 mailbox full", permanent=False)]
            )
        )
        self.assertEqual(self.reminder.state, "queued")
        self.assertFalse(self.env["chaser.suppression"].search([]))

    def test_rate_limited_holds_the_mailbox_and_costs_no_attempt(self):
        campaign = self._customers(3)
        transport = FakeTransport(
            [errors.RateLimited("421 4.7.0 slow down", timedelta(minutes=30))]
        )
        self._run(transport)
        self.assertFalse(transport.sent)
        self.assertEqual(set(campaign.reminder_ids.mapped("state")), {"queued"})
        self.assertEqual(
            set((campaign.reminder_ids | self.reminder).mapped("attempt_count")), {0}
        )
        self.assertTrue(
            all(
                "slow down" in reason
                for reason in campaign.reminder_ids.mapped("reason")
            )
        )
        self.assertGreater(self.provider.hold_until, self._later(minutes=29))
        self._run(transport)
        self.assertFalse(transport.sent, "still held")
        self._run_at(self._later(minutes=31), transport)
        self.assertEqual(len(transport.sent), 4)
        self.assertFalse(self.provider.hold_until)

    def test_not_authorised(self):
        self._run(
            FakeTransport([errors.AuthenticationFailed("535 5.7.8 bad credentials")])
        )
        self.assertEqual(self.provider.state, "expired")
        self.assertIn("535", self.provider.last_error)
        self.assertEqual(self.reminder.state, "queued")
        self.assertIn("reconnect", self.reminder.reason)
        self.assertTrue(self.provider.activity_ids, "the manager is told")
        self.assertFalse(self._run().sent)
        self.provider._set_connected()
        self.assertEqual(len(self._run().sent), 1)

    def test_not_authorised_when_connecting(self):
        transport = FakeTransport()
        transport.open_error = errors.AuthenticationFailed("535 5.7.8 bad credentials")
        self._run(transport)
        self.assertEqual(
            (self.provider.state, self.reminder.state, self.reminder.attempt_count),
            ("expired", "queued", 0),
        )

    def test_policy_refusal_pauses_the_campaign(self):
        self._run(FakeTransport([errors.PolicyRefused("554 5.7.1 spam")]))
        self.assertEqual(self.campaign.state, "paused")
        self.assertIn("554 5.7.1 spam", self.campaign.reason)
        self.assertEqual(self.reminder.state, "queued")
        self.campaign.action_resume()
        self.assertEqual(len(self._run().sent), 1)

    def test_server_away_for_an_hour(self):
        """No attempt is used up, the mailbox is tried again, and everything leaves when
        the server is back."""
        campaign = self._customers(3)
        transport = FakeTransport()
        transport.open_error = errors.Unreachable("connection refused")
        start = moment = fields.Datetime.now()
        while moment < start + timedelta(hours=1):
            self._run_at(moment, transport)
            self.assertIn("cannot be reached", self.reminder.reason)
            self.assertGreater(self.provider.hold_until, moment)
            moment = self.provider.hold_until + timedelta(seconds=1)
        transport.open_error = None
        self._run_at(moment, transport)
        self.assertEqual(len(transport.sent), 4)
        self.assertEqual(set(campaign.reminder_ids.mapped("attempt_count")), {1})
        self.assertLess(transport.opened, 12, "with growing pauses")

    def test_failures_in_a_row_pause_the_campaign(self):
        self.company.chaser_max_failures = 2
        campaign = self._customers(4)
        self.campaign.action_cancel()
        self._run(FakeTransport([errors.MessageRefused("552 too big")] * 4))
        self.assertEqual(campaign.state, "paused")
        self.assertIn("2 failures in a row", campaign.reason)
        self.assertEqual(
            sorted(campaign.reminder_ids.mapped("state")),
            ["failed", "failed", "queued", "queued"],
        )

    def test_failures_not_in_a_row(self):
        self.company.chaser_max_failures = 2
        campaign = self._customers(4)
        self.campaign.action_cancel()
        refused = errors.MessageRefused("552 too big")
        self._run(FakeTransport([refused, None, refused, None]))
        self.assertEqual(campaign.state, "completed")

    def test_unknown_outcome(self):
        transport = self._run(FakeTransport([errors.OutcomeUnknown("timed out")]))
        self.assertTrue(self.reminder.is_undecided)
        self._run_at(self._later(days=1), transport)
        self.assertFalse(transport.sent)
        self.assertEqual(self.campaign.undecided_count, 1)


@tagged("post_install", "-at_install")
class TestLimits(SendCase):
    """A limit holds with a visible reason and time; it never fails a message."""

    def test_daily_quota(self):
        campaign = self._customers(4)
        self.campaign.action_cancel()
        self.provider.daily_quota = 3
        transport = FakeTransport()
        moment = fields.Datetime.now()
        self._run_at(moment, transport)
        self.assertEqual(len(transport.sent), 3)
        waiting = campaign.reminder_ids.filtered(lambda r: r.state == "queued")
        self.assertEqual(waiting.reason_code, "limit_day")
        self.assertAlmostEqual(
            self.provider.hold_until,
            moment + timedelta(hours=24),
            delta=timedelta(seconds=5),
        )
        self.assertEqual(self.provider.left_today, "0")
        self._run_at(moment + timedelta(hours=23, minutes=59), transport)
        self.assertEqual(len(transport.sent), 3)
        self._run_at(moment + timedelta(hours=24, seconds=5), transport)
        self.assertEqual(len(transport.sent), 4)
        self.assertEqual(campaign.state, "completed")

    def test_per_minute(self):
        self._customers(3)
        self.provider.per_minute = 2
        transport = FakeTransport()
        moment = fields.Datetime.now()
        self._run_at(moment, transport)
        self.assertEqual(len(transport.sent), 2)
        self._run_at(moment + timedelta(seconds=62), transport)
        self.assertEqual(len(transport.sent), 4)

    def test_per_domain(self):
        campaign = self._customers(4)
        self.provider.per_domain_minute = 2
        moment = fields.Datetime.now()
        transport = FakeTransport()
        self._run_at(moment, transport)
        self.assertEqual(len(transport.sent), 3, "two to one domain, one to another")
        held = campaign.reminder_ids.filtered(lambda r: r.state == "queued")
        self.assertEqual(set(held.mapped("reason_code")), {"limit_domain"})
        self.assertIn("many.example", held[0].reason)
        self._run_at(moment + timedelta(seconds=62), transport)
        self.assertEqual(len(transport.sent), 5)

    def test_monthly_limit_of_the_company(self):
        self._customers(2)
        self.company.chaser_monthly_limit = 1
        transport = self._run()
        self.assertEqual(len(transport.sent), 1)
        self.assertEqual(self.provider.reason_code, "limit_month")
        local = fields.Datetime.context_timestamp(
            self.provider.with_context(tz="Asia/Dubai"), self.provider.hold_until
        )
        self.assertEqual(
            (local.day, local.hour), (1, 0), "the month of the company's own time zone"
        )

    def test_limits_hold_the_claims_of_a_batch(self):
        self._customers(6)
        self.provider.write({"batch_size": 5, "daily_quota": 6})
        self.assertEqual(len(self._run().sent), 6)
        self.assertEqual(
            self.env["chaser.reminder"].search_count([("state", "=", "failed")]), 0
        )

    def test_expected_finish(self):
        campaign = self._customers(9)
        self.campaign.action_cancel()
        self.provider.write({"batch_size": 5, "batch_pause": 30})
        finish = campaign.expected_finish - fields.Datetime.now()
        self.assertAlmostEqual(finish.total_seconds(), 30, delta=3)

    def test_spread_over_hours(self):
        campaign = self._campaign(
            self._make_invoice(self._make_customer("A", "a@s.example"))
            | self._make_invoice(self._make_customer("B", "b@s.example")),
            duration_hours=2,
        )
        campaign.action_send()
        first, second = campaign.reminder_ids.sorted("scheduled_at")
        self.assertEqual(second.scheduled_at - first.scheduled_at, timedelta(hours=1))
        self.assertEqual(
            len(self._run().sent), 2, "the first of the two, and the one of setUp"
        )


@tagged("post_install", "-at_install")
class TestMailbox(SendCase):
    def test_no_mailbox(self):
        self.campaign.action_cancel()
        campaign = self._campaign(
            self._make_invoice(self._make_customer("N", "n@x.example"))
        )
        campaign.reminder_ids.sudo().provider_id = False
        campaign.provider_id = False
        self.provider.active = False
        with self.assertRaisesRegex(Exception, "has no mailbox to send from"):
            campaign.action_send()
        self.assertEqual(campaign.reminder_ids.state, "draft")

    def test_mailbox_not_connected(self):
        campaign = self._campaign(
            self._make_invoice(self._make_customer("N", "n@x.example"))
        )
        self.provider._set_state("draft", "535 wrong password")
        with self.assertRaisesRegex(
            Exception, "not ready.*Test Connection.*535 wrong password"
        ):
            campaign.action_send()

    def test_template_with_unknown_tag_blocks_sending(self):
        campaign = self._campaign(
            self._make_invoice(self._make_customer("N", "n@x.example"))
        )
        template = campaign.reminder_ids.level_id.template_id
        self.env.cr.execute(
            """UPDATE chaser_template SET subject = '{"en_US": "{{ custmer_name }}"}' WHERE id = %s""",  # noqa: E501
            [template.id],
        )
        self.env.invalidate_all()
        with self.assertRaisesRegex(Exception, "custmer_name.*customer_name"):
            campaign.action_send()
        self.assertEqual(campaign.state, "draft")


@tagged("post_install", "-at_install")
class TestAftermath(SendCase):
    def test_payment_taken_back(self):
        self._run()
        invoices = self.reminder.line_ids.move_id
        for invoice in invoices:
            self._pay(invoice)
        self.assertEqual(self.reminder.status, "paid")
        invoices[0].line_ids.remove_move_reconcile()
        self.assertFalse(self.reminder.paid_at)
        self.assertEqual(self.reminder.status, "sent")

    def test_unsubscribe_stops_everyone_who_got_the_link(self):
        customer = self._make_customer("Two", "one@two.example, other@two.example")
        campaign = self._sent_campaign(self._make_invoice(customer))
        reminder = campaign.reminder_ids
        hit = {"method": "POST", "user_agent": "Mail", "ip": "127.0.0.1", "country": ""}
        for _ in range(2):
            self.env["chaser.event"].sudo()._unsubscribe(
                reminder.sudo().stop_token, hit
            )
        stopped = self.env["chaser.suppression"].search(
            [("reminder_id", "=", reminder.id)]
        )
        self.assertEqual(
            sorted(stopped.mapped("email")), ["one@two.example", "other@two.example"]
        )
        self.assertEqual(campaign.unsubscribed_count, 1)

    def test_copied_database_does_not_send(self):
        """Odoo gives a copy an identity of its own; the mailbox must be tested there
        first."""
        self.env["ir.config_parameter"].set_param("database.uuid", "another-database")
        self.assertFalse(self._run().sent)
        self.assertEqual(
            (self.provider.state, self.reminder.state), ("draft", "queued")
        )
        self.assertIn("copy of the database", self.provider.last_error)
        self.provider._set_connected()
        self.assertEqual(len(self._run().sent), 1)

    def test_campaign_over_two_mailboxes_ends_with_the_last(self):
        campaign = self._customers(2)
        self.campaign.action_cancel()
        second = self.provider.copy({"email": "second@pop.example"})
        second._set_state("connected")
        campaign.reminder_ids[0].sudo().provider_id = second
        self._run()
        self.assertEqual(campaign.state, "sending")
        self._run(provider=second)
        self.assertEqual(campaign.state, "completed")
