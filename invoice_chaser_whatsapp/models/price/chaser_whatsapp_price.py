from collections import Counter
from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import format_amount

from odoo.addons.phone_validation.tools.phone_validation import (
    phone_get_country_code_for_number,
)

from ...core.price import Rate, choose_rate, make_forecast


class ChaserWhatsappPrice(models.Model):
    """What Meta bills for one delivered message: by the recipient's market, the
    category, and the day from which it holds. Empty until somebody enters the rates of
    their own account; nothing is guessed."""

    _name = "chaser.whatsapp.price"
    _description = "WhatsApp Price"
    _inherit = ["chaser.company.mixin"]
    _order = "market, category, date_from desc, id"
    _rec_name = "market"

    company_id = fields.Many2one(
        "res.company",
        index=True,
        default=lambda self: self.env.company,
        help="Empty: for all companies. A company with prices of its own uses only "
        "those.",
    )
    market = fields.Char(
        required=True,
        help="As on Meta's rate card, for example Egypt or Rest of Middle East.",
    )
    country_ids = fields.Many2many(
        "res.country",
        string="Countries",
        help="Of the market. Empty: all countries that no other line names.",
    )
    category = fields.Selection(
        [
            ("utility", "Utility"),
            ("marketing", "Marketing"),
            ("service", "Answers (Service)"),
            ("authentication", "Authentication"),
        ],
        required=True,
        default="utility",
        help="Reminders are utility messages; what you write in answer to a customer "
        "within 24 hours is service.",
    )
    date_from = fields.Date(
        "From",
        required=True,
        default=fields.Date.context_today,
        help="Meta changes prices on the first day of January, April, July or October.",
    )
    currency_id = fields.Many2one(
        "res.currency",
        required=True,
        default=lambda self: self.env.company.currency_id,
    )
    amount = fields.Float("Per Message", required=True, digits=(16, 6))
    source = fields.Char(
        help="Where the price is from: Meta's rate card of which day, or your invoice."
    )

    _line_uniq = models.UniqueIndex(
        "(COALESCE(company_id, 0), market, category, date_from)",
        "This market and category has a price from that day already.",
    )
    _amount_check = models.Constraint(
        "CHECK(amount >= 0)", "A price cannot be negative."
    )

    @api.constrains("country_ids", "market", "company_id")
    def _check_countries(self):
        """A country belongs to one market, else two prices hold at once."""
        for price in self:
            others = self.search(
                [
                    ("company_id", "=", price.company_id.id),
                    ("market", "!=", price.market),
                    ("country_ids", "in", price.country_ids.ids),
                ],
                limit=1,
            )
            if others:
                raise ValidationError(
                    self.env._(
                        "%(countries)s: in the market “%(market)s” already. A country "
                        "belongs to one market.",
                        countries=", ".join(
                            (others.country_ids & price.country_ids).mapped("name")
                        ),
                        market=others.market,
                    )
                )

    # -- rates

    @api.model
    def _read_rates(self, company):
        """The company's own price list, else the shared one."""
        self = self.sudo()
        own = self.search([("company_id", "=", company.id)])
        prices = own or self.search([("company_id", "=", False)])
        return tuple(
            Rate(
                price.market,
                frozenset(price.country_ids.mapped("code")),
                price.category,
                price.date_from,
                price.currency_id.name,
                Decimal(str(price.amount)),
            )
            for price in prices
        )

    @api.model
    def _get_country(self, address):
        """The country's code of a number; empty for a user id."""
        return (
            phone_get_country_code_for_number(address) or ""
            if address.startswith("+")
            else ""
        )

    @api.model
    def _get_rate(self, company, address, category, day):
        return choose_rate(
            self._read_rates(company), self._get_country(address), category, day
        )

    # -- before sending

    @api.model
    def _forecast(self, company, messages):
        """What messages cost if each of them is delivered.

        :param messages: (address, category) of each
        :return: ``core.price.Forecast``
        """
        countries = {}
        rows = []
        for address, category in messages:
            if address not in countries:
                countries[address] = self._get_country(address)
            rows.append((countries[address], category))
        return make_forecast(
            rows, self._read_rates(company), company._get_chaser_today()
        )

    @api.model
    def _forecast_planned(self, company, planned):
        """The same for planned messages, each with the category of its template.

        :param planned: (address, level, language) of each
        """
        Template, categories, rows = self.env["chaser.whatsapp.template"], {}, []
        for address, level, language in planned:
            key = (level.id, language)
            if key not in categories:
                template, _reason = Template._choose(company, level, language)
                categories[key] = template._get_billed_category()
            rows.append((address, categories[key]))
        return self._forecast(company, rows)

    @api.model
    def _describe_forecast(self, forecast):
        """The forecast as sentences; empty without messages."""
        if not forecast.messages:
            return False
        words = []
        if forecast.amounts:
            words.append(
                self.env._(
                    "%(count)s messages by WhatsApp cost %(amounts)s if all are "
                    "delivered.",
                    count=forecast.messages - sum(forecast.unpriced.values()),
                    amounts=self._format_amounts(forecast.amounts),
                )
            )
        if forecast.unpriced:
            words.append(
                self.env._(
                    "For %(count)s messages by WhatsApp (%(countries)s) the price list "
                    "has no price.",
                    count=sum(forecast.unpriced.values()),
                    countries=self._name_countries(forecast.unpriced),
                )
            )
        return " ".join(words)

    @api.model
    def _format_amounts(self, amounts):
        """``{"AED": Decimal}`` as the reader writes it; small prices with all their
        digits."""
        currencies = {
            currency.name: currency
            for currency in self.env["res.currency"]
            .with_context(active_test=False)
            .search([("name", "in", list(amounts))])
        }
        return ", ".join(
            format_amount(
                self.env, float(amount), currencies[name], trailing_zeroes=True
            )
            if amount >= Decimal("0.1")
            else f"{amount.normalize():f} {name}"
            for name, amount in sorted(amounts.items())
        )

    @api.model
    def _name_countries(self, codes):
        found = self.env["res.country"].search([("code", "in", list(codes))])
        names = found.mapped("name")
        if "" in codes:
            names.append(self.env._("unknown country"))
        return ", ".join(names)

    @api.model
    def _describe_one(self, company, address, category):
        """What one message to an address costs, as a sentence."""
        rate = self._get_rate(company, address, category, company._get_chaser_today())
        if rate is None:
            return self.env._(
                "The price list has no price for this message; Meta bills it."
            )
        return self.env._(
            "This message costs %s.",
            self._format_amounts({rate.currency: rate.amount}),
        )

    # -- after sending

    @api.model
    def _record_actual(self, reminder, pricing, moment):
        """What Meta says about billing a message (``pricing`` of a status report); the
        report of each status says it again. As superuser."""
        return self.env["chaser.whatsapp.charge"]._record(
            reminder.company_id,
            f"reminder:{reminder.id}:{reminder.attempt_count}",
            reminder.partner_id,
            self.env["chaser.channel"]._get("whatsapp")._get_addresses(reminder)[:1],
            pricing,
            moment,
            reminder=reminder,
        )


class ChaserPreview(models.TransientModel):
    """What a campaign costs by WhatsApp, and what has no template that may be sent."""

    _inherit = "chaser.preview"

    whatsapp_cost = fields.Char("By WhatsApp", compute="_compute_whatsapp_cost")
    whatsapp_problem = fields.Text(
        "Not by WhatsApp Now", compute="_compute_whatsapp_cost"
    )

    @api.depends("message_ids.included", "message_ids.channel")
    @api.depends_context("lang")
    def _compute_whatsapp_cost(self):
        Price = self.env["chaser.whatsapp.price"]
        for preview in self:
            mine = preview.message_ids.filtered(
                lambda one: one.included and one.channel == "whatsapp"
            )
            planned = [
                (
                    (one.recipient or "").split(", ")[0],
                    preview.level_id or one.level_id,
                    one.language,
                )
                for one in mine
            ]
            forecast = Price._forecast_planned(preview.company_id, planned)
            preview.whatsapp_cost = Price._describe_forecast(forecast)
            preview.whatsapp_problem = self._describe_unsendable(
                preview.company_id, planned
            )

    @api.model
    def _describe_unsendable(self, company, planned):
        """Of which level and language no template can be sent as things are, and why;
        False where all can.

        :param planned: (address, level, language) of each message
        """
        reasons, lines = self.env["chaser.reason.mixin"], []
        names = dict(
            self.message_ids._fields["language"]._description_selection(self.env)
        )
        counts = Counter((level, language) for _address, level, language in planned)
        for (level, language), count in counts.items():
            _template, reason = self.env["chaser.whatsapp.template"]._choose(
                company, level, language
            )
            if reason:
                lines.append(
                    self.env._(
                        "%(level)s, %(language)s, %(count)s messages: %(reason)s",
                        level=level.name or "",
                        language=names.get(language, language or ""),
                        count=count,
                        reason=reasons._get_reason_text(reason),
                    )
                )
        if not lines:
            return False
        words = self.env._(
            "No template can be sent by WhatsApp as things are. What has another "
            "channel goes by that one:"
        )
        return "\n".join((words, *lines))
