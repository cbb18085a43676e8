import base64
import json
from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError, ValidationError
from odoo.tests import tagged

from .test_send import SendCase

_OLD = 800


@tagged("post_install", "-at_install")
class RetentionCase(SendCase):
    def setUp(self):
        super().setUp()
        self._run()
        self.moment = fields.Datetime.now() - timedelta(days=_OLD)
        self.text = self.reminder.body_text
        self._fill(self.reminder.sudo())
        self.env.flush_all()
        self._age()

    def _fill(self, reminder):
        """Something of each kind about the customer."""
        reminder._record_event(
            "opened",
            source="pixel",
            verdict="human",
            ip_address="10.1.2.3",
            user_agent="Program of Mr Person",
        )
        self.file = (
            self.env["ir.attachment"]
            .sudo()
            .create(
                {
                    "name": "statement.pdf",
                    "raw": b"%PDF of a person",
                    "res_model": "chaser.reminder",
                    "res_id": reminder.id,
                }
            )
        )
        self.call = self.env["chaser.call"].create(
            {
                "partner_id": self.customer.id,
                "company_id": self.company.id,
                "outcome": "reached",
                "note": "Mr Person was ill",
            }
        )
        Inbound = self.env["chaser.inbound"].sudo()
        common = {
            "company_id": self.company.id,
            "sender_email": "person@alnoor.example",
            "body_text": "Words of Mr Person",
            "kind": "reply",
        }
        self.mail = Inbound.create(
            common
            | {
                "mail_key": "<a@x>",
                "state": "matched",
                "partner_id": self.customer.id,
                "reminder_id": reminder.id,
            }
        )
        self.strange = Inbound.create(
            common | {"mail_key": "<b@x>", "state": "unmatched"}
        )
        self.answer = (
            self.env["chaser.answer"]
            .sudo()
            .create(
                {
                    "reminder_id": reminder.id,
                    "company_id": self.company.id,
                    "partner_id": self.customer.id,
                    "action": "contact",
                    "key": "k1",
                    "said_by": "Mr Person",
                    "text": "It was Mr Person",
                }
            )
        )

    def _age(self):
        for table, column in (
            ("chaser_reminder", "sent_at"),
            ("chaser_event", "occurred_at"),
            ("chaser_inbound", "received_at"),
            ("chaser_call", "called_at"),
            ("chaser_answer", "answered_at"),
        ):
            self.env.cr.execute(f"UPDATE {table} SET {column} = %s", [self.moment])  # noqa: S608  # names of this test
        self.env.invalidate_all()

    def _rule(self, kind, days=730, **values):
        return self.env["chaser.retention.rule"].create(
            {"kind": kind, "days": days, **values}
        )

    def _night(self):
        self.env["chaser.retention.rule"]._gc_by_rules()
        self.env.invalidate_all()

    def _pay_all(self):
        for move in self.reminder.line_ids.move_id:
            self._pay(move)
        self.env.flush_all()


@tagged("post_install", "-at_install")
class TestRetention(RetentionCase):
    """How long each kind is kept, and what of it stays."""

    def test_without_a_rule_everything_stays(self):
        self._night()
        self.assertEqual(self.reminder.body_text, self.text)
        self.assertEqual(self.mail.body_text, "Words of Mr Person")
        self.assertTrue(self.strange.exists() and self.file.exists())

    def test_events(self):
        rule = self._rule("events")
        before = self.reminder.status
        self._night()
        event = self.reminder.event_ids.filtered(lambda one: one.event_type == "opened")
        self.assertFalse(event.ip_address or event.user_agent)
        self.assertEqual((event.verdict, self.reminder.status), ("human", before))
        self.assertGreaterEqual(rule.last_count, 1)
        self._night()
        self.assertEqual(rule.last_count, 0, "once")

    def test_mail_of_strangers_is_deleted(self):
        self._rule("strangers")
        self._night()
        self.assertFalse(self.strange.exists())
        self.assertTrue(self.mail.exists())

    def test_mail_of_customers(self):
        self._rule("inbound")
        self._night()
        self.assertFalse(self.mail.body_text or self.mail.sender_email)
        self.assertEqual(self.mail.partner_id, self.customer)
        self.assertTrue(self.strange.exists())

    def test_messages_stay_while_they_are_evidence(self):
        rule = self._rule("messages")
        self._night()
        self.assertEqual(self.reminder.body_text, self.text)
        self.assertEqual((rule.last_count, rule.kept_count), (0, 1))
        self.assertTrue(self.file.exists())
        self._pay_all()
        self._night()
        self.assertFalse(self.reminder.body_text or self.reminder.recipient_email)
        self.assertFalse(self.file.exists())
        self.assertEqual(self.reminder.state, "sent")
        self.assertEqual(self.campaign.sent_count, 1)
        self.assertEqual((rule.last_count, rule.kept_count), (1, 0))

    def test_open_dispute_keeps_what_was_said(self):
        dispute = self.env["chaser.dispute"].create(
            {
                "partner_id": self.customer.id,
                "company_id": self.company.id,
                "reason": "quality",
            }
        )
        for kind in ("inbound", "calls", "answers"):
            self._rule(kind)
        self._night()
        self.assertEqual(self.mail.body_text, "Words of Mr Person")
        self.assertEqual(self.call.note, "Mr Person was ill")
        self.assertEqual(self.answer.text, "It was Mr Person")
        dispute.sudo().state = "resolved"
        self.env.flush_all()
        self._night()
        self.assertFalse(self.mail.body_text or self.call.note or self.answer.text)
        self.assertEqual(self.call.outcome, "reached")

    def test_files_go_before_the_message(self):
        self._rule("files")
        self._pay_all()
        self._night()
        self.assertFalse(self.file.exists())
        self.assertEqual(self.reminder.body_text, self.text)

    def test_kept_because_somebody_said_so(self):
        rules = [self._rule(kind, way="keep") for kind in ("inbound", "calls")]
        self._night()
        self.assertEqual(self.mail.body_text, "Words of Mr Person")
        self.assertEqual(self.call.note, "Mr Person was ill")
        self.assertEqual([rule.last_count for rule in rules], [0, 0])
        self.assertEqual(rules[0].explanation, "Nothing is forgotten.")

    def test_deleted_whole_but_for_evidence(self):
        for kind in ("inbound", "calls"):
            self._rule(kind, way="delete")
        promise = self.env["chaser.promise"].create(
            {
                "partner_id": self.customer.id,
                "company_id": self.company.id,
                "date_promised": fields.Date.today() + timedelta(days=3),
            }
        )
        self.env.flush_all()
        self._night()
        self.assertTrue(self.mail.exists() and self.call.exists())
        promise.sudo().state = "cancelled"
        self.env.flush_all()
        self._night()
        self.assertFalse(self.mail.exists() or self.call.exists())
        self.assertTrue(self.strange.exists(), "another kind")

    def test_imported_history_is_deleted_whole(self):
        imported = self.env["chaser.import"].create({})
        past = self.env["chaser.campaign"].sudo().create({"name": "Past"})
        past.write(
            {"import_id": imported.id, "started_at": self.moment, "state": "completed"}
        )
        reminder = self.reminder.sudo().copy({"campaign_id": past.id})
        name = self.env["ir.model.data"].create(
            {
                "module": "chaser_import",
                "name": "past_1",
                "model": "chaser.reminder",
                "res_id": reminder.id,
            }
        )
        file = self.file.copy({"res_id": reminder.id})
        self._rule("history")
        self._night()
        self.assertFalse(past.exists() or reminder.exists())
        self.assertFalse(name.exists(), "an import would look for it")
        self.assertFalse(file.exists())
        self.assertTrue(self.campaign.exists(), "it is our own")

    def test_what_a_kind_allows_is_told(self):
        """Each kind with each way: taken, or refused with the reason."""
        kinds = self.env["chaser.forget"]._get_kinds()
        for name, kind in kinds.items():
            rule = self._rule(name)
            self.assertEqual(rule.way, kind.ways[0], name)
            for way in ("keep", "shorten", "delete"):
                with self.subTest(kind=name, way=way):
                    if way in kind.ways:
                        rule.way = way
                        self.assertTrue(rule.explanation)
                        continue
                    with self.assertRaises(ValidationError) as refused:
                        with self.env.cr.savepoint():
                            rule.way = way
                    self.assertIn(rule._get_kind_label(), str(refused.exception))
                    self.assertIn("hoose", str(refused.exception))

    def test_younger_ones_stay(self):
        self._rule("calls", days=_OLD + 10)
        self._night()
        self.assertEqual(self.call.note, "Mr Person was ill")

    def test_companies_apart(self):
        other = self.env["res.company"].create({"name": "Elsewhere"})
        self.env["chaser.retention.rule"].sudo().create(
            {"kind": "calls", "days": 1, "company_id": other.id}
        )
        self._night()
        self.assertEqual(self.call.note, "Mr Person was ill")

    def test_nonsense(self):
        for days in (0, -1, 10**6):
            with self.assertRaises(ValidationError), self.env.cr.savepoint():
                self._rule("calls", days)

    def test_rights(self):
        with self.assertRaises(AccessError):
            self.env["chaser.retention.rule"].with_user(self.accountant).create(
                {"kind": "calls", "days": 1}
            )


@tagged("post_install", "-at_install")
class TestPerson(RetentionCase):
    """One person asks for a copy of their data, or that it is erased."""

    def _wizard(self, user=None):
        return (
            self.env["chaser.person.data"]
            .with_user(user or self.env.user)
            .create({"partner_id": self.customer.id})
        )

    def test_copy(self):
        wizard = self._wizard()
        wizard.action_export()
        told = json.loads(base64.b64decode(wizard.file))
        whole = json.dumps(told, ensure_ascii=False)
        for words in (
            "finance@alnoor.example",
            "10.1.2.3",
            "Words of Mr Person",
            "Mr Person was ill",
            "It was Mr Person",
        ):
            self.assertIn(words, whole)
        reminder = self.reminder.sudo()
        self.assertNotIn(reminder.token, whole)
        self.assertNotIn(reminder.page_token, whole)

    def test_report_says_what_stays_and_why(self):
        self.env["chaser.suppression"]._suppress(
            self.company, "finance@alnoor.example", "manual"
        )
        report = self._wizard().report
        for words in ("can be erased", "evidence", "law", "Stopped addresses stay"):
            self.assertIn(words, report)

    def test_erase(self):
        self._pay_all()
        wizard = self._wizard()
        wizard.action_erase()
        self.assertIn("Erased:", wizard.result)
        self.env.invalidate_all()
        self.assertFalse(
            self.reminder.body_text
            or self.mail.body_text
            or self.call.note
            or self.answer.text
            or self.reminder.event_ids.filtered("ip_address")
            or self.file.exists()
        )
        self.assertEqual(self.reminder.state, "sent")
        self.assertTrue(self.strange.exists(), "not known to be this person's")

    def test_erase_leaves_evidence(self):
        wizard = self._wizard()
        wizard.action_erase()
        self.env.invalidate_all()
        self.assertEqual(self.reminder.body_text, self.text)
        self.assertIn("evidence", wizard.result)
        self.assertFalse(self.call.note)

    def test_managers_only(self):
        with self.assertRaises(AccessError):
            self._wizard(self.accountant)
        with self.assertRaises(AccessError):
            self.env["chaser.person"].with_user(self.accountant)._export(self.customer)

    def test_kinds_are_all_columns(self):
        """Each column and model of the list exists."""
        for kind in self.env["chaser.forget"]._get_kinds().values():
            fields_ = self.env[kind.model]._fields
            for name in (kind.moment, *kind.empties, *kind.values):
                self.assertTrue(fields_[name].store, (kind.name, name))
