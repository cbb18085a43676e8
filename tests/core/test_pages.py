"""The public pages."""

import pytest
from core.page.pages import confirm_page, done_page, invalid_page
from lxml import html as lxml_html

EVIL = '"><script>alert(1)</script>%s@x.ae'
ACTION = "/chaser/u/TOKEN"


@pytest.mark.parametrize(("lang", "direction"), [("en", "ltr"), ("ar", "rtl")])
def test_confirm_page_only_asks(lang, direction):
    page = lxml_html.document_fromstring(
        confirm_page(lang, "ali@example.com", ACTION, "POP Trading", "#123456")
    )
    assert (page.get("lang"), page.get("dir")) == (lang, direction)
    (form,) = page.forms
    assert (form.method, form.action) == ("POST", ACTION)
    assert len(form.xpath(".//button[@type='submit']")) == 1
    assert (
        "ali@example.com" in page.text_content()
        and "POP Trading" in page.text_content()
    )
    assert page.xpath("//meta[@name='robots']/@content") == ["noindex"]


@pytest.mark.parametrize("lang", ["en", "ar"])
def test_done_page_has_nothing_to_press(lang):
    page = lxml_html.document_fromstring(
        done_page(lang, "ali@example.com", "POP Trading")
    )
    assert not page.forms and not page.xpath("//button | //a")
    assert "ali@example.com" in page.text_content()


def test_languages_differ():
    assert "Stop reminders" in confirm_page(
        "en", "a@b.ae", ACTION, "x"
    ) and "إيقاف" not in confirm_page("en", "a@b.ae", ACTION, "x")
    assert "إيقاف" in confirm_page(
        "ar", "a@b.ae", ACTION, "x"
    ) and "Stop" not in confirm_page("ar", "a@b.ae", ACTION, "x")


@pytest.mark.parametrize(
    "make",
    [
        lambda: confirm_page("en", EVIL, '/x"><script>', EVIL),
        lambda: done_page("ar", EVIL, EVIL),
        lambda: confirm_page("ar", EVIL, ACTION, EVIL),
    ],
)
def test_values_are_escaped(make):
    page = lxml_html.document_fromstring(make())
    assert not page.xpath("//script") and EVIL in page.text_content()


def test_invalid_page_tells_nothing_but_says_it_in_both_languages():
    page = lxml_html.document_fromstring(invalid_page())
    assert (
        "no longer valid" in page.text_content()
        and "لم يعد صالحًا" in page.text_content()
    )
    assert not page.forms and not page.xpath("//a")


@pytest.mark.parametrize(
    "source",
    [
        confirm_page("en", "a@b.ae", ACTION, "x"),
        done_page("ar", "a@b.ae", "x"),
        invalid_page(),
    ],
)
def test_nothing_is_loaded_from_elsewhere(source):
    page = lxml_html.document_fromstring(source)
    # An empty icon: without it a browser asks for one, and gets a cookie with it.
    assert page.xpath("//link/@href") == ["data:,"]
    assert (
        not page.xpath("//@src | //script")
        and "url(" not in source
        and "@import" not in source
    )
