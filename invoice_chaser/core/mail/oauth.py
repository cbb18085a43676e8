"""The authorization code flow (RFC 6749 §4.1) with PKCE (RFC 7636), the same for every
service.

A service is a small subclass that uses its vendor's library; what is said here holds
for all: which rights a use needs, when a token is refreshed, what a refusal means."""

import json
import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field

import requests

from .errors import AuthenticationFailed, Unreachable
from .http import ServiceSession

# Seconds before its end at which an access token is no longer used: longer than one
# request with its timeout.
MARGIN = 300.0
API = "api"
# Where the service sends the person back to (redirect URI), below Odoo's own address.
CALLBACK = "/chaser/oauth/callback"


class ConsentProblem(Exception):
    """The consent cannot be used; nothing was stored. ``code``: ``denied``, ``refused``
    (with ``detail``, the service's words), ``incomplete`` (rights are missing),
    ``no_refresh`` or ``unreachable``."""

    def __init__(self, code: str, detail: str = ""):
        super().__init__(f"{code} {detail}".strip())
        self.code, self.detail = code, detail


@dataclass(frozen=True)
class App:
    """The registration of this Odoo at the service. ``tenant``: Microsoft's
    directory."""

    client_id: str
    client_secret: str
    tenant: str = "common"

    def __repr__(self) -> str:  # the secret stays out of tracebacks and logs
        return f"App({self.client_id})"


@dataclass
class Grant:
    """What a consent grants. ``tokens``: access tokens by resource, each ``{"value",
    "expires_at"}`` (seconds since 1970). ``refresh``: what a new token is requested
    with, in the service's own form."""

    refresh: str
    scopes: list[str] = field(default_factory=list)
    tokens: dict[str, dict] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Grant({' '.join(self.scopes)})"

    def dump(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def load(cls, text: str) -> "Grant":
        return cls(**json.loads(text))

    @property
    def expires_at(self) -> float:
        """When the API's access token ends (seconds since 1970); 0 without one."""
        return self.tokens.get(API, {}).get("expires_at", 0.0)


@dataclass(frozen=True)
class Begin:
    """The first half of a flow. ``memory`` must come back to `OAuthService.finish` and
    holds the PKCE verifier: a secret."""

    url: str
    memory: dict


class OAuthService(ABC):
    """One service. ``detour`` and ``clock`` are for tests (core.http)."""

    def __init__(
        self,
        app: App,
        detour: str = "",
        timeout: float = 20.0,
        clock: Callable[[], float] = time.time,
    ):
        # Two underscores: out of reach for server actions and templates (Odoo's
        # safe_eval refuses such names).
        self.__app = app
        self._detour, self._timeout, self._clock = detour, timeout, clock

    def _get_app__(self) -> App:
        return self.__app

    @abstractmethod
    def begin(
        self, redirect_uri: str, state: str, scopes: Iterable[str], login_hint: str = ""
    ) -> Begin:
        """Where to send the person. May ask the service; raises ConsentProblem when it
        does not respond."""

    @abstractmethod
    def finish(
        self, memory: dict, params: dict[str, str], scopes: Iterable[str]
    ) -> Grant:
        """The grant for the code in ``params`` (the query of the callback). Raises
        ConsentProblem."""

    @abstractmethod
    def whoami(self, token: str) -> str:
        """The address of the mailbox that an access token of the API belongs to, in
        lower case.

        Raises AuthenticationFailed when the service refuses the token, Unreachable when
        it does not respond."""

    @abstractmethod
    def revoke(self, grant: Grant) -> bool:
        """Give the grant back. False where the service has no way to, or did not
        response. Never raises."""

    @abstractmethod
    def _refresh(self, grant: Grant, resource: str) -> list[str]:
        """Put a new access token for ``resource`` into ``grant``, and a new ``refresh``
        where the service rotates it. Returns the rights that the token has.

        Raises AuthenticationFailed when the grant has ended, Unreachable or RateLimited
        when it may work later."""

    def get_token(
        self, grant: Grant, resource: str = API, rejected: str = ""
    ) -> tuple[str, bool]:
        """A usable access token, and whether the grant was changed for it and must be
        stored before the token is used.

        :param rejected: a token that the service has just refused (401), though it
        should still be valid
        """
        known = grant.tokens.get(resource)
        if (
            known
            and known["value"] != rejected
            and known["expires_at"] - self._clock() > MARGIN
        ):
            return known["value"], False
        self._refresh(grant, resource)
        return grant.tokens[resource]["value"], True

    def _note_token(
        self, grant: Grant, resource: str, value: str, expires_in: float | str | None
    ) -> None:
        grant.tokens[resource] = {
            "value": value,
            "expires_at": self._clock() + float(expires_in or 3600),
        }


def ask_who(detour: str, timeout: float, url: str, token: str, service: str) -> dict:
    """What a service says about the owner of a token. Raises AuthenticationFailed or
    Unreachable."""
    try:
        with ServiceSession(detour, timeout) as session:
            response = session.get(url, headers={"Authorization": f"Bearer {token}"})
        facts = response.json() if response.ok else {}
    except (requests.RequestException, ValueError) as error:
        raise Unreachable(f"{service}: {type(error).__name__}") from None
    if response.status_code in (401, 403):
        raise AuthenticationFailed(f"{service}: {response.status_code}")
    if not response.ok:
        raise Unreachable(f"{service}: {response.status_code}")
    return facts


def missing_scopes(wanted: Iterable[str], granted: Iterable[str]) -> list[str]:
    """Wanted rights that were not granted. Compared by their last part: Microsoft names
    them with and without its host."""
    have = {_short(scope) for scope in granted}
    return [scope for scope in wanted if _short(scope) not in have]


def _short(scope: str) -> str:
    return scope.rstrip("/").rpartition("/")[2].lower()


class _NoDebug(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno > logging.DEBUG


def keep_tokens_out_of_logs(names: Iterable[str]) -> None:
    """These libraries write codes and tokens into their DEBUG log, so that level is
    switched off for them, however Odoo is started."""
    for name in names:
        logger = logging.getLogger(name)
        if not any(isinstance(one, _NoDebug) for one in logger.filters):
            logger.addFilter(_NoDebug())
