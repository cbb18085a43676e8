from datetime import date, timedelta
from decimal import Decimal

import pytest
from core.page.customer_answers import (
    MAX_FILE,
    AnswerProblem,
    Frame,
    check_file,
    clean_text,
    parse_amount,
    read_answer,
)

TODAY = date(2026, 3, 10)
FRAME = Frame(3, {"AED": Decimal("1500.00")}, TODAY, 30)
TWO = Frame(3, {"AED": Decimal(1500), "USD": Decimal(70)}, TODAY, 30)
PDF, PNG, JPEG = b"%PDF-1.7 x", b"\x89PNG\r\n\x1a\n x", b"\xff\xd8\xff\xe0 x"


def read(action, frame=FRAME, positions=(), file=None, **form):
    return read_answer(action, form, positions, file, frame)


def problem(call):
    with pytest.raises(AnswerProblem) as caught:
        call()
    return caught.value.code


# -- promise


def test_promise():
    answer = read("promise", day="2026-03-15", name="  Omar \n Haddad ")
    assert (answer.day, answer.amount, answer.name) == (
        date(2026, 3, 15),
        0,
        "Omar Haddad",
    )


@pytest.mark.parametrize("days", [0, 1, 30])
def test_promise_days(days):
    assert read(
        "promise", day=(TODAY + timedelta(days=days)).isoformat()
    ).day == TODAY + timedelta(days=days)


@pytest.mark.parametrize(
    ("day", "code"),
    [
        ("", "day_missing"),
        ("soon", "day_missing"),
        ("2026-02-30", "day_missing"),
        ("15/03/2026", "day_missing"),
        ("2026-03-09", "day_range"),
        ("2026-04-10", "day_range"),
        ("9999-12-31", "day_range"),
        ("0001-01-01", "day_range"),
        ("2026-03-15" * 50, "day_missing"),
        ("\x00", "day_missing"),
    ],
)
def test_promise_day_that_is_none(day, code):
    assert problem(lambda: read("promise", day=day)) == code


def test_arabic_digits():
    assert read("promise", day="٢٠٢٦-٠٣-١٥", amount="١٬٢٣٤٫٥٠").amount == Decimal(
        "1234.50"
    )


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("1", "1"),
        ("1500", "1500"),
        ("1,234.50", "1234.50"),
        ("1 234.5", "1234.5"),
        ("٥٠٠", "500"),
        ("۵۰۰", "500"),
        ("0.01", "0.01"),
        ("1'000", "1000"),
    ],
)
def test_amounts(text, amount):
    assert parse_amount(text) == Decimal(amount)


@pytest.mark.parametrize(
    "text",
    [
        "-5",
        "1e3",
        "NaN",
        "Infinity",
        "12,5",
        "1.234,50",
        "1.2.3",
        "AED 5",
        "0x10",
        "²",
        "1,23,456",
        "9" * 40,
        ".",
        ",",
        "5;--",
    ],
)
def test_amounts_that_are_none(text):
    assert problem(lambda: parse_amount(text)) == "amount_wrong"


@pytest.mark.parametrize("text", ["0", "0.00", "1500.01", "999999"])
def test_amount_out_of_range(text):
    assert (
        problem(lambda: read("promise", day="2026-03-15", amount=text))
        == "amount_range"
    )


def test_currency_of_the_amount():
    assert read("promise", day="2026-03-15", amount="5").currency == "AED"
    assert (
        read("promise", day="2026-03-15", amount="5", currency="XXX").currency == "AED"
    ), "there is only one"
    assert (
        read("promise", TWO, day="2026-03-15", amount="70", currency="USD").currency
        == "USD"
    )
    assert (
        problem(
            lambda: read("promise", TWO, day="2026-03-15", amount="71", currency="USD")
        )
        == "amount_range"
    )
    for wrong in ("", "XXX", "aed"):
        assert (
            problem(
                lambda wrong=wrong: read(
                    "promise", TWO, day="2026-03-15", amount="5", currency=wrong
                )
            )
            == "currency_missing"
        )
    assert read("promise", TWO, day="2026-03-15").currency == "", (
        "everything, in whatever currency"
    )


# -- paid


def test_paid():
    assert read("paid", reference=" TT 4711 ").text == "TT 4711"
    answer = read("paid", file=("slip.pdf", PDF))
    assert answer.file == ("slip.pdf", PDF, "application/pdf")
    for nothing in (None, ("", b"")):
        assert (
            problem(
                lambda nothing=nothing: read("paid", reference=" \u200b ", file=nothing)
            )
            == "paid_empty"
        )


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("slip.pdf", PDF, ("slip.pdf", "application/pdf")),
        ("a.b.PDF", PDF, ("a.b.pdf", "application/pdf")),
        ("photo.html", PNG, ("photo.png", "image/png")),
        ("C:\\x\\y.jpeg", JPEG, ("y.jpg", "image/jpeg")),
        ("../../etc/passwd", PDF, ("proof.pdf", "application/pdf")),
        ("", PDF, ("proof.pdf", "application/pdf")),
        ("إيصال.pdf", PDF, ("إيصال.pdf", "application/pdf")),
        ("a\r\nb\x00<c>.pdf", PDF, ("a_b_c.pdf", "application/pdf")),
        ("slip\u202efdp.exe", PDF, ("slipfdp.pdf", "application/pdf")),
        ("x" * 500 + ".pdf", PDF, ("proof.pdf", "application/pdf")),
    ],
)
def test_file_gets_a_safe_name_and_its_own_type(name, content, expected):
    safe, kept, mimetype = check_file(name, content)
    assert ((safe, mimetype), kept) == (expected, content)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "file_empty"),
        (b"<html><script>", "file_type"),
        (b"MZ\x90", "file_type"),
        (b"PK\x03\x04", "file_type"),
        (b"<svg xmlns=", "file_type"),
        (b" %PDF-1.4", "file_type"),
        (b"GIF89a", "file_type"),
        (PDF + b"x" * MAX_FILE, "file_large"),
    ],
)
def test_file_that_is_refused(content, code):
    assert problem(lambda: check_file("slip.pdf", content)) == code


def test_largest_file():
    assert check_file("slip.pdf", PDF.ljust(MAX_FILE, b"x"))


# -- dispute, contact, copy


def test_dispute():
    answer = read(
        "dispute", positions=["3", "1", "3"], reason="Two pallets\r\narrived damaged"
    )
    assert (answer.invoices, answer.text) == ((1, 3), "Two pallets\narrived damaged")


@pytest.mark.parametrize(
    "positions",
    [[], ["0"], ["4"], ["-1"], ["x"], ["1 OR 1=1"], ["٣"], ["9" * 30], ["1.0"]],
)
def test_dispute_of_no_invoice(positions):
    assert (
        problem(lambda: read("dispute", positions=positions, reason="broken"))
        == "invoice_missing"
    )


def test_dispute_of_the_only_invoice():
    assert read(
        "dispute", Frame(1, {"AED": Decimal(1)}, TODAY, 30), reason="broken"
    ).invoices == (1,)


@pytest.mark.parametrize("reason", ["", "  ", "x", "\u202e\u200f\x00", "\n\n"])
def test_dispute_without_words(reason):
    assert (
        problem(lambda: read("dispute", positions=["1"], reason=reason))
        == "reason_missing"
    )


def test_contact():
    assert (
        read("contact", email=" Finance.Dept@AlNoor.example ").email
        == "finance.dept@alnoor.example"
    )


@pytest.mark.parametrize(
    "email",
    [
        "",
        "x",
        "a@b",
        "a b@c.example",
        "a@b.example, c@d.example",
        "a@b.example\r\nBcc: x@y.example",
        "Name <a@b.example>",
        "a@-b.example",
        "a@b..example",
        "x" * 70 + "@b.example",
        "a@مثال.example",
        "@b.example",
        "a@b.example;c@d.example",
    ],
)
def test_contact_that_is_none(email):
    assert problem(lambda: read("contact", email=email)) == "email_wrong"


def test_copy_and_unknown():
    assert read("copy").action == "copy"
    for action in ("", "pay", "__class__", "promise "):
        assert problem(lambda action=action: read(action)) == "unknown"


def test_words_are_bounded_and_lose_what_hides_them():
    assert len(clean_text("x" * 5000)) == 1000
    assert clean_text("a\x00b\u202ec\u2066d\x1be\x7f") == "abcde"
    assert clean_text("سطر\nآخر 🙂") == "سطر\nآخر 🙂"
    assert len(read("promise", day="2026-03-15", name="n" * 900).name) == 200
