import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

from odoo import fields
from odoo.fields import Command
from odoo.tests import freeze_time, tagged

from ..models.send.batches import Batches
from .common import ChaserCase

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))
from support.smtp_server import SmtpServer  # noqa: E402

MINUTE, DAY = timedelta(minutes=1), timedelta(hours=24)
COUNT, SHARED = 120, ("gmail.example", "hotmail.example")


@tagged("post_install", "-at_install")
class TestForecastOfTheJob(ChaserCase):
    """The mailbox's real job and a real SMTP server under a clock that moves on by the
    job's own pauses, and else only to the moment that the job itself has asked the
    scheduler for. (10,000 messages by the same rules: tests/core/test_forecast.py.)"""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        partners = cls.env["res.partner"].create(
            [
                {
                    "name": f"Customer {number}",
                    "email": f"c{number}@{SHARED[number % 2] if number % 3 else f'own{number}.example'}",  # noqa: E501
                    "is_company": True,
                    "company_id": False,
                }
                for number in range(COUNT)
            ]
        )
        day = cls.today - timedelta(days=20)
        cls.invoices = cls.env["account.move"].create(
            [
                {
                    "move_type": "out_invoice",
                    "partner_id": partner.id,
                    "invoice_date": day,
                    "invoice_date_due": day,
                    "invoice_line_ids": [
                        Command.create(
                            {
                                "name": "Goods",
                                "quantity": 1,
                                "price_unit": 100 + number,
                                "tax_ids": [Command.clear()],
                            }
                        )
                    ],
                }
                for number, partner in enumerate(partners)
            ]
        )
        cls.invoices.action_post()

    def _run_until_done(self, campaign, clock, work=0):
        """Runs of the job, each when it asked to be woken; when it asks for nothing
        although something waits, it is held for ever.

        :param work: seconds that each message takes
        """
        Trigger, cron, alarms = (
            self.env["ir.cron.trigger"].sudo(),
            self.provider.cron_id,
            [],
        )
        send_one = Batches.send_one

        def _send_slowly(*args):
            clock.tick(work)
            return send_one(*args)

        for _run in range(500):
            Trigger.search([("cron_id", "=", cron.id)]).unlink()
            alarms.clear()
            self.env.flush_all()
            with (
                self.enter_registry_test_mode(),
                patch.object(
                    type(self.provider),
                    "_pause",
                    lambda _self, seconds: clock.tick(seconds),
                ),
                patch.object(
                    type(self.provider), "_tick", lambda _self: clock().timestamp()
                ),
                patch.object(Batches, "send_one", _send_slowly),
                patch.object(
                    type(self.provider),
                    "_start_alarm",
                    lambda _self, seconds, _db: alarms.append(
                        self._later(seconds=seconds)
                    ),
                ),
            ):
                cron.method_direct_trigger()
            self.env.invalidate_all()
            if campaign.state == "completed":
                return
            asked = [
                *Trigger.search([("cron_id", "=", cron.id)]).mapped("call_at"),
                *alarms,
            ]
            self.assertTrue(asked, "something waits, and nobody will wake the mailbox")
            clock.move_to(max(min(asked), fields.Datetime.now()))
        self.fail("held for ever")

    def _most_within(self, moments, window):
        return max(
            (
                sum(moment - window < other <= moment for other in moments)
                for moment in moments
            ),
            default=0,
        )

    def _check(self, pace, count, work=0):
        self.provider.write(pace)
        with SmtpServer() as server, freeze_time(fields.Datetime.now()) as clock:
            self.provider.smtp_port = server.port
            self.provider._set_state("connected")
            if work:  # a mailbox learns it with its first messages
                first = self._campaign(self.invoices[count : count + 10])
                first.action_send()
                self._run_until_done(first, clock, work)
                self.assertEqual(self.provider.message_seconds, work)
                clock.tick(DAY)
            before, start = len(server.received), fields.Datetime.now()
            campaign = self._campaign(self.invoices[:count])
            campaign.action_send()
            said = campaign.expected_finish - start
            self._run_until_done(campaign, clock, work)
            arrived = [
                (mail.time.replace(tzinfo=None), mail.recipients[0])
                for mail in server.received[before:]
            ]
        expected = Counter(campaign.reminder_ids.mapped("recipient_email"))
        self.assertEqual(
            Counter(address for _time, address in arrived),
            expected,
            "none lost, none twice",
        )
        self.assertEqual(
            (len(expected), set(campaign.reminder_ids.mapped("state"))),
            (count, {"sent"}),
        )
        times = sorted(moment for moment, _address in arrived)
        took = times[-1] - start
        self.assertLess(abs(took - said), took / 10, f"said {said}, took {took}")
        self.assertLessEqual(
            self._most_within(times, MINUTE), pace["per_minute"] or count
        )
        self.assertLessEqual(
            self._most_within(times, DAY), pace["daily_quota"] or count
        )
        for domain in SHARED if pace["per_domain_minute"] else ():
            mine = [moment for moment, address in arrived if address.endswith(domain)]
            self.assertLessEqual(
                self._most_within(mine, MINUTE), pace["per_domain_minute"], domain
            )
        return took

    def test_defaults_of_an_smtp_mailbox(self):
        self._check(
            {
                "per_minute": 20,
                "per_domain_minute": 5,
                "batch_size": 5,
                "batch_pause": 3,
                "jitter_min": 1,
                "jitter_max": 4,
                "daily_quota": 500,
            },
            COUNT,
        )

    def test_daily_limit_in_the_middle(self):
        took = self._check(
            {
                "per_minute": 10,
                "per_domain_minute": 5,
                "batch_size": 5,
                "batch_pause": 3,
                "jitter_min": 1,
                "jitter_max": 4,
                "daily_quota": 45,
            },
            COUNT,
        )
        self.assertGreater(took, 2 * DAY)

    def test_slow_service(self):
        """What a message itself takes counts as well: here a third of the whole
        time."""
        took = self._check(
            {
                "per_minute": 0,
                "per_domain_minute": 0,
                "batch_size": 5,
                "batch_pause": 3,
                "jitter_min": 1,
                "jitter_max": 4,
                "daily_quota": 0,
            },
            80,
            work=1.5,
        )
        self.assertGreater(took, timedelta(seconds=80 * 3.5))

    def test_slow_mailbox(self):
        """A slot every 30 seconds: the job ends each time and is woken by its own
        alarm."""
        self._check(
            {
                "per_minute": 2,
                "per_domain_minute": 1,
                "batch_size": 5,
                "batch_pause": 3,
                "jitter_min": 0,
                "jitter_max": 0,
                "daily_quota": 0,
            },
            40,
        )
