from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError
from odoo.models import BaseModel
from odoo.tests import new_test_user, tagged

from .whatsapp_common import WhatsappCase

MODULE = "invoice_chaser_whatsapp"
OPERATIONS = ("read", "write", "create", "unlink")
# A new model must be put into the tables on purpose.
USER_RIGHTS = {
    "chaser.whatsapp.person": "rwc",
    "chaser.whatsapp.template": "r",
    "chaser.whatsapp.variable": "r",
    "chaser.whatsapp.template.version": "r",
    "chaser.whatsapp.price": "r",
    "chaser.whatsapp.charge": "r",
    "chaser.whatsapp.opt.in": "rwcu",
    "chaser.whatsapp.opt.in.line": "rwcu",
    "chaser.whatsapp.answer": "rwcu",
    "chaser.whatsapp.register": "",
}
MANAGER_RIGHTS = USER_RIGHTS | {
    "chaser.whatsapp.person": "rwcu",
    "chaser.whatsapp.template": "rwcu",
    "chaser.whatsapp.variable": "rwcu",
    "chaser.whatsapp.price": "rwcu",
    "chaser.whatsapp.register": "rwcu",
}


@tagged("post_install", "-at_install")
class TestWhatsappWalks(WhatsappCase):
    """Who may do what, and nobody in another company's rows: over every model of the
    addon, today's and tomorrow's."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.manager = new_test_user(
            cls.env,
            "whatsapp_manager",
            "invoice_chaser.group_chaser_manager",
            company_id=cls.company.id,
            email="m@pop.example",
        )
        cls.portal = new_test_user(
            cls.env, "whatsapp_portal", "base.group_portal", company_id=cls.company.id
        )
        cls.invoicing = new_test_user(
            cls.env,
            "whatsapp_invoicing",
            "account.group_account_invoice",
            company_id=cls.company.id,
        )
        cls.other = cls._create_company(name="Zanzibar Trading")
        cls._make_scenario()

    @classmethod
    def _make_scenario(cls):
        """A row of each model in the other company."""
        company = cls.other
        account = cls._make_account(
            company_id=company.id,
            whatsapp_phone_id="206540352242922",
            name="Zanzibar number",
        )
        cls._approve_templates(account)
        partner = cls._make_customer(
            "Zanzibar Customer", "z@z.example", company_id=company.id
        )
        cls.env["chaser.whatsapp.person"].sudo().with_company(company).create(
            {
                "company_id": company.id,
                "partner_id": partner.id,
                "phone_e164": "+971509876543",
                "opt_in_date": fields.Datetime.now() - timedelta(days=3),
                "opt_in_source": "form",
                "opt_in_text": "Zanzibar consent",
            }
        )
        cls.env["chaser.whatsapp.price"].sudo().with_company(company).create(
            {
                "company_id": company.id,
                "market": "AE",
                "category": "utility",
                "amount": 0.05,
            }
        )
        cls.env["chaser.whatsapp.charge"].sudo()._record(
            company,
            "zanzibar:1",
            partner,
            ["+971509876543"],
            {"billable": True, "category": "utility"},
            fields.Datetime.now(),
        )

    def _models(self, transient=False):
        return sorted(
            name
            for name, model in self.registry.items()
            if model._original_module == MODULE
            and not model._abstract
            and (transient or not model._transient)
        )

    def test_table_of_rights(self):
        for user, table in (
            (self.accountant, USER_RIGHTS),
            (self.manager, MANAGER_RIGHTS),
            (self.portal, dict.fromkeys(USER_RIGHTS, "")),
            (self.invoicing, dict.fromkeys(USER_RIGHTS, "")),
            (
                self.env.ref("base.public_user").sudo(),
                dict.fromkeys(USER_RIGHTS, ""),
            ),
        ):
            rights = {
                name: "".join(
                    operation[0]
                    for operation in OPERATIONS
                    if self.env[name].with_user(user).has_access(operation)
                )
                for name in self._models(transient=True)
            }
            self.assertEqual(rights, table, user.login)

    def test_other_companies_rows_are_out_of_reach(self):
        for name in self._models():
            rows = (
                self.env[name]
                .sudo()
                .with_context(active_test=False)
                .search([("company_id", "=", self.other.id)])
            )
            self.assertTrue(rows, f"{name}: add one to the scenario")
            for user in (self.accountant, self.manager):
                with self.subTest(model=name, user=user.login):
                    mine = rows.with_user(user).with_context(
                        allowed_company_ids=self.company.ids
                    )
                    self.assertFalse(mine.search([("id", "in", rows.ids)]))
                    self.assertFalse(
                        mine._read_group([("id", "in", rows.ids)], [], ["__count"])[0][
                            0
                        ]
                    )
                    for act in (
                        lambda mine=mine: mine.read(["display_name"]),
                        lambda mine=mine: mine.write({"company_id": self.company.id}),
                        lambda mine=mine: mine.unlink(),
                    ):
                        with self.assertRaises(AccessError):
                            act()

    def test_public_methods_ask_for_rights(self):
        """No method that anybody may call by RPC works on another company's rows."""
        for name in self._models():
            rows = self.env[name].sudo().search([("company_id", "=", self.other.id)])
            mine = (
                rows[:1]
                .with_user(self.accountant)
                .with_context(allowed_company_ids=self.company.ids)
            )
            for method in dir(type(mine)):
                if not method.startswith("action_") or hasattr(BaseModel, method):
                    continue
                with self.subTest(model=name, method=method):
                    with self.assertRaises(AccessError):
                        getattr(mine, method)()
