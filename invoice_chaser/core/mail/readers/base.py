"""The contract of everything that reads a mailbox."""

from abc import abstractmethod
from dataclasses import dataclass
from datetime import date

from ..connection import Connection
from ..errors import TransportError

MAX_HEADER_BYTES = 65_536


class FolderMissing(TransportError):
    """The mailbox has no folder of this name, or we may not read it. ``str()`` is what
    the service said."""


@dataclass(frozen=True)
class Entry:
    """A mail in the mailbox. ``ref`` finds it again as long as the cursor holds;
    ``headers`` is its header block."""

    ref: str
    headers: bytes


@dataclass(frozen=True)
class Page:
    """Mail that has come since a cursor. ``cursor`` stands behind it, plain JSON;
    ``more``: the next page can be read at once."""

    entries: tuple[Entry, ...]
    cursor: dict
    more: bool = False


class Reader(Connection):
    """Looks through one folder of a mailbox and changes nothing in it.

    Raises AuthenticationFailed, RateLimited, Unreachable, and FolderMissing.
    """

    @abstractmethod
    def list_new(self, cursor: dict, since: date, limit: int) -> Page:
        """Mail that came after ``cursor``. With an empty cursor, or one that the
        service no longer knows: mail since the day ``since``, so that a mail may be
        listed again, but none is left out.

        :param limit: at most so many entries
        """

    @abstractmethod
    def fetch(self, ref: str, max_bytes: int) -> bytes | None:
        """The whole mail, cut off at ``max_bytes``, without marking it as read; None
        when it is gone."""


class MarkingReader(Reader):
    """A reader that may mark as well, where a person has asked for it."""

    @abstractmethod
    def mark_seen(self, refs: list[str]) -> None:
        """Mark mails as read."""
