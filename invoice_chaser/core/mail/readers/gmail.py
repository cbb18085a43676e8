"""Gmail API. The right ``gmail.readonly`` is enough.

Source: developers.google.com/gmail/api/guides/sync (history, and the full list where it
is too old).
"""

import base64
import binascii
from datetime import date

from ..api import get_json
from .api import ApiReader, write_headers
from .base import Entry, Page

BASE = "https://gmail.googleapis.com/gmail/v1/users/me"


class GmailReader(ApiReader):
    def list_new(self, cursor: dict, since: date, limit: int) -> Page:
        if cursor.get("history") and "page" not in cursor:
            page = self._list_history(cursor, limit)
            if page:
                return page
            cursor = {}
        return self._list_all(cursor, since, limit)

    def _list_history(self, cursor: dict, limit: int) -> Page | None:
        """What came since; None when the service has forgotten so old a number
        (404)."""
        params = {
            "startHistoryId": cursor["history"],
            "historyTypes": "messageAdded",
            "labelId": self._folder,
            "maxResults": limit,
        }
        if cursor.get("history_page"):
            params["pageToken"] = cursor["history_page"]
        response = self._get(f"{BASE}/history", allow=(404,), params=params)
        if response.status_code == 404:
            return None
        facts = get_json(response)
        added = [
            entry.get("message") or {}
            for row in facts.get("history") or []
            for entry in row.get("messagesAdded") or []
        ]
        ids = list(
            dict.fromkeys(str(message["id"]) for message in added if message.get("id"))
        )
        if facts.get("nextPageToken"):
            return Page(
                self._read_entries(ids),
                {"history": cursor["history"], "history_page": facts["nextPageToken"]},
                True,
            )
        return Page(
            self._read_entries(ids),
            {"history": str(facts.get("historyId") or cursor["history"])},
        )

    def _list_all(self, cursor: dict, since: date, limit: int) -> Page:
        """All since a day, newest first. Where history goes on is asked before the
        first page, so that nothing falls between."""
        history = cursor.get("history") or str(
            get_json(self._get(f"{BASE}/profile")).get("historyId") or ""
        )
        params = {
            "q": f"after:{since:%Y/%m/%d}",
            "labelIds": self._folder,
            "maxResults": limit,
        }
        if cursor.get("page"):
            params["pageToken"] = cursor["page"]
        facts = get_json(self._get(f"{BASE}/messages", params=params))
        entries = self._read_entries(
            [
                str(message["id"])
                for message in facts.get("messages") or []
                if message.get("id")
            ]
        )
        if facts.get("nextPageToken"):
            return Page(
                entries, {"history": history, "page": facts["nextPageToken"]}, True
            )
        return Page(entries, {"history": history})

    def _read_entries(self, ids: list[str]) -> tuple[Entry, ...]:
        entries = []
        for ref in ids:
            response = self._get(
                f"{BASE}/messages/{ref}", allow=(404,), params={"format": "metadata"}
            )
            if response.status_code != 404:
                pairs = (get_json(response).get("payload") or {}).get("headers") or []
                entries.append(
                    Entry(
                        ref,
                        write_headers(
                            [(pair.get("name"), pair.get("value")) for pair in pairs]
                        ),
                    )
                )
        return tuple(entries)

    def fetch(self, ref: str, max_bytes: int) -> bytes | None:
        response = self._get(
            f"{BASE}/messages/{ref}", allow=(404,), params={"format": "raw"}
        )
        if response.status_code == 404:
            return None
        try:
            raw = base64.urlsafe_b64decode(
                str(get_json(response).get("raw") or "") + "==="
            )
        except (binascii.Error, ValueError):
            return None
        return raw[:max_bytes]
