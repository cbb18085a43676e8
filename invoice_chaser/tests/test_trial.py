from datetime import timedelta

from odoo import fields
from odoo.exceptions import ValidationError
from odoo.tests import tagged

from .common import ChaserCase, FakeTransport


@tagged("post_install", "-at_install")
class TestTrial(ChaserCase):
    """Two texts of a level are tried against each other by chance, and what is said of
    them is honest."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.level = cls.env["chaser.level"].search([("code", "=", "firm")], limit=1)
        Template = cls.env["chaser.template"]
        cls.first, cls.second = (
            Template.create(
                {
                    "name": name,
                    "company_id": False,
                    "category": "invoice_reminder",
                    "subject": f"{name} {{{{ total_due }}}}",
                    "body_html": "<p>{{ invoice_table }}</p>",
                }
            )
            for name in ("First", "Second")
        )
        cls.level.template_id = cls.first
        cls.level.trial_template_id = cls.second
        cls.env["chaser.template"].search(
            [("level_id", "=", cls.level.id)]
        ).active = False

    def _send(self, count=16, **values):
        campaign = self._campaign(
            self._invoice_customers(count), level_id=self.level.id, **values
        )
        campaign.action_send()
        transport = self._run(FakeTransport())
        return campaign, [one.subject.split(" ")[0] for one in transport.sent]

    def test_half_each_and_always_the_same(self):
        campaign, subjects = self._send(24)
        self.assertEqual(set(subjects), {"First", "Second"})
        Level = self.env["chaser.level"]
        key = self.company.sudo().chaser_holdout_key
        for reminder in campaign.reminder_ids:
            drawn = Level._draw_text(
                key,
                reminder.partner_id.id,
                self.level.id,
                self.first.id,
                self.second.id,
            )
            self.assertEqual(reminder.template_version_id.template_id.id, drawn)

    def test_campaigns_own_template_is_no_trial(self):
        _campaign, subjects = self._send(12, template_id=self.first.id)
        self.assertEqual(set(subjects), {"First"})

    def test_without_a_trial(self):
        self.level.trial_template_id = False
        _campaign, subjects = self._send(12)
        self.assertEqual(set(subjects), {"First"})
        self.assertFalse(self.level.trial_result)

    def test_result_is_honest(self):
        campaign, _subjects = self._send(24)
        self.assertIn("Too few", self.level.trial_result)
        self.assertIn("0 of 0", self.level.trial_result, "their days are not over")
        long_ago = fields.Datetime.now() - timedelta(days=30)
        self.level.sudo().trial_since = long_ago - timedelta(days=1)
        for reminder in campaign.reminder_ids.sudo():
            reminder.sent_at = long_ago
            second = reminder.template_version_id.template_id == self.second
            reminder.paid_at = long_ago + timedelta(days=3 if second else 20)
        self.env.invalidate_all()
        number = len(
            campaign.reminder_ids.filtered(
                lambda one: one.template_version_id.template_id == self.second
            )
        )
        words = self.level.trial_result
        self.assertIn(f"“Second”: {number} of {number} customers", words)
        self.assertIn(f"“First”: 0 of {24 - number} customers", words)
        self.assertIn("+100.0 points", words)
        self.assertIn("Too few", words)

    def test_another_pair_begins_anew(self):
        since = fields.Datetime.now() - timedelta(days=9)
        self.level.sudo().trial_since = since
        self.level.min_days = 8
        self.assertEqual(self.level.trial_since, since)
        self.level.template_id = self.first.copy({"name": "Third"})
        self.assertGreater(self.level.trial_since, since)

    def test_nonsense(self):
        other = self.env.ref("invoice_chaser.chaser_template_thanks")
        for template in (self.first, other):
            with self.assertRaises(ValidationError), self.env.cr.savepoint():
                self.level.trial_template_id = template
