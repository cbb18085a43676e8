"""Public holidays and Ramadan from the installed libraries ``holidays`` and
``hijridate``; nothing without them. No network."""

import contextlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

try:
    import holidays as _holidays
except ImportError:  # optional: the shipped days serve
    _holidays = None
try:
    from hijridate import Hijri
except ImportError:
    Hijri = None

RAMADAN = 9  # month of the Islamic year
RAMADAN_NAMES = {"en_US": "Ramadan", "ar_001": "رمضان"}
_ESTIMATED = re.compile(
    r"\s{0,5}\((?:[^()]{0,80}estimated|تقديري)[^()]{0,80}\)", re.IGNORECASE
)
# "Eid al-Fitr Holiday" and "Eid al-Fitr" are one feast.
_FURTHER_DAY = re.compile(r"^عطلة\s+(?=عيد)|(?<=Eid al-....) Holiday$")


@dataclass(frozen=True)
class FoundDays:
    """Consecutive days of one holiday, or Ramadan. ``key`` is stable over years of the
    library and names the record it belongs to."""

    key: str
    first: date
    last: date
    names: dict[str, str]
    estimated: bool
    kind: str = "holiday"


def find_holidays(country_code: str, years: Iterable[int]) -> list[FoundDays]:
    """Public holidays of a country (ISO 3166), consecutive days of the same name
    joined. Empty for a country the library does not know."""
    found = []
    for year in years:
        days = _read_days(country_code, year)
        counts: dict[str, int] = {}
        for group in _group(days):
            name, arabic, estimated = group[0][1:]
            counts[name] = counts.get(name, 0) + 1
            number = f"/{counts[name]}" if counts[name] > 1 else ""
            names = {"en_US": name} | ({"ar_001": arabic} if arabic else {})
            found.append(
                FoundDays(
                    f"{country_code}/{year}/{name}{number}",
                    group[0][0],
                    group[-1][0],
                    names,
                    estimated,
                )
            )
    return found


def find_ramadan(country_code: str, years: Iterable[int]) -> list[FoundDays]:
    """Ramadan by the Umm al-Qura calendar; the sighting may move it by a day, so that
    it is always estimated."""
    if Hijri is None:
        return []
    found = []
    for year in years:
        for hijri_year in _hijri_years(year):
            with contextlib.suppress(OverflowError):
                begin = Hijri(hijri_year, RAMADAN, 1)
                first = date.fromisoformat(begin.to_gregorian().isoformat())
                if first.year == year:
                    last = first + timedelta(days=begin.month_length() - 1)
                    found.append(
                        FoundDays(
                            f"{country_code}/{hijri_year}/Ramadan",
                            first,
                            last,
                            dict(RAMADAN_NAMES),
                            True,
                            "ramadan",
                        )
                    )
    return found


def _hijri_years(year: int) -> range:
    """Islamic years of which a part lies in a Gregorian year, with a year to spare
    (Islamic years are 11 days shorter)."""
    about = round((year - 622) * 33 / 32)
    return range(about - 1, about + 3)


def _read_days(country_code: str, year: int) -> list[tuple[date, str, str, bool]]:
    """(day, English name, Arabic name or "", estimated), sorted."""
    country = (
        getattr(_holidays, country_code, None)
        if _holidays and re.fullmatch("[A-Z]{2}", country_code)
        else None
    )
    if country is None:
        return []
    languages = getattr(country, "supported_languages", ()) or ()
    english = _names(
        country, year, next((code for code in languages if code.startswith("en")), None)
    )
    arabic = _names(country, year, "ar") if "ar" in languages else {}
    return [
        (day, _clean(name), _clean(arabic.get(day, "")), bool(_ESTIMATED.search(name)))
        for day, name in sorted(english.items())
    ]


def _names(country: type, year: int, language: str | None) -> dict[date, str]:
    try:
        return dict(country(years=year, language=language, islamic_show_estimated=True))
    except TypeError:  # a country without Islamic holidays
        return dict(country(years=year, language=language))


def _clean(name: str) -> str:
    return _FURTHER_DAY.sub("", _ESTIMATED.sub("", name)).strip()


def _group(
    days: list[tuple[date, str, str, bool]],
) -> Iterator[list[tuple[date, str, str, bool]]]:
    group: list[tuple[date, str, str, bool]] = []
    for row in days:
        if group and (
            row[1] != group[-1][1] or row[0] - group[-1][0] != timedelta(days=1)
        ):
            yield group
            group = []
        group.append(row)
    if group:
        yield group
