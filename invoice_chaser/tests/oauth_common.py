import html
import re
import sys
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from odoo.tests import HttpCase, new_test_user
from odoo.tools import config

from .common import ChaserCase

# The fakes are beside the addon (tests/support), where the tests without a registry use
# them too.
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))
from support.fake_google import FakeGoogle  # noqa: E402
from support.fake_microsoft import FakeMicrosoft  # noqa: E402
from support.fake_service import Response  # noqa: E402, F401
from support.smtp_server import SmtpServer  # noqa: E402, F401

MAILBOX = "accounts@pop.example"
BASE_URL = "http://localhost:8069"
CLIENT_SECRET = "Client-Geheimnis-0815"


class OutlookMixin:
    kind, service, fake_class = "outlook", "microsoft", FakeMicrosoft
    send_right, read_right = "Mail.Send", "Mail.ReadWrite"


class OauthCase(HttpCase, ChaserCase):
    """A company registered at a fake service on loopback, and a manager with a mailbox
    to connect."""

    kind = "gmail"
    service = "google"
    fake_class = FakeGoogle
    send_right, read_right = "gmail.send", "gmail.readonly"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.fake = cls.fake_class(
            accounts=(MAILBOX, "other@pop.example"),
            client_secret=CLIENT_SECRET,
            redirect_uris=(f"{BASE_URL}/chaser/oauth/callback",),
        ).start()
        cls.addClassCleanup(cls.fake.stop)
        cls.startClassPatcher(
            patch.dict(config.options, {"invoice_chaser_detour": cls.fake.base})
        )
        cls.env["ir.config_parameter"].sudo().set_param("web.base.url", BASE_URL)
        cls.company.write(
            {
                f"chaser_{cls.service}_client_id": cls.fake.client_id,
                f"chaser_{cls.service}_client_secret": CLIENT_SECRET,
            }
        )
        cls.manager = new_test_user(
            cls.env,
            "oauth_manager",
            "invoice_chaser.group_chaser_manager",
            company_id=cls.company.id,
            email="m@pop.example",
        )
        # An address has one mailbox in a company.
        cls.provider.email = "post@pop.example"
        cls.box = cls.env["chaser.provider"].create(
            {
                "company_id": cls.company.id,
                "kind": cls.kind,
                "email": MAILBOX,
                "sender_name": "POP Accounts",
                "per_domain_minute": 0,
                "batch_pause": 0,
            }
        )

    def setUp(self):
        super().setUp()
        self.fake.heal()
        self.fake.revoke_all()
        self.fake.received.clear()

    # -- in the browser

    def _press_connect(self, box=None, login="oauth_manager"):
        """As the web client does it; returns the address at the service."""
        self.env.flush_all()
        answer = self.make_jsonrpc_request(
            "/web/dataset/call_button/chaser.provider/action_connect",
            {
                "model": "chaser.provider",
                "method": "action_connect",
                "args": [(box or self.box).ids],
                "kwargs": {},
            },
        )
        return answer["url"]

    def _come_back(self, url, **headers):
        """Follow the service's redirect to our callback, as the same browser. Returns
        the response, redirects not followed."""
        path = url.removeprefix(BASE_URL)
        response = self.url_open(path, headers=headers, allow_redirects=False)
        self.env.invalidate_all()
        return response

    def _connect(self, box=None, account="", **consent):
        self.authenticate("oauth_manager", "oauth_manager")
        return self._come_back(
            self.fake.consent(self._press_connect(box), account, **consent)
        )

    def _connected(self, box=None):
        """A mailbox with a live consent."""
        response = self._connect(box)
        self.assertEqual(response.status_code, 303, response.text[:500])
        return box or self.box

    def _get_words(self, response):
        text = re.sub(
            r"<head>.*?</head>|<script.*?</script>|<style.*?</style>",
            " ",
            response.text,
            flags=re.S,
        )
        return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())

    @contextmanager
    def _own_cursors(self):
        """Work that opens cursors of its own sees the test's data, and the other way
        round (HttpCase shares them already)."""
        self.env.flush_all()
        yield
        self.env.invalidate_all()
