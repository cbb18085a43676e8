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
            {"chaser_paused_until": self._later(days=9), "chaser_pause_reason": "Court"}
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

    def test_interval_of_who_leaves(self):
        """The letter was about invoices of the group and of the contact; the contact
        becomes a company of its own: not asked again on the next day."""
        self.customer.write({"parent_id": self.group.id, "is_company": False})
        # As imports and journal entries have it: the item names the contact.
        self._receivable(self.invoice).partner_id = self.customer
        sent = self._sent_campaign(self.invoice | self._make_invoice(self.group))
        [reminder] = sent.reminder_ids
        self.assertEqual(reminder.partner_id, self.group)
        self.customer.is_company = True
        [message] = self._plan(self.customer).messages
        self.assertEqual(message.skip.reason, "recent_contact")
        again = self._campaign(self.invoice).reminder_ids
        self.assertEqual(again.reason_code, "recent_contact")

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
