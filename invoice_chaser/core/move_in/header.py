"""The first row of a table, and the rows that must fit below it."""

import re

from .problems import FileProblem

SEPARATORS = (",", ";", "\t", "|")


def letter(index: int) -> str:
    """A column's letter, as a spreadsheet shows it (0 → A)."""
    name = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        name = chr(65 + rest) + name
    return name


def clean_header(cells: list) -> list[str]:
    """Column names: none twice. One without a name gets its letter.

    :raises FileProblem: for a name that stands there twice
    """
    names = [
        "" if cell is None else re.sub(r"\s+", " ", str(cell)).strip().strip("\ufeff")
        for cell in cells
    ]
    while names and not names[-1]:
        names.pop()
    seen = {}
    for index, text in enumerate(names):
        key = text.casefold()
        if key and key in seen:
            raise FileProblem(
                "double_header",
                row=1,
                column=text[:60],
                detail=f"{letter(seen[key])}, {letter(index)}",
            )
        seen[key] = index
    if not any(names):
        raise FileProblem("no_header", row=1)
    return [text or f"({letter(index)})" for index, text in enumerate(names)]


def fit(cells: list, width: int, number: int, separator: str = "") -> list:
    """The cells of a row, as many as the header has: empty ones at its end may lack.

    :raises FileProblem: for a row that is cut otherwise than the header
    """
    if len(cells) > width:
        if any(str(cell or "").strip() for cell in cells[width:]):
            raise FileProblem(
                "too_many_cells", row=number, detail=len(cells), limit=width
            )
        return cells[:width]
    if len(cells) == 1 and width > 2 and separator:
        other = next(
            (mark for mark in SEPARATORS if cells[0].count(mark) >= width - 1), ""
        )
        if other:
            raise FileProblem("mixed_separators", row=number, detail=other)
    return cells + [""] * (width - len(cells))
