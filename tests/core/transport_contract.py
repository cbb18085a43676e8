"""What every Transport does, whatever the service behind it. Subclass it and say how to
make one and its server."""

from datetime import datetime, timedelta, timezone

import pytest
from core.mail.errors import (
    AuthenticationFailed,
    MessageRefused,
    OutcomeUnknown,
    PolicyRefused,
    RateLimited,
    RecipientRefused,
    TransportError,
    Unreachable,
)
from core.mail.message import Attachment, OutgoingMessage
from support.smtp_server import DROP, HANG, SmtpServer

CUSTOMER, COPY, SENDER = (
    "customer@example.com",
    "copy@example.com",
    "accounts@pop.example",
)
PASSWORD = "s3cret-Pa55/word="


def make_message(**values) -> OutgoingMessage:
    defaults = {
        "message_id": "<r1.abc@pop.example>",
        "sender": SENDER,
        "recipients": (CUSTOMER,),
        "subject": "Reminder",
        "html": "<p>Dear customer</p>",
        "text": "Dear customer",
        "date": datetime(2026, 11, 21, 8, 0, tzinfo=timezone.utc),
    }
    return OutgoingMessage(**defaults | values)


class TransportContract:
    """Subclasses give ``make_transport``; tests use the server by its SMTP stages."""

    timeout = 0.4

    def make_server(self) -> SmtpServer:
        return SmtpServer(user=SENDER, password=PASSWORD)

    def make_transport(self, server, **settings):
        raise NotImplementedError

    @pytest.fixture
    def server(self):
        with self.make_server() as server:
            yield server

    @pytest.fixture
    def transport(self, server):
        transport = self.make_transport(server)
        yield transport
        transport.close()

    def assert_works_again(self, server, transport):
        """Nothing was received so far, and the same transport now delivers exactly one
        message."""
        server.heal()
        before = len(server.received)
        transport.send(make_message(message_id="<r2.next@pop.example>"))
        assert [one.mail["Message-ID"] for one in server.received[before:]] == [
            "<r2.next@pop.example>"
        ]

    # -- accepted
    # ----------------------------------------------------------------------------------
    def test_accepted(self, server, transport):
        result = transport.send(make_message(cc=(COPY,)))
        (one,) = server.received
        assert (one.sender, one.recipients) == (SENDER, (CUSTOMER, COPY))
        assert one.mail["Message-ID"] == "<r1.abc@pop.example>"
        assert one.mail["Cc"] == COPY
        assert result.refused == {}
        assert result.response

    def test_a_batch_uses_one_connection(self, server, transport):
        with transport:
            for number in range(5):
                transport.send(make_message(message_id=f"<r{number}@pop.example>"))
        assert [one.mail["Message-ID"] for one in server.received] == [
            f"<r{n}@pop.example>" for n in range(5)
        ]
        assert server.connections == 1

    def test_an_address_twice_is_one_recipient(self, server, transport):
        transport.send(make_message(cc=(COPY, CUSTOMER)))
        assert server.received[0].recipients == (CUSTOMER, COPY)

    def test_whoami_is_the_mailbox(self, transport):
        assert transport.whoami() == SENDER

    def test_close_twice_and_after_use(self, transport):
        transport.send(make_message())
        transport.close()
        transport.close()

    def test_close_never_raises(self, server, transport):
        transport.send(make_message())
        server.fail("quit", DROP)
        transport.close()
        self.assert_works_again(server, transport)

    def test_difficult_content_arrives_unchanged(self, server, transport):
        text = (
            "\n".join(
                (
                    ".a dot first",
                    "..two dots",
                    ".",
                    "",
                    "From here",
                    "x" * 3000,
                    "ا" * 1500,
                    "مرحبًا، الفاتورة \u2066INV/1\u2069",
                    "tab\tend ",
                    "😀",
                    "=3D=",
                    ".",
                )
            )
            + "\n"
        )
        html = f"<div><p>.{'y' * 5000}</p>\n.\n..\n<p>تذكير {'ع' * 2000}</p></div>\n"
        pdf = bytes(range(256)) * 50 + b"\r\n.\r\n.\n"
        transport.send(
            make_message(
                subject="تذكير بالدفع",
                text=text,
                html=html,
                attachments=(Attachment("فاتورة.pdf", pdf, "application/pdf"),),
            )
        )
        mail = server.received[0].mail
        assert mail.get_body(("plain",)).get_content().replace("\r\n", "\n") == text
        assert mail.get_body(("html",)).get_content().replace("\r\n", "\n") == html
        (attachment,) = mail.iter_attachments()
        assert attachment.get_content() == pdf
        assert attachment.get_filename() == "فاتورة.pdf"
        assert mail["Subject"] == "تذكير بالدفع"
        assert max(len(line) for line in server.received[0].raw.split(b"\r\n")) <= 998

    @pytest.mark.parametrize(
        "text",
        [
            ".first\n..\n.\n.last\n",
            "x\n.\nQUIT\n",
            "a\n" + "." * 900 + "\n",
            ".\n" + "é" + "\n.\n",
        ],
    )
    def test_dots_at_line_starts(self, server, transport, text):
        """Plain ASCII goes out unencoded, so that only dot-stuffing protects it (RFC
        5321 §4.5.2)."""
        transport.send(make_message(text=text, html=f"<pre>\n{text}</pre>\n"))
        (one,) = server.received
        assert one.mail.get_body(("plain",)).get_content().replace("\r\n", "\n") == text
        assert (
            one.mail.get_body(("html",)).get_content().replace("\r\n", "\n")
            == f"<pre>\n{text}</pre>\n"
        )

    # -- refused
    # ----------------------------------------------------------------------------------
    @pytest.mark.parametrize(
        ("reply", "permanent"),
        [
            ("550 5.1.1 no such user", True),
            ("550 5.2.1 mailbox disabled", True),
            ("551 5.1.6 moved", True),
            ("552 5.2.2 mailbox full", False),
            ("450 4.2.0 mailbox busy", False),
            ("452 4.2.2 over quota", False),
            ("450 4.7.1 greylisted, come back later", False),
        ],
    )
    def test_customer_refused(self, server, transport, reply, permanent):
        server.fail("rcpt", reply, address=CUSTOMER)
        with pytest.raises(RecipientRefused) as caught:
            transport.send(make_message(cc=(COPY,)))
        assert caught.value.permanent is permanent
        assert server.received == []
        self.assert_works_again(server, transport)

    def test_the_address_before_a_refused_one_gets_nothing(self, server, transport):
        """RCPT for one was accepted, then the message was given up: RSET must keep the
        next one clean."""
        server.fail("data", "554 5.7.1 refused", times=1)
        with pytest.raises(PolicyRefused):
            transport.send(make_message(recipients=("first@example.com",)))
        transport.send(make_message())
        assert [one.recipients for one in server.received] == [(CUSTOMER,)]

    def test_copy_refused_while_the_customer_is_accepted(self, server, transport):
        server.fail("rcpt", "550 5.1.1 no such user", address=COPY)
        result = transport.send(make_message(cc=(COPY, "other@example.com")))
        assert list(result.refused) == [COPY]
        assert "5.1.1" in result.refused[COPY]
        assert [one.recipients for one in server.received] == [
            (CUSTOMER, "other@example.com")
        ]

    @pytest.mark.parametrize(
        ("stage", "reply", "error"),
        [
            ("mail", "553 5.7.1 sender not owned by user", PolicyRefused),
            ("mail", "530 5.7.0 authentication required", AuthenticationFailed),
            (
                "mail",
                "550 5.7.30 basic authentication is not supported",
                AuthenticationFailed,
            ),
            ("mail", "550 5.4.5 daily user sending limit exceeded", RateLimited),
            ("mail", "451 4.3.0 try later", Unreachable),
            ("mail", "421 4.3.0 closing", Unreachable),
            ("rcpt", "421 4.7.0 too many messages", RateLimited),
            ("rcpt", "550 5.7.1 relaying denied", PolicyRefused),
            ("data", "451 4.3.0 try later", Unreachable),
            (
                "data",
                "421 4.3.2 service shutting down, concurrent connections",
                RateLimited,
            ),
            ("data", "554 5.7.1 spam", PolicyRefused),
            ("message", "554 5.2.0 SubmissionQuotaExceeded", RateLimited),
            ("message", "552 5.3.4 too big", MessageRefused),
            ("message", "554 5.7.1 looks like spam", PolicyRefused),
            ("message", "451 4.3.0 not stored", Unreachable),
            ("message", "432 4.3.2 concurrent connections limit exceeded", RateLimited),
        ],
    )
    def test_refused(self, server, transport, stage, reply, error):
        server.fail(stage, reply)
        with pytest.raises(TransportError) as caught:
            transport.send(make_message())
        assert type(caught.value) is error
        assert reply[:3] in str(caught.value)
        assert server.received == []
        self.assert_works_again(server, transport)

    def test_daily_limit_rests_a_day_and_a_rate_limit_minutes(self, server, transport):
        for reply, rest in (
            ("550 5.4.5 daily limit", timedelta(hours=24)),
            ("421 4.7.0 slow down", timedelta(minutes=5)),
        ):
            server.fail("mail", reply, times=1)
            with pytest.raises(RateLimited) as caught:
                transport.send(make_message())
            assert caught.value.retry_after == rest

    @pytest.mark.parametrize(
        ("reply", "error"),
        [
            ("535 5.7.8 bad credentials", AuthenticationFailed),
            ("454 4.7.0 too many login attempts", RateLimited),
            ("534 5.7.9 application-specific password required", AuthenticationFailed),
        ],
    )
    def test_login_refused(self, server, transport, reply, error):
        server.fail("auth", reply)
        with pytest.raises(error) as caught:
            transport.open()
        assert PASSWORD not in str(caught.value) + repr(caught.value)
        self.assert_works_again(server, transport)

    @pytest.mark.parametrize(
        "values",
        [
            {"recipients": ("عميل@example.com",)},
            {"recipients": ("a\r\nRCPT TO:<b@example.com>",)},
            {"recipients": ("no-at",)},
            {"sender": "a@b\n"},
            {"recipients": ("info@شركة.امارات",)},
            {"text": "lone \udc80 surrogate"},
            {"cc": ("ü@example.com",)},
            {"message_id": "<a@b>\r\nBcc: x@example.com"},
        ],
        ids=[
            "arabic-local-part",
            "command-in-address",
            "no-at",
            "newline-in-sender",
            "arabic-domain",
            "surrogate-in-text",
            "unicode-copy",
            "newline-in-message-id",
        ],
    )
    def test_what_cannot_be_written_is_refused_before_the_line_is_used(
        self, server, transport, values
    ):
        with pytest.raises((MessageRefused, RecipientRefused)):
            transport.send(make_message(**values))
        assert server.received == []
        self.assert_works_again(server, transport)

    # -- broken lines
    # ----------------------------------------------------------------------------------
    def test_nobody_listens(self, server, transport):
        server.stop()
        with pytest.raises(Unreachable):
            transport.send(make_message())
        server.start()
        self.assert_works_again(server, transport)

    @pytest.mark.parametrize("reply", [DROP, "421 4.3.2 not now", "451 4.3.0 not now"])
    def test_no_banner(self, server, transport, reply):
        server.fail("connect", reply)
        with pytest.raises((Unreachable, RateLimited)):
            transport.open()
        self.assert_works_again(server, transport)

    def test_banner_refuses_us(self, server, transport):
        server.fail("connect", "554 5.7.1 your address is blocked")
        with pytest.raises(PolicyRefused):
            transport.open()
        self.assert_works_again(server, transport)

    @pytest.mark.parametrize("stage", ["mail", "rcpt", "data"])
    def test_line_dropped_before_data(self, server, transport, stage):
        transport.send(make_message())
        server.fail(stage, DROP)
        with pytest.raises(Unreachable):
            transport.send(make_message())
        assert len(server.received) == 1
        self.assert_works_again(server, transport)

    @pytest.mark.parametrize("stage", ["payload", "message"])
    def test_line_dropped_after_the_message_was_handed_over(
        self, server, transport, stage
    ):
        server.fail(stage, DROP)
        with pytest.raises(OutcomeUnknown):
            transport.send(make_message(text="x" * 50 + "\n" * 10))
        self.assert_works_again(server, transport)

    @pytest.mark.parametrize("reply", ["what?", "199 hm", "354 more"])
    def test_an_answer_to_the_message_that_is_none(self, server, transport, reply):
        server.fail("message", reply)
        with pytest.raises(OutcomeUnknown):
            transport.send(make_message())
        self.assert_works_again(server, transport)

    @pytest.mark.parametrize(
        ("stage", "reply"),
        [("mail", "what?"), ("rcpt", "what?"), ("data", "what?"), ("data", "250 ok")],
    )
    def test_an_answer_to_a_command_that_is_none(self, server, transport, stage, reply):
        server.fail(stage, reply)
        with pytest.raises(Unreachable):
            transport.send(make_message())
        assert server.received == []
        self.assert_works_again(server, transport)

    @pytest.mark.parametrize(
        ("stage", "error"),
        [
            ("connect", Unreachable),
            ("mail", Unreachable),
            ("data", Unreachable),
            ("message", OutcomeUnknown),
        ],
    )
    def test_silence_ends_with_the_timeout(self, server, transport, stage, error):
        server.fail(stage, HANG)
        with pytest.raises(error):
            transport.send(make_message())
        assert server.received == []
        self.assert_works_again(server, transport)

    def test_a_server_that_drops_at_rset(self, server, transport):
        server.fail("rcpt", "550 5.1.1 no such user")
        server.fail("rset", DROP)
        with pytest.raises(RecipientRefused):
            transport.send(make_message())
        self.assert_works_again(server, transport)
