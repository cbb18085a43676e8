from odoo.tools import SQL


def post_init_hook(env):
    """Companies in the UAE that are there already begin with working hours on."""
    env["res.company"].search([])._switch_windows_on()


def uninstall_hook(env):
    """Removes the senders' scheduled jobs: they are made with the mailboxes and have no
    external id."""
    env["chaser.provider"].with_context(active_test=False).search([])._drop_crons()
    _drop_restrictions(env)


def _drop_restrictions(env):
    """Odoo deletes what the addon shipped before it drops the tables: a level of a
    person's own that uses a shipped template would make that an error in the log, for
    nothing, because both go."""
    rows = env.execute_query(
        SQL(
            """SELECT c.conname, t.relname FROM pg_constraint c
            JOIN pg_class t ON t.oid = c.conrelid
            JOIN pg_class f ON f.oid = c.confrelid
            WHERE c.contype = 'f' AND c.confdeltype IN ('a', 'r')
              AND t.relname ~ '^chaser_' AND f.relname ~ '^chaser_'"""
        )
    )
    for constraint, table in rows:
        env.cr.execute(
            SQL(
                "ALTER TABLE %s DROP CONSTRAINT %s",
                SQL.identifier(table),
                SQL.identifier(constraint),
            )
        )
