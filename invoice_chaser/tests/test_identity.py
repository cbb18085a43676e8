from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import ChaserCase, FakeTransport


@tagged("post_install", "-at_install")
class TestIdentity(ChaserCase):
    """What is known of a customer follows it (cases F2, F3)."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.group = cls._make_customer("Gulf Group", "ap@gulf.example")
        cls.invoice = cls._make_invoice(amount=1000)

    def _become_contact(self):
        self.customer.write({"parent_id": self.group.id, "is_company": False})
        self.assertEqual(self.customer.commercial_partner_id, self.group)

    def _merge(self, *sources, into):
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        with mute_logger("odoo.addons.base.wizard.base_partner_merge"):
            wizard.with_user(self.env.ref("base.user_admin"))._merge(
                [one.id for one in (*sources, into)], into, extra_checks=False
            )
        self.env.invalidate_all()

    def _plan(self, partner):
        return self.env["chaser.planner"]._plan_open(self.company, partner)

    def test_interval_and_history(self):
        """Reminded yesterday, part of a group today: not reminded again."""
        sent = self._sent_campaign(self.invoice).reminder_ids
        self.assertEqual(sent.state, "sent")
        self._become_contact()
        self.assertEqual(sent.partner_id, self.group)
        self.assertEqual(sent.event_ids.partner_id, self.group)
        [message] = self._plan(self.group).messages
        self.assertEqual(message.skip.reason, "recent_contact")
        self.assertEqual(self.group.chaser_reminder_count, 1)

    def test_hold_pause_promise_dispute(self):
        """A customer in court stays held within the group."""
        self.env["chaser.hold"]._hold(
            self.company, self.customer, "manual", detail="in court"
        )
        customer = self.customer.with_company(self.company)
        customer.write(
            {
                "chaser_paused_until": self._later(days=9),
                "chaser_pause_reason": "Court",
                "preferred_contact_interval": 30,
            }
        )
        promise = self.env["chaser.promise"]._promise(
            self.company, self.customer, self._later(days=5).date(), self.invoice
        )
        dispute = self.env["chaser.dispute"].create(
            {
                "company_id": self.company.id,
                "partner_id": self.customer.id,
                "move_ids": self.invoice.ids,
                "reason": "price",
            }
        )
        self._become_contact()
        self.assertEqual(promise.partner_id, self.group)
        self.assertEqual(dispute.partner_id, self.group)
        self.assertFalse(self._plan(self.group).going)
        group = self.group.with_company(self.company)
        self.assertEqual(group.chaser_pause_reason, "Court")
        self.assertEqual(group.preferred_contact_interval, 30)
        held = self.env["chaser.hold"]._read_held(
            self.company, self.group.ids, self.today
        )
        self.assertIn(self.group.id, held.customers)

    def test_queued_then_moved_then_chased(self):
        """Two mails about one invoice are impossible; what leaves is right for the
        group."""
        self._make_invoice(amount=400, move_type="out_refund")
        campaign = self._campaign(self.invoice)
        campaign.action_send()
        self._become_contact()
        again = self._campaign(self.invoice)
        self.assertEqual(again.reminder_ids.reason_code, "live_reminder")
        [message] = self._run(FakeTransport()).sent
        self.assertEqual(message.recipients, ("ap@gulf.example",))
        self.assertIn("600.00", message.text)

    def test_both_wait(self):
        """The group has a reminder of its own on its way: the other one stops."""
        theirs = self._campaign(self._make_invoice(self.group)).reminder_ids
        mine = self._campaign(self.invoice).reminder_ids
        self._become_contact()
        self.assertEqual((theirs.state, mine.state), ("draft", "skipped"))
        self.assertEqual(mine.reason_code, "joined")
        self.assertIn("Gulf Group", mine.reason)

    def test_leaves_the_group_again(self):
        """A contact that becomes a company takes its own invoices and what is known of
        them along; what holds the group holds it as well."""
        self.customer.write({"parent_id": self.group.id})
        self.customer.is_company = False
        sent = self._sent_campaign(self.invoice).reminder_ids
        self.assertEqual(sent.partner_id, self.group)
        self.env["chaser.hold"]._hold(
            self.company, self.group, "manual", detail="court"
        )
        self.customer.is_company = True
        own = self.customer.commercial_partner_id
        items = self._receivable(self.invoice).partner_id.commercial_partner_id
        self.assertEqual(own, self.customer)
        self.assertEqual(sent.partner_id, items)
        self.assertFalse(self._plan(items).going)

    def test_dispute_and_promise_over_everything_of_the_group(self):
        """What holds the group as a whole holds who leaves it, to the same end."""
        self.customer.write({"parent_id": self.group.id, "is_company": False})
        # As imports and journal entries have it: the item names the contact.
        self._receivable(self.invoice).partner_id = self.customer
        until = self._later(days=5).date()
        self.env["chaser.promise"]._promise(self.company, self.group, until)
        self.env["chaser.dispute"].create(
            {
                "company_id": self.company.id,
                "partner_id": self.group.id,
                "reason": "Goods of spring",
            }
        )
        self.customer.is_company = True
        holds = self.env["chaser.hold"].search([("partner_id", "=", self.customer.id)])
        self.assertEqual((holds.code, holds.date_until), ("manual", False))
        self.assertIn("Goods of spring", holds.detail)
        self.assertFalse(self._plan(self.customer).going)

    def _write_to_the_group(self):
        """A letter about invoices of the group and of the contact, who becomes a
        company of its own after it."""
        self.customer.write({"parent_id": self.group.id, "is_company": False})
        # As imports and journal entries have it: the item names the contact.
        self._receivable(self.invoice).partner_id = self.customer
        both = self.invoice | self._make_invoice(self.group)
        [reminder] = self._sent_campaign(both).reminder_ids
        self.assertEqual((reminder.partner_id, reminder.state), (self.group, "sent"))
        self.customer.is_company = True
        return reminder

    def test_interval_of_who_leaves(self):
        """Not asked again on the next day, about whichever invoice."""
        self._write_to_the_group()
        other = self._make_invoice(self.customer, 70)
        [message] = self._plan(self.customer).messages
        self.assertEqual(message.skip.reason, "recent_contact")
        for invoices in (self.invoice, other, self.invoice | other):
            again = self._campaign(invoices).reminder_ids
            self.assertEqual(again.reason_code, "recent_contact")

    def test_interval_of_who_leaves_at_the_send(self):
        """By the same rule as at planning."""
        self._write_to_the_group()
        self.company.chaser_contact_interval = 0
        campaign = self._campaign(self.invoice)
        campaign.action_send()
        self.company.chaser_contact_interval = 7
        self.assertFalse(self._run(FakeTransport()).sent)
        self.assertEqual(campaign.reminder_ids.reason_code, "recent_contact")

    def test_last_reminder_of_who_leaves(self):
        """The worklist, the customer, and searches on both say when planning would say
        they were written to."""
        letter = self._write_to_the_group()
        never = self._make_customer("Never", "never@x.example")
        self._make_invoice(never)
        worklist = self.env["chaser.worklist"]
        [row] = worklist.search([("partner_id", "=", self.customer.id)])
        self.assertEqual(row.last_contact_at, letter.sent_at)
        self.assertEqual(row.reminder_ids, letter)
        # How they react is known of the group alone.
        self.assertEqual((row.reminder_total, row.is_under_way), (0, False))
        self.assertEqual(
            worklist.search([("last_contact_at", "=", False)]).partner_id, never
        )
        self.assertEqual(self.customer.chaser_last_reminder_at, letter.sent_at)
        asked = [("chaser_last_reminder_at", "!=", False)]
        found = self.env["res.partner"].search(asked)
        self.assertEqual(found & (self.customer | never), self.customer)
        letter.sudo().write({"state": "failed", "is_undecided": True})
        self.env.invalidate_all()
        [row] = worklist.search([("partner_id", "=", self.customer.id)])
        self.assertTrue(row.is_under_way)

    def test_week_of_who_leaves(self):
        """The letters of a week are counted as the interval is."""
        self._write_to_the_group()
        self.company.write({"chaser_contact_interval": 0, "chaser_week_limit": 2})
        campaign = self._campaign(self.invoice)
        campaign.action_send()
        self.company.chaser_week_limit = 1
        self.assertFalse(self._run(FakeTransport()).sent)
        self.assertEqual(campaign.reminder_ids.reason_code, "week_limit")
        again = self._campaign(self.invoice).reminder_ids
        self.assertEqual(again.reason_code, "week_limit")

    def test_undecided_letter_to_the_group(self):
        """It may have arrived: who was in it is not asked a second time, at planning
        nor at the send."""
        letter = self._write_to_the_group()
        self.company.chaser_contact_interval = 0
        campaign = self._campaign(self.invoice)
        campaign.action_send()
        letter.sudo().write({"state": "failed", "is_undecided": True, "sent_at": False})
        self.assertFalse(self._run(FakeTransport()).sent)
        self.assertEqual(campaign.reminder_ids.reason_code, "live_reminder")
        self.assertIn(letter.campaign_id.name, campaign.reminder_ids.reason)
        [message] = self._plan(self.customer).messages
        self.assertEqual(message.skip.reason, "live_reminder")
        letter.sudo().write({"is_undecided": False})
        [message] = self._plan(self.customer).going
        self.assertEqual(message.partner_id, self.customer.id)

    def test_letter_that_left_without_the_items_of_who_left(self):
        """An item that was taken out of a letter was not written about."""
        self.customer.write({"parent_id": self.group.id, "is_company": False})
        self._receivable(self.invoice).partner_id = self.customer
        campaign = self._campaign(self.invoice | self._make_invoice(self.group))
        campaign.action_send()
        self.customer.is_company = True
        self.assertEqual(len(self._run(FakeTransport()).sent), 1)
        [message] = self._plan(self.customer).going
        self.assertEqual(message.partner_id, self.customer.id)

    def test_invoice_of_another_customer(self):
        """A reminder asks for what its customer owes, and nobody else."""
        campaign = self._campaign(self.invoice | self._make_invoice(amount=50))
        campaign.action_send()
        other = self._make_customer("Other", "other@other.example")
        self._receivable(self.invoice).partner_id = other
        [message] = self._run(FakeTransport()).sent
        self.assertNotIn("1,000.00", message.text)
        line = campaign.reminder_ids.line_ids.filtered("dropped_code")
        self.assertEqual(line.dropped_code, "other_customer")

    def test_moved_past_the_orm(self):
        sent = self._sent_campaign(self.invoice).reminder_ids
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE res_partner SET parent_id = %s, is_company = false, "
            "commercial_partner_id = %s WHERE id = %s",
            [self.group.id, self.group.id, self.customer.id],
        )
        self.env.invalidate_all()
        self.env["chaser.identity"]._gc_moved()
        self.assertEqual(sent.partner_id, self.group)

    # -- merging

    def test_merge_with_two_waiting(self):
        twin = self._make_customer("Al Noor Trading LLC", "pay@alnoor.example")
        mine = self._campaign(self.invoice).reminder_ids
        theirs = self._campaign(self._make_invoice(twin)).reminder_ids
        self._merge(self.customer, into=twin)
        self.assertFalse(self.customer.exists())
        self.assertEqual((theirs.state, mine.state), ("draft", "skipped"))
        self.assertEqual((mine | theirs).partner_id, twin)
        self.assertEqual(mine.reason_code, "joined")

    def test_merge_of_a_contact_into_another_customer(self):
        """Its invoices, what was written about them, and what holds them go along."""
        contact = self._make_customer(
            "Branch office", False, parent_id=self.customer.id, is_company=False
        )
        theirs = self._make_invoice(contact, 70)
        self._receivable(theirs).partner_id = contact
        sent = self._sent_campaign(theirs).reminder_ids
        promise = self.env["chaser.promise"]._promise(
            self.company, self.customer, self._later(days=5).date(), theirs
        )
        self._merge(contact, into=self.group)
        self.assertEqual(
            self._receivable(theirs).partner_id.commercial_partner_id, self.group
        )
        self.assertEqual(sent.partner_id, self.group)
        self.assertEqual(promise.partner_id, self.group)
        self.assertFalse(self._plan(self.group).going)

    def test_merge_with_two_undecided(self):
        """Both may be out: both stay to be decided."""
        twin = self._make_customer("Al Noor Trading LLC", "pay@alnoor.example")
        mine = self._campaign(self.invoice).reminder_ids
        theirs = self._campaign(self._make_invoice(twin)).reminder_ids
        (mine | theirs).sudo().write({"state": "failed", "is_undecided": True})
        self._merge(self.customer, into=twin)
        self.assertEqual((mine | theirs).mapped("is_undecided"), [True, True])
        self.assertEqual((mine | theirs).partner_id, twin)

    def test_merge_with_the_same_hold(self):
        twin = self._make_customer("Al Noor Trading LLC", "pay@alnoor.example")
        holds = self.env["chaser.hold"]
        for partner, until in ((self.customer, None), (twin, self.today)):
            holds |= self.env["chaser.hold"]._hold(
                self.company, partner, "manual", until=until
            )
        self._merge(self.customer, into=twin)
        self.assertEqual(holds.partner_id, twin)
        active = holds.filtered(lambda hold: not hold.released_at)
        self.assertEqual(len(active), 1)
        self.assertFalse(active.date_until, "the longer one counts")

    def test_merge_with_the_same_money(self):
        twin = self._make_customer("Al Noor Trading LLC", "pay@alnoor.example")
        hits = (
            self.env["chaser.maybe.paid"]
            .sudo()
            .create(
                [
                    {
                        "company_id": self.company.id,
                        "partner_id": partner.id,
                        "source_key": "line-1",
                        "items_key": "7",
                        "state": state,
                    }
                    for partner, state in ((self.customer, "open"), (twin, "ignored"))
                ]
            )
        )
        self._merge(self.customer, into=twin)
        self.assertEqual(hits.exists().mapped("state"), ["ignored"])
        self.assertEqual(hits.exists().partner_id, twin)

    def test_every_unique_index_with_a_customer(self):
        """A new one needs ``_settle_clash`` on its model, and a test above."""
        self.env.cr.execute(
            """SELECT DISTINCT t.relname FROM pg_index i
               JOIN pg_class t ON t.oid = i.indrelid
               JOIN pg_class x ON x.oid = i.indexrelid
               JOIN pg_attribute a ON a.attrelid = x.oid
              WHERE i.indisunique AND t.relname LIKE 'chaser%%'
                AND a.attname = 'partner_id'"""
        )
        tables = {row[0] for row in self.env.cr.fetchall()}
        settled = {
            self.env[name]._table
            for name in self.env["chaser.identity"]._get_models()
            if hasattr(self.env[name], "_settle_clash")
        }
        many2many = {
            field.relation
            for model in self.env.registry.values()
            for field in model._fields.values()
            if field.type == "many2many" and field.store
        }
        self.assertTrue(tables)
        self.assertFalse(tables - settled - many2many)
