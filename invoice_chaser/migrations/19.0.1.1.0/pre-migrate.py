from odoo.tools import SQL

OWN = SQL("(SELECT res_id FROM ir_model_data WHERE module = 'invoice_chaser' AND model = 'ir.ui.view')")


def migrate(cr, version):
    """Our views on our own views go; the data files that are loaded next make them anew.

    Some forms were rebuilt, and Odoo refuses a rebuilt form as long as an older extension of it, which looks for what is no longer there, waits
    in the database for its own turn. Extensions that somebody else has extended stay.
    """
    cr.execute(SQL(
        """DELETE FROM ir_ui_view v WHERE v.id IN %(own)s AND v.inherit_id IN %(own)s AND v.mode = 'extension'
              AND NOT EXISTS (SELECT 1 FROM ir_ui_view child WHERE child.inherit_id = v.id)""", own=OWN))
    cr.execute(SQL(
        """DELETE FROM ir_model_data d WHERE d.module = 'invoice_chaser' AND d.model = 'ir.ui.view'
              AND NOT EXISTS (SELECT 1 FROM ir_ui_view v WHERE v.id = d.res_id)"""))
