"""OutlookTransport against a strict fake; SMTP with a token against a real server."""

from datetime import timedelta

import pytest
from api_contract import NAMES, ApiContract
from core.mail.errors import (
    DAY,
    AuthenticationFailed,
    RateLimited,
    RecipientRefused,
    TransportError,
)
from core.mail.transports.outlook import OutlookSmtpTransport, OutlookTransport
from support.fake_microsoft import DROP, FakeMicrosoft, Response, graph_error
from support.smtp_server import SmtpServer
from transport_contract import PASSWORD, SENDER, TransportContract, make_message


class TestOutlookTransport(ApiContract):
    fake_class, transport_class = FakeMicrosoft, OutlookTransport
    scopes = ("https://graph.microsoft.com/Mail.Send",)

    def error(self, status, reason="BadRequest", words="No.", headers=None):
        return graph_error(status, reason, words, headers)

    # learn.microsoft.com/graph/errors
    @pytest.mark.parametrize(
        ("status", "reason", "words", "error"),
        [
            (400, "ErrorMimeContentInvalid", "Invalid MIME", "message"),
            (400, "ErrorInvalidRequest", "The request is invalid.", "message"),
            (403, "ErrorAccessDenied", "Access is denied.", "auth"),
            (
                403,
                "ErrorSendAsDenied",
                "The user account doesn't have the right to send mail on behalf of "
                "this account.",
                "policy",
            ),
            (
                403,
                "ErrorAccountSuspend",
                "Account suspended. Follow the instructions in your Inbox to verify "
                "your account.",
                "policy",
            ),
            (
                404,
                "MailboxNotEnabledForRESTAPI",
                "The mailbox is either inactive, soft-deleted, or is hosted "
                "on-premise.",
                "auth",
            ),
            (
                429,
                "ErrorExceededMessageLimit",
                "Cannot send mail. Follow the instructions in your Inbox.",
                "rate",
            ),
            (
                429,
                "ApplicationThrottled",
                "Application is over its MailboxConcurrency limit.",
                "rate",
            ),
            (507, "ErrorQuotaExceeded", "Mailbox is full.", "rate"),
            (
                413,
                "ErrorMessageSizeExceeded",
                "The message exceeds the maximum supported size.",
                "message",
            ),
        ],
    )
    def test_responses(self, server, transport, status, reason, words, error):
        server.fail("message", self.error(status, reason, words))
        with pytest.raises(TransportError) as caught:
            transport.send(make_message())
        assert type(caught.value) is NAMES[error]
        assert str(caught.value) == f"{status} {reason} {words}"
        assert server.received == []
        self.assert_works_again(server, transport)

    def test_recipient_refused(self, server, transport):
        server.fail(
            "message",
            self.error(
                400, "ErrorInvalidRecipients", "At least one recipient isn't valid."
            ),
        )
        with pytest.raises(RecipientRefused) as caught:
            transport.send(make_message())
        assert caught.value.permanent

    def test_how_long_to_rest(self, server, transport):
        for reason, wait in (
            ("ErrorExceededMessageLimit", DAY),
            ("ErrorQuotaExceeded", timedelta(hours=1)),
            ("TooManyRequests", timedelta(minutes=5)),
        ):
            server.fail("message", self.error(429, reason), times=1)
            with pytest.raises(RateLimited) as caught:
                transport.send(make_message())
            assert caught.value.retry_after == wait


class TestOutlookTransportWithDrafts(TestOutlookTransport):
    scopes = (
        "https://graph.microsoft.com/Mail.Send",
        "https://graph.microsoft.com/Mail.ReadWrite",
    )
    can_read = True

    def test_ids_are_kept(self, server, transport):
        result = transport.send(make_message())
        assert (
            result.provider_message_id,
            result.thread_id,
            result.internet_message_id,
        ) == (server.received[0].id, f"conv-{server.received[0].id}", "")
        assert server.drafts == {}

    def test_another_message_id_is_kept(self, server, transport):
        server.renames = True
        result = transport.send(make_message())
        assert (
            result.internet_message_id
            == server.received[0].mail["Message-ID"]
            != "<r1.abc@pop.example>"
        )

    def test_refused_draft_does_not_stay(self, server, transport):
        server.fail("message", self.error(403, "ErrorSendAsDenied"), times=1)
        with pytest.raises(TransportError):
            transport.send(make_message())
        assert server.drafts == {}
        for fault in (DROP, self.error(403, "x")):
            server.fail("message", self.error(403, "ErrorSendAsDenied"), times=1)
            server.fail("delete", fault, times=1)
            with pytest.raises(NAMES["policy"]):
                transport.send(make_message())

    def test_line_dropped_after_the_message_was_handed_over(self, server, transport):
        server.fail("message", DROP)
        with pytest.raises(NAMES["unknown"]):
            transport.send(make_message())
        assert len(server.drafts) == 1
        assert transport.find_sent("<r1.abc@pop.example>") is False, (
            "a draft was never sent"
        )
        self.assert_works_again(server, transport)

    @pytest.mark.parametrize(
        "fault", [DROP, Response(500, "x"), Response(200, "{}"), Response(504, "x")]
    )
    def test_trouble_with_the_draft_has_sent_nothing(self, server, transport, fault):
        server.fail("draft", fault, times=1)
        with pytest.raises(NAMES["later"]):
            transport.send(make_message())
        self.assert_works_again(server, transport)

    def test_right_missing(self, server):
        transport = self.make_transport(
            server,
            get_token=lambda _rejected: server.make_access(
                "accounts@pop.example", self.scopes[:1]
            ),
        )
        with pytest.raises(AuthenticationFailed):
            transport.send(make_message())


class TestOutlookSmtp(TransportContract):
    """The SMTP contract whole, with a token for a password."""

    def make_server(self):
        return SmtpServer(user=SENDER, password=PASSWORD, mechanisms=("XOAUTH2",))

    def make_transport(self, server, **settings):
        settings = {"get_token": lambda _rejected: PASSWORD, **settings}
        return OutlookSmtpTransport(
            SENDER,
            address=(server.host, server.port),
            encrypted=False,
            timeout=self.timeout,
            **settings,
        )

    def test_token_that_ended_is_replaced_once(self, server):
        asked = []
        transport = self.make_transport(
            server,
            get_token=lambda rejected: asked.append(rejected)
            or (PASSWORD if rejected else "old"),
        )
        transport.send(make_message())
        assert asked == ["", "old"]
        assert len(server.received) == 1

    def test_dead_token(self, server):
        transport = self.make_transport(
            server, get_token=lambda _rejected: "dead-token"
        )
        with pytest.raises(AuthenticationFailed) as caught:
            transport.open()
        assert "dead-token" not in str(caught.value)

    def test_mailbox_without_smtp_auth(self):
        with (
            SmtpServer(user=SENDER, password=PASSWORD) as server,
            pytest.raises(AuthenticationFailed) as caught,
        ):
            self.make_transport(server).open()
        assert "XOAUTH2" in str(caught.value)

    def test_the_token_goes_over_tls_only(self, server):
        transport = OutlookSmtpTransport(
            SENDER,
            lambda _rejected: PASSWORD,
            address=(server.host, server.port),
            timeout=self.timeout,
        )
        with pytest.raises(TransportError):
            transport.open()
