from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

import pytz

from odoo import api, fields, models
from odoo.tools import SQL, email_normalize, email_normalize_all

from ...core.letter import render
from ...core.letter.template_language import TemplateProblem
from ...core.mail.errors import TransportError
from ...core.mail.message import OutgoingMessage, SendResult
from ...core.plan.gates import Fail, Hold, Release, Skip
from ...core.plan.holds import Held
from ...core.plan.planning import OpenCredit, OpenItem, net_items
from ..planning.chaser_planner import PAID_STATES


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

    # -- What is known of the customer at the moment of sending, and whether he may still be written to

    def _step_facts(self, job):
        """One query for all that the next steps ask: customer, stopped addresses, what is held, last contact, former messages."""
        addresses = _get_addresses(job.row)
        job.facts = self._read_facts(job, addresses)
        job.held = self.env["chaser.hold"]._make_held(job.facts["held"])
        job.facts["addresses"] = addresses
        job.facts["recipients"] = [email for email in addresses if email not in job.facts["stopped"]]

    def _read_facts(self, job, addresses):
        own, today = job.row, job.run.settings["today"]
        company = self.env["res.company"].browse(own["company_id"])
        [row] = job.run.ask(SQL(
            """SELECT p.name, p.ref, p.vat, p.chaser_escalation_partner_id AS escalation_id,
                      (p.chaser_paused_until->>%(key)s)::date AS paused_until, p.chaser_pause_reason->>%(key)s AS pause_reason,
                      (p.preferred_contact_interval->>%(key)s)::int AS interval,
                      (SELECT max(o.sent_at) FROM chaser_reminder o WHERE o.company_id = %(company)s AND o.partner_id = p.id
                          AND o.state = 'sent' AND o.campaign_id IS DISTINCT FROM %(campaign)s AND o.purpose = 'reminder') AS last_contact,
                      ARRAY(SELECT f.message_id FROM chaser_reminder f WHERE f.company_id = %(company)s AND f.partner_id = p.id AND f.state = 'sent'
                               AND f.id <> %(id)s AND f.recipient_email = %(email)s AND f.message_id IS NOT NULL
                             ORDER BY f.sent_at DESC LIMIT 5) AS former,
                      (SELECT json_agg(s) FROM (%(stopped)s) s) AS stopped, (SELECT json_agg(h) FROM (%(held)s) h) AS held
                 FROM res_partner p WHERE p.id = %(partner)s""",
            key=str(company.id), company=company.id, campaign=own["campaign_id"], partner=own["partner_id"], id=self.id, email=own["recipient_email"],
            stopped=self.env["chaser.campaign"]._get_stopped_sql(addresses, company),
            held=self.env["chaser.hold"]._get_held_sql(company, [own["partner_id"]], today)))
        row["stopped"] = {stop["email"]: stop["reason"] for stop in reversed(row["stopped"] or ())}
        row["held"] = [tuple(held.values()) for held in row["held"] or ()]
        return row

    def _step_gates(self, job):
        """Still allowed? Stopped addresses, pause, interval, and the limit of the recipient's domain."""
        facts, today = job.facts, job.run.settings["today"]
        if not facts["addresses"]:
            return Skip("no_email")
        if not facts["recipients"]:
            return self._get_stopped_skip(facts)
        if held := job.held.customers.get(job.row["partner_id"]):
            return held
        if facts["paused_until"] and facts["paused_until"] >= today:
            return Skip("paused", {"date": facts["paused_until"].isoformat(), "detail": facts["pause_reason"] or ""})
        interval = facts["interval"] or job.run.settings["interval"]
        last = facts["last_contact"] and _get_local_date(facts["last_contact"], job.run.settings["tz"])
        if last and (today - last).days < interval:
            return Skip("recent_contact", {"date": last.isoformat(), "detail": str(interval)})
        return self._get_domain_stop(job)

    @api.model
    def _get_stopped_skip(self, facts):
        first = facts["addresses"][0]
        return Skip(facts["stopped"][first], {"detail": first})

    def _get_domain_stop(self, job):
        """A hold where the recipient's domain has had enough for this minute."""
        domain = job.facts["recipients"][0].rpartition("@")[2]
        until = job.run.get_domain_hold(domain)
        return Hold("limit_domain", {"detail": domain}, until) if until else None

    @api.model
    def _hold_a_minute(self, reason):
        return Hold(reason, until=fields.Datetime.now() + timedelta(minutes=1))

    # -- What of a reminder's items is still to be chased at the moment of sending

    def _step_refresh(self, job):
        """Fresh balances, read under a lock so that no payment can slip in before the mark."""
        rows = self._read_open_items(job.run)
        if len(rows) < job.row["item_count"]:
            return self._hold_a_minute("busy")
        dropped = {}
        for row in rows:
            code, params = self._get_drop_reason(row, job)
            if code:
                dropped[row["line_id"]] = (code, params)
        live = [row for row in rows if row["line_id"] not in dropped]
        credits = self._read_own_credits(job, {row["currency_id"] for row in live}) if live else []
        due, covered = net_items([_as_item(row) for row in live], [_as_credit(row) for row in credits])
        for item in covered:
            line_id = next(row["line_id"] for row in live if row["id"] == item.id)
            dropped[line_id] = ("covered_by_credit", {})
        self._drop_lines(dropped)
        if not due:
            code, params = _strongest_drop(dropped)
            return Skip(code, params)
        kept = {item.id for item in due}
        currencies = {item.currency_id for item in due}
        job.items = [row for row in live if row["id"] in kept]
        job.credits = [row for row in credits if row["currency_id"] in currencies]
        return None

    def _read_open_items(self, run):
        """The reminder's items as they are now; one that another transaction is changing is missing."""
        rows = run.ask(SQL(
            """SELECT rl.id AS line_id, l.id, l.move_id, l.currency_id, l.amount_residual_currency AS residual,
                      l.amount_residual AS company_residual, l.amount_currency AS amount, m.name AS number, m.invoice_date,
                      coalesce(l.date_maturity, m.invoice_date_due, m.invoice_date, l.date) AS date_due, l.parent_state, l.reconciled,
                      l.company_id, l.no_followup, m.payment_state, m.chaser_dispute_reason AS dispute, m.chaser_promise_date AS promise,
                      m.access_token, m.payment_reference, m.invoice_user_id, m.partner_bank_id, p.name AS contact_name,
                      i.part, i.parts, rl.amount AS shown_amount, rl.amount_residual AS shown_residual, rl.days_overdue AS shown_days
                 FROM chaser_reminder_line rl JOIN account_move_line l ON l.id = rl.move_line_id JOIN account_move m ON m.id = l.move_id
                 LEFT JOIN res_partner p ON p.id = m.partner_id CROSS JOIN LATERAL %s i
                WHERE rl.reminder_id = %s AND NOT rl.is_credit AND rl.dropped_code IS NULL
                ORDER BY date_due, l.id FOR SHARE OF l, m SKIP LOCKED""", self._get_instalment_sql("l"), self.id))
        return rows

    def _get_drop_reason(self, row, job):
        today = job.run.settings["today"]
        if row["company_id"] != job.row["company_id"] or row["parent_state"] != "posted":
            return "not_open", {}
        if row["reconciled"] or row["residual"] <= 0 or row["payment_state"] in PAID_STATES:
            return "paid", {}
        hold = self.env["chaser.campaign"]._get_item_hold(row, today) or job.held.get_item(row["move_id"], row["id"])
        if hold:
            return hold.reason, hold.params
        level = job.run.get(("level", job.row["level_id"]), lambda: self._prepare_level_values(job.row["level_id"]))
        return self._get_date_reason((today - row["date_due"]).days, level["days_overdue"]), {}

    def _get_date_reason(self, days, level_days):
        """A reminder is about what is overdue; a notice before the due date is not sent after it."""
        if level_days < 0:
            return "overdue_now" if days > 0 else "not_due" if days < level_days else None
        return "not_due" if days < min(level_days, 1) else None

    def _read_own_credits(self, job, currency_ids):
        own = job.row
        company = self.env["res.company"].browse(own["company_id"])
        rows = job.run.ask(self.env["chaser.campaign"]._get_credits_sql(SQL("= %s", own["partner_id"]), company))
        others = self._get_credits_shown_elsewhere(own) if rows else set()
        return [row for row in rows if row["currency_id"] in currency_ids and row["id"] not in others]

    def _get_credits_shown_elsewhere(self, own):
        """Where a customer gets one message per invoice, a credit stands in one of them only."""
        if not own["split_move_id"]:
            return set()
        rows = self.env.execute_query(SQL(
            """SELECT l.move_line_id FROM chaser_reminder_line l JOIN chaser_reminder r ON r.id = l.reminder_id
                WHERE r.campaign_id = %s AND r.partner_id = %s AND r.id <> %s AND l.is_credit
                  AND r.state IN ('draft', 'queued', 'sending', 'sent')""", own["campaign_id"], own["partner_id"], self.id))
        return {row[0] for row in rows}

    def _drop_lines(self, dropped):
        for line_id, (code, params) in dropped.items():
            self.env["chaser.reminder.line"].browse(line_id).write({"dropped_code": code, "dropped_params": params or False})


def _prepare_snapshot_values(row, today):
    days = (today - row["date_due"]).days if row["date_due"] else 0
    return {"amount": row["amount"], "amount_residual": row["residual"], "days_overdue": days}


def _get_local_date(moment, tz):
    return pytz.utc.localize(moment).astimezone(pytz.timezone(tz)).date()


def _get_addresses(row):
    others = email_normalize_all(row["recipient_others"] or "")
    return list(dict.fromkeys(filter(None, [email_normalize(row["recipient_email"] or ""), *others])))


def _as_item(row):
    return OpenItem(row["id"], row["move_id"], 0, row["currency_id"], Decimal(str(row["residual"])), Decimal(str(row["company_residual"])), row["date_due"], 0)


def _as_credit(row):
    return OpenCredit(row["id"], row["currency_id"], -Decimal(str(row["residual"])), -Decimal(str(row["company_residual"])))


def _strongest_drop(dropped):
    """The reason to show when nothing is left: paid only if that is true of everything."""
    codes = list(dropped.values()) or [("paid", {})]
    other = [entry for entry in codes if entry[0] != "paid"]
    return other[0] if other else codes[0]
