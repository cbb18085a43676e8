import contextlib

import psycopg2.errors

from odoo import fields
from odoo.tools import SQL

from ...core.pace.throttle import next_month

# First keys of PostgreSQL's advisory locks: "chas", "chac" and "cham" in ASCII; the
# second is an id, or the hash of an account.
_LOCK_SPACE, _CONNECTION_SPACE, _MONTH_SPACE = 0x63686173, 0x63686163, 0x6368616D
_CONNECTION_PATIENCE = 15_000  # milliseconds


class MailboxLocks:
    """The locks of a mailbox's run (``MailboxRun``): over all servers, of the
    connection or of the transaction, and always given back."""

    @contextlib.contextmanager
    def _sender_lock(self):
        """True for the only sender of this mailbox on all servers. Lives as long as the
        connection, over commits; a killed process loses it with its connection."""
        cr, alone = self.env.cr, self.provider._try_lock(_LOCK_SPACE)
        try:
            yield alone
        finally:
            if alone:
                with contextlib.suppress(
                    psycopg2.InterfaceError, psycopg2.OperationalError
                ):
                    cr.rollback()
                    cr.execute(
                        "SELECT pg_advisory_unlock_all()"
                    )  # its own lock, and one that an interrupted message may have left

    @contextlib.contextmanager
    def _connection_slot(self):
        """True while the mailbox holds one of its account's connections, over all
        servers of this database. Waits in line for some seconds, so that every mailbox
        gets its turn; the lock ends with the database connection."""
        most = self.provider.max_connections
        if not most:
            yield True
            return
        cr, key = (
            self.env.cr,
            f"{self.provider._get_connection_account()}#{self.provider.id % most}",
        )
        cr.execute(SQL("SET LOCAL lock_timeout = %s", _CONNECTION_PATIENCE))
        try:
            cr.execute(
                SQL(
                    "SELECT pg_advisory_lock(%s, hashtext(%s))", _CONNECTION_SPACE, key
                ),
                log_exceptions=False,
            )
            mine = True
        except psycopg2.errors.LockNotAvailable:
            mine = False
        self._fresh()
        try:
            yield mine
        finally:
            if mine:
                with contextlib.suppress(
                    psycopg2.InterfaceError, psycopg2.OperationalError
                ):
                    cr.rollback()
                    cr.execute(
                        SQL(
                            "SELECT pg_advisory_unlock(%s, hashtext(%s))",
                            _CONNECTION_SPACE,
                            key,
                        )
                    )

    def reserve_month_slot(self, batches):
        """Whether the company's month has room for one more message; if so, no other
        process of the company counts until our next commit, which records our message.
        If not, the queue waits.

        Two locks on one key: while we hold the connection's lock, whoever had it before
        has committed, so the transaction that begins then sees their message; its own
        lock ends with its commit.
        """
        if not batches.pace.per_month:
            return True
        cr, company_id = self.env.cr, batches.settings["company_id"]
        cr.execute(SQL("SELECT pg_advisory_lock(%s, %s)", _MONTH_SPACE, company_id))
        self._fresh()
        cr.execute(
            SQL(
                "SELECT pg_advisory_xact_lock(%(space)s, %(id)s), "
                "pg_advisory_unlock(%(space)s, %(id)s)",
                space=_MONTH_SPACE,
                id=company_id,
            )
        )
        now = fields.Datetime.now()
        batches.throttle.month = self.provider._make_month_count(now)
        if (
            batches.throttle.month
            and batches.throttle.month.count >= batches.pace.per_month
        ):
            self._fresh()
            self.hold_queue(next_month(now, batches.pace.tz), "limit_month")
            return False
        return True

    def _lock_free(self, records):
        """Those of ``records`` that no other process holds, locked. Like
        ``try_lock_for_update``, but without an error in the log when a row was changed
        since our snapshot: mailboxes that share a campaign meet there, and `_run_stage`
        looks again."""
        if not records:
            return records
        self.env.cr.execute(
            SQL(
                "SELECT id FROM %s WHERE id IN %s FOR NO KEY UPDATE SKIP LOCKED",
                SQL.identifier(records._table),
                tuple(records.ids),
            ),
            log_exceptions=False,
        )
        return records.browse(row[0] for row in self.env.cr.fetchall())
