from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import UserError

from ...core.price import read_pricing


class ChaserWhatsappCharge(models.Model):
    """What one message costs: what was expected when it left, and what Meta says about
    billing it. Meta names the category, not the amount; the amount is the price list's
    for that category."""

    _name = "chaser.whatsapp.charge"
    _description = "WhatsApp Charge"
    _order = "charged_at desc, id desc"
    _rec_name = "partner_id"

    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, index=True
    )
    key = fields.Char(required=True, readonly=True)
    reminder_id = fields.Many2one(
        "chaser.reminder", readonly=True, index="btree_not_null", ondelete="set null"
    )
    partner_id = fields.Many2one(
        "res.partner",
        "Customer",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
    charged_at = fields.Datetime("Time", required=True, readonly=True)
    country_code = fields.Char("Country", readonly=True)
    category = fields.Selection(
        "_get_categories",
        readonly=True,
        help="As Meta bills it; a reminder is expected to be utility.",
    )
    is_billed = fields.Boolean(
        "Billed",
        readonly=True,
        help="Not billed are messages that follow an advertisement of yours.",
    )
    currency_id = fields.Many2one("res.currency", readonly=True)
    # With more digits than the currency has: a message costs a few fils.
    expected = fields.Float(
        readonly=True,
        digits=(16, 6),
        help="By the price list, as the preview showed it.",
    )
    amount = fields.Float(
        "Billed Amount",
        readonly=True,
        digits=(16, 6),
        help="By the price list, for the category that Meta names.",
    )
    difference = fields.Float(
        compute="_compute_difference",
        store=True,
        digits=(16, 6),
        help="Billed less expected.",
    )
    has_price = fields.Boolean(
        "Priced",
        readonly=True,
        help="Whether the price list had a price for the category that was billed.",
    )

    campaign_id = fields.Many2one(
        related="reminder_id.campaign_id", string="Campaign", store=True
    )

    _key_uniq = models.UniqueIndex("(company_id, key)")

    @api.model
    def _get_categories(self):
        """Those of the price list, and what Meta may name besides."""
        known = self.env["chaser.whatsapp.price"]._fields["category"]
        return [
            *known._description_selection(self.env),
            ("other", self.env._("Another category")),
        ]

    @api.depends("expected", "amount")
    def _compute_difference(self):
        for charge in self:
            charge.difference = charge.amount - charge.expected

    @api.model
    def _record(self, company, key, partner, addresses, pricing, moment, reminder=None):
        """Once per message, whatever number of reports names it; a later one that says
        more replaces an earlier one that said less. As superuser.

        :param key: names the message :param addresses: where it went
        :param pricing: of the report
        """
        category, billed = read_pricing(pricing)
        if not category:
            return self.browse()
        if category not in dict(self._get_categories()):
            category = "other"
        found = self.search(
            [("company_id", "=", company.id), ("key", "=", key)], limit=1
        )
        if found and found.category == category and found.is_billed == bool(billed):
            return found
        values = self._prepare_values(
            company, addresses, category, billed is not False, moment, reminder
        )
        if found:
            found.write(values)
            return found
        return self.create(
            {
                "company_id": company.id,
                "key": key,
                "partner_id": partner.id,
                "reminder_id": reminder.id if reminder else False,
                **values,
            }
        )

    @api.model
    def _prepare_values(self, company, addresses, category, billed, moment, reminder):
        Price, day = self.env["chaser.whatsapp.price"], company._get_chaser_today()
        address = next(iter(addresses), "")
        wanted = "utility" if reminder else "service"
        template = reminder and reminder.whatsapp_version_id.template_id
        if template:
            wanted = template._get_billed_category()
        expected = Price._get_rate(company, address, wanted, day)
        rate = Price._get_rate(company, address, category, day)
        # Meta's currency need not be one that the company invoices in.
        currencies = self.env["res.currency"].with_context(active_test=False)
        currency = currencies.search(
            [("name", "=", (rate or expected).currency)] if rate or expected else [],
            limit=1,
        )
        # An expectation in another currency says nothing about this amount.
        same = rate and expected and rate.currency == expected.currency
        return {
            "charged_at": moment or fields.Datetime.now(),
            "country_code": Price._get_country(address),
            "category": category,
            "is_billed": billed,
            "currency_id": currency.id if rate or expected else False,
            "expected": float(expected.amount)
            if expected and (same or not rate)
            else 0,
            "amount": float(rate.amount) if rate and billed else 0,
            "has_price": bool(rate),
        }

    def action_open_reminder(self):
        self.ensure_one()
        if not self.reminder_id:
            raise UserError(self.env._("It was an answer, not a reminder."))
        return {
            "type": "ir.actions.act_window",
            "res_model": "chaser.reminder",
            "res_id": self.reminder_id.id,
            "view_mode": "form",
        }


class ChaserCampaign(models.Model):
    _inherit = "chaser.campaign"

    whatsapp_cost = fields.Char(
        "Cost by WhatsApp",
        compute="_compute_whatsapp_cost",
        help="What Meta's reports bill, by your price list, beside what was expected.",
    )

    @api.depends_context("lang")
    def _compute_whatsapp_cost(self):
        """Billed, expected and the difference, of each currency; empty without a
        report."""
        rows = (
            self.env["chaser.whatsapp.charge"]
            .sudo()
            ._read_group(
                [("campaign_id", "in", self.ids)],
                ["campaign_id", "currency_id", "is_billed"],
                ["__count", "amount:sum", "expected:sum", "difference:sum"],
            )
        )
        sums = {}
        for campaign, currency, billed, count, *amounts in rows:
            of_campaign = sums.setdefault(campaign.id, {})
            figures = of_campaign.setdefault(currency, [0, 0.0, 0.0, 0.0])
            figures[0] += count if billed else 0
            for place, amount in enumerate(amounts, 1):
                figures[place] += amount
        for campaign in self:
            campaign.whatsapp_cost = (
                " ".join(
                    self._describe_whatsapp_cost(currency, *figures)
                    for currency, figures in sums.get(campaign.id, {}).items()
                )
                or False
            )

    @api.model
    def _describe_whatsapp_cost(self, currency, count, *amounts):
        """``amounts``: billed, expected, and the difference."""
        if not currency:
            return self.env._(
                "Messages billed without a price in the price list: %s.", count
            )
        Price = self.env["chaser.whatsapp.price"]
        amount, expected, difference = (
            Price._format_amounts({currency.name: Decimal(f"{one:.6f}")})
            for one in amounts
        )
        return self.env._(
            "Messages billed: %(count)s, for %(amount)s. Expected: %(expected)s. "
            "Difference: %(difference)s.",
            count=count,
            amount=amount,
            expected=expected,
            difference=difference,
        )
