"""How much time one mail may take, so that none keeps a mailbox from being read.

All that is looked at has a bound in bytes, lines, parts and characters (``mime``), and
no pattern needs more than linear time; together that is far below a second. This is
the last line: work stops between two steps once a mail has used up its CPU time.
"""

import contextlib
import contextvars
import time
from collections.abc import Iterator

SECONDS = 1.0
_until: contextvars.ContextVar[float] = contextvars.ContextVar("until", default=0.0)


class TooExpensive(BaseException):
    """The mail has used up its time. No ``Exception``: reading forgives many of
    those."""


@contextlib.contextmanager
def limited(seconds: float = SECONDS) -> Iterator[None]:
    """CPU time of this thread; a limit around it stays in force."""
    until = time.thread_time() + seconds
    token = _until.set(min(until, _until.get() or until))
    try:
        yield
    finally:
        _until.reset(token)


def check() -> None:
    """Between two steps.

    :raises TooExpensive: where the time is used up
    """
    until = _until.get()
    if until and time.thread_time() > until:
        raise TooExpensive
