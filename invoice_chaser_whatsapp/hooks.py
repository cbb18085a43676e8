from .models.common.res_config_settings import VERSION_PARAMETER


def uninstall_hook(env):
    """Nothing of the addon stays behind: what Odoo does not know to be its own."""
    # Also where no record goes by it any more, but some say why they did not.
    env["chaser.channel"]._forget("whatsapp")
    env["ir.config_parameter"].search([("key", "=", VERSION_PARAMETER)]).unlink()
