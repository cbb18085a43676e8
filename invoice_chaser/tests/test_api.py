from datetime import timedelta

from odoo import fields
from odoo.tests import HttpCase, new_test_user, tagged
from odoo.tools import mute_logger

from .common import ChaserCase


@tagged("post_install", "-at_install")
class TestApi(ChaserCase, HttpCase):
    """Odoo's external API (JSON-2) with an API key: what a program of the company's own
    may do is what its user may do."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.invoicing = new_test_user(
            cls.env,
            "api_invoicing",
            "account.group_account_invoice",
            company_id=cls.company.id,
        )
        cls.manager = new_test_user(
            cls.env,
            "api_manager",
            "invoice_chaser.group_chaser_manager",
            company_id=cls.company.id,
        )
        expires = fields.Datetime.now() + timedelta(days=1)
        cls.keys = {
            user: cls.env["res.users.apikeys"]
            .with_user(user)
            ._generate("rpc", "test", expires)
            for user in (cls.accountant, cls.invoicing, cls.manager)
        }

    def enter_registry_test_mode(self):
        return mute_logger()  # it is on for the whole class

    def _post(self, model, method, user=None, key=None, **arguments):
        headers = {
            "Authorization": f"Bearer {key or self.keys[user or self.accountant]}"
        }
        answer = self.url_open(
            f"/json/2/{model}/{method}", json=arguments, headers=headers
        )
        self.env.invalidate_all()
        return answer

    def _call(self, model, method, **arguments):
        answer = self._post(model, method, **arguments)
        self.assertEqual(answer.status_code, 200, answer.text)
        return answer.json()

    def _create(self, invoices, **values):
        [campaign_id] = self._call(
            "chaser.campaign",
            "create_for_invoices",
            invoice_ids=invoices.ids,
            values=values,
        )
        return self.env["chaser.campaign"].browse(campaign_id)

    # -- what the calls do and give back

    def test_create_for_invoices_gives_the_campaigns_id(self):
        invoices = self._make_invoice() | self._make_invoice(amount=500)
        answer = self._call(
            "chaser.campaign",
            "create_for_invoices",
            invoice_ids=invoices.ids,
            values={"name": "By a program"},
        )
        campaign = self.env["chaser.campaign"].search([("name", "=", "By a program")])
        self.assertEqual(answer, campaign.ids)
        self.assertRecordValues(
            campaign,
            [
                {
                    "state": "draft",
                    "user_id": self.accountant.id,
                    "company_id": self.company.id,
                    "recipient_count": 1,
                    "item_count": 2,
                    "saved_count": 1,
                }
            ],
        )

    def test_create_for_invoices_takes_values_and_exclusions(self):
        other = self._make_customer("Two", "two@customer.example")
        first, second, third = (
            self._make_invoice(),
            self._make_invoice(amount=70),
            self._make_invoice(other),
        )
        campaign = self._create(
            first | second | third,
            campaign_type="overdue_notice",
            sender_name="Robot",
            duration_hours=2.5,
            excluded_partner_ids=other.ids,
            excluded_line_ids=self._receivable(second).ids,
        )
        self.assertRecordValues(
            campaign,
            [
                {
                    "campaign_type": "overdue_notice",
                    "sender_name": "Robot",
                    "duration_hours": 2.5,
                }
            ],
        )
        going = campaign.reminder_ids.filtered(
            lambda reminder: reminder.state == "draft"
        )
        self.assertEqual(going.line_ids.move_id, first)
        self.assertEqual(
            set((campaign.reminder_ids - going).mapped("reason_code")), {"dropped"}
        )

    def test_create_without_values(self):
        [campaign_id] = self._call(
            "chaser.campaign",
            "create_for_invoices",
            invoice_ids=self._make_invoice().ids,
        )
        self.assertTrue(self.env["chaser.campaign"].browse(campaign_id).reminder_ids)

    @mute_logger("odoo.http")
    def test_nothing_to_chase_is_said(self):
        """A refusal is 422 with the sentence a person would see."""
        fresh = self._make_invoice(days=-5)
        for ids, words in (
            (fresh.ids, "nothing overdue yet"),
            ([], "nothing was selected"),
            ([2**30], "1 not found"),
        ):
            with self.subTest(ids=ids):
                answer = self._post(
                    "chaser.campaign", "create_for_invoices", invoice_ids=ids
                )
                self.assertEqual(answer.status_code, 422)
                self.assertIn(words, answer.json()["message"])
        self.assertFalse(
            self.env["chaser.campaign"].search([("company_id", "=", self.company.id)])
        )

    def test_send_returns_true_and_only_queues(self):
        campaign = self._create(self._make_invoice())
        self.assertIs(
            self._call("chaser.campaign", "action_send", ids=campaign.ids), True
        )
        self.assertEqual(
            (campaign.state, campaign.reminder_ids.state), ("sending", "queued")
        )
        self.assertIs(
            self._call("chaser.campaign", "action_send", ids=campaign.ids),
            True,
            "said twice, done once",
        )
        self.assertEqual(len(self._run().sent), 1)
        self.assertIs(
            self._call("chaser.campaign", "action_send", ids=campaign.ids),
            True,
            "a campaign that is done stays so",
        )
        self.assertEqual(self._run().sent, [])
        [figures] = self._call(
            "chaser.campaign",
            "read",
            ids=campaign.ids,
            fields=["state", "sent_count", "progress"],
        )
        self.assertEqual(
            (figures["state"], figures["sent_count"], figures["progress"]),
            ("completed", 1, 100.0),
        )

    def test_schedule(self):
        campaign = self._create(self._make_invoice())
        moment = self._later(hours=5).replace(microsecond=0)
        self.assertIs(
            self._call(
                "chaser.campaign",
                "action_schedule",
                ids=campaign.ids,
                scheduled_at=fields.Datetime.to_string(moment),
            ),
            True,
        )
        self.assertRecordValues(
            campaign, [{"state": "scheduled", "scheduled_at": moment}]
        )
        self.assertEqual(self._run().sent, [])
        with mute_logger("odoo.http"):
            for when in ("2020-01-01 00:00:00", None):
                draft = self._create(
                    self._make_invoice(
                        self._make_customer(
                            "Late",
                            f"{when}@customer.example".replace(" ", "").replace(
                                ":", ""
                            ),
                        )
                    )
                )
                answer = self._post(
                    "chaser.campaign",
                    "action_schedule",
                    ids=draft.ids,
                    scheduled_at=when,
                )
                self.assertEqual(answer.status_code, 422)
                self.assertIn("in the future", answer.json()["message"])
                self.assertEqual(draft.state, "draft")

    def test_pause_resume_cancel(self):
        campaign = self._create(self._make_invoice())
        self._call("chaser.campaign", "action_send", ids=campaign.ids)
        for method, state, reminder_state in (
            ("action_pause", "paused", "queued"),
            ("action_pause", "paused", "queued"),
            ("action_resume", "sending", "queued"),
            ("action_resume", "sending", "queued"),
            ("action_cancel", "cancelled", "cancelled"),
            ("action_cancel", "cancelled", "cancelled"),
            ("action_pause", "cancelled", "cancelled"),
            ("action_resume", "cancelled", "cancelled"),
        ):
            self.assertIs(
                self._call("chaser.campaign", method, ids=campaign.ids), True, method
            )
            self.assertEqual(
                (campaign.state, campaign.reminder_ids.state),
                (state, reminder_state),
                method,
            )
        self.assertEqual(self._run().sent, [])
        with mute_logger("odoo.http"):
            answer = self._post("chaser.campaign", "action_send", ids=campaign.ids)
        self.assertEqual(answer.status_code, 422)
        self.assertIn("is cancelled", answer.json()["message"])

    def test_several_campaigns_in_one_call(self):
        campaigns = self._create(self._make_invoice()) | self._create(
            self._make_invoice(self._make_customer("Two", "two@customer.example"))
        )
        self.assertIs(
            self._call("chaser.campaign", "action_send", ids=campaigns.ids), True
        )
        self.assertEqual(campaigns.mapped("state"), ["sending"] * 2)

    def test_chase_opens_the_preview(self):
        action = self._call(
            "account.move", "action_chase", ids=self._make_invoice().ids
        )
        self.assertEqual(
            (action["type"], action["res_model"]),
            ("ir.actions.act_window", "chaser.preview"),
        )
        [preview] = self._call(
            "chaser.preview",
            "read",
            ids=[action["res_id"]],
            fields=["message_count", "customer_count", "held_count", "preview_en"],
        )
        self.assertEqual(
            (
                preview["message_count"],
                preview["customer_count"],
                preview["held_count"],
            ),
            (1, 1, 0),
        )
        self.assertIn("1,000.00", preview["preview_en"])
        opened = self._call("chaser.preview", "action_send", ids=[action["res_id"]])
        self.assertEqual(
            self.env["chaser.campaign"].browse(opened["res_id"]).state, "sending"
        )

    def test_reminders_and_events_are_readable(self):
        campaign = self._sent_campaign(self._make_invoice())
        [reminder] = self._call(
            "chaser.reminder",
            "search_read",
            domain=[("campaign_id", "=", campaign.id), ("status", "=", "sent")],
            fields=["status", "recipient_email"],
        )
        self.assertEqual(
            (reminder["status"], reminder["recipient_email"]),
            ("sent", "finance@alnoor.example"),
        )
        [event] = self._call(
            "chaser.event",
            "search_read",
            domain=[("reminder_id", "=", reminder["id"])],
            fields=["event_type", "source"],
        )
        self.assertEqual((event["event_type"], event["source"]), ("sent", "api"))

    # -- who may not

    @mute_logger(
        "odoo.http",
        "odoo.addons.base.models.ir_model",
        "odoo.addons.base.models.ir_rule",
        "odoo.orm.models",
    )
    def test_without_the_group_all_is_forbidden(self):
        invoice = self._make_invoice()
        campaign = self._campaign(invoice)
        for model, method, arguments in (
            ("account.move", "action_chase", {"ids": invoice.ids}),
            ("chaser.campaign", "create_for_invoices", {"invoice_ids": invoice.ids}),
            *(
                ("chaser.campaign", f"action_{name}", {"ids": campaign.ids})
                for name in ("send", "schedule", "pause", "resume", "cancel")
            ),
            ("chaser.campaign", "search_read", {"domain": []}),
            ("chaser.reminder", "search_count", {"domain": []}),
            ("chaser.reminder", "action_drop", {"ids": campaign.reminder_ids.ids}),
            ("chaser.provider", "read", {"ids": self.provider.ids}),
        ):
            with self.subTest(method=f"{model}.{method}"):
                answer = self._post(model, method, user=self.invoicing, **arguments)
                self.assertEqual(answer.status_code, 403, answer.text)
                self.assertNotIn(campaign.name, answer.text)
        self.assertEqual(
            (campaign.state, campaign.reminder_ids.state), ("draft", "draft")
        )

    @mute_logger("odoo.http", "odoo.addons.base.models.ir_model", "odoo.orm.models")
    def test_accountant_has_his_own_limits_here_too(self):
        campaign = self._sent_campaign(self._make_invoice())
        for model, method, arguments in (
            (
                "chaser.provider",
                "write",
                {"ids": self.provider.ids, "vals": {"email": "x@pop.example"}},
            ),
            (
                "chaser.provider",
                "read",
                {"ids": self.provider.ids, "fields": ["smtp_password_sealed"]},
            ),
            ("chaser.provider", "action_test_connection", {"ids": self.provider.ids}),
            (
                "chaser.reminder",
                "write",
                {"ids": campaign.reminder_ids.ids, "vals": {"state": "queued"}},
            ),
            (
                "chaser.reminder",
                "read",
                {"ids": campaign.reminder_ids.ids, "fields": ["token"]},
            ),
            (
                "chaser.event",
                "create",
                {"vals_list": [{"reminder_id": campaign.reminder_ids.id}]},
            ),
            ("chaser.event", "unlink", {"ids": campaign.reminder_ids.event_ids.ids}),
            *(
                ("chaser.provider", method, {"ids": self.provider.ids})
                for method in ("_cron_send", "_set_state", "_open_secret__")
            ),
            (
                "chaser.event",
                "_unsubscribe",
                {"token": campaign.reminder_ids.sudo().stop_token, "hit": {}},
            ),
            ("chaser.reminder", "_set_state", {"state": "queued"}),
        ):
            with self.subTest(method=f"{model}.{method}"):
                self.assertEqual(
                    self._post(model, method, **arguments).status_code, 403
                )
        self.assertEqual(
            (self.provider.email, campaign.reminder_ids.state),
            ("accounts@pop.example", "sent"),
        )

    @mute_logger("odoo.http")
    def test_without_a_key(self):
        invoice = self._make_invoice()
        for key in ("wrong", self.keys[self.accountant][:-1]):
            self.assertEqual(
                self._post(
                    "account.move", "action_chase", key=key, ids=invoice.ids
                ).status_code,
                401,
            )
        self.assertIn(
            self.url_open(
                "/json/2/account.move/action_chase", json={"ids": invoice.ids}
            ).status_code,
            (401, 403),
        )
        self.assertFalse(
            self.env["chaser.preview"]
            .sudo()
            .search([("company_id", "=", self.company.id)])
        )

    def test_manager_tests_the_mailbox(self):
        """A call that fails for a reason of the mailbox answers with that reason, not
        with an error."""
        answer = self._call(
            "chaser.provider",
            "action_test_connection",
            user=self.manager,
            ids=self.provider.ids,
        )
        self.assertEqual(
            (answer["tag"], answer["params"]["type"]),
            ("display_notification", "danger"),
        )
        self.assertEqual(self.provider.state, "draft")
