"""From a customer's items to the message: subject, HTML and text, in English, Arabic or both."""

import re
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from html import unescape
from pathlib import Path

import css_inline
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from lxml import html as lxml_html
from markupsafe import Markup

from . import localize
from .message import clean_header
from .template_language import render_source
from .texts import TEXTS

# Rows of the table: with one language, and with two in one message (below 100 kB; Gmail cuts at 102).
MAX_ROWS, MAX_ROWS_BOTH = 60, 35
LAYOUT = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "layout"), autoescape=True, undefined=StrictUndefined,
    trim_blocks=True, lstrip_blocks=True,
)
_INLINER = css_inline.CSSInliner(keep_style_tags=True, load_remote_stylesheets=False)
_PARAGRAPH_AROUND_BLOCK = re.compile(r"<p\b[^>]*>\s*(\{\{\s*(?:invoice_table|pay_button)\s*\}\})\s*(?:<br\s*/?>)?\s*</p>", re.I)
# Private use: marks the place of a block until the HTML is gone.
_MARK = "\ue000"
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_SAFE_LINK = re.compile(r"^(https?://|mailto:|tel:)", re.I)


@dataclass(frozen=True)
class Item:
    """One open journal item as of today. Amounts in major units of ``currency`` (ISO code); credits are negative."""

    number: str
    invoice_date: date | None
    date_due: date | None
    days_overdue: int
    amount: Decimal
    residual: Decimal
    currency: str
    decimals: int = 2
    url: str = ""


@dataclass(frozen=True)
class MessageData:
    """Plain values of one message. Texts that differ by language are dicts ``{"en": …, "ar": …}``."""

    company: dict[str, str]
    customer_name: str
    contact_name: str
    items: tuple[Item, ...]
    today: date
    credits: tuple[Item, ...] = ()
    salesperson: dict[str, str] = field(default_factory=dict)
    bank: dict[str, str] = field(default_factory=dict)
    payment_reference: str = ""
    level_name: dict[str, str] = field(default_factory=dict)
    unsubscribe_url: str = ""
    pixel_url: str = ""

    @property
    def totals(self) -> dict[tuple[str, int], Decimal]:
        """What is due per (currency, decimals), credits taken off; never over currencies."""
        totals: dict[tuple[str, int], Decimal] = {}
        for item in self.items + self.credits:
            key = (item.currency, item.decimals)
            totals[key] = totals.get(key, Decimal(0)) + item.residual
        return totals


@dataclass
class LinkBook:
    """The links of one message, by position from 1. ``prefix``: what a tracked link starts with; empty: not tracked."""

    prefix: str = ""
    targets: list[str] = field(default_factory=list)

    def link(self, target: str) -> str:
        if not target or not self.prefix or not target.lower().startswith(("http://", "https://")):
            return target
        self.targets.append(target)
        return f"{self.prefix}{len(self.targets)}"


@dataclass(frozen=True)
class Rendered:
    subject: str
    html: str
    text: str
    targets: tuple[str, ...]
    langs: tuple[str, ...]


def languages(preference: str) -> tuple[str, ...]:
    """``both`` is Arabic first: its reader is the one who would otherwise not find his part."""
    return {"en": ("en",), "ar": ("ar",), "both": ("ar", "en")}[preference]


def compose(data: MessageData, sources: dict[str, tuple[str, str]], preference: str, link_prefix: str = "") -> Rendered:
    """The whole message.

    :param sources: (subject, body HTML) of the template per language
    :param preference: ``en``, ``ar`` or ``both``; a language without source falls away, English is the last resort
    :param link_prefix: start of the tracked links; empty for a preview
    :raises TemplateProblem: when a template does not render
    """
    langs = tuple(lang for lang in languages(preference) if lang in sources) or (("en",) if "en" in sources else tuple(sources)[:1])
    limit = MAX_ROWS if len(langs) == 1 else MAX_ROWS_BOTH
    book = LinkBook(link_prefix)
    parts, texts, subjects = [], [], []
    for lang in langs:
        subject, body = sources[lang]
        values = merge_values(data, lang)
        words = values | {"invoice_table": values["invoice_numbers"], "pay_button": _button_target(data)}
        subjects.append(" ".join(unescape(render_source(subject, words, lang, is_html=False)).split()))
        parts.append({"lang": lang, "texts": TEXTS[lang], "body": _render_body(data, body, values, lang, book, limit)})
        texts.append(_render_text(data, body, values, lang, limit))
    html = LAYOUT.get_template("message.html.jinja").render(
        data=data, parts=parts, langs=langs, preheader=subjects[0], subject=" · ".join(subjects),
        unsubscribe_url=data.unsubscribe_url, root=TEXTS[langs[0]], hidden_url=f"{link_prefix}0" if link_prefix else "",
        isolate=localize.isolate,
    )
    return Rendered(" · ".join(subjects), _INLINER.inline(html), "\n\n----------\n\n".join(texts) + "\n", tuple(book.targets), langs)


def merge_values(data: MessageData, lang: str) -> dict[str, object]:
    """The merge tags' values (without the blocks), localized."""
    oldest = min(data.items, key=lambda item: item.date_due or data.today, default=None)
    credit = {}
    for item in data.credits:
        key = (item.currency, item.decimals)
        credit[key] = credit.get(key, Decimal(0)) - item.residual
    company = data.company
    return {
        **{f"company_{key}": company.get(key, "") for key in ("name", "address", "trn", "phone", "email", "website")},
        "customer_name": clean_header(data.customer_name), "contact_name": clean_header(data.contact_name or data.customer_name),
        **{f"salesperson_{key}": data.salesperson.get(key, "") for key in ("name", "email", "phone")},
        "invoice_count": len(data.items),
        "invoice_numbers": localize.isolate(", ".join(item.number for item in data.items[:10]) + (" …" if len(data.items) > 10 else ""), lang),
        "oldest_invoice": localize.isolate(oldest.number, lang) if oldest else "",
        "oldest_due_date": localize.format_day(oldest.date_due, lang) if oldest else "",
        "days_overdue": max((item.days_overdue for item in data.items), default=0),
        "total_due": amounts_text(data.totals, lang), "credit_total": amounts_text(credit, lang),
        "payment_reference": localize.isolate(data.payment_reference, lang),
        "bank_name": data.bank.get("name", ""), "iban": localize.isolate(data.bank.get("iban", ""), lang),
        "level_name": data.level_name.get(lang) or data.level_name.get("en", ""),
        "today": localize.format_day(data.today, lang),
    }


def amounts_text(totals: dict[tuple[str, int], Decimal], lang: str) -> str:
    """``AED 1,200.00 and USD 80.00``: currencies side by side, never added up."""
    texts = [localize.format_amount(value, currency, decimals, lang) for (currency, decimals), value in sorted(totals.items())]
    return (" و" if lang == "ar" else " and ").join(texts)


def _render_body(data: MessageData, source: str, values: dict, lang: str, book: LinkBook, limit: int) -> Markup:
    shown, more = _shown(data, lang, limit)
    rows = [{"item": item, "url": book.link(item.url), **_row_texts(item, lang)} for item in shown]
    shared = {"texts": TEXTS[lang], "lang": lang}
    blocks = {
        "invoice_table": Markup(LAYOUT.get_template("invoice_table.html.jinja").render(  # noqa: S704 (own autoescaped layout)
            rows=rows, more=more, totals=_totals_rows(data, lang), **shared
        )),
        "pay_button": Markup(LAYOUT.get_template("pay_button.html.jinja").render(  # noqa: S704
            url=book.link(_button_target(data)), single=len(data.items) == 1, **shared
        )),
    }
    rendered = render_source(_PARAGRAPH_AROUND_BLOCK.sub(r"\1", source), values | blocks, lang)
    return Markup(_track_links(rendered, book))  # noqa: S704 (template HTML is sanitized when saved, values are escaped)


def _track_links(body: str, book: LinkBook) -> str:
    """Rewrites the links that the template's author wrote; those of the blocks are tracked already."""
    if "<a" not in body.lower():
        return body
    root = lxml_html.fragment_fromstring(body, create_parent="div")
    for anchor in root.iter("a"):
        target = (anchor.get("href") or "").strip()
        if book.prefix and target.startswith(book.prefix):
            continue
        if not _SAFE_LINK.match(target):
            anchor.attrib.pop("href", None)
        else:
            anchor.set("href", book.link(target))
    inner = lxml_html.tostring(root, encoding="unicode")
    return inner[inner.index(">") + 1 : inner.rindex("<")]


def _shown(data: MessageData, lang: str, limit: int) -> tuple[tuple[Item, ...], str]:
    """The rows of the table, and the sentence about those cut. Credits stay: without them the total explains nothing."""
    credits = data.credits[:limit]
    shown = data.items[:limit - len(credits)] + credits
    cut = len(data.items + data.credits) - len(shown)
    return shown, localize.plural(cut, lang, TEXTS[lang]["more_items"]) if cut else ""


def _row_texts(item: Item, lang: str) -> dict[str, str]:
    texts = TEXTS[lang]
    return {
        "number": item.number, "is_credit": item.residual < 0,
        "invoice_date": localize.format_day(item.invoice_date, lang), "date_due": localize.format_day(item.date_due, lang),
        "days": str(item.days_overdue) if item.days_overdue > 0 else ("" if item.residual < 0 else texts["not_due"]),
        "amount": localize.format_amount(item.amount, item.currency, item.decimals, lang),
        "residual": localize.format_amount(item.residual, item.currency, item.decimals, lang),
    }


def _totals_rows(data: MessageData, lang: str) -> list[str]:
    return [localize.format_amount(value, currency, decimals, lang) for (currency, decimals), value in sorted(data.totals.items())]


def _button_target(data: MessageData) -> str:
    dated = [item for item in data.items if item.url]
    return min(dated, key=lambda item: item.date_due or data.today).url if dated else ""


def _table_text(data: MessageData, lang: str, limit: int = MAX_ROWS) -> str:
    """The invoice table as lines of plain text: one item a line, label first, so that it reads in any program."""
    texts, lines = TEXTS[lang], []
    shown, more = _shown(data, lang, limit)
    for item in shown:
        row = _row_texts(item, lang)
        label = texts["credit"] if row["is_credit"] else texts["invoice"]
        days = f" | {texts['days_overdue']}: {row['days']}" if row["days"] else ""
        due = f" | {texts['date_due']}: {row['date_due']}" if row["date_due"] else ""
        lines.append(f"- {label} {localize.isolate(row['number'], lang)}{due}{days} | {texts['open_amount']}: {row['residual']}")
        if item.url:
            lines.append(f"  {item.url}")
    if more:
        lines.append(more)
    lines.extend(f"{texts['total']}: {total}" for total in _totals_rows(data, lang))
    return "\n".join(lines)


def _render_text(data: MessageData, source: str, values: dict, lang: str, limit: int) -> str:
    """The text part, from the same template: blocks in their text form, paragraphs as paragraphs."""
    texts = TEXTS[lang]
    marks = {name: f"{_MARK}{name}{_MARK}" for name in ("invoice_table", "pay_button")}
    # Marks first, block texts after the HTML is gone, so that the table keeps its lines.
    body = _html_to_text(render_source(source, values | {name: Markup(mark) for name, mark in marks.items()}, lang))  # noqa: S704
    button = _button_target(data)
    body = body.replace(marks["invoice_table"], _table_text(data, lang, limit))
    single = texts["view_invoice"] if len(data.items) == 1 else texts["view_oldest"]
    body = body.replace(marks["pay_button"], f"{single}: {button}" if button else "")
    company = data.company
    footer = [company.get("name", ""), company.get("address", "").replace("\n", ", ")]
    if company.get("trn"):
        footer.append(f"{texts['trn']}: {localize.isolate(company['trn'], lang)}")
    if company.get("phone"):
        footer.append(f"{texts['phone']}: {localize.isolate(company['phone'], lang)}")
    if data.unsubscribe_url:
        footer.append(f"{texts['unsubscribe']}: {data.unsubscribe_url}")
    return re.sub(r"\n{3,}", "\n\n", body).strip() + "\n\n-- \n" + "\n".join(filter(None, footer))


def _html_to_text(fragment: str) -> str:
    root = lxml_html.fragment_fromstring(_UNPRINTABLE.sub("", fragment), create_parent="div")
    for line_break in root.iter("br"):
        line_break.tail = "\n" + (line_break.tail or "")
    for anchor in root.iter("a"):
        target = anchor.get("href") or ""
        if _SAFE_LINK.match(target.strip()) and target not in (anchor.text_content() or ""):
            anchor.tail = f" ({target}){anchor.tail or ''}"
    for block in root.iter("p", "div", "h1", "h2", "h3", "li", "tr", "ul", "ol", "table"):
        block.tail = "\n\n" + (block.tail or "") if block.tag != "li" else "\n" + (block.tail or "")
        if block.tag == "li":
            block.text = "- " + (block.text or "")
    lines = [re.sub(r"[ \t]+", " ", line).strip() for line in root.text_content().split("\n")]
    return "\n".join(lines).strip()
