"""``import invoice_chaser`` would import Odoo's models; its core is imported as
``core``, that of the second addon as ``whatsapp_core``, the helpers as ``support``.

No ``__init__.py`` below ``tests/core``: as a package it would hide the addon's
``core``."""

import sys
import types
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
for folder in (TESTS, TESTS / "core", TESTS.parent / "invoice_chaser"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
# The second addon's core stands beside it under a name of its own.
whatsapp_core = types.ModuleType("whatsapp_core")
whatsapp_core.__path__ = [str(TESTS.parent / "invoice_chaser_whatsapp" / "core")]
sys.modules.setdefault("whatsapp_core", whatsapp_core)
pytest.register_assert_rewrite("transport_contract", "api_contract", "reader_contract")
