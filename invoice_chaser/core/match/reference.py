"""The payment reference of a message: ISO 11649 (RF Creditor Reference). ``RF``, two
check digits (mod 97), the message's number: short enough to be dictated, and a wrong or
exchanged digit is noticed. It stands for exactly the items of the message."""

import re

# So many digits at least: a short run of digits is found in any text by chance.
_DIGITS = 6
_MOST = 12
_EASTERN = {
    ord(digit): str(value)
    for digits in ("٠١٢٣٤٥٦٧٨٩", "۰۱۲۳۴۵۶۷۸۹")
    for value, digit in enumerate(digits)
}
# Banks break texts into lines and blocks of four.
_REFERENCE = re.compile(r"RF((?:[\s\-./:]*\d){8,})", re.IGNORECASE)
_NO_DIGIT = re.compile(r"\D")
_BETWEEN = re.compile(r"[\W_]+")


def make_reference(number: int) -> str:
    """The reference of a message.

    >>> make_reference(123456)
    'RF42123456'
    """
    digits = str(number).zfill(_DIGITS)
    return f"RF{_get_check(digits)}{digits}"


def normalize_reference(text: str) -> str:
    """A reference or a part of it, as somebody types it, the way it is stored.

    >>> normalize_reference("rf42 ١٢٣٤-56")
    'RF42123456'
    """
    return _BETWEEN.sub("", text.translate(_EASTERN)).upper()


def find_references(text: str) -> list[int]:
    """The numbers of all references that a text may quote, whatever else it says;
    longest first. In Latin, Arabic or Persian digits, with blanks, dashes or dots
    between them, in small letters or with other digits behind them."""
    found = []
    for match in _REFERENCE.finditer(text.translate(_EASTERN)):
        digits = _NO_DIGIT.sub("", match[1])
        check, rest = digits[:2], digits[2:]
        for length in range(min(len(rest), _MOST), _DIGITS - 1, -1):
            if _get_check(rest[:length]) == check:
                found.append(int(rest[:length]))
    return list(dict.fromkeys(found))


def _get_check(digits: str) -> str:
    """ISO 7064 mod 97-10 over the digits and ``RF00``, letters as numbers (R is 27, F
    is 15)."""
    return f"{98 - int(f'{digits}271500') % 97:02d}"
