import json
import random
from unittest.mock import patch

from odoo import fields
from odoo.tests import HttpCase, tagged

from odoo.addons.invoice_chaser.core.mail.errors import OutcomeUnknown
from odoo.addons.invoice_chaser.tests.common import FakeTransport

from ..core.webhook import SIGNATURE, sign
from .whatsapp_common import PHONE, SECRET, WABA, WhatsappCase


class ReportCase(WhatsappCase):
    def _sent(self, **values):
        reminder = self._queue(**values)
        self._run_channel()
        self.assertEqual(reminder.state, "sent")
        return reminder

    def _read_events(self, reminder):
        return reminder.event_ids.sorted("id").mapped("event_type")


@tagged("post_install", "-at_install")
class TestWhatsappStatuses(ReportCase):
    def test_accepted_is_not_delivered(self):
        reminder = self._sent()
        self.assertEqual(reminder.status, "sent")
        self._report(reminder, "sent")
        self.assertEqual(reminder.status, "sent")
        self._report(reminder, "delivered")
        self.assertEqual(reminder.status, "delivered")
        self._report(reminder, "read")
        self.assertEqual(reminder.status, "opened")
        self.assertEqual(self._read_events(reminder), ["sent", "delivered", "opened"])

    def test_any_order_and_twice(self):
        reminder = self._sent()
        for statuses in (("read",), ("delivered", "sent"), ("read", "delivered")):
            self._report(reminder, *statuses)
        self.assertEqual(reminder.status, "opened")
        self.assertEqual(self._read_events(reminder), ["sent", "opened"])

    def test_the_same_request_twice_counts_once(self):
        reminder = self._sent()
        change = self._make_messages(
            statuses=[self._make_status(reminder, "delivered", timestamp="1")]
        )
        first = self._receive(change)
        second = self._receive(change)
        self.assertEqual(first, second)
        self.assertEqual(self._read_events(reminder), ["sent", "delivered"])

    def test_processed_again_nothing_changes(self):
        reminder = self._sent()
        event = self._report(reminder, "delivered", "read")
        self.assertEqual((event.report_count, event.matched_count), (2, 2))
        events = self._read_events(reminder)
        event.action_process()
        self.assertEqual(self._read_events(reminder), events)
        self.assertEqual(event.matched_count, 2)

    def test_failed_after_delivered_is_a_note(self):
        self._fall_back_by("email")
        reminder = self._sent()
        self._report(reminder, "delivered")
        notes = len(self.customer.message_ids)
        self._fail(reminder, 131026)
        self._fail(reminder, 131026)
        self.assertEqual(reminder.status, "delivered")
        self.assertEqual((reminder.channel, reminder.state), ("whatsapp", "sent"))
        self.assertEqual(len(self.customer.message_ids), notes + 1)
        self.assertFalse(self._run().sent)

    def test_failed_goes_by_mail_once(self):
        self._fall_back_by("email")
        reminder = self._sent()
        self._fail(reminder, 131026)
        self._fail(reminder, 131026)
        self.assertEqual((reminder.channel, reminder.state), ("email", "queued"))
        self.assertEqual(len(self._run().sent), 1)
        self.assertEqual(reminder.status, "sent")
        # What WhatsApp says later is about the former message.
        self._report(reminder, "delivered")
        self.assertEqual(reminder.status, "sent")
        self.assertFalse(self._run().sent)
        self.assertFalse(self._run_channel().sent)

    def test_failed_and_then_delivered(self):
        """Meta says both now and then: what has not left by mail yet does not."""
        self._fall_back_by("email")
        reminder = self._sent()
        self._fail(reminder, 131026)
        self.assertEqual((reminder.channel, reminder.state), ("email", "queued"))
        number = self._get_person().phone_e164
        status = self._make_status(
            reminder, "delivered", wamid="id-1", recipient_id=number.lstrip("+")
        )
        self._receive(self._make_messages(statuses=[status]))
        self.assertEqual((reminder.channel, reminder.state), ("whatsapp", "sent"))
        self.assertIn("delivered", self._read_events(reminder))
        self.assertEqual(reminder.recipient_display, number)
        self.assertFalse(self._run().sent)
        self.assertFalse(self._run_channel().sent)

    def test_failed_without_another_channel(self):
        reminder = self._sent()
        self._fail(reminder, 131026)
        self.assertEqual((reminder.state, reminder.status), ("sent", "bounced"))
        self.assertIn("Meta's own words", reminder.reason)

    def test_a_report_stops_the_account(self):
        reminder = self._sent()
        self._fail(reminder, 131042)
        self.assertEqual(self.mailbox.state, "expired")
        self.assertIn("means of payment", self.mailbox.last_error)
        self.assertTrue(self.mailbox.activity_ids)

    def test_what_passes_is_tried_again(self):
        """As often as the mailbox says, then by the next channel; each attempt once."""
        self._fall_back_by("email")
        self.mailbox.sudo().max_attempts = 3
        transport, keys = FakeTransport(), []
        reminder = self._queue()
        self._run_channel(transport)
        for number in (2, 3):
            keys.append(reminder.whatsapp_key)
            event = self._fail(reminder, 131000)
            self.assertEqual((reminder.state, reminder.status), ("queued", "queued"))
            self.assertEqual(reminder.channel, "whatsapp")
            self.assertGreater(reminder.scheduled_at, fields.Datetime.now())
            self.assertIn("Meta has a problem", reminder.reason)
            # The same report again changes nothing.
            event.action_process()
            self._make_due(reminder)
            self.assertEqual(len(self._run_channel(transport).sent), number)
            self.assertEqual((reminder.state, reminder.status), ("sent", "sent"))
        self.assertEqual(len({*keys, reminder.whatsapp_key}), 3)
        self._fail(reminder, 131000)
        self.assertEqual((reminder.channel, reminder.state), ("email", "queued"))
        self.assertEqual(len(self._run().sent), 1)
        self.assertFalse(self._run_channel().sent)

    def test_tried_again_and_then_it_had_arrived(self):
        """Whatever the order of the reports, the customer has it once."""
        reminder = self._sent()
        self._fail(reminder, 131016)
        self._report(reminder, "sent")
        self.assertEqual(reminder.state, "queued")
        self._report(reminder, "delivered")
        self.assertEqual((reminder.state, reminder.status), ("sent", "delivered"))
        self._make_due(reminder)
        self.assertFalse(self._run_channel().sent)

    def test_late_errors_mean_what_they_mean_at_once(self):
        """What each group of the table does to a message that Meta had taken."""
        transport = FakeTransport()
        for code, state, mailbox in (
            (130429, "queued", "connected"),
            (131056, "queued", "connected"),
            (131053, "queued", "connected"),
            (132000, "queued", "connected"),
            (132015, "queued", "connected"),
            (131064, "queued", "connected"),
            (131049, "sent", "connected"),
            (131026, "sent", "connected"),
            (131008, "sent", "connected"),
            (131048, "queued", "expired"),
        ):
            with self.subTest(code=code):
                customer = self._make_customer(f"L{code}", f"l{code}@l.example")
                self.give_address(customer)
                self.templates.sudo().write({"state": "approved", "differs": False})
                self.mailbox.sudo()._lift_whatsapp_utility()
                campaign = self._campaign(self._make_invoice(customer))
                campaign.action_send()
                self._run_channel(transport)
                reminder = campaign.reminder_ids
                self.assertEqual(reminder.state, "sent")
                self._fail(reminder, code)
                self.assertEqual(reminder.state, state)
                self.assertIn("Meta's own words", reminder.reason)
                self.assertEqual(self.mailbox.state, mailbox)
                if state == "sent":
                    self.assertEqual(reminder.status, "bounced")

    def test_a_second_try_is_the_last_for_a_file(self):
        transport, reminder = FakeTransport(), self._queue()
        self._run_channel(transport)
        self._fail(reminder, 131053)
        self._make_due(reminder)
        self._run_channel(transport)
        self._fail(reminder, 131053)
        self.assertEqual(reminder.state, "sent")
        self.assertEqual(
            [event for event in self._read_events(reminder) if event != "sent"],
            ["deferred", "bounced"],
        )

    def test_what_is_paid_meanwhile_is_not_tried_again(self):
        reminder = self._sent()
        self._pay(self.invoice)
        self._fail(reminder, 131000)
        self._make_due(reminder)
        self.assertFalse(self._run_channel().sent)

    def test_delivered_ends_the_count_of_failures(self):
        reminder = self._sent()
        self._get_person().sudo().undeliverable_count = 1
        self._report(reminder, "delivered")
        self.assertFalse(self._get_person().undeliverable_count)

    def test_what_it_costs_is_kept(self):
        reminder = self._sent()
        pricing = {"billable": True, "pricing_model": "PMP", "category": "utility"}
        status = self._make_status(reminder, "delivered", pricing=pricing)
        self._receive(self._make_messages(statuses=[status]))
        self.assertTrue(
            self.env["chaser.whatsapp.charge"].search(
                [("reminder_id", "=", reminder.id)]
            )
        )

    def test_the_number_as_whatsapp_spells_it(self):
        reminder = self._sent()
        status = self._make_status(
            reminder,
            "delivered",
            recipient_id="971509999999",
            recipient_user_id="AE.13491208655302741918",
        )
        self._receive(self._make_messages(statuses=[status]))
        person = self._get_person()
        self.assertEqual(person.wa_id, "971509999999")
        self.assertEqual(person.user_id, "AE.13491208655302741918")
        # What was handed over stays beside what came back.
        self.assertEqual(person.sent_to, reminder.whatsapp_to)


@tagged("post_install", "-at_install")
class TestWhatsappSettled(ReportCase):
    """What nobody knew, Meta's report says."""

    def _unknown(self):
        reminder = self._queue()
        self._run_channel(FakeTransport([OutcomeUnknown("the line broke")]))
        self.assertTrue(reminder.is_undecided)
        return reminder

    def test_a_timeout_is_settled_by_the_report(self):
        reminder = self._unknown()
        self._receive(
            self._make_messages(
                statuses=[self._make_status(reminder, "sent", wamid="wamid.late")]
            )
        )
        self.assertFalse(reminder.is_undecided)
        self.assertEqual(reminder.state, "sent")
        self.assertEqual(reminder.internet_message_id, "wamid.late")
        self.assertFalse(self._run_channel().sent)

    def test_a_timeout_that_failed_goes_by_mail(self):
        self._fall_back_by("email")
        reminder = self._unknown()
        self._fail(reminder, 131026)
        self.assertEqual((reminder.channel, reminder.state), ("email", "queued"))
        self.assertEqual(len(self._run().sent), 1)

    def test_a_person_was_too_quick(self):
        """Unknown, sent again by a person; before it leaves Meta says that the first
        one had arrived."""
        reminder = self._unknown()
        reminder.action_settle_not_sent()
        self._receive(
            self._make_messages(
                statuses=[self._make_status(reminder, "delivered", wamid="wamid.1")]
            )
        )
        self.assertEqual((reminder.state, reminder.status), ("sent", "delivered"))
        self.assertFalse(self._run_channel().sent)

    def test_earlier_than_our_commit(self):
        """Meta is quicker than our own record: the report waits."""
        reminder = self._queue()
        reminder.sudo()._set_state(
            "sending", message_id="<chaser.1@x>", whatsapp_key="<chaser.1@x>|1"
        )
        event = self._report(reminder, "delivered")
        self.assertFalse(event.is_processed)
        self.assertEqual(event.whatsapp_waiting, 1)
        reminder.sudo()._set_state("sent", sent_at=self._later())
        event._process_safely()
        self.assertTrue(event.is_processed)
        self.assertEqual(reminder.status, "delivered")

    def test_a_message_that_never_appears_is_given_up(self):
        status = {
            "id": "wamid.1",
            "status": "delivered",
            "biz_opaque_callback_data": "<chaser.nowhere@x>|1",
        }
        event = self._receive(self._make_messages(statuses=[status]))
        self.assertFalse(event.is_processed)
        event.received_at = self._later(days=-2)
        event._process_safely()
        self.assertTrue(event.is_processed)

    def test_an_earlier_attempt_is_not_this_one(self):
        reminder = self._unknown()
        former = self._make_status(reminder, "delivered", wamid="wamid.first")
        reminder.action_settle_not_sent()
        self._run_channel()
        self.assertEqual(reminder.state, "sent")
        self._receive(self._make_messages(statuses=[former]))
        self.assertEqual(reminder.status, "sent")
        self.assertIn("deferred", self._read_events(reminder))

    def test_somebody_elses_message_is_left_alone(self):
        status = {"id": "wamid.other", "status": "delivered"}
        event = self._receive(self._make_messages(statuses=[status]))
        self.assertTrue(event.is_processed)
        self.assertFalse(event.matched_count)


@tagged("post_install", "-at_install")
class TestWhatsappEvents(ReportCase):
    """Templates, the account, persons; and what is not known."""

    def test_a_template_is_paused(self):
        template = self.templates[0]
        value = {
            "event": "PAUSED",
            "message_template_id": int(template.meta_id),
            "message_template_name": template.name,
            "message_template_language": template.language,
            "reason": "NONE",
        }
        self._receive({"field": "message_template_status_update", "value": value})
        self.assertEqual(template.state, "paused")

    def test_the_account_is_restricted_and_restored(self):
        restriction = {
            "restriction_type": "RESTRICTED_BIZ_INITIATED_MESSAGING",
            "expiration": 1796000000,
        }
        value = {"event": "ACCOUNT_RESTRICTION", "restriction_info": [restriction]}
        self._receive({"field": "account_update", "value": value})
        self.assertEqual(self.mailbox.state, "expired")
        self.assertIn("2026-11-30", self.mailbox.last_error)
        self._receive(
            {"field": "account_update", "value": {"event": "ACCOUNT_RECONNECTED"}}
        )
        self.assertEqual(self.mailbox.state, "expired")
        self.assertIn(
            "WhatsApp account restored", self.mailbox.activity_ids.mapped("summary")
        )

    def test_utility_templates_are_restricted_and_restored(self):
        """The number goes on, and Meta's word lifts it."""
        end = int(self._later(days=7).timestamp())
        restriction = {
            "restriction_type": "RATE_LIMITED_UTILITY_TEMPLATE_MESSAGING",
            "expiration": end,
        }
        kind = "UTILITY_TEMPLATE_ABUSE_RATE_LIMIT"
        value = {
            "event": "ACCOUNT_RESTRICTION",
            "violation_info": {"violation_type": kind},
            "restriction_info": [restriction],
        }
        self._receive({"field": "account_update", "value": value})
        self.assertEqual(self.mailbox.state, "connected")
        self.assertTrue(self.mailbox.sudo()._is_whatsapp_utility_stopped())
        self.assertIn(kind, self.mailbox.whatsapp_utility_stop)
        self.assertEqual(
            self.templates[0].sudo()._get_send_block(), "whatsapp_utility_stopped"
        )
        lifted = {"violation_type": f"{kind}_RECOVERY"}
        value = {"event": "ACCOUNT_VIOLATION", "violation_info": lifted}
        self._receive({"field": "account_update", "value": value})
        self.assertFalse(self.mailbox.sudo()._is_whatsapp_utility_stopped())
        self.assertFalse(self.templates[0].sudo()._get_send_block())

    def test_a_restriction_ends_by_itself(self):
        self.mailbox.sudo()._stop_whatsapp_utility("words", self._later(days=1))
        self.assertTrue(self.mailbox.sudo()._is_whatsapp_utility_stopped())
        self.mailbox.sudo().whatsapp_utility_until = self._later(seconds=-1)
        self.assertFalse(self.mailbox.sudo()._is_whatsapp_utility_stopped())

    def test_limits_in_both_spellings(self):
        for told, limit in ((250, 250), ("TIER_10K", 10000), ("TIER_UNLIMITED", 0)):
            value = {"max_daily_conversations_per_business": told}
            self._receive({"field": "business_capability_update", "value": value})
            self.assertEqual(self.mailbox.whatsapp_limit, limit)

    def test_no_marketing_is_a_wish(self):
        number = self._get_person().phone_e164.lstrip("+")
        row = {"wa_id": number, "category": "marketing_messages", "value": "stop"}
        self._receive(
            {"field": "user_preferences", "value": {"user_preferences": [row]}}
        )
        self.assertEqual(self._get_person().state, "opted_out")

    def test_an_alert_is_shown(self):
        info = {"alert_severity": "CRITICAL", "alert_type": "OBA_APPROVED"}
        self._receive({"field": "account_alerts", "value": {"alert_info": info}})
        self.assertIn("CRITICAL", str(self.mailbox.message_ids[0].body))

    def test_what_is_unknown_is_counted(self):
        reminder = self._sent()
        event = self._receive(
            {"field": "new_field", "value": {"a": 1}},
            self._make_messages(
                statuses=[
                    self._make_status(reminder, "teleported"),
                    self._make_status(reminder, "delivered"),
                ]
            ),
        )
        self.assertTrue(event.is_processed)
        self.assertEqual(
            event.whatsapp_unknown, {"new_field": 1, "status teleported": 1}
        )
        self.assertEqual(reminder.status, "delivered")

    def test_one_update_that_fails_keeps_no_other_back(self):
        reminder = self._sent()
        message = {"id": "wamid.in", "type": "text", "text": {"body": "x"}}
        Inbound = self.registry["chaser.whatsapp.inbound"]
        with (
            patch.object(Inbound, "_process_message", side_effect=ValueError("boom")),
            self.assertLogs(
                "odoo.addons.invoice_chaser_whatsapp.models.webhook", "ERROR"
            ),
        ):
            event = self._receive(
                self._make_messages(messages=[message]),
                self._make_messages(
                    statuses=[self._make_status(reminder, "delivered")]
                ),
            )
        self.assertEqual(reminder.status, "delivered")
        self.assertFalse(event.is_processed)
        self.assertIn("boom", event.error)

    def test_broken_reports(self):
        """What can stand in a body does no harm, and what is right in it counts."""
        reminder, dice = self._sent(), random.Random(7)
        grains = [None, 0, "", [], {}, "\0", {"id": {}}, 10**20, "x" * 2000]

        def break_it(node):
            if dice.random() < 0.08:
                return dice.choice(grains)
            if isinstance(node, dict):
                return {
                    key: break_it(value)
                    for key, value in node.items()
                    if dice.random() > 0.05
                }
            return [break_it(one) for one in node] if isinstance(node, list) else node

        value = {"event": "APPROVED", "message_template_id": 1, "reason": "NONE"}
        for _ in range(150):
            status = self._make_status(
                reminder, dice.choice(["sent", "read", "failed"])
            )
            message = {
                "from": "971501234567",
                "id": f"wamid.{dice.random()}",
                "type": dice.choice(["text", "button", "document", "system"]),
                "text": {"body": "Hello"},
            }
            self._receive(
                break_it(self._make_messages(statuses=[status])),
                break_it(self._make_messages(messages=[message])),
                break_it({"field": "message_template_status_update", "value": value}),
                break_it({"field": "account_update", "value": {"event": "X"}}),
            )
        self.assertFalse(self.Event.search([("error", "!=", False)]).mapped("error"))
        self._report(reminder, "read")
        self.assertIn(reminder.status, ("opened", "bounced", "replied"))


@tagged("post_install", "-at_install")
class TestWhatsappIsolation(ReportCase):
    """One app may serve several numbers; nobody speaks about another's messages."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other_company = cls._create_company(name="Other Trading")
        cls.other = cls._make_account(
            company_id=cls.other_company.id,
            whatsapp_phone_id="206540352242922",
            whatsapp_waba_id="202290129340398",
        )

    def test_a_number_of_the_same_app_gets_its_reports(self):
        reminder = self._sent()
        status = self._make_status(reminder, "delivered")
        body = json.dumps(
            {
                "entry": [
                    {
                        "id": WABA,
                        "changes": [self._make_messages(statuses=[status])],
                    }
                ]
            }
        ).encode()
        token = self.other.sudo().webhook_token
        self.Event._receive_whatsapp(token, body, sign(SECRET, body))
        events = self.Event.search([("service", "=", "whatsapp")])
        self.assertEqual(events.provider_id, self.other + self.mailbox)
        for event in events:
            event._process_safely()
        self.assertEqual(reminder.status, "delivered")
        mine = events.filtered(lambda one: one.provider_id == self.mailbox)
        self.assertEqual((events - mine).matched_count, 0)

    def test_another_secret_says_nothing_about_us(self):
        reminder = self._sent()
        self.other.whatsapp_app_secret = "their-own-secret"
        status = self._make_status(reminder, "failed")
        self._receive(
            self._make_messages(statuses=[status]),
            account=self.other,
            key="their-own-secret",
        )
        event = self.Event.search([("service", "=", "whatsapp")])
        self.assertEqual(event.provider_id, self.other)
        self.assertEqual(reminder.status, "sent")
        # Nor with our number's id in the report.
        self.other.whatsapp_phone_id = PHONE + "1"
        self._receive(
            self._make_messages(phone_id="", statuses=[status]),
            account=self.other,
            key="their-own-secret",
        )
        self.assertEqual(reminder.status, "sent")


@tagged("post_install", "-at_install")
class TestWhatsappRoute(ReportCase, HttpCase):
    def _post(self, body, signature, token=None):
        token = token or self.mailbox.sudo().webhook_token
        return self.url_open(
            f"/chaser/whatsapp/{token}",
            data=body,
            headers={SIGNATURE: signature, "Content-Type": "application/json"},
        )

    def test_challenge(self):
        url = self.mailbox.sudo().whatsapp_callback_url
        path = "/" + url.partition("//")[2].partition("/")[2]
        asked = (
            "?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=some%20words"
        )
        response = self.url_open(path + asked)
        self.assertEqual((response.status_code, response.text), (200, "1158201444"))
        self.assertTrue(response.headers["Content-Type"].startswith("text/plain"))
        for wrong in ("", asked.replace("words", "lies"), asked.replace("subs", "x")):
            self.assertEqual(self.url_open(path + wrong).status_code, 403)
        self.assertEqual(self.url_open(f"/chaser/whatsapp/{'x' * 30}").status_code, 403)

    def test_only_what_is_signed_is_kept(self):
        body = json.dumps({"entry": [{"id": WABA, "changes": []}]}).encode()
        signature = sign(SECRET, body)
        self.assertEqual(self._post(body, "sha256=0").status_code, 403)
        self.assertEqual(self._post(body + b" ", signature).status_code, 403)
        self.assertEqual(self._post(body, signature, "x" * 30).status_code, 404)
        self.assertFalse(self.Event.search([("service", "=", "whatsapp")]))
        self.assertEqual(self._post(body, signature).status_code, 200)
        self.assertEqual(self._post(body, signature).status_code, 200)
        event = self.Event.search([("service", "=", "whatsapp")])
        self.assertEqual(len(event), 1)
        self.assertEqual(event.payload, body.decode())

    def test_without_a_secret_nothing_is_taken(self):
        self.mailbox.sudo().whatsapp_app_secret_sealed = False
        body = b"{}"
        self.assertEqual(self._post(body, sign("", body)).status_code, 403)
