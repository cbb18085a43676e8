import base64
from pathlib import Path

from odoo.tests import new_test_user

from .common import ChaserCase

# The golden files, which the tests without a registry read, too.
DATA = Path(__file__).resolve().parents[2] / "tests/core/data/move_in"


class MoveInCase(ChaserCase):
    """A manager who may make contacts, and helpers to drop files in."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.mover = new_test_user(
            cls.env,
            login="mover",
            groups="invoice_chaser.group_chaser_manager,base.group_partner_manager",
            company_id=cls.company.id,
        )

    def _import(self, *files, user=None, company=None, **values):
        """An import of files: golden ones by their path, others as (name, content)."""
        user = user or self.mover
        env = self.env(user=user, context={"allowed_company_ids": user.company_id.ids})
        attachments = env["ir.attachment"]
        for file in files:
            name, raw = (
                (file.split("/", 1)[1], (DATA / file).read_bytes())
                if isinstance(file, str)
                else file
            )
            raw = raw.encode() if isinstance(raw, str) else raw
            attachments |= env["ir.attachment"].create(
                {
                    "name": name,
                    "datas": base64.b64encode(raw),
                    "res_model": "chaser.import",
                }
            )
        return env["chaser.import"].create(
            {
                "company_id": (company or self.company).id,
                "attachment_ids": [(6, 0, attachments.ids)],
                **values,
            }
        )

    def _check(self, *files, **values):
        imp = self._import(*files, **values)
        imp.action_check()
        self.assertFalse(
            imp.file_ids.filtered("question").mapped("question"), "nothing is asked"
        )
        return imp

    def _take_in(self, *files, **values):
        """Checked and imported."""
        imp = self._check(*files, **values)
        self.assertEqual(imp.state, "checked", imp.message)
        imp.action_import()
        self.assertEqual(imp.state, "done", imp.message)
        return imp

    def _figures(self, imp):
        """Step → result → number, without zeros."""
        totals = {}
        for file in imp.file_ids:
            for step, counts in (file.figures or {}).items():
                for action, number in counts.items():
                    mine = totals.setdefault(step, {})
                    mine[action] = mine.get(action, 0) + number
        return totals

    def _partner(self, email):
        found = self.env["res.partner"].search([("email_normalized", "=", email)])
        self.assertEqual(len(found), 1, email)
        return found.with_company(self.company)

    def _assert_second_run_changes_nothing(self, imp):
        """The same import again, and the same files as a new one."""
        before = {
            model: self.env[model]
            .sudo()
            .with_context(active_test=False)
            .search_count([])
            for model in (
                *("res.partner", "chaser.suppression", "chaser.segment", "chaser.hold"),
                *("chaser.campaign", "chaser.reminder", "chaser.event"),
                *("chaser.promise", "mail.message", "chaser.template"),
            )
        }
        imp.action_import()
        figures = self._figures(imp)
        for step, counts in figures.items():
            self.assertFalse({"new", "changed"} & set(counts), (step, counts))
        again = imp.copy({"attachment_ids": [(6, 0, imp.attachment_ids.ids)]})
        again.action_check()
        again.action_import()
        self.assertEqual(self._figures(again), figures)
        for model, count in before.items():
            self.assertEqual(
                self.env[model].sudo().with_context(active_test=False).search_count([]),
                count,
                model,
            )
