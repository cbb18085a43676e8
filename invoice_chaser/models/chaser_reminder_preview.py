from datetime import timedelta

from odoo import api, models
from odoo.tools import SQL

from ..core import render
from .chaser_campaign_plan import PAID_STATES


class ChaserReminder(models.Model):
    """Messages that nobody sends: what the preview and the checker look at."""

    _inherit = "chaser.reminder"

    @api.model
    def _get_preview_data(self, partner, company, line_ids=None):
        """Message data for a customer's overdue items as of today; None when there are none."""
        return self._get_previews([(partner, line_ids)], company)[0]

    @api.model
    def _get_previews(self, wanted, company):
        """Message data of several customers, in a number of queries that does not depend on how many they are.

        :param wanted: (customer, ids of the journal items that may be shown; None: all) each
        :return: ``MessageData`` or None each
        """
        commercials = self.env["res.partner"].union(*(partner.commercial_partner_id for partner, _line_ids in wanted))
        rows, credits = self._read_preview_rows(commercials, company)
        cache = PreviewRun()
        cache.company = self.env["chaser.provider"]._get_company_data(company)
        found = []
        for partner, line_ids in wanted:
            mine = [row for row in rows.get(partner.commercial_partner_id.id, ()) if line_ids is None or row["id"] in line_ids]
            currencies = {row["currency_id"] for row in mine}
            open_credits = [row for row in credits if row["partner_id"] == partner.commercial_partner_id.id and row["currency_id"] in currencies]
            found.append(self._make_preview(partner, mine, open_credits, company, cache) if mine else None)
        return found

    @api.model
    def _read_preview_rows(self, commercials, company):
        """Items by customer, oldest first: the overdue ones, else those of which a notice may be sent; and open credits."""
        Campaign, today = self.env["chaser.campaign"], company._get_chaser_today()
        moves = self.env["account.move"].search([
            ("commercial_partner_id", "in", commercials.ids), ("company_id", "=", company.id), ("state", "=", "posted"),
            ("move_type", "in", ("out_invoice", "out_receipt")), ("payment_state", "not in", PAID_STATES)])
        until = today + timedelta(days=Campaign._get_notice_days(company))
        items = Campaign._select_items(SQL("l.move_id = ANY(%s)", list(moves.ids)), company, until)
        parts = {row[0]: {"part": row[1], "parts": row[2]} for row in self.env.execute_query(SQL(
            "SELECT l.id, i.part, i.parts FROM account_move_line l CROSS JOIN LATERAL %s i WHERE l.id = ANY(%s)",
            self._get_instalment_sql("l"), list(items)))}
        rows = {}
        for row in sorted(items.values(), key=lambda row: (row["date_due"], row["id"])):
            rows.setdefault(row["partner_id"], []).append(row | parts[row["id"]])
        rows = {partner_id: [row for row in mine if row["date_due"] < today] or mine for partner_id, mine in rows.items()}
        return rows, Campaign._read_credits(commercials.ids, company) if rows else []

    @api.model
    def _make_preview(self, partner, rows, credits, company, cache):
        today, base_url, commercial = company._get_chaser_today(), self.get_base_url(), partner.commercial_partner_id
        first = self.env["account.move"].browse(rows[0]["move_id"])
        return render.MessageData(
            company=cache.company, customer_name=commercial.name or "", contact_name=partner.name or "", today=today,
            items=tuple(self._make_render_item(row | {"access_token": "preview"}, today, base_url, cache) for row in rows),
            credits=tuple(self._make_render_item(row, today, base_url, cache) for row in credits),
            bank=cache.get(("bank", first.partner_bank_id), lambda: self._get_bank_data(first.partner_bank_id.id)),
            payment_reference=first.payment_reference or rows[0]["number"] or "",
            salesperson=cache.get(("user", first.invoice_user_id), lambda: self._get_salesperson_data(first.invoice_user_id.id)),
            page_url=self._get_page_url(base_url, "sample"), customer={"reference": commercial.ref or "", "trn": commercial.vat or ""},
        )


class PreviewRun:
    """Stands where a send run shares values, without a mailbox."""

    def __init__(self):
        self.cache = {}
        self.company = {}

    def get(self, key, make):
        if key not in self.cache:
            self.cache[key] = make()
        return self.cache[key]
