"""The example of docs/adding-a-channel.md in a real database: installed beside the
addon, with a stand-in of its gateway, killed processes, and uninstalled again."""

import random
import re
import signal
import time
from collections import Counter

import pytest
from conftest import ROOT
from support.fake_gateway import FakeGateway

SETUP = """
env["chaser.level"].search([]).write({{"channel": "sms_test", "channel_fallback": "email"}})
for number, partner in enumerate(env["res.partner"].search([("name", "like", "Customer %")], order="id")):
    partner.phone = "+971 50 %07d" % number if number % 4 else False
mailbox = env["chaser.provider"].create({{"name": "Short messages", "kind": "sms_test", "email": False, "sms_test_url": {url!r},
    "sms_test_key": "a-secret-key", "batch_pause": {pause}, "jitter_min": 0, "jitter_max": 0}})
mailbox.action_test_connection()
assert mailbox.state == "connected", mailbox.last_error
env.cr.commit()
"""  # noqa: E501

UNINSTALL = """
env["ir.module.module"].search([("name", "=", "sms_test")]).button_immediate_uninstall()
"""


@pytest.fixture
def gateway():
    made = FakeGateway(delay=0.02)
    yield made
    made.stop()


@pytest.fixture
def example(world):
    """A world whose Odoo also knows the example addon."""
    odoo = world.run(["bash", "-c", ". dev/lib.sh; odoo_package"]).strip()
    path = f"{odoo}/addons,{ROOT},{ROOT}/tests/addons"
    world.options = ["--addons-path", path]
    return world


def install(world, *options):
    return world.run(
        [
            "dev/odoo",
            "-d",
            world.name,
            *world.options,
            "-i",
            "sms_test",
            "--stop-after-init",
            "--log-level=warn",
            *options,
        ]
    )


def get_recipients(world, gateway):
    """How many messages each customer got, by number and by address."""
    numbers = Counter(message["to"] for message in gateway.messages)
    addresses = Counter(
        recipient for message in world.received() for recipient in message.recipients
    )
    return numbers, addresses


def wake_mailboxes(world):
    world.query(
        "UPDATE ir_cron SET nextcall = now() AT TIME ZONE 'UTC' - interval '1 "
        "minute' WHERE cron_name LIKE '%%send from mailbox%%'"
    )


def test_it_fulfils_the_contract(example):
    """Its own tests, by Odoo's runner; a quiet log."""
    example.run(["dev/db", example.name])
    output = install(
        example,
        "--test-tags=/sms_test",
        f"--http-port={example.port}",
        f"--db-filter=^{example.name}$",
        "--log-handler=odoo.tests.result:INFO",
    )
    [(failed, errors, number)] = re.findall(
        r"(\d+) failed, (\d+) error\(s\) of (\d+) tests", output
    )
    assert (failed, errors) == ("0", "0") and int(number) >= 30, output[-3000:]
    assert not re.search(r" (WARNING|ERROR) \S+ odoo\.addons", output), output[-3000:]


def test_killed_again_and_again_nobody_gets_two(example, gateway):
    """Short messages and mails in one campaign, SIGKILL in between: each customer gets
    one message, by one channel, or is flagged for a person."""
    world = example.build(customers=32)
    install(world)
    gateway.refused = {f"97150{5:07d}", f"97150{9:07d}"}
    world.shell(SETUP.format(url=gateway.url, pause=0.05))
    world.queue()
    dice, kills = random.Random(11), 0
    for _ in range(3):
        before = len(gateway.messages)
        server = world.start()
        wake_mailboxes(world)
        world.wait_until(
            lambda before=before: len(gateway.messages) > before + dice.randint(1, 4)
            or not world.states().get("queued")
        )
        time.sleep(dice.random() / 20)
        world.kill(server, signal.SIGKILL)
        kills += 1
    world.start()
    wake_mailboxes(world)
    world.wait_until(
        lambda: not world.states().get("queued") and not world.states().get("sending")
    )
    numbers, addresses = get_recipients(world, gateway)
    assert not gateway.problems
    assert max(numbers.values()) == max(addresses.values()) == 1, "somebody got two"
    rows = world.query(
        "SELECT channel, state, is_undecided, sms_test_number, recipient_email "
        "FROM chaser_reminder"
    )
    assert len(rows) == 32
    undecided = [row for row in rows if row[2]]
    assert len(undecided) <= kills
    by_channel = {"sms_test": numbers, "email": addresses}
    for channel, state, _undecided, number, address in rows:
        assert bool(number) != bool(address), "one address, of its own channel"
        if state == "sent":
            assert by_channel[channel][number or address] == 1
    sent = Counter(row[0] for row in rows if row[1] == "sent")
    # Eight have no number, two have one that does not exist: these get a mail.
    assert sent["email"] + sum(row[0] == "email" for row in undecided) == 10
    assert sum(numbers.values()) + sum(addresses.values()) >= 32 - len(undecided)
    assert " ERROR " not in world.logs(), world.logs()[-3000:]


def test_uninstalled_nothing_of_it_is_left(example, gateway):
    world = example.build(customers=8)
    install(world)
    world.shell(SETUP.format(url=gateway.url, pause=0))
    world.queue()
    assert ("sms_test",) in world.query("SELECT channel FROM chaser_reminder")
    world.shell(UNINSTALL)
    assert set(world.query("SELECT channel, state FROM chaser_reminder")) == {
        ("email", "queued")
    }
    assert set(world.query("SELECT channel, channel_fallback FROM chaser_level")) == {
        ("email", None)
    }
    assert not world.query(
        "SELECT column_name FROM information_schema.columns "
        "WHERE column_name LIKE 'sms%%test%%' OR table_name LIKE 'sms%%test%%'"
    )
    world.options = []
    world.start()
    wake_mailboxes(world)
    world.wait_until(lambda: world.states() == {"sent": 8})
    numbers, addresses = get_recipients(world, gateway)
    assert not numbers and sorted(addresses.values()) == [1] * 8
    assert " ERROR " not in world.logs(), world.logs()[-3000:]
