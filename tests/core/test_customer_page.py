import base64
import hashlib
import re
from datetime import date, timedelta
from decimal import Decimal
from string import Formatter

import pytest
from core.page.customer_page import (
    PageData,
    PageItem,
    Said,
    render_busy,
    render_notice,
    render_page,
)
from core.page.page_texts import PAGE_TEXTS
from lxml import html

TODAY = date(2026, 3, 10)
FORMS = dict.fromkeys(("promise", "paid", "dispute", "contact", "copy"), "signed-key")


def item(position=1, residual="100.00", days=10, **values):
    return PageItem(
        f"INV/2026/{position:05d}",
        position,
        TODAY - timedelta(days=days),
        Decimal(residual),
        values.pop("currency", "AED"),
        **values,
    )


def page(*items, lang="en", **values):
    data = {
        "path": "/chaser/p/token",
        "lang": lang,
        "company": {
            "name": "POP Trading",
            "phone": "+971 4 000 0000",
            "color": "#123456",
        },
        "customer_name": "Al Noor",
        "is_company": True,
        "sent_on": TODAY,
        "today": TODAY,
        "items": items or (item(),),
        "promise_days": 30,
        "forms": FORMS,
    } | values
    return render_page(PageData(**data))


def tree(*items, **values):
    return html.document_fromstring(page(*items, **values)[0])


def words(root):
    return " ".join(root.xpath("//main")[0].text_content().split())


@pytest.mark.parametrize("lang", ["en", "ar"])
def test_every_text_exists_in_both_languages_with_the_same_gaps(lang):
    other = PAGE_TEXTS["ar" if lang == "en" else "en"]
    assert PAGE_TEXTS[lang].keys() == other.keys()
    for key, text in PAGE_TEXTS[lang].items():
        if isinstance(text, str):
            gaps = re.compile(r"%(?:\(\w+\))?s")
            assert sorted(gaps.findall(text)) == sorted(gaps.findall(other[key])), key
            assert not list(Formatter().parse(text))[1:], key


def test_direction_and_switch():
    english, arabic = tree(), tree(lang="ar")
    assert (english.get("lang"), english.get("dir")) == ("en", "ltr")
    assert (arabic.get("lang"), arabic.get("dir")) == ("ar", "rtl")
    assert english.xpath("//header/a/@href") == ["/chaser/p/token?lang=ar"]
    assert arabic.xpath("//header/a/@href") == ["/chaser/p/token?lang=en"]
    assert not re.search(
        "[a-z]{4}",
        re.sub("PDF|PNG|JPEG|English|POP Trading|Al Noor|INV", "", words(arabic)),
    ), "nothing is left in English"


@pytest.mark.parametrize(
    ("is_company", "greeting"),
    [(True, "السادة/ Al Noor المحترمين،"), (False, "حضرة Al Noor المحترم/ة،")],
)
def test_arabic_greeting(is_company, greeting):
    assert greeting in words(tree(lang="ar", is_company=is_company))


def test_policy_fits_the_page_and_nothing_comes_from_elsewhere():
    for content, policy in (
        page(),
        page(lang="ar"),
        render_busy("en", "/chaser/p/t"),
        render_notice("ar", "/chaser/p/t", "too_often"),
    ):
        [style] = re.findall("<style>(.*?)</style>", content, re.S)
        scripts = re.findall("<script>(.*?)</script>", content, re.S)
        assert f"style-src '{digest(style)}'" in policy
        for script in scripts:
            assert f"script-src '{digest(script)}'" in policy
        assert policy.startswith("default-src 'none';")
        assert "img-src data:" in policy
        assert "unsafe" not in policy
        assert content.count("<script") == len(scripts)
        assert not re.search(
            r"https?://|<link(?! rel=\"icon\" href=\"data:,\">)|@import|url\(|\son\w+=|"
            r"style=|src=\"(?!data:)",
            content,
        )


def digest(text):
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


# -- paying

AED = {
    "name": "Emirates Gulf Bank",
    "iban": "AE070331234567890123456",
    "bic": "EGBKAEAD",
    "holder": "POP Trading LLC",
}
EUR = {"name": "Hausbank", "iban": "DE89370400440532013000", "bic": "", "holder": ""}


def transfers(root):
    """Title → label → (what is read, what is copied), and what a scan gives."""
    return {
        one.xpath("h3")[0].text_content(): {
            row.xpath("th")[0].text_content(): (
                row.xpath("td/div/span")[0].text_content().replace("\u00a0", " "),
                row.xpath("td/div/button/@data-copy")[0],
            )
            for row in one.xpath(".//tr")
        }
        for one in root.xpath("//div[@class='transfer']")
    }


def test_what_a_transfer_needs_per_currency():
    """The account of each currency, what is open in it less the credits, and the
    reference; the number that is copied has neither blanks nor separators."""
    root = tree(
        item(1, "1200.00", account="1"),
        item(2, "-200", is_credit=True),
        item(3, "50.5", currency="EUR", account="2"),
        item(4, "9", state="paid", account="1"),
        accounts={"1": AED, "2": EUR},
        payment_reference="RF42123456",
    )
    aed, eur = transfers(root).values()
    assert aed == {
        "Account name": ("POP Trading LLC",) * 2,
        "Bank": ("Emirates Gulf Bank",) * 2,
        "SWIFT/BIC": ("EGBKAEAD",) * 2,
        "IBAN": ("AE07 0331 2345 6789 0123 456", "AE070331234567890123456"),
        "Amount": ("AED 1,000.00", "1000.00"),
        "Payment reference": ("RF42123456",) * 2,
    }
    assert eur["Account name"] == ("POP Trading",) * 2, "who the company is"
    assert eur["Amount"] == ("EUR 50.50", "50.50")


def test_two_accounts_of_one_currency_say_for_which_invoices():
    root = tree(
        item(1, account="1"), item(2, account="2"), accounts={"1": AED, "2": EUR}
    )
    told = [one.text_content() for one in root.xpath("//div[@class='transfer']/p")]
    assert told == ["For: INV/2026/00001", "For: INV/2026/00002"]


def test_an_account_that_is_no_iban():
    root = tree(
        item(account="1"), accounts={"1": {"iban": "001-234 567", "holder": "POP"}}
    )
    [one] = transfers(root).values()
    assert one["Account number"] == ("001-234 567",) * 2


def test_without_an_account_the_reference_is_there():
    root = tree(item(), payment_reference="RF42123456")
    [one] = transfers(root).values()
    assert set(one) == {"Amount", "Payment reference"}
    assert not root.xpath("//svg"), "a code without an account helps nobody"


def test_nothing_to_transfer_when_all_is_paid():
    root = tree(item(state="paid", account="1"), accounts={"1": AED})
    assert not root.xpath("//div[@class='transfer']|//script")


def test_names_for_screen_readers():
    """Each button says what it copies, each code what it is, each link which
    invoice; the copy buttons are not there without the script."""
    for lang, texts in PAGE_TEXTS.items():
        root = tree(
            item(1, account="1", view_url="/v", pdf_url="/p", pay_url="/y"),
            item(2, account="1", view_url="/v", pdf_url="/p", pay_url="/z"),
            accounts={"1": AED},
            lang=lang,
        )
        buttons = root.xpath("//button[@data-copy]")
        names = [button.get("aria-label") for button in buttons]
        assert len(set(names)) == len(names) >= 5
        assert all(button.get("hidden") is not None for button in buttons)
        assert all(name.startswith(texts["copy_of"].split("%")[0]) for name in names)
        for svg in root.xpath("//svg"):
            [caption] = root.xpath(f"//*[@id='{svg.get('aria-labelledby')}']")
            assert caption.text_content() == texts["scan_text"]
        links = root.xpath("//td//a/@aria-label")
        assert len(set(links)) == 6
        assert root.xpath("//*[@role='status']/@id") == ["copied"]


def test_pay_online():
    """One invoice: one button for it; several: each has its own link."""
    one = tree(item(1, view_url="/v", pay_url="/my/invoices/1?payment=1"))
    assert one.xpath("//a[@class='button']/@href") == ["/my/invoices/1?payment=1"]
    several = tree(
        item(1, view_url="/v", pay_url="/1"), item(2, view_url="/v", pay_url="/2")
    )
    assert not several.xpath("//a[@class='button']")
    assert several.xpath("//td//a[strong]/@href") == ["/1", "/2"]


def test_logo_and_statement():
    root = tree(logo="data:image/png;base64,AA==", statement_url="/chaser/p/t/s.pdf")
    assert root.xpath("//header//img/@src") == ["data:image/png;base64,AA=="]
    assert "Statement of account (PDF)" in words(root)
    assert not tree().xpath("//img")


def test_items_totals_and_links():
    root = tree(
        item(
            1,
            "100.00",
            view_url="/my/invoices/1?access_token=x",
            pdf_url="/my/invoices/1?pdf",
            pay_url="/my/invoices/1?payment=1",
        ),
        item(2, "50.50", days=0),
        item(3, "7", currency="USD", days=-3),
        item(4, "-20", is_credit=True),
    )
    text = words(root)
    for part in (
        "10 days overdue",
        "due today",
        "not due yet",
        "Credit INV/2026/00004",
        "AED 130.50",
        "USD 7.00",
    ):
        assert part in text.replace("\u00a0", " "), part
    assert [link.text_content() for link in root.xpath("//td//a")] == [
        "View",
        "PDF",
        "Pay",
    ]


def test_paid_items_are_shown_as_paid_and_not_counted():
    root = tree(item(1, "0", state="paid"), item(2, "50"))
    assert "Paid" in words(root)
    assert "AED\u00a050.00" in root.xpath("//tr[@class='total']")[0].text_content()
    assert root.xpath("//input[@name='invoice']/@value") == ["2"], (
        "what is paid cannot be disputed"
    )


def test_all_paid_asks_for_nothing():
    root = tree(item(1, "0", state="paid"))
    assert "nothing for you to do" in words(root)
    assert not root.xpath("//form")


def test_promised_and_disputed_items():
    text = words(
        tree(
            item(1, state="promised", promised=date(2026, 3, 20)),
            item(2, state="review"),
        )
    )
    assert "Payment announced for 20 Mar 2026" in text
    assert "Being clarified" in text


def test_instalments_of_one_invoice_are_one_choice():
    root = tree(item(1), item(1, "40", days=-5), item(2))
    assert root.xpath("//input[@name='invoice']/@value") == ["1", "2"]


@pytest.mark.parametrize(
    ("days", "text"),
    [
        (1, "متأخرة يومًا واحدًا"),
        (2, "متأخرة يومين"),
        (5, "متأخرة 5 أيام"),
        (20, "متأخرة 20 يومًا"),
        (100, "متأخرة 100 يوم"),
    ],
)
def test_arabic_days(days, text):
    assert text in words(tree(item(days=days), lang="ar"))


def test_each_form_carries_its_key():
    root = tree(item(1), item(2), forms={name: f"key-{name}" for name in FORMS})
    for form in root.xpath("//form"):
        action = form.xpath("input[@name='action']/@value")[0]
        assert form.xpath("input[@name='key']/@value") == [f"key-{action}"]
        assert (form.get("method"), form.get("action")) == ("post", "/chaser/p/token")
    assert root.xpath("//section/@id") == list(FORMS), (
        "the message leads to #promise and #dispute"
    )
    assert root.xpath("//input[@type='date']/@min") == ["2026-03-10"]
    assert root.xpath("//input[@type='date']/@max") == ["2026-04-09"]


def test_problem_keeps_what_was_entered():
    root = tree(
        item(1),
        item(2),
        problem="invoice_missing",
        problem_action="dispute",
        entered={"reason": "broken </textarea><b>", "name": "Omar"},
        ticked=frozenset({"2"}),
    )
    assert "Please tick the invoices" in words(root)
    assert root.xpath("//section[@class='open']/@id") == ["dispute"]
    assert root.xpath("//textarea")[0].text == "broken </textarea><b>"
    assert root.xpath("//input[@checked]/@value") == ["2"]
    assert root.xpath("//section[@id='dispute']//input[@name='name']/@value") == [
        "Omar"
    ]
    assert root.xpath("//section[@id='promise']//input[@name='name']/@value") == [""]


@pytest.mark.parametrize("lang", ["en", "ar"])
def test_every_problem_and_thanks_can_be_shown(lang):
    for code in (
        "day_range",
        "amount_wrong",
        "file_large",
        "expired_form",
        "too_often",
        "copy_limit",
        "nothing_open",
        "unknown",
    ):
        content = words(tree(lang=lang, problem=code))
        assert PAGE_TEXTS[lang][code].split("%s")[0] in content
        assert "%" not in content
    for action in FORMS:
        assert PAGE_TEXTS[lang][f"done_{action}"] in words(tree(lang=lang, done=action))


def test_what_was_said():
    said = (
        Said("promise", TODAY, promised=date(2026, 3, 20)),
        Said(
            "promise",
            TODAY,
            promised=date(2026, 3, 20),
            amount=Decimal(50),
            currency="AED",
        ),
        Said("dispute", TODAY, "100 % <broken>"),
        Said("paid", TODAY, "TT 1"),
        Said("contact", TODAY, "x@y.example"),
        Said("copy", TODAY),
    )
    text = words(tree(said=said)).replace("\u00a0", " ")
    for part in (
        "You will pay on 20 Mar 2026.",
        "You will pay AED 50.00 on 20 Mar 2026.",
        "You dispute: 100 % <broken>",
        "x@y.example",
        "asked for a copy",
    ):
        assert part in text
    assert "%" not in words(tree(lang="ar", said=said)).replace("100 %", "")


def test_hostile_names_stay_text():
    content, _policy = page(
        company={
            "name": "<script>alert(1)</script>",
            "color": "red;} body{display:none",
        },
        customer_name='"><img src=x> %s',
    )
    assert "<script>" not in content
    assert "<img" not in content
    assert "display:none" not in content


def test_currency_is_asked_only_where_there_are_several():
    assert not tree(item(1)).xpath("//select")
    assert tree(item(1), item(2, currency="USD")).xpath("//select/option/text()") == [
        "AED",
        "USD",
    ]


def test_busy_page_sends_the_same_form_again():
    root = html.document_fromstring(
        render_busy(
            "en",
            "/chaser/p/t",
            {"action": "paid", "key": "k", "reference": '"TT"'},
            ("1", "2"),
            had_file=True,
        )[0]
    )
    values = [
        (field.get("name"), field.get("value")) for field in root.xpath("//form/input")
    ]
    assert values == [
        ("action", "paid"),
        ("key", "k"),
        ("reference", '"TT"'),
        ("invoice", "1"),
        ("invoice", "2"),
    ]
    assert "attach it again" in words(root)
    assert html.document_fromstring(render_busy("ar", "/chaser/p/t")[0]).xpath(
        "//a/@href"
    ) == ["/chaser/p/t"]


def test_the_way_to_stop():
    for lang, words in (
        ("en", "Stop these reminders"),
        ("ar", "إيقاف رسائل التذكير هذه"),
    ):
        [link] = tree(lang=lang, stop_path="/chaser/u/abc").xpath("//footer/a")
        assert (link.get("href"), link.text) == ("/chaser/u/abc", words)
        assert not tree(lang=lang).xpath("//footer/a")
