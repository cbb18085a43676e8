"""CSV in the forms that tools write it: encoding, separator, quotes."""

import codecs
import contextlib
import csv
import io
import re
from collections.abc import Callable, Iterator

from .header import SEPARATORS, clean_header, fit
from .problems import FileProblem

# csv's own limit, which is of the whole process and so stays as it is.
MAX_CELL = 131_072
_SEP_LINE = re.compile(r'"?sep=(.)"?[;,\t|]*\r?\n', re.I)
_SAMPLE_ROWS = 60
_SAMPLE_BYTES = 300_000
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_UTF8_PAIR = re.compile(rb"[\xc3-\xf4][\x80-\xbf]|[\xd8-\xdb][\x80-\xbf]")
_HIGH_RUN = re.compile(rb"[\x80-\xff]+")


def read_csv(raw: bytes) -> tuple[list[str], Callable[[], Iterator], dict]:
    """Header, a function that reads the rows, and how the file is written
    (``encoding``, ``separator``).

    :raises FileProblem: naming the row, when the file is no table. The function of the
    rows may raise it, too
    """
    encoding = find_encoding(raw)
    start, separator = _find_start(raw, encoding)

    def records() -> Iterator[tuple[int, list[str]]]:
        return _read_records(raw, encoding, start, separator)

    try:
        _number, head = next(records())
    except StopIteration:
        raise FileProblem("empty") from None
    header = clean_header(head)
    if len(header) == 1 and any(mark in header[0] for mark in ",;\t|"):
        raise FileProblem("no_separator", row=1)

    def rows() -> Iterator[tuple[int, list]]:
        iterator = records()
        next(iterator)
        for number, cells in iterator:
            if any(cell.strip() for cell in cells):
                yield number, fit(cells, len(header), number, separator)

    return header, rows, {"encoding": encoding, "separator": separator}


# --- encoding -------------------------------------------------------------------------


def find_encoding(raw: bytes) -> str:
    """A BOM says it; else UTF-8 where it is valid; else Windows-1256 where letters
    stand in rows, as in Arabic words, or Windows-1252, where they stand alone among
    Latin ones.

    :raises FileProblem: for what is no text, or UTF-8 with broken bytes in it
    """
    for mark, encoding in _BOMS:
        if raw.startswith(mark):
            return _checked_encoding(raw, encoding)
    if b"\x00" in raw[:_SAMPLE_BYTES]:
        raise FileProblem("binary", row=_row_of(raw, raw.index(b"\x00")))
    try:
        raw.decode("utf-8")
        return "utf-8"
    except UnicodeDecodeError as error:
        broken = error.start
    highs = sum(map(len, _HIGH_RUN.findall(raw)))
    if 4 * len(_UTF8_PAIR.findall(raw)) > highs and _is_mostly_utf8(raw):
        raise FileProblem("bad_bytes", row=_row_of(raw, broken))
    runs = len(_HIGH_RUN.findall(raw))
    encoding = "cp1256" if highs >= 2 * runs else "cp1252"
    return _checked_encoding(raw, encoding)


def _is_mostly_utf8(raw: bytes) -> bool:
    """Does most of what is not ASCII become letters when read as UTF-8?"""
    text = raw.decode("utf-8", "replace")
    bad = text.count("\ufffd")
    good = sum(1 for char in text if char > "\x7f") - bad
    return good > 3 * bad


def _checked_encoding(raw: bytes, encoding: str) -> str:
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        raise FileProblem("bad_bytes", row=_row_of(raw, error.start)) from None
    if "\x00" in text:
        raise FileProblem("binary", row=text[: text.index("\x00")].count("\n") + 1)
    return encoding


def _row_of(raw: bytes, position: int) -> int:
    return raw[:position].count(b"\n") + 1


# --- separator ------------------------------------------------------------------------


def _find_start(raw: bytes, encoding: str) -> tuple[int, str]:
    """How many lines come before the header (Excel's ``sep=``), and the separator."""
    sample = io.TextIOWrapper(io.BytesIO(raw), encoding, newline="").read(_SAMPLE_BYTES)
    told = _SEP_LINE.match(sample)
    if told:
        return 1, told[1]
    return 0, guess_separator(sample)


def guess_separator(sample: str) -> str:
    """The one that cuts the header into most columns and the rows into as many."""
    best, best_score = ",", (0, 0)
    for separator in SEPARATORS:
        widths = []
        reader = csv.reader(io.StringIO(sample, newline=""), delimiter=separator)
        with contextlib.suppress(csv.Error):
            for cells in reader:
                if cells and len(widths) < _SAMPLE_ROWS:
                    widths.append(len(cells))
        if not widths or widths[0] < 2:
            continue
        like = sum(1 for width in widths if width == widths[0])
        score = (like * 10 // len(widths), widths[0])
        if score > best_score:
            best, best_score = separator, score
    return best


def _read_records(
    raw: bytes, encoding: str, start: int, separator: str
) -> Iterator[tuple[int, list[str]]]:
    """(number of the first line of the record, cells). Strict: a quote that is not
    closed would swallow the rest of the file."""
    stream = io.TextIOWrapper(io.BytesIO(raw), encoding, newline="")
    for _line in range(start):
        stream.readline()
    reader = csv.reader(stream, delimiter=separator, strict=True)
    while True:
        first = reader.line_num + 1 + start
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise FileProblem(
                _describe(str(error)), row=first, limit=MAX_CELL
            ) from None
        # Odoo lets csv take cells of any size in its own process.
        if any(len(cell) > MAX_CELL for cell in cells):
            raise FileProblem("cell_too_large", row=first, limit=MAX_CELL)
        if cells:
            yield first, cells


def _describe(message: str) -> str:
    """What csv says (Modules/_csv.c), as a code."""
    if "field larger" in message:
        return "cell_too_large"
    if "new-line character" in message:
        return "bad_line_end"
    return "open_quote"
