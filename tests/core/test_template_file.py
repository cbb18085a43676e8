"""Templates as a file."""

import json

import pytest
from core.letter.template_file import Entry, TemplateFileProblem, dump, load

GOOD = {
    "key": "k",
    "name": {"en": "N"},
    "category": "system",
    "level": "",
    "is_default": True,
    "sequence": 3,
    "subject": {"en": "S"},
    "body_html": {"en": "<p>B</p>"},
}


def read(*entries):
    return load(
        json.dumps(
            {"format": "invoice_chaser.templates", "version": 1, "templates": entries}
        ).encode()
    )


def problems(**changes):
    return [
        (code, params.get("detail"))
        for code, params in read({**GOOD, **changes})[0].problems
    ]


def test_there_and_back():
    entry = Entry(
        "k",
        {"en": "N", "ar": "ن"},
        "system",
        "polite",
        True,
        3,
        {"en": "S", "ar": "ع"},
        {"en": "<p>B</p>", "ar": "<p>ب</p>"},
    )
    text = dump([entry])
    assert load(text.encode()) == [entry]
    assert "ن" in text and text.endswith("}\n")
    assert dump(load(b"\xef\xbb\xbf" + text.encode())) == text


def test_what_may_be_left_out():
    [entry] = read(
        {key: GOOD[key] for key in ("key", "name", "category", "subject", "body_html")}
    )
    assert (entry.problems, entry.sequence, entry.is_default, entry.level) == (
        [],
        10,
        False,
        "",
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"category": "sistem"}, ("category", "sistem")),
        ({"category": ""}, ("missing", "category")),
        ({"key": ""}, ("missing", "key")),
        ({"key": None}, ("type", "key")),
        ({"sequence": "1"}, ("type", "sequence")),
        ({"sequence": True}, ("type", "sequence")),
        ({"is_default": 1}, ("type", "is_default")),
        ({"name": "N"}, ("type", "name")),
        ({"name": {"en": 5}}, ("type", "name")),
        ({"name": {"ar": "x"}}, ("missing", "name.en")),
        ({"subject": {"en": " "}}, ("missing", "subject.en")),
        ({"subject": {"en": "S", "de": "x"}}, ("language", "subject.de")),
        ({"subject": {"en": "S", "ar": "x"}}, ("missing", "body_html.ar")),
        ({"body_html": {"en": "<p>{{ nam }}</p>"}}, ("text", "body_html.en")),
        ({"subject": {"en": "{{ 1"}}, ("text", "subject.en")),
        ({"category": "overdue_notice"}, ("text", "body_html.en")),
        ({"color": 1}, ("unknown_key", "color")),
        ({"body_html": {"en": "{{ ''.__class__ }}"}}, ("text", "body_html.en")),
    ],
)
def test_problems_of_an_entry(changes, expected):
    assert expected in problems(**changes)


def test_good_and_bad_stand_beside_each_other():
    good, bad, twice, none = read(
        GOOD, {**GOOD, "key": "b", "category": "x"}, GOOD, "text"
    )
    assert (
        good.problems,
        len(bad.problems),
        [code for code, _params in twice.problems],
        none.problems,
    ) == ([], 1, ["twice"], [("not_object", {})])


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"\xff\xff", "not_text"),
        (b"", "not_json"),
        (b"{\n\n]", "not_json"),
        (b"[" * 50_000, "not_json"),
        (b"null", "other_format"),
        (b"[1]", "other_format"),
        (b'{"format": "invoice_chaser.templates"}', "other_version"),
        (b'{"format": "invoice_chaser.templates", "version": 1}', "empty"),
        (
            b'{"format": "invoice_chaser.templates", "version": 1, "templates": {}}',
            "empty",
        ),
        (b" " * 5_000_001, "too_large"),
        (
            b'{"format": "invoice_chaser.templates", "version": 1, "templates": ['
            + b"1," * 600
            + b"1]}",
            "too_many",
        ),
        (b"9" * 5000, "not_json"),
    ],
)
def test_files_that_are_none(raw, code):
    with pytest.raises(TemplateFileProblem) as caught:
        load(raw)
    assert caught.value.code == code
    if code == "not_json":
        assert caught.value.params["line"] >= 1
