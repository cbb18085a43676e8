import logging
import threading
import time
from collections import Counter

import psycopg2

from odoo import api, fields, models, sql_db
from odoo.exceptions import RedirectWarning, UserError
from odoo.tools import SQL

from odoo.addons.base.models.ir_cron import ODOO_NOTIFY_FUNCTION

from ...core.pace.forecast import Mailbox, Queues, Waiting, finishes
from ...core.pace.share import make_capacity, share
from ...core.pace.throttle import Pace, Throttle
from ...core.plan.reach import DEFAULT_CHANNEL
from .run import MailboxRun

_logger = logging.getLogger(__name__)
# Odoo's scheduler wakes once a minute; waits of up to so many seconds get an alarm of
# their own.
_ALARM = 600
MANAGER_GROUP = "invoice_chaser.group_chaser_manager"


class ChaserProvider(models.Model):
    """Sending from a mailbox: its job, what a run needs of it, and when waiting
    messages will leave."""

    _inherit = "chaser.provider"  # pylint: disable=consider-merging-classes-inherited  # sending and its forecast, apart from the connection

    message_seconds = fields.Float(
        "Seconds per Message",
        readonly=True,
        copy=False,
        aggregator=None,
        help="How long one message takes, its documents and the mail server included, "
        "without the pauses: measured while sending, and part of the time at "
        "which campaigns are expected to finish.",
    )

    restored_at = fields.Datetime(
        "Waits Since a Restore",
        readonly=True,
        copy=False,
        help="The database was restored from a backup, older than what was sent.",
    )
    restored_number = fields.Integer(readonly=True, copy=False, aggregator=None)
    restored_count = fields.Integer(
        "Sent Since the Backup", readonly=True, copy=False, aggregator=None
    )
    restored_note = fields.Text(compute="_compute_restored_note")
    job_note = fields.Text(
        compute="_compute_job_note",
        help="What keeps the mailbox's scheduled job from running.",
    )

    def _cron_send(self):
        """Sends what is due from this mailbox, at its pace; the only way in which
        reminders leave. Runs as the mailbox's scheduled job."""
        self.ensure_one()
        MailboxRun(self).go()

    # -- what a run needs of its mailbox

    def _try_lock(self, space):
        """Whether this process is now the only one on all servers that works on the
        mailbox; ``space`` is the first key of the lock. The lock belongs to the
        connection: it outlives commits and ends with the process."""
        self.ensure_one()
        self.env.cr.execute(SQL("SELECT pg_try_advisory_lock(%s, %s)", space, self.id))
        return self.env.cr.fetchone()[0]

    def _commit_now(self):
        self.env.cr.commit()  # pylint: disable=invalid-commit  # before and after a message leaves: see docs/architecture.md

    def _fresh(self):
        """A new transaction, so that the next read sees what others have committed."""
        self.env.cr.rollback()
        self.env.invalidate_all(flush=False)

    def _get_queue_sql(self):
        return SQL(
            """chaser_reminder r JOIN chaser_campaign c ON c.id = r.campaign_id
                WHERE r.provider_id = %s AND r.state = 'queued'
                AND c.state = 'sending'""",
            self.id,
        )

    def _count_due(self):
        if (
            self.restored_at
            or self.hold_until
            and self.hold_until > fields.Datetime.now()
            or self.state != "connected"
        ):
            return 0
        [(count,)] = self.env.execute_query(
            SQL(
                "SELECT count(*) FROM %s AND r.scheduled_at <= %s",
                self._get_queue_sql(),
                fields.Datetime.now(),
            )
        )
        return count

    def _get_sent_box__(self):
        """Where to look whether a message was sent: an adapter with ``find_sent``, not
        connected yet. None where nothing can be asked.

        :raises UserError: when it cannot be opened (no key, no password)
        """
        self.ensure_one()
        by_kind = getattr(self, f"_get_sent_box_{self.kind}__", None)
        rests = self.read_hold_until and self.read_hold_until > fields.Datetime.now()
        by_imap = self.is_reading and self.read_method == "imap" and not rests
        return by_kind and by_kind() or (self._get_reader__() if by_imap else None)

    # -- a database that was restored from a backup (``chaser.watermark``)

    @api.depends("restored_at", "restored_count")
    def _compute_restored_note(self):
        for provider in self:
            provider.restored_note = (
                provider._describe_restored() if provider.restored_at else False
            )

    def _describe_restored(self):
        """What a manager has to know, in words."""
        if not self.restored_count:
            return self.env._(
                "This database was restored from a backup, and other mailboxes have "
                "sent messages since that it does not know. Nothing is sent from here "
                "until a manager has decided."
            )
        return self.env._(
            "This database was restored from a backup: %s messages have left from this "
            "mailbox since, and it would send them again. Look into the mailbox, and "
            "what left is marked; or go on without looking.",
            self.restored_count,
        )

    def _set_restored(self, number, count):
        """Waits until a manager has decided; called as superuser."""
        self.write(
            {
                "restored_at": fields.Datetime.now(),
                "restored_number": number,
                "restored_count": count,
            }
        )
        self._tell_manager(
            lambda one: one.env._("Restored from a backup"),
            lambda one: one._describe_restored(),
        )
        self.env["chaser.reminder"].search(
            [("provider_id", "=", self.id), ("state", "=", "queued")]
        )._set_waiting_reason("restored")

    def action_restored_look(self):
        """Marks what left since the backup, then goes on."""
        self.ensure_one()
        self.check_access("write")
        watermark, provider = self.env["chaser.watermark"], self.sudo()
        reminders, customers = watermark._take_over(provider)
        problem = watermark._ask_mailbox(provider, reminders) if reminders else ""
        open_ones = reminders.filtered("is_undecided")
        self._end_restored()
        return self._notify(
            self.env._("What left is marked"),
            self.env._(
                "%(sent)s reminders were sent, %(open)s are to be settled by a person "
                "(Delivery Unknown), %(customers)s customers are paused because their "
                "message is not in this database. %(problem)s",
                sent=len(reminders - open_ones),
                open=len(open_ones),
                customers=len(customers),
                problem=problem,
            ),
            "warning" if open_ones or problem else "success",
        )

    def action_restored_go_on(self):
        """A manager knows that nothing is sent twice, or does not mind."""
        self.ensure_one()
        self.check_access("write")
        self._end_restored()
        return True

    def _end_restored(self):
        provider = self.sudo()
        provider.message_post(
            body=self.env._("Goes on after the restore: %s", self.env.user.name)
        )
        provider.write({"restored_at": False, "restored_count": 0})
        provider.activity_unlink(["mail.mail_activity_data_todo"])
        waiting = self.env["chaser.reminder"].sudo()
        waiting.search(
            [
                ("provider_id", "=", provider.id),
                ("state", "=", "queued"),
                ("reason_code", "=", "restored"),
            ]
        ).write(self._prepare_reason_values(False))
        provider.cron_id._trigger()

    # -- the scheduled job

    def _compute_job_note(self):
        for provider in self:
            provider.job_note = (
                self.env["chaser.watch"]._get_job_trouble(provider.sudo())
                if provider.state == "connected"
                else False
            )

    def _mend_job(self):
        """The mailbox's job exists, is on, and runs soon, whatever has stopped it."""
        self._ensure_crons()
        # A job that works is left alone: Odoo lets nobody write one that runs now.
        self.sudo().cron_id.filtered(
            lambda job: not job.active or job.failure_count
        ).write({"active": True, "failure_count": 0, "first_failure_date": False})

    # -- clock

    def _pause(self, seconds):
        time.sleep(seconds)

    def _tick(self):
        """Seconds of a monotonic clock."""
        return time.monotonic()

    def _set_alarm(self, until):
        """Wakes the scheduler when a wait of some seconds or minutes ends. By itself it
        wakes once a minute, which would halve the pace of a slow mailbox. If an alarm
        is lost because its process ended, the wait is only that minute longer."""
        seconds = (until - fields.Datetime.now()).total_seconds()
        if 0 < seconds <= _ALARM:
            self.env.cr.postcommit.add(
                lambda: self._start_alarm(seconds, self.env.cr.dbname)
            )

    def _start_alarm(self, seconds, dbname):
        _alarms.start(dbname, seconds)

    # -- what waits for the mailbox

    def _tell_waiting(self, state, error=False):
        """Shows at each waiting reminder that its mailbox is not connected. Called by
        ``_set_state``."""
        for provider in self.sudo():
            waiting = (
                self.env["chaser.reminder"]
                .sudo()
                .search([("provider_id", "=", provider.id), ("state", "=", "queued")])
            )
            waiting = waiting.try_lock_for_update(allow_referencing=True)
            if state == "connected":
                waiting.filtered(
                    lambda reminder: reminder.reason_code
                    in ("provider_expired", "provider_closed")
                ).write(self._prepare_reason_values(False))
            else:
                waiting._set_waiting_reason(
                    "provider_expired" if state == "expired" else "provider_closed",
                    error or "",
                )

    def action_move_waiting(self):
        """Opens the choice of another mailbox for all that waits in this one."""
        self.check_access("read")
        return self.env["chaser.mailbox.move"]._open_for(
            self.env["chaser.reminder"].search(
                [("provider_id", "in", self.ids), ("state", "in", ("draft", "queued"))]
            )
        )

    # -- when what waits will leave, and which mailbox takes what

    def _forecast(self, extra=None, now=None, with_queue=True):
        """(mailbox id, group) → how many messages, and when the last of them leaves
        (UTC), if nothing else happens.

        By the rules that pace the real run, over all mailboxes together: they share the
        company's month. Mailboxes that are not connected send nothing and are not in
        the result.

        :param dict extra: mailbox id → messages (``core.pace.forecast.Waiting``) that
        are planned beside the queue
        :param with_queue: also what is queued, as groups the campaigns' ids
        """
        providers = self.filtered(lambda provider: provider.state == "connected")
        queues = providers._make_queues(
            now or fields.Datetime.now(), with_queue=with_queue
        )
        for provider in providers:
            for waiting in (extra or {}).get(provider.id, ()):
                queues.put(provider.id, waiting)
        return {
            key: (count, last.replace(microsecond=0))
            for key, (count, last) in finishes(queues.run()).items()
        }

    def _make_queues(self, now, without=(), with_queue=True):
        """These mailboxes with their pace, their recent past and what is queued for
        them; those of a company share its month. Without any mailbox one with the usual
        limits, so that there is something to look at (its id is False).

        :param without: ids of queued reminders that are left out
        """
        if not self:
            return Queues(now, [Mailbox(False, Throttle(Pace()), ())])
        queue = self._read_queue(without) if with_queue else {}
        months = {
            company: providers[0]._make_month_count(now)
            for company, providers in self.grouped("company_id").items()
        }
        attempts = self._read_attempts(now)
        return Queues(
            now,
            [
                Mailbox(
                    provider.id,
                    provider._make_throttle(now, months[provider.company_id], attempts),
                    queue.get(provider.id, ()),
                    provider.hold_until or None,
                )
                for provider in self
            ],
        )

    def _read_queue(self, without=()):
        """Mailbox id → what is queued for it in campaigns that run or will;
        ``without``: ids of reminders that are left out."""
        self.env["chaser.reminder"].flush_model()
        self.env["chaser.campaign"].flush_model(["state", "scheduled_at"])
        rows = self.env.execute_query(
            SQL(
                """SELECT r.provider_id, r.priority, r.id, r.recipient_domain,
                greatest(r.scheduled_at, c.scheduled_at), r.campaign_id, r.partner_id,
                r.company_id
                 FROM chaser_reminder r JOIN chaser_campaign c ON c.id = r.campaign_id
                WHERE r.provider_id = ANY(%s) AND r.state = 'queued'
                AND c.state IN ('sending', 'scheduled')""",
                self.ids,
            )
        )
        rows = [row for row in rows if row[2] not in without]
        queue, now, windows = {}, fields.Datetime.now(), self._read_windows(rows)
        for (
            provider_id,
            priority,
            reminder_id,
            domain,
            not_before,
            campaign_id,
            partner_id,
            company_id,
        ) in rows:
            queue.setdefault(provider_id, []).append(
                Waiting(
                    (-(priority or 0), reminder_id),
                    domain or "",
                    not_before or now,
                    campaign_id,
                    windows.get((company_id, partner_id)),
                )
            )
        return queue

    def _read_windows(self, rows):
        """(company id, commercial partner id) → send window, for rows of
        ``_read_queue``."""
        windows, partners = {}, {}
        for *_rest, partner_id, company_id in rows:
            partners.setdefault(company_id, set()).add(partner_id)
        for company_id, mine in partners.items():
            company = self.env["res.company"].browse(company_id)
            found = company._get_send_windows(self.env["res.partner"].browse(mine))
            windows |= {
                (company_id, partner_id): window for partner_id, window in found.items()
            }
        return windows

    @api.model
    def _get_usable(self, company, channel=DEFAULT_CHANNEL):
        """The connected mailboxes of a company for a channel, the primary one first."""
        return self._get_own(company, channel).filtered(
            lambda provider: provider.state == "connected"
        )

    @api.model
    def _explain_missing(self, company, provider, message):
        """The error for who sends without a mailbox that works: whoever may set one up
        is led to it, others read whom to ask.

        :param provider: the mailbox that does not work; empty: there is none
        """
        if self.env.user.has_group(MANAGER_GROUP):
            return RedirectWarning(
                message,
                {
                    "type": "ir.actions.act_window",
                    "res_model": "chaser.provider",
                    "res_id": provider.id,
                    "views": [(False, "form")],
                    "context": {"default_company_id": company.id},
                },
                self.env._("Open the Mailbox")
                if provider
                else self.env._("Set Up a Mailbox"),
            )
        managers = company._get_chaser_people("manager")
        return UserError(
            "\n".join(
                filter(
                    None,
                    [
                        message,
                        managers
                        and self.env._(
                            "Whom to ask: %s.", ", ".join(managers.mapped("name")[:5])
                        ),
                    ],
                )
            )
        )

    @api.model
    def _get_missing_words(self, company, channel):
        """What a person is told who sends without a connected mailbox."""
        if channel == DEFAULT_CHANNEL:
            return self.env._(
                "%s has no connected mailbox to send from. A chaser manager connects "
                "one under Chaser ▸ Configuration ▸ Mailboxes.",
                company.name,
            )
        return self.env._(
            "%(company)s has no connected mailbox for %(channel)s, by which some of "
            "these reminders go. A chaser manager connects one under "
            "Chaser ▸ Configuration ▸ Mailboxes; or leave these customers out.",
            company=company.name,
            channel=self.env["chaser.channel"]._get_name(channel),
        )

    @api.model
    def _choose_mailboxes(self, company, channel, partner_ids, own):
        """Commercial partner id → mailbox id, for messages of one channel.

        :param list partner_ids: whom each message is for, the most important first
        :param own: a campaign's own mailbox, which sends what it can carry (the rest
            leaves from the company's mailbox for the channel); empty: spread over all
            that are connected
        """
        counts = Counter(partner_ids)
        if own is False:
            return self._share_customers(company, list(counts.items()), channel)
        if own and own.channel == channel:
            return dict.fromkeys(counts, own.id)
        provider = self._get_default(company, channel)
        return dict.fromkeys(counts, provider.id) if provider else {}

    @api.model
    def _share_customers(self, company, customers, channel=DEFAULT_CHANNEL):
        """Commercial partner id → mailbox id, for a campaign that is spread over the
        company's mailboxes; empty without a connected one.

        A customer who was written to before keeps the mailbox that wrote to them last,
        if it is still connected. Each other customer gets the mailbox from which their
        messages leave soonest. Three queries, whatever the number of customers.

        :param customers: list of (commercial partner id, number of messages), the most
        important first
        """
        providers, now = self._get_usable(company, channel), fields.Datetime.now()
        if not providers:
            return {}
        attempts, queue = providers._read_attempts(now), providers._read_queue()
        capacities = [
            make_capacity(
                provider.id,
                provider._get_pace(),
                len(attempts.get(provider.id, ([], {}))[0]),
                len(queue.get(provider.id, ())),
            )
            for provider in providers
        ]
        return share(
            customers,
            capacities,
            self._read_last_senders(
                company, [customer for customer, _count in customers], channel
            ),
        )

    @api.model
    def _read_last_senders(self, company, partner_ids, channel=DEFAULT_CHANNEL):
        """Commercial partner id → the mailbox that wrote to them last for this company
        by a channel."""
        self.env["chaser.reminder"].flush_model(
            ["sent_at", "state", "provider_id", "partner_id", "channel"]
        )
        return dict(
            self.env.execute_query(
                SQL(
                    """SELECT DISTINCT ON (partner_id) partner_id, provider_id
                    FROM chaser_reminder
                WHERE company_id = %s AND partner_id = ANY(%s) AND state = 'sent'
                AND provider_id IS NOT NULL AND channel = %s
                ORDER BY partner_id, sent_at DESC, id DESC""",
                    company.id,
                    list(partner_ids),
                    channel,
                )
            )
        )


class _Alarms:
    """One alarm per process and database, the earliest: the scheduler looks at all
    mailboxes when it is woken, and each run asks anew."""

    def __init__(self):
        self._lock = threading.Lock()
        self._waiting = {}

    def start(self, dbname, seconds):
        moment = time.monotonic() + seconds
        with self._lock:
            before = self._waiting.get(dbname)
            if before and before[0] <= moment and before[1].is_alive():
                return
            if before:
                before[1].cancel()
            timer = threading.Timer(seconds, self._ring, [dbname])
            timer.daemon = True
            self._waiting[dbname] = (moment, timer)
            timer.start()

    def _ring(self, dbname):
        with self._lock:
            self._waiting.pop(dbname, None)
        _wake_scheduler(dbname)


_alarms = _Alarms()


def _wake_scheduler(dbname):
    """What ``ir.cron._notifydb`` does, from a thread that has no environment."""
    try:
        with sql_db.db_connect("postgres").cursor() as cr:
            cr.execute(
                SQL(
                    "SELECT %s('cron_trigger', %s)",
                    SQL.identifier(ODOO_NOTIFY_FUNCTION),
                    dbname,
                )
            )
    except (psycopg2.Error, sql_db.PoolError):
        _logger.info(
            "The scheduler could not be woken; it comes by itself within a minute"
        )
