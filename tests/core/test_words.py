"""The words of docs/wording.md hold on screens, in Arabic and in the documents; names
that ask a question change nothing."""

import ast
import io
import re
import tokenize
from pathlib import Path

import polib
import pytest

PROJECT = Path(__file__).resolve().parents[2]
ADDON = PROJECT / "invoice_chaser"
I18N = ADDON / "i18n"

# Words of the table in docs/wording.md, and how a term that is right may hold them.
SCREENS = {
    r"held back|holds? back": "left out",
    r"\bproviders?\b": "mailbox",
    # Not the header X-Auto-Response-Suppress.
    r"(?<![\w-])suppress\w*": "stopped address",
    r"\bradar\b": "maybe paid",
    r"\bladders?\b": "policy, levels",
    r"\bdays late\b": "days overdue",
    r"^to settle$|\breminders to settle\b": "delivery unknown",
    r"\b(?:server|service)(?:'s)? (?:did not |does not )?answers?\b": "response",
    r"\bfils\b": "exact amount",
}
ARABIC = {
    "قم ب": "a plain verb",
    "مجدداً": "مجددًا",
    "نزاع": "منازعة",
    "متابعة الفواتير": "متابعة التحصيل",
    "في هذه الأثناء": "في غضون ذلك",
    "إلى عناية": "the merge tag salutation",
    "التاريخ الموعود": "تاريخ السداد الموعود به",
    "جهة اتصال التصعيد": "جهة التصعيد",
    "أقدم عنصر": "أقدم بند",
    "أيام تأخر": "أيام التأخير",
    "مرجع الدفع": "الرقم المرجعي للسداد",
    "فواتيركم المفتوحة": "فواتيركم غير المسددة",
}
# The page that explains the words has to name them.
EXPLAINS = {"wording.md"}
# Calls with which a record, the database or the caller's object is changed.
CHANGES = re.compile(
    r"(create|write|unlink|copy|message_post|activity_\w+|action_\w+|toggle_active"
    r"|_(set|store|insert|release|cancel|close|drop|queue|requeue|trigger|process|handle"
    r"|reserve|record|post|move|ensure|open|update|hold|commit)_\w+|commit|rollback"
    r"|_trigger|_commit\w*)"
)
QUESTION = re.compile(r"_?(is|get|check|has|can|needs|may)_\w+")


def _find(words, texts):
    return [
        f"{name}: {text!r} has {word!r}, say {better!r}"
        for name, text in texts
        for word, better in words.items()
        if re.search(word, text, re.IGNORECASE)
    ]


def _read_terms():
    for entry in polib.pofile(str(I18N / "ar.po")):
        yield "ar.po", entry.msgid, entry.msgstr


def test_screens():
    """Every term of screens, in English; technical names are no words."""
    assert not _find(
        SCREENS,
        [
            (place, re.sub(r"\S*[._/]\S*|<[^>]+>", " ", text))
            for place, text, _arabic in _read_terms()
        ],
    )


def test_arabic():
    texts = [(place, arabic) for place, _text, arabic in _read_terms()]
    texts += [
        (path.name, path.read_text())
        for path in (
            ADDON / "core" / "letter" / "texts.py",
            ADDON / "core" / "page" / "page_texts.py",
            ADDON / "core" / "page" / "pages.py",
        )
    ]
    assert not _find(ARABIC, texts)


def test_batch_and_payment_have_different_words_in_arabic():
    wrong = [
        text
        for _place, text, arabic in _read_terms()
        if re.search(r"\bbatch", text, re.IGNORECASE) and "دفع" in arabic
    ]
    assert not wrong


def test_documents():
    paths = [*(PROJECT / "docs").glob("*.md"), PROJECT / "README.md"]
    paths += (ADDON / "readme").glob("*.rst")
    words = {
        word: better
        for word, better in SCREENS.items()
        if not re.search("ladder|fils|days late", word)
    }
    texts = [
        # Code and the names of files are no words.
        (
            path.name,
            re.sub(r"```.*?```|`[^`]*`|\[[^]]*\]\([^)]*\)", " ", text, flags=re.S),
        )
        for path in paths
        if path.name not in EXPLAINS
        for text in [path.read_text()]
    ]
    assert not [
        finding
        for name, text in texts
        for line in text.splitlines()
        for finding in _find(words, [(name, line)])
    ]


def _read_comments():
    """(place, text) of each comment and docstring of the project's Python."""
    for folder in ("invoice_chaser", "tests", "dev", "benchmarks"):
        for path in sorted((PROJECT / folder).rglob("*.py")):
            if path.name == Path(__file__).name or "migrations" in path.parts:
                continue
            for token in tokenize.generate_tokens(
                io.StringIO(path.read_text()).readline
            ):
                is_text = token.type == tokenize.COMMENT or (
                    token.type == tokenize.STRING
                    and token.string.startswith('"""')
                    and not token.line[: token.start[1]].strip()
                )
                if is_text:
                    place = f"{path.relative_to(PROJECT)}:{token.start[0]}"
                    yield place, token.string


def test_comments():
    """They for a customer; expensive for dear; the words of the first table."""
    words = {
        r"(?<!\w)(?:he|him|his|himself|she|her)(?!\w)": "they",
        r"\bdear\b": "expensive",
        r"held back|holds? back": "left out",
        r"\bradar\b": "matching, maybe paid",
    }
    # Salutations and examples of names stand in quotes.
    texts = [
        (
            place,
            re.sub(r"[\"“«`'][^\"“”»`'\n]*[\"”»`']|Dear [SX…]", " ", text.strip('"#')),
        )
        for place, text in _read_comments()
    ]
    assert not _find(words, texts)


def test_the_table_names_the_words():
    """What is forbidden here is explained there."""
    page = (PROJECT / "docs" / "wording.md").read_text()
    for arabic in ("مجددًا", "منازعة", "متابعة التحصيل", "مجموعة إرسال"):
        assert arabic in page
    for word in ("held back", "provider", "suppressed", "radar", "ladder", "days late"):
        assert word in page


def _read_questions():
    for folder in ("models", "controllers", "wizard"):
        for path in sorted((ADDON / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if (
                    isinstance(node, ast.FunctionDef)
                    and QUESTION.fullmatch(node.name)
                    # These write the text of a statement and do not run it.
                    and not node.name.endswith("_sql")
                ):
                    yield path.relative_to(ADDON), node


def _get_changes(node):
    """What a function changes besides its own variables."""
    for part in ast.walk(node):
        if isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute):
            called = part.func
            owner = called.value
            # {…}.copy() and list.copy() are no copies of records.
            plain = called.attr == "copy" and isinstance(owner, ast.Dict)
            opens = called.attr == "_open_secret__"
            if CHANGES.fullmatch(called.attr) and not plain and not opens:
                yield called.attr
        elif isinstance(part, ast.Assign | ast.AugAssign):
            targets = part.targets if isinstance(part, ast.Assign) else [part.target]
            for target in targets:
                if isinstance(target, ast.Attribute):
                    yield ast.unparse(target)
        elif (
            isinstance(part, ast.Constant)
            and isinstance(part.value, str)
            and re.match(r"\s*(INSERT|UPDATE|DELETE)\b", part.value)
        ):
            yield part.value.split()[0]


def test_questions_change_nothing():
    acting = [
        f"{path}:{node.lineno} {node.name}: {', '.join(changes)}"
        for path, node in _read_questions()
        if (changes := sorted(set(_get_changes(node))))
    ]
    assert not acting


@pytest.mark.parametrize(
    "body",
    [
        "self.create({})",
        "record.state = 'sent'",
        "self._set_state('sent')",
        "self.env.cr.execute('UPDATE x SET y = 1')",
        "self.count += 1",
    ],
)
def test_what_acts_is_found(body):
    [node] = ast.parse(f"def _get_it(self, record):\n    {body}").body
    assert list(_get_changes(node))
