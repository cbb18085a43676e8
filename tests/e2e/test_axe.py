"""Nobody is kept out by what customers see: axe-core over the public pages, in both
languages."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

DATA = """
bank = env["res.partner.bank"].create({"acc_number": "AE070331234567890123456",
    "partner_id": env.company.partner_id.id, "allow_out_payment": True})
moves = env["account.move"].search([("move_type", "=", "out_invoice")])
moves.partner_bank_id = bank
env["chaser.campaign"].create_for_invoices(moves.ids).action_send()
env.cr.commit()
"""


def test_public_pages_keep_nobody_out(world):
    world.build(customers=2)
    world.shell(DATA)
    world.start()
    world.wait_until(lambda: world.states() == {"sent": 2})
    [(token,)] = world.query("SELECT page_token FROM chaser_reminder LIMIT 1")
    output = world.run(
        [
            "bash",
            "-c",
            '. dev/lib.sh; CHASER_NODE="$CACHE/node" node '
            f"{ROOT}/tests/e2e/axe.js {world.url} /chaser/p/{token}",
        ]
    )
    scans = [line for line in output.splitlines() if line.endswith(" violations")]
    assert len(scans) == 12, output
    assert all(line.endswith(": 0 violations") for line in scans), output
    assert "Stop payment reminders?" in output, "the way to stop was looked at"
