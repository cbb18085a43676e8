from odoo.tests import tagged

from .common import ChaserCase, FakeTransport


@tagged("post_install", "-at_install")
class TestOddRecords(ChaserCase):
    """One odd record stops nobody and is named (F4); whoever plans, the same address is
    written to (F8, F9, F17); what was deleted is not called paid (F14)."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.invoice = cls._make_invoice(amount=1000)
        cls.other_company = cls._create_company(name="Second Company")

    def _receipt_without_customer(self):
        receipt = self._make_invoice(amount=77, move_type="out_receipt", post=False)
        receipt.partner_id = False
        receipt.action_post()
        return receipt

    def _private_customer(self):
        """A customer of ours whom somebody made private to another company."""
        customer = self._make_customer("Private", "private@private.example")
        invoice = self._make_invoice(customer, 300)
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE res_partner SET company_id = %s WHERE id = %s",
            [self.other_company.id, customer.id],
        )
        self.env.invalidate_all()
        return invoice

    def _as_accountant(self, record):
        user = self.accountant
        return record.with_user(user).with_context(allowed_company_ids=self.company.ids)

    def test_receipt_without_customer(self):
        receipt = self._receipt_without_customer()
        [message] = self.env["chaser.planner"]._plan_open(self.company).going
        self.assertEqual(message.partner_id, self.customer.id)
        action = self._as_accountant(self.invoice | receipt).action_chase()
        preview = self.env["chaser.preview"].browse(action["res_id"])
        self.assertEqual(preview.message_ids.partner_id, self.customer)
        campaign = self._campaign(self.invoice | receipt)
        self.assertEqual(campaign.reminder_ids.line_ids.move_id, self.invoice)
        self.assertIn("1 without a customer", campaign.left_out)
        self.assertIn(receipt.name, campaign.left_out)
        self.assertTrue(self.env["chaser.worklist"].search([]))

    def test_customer_of_another_company(self):
        private = self._private_customer()
        partner = private.partner_id
        campaign = self._campaign(self.invoice | private)
        reasons = {one.partner_id: one.reason_code for one in campaign.reminder_ids}
        self.assertEqual(reasons, {self.customer: False, partner: "foreign_customer"})
        # The daily run decides as the accountant does.
        plan = self.env["chaser.planner"].sudo()._plan_open(self.company)
        self.assertNotIn(partner.id, [message.partner_id for message in plan.going])

    def test_worklist_of_who_may_not_see_everyone(self):
        private = self._private_customer()
        rows = self._as_accountant(self.env["chaser.worklist"]).search([])
        self.assertIn(private.partner_id.id, rows.partner_id.ids)
        steps = {
            row["partner_id"]["id"]: row["next_step"]
            for row in rows.web_read(
                {
                    "partner_id": {"fields": {"display_name": {}}},
                    "next_step": {},
                    "phone": {},
                    "email": {},
                }
            )
        }
        self.assertEqual(
            steps[private.partner_id.id], "This customer belongs to another company."
        )
        self.assertTrue(steps[self.customer.id])

    def test_archived_customer(self):
        """Named, and left out until the contact is restored; the others go on."""
        other = self._make_invoice(self._make_customer("Other", "pay@other.example"))
        self.customer.active = False
        campaign = self._campaign(self.invoice | other)
        reasons = {one.partner_id: one.reason_code for one in campaign.reminder_ids}
        self.assertEqual(
            reasons, {self.customer: "customer_archived", other.partner_id: False}
        )
        row = self.env["chaser.worklist"].search(
            [("partner_id", "=", self.customer.id)]
        )
        self.assertIn("archived", row.next_step)
        campaign.action_cancel()
        self.customer.active = True
        self.assertEqual(self._campaign(self.invoice).reminder_ids.state, "draft")

    def test_own_company(self):
        """N4: a sister company is left out with the reason, at planning and at the
        send; where the company says so, it is chased."""
        sister = self.other_company.partner_id
        sister.write({"email": "pay@sister.example", "is_company": True})
        invoice = self._make_invoice(sister, 300)
        campaign = self._campaign(self.invoice | invoice)
        reasons = {one.partner_id: one.reason_code for one in campaign.reminder_ids}
        self.assertEqual(reasons, {self.customer: False, sister: "own_company"})
        [message] = self.env["chaser.planner"]._plan_open(self.company, sister).messages
        reason = campaign._get_reason_text(message.skip.reason, message.skip.params)
        self.assertIn("Second Company", reason)
        campaign.action_cancel()
        self.company.chaser_own_companies = True
        campaign = self._campaign(invoice)
        self.assertEqual(campaign.reminder_ids.state, "draft")
        campaign.action_send()
        self.company.chaser_own_companies = False
        self.assertFalse(self._run(FakeTransport()).sent)
        self.assertEqual(campaign.reminder_ids.reason_code, "own_company")

    def test_preview_of_an_odd_customer(self):
        """The accountant's preview and button name a customer whom they may not see,
        and go on with the others."""
        private = self._private_customer()
        action = self._as_accountant(self.invoice | private).action_chase()
        preview = self._as_accountant(
            self.env["chaser.preview"].browse(action["res_id"])
        )
        self.assertEqual(preview.message_ids.partner_id, self.customer)
        [left] = preview.held_ids
        self.assertIn("belongs to another company", left.reason)
        self.assertTrue(left.web_read({"partner_id": {"fields": {"display_name": {}}}}))

    def test_simulator_goes_on(self):
        """The others' reminders of the days to come are simulated; the odd ones are
        named."""
        private = self._private_customer().partner_id
        archived = self._make_customer("Gone", "gone@gone.example")
        self._make_invoice(archived, 40)
        archived.active = False
        self._receipt_without_customer()
        _plan, simulation = self._as_accountant(self.env["chaser.simulator"])._simulate(
            self.company, 3
        )
        self.assertEqual(
            {one.customer.partner_id for one in simulation.departures},
            {self.customer.id},
        )
        held = {
            one.customer.partner_id: one.message.skip.reason for one in simulation.held
        }
        self.assertEqual(
            held,
            {private.id: "foreign_customer", archived.id: "customer_archived"},
        )

    def test_archived_or_made_private_after_planning(self):
        other = self._make_invoice(self._make_customer("Other", "pay@other.example"))
        campaign = self._campaign(self.invoice | other)
        campaign.action_send()
        self.customer.active = False
        other.partner_id.invalidate_recordset()
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE res_partner SET company_id = %s WHERE id = %s",
            [self.other_company.id, other.partner_id.id],
        )
        self.env.invalidate_all()
        self.assertFalse(self._run(FakeTransport()).sent)
        self.assertEqual(
            set(campaign.reminder_ids.mapped("reason_code")),
            {"customer_archived", "foreign_customer"},
        )

    def test_no_receivable_account(self):
        """An imported invoice whose item stands on another kind of account: named in
        the campaign and in the digest of the daily run; the others go on."""
        odd = self._make_invoice(
            self._make_customer("Odd", "pay@odd.example"), amount=70
        )
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE account_move_line SET account_id = %s WHERE id = %s",
            [
                self.company_data["default_account_assets"].id,
                self._receivable(odd).id,
            ],
        )
        self.env.invalidate_all()
        later = self._make_invoice(amount=5, days=-3)
        campaign = self._campaign(self.invoice | odd | later)
        self.assertEqual(campaign.reminder_ids.line_ids.move_id, self.invoice)
        self.assertIn(f"1 not on a receivable account: {odd.name}", campaign.left_out)
        self.assertIn(f"1 nothing overdue yet: {later.name}", campaign.left_out)
        campaign.action_cancel()
        run = (
            self.env["chaser.daily.run"]
            .sudo()
            .create({"company_id": self.company.id, "date": self.today})
        )
        run._finish()
        self.assertEqual(run.figures["accountless"], [odd.name])
        self.assertIn(
            f"On no receivable account, so nothing is asked: {odd.name}",
            "\n".join(run._describe()),
        )

    # -- addresses

    def _contact(self, email, **values):
        return self.env["res.partner"].create(
            {
                "name": "Accounts payable",
                "type": "invoice",
                "parent_id": self.customer.id,
                "email": email,
                **values,
            }
        )

    def test_contact_of_another_company(self):
        """F8: superuser or accountant, the contact of another company is not written
        to, nor does it get a copy."""
        self._contact("ap-palms@alnoor.example", company_id=self.other_company.id)
        level = self.env["chaser.level"].search([], limit=1)
        level.copy_escalation = True
        self.customer.chaser_escalation_partner_id = self._contact(
            "boss@alnoor.example", type="contact", company_id=self.other_company.id
        )
        for planner in (self.env["chaser.planner"], self.env["chaser.planner"].sudo()):
            plan = planner._plan_open(self.company, automatic=False)
            [customer] = plan.customers
            self.assertEqual(
                customer.reach["email"].addresses, ("finance@alnoor.example",)
            )
        campaign = self._campaign(self.invoice, level_id=level.id)
        campaign.action_send()
        [message] = self._run(FakeTransport()).sent
        self.assertEqual(
            (message.recipients, message.cc), (("finance@alnoor.example",), ())
        )

    def test_contact_of_the_invoice(self):
        """F9: a customer without an address; the contact that the invoice was made out
        to has one."""
        contact = self._contact("site@alnoor.example", type="contact")
        self.customer.email = False
        invoice = self._make_invoice(contact, 50)
        self.assertEqual(invoice.commercial_partner_id, self.customer)
        campaign = self._campaign(invoice)
        self.assertEqual(campaign.reminder_ids.recipient_email, "site@alnoor.example")
        campaign.action_send()
        [message] = self._run(FakeTransport()).sent
        self.assertEqual(message.recipients, ("site@alnoor.example",))

    def test_address_of_now(self):
        """F17: what was corrected after planning is used; so is a contact that was
        added, and a stopped one is not."""
        campaign = self._campaign(self.invoice)
        campaign.action_send()
        self.customer.email = "right@alnoor.example"
        [message] = self._run(FakeTransport()).sent
        self.assertEqual(message.recipients, ("right@alnoor.example",))
        self.assertEqual(campaign.reminder_ids.recipient_email, "right@alnoor.example")

    def test_address_taken_away(self):
        campaign = self._campaign(self.invoice)
        campaign.action_send()
        self.customer.email = False
        self.assertFalse(self._run(FakeTransport()).sent)
        self.assertEqual(campaign.reminder_ids.reason_code, "no_email")

    def test_deleted_invoice(self):
        """F14: reset and deleted between plan and send."""
        campaign = self._campaign(self.invoice)
        campaign.action_send()
        self.invoice.button_draft()
        self.invoice.with_context(force_delete=True).unlink()
        self.assertFalse(self._run(FakeTransport()).sent)
        reminder = campaign.reminder_ids
        self.assertEqual((reminder.state, reminder.reason_code), ("skipped", "deleted"))
        self.assertFalse(reminder.paid_at)

    def test_invoices_by_site(self):
        """N6: two sites, each with its invoice contact: where the company says so, each
        gets its own invoices, and the customer's own go to everybody as before."""
        north = self._contact("north@alnoor.example", name="North")
        south = self._contact("south@alnoor.example", name="South")
        ours = self.invoice | self._make_invoice(amount=10)
        mine = self._make_invoice(north, 20)
        theirs = self._make_invoice(south, 30)
        everything = ours | mine | theirs
        plan = self.env["chaser.planner"]._plan_open(self.company)
        self.assertEqual(len(plan.going), 1, "off by default")
        self.company.chaser_site_contacts = True
        campaign = self._campaign(everything)
        sent_to = {
            reminder.contact_id: reminder.line_ids.move_id
            for reminder in campaign.reminder_ids
        }
        nobody = self.env["res.partner"]
        self.assertEqual(sent_to, {nobody: ours, north: mine, south: theirs})
        campaign.action_send()
        south.email = "new@alnoor.example"
        messages = self._run(FakeTransport()).sent
        self.assertEqual(
            sorted(message.recipients for message in messages),
            [
                ("new@alnoor.example",),
                ("north@alnoor.example",),
                ("north@alnoor.example", "new@alnoor.example"),
            ],
        )
