from dataclasses import dataclass, field
from decimal import Decimal

from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools import SQL, format_date

from ..core.cadence import choose_level
from ..core.gates import Skip
from ..core.planning import Customer, Message, OpenCredit, OpenItem, plan_messages
from ..core.priority import compute_priority
from ..core.tracking import new_token

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
    def _read_items(self, invoices, company, today):
        """Overdue receivable journal items by id, as dictionaries."""
        self.env["account.move.line"].flush_model()
        self.env["account.move"].flush_model()
        rows = self.env.execute_query_dict(SQL(
            """SELECT * FROM (
               SELECT l.id, l.move_id, m.commercial_partner_id AS partner_id, l.currency_id, l.amount_residual_currency AS residual,
                      l.amount_residual AS company_residual, l.amount_currency AS amount, m.name AS number, m.invoice_date,
                      coalesce(l.date_maturity, m.invoice_date_due, m.invoice_date, l.date) AS date_due,
                      coalesce(l.no_followup, false) AS no_followup, m.payment_state, m.chaser_dispute_reason AS dispute,
                      m.chaser_promise_date AS promise, m.partner_id AS contact_id
                 FROM account_move_line l JOIN account_move m ON m.id = l.move_id JOIN account_account a ON a.id = l.account_id
                WHERE l.move_id = ANY(%s) AND l.company_id = %s AND l.parent_state = 'posted' AND NOT coalesce(l.reconciled, false)
                  AND a.account_type = 'asset_receivable' AND l.amount_residual_currency > 0
               ) items WHERE date_due < %s ORDER BY id""", list(invoices.ids), company.id, today))
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
    def _read_customers(self, plan, today):
        partners = self.env["res.partner"].with_company(plan.company).browse({row["partner_id"] for row in plan.rows.values()})
        partners.fetch([
            "email", "lang", "chaser_language", "consolidation_preference", "max_consolidation_amount", "chaser_paused_until",
            "chaser_pause_reason", "preferred_contact_interval", "trust",
        ])
        plan.emails = partners._get_chaser_emails()
        blocks = self._read_blocks(plan, partners, today)
        customers = {
            partner.id: Customer(
                partner.id, preference=partner.consolidation_preference or "auto",
                max_amount=Decimal(str(partner.max_consolidation_amount)), block=blocks.get(partner.id),
            )
            for partner in partners
        }
        plan.languages = {partner.id: partner._get_chaser_language(plan.company) for partner in partners}
        for row in plan.rows.values():
            customers[row["partner_id"]].items.append(OpenItem(
                row["id"], row["move_id"], row["partner_id"], row["currency_id"], Decimal(str(row["residual"])),
                Decimal(str(row["company_residual"])), row["date_due"], (today - row["date_due"]).days, self._get_item_hold(row, today),
            ))
        for credit in self._read_credits(partners.ids, plan.company):
            plan.rows[credit["id"]] = credit
            customers[credit["partner_id"]].credits.append(OpenCredit(
                credit["id"], credit["currency_id"], -Decimal(str(credit["residual"])), -Decimal(str(credit["company_residual"]))))
        return list(customers.values())

    @api.model
    def _read_credits(self, partner_ids, company):
        """Open credits of customers: credit notes, payments not allocated, anything else open in their favour."""
        return self.env.execute_query_dict(SQL(
            """SELECT l.id, l.move_id, p.commercial_partner_id AS partner_id, l.currency_id, l.amount_residual_currency AS residual,
                      l.amount_residual AS company_residual, l.amount_currency AS amount, coalesce(m.name, m.ref, '') AS number,
                      coalesce(m.invoice_date, l.date) AS invoice_date, NULL::date AS date_due
                 FROM account_move_line l JOIN account_move m ON m.id = l.move_id JOIN account_account a ON a.id = l.account_id
                 JOIN res_partner p ON p.id = l.partner_id
                WHERE p.commercial_partner_id = ANY(%s) AND l.company_id = %s AND l.parent_state = 'posted'
                  AND NOT coalesce(l.reconciled, false) AND a.account_type = 'asset_receivable' AND l.amount_residual_currency < 0
                ORDER BY l.id""", list(partner_ids), company.id))

    @api.model
    def _read_blocks(self, plan, partners, today):
        """Why customers must not be written to at all, by partner id. Takes stopped addresses out of ``plan.emails``."""
        blocks = {}
        stopped = self._read_stopped({email for emails in plan.emails.values() for email in emails}, plan.company)
        contacts = self._read_contacts(partners, plan.company)
        for partner in partners:
            usable = [email for email in plan.emails[partner.id] if email not in stopped]
            block = self._get_block(partner, plan.emails[partner.id], usable, stopped, contacts.get(partner.id, {}), today)
            if block:
                blocks[partner.id] = block
            plan.emails[partner.id] = usable or plan.emails[partner.id]
        return blocks

    @api.model
    def _get_block(self, partner, emails, usable, stopped, contact, today):
        if not emails:
            return Skip("no_email")
        if not usable:
            return Skip(stopped[emails[0]], {"detail": emails[0]})
        if partner.chaser_paused_until and partner.chaser_paused_until >= today:
            return Skip("paused", {"date": partner.chaser_paused_until.isoformat(), "detail": partner.chaser_pause_reason or ""})
        if contact.get("live"):
            return Skip("live_reminder", {"detail": contact["live"]})
        interval = partner.preferred_contact_interval or partner.env.company.chaser_contact_interval
        if contact.get("last") and (today - contact["last"].date()).days < interval:
            return Skip("recent_contact", {"date": contact["last"].date().isoformat(), "detail": str(interval)})
        return None

    @api.model
    def _read_stopped(self, emails, company):
        """Address → ``suppressed`` or ``blacklisted``."""
        self.env["chaser.suppression"].flush_model()
        rows = self.env.execute_query(SQL(
            """SELECT email, 'suppressed' FROM chaser_suppression WHERE company_id = %(company)s AND released_at IS NULL AND email = ANY(%(emails)s)
               UNION ALL SELECT email, 'blacklisted' FROM mail_blacklist WHERE active AND email = ANY(%(emails)s)""",
            company=company.id, emails=list(emails)))
        return dict(reversed(rows))

    @api.model
    def _read_contacts(self, partners, company):
        """When each customer was last written to, and the campaign of a reminder that is still on its way."""
        self.env["chaser.reminder"].flush_model()
        rows = self.env.execute_query(SQL(
            """SELECT r.partner_id, max(r.sent_at) FILTER (WHERE r.state = 'sent'),
                      max(c.name) FILTER (WHERE r.state IN ('draft', 'queued', 'sending') OR r.is_undecided)
                 FROM chaser_reminder r LEFT JOIN chaser_campaign c ON c.id = r.campaign_id
                WHERE r.company_id = %s AND r.partner_id = ANY(%s) AND r.purpose = 'reminder' GROUP BY r.partner_id""",
            company.id, list(partners.ids)))
        return {partner_id: {"last": last, "live": live} for partner_id, last, live in rows}

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
    def _read_level_history(self, line_ids):
        """Journal item → (level, when) of the highest level sent about it, and when that level was first sent."""
        rows = self.env.execute_query(SQL(
            """SELECT DISTINCT ON (l.move_line_id) l.move_line_id, r.level_id, min(r.sent_at)
                 FROM chaser_reminder_line l JOIN chaser_reminder r ON r.id = l.reminder_id JOIN chaser_level v ON v.id = r.level_id
                WHERE l.move_line_id = ANY(%s) AND r.state = 'sent' AND l.dropped_code IS NULL
                GROUP BY l.move_line_id, r.level_id, v.sequence ORDER BY l.move_line_id, v.sequence DESC""", list(line_ids)))
        return {line_id: (level_id, sent_at) for line_id, level_id, sent_at in rows}

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

    # -- creating

    def _create_reminders(self, plan):
        """All reminders, then all lines: two batches, as superuser (their values come from the plan alone)."""
        self.ensure_one()
        reference = max((float(message.company_net) for message in plan.going), default=0.0)
        split = self._get_split_partners(plan)
        partners = self.env["res.partner"].with_company(plan.company)
        Reminder = self.env["chaser.reminder"].sudo()
        reminders = Reminder.create([
            self._prepare_reminder_values(plan, message, reference, split, partners.browse(message.partner_id).trust)
            for message in plan.messages
        ])
        rows = [
            row for reminder, message in zip(reminders, plan.messages, strict=True)
            for row in self._prepare_line_rows(plan, reminder.id, message)
        ]
        # Not through the ORM: for 20,000 items it takes half of the whole campaign's time. The amounts come rounded from the books.
        self.env.flush_all()
        self.env.cr.execute_values(
            """INSERT INTO chaser_reminder_line (reminder_id, company_id, level_id, move_line_id, move_id, number, is_credit, currency_id,
                      amount, amount_residual, amount_company, invoice_date, date_maturity, days_overdue, create_uid, write_uid,
                      create_date, write_date) VALUES %s""",
            rows, template=f"({', '.join(['%s'] * 14)}, {self.env.uid:d}, {self.env.uid:d}, now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC')",
            page_size=1000)
        self.env["chaser.reminder.line"].invalidate_model()
        reminders.invalidate_recordset(["line_ids"])

    @api.model
    def _get_split_partners(self, plan):
        """Customers who get several messages in this campaign."""
        seen, split = set(), set()
        for message in plan.going:
            (split if message.partner_id in seen else seen).add(message.partner_id)
        return split

    def _prepare_reminder_values(self, plan, message, reference, split, trust):
        skip = message.skip
        priority = compute_priority(float(message.company_net), reference, message.days_overdue, trust)
        emails = plan.emails.get(message.partner_id, [])
        return {
            "campaign_id": self.id, "company_id": self.company_id.id, "partner_id": message.partner_id,
            "provider_id": self.provider_id.id, "level_id": plan.levels.get(id(message)),
            "recipient_email": emails[0] if emails else False, "recipient_others": ", ".join(emails[1:]) or False,
            "language": plan.languages[message.partner_id], "token": new_token(),
            "split_move_id": message.items[0].move_id if message.partner_id in split else False,
            "priority": priority.score, "priority_amount": priority.amount, "priority_age": priority.age,
            "priority_relation": priority.relation, "state": "skipped" if skip else "draft",
            **self._prepare_reason_values(skip.reason if skip else False, skip.params if skip else None),
        }

    def _prepare_line_rows(self, plan, reminder_id, message):
        """One tuple per item and credit, in the order of the insertion's columns."""
        level_id = plan.levels.get(id(message))
        for item in message.items + message.credits:
            row = plan.rows[item.id]
            yield (
                reminder_id, self.company_id.id, level_id, item.id, row["move_id"], row["number"], isinstance(item, OpenCredit),
                row["currency_id"], row["amount"], row["residual"], row["company_residual"], row["invoice_date"], row["date_due"],
                getattr(item, "days_overdue", 0),
            )
