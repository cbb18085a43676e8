"""Microsoft's side of the OAuth flow, by msal.

Source: learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow. msal adds
``openid profile offline_access``, checks state, nonce and the ID token, and keeps the
refresh token (which rotates) in a cache that we seal whole.
"""

import re
import warnings
from collections.abc import Iterable

import msal
import requests
from msal.exceptions import MsalError

from .errors import AuthenticationFailed, RateLimited, Unreachable, one_line
from .http import ServiceSession, detoured
from .oauth import (
    API,
    App,
    Begin,
    ConsentProblem,
    Grant,
    OAuthService,
    ask_who,
    keep_tokens_out_of_logs,
    missing_scopes,
)

AUTHORITY = "https://login.microsoftonline.com"
GRAPH = "https://graph.microsoft.com/v1.0"
# Exchange by its older ways in: one resource, and so one token, beside Graph's.
OFFICE = "office"
IDENTITY = ("User.Read",)
SEND, READ, READ_WRITE = "Mail.Send", "Mail.Read", "Mail.ReadWrite"
SMTP_SEND, IMAP_ALL = (
    "https://outlook.office.com/SMTP.Send",
    "https://outlook.office.com/IMAP.AccessAsUser.All",
)
# A directory's id or domain, or one of Microsoft's three words for several directories.
_TENANT = re.compile(r"^[A-Za-z0-9][A-Za-z0-9.-]{0,100}$")

# A form post from another site comes without the person's session (SameSite=Lax); PKCE
# and the session guard the code instead.
warnings.filterwarnings(
    "ignore", message="response_mode='form_post' is recommended", category=UserWarning
)
keep_tokens_out_of_logs(
    (
        "msal.application",
        "msal.token_cache",
        "msal.oauth2cli.oauth2",
        "msal.oauth2cli.oidc",
        "msal.oauth2cli.authcode",
    )
)


def valid_tenant(tenant: str) -> bool:
    """Whether ``tenant`` can stand in the path of Microsoft's login address."""
    return bool(_TENANT.fullmatch(tenant or "")) and ".." not in tenant


class MicrosoftService(OAuthService):
    def __init__(self, app: App, **options):
        if not valid_tenant(app.tenant):
            raise ValueError(f"{app.tenant!r} is no directory id or domain")
        super().__init__(app, **options)

    def begin(
        self, redirect_uri: str, state: str, scopes: Iterable[str], login_hint: str = ""
    ) -> Begin:
        with self._open_session() as session:
            flow = self._ask(
                lambda: self._make_client(session).initiate_auth_code_flow(
                    list(scopes),
                    redirect_uri=redirect_uri,
                    state=state,
                    prompt="select_account",
                    login_hint=login_hint or None,
                )
            )
        return Begin(detoured(flow["auth_uri"], self._detour), flow)

    def finish(
        self, memory: dict, params: dict[str, str], scopes: Iterable[str]
    ) -> Grant:
        if params.get("error"):
            raise ConsentProblem(
                "denied"
                if params["error"] in ("access_denied", "consent_required")
                else "refused",
                params["error"],
            )
        cache = msal.SerializableTokenCache()
        office, graph = _split(scopes)
        with self._open_session() as session:
            response = self._ask(
                lambda: self._make_client(
                    session, cache
                ).acquire_token_by_auth_code_flow(dict(memory), params, scopes=graph)
            )
        if "error" in response:
            raise ConsentProblem("refused", _say(response))
        grant = Grant(cache.serialize(), (response.get("scope") or "").split())
        if missing_scopes(graph, grant.scopes):
            raise ConsentProblem(
                "incomplete", ", ".join(missing_scopes(graph, grant.scopes))
            )
        if not list(cache.search(msal.TokenCache.CredentialType.REFRESH_TOKEN)):
            raise ConsentProblem("no_refresh")
        self._note_token(
            grant, API, response["access_token"], response.get("expires_in")
        )
        if office:
            self._add_office(grant, office)
        return grant

    def _add_office(self, grant: Grant, scopes: list[str]) -> None:
        """One token is for one resource (v2.0 endpoint); the refresh token gives the
        second."""
        grant.scopes += scopes
        try:
            granted = self._refresh(grant, OFFICE)
        except AuthenticationFailed:
            raise ConsentProblem("incomplete", ", ".join(scopes)) from None
        except (RateLimited, Unreachable) as error:
            raise ConsentProblem("unreachable", str(error)) from None
        if missing_scopes(scopes, granted):
            raise ConsentProblem(
                "incomplete", ", ".join(missing_scopes(scopes, granted))
            )

    def whoami(self, token: str) -> str:
        facts = ask_who(
            self._detour,
            self._timeout,
            f"{GRAPH}/me?$select=mail,userPrincipalName",
            token,
            "Microsoft",
        )
        address = facts.get("mail") or facts.get("userPrincipalName")
        if not address:
            raise AuthenticationFailed("Microsoft: no address")
        return address.lower()

    def revoke(self, grant: Grant) -> bool:
        """Microsoft has no address to revoke one application's tokens; the person
        removes it under myapps.microsoft.com."""
        return False

    def _refresh(self, grant: Grant, resource: str) -> list[str]:
        cache = msal.SerializableTokenCache()
        cache.deserialize(grant.refresh)
        office, graph = _split(_askable(grant.scopes))
        scopes = office if resource == OFFICE else graph
        try:
            with self._open_session() as session:
                client = self._make_client(session, cache)
                accounts = client.get_accounts()
                response = (
                    client.acquire_token_silent_with_error(
                        scopes, accounts[0], force_refresh=True
                    )
                    if accounts
                    else None
                )
        except (
            requests.RequestException,
            MsalError,
            ValueError,
            RuntimeError,
            KeyError,
        ) as error:
            raise Unreachable(f"Microsoft: {type(error).__name__}") from None
        if not response or "access_token" not in response:
            raise _judge_refusal(response or {})
        grant.refresh = cache.serialize()
        self._note_token(
            grant, resource, response["access_token"], response.get("expires_in")
        )
        return (response.get("scope") or "").split()

    # -- the library

    def _open_session(self) -> ServiceSession:
        return ServiceSession(self._detour, self._timeout)

    def _make_client(
        self, session: ServiceSession, cache: msal.TokenCache | None = None
    ) -> msal.ConfidentialClientApplication:
        app = self._get_app__()
        return msal.ConfidentialClientApplication(
            app.client_id,
            client_credential=app.client_secret,
            authority=f"{AUTHORITY}/{app.tenant}",
            http_client=session,
            token_cache=cache,
            instance_discovery=False,
        )

    def _ask(self, call):
        try:
            return call()
        except (requests.RequestException, MsalError) as error:
            raise ConsentProblem("unreachable", type(error).__name__) from None
        except (ValueError, RuntimeError) as error:
            # msal raises this for a wrong tenant, state, nonce or ID token; its text
            # may repeat what was sent, so only its class is shown.
            code = "tenant" if "authority configuration" in str(error) else "refused"
            raise ConsentProblem(code, type(error).__name__) from None


def _split(scopes: Iterable[str]) -> tuple[list[str], list[str]]:
    """(rights at Exchange's older ways in, rights at Graph): each resource has a token
    of its own."""
    office = [scope for scope in scopes if scope in (SMTP_SEND, IMAP_ALL)]
    return office, [scope for scope in scopes if scope not in office]


def _askable(scopes: Iterable[str]) -> list[str]:
    """Granted rights that may be asked for again: msal adds the reserved ones itself
    and refuses them from us."""
    return [
        scope
        for scope in scopes
        if scope not in ("openid", "profile", "offline_access", "email")
    ]


def _say(response: dict) -> str:
    # The first line: the others are ids and times for Microsoft's support.
    words = str(response.get("error_description") or "").splitlines()
    return one_line(
        f"{response.get('error', '')}: {words[0] if words else ''}".strip(": ")
    )


def _judge_refusal(response: dict) -> Exception:
    said = f"Microsoft: {_say(response) or 'no token'}"
    if response.get("error") in (
        "temporarily_unavailable",
        "server_error",
        "service_unavailable",
    ):
        return Unreachable(said)
    if response.get("error") in ("slow_down", "throttled"):
        return RateLimited(said)
    return AuthenticationFailed(said)
