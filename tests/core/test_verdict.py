"""One table for reports and responses: what ordinary sentences of real systems mean."""

import re

import pytest
from core.mail import verdict
from verdict_services import NOT_ABOUT_THE_ADDRESS, SERVICES

SENTENCES = [
    # Nobody there.
    (
        "hard",
        "550 5.1.1 The email account that you tried to reach does not exist. "
        "Please try double-checking",
    ),
    (
        "hard",
        "550 5.1.1 <x@y.example>: Recipient address rejected: User unknown in "
        "virtual mailbox table",
    ),
    (
        "hard",
        "550 5.1.1 <x@y.example>: Recipient address rejected: User unknown in "
        "local recipient table",
    ),
    ("hard", "550 No Such User Here"),
    ("hard", "550 5.1.1 User Unknown"),
    ("hard", "550 unknown user"),
    (
        "hard",
        "550-5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP "
        "address lookup",
    ),
    (
        "hard",
        "554 delivery error: dd This user doesn't have a yahoo.com account "
        "(x@yahoo.example) [0]",
    ),
    (
        "hard",
        "554 delivery error: dd Sorry your message to x@yahoo.example cannot be "
        "delivered. This mailbox is disabled (554.30).",
    ),
    ("hard", "550 Requested action not taken: mailbox unavailable"),
    ("hard", "550 5.5.0 Requested action not taken: mailbox unavailable"),
    ("hard", "550 5.2.1 The email account that you tried to reach is disabled."),
    ("hard", "550 5.4.1 Recipient address rejected: Access denied"),
    (
        "hard",
        "550 Message was not accepted -- invalid mailbox.  Local mailbox "
        "x@mail.example is unavailable: user not found",
    ),
    ("hard", "Sorry, no mailbox here by that name. (#5.1.1)"),
    ("hard", "550 sorry, no mailbox here by that name (#5.1.1 - chkuser)"),
    ("hard", "550 Invalid recipient x@y.example"),
    ("hard", "550 Recipient not found"),
    ("hard", "550 Unrouteable address"),
    ("hard", "550 5.1.1 unknown or illegal alias: x@y.example"),
    ("hard", "550 5.1.1 Mailbox does not exist"),
    ("hard", "553 5.3.0 <x@y.example>... No such user"),
    ("hard", "550 5.1.6 recipient no longer on server"),
    ("hard", "550 5.1.1 address not found"),
    ("hard", "550 Address does not exist"),
    (
        "hard",
        "Host or domain name not found. Name service error for name=y.example "
        "type=A: Host not found",
    ),
    ("hard", "550 5.1.2 Domain not found"),
    ("hard", "550 5.1.10 recipient domain has null MX"),
    ("hard", "550 Domain y.example does not accept mail (nullMX)"),
    ("hard", "550 5.1.2 <a@b.example>: Recipient address rejected: Domain not found"),
    (
        "hard",
        "host mx.b.example does not like this. Remote host said: 550 Recipient"
        " address rejected: User unknown",
    ),
    ("hard", "550 5.7.1 mailbox not found on this server"),
    # There, not now.
    (
        "soft",
        "552 5.2.2 The email account that you tried to reach is over quota and "
        "inactive.",
    ),
    ("soft", "550 mailbox is full"),
    ("soft", "552 5.2.2 Mailbox size limit exceeded"),
    ("soft", "550 5.2.2 x@y.example mailbox full"),
    ("soft", "554 5.2.2 mailbox quota exceeded"),
    ("soft", "552 5.3.4 Message size exceeds fixed maximum message size"),
    ("soft", "Connection timed out"),
    ("soft", "retry timeout exceeded"),
    (
        "soft",
        "conversation with mx.example timed out while receiving the initial "
        "server greeting",
    ),
    ("soft", "delivery temporarily suspended: connect to mx: Connection refused"),
    ("soft", "550 5.4.300 Message expired -> 451 4.7.1 Service unavailable"),
    ("soft", "554 5.4.6 Too many hops"),
    ("soft", "mail for y.example loops back to myself"),
    ("soft", "550 Recipient address rejected: Greylisted"),
    ("soft", "550 5.7.1 too many messages from your IP, slow down"),
    ("soft", "550 5.1.1 unverified address: Address verification in progress"),
    ("soft", "554 Transaction failed"),
    ("soft", "550"),
    ("soft", ""),
    ("soft", "failed"),
    ("soft", "550 The recipient account is blocked"),
    ("soft", "550 5.2.1 mailbox suspended"),
    ("soft", "550 error"),
    ("soft", "554 5.5.4 Error"),
    ("soft", "550 System error"),
    ("soft", "550 5.0.0 Command rejected"),
    ("soft", "554 Local configuration error"),
    ("soft", "550 5.3.0 Other mail system problem"),
    ("policy", "550 Client host rejected: Access denied"),
    ("policy", "550 Sender address rejected: Domain not found"),
    # Refused: who, from where, what.
    (
        "policy",
        "550 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using "
        "zen.spamhaus.org",
    ),
    ("policy", "554 5.7.1 Relay access denied"),
    (
        "policy",
        "550 5.7.26 This mail has been blocked because the sender is unauthenticated.",
    ),
    ("policy", "550 5.7.1 SPF check failed"),
    (
        "policy",
        "550 5.7.509 Access denied, sending domain x.example does not pass DMARC "
        "verification",
    ),
    ("policy", "550 Administrative prohibition"),
    (
        "policy",
        "550 Verification failed for <a@pop.example>\nNo Such User Here\nSender "
        "verify failed",
    ),
    ("policy", "553 5.1.8 <a@pop.example>... Domain of sender address does not exist"),
    ("policy", "550 5.1.0 Sender rejected"),
    ("policy", "550 5.7.1 Message rejected as spam by Content Filtering."),
    (
        "policy",
        "554 5.7.1 The message was rejected because it contains prohibited virus "
        "or spam content",
    ),
    ("policy", "550 Message rejected by content scanner"),
    ("policy", "554 Your IP is on our blocklist"),
    ("policy", "550 5.7.606 Access denied, banned sending IP [192.0.2.1]"),
    ("policy", "550 5.4.1 [x@y.example] relaying denied"),
    ("policy", "550 Access denied"),
    ("policy", "550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup"),
    ("policy", "554 Message rejected: Email address is not verified."),
    ("policy", "550 Unauthenticated senders not allowed"),
    ("policy", "554 5.7.0 Blocked - see https://x.example"),
    ("policy", "550 5.7.1 Command rejected: 192.0.2.1 has poor reputation"),
]


@pytest.mark.parametrize(
    ("expected", "words"), SENTENCES, ids=[words[:60] for _verdict, words in SENTENCES]
)
def test_sentence(expected, words):
    assert verdict.judge("failed", "", words).verdict == expected


@pytest.mark.parametrize(
    ("who", "expected", "words"),
    SERVICES,
    ids=[f"{who}: {words[:40]}" for who, _verdict, words in SERVICES],
)
def test_words_of_a_service(who, expected, words):
    """By the words alone; and a status that says nothing changes nothing."""
    for status in ("", "5.0.0"):
        found = verdict.judge("failed", status, words)
        assert found.verdict == expected, who
        assert not (found.widespread and expected in ("hard", "soft"))


@pytest.mark.parametrize("words", NOT_ABOUT_THE_ADDRESS)
def test_what_is_not_about_the_address_stops_none(words):
    assert verdict.judge("failed", "", words).verdict != "hard"


def test_a_table_of_recipients_is_not_relaying():
    """Postfix' name of a table; no campaign is paused for it."""
    for table in ("relay", "local", "virtual mailbox", "virtual alias"):
        table = f"{table} recipient" if table in ("relay", "local") else table
        found = verdict.judge(
            "failed",
            "5.1.1",
            "550 5.1.1 <a@y.example>: Recipient address rejected: User unknown in "
            f"{table} table",
        )
        assert (found.verdict, found.widespread) == ("hard", False)


@pytest.mark.parametrize(
    ("status", "words", "expected"),
    [
        ("4.1.1", "450 4.1.1 <a@y.example>: User unknown in virtual alias", "hard"),
        ("4.1.1", "450 4.1.1 <a@y.example>: try again later", "soft"),
        ("4.2.1", "450 4.2.1 user unknown", "soft"),
        ("4.0.0", "450 user unknown", "soft"),
        ("4.1.1", "450 4.1.1 unverified address: user unknown", "soft"),
    ],
)
def test_given_up_after_all_tries(status, words, expected):
    """Code and words have to agree that there is no such address."""
    assert verdict.judge("failed", status, words).verdict == expected
    assert verdict.judge("delayed", status, words).verdict == "delayed"


@pytest.mark.parametrize("stage", ["connect", "auth", "helo", "mail", "data"])
@pytest.mark.parametrize(
    "words",
    [
        words
        for expected, words in SENTENCES
        if expected == "hard" and "5.1.10" not in words
    ],
)
def test_what_is_said_early_is_never_about_the_address(stage, words):
    assert verdict.judge("failed", "", words, stage).verdict != "hard"


@pytest.mark.parametrize(
    "phrase,stage",
    [
        ("(in reply to MAIL FROM command)", "mail"),
        ("(in reply to end of DATA command)", "data"),
        ("(in reply to RCPT TO command)", ""),
        ("SMTP error from remote mail server after initial connection", "connect"),
        ("after EHLO pop.example", "helo"),
        ("after end of data", "data"),
        ("after pipelined MAIL FROM:<a@b.example>", "mail"),
    ],
)
def test_stage_in_words(phrase, stage):
    assert verdict.find_stage(f"host mx.example said: 550 no {phrase}") == stage


def test_one_recipients_rule_is_not_widespread():
    for words in (
        "550 5.7.133 group takes no outsiders",
        "550 5.7.1 this list only accepts mail from members",
        "550 The recipient account is blocked",
    ):
        assert not verdict.judge("failed", "", words).widespread


@pytest.mark.parametrize(
    "word",
    [
        "user ",
        "mailbox ",
        "not ",
        "a@",
        "a.",
        "a-",
        "5.",
        "no such ",
        "sender ",
        "ip ",
        " ",
        "https://",
    ],
)
def test_time_has_a_bound(word):
    """Only the beginning is read; no rule needs more."""
    steps = len(verdict._WORDS)
    assert verdict._LIMIT <= 1000 and steps < 100
    verdict.judge("failed", "", word * 100_000)


def test_rules_have_keys():
    for rule in verdict._WORDS:
        assert re.fullmatch("[a-z_]+", rule.key) and rule.verdict in (
            "hard",
            "soft",
            "policy",
        )
