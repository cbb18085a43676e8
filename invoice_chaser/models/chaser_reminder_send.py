from dataclasses import dataclass, field

from odoo import fields, models
from odoo.tools import SQL

from ..core import render
from ..core.errors import TransportError
from ..core.gates import Fail, Hold, Release, Skip
from ..core.holds import Held
from ..core.message import OutgoingMessage, SendResult
from ..core.template_language import TemplateProblem


@dataclass
class SendJob:
    """One reminder on its way through the steps."""

    run: object
    row: dict = field(default_factory=dict)
    items: list[dict] = field(default_factory=list)
    credits: list[dict] = field(default_factory=list)
    facts: dict = field(default_factory=dict)
    held: Held = field(default_factory=Held)
    rendered: render.Rendered | None = None
    version_id: int = 0
    message: OutgoingMessage | None = None
    result: SendResult | None = None
    documents: list = field(default_factory=list)
    document_notes: list = field(default_factory=list)
    drawn: list = field(default_factory=list)
    rounds: int = 0
    left_out: int = 0
    link_invoices: bool = True


class ChaserReminder(models.Model):
    """The send pipeline. Each step is short and may stop the line with a recorded reason: it returns None to go on, or
    Skip, Hold, Fail or Release. ``mark`` commits the intent; after it a crash never sends twice."""

    _inherit = "chaser.reminder"

    _SEND_STEPS = ("radar", "lock", "facts", "refresh", "gates", "window", "documents", "render", "mark", "send", "record")

    def _run_pipeline(self, run):
        self.ensure_one()
        job = SendJob(run)
        try:
            stop = self._run_steps(job)
            while isinstance(stop, Release):
                run.provider._fresh()
                stop.work()
                job = SendJob(run, drawn=job.drawn, rounds=job.rounds + 1)
                stop = self._run_steps(job)
        except TransportError as error:
            self._take_transport_error(error, run)
        else:
            if stop:
                self._stop(stop)

    def _run_steps(self, job):
        """The steps in their order, up to the first that stops the line; what it answered."""
        for name in self._SEND_STEPS:
            if stop := getattr(self, f"_step_{name}")(job):
                return stop
        return None

    def _stop(self, stop):
        if isinstance(stop, Hold):
            params = stop.params | ({"until": stop.until.isoformat()} if stop.until else {})
            self._set_state("queued", stop.reason, params, **({"scheduled_at": stop.until} if stop.until else {}))
        elif isinstance(stop, Skip):
            if stop.reason != "gone":
                self._set_skipped(stop.reason, stop.params)
        else:
            self._set_failed(stop.reason, stop.params)

    # -- steps

    def _step_lock(self, job):
        """The row is ours, still queued, and its campaign still runs; a pause that comes now waits for the mark. From here to the mark there
        is no commit, so that the company's monthly limit, taken first, stays taken."""
        if not job.run.provider._take_month_slot(job.run):
            return Skip("gone")
        rows = job.run.ask(SQL(
            """SELECT r.id, r.token, r.language, r.message_id, r.attempt_count, r.recipient_email, r.recipient_others, r.level_id,
                      r.campaign_id, r.split_move_id, r.partner_id, r.company_id, c.template_id, c.campaign_type, c.sender_name, c.reply_to, c.user_id,
                      r.purpose, r.copy_of_id, r.page_token,
                      (SELECT count(*) FROM chaser_reminder_line l WHERE l.reminder_id = r.id AND NOT l.is_credit
                          AND l.dropped_code IS NULL AND l.move_line_id IS NOT NULL) AS item_count,
                      EXISTS (SELECT 1 FROM chaser_reminder_line l WHERE l.reminder_id = r.id AND l.is_credit) AS has_credits
                 FROM chaser_reminder r JOIN chaser_campaign c ON c.id = r.campaign_id
                WHERE r.id = %s AND r.provider_id = %s AND r.state = 'queued' AND c.state = 'sending'
                  FOR NO KEY UPDATE OF r SKIP LOCKED FOR SHARE OF c SKIP LOCKED""", self.id, job.run.provider.id))
        if not rows:
            return Skip("gone")
        job.row = rows[0]
        return None

    def _step_render(self, job):
        """The message from fresh figures."""
        level = job.run.get(("level", job.row["level_id"]), lambda: self._prepare_level_values(job.row["level_id"]))
        template_id = self._get_template_id(job)
        if not template_id:
            return Fail("template", {"detail": self.env._("there is none")})
        job.version_id, content = job.run.get(("version", template_id), lambda: self._read_version(template_id))
        self._ensure_portal_tokens(job)
        try:
            job.rendered = render.compose(
                self._add_documents(job, self._prepare_message_data(job, level)), content, job.row["language"] or "en", self._get_link_prefix(job))
        except TemplateProblem as problem:
            return Fail("template", {"detail": self.env["chaser.template"]._describe_problem(problem)})
        job.message = self._prepare_message(job, level)
        return None

    def _get_template_id(self, job):
        """The campaign's template, else the one for the reminder's level."""
        return job.row["template_id"] or job.run.get(
            ("template", job.row["level_id"], job.row["campaign_type"]), lambda: self._choose_template_id(job))

    def _step_mark(self, job):
        """Write down the intent and the exact message, and commit, before anything leaves."""
        self._snapshot_lines(job)
        recipient = job.message.recipients[0]
        self.env.flush_all()
        self.env.cr.execute(self._get_update_sql({
            "state": "sending", "attempt_count": (job.row["attempt_count"] or 0) + 1, "attempted_at": fields.Datetime.now(),
            "message_id": job.message.message_id, "subject": job.rendered.subject, "body_html": job.rendered.html,
            "body_text": job.rendered.text,
            "language": render.preference_of(job.rendered.langs), "link_targets": list(job.rendered.targets), "template_version_id": job.version_id,
            "recipient_email": recipient, "recipient_domain": recipient.rpartition("@")[2].lower(),
            "recipient_others": ", ".join(job.message.recipients[1:]) or False,
            "recipient_cc": ", ".join(job.message.cc) or False, **self._prepare_reason_values(False), **self._keep_documents(job),
        }))
        job.run.provider._commit_now()

    def _step_send(self, job):
        job.run.note_attempt(job.message.recipients[0].rpartition("@")[2])
        job.result = job.run.transport.send(job.message)
        job.run.note_success()

    # -- step mark

    def _get_update_sql(self, values):
        """One UPDATE past the ORM: two of them per message are half of what it would cost. For fields on which nothing stored depends; what
        others have to write is flushed before."""
        columns = [SQL("%s = %s", SQL.identifier(name), self._fields[name].convert_to_column(value, self)) for name, value in values.items()]
        self.invalidate_recordset(flush=False)
        return SQL(
            "UPDATE chaser_reminder SET %s, write_uid = %s, write_date = now() AT TIME ZONE 'UTC' WHERE id = %s",
            SQL(", ").join(columns), self.env.uid, self.id)

    def _snapshot_lines(self, job):
        """The lines say what the message says."""
        Line, today = self.env["chaser.reminder.line"], job.run.settings["today"]
        for row in job.items:
            values = _prepare_snapshot_values(row, today)
            if values != {"amount": row["shown_amount"], "amount_residual": row["shown_residual"], "days_overdue": row["shown_days"]}:
                Line.browse(row["line_id"]).write(values)
        if job.credits or job.row["has_credits"]:
            self._snapshot_credits(job.credits, today)

    def _snapshot_credits(self, rows, today):
        shown = {row["id"]: row for row in rows}
        for line in self.line_ids.filtered("is_credit"):
            row = shown.pop(line.move_line_id.id, None)
            line.write(_prepare_snapshot_values(row, today) if row else {"dropped_code": "not_open"})
        self.env["chaser.reminder.line"].create([
            {"reminder_id": self.id, "company_id": self.company_id.id, "move_line_id": row["id"], "move_id": row["move_id"],
             "is_credit": True, "currency_id": row["currency_id"], "number": row["number"], "invoice_date": row["invoice_date"],
             "amount_company": row["company_residual"], **_prepare_snapshot_values(row, today)}
            for row in shown.values()
        ])


def _prepare_snapshot_values(row, today):
    days = (today - row["date_due"]).days if row["date_due"] else 0
    return {"amount": row["amount"], "amount_residual": row["residual"], "days_overdue": days}
