"""SmtpTransport against a real server."""

import smtplib
import ssl

import pytest
from core.mail.connection import ServerSettings
from core.mail.errors import AuthenticationFailed, TransportError, Unreachable
from core.mail.transports.base import Transport
from core.mail.transports.smtp import SmtpTransport
from support.smtp_server import SmtpServer
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
