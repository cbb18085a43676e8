"""Microsoft Graph. The right ``Mail.Read`` is enough.

Source: learn.microsoft.com/graph/delta-query-messages, /graph/api/message-delta.
"""

from datetime import date
from urllib.parse import quote

from ..api import get_json
from ..errors import Unreachable
from .api import ApiReader, write_headers
from .base import Entry, Page

BASE = "https://graph.microsoft.com/v1.0"
# Ids that stay the same when a person files a mail away.
_IMMUTABLE = 'IdType="ImmutableId"'


class GraphReader(ApiReader):
    def list_new(self, cursor: dict, since: date, limit: int) -> Page:
        response = None
        headers = {"Prefer": f"{_IMMUTABLE}, odata.maxpagesize={limit}"}
        if cursor.get("link"):
            response = self._get(
                self._check(cursor["link"]), allow=(410,), headers=headers
            )
        if response is None or response.status_code == 410:
            # Nothing kept yet, or the service has forgotten what it gave us
            # (syncStateNotFound).
            response = self._get(
                f"{BASE}/me/mailFolders/{quote(self._folder, safe='')}/messages/delta",
                headers=headers,
                params={
                    "changeType": "created",
                    "$select": "id,receivedDateTime",
                    "$filter": f"receivedDateTime ge {since:%Y-%m-%d}T00:00:00Z",
                },
            )
        facts = get_json(response)
        ids = [
            str(message["id"])
            for message in facts.get("value") or []
            if message.get("id") and "@removed" not in message
        ]
        more = facts.get("@odata.nextLink")
        link = more or facts.get("@odata.deltaLink")
        if not link:
            raise Unreachable("the response leads nowhere")
        return Page(self._read_entries(ids), {"link": self._check(link)}, bool(more))

    @staticmethod
    def _check(link: str) -> str:
        """The token is sent with each request, so a request may go to this service
        only."""
        if not str(link).startswith(f"{BASE}/"):
            raise Unreachable("the response leads to another host")
        return link

    def _read_entries(self, ids: list[str]) -> tuple[Entry, ...]:
        entries = []
        for ref in ids:
            response = self._get(
                f"{BASE}/me/messages/{quote(ref, safe='')}",
                allow=(404,),
                headers={"Prefer": _IMMUTABLE},
                params={
                    "$select": "internetMessageId,internetMessageHeaders,subject,from,"
                    "toRecipients,receivedDateTime"
                },
            )
            if response.status_code != 404:
                entries.append(
                    Entry(ref, write_headers(_get_headers(get_json(response))))
                )
        return tuple(entries)

    def fetch(self, ref: str, max_bytes: int) -> bytes | None:
        response = self._get(
            f"{BASE}/me/messages/{quote(ref, safe='')}/$value",
            allow=(404,),
            headers={"Prefer": _IMMUTABLE},
        )
        return None if response.status_code == 404 else response.content[:max_bytes]


def _get_headers(message: dict) -> list[tuple[str, str]]:
    """The header block; mail from within the same organisation may have none, then what
    the service knows instead."""
    headers = [
        (entry.get("name"), entry.get("value"))
        for entry in message.get("internetMessageHeaders") or []
    ]
    if headers:
        return headers
    people = [message.get("from") or {}, *(message.get("toRecipients") or [])]
    addresses = [
        (person.get("emailAddress") or {}).get("address") or "" for person in people
    ]
    return [
        ("Message-ID", message.get("internetMessageId") or ""),
        ("Subject", message.get("subject") or ""),
        ("From", addresses[0]),
        ("To", ", ".join(addresses[1:])),
        ("Date", message.get("receivedDateTime") or ""),
    ]
