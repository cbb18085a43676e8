from datetime import timedelta

from odoo.tests import new_test_user, tagged

from .test_settings import WalkCase

_MODELS = (
    "res.company",
    "res.partner",
    "chaser.level",
    "chaser.policy",
    "chaser.template",
    "chaser.provider",
    "chaser.campaign",
    "chaser.segment",
)
# What a person decides that Odoo's tracking does not tell, and where it is told.
_TOLD_ELSEWHERE = {
    ("res.company", "chaser_levels_seen"): "what a screen remembers, no setting",
    ("res.company", "chaser_setup_hidden"): "what a screen remembers, no setting",
    ("chaser.policy", "level_ids"): "on each level: its policy",
    ("chaser.template", "subject"): "a note with the language; the versions",
    ("chaser.template", "body_html"): "a note with the language; the versions",
    ("chaser.template", "version_ids"): "made by the addon",
    ("chaser.campaign", "reminder_ids"): "made by the plan; left out: its reason",
    ("chaser.segment", "partner_ids"): "a note of who came and who went",
    ("chaser.provider", "grant_ids"): "notes of connecting and disconnecting",
    ("chaser.provider", "smtp_password"): "a note that one was entered",
    ("chaser.provider", "imap_password"): "a note that one was entered",
    ("chaser.provider", "webhook_secret"): "a note that one was entered",
}


@tagged("post_install", "-at_install")
class TestTrail(WalkCase):
    """Everything that a person decides is told: who, when, what."""

    def test_every_field_is_told(self):
        """A new field is tracked, or stands in the list with the place that tells."""
        untold = [
            (model, name)
            for model in _MODELS
            for name, field in self._get_decided(model)
            if not getattr(field, "tracking", None)
            and (model, name) not in _TOLD_ELSEWHERE
            and not name.startswith(("activity_", "message_"))
        ]
        self.assertFalse(untold)

    def test_list_is_true(self):
        for model, name in _TOLD_ELSEWHERE:
            self.assertIn(name, self.env[model]._fields)

    def setUp(self):
        super().setUp()
        # Odoo's own test classes switch it off.
        self.env = self.env(
            context=self.env.context
            | {"tracking_disable": False, "mail_notrack": False}
        )
        for name in ("customer", "provider", "company"):
            setattr(self, name, getattr(self, name).with_env(self.env))

    def _tell(self, record):
        self.env.flush_all()
        self.env.cr.precommit.run()
        self.env.invalidate_all()
        message = record.message_ids[:1]
        values = message.tracking_value_ids
        return (
            message,
            f"{message.body} {values.mapped('field_id.name')} "
            f"{values.mapped('new_value_char')}",
        )

    # -- the customer

    def test_who_paused_a_debtor(self):
        self.env.cr.precommit.run()
        partner = self.customer.with_user(self.env.user).with_company(self.company)
        partner.write(
            {
                "chaser_paused_until": self.today + timedelta(days=200),
                "chaser_pause_reason": "asked by sales",
            }
        )
        message, words = self._tell(self.customer)
        self.assertIn("chaser_paused_until", words)
        self.assertIn("asked by sales", words)
        self.assertEqual(message.author_id, self.env.user.partner_id)

    def test_who_set_a_consent(self):
        self.env.cr.precommit.run()
        self.customer.chaser_marketing_consent = True
        self.assertIn("chaser_marketing_consent", self._tell(self.customer)[1])

    # -- templates

    def test_text_of_an_unused_template(self):
        template = self.env["chaser.template"].create(
            {
                "name": "New",
                "subject": "Old subject",
                "body_html": "<p>{{ invoice_table }}</p>",
            }
        )
        self.env.cr.precommit.run()
        template.subject = "New subject"
        self.assertIn("Subject (en_US)", self._tell(template)[1])
        template.with_context(lang="ar_001").body_html = "<p>نص {{ invoice_table }}</p>"
        self.assertIn("(ar_001)", self._tell(template)[1])
        count = len(template.message_ids)
        template.subject = "New subject"
        self._tell(template)
        self.assertEqual(len(template.message_ids), count, "nothing changed")

    def test_texts_by_the_dialog_of_translations(self):
        template = self.env["chaser.template"].search([], limit=1)
        template.update_field_translations("subject", {"ar_001": "موضوع جديد"})
        self.assertIn("Subject (ar_001)", self._tell(template)[1])

    # -- the mailbox

    def test_who_entered_a_password(self):
        self.env.cr.precommit.run()
        self.provider.smtp_password = "very secret"
        self.env.flush_all()
        words = " ".join(self.provider.message_ids.mapped("body"))
        self.assertIn("“Password” was entered anew.", words)
        self.assertNotIn("very secret", words)

    def test_archived(self):
        for record in (self.provider, self._get_record("chaser.policy")):
            self.env.cr.precommit.run()
            record.active = False
            self.env.flush_all()
            self.env.cr.precommit.run()
            fields = record.message_ids.tracking_value_ids.field_id.mapped("name")
            self.assertIn("active", fields)

    # -- the company

    def test_settings_are_told(self):
        boss = new_test_user(
            self.env,
            login="settings_boss",
            groups="invoice_chaser.group_chaser_manager,base.group_system",
            company_id=self.company.id,
        )
        self.company.chaser_daily_approval = True
        self.env.flush_all()
        self.env.cr.precommit.run()
        self.company.with_user(boss).write(
            {
                "chaser_daily_approval": False,
                "chaser_minimum_amount": 250,
                "chaser_contact_interval": self.company.chaser_contact_interval,
            }
        )
        message, _words = self._tell(self.company)
        values = message.tracking_value_ids
        self.assertEqual(message.author_id, boss.partner_id)
        self.assertEqual(
            set(values.field_id.mapped("name")),
            {"chaser_daily_approval", "chaser_minimum_amount"},
        )

    def test_secret_of_the_company_is_not_told(self):
        self.company.chaser_google_client_secret = "hush"
        self.env.flush_all()
        words = " ".join(self.company.message_ids.mapped("body"))
        self.assertIn("was entered anew", words)
        self.assertNotIn("hush", words)

    # -- reminders

    def test_left_out_by_whom(self):
        campaign = self._campaign(
            self._make_invoice(self._make_customer("Out", "out@out.example"))
        )
        campaign.reminder_ids.with_user(self.accountant).action_drop()
        self.assertIn(self.accountant.name, campaign.reminder_ids.reason)
