import itertools
from datetime import timedelta
from importlib import import_module
from importlib.util import find_spec

from odoo import fields
from odoo.fields import Command
from odoo.service.model import call_kw
from odoo.tests import new_test_user
from odoo.tools import SQL

from ..core.inbound import inbound
from .common import ChaserCase, FakeTransport

# A marker in every text of company B, so that a leak is found wherever it occurs.
SECRET = "Zanzibar"
# Models that nobody has rights on: only the addon's own methods come there.
CLOSED = {
    "chaser.oauth.grant",
    "chaser.oauth.request",
    "chaser.event.kept",
    "chaser.receivable.kept",
    "chaser.receivable.month",
    "chaser.receivable.stale",
}
ONE_PER_COMPANY = {"chaser.cash.forecast", "chaser.retention.rule"}
# Text that a field may take, where the marker would not be valid.
_NUMBERS = itertools.count(1)
_VALID_TEXT = {"email": "x@%s.example", "tz": "Asia/Dubai"}


def holds_secret(result):
    return SECRET.lower() in repr(result).lower()


class CompaniesCase(ChaserCase):
    """Two companies, A (the own one) and B (``other``), each with everything that some
    time of chasing makes, and a customer whom they share (``both``)."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # What models of later addons need beside their required fields: pairs of field
        # and function of a number.
        # What a record needs beside its required fields, by its model.
        cls.examples = {
            "chaser.provider": [("email", "walk-{}@pop.example".format)],
        }
        for module in sorted(cls.registry._init_modules):
            if module.startswith("invoice_chaser_"):
                path = f"odoo.addons.{module}.tests.walk_examples"
                if find_spec(path):
                    cls.examples |= import_module(path).EXAMPLES
        cls.other = cls.setup_other_company(name=f"{SECRET} Trading")["company"]
        cls.other.write({"email": f"accounts@{SECRET.lower()}.example"})
        groups = (
            "invoice_chaser.group_chaser_manager,account.group_account_manager,"
            "base.group_allow_export"
        )
        cls.user_a = new_test_user(
            cls.env,
            "chaser_a",
            groups,
            company_id=cls.company.id,
            email="a@pop.example",
        )
        cls.user_b = new_test_user(
            cls.env, "chaser_b", groups, company_id=cls.other.id, email="b@b.example"
        )
        cls.customer_b = cls._make_customer(
            f"{SECRET} Customer",
            f"pay@{SECRET.lower()}.example",
            company_id=cls.other.id,
        )
        cls.both = cls._make_customer("Shared Customer", "shared@customer.example")
        cls.template_values = {
            "subject": "{{ total_due }}",
            "body_html": "<p>{{ invoice_table }}</p><p>{{ pay_button }}</p>",
        }

    # -- the scenario

    def _in(self, user):
        return self.env(
            user=user,
            su=False,
            context={"allowed_company_ids": user.company_id.ids, "lang": "en_US"},
        )

    def _make_invoice_in(self, user, partner, days=20):
        env = self.env(
            context={**self.env.context, "allowed_company_ids": user.company_id.ids}
        )
        invoice = env["account.move"].create(
            {
                "move_type": "out_invoice",
                "partner_id": partner.id,
                "invoice_date": self.today - timedelta(days=days),
                "invoice_date_due": self.today - timedelta(days=days),
                "ref": f"{SECRET} ref" if user == self.user_b else "ref",
                "payment_reference": f"{SECRET}-{partner.id}-{days}"
                if user == self.user_b
                else f"A-{partner.id}-{days}",
                "invoice_line_ids": [
                    Command.create(
                        {
                            "name": "Goods",
                            "quantity": 1,
                            "price_unit": 1000,
                            "tax_ids": [Command.clear()],
                        }
                    )
                ],
            }
        )
        invoice.action_post()
        return invoice

    def _make_scenario(self, user, partner, word):
        """All records that a company has after some time of chasing, made by its own
        manager. Returns the mailbox and campaign."""
        env, company = self._in(user), user.company_id
        mark = word.lower()
        provider = env["chaser.provider"].create(
            {
                "kind": "smtp",
                "name": f"{word} box",
                "email": f"box@{mark}.example",
                "sender_name": word,
                "smtp_host": f"{mark}.example",
                "smtp_port": 25,
                "smtp_user": word,
                "smtp_password": f"{word} password",
                "batch_pause": 0,
                "company_id": company.id,
            }
        )
        provider.sudo()._set_state("connected")
        template = env["chaser.template"].create(
            {
                "name": f"{word} template",
                "company_id": company.id,
                **self.template_values,
            }
        )
        level = env["chaser.level"].create(
            {
                "name": f"{word} level",
                "company_id": company.id,
                "days_overdue": 1,
                "min_days": 0,
                "template_id": template.id,
            }
        )
        tag = env["chaser.tag"].create(
            {"name": f"{word} tag", "company_id": company.id}
        )
        env["chaser.segment"].create(
            {"name": f"{word} segment", "company_id": company.id}
        )
        env["chaser.daily.run"].sudo().create(
            {
                "name": f"{word} run",
                "company_id": company.id,
                "date": self.today - timedelta(days=7),
            }
        )
        env["chaser.suppression"].create(
            {"email": f"stopped@{mark}.example", "company_id": company.id, "note": word}
        )
        first = self._make_invoice_in(user, partner)
        campaign = env["chaser.campaign"].create_for_invoices(
            first.ids,
            {
                "name": f"{word} campaign",
                "tag_ids": [Command.set(tag.ids)],
                "provider_id": provider.id,
                "level_id": level.id,
            },
        )
        campaign.action_send()
        self._run(FakeTransport(), provider.with_user(self.env.user).sudo())
        reminder = campaign.reminder_ids
        self.assertEqual(reminder.state, "sent", reminder.reason)
        hit = {"method": "GET", "user_agent": word, "ip": "192.0.2.9", "country": "AE"}
        Event = self.env["chaser.event"].sudo()
        token = reminder.sudo().pixel_token
        Event._store_hits([Event._prepare_hit(token, "opened", hit)])
        preview = (
            self._make_invoice_in(
                user, self._make_customer(f"{word} second", f"second@{mark}.example")
            )
            .with_env(env)
            .action_chase()
        )
        self.assertTrue(env["chaser.preview"].browse(preview["res_id"]).item_ids)
        env["chaser.hold"].create(
            {
                "partner_id": partner.id,
                "company_id": company.id,
                "code": "reply",
                "detail": word,
            }
        )
        env["chaser.promise"].create(
            {
                "partner_id": partner.id,
                "company_id": company.id,
                "date_promised": self.today + timedelta(days=2),
                "said_by": word,
            }
        )
        env["chaser.dispute"].create(
            {
                "partner_id": partner.id,
                "company_id": company.id,
                "reason": f"{word} reason",
            }
        )
        mail = (
            f"From: {word} <x@{mark}.example>\r\nMessage-ID: "
            f"<in@{mark}.example>\r\nSubject: {word}\r\nIn-Reply-To: "
            f"{reminder.message_id}\r\n\r\n{word}"
        )
        received = (
            self.env["chaser.inbound"]
            .sudo()
            ._receive(company, inbound.read(mail.encode()), provider.sudo())
        )
        env["chaser.inbound.assign"]._create_by_program(
            {"inbound_id": received.id, "company_id": company.id}
        )
        self.env["chaser.answer"].sudo().create(
            {
                "reminder_id": reminder.id,
                "company_id": company.id,
                "partner_id": partner.id,
                "action": "paid",
                "key": f"{word} key",
                "text": word,
            }
        )
        self.env.invalidate_all()
        return provider, campaign

    @classmethod
    def _get_models(cls):
        """The stored models that this addon defines, today's and tomorrow's."""
        return sorted(
            name
            for name, model in cls.registry.items()
            if name.startswith("chaser.") and not model._abstract and model._auto
        )

    def _get_records(self, name, company):
        """A company's records of a model; one is built where the scenario has none."""
        model = self.env[name].sudo().with_context(active_test=False)
        self.assertIn(
            "company_id",
            model._fields,
            f"{name} belongs to no company, so that no rule can keep companies apart",
        )
        return model.search([("company_id", "=", company.id)]) or self._build(
            name, company
        )

    def _build(self, name, company):
        values = self._make_values(name, company)
        try:
            record = self.env[name].sudo().with_company(company).create(values)
            record.flush_recordset()
        except Exception as error:
            raise AssertionError(
                f"The walk cannot build a {name} from {values}: add one to "
                f"_make_scenario. {error}"
            ) from error
        return record

    def _make_values(self, name, company):
        """Values for a record, from the model's required fields alone."""
        model = self.env[name].sudo().with_company(company)
        required = [
            field
            for field in model._fields.values()
            if field.required
            and field.store
            and not field.compute
            and not field.related
            and field.name != "company_id"
        ]
        values = {"company_id": company.id} | {
            field.name: self._make_value(model, field, company) for field in required
        }
        return values | {
            key: make(next(_NUMBERS)) for key, make in self.examples.get(name, ())
        }

    def _get_word(self, company):
        """By which the other company's texts are known; the own ones have another."""
        return SECRET if company == self.other else "Own"

    def _make_value(self, model, field, company):
        match field.type:
            case "many2one":
                comodel = self.env[field.comodel_name].sudo()
                own = (
                    [("company_id", "in", (company.id, False))]
                    if "company_id" in comodel._fields
                    else []
                )
                found = comodel.search(own, limit=1)
                if not found and comodel._name.startswith("chaser."):
                    found = self._build(comodel._name, company)
                elif not found and comodel._name == "ir.attachment":
                    found = comodel.create(
                        {"name": "Own.txt", "raw": b"Own", "company_id": company.id}
                    )
                self.assertTrue(
                    found, f"{model._name}.{field.name} needs a {comodel._name}"
                )
                return found.id
            case "char" | "text" | "html":
                # Each its own, as some are unique.
                valid = _VALID_TEXT.get(field.name, "")
                if "%s" in valid:
                    valid %= self._get_word(company).lower()
                return (
                    self.template_values.get(field.name)
                    or valid
                    or f"{self._get_word(company)} {next(_NUMBERS)}"
                )
            case "selection":
                return field.get_values(self.env)[0]
            case "integer" | "float" | "monetary":
                return 987
            case "date" | "datetime":
                return (
                    fields.Datetime.now()
                    if field.type == "datetime"
                    else fields.Date.today()
                )
            case "json":
                return {"text": self._get_word(company)}
            case "boolean":
                return True
        return self.fail(
            f"The walk knows no value for {model._name}.{field.name}, which is of "
            f"type {field.type}"
        )

    def _snapshot(self, company):
        """All rows of a company, of all models, as the database has them."""
        self.env.flush_all()
        return {
            name: self.env.execute_query(
                SQL(
                    "SELECT to_jsonb(t) FROM %s t WHERE company_id = %s ORDER BY id",
                    SQL.identifier(self.registry[name]._table),
                    company.id,
                )
            )
            for name in self._get_models()
        }

    def _check_unchanged(self, before, what="something"):
        after = self._snapshot(self.other)
        changed = [name for name in before if before[name] != after[name]]
        self.assertFalse(
            changed, f"{what}: rows of the other company are not what they were"
        )

    def _call(self, user, name, method, *args, **kwargs):
        """As a client calls it: public methods only."""
        return call_kw(
            self._in(user)[name].with_context(active_test=False),
            method,
            list(args),
            kwargs,
        )


class WritersCase(CompaniesCase):
    """The kinds of users who may try, and what they try it with: records of their own
    company and of the other."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        own = {"company_id": cls.company.id}
        cls.branch = cls.env["res.company"].create(
            {"name": "Branch of POP", "parent_id": cls.company.id}
        )
        cls.writers = {
            "user": new_test_user(
                cls.env, "links_user", "invoice_chaser.group_chaser_user", **own
            ),
            "manager": cls.user_a,
            "both companies, one active": new_test_user(
                cls.env,
                "links_both",
                "invoice_chaser.group_chaser_manager",
                company_ids=[Command.set((cls.company | cls.other).ids)],
                **own,
            ),
            "branch": new_test_user(
                cls.env,
                "links_branch",
                "invoice_chaser.group_chaser_manager",
                company_id=cls.branch.id,
                company_ids=[Command.set(cls.branch.ids)],
            ),
            "invoicing": new_test_user(
                cls.env, "links_invoicing", "account.group_account_invoice", **own
            ),
            "portal": new_test_user(
                cls.env,
                "links_portal",
                "base.group_portal",
                partner_id=cls.both.id,
                **own,
            ),
        }

    def setUp(self):
        super().setUp()
        self._make_scenario(self.user_a, self.customer, "Alpha")
        self._make_scenario(self.user_b, self.customer_b, SECRET)
        self.strangers, self.own = {}, {}

    def _get_stranger(self, model):
        """A record of the other company, or of nobody (a scheduled job)."""
        if model not in self.strangers:
            self.strangers[model] = self._find_stranger(model)
        return self.strangers[model]

    def _find_stranger(self, model):
        records = self.env[model].sudo().with_context(active_test=False)
        if model == "res.company":
            return self.other
        if model == "res.partner":
            return self.customer_b
        if model == "res.users":
            return self.user_b
        if model == "mail.activity":
            return self.customer_b.sudo().activity_schedule(
                "mail.mail_activity_data_todo", summary=f"{SECRET} to-do"
            )
        if model == "ir.attachment":
            return records.create(
                {
                    "name": f"{SECRET}.txt",
                    "raw": SECRET.encode(),
                    "res_model": "res.partner",
                    "res_id": self.customer_b.id,
                }
            )
        if model == "resource.calendar":
            return records.create(
                {"name": f"{SECRET} hours", "company_id": self.other.id}
            )
        if model.startswith("chaser."):
            return self._get_records(model, self.other)[:1]
        if "company_id" in records._fields:
            return records.search([("company_id", "=", self.other.id)], limit=1)
        return records.search([], limit=1)

    def _get_own(self, name, company):
        """A record that the user may write to, if there is any."""
        key = (name, company)
        if key not in self.own:
            self.own[key] = (
                self._get_records(name, company)[:1]
                if name.startswith("chaser.")
                else self._get_own_of_odoo(name, company)
            )
        return self.own[key]

    def _get_own_of_odoo(self, name, company):
        records = self.env[name].sudo()
        match name:
            case "res.company":
                return company
            case "res.partner":
                return self.both
            case "res.partner.category":
                return records.search([], limit=1) or records.create({"name": "Tag"})
            case "resource.calendar":
                return records.create({"name": "Own", "company_id": company.id})
            case _:
                own = [("company_id", "=", company.id)]
                domain = own if "company_id" in records._fields else []
                return records.search(domain, limit=1)
