"""The people of the storm (``support/storm.py``): runs in ``odoo shell`` until a file
says stop. They pay, look into the mail server and settle, resume, test connections;
each action in a transaction of its own, repeated after a conflict as Odoo repeats a
request."""

import json
import random
import time
from pathlib import Path

from odoo import api
from odoo.exceptions import UserError
from odoo.service.model import retrying


class People:
    def __init__(self, env, folder, seed):
        self.registry, self.uid = env.registry, env.uid
        self.folder, self.dice = Path(folder), random.Random(seed)
        self.log = (self.folder / "people.jsonl").open("a", buffering=1)

    def say(self, **what):
        self.log.write(json.dumps({"at": time.time(), **what}) + "\n")

    def act(self, name, work):
        """Returns what the action gives; None when there was nothing to do."""
        try:
            with self.registry.cursor() as cr:
                env = api.Environment(cr, self.uid, {})
                result = retrying(lambda: work(env), env)
            if result is not None:
                self.say(did=name, what=result)
        except UserError as error:
            self.say(refused=name, error=str(error))
        except Exception as error:
            # A cut connection is the storm's own; anything else is told.
            self.say(failed=name, error=f"{type(error).__name__}: {error}")

    def pick(self, records):
        return records.browse(self.dice.choice(records.ids)) if records else records

    def go(self):
        while not (self.folder / "stop").exists():
            calm = (self.folder / "calm").exists()
            if not calm and self.dice.random() < 0.5:
                self.act("pay", self.pay)
            elif self.dice.random() < 0.5:
                self.act("settle", self.settle)
            else:
                self.act("mend", self.mend)
            time.sleep(0.02 if calm else 0.1)

    def pay(self, env):
        open_ones = env["account.move"].search(
            [("move_type", "=", "out_invoice"), ("payment_state", "=", "not_paid")]
        )
        if len(open_ones) < 20:
            return None
        move = self.pick(open_ones)
        wizard = env["account.payment.register"].with_context(
            active_model="account.move", active_ids=move.ids
        )
        wizard.create({})._create_payments()
        return move.name

    def settle(self, env):
        """Only what the buttons offer; after a look at what the mail server has now."""
        undecided = env["chaser.reminder"].search([("is_undecided", "=", True)])
        reminder = self.pick(undecided.filtered("may_send_again"))
        if not reminder:
            return None
        since, seen = time.time(), self.folder / "seen.json"
        while not seen.exists() or seen.stat().st_mtime < since:
            time.sleep(0.02)
        if reminder.message_id in json.loads(seen.read_text()):
            reminder.action_settle_sent()
            return "sent"
        reminder.action_settle_not_sent()
        return "not sent"

    def mend(self, env):
        failed = env["chaser.reminder"].search(
            [("state", "=", "failed"), ("is_undecided", "=", False)]
        )
        paused = env["chaser.campaign"].search([("state", "=", "paused")])
        stopped = env["chaser.provider"].search(
            ["|", ("state", "!=", "connected"), ("hold_until", "!=", False)]
        )
        if failed:
            self.pick(failed).action_retry()
            return "retry"
        if stopped:
            self.pick(stopped).action_test_connection()
            return "test"
        if paused:
            paused.action_resume()
            return "resume"
        running = env["chaser.campaign"].search([("state", "=", "sending")])
        if running and self.dice.random() < 0.1 and not (self.folder / "calm").exists():
            running.action_pause()
            return "pause"
        return None


def run(env, folder, seed):
    People(env, folder, seed).go()
