from odoo.exceptions import UserError
from odoo.tests import tagged

from .oauth_common import OauthCase, OutlookMixin


@tagged("post_install", "-at_install")
class TestImapConsent(OauthCase):
    """IMAP by the mailbox's consent: a right of its own, and a token that holds it."""

    imap_right = "https://mail.google.com/"

    def setUp(self):
        super().setUp()
        self.box.write(
            {
                "oauth_access": "send_read",
                "read_method": "imap",
                "imap_host": "imap.pop.example",
                "imap_login": "oauth",
            }
        )

    def _get_reader_token__(self):
        with self._own_cursors():
            return self.box._get_reader__()._ImapReader__get_token("")

    def test_token_holds_the_right(self):
        self._connected()
        self.assertIn(
            self.imap_right, self.fake.access[self._get_reader_token__()]["scopes"]
        )
        self.assertEqual(self.box.state, "connected")

    def test_token_is_renewed_for_imap(self):
        self._connected()
        before = self._get_reader_token__()
        self.assertEqual(self._get_reader_token__(), before, "kept while it lives")
        with self._own_cursors():
            fresh = self.box._get_reader__()._ImapReader__get_token(before)
        self.assertNotEqual(fresh, before)
        self.assertIn(self.imap_right, self.fake.access[fresh]["scopes"])

    def test_right_refused(self):
        response = self._connect(without=(self.imap_right,))
        self.assertIn("A right is missing", self._get_words(response))
        self.assertFalse(self.box.is_granted)

    def test_another_way_of_reading_needs_another_consent(self):
        self.box.read_method = "none"
        self._connected()
        self.box.read_days = 20
        self.assertTrue(self.box.is_granted, "nothing that the consent is about")
        self.box.read_method = "imap"
        self.assertEqual((self.box.is_granted, self.box.state), (False, "draft"))
        with self.assertRaisesRegex(UserError, "does not cover reading"):
            self.box._get_reader__()

    def test_password_asks_for_no_such_right(self):
        self.box.imap_login = "own"
        self._connected()
        self.assertFalse(
            any(
                self.imap_right in facts["scopes"]
                for facts in self.fake.access.values()
            )
        )

    def test_sending_still_works(self):
        self._connected()
        with self._own_cursors(), self.box._get_transport__() as transport:
            self.assertEqual(transport.whoami(), "accounts@pop.example")
            self.assertIs(
                transport.find_sent("<nobody@pop.example>"),
                False,
                "the mailbox is asked by the API: it says more",
            )


@tagged("post_install", "-at_install")
class TestImapConsentOutlook(OutlookMixin, TestImapConsent):
    imap_right = "https://outlook.office.com/IMAP.AccessAsUser.All"


@tagged("post_install", "-at_install")
class TestImapConsentOutlookSmtp(TestImapConsentOutlook):
    def setUp(self):
        super().setUp()
        self.box.outlook_way = "smtp"

    def test_token_sends_too(self):
        self._connected()
        self.assertIn(
            "https://outlook.office.com/SMTP.Send",
            self.fake.access[self._get_reader_token__()]["scopes"],
            "one resource, one token",
        )

    def test_sending_still_works(self):
        self._connected()
        self.assertEqual(self.box._get_sent_box__().whoami(), "accounts@pop.example")
