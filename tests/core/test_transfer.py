import hashlib
from decimal import Decimal

import pytest
from core.page.transfer import (
    Transfer,
    compact,
    draw_svg,
    epc_text,
    group,
    is_iban,
    make_matrix,
)

EUR = {
    "iban": "DE89 3704 0044 0532 0130 00",
    "bic": "COBADEFFXXX",
    "holder": "POP Trading",
}


def transfer(currency="EUR", amount="1234.5", bank=None, reference="RF42123456"):
    return Transfer(currency, 2, Decimal(amount), EUR | (bank or {}), reference)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Examples of the IBAN registry (SWIFT).
        ("AE07 0331 2345 6789 0123 456", True),
        ("SA03 8000 0000 6080 1016 7519", True),
        ("DE89370400440532013000", True),
        ("gb29nwbk60161331926819", True),
        ("AE08 0331 2345 6789 0123 456", False),
        ("AE070331", False),
        ("001234567", False),
        ("", False),
    ],
)
def test_iban(text, expected):
    assert is_iban(text) is expected


def test_grouping():
    assert group("DE89370400440532013000") == "DE89 3704 0044 0532 0130 00"
    assert group("12-34 567") == "12-34 567", "no IBAN: as the bank writes it"
    assert compact(" de89 37-04 ") == "DE893704"


def test_epc_lines():
    """The lines of EPC069-12, chapter 3: a reference of ISO 11649 is structured."""
    assert epc_text(transfer()).split("\n") == [
        "BCD",
        "002",
        "1",
        "SCT",
        "COBADEFFXXX",
        "POP Trading",
        "DE89370400440532013000",
        "EUR1234.50",
        "",
        "RF42123456",
    ]
    assert epc_text(transfer(reference="Invoice 7")).split("\n")[8:] == [
        "",
        "",
        "Invoice 7",
    ]


@pytest.mark.parametrize(
    "values",
    [
        {"currency": "AED"},
        {"bank": {"iban": "AE070331234567890123456"}},
        {"bank": {"iban": "DE88370400440532013000"}},
        {"bank": {"holder": ""}},
        {"amount": "0"},
        {"amount": "1000000000.00"},
        {"reference": "x" * 200, "bank": {"holder": "م" * 70}},
    ],
)
def test_where_the_standard_allows_no_code(values):
    assert epc_text(transfer(**values)) == ""


def test_long_names_are_cut():
    assert len(epc_text(transfer(bank={"holder": "n" * 99})).split("\n")[5]) == 70


def test_codes_that_a_reader_reads():
    """Both were read back by zxing-cpp 3.1.1, the Arabic one as UTF-8; since then their
    modules must not change."""
    arabic = (
        "اسم الحساب: شركة بوب للتجارة\nIBAN: AE07 0331 2345 6789 0123 456\n"
        "AED 1,234.50\nRF42123456"
    )
    for text, side, expected in (
        (epc_text(transfer()), 37, "748c1e3764118c43"),
        (arabic, 45, "e9e5af09c6c9e20c"),
    ):
        matrix = make_matrix(text)
        assert len(matrix) == side
        dots = "".join("01"[module] for row in matrix for module in row)
        assert hashlib.sha256(dots.encode()).hexdigest()[:16] == expected


def test_svg_has_the_modules_and_a_quiet_zone():
    matrix = make_matrix("x")
    side, path = draw_svg("x")
    assert side == len(matrix) + 8
    drawn = set()
    for run in path.split("M")[1:]:
        place, rest = run.split("h", 1)
        left, top = map(int, place.split())
        for step in range(int(rest.split("v")[0])):
            drawn.add((top - 4, left - 4 + step))
    assert drawn == {
        (top, left)
        for top, row in enumerate(matrix)
        for left, module in enumerate(row)
        if module
    }
