"""From the selection to queued: our campaign beside Odoo's own mail template, one mail
per invoice into its queue."""

import time

from bench_books import choose_invoices, rolled_back
from figures import Row, judge, median, p90, print_table, require, scaled, times

# Goals of section 13: invoices → (must, aim) in seconds.
SMALL, LARGE = scaled(400), scaled(20_000)
GOALS = {SMALL: (2.0, 0.3), LARGE: (20.0, 5.0)}
PEER_BODY = """<p>Dear <t t-out="object.partner_id.name"/>,</p><p>invoice <t t-out="object.name"/> over
<t t-out="format_amount(object.amount_residual, object.currency_id)"/> was due on <t t-out="format_date(object.invoice_date_due)"/>.</p>"""  # noqa: E501


def make_campaign(env, ids):
    campaign = env["chaser.campaign"].create_for_invoices(ids)
    campaign.action_send()
    return campaign.state == "sending"


def queue_mails(env, ids):
    template = (
        env["mail.template"]
        .sudo()
        .create(
            {
                "name": "Bench",
                "model_id": env["ir.model"]._get_id("account.move"),
                "subject": "Reminder: {{ object.name }}",
                "email_from": "accounts@pop-trading.example",
                "email_to": "{{ object.partner_id.email }}",
                "body_html": PEER_BODY,
            }
        )
        .with_env(env)
    )
    return template.send_mail_batch(ids, force_send=False)


def measure(env, call, ids, runs):
    """Seconds of each run, and the queries of the last. The first run warms the caches
    and does not count."""
    seconds = []
    for number in range(runs + 1):
        with rolled_back(env) as own:
            before, start = own.cr.sql_log_count, time.perf_counter()
            made = call(own, ids)
            own.flush_all()
            if number:
                seconds.append(time.perf_counter() - start)
            queries = own.cr.sql_log_count - before
            require(made, "nothing was made")
    return seconds, queries


def run(env, quick):
    rows = []
    peer_ids = choose_invoices(env, SMALL)
    peer, peer_queries = measure(env, queue_mails, peer_ids, 1 if quick else 3)
    for count, (must, aim) in GOALS.items():
        runs = (3 if quick else 11) if count == SMALL else (1 if quick else 5)
        seconds, queries = measure(
            env, make_campaign, choose_invoices(env, count), runs
        )
        middle, peer_middle = median(seconds), median(peer) * count / len(peer_ids)
        rows.append(
            Row(
                f"campaign of {count:,} invoices",
                f"{middle:.3f} s",
                f"{p90(seconds):.3f} s",
                f"{queries:,}",
                f"{times(peer_middle, middle)} x faster",
                judge(f"< {must:g} s", middle < must),
                judge(f"< {aim:g} s", middle < aim),
            )
        )
    rows.append(
        Row(
            f"Odoo's mail template, {SMALL} invoices",
            f"{median(peer):.3f} s",
            f"{p90(peer):.3f} s",
            f"{peer_queries:,}",
        )
    )
    print_table(
        "campaign: from selection to queued, as the accountant, rolled back",
        rows,
        [
            "peer: mail.template.send_mail_batch(force_send=False), one queued mail "
            "per invoice; taken as linear for the many"
        ],
    )
