"""What Meta would refuse in a template, rule by rule, and that a good one passes."""

from dataclasses import replace

import pytest
from core.letter.wording import find_wording
from whatsapp_core import shipped
from whatsapp_core.template_rules import Draft, Refusal, clean_value, fill
from whatsapp_core.template_rules import find_refusals as find

EN = Draft(
    name="chaser_polite_v1",
    language="en",
    lang="en",
    header_kind="document",
    body="Hello {{customer}}, this is {{company}} about your account. {{items}} "
    "overdue as of {{today}}, {{total}} in all; the oldest has been due since "
    "{{oldest}}. The "
    "attached statement lists each one. Use the button to view them. Thank you.",
    footer="Reply STOP to receive no more messages",
    button="View and answer",
    url="https://pay.company.example/chaser/p/{{1}}",
    samples={
        "customer": "Al Noor Trading LLC",
        "company": "POP Trading LLC",
        "items": "3 invoices are",
        "today": "27 Nov 2026",
        "total": "AED 12,400.00",
        "oldest": "4 Sep 2026",
    },
    sources={
        "customer": "customer_name",
        "company": "company_name",
        "items": "invoice_items",
        "today": "today",
        "total": "total_due",
        "oldest": "oldest_due_date",
    },
)
AR = replace(
    EN,
    language="ar",
    lang="ar",
    body="السادة {{customer}} المحترمين، نود تذكيركم بحسابكم لدى {{company}}: "
    "{{items}} حتى تاريخ {{today}} بإجمالي {{total}}، ويعود أقدم استحقاق إلى "
    "{{oldest}}. تجدون "
    "التفاصيل في كشف الحساب المرفق. ولكم جزيل الشكر.",
    footer="لإيقاف الرسائل أرسلوا كلمة: إيقاف",
    button="العرض والرد",
)


def find_refusals(draft, others=()):
    return find(draft, find_wording, others)


def _codes(draft, others=()):
    return [(one.code, one.place) for one in find_refusals(draft, others)]


def test_good_ones_pass():
    assert find_refusals(EN) == []
    assert find_refusals(AR) == []
    assert find_refusals(AR, [EN]) == []


@pytest.mark.parametrize(
    "change, code, place",
    [
        ({"name": "Chaser Polite"}, "bad_name", "name"),
        ({"name": "a" * 513}, "bad_name", "name"),
        ({"language": "en-US"}, "unknown_language", "language"),
        ({"language": "ar"}, "unknown_language", "language"),
        ({"language": "de"}, "unknown_language", "language"),
        ({"body": " "}, "empty", "body"),
        ({"body": EN.body + " a" * 500}, "too_long", "body"),
        ({"body": EN.body + "\n\n\nBye"}, "many_newlines", "body"),
        ({"body": EN.body + "    Bye"}, "many_blanks", "body"),
        ({"body": EN.body + "\tBye"}, "many_blanks", "body"),
        ({"body": EN.body + "😀" * 11}, "many_emoji", "body"),
        ({"body": "{{customer}} " + EN.body}, "variable_first", "body"),
        ({"body": "“{{customer}}” " + EN.body}, "variable_first", "body"),
        ({"body": EN.body + " {{customer}}"}, "variable_last", "body"),
        ({"body": EN.body + " {{customer}}."}, "variable_last", "body"),
        (
            {"body": "Hello {{customer}} {{company}} " + EN.body},
            "variables_adjacent",
            "body",
        ),
        (
            {"body": "Hello {{customer}}{{company}} and " + EN.body},
            "variables_adjacent",
            "body",
        ),
        (
            {"body": "Hello {{customer}} of {{company}} owes {{total}} now"},
            "few_words",
            "body",
        ),
        ({"body": EN.body + " {{1}} ok"}, "bad_variable", "body"),
        ({"body": EN.body + " {{ total }} ok"}, "bad_variable", "body"),
        ({"body": EN.body + " {{Total}} ok"}, "bad_variable", "body"),
        ({"body": EN.body + " {total} ok"}, "bad_variable", "body"),
        ({"body": EN.body + " {{total} ok"}, "bad_variable", "body"),
        ({"body": EN.body + " With {{level}} ok"}, "no_sample", "body"),
        ({"body": EN.body + " With {{level}} ok"}, "no_source", "body"),
        ({"samples": {**EN.samples, "total": "a\nb"}}, "bad_sample", "body"),
        ({"samples": {**EN.samples, "total": "  "}}, "no_sample", "body"),
        ({"sources": {**EN.sources, "total": "iban"}}, "account_number", "body"),
        (
            {"body": EN.body + " Pay to AE07 0331 2345 6789 0123 456 today."},
            "account_number",
            "body",
        ),
        (
            {"body": EN.body + " Our account 1012345678901 is new."},
            "account_number",
            "body",
        ),
        (
            {"body": EN.body + " We will take legal action. Bye."},
            "threat",
            "body",
        ),
        ({"body": EN.body + " See wa.me/97150 for more."}, "short_link", "body"),
        ({"body": EN.body + " Ask for our special offer."}, "selling", "body"),
        ({"body": EN.body + " Pay now and get 10% off."}, "selling", "body"),
        ({"body": AR.body, "samples": AR.samples}, "other_language", "body"),
        ({"header_kind": "text"}, "empty", "header"),
        ({"header_kind": "text", "header": "a" * 61}, "too_long", "header"),
        ({"header_kind": "text", "header": "Your\naccount"}, "newline_here", "header"),
        ({"header_kind": "text", "header": "*Yours*"}, "formatting_here", "header"),
        ({"header_kind": "text", "header": "Yours 😀"}, "formatting_here", "header"),
        ({"header_kind": "text", "header": "To {{total}}"}, "variable_here", "header"),
        ({"footer": "a" * 61}, "too_long", "footer"),
        ({"footer": "From {{company}}"}, "variable_here", "footer"),
        ({"footer": "One\ntwo"}, "newline_here", "footer"),
        ({"footer": "Bye 😀"}, "formatting_here", "footer"),
        ({"button": "a" * 26}, "too_long", "button"),
        ({"button": ""}, "empty", "button"),
        ({"button": "Pay {{total}}"}, "variable_here", "button"),
        ({"button": "Pay 💳"}, "formatting_here", "button"),
        ({"url": ""}, "bad_url", "url"),
        ({"url": "http://pay.company.example/{{1}}"}, "bad_url", "url"),
        ({"url": "https://localhost/{{1}}"}, "bad_url", "url"),
        ({"url": "https://[pay/{{1}}"}, "bad_url", "url"),
        ({"url": "https://pay.example/{{1}}/x"}, "url_variable", "url"),
        ({"url": "https://pay.example/{{1}}{{2}}"}, "url_variable", "url"),
        ({"url": "https://wa.me/{{1}}"}, "short_link", "url"),
        ({"url": "https://pay.example/" + "a" * 2000}, "too_long", "url"),
    ],
)
def test_refused(change, code, place):
    assert (code, place) in _codes(replace(EN, **change))


@pytest.mark.parametrize(
    "body",
    [
        AR.body + " وسنتخذ الإجراءات القانونية. وشكرًا.",
        AR.body + " لدينا عرض خاص لكم. وشكرًا.",
        AR.body + " This is our message in English and it goes on for quite a while in "
        "order to outweigh what stands before it, which is written in the other one of "
        "both languages, and so it has to be quite long, as you can see from here on.",
    ],
)
def test_refused_in_arabic(body):
    assert len(find_refusals(replace(AR, body=body))) == 1


def test_what_only_looks_like_it():
    for words in (
        "Call +971 50 123 4567 or 04 555 0100 or 00971501234567.",
        "Our TRN is 100123456700003.",
        "It is about order SO-2026-00123.",
        "Thank you for your trust *today*.",
    ):
        assert find_refusals(replace(EN, body=f"{EN.body} {words} Bye.")) == []
    marketing = replace(EN, category="marketing", body=EN.body + " New offers too.")
    assert find_refusals(marketing) == []
    no_button = replace(EN, button="", url="")
    assert find_refusals(no_button) == []


def test_duplicates():
    twin = replace(EN, name="chaser_other")
    assert find_refusals(EN, [twin]) == [Refusal("duplicate", "body", "chaser_other")]
    # Its own former state, and the other language, are none.
    assert find_refusals(EN, [EN, replace(twin, footer="Other words")]) == []


def test_values():
    assert clean_value(" two\nlines\tand     blanks ") == "two lines and blanks"
    assert fill("Hi {{customer}}!", {"customer": "{{x}}"}) == "Hi {{x}}!"


@pytest.mark.parametrize("lang", ["en", "ar"])
def test_those_that_come_with_the_addon(lang):
    """Four tones, none of them refused, each named in both languages; each asks for the
    reference by which the payment is found, and names no account."""
    drafts = [
        Draft(
            name=name,
            language=lang,
            lang=lang,
            header_kind="document",
            body=bodies[lang],
            footer=shipped.FOOTERS[lang],
            button=shipped.BUTTONS[lang],
            url=EN.url,
            samples=dict.fromkeys(shipped.SOURCES, "3 things"),
            sources=shipped.SOURCES,
        )
        for name, bodies in shipped.TEMPLATES.values()
    ]
    assert len(drafts) == 4
    for draft in drafts:
        assert find_refusals(draft, drafts) == [], draft.name
        assert set(draft.variables) <= set(shipped.SOURCES)
        assert "reference" in draft.variables
