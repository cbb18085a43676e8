"""Conflicts between transactions that are expected: whoever meets one looks again with
fresh data, so they are no errors."""

import contextlib
import logging
import sys
import threading

import psycopg2.errors

# Another transaction has changed, or holds, a row since ours began. Repeating with
# fresh data is right, whatever it was.
CONFLICTS = (
    psycopg2.errors.SerializationFailure,
    psycopg2.errors.DeadlockDetected,
)
# The disk of the database is full: nothing is wrong with what was to be written.
FULL = (psycopg2.errors.DiskFull,)
_here = threading.local()


class _QuietConflicts(logging.Filter):
    """Odoo's cursor logs each failed statement as an error, whoever catches it."""

    def filter(self, record):
        return not (
            getattr(_here, "depth", 0) and isinstance(sys.exc_info()[1], CONFLICTS)
        )


logging.getLogger("odoo.sql_db").addFilter(_QuietConflicts())


@contextlib.contextmanager
def quiet_conflicts():
    """For work that is repeated after a conflict: conflicts leave no error in the log
    meanwhile, of this thread alone. Everything else does."""
    _here.depth = getattr(_here, "depth", 0) + 1
    try:
        yield
    finally:
        _here.depth -= 1


@contextlib.contextmanager
def advisory_lock(cr, space, key):
    """True for the only process that holds this lock, over all servers. It belongs to
    the connection: it outlives commits, and ends with the process."""
    cr.execute("SELECT pg_try_advisory_lock(%s, %s)", (space, key))
    [alone] = cr.fetchone()
    try:
        yield alone
    except psycopg2.Error:
        with contextlib.suppress(psycopg2.InterfaceError):
            cr.rollback()  # nothing else is possible now, not even to unlock
        raise
    finally:
        if alone:
            with contextlib.suppress(
                psycopg2.InterfaceError, psycopg2.OperationalError
            ):
                cr.execute("SELECT pg_advisory_unlock(%s, %s)", (space, key))
