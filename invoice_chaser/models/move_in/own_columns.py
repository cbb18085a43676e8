"""Which records of a company its export has, and in which columns. The same list reads
them again. Everything that the models store is in it, but for what is a secret, belongs
to the machine it ran on, or is computed from the rest."""

from odoo import fields

from ...core.move_in.own import OWN_MODELS as ORDER

# For reading only: what the program noted of its own work, and raw reports.
ONLY_OUT = ("chaser.daily.run", "chaser.maybe.paid", "chaser.webhook.event")
PARTNER = (
    *("name", "is_company", "type", "parent_id", "email", "phone", "street", "street2"),
    *("city", "zip", "country_id", "vat", "ref", "website", "lang", "tz", "active"),
    *("company_name", "category_id", "chaser_language", "chaser_escalation_partner_id"),
    *("chaser_marketing_consent", "chaser_consent_at", "chaser_consent_proof"),
    *("chaser_source", "preferred_contact_interval", "chaser_paused_until"),
    *("chaser_pause_reason", "consolidation_preference", "max_consolidation_amount"),
    *("chaser_policy_id", "properties"),
)
# Of Odoo's own models: what a record of ours, or a customer, needs.
PICKED = {
    "res.partner": PARTNER,
    "ir.attachment": ("name", "mimetype", "description"),
    "mail.message": (
        *("date", "message_type", "is_internal", "subject", "body", "email_from"),
        *("message_id", "attachment_ids"),
    ),
}
# What such a table says beside the fields.
BESIDE = {
    "res.partner": ("own",),
    "ir.attachment": ("model", "record", "file", "field"),
    "mail.message": ("model", "record", "subtype", "author"),
}
_LEFT_OUT = {
    "*": {
        "company_id",
        "import_id",
        "website_message_ids",
        "message_main_attachment_id",
    },
    "chaser.provider": {
        *("state", "last_check_at", "last_error", "hold_until", "unreachable_count"),
        *("connected_database", "cron_id", "mail_server_id", "rate_limit_count"),
        *("reason_code", "reason_params", "read_database", "read_place", "read_at"),
        *("read_error", "read_hold_until", "read_looked_count", "read_kept_count"),
    },
    "chaser.promise": {"last_partial_id"},
    "chaser.campaign": {"daily_run_id"},
    "chaser.reminder": {"documents_until"},
}
# References that have a name of their own outside: model → the field that it is.
NAMED = {
    "res.users": "login",
    "res.currency": "name",
    "res.country": "code",
    "account.move": "name",
    "res.partner.category": "name",
}


def get_order(env):
    """All models of an export, in the order in which they come in: those of later
    addons before the files and notes of all."""
    return (*ORDER[:-2], *env["chaser.export"]._get_more_models(), *ORDER[-2:])


_TYPES = {
    *("char", "text", "html", "selection", "boolean", "integer", "float", "monetary"),
    *("date", "datetime", "json", "many2one", "many2many", "properties"),
}


def get_fields(env, model):
    """The fields of a model that its table has, in the order of their names."""
    Model = env[model]
    names = PICKED.get(model) or sorted(Model._fields)
    left_out = _LEFT_OUT["*"] | _LEFT_OUT.get(model, set())
    return [
        Model._fields[name]
        for name in names
        if name in Model._fields
        and name not in left_out
        and _is_kept(Model, Model._fields[name], model)
    ]


def _is_kept(Model, field, model):
    if field.type not in _TYPES or field.groups == fields.NO_ACCESS:
        return False
    if model in ("ir.attachment", "mail.message"):
        return True
    if field.name.startswith(("message_", "activity_", "my_activity_")):
        return False
    if model == "res.company":
        return (
            field.name.startswith("chaser_")
            and field.store
            and not field.compute
            and not field.relational
        )
    if not field.store and not field.company_dependent:
        return False
    if field.compute and not field.company_dependent and model != "res.partner":
        return False
    if field.name in ("create_uid", "write_uid", "create_date", "write_date", "id"):
        return False
    if field.relational:
        return field.comodel_name in (*NAMED, *get_order(Model.env))
    return True


def get_columns(env, model):
    """(column, field, language) of a table; a translated field has a column for each
    language that is installed."""
    columns = []
    for field in get_fields(env, model):
        columns.append((field.name, field, "en_US"))
        if field.translate:
            columns += [
                (f"{field.name}@{code}", field, code)
                for code, _name in env["res.lang"].get_installed()
                if code != "en_US"
            ]
    return columns


def get_domain(model, company):
    """The records of a company; of what all companies share, those that were made here
    (shipped ones are there already, and are referred to by their own ids)."""
    if model == "res.company":
        return [("id", "=", company.id)]
    if model in ("chaser.policy", "chaser.template", "chaser.level", "chaser.tag"):
        return [("company_id", "in", (company.id, False))]
    if model in ("chaser.template.version", "chaser.holiday"):
        return [("company_id", "in", (company.id, False))]
    if model in company.env["chaser.export"]._get_more_models():
        if not company.env[model]._fields["company_id"].required:
            return [("company_id", "in", (company.id, False))]
    return [("company_id", "=", company.id)]


class Keys:
    """The name that a record has in an export: the one under which it came in, the one
    of the module that ships it, else one made of this database and its id."""

    def __init__(self, env, company):
        self.env, self.company = env, company
        uuid = env["ir.config_parameter"].sudo().get_param("database.uuid") or ""
        self.mark = uuid.replace("-", "")[:10]
        self.known = {}

    def read(self, model, ids):  # pylint: disable=method-required-super  # no model
        """Fills in the keys of these records, in one query."""
        mine = f"own_{self.company.id}_{model}_"
        ids = [id_ for id_ in ids if (model, id_) not in self.known]
        rows = (
            self.env["ir.model.data"]
            .sudo()
            .search_fetch(
                [("model", "=", model), ("res_id", "in", ids)],
                ["module", "name", "res_id"],
                order="id",
            )
        )
        for row in rows:
            key = (model, row.res_id)
            if row.module == "chaser_import":
                if row.name.startswith(mine):
                    self.known[key] = row.name[len(mine) :]
            elif not row.module.startswith("__"):
                self.known.setdefault(key, f"{row.module}.{row.name}")
        for id_ in ids:
            self.known.setdefault((model, id_), f"{self.mark}-{id_}")

    def get(self, model, id_):
        if (model, id_) not in self.known:
            self.read(model, [id_])
        return self.known[model, id_]

    def is_shipped(self, model, id_):
        return "." in self.get(model, id_)
