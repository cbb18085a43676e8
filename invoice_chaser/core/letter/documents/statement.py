"""The statement of account: everything that is open, by currency, with its age. PDF and
spreadsheet."""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from io import BytesIO

from ...letter import localize
from ..html_layout import LAYOUT, get_colors
from ..message_data import Item
from ..render import bank_rows, row_texts
from ..texts import DOCUMENT_TEXTS, TEXTS

# Upper ends of the age brackets, in days overdue; the last is open. The first holds
# what is not due yet.
_BRACKETS = (0, 30, 60, 90)


@dataclass(frozen=True)
class Statement:
    """``items``: all open journal items of the customer as of ``today``, credits
    negative. ``logo``: a ``data:`` URL or empty."""

    company: dict[str, str]
    customer: dict[str, str]
    items: tuple[Item, ...]
    today: date
    bank: dict[str, str] = field(default_factory=dict)
    banks: tuple[tuple[str, dict[str, str]], ...] = ()
    payment_reference: str = ""
    logo: str = ""
    # What the message asks for, per (currency, decimals): of the whole account, the
    # overdue part less the credits that are free.
    asked: dict[tuple[str, int], Decimal] = field(default_factory=dict)

    def get_asked(self, key: tuple[str, int]) -> Decimal | None:
        """What is asked for in a currency, where it is not the whole balance."""
        total = sum(
            (one.residual for one in self.items if (one.currency, one.decimals) == key),
            Decimal(0),
        )
        asked = self.asked.get(key)
        return asked if asked and asked != total else None


def ages(items: tuple[Item, ...]) -> list[Decimal]:
    """Open amounts (one currency) by age: not due yet, 1-30, 31-60, 61-90, more than 90
    days overdue; then open credits."""
    sums = [Decimal(0)] * (len(_BRACKETS) + 2)
    for item in items:
        place = next(
            (place for place, end in enumerate(_BRACKETS) if item.days_overdue <= end),
            len(_BRACKETS),
        )
        sums[len(_BRACKETS) + 1 if item.residual < 0 else place] += item.residual
    return sums


def by_currency(items: tuple[Item, ...]) -> dict[tuple[str, int], tuple[Item, ...]]:
    groups: dict[tuple[str, int], list[Item]] = {}
    for item in items:
        groups.setdefault((item.currency, item.decimals), []).append(item)
    return {key: tuple(groups[key]) for key in sorted(groups)}


def statement_html(statement: Statement, langs: tuple[str, ...]) -> str:
    """The document, one section per language, each beginning on a page of its own."""
    sections = [_section(statement, lang) for lang in langs]
    return LAYOUT.get_template("documents/statement.html.jinja").render(
        sections=sections,
        company=statement.company,
        customer=statement.customer,
        logo=statement.logo,
        langs=langs,
        title=DOCUMENT_TEXTS[langs[0]]["statement"],
        **get_colors(statement.company.get("color", "")),
    )


def _section(statement: Statement, lang: str) -> dict[str, object]:
    words = DOCUMENT_TEXTS[lang]
    tables = []
    for (currency, decimals), items in by_currency(statement.items).items():
        amounts = [
            localize.format_amount(value, currency, decimals, lang)
            for value in ages(items)
        ]
        asked = statement.get_asked((currency, decimals))
        total = localize.format_amount(
            sum((item.residual for item in items), Decimal(0)), currency, decimals, lang
        )
        tables.append(
            {
                "rows": [row_texts(item, lang) for item in items],
                "ages": list(zip(words["ages"], amounts, strict=True)),
                "total": total,
                "asked": ""
                if asked is None
                else localize.format_amount(asked, currency, decimals, lang),
            }
        )
    return {
        "lang": lang,
        "texts": TEXTS[lang],
        "words": words,
        "tables": tables,
        "bank": bank_rows(statement, lang),
        "today": localize.format_day(statement.today, lang),
        "company_address": localize.address_line(statement.company, lang),
        "customer_address": localize.address_in(statement.customer, lang),
    }


def statement_xlsx(statement: Statement, langs: tuple[str, ...]) -> bytes:
    """The same as a workbook, one sheet per language: dates are dates, amounts numbers,
    texts never formulas."""
    import xlsxwriter  # noqa: PLC0415 (comes with Odoo; loaded only where somebody wants a spreadsheet)

    buffer = BytesIO()
    with xlsxwriter.Workbook(
        buffer,
        {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False},
    ) as book:
        # Fixed, so that the same statement is the same file.
        book.set_properties(
            {
                "title": DOCUMENT_TEXTS[langs[0]]["statement"],
                "created": datetime.combine(statement.today, datetime.min.time()),
            }
        )
        for lang in langs:
            _Sheet(book, statement, lang).fill()
    return buffer.getvalue()


class _Sheet:
    def __init__(self, book, statement: Statement, lang: str):
        self.statement, self.lang, self.texts, self.words = (
            statement,
            lang,
            TEXTS[lang],
            DOCUMENT_TEXTS[lang],
        )
        self.sheet = book.add_worksheet(self.words["sheet"])
        self.head = book.add_format(
            {
                "bold": True,
                "bg_color": "#E5E7EB",
                "border": 1,
                "text_wrap": True,
                "valign": "top",
            }
        )
        self.bold, self.day = (
            book.add_format({"bold": True}),
            book.add_format({"num_format": "dd/mm/yyyy"}),
        )
        self.book, self.row = book, 0

    def fill(self) -> None:
        if self.lang == "ar":
            self.sheet.right_to_left()
        self.sheet.set_column(0, 0, 26)
        self.sheet.set_column(1, 6, 15)
        company, customer = self.statement.company, self.statement.customer
        self._line(
            [f"{self.words['statement']}: {customer.get('name', '')}"], self.bold
        )
        self._line(
            [
                f"{company.get('name', '')} · "
                f"{localize.format_day(self.statement.today, self.lang)}"
            ]
        )
        for (currency, decimals), items in by_currency(self.statement.items).items():
            self.row += 1
            self._table(items, currency, decimals)
        self.sheet.set_landscape()
        self.sheet.fit_to_pages(1, 0)

    def _line(self, cells: list[str], style=None) -> None:
        for column, text in enumerate(cells):
            self.sheet.write_string(self.row, column, text, style)
        self.row += 1

    def _table(self, items: tuple[Item, ...], currency: str, decimals: int) -> None:
        texts = self.texts
        number = "#,##0" + ("." + "0" * decimals if decimals else "")
        money = self.book.add_format({"num_format": number})
        money_bold = self.book.add_format({"num_format": number, "bold": True})
        heads = (
            "invoice",
            "invoice_date",
            "date_due",
            "days_overdue",
            "amount",
            "open_amount",
        )
        self._line(
            [texts[name] for name in heads] + [self.words["currency"]], self.head
        )
        for item in items:
            self._item(item, money)
        self.sheet.write_string(self.row, 0, self.words["balance"], self.bold)
        self.sheet.write_number(
            self.row,
            5,
            float(sum((item.residual for item in items), Decimal(0))),
            money_bold,
        )
        self.sheet.write_string(self.row, 6, currency, self.bold)
        asked = self.statement.get_asked((currency, decimals))
        if asked is not None:
            self.row += 1
            self.sheet.write_string(self.row, 0, self.words["asked"])
            self.sheet.write_number(self.row, 5, float(asked), money)
            self.sheet.write_string(self.row, 6, currency)
        self.row += 2
        self._line([*self.words["ages"]], self.head)
        for column, value in enumerate(ages(items)):
            self.sheet.write_number(self.row, column, float(value), money)
        self.row += 1

    def _item(self, item: Item, money) -> None:
        row = row_texts(item, self.lang)
        name = " ".join(
            filter(
                None,
                (
                    self.texts["credit"] if row["is_credit"] else "",
                    item.label,
                    item.number,
                    row["instalment"],
                ),
            )
        )
        self.sheet.write_string(self.row, 0, name)
        for column, day in ((1, item.invoice_date), (2, item.date_due)):
            if day:
                self.sheet.write_datetime(
                    self.row,
                    column,
                    datetime.combine(day, datetime.min.time()),
                    self.day,
                )
        if item.days_overdue > 0 and not row["is_credit"]:
            self.sheet.write_number(self.row, 3, item.days_overdue)
        self.sheet.write_number(self.row, 4, float(item.amount), money)
        self.sheet.write_number(self.row, 5, float(item.residual), money)
        self.sheet.write_string(self.row, 6, item.currency)
        self.row += 1
