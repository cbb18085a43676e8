"""What the tree itself must hold."""

import re
from pathlib import Path

ADDON = Path(__file__).resolve().parents[2] / "invoice_chaser"


def test_each_test_file_is_known_to_odoo():
    """Odoo's own test runner sees what ``tests/__init__.py`` imports, and nothing else."""
    imported = set(re.findall(r"\btest_\w+", (ADDON / "tests/__init__.py").read_text()))
    assert imported == {path.stem for path in (ADDON / "tests").glob("test_*.py")}
