import time
from unittest.mock import patch

from odoo import fields
from odoo.tests import tagged

from .common import ChaserCase, FakeTransport


@tagged("post_install", "-at_install")
class TestTime(ChaserCase):
    """The job within the time that Odoo's scheduler gives it (``cron_end_time``), and
    how long a message takes."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider.write({"batch_size": 5, "batch_pause": 3})
        for number in range(13):
            cls._make_invoice(
                cls._make_customer(
                    f"Customer {number}", f"c{number}@own{number}.example"
                )
            )

    def setUp(self):
        super().setUp()
        self.campaign = self._campaign(
            self.env["account.move"].search(
                [
                    ("company_id", "=", self.company.id),
                    ("move_type", "=", "out_invoice"),
                ]
            )
        )
        self.campaign.action_send()
        self.transport = FakeTransport()

    def _call(self, seconds_left, tick=None):
        """One call of the job as the scheduler makes it; returns what was reported to
        it (done, remaining)."""
        cron = self.provider.cron_id
        self.env["ir.cron.trigger"].search([("cron_id", "=", cron.id)]).unlink()
        self.env.flush_all()
        with (
            self.enter_registry_test_mode(),
            patch.object(
                type(self.provider), "_get_transport__", lambda _self: self.transport
            ),
            patch.object(type(self.provider), "_pause", lambda _self, _seconds: None),
            patch.object(
                type(self.provider),
                "_start_alarm",
                lambda _self, _seconds, _dbname: None,
            ),
            patch.object(type(self.provider), "_tick", tick or (lambda _self: 0.0)),
        ):
            with self.registry.cursor() as cr:
                context = {
                    "cron_id": cron.id,
                    "cron_end_time": time.monotonic() + seconds_left,
                }
                job, progress = cron.with_env(
                    self.env(cr=cr, context=context)
                )._add_progress()
                self.provider.with_env(job.env).sudo()._cron_send()
                result = progress.done, progress.remaining
        self.env.invalidate_all()
        return result

    def _is_woken(self):
        return bool(
            self.env["ir.cron.trigger"].search_count(
                [
                    ("cron_id", "=", self.provider.cron_id.id),
                    (
                        "call_at",
                        "<=",
                        fields.Datetime.add(fields.Datetime.now(), seconds=10),
                    ),
                ]
            )
        )

    def test_time_is_over(self):
        """A whole batch, not one message and a pause; then the job ends, because the
        scheduler would call it ten times in a row, and asks to be woken."""
        reported = self._call(seconds_left=-1)
        self.assertEqual((len(self.transport.sent), reported), (5, (5, 0)))
        self.assertTrue(self._is_woken())
        for sent in (10, 13):
            self.assertTrue(self._is_woken())
            self._call(seconds_left=-1)
            self.assertEqual(len(self.transport.sent), sent)
        self.assertEqual(self.campaign.state, "completed")

    def test_time_is_left(self):
        reported = self._call(seconds_left=100)
        self.assertEqual((len(self.transport.sent), reported), (13, (13, 0)))
        self.assertFalse(self._is_woken(), "nothing is left")

    def test_batch_that_takes_too_long(self):
        """Messages that take a quarter of a minute each: the batch is left before Odoo
        kills the process."""
        ticks = iter(range(0, 10_000, 15))
        _done, remaining = self._call(seconds_left=-1, tick=lambda _self: next(ticks))
        self.assertIn(len(self.transport.sent), range(1, 5))
        self.assertEqual(remaining, 0)
        self.assertTrue(self._is_woken())

    def test_how_long_a_message_takes_is_learned(self):
        before = self.campaign.expected_finish
        moments = iter(number * 0.7 for number in range(10_000))
        self._call(seconds_left=-1, tick=lambda _self: next(moments))
        self.assertAlmostEqual(self.provider.message_seconds, 0.7)
        after = self.campaign.expected_finish
        self.assertAlmostEqual(
            (after - before).total_seconds(),
            8 * 0.7 - 3,
            delta=2.5,
            msg="eight are left, one rest less",
        )
        self.assertEqual(self.provider._get_pace().work, self.provider.message_seconds)
