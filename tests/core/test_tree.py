"""What the tree itself must hold: the arrows between rooms, and the house's budgets.

``python tests/core/test_tree.py`` prints the figures, and which rooms look up each
other's models by name (``env["…"]``), which the table of arrows does not restrict.
"""

import ast
import re
from collections import Counter, defaultdict
from functools import cache
from pathlib import Path

import pytest

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    tomllib = None

PROJECT = Path(__file__).resolve().parents[2]
ADDON = PROJECT / "invoice_chaser"
MODELS = ADDON / "models"

# Upper limits. They may only be lowered, when the code has become better.
METHOD_LINES = 50
FILE_LINES = 600
EXTENSIONS = 17
# Methods that rooms of this addon extend.
HOOKS = {
    "chaser.provider._get_connection_fields",
    "chaser.provider._prepare_write_effects",
    "res.company._prepare_chaser_effects",
}
# Files of models/ with fewer than 30 lines, each with its reason.
SMALL_LINES = 30
SMALL_FILES = {
    "customer/res_partner_category.py": "a small extension of a model of Odoo",
}

# --- reading the code -----------------------------------------------------------------


def _literal(node):
    try:
        return ast.literal_eval(node)
    except ValueError:
        return None


@cache
def _read_files():
    """Each Python file of the addon but its tests, parsed."""
    return {
        path: ast.parse(path.read_text())
        for path in sorted(ADDON.rglob("*.py"))
        if not {"tests", "migrations"} & set(path.relative_to(ADDON).parts)
    }


def _get_room(path):
    """The room of a file of models/, or None."""
    parts = path.relative_to(ADDON).parts
    return parts[1] if parts[0] == "models" and len(parts) > 2 else None


@cache
def _read_classes():
    """(path, class, its model, the models it inherits) for each model class."""
    found = []
    for path, tree in _read_files().items():
        for node in tree.body:
            if not isinstance(node, ast.ClassDef):
                continue
            values = {
                target.id: _literal(item.value)
                for item in node.body
                if isinstance(item, ast.Assign)
                for target in item.targets
                if isinstance(target, ast.Name) and target.id in ("_name", "_inherit")
            }
            inherits = values.get("_inherit") or []
            inherits = [inherits] if isinstance(inherits, str) else list(inherits)
            model = values.get("_name") or (inherits[0] if inherits else None)
            if model:
                found.append((path, node, model, inherits))
    return found


@cache
def _read_owners():
    """Each model that this addon makes → the file that makes it."""
    return {
        model: path
        for path, _node, model, inherits in _read_classes()
        if model not in inherits
    }


def _read_imports(path, tree):
    """What a file imports from this addon, as paths: ("models", "send", "run", …)."""
    package = path.relative_to(ADDON).parts[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1]
            base += tuple(node.module.split(".")) if node.module else ()
        elif isinstance(node, ast.ImportFrom) and node.module.startswith(
            "odoo.addons.invoice_chaser"
        ):
            base = tuple(node.module.split(".")[3:])
        else:
            continue
        for name in node.names:
            yield node.lineno, (*base, name.name)


@cache
def _read_arrows():
    """(room, room) → the places in models/ that use the other room: by a Python
    import, or by ``_inherit`` of a model that it makes."""
    arrows = defaultdict(list)
    for path, tree in _read_files().items():
        room = _get_room(path)
        if room is None:
            continue
        place = path.relative_to(ADDON)
        for line, target in _read_imports(path, tree):
            if target[0] == "models" and len(target) > 1 and target[1] != room:
                arrows[room, target[1]].append(f"{place}:{line} imports it")
    for path, node, _model, inherits in _read_classes():
        room = _get_room(path)
        for name in inherits:
            owner = _read_owners().get(name)
            target = owner and _get_room(owner)
            if room and target and target != room:
                place = f"{path.relative_to(ADDON)}:{node.lineno}"
                arrows[room, target].append(f"{place} inherits {name}")
    return dict(arrows)


def _read_lookups():
    """(room, room) → how often a model of the other room is looked up by name."""
    found = Counter()
    for path, tree in _read_files().items():
        room = _get_room(path)
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Subscript)
                and isinstance(node.value, ast.Attribute)
                and node.value.attr == "env"
            ):
                owner = _read_owners().get(_literal(node.slice))
                target = owner and _get_room(owner)
                if room and target and target != room:
                    found[room, target] += 1
    return found


@cache
def _read_table(layer):
    """The table in docs/architecture.md: room → the rooms that it may use."""
    text = (PROJECT / "docs/architecture.md").read_text()
    rows = re.findall(rf"^\| `{layer}/(\w+)` \|.*\| ([^|]*) \|$", text, re.M)
    return {room: re.findall(r"`(\w+)`", uses) for room, uses in rows}


def _read_load_order():
    return re.findall(
        r"^from \. import (\w+)", (MODELS / "__init__.py").read_text(), re.M
    )


# --- arrows ---------------------------------------------------------------------------


def test_the_table_of_rooms_is_complete():
    for layer in ("models", "core"):
        folders = {path.parent.name for path in (ADDON / layer).glob("*/__init__.py")}
        if layer == "core":
            folders.add("crypto")  # a room of one file
        assert set(_read_table(layer)) == folders
    assert set(_read_load_order()) == set(_read_table("models"))


def test_arrows_of_models_are_those_of_the_table():
    allowed = {(a, b) for a, uses in _read_table("models").items() for b in uses}
    found = _read_arrows()
    assert not {arrow: found[arrow] for arrow in set(found) - allowed}
    assert not allowed - set(found), "no code uses these any more: take them out"


def test_arrows_of_core_are_those_of_the_table():
    """import-linter holds the code against pyproject.toml; this holds pyproject.toml
    against the table."""
    if tomllib is None:
        pytest.skip("Python 3.10 cannot read pyproject.toml by itself")
    settings = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]
    contract = settings["importlinter"]["contracts"][1]
    arrow = re.compile(
        r"invoice_chaser\.core\.(\w+)\.\*\* -> invoice_chaser\.core\.(\w+)\.\*\*"
    )
    told = [arrow.fullmatch(line).groups() for line in contract["ignore_imports"]]
    table = _read_table("core")
    assert sorted(told) == sorted((a, b) for a, uses in table.items() for b in uses)
    assert [
        name.removeprefix("invoice_chaser.core.") for name in contract["modules"]
    ] == sorted(table)


@pytest.mark.parametrize("layer", ["models", "core"])
def test_no_circles(layer):
    """A room uses only rooms that stand above it in the table."""
    above = []
    for room, uses in _read_table(layer).items():
        assert set(uses) <= set(above), room
        above.append(room)


def test_rooms_are_loaded_after_those_they_use():
    order = _read_load_order()
    assert not [(a, b) for a, b in _read_arrows() if order.index(b) > order.index(a)]


# --- docs ---------------------------------------------------------------------------


def _read_docs():
    for path in [*sorted((PROJECT / "docs").glob("*.md")), PROJECT / "README.md"]:
        # Blocks of code are examples; their files need not exist.
        yield path, re.sub(r"^```.*?^```$", "", path.read_text(), flags=re.M | re.S)


def test_docs_name_files_that_exist():
    """Files, also ``file.py::test_of_it``, and modules of core/ by dotted name."""
    files = [path for path in PROJECT.rglob("*") if ".git" not in path.parts]
    tails = {"/".join(p.parts[-n:]) for p in files for n in range(1, len(p.parts))}
    # Those of the example in docs/adding-a-provider.md.
    tails |= {"transport.py", "models/chaser_provider.py"}
    tails |= {"tests/core/test_postbox_transport.py"}
    missing = []
    for doc, text in _read_docs():
        for name, test in re.findall(
            r"`([\w./-]+\.(?:py|xml|js|jinja|css|sql))(?:::(\w+))?`", text
        ):
            if name not in tails:
                missing.append(f"{doc.name}: {name}")
            elif test and f"def {test}(" not in (PROJECT / name).read_text():
                missing.append(f"{doc.name}: {name}::{test}")
        for name in re.findall(r"`core\.(\w+\.\w+)", text):
            path = ADDON / "core" / name.replace(".", "/")
            if not (path.with_suffix(".py").exists() or path.is_dir()):
                missing.append(f"{doc.name}: core.{name}")
    assert not missing


# --- budgets --------------------------------------------------------------------------


def _read_methods_twice():
    """Methods that two classes of this addon define on the same model."""
    defined = defaultdict(list)
    for path, node, model, _inherits in _read_classes():
        for item in node.body:
            if isinstance(item, ast.FunctionDef):
                defined[model, item.name].append(
                    f"{path.relative_to(ADDON)}:{item.lineno}"
                )
    return {f"{m}.{n}": places for (m, n), places in defined.items() if len(places) > 1}


def _read_extensions():
    """Classes that extend a model of this addon, or one of Odoo's that another class of
    this addon extends already; True where the line says why it is a class of its
    own."""
    by_model = defaultdict(list)
    for path, node, model, inherits in _read_classes():
        if model in inherits:
            lines = path.read_text().splitlines()
            head = lines[node.lineno - 1 : node.body[0].end_lineno + 3]
            told = any(
                re.search(r"consider-merging-classes-inherited\s+# \S", line)
                for line in head
            )
            by_model[model].append((f"{path.relative_to(ADDON)}:{node.lineno}", told))
    extensions = {}
    for model, places in by_model.items():
        if model not in _read_owners():
            # The first one of a model of Odoo needs no reason.
            places = sorted(places, key=lambda place: place[1])[1:]
        extensions.update(places)
    return extensions


def _read_view_patches():
    views, patches = set(), []
    paths = [
        p
        for folder in ("views", "wizard", "data")
        for p in sorted((ADDON / folder).glob("*.xml"))
    ]
    for path in paths:
        for head in re.findall(r"<record[^>]*>", path.read_text()):
            if 'model="ir.ui.view"' in head:
                views.add(re.search(r'\bid="([\w.]+)"', head)[1])
    for path in paths:
        for name in re.findall(r'name="inherit_id"\s+ref="([\w.]+)"', path.read_text()):
            if name.removeprefix("invoice_chaser.") in views:
                patches.append(f"{path.relative_to(ADDON)}: {name}")
    return patches


def test_methods_are_defined_once():
    """But for hooks, whose owner's docstring names the rooms that extend it."""
    twice = _read_methods_twice()
    assert set(twice) <= HOOKS, twice
    assert set(twice) >= HOOKS, "no longer extended: take it out of HOOKS"
    for name, places in twice.items():
        told = [
            (path, ast.get_docstring(item) or "")
            for path, node, model, _inherits in _read_classes()
            for item in node.body
            if isinstance(item, ast.FunctionDef) and f"{model}.{item.name}" == name
        ]
        owners = [(path, text) for path, text in told if "Hook: " in text]
        assert len(owners) == 1, f"{name}: {places}"
        owner, text = owners[0]
        rooms = {_get_room(path) for path, _text in told} - {_get_room(owner)}
        assert not [room for room in rooms if room not in text], name


def test_extensions_say_why():
    """A room that adds to a model of another room says so on that class."""
    extensions = _read_extensions()
    assert len(extensions) <= EXTENSIONS
    assert not [place for place, told in extensions.items() if not told]


def test_no_view_of_ours_patches_ours():
    assert not _read_view_patches()


def test_methods_are_short():
    long = [
        f"{path.relative_to(ADDON)}:{node.lineno} {node.name}"
        for path, tree in _read_files().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        and node.end_lineno - node.lineno + 1 > METHOD_LINES
    ]
    assert not long


def test_files_are_neither_long_nor_tiny():
    lines = {path: path.read_text().count("\n") for path in _read_files()}
    assert not [path for path, number in lines.items() if number > FILE_LINES]
    small = {
        str(path.relative_to(MODELS))
        for path, number in lines.items()
        if _get_room(path) and path.name != "__init__.py" and number < SMALL_LINES
    }
    assert not small - set(SMALL_FILES)


_WRITES = re.compile(
    r"\b(?:INSERT INTO|DELETE FROM|UPDATE) (?:%s|[a-z_]*)"
    r"(?= ?\(| SET\b| WHERE\b| [a-z]\b)"
)


def _read_sql_writers():
    """Files with an SQL statement that writes; a lock (``FOR UPDATE``) is none."""
    found = set()
    for path, tree in _read_files().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                text = " ".join(node.value.split())
                if _WRITES.search(re.sub(r"FOR (?:NO KEY )?UPDATE", "", text)):
                    found.add(str(path.relative_to(ADDON)))
    return found


def test_sql_that_writes_stands_where_the_docs_say():
    text = (PROJECT / "docs/architecture.md").read_text()
    section = text.split("### SQL that writes past the ORM")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (`models/.*?) \|", section, re.M)
    told = {name for row in rows for name in re.findall(r"`([\w/.]+\.py)`", row)}
    assert _read_sql_writers() == told


def test_each_test_file_is_known_to_odoo():
    """Odoo's test runner sees what ``tests/__init__.py`` imports, and nothing else."""
    imported = set(re.findall(r"\btest_\w+", (ADDON / "tests/__init__.py").read_text()))
    assert imported == {path.stem for path in (ADDON / "tests").glob("test_*.py")}


def test_rules_are_written_once():
    """What an open receivable item is, when it is due and what counts as paid stands in
    ``planning/open_items.py`` alone (HOUSE.md, *Rules written once*)."""
    owner = MODELS / "planning" / "open_items.py"
    written = re.compile(
        r"""= 'asset_receivable'|coalesce\(\w+\.date_maturity"""
        r"""|"paid",\s*"in_payment"|'paid',\s*'in_payment'"""
    )
    assert written.search(owner.read_text())
    again = [
        f"{path.relative_to(ADDON)}: {found[0]}"
        for path in _read_files()
        if path != owner and (found := written.search(path.read_text()))
    ]
    assert not again


def _names(node):
    return {
        n.attr if isinstance(n, ast.Attribute) else n.id
        for n in ast.walk(node)
        if isinstance(n, (ast.Attribute, ast.Name))
    }


def _find_flushing_tries():
    """``try`` around a savepoint that flushes, whose handlers catch errors of the
    database: (place, what stands before it, what it catches, in order)."""
    for path, tree in _read_files().items():
        for node in ast.walk(tree):
            body = getattr(node, "body", None)
            body = body if isinstance(body, list) else []
            for before, item in zip([None, *body], body, strict=False):
                if not isinstance(item, ast.Try):
                    continue
                flushing = [
                    call
                    for child in item.body
                    for call in ast.walk(child)
                    if isinstance(call, ast.Call)
                    and isinstance(call.func, ast.Attribute)
                    and call.func.attr == "savepoint"
                    and not call.keywords
                ]
                if flushing:
                    place = f"{path.relative_to(ADDON)}:{item.lineno}"
                    caught = [_names(one.type) for one in item.handlers if one.type]
                    yield place, before, caught


def test_a_callers_transaction_is_theirs():
    """A savepoint flushes what others have written before it exists. An error of that,
    such as a conflict that Odoo would repeat, must not be caught as if it were ours:
    the transaction would go on dead. So ``cr.flush()`` stands right before the ``try``,
    and who catches everything lets conflicts through."""
    found = list(_find_flushing_tries())
    assert len(found) > 8, "the pattern is not found any more"
    wrong = []
    for place, before, caught in found:
        if before is None or ast.unparse(before) != "self.env.cr.flush()":
            wrong.append(f"{place}: no self.env.cr.flush() before it")
        conflicts = {"SerializationFailure", "OperationalError", "CONFLICTS"}
        for number, names in enumerate(caught):
            if "Exception" in names and not any(
                conflicts & one for one in caught[:number]
            ):
                wrong.append(f"{place}: swallows conflicts")
    assert not wrong


if __name__ == "__main__":
    print("rooms of models/ in the order they are loaded:", *_read_load_order())
    for (room, target), places in sorted(_read_arrows().items()):
        print(f"  {room} uses {target}:", *places, sep="\n      ")
    print("looked up by name:")
    for (room, target), number in sorted(_read_lookups().items()):
        print(f"  {room} → {target}: {number}")
    print("methods defined twice:", len(_read_methods_twice()))
    print("views that patch ours:", len(_read_view_patches()))
    print("extensions:", len(_read_extensions()))
    print(
        "  of them without a reason:",
        *(p for p, told in _read_extensions().items() if not told),
    )
