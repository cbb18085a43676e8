"""Nobody is kept out by what customers see, nor by our screens: axe-core over the
public pages in both languages, and over all screens of our menu."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

DATA = """
env["res.lang"]._activate_lang("ar_001")
env["ir.module.module"]._load_module_terms(["invoice_chaser"], ["ar_001"])
user = env["res.users"].search([("login", "=", "accountant")])
user.group_ids += env.ref("invoice_chaser.group_chaser_manager")
user.copy({"name": "عائشة", "login": "arabic", "password": "arabic",
    "lang": "ar_001"})
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
    _look_at_screens(world)


def _look_at_screens(world):
    """The screens of our menu and the first record of each, wide in English and on an
    Arabic phone: nothing of ours keeps anybody out, has to be scrolled sideways, or is
    said on the browser's console."""
    for user, width in (("accountant", 1366), ("arabic", 390)):
        output = world.run(
            [
                "bash",
                "-c",
                '. dev/lib.sh; CHASER_NODE="$CACHE/node" node '
                f"{ROOT}/tests/e2e/screens.js {world.url} {user} {width}",
            ]
        )
        seen = [line for line in output.splitlines() if line.endswith(" violations")]
        assert len(seen) > 30, output
        good = ": 0 pixels too wide, 0 violations"
        assert all(line.endswith(good) for line in seen), output
        assert "CONSOLE" not in output, output
