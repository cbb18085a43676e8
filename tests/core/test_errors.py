"""Every response that FACTS.md, RFC 3463 or a well-known server gives, and what it
decides."""

from datetime import timedelta

import pytest
from core.mail.errors import AuthenticationFailed as Auth
from core.mail.errors import MessageRefused as Message
from core.mail.errors import (
    OutcomeUnknown,
    TransportError,
    Unreachable,
    classify_smtp,
    one_line,
)
from core.mail.errors import PolicyRefused as Policy
from core.mail.errors import RateLimited as Rate
from core.mail.errors import RecipientRefused as Recipient
from test_verdict import SENTENCES

GONE, LATER, DAY, SOON = True, False, timedelta(hours=24), timedelta(minutes=5)
HOUR = timedelta(hours=1)

# (code, text, stage, error, permanent or retry_after)
CASES = [
    # Google (a/answer/3726730)
    (
        421,
        "4.3.0 Temporary System Problem. Try again later",
        "connect",
        Unreachable,
        None,
    ),
    (421, "4.3.0 Temporary System Problem. Try again later", "data", Unreachable, None),
    (421, "4.4.5 Server busy, try again later", "connect", Rate, SOON),
    (
        421,
        "4.7.0 IP not in whitelist for RCPT domain, closing connection",
        "rcpt",
        Rate,
        SOON,
    ),
    (
        421,
        "4.7.28 Our system has detected an unusual rate of unsolicited mail",
        "data",
        Rate,
        SOON,
    ),
    (
        450,
        "4.2.1 The user you are trying to contact is receiving mail too quickly",
        "rcpt",
        Recipient,
        LATER,
    ),
    (
        450,
        "4.2.1 The account is receiving mail at a rate that prevents more",
        "data",
        Rate,
        SOON,
    ),
    (451, "4.3.0 Mail server temporarily rejected message", "data", Unreachable, None),
    (451, "4.4.2 Timeout - closing connection", "data", Unreachable, None),
    (
        452,
        "4.2.2 The email account that you tried to reach is over quota",
        "rcpt",
        Recipient,
        LATER,
    ),
    (
        452,
        "4.2.2 The email account that you tried to reach is over quota",
        "data",
        Recipient,
        LATER,
    ),
    (452, "4.5.3 Domain policy size per transaction exceeded", "rcpt", Rate, SOON),
    (454, "4.7.0 Too many login attempts, please try again later", "auth", Rate, SOON),
    (530, "5.5.1 Authentication Required", "mail", Auth, None),
    (530, "5.7.0 Must issue a STARTTLS command first", "mail", Auth, None),
    (534, "5.7.9 Application-specific password required", "auth", Auth, None),
    (535, "5.7.8 Username and Password not accepted", "auth", Auth, None),
    (550, "5.4.5 Daily user sending limit exceeded", "mail", Rate, DAY),
    (550, "5.4.5 Daily user sending limit exceeded", "data", Rate, DAY),
    (
        550,
        "5.1.1 The email account that you tried to reach does not exist",
        "rcpt",
        Recipient,
        GONE,
    ),
    (
        550,
        "5.2.1 The email account that you tried to reach is disabled",
        "rcpt",
        Recipient,
        GONE,
    ),
    (
        550,
        "5.2.1 The user is receiving mail at a rate that prevents additional messages",
        "rcpt",
        Recipient,
        LATER,
    ),
    (
        550,
        "5.7.1 Our system has detected that this message is likely unsolicited mail",
        "data",
        Policy,
        None,
    ),
    (550, "5.7.26 This mail is unauthenticated", "data", Policy, None),
    (
        552,
        "5.2.2 The email account that you tried to reach is over quota",
        "rcpt",
        Recipient,
        LATER,
    ),
    (
        552,
        "5.2.2 The email account that you tried to reach is over quota",
        "data",
        Recipient,
        LATER,
    ),
    (
        552,
        "5.3.4 Your message exceeded Google's message size limits",
        "data",
        Message,
        None,
    ),
    (
        552,
        "5.7.0 This message was blocked because its content presents a security issue",
        "data",
        Message,
        None,
    ),
    # Microsoft
    (432, "4.3.2 Concurrent connections limit exceeded", "mail", Rate, SOON),
    (
        432,
        "4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded",
        "data",
        Rate,
        SOON,
    ),
    (
        554,
        "5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException",
        "data",
        Rate,
        DAY,
    ),
    (554, "5.2.2 mailbox full", "data", Rate, HOUR),
    (
        554,
        "5.2.2 mailbox full; STOREDRV.Submission.Exception:QuotaExceededException",
        "data",
        Rate,
        HOUR,
    ),
    (554, "5.2.2 mailbox full", "mail", Rate, HOUR),
    (554, "5.2.2 mailbox full", "rcpt", Recipient, LATER),
    (
        554,
        "5.2.0 STOREDRV.Submission.Exception:OutboundSpamException; Failed to "
        "process message",
        "data",
        Policy,
        None,
    ),
    (
        550,
        "5.7.30 Basic authentication is not supported for Client Submission",
        "auth",
        Auth,
        None,
    ),
    (
        550,
        "5.7.30 Basic authentication is not supported for Client Submission",
        "mail",
        Auth,
        None,
    ),
    (
        535,
        "5.7.139 Authentication unsuccessful, basic authentication is disabled",
        "auth",
        Auth,
        None,
    ),
    (
        550,
        "5.7.515 Access denied, sending domain does not meet the required "
        "authentication level",
        "data",
        Policy,
        None,
    ),
    (550, "5.1.10 RESOLVER.ADR.RecipientNotFound", "rcpt", Recipient, GONE),
    (550, "5.4.1 Recipient address rejected: Access denied", "rcpt", Recipient, GONE),
    # RFC 3463, RFC 5321
    (550, "5.1.2 Bad destination system address", "rcpt", Recipient, GONE),
    (553, "5.1.3 Bad recipient address syntax", "rcpt", Recipient, GONE),
    (551, "5.1.6 Mailbox has moved", "rcpt", Recipient, GONE),
    (550, "5.1.7 Bad sender's mailbox address syntax", "rcpt", Policy, None),
    (550, "5.1.8 Sender address rejected: Domain not found", "rcpt", Policy, None),
    (450, "4.1.8 Sender address rejected: Domain not found", "rcpt", Unreachable, None),
    (552, "5.2.3 Message length exceeds administrative limit", "rcpt", Message, None),
    (550, "5.3.2 System not accepting network messages", "rcpt", Recipient, LATER),
    (550, "5.4.4 Unable to route", "rcpt", Recipient, LATER),
    (450, "4.4.1 No answer from host", "rcpt", Recipient, LATER),
    (452, "4.3.1 Insufficient system storage", "data", Unreachable, None),
    (503, "5.5.1 Bad sequence of commands", "rcpt", Recipient, LATER),
    (500, "Command unrecognized", "rcpt", Recipient, LATER),
    (554, "5.6.0 Other or undefined media error", "data", Message, None),
    (550, "5.6.1 Media not supported", "data", Message, None),
    (554, "5.7.1 Delivery not authorized, message refused", "data", Policy, None),
    (550, "5.7.1 Unable to relay", "rcpt", Policy, None),
    (
        538,
        "5.7.11 Encryption required for requested authentication mechanism",
        "auth",
        Auth,
        None,
    ),
    (535, "", "auth", Auth, None),
    (552, "message too large", "mail", Message, None),
    (552, "5.3.4 Message size exceeds fixed limit", "mail", Message, None),
    # words decide where the code differs from them, or says nothing
    (550, "Administrative prohibition", "rcpt", Policy, None),
    (550, "5.1.0 sender rejected", "rcpt", Policy, None),
    (550, "Unauthenticated senders not allowed", "rcpt", Policy, None),
    (550, "5.7.1 User unknown", "rcpt", Recipient, GONE),
    (
        550,
        "5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup",
        "rcpt",
        Recipient,
        LATER,
    ),
    (550, "5.1.1 IP address blacklisted by recipient", "rcpt", Policy, None),
    (550, "5.0.0 something else", "rcpt", Recipient, LATER),
    (550, "5.1.1 User unknown", "data", Recipient, LATER),
    (550, "The recipient account is blocked", "rcpt", Recipient, LATER),
    # replies without enhanced code
    (550, "No such user here", "rcpt", Recipient, GONE),
    (552, "mailbox full", "rcpt", Recipient, LATER),
    (450, "mailbox busy", "rcpt", Recipient, LATER),
    (451, "Greylisted, please come back in 5 minutes", "rcpt", Recipient, LATER),
    (550, "relay not permitted", "rcpt", Policy, None),
    (550, "Sender verify failed", "rcpt", Policy, None),
    (554, "Your host is on a blocklist", "connect", Policy, None),
    (554, "no SMTP service here", "connect", Policy, None),
    (554, "Transaction failed", "data", Policy, None),
    (550, "message looks like spam", "data", Policy, None),
    (
        553,
        "sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)",
        "rcpt",
        Policy,
        None,
    ),
    (421, "too many connections from your host", "connect", Rate, SOON),
    (421, "closing", "data", Unreachable, None),
    # words in the customer's name or address are no reason
    (550, "5.1.1 <info@gulfdaily.ae>: unknown user", "rcpt", Recipient, GONE),
    (550, "5.1.1 <info@daily.ae>: unknown user", "rcpt", Recipient, GONE),
    (550, "5.1.1 <accounts@antispam-policy.ae>: unknown user", "rcpt", Recipient, GONE),
    (550, "<ali@policy.ae>: no such user", "rcpt", Recipient, GONE),
    (550, "5.1.2 host daily.com not found", "rcpt", Recipient, GONE),
    (451, "4.3.0 <ali@rate.ae>: temporary lookup failure", "data", Unreachable, None),
    (
        451,
        "4.3.0 <ali@corporate.ae>: temporary lookup failure",
        "data",
        Unreachable,
        None,
    ),
    (451, "4.3.0 the corporate server is separated", "data", Unreachable, None),
    # an IP address is no enhanced code
    (550, "5.32.100.7 is not welcome, no such user", "rcpt", Recipient, GONE),
    (450, "connection from 4.7.0.12 refused", "data", Unreachable, None),
    (550, "[5.7.1.9] 5.1.1 no such user", "rcpt", Recipient, GONE),
]


@pytest.mark.parametrize(
    ("code", "text", "stage", "error", "detail"),
    CASES,
    ids=lambda value: str(value)[:40],
)
def test_classify(code, text, stage, error, detail):
    result = classify_smtp(code, text, stage)
    assert type(result) is error
    if error is Recipient:
        assert result.permanent is detail
    if error is Rate:
        assert result.retry_after == detail
    assert str(result).startswith(str(code))


@pytest.mark.parametrize(
    ("code", "text", "stage", "scope"),
    [
        (421, "4.7.0 try again later", "connect", "rate"),
        (450, "4.2.1 at a rate that prevents more", "data", "rate"),
        (432, "4.3.2 Concurrent connections limit exceeded", "mail", "connections"),
        (421, "too many connections from your host", "connect", "connections"),
        (
            432,
            "4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded",
            "data",
            "connections",
        ),
        (550, "5.4.5 Daily user sending limit exceeded", "data", "day"),
        (451, "daily quota exceeded", "data", "day"),
        (
            554,
            "5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException",
            "data",
            "day",
        ),
        (554, "5.2.2 mailbox full", "data", "storage"),
    ],
)
def test_what_is_used_up(code, text, stage, scope):
    assert classify_smtp(code, text, stage).scope == scope


def test_rests_longer_each_time_unless_told():
    minutes = [
        Rate("421 later").get_rest(count).total_seconds() / 60
        for count in (0, 1, 2, 3, 4, 5, 50)
    ]
    assert minutes == [5, 5, 10, 20, 40, 60, 60]
    told = Rate("429", timedelta(seconds=17))
    assert told.is_told and {told.get_rest(count) for count in range(5)} == {
        timedelta(seconds=17)
    }


@pytest.mark.parametrize("stage", ["connect", "auth", "mail", "rcpt", "data"])
@pytest.mark.parametrize("code", [*range(400, 600, 7), -1, 250, 354])
@pytest.mark.parametrize(
    "text", ["", "5.1.1 x", "4.7.0 y", "9.9.9", "\r\n\t", b"\xff\xfe"]
)
def test_every_answer_has_an_error_and_none_is_unknown(code, text, stage):
    result = classify_smtp(code, text, stage)
    assert isinstance(result, TransportError)
    assert not isinstance(result, OutcomeUnknown)
    assert "\n" not in str(result)


def test_temporary_responses_never_suppress_an_address():
    for subject in range(8):
        for detail in range(12):
            result = classify_smtp(450, f"4.{subject}.{detail} no", "rcpt")
            assert getattr(result, "permanent", False) is False


def test_only_address_and_mailbox_codes_suppress_an_address():
    gone = {
        (s, d)
        for s in range(8)
        for d in range(12)
        if getattr(classify_smtp(550, f"5.{s}.{d} no", "rcpt"), "permanent", False)
    }
    # X.0.0 says nothing about the address (RFC 3463).
    assert {subject for subject, _detail in gone} == {1, 2}
    assert not gone & {(1, 7), (1, 8), (2, 2), (2, 3)}


def test_one_line():
    assert one_line(b"5.1.1  a\r\n5.1.1 b\tc") == "5.1.1 a 5.1.1 b c"
    assert len(one_line("x" * 5000)) == 300
    assert one_line("مرحبا".encode()) == "مرحبا"
    assert one_line(b"\xff") == "\ufffd"


# -- the same table as for reports: who is meant, and what it pauses


def _classes(words, stage):
    code = int(words[:3]) if words[:3].isdigit() and words[0] == "5" else 550
    error = classify_smtp(code, words.removeprefix(f"{code} "), stage)
    return type(error), getattr(error, "permanent", None)


@pytest.mark.parametrize(
    "words", [words for verdict, words in SENTENCES if verdict == "hard"]
)
def test_one_recipient_who_is_gone_pauses_nothing(words):
    assert _classes(words, "rcpt") == (Recipient, True)


@pytest.mark.parametrize(
    "words",
    [
        "550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup",
        "550 5.7.1 this list only accepts mail from members",
        "550 5.7.1 The recipient account is blocked",
        "552 5.2.2 mailbox full",
        "550 5.7.1 <ap@b.example>: Recipient address rejected: Access denied",
        "550 5.2.1 mailbox suspended",
    ],
)
def test_one_recipients_own_matter_pauses_nothing(words):
    kind, permanent = _classes(words, "rcpt")
    assert (kind, permanent) == (Recipient, False)


@pytest.mark.parametrize(
    "words",
    [
        "550 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen",
        "550 5.1.0 Sender rejected",
        "550 Unauthenticated senders not allowed",
        "554 5.7.1 Relay access denied",
        "550 5.7.26 This mail is unauthenticated, SPF and DKIM did not pass",
        "550 Administrative prohibition",
    ],
)
@pytest.mark.parametrize("stage", ["mail", "rcpt"])
def test_a_refusal_of_ourselves_pauses_the_campaign(words, stage):
    assert _classes(words, stage) == (Policy, None)


@pytest.mark.parametrize("stage", ["connect", "mail", "data"])
@pytest.mark.parametrize(
    "words",
    # Exchange looks the recipient up once it has the message, and says so by 5.1.10.
    [
        words
        for verdict, words in SENTENCES
        if verdict == "hard" and "5.1.10" not in words
    ],
)
def test_what_is_said_early_stops_no_address(words, stage):
    kind, permanent = _classes(words, stage)
    assert not (kind is Recipient and permanent)
