import logging
import time
from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL, email_normalize, format_datetime, plaintext2html

_logger = logging.getLogger(__name__)
# A mailbox's job runs every ten minutes, or sooner; later than this is a trouble.
_LATE = timedelta(minutes=15)
# Due messages that wait so long without a reason are told to the managers.
_STILL = timedelta(hours=1)
# Seconds from one look to the next of a process that answers requests.
_EVERY = 600
_looked = {}


class ChaserWatch(models.AbstractModel):
    """Sees that the machinery stands still: a mailbox's job that is off or late, or no
    scheduler at all. No scheduled job can report that, so people's requests look,
    too."""

    _name = "chaser.watch"
    _description = "Watch over the Mailboxes' Jobs"

    # -- one mailbox

    @api.model
    def _get_job_trouble(self, provider):
        """What keeps the mailbox's job from running, in words; False when nothing
        does. By the database's clock."""
        job = provider.cron_id
        if not job:
            return self.env._(
                "Its scheduled job is missing. Press Test Connection to make it."
            )
        if not job.active:
            return self.env._(
                "Its scheduled job is switched off, as Odoo does after repeated "
                "failures. Press Test Connection to switch it on."
            )
        late = self._get_late_since(job)
        if not late or not provider._count_due():
            return False
        if self._is_anything_running():
            return self.env._(
                "Messages are due, but its scheduled job should have run at %s. Press "
                "Test Connection to start it.",
                format_datetime(self.env, late),
            )
        return self.env._(
            "Messages are due, but no scheduled job of this database has run since %s: "
            "Odoo's scheduler is not running (max_cron_threads). Tell your "
            "administrator.",
            format_datetime(self.env, late),
        )

    @api.model
    def _get_late_since(self, job):
        """Since when a job should have run, if that is long ago; None else."""
        self.env["ir.cron"].flush_model()
        self.env["ir.cron.trigger"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT min(at) FROM (
                      SELECT nextcall AS at FROM ir_cron WHERE id = %(job)s
                      UNION ALL
                      SELECT call_at FROM ir_cron_trigger WHERE cron_id = %(job)s) t
                WHERE at < now() AT TIME ZONE 'UTC' - %(late)s""",
                job=job.id,
                late=_LATE,
            )
        )
        return rows[0][0]

    @api.model
    def _is_anything_running(self):
        """Whether the scheduler has run any job of the database lately."""
        [(runs,)] = self.env.execute_query(
            SQL(
                "SELECT max(lastcall) > now() AT TIME ZONE 'UTC' - %s FROM ir_cron",
                _LATE,
            )
        )
        return bool(runs)

    # -- all of them

    @api.model
    def _find_still(self):
        """Connected mailboxes that nothing holds, whose due messages have waited for an
        hour while none left: (mailbox, number of messages, since when)."""
        for model in ("chaser.reminder", "chaser.campaign", "chaser.provider"):
            self.env[model].flush_model()
        now = fields.Datetime.now()
        rows = self.env.execute_query(
            SQL(
                """SELECT r.provider_id, count(*), min(r.scheduled_at)
                 FROM chaser_reminder r
                 JOIN chaser_campaign c ON c.id = r.campaign_id AND c.state = 'sending'
                 JOIN chaser_provider p ON p.id = r.provider_id
                WHERE r.state = 'queued' AND r.scheduled_at < %(before)s
                  AND p.active AND p.state = 'connected' AND p.restored_at IS NULL
                  AND (p.hold_until IS NULL OR p.hold_until < %(before)s)
                  AND NOT EXISTS (SELECT 1 FROM chaser_reminder a
                      WHERE a.provider_id = r.provider_id
                        AND a.attempted_at > %(before)s)
                GROUP BY r.provider_id ORDER BY r.provider_id""",
                before=now - _STILL,
            )
        )
        Provider = self.env["chaser.provider"].sudo()
        return [(Provider.browse(one), count, since) for one, count, since in rows]

    @api.model
    def _cron_look(self):
        """Tells the managers, once per trouble, by an activity and by mail."""
        for provider, count, since in self._find_still():
            self._tell(provider, count, since)

    @api.model
    def _look_from_request(self):
        """The same from the request of a user, because nothing else may be running; at
        most every ten minutes and process. A trouble of its own stops nobody."""
        key, now = self.env.cr.dbname, time.monotonic()
        if now - _looked.get(key, -_EVERY) < _EVERY:
            return
        _looked[key] = now
        try:
            with self.env.registry.cursor() as cr:
                self.with_env(self.env(cr=cr, su=True))._cron_look()
        except Exception:
            _logger.info("The look at the mailboxes failed", exc_info=True)

    @api.model
    def _tell(self, provider, count, since):
        people = provider.company_id._get_chaser_people("manager")
        # In one language, whoever looks, so that the same trouble is known again.
        provider = provider.with_context(lang=people[:1].lang)
        summary = provider.env._("Nothing is sent from this mailbox")
        if not people or summary in provider.activity_ids.mapped("summary"):
            return
        trouble = self._get_job_trouble(provider) or ""
        for person in people:
            words = self.with_context(lang=person.lang, tz=person.tz)._describe(
                provider, count, since, trouble
            )
            if person == people[0]:
                provider._tell_manager(summary, words)
            self._mail(provider, person, words)

    @api.model
    def _describe(self, provider, count, since, trouble):
        return self.env._(
            "%(count)s due messages of the mailbox “%(name)s” have waited since "
            "%(since)s, and nothing says why. %(trouble)s",
            count=count,
            name=provider.name,
            since=format_datetime(self.env, since),
            trouble=trouble,
        )

    @api.model
    def _mail(self, provider, person, words):
        """At once and by itself: the queue of Odoo's mails may stand still, too."""
        address = email_normalize(person.email or "")
        if address:
            mail = self.env["mail.mail"].sudo()
            mail = mail.create(
                {
                    "subject": provider.env._("Nothing is sent from this mailbox"),
                    "body_html": plaintext2html(words),
                    "email_to": address,
                    "auto_delete": True,
                }
            )
            mail.send(raise_exception=False)
