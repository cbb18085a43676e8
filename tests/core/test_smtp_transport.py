"""SmtpTransport against a real server."""

import smtplib
import ssl
import time

import pytest
from core.mail.connection import ServerSettings
from core.mail.errors import (
    AuthenticationFailed,
    NoSession,
    OutcomeUnknown,
    PolicyRefused,
    RateLimited,
    RecipientRefused,
    StoodStill,
    TransportError,
    Unreachable,
)
from core.mail.transports import base, smtp
from core.mail.transports.base import Transport
from core.mail.transports.smtp import SmtpTransport
from support.smtp_server import DRIP, DROP, SmtpServer
from transport_contract import PASSWORD, SENDER, TransportContract, make_message


def connect(server, **settings) -> SmtpTransport:
    defaults = {
        "host": server.host,
        "port": server.port,
        "encryption": "none",
        "user": server.user,
        "password": server.password,
        "timeout": 2.0,
    }
    return SmtpTransport(ServerSettings(**defaults | settings))


class TestSmtpTransport(TransportContract):
    def make_transport(self, server, **settings):
        return connect(server, timeout=self.timeout, **settings)

    def test_is_a_transport(self, transport):
        assert isinstance(transport, Transport)


@pytest.fixture
def trust(monkeypatch):
    """Lets the default TLS context trust a server's own certificate."""

    def trust_server(server):
        make_context = ssl.create_default_context
        monkeypatch.setattr(
            ssl,
            "create_default_context",
            lambda *a, **k: make_context(cafile=server.ca_file),
        )

    return trust_server


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
@pytest.mark.parametrize("security", ["none", "starttls", "ssl"])
def test_login_over_each_encryption(security, mechanism, trust):
    with SmtpServer(
        user=SENDER, password=PASSWORD, mechanisms=(mechanism,), security=security
    ) as server:
        if security != "none":
            trust(server)
        with connect(server, encryption=security) as transport:
            transport.send(make_message())
        (one,) = server.received
        assert one.user == SENDER
        assert one.encrypted is (security != "none")


@pytest.mark.parametrize("security", ["starttls", "ssl"])
def test_untrusted_certificate_is_refused_before_the_password_goes_out(security):
    with SmtpServer(user=SENDER, password=PASSWORD, security=security) as server:
        with pytest.raises(Unreachable) as caught:
            connect(server, encryption=security).open()
        assert "certificate" in str(caught.value).lower()
        server.fail("auth", "535 5.7.8 never asked")
        with pytest.raises(Unreachable):
            connect(server, encryption=security).send(make_message())
        assert server.received == []


@pytest.mark.parametrize("security", ["starttls", "ssl"])
def test_certificate_check_can_be_switched_off(security):
    with SmtpServer(user=SENDER, password=PASSWORD, security=security) as server:
        with connect(server, encryption=security, verify=False) as transport:
            transport.send(make_message())
        assert server.received[0].encrypted


def test_certificate_for_another_name_is_refused(trust):
    with SmtpServer(security="ssl") as server:
        trust(server)
        with pytest.raises(Unreachable):
            connect(server, host="127.0.0.2", encryption="ssl").open()


def test_no_fallback_to_clear_text_when_starttls_is_missing():
    with SmtpServer(user=SENDER, password=PASSWORD) as server:
        with pytest.raises(TransportError):
            connect(server, encryption="starttls").send(make_message())
        assert server.received == []


def test_wrong_password():
    with SmtpServer(user=SENDER, password=PASSWORD) as server:
        with pytest.raises(AuthenticationFailed) as caught:
            connect(server, password="wrong-" + PASSWORD).open()
        assert PASSWORD not in f"{caught.value} {caught.value!r}"


def test_proof_finds_a_server_that_lets_in_and_sends_nothing():
    """It greets everybody, and wants a login for MAIL FROM (A4)."""
    with SmtpServer(user=SENDER, password=PASSWORD) as server:
        with connect(server, user="", password="") as transport:
            with pytest.raises(AuthenticationFailed, match="530"):
                transport.prove(SENDER)
        with connect(server) as transport:
            transport.prove(SENDER)
            # RSET: the session is as new, and a message goes over it.
            transport.send(make_message())
        assert len(server.received) == 1, "the proof itself sends nothing"


def test_proof_of_a_sender_that_is_refused():
    with SmtpServer(user=SENDER, password=PASSWORD) as server:
        server.fail("mail", "553 5.7.1 Sender address rejected: not owned by user")
        with connect(server) as transport, pytest.raises(PolicyRefused):
            transport.prove(SENDER)


def test_login_where_the_server_offers_none():
    with SmtpServer() as server, pytest.raises(AuthenticationFailed):
        connect(server, user=SENDER, password=PASSWORD).open()


def test_password_that_the_protocol_cannot_carry():
    with SmtpServer(user=SENDER, password=PASSWORD) as server:
        transport = connect(server, password="سر")
        with pytest.raises(AuthenticationFailed) as caught:
            transport.open()
        assert "سر" not in str(caught.value)


def test_server_without_8bitmime_gets_the_same_message():
    with SmtpServer(hide=("8BITMIME",)) as server:
        with connect(server) as transport:
            transport.send(make_message(subject="تذكير", text="نص عربي\n"))
        assert server.received[0].raw.isascii()
        assert (
            server.received[0].mail.get_body(("plain",)).get_content() == "نص عربي\r\n"
        )


def test_the_password_shows_nowhere():
    settings = ServerSettings(
        "mail.example.com", 587, "starttls", user=SENDER, password=PASSWORD
    )
    assert PASSWORD not in f"{settings} {settings!r} {SmtpTransport(settings)!r}"


def test_unknown_host_is_unreachable():
    with pytest.raises(Unreachable):
        SmtpTransport(
            ServerSettings("does-not-exist.invalid", 25, "none", timeout=1)
        ).open()


# -- the server itself: a test double must be trustworthy
# -------------------------------------------------------------
def test_server_is_strict():
    with (
        SmtpServer(user=SENDER, password=PASSWORD) as server,
        smtplib.SMTP(server.host, server.port, timeout=2) as client,
    ):
        assert client.docmd("MAIL FROM:<a@b.ae>")[0] == 503
        client.ehlo()
        assert client.mail("a@b.ae")[0] == 530
        client.login(SENDER, PASSWORD)
        assert client.docmd("DATA")[0] == 503
        assert client.rcpt("x@y.ae")[0] == 503
        assert client.mail("a@b.ae")[0] == 250
        assert client.docmd("NONSENSE")[0] == 500
        assert client.rcpt("x@y.ae")[0] == 250
        assert client.docmd("DATA")[0] == 354
        client.sock.sendall(b"Subject: x\r\n\r\nbare\nline\r\n.\r\n")
        assert client.getreply()[0] == 550
        client.mail("a@b.ae")
        client.rcpt("x@y.ae")
        client.docmd("DATA")
        client.sock.sendall("Subject: x\r\n\r\nعربي\r\n.\r\n".encode())
        assert client.getreply()[0] == 554
        assert server.received == []


def test_server_writes_files(tmp_path):
    with SmtpServer(folder=tmp_path / "mails") as server:
        with connect(server) as transport:
            for number in range(3):
                transport.send(make_message(message_id=f"<r{number}@pop.example>"))
        files = sorted((tmp_path / "mails").iterdir())
        assert [path.read_bytes() for path in files] == [
            one.raw for one in server.received
        ]
        assert {path.suffix for path in files} == {".eml"}


def test_faults_are_used_up():
    with SmtpServer() as server:
        server.fail("mail", "451 4.3.0 later", times=2)
        transport = connect(server)
        for _attempt in range(2):
            with pytest.raises(Unreachable):
                transport.send(make_message())
        transport.send(make_message())
        transport.close()
        assert len(server.received) == 1
        with pytest.raises(ValueError):
            server.fail("nowhere", "500 x")


# -- several addresses of one customer, each with its own outcome


DEAD, ALIVE = "dead@example.com", "alive@example.com"


@pytest.fixture
def server():
    with SmtpServer(user=SENDER, password=PASSWORD) as server:
        yield server


@pytest.mark.parametrize("recipients", [(DEAD, ALIVE), (ALIVE, DEAD)])
def test_one_address_dead_the_other_gets_it(server, recipients):
    server.fail("rcpt", "550 5.1.1 User unknown", times=1, address=DEAD)
    with connect(server) as transport:
        result = transport.send(make_message(recipients=recipients, cc=()))
    assert (result.dead, list(result.refused)) == ((DEAD,), [DEAD])
    assert [one.recipients for one in server.received] == [(ALIVE,)]


@pytest.mark.parametrize("reply", ["550 5.7.1 blocked", "450 4.2.1 later"])
def test_what_says_nothing_about_an_address_calls_it_not_dead(server, reply):
    server.fail("rcpt", reply, times=1, address=DEAD)
    with connect(server) as transport:
        result = transport.send(make_message(recipients=(ALIVE, DEAD), cc=()))
    assert (result.dead, list(result.refused)) == ((), [DEAD])


@pytest.mark.parametrize(
    "first,second,permanent,dead",
    [
        ("550 5.1.1 unknown", "550 5.1.1 unknown", True, (DEAD, ALIVE)),
        ("550 5.1.1 unknown", "450 4.2.2 full", False, (DEAD,)),
        ("450 4.2.2 full", "450 4.2.2 full", False, ()),
    ],
)
def test_all_addresses_refused(server, first, second, permanent, dead):
    server.fail("rcpt", first, times=1, address=DEAD)
    server.fail("rcpt", second, times=1, address=ALIVE)
    with connect(server) as transport, pytest.raises(RecipientRefused) as caught:
        transport.send(make_message(recipients=(DEAD, ALIVE), cc=()))
    assert (caught.value.permanent, caught.value.dead) == (permanent, dead)
    assert server.received == []


def test_copies_alone_are_not_the_customer(server):
    """The customer is refused, the copy taken: nothing goes."""
    server.fail("rcpt", "550 5.1.1 unknown", times=1, address=DEAD)
    with connect(server) as transport, pytest.raises(RecipientRefused):
        transport.send(make_message(recipients=(DEAD,), cc=(ALIVE,)))
    assert server.received == []


# -- a session that ends before anything was handed over


@pytest.mark.parametrize("stage", ["mail", "rcpt", "data"])
@pytest.mark.parametrize(
    "reply",
    [
        "421 4.3.2 closing, Maximum message count per session reached",
        "421 too many messages in this connection",
        "421 idle timeout",
        "drop",
    ],
)
def test_session_that_ends_is_opened_again_at_once(server, stage, reply):
    with connect(server) as transport:
        transport.send(make_message())
        server.fail(stage, DROP if reply == "drop" else reply, times=1)
        transport.send(make_message(recipients=(ALIVE,)))
    assert [one.recipients[0] for one in server.received][1:] == [ALIVE]
    assert server.connections == 2


def test_a_new_session_that_ends_is_not_opened_again(server):
    """Once, so that a server that is going down is left alone."""
    server.fail("mail", "421 4.3.0 closing", times=2)
    with connect(server) as transport, pytest.raises(Unreachable):
        transport.send(make_message())
    with connect(server) as transport, pytest.raises(Unreachable):
        transport.send(make_message())
    assert server.received == []


def test_asked_to_go_slower_is_no_end_of_a_session(server):
    with connect(server) as transport:
        transport.send(make_message())
        server.fail("mail", "421 4.7.0 too many messages from you", times=1)
        with pytest.raises(RateLimited):
            transport.send(make_message())
    assert server.connections == 1


def test_a_line_that_breaks_after_the_message_is_never_sent_again(server):
    with connect(server) as transport:
        transport.send(make_message())
        server.fail("payload", DROP, times=1)
        with pytest.raises(OutcomeUnknown):
            transport.send(make_message(recipients=(ALIVE,)))
    assert len([one for one in server.received if one.recipients[0] == ALIVE]) <= 1


# -- the answer to a message may take longer than any other


def test_final_answer_is_waited_for(server):
    waits = []
    with connect(server) as transport:
        transport._get_patience = lambda: waits.append(1) or 77.0
        transport.open()
        sock = transport._session.sock
        seen = []
        real = transport._session.getreply

        def getreply():
            seen.append(sock.gettimeout())
            return real()

        transport._session.getreply = getreply
        transport.send(make_message())
        assert sock.gettimeout() == 2.0, "as before"
    assert seen.count(77.0) == 1 and set(seen) == {2.0, 77.0} and waits


def test_patience_is_never_shorter_than_the_usual_time(server):
    with connect(server) as transport:
        transport._get_patience = lambda: 0.0
        transport.send(make_message())
    assert len(server.received) == 1


@pytest.mark.parametrize("mechanism", ["XOAUTH2"])
def test_login_that_we_cannot_do_asks_a_person(mechanism):
    """Waiting does not help, so it is no "unreachable"."""
    with SmtpServer(user=SENDER, password=PASSWORD, mechanisms=(mechanism,)) as server:
        with pytest.raises(AuthenticationFailed, match="No suitable"):
            connect(server).open()


# -- one deadline over the whole dialogue: a server that says a little now and then


@pytest.mark.parametrize(
    ("stage", "error"),
    [
        ("connect", NoSession),
        ("auth", NoSession),
        ("mail", Unreachable),
        ("rcpt", Unreachable),
        ("data", Unreachable),
        ("message", OutcomeUnknown),
    ],
)
def test_a_server_that_stutters_holds_nobody(server, monkeypatch, stage, error):
    """Each line comes well within the time that one read may take."""
    monkeypatch.setattr(smtp, "_DIALOGUE", 0.5)
    with connect(server) as transport:
        transport.close()
        transport._get_patience = lambda: 0.5
        monkeypatch.setattr(smtp, "_LEAST", 0.1)
        monkeypatch.setattr(transport, "_get_timeout", lambda: 0.4)
        server.fail(stage, DRIP)
        with pytest.raises(error):
            transport.send(make_message())
        server.heal()
        assert server.received == []
        transport.send(make_message(message_id="<next@pop.example>"))
    assert len(server.received) == 1


def test_stuttering_at_the_farewell_holds_nobody(server, monkeypatch):
    monkeypatch.setattr(smtp, "_FAREWELL", 0.3)
    with connect(server) as transport:
        transport.send(make_message())
        server.fail("quit", DRIP)
    assert transport._session is None


# -- a process that stood still


@pytest.mark.parametrize("moment", ["mail", "data", "payload"])
def test_what_is_too_old_does_not_leave(server, monkeypatch, moment):
    """The clock jumps before MAIL, before DATA, or before the message itself."""
    now, jumps = [1000.0], [61]
    monkeypatch.setattr(base, "tick", lambda: now[0])
    with connect(server) as transport:
        transport.leave_by = 1060.0
        for name, at in (("_envelope", "data"), ("_begin_data", "payload")):
            real = getattr(transport, name)

            def later(*args, real=real, at=at):
                result = real(*args)
                now[0] += jumps.pop() if at == moment and jumps else 0
                return result

            monkeypatch.setattr(transport, name, later)
        now[0] += 61 if moment == "mail" else 0
        with pytest.raises(StoodStill):
            transport.send(make_message())
        assert server.received == []
        transport.leave_by = now[0] + 60
        transport.send(make_message())
    assert len(server.received) == 1


def test_the_clock_goes_on_while_the_machine_sleeps():
    assert abs(base.tick() - time.clock_gettime(time.CLOCK_BOOTTIME)) < 5


# -- no session is no refusal of a message


def test_a_server_that_went_away_between_two_messages(server):
    transport = connect(server)
    with transport:
        transport.send(make_message())
        server.stop()
        with pytest.raises(NoSession):
            transport.send(make_message())
        server.start()
        transport.send(make_message())
    assert len(server.received) == 2


def test_a_server_that_lets_nobody_begin(server):
    server.fail("connect", "421 come back later")
    with pytest.raises(NoSession):
        connect(server).send(make_message())


def test_a_message_that_ends_each_session_is_refused_for_itself(server):
    """Else one such message would hold the whole mailbox for ever."""
    with connect(server) as transport:
        server.fail("rcpt", DROP)
        with pytest.raises(Unreachable) as caught:
            transport.send(make_message())
    assert not isinstance(caught.value, NoSession)
