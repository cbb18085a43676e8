from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from odoo import api, models
from odoo.tools import SQL

from ...core.plan.cadence import Ladder, Sent
from ...core.plan.gates import Skip
from ...core.plan.holds import Held
from ...core.plan.planner import (
    Barrier,
    CustomerFacts,
    ItemFacts,
    Settings,
    get_channels,
    plan_day,
)
from ...core.plan.planning import Message, OpenCredit

# States that count as paid here: Odoo has the money or expects it on a bank line, so
# nobody must be asked for it again.
PAID_STATES = ("paid", "in_payment", "reversed", "invoicing_legacy")
_NAMES_SHOWN = 5


@dataclass
class CampaignPlan:
    """What a campaign for some invoices would be. ``left_out``: sentences on what
    cannot be chased at all."""

    company: object
    today: date
    customers: list[CustomerFacts] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    rows: dict[int, dict] = field(default_factory=dict)
    languages: dict[int, str] = field(default_factory=dict)
    held: Held = field(default_factory=Held)
    left_out: list[str] = field(default_factory=list)
    ladders: dict[int, Ladder] = field(
        default_factory=dict
    )  # policy → what counts instead of the saved levels
    channel: str | None = None  # one for all messages, chosen by a person
    receivables: float | None = None
    mailboxes: dict = field(default_factory=dict)  # channel → who sends

    def get_receivables(self, env):
        """All open receivables of the company: against them the priority is
        measured."""
        if self.receivables is None:
            self.receivables = (
                env["chaser.worklist"].sudo()._read_receivables(self.company)
            )
        return self.receivables

    @property
    def going(self):
        return [message for message in self.messages if not message.skip]


class ChaserPlanner(models.AbstractModel):
    """Decides who is written to about what, or why not: reads the facts and calls
    ``core.plan``. It writes nothing; ``chaser.plan.writer`` does that."""

    _name = "chaser.planner"
    _description = "Planner of Reminders"

    # -- planning

    @api.model
    def _build_plan(self, invoices, company_id=None, level_id=None, channel=None):
        """Reads, nets, consolidates and judges; a fixed number of queries, whatever the
        number of invoices.

        :param level_id: one level for everybody, and ``channel``: one channel, chosen
            by a person
        """
        readable = invoices.exists()._filtered_access("read")
        readable.fetch(["state", "move_type", "payment_state", "company_id"])
        company = self._choose_company(readable, company_id)
        self._prepare_planning(company)
        plan = CampaignPlan(company, company._get_chaser_today(), channel=channel)
        if hidden := len(set(invoices.ids)) - len(readable):
            plan.left_out.append(
                self.env._("%s not found or not yours to read.", hidden)
            )
        good = self._leave_out(plan, readable)
        settings = self._get_plan_settings(company, level_id, channel=channel)
        until = plan.today + timedelta(days=self._get_notice_days(company))
        self._read_facts(
            plan, SQL("l.move_id = ANY(%s)", list(good.ids)), until, settings
        )
        plan.messages = plan_day(plan.customers, plan.today, settings)
        chased = {item.move_id for message in plan.messages for item in message.items}
        self._tell_left_out(
            plan,
            self.env._("nothing overdue yet"),
            good.filtered(lambda move: move.id not in chased),
        )
        return plan

    @api.model
    def _prepare_planning(self, company):
        """Matches new money first, because it may hold reminders."""
        if self.env.su or company in self.env.companies:
            self.env["chaser.maybe.paid"]._refresh(company)

    @api.model
    def _get_plan_settings(self, company, level_id=None, automatic=False, channel=None):
        """:param level_id: one level for everybody, chosen by a person; None: each
        customer's own; ``channel`` likewise"""
        fixed = self.env["chaser.level"].browse(level_id or ())._get_rules()
        return Settings(
            Decimal(str(company.chaser_minimum_amount)),
            company.chaser_consolidation_min_invoices,
            automatic,
            fixed[0] if fixed else None,
            channel,
        )

    @api.model
    def _choose_company(self, invoices, company_id=None):
        """One campaign, one company: the one asked for, else that of the invoices when
        they agree, else the current one."""
        if company_id:
            return self.env["res.company"].browse(company_id)
        companies = invoices.company_id
        return companies if len(companies) == 1 else self.env.company

    @api.model
    def _leave_out(self, plan, invoices):
        """The posted, open customer invoices of the plan's company; the others are
        named in the plan with their reason."""
        groups = invoices.grouped(
            lambda move: self._get_left_out_kind(move, plan.company)
        )
        words = {
            "kind": self.env._("not customer invoices"),
            "company": self.env._("of another company"),
            "draft": self.env._("drafts"),
            "cancel": self.env._("cancelled"),
            "paid": self.env._("paid"),
        }
        for kind, word in words.items():
            self._tell_left_out(plan, word, groups.get(kind))
        return groups.get(None, invoices.browse())

    @api.model
    def _get_left_out_kind(self, move, company):
        if move.move_type not in ("out_invoice", "out_receipt"):
            return "kind"
        if move.company_id != company:
            return "company"
        if move.state != "posted":
            return move.state
        return "paid" if move.payment_state in PAID_STATES else None

    @api.model
    def _tell_left_out(self, plan, word, moves):
        if moves:
            names = ", ".join(moves[:_NAMES_SHOWN].mapped("display_name")) + (
                " …" if len(moves) > _NAMES_SHOWN else ""
            )
            plan.left_out.append(
                self.env._(
                    "%(count)s %(word)s: %(names)s",
                    count=len(moves),
                    word=word,
                    names=names,
                )
            )

    @api.model
    def _exclude(self, plan, excluded_partner_ids, excluded_line_ids):
        """Leaves out what the accountant dropped in the preview, recorded with their
        name."""
        dropped = Skip("dropped", {"detail": self.env.user.name})
        messages = []
        for message in plan.messages:
            if not message.skip and message.partner_id in excluded_partner_ids:
                message.skip = dropped
            out = [item for item in message.items if item.id in excluded_line_ids]
            if out and not message.skip:
                messages.append(
                    Message(
                        message.partner_id,
                        out,
                        skip=dropped,
                        choice=message.choice,
                        item_levels=message.item_levels,
                    )
                )
                message.items = [
                    item for item in message.items if item.id not in excluded_line_ids
                ]
            if message.items:
                messages.append(message)
        plan.messages = messages

    # -- everything that is open on a day: the daily run, a customer's next step

    @api.model
    def _plan_open(
        self,
        company,
        partners=None,
        automatic=True,
        days=0,
        ladders=None,
        limit=None,
        after=0,
    ):
        """A plan over all open items of a company, or of some customers (commercial
        partners).

        :param days: how far ahead items that fall due are read as well
        :param dict ladders: policy id → ``Ladder`` that counts instead of the saved one
        :param limit: so many customers at most, in the order of their ids, after the id
        ``after``
        :return: ``CampaignPlan`` with messages for today
        """
        plan = CampaignPlan(company, company._get_chaser_today(), ladders=ladders or {})
        notice = max(
            [
                self._get_notice_days(company),
                *(-ladder.first_day for ladder in plan.ladders.values()),
            ]
        )
        until = plan.today + timedelta(days=days + notice)
        settings = self._get_plan_settings(company, automatic=automatic)
        self._read_facts(
            plan,
            self._get_open_condition(company, partners, until, limit, after),
            until,
            settings,
        )
        plan.messages = plan_day(plan.customers, plan.today, settings)
        return plan

    @api.model
    def _get_open_condition(self, company, partners, until, limit=None, after=0):
        condition = SQL(
            "m.move_type IN ('out_invoice', 'out_receipt') AND m.payment_state NOT "
            "IN %s",
            PAID_STATES,
        )
        if partners is not None:
            return SQL(
                "%s AND m.commercial_partner_id = ANY(%s)",
                condition,
                list(partners.ids),
            )
        if limit is not None:
            ids = self._read_open_partner_ids(company, condition, until, limit, after)
            return SQL("%s AND m.commercial_partner_id = ANY(%s)", condition, ids)
        return condition

    @api.model
    def _read_open_partner_ids(self, company, condition, until, limit, after):
        self.env["account.move.line"].flush_model()
        self.env["account.move"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT DISTINCT m.commercial_partner_id FROM account_move_line l
                JOIN account_move m ON m.id = l.move_id
                WHERE %s AND l.company_id = %s AND l.parent_state = 'posted'
                AND l.reconciled IS NOT TRUE AND l.amount_residual_currency > 0
                  AND l.account_id IN (SELECT id FROM account_account
                  WHERE account_type = 'asset_receivable')
                  AND coalesce(l.date_maturity, m.invoice_date_due, m.invoice_date,
                  l.date) <= %s AND m.commercial_partner_id > %s
                ORDER BY 1 LIMIT %s""",
                condition,
                company.id,
                until,
                after,
                limit,
            )
        )
        return [row[0] for row in rows]

    # -- What planning has to know, read in a fixed number of queries, whatever the
    # number of customers

    @api.model
    def _read_facts(self, plan, condition, until, settings):
        """The customers of a plan with everything ``core.planner`` has to know.

        :param SQL condition: which journal items (alias ``l``, their entry ``m``)
        :param until: latest due date of an item that may matter
        :param settings: ``core.plan.planner.Settings`` by which will be planned
        """
        plan.rows = self._select_items(condition, plan.company, until)
        if not plan.rows:
            return
        partners = (
            self.env["res.partner"]
            .with_company(plan.company)
            .browse(sorted({row["partner_id"] for row in plan.rows.values()}))
        )
        facts = self._read_customers(plan, partners)
        self._read_reach(plan, partners, facts, settings)
        self._fill_items(plan, facts)
        for credit in self._read_credits(partners.ids, plan.company):
            plan.rows[credit["id"]] = credit
            facts[credit["partner_id"]].credits.append(
                OpenCredit(
                    credit["id"],
                    credit["currency_id"],
                    -Decimal(str(credit["residual"])),
                    -Decimal(str(credit["company_residual"])),
                )
            )
        plan.customers = list(facts.values())

    @api.model
    def _get_notice_days(self, company):
        """How many days before the due date the earliest level of the company may
        apply."""
        [(lowest,)] = (
            self.env["chaser.level"]
            .sudo()
            ._read_group(
                [("company_id", "in", (company.id, False))], [], ["days_overdue:min"]
            )
        )
        return max(0, -(lowest or 0))

    @api.model
    def _select_items(self, condition, company, until):
        """Open receivable journal items by id, as dictionaries.

        :param SQL condition: which items (alias ``l``, their entry ``m``)
        :param until: latest due date
        """
        self.env["account.move.line"].flush_model()
        self.env["account.move"].flush_model()
        rows = self.env.execute_query_dict(
            SQL(
                """SELECT * FROM (
               SELECT l.id, l.move_id, m.commercial_partner_id AS partner_id,
               l.currency_id, l.amount_residual_currency AS residual,
                      l.amount_residual AS company_residual,
                      l.amount_currency AS amount, m.name AS number, m.invoice_date,
                      coalesce(l.date_maturity, m.invoice_date_due, m.invoice_date,
                      l.date) AS date_due,
                      coalesce(l.no_followup, false) AS no_followup, m.payment_state,
                      m.chaser_dispute_reason AS dispute,
                      m.chaser_promise_date AS promise, m.partner_id AS contact_id
                 FROM account_move_line l JOIN account_move m ON m.id = l.move_id
                WHERE %s AND l.company_id = %s AND l.parent_state = 'posted'
                AND l.reconciled IS NOT TRUE
                  AND l.account_id = ANY(ARRAY(SELECT id FROM account_account
                  WHERE account_type = 'asset_receivable'))
                  AND l.amount_residual_currency > 0
               ) items WHERE date_due <= %s ORDER BY id""",
                condition,
                company.id,
                until,
            )
        )
        return {row["id"]: row for row in rows}

    @api.model
    def _get_item_hold(self, row, today):
        """Why an item must not be chased, from its own state; None when it may."""
        if row["no_followup"]:
            return Skip("no_followup")
        if row["dispute"] or row["payment_state"] == "blocked":
            return Skip("disputed", {"detail": row["dispute"] or ""})
        if row["promise"] and row["promise"] >= today:
            return Skip("promised", {"date": row["promise"].isoformat()})
        return None

    @api.model
    def _read_customers(self, plan, partners):
        """``CustomerFacts`` by partner id, without items and without what
        ``_read_reach`` adds; also the languages of the plan."""
        company = plan.company
        partners.fetch(
            [
                "email",
                "lang",
                "chaser_language",
                "chaser_channel",
                "consolidation_preference",
                "max_consolidation_amount",
                "chaser_paused_until",
                "chaser_pause_reason",
                "preferred_contact_interval",
                "trust",
            ]
        )
        contacts = self._read_contacts(partners, company)
        ladders = self.env["chaser.policy"]._get_ladders(
            partners, company, plan.ladders
        )
        plan.held = self.env["chaser.hold"]._read_held(
            company, partners.ids, plan.today
        )
        records = (
            self.env["chaser.worklist"].sudo()._read_records(company, partners.ids)
        )
        facts = {}
        for partner in partners:
            last, live = contacts.get(partner.id, (None, None))
            facts[partner.id] = CustomerFacts(
                partner.id,
                ladders[partner.id],
                preference=partner.consolidation_preference or "auto",
                max_amount=Decimal(str(partner.max_consolidation_amount)),
                live=Skip("live_reminder", {"detail": live}) if live else None,
                last_contact=last,
                interval=partner.preferred_contact_interval
                or company.chaser_contact_interval,
                trust=partner.trust or "normal",
                record=records.get(partner.id),
                channel=partner.chaser_channel or None,
                reach={},
            )
            plan.languages[partner.id] = partner._get_chaser_language(company)
        return facts

    @api.model
    def _read_reach(self, plan, partners, facts, settings):
        """How each customer can be reached by the channels that their messages may
        need, and what keeps them from being written to; the queries of each such
        channel, however many customers there are."""
        channels = self.env["chaser.channel"]
        known, found = channels._get_known(), {}
        for partner in partners:
            customer = facts[partner.id]
            for code in get_channels(customer, settings, known):
                if code not in found:
                    channel = channels._get(code)
                    found[code] = channel._read_reach(partners, plan.company)
                customer.reach[code] = found[code][partner.id]
            customer.barriers = self._get_barriers(partner, plan, customer.reach)

    @api.model
    def _get_barriers(self, partner, plan, reach):
        """Why a customer must not be written to at all, and how long."""
        stops = [plan.held.customers.get(partner.id)]
        if all(one.stop for one in reach.values()):
            stops.append(next(iter(reach.values())).stop)
        if partner.chaser_paused_until:
            stops.append(
                Skip(
                    "paused",
                    {
                        "date": partner.chaser_paused_until.isoformat(),
                        "detail": partner.chaser_pause_reason or "",
                    },
                )
            )
        return [Barrier.of(stop) for stop in stops if stop]

    @api.model
    def _fill_items(self, plan, facts):
        history = self._read_level_history(list(plan.rows), plan.company)
        broken = self._read_broken_promises(plan)
        for row in plan.rows.values():
            stops = (
                self._get_item_hold(row, plan.today),
                plan.held.get_item(row["move_id"], row["id"]),
            )
            facts[row["partner_id"]].items.append(
                ItemFacts(
                    row["id"],
                    row["move_id"],
                    row["currency_id"],
                    Decimal(str(row["residual"])),
                    Decimal(str(row["company_residual"])),
                    row["date_due"],
                    tuple(Barrier.of(stop) for stop in stops if stop),
                    history.get(row["id"], ()),
                    broken.get(row["id"]),
                )
            )

    @api.model
    def _read_broken_promises(self, plan):
        """Journal item → the day on which the last promise that covered it was found
        broken, unless it was written about since: a broken promise makes only the next
        reminder stricter, not all that follow."""
        self.env["chaser.promise"].flush_model()
        self.env["chaser.reminder.line"].flush_model()
        return dict(
            self.env.execute_query(
                SQL(
                    """SELECT r.line_id, %s FROM chaser_promise p
                    JOIN chaser_promise_line_rel r ON r.promise_id = p.id
                WHERE p.company_id = %s AND p.state = 'broken'
                AND p.settled_at IS NOT NULL AND r.line_id = ANY(%s)
                  AND NOT EXISTS (SELECT 1 FROM chaser_reminder_line x
                  JOIN chaser_reminder m ON m.id = x.reminder_id
                        WHERE x.move_line_id = r.line_id AND m.state = 'sent'
                        AND m.sent_at >= p.settled_at AND NOT x.is_credit
                        AND x.dropped_code IS NULL)
                GROUP BY r.line_id""",
                    self._get_local_day("max(p.settled_at)", plan.company),
                    plan.company.id,
                    list(plan.rows),
                )
            )
        )

    @api.model
    def _read_credits(self, partner_ids, company):
        """Open credits of customers: credit notes, payments not allocated, anything
        else open in their favour."""
        return self.env.execute_query_dict(
            self._get_credits_sql(SQL("= ANY(%s)", list(partner_ids)), company)
        )

    @api.model
    def _get_credits_sql(self, condition, company):
        """:param SQL condition: which customers, e.g. ``= 5``"""
        return SQL(
            """SELECT l.id, l.move_id, p.commercial_partner_id AS partner_id,
            l.currency_id, l.amount_residual_currency AS residual,
                      l.amount_residual AS company_residual,
                      l.amount_currency AS amount, coalesce(m.name, m.ref,
                      '') AS number,
                      coalesce(m.invoice_date, l.date) AS invoice_date,
                      NULL::date AS date_due
                 FROM account_move_line l JOIN account_move m ON m.id = l.move_id
                 JOIN res_partner p ON p.id = l.partner_id
                WHERE p.commercial_partner_id %s AND l.company_id = %s
                AND l.parent_state = 'posted'
                  AND l.account_id = ANY(ARRAY(SELECT id FROM account_account
                  WHERE account_type = 'asset_receivable'))
                  AND l.reconciled IS NOT TRUE AND l.amount_residual_currency < 0
                ORDER BY l.id""",
            condition,
            company.id,
        )

    @api.model
    def _read_contacts(self, partners, company):
        """The day on which each customer was last written to, and the campaign of a
        reminder that is still on its way."""
        self.env["chaser.reminder"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT r.partner_id, %s, max(c.name)
                FILTER (WHERE r.state IN ('draft', 'queued', 'sending')
                OR r.is_undecided)
                 FROM chaser_reminder r LEFT JOIN chaser_campaign c ON c.id =
                 r.campaign_id
                WHERE r.company_id = %s AND r.partner_id = ANY(%s)
                AND r.purpose = 'reminder' GROUP BY r.partner_id""",
                self._get_local_day(
                    "max(r.sent_at) FILTER (WHERE r.state = 'sent')", company
                ),
                company.id,
                list(partners.ids),
            )
        )
        return {partner_id: (last, live) for partner_id, last, live in rows}

    @api.model
    def _read_level_history(self, line_ids, company):
        """Journal item → the levels that were sent about it, each with its first and
        last day.

        An item's own level counts, which is the line's: beside an older item it may
        have been part of a stricter message."""
        self.env["chaser.reminder.line"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT l.move_line_id, v.id, v.tone, %s, %s
                 FROM chaser_reminder_line l JOIN chaser_reminder r ON r.id =
                 l.reminder_id JOIN chaser_level v ON v.id = l.level_id
                WHERE l.move_line_id = ANY(%s) AND r.state = 'sent' AND NOT l.is_credit
                AND l.dropped_code IS NULL
                GROUP BY l.move_line_id, v.id, v.tone ORDER BY l.move_line_id, v.id""",
                self._get_local_day("min(r.sent_at)", company),
                self._get_local_day("max(r.sent_at)", company),
                list(line_ids),
            )
        )
        history = {}
        for line_id, level_id, tone, first, last in rows:
            history[line_id] = (
                *history.get(line_id, ()),
                Sent(level_id, tone, first, last),
            )
        return history

    @api.model
    def _get_local_day(self, expression, company):
        """A UTC timestamp's day where the company is."""
        return SQL(
            "((%s) AT TIME ZONE 'UTC' AT TIME ZONE %s)::date",
            SQL(expression),
            company._get_chaser_tz(),
        )
