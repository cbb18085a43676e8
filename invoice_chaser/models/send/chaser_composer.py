from datetime import timedelta
from decimal import Decimal

from odoo import api, models
from odoo.tools import SQL, email_normalize

from ...core.letter import render
from ...core.mail.message import OutgoingMessage
from ..planning.chaser_planner import PAID_STATES


class ChaserReminder(models.Model):
    """From a reminder's items to its message: plain values for the template, headers, copies; and the preview of it."""

    _inherit = "chaser.reminder"

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
        return f"{job.run.settings['base_url']}/chaser/c/{job.row['token']}/" if job.run.settings["tracking"] else ""

    def _prepare_level_values(self, level_id):
        """A level as plain values."""
        level = self.env["chaser.level"].browse(level_id)
        return {
            "days_overdue": level.days_overdue if level else 1,
            "copy_salesperson": level.copy_salesperson, "copy_escalation": level.copy_escalation,
            "copy_email": level.copy_user_id.sudo().email or "", "activity_type_id": level.activity_type_id.id,
            "names": {lang: level.with_context(lang=code).name or "" for lang, code in self.env["chaser.template"]._get_name_codes().items()},
        }

    def _choose_template_id(self, job):
        level = self.env["chaser.level"].browse(job.row["level_id"])
        return self.env["chaser.template"]._get_for_level(level, self.company_id, job.row["campaign_type"]).id

    def _read_version(self, template_id):
        version = self.env["chaser.template.version"]._get_for(self.env["chaser.template"].browse(template_id))
        return version.id, version.content

    def _prepare_message_data(self, job, level):
        """Plain values for the template; no recordset reaches it."""
        run, settings, first = job.run, job.run.settings, job.items[0]
        base_url, token = settings["base_url"], job.row["token"]
        contacts = {row["contact_name"] for row in job.items}
        return render.MessageData(
            company=settings["company"], customer_name=job.facts["name"] or "",
            contact_name=(contacts.pop() if len(contacts) == 1 else "") or job.facts["name"] or "", today=settings["today"],
            items=tuple(self._make_render_item(row, settings["today"], base_url, run) for row in job.items),
            credits=tuple(self._make_render_item(row, settings["today"], base_url, run) for row in job.credits),
            salesperson=run.get(("user", first["invoice_user_id"]), lambda: self._get_salesperson_data(first["invoice_user_id"])),
            bank=run.get(("bank", first["partner_bank_id"]), lambda: self._get_bank_data(first["partner_bank_id"])),
            payment_reference=first["payment_reference"] or first["number"] or "", level_name=level["names"],
            unsubscribe_url=f"{base_url}/chaser/u/{token}",
            pixel_url=f"{base_url}/chaser/o/{token}.gif" if settings["tracking"] else "",
            page_url=self._get_page_url(base_url, job.row["page_token"]),
            customer={"reference": job.facts["ref"] or "", "trn": job.facts["vat"] or ""},
        )

    @api.model
    def _get_instalment_sql(self, alias):
        """Which instalment of its invoice a journal item is, and of how many."""
        line = SQL.identifier(alias)
        return SQL(
            """(SELECT count(*) AS parts, count(*) FILTER (WHERE (t.date_maturity, t.id) <= (%(line)s.date_maturity, %(line)s.id)) AS part
                  FROM account_move_line t WHERE t.move_id = %(line)s.move_id AND t.display_type = 'payment_term')""", line=line)

    def _make_render_item(self, row, today, base_url, run):
        name, decimals = run.get(("currency", row["currency_id"]), lambda: self._read_currency(row["currency_id"]))
        token = row.get("access_token")
        return render.Item(
            number=row["number"] or "", invoice_date=row["invoice_date"], date_due=row["date_due"],
            days_overdue=(today - row["date_due"]).days if row["date_due"] else 0, amount=Decimal(str(row["amount"])),
            residual=Decimal(str(row["residual"])), currency=name, decimals=decimals,
            url=f"{base_url}/my/invoices/{row['move_id']}?access_token={token}" if token else "",
            part=row.get("part") or 0, parts=row.get("parts") or 0,
        )

    def _get_salesperson_data(self, user_id):
        user = self.env["res.users"].browse(user_id or ()).sudo()
        # Neither Odoo's own robot nor somebody who has left signs a letter: then it is the company.
        partner = user.filtered("active").partner_id
        return {"name": partner.name or "", "email": partner.email or "", "phone": partner.phone or ""}

    def _get_bank_data(self, bank_id):
        bank = self.env["res.partner.bank"].browse(bank_id).sudo() if bank_id else self.env["res.partner.bank"]
        return {
            "name": bank.bank_id.name or "", "iban": bank.acc_number or "", "bic": bank.bank_id.bic or "",
            "holder": bank.acc_holder_name or bank.partner_id.name or "",
        }

    def _read_currency(self, currency_id):
        currency = self.env["res.currency"].browse(currency_id)
        return currency.name, currency.decimal_places

    def _prepare_message(self, job, level):
        settings = job.run.settings
        url = f"{settings['base_url']}/chaser/u/{job.row['token']}"
        return OutgoingMessage(
            message_id=job.row["message_id"] or job.run.provider._make_message_id(settings["email"]), sender=settings["email"],
            sender_name=job.row["sender_name"] or settings["sender_name"], recipients=tuple(job.facts["recipients"]),
            cc=tuple(self._get_copies(job, level)), subject=job.rendered.subject, html=job.rendered.html, text=job.rendered.text,
            reply_to=email_normalize(job.row["reply_to"] or settings["reply_to"]) or "",
            # Oldest first, so that mail programs thread them (RFC 5322 §3.6.4).
            references=tuple(reversed(job.facts["former"])),
            headers=self._prepare_headers(url, job.rendered.langs),
            attachments=tuple(document.as_attachment() for document in job.documents),
        )

    @api.model
    def _prepare_headers(self, unsubscribe_url, langs):
        """Headers that each reminder has, besides those of any mail."""
        return {
            "List-Unsubscribe": f"<{unsubscribe_url}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            "Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "OOF", "Content-Language": ", ".join(langs),
        }

    def _get_copies(self, job, level):
        """Addresses that the level copies: salesperson, a manager, the customer's escalation contact."""
        copies = [level["copy_email"]]
        if level["copy_salesperson"]:
            user_id = job.items[0]["invoice_user_id"]
            copies.append(job.run.get(("user", user_id), lambda: self._get_salesperson_data(user_id))["email"])
        if level["copy_escalation"] and job.facts["escalation_id"]:
            copies.append(self.env["res.partner"].browse(job.facts["escalation_id"]).email)
        normalized = [email_normalize(address or "") for address in copies]
        return list(dict.fromkeys(address for address in normalized if address and address not in job.facts["recipients"]))

    # -- Messages that nobody sends: what the preview and the checker look at

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
