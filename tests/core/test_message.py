"""The MIME form of a message."""

import base64
import quopri
import random
import re
from datetime import datetime, timezone
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.utils import parseaddr

import pytest
from core.mail.message import Attachment, OutgoingMessage, clean_header

LONG_ID = (
    f"<chaser.{'0123456789abcdef' * 4}@a-very-long-company-domain-name.example.ae>"
)
BREAKS = [
    "\r\n",
    "\n",
    "\r",
    "\x85",
    "\u2028",
    "\u2029",
    "\x0b",
    "\x0c",
    "\x1c",
    "\x00",
    "\r\n\r\n",
]


def make(**values) -> OutgoingMessage:
    defaults = {
        "message_id": "<r1@pop.example>",
        "sender": "accounts@pop.example",
        "recipients": ("ali@example.com",),
        "subject": "Reminder",
        "html": "<p>Hello</p>",
        "text": "Hello",
    }
    return OutgoingMessage(**defaults | values)


def raw(message) -> bytes:
    return message.to_email().as_bytes()


def parse(message):
    return message_from_bytes(raw(message), policy=policy.default)


def test_headers():
    mail = parse(
        make(
            sender_name="POP Trading LLC",
            cc=("copy@example.com", "b@example.com"),
            reply_to="reply@pop.example",
            date=datetime(2026, 11, 21, 8, 30, tzinfo=timezone.utc),
            headers={
                "Auto-Submitted": "auto-generated",
                "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            },
        )
    )
    assert mail["Message-ID"] == "<r1@pop.example>"
    assert mail["From"] == "POP Trading LLC <accounts@pop.example>"
    assert mail["To"] == "ali@example.com"
    assert mail["Cc"] == "copy@example.com, b@example.com"
    assert mail["Reply-To"].addresses[0].addr_spec == "reply@pop.example"
    assert mail["Date"] == "Sat, 21 Nov 2026 08:30:00 +0000"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_what_is_empty_is_absent():
    mail = parse(make())
    assert not {"Cc", "Bcc", "Reply-To", "In-Reply-To", "References"} & set(mail.keys())
    assert mail["Date"].datetime.tzinfo is not None


def test_text_before_html():
    """Mail programs show the last part that they can (RFC 2046 §5.1.4)."""
    mail = parse(make())
    assert mail.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in mail.iter_parts()] == [
        "text/plain",
        "text/html",
    ]


@pytest.mark.parametrize("line_break", BREAKS, ids=repr)
@pytest.mark.parametrize("where", ["subject", "sender_name", "header", "attachment"])
def test_no_value_starts_a_header(where, line_break):
    evil = f"Good{line_break}Bcc: victim@example.com{line_break}X-Evil: 1"
    values = {
        "header": {"headers": {"X-Chaser": evil}},
        "attachment": {"attachments": (Attachment(evil, b"x", "application/pdf"),)},
    }
    mail = parse(make(**values.get(where, {where: evil})))
    parts = list(mail.walk())
    assert not any(name in part for part in parts for name in ("Bcc", "X-Evil"))
    assert [address.addr_spec for address in mail["From"].addresses] == [
        "accounts@pop.example"
    ]
    assert mail.get_body(("plain",)).get_content().strip() == "Hello"


@pytest.mark.parametrize(
    "values",
    [
        {"recipients": ("a@b.ae\r\nBcc: v@example.com",)},
        {"cc": ("a@b.ae\nX: 1",)},
        {"reply_to": "a@b.ae\r\nX: 1"},
        {"message_id": "<a@b>\r\nX: 1"},
        {"references": ("<a@b>\r\nX: 1",)},
        {"recipients": ("a@b.ae, c@d.ae",)},
        {"recipients": ("",)},
        {"recipients": ("ali",)},
        {"recipients": ("علي@example.com",)},
        {"recipients": ("a@مثال.ae",)},
    ],
)
def test_an_address_that_is_none_raises_value_error(values):
    with pytest.raises(ValueError):
        raw(make(**values))


@pytest.mark.parametrize(
    "text",
    [
        "تذكير بالدفع: فاتورتان متأخرتان",
        "Payment reminder: AED\u00a01,234.50",
        "😀 reminder",
        "é" * 200,
        "تذكير " * 60 + "end",
        "\u2068INV/2026/0001\u2069 متأخرة",
        '"quoted", <odd> (brackets) ; : @',
        "شركة البوب للتجارة العامة ذات المسؤولية المحدودة",
    ],
    ids=lambda text: text[:12],
)
def test_subject_and_name_survive(text):
    """Decoded by email.header: the new parser of Python 3.11 puts spaces between the
    encoded words of a name."""
    mail = message_from_bytes(raw(make(subject=text, sender_name=text)))
    assert str(make_header(decode_header(mail["Subject"]))) == text
    name, address = parseaddr("".join(mail["From"].splitlines()))
    assert str(make_header(decode_header(name))) == text
    assert address == "accounts@pop.example"


def test_random_names_and_subjects_survive():
    chance = random.Random(19)
    for _run in range(300):
        text = " ".join(
            "".join(chance.choices("ابجdeé😀.،-/(", k=chance.randint(1, 14)))
            for _word in range(chance.randint(1, 30))
        )
        content = raw(make(subject=text, sender_name=text))
        mail = message_from_bytes(content)
        assert str(make_header(decode_header(mail["Subject"]))) == text
        name, address = parseaddr("".join(mail["From"].splitlines()))
        assert (str(make_header(decode_header(name))), address) == (
            text,
            "accounts@pop.example",
        )
        assert (
            max(len(line) for line in content.partition(b"\r\n\r\n")[0].split(b"\r\n"))
            <= 78
        )


def test_everything_is_seven_bit_with_short_lines():
    content = raw(
        make(
            subject="تذكير",
            sender_name="شركة",
            text="ا" * 4000,
            html="<p>" + "x" * 4000 + "</p>",
            attachments=(
                Attachment("ملف.pdf", bytes(range(256)) * 100, "application/pdf"),
            ),
        )
    )
    assert content.isascii()
    assert max(len(line) for line in content.split(b"\r\n")) <= 998
    assert b"\n" not in content.replace(b"\r\n", b"")


def test_attachments():
    files = (
        Attachment("INV 1.pdf", b"%PDF-1.7\r\n\x00\xff", "application/pdf"),
        Attachment("كشف الحساب.xlsx", b"PK\x03\x04"),
    )
    mail = parse(make(attachments=files))
    assert mail.get_content_type() == "multipart/mixed"
    found = [
        (part.get_filename(), part.get_content(), part.get_content_type())
        for part in mail.iter_attachments()
    ]
    assert found == [(one.name, one.content, one.mimetype) for one in files]
    assert all(
        part.get_content_disposition() == "attachment"
        for part in mail.iter_attachments()
    )
    assert mail.get_body(("html",)).get_content().strip() == "<p>Hello</p>"


def test_threading():
    mail = parse(make(references=("<first@pop.example>", "<second@pop.example>")))
    assert mail["In-Reply-To"] == "<second@pop.example>"
    assert mail["References"].split() == ["<first@pop.example>", "<second@pop.example>"]


@pytest.mark.parametrize("count", [1, 2, 20])
def test_long_message_ids_stay_readable(count):
    content = raw(make(message_id=LONG_ID, references=(LONG_ID,) * count))
    assert b"=?" not in content
    assert content.count(LONG_ID.encode()) == count + 2
    assert (
        parse(make(references=(LONG_ID,) * count))["References"].split()
        == [LONG_ID] * count
    )


def test_long_unsubscribe_link_stays_readable():
    link = (
        "<https://odoo.a-very-long-company-domain-name.example.ae/chaser/"
        f"unsubscribe/{'x' * 64}>"
    )
    content = raw(
        make(
            headers={
                "List-Unsubscribe": link,
                "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            }
        )
    )
    assert f"List-Unsubscribe: {link}\r\n".encode() in content
    assert (
        make(headers={"List-Unsubscribe": link}).to_email().as_string().count(link) == 1
    )


def test_envelope_has_each_address_once():
    message = make(recipients=("a@x.ae", "b@x.ae"), cc=("c@x.ae", "a@x.ae"))
    assert message.envelope == ("a@x.ae", "b@x.ae", "c@x.ae")


@pytest.mark.parametrize(
    ("given", "clean"),
    [
        (None, ""),
        ("", ""),
        ("  a  ", "a"),
        ("a\r\n b", "a  b"),
        ("a\u2028\u2029\x85b", "a b"),
        ("\x00a\x7f", "a"),
        ("محمد\u200fعلي", "محمد\u200fعلي"),
    ],
)
def test_clean_header(given, clean):
    assert clean_header(given) == clean


# -- strictly by the book
# --------------------------------------------------------------------------------------
ENCODED_WORD = re.compile(rb"=\?utf-8\?([bq])\?([^?]*)\?=")
ARABIC = (
    "تذكير بالسداد: 3 فواتير متأخرة، المبلغ المستحق "
    "\u206619,435.50\u2069\u00a0درهم · Payment reminder: 3 invoices overdue"
)


def head_of(content: bytes) -> bytes:
    return content.partition(b"\r\n\r\n")[0]


@pytest.mark.parametrize(
    "text",
    [ARABIC, ARABIC * 5, "ا" * 300, "شركة " + "x" * 60, "😀" * 40, "a" * 70 + "ب"],
)
def test_encoded_words(text):
    """RFC 2047 §2 and §5: 75 characters at most, whole characters in each, and in a
    name only the signs that may stand there."""
    content = raw(
        make(
            subject=text,
            sender_name=text,
            attachments=(Attachment(f"{text[:80]}.pdf", b"x", "application/pdf"),),
        )
    )
    assert content.isascii()
    words = list(ENCODED_WORD.finditer(head_of(content)))
    assert words
    for word in words:
        assert len(word.group()) <= 75
        kind, inner = word.group(1), word.group(2)
        decoded = (
            base64.b64decode(inner, validate=True)
            if kind == b"b"
            else quopri.decodestring(inner.replace(b"_", b" "))
        )
        decoded.decode("utf-8")
        if kind == b"q":
            assert re.fullmatch(rb"[A-Za-z0-9!*+\-/=_]*", inner)
    for line in head_of(content).split(b"\r\n"):
        assert len(line) <= 78 or b" " not in line.strip()


@pytest.mark.parametrize(
    "name",
    [
        "شركة البوب للتجارة",
        '"Al Noor", Ltd. <x>',
        "O'Neil (Dubai)",
        "a\\b",
        "=?utf-8?q?evil?=",
        "",
    ],
)
def test_modern_and_old_parsers_agree_and_find_no_fault(name):
    message = make(
        subject=ARABIC,
        sender_name=name,
        cc=("copy@example.com",),
        reply_to="reply@pop.example",
        references=("<a@b>", LONG_ID),
        html="<p>" + "مرحبا " * 500 + "</p>",
        text="مرحبا " * 500,
        attachments=(
            Attachment(
                "كشف حساب شركة البوب للتجارة العامة ذات المسؤولية المحدودة "
                "2026-11-21.pdf",
                b"%PDF-" * 900,
                "application/pdf",
            ),
        ),
        headers={
            "List-Unsubscribe": "<https://odoo.example/chaser/u/TOKEN>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            "Auto-Submitted": "auto-generated",
            "Content-Language": "ar, en",
        },
    )
    content = raw(message)
    mail = message_from_bytes(content, policy=policy.default)
    assert not [defect for part in mail.walk() for defect in part.defects]
    assert not [
        defect for value in mail.values() for defect in getattr(value, "defects", ())
    ]
    assert b"\r" not in content.replace(b"\r\n", b"") and b"\n" not in content.replace(
        b"\r\n", b""
    )
    assert max(len(line) for line in content.split(b"\r\n")) <= 998
    assert [address.addr_spec for address in mail["From"].addresses] == [
        "accounts@pop.example"
    ]
    [attachment] = mail.iter_attachments()
    assert attachment.get_filename() == message.attachments[0].name
    assert attachment.get_content() == message.attachments[0].content
    assert mail.get_body(("plain",)).get_content().strip() == message.text.strip()
    assert mail.get_body(("html",)).get_content().strip() == message.html
    assert (
        mail["Content-Language"],
        mail["Auto-Submitted"],
        mail["List-Unsubscribe-Post"],
    ) == ("ar, en", "auto-generated", "List-Unsubscribe=One-Click")
    old = message_from_bytes(content)
    assert str(make_header(decode_header(old["Subject"]))) == ARABIC
    if not name.startswith("=?"):
        assert (
            str(
                make_header(
                    decode_header(parseaddr("".join(old["From"].splitlines()))[0])
                )
            )
            == name
        )


def test_each_header_once():
    mail = parse(
        make(headers={"Auto-Submitted": "auto-generated", "Content-Language": "ar"})
    )
    names = [name.lower() for name in mail.keys()]
    assert sorted(names) == sorted(set(names))
    assert {
        "message-id",
        "date",
        "from",
        "to",
        "subject",
        "mime-version",
        "content-type",
        "content-language",
    } <= set(names)


def test_the_same_message_is_the_same_bytes():
    """A retry is the same message: same id, same parts."""
    moment = datetime(2026, 11, 21, tzinfo=timezone.utc)
    one, two = (raw(make(subject=ARABIC, date=moment)) for _attempt in range(2))
    assert one == two


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "Hello",
        "x" * 76,
        "x" * 77,
        "a" * 5000,
        "trailing space \nand tab\t\n",
        "From the start\n.\n..\n",
        "= equals =_ and =3D",
        ARABIC,
        ARABIC * 300,
        "mixed نص " * 500,
        "line\r\nother\rthird\nend",
        "\u2028\u2029 \x0b \x0c",
        "--=_ looks like a boundary",
    ],
)
def test_parts_say_what_was_given(text):
    """Whatever the encoding that is chosen: seven bits, short lines, nothing lost."""
    content = raw(make(text=text, html=f"<p>{text}</p>"))
    plain, html = message_from_bytes(content).get_payload()
    for part, given in ((plain, text), (html, f"<p>{text}</p>")):
        found = part.get_payload(decode=True)
        assert part.get_content_charset() == "utf-8"
        # Line ends are those of a mail; a text ends with one.
        assert found.splitlines() == (given.encode().splitlines() or [b""])
    lines = content.split(b"\r\n")
    assert max(map(len, lines)) <= 78
    assert content.isascii()
