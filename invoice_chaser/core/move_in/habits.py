"""How a file writes dates, numbers, truth and addresses. A habit is read off a whole
column; where the column does not say, a person is asked, and nothing is guessed."""

import contextlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from .problems import ValueProblem

# Day, month, year or month, day, year; "ask" where both read and differ.
DMY, MDY, ASK = "dmy", "mdy", "ask"
POINT, COMMA = ".", ","

_DIGITS = str.maketrans("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹", "01234567890123456789")
_INVISIBLE = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_ISO = re.compile(
    r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})"
    r"(?:[T ]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?\s*(Z|UTC|[+-]\d{2}:?\d{2})?)?",
    re.I,
)
_PARTS = re.compile(
    r"(\d{1,2})[-/. ](\d{1,2})[-/. ](\d{4}|\d{2})"
    r"(?:,?[T ]+(\d{1,2}):(\d{2})(?::(\d{2}))?\s*([ap]\.?m\.?)?"
    r"\s*(Z|UTC|[+-]\d{2}:?\d{2})?)?",
    re.I,
)
_WORDS = re.compile(
    r"(?:[a-z]{3,9},?\s+)?(?:(\d{1,2})[ -]([a-z]{3,9})\.?|([a-z]{3,9})\.?\s+(\d{1,2}))"
    r",?[ -]+(\d{4})"
    r"(?:,?[T ]+(?:at\s+)?(\d{1,2}):(\d{2})(?::(\d{2}))?\s*([ap]\.?m\.?)?"
    r"\s*(Z|UTC|[+-]\d{2}:?\d{2})?)?",
    re.I,
)
_EPOCH = re.compile(r"\d{10}(\d{3})?")
_MONTHS = {
    name: number
    for number, name in enumerate(
        "jan feb mar apr may jun jul aug sep oct nov dec".split(), 1
    )
}
_TRUE = {"1", "y", "yes", "true", "t", "on", "x", "oui", "ja", "si", "sí", "نعم"}
_FALSE = {"0", "n", "no", "false", "f", "off", "", "non", "nein", "لا"}
_NUMBER = re.compile(r"[+-]?\d[\d.,٬٫'’ \u00a0\u202f]*")
_EARLIEST, _LATEST = 1990, 2100


@dataclass(frozen=True)
class Habit:
    """``order``: DMY or MDY; ``decimal``: POINT or COMMA; ``tz``: the zone of times
    that name none. What is None was not needed by the file."""

    order: str | None = None
    decimal: str | None = None
    tz: str = "UTC"


def clean(value: object) -> str:
    """A cell as text, without invisible marks and blanks around it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return _INVISIBLE.sub("", str(value)).strip()


# --- dates ----------------------------------------------------------------------------


def guess_order(values: Iterable[object]) -> str | None:
    """DMY or MDY as the values of a column prove it, ASK where they fit both, None
    where they need no order. Of values that contradict each other the first proof
    counts; the others are refused when they are read."""
    found = None
    for value in values:
        match = (
            _PARTS.fullmatch(clean(value).translate(_DIGITS))
            if isinstance(value, str)
            else None
        )
        if match:
            first, second = int(match[1]), int(match[2])
            if first > 12 >= second:
                return DMY
            if second > 12 >= first:
                return MDY
            if first != second:
                found = ASK
    return found


def read_moment(value: object, habit: Habit) -> datetime | None:
    """A moment in UTC, without a zone; None for an empty cell. A date alone is the
    start of that day in the file's zone.

    :raises ValueProblem: ``date`` for what is none, ``date_order`` where the order of
    day and month is not known, ``date_year`` for a year that cannot be meant
    """
    if isinstance(value, datetime):
        return _to_utc(value, None, habit)
    if isinstance(value, date):
        return _to_utc(datetime(value.year, value.month, value.day), None, habit)
    text = clean(value).translate(_DIGITS)
    if not text or text in ("0000-00-00 00:00:00", "0000-00-00", "NA", "N/A", "-"):
        return None
    if _EPOCH.fullmatch(text):
        seconds = int(text) / (1000 if len(text) == 13 else 1)
        return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None, microsecond=0)
    try:
        moment, zone = _parse(text, habit)
    except (ValueError, OverflowError):
        raise ValueProblem("date", detail=text[:60]) from None
    return _to_utc(moment, zone, habit)


def read_day(value: object, habit: Habit) -> date | None:
    """A date as it is written, whatever the zone; raises as ``read_moment``."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    text = clean(value).translate(_DIGITS)
    if not text or text in ("0000-00-00", "NA", "N/A", "-"):
        return None
    if _EPOCH.fullmatch(text):
        return read_moment(value, habit).date()
    try:
        return _parse(text, habit)[0].date()
    except (ValueError, OverflowError):
        raise ValueProblem("date", detail=text[:60]) from None


def _parse(text: str, habit: Habit) -> tuple[datetime, str | None]:
    if match := _ISO.fullmatch(text):
        year, month, day, hour, minute, second, zone = match.groups()
        half = None
    elif match := _PARTS.fullmatch(text):
        first, second_, year, hour, minute, second, half, zone = match.groups()
        day, month = _order(int(first), int(second_), habit, text)
    elif match := _WORDS.fullmatch(text):
        day1, word1, word2, day2, year, hour, minute, second, half, zone = (
            match.groups()
        )
        month = _MONTHS.get((word1 or word2)[:3].lower())
        day = day1 or day2
        if not month:
            raise ValueError(text)
    else:
        raise ValueError(text)
    year = int(year) + (2000 if len(year) == 2 else 0)
    if not _EARLIEST <= year <= _LATEST:
        raise ValueProblem("date_year", detail=text[:60])
    hours = int(hour or 0)
    if half:
        if not 1 <= hours <= 12:
            raise ValueError(text)
        hours = hours % 12 + (12 if half[0] in "pP" else 0)
    moment = datetime(
        year, int(month), int(day), hours, int(minute or 0), int(second or 0)
    )
    return moment, zone


def _order(first: int, second: int, habit: Habit, text: str) -> tuple[int, int]:
    """(day, month)."""
    if first > 12 and second > 12:
        raise ValueError(text)
    if habit.order == DMY:
        return first, second
    if habit.order == MDY:
        return second, first
    if first == second or first > 12:
        return first, second
    if second > 12:
        return second, first
    raise ValueProblem("date_order", detail=text[:60])


def _to_utc(moment: datetime, zone: str | None, habit: Habit) -> datetime:
    if not _EARLIEST <= moment.year <= _LATEST:
        raise ValueProblem("date_year", detail=moment.date().isoformat())
    if moment.tzinfo is None:
        if zone and zone.upper() not in ("Z", "UTC"):
            hours, minutes = int(zone[1:3]), int(zone[-2:])
            if hours > 14 or minutes > 59:
                raise ValueProblem("date", detail=zone)
            delta = timedelta(hours=hours, minutes=minutes)
            tz = timezone(-delta if zone[0] == "-" else delta)
        else:
            tz = UTC if zone else ZoneInfo(habit.tz)
        moment = moment.replace(tzinfo=tz)
    return moment.astimezone(UTC).replace(tzinfo=None, microsecond=0)


# --- numbers, truth -------------------------------------------------------------------


def guess_decimal(values: Iterable[object]) -> str | None:
    """POINT or COMMA as the values of a column prove it, ASK where ``1,234`` may be
    both, None where no value needs it."""
    found = None
    for value in values:
        text = clean(value).translate(_DIGITS) if isinstance(value, str) else ""
        text = text.replace("٫", ".").replace("٬", ",")
        points, commas = text.count("."), text.count(",")
        if points and commas:
            return POINT if text.rfind(".") > text.rfind(",") else COMMA
        if points > 1:
            return COMMA
        if commas > 1:
            return POINT
        if points or commas:
            mark = POINT if points else COMMA
            tail = re.search(r"[.,](\d*)\D*$", text)
            if tail and len(tail[1]) != 3:
                return mark
            found = ASK
    return found


def read_number(value: object, habit: Habit) -> Decimal | None:
    """:raises ValueProblem: ``number``, or ``number_decimal`` where the sign of the
    decimals is not known"""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Decimal(str(value))
    text = re.sub(r"^[^\d+-]+|[^\d]+$", "", clean(value).translate(_DIGITS))
    if not clean(value):
        return None
    if not _NUMBER.fullmatch(text):
        raise ValueProblem("number", detail=clean(value)[:60])
    text = text.replace("٫", ".").replace("٬", ",")
    decimal = habit.decimal
    if decimal is None and re.search(r"[.,]", text):
        decimal = guess_decimal([text])
        if decimal == ASK:
            raise ValueProblem("number_decimal", detail=clean(value)[:60])
    text = re.sub(r"['’ \u00a0\u202f]", "", text)
    if decimal:
        other = COMMA if decimal == POINT else POINT
        text = text.replace(other, "").replace(decimal, ".")
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ValueProblem("number", detail=clean(value)[:60]) from None


def read_truth(value: object) -> bool:
    """:raises ValueProblem: for a word that is neither yes nor no"""
    word = clean(value).casefold()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ValueProblem("truth", detail=clean(value)[:60])


# --- addresses ------------------------------------------------------------------------

_WRAPPED = re.compile(r".*<([^<>]+)>\s*")
_ADDRESS = re.compile(r"[^\s@,;<>()\[\]\"\\:]{1,64}@[^\s@,;<>()\[\]\"\\:]{3,253}")


def read_email(value: object) -> str:
    """The address as it is written, without a name around it; empty for an empty cell.

    :raises ValueProblem: ``email_many`` for several, ``email`` for none
    """
    text = clean(value)
    if not text:
        return ""
    if match := _WRAPPED.fullmatch(text):
        text = match[1].strip()
    if text.lower().startswith("mailto:"):
        text = text[7:]
    if text.count("@") > 1:
        raise ValueProblem("email_many", detail=text[:80])
    domain = text.rpartition("@")[2]
    if (
        not _ADDRESS.fullmatch(text)
        or "." not in domain
        or ".." in text
        or domain.startswith((".", "-"))
        or domain.endswith((".", "-"))
    ):
        raise ValueProblem("email", detail=text[:80])
    return text


def email_keys(email: str) -> list[str]:
    """What an address is looked up by: small letters, the domain as it is written and
    in its ASCII and Unicode forms (IDNA)."""
    local, _at, domain = email.lower().rpartition("@")
    if not local:
        return []
    forms = [domain]
    with contextlib.suppress(UnicodeError):
        forms.append(domain.encode("idna").decode("ascii"))
    with contextlib.suppress(UnicodeError):
        forms.append(domain.encode("ascii").decode("idna"))
    return [f"{local}@{form}" for form in dict.fromkeys(forms)]
