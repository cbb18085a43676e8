from odoo import api, models
from odoo.tools import SQL

from ...core.overview.receivables import go_back
from .chaser_receivables import BUCKET_FIELDS

_MONTHS = 12


class ChaserOverviewCustomer(models.AbstractModel):
    """What the form of a customer shows: how old their debt is, how late they pay, and
    what they react to. Of the current company."""

    _name = "chaser.overview.customer"
    _description = "Figures of a Customer"

    @api.model
    @api.readonly
    def read_customer(self, partner_id):
        """Plain values; amounts in the company's currency.

        :raises AccessError: for who may not read the customer, or is not in the
            addon's groups
        """
        self.env["chaser.overview"]._check_rights()
        partner = self.env["res.partner"].browse(partner_id).exists()
        partner.check_access("read")
        partner = partner.commercial_partner_id
        company = self.env.company
        rows = self._read_months(company, partner)
        paid = sum(row["paid"] for row in rows)
        today = rows[-1] if rows else dict.fromkeys(BUCKET_FIELDS, 0.0)
        return {
            "currency_id": company.currency_id.id,
            "buckets": {name: today[name] for name in BUCKET_FIELDS},
            "months": [
                {
                    "date": row["date"].isoformat(),
                    "open": sum(row[name] for name in BUCKET_FIELDS),
                    "paid": row["paid"],
                }
                for row in rows
            ],
            "paid": paid,
            "paid_late_by": sum(row["paid_days"] for row in rows) / paid
            if paid
            else None,
            "promises": self._read_promises(company, partner),
            "habits": self._read_habits(company, partner),
        }

    @api.model
    def _read_months(self, company, partner):
        """The last twelve months, the running one as it is today."""
        Overview = self.env["chaser.overview"]
        scope = Overview._make_scope({"period": _MONTHS, "company": company.id})
        Receivables = self.env["chaser.receivables"]
        Month = self.env["chaser.receivable.month"].sudo()
        names = (*BUCKET_FIELDS, "paid", "paid_days")
        ends = Overview._get_ends(scope)
        Receivables._flush()
        return self.env.execute_query_dict(
            SQL(
                """SELECT date, %(sums)s FROM (%(kept)s UNION ALL %(now)s) months
                    WHERE partner_id IN (SELECT id FROM res_partner
                          WHERE commercial_partner_id = %(partner)s)
                      AND company_id = %(company)s GROUP BY 1 ORDER BY 1""",
                sums=Receivables._sum(names),
                kept=Month._get_rows_sql(
                    [company.id], ends, Month._read_kept([company.id], ends), names
                ),
                now=Receivables._get_now_rows_sql(scope, names),
                partner=partner.id,
                company=company.id,
            )
        )

    @api.model
    def _read_promises(self, company, partner):
        states = dict(
            self.env["chaser.promise"]._read_group(
                [
                    ("company_id", "=", company.id),
                    ("partner_id", "=", partner.id),
                    ("state", "in", ("kept", "partly", "broken")),
                ],
                ["state"],
                ["__count"],
            )
        )
        return {"kept": states.get("kept", 0), "total": sum(states.values())}

    @api.model
    def _read_habits(self, company, partner):
        """Reminders of the last year by weekday of sending (the company's time zone),
        channel and language: how many, and how many were opened, clicked or answered
        by a person."""
        Reminders = self.env["chaser.overview.reminders"]
        Reminders._flush()
        day = Reminders._get_day_sql(SQL("r.sent_at"))
        rows = self.env.execute_query(
            SQL(
                """SELECT kind, key, count(*), count(*) FILTER (WHERE reacted) FROM (
                    SELECT extract(isodow FROM %(day)s)::int::text AS weekday,
                           r.language, %(channel)s AS channel, EXISTS (
                           SELECT 1 FROM chaser_event e WHERE e.reminder_id = r.id
                           AND (e.event_type = 'replied' OR e.event_type IN ('opened',
                           'clicked') AND e.verdict IS DISTINCT FROM 'machine'))
                           AS reacted
                      FROM chaser_reminder r
                     WHERE r.company_id = %(company)s AND r.partner_id = %(partner)s
                       AND r.purpose = 'reminder' AND r.state = 'sent'
                       AND %(day)s >= %(since)s) sent
                CROSS JOIN LATERAL (VALUES ('weekday', weekday), ('language', language),
                      ('channel', channel)) AS kinds(kind, key)
                GROUP BY 1, 2 ORDER BY 1, 2""",
                day=day,
                channel=Reminders._channel,
                company=company.id,
                partner=partner.id,
                since=go_back(company._get_chaser_today(), _MONTHS),
            )
        )
        habits = {"weekday": [], "language": [], "channel": []}
        for kind, key, number, reacted in rows:
            habits[kind].append({"key": key, "number": number, "reacted": reacted})
        for row in habits["channel"]:
            row["name"] = self.env["chaser.channel"]._get_name(row["key"])
        return habits
