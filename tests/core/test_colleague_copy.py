"""A copy of a composed message holds nothing that stands for the customer."""

from dataclasses import replace
from datetime import date

import pytest
from core.letter.colleague_copy import Original, make_copy
from core.letter.render import compose, languages
from core.letter.sample import sample_data

TOKEN, PAGE = "tok" * 14, "https://odoo.pop.example/chaser/p/sample"
BASE = "https://odoo.pop.example"
BODY = (
    '<p>Dear sir</p>{{ invoice_table }}<p><a href="{{ page_url }}">see</a> '
    '<a href="https://pop.example/terms?a=1&amp;b=2">terms</a></p>{{ pay_button }}'
)


@pytest.mark.parametrize("preference", ["en", "ar", "both"])
def test_copy_of_a_message(preference):
    data = replace(
        sample_data(date(2026, 3, 1), {"name": "POP"}, {"en": "x", "ar": "x"}, BASE),
        page_url=PAGE,
        unsubscribe_url=f"{BASE}/chaser/u/{TOKEN}",
        pixel_url=f"{BASE}/chaser/o/{TOKEN}.gif",
    )
    sources = {lang: ("Invoices", BODY) for lang in ("en", "ar")}
    done = compose(data, sources, preference, f"{BASE}/chaser/c/{TOKEN}/")
    assert TOKEN in done.html and PAGE in done.targets
    original = Original(
        done.subject,
        done.html,
        done.text,
        TOKEN,
        PAGE,
        done.targets,
        ("finance@alnoor.example",),
        languages(preference),
    )
    subject, html, text = make_copy(
        original, f"{BASE}/chaser/u/mine", f"{BASE}/my/invoices"
    )
    for part in (html, text):
        assert TOKEN not in part and "/chaser/p/" not in part
        assert "/chaser/c/" not in part and "/chaser/o/" not in part
        assert "finance@alnoor.example" in part
        assert f"{BASE}/chaser/u/mine" in part
    assert "https://pop.example/terms?a=1&amp;b=2" in html
    assert done.subject in subject != done.subject
    # All else is as it was: the same tables and figures.
    assert html.count("<table") == done.html.count("<table")


def test_unknown_position_leads_home():
    link = f'<a href="{BASE}/chaser/c/{TOKEN}/9">x</a>'
    original = Original("s", link, "t", TOKEN, "", (), (), ("en",))
    _subject, html, _text = make_copy(original, "https://s", "https://home")
    assert '<a href="https://home">x</a>' in html
