"""One company with 60,000 reminders and 1.3 million events in one campaign: how long
its form and the lists take. ``run(env)`` prints; ``build(env)`` makes the data by
SQL. ``CHASER_SCALE_MONTHS=48`` makes four years of it instead: a campaign of 5,000
reminders a month, five million events."""

import os
import time
from statistics import median

from odoo import fields

CUSTOMERS, EVENTS_EACH, LIMIT = 3_000, 21, 500
MONTHS = int(os.environ.get("CHASER_SCALE_MONTHS", "1"))
REMINDERS = 60_000 if MONTHS == 1 else 5_000 * MONTHS

DATA = """
INSERT INTO chaser_reminder (campaign_id, company_id, partner_id, provider_id, channel,
       template_version_id, purpose, state, token, recipient_email, sent_at,
       attempted_at, message_id, priority, language, create_date)
SELECT (%(campaigns)s)[1 + n %% %(months)s], %(company)s, p.id, %(provider)s, 'email',
       %(version)s, 'reminder', 'sent', 'scale-' || n, p.email,
       now() - interval '30 days' * (1 + n %% %(months)s),
       now() - interval '30 days' * (1 + n %% %(months)s),
       '<scale.' || n || '@pop.example>', n %% 100, 'en',
       now() - interval '30 days' * (1 + n %% %(months)s) - interval '1 day'
  FROM generate_series(1, %(reminders)s) n
  JOIN (SELECT id, email, row_number() OVER (ORDER BY id) AS place FROM res_partner
         WHERE name LIKE 'Scale %%') p ON p.place = 1 + n %% %(customers)s;
INSERT INTO chaser_reminder_line (reminder_id, company_id, move_line_id, move_id,
       number, is_credit, currency_id, amount, amount_residual, amount_company,
       create_date)
SELECT r.id, r.company_id, l.id, l.move_id, 'INV/' || r.id || '/' || k, false,
       l.currency_id, 100, 100, 100, now() - interval '31 days'
  FROM chaser_reminder r CROSS JOIN generate_series(1, 2) k
  JOIN account_move_line l ON l.id = %(line)s
 WHERE r.campaign_id = ANY(%(campaigns)s);
INSERT INTO chaser_event (reminder_id, campaign_id, company_id, partner_id, event_type,
       source, occurred_at, verdict, create_date)
SELECT r.id, r.campaign_id, r.company_id, r.partner_id,
       (ARRAY['sent', 'delivered', 'opened', 'opened', 'opened', 'opened', 'clicked',
              'clicked', 'replied'])[1 + (r.id + k) %% 9], 'pixel',
       r.sent_at + k * interval '1 day',
       (ARRAY['human', 'machine', 'unknown'])[1 + (r.id + k) %% 3],
       r.sent_at + k * interval '1 day'
  FROM generate_series(1, %(each)s) k CROSS JOIN chaser_reminder r
 WHERE r.campaign_id = ANY(%(campaigns)s)
 ORDER BY r.sent_at, k;
"""


def build(env, reminders=REMINDERS, each=EVENTS_EACH, customers=CUSTOMERS):
    """The last of the campaigns with their data; committed."""
    company = env.company
    found = env["chaser.campaign"].search([("name", "=", "Scale 0")], limit=1)
    if found:
        return found
    campaigns = env["chaser.campaign"].create(
        [{"name": f"Scale {month}"} for month in range(MONTHS)]
    )
    provider = env["chaser.provider"].search([], limit=1) or env[
        "chaser.provider"
    ].create({"email": "scale@pop.example", "kind": "smtp", "smtp_host": "127.0.0.1"})
    template = env["chaser.template"].search([], limit=1)
    version = env["chaser.template.version"].create(
        {
            "template_id": template.id,
            "number": 99,
            "content": {"en": {}},
            "checksum": "scale",
        }
    )
    line = env["account.move.line"].search(
        [("account_id.account_type", "=", "asset_receivable")], limit=1
    )
    if not line:
        partner = env["res.partner"].create({"name": "Scale"})
        move = env["account.move"].create(
            {
                "move_type": "out_invoice",
                "partner_id": partner.id,
                "invoice_line_ids": [
                    (0, 0, {"name": "Goods", "price_unit": 100, "tax_ids": []})
                ],
            }
        )
        move.action_post()
        line = move.line_ids.filtered(
            lambda one: one.account_id.account_type == "asset_receivable"
        )
    env["res.partner"].create(
        [
            {"name": f"Scale {n}", "email": f"s{n}@scale.example", "is_company": True}
            for n in range(customers)
        ]
    )
    env.flush_all()
    env.cr.execute(
        DATA,
        {
            "campaigns": campaigns.ids,
            "months": MONTHS,
            "company": company.id,
            "provider": provider.id,
            "version": version.id,
            "line": line.id,
            "reminders": reminders,
            "customers": customers,
            "each": each,
        },
    )
    campaigns.state = "completed"
    env.flush_all()
    env.cr.commit()
    env.invalidate_all()
    # As autovacuum leaves tables that have grown over years.
    env.cr.execute("ANALYZE chaser_event, chaser_reminder, chaser_reminder_line")
    env.cr.commit()
    return campaigns[:1]


def _fields(env, model, kind):
    """What the web client asks for in a view."""
    view = env[model].get_views([(False, kind)])
    names = set(view["models"][model]["fields"])
    arch = view["views"][kind]["arch"]
    return {name: {} for name in names if f'name="{name}"' in arch}


def measure(env, rounds=5):
    """Name → milliseconds (median of rounds, everything read anew), for a user: the
    rules of companies say which index is of use."""
    campaign, now = build(env), fields.Datetime.now()
    user = env.ref("base.user_admin")
    env = env(user=user.id, context={"allowed_company_ids": user.company_id.ids})
    times = {}
    wanted = {
        "campaign form": ("chaser.campaign", "form", [("id", "=", campaign.id)]),
        "campaign list": ("chaser.campaign", "list", []),
        "template list": ("chaser.template", "list", []),
        "events of a month": (
            "chaser.event",
            "list",
            [
                ("occurred_at", ">=", fields.Datetime.subtract(now, days=28)),
                ("occurred_at", "<", now),
            ],
        ),
        "events of a customer": (
            "chaser.event",
            "list",
            [("partner_id", "=", campaign.sudo().reminder_ids[:1].partner_id.id)],
        ),
        "template form": (
            "chaser.template",
            "form",
            [("version_ids.number", "=", 99)],
        ),
    }
    for name, (model, kind, domain) in wanted.items():
        spec = _fields(env, model, kind)
        taken = []
        for _round in range(rounds):
            env.invalidate_all()
            began = time.perf_counter()
            env[model].web_search_read(domain, spec, limit=80)
            taken.append(1000 * (time.perf_counter() - began))
        times[name] = median(taken)
    return times


def run(env, quick=False):
    small = 50 if os.environ.get("CHASER_BENCH_SMOKE") else 10 if quick else 1
    build(env, REMINDERS // small)
    env.cr.execute(
        "SELECT (SELECT count(*) FROM chaser_reminder), count(*) FROM chaser_event"
    )
    reminders, events = env.cr.fetchone()
    before = measure(env, 1)
    began = time.perf_counter()
    env["chaser.event.kept"]._keep()
    env.cr.commit()
    kept = time.perf_counter() - began
    print(f"## Scale\n\n{reminders:,} reminders, {events:,} events\n")
    print("| read | nothing kept | kept | limit |\n|---|---|---|---|")
    for name, taken in measure(env).items():
        met = "met" if taken < LIMIT else "NOT MET"
        print(
            f"| {name} | {before[name]:.0f} ms | {taken:.0f} ms | {LIMIT} ms: {met} |"
        )
    print(f"\n* keeping all of it took {kept:.1f} s")
    env["chaser.retention.rule"].create({"kind": "events", "days": 1})
    began = time.perf_counter()
    env["chaser.retention.rule"]._gc_by_rules()
    env.cr.commit()
    print(f"* a night of the retention took {time.perf_counter() - began:.1f} s\n")
