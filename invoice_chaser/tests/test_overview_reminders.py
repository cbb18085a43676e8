"""What happened after reminders, what runs and what waits: each figure with its
calculation, on the ledger of `overview_common`."""

from datetime import datetime, timedelta

from odoo import fields
from odoo.tests import tagged

from .overview_common import OverviewCase


@tagged("post_install", "-at_install")
class TestOverviewReminders(OverviewCase):
    """Four reminders, sent at noon in Dubai:

    == ========= ====== == ============== ==========================================
    R0 10 March  polite ar B 600          B's payment of 17 March is R2's
    R1 2 March   polite en A 1000         A is paid on 12 March, after 10 days
    R2 15 March  firm   en B 600, F 270   200 of B are paid on 17 March, after 2 days
    R3 15 April  polite ar C 900          5 days ago
    == ========= ====== == ============== ==========================================
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.polite = cls.env.ref("invoice_chaser.chaser_level_polite")
        cls.firm = cls.env.ref("invoice_chaser.chaser_level_firm")
        cls.r0 = cls._make_sent(10, 3, cls.polite, "ar", {cls.b: 600})
        cls.r1 = cls._make_sent(2, 3, cls.polite, "en", {cls.a: 1000})
        cls.r2 = cls._make_sent(15, 3, cls.firm, "en", {cls.b: 600, cls.f: 270})
        cls.r3 = cls._make_sent(15, 4, cls.polite, "ar", {cls.c: 900})

    @classmethod
    def _make_sent(cls, day, month, level, language, items, **values):
        return (
            cls.env["chaser.reminder"]
            .sudo()
            .create(
                {
                    "company_id": cls.company.id,
                    "partner_id": next(iter(items)).partner_id.id,
                    "provider_id": cls.provider.id,
                    "level_id": level.id,
                    "language": language,
                    "state": "sent",
                    "sent_at": datetime(2025, month, day, 8),
                    "line_ids": [
                        fields.Command.create(
                            {
                                "company_id": cls.company.id,
                                "move_line_id": cls._receivable(move).id,
                                "move_id": move.id,
                                "currency_id": cls.company.currency_id.id,
                                "amount_residual": amount,
                                "amount_company": amount,
                            }
                        )
                        for move, amount in items.items()
                    ],
                    **values,
                }
            )
        )

    def _windows(self, row):
        return {one["days"]: one for one in row["windows"]}

    def test_collected_counts_for_the_last_reminder(self):
        """Within 7 days: the 200 of B. Within 14 and 30 also A's 1000."""
        windows = self._windows(self._read()["reminders"])
        self.assertEqual(
            {days: one["collected"] for days, one in windows.items()},
            {7: 200, 14: 1200, 30: 1200},
        )

    def test_share_is_of_reminders_whose_days_are_over(self):
        """R3 is 5 days old: 1200 of 600 + 1000 + 870."""
        windows = self._windows(self._read()["reminders"])
        self.assertAlmostEqual(windows[14]["share"], 100 * 1200 / 2470)
        self.assertAlmostEqual(windows[7]["share"], 100 * 200 / 2470)

    def test_credit_notes_are_no_collection(self):
        """The credit note of 50 on B came ten days after R2; only money counts."""
        firm = self._levels()[self.firm.id]
        self.assertEqual(self._windows(firm)[14]["collected"], 200)

    def _levels(self):
        return {row["id"]: row for row in self._read()["reminders"]["by_level"]}

    def test_by_level(self):
        """Polite: R0, R1, R3; of the two that are older than 14 days one was followed
        by a payment. Firm: R2."""
        levels = self._levels()
        polite, firm = levels[self.polite.id], levels[self.firm.id]
        self.assertEqual((polite["sent"], polite["ripe"], polite["hits"]), (3, 2, 1))
        self.assertEqual((firm["sent"], firm["ripe"], firm["hits"]), (1, 1, 1))
        self.assertAlmostEqual(self._windows(polite)[14]["share"], 100 * 1000 / 1600)
        # Wilson, 1 of 2: (0.5 + 0.9604 ± 1.96 × √(0.125 + 0.2401)) / 2.9208
        self.assertAlmostEqual(polite["hit_low"], 9.45, 2)
        self.assertAlmostEqual(polite["hit_high"], 90.55, 2)
        self.assertEqual(polite["name"], self.polite.name)

    def test_by_language_and_channel(self):
        reminders = self._read()["reminders"]
        languages = {row["key"]: row for row in reminders["by_language"]}
        self.assertEqual(languages["ar"]["hits"], 0)
        self.assertEqual(languages["en"]["hits"], 2)
        [email] = reminders["by_channel"]
        self.assertEqual((email["key"], email["sent"]), ("email", 4))

    def test_paid_on_the_day_of_the_reminder(self):
        """It may have been on its way before: it counts for R2, two days earlier."""
        self._make_sent(17, 3, self.firm, "both", {self.b: 400})
        languages = {
            row["key"]: row for row in self._read()["reminders"]["by_language"]
        }
        self.assertEqual(languages["both"]["hits"], 0)
        self.assertEqual(
            self._windows(self._levels()[self.firm.id])[7]["collected"], 200
        )

    def test_dropped_items_and_other_messages_do_not_count(self):
        """What was taken out of a message asked for nothing; a thank-you asks for
        nothing either."""
        self._make_sent(16, 3, self.firm, "both", {self.b: 400}, purpose="thanks")
        dropped = self._make_sent(16, 3, self.firm, "both", {self.b: 400})
        dropped.line_ids.dropped_code = "paid"
        self.assertEqual(
            self._windows(self._levels()[self.firm.id])[7]["collected"], 200
        )

    def test_saved(self):
        """Five invoices in four messages; a minute each by hand."""
        reminders = self._read()["reminders"]
        self.assertEqual((reminders["moves"], reminders["sent"]), (5, 4))
        self.assertEqual(reminders["saved"], 1)
        self.assertAlmostEqual(reminders["hours_saved"], 5 / 60)
        self.company.chaser_minutes_per_message = 3
        self.assertAlmostEqual(self._read()["reminders"]["hours_saved"], 15 / 60)

    def test_a_shorter_period(self):
        """Three months begin on 1 February; a reminder of January is not in them."""
        self._make_sent(20, 1, self.polite, "en", {self.f: 300})
        self.assertEqual(self._read(period=3)["reminders"]["sent"], 4)
        self.assertEqual(self._read(period=6)["reminders"]["sent"], 5)

    def test_some_customers(self):
        self.other.user_id = self.accountant
        self.assertEqual(self._read(user=self.accountant.id)["reminders"]["sent"], 1)

    def test_events_count_messages_and_people(self):
        """R1: opened twice by a person, once by a machine; clicked by a machine;
        answered. One message each, in the week of Monday 3 March."""
        for kind, verdict in (
            ("opened", "human"),
            ("opened", "unknown"),
            ("opened", "machine"),
            ("clicked", "machine"),
            ("replied", None),
        ):
            self.env["chaser.event"].sudo().create(
                {
                    "reminder_id": self.r1.id,
                    "company_id": self.company.id,
                    "partner_id": self.customer.id,
                    "event_type": kind,
                    "verdict": verdict,
                    "source": "pixel",
                    "occurred_at": datetime(2025, 3, 4, 9),
                }
            )
        events = self._read()["events"]
        weeks = {one["date"]: one for one in events["series"]}
        self.assertEqual(
            weeks["2025-03-03"],
            {
                "date": "2025-03-03",
                "sent": 0,
                "opened": 1,
                "clicked": 0,
                "replied": 1,
                "bounced": 0,
            },
        )
        self.assertEqual(events["machines"], {"opened": 1, "clicked": 1})
        # R1 was sent on Sunday, 2 March.
        self.assertEqual(weeks["2025-02-24"]["sent"], 1)

    def test_report_agrees(self):
        """The analysis of reminders has the same sums, message by message."""
        rows = (
            self.env["chaser.reminder.report"]
            .with_user(self.accountant)
            .search([("company_id", "=", self.company.id)])
        )
        found = {row.reminder_id: row for row in rows}
        self.assertEqual(
            {
                reminder: (row.amount_company, row.amount_collected)
                for reminder, row in found.items()
            },
            {
                self.r0: (600, 0),
                self.r1: (1000, 1000),
                self.r2: (870, 200),
                self.r3: (900, 0),
            },
        )
        self.assertEqual(sum(rows.mapped("message_count")), 4)
        self.assertEqual(found[self.r2].item_count, 2)

    def test_reports_by_customer_tag(self):
        """A customer with two tags counts with each of them, one without any apart."""
        Tag = self.env["res.partner.category"]
        vip, retail = Tag.create({"name": "VIP"}), Tag.create({"name": "Retail"})
        tagged_one = self.r1.partner_id
        tagged_one.category_id = vip | retail
        sent = self.r0 | self.r1 | self.r2 | self.r3
        mine = len(sent.filtered(lambda one: one.partner_id == tagged_one))
        rows = (
            self.env["chaser.reminder.report"]
            .with_user(self.accountant)
            .formatted_read_group(
                [("company_id", "=", self.company.id)],
                ["category_ids"],
                ["message_count:sum"],
            )
        )
        self.assertEqual(
            {
                row["category_ids"] and row["category_ids"][0]: row["message_count:sum"]
                for row in rows
                if row["message_count:sum"]
            },
            {vip.id: mine, retail.id: mine} | ({False: 4 - mine} if mine < 4 else {}),
        )
        self.env["chaser.event"].sudo().create(
            {
                "reminder_id": self.r1.id,
                "company_id": self.company.id,
                "event_type": "clicked",
                "source": "pixel",
            }
        )
        for model in ("chaser.event.report", "chaser.receivable.report"):
            Model = self.env[model].with_user(self.accountant)
            self.assertTrue(
                Model.fields_get(["category_ids"])["category_ids"]["groupable"]
            )
            groups = Model.formatted_read_group([], ["category_ids"], ["__count"])
            by_tag = {
                group["category_ids"] and group["category_ids"][0]: group["__count"]
                for group in groups
            }
            mine = Model.search_count([("partner_id", "=", tagged_one.id)])
            self.assertEqual(
                (by_tag.get(vip.id, 0), by_tag.get(retail.id, 0)), (mine, mine), model
            )

    def test_event_report(self):
        """A click on Tuesday, 4 March at 22:00 UTC is Wednesday's in Dubai."""
        event = (
            self.env["chaser.event"]
            .sudo()
            .create(
                {
                    "reminder_id": self.r1.id,
                    "company_id": self.company.id,
                    "event_type": "clicked",
                    "source": "pixel",
                    "occurred_at": datetime(2025, 3, 4, 22),
                }
            )
        )
        row = self.env["chaser.event.report"].browse(event.id)
        self.assertEqual((row.weekday, row.language), ("3", "en"))
        self.assertEqual(row.level_id, self.polite)

    def test_links(self):
        link = self.env["chaser.overview.link"].with_user(self.accountant)
        for key, wanted in (
            (None, self.r0 + self.r1 + self.r2 + self.r3),
            (self.firm.id, self.r2),
            ("ar", self.r0 + self.r3),
        ):
            action = link.open_figure("reminders", key, {})
            self.assertEqual(
                self.env["chaser.reminder"].search(action["domain"]), wanted.sorted()
            )
        everyone = (self.r0 + self.r1 + self.r2 + self.r3).sorted()
        for key, wanted in (("email", everyone), ("post", everyone.browse())):
            action = link.open_figure("channel", key, {})
            self.assertEqual(
                self.env["chaser.reminder"].search(action["domain"]), wanted
            )


@tagged("post_install", "-at_install")
class TestOverviewToday(OverviewCase):
    def _promise(self, state, amount=0, moves=None, days_ago=1):
        promise = self.env["chaser.promise"].create(
            {
                "company_id": self.company.id,
                "partner_id": self.customer.id,
                "date_promised": self.today + timedelta(days=5),
                "amount": amount,
                "move_ids": [fields.Command.set(moves.ids if moves else [])],
            }
        )
        promise.sudo().write(
            {
                "state": state,
                "settled_at": state != "open"
                and fields.Datetime.now() - timedelta(days=days_ago),
            }
        )
        return promise

    def test_promises(self):
        """Kept 100, partly 50, broken B (550 after the credit note: its item of 600),
        open 70. Kept: 1 of 3; 100 of 750."""
        self._promise("kept", 100)
        self._promise("partly", 50)
        self._promise("broken", moves=self.b)
        self._promise("open", 70)
        promises = self._read()["promises"]
        self.assertEqual(promises["kept"], {"number": 1, "amount": 100})
        self.assertEqual(promises["partly"], {"number": 1, "amount": 50})
        self.assertEqual(promises["broken"], {"number": 1, "amount": 600})
        self.assertEqual(promises["open"]["number"], 1)
        self.assertAlmostEqual(promises["kept_share"], 100 / 3)
        self.assertAlmostEqual(promises["kept_amount_share"], 100 * 100 / 750)

    def test_disputes(self):
        """500 of the 3,050 that were invoiced since 1 November: 300 + 1000 + 600 + 850
        + 400."""
        self.env["chaser.dispute"].create(
            {
                "company_id": self.company.id,
                "partner_id": self.customer.id,
                "reason": "Damaged",
                "amount": 500,
                "move_ids": [fields.Command.set(self.b.ids)],
            }
        )
        disputes = self._read()["disputes"]
        self.assertEqual(disputes["open"], {"number": 1, "amount": 500})
        self.assertAlmostEqual(disputes["share"], 100 * 500 / 3150)

    def _needs(self):
        return {one["kind"]: one["number"] for one in self._read()["needs"]}

    def _open_need(self, kind):
        action = (
            self.env["chaser.overview.link"]
            .with_user(self.accountant)
            .open_figure("need", kind, {})
        )
        return (
            self.env[action["res_model"]]
            .with_user(self.accountant)
            .search(action["domain"])
        )

    def test_nothing_waits(self):
        self.assertEqual(self._needs(), {})

    def test_each_thing_that_waits_is_counted_and_found(self):
        """One of each kind: the number is that of the records behind its button."""
        self._make_waiting()
        needs = self._needs()
        self.assertEqual(
            set(needs),
            {
                "undecided",
                "mailboxes",
                "answers",
                "unmatched",
                "maybe_paid",
                "broken",
                "approvals",
                "stopped",
            },
        )
        for kind, number in needs.items():
            self.assertEqual(number, 1, kind)
            self.assertEqual(len(self._open_need(kind)), 1, kind)

    def _make_waiting(self):
        mine = {"company_id": self.company.id, "partner_id": self.customer.id}
        self.env["chaser.reminder"].sudo().create(
            {**mine, "state": "failed", "is_undecided": True}
        )
        self.provider._set_state("expired")
        self.env["chaser.hold"].sudo().create(
            {**mine, "code": "reply", "source": "mail"}
        )
        self.env["chaser.inbound"].sudo().create(
            {
                "company_id": self.company.id,
                "mail_key": "<x@y>",
                "kind": "reply",
                "state": "unmatched",
            }
        )
        self.env["chaser.maybe.paid"].sudo().create(
            {
                **mine,
                "source_key": "line-1",
                "state": "open",
            }
        )
        self._promise("broken")
        self._promise("broken", days_ago=40)
        self.env["chaser.campaign"].sudo().create(
            {"name": "Waits", "company_id": self.company.id}
        )
        self.env["chaser.suppression"].create(
            {"email": self.customer.email, "company_id": self.company.id}
        )

    def test_a_customer_with_another_address_is_not_stopped(self):
        self.env["chaser.suppression"].create(
            {"email": self.customer.email, "company_id": self.company.id}
        )
        self.assertEqual(self._needs(), {"stopped": 1})
        self.env["res.partner"].create(
            {
                "name": "Accounts",
                "parent_id": self.customer.id,
                "type": "invoice",
                "email": "accounts@alnoor.example",
            }
        )
        self.assertEqual(self._needs(), {})

    def test_mailboxes(self):
        """A quota of 10, two kept for the person, one sent an hour ago: 7 are left."""
        self.provider.write({"daily_quota": 10, "daily_reserve": 2})
        self.env["chaser.reminder"].sudo().create(
            {
                "company_id": self.company.id,
                "partner_id": self.customer.id,
                "provider_id": self.provider.id,
                "state": "sent",
                "attempted_at": fields.Datetime.now() - timedelta(hours=1),
            }
        )
        [mailbox] = self._read()["mailboxes"]
        self.assertEqual((mailbox["used"], mailbox["left"]), (1, 7))
        self.assertTrue(mailbox["is_well"])
        self.provider.daily_quota = self.provider.daily_reserve = 0
        [mailbox] = self._read()["mailboxes"]
        self.assertIsNone(mailbox["left"])
        self.provider._set_state("expired")
        [mailbox] = self._read()["mailboxes"]
        self.assertFalse(mailbox["is_well"])

    def test_campaigns_that_run(self):
        campaign = (
            self.env["chaser.campaign"]
            .sudo()
            .create({"name": "April", "company_id": self.company.id})
        )
        campaign.sudo().write({"state": "sending"})
        for state, partner in (
            ("sent", self.customer),
            ("queued", self.other),
            ("skipped", self.other),
        ):
            self.env["chaser.reminder"].sudo().create(
                {
                    "company_id": self.company.id,
                    "campaign_id": campaign.id,
                    "partner_id": partner.id,
                    "state": state,
                }
            )
        [row] = self._read()["campaigns"]
        self.assertEqual((row["total"], row["sent"], row["failed"]), (2, 1, 0))

    def test_sample_of_an_empty_company(self):
        """Marked as one, and in the shape of true figures."""
        real = self._read()
        empty = self._create_company(name="Empty")
        self.accountant.company_ids += empty
        read = (
            self.env["chaser.overview"]
            .with_user(self.accountant)
            .with_context(allowed_company_ids=empty.ids)
            .read_overview({})
        )
        self.assertTrue(read["is_sample"])
        self.assertFalse(real["is_sample"])
        self.assertGreater(read["receivables"]["now"]["overdue"], 0)
        self.assertEqual(self._shape(read), self._shape(real))

    def _shape(self, value):
        if isinstance(value, dict):
            return {key: self._shape(part) for key, part in value.items()}
        return type(value) is list
