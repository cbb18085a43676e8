import io
import re
from pathlib import Path

import polib

from odoo.tests import TransactionCase, tagged
from odoo.tools.translate import trans_export

from ..core.letter.template_language import MERGE_TAGS, check

_PO = Path(__file__).parents[1] / "i18n" / "ar.po"
_PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]")
_STATEMENT = re.compile(r"{{(.*?)}}", re.S)
_QUOTED = re.compile(r"'[^']*'")
_MARKUP = re.compile(r"</?([a-z]+)\b")
_TEMPLATE = "model:chaser.template,"


def get_tags(text):
    """The merge tags that a text names; words inside quotes are not tags."""
    words = {
        word
        for statement in _STATEMENT.findall(text)
        for word in re.findall(r"\w+", _QUOTED.sub("", statement))
    }
    return words & set(MERGE_TAGS)


@tagged("post_install", "-at_install")
class TestTranslation(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.po = polib.pofile(str(_PO))
        cls.translated = cls.po.translated_entries()
        cls.letters = [
            entry
            for entry in cls.translated
            if any(name.startswith(_TEMPLATE) for name, _line in entry.occurrences)
        ]

    def assert_no_faults(self, faults):
        self.assertFalse(faults, "\n".join(map(repr, faults)))

    def test_complete(self):
        self.assertEqual(self.po.metadata["Language"], "ar")
        self.assertTrue(len(self.po))
        self.assert_no_faults(
            [
                entry.msgid
                for entry in self.po
                if not entry.msgstr or entry.fuzzy or entry.obsolete
            ]
        )

    def test_every_term_is_there(self):
        with io.BytesIO() as buffer:
            self.assertTrue(
                trans_export(None, ["invoice_chaser"], buffer, "po", self.env)
            )
            exported = {
                entry.msgid for entry in polib.pofile(buffer.getvalue().decode())
            }
        self.assertIn("Stopped Addresses", exported)
        self.assert_no_faults(sorted(exported - {entry.msgid for entry in self.po}))

    def test_placeholders(self):
        self.assert_no_faults(
            [
                entry.msgid
                for entry in self.translated
                if sorted(_PLACEHOLDER.findall(entry.msgid))
                != sorted(_PLACEHOLDER.findall(entry.msgstr))
                or get_tags(entry.msgid) != get_tags(entry.msgstr)
            ]
        )

    def test_markup_and_outer_spaces(self):
        self.assert_no_faults(
            [
                entry.msgid
                for entry in self.translated
                if entry not in self.letters
                and sorted(_MARKUP.findall(entry.msgid))
                != sorted(_MARKUP.findall(entry.msgstr))
                or [part.isspace() for part in (entry.msgid[0], entry.msgid[-1])]
                != [part.isspace() for part in (entry.msgstr[0], entry.msgstr[-1])]
            ]
        )

    def test_letters_are_valid_templates(self):
        bodies = [
            entry
            for entry in self.letters
            if any(
                name.startswith(f"{_TEMPLATE}body_html:")
                for name, _line in entry.occurrences
            )
        ]
        self.assertTrue(bodies)
        for entry in self.letters:
            with self.subTest(entry.msgid):
                if entry in bodies:
                    check(
                        entry.msgstr,
                        ("invoice_table",) if "invoice_table" in entry.msgid else (),
                    )
                else:
                    check(entry.msgstr, is_html=False)
