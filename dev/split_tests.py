"""The addon's test files in lanes that take equally long: python dev/split_tests.py
LANE LANES prints the files of a lane.

``python dev/split_tests.py --write REPORT.xml …`` writes dev/test_times.txt anew from
the reports that dev/test leaves in the cache.
"""

import re
import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TESTS = ROOT / "invoice_chaser/tests"
TIMES = ROOT / "dev/test_times.txt"
# Seconds of a test file that was not measured.
GUESS = 0.8


def read_times():
    lines = TIMES.read_text().split() if TIMES.exists() else []
    return dict(zip(lines[1::2], map(float, lines[::2]), strict=True))


def split(lanes):
    """Files of each lane: the longest first, each to the lane that has least."""
    times = read_times()
    files = {
        path.name: times.get(path.name)
        or GUESS * len(re.findall(r"^    def test_", path.read_text(), re.M))
        for path in TESTS.glob("test_*.py")
    }
    loads, chosen = [0.0] * lanes, [[] for _ in range(lanes)]
    for name in sorted(files, key=lambda name: (-files[name], name)):
        least = loads.index(min(loads))
        loads[least] += files[name]
        chosen[least].append(name)
    return [sorted(names) for names in chosen]


def write(reports):
    seconds = Counter()
    for report in reports:
        for case in ElementTree.parse(report).iter("testcase"):
            name = re.search(r"\b(test_\w+)\.\w+$", case.get("classname", ""))
            if name:
                seconds[name[1] + ".py"] += float(case.get("time") or 0)
    TIMES.write_text(
        "".join(f"{time:.0f} {name}\n" for name, time in seconds.most_common())
    )


if __name__ == "__main__":
    if sys.argv[1] == "--write":
        write(sys.argv[2:])
    else:
        lane, lanes = map(int, sys.argv[1:])
        print(
            "\n".join(f"invoice_chaser/tests/{name}" for name in split(lanes)[lane - 1])
        )
