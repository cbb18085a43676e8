from odoo.tests import new_test_user, tagged

from .common import ChaserCase

EXTENDED = {
    "account.move": ("form", "list", "search"),
    "res.partner": ("form", "list", "search"),
    "res.config.settings": ("form",),
}


@tagged("post_install", "-at_install")
class TestScreens(ChaserCase):
    """Every screen loads, with what else is installed: also with accounting alone."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.manager = new_test_user(
            cls.env,
            "screens",
            "invoice_chaser.group_chaser_manager,account.group_account_manager,base.group_system",
            company_id=cls.company.id,
        )
        cls._make_invoice()

    def _load(self, model, modes):
        Model = self.env[model].with_user(self.manager)
        views = Model.get_views([(False, mode) for mode in modes])["views"]
        self.assertEqual(set(views), set(modes))
        return Model

    def test_every_action_of_ours(self):
        ids = self.env["ir.model.data"].search(
            [("module", "=", "invoice_chaser"), ("model", "=", "ir.actions.act_window")]
        )
        self.assertGreater(len(ids), 10)
        for action in self.env["ir.actions.act_window"].browse(ids.mapped("res_id")):
            with self.subTest(action.name, model=action.res_model):
                modes = {*action.view_mode.split(","), "search"}
                Model = self._load(action.res_model, sorted(modes))
                if not Model._transient:
                    Model.search_read([], ["display_name"], limit=3)

    def test_screens_that_we_add_to(self):
        for model, modes in EXTENDED.items():
            with self.subTest(model):
                self._load(model, modes)

    def test_menus(self):
        menus = self.env["ir.ui.menu"].with_user(self.manager).load_menus(False)
        ours = [
            menu
            for menu in menus.values()
            if (menu.get("xmlid") or "").startswith("invoice_chaser.")
        ]
        self.assertGreater(len(ours), 5)
