def post_init_hook(env):
    """Companies in the UAE that are there already begin with working hours on."""
    env["res.company"].search([])._switch_windows_on()


def uninstall_hook(env):
    """Removes the senders' scheduled jobs: they are made with the mailboxes and have no
    external id."""
    env["chaser.provider"].with_context(active_test=False).search([])._drop_crons()
