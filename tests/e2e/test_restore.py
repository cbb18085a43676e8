"""A real backup, taken in mid-campaign, and restored after more has left."""

import json
import shutil
import signal
from pathlib import Path

from test_processes import assert_never_twice

CUSTOMERS = 40

LOOK = """
import json
provider = env["chaser.provider"].search([])
provider.action_restored_look()
reminders = env["chaser.reminder"].search([])
print("LOOK " + json.dumps([
    provider.restored_count, provider.health, len(reminders.filtered("is_undecided")),
    reminders.filtered("is_undecided").mapped("message_id")]))
reminders.filtered("is_undecided").action_settle_sent()
env.cr.commit()
"""
WHERE = """
provider = env["chaser.provider"].search([])
print("WHERE " + str(env["chaser.watermark"]._get_folder()))
print("HEALTH " + provider.health.replace(chr(10), " "))
"""


def dump(world, path):
    world.run(["pg_dump", "-Fc", "-f", str(path), world.name])


def restore(world, path):
    world.run(["dropdb", "--force", world.name])
    world.run(["createdb", world.name])
    world.run(["pg_restore", "-d", world.name, "--no-owner", str(path)])


def read(output, word):
    [line] = [line for line in output.splitlines() if line.startswith(word)]
    return line.removeprefix(word)


def wake(world):
    world.query(
        "UPDATE ir_cron SET nextcall = now() AT TIME ZONE 'UTC' - interval '1 minute' "
        "WHERE cron_name LIKE '%%send from mailbox%%'"
    )
    world.wake()


def is_restored(world):
    return world.query(
        "SELECT restored_count FROM chaser_provider WHERE restored_at IS NOT NULL"
    )


def test_a_backup_restored_in_mid_campaign(world, tmp_path):
    world.build(customers=CUSTOMERS, pause=0.7)
    world.queue()
    server = world.start()
    world.wait_until(lambda: len(world.received()) >= 8)
    dump(world, tmp_path / "yesterday")  # while it sends
    world.wait_until(lambda: world.states() == {"sent": CUSTOMERS})
    world.kill(server, signal.SIGTERM)
    restore(world, tmp_path / "yesterday")
    left = world.states().get("queued", 0) + world.states().get("sending", 0)
    assert left >= CUSTOMERS / 2, "the backup is from the middle"

    server = world.start()
    wake(world)
    world.wait_until(lambda: is_restored(world))
    [(count,)] = is_restored(world)
    # One that was being sent while the backup was read may count on either side.
    assert left - 1 <= count <= left
    folder = world.shell(WHERE)
    assert f"{count} messages have left" in read(folder, "HEALTH ")
    for _run in range(3):
        wake(world)
    assert len(world.received()) == CUSTOMERS, "nothing is sent again"

    found = json.loads(read(world.shell(LOOK), "LOOK "))
    assert left - 1 <= found[2] <= left
    assert set(found[3]) <= set(assert_never_twice(world))
    wake(world)
    world.wait_until(lambda: world.states() == {"sent": CUSTOMERS})
    assert_never_twice(world)
    world.kill(server, signal.SIGTERM)

    # Restored once more, but what was kept beside the database is gone, or is of
    # another database: nothing says that it is old.
    restore(world, tmp_path / "yesterday")
    folder = Path(read(folder, "WHERE "))
    shutil.move(folder, folder.with_name("of-another-database"))
    try:
        world.start()
        wake(world)
        world.wait_until(lambda: not {"queued", "sending"} & set(world.states()))
        assert not is_restored(world)
        assert len(world.received()) > CUSTOMERS
    finally:
        shutil.rmtree(folder.with_name("of-another-database"))
        shutil.rmtree(folder)
