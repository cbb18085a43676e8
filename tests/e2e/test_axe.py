"""Nobody is kept out by our pages and screens: axe-core, in both languages."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

ARABIC = """
env["res.lang"]._activate_lang("ar_001")
env["ir.module.module"]._load_module_terms(["invoice_chaser"], ["ar_001"])
user = env["res.users"].search([("login", "=", "accountant")])
user.group_ids += env.ref("invoice_chaser.group_chaser_manager")
user.copy({"name": "عائشة", "login": "arabic", "password": "arabic", "lang": "ar_001"})
env["res.partner.bank"].create({"acc_number": "AE070331234567890123456",
    "partner_id": env.company.partner_id.id, "allow_out_payment": True})
bank = env["res.partner.bank"].search([("acc_number", "=", "AE070331234567890123456")])
env["account.move"].search([("move_type", "=", "out_invoice")]).partner_bank_id = bank
moves = env["account.move"].search([("move_type", "=", "out_invoice")])
env["chaser.campaign"].create_for_invoices(moves.ids).action_send()
env.cr.commit()
"""


def test_nothing_of_ours_keeps_anybody_out(world):
    world.build(customers=3)
    world.shell(ARABIC)
    world.start()
    world.wait_until(lambda: world.states() == {"sent": 3})
    [(page, token)] = world.query(
        "SELECT page_token, stop_token FROM chaser_reminder ORDER BY id LIMIT 1"
    )
    output = world.run(
        [
            "bash",
            "-c",
            '. dev/lib.sh; CHASER_NODE="$CACHE/node" node '
            f"{ROOT}/tests/e2e/axe.js {world.url} /chaser/p/{page} /chaser/u/{token}",
        ]
    )
    scans = [line for line in output.splitlines() if line.endswith(" violations")]
    assert len(scans) == 12 + 28, output
    assert all(line.endswith(": 0 violations") for line in scans), output
