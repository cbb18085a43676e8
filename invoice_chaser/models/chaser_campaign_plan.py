from dataclasses import dataclass, field
from decimal import Decimal

from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools import format_date

from ..core.cadence import choose_level
from ..core.gates import Skip
from ..core.planning import Message, plan_messages

# Paid for our purpose: Odoo has the money or waits for it on a bank line; nobody must be asked for it again.
PAID_STATES = ("paid", "in_payment", "reversed", "invoicing_legacy")
_NAMES_SHOWN = 5


@dataclass
class CampaignPlan:
    """What a campaign for some invoices would be. ``left_out``: sentences on what cannot be chased at all."""

    company: object
    messages: list[Message] = field(default_factory=list)
    rows: dict[int, dict] = field(default_factory=dict)
    emails: dict[int, list[str]] = field(default_factory=dict)
    levels: dict[int, int] = field(default_factory=dict)  # id(message) → level
    languages: dict[int, str] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)

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
        plan = CampaignPlan(self._choose_company(readable, company_id))
        if hidden := len(set(invoices.ids)) - len(readable):
            plan.left_out.append(self.env._("%s not found or not yours to read.", hidden))
        good = self._leave_out(plan, readable)
        today = plan.company._get_chaser_today()
        plan.rows = self._read_items(good, plan.company, today)
        chased = {row["move_id"] for row in plan.rows.values()}
        self._tell_left_out(plan, self.env._("nothing overdue yet"), good.filtered(lambda move: move.id not in chased))
        if plan.rows:
            customers = self._read_customers(plan, today)
            company = plan.company
            plan.messages = plan_messages(
                customers, Decimal(str(company.chaser_minimum_amount)), company.chaser_consolidation_min_invoices)
            self._choose_levels(plan, today, level_id)
        return plan

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
    def _choose_levels(self, plan, today, level_id=None):
        ladder = self.env["chaser.level"]._get_ladder(plan.company)
        rules = ladder._get_rules()
        order = {rule.id: rule.sequence for rule in rules}
        history = self._read_level_history([item.id for message in plan.going for item in message.items])
        for message in plan.going:
            if level_id:
                plan.levels[id(message)] = level_id
                continue
            sent = [history[item.id] for item in message.items if item.id in history]
            last_level, last_sent = max(sent, key=lambda row: (order.get(row[0], 0), row[1])) if sent else (None, None)
            level = choose_level(rules, message.days_overdue, last_level, last_sent and last_sent.date(), today)
            if level:
                plan.levels[id(message)] = level.id
            elif rules:
                message.skip = Skip("below_first_level", {"detail": str(message.days_overdue)})

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
                messages.append(Message(message.partner_id, out, skip=dropped))
                message.items = [item for item in message.items if item.id not in excluded_line_ids]
            if message.items:
                messages.append(message)
        plan.messages = messages
