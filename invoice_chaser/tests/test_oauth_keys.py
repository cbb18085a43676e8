from unittest.mock import patch

from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

from ..core.mail.errors import AuthenticationFailed
from .common import KEYS
from .oauth_common import CLIENT_SECRET, OauthCase

NEW = "next:bmV4dC1rZXktbmV4dC1rZXktbmV4dC1rZXktMzIhISE="


@tagged("post_install", "-at_install")
class TestKeys(OauthCase):
    """A new key is used for every secret; secrets of a lost key are reported per
    mailbox, with what to do."""

    def setUp(self):
        super().setUp()
        self._connected()
        self.provider.write({"smtp_user": "u", "smtp_password": "pass word"})
        self.provider._set_state("connected")
        self.env.flush_all()

    def _keys(self, keys):
        return patch.dict("os.environ", {"INVOICE_CHASER_KEYS": keys})

    def _reseal(self, user=None):
        answer = (
            self.env["chaser.reseal"].with_user(user or self.manager).action_reseal()
        )
        self.env.flush_all()
        return answer["params"]

    def _get_all_sealed(self):
        return [
            self.provider.sudo().smtp_password_sealed,
            self.box.sudo().grant_ids.sealed,
            self.company.sudo().chaser_google_client_secret_sealed,
        ]

    def test_rotation(self):
        with self._keys(f"{NEW},{KEYS}"):
            said = self._reseal()
            self.assertEqual(said["type"], "success")
            self.assertIn("next", said["message"])
        self.assertTrue(
            all(sealed.startswith("c1.next.") for sealed in self._get_all_sealed())
        )
        with self._keys(NEW):  # the old one does not exist any more
            self.assertEqual(
                self.provider._open_secret__("smtp_password_sealed"), "pass word"
            )
            self.assertEqual(
                self.company._get_chaser_app__("google").client_secret, CLIENT_SECRET
            )
            with self._own_cursors():
                self.assertTrue(self.box._fetch_access_token__())
            before = self._get_all_sealed()
            self.assertIn(": 0.", self._reseal()["message"])
            self.assertEqual(self._get_all_sealed(), before, "nothing to do twice")

    def test_archived_mailboxes_too(self):
        self.provider.active = False
        with self._keys(f"{NEW},{KEYS}"):
            self._reseal()
        self.assertTrue(
            self.provider.sudo().smtp_password_sealed.startswith("c1.next.")
        )

    def test_lost_key(self):
        before = self._get_all_sealed()
        with self._keys(NEW):
            said = self._reseal()
            self.assertEqual(said["type"], "danger")
            self.assertIn(
                f"{self.provider.display_name}: The key “test”", said["message"]
            )
            self.assertIn("enter the password again", said["message"])
            self.assertIn("press Connect again", said["message"])
            self.assertIn(self.company.name, said["message"])
            self.assertEqual(
                (self.box.state, self.provider.state), ("expired", "expired")
            )
            self.assertIn("press Connect again", self.box.last_error)
            with self.assertRaises(AuthenticationFailed), self._own_cursors():
                self.box._fetch_access_token__()
        self.assertEqual(
            self._get_all_sealed(),
            before,
            "nothing is thrown away: the key may come back",
        )
        with self._own_cursors():
            self.assertTrue(self.box._fetch_access_token__())

    def test_other_companies_are_only_counted(self):
        other = self.setup_other_company(name="Zanzibar Trading")["company"]
        theirs = self.env["chaser.provider"].create(
            {
                "company_id": other.id,
                "kind": "smtp",
                "email": "x@zanzibar.example",
                "smtp_host": "h",
                "smtp_user": "u",
                "smtp_password": "p",
            }
        )
        with self._keys(NEW):
            said = self._reseal()
        self.assertNotIn("anzibar", said["message"])
        self.assertIn("In other companies: 1", said["message"])
        with self._keys(f"{NEW},{KEYS}"):
            self._reseal()
        self.assertTrue(
            theirs.sudo().smtp_password_sealed.startswith("c1.next."),
            "else the old key could never be taken away",
        )

    def test_without_a_key(self):
        with self._keys(""), self.assertRaisesRegex(UserError, "No encryption key"):
            self._reseal()

    def test_rights(self):
        system = new_test_user(
            self.env,
            "keys_system",
            "base.group_system",
            company_id=self.company.id,
            email="s@pop.example",
        )
        self.assertEqual(self._reseal(system)["type"], "success")
        with self.assertRaises(AccessError):
            self._reseal(self.accountant)
