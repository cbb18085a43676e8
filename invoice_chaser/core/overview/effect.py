"""What a share or a difference is worth: intervals that say how sure a figure is."""

from math import sqrt

# 95 % of a normal distribution lie within so many standard deviations.
Z = 1.959963984540054


def wilson(hits: int, total: int) -> tuple[float, float] | None:
    """The 95 % interval of a share, in percent (Wilson 1927): right also for small
    numbers and for shares near 0 and 100. None of nothing."""
    if total <= 0:
        return None
    rate = hits / total
    spread = Z * sqrt(rate * (1 - rate) / total + Z * Z / (4 * total * total))
    middle, scale = rate + Z * Z / (2 * total), 1 + Z * Z / total
    low, high = (middle - spread) / scale, (middle + spread) / scale
    return 100.0 * max(low, 0.0), 100.0 * min(high, 1.0)
