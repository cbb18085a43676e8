"""Plays the demo's customers after the campaign: they answer on their page and by mail,
and one address turns out not to exist.

Mail comes in through Odoo's own gateway script, as from a mail server.
"""

import email
import re
import subprocess
import sys
from datetime import date, timedelta
from email import policy
from email.message import EmailMessage, MIMEPart
from email.utils import make_msgid
from pathlib import Path

import requests

# Which customers (by the number in their address) do what; those of dev/demo_data.py
# that get a message.
PROMISE, DISPUTE, PAID, REPLY, AWAY, DEAD = (
    (24, 50),
    (33,),
    (46,),
    (54, 57),
    (60,),
    (63,),
)
TEXTS = {
    "reply": (
        "Dear Aisha,\n\nthe transfer was ordered this morning, please allow two "
        "days.\n\nBest regards",
        "السادة المحترمون،\n\nسنحوّل المبلغ غدًا إن شاء الله.\n\nمع التحية",
    ),
    "away": ("I am out of the office until Sunday with no access to my mail.",) * 2,
    "dispute": (
        "Two cartons were missing in this delivery.",
        "وصلت كرتونتان ناقصتان من هذه الشحنة.",
    ),
}


def play(mails, gateway):
    """What the customers do.

    :param mails: folder of the mails received;
    :param gateway: command that takes a mail on standard input
    """
    by_number = {}
    for path in sorted(Path(mails).glob("*.eml")):
        mail = email.message_from_bytes(path.read_bytes(), policy=policy.default)
        if number := re.search(r"customer(\d+)\.example", mail["To"]):
            by_number[int(number[1])] = mail
    done = {
        name: sum(
            act(by_number[number], number) for number in numbers if number in by_number
        )
        for name, numbers, act in (
            (
                "promised",
                PROMISE,
                lambda mail, _n: say(
                    mail,
                    "promise",
                    {"day": (date.today() + timedelta(days=9)).isoformat()},
                ),
            ),
            (
                "disputed",
                DISPUTE,
                lambda mail, _n: say(
                    mail, "dispute", {"reason": choose("dispute", mail)}
                ),
            ),
            (
                "said that they have paid",
                PAID,
                lambda mail, _n: say(mail, "paid", {"reference": "TT 4711-2026"}),
            ),
            (
                "answered by mail",
                REPLY,
                lambda mail, number: hand_in(
                    gateway, make_answer(mail, choose("reply", mail), number)
                ),
            ),
            (
                "sent an out-of-office note",
                AWAY,
                lambda mail, number: hand_in(gateway, make_away(mail, number)),
            ),
            (
                "address that does not exist any more",
                DEAD,
                lambda mail, _n: hand_in(gateway, make_report(mail)),
            ),
        )
    }
    print(
        "then " + ", ".join(f"{count} {name}" for name, count in done.items() if count),
        flush=True,
    )


def choose(name, mail):
    return TEXTS[name][(mail["Content-Language"] or "").startswith("ar")]


def say(mail, action, values):
    """Fills in one form of the customer's page, which is opened as customers open it:
    by the link in the mail."""
    session = requests.Session()
    html = mail.get_body(("html",)).get_content()
    for link in dict.fromkeys(re.findall(r'href="([^"]+/chaser/c/[^"]+)"', html)):
        target = session.get(link, timeout=20, allow_redirects=False).headers.get(
            "Location", ""
        )
        if "/chaser/p/" in target:
            break
    else:
        raise SystemExit(f"no link to the customer's page in {mail['Message-ID']}")
    page = session.get(target, timeout=20).text
    section = re.search(rf'<section id="{action}".*?</section>', page, re.S)[0]
    form = dict(
        re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', section)
    )
    if boxes := re.findall(r'type="checkbox" name="invoice" value="(\d+)"', section):
        form["invoice"] = boxes[0]
    answer = session.post(
        target.split("?")[0].split("#")[0], data={**form, **values}, timeout=20
    )
    if not answer.ok or 'class="done"' not in answer.text:
        raise SystemExit(f"{action}: the customer's page answers {answer.status_code}")
    return 1


def make_answer(reminder, text, number):
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = (
        reminder["To"],
        reminder["From"],
        f"Re: {reminder['Subject']}",
    )
    mail["Message-ID"], mail["In-Reply-To"] = (
        make_msgid(domain=f"customer{number:03d}.example"),
        reminder["Message-ID"],
    )
    mail.set_content(
        text
        + "\n\n> "
        + reminder.get_body(("plain",)).get_content().strip().replace("\n", "\n> ")
    )
    return mail


def make_away(reminder, number):
    """RFC 3834 §3.1: an automatic answer names itself."""
    mail = make_answer(reminder, choose("away", reminder), number)
    mail["Auto-Submitted"] = "auto-replied"
    mail.replace_header("Subject", f"Automatic reply: {reminder['Subject']}")
    return mail


def make_report(reminder):
    """A delivery report as of RFC 3464 for a mailbox that does not exist."""
    address = reminder["To"]
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = (
        "MAILER-DAEMON@mx.pop-trading.example",
        reminder["From"],
        "Undelivered Mail Returned to Sender",
    )
    mail["Message-ID"], mail["Auto-Submitted"] = (
        make_msgid(domain="mx.pop-trading.example"),
        "auto-replied",
    )
    mail["Content-Type"] = "multipart/report; report-type=delivery-status"
    words = MIMEPart()
    words.set_content(f"<{address}>: host mx.example said: 550 5.1.1 User unknown")
    status = email.message_from_string(
        "Content-Type: message/delivery-status\n\nReporting-MTA: dns; "
        "mx.pop-trading.example\n\n"
        f"Final-Recipient: rfc822; {address}\nAction: failed\nStatus: "
        "5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 User unknown\n",
        policy=policy.default,
    )
    head = email.message_from_string(
        "Content-Type: text/rfc822-headers\n\n"
        + f"Message-ID: {reminder['Message-ID']}\nTo: {address}\n",
        policy=policy.default,
    )
    mail.set_payload([words, status, head])
    return mail


def hand_in(gateway, mail):
    result = subprocess.run(
        gateway, input=mail.as_bytes(), capture_output=True, timeout=60, check=False
    )
    if result.returncode:
        sys.exit(
            "Odoo's gateway refused a mail: "
            f"{result.stderr.decode(errors='replace')[-500:]}"
        )
    return 1
