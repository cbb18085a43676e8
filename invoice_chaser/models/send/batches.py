import errno
import logging
import random
from collections import Counter

import psycopg2
from psycopg2.extras import Json

from odoo import fields
from odoo.tools import SQL

from ...core.pace.throttle import NAP, Allowance
from ..common.conflicts import CONFLICTS, FULL
from .prepared import PreparedQueries

_logger = logging.getLogger(__name__)
# Seconds that a batch may take, even when the scheduler's time for the job is over: a
# batch that ended after its first message would need a whole pause for one message.
# Well below ``limit_time_real_cron`` (120 s), after which Odoo kills the process.
_BATCH_TIME = 30
# Those who look at a campaign are told of its progress this often.
_TELL_SECONDS = 1
# A disk that is full or cannot be written to.
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)


class Batches:
    """The messages of one run: how many may go now, which, the pauses between them, and
    what they all share: the open transport, settings as plain values, prepared queries.

    This is ``job.run`` for the sender's steps."""

    def __init__(self, run, transport):
        self.run = run
        self.provider = run.provider
        self.env = run.env
        self.transport = transport
        self.channel = self.provider._get_channel()
        self.settings = _prepare_settings(
            self.provider, self.channel, self.provider.company_id
        )
        self.throttle = self.provider._make_throttle(fields.Datetime.now())
        self.pace = self.throttle.pace
        self.cache = {}
        self.notes = []
        self._purposes, self._companies = {}, {}
        self._queries = PreparedQueries(self.env.cr)
        self._dice = random.Random()
        self._work, self._worked = 0.0, 0
        self._was_limited = bool(self.provider.rate_limit_count)
        # Another mailbox of the same address uses up the same quota meanwhile.
        [group] = self.provider._read_same_address().values()
        self._is_shared = len(group) > 1
        self._told_at = None

    def go(self):
        """Batch by batch, as long as something may go and the scheduler's time
        lasts."""
        lag = self._get_lag()
        while True:
            allowed = self._await_slot(lag)
            if not allowed.count:
                self.run.hold_queue(allowed.until, f"limit_{allowed.limit}")
                self.run._commit()
                return
            ids = self._claim(allowed.count)
            self._send_batch(ids)
            self._learn_work()
            left, lag = self.run._commit(max(len(ids) - 1, 0)), self._get_rest()
            if len(ids) < allowed.count or left <= lag or not self.is_open():
                return

    def _send_batch(self, ids):
        provider = self.provider
        deadline = provider._tick() + max(self.run._commit(), _BATCH_TIME)
        self._make_links(ids)
        for position, reminder_id in enumerate(ids):
            if position and not self._go_on(deadline):
                break
            started = provider._tick()
            self.send_one(reminder_id)
            self._note_work(provider._tick() - started)
            if not position:
                # Reported at once, because Odoo's scheduler counts a job as failed that
                # is killed three times without progress.
                self.run._commit(1)
        self._tell_progress(ids)
        self.write_notes()

    def _make_links(self, ids):
        """Portal tokens of the batch's invoices, in a short transaction of its own: no
        step writes to an invoice, which somebody may be paying, and whoever changes one
        right now is left alone."""
        try:
            self.env["chaser.composer"]._ensure_portal_tokens(ids)
            self.provider._commit_now()
        except CONFLICTS:
            self.provider._fresh()

    def _tell_progress(self, ids):
        """Those who look at the campaigns of these reminders see that they have moved:
        with the next commit, at most once a second."""
        now = self.provider._tick()
        if self._told_at is not None and now - self._told_at < _TELL_SECONDS:
            return
        self._told_at = now
        reminders = self.env["chaser.reminder"].browse(ids)
        reminders.campaign_id._tell_moved()

    def write_notes(self):
        """Notes on customers and invoices, for all that was sent since the last
        time."""
        notes, self.notes = self.notes, []
        self.run.write_notes(notes)

    def send_one(self, reminder_id):
        """Takes one reminder through the steps; an error in it does not stop the
        others."""
        provider, reminder = (
            self.provider,
            self.env["chaser.reminder"].browse(reminder_id),
        )
        sender = reminder._get_sender(self._purposes.get(reminder_id))
        try:
            sender._send(reminder, self)
            provider._commit_now()
        except CONFLICTS:
            # Another process changed the invoice or the reminder before the mark.
            # Nothing was sent; the next pass tries it again.
            provider._fresh()
        except psycopg2.InterfaceError:
            raise
        except (OSError, *FULL) as error:
            provider._fresh()
            if not self._hold_for_disk(error, reminder):
                _logger.exception("Reminder %s could not be processed", reminder_id)
                sender._set_broken(reminder, error)
            provider._commit_now()
        except Exception as error:
            _logger.exception("Reminder %s could not be processed", reminder_id)
            provider._fresh()
            sender._set_broken(reminder, error)
            provider._commit_now()

    def _hold_for_disk(self, error, reminder):
        """A disk that takes nothing, ours or the database's, is no fault of a message:
        the mailbox rests, and nothing fails. Returns whether that was it. After the
        mark it is not: then the message may be out."""
        full = isinstance(error, FULL) or error.errno in _NO_ROOM
        if not full or reminder.state == "sending":
            return False
        self.run.hold_for_disk(error)
        return True

    # -- which messages

    def _claim(self, limit):
        """Ids of the next reminders, most important first; rows that another process
        has locked are skipped. There are no more to one recipient domain than its limit
        allows; the others of that domain are put off together, so that they do not
        block the queue."""
        now, chosen, room, taken = fields.Datetime.now(), [], {}, Counter()
        while len(chosen) < limit:
            rows = self.env.execute_query(
                SQL(
                    """SELECT r.id, r.recipient_domain, r.purpose, r.company_id FROM %s
                    AND r.scheduled_at <= %s AND r.id <> ALL(%s)
                    ORDER BY r.priority DESC, r.id LIMIT %s
                    FOR NO KEY UPDATE OF r SKIP LOCKED""",
                    self.provider._get_queue_sql(),
                    now,
                    chosen,
                    limit - len(chosen),
                )
            )
            full = set()
            for reminder_id, domain, purpose, company_id in rows:
                left = room.setdefault(
                    domain, self.throttle.get_domain_room(domain, now)
                )
                if left == 0:
                    full.add(domain)
                    continue
                room[domain] = left and left - 1
                taken[domain] += 1
                chosen.append(reminder_id)
                self._purposes[reminder_id] = purpose
                self._companies[reminder_id] = company_id
            for domain in full:
                self._put_off(
                    domain,
                    self.throttle.get_domain_hold(domain, now, taken[domain]),
                    chosen,
                )
            if not full:
                break
        return chosen

    def _put_off(self, domain, until, chosen):
        """All due messages to a recipient domain but the chosen ones wait until its
        limit allows more."""
        reasons = self.provider._prepare_reason_values(
            "limit_domain", {"detail": domain or "", "until": until.isoformat()}
        )
        self.env.cr.execute(
            SQL(
                """UPDATE chaser_reminder SET scheduled_at = %s, reason_code = %s,
                reason_params = %s WHERE id IN (
                   SELECT r.id FROM %s AND r.scheduled_at <= %s
                   AND r.recipient_domain IS NOT DISTINCT FROM %s AND r.id <> ALL(%s)
                      FOR NO KEY UPDATE OF r SKIP LOCKED)""",
                until,
                reasons["reason_code"],
                Json(reasons["reason_params"]),
                self.provider._get_queue_sql(),
                fields.Datetime.now(),
                domain,
                chosen,
            )
        )
        self.env["chaser.reminder"].invalidate_model(
            ["scheduled_at", "reason_code", "reason_params"], flush=False
        )

    def is_open(self):
        """Whether the mailbox may send the next message: neither an error nor a user
        has stopped it meanwhile."""
        self.env.cr.execute(
            SQL(
                "SELECT state = 'connected' AND restored_at IS NULL AND (hold_until "
                "IS NULL OR hold_until <= %s) FROM chaser_provider WHERE id = %s",
                fields.Datetime.now(),
                self.provider.id,
            )
        )
        return self.env.cr.fetchone()[0]

    # -- pace

    def _await_slot(self, lag):
        """What may go now, after ``lag`` seconds of rest and, if needed, a short wait
        until the next slot. A longer wait is returned instead of waited for."""
        now = fields.Datetime.now
        if lag > NAP:
            return Allowance(0, "pace", fields.Datetime.add(now(), seconds=int(lag)))
        if lag:
            self.provider._pause(lag)
        if self._is_shared:
            self.throttle = self.provider._make_throttle(now())
        allowed = self.throttle.allowance(now())
        nap = (allowed.until - now()).total_seconds() if not allowed.count else 0
        if 0 < nap <= NAP:
            self.provider._pause(nap)
            allowed = self.throttle.allowance(now())
        return allowed

    def _go_on(self, deadline):
        """Pauses between two messages. Returns whether the next one may follow in this
        run."""
        if self.provider._tick() >= deadline:
            return False
        gap = self.pace.gap(self._dice.random())
        if gap:
            self.provider._pause(gap)
        return self.is_open()

    def _get_rest(self):
        """Seconds to the next batch, with their random part."""
        return self.pace.rest(self._dice.random())

    def _get_lag(self):
        """Seconds that remain of the rest after the last message, also of an earlier
        run; never more than the rest itself, whatever the clock of another server
        said."""
        last = self.throttle.get_last()
        if not last:
            return 0.0
        age = (fields.Datetime.now() - last).total_seconds()
        return max(0.0, self._get_rest() - max(0.0, age))

    def _note_work(self, seconds):
        """What one message took, its documents and the network included, without the
        pauses."""
        self._work, self._worked = self._work + seconds, self._worked + 1

    def _learn_work(self):
        """How long a message takes this mailbox, for the forecast. In tenths of a
        second, so that the row is seldom written."""
        mean, before = (
            self._work / self._worked if self._worked else 0.0,
            self.provider.message_seconds,
        )
        work = round((before + mean) / 2 if before else mean, 1)
        if abs(work - before) > 0.05:
            self.provider.message_seconds = work

    # -- for the sender's steps

    def reserve_month_slot(self):
        """See ``MailboxRun.reserve_month_slot``."""
        return self.run.reserve_month_slot(self)

    def handle_error(self, error):
        """See ``MailboxRun.handle_error``."""
        return self.run.handle_error(error)

    def get_domain_hold(self, domain):
        """Until when messages to a recipient domain wait; None when one may go."""
        return self.throttle.get_domain_hold(domain, fields.Datetime.now())

    def note_attempt(self, domain):
        # Odoo's datetimes have full seconds: rounded up, so that no limit ends too
        # early.
        self.throttle.note(
            domain, fields.Datetime.add(fields.Datetime.now(), seconds=1)
        )

    def note_success(self):
        """The service accepts messages again, so that refusals are counted from zero.
        Written together with the message's record."""
        if self._was_limited:
            self.provider.rate_limit_count = 0
            self._was_limited = False

    def get_settings(self, reminder_id):
        """What a reminder's message needs of the mailbox and of its company, which may
        be a branch of the mailbox's."""
        company_id = self._companies.get(reminder_id, self.settings["company_id"])
        if company_id == self.settings["company_id"]:
            return self.settings
        company = self.env["res.company"].browse(company_id)
        return self.get(
            ("settings", company_id),
            lambda: _prepare_settings(self.provider, self.channel, company),
        )

    def ask(self, query):
        """The rows of a query that runs for each message."""
        return self._queries.ask(query)

    def get(self, key, make):
        """A value that all messages of the run share, made once."""
        if key not in self.cache:
            self.cache[key] = make()
        return self.cache[key]


def _prepare_settings(provider, channel, company):
    """What every message of a run needs of mailbox and company, as plain values: the
    ORM reads records again after each commit."""
    return {
        "company_id": company.id,
        "tracking": company.chaser_tracking,
        "interval": company.chaser_contact_interval,
        "week_limit": company.chaser_week_limit,
        "sender_name": provider.sender_name or company.name or "",
        "base_url": provider.get_base_url(),
        "today": company._get_chaser_today(),
        "tz": company._get_chaser_tz(),
        "company": provider.env["chaser.composer"]._get_company_data(company),
        **channel._prepare_run_settings(provider),
    }
