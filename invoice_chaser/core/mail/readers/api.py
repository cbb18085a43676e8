"""What readers over an HTTP API share: they only ask, and what a response means."""

import requests

from ..api import GOOGLE_RATE, ApiConnection, GetToken, get_reasons, retry_after
from ..errors import AuthenticationFailed, RateLimited, TransportError, Unreachable
from .base import FolderMissing, Reader


class ApiReader(ApiConnection, Reader):
    """``folder``: as the service names it."""

    def __init__(
        self, folder: str, get_token: GetToken, detour: str = "", timeout: float = 30.0
    ):
        super().__init__(get_token, detour, timeout)
        self._folder = folder

    def _get(self, url: str, **options) -> requests.Response:
        return self._call("GET", url, **options)

    def _classify(
        self, response: requests.Response, text: str, sends: bool
    ) -> TransportError:
        code, reasons = response.status_code, get_reasons(response)
        if (
            code == 429
            or (code == 403 and reasons & {*GOOGLE_RATE, "dailyLimitExceeded"})
            or (code == 503 and response.headers.get("Retry-After"))
        ):
            return RateLimited(text, retry_after(response, text))
        if code in (401, 403):
            return AuthenticationFailed(text)
        return (FolderMissing if code in (400, 404) else Unreachable)(text)


def write_headers(pairs: list[tuple[str, str]]) -> bytes:
    """A header block from names and values."""
    lines = (
        f"{name}: {' '.join(str(value).split())}"
        for name, value in pairs
        if name and ":" not in str(name)
    )
    return "\r\n".join(lines).encode("utf-8", "replace")
