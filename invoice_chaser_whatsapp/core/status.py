"""What became of a message, by rank: a late or repeated report never takes it back.

Source: Meta, "Webhooks, statuses" (sent, delivered, read, failed, played)."""

import enum

# Weakest first.
RANK = ("queued", "sent", "delivered", "read")
# ``played`` is what a voice message says in place of ``read``.
_SAME = {"played": "read"}


class Step(enum.Enum):
    """What a report changes."""

    FORWARD = "forward"  # it is further than before
    BEHIND = "behind"  # known, or less than what is known: nothing changes
    FAILED = "failed"  # it was not delivered
    NOTE = "note"  # "failed" after "delivered": noted, and it stays delivered
    UNKNOWN = "unknown"  # a word of Meta's that we do not know: kept and counted


def normalize(status: str) -> str:
    return _SAME.get(status, status)


def is_known(status: str) -> bool:
    return normalize(status) in (*RANK, "failed")


def strongest(statuses) -> str:
    """The furthest of those that are known; ``queued`` without any."""
    known = [normalize(one) for one in statuses if normalize(one) in RANK]
    return max(known, key=RANK.index, default="queued")


def judge(status: str, known) -> Step:
    """What a report of ``status`` changes.

    :param known: the statuses that were reported of the same message before
    """
    status, known = normalize(status), {normalize(one) for one in known}
    if not is_known(status):
        return Step.UNKNOWN
    if status in known:
        return Step.BEHIND
    furthest = RANK.index(strongest(known))
    if status == "failed":
        return Step.NOTE if furthest >= RANK.index("delivered") else Step.FAILED
    if status == "sent" and "failed" in known:
        return Step.BEHIND  # it had left before it failed; the report comes late
    return Step.FORWARD if RANK.index(status) > furthest else Step.BEHIND
