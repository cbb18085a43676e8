"""What each kind of mailbox starts with."""

import pytest
from core.pace.limits import LIMITS, get_limits, get_profile
from core.pace.throttle import Pace


@pytest.mark.parametrize(
    ("kind", "email", "profile"),
    [
        ("smtp", "a@b.example", "smtp"),
        ("odoo", "a@gmail.com", "smtp"),
        ("gmail", "accounts@pop.example", "gmail"),
        ("gmail", None, "gmail"),
        ("gmail", "pop.trading@gmail.com", "gmail_consumer"),
        ("gmail", " POP@GoogleMail.com ", "gmail_consumer"),
        ("gmail", "x@notgmail.com", "gmail"),
        ("outlook", "a@b.example", "outlook"),
        ("whatever", "a@b.example", "smtp"),
        ("", "", "smtp"),
    ],
)
def test_profile(kind, email, profile):
    assert get_profile(kind, email) == profile


def test_below_what_the_services_allow():
    """Google: 500 and 2,000 a day; Microsoft: 30 a minute, 3 connections, 10,000 a day
    (FACTS 1 and 2). Room is left for the person."""
    assert get_limits("gmail_consumer")["daily_quota"] < 500
    assert get_limits("gmail")["daily_quota"] < 2000
    outlook = get_limits("outlook")
    assert (
        outlook["per_minute"] < 30
        and outlook["daily_quota"] < 10_000
        and outlook["max_connections"] < 3
    )
    assert get_limits("smtp")["daily_quota"] == 500


def test_all_are_usable():
    for profile, limits in LIMITS.items():
        assert 0 <= limits.jitter_min <= limits.jitter_max
        pace = Pace(
            limits.batch_size,
            limits.batch_pause,
            limits.per_minute,
            limits.daily_quota,
            jitter=(limits.jitter_min, limits.jitter_max),
        )
        assert 60 / limits.per_minute <= pace.gap() <= 6, profile
        assert set(get_limits(profile)) == set(get_limits("smtp"))
    assert get_limits("unheard of") == get_limits("smtp")
