"""The second addon holds the house's budgets as the first one does."""

import ast
import importlib.util
import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
ADDON = PROJECT / "invoice_chaser_whatsapp"
# A room says why it adds to a model that another class of the addon extends as well.
EXTENSIONS = 12


@pytest.fixture(scope="module")
def tree():
    """The functions of ``test_tree``, about the second addon."""
    spec = importlib.util.spec_from_file_location(
        "tree_of_whatsapp", PROJECT / "tests/core/test_tree.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.ADDON, module.MODELS = ADDON, ADDON / "models"
    return module


def test_methods_are_defined_once_and_short(tree):
    assert not tree._read_methods_twice()
    tree.test_methods_are_short()


def test_files_are_neither_long_nor_tiny(tree):
    tree.SMALL_FILES = {"common/res_config_settings.py": "one setting"}
    tree.test_files_are_neither_long_nor_tiny()


def test_extensions_say_why(tree):
    found = tree._read_extensions()
    assert len(found) <= EXTENSIONS
    assert not [place for place, told in found.items() if not told]


def test_no_view_of_ours_patches_ours(tree):
    assert not [
        patch
        for patch in tree._read_view_patches()
        # The same name in the first addon is another view.
        if ": invoice_chaser." not in patch
    ]


def test_no_sql_past_the_orm(tree):
    assert not tree._read_sql_writers()


def test_each_test_file_is_known_to_odoo(tree):
    tree.test_each_test_file_is_known_to_odoo()


def test_rooms_are_loaded_after_those_they_use():
    """Imports between rooms go up only."""
    order = re.findall(
        r"^from \. import (\w+)", (ADDON / "models/__init__.py").read_text(), re.M
    )
    for path in (ADDON / "models").glob("*/*.py"):
        room = path.parent.name
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.level == 2:
                target = (node.module or "").partition(".")[0]
                assert order.index(target) <= order.index(room), path
