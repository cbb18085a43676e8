"""What the checker finds in a letter, and that it finds nothing in good letters."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from core.letter.checker import (
    ERROR,
    MAX_BYTES,
    WARNING,
    check_filled,
    check_letter,
    check_message,
)
from core.letter.render import Item, MessageData, compose
from core.letter.sample import mark_as_sample, sample_data

TODAY = date(2026, 11, 21)
DATA = sample_data(TODAY, {}, {"en": "Polite", "ar": "ودي"}, "https://odoo.example")
EN = (
    "Reminder {{ total_due }}",
    "<p>Dear {{ contact_name }},</p><p>{{ invoice_table }}</p><p>Please pay "
    "{{ total_due }} within seven days, quoting {{ payment_reference }}, and tell us"
    " about it, so that we can close the matter in our books and thank "
    "you.</p><p>{{ pay_button }}</p>",
)
AR = (
    "تذكير {{ total_due }}",
    "<p>السادة {{ contact_name }}،</p><p>{{ invoice_table }}</p><p>يرجى سداد "
    "{{ total_due }} خلال سبعة أيام مع ذكر المرجع {{ payment_reference }}، وإبلاغنا"
    " بذلك حتى نغلق الموضوع في دفاترنا، ولكم منا جزيل الشكر.</p><p>{{ "
    "pay_button }}</p>",
)


def letter(en_more="", ar_more="", en_subject=None, ar_subject=None):
    return {
        "en": (en_subject or EN[0], EN[1] + en_more),
        "ar": (ar_subject or AR[0], AR[1] + ar_more),
    }


def check(sources, data=DATA, **options):
    return check_letter(sources, data, **options)


def codes(found):
    return [(one.code, one.lang) for one in found]


def only(found, code):
    [one] = [one for one in found if one.code == code]
    return one


def test_a_good_letter():
    assert check(letter()) == []


# -- both languages alike
@pytest.mark.parametrize(
    ("en", "ar", "code", "severity", "lang", "word"),
    [
        ("<p>{{ iban }}</p>", "", "tag_differs", ERROR, "en", "iban"),
        (
            "",
            "<p>{{ customer_reference }}</p>",
            "tag_differs",
            ERROR,
            "ar",
            "customer_reference",
        ),
        ("<p>{{ today }}</p>", "", "date_differs", ERROR, "en", "today"),
        (
            "<p>{{ oldest_due_date }}</p>",
            "",
            "date_differs",
            WARNING,
            "en",
            "oldest_due_date",
        ),
        (
            "",
            "<p>{{ credit_total }}</p>",
            "amount_differs",
            WARNING,
            "ar",
            "credit_total",
        ),
        (
            '<p><a href="{{ promise_url }}">promise</a></p>',
            "",
            "link_tag_differs",
            ERROR,
            "en",
            "promise_url",
        ),
        (
            "<p>{{ company_phone }}</p>",
            "",
            "tag_differs",
            WARNING,
            "en",
            "company_phone",
        ),
        ("<p>{{ days_overdue }}</p>", "", "tag_differs", WARNING, "en", "days_overdue"),
        (
            "<p>{{ 'x' if invoice_count == 1 else iban }}</p>",
            "<p>{{ iban }}</p>",
            "tag_differs",
            ERROR,
            "ar",
            "iban",
        ),
        (
            "<p>Pay within 14 days.</p>",
            "<p>السداد خلال 10 أيام.</p>",
            "number_differs",
            ERROR,
            "en",
            "14",
        ),
        ("<p>Pay within 14 days.</p>", "", "number_differs", ERROR, "en", "14"),
        (
            "<p>in ten days</p>",
            "<p>خلال خمسة أيام</p>",
            "number_differs",
            WARNING,
            "en",
            "10",
        ),
        (
            '<a href="https://pop.example/pay">x</a>',
            "",
            "link_differs",
            ERROR,
            "en",
            "https://pop.example/pay",
        ),
        (
            "<p>accounts@pop.example</p>",
            "<p>\u2066sales@pop.example\u2069</p>",
            "link_differs",
            ERROR,
            "en",
            "accounts@pop.example",
        ),
    ],
)
def test_difference_between_the_languages(en, ar, code, severity, lang, word):
    found = [
        one for one in check(letter(en, ar)) if one.code == code and one.lang == lang
    ]
    assert [one.severity for one in found] == [severity]
    assert word in found[0].params.values()


@pytest.mark.parametrize(
    ("en", "ar"),
    [
        ("<p>{{ company_name }}</p>", ""),
        ("<p>{{ oldest_invoice }}</p>", ""),
        (
            "<p>{{ invoice_count|plural(one='1 invoice', other='# invoices') }}</p>",
            "<p>{{ invoice_count|plural(two='فاتورتان', other='# فاتورة') }}</p>",
        ),
        ("<p>within 7 days</p>", "<p>خلال سبعة أيام</p>"),
        ("<p>within 7 days</p>", "<p>خلال ٧ أيام</p>"),
        ("<p>within fourteen days, by 5 PM</p>", "<p>خلال 14 يومًا، قبل الساعة 5</p>"),
        (
            '<a href="https://pop.example/pay">Pay</a>',
            '<a href="https://pop.example/pay">ادفع</a>',
        ),
        ("<p>AED 1,500</p>", "<p>1500 درهم</p>"),
        (
            "{% if iban %}<p>{{ iban }}</p>{% endif %}",
            "{% if iban %}<p>{{ iban }}</p>{% endif %}",
        ),
    ],
)
def test_no_difference(en, ar):
    assert check(letter(en, ar)) == []


def test_one_language_alone():
    assert codes(check({"en": EN})) == [("no_arabic", "ar")]


# -- empty tags
def test_empty_tags_are_named_with_their_place():
    data = replace(DATA, bank={}, company=DATA.company | {"phone": ""})
    found = check(
        letter(
            "<p>{{ iban }}</p><p>{{ company_phone }}</p>",
            "<p>{{ iban }}</p><p>{{ company_phone }}</p>",
        ),
        data,
    )
    empty = {
        (one.params["tag"], one.lang, one.severity, one.paragraph)
        for one in found
        if one.code == "empty_tag"
    }
    assert empty == {
        ("iban", "en", ERROR, 5),
        ("iban", "ar", ERROR, 5),
        ("company_phone", "en", WARNING, 6),
        ("company_phone", "ar", WARNING, 6),
    }


@pytest.mark.parametrize(
    "more",
    [
        "{% if iban %}<p>{{ iban }}</p>{% endif %}",
        "<p>{{ iban or company_name }}</p>",
        "<p>{{ iban|default('none', true) }}</p>",
        "{# {{ iban }} #}",
        "<p>{{ company_name if not iban else iban }}</p>",
    ],
)
def test_a_tag_that_is_asked_about_first_is_not_empty(more):
    found = check_filled(letter(more, more), replace(DATA, bank={}))
    assert not [one for one in found if one.code == "empty_tag"]


@pytest.mark.parametrize(
    "more",
    [
        "<p>{{ iban|upper }}</p>",
        "<p>{{ 'IBAN ' ~ iban }}</p>",
        "<p>{{ iban|trim|upper }}</p>",
    ],
)
def test_filters_and_joins_do_not_hide_emptiness(more):
    found = check_filled(letter(more, more), replace(DATA, bank={}))
    assert {one.params["tag"] for one in found if one.code == "empty_tag"} == {"iban"}


def test_empty_in_the_subject():
    found = check(
        letter(
            en_subject="Reminder {{ customer_reference }}",
            ar_subject="تذكير {{ customer_reference }}",
        ),
        replace(DATA, customer={}),
    )
    assert {
        (one.place, one.paragraph, one.lang) for one in found if one.code == "empty_tag"
    } == {("subject", 0, "en"), ("subject", 0, "ar")}


# -- isolates
def test_references_come_isolated():
    tags = "".join(
        f"<p>{{{{ {tag} }}}}</p>"
        for tag in (
            "iban",
            "company_phone",
            "company_trn",
            "salesperson_email",
            "payment_reference",
            "invoice_numbers",
        )
    )
    assert check(letter(tags, tags)) == []


def test_a_reference_that_nothing_holds(monkeypatch):
    from core.letter import checker

    plain = {"iban": "AE07 0331", "invoice_table": "x"}
    monkeypatch.setattr(checker, "merge_values", lambda data, lang: plain)
    bare = {"ar": ("s", "<p>{{ invoice_table }}</p><p>الحساب {{ iban }}</p>")}
    assert codes(check_filled(bare, DATA)) == [("bare_reference", "ar")]
    for held in (
        "<p><bdi>{{ iban }}</bdi></p>",
        '<p><span dir="ltr">{{ iban }}</span></p>',
        "<p>\u2066{{ iban }}\u2069</p>",
        "<bdi><b>{{ iban }}</b></bdi>",
    ):
        assert check_filled({"ar": ("s", held)}, DATA) == [], held
    assert codes(check_filled({"ar": ("s {{ iban }}", "x")}, DATA)) == [
        ("bare_reference", "ar")
    ]


@pytest.mark.parametrize(
    "run",
    [
        "+971 4 555 0100",
        "AE07 0331 2345 6789 0123 456",
        "INV/2026/0012",
        "2026-11-21",
        "04-555-0100",
    ],
)
def test_figures_typed_into_arabic_by_hand(run):
    found = check(letter(f"<p>Ref {run}</p>", f"<p>المرجع {run} لدينا</p>"))
    assert (
        only(found, "not_isolated").severity,
        only(found, "not_isolated").paragraph,
    ) == (WARNING, 5)
    assert (
        check(letter(f"<p>Ref {run}</p>", f"<p>المرجع \u2066{run}\u2069 لدينا</p>"))
        == []
    )


# -- wording
def test_forbidden_wording_and_its_place():
    found = check(
        letter(
            "<p>Interest will be charged, and legal action follows.</p>",
            "<p>سنتخذ الإجراءات القانونية.</p>",
        )
    )
    assert [
        (one.code, one.severity, one.lang, one.place, one.paragraph) for one in found
    ] == [
        ("wording_threat", ERROR, "ar", "body", 5),
        ("wording_interest", ERROR, "en", "body", 5),
        ("wording_threat", ERROR, "en", "body", 5),
    ]
    assert check(letter("<p>Interest will be charged.</p>"), allow_sensitive=True) == []


def test_wording_in_subjects_and_in_statements():
    found = check(
        letter(
            "<p>{{ 'a late fee' if invoice_count > 1 else 'x' }}</p>",
            en_subject="Legal action",
        )
    )
    assert [(one.code, one.place) for one in found] == [
        ("wording_threat", "subject"),
        ("wording_fee", "body"),
    ]


def test_names_of_tags_and_customers_are_no_wording():
    assert (
        check(
            letter("<p>{{ salesperson_name }}</p>"),
            replace(DATA, customer_name="Court Interest LLC", contact_name="Police"),
        )
        == []
    )


# -- manners and form
@pytest.mark.parametrize(
    ("options", "code", "lang"),
    [
        ({"en_subject": "URGENT PAYMENT REQUIRED"}, "subject_capitals", "en"),
        ({"en_subject": "Pay now!!"}, "exclamation", "en"),
        ({"ar_subject": "ادفع الآن!!"}, "exclamation", "ar"),
        ({"en_more": "<p>Now! Please! Today! Really!</p>"}, "exclamation", "en"),
        ({"en_more": "<p>THIS MUST HAPPEN TODAY WITHOUT DELAY</p>"}, "shouting", "en"),
        (
            {
                "en_more": '<a href="http://pop.example">x</a>',
                "ar_more": '<a href="http://pop.example">x</a>',
            },
            "insecure_link",
            "en",
        ),
        (
            {"ar_more": "<p>Please pay the amount as soon as possible</p>"},
            "other_language",
            "ar",
        ),
        ({"en_more": "<p>يرجى سداد المبلغ</p>"}, "other_language", "en"),
        ({"en_subject": "Reminder " * 30}, "long_subject", ""),
    ],
)
def test_manners(options, code, lang):
    found = [
        one for one in check(letter(**options)) if one.code == code and one.lang == lang
    ]
    assert len(found) == 1 and found[0].severity == WARNING


@pytest.mark.parametrize(
    "subject",
    [
        "Reminder: AED 5",
        "POP reminder {{ total_due }}",
        "IBAN changed",
        "Final notice!",
        "{{ total_due }}",
        "TRN",
    ],
)
def test_subjects_that_are_fine(subject):
    assert not [
        one
        for one in check(letter(en_subject=subject))
        if one.code in ("subject_capitals", "exclamation")
    ]


def test_links_that_show_another_address():
    bad = '<p><a href="https://evil.example/x">https://pop.example/pay</a></p>'
    found = check(letter(bad, bad))
    assert {
        (one.code, one.severity) for one in found if one.code == "misleading_link"
    } == {("misleading_link", ERROR)}

    good = (
        '<p><a href="https://www.pop.example/x">pop.example</a> <a '
        'href="https://pop.example/x">https://pop.example/x</a> <a href="{{ page_url }}">https://pop.example</a></p>'
    )
    assert not [
        one for one in check(letter(good, good)) if one.code == "misleading_link"
    ]


def test_hardly_any_text():
    empty = MessageData({"name": "P"}, "C", "C", (), TODAY)
    assert "little_text" in [
        one.code for one in check_message({"en": ("x", "<p>.</p>")}, empty, "en")
    ]


def test_size():
    items = tuple(
        Item(
            f"INV/2026/{n:05d}",
            TODAY,
            TODAY - timedelta(n),
            n,
            Decimal("123456.78"),
            Decimal("123456.78"),
            "AED",
            2,
            "https://x.example/" + "y" * 60,
        )
        for n in range(1, 200)
    )
    data = replace(DATA, items=items)
    assert check_message(letter(), data, "both") == []
    found = check_message(
        letter("<p>" + "word " * 9_000 + "</p>", "<p>" + "كلمة " * 8_000 + "</p>"),
        data,
        "both",
    )
    assert only(found, "too_large").severity == ERROR
    assert int(only(found, "too_large").params["size"]) * 1000 > MAX_BYTES


def test_a_template_that_cannot_be_filled_in():
    [one] = check({"en": ("x", "<p>{{ nam }}</p>")})
    assert (one.code, one.severity, one.params["problem"].code) == (
        "template",
        ERROR,
        "unknown_tag",
    )


def test_errors_come_first_and_nothing_twice():
    found = check(letter("<p>Interest! Now! Now! Now!</p><p>{{ iban }}</p>"))
    assert [one.severity for one in found] == sorted([one.severity for one in found])
    assert len(
        {(one.code, one.lang, one.paragraph, str(one.params)) for one in found}
    ) == len(found)


# -- the sample itself
def test_sample_fills_every_tag():
    from core.letter.merge_tags import MERGE_TAGS
    from core.letter.render import merge_values

    for lang in ("en", "ar"):
        values = merge_values(DATA, lang)
        assert set(values) | {"invoice_table", "pay_button"} == set(MERGE_TAGS)
        assert not [name for name, value in values.items() if value in ("", None)]


def test_sample_uses_what_the_company_has():
    data = sample_data(
        TODAY,
        {"name": "Own", "phone": "", "color": "#123456"},
        {},
        currency="BHD",
        decimals=3,
    )
    assert (data.company["name"], data.company["color"], data.company["phone"]) == (
        "Own",
        "#123456",
        "+971 4 555 0100",
    )
    assert {item.currency for item in data.items} == {"BHD"}


def test_marked_as_sample():
    rendered = compose(DATA, letter(), "both")
    marked = mark_as_sample(rendered, "Sample", "Not <sent>")
    assert marked.subject == f"[Sample] {rendered.subject}"
    assert marked.html.count("Not &lt;sent&gt;") == 1 and marked.html.index(
        "Not &lt;"
    ) > marked.html.index("<body")
    assert marked.text.startswith("Not <sent>\n\n") and marked.text.endswith(
        rendered.text
    )
