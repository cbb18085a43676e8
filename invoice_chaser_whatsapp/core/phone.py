"""Numbers and user ids of WhatsApp: what belongs together, and what never does.

A person is known by up to three values, kept side by side: the number that we wrote to
(E.164, with "+"), ``wa_id`` (the digits by which WhatsApp knows the account, which may
differ from the number), and the business-scoped user id (BSUID), which stays when a
person hides the number behind a username. A BSUID has letters: whoever strips
everything but digits destroys it.
"""

import re

# Meta, "Business-scoped user IDs": country, an optional "ENT" for the parent's, then
# letters and digits.
_USER_ID = re.compile(r"[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{1,128}")
_WA_ID = re.compile(r"\+?[1-9]\d{4,14}")
# Countries in which WhatsApp keeps another form of a number than E.164 has: (prefix,
# what stands between prefix and number, digits of the number in the short form).
# Mexico and Argentina: a digit for mobiles that was given up; Brazil: a ninth digit
# after the area code that was brought in.
_VARIANTS = (
    (re.compile(r"52(?:1)?(\d{10})"), "52{0}"),
    (re.compile(r"54(?:9)?(\d{10})"), "54{0}"),
    (re.compile(r"55(\d{2})9?([6-9]\d{7})"), "55{0}{1}"),
)


def is_user_id(value: str) -> bool:
    """Whether it is a business-scoped user id, of a person or of the parent."""
    return bool(_USER_ID.fullmatch(value or ""))


def to_wa_id(value: str) -> str:
    """``+971501234567`` or ``971501234567`` as WhatsApp writes it, digits only; empty
    for what is no number (a user id, a name)."""
    return value.removeprefix("+") if _WA_ID.fullmatch(value or "") else ""


def fold_number(value: str) -> str:
    """One form for all forms in which WhatsApp and E.164 write the same number; empty
    for what is no number."""
    digits = to_wa_id(value)
    for pattern, form in _VARIANTS:
        if match := pattern.fullmatch(digits):
            return form.format(*match.groups())
    return digits


def is_same_number(one: str, other: str) -> bool:
    """Whether two numbers reach the same account, whichever form each has."""
    return bool(fold_number(one)) and fold_number(one) == fold_number(other)
