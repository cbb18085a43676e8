"""Google's side of the OAuth flow, by google-auth-oauthlib.

Source: developers.google.com/identity/protocols/oauth2/web-server.
``access_type=offline`` with ``prompt=consent`` gives a refresh token each time; without
the latter Google gives one at the first consent only.
"""

import contextlib
from collections.abc import Iterable

import requests
from google_auth_oauthlib.flow import Flow
from oauthlib.oauth2 import OAuth2Error
from requests_oauthlib import OAuth2Session

from .errors import (
    AuthenticationFailed,
    RateLimited,
    TransportError,
    Unreachable,
    one_line,
)
from .http import Detouring, ServiceSession, detoured
from .oauth import (
    API,
    Begin,
    ConsentProblem,
    Grant,
    OAuthService,
    ask_who,
    keep_tokens_out_of_logs,
    missing_scopes,
)

AUTH_URI = "https://accounts.google.com/o/oauth2/v2/auth"
TOKEN_URI = "https://oauth2.googleapis.com/token"
REVOKE_URI = "https://oauth2.googleapis.com/revoke"
USERINFO_URI = "https://openidconnect.googleapis.com/v1/userinfo"
IDENTITY = ("openid", "https://www.googleapis.com/auth/userinfo.email")
SEND = "https://www.googleapis.com/auth/gmail.send"
READ = "https://www.googleapis.com/auth/gmail.readonly"
# IMAP knows no narrower right; it covers the API as well
# (developers.google.com/gmail/imap/xoauth2-protocol).
ALL_MAIL = "https://mail.google.com/"

keep_tokens_out_of_logs(
    ("requests_oauthlib.oauth2_session", "requests_oauthlib", "oauthlib")
)


class _Session(Detouring, OAuth2Session):
    """The library's session, with our timeout and detour."""


class GoogleService(OAuthService):
    def begin(
        self, redirect_uri: str, state: str, scopes: Iterable[str], login_hint: str = ""
    ) -> Begin:
        flow = self._make_flow(redirect_uri, scopes, state)
        url, _state = flow.authorization_url(
            prompt="consent", **({"login_hint": login_hint} if login_hint else {})
        )
        return Begin(
            detoured(url, self._detour),
            {"redirect_uri": redirect_uri, "code_verifier": flow.code_verifier},
        )

    def finish(
        self, memory: dict, params: dict[str, str], scopes: Iterable[str]
    ) -> Grant:
        if params.get("error"):
            raise ConsentProblem(
                "denied" if params["error"] == "access_denied" else "refused",
                params["error"],
            )
        flow = self._make_flow(memory["redirect_uri"], scopes)
        flow.code_verifier = memory["code_verifier"]
        response = self._exchange(flow, params.get("code", ""))
        if not response.get("refresh_token"):
            raise ConsentProblem("no_refresh")
        granted = response.get("scope") or []
        grant = Grant(
            response["refresh_token"],
            granted.split() if isinstance(granted, str) else list(granted),
        )
        if missing_scopes(scopes, grant.scopes):
            raise ConsentProblem(
                "incomplete", ", ".join(missing_scopes(scopes, grant.scopes))
            )
        self._note_token(
            grant, API, response["access_token"], response.get("expires_in")
        )
        return grant

    def whoami(self, token: str) -> str:
        facts = ask_who(self._detour, self._timeout, USERINFO_URI, token, "Google")
        if not facts.get("email") or not facts.get("email_verified"):
            raise AuthenticationFailed("Google: no verified address")
        return facts["email"].lower()

    def revoke(self, grant: Grant) -> bool:
        with (
            contextlib.suppress(requests.RequestException),
            ServiceSession(self._detour, self._timeout) as session,
        ):
            return session.post(REVOKE_URI, data={"token": grant.refresh}).ok
        return False

    def _refresh(self, grant: Grant, resource: str) -> list[str]:
        app = self._get_app__()
        session = self._make_session(None)
        try:
            response = session.refresh_token(
                TOKEN_URI,
                refresh_token=grant.refresh,
                client_id=app.client_id,
                client_secret=app.client_secret,
                timeout=self._timeout,
            )
        except OAuth2Error as error:
            raise _judge_refusal(error) from None
        except (requests.RequestException, ValueError) as error:
            raise Unreachable(f"Google: {type(error).__name__}") from None
        finally:
            session.close()
        grant.refresh = response.get("refresh_token") or grant.refresh
        self._note_token(
            grant, resource, response["access_token"], response.get("expires_in")
        )
        granted = response.get("scope") or grant.scopes
        return granted.split() if isinstance(granted, str) else list(granted)

    # -- the library's flow

    def _make_session(self, scopes: Iterable[str] | None, **options: str) -> _Session:
        session = _Session(
            self._get_app__().client_id, scope=scopes and list(scopes), **options
        )
        session.detour, session.timeout = self._detour, self._timeout
        return session

    def _make_flow(
        self, redirect_uri: str, scopes: Iterable[str], state: str = ""
    ) -> Flow:
        app = self._get_app__()
        config = {
            "client_id": app.client_id,
            "client_secret": app.client_secret,
            "auth_uri": AUTH_URI,
            "token_uri": TOKEN_URI,
        }
        session = self._make_session(scopes, **({"state": state} if state else {}))
        return Flow(session, "web", {"web": config}, redirect_uri=redirect_uri)

    def _exchange(self, flow: Flow, code: str) -> dict:
        try:
            return flow.fetch_token(code=code, timeout=self._timeout)
        except Warning as warning:
            # The library's warning for "other rights than requested", which the person
            # may choose; it carries the token.
            return dict(warning.token)
        except OAuth2Error as error:
            raise ConsentProblem("refused", _say(error)) from None
        except (requests.RequestException, ValueError) as error:
            raise ConsentProblem("unreachable", type(error).__name__) from None
        finally:
            flow.oauth2session.close()


def _say(error: OAuth2Error) -> str:
    return one_line(f"{error.error}: {error.description or ''}".strip(": "))


def _judge_refusal(error: OAuth2Error) -> TransportError:
    """RFC 6749 §5.2. Every error but a temporary one needs a person: the grant has
    ended, or the client in the settings was changed."""
    said = f"Google: {_say(error)}"
    if error.error in (
        "temporarily_unavailable",
        "server_error",
        "internal_failure",
        "missing_token",
    ):
        return Unreachable(said)
    if error.error in ("rate_limit_exceeded", "slow_down"):
        return RateLimited(said)
    return AuthenticationFailed(said)
