"""What one record of a file would do here, or has done."""

from dataclasses import dataclass, field

from ...core.move_in.convert import Record

NEW, CHANGED, SAME, REFUSED, DOUBTFUL = (
    "new",
    "changed",
    "same",
    "refused",
    "doubtful",
)
ACTIONS = (NEW, CHANGED, SAME, REFUSED, DOUBTFUL)


@dataclass
class Change:
    """``values``: what is written. ``difference``: label → [here, in the file].
    ``reason``: (code, params) where it is refused, doubtful, or worth a remark.
    ``target``: the record here that it concerns. ``candidates``: ids of the customers
    that a doubtful one may be."""

    record: Record
    action: str
    name: str = ""
    values: dict = field(default_factory=dict)
    difference: dict = field(default_factory=dict)
    reason: tuple | None = None
    target: object = None
    partner_id: int = 0
    candidates: list = field(default_factory=list)


def refuse(record: Record, code: str, **params) -> Change:
    return Change(record, REFUSED, reason=(code, params))
