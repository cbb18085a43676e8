from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

from markupsafe import Markup

from odoo import fields, models
from odoo.tools import SQL, email_normalize, email_normalize_all

from ..core import render
from ..core.errors import MessageRefused, OutcomeUnknown, PolicyRefused, RecipientRefused, TransportError, Unreachable
from ..core.gates import Fail, Hold, Skip
from ..core.message import OutgoingMessage, SendResult
from ..core.planning import OpenCredit, OpenItem, net_items
from ..core.template_language import TemplateProblem
from ..core.throttle import retry_delay
from .chaser_campaign_plan import PAID_STATES


@dataclass
class SendJob:
    """One reminder on its way through the steps."""

    run: object
    today: object
    items: list[dict] = field(default_factory=list)
    credits: list[dict] = field(default_factory=list)
    facts: dict = field(default_factory=dict)
    rendered: render.Rendered | None = None
    version: object = None
    message: OutgoingMessage | None = None
    result: SendResult | None = None


class ChaserReminder(models.Model):
    """The send pipeline. Each step is short and may stop the line with a recorded reason: it returns None to go on, or
    Skip, Hold or Fail. ``mark`` commits the intent; after it a crash never sends twice."""

    _inherit = "chaser.reminder"

    _SEND_STEPS = ("lock", "refresh", "gates", "render", "mark", "send", "record")

    def _run_pipeline(self, run):
        self.ensure_one()
        job = SendJob(run, run.get("today", self.company_id._get_chaser_today))
        try:
            for name in self._SEND_STEPS:
                stop = getattr(self, f"_step_{name}")(job)
                if stop:
                    self._stop(stop)
                    return
        except TransportError as error:
            self._take_transport_error(error, run)

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
        """The row is ours, still queued, and its campaign still runs; a pause that comes now waits for the mark."""
        rows = self.env.execute_query(SQL(
            """SELECT r.id FROM chaser_reminder r JOIN chaser_campaign c ON c.id = r.campaign_id
                WHERE r.id = %s AND r.state = 'queued' AND c.state = 'sending'
                  FOR NO KEY UPDATE OF r SKIP LOCKED FOR SHARE OF c SKIP LOCKED""", self.id))
        return None if rows else Skip("gone")

    def _step_refresh(self, job):
        """Fresh balances, read under a lock so that no payment can slip in before the mark."""
        rows, complete = self._read_open_items()
        if not complete:
            return Hold("busy", until=fields.Datetime.now() + timedelta(minutes=1))
        dropped = {}
        for row in rows:
            code, params = self._get_drop_reason(row, job.today)
            if code:
                dropped[row["line_id"]] = (code, params)
        live = [row for row in rows if row["line_id"] not in dropped]
        credits = self._read_own_credits({row["currency_id"] for row in live}) if live else []
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

    def _step_gates(self, job):
        """Still allowed? Stopped addresses, pause, interval, and the limit of the recipient's domain."""
        facts = job.facts = self._read_gate_facts()
        usable = [email for email in self._get_addresses() if email not in facts["stopped"]]
        if not self._get_addresses():
            return Skip("no_email")
        if not usable:
            return Skip(facts["stopped"][self._get_addresses()[0]], {"detail": self._get_addresses()[0]})
        facts["recipients"] = usable
        if facts["paused_until"] and facts["paused_until"] >= job.today:
            return Skip("paused", {"date": facts["paused_until"].isoformat(), "detail": facts["pause_reason"] or ""})
        interval = facts["interval"] or self.company_id.chaser_contact_interval
        if facts["last_contact"] and (job.today - facts["last_contact"].date()).days < interval:
            return Skip("recent_contact", {"date": facts["last_contact"].date().isoformat(), "detail": str(interval)})
        until = job.run.get_domain_hold(usable[0].rpartition("@")[2])
        return Hold("limit_domain", {"detail": usable[0].rpartition("@")[2]}, until) if until else None

    def _step_render(self, job):
        """The message from fresh figures."""
        template = self.campaign_id.template_id or self.level_id.template_id or job.run.get(
            "default_template", lambda: self.env["chaser.template"]._get_default("invoice_reminder", self.company_id))
        if not template:
            return Fail("template", {"detail": self.env._("there is none")})
        job.version = job.run.get(("version", template.id), lambda: self.env["chaser.template.version"]._get_for(template))
        self._ensure_portal_tokens(job)
        data = self._prepare_message_data(job)
        try:
            job.rendered = render.compose(data, job.version.content, self.language or "en", self._get_link_prefix(job))
        except TemplateProblem as problem:
            return Fail("template", {"detail": template._describe_problem(problem)})
        job.message = self._prepare_message(job)
        return None

    def _step_mark(self, job):
        """Write down the intent and the exact message, and commit, before anything leaves."""
        self._snapshot_lines(job)
        self.write({
            "state": "sending", "attempt_count": self.attempt_count + 1, "attempted_at": fields.Datetime.now(),
            "message_id": job.message.message_id, "subject": job.rendered.subject, "body_html": job.rendered.html,
            "body_text": job.rendered.text, "link_targets": list(job.rendered.targets), "template_version_id": job.version.id,
            "recipient_email": job.message.recipients[0], "recipient_others": ", ".join(job.message.recipients[1:]) or False,
            "recipient_cc": ", ".join(job.message.cc) or False, **self._prepare_reason_values(False),
        })
        self.env.flush_all()
        job.run.provider._commit_now()

    def _step_send(self, job):
        job.run.note_attempt(job.message.recipients[0].rpartition("@")[2])
        job.result = job.run.transport.send(job.message)

    def _step_record(self, job):
        """It is out: keep that, whatever else fails."""
        self._record_sent(job)

    # -- step refresh

    def _read_open_items(self):
        """The reminder's items as they are now, and whether all could be read (another transaction may hold one)."""
        self.env["chaser.reminder.line"].flush_model()
        [(expected,)] = self.env.execute_query(SQL(
            """SELECT count(*) FROM chaser_reminder_line WHERE reminder_id = %s AND NOT is_credit AND dropped_code IS NULL
                  AND move_line_id IS NOT NULL""", self.id))
        rows = self.env.execute_query_dict(SQL(
            """SELECT rl.id AS line_id, l.id, l.move_id, l.currency_id, l.amount_residual_currency AS residual,
                      l.amount_residual AS company_residual, l.amount_currency AS amount, m.name AS number, m.invoice_date,
                      coalesce(l.date_maturity, m.invoice_date_due, m.invoice_date, l.date) AS date_due, l.parent_state, l.reconciled,
                      l.company_id, l.no_followup, m.payment_state, m.chaser_dispute_reason AS dispute, m.chaser_promise_date AS promise,
                      m.access_token, m.payment_reference, m.invoice_user_id, m.partner_bank_id, m.partner_id AS contact_id
                 FROM chaser_reminder_line rl JOIN account_move_line l ON l.id = rl.move_line_id JOIN account_move m ON m.id = l.move_id
                WHERE rl.reminder_id = %s AND NOT rl.is_credit AND rl.dropped_code IS NULL
                ORDER BY date_due, l.id FOR SHARE OF l, m SKIP LOCKED""", self.id))
        return rows, len(rows) == expected

    def _get_drop_reason(self, row, today):
        if row["company_id"] != self.company_id.id or row["parent_state"] != "posted":
            return "not_open", {}
        if row["reconciled"] or row["residual"] <= 0 or row["payment_state"] in PAID_STATES:
            return "paid", {}
        hold = self.env["chaser.campaign"]._get_item_hold(row, today)
        if hold:
            return hold.reason, hold.params
        if row["date_due"] >= today:
            return "not_due", {}
        return None, None

    def _read_own_credits(self, currency_ids):
        rows = self.env["chaser.campaign"]._read_credits([self.partner_id.id], self.company_id)
        others = self._get_credits_shown_elsewhere()
        return [row for row in rows if row["currency_id"] in currency_ids and row["id"] not in others]

    def _get_credits_shown_elsewhere(self):
        """Where a customer gets one message per invoice, a credit stands in one of them only."""
        if not self.split_move_id:
            return set()
        rows = self.env.execute_query(SQL(
            """SELECT l.move_line_id FROM chaser_reminder_line l JOIN chaser_reminder r ON r.id = l.reminder_id
                WHERE r.campaign_id = %s AND r.partner_id = %s AND r.id <> %s AND l.is_credit
                  AND r.state IN ('draft', 'queued', 'sending', 'sent')""", self.campaign_id.id, self.partner_id.id, self.id))
        return {row[0] for row in rows}

    def _drop_lines(self, dropped):
        for line in self.line_ids.filtered(lambda line: line.id in dropped):
            code, params = dropped[line.id]
            line.write({"dropped_code": code, "dropped_params": params or False})

    # -- step gates

    def _get_addresses(self):
        others = email_normalize_all(self.recipient_others or "")
        return list(dict.fromkeys(filter(None, [email_normalize(self.recipient_email or ""), *others])))

    def _read_gate_facts(self):
        company = str(self.company_id.id)
        [row] = self.env.execute_query_dict(SQL(
            """SELECT (p.chaser_paused_until->>%(key)s)::date AS paused_until, p.chaser_pause_reason->>%(key)s AS pause_reason,
                      (p.preferred_contact_interval->>%(key)s)::int AS interval,
                      (SELECT max(o.sent_at) FROM chaser_reminder o WHERE o.company_id = %(company)s AND o.partner_id = p.id
                          AND o.state = 'sent' AND o.campaign_id IS DISTINCT FROM %(campaign)s AND o.purpose = 'reminder') AS last_contact
                 FROM res_partner p WHERE p.id = %(partner)s""",
            key=company, company=self.company_id.id, campaign=self.campaign_id.id, partner=self.partner_id.id))
        row["stopped"] = self.env["chaser.campaign"]._read_stopped(self._get_addresses(), self.company_id)
        return row

    # -- step render

    def _ensure_portal_tokens(self, job):
        """Invoices need a portal token for their link; in one statement, because ``write`` on posted invoices is dear."""
        missing = [row["move_id"] for row in job.items if not row["access_token"]]
        if missing:
            rows = self.env.execute_query(SQL(
                "UPDATE account_move SET access_token = gen_random_uuid()::text WHERE id = ANY(%s) RETURNING id, access_token", missing))
            tokens = dict(rows)
            for row in job.items:
                row["access_token"] = row["access_token"] or tokens[row["move_id"]]

    def _get_link_prefix(self, job):
        """Start of the tracked links; empty where tracking is off."""
        return f"{self._get_base_url(job.run)}/chaser/c/{self.sudo().token}/" if self.company_id.chaser_tracking else ""

    def _get_base_url(self, run):
        return run.get("base_url", lambda: self.get_base_url())

    def _prepare_message_data(self, job):
        """Plain values for the template; no recordset reaches it."""
        run, company, token = job.run, self.company_id, self.sudo().token
        base_url = self._get_base_url(run)
        first = job.items[0]
        return render.MessageData(
            company=run.get("company", lambda: self.env["chaser.provider"]._get_company_data(company)),
            customer_name=self.partner_id.name or self.partner_id.display_name or "",
            contact_name=self._get_contact_name(job), today=job.today,
            items=tuple(self._make_render_item(row, job.today, base_url, run) for row in job.items),
            credits=tuple(self._make_render_item(row, job.today, base_url, run) for row in job.credits),
            salesperson=run.get(("user", first["invoice_user_id"]), lambda: self._get_salesperson_data(first["invoice_user_id"])),
            bank=run.get(("bank", first["partner_bank_id"]), lambda: self._get_bank_data(first["partner_bank_id"])),
            payment_reference=first["payment_reference"] or first["number"] or "",
            level_name=run.get(("level", self.level_id.id), lambda: self._get_level_names()),
            unsubscribe_url=f"{base_url}/chaser/u/{token}",
            pixel_url=f"{base_url}/chaser/o/{token}.gif" if company.chaser_tracking else "",
        )

    def _get_contact_name(self, job):
        contacts = {row["contact_id"] for row in job.items}
        contact = self.env["res.partner"].browse(contacts) if len(contacts) == 1 else self.partner_id
        return contact.name or self.partner_id.name or ""

    def _make_render_item(self, row, today, base_url, run):
        currency = run.get(("currency", row["currency_id"]), lambda: self.env["res.currency"].browse(row["currency_id"]))
        token = row.get("access_token")
        return render.Item(
            number=row["number"] or "", invoice_date=row["invoice_date"], date_due=row["date_due"],
            days_overdue=(today - row["date_due"]).days if row["date_due"] else 0, amount=Decimal(str(row["amount"])),
            residual=Decimal(str(row["residual"])), currency=currency.name, decimals=currency.decimal_places,
            url=f"{base_url}/my/invoices/{row['move_id']}?access_token={token}" if token else "",
        )

    def _get_salesperson_data(self, user_id):
        partner = self.env["res.users"].browse(user_id).sudo().partner_id if user_id else self.env["res.partner"]
        return {"name": partner.name or "", "email": partner.email or "", "phone": partner.phone or ""}

    def _get_bank_data(self, bank_id):
        bank = self.env["res.partner.bank"].browse(bank_id).sudo() if bank_id else self.env["res.partner.bank"]
        return {"name": bank.bank_id.name or "", "iban": bank.acc_number or ""}

    def _get_level_names(self):
        arabic = next((code for code, _name in self.env["res.lang"].get_installed() if code.startswith("ar")), "en_US")
        level = self.level_id
        return {"en": level.with_context(lang="en_US").name or "", "ar": level.with_context(lang=arabic).name or ""}

    def _prepare_message(self, job):
        provider, campaign = job.run.provider, self.campaign_id
        url = f"{self._get_base_url(job.run)}/chaser/u/{self.sudo().token}"
        return OutgoingMessage(
            message_id=self.message_id or provider._make_message_id(), sender=email_normalize(provider.email),
            sender_name=campaign.sender_name or provider.sender_name or self.company_id.name or "",
            recipients=tuple(job.facts["recipients"]), cc=tuple(self._get_copies(job)), subject=job.rendered.subject,
            html=job.rendered.html, text=job.rendered.text, reply_to=email_normalize(campaign.reply_to or provider.reply_to or "") or "",
            references=self._get_references(),
            headers={
                "List-Unsubscribe": f"<{url}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
                "Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "OOF",
                "Content-Language": ", ".join(job.rendered.langs),
            },
        )

    def _get_copies(self, job):
        """Addresses that the level copies: salesperson, a manager, the customer's escalation contact."""
        level, copies = self.level_id, []
        if level.copy_salesperson:
            copies.append(self._get_salesperson_data(job.items[0]["invoice_user_id"])["email"])
        if level.copy_user_id:
            copies.append(level.copy_user_id.sudo().partner_id.email)
        if level.copy_escalation:
            copies.append(self.partner_id.chaser_escalation_partner_id.email)
        normalized = [email_normalize(address or "") for address in copies]
        return list(dict.fromkeys(address for address in normalized if address and address not in job.facts["recipients"]))

    def _get_references(self):
        """Message-IDs of the customer's former reminders, oldest first, so that mail programs thread them (RFC 5322 §3.6.4)."""
        rows = self.env.execute_query(SQL(
            """SELECT message_id FROM chaser_reminder WHERE company_id = %s AND partner_id = %s AND state = 'sent' AND id <> %s
                  AND recipient_email = %s AND message_id IS NOT NULL ORDER BY sent_at DESC LIMIT 5""",
            self.company_id.id, self.partner_id.id, self.id, self.recipient_email))
        return tuple(row[0] for row in reversed(rows))

    def _snapshot_lines(self, job):
        """The lines say what the message says."""
        shown = {row["id"]: row for row in job.items + job.credits}
        for line in self.line_ids:
            row = shown.pop(line.move_line_id.id, None)
            if row:
                values = self._prepare_snapshot_values(row, job.today)
                changed = {name: value for name, value in values.items() if line[name] != value}
                if changed:
                    line.write(changed)
            elif line.is_credit and not line.dropped_code:
                line.dropped_code = "not_open"
        self.env["chaser.reminder.line"].create([
            {"reminder_id": self.id, "company_id": self.company_id.id, "move_line_id": row["id"], "move_id": row["move_id"],
             "is_credit": True, "currency_id": row["currency_id"], "number": row["number"], "invoice_date": row["invoice_date"],
             "amount_company": row["company_residual"], **self._prepare_snapshot_values(row, job.today)}
            for row in shown.values()
        ])

    def _prepare_snapshot_values(self, row, today):
        return {
            "amount": row["amount"], "amount_residual": row["residual"],
            "days_overdue": (today - row["date_due"]).days if row["date_due"] else 0,
        }

    # -- step record

    def _record_sent(self, job):
        """Two commits on purpose: that it is out comes first; the chatter may fail without undoing it."""
        refused = job.result.refused
        self.write({
            "state": "sent", "sent_at": fields.Datetime.now(), "provider_message_id": job.result.provider_message_id or False,
            "is_undecided": False,
        })
        self._record_event("sent", source="api", raw_data={"response": job.result.response, **({"refused": refused} if refused else {})})
        self.env.flush_all()
        job.run.provider._commit_now()
        self._log_sent()
        self._plan_activity()

    def _record_event(self, event_type, source, **values):
        return self.env["chaser.event"].sudo().create([{
            "reminder_id": reminder.id, "campaign_id": reminder.campaign_id.id, "company_id": reminder.company_id.id,
            "partner_id": reminder.partner_id.id, "event_type": event_type, "source": source, **values,
        } for reminder in self])

    def _log_sent(self):
        """A note on the customer and on each invoice, without notifying anyone; the customer's comes last, so that a reply,
        which is matched by Message-ID to the newest message, lands there."""
        for reminder in self:
            body = Markup("<p>%s</p><p><b>%s</b></p><p>%s</p>") % (
                self.env._("Payment reminder sent to %s", ", ".join(filter(None, (reminder.recipient_email, reminder.recipient_others)))),
                reminder.subject, reminder.total_display)
            shared = {
                "body": body, "subject": reminder.subject, "message_id": reminder.message_id, "message_type": "email_outgoing",
                "subtype_id": self.env["ir.model.data"]._xmlid_to_res_id("mail.mt_note"), "is_internal": True,
                "author_id": (reminder.campaign_id.user_id or self.env.user).partner_id.id, "email_from": reminder.provider_id.email,
                "date": reminder.sent_at,
            }
            moves = [("account.move", move_id) for move_id in dict.fromkeys(reminder._get_live_lines().move_id.ids)]
            self.env["mail.message"].sudo().with_context(mail_notrack=True).create([
                {**shared, "model": model, "res_id": res_id} for model, res_id in [*moves, ("res.partner", reminder.partner_id.id)]
            ])

    def _plan_activity(self):
        if self.level_id.activity_type_id:
            self.partner_id.activity_schedule(
                activity_type_id=self.level_id.activity_type_id.id, user_id=self.campaign_id.user_id.id,
                summary=self.env._("%(level)s sent: %(subject)s", level=self.level_id.name, subject=self.subject))

    # -- when it does not go

    def _take_transport_error(self, error, run):
        """The service's answer decides: about this message, this customer, or the whole mailbox."""
        provider = run.provider
        provider._fresh()
        if isinstance(error, OutcomeUnknown):
            self._set_undecided("line_broke", {"detail": str(error)})
        elif isinstance(error, RecipientRefused) and error.permanent:
            self._set_failed("recipient_refused", {"detail": str(error)}, event_type="bounced")
            self.env["chaser.suppression"]._suppress(
                self.company_id, self.recipient_email, "hard_bounce", source=self.env._("Mail server's answer"), reminder=self, note=str(error))
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

    # -- preview

    def _get_preview_data(self, partner, company, line_ids=None):
        """Message data for a customer's overdue items as of today; None when there are none."""
        Campaign = self.env["chaser.campaign"]
        moves = self.env["account.move"].search([
            ("commercial_partner_id", "=", partner.commercial_partner_id.id), ("company_id", "=", company.id), ("state", "=", "posted"),
            ("move_type", "in", ("out_invoice", "out_receipt")), ("payment_state", "not in", PAID_STATES)])
        today = company._get_chaser_today()
        rows = [row for row in Campaign._read_items(moves, company, today).values() if line_ids is None or row["id"] in line_ids]
        if not rows:
            return None
        rows.sort(key=lambda row: (row["date_due"], row["id"]))
        currencies = {row["currency_id"] for row in rows}
        credits = [row for row in Campaign._read_credits([partner.commercial_partner_id.id], company) if row["currency_id"] in currencies]
        cache = PreviewRun()
        return render.MessageData(
            company=self.env["chaser.provider"]._get_company_data(company), customer_name=partner.commercial_partner_id.name or "",
            contact_name=partner.name or "", today=today,
            items=tuple(self._make_render_item(row | {"access_token": "preview"}, today, self.get_base_url(), cache) for row in rows),
            credits=tuple(self._make_render_item(row, today, self.get_base_url(), cache) for row in credits),
            payment_reference=rows[0]["number"] or "",
        )


class PreviewRun:
    """Stands where a send run shares values, without a mailbox."""

    def __init__(self):
        self.cache = {}

    def get(self, key, make):
        if key not in self.cache:
            self.cache[key] = make()
        return self.cache[key]


def _as_item(row):
    return OpenItem(row["id"], row["move_id"], 0, row["currency_id"], Decimal(str(row["residual"])), Decimal(str(row["company_residual"])), row["date_due"], 0)


def _as_credit(row):
    return OpenCredit(row["id"], row["currency_id"], -Decimal(str(row["residual"])), -Decimal(str(row["company_residual"])))


def _strongest_drop(dropped):
    """The reason to show when nothing is left: paid only if that is true of everything."""
    codes = list(dropped.values()) or [("paid", {})]
    other = [entry for entry in codes if entry[0] != "paid"]
    return other[0] if other else codes[0]
