"""Sent messages whose pixels and links are hit, of ours and of ``mass_mailing``; writes
their addresses as JSON."""

import json
from datetime import timedelta
from pathlib import Path

from bench_books import queue_campaign
from bench_data import copy_rows
from figures import SMOKE, scaled

from odoo import fields

# So many messages, each opened once or a few times, because the first open is the
# expensive one.
POOL = scaled(4000)


def make_reminders(env):
    """Sent an hour ago, so that no hit is judged too soon."""
    _campaign, [reminder_id, *_others] = queue_campaign(env, 2)
    reminder = env["chaser.reminder"].browse(reminder_id)
    reminder.write(
        {
            "state": "sent",
            "sent_at": fields.Datetime.now() - timedelta(hours=1),
            "link_targets": [
                "https://pop-trading.example/my/invoices/1?access_token=x"
            ],
        }
    )
    env.flush_all()
    first = copy_rows(
        env.cr,
        "chaser_reminder",
        reminder_id,
        POOL,
        token="md5('t' || n)",
        pixel_token="md5('o' || n)",
        stop_token="md5('u' || n)",
        reply_token="md5('r' || n)",
        page_token="md5('p' || n)",
        message_id="'m' || n",
    )
    env.cr.execute(
        "SELECT token, pixel_token FROM chaser_reminder WHERE id >= %s ORDER BY id",
        [first],
    )
    return env.cr.fetchall()


def make_traces(env):
    """As many traces of one mailing; the route asks for no more of the mail than its
    number."""
    mailing = env["mailing.mailing"].create(
        {
            "subject": "Bench",
            "mailing_model_id": env["ir.model"]._get_id("res.partner"),
            "body_html": "<p>Bench</p>",
        }
    )
    partner = env["res.partner"].search([("email", "like", "customer")], limit=1)
    trace = env["mailing.trace"].create(
        {
            "mass_mailing_id": mailing.id,
            "model": "res.partner",
            "res_id": partner.id,
            "mail_mail_id_int": 1_000_000,
            "trace_status": "sent",
            "email": partner.email,
        }
    )
    env.flush_all()
    copy_rows(env.cr, "mailing_trace", trace.id, POOL, mail_mail_id_int="2000000 + n")
    Mail = env["mail.mail"]
    numbers = range(2_000_000, 2_000_000 + POOL)
    return [
        f"/mail/track/{number}/{Mail._generate_mail_recipient_token(number)}/blank.gif"
        for number in numbers
    ]


def make_reports(env):
    """A WhatsApp number, and what Meta's reports about its messages are made of."""
    secret, phone_id, waba_id = "app-secret", "106540352242922", "102290129340398"
    account = env["chaser.provider"].create(
        {
            "company_id": env.company.id,
            "name": "WhatsApp",
            "kind": "whatsapp",
            "whatsapp_waba_id": waba_id,
            "whatsapp_phone_id": phone_id,
            "whatsapp_app_id": "670843887433847",
            "whatsapp_token": "EAAtoken0000000000000000",
            "whatsapp_app_secret": secret,
            "whatsapp_verify_token": "some words",
        }
    )
    env.cr.execute(
        """UPDATE chaser_reminder SET channel = 'whatsapp', provider_id = %s,
        whatsapp_key = '<chaser.' || id || '@bench.invalid>|1'
        WHERE state = 'sent' RETURNING whatsapp_key""",
        [account.id],
    )
    keys = [key for (key,) in env.cr.fetchall()]
    reports = {"keys": keys, "secret": secret, "phone_id": phone_id, "waba_id": waba_id}
    return reports, [f"/chaser/whatsapp/{account.webhook_token}"]


def run(env, target):
    tokens = make_reminders(env)
    empty = ["/chaser_bench/empty"]
    plan = {
        "pixel": {
            "empty": empty,
            "ours": [f"/chaser/o/{pixel}.gif" for _token, pixel in tokens],
        },
        "click": {"empty": empty, "ours": [f"/chaser/c/{tokens[0][0]}/1"]},
    }
    if not SMOKE:  # installing the peer takes a minute
        link = env["link.tracker"].create(
            {"url": "https://pop-trading.example/my/invoices/1", "title": "Bench"}
        )
        plan["pixel"]["peer"], plan["click"]["peer"] = (
            make_traces(env),
            [f"/r/{link.code}"],
        )
    if "chaser.whatsapp.person" in env:
        plan["reports"], ours = make_reports(env)
        plan["whatsapp"] = {"empty": empty, "ours": ours}
    env.cr.execute("ANALYZE")
    env.cr.commit()
    Path(target).write_text(json.dumps(plan))
