"""The payment reference of a message."""

import random

import pytest
from core.match.reference import find_references, make_reference, normalize_reference


def test_the_standard_s_own_example():
    """ISO 11649: RF18 5390 0754 7034."""
    assert make_reference(539007547034) == "RF18539007547034"


@pytest.mark.parametrize(
    "text",
    [
        "{0}",
        "payment {0} thank you",
        "TRF/{0}/AED 1,000.00 POP TRADING",
        "{1}",
        "Ref: {1}.",
        "{2}",
        "حوالة رقم {2} من شركة النور",
        "{0} 500.00",
        "{3}",
    ],
)
def test_found_whatever_else_is_said(text):
    reference = make_reference(1234567)
    grouped = " ".join(
        reference[start : start + 4] for start in range(0, len(reference), 4)
    )
    eastern = reference.translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"))
    quoted = text.format(reference, grouped, eastern, reference.lower())
    assert 1234567 in find_references(quoted)


@pytest.mark.parametrize(
    "typed",
    [
        "RF18539007547034",
        "rf18 5390 0754 7034",
        "RF18-5390.0754/7034",
        "RF١٨٥٣٩٠٠٧٥٤٧٠٣٤",
    ],
)
def test_typed_as_it_is_stored(typed):
    assert normalize_reference(typed) == "RF18539007547034"
    assert normalize_reference(normalize_reference(typed)) == normalize_reference(typed)


@pytest.mark.parametrize(
    "text", ["", "RF", "RF12", "INV/2026/00012", "RF 12345", "PERF 1000 00", "12345678"]
)
def test_nothing_to_find(text):
    assert find_references(text) == []


def test_a_slip_is_noticed():
    """Any single wrong digit, and any two neighbours exchanged."""
    chance = random.Random(7)
    for _number in range(300):
        number = chance.randint(1, 99_999_999)
        reference = make_reference(number)
        assert find_references(reference)[0] == number
        place = chance.randrange(2, len(reference))
        wrong = (
            reference[:place]
            + str((int(reference[place]) + chance.randint(1, 9)) % 10)
            + reference[place + 1 :]
        )
        assert number not in find_references(wrong)
        if place + 1 < len(reference) and reference[place] != reference[place + 1]:
            swapped = (
                reference[:place]
                + reference[place + 1]
                + reference[place]
                + reference[place + 2 :]
            )
            assert number not in find_references(swapped)
