"""The example addon of docs/adding-a-provider.md, written out as the page shows it."""

import re
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
PAGE = PROJECT / "docs/adding-a-provider.md"
# The page says of these only that they import.
_PLAIN = {
    "__init__.py": "from . import models\n",
    "models/__init__.py": "from . import chaser_provider\n",
}


def read_blocks():
    """File name → its text; what stands instead of a file has ``(instead)`` in it."""
    return dict(
        re.findall(
            r"^`([\w/. ()]+)`\n\n```\w+\n(.*?)```$", PAGE.read_text(), re.S | re.M
        )
    )


def build(folder):
    """Writes the addon below ``folder``; returns its path."""
    addon = Path(folder) / "invoice_chaser_postbox"
    for name, text in (_PLAIN | read_blocks()).items():
        if name.startswith("tests/") or "(instead)" in name:
            continue
        path = addon / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return addon
