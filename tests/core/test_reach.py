"""By which channel a message goes."""

import pytest
from core.plan.gates import Skip
from core.plan.reach import Reach, choose_route, order_channels

KNOWN = ("email", "sms", "post")
NO, YES = Reach((), Skip("no_email")), Reach(("971501234567",))


@pytest.mark.parametrize(
    ("wish", "chosen", "level", "expected"),
    [
        (None, None, ("email",), ("email",)),
        (None, None, ("sms", "email"), ("sms", "email")),
        ("post", None, ("sms", "email"), ("post", "sms", "email")),
        (None, "email", ("sms", "email"), ("email", "sms")),
        ("sms", "post", ("email",), ("sms", "post", "email")),
        ("gone", None, ("gone", "sms"), ("sms",)),
        (None, None, ("gone",), ("email",)),
    ],
)
def test_wish_then_campaign_then_level(wish, chosen, level, expected):
    assert order_channels(wish, chosen, level, KNOWN) == expected


def test_the_first_that_reaches():
    route = choose_route(("email", "sms"), {"email": NO, "sms": YES})
    assert (route.channel, route.addresses) == ("sms", ("971501234567",))
    assert route.passed == (("email", Skip("no_email")),)
    assert not route.rest and not route.stop


def test_what_comes_after_it_is_kept():
    route = choose_route(("sms", "email"), {"email": NO, "sms": YES})
    assert (route.channel, route.rest) == ("sms", ("email",))


def test_nobody_reaches():
    route = choose_route(("email", "sms"), {"email": NO, "sms": NO})
    assert (route.channel, route.stop) == ("email", Skip("no_email"))
