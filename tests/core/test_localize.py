"""Dates, numbers, amounts, plurals."""

from datetime import date
from decimal import Decimal

import pytest
from core.letter.localize import (
    FSI,
    LRI,
    PDI,
    format_amount,
    format_day,
    format_number,
    isolate,
    plural,
    salute,
)

ARABIC = {
    "zero": "لا فواتير",
    "one": "فاتورة واحدة",
    "two": "فاتورتان",
    "few": "# فواتير",
    "many": "# فاتورةً",
    "other": "# فاتورة",
}
ENGLISH = {"one": "# invoice", "other": "# invoices"}


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "لا فواتير"),
        (1, "فاتورة واحدة"),
        (2, "فاتورتان"),
        (3, "3 فواتير"),
        (10, "10 فواتير"),
        (11, "11 فاتورةً"),
        (99, "99 فاتورةً"),
        (100, "100 فاتورة"),
        (101, "101 فاتورة"),
        (102, "102 فاتورة"),
        (103, "103 فواتير"),
        (110, "110 فواتير"),
        (111, "111 فاتورةً"),
        (1000, "1,000 فاتورة"),
    ],
)
def test_arabic_plural(count, text):
    assert plural(count, "ar", ARABIC) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 invoices"), (1, "1 invoice"), (2, "2 invoices"), (1500, "1,500 invoices")],
)
def test_english_plural(count, text):
    assert plural(count, "en", ENGLISH) == text


def test_missing_forms_fall_back_to_other():
    assert [plural(count, "ar", {"other": "#x"}) for count in (0, 1, 2, 5, 50)] == [
        "0x",
        "1x",
        "2x",
        "5x",
        "50x",
    ]
    with pytest.raises(KeyError):
        plural(5, "en", {"one": "x"})


@pytest.mark.parametrize(
    ("value", "currency", "decimals", "english", "arabic"),
    [
        ("1234.5", "AED", 2, "AED\u00a01,234.50", "1,234.50\u00a0درهم"),
        ("0.001", "KWD", 3, "KWD\u00a00.001", "0.001\u00a0دينار كويتي"),
        (
            "1234567890.123",
            "KWD",
            3,
            "KWD\u00a01,234,567,890.123",
            "1,234,567,890.123\u00a0دينار كويتي",
        ),
        ("1500", "JPY", 0, "JPY\u00a01,500", "1,500\u00a0ين ياباني"),
        ("0", "AED", 2, "AED\u00a00.00", "0.00\u00a0درهم"),
        ("-50", "AED", 2, "AED\u00a0-50.00", "\u2066-50.00\u2069\u00a0درهم"),
        (
            "9999999999.99",
            "USD",
            2,
            "USD\u00a09,999,999,999.99",
            "9,999,999,999.99\u00a0دولار أمريكي",
        ),
        ("1", "XQQ", 2, "XQQ\u00a01.00", "1.00\u00a0XQQ"),
    ],
)
def test_amounts(value, currency, decimals, english, arabic):
    assert format_amount(Decimal(value), currency, decimals, "en") == english
    assert format_amount(Decimal(value), currency, decimals, "ar") == arabic


def test_numbers_have_western_digits():
    assert format_number(Decimal("1234567.891"), 2) == "1,234,567.89"
    assert format_number(Decimal("1e12"), 0) == "1,000,000,000,000"


@pytest.mark.parametrize(
    ("day", "english", "arabic"),
    [
        (date(2026, 3, 4), "4 Mar 2026", "4 مارس 2026"),
        (date(2026, 12, 31), "31 Dec 2026", "31 ديسمبر 2026"),
        (None, "", ""),
    ],
)
def test_days(day, english, arabic):
    assert (format_day(day, "en"), format_day(day, "ar")) == (english, arabic)


@pytest.mark.parametrize(
    ("name", "is_company", "english", "arabic"),
    [
        (
            "شركة النور",
            True,
            "Dear \u2068شركة النور\u2069,",
            "السادة/ شركة النور المحترمين،",
        ),
        ("علي حسن", False, "Dear \u2068علي حسن\u2069,", "حضرة علي حسن المحترم/ة،"),
        (
            "Al Noor LLC",
            True,
            "Dear Al Noor LLC,",
            "السادة/ \u2068Al Noor LLC\u2069 المحترمين،",
        ),
        ("", True, "", ""),
    ],
)
def test_salutation(name, is_company, english, arabic):
    assert salute(name, is_company, "en") == english
    assert salute(name, is_company, "ar") == arabic


def test_isolates():
    assert isolate("INV/1", "ar") == f"{LRI}INV/1{PDI}"
    assert isolate("INV/1", "en") == "INV/1"
    assert isolate("", "ar") == ""
    assert (FSI, LRI, PDI) == ("\u2068", "\u2066", "\u2069")
