"""Dates, numbers, amounts and plurals in the language of the message. Western digits in
both, as UAE business writes."""

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import lru_cache

from babel import Locale
from babel.dates import format_date as babel_date
from babel.numbers import format_decimal, get_currency_name

from .texts import CURRENCY_AR, TEXTS

LANGUAGES = ("en", "ar")
# First strong isolate … pop: keeps a number or a name in its own direction where markup
# cannot (subjects, plain text).
FSI, LRI, PDI = "\u2068", "\u2066", "\u2069"
_HREF, _ISOLATES = (
    re.compile(r"""href\s*=\s*(?:"[^"]*"|'[^']*')""", re.I),
    re.compile("[\u2066-\u2069]"),
)
_PLURAL = {lang: Locale.parse(lang).plural_form for lang in LANGUAGES}


@lru_cache(maxsize=4096)
def format_day(day: date | None, lang: str) -> str:
    """``4 Mar 2026`` or ``4 مارس 2026``; empty for None."""
    return (
        babel_date(day, "d MMM y" if lang == "en" else "d MMMM y", locale=lang)
        if day
        else ""
    )


def format_number(value: Decimal, decimals: int) -> str:
    pattern = "#,##0" + ("." + "0" * decimals if decimals else "")
    return format_decimal(value, pattern, locale="en", decimal_quantization=True)


@lru_cache(maxsize=4096)
def format_amount(value: Decimal, currency: str, decimals: int, lang: str) -> str:
    """``AED 1,234.50`` or ``1,234.50 درهم``; ``currency`` is the ISO 4217 code,
    ``value`` in major units."""
    number = format_number(value, decimals)
    if lang == "ar":
        # In Arabic text a bare minus would move to the other side of its number.
        number = isolate(number, lang) if value < 0 else number
        return f"{number}\u00a0{CURRENCY_AR.get(currency) or get_currency_name(currency, locale='ar')}"  # noqa: E501
    return f"{currency}\u00a0{number}"


def isolate(text: str, lang: str) -> str:
    """The text kept left-to-right inside Arabic: invoice numbers, IBANs, phone numbers
    (Unicode UAX #9 §2.4)."""
    return f"{LRI}{text}{PDI}" if lang == "ar" and text else text


def clean_links(html: str) -> str:
    """Isolates belong around visible text, not into the targets of links."""
    return _HREF.sub(lambda match: _ISOLATES.sub("", match.group()), html)


_OTHER_SCRIPT = {
    "en": re.compile("[\u0590-\u08ff\ufb1d-\ufefc]"),
    "ar": re.compile("[A-Za-z\u00c0-\u024f]"),
}


def isolate_name(text: str, lang: str) -> str:
    """A name kept in its own direction where it is written in the other script, so that
    what follows it stays in its place."""
    return f"{FSI}{text}{PDI}" if text and _OTHER_SCRIPT[lang].search(text) else text


def salute(name: str, is_company: bool, lang: str) -> str:
    """The opening line of a message; empty without a name. Arabic addresses companies
    and persons in different ways (KAICA, guide to administrative writing)."""
    if not name:
        return ""
    shown = isolate_name(name, lang)
    if lang == "en":
        return f"Dear {shown},"
    return f"السادة/ {shown} المحترمين،" if is_company else f"حضرة {shown} المحترم/ة،"


def address_in(party: Mapping[str, str], lang: str) -> str:
    """The address of a company or customer as its lines; its country is in the language
    of the message where its name is known."""
    return party.get(f"address_{lang}") or party.get("address", "")


def address_line(party: Mapping[str, str], lang: str) -> str:
    """The address on one line, its parts in the reading order of the language: a street
    in Latin letters, then an Arabic country."""
    return TEXTS[lang]["comma"].join(
        isolate_name(line, lang) for line in address_in(party, lang).splitlines()
    )


def plural(count: int, lang: str, forms: dict[str, str]) -> str:
    """The form for ``count`` by CLDR's plural category, ``#`` in it replaced by the
    number; ``other`` is the fallback.

    Arabic has ``one``, ``two``, ``few`` (3-10), ``many`` (11-99) and ``other``.
    """
    text = forms.get(_PLURAL[lang](count)) or forms["other"]
    return text.replace("#", format_number(Decimal(count), 0))
