from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal

from odoo import api, fields, models
from odoo.tools import SQL

from ...core.plan.cadence import Ladder
from ...core.plan.gates import Skip
from ...core.plan.holds import Held
from ...core.plan.netting import OpenDebit, get_free_credits, is_valued
from ...core.plan.planner import (
    Barrier,
    CustomerFacts,
    ItemFacts,
    Settings,
    get_channels,
    plan_day,
)
from ...core.plan.planning import Message
from ...core.plan.reach import DEFAULT_CHANNEL
from .open_items import (
    INVOICE_TYPES,
    PAID_STATES,
    get_due_date,
    is_asked_for,
    is_open_debit,
)

_NAMES_SHOWN = 5
# What was agreed with a customer, by company.
_AGREED = ("chaser_paused_until", "chaser_pause_reason", "preferred_contact_interval")


@dataclass
class CampaignPlan:
    """What a campaign for some invoices would be. ``left_out``: sentences on what
    cannot be chased at all."""

    company: object
    today: date
    customers: list[CustomerFacts] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    rows: dict[int, dict] = field(default_factory=dict)
    # Invoice contacts who get the invoices of their site alone, with their addresses.
    sites: dict[int, tuple[str, ...]] = field(default_factory=dict)
    # What was agreed with each customer (``_AGREED``).
    agreed: dict[int, dict] = field(default_factory=dict)
    languages: dict[int, str] = field(default_factory=dict)
    own_companies: dict[int, str] = field(default_factory=dict)
    held: Held = field(default_factory=Held)
    left_out: list[str] = field(default_factory=list)
    ladders: dict[int, Ladder] = field(
        default_factory=dict
    )  # policy → what counts instead of the saved levels
    channel: str | None = None  # one for all messages, chosen by a person
    receivables: float | None = None
    mailboxes: dict = field(default_factory=dict)  # channel → who sends

    def load_receivables(self, env):
        """All open receivables of the company: against them the priority is
        measured."""
        if self.receivables is None:
            self.receivables = (
                env["chaser.worklist"].sudo()._read_receivables(self.company)
            )
        return self.receivables

    def address_sites(self):
        """Messages about the invoices of one site go to its contact."""
        for message in self.messages:
            if addresses := self.sites.get(message.site):
                if message.route.channel == DEFAULT_CHANNEL:
                    message.route = replace(message.route, addresses=addresses)

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
    def _build_plan(
        self, invoices, company_id=None, level_id=None, channel=None, partner_ids=None
    ):
        """Reads, nets, consolidates and decides in a fixed number of queries, whatever
        the number of invoices.

        :param level_id: one level for everybody, and ``channel``: one channel, chosen
            by a person
        :param partner_ids: whose items of these entries are meant; None: everybody's
        """
        readable = invoices.exists()._filtered_access("read")
        readable.fetch(
            [
                "state",
                "move_type",
                "payment_state",
                "company_id",
                "commercial_partner_id",
            ]
        )
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
        chosen = self._get_chosen(plan, good, partner_ids)
        self._read_facts(plan, chosen, until, settings)
        plan.messages = plan_day(plan.customers, plan.today, settings)
        plan.address_sites()
        chased = {item.move_id for message in plan.messages for item in message.items}
        rest = good.filtered(lambda move: move.id not in chased)
        odd = self.env["chaser.account"]._leave_accountless(rest)
        self._tell_left_out(plan, self.env._("not on a receivable account"), odd)
        self._tell_left_out(plan, self.env._("nothing overdue yet"), rest - odd)
        return plan

    @api.model
    def _get_chosen(self, plan, moves, partner_ids):
        """Which items were chosen; an opening entry has many customers, of whom only
        those asked for count."""
        condition = SQL(
            "l.move_id = ANY(%s) AND %s",
            list(moves.ids),
            is_asked_for(plan.company.chaser_open_debits),
        )
        if not partner_ids:
            return condition
        return SQL("%s AND p.commercial_partner_id = ANY(%s)", condition, partner_ids)

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
            company._get_chaser_holdout(),
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
            "customer": self.env._("without a customer"),
            "draft": self.env._("drafts"),
            "cancel": self.env._("cancelled"),
            "paid": self.env._("paid"),
        }
        for kind, word in words.items():
            self._tell_left_out(plan, word, groups.get(kind))
        return groups.get(None, invoices.browse())

    @api.model
    def _get_left_out_kind(self, move, company):
        is_invoice = move.move_type in INVOICE_TYPES
        if not is_invoice and not company.chaser_open_debits:
            return "kind"
        if move.company_id != company:
            return "company"
        if is_invoice and not move.commercial_partner_id:
            return "customer"
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
                message.leave_credits_for(out)
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
        plan.address_sites()
        return plan

    @api.model
    def _get_open_condition(self, company, partners, until, limit=None, after=0):
        condition = is_asked_for(company.chaser_open_debits)
        if partners is not None:
            return SQL(
                "%s AND p.commercial_partner_id = ANY(%s)",
                condition,
                list(partners.ids),
            )
        if limit is not None:
            ids = self._read_open_partner_ids(company, condition, until, limit, after)
            return SQL("%s AND p.commercial_partner_id = ANY(%s)", condition, ids)
        return condition

    @api.model
    def _read_open_partner_ids(self, company, condition, until, limit, after):
        self.env["account.move.line"].flush_model()
        self.env["account.move"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT DISTINCT p.commercial_partner_id FROM account_move_line l
                JOIN account_move m ON m.id = l.move_id
                JOIN res_partner p ON p.id = l.partner_id
                WHERE %s AND %s AND l.company_id = %s AND %s <= %s
                AND p.commercial_partner_id > %s
                ORDER BY 1 LIMIT %s""",
                condition,
                is_open_debit(),
                company.id,
                get_due_date(),
                until,
                after,
                limit,
            )
        )
        return [row[0] for row in rows]

    @api.model
    def _read_overdue(self, company, partners):
        """(journal item, entry) ids of what is overdue on the invoices of customers
        (commercial partners), as superuser."""
        items = self.env["chaser.account"]._select_items(
            self._get_open_condition(company, partners, None),
            company,
            company._get_chaser_today() - timedelta(days=1),
        )
        return [(row["id"], row["move_id"]) for row in items.values()]

    # -- What planning has to know, read in a fixed number of queries, whatever the
    # number of customers

    @api.model
    def _read_facts(self, plan, condition, until, settings):
        """The customers of a plan with everything ``core.planner`` has to know.

        :param SQL condition: which journal items (alias ``l``, their entry ``m``)
        :param until: latest due date of an item that may matter
        :param settings: ``core.plan.planner.Settings`` by which will be planned
        """
        plan.rows = self.env["chaser.account"]._select_items(
            condition, plan.company, until
        )
        if not plan.rows:
            return
        # As superuser: which contacts the reader may see must not change who is written
        # to, and one that they may not see must not stop the others.
        partners = (
            self.env["res.partner"]
            .sudo()
            .with_company(plan.company)
            .browse(sorted({row["partner_id"] for row in plan.rows.values()}))
        )
        facts = self._read_customers(plan, partners)
        self._read_reach(plan, partners, facts, settings)
        self.env["chaser.effect"]._fill_waits(facts, plan.company)
        self._fill_items(plan, facts)
        self.env["chaser.reaction"]._fill(facts, plan.company)
        self._fill_credits(plan, facts)
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
                "trust",
                "company_id",
                "active",
            ]
        )
        plan.agreed = partners._get_chaser_values(company, _AGREED)
        plan.own_companies = company._read_chaser_own_companies()
        last_contacts = self._read_contacts(partners, company)
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
            last, live, week = last_contacts.get(partner.id, (None, None, ()))
            facts[partner.id] = CustomerFacts(
                partner.id,
                ladders[partner.id],
                preference=partner.consolidation_preference or "auto",
                max_amount=Decimal(str(partner.max_consolidation_amount)),
                live=live,
                last_contact=last,
                interval=plan.agreed[partner.id]["preferred_contact_interval"]
                or company.chaser_contact_interval,
                contacts=week,
                week_limit=company.chaser_week_limit,
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
        if plan.company.chaser_site_contacts:
            plan.sites = channels._get(DEFAULT_CHANNEL)._read_sites(
                plan.company, {row["contact_id"] for row in plan.rows.values()}
            )
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
        if name := plan.own_companies.get(partner.id):
            stops.append(Skip("own_company", {"detail": name}))
        if not partner.active:
            stops.append(Skip("customer_archived"))
        if not partner._is_of_company(plan.company):
            stops.append(Skip("foreign_customer"))
        if all(one.stop for one in reach.values()):
            stops.append(next(iter(reach.values())).stop)
        values = plan.agreed[partner.id]
        if values["chaser_paused_until"]:
            stops.append(
                Skip(
                    "paused",
                    {
                        "date": values["chaser_paused_until"].isoformat(),
                        "detail": values["chaser_pause_reason"] or "",
                    },
                )
            )
        return [Barrier.of(stop) for stop in stops if stop]

    @api.model
    def _fill_items(self, plan, facts):
        history = self.env["chaser.reminder.line"]._read_level_history(
            list(plan.rows), plan.company
        )
        broken = self.env["chaser.reminder.line"]._read_broken_promises(plan)
        for row in plan.rows.values():
            stops = (
                self.env["chaser.account"]._get_item_hold(row, plan.today),
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
                    row["contact_id"] if row["contact_id"] in plan.sites else 0,
                )
            )

    @api.model
    def _fill_credits(self, plan, facts):
        """What is free of the customers' credits, and what is overdue beside the plan's
        items."""
        accounts, rows = self.env["chaser.account"]._read_accounts(
            plan.company, list(facts), plan.rows, plan.today, plan.held
        )
        plan.rows |= rows
        for partner_id, own in accounts.items():
            customer = facts[partner_id]
            asked = [
                OpenDebit(item.id, item.currency_id, item.residual)
                for item in customer.items
                if not item.barriers and item.date_due < plan.today
            ]
            customer.credits = get_free_credits(own, plan.company.id, asked)
            if plan.company.id in own:
                customer.others = own[plan.company.id].overdue
        self._hold_in_credit(plan, facts, accounts)

    @api.model
    def _hold_in_credit(self, plan, facts, accounts):
        """Where the whole account is settled in the company's currency, a person has to
        look: no sum over currencies is asked for, nor is it passed over."""
        account, home = self.env["chaser.account"], plan.company.currency_id.id
        mixed = [
            partner_id
            for partner_id, own in accounts.items()
            if is_valued(
                own.values(),
                {item.currency_id for item in facts[partner_id].items},
                home,
            )
        ]
        if mixed:
            for partner_id in account._read_in_credit(plan.company, mixed):
                stop = Skip("account_in_credit")
                facts[partner_id].barriers.append(Barrier.of(stop))
        if vendors := account._read_payables(plan.company, list(facts)):
            even = account._read_in_credit(plan.company, list(vendors), payables=True)
            for partner_id in even:
                facts[partner_id].barriers.append(Barrier.of(Skip("net_zero")))

    @api.model
    def _read_contacts(self, partners, company):
        """The day on which each customer was last written to, and the reason why they
        are not where a reminder is still on its way; by the company, its head office or
        a branch, which are one creditor. Third, the days of the last week's
        messages."""
        self.env["chaser.reminder"].flush_model()
        self.env["chaser.reminder.line"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT r.customer_id, %s, max(c.name)
                FILTER (WHERE r.state IN ('draft', 'queued', 'sending')
                OR r.is_undecided), %s, array_agg(%s) FILTER (WHERE r.state = 'sent'
                AND r.sent_at > %s)
                 FROM (%s) r LEFT JOIN chaser_campaign c ON c.id =
                 r.campaign_id GROUP BY r.customer_id""",
                self._get_local_day(
                    "max(r.sent_at) FILTER (WHERE r.state = 'sent')", company
                ),
                self._get_local_day(
                    "min(r.create_date) FILTER (WHERE r.state IN ('draft', 'queued', "
                    "'sending') OR r.is_undecided)",
                    company,
                ),
                self._get_local_day("r.sent_at", company),
                fields.Datetime.subtract(fields.Datetime.now(), days=8),
                self.env["chaser.identity"]._get_letters_sql(
                    SQL("= ANY(%s)", list(partners.ids)), company
                ),
            )
        )
        return {
            partner_id: (
                last,
                Skip("live_reminder", {"detail": live, "date": since.isoformat()})
                if live
                else None,
                tuple(week or ()),
            )
            for partner_id, last, live, since, week in rows
        }

    @api.model
    def _get_local_day(self, expression, company):
        """A UTC timestamp's day where the company is."""
        return SQL(
            "((%s) AT TIME ZONE 'UTC' AT TIME ZONE %s)::date",
            SQL(expression),
            company._get_chaser_tz(),
        )
