from contextlib import contextmanager
from unittest.mock import patch

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from odoo.addons.invoice_chaser.core.letter.documents import pdf
from odoo.addons.invoice_chaser.core.mail.errors import (
    AuthenticationFailed,
    OutcomeUnknown,
    RateLimited,
    Unreachable,
)
from odoo.addons.invoice_chaser.tests.channel_contract import ChannelContract
from odoo.addons.invoice_chaser.tests.common import FakeTransport

from ..core.client import Accepted
from ..core.errors import (
    RULES,
    Action,
    ConnectFailed,
    GraphError,
    Reach,
    UnknownOutcome,
)
from ..models.account.transport import GraphRefused, WhatsappTransport
from .whatsapp_common import WhatsappCase

_OF_THE_ACCOUNT = {
    Action.STOP_ACCOUNT,
    Action.REGISTER,
    Action.STOP_NUMBER,
}


@tagged("post_install", "-at_install")
class TestWhatsappContract(WhatsappCase, ChannelContract):
    """What every channel fulfils."""

    channel = "whatsapp"
    no_address_reason = "whatsapp_no_number"

    allow_inherited_tests_method = True

    def test_what_was_sent_is_kept(self):
        reminder = self._queue()
        [message] = self._run_channel().sent
        self.assertEqual(reminder.whatsapp_to, message.address)
        self.assertIn("1,000.00", reminder.whatsapp_text)
        self.assertTrue(reminder.whatsapp_version_id)
        self.assertFalse(reminder.body_html)
        self.assertFalse(reminder.recipient_email)
        self.assertEqual(reminder.internet_message_id, "id-1")
        self.assertEqual(reminder.document_ids.mapped("mimetype"), ["application/pdf"])
        self.assertEqual(message.document.content[:4], b"%PDF")
        self.assertIn(reminder.sudo()._make_page_url().rpartition("/")[2], str(message))

    def test_the_language_is_the_customers(self):
        self.customer.chaser_language = "ar"
        reminder = self._queue()
        [message] = self._run_channel().sent
        self.assertEqual((message.language, reminder.language), ("ar", "ar"))


@tagged("post_install", "-at_install")
class TestWhatsappGates(WhatsappCase):
    """Consent, template, and the limits of Meta's."""

    def test_without_consent_nothing_leaves(self):
        reminder = self._queue()
        self._get_person().write(
            {"opt_in_date": False, "opt_in_source": False, "opt_in_text": False}
        )
        self.assertFalse(self._run_channel().sent)
        self.assertEqual(reminder.reason_code, "whatsapp_no_opt_in")

    def test_a_corrected_number_is_used(self):
        reminder = self._queue()
        self._get_person().phone_e164 = "+97150 765 4321"
        [message] = self._run_channel().sent
        self.assertEqual(message.address, "+971507654321")
        self.assertEqual(reminder.whatsapp_to, "+971507654321")

    def test_a_paused_template_waits(self):
        reminder = self._queue()
        self.templates.sudo().state = "paused"
        self.assertFalse(self._run_channel().sent)
        self.assertEqual(
            (reminder.state, reminder.reason_code), ("queued", "whatsapp_paused")
        )
        self.templates.sudo().state = "approved"
        self._make_due(reminder)
        self.assertEqual(len(self._run_channel().sent), 1)

    def test_a_disabled_template_goes_by_mail(self):
        self._fall_back_by("email")
        reminder = self._queue()
        self.templates.sudo().state = "disabled"
        self.assertFalse(self._run_channel().sent)
        self.assertEqual((reminder.channel, reminder.state), ("email", "queued"))
        self.assertEqual(len(self._run().sent), 1)

    def test_a_template_that_became_marketing_is_not_sent(self):
        reminder = self._queue()
        self.templates.sudo().meta_category = "marketing"
        self.assertFalse(self._run_channel().sent)
        self.assertEqual(reminder.reason_code, "whatsapp_marketing")

    def test_without_a_pdf_engine(self):
        reminder = self._queue()
        with patch.object(pdf, "make_pdf", side_effect=pdf.NoEngine):
            self.assertFalse(self._run_channel().sent)
        self.assertEqual(reminder.reason_code, "whatsapp_no_statement")

    def test_the_portfolios_limit(self):
        """Two numbers of one portfolio that may write to two people in all."""
        other = self._make_account(
            whatsapp_phone_id="106540352242923", name="Second number"
        )
        other._set_state("connected")
        both = self.mailbox + other
        both.sudo().write(
            {
                "whatsapp_portfolio_id": "506914307656634",
                "whatsapp_limit": 2,
                "whatsapp_limit_known": True,
            }
        )
        invoices = self.invoice
        for number in range(2):
            partner = self._make_customer(f"N{number}", f"n{number}@n.example")
            self.give_address(partner)
            invoices |= self._make_invoice(partner)
        campaign = self._campaign(invoices)
        campaign.action_send()
        reminders = campaign.reminder_ids.sudo()
        reminders[0].provider_id = other
        self._approve_templates(other)
        self.assertEqual(len(self._run(provider=other).sent), 1)
        self.assertEqual(len(self._run_channel().sent), 1)
        self.assertEqual(sorted(reminders.mapped("state")), ["queued", "sent", "sent"])

    def test_quality_and_templates_are_read_before_sending(self):
        self.mailbox.sudo().whatsapp_polled_at = False
        with patch.object(type(self.mailbox), "_commit_now", lambda _self: None):
            self.mailbox._get_transport__()
            self.assertIn("read_number", self.meta.names())
            self.assertIn("list_templates", self.meta.names())
            self.assertTrue(self.mailbox.whatsapp_polled_at)
            # What is found may stop it.
            self.mailbox.sudo().whatsapp_polled_at = False
            self.meta.number["status"] = "BANNED"
            # Not assertRaises, which takes back what was written.
            try:
                self.mailbox._get_transport__()
            except UserError as error:
                self.assertIn("banned", str(error))
        self.assertEqual(self.mailbox.state, "expired")


@tagged("post_install", "-at_install")
class TestWhatsappErrors(WhatsappCase):
    """Each row of Meta's table does what it says."""

    def _refuse(self, code):
        """One run in which Meta refuses the message."""
        error = GraphError(code, "Meta's own words")
        return self._run_channel(FakeTransport([GraphRefused(str(error), error)]))

    def test_the_number_does_not_take_it(self):
        self._fall_back_by("email")
        reminder = self._queue()
        self._refuse(131026)
        self.assertEqual((reminder.channel, reminder.state), ("email", "queued"))
        self.assertEqual(self._get_person().undeliverable_count, 1)
        self.assertIn("has no WhatsApp", reminder.channel_note)
        self.assertEqual(len(self._run().sent), 1)
        self.assertFalse(self._run_channel().sent)

    def test_marked_after_the_second_time(self):
        self._get_person().sudo()._note_undeliverable(131026)
        reminder = self._queue()
        self._refuse(131026)
        self.assertEqual(self._get_person().state, "blocked")
        self.assertEqual(reminder.state, "skipped")

    def test_the_customer_has_stopped_it(self):
        self._queue()
        self._refuse(131050)
        self.assertEqual(self._get_person().state, "opted_out")

    def test_kept_from_the_customer_for_now(self):
        self._fall_back_by("email")
        reminder = self._queue()
        self._refuse(131049)
        self.assertEqual(reminder.channel, "email")
        # The number is not to blame.
        self.assertEqual(self._get_person().state, "opted_in")
        self.assertFalse(self._get_person().undeliverable_count)

    def test_nothing_is_tried_for_a_day(self):
        reminder = self._queue()
        self._refuse(131049)
        self.assertEqual(reminder.state, "skipped")
        self.levels.channel_fallback = "email"
        reach = self.door._read_reach(self.customer, self.company)[self.customer.id]
        self.assertEqual(reach.stop.reason, "whatsapp_resting")
        # Also what was planned before.
        number = self._get_person().phone_e164
        stopped = self.door._read_stopped([number], self.company)
        self.assertEqual(stopped, {number: "whatsapp_resting"})
        self._get_person().sudo().rests_until = self._later(seconds=-1)
        self.assertFalse(self.door._read_stopped([number], self.company))

    def test_utility_templates_stop_and_the_number_goes_on(self):
        reminder = self._queue()
        self._refuse(131064)
        self.assertEqual((reminder.state, self.mailbox.state), ("queued", "connected"))
        self.assertIn("Meta's own words", self.mailbox.whatsapp_utility_stop)
        self.assertTrue(self.mailbox.activity_ids)
        self._make_due(reminder)
        self.assertFalse(self._run_channel().sent)
        self.assertEqual(reminder.reason_code, "whatsapp_utility_stopped")
        # What a manager has allowed as marketing is no utility template.
        self.templates.sudo().write(
            {"meta_category": "marketing", "is_marketing_allowed": True}
        )
        self._make_due(reminder)
        self.assertEqual(len(self._run_channel().sent), 1)

    def test_a_manager_allows_utility_templates_again(self):
        reminder = self._queue()
        self._refuse(131064)
        with self.assertRaises(AccessError):
            self.mailbox.with_user(self.accountant).action_whatsapp_allow_utility()
        self.mailbox.action_whatsapp_allow_utility()
        self._make_due(reminder)
        self.assertEqual(len(self._run_channel().sent), 1)

    def test_without_utility_templates_by_mail(self):
        self._fall_back_by("email")
        reminder = self._queue()
        self._refuse(131064)
        self.assertEqual((reminder.channel, reminder.state), ("email", "queued"))

    def test_the_pair_waits_longer_each_time(self):
        reminder, waits = self._queue(), []
        for _ in range(3):
            self._refuse(131056)
            self.assertEqual(reminder.state, "queued")
            waits.append((reminder.scheduled_at - reminder.attempted_at).seconds)
            self._make_due(reminder)
        self.assertTrue(
            4 <= waits[0] <= 9 and 16 <= waits[1] <= 21 and 64 <= waits[2] <= 69, waits
        )

    def test_a_template_that_is_paused_meanwhile(self):
        reminder = self._queue()
        self._refuse(132015)
        self.assertEqual(reminder.state, "queued")
        self.assertEqual(reminder.whatsapp_version_id.template_id.state, "paused")
        self._make_due(reminder)
        # No second try while Meta has not said that it is approved.
        self.assertFalse(self._run_channel().sent)

    def test_a_changed_template_is_read_again_once(self):
        reminder = self._queue()
        self._refuse(132000)
        self.assertEqual(reminder.state, "queued")
        self.assertIn("list_templates", self.meta.names())
        self._approve_again()
        self._make_due(reminder)
        self._refuse(132000)
        self.assertEqual(reminder.state, "failed")

    def _approve_again(self):
        self.templates.sudo().write({"state": "approved", "differs": False})

    def test_our_own_mistakes_are_never_repeated(self):
        for code in (100, 131008, 131021, 999999):
            with self.subTest(code=code):
                customer = self._make_customer(f"C{code}", f"c{code}@c.example")
                self.give_address(customer)
                campaign = self._campaign(self._make_invoice(customer))
                campaign.action_send()
                self._refuse(code)
                self.assertEqual(campaign.reminder_ids.state, "failed")
                self.assertIn("Meta's own words", campaign.reminder_ids.reason)
                self.assertFalse(self._run_channel().sent)

    def test_each_rule_has_an_end(self):
        """No error is repeated for ever, none leaves a message without a reason, and
        each sentence can be read in both languages."""
        invoices = {}
        for code in RULES:
            rule = RULES[code]
            if rule.action in _OF_THE_ACCOUNT or rule.reach is Reach.ACCOUNT:
                continue
            partner = self._make_customer(f"R{code}", f"r{code}@r.example")
            self.give_address(partner)
            invoices[code] = self._make_invoice(partner)
        reminders = {}
        for code, invoice in invoices.items():
            campaign = self._campaign(invoice)
            campaign.action_send()
            reminders[code] = campaign.reminder_ids
        for code, reminder in reminders.items():
            with self.subTest(code=code):
                reminder.sudo().attempt_count = 2
                stop = self.door._process_graph_error(
                    reminder.sudo(), GraphError(code, "words"), {"channel_rest": None}
                )
                reminder.sudo()._stop(stop)
                self.assertIn(reminder.state, ("queued", "skipped", "failed"))
                for lang in ("en_US", "ar_001"):
                    words = reminder.with_context(lang=lang).reason
                    self.assertIn("words", words)
                if reminder.state == "queued":
                    self.assertTrue(reminder.scheduled_at)


@tagged("post_install", "-at_install")
class TestWhatsappTransport(WhatsappCase):
    """From the client's errors to the few that the sender knows."""

    def _make_message(self):
        reminder = self._queue()
        [message] = self._run_channel().sent
        self.assertTrue(reminder.exists())
        return message

    @contextmanager
    def _refused(self, error_class, code, where="send_message"):
        self.meta.errors[where] = GraphError(code, "Meta's own words", retry_after=30)
        with self.assertRaises(error_class) as caught:
            yield caught

    def setUp(self):
        super().setUp()
        self.transport = WhatsappTransport(
            self.meta, self.mailbox._describe_whatsapp_error
        )

    def test_uploaded_and_handed_over(self):
        message = self._make_message()
        result = self.transport.send(message)
        self.assertTrue(result.provider_message_id.startswith("wamid."))
        [payload] = [call[1] for call in self.meta.calls if call[0] == "send_message"]
        header = payload["template"]["components"][0]["parameters"][0]
        self.assertTrue(header["document"]["id"].startswith("media-"))
        self.assertEqual(payload["biz_opaque_callback_data"], message.callback)
        self.assertEqual(payload["to"], message.address)

    def test_a_lost_file_is_uploaded_once_more(self):
        message = self._make_message()
        script = [GraphError(131053, "media"), None]

        def send(payload):
            self.meta._note("send_message", payload)
            if error := script.pop(0):
                raise error
            return Accepted("wamid.2", "", "accepted")

        with patch.object(self.meta, "send_message", send):
            self.transport.send(message)
        self.assertEqual(self.meta.names().count("upload_media"), 2)
        with self._refused(GraphRefused, 131053):
            self.transport.send(message)
        self.assertEqual(self.meta.names().count("upload_media"), 4)

    def test_each_error(self):
        message = self._make_message()
        for code, error_class in {
            190: AuthenticationFailed,
            131042: AuthenticationFailed,
            131048: AuthenticationFailed,
            133010: AuthenticationFailed,
            131064: GraphRefused,
            130429: RateLimited,
            131000: Unreachable,
            131026: GraphRefused,
            132015: GraphRefused,
            100: GraphRefused,
        }.items():
            with self.subTest(code=code):
                with self._refused(error_class, code):
                    self.transport.send(message)

    def test_a_timeout_is_unknown_and_an_upload_that_fails_is_not(self):
        message = self._make_message()
        self.meta.errors["send_message"] = UnknownOutcome("the line broke")
        with self.assertRaises(OutcomeUnknown):
            self.transport.send(message)
        self.meta.errors["upload_media"] = ConnectFailed("nobody there")
        with self.assertRaises(Unreachable):
            self.transport.send(message)

    def test_meta_says_how_long(self):
        message = self._make_message()
        with self._refused(RateLimited, 130429) as caught:
            self.transport.send(message)
        self.assertEqual(caught.exception.retry_after.seconds, 30)
        self.assertTrue(caught.exception.is_told)

    def test_the_account_stops_with_its_sentence(self):
        reminder = self._queue()
        self.meta.errors["send_message"] = GraphError(131042, "no card")
        self._run_channel(self.transport)
        self.assertEqual(self.mailbox.state, "expired")
        self.assertIn("means of payment", self.mailbox.last_error)
        self.assertEqual(reminder.state, "queued")
        self.assertIn("no card", reminder.reason)
