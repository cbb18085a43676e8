from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup
from psycopg2.extras import Json

from odoo import api, fields, models
from odoo.tools import SQL

from ...core.mail.errors import (
    MessageRefused,
    NoSession,
    OutcomeUnknown,
    PolicyRefused,
    RecipientRefused,
    StoodStill,
    Unreachable,
)
from ...core.match.reference import make_reference
from ...core.pace.throttle import retry_delay


@dataclass(frozen=True)
class Note:
    """What is noted on customer and invoices about a sent message, as plain values,
    because it is written at the end of the batch, after several commits."""

    reminder_id: int
    sender_model: str
    message_type: str
    partner_id: int
    move_ids: tuple[int, ...]
    message_id: str
    subject: str
    recipients: tuple[str, ...]
    sender: str
    reply_to: str
    moment: datetime
    user_id: int
    activity_type_id: int
    company_id: int
    copies: tuple[str, ...] = ()
    copies_left_out: tuple[tuple, ...] = ()


class ChaserSender(models.AbstractModel):
    """What the sender records: the intent, that a message was sent, the notes on
    customer and invoices; and what refusals and interruptions mean for a reminder."""

    _inherit = "chaser.sender"  # pylint: disable=consider-merging-classes-inherited  # the steps stand alone in their file

    # -- the mark: the lines and the exact message

    def _keep_lines(self, job):
        """Writes the figures of the message to the lines."""
        Line, today = self.env["chaser.reminder.line"], job.settings["today"]
        for row in job.items:
            values = _prepare_line_values(row, today)
            if values != {
                "amount": row["shown_amount"],
                "amount_residual": row["shown_residual"],
                "days_overdue": row["shown_days"],
            }:
                Line.browse(row["line_id"]).write(values)
        if job.credits or job.row["has_credits"]:
            self._keep_credits(job, today)

    def _keep_credits(self, job, today):
        shown = {row["id"]: row for row in job.credits}
        reminder = job.reminder
        for line in reminder.line_ids.filtered("is_credit"):
            row = shown.pop(line.move_line_id.id, None)
            line.write(
                _prepare_line_values(row, today)
                if row
                else {"dropped_code": "not_open"}
            )
        self.env["chaser.reminder.line"].create(
            [
                {
                    "reminder_id": reminder.id,
                    "company_id": reminder.company_id.id,
                    "move_line_id": row["id"],
                    "move_id": row["move_id"],
                    "is_credit": True,
                    "currency_id": row["currency_id"],
                    "number": row["number"],
                    "invoice_date": row["invoice_date"],
                    "amount_company": row["company_residual"],
                    **_prepare_line_values(row, today),
                }
                for row in shown.values()
            ]
        )

    def _write_mark(self, job):
        """The intent; counted, for what is kept outside of the database."""
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                "WITH mark AS (%s) %s RETURNING (SELECT number_next FROM mark)",
                self.env["chaser.watermark"]._get_count_sql(job.run.provider.id),
                self._make_update_sql(
                    job.reminder,
                    {
                        "state": "sending",
                        "attempt_count": (job.row["attempt_count"] or 0) + 1,
                        "attempted_at": fields.Datetime.now(),
                        "message_id": job.message.message_id,
                        "payment_reference": make_reference(job.reminder.id),
                        "template_version_id": job.version_id,
                        **job.channel._prepare_kept_values(job),
                        **job.reminder._prepare_reason_values(False),
                        **self.env["chaser.documents"]._keep(job),
                    },
                ),
            )
        )
        [job.number] = self.env.cr.fetchone()

    @api.model
    def _make_update_sql(self, reminder, values):
        """One UPDATE past the ORM, because the two of a message cost half of what
        ``write`` does. For fields on which nothing stored depends; what others have to
        write is flushed before."""
        columns = [
            SQL(
                "%s = %s",
                SQL.identifier(name),
                reminder._fields[name].convert_to_column(value, reminder),
            )
            for name, value in values.items()
        ]
        reminder.invalidate_recordset(flush=False)
        return SQL(
            "UPDATE chaser_reminder SET %s, write_uid = %s, write_date = now() AT "
            "TIME ZONE 'UTC' WHERE id = %s",
            SQL(", ").join(columns),
            self.env.uid,
            reminder.id,
        )

    # -- the record: it was sent

    def _write_sent(self, job):
        """Writes state and event by one statement; returns the moment."""
        now, result = fields.Datetime.now(), job.result
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                "WITH event AS (%s) %s",
                self._get_event_sql(job, now),
                self._make_update_sql(
                    job.reminder,
                    {
                        "state": "sent",
                        "sent_at": now,
                        "is_undecided": False,
                        "provider_message_id": result.provider_message_id or False,
                        **job.channel._prepare_sent_values(result),
                    },
                ),
            )
        )
        self.env["chaser.event"].invalidate_model(flush=False)
        return now

    @api.model
    def _get_event_sql(self, job, moment):
        result, own = job.result, job.row
        raw_data = {
            "response": result.response,
            **({"refused": result.refused} if result.refused else {}),
        }
        return SQL(
            """INSERT INTO chaser_event (reminder_id, campaign_id, company_id,
            partner_id, event_type, source, raw_data, occurred_at,
                      create_uid, write_uid, create_date, write_date)
               VALUES (%(id)s, %(campaign)s, %(company)s, %(partner)s, 'sent', 'api',
               %(raw)s, %(at)s, %(uid)s, %(uid)s,
                      now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC')""",
            id=job.reminder.id,
            campaign=own["campaign_id"],
            company=own["company_id"],
            partner=own["partner_id"],
            raw=Json(raw_data),
            at=moment,
            uid=self.env.uid,
        )

    # -- the notes: on customer and invoices, with an activity where the level asks for
    # one

    def _make_note(self, job, moment):
        own = job.row
        level = self.env["chaser.composer"]._get_level_values(job)
        return Note(
            job.reminder.id,
            self._name,
            job.channel._message_type,
            own["partner_id"],
            tuple(dict.fromkeys(row["move_id"] for row in job.items)),
            job.message.message_id,
            moment=moment,
            user_id=own["user_id"],
            activity_type_id=level["activity_type_id"],
            company_id=own["company_id"],
            copies=tuple(job.copies),
            copies_left_out=tuple(job.copies_left_out),
            **job.channel._prepare_note(job),
        )

    def _make_late_note(self, reminder, user, with_activity=False):
        """The note of a reminder that is known to be sent, but has none yet."""
        level = reminder.level_id if with_activity else self.env["chaser.level"]
        channel = reminder._get_channel()
        return Note(
            reminder.id,
            self._name,
            channel._message_type,
            reminder.partner_id.id,
            tuple(reminder._get_live_lines().move_id.ids),
            reminder.message_id,
            moment=reminder.sent_at,
            user_id=user.id,
            activity_type_id=level.activity_type_id.id,
            company_id=reminder.company_id.id,
            copies=tuple(filter(None, (reminder.recipient_cc or "").split(", "))),
            **channel._prepare_late_note(reminder),
        )

    @api.model
    def _write_notes(self, notes):
        """Notes without notifying anyone, for many messages at once and by the ORM, so
        that other addons see them."""
        values = []
        for note in notes:
            author_id, lang = self._get_author(note)
            sender = self.env[note.sender_model].with_context(lang=lang)
            values += sender._prepare_notes(note, author_id)
        self.env["mail.message"].sudo().create(values)
        for note in notes:
            if note.copies:
                self.env["chaser.sender.colleague"]._queue(
                    self.env["chaser.reminder"].sudo().browse(note.reminder_id),
                    note.copies,
                )
            if note.activity_type_id:
                _author_id, lang = self._get_author(note)
                reminder = (
                    self.env["chaser.reminder"]
                    .with_context(lang=lang)
                    .browse(note.reminder_id)
                )
                reminder._plan_activity(note.activity_type_id)

    @api.model
    def _get_author(self, note):
        """The author of the notes, and the language in which they are written."""
        user = self.env["res.users"].browse(note.user_id or ())
        return user.partner_id.id, user.lang or self.env.lang

    def _prepare_notes(self, note, author_id):
        """A note for each invoice, and one for the customer. The customer's note comes
        last, because a reply is matched by Message-ID with the newest message and so
        gets there."""
        words = self._get_sent_words(", ".join(note.recipients))
        values = {
            "body": Markup("<p>%s</p><p><b>%s</b></p>") % (words, note.subject)
            + self._describe_left_out(note),
            "subject": note.subject,
            "message_id": note.message_id,
            "message_type": note.message_type,
            "is_internal": True,
            "subtype_id": self.env["ir.model.data"]._xmlid_to_res_id("mail.mt_note"),
            "author_id": author_id,
            "email_from": note.sender,
            "reply_to": note.reply_to or note.sender,
            "date": note.moment,
        }
        return [
            *(
                values | {"model": "account.move", "res_id": move_id}
                for move_id in note.move_ids
            ),
            # Other companies that have the customer in common do not see it.
            values
            | {
                "model": "res.partner",
                "res_id": note.partner_id,
                "chaser_company_id": note.company_id,
            },
        ]

    @api.model
    def _describe_left_out(self, note):
        """Who was to get a copy and did not, with the reason."""
        return Markup().join(
            Markup("<p>%s</p>")
            % self.env._(
                "No copy to %(address)s: %(reason)s",
                address=address,
                reason=self.env["chaser.reason.mixin"]._get_reason_text(code, params),
            )
            for address, code, params in note.copies_left_out
        )

    @api.model
    def _get_sent_words(self, recipients):
        """What the note on customer and invoices says."""
        return self.env._("Payment reminder sent to %s", recipients)

    # -- when it cannot be sent

    def _handle_transport_error(self, job, error):
        """The service's response decides: about this message, this customer, or the
        whole mailbox."""
        reminder = job.reminder
        job.run.provider._fresh()
        if stop := job.channel._process_error(job, error):
            reminder._stop(stop)
        elif isinstance(error, OutcomeUnknown):
            reminder.internet_message_id = error.internet_message_id or False
            reminder._set_undecided("line_broke", {"detail": str(error)})
        elif isinstance(error, RecipientRefused) and error.permanent:
            params = job.channel._get_refusal_params(reminder, error)
            reminder._set_failed("recipient_refused", params, event_type="bounced")
            job.channel._process_refusal(reminder, error)
            job.channel._fall_back(reminder, "recipient_refused", params)
        elif isinstance(error, MessageRefused):
            reminder._set_failed("message_refused", {"detail": str(error)})
        elif isinstance(error, (RecipientRefused, Unreachable)) and not isinstance(
            error, NoSession
        ):
            job.channel._process_dead(reminder, error.dead, str(error))
            self._set_retry(reminder, error)
        else:
            # A problem of the mailbox, not of this message: the attempt does not count.
            reminder._set_state(
                "queued",
                attempt_count=max(reminder.attempt_count - 1, 0),
                attempted_at=False,
            )
            self.env.flush_all()
            if isinstance(error, StoodStill):
                reminder._set_state("queued", "stood_still")
            elif isinstance(error, PolicyRefused):
                reminder._set_state("queued", "policy", {"detail": str(error)})
                reminder.campaign_id._set_paused("policy", str(error))
            else:
                job.run.handle_error(error)

    @api.model
    def _stop_dead_recipients(self, job):
        """The message is out to one of the customer's addresses; those that the server
        never takes are stopped."""
        with self.env.cr.savepoint():
            for address in job.result.dead:
                words = job.result.refused.get(address, "")
                job.channel._process_dead(job.reminder, [address], words)
        job.run.provider._commit_now()

    @api.model
    def _set_retry(self, reminder, error):
        if reminder.attempt_count >= reminder.provider_id.max_attempts:
            reminder._set_failed("gave_up", {"detail": str(error)})
            return
        until = (fields.Datetime.now() + retry_delay(reminder.attempt_count)).replace(
            microsecond=0
        )
        reminder._set_state(
            "queued",
            "retry",
            {"detail": str(error), "until": until.isoformat()},
            scheduled_at=until,
        )
        reminder._record_event(
            "deferred", source="api", raw_data={"response": str(error)}
        )

    @api.model
    def _set_broken(self, reminder, error):
        """An unexpected error. After the mark it is unknown whether the message was
        sent; before, it was not."""
        if reminder.state == "sending":
            reminder._set_undecided("undecided")
        elif reminder.state == "queued":
            reminder._set_failed(
                "unexpected", {"detail": f"{type(error).__name__}: {error}"[:300]}
            )


def _prepare_line_values(row, today):
    days = (today - row["date_due"]).days if row["date_due"] else 0
    return {
        "amount": row["amount"],
        "amount_residual": row["residual"],
        "days_overdue": days,
    }
