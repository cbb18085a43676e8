"""A real browser: the overview in English and in Arabic, wide and on a phone."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ARABIC = """
env["res.lang"]._activate_lang("ar_001")
env["ir.module.module"]._load_module_terms(["invoice_chaser"], ["ar_001"])
user = env["res.users"].search([("login", "=", "accountant")])
user.copy({"name": "Aisha", "login": "arabic", "password": "arabic", "lang": "ar_001"})
env["chaser.receivable.month"]._cron_keep()
env["chaser.cash.forecast"]._cron_make()
env.cr.commit()
"""
EXPECTED = (
    "en direction: ltr",
    "en heading: What is owed, by age",
    "en tables: true",
    "en filter kept: 12",
    "en items: true",
    "en overflow: 0",
    "ar direction: rtl",
    "ar heading: المبالغ المستحقة حسب أعمار الديون",
    "ar axis: reversed",
    "en graph: plain, left",
    "ar graph: reversed, right",
    "ar overflow: 0",
    "en-phone overflow: 0",
    "ar-phone overflow: 0",
)


def test_overview(world):
    world.build(customers=6)
    world.shell(ARABIC)
    world.start()
    output = world.run(
        [
            "bash",
            "-c",
            '. dev/lib.sh; CHASER_NODE="$CACHE/node" node '
            f"{ROOT}/tests/e2e/overview.js {world.url}",
        ]
    )
    assert not [line for line in EXPECTED if line not in output], output
    # Odoo's own presence of users quarrels with itself when pages are left and opened
    # as fast as here; what is ours, or a request of ours, must be quiet.
    ours = [
        line
        for line in world.logs().splitlines()
        if " ERROR " in line
        and ("invoice_chaser" in line or "odoo.http" in line)
        and "mail_presence" not in line
        and "websocket" not in line
    ]
    assert not ours, ours[-20:]
