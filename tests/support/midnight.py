"""A test that reckons from today must not begin on one day and end on the next."""

import time
from datetime import datetime, timedelta, timezone

# UTC, by which Odoo counts, and Dubai, where the companies of the tests are.
ZONES = (timezone.utc, timezone(timedelta(hours=4)))


def seconds_to_midnight(now: datetime) -> int:
    """Until the next day begins in one of the zones."""
    return min(
        86_400 - (at.hour * 3600 + at.minute * 60 + at.second)
        for at in map(now.astimezone, ZONES)
    )


def wait_for_midnight(needed: int) -> None:
    """Wait until a new day has begun, where one begins within so many seconds."""
    left = seconds_to_midnight(datetime.now(timezone.utc))
    if left <= needed:
        time.sleep(left + 1)
