"""A short storm (``support/storm.py``), and payments beside a sending server."""

import json

from support.storm import Storm


def test_every_message_is_accounted_for_after_a_storm(world):
    storm = Storm(world)
    storm.build(customers=90, mailboxes=3)
    storm.rage(60)
    storm.settle()
    figures = storm.account()
    print(json.dumps(figures, indent=1))
    wrong = {
        name: figures[name]
        for name in ("twice", "lost", "undecided", "asked_for_paid", "failed_payments")
        if figures[name]
    }
    assert not wrong, f"{wrong}\n{figures}\n{world.logs()[-3000:]}"
    for name in ("kills", "cuts", "freezes", "faults", "payments", "messages"):
        assert figures[name], f"no {name} in this storm"


PAY = """
import json
from odoo import api
from odoo.service.model import retrying
moves = env["account.move"].search([("move_type", "=", "out_invoice")]).ids
errors = []
for move_id in moves:
    def pay(other):
        wizard = other["account.payment.register"].with_context(active_model="account.move", active_ids=[move_id])
        wizard.create({})._create_payments()
    try:
        with env.registry.cursor() as cr:
            other = api.Environment(cr, env.uid, {})
            retrying(lambda: pay(other), other)
    except Exception as error:
        errors.append(f"{move_id}: {type(error).__name__} {error}")
print("PAID " + json.dumps([len(moves), errors]))
"""  # noqa: E501


def test_payments_beside_the_sender(world):
    """500 payments by real connections while their reminders are being sent: none
    fails, and nothing that was paid is asked for later."""
    world.build(customers=250, mailboxes=2, pause=2.5)
    world.queue()
    world.start(crons=3)
    world.wake()
    [line] = [
        line for line in world.shell(PAY).splitlines() if line.startswith("PAID ")
    ]
    assert json.loads(line[5:]) == [500, []]
    world.wait_until(lambda: not {"queued", "sending"} & set(world.states()))
    assert set(world.states()) <= {"sent", "skipped"}
    assert world.states().get("sent"), "some left before they were paid"
    assert world.states().get("skipped"), "some were paid in time"
    [(reasons,)] = world.query(
        "SELECT array_agg(DISTINCT reason_code) FROM chaser_reminder WHERE state = "
        "'skipped'"
    )
    assert reasons == ["paid"]
    [(unpaid,)] = world.query(
        "SELECT count(*) FROM chaser_reminder WHERE paid_at IS NULL"
    )
    assert not unpaid, "each knows that its items are paid"
    assert " ERROR " not in world.logs(), world.logs()[-3000:]
