from datetime import timedelta
from pathlib import Path

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, tagged

from odoo.addons.invoice_chaser.tests.screens_common import find_without_help

from ..core.errors import ConnectFailed, GraphError
from .whatsapp_common import SECRET, WhatsappCase

_SECRETS = ("whatsapp_token", "whatsapp_app_secret", "whatsapp_verify_token")


@tagged("post_install", "-at_install")
class TestWhatsappAccount(WhatsappCase):
    def test_connected(self):
        self.mailbox.action_test_connection()
        self.assertEqual(self.mailbox.state, "connected")
        self.assertEqual(self.mailbox.whatsapp_number, "+971 4 123 4567")
        self.assertEqual(self.mailbox.whatsapp_quality, "green")
        self.assertEqual(self.mailbox.whatsapp_limit, 2000)
        self.assertEqual(self.mailbox.whatsapp_portfolio_id, "506914307656634")
        lines = self.mailbox.whatsapp_report.splitlines()
        self.assertEqual(len(lines), 6)
        self.assertTrue(all(line.startswith("✓ ") for line in lines), lines)
        for words in ("+971 4 123 4567", "2,000 people", "does not end"):
            self.assertIn(words, self.mailbox.whatsapp_report)
        self.assertEqual(self.mailbox.channel, "whatsapp")
        self.assertTrue(self.mailbox.is_primary and self.provider.is_primary)
        self.assertFalse(self.mailbox.email)

    def test_every_field_of_a_form_explains_itself(self):
        self.assertEqual(find_without_help(self.env, "invoice_chaser_whatsapp"), [])

    def test_what_the_test_tells(self):
        """Of a number nobody is told that an address is taken as the sender."""
        told = self.mailbox.action_test_connection()["params"]["message"]
        self.assertIn("+971 4 123 4567 (POP Trading) is connected", told)
        self.assertIn("quality is high", told)
        self.assertNotIn("sender", told)

    def test_a_number_of_another_account(self):
        """Its templates and reports would be another account's."""
        self.meta.numbers = [{"id": "106540352249999"}]
        self.mailbox.action_test_connection()
        self.assertNotEqual(self.mailbox.state, "connected")
        self.assertIn("none of this WhatsApp Business account", self.mailbox.last_error)

    def test_each_finding_is_explained_in_both_languages(self):
        self.meta.number |= {
            "status": "BANNED",
            "name_status": "DECLINED",
            "quality_rating": "RED",
            "whatsapp_business_manager_messaging_limit": None,
            "health_status": {
                "entities": [
                    {"entity_type": kind, "can_send_message": "BLOCKED"}
                    for kind in ("PHONE_NUMBER", "WABA", "BUSINESS", "APP", "NEW")
                ]
            },
        }
        self.meta.token = {
            "is_valid": False,
            "scopes": [],
            "app_id": "1",
            "expires_at": 1,
        }
        self.meta.subscriptions = []
        self.mailbox.action_test_connection()
        self.assertNotEqual(self.mailbox.state, "connected")
        self.assertIn("banned", self.mailbox.last_error)
        english = self.mailbox.whatsapp_report.splitlines()
        arabic = self.mailbox.with_context(lang="ar_001").whatsapp_report.splitlines()
        self.assertGreaterEqual(len(english), 12)
        self.assertTrue(all(line.startswith("⚠ ") for line in english[:12]), english)
        self.assertEqual(len(english), len(arabic))
        self.assertFalse(set(english) & set(arabic))

    def test_warnings_do_not_stop(self):
        self.meta.number["quality_rating"] = "YELLOW"
        self.mailbox.action_test_connection()
        self.assertEqual(self.mailbox.state, "connected")
        self.assertIn("medium", self.mailbox.whatsapp_report)

    def test_what_meta_refuses_is_a_sentence(self):
        for error, words in (
            (GraphError(190, "expired"), "does not accept the token"),
            (GraphError(10, "no"), "lacks a right"),
            (ConnectFailed("nobody"), "cannot be reached"),
        ):
            self.meta.errors["read_number"] = error
            self.mailbox.action_test_connection()
            self.assertIn(words, self.mailbox.last_error)

    def test_register(self):
        self.meta.number["status"] = "PENDING"
        self.mailbox.action_test_connection()
        self.assertIn("press Register", self.mailbox.last_error)
        wizard = self.env["chaser.whatsapp.register"].create(
            {"provider_id": self.mailbox.id, "pin": "123456"}
        )
        self.assertFalse(wizard.pin)
        wizard.action_register()
        self.assertIn(("register", "123456"), self.meta.calls)
        self.assertEqual(self.mailbox.state, "connected")
        self.assertFalse(wizard.exists())
        # A connected number is not registered again: Meta would lock it.
        self.mailbox.action_whatsapp_register("123456")
        self.assertEqual(self.meta.names().count("register"), 1)
        with self.assertRaises(UserError):
            self.mailbox.action_whatsapp_register("12345x")

    def test_subscribe(self):
        self.meta.subscriptions = []
        self.mailbox.action_whatsapp_subscribe()
        [(_name, url, verify)] = [
            call for call in self.meta.calls if call[0] == "subscribe"
        ]
        self.assertEqual(url, self.mailbox.sudo().whatsapp_callback_url)
        self.assertTrue(url.startswith("https://odoo.pop.example/chaser/whatsapp/"))
        self.assertEqual(verify, "some words")

    def test_the_daily_look(self):
        self.meta.number["quality_rating"] = "RED"
        self.meta.number["whatsapp_business_manager_messaging_limit"] = "TIER_250"
        self.mailbox._poll_whatsapp()
        self.assertEqual(self.mailbox.whatsapp_quality, "red")
        self.assertEqual(self.mailbox.whatsapp_limit, 250)
        self.assertEqual(self.mailbox.state, "connected")
        self.assertIn(
            "Low quality of the WhatsApp number",
            self.mailbox.activity_ids.mapped("summary"),
        )
        self.meta.errors["read_number"] = ConnectFailed("nobody")
        self.mailbox._poll_whatsapp()
        self.assertEqual(self.mailbox.state, "connected")
        self.meta.errors["read_number"] = GraphError(131031, "locked")
        self.mailbox._poll_whatsapp()
        self.assertEqual(self.mailbox.state, "expired")

    def test_the_limit_is_part_of_the_pace(self):
        self.mailbox.sudo().write({"whatsapp_limit": 250, "whatsapp_limit_known": True})
        self.assertEqual(self.mailbox._get_pace().per_day, 250)
        self.mailbox.daily_quota = 100
        self.assertEqual(self.mailbox._get_pace().per_day, 100)
        self.mailbox.sudo().write({"whatsapp_limit": 0, "daily_quota": 0})
        self.assertEqual(self.mailbox._get_pace().per_day, 0)
        self.mailbox.sudo().whatsapp_limit_known = False
        self.assertEqual(self.mailbox._get_pace().per_day, 250)

    def test_ids_have_digits_only(self):
        for name in ("whatsapp_waba_id", "whatsapp_phone_id", "whatsapp_app_id"):
            with self.assertRaises(ValidationError):
                self.mailbox[name] = "+971 4 123"

    def test_a_change_of_the_connection_is_tested_again(self):
        self.mailbox.whatsapp_phone_id = "106540352242999"
        self.assertEqual(self.mailbox.state, "draft")
        self.mailbox._set_state("connected")
        self.mailbox.whatsapp_token = "EAAother0000000000000000"
        self.assertEqual(self.mailbox.state, "draft")

    def test_the_form(self):
        with Form(self.env["chaser.provider"]) as form:
            form.kind = "whatsapp"
            # The address that it will have is not known before it is saved.
            self.assertFalse(form.whatsapp_callback_url)
            self.assertEqual(form.name, "WhatsApp")
            form.name = "Second"
            form.whatsapp_waba_id = "102290129340398"
            form.whatsapp_phone_id = "106540352242923"
            form.whatsapp_app_id = "670843887433847"
        account = form.record
        self.assertFalse(account.email)
        self.assertEqual((account.name, account.daily_quota), ("Second", 0))
        self.assertTrue(account.sudo().whatsapp_callback_url)

    def test_the_version_is_a_setting(self):
        settings = self.env["res.config.settings"].create({})
        self.assertEqual(settings.chaser_whatsapp_version, "v25.0")
        settings.chaser_whatsapp_version = "v26.0"
        settings.set_values()
        self.assertEqual(self.mailbox._get_whatsapp_version(), "v26.0")
        settings.chaser_whatsapp_version = "26"
        with self.assertRaises(UserError):
            settings.set_values()

    # -- secrets and rights

    def test_secrets_are_sealed_and_never_read(self):
        for name in _SECRETS:
            self.assertFalse(self.mailbox[name])
            self.assertTrue(self.mailbox.sudo()[f"{name}_sealed"].startswith("c1."))
            with self.assertRaises(AccessError):
                self.mailbox.with_user(self.env.user).read([f"{name}_sealed"])
        sealed = self.mailbox.sudo()._open_secret__("whatsapp_app_secret_sealed")
        self.assertEqual(sealed, SECRET)
        rows = self.mailbox.read()
        self.assertNotIn(SECRET, str(rows))

    def test_neutralized(self):
        path = Path(__file__).resolve().parents[1] / "data/neutralize.sql"
        self.env.flush_all()
        self.env.cr.execute(path.read_text())
        self.env.invalidate_all()
        for name in _SECRETS:
            self.assertFalse(self.mailbox.sudo()[f"{name}_sealed"])

    def test_accountants_change_nothing(self):
        mine = self.mailbox.with_user(self.accountant)
        self.assertEqual(mine.whatsapp_quality, self.mailbox.whatsapp_quality)
        for act in (
            lambda: mine.action_whatsapp_register("123456"),
            mine.action_whatsapp_subscribe,
            mine.action_test_connection,
            lambda: mine.write({"whatsapp_waba_id": "1234567"}),
            lambda: mine.read(["whatsapp_callback_url"]),
        ):
            with self.assertRaises(AccessError):
                act()

    def test_other_companies_see_nothing(self):
        other = self._create_company(name="Other Trading")
        self.accountant.write(
            {"company_ids": [(6, 0, other.ids)], "company_id": other.id}
        )
        mine = self.env["chaser.provider"].with_user(self.accountant)
        self.assertFalse(mine.search([("kind", "=", "whatsapp")]))
        with self.assertRaises(AccessError):
            self.mailbox.with_user(self.accountant).read(["whatsapp_number"])

    def test_models_have_rules_and_rights(self):
        """Each model of the addon that keeps rows belongs to a company by a rule, and
        an accountant's rights are those of a reader or a worker, never of everybody."""
        models = self.env["ir.model"].search(
            [("model", "=like", "chaser.whatsapp.%"), ("abstract", "=", False)]
        )
        self.assertGreaterEqual(len(models), 5)
        for model in models.filtered(lambda one: not one.transient):
            with self.subTest(model=model.model):
                self.assertIn("company_id", self.env[model.model]._fields)
                rules = self.env["ir.rule"].search([("model_id", "=", model.id)])
                self.assertTrue(
                    any("company_ids" in (rule.domain_force or "") for rule in rules)
                )
        for model in models:
            access = self.env["ir.model.access"].search([("model_id", "=", model.id)])
            self.assertTrue(access, model.model)
            self.assertTrue(all(access.mapped("group_id")), model.model)

    def test_forgotten_on_uninstall(self):
        unused = self._make_account(
            whatsapp_phone_id="106540352242924", name="Never used"
        )
        self.give_address(self.customer)
        self.env["chaser.level"].search([]).channel = "whatsapp"
        campaign = self._campaign(self._make_invoice())
        campaign.action_send()
        self.assertEqual(campaign.reminder_ids.provider_id, self.mailbox)
        (unused + self.mailbox)._forget_whatsapp()
        self.assertFalse(unused.exists())
        self.assertEqual((self.mailbox.kind, self.mailbox.active), ("odoo", False))

    def test_an_old_token_is_told_in_time(self):
        ends = fields.Datetime.now() + timedelta(days=5)
        self.meta.token["expires_at"] = int(
            (ends - fields.Datetime.now()).total_seconds()
        )
        self.meta.token["expires_at"] += int(
            (
                fields.Datetime.now() - fields.Datetime.from_string("1970-01-01")
            ).total_seconds()
        )
        self.mailbox.action_test_connection()
        self.assertEqual(self.mailbox.state, "connected")
        self.assertIn("The token ends on", self.mailbox.whatsapp_report)
