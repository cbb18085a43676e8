"""Numbers and user ids of WhatsApp: what is the same account, and what is no number."""

import pytest
from whatsapp_core.phone import fold_number, is_same_number, is_user_id, to_wa_id


@pytest.mark.parametrize(
    "one, other",
    [
        ("+971501234567", "971501234567"),
        # Landlines can have WhatsApp.
        ("+97145550100", "97145550100"),
        # Mexico: the mobiles' 1 that was given up in 2019.
        ("+525512345678", "5215512345678"),
        # Brazil: the ninth digit is missing in old accounts.
        ("+5511987654321", "551187654321"),
        # Argentina: the 9 of mobiles.
        ("+541112345678", "5491112345678"),
    ],
)
def test_the_same_account(one, other):
    assert is_same_number(one, other)
    assert is_same_number(other, one)


@pytest.mark.parametrize(
    "one, other",
    [
        ("+971501234567", "971501234568"),
        ("+971501234567", ""),
        ("", ""),
        ("not a number", "not a number"),
        # A landline of Brazil begins with 2 to 5 and has no ninth digit.
        ("+551132654321", "5511932654321"),
        # A user id is nobody's number, whatever digits are in it.
        ("AE.971501234567", "971501234567"),
    ],
)
def test_not_the_same_account(one, other):
    assert not is_same_number(one, other)


def test_user_ids_keep_their_letters():
    for user_id in ("AE.13491208655302741918", "AE.ENT.aB9xZ", "US.A"):
        assert is_user_id(user_id)
        assert to_wa_id(user_id) == fold_number(user_id) == ""
    for other in ("971501234567", "ae.123", "AE.", "AE.12 3", "", "AE." + "1" * 129):
        assert not is_user_id(other)
