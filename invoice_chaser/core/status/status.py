"""Engagement status of a reminder, derived by rank from facts; a late event never takes
it back."""

# Weakest first. A reply outranks a bounce of a copy; payment outranks everything.
RANK = (
    "queued",
    "sending",
    "suppressed",
    "failed",
    "sent",
    "delivered",
    "bounced",
    "opened",
    "clicked",
    "replied",
    "paid",
)
# What an event of a person, or of the service, proves.
STATUS_OF_EVENT = {
    "sent": "sent",
    "delivered": "delivered",
    "opened": "opened",
    "clicked": "clicked",
    "replied": "replied",
    "bounced": "bounced",
}
# Opening and clicking count only when a person did it; the others are facts, whoever
# has reported them.
HUMAN_EVENTS = ("opened", "clicked")
STATUS_OF_STATE = {
    "draft": "queued",
    "queued": "queued",
    "sending": "sending",
    "sent": "sent",
    "failed": "failed",
    "skipped": "suppressed",
    "cancelled": "suppressed",
}


def strongest(*statuses: str) -> str:
    """The status with the highest rank. ValueError for an unknown one or none."""
    return max(statuses, key=RANK.index)
