"""A database that was restored from a backup: what left since is not sent again."""

from pathlib import Path

from odoo.tests import tagged

from ..core.mail import errors
from ..core.status import attempts
from ..models.send.chaser_watermark import ChaserWatermark
from .common import FakeTransport
from .test_send import SendCase


@tagged("post_install", "-at_install")
class TestRestored(SendCase):
    def setUp(self):
        super().setUp()
        self.other = self.env["chaser.provider"].create(
            {"company_id": self.company.id, "kind": "smtp", "email": "b@pop.example"}
        )
        self.other._set_state("connected")
        self.folder = self.env["chaser.watermark"]._get_folder()

    def _send_and_restore(self, count=3):
        """Sends to some customers, then lets the database forget it."""
        campaign = self._customers(count)
        self.env.flush_all()
        self.reminder.action_drop()
        self._run(FakeTransport())
        sent = {one.id: one.message_id for one in campaign.reminder_ids}
        self.assertEqual(set(campaign.reminder_ids.mapped("state")), {"sent"})
        cr = self.env.cr
        self.env.flush_all()
        cr.execute("DELETE FROM chaser_event WHERE event_type = 'sent'")
        cr.execute(
            "UPDATE chaser_reminder SET state = 'queued', message_id = NULL, sent_at = "
            "NULL, attempted_at = NULL, attempt_count = 0 WHERE campaign_id = %s",
            [campaign.id],
        )
        cr.execute(
            "UPDATE chaser_campaign SET state = 'sending' WHERE id = %s", [campaign.id]
        )
        cr.execute(
            "UPDATE ir_sequence SET number_next = 1 WHERE code LIKE "
            "'invoice_chaser.attempts.%%'"
        )
        self.env.invalidate_all()
        return campaign, sent

    def _box(self, found):
        box = FakeTransport()
        box.find_sent = lambda message_id: message_id in found
        self.patch(
            self.registry["chaser.provider"], "_get_sent_box__", lambda _self: box
        )

    def test_all_mailboxes_wait_and_say_why(self):
        campaign, _sent = self._send_and_restore()
        self.assertFalse(self._run().sent)
        self.assertFalse(self._run().sent, "nor at the next run")
        self.assertEqual(self.provider.restored_count, 3)
        self.assertIn("3 messages have left", self.provider.health)
        self.assertTrue(self.other.restored_at)
        self.assertIn("restored from a backup", self.other.health)
        self.assertEqual(set(campaign.reminder_ids.mapped("state")), {"queued"})
        self.assertEqual(set(campaign.reminder_ids.mapped("reason_code")), {"restored"})
        self.assertTrue(self.provider.activity_ids)

    def test_looking_marks_what_left(self):
        campaign, sent = self._send_and_restore()
        self._run()
        first, second, third = campaign.reminder_ids.sorted("id")
        self._box({sent[first.id], sent[second.id]})
        self.provider.action_restored_look()
        self.assertEqual((first.state, second.state), ("sent", "sent"))
        self.assertTrue(third.is_undecided, "a person settles it")
        self.assertEqual(third.message_id, sent[third.id])
        self.assertFalse(self.provider.restored_at)
        self.assertFalse(self._run().sent, "nothing goes out a second time")

    def test_a_mailbox_that_cannot_be_asked(self):
        campaign, _sent = self._send_and_restore()
        self._run()
        result = self.provider.action_restored_look()
        self.assertEqual(result["params"]["type"], "warning")
        self.assertEqual(campaign.undecided_count, 3)
        self.assertFalse(self._run().sent)

    def test_going_on_sends(self):
        self._send_and_restore()
        self._run()
        self.provider.action_restored_go_on()
        self.assertEqual(len(self._run().sent), 3)
        self.assertFalse(self._run().sent)
        self.assertFalse(self.provider.restored_at, "and it is not found again")
        self.assertTrue(self.other.restored_at, "each mailbox is decided on its own")

    def test_restored_a_second_time(self):
        self._send_and_restore()
        self._run()
        self.provider.action_restored_go_on()
        self.env.cr.execute(
            "UPDATE ir_sequence SET number_next = 2 WHERE code LIKE "
            "'invoice_chaser.attempts.%%'"
        )
        self.env.invalidate_all()
        self.assertFalse(self._run().sent)
        self.assertEqual(self.provider.restored_count, 2)

    def test_a_message_that_the_database_never_knew_pauses_its_customer(self):
        campaign, _sent = self._send_and_restore()
        partners = campaign.reminder_ids.partner_id
        self.env.cr.execute(
            "UPDATE chaser_reminder SET token = token || 'x' WHERE campaign_id = %s",
            [campaign.id],
        )
        self.env.invalidate_all()
        self._run()
        self.provider.action_restored_look()
        for partner in partners.with_company(self.company):
            self.assertTrue(partner.chaser_paused_until > self.today)
            self.assertIn("restored from a backup", partner.chaser_pause_reason)
        self.assertFalse(self._run().sent, "they are paused")

    def test_a_missing_watermark_holds_nobody(self):
        self._send_and_restore()
        for path in self.folder.iterdir():
            path.unlink()
        self.assertEqual(len(self._run().sent), 3)
        self.assertFalse(self.provider.restored_at)

    def test_a_foreign_watermark_is_not_looked_at(self):
        """Of another database: another uuid, so another folder."""
        watermark = self.env["chaser.watermark"]
        mine = ChaserWatermark._get_folder(watermark)
        self.env["ir.config_parameter"].sudo().set_param("database.uuid", "other")
        self.assertNotEqual(mine, ChaserWatermark._get_folder(watermark))
        self.assertEqual(mine.parent, ChaserWatermark._get_folder(watermark).parent)

    def test_torn_and_foreign_lines_are_passed_over(self):
        self._run(FakeTransport())
        path = self.folder / f"{self.provider.id}.jsonl"
        good = attempts.read_last(self.folder)
        with path.open("ab") as file:
            file.write(b'{"n": 99999\n[]\nnull\n{"n": "9"}\n\xff\xfe\n')
        (self.folder / "notes.txt").write_text("nothing of ours")
        self.assertEqual(attempts.read_last(self.folder), good)
        self.assertEqual(len(attempts.read_since(self.folder, self.provider.id, 0)), 1)

    def test_a_mailbox_that_this_database_never_had(self):
        attempts.note(Path(self.folder), 987654, {"n": 3, "id": 1})
        self.assertFalse(self._run().sent)
        self.assertIn("other mailboxes", self.provider.health)
        self.provider.action_restored_go_on()
        self.assertEqual(len(self._run().sent), 1)

    def test_attempts_that_failed_are_no_restore(self):
        self._customers(3)
        self._run(
            FakeTransport(
                [
                    errors.Unreachable("later"),
                    errors.MessageRefused("no"),
                    errors.OutcomeUnknown("line broke"),
                    errors.NoSession("away"),
                ]
            )
        )
        self._run_at(self._later(hours=1))
        self.assertFalse(self.provider.restored_at)

    def test_a_new_file_begins_and_the_old_one_is_kept(self):
        with self.subTest("rotation"):
            self.patch(attempts, "_SIZE", 200)
            for number in range(1, 30):
                attempts.note(self.folder, 7, {"n": number, "mid": "x" * 20})
            self.assertEqual(attempts.read_last(self.folder)[7], 29)
            kept = [one["n"] for one in attempts.read_since(self.folder, 7, 26)]
            self.assertEqual(kept, [27, 28, 29])

    def test_only_managers_decide(self):
        self._send_and_restore()
        self._run()
        for action in ("action_restored_look", "action_restored_go_on"):
            with self.assertRaises(Exception) as caught:
                getattr(self.provider.with_user(self.accountant), action)()
            self.assertEqual(type(caught.exception).__name__, "AccessError")
        self.assertTrue(self.provider.restored_at)
