from odoo import api, models
from odoo.tools import SQL

from ...core.overview.effect import wilson
from ...core.overview.receivables import share
from ..planning.open_items import is_money

# So many days after a reminder a payment counts for it.
WINDOWS = (7, 14, 30)
# Numbers of customers who paid are told for this one.
MAIN_WINDOW = 14
EVENTS = ("opened", "clicked", "replied", "bounced")


class ChaserOverviewReminders(models.AbstractModel):
    """What happened after reminders. A payment counts for the last reminder before it
    that names the item, money only, on one of the days after the reminder's (what is
    paid on the day itself may have been on its way already). That is an association:
    who would have paid anyway is in it, too."""

    _name = "chaser.overview.reminders"
    _description = "Figures on Reminders"

    @api.model
    def _flush(self):
        for model in ("chaser.reminder", "chaser.reminder.line", "chaser.event"):
            self.env[model].flush_model()

    # -- collected after reminders

    @api.model
    def _read_collected(self, scope):
        """Reminders of the period by company, level, language and channel: how many,
        about how much, and what was paid after them. One query."""
        self._flush()
        return self.env.execute_query_dict(
            SQL(
                """WITH company(id, today) AS (VALUES %(days)s),
                s AS MATERIALIZED (%(sent)s), p AS MATERIALIZED (%(paid)s),
                hit AS (
                    SELECT DISTINCT ON (p.id) s.id AS reminder_id, p.amount,
                           p.day - s.day AS days
                      FROM p JOIN chaser_reminder_line l
                        ON l.move_line_id = p.line_id
                      JOIN s ON s.id = l.reminder_id AND s.day < p.day
                     WHERE l.is_credit IS NOT TRUE AND l.dropped_code IS NULL
                     ORDER BY p.id, s.day DESC, s.id DESC),
                paid AS (SELECT reminder_id, %(sums)s FROM hit
                          WHERE days <= %(longest)s GROUP BY 1),
                asked AS (
                    SELECT s.id, coalesce(sum(l.amount_company), 0) AS amount,
                           count(DISTINCT l.move_id) AS moves
                      FROM s LEFT JOIN chaser_reminder_line l ON l.reminder_id = s.id
                       AND l.is_credit IS NOT TRUE AND l.dropped_code IS NULL
                     GROUP BY 1)
                SELECT s.company_id, s.level_id, s.language, s.channel,
                       count(*) AS sent_count, sum(asked.moves)::int AS move_count,
                       sum(asked.amount)::float8 AS asked, %(figures)s
                  FROM s JOIN asked ON asked.id = s.id
                  LEFT JOIN paid ON paid.reminder_id = s.id
                 GROUP BY 1, 2, 3, 4""",
                days=self.env["chaser.receivables"]._get_days_sql(scope),
                sent=self._get_sent_sql(scope),
                paid=self._get_paid_sql(scope),
                sums=self._each("sum(amount) FILTER (WHERE days <= {n}) AS paid_{n}"),
                longest=WINDOWS[-1],
                # Only reminders whose days are over can be said to have been followed
                # by a payment within them, or not.
                figures=self._each(
                    "coalesce(sum(paid.paid_{n}), 0)::float8 AS collected_{n}, "
                    "count(*) FILTER (WHERE s.age >= {n}) AS ripe_{n}_count, "
                    "count(paid.paid_{n}) FILTER (WHERE s.age >= {n}) AS "
                    "hit_{n}_count, coalesce(sum(asked.amount) FILTER (WHERE s.age >= "
                    "{n}), 0)::float8 AS ripe_asked_{n}, coalesce(sum(paid.paid_{n}) "
                    "FILTER (WHERE s.age >= {n}), 0)::float8 AS ripe_collected_{n}"
                ),
            )
        )

    @api.model
    def _each(self, text):
        """A piece of SQL once per window; ``{n}``: its days."""
        return SQL(", ").join(SQL(text.replace("{n}", str(days))) for days in WINDOWS)

    @api.model
    def _get_sent_sql(self, scope):
        """The reminders sent in the period, with their day in the company's time zone
        and how long that is ago."""
        return SQL(
            """SELECT r.id, r.company_id, r.level_id, r.language,
                      %(channel)s AS channel, sent.day, c.today - sent.day AS age
                 FROM chaser_reminder r JOIN company c ON c.id = r.company_id
                CROSS JOIN LATERAL (SELECT (r.sent_at AT TIME ZONE 'UTC'
                      AT TIME ZONE %(tz)s)::date AS day) sent
                WHERE r.purpose = 'reminder' AND r.state = 'sent'
                  AND r.sent_at >= %(start)s AND %(customer)s""",
            channel=self._channel,
            tz=scope.tz,
            start=scope.start,
            customer=self.env["chaser.receivables"]._get_customer_sql(
                scope, SQL("r.partner_id")
            ),
        )

    @api.model
    def _get_paid_sql(self, scope):
        """Money matched with items in the period: the item, the day, how much."""
        return SQL(
            """SELECT r.id, r.debit_move_id AS line_id, r.max_date AS day, r.amount
                 FROM account_partial_reconcile r
                 JOIN account_move_line o ON o.id = r.credit_move_id
                 JOIN account_move om ON om.id = o.move_id
                WHERE r.max_date > %(first)s AND o.company_id = ANY(%(companies)s)
                  AND %(money)s""",
            first=scope.first_day,
            companies=scope.company_ids,
            money=is_money(),
        )

    @api.model
    def _get_day_sql(self, moment):
        """The day of a moment (naive UTC) in the time zone of the user's company."""
        return SQL(
            "(%s AT TIME ZONE 'UTC' AT TIME ZONE %s)::date",
            moment,
            self.env.company._get_chaser_tz(),
        )

    # Of reminder ``r``.
    _channel = SQL("coalesce(r.channel, 'email')")

    @api.model
    def _get_collected(self, rows, rates, levels):
        """For the page: all together, and by level, language and channel.

        :param levels: level id → its name
        """
        by = {
            kind: self._group(rows, kind, rates)
            for kind in ("level_id", "language", "channel")
        }
        total = self._add_up(rows, rates)
        return {
            **self._describe(total),
            "sent": total["sent_count"],
            "saved": max(total["move_count"] - total["sent_count"], 0),
            "moves": total["move_count"],
            "by_level": [
                {"id": key or False, "name": levels.get(key), **self._describe(row)}
                for key, row in sorted(
                    by["level_id"].items(),
                    key=lambda pair: list(levels).index(pair[0])
                    if pair[0] in levels
                    else len(levels),
                )
            ],
            "by_language": [
                {"key": key, **self._describe(row)}
                for key, row in sorted(by["language"].items(), key=str)
            ],
            "by_channel": [
                {
                    "key": key,
                    "name": self.env["chaser.channel"]._get_name(key),
                    **self._describe(row),
                }
                for key, row in sorted(by["channel"].items(), key=str)
            ],
        }

    @api.model
    def _get_hours_saved(self, rows, minutes):
        """What the messages would have taken by hand, one per invoice.

        :param minutes: company id → minutes that one message takes by hand
        """
        return sum(
            max(row["move_count"], row["sent_count"]) * minutes[row["company_id"]] / 60
            for row in rows
        )

    @api.model
    def _group(self, rows, kind, rates):
        groups = {}
        for row in rows:
            groups.setdefault(row[kind], []).append(row)
        return {key: self._add_up(own, rates) for key, own in groups.items()}

    @api.model
    def _add_up(self, rows, rates):
        """Numbers of all companies; amounts of those with a rate."""
        names = ["sent_count", "move_count", "asked"]
        for days in WINDOWS:
            names += (
                f"collected_{days}",
                f"ripe_{days}_count",
                f"hit_{days}_count",
                f"ripe_asked_{days}",
                f"ripe_collected_{days}",
            )
        total = dict.fromkeys(names, 0)
        for row in rows:
            for name in names:
                factor = 1 if name.endswith("_count") else rates[row["company_id"]]
                total[name] += row[name] * (factor or 0)
        return total

    @api.model
    def _describe(self, total):
        hits = total[f"hit_{MAIN_WINDOW}_count"]
        ripe = total[f"ripe_{MAIN_WINDOW}_count"]
        interval = wilson(hits, ripe)
        return {
            "sent": total["sent_count"],
            "asked": total["asked"],
            "windows": [
                {
                    "days": days,
                    "collected": total[f"collected_{days}"],
                    "share": share(
                        total[f"ripe_collected_{days}"], total[f"ripe_asked_{days}"]
                    ),
                }
                for days in WINDOWS
            ],
            "ripe": ripe,
            "hits": hits,
            "hit_share": share(hits, ripe),
            "hit_low": interval and interval[0],
            "hit_high": interval and interval[1],
        }

    # -- opens, clicks, answers and bounces

    @api.model
    def _read_events(self, scope):
        """Per week (month in a long period): reminders sent, and how many of all were
        opened, clicked, answered or bounced in it; by people and by machines. One
        query."""
        customer = self.env["chaser.receivables"]._get_customer_sql(
            scope, SQL("partner_id")
        )
        return self.env.execute_query_dict(
            SQL(
                """SELECT day, kind, is_machine, count(*) AS number FROM (
                    SELECT DISTINCT date_trunc(%(step)s, occurred_at AT TIME ZONE 'UTC'
                           AT TIME ZONE %(tz)s)::date AS day, event_type AS kind,
                           event_type IN ('opened', 'clicked')
                           AND verdict = 'machine' AS is_machine, reminder_id
                      FROM chaser_event
                     WHERE company_id = ANY(%(companies)s) AND occurred_at >= %(start)s
                       AND event_type IN %(events)s AND %(customer)s) hits
                 GROUP BY 1, 2, 3
                 UNION ALL
                SELECT date_trunc(%(step)s, sent_at AT TIME ZONE 'UTC'
                       AT TIME ZONE %(tz)s)::date, 'sent', false, count(*)
                  FROM chaser_reminder
                 WHERE company_id = ANY(%(companies)s) AND purpose = 'reminder'
                   AND state = 'sent' AND sent_at >= %(start)s AND %(customer)s
                 GROUP BY 1""",
                step="week" if scope.months <= 6 else "month",
                tz=scope.tz,
                companies=scope.company_ids,
                start=scope.start,
                events=EVENTS,
                customer=customer,
            )
        )

    @api.model
    def _get_events(self, rows):
        series, machines = {}, dict.fromkeys(("opened", "clicked"), 0)
        for row in rows:
            if row["is_machine"]:
                machines[row["kind"]] += row["number"]
                continue
            own = series.setdefault(row["day"], dict.fromkeys(("sent", *EVENTS), 0))
            own[row["kind"]] += row["number"]
        return {
            "series": [
                {"date": day.isoformat(), **series[day]} for day in sorted(series)
            ],
            "machines": machines,
        }
