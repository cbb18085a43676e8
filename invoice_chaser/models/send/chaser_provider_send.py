import contextlib
import logging

import psycopg2.errors

from odoo import fields, models
from odoo.tools import SQL

_logger = logging.getLogger(__name__)
# First key of the advisory lock: "chas" in ASCII; the second is the mailbox's id.
_LOCK_SPACE = 0x63686173
_STAGE_ATTEMPTS = 5


class ChaserProvider(models.Model):
    _inherit = "chaser.provider"

    def _cron_send(self):
        """The one door out: sends what is due from this mailbox, at its pace. Runs as the mailbox's scheduled job."""
        self.ensure_one()
        with self._sender_lock() as alone:
            if not alone or not self._is_at_home():
                return
            for stage in (
                self._recover_interrupted, self._settle_undecided, self._sweep_paid, self._start_due_campaigns, self._hold_closed,
                self._send_batches, self._finish_campaigns,
            ):
                self._run_stage(stage)
        self._run_stage(self._wake_again)
        self._make_way()

    def _make_way(self):
        """Ends the job when its time is over. As long as it reports something left, Odoo calls it ten times in a row, however long that
        takes, and other jobs wait; it has just asked to be woken (``_wake_again``), so nothing is lost."""
        jobs = self.env["ir.cron"]
        if not jobs._commit_progress():
            jobs._commit_progress(remaining=0)

    def _run_stage(self, stage):
        """One stage of a run, again with a fresh look at the data when another process changed a row meanwhile. A stage may be run again
        at any time: what it has done is committed, or undone with the transaction."""
        for attempt in range(1, _STAGE_ATTEMPTS + 1):
            try:
                return stage()
            except (psycopg2.errors.SerializationFailure, psycopg2.errors.DeadlockDetected):
                self._fresh()
                if attempt == _STAGE_ATTEMPTS:
                    raise

    @contextlib.contextmanager
    def _sender_lock(self):
        """True for the only sender of this mailbox on all servers. Lives as long as the connection, over commits; a killed
        process loses it with its connection."""
        cr, alone = self.env.cr, self._try_lock(_LOCK_SPACE)
        try:
            yield alone
        finally:
            if alone:
                with contextlib.suppress(psycopg2.InterfaceError, psycopg2.OperationalError):
                    cr.rollback()
                    cr.execute("SELECT pg_advisory_unlock_all()")  # this one, and what an interrupted message may have left

    def _is_at_home(self):
        """False in a copy of the database that Odoo restored or duplicated: it must not send until a person has tested the mailbox."""
        if self.state == "connected" and self.connected_database != self._get_database_id():
            self._set_state("draft", self.env._("This is a copy of the database in which the mailbox was connected. Test the connection to send from here."))
            self._commit_now()
            return False
        return True

    def _commit(self, processed=0):
        """Make what was done lasting, and tell the scheduler; returns the seconds left in this run."""
        remaining = self._count_due()
        return self.env["ir.cron"]._commit_progress(processed, remaining=remaining)

    def _commit_now(self):
        self.env.cr.commit()  # pylint: disable=invalid-commit  # before and after a message leaves: see docs/architecture.md

    def _fresh(self):
        """A new transaction, so that the next read sees what others have committed."""
        self.env.cr.rollback()
        self.env.invalidate_all(flush=False)

    def _send_one(self, reminder_id, run):
        """One reminder through the pipeline. Whatever happens to it, the others go on."""
        reminder = self.env["chaser.reminder"].browse(reminder_id)
        sender = reminder._get_sender(run.purposes.get(reminder_id))
        try:
            sender._send(reminder, run)
            self._commit_now()
        except (psycopg2.errors.SerializationFailure, psycopg2.errors.DeadlockDetected):
            # Somebody changed the invoice or the reminder before the mark. Nothing was sent: the next pass takes it.
            self._fresh()
        except psycopg2.InterfaceError:
            raise
        except Exception as error:
            _logger.exception("Reminder %s could not be processed", reminder_id)
            self._fresh()
            sender._set_broken(reminder, error)
            self._commit_now()

    # -- before and after the messages

    def _recover_interrupted(self):
        """We are the only sender: whatever is ``sending`` belongs to a process that died in the middle."""
        stuck = self.env["chaser.reminder"].search([("provider_id", "=", self.id), ("state", "=", "sending")])
        for reminder in stuck:
            reminder._set_undecided("undecided")
        self._commit_now()

    def _sweep_paid(self):
        """What the hook on reconciliation had to leave, because we were at it."""
        self.env["chaser.reminder"]._settle_paid(SQL("r.provider_id = %s", self.id))
        self._commit_now()

    def _start_due_campaigns(self):
        due = self.env["chaser.campaign"].search([
            ("state", "=", "scheduled"), ("scheduled_at", "<=", fields.Datetime.now()),
            "|", ("provider_id", "=", self.id), ("reminder_ids", "any", [("provider_id", "=", self.id)])])
        for campaign in self._lock_free(due):
            campaign.write({"state": "sending", "started_at": fields.Datetime.now()})
        self._commit_now()

    def _finish_campaigns(self):
        self._fresh()
        running = self.env["chaser.campaign"].search([
            ("state", "=", "sending"), "|", ("provider_id", "=", self.id), ("reminder_ids.provider_id", "=", self.id),
            ("reminder_ids", "not any", [("state", "in", ("queued", "sending"))])])
        self._lock_free(running)._set_finished()
        self._commit_now()

    def _lock_free(self, records):
        """Those of ``records`` that no other process holds, locked. Like ``try_lock_for_update``, but without an error in the log when a
        row was changed since our snapshot: mailboxes that share a campaign meet there, and `_run_stage` looks again."""
        if not records:
            return records
        self.env.cr.execute(SQL(
            "SELECT id FROM %s WHERE id IN %s FOR NO KEY UPDATE SKIP LOCKED", SQL.identifier(records._table), tuple(records.ids)), log_exceptions=False)
        return records.browse(row[0] for row in self.env.cr.fetchall())

    def _wake_again(self):
        """Ask the scheduler for the next run: at once while there is work, else when the first hold ends."""
        self._fresh()
        if self.state != "connected":
            return
        [(first,)] = self.env.execute_query(SQL("SELECT min(r.scheduled_at) FROM %s", self._get_queue_sql()))
        [(planned,)] = self.env.execute_query(SQL(
            """SELECT min(c.scheduled_at) FROM chaser_campaign c WHERE c.state = 'scheduled'
                  AND EXISTS (SELECT 1 FROM chaser_reminder r WHERE r.campaign_id = c.id AND r.provider_id = %s AND r.state = 'queued')""", self.id))
        moments = [max(moment, self.hold_until or moment) for moment in (first, planned) if moment]
        if moments:
            now = fields.Datetime.now()
            self.sudo().cron_id._trigger(at=None if min(moments) <= now else min(moments))
            self._set_alarm(min(moments))
