import contextlib
import inspect
import logging
import smtplib
from contextlib import contextmanager
from unittest.mock import patch

from odoo import models
from odoo.exceptions import AccessError, UserError
from odoo.modules.module import get_module_path
from odoo.service.model import call_kw
from odoo.tests import new_test_user, tagged
from odoo.tools import SQL, config, mute_logger

from ..hooks import uninstall_hook
from .common import KEYS, ChaserCase

# What connects to a mail server of our own.
SESSION = "odoo.addons.invoice_chaser.core.mail.transports.smtp.TimedSmtp"
PASSWORD = "Sesam-öffne-dich-4711"
FIELD, SEALED = "smtp_password", "smtp_password_sealed"
NEW_KEY = "next:" + "bmV4dC1rZXktbmV4dC1rZXktbmV4dC1rZXktMzIhISE="


@tagged("post_install", "-at_install")
class TestSecrets(ChaserCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # With chatter tracking, which Odoo's test classes switch off.
        cls.env = cls.env(
            context={"allowed_company_ids": cls.company.ids, "tracking_disable": False}
        )
        groups = (
            "base.group_system,base.group_erp_manager,"
            "account.group_account_manager,invoice_chaser.group_chaser_manager,base.group_allow_export"
        )
        cls.admin = new_test_user(
            cls.env,
            "secrets_admin",
            groups,
            company_id=cls.company.id,
            email="admin@pop.example",
        )
        cls.manager = new_test_user(
            cls.env,
            "secrets_manager",
            "invoice_chaser.group_chaser_manager,base.group_allow_export",
            company_id=cls.company.id,
            email="m@pop.example",
        )
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
        with (
            patch.dict("os.environ", {"INVOICE_CHASER_KEYS": keys}),
            patch.dict(config.options, {"invoice_chaser_keys": ""}),
        ):
            yield

    def _open(self):
        """The password as the server would get it."""
        given = []

        class Session:
            def login(self, user, password):
                given.append(password)

            def close(self):
                pass

            quit = close

        with patch(SESSION, lambda *_args, **_kwargs: Session()):
            transport = self.provider._get_transport_smtp__()
            transport.open()
            transport.close()
        return given[0]

    def _get_stored(self, provider=None):
        self.env.flush_all()
        [(sealed,)] = self.env.execute_query(
            SQL(
                "SELECT smtp_password_sealed FROM chaser_provider WHERE id = %s",
                (provider or self.provider).id,
            )
        )
        return sealed

    # -- no way to read it

    def test_it_is_sealed_and_reaches_the_server(self):
        """The secret that the other tests look for is really stored."""
        self.assertTrue(self.sealed.startswith("c1.test."))
        self.assertEqual(self._open(), PASSWORD)
        self.assertTrue(self.provider.with_user(self.accountant).has_smtp_password)

    def test_nobody_reaches_the_sealed_text(self):
        ids = self.provider.ids
        for user in (self.accountant, self.manager, self.admin):
            calls = [
                ("read", ids, [SEALED]),
                ("web_read", ids, {SEALED: {}}),
                ("search_read", [], [SEALED]),
                ("web_search_read", [], {SEALED: {}}),
                ("formatted_read_group", [], [SEALED], ["__count"]),
                ("formatted_read_group", [], [], [f"{SEALED}:max"]),
                ("web_read_group", [], [SEALED]),
                ("search", [("id", "in", ids)], 0, None, SEALED),
                ("web_save", ids, {"sequence": 10}, {SEALED: {}}),
                ("read_progress_bar", [], SEALED, {"field": "state", "colors": {}}),
                *(
                    (method, [(SEALED, operator, value)])
                    for method in ("search", "search_count")
                    for operator, value in (
                        ("=like", "c1.%"),
                        ("=ilike", "c1.%"),
                        ("like", "c1"),
                        ("=", self.sealed),
                        ("!=", False),
                        ("in", [self.sealed]),
                        (">", "b"),
                        ("<", "d"),
                    )
                ),
                ("name_search", "", [(SEALED, "=like", "c1.%")]),
                ("search", [("id", "any", [(SEALED, "=like", "c1.%")])]),
                ("search", ["!", (SEALED, "=like", "c1.%")]),
                ("write", ids, {SEALED: "x"}),
                ("web_save", ids, {SEALED: "x"}, {}),
                ("create", [{"email": "x@pop.example", SEALED: "x"}]),
            ]
            for method, *args in calls:
                with self.subTest(user=user.login, method=method, args=args):
                    with self.assertRaises(AccessError) as caught:
                        self._call(user, method, *args)
                    self._assert_tells_nothing(caught.exception)
        for model, path in (
            ("chaser.campaign", f"provider_id.{SEALED}"),
            ("chaser.reminder", f"provider_id.{SEALED}"),
        ):
            with self.subTest(path=path), self.assertRaises(AccessError):
                call_kw(
                    self.env(user=self.admin, su=False)[model],
                    "search",
                    [[(path, "=like", "c1.%")]],
                    {},
                )
        self.assertEqual(self._get_stored(), self.sealed)

    def test_what_may_be_called_tells_nothing(self):
        ids = self.provider.ids
        for user in (self.manager, self.admin):
            answers = [
                self._call(user, "read", ids),
                self._call(user, "search_read", []),
                self._call(user, "fields_get"),
                self._call(user, "read", ids, [FIELD, "has_smtp_password"]),
                self._call(user, "web_read", ids, {FIELD: {}, "display_name": {}}),
                self._call(user, "export_data", ids, ["name", FIELD]),
                self._call(user, "name_search", ""),
                self._call(
                    user,
                    "web_save",
                    ids,
                    {FIELD: PASSWORD},
                    {FIELD: {}, "has_smtp_password": {}},
                ),
                self._call(user, "copy_data", ids),
                self._call(
                    user,
                    "get_views",
                    [[False, "form"], [False, "list"], [False, "search"]],
                ),
            ]
            self._assert_tells_nothing(answers)
            self.assertEqual(answers[3][0][FIELD], False)
            self.assertNotIn(SEALED, self._call(user, "fields_get"))
            for method in (
                "mapped",
                "filtered",
                "_open_secret__",
                "_get_transport__",
                "_get_transport_smtp__",
            ):
                with self.subTest(method=method), self.assertRaises(AccessError):
                    self._call(user, method, ids, SEALED)

    def test_export_of_the_sealed_text(self):
        """An export names unknown columns or refuses; either way the text is not in
        it."""
        for user in (self.manager, self.admin):
            with self.assertRaises(AccessError) as caught:
                self._call(user, "export_data", self.provider.ids, ["name", SEALED])
            self._assert_tells_nothing(caught.exception)

    def test_search_by_the_password_finds_nothing_out(self):
        """A secret cannot be guessed by searching for it."""
        for operator in ("=", "=like", "ilike", "!="):
            with self.subTest(operator=operator):
                try:
                    right, wrong = (
                        self._call(
                            self.admin, "search_count", [(FIELD, operator, guess)]
                        )
                        for guess in (PASSWORD, "wrong")
                    )
                except (UserError, ValueError) as error:
                    self._assert_tells_nothing(str(error).replace(PASSWORD, ""))
                else:
                    self.assertEqual(right, wrong)

    def test_server_actions_and_templates_cannot_unseal(self):
        """Users who may write code in Odoo's forms can read the sealed text, which is
        useless, but nothing that opens it."""
        model_id = self.env["ir.model"].sudo()._get_id("chaser.provider")
        self.env.ref("base.group_user").sudo().implied_ids += self.env.ref(
            "mail.group_mail_template_editor"
        )
        for expression in (
            f"RECORD.sudo()._open_secret__('{SEALED}')",
            "RECORD._get_key_ring__()",
            "RECORD._get_transport_smtp__()._SmtpTransport__settings",
            "RECORD._get_transport__().__settings",
        ):
            with (
                self.subTest(expression=expression, way="action"),
                self.assertRaisesRegex(NameError, "forbidden name"),
            ):
                self.env["ir.actions.server"].with_user(self.admin).create(
                    {
                        "name": "x",
                        "model_id": model_id,
                        "state": "code",
                        "code": f"action = {{'x': "
                        f"{expression.replace('RECORD', 'record')}}}",
                    }
                )
            with (
                self.subTest(expression=expression, way="template"),
                mute_logger(
                    "odoo.addons.mail.models.mail_template",
                    "odoo.addons.mail.models.mail_render_mixin",
                ),
            ):
                with self.assertRaises(UserError) as caught:
                    self.env["mail.template"].with_user(self.admin).create(
                        {
                            "name": "x",
                            "model_id": model_id,
                            "subject": f"{{{{ "
                            f"{expression.replace('RECORD', 'object')} }}}}",
                        }
                    )
                self._assert_tells_nothing(caught.exception)
        harmless = (
            self.env["mail.template"]
            .with_user(self.admin)
            .create(
                {"name": "x", "model_id": model_id, "subject": "{{ object.email }}"}
            )
        )
        self.assertEqual(
            harmless._render_field("subject", self.provider.ids),
            {self.provider.id: "accounts@pop.example"},
        )

    def test_an_opened_transport_holds_no_password(self):
        """Neither in its own attributes, as far as code in Odoo's forms may look, nor
        in smtplib's session."""
        with (
            patch(
                "smtplib.SMTP.login",
                lambda session, user, password: setattr(session, "password", password),
            ),
            patch("smtplib.SMTP.connect", lambda *_args, **_kwargs: (220, b"")),
        ):
            transport = self.provider._get_transport_smtp__()
            transport.open()
        seen = {
            name: value for name, value in vars(transport).items() if "__" not in name
        }
        self.assertIn("_session", seen)
        self._assert_tells_nothing(
            [seen, vars(seen["_session"]), repr(transport), repr(vars(transport))]
        )

    def test_password_does_not_follow_to_another_server(self):
        """Else a user who may edit the mailbox could set a server of their own and read
        the password there."""
        self._call(
            self.manager,
            "write",
            self.provider.ids,
            {"smtp_host": self.provider.smtp_host},
        )
        self.assertEqual(self._get_stored(), self.sealed, "the same server")
        self._call(
            self.manager, "write", self.provider.ids, {"smtp_host": "evil.example"}
        )
        self.assertIsNone(self._get_stored())
        self.assertFalse(self.provider.has_smtp_password)
        with patch(SESSION) as server:
            self._call(self.manager, "action_test_connection", self.provider.ids)
        server.assert_not_called()
        self.assertIn("password", self.provider.last_error)
        self._call(
            self.manager,
            "write",
            self.provider.ids,
            {"smtp_host": "new.example", FIELD: "new password"},
        )
        self.assertEqual(self._open(), "new password")
        for change in ({"smtp_port": 2525}, {"smtp_encryption": "ssl"}):
            with self.subTest(change=change), self.cr.savepoint() as savepoint:
                self._call(self.manager, "write", self.provider.ids, change)
                self.assertIsNone(self._get_stored())
                savepoint.rollback()
            self.env.invalidate_all()

    def test_password_does_not_follow_to_another_imap_server(self):
        """Reading with the login of sending sends the password there."""
        stranger = {
            "read_method": "imap",
            "imap_host": "evil.example",
            "imap_port": 143,
            "imap_encryption": "none",
            "imap_login": "smtp",
        }
        with self.assertRaisesRegex(UserError, "evil.example"), self.cr.savepoint():
            self._call(self.manager, "write", self.provider.ids, stranger)
        self._call(
            self.manager, "write", self.provider.ids, stranger | {"imap_login": "own"}
        )
        with self.assertRaisesRegex(UserError, "evil.example"), self.cr.savepoint():
            self._call(self.manager, "write", self.provider.ids, {"imap_login": "smtp"})
        self._call(
            self.manager,
            "write",
            self.provider.ids,
            {"imap_login": "smtp", FIELD: "entered again"},
        )
        self.assertEqual(self._open(), "entered again")

    def test_what_may_be_called_leads_to_no_secret(self):
        """Every method of every model whose name Odoo's safe_eval allows, called as a
        server action can call it: nothing that comes back holds a secret, however deep
        a format string looks into it."""
        secrets = (PASSWORD, "imap-secret-4711", "hook-secret-4711")
        box = self.provider
        box.write(
            {
                "read_method": "imap",
                "imap_host": "imap.pop.example",
                "imap_login": "own",
                "imap_password": secrets[1],
                "webhook_service": "mailgun",
                "webhook_secret": secrets[2],
            }
        )
        self.env.flush_all()
        count = 0
        with patch("socket.create_connection", side_effect=OSError):
            for name in dir(type(box)):
                if "__" in name or not name.startswith(
                    ("_get", "_make", "_open", "_r")
                ):
                    continue
                method = getattr(type(box), name)
                if not inspect.isfunction(method) or self._needs_more(method):
                    continue
                found = ""
                with self.cr.savepoint(flush=False) as savepoint:
                    with contextlib.suppress(Exception):
                        found = self._find_secret(getattr(box, name)(), secrets)
                        count += 1
                    savepoint.rollback()
                self.assertFalse(found, f"{name}() leads to a secret by {found}")
        self.assertGreater(count, 20)
        with self.assertRaises(AssertionError):  # the search would find one
            found = self._find_secret(box._get_transport__(), secrets)
            self.assertFalse(found)

    def _needs_more(self, method):
        parameters = list(inspect.signature(method).parameters.values())[1:]
        return any(
            one.default is one.empty
            and one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)
            for one in parameters
        )

    def _find_secret(self, value, secrets, path="", depth=0, seen=None):
        """The way to a secret by attributes, items, closures and generators."""
        seen = set() if seen is None else seen
        if isinstance(value, (str, bytes)):
            text = value if isinstance(value, str) else value.decode(errors="replace")
            return path if any(secret in text for secret in secrets) else ""
        if (
            depth > 6
            or id(value) in seen
            or isinstance(value, (models.BaseModel, type, int, float, type(None)))
            or inspect.ismodule(value)
        ):
            return ""
        seen.add(id(value))
        for name, inner in self._look_into(value):
            found = self._find_secret(inner, secrets, f"{path}.{name}", depth + 1, seen)
            if found:
                return found
        return ""

    def _look_into(self, value):
        if isinstance(value, dict):
            yield from value.items()
        elif isinstance(value, (list, tuple, set, frozenset)):
            yield from enumerate(value)
        elif inspect.isfunction(value):
            for cell in value.__closure__ or ():
                yield "cell_contents", cell.cell_contents
        elif inspect.ismethod(value):
            yield "__self__", value.__self__
        else:
            names = list(getattr(value, "__dict__", ()))
            for kind in type(value).__mro__:
                names += getattr(kind, "__slots__", ())
            for name in names:
                yield name, getattr(value, name, None)

    def test_copy_has_no_password(self):
        copy = self.provider.with_user(self.manager).copy({"email": "copy@pop.example"})
        self.assertIsNone(self._get_stored(copy))
        self.assertFalse(copy.has_smtp_password)

    # -- no copies of it elsewhere

    def _finish_transaction(self):
        """What Odoo does at the end of a request: tracked changes are written then."""
        self.env.flush_all()
        self.env.cr.precommit.run()

    def test_chatter_and_logs_are_silent(self):
        records = []
        handler = logging.Handler()
        handler.emit = lambda record: records.append(
            f"{record.getMessage()} {record.exc_text or ''} {record.exc_info or ''}"
        )
        loggers = {
            name: logging.getLogger(name)
            for name in (
                "",
                "odoo",
                "odoo.sql_db",
                "odoo.models",
                "odoo.addons",
                "odoo.addons.invoice_chaser",
                "smtplib",
            )
        }
        levels = {name: logger.level for name, logger in loggers.items()}
        loggers[""].addHandler(handler)
        try:
            for logger in loggers.values():
                logger.setLevel(logging.DEBUG)
            provider = (
                self.env["chaser.provider"]
                .with_user(self.manager)
                .create(
                    {
                        "kind": "smtp",
                        "email": "log@pop.example",
                        "smtp_host": "127.0.0.1",
                        "smtp_port": 1,
                        "smtp_encryption": "none",
                        "smtp_user": "u",
                        FIELD: PASSWORD,
                    }
                )
            )
            self._finish_transaction()
            provider.write({FIELD: PASSWORD + "2", "sender_name": "Changed"})
            self._finish_transaction()
            provider.action_test_connection()  # nobody listens on port 1
            self.assertTrue(provider.last_error)
            with patch(SESSION) as server:
                server.return_value.login.side_effect = smtplib.SMTPAuthenticationError(
                    535, b"5.7.8 wrong"
                )
                provider.action_test_connection()
                self.assertTrue(server.return_value.login.called)
                self.assertEqual(server.return_value.set_debuglevel.call_count, 0)
            self.assertIn("5.7.8", provider.last_error)
            with self.assertRaises(UserError):
                provider.write({"email": "not an address", FIELD: PASSWORD})
            provider.action_clear_password()
            self._finish_transaction()
        finally:
            loggers[""].removeHandler(handler)
            for name, logger in loggers.items():
                logger.setLevel(levels[name])
        self.assertTrue(
            any(
                "INSERT INTO" in line and "chaser_provider" in line for line in records
            ),
            "the log really was listened to",
        )
        self._assert_tells_nothing(records)
        tracking = provider.message_ids.sudo().tracking_value_ids
        self.assertIn("Changed", tracking.mapped("new_value_char"), "tracking is on")
        self._assert_tells_nothing(
            [tracking.read(), provider.message_ids.sudo().read(["body", "subject"])]
        )
        self.assertFalse(
            tracking.filtered(lambda value: value.field_id.name in (FIELD, SEALED))
        )

    def test_database_holds_no_clear_text(self):
        """Every text of the addon's and the chatter's tables, as a dump would have
        it."""
        self.provider.with_user(self.manager).write(
            {FIELD: PASSWORD, "sender_name": "Needle"}
        )
        self.env.flush_all()
        columns = self.env.execute_query(
            SQL(
                """SELECT c.table_name, c.column_name FROM information_schema.columns c
                JOIN information_schema.tables t USING (table_schema, table_name)
                WHERE table_schema = 'public' AND table_type = 'BASE TABLE'
                AND data_type IN ('text', 'character varying', 'jsonb', 'json', 'bytea')
                  AND (table_name LIKE 'chaser%%' OR table_name LIKE 'mail%%'
                  OR table_name LIKE 'ir%%' OR table_name LIKE 'bus%%')"""
            )
        )
        self.assertIn(("chaser_provider", SEALED), columns)

        def find(needle):
            like = f"%{needle}%"
            return [
                (table, column)
                for table, column in columns
                if self.env.execute_query(
                    SQL(
                        "SELECT 1 FROM %s WHERE %s::text LIKE %s LIMIT 1",
                        SQL.identifier(table),
                        SQL.identifier(column),
                        like,
                    )
                )
            ]

        self.assertEqual(find(PASSWORD), [])
        key = KEYS.partition(":")[2]
        self.assertEqual(find(key), [], "nor the key")
        self.assertIn(
            ("chaser_provider", "sender_name"),
            find("Needle"),
            "the search does find what is there",
        )

    # -- keys

    def test_rotation(self):
        """The new key in front seals, the old one still opens; without the old one the
        message says what to do."""
        with self._keys(f"{NEW_KEY},{KEYS}"):
            self.assertEqual(self._open(), PASSWORD)
            self.provider.write({FIELD: PASSWORD})
            self.assertTrue(self._get_stored().startswith("c1.next."))
        with self._keys(NEW_KEY):
            self.assertEqual(self._open(), PASSWORD)
        with (
            self._keys(KEYS),
            self.assertRaisesRegex(
                UserError, "“next”.*not in the key ring.*enter the password again"
            ),
        ):
            self._open()

    def test_bound_to_its_record(self):
        """A sealed text put onto another mailbox, or into another database, does not
        open."""
        other = self.env["chaser.provider"].create(
            {
                "kind": "smtp",
                "email": "other@pop.example",
                "smtp_host": "127.0.0.1",
                "smtp_port": 1,
                "smtp_user": "u",
                "company_id": self.company.id,
            }
        )
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                "UPDATE chaser_provider SET smtp_password_sealed = %s WHERE id = %s",
                self.sealed,
                other.id,
            )
        )
        self.env.invalidate_all()
        with self.assertRaisesRegex(UserError, "does not belong to this record"):
            other._get_transport_smtp__()
        self.env["ir.config_parameter"].sudo().set_param(
            "database.uuid", "another-database"
        )
        with self.assertRaisesRegex(UserError, "does not belong to this record"):
            self._open()

    def test_without_a_key_nothing_is_stored(self):
        for keys, words in (
            ("", "INVOICE_CHASER_KEYS"),
            ("test:short", "malformed"),
            (KEYS.partition(":")[2], "malformed"),
        ):
            with self.subTest(keys=keys), self._keys(keys):
                values = {
                    "kind": "smtp",
                    "email": "no@pop.example",
                    "smtp_user": "u",
                    FIELD: "another password",
                }
                with self.assertRaises(UserError) as caught:
                    self._call(self.manager, "create", [values])
                self.assertIn(words, str(caught.exception))
                self.assertNotIn(
                    keys or "another password",
                    str(caught.exception),
                    "a malformed key may still be a key",
                )
                with self.assertRaisesRegex(UserError, words):
                    self._call(
                        self.manager,
                        "write",
                        self.provider.ids,
                        {FIELD: "another password"},
                    )
                self.env.invalidate_all()
                self.assertEqual(self._get_stored(), self.sealed)
                self.assertFalse(
                    self.env["chaser.provider"].search(
                        [("email", "=", "no@pop.example")]
                    )
                )
                self._call(self.manager, "action_test_connection", self.provider.ids)
                self.assertIn(words, self.provider.last_error)
                self.assertEqual(self.provider.state, "draft")
                self.assertIn(
                    words, self.env["res.config.settings"].create({}).chaser_key_status
                )
        self.assertEqual(self._open(), PASSWORD)

    def test_without_a_key_a_run_holds_everything(self):
        """A server restarted without its key: the mailbox says so, every reminder stays
        queued, nothing fails."""
        campaign = self._campaign(self._make_invoice())
        campaign.action_send()
        self.env.flush_all()
        with (
            self._keys(""),
            self.enter_registry_test_mode(),
            patch(SESSION) as server,
        ):
            self.provider.cron_id.method_direct_trigger()
        self.env.invalidate_all()
        server.assert_not_called()
        self.assertEqual(
            (campaign.reminder_ids.state, self.provider.state), ("queued", "expired")
        )
        self.assertIn("INVOICE_CHASER_KEYS", self.provider.last_error)

    # -- copies of the database, and the end

    def _neutralize(self):
        self.env.flush_all()
        with open(f"{get_module_path('invoice_chaser')}/data/neutralize.sql") as script:
            self.env.cr.execute(script.read())
        self.env.invalidate_all()

    def test_neutralized_copy_cannot_send(self):
        sending, scheduled = (
            self._campaign(self._make_invoice()),
            self._campaign(
                self._make_invoice(self._make_customer("Two", "two@customer.example"))
            ),
        )
        sending.action_send()
        scheduled.action_schedule(self._later(hours=1))
        draft = self._campaign(
            self._make_invoice(self._make_customer("Three", "three@customer.example"))
        )
        self._neutralize()
        self.assertEqual(
            (
                self.provider.state,
                self.provider.has_smtp_password,
                self.provider.cron_id.active,
            ),
            ("disabled", False, False),
        )
        self.assertEqual(
            (sending.state, scheduled.state, draft.state), ("paused", "paused", "draft")
        )
        # a run by hand sends nothing
        transport = self._run()
        self.assertEqual((transport.opened, transport.sent), (0, []))
        # and no button activates it again
        for campaign, method in (
            (draft, "action_send"),
            (sending, "action_resume"),
            (sending, "action_send"),
            (scheduled, "action_resume"),
        ):
            with self.assertRaisesRegex(UserError, "is not ready"):
                getattr(campaign.with_user(self.accountant), method)()
        with patch(SESSION) as server:
            self.provider.with_user(self.manager).action_test_connection()
        server.assert_not_called()
        self.assertEqual(self._run().sent, [])
        self.assertEqual(sending.reminder_ids.state, "queued")

    def test_neutralized_copy_is_not_connected(self):
        """Not even a mailbox that needs no password."""
        relay = self.env["chaser.provider"].create(
            {"email": "relay@pop.example", "kind": "odoo"}
        )
        relay.action_disable()
        parameters = self.env["ir.config_parameter"].sudo()
        parameters.set_param("database.is_neutralized", "true")
        for provider in (self.provider, relay):
            with self.assertRaisesRegex(UserError, "neutralized") as refused:
                provider.with_user(self.manager).action_test_connection()
            self.assertIn(provider.display_name, str(refused.exception))
        self.assertEqual(relay.state, "disabled")

    def test_neutralized_copy_holds_what_is_written_past_it(self):
        """Even a campaign that is started again by hand waits, because the mailbox is
        off."""
        campaign = self._campaign(self._make_invoice())
        campaign.action_send()
        self._neutralize()
        campaign.sudo().state = "sending"
        transport = self._run()
        self.assertEqual(
            (transport.opened, transport.sent, campaign.reminder_ids.state),
            (0, [], "queued"),
        )

    def test_uninstall_leaves_no_jobs(self):
        """Also those of archived mailboxes; other jobs stay."""
        archived = self.env["chaser.provider"].create(
            {"email": "old@pop.example", "kind": "odoo", "company_id": self.company.id}
        )
        archived.active = False
        crons = (self.provider | archived).sudo().cron_id
        actions, others = (
            crons.ir_actions_server_id,
            self.env["ir.cron"].sudo().with_context(active_test=False).search_count([])
            - len(crons),
        )
        self.assertEqual((len(crons), len(actions)), (2, 2))
        uninstall_hook(self.env(su=True))
        self.assertFalse(crons.exists())
        self.assertFalse(actions.exists())
        self.assertEqual(
            self.env["ir.cron"].sudo().with_context(active_test=False).search_count([]),
            others,
        )

    def test_deleting_a_mailbox_deletes_its_job(self):
        provider = self.env["chaser.provider"].create(
            {"email": "gone@pop.example", "kind": "odoo", "company_id": self.company.id}
        )
        cron, action = (
            provider.sudo().cron_id,
            provider.sudo().cron_id.ir_actions_server_id,
        )
        provider.with_user(self.manager).unlink()
        self.assertFalse(cron.exists())
        self.assertFalse(action.exists())
