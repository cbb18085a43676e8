import logging
from datetime import timedelta

import psycopg2

from odoo import fields
from odoo.exceptions import UserError
from odoo.tools import SQL

from ...core.mail.errors import (
    AuthenticationFailed,
    NoRoom,
    PolicyRefused,
    RateLimited,
    TransportError,
    Unreachable,
)
from ...core.mail.readers.base import Reader
from ...core.pace.throttle import retry_delay
from ..common.conflicts import CONFLICTS, quiet_conflicts
from .batches import Batches
from .locks import MailboxLocks

_logger = logging.getLogger(__name__)
_CONNECTION_REST = 30  # seconds
_DISK_REST = 300  # seconds
_STAGE_ATTEMPTS = 5
# A mailbox shows sent messages with some delay; before that, "not there" would prove
# nothing.
_RIPE = timedelta(minutes=2)
_STALE = timedelta(days=3)
# At most so many missing notes are made in one run.
_NOTES = 500


class MailboxRun(MailboxLocks):
    """One run of a mailbox's job: the lock that makes it the only sender, its stages in
    their order, what the mail service's responses mean for the whole queue, and when to
    come again.

    A plain object: it is about no row. What belongs to the mailbox stays there
    (``chaser.provider``): its connection, its limits, its clock."""

    def __init__(self, provider):
        self.provider = provider
        self.env = provider.env

    def go(self):
        # A conflict is met by looking again (``_run_stage``).
        with quiet_conflicts():
            self._go()

    def _go(self):
        with self._sender_lock() as alone:
            if not alone or self._disconnect_copy():
                return
            if self._run_stage(self._hold_restored):
                return
            for stage in (
                self._recover_interrupted,
                self._settle_undecided,
                self._note_missing,
                self._sweep_paid,
                self._start_due_campaigns,
                self._hold_closed,
                self._send_batches,
                self._sweep_campaigns,
                self._finish_campaigns,
            ):
                self._run_stage(stage)
        self._run_stage(self._wake_again)
        self._make_way()

    def _run_stage(self, stage):
        """Runs one stage, again with fresh data when another process changed a row
        meanwhile. A stage may be repeated at any time: what it has done is committed,
        or undone with the transaction."""
        for attempt in range(1, _STAGE_ATTEMPTS + 1):
            try:
                return stage()
            except CONFLICTS:
                self._fresh()
                if attempt == _STAGE_ATTEMPTS:
                    raise

    def _commit(self, processed=0):
        """Commits, and tells the scheduler; returns the seconds left in this run."""
        return self.env["ir.cron"]._commit_progress(
            processed, remaining=self.provider._count_due()
        )

    def _commit_now(self):
        self.provider._commit_now()

    def _fresh(self):
        self.provider._fresh()

    # -- before the messages

    def _disconnect_copy(self):
        """In a copy of the database that Odoo restored or duplicated, the mailbox must
        not send until a person has tested it. Returns whether this is such a copy."""
        provider = self.provider
        if (
            provider.state == "connected"
            and provider.connected_database != provider._get_database_id()
        ):
            provider._set_state(
                "draft",
                self.env._(
                    "This is a copy of the database in which the mailbox was "
                    "connected. Test the connection to send from here."
                ),
            )
            self._commit_now()
            return True
        return False

    def _hold_restored(self):
        """Whether the mailbox waits for a manager because the database is older than
        what was sent from it."""
        watermark, provider = self.env["chaser.watermark"], self.provider
        watermark._ensure(provider)
        if not provider.restored_at:
            watermark._check()
        self._commit_now()
        return bool(provider.restored_at)

    def _recover_interrupted(self):
        """This process is the only sender, so whatever is ``sending`` belongs to a
        process that died."""
        stuck = self.env["chaser.reminder"].search(
            [("provider_id", "=", self.provider.id), ("state", "=", "sending")]
        )
        for reminder in stuck:
            reminder._set_undecided("undecided")
        self._commit_now()

    def _settle_undecided(self):
        """Asks the mailbox for each Message-ID whose outcome is unknown. If it is
        found, the message was sent; else a user is told what the mailbox said, and only
        a user sends it again."""
        now, provider = fields.Datetime.now(), self.provider
        waiting = self.env["chaser.reminder"].search(
            [
                ("provider_id", "=", provider.id),
                ("is_undecided", "=", True),
                ("reason_code", "in", ("undecided", "line_broke")),
                ("attempted_at", ">", now - _STALE),
            ]
        )
        if (
            not waiting
            or provider.state != "connected"
            or (provider.hold_until and provider.hold_until > now)
        ):
            return
        box = None
        try:
            box = provider._get_sent_box__()
            ripe = waiting.filtered(
                lambda reminder: reminder.attempted_at <= now - _RIPE
            )
            if box and waiting - ripe:
                provider.sudo().cron_id._trigger(at=now + _RIPE + timedelta(seconds=5))
            if box and ripe:
                self._ask_sent_box(box, ripe)
        except (TransportError, UserError) as error:
            # The next run asks again.
            self._fresh()
            self._handle_box_error(box, error)
        self._commit_now()

    def _ask_sent_box(self, box, reminders):
        with box:
            for reminder in reminders:
                reminder._settle_by_mailbox(
                    box.find_sent(reminder.internet_message_id or reminder.message_id)
                )
                self._commit_now()

    def _handle_box_error(self, box, error):
        """A problem with reading does not stop sending; a problem with the transport
        has the same effect as for a message."""
        if isinstance(box, Reader) or isinstance(error, UserError):
            self.provider._set_read_error(error)
        else:
            self.handle_error(error)

    def _note_missing(self):
        """Makes the notes that are missing for messages of the last day, because a
        process died in between or the note could not be written."""
        since = fields.Datetime.subtract(fields.Datetime.now(), days=1)
        rows = self.env.execute_query(
            SQL(
                """SELECT r.id FROM chaser_reminder r
                WHERE r.provider_id = %s AND r.state = 'sent' AND r.attempted_at > %s
                AND r.message_id IS NOT NULL AND NOT EXISTS (
                      SELECT 1 FROM mail_message m WHERE m.message_id = r.message_id
                      AND m.model = 'res.partner' AND m.res_id = r.partner_id)
                ORDER BY r.id LIMIT %s""",
                self.provider.id,
                since,
                _NOTES,
            )
        )
        reminders = self.env["chaser.reminder"].browse(row[0] for row in rows)
        self.write_notes(
            [
                reminder._get_sender()._make_late_note(
                    reminder, reminder.campaign_id.user_id, with_activity=True
                )
                for reminder in reminders
            ]
        )

    def write_notes(self, notes):
        """Notes on customers and invoices, all at once; where that fails, each by
        itself. What is missing then is found by the next run: that a message is out
        does not depend on it."""
        if not notes:
            return
        try:
            self.env["chaser.sender"]._write_notes(notes)
            self._commit_now()
        except psycopg2.InterfaceError:
            raise
        except Exception:
            self._fresh()
            if len(notes) == 1:
                _logger.exception(
                    "The notes of reminder %s could not be written",
                    notes[0].reminder_id,
                )
                return
            for note in notes:
                self.write_notes([note])

    def _sweep_paid(self):
        """Handles paid reminders that the hook on reconciliation had to skip because
        this process had locked them."""
        self.env["chaser.reminder"]._settle_paid(
            SQL("r.provider_id = %s", self.provider.id)
        )
        self._commit_now()

    def _start_due_campaigns(self):
        due = self.env["chaser.campaign"].search(
            [
                ("state", "=", "scheduled"),
                ("scheduled_at", "<=", fields.Datetime.now()),
                "|",
                ("provider_id", "=", self.provider.id),
                ("reminder_ids", "any", [("provider_id", "=", self.provider.id)]),
            ]
        )
        for campaign in self._lock_free(due):
            campaign.write({"state": "sending", "started_at": fields.Datetime.now()})
        self._commit_now()

    def _hold_closed(self):
        """Due messages outside their customer's window, or without recent bank data,
        get a new time and the reason, all at once, because the pace is for messages
        that leave."""
        self._fresh()
        self.env["chaser.waiting"]._review(self.provider)
        self._hold_outside_windows()
        self._hold_without_bank_data()
        self._commit_now()

    def _get_companies(self):
        """The mailbox's company, and the branches that it may write for."""
        return self.provider.company_id._get_chaser_served()

    def _lock_due(self, company, purposes=None):
        """What of a company is due now, as reminder id → customer id, locked."""
        self.env.cr.execute(
            SQL(
                """SELECT r.id, r.partner_id FROM %s AND r.scheduled_at <= %s
                AND r.company_id = %s
                AND (%s::text[] IS NULL OR r.purpose = ANY(%s::text[]))
                FOR NO KEY UPDATE OF r SKIP LOCKED""",
                self.provider._get_queue_sql(),
                fields.Datetime.now(),
                company.id,
                purposes,
                purposes,
            ),
            log_exceptions=False,
        )
        return dict(self.env.cr.fetchall())

    def _hold_outside_windows(self):
        now = fields.Datetime.now()
        for company in self._get_companies():
            book = company._get_window_book()
            if not book:
                continue
            due, holds = self._lock_due(company), {}
            places = company._read_chaser_places(set(due.values()))
            for reminder_id, partner_id in due.items():
                holds.setdefault(book.get(places[partner_id]), []).append(reminder_id)
            for window, reminder_ids in holds.items():
                if hold := self.env["chaser.window"]._get_hold(window, now):
                    self.env["chaser.reminder"].browse(reminder_ids)._stop(hold)

    def _hold_without_bank_data(self):
        """Without recent bank data no reminder leaves; all due ones get a new time at
        once."""
        for company in self._get_companies():
            if hold := self.env["chaser.bank.data"]._get_hold(company):
                due = self._lock_due(company, ["reminder"])
                self.env["chaser.reminder"].browse(due)._stop(hold)

    # -- the messages

    def _send_batches(self):
        if not self._commit_or_none():
            return
        with self._connection_slot() as free:
            if not free:
                self.hold_queue(
                    fields.Datetime.add(
                        fields.Datetime.now(), seconds=_CONNECTION_REST
                    ),
                    "limit_connections",
                )
                self._commit()
                return
            transport = self._open_transport()
            if not transport:
                return
            try:
                Batches(self, transport).go()
            finally:
                transport.close()

    def _commit_or_none(self):
        """Whether anything is due now; for an empty queue no connection is made."""
        self._fresh()
        due = self.provider._count_due()
        self.env["ir.cron"]._commit_progress(0, remaining=due)
        return due

    def _open_transport(self):
        """The connected transport; None when that fails, after recording why, and until
        when nothing is tried."""
        provider = self.provider
        try:
            transport = provider._get_transport__()
            transport.open()
        except UserError as error:
            self._fresh()
            provider._set_state("expired", str(error))
        except TransportError as error:
            self._fresh()
            self.handle_error(error)
        else:
            if provider.unreachable_count or provider.hold_until:
                provider.write(
                    {
                        "unreachable_count": 0,
                        "hold_until": False,
                        **provider._prepare_reason_values(False),
                    }
                )
                self._commit_now()
            return transport
        self._commit()
        return None

    # -- what the mail service's responses mean for the mailbox and its whole queue

    def handle_error(self, error):
        """What an error of the mailbox (not of one message) means for its whole queue.
        Returns whether it was one."""
        now, provider = fields.Datetime.now(), self.provider
        if isinstance(error, AuthenticationFailed):
            provider._set_state("expired", str(error))
            self.hold_queue(None, "provider_expired", str(error))
        elif isinstance(error, RateLimited):
            self._handle_rate_limit(error, now)
        elif isinstance(error, PolicyRefused):
            for campaign in self._get_running_campaigns():
                campaign._set_paused("policy", str(error))
            provider.last_error = str(error)
        elif isinstance(error, NoRoom):
            self.hold_for_disk(error)
        elif isinstance(error, Unreachable):
            provider.unreachable_count += 1
            self.hold_queue(
                now
                + min(retry_delay(provider.unreachable_count), timedelta(minutes=20)),
                "unreachable",
                str(error),
            )
        else:
            return False
        return True

    def _handle_rate_limit(self, error, now):
        """The mailbox rests as long as the service says, else longer each time the
        response is repeated."""
        provider = self.provider
        provider.rate_limit_count += 1
        scope = (
            "day"
            if error.is_told and error.retry_after >= timedelta(hours=24)
            else error.scope
        )
        code = {
            "day": "limit_service_day",
            "connections": "limit_service_connections",
            "storage": "mailbox_full",
        }.get(scope, "rate_limited")
        if error.scope == "storage":
            provider._tell_manager(lambda one: one.env._("Mailbox full"), str(error))
        self.hold_queue(
            now + error.get_rest(provider.rate_limit_count), code, str(error)
        )

    def hold_for_disk(self, error):
        """A disk that takes nothing, ours or the database's, is no fault of a message:
        the mailbox rests, and nothing fails."""
        until = fields.Datetime.add(fields.Datetime.now(), seconds=_DISK_REST)
        self.hold_queue(until, "disk", " ".join(str(error).split())[:200])

    def _get_running_campaigns(self):
        waiting = [("provider_id", "=", self.provider.id), ("state", "=", "queued")]
        return self.env["chaser.campaign"].search(
            [("state", "=", "sending"), ("reminder_ids", "any", waiting)]
        )

    def hold_queue(self, until, code, detail=""):
        """The queue waits until ``until`` (UTC), and every waiting reminder shows why.
        Nothing fails."""
        provider = self.provider
        if until:
            until = until.replace(microsecond=0) + timedelta(seconds=1)
        provider._set_hold(until, code, detail)
        params = (
            {"until": until.isoformat(), "detail": detail}
            if until
            else {"detail": detail}
        )
        waiting = self.env["chaser.reminder"].search(
            [
                ("provider_id", "=", provider.id),
                ("state", "=", "queued"),
                ("campaign_id.state", "=", "sending"),
            ]
        )
        waiting.try_lock_for_update(allow_referencing=True).write(
            provider._prepare_reason_values(code, params)
        )

    # -- after the messages

    def _sweep_campaigns(self):
        """Nothing waits for ever in a campaign that has ended."""
        self._fresh()
        self.env["chaser.campaign"]._sweep(self.provider)
        self._commit_now()

    def _finish_campaigns(self):
        self._fresh()
        running = self.env["chaser.campaign"].search(
            [
                ("state", "=", "sending"),
                "|",
                ("provider_id", "=", self.provider.id),
                ("reminder_ids.provider_id", "=", self.provider.id),
                ("reminder_ids", "not any", [("state", "in", ("queued", "sending"))]),
            ]
        )
        self._lock_free(running)._set_finished()
        self._commit_now()

    def _wake_again(self):
        """Ask the scheduler for the next run: at once while there is work, else when
        the first hold ends."""
        self._fresh()
        provider = self.provider
        if provider.state != "connected":
            return
        [(first,)] = self.env.execute_query(
            SQL("SELECT min(r.scheduled_at) FROM %s", provider._get_queue_sql())
        )
        [(planned,)] = self.env.execute_query(
            SQL(
                """SELECT min(c.scheduled_at) FROM chaser_campaign c
                WHERE c.state = 'scheduled'
                  AND EXISTS (SELECT 1 FROM chaser_reminder r WHERE r.campaign_id = c.id
                  AND r.provider_id = %s AND r.state = 'queued')""",
                provider.id,
            )
        )
        moments = [
            max(moment, provider.hold_until or moment)
            for moment in (first, planned)
            if moment
        ]
        if moments:
            now = fields.Datetime.now()
            provider.sudo().cron_id._trigger(
                at=None if min(moments) <= now else min(moments)
            )
            provider._set_alarm(min(moments))

    def _make_way(self):
        """Ends the job when its time is over. While it reports that something is left,
        Odoo calls it up to ten times in a row and other jobs wait. The job has just
        asked to be woken (``_wake_again``), so nothing is lost."""
        jobs = self.env["ir.cron"]
        if not jobs._commit_progress():
            jobs._commit_progress(remaining=0)
