"""The public links of a mail against a running server, also while the database is
busy."""

import re
import time

import requests

PHONE = {
    "User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) "
    "AppleWebKit/605.1.15 Version/18.1 Mobile/15E148 Safari/604.1"
}


def _links(world):
    html = world.received()[0].mail.get_body(("html",)).get_content()
    return re.search(r'src="([^"]+/chaser/o/[^"]+)"', html).group(1), re.search(
        r'href="([^"]+/chaser/c/[^"]+)"', html
    ).group(1)


def _hits(world):
    return world.query(
        "SELECT id FROM chaser_event WHERE event_type IN ('opened', 'clicked')"
    )


def test_answers_while_the_table_is_locked(world):
    world.build(customers=1)
    world.start()
    world.queue()
    world.wait_until(lambda: world.states() == {"sent": 1})
    pixel, click = _links(world)
    world.query("UPDATE chaser_reminder SET sent_at = sent_at - interval '1 minute'")
    assert requests.get(pixel, headers=PHONE, timeout=10).content.startswith(b"GIF89a")
    with world.connect() as blocker, blocker.cursor() as cursor:
        cursor.execute("LOCK TABLE chaser_event IN ACCESS EXCLUSIVE MODE")
        started = time.monotonic()
        assert requests.get(pixel, headers=PHONE, timeout=20).content.startswith(
            b"GIF89a"
        )
        response = requests.get(click, headers=PHONE, timeout=20, allow_redirects=False)
        assert (
            response.status_code == 302
            and "/my/invoices/" in response.headers["Location"]
        )
        assert time.monotonic() - started < 10
    world.wait_until(lambda: len(_hits(world)) == 3)
    rows = world.query(
        "SELECT event_type, verdict, device_type, count(*) FROM chaser_event "
        "WHERE event_type IN ('opened', 'clicked')"
        " GROUP BY 1, 2, 3 ORDER BY 1"
    )
    assert rows == [("clicked", "human", "phone", 1), ("opened", "human", "phone", 2)]


def test_hits_of_a_killed_server_are_stored(world):
    """Whoever was answered counts: the file outlives the process, and the next one
    stores what it finds."""
    world.build(customers=1)
    server = world.start()
    world.queue()
    world.wait_until(lambda: world.states() == {"sent": 1})
    pixel, click = _links(world)
    requests.get(pixel, headers=PHONE, timeout=20)
    world.wait_until(lambda: len(_hits(world)) == 1, 30)
    for _ in range(20):
        requests.get(pixel, headers=PHONE, timeout=20)
    response = requests.get(click, headers=PHONE, timeout=20, allow_redirects=False)
    assert response.status_code == 302
    world.kill(server)
    before = len(_hits(world))
    world.start()
    requests.get(pixel, headers=PHONE, timeout=20)
    world.wait_until(lambda: len(_hits(world)) == 23, 60)
    assert before <= 22


def test_link_leads_to_the_invoice_without_login(world):
    world.build(customers=1)
    world.start()
    world.queue()
    world.wait_until(lambda: world.states() == {"sent": 1})
    page = requests.get(_links(world)[1], headers=PHONE, timeout=60)
    assert (
        page.status_code == 200 and "INV/" in page.text and "/web/login" not in page.url
    )


def test_one_click_unsubscribe(world):
    world.build(customers=1)
    world.start()
    world.queue()
    world.wait_until(lambda: world.states() == {"sent": 1})
    url = world.received()[0].mail["List-Unsubscribe"].strip().strip("<>")
    page = requests.get(url, timeout=20)
    assert (
        page.status_code == 200
        and "c…@customer0.example" in page.text
        and "set-cookie" not in {name.lower() for name in page.headers}
    )
    assert world.query("SELECT count(*) FROM chaser_suppression") == [(0,)]
    for _ in range(2):
        response = requests.post(
            url,
            data={"List-Unsubscribe": "One-Click"},
            timeout=20,
            allow_redirects=False,
        )
        assert response.status_code == 200
    assert world.query("SELECT email, reason FROM chaser_suppression") == [
        ("c0@customer0.example", "unsubscribed")
    ]
