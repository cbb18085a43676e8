from datetime import timedelta
from unittest.mock import patch

from odoo import fields

from odoo.addons.invoice_chaser.tests.common import ChaserCase

from ..core.client import Accepted


class FakeClient:
    """The calls that the models make, without a network. ``errors``: method → error to
    raise; ``rows``: what Meta's list of templates holds."""

    def __init__(self):
        self.calls, self.errors, self.rows = [], {}, []
        self.media, self.status = {}, "PENDING"
        self.category = "UTILITY"

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        pass

    def _note(self, name, *values):
        self.calls.append((name, *values))
        if name in self.errors:
            raise self.errors[name]

    def names(self):
        return [call[0] for call in self.calls]

    def send_message(self, payload):
        self._note("send_message", payload)
        return Accepted(f"wamid.{len(self.calls)}", "971501234567", "accepted")

    def upload_sample(self, content, filename, _mimetype="application/pdf"):
        self._note("upload_sample", content[:4], filename)
        return "4::handle"

    def mark_read(self, wamid):
        self._note("mark_read", wamid)

    def create_template(self, values):
        self._note("create_template", values)
        return {
            "id": f"9{len(self.calls):05d}",
            "status": self.status,
            "category": self.category,
        }

    def edit_template(self, template_id, values):
        self._note("edit_template", template_id, values)
        return {"success": True}

    def delete_template(self, name, template_id=None):
        self._note("delete_template", name, template_id)

    def unpause_template(self, template_id):
        self._note("unpause_template", template_id)

    def list_templates(self):
        self._note("list_templates")
        yield from self.rows

    def get_media(self, media_id):
        self._note("get_media", media_id)
        return self.media[media_id]

    def download_media(self, url, limit):
        self._note("download_media", url, limit)
        return b"%PDF-1.7 proof of payment"


class PeopleCase(ChaserCase):
    """A company with a connected WhatsApp account whose Meta is a ``FakeClient``, and a
    customer with a number."""

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
        cls.account = cls.env["chaser.provider"].create(
            {
                "company_id": cls.company.id,
                "kind": "whatsapp",
                "name": "WhatsApp",
                "whatsapp_waba_id": "102290129340398",
                "whatsapp_phone_id": "106540352242922",
                "whatsapp_app_id": "670843887433847",
            }
        )
        cls.account._set_state("connected")
        cls.customer.write(
            {"phone": "050 123 4567", "country_id": cls.env.ref("base.ae")}
        )
        cls.Person = cls.env["chaser.whatsapp.person"].with_company(cls.company)
        cls.Template = cls.env["chaser.whatsapp.template"]

    def setUp(self):
        super().setUp()
        self.meta = FakeClient()
        self.startPatcher(
            patch.object(
                self.registry["chaser.provider"],
                "_get_whatsapp_client__",
                lambda _provider: self.meta,
            )
        )
        self.startPatcher(
            patch.object(
                self.registry["chaser.provider"], "_commit_now", lambda _provider: None
            )
        )

    def _make_person(self, customer=None, number="+971501234567", days=30, **values):
        """A number with a consent that is ``days`` old; None: without one."""
        consent = {
            "opt_in_date": fields.Datetime.now() - timedelta(days=days or 0),
            "opt_in_source": "form",
            "opt_in_text": "We agree to messages of POP Trading by WhatsApp.",
        }
        return self.Person.sudo().create(
            {
                "company_id": self.company.id,
                "partner_id": (customer or self.customer).id,
                "phone_e164": number,
                **(consent if days is not None else {}),
                **values,
            }
        )

    def _make_sent(self, customer=None, **values):
        """A reminder by WhatsApp that is out."""
        invoice = self._make_invoice(partner=customer or self.customer)
        reminder = self._campaign(invoice).reminder_ids.sudo()
        reminder.write(
            {
                "state": "sent",
                "sent_at": fields.Datetime.now() - timedelta(hours=2),
                "channel": "whatsapp",
                "provider_id": self.account.id,
                **values,
            }
        )
        return reminder
