"""Reading a letter: paragraphs, figures, links."""

import pytest
from core.letter import letter_text as letter


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("<p>One</p><p>Two<br>Three</p>", ["One", "Two", "Three"]),
        (
            "<p>Dear {{ contact_name }},</p>\n<p> </p><p>{{ invoice_table }}</p>",
            ["Dear {{ contact_name }},", "{{ invoice_table }}"],
        ),
        ("<ul><li>a</li><li><b>b</b> c</li></ul>tail", ["a", "b c", "tail"]),
        ("<table><tr><td>x</td><td>y</td></tr></table>", ["x", "y"]),
        ("<style>p { }</style><p>x<!-- no --></p>", ["x"]),
        ("plain", ["plain"]),
        ("", []),
        ("  \n", []),
        (
            "<p>{% if invoice_count &gt; 1 %}many{% endif %}</p>",
            ["{% if invoice_count > 1 %}many{% endif %}"],
        ),
    ],
)
def test_paragraphs(source, expected):
    assert letter.paragraphs(source) == expected


def test_words_of_statements():
    text = (
        "We have {{ invoice_count|plural(one='one invoice', other=\"# "
        "invoices\") }} {% if iban == 'x' %}open{% endif %}{# note #}."
    )
    assert (
        " ".join(letter.words_only(text).split())
        == "We have one invoice # invoices x open ."
    )
    assert "invoice" not in letter.figures_only(text)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("within 7 days, AED 1,250.50", {"7", "1250.50"}),
        ("خلال ٧ أيام", {"7"}),
        ("١٬٢٥٠٫٥٠ درهم", {"1250.50"}),
        ("see https://pop.example/2026/7 or mail a1@pop.example", set()),
        ("none", set()),
        ("\u20667\u2069", {"7"}),
        ("4 Mar 2026", {"4", "2026"}),
    ],
)
def test_numbers(text, numbers):
    assert letter.numbers_in(text) == numbers


@pytest.mark.parametrize(
    ("text", "lang", "numbers"),
    [
        ("within seven days or twenty-one weeks", "en", {"7", "21"}),
        ("one of the tens", "en", set()),
        ("often weighted", "en", set()),
        ("خلال سبعة أيام", "ar", {"7"}),
        ("خلال سبع ليالٍ", "ar", {"7"}),
        ("خلال أسبوعين", "ar", {"2"}),
        ("خلال ثلاثة أيام عمل", "ar", {"3"}),
        ("والثلاثين", "ar", {"30"}),
        ("واحدة منها", "ar", set()),
        ("السبعة أيام", "ar", {"7"}),
    ],
)
def test_number_words(text, lang, numbers):
    assert letter.number_words_in(text, lang) == numbers


def test_links():
    assert letter.links_in(
        "See https://Pop.example/x. or www.pop.example, mail Ali@pop.example!"
    ) == {
        "https://pop.example/x",
        "www.pop.example",
        "ali@pop.example",
    }
    assert letter.targets(
        '<p><a href="{{ page_url }}">Our <b>page</b></a><a>none</a></p>'
    ) == [("{{ page_url }}", "Our page"), ("", "none")]
    assert letter.targets("<p>x</p>") == []
