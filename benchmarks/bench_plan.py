"""The planner: who gets what today, and in the next 60 days. Reading the books and
calculating are measured apart."""

import copy
import time
from datetime import timedelta

from bench_books import rolled_back
from bench_data import CUSTOMERS, INVOICES
from figures import Row, judge, median, p90, print_table, require

from odoo.addons.invoice_chaser.core.plan.planner import plan_day

# Goals of section 13 and issue 5: seconds beyond reading for 1,000 customers; all
# 10,000 planned, reading included.
ELIGIBILITY_MUST, ELIGIBILITY_AIM, ALL_MUST = 0.1, 0.02, 3.0


def timed(call, runs):
    """Seconds of each run; the first one warms up and does not count."""
    seconds = []
    for number in range(runs + 1):
        start = time.perf_counter()
        result = call()
        if number:
            seconds.append(time.perf_counter() - start)
    return seconds, result


def row(name, seconds, queries="", must=None, aim=None):
    middle = median(seconds)
    return Row(
        name,
        f"{middle * 1000:.1f} ms",
        f"{p90(seconds) * 1000:.1f} ms",
        str(queries),
        "",
        judge(f"< {must * 1000:g} ms", middle < must) if must else "",
        judge(f"< {aim * 1000:g} ms", middle < aim) if aim else "",
    )


def plan_open(env, limit=None):
    env.invalidate_all()
    before = env.cr.sql_log_count
    plan = env["chaser.planner"]._plan_open(env.company, automatic=False, limit=limit)
    return plan, env.cr.sql_log_count - before


def run(env, quick):
    runs, rows = 2 if quick else 7, []
    with rolled_back(env) as own:
        company = own.company
        settings = own["chaser.planner"]._get_plan_settings(company)
        seconds, (plan, queries) = timed(lambda: plan_open(own, 1000), runs)
        rows.append(row("1,000 customers: read and planned", seconds, queries))
        seconds, _result = timed(
            lambda: plan_day(plan.customers, plan.today, settings), runs
        )
        rows.append(
            row(
                "1,000 customers: eligibility and level, beyond reading",
                seconds,
                0,
                ELIGIBILITY_MUST,
                ELIGIBILITY_AIM,
            )
        )
        seconds, (plan, queries) = timed(lambda: plan_open(own), 1 if quick else 3)
        rows.append(
            row(
                f"{CUSTOMERS:,} customers, {INVOICES:,} items: read and planned",
                seconds,
                queries,
                ALL_MUST * CUSTOMERS / 10_000,
            )
        )
        require(plan.customers, "no customer was planned")
        seconds, (_plan, simulation) = timed(
            lambda: own["chaser.simulator"]._simulate(company, 60), 1 if quick else 2
        )
        require(simulation.departures, "the simulator sends nothing")
        rows.append(
            row(
                f"simulator: {CUSTOMERS:,} customers, 60 days, "
                f"{len(simulation.departures):,} messages",
                seconds,
            )
        )
    rows.append(
        row(
            "10,000 customers, facts ready: one day",
            *measure_pure(plan, settings, runs),
        )
    )
    print_table(
        "plan: the daily run's planner and the simulator, nothing written",
        rows,
        [
            "beyond reading: plain objects in, messages out; the customers of the "
            "books, and for 10,000 some of them twice"
        ],
    )


def measure_pure(plan, settings, runs):
    customers = [copy.copy(customer) for customer in (plan.customers * 2)[:10_000]]
    day = plan.today + timedelta(days=1)
    seconds, _result = timed(lambda: plan_day(customers, day, settings), runs)
    return seconds, 0, ALL_MUST
