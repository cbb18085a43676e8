"""The plain-text part of a message: composed from the same values as the HTML, not
stripped from it."""

import re

from lxml import html as lxml_html

from . import localize
from .message_data import MessageData
from .texts import TEXTS

_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
SAFE_LINK = re.compile(r"^(https?://|mailto:|tel:)", re.I)
# Right-to-left mark: gives a line of Arabic its direction, whatever it begins with (UAX
# #9 §3.3.2, P2).
_RLM = "\u200f"
_INVISIBLE = re.compile("[\u200e\u200f\u2066-\u2069]")
_BLOCKS = ("p", "div", "h1", "h2", "h3", "li", "tr", "ul", "ol", "table")


def html_to_text(fragment: str) -> str:
    """Paragraphs, lists and links of a template's text, in plain text."""
    root = lxml_html.fragment_fromstring(
        _UNPRINTABLE.sub("", fragment), create_parent="div"
    )
    for line_break in root.iter("br"):
        line_break.tail = "\n" + (line_break.tail or "")
    for anchor in root.iter("a"):
        target = anchor.get("href") or ""
        if SAFE_LINK.match(target.strip()) and target not in (
            anchor.text_content() or ""
        ):
            anchor.tail = f" ({target}){anchor.tail or ''}"
    for block in root.iter(*_BLOCKS):
        block.tail = (
            "\n\n" + (block.tail or "")
            if block.tag != "li"
            else "\n" + (block.tail or "")
        )
        if block.tag == "li":
            block.text = "- " + (block.text or "")
    lines = [
        re.sub(r"[ \t]+", " ", line).strip() for line in root.text_content().split("\n")
    ]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def table(rows: list[dict], totals: list[str], more: str, lang: str) -> str:
    """The invoices as a table with columns of equal width; below each row the link to
    its invoice."""
    texts = TEXTS[lang]
    heads = [
        texts[name] for name in ("invoice", "date_due", "days_overdue", "open_amount")
    ]
    cells = [_cells(row, lang) for row in rows]
    widths = [max(map(_width, column)) for column in zip(heads, *cells, strict=True)]
    lines = [
        _line(heads, widths, lang),
        (_RLM if lang == "ar" else "") + "-+-".join("-" * width for width in widths),
    ]
    for row, line in zip(rows, cells, strict=True):
        lines.append(_line(line, widths, lang))
        if row["item"].url:
            lines.append(f"  {row['item'].url}")
    if more:
        lines.append(more)
    return "\n".join(lines + [f"{texts['total']}: {total}" for total in totals])


def _cells(row: dict, lang: str) -> list[str]:
    number = localize.isolate(row["number"], lang)
    if row["is_credit"]:
        number = f"{TEXTS[lang]['credit']} {number}"
    if row["label"]:
        number = f"{row['label']} {number}"
    if row["instalment"]:
        number = f"{number} ({row['instalment']})"
    return [number, row["date_due"], row["days"], row["residual"]]


def _width(text: str) -> int:
    return len(_INVISIBLE.sub("", text))


def _line(cells: list[str], widths: list[int], lang: str) -> str:
    line = " | ".join(
        cell + " " * (width - _width(cell))
        for cell, width in zip(cells, widths, strict=True)
    ).rstrip()
    return _RLM + line if lang == "ar" else line


def button(
    data: MessageData, label: str, bank: list[tuple[str, str, str]], lang: str
) -> str:
    """The button, the two answers and the bank details as lines."""
    texts, lines = TEXTS[lang], []
    if data.button_url:
        lines.append(f"{label}: {data.button_url}")
    if data.page_url:
        lines += [
            f"{texts['promise']}: {data.page_url}#promise",
            f"{texts['dispute']}: {data.page_url}#dispute",
        ]
    if lines and bank:
        lines.append("")
    lines += [
        f"{name}: {localize.isolate(value, lang) if way == 'ltr' else value}"
        for name, value, way in bank
    ]
    return "\n".join(lines)


def footer(data: MessageData, lang: str) -> str:
    texts, company = TEXTS[lang], data.company
    lines = ["-- ", company.get("name", ""), localize.address_line(company, lang)]
    for key in ("trn", "phone"):
        if company.get(key):
            lines.append(f"{texts[key]}: {localize.isolate(company[key], lang)}")
    lines.append(texts["questions"])
    if data.unsubscribe_url:
        lines.append(f"{texts['unsubscribe']}: {data.unsubscribe_url}")
    return "\n".join(filter(None, lines))
