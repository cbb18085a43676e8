"""Regular expressions take a number of steps that grows with the text alone. Every
pattern of the code base is found by itself, and fed with texts made against it."""

import ast
import importlib
import re
from functools import cache
from pathlib import Path

import pytest
from support.pattern_steps import Steps, TooMany, make_hard_texts

PROJECT = Path(__file__).resolve().parents[2]
ADDONS = [
    path.parent for path in sorted(PROJECT.glob("invoice_chaser*/__manifest__.py"))
]
_CALLS = {
    *("compile", "search", "match", "fullmatch", "split", "findall", "finditer"),
    *("sub", "subn"),
}
_AT_START = {"match", "fullmatch"}
# Four times the text may cost so many times the steps; fewer than IDLE are not worth a
# look.
SMALL, LARGE, GROWTH, IDLE = 15, 60, 6, 600


# Files that make a pattern from data: of escaped words with bounded gaps.
FROM_DATA = {"core/inbound/inbound.py", "core/letter/colleague_copy.py"}
# Places of patterns that are put together where they are used.
UNSEEN = []


@cache
def find_patterns():
    """(pattern, flags) → (where it stands, whether it is only looked for at the
    beginning of a text)."""
    found = {}
    for addon in ADDONS:
        for path in sorted(addon.rglob("*.py")):
            parts = path.relative_to(addon).parts
            if "tests" not in parts:
                place = str(path.relative_to(PROJECT))
                for pattern, anchored in _read_file(path, parts):
                    key = (pattern.pattern, pattern.flags)
                    known = found.get(key, (place, True))
                    found[key] = (known[0], known[1] and anchored)
    return found


def _read_file(path, parts):
    tree, is_core = ast.parse(path.read_text()), parts[0] == "core"
    calls = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    ]
    if is_core:
        # The names under which tests/conftest.py lets them be imported.
        addon = path.parents[len(parts) - 1].name.removeprefix("invoice_chaser")
        root = f"{addon.strip('_')}_core".lstrip("_")
        module = importlib.import_module(
            ".".join((root, *parts[1:])).removesuffix(".py").removesuffix(".__init__")
        )
        for name, value in vars(module).items():
            for pattern in _walk([value]):
                yield pattern, value is pattern and _is_anchored(name, tree)
    for node in calls:
        if getattr(node.func.value, "id", "") == "re" and node.func.attr in _CALLS:
            try:
                text = ast.literal_eval(node.args[0])
            except ValueError:
                # Put together: found above, by its value, if it stands in a module of
                # core; nowhere else.
                known = is_core and (
                    node.func.attr == "compile" or str(Path(*parts)) in FROM_DATA
                )
                if not known:
                    UNSEEN.append(f"{path}:{node.lineno}")
                continue
            compiled = node.func.attr == "compile"
            if not (is_core and compiled):
                yield (
                    re.compile(text, _read_flags(node)),
                    not compiled and node.func.attr in _AT_START,
                )


def _is_anchored(name, tree):
    """Whether all that is done with a module's pattern begins at the beginning."""
    uses = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Name)
        and node.id == name
        and isinstance(node.ctx, ast.Load)
    ]
    anchored = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in _AT_START
        and getattr(node.func.value, "id", "") == name
    ]
    return bool(uses) and len(uses) == len(anchored)


def _read_flags(node):
    flags = [
        getattr(re, one.attr)
        for argument in [*node.args[1:], *(key.value for key in node.keywords)]
        for one in ast.walk(argument)
        if isinstance(one, ast.Attribute)
        and isinstance(one.value, ast.Name)
        and one.value.id == "re"
        and isinstance(getattr(re, one.attr, None), re.RegexFlag)
    ]
    total = re.RegexFlag(0)
    for flag in flags:
        total |= flag
    return total


def _walk(values, depth=0):
    for value in values:
        if isinstance(value, re.Pattern):
            yield value
        elif isinstance(value, dict) and depth < 4:
            yield from _walk([*value, *value.values()], depth + 1)
        elif isinstance(value, (list, tuple, set, frozenset)) and depth < 4:
            yield from _walk(value, depth + 1)


def grow(pattern, anchored=False, limit=8_000_000):
    """The beginning of a text on which the steps grow too fast; None where there is
    none."""
    steps = Steps(pattern, limit, shrink=True)
    # A pattern of hundreds of words takes many steps at each place of a text.
    less = 1 if len(pattern.pattern) < 1000 else 3
    for make in make_hard_texts(pattern):
        try:
            small = steps.search(make(SMALL // less), anchored)
            large = steps.search(make(LARGE // less), anchored)
        except TooMany:
            return make(4)
        if large > IDLE and large > GROWTH * small:
            return make(4)
    return None


def test_patterns_are_found():
    patterns = find_patterns()
    assert len(patterns) > 80
    assert any("models" in place for place, _anchored in patterns.values())
    assert not UNSEEN, "compile them in a module of core"


@pytest.mark.parametrize(
    "pattern",
    [
        r"^[>*\s]*from\n+[>*\s]*x",  # what stopped a process: cubic
        r"(a+)+b",
        r"x.*y.*z",
        r"\s+$",
    ],
)
def test_the_count_sees_growth(pattern):
    assert grow(re.compile(pattern, re.M)), pattern


@pytest.mark.parametrize("pattern", [r"[a-z]{1,20}@", r"\d+", r"^\s*x", r"<[^<>]*>"])
def test_the_count_lets_pass_what_is_linear(pattern):
    assert not grow(re.compile(pattern)), pattern


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"(\w+)\s\1", "no no yes"),
        (r"(?<!cu)bot\b", "cubot bot"),
        (r"a{2,3}?b|(?:cd)+e", "aaab cdcde"),
        (r"^x$", "x\nx\ny"),
    ],
)
def test_the_count_matches_as_python_does(pattern, text):
    compiled = re.compile(pattern, re.M)
    steps = Steps(compiled)
    steps.search(text)
    for start in range(len(text) + 1):
        steps.text, steps.groups = text, {}
        end = steps._run(list(steps.tree), 0, start, lambda at: at)
        match = compiled.match(text, start)
        if not compiled.pattern.startswith("^"):
            assert end == (match.end() if match else None), (start, end)


@pytest.mark.parametrize(
    "key", list(find_patterns()), ids=lambda key: repr(key[0])[:60]
)
def test_steps_grow_with_the_text_alone(key):
    place, anchored = find_patterns()[key]
    worst = grow(re.compile(*key), anchored)
    assert not worst, f"{place}: {key[0]!r} on {worst!r}"
