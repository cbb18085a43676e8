"""Which documents go with a message, within the company's caps."""

from dataclasses import dataclass
from hashlib import sha256

from ...mail.message import Attachment

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass(frozen=True)
class Document:
    """A file for the customer. ``kind``: ``letter``, ``statement`` or ``invoice``;
    ``number``: the invoice's."""

    kind: str
    name: str
    content: bytes
    mimetype: str = "application/pdf"
    number: str = ""

    @property
    def checksum(self) -> str:
        return sha256(self.content).hexdigest()

    def as_attachment(self) -> Attachment:
        return Attachment(self.name, self.content, self.mimetype)

    def as_record(self) -> dict[str, object]:
        """What is kept about it: enough to prove later which file went. ``size`` in
        bytes."""
        return {
            "kind": self.kind,
            "number": self.number,
            "name": self.name,
            "mimetype": self.mimetype,
            "size": len(self.content),
            "sha256": self.checksum,
        }


def choose(
    documents: list[Document], max_count: int, max_bytes: int
) -> tuple[list[Document], list[Document]]:
    """The documents that are attached and those left out, each in the given order. At
    most ``max_count`` (0: no limit) and ``max_bytes`` in all (0: no limit; MIME adds a
    third to it) are attached. A file that is too large is skipped; smaller ones after
    it may still fit."""
    kept: list[Document] = []
    left: list[Document] = []
    size = 0
    for document in documents:
        fits = (not max_count or len(kept) < max_count) and (
            not max_bytes or size + len(document.content) <= max_bytes
        )
        (kept if fits else left).append(document)
        size += len(document.content) if fits else 0
    return kept, left
