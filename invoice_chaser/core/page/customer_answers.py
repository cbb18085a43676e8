"""Reads what a customer sends from their page, strictly; where something is wrong, the
field to correct is named."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation

ACTIONS = ("promise", "paid", "dispute", "contact", "copy")
MAX_LINE, MAX_TEXT = 200, 1000
MAX_FILE = 5 * 1024 * 1024
# First bytes of what may be sent as a proof of payment: nothing that a browser would
# run.
_SIGNATURES = (
    (b"%PDF-", "application/pdf", "pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png", "png"),
    (b"\xff\xd8\xff", "image/jpeg", "jpg"),
)
_ADDRESS = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}"
)
_GROUPED = re.compile(r"[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?")
_PLAIN = re.compile(r"\d{1,15}(?:\.\d{1,6})?")
# Arabic thousands and decimal separators (U+066C, U+066B), spaces that group digits.
_SEPARATORS = str.maketrans(
    {"\u066c": ",", "\u066b": ".", "\u00a0": "", "\u202f": "", " ": "", "'": ""}
)


class AnswerProblem(Exception):
    """``code`` is a key of the page's texts."""

    def __init__(self, code: str):
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Frame:
    """What the page offers: invoices by position from 1, open amounts per currency
    code, the days to choose from."""

    invoices: int
    totals: Mapping[str, Decimal]
    today: date
    promise_days: int


@dataclass(frozen=True)
class Answer:
    """``invoices``: positions from 1; ``amount`` in major units, 0: everything;
    ``file``: (name, content, MIME type)."""

    action: str
    day: date | None = None
    amount: Decimal = Decimal(0)
    currency: str = ""
    text: str = ""
    email: str = ""
    name: str = ""
    invoices: tuple[int, ...] = ()
    file: tuple[str, bytes, str] | None = field(default=None, repr=False)


def read_answer(
    action: str,
    form: Mapping[str, str],
    positions: Sequence[str],
    file: tuple[str, bytes] | None,
    frame: Frame,
) -> Answer:
    """
    :param form: the posted fields; ``positions``: the ticked invoices
    :param file: (name, content) of an uploaded file; None without one
    :raises AnswerProblem: with the code of what the customer must correct"""
    name = clean_line(form.get("name", ""))
    if action == "promise":
        amount, currency = _read_amount(form, frame)
        return Answer(
            action,
            day=_read_day(form.get("day", ""), frame),
            amount=amount,
            currency=currency,
            name=name,
        )
    if action == "paid":
        text = clean_line(form.get("reference", ""))
        proof = check_file(*file) if file and (file[0] or file[1]) else None
        if not text and not proof:
            raise AnswerProblem("paid_empty")
        return Answer(action, text=text, file=proof, name=name)
    if action == "dispute":
        text = clean_text(form.get("reason", ""))
        if len(text) < 3:
            raise AnswerProblem("reason_missing")
        return Answer(
            action, text=text, invoices=_read_positions(positions, frame), name=name
        )
    if action == "contact":
        return Answer(action, email=_read_email(form.get("email", "")), name=name)
    if action == "copy":
        return Answer(action)
    raise AnswerProblem("unknown")


def clean_line(text: str) -> str:
    return " ".join(clean_text(text).split())[:MAX_LINE]


def clean_text(text: str) -> str:
    """Without control characters, and without those that change the direction of the
    text (UAX #9), because they can hide words."""
    kept = (
        char
        for char in (text or "").replace("\r\n", "\n")
        if char == "\n"
        or unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Cn")
    )
    return "".join(kept).strip()[:MAX_TEXT]


def check_file(name: str, content: bytes) -> tuple[str, bytes, str]:
    """A safe name, the content, and the MIME type by its first bytes.

    :raises AnswerProblem: ``file_empty``, ``file_large`` or ``file_type``
    """
    if not content:
        raise AnswerProblem("file_empty")
    if len(content) > MAX_FILE:
        raise AnswerProblem("file_large")
    for signature, mimetype, extension in _SIGNATURES:
        if content.startswith(signature):
            stem = re.sub(
                r"[^\w.-]+",
                "_",
                clean_line(re.split(r"[\\/]", name or "")[-1]).rpartition(".")[0],
            ).strip("._")
            return f"{stem[:60] or 'proof'}.{extension}", content, mimetype
    raise AnswerProblem("file_type")


def _read_day(text: str, frame: Frame) -> date:
    try:
        day = date.fromisoformat(_western(text).strip())
    except ValueError:
        raise AnswerProblem("day_missing") from None
    if not frame.today <= day <= frame.today + timedelta(days=frame.promise_days):
        raise AnswerProblem("day_range")
    return day


def _read_amount(form: Mapping[str, str], frame: Frame) -> tuple[Decimal, str]:
    text = form.get("amount", "").strip()
    if not text:
        return Decimal(0), ""
    currency = (
        form.get("currency", "")
        if len(frame.totals) > 1
        else next(iter(frame.totals), "")
    )
    if currency not in frame.totals:
        raise AnswerProblem("currency_missing")
    amount = parse_amount(text)
    if not 0 < amount <= frame.totals[currency]:
        raise AnswerProblem("amount_range")
    return amount, currency


def parse_amount(text: str) -> Decimal:
    """``1,234.50``, ``1234.5`` or ``١٬٢٣٤٫٥٠``, in major units; a comma groups
    thousands.

    :raises AnswerProblem: ``amount_wrong``
    """
    number = _western(text).translate(_SEPARATORS)
    if not (_GROUPED.fullmatch(number) or _PLAIN.fullmatch(number)):
        raise AnswerProblem("amount_wrong")
    try:
        return Decimal(number.replace(",", ""))
    except InvalidOperation:
        raise AnswerProblem("amount_wrong") from None


def _western(text: str) -> str:
    return "".join(
        str(unicodedata.decimal(char)) if char.isdecimal() else char
        for char in text[:MAX_LINE]
    )


def _read_positions(positions: Sequence[str], frame: Frame) -> tuple[int, ...]:
    chosen = {int(text) for text in positions if re.fullmatch(r"[1-9]\d{0,4}", text)}
    chosen = {position for position in chosen if position <= frame.invoices}
    if not chosen and frame.invoices == 1:
        return (1,)
    if not chosen:
        raise AnswerProblem("invoice_missing")
    return tuple(sorted(chosen))


def _read_email(text: str) -> str:
    address = clean_line(text).lower()
    if not _ADDRESS.fullmatch(address):
        raise AnswerProblem("email_wrong")
    return address
