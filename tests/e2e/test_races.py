"""Two transactions that decide at the same time (``support/races.py``)."""

import json

SCRIPT = """
import json, sys
sys.path.insert(0, {tests!r})
from support.races import run_pairs, run_without_touch
for result in run_pairs(env):
    print("RACE " + json.dumps(result))
for result in run_without_touch(env, {pairs!r}):
    print("BLIND " + json.dumps(result))
"""
# A person is told so when a campaign, a reminder or a copy is decided already.
REFUSALS = (
    "is cancelled",
    "has been started already",
    "cannot be changed",
    "copy_limit",
)
# What was lost before whoever queues wrote the campaign's row.
LOST = [
    ("running", "settle_not_sent", "finish"),
    ("running", "retry", "finish"),
    ("copies", "copy", "finish"),
    ("draft", "plan_more", "send"),
    ("draft", "plan_more", "cancel"),
]


def read(output, word):
    return [
        json.loads(line.removeprefix(word))
        for line in output.splitlines()
        if line.startswith(word)
    ]


def test_nothing_is_lost_between_two_who_decide(world):
    world.build(customers=6)
    output = world.shell(SCRIPT.format(tests=str(world.tests), pairs=LOST))
    results = read(output, "RACE ")
    kinds = [kind for kind, *_rest in results]
    assert [kinds.count(kind) for kind in ("running", "copies", "draft")] == [81, 9, 36]
    wrong = [
        result
        for result in results
        if result[3]
        or [error for error in result[4] if not any(one in error for one in REFUSALS)]
    ]
    assert not wrong, wrong
    blind = read(output, "BLIND ")
    assert len(blind) == len(LOST)
    assert [result for result in blind if not result[3]] == [], "a loss is not seen"
