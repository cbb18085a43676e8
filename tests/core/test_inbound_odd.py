"""Mail of odd servers and programs, a kind at a time: what a relay broke, what a filter
writes instead of a report, and words that come as a file."""

import time

import corpus_forms as form
import pytest
from core.inbound import inbound, mime
from corpus_forms import A, make_headers, make_report
from inbound_corpus import LINE, OUR_ID, US, mail, multipart, original, part

UNKNOWN = "550 5.1.1 User unknown"
REPORT = form.postfix(A, "5.1.1", UNKNOWN)
HEADERS = {"From": "Fatima <fatima@alnoor.example>", "To": US, "In-Reply-To": OUR_ID}


def find_verdicts(raw):
    return {
        address: failure.verdict
        for failure in inbound.read(raw).failures
        for address in failure.addresses
    }


# -- broken heads


@pytest.mark.parametrize(
    "before",
    [
        b"\r\n",
        b"\n\n\n",
        b"  \r\n",
        b"X-A: 1\r\nbroken by a relay\r\n",
        b"Received: from a\nby b with SMTP; x\nfor <ap@customer.example>\n",
    ],
)
def test_a_broken_head_is_read(before):
    assert find_verdicts(before + REPORT) == {A: "hard"}
    assert OUR_ID in inbound.read(before + REPORT).references


def test_words_without_headers_stay_words():
    raw = b"We paid yesterday.\nRegards: Ali\n\nTo: follow\n"
    assert inbound.read(raw).text.startswith("We paid yesterday.")
    raw = b"From: a@b.example\nSubject: x\n\nwords\nTo: c@d.example\nmore\n"
    found = inbound.read(raw)
    assert found.text == "words\nTo: c@d.example\nmore" and found.recipients == ()


def test_a_head_that_says_nothing_is_looked_at():
    assert inbound.outline(b"").is_report
    assert not inbound.outline(b"From: a@b.example\r\nSubject: hello\r\n").is_report


# -- whom a report names


def test_our_own_address_and_an_identifier_are_no_recipients():
    """Some services list both under the recipient; each would be an event of its
    own."""
    text = (
        "This message was created automatically by mail delivery software.\n\nYour "
        f"message could not be delivered.\n\n{A}, ERROR CODE :550 - {UNKNOWN}\n\n"
        f"{US}\n\n<1892.4711@mail.zoho.example>\n\n{original(A)}"
    )
    raw = mail(
        make_headers("mailer-daemon@mail.zoho.example", "Undelivered Mail"), text
    )
    assert find_verdicts(raw) == {A: "hard"}


def test_a_recipient_of_a_copy_is_named_beside_the_copied_ones():
    text = (
        f"Delivery to the following recipients failed.\n\n<{A}>: {UNKNOWN}\n"
        f"<cc@customer.example>: 552 5.2.2 mailbox full\n\n{original(A)}"
    )
    raw = mail(make_headers("mailer-daemon@mx.example", "Undeliverable"), text)
    assert find_verdicts(raw) == {A: "hard", "cc@customer.example": "soft"}


def test_whom_we_wrote_to_and_whom_it_was_passed_on_to():
    """Exchange repeats our header "To" above the address that failed."""
    text = (
        f"Your message\n\n  To:      {A}\n  Subject: x\n\ndid not reach the following "
        "recipient(s):\n\nc=US;a= ;p=X;dda:SMTP=gone@inside.example; on Sun, 3 May\n"
        f"    The recipient name is not recognized\n\n{original(A)}"
    )
    raw = mail(make_headers("postmaster@exchange.example", "Undeliverable: x"), text)
    [failure] = inbound.read(raw).failures
    assert failure.addresses == (A, "gone@inside.example")


# -- a filter's receipt


def make_receipt(disposition, text):
    kind, body = multipart(
        "report; report-type=disposition-notification",
        part("text/plain", text),
        part(
            "message/disposition-notification",
            f"Reporting-UA: mail; Dovecot\nFinal-Recipient: rfc822; {A}\n"
            f"Original-Message-ID: {OUR_ID}\nDisposition: {disposition}\n",
        ),
        part("message/rfc822", original(A)),
    )
    headers = make_headers(f"Mail Delivery <{A}>", "Automatically rejected mail")
    return mail(headers | {"Content-Type": kind}, body)


def test_a_server_that_rejects_by_a_receipt():
    automatic = "automatic-action/MDN-sent-automatically; deleted"
    text = f"Your message to <{A}> was automatically rejected:\n"
    raw = make_receipt(automatic, f"{text}Quota exceeded")
    assert inbound.read(raw).kind == "bounce" and find_verdicts(raw) == {A: "soft"}
    raw = make_receipt(automatic, f"{text}User unknown")
    assert find_verdicts(raw) == {A: "hard"}
    for other in (
        "manual-action/MDN-sent-manually; displayed",
        "manual-action/MDN-sent-automatically; deleted",
        "automatic-action/MDN-sent-automatically; displayed",
    ):
        assert inbound.read(make_receipt(other, "It was read")).kind == "notice"


# -- a person is no server


@pytest.mark.parametrize(
    "subject,text",
    [
        ("Delivery failed", "The delivery failed. Please ask ali@alnoor.example."),
        (
            "Message rejected",
            "The site has rejected them. Contact gate@alnoor.example.",
        ),
        ("Delivery problem", "They could not be delivered. See ops@alnoor.example."),
    ],
)
def test_a_customer_who_writes_about_a_delivery(subject, text):
    headers = {"From": "Fatima <fatima@alnoor.example>", "To": US, "Subject": subject}
    assert inbound.read(mail(headers, text)).kind == "reply"


# -- words that come as a file


@pytest.mark.parametrize("name", ["ATT00001.txt", "message.txt", "Part 1.2.htm"])
@pytest.mark.parametrize("kind", ["text/plain", "text/html"])
def test_words_under_a_name_of_a_program_are_words(name, kind):
    content, body = multipart(
        "mixed",
        part("text/plain", "We paid the first half."),
        part(
            f'{kind}; name="{name}"',
            "The rest follows on Thursday.",
            f'Content-Disposition: inline; filename="{name}"\n',
        ),
    )
    found = inbound.read(mail(HEADERS | {"Content-Type": content}, body))
    assert found.text == "We paid the first half.\n\nThe rest follows on Thursday."
    assert found.attachments == ()


def test_words_are_shown_where_all_of_them_come_as_a_file():
    content, body = multipart(
        "mixed",
        part(
            'text/plain; name="reply.txt"',
            "We dispute INV/2026/00012.",
            'Content-Disposition: inline; filename="reply.txt"\n',
        ),
        part(
            'application/pdf; name="slip.pdf"',
            "x",
            'Content-Disposition: attachment; filename="slip.pdf"\n',
        ),
    )
    found = inbound.read(mail(HEADERS | {"Content-Type": content}, body))
    assert found.text == "We dispute INV/2026/00012."
    assert [file.name for file in found.attachments] == ["reply.txt", "slip.pdf"]


def test_a_file_of_text_stays_a_file():
    content, body = multipart(
        "mixed",
        part("text/plain", "Statement attached."),
        part(
            'text/plain; name="statement.txt"',
            LINE,
            'Content-Disposition: attachment; filename="statement.txt"\n',
        ),
    )
    found = inbound.read(mail(HEADERS | {"Content-Type": content}, body))
    assert found.text == "Statement attached."
    assert [file.name for file in found.attachments] == ["statement.txt"]


# -- a report inside a report


def test_reports_within_reports_have_a_bound():
    """Each inside the next: the inner one is read once, none further in."""
    inner = make_report("mailer-daemon@a.example", "x", "x", "", A).decode()
    for _number in range(60):
        kind, body = multipart(
            "mixed", part("text/plain", "x"), "C: d\n\n", boundary="z"
        )
        inner = mail(
            make_headers("mailer-daemon@b.example", "Undeliverable")
            | {"Content-Type": "message/rfc822"},
            inner,
        ).decode()
    started = time.process_time()
    inbound.read(inner.encode())
    assert time.process_time() - started < 5


def test_broken_lines_of_a_head_take_time_with_their_length():
    raw = (
        b"From: a@b.example\r\n" + b"broken\r\n" * 60_000 + b"To: c@d.example\r\n\r\nx"
    )
    started = time.process_time()
    assert inbound.read(raw).sender == "a@b.example"
    assert time.process_time() - started < 5
    assert mime._mend_head(b"") == b""
