from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from odoo import api, models
from odoo.tools import SQL

from ...core.letter import render
from ...core.match.reference import make_reference


class Shared:
    """Values that several messages share, made once, for messages that are not sent
    (preview, checker); a send run does the same for its messages."""

    def __init__(self):
        self.cache = {}

    def get(self, key, make):
        if key not in self.cache:
            self.cache[key] = make()
        return self.cache[key]


class ChaserComposer(models.AbstractModel):
    """What a message says, as plain values, built in one place for the sender, the
    preview, the checker, the documents and the customer's page. The channel makes the
    message from it."""

    _name = "chaser.composer"
    _description = "Composer of Messages"

    # -- data of a message; no recordset reaches a template

    @api.model
    def _make_data(self, rows, credits, others, shared, today, base_url, **values):
        """``MessageData`` from rows of open items and credits, oldest first.

        :param others: credits in currencies in which nothing is asked for
        :param shared: keeps what several messages share (``Shared``, or a send run)
        :param values: what else is known of the message
        """
        first = rows[0]
        return render.MessageData(
            today=today,
            items=tuple(self._make_item(row, shared, today, base_url) for row in rows),
            credits=tuple(
                self._make_item(row, shared, today, base_url) for row in credits
            ),
            other_credits=tuple(
                self._make_item(row, shared, today, base_url) for row in others
            ),
            salesperson=self._get_salesperson_data(first["invoice_user_id"], shared),
            bank=self._get_bank_data(first["partner_bank_id"], shared),
            banks=self._get_banks(rows, shared),
            portal_prefixes=shared.get("portal_prefixes", self._get_portal_prefixes),
            **values,
        )

    @api.model
    def _get_portal_prefixes(self):
        """Message language → how Odoo's public pages begin in it: ``/ar``. English has
        none, because these pages without one are those of the site. Only a language
        that the site has: another one would be an address that does not exist."""
        Lang = self.env["res.lang"]
        arabic = Lang._get_chaser_arabic()
        if arabic not in self._get_site_languages():
            return {}
        return {"ar": f"/{Lang._get_data(code=arabic).url_code}"}

    @api.model
    def _get_site_languages(self):
        """Codes of the languages of Odoo's public pages: those of the website where
        there is one, else all that are active."""
        if "website" in self.env:
            site = self.env["website"].sudo().get_current_website()
            return site.language_ids.mapped("code")
        return list(self.env["res.lang"]._get_frontend())

    @api.model
    def _get_banks(self, rows, shared):
        """Where the invoices name different accounts: each with what it is for, a
        currency or, where one currency has several, the invoices. Else empty."""
        accounts = {}
        for row in rows:
            key = (row["currency_id"], row["partner_bank_id"])
            accounts.setdefault(key, []).append(row["number"] or "")
        if len({bank_id for _currency_id, bank_id in accounts}) < 2:
            return ()
        currencies = [currency_id for currency_id, _bank_id in accounts]
        banks = []
        for (currency_id, bank_id), numbers in accounts.items():
            purpose = self._get_currency(currency_id, shared)[0]
            if currencies.count(currency_id) > 1:
                purpose += ": " + ", ".join(dict.fromkeys(numbers))
            banks.append((purpose, self._get_bank_data(bank_id, shared)))
        return tuple(banks)

    @api.model
    def _get_page_banks(self, lines):
        """The accounts for a reminder's lines, as the customer's page shows them."""
        shared = Shared()
        rows = [
            {
                "currency_id": line.currency_id.id,
                "partner_bank_id": line.move_id.partner_bank_id.id,
                "number": line.number,
            }
            for line in lines
        ]
        first = rows[0]["partner_bank_id"] if rows else False
        return {
            "bank": self._get_bank_data(first, shared),
            "banks": self._get_banks(rows, shared),
        }

    @api.model
    def _get_page_accounts(self, moves):
        """Where invoices are to be paid: the account that each names, by its id as
        text."""
        return {
            str(bank.id): self._read_bank(bank.id) for bank in moves.partner_bank_id
        }

    @api.model
    def _get_currency(self, currency_id, shared):
        """Name and decimal places."""
        return shared.get(
            ("currency", currency_id), lambda: self._read_currency(currency_id)
        )

    @api.model
    def _make_item(self, row, shared, today, base_url):
        currency_id, token = row["currency_id"], row.get("access_token")
        name, decimals = self._get_currency(currency_id, shared)
        return render.Item(
            number=row["number"] or "",
            label=row.get("label") or "",
            invoice_date=row["invoice_date"],
            date_due=row["date_due"],
            days_overdue=self._count_days(row, today),
            amount=Decimal(str(row["amount"])),
            residual=Decimal(str(row["residual"])),
            currency=name,
            decimals=decimals,
            url=f"{base_url}/my/invoices/{row['move_id']}?access_token={token}"
            if token
            else "",
            part=row.get("part") or 0,
            parts=row.get("parts") or 0,
        )

    @api.model
    def _count_days(self, row, today):
        """Days overdue; of a credit less than 0 where it is dated later (a post-dated
        cheque)."""
        if row["date_due"]:
            return (today - row["date_due"]).days
        day = row["invoice_date"] or today
        return min(0, (today - day).days)

    @api.model
    def _read_currency(self, currency_id):
        currency = self.env["res.currency"].browse(currency_id)
        return currency.name, currency.decimal_places

    @api.model
    def _get_salesperson_data(self, user_id, shared):
        return shared.get(("user", user_id), lambda: self._read_salesperson(user_id))

    @api.model
    def _read_salesperson(self, user_id):
        user = self.env["res.users"].browse(user_id or ()).sudo()
        # A letter is signed neither by OdooBot nor by an inactive user; then by the
        # company.
        partner = user.filtered("active").partner_id
        return {
            "name": partner.name or "",
            "email": partner.email or "",
            "phone": partner.phone or "",
        }

    @api.model
    def _get_bank_data(self, bank_id, shared):
        return shared.get(("bank", bank_id), lambda: self._read_bank(bank_id))

    @api.model
    def _read_bank(self, bank_id):
        bank = self.env["res.partner.bank"].browse(bank_id or ()).sudo()
        return {
            "name": bank.bank_id.name or "",
            "iban": bank.acc_number or "",
            "bic": bank.bank_id.bic or "",
            "holder": bank.acc_holder_name or bank.partner_id.name or "",
        }

    @api.model
    def _get_instalment_sql(self, alias):
        """Which instalment of its invoice a journal item is, and of how many."""
        line = SQL.identifier(alias)
        return SQL(
            """(SELECT count(*) AS parts, count(*) FILTER (WHERE (t.date_maturity,
            t.id) <= (%(line)s.date_maturity, %(line)s.id)) AS part
                  FROM account_move_line t WHERE t.move_id = %(line)s.move_id
                  AND t.display_type = 'payment_term')""",
            line=line,
        )

    # -- a message on its way: from the job of the sender

    def _prepare_message_data(self, job):
        settings = job.settings
        base_url, name = settings["base_url"], job.facts["name"] or ""
        contacts = {
            (row["contact_name"], row["contact_is_company"]) for row in job.items
        }
        contact = contacts.pop() if len(contacts) == 1 else ("", False)
        if not contact[0]:
            contact = (name, job.facts["is_company"])
        return self._make_data(
            job.items,
            job.credits,
            job.other_credits,
            job.run,
            settings["today"],
            base_url,
            company=settings["company"],
            customer_name=name,
            contact_name=contact[0],
            is_company=bool(contact[1]),
            level_name=self._get_level_values(job)["names"],
            unsubscribe_url=f"{base_url}/chaser/u/{job.row['stop_token']}",
            pixel_url=f"{base_url}/chaser/o/{job.row['pixel_token']}.gif"
            if settings["tracking"]
            else "",
            page_url=self.env["chaser.reminder"]._make_page_url(
                base_url, job.row["page_token"]
            ),
            payment_reference=make_reference(job.reminder.id),
            payables=self._make_amounts(job.payables, job.run),
            customer={
                "reference": job.facts["ref"] or "",
                "trn": job.facts["vat"] or "",
            },
        )

    def _render(self, job, content):
        """Subject, HTML and text of a message; with what it says about its
        documents."""
        attached = tuple((document.kind, document.number) for document in job.documents)
        data = replace(
            self._prepare_message_data(job), attached=attached, left_out=job.left_out
        )
        if not job.link_invoices:
            data = replace(
                data, items=tuple(replace(item, url="") for item in data.items)
            )
        return render.compose(
            data, content, job.row["language"] or "en", self._get_link_prefix(job)
        )

    @api.model
    def _ensure_portal_tokens(self, reminder_ids):
        """Invoices need a portal token for their link; by one statement, because
        ``write`` on posted invoices is expensive. An invoice that somebody changes at
        this moment stays without its link in the message."""
        self.env.cr.execute(
            SQL(
                """UPDATE account_move SET access_token = gen_random_uuid()::text
                WHERE id = ANY(ARRAY(
                      SELECT m.id FROM account_move m WHERE m.access_token IS NULL
                         AND m.move_type <> 'entry' AND m.id = ANY(ARRAY(
                             SELECT l.move_id FROM chaser_reminder_line l
                             WHERE l.reminder_id = ANY(%s) AND NOT l.is_credit))
                         FOR NO KEY UPDATE SKIP LOCKED))""",
                list(reminder_ids),
            ),
            log_exceptions=False,
        )
        self.env["account.move"].invalidate_model(["access_token"], flush=False)

    def _get_link_prefix(self, job):
        """Start of the tracked links; empty where tracking is off."""
        settings = job.settings
        return (
            f"{settings['base_url']}/chaser/c/{job.row['token']}/"
            if settings["tracking"]
            else ""
        )

    # -- what the messages of a run share: level, template and its version

    def _get_level_values(self, job):
        """A level as plain values."""
        level_id = job.row["level_id"]
        return job.run.get(("level", level_id), lambda: self._read_level(level_id))

    def _read_level(self, level_id):
        level = self.env["chaser.level"].browse(level_id)
        codes = self.env["res.lang"]._get_chaser_codes()
        return {
            "days_overdue": level.days_overdue if level else 1,
            "copy_salesperson": level.copy_salesperson,
            "copy_escalation": level.copy_escalation,
            "copy_user_ids": level.copy_user_id.ids,
            "activity_type_id": level.activity_type_id.id,
            "template_id": level.template_id.id,
            "trial_template_id": level.trial_template_id.id,
            "names": {
                lang: level.with_context(lang=code).name or ""
                for lang, code in codes.items()
            },
        }

    def _get_template_id(self, job):
        """The campaign's template, else the one for the reminder's level, as written
        for so many items."""
        own, items = job.row, len(job.items)
        chosen = [own[name] for name in ("template_id", "level_id", "campaign_type")]
        chosen += [own["company_id"], items]
        template_id = job.run.get(
            ("template", *chosen), lambda: self._choose_template_id(own, items)
        )
        return self._draw_template_id(job, template_id)

    def _draw_template_id(self, job, template_id):
        """Where two texts of a level are tried against each other, the one that is
        drawn for the customer."""
        own, level = job.row, self._get_level_values(job)
        if (
            not level["trial_template_id"]
            or own["template_id"]
            or template_id != level["template_id"]
            or own["purpose"] != "reminder"
        ):
            return template_id
        company = self.env["res.company"].browse(own["company_id"]).sudo()
        key = job.run.get(
            ("draws", company.id), lambda: company.chaser_holdout_key or ""
        )
        return self.env["chaser.level"]._draw_text(
            key,
            own["partner_id"],
            own["level_id"],
            template_id,
            level["trial_template_id"],
        )

    def _choose_template_id(self, own, items):
        templates = self.env["chaser.template"]
        return templates._choose(
            templates.browse(own["template_id"] or ()),
            self.env["chaser.level"].browse(own["level_id"]),
            self.env["res.company"].browse(own["company_id"]),
            own["campaign_type"],
            items,
        ).id

    def _get_preference(self, job):
        """The language that the message really has: a template without an Arabic text
        makes an English message, and so do its documents."""
        template_id = self._get_template_id(job)
        wanted = job.row["language"] or "en"
        if not template_id:
            return wanted
        # Not by the version: one that is made now is undone with the transaction when
        # documents have to be drawn (``Release``).
        template = self.env["chaser.template"].browse(template_id)
        sources = job.run.get(("sources", template_id), template._get_sources)
        return render.preference_of(render.choose_languages(wanted, sources))

    def _get_version(self, job, template_id):
        """Id and content of the template's current version."""
        return job.run.get(
            ("version", template_id), lambda: self._read_version(template_id)
        )

    def _read_version(self, template_id):
        version = self.env["chaser.template.version"]._ensure_for(
            self.env["chaser.template"].browse(template_id)
        )
        return version.id, version.content

    # -- messages that are not sent: those of the preview and the checker

    @api.model
    def _get_preview_data(self, partner, company, line_ids=None, credits=None):
        """Message data for a customer's overdue items as of today; None when there are
        none."""
        return self._get_previews([(partner, line_ids, credits)], company)[0]

    @api.model
    def _get_previews(self, wanted, company):
        """Message data of several customers, in a number of queries that does not
        depend on how many they are.

        :param wanted: (customer, ids of the journal items that may be shown; None: all,
            what the message sets off as {id: amount}; None: what the account has free)
            each
        :return: ``MessageData`` or None each
        """
        commercials = self.env["res.partner"].union(
            *(partner.commercial_partner_id for partner, *_rest in wanted)
        )
        rows, account = self._read_preview_rows(commercials, company)
        shared, found = Shared(), []
        for partner, line_ids, planned in wanted:
            mine = [
                row
                for row in rows.get(partner.commercial_partner_id.id, ())
                if line_ids is None or row["id"] in line_ids
            ]
            credits = account(partner.commercial_partner_id, mine, planned)
            found.append(
                self._make_preview(partner, mine, credits, company, shared)
                if mine
                else None
            )
        return found

    @api.model
    def _read_preview_rows(self, commercials, company):
        """Items by customer, oldest first: the overdue ones, else those of which a
        notice may be sent, as the user may see them; and a function that gives the
        credits of a message about some of them."""
        Planner, today = self.env["chaser.planner"], company._get_chaser_today()
        until = today + timedelta(days=Planner._get_notice_days(company))
        items = self.env["chaser.account"]._select_items(
            Planner._get_open_condition(company, commercials, until), company, until
        )
        moves = self.env["account.move"].browse(
            {row["move_id"] for row in items.values()}
        )
        visible = set(moves._filtered_access("read").ids)
        items = {key: row for key, row in items.items() if row["move_id"] in visible}
        parts = {
            row[0]: {"part": row[1], "parts": row[2]}
            for row in self.env.execute_query(
                SQL(
                    "SELECT l.id, i.part, i.parts FROM account_move_line l CROSS JOIN "
                    "LATERAL %s i WHERE l.id = ANY(%s)",
                    self._get_instalment_sql("l"),
                    list(items),
                )
            )
        }
        rows = {}
        for row in sorted(items.values(), key=lambda row: (row["date_due"], row["id"])):
            rows.setdefault(row["partner_id"], []).append(row | parts[row["id"]])
        rows = {
            partner_id: [row for row in mine if row["date_due"] < today] or mine
            for partner_id, mine in rows.items()
        }
        return rows, self._get_preview_credits(commercials, company, today)

    @api.model
    def _get_preview_credits(self, commercials, company, today):
        account = self.env["chaser.account"]
        held = (
            self.env["chaser.hold"].sudo()._read_held(company, commercials.ids, today)
        )
        accounts, beside = account._read_accounts(
            company, commercials.ids, (), today, held
        )

        def get_credits(partner, items, planned):
            rows = account._get_credit_rows(
                accounts.get(partner.id, {}), beside, company, items
            )
            if planned is None:
                return rows
            currencies = {row["currency_id"] for row in items}
            return [
                beside[credit_id] | {"residual": -amount}
                for credit_id, amount in planned.items()
                if credit_id in beside
            ] + [row for row in rows if row["currency_id"] not in currencies]

        return get_credits

    @api.model
    def _make_amounts(self, amounts, shared):
        """(currency id, amount) as a message says it."""
        return {
            self._get_currency(currency_id, shared): Decimal(str(amount))
            for currency_id, amount in amounts
        }

    @api.model
    def _make_preview(self, partner, rows, credits, company, shared):
        payables = shared.get(
            ("payables", partner.commercial_partner_id.id),
            lambda: self.env["chaser.account"]
            ._read_payables(company, partner.commercial_partner_id.ids)
            .get(partner.commercial_partner_id.id, []),
        )
        base_url, commercial = (
            self.env["chaser.reminder"].get_base_url(),
            partner.commercial_partner_id,
        )
        moves = self.env["account.move"].browse(row["move_id"] for row in rows)
        currencies = {row["currency_id"] for row in rows}
        return self._make_data(
            [
                row
                | {
                    "access_token": "preview" if row["label"] is None else "",
                    "invoice_user_id": move.invoice_user_id.id,
                    "partner_bank_id": move.partner_bank_id.id,
                }
                for row, move in zip(rows, moves, strict=True)
            ],
            [row for row in credits if row["currency_id"] in currencies],
            [row for row in credits if row["currency_id"] not in currencies],
            shared,
            company._get_chaser_today(),
            base_url,
            company=shared.get("company", lambda: self._get_company_data(company)),
            customer_name=commercial.name or "",
            contact_name=partner.name or commercial.name or "",
            is_company=(partner if partner.name else commercial).is_company,
            page_url=self.env["chaser.reminder"]._make_page_url(base_url, "sample"),
            payables=self._make_amounts(payables, shared),
            # The message gets its own when it is made.
            payment_reference=make_reference(0),
            customer={"reference": commercial.ref or "", "trn": commercial.vat or ""},
        )

    # -- the company and a partner as plain values

    @api.model
    def _get_company_data(self, company):
        """What a message says about the sender."""
        partner = company.partner_id
        return {
            "name": company.name or "",
            "trn": company.vat or "",
            "phone": company.phone or "",
            "email": company.email or "",
            "website": company.website or "",
            **self._get_address_data(partner),
            "color": company.email_secondary_color or company.primary_color or "",
            "logo_url": self._get_logo_url(company),
        }

    @api.model
    def _get_logo_url(self, company):
        """Odoo's public address of the logo; empty while the company has only Odoo's
        placeholder."""
        if company.uses_default_logo:
            return ""
        return f"{company.get_base_url()}/logo.png?company={company.id}"

    @api.model
    def _get_customer_data(self, partner_id):
        partner = self.env["res.partner"].browse(partner_id).sudo()
        return {
            "name": partner.name or "",
            "is_company": "1" if partner.is_company else "",
            "trn": partner.vat or "",
            **self._get_address_data(partner),
        }

    @api.model
    def _get_address_data(self, partner):
        """``address``, and ``address_ar`` with the country's Arabic name where Arabic
        is installed."""
        codes = {
            "address": "en_US",
            "address_ar": self.env["res.lang"]._get_chaser_arabic(),
        }
        return {
            key: _tidy_address(
                partner.with_context(lang=code)._display_address(without_company=True)
            )
            for key, code in codes.items()
            if code
        }


def _tidy_address(address):
    """Odoo's address without the empty lines of empty fields."""
    lines = (
        " ".join(line.split()).replace(" ,", ",").strip(" ,")
        for line in (address or "").splitlines()
    )
    return "\n".join(filter(None, lines))
