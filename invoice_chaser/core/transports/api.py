"""What transports over an HTTP API share: the token, the line between "not taken" and "perhaps taken", waiting times."""

import re
from abc import abstractmethod
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime

import requests
import urllib3

from ..errors import DAY, AuthenticationFailed, MessageRefused, OutcomeUnknown, RateLimited, TransportError, Unreachable, one_line
from ..http import ServiceSession
from ..message import OutgoingMessage
from .base import Transport

# Given a token that the service has just refused (empty: none was), a usable one. Raises the errors of ``Transport.open``.
GetToken = Callable[[str], str]
# Nobody listened, or the name or certificate was wrong: nothing was sent yet.
_NOT_CONNECTED = (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError, urllib3.exceptions.SSLError)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")


class ApiTransport(Transport):
    """``mailbox``: the address that everything is sent from. ``can_read``: whether the mailbox may be searched."""

    def __init__(self, mailbox: str, get_token: GetToken, can_read: bool = False, detour: str = "", timeout: float = 30.0):
        # Two underscores: out of reach for server actions and templates (Odoo's safe_eval refuses such names).
        self.__get_token = get_token
        self.__token = ""
        self._mailbox, self._can_read, self._detour, self._timeout = mailbox, can_read, detour, timeout
        self._session: ServiceSession | None = None

    def open(self) -> None:
        if self._session is None:
            self.__token = self.__get_token("")
            self._session = ServiceSession(self._detour, self._timeout)

    def close(self) -> None:
        session, self._session, self.__token = self._session, None, ""
        if session is not None:
            session.close()

    def whoami(self) -> str:
        return self._mailbox

    @abstractmethod
    def _classify(self, answer: requests.Response, text: str, sends: bool) -> TransportError:
        """The error for an answer of 300 or above. ``sends``: the request would have sent a message."""

    def _call(self, method: str, url: str, sends: bool = False, **options) -> requests.Response:
        """A request with our token. One refused token is replaced once: a refusal (401) is a promise that nothing was done."""
        answer = self._request(method, url, sends, **options)
        if answer.status_code == 401:
            self.__token = self.__get_token(self.__token)
            answer = self._request(method, url, sends, **options)
        if answer.status_code >= 300:
            raise self._classify(answer, one_line(f"{answer.status_code} {_get_words(answer)}"), sends)
        return answer

    def _request(self, method: str, url: str, sends: bool, **options) -> requests.Response:
        headers = {**options.pop("headers", {}), "Authorization": f"Bearer {self.__token}"}
        try:
            return self._session.request(method, url, headers=headers, **options)
        except requests.RequestException as error:
            # The error's own words hold the address with its query; its kind says enough.
            said = f"{type(error).__name__}"
            raise (OutcomeUnknown if sends and not _never_connected(error) else Unreachable)(said) from None

    def _write(self, message: OutgoingMessage) -> bytes:
        """The message as bytes with CRLF line ends. Raises MessageRefused."""
        try:
            return message.to_email().as_bytes()
        except (ValueError, UnicodeError) as error:
            raise MessageRefused(one_line(str(error))) from None


def classify_common(answer: requests.Response, text: str, sends: bool) -> TransportError | None:
    """What means the same for every service; None for the rest."""
    code = answer.status_code
    if code == 401:
        return AuthenticationFailed(text)
    if code == 413:
        return MessageRefused(text)
    if code == 429 or (code == 503 and answer.headers.get("Retry-After")):
        return RateLimited(text, retry_after(answer, text))
    if code >= 500 or code < 400:
        # Neither service knows an idempotency key: after a failure of its own it may have queued the message.
        return (OutcomeUnknown if sends and code >= 500 else Unreachable)(text)
    return None


def retry_after(answer: requests.Response, text: str = "", otherwise: timedelta = timedelta(minutes=5)) -> timedelta:
    """How long to wait: Retry-After in seconds or as a date (RFC 9110 §10.2.3), or the moment in the words, as Gmail has it
    ("Retry after 2026-11-21T10:00:00.000Z"). One second at least, a day at most."""
    wait, header = otherwise, answer.headers.get("Retry-After", "").strip()
    now = datetime.now(timezone.utc)
    moment = _MOMENT.search(text)
    try:
        if header.isdigit():
            wait = timedelta(seconds=min(int(header), 86400))
        elif header:
            wait = parsedate_to_datetime(header) - now
        elif moment:
            wait = datetime.fromisoformat(moment.group().replace("Z", "+00:00")) - now
    except (ValueError, TypeError):
        wait = otherwise
    return min(max(wait, timedelta(seconds=1)), DAY)


def get_json(answer: requests.Response) -> dict:
    """The answer's object; an empty one where there is none."""
    try:
        facts = answer.json()
    except ValueError:
        return {}
    return facts if isinstance(facts, dict) else {}


def _get_words(answer: requests.Response) -> str:
    error = get_json(answer).get("error")
    if isinstance(error, dict):
        return f"{error.get('code') or ''} {error.get('message') or ''}".strip() if isinstance(error.get("code"), str) else str(error.get("message") or "")
    return str(error or "") or (answer.text[:200] if not answer.headers.get("Content-Type", "").startswith("text/html") else answer.reason or "")


def _never_connected(error: requests.RequestException) -> bool:
    if isinstance(error, (requests.exceptions.ConnectTimeout, requests.exceptions.SSLError)):
        return True
    cause = error.args[0] if error.args else None
    return isinstance(getattr(cause, "reason", cause), _NOT_CONNECTED)
