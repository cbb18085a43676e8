from unittest.mock import patch

from odoo.exceptions import AccessError, UserError
from odoo.modules.module import get_module_path
from odoo.service.model import call_kw
from odoo.tests import new_test_user, tagged
from odoo.tools import SQL, config, mute_logger

from .oauth_common import CLIENT_SECRET, MAILBOX, OauthCase

SETTINGS_SECRET, COMPANY_SEALED = (
    "chaser_google_client_secret",
    "chaser_google_client_secret_sealed",
)


@tagged("post_install", "-at_install")
class TestOauthSecrets(OauthCase):
    """Tokens and client secrets are out of everybody's reach: RPC, export, templates,
    dumps, copies."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        groups = (
            "base.group_system,base.group_erp_manager,"
            "account.group_account_manager,invoice_chaser.group_chaser_manager,base.group_allow_export"
        )
        cls.admin = new_test_user(
            cls.env,
            "oauth_admin",
            groups,
            company_id=cls.company.id,
            email="admin@pop.example",
        )

    def setUp(self):
        super().setUp()
        self._connected()
        self.authenticate("oauth_manager", "oauth_manager")
        # an unfinished consent, whose PKCE verifier is stored
        self._press_connect()
        self.env.flush_all()
        self.grant = self.box.sudo().grant_ids
        self.pending = (
            self.env["chaser.oauth.request"].sudo().search([("used_at", "=", False)])
        )
        opened = self.grant._load__()
        self.secrets = [
            opened.refresh,
            opened.tokens["api"]["value"],
            CLIENT_SECRET,
            self.grant.sealed,
            self.company.sudo()[COMPANY_SEALED],
            self.pending.memory_sealed,
            self.pending.nonce,
            self.pending.session_digest,
        ]
        self.assertTrue(all(self.secrets), "what the tests look for is really there")

    def _call(self, user, name, method, *args, **kwargs):
        return call_kw(self.env(user=user, su=False)[name], method, list(args), kwargs)

    def _assert_tells_nothing(self, answer):
        for secret in self.secrets:
            self.assertNotIn(secret, str(answer))

    def test_nobody_has_rights_on_the_tables(self):
        for user in (self.accountant, self.manager, self.admin):
            for record in (self.grant, self.pending):
                for method, *args in (
                    ("read", record.ids),
                    ("web_read", record.ids, {"create_date": {}}),
                    ("search", []),
                    ("search_read", []),
                    ("search_count", []),
                    ("name_search", ""),
                    ("formatted_read_group", [], [], ["__count"]),
                    ("export_data", record.ids, ["create_date"]),
                    ("write", record.ids, {}),
                    ("create", {}),
                    ("unlink", record.ids),
                    ("copy", record.ids),
                ):
                    with (
                        self.subTest(
                            user=user.login, model=record._name, method=method
                        ),
                        self.assertRaises(UserError) as caught,
                    ):
                        self._call(user, record._name, method, *args)
                    self._assert_tells_nothing(caught.exception)

    def test_nor_over_the_mailbox_or_the_company(self):
        ids, company_ids = self.box.ids, self.company.ids
        for user in (self.accountant, self.manager, self.admin):
            for name, method, *args in (
                ("chaser.provider", "read", ids, ["grant_ids"]),
                ("chaser.provider", "search", [("grant_ids.sealed", "=like", "c1%")]),
                (
                    "chaser.provider",
                    "web_read",
                    ids,
                    {"grant_ids": {"fields": {"sealed": {}}}},
                ),
                ("chaser.provider", "export_data", ids, ["grant_ids/sealed"]),
                (
                    "chaser.provider",
                    "write",
                    ids,
                    {"grant_ids": [(1, self.grant.id, {"sealed": "x"})]},
                ),
                (
                    "chaser.campaign",
                    "search",
                    [("provider_id.grant_ids.sealed", "!=", False)],
                ),
                ("res.company", "read", company_ids, [COMPANY_SEALED]),
                ("res.company", "search", [(COMPANY_SEALED, "=like", "c1%")]),
                ("res.company", "write", company_ids, {COMPANY_SEALED: "x"}),
                ("res.company", "export_data", company_ids, [COMPANY_SEALED]),
                (
                    "res.partner",
                    "search",
                    [(f"company_id.{COMPANY_SEALED}", "!=", False)],
                ),
            ):
                with self.subTest(user=user.login, name=name, method=method, args=args):
                    try:
                        answer = self._call(user, name, method, *args)
                    except (AccessError, UserError, ValueError) as error:
                        answer = error
                    else:
                        self.fail(f"not refused: {answer}")
                    self._assert_tells_nothing(answer)
        self.assertEqual(self.grant.sealed, self.secrets[3])

    def test_what_may_be_called_tells_nothing(self):
        for user in (self.manager, self.admin):
            answers = [
                self._call(user, "chaser.provider", "read", self.box.ids),
                self._call(user, "chaser.provider", "copy_data", self.box.ids),
                self._call(
                    user,
                    "res.company",
                    "read",
                    self.company.ids,
                    [
                        SETTINGS_SECRET,
                        "chaser_has_google_secret",
                        "chaser_google_client_id",
                    ],
                ),
                self._call(user, "chaser.reseal", "action_reseal"),
            ]
            self._assert_tells_nothing(answers)
            self.assertEqual(
                (
                    answers[2][0][SETTINGS_SECRET],
                    answers[2][0]["chaser_has_google_secret"],
                ),
                (False, True),
            )
            for method in (
                "_fetch_access_token__",
                "_get_oauth_service__",
                "_get_transport__",
                "_get_transport_gmail__",
                "_finish_consent",
                "_keep_grant",
            ):
                with self.assertRaises(AccessError):
                    self._call(user, "chaser.provider", method, self.box.ids)
        settings = self._call(
            self.admin,
            "res.config.settings",
            "default_get",
            ["chaser_google_client_id", SETTINGS_SECRET],
        )
        self._assert_tells_nothing(settings)

    def test_saving_the_settings_keeps_the_secret(self):
        """The settings are saved as a whole; an empty password field keeps the
        password."""
        sealed = self.company.sudo()[COMPANY_SEALED]
        self.env["res.config.settings"].with_user(self.admin).with_company(
            self.company
        ).create({"chaser_contact_interval": 9}).execute()
        self.assertEqual(self.company.sudo()[COMPANY_SEALED], sealed)
        self.env["res.config.settings"].with_user(self.admin).with_company(
            self.company
        ).create({SETTINGS_SECRET: " another "}).execute()
        self.assertEqual(
            self.company._get_chaser_app__("google").client_secret, "another"
        )

    def test_server_actions_and_templates_cannot_unseal(self):
        model_id = self.env["ir.model"].sudo()._get_id("chaser.provider")
        for expression in (
            "record._fetch_access_token__()",
            "record.sudo().grant_ids._load__()",
            "record._get_oauth_service__()",
            "record._get_transport__()._ApiTransport__get_token('')",
            "record.company_id._get_chaser_app__('google')",
        ):
            with (
                self.subTest(expression=expression),
                self.assertRaisesRegex(NameError, "forbidden name"),
            ):
                self.env["ir.actions.server"].with_user(self.admin).create(
                    {
                        "name": "x",
                        "model_id": model_id,
                        "state": "code",
                        "code": f"action = {{'x': {expression}}}",
                    }
                )
            with (
                self.subTest(expression=expression, way="template"),
                mute_logger(
                    "odoo.addons.mail.models.mail_template",
                    "odoo.addons.mail.models.mail_render_mixin",
                ),
                self.assertRaises(UserError) as caught,
            ):
                self.env["mail.template"].with_user(self.admin).create(
                    {
                        "name": "x",
                        "model_id": model_id,
                        "subject": f"{{{{ {expression.replace('record', 'object')} "
                        f"}}}}",
                    }
                )
            self._assert_tells_nothing(caught.exception)

    def test_database_holds_no_clear_text(self):
        """Every text of the tables that could hold one, as a dump would have it."""
        self.env.flush_all()
        columns = self.env.execute_query(
            SQL(
                """SELECT c.table_name, c.column_name FROM information_schema.columns c
                JOIN information_schema.tables t USING (table_schema, table_name)
                WHERE table_schema = 'public' AND table_type = 'BASE TABLE'
                AND data_type IN ('text', 'character varying', 'jsonb', 'json', 'bytea')
                  AND (table_name LIKE 'chaser%%' OR table_name LIKE 'mail%%'
                  OR table_name LIKE 'ir%%' OR table_name LIKE 'res%%')"""
            )
        )
        self.assertIn(("chaser_oauth_grant", "sealed"), columns)

        def find(needle):
            return [
                (table, column)
                for table, column in columns
                if self.env.execute_query(
                    SQL(
                        "SELECT 1 FROM %s WHERE %s::text LIKE %s LIMIT 1",
                        SQL.identifier(table),
                        SQL.identifier(column),
                        f"%{needle}%",
                    )
                )
            ]

        for secret in self.secrets[:3]:
            self.assertEqual(find(secret), [])
        self.assertIn(
            ("chaser_provider", "email"),
            find(MAILBOX),
            "the search does find what is there",
        )

    def test_moved_to_another_mailbox_it_does_not_open(self):
        other = self.box.copy({"email": "x@pop.example"})
        stolen = (
            self.env["chaser.oauth.grant"]
            .sudo()
            .create(
                {
                    "provider_id": other.id,
                    "database_id": self.grant.database_id,
                    "sealed": self.grant.sealed,
                }
            )
        )
        with self.assertRaisesRegex(
            UserError, "press Connect again|Press Connect again"
        ):
            stolen._load__()

    def test_neutralized_copy(self):
        with open(f"{get_module_path('invoice_chaser')}/data/neutralize.sql") as script:
            self.env.cr.execute(script.read())
        self.env.invalidate_all()
        self.assertFalse(self.box.is_granted)
        self.assertFalse(self.company.sudo()[COMPANY_SEALED])
        self.assertFalse(self.env["chaser.oauth.request"].sudo().search([]))
        before = len(self.fake.requests)
        self.box.with_user(self.manager).action_test_connection()
        self.assertNotEqual(self.box.state, "connected")
        with self.assertRaises(UserError):
            self.box.with_user(self.manager).action_connect()
        self.assertEqual(len(self.fake.requests), before, "nothing is asked")

    def test_restored_copy_neither_sends_nor_renews(self):
        """Not neutralized, with the key at hand, but another database id, as Odoo gives
        a copy."""
        campaign = self._campaign(self._make_invoice(), provider_id=self.box.id)
        campaign.action_send()
        self.env["ir.config_parameter"].sudo().set_param("database.uuid", "copy")
        before = len(self.fake.requests)
        with self._own_cursors():
            self.box.cron_id.method_direct_trigger()
            self.box.with_user(self.manager).action_test_connection()
        self.assertEqual((len(self.fake.requests), self.fake.received), (before, []))
        self.assertEqual(campaign.reminder_ids.state, "queued")
        self.assertNotEqual(self.box.state, "connected")
        self.assertIn("copy of the database", self.box.last_error)

    def test_detour_leads_to_this_machine_only(self):
        for address in (
            "https://evil.example",
            "http://10.0.0.5:80",
            "http://127.0.0.1.evil.example",
            "ftp://127.0.0.1",
            "http://localhost@evil.example",
        ):
            with (
                patch.dict(config.options, {"invoice_chaser_detour": address}),
                self.assertRaisesRegex(UserError, "this machine"),
            ):
                self.box._get_oauth_service__()
        self.assertNotIn(
            "detour",
            " ".join(self.env["chaser.provider"]._fields)
            + " ".join(self.env["res.config.settings"]._fields),
        )
