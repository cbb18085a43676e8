import sys
import tempfile
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

from odoo import fields
from odoo.fields import Command
from odoo.tests import new_test_user

from odoo.addons.account.tests.common import AccountTestInvoicingCommon

from ..core.mail.errors import TransportError
from ..core.mail.message import SendResult
from ..core.mail.transports.base import Transport

# Helpers beside the addon (tests/support), which the tests without a registry use, too.
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))
from support.midnight import wait_for_midnight  # noqa: E402

KEYS = "test:" + "dGVzdC1rZXktdGVzdC1rZXktdGVzdC1rZXktMzIhISE="


class FakeTransport(Transport):
    """Keeps the messages that it gets. ``script``: per send, an error to raise, a
    callable to call with the message, or None."""

    def __init__(self, script=()):
        self.script = list(script)
        self.sent = []
        self.opened = self.closed = 0
        self.open_error = None

    def open(self):
        self.opened += 1
        if self.open_error:
            raise self.open_error

    def close(self):
        self.closed += 1

    def whoami(self):
        return "fake"

    def send(self, message):
        step = self.script.pop(0) if self.script else None
        if isinstance(step, (TransportError, BaseException)):
            raise step
        if callable(step):
            step(message)
        self.sent.append(message)
        return SendResult(provider_message_id=f"id-{len(self.sent)}", response="250 OK")


class ChaserCase(AccountTestInvoicingCommon):
    """A company with a connected mailbox, an accountant (``self.accountant``), and
    helpers to make overdue invoices."""

    arabic = True

    @classmethod
    def setUpClass(cls):
        wait_for_midnight(180)
        super().setUpClass()
        cls.startClassPatcher(patch.dict("os.environ", {"INVOICE_CHASER_KEYS": KEYS}))
        # The speed of this machine must not change the forecast.
        cls.startClassPatcher(
            patch.object(cls.registry["chaser.provider"], "_tick", lambda _self: 0.0)
        )
        # What is kept of attempts outside of the database ends with each class and
        # with each test, as the database's part of it does.
        folder = Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.startClassPatcher(
            patch.object(
                cls.registry["chaser.watermark"], "_get_folder", lambda _self: folder
            )
        )
        cls.company = cls.company_data["company"]
        cls.company.write(
            {
                "name": "POP Trading",
                "email": "accounts@pop.example",
                "chaser_consolidation_min_invoices": 2,
            }
        )
        cls.company.partner_id.tz = "Asia/Dubai"
        if cls.arabic:
            cls.env["res.lang"]._activate_lang("ar_001")
            cls.env["ir.module.module"]._load_module_terms(
                ["invoice_chaser"], ["ar_001"]
            )
        cls.today = cls.company._get_chaser_today()
        cls.env.user.group_ids += cls.env.ref("invoice_chaser.group_chaser_manager")
        cls.accountant = new_test_user(
            cls.env,
            login="chaser_accountant",
            groups="invoice_chaser.group_chaser_user",
            company_id=cls.company.id,
            email="acc@pop.example",
        )
        cls.customer = cls._make_customer("Al Noor Trading", "finance@alnoor.example")
        cls.provider = cls.env["chaser.provider"].create(
            {
                "company_id": cls.company.id,
                "kind": "smtp",
                "email": "accounts@pop.example",
                "sender_name": "POP Accounts",
                "smtp_host": "127.0.0.1",
                "smtp_port": 1,
                "smtp_encryption": "none",
                "per_domain_minute": 0,
                "batch_pause": 0,
                "per_minute": 0,
                "jitter_min": 0,
                "jitter_max": 0,
            }
        )
        cls.provider._set_state("connected")

    def setUp(self):
        super().setUp()
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.patch(
            self.registry["chaser.watermark"], "_get_folder", lambda _self: folder
        )

    @classmethod
    def _create_company(cls, **values):
        """A company with a chart of accounts: one of those that dev/test lays ready
        (dev/ready_companies.py), else a new one."""
        ready = (
            cls.env["res.company"]
            .with_context(active_test=False)
            .sudo()
            .search(
                [("name", "=like", "Ready for a test %"), ("active", "=", False)],
                order="id",
                limit=1,
            )
        )
        if (
            not ready
            or cls.country_code
            or cls.chart_template
            or set(values) - {"name"}
        ):
            return super()._create_company(**values)
        company = ready.with_env(cls.env)
        company.partner_id.active = True
        company.write({"active": True, "name": "Test Company", **values})
        cls.env.user.company_ids = [Command.link(company.id)]
        return company

    @classmethod
    def _work_in(cls, companies):
        """Lets the tests' user and the accountant work in all of these companies at
        once, as the company switcher does."""
        for user in cls.env.user | cls.accountant:
            user.company_ids |= companies
        cls.env = cls.env(
            context=dict(cls.env.context, allowed_company_ids=companies.ids)
        )

    @classmethod
    def _make_customer(cls, name, email, **values):
        return cls.env["res.partner"].create(
            {
                "name": name,
                "email": email,
                "is_company": True,
                "company_id": False,
                **values,
            }
        )

    @classmethod
    def _make_invoice(
        cls,
        partner=None,
        amount=1000.0,
        days=20,
        post=True,
        currency=None,
        move_type="out_invoice",
        terms=None,
    ):
        """A posted customer invoice whose payment was due ``days`` days ago."""
        # Without the notes that Odoo writes of each value: a third of the time.
        quick = cls.env["account.move"].with_context(tracking_disable=True)
        invoice = quick.create(
            {
                "move_type": move_type,
                "partner_id": (partner or cls.customer).id,
                "invoice_date": cls.today - timedelta(days=days),
                "invoice_date_due": cls.today - timedelta(days=days),
                "invoice_payment_term_id": terms.id if terms else False,
                "currency_id": (currency or cls.company.currency_id).id,
                "invoice_line_ids": [
                    Command.create(
                        {
                            "name": "Goods",
                            "quantity": 1,
                            "price_unit": amount,
                            "tax_ids": [Command.clear()],
                        }
                    )
                ],
            }
        )
        if post:
            invoice.action_post()
        return invoice.with_env(cls.env)

    @classmethod
    def _invoice_customers(cls, count):
        """An invoice for each of so many new customers."""
        invoices = cls.env["account.move"]
        for number in range(count):
            invoices |= cls._make_invoice(
                cls._make_customer(f"Q{count}-{number}", f"q{number}@q{count}.example")
            )
        return invoices

    @classmethod
    def _pay(cls, invoice, amount=None):
        wizard = (
            cls.env["account.payment.register"]
            .with_context(active_model="account.move", active_ids=invoice.ids)
            .create({"amount": amount} if amount else {})
        )
        return wizard._create_payments()

    @classmethod
    def _receivable(cls, move):
        return move.line_ids.filtered(
            lambda line: line.account_id.account_type == "asset_receivable"
        )

    def _campaign(self, invoices, user=None, **values):
        Campaign = self.env["chaser.campaign"].with_user(user or self.accountant)
        return Campaign.create_for_invoices(invoices.ids, values).with_user(
            self.env.user
        )

    def _sent_campaign(self, invoices, **values):
        """A campaign, sent through a transport that takes everything."""
        campaign = self._campaign(invoices, **values)
        campaign.action_send()
        self._run(FakeTransport())
        return campaign

    def _run(self, transport=None, provider=None):
        """One run of the mailbox's scheduled job, by Odoo's own scheduler code, with
        this transport."""
        provider = provider or self.provider
        transport = transport or FakeTransport()
        self.env.flush_all()
        with (
            self.enter_registry_test_mode(),
            patch.object(type(provider), "_get_transport__", lambda _self: transport),
            patch.object(type(provider), "_pause", lambda _self, _seconds: None),
            patch.object(
                type(provider), "_start_alarm", lambda _self, _seconds, _dbname: None
            ),
        ):
            provider.cron_id.method_direct_trigger()
        self.env.invalidate_all()
        return transport

    def _later(self, **delta):
        """The clock, moved forward from now (UTC)."""
        return fields.Datetime.now() + timedelta(**delta)
