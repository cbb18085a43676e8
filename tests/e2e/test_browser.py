"""A real browser: from the invoice list to the last reminder in three clicks, and from
a bank line that quotes a reminder's payment reference to the paid invoice in one."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# 150 of the 100 and 101 that a customer owes, quoted as a bank breaks it up.
MONEY = """
from datetime import timedelta
reminder = env["chaser.reminder"].search([], order="id", limit=1)
first, second = reminder.line_ids.move_line_id.sorted("id")
assert first.amount_residual == 100 and second.amount_residual == 101
company, today = env.company, env.company._get_chaser_today()
env["account.bank.statement.line"].create({
    "journal_id": env["account.journal"].search([("type", "=", "bank"), ("company_id", "=", company.id)], limit=1).id,
    "date": today, "amount": 150, "payment_ref": f"TRF AL NOOR {reminder.payment_reference[:4]} {reminder.payment_reference[4:]} PART"})
env.cr.commit()
"""  # noqa: E501
# Before the server starts, which keeps the groups of its users.
BOOKKEEPER = """
user = env["res.users"].search([("login", "=", "accountant")])
user.group_ids += env.ref("account.group_account_user")
env.cr.commit()
"""


def _browse(world, script, *arguments):
    return world.run(
        [
            "bash",
            "-c",
            '. dev/lib.sh; CHASER_NODE="$CACHE/node" node '
            f"{ROOT}/tests/e2e/{script} {world.url} {' '.join(map(str, arguments))}",
        ]
    )


def test_three_clicks(world):
    world.build(customers=6)
    world.shell(BOOKKEEPER)
    world.start()
    output = _browse(world, "three_clicks.js")
    assert (
        "6 Customers 12 Invoices 6 Messages 50 % Messages saved 0 Left out" in output
    ), output
    world.wait_until(lambda: world.states() == {"sent": 6})
    assert len(world.received()) == 6
    world.wait_until(
        lambda: world.query("SELECT state FROM chaser_campaign") == [("completed",)]
    )
    _allocate(world)
    assert " ERROR " not in world.logs(), world.logs()[-3000:]


def _allocate(world):
    """A part payment that quotes the reference of a message: one click settles the
    oldest invoice, takes off of the next, and names the difference."""
    world.shell(MONEY)
    output = _browse(world, "allocate.js", os.environ.get("CHASER_SHOTS", ""))
    assert "fits payment reference RF" in output, output
    assert "$ 150.00 allocated to the items of RF" in output, output
    assert "oldest first; $ 51.00 of $ 201.00 are still open." in output, output
    assert "state Reconciled" in output, output
    rows = world.query(
        """SELECT l.amount_residual FROM account_move_line l
        JOIN chaser_reminder_line x ON x.move_line_id = l.id
        JOIN chaser_maybe_paid p ON p.reminder_id = x.reminder_id ORDER BY l.id"""
    )
    assert [row[0] for row in rows] == [0, 51]
    [(body,)] = world.query(
        "SELECT body FROM mail_message WHERE model = 'res.partner' "
        "AND body LIKE '%%allocated%%'"
    )
    assert "51.00" in body
