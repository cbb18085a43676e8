from markupsafe import Markup
from psycopg2.extras import Json

from odoo import api, fields, models
from odoo.tools import SQL

from ...core.letter import render
from ...core.mail.errors import MessageRefused, OutcomeUnknown, PolicyRefused, RecipientRefused, Unreachable
from ...core.mail.message import OutgoingMessage
from ...core.pace.throttle import retry_delay


class ChaserSender(models.AbstractModel):
    """What the sender writes down: the intent, that a message is out, its traces on customer
    and invoices; and what refusals and interruptions mean for a reminder."""

    _inherit = "chaser.sender"  # pylint: disable=consider-merging-classes-inherited  # the steps stand alone in their file

    # -- the mark: the lines and the exact message

    def _keep_lines(self, job):
        """The lines say what the message says."""
        Line, today = self.env["chaser.reminder.line"], job.run.settings["today"]
        for row in job.items:
            values = _prepare_line_values(row, today)
            if values != {"amount": row["shown_amount"], "amount_residual": row["shown_residual"], "days_overdue": row["shown_days"]}:
                Line.browse(row["line_id"]).write(values)
        if job.credits or job.row["has_credits"]:
            self._keep_credits(job, today)

    def _keep_credits(self, job, today):
        shown = {row["id"]: row for row in job.credits}
        reminder = job.reminder
        for line in reminder.line_ids.filtered("is_credit"):
            row = shown.pop(line.move_line_id.id, None)
            line.write(_prepare_line_values(row, today) if row else {"dropped_code": "not_open"})
        self.env["chaser.reminder.line"].create([
            {"reminder_id": reminder.id, "company_id": reminder.company_id.id, "move_line_id": row["id"], "move_id": row["move_id"],
             "is_credit": True, "currency_id": row["currency_id"], "number": row["number"], "invoice_date": row["invoice_date"],
             "amount_company": row["company_residual"], **_prepare_line_values(row, today)}
            for row in shown.values()
        ])

    def _write_mark(self, job):
        recipient = job.message.recipients[0]
        self.env.flush_all()
        self.env.cr.execute(self._get_update_sql(job.reminder, {
            "state": "sending", "attempt_count": (job.row["attempt_count"] or 0) + 1, "attempted_at": fields.Datetime.now(),
            "message_id": job.message.message_id, "subject": job.rendered.subject, "body_html": job.rendered.html,
            "body_text": job.rendered.text,
            "language": render.preference_of(job.rendered.langs), "link_targets": list(job.rendered.targets), "template_version_id": job.version_id,
            "recipient_email": recipient, "recipient_domain": recipient.rpartition("@")[2].lower(),
            "recipient_others": ", ".join(job.message.recipients[1:]) or False,
            "recipient_cc": ", ".join(job.message.cc) or False, **job.reminder._prepare_reason_values(False),
            **self.env["chaser.documents"]._keep(job),
        }))

    @api.model
    def _get_update_sql(self, reminder, values):
        """One UPDATE past the ORM: two of them per message are half of what it would cost. For fields on which nothing stored depends; what
        others have to write is flushed before."""
        columns = [
            SQL("%s = %s", SQL.identifier(name), reminder._fields[name].convert_to_column(value, reminder)) for name, value in values.items()]
        reminder.invalidate_recordset(flush=False)
        return SQL(
            "UPDATE chaser_reminder SET %s, write_uid = %s, write_date = now() AT TIME ZONE 'UTC' WHERE id = %s",
            SQL(", ").join(columns), self.env.uid, reminder.id)

    # -- the record: it is out

    def _write_sent(self, job):
        """State and event by one statement; the moment."""
        now, result = fields.Datetime.now(), job.result
        self.env.flush_all()
        self.env.cr.execute(SQL("WITH event AS (%s) %s", self._get_event_sql(job, now), self._get_update_sql(job.reminder, {
            "state": "sent", "sent_at": now, "is_undecided": False, "provider_message_id": result.provider_message_id or False,
            "provider_thread_id": result.thread_id or False, "internet_message_id": result.internet_message_id or False,
        })))
        self.env["chaser.event"].invalidate_model(flush=False)
        return now

    @api.model
    def _get_event_sql(self, job, moment):
        result, own = job.result, job.row
        raw_data = {"response": result.response, **({"refused": result.refused} if result.refused else {})}
        return SQL(
            """INSERT INTO chaser_event (reminder_id, campaign_id, company_id, partner_id, event_type, source, raw_data, occurred_at,
                      create_uid, write_uid, create_date, write_date)
               VALUES (%(id)s, %(campaign)s, %(company)s, %(partner)s, 'sent', 'api', %(raw)s, %(at)s, %(uid)s, %(uid)s,
                      now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC')""",
            id=job.reminder.id, campaign=own["campaign_id"], company=own["company_id"], partner=own["partner_id"], raw=Json(raw_data), at=moment,
            uid=self.env.uid)

    # -- notes on customer and invoices, an activity

    def _note_sent(self, job, moment):
        own = job.row
        author_id, lang = job.run.get(("author", own["user_id"]), lambda: self._get_author(self.env["res.users"].browse(own["user_id"])))
        sender = self.with_context(lang=lang)
        sender._write_chatter(own["partner_id"], [row["move_id"] for row in job.items], job.message, moment, author_id)
        activity_type_id = self.env["chaser.composer"]._get_level_values(job)["activity_type_id"]
        if activity_type_id:
            job.reminder.with_context(lang=lang)._plan_activity(activity_type_id)

    def _note_settled(self, reminder):
        """The notes for a reminder that was found to be sent after all."""
        message = OutgoingMessage(
            message_id=reminder.message_id, sender=reminder.provider_id.email, subject=reminder.subject or "", html="", text="",
            recipients=tuple(reminder._get_all_recipients()))
        author_id, lang = self._get_author(reminder.campaign_id.user_id or self.env.user)
        self.with_context(lang=lang)._write_chatter(
            reminder.partner_id.id, reminder._get_live_lines().move_id.ids, message, reminder.sent_at, author_id)

    @api.model
    def _get_author(self, user):
        """Who signs the notes, and the language in which they are written."""
        return user.partner_id.id, user.lang or self.env.lang

    @api.model
    def _get_sent_words(self, recipients):
        """What the note on customer and invoices says."""
        return self.env._("Payment reminder sent to %s", recipients)

    @api.model
    def _write_chatter(self, partner_id, move_ids, message, moment, author_id):
        """A note on the customer and on each invoice, without notifying anyone; the customer's comes last, so that a reply,
        which is matched by Message-ID to the newest message, lands there."""
        Message = self.env["mail.message"].sudo()
        values = self._get_note_defaults() | {
            "body": Markup("<p>%s</p><p><b>%s</b></p>") % (self._get_sent_words(", ".join(message.recipients)), message.subject),
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

    # -- when it does not go

    def _take_transport_error(self, job, error):
        """The service's answer decides: about this message, this customer, or the whole mailbox."""
        reminder = job.reminder
        job.run.provider._fresh()
        if isinstance(error, OutcomeUnknown):
            reminder.internet_message_id = error.internet_message_id or False
            reminder._set_undecided("line_broke", {"detail": str(error)})
        elif isinstance(error, RecipientRefused) and error.permanent:
            address = reminder.recipient_email
            reminder._set_failed("recipient_refused", {"detail": str(error), "recipient": address, "bounce_class": "hard"}, event_type="bounced")
            reminder._take_bounce(reminder.company_id, reminder.partner_id, address, "hard", str(error), reminder=reminder)
        elif isinstance(error, MessageRefused):
            reminder._set_failed("message_refused", {"detail": str(error)})
        elif isinstance(error, (RecipientRefused, Unreachable)):
            self._set_retry(reminder, error)
        else:
            # The mailbox's trouble, not this message's: the attempt does not count.
            reminder._set_state("queued", attempt_count=max(reminder.attempt_count - 1, 0), attempted_at=False)
            self.env.flush_all()
            if isinstance(error, PolicyRefused):
                reminder._set_state("queued", "policy", {"detail": str(error)})
                reminder.campaign_id._set_paused("policy", str(error))
            else:
                job.run.take_error(error)

    @api.model
    def _set_retry(self, reminder, error):
        if reminder.attempt_count >= reminder.provider_id.max_attempts:
            reminder._set_failed("gave_up", {"detail": str(error)})
            return
        until = (fields.Datetime.now() + retry_delay(reminder.attempt_count)).replace(microsecond=0)
        reminder._set_state("queued", "retry", {"detail": str(error), "until": until.isoformat()}, scheduled_at=until)
        reminder._record_event("deferred", source="api", raw_data={"response": str(error)})

    @api.model
    def _set_broken(self, reminder, error):
        """An error nobody foresaw. After the mark it is open whether the message went out; before, it did not."""
        if reminder.state == "sending":
            reminder._set_undecided("undecided")
        elif reminder.state == "queued":
            reminder._set_failed("unexpected", {"detail": f"{type(error).__name__}: {error}"[:300]})


def _prepare_line_values(row, today):
    days = (today - row["date_due"]).days if row["date_due"] else 0
    return {"amount": row["amount"], "amount_residual": row["residual"], "days_overdue": days}
