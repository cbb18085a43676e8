"""Whatever is wrong with a file or a row ends in a sentence with its place, in the
language of the reader."""

import io
import re
import zipfile
from pathlib import Path

from odoo.tests import tagged

from .move_in_common import MoveInCase

CORE = Path(__file__).resolve().parents[1] / "core/move_in"
MODELS = Path(__file__).resolve().parents[1] / "models/move_in"
HEAD = "email,name,phone,city\n"
GOOD = "a@b.example,A,1,X\n"


def zipped(**members):
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return raw.getvalue()


# kind (as issue and user name it) → file, content, what the words say, row
BROKEN = {
    "wrong encoding": (
        "a.csv",
        b"\xef\xbb\xbf" + HEAD.encode() + b"a@b.example,Ren\xe9,1,X\n",
        "Save the file as UTF-8",
        2,
    ),
    "torn ZIP": ("a.zip", zipped(a=GOOD * 99)[:-40], "The ZIP is damaged", None),
    "ZIP bomb": (
        "a.zip",
        zipped(**{"a.csv": b"0" * 30_000_000}),
        "would unpack to more",
        None,
    ),
    "cell of 2 MB": (
        "a.csv",
        HEAD + GOOD + f"a@b.example,{'x' * 2_000_000},1,X\n",
        "A cell has more than",
        3,
    ),
    "doubled header": (
        "a.csv",
        "email,name,Email\na@b.example,A,b@b.example\n",
        "Two columns are called",
        1,
    ),
    "mixed separators": (
        "a.csv",
        HEAD + GOOD + "b@b.example;B;1;Y\n",
        "Use one separator",
        3,
    ),
    "address with commas": (
        "a.csv",
        HEAD + GOOD + "a@b.example,A,1,Office 2, Deira, Dubai\n",
        "needs quotation marks around it",
        3,
    ),
    "HTML as CSV": ("a.csv", "<!DOCTYPE html><html>Sign in", "It is a web page", None),
}


@tagged("post_install", "-at_install")
class TestMoveInWords(MoveInCase):
    def test_broken_files(self):
        for kind, (name, raw, words, row) in BROKEN.items():
            with self.subTest(kind):
                imp = self._import((name, raw))
                imp.action_check()
                problem = imp.file_ids.problem
                self.assertIn(words, problem or "", (kind, imp.file_ids.mapped("name")))
                if row:
                    self.assertTrue(problem.startswith(f"Row {row}: "), problem)
                arabic = imp.with_context(lang="ar_001")
                arabic.action_check()
                self.assertRegex(arabic.file_ids.problem, "[\u0621-\u064a]{3}")
                self.assertFalse(imp.line_ids, "nothing of it comes in")

    def test_missing_columns_are_asked(self):
        imp = self._import(("suppressions.csv", "reason,date\nmanual,2024-01-01\n"))
        imp.file_ids.kind = "stopped"
        imp.action_check()
        self.assertEqual(imp.state, "draft")
        self.assertTrue(imp.file_ids.question)

    def test_rows(self):
        theirs = self.env["res.company"].create({"name": "Other Trading"})
        partner = self._make_customer("T", "t@t.example", company_id=theirs.id)
        self.env["ir.model.data"].create(
            {
                "module": "__export__",
                "name": "p_t",
                "model": "res.partner",
                "res_id": partner.id,
            }
        )
        imp = self._take_in(
            (
                "contacts.csv",
                "id,email,name,consent_date,consent\n"
                "1,a@b.example,=1+1,31/12/2023,yes\n"
                "2,b@b.example,B,13/13/2024,yes\n"
                "__export__.p_t,c@b.example,C,,\n",
            )
        )
        self.assertEqual(self._partner("a@b.example").name, "=1+1", "text, not sum")
        lines = {line.row: line for line in imp.line_ids if line.step == "contact"}
        self.assertIn("“13/13/2024” is no date", lines[3].reason)
        self.assertIn("another company", lines[4].reason)
        self.assertEqual([lines[n].action for n in (3, 4)], ["refused"] * 2)
        for row in (3, 4):
            arabic = lines[row].with_context(lang="ar_001").reason
            self.assertRegex(arabic, "[\u0621-\u064a]{3}")

    def test_every_code_has_words_in_both_languages(self):
        codes = set()
        for path in [*CORE.glob("*.py"), *MODELS.glob("*.py")]:
            text = path.read_text()
            codes |= set(re.findall(r"(?:File|Value)Problem\(\s*\"(\w+)\"", text))
            codes |= set(re.findall(r"refuse\(\s*record,\s*\"(\w+)\"", text))
        self.assertGreater(len(codes), 45)
        Words = self.env["chaser.import.words"]
        for code in sorted(codes):
            params = {"detail": "D", "limit": 9, "column": "email", "row": 7}
            english = Words._describe_problem(code, params)
            self.assertIn("Row 7: ", english)
            self.assertNotIn("%(", english)
            arabic = Words.with_context(lang="ar_001")._describe_problem(code, params)
            self.assertRegex(arabic, "[\u0621-\u064a]{2}", code)
