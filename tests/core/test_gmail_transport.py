"""GmailTransport against a strict fake."""

from datetime import timedelta

import pytest
from api_contract import NAMES, ApiContract
from core.mail.errors import DAY, RateLimited, RecipientRefused, TransportError
from core.mail.transports.gmail import GmailTransport
from support.fake_google import FakeGoogle, api_error
from transport_contract import make_message


class TestGmailTransport(ApiContract):
    fake_class, transport_class = FakeGoogle, GmailTransport
    scopes = ("https://www.googleapis.com/auth/gmail.send",)

    def error(self, status, reason="badRequest", words="No.", headers=None):
        return api_error(status, reason, words, headers=headers)

    def test_ids_are_kept(self, server, transport):
        result = transport.send(make_message())
        assert (result.provider_message_id, result.thread_id) == (
            server.received[0].id,
            f"t{server.received[0].id}",
        )

    # developers.google.com/gmail/api/guides/handle-errors
    @pytest.mark.parametrize(
        ("status", "reason", "words", "error"),
        [
            (400, "failedPrecondition", "Mail service not enabled", "auth"),
            (400, "badRequest", "Invalid attachment", "message"),
            (400, "invalidArgument", "Invalid From header", "message"),
            (
                403,
                "insufficientPermissions",
                "Request had insufficient authentication scopes.",
                "auth",
            ),
            (
                403,
                "accessNotConfigured",
                "Gmail API has not been used in project 1 before or it is disabled.",
                "auth",
            ),
            (
                403,
                "domainPolicy",
                "The domain administrators have disabled Gmail apps.",
                "auth",
            ),
            (403, "dailyLimitExceeded", "Daily Limit Exceeded", "rate"),
            (403, "userRateLimitExceeded", "User Rate Limit Exceeded", "rate"),
            (403, "rateLimitExceeded", "Rate Limit Exceeded", "rate"),
            (403, "forbidden", "Delegation denied", "policy"),
            (
                429,
                "rateLimitExceeded",
                "Too many concurrent requests for user.",
                "rate",
            ),
            (413, "uploadTooLarge", "Request is too large.", "message"),
        ],
    )
    def test_responses(self, server, transport, status, reason, words, error):
        server.fail("message", self.error(status, reason, words))
        with pytest.raises(TransportError) as caught:
            transport.send(make_message())
        assert type(caught.value) is NAMES[error]
        assert str(caught.value) == f"{status} {words}"
        assert server.received == []
        self.assert_works_again(server, transport)

    @pytest.mark.parametrize(
        "words", ["Invalid To header", "Recipient address required"]
    )
    def test_recipient_refused(self, server, transport, words):
        server.fail("message", self.error(400, "invalidArgument", words))
        with pytest.raises(RecipientRefused) as caught:
            transport.send(make_message())
        assert caught.value.permanent

    def test_how_long_to_rest(self, server, transport):
        for response, wait in (
            (self.error(403, "dailyLimitExceeded", "Daily Limit Exceeded"), DAY),
            (
                self.error(403, "userRateLimitExceeded", "User Rate Limit Exceeded"),
                timedelta(minutes=5),
            ),
            (
                self.error(
                    429,
                    "rateLimitExceeded",
                    "User-rate limit exceeded.  Retry after 2099-01-01T00:00:00.000Z "
                    "(Mail sending)",
                ),
                DAY,
            ),
            (
                self.error(
                    429,
                    "rateLimitExceeded",
                    "User-rate limit exceeded.  Retry after 2020-01-01T00:00:00.000Z",
                ),
                timedelta(seconds=1),
            ),
        ):
            server.fail("message", response, times=1)
            with pytest.raises(RateLimited) as caught:
                transport.send(make_message())
            assert caught.value.retry_after == wait


class TestGmailTransportThatReads(TestGmailTransport):
    scopes = (
        "https://www.googleapis.com/auth/gmail.send",
        "https://www.googleapis.com/auth/gmail.readonly",
    )
    can_read = True
