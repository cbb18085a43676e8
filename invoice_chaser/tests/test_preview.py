from datetime import datetime, timedelta

from odoo import fields
from odoo.exceptions import RedirectWarning, UserError
from odoo.tests import Form, tagged

from .common import ChaserCase
from .test_hours_window import MONDAY_OPEN, WindowCase

FRIDAY_NIGHT = datetime(2026, 11, 20, 19, 10)  # 23:10 in Dubai


class PreviewCase(ChaserCase):
    def _preview(self, invoices, user=None):
        action = invoices.with_user(user or self.accountant).action_chase()
        return (
            self.env["chaser.preview"]
            .with_user(user or self.accountant)
            .browse(action["res_id"])
        )


@tagged("post_install", "-at_install")
class TestPreview(PreviewCase):
    """What a person sees before a campaign leaves, and that it leaves once."""

    def test_figures_are_those_of_the_campaign(self):
        """With customers and single invoices left out, by rule and by hand."""
        paused = self._make_customer("Paused", "p@x.example")
        paused.with_company(self.company).chaser_paused_until = self.today
        other = self._make_customer("Other", "o@x.example")
        dropped = self._make_invoice()
        preview = self._preview(
            self._make_invoice()
            | dropped
            | self._make_invoice(paused)
            | self._make_invoice(other)
            | self._make_invoice(other)
        )
        preview.item_ids.filtered(
            lambda item: item.move_line_id.move_id == dropped
        ).included = False
        campaign = self.env["chaser.campaign"].browse(
            preview.action_save_draft()["res_id"]
        )
        shown = (
            preview.customer_count,
            preview.invoice_count,
            preview.message_count,
            round(preview.saved_percent),
        )
        self.assertEqual(shown, (2, 3, 2, 33))
        self.assertEqual(
            (
                campaign.customer_count,
                campaign.invoice_count,
                campaign.recipient_count,
                round(campaign.saved_percent),
            ),
            shown,
        )

    def test_sent_once(self):
        """Back by the breadcrumb, or a second click: the campaign that there is."""
        self.company.chaser_contact_interval = 0
        preview = self._preview(self._make_invoice())
        first = preview.action_send()
        self.assertEqual(len(self._run().sent), 1)
        for method in ("action_send", "action_save_draft", "action_open_campaign"):
            self.assertEqual(getattr(preview, method)()["res_id"], first["res_id"])
        preview.scheduled_at = fields.Datetime.now() + timedelta(days=1)
        self.assertEqual(preview.action_schedule()["res_id"], first["res_id"])
        self.assertFalse(self._run().sent)
        self.assertEqual(
            self.env["chaser.campaign"].search_count([("name", "=", preview.name)]), 1
        )

    def test_a_question_within_the_hour(self):
        """Whatever the days between two reminders: who was written to about the same
        invoice just now is named first, and nothing leaves before the answer."""
        self.company.chaser_contact_interval = 0
        invoice = self._make_invoice()
        self._preview(invoice).action_send()
        self.assertEqual(len(self._run().sent), 1)
        asked = self._preview(invoice).action_send()
        self.assertEqual(asked.get("tag"), "chaser_ask")
        self.assertIn("Al Noor Trading", asked["params"]["body"])
        self.assertFalse(self._run().sent)
        params = asked["params"]
        getattr(self.env[params["model"]].browse(params["id"]), params["method"])()
        self.assertEqual(len(self._run().sent), 1)

    def test_no_question_about_other_invoices_or_later(self):
        self.company.chaser_contact_interval = 0
        first = self._make_invoice()
        self._preview(first).action_send()
        self._run()
        other = self._preview(self._make_invoice()).action_send()
        self.assertNotIn("Within the last hour", str(other))
        self._run()
        self.env["chaser.reminder"].search([]).sudo().sent_at = (
            fields.Datetime.now() - timedelta(minutes=61)
        )
        again = self._preview(first).action_send()
        self.assertNotIn("Within the last hour", str(again))

    def test_totals_per_level_and_channel(self):
        """The hardest level first."""
        invoices = self._make_invoice(days=20)
        for number in range(2):
            customer = self._make_customer(f"P{number}", f"p{number}@x.example")
            invoices |= self._make_invoice(customer, days=5)
        preview = self._preview(invoices)
        self.assertEqual(
            self._plain(preview.level_totals),
            "1 × Firm reminder  ·  2 × Polite reminder",
        )
        self.assertEqual(self._plain(preview.channel_totals), "3 × E-Mail")
        preview.message_ids.filtered(
            lambda message: message.partner_id == self.customer
        ).included = False
        self.assertEqual(self._plain(preview.level_totals), "2 × Polite reminder")
        self.assertEqual(self._plain(preview.channel_totals), "2 × E-Mail")

    def _plain(self, text):
        return text.translate(dict.fromkeys((0x2068, 0x2069)))

    def test_attachments(self):
        preview = self._preview(self._make_invoice())
        message = preview.message_ids
        template = preview._get_template(message)
        template.sudo().write(
            {
                "attach_invoices": "pdf",
                "attach_statement": "xlsx",
                "attach_letter": True,
            }
        )
        self.assertEqual(
            message.attachments_display,
            "Letter, Statement (spreadsheet), Invoices (PDF)",
        )
        template.sudo().write(
            {
                "attach_invoices": "link",
                "attach_statement": "none",
                "attach_letter": False,
            }
        )
        message.invalidate_recordset()
        self.assertFalse(message.attachments_display)

    def test_links(self):
        invoice = self._make_invoice()
        message = self._preview(invoice).message_ids
        self.assertEqual(message.action_view_customer()["res_id"], self.customer.id)
        self.assertEqual(message.action_view_invoices()["res_id"], invoice.id)
        self.assertEqual(message.item_ids.action_view_invoice()["res_id"], invoice.id)

    def test_next_and_previous_message(self):
        invoices = self._invoice_customers(3)
        preview = self._preview(invoices)
        seen = []
        for _turn in range(3):
            seen.append(preview.shown_message_id)
            self.assertIn(seen[-1].numbers, preview.preview_en)
            preview.action_show_next()
        self.assertEqual(len(set(seen)), 3)
        self.assertEqual(preview.shown_message_id, seen[0])
        self.assertEqual(preview.shown_position, "1 / 3")
        preview.action_show_previous()
        self.assertEqual(preview.shown_message_id, seen[2])

    def test_another_message_is_shown_at_once(self):
        """Also while the form is not saved."""
        preview = self._preview(self._invoice_customers(2))
        second = preview.message_ids[1]
        with Form(preview) as form:
            form.shown_message_id = second
            self.assertIn(second.numbers, form.preview_en)
            self.assertEqual(form.shown_position, "2 / 2")

    def test_without_mailbox(self):
        """Whoever may set one up is led to it; others read whom to ask. Nothing is
        made."""
        self.provider.active = False
        invoice = self._make_invoice()
        preview = self._preview(invoice)
        with self.assertRaisesRegex(UserError, f"ask: .*{self.env.user.name}"):
            preview.action_send()
        with self.assertRaises(RedirectWarning) as caught:
            self._preview(invoice, self.env.user).action_send()
        self.assertEqual(caught.exception.args[1]["res_model"], "chaser.provider")
        self.assertFalse(caught.exception.args[1]["res_id"])
        self.provider.write({"active": True})
        self.provider._set_state("expired")
        with self.assertRaises(RedirectWarning) as caught:
            self._preview(invoice, self.env.user).action_send()
        self.assertEqual(caught.exception.args[1]["res_id"], self.provider.id)


@tagged("post_install", "-at_install")
class TestPreviewHour(WindowCase, PreviewCase):
    """Which hour it is where the customers are."""

    def test_a_warning_on_a_friday_night(self):
        """Where the company sends at any hour; the button beside it names the next
        working time, and keeps it."""
        self.company.chaser_window_enabled = False
        self._freeze(FRIDAY_NIGHT)
        preview = self._preview(self._make_invoice())
        self.assertIn("1 of 1 customers", preview.hour_warning)
        self.assertIn("Friday 20 Nov, 23:10 (Dubai time)", preview.hour_warning)
        self.assertFalse(preview.hour_note)
        self.assertEqual(preview.later_at, MONDAY_OPEN)
        self.assertEqual(preview.later_display, "Send on Monday 8:00")
        campaign = self.env["chaser.campaign"].browse(
            preview.action_send_later()["res_id"]
        )
        self.assertEqual(
            (campaign.state, campaign.scheduled_at), ("scheduled", MONDAY_OPEN)
        )

    def test_a_holiday(self):
        self.company.chaser_window_enabled = False
        self.env["chaser.holiday"].create(
            {
                "name": "National Day",
                "date_from": "2026-11-23",
                "date_to": "2026-11-23",
                "country_id": self.uae.id,
            }
        )
        self._freeze(datetime(2026, 11, 23, 8, 0))
        preview = self._preview(self._make_invoice())
        self.assertIn("National Day", preview.hour_warning)
        self.assertEqual(preview.later_at, MONDAY_OPEN + timedelta(days=1))

    def test_in_working_hours_it_says_when_they_leave(self):
        self._freeze(FRIDAY_NIGHT)
        preview = self._preview(self._make_invoice())
        self.assertFalse(preview.hour_warning)
        self.assertIn("leave from Monday 23 Nov, 08:00", preview.hour_note)
        self.assertFalse(preview.later_at)

    def test_nothing_is_said_in_working_time(self):
        for enabled in (False, True):
            self.company.chaser_window_enabled = enabled
            self._freeze(MONDAY_OPEN + timedelta(hours=1))
            preview = self._preview(self._make_invoice())
            self.assertFalse(preview.hour_warning or preview.hour_note)
            with self.assertRaisesRegex(UserError, "working time"):
                preview.action_send_later()

    def test_what_is_scheduled_is_judged_by_its_own_hour(self):
        self.company.chaser_window_enabled = False
        self._freeze(MONDAY_OPEN + timedelta(hours=1))
        preview = self._preview(self._make_invoice())
        preview.scheduled_at = MONDAY_OPEN + timedelta(hours=14)
        self.assertIn("Monday 23 Nov, 22:00", preview.hour_warning)

    def test_a_time_that_suits_all(self):
        """Riyadh begins an hour later and does not work on Fridays."""
        self.company.chaser_window_enabled = False
        self._freeze(FRIDAY_NIGHT)
        invoices = self._make_invoice() | self._make_invoice(
            self._customer_in("Riyadh Stores", "sa")
        )
        preview = self._preview(invoices)
        windows = self.company._get_send_windows(
            preview.message_ids.partner_id, self.company._make_window_book()
        )
        self.assertEqual(len(windows), 2)
        for window in windows.values():
            self.assertTrue(window.is_open(preview.later_at))
