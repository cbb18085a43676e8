from odoo import api, models
from odoo.exceptions import AccessError

from ...core.hours.open_time import local_moment
from ...core.overview import sample
from ...core.overview.receivables import (
    BUCKETS,
    ROLLS,
    best_possible,
    count_back,
    effectiveness,
    go_back,
    month_end,
    month_ends,
    share,
)
from ...core.overview.scope import PERIODS, Scope, parse_filters

USER_GROUP = "invoice_chaser.group_chaser_user"
MANAGER_GROUP = "invoice_chaser.group_chaser_manager"


class ChaserOverview(models.AbstractModel):
    """One page of figures. It writes nothing and reads by a fixed number of queries,
    so that it can be answered by a replica."""

    _name = "chaser.overview"
    _description = "Overview"

    @api.model
    @api.readonly
    def read_overview(self, filters=None):
        """All figures of the page.

        :param dict filters: ``period`` (months), ``company``, ``user`` (salesperson)
            and ``tag`` (ids); what is not known counts as not asked
        :return: plain values; amounts in the currency of the user's company, those
            ``by currency`` in their own. Figures that do not exist are None
        :raises AccessError: for who is not in the addon's groups
        """
        self._check_rights()
        scope = self._make_scope(filters)
        rates, without_rate = self._get_rates(scope)
        facts = self._read_facts(scope)
        is_sample = self._is_whole(scope) and not (
            facts["now"] or facts["months"] or facts["collected"]
        )
        if is_sample:
            facts |= self._make_sample(scope)
        return {
            "filters": self._describe_filters(scope),
            "currency_id": self.env.company.currency_id.id,
            "without_rate": without_rate,
            "is_sample": is_sample,
            "is_manager": self.env.user.has_group(MANAGER_GROUP),
            **self._describe_facts(scope, facts, rates),
        }

    @api.model
    def _read_facts(self, scope):
        """What the figures are made of; one query each."""
        Receivables = self.env["chaser.receivables"]
        Reminders = self.env["chaser.overview.reminders"]
        return {
            "now": Receivables._read_now(scope),
            "months": self.env["chaser.receivable.month"].sudo()._read_sums(scope),
            "collected": Reminders._read_collected(scope),
            "events": Reminders._read_events(scope),
            "today": self.env["chaser.overview.today"]._read_today(scope),
        }

    @api.model
    def _is_whole(self, scope):
        """Whether everything is asked about: nothing found is nothing there then."""
        return not (scope.user_id or scope.tag_id) and set(scope.company_ids) == set(
            self.env.companies.ids
        )

    @api.model
    def _make_sample(self, scope):
        """Figures of a company that does not exist, for who looks at an empty page."""
        company, ends = self.env.company, month_ends(scope.first_known, scope.day)
        return {
            "now": sample.make_now(company.id, company.currency_id.id),
            "months": sample.make_months(company.id, ends),
            "collected": sample.make_collected(company.id),
            "events": sample.make_events(scope.day),
        }

    @api.model
    def _describe_facts(self, scope, facts, rates):
        receivables = self._get_receivables(scope, facts["now"], facts["months"], rates)
        today, collected = facts["today"], facts["collected"]
        levels = {level["id"]: level["name"] for level in today["levels"]}
        Reminders = self.env["chaser.overview.reminders"]
        return {
            "receivables": receivables,
            "reminders": {
                **Reminders._get_collected(collected, rates, levels),
                "hours_saved": Reminders._get_hours_saved(
                    collected, {row["id"]: row["minutes"] for row in today["minutes"]}
                ),
                "minutes": [row["minutes"] for row in today["minutes"]],
            },
            "events": Reminders._get_events(facts["events"]),
            # None: there is no such summary to ask for.
            "weekly": bool(today["weekly"]) if "weekly" in today else None,
            "effect": self.env["chaser.effect"]._get_effect(today.get("effect"), rates),
            "cash": self.env["chaser.cash.forecast"]._get_cash(
                today["cash"], scope, rates
            ),
            **self.env["chaser.overview.today"]._get_today(
                today, rates, receivables["period"]["sales"]
            ),
        }

    @api.model
    def _check_rights(self):
        if not self.env.su and not self.env.user.has_group(USER_GROUP):
            raise AccessError(
                self.env._("The overview is for users of Invoice Chaser.")
            )

    # -- what is asked about

    @api.model
    def _make_scope(self, filters):
        """Only companies that are active for the user, whatever is asked for."""
        asked = parse_filters(filters, self.env.companies.ids)
        companies = self.env["res.company"].browse(asked.pop("company_ids"))
        day, tz = (
            self.env.company._get_chaser_today(),
            self.env.company._get_chaser_tz(),
        )
        return Scope(
            {company.id: company._get_chaser_today() for company in companies},
            day,
            local_moment(go_back(day, asked["months"] - 1), 0, tz),
            tz,
            **asked,
        )

    @api.model
    def _get_ends(self, scope):
        """The closed months that are shown, oldest first."""
        return month_ends(scope.first_day, scope.day)

    @api.model
    def _describe_filters(self, scope):
        """What was asked, and what can be asked."""
        companies = self.env.companies
        return {
            "period": scope.months,
            "periods": list(PERIODS),
            "company": scope.company_ids[0] if len(scope.company_ids) == 1 else False,
            "companies": [
                {"id": company.id, "name": company.name} for company in companies
            ],
            "user": scope.user_id or False,
            "tag": scope.tag_id or False,
            "day": scope.day.isoformat(),
            "first_day": scope.first_day.isoformat(),
        }

    @api.model
    def _get_rates(self, scope):
        """Company id → factor from its currency to that of the user's company, today;
        and the names of currencies that have no rate, which are in no total."""
        target, rates, without = self.env.company.currency_id, {}, []
        for company in self.env["res.company"].browse(scope.company_ids):
            currency = company.currency_id
            if currency == target:
                rates[company.id] = 1.0
            elif self._has_rate(currency) or self._has_rate(target):
                rates[company.id] = currency._convert(
                    1.0, target, self.env.company, scope.day, round=False
                )
            else:
                rates[company.id] = None
                without.append(currency.name)
        return rates, without

    @api.model
    def _has_rate(self, currency):
        """Odoo takes 1 where nobody has entered a rate; that would be a wrong sum."""
        return bool(currency.sudo().rate_ids)

    # -- receivables

    @api.model
    def _get_receivables(self, scope, now, months, rates):
        by_month = self._add_up_months(months, rates)
        today = self._add_up(now, rates)
        ends = month_ends(scope.first_known, scope.day)
        series = [_Zeros({**by_month.get(end, {}), "date": end}) for end in ends] + [
            _Zeros({**today, "date": scope.day})
        ]
        shown = [
            self._describe_month(series, number)
            for number, month in enumerate(series)
            if month["date"] >= scope.first_day or number == len(series) - 1
        ]
        return {
            "now": self._describe_now(today, shown[-1]),
            "by_currency": self._describe_currencies(now),
            "months": shown,
            "period": self._describe_period(series, scope),
            "rolls": self._describe_rolls(series, scope),
        }

    @api.model
    def _add_up(self, rows, rates):
        """Rows of companies in one currency; those without a rate are left out."""
        total = {}
        for row in rows:
            rate = rates[row["company_id"]]
            if rate is None:
                continue
            for name, value in row.items():
                if name.endswith(("_id", "date")):
                    continue
                factor = 1 if name.endswith("_count") else rate
                total[name] = total.get(name, 0.0) + value * factor
        return _Zeros(total)

    @api.model
    def _add_up_months(self, rows, rates):
        dates = {}
        for row in rows:
            dates.setdefault(row["date"], []).append(row)
        return {date: self._add_up(own, rates) for date, own in dates.items()}

    @api.model
    def _describe_now(self, today, month):
        overdue = sum(today[name] for name in BUCKETS[1:])
        owed = overdue + today["not_due"]
        return {
            "buckets": {name: today[name] for name in BUCKETS},
            "credit": today["credit"],
            "open": owed,
            "net": owed + today["credit"],
            "overdue": overdue,
            "overdue_share": share(overdue, owed),
            "over_60": today["days_61_90"] + today["days_over_90"],
            "open_late_by": today["late_days"] / overdue if overdue else None,
            "in_payment": today["in_payment"],
            "item_count": today["item_count"],
            "late_count": today["late_count"],
            **{name: month[name] for name in ("dso", "dso_is_more", "best_dso")},
        }

    @api.model
    def _describe_currencies(self, now):
        """Each currency by itself, as amounts of that currency."""
        found = {}
        for row in now:
            own = found.setdefault(row["currency_id"], _Zeros())
            for name in (*BUCKETS, "credit"):
                own[name] += row[f"{name}_currency"]
        return [
            {"currency_id": currency_id, **own}
            for currency_id, own in found.items()
            if any(own.values())
        ]

    @api.model
    def _describe_month(self, series, number):
        """One month of the series: its ageing, and the figures that need those before
        it."""
        month = series[number]
        sales = self._get_sales(series, number)
        total = self._get_total(month)
        dso = count_back(total, sales)
        before = series[number - 1] if number else None
        return {
            "date": month["date"].isoformat(),
            "buckets": {name: month[name] for name in BUCKETS},
            "credit": month["credit"],
            "total": total,
            "dso": dso and dso.days,
            "dso_is_more": bool(dso and dso.is_more),
            "best_dso": best_possible(month["not_due"], sales),
            "effectiveness": effectiveness(
                self._get_total(before), month["sales"], total, month["not_due"]
            )
            if before
            else None,
            **{
                name: month[name]
                for name in ("sales", "paid", "credited", "written_off")
            },
            "paid_late_by": month["paid_days"] / month["paid"]
            if month["paid"]
            else None,
        }

    @api.model
    def _get_sales(self, series, number):
        """Days and sales of a month and those before it, newest first."""
        return [(month["date"].day, month["sales"]) for month in series[number::-1]]

    @api.model
    def _get_total(self, month):
        return sum(month[name] for name in BUCKETS) + month["credit"]

    @api.model
    def _describe_period(self, series, scope):
        """The months shown, as one."""
        own = [month for month in series if month["date"] >= scope.first_day]
        paid = sum(month["paid"] for month in own)
        return {
            "sales": sum(month["sales"] for month in own),
            "paid": paid,
            "credited": sum(month["credited"] for month in own),
            "written_off": sum(month["written_off"] for month in own),
            "paid_late_by": sum(month["paid_days"] for month in own) / paid
            if paid
            else None,
            "effectiveness": self._get_effectiveness(series, scope),
        }

    @api.model
    def _get_effectiveness(self, series, scope):
        """The index of the closed months shown, weighted by what could be collected in
        each. (Over several months at once, the formula compares receivables of the
        whole time with the sales of one month.)"""
        collected = possible = 0.0
        for before, month in zip(series[:-1], series[1:-1], strict=False):
            if month["date"] >= scope.first_day:
                owed = self._get_total(before) + month["sales"]
                collected += owed - self._get_total(month)
                possible += owed - month["not_due"]
        return share(collected, possible)

    @api.model
    def _describe_rolls(self, series, scope):
        """Roll rates of the closed months shown, each month and all together."""
        months = [
            month
            for month in series
            if scope.first_day <= month["date"] == month_end(month["date"])
            and month["date"] < scope.day
        ]
        return {
            "months": [
                {
                    "date": month["date"].isoformat(),
                    **{
                        name: share(month[f"{name}_rolled"], month[f"{name}_base"])
                        for name in ROLLS
                    },
                }
                for month in months
            ],
            "all": {
                name: share(
                    sum(month[f"{name}_rolled"] for month in months),
                    sum(month[f"{name}_base"] for month in months),
                )
                for name in ROLLS
            },
        }


class _Zeros(dict):
    """Amounts by name; what was never added is nothing."""

    def __missing__(self, key):
        return 0.0
