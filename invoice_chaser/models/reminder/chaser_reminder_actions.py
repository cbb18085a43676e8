import logging
from datetime import timedelta

import psycopg2.errors

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL, format_datetime

from ...core.mail.errors import TransportError
from ..planning.open_items import PAID_STATES

_logger = logging.getLogger(__name__)
_WAITING = ("draft", "queued")
_LIVE = (*_WAITING, "sending")
# After so long a process that was found dead cannot hand its message over any more: a
# minute from the intent to the service (``core.mail.transports.base.FRESH``), and the
# ten minutes that the service may take for its response (RFC 5321 §4.5.3.2.6).
_SENDING = timedelta(minutes=15)


class ChaserReminder(models.Model):
    """What users do with reminders: leave out, retry, settle, move to another mailbox,
    record what the customer says; and what payments and reports settle by
    themselves."""

    _inherit = "chaser.reminder"  # pylint: disable=consider-merging-classes-inherited  # actions, apart from the record

    # What came back, as columns: read from the events, so that nothing drifts.
    replied_at = fields.Datetime(
        "Answered On", compute="_compute_moments", search="_search_replied_at"
    )
    unsubscribed_at = fields.Datetime(
        "Unsubscribed On", compute="_compute_moments", search="_search_unsubscribed_at"
    )
    bounce_class = fields.Selection(
        related="last_bounce_id.bounce_class", string="Kind of Bounce"
    )
    bounce_reason = fields.Char(related="last_bounce_id.bounce_reason")
    last_bounce_id = fields.Many2one(
        "chaser.event", compute="_compute_moments", search="_search_last_bounce_id"
    )
    saved_count = fields.Integer(
        "Messages Saved",
        compute="_compute_saved_count",
        help="How many more there would be with one message per invoice.",
    )

    @api.depends("event_ids.event_type")
    def _compute_moments(self):
        rows = self.env["chaser.event"]._read_group(
            [
                ("reminder_id", "in", self.ids),
                ("event_type", "in", ("replied", "unsubscribed", "bounced")),
            ],
            ["reminder_id", "event_type"],
            ["occurred_at:min", "id:max"],
        )
        found = {(one.id, kind): (at, last) for one, kind, at, last in rows}
        for reminder in self:
            nothing = (False, False)
            reminder.replied_at = found.get((reminder.id, "replied"), nothing)[0]
            reminder.unsubscribed_at = found.get(
                (reminder.id, "unsubscribed"), nothing
            )[0]
            reminder.last_bounce_id = found.get((reminder.id, "bounced"), nothing)[1]

    @api.depends("line_ids.move_id", "line_ids.dropped_code")
    def _compute_saved_count(self):
        for reminder in self:
            moves = reminder._get_live_lines().move_id
            reminder.saved_count = max(len(moves) - 1, 0)

    def _search_replied_at(self, operator, value):
        return self._search_moment("replied", operator, value)

    def _search_unsubscribed_at(self, operator, value):
        return self._search_moment("unsubscribed", operator, value)

    @api.model
    def _search_moment(self, event_type, operator, value):
        kind = Domain("event_type", "=", event_type)
        if operator == "in" and set(value) == {False}:
            return Domain("event_ids", "not any", kind)
        return Domain("event_ids", "any", kind & Domain("occurred_at", operator, value))

    def _search_last_bounce_id(self, operator, value):
        """Any of its bounces; what is asked is kind and words."""
        kind = Domain("event_type", "=", "bounced")
        if operator in ("any", "any!"):
            return Domain("event_ids", operator, kind & Domain(value))
        if operator == "in" and set(value) == {False}:
            return Domain("event_ids", "not any", kind)
        return Domain("event_ids", "any", kind & Domain("id", operator, value))

    may_send_again = fields.Boolean(compute="_compute_send_again")
    send_again_at = fields.Datetime(
        "May Be Sent Again From",
        compute="_compute_send_again",
        help="Until then the process that was sending it may still be at it.",
    )

    def _check_may_act(self):
        """Rights come from the campaign: users who may change it may decide on its
        reminders."""
        self.check_access("read")
        self.env["chaser.campaign"].check_access("write")
        self.campaign_id.check_access("write")

    def action_drop(self):
        """Take customers out of a campaign that is not sent to them yet."""
        self._check_may_act()
        open_ones = self.filtered(
            lambda reminder: reminder.state in ("draft", "queued")
        )
        if self - open_ones:
            raise UserError(
                self.env._("What is already sent or being sent cannot be changed.")
            )
        open_ones.sudo()._set_skipped("dropped", {"detail": self.env.user.name})

    def action_retry(self):
        """Queue failed reminders again. One whose outcome is open must be settled
        first, so that nothing goes out twice."""
        self._check_may_act()
        if self.filtered("is_undecided"):
            raise UserError(
                self.env._("Settle first whether it was sent: look into the mailbox.")
            )
        failed = self.filtered(lambda reminder: reminder.state == "failed")
        ended = failed.campaign_id.filtered(
            lambda campaign: campaign.state == "cancelled"
        )
        if ended:
            raise UserError(
                self.env._(
                    "Campaign “%s” is cancelled. Chase the invoices again to make "
                    "a new one.",
                    ended[0].name,
                )
            )
        failed.sudo()._set_state(
            "queued", attempt_count=0, scheduled_at=fields.Datetime.now()
        )
        failed.campaign_id._reopen()

    def action_settle_sent(self):
        """A user has found it in the mailbox: it was sent."""
        self._check_may_act()
        for reminder in self.filtered("is_undecided").sudo():
            reminder._set_state(
                "sent", is_undecided=False, sent_at=reminder.attempted_at
            )
            reminder._record_event("sent", source="manual")
            reminder._log_sent()

    def action_settle_not_sent(self):
        """A user has not found it in the mailbox: it goes back into the queue. Where
        the mailbox can be asked, it is, once more.

        :raises UserError: while the process that was sending it may still be at it
        """
        self._check_may_act()
        undecided = self.filtered("is_undecided")
        undecided._check_sender_is_over()
        found = undecided._ask_mailboxes()
        (undecided - found)._set_not_sent()
        if not found:
            return True
        return self.env["chaser.provider"]._notify(
            self.env._("It is in the mailbox"),
            self.env._("%s reminders were found: they were sent.", len(found)),
            "warning",
        )

    def _check_sender_is_over(self):
        if early := self.filtered(lambda reminder: not reminder.may_send_again):
            raise UserError(
                self.env._(
                    "“%(name)s” may still be on its way: look into the mailbox again "
                    "after %(moment)s.",
                    name=early[0].display_name,
                    moment=format_datetime(self.env, early[0].send_again_at),
                )
            )

    def _set_not_sent(self):
        ended = self.filtered(
            lambda reminder: reminder.campaign_id.state == "cancelled"
        )
        ended.sudo()._set_state("cancelled", is_undecided=False)
        # After a restore: what left of a campaign that is not sent here yet.
        drafts = self.filtered(lambda reminder: reminder.campaign_id.state == "draft")
        drafts.sudo()._set_state("draft", is_undecided=False)
        drafts.campaign_id._touch()
        again = self - ended - drafts
        again.sudo()._set_state(
            "queued",
            "settled_not_sent",
            {"detail": self.env.user.name},
            is_undecided=False,
            scheduled_at=fields.Datetime.now(),
        )
        again.campaign_id._reopen()

    def _ask_mailboxes(self):
        """Those that their mailbox holds after all, marked as sent. Where it cannot be
        asked, a person has looked."""
        for provider, reminders in self.sudo().grouped("provider_id").items():
            try:
                box = provider.state == "connected" and provider._get_sent_box__()
                if not box:
                    continue
                with box:
                    for reminder in reminders:
                        if box.find_sent(
                            reminder.internet_message_id or reminder.message_id
                        ):
                            reminder._settle_by_mailbox(True)
            except (TransportError, UserError) as error:
                _logger.info("Mailbox %s could not be asked: %s", provider.id, error)
        return self.filtered(lambda reminder: not reminder.is_undecided)

    def _compute_send_again(self):
        """By the database's clock, because the one who was sending may have another
        one."""
        undecided = self.filtered("is_undecided")
        self.env["chaser.event"].flush_model(["reminder_id", "event_type"])
        rows = self.env.execute_query(
            SQL(
                """SELECT DISTINCT ON (reminder_id) reminder_id, create_date,
                      raw_data->>'reason'
                 FROM chaser_event
                WHERE reminder_id = ANY(%s) AND event_type = 'failed'
                ORDER BY reminder_id, id DESC""",
                undecided.ids,
            )
        )
        # Who has met the broken line itself has ended with it.
        begun = {one: at for one, at, reason in rows if reason != "line_broke"}
        now = self.env.cr.now()
        for reminder in self:
            at = begun.get(reminder.id)
            reminder.send_again_at = at and at + _SENDING
            reminder.may_send_again = bool(
                reminder.is_undecided and (not at or at + _SENDING <= now)
            )

    def action_open_partner(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": "res.partner",
            "res_id": self.partner_id.id,
            "view_mode": "form",
        }

    @api.model
    def _cron_make_invoice_pdfs(self):
        self.env["chaser.documents"]._make_waiting_pdfs()

    def _plan_activity(self, activity_type_id):
        """What the level asks a person to do, once the message is out."""
        user = self.company_id._get_chaser_responsible(
            self.partner_id, self, self.campaign_id.user_id
        )
        words = user._say_chaser(
            self,
            lambda one: one.env._(
                "%(level)s sent: %(subject)s",
                level=one.level_id.name,
                subject=one.subject,
            ),
        )
        if user:
            self.partner_id._for_chaser(self.company_id).activity_schedule(
                activity_type_id=activity_type_id, user_id=user.id, summary=words
            )
        else:
            self.partner_id._message_log(
                body=self.env._(
                    "%s. Nobody works with reminders in this company, so nobody was "
                    "asked to follow it up.",
                    words,
                )
            )

    def _plan_page_todo(self, hold, summary):
        """One open to-do per hold, however often they say it."""
        user = self._get_page_responsible()
        if hold and user and not hold.activity_ids:
            hold.activity_schedule(
                "mail.mail_activity_data_todo",
                date_deadline=self.company_id._get_chaser_today(),
                user_id=user.id,
                summary=user._say_chaser(hold, summary),
            )

    # -- what a crash left open

    def _log_sent(self):
        """The notes for a reminder that was found to be sent after all."""
        self.ensure_one()
        sender = self._get_sender()
        sender._write_notes(
            [sender._make_late_note(self, self.campaign_id.user_id or self.env.user)]
        )

    def _settle_found(self, how):
        """It was sent after all, as ``how`` proves: the outcome that a crash left
        unknown is settled."""
        for reminder in self.filtered("is_undecided").sudo():
            reminder._set_state(
                "sent",
                "found_sent",
                {"detail": how},
                is_undecided=False,
                sent_at=reminder.attempted_at,
            )
            reminder._record_event(
                "sent",
                source="gateway",
                raw_data={"found": how},
                occurred_at=reminder.attempted_at,
            )
            reminder._log_sent()

    def _settle_by_mailbox(self, found):
        """The mailbox's response about an undecided reminder: True: sent; False:
        certainly not there; None: unknown."""
        self.ensure_one()
        if not self.is_undecided:
            return  # a user has settled it meanwhile
        if found:
            self._settle_found(self.env._("it is in the mailbox"))
        else:
            code = "undecided_absent" if found is False else "undecided_unseen"
            self._set_state(
                "failed",
                code,
                {"date": fields.Date.context_today(self).isoformat()},
                is_undecided=True,
            )

    # -- another mailbox for what has not left yet

    def _move_to(self, mailboxes):
        """Gives waiting reminders another mailbox; called as superuser. Reminders that
        are marked as being sent, or that the sender has locked, stay where they are:
        they may be on their way already.

        :param dict mailboxes: commercial partner id → mailbox id; customers that are
        not in it keep theirs
        :return: those that have the mailbox that they should have
        """
        self.flush_recordset(["provider_id", "state", "partner_id", "channel"])
        rows = self.env.execute_query(
            SQL(
                """SELECT r.id FROM chaser_reminder r
                JOIN res_company o ON o.id = r.company_id
                JOIN chaser_provider p ON p.company_id = ANY(
                string_to_array(rtrim(o.parent_path, '/'), '/')::int[])
                AND p.channel IS NOT DISTINCT FROM r.channel
                 JOIN unnest(%s::int[], %s::int[]) AS v(partner_id,
                 provider_id) ON v.partner_id = r.partner_id AND v.provider_id = p.id
                WHERE r.id = ANY(%s) AND r.state IN ('draft', 'queued')
                FOR NO KEY UPDATE OF r SKIP LOCKED""",
                list(mailboxes),
                list(mailboxes.values()),
                self.ids,
            )
        )
        free = self.browse(row[0] for row in rows)
        free.invalidate_recordset(["provider_id", "state"])
        for provider_id, reminders in free.grouped(
            lambda reminder: mailboxes[reminder.partner_id.id]
        ).items():
            moving = reminders.filtered(
                lambda reminder, new=provider_id: reminder.provider_id.id != new
            )
            if moving:
                moving.write(
                    {"provider_id": provider_id, **self._prepare_reason_values(False)}
                )
        return free

    def action_move_mailbox(self):
        """Opens the choice of another mailbox for these reminders."""
        self._check_may_act()
        return self.env["chaser.mailbox.move"]._open_for(
            self.filtered(lambda reminder: reminder.state in ("draft", "queued"))
        )

    def _set_waiting_reason(self, code, detail=""):
        """Sets why these wait until a user acts; called as superuser."""
        self.write(self._prepare_reason_values(code, {"detail": detail}))

    def _read_shown_reasons(self):
        return self.env["chaser.waiting"]._read_reasons(self)

    # -- records beside it

    def action_view_inbound(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "invoice_chaser.chaser_inbound_action"
        )
        return action | {"domain": [("reminder_id", "=", self.id)], "context": {}}

    def action_call(self):
        """Record a call about this reminder."""
        self.ensure_one()
        return self.env["chaser.call"]._open(self.partner_id, reminder=self)

    # -- Buttons on a reminder for what the customer answered to it

    def _get_chaser_subject(self):
        moves = self._get_live_lines().move_id.filtered(
            lambda move: move.payment_state not in PAID_STATES
        )
        return self.partner_id, self.company_id, moves, self

    # -- customers that join another one (``chaser.identity``)

    def _settle_clash(self, partner_id):
        """These become another customer's, who has live reminders of their own: nobody
        is asked twice, so of two that wait the other's goes. Called by
        ``chaser.identity``; returns all of these."""
        live = self.filtered(
            lambda one: (one.state in _LIVE or one.is_undecided)
            and one.purpose != "colleague"
        )
        if not live:
            return self
        partner = self.env["res.partner"].browse(partner_id)
        theirs = self.search(
            [
                ("partner_id", "=", partner_id),
                ("company_id", "in", live.company_id.ids),
                ("purpose", "!=", "colleague"),
                "|",
                ("state", "in", _LIVE),
                ("is_undecided", "=", True),
            ]
        )
        kept = {}
        # What is with the mail service, or may be, stays; then what was there first.
        for reminder in (theirs + live).sorted(lambda one: one.state in _WAITING):
            first = kept.setdefault((reminder.company_id, reminder.purpose), reminder)
            if first.partner_id == reminder.partner_id:
                continue
            if reminder.state in _WAITING:
                reminder._set_skipped("joined", {"detail": partner.display_name})
            elif not reminder.split_move_id:
                # Both may be out already: both stay, each for its own invoices.
                reminder.split_move_id = reminder.line_ids.move_id[:1]
        return self

    # -- what payments change

    def _on_reconciled(self, move_lines):
        """Items were paid, credited or matched: waiting reminders about them stop at
        once.

        A reminder that the sender holds or has just changed is left to it: it reads the
        balance under a lock before it sends, and ``_sweep_paid`` comes later. A payment
        never fails or waits because of a reminder.
        """
        if not move_lines:
            return
        # What the caller has written goes to the database before our savepoint: errors
        # of it, such as a conflict that Odoo repeats, are the caller's.
        self.env.cr.flush()
        try:
            with self.env.cr.savepoint():
                self._settle_paid(
                    SQL(
                        "r.id IN (SELECT reminder_id FROM chaser_reminder_line WHERE "
                        "move_line_id = ANY(%s) AND NOT is_credit)",
                        list(move_lines.ids),
                    )
                )
        except psycopg2.errors.SerializationFailure:
            _logger.info(
                "Reminders of paid items %s are changed by the sender right now; it "
                "settles them",
                move_lines.ids,
            )

    def _on_unreconciled(self, move_lines):
        """A payment was taken back: reminders that counted as paid because of it are
        open again. Skipped ones stay skipped."""
        if move_lines:
            self.env["account.move.line"].flush_model(["reconciled"])
            self.search(
                [
                    ("paid_at", "!=", False),
                    ("state", "=", "sent"),
                    (
                        "line_ids",
                        "any",
                        [
                            ("move_line_id", "in", move_lines.ids),
                            ("is_credit", "=", False),
                            ("dropped_code", "=", False),
                            ("move_line_id.reconciled", "=", False),
                        ],
                    ),
                ]
            ).write({"paid_at": False})
            self._skip_thanks(move_lines)

    def _skip_thanks(self, move_lines):
        """A payment was taken back: waiting thank-yous for it are skipped."""
        waiting = self.search(
            [
                ("purpose", "=", "thanks"),
                ("state", "in", ("draft", "queued")),
                (
                    "line_ids",
                    "any",
                    [
                        ("move_line_id", "in", move_lines.ids),
                        ("move_line_id.reconciled", "=", False),
                    ],
                ),
            ]
        )
        # A reminder that the sender has locked reads the balance itself before it goes.
        for reminder in waiting.try_lock_for_update(allow_referencing=True):
            numbers = reminder.line_ids.filtered(
                lambda line: line.move_line_id in move_lines
            ).mapped("number")
            reminder._set_skipped(
                "thanks_taken_back", {"detail": ", ".join(filter(None, numbers))}
            )

    def _settle_paid(self, condition):
        """Waiting reminders whose items are all settled are skipped; sent ones get the
        time of it."""
        self.env.cr.execute(
            SQL(
                """SELECT r.id FROM chaser_reminder r
                WHERE r.state IN ('draft', 'queued', 'sent') AND r.purpose <> 'thanks'
                AND r.paid_at IS NULL AND %s
                  AND EXISTS (SELECT 1 FROM chaser_reminder_line l
                  WHERE l.reminder_id = r.id AND NOT l.is_credit
                  AND l.dropped_code IS NULL)
                  AND NOT EXISTS (SELECT 1 FROM chaser_reminder_line l
                  LEFT JOIN account_move_line a ON a.id = l.move_line_id
                                   WHERE l.reminder_id = r.id AND NOT l.is_credit
                                   AND l.dropped_code IS NULL AND NOT
                                   coalesce(a.reconciled, false))
                  FOR NO KEY UPDATE OF r SKIP LOCKED""",
                condition,
            ),
            log_exceptions=False,
        )
        reminders = self.browse(row[0] for row in self.env.cr.fetchall())
        waiting = reminders.filtered(
            lambda reminder: reminder.state in ("draft", "queued")
        )
        waiting._set_skipped("paid")
        (reminders - waiting).write({"paid_at": fields.Datetime.now()})
        reminders.flush_recordset()
