from datetime import datetime, timezone

import pytest
from support.midnight import seconds_to_midnight


@pytest.mark.parametrize(
    ("moment", "seconds"),
    [
        ("2026-03-01 23:59:50", 10),
        ("2026-03-01 19:59:00", 60),
        ("2026-03-01 20:00:00", 14_400),
        ("2026-02-28 12:00:00", 28_800),
    ],
)
def test_the_nearer_of_both(moment, seconds):
    assert (
        seconds_to_midnight(datetime.fromisoformat(moment).replace(tzinfo=timezone.utc))
        == seconds
    )
