"""The example of docs/adding-a-provider.md is built from the page and does what every
adapter must do; tests/e2e/test_provider_example.py installs it."""

import ast
import importlib
import importlib.util
import re
import sys

import pytest
from support.docs_example import PAGE, PROJECT, build, read_blocks
from transport_contract import PASSWORD, SENDER, TransportContract

# Odoo's name of the core leads to the core as the tests import it: the same classes,
# without a registry.
_CORE = ("errors", "message", "connection", "transports", "transports.base")


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    names = ["core", "core.mail", "core.mail.transports.smtp"]
    names += [f"core.mail.{name}" for name in _CORE]
    with pytest.MonkeyPatch.context() as patch:
        for name in names:
            module = importlib.import_module(name)
            patch.setitem(sys.modules, f"odoo.addons.invoice_chaser.{name}", module)
        yield build(tmp_path_factory.mktemp("addons"))


def _load(path):
    spec = importlib.util.spec_from_file_location("postbox_transport", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_all_files_are_there(example):
    assert {str(path.relative_to(example)) for path in example.rglob("*.*")} == {
        "__manifest__.py",
        "__init__.py",
        "transport.py",
        "models/__init__.py",
        "models/chaser_provider.py",
        "views/chaser_provider_views.xml",
        "data/neutralize.sql",
    }


def test_python_of_the_page_compiles():
    for name, text in read_blocks().items():
        if ".py" in name:
            ast.parse(text, name)


def _read_code():
    return "".join(
        path.read_text() for path in (PROJECT / "invoice_chaser/models").rglob("*.py")
    )


def test_hooks_that_the_example_extends_are_there():
    """Whatever it calls by ``super()`` exists under that name."""
    code = _read_code()
    text = read_blocks()["models/chaser_provider.py"]
    hooks = set(re.findall(r"super\(\)\.(_\w+)", text))
    assert {
        "_get_connection_fields",
        "_get_kind_defaults",
        "_get_limits_profile",
    } <= hooks
    for name in hooks:
        assert f"def {name}(" in code, name


def test_hooks_by_kind_are_all_named():
    """Each ``getattr(self, f"_…_{self.kind}")`` of the code stands on the page."""
    found = set(re.findall(r'f"(_get_\w+?)_\{self\.kind\}(?:__)?"', _read_code()))
    assert {"_get_transport", "_get_sent_box", "_get_connection_account"} <= found
    page = PAGE.read_text()
    for name in found:
        assert name in page, name


class TestExample(TransportContract):
    """The adapter of the page, against a real server."""

    @pytest.fixture(autouse=True)
    def _example(self, example):
        self.module = _load(example / "transport.py")

    def make_transport(self, server, **settings):
        return self.module.PostboxTransport(
            SENDER,
            PASSWORD,
            server.host,
            server.port,
            encrypted=False,
            timeout=self.timeout,
            **settings,
        )
