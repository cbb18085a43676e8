from datetime import timedelta

from odoo import fields
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import freeze_time, tagged

from .common import ChaserCase


@tagged("post_install", "-at_install")
class TestPlan(ChaserCase):
    def _reminders(self, campaign, state="draft"):
        return campaign.reminder_ids.filtered(lambda reminder: reminder.state == state)

    def _reason(self, campaign):
        [reminder] = self._reminders(campaign, "skipped")
        self.assertTrue(reminder.reason)
        return reminder.reason_code

    def test_draft_with_lines(self):
        invoices = self._make_invoice(days=20) | self._make_invoice(amount=250, days=5)
        campaign = self._campaign(invoices)
        self.assertEqual((campaign.state, campaign.company_id), ("draft", self.company))
        [reminder] = campaign.reminder_ids
        self.assertEqual(reminder.state, "draft")
        self.assertEqual(reminder.line_ids.move_line_id, self._receivable(invoices))
        self.assertEqual(reminder.line_ids.mapped("days_overdue"), [20, 5])
        self.assertEqual(reminder.recipient_email, "finance@alnoor.example")
        self.assertEqual(
            reminder.priority,
            reminder.priority_amount
            + reminder.priority_age
            + reminder.priority_relation,
        )
        self.assertEqual((campaign.saved_count, campaign.saved_percent), (1, 50))

    def test_instalments_separately(self):
        """The late instalment is chased while the other one is not due."""
        terms = self.env["account.payment.term"].create(
            {
                "name": "50/50",
                "line_ids": [
                    Command.create(
                        {"value": "percent", "value_amount": 50, "nb_days": 10}
                    ),
                    Command.create(
                        {"value": "percent", "value_amount": 50, "nb_days": 90}
                    ),
                ],
            }
        )
        invoice = self._make_invoice(amount=800, days=20, terms=terms)
        [line] = self._campaign(invoice).reminder_ids.line_ids
        self.assertEqual((line.amount_residual, line.days_overdue), (400, 10))

    def test_today_in_the_company_time_zone(self):
        """At 21:00 UTC it is already tomorrow in Dubai: what was due today there is
        overdue there."""
        invoice = self._make_invoice(days=1)
        due = invoice.invoice_date_due
        with (
            freeze_time(
                fields.Datetime.to_string(
                    fields.Datetime.to_datetime(due) + timedelta(hours=19)
                )
            ),
            self.assertRaises(UserError),
        ):
            self._campaign(invoice)
        with freeze_time(
            fields.Datetime.to_string(
                fields.Datetime.to_datetime(due) + timedelta(hours=21)
            )
        ):
            self.assertTrue(self._campaign(invoice).reminder_ids)

    def test_mixed_selection(self):
        """Drafts, bills, paid, cancelled, not yet due, another company's: named, and
        the rest goes on."""
        good = self._make_invoice()
        draft = self._make_invoice(post=False)
        bill = self._make_invoice(move_type="in_invoice")
        paid = self._make_invoice()
        self._pay(paid)
        cancelled = self._make_invoice(post=False)
        cancelled.button_cancel()
        later = self._make_invoice(days=-5)
        other = self._other_company_invoice()
        user = self.accountant
        user.company_ids |= other.company_id
        campaign = (
            self.env["chaser.campaign"]
            .with_user(user)
            .with_context(allowed_company_ids=(self.company | other.company_id).ids)
            .create_for_invoices(
                (good | draft | bill | paid | cancelled | later | other).ids
                + [99999999]
            )
        )
        self.assertEqual(campaign.reminder_ids.line_ids.move_id, good)
        for word in (
            "1 drafts",
            "1 not customer invoices",
            "1 paid",
            "1 cancelled",
            "1 nothing overdue yet",
            "1 of another company",
            "1 not found",
        ):
            self.assertIn(word, campaign.left_out)
        self.assertIn(paid.name, campaign.left_out)

    def _other_company_invoice(self):
        data = self.setup_other_company(name="Second company")
        return self.init_invoice(
            "out_invoice",
            self.partner_a,
            "2026-01-01",
            post=True,
            amounts=[100],
            company=data["company"],
        )

    def test_nothing_to_chase(self):
        with self.assertRaisesRegex(UserError, "1 drafts"):
            self._campaign(self._make_invoice(post=False))
        with self.assertRaisesRegex(UserError, "nothing was selected"):
            self._campaign(self.env["account.move"])

    def test_in_payment_counts_as_paid(self):
        invoice = self._make_invoice()
        invoice.payment_state = "in_payment"
        with self.assertRaisesRegex(UserError, "1 paid"):
            self._campaign(invoice)

    def test_no_email(self):
        customer = self._make_customer("No mail", False)
        self.assertEqual(
            self._reason(self._campaign(self._make_invoice(customer))), "no_email"
        )
        customer.email = "not an address"
        self.assertEqual(
            self._reason(self._campaign(self._make_invoice(customer))), "address_form"
        )

    def test_two_addresses_and_display_name(self):
        customer = self._make_customer(
            "Two", 'Accounts <ap@two.example>; "Boss" <cfo@two.example>'
        )
        [reminder] = self._campaign(self._make_invoice(customer)).reminder_ids
        self.assertEqual(
            (reminder.recipient_email, reminder.recipient_others),
            ("ap@two.example", "cfo@two.example"),
        )
        self.env["chaser.suppression"].create(
            {"email": "ap@two.example", "company_id": self.company.id}
        )
        reminder.campaign_id.action_send()
        [message] = self._run().sent
        self.assertEqual(
            message.recipients,
            ("cfo@two.example",),
            "one stopped address does not stop the other",
        )

    def test_invoice_contact(self):
        self.env["res.partner"].create(
            {
                "name": "AP",
                "type": "invoice",
                "parent_id": self.customer.id,
                "email": "ap@alnoor.example",
            }
        )
        self.assertEqual(
            self._campaign(self._make_invoice()).reminder_ids.recipient_email,
            "ap@alnoor.example",
        )

    def test_blocks(self):
        customer = self.customer.with_company(self.company)
        cases = {
            "suppressed": lambda: self.env["chaser.suppression"].create(
                {"email": "Finance@AlNoor.example", "company_id": self.company.id}
            ),
            "paused": lambda: customer.write(
                {"chaser_paused_until": self.today, "chaser_pause_reason": "Talks"}
            ),
            "blacklisted": lambda: self.env["mail.blacklist"]._add(
                "finance@alnoor.example"
            ),
        }
        invoice = self._make_invoice()
        for code, change in cases.items():
            with self.subTest(code), self.cr.savepoint() as savepoint:
                change()
                self.assertEqual(self._reason(self._campaign(invoice)), code)
                savepoint.rollback()
                self.env.invalidate_all()

    def test_item_holds(self):
        cases = {
            "no_followup": lambda invoice: self._receivable(invoice).write(
                {"no_followup": True}
            ),
            "disputed": lambda invoice: invoice.write(
                {"chaser_dispute_reason": "Broken"}
            ),
            "promised": lambda invoice: invoice.write(
                {"chaser_promise_date": self.today}
            ),
        }
        for code, change in cases.items():
            with self.subTest(code):
                held, other = (
                    self._make_invoice(amount=10),
                    self._make_invoice(amount=20),
                )
                change(held)
                campaign = self._campaign(held | other)
                self.assertEqual(self._reason(campaign), code)
                self.assertEqual(self._reminders(campaign).line_ids.move_id, other)
                campaign.action_cancel()

    def test_blocked_by_odoo_and_promise_passed(self):
        blocked, promised = self._make_invoice(), self._make_invoice()
        blocked.action_toggle_block_payment()
        promised.chaser_promise_date = self.today - timedelta(days=1)
        campaign = self._campaign(blocked | promised)
        self.assertEqual(self._reason(campaign), "disputed")
        self.assertEqual(self._reminders(campaign).line_ids.move_id, promised)

    def test_interval(self):
        self._sent_campaign(self._make_invoice())
        campaign = self._campaign(self._make_invoice())
        self.assertEqual(self._reason(campaign), "recent_contact")
        self.customer.with_company(self.company).preferred_contact_interval = 30
        with freeze_time(self._later(days=10)):
            self.assertEqual(
                self._reason(self._campaign(self._make_invoice())), "recent_contact"
            )
        with freeze_time(self._later(days=31)):
            self.assertTrue(self._reminders(self._campaign(self._make_invoice())))

    def test_messages_a_week(self):
        self.company.chaser_week_limit = 1
        self.customer.with_company(self.company).preferred_contact_interval = 2
        self._sent_campaign(self._make_invoice())
        with freeze_time(self._later(days=3)):
            campaign = self._campaign(self._make_invoice())
            self.assertEqual(self._reason(campaign), "week_limit")
        with freeze_time(self._later(days=8)):
            self.assertTrue(self._reminders(self._campaign(self._make_invoice())))

    def test_minimum_on_the_total(self):
        self.company.chaser_minimum_amount = 100
        small = self._make_invoice(amount=60)
        self.assertEqual(self._reason(self._campaign(small)), "below_minimum")
        self.assertTrue(
            self._reminders(self._campaign(small | self._make_invoice(amount=60)))
        )

    # -- netting

    def test_credit_note_netted(self):
        invoice, refund = (
            self._make_invoice(amount=1000),
            self._make_invoice(amount=300, move_type="out_refund"),
        )
        [reminder] = self._campaign(invoice).reminder_ids
        self.assertEqual(reminder.line_ids.filtered("is_credit").move_id, refund)
        self.assertIn("700.00", reminder.total_display)
        self.assertEqual(reminder.amount_asked, 700)

    def test_covered_by_credits(self):
        invoice = self._make_invoice(amount=1000)
        self._make_invoice(amount=1000, move_type="out_refund")
        self.assertEqual(self._reason(self._campaign(invoice)), "covered_by_credit")

    def test_unallocated_payment_netted(self):
        invoice = self._make_invoice(amount=1000)
        payment = self.env["account.payment"].create(
            {
                "partner_id": self.customer.id,
                "amount": 400,
                "payment_type": "inbound",
                "partner_type": "customer",
                "journal_id": self.company_data["default_journal_bank"].id,
            }
        )
        payment.action_post()
        if not payment.move_id:
            self.skipTest(
                "payments without an entry of their own show up on the bank line "
                "instead"
            )
        self.assertIn("600.00", self._campaign(invoice).reminder_ids.total_display)

    def test_amounts_side_by_side_are_isolated(self):
        """On an Arabic screen the figures of one amount would mix with those of the
        next (UAX #9)."""
        usd = self.env.ref("base.USD")
        usd.active = True
        euro = self.env.ref("base.EUR")
        text = self.env["chaser.campaign"]._format_amounts(
            [(usd.id, 10.0), (euro.id, 20.0)]
        )
        self.assertRegex(
            text,
            "^\u2068[^\u2068\u2069]*10.00[^\u2068\u2069]*\u2069  ·  "
            "\u2068[^\u2068\u2069]*20.00[^\u2068\u2069]*\u2069$",
        )
        self.assertNotIn(
            "\u2068", self.env["chaser.campaign"]._format_amounts([(usd.id, 10.0)])
        )

    def test_currencies_stay_apart(self):
        other = self.setup_other_currency("EUR")
        home, foreign = (
            self._make_invoice(amount=1000),
            self._make_invoice(amount=50, currency=other),
        )
        self._make_invoice(amount=80, currency=other, move_type="out_refund")
        campaign = self._campaign(home | foreign)
        self.assertEqual(self._reason(campaign), "covered_by_credit")
        self.assertEqual(self._reminders(campaign).line_ids.move_id, home)

    # -- consolidation

    def test_consolidation_preferences(self):
        customer = self.customer.with_company(self.company)
        invoices = self._make_invoice() | self._make_invoice() | self._make_invoice()
        for preference, minimum, maximum, expected in (
            ("enabled", 9, 0, 1),
            ("disabled", 2, 0, 3),
            ("auto", 3, 0, 1),
            ("auto", 4, 0, 3),
            ("auto", 2, 2999, 3),
            ("auto", 2, 3000, 1),
        ):
            with self.subTest(preference=preference, minimum=minimum, maximum=maximum):
                customer.write(
                    {
                        "consolidation_preference": preference,
                        "max_consolidation_amount": maximum,
                    }
                )
                self.company.chaser_consolidation_min_invoices = minimum
                campaign = self._campaign(invoices)
                self.assertEqual(len(self._reminders(campaign)), expected)
                campaign.action_cancel()

    def test_one_message_per_invoice_all_leave(self):
        self.customer.with_company(self.company).consolidation_preference = "disabled"
        campaign = self._campaign(self._make_invoice() | self._make_invoice())
        campaign.action_send()
        self.assertEqual(
            len(self._run().sent), 2, "the interval counts from other campaigns only"
        )
        self.assertEqual(campaign.saved_count, 0)

    def test_branch_contacts_are_one_customer(self):
        branch = self.env["res.partner"].create(
            {
                "name": "Branch",
                "parent_id": self.customer.id,
                "type": "delivery",
                "email": "b@alnoor.example",
            }
        )
        campaign = self._campaign(self._make_invoice() | self._make_invoice(branch))
        self.assertEqual(campaign.reminder_ids.partner_id, self.customer)

    # -- levels

    def test_levels_by_age(self):
        for days, code in (
            (2, "polite"),
            (16, "firm"),
            (40, "urgent"),
            (100, "urgent"),
        ):
            customer = self._make_customer(f"Age {days}", f"a{days}@x.example")
            [reminder] = self._campaign(
                self._make_invoice(customer, days=days)
            ).reminder_ids
            self.assertEqual(
                reminder.level_id.code, code, f"{days} days, never written to"
            )

    def test_next_level_after_the_last(self):
        invoice = self._make_invoice(days=55)
        first = self._sent_campaign(invoice)
        self.assertEqual(first.reminder_ids.level_id.code, "urgent")
        with freeze_time(self._later(days=8)):
            again = self._campaign(invoice)
            self.assertEqual(
                again.reminder_ids.level_id.code, "urgent", "final not before 10 days"
            )
            again.action_cancel()
        with freeze_time(self._later(days=11)):
            self.assertEqual(
                self._campaign(invoice).reminder_ids.level_id.code, "final"
            )

    def test_last_level_is_not_starved_by_frequent_reminders(self):
        """``min_days`` counts from when the present level was first sent, not from its
        repetition."""
        invoice = self._make_invoice(days=55)
        self._sent_campaign(invoice)
        with freeze_time(self._later(days=8)):
            self.assertEqual(
                self._sent_campaign(invoice).reminder_ids.level_id.code, "urgent"
            )
        with freeze_time(self._later(days=16)):
            self.assertEqual(
                self._campaign(invoice).reminder_ids.level_id.code, "final"
            )

    def test_fixed_level(self):
        level = self.env.ref("invoice_chaser.chaser_level_firm")
        self.assertEqual(
            self._campaign(
                self._make_invoice(days=2), level_id=level.id
            ).reminder_ids.level_id,
            level,
        )

    def test_company_levels_replace_the_shared_ones(self):
        own = self.env["chaser.level"].create(
            {
                "name": "Own",
                "days_overdue": 25,
                "company_id": self.company.id,
                "template_id": self.env.ref("invoice_chaser.chaser_template_firm").id,
            }
        )
        self.assertEqual(
            self._campaign(self._make_invoice(days=30)).reminder_ids.level_id, own
        )
        young = self._campaign(
            self._make_invoice(self._make_customer("Y", "y@x.example"), days=5)
        )
        self.assertEqual(self._reason(young), "below_first_level")

    # -- language

    def test_language(self):
        for lang, own, company, expected in (
            ("en_US", False, "en", "en"),
            ("ar_001", False, "en", "ar"),
            ("en_US", False, "both", "both"),
            ("ar_001", False, "both", "both"),
            ("ar_001", "en", "en", "en"),
            ("en_US", "both", "en", "both"),
        ):
            self.company.chaser_language = company
            self.customer.write({"lang": lang, "chaser_language": own})
            self.assertEqual(self.customer._get_chaser_language(self.company), expected)

    def test_arabic_message(self):
        self.customer.lang = "ar_001"
        campaign = self._campaign(self._make_invoice())
        campaign.action_send()
        [message] = self._run().sent
        self.assertIn('dir="rtl"', message.html)
        self.assertIn("السادة/", message.text)
        self.assertNotIn("Dear", message.text)
        self.assertEqual(message.to_email()["Content-Language"], "ar")

    def test_arabic_salutation_of_a_person(self):
        self.customer.write({"lang": "ar_001", "is_company": False})
        campaign = self._campaign(self._make_invoice())
        campaign.action_send()
        [message] = self._run().sent
        self.assertIn("حضرة", message.text)
        self.assertNotIn("السادة", message.text)

    def test_arabic_customer_where_arabic_is_not_installed(self):
        template = self.env.ref("invoice_chaser.chaser_template_firm")
        self.env.cr.execute(
            "UPDATE chaser_template SET subject = subject - 'ar_001', body_html = "
            "body_html - 'ar_001' WHERE id = %s",
            [template.id],
        )
        self.customer.chaser_language = "ar"
        campaign = self._campaign(self._make_invoice())
        campaign.action_send()
        self.assertIn("Dear", self._run().sent[0].text)

    # -- odd data

    def test_odd_names_and_amounts(self):
        name = (
            'O\'Neil "The <script>alert(1)</script>" \r\nBcc: evil@x.example '
            "\u200fشركة\u200f 🚀"
        )
        customer = self._make_customer(name, "odd@x.example", lang="en_US")
        campaign = self._campaign(
            self._make_invoice(customer, amount=0.01)
            | self._make_invoice(customer, amount=9876543210.12)
        )
        campaign.action_send()
        [message] = self._run().sent
        self.assertNotIn("<script>", message.html)
        self.assertIn("9,876,543,210.13", message.text)
        mail = message.to_email()
        self.assertIsNone(mail["Bcc"])
        self.assertNotIn(b"\r\nBcc:", mail.as_bytes())

    def test_item_without_maturity(self):
        invoice = self._make_invoice(days=15)
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE account_move_line SET date_maturity = NULL WHERE move_id = %s",
            [invoice.id],
        )
        self.env.invalidate_all()
        self.assertEqual(self._campaign(invoice).reminder_ids.line_ids.days_overdue, 15)

    # -- preview

    def _preview(self, invoices):
        action = invoices.with_user(self.accountant).action_chase()
        self.assertEqual(action["res_model"], "chaser.preview")
        return (
            self.env["chaser.preview"]
            .with_user(self.accountant)
            .browse(action["res_id"])
        )

    def test_preview_and_send(self):
        paused = self._make_customer("Paused", "p@x.example")
        paused.with_company(self.company).chaser_paused_until = self.today
        one, two, held = (
            self._make_invoice(),
            self._make_invoice(amount=5),
            self._make_invoice(paused),
        )
        preview = self._preview(one | two | held | self._make_invoice(post=False))
        self.assertEqual(
            (
                preview.customer_count,
                preview.invoice_count,
                preview.message_count,
                preview.saved_percent,
                preview.held_count,
            ),
            (1, 2, 1, 50, 1),
        )
        self.assertIn("1 drafts", preview.left_out)
        self.assertIn("paused", preview.held_ids.reason)
        self.assertIn(one.name, preview.preview_en)
        self.assertIn('dir="rtl"', preview.preview_ar)
        self.assertTrue(preview.expected_finish)
        campaign = self.env["chaser.campaign"].browse(preview.action_send()["res_id"])
        self.assertEqual((campaign.state, campaign.skipped_count), ("sending", 1))
        self.assertEqual(len(self._run().sent), 1)

    def test_preview_drops(self):
        other = self._make_customer("Other", "o@x.example")
        keep, drop_item, drop_customer = (
            self._make_invoice(),
            self._make_invoice(),
            self._make_invoice(other),
        )
        preview = self._preview(keep | drop_item | drop_customer)
        preview.message_ids.filtered(lambda m: m.partner_id == other).included = False
        preview.item_ids.filtered(
            lambda i: i.move_line_id.move_id == drop_item
        ).included = False
        self.assertEqual((preview.customer_count, preview.message_count), (1, 1))
        campaign = self.env["chaser.campaign"].browse(
            preview.action_save_draft()["res_id"]
        )
        self.assertEqual(campaign.state, "draft")
        self.assertEqual(self._reminders(campaign).line_ids.move_id, keep)
        dropped = self._reminders(campaign, "skipped")
        self.assertEqual(dropped.line_ids.move_id, drop_item | drop_customer)
        self.assertIn(self.accountant.name, dropped[0].reason)

    def test_preview_without_mailbox(self):
        self.provider.active = False
        preview = self._preview(self._make_invoice())
        self.assertIn("No mailbox is set up", preview.warning)
        with self.assertRaisesRegex(UserError, "has no mailbox"):
            preview.action_send()

    def test_chase_from_customer(self):
        self._make_invoice()
        action = self.customer.with_user(self.accountant).action_chase()
        self.assertEqual(
            self.env["chaser.preview"].browse(action["res_id"]).customer_count, 1
        )
        with self.assertRaisesRegex(UserError, "Nothing is overdue"):
            self._make_customer("Clean", "c@x.example").with_user(
                self.accountant
            ).action_chase()

    def test_drop_from_campaign(self):
        campaign = self._campaign(self._make_invoice() | self._make_invoice())
        first, second = campaign.reminder_ids.line_ids
        first.with_user(self.accountant).action_drop()
        self.assertEqual(campaign.reminder_ids.state, "draft")
        second.with_user(self.accountant).action_drop()
        self.assertEqual(
            (campaign.reminder_ids.state, campaign.reminder_ids.reason_code),
            ("skipped", "dropped"),
        )

    def test_sent_ones_cannot_be_dropped(self):
        campaign = self._sent_campaign(self._make_invoice())
        with self.assertRaisesRegex(UserError, "already sent"):
            campaign.reminder_ids.action_drop()
        with self.assertRaisesRegex(UserError, "already sent"):
            campaign.reminder_ids.line_ids.action_drop()
        with self.assertRaisesRegex(UserError, "cannot be deleted"):
            campaign.unlink()

    # -- cost

    def test_query_count_does_not_grow_with_customers(self):
        def count(customers):
            invoices = self._invoice_customers(customers)
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            campaign = self.env["chaser.campaign"].create_for_invoices(invoices.ids)
            campaign.action_send()
            self.env.flush_all()
            self.assertEqual(len(campaign.reminder_ids), customers)
            return self.env.cr.sql_log_count - before

        count(2)
        few, many = count(4), count(40)
        self.assertLessEqual(
            many, few + 5, f"{few} queries for 4 customers, {many} for 40"
        )
        self.assertLessEqual(many, 90)


@tagged("post_install", "-at_install")
class TestTemplate(ChaserCase):
    def test_unknown_tag(self):
        with self.assertRaisesRegex(
            UserError, "Firm.*English.*custmer_name.*Did you mean “customer_name”"
        ):
            self.env.ref(
                "invoice_chaser.chaser_template_firm"
            ).subject = "Dear {{ custmer_name }}"

    def test_missing_tag_and_syntax(self):
        template = self.env.ref("invoice_chaser.chaser_template_firm")
        with self.assertRaisesRegex(UserError, "invoice_table.*required"):
            template.body_html = "<p>Pay!</p>"
        with self.assertRaisesRegex(UserError, "line 1 cannot be read"):
            template.body_html = "<p>{{ invoice_table }} {% if %}</p>"

    def test_arabic_is_checked_too(self):
        template = self.env.ref("invoice_chaser.chaser_template_firm").with_context(
            lang="ar_001"
        )
        with self.assertRaisesRegex(UserError, "nonsense"):
            template.body_html = "<p>{{ invoice_table }} {{ nonsense }}</p>"
            self.env.flush_all()

    def test_script_is_taken_out(self):
        template = self.env.ref("invoice_chaser.chaser_template_firm")
        template.body_html = (
            "<p onclick='x()'>{{ invoice_table }}</p><script>alert(1)</script>"
        )
        self.assertNotIn("script", template.body_html)
        self.assertNotIn("onclick", template.body_html)

    def test_version_per_edit_of_a_used_template(self):
        template = self.env.ref("invoice_chaser.chaser_template_firm")
        first = self._sent_campaign(
            self._make_invoice()
        ).reminder_ids.template_version_id
        self.assertEqual((first.template_id, first.number), (template, 1))
        other = self._make_customer("Other", "o@x.example")
        self.assertEqual(
            self._sent_campaign(
                self._make_invoice(other)
            ).reminder_ids.template_version_id,
            first,
        )
        template.subject = "New subject {{ total_due }}"
        third = self._make_customer("Third", "t@x.example")
        second = self._sent_campaign(
            self._make_invoice(third)
        ).reminder_ids.template_version_id
        self.assertEqual(second.number, 2)
        self.assertNotIn("New subject", first.summary)
        self.assertEqual(template.usage_count, 3)
        with self.assertRaisesRegex(UserError, "cannot be deleted"):
            template.unlink()

    def test_previews(self):
        template = self.env.ref("invoice_chaser.chaser_template_polite")
        languages = template.preview["languages"]
        self.assertIn("INV/", languages["en"]["html"])
        self.assertIn('dir="rtl"', languages["ar"]["html"])
        self._make_invoice(amount=4321)
        template.preview_partner_id = self.customer
        self.assertIn("4,321.00", template.preview["languages"]["en"]["html"])

    def test_copy(self):
        copy = self.env.ref("invoice_chaser.chaser_template_polite").copy()
        self.assertFalse(copy.is_default)
        self.assertIn("ar", copy._get_sources())

    def test_shipped_templates_have_both_languages(self):
        for code in ("polite", "firm", "urgent", "final"):
            sources = self.env.ref(
                f"invoice_chaser.chaser_template_{code}"
            )._get_sources()
            self.assertEqual(set(sources), {"en", "ar"})
            self.assertNotEqual(sources["en"], sources["ar"])
