"""Figures in Odoo's digest mail: right, with a link, and only for who may see them."""

from datetime import datetime, timedelta

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged

from .overview_common import OverviewCase


@tagged("post_install", "-at_install")
class TestOverviewDigest(OverviewCase):
    def _digest(self, start, end, user=None):
        digest = self.env["digest.digest"].create(
            {
                "name": "Ours",
                "company_id": self.company.id,
                "kpi_chaser_collected": True,
                "kpi_chaser_over_60": True,
                "kpi_chaser_broken": True,
                "kpi_chaser_approval": True,
            }
        )
        return (
            digest.with_user(user or self.accountant)
            .sudo(False)
            .with_context(start_datetime=start, end_datetime=end)
        )

    def test_collected(self):
        """A's 1000 came on 12 March, ten days after a reminder; the 200 of B on 17
        March came without one."""
        self.env["chaser.reminder"].sudo().create(
            {
                "company_id": self.company.id,
                "partner_id": self.customer.id,
                "state": "sent",
                "sent_at": datetime(2025, 3, 2, 8),
                "line_ids": [
                    fields.Command.create(
                        {
                            "company_id": self.company.id,
                            "move_line_id": self._receivable(self.a).id,
                            "currency_id": self.company.currency_id.id,
                            "amount_company": 1000,
                        }
                    )
                ],
            }
        )
        march = self._digest(datetime(2025, 3, 1), datetime(2025, 4, 1))
        self.assertEqual(march.kpi_chaser_collected_value, 1000)
        later = self._digest(datetime(2025, 3, 13), datetime(2025, 4, 1))
        self.assertEqual(later.kpi_chaser_collected_value, 0)

    def test_over_60(self):
        """F: 270, 110 days late. B is 44 days late."""
        digest = self._digest(datetime(2025, 4, 1), datetime(2025, 4, 20))
        self.assertEqual(digest.kpi_chaser_over_60_value, 270)
        self.assertEqual(self._read()["receivables"]["now"]["over_60"], 270)

    def test_promises_and_approvals(self):
        promise = self.env["chaser.promise"].create(
            {
                "company_id": self.company.id,
                "partner_id": self.customer.id,
                "date_promised": self.today + timedelta(days=3),
            }
        )
        promise.sudo().write({"state": "broken", "settled_at": datetime(2025, 4, 3, 9)})
        self.env["chaser.campaign"].sudo().create(
            {"name": "Waits", "company_id": self.company.id}
        )
        april = self._digest(datetime(2025, 4, 1), datetime(2025, 4, 20))
        self.assertEqual(april.kpi_chaser_broken_value, 1)
        self.assertEqual(april.kpi_chaser_approval_value, 1)
        march = self._digest(datetime(2025, 3, 1), datetime(2025, 4, 1))
        self.assertEqual(march.kpi_chaser_broken_value, 0)

    def test_not_for_others(self):
        stranger = new_test_user(
            self.env,
            login="digest_stranger",
            groups="account.group_account_invoice,base.group_erp_manager",
            company_id=self.company.id,
        )
        digest = self._digest(datetime(2025, 4, 1), datetime(2025, 4, 20), stranger)
        for name in ("collected", "over_60", "broken", "approval"):
            with self.assertRaises(AccessError):
                digest[f"kpi_chaser_{name}_value"]  # pylint: disable=pointless-statement

    def test_each_figure_leads_to_an_action(self):
        digest = self._digest(datetime(2025, 4, 1), datetime(2025, 4, 20))
        actions = digest.sudo()._compute_kpis_actions(self.company, self.accountant)
        for name in ("collected", "over_60", "broken", "approval"):
            xmlid = actions[f"kpi_chaser_{name}"].partition("?")[0]
            self.assertTrue(self.env.ref(xmlid))

    def test_weekly_summary_goes_to_who_asks(self):
        weekly = self.env.ref("invoice_chaser.chaser_weekly_digest")
        self.assertEqual((weekly.periodicity, len(weekly.user_ids)), ("weekly", 0))
        weekly.with_user(self.accountant).action_subscribe()
        self.assertEqual(weekly.user_ids, self.accountant)

    def test_weekly_summary_is_asked_for_on_the_overview(self):
        weekly = self.env["digest.digest"].with_user(self.accountant)
        digest = self.env.ref("invoice_chaser.chaser_weekly_digest")
        self.assertIs(self._read()["weekly"], False)
        self.assertTrue(weekly.chaser_ask_weekly(True))
        self.assertEqual(digest.user_ids, self.accountant)
        self.assertIs(self._read()["weekly"], True)
        self.assertFalse(weekly.chaser_ask_weekly(False))
        self.assertFalse(digest.user_ids)
        stranger = new_test_user(
            self.env, login="weekly_stranger", groups="account.group_account_invoice"
        )
        with self.assertRaises(AccessError):
            weekly.with_user(stranger).chaser_ask_weekly(True)
        digest.unlink()
        self.assertIsNone(self._read()["weekly"])
        self.assertFalse(weekly.chaser_ask_weekly(True))

    def test_over_60_of_an_item_without_a_due_date(self):
        """By its own date, as on the overview."""
        self.env.cr.execute(
            "UPDATE account_move_line SET date_maturity = NULL WHERE id = %s",
            [self._receivable(self.f).id],
        )
        self.env.invalidate_all()
        digest = self._digest(datetime(2025, 4, 1), datetime(2025, 4, 20))
        self.assertEqual(digest.kpi_chaser_over_60_value, 270)
