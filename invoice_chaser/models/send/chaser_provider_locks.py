import contextlib
import logging
import threading

import psycopg2

from odoo import fields, models, sql_db
from odoo.tools import SQL

from odoo.addons.base.models.ir_cron import ODOO_NOTIFY_FUNCTION

from ...core.pace.throttle import next_month

_logger = logging.getLogger(__name__)
# First keys of PostgreSQL's advisory locks: "chac" and "cham" in ASCII.
_CONNECTION_SPACE, _MONTH_SPACE = 0x63686163, 0x6368616D
_CONNECTION_PATIENCE = 15_000  # milliseconds
_CONNECTION_REST = 30  # seconds
# Odoo's scheduler looks once a minute by itself; waits up to so many seconds get an alarm of their own.
_ALARM = 600


class ChaserProvider(models.Model):
    """What mailboxes share: connections of one account, the company's monthly limit; and the scheduler's attention."""

    _inherit = "chaser.provider"

    def _try_lock(self, space):
        """Whether this process is now the only one on all servers that works on the mailbox; ``space`` says at what. The lock belongs to the
        connection: it outlives commits and dies with the process."""
        self.ensure_one()
        self.env.cr.execute(SQL("SELECT pg_try_advisory_lock(%s, %s)", space, self.id))
        return self.env.cr.fetchone()[0]

    @contextlib.contextmanager
    def _connection_slot(self):
        """True while the mailbox holds one of its account's connections, over all servers of this database. Waits for one for some
        seconds, in line, so that nobody is passed over for ever; the lock lives and dies with the database connection."""
        if not self.max_connections:
            yield True
            return
        cr, key = self.env.cr, f"{self._get_connection_account()}#{self.id % self.max_connections}"
        cr.execute(SQL("SET LOCAL lock_timeout = %s", _CONNECTION_PATIENCE))
        try:
            cr.execute(SQL("SELECT pg_advisory_lock(%s, hashtext(%s))", _CONNECTION_SPACE, key), log_exceptions=False)
            mine = True
        except psycopg2.errors.LockNotAvailable:
            mine = False
        self._fresh()
        try:
            yield mine
        finally:
            if mine:
                with contextlib.suppress(psycopg2.InterfaceError, psycopg2.OperationalError):
                    cr.rollback()
                    cr.execute(SQL("SELECT pg_advisory_unlock(%s, hashtext(%s))", _CONNECTION_SPACE, key))

    def _take_month_slot(self, run):
        """Whether the company's month has room for one more message; if so, nobody else of the company counts until our next commit,
        which is the one that writes our message down. If not, the queue is held.

        Two locks on one key: while we hold the connection's lock, whoever had it before has committed, so the transaction that begins
        then sees his message; its own lock ends with its commit.
        """
        if not run.pace.per_month:
            return True
        cr, company_id = self.env.cr, run.settings["company_id"]
        cr.execute(SQL("SELECT pg_advisory_lock(%s, %s)", _MONTH_SPACE, company_id))
        self._fresh()
        cr.execute(SQL("SELECT pg_advisory_xact_lock(%(space)s, %(id)s), pg_advisory_unlock(%(space)s, %(id)s)", space=_MONTH_SPACE, id=company_id))
        now = fields.Datetime.now()
        run.throttle.month = self._make_month_count(now)
        if run.throttle.month and run.throttle.month.count >= run.pace.per_month:
            self._fresh()
            self._hold_queue(next_month(now, run.pace.tz), "limit_month")
            return False
        return True

    def _set_alarm(self, until):
        """Wake the scheduler when a wait of some seconds or minutes ends: by itself it looks once a minute, which would halve the pace of
        a slow mailbox. An alarm that is lost (its process ended) costs that minute, and nothing else."""
        seconds = (until - fields.Datetime.now()).total_seconds()
        if 0 < seconds <= _ALARM:
            self.env.cr.postcommit.add(lambda: self._start_alarm(seconds, self.env.cr.dbname))

    def _start_alarm(self, seconds, dbname):
        timer = threading.Timer(seconds, _wake_scheduler, [dbname])
        timer.daemon = True
        timer.start()


def _wake_scheduler(dbname):
    """What ``ir.cron._notifydb`` does, from a thread that has no environment."""
    try:
        with sql_db.db_connect("postgres").cursor() as cr:
            cr.execute(SQL("SELECT %s('cron_trigger', %s)", SQL.identifier(ODOO_NOTIFY_FUNCTION), dbname))
    except (psycopg2.Error, sql_db.PoolError):
        _logger.info("The scheduler could not be woken; it comes by itself within a minute")
