"""XLSX, read by openpyxl row by row. A formula stays the text that it is."""

import io
import zipfile
import zlib
from collections.abc import Callable, Iterator
from datetime import date, datetime, time
from xml.etree.ElementTree import ParseError

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from .csv_text import MAX_CELL
from .header import clean_header, fit
from .problems import FileProblem

Sheet = tuple[str, list, Callable[[], Iterator[tuple[int, list]]]]
# What openpyxl raises for a workbook that is broken inside.
_BROKEN = (
    KeyError,
    ValueError,
    TypeError,
    IndexError,
    AttributeError,
    ParseError,
    SyntaxError,
    zipfile.BadZipFile,
    zlib.error,
    InvalidFileException,
    EOFError,
    OSError,
)


def read_xlsx(
    raw: bytes, archive: zipfile.ZipFile, members: list[zipfile.ZipInfo]
) -> list[Sheet]:
    """Each sheet that has a header: (name, cells of the header, rows). The name is
    empty where there is only one.

    :raises FileProblem: for a workbook that cannot be read, or holds entities (a bomb
    of another sort)
    """
    _refuse_entities(archive, members)
    found = []
    for title in _open(raw).sheetnames:
        head = next((cells for _number, cells in _read(raw, title, None)), None)
        if head and any(cell not in (None, "") for cell in head):
            found.append((title, head))
    if not found:
        raise FileProblem("empty")
    return [
        (
            title if len(found) > 1 else "",
            head,
            lambda title=title, head=head: _read(raw, title, head),
        )
        for title, head in found
    ]


def _refuse_entities(archive: zipfile.ZipFile, members: list) -> None:
    for item in members:
        if item.filename.lower().endswith((".xml", ".rels")):
            try:
                with archive.open(item) as stream:
                    start = stream.read(2000)
            except (*_BROKEN, RuntimeError):
                raise FileProblem("torn_zip", detail=item.filename[:120]) from None
            if b"<!ENTITY" in start or b"<!DOCTYPE" in start:
                raise FileProblem("zip_bomb", limit=500)


def _open(raw: bytes):
    try:
        return load_workbook(io.BytesIO(raw), read_only=True, data_only=False)
    except _BROKEN:
        raise FileProblem("torn_xlsx") from None


def _read(raw: bytes, title: str, head: list | None) -> Iterator[tuple[int, list]]:
    """The rows of a sheet; with ``head`` those below it, of its width."""
    width = len(clean_header(head)) if head else None
    book = _open(raw)
    try:
        sheet = book[title]
        if not hasattr(sheet, "iter_rows"):
            return
        if hasattr(sheet, "reset_dimensions"):
            sheet.reset_dimensions()
        started = False
        for number, values in enumerate(sheet.iter_rows(values_only=True), 1):
            cells = [_clean(value, number) for value in values]
            if not any(cell not in (None, "") for cell in cells):
                continue
            if head is None:
                yield number, cells
            elif started:
                yield number, fit(cells, width, number)
            started = True
    except _BROKEN:
        raise FileProblem("torn_xlsx") from None
    finally:
        book.close()


def _clean(value: object, number: int) -> object:
    """Text, a number, a truth value, a date; nothing else comes out of a cell."""
    if isinstance(value, str) and len(value) > MAX_CELL:
        raise FileProblem("cell_too_large", row=number, limit=MAX_CELL)
    if value is None or isinstance(value, str | bool | int | float | datetime | date):
        return value
    if isinstance(value, time):
        return value.isoformat()
    return str(value)
