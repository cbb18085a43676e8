"""A real, strict SMTP server on 127.0.0.1 that keeps what it receives and fails on
request.

As a context manager, in a thread of its own::

    with SmtpServer(user="u", password="p", security="starttls") as server:
        server.fail("rcpt", "550 5.1.1 no such user", address="gone@example.com",
        times=1)
        ...                                   # talk to server.host, server.port
        server.received[0].recipients         # what was accepted, in order

As a program that keeps each message as an .eml file until it is killed::

    python smtp_server.py --port 2525 --folder mails

Needs aiosmtpd; ``cryptography`` only for ``security`` other than ``none``.
"""

import argparse
import asyncio
import binascii
import datetime
import ipaddress
import itertools
import logging
import os
import re
import signal
import ssl
import sys
import tempfile
import threading
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

HOST = "127.0.0.1"
# What a fault does instead of giving a reply.
DROP = "<drop the line>"
HANG = "<say nothing>"
DRIP = "<say a little now and then>"  # a line that announces another one, for ever
STAGES = (
    "connect",  # instead of the banner
    "auth",  # instead of looking at user and password
    "mail",
    "rcpt",  # with ``address``: for that recipient only
    "data",  # instead of 354
    "payload",  # after 354 and the first lines; DROP and HANG only
    "message",  # after the final dot, instead of 250
    "rset",
    "quit",
)


@dataclass(frozen=True)
class Received:
    """One message that the server accepted. ``raw``: as sent, dots unstuffed, CRLF line
    ends; ``time``: UTC."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes
    time: datetime.datetime
    user: str = ""
    encrypted: bool = False

    @property
    def mail(self) -> EmailMessage:
        return message_from_bytes(self.raw, policy=policy.default)


@dataclass
class Fault:
    stage: str
    action: str
    address: str = ""
    times: int | None = None


@dataclass
class _State:
    """What server and connections share, under one lock."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    received: list[Received] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    connections: int = 0
    lines: set = field(default_factory=set)

    def take_fault(self, stage: str, address: str = "") -> str:
        with self.lock:
            for fault in self.faults:
                if (
                    fault.stage == stage
                    and fault.times != 0
                    and fault.address in ("", address.lower())
                ):
                    if fault.times is not None:
                        fault.times -= 1
                    return fault.action
        return ""


class SmtpServer:
    """The server; it runs in a thread of its own.

    :param port: 0 takes a free one
    :param user: with ``password``: AUTH is required before MAIL
    :param mechanisms: offered for AUTH
    :param security: ``none``, ``starttls`` (required before MAIL) or ``ssl``;
    self-signed, ``ca_file`` makes it trusted
    :param folder: accepted messages are also written there, one .eml file each
    :param hide: EHLO keywords not offered, such as ``8BITMIME``
    """

    def __init__(
        self,
        port: int = 0,
        user: str = "",
        password: str = "",
        mechanisms: tuple[str, ...] = ("PLAIN", "LOGIN"),
        security: str = "none",
        folder: str | Path | None = None,
        hide: tuple[str, ...] = (),
        size_limit: int = 30_000_000,
    ):
        self.host, self.port = HOST, port
        self.user, self.password, self.mechanisms, self.hide = (
            user,
            password,
            mechanisms,
            hide,
        )
        self.security, self.size_limit = security, size_limit
        self.folder = Path(folder) if folder else None
        self.ca_file = ""
        self._tls = None
        self._state = _State()
        self._numbers = itertools.count(1)
        self._loop = self._thread = self._listener = None

    # -- life
    # ----------------------------------------------------------------------------------
    def __enter__(self) -> "SmtpServer":
        return self.start()

    def __exit__(self, *_error) -> None:
        self.stop()

    def start(self) -> "SmtpServer":
        logging.getLogger("mail.log").setLevel(logging.CRITICAL)
        if self.folder:
            self.folder.mkdir(parents=True, exist_ok=True)
        if self.security != "none" and not self._tls:
            self._tls, self.ca_file = make_tls_context()
        self._loop = asyncio.new_event_loop()
        try:
            self._listener = self._loop.run_until_complete(
                self._loop.create_server(
                    lambda: _Connection(self, self._loop),
                    self.host,
                    self.port,
                    ssl=self._tls if self.security == "ssl" else None,
                )
            )
        except OSError:
            self._loop.close()
            raise
        self.port = self._listener.sockets[0].getsockname()[1]
        self._thread = threading.Thread(
            target=self._loop.run_forever, daemon=True, name=f"smtp-server-{self.port}"
        )
        self._thread.start()
        return self

    def stop(self) -> None:
        """Closes the port and every open line. May be called twice; ``start`` opens the
        same port again."""
        if self._thread is None:
            return
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()
        self._thread = None
        if self.ca_file:
            Path(self.ca_file).unlink(missing_ok=True)
            self._tls, self.ca_file = None, ""

    async def _close(self) -> None:
        self._listener.close()
        tasks = [
            task
            for task in asyncio.all_tasks(self._loop)
            if task is not asyncio.current_task()
        ]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with self._state.lock:
            lines = [line for line in self._state.lines if line.transport]
            self._state.lines.clear()
        for line in lines:
            line.transport.abort()
        for _turn in range(3):  # lets the loop notice that each connection is closed
            await asyncio.sleep(0)

    # -- what came
    # ----------------------------------------------------------------------------------
    @property
    def received(self) -> list[Received]:
        with self._state.lock:
            return list(self._state.received)

    @property
    def connections(self) -> int:
        """How many lines were opened so far."""
        with self._state.lock:
            return self._state.connections

    def clear(self) -> None:
        """Deletes messages and faults."""
        with self._state.lock:
            self._state.received.clear()
            self._state.faults.clear()

    # -- misbehaviour
    # ----------------------------------------------------------------------------------
    def fail(
        self, stage: str, action: str, address: str = "", times: int | None = None
    ) -> None:
        """At ``stage`` (one of STAGES) reply with ``action`` (a reply line, DROP,
        HANG or DRIP), ``times`` times (None: always).

        Earlier faults of a stage come first; a reply of 421 also closes the line, as
        RFC 5321 §3.8 has it.
        """
        if stage not in STAGES:
            raise ValueError(stage)
        with self._state.lock:
            self._state.faults.append(Fault(stage, action, address.lower(), times))

    def heal(self) -> None:
        """No more faults."""
        with self._state.lock:
            self._state.faults.clear()

    # -- used by the connections
    # ----------------------------------------------------------------------------------
    def keep(self, received: Received) -> None:
        """Stores one message. OSError when the folder does not take it; then it is not
        accepted either."""
        if self.folder:
            name = re.sub(r"[^A-Za-z0-9@._-]", "_", received.recipients[0])[:80]
            path = (
                self.folder
                / f"{received.time:%Y%m%d-%H%M%S}-{os.getpid()}-{next(self._numbers):06d}-{name}.eml"  # noqa: E501
            )
            # Written under another name first, so that a reader never gets half a
            # message.
            part = path.with_suffix(".part")
            part.write_bytes(received.raw)
            part.rename(path)
        with self._state.lock:
            self._state.received.append(received)


class _Connection(SMTP):
    """One line. Strict beyond aiosmtpd: no bare CR or LF, no 8-bit content unless
    announced, ASCII addresses."""

    def __init__(self, owner: SmtpServer, loop: asyncio.AbstractEventLoop):
        self._owner, self._state = owner, owner._state
        super().__init__(
            _Handler(owner),
            data_size_limit=owner.size_limit,
            hostname="smtp.test",
            ident="ready",
            tls_context=owner._tls if owner.security == "starttls" else None,
            require_starttls=True,
            auth_require_tls=owner.security == "starttls",
            authenticator=self._check_login,
            auth_exclude_mechanism={"PLAIN", "LOGIN", "XOAUTH2"}
            - set(owner.mechanisms if owner.user else ()),
            loop=loop,
        )
        # Set here, not by the parameter, which warns where there is no TLS.
        self._auth_required = bool(owner.user)

    def _check_login(
        self, _server, _session, _envelope, _mechanism, login
    ) -> AuthResult:
        good = (login.login, login.password) == (
            self._owner.user.encode(),
            self._owner.password.encode(),
        )
        return AuthResult(
            success=good, handled=False, auth_data=login if good else None
        )

    async def auth_XOAUTH2(self, _server, args: list[str]) -> AuthResult:
        """``password`` stands for the token. A refusal is a challenge first, as Google
        and Microsoft do it."""
        words = binascii.a2b_base64(args[1] if len(args) > 1 else "")
        if (
            words
            == f"user={self._owner.user}\1auth=Bearer "
            f"{self._owner.password}\1\1".encode()
        ):
            return AuthResult(
                success=True, auth_data=LoginPassword(self._owner.user.encode(), b"")
            )
        if await self.challenge_auth('{"status":"400","schemes":"Bearer"}') != b"":
            await self.push("501 5.5.2 the client must reply with nothing")
            return AuthResult(success=False, handled=True)
        return AuthResult(success=False, handled=False)

    async def misbehave(self, action: str) -> None:
        if action == DROP:
            self.transport.abort()
        while action == DRIP:  # cancelled as soon as the connection is closed
            self.transport.write(b"250-please wait\r\n")
            await asyncio.sleep(0.05)
        if action in (DROP, HANG):
            await asyncio.sleep(3600)  # cancelled as soon as the connection is closed
        await self.push(action)
        if action.startswith("421"):
            self.transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        with self._state.lock:
            self._state.lines.discard(self)
        super().connection_lost(error)

    async def _handle_client(self) -> None:
        with self._state.lock:
            self._state.connections += 1
            self._state.lines.add(self)
        fault = self._state.take_fault("connect")
        if fault:
            await self.misbehave(fault)
            self.transport.close()
        else:
            await super()._handle_client()

    async def smtp_AUTH(self, arg: str) -> None:
        await self._answer("auth", super().smtp_AUTH, arg)

    async def smtp_MAIL(self, arg: str) -> None:
        await self._answer("mail", super().smtp_MAIL, arg)

    async def smtp_RCPT(self, arg: str) -> None:
        found = re.search(r"<([^>]*)>", arg or "")
        await self._answer(
            "rcpt", super().smtp_RCPT, arg, found.group(1) if found else ""
        )

    async def smtp_RSET(self, arg: str) -> None:
        await self._answer("rset", super().smtp_RSET, arg)

    async def smtp_QUIT(self, arg: str) -> None:
        await self._answer("quit", super().smtp_QUIT, arg)

    async def smtp_DATA(self, arg: str) -> None:
        fault = self._state.take_fault("data")
        if fault:
            await self.misbehave(fault)
        elif self.envelope.rcpt_tos and (fault := self._state.take_fault("payload")):
            await self.push("354 go ahead")
            await self._reader.readline()
            await self.misbehave(fault)
        else:
            await super().smtp_DATA(arg)

    async def _answer(self, stage: str, normal, arg: str, address: str = "") -> None:
        fault = self._state.take_fault(stage, address)
        if fault:
            await self.misbehave(fault)
        else:
            await normal(arg)


class _Handler:
    def __init__(self, owner: SmtpServer):
        self._owner = owner

    async def handle_EHLO(self, _server, session, _envelope, hostname, responses):
        session.host_name = hostname
        hidden = set(self._owner.hide) | (set() if self._owner.user else {"AUTH"})
        return [line for line in responses if line[4:].split(" ")[0] not in hidden]

    async def handle_DATA(self, server, session, envelope) -> str:
        fault = server._state.take_fault("message")
        if fault in (DROP, HANG, DRIP):
            await server.misbehave(fault)
        if fault:
            return fault
        raw = envelope.content
        if re.search(rb"\r(?!\n)|(?<!\r)\n", raw):
            return "550 5.6.0 bare CR or LF in the message (RFC 5321 2.3.8)"
        if not raw.isascii() and "BODY=8BITMIME" not in envelope.mail_options:
            return "554 5.6.1 8-bit content was not announced (RFC 6152)"
        login = session.auth_data.login.decode() if session.authenticated else ""
        try:
            self._owner.keep(
                Received(
                    envelope.mail_from,
                    tuple(envelope.rcpt_tos),
                    raw,
                    datetime.datetime.now(datetime.timezone.utc),
                    login,
                    session.ssl is not None or self._owner.security == "ssl",
                )
            )
        except OSError as error:
            return f"452 4.3.1 not stored: {error.strerror}"
        return f"250 2.0.0 OK queued as {len(self._owner.received)}"


def make_tls_context() -> tuple[ssl.SSLContext, str]:
    """A server context with a fresh self-signed certificate for localhost, and the file
    to trust it by (PEM)."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.timezone.utc)
    names = x509.SubjectAlternativeName(
        [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address(HOST))]
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(names, False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = certificate.public_bytes(serialization.Encoding.PEM)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile(suffix=".pem") as both:
        both.write(private + public)
        both.flush()
        context.load_cert_chain(both.name)
    with tempfile.NamedTemporaryFile(suffix=".pem", delete=False) as trusted:
        trusted.write(public)
    return context, trusted.name


def main() -> None:
    parser = argparse.ArgumentParser(
        description="SMTP server that keeps every message as a file until it is killed."
    )
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--folder", required=True, help="where the .eml files go")
    parser.add_argument("--user", default="", help="ask for a login")
    parser.add_argument("--password", default="")
    options = parser.parse_args()
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    try:
        server = SmtpServer(
            options.port, options.user, options.password, folder=options.folder
        ).start()
    except OSError as error:
        sys.exit(f"port {options.port}: {error.strerror}")
    print(f"ready {server.host}:{server.port} {options.folder}", flush=True)
    stopped.wait()
    server.stop()


if __name__ == "__main__":
    main()
