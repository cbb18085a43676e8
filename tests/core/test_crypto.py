"""Sealing of secrets."""

import base64
import os

import pytest
from core.crypto import KeyRing, KeyRingError

KEY_A, KEY_B = (base64.b64encode(bytes([number]) * 32).decode() for number in (65, 66))
SECRET, CONTEXT = "pässword-سر-😀", "db:chaser.provider:1:smtp_password"


def entry(key_id, key):
    return f"{key_id}:{key}"


RING_A, RING_BA = (
    KeyRing.parse(entry("a", KEY_A)),
    KeyRing.parse(f" {entry('b', KEY_B)} ,\n {entry('a', KEY_A)},"),
)


@pytest.mark.parametrize("secret", [SECRET, "", "x" * 100_000, "a.b.c", "\x00"])
def test_round_trip(secret):
    sealed = RING_A.seal(secret, CONTEXT)
    assert RING_A.open(sealed, CONTEXT) == secret
    assert sealed.isascii() and (not secret or secret not in sealed)


def test_the_same_secret_never_seals_to_the_same_text():
    assert len({RING_A.seal(SECRET, CONTEXT) for _run in range(100)}) == 100


def test_rotation():
    old = RING_A.seal(SECRET, CONTEXT)
    assert RING_BA.newest == "b"
    assert RING_BA.open(old, CONTEXT) == SECRET
    assert RING_A.is_newest(old) and not RING_BA.is_newest(old)
    new = RING_BA.seal(RING_BA.open(old, CONTEXT), CONTEXT)
    assert RING_BA.is_newest(new)
    with pytest.raises(KeyRingError) as caught:
        RING_A.open(new, CONTEXT)
    assert (caught.value.code, caught.value.key_id) == ("unknown_key", "b")


@pytest.mark.parametrize(
    "context",
    ["", "db:chaser.provider:2:smtp_password", CONTEXT + " ", CONTEXT.upper()],
)
def test_another_place_does_not_open(context):
    with pytest.raises(KeyRingError) as caught:
        RING_A.open(RING_A.seal(SECRET, CONTEXT), context)
    assert caught.value.code == "tampered"


def test_every_changed_bit_is_noticed():
    head, key_id, payload = RING_A.seal("x", CONTEXT).split(".")
    raw = base64.urlsafe_b64decode(payload)
    for position in range(len(raw) * 8):
        changed = bytearray(raw)
        changed[position // 8] ^= 1 << position % 8
        with pytest.raises(KeyRingError) as caught:
            RING_A.open(
                f"{head}.{key_id}.{base64.urlsafe_b64encode(changed).decode()}", CONTEXT
            )
        assert caught.value.code == "tampered"


@pytest.mark.parametrize(
    "sealed",
    [
        "",
        "c1",
        "c1.a",
        "c1.a.",
        "c1.a.AAAA",
        "c1.a.====",
        "c1.a.é",
        "c1.a.x",
        "plain password",
        "c2.a.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    ],
)
def test_what_was_never_sealed_does_not_open(sealed):
    with pytest.raises(KeyRingError) as caught:
        RING_A.open(sealed, CONTEXT)
    assert caught.value.code in ("tampered", "unknown_key")


def test_a_key_of_the_same_name_but_other_bytes():
    with pytest.raises(KeyRingError) as caught:
        KeyRing.parse(entry("a", KEY_B)).open(RING_A.seal(SECRET, CONTEXT), CONTEXT)
    assert caught.value.code == "tampered"


@pytest.mark.parametrize("text", [None, "", "  ", ",", " , ,"])
def test_no_key(text):
    with pytest.raises(KeyRingError) as caught:
        KeyRing.parse(text)
    assert caught.value.code == "missing"


SHORT = base64.b64encode(b"A" * 31).decode()
MALFORMED = [
    KEY_A,
    f":{KEY_A}",
    f"{KEY_A}:",
    f"{KEY_A}:a",
    entry("a b", KEY_A),
    entry("x" * 33, KEY_A),
    entry("a\n", KEY_A),
    entry("مفتاح", KEY_A),
    entry("a", SHORT),
    entry("a", KEY_A[:-1]),
    entry("a", "!" + KEY_A),
    entry("a", KEY_A * 2),
    entry("a", "é"),
    "a:",
    "a",
    f"{entry('a', KEY_A)},{entry('a', KEY_B)}",
    f"{entry('b', KEY_B)},{KEY_A}",
]


@pytest.mark.parametrize("text", MALFORMED, ids=range(len(MALFORMED)))
def test_malformed(text):
    with pytest.raises(KeyRingError) as caught:
        KeyRing.parse(text)
    assert caught.value.code == "malformed"
    shown = f"{caught.value} {caught.value!r} {caught.value.args} {caught.value.key_id}"
    for key in (KEY_A, KEY_B, SHORT):
        assert key[:12] not in shown


def test_errors_and_repr_hold_no_secret():
    random_key = base64.b64encode(os.urandom(32)).decode()
    ring = KeyRing.parse(entry("k", random_key))
    sealed = ring.seal(SECRET, CONTEXT)
    for broken in (sealed[:-8], sealed.replace("c1.k", "c1.z"), "x" + sealed):
        with pytest.raises(KeyRingError) as caught:
            ring.open(broken, CONTEXT)
        shown = f"{caught.value} {caught.value!r} {caught.value.__cause__} {ring!r}"
        assert SECRET not in shown and random_key not in shown
