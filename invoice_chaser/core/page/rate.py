"""A limit on how often one caller may ask, kept in the memory of one process."""

from collections import OrderedDict, deque


class RateLimiter:
    """At most ``limit`` calls in any ``window`` seconds per key. The oldest keys are
    forgotten beyond ``size``, so that a flood of made-up keys fills no memory."""

    def __init__(self, limit: int, window: float, size: int = 10_000):
        self.limit, self.window, self.size = limit, window, size
        self._calls: OrderedDict[str, deque[float]] = OrderedDict()

    def allow(self, key: str, now: float) -> bool:
        """Whether a call at ``now`` (seconds of any clock that never goes back) is
        within the limit; a refused one does not count."""
        calls = self._calls.setdefault(key, deque())
        self._calls.move_to_end(key)
        while calls and calls[0] <= now - self.window:
            calls.popleft()
        if len(calls) >= self.limit:
            return False
        calls.append(now)
        while len(self._calls) > self.size:
            self._calls.popitem(last=False)
        return True

    def clear(self) -> None:
        self._calls.clear()
