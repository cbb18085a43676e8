"""What every service's adapter does: check that a request is the service's, then read
it."""

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

# Longest body that is taken (bytes): SendGrid sends up to 768 kB at once, SNS 256 kB.
MAX_BODY = 1_048_576
_MARK = re.compile(r"^<chaser\.([0-9a-f]{32})@[^@>]+>$")


class Refused(Exception):
    """The request is not proven to be the service's. Nothing of it may be used."""


class Malformed(Exception):
    """It is the service's, but cannot be read. ``str()`` says what is wrong, in one
    line."""


@dataclass(frozen=True)
class WebhookRequest:
    """``headers`` by lower-case name; ``body`` as it came over the line: signatures are
    over bytes."""

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Report:
    """One fact about one message to one address.

    ``event_id``: the service's own, so that a repetition counts once. ``at``: UTC
    without zone. ``message_ids`` and ``mark``: how the message is found again.
    ``bounce``: ``hard``, ``soft`` or ``policy`` for ``bounced``. ``country`` (ISO
    3166-1, two letters), ``city`` and ``client`` (the mail program) as the service
    tells them of an open or click.
    """

    event_id: str
    event_type: str
    at: datetime
    recipient: str = ""
    message_ids: tuple[str, ...] = ()
    mark: str = ""
    bounce: str = ""
    detail: str = ""
    link: str = ""
    user_agent: str = ""
    ip: str = ""
    machine: bool = False
    country: str = ""
    city: str = ""
    client: str = ""


def country(code: str) -> str:
    """A country's code, or nothing: services write ``Unknown`` as well."""
    return code.upper() if len(code) == 2 and code.isalpha() else ""


def _(sentence: str) -> str:
    """Marks a sentence for translation; it is translated where it is shown."""
    return sentence


class Service(ABC):
    """One mail service."""

    # In the address of the webhook, and what is stored.
    name: str
    # The name on screens.
    label: str
    # What proves that a report is the service's, and where it is found there. Marked
    # with ``_``.
    hint: str

    @abstractmethod
    def verify(
        self,
        request: WebhookRequest,
        secret: str,
        now: datetime,
        fetch: Callable[[str], bytes],
    ) -> str:
        """Raises Refused unless the request is proven to come from the service for the
        owner of ``secret``.

        :param secret: what the manager entered, see the service's module
        :param now: UTC without zone, for replay windows
        :param fetch: gives the bytes behind an address of the service (certificates);
        not called for any other host
        :return: the key under which the request counts once
        """

    @abstractmethod
    def parse(self, body: bytes) -> list[Report]:
        """The reports of a verified body; kinds of events that mean nothing to us are
        left out. Raises Malformed."""

    def get_subscribe_url(self, body: bytes) -> str:
        """The address to open where a verified body asks whether reports shall come
        here; empty for all others."""
        return ""

    def is_own_url(self, url: str) -> bool:
        """Whether an address is the service's own, so that it may be opened."""
        return False

    @abstractmethod
    def get_headers(self, mark: str) -> dict[str, str]:
        """Header fields that make the service repeat ``mark`` in its reports, because
        some replace the Message-ID."""


def make_mark(message_id: str) -> str:
    """The random part of a Message-ID of ours; empty for any other."""
    match = _MARK.fullmatch(message_id or "")
    return match.group(1) if match else ""


def valid_mark(mark: Any) -> str:
    return mark if isinstance(mark, str) and re.fullmatch(r"[0-9a-f]{32}", mark) else ""


def read_json(body: bytes, kind: type) -> Any:
    """The JSON of a body, which must be of this type. Raises Malformed."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        raise Malformed("not JSON") from None
    if not isinstance(data, kind):
        raise Malformed(f"JSON, but no {kind.__name__}")
    return data


def part(data: Any, *path: str) -> dict:
    """A nested object; empty where there is none."""
    for name in path:
        data = data.get(name) if isinstance(data, dict) else None
    return data if isinstance(data, dict) else {}


def text(data: Any, name: str, limit: int = 500) -> str:
    """A member as text without control characters; empty where there is none."""
    value = data.get(name) if isinstance(data, dict) else None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        value = str(value)
    return (
        "".join(char if char.isprintable() else " " for char in value)[:limit].strip()
        if isinstance(value, str)
        else ""
    )


def moment(value: Any) -> datetime:
    """A time as ISO text or seconds since 1970, as UTC without zone and fraction.
    Raises Malformed."""
    try:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            found = datetime.fromtimestamp(value, timezone.utc)
        else:
            found = datetime.fromisoformat(str(value))
        found = (
            found.astimezone(timezone.utc)
            if found.tzinfo
            else found.replace(tzinfo=timezone.utc)
        )
    except (ValueError, OverflowError, OSError):
        raise Malformed("a time that is none") from None
    return found.replace(tzinfo=None, microsecond=0)


def bracket(message_id: str) -> str:
    """A Message-ID in angle brackets; empty for what is none."""
    inner = (message_id or "").strip().strip("<>")
    return f"<{inner}>" if "@" in inner and " " not in inner else ""
