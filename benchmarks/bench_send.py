"""Through the real scheduled job to a real local SMTP server, beside bare smtplib and
Odoo's mail queue."""

import smtplib
import time
from email.message import EmailMessage
from email.utils import make_msgid

from bench_books import queue_campaign
from figures import Row, judge, median, print_table, require, scaled, times

SENDER, USER, PASSWORD = "accounts@pop-trading.example", "accounts", "demo-password"


def run_job(env, cron):
    """Seconds of one run by Odoo's own scheduler code; it works in a transaction of its
    own, so ours begins anew."""
    start = time.perf_counter()
    cron.method_direct_trigger()
    seconds = time.perf_counter() - start
    env.cr.rollback()
    env.invalidate_all()
    return seconds


def send_ours(env, reminders):
    """Seconds of the mailbox's job for what is queued."""
    seconds = run_job(env, reminders.provider_id.cron_id)
    return seconds, reminders.mapped("state").count("sent")


def send_bare(contents, port):
    """Python's own modules: one connection, every message built and sent."""
    start = time.perf_counter()
    with smtplib.SMTP("127.0.0.1", port) as session:
        session.login(USER, PASSWORD)
        for row in contents:
            mail = EmailMessage()
            mail["From"], mail["To"], mail["Subject"], mail["Message-ID"] = (
                SENDER,
                row["recipient_email"],
                row["subject"],
                make_msgid(),
            )
            mail.set_content(row["body_text"])
            mail.add_alternative(row["body_html"], subtype="html")
            session.send_message(mail)
    return time.perf_counter() - start, len(contents)


def send_queue(env, contents, server, auto_delete):
    """Odoo's mail queue, from queued to sent; ``auto_delete``: as mail.template sets it
    by default."""
    mails = env["mail.mail"].create(
        [
            {
                "subject": row["subject"],
                "body_html": row["body_html"],
                "email_to": row["recipient_email"],
                "email_from": SENDER,
                "model": "res.partner",
                "res_id": row["partner_id"][0],
                "auto_delete": auto_delete,
                "mail_server_id": server.id,
            }
            for row in contents
        ]
    )
    env.cr.commit()
    seconds = run_job(env, env.ref("mail.ir_cron_mail_scheduler_action"))
    return seconds, len(mails) - len(
        mails.exists().filtered(lambda mail: mail.state != "sent")
    )


def run(env, quick, port):
    count, rounds = (scaled(60, 6), 1) if quick else (300, 3)
    # The peers' mails carry no statement of account either.
    env["chaser.template"].search([]).write(
        {"attach_statement": "none", "attach_letter": False}
    )
    provider = env["chaser.provider"].search([])
    # A password goes only to the server it was entered for.
    provider.write({"smtp_port": port, "smtp_password": PASSWORD})
    provider.action_test_connection()
    server = env["ir.mail_server"].create(
        {
            "name": "Bench",
            "smtp_host": "127.0.0.1",
            "smtp_port": port,
            "smtp_encryption": "none",
            "smtp_authentication": "login",
            "smtp_user": USER,
            "smtp_pass": PASSWORD,
        }
    )
    rates = {"ours": [], "bare": [], "queue": [], "template": []}
    sent = dict.fromkeys(rates, 0)
    for number in range(rounds):
        _campaign, reminder_ids = queue_campaign(env, count, skip=number * count)
        reminders = env["chaser.reminder"].browse(reminder_ids)
        figures = {"ours": send_ours(env, reminders)}
        contents = reminders.filtered("body_html").read(
            ["subject", "body_html", "body_text", "recipient_email", "partner_id"]
        )
        figures |= {
            "bare": send_bare(contents, port),
            "queue": send_queue(env, contents, server, False),
            "template": send_queue(env, contents, server, True),
        }
        for name, (seconds, done) in figures.items():
            rates[name].append(done / seconds)
            sent[name] += done
    require(
        sent["ours"] == sent["bare"] == sent["queue"] == sent["template"] > 0,
        f"sent: {sent}",
    )
    ours, bare, queue, template = (median(rates[name]) for name in rates)
    print_table(
        f"send: {rounds} x {count} messages to a local SMTP server, pacing off",
        [
            Row(
                "our scheduled job",
                f"{ours:.1f}/s",
                ratio=f"{times(ours, queue)} x queue, {times(ours, bare)} x bare",
                must=judge("3 x queue", ours >= 3 * queue),
                aim=judge("0.5 x bare", ours >= bare / 2),
            ),
            Row(
                "bare smtplib, MIME built",
                f"{bare:.1f}/s",
                ratio=f"{times(bare, queue)} x queue",
            ),
            Row(
                "Odoo's mail queue, mails kept",
                f"{queue:.1f}/s",
                ratio=f"{times(queue, bare)} x bare",
            ),
            Row(
                "the same, deleted after sending",
                f"{template:.1f}/s",
                ratio=f"{times(template, bare)} x bare",
            ),
        ],
        [
            f"sent: {', '.join(f'{name} {done}' for name, done in sent.items())}, "
            f"together {sum(sent.values())}"
        ],
    )
