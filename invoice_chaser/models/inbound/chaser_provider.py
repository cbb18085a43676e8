import contextlib
import logging
from dataclasses import replace

import psycopg2

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import SQL, email_normalize

from ...core.inbound import inbound
from ...core.mail.connection import ServerSettings
from ...core.mail.errors import AuthenticationFailed, RateLimited, TransportError
from ...core.mail.oauth import API
from ...core.mail.readers.base import FolderMissing, MarkingReader
from ...core.mail.readers.gmail import GmailReader
from ...core.mail.readers.graph import GraphReader
from ...core.mail.readers.imap import ImapReader
from ..common.chaser_secret_mixin import secret_fields
from ..common.limits import check_numbers

_logger = logging.getLogger(__name__)
# First key of the advisory lock: "chre" in ASCII; the second is the mailbox's id.
_LOCK_SPACE = 0x63687265
_PAGE = 40
_PAGES = 5
_MAX_MAIL_BYTES = 10_000_000
# What a password for reading belongs to.
_IMAP_SERVER = frozenset(("imap_host", "imap_port", "imap_encryption"))


class ChaserProvider(models.Model):
    """Reading a mailbox for answers and delivery reports. A further way to read defines
    ``_get_reader_<method>__``. Reading never happens in the send loop: it has a
    job of its own, which goes over all mailboxes, and an advisory lock of its own for
    each of them."""

    _inherit = "chaser.provider"  # pylint: disable=consider-merging-classes-inherited  # mail that comes in

    read_method = fields.Selection(
        [
            ("none", "Odoo's mail gateway alone"),
            ("imap", "IMAP"),
            ("gmail", "Gmail API"),
            ("graph", "Microsoft Graph"),
        ],
        "Read Answers by",
        default="none",
        required=True,
        tracking=True,
        help="How answers and delivery reports that land in this mailbox are found. "
        "Those that reach Odoo's mail gateway are always found.",
    )
    read_folder = fields.Char("Folder", default="INBOX", tracking=True)
    read_mark = fields.Boolean(
        "Mark as Read",
        tracking=True,
        help="Mark the mails that were taken over as read. Others are never touched.",
    )
    read_days = fields.Integer(
        "Look Back (Days)",
        default=14,
        aggregator=None,
        tracking=True,
        help="How old a mail may be that is found when the mailbox is read for the "
        "first time.",
    )
    read_database = fields.Char(
        readonly=True,
        copy=False,
        help="The database in which reading was tested; a copy of it must test it "
        "again.",
    )
    read_place = fields.Char(
        readonly=True,
        copy=False,
        help="Which folder of which mailbox the position belongs to.",
    )
    read_cursor = fields.Json(readonly=True, copy=False, groups=fields.NO_ACCESS)
    read_trying = fields.Char(
        readonly=True,
        copy=False,
        groups=fields.NO_ACCESS,
        help="The mail that is being read; still there when its process has ended.",
    )
    read_at = fields.Datetime("Last Read", readonly=True, copy=False)
    read_error = fields.Text("Reading Failed", readonly=True, copy=False, tracking=True)
    read_hold_until = fields.Datetime("Reading Rests Until", readonly=True, copy=False)
    read_looked_count = fields.Integer(
        "Looked at",
        readonly=True,
        copy=False,
        aggregator=None,
        help="Mails of the last run, by their headers alone.",
    )
    read_kept_count = fields.Integer(
        "Taken over",
        readonly=True,
        copy=False,
        aggregator=None,
        help="Mails of the last run that concern reminders.",
    )
    is_reading = fields.Boolean("Is Read", compute="_compute_is_reading")
    inbound_count = fields.Integer("Incoming", compute="_compute_inbound_count")

    _read_days_check = models.Constraint(
        "CHECK(read_days BETWEEN 0 AND 365)",
        "Looking back is possible for up to a year.",
    )
    imap_host = fields.Char("IMAP Server", tracking=True)
    imap_port = fields.Integer("IMAP Port", default=993, tracking=True, aggregator=None)
    imap_encryption = fields.Selection(
        [("ssl", "TLS"), ("starttls", "STARTTLS"), ("none", "None")],
        "IMAP Encryption",
        default="ssl",
        tracking=True,
        help="With STARTTLS and TLS the server's certificate is checked.",
    )
    imap_login = fields.Selection(
        [
            ("smtp", "As for sending"),
            ("own", "Own user and password"),
            ("oauth", "Consent of this mailbox (XOAUTH2)"),
        ],
        "IMAP Login",
        default="smtp",
        required=True,
        tracking=True,
    )
    imap_user = fields.Char("IMAP User", tracking=True)
    imap_password, imap_password_sealed, has_imap_password = secret_fields(
        "imap_password",
        "IMAP Password",
        told_by="has_imap_password",
        strip=False,
        help="Stored encrypted; it cannot be read back.",
    )

    # -- computes and constraints

    @api.depends("read_method", "read_database", "state", "active")
    def _compute_is_reading(self):
        database = self._get_database_id()
        for provider in self:
            provider.is_reading = (
                provider.active
                and provider.read_method != "none"
                and provider.read_database == database
                and provider.state != "disabled"
            )

    def _compute_inbound_count(self):
        rows = self.env["chaser.inbound"]._read_group(
            [("provider_id", "in", self.ids)], ["provider_id"], ["__count"]
        )
        counts = {provider.id: count for provider, count in rows}
        for provider in self:
            provider.inbound_count = counts.get(provider.id, 0)

    @api.constrains("read_days", "imap_port")
    def _check_read_numbers(self):
        check_numbers(self, {"read_days": (0, 365), "imap_port": (1, 65535)})

    @api.constrains("read_method", "read_mark", "kind")
    def _check_read_method(self):
        for provider in self:
            wanted = {"gmail": "gmail", "graph": "outlook"}.get(provider.read_method)
            if wanted and provider.kind != wanted:
                raise ValidationError(
                    self.env._(
                        "“%s”: this way of reading belongs to another kind of "
                        "mailbox. Choose IMAP.",
                        provider.name,
                    )
                )
            if provider.read_mark and provider.read_method != "imap":
                raise ValidationError(
                    self.env._(
                        "“%s”: mails can be marked as read by IMAP only; the rights "
                        "to read through an API do not cover it.",
                        provider.name,
                    )
                )

    def _get_read_place(self):
        """Names the folder that the position belongs to: for another folder, reading
        starts from the beginning."""
        self.ensure_one()
        place = [
            self.read_method,
            email_normalize(self.email or ""),
            self.read_folder or "INBOX",
        ]
        if self.read_method == "imap":
            place += [self.imap_host, self._get_imap_user()]
        return "|".join(map(str, place))

    # -- actions

    def action_test_reading(self):
        """Connect and look into the folder. No mail is fetched yet; from now on the
        mailbox is read."""
        self.check_access("write")
        for provider in self:
            try:
                with provider._get_reader__() as reader:
                    reader.list_new({}, fields.Date.today(), 1)
            except (TransportError, UserError) as error:
                provider._set_read_error(error)
            else:
                provider._by_program().write(
                    {
                        "read_database": self._get_database_id(),
                        "read_error": False,
                        "read_hold_until": False,
                    }
                )
        failed = self.filtered("read_error")
        if self - failed:
            self.env.ref("invoice_chaser.ir_cron_read_mailboxes").sudo()._trigger()
        return self._notify(
            self.env._("Reading failed") if failed else self.env._("Reading works"),
            "\n".join(failed.mapped("read_error")) or ", ".join(self.mapped("name")),
            "danger" if failed else "success",
        )

    def action_read_now(self):
        """Read what has come, here and now; a mailbox that the scheduled job is reading
        is left to it."""
        self.ensure_one()
        self.check_access("write")
        if not self.is_reading:
            raise UserError(self.env._("Press Test Reading first."))
        if not self.sudo()._read_mailbox(commit=lambda: None):
            return self._notify(
                self.env._("It is being read right now"), self.name, "warning"
            )
        if self.read_error:
            return self._notify(self.env._("Reading failed"), self.read_error, "danger")
        words = self.env._(
            "%(looked)s looked at, %(kept)s taken over",
            looked=self.read_looked_count,
            kept=self.read_kept_count,
        )
        return self._notify(self.env._("Mailbox read"), words, "success")

    def action_view_inbound(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "invoice_chaser.chaser_inbound_action"
        )
        return action | {"domain": [("provider_id", "=", self.id)], "context": {}}

    # -- reading

    @api.model
    def _cron_read(self):
        """Read every mailbox that is set to be read, the one that waits longest first.
        Runs as a scheduled job."""
        now = fields.Datetime.now()
        due = self.search(
            [("read_method", "!=", "none")], order="read_at nulls first, id"
        ).filtered(
            lambda provider: provider.is_reading
            and not (provider.read_hold_until and provider.read_hold_until > now)
        )
        commit = self.env["ir.cron"]._commit_progress
        left, unfinished = commit(remaining=len(due)), False
        for provider in due:
            if not left:
                break
            try:
                unfinished |= provider._read_mailbox() == "more"
            except (
                psycopg2.errors.SerializationFailure,
                psycopg2.errors.DeadlockDetected,
            ):
                # Another process changed the same records. The position is still before
                # this mail, so the next run reads it again.
                provider._fresh()
                unfinished = True
            left = commit(1)
        if unfinished:
            self.env.ref("invoice_chaser.ir_cron_read_mailboxes")._trigger()

    def _get_reader__(self):
        """The adapter, not connected yet.

        :raises UserError: when the mailbox cannot be read at all (no key, no password)
        """
        self.ensure_one()
        return getattr(self, f"_get_reader_{self.read_method}__")()

    @contextlib.contextmanager
    def _reader_lock(self):
        """True for the only reader of this mailbox on all servers; belongs to the
        connection, like the sender's."""
        alone = self._try_lock(_LOCK_SPACE)
        try:
            yield alone
        finally:
            if alone:
                with contextlib.suppress(
                    psycopg2.InterfaceError, psycopg2.OperationalError
                ):
                    self._unlock_reader()

    def _unlock_reader(self):
        unlock = SQL("SELECT pg_advisory_unlock(%s, %s)", _LOCK_SPACE, self.id)
        try:
            self.env.cr.execute(unlock, log_exceptions=False)
        except psycopg2.InternalError:
            # The transaction has failed and cannot be kept, but the lock would outlive
            # it.
            self.env.cr.rollback()
            self.env.cr.execute(unlock)

    def _read_mailbox(self, commit=None):
        """A bounded number of pages. Whatever happens is written on the mailbox;
        nothing is raised.

        :return: False when another process reads it, ``"more"`` when pages are left,
        else True
        """
        commit = commit or self._commit_now
        with self._reader_lock() as alone:
            if not alone:
                return False
            self._by_program().write(
                {
                    "read_looked_count": 0,
                    "read_kept_count": 0,
                    "read_at": fields.Datetime.now(),
                }
            )
            try:
                with self._get_reader__() as reader:
                    more = self._read_pages(reader, commit)
            except (TransportError, UserError) as error:
                self._set_read_error(error)
                more = False
            else:
                if self.read_error or self.read_hold_until:
                    self._by_program().write(
                        {"read_error": False, "read_hold_until": False}
                    )
            commit()
        return "more" if more else True

    def _read_pages(self, reader, commit):
        place, since = (
            self._get_read_place(),
            fields.Date.subtract(fields.Date.today(), days=self.read_days),
        )
        cursor = (self.sudo().read_cursor or {}) if self.read_place == place else {}
        for _number in range(_PAGES):
            page = reader.list_new(cursor, since, _PAGE)
            kept = self._process_page(reader, page.entries, commit)
            cursor = page.cursor
            # Stored after the mails of the page: if the process dies before, they are
            # read again, and each still counts once.
            self.sudo().write(
                {
                    "read_cursor": cursor,
                    "read_place": place,
                    "read_looked_count": self.read_looked_count + len(page.entries),
                    "read_kept_count": self.read_kept_count + kept,
                }
            )
            commit()
            if not page.more:
                return False
        return True

    def _process_page(self, reader, entries, commit):
        """Fetch and take in what concerns us; returns how many. Of other mail only the
        headers are ever looked at."""
        outlines = {entry.ref: inbound.outline(entry.headers) for entry in entries}
        headers = {entry.ref: entry.headers for entry in entries}
        taken, ended = [], self.sudo().read_trying
        matcher, own = self.env["chaser.inbound.matcher"], email_normalize(self.email)
        for ref in matcher._choose_page(self.company_id, outlines, own):
            # Named before it is read: a process that it ends sets it aside the next
            # time, so that one mail cannot stop the mailbox.
            if ref == ended:
                _logger.warning(
                    "A mail in mailbox %s ended its reading; it is set aside", self.id
                )
                self._set_aside(headers[ref])
                continue
            self.sudo().read_trying = ref
            commit()
            raw = reader.fetch(ref, _MAX_MAIL_BYTES)
            if raw and self._process_mail(raw):
                taken.append(ref)
            self.sudo().read_trying = False
            commit()
        if taken and self.read_mark and isinstance(reader, MarkingReader):
            reader.mark_seen(taken)
        return len(taken)

    def _process_mail(self, raw):
        """One mail, for itself: a fault in it stops neither the others nor the run, and
        it is not lost."""
        found = inbound.read(raw)
        self.env.cr.flush()  # an error of what came before is no fault of this mail
        try:
            with self.env.cr.savepoint():
                return self.env["chaser.inbound"]._receive(self.company_id, found, self)
        except (
            psycopg2.InterfaceError,
            psycopg2.errors.SerializationFailure,
            psycopg2.errors.DeadlockDetected,
        ):
            raise
        except Exception:
            _logger.exception("A mail in mailbox %s could not be processed", self.id)
            return self.env["chaser.inbound"]._receive_broken(
                self.company_id, found, self
            )

    def _set_aside(self, headers):
        """A mail that cannot be read is listed by its headers, for a person."""
        found = inbound.read(headers.rstrip() + b"\r\n\r\n")
        found = replace(found, is_cut=True)
        self.env["chaser.inbound"]._receive_broken(self.company_id, found, self)
        self.sudo().read_trying = False

    def _set_read_error(self, error):
        """Reading goes on by itself when the problem is over; only a refused login
        needs a person."""
        values = {"read_error": str(error)}
        if isinstance(error, FolderMissing):
            values["read_error"] = self.env._(
                "The folder “%(folder)s” cannot be opened. The mail service said: "
                "%(said)s",
                folder=self.read_folder,
                said=error,
            )
        elif isinstance(error, RateLimited):
            values["read_hold_until"] = fields.Datetime.now() + error.retry_after
        elif isinstance(error, AuthenticationFailed) and not self.read_error:
            self._notify_read_refused(error)
        self._by_program().write(values)

    def _notify_read_refused(self, error):
        user = self.company_id._get_chaser_responsible()
        if user:
            self.activity_schedule(
                "mail.mail_activity_data_todo",
                user_id=user.id,
                summary=user._say_chaser(
                    self, lambda one: one.env._("Mailbox cannot be read")
                ),
                note=str(error),
            )

    # -- the ways to read

    @api.constrains("imap_login", "read_method", "kind")
    def _check_imap_login(self):
        for provider in self:
            if (
                provider.read_method == "imap"
                and provider.imap_login == "oauth"
                and not provider.is_oauth
            ):
                raise ValidationError(
                    self.env._(
                        "“%s” has no consent to read with. Choose a user and a "
                        "password.",
                        provider.name,
                    )
                )

    def _prepare_write_effects(self, vals):
        """A password goes to the server it was entered for: with another server it must
        be entered, or tested, again."""
        self._check_lent_password(vals)
        effects = super()._prepare_write_effects(vals)
        if _IMAP_SERVER & set(vals):
            moved = self.filtered("imap_host")._filter_moved(vals, _IMAP_SERVER)
            effects.append(
                lambda: moved._forget_imap_server(
                    keep_password=bool(vals.get("imap_password"))
                )
            )
        return effects

    def _check_lent_password(self, vals):
        """The SMTP password may serve IMAP, too, but goes to no server that it was not
        entered for.

        :raises UserError: when it would
        """
        names = _IMAP_SERVER | {"imap_login"}
        if not names & set(vals) or vals.get("smtp_password"):
            return
        for provider in self.sudo().filtered("smtp_password_sealed"):
            new = {name: vals.get(name, provider[name]) for name in names}
            same = new["imap_host"] == provider.smtp_host and "none" not in {
                new["imap_encryption"],
                provider.smtp_encryption,
            }
            if (
                new["imap_login"] == "smtp"
                and new["imap_host"]
                and not same
                and provider._filter_moved(vals, names)
            ):
                raise UserError(
                    self.env._(
                        "“%(name)s” would give its password to %(host)s. Enter the "
                        "password again together with this server, or choose a login "
                        "of its own.",
                        name=provider.name,
                        host=new["imap_host"],
                    )
                )

    def _forget_imap_server(self, keep_password):
        if self:
            self.sudo().write({"read_database": False})
            if not keep_password:
                self._seal("imap_password_sealed", False)

    def action_clear_imap_password(self):
        self._forget_secret("imap_password_sealed")

    def _get_imap_user(self):
        users = {"smtp": self.smtp_user, "own": self.imap_user}
        return users.get(self.imap_login) or email_normalize(self.email or "")

    # -- adapters

    def _get_reader_none__(self):
        raise UserError(self.env._("Choose first how “%s” is read.", self.name))

    def _get_reader_imap__(self):
        if not self.imap_host or not self.imap_port:
            raise UserError(
                self.env._("“%s” names no IMAP server. Enter host and port.", self.name)
            )
        password, get_token = "", None
        if self.imap_login == "oauth":
            get_token = self._get_reading_token__(
                getattr(self, f"_get_imap_resource_{self.kind}")()
            )
        else:
            password = self._open_secret__(
                "smtp_password_sealed"
                if self.imap_login == "smtp"
                else "imap_password_sealed"
            )
        server = ServerSettings(
            self.imap_host,
            self.imap_port,
            self.imap_encryption or "ssl",
            self._get_imap_user(),
            password,
        )
        return ImapReader(server, self.read_folder or "INBOX", get_token)

    def _reads_imap_by_consent(self):
        """Whether the consent must cover IMAP. A kind whose service offers that defines
        ``_get_imap_resource_<kind>``: which token opens it."""
        return (
            self.read_method == "imap"
            and self.imap_login == "oauth"
            and self.oauth_access == "send_read"
        )

    def _get_reader_gmail__(self):
        return GmailReader(
            self.read_folder or "INBOX", self._get_reading_token__(), self._get_detour()
        )

    def _get_reader_graph__(self):
        folder = self.read_folder or "inbox"
        return GraphReader(
            folder.lower() if folder.upper() == "INBOX" else folder,
            self._get_reading_token__(),
            self._get_detour(),
        )

    def _get_reading_token__(self, resource=API):
        """What gives a reader its tokens.

        :raises UserError: when the consent does not cover reading
        """
        if not self._can_read_mailbox():
            raise UserError(
                self.env._(
                    "The consent of “%s” does not cover reading. Set Rights to “Send "
                    "and read answers”, save, and press Connect again.",
                    self.name,
                )
            )
        return lambda rejected: self._fetch_access_token__(resource, rejected)
