"""Outlook and Microsoft 365: by Microsoft Graph with our own MIME, or by SMTP with a
token where a tenant wants that.

Graph keeps nothing of ``sendMail`` that we could name: it replies 202 without an id.
With the right to read and write we make a draft and send that: the reply to the draft
has the id, the conversation and the Message-ID, a line that breaks before the second
request has sent nothing, and what is left undecided can be looked up. With the right to
send alone, ``sendMail`` it is.

Source of the responses: learn.microsoft.com/graph/errors and /graph/throttling; of
XOAUTH2: learn.microsoft.com/exchange/client-developer/
legacy-protocols/how-to-authenticate-an-imap-pop-smtp-application-by-using-oauth.
"""

import base64
import contextlib
import smtplib
import ssl
from collections.abc import Callable
from datetime import timedelta

import requests

from ..api import GetToken, get_json, retry_after
from ..errors import (
    DAY,
    AuthenticationFailed,
    MessageRefused,
    OutcomeUnknown,
    PolicyRefused,
    RateLimited,
    RecipientRefused,
    TransportError,
    Unreachable,
)
from ..message import OutgoingMessage, SendResult
from ..oauth_microsoft import GRAPH
from .api import ApiTransport, classify_common
from .smtp import SessionTransport

SMTP_ADDRESS = ("smtp.office365.com", 587)
_MIME = {"Content-Type": "text/plain"}
# An id that stays the same when the draft moves to Sent Items.
_IMMUTABLE = {"Prefer": 'IdType="ImmutableId"'}
_DAILY = {
    "ErrorExceededMessageLimit",
    "SubmissionQuotaExceeded",
    "ErrorSubmissionQuotaExceeded",
    "ErrorMessagePerDayLimitExceeded",
}
# A person must act at Microsoft: the right is missing, or this account has no mailbox
# in the cloud.
_CLOSED = {
    "ErrorAccessDenied",
    "MailboxNotEnabledForRESTAPI",
    "MailboxNotSupportedForRESTAPI",
    "ErrorMailboxNotFound",
    "InvalidAuthenticationToken",
}
_RECIPIENT = {"ErrorInvalidRecipients", "ErrorInvalidSmtpAddress"}


class OutlookTransport(ApiTransport):
    """``can_read``: drafts may be made and the mailbox searched (Mail.ReadWrite)."""

    def send(self, message: OutgoingMessage) -> SendResult:
        content = base64.b64encode(self._write(message))
        return (
            self._send_draft(message, content)
            if self._can_read
            else self._send_mail(content)
        )

    def _send_mail(self, content: bytes) -> SendResult:
        response = self._call(
            "POST", f"{GRAPH}/me/sendMail", sends=True, data=content, headers=_MIME
        )
        if response.status_code != 202:
            raise OutcomeUnknown(f"{response.status_code} instead of 202")
        return SendResult(response=f"{response.status_code} accepted")

    def _send_draft(self, message: OutgoingMessage, content: bytes) -> SendResult:
        draft = get_json(
            self._call(
                "POST", f"{GRAPH}/me/messages", data=content, headers=_MIME | _IMMUTABLE
            )
        )
        if not draft.get("id"):
            raise Unreachable("the draft was not made")
        given = str(draft.get("internetMessageId") or "")
        renamed = given if given != message.message_id else ""
        try:
            response = self._call(
                "POST",
                f"{GRAPH}/me/messages/{draft['id']}/send",
                sends=True,
                data=b"",
                headers=_IMMUTABLE,
            )
        except OutcomeUnknown as error:
            error.internet_message_id = renamed
            raise
        except TransportError:
            self._drop_draft(draft["id"])
            raise
        if response.status_code != 202:
            raise OutcomeUnknown(f"{response.status_code} instead of 202")
        return SendResult(
            str(draft["id"]),
            f"{response.status_code} accepted",
            thread_id=str(draft.get("conversationId") or ""),
            internet_message_id=renamed,
        )

    def _drop_draft(self, draft_id: str) -> None:
        """A refused message is removed from the person's drafts. If that fails, the
        draft does no harm."""
        with contextlib.suppress(TransportError):
            self._call("DELETE", f"{GRAPH}/me/messages/{draft_id}", headers=_IMMUTABLE)

    def find_sent(self, message_id: str) -> bool | None:
        if not self._can_read:
            return None
        wanted = message_id.replace("'", "''")
        response = self._call(
            "GET",
            f"{GRAPH}/me/messages",
            params={
                "$filter": f"internetMessageId eq '{wanted}'",
                "$select": "id,isDraft",
            },
        )
        found = get_json(response).get("value")
        # If it is still a draft, the second request did not work.
        return (
            any(not one.get("isDraft") for one in found)
            if isinstance(found, list)
            else None
        )

    def _classify(
        self, response: requests.Response, text: str, sends: bool
    ) -> TransportError:
        code = _get_code(response)
        if code in _DAILY or any(word in text for word in _DAILY):
            return RateLimited(text, retry_after(response, text, otherwise=DAY))
        if code == "ErrorQuotaExceeded":
            # The person's own mailbox is full (Sent Items count): nothing leaves until
            # there is room.
            return RateLimited(text, timedelta(hours=1))
        if code in _RECIPIENT:
            return RecipientRefused(text, permanent=True)
        common = classify_common(response, text, sends)
        if common:
            return common
        if code in _CLOSED:
            return AuthenticationFailed(text)
        # ErrorSendAsDenied, ErrorAccountSuspend and the like: the next message would be
        # refused as well.
        return (
            PolicyRefused(text) if response.status_code == 403 else MessageRefused(text)
        )


def _get_code(response: requests.Response) -> str:
    error = get_json(response).get("error")
    return str(error.get("code") or "") if isinstance(error, dict) else ""


class OutlookSmtpTransport(SessionTransport):
    """SMTP AUTH with XOAUTH2. ``address``: another server for tests, without encryption
    where ``encrypted`` is false."""

    def __init__(
        self,
        mailbox: str,
        get_token: GetToken,
        address: tuple[str, int] = SMTP_ADDRESS,
        encrypted: bool = True,
        timeout: float = 30.0,
        get_patience: Callable[[], float] | None = None,
    ):
        super().__init__(self._open_session, mailbox, get_patience)
        # Two underscores: out of reach for server actions and templates.
        self.__get_token = get_token
        self._address, self._encrypted, self._timeout = address, encrypted, timeout

    def _open_session(self) -> smtplib.SMTP:
        session = smtplib.SMTP(*self._address, timeout=self._timeout)
        try:
            if self._encrypted:
                session.starttls(context=ssl.create_default_context())
            session.ehlo_or_helo_if_needed()
            token = self.__get_token("")
            try:
                self._authenticate(session, token)
            except smtplib.SMTPAuthenticationError:
                # The token ended early; after one new token the response is final.
                self._authenticate(session, self.__get_token(token))
        except smtplib.SMTPNotSupportedError as error:
            session.close()
            raise AuthenticationFailed(str(error)) from None
        except BaseException:
            session.close()
            raise
        return session

    def _authenticate(self, session: smtplib.SMTP, token: str) -> None:
        if (
            not session.has_extn("auth")
            or "XOAUTH2" not in session.esmtp_features["auth"].upper().split()
        ):
            raise AuthenticationFailed(
                "The server offers no login with a token (XOAUTH2): SMTP AUTH is "
                "switched off for this mailbox."
            )
        words = f"user={self._user}\1auth=Bearer {token}\1\1"
        # A refusal comes as a challenge, which the client answers with nothing to get
        # the real reply.
        session.auth(
            "XOAUTH2", lambda challenge=None: words if challenge is None else ""
        )
