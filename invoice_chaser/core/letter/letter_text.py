"""The text of a template or a message as a reader sees it: its paragraphs, the words in
its statements, the figures written out."""

import re
import unicodedata

from lxml import html as lxml_html

from .template_language import unescape_statements

_BLOCKS = frozenset(
    (
        "p",
        "div",
        "li",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "tr",
        "td",
        "table",
        "ul",
        "ol",
        "blockquote",
        "pre",
        "hr",
        "br",
    )
)
_HIDDEN = frozenset(("style", "script", "head", "title"))
_STATEMENT = re.compile(
    r"{{(?:[^{}]|{(?!{)|}(?!}))*}}|{%(?:[^{%]|{(?!%)|%(?!}))*%}"
    r"|{#(?:[^{#]|{(?!#)|#(?!}))*#}"
)
_PLURAL = re.compile(r"{{[^{}]*\|\s*plural\b[^{}]*}}")
_QUOTED = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"")
_ISOLATES = re.compile("[\u2066-\u2069\u200e\u200f\u061c]")
LINK = re.compile(
    r"(?:https?://|www\.)[^\s<>\"')]+|[\w.+-]{1,64}@[\w-]{1,63}\.[\w.-]{1,200}", re.I
)
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
# Number words of deadlines and counts. "One" and «واحد» are also pronouns and are not
# looked for.
_WORDS_EN = {
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
    "twelve": 12,
    "fourteen": 14,
    "fifteen": 15,
    "twenty": 20,
    "twenty-one": 21,
    "thirty": 30,
    "sixty": 60,
    "ninety": 90,
}
_STEMS_AR = {
    "ثلاث": 3,
    "اربع": 4,
    "خمس": 5,
    "ست": 6,
    "سبع": 7,
    "ثماني": 8,
    "ثمان": 8,
    "تسع": 9,
    "عشر": 10,
    "عشرين": 20,
    "عشرون": 20,
    "ثلاثين": 30,
    "ثلاثون": 30,
    "ستين": 60,
    "ستون": 60,
    "تسعين": 90,
    "تسعون": 90,
}
_WORDS_AR = {
    stem + ending: value
    for stem, value in _STEMS_AR.items()
    for ending in ("", "ة", "ه")
} | {
    "يومين": 2,
    "يومان": 2,
    "اسبوعين": 2,
    "شهرين": 2,
}
_HAMZA = str.maketrans("أإآ", "ااا")


def paragraphs(source: str) -> list[str]:
    """The paragraphs of an HTML source, statements included, without tags; empty ones
    are left out. Line breaks divide, too."""
    if not source.strip():
        return []
    pieces = [""]
    _collect(
        lxml_html.fragment_fromstring(unescape_statements(source), create_parent="div"),
        pieces,
    )
    return [text for text in (" ".join(piece.split()) for piece in pieces) if text]


def _collect(element, pieces: list[str]) -> None:
    if not isinstance(element.tag, str) or element.tag in _HIDDEN:
        return
    if element.tag in _BLOCKS:
        pieces.append("")
    pieces[-1] += element.text or ""
    for child in element:
        _collect(child, pieces)
        pieces[-1] += child.tail or ""
    if element.tag in _BLOCKS:
        pieces.append("")


def targets(source: str) -> list[tuple[str, str]]:
    """(target, text) of the links that a source contains, in its order."""
    if "<a" not in source.lower():
        return []
    root = lxml_html.fragment_fromstring(
        unescape_statements(source), create_parent="div"
    )
    return [
        (
            (anchor.get("href") or "").strip(),
            " ".join((anchor.text_content() or "").split()),
        )
        for anchor in root.iter("a")
    ]


def words_only(text: str) -> str:
    """What a reader may come to read of a paragraph: statements are replaced by the
    texts quoted in them."""
    return _STATEMENT.sub(
        lambda match: " "
        + " ".join(one or two for one, two in _QUOTED.findall(match.group()))
        + " ",
        text,
    )


def figures_only(text: str) -> str:
    """As ``words_only``, without the forms of a plural: «يومين» there is no figure that
    the other language must have."""
    return words_only(_PLURAL.sub(" ", text))


def plain(text: str) -> str:
    """Without isolates and marks of direction, in one form of Unicode."""
    return unicodedata.normalize("NFC", _ISOLATES.sub("", text))


def western_digits(text: str) -> str:
    return (
        "".join(
            str(unicodedata.digit(char))
            if char.isdigit() and not char.isascii()
            else char
            for char in text
        )
        .replace("٫", ".")
        .replace("٬", ",")
    )


def links_in(text: str) -> set[str]:
    """Web and mail addresses written out in a text."""
    return {match.rstrip(".,;:").lower() for match in LINK.findall(plain(text))}


def numbers_in(text: str) -> set[str]:
    """Numbers written in digits (of either script), thousands separators taken out;
    those inside addresses do not count."""
    return {
        match.replace(",", "")
        for match in _NUMBER.findall(western_digits(LINK.sub(" ", plain(text))))
    }


def number_words_in(text: str, lang: str) -> set[str]:
    """Numbers written as words, as digits; see ``_WORDS_EN``."""
    if lang == "en":
        return {
            str(_WORDS_EN[word])
            for word in re.findall(r"[a-z]+(?:-[a-z]+)?", text.lower())
            if word in _WORDS_EN
        }
    found = set()
    for word in re.findall(r"\w+", plain(text).translate(_HAMZA)):
        for candidate in (word, re.sub(r"^[وفبلك]?(?:ال)?", "", word)):
            if candidate in _WORDS_AR:
                found.add(str(_WORDS_AR[candidate]))
    return found
