"""A strict OAuth service with a mailbox behind it, on loopback: what the fakes of
Google and Microsoft share.

It serves every host of the service under one port: ``https://host/path`` is asked for
as ``http://127.0.0.1:port/host/path`` (core.http). What a real service refuses is
refused here: an unknown redirect address, a code used twice or too late, a wrong PKCE
verifier, a token that has ended, a right that was not granted.
"""

import base64
import hashlib
import html
import json
import secrets
import socket
import threading
import time
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import getaddresses
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote_plus, urlencode, urlsplit

DROP = "<drop the line>"
HANG = "<say nothing>"
# The message is taken, but the response never comes: the case that only asking the
# mailbox settles.
TAKE_AND_DROP = "<take it, then drop the line>"
CODE_LIFE = 60.0


@dataclass
class Response:
    status: int
    body: dict | str | bytes = ""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Received:
    """One message that the service took over."""

    recipients: tuple[str, ...]
    raw: bytes
    user: str
    id: str

    @property
    def mail(self) -> EmailMessage:
        return message_from_bytes(self.raw, policy=policy.default)

    @property
    def sender(self) -> str:
        return getaddresses([self.mail["From"]])[0][1]


@dataclass
class Fault:
    stage: str
    action: object
    times: int | None = None


class Refusal(Exception):
    def __init__(self, response: Response):
        self.response = response


@dataclass
class Query:
    """One request, taken apart. ``path`` begins with the host."""

    method: str
    path: str
    params: dict[str, str]
    headers: object
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        if not self.headers.get("Content-Type", "").startswith(
            "application/x-www-form-urlencoded"
        ):
            return {}
        form = {
            name: values[0]
            for name, values in parse_qs(
                self.body.decode(), keep_blank_values=True
            ).items()
        }
        scheme, _, encoded = self.headers.get("Authorization", "").partition(" ")
        if scheme == "Basic":  # RFC 6749 §2.3.1: the client may also prove itself so
            form["client_id"], _, form["client_secret"] = (
                unquote_plus(part)
                for part in base64.b64decode(encoded).decode().partition(":")
            )
        return form


class FakeService:
    """The service; its HTTP server runs in a thread.

    :param accounts: addresses that can sign in here
    :param redirect_uris: what the administrator has registered; compared as text, as
    the real ones do
    """

    host = "127.0.0.1"
    stages: tuple[str, ...] = (
        "connect",
        "token",
        "who",
        "payload",
        "message",
        "search",
    )

    def __init__(
        self,
        accounts=("accounts@pop.example",),
        client_id="client-1",
        client_secret="client-s3cret",
        redirect_uris=("http://localhost:8069/chaser/oauth/callback",),
        port=0,
        token_life=3600,
    ):
        self.port, self.accounts = port, tuple(accounts)
        self.client_id, self.client_secret, self.redirect_uris = (
            client_id,
            client_secret,
            list(redirect_uris),
        )
        self.token_life, self.rotates = token_life, False
        self.codes, self.access, self.refresh = {}, {}, {}
        self.requests: list[Query] = []
        self.received: list[Received] = []
        self.connections = self.refreshes = 0
        self.clock = time.time
        self._faults: list[Fault] = []
        self._lock = threading.RLock()
        self._server = None
        self._sockets = set()

    # -- life

    @property
    def base(self) -> str:
        return f"http://{self.host}:{self.port}"

    def __enter__(self):
        return self.start()

    def __exit__(self, *_error):
        self.stop()

    def start(self):
        service = self

        class Handler(_Handler):
            owner = service

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True
            request_queue_size = 64

            def handle_error(self, _request, _address):
                pass  # lines are dropped on purpose

        self._server = Server((self.host, self.port), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.02},
            daemon=True,
        ).start()
        return self

    def stop(self):
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
            with self._lock:
                lines = list(self._sockets)
            for line in lines:
                _abort(line)

    # -- misbehaviour

    def fail(
        self, stage: str, action, address: str = "", times: int | None = None
    ) -> None:
        """At ``stage`` reply with ``action``: a `Response`, DROP, HANG or
        TAKE_AND_DROP, ``times`` times (None: always)."""
        if stage not in self.stages:
            raise ValueError(stage)
        with self._lock:
            self._faults.append(Fault(stage, action, times))

    def heal(self) -> None:
        with self._lock:
            self._faults.clear()

    def take_fault(self, stage: str):
        with self._lock:
            for fault in self._faults:
                if fault.stage == stage and fault.times != 0:
                    if fault.times is not None:
                        fault.times -= 1
                    return fault.action
        return None

    # -- consent: what the person does in the browser

    def consent(
        self,
        url: str,
        account: str = "",
        deny: bool = False,
        without: tuple[str, ...] = (),
    ) -> str:
        """Press the buttons of the consent page at ``url`` (checked as the service
        checks it); where it leads back to."""
        path, _, query = url.removeprefix(self.base + "/").partition("?")
        params = {name: values[0] for name, values in parse_qs(query).items()}
        self.check_authorization(path, params)
        return self._answer_consent(params, account or self.accounts[0], deny, without)

    def _answer_consent(self, params, account, deny=False, without=()):
        if deny:
            return (
                f"{params['redirect_uri']}?"
                f"{urlencode({'error': 'access_denied', 'state': params['state']})}"
            )
        code = secrets.token_urlsafe(24)
        scopes = [
            scope
            for scope in params["scope"].split()
            if not any(scope.endswith(left) for left in without)
        ]
        with self._lock:
            self.codes[code] = {
                "account": account,
                "scopes": scopes,
                "challenge": params["code_challenge"],
                "redirect_uri": params["redirect_uri"],
                "nonce": params.get("nonce", ""),
                "until": self.clock() + CODE_LIFE,
                "used": False,
            }
        return (
            f"{params['redirect_uri']}?"
            f"{urlencode({'state': params['state'], 'code': code, 'scope': ' '.join(scopes)})}"  # noqa: E501
        )

    def check_authorization(self, path, params):
        """What the service checks before it shows the consent page; Refusal with an
        error page otherwise."""
        wrong = [
            name
            for name, good in (
                ("client_id", params.get("client_id") == self.client_id),
                (
                    "redirect_uri_mismatch",
                    params.get("redirect_uri") in self.redirect_uris,
                ),
                ("response_type", params.get("response_type") == "code"),
                ("scope", bool(params.get("scope"))),
                ("state", bool(params.get("state"))),
                ("code_challenge", len(params.get("code_challenge", "")) == 43),
                (
                    "code_challenge_method",
                    params.get("code_challenge_method") == "S256",
                ),
            )
            if not good
        ]
        if wrong:
            raise Refusal(Response(400, f"Error 400: {', '.join(wrong)}"))

    def show_consent(self, query: Query) -> Response:
        self.check_authorization(query.path, query.params)
        links = []
        for account in self.accounts:
            target = self._answer_consent(query.params, account)
            links.append(
                '<p><a class="account" '
                f'href="{html.escape(target)}">{html.escape(account)}</a></p>'
            )
        denied = html.escape(self._answer_consent(query.params, "", deny=True))
        page = (
            "<!doctype html><title>Sign in</title><h1>Choose an "
            f"account</h1>{''.join(links)}<p><a id='deny' "
            f"href='{denied}'>Cancel</a></p>"
        )
        return Response(200, page, {"Content-Type": "text/html; charset=utf-8"})

    # -- tokens

    def redeem(self, form) -> dict:
        """authorization_code: RFC 6749 §4.1.3 and RFC 7636 §4.6. Returns the code's
        facts; Refusal otherwise."""
        self.check_client(form)
        with self._lock:
            facts = self.codes.get(form.get("code", ""))
            if not facts or facts["until"] < self.clock():
                raise Refusal(
                    self.oauth_error("invalid_grant", "Malformed or expired auth code.")
                )
            if facts["used"]:
                for name in [
                    name
                    for name, grant in self.refresh.items()
                    if grant["code"] == form["code"]
                ]:
                    del self.refresh[name]
                raise Refusal(
                    self.oauth_error("invalid_grant", "Code was already redeemed.")
                )
            if form.get("redirect_uri") != facts["redirect_uri"]:
                raise Refusal(self.oauth_error("redirect_uri_mismatch", "Bad Request"))
            digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
            if (
                base64.urlsafe_b64encode(digest).decode().rstrip("=")
                != facts["challenge"]
                or len(form.get("code_verifier", "")) < 43
            ):
                raise Refusal(
                    self.oauth_error("invalid_grant", "Invalid code verifier.")
                )
            facts["used"] = True
        return facts

    def check_client(self, form):
        if (form.get("client_id"), form.get("client_secret")) != (
            self.client_id,
            self.client_secret,
        ):
            raise Refusal(
                Response(
                    401,
                    {"error": "invalid_client", "error_description": "Unauthorized"},
                )
            )

    def oauth_error(self, error, description) -> Response:
        return Response(400, {"error": error, "error_description": description})

    def make_refresh(self, account, scopes, code="") -> str:
        token = "1//refresh-" + secrets.token_urlsafe(24)
        with self._lock:
            self.refresh[token] = {
                "account": account,
                "scopes": list(scopes),
                "code": code,
            }
        return token

    def make_access(self, account, scopes) -> str:
        token = "ya29.access-" + secrets.token_urlsafe(24)
        with self._lock:
            self.access[token] = {
                "account": account,
                "scopes": list(scopes),
                "until": self.clock() + self.token_life,
            }
        return token

    def use_refresh(self, form) -> dict:
        self.check_client(form)
        with self._lock:
            grant = self.refresh.get(form.get("refresh_token", ""))
            if not grant:
                raise Refusal(
                    self.oauth_error(
                        "invalid_grant", "Token has been expired or revoked."
                    )
                )
            self.refreshes += 1
            if self.rotates:
                del self.refresh[form["refresh_token"]]
        return grant

    def revoke_all(self):
        """The person removes the application in their account, or changes their
        password."""
        with self._lock:
            self.refresh.clear()
            self.access.clear()

    def end_access_tokens(self):
        """Access tokens end now, refresh tokens stay valid."""
        with self._lock:
            self.access.clear()

    def who(self, query: Query, *scopes: str) -> dict:
        """The account of a request; Refusal unless its token is valid and covers one of
        ``scopes`` (by their last part)."""
        scheme, _, token = query.headers.get("Authorization", "").partition(" ")
        with self._lock:
            facts = self.access.get(token)
        if scheme != "Bearer" or not facts or facts["until"] < self.clock():
            raise Refusal(self.unauthorized())
        have = {scope.rstrip("/").rpartition("/")[2] for scope in facts["scopes"]}
        if scopes and not have & set(scopes):
            raise Refusal(self.forbidden())
        return facts

    def unauthorized(self) -> Response:
        raise NotImplementedError

    def forbidden(self) -> Response:
        raise NotImplementedError

    # -- mail

    def keep(self, account: str, raw: bytes, **more) -> Received:
        """Take a message over, strictly: CRLF line ends, a sender that is the account,
        at least one recipient."""
        mail = message_from_bytes(raw, policy=policy.default)
        recipients = tuple(
            dict.fromkeys(
                address
                for _name, address in getaddresses(
                    [
                        str(value)
                        for name in ("To", "Cc", "Bcc")
                        for value in mail.get_all(name, [])
                    ]
                )
                if address
            )
        )
        one = Received(recipients, raw, account, more.get("id") or secrets.token_hex(8))
        with self._lock:
            self.received.append(one)
        return one

    # -- requests

    def respond(self, query: Query) -> Response:
        try:
            return self.route(query)
        except Refusal as refusal:
            return refusal.response

    def route(self, query: Query) -> Response:
        raise NotImplementedError


def _abort(line: socket.socket) -> None:
    try:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        line.shutdown(socket.SHUT_RDWR)
        line.close()
    except OSError:
        pass


class Dropped(Exception):
    """Closes the connection without a response."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: FakeService

    def log_message(self, *_args):
        pass

    def setup(self):
        super().setup()
        with self.owner._lock:
            self.owner.connections += 1
            self.owner._sockets.add(self.connection)

    def finish(self):
        with self.owner._lock:
            self.owner._sockets.discard(self.connection)
        try:
            super().finish()
        except OSError:
            pass

    def do_GET(self):
        self._serve()

    do_POST = do_DELETE = do_PATCH = do_GET

    def _serve(self):
        try:
            self._misbehave("connect")
            if self.command == "POST":
                fault = self.owner.take_fault("payload") if self._is_message() else None
                if fault:
                    self.rfile.read(
                        min(20, int(self.headers.get("Content-Length") or 0))
                    )
                    self._go_down(fault)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            parts = urlsplit(self.path)
            params = {
                name: values[0]
                for name, values in parse_qs(
                    parts.query, keep_blank_values=True
                ).items()
            }
            query = Query(
                self.command, parts.path.lstrip("/"), params, self.headers, body
            )
            with self.owner._lock:
                self.owner.requests.append(query)
            self._write(self.owner.respond(query))
        except Dropped:
            self.close_connection = True
            _abort(self.connection)

    def _is_message(self):
        return "/messages" in self.path or "sendMail" in self.path

    def _misbehave(self, stage):
        fault = self.owner.take_fault(stage)
        if isinstance(fault, Response):
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self._write(fault)
            raise Dropped
        if fault:
            self._go_down(fault)

    def _go_down(self, fault):
        if fault == HANG:
            time.sleep(1.5)
        raise Dropped

    def _write(self, response):
        if response in (DROP, HANG, TAKE_AND_DROP):
            self._go_down(response)
        body = response.body
        if isinstance(body, dict):
            body = json.dumps(body)
            response.headers.setdefault(
                "Content-Type", "application/json; charset=utf-8"
            )
        content = body.encode() if isinstance(body, str) else body
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()
