"""What a bank transfer needs: per currency and account the amount, the details and the
reference, and a QR code of them. Pure.

For an account in the Single Euro Payments Area and an amount in euro the code is what
the customer's banking program reads (EPC069-12, *Quick Response Code: Guidelines to
enable data capture for the initiation of a SEPA credit transfer*, version 002); for any
other account there is no such standard that banks in the Gulf read, so the code holds
the details as text.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from reportlab.graphics.barcode.qrencoder import QRCode, QRErrorCorrectLevel

# Countries whose IBANs are reached by SEPA credit transfer (EPC409-09).
_SEPA = frozenset(
    "AD AL AT BE BG CH CY CZ DE DK EE ES FI FR GB GI GR HR HU IE IS IT LI LT LU LV MC "
    "MD ME MK MT NL NO PL PT RO RS SE SI SK SM VA".split()
)
_MOST = Decimal("999999999.99")
# EPC069-12 allows 331 bytes; names have 70 and texts 140 characters.
_EPC_BYTES, _NAME, _TEXT = 331, 70, 140
# White modules around a code, without which cameras do not find it (ISO/IEC 18004).
_QUIET = 4


@dataclass(frozen=True)
class Transfer:
    """One transfer. ``bank``: ``name``, ``iban``, ``bic``, ``holder``; empty where no
    account is known. ``numbers``: the invoices, where one currency has several
    accounts."""

    currency: str
    decimals: int
    amount: Decimal
    bank: Mapping[str, str] = field(default_factory=dict)
    reference: str = ""
    numbers: tuple[str, ...] = ()

    @property
    def plain_amount(self) -> str:
        """As a program for payments takes it: a point, no separators."""
        return f"{self.amount:.{self.decimals}f}"


def make_transfers(
    items: Iterable, accounts: Mapping[str, Mapping[str, str]], reference: str
) -> list[Transfer]:
    """What is open, per currency and account; nothing for a currency that is settled.

    :param items: ``core.page.customer_page.PageItem``; credits are negative, and are
        taken off in their order
    :param accounts: ``PageItem.account`` → its details; items of an account that is
        not known are paid to the first one that is
    """
    known = {key: bank for key, bank in accounts.items() if bank.get("iban")}
    first = next(iter(known), "")
    open_amounts: dict[tuple[str, int], dict[str, Decimal]] = {}
    numbers: dict[tuple[str, str], list[str]] = {}
    credits: dict[tuple[str, int], Decimal] = {}
    for item in items:
        key = (item.currency, item.decimals)
        if item.is_credit:
            credits[key] = credits.get(key, Decimal(0)) - item.residual
        elif item.state != "paid":
            account = item.account if item.account in known else first
            mine = open_amounts.setdefault(key, {})
            mine[account] = mine.get(account, Decimal(0)) + item.residual
            numbers.setdefault((item.currency, account), []).append(item.number)
    transfers = []
    for (currency, decimals), mine in sorted(open_amounts.items()):
        credit = credits.get((currency, decimals), Decimal(0))
        for account, amount in mine.items():
            taken = min(amount, credit)
            credit -= taken
            if amount > taken:
                told = numbers[currency, account] if len(mine) > 1 else []
                transfers.append(
                    Transfer(
                        currency,
                        decimals,
                        amount - taken,
                        known.get(account, {}),
                        reference,
                        tuple(dict.fromkeys(told)),
                    )
                )
    return transfers


def is_iban(text: str) -> bool:
    """Whether the check digits are right (ISO 13616: mod 97 is 1)."""
    iban = compact(text)
    if not re.fullmatch(r"[A-Z]{2}\d{2}[A-Z0-9]{10,30}", iban):
        return False
    moved = iban[4:] + iban[:4]
    return int("".join(str(int(letter, 36)) for letter in moved)) % 97 == 1


def compact(text: str) -> str:
    """Without blanks and signs, in capitals."""
    return re.sub(r"[^A-Z0-9]", "", text.upper())


def group(iban: str) -> str:
    """In blocks of four, as it is read and dictated; other numbers stay as they are."""
    if not is_iban(iban):
        return iban
    plain = compact(iban)
    return " ".join(plain[at : at + 4] for at in range(0, len(plain), 4))


def epc_text(transfer: Transfer) -> str:
    """The content of the code for a banking program; empty where the standard does not
    allow one."""
    iban = compact(transfer.bank.get("iban", ""))
    holder = _line(transfer.bank.get("holder", ""), _NAME)
    amount = transfer.amount
    if (
        transfer.currency != "EUR"
        or iban[:2] not in _SEPA
        or not is_iban(iban)
        or not holder
        or not Decimal("0.01") <= amount <= _MOST
    ):
        return ""
    structured = transfer.reference if transfer.reference.startswith("RF") else ""
    text = "\n".join(
        (
            "BCD",
            "002",
            "1",  # UTF-8
            "SCT",
            compact(transfer.bank.get("bic", "")),
            holder,
            iban,
            f"EUR{amount:.2f}",
            "",
            structured,
            "" if structured else _line(transfer.reference, _TEXT),
        )
    ).rstrip("\n")
    return text if len(text.encode()) <= _EPC_BYTES else ""


def plain_text(rows: Iterable[tuple[str, str]]) -> str:
    """The details as lines that a person reads after scanning them."""
    return "\n".join(f"{label}: {value}" for label, value in rows)


def _line(text: str, most: int) -> str:
    return " ".join(text.split())[:most]


def make_matrix(text: str) -> list[list[bool]]:
    """The modules of a QR code, dark ones True; medium error correction."""
    code = QRCode(None, QRErrorCorrectLevel.M)
    code.addData(text)
    code.make()
    return [[bool(module) for module in row] for row in code.modules]


def draw_svg(text: str) -> tuple[int, str]:
    """A QR code for an SVG: the length of its side in modules, and the path of the dark
    ones."""
    matrix = make_matrix(text)
    path = []
    for top, row in enumerate(matrix, _QUIET):
        left = 0
        while left < len(row):
            if not row[left]:
                left += 1
                continue
            end = left
            while end < len(row) and row[end]:
                end += 1
            path.append(f"M{left + _QUIET} {top}h{end - left}v1h{left - end}z")
            left = end
    return len(matrix) + 2 * _QUIET, "".join(path)
