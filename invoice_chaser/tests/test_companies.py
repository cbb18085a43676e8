import contextlib
import inspect
from datetime import timedelta

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import tagged

from .common import FakeTransport
from .companies_common import (
    CLOSED,
    ONE_PER_COMPANY,
    SECRET,
    CompaniesCase,
    holds_secret,
)


@tagged("post_install", "-at_install")
class TestCompanies(CompaniesCase):
    """Users of company A can neither read nor change anything of company B, in any
    model of the addon."""

    # -- the walk

    def test_walk_over_all_models(self):
        """Every call that a client can make, on every model; the other company's own
        manager proves that each call works."""
        self._make_scenario(self.user_a, self.customer, "Alpha")
        self._make_scenario(self.user_b, self.customer_b, SECRET)
        self.assertIn("chaser.campaign", self._get_models())
        self.assertIn(
            "chaser.preview.item",
            self._get_models(),
            "transient models are walked, too",
        )
        for name in self._get_models():
            records = self._get_records(name, self.other)
            with self.subTest(model=name):
                if name in CLOSED:
                    self._check_closed(name, records)
                    continue
                self._check_search(name, records)
                self._check_read(name, records)
                self._check_groups(name, records)
                self._check_changes(name, records)
                self._check_create(name, records)
                self._check_actions(name, records)

    def _check_closed(self, name, records):
        """Not even the company's own manager has access."""
        for user in (self.user_a, self.user_b):
            for method, *args in (
                ("search", []),
                ("search_read", []),
                ("read", records.ids),
                ("write", records.ids, {}),
                ("unlink", records.ids),
                ("create", {}),
                ("formatted_read_group", [], ["company_id"], ["__count"]),
                ("export_data", records.ids, ["create_date"]),
            ):
                with self.assertRaises(AccessError, msg=f"{user.login} {method}"):
                    self._call(user, name, method, *args)

    def _check_search(self, name, records):
        domain = [("id", "in", records.ids)]
        self.assertEqual(
            set(self._call(self.user_b, name, "search", domain)),
            set(records.ids),
            "B's own manager finds them",
        )
        by_name = [[("display_name", "ilike", SECRET)]] if records._rec_name else []
        for search in ([], domain, [("company_id", "=", self.other.id)], *by_name):
            found = self._call(self.user_a, name, "search", search)
            self.assertFalse(set(found) & set(records.ids), search)
            self.assertEqual(
                self._call(self.user_a, name, "search_count", search), len(found)
            )
        self.assertEqual(self._call(self.user_a, name, "search_count", domain), 0)
        self.assertEqual(
            self._call(self.user_a, name, "search_read", domain, ["display_name"]), []
        )
        result = self._call(
            self.user_a, name, "web_search_read", domain, {"display_name": {}}
        )
        self.assertEqual((result["records"], result["length"]), ([], 0))
        self.assertFalse(
            {
                row[0]
                for row in self._call(
                    self.user_a, name, "name_search", "", [], "ilike", 1000
                )
            }
            & set(records.ids)
        )
        if by_name:
            self.assertEqual(
                self._call(self.user_a, name, "name_search", SECRET, [], "ilike", 1000),
                [],
                name,
            )

    def _check_read(self, name, records):
        names = [
            field
            for field, info in self._call(self.user_b, name, "fields_get").items()
            if info.get("exportable", True)
        ]
        self.assertTrue(
            self._call(self.user_b, name, "read", records.ids, names),
            "B's own manager reads them",
        )
        for record in records:
            for method, args in (
                ("read", [names]),
                ("read", [["display_name"]]),
                ("read", [["company_id"]]),
                ("web_read", [{"display_name": {}}]),
                ("export_data", [["id", ".id", "display_name"]]),
                ("export_data", [[n for n in names if n != "id"]]),
            ):
                with self.assertRaises(AccessError, msg=f"{method}{args}") as caught:
                    self._call(self.user_a, name, method, record.ids, *args)
                self.assertFalse(holds_secret(caught.exception), caught.exception)

    def _check_groups(self, name, records):
        domain, company = (
            [("id", "in", records.ids)],
            [("company_id", "=", self.other.id)],
        )
        stored = [
            field.name
            for field in records._fields.values()
            if (field.store or field.name == "status")
            and field.type
            in (
                "char",
                "selection",
                "many2one",
                "boolean",
                "date",
                "datetime",
                "integer",
            )
            and not field.groups
            and field.name != "id"
        ]
        for group in stored:
            spec = (
                f"{group}:month"
                if records._fields[group].type in ("date", "datetime")
                else group
            )
            everything = self._call(
                self.user_a, name, "formatted_read_group", [], [spec], ["__count"]
            )
            self.assertFalse(
                holds_secret(everything), f"grouped by {group}: {everything}"
            )
        self.assertTrue(
            self._call(
                self.user_b,
                name,
                "formatted_read_group",
                domain,
                ["company_id"],
                ["__count"],
            )
        )
        for search in (domain, company):
            self.assertEqual(
                self._call(
                    self.user_a,
                    name,
                    "formatted_read_group",
                    search,
                    ["company_id"],
                    ["__count"],
                ),
                [],
            )
            self.assertEqual(
                self._in(self.user_a)[name]._read_group(
                    search, ["company_id"], ["__count"]
                ),
                [],
            )
            self.assertEqual(
                self._call(self.user_a, name, "web_read_group", search, ["company_id"])[
                    "groups"
                ],
                [],
            )
            [total] = self._call(
                self.user_a,
                name,
                "formatted_read_group",
                search,
                [],
                ["__count", "id:max"],
            )
            self.assertEqual(
                (total["__count"], total["id:max"]), (0, False), "nor in the totals"
            )

    def _check_changes(self, name, records):
        before = self._snapshot(self.other)
        take_over = {"company_id": self.company.id}
        for method, args in (
            ("write", [{"create_uid": self.user_a.id}]),
            ("write", [take_over]),
            ("unlink", []),
            ("copy", []),
            ("web_save", [take_over, {"display_name": {}}]),
        ):
            # Models that nobody may write may refuse for that reason; all others refuse
            # because of the company.
            nobody = method != "unlink" and not self._in(self.user_b)[name].has_access(
                "write"
            )
            for record in records:
                with self.assertRaises(
                    UserError if nobody else AccessError, msg=method
                ) as caught:
                    self._call(self.user_a, name, method, record.ids, *args)
                    self.env.flush_all()
                self.assertFalse(holds_secret(caught.exception), caught.exception)
        self._check_unchanged(before)

    def _check_create(self, name, records):
        """Neither a new record in B, nor one of A's own moved over to B."""
        values = self._make_values(name, self.other)
        with self.cr.savepoint() as savepoint:
            if name in ONE_PER_COMPANY:
                self._get_records(name, self.other).sudo().unlink()
            self._build(
                name, self.other
            )  # these values are good, so that nothing but the rights refuses them
            savepoint.rollback()
        self.env.invalidate_all()
        before = self._snapshot(self.other)
        with self.assertRaises(AccessError) as caught:
            self._call(self.user_a, name, "create", [values])
            self.env.flush_all()
        self.assertNotIn(SECRET, str(caught.exception))
        for own in self._get_records(name, self.company):
            with self.cr.savepoint() as savepoint:
                with contextlib.suppress(UserError):
                    self._call(
                        self.user_a,
                        name,
                        "write",
                        own.ids,
                        {"company_id": self.other.id},
                    )
                    self.env.flush_all()
                    self._check_unchanged(
                        before, f"{name} {own.id} was moved into another company"
                    )
                savepoint.rollback()
            self.env.invalidate_all()
        self._check_unchanged(before)

    def _check_actions(self, name, records):
        """Every button: refused, or without any effect and any word about B."""
        before = self._snapshot(self.other)
        idle = () if records._active_name else ("action_archive", "action_unarchive")
        for method in [
            method
            for method in dir(type(records))
            if method.startswith("action_") and method not in idle
        ]:
            parameters = list(
                inspect.signature(getattr(type(records), method)).parameters.values()
            )[1:]
            args = [
                False
                for parameter in parameters
                if parameter.default is parameter.empty
                and parameter.kind == parameter.POSITIONAL_OR_KEYWORD
            ]
            for record in records:
                with self.cr.savepoint() as savepoint:
                    self.env.invalidate_all()
                    try:
                        ids = (
                            ()
                            if getattr(
                                getattr(type(records), method), "_api_model", False
                            )
                            else (record.ids,)
                        )
                        result = self._call(self.user_a, name, method, *ids, *args)
                    except UserError as error:  # AccessError is one, too
                        result = error
                    self.env.flush_all()
                    self.assertFalse(
                        holds_secret(result), f"{name}.{method} tells {result}"
                    )
                    self._check_unchanged(before, f"{name}.{method} changed something")
                    savepoint.rollback()
        self.env.invalidate_all()

    def test_walk_builds_what_the_scenario_lacks(self):
        """A model added later is covered, because the walk can make a record from the
        required fields."""
        for name in (
            "chaser.tag",
            "chaser.suppression",
            "chaser.provider",
            "chaser.template",
            "chaser.level",
            "chaser.reminder.line",
        ):
            with self.subTest(model=name):
                self.assertEqual(self._build(name, self.other).company_id, self.other)

    def test_walk_sees_a_leak(self):
        """Without its rule a model leaks, and the walk reports it."""
        self._make_scenario(self.user_b, self.customer_b, SECRET)
        self.env.ref("invoice_chaser.chaser_tag_rule_company").sudo().active = False
        self.env.registry.clear_cache()
        with self.assertRaisesRegex(AssertionError, "is not false"):
            self._check_search(
                "chaser.tag", self._get_records("chaser.tag", self.other)
            )

    def test_every_model_has_rule_and_rights(self):
        for name in self._get_models():
            with self.subTest(model=name):
                rules = (
                    self.env["ir.rule"]
                    .sudo()
                    .search([("model_id.model", "=", name), ("groups", "=", False)])
                )
                self.assertTrue(
                    any("company_ids" in rule.domain_force for rule in rules),
                    "no global company rule",
                )

    # -- what is shared, and what only looks shared

    def test_shared_records_stay_readable(self):
        for name in ("chaser.template", "chaser.level", "chaser.tag"):
            shared = self.env[name].sudo().search(
                [("company_id", "=", False)], limit=1
            ) or self.env[name].sudo().create({"name": "shared", "company_id": False})
            for user in (self.user_a, self.user_b):
                with self.subTest(model=name, user=user.login):
                    self.assertEqual(
                        self._call(user, name, "search", [("id", "=", shared.id)]),
                        shared.ids,
                    )
                    self.assertTrue(
                        self._call(user, name, "read", shared.ids, ["name"])[0]["name"]
                    )

    def test_shared_template_counts_own_use_only(self):
        """The text is shared; how often the other company used it is not told."""
        _provider, campaign = self._make_scenario(self.user_b, self.customer_b, SECRET)
        polite = self.env.ref("invoice_chaser.chaser_template_polite")
        self._in(self.user_b)["chaser.campaign"].create_for_invoices(
            self._make_invoice_in(self.user_b, self.both).ids,
            {"template_id": polite.id},
        ).action_send()
        self._run(FakeTransport(), campaign.provider_id.with_user(self.env.user).sudo())
        self.assertEqual(polite.with_env(self._in(self.user_b)).usage_count, 1)
        self.env.invalidate_all()
        self.assertEqual(polite.with_env(self._in(self.user_a)).usage_count, 0)
        self.assertFalse(polite.with_env(self._in(self.user_a)).last_used_at)

    # -- chasing

    def test_chase_invoices_of_the_other_company(self):
        hidden = self._make_invoice_in(self.user_b, self.customer_b)
        before = self._snapshot(self.other)
        for values in ({}, {"company_id": self.other.id}):
            with self.assertRaises(UserError) as caught:
                self._call(
                    self.user_a,
                    "chaser.campaign",
                    "create_for_invoices",
                    hidden.ids,
                    values,
                )
            self.assertFalse(holds_secret(caught.exception), caught.exception)
            self.assertNotIn(hidden.name, str(caught.exception))
        with self.assertRaises(UserError) as caught:
            self._call(self.user_a, "account.move", "action_chase", hidden.ids)
        self.assertFalse(holds_secret(caught.exception), caught.exception)
        self._check_unchanged(before)

    def test_chase_own_and_other_invoices_together(self):
        hidden, own = (
            self._make_invoice_in(self.user_b, self.both),
            self._make_invoice_in(self.user_a, self.both),
        )
        campaign_id = self._call(
            self.user_a,
            "chaser.campaign",
            "create_for_invoices",
            (hidden | own).ids,
            {},
        )[0]
        campaign = self.env["chaser.campaign"].sudo().browse(campaign_id)
        self.assertEqual(campaign.reminder_ids.line_ids.move_id, own)
        self.assertEqual(campaign.company_id, self.company)
        self.assertIn("1 not found", campaign.left_out)
        self.assertNotIn(hidden.name, campaign.left_out)
        self.assertNotIn("2,000", campaign.reminder_ids.total_display)

    def test_other_companys_mailbox_level_template_tag_cannot_be_used(self):
        provider, campaign = self._make_scenario(self.user_b, self.customer_b, SECRET)
        own = self._make_invoice_in(self.user_a, self.both)
        for values in (
            {"provider_id": provider.id},
            {"level_id": campaign.level_id.id},
            {"template_id": campaign.level_id.template_id.id},
            {"tag_ids": [Command.set(campaign.tag_ids.ids)]},
        ):
            with self.subTest(values=values), self.assertRaises(UserError):
                self._call(
                    self.user_a,
                    "chaser.campaign",
                    "create_for_invoices",
                    own.ids,
                    values,
                )
        campaign = self._in(self.user_a)["chaser.campaign"].create_for_invoices(own.ids)
        with self.assertRaises(UserError):
            campaign.write({"provider_id": provider.id})
            campaign.action_send()

    def test_partner_settings_are_each_companys_own(self):
        """A pause, an interval or a consolidation that one company agreed on is unknown
        to the other."""
        values = {
            "chaser_paused_until": self.today + timedelta(days=9),
            "chaser_pause_reason": f"{SECRET} agreed",
            "preferred_contact_interval": 77,
            "consolidation_preference": "disabled",
            "max_consolidation_amount": 5.0,
        }
        self.both.with_env(self._in(self.user_b)).sudo().write(values)
        self.env.flush_all()
        self.env.invalidate_all()
        [seen] = self._call(
            self.user_a, "res.partner", "read", self.both.ids, list(values)
        )
        self.assertFalse(holds_secret(seen))
        self.assertEqual([seen[name] for name in values], [False, False, 0, False, 0.0])
        self.assertFalse(
            self._call(
                self.user_a,
                "res.partner",
                "search",
                [("chaser_pause_reason", "ilike", SECRET)],
            )
        )
        self.assertFalse(
            holds_secret(
                self._call(
                    self.user_a,
                    "res.partner",
                    "export_data",
                    self.both.ids,
                    list(values),
                )
            )
        )
        # and so company A goes on chasing, company B does not
        for user, state in ((self.user_a, "draft"), (self.user_b, "skipped")):
            campaign = self._in(user)["chaser.campaign"].create_for_invoices(
                self._make_invoice_in(user, self.both).ids
            )
            self.assertEqual(campaign.reminder_ids.state, state, user.login)

    def test_contact_history_is_each_companys_own(self):
        """That company B wrote yesterday neither stops company A nor appears in its
        counts."""
        provider, _campaign = self._make_scenario(self.user_b, self.customer_b, SECRET)
        invoice_b, invoice_a = (
            self._make_invoice_in(self.user_b, self.both),
            self._make_invoice_in(self.user_a, self.both),
        )
        self._in(self.user_b)["chaser.campaign"].create_for_invoices(
            invoice_b.ids
        ).action_send()
        self._run(FakeTransport(), provider.with_user(self.env.user).sudo())
        self.assertEqual(
            self.both.with_env(self._in(self.user_b)).chaser_reminder_count, 1
        )
        self.env.invalidate_all()
        self.assertEqual(
            self.both.with_env(self._in(self.user_a)).chaser_reminder_count, 0
        )
        self.assertEqual(
            invoice_b.with_env(self._in(self.user_b)).chaser_reminder_count, 1
        )
        self.env.invalidate_all()
        campaign = self._in(self.user_a)["chaser.campaign"].create_for_invoices(
            invoice_a.ids
        )
        self.assertEqual(campaign.reminder_ids.state, "draft")

    def test_status_search_and_company_switcher_respect_rules(self):
        for user, partner, word in (
            (self.user_a, self.customer, "Alpha"),
            (self.user_b, self.customer_b, SECRET),
        ):
            self._make_scenario(user, partner, word)
        own = (
            self.env["chaser.reminder"]
            .sudo()
            .search([("company_id", "=", self.company.id)])
        )
        status = own.status
        self.assertEqual(
            self.env["chaser.reminder"].sudo().search_count([("status", "=", status)]),
            2,
        )
        for domain in (
            [("status", "=", status)],
            [("status", "in", [status, "paid"])],
            [("status", "!=", "paid")],
            [("status", "!=", False)],
        ):
            self.assertEqual(
                self._call(self.user_a, "chaser.reminder", "search", domain),
                own.ids,
                domain,
            )
        groups = self._call(
            self.user_a,
            "chaser.reminder",
            "formatted_read_group",
            [],
            ["status"],
            ["__count"],
        )
        self.assertEqual(
            [(group["status"], group["__count"]) for group in groups], [(status, 1)]
        )
        found = self._call(
            self.user_a,
            "chaser.campaign",
            "search",
            [("reminder_ids.status", "=", status)],
        )
        self.assertEqual(found, own.campaign_id.ids)
        # Users of both companies see only the companies chosen in the company switcher,
        # whatever their rights.
        self.user_a.company_ids += self.other
        campaigns = self._in(self.user_a)["chaser.campaign"]
        self.assertEqual(campaigns.search([]).company_id, self.company)
        self.assertEqual(
            campaigns.with_context(allowed_company_ids=[self.company.id, self.other.id])
            .search([])
            .company_id,
            self.company + self.other,
        )

    def test_unsubscribing_from_one_company_keeps_the_other(self):
        """The address is the same, but there are two business relations."""
        invoice_a, invoice_b = (
            self._make_invoice_in(self.user_a, self.both),
            self._make_invoice_in(self.user_b, self.both),
        )
        sent = self._in(self.user_a)["chaser.campaign"].create_for_invoices(
            invoice_a.ids
        )
        self.env["chaser.event"].sudo()._unsubscribe(
            sent.reminder_ids.sudo().stop_token, {"user_agent": "", "ip": ""}
        )
        suppression = (
            self.env["chaser.suppression"]
            .sudo()
            .search([("email", "=", "shared@customer.example")])
        )
        self.assertEqual(suppression.company_id, self.company)
        sent.action_cancel()
        for user, invoice, state in (
            (self.user_a, invoice_a, "skipped"),
            (self.user_b, invoice_b, "draft"),
        ):
            campaign = self._in(user)["chaser.campaign"].create_for_invoices(
                invoice.ids
            )
            self.assertEqual(campaign.reminder_ids.state, state, user.login)
