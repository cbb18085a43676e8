"""What a run of a mailbox remembers (``run.get((kind, …), read)``): one kind of key has
one place, so that nothing is read as something else (a currency as a company)."""

import re
from collections import Counter
from pathlib import Path

MODELS = Path(__file__).resolve().parents[2] / "invoice_chaser/models"
_KEY = re.compile(r"\b(?:run|shared)\.get\(\s*\(\s*\"(\w+)\"")


def test_each_kind_of_key_has_one_place():
    kinds = Counter(
        kind
        for path in MODELS.glob("*/*.py")
        for kind in _KEY.findall(path.read_text())
    )
    assert len(kinds) > 10, "the pattern is not found any more"
    assert not [kind for kind, count in kinds.items() if count > 1]
