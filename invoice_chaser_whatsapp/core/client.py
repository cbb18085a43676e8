"""The WhatsApp Business Cloud API. The only place that talks to graph.facebook.com.

Source: Meta, "WhatsApp Business Platform, Cloud API reference", Graph API v25.0.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import requests

from .errors import NO_CODE, ConnectFailed, GraphError, TooLarge, UnknownOutcome

GRAPH_URL = "https://graph.facebook.com"
VERSION = "v25.0"
# Seconds to connect, and to wait for a response.
_PATIENCE = (10.0, 45.0)
# Where Meta keeps the files of messages.
_FILE_HOSTS = ("lookaside.fbsbx.com", ".fbsbx.com", ".fbcdn.net", ".whatsapp.net")
_CHUNK = 65_536
# Graph repeats a malformed token in its sentence.
_TOKEN = re.compile(r"EA[A-Za-z0-9]{20,}")
_NUMBER_FIELDS = (
    "display_phone_number,verified_name,quality_rating,status,"
    "code_verification_status,platform_type,throughput,name_status,"
    "whatsapp_business_manager_messaging_limit,health_status"
)
_TEMPLATE_FIELDS = (
    "id,name,language,status,category,correct_category,components,rejected_reason,"
    "quality_score,parameter_format"
)


@dataclass(frozen=True)
class Accepted:
    """Meta has taken a message over; whether it is delivered, the webhook tells.

    ``wamid``: the message's key at Meta; ``wa_id``: the person's, where Meta gives it
    (it need not be the number); ``status``: ``accepted``, or
    ``held_for_quality_assessment``."""

    wamid: str
    wa_id: str
    status: str


class Client:
    """One account. ``token``: of the system user; ``phone_id``, ``waba_id`` and
    ``app_id``: what the calls are about, each asked for by those that need it.

    Raises ``GraphError`` when Meta refuses, ``ConnectFailed`` when nothing was handed
    over, ``UnknownOutcome`` when a message may have been."""

    def __init__(
        self,
        token: str,
        version: str = VERSION,
        base_url: str = GRAPH_URL,
        phone_id: str | None = None,
        waba_id: str | None = None,
        app_id: str | None = None,
        timeout: tuple[float, float] | float = _PATIENCE,
    ):
        # Two underscores: out of reach for server actions and templates.
        self.__token = token
        self._base = base_url.rstrip("/")
        self._root = f"{self._base}/{version}"
        self.phone_id, self.waba_id, self.app_id = phone_id, waba_id, app_id
        self._timeout = timeout
        self._session = None

    # -- the connection

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.close()

    def close(self):
        session, self._session = self._session, None
        if session is not None:
            session.close()

    # -- messages

    def send_message(self, payload: dict) -> Accepted:
        """Hand one message over; ``payload`` as ``core.payload`` makes it."""
        answer = self._call(
            "POST", f"{self.phone_id}/messages", json=payload, hands_over=True
        )
        try:
            [message, *_more] = answer["messages"]
            contact = (answer.get("contacts") or [{}])[0]
            return Accepted(
                str(message["id"]),
                str(contact.get("wa_id") or ""),
                str(message.get("message_status") or "accepted"),
            )
        except (KeyError, TypeError, ValueError, AttributeError, IndexError):
            raise UnknownOutcome("a response without the message's key") from None

    def mark_read(self, wamid: str) -> None:
        self._call(
            "POST",
            f"{self.phone_id}/messages",
            json={
                "messaging_product": "whatsapp",
                "status": "read",
                "message_id": wamid,
            },
        )

    # -- files

    def upload_media(
        self, content: bytes, filename: str, mimetype: str = "application/pdf"
    ) -> str:
        """Upload a file for a message; returns its id, which belongs to the number and
        lives 30 days."""
        answer = self._call(
            "POST",
            f"{self.phone_id}/media",
            data={"messaging_product": "whatsapp", "type": mimetype},
            files={"file": (filename, content, mimetype)},
        )
        return self._get_text(answer, "id")

    def get_media(self, media_id: str) -> dict:
        """``url`` (5 minutes, for ``download_media``), ``mime_type``, ``sha256``,
        ``file_size``."""
        return self._call(
            "GET", str(media_id), params={"phone_number_id": self.phone_id}
        )

    def download_media(self, url: str, limit: int) -> bytes:
        """The file behind ``get_media(…)["url"]``.

        :raises TooLarge: when it has more than ``limit`` bytes
        """
        self._check_file_url(url)
        response = self._request("GET", url, False, stream=True)
        with response:
            if response.status_code != 200:
                raise GraphError(131052, f"HTTP {response.status_code}")
            content = b""
            try:
                for chunk in response.iter_content(_CHUNK):
                    content += chunk
                    if len(content) > limit:
                        raise TooLarge(f"more than {limit} bytes")
            except requests.RequestException as error:
                raise ConnectFailed(self._clean(error)) from None
        return content

    def _check_file_url(self, url):
        """The token goes along, so only to hosts of Meta's."""
        parts = urlsplit(url)
        own = urlsplit(self._base)
        if (parts.scheme, parts.netloc) == (own.scheme, own.netloc):
            return
        host = parts.hostname or ""
        if parts.scheme != "https" or not host.endswith(_FILE_HOSTS):
            raise GraphError(131052, "a file outside Meta's hosts")

    # -- the number and its account

    def read_number(self) -> dict:
        return self._call("GET", str(self.phone_id), params={"fields": _NUMBER_FIELDS})

    def read_numbers(self) -> Iterator[dict]:
        """The numbers of the WhatsApp Business account."""
        fields = "id,display_phone_number,verified_name,status"
        return self._page(f"{self.waba_id}/phone_numbers", fields)

    def read_account(self) -> dict:
        """The WhatsApp Business account: name, currency, to whom it belongs."""
        fields = "id,name,currency,owner_business_info,account_review_status"
        return self._call("GET", str(self.waba_id), params={"fields": fields})

    def read_token(self) -> dict:
        """What Meta knows of the token: ``is_valid``, ``expires_at`` (0: never),
        ``scopes``, ``app_id``, ``type``."""
        answer = self._call("GET", "debug_token", params={"input_token": self.__token})
        return answer.get("data") or {}

    def register(self, pin: str) -> None:
        self._call(
            "POST",
            f"{self.phone_id}/register",
            json={"messaging_product": "whatsapp", "pin": pin},
        )

    def subscribe(
        self, callback: str | None = None, verify_token: str | None = None
    ) -> None:
        """Reports of the account come to the app; with ``callback`` those about
        messages come there."""
        body = {}
        if callback:
            body = {"override_callback_uri": callback, "verify_token": verify_token}
        self._call("POST", f"{self.waba_id}/subscribed_apps", json=body)

    def read_subscriptions(self) -> list[dict]:
        return self._call("GET", f"{self.waba_id}/subscribed_apps").get("data") or []

    def unsubscribe(self) -> None:
        self._call("DELETE", f"{self.waba_id}/subscribed_apps")

    # -- templates

    def list_templates(self) -> Iterator[dict]:
        return self._page(f"{self.waba_id}/message_templates", _TEMPLATE_FIELDS)

    def create_template(self, values: dict) -> dict:
        """Returns ``id``, ``status`` and ``category``, which may differ from what was
        asked for."""
        return self._call("POST", f"{self.waba_id}/message_templates", json=values)

    def edit_template(self, template_id: str, values: dict) -> dict:
        return self._call("POST", str(template_id), json=values)

    def delete_template(self, name: str, template_id: str | None = None) -> None:
        params = {"name": name} | ({"hsm_id": template_id} if template_id else {})
        self._call("DELETE", f"{self.waba_id}/message_templates", params=params)

    def unpause_template(self, template_id: str) -> dict:
        return self._call("POST", f"{template_id}/unpause", json={})

    def upload_sample(
        self, content: bytes, filename: str, mimetype: str = "application/pdf"
    ) -> str:
        """Upload the sample file of a template's header; returns its handle."""
        answer = self._call(
            "POST",
            f"{self.app_id}/uploads",
            params={
                "file_name": filename,
                "file_length": len(content),
                "file_type": mimetype,
            },
        )
        answer = self._call(
            "POST",
            self._get_text(answer, "id"),
            data=content,
            headers={"file_offset": "0"},
            scheme="OAuth",
        )
        return self._get_text(answer, "h")

    # -- HTTP

    def _page(self, path, fields):
        """All pages of a list, by cursor; the addresses of next pages that the response
        names hold the token and are not used."""
        params = {"fields": fields, "limit": 100}
        while True:
            answer = self._call("GET", path, params=params)
            yield from answer.get("data") or ()
            paging = answer.get("paging") or {}
            after = (paging.get("cursors") or {}).get("after")
            if not paging.get("next") or not after or after == params.get("after"):
                return
            params = params | {"after": after}

    def _call(self, method, path, hands_over=False, **options):
        """The response of Graph as a dictionary. ``hands_over``: a message goes with
        it, so that a broken line tells nothing."""
        response = self._request(method, f"{self._root}/{path}", hands_over, **options)
        try:
            answer = response.json()
        except (ValueError, requests.RequestException):
            answer = None
        if isinstance(answer, dict) and isinstance(answer.get("error"), dict):
            raise self._make_error(answer["error"], response)
        if response.ok and isinstance(answer, dict):
            return answer
        words = f"HTTP {response.status_code}"
        if hands_over and (response.ok or response.status_code >= 500):
            # A gateway in front of Meta has lost the response.
            raise UnknownOutcome(words)
        if response.ok or response.status_code >= 500:
            raise ConnectFailed(words)
        raise GraphError(_get_code_of_status(response.status_code), words)

    def _request(self, method, url, hands_over, scheme="Bearer", **options):
        # No call of Graph answers with a redirect, and the token would go along.
        options.setdefault("allow_redirects", False)
        if self._session is None:
            self._session = requests.Session()
        try:
            return self._session.request(
                method,
                url,
                auth=_Token(f"{scheme} {self.__token}"),
                timeout=self._timeout,
                **options,
            )
        except requests.exceptions.ConnectTimeout as error:
            raise ConnectFailed(self._clean(error)) from None
        except requests.RequestException as error:
            if hands_over and not _is_before_handover(error):
                raise UnknownOutcome(self._clean(error)) from None
            raise ConnectFailed(self._clean(error)) from None

    def _make_error(self, error, response):
        data = error.get("error_data")
        details = data.get("details") if isinstance(data, dict) else ""
        words = details or error.get("error_user_msg") or error.get("message") or ""
        return GraphError(
            _as_int(error.get("code"), NO_CODE),
            self._clean(words) or f"HTTP {response.status_code}",
            _as_int(error.get("error_subcode")),
            _read_wait(response.headers),
        )

    def _clean(self, words):
        """One line, without the token."""
        text = " ".join(str(words).split()).replace(self.__token, "…")
        return _TOKEN.sub("…", text)[:300]

    def _get_text(self, answer, name):
        value = answer.get(name)
        if not value:
            raise ConnectFailed(f"a response without “{name}”")
        return str(value)


class _Token(requests.auth.AuthBase):
    """As a header alone, a ``.netrc`` of the server would replace it."""

    def __init__(self, value):
        self.__value = value

    def __call__(self, request):
        request.headers["Authorization"] = self.__value
        return request


def _is_before_handover(error):
    """No connection was made at all: urllib3's reason says so."""
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return True
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return type(reason).__name__ in ("NewConnectionError", "NameResolutionError")


def _get_code_of_status(status):
    """For a response that is not Graph's own."""
    return {401: 190, 403: 10, 429: 4}.get(status, 100)


def _as_int(value, default=0):
    try:
        return int(value)
    except (TypeError, ValueError):
        return default


def _read_wait(headers):
    """Seconds to wait, by ``Retry-After``, or by the minutes in the usage header of
    business use cases (Meta, "Rate limits")."""
    told = headers.get("Retry-After", "")
    if told.isdigit():
        return float(told)
    usage = headers.get("X-Business-Use-Case-Usage", "")
    minutes = re.findall(r'"estimated_time_to_regain_access":\s*(\d+)', usage)
    return max((int(value) for value in minutes), default=0) * 60.0
