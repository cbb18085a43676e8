import logging
from contextlib import contextmanager
from unittest.mock import patch

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.modules.module import get_module_path
from odoo.service.model import call_kw
from odoo.tests import new_test_user, tagged
from odoo.tools import SQL, config

from ..core.errors import AuthenticationFailed
from ..core.transports.smtp import SmtpTransport
from ..hooks import uninstall_hook
from .common import KEYS, ChaserCase, FakeTransport

PASSWORD = "Sesam-öffne-dich-4711"
FIELD, SEALED = "smtp_password", "smtp_password_sealed"
NEW_KEY = "next:" + "bmV4dC1rZXktbmV4dC1rZXktbmV4dC1rZXktMzIhISE="


@tagged("post_install", "-at_install")
class TestSecrets(ChaserCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # With chatter tracking, which Odoo's test classes switch off.
        cls.env = cls.env(context={"allowed_company_ids": cls.company.ids, "tracking_disable": False})
        groups = "base.group_system,base.group_erp_manager,account.group_account_manager,invoice_chaser.group_chaser_manager,base.group_allow_export"
        cls.admin = new_test_user(cls.env, "secrets_admin", groups, company_id=cls.company.id, email="admin@pop.example")
        cls.manager = new_test_user(
            cls.env, "secrets_manager", "invoice_chaser.group_chaser_manager", company_id=cls.company.id, email="m@pop.example")
        cls.provider = cls.provider.with_env(cls.env)
        cls.provider.write({"smtp_user": "accounts", FIELD: PASSWORD})
        cls.provider._set_state("connected")
        cls.env.flush_all()
        cls.sealed = cls.provider.sudo()[SEALED]

    def setUp(self):
        super().setUp()
        self.env.invalidate_all()

    def _call(self, user, method, *args, **kwargs):
        model = self.env(user=user, su=False)["chaser.provider"]
        return call_kw(model, method, list(args), kwargs)

    def _assert_tells_nothing(self, answer):
        for secret in (PASSWORD, self.sealed, self.sealed.split(".")[-1]):
            self.assertNotIn(secret, str(answer))

    @contextmanager
    def _keys(self, keys):
        with patch.dict("os.environ", {"INVOICE_CHASER_KEYS": keys}), patch.dict(config.options, {"invoice_chaser_keys": ""}):
            yield

    # -- no way to read it

    def test_setup_seals(self):
        """What the other tests look for is really there."""
        self.assertTrue(self.sealed.startswith("c1.test."))
        self.assertEqual(self.provider._get_transport_smtp().whoami(), "accounts")
        self.assertEqual(self._open(), PASSWORD)

    def _open(self):
        """The password as the server would get it."""
        given = []

        class Session:
            def login(self, user, password):
                given.append(password)

            def close(self):
                pass

            quit = close

        with patch("smtplib.SMTP", lambda *_args, **_kwargs: Session()):
            transport = self.provider._get_transport_smtp()
            transport.open()
            transport.close()
        return given[0]

    def test_nobody_reads_the_sealed_text(self):
        ids = self.provider.ids
        for user in (self.accountant, self.manager, self.admin):
            calls = [
                ("read", ids, [SEALED]), ("web_read", ids, {SEALED: {}}), ("search_read", [], [SEALED]), ("web_search_read", [], {SEALED: {}}),
                ("formatted_read_group", [], [SEALED], ["__count"]), ("formatted_read_group", [], [], [f"{SEALED}:max"]),
                ("web_read_group", [], [SEALED]), ("search", [], 0, None, SEALED), ("search_panel_select_range", SEALED),
                ("read_progress_bar", [], SEALED, {"field": "state", "colors": {}}),
                *((method, [(SEALED, operator, value)]) for method in ("search", "search_count") for operator, value in (
                    ("=like", "c1.%"), ("=ilike", "c1.%"), ("like", "c1"), ("=", self.sealed), ("!=", False), ("in", [self.sealed]), (">", "b"), ("<", "d"))),
                ("name_search", "", [(SEALED, "=like", "c1.%")]), ("search", [("id", "any", [(SEALED, "=like", "c1.%")])]),
                ("write", ids, {SEALED: "x"}), ("web_save", ids, {SEALED: "x"}, {}), ("create", [{"email": "x@pop.example", SEALED: "x"}]),
            ]
            for method, *args in calls:
                with self.subTest(user=user.login, method=method, args=args):
                    # A form of the call that is no call at all is refused as well, but that would prove nothing.
                    with self.assertRaises((AccessError, UserError, ValueError, TypeError)) if False else self._assert_refused() as caught:
                        self._call(user, method, *args)
                    self._assert_tells_nothing(caught.exception)
        self.assertEqual(self.provider.sudo()[SEALED], self.sealed)

    def _assert_refused(self):
        return self.assertRaises(AccessError)

    def test_probe(self):
        for code in (
            "action = {'x': record.sudo()._open_secret('smtp_password_sealed')}",
            "action = {'x': record._get_transport()._settings.password}",
            "action = {'x': record._get_key_ring()._keys}",
        ):
            a = self.env["ir.actions.server"].sudo().create({"name": "x", "model_id": self.env["ir.model"].sudo()._get_id("chaser.provider"), "state": "code", "code": code})
            try:
                print("SERVER", a.with_user(self.admin).with_context(active_model="chaser.provider", active_id=self.provider.id, active_ids=self.provider.ids).run())
            except Exception as e:
                print("ERR", repr(e)[:300])
        print("GRP", self.accountant.has_group("mail.group_mail_template_editor"))
        for code in ("{{ object.sudo()._open_secret('smtp_password_sealed') }}", "{{ object._get_transport()._settings.password }}"):
            try:
                t = self.env["mail.template"].with_user(self.accountant).create({"name": "x", "model_id": self.env["ir.model"].sudo()._get_id("chaser.provider"), "subject": code})
                print("TPL", t._render_field("subject", self.provider.ids))
            except Exception as e:
                print("ERR", repr(e)[:300])
