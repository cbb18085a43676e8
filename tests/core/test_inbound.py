"""Incoming mail: a corpus of mail as servers and programs write it (data/inbound), and
malformed mail."""

import base64
import json
import random
import re
import sys
import time
from datetime import datetime
from pathlib import Path

import pytest
from core.inbound import budget, inbound, mime, status_block
from core.inbound.reply_text import strip_quote

DATA = Path(__file__).parent / "data" / "inbound"
EXPECTED = json.loads((DATA / "expected.json").read_text())
OUR_ID = "<chaser.0123456789abcdef0123456789abcdef@pop.example>"


def load(name):
    return (DATA / f"{name}.eml").read_bytes()


def test_corpus_is_complete():
    assert {path.stem for path in DATA.glob("*.eml")} == set(EXPECTED)
    assert len(EXPECTED) >= 40


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_corpus(name):
    found, expected = inbound.read(load(name)), EXPECTED[name]
    assert found.kind == expected["kind"]
    assert set(expected["references"]) == {
        ref
        for ref in found.references
        if "chaser." in ref or ref in expected["references"]
    }
    failures = [
        [
            entry.addresses[0],
            entry.verdict,
            entry.status,
            *(["widespread"] if entry.widespread else []),
        ]
        for entry in found.failures
    ]
    assert failures == expected.get("failures", [])
    for key in ("text", "subject", "sender_name"):
        if key in expected:
            assert getattr(found, key) == expected[key]
    assert expected.get("text_has", "") in found.text
    assert list(found.tokens) == expected.get("tokens", [])
    assert [file.name for file in found.attachments] == expected.get("attachments", [])
    if "numbers" in expected:
        assert (
            inbound.find_numbers(
                f"{found.subject}\n{found.text}", ["INV/2026/00012", "INV/2026/0001"]
            )
            == expected["numbers"]
        )
    if "final" in expected:
        assert found.failures[0].addresses[1] == expected["final"]


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_headers_alone_say_enough(name):
    """What concerns us is found before the body is fetched: a report, an automatic
    reply, our reference, our token."""
    raw, whole = load(name), inbound.read(load(name))
    found = inbound.outline(raw.partition(b"\r\n\r\n")[0])
    assert (found.message_id, found.sender, found.subject, found.date) == (
        whole.message_id,
        whole.sender,
        whole.subject,
        whole.date,
    )
    assert found.is_report or whole.kind not in ("bounce", "complaint")
    assert set(found.references) <= set(whole.references)
    assert set(found.tokens) <= set(whole.tokens)


def test_link_in_the_quote_names_the_reminder():
    """Programs that drop the references still quote our links."""
    token = "AbCdEfGhIjKlMnOpQrStUvWxYz_-0123"
    for body in (
        f"> https://odoo.example/chaser/c/{token}/3",
        f'<a href="https://odoo.example/chaser/u/{token}">x</a>',
    ):
        kind = "html" if "<a" in body else "plain"
        assert inbound.read(
            "From: a@b.example\r\nContent-Type: "
            f"text/{kind}\r\n\r\nPaid.\r\n{body}".encode()
        ).tokens == (token.lower(),)


def test_date_is_utc():
    assert inbound.read(load("reply_gmail")).date == datetime(2026, 5, 4, 8, 15)
    assert inbound.read(b"Date: Mon, 99 May 2026 99:15:00 +9999\r\n\r\nx").date is None
    assert inbound.read(b"Date: Mon, 04 May 1970 00:00:00 +0400\r\n\r\nx").date is None


def test_key_names_the_same_mail_however_it_is_read():
    raw = load("reply_gmail")
    assert (
        inbound.read(raw).key
        == inbound.read(raw.replace(b"\r\n", b"\n")).key
        == "<reply-1@alnoor.example>"
    )
    nameless = raw.replace(b"Message-ID: <reply-1@alnoor.example>\r\n", b"")
    assert (
        inbound.read(nameless).key
        == inbound.read(nameless).key
        != inbound.read(nameless + b"more").key
    )


# -- verdicts, by the tables of RFC 3463 and 3464


@pytest.mark.parametrize(
    "action,status,words,verdict,widespread",
    [
        ("failed", "5.1.1", "", "hard", False),
        ("failed", "5.1.2", "", "hard", False),
        ("failed", "5.1.3", "", "hard", False),
        ("failed", "5.1.6", "", "hard", False),
        ("failed", "5.1.10", "null MX", "hard", False),
        ("failed", "5.1.8", "sender domain", "policy", True),
        ("failed", "5.1.7", "", "policy", True),
        ("failed", "5.1.90", "daily limit", "soft", False),
        ("failed", "5.2.1", "mailbox disabled", "hard", False),
        ("failed", "5.2.1", "450 receiving mail too quickly", "soft", False),
        ("failed", "5.2.2", "", "soft", False),
        ("failed", "5.2.3", "", "soft", False),
        ("failed", "5.3.4", "message too large", "soft", False),
        ("failed", "5.4.4", "", "hard", False),
        ("failed", "5.4.6", "loop", "soft", False),
        ("failed", "5.4.1", "no answer", "soft", False),
        ("failed", "5.7.1", "", "policy", True),
        ("failed", "5.7.1", "550 5.7.1 no such user", "hard", False),
        ("failed", "5.7.133", "", "policy", False),
        ("failed", "4.4.7", "expired", "soft", False),
        ("failed", "4.2.2", "", "soft", False),
        ("delayed", "4.4.1", "", "delayed", False),
        ("delayed", "5.1.1", "", "delayed", False),
        ("delayed", "", "", "delayed", False),
        ("delivered", "2.0.0", "", "delivered", False),
        ("relayed", "", "", "delivered", False),
        ("expanded", "2.0.0", "", "delivered", False),
        ("failed", "5.0.0", "smtp; 550 5.1.1 unknown", "hard", False),
        ("failed", "5.0.0", "550 listed on a blocklist", "policy", True),
        ("failed", "5.0.0", "550 mailbox is full", "soft", False),
        ("failed", "5.0.0", "554 transaction failed", "soft", False),
        ("failed", "5.0.0", "", "soft", False),
        ("failed", "", "452 4.2.2 full", "soft", False),
        ("failed", "garbage", "551 moved", "hard", False),
        ("failed", "5.5.0", "550 user unknown", "hard", False),
        ("failed", "5.6.1", "media not supported", "soft", False),
        (
            "failed",
            "5.0.0",
            "connected to 192.5.1.1 and 550 quota exceeded",
            "soft",
            False,
        ),
    ],
)
def test_verdicts(action, status, words, verdict, widespread):
    assert status_block.judge(action, status, words)[:2] == (verdict, widespread)


def test_one_recipient_named_twice_counts_once():
    raw = load("postfix_unknown_user")
    block = re.search(rb"Final-Recipient.*?recipient table", raw, re.S)[0]
    found = inbound.read(raw.replace(block, block + b"\r\n\r\n" + block))
    assert len(found.failures) == 1


def test_a_mail_about_a_bounce_is_no_bounce():
    """A person who quotes a report has still written an answer."""
    raw = (
        "From: finance@alnoor.example\r\nSubject: Re: Undelivered "
        f"mail\r\nIn-Reply-To: {OUR_ID}\r\nMessage-ID: <x@y.example>\r\n\r\n"
        "My colleague got this:\r\n<ali@alnoor.example>: 550 5.1.1 User unknown\r\n"
    ).encode()
    assert inbound.read(raw).kind == "reply"


# -- numbers


@pytest.mark.parametrize(
    "text,found",
    [
        ("about INV/2026/00012.", True),
        ("about inv-2026-00012", True),
        ("INV 2026 00012 is paid", True),
        ("INV202600012", True),
        ("الفاتورة INV/٢٠٢٦/٠٠٠١٢", True),
        ("(INV/2026/00012)", True),
        ("INV/2026/000123", False),
        ("XINV/2026/00012", False),
        ("INV/2026/0012", False),
        ("", False),
        ("2026", False),
    ],
)
def test_invoice_number_in_text(text, found):
    assert bool(inbound.find_numbers(text, ["INV/2026/00012"])) is found


def test_short_numbers_are_no_proof():
    assert inbound.find_numbers("pay 12 or 007", ["12", "007", ""]) == []


# -- the reply without the quote


@pytest.mark.parametrize(
    "quote",
    [
        "On Mon, 4 May 2026 at 10:15, POP <a@pop.example> wrote:\n> 3 invoices",
        "________________________________\nFrom: POP <a@pop.example>\nSent: "
        "Monday\nTo: Ali\nSubject: x\n\n3 invoices",
        "-----Original Message-----\nFrom: POP\nSent: Monday\nTo: Ali\nSubject: "
        "x\n\n3 invoices",
        "في الأحد، 3 مايو 2026 في 10:15 ص كتب POP <a@pop.example>:\n> ٣ فواتير",
        "بتاريخ الأحد، 3 مايو 2026 10:15\nكتب POP Accounts <a@pop.example>:\n\n> "
        "٣ فواتير",
        "من: POP <a@pop.example>\nتم الإرسال: الأحد\nإلى: علي\nالموضوع: "
        "فواتير\n\n٣ فواتير",
        "--- الرسالة الأصلية ---\nمن: POP\n٣ فواتير",
    ],
)
@pytest.mark.parametrize(
    "own",
    [
        "Paid today.",
        "تم الدفع اليوم",
        "Two lines\n\nand one more: on Monday I wrote to you",
    ],
)
def test_quote_is_taken_off(own, quote):
    assert strip_quote(f"{own}\n\n{quote}\n") == own


@pytest.mark.parametrize(
    "text",
    [
        "- first\n- second\n- third",
        "من: محاسب الشركة\nسنقوم بالسداد",
        "On Monday we pay.\nAli wrote: no",
        "في يوم الخميس سنقوم بالتحويل إن شاء الله",
    ],
)
def test_what_only_looks_like_a_quote_stays(text):
    assert strip_quote(text) == text


def test_nothing_but_a_quote_stays_whole():
    assert strip_quote("> all of it\n> is quoted") == "> all of it\n> is quoted"
    assert strip_quote("") == ""


def test_long_lines_stay_whole():
    own = "word " * 500
    assert (
        strip_quote(
            f"{own}\n\nOn Mon, 4 May 2026 at 10:15, POP <a@pop.example> wrote:\n> x"
        )
        == own.strip()
    )


# -- malformed mail


REPORT = (
    b"Content-Type: multipart/report; report-type=delivery-status; "
    b"boundary=b\r\n\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"
)


def hostile():
    huge = b"A" * 300_000
    yield "nothing", b""
    yield "noise", random.Random(7).randbytes(50_000)
    yield "NUL bytes", b"From: a\x00b@c.example\r\nSubject: x\x00y\r\n\r\nbo\x00dy"
    yield "no headers", b"\r\n\r\nhello"
    yield (
        "huge header",
        b"Subject: " + huge + b"\r\nReferences: " + b"<a@b> " * 50_000 + b"\r\n\r\nx",
    )
    yield "huge body", b"From: a@b.example\r\n\r\n" + huge * 40
    yield "many headers", b"X-A: b\r\n" * 50_000 + b"\r\nx"
    yield (
        "nested",
        b"".join(
            b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n)
            for n in range(2000)
        ),
    )
    yield (
        "same boundary",
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
        + b"--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" * 500,
    )
    yield (
        "many parts",
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
        + b"--b\r\nContent-Type: text/plain\r\n\r\nx\r\n" * 20_000,
    )
    yield (
        "wrong charset",
        b"Subject: =?x-nope?B?AAAA?= =?utf-8?B?!!!?= "
        b"=?utf-8?Q?=FF=FE?=\r\nContent-Type: text/plain; "
        b"charset=x-nope\r\n\r\n\xff\xfe",
    )
    yield (
        "broken base64",
        b"Content-Type: text/plain\r\nContent-Transfer-Encoding: "
        b"base64\r\n\r\n!!!!=====\xff",
    )
    yield (
        "broken uuencode",
        b"Content-Type: text/plain\r\nContent-Transfer-Encoding: "
        b"x-uuencode\r\n\r\nbegin 644 x\n\xff\xff",
    )
    yield (
        "broken parameters",
        (
            b"Content-Type: text/plain; charset*=utf-8'%FF; charset*1*=x; "
            b"name*0*=\xff''x; name*2=y\r\n"
            b"Content-Disposition: attachment; filename*=bogus'\r\n\r\nx"
        ),
    )
    yield (
        "type is nonsense",
        b"Content-Type: ;;;///\xff\r\nContent-Disposition: \xff\r\n\r\nx",
    )
    yield (
        "header injection",
        b"From: =?utf-8?Q?x=0D=0ABcc:_victim=40x.example?= "
        b"<a@b.example>\r\nSubject: =?utf-8?Q?a=0D=0AX-Evil:_1?=\r\n\r\nx",
    )
    yield "date", b"Date: Mon, 1 Jan 99999 99:99:99 +99999\r\n\r\nx"
    yield "surrogates", b"Content-Type: text/plain; charset=utf-7\r\n\r\n+2AA-"
    yield "status is no list", REPORT + huge
    yield "empty status", REPORT + b"\r\n--b--"
    yield (
        "many recipients",
        (
            REPORT
            + b"".join(
                b"Final-Recipient: rfc822; a%d@b.example\r\nAction: failed\r\nStatus: "
                b"5.1.1\r\n\r\n" % n
                for n in range(5000)
            )
        ),
    )
    yield "report inside report", b"Content-Type: message/rfc822\r\n\r\n" * 2000
    yield "html bomb", b"Content-Type: text/html\r\n\r\n" + b"<div>" * 50_000
    yield (
        "html nonsense",
        b"Content-Type: text/html; charset=utf-16\r\n\r\n<\x00<!--<<?php <![CDATA[",
    )
    yield "quote bomb", b"From: a@b.example\r\n\r\n" + b"On " * 40_000 + b"wrote:"
    yield "wrote bomb", b"From: a@b.example\r\n\r\n" + b"On x On y wrote \r\n" * 5_000
    yield (
        "from bomb",
        b"From: a@b.example\r\n\r\n" + b"From: x To: y Sent: z\r\n" * 5_000,
    )
    yield (
        "arabic bomb",
        b"From: a@b.example\r\n\r\n" + ("في يوم كتب " * 20_000).encode(),
    )
    yield "space bomb", b"From: a@b.example\r\n\r\n" + b" \t\r\n" * 50_000 + b"--"
    yield (
        "address bomb",
        b"From: "
        + b"<" * 50_000
        + b"@" * 50_000
        + b"\r\nTo: "
        + b"a@b.c," * 50_000
        + b"\r\n\r\nx",
    )
    yield "subject bomb", b"Subject: " + b"Re: " * 20_000 + b"\r\n\r\nx"
    yield (
        "attachment bomb",
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
        + b"".join(
            b"--b\r\nContent-Disposition: attachment; "
            b'filename="../../etc/%d"\r\n\r\n%s\r\n' % (n, huge[:100])
            for n in range(300)
        ),
    )


@pytest.mark.parametrize("raw", [pytest.param(raw, id=name) for name, raw in hostile()])
def test_hostile_mail_is_read_without_an_error(raw):
    started = time.process_time()
    found, headers = inbound.read(raw), inbound.outline(raw[:200_000])
    # Not a measurement: a pattern with quadratic time would take minutes.
    assert time.process_time() - started < 20
    for text in (
        found.subject,
        found.text,
        found.sender,
        found.sender_name,
        found.snippet,
        found.key,
        headers.subject,
        *found.references,
        *found.recipients,
        *(file.name for file in found.attachments),
        *(failure.words for failure in found.failures),
    ):
        text.encode("utf-8")
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", text)
    for line in (
        found.subject,
        found.sender,
        found.sender_name,
        found.snippet,
        found.message_id,
    ):
        assert "\n" not in line and "\r" not in line
    assert (
        len(found.text) <= 20_000
        and len(found.attachments) <= inbound.MAX_ATTACHMENTS
        and len(found.snippet) <= 200
    )
    assert not any(
        character in file.name for file in found.attachments for character in "/\\"
    )


def test_cut_off_anywhere():
    """A mail that arrived only in part."""
    for name in (
        "postfix_three_recipients",
        "reply_with_attachment",
        "exchange_arabic_base64",
    ):
        raw = load(name)
        for end in range(0, len(raw), 37):
            inbound.read(raw[:end])


def test_attachments_have_a_cap():
    part = (
        b"--b\r\nContent-Type: application/pdf\r\nContent-Disposition: "
        b"attachment; filename=f%d.pdf\r\nContent-Transfer-Encoding: "
        b"base64\r\n\r\n%s\r\n"
    )
    data = base64.encodebytes(b"x" * 2_000_000)
    raw = (
        b"From: a@b.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        + b"".join(part % (n, data) for n in range(5))
        + b"--b--"
    )
    found = inbound.read(raw)
    # The fourth reaches over the limit of the mail, and nobody sees the fifth.
    assert [len(file.content) for file in found.attachments] == [2_000_000] * 3
    assert found.left_out == ("f3.pdf",) and found.is_cut
    assert len(found.source) == mime.MAX_BYTES
    assert inbound.read(raw[:1000]).digest != found.digest


def test_message_object_of_another_policy():
    """Odoo's gateway hands over a message that it has parsed itself."""
    import email.policy

    for name in (
        "reply_arabic_gmail",
        "postfix_unknown_user",
        "exchange_arabic_base64",
    ):
        mail = email.message_from_bytes(load(name), policy=email.policy.SMTP)
        found, own = inbound.read(mail), inbound.read(load(name))
        for key in ("kind", "subject", "sender_name", "references", "text"):
            assert getattr(found, key) == getattr(own, key)
        assert [failure.verdict for failure in found.failures] == [
            failure.verdict for failure in own.failures
        ]


def test_html_to_text_keeps_lines_and_drops_scripts():
    assert (
        mime.html_to_text("<p>one</p><p>two<br>three</p><script>evil()</script>")
        == "one\ntwo\nthree"
    )


# -- one input of each kind that was once read wrongly (data/inbound/cases)


CASES = DATA / "cases"
CASES_EXPECTED = json.loads((CASES / "expected.json").read_text())


def test_cases_are_complete():
    assert {path.stem for path in CASES.glob("*.eml")} == set(CASES_EXPECTED)


@pytest.mark.parametrize("name", sorted(CASES_EXPECTED))
def test_case(name):
    found, expected = (
        inbound.read((CASES / f"{name}.eml").read_bytes()),
        CASES_EXPECTED[name],
    )
    assert found.kind == expected["kind"]
    for words in expected.get("has", ()):
        assert words in found.text
    for words in expected.get("has_not", ()):
        assert words not in found.text
    for failure in found.failures:
        assert failure.addresses
    failed = [failure for failure in found.failures if failure.verdict != "delivered"]
    for key in ("verdict", "widespread"):
        if key in expected:
            assert [getattr(failure, key) for failure in failed] == [expected[key]]
    if "address" in expected:
        assert [failure.address for failure in failed] == [expected["address"]]
    if expected.get("not_original"):
        assert not any(
            failure.original for failure in failed if failure.verdict == "hard"
        )


# -- time: what is looked at may grow with the length of a mail, never with its square


def count_steps(function, *arguments):
    """Lines of our own code that run: the same on every machine."""
    steps = 0

    def trace(frame, event, _argument):
        nonlocal steps
        if "inbound" not in frame.f_code.co_filename:
            return None
        steps += event == "line"
        return trace

    sys.settrace(trace)
    try:
        function(*arguments)
    finally:
        sys.settrace(None)
    return steps


GROWING = {
    "arabic header far apart": lambda n: "x\n>" + "\n" * n + "من:" + "\n" * n + "x",
    "empty lines": lambda n: "x" + "\n" * n + "y",
    "spaces and marks": lambda n: "x\n" + ("> \n\t>" * n) + "\ny",
    "arabic wrote": lambda n: "في يوم كتب \n" * n,
    "english wrote": lambda n: "On x On y wrote \n" * n,
    "header blocks": lambda n: "From: a@b.example\n" * n,
    "header block with gaps": lambda n: "From: a\n\n\nSent: x\n\n" * n,
    "rules": lambda n: "______________\n" * n,
    "one long line": lambda n: "On 3 May " * n + "wrote:",
    "spaces": lambda n: " " * n + "x" + " " * n,
}


@pytest.mark.parametrize("name", sorted(GROWING))
def test_reply_text_takes_time_with_its_length(name):
    make = GROWING[name]
    small, large = (count_steps(strip_quote, make(n)) for n in (200, 800))
    assert large <= 4.5 * small + 200


@pytest.mark.parametrize("name", sorted(GROWING))
def test_no_pattern_runs_away(name):
    """Patterns of the standard library do not count steps, so this uses a time that
    only quadratic patterns reach."""
    started = time.process_time()
    strip_quote(GROWING[name](20_000))
    inbound.read(
        b"From: mailer-daemon@evil.example\r\nSubject: Undeliverable\r\n\r\n"
        + GROWING[name](200_000).encode()
    )
    assert time.process_time() - started < 5


def find_longest_step(raw):
    """Lines of our own code between two looks at the time, at most: the time that can
    pass over the limit."""
    longest, since = 0, 0

    def trace(frame, event, _argument):
        nonlocal longest, since
        if "inbound" not in frame.f_code.co_filename:
            return None
        if frame.f_code is budget.check.__code__:
            longest, since = max(longest, since), 0
        since += event == "line"
        return trace

    sys.settrace(trace)
    try:
        inbound.read(raw)
    finally:
        sys.settrace(None)
    return max(longest, since)


def make_parts(part, count, sub="mixed"):
    body = b"".join(b"--b\r\n" + part + b"\r\n" for _n in range(count))
    head = f"From: a@b.example\r\nContent-Type: multipart/{sub}; boundary=b\r\n\r\n"
    return head.encode() + body + b"--b--\r\n"


# A mail of so many pieces, of each form that once took its time in one step.
STEPS = {
    "lines": lambda n: b"From: a@b.example\r\n\r\n" + b"words\n" * n,
    "bare returns": lambda n: b"From: a@b.example\r\n\r\n" + b"\r" * n,
    "recipients": lambda n: b"To: a@b.example\r\n" * n + b"\r\nx",
    "one header": lambda n: b"To: " + b"a@b.example, " * n + b"\r\n\r\nx",
    "headers": lambda n: b"X-A: b\r\n" * n + b"\r\nx",
    "tags": lambda n: b"Content-Type: text/html\r\n\r\n" + b"<div>x</div>" * n,
    "nested tags": lambda n: b"Content-Type: text/html\r\n\r\n" + b"<div>x" * n,
    "quotes": lambda n: b"From: a@b.example\r\n\r\n" + b"> > x\n" * n,
    "parts": lambda n: make_parts(b"Content-Type: text/plain\r\n\r\nx", n),
    "pages": lambda n: make_parts(
        b"Content-Type: text/html\r\n\r\n<p>x</p>", n, "alternative"
    ),
    "files": lambda n: make_parts(
        b"Content-Type: application/pdf; name=a.pdf\r\n\r\nx", n
    ),
    "recipients of a report": lambda n: make_parts(
        b"Content-Type: message/delivery-status\r\n\r\n"
        + b"Final-Recipient: rfc822; a@b.example\r\nAction: failed\r\n"
        b"Status: 5.1.1\r\n\r\n" * n,
        1,
        "report; report-type=delivery-status",
    ),
    "words of a report": lambda n: (
        b"From: mailer-daemon@b.example\r\nSubject: Undelivered mail\r\n\r\n"
        + b"a@b.example: 550 5.1.1 unknown user\r\n" * n
    ),
}


@pytest.mark.parametrize("name", sorted(STEPS))
def test_no_step_grows_with_the_mail(name, monkeypatch):
    """Time is looked at between steps, so each of them has a bound of its own: of
    their sizes, which are made small here so that the test is quick."""
    for limit, value in (
        *(("MAX_BYTES", 200_000), ("_MAX_LINES", 2_000), ("_MAX_HEAD", 5_000)),
        *(("_CHUNK", 2_000), ("MAX_TEXT", 4_000), ("_MAX_HEADERS", 100)),
        *(("_MAX_HEADER_CHARS", 2_000), ("_MAX_HEADERS_CHARS", 4_000)),
        *(("_MAX_PARTS", 50), ("_MAX_ADDRESSES", 100)),
    ):
        monkeypatch.setattr(mime, limit, value)
    make = STEPS[name]
    small, large = (find_longest_step(make(n)) for n in (2_000, 8_000))
    assert large <= 1.3 * small + 300, (small, large)


@pytest.mark.parametrize("char", [b"\n", b"\r", b"\r\n"])
def test_lines_have_a_bound_whatever_ends_them(char, monkeypatch):
    monkeypatch.setattr(mime, "_MAX_LINES", 10)
    raw = b"From: a@b.example" + char * 2 + (b"x" + char) * 40
    kept = mime._limit(raw)
    assert kept == b"From: a@b.example" + char * 2 + (b"x" + char) * 8
    assert mime.is_beyond_limit(raw)


def test_a_head_without_end_is_cut_at_a_line():
    raw = b"From: a@b.example\r\n" + b"To: c@d.example\r\n" * 100_000 + b"\r\nWords"
    assert mime._MAX_HEAD - 20 <= len(mime._limit(raw)) <= mime._MAX_HEAD
    found = inbound.read(raw)
    assert (found.sender, found.is_cut) == ("a@b.example", True)


@pytest.mark.parametrize(
    "value",
    ["a", "a@", "@", "a.", '"', "=?", "=?a?q?", "<", "=?utf-8?q?=", "'a@b.example' "],
)
def test_headers_take_time_with_their_length(value):
    raw = (
        "".join(
            f"To: {value * 5000}\r\nReferences: {value * 5000}\r\n" for _n in range(100)
        ).encode()
        + b"\r\nx"
    )
    started = time.process_time()
    inbound.outline(raw)
    assert time.process_time() - started < 5
    small, large = (count_steps(mime.find_addresses, value * n) for n in (300, 1200))
    assert large <= 4.5 * small + 500


def test_parts_within_parts_have_a_bound():
    raw = (
        b"".join(
            b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n)
            for n in range(400)
        )
        + b"\n" * 400_000
    )
    started = time.process_time()
    inbound.read(raw)
    assert time.process_time() - started < 5


def test_quoted_rest_is_kept():
    found = inbound.read((CASES / "reply_greeting_then_bottom.eml").read_bytes())
    assert "12 days overdue" in found.quoted and "We paid yesterday" not in found.quoted


@pytest.mark.parametrize(
    "header,address",
    [
        ("m.d'souza@customer.example", "m.d'souza@customer.example"),
        ("'a@b.example'", "a@b.example"),
        ("<a@b.example>, c@d.example", "a@b.example"),
        ('"first last"@b.example', '"first last"@b.example'),
        ("Ali (a@b.example)", "a@b.example"),
        ("rfc822;o'brien@b.example", "o'brien@b.example"),
        ("a@b.example.", "a@b.example"),
        ("a@شركة.example", "a@شركة.example"),
    ],
)
def test_addresses(header, address):
    assert mime.find_addresses(header)[0] == address


# -- dates of a wrong clock, files that are cut, what an absence says


@pytest.mark.parametrize("year", [1970, 1998, 2099, 2031])
def test_a_wrong_clock_gives_way_to_our_servers_time(year):
    raw = (
        "Received: from x by mx.pop.example; Mon, 04 May 2026 08:15:00 "
        f"+0000\r\nDate: Mon, 04 May {year} 12:00:00 +0400\r\n"
        "From: a@b.example\r\n\r\nx"
    ).encode()
    assert inbound.read(raw).date == datetime(2026, 5, 4, 8, 15)


def test_half_a_file_is_left_out_and_counted():
    part = (
        b"--b\r\nContent-Type: application/pdf\r\nContent-Disposition: "
        b"attachment; filename=f%d.pdf\r\nContent-Transfer-Encoding: "
        b"base64\r\n\r\n%s\r\n"
    )
    data = base64.encodebytes(b"x" * 20_000)
    raw = (
        b"From: a@b.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        + b"".join(part % (n, data) for n in range(2))
    )
    whole, half = inbound.read(raw + b"--b--"), inbound.read(raw[:-5000])
    assert [file.name for file in whole.attachments] == [
        "f0.pdf",
        "f1.pdf",
    ] and whole.left_out == ()
    assert [file.name for file in half.attachments] == ["f0.pdf"]
    assert half.left_out == ("f1.pdf",) and half.is_cut and not whole.is_cut
    assert whole.source == raw + b"--b--"


@pytest.mark.parametrize(
    "text,back_on,contact",
    [
        (
            "I am out of the office until 10 May 2026. For urgent matters contact "
            "ali@customer.example.",
            "2026-05-11",
            "ali@customer.example",
        ),
        ("I will return on 12 May.", "2026-05-12", ""),
        ("I will be back on May 12th, 2026", "2026-05-12", ""),
        (
            "Away from 1 May to 9 May, back 10 May. Please email ap@customer.example",
            "2026-05-10",
            "ap@customer.example",
        ),
        (
            "أنا في إجازة حتى ١٠ مايو ٢٠٢٦ وللتواصل ap@customer.example",
            "2026-05-11",
            "ap@customer.example",
        ),
        ("Back on 2026-05-20", "2026-05-20", ""),
        ("back on 25/05/2026", "2026-05-25", ""),
        ("back on 03/06/2026", None, ""),
        ("On leave until 3 January", "2027-01-04", ""),
        ("Our invoice of 3 May", None, ""),
        ("on leave", None, ""),
        ("until 99 May", None, ""),
    ],
)
def test_absence(text, back_on, contact):
    raw = (
        "From: mona@customer.example\r\nDate: Sun, 03 May 2026 08:00:00 "
        f"+0000\r\nSubject: Automatic reply: x\r\n\r\n{text}".encode()
    )
    found = inbound.read(raw).absence
    assert (found and found.back_on and found.back_on.isoformat()) == back_on
    assert (found.contact if found else "") == contact


def test_files_without_a_name_and_mails_in_mails_are_kept():
    inner = b"Subject: Transfer advice\r\n\r\nAED 48,200 was sent.\r\n"
    raw = (
        b"From: a@b.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
        b"Content-Type: text/plain\r\n\r\nSee below.\r\n--b\r\nContent-Type: "
        b"image/png\r\nContent-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n--b\r\n"
        b"Content-Type: message/rfc822\r\n\r\n" + inner + b"\r\n--b--\r\n"
    )
    found = inbound.read(raw)
    assert [file.name for file in found.attachments] == [
        "attachment.png",
        "Transfer advice.eml",
    ]
    assert found.attachments[0].content == b"hello"
    assert b"AED 48,200 was sent." in found.attachments[1].content


def test_a_mail_that_was_fetched_up_to_the_limit_says_so():
    raw = b"From: a@b.example\r\n\r\n" + b"x\r\n" * 4_000_000
    assert inbound.read(raw[: mime.MAX_BYTES]).is_cut


def test_a_long_text_says_that_it_goes_on():
    long = inbound.read(b"From: a@b.example\r\n\r\n" + b"word " * 10_000)
    assert long.is_cut and len(long.source) > 50_000
    assert not inbound.read(b"From: a@b.example\r\n\r\nword").is_cut


# -- a mail that would take too long is set aside


def test_a_mail_that_uses_up_its_time_is_set_aside(monkeypatch):
    """By what its headers say plainly; the next mail has its own time."""
    raw = load("reply_gmail")
    clock = [0.0]

    def tick():
        clock[0] += 0.4
        return clock[0]

    monkeypatch.setattr(budget.time, "thread_time", tick)
    found, headers = inbound.read(raw), inbound.outline(raw)
    monkeypatch.undo()
    whole = inbound.read(raw)
    assert (found.kind, found.text, found.is_cut) == ("broken", "", True)
    for key in ("message_id", "sender", "references", "source", "digest"):
        assert getattr(found, key) == getattr(whole, key)
    # It is fetched, so that it can be listed.
    assert headers.is_report and headers.message_id == whole.message_id
    assert whole.kind == "reply"


def test_time_inside_a_limit_counts_for_it(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(budget.time, "thread_time", lambda: clock[0])
    budget.check()
    with budget.limited(1.0), budget.limited(5.0):
        clock[0] = 2.0
        with pytest.raises(budget.TooExpensive):
            budget.check()
    budget.check()


def test_hostile_headers_without_decoding():
    for _name, raw in hostile():
        values = inbound._find_plain_values(raw)
        values["subject"].encode("utf-8")
        assert len(values["subject"]) <= 500


@pytest.mark.parametrize("first", ["", "x\r\n", "Subject: a\r\n  folded\r\nbroken\r\n"])
def test_id_of_a_returned_mail_that_begins_oddly(first):
    """An empty line, or a line that is no header, before the headers of the copy."""
    raw = (
        "From: MAILER-DAEMON@mx.example\r\nSubject: failed\r\nContent-Type: "
        "multipart/report; boundary=b\r\n\r\n--b\r\nContent-Type: "
        "message/delivery-status\r\n\r\nFinal-Recipient: rfc822; a@b.example\r\n"
        "Action: failed\r\nStatus: 5.1.1\r\n\r\n--b\r\nContent-Type: "
        f"message/rfc822\r\n\r\n{first}\r\nMessage-ID: {OUR_ID}\r\n\r\nx\r\n--b--\r\n"
    ).encode()
    assert OUR_ID in inbound.read(raw).references


def test_our_id_first_in_a_long_thread():
    """Gateways look at the last 32 references; ours may be the first of many."""
    others = " ".join(
        f"<mail.{n}.with.a.long.name@customer.example>" for n in range(150)
    )
    raw = f"From: a@b.example\r\nReferences: {OUR_ID} {others}\r\n\r\nPaid.".encode()
    assert OUR_ID in inbound.read(raw).references
    assert OUR_ID in inbound.outline(raw.partition(b"\r\n\r\n")[0]).references
