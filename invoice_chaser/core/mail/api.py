"""What connections over an HTTP API share, out and in: the token, waiting times, and
the words of a response."""

import re
from abc import abstractmethod
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime

import requests
import urllib3

from .connection import Connection
from .errors import (
    DAY,
    NoSession,
    OutcomeUnknown,
    TransportError,
    Unreachable,
    one_line,
)
from .http import ServiceSession

# Given a token that the service has just refused (empty: none was), a usable one.
# Raises the errors of ``Connection.open``.
GetToken = Callable[[str], str]
# Google's words for "too much", wherever it says them.
GOOGLE_RATE = frozenset(
    {
        "rateLimitExceeded",
        "userRateLimitExceeded",
        "quotaExceeded",
        "concurrentLimitExceeded",
    }
)
# The server was not reachable, or its name or certificate was wrong: nothing was sent
# yet.
_NOT_CONNECTED = (
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
    urllib3.exceptions.SSLError,
)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")


class ApiConnection(Connection):
    """``detour``: see ``core.http.check_detour``; ``timeout`` in seconds."""

    def __init__(self, get_token: GetToken, detour: str = "", timeout: float = 30.0):
        # Two underscores: out of reach for server actions and templates (Odoo's
        # safe_eval refuses such names).
        self.__get_token = get_token
        self.__token = ""
        self._detour, self._timeout = detour, timeout
        self._session: ServiceSession | None = None

    def open(self) -> None:
        if self._session is None:
            self.__token = self.__get_token("")
            self._session = ServiceSession(self._detour, self._timeout)

    def close(self) -> None:
        session, self._session, self.__token = self._session, None, ""
        if session is not None:
            session.close()

    @abstractmethod
    def _classify(
        self, response: requests.Response, text: str, sends: bool
    ) -> TransportError:
        """The error for a response of 300 or above. ``sends``: the request would have
        sent a message."""

    def _call(
        self,
        method: str,
        url: str,
        sends: bool = False,
        allow: tuple[int, ...] = (),
        **options,
    ) -> requests.Response:
        """The response to a request with our token, below 300 or one of ``allow``. One
        refused token is replaced once: a refusal (401) guarantees that nothing was
        done."""
        self.open()
        response = self._request(method, url, sends, **options)
        if response.status_code == 401:
            self.__token = self.__get_token(self.__token)
            response = self._request(method, url, sends, **options)
        if response.status_code >= 300 and response.status_code not in allow:
            raise self._classify(
                response,
                one_line(f"{response.status_code} {_get_words(response)}"),
                sends,
            )
        return response

    def _request(
        self, method: str, url: str, sends: bool, **options
    ) -> requests.Response:
        headers = {
            **options.pop("headers", {}),
            "Authorization": f"Bearer {self.__token}",
        }
        try:
            return self._session.request(method, url, headers=headers, **options)
        except requests.RequestException as error:
            # The error's own text contains the address with its query, which may be
            # secret; its class says enough.
            if _never_connected(error):
                kind = NoSession
            else:
                kind = OutcomeUnknown if sends else Unreachable
            raise kind(type(error).__name__) from None


def retry_after(
    response: requests.Response,
    text: str = "",
    otherwise: timedelta = timedelta(minutes=5),
) -> timedelta:
    """How long to wait: Retry-After in seconds or as a date (RFC 9110 §10.2.3), or the
    moment in the words, as Gmail has it ("Retry after 2026-11-21T10:00:00.000Z"). One
    second at least, a day at most."""
    wait, header = otherwise, response.headers.get("Retry-After", "").strip()
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


def get_json(response: requests.Response) -> dict:
    """The response's object; an empty one where there is none."""
    try:
        facts = response.json()
    except ValueError:
        return {}
    return facts if isinstance(facts, dict) else {}


def get_reasons(response: requests.Response) -> set[str]:
    """Google's codes for what was wrong
    (developers.google.com/gmail/api/guides/handle-errors)."""
    error = get_json(response).get("error")
    if not isinstance(error, dict):
        return set()
    entries = [*(error.get("errors") or []), *(error.get("details") or [])]
    return {str(entry.get("reason")) for entry in entries if isinstance(entry, dict)}


def _get_words(response: requests.Response) -> str:
    error = get_json(response).get("error")
    if isinstance(error, dict):
        return (
            f"{error.get('code') or ''} {error.get('message') or ''}".strip()
            if isinstance(error.get("code"), str)
            else str(error.get("message") or "")
        )
    return str(error or "") or (
        response.text[:200]
        if not response.headers.get("Content-Type", "").startswith("text/html")
        else response.reason or ""
    )


def _never_connected(error: requests.RequestException) -> bool:
    if isinstance(
        error, (requests.exceptions.ConnectTimeout, requests.exceptions.SSLError)
    ):
        return True
    cause = error.args[0] if error.args else None
    return isinstance(getattr(cause, "reason", cause), _NOT_CONNECTED)
