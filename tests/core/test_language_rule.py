"""In which language a customer is written to."""

import pytest
from core.letter.language_rule import choose_language
from core.letter.render import languages, preference_of


@pytest.mark.parametrize(
    ("own", "contact", "company", "expected"),
    [
        ("en", "ar_001", "ar", ("en", "own")),
        ("both", "fr_FR", "en", ("both", "own")),
        (None, "ar_001", "en", ("ar", "contact")),
        (None, "ar_SY", "both", ("both", "contact")),
        (None, "ar_001", "ar", ("ar", "contact")),
        (None, "fr_FR", "en", ("en", "other")),
        (False, "hi_IN", "ar", ("en", "other")),
        (None, "ru_RU", "both", ("both", "other")),
        (None, "en_US", "ar", ("ar", "company")),
        (None, "en_GB", "both", ("both", "company")),
        (None, None, "ar", ("ar", "company")),
        ("", "", "en", ("en", "company")),
    ],
)
def test_rule(own, contact, company, expected):
    assert choose_language(own, contact, company) == expected


@pytest.mark.parametrize("preference", ["en", "ar", "both"])
def test_preference_and_languages_fit(preference):
    assert preference_of(languages(preference)) == preference
