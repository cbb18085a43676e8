from decimal import Decimal

from odoo import api, models
from odoo.tools import SQL

from ..core.gates import Skip
from ..core.planning import Customer, OpenCredit, OpenItem


class ChaserCampaign(models.Model):
    """What planning has to know, read in a fixed number of queries, whatever the number of customers."""

    _inherit = "chaser.campaign"

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
        held = self.env["chaser.hold"]._read_held(plan.company, partners.ids, today)
        blocks = self._read_blocks(plan, partners, today) | held.customers
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
                Decimal(str(row["company_residual"])), row["date_due"], (today - row["date_due"]).days,
                self._get_item_hold(row, today) or held.get_item(row["move_id"], row["id"]),
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
    def _read_level_history(self, line_ids):
        """Journal item → (level, when) of the highest level sent about it, and when that level was first sent."""
        rows = self.env.execute_query(SQL(
            """SELECT DISTINCT ON (l.move_line_id) l.move_line_id, r.level_id, min(r.sent_at)
                 FROM chaser_reminder_line l JOIN chaser_reminder r ON r.id = l.reminder_id JOIN chaser_level v ON v.id = r.level_id
                WHERE l.move_line_id = ANY(%s) AND r.state = 'sent' AND l.dropped_code IS NULL
                GROUP BY l.move_line_id, r.level_id, v.sequence ORDER BY l.move_line_id, v.sequence DESC""", list(line_ids)))
        return {line_id: (level_id, sent_at) for line_id, level_id, sent_at in rows}
