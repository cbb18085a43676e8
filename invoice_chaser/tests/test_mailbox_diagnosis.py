from unittest.mock import patch

from lxml import etree

from odoo.exceptions import UserError
from odoo.tests import Form, tagged

from ..core.mail import domain_lookup
from ..core.mail.diagnosis import CODES
from ..core.mail.errors import AuthenticationFailed, Unreachable, classify_smtp
from .common import ChaserCase, FakeTransport

# A helper beside the addon; common has put its folder on the path.
from support.name_server import NameServer  # noqa: E402, isort: skip


@tagged("post_install", "-at_install")
class TestMailboxDiagnosis(ChaserCase):
    """A mailbox that does not work says what is wrong and what to change."""

    def _test_with(self, transport):
        self.provider._set_state("draft")
        with patch.object(
            type(self.provider), "_get_transport__", lambda _self: transport
        ):
            return self.provider.action_test_connection()["params"]

    def _refuse(self, error):
        transport = FakeTransport()
        transport.open_error = error
        return self._test_with(transport)

    def test_every_cause_has_words_in_both_languages(self):
        for lang in ("en_US", "ar_001"):
            provider = self.provider.with_context(lang=lang)
            causes = provider._get_causes()
            self.assertEqual(set(causes), set(CODES) - {"other"})
            for code, texts in causes.items():
                for text in texts:
                    filled = text % dict.fromkeys(
                        ("host", "port", "user", "email"), "x"
                    )
                    self.assertTrue(filled, code)
                    self.assertEqual(
                        any("\u0600" < sign < "\u06ff" for sign in filled),
                        lang == "ar_001",
                        text,
                    )

    def test_the_cause_and_what_to_change(self):
        told = self._refuse(Unreachable("[Errno 111] Connection refused"))
        self.assertEqual(
            self.provider.error_cause,
            "“127.0.0.1” takes no connections on port 1.",
        )
        self.assertIn("587 with STARTTLS", self.provider.error_fix)
        self.assertEqual(self.provider.last_error, "[Errno 111] Connection refused")
        self.assertIn(self.provider.error_cause, told["message"])
        self.assertNotIn("Errno", told["message"], "the raw words are folded away")
        self.assertNotIn("Errno", self.provider.health)

    def test_in_the_language_of_the_reader(self):
        self._refuse(AuthenticationFailed("535 5.7.8 Authentication failed"))
        arabic = self.provider.with_context(lang="ar_001")
        self.assertNotEqual(arabic.error_cause, self.provider.error_cause)
        self.assertEqual(self.provider.error_cause, "User or password is wrong.")

    def test_what_is_not_known_is_said_as_it_is(self):
        self._refuse(Unreachable("450 Zzz unheard of"))
        self.assertEqual(self.provider.error_cause, "450 Zzz unheard of")
        self.assertFalse(self.provider.error_fix)

    def test_a_server_that_wants_a_login_is_found_by_the_test(self):
        """It lets everybody in and takes no sender (A4)."""

        class WantsLogin(FakeTransport):
            def prove(self, sender):
                raise classify_smtp(530, "5.7.0 Authentication required", "mail")

        self._test_with(WantsLogin())
        self.assertNotEqual(self.provider.state, "connected")
        self.assertIn("logged in", self.provider.error_cause)

    def test_success_says_what_was_tried(self):
        told = self._test_with(FakeTransport())
        self.assertEqual(told["type"], "success")
        self.assertIn("127.0.0.1:1", told["message"])
        self.assertIn("Nothing was sent", told["message"])
        self.assertFalse(self.provider.error_cause or self.provider.error_fix)

    def test_presets_fill_in_what_the_service_wants(self):
        with Form(self.provider) as form:
            form.smtp_preset = "cpanel"
            self.assertEqual(
                (form.smtp_host, form.smtp_port, form.smtp_encryption),
                ("mail.pop.example", 465, "ssl"),
            )
            form.smtp_preset = "microsoft"
            self.assertEqual(
                (form.smtp_host, form.smtp_port, form.smtp_encryption),
                ("smtp.office365.com", 587, "starttls"),
            )
            self.assertEqual((form.daily_quota, form.per_minute), (2000, 10))
            self.assertEqual(form.smtp_user, "accounts@pop.example")

    def test_settings_say_whether_mailboxes_work(self):
        Settings = self.env["res.config.settings"].with_company(self.company)
        state = Settings.create({}).chaser_mailbox_state
        self.assertEqual(state, f"1 of 1 work: {self.provider.name}")
        self.provider._set_state("expired")
        self.assertIn("0 of 1", Settings.create({}).chaser_mailbox_state)
        self.provider.active = False
        self.assertIn("None is set up", Settings.create({}).chaser_mailbox_state)

    def test_settings_stand_in_groups(self):
        """Each of them with a sentence on what it does."""
        arch = etree.fromstring(self.env["res.config.settings"].get_view()["arch"])
        titles = [
            block.get("title").partition(": ")[2]
            for block in arch.xpath("//block[starts-with(@title, 'Invoice Chaser')]")
        ]
        self.assertEqual(
            titles,
            ["Whom", "When", "From Where", "What Goes Along", "After It", "Privacy"],
        )
        ours = arch.xpath("//setting[starts-with(@id, 'chaser_')]")
        self.assertGreater(len(ours), 25)
        self.assertFalse([one.get("id") for one in ours if not one.get("help")])

    def test_stored_words_speak_the_language_of_the_reader(self):
        """A job in English stops an address; an Arabic user reads Arabic (A13). What a
        person entered stays."""
        stop = self.env["chaser.suppression"]._suppress(
            self.company, "gone@x.example", "hard_bounce", source="server_response"
        )
        self.assertEqual(stop.source_display, "Mail server's response")
        arabic = stop.with_context(lang="ar_001")
        self.assertNotEqual(arabic.source_display, stop.source_display)
        stop.source = "a call of 3 March"
        self.assertEqual(arabic.source_display, "a call of 3 March")

    def test_the_domain_s_records_are_explained(self):
        """From what is pasted, in the reader's language; nothing is said before."""
        self.provider.write({"kind": "smtp", "smtp_host": "smtp.office365.com"})
        check = self.env["chaser.domain.check"].browse(
            self.provider.action_check_domain()["res_id"]
        )
        self.assertEqual((check.domain, check.result), ("pop.example", False))
        check.spf = "v=spf1 mx -all"
        lines = check.result.split("\n")
        self.assertIn("include:spf.protection.outlook.com", lines[0])
        self.assertEqual([line[:1] for line in lines], ["✗", "✗", "✗"])
        check.spf = "v=spf1 include:spf.protection.outlook.com -all"
        check.dmarc = "v=DMARC1; p=reject; rua=mailto:d@pop.example"
        self.assertEqual([line[:1] for line in check.result.split("\n")], list("✓✗✓"))
        for words in check.with_context(lang="ar_001")._get_words().values():
            self.assertTrue(any("\u0600" < sign < "\u06ff" for sign in words), words)

    def _look_up(self, records, **values):
        """Presses the button; a name server on loopback is asked. → the dialog, and
        the names that were asked."""
        check = self.env["chaser.domain.check"].browse(
            self.provider.action_check_domain()["res_id"]
        )
        check.write(values)
        with (
            NameServer(records) as server,
            patch.object(domain_lookup, "make_resolver", server.make_resolver),
        ):
            action = check.action_look_up()
        self.assertEqual((action["res_id"], action["target"]), (check.id, "new"))
        return check, server.asked

    def test_dns_is_asked_only_where_the_settings_allow_it(self):
        self.assertFalse(self.company.chaser_dns, "off by default")
        with self.assertRaisesRegex(UserError, "do not allow to ask DNS"):
            self._look_up({})
        self.company.chaser_dns = True
        self.provider.write({"kind": "smtp", "smtp_host": "smtp.office365.com"})
        check, asked = self._look_up(
            {
                "pop.example": [
                    "unrelated=1",
                    "v=spf1 include:spf.protection.outlook.com -all",
                ],
                "_dmarc.pop.example": ["v=DMARC1; p=none"],
            }
        )
        self.assertEqual(
            asked,
            ["pop.example", "_dmarc.pop.example"]
            + [f"selector{n}._domainkey.pop.example" for n in (1, 2)],
        )
        self.assertEqual(
            [line[:1] for line in check.result.split("\n")], ["✓", "✗", "!", "!"]
        )
        self.assertFalse(check.selector, "none was found")

    def test_dns_that_says_there_is_none(self):
        """Nothing found is an answer, other than nothing pasted."""
        self.company.chaser_dns = True
        check, asked = self._look_up({}, selector="own")
        self.assertEqual(asked[-1], "own._domainkey.pop.example")
        self.assertEqual([line[:1] for line in check.result.split("\n")], ["✗"] * 3)

    def test_dns_that_cannot_be_asked(self):
        self.company.chaser_dns = True
        with self.assertRaisesRegex(UserError, "no name that DNS knows"):
            self._look_up({}, selector="two words")

        def refuse():
            raise domain_lookup.NoAnswer("refused")

        def lack():
            raise domain_lookup.NoLibrary("dns")

        check = self.env["chaser.domain.check"].browse(
            self.provider.action_check_domain()["res_id"]
        )
        for make, words in (
            (refuse, "DNS did not answer for “pop.example”"),
            (lack, "dnspython is not installed"),
        ):
            with (
                patch.object(domain_lookup, "make_resolver", make),
                self.assertRaisesRegex(UserError, words),
            ):
                check.action_look_up()
