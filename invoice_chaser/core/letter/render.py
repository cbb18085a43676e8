"""From a customer's items to the message: subject, HTML and text, in English, Arabic or
both."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from html import unescape
from typing import Protocol

from lxml import html as lxml_html
from markupsafe import Markup

from ..mail.message import clean_header
from . import localize, plain_text
from .html_layout import LAYOUT, get_colors, get_part, inline_text
from .merge_tags import BLOCK, KIND, LINK, REFERENCE, page_links, portal_links
from .message_data import Item, MessageData
from .plain_text import SAFE_LINK
from .sanitize import sanitize
from .template_language import render_source
from .texts import TEXTS

__all__ = [
    "LAYOUT",
    "Item",
    "LinkBook",
    "MessageData",
    "Rendered",
    "compose",
    "languages",
    "merge_values",
    "amounts_text",
    "preference_of",
]

# Rows of the table. Gmail cuts a message at 102 kB: where the widest figures would pass
# MAX_SIZE (bytes), fewer rows are shown.
MAX_ROWS, MAX_SIZE = 60, 99_000
_PARAGRAPH_AROUND_BLOCK = re.compile(
    r"<p\b[^<>]{0,500}>\s{0,50}(\{\{\s{0,20}(?:invoice_table|pay_button)\s{0,20}\}\})"
    r"\s{0,50}(?:<br\s{0,5}/?>)?\s{0,50}</p>",
    re.I,
)
# Characters of the private use area: they mark the place of a block until the author's
# HTML has been processed.
_MARK = "\ue000"
_BLOCK_MARKS = {
    name: f"{_MARK}{name}{_MARK}" for name in ("invoice_table", "pay_button")
}
# Names may be written in the other script than the text around them.
_NAMES = (
    "company_name",
    "customer_name",
    "contact_name",
    "salesperson_name",
    "bank_name",
    "account_holder",
)
_NO_ISOLATES = dict.fromkeys(map(ord, (localize.FSI, localize.LRI, localize.PDI)))
_FILLER = Markup("&#847;&zwnj;&nbsp;" * 60)
_ROW = {
    "": Markup(""),
    "z": Markup(' class="z" bgcolor="#f3f4f6"'),
    "credit": Markup(' class="credit" style="font-style:italic;color:#4b5563"'),
}


@dataclass
class LinkBook:
    """The links of one message, by position from 1. ``prefix``: what a tracked link
    starts with; empty: not tracked."""

    prefix: str = ""
    targets: list[str] = field(default_factory=list)

    def link(self, target: str) -> str:
        """The tracked link; empty for a target of another scheme than those that belong
        into a mail."""
        if not SAFE_LINK.match(target):
            return ""
        if not self.prefix or not target.lower().startswith(("http://", "https://")):
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
    # What the merge tags stood for, by language; empty ones and links left out.
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def languages(preference: str) -> tuple[str, ...]:
    """``both`` is Arabic first: readers of Arabic would otherwise not find their
    part."""
    return {"en": ("en",), "ar": ("ar",), "both": ("ar", "en")}[preference]


def preference_of(langs: tuple[str, ...]) -> str:
    """The opposite of ``languages``: the languages that a message was written in, so
    that its pages have the same."""
    return "both" if len(langs) > 1 else langs[0]


def choose_languages(
    preference: str, sources: dict[str, tuple[str, str]]
) -> tuple[str, ...]:
    """A language without a source is left out; English is the last resort."""
    wanted = tuple(lang for lang in languages(preference) if lang in sources)
    return wanted or (("en",) if "en" in sources else tuple(sources)[:1])


def _get_fewer(shown: int, size: int) -> int:
    """Rows that are likely to fit, where ``shown`` rows made ``size`` bytes."""
    return max(5, min(shown - 1, shown * MAX_SIZE // size - 1))


def compose(
    data: MessageData,
    sources: dict[str, tuple[str, str]],
    preference: str,
    link_prefix: str = "",
    limit: int = MAX_ROWS,
) -> Rendered:
    """The whole message.

    :param sources: (subject, body HTML) of the template per language
    :param preference: ``en``, ``ar`` or ``both``; a language without a source is left
    out, English is the last resort
    :param link_prefix: start of the tracked links; empty for a preview
    :param limit: rows of the table; fewer are shown where the HTML would be larger than
    MAX_SIZE
    :raises TemplateProblem: when a template does not render
    """
    langs = choose_languages(preference, sources)
    book = LinkBook(link_prefix)
    subjects, parts, texts, values = [], [], [], {}
    for lang in langs:
        part = _Part(data, lang, book, limit)
        subjects.append(part.render_subject(sources[lang][0]))
        html, text = part.render_body(sources[lang][1])
        parts.append(part.describe(html))
        texts.append(text)
        values[lang] = part.get_told_values()
    subject = " · ".join(subjects)
    html = _render_page(
        data, parts, subject, subjects[0], f"{link_prefix}0" if link_prefix else ""
    )
    shown = min(limit, len(data.items) + len(data.credits))
    if len(html.encode()) > MAX_SIZE and shown > 5:
        fewer = _get_fewer(shown, len(html.encode()))
        return compose(data, sources, preference, link_prefix, fewer)
    return Rendered(
        subject,
        html,
        "\n\n----------\n\n".join(texts) + "\n",
        tuple(book.targets),
        langs,
        values,
    )


def merge_values(data: MessageData, lang: str) -> dict[str, object]:
    """The merge tags' values (without the blocks), localized."""
    oldest, company = data.oldest, data.company
    numbers = list(dict.fromkeys(item.number for item in data.items))
    credit: dict[tuple[str, int], Decimal] = {}
    for item in data.credits:
        key = (item.currency, item.decimals)
        credit[key] = credit.get(key, Decimal(0)) - item.residual
    values = {
        **{
            f"company_{key}": company.get(key, "")
            for key in ("name", "trn", "phone", "email", "website")
        },
        "company_address": localize.address_in(company, lang),
        **{
            f"customer_{key}": data.customer.get(key, "")
            for key in ("reference", "trn")
        },
        **portal_links(data.portal_url),
        **page_links(data.page_url),
        **_addressee_values(data, lang),
        **{
            f"salesperson_{key}": data.salesperson.get(key, "")
            for key in ("name", "email", "phone")
        },
        "invoice_count": len(numbers),
        "invoice_numbers": ", ".join(numbers[:10])
        + (" …" if len(numbers) > 10 else ""),
        "oldest_invoice": oldest.number if oldest else "",
        "oldest_due_date": localize.format_day(oldest.date_due, lang) if oldest else "",
        "days_overdue": max((item.days_overdue for item in data.items), default=0),
        "total_due": amounts_text(data.totals, lang),
        "credit_total": amounts_text(credit, lang),
        "payment_reference": data.payment_reference,
        "bank_name": _join_banks(data, "name"),
        "account_holder": _join_banks(data, "holder"),
        "bic": _join_banks(data, "bic"),
        "iban": _join_banks(data, "iban"),
        "level_name": data.level_name.get(lang) or data.level_name.get("en", ""),
        "today": localize.format_day(data.today, lang),
    }
    values |= {
        name: localize.isolate(value, lang)
        for name, value in values.items()
        if KIND[name] == REFERENCE
    }
    return values | {name: localize.isolate_name(values[name], lang) for name in _NAMES}


def _addressee_values(data: MessageData, lang: str) -> dict[str, str]:
    contact = clean_header(data.contact_name or data.customer_name)
    return {
        "customer_name": clean_header(data.customer_name),
        "contact_name": contact,
        "salutation": localize.salute(contact, data.is_company, lang),
    }


def amounts_text(totals: dict[tuple[str, int], Decimal], lang: str) -> str:
    """``AED 1,200.00 and USD 80.00``: currencies side by side, never added up."""
    texts = [
        localize.format_amount(value, currency, decimals, lang)
        for (currency, decimals), value in sorted(totals.items())
    ]
    return (" و" if lang == "ar" else " and ").join(texts)


class Payable(Protocol):
    """What says where to pay: a message, or the customer's page."""

    company: Mapping[str, str]
    bank: Mapping[str, str]
    banks: tuple[tuple[str, dict[str, str]], ...]
    payment_reference: str


def bank_rows(data: Payable, lang: str) -> list[tuple[str, str, str]]:
    """What a transfer needs, as (label, value, direction): the accounts that have a
    number, below each other, each with what it is for; and the reference to quote,
    which helps however somebody pays."""
    texts, rows = TEXTS[lang], []
    for purpose, bank in data.banks or (("", data.bank),):
        if bank.get("iban"):
            holder = bank.get("holder") or data.company.get("name", "")
            rows += [
                (texts["pay_for"], purpose, "ltr"),
                (texts["account_name"], holder, "auto"),
                (texts["bank"], bank.get("name", ""), "auto"),
                (texts["iban"], bank["iban"], "ltr"),
            ]
    rows.append((texts["reference"], data.payment_reference, "ltr"))
    return [row for row in rows if row[1]]


def total_ibans(data: MessageData) -> list[str]:
    """Beside each total the account that is for all of its currency, where the message
    names several."""
    accounts = {purpose: bank.get("iban", "") for purpose, bank in data.banks}
    return [accounts.get(currency, "") for currency, _decimals in sorted(data.totals)]


def _join_banks(data: MessageData, name: str) -> str:
    """A value of all accounts, each with what it is for."""
    if not data.banks:
        return data.bank.get(name, "")
    values = [(bank.get(name, ""), purpose) for purpose, bank in data.banks]
    if len({value for value, _purpose in values}) == 1:
        return values[0][0]
    return ", ".join(f"{value} ({purpose})" for value, purpose in values if value)


def row_texts(item: Item, lang: str) -> dict[str, object]:
    """One row of the table in words; the same for mail, text and documents."""
    texts, is_credit = TEXTS[lang], item.residual < 0
    return {
        "item": item,
        "number": item.number,
        "label": item.label,
        "is_credit": is_credit,
        "instalment": texts["instalment"].format(part=item.part, parts=item.parts)
        if item.parts > 1
        else "",
        "invoice_date": localize.format_day(item.invoice_date, lang),
        "date_due": localize.format_day(item.date_due, lang)
        if not is_credit or item.days_overdue >= 0
        # A post-dated cheque counts, and says from when.
        else texts["dated"].format(date=localize.format_day(item.invoice_date, lang)),
        "days": str(item.days_overdue)
        if item.days_overdue > 0
        else ("" if is_credit else texts["not_due"]),
        "amount": localize.format_amount(
            item.amount, item.currency, item.decimals, lang
        ),
        # The mail's table names the currency once a row: a message of 600 px has no
        # room for «دولار أمريكي» twice.
        "amount_number": localize.format_number(item.amount, item.decimals),
        "residual": localize.format_amount(
            item.residual, item.currency, item.decimals, lang
        ),
    }


def other_credits_text(data: MessageData, lang: str) -> str:
    """The sentences on what is told and not taken off: credits in other currencies,
    and our own open bills. No sum goes over currencies."""
    sums: dict[tuple[str, int], Decimal] = {}
    for item in data.other_credits:
        key = (item.currency, item.decimals)
        sums[key] = sums.get(key, Decimal(0)) - item.residual
    told = (("other_credit", sums), ("payables", data.payables))
    return " ".join(
        TEXTS[lang][name].format(amounts=amounts_text(amounts, lang))
        for name, amounts in told
        if amounts
    )


def totals_rows(data: MessageData, lang: str) -> list[str]:
    return [
        localize.format_amount(value, currency, decimals, lang)
        for (currency, decimals), value in sorted(data.totals.items())
    ]


class _Part:
    """A message in one of its languages."""

    def __init__(self, data: MessageData, lang: str, book: LinkBook, limit: int):
        data = data.in_language(lang)
        self.data, self.lang, self.book, self.texts = data, lang, book, TEXTS[lang]
        values = merge_values(data, lang)
        # Only our own marks may stand for a block.
        self.values = {
            name: value.replace(_MARK, "") if isinstance(value, str) else value
            for name, value in values.items()
        }
        self.rows, self.more = self._get_rows(limit)
        self.totals = totals_rows(data, lang)
        self.bank = bank_rows(data, lang)
        self.other_credit = other_credits_text(data, lang)
        self.note = _attachment_note(data, lang)

    def get_told_values(self) -> dict[str, str]:
        """The values that a person can read again; a link would let them act."""
        return {
            name: str(value).translate(_NO_ISOLATES)
            for name, value in self.values.items()
            if KIND[name] not in (LINK, BLOCK) and value not in ("", None)
        }

    def describe(self, html: Markup) -> dict[str, object]:
        """The part as the page of the message shows it."""
        return {
            "lang": self.lang,
            "texts": self.texts,
            "body": html,
            "note": self.note,
            "address": localize.address_line(self.data.company, self.lang),
        }

    def _get_rows(self, limit: int) -> tuple[list[dict], str]:
        """The rows of the table, and the sentence about those cut. Credits are never
        cut, because the total could not be understood without them."""
        credits = self.data.credits[:limit]
        shown = self.data.items[: limit - len(credits)] + credits
        cut = len(self.data.items + self.data.credits) - len(shown)
        rows = [row_texts(item, self.lang) for item in shown]
        for position, row in enumerate(rows):
            row["attributes"] = _ROW[
                "credit" if row["is_credit"] else "z" if position % 2 else ""
            ]
        return rows, localize.plural(
            cut, self.lang, self.texts["more_items"]
        ) if cut else ""

    def render_subject(self, source: str) -> str:
        words = self.values | {
            "invoice_table": self.values["invoice_numbers"],
            "pay_button": self.data.button_url,
        }
        return " ".join(
            unescape(render_source(source, words, self.lang, is_html=False)).split()
        )

    def render_body(self, source: str) -> tuple[Markup, str]:
        """HTML and text, from one rendering of the author's text: the blocks are
        inserted at their marks."""
        marks = {name: Markup(mark) for name, mark in _BLOCK_MARKS.items()}  # noqa: S704 (our own constants)
        body = localize.clean_links(
            sanitize(
                render_source(
                    _PARAGRAPH_AROUND_BLOCK.sub(r"\1", source),
                    self.values | marks,
                    self.lang,
                )
            )
        )
        html, text = (
            inline_text(_track_links(body, self.book)),
            plain_text.html_to_text(body),
        )
        for name, mark in _BLOCK_MARKS.items():
            if mark in body:
                block, words = getattr(self, f"_make_{name}")()
                # Blocks of the HTML end paragraphs; in the text they stand on lines of
                # their own.
                html, text = (
                    html.replace(mark, block),
                    text.replace(mark, f"\n\n{words}\n\n"),
                )
        text = re.sub(
            r"\n{3,}", "\n\n", "\n\n".join(filter(None, (text, self.note)))
        ).strip()
        return Markup(html), f"{text}\n\n{plain_text.footer(self.data, self.lang)}"  # noqa: S704 (sanitized when saved, values are escaped)

    def _make_invoice_table(self) -> tuple[str, str]:
        rows = [row | {"url": self.book.link(row["item"].url)} for row in self.rows]
        more_url = (
            self.book.link(self.data.page_url)
            if self.more and self.data.page_url
            else ""
        )
        html = get_part("invoice_table").render(
            rows=rows,
            more=self.more,
            more_url=more_url,
            totals=self.totals,
            ibans=total_ibans(self.data),
            other_credit=self.other_credit,
            texts=self.texts,
            lang=self.lang,
        )
        more = f"{self.more} {self.data.page_url}".strip() if self.more else ""
        text = plain_text.table(self.rows, self.totals, more, self.lang)
        return html, "\n".join(filter(None, (text, self.other_credit)))

    def _make_pay_button(self) -> tuple[str, str]:
        data, texts = self.data, self.texts
        label = (
            texts["view_page"]
            if data.page_url
            else texts["view_invoice"]
            if len(data.items) == 1
            else texts["view_oldest"]
        )
        answers = {
            name: self.book.link(f"{data.page_url}#{name}") if data.page_url else ""
            for name in ("promise", "dispute")
        }
        html = get_part("pay_button").render(
            url=self.book.link(data.button_url),
            label=label,
            promise_url=answers["promise"],
            dispute_url=answers["dispute"],
            bank=self.bank,
            texts=texts,
            lang=self.lang,
            **get_colors(data.company.get("color", "")),
        )
        return html, plain_text.button(data, label, self.bank, self.lang)


def _render_page(
    data: MessageData,
    parts: list[dict],
    subject: str,
    first_subject: str,
    hidden_url: str,
) -> str:
    company, lang = data.company, parts[0]["lang"]
    return get_part("message").render(
        company={key: company.get(key, "") for key in ("name", "trn", "phone")},
        logo_url=company.get("logo_url", ""),
        parts=parts,
        root=TEXTS[lang] | {"lang": lang},
        subject=subject,
        filler=_FILLER,
        preheader=_preheader(data, lang) or first_subject,
        unsubscribe_url=data.unsubscribe_url,
        hidden_url=hidden_url,
        pixel_url=data.pixel_url,
        **get_colors(company.get("color", "")),
    )


def _preheader(data: MessageData, lang: str) -> str:
    """What the inbox shows after the subject: how many, how much, since when."""
    if not data.items or not any(data.totals.values()):
        return ""
    sentence = localize.plural(
        len({item.number for item in data.items}), lang, TEXTS[lang]["preheader"]
    )
    return sentence.format(
        total=amounts_text(data.totals, lang),
        date=localize.format_day(data.oldest.date_due, lang),
    )


def _attachment_note(data: MessageData, lang: str) -> str:
    """What is attached, and how many documents are not."""
    texts = TEXTS[lang]
    names = [
        texts["documents"][kind] for kind, _number in data.attached if kind != "invoice"
    ]
    numbers = [
        localize.isolate(number, lang)
        for kind, number in data.attached
        if kind == "invoice"
    ]
    if numbers:
        names.append(
            f"{localize.plural(len(numbers), lang, texts['invoice_pdfs'])} "
            f"({texts['comma'].join(numbers)})"
        )
    sentences = [f"{texts['attached']}: {texts['comma'].join(names)}."] if names else []
    if data.left_out:
        sentences.append(localize.plural(data.left_out, lang, texts["left_out"]))
    return " ".join(sentences)


def _track_links(body: str, book: LinkBook) -> str:
    """Rewrites the links that the template's author wrote; those of the blocks are made
    with their blocks."""
    if "<a" not in body.lower():
        return body
    root = lxml_html.fragment_fromstring(body, create_parent="div")
    for anchor in root.iter("a"):
        target = (anchor.get("href") or "").strip()
        anchor.attrib.pop("href", None)
        if link := book.link(target):
            anchor.set("href", link)
    inner = lxml_html.tostring(root, encoding="unicode")
    return inner[inner.index(">") + 1 : inner.rindex("<")]
