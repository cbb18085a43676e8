from unittest.mock import patch

from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged

from .common import ChaserCase, FakeTransport


@tagged("post_install", "-at_install")
class TestSetup(ChaserCase):
    """The first steps know what is done."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.manager = new_test_user(
            cls.env,
            "sets_up",
            "invoice_chaser.group_chaser_manager",
            company_id=cls.company.id,
            email="sets.up@pop.example",
        )

    def _read(self, user=None):
        Setup = self.env["chaser.setup"].with_company(self.company)
        return Setup.with_user(user or self.env.user).read_steps()

    def _done(self):
        return {step["code"] for step in self._read()["steps"] if step["done"]}

    def test_each_step_is_ticked_by_what_there_is(self):
        self.provider._set_state("draft")
        self.assertEqual(self._done(), {"arabic"})
        self.provider._set_state("connected")
        with patch.object(
            type(self.provider), "_get_transport__", lambda _self: FakeTransport()
        ):
            self.provider.with_user(self.manager).action_send_sample()
        self.company.chaser_window_enabled = True
        self.env["chaser.setup"].with_company(self.company).open_step("levels")
        self.assertEqual(
            self._done(), {"arabic", "mailbox", "sample", "hours", "levels"}
        )
        self.assertFalse(self._read()["is_hidden"])
        self.company.chaser_window_enabled = False
        campaign = self._campaign(self._make_invoice())
        self.assertNotIn("campaign", self._done(), "a draft is not sent")
        campaign.action_send()
        self._run(FakeTransport())
        self.assertIn("campaign", self._done())

    def test_each_step_leads_somewhere(self):
        Setup = self.env["chaser.setup"].with_company(self.company)
        for step in self._read()["steps"]:
            action = Setup.open_step(step["code"])
            self.assertIn(action["res_model"], self.env, step["code"])

    def test_an_accountant_reads_whom_to_ask(self):
        told = self._read(self.accountant)
        self.assertIn(self.env.user.name, told["ask"])
        self.assertEqual(
            [step["code"] for step in told["steps"] if step["button"]], ["campaign"]
        )

    def test_hidden_until_it_is_asked_for(self):
        Setup = self.env["chaser.setup"].with_company(self.company)
        Setup.with_user(self.accountant).hide_steps()
        self.assertFalse(self._read()["is_hidden"], "only a manager hides them")
        Setup.hide_steps()
        self.assertTrue(self._read()["is_hidden"])

    def test_nobody_else(self):
        other = new_test_user(self.env, "other", "account.group_account_invoice")
        for method in ("read_steps", "hide_steps"):
            with self.assertRaises(AccessError):
                getattr(self.env["chaser.setup"].with_user(other), method)()
