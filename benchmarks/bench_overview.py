"""The overview of 10,000 customers with 33,333 open items, 200,000 paid ones, a year
of 60,000 reminders and 300,000 events; the reports over three months, the list of a
month's events."""

import bench_data
from bench_worklist import CUSTOMERS, REMINDERS_EACH, add_customers, timed
from figures import Row, judge, median, p90, print_table, require, scaled

from odoo import api, fields

PAID = scaled(200_000)
EVENTS = scaled(300_000)


def add_history(env, company):
    """Invoices of two years with a payment each, copied from one that Odoo matched; and
    events of the year's reminders. Only for this transaction."""
    line = env["account.move.line"].search(
        [
            ("company_id", "=", company.id),
            ("account_id.account_type", "=", "asset_receivable"),
            ("parent_state", "=", "posted"),
            ("reconciled", "=", False),
            ("balance", ">", 0),
        ],
        limit=1,
    )
    env["account.payment.register"].with_context(
        active_model="account.move", active_ids=line.move_id.ids
    ).create({})._create_payments()
    env.flush_all()
    [partial] = line.matched_credit_ids
    debit, credit = partial.debit_move_id, partial.credit_move_id
    day = f"(DATE '{fields.Date.today()}' - 1 - (n * 700 / {PAID}))"
    who = f"(SELECT id FROM bench_people WHERE place = n % {CUSTOMERS})"
    first = {}
    for kind, source, shift in (("debit", debit, 40), ("credit", credit, 0)):
        first[kind] = bench_data.copy_rows(
            env.cr,
            "account_move_line",
            source.id,
            PAID,
            partner_id=who,
            date=f"{day} - {shift}",
            date_maturity=f"{day} - {shift} + 30",
        )
    bench_data.copy_rows(
        env.cr,
        "account_partial_reconcile",
        partial.id,
        PAID,
        debit_move_id=f"{first['debit']} + n",
        credit_move_id=f"{first['credit']} + n",
        max_date=day,
    )
    env.cr.execute("SELECT min(id), count(*) FROM chaser_reminder WHERE state = 'sent'")
    reminder_id, number = env.cr.fetchone()
    require(number >= CUSTOMERS * REMINDERS_EACH, f"{number} reminders")
    env.cr.execute(
        """CREATE TEMPORARY TABLE bench_sent ON COMMIT DROP AS
        SELECT row_number() OVER (ORDER BY id) - 1 AS place, id, partner_id, sent_at
          FROM chaser_reminder WHERE state = 'sent';
        CREATE INDEX ON bench_sent (place); ANALYZE bench_sent"""
    )
    [event] = (
        env["chaser.event"]
        .sudo()
        .create(
            [
                {
                    "reminder_id": reminder_id,
                    "company_id": company.id,
                    "event_type": "opened",
                    "source": "pixel",
                    "verdict": "human",
                }
            ]
        )
    )
    env.flush_all()
    mine = f"FROM bench_sent WHERE place = n % {number})"
    bench_data.copy_rows(
        env.cr,
        "chaser_event",
        event.id,
        EVENTS,
        reminder_id=f"(SELECT id {mine}",
        partner_id=f"(SELECT partner_id {mine}",
        occurred_at=f"(SELECT sent_at + n % 50 * interval '1 hour' {mine}",
        event_type="(ARRAY['opened', 'opened', 'clicked', 'replied', 'delivered'])"
        "[1 + n / 7 % 5]",
        verdict="(ARRAY['human', 'machine', 'unknown'])[1 + n / 3 % 3]",
    )
    for table in (
        "account_move_line",
        "account_partial_reconcile",
        "chaser_event",
        "chaser_reminder",
    ):
        env.cr.execute(f"ANALYZE {table}")
    env.invalidate_all()


def row(name, measured, must=None, aim=None):
    seconds, queries, _result = measured
    middle = median(seconds)
    return Row(
        name,
        f"{middle * 1000:.0f} ms",
        f"{p90(seconds) * 1000:.0f} ms",
        str(queries),
        "",
        judge(f"< {must:g} ms", middle * 1000 < must) if must else "",
        judge(f"< {aim:g} ms", middle * 1000 < aim) if aim else "",
    )


def run(env, quick):
    runs = 2 if quick else 7
    uid = env["res.users"].search([("login", "=", "accountant")]).id
    with env.registry.cursor() as cr:
        boss = api.Environment(cr, api.SUPERUSER_ID, {})
        company = boss["res.users"].browse(uid).company_id
        boss = boss(context={"allowed_company_ids": company.ids})
        add_customers(boss, company)
        add_history(boss, company)
        own = api.Environment(cr, uid, {"allowed_company_ids": company.ids})
        rows = measure(boss, own, company, runs)
        cr.rollback()
    print_table(
        f"overview: {CUSTOMERS:,} customers, {PAID:,} paid items, "
        f"{CUSTOMERS * REMINDERS_EACH:,} reminders, {EVENTS:,} events",
        rows,
    )


def measure(boss, own, company, runs):
    Overview, Month = own["chaser.overview"], boss["chaser.receivable.month"]

    def read(**filters):
        return timed(own, lambda: Overview.read_overview(filters), runs)

    added = read()
    kept = timed(boss, lambda: Month._keep(company), 0)
    require(kept[2] > 0 or not runs, "nothing was kept")
    boss.cr.execute("ANALYZE chaser_receivable_month")
    page = read()
    require(page[2]["receivables"]["now"]["overdue"] > 0, "nothing is overdue")
    require(page[2]["reminders"]["sent"] > 0, "no reminder is counted")
    quarter = ("sent_at", ">=", "today -3m")
    month = ("occurred_at", ">=", "today -1m")
    Reminders, Events = own["chaser.reminder.report"], own["chaser.event.report"]
    return [
        row("the overview, closed months kept", page, 500, 100),
        row("  three months", read(period=3)),
        row("  two years", read(period=24)),
        row("  before anything is kept", added),
        row(
            "analysis of reminders over three months, by level",
            timed(
                own,
                lambda: Reminders.formatted_read_group(
                    [quarter], ["level_id"], ["message_count:sum"]
                ),
                runs,
            ),
            200,
            50,
        ),
        row(
            "  with what was paid after them",
            timed(
                own,
                lambda: Reminders.formatted_read_group(
                    [quarter], ["level_id"], ["amount_collected:sum"]
                ),
                runs,
            ),
            200,
            50,
        ),
        row(
            "analysis of events over three months, by week and kind",
            timed(
                own,
                lambda: Events.formatted_read_group(
                    [("occurred_at", ">=", "today -3m")],
                    ["occurred_at:week", "event_type"],
                    ["__count"],
                ),
                runs,
            ),
            200,
            50,
        ),
        row(
            "the list of a month's events, first page",
            timed(
                own,
                lambda: own["chaser.event"].web_search_read(
                    [month],
                    {"occurred_at": {}, "event_type": {}, "verdict": {}},
                    limit=80,
                ),
                runs,
            ),
            300,
            50,
        ),
        row(
            "receivables by month and customer, as a pivot",
            timed(
                own,
                lambda: own["chaser.receivable.report"].formatted_read_group(
                    [("date", ">=", "today -12m")],
                    ["date:month"],
                    ["amount_open:sum", "amount_overdue:sum"],
                ),
                runs,
            ),
        ),
    ]
