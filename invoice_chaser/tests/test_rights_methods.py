import contextlib
import inspect
import socket
from datetime import timedelta
from unittest.mock import patch

import psycopg2

from odoo.exceptions import RedirectWarning, UserError
from odoo.service.model import get_public_method
from odoo.tests import tagged
from odoo.tools import SQL, mute_logger

from .companies_common import WritersCase, holds_secret

# The ORM's own ways to read and write: TestLinks and TestCompanies walk these with
# every value, and these two are called by the server alone.
_ELSEWHERE = {"create", "write", "onchange", "default_get", "message_route"}
_ELSEWHERE |= {"session_info"}
# The encryption key is the database's: a new one seals the secrets of all companies,
# and of the others it tells their number alone.
_OF_ALL_COMPANIES = {"action_reseal", "action_chaser_reseal"}
_COMPANY_COLUMNS = ("company_id", "chaser_company_id")


@tagged("post_install", "-at_install")
class TestMethods(WritersCase):
    """Whatever may be called by RPC, called by every kind of user with the ids of both
    companies: nothing of the other company is told or changed, and what is refused is
    refused in words, not by a traceback."""

    def setUp(self):
        super().setUp()
        self.before = {}
        self.enterContext(patch("socket.socket.connect", side_effect=OSError))
        self.enterContext(patch("socket.getaddrinfo", side_effect=socket.gaierror))
        # Each call is taken back as a whole.
        self.enterContext(patch.object(self.cr, "commit", lambda: None))
        self.enterContext(patch.object(self.cr, "rollback", lambda: None))

    # -- what is called

    def _get_methods(self):
        """(model, method) of all public methods that a class of ours defines, today's
        and tomorrow's, on every model that has it."""
        found = set()
        for name, model in self.registry.items():
            for definition in model.mro():
                if not definition.__module__.startswith("odoo.addons.invoice_chaser"):
                    continue
                found |= {
                    (name, method)
                    for method, value in vars(definition).items()
                    if inspect.isfunction(value)
                    and not method.startswith("_")
                    and method not in _ELSEWHERE
                    and self._is_public(name, method)
                }
        return sorted(found)

    def _is_public(self, name, method):
        function = getattr(self.registry[name], method)
        if self.registry[name]._abstract and not getattr(function, "_api_model", False):
            return False  # has no records
        with contextlib.suppress(UserError):
            return bool(get_public_method(self.env[name], method))
        return False

    def _pick(self, name, company):
        """Ids of a record of the company, if there is any."""
        model = self.env[name]
        if model._abstract:
            return []
        if name.startswith("chaser.") and not model._auto:
            domain = [("company_id", "=", company.id)]
            return model.sudo().search(domain, limit=1).ids
        # Of a branch, some records cannot be made.
        with contextlib.suppress(AssertionError), self.cr.savepoint(flush=False):
            if company == self.other:
                return self._get_stranger(name).ids
            return self._get_own(name, company).ids
        return []

    def _make_argument(self, parameter, company):
        """A value for a parameter, by its name; of records, the company's."""
        is_other = company == self.other
        makers = {
            "invoice_ids": lambda: self._pick("account.move", company),
            "partner_id": lambda: (
                self.customer_b.id if is_other else self.customer.id
            ),
            "values": dict,
            "filters": lambda: {"company_id": company.id},
            "scheduled_at": lambda: str(self.today + timedelta(days=1)),
            "resolution": lambda: "agreed",
            "language": lambda: "en",
            "name": lambda: "overdue",
            "key": lambda: str(company.id),
            "code": lambda: "mailbox",
            "pin": lambda: "123456",
            "vals": dict,
            "default": dict,
            "allfields": lambda: None,
            "attributes": lambda: None,
            "field_name": lambda: "name",
            "translations": lambda: {"en_US": "Other words"},
            "source_lang": lambda: "",
            "wanted": lambda: True,
        }
        if parameter.name not in makers:
            self.fail(f"The walk knows no value for the parameter {parameter}")
        return makers[parameter.name]()

    def _make_arguments(self, name, method, company):
        parameters = list(
            inspect.signature(getattr(self.registry[name], method)).parameters.values()
        )[1:]
        return [
            self._make_argument(parameter, company)
            for parameter in parameters
            if parameter.kind == parameter.POSITIONAL_OR_KEYWORD
        ]

    def _get_calls(self, name, method, company, is_whole):
        """Ids and arguments of each call, with own ones and with the other's.

        :param is_whole: own ones alone, too
        """
        function = getattr(self.registry[name], method)
        mine, others = (
            self._make_arguments(name, method, one) for one in (company, self.other)
        )
        arguments = [mine] if mine == others else [mine, others]
        if getattr(function, "_api_model", False):
            return [([], args) for args in arguments]
        own, strange = self._pick(name, company), self._pick(name, self.other)
        ids = [one for one in (own if is_whole else [], strange) if one]
        if own and strange:
            ids.append(own + strange)
        return [([one], args) for one in ids for args in arguments]

    # -- what is looked at

    def _count_changes(self):
        """Rows that were written in this transaction, per table; those of what was
        taken back count, too."""
        return dict(
            self.env.execute_query(
                SQL(
                    "SELECT relname, n_tup_ins + n_tup_upd + n_tup_del"
                    " FROM pg_stat_xact_user_tables"
                    " WHERE n_tup_ins + n_tup_upd + n_tup_del > 0"
                )
            )
        )

    def _get_rows(self, table):
        """What a table holds of the other company; None where it holds nothing of
        companies."""
        identities = {
            "res_company": self.other,
            "res_partner": self.customer_b,
            "res_users": self.user_b,
            "ir_cron": self._get_stranger("chaser.provider").sudo().cron_id,
        }
        if table in identities:
            where = SQL("id = %s", identities[table].id)
        else:
            columns = self.env.execute_query(
                SQL(
                    "SELECT column_name FROM information_schema.columns"
                    " WHERE table_schema = 'public' AND table_name = %s"
                    " AND column_name IN %s",
                    table,
                    _COMPANY_COLUMNS,
                )
            )
            if not columns:
                return None
            where = SQL("%s = %s", SQL.identifier(columns[0][0]), self.other.id)
        return self.env.execute_query(
            SQL(
                "SELECT to_jsonb(t) FROM %s t WHERE %s ORDER BY 1",
                SQL.identifier(table),
                where,
            )
        )

    def _call_once(self, user, name, method, ids, args):
        """One call, taken back: what it told, and the tables that it wrote to with
        their rows of the other company then. What is refused is taken back by Odoo,
        too."""
        told, after, works_there = None, {}, self.other in user.company_ids
        with mute_logger("odoo.sql_db"), self.cr.savepoint(flush=False) as savepoint:
            try:
                told = self._call(user, name, method, *ids, *args)
                self.env.flush_all()
                changes = self._count_changes()
                for table in changes:
                    if changes[table] != self.changes.get(table):
                        after[table] = self._get_rows(table)
                self.changes = changes
            except (UserError, RedirectWarning, psycopg2.IntegrityError) as no:
                # (Odoo makes a sentence of what PostgreSQL says of double values.)
                # To somebody who works there, too, Odoo names the company to switch to.
                told = None if works_there else no
            except ValueError as error:
                several = bool(ids) and len(ids[0]) > 1
                if not several or "Expected singleton" not in str(error):
                    raise
            finally:
                savepoint.rollback()
                self.env.transaction.clear()
        return told, after

    def _check(self, user, name, method, ids, args):
        what = f"{user.login}: {name}.{method}({ids}, {args})"
        try:
            told, after = self._call_once(user, name, method, ids, args)
        except Exception as error:
            raise AssertionError(f"{what} ends in {error!r}") from error
        self.assertFalse(holds_secret(told), f"{what} tells {told}")
        for table, rows in after.items():
            if rows is None or method in _OF_ALL_COMPANIES:
                continue
            if table not in self.before:
                self.before[table] = self._get_rows(table)
            self.assertEqual(rows, self.before[table], f"{what} changed {table}")

    # -- the walk

    def _hand_over_dialogs(self, user):
        """Whose a dialog's record is, Odoo looks at first; so all are the user's, and
        nothing but the company keeps them apart."""
        for name in self._get_models():
            if self.registry[name]._transient:
                table = SQL.identifier(self.registry[name]._table)
                self.env.cr.execute(
                    SQL("UPDATE %s SET create_uid = %s", table, user.id)
                )
        self.env.invalidate_all()
        self.before, self.changes = {}, self._count_changes()

    def _walk(self, methods, writers):
        """The number of calls."""
        calls = 0
        for kind, user in writers.items():
            self._hand_over_dialogs(user)
            for name, method in methods:
                is_whole = kind in ("user", "manager")
                for ids, args in self._get_calls(
                    name, method, user.company_id, is_whole
                ):
                    with self.subTest(user=user.login, model=name, method=method):
                        self._check(user, name, method, ids, args)
                    calls += 1
        return calls

    def test_walk(self):
        """Every public method of every model, as every kind of user."""
        methods = self._get_methods()
        self.assertIn(("chaser.campaign", "action_send"), methods)
        self.assertIn(("chaser.overview", "read_overview"), methods)
        self.assertIn(("chaser.preview", "action_send"), methods)
        self.assertIn(("account.move", "action_chase"), methods)
        self.assertGreater(len(methods), 150)
        for name, _method in methods:
            for company in (self.company, self.branch, self.other):
                self._pick(name, company)
        self.env.flush_all()
        with self.enter_registry_test_mode():
            self.assertGreater(self._walk(methods, self.writers), 1_500)

    def test_walk_sees_a_leak(self):
        """A method that asks nobody would be found, whether it tells or writes."""
        Tag = self.registry["chaser.tag"]
        name = self._get_stranger("chaser.tag").name

        def tell(records):
            return records.sudo().mapped("name")

        def change(records):
            records.sudo().write({"name": "Own"})

        def fail(_records):
            raise KeyError("x")

        self.assertTrue(holds_secret(name))
        self.env.flush_all()
        writers = {"user": self.writers["user"]}
        for method in (tell, change, fail):
            with (
                patch.object(Tag, "action_leak", method, create=True),
                patch.object(self, "subTest", lambda **_what: contextlib.nullcontext()),
                self.assertRaises(AssertionError),
            ):
                self._walk([("chaser.tag", "action_leak")], writers)
