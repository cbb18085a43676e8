"""What an out-of-office reply says: until when, and who answers meanwhile.

A proposal for a person, never acted upon. Only what stands there plainly is taken;
a day that could be read in two ways (3/4) is left out.
"""

import re
from dataclasses import dataclass
from datetime import date, timedelta

from . import mime

_MAX = 3000
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan يناير janvier januar enero",
            "february feb فبراير février februar febrero",
            "march mar مارس mars märz marzo",
            "april apr أبريل ابريل avril abril",
            "may مايو mai mayo",
            "june jun يونيو juin juni junio",
            "july jul يوليو juillet juli julio",
            "august aug أغسطس اغسطس août agosto",
            "september sep sept سبتمبر septembre septiembre",
            "october oct أكتوبر اكتوبر octobre oktober octubre",
            "november nov نوفمبر novembre noviembre",
            "december dec ديسمبر décembre dezember diciembre",
        ),
        1,
    )
    for name in names.split()
}
_NAMES = "|".join(sorted(_MONTHS, key=len, reverse=True))
_DAY_MONTH = re.compile(
    rf"(\d{{1,2}})(?:st|nd|rd|th|\.)?\s{{1,3}}(?:of\s)?({_NAMES})\b\.?,?(?:\s{{1,3}}(\d{{4}}))?",
    re.I,
)
_MONTH_DAY = re.compile(
    rf"\b({_NAMES})\.?\s{{1,3}}(\d{{1,2}})(?:st|nd|rd|th)?\b(?:,?\s{{1,3}}(\d{{4}}))?",
    re.I,
)
_ISO = re.compile(r"(?<!\d)(\d{4})-(\d{1,2})-(\d{1,2})(?!\d)")
_SLASH = re.compile(r"(?<!\d)(\d{1,2})[./](\d{1,2})[./](\d{4})(?!\d)")
# Back on the day named, or away up to and with it.
_BACK = re.compile(
    r"\b(?:return|back|resume|available "
    r"again|retour|zurück|vuelvo|regreso)|سأعود|العودة|أعود|عودتي",
    re.I,
)
_UNTIL = re.compile(
    r"\b(?:until|till|through|to|bis|jusqu|hasta)\b|حتى|إلى|لغاية", re.I
)
_CONTACT = re.compile(
    r"contact|reach|urgent|e-?mail|write "
    r"to|assistance|kontakt|contacter|التواصل|للتواصل|الاتصال|مراسلة",
    re.I,
)


@dataclass(frozen=True)
class Absence:
    """``back_on``: the first day they read again. ``contact``: whom to ask until
    then."""

    back_on: date | None = None
    contact: str = ""


def read_absence(text: str, sender: str, sent: date | None) -> Absence | None:
    """The proposal; None where the text holds none.

    :param sent: the day of the mail, for a date without a year
    """
    text = _to_digits(text[:_MAX])
    found = Absence(_find_day(text, sent), _find_contact(text, sender))
    return found if found.back_on or found.contact else None


def _to_digits(text: str) -> str:
    return text.translate(
        {ord(c): str(i % 10) for i, c in enumerate("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹")}
    )


def _find_day(text: str, sent: date | None) -> date | None:
    days = []
    for start, day in _find_days(text, sent):
        before = text[max(start - 60, 0) : start]
        back = max((hit.end() for hit in _BACK.finditer(before)), default=-1)
        until = max((hit.end() for hit in _UNTIL.finditer(before)), default=-1)
        if back >= 0:
            days.append((0, day))
        elif until >= 0:
            days.append((1, day + timedelta(days=1)))
    days = [
        entry
        for entry in days
        if not sent or sent <= entry[1] <= sent + timedelta(days=365)
    ]
    return min(days)[1] if days else None


def _find_days(text: str, sent: date | None):
    for pattern, order in (
        (_DAY_MONTH, "dmy"),
        (_MONTH_DAY, "mdy"),
        (_ISO, "ymd"),
        (_SLASH, "dmy"),
    ):
        for hit in pattern.finditer(text):
            parts = dict(zip(order, hit.groups(), strict=True))
            month = _MONTHS.get(parts["m"].lower()) or int(parts["m"])
            if pattern is _SLASH and int(parts["d"]) <= 12 and parts["d"] != parts["m"]:
                continue
            year = (
                int(parts["y"])
                if parts["y"]
                else _guess_year(sent, month, int(parts["d"]))
            )
            try:
                yield hit.start(), date(year or 0, month, int(parts["d"]))
            except ValueError:
                continue


def _guess_year(sent: date | None, month: int, day: int) -> int:
    """The next such day after the mail."""
    if not sent:
        return 0
    return sent.year + ((month, day) < (sent.month, sent.day))


def _find_contact(text: str, sender: str) -> str:
    for start, end in mime.find_address_spans(text):
        address = text[start:end].lower()
        if address != sender and _CONTACT.search(text[max(start - 120, 0) : start]):
            return address
    return ""
