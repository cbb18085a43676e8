"""Moving in and out as a person does it: a file dropped onto the page in a real
browser, in English and Arabic, and both commands in a process of their own."""

import os
import subprocess
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests/core/data/move_in"
PEOPLE = """
env["res.lang"]._activate_lang("ar_001")
env["ir.module.module"]._load_module_terms(["invoice_chaser"], ["ar_001"])
groups = [(4, env.ref(name).id) for name in (
    "invoice_chaser.group_chaser_manager", "base.group_partner_manager",
    "account.group_account_invoice")]
user = env["res.users"].with_context(no_reset_password=True).create({
    "name": "Mona", "login": "mover", "password": "mover", "group_ids": groups})
user.copy({"name": "Aisha", "login": "arabic", "password": "arabic", "lang": "ar_001"})
env.cr.commit()
"""
ROWS = 1100


def make_csv():
    lines = ["id,email,name,city,tags,status"]
    lines += [
        f"shop{n},buyer{n}@shop{n % 90}.example,Buyer shop{n},Dubai,VIP,"
        f"{'unsubscribed' if n % 50 == 0 else ''}"
        for n in range(ROWS)
    ]
    # One row that is wrong, and says so.
    return "\n".join([*lines, "x,nobody,Nobody,Dubai,,"])


def run_command(world, *arguments):
    """(exit code, what it says)"""
    done = subprocess.run(
        ["dev/odoo", *map(str, arguments)],
        cwd=ROOT,
        env=world.env,
        capture_output=True,
        text=True,
        timeout=600,
    )
    return done.returncode, done.stdout + done.stderr


def test_move_in_and_out(world, tmp_path):
    world.build(customers=3)
    world.shell(PEOPLE)
    check_commands(world, tmp_path)
    check_browser(world, tmp_path)


def check_commands(world, tmp_path):
    base = ("chaser-import", "-d", world.name, "--user", "mover")
    files = sorted((GOLDEN / "mailchimp").glob("*.csv"))
    count = "SELECT count(*) FROM res_partner WHERE position('desertline' in email) > 0"
    code, output = run_command(world, *base, *files)
    assert code == 0, output
    assert "Customer: 5 New" in output
    assert world.query(count) == [(0,)], "without --apply nothing is changed"
    code, output = run_command(world, *base, "--apply", *files)
    assert code == 0, output
    assert world.query(count) == [(1,)]
    code, output = run_command(world, *base, "--apply", *files)
    assert (code, "Customer: 5 The same" in output) == (0, True), output
    # What is refused is named with its row, and the others come in: 1.
    bad = tmp_path / "contacts.csv"
    bad.write_text("email,name\nok@cli.example,Ok\nnobody,Bad\n")
    code, output = run_command(world, *base, "--apply", bad)
    assert code == 1, output
    assert "contacts.csv, 3: Bad: “nobody” is no e-mail address." in output
    assert world.query(
        "SELECT count(*) FROM res_partner WHERE email = 'ok@cli.example'"
    ) == [(1,)]
    # What cannot begin: a question that nobody answers, a user without the rights.
    asked = tmp_path / "asked.csv"
    asked.write_text("email,name,consent,consent_date\na@c.example,A,yes,01/02/2024\n")
    code, output = run_command(world, *base, "--apply", asked)
    assert (code, "Is the day first" in output) == (2, True), output
    code, output = run_command(world, *base, "--apply", "--dates", "dmy", asked)
    assert code == 0, output
    code, output = run_command(
        world, "chaser-import", "-d", world.name, "--user", "accountant", bad
    )
    assert (code, "is no chaser manager" in output) == (2, True), output
    assert "Traceback" not in output
    code, output = run_command(world, *base, tmp_path / "gone.csv")
    assert (code, "There is no such file" in output) == (2, True), output
    out = tmp_path / "out.zip"
    code, output = run_command(world, "chaser-export", "-d", world.name, out)
    assert code == 0, output
    with zipfile.ZipFile(out) as archive:
        assert archive.testzip() is None
        assert b"desertline" in archive.read("res.partner.csv")
        assert {"manifest.json", "chaser.suppression.csv"} <= set(archive.namelist())
    code, output = run_command(world, *base, out)
    assert code == 0, output
    assert "Record of This Addon" in output
    code, output = run_command(
        world, "chaser-export", "-d", world.name, "--company", "Nobody", out
    )
    assert (code != 0, "Traceback" in output) == (True, False), output


def check_browser(world, tmp_path):
    path = tmp_path / "contacts.csv"
    path.write_text(make_csv())
    world.start()
    output = world.run(
        [
            "bash",
            "-c",
            '. dev/lib.sh; CHASER_NODE="$CACHE/node" node '
            f"{ROOT}/tests/e2e/move_in.js {world.url} {path} "
            f"{os.environ.get('CHASER_PICTURES', '')}",
        ]
    )
    for tag in ("en", "ar"):
        assert f"{tag} checked: 1" in output, output
        assert f"{tag} imported: done" in output, output
        assert f"{tag} overflow: 0" in output, output
        assert f"{tag}-phone overflow: 0" in output, output
        emails = f"%@shop-{tag}-%"
        assert world.query(
            "SELECT count(*) FROM res_partner WHERE email LIKE %s", emails
        ) == [(ROWS,)]
        assert world.query(
            "SELECT count(*) FROM chaser_suppression WHERE email LIKE %s", emails
        ) == [(ROWS // 50,)]
