"""docs/threats.md names a test for each protection: every name in it is there."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "threats.md"
_PATH = re.compile(r"(tests/\S+?\.py)(?:::(test_\w+))?")


def read_tests():
    """Tests by class, and by file; a class has those of the classes that it inherits
    from no more than by their own names."""
    by_class, by_file = {}, {}
    files = [*ROOT.glob("invoice_chaser*/tests/*.py"), *ROOT.glob("tests/**/*.py")]
    for path in files:
        names = by_file.setdefault(str(path.relative_to(ROOT)), set())
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef):
                names.add(node.name)
            elif isinstance(node, ast.ClassDef):
                by_class.setdefault(node.name, set()).update(
                    one.name for one in node.body if isinstance(one, ast.FunctionDef)
                )
    return by_class, by_file


def find_missing(text, by_class, by_file):
    """(count of proofs, those that are not there): `TestX.test_a`, `.test_b` after it,
    `tests/….py::test_c`, `::test_d` after it."""
    count, missing = 0, []
    for line in text.splitlines():
        owner, path = None, None
        for name in re.findall(r"`([^`\s]+)`", line):
            found = _PATH.fullmatch(name)
            of_class = re.fullmatch(
                r"(\w*(?:Test|Contract)\w*)?(?:\.(test_\w+))?", name
            )
            if found:
                path = found[1]
                tests, wanted = by_file.get(path), found[2]
            elif name.startswith("::"):
                tests, wanted = by_file.get(path), name[2:]
            elif of_class and name:
                owner = of_class[1] or owner
                tests, wanted = by_class.get(owner), of_class[2]
            elif name.startswith("test_") and name.isidentifier():
                tests, wanted = set().union(*by_class.values(), *by_file.values()), name
            else:
                continue
            count += 1
            if tests is None or (wanted and wanted not in tests):
                missing.append(name)
    return count, missing


def test_every_proof_is_there():
    count, missing = find_missing(PAGE.read_text(), *read_tests())
    assert not missing
    assert count > 150


def test_the_search_sees_what_is_not_there():
    tests = read_tests()
    for name in (
        "`TestSend.test_nothing_of_the_kind`",
        "`TestNothingOfTheKind`",
        "`TestSend.test_two_campaigns_one_reminder`, `.test_nothing_of_the_kind`",
        "`tests/core/test_nothing.py`",
        "`tests/core/test_crypto.py::test_nothing_of_the_kind`",
    ):
        assert find_missing(name, *tests)[1]


def test_every_row_of_a_table_is_whole():
    """As many cells as the head of its table has."""
    width = 0
    for line in PAGE.read_text().splitlines():
        if not line.startswith("|"):
            width = 0
            continue
        cells = len(re.findall(r"(?<!\\)\|", re.sub(r"`[^`]*`", "", line))) - 1
        width = width or cells
        assert cells == width, line[:80]
