from markupsafe import Markup
from psycopg2.extras import Json

from odoo import api, fields, models
from odoo.tools import SQL

from ...core.mail.errors import MessageRefused, OutcomeUnknown, PolicyRefused, RecipientRefused, Unreachable
from ...core.mail.message import OutgoingMessage
from ...core.pace.throttle import retry_delay


class ChaserReminder(models.Model):
    """What stays of a message that is out: its state, the event, notes on customer and invoices, an activity."""

    _inherit = "chaser.reminder"

    def _step_record(self, job):
        """It is out: keep that, whatever else fails. Two commits on purpose: the notes may fail without undoing it."""
        now = fields.Datetime.now()
        self.env.flush_all()
        self.env.cr.execute(SQL("WITH event AS (%s) %s", self._get_event_sql(job, now), self._get_update_sql(
            {"state": "sent", "sent_at": now, "is_undecided": False, **self._prepare_result_values(job.result)})))
        self.env["chaser.event"].invalidate_model(flush=False)
        job.run.provider._commit_now()
        author_id, lang = job.run.get(("author", job.row["user_id"]), lambda: self._get_author(self.env["res.users"].browse(job.row["user_id"])))
        reminder = self.with_context(lang=lang)
        reminder._write_chatter(job.row["partner_id"], [row["move_id"] for row in job.items], job.message, now, author_id, job.row["purpose"])
        activity_type_id = job.run.cache[("level", job.row["level_id"])]["activity_type_id"]
        if activity_type_id:
            reminder._plan_activity(activity_type_id)

    @api.model
    def _get_event_sql(self, job, moment):
        result, own = job.result, job.row
        raw_data = {"response": result.response, **({"refused": result.refused} if result.refused else {})}
        return SQL(
            """INSERT INTO chaser_event (reminder_id, campaign_id, company_id, partner_id, event_type, source, raw_data, occurred_at,
                      create_uid, write_uid, create_date, write_date)
               VALUES (%(id)s, %(campaign)s, %(company)s, %(partner)s, 'sent', 'api', %(raw)s, %(at)s, %(uid)s, %(uid)s,
                      now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC')""",
            id=self.id, campaign=own["campaign_id"], company=own["company_id"], partner=own["partner_id"], raw=Json(raw_data), at=moment, uid=self.env.uid)

    def _record_event(self, event_type, source, **values):
        return self.env["chaser.event"].sudo().create([{
            "reminder_id": reminder.id, "campaign_id": reminder.campaign_id.id, "company_id": reminder.company_id.id,
            "partner_id": reminder.partner_id.id, "event_type": event_type, "source": source, **values,
        } for reminder in self])

    def _log_sent(self):
        """The notes for a reminder whose sending a person has confirmed."""
        self.ensure_one()
        message = OutgoingMessage(
            message_id=self.message_id, sender=self.provider_id.email, subject=self.subject or "", html="", text="",
            recipients=tuple(self._get_all_recipients()))
        author_id, lang = self._get_author(self.campaign_id.user_id or self.env.user)
        self.with_context(lang=lang)._write_chatter(
            self.partner_id.id, self._get_live_lines().move_id.ids, message, self.sent_at, author_id, self.purpose)

    @api.model
    def _get_author(self, user):
        """Who signs the notes, and the language in which they are written."""
        return user.partner_id.id, user.lang or self.env.lang

    @api.model
    def _get_sent_words(self, purpose, recipients):
        """What the note on customer and invoices says; a further purpose has words of its own."""
        return self.env._("Payment reminder sent to %s", recipients)

    @api.model
    def _write_chatter(self, partner_id, move_ids, message, moment, author_id, purpose="reminder"):
        """A note on the customer and on each invoice, without notifying anyone; the customer's comes last, so that a reply,
        which is matched by Message-ID to the newest message, lands there."""
        Message = self.env["mail.message"].sudo()
        values = self._get_note_defaults() | {
            "body": Markup("<p>%s</p><p><b>%s</b></p>") % (self._get_sent_words(purpose, ", ".join(message.recipients)), message.subject),
            "subject": message.subject, "message_id": message.message_id, "message_type": "email_outgoing", "is_internal": True,
            "subtype_id": self.env["ir.model.data"]._xmlid_to_res_id("mail.mt_note"), "author_id": author_id,
            "email_from": message.sender, "reply_to": message.reply_to or message.sender, "date": moment,
            "create_uid": self.env.uid, "write_uid": self.env.uid,
        }
        documents = [("account.move", move_id) for move_id in dict.fromkeys(move_ids)] + [("res.partner", partner_id)]
        self._insert_notes(values, documents)
        for model, res_id in documents:
            Message._invalidate_documents(model, res_id)

    @api.model
    def _insert_notes(self, values, documents):
        """One INSERT, which is a fifth of the pipeline cheaper than ``create``: the texts are escaped already, there are no attachments,
        nobody is told. (Model, id) pairs in the order in which the notes are to be numbered."""
        Message = self.env["mail.message"]
        self.env.flush_all()
        self.env.cr.execute(SQL(
            """INSERT INTO mail_message (model, res_id, create_date, write_date, %s)
               SELECT d.model, d.res_id, now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC', %s
                 FROM unnest(%s::varchar[], %s::int[]) WITH ORDINALITY AS d(model, res_id, place) ORDER BY d.place""",
            SQL(", ").join(map(SQL.identifier, values)),
            SQL(", ").join(SQL("%s", Message._fields[name].convert_to_column(value, Message)) for name, value in values.items()),
            [model for model, _res_id in documents], [res_id for _model, res_id in documents]))

    @api.model
    def _get_note_defaults(self):
        """Default values of a message's columns, those of later addons included."""
        Message = self.env["mail.message"]
        return Message.default_get([
            name for name, field in Message._fields.items()
            if field.store and field.column_type and field.default and name not in ("id", "create_date", "write_date")])

    def _plan_activity(self, activity_type_id):
        self.partner_id.activity_schedule(
            activity_type_id=activity_type_id, user_id=self.campaign_id.user_id.id,
            summary=self.env._("%(level)s sent: %(subject)s", level=self.level_id.name, subject=self.subject))

    # -- What the mail service's refusals, and interruptions, mean for a reminder

    # -- when it does not go

    def _take_transport_error(self, error, run):
        """The service's answer decides: about this message, this customer, or the whole mailbox."""
        provider = run.provider
        provider._fresh()
        if isinstance(error, OutcomeUnknown):
            self.internet_message_id = error.internet_message_id or False
            self._set_undecided("line_broke", {"detail": str(error)})
        elif isinstance(error, RecipientRefused) and error.permanent:
            address = self.recipient_email
            self._set_failed("recipient_refused", {"detail": str(error), "recipient": address, "bounce_class": "hard"}, event_type="bounced")
            self._take_bounce(self.company_id, self.partner_id, address, "hard", str(error), reminder=self)
        elif isinstance(error, MessageRefused):
            self._set_failed("message_refused", {"detail": str(error)})
        elif isinstance(error, (RecipientRefused, Unreachable)):
            self._set_retry(error)
        else:
            # The mailbox's trouble, not this message's: the attempt does not count.
            self._set_state("queued", attempt_count=max(self.attempt_count - 1, 0), attempted_at=False)
            self.env.flush_all()
            if isinstance(error, PolicyRefused):
                self._set_state("queued", "policy", {"detail": str(error)})
                self.campaign_id._set_paused("policy", str(error))
            else:
                provider._take_error(error)

    def _set_retry(self, error):
        if self.attempt_count >= self.provider_id.max_attempts:
            self._set_failed("gave_up", {"detail": str(error)})
            return
        until = (fields.Datetime.now() + retry_delay(self.attempt_count)).replace(microsecond=0)
        self._set_state("queued", "retry", {"detail": str(error), "until": until.isoformat()}, scheduled_at=until)
        self._record_event("deferred", source="api", raw_data={"response": str(error)})

    def _set_failed(self, code, params=None, event_type="failed"):
        self._set_state("failed", code, params)
        self._record_event(event_type, source="api", raw_data={"reason": code, **(params or {})})
        self._pause_after_failures()

    def _set_undecided(self, code, params=None):
        """Nobody knows whether it went out: shown to a person, never sent again by itself."""
        self._set_state("failed", code, params, is_undecided=True)
        self._record_event("failed", source="api", raw_data={"reason": code, **(params or {})})

    def _set_broken(self, error):
        """An error nobody foresaw. After the mark it is open whether the message went out; before, it did not."""
        if self.state == "sending":
            self._set_undecided("undecided")
        elif self.state == "queued":
            self._set_failed("unexpected", {"detail": f"{type(error).__name__}: {error}"[:300]})

    def _pause_after_failures(self):
        """The campaign pauses itself after the company's number of failures in a row (0: never)."""
        limit = self.company_id.chaser_max_failures
        if not limit or self.campaign_id.state != "sending":
            return
        self.flush_recordset()
        rows = self.env.execute_query(SQL(
            """SELECT r.state FROM chaser_reminder r JOIN chaser_event e ON e.reminder_id = r.id AND e.event_type IN ('sent', 'failed', 'bounced')
                WHERE r.campaign_id = %s AND r.state IN ('sent', 'failed') ORDER BY e.id DESC LIMIT %s""", self.campaign_id.id, limit))
        if len(rows) == limit and all(state == "failed" for (state,) in rows):
            self.campaign_id._set_paused("failures_in_row", str(limit))
