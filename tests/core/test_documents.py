"""The documents that go with a message: which, and what is in them."""

import io
import zipfile
from datetime import date
from decimal import Decimal

import pytest
from core.letter.documents import letter, pdf, statement
from core.letter.documents.choice import XLSX, Document, choose
from core.letter.documents.drawing import Drawing, Letter
from core.letter.message_data import Item, MessageData
from core.letter.template_language import TemplateProblem
from core.letter.texts import DOCUMENT_TEXTS, TEXTS
from lxml import etree
from lxml import html as lxml_html

TODAY = date(2026, 11, 21)
COMPANY = {
    "name": "POP Trading LLC",
    "address": "Office 5\nDubai",
    "trn": "100123456700003",
    "phone": "+971 4 123 4567",
    "email": "a@pop.example",
}
CUSTOMER = {
    "is_company": "1",
    "name": "شركة النور <b>",
    "address": "Street 5\nSharjah",
    "trn": "100987654300003",
}
SOURCES = {
    "en": (
        "Final: {{ total_due }}",
        "<p>Dear Sir or Madam,</p>{{ invoice_table }}<p>{{ total_due }}</p>{{ "
        "pay_button }}",
    ),
    "ar": (
        "نهائي: {{ total_due }}",
        "<p>تحية طيبة،</p>{{ invoice_table }}<p>{{ total_due }}</p>{{ pay_button }}",
    ),
}


def item(number=1, residual="100.00", days=10, **values) -> Item:
    defaults = {
        "number": f"INV/2026/{number:05d}",
        "invoice_date": date(2026, 9, 1),
        "date_due": date(2026, 10, 1),
        "days_overdue": days,
        "amount": Decimal("150.00"),
        "residual": Decimal(residual),
        "currency": "AED",
    }
    return Item(**defaults | values)


def make(*items, **values) -> statement.Statement:
    return statement.Statement(
        **{"company": COMPANY, "customer": CUSTOMER, "items": items, "today": TODAY}
        | values
    )


def tree(html):
    return lxml_html.document_fromstring(html)


# -- which files go
# --------------------------------------------------------------------------------------
def files(*sizes):
    return [
        Document("invoice", f"{position}.pdf", b"x" * size)
        for position, size in enumerate(sizes)
    ]


@pytest.mark.parametrize(
    ("sizes", "count", "size", "names"),
    [
        ((10, 10, 10), 0, 0, ["0.pdf", "1.pdf", "2.pdf"]),
        ((10, 10, 10), 2, 0, ["0.pdf", "1.pdf"]),
        ((10, 10, 10), 0, 25, ["0.pdf", "1.pdf"]),
        ((10, 90, 10), 0, 25, ["0.pdf", "2.pdf"]),
        ((30,), 5, 25, []),
        ((25,), 5, 25, ["0.pdf"]),
        ((), 1, 1, []),
    ],
)
def test_caps(sizes, count, size, names):
    documents = files(*sizes)
    kept, left = choose(documents, count, size)
    assert [document.name for document in kept] == names
    assert sorted([*kept, *left], key=documents.index) == documents


def test_what_is_kept_proves_the_file():
    assert Document("invoice", "a.pdf", b"abc", number="INV/1").as_record() == {
        "kind": "invoice",
        "number": "INV/1",
        "name": "a.pdf",
        "mimetype": "application/pdf",
        "size": 3,
        "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    }


# -- statement
# --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("days", "place"),
    [
        (-30, 0),
        (0, 0),
        (1, 1),
        (30, 1),
        (31, 2),
        (60, 2),
        (61, 3),
        (90, 3),
        (91, 4),
        (900, 4),
    ],
)
def test_ages(days, place):
    sums = statement.ages((item(days=days), item(2, "-5.00", days=days)))
    assert sums[place] == 100 and sums[5] == -5 and sum(sums) == 95


@pytest.mark.parametrize(
    ("langs", "pages"), [(("en",), 1), (("ar",), 1), (("ar", "en"), 2)]
)
def test_statement_has_a_section_per_language(langs, pages):
    page = tree(statement.statement_html(make(item(), item(2, "-30.00")), langs))
    sections = page.xpath("//section")
    assert [(section.get("lang"), section.get("dir")) for section in sections] == [
        (lang, TEXTS[lang]["dir"]) for lang in langs
    ]
    for section, lang in zip(sections, langs, strict=True):
        assert section.xpath("./h1/text()") == [DOCUMENT_TEXTS[lang]["statement"]]
        assert {table.get("dir") for table in section.xpath(".//table[@class]")} == {
            TEXTS[lang]["dir"]
        }
        # Its own head and foot, so that every page has them in its language.
        assert (
            DOCUMENT_TEXTS[lang]["page"]
            in section.xpath("./div[@class='foot']")[0].text_content()
        )
        assert COMPANY["trn"] in section.xpath("./div[@class='head']")[0].text_content()
        assert "<b>" in section.text_content()  # a name is text
    if langs == ("en",):
        assert not any(
            "\u0600" <= sign <= "\u06ff"
            for sign in page.text_content()
            .replace(CUSTOMER["name"], "")
            .split("}", 1)[1]
            .rpartition("}")[2]
        )


def test_currencies_have_a_table_each():
    page = tree(
        statement.statement_html(
            make(
                item(), item(2, "50", currency="USD"), item(3, "7"), item(4, "-10.00")
            ),
            ("en",),
        )
    )
    assert page.xpath("//tr[@class='total']//bdi/text()") == [
        "AED\u00a097.00",
        "USD\u00a050.00",
    ]
    assert len(page.xpath("//table[@class='ages']")) == 2


def test_an_account_without_anything_open():
    assert DOCUMENT_TEXTS["en"]["nothing"] in statement.statement_html(make(), ("en",))
    assert statement.statement_xlsx(make(), ("en",))[:2] == b"PK"


def cells(book: bytes, sheet=1) -> dict[str, str]:
    """Cell → its text or number."""
    space = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        strings = [
            "".join(entry.itertext())
            for entry in etree.fromstring(archive.read("xl/sharedStrings.xml"))
        ]
        found = {}
        for cell in etree.fromstring(
            archive.read(f"xl/worksheets/sheet{sheet}.xml")
        ).iterfind(".//m:c", space):
            assert cell.find("m:f", space) is None, "a text became a formula"
            value = cell.findtext("m:v", "", space)
            found[cell.get("r")] = (
                strings[int(value)] if cell.get("t") == "s" else value
            )
    return found


def test_spreadsheet():
    book = statement.statement_xlsx(
        make(item(1, "1234.50", days=45), item(2, "-30.00")), ("en",)
    )
    found = cells(book)
    assert found["A1"].startswith("Statement of account: ")
    assert list(found.values())[2:9] == [
        "Invoice",
        "Date",
        "Due date",
        "Days overdue",
        "Amount",
        "Open amount",
        "Currency",
    ]
    assert (found["A5"], found["D5"], float(found["F5"]), found["G5"]) == (
        "INV/2026/00001",
        "45",
        1234.5,
        "AED",
    )
    assert (found["A6"], float(found["F6"])) == ("Credit INV/2026/00002", -30)
    assert float(found["F7"]) == 1204.5
    assert book == statement.statement_xlsx(
        make(item(1, "1234.50", days=45), item(2, "-30.00")), ("en",)
    ), "the same twice"


def test_spreadsheet_in_arabic_reads_from_the_right():
    book = statement.statement_xlsx(make(item()), ("ar", "en"))
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        assert b'rightToLeft="1"' in archive.read("xl/worksheets/sheet1.xml")
        assert b"rightToLeft" not in archive.read("xl/worksheets/sheet2.xml")
        assert "كشف حساب" in archive.read("xl/workbook.xml").decode()
    assert cells(book)["A4"] == "الفاتورة" and cells(book, 2)["A4"] == "Invoice"


@pytest.mark.parametrize(
    "name",
    ['=HYPERLINK("http://evil")', "+1", "@SUM(A1)", "http://evil.example/", "<b>&"],
)
def test_names_are_text_in_the_spreadsheet(name):
    found = cells(
        statement.statement_xlsx(
            make(
                Item(name, None, None, 3, Decimal(1), Decimal(1), "AED"),
                customer={"name": name},
            ),
            ("en",),
        )
    )
    assert found["A5"] == name and name in found["A1"]


# -- letter
# --------------------------------------------------------------------------------------
def data(**values) -> MessageData:
    return MessageData(
        **{
            "company": COMPANY,
            "customer_name": "Al Noor",
            "contact_name": "",
            "items": (item(), item(2)),
            "today": TODAY,
            "bank": {"iban": "AE070331234567890123456", "name": "Bank"},
            "payment_reference": "REF/1",
        }
        | values
    )


@pytest.mark.parametrize(
    ("preference", "langs"), [("en", ["en"]), ("ar", ["ar"]), ("both", ["ar", "en"])]
)
def test_letter(preference, langs):
    page = tree(letter.letter_html(data(), SOURCES, preference, CUSTOMER))
    sections = page.xpath("//section")
    assert [section.get("lang") for section in sections] == langs
    for section, lang in zip(sections, langs, strict=True):
        words = section.text_content()
        for part in (
            "INV/2026/00001",
            "INV/2026/00002",
            "200.00",
            "AE070331234567890123456",
            CUSTOMER["trn"],
            "REF/1",
            CUSTOMER["name"],
        ):
            assert part in words
        assert ("السادة/" in words and "المحترمين" in words) is (lang == "ar")
        assert section.xpath(".//bdi[@dir='ltr'][text()='INV/2026/00001']")


EUROS = "DE89370400440532013000"
DIRHAMS = "AE070331234567890123456"
BANKS = (("AED", {"iban": DIRHAMS}), ("EUR", {"iban": EUROS}))


def test_accounts_and_reference_on_paper():
    """Each account with what it is for, and the one reference of the message; in letter
    and statement, in both languages."""
    mixed = (item(), item(2, currency="EUR"))
    for html in (
        letter.letter_html(data(items=mixed, banks=BANKS), SOURCES, "both", CUSTOMER),
        statement.statement_html(
            make(*mixed, banks=BANKS, payment_reference="REF/1"), ("ar", "en")
        ),
    ):
        sections = tree(html).xpath("//section")
        assert len(sections) == 2
        for section in sections:
            lang = section.get("lang")
            rows = [
                [cell.text_content() for cell in row]
                for row in section.xpath(".//table[@class='bank']//tr")
            ]
            texts = TEXTS[lang]
            purpose, iban = texts["pay_for"], texts["iban"]
            wanted = [row for row in rows if row[0] in (purpose, iban)]
            assert wanted == [
                [purpose, "AED"],
                [iban, DIRHAMS],
                [purpose, "EUR"],
                [iban, EUROS],
            ]
            assert rows[-1] == [texts["reference"], "REF/1"]


def test_post_dated_cheque_on_paper():
    """A cheque in hand is taken off, and says from when, in statement and letter."""
    cheque = item(
        9,
        "-40.00",
        days=-30,
        invoice_date=date(2026, 12, 21),
        date_due=None,
    )
    for html in (
        letter.letter_html(data(credits=(cheque,)), SOURCES, "both", CUSTOMER),
        statement.statement_html(make(item(), cheque), ("ar", "en")),
    ):
        for section in tree(html).xpath("//section"):
            words = {"en": "dated 21 Dec 2026", "ar": "بتاريخ 21 ديسمبر 2026"}
            assert words[section.get("lang")] in section.text_content()


def test_reference_on_paper_without_an_account():
    for html in (
        letter.letter_html(data(bank={}), SOURCES, "en", CUSTOMER),
        statement.statement_html(make(item(), payment_reference="REF/1"), ("en",)),
    ):
        page = tree(html)
        assert page.xpath("//table[@class='bank']//bdi/text()") == ["REF/1"]
        assert DOCUMENT_TEXTS["en"]["transfer"] not in page.text_content()


def test_letter_tells_of_other_credits_and_of_what_we_owe():
    told = data(
        other_credits=(item(9, "-500.00", currency="USD"),),
        payables={("AED", 2): Decimal(400)},
    )
    page = tree(letter.letter_html(told, SOURCES, "both", CUSTOMER))
    for section in page.xpath("//section"):
        words = section.text_content().replace("\xa0", " ")
        assert words.count("500.00") == words.count("400.00") == 1
        assert "200.00" in words


def test_letter_to_a_person():
    person = CUSTOMER | {"name": "Ali Hassan", "is_company": ""}
    words = tree(letter.letter_html(data(), SOURCES, "ar", person)).text_content()
    assert "حضرة Ali Hassan المحترم/ة" in words
    assert "السادة" not in words


def test_letter_falls_back_to_the_language_it_has():
    page = tree(letter.letter_html(data(), {"en": SOURCES["en"]}, "ar", CUSTOMER))
    assert page.xpath("//section/@lang") == ["en"]


def test_letter_with_a_broken_text():
    with pytest.raises(TemplateProblem):
        letter.letter_html(data(), {"en": ("x", "{{ nothing }}")}, "en", CUSTOMER)


# -- PDF
# --------------------------------------------------------------------------------------
needs_engine = pytest.mark.skipif(
    not pdf.is_available(), reason="WeasyPrint is not installed"
)


@needs_engine
@pytest.mark.parametrize("langs", [("en",), ("ar", "en")])
def test_pdf(langs):
    content = pdf.make_pdf(
        statement.statement_html(make(item(), item(2, "-5.00")), langs)
    )
    assert content.startswith(b"%PDF-")
    assert content.count(b"/Type /Page\n") + content.count(
        b"/Type /Page/"
    ) + content.count(b"/Type /Page ") <= len(langs)


@needs_engine
def test_nothing_is_fetched(monkeypatch, caplog):
    import socket

    def refuse(*_args, **_options):
        raise AssertionError("the network was touched")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    html = (
        "<p>x</p><img src='http://127.0.0.1:9/x.png'><img "
        "src='file:///etc/passwd'><link rel=stylesheet href='http://127.0.0.1:9/x.css'>"
    )
    assert pdf.make_pdf(html).startswith(b"%PDF-")
    assert "disallowed protocol" in caplog.text


def test_without_the_library(monkeypatch):
    import sys

    pdf._load.cache_clear()
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    try:
        assert not pdf.is_available()
        with pytest.raises(pdf.NoEngine):
            pdf.make_pdf("<p>x</p>")
    finally:
        pdf._load.cache_clear()


def test_the_mimetype_of_a_spreadsheet():
    assert Document("statement", "x.xlsx", b"", XLSX).as_attachment().mimetype == XLSX


# -- drawings
# --------------------------------------------------------------------------------------
def make_letter(*items, **values) -> Drawing:
    data = MessageData(
        company=COMPANY,
        customer_name="Al Noor",
        contact_name="",
        today=TODAY,
        items=items,
    )
    return Drawing(
        **{
            "name": "l.pdf",
            "source": Letter(data, SOURCES, CUSTOMER),
            "preference": "en",
        }
        | values
    )


def test_drawings_are_equal_when_they_say_the_same():
    assert make_letter(item()) == make_letter(item())
    assert Drawing("s.pdf", make(item()), "en") == Drawing("s.pdf", make(item()), "en")
    for other in (
        make_letter(item(residual="99.99")),
        make_letter(item(), item(2)),
        make_letter(item(), preference="ar"),
        make_letter(item(days=11)),
    ):
        assert make_letter(item()) != other
    assert Drawing("s.pdf", make(item()), "en") != Drawing(
        "s.pdf", make(item()), "en", "xlsx"
    )
    assert Drawing("s.pdf", make(item()), "en") != Drawing(
        "s.pdf", make(item(), payment_reference="X"), "en"
    )


def test_draw(monkeypatch):
    monkeypatch.setattr(pdf, "make_pdf", str.encode)
    letter_file = make_letter(item()).draw()
    assert (letter_file.kind, letter_file.name, letter_file.mimetype) == (
        "letter",
        "l.pdf",
        "application/pdf",
    )
    assert "Dear Sir or Madam" in letter_file.content.decode()
    statement_file = Drawing("s.pdf", make(item()), "both").draw()
    assert statement_file.kind == "statement"
    assert DOCUMENT_TEXTS["ar"]["statement"] in statement_file.content.decode()
    book = Drawing("s.xlsx", make(item()), "en", "xlsx").draw()
    assert (book.kind, book.mimetype, book.content[:2]) == ("statement", XLSX, b"PK")
