from odoo import api, models
from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tools import file_path

_TEMPLATES = "invoice_chaser/static/import_templates"
_MAGIC = {"id", "create_uid", "create_date", "write_uid", "write_date"}


class _Mark(str):
    """Its identity counts, so that no context from outside can hold it."""


_PROGRAM, _BY_PROGRAM = "chaser_by_program", _Mark("yes")


def find_links(records, vals):
    """The ids that values of a create or write point to: model name → set of ids, also
    those inside of commands. What is not well formed is left to the ORM."""
    found = {}
    for name, value in vals.items():
        field = records._fields.get(name)
        if not field or not field.relational or not value:
            continue
        comodel, ids = records.env[field.comodel_name], set()
        if field.type == "many2one":
            ids.add(value if isinstance(value, int) else getattr(value, "id", False))
        elif isinstance(value, (list, tuple)):
            for command in value:
                if isinstance(command, int):
                    ids.add(command)
                elif isinstance(command, (list, tuple)) and command:
                    _add_command(command, comodel, ids, found)
        ids = {id_ for id_ in ids if isinstance(id_, int) and id_}
        if ids:
            found.setdefault(comodel._name, set()).update(ids)
    return found


def _add_command(command, comodel, ids, found):
    kind, id_, rest = (*command, None, None)[:3]
    if kind in (Command.LINK, Command.UPDATE):
        ids.add(id_)
    elif kind == Command.SET:
        ids.update(rest or ())
    if kind in (Command.CREATE, Command.UPDATE) and isinstance(rest, dict):
        for model, inner in find_links(comodel, rest).items():
            found.setdefault(model, set()).update(inner)


def check_links(records, vals):
    """Nobody may point to a record that they may not read: Odoo shows the name of the
    target of a link without asking for rights on it. What a record points to already is
    let through, because forms send it back.

    :raises AccessError: without a word about the record that was pointed to
    """
    for model, ids in find_links(records, vals).items():
        targets = records.env[model].browse(ids)
        there = targets.exists()
        hidden = (targets - there) | (there - there._filtered_access("read"))
        if hidden and set(hidden.ids) - _get_known_links(records, vals, model):
            raise AccessError(
                records.env._(
                    "You chose a record (%(kind)s) that does not exist, or that you "
                    "may not read in the companies you work in right now.",
                    kind=records.env["ir.model"]._get(model).sudo().name or model,
                )
            )


def _get_known_links(records, vals, model):
    """Ids of a model that all of the records' fields point to already."""
    known = set()
    for name in vals:
        field = records._fields.get(name)
        if field and field.relational and field.comodel_name == model:
            known.update(records.sudo()[name].ids)
    return known


class ChaserCompanyMixin(models.AbstractModel):
    """What users may write. Odoo's record rules check a record as it is before a
    change, not as it is after it, and ``readonly`` binds the form alone. So here, for
    every user and every way in (create, write, copy, import, onchange, defaults):

    * nothing moves into a company that the user does not work in;
    * nothing points to a record that the user may not read;
    * stored fields that are ``readonly`` are the program's: states, times, who decided,
      figures, jobs. Only superuser code and ``_by_program`` write them."""

    _name = "chaser.company.mixin"
    _description = "Stays in the User's Companies"

    @api.model
    def _get_program_fields(self):
        return {
            name
            for name, field in self._fields.items()
            if field.store and field.readonly and name not in _MAGIC
        }

    def _by_program(self):
        """For values that the program made, in the user's name: rights and record rules
        hold, but fields that are readonly may be written."""
        return self.with_context(**{_PROGRAM: _BY_PROGRAM})

    def _create_by_program(self, vals_list):
        return self._by_program().create(vals_list).with_env(self.env)

    def _is_by_program(self):
        return self.env.su or self.env.context.get(_PROGRAM) is _BY_PROGRAM

    def _check_user_values(self, vals, besides=frozenset()):
        """:raises AccessError: when a user may not write these values"""
        if self._is_by_program():
            return
        company_id = vals.get("company_id")
        if company_id and company_id not in self.env.companies.ids:
            raise AccessError(
                self.env._("Nothing can be moved to a company that you do not work in.")
            )
        if own := sorted(self._get_program_fields() & set(vals) - besides):
            raise AccessError(
                self.env._(
                    "“%(field)s” is set by the program and cannot be entered. Use the "
                    "buttons of the form.",
                    field=self.fields_get(own[:1], ["string"])
                    .get(own[0], {})
                    .get("string", own[0]),
                )
            )
        check_links(self, vals)

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._check_user_values(vals)
        return super().create(vals_list)

    def write(self, vals):
        self._check_user_values(vals)
        return super().write(vals)

    def copy(self, default=None):
        self.browse()._check_user_values(default or {})
        # What is copied comes from the record.
        copies = super(ChaserCompanyMixin, self._by_program()).copy(default)
        return copies.with_env(self.env)

    def _without_defaults(self):
        own = {f"default_{name}" for name in self._get_program_fields()}
        # pylint: disable-next=context-overridden  # keys are taken out
        return self.with_context(
            {key: value for key, value in self.env.context.items() if key not in own}
        )

    @api.model
    def default_get(self, fields):
        """The program's fields have the program's defaults: none from a context, none
        that a user has stored for themselves. For superuser code, too: it may have
        been called with a user's context."""
        own = self._get_program_fields()
        defaults = super(ChaserCompanyMixin, self._without_defaults()).default_get(
            [name for name in fields if name not in own or self._fields[name].default]
        )
        stored = self.env["ir.default"]._get_model_defaults(self._name)
        for name in own & set(defaults) & set(stored):
            field = self._fields[name]
            value = field.convert_to_cache(field.default(self), self, validate=False)
            defaults[name] = field.convert_to_write(value, self)
        if not self._is_by_program():
            check_links(
                self.browse(),
                {
                    name: value
                    for name, value in defaults.items()
                    if name in stored or f"default_{name}" in self.env.context
                },
            )
        return defaults

    def onchange(self, values, field_names, fields_spec):
        if not self._is_by_program():
            check_links(self, values)
        return super().onchange(values, field_names, fields_spec)

    @api.model
    def get_import_templates(self):
        """What Odoo's import offers to download: an example with the columns that a
        user fills in, for the models that have one."""
        name = f"{_TEMPLATES}/{self._name.replace('.', '_')}.csv"
        try:
            file_path(name)
        except FileNotFoundError:
            return []
        label = self.env._("Import Template for %s", self._description)
        return [{"label": label, "template": f"/{name}"}]


class ChaserLinksMixin(models.AbstractModel):
    """For models of Odoo that got fields of ours: ``check_links`` for these alone."""

    _name = "chaser.links.mixin"
    _description = "Points to What the User May Read"

    def _check_chaser_links(self, vals):
        if not self.env.su:
            own = {name: vals[name] for name in vals if name.startswith("chaser_")}
            check_links(self, own)

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._check_chaser_links(vals)
        return super().create(vals_list)

    def write(self, vals):
        self._check_chaser_links(vals)
        return super().write(vals)

    @api.model
    def default_get(self, fields):
        defaults = super().default_get(fields)
        self.browse()._check_chaser_links(defaults)
        return defaults

    def onchange(self, values, field_names, fields_spec):
        self._check_chaser_links(values)
        return super().onchange(values, field_names, fields_spec)


class ChaserLabelMixin(models.AbstractModel):
    """For models that are called by a selection: Odoo would show its technical value,
    in English on every screen."""

    _name = "chaser.label.mixin"
    _description = "Called by the Label of Its Kind"

    @api.depends(lambda self: (self._rec_name,) if self._rec_name else ())
    @api.depends_context("lang")
    def _compute_display_name(self):
        labels = dict(self._fields[self._rec_name]._description_selection(self.env))
        for record in self:
            record.display_name = labels.get(record[self._rec_name], "")


class ChaserStatementButtonsMixin(models.AbstractModel):
    """The buttons *Promise*, *Dispute* and *Hold*: each opens the form of a new record,
    filled with what is known where the button stands."""

    _name = "chaser.statement.buttons.mixin"
    _description = "Buttons for What a Customer Says"

    def action_chaser_promise(self):
        """Form for a promise."""
        return self._open_chaser_statement("chaser.promise")

    def action_chaser_dispute(self):
        return self._open_chaser_statement("chaser.dispute")

    def action_chaser_hold(self):
        return self._open_chaser_statement("chaser.hold")

    def _get_chaser_subject(self):
        """What the record is about: the customer, the company, the invoices (none:
        everything) and the reminder (may be empty)."""
        raise NotImplementedError

    def _open_chaser_statement(self, model):
        self.check_access("read")
        self.env[model].check_access("create")
        partner, company, moves, reminder = self._get_chaser_subject()
        partner.ensure_one()
        defaults = {
            "default_partner_id": partner.commercial_partner_id.id,
            "default_company_id": company.id,
            "default_move_ids": [Command.set(moves.ids)],
            "default_reminder_id": reminder.id,
        }
        if len(moves.currency_id) == 1:
            defaults["default_currency_id"] = moves.currency_id.id
        return {
            "type": "ir.actions.act_window",
            "res_model": model,
            "view_mode": "form",
            "views": [(False, "form")],
            "target": "new",
            "name": self.env["ir.model"].sudo()._get(model).name,
            "context": defaults,
        }
