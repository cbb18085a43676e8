from datetime import date, datetime, timedelta

from odoo.exceptions import UserError
from odoo.tests import tagged

from .move_in_common import MoveInCase

OLDER = tuple(
    f"older/{name}"
    for name in (
        *("contacts.csv", "lists.csv", "list_members.csv", "suppressions.csv"),
        *("templates.json", "campaigns.csv", "sends.csv", "events.csv"),
        *("promises.csv", "notes.csv"),
    )
)


@tagged("post_install", "-at_install")
class TestMoveInHistory(MoveInCase):
    def _sends(self, imp):
        return self.env["chaser.reminder"].search(
            [("campaign_id.import_id", "=", imp.id)], order="sent_at, id"
        )

    def test_everything_of_an_older_tool(self):
        imp = self._take_in(*OLDER)
        self.assertEqual(
            self._figures(imp),
            {
                "stopped": {"new": 4, "same": 1},
                "contact": {"changed": 1, "new": 2},
                "segment": {"new": 2},
                "member": {"new": 3, "refused": 1},
                "template": {"new": 1, "refused": 1},
                "campaign": {"new": 1, "refused": 1},
                "send": {"new": 3, "refused": 1},
                "event": {"new": 3, "refused": 1},
                "promise": {"new": 1, "refused": 1},
                "note": {"new": 1},
            },
        )
        reasons = {(line.step, line.row): line.reason for line in imp.line_ids}
        self.assertIn("loyalty_points", reasons["template", 2])
        self.assertIn("never sent", reasons["campaign", 3])
        self.assertIn("nobody@nowhere.example", reasons["send", 4])
        self.assertIn("INV/OLD/1", reasons["send", 2], "no such invoice here: told")
        self.assertIn("does not say whether it was kept", reasons["promise", 3])
        campaign = imp.campaign_ids
        self.assertEqual(campaign.name, "March reminders")
        self.assertEqual(campaign.state, "completed")
        self.assertEqual(campaign.started_at, datetime(2024, 3, 4, 5, 0, 10))
        self.assertEqual((campaign.sent_count, campaign.failed_count), (2, 1))
        self.assertEqual((campaign.opened_count, campaign.clicked_count), (1, 1))
        self.assertEqual(campaign.bounced_count, 1)
        first, second, third = self._sends(imp).sorted("attempted_at")
        self.assertEqual(first.partner_id, self.customer)
        self.assertEqual(first.message_id, "<m901@old.example>")
        self.assertEqual(first.status, "clicked")
        self.assertEqual(second.status, "bounced")
        self.assertEqual((third.state, third.sent_at), ("failed", False))
        self.assertEqual(first.body_html, "<p>Dear Ahmed</p>")
        self.assertFalse(first.provider_id, "no mailbox of ours has sent it")
        promise = self.env["chaser.promise"].search(
            [("partner_id", "=", self.customer.id)]
        )
        self.assertEqual((promise.state, promise.amount), ("kept", 1500.5))
        self.assertFalse(promise.activity_ids)
        note = self.customer.message_ids.filtered(
            lambda message: "before noon" in (message.body or "")
        )
        self.assertEqual(note.date, datetime(2024, 2, 1, 8))
        self._assert_second_run_changes_nothing(imp)

    def test_templates_have_our_tags(self):
        self._take_in("older/templates.json")
        template = self.env["chaser.template"].search([("name", "=", "First notice")])
        self.assertEqual(template.company_id, self.company)
        self.assertEqual(
            template.with_context(lang="en_US").subject,
            "{{ customer_name }}: {{ invoice_count }} invoices overdue",
        )
        body = str(template.with_context(lang="en_US").body_html)
        self.assertIn("{{ contact_name }}", body)
        self.assertIn("{{ invoice_table }}", body)
        self.assertIn("{{ total_due }}", body)
        self.assertNotIn("unsubscribe", body)
        arabic = template.with_context(lang="ar_001")
        self.assertIn("{{ invoice_table }}", str(arabic.body_html))

    def test_history_counts_for_interval_and_levels(self):
        invoice = self._make_invoice(days=40)
        firm = self.env.ref("invoice_chaser.chaser_level_firm")
        sent = self.today - timedelta(days=3)
        csv = (
            "sends.csv",
            "id,recipient_email,subject,sent_at,level,invoice_numbers\n"
            f"1,finance@alnoor.example,Late,{sent} 10:00:00,firm,{invoice.name}\n",
        )
        self.company.chaser_contact_interval = 7
        planner = self.env["chaser.planner"]
        before = planner._build_plan(invoice)
        self.assertFalse(before.messages[0].skip)
        self._take_in(csv)
        plan = planner._build_plan(invoice)
        self.assertEqual(plan.messages[0].skip.reason, "recent_contact")
        history = self.env["chaser.reminder.line"]._read_level_history(
            self._receivable(invoice).ids, self.company
        )
        [[told]] = history.values()
        self.assertEqual((told.level_id, told.first), (firm.id, sent))
        line = self.env["chaser.reminder.line"].search([("move_id", "=", invoice.id)])
        self.assertEqual(line.amount_residual, 1000)
        self.assertEqual(line.days_overdue, 37)

    def test_a_message_older_than_the_invoice_is_not_about_it(self):
        invoice = self._make_invoice(days=5)
        imp = self._take_in(
            (
                "sends.csv",
                "id,recipient_email,sent_at,subject,invoice_numbers\n"
                f"1,finance@alnoor.example,2020-01-01,Old,{invoice.name}\n",
            )
        )
        self.assertFalse(self._sends(imp).line_ids)
        self.assertIn(invoice.name, imp.line_ids.reason)

    def test_what_lies_in_the_future_is_refused(self):
        day = date.today() + timedelta(days=400)
        imp = self._take_in(
            (
                "sends.csv",
                "id,recipient_email,sent_at,subject\n"
                f"1,finance@alnoor.example,{day},x\n",
            )
        )
        self.assertEqual(self._figures(imp)["send"], {"refused": 1})
        self.assertIn("in the future", imp.line_ids.reason)

    def test_brevo_log_makes_messages_of_its_events(self):
        harbour = self._make_customer("Harbour", "billing@harbour.example")
        self._make_customer("Lost", "lost@harbour.example")
        imp = self._take_in("brevo/logs.csv")
        self.assertEqual(self._figures(imp)["event"], {"new": 6})
        opened, bounced = self._sends(imp)
        self.assertEqual(opened.partner_id, harbour)
        self.assertEqual(opened.sent_at, datetime(2024, 3, 4, 9))
        self.assertEqual(opened.status, "clicked")
        self.assertEqual(bounced.status, "bounced")
        self.assertEqual(len(opened.event_ids), 4, "sent, delivered, opened, clicked")
        self.assertTrue(
            self.env["chaser.suppression"].search(
                [("email", "=", "lost@harbour.example")]
            ),
            "a hard bounce stops the address",
        )
        self.assertEqual(imp.campaign_ids.name, "reminders")
        self._assert_second_run_changes_nothing(imp)

    def test_mailchimp_activity(self):
        imp = self._take_in(
            "mailchimp/subscribed_email_audience_export_4f2a.csv",
            "mailchimp/campaigns.csv",
            "mailchimp/granular_activity/opens/778899_may-statement.csv",
            "mailchimp/granular_activity/clicks/778899_may-statement.csv",
        )
        campaign = imp.campaign_ids
        self.assertEqual(campaign.name, "May statement")
        self.assertEqual((campaign.sent_count, campaign.opened_count), (2, 2))
        self.assertEqual(campaign.clicked_count, 1)
        self.assertEqual(
            set(self._sends(imp).mapped("sent_at")),
            {datetime(2024, 5, 12, 6, 10), datetime(2024, 5, 12, 7, 45, 12)},
            "there before it was opened, whatever zone the time of the campaign is in",
        )
        self._assert_second_run_changes_nothing(imp)

    def test_history_is_taken_out_whole(self):
        imp = self._take_in(*OLDER)
        partners = self.env["res.partner"].search_count([])
        campaign, sends = imp.campaign_ids, self._sends(imp)
        events = sends.event_ids
        with self.assertRaises(UserError):
            imp.unlink()
        imp.action_take_out()
        self.assertFalse(campaign.exists() | imp.campaign_ids)
        self.assertFalse(sends.exists())
        self.assertFalse(events.exists())
        self.assertEqual(self.env["res.partner"].search_count([]), partners)
        self.assertTrue(
            self.env["chaser.suppression"].search(
                [("email", "=", "stop@pearl.example")]
            )
        )
        imp.action_import()
        self.assertEqual(self._figures(imp)["send"]["new"], 3, "it can come in again")
        imp.action_take_out()
        imp.unlink()

    def test_a_campaign_of_our_own_is_still_evidence(self):
        campaign = self._sent_campaign(self._make_invoice())
        with self.assertRaises(UserError):
            campaign.unlink()

    def test_an_open_promise_holds_and_one_that_is_over_asks_nobody(self):
        invoice = self._make_invoice(days=20)
        day = self.today + timedelta(days=5)
        imp = self._take_in(
            (
                "promises.csv",
                "id,email,promise_date,amount,invoice_numbers,status\n"
                f"1,finance@alnoor.example,{day},,{invoice.name},\n"
                "2,finance@alnoor.example,2024-01-05,50.5,,broken\n",
            )
        )
        open_, over = imp.env["chaser.promise"].search([], order="date_promised desc")
        self.assertEqual((open_.state, over.state), ("open", "broken"))
        self.assertEqual(open_.covered_move_ids, invoice)
        self.assertFalse(over.line_ids, "it makes no item of today harsher")
        self.assertFalse(over.activity_ids)
        plan = self.env["chaser.planner"]._build_plan(invoice)
        self.assertEqual(plan.messages[0].skip.reason, "promised")
        self._assert_second_run_changes_nothing(imp)

    def test_two_companies_may_read_the_same_history(self):
        other = self._create_company(name="Other Trading")
        self.mover.company_ids += other
        imp = self._take_in(
            "brevo/logs.csv", ("c.csv", "email,name\nbilling@harbour.example,H\n")
        )
        self.mover.company_id = other
        theirs = self._take_in("brevo/logs.csv", company=other)
        self.assertEqual(
            self._figures(theirs)["event"]["new"],
            self._figures(imp)["event"]["new"],
        )
        self.assertEqual(theirs.campaign_ids.company_id, other)
        self.assertNotEqual(self._sends(theirs), self._sends(imp))
