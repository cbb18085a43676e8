import contextlib
import logging

import psycopg2

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import SQL, email_normalize

from ...core.inbound import inbound
from ...core.mail.errors import AuthenticationFailed, RateLimited, TransportError
from ...core.mail.readers.base import FolderMissing, MarkingReader

_logger = logging.getLogger(__name__)
# First key of the advisory lock: "chre" in ASCII; the second is the mailbox's id.
_LOCK_SPACE = 0x63687265
_PAGE = 40
_PAGES = 5
_MAX_MAIL_BYTES = 10_000_000


class ChaserProvider(models.Model):
    """Reading a mailbox for answers and delivery reports. A further way to read defines ``_get_reader_<method>``. Reading never happens in the send
    loop: it has a scheduled job of its own, which goes over all mailboxes, and an advisory lock of its own for each of them."""

    _inherit = "chaser.provider"

    read_method = fields.Selection(
        [("none", "Odoo's mail gateway alone"), ("imap", "IMAP"), ("gmail", "Gmail API"), ("graph", "Microsoft Graph")],
        "Read Answers by", default="none", required=True, tracking=True,
        help="How answers and delivery reports that land in this mailbox are found. Those that reach Odoo's mail gateway are always found.",
    )
    read_folder = fields.Char("Folder", default="INBOX", tracking=True)
    read_mark = fields.Boolean("Mark as Read", tracking=True, help="Mark the mails that were taken over as read. Others are never touched.")
    read_days = fields.Integer(
        "Look Back (Days)", default=14, aggregator=None, help="How old a mail may be that is found when the mailbox is read for the first time.")
    read_database = fields.Char(readonly=True, copy=False, help="The database in which reading was tested; a copy of it must test it again.")
    read_place = fields.Char(readonly=True, copy=False, help="Which folder of which mailbox the position belongs to.")
    read_cursor = fields.Json(readonly=True, copy=False, groups=fields.NO_ACCESS)
    read_at = fields.Datetime("Last Read", readonly=True, copy=False)
    read_error = fields.Text("Reading Failed", readonly=True, copy=False, tracking=True)
    read_hold_until = fields.Datetime("Reading Rests Until", readonly=True, copy=False)
    read_looked_count = fields.Integer("Looked at", readonly=True, copy=False, aggregator=None, help="Mails of the last run, by their headers alone.")
    read_kept_count = fields.Integer("Taken over", readonly=True, copy=False, aggregator=None, help="Mails of the last run that concern reminders.")
    is_reading = fields.Boolean("Is Read", compute="_compute_is_reading")
    inbound_count = fields.Integer("Incoming", compute="_compute_inbound_count")

    _read_days_check = models.Constraint("CHECK(read_days BETWEEN 0 AND 365)", "Looking back is possible for up to a year.")

    # -- computes and constraints

    @api.depends("read_method", "read_database", "state", "active")
    def _compute_is_reading(self):
        database = self._get_database_id()
        for provider in self:
            provider.is_reading = provider.active and provider.read_method != "none" and provider.read_database == database and provider.state != "disabled"

    def _compute_inbound_count(self):
        rows = self.env["chaser.inbound"]._read_group([("provider_id", "in", self.ids)], ["provider_id"], ["__count"])
        counts = {provider.id: count for provider, count in rows}
        for provider in self:
            provider.inbound_count = counts.get(provider.id, 0)

    @api.constrains("read_method", "read_mark", "kind")
    def _check_read_method(self):
        for provider in self:
            wanted = {"gmail": "gmail", "graph": "outlook"}.get(provider.read_method)
            if wanted and provider.kind != wanted:
                raise ValidationError(self.env._("“%s”: this way of reading belongs to another kind of mailbox. Choose IMAP.", provider.name))
            if provider.read_mark and provider.read_method != "imap":
                raise ValidationError(self.env._(
                    "“%s”: mails can be marked as read by IMAP only; the rights to read through an API do not cover it.", provider.name))

    def _get_read_place(self):
        """Names the folder that the position belongs to: elsewhere, reading starts anew."""
        self.ensure_one()
        return "|".join(map(str, (self.read_method, email_normalize(self.email or ""), self.read_folder or "INBOX")))

    # -- actions

    def action_test_reading(self):
        """Open the mailbox and look into the folder. Nothing is taken over; from now on the mailbox is read."""
        self.check_access("write")
        for provider in self:
            try:
                with provider._get_reader() as reader:
                    reader.list_new({}, fields.Date.today(), 1)
            except (TransportError, UserError) as error:
                provider._set_read_error(error)
            else:
                provider.write({"read_database": self._get_database_id(), "read_error": False, "read_hold_until": False})
        failed = self.filtered("read_error")
        if self - failed:
            self.env.ref("invoice_chaser.ir_cron_read_mailboxes").sudo()._trigger()
        return self._notify(
            self.env._("Reading failed") if failed else self.env._("Reading works"),
            "\n".join(failed.mapped("read_error")) or ", ".join(self.mapped("name")), "danger" if failed else "success")

    def action_read_now(self):
        """Read what has come, here and now; a mailbox that the scheduled job is reading is left to it."""
        self.ensure_one()
        self.check_access("write")
        if not self.is_reading:
            raise UserError(self.env._("Press Test Reading first."))
        if not self.sudo()._read_mailbox(commit=lambda: None):
            return self._notify(self.env._("It is being read right now"), self.name, "warning")
        if self.read_error:
            return self._notify(self.env._("Reading failed"), self.read_error, "danger")
        words = self.env._("%(looked)s looked at, %(kept)s taken over", looked=self.read_looked_count, kept=self.read_kept_count)
        return self._notify(self.env._("Mailbox read"), words, "success")

    def action_view_inbound(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("invoice_chaser.chaser_inbound_action")
        return action | {"domain": [("provider_id", "=", self.id)], "context": {}}

    # -- reading

    @api.model
    def _cron_read(self):
        """Read every mailbox that is set to be read, the one that waits longest first. Runs as a scheduled job."""
        now = fields.Datetime.now()
        due = self.search([("read_method", "!=", "none")], order="read_at nulls first, id").filtered(
            lambda provider: provider.is_reading and not (provider.read_hold_until and provider.read_hold_until > now))
        commit = self.env["ir.cron"]._commit_progress
        left, unfinished = commit(remaining=len(due)), False
        for provider in due:
            if not left:
                break
            try:
                unfinished |= provider._read_mailbox() == "more"
            except (psycopg2.errors.SerializationFailure, psycopg2.errors.DeadlockDetected):
                # Somebody changed what a mail changes, too. The position stands before it; the next run reads it.
                provider._fresh()
                unfinished = True
            left = commit(1)
        if unfinished:
            self.env.ref("invoice_chaser.ir_cron_read_mailboxes")._trigger()

    def _get_reader(self):
        """The adapter, not connected yet.

        :raises UserError: when the mailbox cannot be read at all (no key, no password)
        """
        self.ensure_one()
        return getattr(self, f"_get_reader_{self.read_method}")()

    @contextlib.contextmanager
    def _reader_lock(self):
        """True for the only reader of this mailbox on all servers; belongs to the connection, like the sender's."""
        alone = self._try_lock(_LOCK_SPACE)
        try:
            yield alone
        finally:
            if alone:
                with contextlib.suppress(psycopg2.InterfaceError, psycopg2.OperationalError):
                    self._unlock_reader()

    def _unlock_reader(self):
        unlock = SQL("SELECT pg_advisory_unlock(%s, %s)", _LOCK_SPACE, self.id)
        try:
            self.env.cr.execute(unlock, log_exceptions=False)
        except psycopg2.InternalError:
            # The transaction is broken already: nothing of it can be kept, but the lock would outlive it.
            self.env.cr.rollback()
            self.env.cr.execute(unlock)

    def _read_mailbox(self, commit=None):
        """A bounded number of pages. Whatever happens is written on the mailbox; nothing is raised.

        :return: False when another process reads it, ``"more"`` when pages are left, else True
        """
        commit = commit or self._commit_now
        with self._reader_lock() as alone:
            if not alone:
                return False
            self.write({"read_looked_count": 0, "read_kept_count": 0, "read_at": fields.Datetime.now()})
            try:
                with self._get_reader() as reader:
                    more = self._read_pages(reader, commit)
            except (TransportError, UserError) as error:
                self._set_read_error(error)
                more = False
            else:
                if self.read_error or self.read_hold_until:
                    self.write({"read_error": False, "read_hold_until": False})
            commit()
        return "more" if more else True

    def _read_pages(self, reader, commit):
        place, since = self._get_read_place(), fields.Date.subtract(fields.Date.today(), days=self.read_days)
        cursor = (self.sudo().read_cursor or {}) if self.read_place == place else {}
        for _number in range(_PAGES):
            page = reader.list_new(cursor, since, _PAGE)
            kept = self._take_page(reader, page.entries, commit)
            cursor = page.cursor
            # Behind the mails of the page: a process that dies before reads them again, and each counts once.
            self.sudo().write({
                "read_cursor": cursor, "read_place": place, "read_looked_count": self.read_looked_count + len(page.entries),
                "read_kept_count": self.read_kept_count + kept})
            commit()
            if not page.more:
                return False
        return True

    def _take_page(self, reader, entries, commit):
        """Fetch and take in what concerns us; returns how many. Of the person's other mail nothing but the headers is ever looked at."""
        outlines = {entry.ref: inbound.outline(entry.headers) for entry in entries}
        taken = []
        for ref in self._sort_page(outlines):
            raw = reader.fetch(ref, _MAX_MAIL_BYTES)
            if raw and self._take_mail(raw):
                taken.append(ref)
            commit()
        if taken and self.read_mark and isinstance(reader, MarkingReader):
            reader.mark_seen(taken)
        return len(taken)

    def _sort_page(self, outlines):
        """Those worth fetching: answers to us, reports, and mail of people we wrote to, which is not known yet. A fixed number of queries."""
        Inbound, own = self.env["chaser.inbound"].sudo(), email_normalize(self.email or "")
        known = Inbound._find_known(self.company_id, [outline.message_id for outline in outlines.values()])
        ours = Inbound._find_our_ids(self.company_id, [ref for outline in outlines.values() for ref in outline.references])
        written = Inbound._find_written_to(self.company_id, [outline.sender for outline in outlines.values() if outline.sender != own])
        return [
            ref for ref, outline in outlines.items()
            if outline.message_id not in known and (
                outline.is_report or outline.tokens or ours & set(outline.references)
                or (outline.sender in written and not outline.is_automatic and not outline.is_list))
        ]

    def _take_mail(self, raw):
        """One mail, for itself: a fault in it stops neither the others nor the run, and it is not lost."""
        found = inbound.read(raw)
        try:
            with self.env.cr.savepoint():
                return self.env["chaser.inbound"]._receive(self.company_id, found, self)
        except (psycopg2.InterfaceError, psycopg2.errors.SerializationFailure, psycopg2.errors.DeadlockDetected):
            raise
        except Exception:
            _logger.exception("A mail in mailbox %s could not be processed", self.id)
            return self.env["chaser.inbound"]._receive_broken(self.company_id, found, self)

    def _set_read_error(self, error):
        """Reading goes on by itself when the trouble is over; only a login that is refused needs a person."""
        values = {"read_error": str(error)}
        if isinstance(error, FolderMissing):
            values["read_error"] = self.env._("The folder “%(folder)s” cannot be opened. The mail service said: %(said)s", folder=self.read_folder, said=error)
        elif isinstance(error, RateLimited):
            values["read_hold_until"] = fields.Datetime.now() + error.retry_after
        elif isinstance(error, AuthenticationFailed) and not self.read_error:
            self._notify_read_refused(error)
        self.write(values)

    def _notify_read_refused(self, error):
        user = self.env["chaser.reminder"]._get_responsible(self.company_id, self.env["res.partner"])
        if user:
            self.activity_schedule(
                "mail.mail_activity_data_todo", user_id=user.id, summary=self.env._("Mailbox cannot be read"), note=str(error))
