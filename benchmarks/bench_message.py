"""One message prepared and recorded, without network and pause: our pipeline beside
``mail.mail``."""

import time
from types import SimpleNamespace
from unittest.mock import patch

from bench_books import queue_campaign
from figures import Row, judge, median, p90, print_table, require, scaled, times

from odoo.addons.invoice_chaser.core.mail.message import SendResult
from odoo.addons.invoice_chaser.core.mail.transports.base import Transport
from odoo.addons.invoice_chaser.models.send.batches import Batches
from odoo.addons.invoice_chaser.models.send.run import MailboxRun

WARM_UP = scaled(20, 2)
BATCH = 25


class MimeTransport(Transport):
    """Builds the MIME form and takes the message."""

    def open(self):
        """Nothing to open."""

    def close(self):
        """Nothing to close."""

    def whoami(self):
        return "mime"

    def send(self, message):
        message.to_email().as_bytes()
        return SendResult(response="250 OK")


class MimeSession(SimpleNamespace):
    """The same for ``ir.mail_server``: a session that builds the MIME form and takes
    the message."""

    def send_message(self, mail, *_args, **_options):
        mail.as_bytes()

    def quit(self):
        """Nothing to quit."""


def measure(env, calls):
    """Milliseconds, those of them on the processor (ours, not the database's), and
    queries of each call after the warm-up."""
    figures = []
    for call in calls:
        before, start, busy = (
            env.cr.sql_log_count,
            time.perf_counter(),
            time.process_time(),
        )
        call()
        figures.append(
            (
                1000 * (time.perf_counter() - start),
                1000 * (time.process_time() - busy),
                env.cr.sql_log_count - before,
            )
        )
    return list(zip(*figures[WARM_UP:], strict=True))


def measure_ours(env, count):
    campaign, reminder_ids = queue_campaign(env, count + WARM_UP)
    provider = campaign.provider_id.with_env(env)
    batches = Batches(MailboxRun(provider), MimeTransport())
    batches._make_links(reminder_ids)

    def send(reminder_id):
        batches.send_one(reminder_id)
        batches.is_open()

    def write_notes(part):
        batches.notes = part
        batches.write_notes()

    figures = measure(
        env, [lambda number=number: send(number) for number in reminder_ids]
    )
    # The notes are written once a batch: each message bears its share.
    parts = [
        batches.notes[start : start + BATCH]
        for start in range(0, len(batches.notes), BATCH)
    ]
    before, start, busy = env.cr.sql_log_count, time.perf_counter(), time.process_time()
    for part in parts:
        write_notes(part)
    share = [
        1000 * (time.perf_counter() - start) / len(reminder_ids),
        1000 * (time.process_time() - busy) / len(reminder_ids),
        (env.cr.sql_log_count - before) / len(reminder_ids),
    ]
    figures = [
        [figure + part for figure in column]
        for column, part in zip(figures, share, strict=True)
    ]
    return figures, env["chaser.reminder"].browse(reminder_ids)


def measure_peer(env, reminders):
    """The same mails by ``mail.mail``: made, sent one by one and kept, as a reminder
    is."""
    values = [
        {
            "subject": row.subject,
            "body_html": row.body_html,
            "email_to": row.recipient_email,
            "email_from": "accounts@pop-trading.example",
            "model": "res.partner",
            "res_id": row.partner_id.id,
            "auto_delete": False,
        }
        for row in reminders
    ]
    session = MimeSession(from_filter=False, smtp_from=False)

    def send(own):
        mail = env["mail.mail"].create(own)
        mail.send(auto_commit=True)
        env.cr.commit()

    with patch.object(
        type(env["ir.mail_server"]), "_connect__", lambda *_args, **_options: session
    ):
        return measure(env, [lambda own=own: send(own) for own in values])


def run(env, quick):
    count = scaled(100 if quick else 400, 8)
    (with_pdf, *_rest), _reminders = measure_ours(env, count // 4)
    # The aim is about the message; the shipped urgent and final levels also carry a
    # statement of account, drawn for each customer.
    env["chaser.template"].search([]).write(
        {"attach_statement": "none", "attach_letter": False}
    )
    (ours, busy, queries), reminders = measure_ours(env, count)
    peer, peer_busy, peer_queries = measure_peer(env, reminders)
    require(set(reminders.mapped("state")) == {"sent"}, "a message was not sent")
    states, middle = reminders.mapped("state"), median(ours)
    print_table(
        f"message: prepared and recorded, three invoices each, {len(ours)} messages",
        [
            Row(
                "our pipeline",
                f"{middle:.1f} ms",
                f"{p90(ours):.1f} ms",
                f"{median(queries):.0f}",
                f"{times(median(peer), middle)} x faster",
                judge("< 30 ms", middle < 30),
                judge("< 8 ms", middle < 8),
            ),
            Row("  of it in Python", f"{median(busy):.1f} ms", f"{p90(busy):.1f} ms"),
            Row(
                "  with a statement as PDF",
                f"{median(with_pdf):.1f} ms",
                f"{p90(with_pdf):.1f} ms",
            ),
            Row(
                "Odoo's mail.mail, same HTML",
                f"{median(peer):.1f} ms",
                f"{p90(peer):.1f} ms",
                f"{median(peer_queries):.0f}",
            ),
            Row(
                "  of it in Python",
                f"{median(peer_busy):.1f} ms",
                f"{p90(peer_busy):.1f} ms",
            ),
        ],
        [
            f"{states.count('sent')} of {len(states)} sent; ours also locks and reads "
            "balances, renders, writes 4 notes",
            "mail.mail gets its HTML ready made and writes one note",
        ],
    )
