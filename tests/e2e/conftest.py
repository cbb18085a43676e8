"""A started Odoo, a real mail server, a browser: each test gets a fresh database made
by ``dev/db``."""

import json
import os
import signal
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import psycopg2
import pytest
import requests
from support.midnight import wait_for_midnight
from support.ports import free_port
from support.smtp_server import SmtpServer

ROOT = Path(__file__).resolve().parents[2]

DATA = """
import sys; sys.path.insert(0, {dev!r})
from datetime import timedelta
from odoo.fields import Command
company = env.company
company.write({{"name": "POP Trading", "email": "accounts@pop.example"}})
company.partner_id.tz = "Asia/Dubai"
env["account.chart.template"].try_loading("generic_coa", company, install_demo=False)
today = company._get_chaser_today()
partners = env["res.partner"].create([{{"name": f"Customer {{n}}", "email": f"c{{n}}@customer{{n}}.example", "is_company": True}} for n in range({customers})])
moves = env["account.move"].with_context(tracking_disable=True).create([
    {{"move_type": "out_invoice", "partner_id": partner.id, "invoice_date": today - timedelta(days=30), "invoice_date_due": today - timedelta(days=20),
     "invoice_line_ids": [Command.create({{"name": "Goods", "quantity": 1, "price_unit": 100 + n, "tax_ids": [Command.clear()]}})]}}
    for partner in partners for n in range(2)])
moves.action_post()
user = env["res.users"].with_context(no_reset_password=True).create({{
    "name": "Aisha", "login": "accountant", "password": "accountant", "email": "aisha@pop.example", "tz": "Asia/Dubai",
    "group_ids": [Command.link(env.ref(x).id) for x in ("invoice_chaser.group_chaser_user", "account.group_account_invoice")]}})
for port in {ports}:
    provider = env["chaser.provider"].create({{"kind": "smtp", "email": f"accounts{{port}}@pop.example", "smtp_host": "127.0.0.1", "smtp_port": port,
        "smtp_encryption": "none", "smtp_user": "u", "smtp_password": "demo-password", "per_domain_minute": 0, "batch_pause": {pause}, "batch_size": 5,
        "per_minute": 0, "jitter_min": 0, "jitter_max": 0}})
    provider.action_test_connection()
    assert provider.state == "connected", provider.last_error
env["ir.config_parameter"].set_param("web.base.url", {url!r})
env["ir.config_parameter"].set_param("web.base.url.freeze", "True")
env.cr.commit()
"""  # noqa: E501

QUEUE = """
moves = env["account.move"].search([("move_type", "=", "out_invoice")])
campaign = env["chaser.campaign"].create_for_invoices(moves.ids)
campaign.action_send()
env.cr.commit()
"""


def settings():
    """Paths and connection of the environment that the dev scripts made."""
    script = """. dev/lib.sh; "$VENV/bin/python" -c 'import json, os, sys; print(json.dumps({"env": {k: os.environ.get(k, "") for k in
("PGHOST", "PGPORT", "PGUSER", "PGPASSWORD", "INVOICE_CHASER_KEYS", "PATH")}, "python": sys.argv[1], "conf": sys.argv[2],
"checkout": sys.argv[3]}))' "$VENV/bin/python" "$CONF" "$CHECKOUT" """  # noqa: E501
    return json.loads(
        subprocess.run(
            ["bash", "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout
    )


class World:
    """One database with its mail servers and Odoo servers."""

    def __init__(self, name, tmp_path):
        self.tmp_path, self.settings = tmp_path, settings()
        self.name = f"{name}_{self.settings['checkout']}"
        self.env = os.environ | self.settings["env"]
        self.servers, self.smtp = [], []
        self.options = []  # for every Odoo process, e.g. a longer addons path
        self.db_options = []  # for dev/db, e.g. --whatsapp
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.tests = ROOT / "tests"

    def build(self, customers=20, mailboxes=1, pause=0):
        self.run(["dev/db", self.name, *self.db_options])
        self.smtp = [
            SmtpServer(user="u", password="demo-password").start()
            for _ in range(mailboxes)
        ]
        self.shell(
            DATA.format(
                dev=str(ROOT / "dev"),
                customers=customers,
                ports=[s.port for s in self.smtp],
                pause=pause,
                url=self.url,
            )
        )
        return self

    def run(self, command, **options):
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=600,
            **options,
        )
        assert done.returncode == 0, (
            f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        )
        return done.stdout + done.stderr

    def shell(self, code):
        """Runs code in ``odoo shell``; fails when it raises."""
        output = self.run(
            [
                "dev/odoo",
                "shell",
                "-d",
                self.name,
                "--no-http",
                "--log-level=warn",
                *self.options,
            ],
            input=f"try:\n    exec({code!r})\nexcept BaseException:\n    import "
            "traceback; traceback.print_exc(); print('SHELL FAILED')\n",
        )
        assert "SHELL FAILED" not in output, output[-4000:]
        return output

    def queue(self, more=""):
        """Chase everything, as the button does; ``more`` runs after it."""
        self.shell(QUEUE + more)

    def start(self, port=None, crons=2, workers=0):
        """An Odoo server in its own process group; its log is ``odoo-<n>.log`` in the
        test's folder."""
        port = port or self.port
        log = self.tmp_path / f"odoo-{len(self.servers)}.log"
        server = subprocess.Popen(
            [
                self.settings["python"],
                "-W",
                "ignore::DeprecationWarning",
                str(ROOT / "dev/odoo-bin"),
                "-c",
                self.settings["conf"],
                "-d",
                self.name,
                "--db-filter",
                f"^{self.name}$",
                "--http-port",
                str(port),
                "--gevent-port",
                str(free_port()),
                "--workers",
                str(workers),
                "--max-cron-threads",
                str(crons),
                "--log-level",
                "warn",
                "--logfile",
                str(log),
                *self.options,
            ],
            cwd=ROOT,
            env=self.env,
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.servers.append(server)
        end = time.monotonic() + 180
        while time.monotonic() < end and server.poll() is None:
            try:
                if requests.get(f"http://127.0.0.1:{port}/web/health", timeout=5).ok:
                    return server
            except (requests.ConnectionError, requests.Timeout):
                time.sleep(0.25)
        raise AssertionError(f"Odoo does not start: {log.read_text()[-2000:]}")

    def kill(self, server, number=signal.SIGKILL):
        if server.poll() is None:
            os.killpg(server.pid, number)
            server.wait(30)

    @contextmanager
    def connect(self, database=None):
        env = self.env
        connection = psycopg2.connect(
            dbname=database or self.name,
            host=env["PGHOST"],
            port=env["PGPORT"] or None,
            user=env["PGUSER"],
            password=env["PGPASSWORD"],
        )
        try:
            yield connection
        finally:
            connection.close()

    def query(self, sql, *params):
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute(sql, params)
            rows = cursor.fetchall() if cursor.description else None
            connection.commit()
            return rows

    def states(self):
        return dict(
            self.query("SELECT state, count(*) FROM chaser_reminder GROUP BY state")
        )

    def wake(self):
        """Triggers a job like Odoo does, because the scheduler of a server that has
        just started only listens, and wakes by itself after a minute."""
        with self.connect("postgres") as connection, connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify('cron_trigger', %s)", [self.name])
            connection.commit()

    def wait_until(self, condition, seconds=180):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if condition():
                return
            self.wake()
            time.sleep(0.1)
        raise AssertionError(
            f"not reached in {seconds} s: {self.states()}\n{self.logs()[-3000:]}"
        )

    def received(self):
        return [message for smtp in self.smtp for message in smtp.received]

    def logs(self):
        return "".join(
            path.read_text() for path in sorted(self.tmp_path.glob("odoo-*.log"))
        )

    def close(self):
        for server in self.servers:
            self.kill(server)
        for smtp in self.smtp:
            smtp.stop()


@pytest.fixture
def world(tmp_path):
    wait_for_midnight(300)
    made = World("chaser_e2e", tmp_path)
    yield made
    made.close()
