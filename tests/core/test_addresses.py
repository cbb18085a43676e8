"""Addresses as people enter them."""

import random

import pytest
from core.mail.addresses import clean_address, hint_address, read_addresses
from core.mail.message import OutgoingMessage


@pytest.mark.parametrize(
    "field,address",
    [
        ("Ali@Customer.Example", "ali@customer.example"),
        ("Ali <ali@customer.example>", "ali@customer.example"),
        ('"Hassan, Ali" <ali@customer.example>', "ali@customer.example"),
        ("Ali Hassan ali@customer.example", "ali@customer.example"),
        ("mailto:ali@customer.example", "ali@customer.example"),
        ("<ali@customer.example>", "ali@customer.example"),
        # What nobody sees: marks of direction, no-width and no-break spaces.
        ("ali@customer.example\u200f", "ali@customer.example"),
        ("\u202bali@customer.example\u202c", "ali@customer.example"),
        ("ali\u200b@customer.example", "ali@customer.example"),
        ("\u00a0ali@customer.example\u00a0", "ali@customer.example"),
        ("\ufeffali@customer.example\t", "ali@customer.example"),
        ("ali@customer\u00ad.example", "ali@customer.example"),
        ("ali＠customer．example", "ali@customer.example"),
        # The root's dot.
        ("ali@customer.example.", "ali@customer.example"),
        # Other letters: RFC 5891.
        ("a3@شركة.example", "a3@xn--ogbpi5d.example"),
        ("a3@Bücher.example", "a3@xn--bcher-kva.example"),
        ("a3@ｅｘａｍｐｌｅ.com", "a3@example.com"),
        ("m.d'souza@customer.example", "m.d'souza@customer.example"),
        ("o'brien+pay@customer.example", "o'brien+pay@customer.example"),
        ('"ali"@customer.example', "ali@customer.example"),
        ("ali@host", "ali@host"),
    ],
)
def test_cleaned(field, address):
    [found] = read_addresses(field)
    assert (found.address, found.problem) == (address, "")
    assert clean_address(field) == address


@pytest.mark.parametrize(
    "field,problem",
    [
        ("ali", "form"),
        ("ali@", "form"),
        ("@customer.example", "form"),
        ("ali..hassan@customer.example", "form"),
        (".ali@customer.example", "form"),
        ("a" * 65 + "@customer.example", "form"),
        ("علي@customer.example", "local"),
        ("ali@customer..example", "domain"),
        ("ali@-customer.example", "domain"),
        ("ali@customer_.example", "domain"),
        ("ali@1.2.3.4", "domain"),
        ("ali@" + "a" * 64 + ".example", "domain"),
        ("ali@" + "a." * 130 + "example", "domain"),
        ('"ali hassan"@customer.example', "quoted"),
        ('"a,b"@customer.example', "quoted"),
    ],
)
def test_refused_with_its_reason(field, problem):
    [found] = read_addresses(field)
    assert (found.address, found.problem) == ("", problem)
    assert clean_address(field) == ""


@pytest.mark.parametrize(
    "field",
    ["", " ", "\u200f", ";,; ,", "\n"],
    ids=["none", "space", "mark", "signs", "line"],
)
def test_nothing(field):
    assert read_addresses(field) == []


@pytest.mark.parametrize(
    "field",
    [
        "dead@x.example; alive@y.example",
        "dead@x.example, alive@y.example",
        "dead@x.example alive@y.example",
        "dead@x.example\nalive@y.example",
        "dead@x.example؛ alive@y.example",
        "Dead <dead@x.example>, Alive <alive@y.example>",
        "Dead <dead@x.example> Alive <alive@y.example>",
        "dead@x.example,,alive@y.example; DEAD@x.example",
    ],
)
def test_several_each_once(field):
    assert [found.address for found in read_addresses(field)] == [
        "dead@x.example",
        "alive@y.example",
    ]
    assert clean_address(field) == ""


def test_each_has_its_own_outcome():
    found = read_addresses('good@x.example; bad@x..example; "a b"@x.example')
    assert [entry.address or entry.problem for entry in found] == [
        "good@x.example",
        "domain",
        "quoted",
    ]


def test_whatever_is_entered_can_be_written_into_a_message():
    """What comes out clean is taken by the message; no input raises."""
    chance = random.Random(5)
    letters = "ab1.@@,;\"'<> \u200f\u00a0-_شü\\()[]:%+\n\x00\ud800"
    for _number in range(3000):
        field = "".join(chance.choices(letters, k=chance.randint(1, 25)))
        for found in read_addresses(field):
            assert bool(found.address) != bool(found.problem)
            if found.address:
                message = OutgoingMessage(
                    "<a@b.example>", "a@b.example", (found.address,), "s", "<p/>", "t"
                )
                assert found.address in message.to_email().as_string()


def test_hints():
    assert hint_address("finance@alnoor.example") == "f…@alnoor.example"
    assert hint_address("+971501234567") == "…567"
