"""How well incoming mail is understood (core.inbound): confusion tables over the corpus
of tests/core/inbound_corpus.py. No database."""

import sys
import time
from collections import Counter
from pathlib import Path

PROJECT = Path(__file__).parent.parent
sys.path[:0] = [
    str(Path(__file__).parent),
    str(PROJECT / "invoice_chaser"),
    str(PROJECT / "tests" / "core"),
]

from core.inbound import inbound  # noqa: E402
from corpus_machines import MACHINES, PEOPLE  # noqa: E402
from corpus_replies import REPLIES  # noqa: E402
from corpus_reports import COMPLAINTS, REPORTS  # noqa: E402
from corpus_unseen import NEW_MACHINES, NEW_PEOPLE, NEW_REPORTS  # noqa: E402
from figures import judge, require  # noqa: E402
from inbound_corpus import (  # noqa: E402
    count_kinds,
    count_reports,
    find_lost_words,
    find_shown_quotes,
)


def percent(part, whole):
    return 100 * part / whole if whole else 100.0


def print_confusion(title, counts):
    """Rows: what it is; columns: what was said."""
    rows = sorted({right for right, _found in counts})
    columns = sorted({found for _right, found in counts})
    width = max(map(len, [*rows, *columns, "is \\ said"])) + 2
    print(f"\n{title}")
    print("".join(text.ljust(width) for text in ("is \\ said", *columns)).rstrip())
    for right in rows:
        cells = (str(counts.get((right, found), "") or ".") for found in columns)
        print("".join(text.ljust(width) for text in (right, *cells)).rstrip())


def print_figures(verdicts, kinds, answers):
    named = {
        pair: n for pair, n in verdicts.items() if pair[0] not in ("nobody", "lost")
    }
    whole = sum(named.values())
    found = sum(n for (_right, said), n in named.items() if said != "missing")
    called = {pair: n for pair, n in verdicts.items() if pair[1] == "hard"}
    dead = {pair: n for pair, n in named.items() if pair[0] == "hard"}
    automatic = {pair: n for pair, n in kinds.items() if pair[0] == "auto_reply"}
    silenced = sum(
        n
        for (right, said), n in kinds.items()
        if right == "reply" and said not in ("reply", "bounce")
    )
    lost = find_lost_words(inbound.read, answers)
    shown = find_shown_quotes(inbound.read, answers)
    print()
    for words, value, goal in (
        ("recipient found", percent(found, whole), 97),
        (
            "called hard and hard",
            percent(called.get(("hard", "hard"), 0), sum(called.values())),
            98,
        ),
        (
            "dead addresses found",
            percent(dead.get(("hard", "hard"), 0), sum(dead.values())),
            93,
        ),
        (
            "automatic mail told apart",
            percent(
                automatic.get(("auto_reply", "auto_reply"), 0), sum(automatic.values())
            ),
            95,
        ),
    ):
        print(f"* {words}: {value:.1f} %; {judge(f'{goal} %', value >= goal)}")
    print(f"* people silenced: {silenced}; {judge('0', not silenced)}")
    print(f"* answers that lost words: {len(lost)}; {judge('0', not lost)}")
    print(f"* quotes shown as new words: {len(shown)} of {len(answers)}")
    for name, lines in [*lost.items(), *shown.items()]:
        print(f"    {name}: {lines[0]}")


def measure(title, reports, others, answers):
    samples = [*reports, *others, *answers]
    started = time.process_time()
    kinds = count_kinds(inbound.read, samples)
    seconds = time.process_time() - started
    verdicts = count_reports(inbound.read, reports)
    require(sum(kinds.values()) == len(samples), "a sample was not read")
    require(len(samples) >= 150, "the corpus is smaller than 150 mails")
    print(f"\nunderstanding: {title}, {len(samples)} invented mails")
    print_confusion("kind of mail", kinds)
    print_confusion("verdict on each recipient of a report", Counter(verdicts))
    print_figures(verdicts, kinds, answers)
    print(f"* {1000 * seconds / len(samples):.1f} ms of CPU a mail")
    print(flush=True)


def main():
    measure(
        "in the forms of real systems",
        REPORTS,
        [*COMPLAINTS, *MACHINES],
        [*REPLIES, *PEOPLE],
    )
    measure("the second sample", NEW_REPORTS, NEW_MACHINES, NEW_PEOPLE)


if __name__ == "__main__":
    main()
