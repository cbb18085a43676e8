"""The hold-out: a random tenth of the reminders that are due waits three days, so that
what reminders cause can be measured by comparing both parts."""

import hmac
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

SHARE = 0.1
WAIT_DAYS = 3
# Which part a reminder belongs to.
NOW, LATER = "now", "later"


@dataclass(frozen=True)
class Holdout:
    """``key``: the company's secret, without which nobody can tell who will wait;
    ``maximum``: a message about more never waits (company currency)."""

    key: str
    maximum: Decimal

    def draw(self, partner_id: int, last_contact: date | None) -> str:
        """Which part the next reminder of a customer belongs to.

        The same for everybody who asks, and on each day until a reminder has left: the
        draw depends on the customer and on the last reminder they got, and on nothing
        that anybody could choose.
        """
        occasion = last_contact.isoformat() if last_contact else ""
        text = f"{partner_id}/{occasion}"
        digest = hmac.digest(self.key.encode(), text.encode(), "sha256")
        is_later = int.from_bytes(digest[:8], "big") < SHARE * 2**64
        return LATER if is_later else NOW


def draw_half(key: str, occasion: str) -> bool:
    """Whether an occasion is in the second half of a draw, by the same keyed hash:
    the same for everybody who asks, and nothing that anybody could choose."""
    digest = hmac.digest(key.encode(), f"half/{occasion}".encode(), "sha256")
    return bool(digest[0] & 1)


def get_end(waits_since: date) -> date:
    """The last day of the wait."""
    return waits_since + timedelta(days=WAIT_DAYS - 1)
