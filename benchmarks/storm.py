"""See ``benchmarks/storm``."""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1] / "tests"
# The world of tests/e2e comes first: tests/ has a conftest of its own.
sys.path[:0] = [str(TESTS / "e2e"), str(TESTS)]

from conftest import World  # noqa: E402
from support.storm import Storm  # noqa: E402

WRONG = ("twice", "lost", "undecided", "asked_for_paid", "failed_payments")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--customers", type=int, default=0, help="0: 90 per minute")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    customers = options.customers or max(60, int(90 * options.minutes))
    print(f"seed {options.seed}, {customers} customers", flush=True)
    with tempfile.TemporaryDirectory(prefix="storm.") as folder:
        world = World("chaser_storm", Path(folder))
        storm = Storm(world, options.seed, lambda line: print(line, flush=True))
        try:
            storm.build(customers)
            storm.rage(60 * options.minutes)
            try:
                storm.settle(600)
            except AssertionError as error:
                print(error)
            figures = storm.account()
        finally:
            world.close()
    for name, value in figures.items():
        count = len(value) if isinstance(value, list) else value
        print(f"{name.replace('_', ' '):>20}: {count}")
    wrong = {name: figures[name] for name in WRONG if figures[name]}
    if wrong:
        print(json.dumps(wrong, indent=1))
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
