from .models.common.res_config_settings import VERSION_PARAMETER

_MODULE = "invoice_chaser_whatsapp"


def uninstall_hook(env):
    """Nothing of the addon stays behind: what Odoo does not know to be its own."""
    # Also where no record goes by it any more, but some say why they did not.
    env["chaser.channel"]._forget("whatsapp")
    env["ir.config_parameter"].search([("key", "=", VERSION_PARAMETER)]).unlink()
    _unlink_what_odoo_leaves(env)


def _unlink_what_odoo_leaves(env):
    """Odoo's own tables keep the foreign keys of columns that an addon has added to
    models of others, and what other addons have noted about its models."""
    env["ir.model.constraint"].search(
        [
            ("module.name", "=", _MODULE),
            ("type", "=", "f"),
            ("model.model", "not like", "chaser.whatsapp"),
        ]
    ).unlink()
    env["ir.model.data"].search(
        [
            ("model", "=", "ir.model.inherit"),
            ("module", "!=", _MODULE),
            ("name", "=like", "model\\_inherit\\_\\_chaser\\_whatsapp\\_%"),
        ]
    ).unlink()
