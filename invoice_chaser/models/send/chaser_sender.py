from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

import pytz

from odoo import api, fields, models
from odoo.tools import SQL

from ...core.letter import render
from ...core.letter.template_language import TemplateProblem
from ...core.mail.errors import NoRoom, TransportError
from ...core.mail.message import SendResult
from ...core.mail.transports import base as transports
from ...core.plan.gates import Elsewhere, Fail, Hold, Release, Skip
from ...core.plan.holds import Held
from ...core.plan.netting import OpenCredit
from ...core.plan.planning import OpenItem, net_items
from ..planning.open_items import (
    get_due_date,
    get_label,
    is_no_followup,
    is_settled,
)

# How often a message's documents are drawn anew because the figures changed meanwhile,
# before the message waits.
_DRAWINGS = 3


@dataclass
class SendJob:
    """One reminder on its way through the steps."""

    run: object
    reminder: object
    row: dict = field(default_factory=dict)
    items: list[dict] = field(default_factory=list)
    credits: list[dict] = field(default_factory=list)
    other_credits: list[dict] = field(default_factory=list)
    is_valued: bool = False
    payables: list[tuple] = field(default_factory=list)
    facts: dict = field(default_factory=dict)
    held: Held = field(default_factory=Held)
    rendered: render.Rendered | None = None
    version_id: int = 0
    message: object = None
    result: SendResult | None = None
    documents: list = field(default_factory=list)
    document_notes: list = field(default_factory=list)
    copies: list = field(default_factory=list)
    copies_left_out: list = field(default_factory=list)
    drawn: list = field(default_factory=list)
    rounds: int = 0
    left_out: int = 0
    number: int = 0
    link_invoices: bool = True

    @property
    def settings(self):
        """What it needs of the mailbox and its own company, as plain values."""
        return self.run.get_settings(self.reminder.id)

    @property
    def channel(self):
        """The channel of the run's mailbox, and so of the reminder."""
        return self.run.channel


class ChaserSender(models.AbstractModel):
    """Sends a reminder in eleven steps, from top to bottom. A step may stop the
    reminder with a recorded reason: it returns None to go on, or Skip, Hold, Fail or
    Release. ``mark`` commits the intent; after it a crash never sends twice.

    A reminder's purpose says which sender takes it (``chaser.reminder._get_sender``). A
    purpose that asks something else at a step has a sender of its own, which inherits
    this one under its own name: ``chaser.sender.thanks``, ``chaser.sender.copy``."""

    _name = "chaser.sender"
    _description = "Sender of Reminders"

    # Whether colleagues whom the level names get a copy.
    _copies_colleagues = True
    _SEND_STEPS = (
        "maybe_paid",
        "lock",
        "facts",
        "refresh",
        "gates",
        "window",
        "documents",
        "render",
        "mark",
        "send",
        "record",
    )

    def _send(self, reminder, run):
        """One reminder through all steps, as far as it goes."""
        job = SendJob(run, reminder)
        try:
            stop = self._run_steps(job)
            while isinstance(stop, Release):
                run.provider._fresh()
                stop.work()
                job = SendJob(run, reminder, drawn=job.drawn, rounds=job.rounds + 1)
                stop = self._run_steps(job)
        except TransportError as error:
            self._handle_transport_error(job, error)
        else:
            if stop:
                reminder._stop(stop)

    def _run_steps(self, job):
        """Runs the steps in their order, up to the first that stops the reminder;
        returns its result."""
        for name in self._SEND_STEPS:
            if stop := getattr(self, f"_step_{name}")(job):
                return stop
        return None

    # -- maybe_paid: money that came in since planning

    def _step_maybe_paid(self, job):
        """Matches money again when anything changed, before the reminder is locked.
        What fits gets a ``chaser.hold``, which the step ``refresh`` reads."""
        company = self.env["res.company"].browse(job.settings["company_id"])
        if stop := self._get_bank_stop(job, company):
            return stop
        # Settings are read once a run: reading the company for each message would take
        # a sixth of its time.
        if job.run.get(("maybe_paid", company.id), lambda: company.chaser_maybe_paid):
            maybe_paid = self.env["chaser.maybe.paid"]
            seen = job.run.ask(maybe_paid._get_fingerprint_sql(company))
            if job.run.cache.get(("money", company.id)) != seen:
                maybe_paid._refresh(company)
                self.env.flush_all()
                job.run.provider._commit_now()
                job.run.cache["money", company.id] = seen
        return None

    def _get_bank_stop(self, job, company):
        """A hold where the company wants recent bank data and has none."""
        if job.run.get(
            ("bank_days", company.id), lambda: company.sudo().chaser_bank_days
        ):
            return self.env["chaser.bank.data"]._get_hold(company)
        return None

    # -- lock: the reminder, for this process

    def _step_lock(self, job):
        """Locks the row, if it is still queued and its campaign still runs; a pause
        that comes now waits for the mark. There is no commit from here to the mark, so
        that the slot of the monthly limit, which is reserved first, stays reserved."""
        if not job.run.reserve_month_slot():
            return Skip("gone")
        rows = job.run.ask(
            SQL(
                """SELECT r.id, r.token, r.pixel_token, r.stop_token, r.reply_token,
                      r.language, r.message_id, r.attempt_count,
                      r.channel_rest, r.level_id, r.level_code, r.level_params,
                      r.campaign_id, r.split_move_id, r.partner_id, r.company_id,
                      c.template_id, c.campaign_type, c.sender_name, c.reply_to,
                      c.user_id,
                      r.purpose, r.copy_of_id, r.page_token, %s,
                      (SELECT count(*) FROM chaser_reminder_line l
                      WHERE l.reminder_id = r.id AND NOT l.is_credit
                          AND l.dropped_code IS NULL AND l.move_line_id IS NOT
                          NULL) AS item_count,
                      EXISTS (SELECT 1 FROM chaser_reminder_line l
                      WHERE l.reminder_id = r.id AND l.is_credit) AS has_credits
                 FROM chaser_reminder r JOIN chaser_campaign c ON c.id = r.campaign_id
                WHERE r.id = %s AND r.provider_id = %s AND r.state = 'queued'
                AND c.state = 'sending'
                  FOR NO KEY UPDATE OF r SKIP LOCKED FOR SHARE OF c SKIP LOCKED""",
                SQL(", ").join(
                    SQL.identifier("r", name) for name in job.channel._recipient_fields
                ),
                job.reminder.id,
                job.run.provider.id,
            )
        )
        if not rows:
            return Skip("gone")
        job.row = rows[0]
        return None

    # -- facts: what is known of the customer at the moment of sending

    def _step_facts(self, job):
        """One query for all that the next steps need: customer, stopped addresses, what
        is held, last contact, former messages."""
        addresses = self._read_addresses(job)
        job.row |= job.channel._prepare_recipient_values(addresses)
        job.facts = self._read_facts(job, addresses)
        job.held = self.env["chaser.hold"]._make_held(job.facts["held"])
        job.facts["addresses"] = addresses
        job.facts["recipients"] = [
            address for address in addresses if address not in job.facts["stopped"]
        ]

    def _read_addresses(self, job):
        """As they are now, not as they were planned: a user who has just corrected an
        address expects it to be used."""
        return job.channel._read_current_addresses(job)

    def _read_facts(self, job, addresses):
        own, today = job.row, job.settings["today"]
        company = self.env["res.company"].browse(own["company_id"])
        [row] = job.run.ask(
            SQL(
                """SELECT p.name, p.is_company, p.ref, p.vat, p.active,
                p.company_id AS owner_id,
                p.chaser_escalation_partner_id AS escalation_id,
                      %(agreed)s,
                      letters.*,
                      %(particular)s
                      (SELECT json_agg(s) FROM (%(stopped)s) s) AS stopped,
                      (SELECT json_agg(h) FROM (%(held)s) h) AS held
                 FROM res_partner p CROSS JOIN LATERAL (%(letters)s) letters
                WHERE p.id = %(partner)s""",
                agreed=self.env["chaser.sender.account"]._get_agreed_sql(company),
                partner=own["partner_id"],
                letters=self.env["chaser.sender.account"]._get_letters_sql(job),
                particular=SQL().join(
                    SQL("%s AS %s, ", column, SQL.identifier(name))
                    for name, column in job.channel._get_facts_sql(job).items()
                ),
                stopped=job.channel._get_stopped_sql(addresses, company),
                held=self.env["chaser.hold"]._get_held_sql(
                    company, [own["partner_id"]], today
                ),
            )
        )
        row["stopped"] = {
            stop["address"]: stop["reason"] for stop in reversed(row["stopped"] or ())
        }
        row["held"] = [tuple(held.values()) for held in row["held"] or ()]
        return row

    # -- refresh: what of the reminder's items is still to be chased

    def _step_refresh(self, job):
        """Fresh balances, read under a lock so that no payment can slip in before the
        mark."""
        account = self.env["chaser.sender.account"]
        rows = self._read_open_items(job)
        if len(rows) < job.row["item_count"]:
            return _hold_a_minute("busy")
        dropped = {}
        for row in rows:
            code, params = self._get_drop_reason(row, job)
            if code:
                dropped[row["line_id"]] = (code, params)
        live = [row for row in rows if row["line_id"] not in dropped]
        credits = account._read_credits(job, live) if live else []
        due, covered = net_items(
            [_as_item(row) for row in live], [_as_credit(row) for row in credits]
        )
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
        job.other_credits += self.env["chaser.account"]._get_rest(covered, credits)
        return account._read_credit_stop(job)

    def _read_open_items(self, job):
        """The reminder's items as they are now; one that another transaction is
        changing is missing."""
        rows = job.run.ask(
            SQL(
                """SELECT rl.id AS line_id, l.id, l.move_id, l.currency_id,
                l.amount_residual_currency AS residual,
                      l.amount_residual AS company_residual,
                      l.amount_currency AS amount, m.name AS number, %s AS label,
                      coalesce(m.invoice_date, l.date) AS invoice_date,
                      %s AS date_due, l.parent_state, l.reconciled,
                      l.company_id, %s AS no_followup, m.payment_state,
                      m.chaser_dispute_reason AS dispute,
                      m.chaser_promise_date AS promise,
                      m.access_token, m.invoice_user_id,
                      m.partner_bank_id, p.name AS contact_name,
                      q.commercial_partner_id AS customer_id,
                      p.is_company AS contact_is_company,
                      i.part, i.parts, rl.amount AS shown_amount,
                      rl.amount_residual AS shown_residual,
                      rl.days_overdue AS shown_days
                 FROM chaser_reminder_line rl JOIN account_move_line l ON l.id =
                 rl.move_line_id JOIN account_move m ON m.id = l.move_id
                 LEFT JOIN res_partner p ON p.id = m.partner_id
                 LEFT JOIN res_partner q ON q.id = l.partner_id CROSS JOIN LATERAL %s i
                WHERE rl.reminder_id = %s AND NOT rl.is_credit
                AND rl.dropped_code IS NULL
                ORDER BY date_due, l.id FOR SHARE OF l, m SKIP LOCKED""",
                get_label(),
                get_due_date(),
                is_no_followup(),
                self.env["chaser.composer"]._get_instalment_sql("l"),
                job.reminder.id,
            )
        )
        return rows

    def _get_drop_reason(self, row, job):
        today = job.settings["today"]
        if (
            row["company_id"] != job.row["company_id"]
            or row["parent_state"] != "posted"
        ):
            return "not_open", {}
        if row["customer_id"] != job.row["partner_id"]:
            return "other_customer", {}
        if is_settled(row["reconciled"], row["residual"], row["payment_state"]):
            return "paid", {}
        hold = self.env["chaser.account"]._get_item_hold(
            row, today
        ) or job.held.get_item(row["move_id"], row["id"])
        if hold:
            return hold.reason, hold.params
        level = self.env["chaser.composer"]._get_level_values(job)
        return self._get_date_reason(
            (today - row["date_due"]).days, level["days_overdue"]
        ), {}

    def _get_date_reason(self, days, level_days):
        """A reminder is about what is overdue; a notice before the due date is not sent
        after it."""
        if level_days < 0:
            return (
                "overdue_now" if days > 0 else "not_due" if days < level_days else None
            )
        return "not_due" if days < min(level_days, 1) else None

    def _drop_lines(self, dropped):
        for line_id, (code, params) in dropped.items():
            self.env["chaser.reminder.line"].browse(line_id).write(
                {"dropped_code": code, "dropped_params": params or False}
            )

    # -- gates: still allowed?

    def _step_gates(self, job):
        """Stopped addresses, holds, pause, interval, and the limit of the recipient's
        domain."""
        facts, today = job.facts, job.settings["today"]
        stop = self._get_customer_stop(job) or self._get_address_stop(job)
        if stop:
            return stop
        if held := job.held.customers.get(job.row["partner_id"]):
            return held
        if facts["paused_until"] and facts["paused_until"] >= today:
            date, detail = (
                facts["paused_until"].isoformat(),
                facts["pause_reason"] or "",
            )
            return Skip("paused", {"date": date, "detail": detail})
        return (
            self._get_interval_stop(job)
            or self._get_week_stop(job)
            or self._get_domain_stop(job)
        )

    def _get_customer_stop(self, job):
        """Nothing goes to who was archived or made another company's meanwhile."""
        if not job.facts["active"]:
            return Skip("customer_archived")
        company = self.env["res.company"].browse(job.row["company_id"])
        owner_id = job.facts["owner_id"]
        if owner_id and owner_id not in company._get_chaser_entity().ids:
            return Skip("foreign_customer")
        own = job.run.get(
            ("own_companies", company.id), company._read_chaser_own_companies
        )
        if name := own.get(job.row["partner_id"]):
            return Skip("own_company", {"detail": name})
        return None

    def _get_address_stop(self, job):
        """Without an address that may be written to nothing goes; by another channel it
        may."""
        return self._pass_on(job, job.channel._get_address_stop(job))

    @api.model
    def _pass_on(self, job, stop):
        """What the channel cannot send goes on by the next one of its order, where
        there is one; what only waits, waits."""
        if isinstance(stop, Skip) and job.row["channel_rest"]:
            return Elsewhere(stop.reason, stop.params)
        return stop

    def _get_interval_stop(self, job):
        """Nothing is sent too soon after the last contact by another campaign (but for
        a second message to it), nor while nobody knows whether the last one arrived."""
        facts, settings = job.facts, job.settings
        if facts["open_letter"]:
            since = _get_local_date(facts["open_since"], settings["tz"])
            return Skip(
                "live_reminder",
                {"detail": facts["open_letter"], "date": since.isoformat()},
            )
        if not facts["last_contact"]:
            return None
        interval = facts["interval"] or settings["interval"]
        last = _get_local_date(facts["last_contact"], settings["tz"])
        if self.env["chaser.reaction"]._is_second_to(job, last):
            return self.env["chaser.reaction"]._get_stop(job)
        if (settings["today"] - last).days < interval:
            return Skip(
                "recent_contact", {"date": last.isoformat(), "detail": str(interval)}
            )
        return None

    def _get_week_stop(self, job):
        """No more messages a week than the company allows, by whatever channel."""
        settings = job.settings
        limit, week = settings["week_limit"], timedelta(days=7)
        days = [
            _get_local_date(moment, settings["tz"])
            for moment in job.facts["week_contacts"] or ()
        ]
        if (
            not limit
            or len(days) < limit
            or days[limit - 1] + week <= settings["today"]
        ):
            return None
        until = days[limit - 1] + week
        return Skip("week_limit", {"date": until.isoformat(), "detail": str(limit)})

    def _get_domain_stop(self, job):
        """A hold while the recipient's domain has reached its limit per minute."""
        domain = job.channel._get_domain(job.facts["recipients"])
        until = job.run.get_domain_hold(domain)
        return Hold("limit_domain", {"detail": domain}, until) if until else None

    # -- window: the customer's hours

    def _step_window(self, job):
        """Working hours, days off and Ramadan, by the customer's calendar and clock."""
        company = self.env["res.company"].browse(job.row["company_id"])
        book = job.run.get(("windows", company.id), company._get_window_book)
        if not book:
            return None
        partner_id = job.row["partner_id"]
        place = company._read_chaser_places([partner_id])[partner_id]
        return self.env["chaser.window"]._get_hold(
            book.get(place), fields.Datetime.now()
        )

    # -- documents: statement, letter and invoices that go along

    def _step_documents(self, job):
        """The files that go with the message, from the same figures. Waits some minutes
        for invoice PDFs that are being made. Returns Release, which ends all locks,
        when something has to be drawn; uses a drawn document only if it still fits the
        current figures."""
        documents = self.env["chaser.documents"]
        options = job.channel._choose_options(job, documents._get_options(job))
        job.link_invoices = options["invoices"] != "none"
        if not options["makes"] or not job.channel._takes_documents:
            return None
        pdfs = options["invoices"] == "pdf"
        invoices = [row["move_id"] for row in job.items if row["label"] is None]
        moves = list(dict.fromkeys(invoices)) if pdfs else []
        files = documents._read_invoice_pdfs(moves)
        wanted = moves[: options["max_count"] or None]
        wait = documents._wait_for_pdfs(
            job, [move_id for move_id in wanted if move_id not in files]
        )
        if wait:
            return wait
        drawings = documents._plan_drawings(job, options)
        drawn = [
            next((done for done in job.drawn if done.drawing == drawing), None)
            for drawing in drawings
        ]
        if None in drawn:
            return self._release_to_draw(job, drawings)
        found = [done.document for done in drawn if done.document]
        found += [files[move_id] for move_id in moves if move_id in files]
        documents._choose_documents(job, options, found)
        job.document_notes += [done.note for done in drawn if done.note]
        kept = sum(document.kind == "invoice" for document in job.documents)
        job.left_out = len(moves) - kept
        return None

    def _release_to_draw(self, job, drawings):
        """Drawing takes long, so it is not done while invoices are locked or in a
        transaction. The number of attempts is limited, so that a message does not wait
        for ever."""
        if job.rounds >= _DRAWINGS:
            return _hold_a_minute("account_changing")
        documents = self.env["chaser.documents"]
        known = [done.drawing for done in job.drawn]
        return Release(
            lambda: job.drawn.extend(
                documents._draw(drawing) for drawing in drawings if drawing not in known
            )
        )

    # -- render: the text

    def _step_render(self, job):
        """The message from fresh figures."""
        composer = self.env["chaser.composer"]
        template_id = composer._get_template_id(job)
        if not template_id:
            return Fail("template", {"detail": self.env._("there is none")})
        job.version_id, content = composer._get_version(job, template_id)
        try:
            stop = job.channel._compose(job, content, self._copies_colleagues)
        except TemplateProblem as problem:
            detail = self.env["chaser.template"]._describe_problem(problem)
            return Fail("template", {"detail": detail})
        return self._pass_on(job, stop)

    # -- mark: the intent, committed

    def _step_mark(self, job):
        """Write down the intent and the exact message, and commit, before anything
        leaves."""
        self._keep_lines(job)
        # From before the commit: whatever others do about the mark comes later.
        job.run.transport.leave_by = transports.tick() + transports.FRESH
        self._write_mark(job)
        job.run.provider._commit_now()

    # -- send: the network

    def _step_send(self, job):
        job.run.note_attempt(job.channel._get_domain(job.facts["recipients"]))
        self._note_outside(job)
        job.run.transport.check_fresh()
        job.result = job.run.transport.send(job.message)
        job.run.note_success()

    def _note_outside(self, job):
        """Outside of the database, too, that it is about to leave; where that cannot be
        written, it does not leave."""
        try:
            self.env["chaser.watermark"]._note(job, job.number)
        except OSError as error:
            raise NoRoom(str(error)) from None

    # -- record: it was sent

    def _step_record(self, job):
        """Record that it was sent, whatever else fails. The notes follow at the end of
        the batch, where an error does not undo this record."""
        now = self._write_sent(job)
        job.run.provider._commit_now()
        job.run.notes.append(self._make_note(job, now))
        if job.result.dead:
            self._stop_dead_recipients(job)


def _hold_a_minute(reason):
    return Hold(reason, until=fields.Datetime.now() + timedelta(minutes=1))


def _get_local_date(moment, tz):
    return pytz.utc.localize(moment).astimezone(pytz.timezone(tz)).date()


def _as_item(row):
    return OpenItem(
        row["id"],
        row["move_id"],
        0,
        row["currency_id"],
        Decimal(str(row["residual"])),
        Decimal(str(row["company_residual"])),
        row["date_due"],
        0,
    )


def _as_credit(row):
    return OpenCredit(
        row["id"],
        row["currency_id"],
        -Decimal(str(row["residual"])),
        -Decimal(str(row["company_residual"])),
    )


def _strongest_drop(dropped):
    """The reason when no item is left: paid only if all items are paid. Without
    anything to drop, the invoices themselves are gone."""
    codes = list(dropped.values()) or [("deleted", {})]
    other = [entry for entry in codes if entry[0] != "paid"]
    return other[0] if other else codes[0]
