"""HTTP sessions to mail services: with a timeout, without redirects, and with a detour
for tests."""

from typing import Any
from urllib.parse import urlsplit

import requests

LOOPBACK = {"127.0.0.1", "localhost", "::1"}


def check_detour(base: str) -> str:
    """``base`` without its last slash, or ValueError: a detour may lead to this machine
    only, so that it cannot send tokens elsewhere, whoever sets it."""
    parts = urlsplit(base)
    if (
        parts.scheme not in ("http", "https")
        or parts.hostname not in LOOPBACK
        or parts.query
        or parts.fragment
    ):
        raise ValueError(
            f"{base}: a detour must be the http address of a server on this machine"
        )
    return base.rstrip("/")


def detoured(url: str, base: str) -> str:
    """Where ``url`` leads with a detour: ``https://host/path`` becomes
    ``base/host/path``; unchanged without one."""
    if not base:
        return url
    parts = urlsplit(url)
    return f"{base}/{parts.netloc}{parts.path}" + (
        f"?{parts.query}" if parts.query else ""
    )


class Detouring:
    """Mixin for a ``requests.Session``. The addresses in our code are always the
    services' own; only the last step differs.

    ``timeout`` in seconds holds for each request that names none. Redirects are not
    followed: no API of ours answers with one, and the token would go along."""

    detour = ""
    timeout = 30.0

    def request(
        self, method: str, url: str, *args: Any, **options: Any
    ) -> requests.Response:
        if options.get("timeout") is None:
            options["timeout"] = self.timeout
        options.setdefault("allow_redirects", False)
        return super().request(method, url, *args, **options)

    def send(
        self, request: requests.PreparedRequest, **options: Any
    ) -> requests.Response:
        request.url = detoured(request.url, self.detour)
        return super().send(request, **options)


class ServiceSession(Detouring, requests.Session):
    """A session for one service. ``detour``: see `check_detour`."""

    def __init__(self, detour: str = "", timeout: float = 30.0):
        super().__init__()
        self.detour, self.timeout = detour, timeout
        # A login from a .netrc file must not replace the token.
        self.auth = _as_it_is


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request
