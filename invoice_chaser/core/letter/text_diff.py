"""Two versions of a letter beside each other: paragraph by paragraph, with the changed
words marked."""

import difflib
import re
from dataclasses import dataclass

from lxml import html as lxml_html

from .letter_text import paragraphs
from .template_language import unescape_statements

_TOKEN = re.compile(
    r"{{(?:[^{}]|{(?!{)|}(?!}))*}}|{%(?:[^{%]|{(?!%)|%(?!}))*%}|\w+|\s+|[^\w\s]"
)
# Below it two paragraphs have so little in common that marking words would only
# confuse.
_ALIKE = 0.35


@dataclass(frozen=True)
class Row:
    """``kind``: ``same``, ``changed``, ``removed`` or ``added``. A side is a list of
    (text, is changed)."""

    kind: str
    left: tuple[tuple[str, bool], ...] = ()
    right: tuple[tuple[str, bool], ...] = ()


def reading_lines(source: str) -> list[str]:
    """The paragraphs of an HTML source, with the targets of its links."""
    if "<a" not in source.lower():
        return paragraphs(source)
    root = lxml_html.fragment_fromstring(
        unescape_statements(source), create_parent="div"
    )
    for anchor in root.iter("a"):
        anchor.tail = f" ({anchor.get('href') or ''}){anchor.tail or ''}"
    return paragraphs(lxml_html.tostring(root, encoding="unicode"))


def compare(left: list[str], right: list[str]) -> list[Row]:
    """The rows of a table with both sides; equal paragraphs are beside each other."""
    rows = []
    for kind, a, b, c, d in difflib.SequenceMatcher(
        None, left, right, autojunk=False
    ).get_opcodes():
        if kind == "equal":
            rows += [
                Row("same", ((text, False),), ((text, False),)) for text in left[a:b]
            ]
        else:
            rows += _pair(left[a:b], right[c:d])
    return rows


def _pair(left: list[str], right: list[str]) -> list[Row]:
    rows = []
    for index in range(max(len(left), len(right))):
        old = left[index] if index < len(left) else None
        new = right[index] if index < len(right) else None
        if old is None:
            rows.append(Row("added", (), ((new, True),)))
        elif new is None:
            rows.append(Row("removed", ((old, True),), ()))
        else:
            rows.append(Row("changed", *_mark_words(old, new)))
    return rows


def _mark_words(
    old: str, new: str
) -> tuple[tuple[tuple[str, bool], ...], tuple[tuple[str, bool], ...]]:
    before, after = _TOKEN.findall(old), _TOKEN.findall(new)
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    if matcher.ratio() < _ALIKE:
        return ((old, True),), ((new, True),)
    left, right = [], []
    for kind, a, b, c, d in matcher.get_opcodes():
        for side, tokens in ((left, before[a:b]), (right, after[c:d])):
            if tokens:
                side.append(("".join(tokens), kind != "equal"))
    return tuple(left), tuple(right)


def compare_letters(left: tuple[str, str], right: tuple[str, str]) -> dict[str, object]:
    """(subject, body HTML) of both as plain values for a screen: ``subject``, ``body``
    (rows) and ``only_form``, where the words are the same and the HTML is not."""
    subject, body = (
        compare([left[0]] if left[0] else [], [right[0]] if right[0] else []),
        compare(reading_lines(left[1]), reading_lines(right[1])),
    )
    changed = any(row.kind != "same" for row in subject + body)
    return {
        "subject": [_plain(row) for row in subject],
        "body": [_plain(row) for row in body],
        "changed": changed,
        "only_form": not changed and left[1].strip() != right[1].strip(),
    }


def _plain(row: Row) -> dict[str, object]:
    return {
        "kind": row.kind,
        "left": [list(piece) for piece in row.left],
        "right": [list(piece) for piece in row.right],
    }
