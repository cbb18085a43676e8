"""The simulator is the real run: what it says for 30 days is what 30 days of daily runs
and mailbox jobs do under a frozen clock."""

from datetime import date, datetime, time, timedelta
from unittest.mock import patch

import freezegun
import pytz

from odoo import fields
from odoo.fields import Command
from odoo.tests import tagged

from .common import FakeTransport
from .test_daily import DailyCase

DUBAI = pytz.timezone("Asia/Dubai")
START = date(
    2026, 11, 20
)  # a Friday, which ends at 11:30; National Day is on 2 and 3 December
# 11:27: on Fridays three minutes are left, so that the limit per domain decides about
# days
HOUR = 11.45
DAYS = 30


@tagged("post_install", "-at_install")
class TestEquality(DailyCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.today = START
        cls.company.write(
            {
                "chaser_daily_hour": HOUR,
                "chaser_daily_approval": False,
                "chaser_contact_interval": 5,
                "chaser_provider_mode": "spread",
                "chaser_window_enabled": True,
                "chaser_window_zone": "customer",
                "country_id": cls.env.ref("base.ae").id,
            }
        )
        cls.provider.write({"per_domain_minute": 1, "batch_pause": 3})
        cls.second = cls.env["chaser.provider"].create(
            {
                "company_id": cls.company.id,
                "kind": "smtp",
                "email": "second@pop.example",
                "smtp_host": "127.0.0.1",
                "smtp_port": 1,
                "smtp_encryption": "none",
                "per_domain_minute": 0,
                "batch_pause": 3,
                "per_minute": 0,
                "jitter_min": 0,
                "jitter_max": 0,
                "daily_quota": 3,
            }
        )
        cls.second._set_state("connected")

    def _make_world(self):
        """Customers for every rule: old and young items, notices, tags, holds,
        promises, pauses, credits, other countries."""
        self._make_policies()
        for number, days in enumerate(
            (40, 12, 1, -3, -9, -20, 61, 29, 14, -1, 16, 90, 3, 11, -14)
        ):
            self._make_invoice(
                self._make_person(number % 9), amount=500 + 100 * number, days=days
            )
        for number in range(8):  # all at one domain
            self._make_invoice(
                self._make_person(f"big{number}", "big.example"),
                amount=100 + number,
                days=11 - number,
            )
        self._make_exceptions()
        known = self._make_invoice(self._make_person("known"), days=40)
        with (
            self._clock(START - timedelta(days=6)),
            patch.object(type(self.company), "_get_window_book", lambda _company: None),
        ):
            self._sent_campaign(
                known,
                provider_id=self.second.id,
                provider_mode="fixed",
                level_id=self.env.ref("invoice_chaser.chaser_level_polite").id,
            )

    def _sent_campaign(self, invoices, **values):
        campaign = self._campaign(invoices, **values)
        campaign.action_send()
        self._run(FakeTransport(), campaign.provider_id)
        self.assertEqual(campaign.state, "completed")

    def _make_person(self, name, domain=None, **values):
        email = f"{name}@{domain or f'd{name}.example'}"
        return self.env["res.partner"].search(
            [("email", "=", email)]
        ) or self._make_customer(f"W {name}", email, **values)

    def _make_policies(self):
        """A ladder with a notice before the due date for everybody, a hasty one by tag,
        whose second level a person approves."""
        standard = self.env.ref("invoice_chaser.chaser_policy_standard")
        template = {
            "template_id": self.env["chaser.template"]
            ._get_default("invoice_reminder", self.company)
            .id
        }
        self.env["chaser.level"].create(
            {
                "name": "Soon due",
                "policy_id": standard.id,
                "sequence": 1,
                "days_overdue": -3,
                "min_days": 0,
                "tone": "friendly",
                **template,
            }
        )
        first = {
            "name": "First",
            "sequence": 10,
            "days_overdue": 1,
            "min_days": 0,
            "repeat_days": 4,
            **template,
        }
        second = {
            "name": "Second",
            "sequence": 20,
            "days_overdue": 8,
            "min_days": 3,
            "tone": "urgent",
            "requires_approval": True,
            "repeat_days": 9,
        }
        hasty = self.env["chaser.policy"].create(
            {
                "name": "Hasty",
                "company_id": self.company.id,
                "level_ids": [Command.create(first), Command.create(second | template)],
            }
        )
        self.tag = self.env["res.partner.category"].create({"name": "Hasty payers"})
        self.tag.with_company(self.company).chaser_policy_id = hasty

    def _make_exceptions(self):
        Hold = self.env["chaser.hold"].with_company(self.company)
        for number in range(3):
            self._make_invoice(
                self._make_person(
                    f"tag{number}", category_id=[Command.set(self.tag.ids)]
                ),
                days=3 * number,
            )
        held = self._make_invoice(self._make_person("held"), days=20)
        Hold.create(
            {
                "partner_id": held.partner_id.id,
                "code": "manual",
                "date_until": START + timedelta(days=9),
                "company_id": self.company.id,
            }
        )
        partly = self._make_invoice(self._make_person("partly"), days=20)
        self._make_invoice(partly.partner_id, days=4)
        Hold.create(
            {
                "partner_id": partly.partner_id.id,
                "code": "manual",
                "date_until": START + timedelta(days=12),
                "company_id": self.company.id,
                "move_ids": [Command.set(partly.ids)],
            }
        )
        self._make_promises()
        paused = self._make_invoice(self._make_person("paused"), days=20).partner_id
        paused.with_company(self.company).chaser_paused_until = START + timedelta(
            days=8
        )
        single = self._make_person("single")
        single.with_company(self.company).consolidation_preference = "disabled"
        for days in (3, 5, -2):
            self._make_invoice(single, days=days, amount=70)
        credit = self._make_person("credit")
        self._make_invoice(credit, days=9)
        self._make_invoice(credit, days=30, amount=200, move_type="out_refund")
        self._make_invoice(
            self._make_person(
                "london", country_id=self.env.ref("base.uk").id, tz="Europe/London"
            ),
            days=8,
        )
        self._make_invoice(
            self._make_person(
                "sharjah",
                country_id=self.env.ref("base.ae").id,
                state_id=self.env.ref("base.state_ae_sh").id,
            ),
            days=14,
        )
        self._make_invoice(
            self._make_person("riyadh", country_id=self.env.ref("base.sa").id), days=2
        )
        self._make_invoice(self._make_customer("No mail", False))

    def _make_promises(self):
        """One about an invoice that was written about before, one of a customer about
        everything, one kept in part."""
        Promise = self.env["chaser.promise"]
        first = self._make_invoice(self._make_person("promised"), days=12)
        with (
            self._clock(START - timedelta(days=7)),
            patch.object(type(self.company), "_get_window_book", lambda _company: None),
        ):
            self._sent_campaign(first)
        whole, half = (
            self._make_invoice(self._make_person(name), days=18)
            for name in ("whole", "half")
        )
        with self._clock(START - timedelta(days=1)):
            Promise._promise(
                self.company, first.partner_id, START + timedelta(days=3), first
            )
            Promise._promise(self.company, whole.partner_id, START + timedelta(days=5))
            Promise._promise(
                self.company, half.partner_id, START + timedelta(days=2), half
            )
            self._pay(half, 300)

    # -- the two ways

    def _clock(self, day):
        return freezegun.freeze_time(self._moment(day))

    def _moment(self, day, hour=HOUR):
        return (
            DUBAI.localize(datetime.combine(day, time(int(hour), round(hour % 1 * 60))))
            .astimezone(pytz.utc)
            .replace(tzinfo=None)
        )

    def _simulate(self):
        with self._clock(START):
            simulation = (
                self.env["chaser.simulation"]
                .with_user(self.accountant)
                .browse(
                    self.env["chaser.simulation"]
                    .with_user(self.accountant)
                    .create({"company_id": self.company.id, "days": DAYS})
                    .action_simulate()["res_id"]
                )
            )
        return simulation, sorted(
            (
                line.date,
                line.partner_id.name,
                line.level_name,
                line.provider_id.email,
                tuple(sorted(line.item_ids)),
            )
            for line in simulation.line_ids
            if line.kind == "message"
        )

    def _live(self):
        """Each job at the moment for which it was asked: the daily run at its hour,
        mailboxes when the scheduler's triggers say."""
        with freezegun.freeze_time(self._moment(START)) as clock:
            self.env["ir.cron.trigger"].search([]).unlink()
            for number in range(DAYS):
                clock.move_to(self._moment(START + timedelta(days=number)))
                before = self.env["chaser.daily.run"].search([])
                run = self._run_daily() - before
                run.campaign_ids.filtered(
                    lambda campaign: campaign.state == "draft"
                ).action_send()
                last = number == DAYS - 1
                self._send_until(
                    clock,
                    self._moment(
                        START + timedelta(days=number + 1), 0 if last else HOUR
                    ),
                )
        sent = self.env["chaser.reminder"].search(
            [
                ("company_id", "=", self.company.id),
                ("state", "=", "sent"),
                ("campaign_id.daily_run_id", "!=", False),
            ]
        )
        return sorted(
            (
                self._day(one.sent_at),
                one.partner_id.name,
                one.level_id.name,
                one.provider_id.email,
                tuple(
                    sorted(
                        line.move_line_id.id
                        for line in one.line_ids
                        if not line.is_credit and not line.dropped_code
                    )
                ),
            )
            for one in sent
        )

    def _day(self, moment):
        return pytz.utc.localize(moment).astimezone(DUBAI).date()

    def _send_until(self, clock, end):
        crons = {
            provider.sudo().cron_id: provider
            for provider in self.provider | self.second
        }
        start = fields.Datetime.now()
        while trigger := self.env["ir.cron.trigger"].search(
            [("cron_id", "in", [cron.id for cron in crons]), ("call_at", "<", end)],
            order="call_at, id",
            limit=1,
        ):
            cron = trigger.cron_id
            clock.move_to(max(trigger.call_at, start))
            self.env["ir.cron.trigger"].search(
                [("cron_id", "=", cron.id), ("call_at", "<=", fields.Datetime.now())]
            ).unlink()
            self._run_paced(crons[cron], clock)

    def _run_paced(self, provider, clock):
        """One run of a mailbox's job in which the pauses take their time."""
        self.env.flush_all()
        with (
            self.enter_registry_test_mode(),
            patch.object(
                type(provider), "_get_transport__", lambda _self: FakeTransport()
            ),
            patch.object(
                type(provider),
                "_pause",
                lambda _self, seconds: clock.tick(timedelta(seconds=seconds)),
            ),
            patch.object(
                type(provider), "_start_alarm", lambda _self, _seconds, _dbname: None
            ),
        ):
            provider.sudo().cron_id.method_direct_trigger()
        self.env.invalidate_all()

    def test_thirty_days(self):
        self._make_world()
        simulation, expected = self._simulate()
        lines = simulation.line_ids.filtered(lambda line: line.kind == "message")
        self.assertGreater(len(expected), 60)
        self.assertEqual(
            {"domain", "window", "day"} - set(lines.mapped("delayed_by")),
            set(),
            "every kind of limit binds",
        )
        self.assertEqual(set(lines.provider_id), {self.provider, self.second})
        self.assertIn("level_broken", lines.mapped("reason_code"))
        self.assertIn("Soon due", lines.mapped("level_name"))
        self.assertTrue(
            lines.filtered("needs_approval")
            and lines.filtered(lambda line: not line.needs_approval)
        )
        self.assertFalse(
            {date(2026, 12, 2), date(2026, 12, 3)}
            & set(
                lines.filtered(
                    lambda line: line.partner_id.country_id.code != "GB"
                ).mapped("date")
            )
        )
        self.assertFalse(
            {line.planned_on.weekday() for line in lines} & {5, 6},
            "no plan at the weekend",
        )
        big = lines.filtered(
            lambda line: line.partner_id.email.endswith("@big.example")
            and line.planned_on == START
        )
        self.assertEqual(
            set(big.mapped("date")),
            {START, START + timedelta(days=3)},
            "the limit of their domain moves some past Friday's end",
        )
        happened = self._live()
        only = (
            [row for row in expected if row not in happened],
            [row for row in happened if row not in expected],
        )
        self.assertEqual(only, ([], []), "only in the simulation, only in the real run")
        self.assertEqual(happened, expected)
