def uninstall_hook(env):
    """Removes the senders' scheduled jobs: they are made with the mailboxes and have no
    external id."""
    env["chaser.provider"].with_context(active_test=False).search([])._drop_crons()
