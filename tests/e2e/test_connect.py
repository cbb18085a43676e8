"""A mailbox is connected in a real browser, against strict fakes of Google and
Microsoft; two processes renew one token."""

import subprocess
from pathlib import Path

import pytest
from support.fake_google import FakeGoogle
from support.fake_microsoft import FakeMicrosoft

ROOT = Path(__file__).resolve().parents[2]
MAILBOX = "accounts@pop.example"

SETUP = """
company = env.company
company.write({{"chaser_{service}_client_id": "client-1", "chaser_{service}_client_secret": "client-s3cret"}})
env["res.users"].browse(2).write({{"email": "admin@pop.example"}})
env["chaser.provider"].create({{"kind": {kind!r}, "email": {mailbox!r}, "sender_name": "POP Accounts", "oauth_access": "send_read",
    "per_domain_minute": 0, "batch_pause": 0}})
env.cr.commit()
"""  # noqa: E501
AGE = """
record = env["chaser.oauth.grant"].search([])
grant = record._load__()
grant.tokens["api"]["expires_at"] = 0
record._store(grant)
env.cr.commit()
"""
LEND = """
import os, time
box = env["chaser.provider"].search([("kind", "in", ("gmail", "outlook"))])
print("READY", flush=True)
end = time.monotonic() + 300
while not os.path.exists({gate!r}) and time.monotonic() < end:
    time.sleep(0.01)
print("TOKEN", box._fetch_access_token__(), flush=True)
"""


@pytest.fixture(
    params=[("gmail", "google", FakeGoogle), ("outlook", "microsoft", FakeMicrosoft)],
    ids=["gmail", "outlook"],
)
def connected(request, world, tmp_path):
    """A world whose mailbox a person has connected in the browser."""
    kind, service, fake_class = request.param
    with fake_class(
        accounts=("somebody@pop.example", MAILBOX),
        redirect_uris=(f"{world.url}/chaser/oauth/callback",),
    ) as fake:
        conf = tmp_path / "odoo.conf"
        conf.write_text(
            Path(world.settings["conf"]).read_text()
            + f"\ninvoice_chaser_detour = {fake.base}\n"
        )
        world.settings["conf"] = str(conf)
        world.build(customers=3, mailboxes=0)
        world.shell(SETUP.format(kind=kind, service=service, mailbox=MAILBOX))
        world.start()
        world.fake = fake
        [[box]] = world.query(
            "SELECT id FROM chaser_provider WHERE email = %s", MAILBOX
        )
        world.output = world.run(
            [
                "bash",
                "-c",
                '. dev/lib.sh; CHASER_NODE="$CACHE/node" node '
                f"{ROOT}/tests/e2e/connect.js {world.url} {box} {MAILBOX} {tmp_path}",
            ]
        )
        yield world


def test_connect_and_send(connected):
    assert "refused: You consented with another mailbox" in connected.output, (
        connected.output
    )
    assert "somebody@pop.example" in connected.output
    assert "state: Connected" in connected.output, connected.output
    assert [list(one.recipients) for one in connected.fake.received] == [
        ["admin@pop.example"]
    ], "the sample"
    connected.queue()
    connected.wait_until(lambda: connected.states() == {"sent": 3})
    assert len(connected.fake.received) == 4
    # Nothing of it in Odoo's log or in the database.
    secrets = [
        *connected.fake.codes,
        *connected.fake.refresh,
        *connected.fake.access,
        "client-s3cret",
    ]
    assert " ERROR " not in connected.logs(), connected.logs()[-3000:]
    dump = subprocess.run(
        ["pg_dump", connected.name],
        env=connected.env,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert MAILBOX in dump
    for secret in secrets:
        assert secret not in connected.logs()
        assert secret not in dump


def test_two_processes_renew_once(connected, tmp_path):
    connected.kill(connected.servers[0])
    connected.shell(AGE)
    before = connected.fake.refreshes
    gate = tmp_path / "gate"
    code = LEND.format(gate=str(gate))
    command = [
        "dev/odoo",
        "shell",
        "-c",
        connected.settings["conf"],
        "-d",
        connected.name,
        "--no-http",
        "--log-level=warn",
    ]
    script = (
        f"try:\n    exec({code!r})\nexcept BaseException:\n    import traceback; "
        "traceback.print_exc()\n"
    )
    shells = [
        subprocess.Popen(
            command,
            cwd=ROOT,
            env=connected.env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(3)
    ]
    outputs = []
    for shell in shells:
        shell.stdin.write(script)
        shell.stdin.close()
    for shell in shells:  # all at once, when the slowest is ready
        assert any("READY" in line for line in shell.stdout), "a shell did not come up"
    gate.touch()
    for shell in shells:
        outputs.append(shell.stdout.read())
        shell.wait(60)
    tokens = {
        line.split("TOKEN ")[1]
        for output in outputs
        for line in output.splitlines()
        if "TOKEN " in line
    }
    assert sum("TOKEN " in output for output in outputs) == 3, outputs
    assert len(tokens) == 1
    assert connected.fake.refreshes == before + 1
