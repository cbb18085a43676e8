"""Numbers of the benchmarks: medians, percentiles, and the table that a part prints."""

import os
import statistics
from dataclasses import astuple, dataclass

# A smoke run is to show that everything still works, in seconds: its figures mean
# nothing.
SMOKE = bool(os.environ.get("CHASER_BENCH_SMOKE"))

HEADER = ("what", "median", "p90", "queries", "ratio", "must", "aim")


@dataclass
class Row:
    """One line of the table; every field is text as it is shown."""

    what: str
    median: str
    p90: str = ""
    queries: str = ""
    ratio: str = ""
    must: str = ""
    aim: str = ""


def scaled(count, least=1):
    """So many, or a fiftieth in a smoke run."""
    return max(least, count // 50) if SMOKE else count


def require(happened, words):
    """Makes sure that what is measured has happened; else the figure would be
    meaningless.

    :raises SystemExit: where it has not
    """
    if not happened:
        raise SystemExit(f"BENCHMARK BROKEN: {words}")


def median(values):
    return statistics.median(values)


def p90(values):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(0.9 * (len(ordered) - 1)))]


def judge(wanted, met):
    """A goal and whether it is reached; never an assertion."""
    return f"{wanted}: {'met' if met else 'NOT MET'}"


def times(numerator, denominator):
    return f"{numerator / denominator:.2f}" if denominator else "-"


def print_table(title, rows, notes=()):
    cells = [HEADER, *(astuple(row) for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(HEADER))]
    print(f"\n{title}")
    for number, row in enumerate(cells):
        print(
            "  ".join(
                text.ljust(width) for text, width in zip(row, widths, strict=True)
            ).rstrip()
        )
        if not number:
            print("  ".join("-" * width for width in widths))
    for note in notes:
        print(f"* {note}")
    print(flush=True)
