"""A Microsoft on loopback: directory, consent, rotating tokens, Graph mail. Error
bodies as learn.microsoft.com/graph/errors shows them."""

import base64
import binascii
import json
import re
import time

from .fake_service import (
    DROP,
    HANG,
    TAKE_AND_DROP,
    FakeService,
    Query,
    Refusal,
    Response,
)

LOGIN, GRAPH = "login.microsoftonline.com", "graph.microsoft.com/v1.0/me"
TENANTS = ("common", "organizations", "pop.onmicrosoft.com")
RESERVED = {"openid", "profile", "offline_access", "email"}


def graph_error(
    status: int, code: str, message: str, headers: dict | None = None
) -> Response:
    return Response(
        status,
        {
            "error": {
                "code": code,
                "message": message,
                "innerError": {
                    "date": "2026-11-21T08:00:00",
                    "request-id": "1",
                    "client-request-id": "1",
                },
            }
        },
        dict(headers or {}),
    )


class FakeMicrosoft(FakeService):
    stages = (*FakeService.stages, "draft", "delete")

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.rotates = True
        self.drafts: dict[str, tuple[str, bytes]] = {}
        # A tenant whose transport gives messages another Message-ID.
        self.renames = False

    def route(self, query: Query) -> Response:
        host, _, rest = query.path.partition("/")
        if host == LOGIN:
            tenant, _, what = rest.partition("/")
            return self.login(query, tenant, what)
        if query.path.startswith(GRAPH):
            return self.graph(query, query.path.removeprefix(GRAPH).strip("/"))
        return Response(404, "not here")

    # -- the directory

    def login(self, query: Query, tenant: str, what: str) -> Response:
        if tenant not in TENANTS:
            return Response(
                400,
                {
                    "error": "invalid_tenant",
                    "error_description": f"AADSTS90002: Tenant '{tenant}' not found.",
                },
            )
        root = f"https://{LOGIN}/{tenant}"
        match query.method, what:
            case "GET", "v2.0/.well-known/openid-configuration":
                return Response(
                    200,
                    {
                        "issuer": f"{root}/v2.0",
                        "authorization_endpoint": f"{root}/oauth2/v2.0/authorize",
                        "token_endpoint": f"{root}/oauth2/v2.0/token",
                    },
                )
            case "GET", "oauth2/v2.0/authorize":
                return self.show_consent(query)
            case "POST", "oauth2/v2.0/token":
                return self.take_fault("token") or self.token(query, root)
        return Response(404, {"error": "not_found"})

    def check_authorization(self, path, params):
        super().check_authorization(path, params)
        if "offline_access" not in params["scope"].split() or not params.get("nonce"):
            raise Refusal(
                Response(400, "no refresh token would come of this: scope, nonce")
            )

    def token(self, query: Query, root: str) -> Response:
        form = query.form
        wanted = [
            scope for scope in form.get("scope", "").split() if scope not in RESERVED
        ]
        if form.get("grant_type") == "authorization_code":
            facts = self.redeem(form)
        elif form.get("grant_type") == "refresh_token":
            facts = self.use_refresh(form)
        else:
            return self.oauth_error(
                "unsupported_grant_type", "AADSTS70003: unsupported grant type"
            )
        if len({_resource(scope) for scope in wanted}) > 1:
            return self.oauth_error(
                "invalid_scope", "AADSTS28000: a token is for one resource"
            )
        granted = [
            scope
            for scope in wanted
            if _name(scope) in {_name(one) for one in facts["scopes"]}
        ]
        if not granted:
            return Response(
                400,
                {
                    "error": "invalid_grant",
                    "error_description": "AADSTS65001: The user has not "
                    "consented.\r\nTrace ID: 1",
                    "suberror": "consent_required",
                },
            )
        return Response(
            200,
            {
                "token_type": "Bearer",
                "scope": " ".join([*granted, "openid", "profile"]),
                "expires_in": self.token_life,
                "ext_expires_in": self.token_life,
                "access_token": self.make_access(facts["account"], granted),
                "id_token": self.make_id_token(facts, root),
                "client_info": _encode({"uid": "u-1", "utid": "t-1"}),
                "refresh_token": form["refresh_token"]
                if "refresh_token" in form and not self.rotates
                else self.make_refresh(
                    facts["account"], facts["scopes"], form.get("code", "")
                ),
            },
        )

    def make_id_token(self, facts, root: str) -> str:
        now = int(time.time())
        claims = {
            "iss": f"{root}/v2.0",
            "aud": self.client_id,
            "exp": now + 3600,
            "iat": now,
            "nbf": now - 10,
            "sub": "s-1",
            "oid": "u-1",
            "tid": "t-1",
            "preferred_username": facts["account"],
            "name": "POP Accounts",
            "nonce": facts.get("nonce", ""),
        }
        return f"{_encode({'alg': 'none'})}.{_encode(claims)}.x"

    def check_client(self, form):
        if (form.get("client_id"), form.get("client_secret")) != (
            self.client_id,
            self.client_secret,
        ):
            raise Refusal(
                Response(
                    401,
                    {
                        "error": "invalid_client",
                        "error_description": "AADSTS7000215: Invalid client secret "
                        "provided.\r\nTrace ID: 1",
                    },
                )
            )

    # -- Graph

    def graph(self, query: Query, what: str) -> Response:
        match query.method, what.split("/"):
            case "GET", [""]:
                facts = self.who(query, "User.Read")
                return self.take_fault("who") or Response(
                    200,
                    {
                        "mail": facts["account"],
                        "userPrincipalName": f"upn-{facts['account']}",
                    },
                )
            case "POST", ["sendMail"]:
                return self.send_mail(query)
            case "POST", ["messages"]:
                return self.take_fault("draft") or self.make_draft(query)
            case "POST", ["messages", draft_id, "send"]:
                return self.send_draft(query, draft_id)
            case "DELETE", ["messages", draft_id]:
                return self.take_fault("delete") or self.delete(query, draft_id)
            case "GET", ["messages"]:
                return self.take_fault("search") or self.search(query)
        return graph_error(404, "ResourceNotFound", f"{query.method} {what}")

    def read_mime(self, query: Query) -> bytes:
        if query.headers.get("Content-Type") != "text/plain":
            raise Refusal(
                graph_error(
                    400,
                    "RequestBodyRead",
                    "the body is no JSON, and text/plain was not said",
                )
            )
        try:
            raw = base64.b64decode(query.body, validate=True)
        except binascii.Error:
            raise Refusal(
                graph_error(
                    400,
                    "ErrorMimeContentInvalidBase64String",
                    "Invalid base64 string for MIME content.",
                )
            ) from None
        if re.search(rb"\r(?!\n)|(?<!\r)\n", raw):
            raise Refusal(graph_error(400, "ErrorMimeContentInvalid", "bare line ends"))
        return raw

    def take(self, account: str, raw: bytes, one_id: str = "") -> Response:
        one = self.keep(account, raw, id=one_id)
        if not one.recipients or one.sender != account:
            self.received.remove(one)
            if not one.recipients:
                return graph_error(
                    400, "ErrorInvalidRecipients", "At least one recipient isn't valid."
                )
            return graph_error(
                403,
                "ErrorSendAsDenied",
                "The user account doesn't have the right to send as this.",
            )
        return Response(202, b"")

    def send_mail(self, query: Query) -> Response:
        fault = self.take_fault("message")
        if fault and fault != TAKE_AND_DROP:
            return fault
        facts = self.who(query, "Mail.Send")
        response = self.take(facts["account"], self.read_mime(query))
        return DROP if fault else response

    def make_draft(self, query: Query) -> Response:
        facts = self.who(query, "Mail.ReadWrite")
        raw = self.read_mime(query)
        draft_id = f"AAMk-{len(self.drafts) + len(self.received) + 1}"
        if self.renames:
            raw = re.sub(
                rb"(?im)^Message-ID: .*$",
                f"Message-ID: <renamed.{draft_id}@outlook.example>".encode(),
                raw,
                count=1,
            )
        with self._lock:
            self.drafts[draft_id] = (facts["account"], raw)
        return Response(
            201,
            {
                "id": draft_id,
                "isDraft": True,
                "conversationId": f"conv-{draft_id}",
                "internetMessageId": _get_message_id(raw),
            },
        )

    def send_draft(self, query: Query, draft_id: str) -> Response:
        fault = self.take_fault("message")
        if fault and fault != TAKE_AND_DROP:
            return fault
        facts = self.who(query, "Mail.Send")
        with self._lock:
            account, raw = self.drafts.get(draft_id, ("", b""))
        if account != facts["account"]:
            return graph_error(
                404,
                "ErrorItemNotFound",
                "The specified object was not found in the store.",
            )
        response = self.take(account, raw, draft_id)
        if response.status == 202:
            del self.drafts[draft_id]
        return DROP if fault else response

    def delete(self, query: Query, draft_id: str) -> Response:
        self.who(query, "Mail.ReadWrite")
        return (
            Response(204, b"")
            if self.drafts.pop(draft_id, None)
            else graph_error(404, "ErrorItemNotFound", "not found")
        )

    def search(self, query: Query) -> Response:
        facts = self.who(query, "Mail.Read", "Mail.ReadWrite")
        match = re.fullmatch(
            r"internetMessageId eq '(.*)'", query.params.get("$filter", "")
        )
        if not match:
            return graph_error(400, "BadRequest", "Invalid filter clause")
        wanted = match[1].replace("''", "'")
        sent = [
            {"id": one.id, "isDraft": False}
            for one in self.received
            if one.user == facts["account"] and one.mail["Message-ID"] == wanted
        ]
        drafts = [
            {"id": one, "isDraft": True}
            for one, (account, raw) in self.drafts.items()
            if account == facts["account"] and _get_message_id(raw) == wanted
        ]
        return Response(200, {"value": sent + drafts})

    def unauthorized(self) -> Response:
        return graph_error(
            401,
            "InvalidAuthenticationToken",
            "Access token has expired or is not yet valid.",
        )

    def forbidden(self) -> Response:
        return graph_error(
            403,
            "ErrorAccessDenied",
            "Access is denied. Check credentials and try again.",
        )


def _get_message_id(raw: bytes) -> str:
    return re.search(rb"(?im)^Message-ID:\s*(\S+)", raw)[1].decode()


def _encode(facts: dict) -> str:
    return base64.urlsafe_b64encode(json.dumps(facts).encode()).decode().rstrip("=")


def _name(scope: str) -> str:
    return scope.rpartition("/")[2].lower()


def _resource(scope: str) -> str:
    return scope.rpartition("/")[0] or "https://graph.microsoft.com"


__all__ = ["DROP", "HANG", "TAKE_AND_DROP", "Response", "FakeMicrosoft", "graph_error"]
