import json
import logging
from datetime import timedelta
from unittest.mock import patch
from urllib.parse import quote

from odoo import fields
from odoo.exceptions import UserError, ValidationError
from odoo.tests import new_test_user, tagged
from odoo.tools import config

from ..core.mail.errors import AuthenticationFailed, Unreachable
from ..core.mail.transports.outlook import OutlookSmtpTransport
from .oauth_common import (
    BASE_URL,
    CLIENT_SECRET,
    MAILBOX,
    OauthCase,
    OutlookMixin,
    Response,
    SmtpServer,
)


@tagged("post_install", "-at_install")
class TestConnect(OauthCase):
    """The way from Connect to a connected mailbox, and every way it may go wrong."""

    def _assert_refused(self, response, *words):
        self.assertEqual(response.status_code, 400)
        said = self._get_words(response)
        for word in words:
            self.assertIn(word, said)
        self.assertFalse(self.box.is_granted)
        self.assertEqual(self.box.state, "draft")
        self.assertIn("no-store", response.headers["Cache-Control"])
        self.assertEqual(response.headers["Referrer-Policy"], "no-referrer")

    def test_connect(self):
        response = self._connect()
        self.assertEqual(response.status_code, 303)
        self.assertTrue(
            response.headers["Location"].endswith(
                f"/odoo/action-invoice_chaser.chaser_provider_action/{self.box.id}"
            )
        )
        self.assertEqual(
            (self.box.state, self.box.is_granted, self.box.last_error),
            ("connected", True, False),
        )
        self.assertEqual(self.box.connected_database, self.box._get_database_id())

    def test_only_the_rights_that_are_used_are_asked_for(self):
        self.authenticate("oauth_manager", "oauth_manager")
        self.assertNotIn(self.read_right, self._press_connect())
        self.box.oauth_access = "send_read"
        self.assertIn(self.read_right, self._press_connect())

    def test_denied(self):
        self._assert_refused(
            self._connect(deny=True), "You did not consent", "press Connect again"
        )

    def test_another_mailbox(self):
        self._assert_refused(
            self._connect(account="other@pop.example"),
            "other@pop.example",
            "choose the mailbox's own account",
        )

    def test_a_right_unticked(self):
        self._assert_refused(
            self._connect(without=(self.send_right,)),
            self.send_right,
            "A right is missing",
        )

    def test_replayed(self):
        self.authenticate("oauth_manager", "oauth_manager")
        back = self.fake.consent(self._press_connect())
        self._come_back(back)
        response = self._come_back(back)
        self.assertEqual(response.status_code, 400)
        self.assertIn("used already", self._get_words(response))
        self.assertTrue(self.box.is_granted, "the first one stands")

    def test_too_late(self):
        self.authenticate("oauth_manager", "oauth_manager")
        back = self.fake.consent(self._press_connect())
        self.env["chaser.oauth.request"].sudo().search([]).asked_at = (
            fields.Datetime.now() - timedelta(minutes=16)
        )
        self.env.flush_all()
        self._assert_refused(self._come_back(back), "15 minutes")

    def test_changed_state(self):
        self.authenticate("oauth_manager", "oauth_manager")
        back = self.fake.consent(self._press_connect())
        for change in (
            lambda url: url.replace("state=A", "state=B"),
            lambda url: url.split("?")[0] + "?code=x",
            lambda url: url.split("?")[0],
            lambda url: url.split("?")[0] + "?state=%00%ff&code=1",
        ):
            self._assert_refused(self._come_back(change(back)), "does not fit")

    def test_state_of_another_database(self):
        self.authenticate("oauth_manager", "oauth_manager")
        back = self.fake.consent(self._press_connect())
        self.env["ir.config_parameter"].sudo().set_param("database.uuid", "another")
        self._assert_refused(self._come_back(back), "several databases")

    def test_another_user(self):
        self.authenticate("oauth_manager", "oauth_manager")
        back = self.fake.consent(self._press_connect())
        new_test_user(
            self.env,
            "oauth_second",
            "invoice_chaser.group_chaser_manager",
            company_id=self.company.id,
            email="s@pop.example",
        )
        self.authenticate("oauth_second", "oauth_second")
        self._assert_refused(
            self._come_back(back), "oauth_manager", "The same person must finish it"
        )

    def test_another_browser_of_the_same_user(self):
        self.authenticate("oauth_manager", "oauth_manager")
        back = self.fake.consent(self._press_connect())
        self.authenticate("oauth_manager", "oauth_manager")
        self._assert_refused(self._come_back(back), "one and the same browser")

    def test_signed_out(self):
        self.authenticate("oauth_manager", "oauth_manager")
        back = self.fake.consent(self._press_connect())
        self.authenticate(None, None)
        response = self._come_back(back)
        self._assert_refused(response, "not signed in", BASE_URL)
        self.assertNotIn(
            "code=", response.text, "nor does the code go on to another page"
        )

    def test_rights_taken_meanwhile(self):
        self.authenticate("oauth_manager", "oauth_manager")
        back = self.fake.consent(self._press_connect())
        self.manager.group_ids -= self.env.ref("invoice_chaser.group_chaser_manager")
        self.env.flush_all()
        self._assert_refused(self._come_back(back), "may not connect")

    def test_service_refuses_the_code(self):
        self.authenticate("oauth_manager", "oauth_manager")
        url = self._press_connect()
        forget, drop = (
            self.fake.codes.clear,
            lambda: self.fake.fail("token", "<drop the line>", times=1),
        )
        for change, words in ((forget, "invalid_grant"), (drop, "did not respond")):
            with self.subTest(words=words):
                back = self.fake.consent(url)
                change()
                self._assert_refused(self._come_back(back), words)
                url = self._press_connect()

    def test_page_speaks_the_users_language(self):
        self.manager.lang = "ar_001"
        response = self._connect(deny=True)
        self.assertIn('dir="rtl"', response.text)

    def test_without_registration(self):
        self.company.sudo()[f"chaser_{self.service}_client_secret_sealed"] = False
        with self.assertRaisesRegex(UserError, "in the settings"):
            self.box.with_user(self.manager).action_connect()

    def test_plain_http_is_told_before_google_refuses_it(self):
        self.env["ir.config_parameter"].sudo().set_param(
            "web.base.url", "http://odoo.pop.example"
        )
        with self.assertRaisesRegex(UserError, "web.base.url"):
            self.box.with_user(self.manager).action_connect()

    def test_behind_a_proxy(self):
        """The address that is registered comes from web.base.url, not from the host
        that the proxy asks for."""
        self.env["ir.config_parameter"].sudo().set_param(
            "web.base.url", "https://odoo.pop.example"
        )
        self.fake.redirect_uris.append("https://odoo.pop.example/chaser/oauth/callback")
        self.authenticate("oauth_manager", "oauth_manager")
        back = self.fake.consent(self._press_connect())
        self.assertTrue(
            back.startswith("https://odoo.pop.example/chaser/oauth/callback?")
        )
        inside = back.replace("https://odoo.pop.example", BASE_URL)
        with patch.dict(config.options, {"proxy_mode": True}):
            response = self._come_back(
                inside,
                **{
                    "X-Forwarded-Host": "odoo.pop.example",
                    "X-Forwarded-Proto": "https",
                    "X-Forwarded-For": "203.0.113.9",
                },
            )
        self.assertEqual(response.status_code, 303, response.text[:500])
        self.assertTrue(
            response.headers["Location"].endswith(
                f"/odoo/action-invoice_chaser.chaser_provider_action/{self.box.id}"
            )
        )
        self.assertTrue(self.box.is_granted)

    def test_forged_host_changes_no_address(self):
        """A forged Host header cannot redirect the code elsewhere: the address comes
        only from web.base.url."""
        self.authenticate("oauth_manager", "oauth_manager")
        self.env.flush_all()
        answer = self.url_open(
            "/web/dataset/call_button/chaser.provider/action_connect",
            headers={
                "Content-Type": "application/json",
                "X-Forwarded-Host": "evil.example",
            },
            data=json.dumps(
                {
                    "params": {
                        "model": "chaser.provider",
                        "method": "action_connect",
                        "args": [self.box.ids],
                        "kwargs": {},
                    }
                }
            ),
        ).json()
        self.assertNotIn("evil", answer["result"]["url"])
        self.assertIn(
            quote(f"{BASE_URL}/chaser/oauth/callback", safe=""), answer["result"]["url"]
        )

    def test_code_and_state_in_no_log(self):
        """Nor in the DEBUG log of any library, nor in the access log of Odoo's own
        server."""
        records = []
        handler = logging.Handler()
        handler.emit = lambda record: records.append(
            f"{record.getMessage()} {record.exc_text or ''}"
        )
        root, levels = logging.getLogger(), {}
        root.addHandler(handler)
        for name in (
            "",
            "odoo",
            "odoo.addons",
            "odoo.http",
            "odoo.sql_db",
            "requests_oauthlib",
            "oauthlib",
            "urllib3",
            "google",
            "msal",
            "werkzeug",
        ):
            levels[name] = logging.getLogger(name).level
            logging.getLogger(name).setLevel(logging.DEBUG)
        try:
            self.authenticate("oauth_manager", "oauth_manager")
            back = self.fake.consent(self._press_connect())
            self._come_back(back)
            with self._own_cursors():
                self.box._fetch_access_token__(
                    rejected=self.box._fetch_access_token__()
                )
            # as werkzeug writes it
            logging.getLogger("werkzeug").info(
                '127.0.0.1 - - [21/Nov/2026 10:00:00] "%s" %s %s',
                f"GET {back.removeprefix(BASE_URL)} HTTP/1.1",
                "303",
                "-",
            )
        finally:
            root.removeHandler(handler)
            for name, level in levels.items():
                logging.getLogger(name).setLevel(level)
        self.assertTrue(self.box.is_granted)
        self.assertTrue([line for line in records if "query not logged" in line])
        state, code = (
            dict(part.split("=") for part in back.partition("?")[2].split("&"))[name]
            for name in ("state", "code")
        )
        self._assert_in_no_log(
            records, [state, code, CLIENT_SECRET, *self.fake.refresh, *self.fake.access]
        )

    def _assert_in_no_log(self, records, secrets):
        for secret in secrets:
            # urllib3 logs the callback here because the test acts as the browser.
            self.assertEqual(
                [
                    line[:300]
                    for line in records
                    if secret in line and not line.startswith("http://127.0.0.1")
                ],
                [],
            )

    # -- what a consent is good for

    def test_a_change_ends_the_consent(self):
        for values in ({"email": "other@pop.example"}, {"oauth_access": "send_read"}):
            self._connected()
            self.box.write(values)
            self.assertEqual(
                (self.box.is_granted, self.box.state), (False, "draft"), values
            )
            self.box.write({"email": MAILBOX, "oauth_access": "send"})
        self._connected()
        self.box.write({"email": MAILBOX.upper(), "sender_name": "Else"})
        self.assertTrue(self.box.is_granted)

    def test_copy_has_no_consent(self):
        self.assertFalse(
            self._connected().copy({"email": "copy@pop.example"}).is_granted
        )

    def test_connect_again_replaces(self):
        self._connected()
        before = self.box.sudo().grant_ids.sealed
        self._connected()
        self.assertEqual(len(self.box.sudo().grant_ids), 1)
        self.assertNotEqual(self.box.sudo().grant_ids.sealed, before)


@tagged("post_install", "-at_install")
class TestToken(OauthCase):
    """Access tokens: fresh, refreshed once, lasting before they are used."""

    def setUp(self):
        super().setUp()
        self._connected()

    def _token(self, **options):
        with self._own_cursors():
            return self.box._fetch_access_token__(**options)

    def _age(self, minutes=0):
        """Let the stored access token end in so many minutes."""
        grants = self.box.sudo().grant_ids
        grant = grants._load__()
        grant.tokens["api"]["expires_at"] -= 3600 - minutes * 60
        grants._store(grant)

    def test_kept_while_it_lives(self):
        refreshes = self.fake.refreshes
        self.assertEqual(self._token(), self._token())
        self.assertEqual(self.fake.refreshes, refreshes)

    def test_refreshed_before_it_ends(self):
        old, refreshes = self._token(), self.fake.refreshes
        self._age(minutes=6)
        self.assertEqual(self._token(), old)
        self._age(minutes=-56)
        new = self._token()
        self.assertNotEqual(new, old)
        self.assertEqual((self._token(), self.fake.refreshes), (new, refreshes + 1))

    def test_a_refused_token_is_replaced_once(self):
        old = self._token()
        new = self._token(rejected=old)
        self.assertNotEqual(new, old)
        self.assertEqual(
            self._token(rejected=old),
            new,
            "the second to complain gets what the first has fetched",
        )

    def test_rotated_refresh_token_is_kept(self):
        self.addCleanup(setattr, self.fake, "rotates", self.fake.rotates)
        self.fake.rotates = True
        for _round in range(3):
            self._age()
            self._token()
        self.assertEqual(self.box.state, "connected")

    def test_taken_back_at_the_service(self):
        self.fake.revoke_all()
        self._age()
        with self.assertRaisesRegex(AuthenticationFailed, "invalid_grant"):
            self._token()

    def test_service_down_is_no_reason_to_reconnect(self):
        self._age()
        for fault in (
            "<drop the line>",
            Response(503, "oops"),
            Response(500, {"error": "server_error"}),
        ):
            self.fake.fail("token", fault, times=1)
            with self.assertRaises(Unreachable):
                self._token()
        self.assertTrue(self._token())

    def test_in_a_copy_of_the_database(self):
        self.env["ir.config_parameter"].sudo().set_param("database.uuid", "copy")
        requests = len(self.fake.requests)
        with self.assertRaisesRegex(AuthenticationFailed, "copy of the database"):
            self._token()
        self.assertEqual(len(self.fake.requests), requests, "nothing is asked")

    def test_without_the_key(self):
        with patch.dict(
            "os.environ",
            {
                "INVOICE_CHASER_KEYS": "next:bmV4dC1rZXktbmV4dC1rZXktbmV4dC1rZXktMzIhISE="  # noqa: E501
            },
        ):
            with self.assertRaisesRegex(AuthenticationFailed, "press Connect again"):
                self._token()

    def test_dead_consent_expires_the_mailbox_and_calls_a_manager(self):
        self.fake.revoke_all()
        with self._own_cursors():
            self.box.with_user(self.manager).action_test_connection()
        self.assertEqual(self.box.state, "expired")
        self.assertTrue(self.box.activity_ids)
        self._connected()
        self.assertFalse(self.box.activity_ids)

    def test_test_connection(self):
        with self._own_cursors():
            self.box.with_user(self.manager).action_test_connection()
        self.assertEqual((self.box.state, self.box.last_error), ("connected", False))
        self.fake.end_access_tokens()
        with self._own_cursors():
            self.box.with_user(self.manager).action_test_connection()
        self.assertEqual(self.box.state, "connected", "a token that ended is renewed")

    def test_sample(self):
        with self._own_cursors():
            self.box.with_user(self.manager).action_send_sample()
        [one] = self.fake.received
        self.assertEqual((one.recipients, one.user), (("m@pop.example",), MAILBOX))

    def test_disconnect(self):
        self.assertTrue(self.fake.refresh)
        answer = self.box.with_user(self.manager).action_disconnect()
        if self.kind == "gmail":
            self.assertFalse(self.fake.refresh, "given back at Google")
        else:
            self.assertIn("remove this application", answer["params"]["message"])
        self.assertEqual((self.box.is_granted, self.box.state), (False, "draft"))
        with self.assertRaises(UserError):
            self.box._get_transport__()

    def test_disconnect_leaves_a_second_mailbox_of_the_same_account(self):
        # An archived one: of those in use, an address has one.
        other = self.box.copy({"email": MAILBOX, "name": "Second", "active": False})
        self._connected(other)
        self.box.with_user(self.manager).action_disconnect()
        self.assertTrue(self.fake.refresh)
        with self._own_cursors():
            self.assertTrue(other._fetch_access_token__())


@tagged("post_install", "-at_install")
class TestConnectOutlook(OutlookMixin, TestConnect):
    # The same error code for every service, whatever the service says.
    test_too_late = test_changed_state = test_state_of_another_database = (
        test_another_user
    ) = test_another_browser_of_the_same_user = None
    test_signed_out = test_rights_taken_meanwhile = (
        test_page_speaks_the_users_language
    ) = test_behind_a_proxy = test_copy_has_no_consent = None
    test_plain_http_is_told_before_google_refuses_it = (
        test_a_change_ends_the_consent
    ) = None

    def test_unknown_directory(self):
        self.company.chaser_microsoft_tenant = "nobody.onmicrosoft.com"
        self.authenticate("oauth_manager", "oauth_manager")
        with (
            self.assertRaisesRegex(UserError, "corrects it in the settings"),
            patch.object(type(self.box), "_get_session_key", lambda _self: "s"),
        ):
            self.box.with_user(self.manager).action_connect()

    def test_directory_must_be_one(self):
        for word in ("common/../evil", "a b", "x/y", "..", "a?b"):
            with self.assertRaises(ValidationError):
                self.company.chaser_microsoft_tenant = word

    def test_by_smtp(self):
        self.box.outlook_way = "smtp"
        self.authenticate("oauth_manager", "oauth_manager")
        url = self._press_connect()
        self.assertIn("SMTP.Send", url)
        self.assertNotIn("Mail.Send", url)
        self.assertEqual(self._come_back(self.fake.consent(url)).status_code, 303)
        transport = self.box._get_transport__()
        self.assertIsInstance(transport, OutlookSmtpTransport)
        with (
            SmtpServer(
                user=MAILBOX, password="token", mechanisms=("XOAUTH2",)
            ) as server,
            self._own_cursors(),
        ):
            # The server knows only the token that the fake gave for SMTP.
            server.password = self.box._fetch_access_token__("smtp")
            self.assertNotEqual(server.password, self.box._fetch_access_token__())
            OutlookSmtpTransport(
                MAILBOX,
                lambda rejected: self.box._fetch_access_token__("smtp", rejected),
                (server.host, server.port),
                encrypted=False,
            ).open()

    def test_by_smtp_without_its_right(self):
        self.box.outlook_way = "smtp"
        self._assert_refused(self._connect(without=("SMTP.Send",)), "SMTP.Send")


@tagged("post_install", "-at_install")
class TestTokenOutlook(OutlookMixin, TestToken):
    pass


@tagged("post_install", "-at_install")
class TestGmailSend(OauthCase):
    """A campaign through the whole pipeline and the Gmail API."""

    def setUp(self):
        super().setUp()
        self._connected()

    def _send(self, partner=None):
        campaign = self._campaign(self._make_invoice(partner), provider_id=self.box.id)
        campaign.action_send()
        self.box.sudo().hold_until = False
        with (
            self._own_cursors(),
            patch.object(type(self.box), "_pause", lambda *_args: None),
        ):
            self.box.cron_id.method_direct_trigger()
        return campaign.reminder_ids

    def test_sent(self):
        reminder = self._send()
        self.assertEqual(
            (reminder.state, len(self.fake.received)), ("sent", 1), reminder.reason
        )
        [one] = self.fake.received
        self.assertEqual(one.mail["Message-ID"], reminder.message_id)
        self._check_ids(reminder, one)

    def _check_ids(self, reminder, one):
        self.assertEqual(
            (reminder.provider_message_id, reminder.provider_thread_id),
            (one.id, f"t{one.id}"),
        )

    def test_token_that_ends_in_the_middle(self):
        self.fake.end_access_tokens()
        self.assertEqual(self._send().state, "sent")

    def test_consent_taken_back_holds_everything(self):
        self.fake.revoke_all()
        reminder = self._send()
        self.assertEqual((reminder.state, reminder.attempt_count), ("queued", 0))
        self.assertEqual(self.box.state, "expired")
        self.assertEqual(
            self.box.activity_ids.user_id,
            self.env["res.users"].browse(self.box.activity_ids.user_id.id),
        )
        self.assertIn("invalid_grant", self.box.last_error)

    def test_rate_limit_holds_the_mailbox(self):
        self.fake.fail(
            "message",
            Response(
                429,
                {"error": {"code": 429, "message": "Too many"}},
                {"Retry-After": "600"},
            ),
            times=1,
        )
        reminder = self._send()
        self.assertEqual((reminder.state, self.fake.received), ("queued", []))
        wait = self.box.hold_until - fields.Datetime.now()
        self.assertTrue(timedelta(minutes=9) < wait < timedelta(minutes=11), wait)


@tagged("post_install", "-at_install")
class TestOutlookSend(OutlookMixin, TestGmailSend):
    def _check_ids(self, reminder, one):
        self.assertFalse(reminder.provider_message_id, "sendMail tells none")

    def test_with_drafts(self):
        self.box.oauth_access = "send_read"
        self._connected()
        self.fake.renames = True
        self.addCleanup(setattr, self.fake, "renames", False)
        reminder = self._send()
        [one] = self.fake.received
        self.assertEqual(
            (reminder.provider_message_id, reminder.provider_thread_id),
            (one.id, f"conv-{one.id}"),
        )
        self.assertEqual(reminder.internet_message_id, one.mail["Message-ID"])
        self.assertNotEqual(reminder.internet_message_id, reminder.message_id)
