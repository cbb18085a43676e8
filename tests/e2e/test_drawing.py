"""Documents are drawn while other transactions work on the same invoices."""

PAID_WHILE_DRAWN = """
from unittest.mock import patch
from odoo.addons.invoice_chaser.core.letter.documents import pdf
env["chaser.template"].search([]).write({"attach_statement": "pdf"})
env.cr.commit()
provider = env["chaser.provider"].search([])
moves = env["account.move"].search([("move_type", "=", "out_invoice")], order="id")
paid, rest, real, drawn = moves[0].id, moves[1].id, pdf.make_pdf, []
def make_pdf(html):
    with env.registry.cursor() as cr:
        cr.execute("SELECT id FROM account_move WHERE id = ANY(%s) FOR UPDATE NOWAIT", [[paid, rest]])
        cr.execute("SELECT id FROM account_move_line WHERE move_id = ANY(%s) FOR UPDATE NOWAIT", [[paid, rest]])
        cr.execute("SELECT id FROM chaser_reminder FOR UPDATE NOWAIT")
        if not drawn:
            Wizard = env(cr=cr)["account.payment.register"].with_context(active_model="account.move", active_ids=[paid])
            Wizard.create({})._create_payments()
    drawn.append(html)
    return real(html)
with patch.object(pdf, "make_pdf", make_pdf):
    provider._cron_send()
numbers = [move.name for move in moves]
assert len(drawn) == 2, len(drawn)
assert numbers[0] in drawn[0] and numbers[1] in drawn[0]
assert numbers[0] not in drawn[1] and numbers[1] in drawn[1], drawn[1]
reminder = env["chaser.reminder"].search([])
assert reminder.state == "sent", (reminder.state, reminder.reason)
assert not reminder.document_note, reminder.document_note
"""  # noqa: E501


def test_paid_by_another_process_while_the_statement_is_drawn(world):
    """Nothing is locked meanwhile, and the statement that goes does not ask for what
    was paid."""
    world.build(customers=1)
    world.queue(PAID_WHILE_DRAWN)
    [message] = world.received()
    assert [part.get_content_type() for part in message.mail.iter_attachments()] == [
        "application/pdf"
    ]
    assert "INV/" in message.mail.get_body().get_content()
