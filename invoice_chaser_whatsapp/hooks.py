from .models.common.res_config_settings import VERSION_PARAMETER


def uninstall_hook(env):
    """Nothing of the addon stays behind: what Odoo does not know to be its own."""
    env["ir.config_parameter"].search([("key", "=", VERSION_PARAMETER)]).unlink()
