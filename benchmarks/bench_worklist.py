"""The worklist of 10,000 customers with a year of reminders: the list's first page, its
count and groups, the priority pass."""

import time

import bench_data
from bench_books import choose_invoices
from figures import Row, judge, median, p90, print_table, require, scaled

from odoo import api

CUSTOMERS, REMINDERS_EACH = scaled(10_000), 6
# Section 13 has no goal for the worklist itself; the dashboard with 10,000 customers
# must open in half a second.
MUST, AIM = 0.5, 0.1
PAGE = 80
LIST = (
    "priority",
    "partner_id",
    "amount_due",
    "currency_id",
    "item_count",
    "days_overdue",
    "next_step",
    "last_contact_at",
    "promise_total",
    "promises_display",
    "answered_display",
    "is_held",
    "is_under_way",
)


def add_customers(env, company):
    """So many more customers and invoices that there are 10,000, each with reminders of
    the last year; only for this transaction."""
    more = CUSTOMERS - bench_data.CUSTOMERS
    user = env["res.users"].search([("login", "=", "accountant")])
    model, first = bench_data.make_customers(env, more)
    bench_data.make_invoices(env, company, user, model, first, more * 10 // 3, "MORE")
    campaign = env["chaser.campaign"].create_for_invoices(choose_invoices(env, 1))
    [reminder] = campaign.reminder_ids
    env.flush_all()
    env.cr.execute(
        "UPDATE chaser_reminder SET state = 'sent', sent_at = now() AT TIME ZONE "
        "'UTC' - interval '20 days' WHERE id = %s",
        [reminder.id],
    )
    env.cr.execute(
        """CREATE TEMPORARY TABLE bench_people ON COMMIT DROP AS
        SELECT row_number() OVER (ORDER BY commercial_partner_id) - 1 AS place,
                  commercial_partner_id AS id FROM account_move
                  WHERE move_type = 'out_invoice' AND state = 'posted' GROUP BY 2"""
    )
    bench_data.copy_rows(
        env.cr,
        "chaser_reminder",
        reminder.id,
        CUSTOMERS * REMINDERS_EACH,
        token="md5('t' || n)",
        pixel_token="md5('o' || n)",
        stop_token="md5('u' || n)",
        reply_token="md5('r' || n)",
        page_token="md5('p' || n)",
        message_id="'m' || n",
        partner_id=f"(SELECT id FROM bench_people WHERE place = n % {CUSTOMERS})",
        sent_at=f"now() AT TIME ZONE 'UTC' - (20 + 50 * (n / {CUSTOMERS})) * interval "
        "'1 day'",
    )
    for table in (
        "chaser_reminder",
        "account_move",
        "account_move_line",
        "res_partner",
    ):
        env.cr.execute(f"ANALYZE {table}")
    env.invalidate_all()


def timed(env, call, runs):
    seconds, queries = [], 0
    for number in range(runs + 1):
        env.invalidate_all()
        before, start = env.cr.sql_log_count, time.perf_counter()
        result = call()
        if number:
            seconds.append(time.perf_counter() - start)
        queries = env.cr.sql_log_count - before
    return seconds, queries, result


def row(name, measured, judged=True):
    seconds, queries, _result = measured
    middle = median(seconds)
    return Row(
        name,
        f"{middle * 1000:.0f} ms",
        f"{p90(seconds) * 1000:.0f} ms",
        str(queries),
        "",
        judge(f"< {MUST * 1000:g} ms", middle < MUST) if judged else "",
        judge(f"< {AIM * 1000:g} ms", middle < AIM) if judged else "",
    )


def run(env, quick):
    runs, uid = (
        2 if quick else 7,
        env["res.users"].search([("login", "=", "accountant")]).id,
    )
    with env.registry.cursor() as cr:
        boss = api.Environment(cr, api.SUPERUSER_ID, {})
        company = boss["res.users"].browse(uid).company_id
        add_customers(boss(context={"allowed_company_ids": company.ids}), company)
        own = api.Environment(cr, uid, {"allowed_company_ids": company.ids})
        Worklist = own["chaser.worklist"]
        todo = [
            ("is_held", "=", False),
            ("is_under_way", "=", False),
            ("is_due", "=", True),
        ]
        spec = {
            name: {"fields": {"display_name": {}}} if name.endswith("_id") else {}
            for name in LIST
        }
        plain = {name: value for name, value in spec.items() if name != "next_step"}
        found = timed(own, lambda: Worklist.search_count([]), runs)
        require(found[2] >= CUSTOMERS, f"{found[2]} customers")
        rows = [
            row(
                "the list's first page, as the browser asks for it",
                timed(
                    own, lambda: Worklist.web_search_read(todo, spec, limit=PAGE), runs
                ),
            ),
            row(
                "  without the column Next Step",
                timed(
                    own, lambda: Worklist.web_search_read(todo, plain, limit=PAGE), runs
                ),
                False,
            ),
            row(
                "grouped by salesperson",
                timed(
                    own,
                    lambda: Worklist.web_read_group(
                        todo, ["user_id"], ["__count", "amount_due:sum"]
                    ),
                    runs,
                ),
                False,
            ),
            row("how many", found, False),
            row(
                "priority of all, one pass",
                timed(
                    own,
                    lambda: len(
                        Worklist.sudo()._read_rows(company, range(10**7, 10**7))
                    ),
                    runs,
                ),
                False,
            ),
            row(
                "the next customer (button)",
                timed(own, lambda: Worklist.search(todo, limit=1).action_next(), runs),
                False,
            ),
        ]
        cr.rollback()
    print_table(
        f"worklist: {found[2]:,} customers, {REMINDERS_EACH} reminders each in "
        "the last year",
        rows,
    )
