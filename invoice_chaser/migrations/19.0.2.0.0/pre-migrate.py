from odoo.tools import SQL

OWN = SQL(
    "(SELECT res_id FROM ir_model_data"
    " WHERE module = 'invoice_chaser' AND model = 'ir.ui.view')"
)


def migrate(cr, version):
    """Our views on our own views go: since this version each view of ours is whole.

    The data files that are loaded next rebuild the forms. Odoo refuses a rebuilt form
    as long as an older extension of it waits in the database, because that one looks
    for what is no longer there. A view that somebody else has hung on one of these
    extensions hangs on the form itself from now on.
    """
    extension = SQL(
        "v.id IN %(own)s AND v.inherit_id IN %(own)s AND v.mode = 'extension'", own=OWN
    )
    cr.execute(
        SQL(
            """UPDATE ir_ui_view child SET inherit_id = v.inherit_id FROM ir_ui_view v
                WHERE child.inherit_id = v.id AND child.id NOT IN %s AND %s""",
            OWN,
            extension,
        )
    )
    cr.execute(SQL("DELETE FROM ir_ui_view v WHERE %s", extension))
    cr.execute(
        SQL(
            """DELETE FROM ir_model_data d
                WHERE d.module = 'invoice_chaser' AND d.model = 'ir.ui.view'
                  AND NOT EXISTS (SELECT 1 FROM ir_ui_view v WHERE v.id = d.res_id)"""
        )
    )
    # Two jobs stand with the others now, whose intervals an update leaves as they are.
    cr.execute(
        SQL(
            """UPDATE ir_model_data SET noupdate = true
                WHERE module = 'invoice_chaser' AND name IN (
                      'ir_cron_thanks', 'ir_cron_thanks_ir_actions_server',
                      'ir_cron_process_webhooks',
                      'ir_cron_process_webhooks_ir_actions_server')"""
        )
    )
    # A mailbox is seen by the users of its branches: reading has a rule of its own.
    cr.execute(
        SQL(
            """UPDATE ir_rule SET perm_read = false WHERE id IN (
                SELECT res_id FROM ir_model_data WHERE module = 'invoice_chaser'
                AND name = 'chaser_provider_rule_company')"""
        )
    )
