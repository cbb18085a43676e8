"""The whole message, as the customer gets it."""

import re
import socket
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from core.letter import localize
from core.letter.html_layout import contrast, get_colors
from core.letter.render import (
    MAX_ROWS,
    MAX_SIZE,
    Item,
    LinkBook,
    MessageData,
    compose,
    languages,
)
from core.letter.sanitize import sanitize
from core.letter.template_language import TemplateProblem
from core.letter.texts import TEXTS
from lxml import etree
from lxml import html as lxml_html

TODAY = date(2026, 11, 21)
COMPANY = {
    "name": "POP Trading LLC",
    "address": "Office 5\nDubai",
    "trn": "100123456700003",
    "phone": "+971 4 123 4567",
    "email": "accounts@pop.example",
    "website": "https://pop.example",
    "color": "#0b5cad",
}
BODY = (
    "<p>Dear {{ contact_name }},</p><p>{{ invoice_table }}</p>"
    "<p>Total <strong>{{ total_due }}</strong></p><p>{{ pay_button }}</p>"
)
BODY_AR = (
    "<p>السادة {{ contact_name }}،</p><p>{{ invoice_table }}</p><p>الإجمالي "
    "{{ total_due }}</p><p>{{ pay_button }}</p>"
)
SOURCES = {
    "en": ("Reminder {{ total_due }}", BODY),
    "ar": ("تذكير {{ total_due }}", BODY_AR),
}
PREFIX = "https://odoo.example/chaser/c/TOKEN/"


def item(index=1, residual="100.00", **values) -> Item:
    defaults = {
        "number": f"INV/2026/{index:05d}",
        "invoice_date": date(2026, 9, 1),
        "date_due": date(2026, 10, 1) + timedelta(days=index % 20),
        "days_overdue": 51 - index % 20,
        "amount": Decimal("150.00"),
        "residual": Decimal(residual),
        "currency": "AED",
        "url": f"https://odoo.example/my/invoices/{index}?access_token=abc&x={index}",
    }
    return Item(**defaults | values)


def data(count=2, **values) -> MessageData:
    defaults = {
        "company": COMPANY,
        "customer_name": "Gulf Foods LLC",
        "contact_name": "Ali Hassan",
        "today": TODAY,
        "items": tuple(item(number) for number in range(1, count + 1)),
        "unsubscribe_url": "https://odoo.example/chaser/u/TOKEN",
        "pixel_url": "https://odoo.example/chaser/o/TOKEN.gif",
    }
    return MessageData(**defaults | values)


def tree(rendered):
    return lxml_html.document_fromstring(rendered.html)


def hrefs(rendered):
    return [
        anchor.get("href") for anchor in tree(rendered).iter("a") if anchor.get("href")
    ]


def body_of(rendered):
    return tree(rendered).xpath("//td[starts-with(@class, 'part')]")[0]


# -- languages
# --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("preference", "langs", "root"),
    [("en", ("en",), "ltr"), ("ar", ("ar",), "rtl"), ("both", ("ar", "en"), "rtl")],
)
def test_language_and_direction(preference, langs, root):
    rendered = compose(data(), SOURCES, preference)
    page = tree(rendered)
    assert rendered.langs == langs == languages(preference)
    assert (page.get("lang"), page.get("dir")) == (langs[0], root)
    assert (page.body.get("lang"), page.body.get("dir")) == (langs[0], root)
    assert page.xpath("//table[@class='canvas']/@dir") == [root]
    direction = {"en": "ltr", "ar": "rtl"}
    for name in ("part", "foot"):
        cells = page.xpath(f"//td[starts-with(@class, '{name}')]")
        assert [(cell.get("lang"), cell.get("dir")) for cell in cells] == [
            (lang, direction[lang]) for lang in langs
        ]
    tables = page.xpath("//table[@class='items']")
    assert [(table.get("lang"), table.get("dir")) for table in tables] == [
        (lang, direction[lang]) for lang in langs
    ]
    for table, lang in zip(tables, langs, strict=True):
        cells = table.xpath(".//td | .//th")
        assert {cell.get("dir") for cell in cells} == {direction[lang]}
        assert all(cell.get("align") for cell in cells)


def test_each_part_is_in_its_language_only():
    english, arabic = compose(data(), SOURCES, "en"), compose(data(), SOURCES, "ar")
    assert not re.search(
        "[\u0600-\u06ff]", english.html + english.text + english.subject
    )
    visible = body_of(arabic).text_content()
    assert (
        "الفاتورة" in visible
        and "إجمالي المبلغ المستحق" in visible
        and "درهم" in visible
    )
    assert not re.search(
        r"\b(Invoice|Due date|Days overdue|Total due|View and pay|AED)\b",
        tree(arabic).body.text_content() + arabic.text,
    )
    assert arabic.subject == "تذكير 200.00\u00a0درهم".replace("\u00a0", " ")


def test_both_subjects_and_texts():
    rendered = compose(data(), SOURCES, "both")
    assert rendered.subject == "تذكير 200.00 درهم · Reminder AED 200.00"
    arabic, english = rendered.text.split("\n\n----------\n\n")
    assert "السادة" in arabic and "Dear Ali Hassan" in english


@pytest.mark.parametrize(
    ("available", "preference", "langs"),
    [
        (("en",), "ar", ("en",)),
        (("en",), "both", ("en",)),
        (("ar",), "both", ("ar",)),
        (("ar",), "en", ("ar",)),
    ],
)
def test_a_missing_language_falls_away(available, preference, langs):
    assert (
        compose(data(), {lang: SOURCES[lang] for lang in available}, preference).langs
        == langs
    )


def test_numbers_keep_their_direction():
    for preference in ("en", "ar"):
        page = tree(compose(data(), SOURCES, preference))
        rows = page.xpath("//table[@class='items']/tbody/tr[not(@class='total')]")
        assert len(rows) == 2
        for number, row in enumerate(rows, 1):
            assert row.xpath(".//bdi[@dir='ltr']/text()") == [
                f"INV/2026/{number:05d}",
                "150.00",
            ]
            assert len(row.xpath("./td/bdi[not(@dir)]")) == 1
        footer = page.xpath("//td[@class='foot']//bdi[@dir='ltr']/text()")
        assert footer[-2:] == [COMPANY["trn"], COMPANY["phone"]]
    assert "\u2066INV/2026/00001\u2069" in compose(data(), SOURCES, "ar").text


# -- links
# --------------------------------------------------------------------------------------
LINKED = (
    BODY
    + '<p><a href="https://pop.example/bank?a=1&amp;b=2">bank</a> '
    + '<a href="mailto:a@pop.example">mail</a> <a href="tel:+9714">call</a></p>'
)


@pytest.mark.parametrize("preference", ["en", "ar", "both"])
def test_every_link_is_tracked_and_positions_match(preference):
    sources = {
        lang: (subject, body + LINKED[len(BODY) :])
        for lang, (subject, body) in SOURCES.items()
    }
    rendered = compose(data(3), sources, preference, PREFIX)
    tracked = [
        link
        for link in hrefs(rendered)
        if link.startswith(PREFIX) and link != PREFIX + "0"
    ]
    assert sorted(tracked, key=lambda link: int(link.removeprefix(PREFIX))) == [
        f"{PREFIX}{n}" for n in range(1, len(rendered.targets) + 1)
    ]
    parts = 2 if preference == "both" else 1
    assert len(rendered.targets) == parts * (
        3 + 1 + 1
    )  # rows, button, the template's own
    rest = set(hrefs(rendered)) - set(tracked)
    assert rest == {
        PREFIX + "0",
        "mailto:a@pop.example",
        "tel:+9714",
        "https://odoo.example/chaser/u/TOKEN",
    }
    for anchor in tree(rendered).xpath("//table[@class='items']//a"):
        number = int(anchor.text_content()[-5:])
        assert (
            rendered.targets[int(anchor.get("href").removeprefix(PREFIX)) - 1]
            == item(number).url
        )
    for anchor in tree(rendered).xpath("//a[text()='bank']"):
        assert (
            rendered.targets[int(anchor.get("href").removeprefix(PREFIX)) - 1]
            == "https://pop.example/bank?a=1&b=2"
        )


def test_hidden_link_cannot_be_seen():
    (anchor,) = tree(compose(data(), SOURCES, "both", PREFIX)).xpath(
        f"//a[@href='{PREFIX}0']"
    )
    assert (
        "display: none" in anchor.get("style")
        and anchor.get("aria-hidden") == "true"
        and not anchor.text_content()
    )


def test_without_prefix_nothing_is_tracked():
    rendered = compose(data(), {"en": ("s", LINKED)}, "en")
    assert rendered.targets == ()
    assert "aria-hidden" not in rendered.html
    assert {item(1).url, item(2).url, "https://pop.example/bank?a=1&b=2"} <= set(
        hrefs(rendered)
    )


@pytest.mark.parametrize("preference", ["en", "both"])
def test_without_pixel_no_image(preference):
    assert tree(compose(data(), SOURCES, preference)).xpath(
        "//img[@width='1']/@src"
    ) == ["https://odoo.example/chaser/o/TOKEN.gif"]
    assert not tree(compose(data(pixel_url=""), SOURCES, preference)).xpath("//img")


EVIL_LINKS = [
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    " javascript:alert(1)",
    "java\nscript:alert(1)",
    "&#106;avascript:alert(1)",
    "data:text/html,x",
    "vbscript:x",
    "//evil.example",
    "/relative",
    "file:///etc/passwd",
    "javascript&colon;alert(1)",
]


@pytest.mark.parametrize("link", EVIL_LINKS)
@pytest.mark.parametrize(
    "form", ['<a href="%s">x</a>', "<A HREF='%s'>x</A>", '<a class=y href="%s">x</a>']
)
@pytest.mark.parametrize("prefix", ["", PREFIX])
def test_other_schemes_are_neutralised(link, form, prefix):
    rendered = compose(
        data(items=(), pixel_url=""), {"en": ("s", form % link)}, "en", prefix
    )
    assert set(hrefs(rendered)) <= {PREFIX + "0", "https://odoo.example/chaser/u/TOKEN"}
    assert "alert(1)" not in rendered.text and rendered.targets == ()


@pytest.mark.parametrize("prefix", ["", PREFIX])
def test_other_schemes_in_values_are_neutralised(prefix):
    company = COMPANY | {"website": "javascript:alert(1)"}
    evil = data(company=company, items=(item(url="javascript:alert(1)"),))
    rendered = compose(
        evil,
        {"en": ("s", BODY + '<a href="{{ company_website }}">site</a>')},
        "en",
        prefix,
    )
    assert "javascript" not in "".join(hrefs(rendered)) + "".join(rendered.targets)


def test_link_book():
    book = LinkBook(PREFIX)
    assert [
        book.link(target)
        for target in ("https://a", "", "mailto:x", "HTTP://b", "https://a")
    ] == [
        PREFIX + "1",
        "",
        "mailto:x",
        PREFIX + "2",
        PREFIX + "3",
    ]
    assert book.targets == ["https://a", "HTTP://b", "https://a"]


# -- names
# --------------------------------------------------------------------------------------
NAMES = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"Quote\'s" & Co. <b>',
    "محمد \u200f(دبي)\u200e LLC",
    "😀 Trading 🏢",
    "{{ iban }} {% if %}",
    "a]]>b<!--c",
    "[[[invoice_table]]] [[[",
    "%s %(count)s {0}",
    "</td></tr></table>",
    "100% & more",
    "\\0 \\1 \\g<0>",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("preference", ["en", "both"])
def test_hostile_names_are_shown_as_they_are(name, preference):
    sources = {
        lang: (subject + " {{ customer_name }}", "<p>{{ customer_name }}</p>" + body)
        for lang, (subject, body) in SOURCES.items()
    }
    evil = data(
        1,
        customer_name=name,
        contact_name=name,
        company=COMPANY | {"name": name, "address": name},
        items=(item(number=name),),
    )
    rendered = compose(evil, sources, preference, PREFIX)
    page = tree(rendered)
    assert not page.xpath("//script | //img[not(@width='1')] | //*[@onerror]")
    shown = page.xpath("//td[starts-with(@class, 'part')]/p[1]")[-1].text_content()
    assert shown.removeprefix("\u2068").removesuffix("\u2069") == name
    assert (
        page.xpath("//table[@class='items']//bdi[@dir='ltr']")[0].text_content() == name
    )
    assert page.xpath("//td[@class='head']/bdi")[0].text_content() == name
    assert name in rendered.subject
    assert rendered.text.count(name) >= 3
    assert len(page.xpath("//table[@class='items']")) == len(rendered.langs)


def test_line_breaks_in_names_stay_on_the_line():
    evil = data(
        1,
        customer_name="Good\r\nBcc: x@y.ae\u2028Evil",
        contact_name="Good\r\nBcc: x@y.ae",
    )
    rendered = compose(
        evil,
        {"en": ("Reminder {{ customer_name }}", "<p>{{ contact_name }}</p>")},
        "en",
    )
    assert rendered.subject == "Reminder Good Bcc: x@y.ae Evil"


@pytest.mark.parametrize("character", ["\x00", "\x0b", "\x1f", "\ufffe", "\u202e"])
def test_control_characters_do_not_stop_the_message(character):
    rendered = compose(data(1, contact_name=f"A{character}B"), SOURCES, "both")
    assert "INV/2026/00001" in rendered.text and "INV/2026/00001" in rendered.html


def test_a_broken_template_is_a_template_problem():
    with pytest.raises(TemplateProblem):
        compose(data(), {"en": ("{{ nothing }}", BODY)}, "en")


# -- amounts
# --------------------------------------------------------------------------------------
def test_small_and_large_amounts():
    items = (
        item(1, "0.001", currency="KWD", decimals=3),
        item(2, "1234567890.123", currency="KWD", decimals=3),
    )
    english, arabic = (
        compose(data(items=items), SOURCES, lang) for lang in ("en", "ar")
    )
    for rendered, parts in (
        (english, ("KWD\u00a00.001", "KWD\u00a01,234,567,890.124")),
        (arabic, ("0.001\u00a0دينار كويتي", "1,234,567,890.124\u00a0")),
    ):
        for part in parts:
            assert part in body_of(rendered).text_content()
            assert part in rendered.text
    assert english.subject == "Reminder KWD 1,234,567,890.124"


def test_currencies_are_never_summed():
    items = (
        item(1, "100"),
        item(2, "50", currency="USD"),
        item(3, "7", currency="JPY", decimals=0),
        item(4, "20"),
    )
    rendered = compose(data(items=items), SOURCES, "en")
    assert rendered.subject == "Reminder AED 120.00 and JPY 7 and USD 50.00"
    totals = tree(rendered).xpath("//tr[@class='total']//bdi/text()")
    assert totals == ["AED\u00a0120.00", "JPY\u00a07", "USD\u00a050.00"]
    assert "177" not in rendered.html and "177" not in rendered.text
    assert compose(data(items=items), SOURCES, "ar").subject.count(" و") == 2


def test_credits_are_shown_and_taken_off():
    credit = item(9, "-30.00", number="RINV/9", date_due=None, days_overdue=0, url="")
    rendered = compose(
        data(credits=(credit,)), {"en": ("{{ credit_total }}", BODY)}, "en"
    )
    assert rendered.subject == "AED 30.00"
    (row,) = tree(rendered).xpath("//tr[@class='credit']")
    assert (
        "Credit" in row.text_content()
        and "RINV/9" in row.text_content()
        and "AED\u00a0-30.00" in row.text_content()
    )
    assert "not due" not in row.text_content()
    assert (
        "Credit RINV/9" in rendered.text
        and "Total due: AED\u00a0170.00" in rendered.text
    )


def test_every_row_says_what_it_must():
    (row,) = tree(compose(data(1), SOURCES, "en")).xpath(
        "//table[@class='items']/tbody/tr[not(@class)]"
    )
    assert [" ".join(cell.text_content().split()) for cell in row] == [
        "INV/2026/00001",
        "1 Sep 2026",
        "2 Oct 2026",
        "50",
        "150.00",
        "AED 100.00",
    ]


def test_not_yet_due():
    assert (
        "not due yet"
        in compose(data(items=(item(days_overdue=0),)), SOURCES, "en").text
    )


def test_the_button_leads_to_the_oldest_invoice():
    items = (
        item(1, date_due=date(2026, 10, 9)),
        item(2, date_due=date(2026, 8, 1)),
        item(3, date_due=date(2026, 7, 1), url=""),
    )
    (button,) = tree(compose(data(items=items), SOURCES, "en")).xpath(
        "//a[@class='button']"
    )
    assert (
        button.get("href") == items[1].url
        and button.text == "View and pay the oldest invoice"
    )
    (button,) = tree(compose(data(1), SOURCES, "en")).xpath("//a[@class='button']")
    assert button.text == "View and pay"
    assert not tree(compose(data(items=(item(url=""),)), SOURCES, "en")).xpath(
        "//a[@class='button']"
    )


# -- size and form
# --------------------------------------------------------------------------------------
@pytest.mark.parametrize("preference", ["en", "ar", "both"])
@pytest.mark.parametrize("prefix", ["", PREFIX])
@pytest.mark.parametrize("count", [60, 200])
def test_large_messages_stay_small_and_say_what_is_cut(count, prefix, preference):
    """The widest rows that occur: dinars, nine digits, long numbers, portal links with
    their access tokens."""
    rows = tuple(
        item(
            index,
            "123456789.125",
            amount=Decimal("123456789.125"),
            currency="KWD",
            decimals=3,
            number=f"INVOICE/DXB/2026/{index:08d}",
            url=f"https://odoo.pop-trading.example/my/invoices/{index}?"
            f"access_token={'a' * 36}",
        )
        for index in range(1, count + 1)
    )
    credit = item(9, "-0.125", number="RINV/9", url="", currency="KWD", decimals=3)
    rendered = compose(data(items=rows, credits=(credit,)), SOURCES, preference, prefix)
    assert len(rendered.html.encode()) < 100_000
    shown = tree(rendered).xpath(
        "//table[@class='items']/tbody/tr[td[contains(@class, 'wide')]]"
    )
    limit = len(shown) // len(rendered.langs)
    assert 45 <= limit <= MAX_ROWS and (limit == MAX_ROWS or preference == "both")
    cut = count + 1 - limit
    english = localize.plural(cut, "en", TEXTS["en"]["more_items"])
    arabic = localize.plural(cut, "ar", TEXTS["ar"]["more_items"])
    for lang, sentence in (("en", english), ("ar", arabic)):
        assert (
            (sentence in rendered.html)
            is (sentence in rendered.text)
            is (lang in rendered.langs)
        )
    # The credit stays, because it is part of the total.
    assert len(tree(rendered).xpath("//tr[@class='credit']")) == len(rendered.langs)
    assert "RINV/9" in rendered.text
    assert (
        f"{Decimal('123456789.125') * count - Decimal('0.125'):,}" in rendered.subject
    )


def test_sixty_rows_are_all_there():
    rendered = compose(data(60), SOURCES, "en")
    assert "more invoice" not in rendered.html
    assert all(
        one.number in rendered.html and one.number in rendered.text
        for one in data(60).items
    )


def test_css_is_inlined_and_dark_mode_kept():
    rendered = compose(data(), SOURCES, "both")
    assert all(
        "background-color" in cell.get("style")
        for cell in tree(rendered).xpath("//table[@class='items']//th")
    )
    assert all(
        "margin" in paragraph.get("style")
        for paragraph in body_of(rendered).xpath(".//p")
    )
    assert (
        "prefers-color-scheme: dark" in rendered.html
        and "max-width: 520px" in rendered.html
    )
    assert rendered.html.lower().startswith("<!doctype html>")
    assert "http://" not in rendered.html  # nothing is fetched but what we put in


def test_text_part_is_complete_and_readable():
    rendered = compose(data(), SOURCES, "en", PREFIX)
    text = rendered.text
    assert not re.search(r"<[a-z/]|&[a-z]+;|[\ue000\x02\x03]|\{\{|\n{3}", text)
    for part in (
        "Dear Ali Hassan,",
        "INV/2026/00001",
        "2 Oct 2026",
        "INV/2026/00001 | 2 Oct 2026 | 50           | AED\u00a0100.00\n  https://odoo.example/my/invoices/1",
        "Total due: AED\u00a0200.00",
        item(1).url,
        COMPANY["name"],
        "Office 5, Dubai",
        COMPANY["trn"],
        COMPANY["phone"],
        "https://odoo.example/chaser/u/TOKEN",
    ):
        assert part in text
    assert PREFIX not in text
    assert (
        text.index("Dear")
        < text.index("INV/2026/00001")
        < text.index("Total due:")
        < text.index("View and pay")
        < text.index("-- ")
    )


def test_text_part_keeps_links_lists_and_line_breaks():
    body = (
        "<p>One<br>Two</p><ul><li>first</li><li>second</li></ul><p><a "
        'href="https://pop.example/x">here</a>, <a href="https://b.ae">https://b.ae</a></p>'
    )
    text = compose(data(), {"en": ("s", body)}, "en").text
    assert "One\nTwo" in text and "- first\n- second" in text.replace("\n\n", "\n")
    assert "here (https://pop.example/x), https://b.ae" in text


def test_block_in_a_paragraph_does_not_break_the_html():
    for body in (
        "<p>{{ invoice_table }}</p>",
        "<p style='x'> {{invoice_table}} <br/></p>",
        "<div>{{ invoice_table }}</div>",
    ):
        page = tree(compose(data(), {"en": ("s", body)}, "en"))
        assert len(page.xpath("//table[@class='items']/tbody/tr")) == 3
        assert not page.xpath("//p[not(node())]")


def test_without_unsubscribe_link():
    rendered = compose(data(unsubscribe_url=""), SOURCES, "both")
    assert "Stop reminders" not in rendered.html + rendered.text


def test_plain_values():
    source = (
        "{{ invoice_count }}|{{ invoice_numbers }}|{{ oldest_invoice }}|{{ "
        "oldest_due_date }}|"
        "{{ days_overdue }}|{{ today }}|{{ level_name }}"
    )
    values = data(
        12,
        level_name={"en": "Firm", "ar": "حازم"},
        bank={"iban": "AE07"},
        payment_reference="REF",
    )
    english, arabic = (
        compose(
            values,
            {lang: (source + "|{{ iban }}|{{ payment_reference }}", "<p>x</p>")},
            lang,
        ).subject
        for lang in ("en", "ar")
    )
    numbers = ", ".join(f"INV/2026/{number:05d}" for number in range(1, 11)) + " …"
    assert (
        english
        == f"12|{numbers}|INV/2026/00001|2 Oct 2026|50|21 Nov 2026|Firm|AE07|REF"
    )
    assert arabic == (
        f"12|\u2066{numbers}\u2069|\u2066INV/2026/00001\u2069|2 أكتوبر 2026|50|21 "
        "نوفمبر 2026|"
        "حازم|\u2066AE07\u2069|\u2066REF\u2069"
    )


def test_no_items_at_all():
    assert compose(data(items=()), SOURCES, "both", PREFIX).targets == ()


# -- the customer's page
# --------------------------------------------------------------------------------------
PAGE = "https://odoo.example/chaser/p/TOKEN"


@pytest.mark.parametrize("preference", ["en", "ar", "both"])
def test_the_button_leads_to_the_customers_page_and_takes_his_answers(preference):
    rendered = compose(data(3, page_url=PAGE), SOURCES, preference, PREFIX)

    def target_of(anchor):
        return rendered.targets[int(anchor.get("href").removeprefix(PREFIX)) - 1]

    for part, lang in zip(
        tree(rendered).xpath("//td[@class='part']"), rendered.langs, strict=True
    ):
        (button,) = part.xpath(".//a[@class='button']")
        assert (button.text, target_of(button)) == (TEXTS[lang]["view_page"], PAGE)
        for name in ("promise", "dispute"):
            (answer,) = part.xpath(
                f".//p[@class='answers']/a[text()='{TEXTS[lang][name]}']"
            )
            assert target_of(answer) == f"{PAGE}#{name}"
        rows = part.xpath(".//table[@class='items']//a")
        assert [target_of(row) for row in rows] == [
            item(number).url for number in (1, 2, 3)
        ]
    for line in (f"{PAGE}\n", f"{PAGE}#promise\n", f"{PAGE}#dispute"):
        assert rendered.text.count(line) == len(rendered.langs)


def test_without_a_page_nothing_leads_to_it():
    rendered = compose(data(3), SOURCES, "both", PREFIX)
    assert not re.search("#promise|#dispute", rendered.text + "".join(rendered.targets))
    assert not tree(rendered).xpath("//p[@class='answers']")


def test_what_is_cut_is_on_the_customers_page():
    rendered = compose(data(70, page_url=PAGE), SOURCES, "en", PREFIX)
    (anchor,) = tree(rendered).xpath("//table[@class='items']//td[@colspan='6']/a")
    assert anchor.text == "and 10 more invoices; the total includes them."
    assert rendered.targets[int(anchor.get("href").removeprefix(PREFIX)) - 1] == PAGE
    assert f"the total includes them. {PAGE}\n" in rendered.text


# -- colours, inbox, images
# --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "color",
    [
        "#ffff00",
        "#714B67",
        "#000000",
        "#ffffff",
        "#777777",
        "#0b5cad",
        "#ff6600",
        "",
        "red;x:y",
        "#12",
    ],
)
def test_text_on_the_company_color_can_be_read(color):
    colors = get_colors(color)
    assert re.fullmatch("#[0-9a-fA-F]{6}", colors["brand"])
    assert contrast(colors["brand"], colors["on_brand"]) >= 4.5
    (button,) = tree(
        compose(data(company=COMPANY | {"color": color}), SOURCES, "en")
    ).xpath("//a[@class='button']")
    assert f"color: {colors['on_brand']}" in button.get("style")
    assert button.getparent().get("bgcolor") == colors["brand"]


def test_contrast_of_the_fixed_colors():
    """Text on its background, light and dark (WCAG 2 AA: 4.5:1)."""
    html = compose(data(credits=(item(9, "-1.00"),)), SOURCES, "en").html
    for text, background in (
        ("#1f2937", "#ffffff"),
        ("#1f2937", "#f3f4f6"),
        ("#374151", "#e5e7eb"),
        ("#4b5563", "#ffffff"),
        ("#6b7280", "#ffffff"),
        ("#0b5cad", "#ffffff"),
        ("#0b5cad", "#f3f4f6"),
        ("#374151", "#f3f4f6"),
        ("#e5e7eb", "#1e293b"),
        ("#e5e7eb", "#334155"),
        ("#e5e7eb", "#27364b"),
        ("#cbd5e1", "#1e293b"),
        ("#93c5fd", "#1e293b"),
        ("#93c5fd", "#27364b"),
        ("#a8b3c4", "#1e293b"),
    ):
        assert text in html and contrast(text, background) >= 4.5, (text, background)


def test_contrast_is_that_of_wcag():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert contrast("#ffffff", "#ffffff") == 1


def test_dark_mode_of_mail_programs_and_of_outlook_com():
    styles = tree(compose(data(), SOURCES, "en")).xpath("//style/text()")
    assert (
        len(styles) == 2
        # Gmail drops a style block with selectors it does not know, so these have one
        # of their own
    )
    assert "prefers-color-scheme: dark" in styles[0] and "[data-ogs" not in styles[0]
    assert "[data-ogsc]" in styles[1] and "[data-ogsb]" in styles[1]


@pytest.mark.parametrize(
    ("count", "english", "arabic"),
    [
        (
            1,
            "One invoice, AED\u00a0100.00, due since 2 Oct 2026.",
            "فاتورة واحدة بمبلغ 100.00\u00a0درهم، مستحقة منذ 2 أكتوبر 2026.",
        ),
        (2, "2 invoices, AED\u00a0200.00 in all,", "فاتورتان بإجمالي"),
        (3, "3 invoices, AED\u00a0300.00 in all,", "3 فواتير بإجمالي"),
        (11, "11 invoices, AED\u00a01,100.00 in all,", "11 فاتورة بإجمالي"),
    ],
)
def test_the_inbox_shows_how_many_and_how_much(count, english, arabic):
    for lang, sentence in (("en", english), ("ar", arabic)):
        (preheader,) = tree(compose(data(count), SOURCES, lang)).xpath(
            "//div[@class='preheader']"
        )
        assert preheader.text_content().startswith(sentence)
        assert (preheader.get("lang"), "display: none" in preheader.get("style")) == (
            lang,
            True,
        )


def test_the_logo_has_a_text_in_its_place():
    logo = "https://odoo.example/logo.png?company=1"
    (image,) = tree(
        compose(data(company=COMPANY | {"logo_url": logo}, pixel_url=""), SOURCES, "en")
    ).xpath("//img")
    assert (image.get("src"), image.get("alt")) == (logo, COMPANY["name"])
    assert "font-weight: bold" in image.get(
        "style"
    )  # what is shown while images are blocked


def test_every_image_has_alt():
    page = tree(
        compose(
            data(company=COMPANY | {"logo_url": "https://x/logo.png"}),
            SOURCES,
            "both",
            PREFIX,
        )
    )
    assert all(image.get("alt") is not None for image in page.iter("img"))


# -- what belongs to a payment
# --------------------------------------------------------------------------------------
def test_instalments_are_told_apart():
    items = (item(1, part=1, parts=3), item(1, part=2, parts=3), item(2))
    english, arabic = (
        compose(data(items=items), SOURCES, lang) for lang in ("en", "ar")
    )
    for rendered, words in ((english, "instalment 2 of 3"), (arabic, "القسط 2 من 3")):
        assert (
            body_of(rendered).text_content().count(words)
            == rendered.text.count(words)
            == 1
        )
    assert english.text.count("instalment") == 2
    # Two instalments of one invoice are one invoice.
    words = compose(
        data(items=items),
        {"en": ("{{ invoice_count }} {{ invoice_numbers }}", BODY)},
        "en",
    )
    assert words.subject == "2 INV/2026/00001, INV/2026/00002"
    assert words.html.count("2 invoices, AED") == 1


def test_a_minus_stays_before_its_number():
    credit = item(9, "-30.00", number="RINV/9", url="")
    assert (
        "\u2066-30.00\u2069\u00a0درهم"
        in compose(data(credits=(credit,)), SOURCES, "ar").html
    )


def test_reference_without_an_account():
    """However somebody pays: the reference stands in the message and its text."""
    for lang in ("en", "ar"):
        rendered = compose(data(payment_reference="RF42123456"), SOURCES, lang)
        rows = [
            [cell.text_content() for cell in row]
            for row in tree(rendered).xpath("//table[starts-with(@class, 'bank')]//tr")
        ]
        assert rows == [[TEXTS[lang]["reference"], "RF42123456"]]
        assert "RF42123456" in rendered.text


def test_told_and_not_taken_off():
    """An open credit in another currency and what we owe: one sentence each, in mail
    and text, in both languages, in no sum."""
    credit = item(9, "-500.00", number="PAY/9", url="", currency="USD")
    for lang, owed, credited in (
        ("en", "We owe you AED 400.00", "an open credit of USD 500.00"),
        ("ar", "ولكم علينا", "رصيد دائن مفتوح قدره"),
    ):
        rendered = compose(
            data(
                other_credits=(credit,),
                payables={("AED", 2): Decimal(400)},
            ),
            SOURCES,
            lang,
        )
        html = tree(rendered).text_content()
        for text in (html, rendered.text):
            plain = text.replace("\xa0", " ")
            assert owed in plain
            assert credited in plain
            assert plain.count("500.00") == plain.count("400.00") == 1


def test_bank_details():
    bank = {"name": "Emirates NBD", "iban": "AE070331234567890123456"}
    for lang in ("en", "ar"):
        rendered = compose(
            data(bank=bank, payment_reference="INV/2026/00001"), SOURCES, lang
        )
        rows = [
            [cell.text_content() for cell in row]
            for row in tree(rendered).xpath("//table[starts-with(@class, 'bank')]//tr")
        ]
        texts = TEXTS[lang]
        assert rows == [
            [texts["account_name"], COMPANY["name"]],
            [texts["bank"], "Emirates NBD"],
            [texts["iban"], bank["iban"]],
            [texts["reference"], "INV/2026/00001"],
        ]
        assert tree(rendered).xpath(
            "//table[starts-with(@class, 'bank')]//bdi[@dir='ltr']/text()"
        ) == [bank["iban"], "INV/2026/00001"]
        assert (
            f"{texts['iban']}: {localize.isolate(bank['iban'], lang)}\n"
            in rendered.text
        )
    assert not tree(compose(data(bank={"name": "x"}), SOURCES, "en")).xpath(
        "//table[starts-with(@class, 'bank')]"
    )


def test_what_is_attached_is_told():
    attached = (
        ("letter", ""),
        ("statement", ""),
        ("invoice", "INV/1"),
        ("invoice", "INV/2"),
    )
    english, arabic = (
        compose(data(attached=attached, left_out=3), SOURCES, lang)
        for lang in ("en", "ar")
    )
    sentence = (
        "Attached: formal letter, statement of account, 2 invoices (INV/1, "
        "INV/2). 3 more invoices can be downloaded by their links above."
    )
    for text in (english.text, body_of(english).text_content()):
        assert sentence in text
    assert (
        "المرفقات: خطاب رسمي، كشف الحساب، فاتورتان (\u2066INV/1\u2069، "
        "\u2066INV/2\u2069). ويمكن تنزيل 3 فواتير أخرى" in arabic.text
    )
    assert "Attached" not in compose(data(), SOURCES, "en").html


# -- text part
# --------------------------------------------------------------------------------------
def test_the_text_table_has_columns_of_equal_width():
    items = (item(1), item(2, "123456.78", number="INVOICE/DXB/2026/0001"))
    for lang in ("en", "ar"):
        lines = [
            line
            for line in compose(data(items=items), SOURCES, lang).text.split("\n")
            if " | " in line
        ]
        assert len(lines) == 3
        shown = [re.sub("[\u200e\u200f\u2066-\u2069]", "", line) for line in lines]
        assert (
            len(
                {
                    tuple(match.start() for match in re.finditer(r"\|", line))
                    for line in shown
                }
            )
            == 1
        )
        assert all(line.startswith("\u200f") for line in lines) is (lang == "ar")


def test_a_private_mark_in_a_name_is_no_block():
    rendered = compose(
        data(1, contact_name="A\ue000invoice_table\ue000B"), SOURCES, "en"
    )
    assert len(tree(rendered).xpath("//table[@class='items']")) == 1
    assert "Dear Ainvoice_tableB," in rendered.text


def test_large_texts_are_not_cut_for_ever():
    """A template that is too large with any number of rows is sent as it is, and does
    not loop for ever."""
    rendered = compose(
        data(60),
        {
            "en": (
                "s",
                BODY + "<p>" + "x" * 40_000 + "</p>" + "<p>" + "y" * 9_000 + "</p>",
            )
        },
        "en",
    )
    assert len(rendered.html) < MAX_SIZE
    huge = compose(
        data(60, company=COMPANY | {"address": "z" * MAX_SIZE}), SOURCES, "en"
    )
    assert (
        len(
            tree(huge).xpath(
                "//table[@class='items']/tbody/tr[td[contains(@class, 'wide')]]"
            )
        )
        == 5
    )


@pytest.mark.parametrize(
    ("name", "lang", "isolated"),
    [
        ("مؤسسة الفجر 1", "en", True),
        ("مؤسسة الفجر 1", "ar", False),
        ("Al Noor 1", "en", False),
        ("Al Noor 1", "ar", True),
        ("123", "ar", False),
    ],
)
def test_a_name_in_the_other_script_keeps_what_follows_in_its_place(
    name, lang, isolated
):
    rendered = compose(data(contact_name=name), SOURCES, lang)
    for text in (rendered.html, rendered.text):
        assert name in text
        assert (f"\u2068{name}\u2069" in text) is isolated


# -- addresses
# --------------------------------------------------------------------------------------
def test_the_address_is_in_the_language_of_its_part():
    company = COMPANY | {
        "address": "Office 7\nDubai\nUnited Arab Emirates",
        "address_ar": "Office 7\nDubai\nالإمارات العربية المتحدة",
    }
    rendered = compose(
        data(company=company),
        {
            lang: (subject, "<p>{{ company_address }}</p>" + body)
            for lang, (subject, body) in SOURCES.items()
        },
        "both",
    )
    arabic, english = tree(rendered).xpath("//td[@class='foot']")
    # Each part keeps its own direction, and they follow each other in that of the
    # message.
    assert (
        "\u2068Office 7\u2069، \u2068Dubai\u2069، الإمارات العربية المتحدة"
        in arabic.text_content()
        and "United Arab" not in arabic.text_content()
    )
    assert "Office 7, Dubai, United Arab Emirates" in english.text_content()
    parts = tree(rendered).xpath("//td[@class='part']")
    assert ["United Arab Emirates" in part.text_content() for part in parts] == [
        False,
        True,
    ]
    assert (
        rendered.text.count("United Arab Emirates") == 2
        and rendered.text.count("الإمارات العربية المتحدة") == 2
    )


def test_without_an_arabic_address_there_is_the_one():
    rendered = compose(
        data(company=COMPANY | {"address": "Office 7\nDubai", "address_ar": ""}),
        SOURCES,
        "ar",
    )
    assert (
        "\u2068Office 7\u2069، \u2068Dubai\u2069"
        in tree(rendered).xpath("//td[@class='foot']")[0].text_content()
    )


@pytest.mark.parametrize(
    "evil",
    [
        "<img src=x onerror=alert(1)>",
        "<script>alert(2)</script>",
        "<iframe src='https://evil.example'></iframe>",
        "<form action='https://evil.example'><input name=a></form>",
        "<a href='javascript:alert(3)'>x</a>",
        "<object data='x'></object><embed src='x'>",
        "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    ],
)
def test_what_acts_does_not_reach_the_mail(evil):
    """Whatever passed when the text was saved."""
    sources = {"en": ("Hello", f"<p>Dear all</p>{evil}<p>{{{{ invoice_table }}}}</p>")}
    html = compose(data(2), sources, "en", PREFIX).html
    for sign in ("onerror", "alert", "evil.example", "<iframe", "<form", "<object"):
        assert sign not in html, sign
    assert "Dear all" in html


def test_what_does_not_act_stays_letter_by_letter():
    for text in (
        "plain, ünïcode, عربي",
        '<p style="color:red">a &amp; b&nbsp;<b>c</b> &quot;d&quot;<br></p>',
        '<ul><li>1<li>2</ul><a href="https://pop.example/?a=1&amp;b=2">x</a>',
        "a < b",
    ):
        assert sanitize(text) == text


def test_nothing_is_fetched_while_a_message_is_made():
    """Neither a sheet nor an image that the author's text names."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.3)
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        evil = (
            f'<link rel="stylesheet" href="{url}/a.css"/>'
            f'<style>@import url("{url}/b.css"); p {{ color: red }}</style>'
            f'<p style="background: url({url}/c.png)"><img src="{url}/d.png"/>x</p>'
        )
        for lang in ("en", "ar", "both"):
            sources = {
                one: (subject, evil + body) for one, (subject, body) in SOURCES.items()
            }
            assert compose(data(), sources, lang).html
        with pytest.raises(TimeoutError):
            server.accept()


def test_every_frame_of_a_message_is_sandboxed():
    """No script of a message runs in the web client, and none of its forms acts."""
    folder = Path(__file__).resolve().parents[2]
    found = [
        frame
        for path in folder.glob("invoice_chaser*/static/src/**/*.xml")
        for frame in etree.parse(path).iter("iframe")
    ]
    assert len(found) >= 2
    assert [frame.get("sandbox") for frame in found] == [""] * len(found)
    for path in folder.glob("invoice_chaser*/static/src/**/*.js"):
        assert 'createElement("iframe")' not in path.read_text(), path
