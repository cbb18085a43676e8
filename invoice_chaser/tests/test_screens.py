from lxml import etree

from odoo.fields import NO_ACCESS, Command
from odoo.tests import HttpCase, new_test_user, tagged

from .common import ChaserCase
from .screens_common import find_without_help

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

    def _read_menus(self, user):
        """The app of ours as the user has it: (its entry, its sections in order, each
        with the external ids of what is in it)."""
        menus = self.env["ir.ui.menu"].with_user(user).load_menus(False)
        [app] = [
            menu
            for menu in menus.values()
            if menu.get("xmlid") == "invoice_chaser.chaser_menu"
        ]
        return app, {
            menus[section]["name"]: [
                menus[entry]["xmlid"] for entry in menus[section]["children"]
            ]
            for section in app["children"]
        }

    def test_an_app_of_its_own(self):
        """With an icon, its menus in the order of the day, and no list so long that it
        ends below the fold of 768 pixels (an entry is 32 pixels high)."""
        app, sections = self._read_menus(self.manager)
        menu = self.env.ref("invoice_chaser.chaser_menu")
        self.assertFalse(menu.parent_id)
        self.assertTrue(menu.web_icon_data)
        self.assertEqual(
            list(sections),
            [
                "Overview",
                "To Do",
                "Reminders",
                "Customers",
                "Reporting",
                "Configuration",
            ],
        )
        for name, entries in sections.items():
            self.assertLessEqual(len(entries), 20, name)
        self.assertEqual(
            sections["To Do"],
            [
                "invoice_chaser.chaser_worklist_menu",
                "invoice_chaser.chaser_answer_menu",
                "invoice_chaser.chaser_inbound_menu",
                "invoice_chaser.chaser_maybe_paid_menu",
                "invoice_chaser.chaser_undecided_menu",
            ],
        )

    def test_empty_screens_lead_on(self):
        for action, target in (
            ("chaser_campaign_action", "chaser_worklist_action"),
            ("chaser_reminder_action", "chaser_worklist_action"),
            ("chaser_worklist_action", "chaser_setup_action"),
        ):
            shown = self.env.ref(f"invoice_chaser.{action}").help
            self.assertIn(f'name="invoice_chaser.{target}"', shown, action)
            self.assertIn('type="action"', shown, "what makes it a button")

    def test_every_list_has_cards_for_the_phone(self):
        """Lists of our own menus; reports are charts, and drawings of a period have
        cards of their own."""
        menus = self.env["ir.ui.menu"].search([("parent_id", "!=", False)])
        ids = self.env["ir.model.data"].search(
            [("module", "=", "invoice_chaser"), ("model", "=", "ir.ui.menu")]
        )
        for menu in menus.browse(ids.mapped("res_id")):
            action = menu.action
            if action and action._name == "ir.actions.act_window":
                modes = action.view_mode.split(",")
                if action.res_model.startswith("chaser.") and "list" in modes:
                    self.assertTrue(
                        {"kanban", "graph"} & set(modes), (menu.name, modes)
                    )

    def test_nothing_is_called_by_a_technical_value(self):
        """A form's title: what is named by a selection shows its label, in the user's
        language."""
        seen = set()
        for name, model in self.registry.items():
            field = model._fields.get(model._rec_name or "")
            if not name.startswith("chaser.") or not model._auto or not field:
                continue
            if field.type != "selection" or field.groups == NO_ACCESS:
                continue
            if not self.env[name].has_access("read"):
                continue
            Model = self.env[name].with_context(lang="ar_001")
            for value, label in field._description_selection(Model.env):
                shown = Model.new({field.name: value}).display_name
                self.assertEqual(shown.strip(), label, (name, value))
                seen.add(name)
        self.assertIn("chaser.answer", seen)

    def test_names_in_lists_lose_no_beginning(self):
        """What does not fit is cut off at its end, whatever the language of the screen
        is; Odoo's own column cuts off the beginning where they differ."""
        names, seen = {"partner_id", "number_display", "reminder_id"}, 0
        views = self.env["ir.ui.view"].search(
            [("model", "like", "chaser.%"), ("inherit_id", "=", False)]
        )
        for view in views:
            for column in etree.fromstring(view.arch).xpath(
                "//list[not(@editable)]/field[not(@column_invisible)]"
            ):
                wraps = "text-wrap" in column.get("class", "")
                if column.get("name") in names and not wraps:
                    self.assertEqual(
                        column.get("widget"), "chaser_own_direction", view.name
                    )
                    seen += 1
        self.assertGreater(seen, 15)

    def test_fields_are_shown_as_what_they_are(self):
        """Amounts in words keep their sign on its side in Arabic (A14); a date's widget
        does not get a moment, which the browser would say on its console (A17); what a
        customer said has more than one line (A22)."""
        ids = self.env["ir.model.data"].search(
            [("module", "=like", "invoice_chaser%"), ("model", "=", "ir.ui.view")]
        )
        amounts = 0
        for view in self.env["ir.ui.view"].browse(ids.mapped("res_id")):
            for node in etree.fromstring(view.arch_db or "<a/>").iter("field"):
                if node.get("name") in ("total_display", "amounts_display"):
                    shown = node.get("invisible", "") + node.get("column_invisible", "")
                    if shown != "1":
                        amounts += 1
                        classes = node.get("class") or ""
                        self.assertIn("o_chaser_amounts", classes, view.xml_id)
                if node.get("widget") == "date" and not node.xpath("ancestor::field"):
                    field = self.env[view.model]._fields[node.get("name")]
                    self.assertEqual(field.type, "date", (view.xml_id, field.name))
        self.assertGreater(amounts, 8)
        for model, name in (("chaser.hold", "detail"), ("chaser.dispute", "reason")):
            arch = etree.fromstring(self.env[model].get_view(view_type="form")["arch"])
            [node] = arch.xpath(f"//field[@name='{name}']")
            self.assertEqual(node.get("widget"), "text", name)

    def test_every_field_of_a_form_explains_itself(self):
        """Nobody asks a colleague what to enter; in Arabic as well."""
        self.assertEqual(find_without_help(self.env, "invoice_chaser"), [])
        arch = (
            self.env["chaser.provider"]
            .with_context(lang="ar_001")
            .get_view(
                self.env.ref("invoice_chaser.chaser_provider_view_form").id, "form"
            )["arch"]
        )
        helps = etree.fromstring(arch).xpath("//field[@help]/@help")
        self.assertGreater(len(helps), 20)
        for text in helps:
            self.assertRegex(text, "[\u0600-\u06ff]", text)

    def test_an_accountant_has_no_configuration(self):
        _app, sections = self._read_menus(self.accountant)
        self.assertNotIn("Configuration", sections)
        self.assertIn("To Do", sections)

    def _read_card(self, user):
        journals = (
            self.env["account.journal"]
            .with_user(user)
            .search([("type", "=", "sale"), ("company_id", "=", self.company.id)])
        )
        data = journals._get_journal_dashboard_data_batched()
        return journals[0], data[journals[0].id]

    def test_the_dashboard_of_invoicing(self):
        """It says how many customers can be chased, and leads to them; the same with
        what customers said."""
        held = self._make_customer("Held Stores", "pay@held.example")
        self._make_invoice(held)
        self.env["chaser.hold"]._hold(self.company, held, "reply")
        journal, card = self._read_card(self.accountant)
        self.assertEqual((card["chaser_customers"], card["chaser_answers"]), (1, 1))
        for action, expected in (
            (journal.action_chaser_worklist(), self.customer),
            (journal.action_chaser_answers(), held),
        ):
            domain = action["domain"]
            if action["context"].get("search_default_todo"):
                domain = domain + list(self.env["chaser.worklist"]._get_todo_domain())
            rows = (
                self.env[action["res_model"]].with_user(self.accountant).search(domain)
            )
            self.assertEqual(rows.partner_id, expected)

    def test_the_dashboard_of_who_does_not_chase(self):
        other = new_test_user(
            self.env,
            "bookkeeper",
            "account.group_account_invoice",
            company_id=self.company.id,
        )
        _journal, card = self._read_card(other)
        self.assertNotIn("chaser_customers", card)

    def test_chase_where_the_accountant_is(self):
        """On invoices and on customers, in lists and on forms."""
        for model, mode, view in (
            ("account.move", "list", "account.view_out_invoice_tree"),
            ("account.move", "form", "account.view_move_form"),
            ("res.partner", "list", "base.view_partner_tree"),
            ("res.partner", "form", "base.view_partner_form"),
        ):
            with self.subTest(model, mode=mode):
                arch = (
                    self.env[model]
                    .with_user(self.accountant)
                    .get_view(self.env.ref(view).id, mode)["arch"]
                )
                self.assertIn('name="action_chase"', arch)


@tagged("post_install", "-at_install")
class TestFirstCampaign(ChaserCase, HttpCase):
    """The tour of the first campaign, in a browser: what it leads to has happened."""

    def _walk(self, lang):
        user = new_test_user(
            self.env,
            f"walks_{lang}",
            "invoice_chaser.group_chaser_user",
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
            lang=lang,
        )
        invoice = self._make_invoice(
            self._make_customer(f"Walks {lang}", f"{lang}@walks.example")
        )
        self.start_tour("/odoo", "chaser_first_campaign", login=user.login, timeout=120)
        campaign = self.env["chaser.campaign"].search([("user_id", "=", user.id)])
        self.assertEqual(campaign.state, "sending")
        self.assertIn(invoice, campaign.reminder_ids.line_ids.move_id)

    def test_in_english(self):
        self._walk("en_US")

    def test_in_arabic(self):
        self._walk("ar_001")
