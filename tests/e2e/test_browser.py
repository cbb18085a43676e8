"""A real browser: from the invoice list to the last reminder in three clicks."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_three_clicks(world):
    world.build(customers=6)
    world.start()
    output = world.run(
        [
            "bash",
            "-c",
            '. dev/lib.sh; CHASER_NODE="$CACHE/node" node '
            f"{ROOT}/tests/e2e/three_clicks.js {world.url}",
        ]
    )
    assert (
        "6 Customers 12 Invoices 6 Messages 50 % Messages saved 0 Left out" in output
    ), output
    world.wait_until(lambda: world.states() == {"sent": 6})
    assert len(world.received()) == 6
    world.wait_until(
        lambda: world.query("SELECT state FROM chaser_campaign") == [("completed",)]
    )
    assert " ERROR " not in world.logs(), world.logs()[-3000:]
