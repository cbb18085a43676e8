from core.page.rate import RateLimiter


def test_so_many_in_any_window():
    limiter = RateLimiter(3, 60)
    assert [limiter.allow("a", now) for now in (0, 10, 20, 30, 59)] == [
        True,
        True,
        True,
        False,
        False,
    ]
    assert limiter.allow("a", 60), "the first one is out of the window"
    assert not limiter.allow("a", 61)
    assert limiter.allow("a", 70)


def test_keys_do_not_disturb_each_other():
    limiter = RateLimiter(1, 60)
    assert limiter.allow("a", 0)
    assert limiter.allow("b", 0)
    assert not limiter.allow("a", 1)


def test_refused_ones_do_not_count():
    limiter = RateLimiter(1, 60)
    assert limiter.allow("a", 0)
    assert not any(limiter.allow("a", now) for now in range(1, 60))
    assert limiter.allow("a", 60)


def test_flood_of_keys_fills_no_memory():
    limiter = RateLimiter(5, 60, size=10)
    for number in range(1000):
        assert limiter.allow(f"key {number}", number / 1000)
    assert len(limiter._calls) == 10
    limiter.clear()
    assert not limiter._calls
