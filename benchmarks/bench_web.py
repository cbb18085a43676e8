"""Load on the public routes, from outside: ours, an empty route, and the peer's, in
turn; then what the database kept of it."""

import argparse
import hmac
import itertools
import json
import os
import socket
import threading
import time
from pathlib import Path

import psycopg2
from figures import Row, judge, median, p90, print_table, require, times

CONNECTIONS = 8
TIMEOUT = 30
# As many different mail programs as a mailing meets in a day.
AGENTS = [
    template.format(major, minor)
    for major in range(12, 19)
    for minor in range(8)
    for template in (
        "Mozilla/5.0 (iPhone; CPU iPhone OS {0}_{1} like Mac OS X) "
        "AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, "
        "like Gecko) Chrome/1{0}.0.{1}.0 Safari/537.36",
        "Mozilla/5.0 (Linux; Android {0}; SM-S91{1}B) AppleWebKit/537.36 (KHTML, "
        "like Gecko) Chrome/1{0}.0.0.0 Mobile Safari/537.36",
    )
]
NAMES = {
    "pixel": {
        "empty": "empty auth='none' route",
        "ours": "our open pixel",
        "peer": "mass_mailing's pixel",
    },
    "click": {
        "empty": "empty auth='none' route",
        "ours": "our click redirect, one link",
        "peer": "link_tracker's /r/<code>, one link",
    },
    "whatsapp": {
        "empty": "empty auth='none' route, the same requests",
        "ours": "Meta's reports, signed, one status each",
    },
}
# In so many milliseconds Meta wants half of its reports responded to; here 99 of 100.
META_MS = 250
# The status of a good response, where it is not 200.
GOOD = {("click", "ours"): 302, ("click", "peer"): 301}
STORED = {
    ("pixel", "ours"): "SELECT count(*) FROM chaser_event WHERE event_type = 'opened'",
    ("pixel", "peer"): "SELECT count(*) FROM mailing_trace WHERE trace_status = 'open'",
    ("click", "ours"): "SELECT count(*) FROM chaser_event WHERE event_type = 'clicked'",
    ("click", "peer"): "SELECT count(*) FROM link_tracker_click",
    ("whatsapp", "ours"): "SELECT count(*) FROM chaser_webhook_event",
}


def ask(port, path, agent, body=None, headers=""):
    """The status of one request on a line of its own; 0 when there was no response in
    time. With a body it is a POST."""
    head = (
        f"{'GET' if body is None else 'POST'} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}"
    )
    head += f"\r\nUser-Agent: {agent}\r\nConnection: close\r\n{headers}"
    if body is not None:
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    request = f"{head}\r\n".encode() + (body or b"")
    try:
        with socket.create_connection(("127.0.0.1", port), TIMEOUT) as line:
            line.sendall(request)
            response = line.recv(4096)
            while line.recv(65536):
                pass
        return int(response.split(b" ", 2)[1])
    except (OSError, IndexError, ValueError):
        return 0


def make_report(reports, turn):
    """The body of one of Meta's reports, each another one, and its header."""
    key = reports["keys"][turn // 3 % len(reports["keys"])]
    status = {
        "id": f"wamid.{key}",
        "status": ("sent", "delivered", "read")[turn % 3],
        "timestamp": str(1796000000 + turn),
        "recipient_id": "971501234567",
        "biz_opaque_callback_data": key,
        "pricing": {"billable": True, "pricing_model": "PMP", "category": "utility"},
    }
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"phone_number_id": reports["phone_id"]},
        "statuses": [status],
    }
    change = {"field": "messages", "value": value}
    body = json.dumps(
        {
            "object": "whatsapp_business_account",
            "entry": [{"id": reports["waba_id"], "changes": [change]}],
        }
    ).encode()
    digest = hmac.new(reports["secret"].encode(), body, "sha256").hexdigest()
    return body, f"X-Hub-Signature-256: sha256={digest}\r\n"


class Round:
    """So many connections at once for so many seconds; each finishes its last request,
    so that all can be counted."""

    def __init__(self, port, paths, seconds, turns, reports=None):
        self.port, self.paths, self.seconds, self.turns = port, paths, seconds, turns
        self.reports = reports
        self.statuses, self.latencies = [], []

    def _work(self, deadline):
        while time.perf_counter() < deadline:
            turn = next(self.turns)
            report = make_report(self.reports, turn) if self.reports else ()
            start = time.perf_counter()
            status = ask(
                self.port,
                self.paths[turn % len(self.paths)],
                AGENTS[turn % len(AGENTS)],
                *report,
            )
            self.latencies.append(1000 * (time.perf_counter() - start))
            self.statuses.append(status)

    def run(self):
        start = time.perf_counter()
        threads = [
            threading.Thread(target=self._work, args=[start + self.seconds])
            for _ in range(CONNECTIONS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.elapsed = time.perf_counter() - start
        return self


def p99(values):
    """99 of 100 are not above it."""
    return sorted(values)[max(0, -(-99 * len(values) // 100) - 1)]


def count_conflicts(log):
    """Serialization failures and deadlocks that the server has met, retried ones
    included."""
    text = Path(log).read_text(errors="replace")
    return sum(
        text.count(words)
        for words in (" tries left, try again", "maximum number of tries reached")
    )


def load(options, plan, reports=None):
    """Target → its rounds and the conflicts during them. They take turns, so that other
    load on the machine affects all of them alike."""
    turns = {name: itertools.count() for name in plan}
    rounds, conflicts = {name: [] for name in plan}, dict.fromkeys(plan, 0)
    for number in range(options.rounds + 1):
        for name, paths in plan.items():
            before = count_conflicts(options.log)
            rounds[name].append(
                Round(
                    options.port,
                    paths,
                    options.seconds if number else 1,
                    turns[name],
                    reports,
                ).run()
            )
            conflicts[name] += count_conflicts(options.log) - before
    return rounds, conflicts


def count_stored(options, name):
    with (
        psycopg2.connect(dbname=options.db) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(STORED[options.part, name])
        return cursor.fetchone()[0]


def wait_for_the_writer(folder, seconds=60):
    """Hits are stored a moment after they were answered, from files in the folder."""
    end = time.monotonic() + seconds
    while os.path.isdir(folder) and os.listdir(folder):
        require(time.monotonic() < end, f"hits still wait after {seconds} s")
        time.sleep(0.2)


def summarize(rounds, wanted):
    """Requests a second, errors, and good responses. The first round is the warm-up:
    not in the rate, but in what must be stored."""
    statuses = [status for one in rounds for status in one.statuses]
    good = statuses.count(wanted)
    return (
        median([one.statuses.count(wanted) / one.elapsed for one in rounds[1:]]),
        len(statuses) - good,
        good,
    )


def judge_ours(part, rates, troubles, latencies):
    if part == "whatsapp":
        return judge(
            f"99 of 100 in {META_MS} ms, no error",
            p99(latencies) <= META_MS and not troubles,
        ), judge("0.7 x empty", rates["ours"] >= 0.7 * rates["empty"])
    if part == "pixel":
        peer, empty = rates.get("peer", 0), rates["empty"]
        return judge("faster than peer", rates["ours"] > peer), judge(
            "0.95 x empty, 1.1 x peer",
            rates["ours"] >= max(0.95 * empty, 1.1 * peer),
        )
    return judge("no error", not troubles), judge(
        "0.95 x empty", rates["ours"] >= 0.95 * rates["empty"]
    )


def show(options, rounds, conflicts, stored):
    names = {
        name: words for name, words in NAMES[options.part].items() if name in rounds
    }
    figures = {
        name: summarize(rounds[name], GOOD.get((options.part, name), 200))
        for name in names
    }
    rates = {name: rate for name, (rate, _errors, _good) in figures.items()}
    latencies = {
        name: [value for one in rounds[name][1:] for value in one.latencies]
        for name in names
    }
    goals = judge_ours(
        options.part, rates, figures["ours"][1] + conflicts["ours"], latencies["ours"]
    )
    rows, notes = [], []
    for name, (rate, errors, good) in figures.items():
        ratio = "" if name == "empty" else f"{times(rate, rates['empty'])} x empty"
        if name == "ours" and "peer" in rates:
            ratio += f", {times(rate, rates['peer'])} x peer"
        rows.append(
            Row(
                names[name],
                f"{rate:.0f}/s",
                f"{p90(latencies[name]):.0f} ms",
                "",
                ratio,
                *(goals if name == "ours" else ()),
            )
        )
        kept = f", {stored[name]} stored" if name in stored else ""
        late = f"99 of 100 in {p99(latencies[name]):.0f} ms"
        notes.append(
            f"{names[name]}: {good} answered{kept}, {errors} errors or timeouts, "
            f"{conflicts[name]} serialization failures; median "
            f"{median(latencies[name]):.0f} ms, {late}"
        )
    same = "equal" if figures["ours"][2] == stored["ours"] else "NOT EQUAL"
    require(figures["ours"][2], "not one hit was answered well")
    print_table(
        f"{options.part}: {CONNECTIONS} connections, {options.rounds} x "
        f"{options.seconds} s each in turn, Odoo prefork with 2 workers",
        rows,
        [*notes, f"our hits answered and stored: {same}; p90: of one request's time"],
    )
    require(same == "equal", "hits were answered and not stored")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=NAMES)
    for name in ("--plan", "--db", "--log", "--spool"):
        parser.add_argument(name, required=True)
    for name in ("--port", "--rounds", "--seconds"):
        parser.add_argument(name, type=int, required=True)
    options = parser.parse_args()
    plans = json.loads(Path(options.plan).read_text())
    plan = plans[options.part]
    reports = plans["reports"] if options.part == "whatsapp" else None
    rounds, conflicts = load(options, plan, reports)
    wait_for_the_writer(options.spool)
    stored = {
        name: count_stored(options, name)
        for part, name in STORED
        if part == options.part and name in plan
    }
    show(options, rounds, conflicts, stored)


if __name__ == "__main__":
    main()
