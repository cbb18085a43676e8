from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged

from .companies_common import SECRET, CompaniesCase, holds_secret

# Fields of ours that everybody may read who may read the record, and why.
OPEN = {
    "res.partner": {
        "chaser_is_customer": "whether it has a parent, which its readers see anyway"
    },
    "account.move": {},
}


@tagged("post_install", "-at_install")
class TestNotes(CompaniesCase):
    """A customer whom two companies share: what one of them writes, hears and plans is
    not for the other, nor for users without the group, nor for the customer."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        own = {"company_id": cls.other.id}
        cls.strangers = {
            "the other company": cls.user_a,
            "invoicing": new_test_user(
                cls.env, "notes_invoicing", "account.group_account_invoice", **own
            ),
            "portal": new_test_user(
                cls.env,
                "notes_portal",
                "base.group_portal",
                partner_id=cls.both.id,
                **own,
            ),
        }

    def test_notes_on_a_shared_customer(self):
        self._make_scenario(self.user_b, self.both, SECRET)
        self._in(self.user_b)["chaser.call"].create(
            {
                "partner_id": self.both.id,
                "company_id": self.other.id,
                "outcome": "planned",
                "date_again": self.today,
                "note": SECRET,
            }
        )
        self.env.flush_all()
        about = [("model", "=", "res.partner"), ("res_id", "=", self.both.id)]
        notes = (
            self.env["mail.message"]
            .sudo()
            .search(about)
            .filtered(lambda note: note.chaser_company_id == self.other)
        )
        self.assertGreater(len(notes), 3)
        tasks = self.both.sudo().activity_ids
        self.assertEqual(tasks.chaser_company_id, self.other)
        mine = self._in(self.user_b)["mail.message"].search(about)
        self.assertLessEqual(set(notes.ids), set(mine.ids))
        for kind, user in self.strangers.items():
            env = self._in(user)
            with self.subTest(user=kind):
                seen = env["mail.message"].search(about)
                self.assertFalse(set(notes.ids) & set(seen.ids))
                self.assertFalse(holds_secret(seen.read(["body", "subject"])))
                for note in notes:
                    with self.assertRaises(AccessError):
                        env["mail.message"].browse(note.id).read(["body"])
                if kind == "portal":
                    continue
                with self.assertRaises(AccessError):
                    env["mail.activity"].browse(tasks.ids).read(["note"])
                self.assertFalse(env["mail.activity"].search([("id", "in", tasks.ids)]))

    def test_what_is_agreed_is_tracked_for_the_same(self):
        """Odoo writes down who changed a pause from what to what."""
        partner = self.both.with_env(self._in(self.user_b)).with_context(
            tracking_disable=False
        )
        # What a test creates and changes in one transaction, Odoo takes for one change.
        self.env.flush_all()
        self.env.cr.precommit.run()
        partner.sudo().chaser_pause_reason = SECRET
        self.env.flush_all()
        self.env.cr.precommit.run()
        [note] = (
            self.env["mail.message"]
            .sudo()
            .search(
                [("model", "=", "res.partner"), ("res_id", "=", self.both.id)], limit=1
            )
        )
        self.assertIn(SECRET, repr(note.tracking_value_ids.read()))
        self.assertEqual(note.chaser_company_id, self.other)

    def test_done_task_is_noted_for_the_same(self):
        task = (
            self.both.sudo()
            ._for_chaser(self.other)
            .activity_schedule("mail.mail_activity_data_todo", summary=SECRET)
        )
        task.with_context(lang="en_US").action_feedback(feedback=SECRET)
        note = self.both.sudo().message_ids[0]
        self.assertIn(SECRET, note.body)
        self.assertEqual(note.chaser_company_id, self.other)

    def test_call_of_one_company_settles_its_own_tasks(self):
        """The other company's to-do with the same customer stays."""
        kind = self.env.ref("mail.mail_activity_data_call")
        level = self._in(self.user_a)["chaser.level"].create(
            {
                "name": "Calls",
                "company_id": self.company.id,
                "days_overdue": 1,
                "template_id": self.env.ref("invoice_chaser.chaser_template_polite").id,
            }
        )
        level.sudo().activity_type_id = kind
        tasks = {
            company: self.both.sudo()
            ._for_chaser(company)
            .activity_schedule("mail.mail_activity_data_call", summary=company.name)
            for company in (self.company, self.other)
        }
        self._in(self.user_a)["chaser.call"].create(
            {"partner_id": self.both.id, "outcome": "reached"}
        )
        self.assertFalse(tasks[self.company].exists().active)
        self.assertTrue(tasks[self.other].exists().active)

    def test_fields_about_customers_have_groups(self):
        """Today's and tomorrow's: portal users read their own contact and invoices."""
        for model, allowed in OPEN.items():
            for name, field in self.env[model]._fields.items():
                if "chaser" in (field._module or "") and name not in allowed:
                    self.assertTrue(field.groups, f"{model}.{name}")

    def test_portal_reads_nothing_about_themselves(self):
        self.both.with_env(self._in(self.user_b)).sudo().write(
            {"chaser_pause_reason": f"{SECRET} bad payer"}
        )
        portal = self._in(self.strangers["portal"])
        names = portal["res.partner"].fields_get()
        self.assertEqual(
            {name for name in names if "chaser" in name}, set(OPEN["res.partner"])
        )
        names = portal["account.move"].fields_get()
        self.assertFalse([name for name in names if "chaser" in name])
        with self.assertRaises(AccessError):
            portal["res.partner"].browse(self.both.id).read(["chaser_pause_reason"])
        names = portal["res.company"].fields_get()
        self.assertFalse([name for name in names if "chaser" in name])
