import contextlib
from unittest.mock import patch

import psycopg2

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import tagged

from ..models.common import chaser_mixins
from .companies_common import CLOSED, WritersCase, holds_secret

# What all companies share; its name tells nothing about one of them.
_SHARED = {
    "mail.activity.type",
    "res.country",
    "res.country.state",
    "res.currency",
    "res.partner.category",
}
# Models of Odoo on which fields of ours point somewhere.
_EXTENDED = (
    "account.move",
    "res.company",
    "res.partner",
    "res.partner.category",
    "resource.calendar",
)


@tagged("post_install", "-at_install")
class TestLinks(WritersCase):
    """Nobody gets at another company's record by pointing to it from a record of their
    own. Odoo gives the name of the target of a link without asking for rights on it, so
    every relational field of every model is tried with the other company's ids, as
    every kind of user, by every way in."""

    # -- what is tried

    def _get_walked_models(self):
        """The addon's models, and those that got fields of ours."""
        return [name for name in self._get_models() if name not in CLOSED] + list(
            _EXTENDED
        )

    def _get_link_fields(self, name):
        """Today's and tomorrow's."""
        ours = name.startswith("chaser.")
        return [
            field
            for field in self.env[name]._fields.values()
            if field.relational
            and field.comodel_name not in _SHARED
            and (ours or "chaser" in (field._module or ""))
            and field.name not in ("create_uid", "write_uid")
        ]

    def _make_link(self, field, target):
        return (
            target.id
            if field.type == "many2one"
            else [Command.link(target.id)]
            if field.type == "many2many"
            else [Command.update(target.id, {}), Command.link(target.id)]
        )

    def _get_tries(self, name, field, own, values, link):
        """Every way in: method, ids, arguments and context of the call."""
        spec = {
            field.name: {"fields": {"display_name": {}}},
            **(
                {}
                if field.type == "many2one"
                else {field.name: {"fields": {"display_name": {}}, "limit": 9}}
            ),
        }
        given, default = {field.name: link}, {f"default_{field.name}": link}
        if field.type != "many2one":
            default = {f"default_{field.name}": [Command.set([link[-1][1]])]}
        yield "write", own.ids, (given,), {}
        yield "web_save", own.ids, (given, spec), {}
        yield "onchange", own.ids, (given, [field.name], spec), {}
        yield "onchange", [], (given, [field.name], spec), {}
        yield "onchange", [], ({}, [], spec), default
        yield "copy", own.ids, (given,), {}
        yield "create", None, ([values | given],), {}
        yield "create", None, ([values],), default

    # -- the walk

    def _walk(self, user, company, models, accepted=None):
        """Fails at the first word of the other company."""
        for name in models:
            model = self._in(user)[name]
            if not (model.has_access("write") or model.has_access("create")):
                continue
            own = self._get_own(name, company)
            values = (
                {
                    key: value
                    for key, value in self._make_values(name, company).items()
                    if not model._fields[key].readonly
                }
                if name.startswith("chaser.")
                else {"name": "New"}
            )
            for field in self._get_link_fields(name):
                target = self._get_stranger(field.comodel_name)
                if not target:
                    continue
                for method, ids, args, context in self._get_tries(
                    name, field, own, values, self._make_link(field, target)
                ):
                    result = self._try(user, name, method, ids, args, context, field)
                    if accepted is not None and result is not None:
                        accepted.append((name, field.name, method))

    def _try(self, user, name, method, ids, args, context, field):
        """The call, and what can be read afterwards; None where it was refused."""
        result, works_there = None, self.other in user.company_ids
        with self.cr.savepoint(flush=False) as savepoint:
            try:
                records = self._in(user)[name].with_context(**context)
                records = records.browse(ids or ())
                result = getattr(records, method)(*args)
                self.env.flush_all()
                if method in ("create", "copy", "write"):
                    records = records if method == "write" else result
                    self._read_back(user, records, field, f"{name}.{method}")
                    result = True
            except (UserError, psycopg2.Error, ValueError, TypeError, KeyError) as no:
                # To somebody who works there, too, Odoo names the company to switch to.
                if not works_there:
                    self.assertFalse(holds_secret(no), f"{name}.{field.name}: {no}")
            savepoint.rollback()
        self.env.invalidate_all()
        self.assertFalse(
            holds_secret(result),
            f"{user.login} learns by {name}.{method}({field.name}): {result}",
        )
        return result

    def _read_back(self, user, records, field, what):
        """All fields, the name behind each link, and every public method."""
        records = self._in(user)[records._name].browse(records.ids)
        for method, args in (
            ("read", []),
            ("web_read", [{field.name: {"fields": {"display_name": {}}}}]),
        ):
            with contextlib.suppress(UserError):
                seen = self._call(user, records._name, method, records.ids, *args)
                self.assertFalse(
                    holds_secret(seen), f"{user.login} reads by {what}: {seen}"
                )
        idle = () if records._active_name else ("action_archive", "action_unarchive")
        for name in dir(type(records)):
            if not name.startswith("action_") or name in idle:
                continue
            with (
                self.cr.savepoint(flush=False) as savepoint,
                contextlib.suppress(UserError, TypeError, psycopg2.Error),
            ):
                seen = self._call(user, records._name, name, records.ids)
                self.env.flush_all()
                self.assertFalse(holds_secret(seen), f"{what}, {name}: {seen}")
                savepoint.rollback()

    def test_walk(self):
        """Every kind of user, every model, every relational field, every way in."""
        models = self._get_walked_models()
        fields = sum(len(self._get_link_fields(name)) for name in models)
        self.assertGreater(fields, 100, "the walk has found the fields")
        for name in models:
            for field in self._get_link_fields(name):
                self._get_stranger(field.comodel_name)
        before = self._snapshot(self.other)
        for kind, user in self.writers.items():
            with self.subTest(user=kind):
                self._walk(user, user.company_id, models)
        self._check_unchanged(before)

    def test_walk_sees_a_leak(self):
        """Without the check the walk finds what the attack found."""
        with patch.object(chaser_mixins, "check_links", lambda *_args: None):
            for name in ("chaser.preview", "chaser.template.compare"):
                with self.subTest(model=name), self.assertRaises(AssertionError):
                    self._walk(self.user_a, self.company, [name])

    def test_walk_tries_what_works(self):
        """The same calls, with a target of the own company, are taken: what refuses
        the other company's is not something else."""
        targets = {
            "chaser.level": self._get_records("chaser.level", self.company)[:1],
            "chaser.provider": self._get_records("chaser.provider", self.company)[:1],
            "res.partner": self.customer,
            "account.move": self.env["account.move"].search(
                [("partner_id", "=", self.customer.id)], limit=1
            ),
        }
        self.strangers = targets | {"res.users": self.user_a}
        accepted = []
        self._walk(
            self.user_a,
            self.company,
            ["chaser.campaign", "chaser.hold", "chaser.segment"],
            accepted,
        )
        self.assertLessEqual(
            {
                ("chaser.campaign", "level_id", "write"),
                ("chaser.campaign", "user_id", "web_save"),
                ("chaser.hold", "partner_id", "create"),
                ("chaser.hold", "move_ids", "onchange"),
                ("chaser.segment", "partner_ids", "write"),
            },
            set(accepted),
        )

    def test_every_model_that_users_write_is_guarded(self):
        """A model added later has to take the mixin."""
        guarded = self.registry["chaser.company.mixin"]
        for name in self._get_models():
            model = self.env[name].with_user(self.user_a)
            if model.has_access("write") or model.has_access("create"):
                self.assertIsInstance(model, guarded, name)

    # -- what was done with it

    def test_job_of_a_mailbox_cannot_be_chosen(self):
        """A manager neither stops nor deletes a scheduled job of Odoo."""
        job = self.env.ref("mail.ir_cron_mail_scheduler_action").sudo()
        provider = self._get_records("chaser.provider", self.company)[:1]
        own = provider.sudo().cron_id
        Provider = self._in(self.user_a)["chaser.provider"]
        for try_it in (
            lambda: Provider.browse(provider.id).write(
                {"cron_id": job.id, "active": False}
            ),
            lambda: Provider.create(
                {"kind": "smtp", "email": "x@pop.example", "cron_id": job.id}
            ),
            lambda: Provider.browse(provider.id).copy({"cron_id": job.id}),
        ):
            with self.assertRaises(UserError), self.cr.savepoint():
                try_it()
        created = Provider.with_context(default_cron_id=job.id).create(
            {"kind": "smtp", "email": "x@pop.example", "smtp_host": "x.example"}
        )
        self.assertNotEqual(created.sudo().cron_id, job)
        created.write({"active": False})
        created.unlink()
        self.assertTrue(job.exists().active)
        self.assertEqual(provider.sudo().cron_id, own)
