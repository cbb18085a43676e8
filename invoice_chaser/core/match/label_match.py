"""Invoice numbers, payment references and names in a bank line's text. Pure."""

import re
import unicodedata
from collections.abc import Iterable, Sequence

_DIGITS = re.compile(r"\d+")
_TOKEN = re.compile(r"\d+|[^\W\d_]+")
_SEPARATORS = re.compile(r"[\W_]+")
_WORD = re.compile(r"[^\W\d_]{3,}")
# Words of company names that do not distinguish customers.
_COMMON_WORDS = frozenset(
    "llc fze fzco fzc ltd limited co company est establishment trading "
    "general the and group dmcc wll psc gmbh inc corp "
    "شركة مؤسسة مجموعة للتجارة العامة ذمم".split()
)
# How much of a number is in the text.
WHOLE, PARTLY, TAIL = "number", "number_part", "number_tail"


def squash(text: str) -> str:
    """Letters and digits alone, upper case, Arabic digits as Western ones: ``Inv /
    2026-00142`` → ``INV202600142``."""
    return _SEPARATORS.sub("", western(text))


def western(text: str) -> str:
    """Upper case with Western digits, separators kept."""
    if text.isascii():
        return text.upper()
    normal = unicodedata.normalize("NFKC", text)
    return "".join(
        str(unicodedata.decimal(char)) if char.isdecimal() else char for char in normal
    ).upper()


def name_words(name: str) -> frozenset[str]:
    return frozenset(
        word
        for word in _WORD.findall(unicodedata.normalize("NFKC", name).lower())
        if word not in _COMMON_WORDS
    )


def get_tail(text: str) -> int | None:
    """The number at the end of an invoice number or payment reference; None when it
    ends with something else."""
    runs = _DIGITS.findall(western(text)[-16:])
    return int(runs[-1][-12:]) if runs and western(text[-1:]).isdigit() else None


class LineText:
    """A bank line's text, cut up once. No regular expression per invoice: compiling
    them took nine tenths of the time."""

    def __init__(self, text: str):
        self.western = western(text)
        self.squashed = squash(text)
        # Separators gone, but a space between two numbers: "INV/2026/ 00142 4200" is
        # "INV2026 00142 4200".
        self.joined = "".join(_joined(self.western))
        self.numbers = {int(run[-12:]) for run in _DIGITS.findall(self.western)}

    def tails(self) -> set[int]:
        """Every number that a digit run may end with, as an invoice number may be glued
        to a year or prefix."""
        runs = {
            run[-12:]
            for run in _DIGITS.findall(self.western) + _DIGITS.findall(self.squashed)
        }
        return {int(run[cut:]) for run in runs for cut in range(len(run))}


class Label:
    """An invoice number or payment reference, cut up once."""

    def __init__(self, text: str):
        self.text, self.whole = text, squash(text)
        tokens = _TOKEN.findall(western(text))
        self.digits = tokens[-1] if tokens and tokens[-1].isdigit() else ""
        self.tail = int(self.digits[-12:]) if self.digits else None
        short = self.digits.lstrip("0") or "0"
        self.words = [
            token for token in tokens if not token.isdigit() and len(token) > 1
        ]
        self.years = [
            token for token in tokens[:-1] if len(token) == 4 and token.isdigit()
        ]
        # With three parts leading zeros may be missing; "S00012" must stand there as it
        # is.
        ends = {self.digits, short} if len(tokens) > 2 else {self.digits}
        self.forms = (
            {form for end in ends for form in _forms([*tokens[:-1], end])}
            if self.digits and len(tokens) > 1
            else set()
        )
        self.written_out = (
            self.digits if self.digits != short and len(self.digits) >= 4 else ""
        )


def _joined(text: str) -> Iterable[str]:
    last = ""
    for token in _TOKEN.findall(text):
        if last[-1:].isdigit() and token[0].isdigit():
            yield " "
        yield token
        last = token


def _forms(tokens: Sequence[str]) -> set[str]:
    return {"".join(tokens), "".join(_joined(" ".join(tokens)))}


def find_label(label: Label, text: LineText) -> str:
    """How much of an invoice number (``INV/2026/00142``) stands in a text: all of it,
    its prefix, year or written-out end, its end alone, or nothing (empty)."""
    if len(label.whole) >= 8 and (
        _holds(text.squashed, label.whole) or _holds(text.joined, label.whole)
    ):
        return WHOLE
    if any(_holds(text.joined, form) for form in label.forms):
        return WHOLE
    if label.tail is None:
        return ""
    near = any(
        _is_followed(text.joined, word, label.tail, ("NO", "NUMBER", "NR"))
        for word in label.words
    )
    near = near or any(
        _is_followed(text.joined, year, label.tail) for year in label.years
    )
    if near or label.written_out and _holds(text.joined, label.written_out):
        return PARTLY
    return TAIL if label.tail > 9 and label.tail in text.numbers else ""


def _places(text: str, needle: str) -> Iterable[int]:
    """Ends of the occurrences; one that begins inside a longer number does not
    count."""
    at = text.find(needle)
    while at >= 0:
        if not (needle[0].isdigit() and text[at - 1 : at].isdigit()):
            yield at + len(needle)
        at = text.find(needle, at + 1)


def _holds(text: str, needle: str) -> bool:
    """Whether it stands there and is not a part of a longer number."""
    return any(
        not (needle[-1].isdigit() and text[end : end + 1].isdigit())
        for end in _places(text, needle)
    )


def _is_followed(
    text: str, needle: str, number: int, fillers: Sequence[str] = ()
) -> bool:
    """Whether ``number``, with whatever leading zeros, comes right after the needle or
    a filler word."""
    for end in _places(text, needle):
        filler = next((word for word in fillers if text.startswith(word, end)), "")
        run = _DIGITS.match(
            text,
            end
            + len(filler)
            + (text[end + len(filler) : end + len(filler) + 1] == " "),
        )
        if run and int(run[0][-12:]) == number:
            return True
    return False
