"""The page on which customers see their invoices and answer: HTML without script and
without anything from other servers, and its policy."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from markupsafe import Markup

from ..letter import localize
from ..letter.html_layout import FOLDER, LAYOUT, get_colors
from ..letter.render import bank_rows
from ..letter.texts import TEXTS
from .page_texts import PAGE_TEXTS

_NOTHING = dict.fromkeys(
    ("name", "day", "amount", "currency", "reference", "reason", "email"), ""
)
_CSS = (FOLDER / "customer_page.css").read_text()


@dataclass(frozen=True)
class PageItem:
    """One item of the reminder as it is now. ``state``: ``open``, ``paid``, ``review``,
    ``promised`` (then ``promised`` is the day)."""

    number: str
    position: int
    date_due: date | None
    residual: Decimal
    currency: str
    decimals: int = 2
    state: str = "open"
    promised: date | None = None
    is_credit: bool = False
    label: str = ""
    view_url: str = ""
    pdf_url: str = ""
    pay_url: str = ""


@dataclass(frozen=True)
class Said:
    """An answer given earlier on this page."""

    action: str
    day: date
    text: str = ""
    promised: date | None = None
    amount: Decimal = Decimal(0)
    currency: str = ""
    decimals: int = 2


@dataclass(frozen=True)
class PageData:
    """Plain values of the page. ``forms``: the signed form key of each action; an
    action without one is not offered."""

    path: str
    lang: str
    company: Mapping[str, str]
    customer_name: str
    is_company: bool  # the customer; else a person
    sent_on: date
    today: date
    items: tuple[PageItem, ...]
    promise_days: int
    forms: Mapping[str, str] = field(default_factory=dict)
    said: tuple[Said, ...] = ()
    done: str = ""
    problem: str = ""
    problem_action: str = ""
    entered: Mapping[str, str] = field(default_factory=dict)
    ticked: frozenset[str] = frozenset()
    bank: Mapping[str, str] = field(default_factory=dict)
    banks: tuple[tuple[str, dict[str, str]], ...] = ()
    payment_reference: str = ""
    # Where the customer asks for no more reminders by the way that this one came;
    # empty: not offered.
    stop_path: str = ""

    @property
    def totals(self) -> dict[tuple[str, int], Decimal]:
        """Open per (currency, decimals), credits taken off."""
        totals: dict[tuple[str, int], Decimal] = {}
        for item in self.items:
            if item.state != "paid":
                key = (item.currency, item.decimals)
                totals[key] = totals.get(key, Decimal(0)) + item.residual
        return totals

    @property
    def last_day(self) -> date:
        return self.today + timedelta(days=self.promise_days)


def render_page(data: PageData) -> tuple[str, str]:
    """The page and its Content-Security-Policy."""
    texts, lang = PAGE_TEXTS[data.lang], data.lang
    rows = [_prepare_row(item, data) for item in data.items]
    problem = texts.get(data.problem, "")
    return _render(
        "customer_page.html.jinja",
        lang,
        data.company.get("color", ""),
        data=data,
        entered=_NOTHING | dict(data.entered),
        rows=rows,
        bank=_get_payment_rows(data),
        open_rows=_get_choices(rows),
        totals=[
            localize.format_amount(amount, currency, decimals, lang)
            for (currency, decimals), amount in sorted(data.totals.items())
            if amount > 0
        ],
        currencies=sorted(
            {
                currency
                for (currency, _decimals), amount in data.totals.items()
                if amount > 0
            }
        ),
        last_day=localize.format_day(data.last_day, lang),
        sent_on=localize.format_day(data.sent_on, lang),
        said=[_describe(said, lang) for said in data.said],
        problem=problem % localize.format_day(data.last_day, lang)
        if "%s" in problem
        else problem,
    )


def _get_payment_rows(data: PageData) -> list[tuple[str, str, str]]:
    """Where to pay and what to quote; the reference also where no account is known."""
    label = TEXTS[data.lang]["reference"]
    known = [(label, data.payment_reference, "ltr")] if data.payment_reference else []
    return bank_rows(data, data.lang) or known


def render_busy(
    lang: str,
    path: str,
    fields: Mapping[str, str] | None = None,
    ticked: tuple[str, ...] = (),
    had_file: bool = False,
) -> tuple[str, str]:
    """What is shown while the database does not respond: nothing was stored, and one
    button sends the form again."""
    texts = PAGE_TEXTS[lang]
    lines = [
        texts["busy"] if fields else texts["busy_read"],
        *([texts["choose_file"]] if had_file else ()),
    ]
    return _render(
        "customer_busy.html.jinja",
        lang,
        "",
        title=texts["busy_title"],
        path=path,
        lines=lines,
        fields=fields or {},
        ticked=ticked,
    )


def render_notice(lang: str, path: str, code: str) -> tuple[str, str]:
    """One sentence of the texts (``file_large``, ``too_often``), and the way back to
    the page."""
    texts = PAGE_TEXTS[lang]
    return _render(
        "customer_busy.html.jinja",
        lang,
        "",
        title=texts["problem"],
        path=path,
        lines=[texts[code]],
        fields={},
        ticked=(),
    )


def _render(template: str, lang: str, color: str, **values: object) -> tuple[str, str]:
    colors = get_colors(color)
    css = _CSS.replace("#b0b0b1", colors["brand"]).replace(
        "#b0b0b2", colors["on_brand"]
    )
    html = LAYOUT.get_template(template).render(
        lang=lang,
        dir="rtl" if lang == "ar" else "ltr",
        texts=PAGE_TEXTS[lang],
        css=Markup(css),
        **values,
    )  # noqa: S704  # our own file
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    )
    return html, policy


def _prepare_row(item: PageItem, data: PageData) -> dict[str, object]:
    texts, lang = PAGE_TEXTS[data.lang], data.lang
    late = (data.today - item.date_due).days if item.date_due else 0
    if item.state == "paid":
        note = texts["paid_state"]
    elif item.state == "review":
        note = texts["in_review"]
    elif item.state == "promised":
        note = texts["promised_state"] % localize.format_day(item.promised, lang)
    elif item.is_credit:
        note = ""
    else:
        note = (
            localize.plural(late, lang, texts["days_late"])
            if late > 0
            else texts["due_today"]
            if late == 0
            else texts["not_due"]
        )
    return {
        "item": item,
        "note": note,
        "date_due": "" if item.is_credit else localize.format_day(item.date_due, lang),
        "amount": localize.format_amount(
            item.residual, item.currency, item.decimals, lang
        ),
        "choice": not item.is_credit and item.state != "paid",
    }


def _get_choices(rows: list[dict]) -> list[dict]:
    """Per invoice the first row that is still open; instalments of one invoice are one
    choice."""
    choices: dict[int, dict] = {}
    for row in rows:
        if row["choice"]:
            choices.setdefault(row["item"].position, row)
    return list(choices.values())


def _describe(said: Said, lang: str) -> dict[str, str]:
    texts = PAGE_TEXTS[lang]
    text = texts[f"said_{said.action}"]
    if said.action == "promise" and said.amount:
        amount = localize.format_amount(said.amount, said.currency, said.decimals, lang)
        text = texts["said_promise_amount"] % {
            "amount": amount,
            "day": localize.format_day(said.promised, lang),
        }
    elif said.action == "promise":
        text %= localize.format_day(said.promised, lang)
    elif "%s" in text:
        text %= said.text
    return {"day": localize.format_day(said.day, lang), "text": text}
