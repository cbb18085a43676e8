"""What readers over an HTTP API share: the token, and what an answer means."""

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime

import requests

from ..errors import DAY, AuthenticationFailed, RateLimited, TransportError, Unreachable, one_line
from .base import FolderMissing, Reader

# Given a token that the service has just refused (empty: none was), a usable one.
GetToken = Callable[[str], str]
_RATE = {"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "dailyLimitExceeded", "concurrentLimitExceeded"}


class ApiReader(Reader):
    """``make_session``: gives a ``requests`` session, with the time-out and, in tests, the way to a server on this machine."""

    def __init__(self, folder: str, get_token: GetToken, make_session: Callable[[], requests.Session] = requests.Session, timeout: float = 30.0):
        # Two underscores: out of reach for server actions and templates (Odoo's safe_eval refuses such names).
        self.__get_token = get_token
        self.__token = ""
        self._folder, self._make_session, self._timeout = folder, make_session, timeout
        self._session: requests.Session | None = None

    def open(self) -> None:
        if self._session is None:
            self.__token = self.__get_token("")
            self._session = self._make_session()

    def close(self) -> None:
        session, self._session, self.__token = self._session, None, ""
        if session is not None:
            session.close()

    def _get(self, url: str, allow: tuple[int, ...] = (), **options) -> requests.Response:
        """The answer, below 300 or one of ``allow``. One refused token is replaced once."""
        self.open()
        answer = self._request(url, **options)
        if answer.status_code == 401:
            self.__token = self.__get_token(self.__token)
            answer = self._request(url, **options)
        if answer.status_code >= 300 and answer.status_code not in allow:
            raise classify(answer)
        return answer

    def _request(self, url: str, **options) -> requests.Response:
        headers = {**options.pop("headers", {}), "Authorization": f"Bearer {self.__token}"}
        try:
            return self._session.request("GET", url, headers=headers, timeout=self._timeout, allow_redirects=False, **options)
        except requests.RequestException as error:
            # The error's own words hold the address with its query; its kind says enough.
            raise Unreachable(type(error).__name__) from None


def classify(answer: requests.Response) -> TransportError:
    """The error for an answer of 300 or above."""
    error = get_json(answer).get("error")
    error = error if isinstance(error, dict) else {}
    reasons = {str(entry.get("reason")) for entry in (error.get("errors") or []) if isinstance(entry, dict)}
    text, code = one_line(f"{answer.status_code} {error.get('code') or ''} {error.get('message') or answer.reason or ''}"), answer.status_code
    if code == 429 or (code == 403 and reasons & _RATE) or (code == 503 and answer.headers.get("Retry-After")):
        return RateLimited(text, _retry_after(answer))
    if code in (401, 403):
        return AuthenticationFailed(text)
    if code in (400, 404):
        return FolderMissing(text)
    return Unreachable(text)


def get_json(answer: requests.Response) -> dict:
    """The answer's object; an empty one where there is none."""
    try:
        facts = answer.json()
    except ValueError:
        return {}
    return facts if isinstance(facts, dict) else {}


def _retry_after(answer: requests.Response) -> timedelta:
    """Retry-After in seconds or as a date (RFC 9110 §10.2.3); five minutes without one, a day at most."""
    header = answer.headers.get("Retry-After", "").strip()
    try:
        wait = timedelta(seconds=min(int(header), 86400)) if header.isdigit() else parsedate_to_datetime(header) - datetime.now(timezone.utc)
    except (ValueError, TypeError):
        wait = timedelta(minutes=5)
    return min(max(wait, timedelta(seconds=1)), DAY)


def write_headers(pairs: list[tuple[str, str]]) -> bytes:
    """A header block from names and values."""
    lines = (f"{name}: {' '.join(str(value).split())}" for name, value in pairs if name and ":" not in str(name))
    return "\r\n".join(lines).encode("utf-8", "replace")
