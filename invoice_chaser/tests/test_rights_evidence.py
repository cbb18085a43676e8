from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

from .companies_common import CLOSED, CompaniesCase

# What looks like evidence by its name and is entered by users on purpose, and why.
ENTERED = {
    "chaser.call.called_at": "when the user called; the record says who wrote it when",
    "chaser.call.user_id": "the user themselves, for a call that was made",
    "chaser.campaign.scheduled_at": "a wish; what was sent has times of its own",
    "chaser.campaign.user_id": "who is responsible",
    "chaser.dispute.disputed_at": "when the customer said it, as the user heard it",
    "chaser.dispute.said_by": "who of the customer said it",
    "chaser.dispute.source": "where the user heard it; never the page",
    "chaser.dispute.user_id": "who is responsible",
    "chaser.level.copy_user_id": "who gets a copy",
    "chaser.preview.scheduled_at": "a wish",
    "chaser.promise.promised_at": "when the customer said it, as the user heard it",
    "chaser.promise.said_by": "who of the customer said it",
    "chaser.promise.source": "where the user heard it; never the page",
    "chaser.promise.user_id": "who is responsible",
    "chaser.simulation.line.delayed_by": "a calculation, deleted after the day",
    "chaser.simulation.line.leaves_at": "a calculation, deleted after the day",
    "chaser.suppression.source": "words; who wrote them is on the record",
    "res.partner.chaser_consent_at": "when the customer agreed, as the user knows it",
    "res.partner.chaser_source": "where the contact came from",
}
_ENDINGS = ("_at", "_by", "_by_id", "state", "source", "user_id")


@tagged("post_install", "-at_install")
class TestEvidence(CompaniesCase):
    """States, times, who and where are written by methods that check: no user, and no
    administrator, enters them by a call of their own."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        own = {"company_id": cls.company.id}
        cls.writers = [
            new_test_user(
                cls.env, "evidence_user", "invoice_chaser.group_chaser_user", **own
            ),
            cls.user_a,
            new_test_user(
                cls.env,
                "evidence_admin",
                "base.group_system,invoice_chaser.group_chaser_manager",
                **own,
            ),
        ]

    def _get_written_models(self):
        return [
            name
            for name in self._get_models()
            if name not in CLOSED
            and any(
                self.env[name].with_user(self.user_a).has_access(operation)
                for operation in ("write", "create")
            )
        ]

    def test_table(self):
        """A field that is named like evidence is the program's, or stands in the
        table."""
        entered = set()
        names = [*self._get_written_models(), "res.partner", "account.move"]
        for name in names:
            for field in self.env[name]._fields.values():
                ours = name.startswith("chaser.") or field.name.startswith("chaser_")
                if (
                    ours
                    and field.store
                    and not field.readonly
                    and field.name.endswith(_ENDINGS)
                    and "chaser" in (field._module or "")
                ):
                    entered.add(f"{name}.{field.name}")
        self.assertEqual(entered, set(ENTERED))

    def test_walk(self):
        """Every field of the program, by every way in."""
        self._make_scenario(self.user_a, self.customer, "Alpha")
        count = 0
        for name in self._get_written_models():
            record = self._get_records(name, self.company)[:1]
            names = record._get_program_fields()
            values = {
                key: value
                for key, value in self._make_values(name, self.company).items()
                if key not in names
            }
            for field_name in sorted(names):
                value = self._choose_value(record._fields[field_name], record)
                for user in self.writers:
                    self._check_refused(user, record, field_name, value, values)
                    count += 1
        self.assertGreater(count, 300)

    def _choose_value(self, field, record):
        match field.type:
            case "selection":
                return field.get_values(self.env)[-1]
            case "many2one":
                return (
                    self.env[field.comodel_name]
                    .sudo()
                    .with_context(active_test=False)
                    .search([], limit=1)
                    .id
                )
            case "many2many" | "one2many":
                return [(5,)]
            case "date":
                return "2020-01-01"
            case "datetime":
                return "2020-01-01 00:00:00"
            case "boolean":
                return not record[field.name]
            case "integer" | "float" | "monetary":
                return 4711
            case "json":
                return [4711]
            case _:
                return "4711"

    def _check_refused(self, user, record, name, value, values):
        env = self._in(user)
        own = env[record._name].browse(record.ids)
        where = f"{user.login}: {record._name}.{name}"
        given = {name: value}
        for method, args in (
            ("write", (given,)),
            ("web_save", (given, {})),
            ("copy", (given,)),
        ):
            with self.assertRaises(UserError, msg=f"{where} {method}"):
                getattr(own, method)(*args)
        with self.assertRaises(UserError, msg=f"{where} create"):
            env[record._name].create([values | given])
        usual = env[record._name].default_get([name])
        model = env[record._name].with_context(**{f"default_{name}": value})
        for caller in (model, model.sudo(), model._by_program()):
            found = caller.default_get([name])
            if record._fields[name].type not in ("date", "datetime"):
                self.assertEqual(found, usual, f"{where} by the context")
            else:
                self.assertNotEqual(found.get(name), value, f"{where} by the context")

    def test_default_that_a_user_has_stored(self):
        """Odoo lets each user store defaults of their own."""
        user = self.writers[0]
        self._in(user)["ir.default"].set("chaser.promise", "state", "kept", user.id)
        promise = self._in(user)["chaser.promise"].create(
            {"partner_id": self.customer.id, "date_promised": self.today}
        )
        self.assertEqual(promise.state, "open")

    def test_import(self):
        """Odoo's import is a way in, too."""
        user = self.writers[0]
        result = self._in(user)["chaser.promise"].load(
            ["partner_id/.id", "date_promised", "state"],
            [[str(self.customer.id), "2030-01-01", "kept"]],
        )
        self.assertFalse(result["ids"])
        self.assertTrue(result["messages"])

    def test_page_is_not_entered(self):
        """What the customer said on the page nobody writes for them."""
        user = self.writers[0]
        values = {"partner_id": self.customer.id, "source": "page"}
        for model, more in (
            ("chaser.promise", {"date_promised": self.today}),
            ("chaser.dispute", {"reason": "x"}),
        ):
            Model = self._in(user)[model]
            with self.assertRaises(AccessError):
                Model.create(values | more)
            record = Model.create(values | more | {"source": "phone"})
            with self.assertRaises(AccessError):
                record.source = "page"
            context = Model.with_context(default_source="page")
            with self.assertRaises(AccessError):
                context.create({"partner_id": self.customer.id, **more})

    def test_call_in_anothers_name(self):
        user, other = self.writers[:2]
        Call = self._in(user)["chaser.call"]
        values = {"partner_id": self.customer.id, "outcome": "reached"}
        with self.assertRaises(AccessError):
            Call.create(values | {"user_id": other.id})
        call = Call.create(values)
        for change in (
            {"user_id": other.id},
            {"called_at": "2020-01-01"},
            {"outcome": "promised", "date_promised": self.today},
        ):
            with self.assertRaises(AccessError):
                call.write(change)
        call.note = "More was said."
        planned = Call.create(
            {
                "partner_id": self.both.id,
                "outcome": "planned",
                "date_again": self.today,
                "user_id": other.id,
            }
        )
        self.assertEqual(planned.user_id, other)

    def test_field_of_an_invoice_needs_the_group(self):
        """Who may write invoices alone may pass on a promise, in their own name, but
        neither raises nor ends a dispute."""
        user = new_test_user(
            self.env,
            "evidence_invoicing",
            "account.group_account_invoice",
            company_id=self.company.id,
        )
        invoice = self._make_invoice()
        invoice.chaser_dispute_reason = "Not what was ordered"
        own = self._in(user)["account.move"].browse(invoice.id)
        for values in (
            {"chaser_dispute_reason": "Not ours"},
            {"chaser_dispute_reason": False},
        ):
            with self.assertRaises(AccessError):
                own.write(values)
        self.assertEqual(invoice.sudo().chaser_dispute_ids.state, "open")
