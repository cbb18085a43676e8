"""The page on which customers see their invoices, pay and answer: HTML without anything
from other servers, and its policy. One small script of our own copies what a transfer
needs; without it the page does everything else."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from markupsafe import Markup

from ..letter import localize
from ..letter.html_layout import FOLDER, LAYOUT, get_colors
from ..letter.texts import TEXTS
from . import transfer
from .page_texts import PAGE_TEXTS

_NOTHING = dict.fromkeys(
    ("name", "day", "amount", "currency", "reference", "reason", "email"), ""
)
_NO_CODE = {"side": 0, "path": "", "scan": ""}
_CSS = (FOLDER / "customer_page.css").read_text()
_SCRIPT = (FOLDER / "customer_page.js").read_text()


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
    # To which account it is to be paid: a key of ``PageData.accounts``.
    account: str = ""


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
    accounts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    payment_reference: str = ""
    # Where the customer asks for no more reminders by the way that this one came;
    # empty: not offered.
    stop_path: str = ""
    statement_url: str = ""
    # As data: Odoo's own address of it sets a cookie.
    logo: str = ""

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
        transfers=[
            _describe_transfer(one, data, number)
            for number, one in enumerate(_get_transfers(data), 1)
        ],
        open_rows=_get_choices(rows),
        pay_url=_get_pay_url(rows),
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


def _get_transfers(data: PageData) -> list[transfer.Transfer]:
    """Those about which there is more to say than the amount."""
    return [
        one
        for one in transfer.make_transfers(
            data.items, data.accounts, data.payment_reference
        )
        if one.bank or one.reference
    ]


def _get_pay_url(rows: list[dict]) -> str:
    """Where all is paid online by one click: where one invoice is open. Else each has
    its own link."""
    urls = {row["item"].pay_url for row in rows if row["choice"]}
    return urls.pop() if len(urls) == 1 else ""


def _describe_transfer(
    one: transfer.Transfer, data: PageData, number: int
) -> dict[str, object]:
    """One transfer as rows to be read, copied and scanned. ``taken``: what the button
    takes, as a banking program wants it."""
    texts, labels, lang = PAGE_TEXTS[data.lang], TEXTS[data.lang], data.lang
    amount = localize.format_amount(one.amount, one.currency, one.decimals, lang)
    iban, bic = one.bank.get("iban", ""), one.bank.get("bic", "")
    holder = one.bank.get("holder") or data.company.get("name", "")
    account = (
        (labels["account_name"], holder, holder, "auto"),
        (labels["bank"], one.bank.get("name", ""), one.bank.get("name", ""), "auto"),
        (texts["bic"], bic, bic, "ltr"),
        (
            labels["iban"] if transfer.is_iban(iban) else texts["account_number"],
            transfer.group(iban),
            transfer.compact(iban) if transfer.is_iban(iban) else iban,
            "ltr",
        ),
    )
    rows = [
        {"label": label, "value": value, "taken": taken, "dir": way}
        for label, value, taken, way in (
            *(account if iban else ()),
            (texts["amount"], amount, one.plain_amount, "auto"),
            (labels["reference"], one.reference, one.reference, "ltr"),
        )
        if value
    ]
    return {
        "number": number,
        "title": texts["transfer_of"] % amount,
        "numbers": one.numbers,
        "rows": rows,
        **(_describe_code(one, rows, texts) if iban else _NO_CODE),
    }


def _describe_code(
    one: transfer.Transfer, rows: list[dict], texts: Mapping
) -> dict[str, object]:
    epc = transfer.epc_text(one)
    side, path = transfer.draw_svg(
        epc or transfer.plain_text((row["label"], row["value"]) for row in rows)
    )
    return {
        "side": side,
        "path": path,
        "scan": texts["scan_bank" if epc else "scan_text"],
    }


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
        css=Markup(css),  # noqa: S704  # our own file
        script=Markup(_SCRIPT),  # noqa: S704  # our own file
        **values,
    )
    policy = (
        f"default-src 'none'; style-src '{_digest(css)}'; "
        f"script-src '{_digest(_SCRIPT)}'; img-src data:; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    )
    return html, policy


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


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
