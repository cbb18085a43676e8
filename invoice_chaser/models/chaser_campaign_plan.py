from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools import SQL, format_date

from ..core.cadence import Ladder
from ..core.gates import Skip
from ..core.holds import Held
from ..core.planner import CustomerFacts, Settings, plan_day
from ..core.planning import Message

# Paid for our purpose: Odoo has the money or waits for it on a bank line; nobody must be asked for it again.
PAID_STATES = ("paid", "in_payment", "reversed", "invoicing_legacy")
_NAMES_SHOWN = 5


@dataclass
class CampaignPlan:
    """What a campaign for some invoices would be. ``left_out``: sentences on what cannot be chased at all."""

    company: object
    today: date
    customers: list[CustomerFacts] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    rows: dict[int, dict] = field(default_factory=dict)
    emails: dict[int, list[str]] = field(default_factory=dict)
    languages: dict[int, str] = field(default_factory=dict)
    held: Held = field(default_factory=Held)
    left_out: list[str] = field(default_factory=list)
    ladders: dict[int, Ladder] = field(default_factory=dict)  # policy → what counts instead of the saved levels
    receivables: float | None = None

    def get_receivables(self, env):
        """All open receivables of the company: against them the priority is measured."""
        if self.receivables is None:
            self.receivables = env["chaser.worklist"].sudo()._read_receivables(self.company)
        return self.receivables

    @property
    def going(self):
        return [message for message in self.messages if not message.skip]


class ChaserCampaign(models.Model):
    _inherit = "chaser.campaign"

    @api.model
    def create_for_invoices(self, invoice_ids, values=None):
        """A campaign with its reminders in ``draft`` for the overdue items of these invoices.

        :param list invoice_ids: ids of ``account.move``; those that cannot be chased are left out and named on the campaign
        :param dict values: values of the campaign; besides, ``excluded_partner_ids`` and ``excluded_line_ids`` (journal
            items) leave out what the accountant dropped
        :return: the campaign
        :raises UserError: when nothing is left to chase, saying why
        """
        self.check_access("create")
        values = dict(values or {})
        excluded = {key: set(values.pop(key, None) or ()) for key in ("excluded_partner_ids", "excluded_line_ids")}
        invoices = self.env["account.move"].browse(invoice_ids)
        plan = self._build_plan(invoices, values.get("company_id"), values.get("level_id"))
        self._exclude(plan, **excluded)
        if not plan.messages:
            raise UserError(self._describe_nothing(plan))
        today = format_date(self.env, plan.company._get_chaser_today())
        provider = self.env["chaser.provider"]._get_default(plan.company)
        campaign = self.with_company(plan.company).create({
            "name": self.env._("Reminders %s", today), "provider_id": provider.id, "tz": plan.company._get_chaser_tz(),
            **values, "company_id": plan.company.id, "left_out": "\n".join(plan.left_out) or False,
        })
        campaign._create_reminders(plan)
        return campaign

    @api.model
    def _describe_nothing(self, plan):
        return "\n".join([self.env._("None of these can be chased:"), *(plan.left_out or [self.env._("nothing was selected.")])])

    # -- planning

    @api.model
    def _build_plan(self, invoices, company_id=None, level_id=None):
        """Reads, nets, consolidates and judges; a fixed number of queries, whatever the number of invoices."""
        readable = invoices.exists()._filtered_access("read")
        readable.fetch(["state", "move_type", "payment_state", "company_id"])
        company = self._choose_company(readable, company_id)
        self._prepare_planning(company)
        plan = CampaignPlan(company, company._get_chaser_today())
        if hidden := len(set(invoices.ids)) - len(readable):
            plan.left_out.append(self.env._("%s not found or not yours to read.", hidden))
        good = self._leave_out(plan, readable)
        settings = self._get_plan_settings(company, level_id)
        until = plan.today + timedelta(days=self._get_notice_days(company))
        self._read_facts(plan, SQL("l.move_id = ANY(%s)", list(good.ids)), until)
        plan.messages = plan_day(plan.customers, plan.today, settings)
        chased = {item.move_id for message in plan.messages for item in message.items}
        self._tell_left_out(plan, self.env._("nothing overdue yet"), good.filtered(lambda move: move.id not in chased))
        return plan

    @api.model
    def _prepare_planning(self, company):
        """Hook: what has to be up to date before a company's facts are read."""

    @api.model
    def _get_plan_settings(self, company, level_id=None, automatic=False):
        """:param level_id: one level for everybody, chosen by a person; None: each customer's own"""
        fixed = self.env["chaser.level"].browse(level_id or ())._get_rules()
        return Settings(
            Decimal(str(company.chaser_minimum_amount)), company.chaser_consolidation_min_invoices, automatic, fixed[0] if fixed else None)

    @api.model
    def _choose_company(self, invoices, company_id=None):
        """One campaign, one company: the one asked for, else that of the invoices when they agree, else the current one."""
        if company_id:
            return self.env["res.company"].browse(company_id)
        companies = invoices.company_id
        return companies if len(companies) == 1 else self.env.company

    @api.model
    def _leave_out(self, plan, invoices):
        """The posted, open customer invoices of the plan's company; the others are named in the plan with their reason."""
        groups = invoices.grouped(lambda move: self._get_left_out_kind(move, plan.company))
        words = {
            "kind": self.env._("not customer invoices"), "company": self.env._("of another company"),
            "draft": self.env._("drafts"), "cancel": self.env._("cancelled"), "paid": self.env._("paid"),
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
            names = ", ".join(moves[:_NAMES_SHOWN].mapped("display_name")) + (" …" if len(moves) > _NAMES_SHOWN else "")
            plan.left_out.append(self.env._("%(count)s %(word)s: %(names)s", count=len(moves), word=word, names=names))

    @api.model
    def _exclude(self, plan, excluded_partner_ids, excluded_line_ids):
        """Takes out what the accountant dropped in the preview; recorded as held back, with his name."""
        dropped = Skip("dropped", {"detail": self.env.user.name})
        messages = []
        for message in plan.messages:
            if not message.skip and message.partner_id in excluded_partner_ids:
                message.skip = dropped
            out = [item for item in message.items if item.id in excluded_line_ids]
            if out and not message.skip:
                messages.append(Message(message.partner_id, out, skip=dropped, choice=message.choice, item_levels=message.item_levels))
                message.items = [item for item in message.items if item.id not in excluded_line_ids]
            if message.items:
                messages.append(message)
        plan.messages = messages
