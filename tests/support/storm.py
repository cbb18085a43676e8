"""A storm: two servers that share mailboxes are killed, frozen and cut off from the
database, mail servers misbehave, people pay and settle; then every message is accounted
for. Used by ``tests/e2e/test_storm.py`` and ``benchmarks/storm``."""

import contextlib
import json
import os
import random
import signal
import subprocess
import threading
import time
from collections import Counter
from datetime import timezone
from pathlib import Path

import psycopg2

from .ports import free_port
from .smtp_server import DROP

QUEUE = """
env["res.company"].search([]).write({"chaser_max_failures": 5, "chaser_provider_mode": "spread"})
"""  # noqa: E501
FAULTS = (
    ("connect", DROP),
    ("connect", "421 4.3.0 come back later"),
    ("auth", "454 4.7.0 temporary"),
    ("mail", DROP),
    ("mail", "451 4.3.0 local error"),
    ("rcpt", "450 4.2.0 try later"),
    ("rcpt", DROP),
    ("data", DROP),
    ("data", "451 4.3.0 local error"),
    ("payload", DROP),
    ("message", DROP),
    ("message", "451 4.3.0 local error"),
    ("rset", DROP),
)


class Storm:
    """``world``: of ``tests/e2e/conftest.py``. ``say`` gets a line now and then."""

    def __init__(self, world, seed=7, say=lambda _line: None):
        self.world, self.dice, self.say = world, random.Random(seed), say
        self.seed, self.folder = seed, Path(world.tmp_path)
        self.done = Counter()
        self.places = {}
        self.helpers = []

    # -- life

    def build(self, customers, mailboxes=3):
        world = self.world
        odoo = world.run(["bash", "-c", ". dev/lib.sh; odoo_package"]).strip()
        root = world.tests.parent
        path = f"{odoo}/addons,{root},{root}/tests/addons"
        world.build(customers=customers, mailboxes=mailboxes, pause=0.05)
        world.options = ["--addons-path", path]
        world.run(
            ["dev/odoo", "-d", world.name, "-i", "short_patience", "--stop-after-init"]
            + ["--no-http", "--log-level=warn", *world.options]
        )
        world.shell(QUEUE + "env.cr.commit()")
        world.queue()
        rows = world.query(
            """SELECT r.recipient_email, array_agg(DISTINCT l.number)
                 FROM chaser_reminder r JOIN chaser_reminder_line l ON l.reminder_id =
                      r.id GROUP BY 1"""
        )
        self.invoices = dict(rows)

    def rage(self, seconds):
        """Two servers and people, and every second or so something happens to them."""
        self.ports = [self.world.port, free_port()]
        for port in self.ports:
            self.start(port)
        self.helpers = [
            threading.Thread(target=self.watch_sinks, daemon=True),
            threading.Thread(target=self.wake_often, daemon=True),
        ]
        self.stop = threading.Event()
        for helper in self.helpers:
            helper.start()
        self.people = self.start_people()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            blows = (self.kill, self.cut, self.freeze, self.fault, self.fault)
            with contextlib.suppress(psycopg2.Error):
                self.dice.choice(blows)()
            time.sleep(self.dice.uniform(0.2, 1.5))
            states = self.world.states()
            self.say(
                f"{int(end - time.monotonic())} s left: {states} {dict(self.done)}"
            )

    def settle(self, seconds=150):
        """The storm is over: what is left is sent or settled."""
        for smtp in self.world.smtp:
            smtp.heal()
        (self.folder / "calm").touch()
        for port in self.ports:
            if not self.is_up(port):
                self.start(port)

        def is_done():
            # What waits for a later attempt waits some minutes; here it is later.
            self.world.query(
                "UPDATE chaser_reminder SET scheduled_at = now() AT TIME ZONE 'UTC' - "
                "interval '1 minute' WHERE state = 'queued' AND reason_code = 'retry' "
                "AND scheduled_at > now() AT TIME ZONE 'UTC'"
            )
            self.wake_jobs()
            [(left,)] = self.world.query(
                "SELECT count(*) FROM chaser_reminder WHERE state IN ('queued', "
                "'sending') OR state = 'failed'"
            )
            return not left

        try:
            self.world.wait_until(is_done, seconds)
        finally:
            (self.folder / "stop").touch()
            self.people.wait(60)
            self.stop.set()

    def start(self, port):
        self.places[port] = self.world.start(port=port, crons=3)

    def is_up(self, port):
        server = self.places.get(port)
        return server is not None and server.poll() is None

    def start_people(self):
        code = (
            f"import sys; sys.path.insert(0, {str(self.world.tests)!r})\n"
            "from support import storm_people\n"
            f"storm_people.run(env, {str(self.folder)!r}, {self.seed})\n"
        )
        command = ["dev/odoo", "shell", "-d", self.world.name, "--no-http"]
        process = subprocess.Popen(
            [*command, "--log-level=warn", *self.world.options],
            cwd=self.world.tests.parent,
            env=self.world.env,
            stdin=subprocess.PIPE,
            stdout=(self.folder / "people.out").open("w"),
            stderr=subprocess.STDOUT,
            text=True,
        )
        process.stdin.write(f"exec({code!r})\n")
        process.stdin.close()
        return process

    def watch_sinks(self):
        """What a person sees who looks into the mailboxes, as it is now."""
        while not self.stop.wait(0.05):
            ids = [message.mail["Message-ID"] for message in self.world.received()]
            part = self.folder / "seen.part"
            part.write_text(json.dumps(ids))
            part.rename(self.folder / "seen.json")

    def wake_often(self):
        while not self.stop.wait(0.3):
            with contextlib.suppress(psycopg2.Error):
                self.wake_jobs()

    def wake_jobs(self):
        """Jobs that were killed wait for their time; here it comes at once."""
        self.world.query(
            "UPDATE ir_cron SET nextcall = now() AT TIME ZONE 'UTC' - interval '1 "
            "minute', failure_count = 0 WHERE id IN (SELECT cron_id FROM "
            "chaser_provider WHERE cron_id IS NOT NULL) AND nextcall > now() AT TIME "
            "ZONE 'UTC' AND id IN (SELECT id FROM ir_cron FOR NO KEY UPDATE SKIP "
            "LOCKED)"
        )
        self.world.wake()

    # -- blows

    def pick(self):
        up = [port for port in self.ports if self.is_up(port)]
        return self.dice.choice(up) if up else None

    def kill(self):
        """SIGKILL; another one starts in its place while the storm goes on."""
        if not self.starting() and (port := self.pick()):
            self.world.kill(self.places[port], signal.SIGKILL)
            self.done["kills"] += 1
            self.starter = threading.Thread(target=self.start, args=(port,))
            self.starter.start()

    starter = None

    def starting(self):
        return self.starter is not None and self.starter.is_alive()

    def get_backends(self, port):
        return self.world.query(
            "SELECT pid FROM pg_stat_activity WHERE datname = %s AND "
            "application_name = %s",
            self.world.name,
            f"odoo-{self.places[port].pid}",
        )

    def cut(self, port=None):
        """Its connections to the database end, some or all of them."""
        port = port or self.pick()
        backends = [pid for (pid,) in self.get_backends(port)] if port else []
        for pid in self.dice.sample(backends, self.dice.randint(0, len(backends))):
            self.world.query("SELECT pg_terminate_backend(%s)", pid)
            self.done["cuts"] += 1

    def freeze(self):
        """The process stands still, longer than a message may take, and its connections
        end meanwhile; then it goes on where it was."""
        port = self.pick()
        if not port or self.starting():
            return
        server = self.places[port]
        os.killpg(server.pid, signal.SIGSTOP)
        self.done["freezes"] += 1
        try:
            for (pid,) in self.get_backends(port):
                self.world.query("SELECT pg_terminate_backend(%s)", pid)
            time.sleep(self.dice.uniform(0.5, 9))
        finally:
            os.killpg(server.pid, signal.SIGCONT)

    def fault(self):
        smtp = self.dice.choice(self.world.smtp)
        smtp.heal()
        if self.dice.random() < 0.8:
            stage, action = self.dice.choice(FAULTS)
            smtp.fail(stage, action, times=self.dice.randint(1, 4))
            self.done["faults"] += 1

    # -- accounts

    def read_people(self):
        path = self.folder / "people.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        return [json.loads(line) for line in lines]

    def account(self):
        """Every message: how often it arrived, whether it counts as sent, and whether
        it asked for what was paid. Returns figures, and lists of what is wrong."""
        received = self.world.received()
        ids = Counter(message.mail["Message-ID"] for message in received)
        rows = self.world.query(
            "SELECT message_id, state, is_undecided, attempted_at, recipient_email, "
            "reason_code FROM chaser_reminder WHERE purpose = 'reminder'"
        )
        to = Counter(message.recipients[0] for message in received)
        sent = {row[0] for row in rows if row[1] == "sent"}
        told = self.read_people()
        paid = {one["what"]: one["at"] for one in told if one.get("did") == "pay"}
        failed = [one for one in told if "failed" in one]
        return {
            "messages": len(received),
            "customers": len(rows),
            **self.done,
            "payments": len(paid),
            "settled": sum(one.get("did") == "settle" for one in told),
            "twice": sorted(
                [one for one, count in ids.items() if count > 1]
                + [one for one, count in to.items() if count > 1]
            ),
            "lost": sorted(
                [f"{one}: counts as sent, never arrived" for one in sent - set(ids)]
                + [f"{one}: arrived, not known" for one in set(ids) - sent]
                + [
                    f"{row[4]}: {row[1]} {row[5]}"
                    for row in rows
                    if row[1] not in ("sent", "skipped")
                ]
                + [
                    f"{row[4]}: left out as {row[5]}"
                    for row in rows
                    if row[1] == "skipped" and not self.is_all_paid(row[4], paid)
                ]
            ),
            "undecided": sum(bool(row[2]) for row in rows),
            "asked_for_paid": self.find_asked_for_paid(received, rows, paid),
            "failed_payments": [one for one in failed if one["failed"] == "pay"],
            "failed_actions": [one for one in failed if one["failed"] != "pay"],
        }

    def is_all_paid(self, address, paid):
        return set(self.invoices[address]) <= set(paid)

    def find_asked_for_paid(self, received, rows, paid):
        """Invoices that were paid a second or more before the intent to send."""
        moments = {row[0]: row[3] for row in rows}
        wrong = []
        for message in received:
            intent = moments.get(message.mail["Message-ID"])
            text = message.mail.get_body(("plain",)).get_content()
            for number in self.invoices[message.recipients[0]]:
                at = paid.get(number)
                if at and intent and number in text:
                    begun = intent.replace(tzinfo=timezone.utc).timestamp()
                    if begun > at + 1:
                        wrong.append(f"{number}: paid {begun - at:.0f} s before")
        return wrong
