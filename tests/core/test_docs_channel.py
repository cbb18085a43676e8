"""docs/adding-a-channel.md shows the example addon as it is."""

import re
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
ADDON = PROJECT / "tests/addons/sms_test"
# What an example need not show: files that only import.
PLAIN = {"__init__.py", "controllers/__init__.py", "models/__init__.py"}


def test_the_page_shows_each_file_of_the_example():
    page = (PROJECT / "docs/adding-a-channel.md").read_text()
    shown = dict(re.findall(r"^`([\w/.]+)`\n\n```\w+\n(.*?)```$", page, re.S | re.M))
    files = {
        str(path.relative_to(ADDON)): path.read_text()
        for path in ADDON.rglob("*")
        if path.is_file() and path.suffix in (".py", ".csv", ".sql", ".xml")
    }
    assert shown.keys() == files.keys() - PLAIN - {"tests/__init__.py"}
    for name, text in shown.items():
        assert text == files[name], name


def test_the_page_names_methods_that_are_there():
    page = (PROJECT / "docs/adding-a-channel.md").read_text().split("## The example")[0]
    code = "".join(
        path.read_text() for path in (PROJECT / "invoice_chaser/models").rglob("*.py")
    )
    for name in set(re.findall(r"`(_[a-z_]+)`", page)):
        assert f"def {name}(" in code or f"{name} = " in code, name
