import logging
import threading

import psycopg2.errors

from odoo import SUPERUSER_ID, api
from odoo.modules import module
from odoo.modules.registry import Registry

_logger = logging.getLogger(__name__)
# Seconds between the first hit that waits and its way into the database: what comes
# meanwhile goes along, and a person still sees it within five.
_DELAY = 1.0


class HitWriter:
    """Stores the opens and clicks that wait in this process's files, in a thread that
    no request waits for. What a killed process leaves, another one's writer or the job
    (``ir_cron_collect_spool``) stores."""

    def __init__(self, delay: float = _DELAY):
        self._delay = delay
        self._lock = threading.Lock()
        self._waking = set()

    def wake(self, dbname: str) -> None:
        """There is something to store; within ``delay`` seconds it is taken up."""
        if module.current_test:
            # Its transaction is nobody else's: a test collects by itself.
            return
        with self._lock:
            if dbname in self._waking:
                return
            self._waking.add(dbname)
        timer = threading.Timer(self._delay, self._write, [dbname])
        timer.daemon = True
        timer.start()

    def _write(self, dbname):
        # Before anything is read, so that a hit that comes meanwhile wakes it again.
        with self._lock:
            self._waking.discard(dbname)
        threading.current_thread().dbname = dbname
        again = True
        try:
            with Registry(dbname).cursor() as cr:
                env = api.Environment(cr, SUPERUSER_ID, {})
                again = not env["chaser.event"]._collect_hits()
        except (psycopg2.errors.SerializationFailure, psycopg2.errors.DeadlockDetected):
            _logger.info("Hits wait a moment longer: their reminder is being changed")
        except Exception as error:
            # The files are still there, and the job comes to them.
            _logger.info("Hits wait for the job: %s", type(error).__name__)
            return
        if again:
            self.wake(dbname)
