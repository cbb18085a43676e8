"""The contract for transports over an HTTP API: the shared one, its stages of SMTP
replaced by what such a service can say."""

from datetime import timedelta

import pytest
from core.mail.errors import (
    AuthenticationFailed,
    MessageRefused,
    OutcomeUnknown,
    PolicyRefused,
    RateLimited,
    TransportError,
    Unreachable,
)
from support.fake_service import DROP, HANG, TAKE_AND_DROP, Response
from transport_contract import COPY, CUSTOMER, SENDER, TransportContract, make_message

NAMES = {
    "auth": AuthenticationFailed,
    "rate": RateLimited,
    "policy": PolicyRefused,
    "message": MessageRefused,
    "later": Unreachable,
    "unknown": OutcomeUnknown,
}


class ApiContract(TransportContract):
    """Subclasses give ``fake_class``, ``transport_class``, ``scopes`` and the service's
    own ``error(status, …)``."""

    fake_class = transport_class = None
    scopes: tuple[str, ...] = ()
    can_read = False

    def make_server(self):
        return self.fake_class(accounts=(SENDER,))

    def make_token(self, server):
        return server.make_access(SENDER, self.scopes)

    def make_transport(self, server, **settings):
        self.tokens = []

        def get_token(rejected):
            self.tokens.append(rejected)
            return self.make_token(server)

        return self.transport_class(
            SENDER,
            settings.pop("get_token", get_token),
            can_read=self.can_read,
            detour=server.base,
            timeout=self.timeout,
            **settings,
        )

    def error(self, status, reason="", words="No.", headers=None):
        raise NotImplementedError

    # -- the same, said by an API

    def test_accepted(self, server, transport):
        result = transport.send(make_message(cc=(COPY,)))
        (one,) = server.received
        assert (one.sender, one.recipients) == (SENDER, (CUSTOMER, COPY))
        assert one.mail["Message-ID"] == "<r1.abc@pop.example>"
        assert result.refused == {}
        assert result.response

    def test_a_batch_uses_one_token(self, server, transport):
        with transport:
            for number in range(5):
                transport.send(make_message(message_id=f"<r{number}@pop.example>"))
        assert self.tokens == [""]

    def test_close_never_raises(self, server, transport):
        transport.send(make_message())
        server.stop()
        transport.close()
        server.start()
        self.assert_works_again(server, transport)

    def test_copy_refused_while_the_customer_is_accepted(self):
        """An API takes a message whole or not at all; a bad copy comes back as a
        bounce."""

    def test_the_address_before_a_refused_one_gets_nothing(self, server, transport):
        server.fail("message", self.error(400), times=1)
        with pytest.raises(TransportError):
            transport.send(make_message(recipients=("first@example.com",)))
        transport.send(make_message())
        assert [one.recipients for one in server.received] == [(CUSTOMER,)]

    # Each subclass lists what its service documents.
    def test_customer_refused(self):
        """See ``test_responses``."""

    test_refused = test_daily_limit_rests_a_day_and_a_rate_limit_minutes = (
        test_login_refused
    ) = test_customer_refused

    def test_token_cannot_be_had(self, server):
        for error in (AuthenticationFailed("invalid_grant"), Unreachable("later")):

            def get_token(_rejected, error=error):
                raise error

            transport = self.make_transport(server, get_token=get_token)
            with pytest.raises(type(error)):
                transport.open()
            with pytest.raises(type(error)):
                transport.send(make_message())
        assert server.received == []

    def test_token_ends_in_the_middle(self, server, transport):
        transport.send(make_message())
        server.end_access_tokens()
        transport.send(make_message(message_id="<r2@pop.example>"))
        assert len(server.received) == 2
        assert len(self.tokens) == 2 and self.tokens[1], "it names the refused one"

    def test_token_refused_for_good(self, server):
        transport = self.make_transport(server, get_token=lambda _rejected: "dead")
        with pytest.raises(AuthenticationFailed) as caught:
            transport.send(make_message())
        assert "dead" not in str(caught.value)
        assert server.received == []

    def test_right_missing(self, server):
        transport = self.make_transport(
            server,
            get_token=lambda _rejected: server.make_access(
                SENDER, ["https://x/openid"]
            ),
        )
        with pytest.raises(AuthenticationFailed):
            transport.send(make_message())

    @pytest.mark.parametrize(
        "header",
        ["90", "soon", "", "Sat, 21 Nov 2099 10:00:00 GMT", "-5", "99999999999"],
    )
    def test_waits_as_long_as_it_is_told(self, server, transport, header):
        server.fail(
            "message", self.error(429, headers={"Retry-After": header}), times=1
        )
        with pytest.raises(RateLimited) as caught:
            transport.send(make_message())
        expected = {
            "90": timedelta(seconds=90),
            "soon": timedelta(minutes=5),
            "": timedelta(minutes=5),
            "-5": timedelta(minutes=5),
        }
        assert caught.value.retry_after == expected.get(header, timedelta(hours=24))
        self.assert_works_again(server, transport)

    @pytest.mark.parametrize(
        ("status", "headers", "error"),
        [
            (500, {}, OutcomeUnknown),
            (502, {}, OutcomeUnknown),
            (504, {}, OutcomeUnknown),
            (503, {}, OutcomeUnknown),
            (503, {"Retry-After": "30"}, RateLimited),
            (413, {}, MessageRefused),
            (302, {"Location": "https://evil.example/"}, Unreachable),
        ],
    )
    def test_failures_of_the_service(self, server, transport, status, headers, error):
        """It knows no idempotency key: after a failure of its own it may have queued
        the message."""
        server.fail(
            "message",
            Response(
                status, "<html>oops</html>", {"Content-Type": "text/html", **headers}
            ),
            times=1,
        )
        with pytest.raises(TransportError) as caught:
            transport.send(make_message())
        assert type(caught.value) is error
        assert "<html>" not in str(caught.value)
        self.assert_works_again(server, transport)

    def test_no_banner(self, server, transport):
        server.fail("connect", DROP, times=1)
        with pytest.raises((Unreachable, OutcomeUnknown)):
            transport.send(make_message())
        assert server.received == []
        self.assert_works_again(server, transport)

    test_banner_refuses_us = test_line_dropped_before_data = (
        test_an_answer_to_a_command_that_is_none
    ) = test_customer_refused
    test_a_server_that_drops_at_rset = test_a_batch_uses_one_connection = (
        test_customer_refused
    )

    @pytest.mark.parametrize("stage", ["message", "payload"])
    def test_line_dropped_after_the_message_was_handed_over(
        self, server, transport, stage
    ):
        server.fail(stage, DROP)
        with pytest.raises(OutcomeUnknown):
            transport.send(make_message(text="x" * 50 + "\n" * 10))
        self.assert_works_again(server, transport)

    def test_taken_but_never_answered(self, server, transport):
        server.fail("message", TAKE_AND_DROP, times=1)
        with pytest.raises(OutcomeUnknown):
            transport.send(make_message())
        assert len(server.received) == 1
        assert transport.find_sent("<r1.abc@pop.example>") is (
            True if self.can_read else None
        )

    @pytest.mark.parametrize(
        "reply", [Response(200, "what?"), Response(204, ""), Response(200, "[]")]
    )
    def test_an_answer_to_the_message_that_is_none(self, server, transport, reply):
        server.fail("message", reply)
        with pytest.raises(OutcomeUnknown):
            transport.send(make_message())
        self.assert_works_again(server, transport)

    @pytest.mark.parametrize(("stage", "error"), [("message", OutcomeUnknown)])
    def test_silence_ends_with_the_timeout(self, server, transport, stage, error):
        server.fail(stage, HANG)
        with pytest.raises(error):
            transport.send(make_message())
        assert server.received == []
        self.assert_works_again(server, transport)

    # -- asking the mailbox

    def test_find_sent(self, server, transport):
        transport.send(make_message())
        if not self.can_read:
            assert transport.find_sent("<r1.abc@pop.example>") is None
            return
        assert transport.find_sent("<r1.abc@pop.example>") is True
        assert transport.find_sent("<r1.other@pop.example>") is False
        assert transport.find_sent("<o'neil@pop.example>") is False

    def test_find_sent_is_never_sure_by_accident(self, server, transport):
        if not self.can_read:
            return
        server.fail("search", Response(200, "{}"), times=1)
        assert transport.find_sent("<r1.abc@pop.example>") is None
        for fault, error in (
            (DROP, Unreachable),
            (self.error(429), RateLimited),
            (Response(500, "x"), Unreachable),
        ):
            server.fail("search", fault, times=1)
            with pytest.raises(error):
                transport.find_sent("<r1.abc@pop.example>")

    def test_the_token_shows_nowhere(self, server, transport):
        transport.open()
        token = next(iter(server.access))
        seen = {
            name: value for name, value in vars(transport).items() if "__" not in name
        }
        assert token not in f"{transport!r} {seen} {vars(seen['_session'])}"
