"""Processes that share the work, and processes that are killed."""

import random
import signal
import time

from support.ports import free_port

SPLIT = """
providers = env["chaser.provider"].search([])
for provider, half in zip(providers, (campaign.reminder_ids[::2], campaign.reminder_ids[1::2])):
    half.provider_id = provider
env.cr.commit()
[provider.cron_id._trigger() for provider in providers]
env.cr.commit()
"""  # noqa: E501


def assert_never_twice(world):
    ids = [message.mail["Message-ID"] for message in world.received()]
    assert len(ids) == len(set(ids)), "a message arrived twice"
    recipients = [
        recipient for message in world.received() for recipient in message.recipients
    ]
    assert len(recipients) == len(set(recipients)), "a customer got two reminders"
    return ids


def test_two_servers_share_two_mailboxes(world):
    world.build(customers=40, mailboxes=2)
    world.start()
    world.start(port=free_port())
    world.queue(SPLIT)
    world.wait_until(lambda: world.states() == {"sent": 40})
    assert len(assert_never_twice(world)) == 40
    assert [len(smtp.received) for smtp in world.smtp] == [20, 20]
    world.wait_until(
        lambda: world.query("SELECT state FROM chaser_campaign") == [("completed",)]
    )
    assert " ERROR " not in world.logs(), world.logs()[-3000:]


def test_killed_again_and_again(world):
    """SIGKILL at arbitrary moments: each reminder is sent once, queued, or flagged for
    a person."""
    world.build(customers=60, pause=0.05)
    world.queue()
    dice, kills = random.Random(7), 0
    for _ in range(4):
        before = len(world.received())
        server = world.start()
        world.query(
            "UPDATE ir_cron SET nextcall = now() AT TIME ZONE 'UTC' - interval '1 "
            "minute' WHERE cron_name LIKE '%%send from mailbox%%'"
        )
        world.wait_until(
            lambda before=before: len(world.received()) > before + dice.randint(1, 6)
            or not world.states().get("queued")
        )
        time.sleep(dice.random() / 20)
        world.kill(server, signal.SIGKILL)
        kills += 1
        assert_never_twice(world)
    world.start()
    world.query(
        "UPDATE ir_cron SET nextcall = now() AT TIME ZONE 'UTC' - interval '1 "
        "minute' WHERE cron_name LIKE '%%send from mailbox%%'"
    )
    world.wait_until(
        lambda: not world.states().get("queued") and not world.states().get("sending")
    )
    ids = set(assert_never_twice(world))
    sent = {
        row[0]
        for row in world.query(
            "SELECT message_id FROM chaser_reminder WHERE state = 'sent'"
        )
    }
    undecided = {
        row[0]
        for row in world.query(
            "SELECT message_id FROM chaser_reminder WHERE is_undecided"
        )
    }
    assert sent <= ids, "what counts as sent has arrived"
    assert ids - sent <= undecided, "what arrived and does not count as sent is flagged"
    assert len(sent) + len(undecided) == 60 and len(undecided) <= kills, world.states()
