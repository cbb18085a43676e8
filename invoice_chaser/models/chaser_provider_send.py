import contextlib
import logging
import time
from datetime import timedelta

import psycopg2.errors
from psycopg2.extras import Json

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL, email_normalize

from ..core.errors import AuthenticationFailed, PolicyRefused, RateLimited, TransportError, Unreachable
from ..core.throttle import NAP, Allowance, retry_delay
from .chaser_provider_locks import _CONNECTION_REST
from .chaser_send_run import SendRun

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
        cr = self.env.cr
        cr.execute("SELECT pg_try_advisory_lock(%s, %s)", (_LOCK_SPACE, self.id))
        alone = cr.fetchone()[0]
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

    # -- batches

    def _get_queue_sql(self):
        return SQL(
            """chaser_reminder r JOIN chaser_campaign c ON c.id = r.campaign_id
                WHERE r.provider_id = %s AND r.state = 'queued' AND c.state = 'sending'""", self.id)

    def _count_due(self):
        if self.hold_until and self.hold_until > fields.Datetime.now() or self.state != "connected":
            return 0
        [(count,)] = self.env.execute_query(SQL(
            "SELECT count(*) FROM %s AND r.scheduled_at <= %s", self._get_queue_sql(), fields.Datetime.now()))
        return count

    def _claim(self, limit, run):
        """Ids of the next reminders, most important first; rows that another process holds are passed over. No more to one recipient
        domain than its limit allows: what waits for such a domain is put off together, so that it stands in nobody's way."""
        chosen, room = [], {}
        while len(chosen) < limit:
            rows = self.env.execute_query(SQL(
                """SELECT r.id, r.recipient_domain FROM %s AND r.scheduled_at <= %s AND r.id <> ALL(%s)
                    ORDER BY r.priority DESC, r.id LIMIT %s FOR NO KEY UPDATE OF r SKIP LOCKED""",
                self._get_queue_sql(), fields.Datetime.now(), chosen, limit - len(chosen)))
            full = set()
            for reminder_id, domain in rows:
                left = room.setdefault(domain, run.throttle.get_domain_room(domain, fields.Datetime.now()))
                if left == 0:
                    full.add(domain)
                    continue
                room[domain] = left and left - 1
                chosen.append(reminder_id)
            for domain in full:
                self._put_off(domain, run.get_domain_hold(domain) or self._in_a_minute(), chosen)
            if not full:
                break
        return chosen

    def _in_a_minute(self):
        return fields.Datetime.add(fields.Datetime.now(), minutes=1, seconds=1)

    def _put_off(self, domain, until, chosen):
        """All that is due to a recipient domain waits until a slot opens, but for the chosen ones."""
        reasons = self._prepare_reason_values("limit_domain", {"detail": domain or "", "until": until.isoformat()})
        self.env.cr.execute(SQL(
            """UPDATE chaser_reminder SET scheduled_at = %s, reason_code = %s, reason_params = %s WHERE id IN (
                   SELECT r.id FROM %s AND r.scheduled_at <= %s AND r.recipient_domain IS NOT DISTINCT FROM %s AND r.id <> ALL(%s)
                      FOR NO KEY UPDATE OF r SKIP LOCKED)""",
            until, reasons["reason_code"], Json(reasons["reason_params"]), self._get_queue_sql(), fields.Datetime.now(), domain, chosen))
        self.env["chaser.reminder"].invalidate_model(["scheduled_at", "reason_code", "reason_params"], flush=False)

    def _send_batches(self):
        if not self._commit_or_none():
            return
        with self._connection_slot() as free:
            if not free:
                self._hold_queue(fields.Datetime.add(fields.Datetime.now(), seconds=_CONNECTION_REST), "limit_connections")
                self._commit()
                return
            transport = self._open_transport()
            if not transport:
                return
            try:
                self._run_batches(SendRun(self, transport))
            finally:
                transport.close()

    def _commit_or_none(self):
        """Whether there is anything to do now; nothing is connected for an empty queue."""
        self._fresh()
        due = self._count_due()
        self.env["ir.cron"]._commit_progress(0, remaining=due)
        return due

    def _run_batches(self, run):
        lag = run.get_lag()
        while True:
            allowed = self._await_slot(run, lag)
            if not allowed.count:
                self._hold_queue(allowed.until, f"limit_{allowed.limit}")
                self._commit()
                return
            ids = self._claim(allowed.count, run)
            deadline = time.monotonic() + self._commit()
            for position, reminder_id in enumerate(ids):
                if position and not self._go_on(run, deadline):
                    break
                self._send_one(reminder_id, run)
                if not position:
                    # Told at once: a job that is killed three times without any progress is put aside by Odoo's scheduler.
                    self._commit(1)
            left, lag = self._commit(max(len(ids) - 1, 0)), run.get_rest()
            if len(ids) < allowed.count or left <= lag or not self._is_open():
                return

    def _await_slot(self, run, lag):
        """What may go now, after ``lag`` seconds of rest and, if need be, a nap until the next slot. A longer wait is told, not waited for."""
        if lag > NAP:
            return Allowance(0, "pace", fields.Datetime.add(fields.Datetime.now(), seconds=int(lag)))
        if lag:
            self._pause(lag)
        allowed = run.get_allowance()
        nap = (allowed.until - fields.Datetime.now()).total_seconds() if not allowed.count else 0
        if 0 < nap <= NAP:
            self._pause(nap)
            allowed = run.get_allowance()
        return allowed

    def _go_on(self, run, deadline):
        """The pause between two messages; whether the next one may follow in this run."""
        if time.monotonic() >= deadline:
            return False
        gap = run.get_gap()
        if gap:
            self._pause(gap)
        return self._is_open()

    def _prepare_run_settings(self):
        """What every message of a run needs of mailbox and company, as plain values: records are read anew after each commit."""
        company = self.company_id
        return {
            "company_id": company.id, "tracking": company.chaser_tracking, "interval": company.chaser_contact_interval,
            "max_attempts": self.max_attempts, "email": email_normalize(self.email),
            "sender_name": self.sender_name or company.name or "", "reply_to": self.reply_to or company.catchall_email or "", "base_url": self.get_base_url(),
            "today": company._get_chaser_today(), "tz": company._get_chaser_tz(), "company": self._get_company_data(company),
        }

    def _pause(self, seconds):
        time.sleep(seconds)

    def _is_open(self):
        """Whether the next message may be tried: nothing that happened, and no person, has closed the mailbox meanwhile."""
        self.env.cr.execute(SQL("SELECT state = 'connected' AND (hold_until IS NULL OR hold_until <= %s) FROM chaser_provider WHERE id = %s",
                                fields.Datetime.now(), self.id))
        return self.env.cr.fetchone()[0]

    def _send_one(self, reminder_id, run):
        """One reminder through the pipeline. Whatever happens to it, the others go on."""
        reminder = self.env["chaser.reminder"].browse(reminder_id)
        try:
            reminder._run_pipeline(run)
            self._commit_now()
        except (psycopg2.errors.SerializationFailure, psycopg2.errors.DeadlockDetected):
            # Somebody changed the invoice or the reminder before the mark. Nothing was sent: the next pass takes it.
            self._fresh()
        except psycopg2.InterfaceError:
            raise
        except Exception as error:
            _logger.exception("Reminder %s could not be processed", reminder_id)
            self._fresh()
            reminder._set_broken(error)
            self._commit_now()

    # -- the mailbox itself

    def _open_transport(self):
        """The connected transport; None after writing down why not and until when nothing is tried."""
        try:
            transport = self._get_transport()
            transport.open()
        except UserError as error:
            self._fresh()
            self._set_state("expired", str(error))
        except TransportError as error:
            self._fresh()
            self._take_error(error)
        else:
            if self.unreachable_count or self.hold_until:
                self.write({"unreachable_count": 0, "hold_until": False, **self._prepare_reason_values(False)})
                self._commit_now()
            return transport
        self._commit()
        return None

    def _take_error(self, error):
        """What an error of the mailbox (not of one message) means for its whole queue. Returns whether it was one."""
        now = fields.Datetime.now()
        if isinstance(error, AuthenticationFailed):
            self._set_state("expired", str(error))
            self._hold_queue(None, "provider_expired", str(error))
        elif isinstance(error, RateLimited):
            self._take_rate_limit(error, now)
        elif isinstance(error, PolicyRefused):
            for campaign in self._get_running_campaigns():
                campaign._set_paused("policy", str(error))
            self.last_error = str(error)
        elif isinstance(error, Unreachable):
            self.unreachable_count += 1
            self._hold_queue(now + min(retry_delay(self.unreachable_count), timedelta(minutes=20)), "unreachable", str(error))
        else:
            return False
        return True

    def _take_rate_limit(self, error, now):
        """The mailbox rests as long as the service told, else longer each time the answer comes again."""
        self.rate_limit_count += 1
        scope = "day" if error.is_told and error.retry_after >= timedelta(hours=24) else error.scope
        code = {"day": "limit_service_day", "connections": "limit_service_connections", "storage": "mailbox_full"}.get(scope, "rate_limited")
        if error.scope == "storage":
            self._tell_manager(self.env._("Mailbox full"), str(error))
        self._hold_queue(now + error.get_rest(self.rate_limit_count), code, str(error))

    def _get_running_campaigns(self):
        waiting = [("provider_id", "=", self.id), ("state", "=", "queued")]
        return self.env["chaser.campaign"].search([("state", "=", "sending"), ("reminder_ids", "any", waiting)])

    def _hold_queue(self, until, code, detail=""):
        """Rest until ``until`` (UTC); every waiting reminder shows why. Nothing fails by a hold."""
        if until:
            until = until.replace(microsecond=0) + timedelta(seconds=1)
        self._set_hold(until, code, detail)
        params = {"until": until.isoformat(), "detail": detail} if until else {"detail": detail}
        waiting = self.env["chaser.reminder"].search([("provider_id", "=", self.id), ("state", "=", "queued"), ("campaign_id.state", "=", "sending")])
        waiting.try_lock_for_update(allow_referencing=True).write(self._prepare_reason_values(code, params))
