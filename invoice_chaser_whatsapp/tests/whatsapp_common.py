import json
from datetime import timedelta
from unittest.mock import patch

from odoo import fields

from odoo.addons.invoice_chaser.tests.common import ChaserCase

from ..core.webhook import sign
from .people_common import FakeClient

PHONE, WABA, APP = "106540352242922", "102290129340398", "670843887433847"
SECRET = "app-secret"


class FakeMeta(FakeClient):
    """Also what Meta says of a number."""

    def __init__(self):
        super().__init__()
        self.number = {
            "display_phone_number": "+971 4 123 4567",
            "verified_name": "POP Trading",
            "quality_rating": "GREEN",
            "status": "CONNECTED",
            "name_status": "APPROVED",
            "whatsapp_business_manager_messaging_limit": "TIER_2K",
        }
        self.token = {
            "is_valid": True,
            "expires_at": 0,
            "app_id": APP,
            "scopes": [
                "business_management",
                "whatsapp_business_management",
                "whatsapp_business_messaging",
            ],
        }
        self.account = {
            "id": WABA,
            "currency": "AED",
            "owner_business_info": {"id": "506914307656634"},
        }
        self.subscriptions = [{"whatsapp_business_api_data": {"id": APP}}]
        self.numbers = [{"id": f"{PHONE[:-2]}{number:02d}"} for number in range(100)]

    def close(self):
        self._note("close")

    def read_number(self):
        self._note("read_number")
        return self.number

    def read_token(self):
        self._note("read_token")
        return self.token

    def read_account(self):
        self._note("read_account")
        return self.account

    def read_subscriptions(self):
        self._note("read_subscriptions")
        return self.subscriptions

    def read_numbers(self):
        self._note("read_numbers")
        yield from self.numbers

    def register(self, pin):
        self._note("register", pin)
        self.number["status"] = "CONNECTED"

    def subscribe(self, callback=None, verify_token=None):
        self._note("subscribe", callback, verify_token)
        self.subscriptions = [{"whatsapp_business_api_data": {"id": APP}}]

    def upload_media(self, content, filename, mimetype="application/pdf"):
        self._note("upload_media", content[:4], filename, mimetype)
        return f"media-{len(self.calls)}"


class WhatsappCase(ChaserCase):
    """A company with a WhatsApp number beside its mailbox of e-mail; Meta is
    ``self.meta``."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["ir.module.module"]._load_module_terms(
            ["invoice_chaser_whatsapp"], ["ar_001"]
        )
        cls.env["ir.config_parameter"].set_param(
            "web.base.url", "https://odoo.pop.example"
        )
        cls.company.country_id = cls.env.ref("base.ae")
        # Hours and weekends of the UAE are the room hours' own subject.
        cls.company.chaser_window_enabled = False
        cls.mailbox = cls._make_account()
        cls.mailbox._set_state("connected")
        cls.Event = cls.env["chaser.webhook.event"].sudo()
        cls.templates = cls._approve_templates(cls.mailbox)

    @classmethod
    def _make_account(cls, **values):
        account = (
            cls.env["chaser.provider"]
            .sudo()
            .create(
                {
                    "company_id": cls.company.id,
                    "name": "WhatsApp",
                    "kind": "whatsapp",
                    "whatsapp_waba_id": WABA,
                    "whatsapp_phone_id": PHONE,
                    "whatsapp_app_id": APP,
                    "whatsapp_token": "EAAtoken0000000000000000",
                    "whatsapp_app_secret": SECRET,
                    "whatsapp_verify_token": "some words",
                    "batch_pause": 0,
                    "jitter_min": 0,
                    "jitter_max": 0,
                    "per_minute": 0,
                    "per_domain_minute": 0,
                    **values,
                }
            )
        )
        return account.with_env(cls.env)

    @classmethod
    def _approve_templates(cls, account):
        """The shipped ones, as if Meta had approved what was submitted."""
        Template = cls.env["chaser.whatsapp.template"].sudo()
        templates = Template._create_shipped(account.sudo()).with_env(cls.env)
        for number, template in enumerate(templates):
            template._keep_submitted(
                template._make_content(),
                {"id": f"9{number:05d}", "status": "APPROVED", "category": "UTILITY"},
            )
        templates.sudo().meta_category = "utility"
        return templates

    def setUp(self):
        super().setUp()
        self.meta = FakeMeta()
        self.startPatcher(
            patch.object(
                self.registry["chaser.provider"],
                "_get_whatsapp_client__",
                lambda _provider: self.meta,
            )
        )
        self.mailbox.sudo().whatsapp_polled_at = fields.Datetime.now()
        self.give_address(self.customer)
        self.levels = self.env["chaser.level"].search([])
        self.levels.write({"channel": "whatsapp", "channel_fallback": False})
        self.door = self.env["chaser.channel.whatsapp"]
        self.invoice = self._make_invoice(amount=1000.0)

    # -- hooks of the contract, and what its tests use

    def give_address(self, partner):
        if self._get_person(partner):
            return
        self.env["chaser.whatsapp.person"].create(
            {
                "company_id": self.company.id,
                "partner_id": partner.id,
                "phone_e164": f"+97150{partner.id:07d}",
                "opt_in_date": fields.Datetime.now() - timedelta(days=30),
                "opt_in_source": "form",
                "opt_in_text": "We agree to messages of POP Trading by WhatsApp.",
            }
        )

    def take_address(self, partner):
        self._get_person(partner).unlink()

    def get_address(self, message):
        return message.address

    def _get_person(self, partner=None):
        return self.env["chaser.whatsapp.person"].search(
            [("partner_id", "=", (partner or self.customer).id)]
        )

    def _fall_back_by(self, code):
        self.levels.channel_fallback = code

    def _queue(self, **values):
        campaign = self._campaign(self.invoice, **values)
        campaign.action_send()
        return campaign.reminder_ids

    def _make_due(self, reminder):
        reminder.sudo().scheduled_at = self._later(seconds=-5)

    def _run_channel(self, transport=None):
        return self._run(transport, provider=self.mailbox)

    # -- reports of Meta

    def _make_status(self, reminder, status, wamid=None, **values):
        return {
            "id": wamid or reminder.internet_message_id or "wamid.x",
            "status": status,
            "timestamp": str(int(fields.Datetime.now().timestamp())),
            "biz_opaque_callback_data": reminder.whatsapp_key,
            **values,
        }

    def _make_messages(self, phone_id=PHONE, **value):
        metadata = {"phone_number_id": phone_id}
        return {
            "field": "messages",
            "value": {"messaging_product": "whatsapp", "metadata": metadata, **value},
        }

    def _receive(self, *changes, account=None, waba=WABA, key=None):
        """What the route does with a report, and then the job."""
        account = account or self.mailbox
        body = json.dumps({"entry": [{"id": waba, "changes": list(changes)}]}).encode()
        status = self.Event._receive_whatsapp(
            account.sudo().webhook_token, body, sign(key or SECRET, body)
        )
        self.assertEqual(status, 200)
        event = self.Event.search([], order="id desc", limit=1)
        event._process_safely()
        return event

    def _report(self, reminder, *statuses):
        return self._receive(
            self._make_messages(
                statuses=[self._make_status(reminder, status) for status in statuses]
            )
        )

    def _fail(self, reminder, code):
        error = {"code": code, "error_data": {"details": "Meta's own words"}}
        return self._receive(
            self._make_messages(
                statuses=[self._make_status(reminder, "failed", errors=[error])]
            )
        )
