"""Plays the accountant and the customers against a running Odoo: over its external API
(JSON-2), with ordinary rights."""

import argparse
import email
import re
import sys
import time
from collections import Counter
from datetime import datetime, timedelta, timezone
from email import policy
from pathlib import Path

import demo_customers
import requests

BROWSER = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) "
    "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1"
)
SCANNER = "Mozilla/5.0 (compatible; Barracuda Sentinel (EE))"
FIGURES = (
    "state",
    "customer_count",
    "recipient_count",
    "sent_count",
    "failed_count",
    "queued_count",
    "skipped_count",
    "saved_percent",
    "opened_count",
    "clicked_count",
    "machine_clicked_count",
    "machine_opened_count",
    "replied_count",
    "bounced_count",
    "expected_finish",
    "reason",
    "amount_chased",
    "amount_collected",
)


class Api:
    """Odoo's JSON-2 API with a key of the accountant's own."""

    def __init__(self, url, db, key):
        self.url, self.session = url, requests.Session()
        self.session.headers.update(
            {"Authorization": f"bearer {key}", "X-Odoo-Database": db}
        )

    def call(self, model, method, ids=None, **values):
        body = {**({"ids": ids} if ids is not None else {}), **values}
        response = self.session.post(
            f"{self.url}/json/2/{model}/{method}", json=body, timeout=120
        )
        if not response.ok:
            raise SystemExit(
                f"{model}.{method}: {response.status_code} {response.text[:500]}"
            )
        return response.json()


def wait_for(url):
    for _ in range(120):
        try:
            if requests.get(f"{url}/web/health", timeout=5).ok:
                return
        except (requests.ConnectionError, requests.Timeout):
            time.sleep(0.5)
    raise SystemExit(f"Odoo does not respond at {url}")


def read_mails(folder, seen):
    """New mails since the last call, as (path, message)."""
    for path in sorted(Path(folder).glob("*.eml")):
        if path not in seen:
            seen.add(path)
            yield (
                path,
                email.message_from_bytes(path.read_bytes(), policy=policy.default),
            )


def open_mail(message, number, session):
    """What mail programs do: every second customer opens, every fourth follows a link,
    a scanner follows everything."""
    html = message.get_body(("html",)).get_content()
    pixel = re.search(r'src="([^"]+/chaser/o/[^"]+)"', html)
    links = re.findall(r'href="([^"]+/chaser/c/[^"]+)"', html)
    if number % 2 == 0 and pixel:
        response = session.get(
            pixel.group(1), headers={"User-Agent": BROWSER}, timeout=20
        )
        assert response.headers["Content-Type"] == "image/gif", response.text[:200]
    if number % 4 == 0 and links:
        response = session.get(
            links[0], headers={"User-Agent": BROWSER}, timeout=20, allow_redirects=False
        )
        assert (
            response.status_code == 302
            and "/my/invoices/" in response.headers["Location"]
        ), (response.status_code, response.text[:200])
    if number % 15 == 1:
        for link in links:
            session.get(
                link, headers={"User-Agent": SCANNER}, timeout=20, allow_redirects=False
            )


def pay_some(api, campaign_id, state, limit):
    """Customers pay what a reminder is about: while it is still ``queued``, or after it
    was ``sent``."""
    reminders = api.call(
        "chaser.reminder",
        "search_read",
        domain=[["campaign_id", "=", campaign_id], ["state", "=", state]],
        fields=["line_ids"],
        order="priority",
        limit=limit,
    )
    lines = api.call(
        "chaser.reminder.line",
        "search_read",
        domain=[
            ["id", "in", [i for r in reminders for i in r["line_ids"]]],
            ["is_credit", "=", False],
        ],
        fields=["move_id"],
    )
    moves = sorted({line["move_id"][0] for line in lines})
    for move in moves:
        wizard = api.call(
            "account.payment.register",
            "create",
            vals_list=[{}],
            context={"active_model": "account.move", "active_ids": [move]},
        )
        api.call("account.payment.register", "action_create_payments", ids=wizard)
    return len(reminders), len(moves)


def main():
    parser = argparse.ArgumentParser()
    for name in ("--url", "--db", "--mails", "--key-file", "--mailgate"):
        parser.add_argument(name, required=True)
    args = parser.parse_args()
    wait_for(args.url)
    api = Api(args.url, args.db, Path(args.key_file).read_text())
    started = time.time()
    invoices = api.call(
        "account.move",
        "search",
        domain=[
            ["move_type", "=", "out_invoice"],
            ["payment_state", "in", ["not_paid", "partial", "blocked"]],
        ],
    )
    created = time.time()
    campaign_id = api.call(
        "chaser.campaign",
        "create_for_invoices",
        invoice_ids=invoices,
        values={"name": "Season's overdue invoices"},
    )
    campaign_id = campaign_id[0] if isinstance(campaign_id, list) else campaign_id
    prepared = time.time()
    api.call("chaser.campaign", "action_send", ids=[campaign_id])
    print(
        f"{len(invoices)} invoices selected; campaign made in "
        f"{prepared - created:.2f} s and queued in {time.time() - prepared:.2f} s",
        flush=True,
    )
    follow(api, campaign_id, args.mails)
    sent_in = time.time() - started
    port = args.url.rsplit(":", 1)[1]
    demo_customers.play(
        args.mails,
        [
            sys.executable,
            args.mailgate,
            "--host",
            "127.0.0.1",
            "--port",
            port,
            "-d",
            args.db,
            "-u",
            "2",
            "-p",
            "admin",
        ],
    )
    print(
        "{} customers paid {} invoices that they were reminded of".format(
            *pay_some(api, campaign_id, "sent", 4)
        ),
        flush=True,
    )
    [campaign] = api.call(
        "chaser.campaign", "read", ids=[campaign_id], fields=list(FIGURES)
    )
    summarize(api, args, campaign, len(invoices), sent_in)


class Progress:
    """On a terminal one line that is updated; elsewhere a line for each quarter."""

    def __init__(self):
        self.moves, self.last = sys.stdout.isatty(), None

    def show(self, campaign):
        sent = campaign["sent_count"]
        share = sent / max(1, sent + campaign["queued_count"])
        words = (
            f"{campaign['state']}: {sent} sent, {campaign['queued_count']} queued, "
            f"finish {campaign['expected_finish'] or '-'}"
        )
        if self.moves:
            filled = round(30 * share)
            print(
                f"\r\x1b[K[{'#' * filled}{'.' * (30 - filled)}] {words}",
                end="",
                flush=True,
            )
        elif (campaign["state"], int(4 * share)) != self.last:
            self.last = campaign["state"], int(4 * share)
            print(words, flush=True)

    def say(self, words=""):
        """Prints a line of its own; the progress line continues below it."""
        print(f"\r\x1b[K{words}" if self.moves and words else words, flush=True)


def follow(api, campaign_id, folder):
    """Watch until the last reminder has left, opening mails on the way."""
    seen, number, paid, progress = set(), 0, None, Progress()
    session = requests.Session()
    earlier = []
    while True:
        [campaign] = api.call(
            "chaser.campaign", "read", ids=[campaign_id], fields=list(FIGURES)
        )
        earlier.extend((time.time(), mail) for _path, mail in read_mails(folder, seen))
        # A person needs a moment; what opens within seconds counts as a machine.
        while earlier and (earlier[0][0] < time.time() - 6):
            open_mail(earlier.pop(0)[1], number, session)
            number += 1
        if paid is None and campaign["sent_count"] >= 20:
            paid = pay_some(api, campaign_id, "queued", 3)
            progress.say(f"meanwhile {paid[0]} customers paid {paid[1]} invoices")
        progress.show(campaign)
        if campaign["state"] in ("completed", "failed", "cancelled", "paused"):
            if progress.moves:
                progress.say()
            break
        time.sleep(1)
    time.sleep(6.5)
    for _moment, mail in earlier + [
        (0, mail) for _path, mail in read_mails(folder, seen)
    ]:
        open_mail(mail, number, session)
        number += 1


def count_open(api, model):
    return api.call(model, "search_count", domain=[["state", "=", "open"]])


def count_whatsapp(api, campaign_id):
    """Reminders of the campaign that are out by WhatsApp: all, delivered, read."""
    reminders = api.call(
        "chaser.reminder",
        "search_read",
        fields=["status"],
        domain=[
            ["campaign_id", "=", campaign_id],
            ["channel", "=", "whatsapp"],
            ["state", "=", "sent"],
        ],
    )
    known = Counter(row["status"] for row in reminders)
    read = known["opened"] + known["clicked"] + known["replied"]
    return len(reminders), known["delivered"] + read, read


def summarize(api, args, campaign, invoices, seconds):
    skipped = api.call(
        "chaser.reminder",
        "search_read",
        fields=["reason", "partner_id"],
        domain=[["campaign_id", "=", campaign["id"]], ["state", "=", "skipped"]],
    )
    recipients = Counter()
    for path in Path(args.mails).glob("*.eml"):
        recipients[
            email.message_from_bytes(path.read_bytes(), policy=policy.default)[
                "Message-ID"
            ]
        ] += 1
    by_whatsapp, delivered, read = count_whatsapp(api, campaign["id"])
    finish = datetime.now(timezone.utc) + timedelta(hours=4)
    print(f"""
Invoices        {invoices}
Customers       {campaign["customer_count"]}
Messages        {campaign["recipient_count"]}  (saved {campaign["saved_percent"]:.0f} % against one per invoice)
Sent            {campaign["sent_count"]}  (on the mail server: {sum(recipients.values())}, twice: {sum(n - 1 for n in recipients.values())})
By WhatsApp     {by_whatsapp}  (delivered: {delivered}, read: {read})
Failed          {campaign["failed_count"]}
Opened          {campaign["opened_count"]}  (and {campaign["machine_opened_count"]} by machines)
Clicked         {campaign["clicked_count"]}  (and {campaign["machine_clicked_count"]} by machines)
Answered        {campaign["replied_count"]}  by mail; promises: {count_open(api, "chaser.promise")}, disputes: {count_open(api, "chaser.dispute")}
Bounced         {campaign["bounced_count"]}
Chased          {campaign["amount_chased"]}
Collected since {campaign["amount_collected"]}
Left out        {campaign["skipped_count"]}""")  # noqa: E501
    for reason, count in Counter(row["reason"] for row in skipped).most_common():
        print(f"                {count} x {reason}")
    print(f"""Seconds         {seconds:.0f} from the selection to the last reminder ({finish:%H:%M} in Dubai)

Look at it:     {args.url}/odoo/chaser    login admin / admin or accountant / accountant
Mails:          {args.mails}""")  # noqa: E501
    if (
        campaign["state"] != "completed"
        or sum(recipients.values()) + by_whatsapp != campaign["sent_count"]
        or not read
    ):
        sys.exit("The campaign did not end as it should.")


if __name__ == "__main__":
    main()
