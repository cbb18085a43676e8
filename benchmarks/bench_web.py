"""Load on the public routes, from outside: ours, an empty route, and the peer's, in
turn; then what the database kept of it."""

import argparse
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
}
# The status of a good response, where it is not 200.
GOOD = {("click", "ours"): 302, ("click", "peer"): 301}
STORED = {
    ("pixel", "ours"): "SELECT count(*) FROM chaser_event WHERE event_type = 'opened'",
    ("pixel", "peer"): "SELECT count(*) FROM mailing_trace WHERE trace_status = 'open'",
    ("click", "ours"): "SELECT count(*) FROM chaser_event WHERE event_type = 'clicked'",
    ("click", "peer"): "SELECT count(*) FROM link_tracker_click",
}


def ask(port, path, agent):
    """The status of one request on a line of its own; 0 when there was no response in
    time."""
    request = (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUser-Agent: "
        f"{agent}\r\nConnection: close\r\n\r\n".encode()
    )
    try:
        with socket.create_connection(("127.0.0.1", port), TIMEOUT) as line:
            line.sendall(request)
            response = line.recv(4096)
            while line.recv(65536):
                pass
        return int(response.split(b" ", 2)[1])
    except (OSError, IndexError, ValueError):
        return 0


class Round:
    """So many connections at once for so many seconds; each finishes its last request,
    so that all can be counted."""

    def __init__(self, port, paths, seconds, turns):
        self.port, self.paths, self.seconds, self.turns = port, paths, seconds, turns
        self.statuses, self.latencies = [], []

    def _work(self, deadline):
        while time.perf_counter() < deadline:
            turn, start = next(self.turns), time.perf_counter()
            status = ask(
                self.port,
                self.paths[turn % len(self.paths)],
                AGENTS[turn % len(AGENTS)],
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


def count_conflicts(log):
    """Serialization failures and deadlocks that the server has met, retried ones
    included."""
    text = Path(log).read_text(errors="replace")
    return sum(
        text.count(words)
        for words in (" tries left, try again", "maximum number of tries reached")
    )


def load(options, plan):
    """Target → its rounds and the conflicts during them. They take turns, so that other
    load on the machine affects all of them alike."""
    turns = {name: itertools.count() for name in plan}
    rounds, conflicts = {name: [] for name in plan}, dict.fromkeys(plan, 0)
    for number in range(options.rounds + 1):
        for name, paths in plan.items():
            before = count_conflicts(options.log)
            rounds[name].append(
                Round(
                    options.port, paths, options.seconds if number else 1, turns[name]
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


def judge_ours(part, rates, troubles):
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
    goals = judge_ours(options.part, rates, figures["ours"][1] + conflicts["ours"])
    rows, notes = [], []
    for name, (rate, errors, good) in figures.items():
        ratio = "" if name == "empty" else f"{times(rate, rates['empty'])} x empty"
        if name == "ours":
            ratio += f", {times(rate, rates.get('peer', 0))} x peer"
        latencies = [value for one in rounds[name][1:] for value in one.latencies]
        rows.append(
            Row(
                names[name],
                f"{rate:.0f}/s",
                f"{p90(latencies):.0f} ms",
                "",
                ratio,
                *(goals if name == "ours" else ()),
            )
        )
        kept = f", {stored[name]} stored" if name in stored else ""
        notes.append(
            f"{names[name]}: {good} answered{kept}, {errors} errors or timeouts, "
            f"{conflicts[name]} serialization failures"
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
    plan = json.loads(Path(options.plan).read_text())[options.part]
    rounds, conflicts = load(options, plan)
    wait_for_the_writer(options.spool)
    stored = {
        name: count_stored(options, name)
        for part, name in STORED
        if part == options.part and name in plan
    }
    show(options, rounds, conflicts, stored)


if __name__ == "__main__":
    main()
