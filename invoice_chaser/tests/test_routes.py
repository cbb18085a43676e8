import logging
import shutil
import tempfile
import threading
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

import psycopg2.errors
from lxml import html as lxml_html

from odoo import fields
from odoo.tests import HttpCase, tagged
from odoo.tools import SQL

from ..controllers.tracking import PIXEL
from ..core.mail.webhooks.base import MAX_BODY
from ..core.status import spool
from ..core.status.tracking import new_token
from .common import ChaserCase, FakeTransport

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, "
    "like Gecko) Chrome/130.0.0.0 Safari/537.36"
)
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) "
    "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"
)
IPAD = (
    "Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/16.6 Mobile/15E148 Safari/604.1"
)
GMAIL = (
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com "
    "GoogleImageProxy)"
)
TARGETS = [
    f"https://pop.example/invoice/{number}?a=1&b=%20x" for number in (1, 2, 3, 4)
]
# Invalid tokens, as they are written in the address.
BAD_TOKENS = {
    "unknown": new_token(),
    "short": "abc",
    "empty": "",
    "non-ascii": "مرحبا" * 6,
    "nul": "a" * 20 + "%00" + "a" * 5,
    "nul alone": "%00",
    "no utf-8": "%ff" * 30,
    "overlong": "a" * 10_000,
    "newline": "a" * 30 + "%0a",
    "crlf": "a" * 30 + "%0d%0aSet-Cookie:%20x=1",
    "quote": "a" * 25 + "'--",
    "slashes": "../../web/login",
    "encoded slash": "a" * 22 + "%2f",
    "percent": "%25" * 30,
    "markup": "<script>alert(1)</script>",
}
BAD_POSITIONS = (
    "5",
    "9999",
    "10000",
    "9" * 30,
    "-1",
    "-9",
    "abc",
    "1.5",
    "%00",
    "%ff",
    "",
    "0x1",
    "1;2",
    "a" * 3000,
)


@tagged("post_install", "-at_install")
class TestRoutes(ChaserCase, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.startClassPatcher(
            patch.object(
                type(cls.env["chaser.event"]),
                "_get_spool_folder",
                lambda _self: cls.folder,
            )
        )
        # Sent once for all: the helpers need an instance, whichever.
        cls.campaign = cls("test_open_by_a_person")._sent_campaign(cls._make_invoice())
        cls.reminder = cls.campaign.reminder_ids
        own = cls.reminder.sudo()
        cls.token = own.token
        cls.pixel = f"/chaser/o/{own.pixel_token}.gif"
        cls.stop = f"/chaser/u/{own.stop_token}"
        cls.reminder.sudo().write(
            {
                "link_targets": TARGETS,
                "sent_at": fields.Datetime.now() - timedelta(minutes=10),
            }
        )
        cls.env.flush_all()

    def setUp(self):
        super().setUp()
        self.assertEqual((self.reminder.state, self.reminder.status), ("sent", "sent"))
        for leftover in self.folder.iterdir():
            leftover.unlink()

    @contextmanager
    def enter_registry_test_mode(self):
        yield  # it is on for the whole class

    def _hit(
        self,
        path,
        method="GET",
        agent=CHROME,
        headers=None,
        quiet=True,
        collect=True,
        **options,
    ):
        """One request, and what holds for every answer of a public route; then what
        the writer does a moment later (``collect``)."""
        headers = {"User-Agent": agent, **(headers or {})}
        with self.assertNoLogs(level="WARNING" if quiet else "CRITICAL"):
            answer = self.url_open(
                path, method=method, headers=headers, allow_redirects=False, **options
            )
        where = f"{method} {path[:80]}"
        self.assertIn(answer.status_code, (200, 302), where)
        self.assertIn("no-store", answer.headers.get("Cache-Control", ""), where)
        self.assertNotIn("Set-Cookie", answer.headers, where)
        self.assertEqual(answer.headers["X-Frame-Options"], "DENY", where)
        self.assertEqual(answer.headers["Referrer-Policy"], "no-referrer", where)
        self.assertIn(
            "frame-ancestors 'none'", answer.headers["Content-Security-Policy"], where
        )
        for sign in ("Traceback", "odoo.http", "/web/", "Internal Server", "Werkzeug"):
            self.assertNotIn(sign, answer.text, where)
        if answer.status_code == 302:
            self.assertIn(answer.headers["Location"], TARGETS, where)
        if collect:
            self._collect()
        self.env.invalidate_all()
        return answer

    def _click(self, position=1, **options):
        return self._hit(f"/chaser/c/{self.token}/{position}", **options)

    def _events(self, *types):
        return (
            self.env["chaser.event"]
            .sudo()
            .search(
                [
                    ("reminder_id", "=", self.reminder.id),
                    (
                        "event_type",
                        "in",
                        types or ("opened", "clicked", "unsubscribed"),
                    ),
                ],
                order="id",
            )
        )

    def _verdicts(self, *types):
        return [
            (event.verdict, event.verdict_reason or "")
            for event in self._events(*types)
        ]

    def _is_invalid(self, answer):
        return answer.status_code == 200 and "no longer valid" in answer.text

    # -- every answer

    def test_pixel_is_always_the_same_image(self):
        for name, token in BAD_TOKENS.items():
            for method in ("GET", "HEAD"):
                if token and ".." not in token:  # a client resolves .. before it asks
                    with self.subTest(token=name, method=method):
                        answer = self._hit(f"/chaser/o/{token}.gif", method=method)
                        self.assertEqual(answer.headers["Content-Type"], "image/gif")
                        self.assertEqual(
                            answer.content, PIXEL if method == "GET" else b""
                        )
        for path in (
            self.pixel,
            self.pixel.removesuffix(".gif"),
            f"{self.pixel}.gif",
            f"/chaser/o/{self.reminder.sudo().pixel_token}/x.gif",
            f"{self.pixel}?x=1",
        ):
            with self.subTest(path=path):
                self.assertEqual(self._hit(path).content, PIXEL)
        self.assertEqual(
            len(self._events()),
            3,
            "with .gif, without, and with a parameter; the others name no token",
        )

    def test_bad_tokens(self):
        for name, token in BAD_TOKENS.items():
            for method in ("GET", "HEAD"):
                for path in (
                    f"/chaser/c/{token}/1",
                    f"/chaser/c/{token}/0",
                    f"/chaser/u/{token}",
                ):
                    with self.subTest(token=name, method=method, path=path[:20]):
                        if ".." in token:
                            continue
                        answer = self._hit(path, method=method)
                        self.assertTrue(
                            self._is_invalid(answer) or method == "HEAD", path
                        )
                        self.assertNotIn("<script>alert", answer.text)
            with self.subTest(token=name, method="POST"):
                if ".." not in token:
                    self.assertTrue(
                        self._is_invalid(
                            self._hit(
                                f"/chaser/u/{token}",
                                method="POST",
                                data={"List-Unsubscribe": "One-Click"},
                            )
                        )
                    )
        self.assertFalse(self._events())
        self.assertFalse(
            self.env["chaser.suppression"].search_count(
                [("company_id", "=", self.company.id)]
            )
        )

    def test_token_of_what_was_never_sent(self):
        draft = self._campaign(
            self._make_invoice(self._make_customer("Draft", "draft@customer.example"))
        ).reminder_ids
        draft.sudo().link_targets = TARGETS
        token = draft.sudo().token
        self.assertTrue(self._is_invalid(self._hit(f"/chaser/c/{token}/1")))
        pixel = f"/chaser/o/{draft.sudo().pixel_token}.gif"
        self.assertEqual(self._hit(pixel).content, PIXEL)
        self.assertFalse(draft.event_ids)

    def test_expired_token(self):
        """Links expire, unsubscribing does not."""
        self.company.chaser_link_days = 3
        self.reminder.sudo().sent_at = self._later(days=-3, minutes=-1)
        self.assertTrue(self._is_invalid(self._click()))
        self.assertEqual(self._hit(self.pixel).content, PIXEL)
        self.assertFalse(self._events())
        self.assertIn(f'action="{self.stop}"', self._hit(self.stop).text)
        self.reminder.sudo().sent_at = self._later(days=-3, minutes=1)
        self.assertEqual(self._click().status_code, 302)

    def test_positions(self):
        for position, target in enumerate(TARGETS, 1):
            self.assertEqual(self._click(position).headers["Location"], target)
        self.assertEqual(
            self._click(0).headers["Location"],
            TARGETS[0],
            "the hidden link leads where a person would go, too",
        )
        count = len(self._events())
        for position in BAD_POSITIONS:
            for method in ("GET", "HEAD"):
                with self.subTest(position=position[:20], method=method):
                    answer = self._click(position, method=method)
                    self.assertEqual(answer.status_code, 200)
                    self.assertTrue(self._is_invalid(answer) or method == "HEAD")
        self.assertEqual(len(self._events()), count)

    def test_one_token_one_power(self):
        """Who sees an image address, or that for answers, can do nothing else."""
        own = self.reminder.sudo()
        tokens = {
            "o": own.pixel_token,
            "c": own.token,
            "u": own.stop_token,
            "p": own.page_token,
            "": own.reply_token,
        }
        self.assertEqual(len(set(tokens.values())), 5)
        for power, token in tokens.items():
            for path, letter in (
                (f"/chaser/c/{token}/1", "c"),
                (f"/chaser/u/{token}", "u"),
                (f"/chaser/p/{token}", "p"),
            ):
                with self.subTest(token=power, path=letter):
                    answer = self.url_open(path, allow_redirects=False)
                    self.assertEqual(self._is_invalid(answer), power != letter)
            if power != "u":
                self._hit(f"/chaser/u/{token}", method="POST")
            if power != "o":
                self._hit(f"/chaser/o/{token}.gif")
        self.assertFalse(self._stopped())
        self.assertFalse(self._events("opened"))

    def test_links_of_mails_from_before(self):
        """One token for all, as messages had it before the powers were apart: each link
        goes on doing what it was for, and no more."""
        own = self.reminder.sudo()
        own.write(
            dict.fromkeys(("pixel_token", "stop_token", "reply_token"), own.token)
        )
        self.env.flush_all()
        self.assertEqual(self._hit(f"/chaser/o/{own.token}.gif").content, PIXEL)
        self.assertEqual(self._click().status_code, 302)
        self.assertTrue(self._is_invalid(self.url_open(f"/chaser/p/{own.token}")))
        self._hit(f"/chaser/u/{own.token}", method="POST")
        self.assertTrue(self._stopped())
        self.assertEqual(len(self._events("opened", "clicked", "unsubscribed")), 3)

    def test_users_read_no_token(self):
        """Neither in fields, nor in the kept message, nor where a click led."""
        self._click(1)
        own = self.reminder.sudo()
        names = [name for name in own._fields if name.endswith("token")]
        self.assertGreater(len(names), 4)
        secrets = [own[name] for name in names]
        self.assertTrue(own.body_html and all(secrets))
        for user in (self.accountant, self.env.user):
            for records in (own, own.event_ids, own.campaign_id):
                seen = repr(records.with_user(user).sudo(False).read())
                for secret in (*secrets, "access_token=x"):
                    self.assertNotIn(secret, seen, records._name)
        html = own._restore_tokens(own.body_html)
        for letter, name in (("c", "token"), ("o", "pixel_token"), ("u", "stop_token")):
            self.assertIn(f"/chaser/{letter}/{own[name]}", html)

    def test_access_log_has_no_token(self):
        own = self.reminder.sudo()
        [mask] = [
            one
            for one in logging.getLogger("werkzeug").filters
            if type(one).__name__ == "_NoSecrets"
        ]
        for path, shown in (
            (self.stop, "/chaser/u/removed"),
            (f"/chaser/p/{own.page_token}?lang=ar", "/chaser/p/removed?lang=ar"),
            (
                "/my/invoices/1?access_token=very-secret-token&x=100%25",
                "/my/invoices/1?access_token=removed&x=100%25",
            ),
        ):
            record = logging.makeLogRecord(
                {"msg": '%s - - [%s] "GET %s HTTP/1.1"', "args": ("::1", "now", path)}
            )
            self.assertTrue(mask.filter(record))
            self.assertEqual(
                record.getMessage(), f'::1 - - [now] "GET {shown} HTTP/1.1"'
            )

    def test_stop_page_shows_no_address(self):
        for method in ("GET", "POST"):
            text = self._hit(self.stop, method=method).text
            self.assertIn("f…@alnoor.example", text)
            self.assertNotIn("finance@", text)

    def test_every_path_answers_plainly(self):
        """Also one whose query names what Python calls the first argument."""
        for path in ("/chaser", "/chaser/", self.stop, self.pixel, "/chaser/p/x"):
            for method in ("GET", "POST", "HEAD"):
                with self.subTest(path=path, method=method):
                    answer = self.url_open(f"{path}?self=1", method=method)
                    self.assertLess(answer.status_code, 500)

    def _get_public_routes(self):
        """Rules of ours that nobody has to sign in for."""
        thread = threading.current_thread()
        with patch.object(thread, "dbname", self.env.cr.dbname, create=True):
            rules = list(self.env["ir.http"].routing_map().iter_rules())
        return [
            rule
            for rule in rules
            if rule.endpoint.func.__module__.startswith("odoo.addons.invoice_chaser")
            and rule.endpoint.routing["auth"] in ("none", "public")
        ]

    def test_every_public_route_bounds_the_body(self):
        rules = self._get_public_routes()
        self.assertGreater(len(rules), 8)
        for rule in rules:
            routing = rule.endpoint.routing
            self.assertLessEqual(
                routing.get("max_content_length", 1 << 40), 25_000_000, rule.rule
            )
            self.assertFalse(routing["save_session"], rule.rule)

    def test_chunked_body_is_not_read_whole(self):
        """A body that does not say how long it is ends at the limit."""
        taken = []

        def receive(_events, _service, _token, webhook_request):
            taken.append(len(webhook_request.body))
            return 403

        def chunks():
            for _chunk in range(40):
                yield b"x" * (1 << 17)

        events = type(self.env["chaser.webhook.event"])
        with patch.object(events, "_receive", receive):
            for path in (
                f"/chaser/webhook/mailgun/{'t' * 32}",
                "/chaser",
                "/chaser/p/x",
            ):
                with self.subTest(path=path):
                    answer = self.opener.post(
                        self.base_url() + path,
                        data=chunks(),
                        headers={"Content-Type": "text/plain"},
                        timeout=30,
                    )
                    self.assertIn(answer.status_code, (200, 403, 413))
        self.assertLessEqual(sum(taken), MAX_BODY)

    def test_position_of_a_reminder_without_links(self):
        self.reminder.sudo().link_targets = False
        for position in (0, 1):
            self.assertTrue(self._is_invalid(self._click(position)))
        self.assertFalse(self._events())

    def test_extra_parameters_change_nothing(self):
        """Scanners and mail programs add their own; none leads anywhere else."""
        for query in (
            "utm_source=x&fbclid=y",
            "url=https://evil.example",
            "redirect=//evil.example",
            "token=other",
            "position=2",
            "name=x",
            "self=1",
            "db=other",
            "debug=1",
            "rest=x",
            "%00=%ff",
            "a[]=1&a[]=2",
            "__class__=x",
            "method=POST",
            "lang=ar",
            "session_id=x",
            "x=" + "a" * 9000,
            "args=1&kwargs=2",
            "params=1",
            "endpoint=x",
            "request=1",
        ):
            with self.subTest(query=query[:30]):
                self.assertEqual(
                    self._click(f"1?{query}").headers["Location"], TARGETS[0]
                )
                self.assertEqual(self._hit(f"{self.pixel}?{query}").content, PIXEL)
                self.assertIn("Stop reminders", self._hit(f"{self.stop}?{query}").text)
        self.assertFalse(self._events("unsubscribed"))

    def test_other_methods_and_addresses(self):
        click = f"/chaser/c/{self.token}"
        for path in (
            self.pixel,
            f"{click}/1",
            click,
            "/chaser",
            "/chaser/",
            "/chaser/x",
            "/chaser/c",
            f"{self.stop}/x",
            "/chaser/%00",
        ):
            for method in ("POST", "PUT", "DELETE", "PATCH"):
                with self.subTest(path=path, method=method):
                    self.assertTrue(
                        self._is_invalid(self._hit(path, method=method, data=b"x=1"))
                    )
        for method in ("PUT", "DELETE", "PATCH"):
            self._hit(self.stop, method=method)
        self.assertFalse(self._events())

    def test_options_is_no_click(self):
        """Odoo lets OPTIONS through to every route."""
        for path in (self.pixel, f"/chaser/c/{self.token}/1", self.stop):
            self._hit(path, method="OPTIONS")
        self.assertEqual(
            {verdict for verdict, _reason in self._verdicts()}, {"machine"}
        )
        self.assertFalse(self._stopped())

    def test_odd_bodies_and_headers(self):
        for headers, body in (
            ({"Content-Type": "application/json"}, b"{not json"),
            ({"Content-Type": "multipart/form-data; boundary=x"}, b"--y\r\nbroken"),
            ({"Content-Type": "multipart/form-data"}, b"no boundary"),
            ({"Content-Type": "text/xml"}, b"\xff\xfe"),
            (
                {"Content-Type": "application/x-www-form-urlencoded"},
                b"%ff=%00&self=1&token=x",
            ),
        ):
            with self.subTest(headers=headers):
                self._hit(
                    f"/chaser/u/{BAD_TOKENS['unknown']}",
                    method="POST",
                    headers=headers,
                    data=body,
                )
        for headers in (
            {"User-Agent": ""},
            {"User-Agent": "x" * 5000},
            {"User-Agent": b"caf\xe9 \xff"},
            {"User-Agent": b"nul \x00 inside"},
            {"Accept-Language": "zz;q=a"},
            {"Referer": "javascript:1"},
            {"X-Forwarded-For": "1.2.3.4, ' OR 1=1"},
            {"Range": "bytes=9-1"},
            {"If-None-Match": "*"},
            {"Accept": "application/json"},
        ):
            with self.subTest(headers=headers):
                self.assertEqual(
                    self._click(headers=headers).headers["Location"], TARGETS[0]
                )
                self.assertEqual(self._hit(self.pixel, headers=headers).content, PIXEL)
        self.assertEqual(len(self._events()), 20, "each was stored")
        self.assertLessEqual(
            max(len(event.user_agent or "") for event in self._events()), 500
        )

    # -- what is stored

    def test_open_by_a_person(self):
        self._hit(self.pixel, agent=IPHONE)
        event = self._events()
        self.assertRecordValues(
            event,
            [
                {
                    "event_type": "opened",
                    "source": "pixel",
                    "verdict": "human",
                    "verdict_reason": False,
                    "device_type": "phone",
                    "user_agent": IPHONE,
                    "ip_address": "127.0.0.1",
                    "campaign_id": self.campaign.id,
                    "partner_id": self.customer.id,
                    "company_id": self.company.id,
                    "link_url": False,
                }
            ],
        )
        self.assertLess(
            abs(event.occurred_at - fields.Datetime.now()), timedelta(minutes=1)
        )
        self.assertEqual(self.reminder.status, "opened")

    def test_click_by_a_person(self):
        self._click(2)
        self.assertRecordValues(
            self._events(),
            [
                {
                    "event_type": "clicked",
                    "source": "pixel",
                    "verdict": "human",
                    "device_type": "desktop",
                    "mail_client": "Chrome",
                    "link_url": TARGETS[1],
                    "link_position": 2,
                }
            ],
        )
        self.assertEqual(self.reminder.status, "clicked")

    def test_click_names_the_words_of_the_link(self):
        """As the customer read them, for each link of the message."""
        body = lxml_html.fromstring(self.reminder.body_html)
        links = {
            int(href.rsplit("/", 1)[1]): " ".join(anchor.text_content().split())
            for anchor in body.iter("a")
            if "/chaser/c/" in (href := anchor.get("href") or "")
            and not href.endswith("/0")
        }
        self.assertGreater(len(links), 1)
        self.reminder.sudo().link_targets = [TARGETS[1]] * max(links)
        for position in sorted(links)[:2]:
            self._click(position)
        self.assertEqual(
            {event.link_position: event.link_text for event in self._events()},
            {position: links[position] for position in sorted(links)[:2]},
        )

    def test_devices(self):
        for agent, device in (
            (CHROME, "desktop"),
            (IPHONE, "phone"),
            (IPAD, "tablet"),
            (GMAIL, "other"),
            ("Something/1.0", "other"),
        ):
            self._hit(self.pixel, agent=agent)
            self.assertEqual(self._events()[-1].device_type, device, agent)

    def test_repeated_hits_are_all_kept(self):
        for _time in range(3):
            self._hit(self.pixel)
            self._click(1)
        self.assertEqual((self.reminder.open_count, self.reminder.click_count), (3, 3))
        self.assertEqual(
            (self.campaign.opened_count, self.campaign.clicked_count),
            (1, 1),
            "people, not hits",
        )

    def test_machines(self):
        for expected, options in (
            (("machine", "head"), {"method": "HEAD"}),
            (("machine", "known_agent"), {"agent": "Barracuda Sentinel (EE)"}),
            (("machine", "known_agent"), {"agent": "python-requests/2.31"}),
            (("machine", "no_agent"), {"headers": {"User-Agent": ""}}),
            (("unknown", "privacy_proxy"), {"agent": "Mozilla/5.0"}),
            (("human", "proxy"), {"agent": GMAIL}),
        ):
            with self.subTest(expected=expected):
                self._hit(self.pixel, **options)
                self.assertEqual(self._verdicts()[-1], expected)

    def test_too_soon_after_sending(self):
        self.reminder.sudo().sent_at = fields.Datetime.now()
        self._hit(self.pixel)
        self._click()
        self.assertEqual(self._verdicts(), [("machine", "too_soon")] * 2)
        self.assertEqual(self.reminder.status, "sent")

    def test_hidden_link_unmasks_what_came_with_it(self):
        """A scanner that follows every link also follows the hidden one; so its other
        hits are machine hits as well."""
        self._hit(self.pixel)
        self._click(1)
        before = self._events()[0]
        self.env.cr.execute(
            SQL(
                "UPDATE chaser_event SET occurred_at = occurred_at - interval '1 "
                "hour' WHERE id = %s",
                before.id,
            )
        )
        self._click(0)
        self.assertEqual(
            self._verdicts(),
            [("human", ""), ("machine", "hidden_link"), ("machine", "hidden_link")],
        )

    def test_burst_is_a_scanner(self):
        self._click(1)
        self._click(2)
        self._click(2)
        self.assertEqual(
            self._verdicts(), [("human", "")] * 3, "two links are still a person"
        )
        self._click(3)
        self.assertEqual(self._verdicts(), [("machine", "burst")] * 4)
        self.assertEqual(
            (
                self.campaign.clicked_count,
                self.campaign.machine_clicked_count,
                self.campaign.click_rate,
            ),
            (0, 1, 0.0),
        )

    def test_slow_reader_is_a_person(self):
        for position in (1, 2, 3, 4):
            self._click(position)
            self.env.cr.execute(
                "UPDATE chaser_event SET occurred_at = occurred_at - interval '20 "
                "seconds' WHERE event_type = 'clicked'"
            )
        self.assertEqual(self._verdicts(), [("human", "")] * 4)

    def test_status_never_goes_back(self):
        seen = []

        def look():
            self.env.invalidate_all()
            seen.append(self.reminder.status)

        look()
        self._hit(self.pixel, method="HEAD")
        look()
        self._hit(self.pixel)
        look()
        self._click(1)
        look()
        self._hit(self.pixel)
        look()
        for late in ("sent", "delivered", "opened", "bounced", "deferred", "failed"):
            self.reminder._record_event(late, source="api")
            look()
        self._hit(self.pixel, method="HEAD")
        look()
        self.reminder._record_event("replied", source="gateway")
        look()
        self._pay(self.reminder.line_ids.move_id)
        look()
        self._click(1)
        look()
        self.assertEqual(
            seen,
            ["sent", "sent", "opened", *["clicked"] * 9, "replied", "paid", "paid"],
        )

    def test_rates_count_people(self):
        other = self._sent_campaign(
            self._make_invoice(self._make_customer("Two", "two@customer.example"))
        ).reminder_ids
        other.sudo().write(
            {
                "campaign_id": self.campaign.id,
                "sent_at": self._later(minutes=-10),
                "link_targets": TARGETS,
            }
        )
        self._hit(self.pixel, method="HEAD")
        self._click(1, agent="Mimecast link scan")
        self.assertEqual(
            (self.campaign.open_rate, self.campaign.click_rate), (0.0, 0.0)
        )
        self.assertEqual(
            (self.campaign.machine_opened_count, self.campaign.machine_clicked_count),
            (1, 1),
        )
        for _time in range(2):
            self._hit(f"/chaser/o/{other.sudo().pixel_token}.gif")
        self._hit(f"/chaser/c/{other.sudo().token}/1")
        self.assertEqual(
            (
                self.campaign.sent_count,
                self.campaign.open_rate,
                self.campaign.click_rate,
            ),
            (2, 50.0, 50.0),
        )

    def test_tracking_switched_off(self):
        """Then the mail has neither pixel nor redirect, but still the unsubscribe
        link."""
        self.company.chaser_tracking = False
        campaign = self._campaign(
            self._make_invoice(self._make_customer("Two", "two@customer.example"))
        )
        campaign.action_send()
        [mail] = self._run(FakeTransport()).sent
        self.assertNotIn("/chaser/o/", mail.html)
        self.assertNotIn("/chaser/c/", mail.html + mail.text)
        self.assertIn(f"/chaser/u/{campaign.reminder_ids.sudo().stop_token}", mail.html)

    # -- unsubscribe

    def _stopped(self):
        self.env.invalidate_all()
        return self.env["chaser.suppression"].search(
            [
                ("company_id", "=", self.company.id),
                ("email", "=", "finance@alnoor.example"),
            ]
        )

    def test_looking_at_the_page_changes_nothing(self):
        for method in ("GET", "HEAD"):
            for _time in range(2):
                answer = self._hit(self.stop, method=method)
        answer = self._hit(self.stop)
        self.assertIn("Stop payment reminders?", answer.text)
        self.assertIn("f…@alnoor.example", answer.text)
        self.assertIn(f'<form method="post" action="{self.stop}">', answer.text)
        self.assertFalse(self._stopped())
        self.assertFalse(self._events())

    def test_one_click(self):
        answer = self._hit(
            self.stop,
            method="POST",
            data={"List-Unsubscribe": "One-Click"},
            agent="Google-Gmail",
        )
        self.assertIn("Reminders stopped", answer.text)
        self.assertRecordValues(
            self._stopped(),
            [
                {
                    "reason": "unsubscribed",
                    "reminder_id": self.reminder.id,
                    "is_active": True,
                }
            ],
        )
        self.assertRecordValues(
            self._events(),
            [
                {
                    "event_type": "unsubscribed",
                    "verdict": "human",
                    "user_agent": "Google-Gmail",
                }
            ],
        )
        self.assertIn("no more payment reminders", self.customer.message_ids[0].body)
        self.assertEqual(self.campaign.unsubscribed_count, 1)

    def test_all_forms_of_the_post(self):
        """The page's own button posts nothing; mail programs post urlencoded or
        multipart."""
        one_click = {"List-Unsubscribe": "One-Click"}
        for options in (
            {},
            {"data": one_click},
            {"files": {"List-Unsubscribe": (None, "One-Click")}},
            {"data": b"List-Unsubscribe=One-Click"},
        ):
            with self.subTest(options=options):
                self._hit(self.stop, method="POST", **options)
                self.assertTrue(self._stopped())
                self._stopped().sudo().unlink()

    def test_twice_is_harmless(self):
        for _time in range(3):
            self.assertIn("Reminders stopped", self._hit(self.stop, method="POST").text)
        self.assertEqual(
            (len(self._stopped()), len(self._events("unsubscribed"))), (1, 1)
        )

    def test_again_after_release(self):
        self._hit(self.stop, method="POST")
        self._stopped().with_user(self.accountant).action_release()
        self._hit(self.stop, method="POST")
        self.assertEqual(
            self._stopped().sorted("id").mapped("is_active"), [True, False][::-1]
        )

    def test_page_speaks_the_customers_language(self):
        for language, words, direction in (
            ("en", "Stop payment reminders?", "ltr"),
            ("ar", "هل تريدون إيقاف", "rtl"),
            ("both", "هل تريدون إيقاف", "rtl"),
        ):
            with self.subTest(language=language):
                customer = self._make_customer(
                    language, f"{language}@customer.example", chaser_language=language
                )
                reminder = self._sent_campaign(
                    self._make_invoice(customer)
                ).reminder_ids
                self.assertEqual(reminder.language, language)
                text = self._hit(
                    f"/chaser/u/{reminder.sudo().stop_token}",
                    headers={"Accept-Language": "fr"},
                ).text
                self.assertIn(words, text)
                self.assertIn(f'dir="{direction}"', text)
        done = self._hit(f"/chaser/u/{reminder.sudo().stop_token}", method="POST").text
        self.assertIn("تم إيقاف التذكيرات", done)

    def test_names_are_escaped(self):
        self.company.name = "<b>Bold & Co</b>"
        self.assertIn("&lt;b&gt;Bold &amp; Co", self._hit(self.stop).text)

    def test_unsubscribed_customer_is_held_back(self):
        waiting = self._campaign(
            self._make_invoice(self._make_customer("Two", "finance@alnoor.example"))
        )
        waiting.action_send()
        self._hit(self.stop, method="POST")
        self.company.chaser_contact_interval = 0
        reminder = self._campaign(self._make_invoice()).reminder_ids
        self.assertEqual((reminder.state, reminder.status), ("skipped", "suppressed"))
        self.assertEqual(
            reminder.reason,
            "Reminders to finance@alnoor.example are stopped: see Stopped Addresses.",
        )
        self.assertEqual(
            self._run().sent, [], "what was queued before is stopped as well"
        )
        self.assertEqual(waiting.reminder_ids.reason_code, "suppressed")

    # -- a busy database

    @contextmanager
    def _busy(self, method, error=None):
        def fail(*_args, **_kwargs):
            raise error or psycopg2.errors.LockNotAvailable(
                "canceling statement due to lock timeout"
            )

        with patch.object(type(self.env["chaser.event"]), method, fail):
            yield

    def _collect(self):
        self.env.ref("invoice_chaser.ir_cron_collect_spool").method_direct_trigger()
        self.env.invalidate_all()

    def test_no_response_waits_for_the_database(self):
        """An open asks it nothing, a click only where it leads."""
        with self._busy("_store_hits"), self._busy("_read_facts_of_hits"):
            with self._busy("_find_reminder"):
                self._hit(self.pixel, collect=False)
            self._click(collect=False)
        self.assertFalse(self._events())
        [file] = self.folder.iterdir()
        self.assertEqual(len(file.read_text().splitlines()), 2)
        self._collect()
        self.assertEqual(len(self._events()), 2)

    def test_many_hits_are_stored_together(self):
        """One insert for all of them, whatever their number."""
        Event = self.env["chaser.event"].sudo()
        hits = [
            Event._prepare_hit(
                self.reminder.sudo().pixel_token,
                "opened",
                {
                    "method": "GET",
                    "user_agent": CHROME,
                    "ip": "10.0.0.1",
                    "country": "",
                },
            )
            for _ in range(200)
        ]
        with self.assertQueryCount(2):
            Event._store_hits(hits)
        self.env.invalidate_all()
        self.assertEqual(len(self._events("opened")), 200)

    def test_two_collectors_in_one_folder(self):
        """The second one leaves them to the first."""
        self._hit(self.pixel, collect=False)
        with spool.collecting(self.folder) as mine:
            self.assertTrue(mine)
            self.assertFalse(self.env["chaser.event"].sudo()._collect_hits())
        self.assertFalse(self._events())
        self._collect()
        self.assertEqual(len(self._events()), 1)

    def test_busy_database_loses_no_hit(self):
        for error in (
            psycopg2.errors.LockNotAvailable("lock"),
            psycopg2.errors.QueryCanceled("statement timeout"),
            psycopg2.OperationalError("gone"),
            psycopg2.errors.SerializationFailure("concurrent update"),
            psycopg2.errors.DeadlockDetected("deadlock"),
        ):
            with self.subTest(error=type(error).__name__):
                known = self._events()
                with self._busy("_store_hits", error):
                    answer = self._hit(self.pixel, agent=IPHONE, collect=False)
                    self.assertEqual(answer.content, PIXEL)
                    answer = self._click(2, collect=False)
                    self.assertEqual(answer.headers["Location"], TARGETS[1])
                    with self.assertRaises(type(error)):
                        self.env["chaser.event"].sudo()._collect_hits()
                self.assertEqual(self._events(), known)
                [file] = self.folder.iterdir()
                kept = file.read_text()
                for _run in range(2):
                    self._collect()
                    self.assertFalse(list(self.folder.iterdir()))
                    self.assertRecordValues(
                        self._events() - known,
                        [
                            {
                                "event_type": "opened",
                                "verdict": "human",
                                "device_type": "phone",
                                "link_url": False,
                            },
                            {
                                "event_type": "clicked",
                                "verdict": "human",
                                "device_type": "desktop",
                                "link_url": TARGETS[1],
                            },
                        ],
                    )
                # the process died after it had stored the hits and before the file was
                # gone
                (self.folder / "1.jsonl").write_text(kept)
                self._collect()
                self.assertEqual(len(self._events() - known), 2)
                self.assertFalse(list(self.folder.iterdir()))

    def test_hit_keeps_its_own_time(self):
        """Stored an hour later it is still judged and dated by when it came."""
        self.reminder.sudo().sent_at = fields.Datetime.now()
        self._hit(self.pixel, collect=False)
        [file] = self.folder.iterdir()
        self.env["chaser.event"].flush_model()
        with patch.object(
            fields.Datetime, "now", lambda: self.reminder.sent_at + timedelta(hours=1)
        ):
            self._collect()
        self.assertEqual(self._verdicts(), [("machine", "too_soon")])
        self.assertLess(
            self._events().occurred_at - self.reminder.sent_at, timedelta(minutes=1)
        )

    def test_collecting_passes_over_rubbish(self):
        self._hit(self.pixel, collect=False)
        [file] = self.folder.iterdir()
        hit = file.read_text()
        file.write_text(
            "torn {line\n\n"
            + hit.replace(self.reminder.sudo().pixel_token, BAD_TOKENS["unknown"])
            + hit
            + '"text"\n{}\n[1]\n{"token": null}\n'
        )
        self._collect()
        self.assertEqual(self._verdicts(), [("human", "")])
        self.assertFalse(list(self.folder.iterdir()))

    def test_unknown_tokens_are_not_kept(self):
        """The disk cannot be filled with made-up tokens: those of images are gone with
        the next look, a second later; those of links are never written."""
        self._hit(f"/chaser/c/{BAD_TOKENS['unknown']}/1", collect=False)
        self._click(77, collect=False)
        self.assertFalse(list(self.folder.iterdir()))
        self._hit(f"/chaser/o/{BAD_TOKENS['unknown']}.gif")
        self.assertFalse(list(self.folder.iterdir()))
        self.assertFalse(self._events())

    @contextmanager
    def _full_disk(self):
        with patch.object(
            type(self.env["chaser.event"]),
            "_get_spool_folder",
            lambda _self: Path("/dev/null/x"),
        ):
            yield

    def test_a_full_disk_loses_no_hit(self):
        with self._full_disk():
            self.assertEqual(self._hit(self.pixel, collect=False).content, PIXEL)
            self.assertEqual(self._click(collect=False).status_code, 302)
        self.assertEqual(len(self._events()), 2)

    def test_nothing_works_but_the_answer(self):
        """Neither the database nor the disk can store it."""
        with self._busy("_find_reminder"), self._busy("_store_hits"), self._full_disk():
            with self.assertLogs("odoo.addons.invoice_chaser", "WARNING") as logs:
                self.assertEqual(self.url_open(self.pixel).content, PIXEL)
                self.assertTrue(
                    self._is_invalid(self.url_open(f"/chaser/c/{self.token}/1"))
                )
        self.assertEqual(len(logs.output), 2)
        self.assertTrue(all("it is lost" in line for line in logs.output))

    def test_unforeseen_error_is_answered(self):
        for method, path in (
            ("_register_hit", self.pixel),
            ("_register_hit", f"/chaser/c/{self.token}/1"),
            ("_get_unsubscribe_facts", self.stop),
        ):
            with (
                self.subTest(method=method, path=path),
                self._busy(method, RuntimeError("nobody foresaw it")),
            ):
                self._hit(path)
        with self._busy("_unsubscribe", RuntimeError("nobody foresaw it")):
            self._hit(self.stop, method="POST")

    def test_busy_database_loses_no_unsubscription(self):
        """A customer who unsubscribes is unsubscribed, only some minutes later."""
        with patch.object(
            type(self.env["chaser.suppression"]),
            "_suppress",
            side_effect=psycopg2.errors.SerializationFailure("concurrent update"),
        ):
            self.assertIn(
                "Reminders stopped",
                self._hit(
                    self.stop, method="POST", data={"List-Unsubscribe": "One-Click"}
                ).text,
            )
        self.assertFalse(self._stopped())
        with patch.object(
            type(self.env["chaser.suppression"]),
            "_suppress",
            side_effect=psycopg2.errors.LockNotAvailable("lock"),
        ):
            with patch.object(
                type(self.env["chaser.event"]),
                "_get_spool_folder",
                lambda _self: Path("/dev/null/x"),
            ):
                self.assertNotIn(
                    "Reminders stopped",
                    self._hit(self.stop, method="POST", quiet=False).text,
                    "no promise that is not kept",
                )
        for _run in range(2):
            self._collect()
            self.assertEqual(self._stopped().reason, "unsubscribed")
            self.assertEqual(len(self._events("unsubscribed")), 1)
        self.assertFalse(list(self.folder.iterdir()))
