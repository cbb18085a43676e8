import time
from collections import Counter

from psycopg2.extras import Json

from odoo import fields, models
from odoo.tools import SQL, email_normalize

from ...core.mail.webhooks import SERVICES
from ...core.pace.throttle import NAP, Allowance
from .chaser_provider_locks import _CONNECTION_REST
from .run import SendRun

# Seconds that a batch may take, also when the scheduler's own time for the job is over: cut after its first message, each batch would
# cost a whole rest for one message. Well below ``limit_time_real_cron`` (120 s), after which Odoo kills the process.
_BATCH_TIME = 30


class ChaserProvider(models.Model):
    """The messages of one run: how many may go now, which, and the pauses between them."""

    _inherit = "chaser.provider"

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
        now, chosen, room, taken = fields.Datetime.now(), [], {}, Counter()
        while len(chosen) < limit:
            rows = self.env.execute_query(SQL(
                """SELECT r.id, r.recipient_domain, r.purpose FROM %s AND r.scheduled_at <= %s AND r.id <> ALL(%s)
                    ORDER BY r.priority DESC, r.id LIMIT %s FOR NO KEY UPDATE OF r SKIP LOCKED""",
                self._get_queue_sql(), now, chosen, limit - len(chosen)))
            full = set()
            for reminder_id, domain, purpose in rows:
                left = room.setdefault(domain, run.throttle.get_domain_room(domain, now))
                if left == 0:
                    full.add(domain)
                    continue
                room[domain] = left and left - 1
                taken[domain] += 1
                run.purposes[reminder_id] = purpose
                chosen.append(reminder_id)
            for domain in full:
                self._put_off(domain, run.throttle.get_domain_hold(domain, now, taken[domain]), chosen)
            if not full:
                break
        return chosen

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
            deadline = self._tick() + max(self._commit(), _BATCH_TIME)
            for position, reminder_id in enumerate(ids):
                if position and not self._go_on(run, deadline):
                    break
                started = self._tick()
                self._send_one(reminder_id, run)
                run.note_work(self._tick() - started)
                if not position:
                    # Told at once: a job that is killed three times without any progress is put aside by Odoo's scheduler.
                    self._commit(1)
            self._learn_work(run)
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
        if self._tick() >= deadline:
            return False
        gap = run.get_gap()
        if gap:
            self._pause(gap)
        return self._is_open()

    def _prepare_run_settings(self):
        """What every message of a run needs of mailbox and company, as plain values: records are read anew after each commit."""
        company = self.company_id
        reply_domain = company.alias_domain_id.name if company.chaser_reply_token and not self.reply_to else ""
        return {
            "company_id": company.id, "tracking": company.chaser_tracking, "interval": company.chaser_contact_interval,
            "max_attempts": self.max_attempts, "email": email_normalize(self.email),
            "sender_name": self.sender_name or company.name or "", "reply_to": self.reply_to or company.catchall_email or "", "base_url": self.get_base_url(),
            "today": company._get_chaser_today(), "tz": company._get_chaser_tz(), "company": self.env["chaser.composer"]._get_company_data(company),
            "reply_token_domain": reply_domain or "", "webhook_service": SERVICES.get(self.webhook_service),
        }

    def _learn_work(self, run):
        """How long a message takes this mailbox, for the forecast. In tenths of a second, so that the row is seldom written."""
        mean = run.get_work()
        work = round((self.message_seconds + mean) / 2 if self.message_seconds else mean, 1)
        if abs(work - self.message_seconds) > 0.05:
            self.message_seconds = work

    def _pause(self, seconds):
        time.sleep(seconds)

    def _tick(self):
        """Seconds of a clock that nobody sets."""
        return time.monotonic()

    def _is_open(self):
        """Whether the next message may be tried: nothing that happened, and no person, has closed the mailbox meanwhile."""
        self.env.cr.execute(SQL("SELECT state = 'connected' AND (hold_until IS NULL OR hold_until <= %s) FROM chaser_provider WHERE id = %s",
                                fields.Datetime.now(), self.id))
        return self.env.cr.fetchone()[0]
