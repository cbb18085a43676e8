"""The customer's page against a running server: a person answers in Arabic on a phone,
a robot that only looks changes nothing."""

import os
import re
from datetime import date, timedelta
from pathlib import Path

import requests

ROOT = Path(__file__).resolve().parents[2]
ROBOT = {"User-Agent": "Mozilla/5.0 (compatible; LinkScanner/2.0)"}
TABLES = (
    "chaser_answer",
    "chaser_hold",
    "chaser_promise",
    "chaser_dispute",
    "mail_message",
    "mail_activity",
    "ir_attachment",
    "chaser_reminder",
)
ARABIC = """
env["res.partner"].search([("name", "=", "Customer 0")]).write({"lang": False, "chaser_language": "ar"})
env["chaser.campaign"].search([]).user_id = env["res.users"].search([("login", "=", "accountant")])
env.cr.commit()
"""  # noqa: E501


def _is_over(world):
    """Whether the notes about what was sent, and the campaign's end, are written."""
    return world.query(
        "SELECT count(DISTINCT r.id) FROM chaser_reminder r JOIN chaser_campaign c ON "
        "c.id = r.campaign_id AND c.state = 'completed' JOIN mail_message m ON m.model "
        "= 'res.partner' AND m.res_id = r.partner_id AND m.create_date >= r.sent_at"
    ) == [(2,)]


def _sent_page(world):
    world.build(customers=2)
    world.shell(ARABIC)
    world.start()
    world.queue(ARABIC)
    world.wait_until(lambda: world.states() == {"sent": 2} and _is_over(world))
    [(token,)] = world.query(
        "SELECT r.page_token FROM chaser_reminder r JOIN res_partner p ON p.id = "
        "r.partner_id WHERE p.name = 'Customer 0'"
    )
    return f"/chaser/p/{token}"


def _counts(world):
    return {
        table: world.query(f"SELECT count(*), max(write_date) FROM {table}")
        for table in TABLES
    }


def test_person_answers_and_robot_does_not(world, tmp_path):
    path = _sent_page(world)
    before = _counts(world)
    page = requests.get(world.url + path, headers=ROBOT, timeout=30)
    links = re.findall(r'(?:href|action)="([^"#]+)', page.text)
    assert page.status_code == 200 and len(links) > 5
    for link in {
        path,
        *(link.replace("&amp;", "&") for link in links if link.startswith("/chaser")),
    }:
        for method in ("GET", "HEAD", "OPTIONS"):
            response = requests.request(
                method, world.url + link, headers=ROBOT, timeout=30
            )
            assert response.status_code == 200 and "set-cookie" not in {
                name.lower() for name in response.headers
            }
    assert (
        requests.post(
            world.url + path, headers=ROBOT, data={"action": "copy"}, timeout=30
        ).status_code
        == 200
    ), "a form that it made up"
    assert _counts(world) == before

    mails = world.query("SELECT count(*) FROM mail_mail")
    proof = tmp_path / "proof.pdf"
    proof.write_bytes(
        b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
    )
    day = (date.today() + timedelta(days=9)).isoformat()
    folder = os.environ.get("CHASER_SHOTS", "")
    output = world.run(
        [
            "bash",
            "-c",
            '. dev/lib.sh; CHASER_NODE="$CACHE/node" node '
            f"{ROOT}/tests/e2e/customer_answers.js {world.url} {path} {day} {proof} "
            f"{folder}",
        ]
    )
    for line in (
        "page ar rtl",
        "said dispute",
        "said promise",
        "said paid",
        "rows 3",
        "4711",
        "released",
    ):
        assert line in output, output
    assert world.query("SELECT action, said_by FROM chaser_answer ORDER BY id") == [
        ("dispute", "عمر حداد"),
        ("promise", ""),
        ("paid", ""),
    ]
    assert world.query("SELECT reason, state FROM chaser_dispute") == [
        ("وصلت البضاعة تالفة", "open")
    ]
    assert world.query("SELECT date_promised::text, state FROM chaser_promise") == [
        (day, "open")
    ]
    assert world.query("SELECT code, released_at IS NULL FROM chaser_hold") == [
        ("says_paid", False)
    ]
    todos = world.query(
        "SELECT a.res_model, u.login FROM mail_activity a JOIN res_users u ON "
        "u.id = a.user_id WHERE a.active ORDER BY 1"
    )
    assert todos == [
        ("chaser.dispute", "accountant"),
        ("chaser.promise", "accountant"),
    ], "the to-do of the released hold is done"
    assert world.query("SELECT count(*) FROM mail_mail") == mails, (
        "nobody was mailed past the queue"
    )
    assert " ERROR " not in world.logs(), world.logs()[-3000:]
