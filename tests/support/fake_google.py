"""A Google on loopback: consent, tokens, Gmail API. Error bodies as
developers.google.com/gmail/api/guides/handle-errors shows them."""

import re

from .fake_service import (
    DROP,
    HANG,
    TAKE_AND_DROP,
    FakeService,
    Query,
    Refusal,
    Response,
)

SEND, READ, ALL_MAIL = "gmail.send", "gmail.readonly", "mail.google.com"


def api_error(
    status: int, reason: str, message: str, state: str = "", headers: dict | None = None
) -> Response:
    """The JSON that Google's APIs put into an error."""
    return Response(
        status,
        {
            "error": {
                "code": status,
                "message": message,
                **({"status": state} if state else {}),
                "errors": [{"message": message, "domain": "global", "reason": reason}],
            }
        },
        dict(headers or {}),
    )


class FakeGoogle(FakeService):
    def route(self, query: Query) -> Response:
        match query.method, query.path:
            case "GET", "accounts.google.com/o/oauth2/v2/auth":
                return self.show_consent(query)
            case "POST", "oauth2.googleapis.com/token":
                return self.take_fault("token") or self.token(query)
            case "POST", "oauth2.googleapis.com/revoke":
                return self.revoke(query)
            case "GET", "openidconnect.googleapis.com/v1/userinfo":
                return self.take_fault("who") or self.userinfo(query)
            case "POST", "gmail.googleapis.com/upload/gmail/v1/users/me/messages/send":
                return self.send(query)
            case "GET", "gmail.googleapis.com/gmail/v1/users/me/messages":
                return self.take_fault("search") or self.search(query)
        return api_error(404, "notFound", f"Not Found: {query.method} {query.path}")

    def check_authorization(self, path, params):
        super().check_authorization(path, params)
        if params.get("access_type") != "offline" or params.get("prompt") != "consent":
            raise Refusal(
                Response(
                    400, "no refresh token would come of this: access_type, prompt"
                )
            )

    def token(self, query: Query) -> Response:
        form = query.form
        if form.get("grant_type") == "authorization_code":
            facts = self.redeem(form)
            refresh = {
                "refresh_token": self.make_refresh(
                    facts["account"], facts["scopes"], form["code"]
                )
            }
        elif form.get("grant_type") == "refresh_token":
            facts = self.use_refresh(form)
            refresh = (
                {"refresh_token": self.make_refresh(facts["account"], facts["scopes"])}
                if self.rotates
                else {}
            )
        else:
            return self.oauth_error("unsupported_grant_type", "Invalid grant_type")
        return Response(
            200,
            {
                "access_token": self.make_access(facts["account"], facts["scopes"]),
                "expires_in": self.token_life,
                "token_type": "Bearer",
                "scope": " ".join(facts["scopes"]),
                **refresh,
            },
        )

    def revoke(self, query: Query) -> Response:
        with self._lock:
            grant = self.refresh.pop(query.form.get("token", ""), None)
        return (
            Response(200, {})
            if grant
            else Response(
                400,
                {
                    "error": "invalid_token",
                    "error_description": "Token expired or revoked",
                },
            )
        )

    def userinfo(self, query: Query) -> Response:
        facts = self.who(query, "userinfo.email")
        return Response(
            200, {"sub": "1", "email": facts["account"], "email_verified": True}
        )

    def send(self, query: Query) -> Response:
        fault = self.take_fault("message")
        if fault and fault != TAKE_AND_DROP:
            return fault
        facts = self.who(query, SEND, ALL_MAIL)
        if (
            query.params.get("uploadType") != "media"
            or query.headers.get("Content-Type") != "message/rfc822"
        ):
            return api_error(400, "badRequest", "Media type is not supported")
        if re.search(rb"\r(?!\n)|(?<!\r)\n", query.body):
            return api_error(400, "invalidArgument", "bare line ends")
        one = self.keep(facts["account"], query.body)
        if not one.recipients or one.sender != facts["account"]:
            self.received.remove(one)
            return api_error(
                400,
                "invalidArgument",
                "Recipient address required"
                if not one.recipients
                else "Invalid From header",
            )
        if fault:
            return DROP
        return Response(
            200, {"id": one.id, "threadId": f"t{one.id}", "labelIds": ["SENT"]}
        )

    def search(self, query: Query) -> Response:
        facts = self.who(query, READ, ALL_MAIL)
        wanted = query.params.get("q", "").removeprefix("rfc822msgid:").strip("<>")
        found = [
            one
            for one in self.received
            if one.user == facts["account"]
            and one.mail["Message-ID"].strip("<>") == wanted
        ]
        messages = [{"id": one.id, "threadId": f"t{one.id}"} for one in found]
        return Response(
            200,
            {
                "resultSizeEstimate": len(found),
                **({"messages": messages} if messages else {}),
            },
        )

    def unauthorized(self) -> Response:
        return api_error(
            401,
            "authError",
            "Request had invalid authentication credentials.",
            "UNAUTHENTICATED",
        )

    def forbidden(self) -> Response:
        return api_error(
            403,
            "insufficientPermissions",
            "Request had insufficient authentication scopes.",
            "PERMISSION_DENIED",
        )


__all__ = ["DROP", "HANG", "TAKE_AND_DROP", "Response", "FakeGoogle", "api_error"]
