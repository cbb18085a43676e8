from datetime import date, datetime

from psycopg2 import IntegrityError

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import Form, new_test_user, tagged
from odoo.tools import mute_logger

from ..models.campaign.filter_names import make_filter_names
from .common import ChaserCase


@tagged("post_install", "-at_install")
class TestSegment(ChaserCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.tag = cls.env["res.partner.category"].create({"name": "Key"})
        cls.picked = cls._make_customer("Picked", "picked@x.example")
        cls.found = cls._make_customer(
            "Found", "found@x.example", category_id=[Command.link(cls.tag.id)]
        )
        cls.stranger = cls._make_customer("Stranger", "stranger@x.example")

    def _segment(self, **values):
        return (
            self.env["chaser.segment"]
            .with_user(self.accountant)
            .create(
                {
                    "name": "Key accounts",
                    "partner_ids": [Command.link(self.picked.id)],
                    "domain": f"[('category_id', 'in', [{self.tag.id}])]",
                    **values,
                }
            )
        )

    def test_picked_and_found(self):
        segment = self._segment()
        self.assertEqual(segment._get_customers(), self.picked | self.found)
        self.assertEqual(segment.customer_count, 2)
        segment.domain = "[]"
        self.assertEqual(
            (segment._get_customers(), segment.customer_count),
            (self.picked, 1),
            "no filter finds nobody",
        )

    def test_a_customer_in_many(self):
        one, two = self._segment(), self._segment(name="Others", domain="[]")
        self.assertEqual((one | two)._get_customers(), self.picked | self.found)

    def test_contacts_and_other_companies_stay_out(self):
        other = self.setup_other_company(name="Second company")["company"]
        values = {"category_id": [Command.link(self.tag.id)]}
        contact = self.env["res.partner"].create(
            {"name": "Contact", "parent_id": self.stranger.id, **values}
        )
        foreign = self._make_customer("Foreign", "f@x.example", **values)
        foreign.company_id = other
        customers = self._segment()._get_customers()
        self.assertNotIn(contact, customers)
        self.assertNotIn(foreign, customers)

    def test_filter_is_data_not_a_program(self):
        for domain, words in (
            ("[('nonsense', '=', 1)]", "cannot be used"),
            ("[('name', '=', ", "cannot be used"),
            ("__import__('os').system('true')", "cannot be used"),
            ("[('name', '=', secret)]", "cannot be used"),
            ("[('name', '=', uid.env)]", "cannot be used"),
            ("[('name', '=', datetime.sys)]", "cannot be used"),
            ("[('name', '=', time.sleep(9))]", "cannot be used"),
            ("{'a': 1}", "cannot be used"),
        ):
            with (
                self.subTest(domain),
                self.assertRaisesRegex(ValidationError, words),
                self.cr.savepoint(),
            ):
                self._segment(name=domain, domain=domain)

    def test_filters_as_the_editor_writes_them(self):
        """``uid``, ``context_today()`` and dates, as Odoo's own editor of filters and
        the saved filters of lists have them."""
        self.found.user_id = self.accountant
        for domain in (
            "[('user_id', '=', uid)]",
            "[('user_id', 'in', [uid, 999999])]",
            "['&', ('user_id', '=', uid), ('create_date', '>=',"
            " context_today().strftime('%Y-%m-%d'))]",
            "[('user_id', '=', uid), ('create_date', '>=', (context_today() +"
            " relativedelta(days=-30)).strftime('%Y-%m-%d'))]",
            "[('user_id', '=', uid), ('create_date', '>=',"
            " datetime.datetime.combine(context_today() + relativedelta(days=-7),"
            " datetime.time(0, 0, 0)).to_utc().strftime('%Y-%m-%d %H:%M:%S'))]",
            "[('user_id', '=', uid), ('create_date', '>', '-30d')]",
            "[('user_id', '=', uid), ('create_date', '<=', 'today +1d')]",
        ):
            with self.subTest(domain):
                segment = self._segment(name=domain, domain=domain)
                self.assertIn(self.found, segment._get_customers())
                self.assertNotIn(self.stranger, segment._get_customers())

    def test_moment_of_a_filter_is_the_users(self):
        """Midnight of the user's day, as Odoo stores it (UTC)."""
        self.env.user.tz = "Asia/Dubai"
        names = make_filter_names(self.env)
        moment = names["datetime"].datetime.combine(
            date(2026, 11, 28), names["datetime"].time(0, 0, 0)
        )
        self.assertEqual(moment.to_utc(), datetime(2026, 11, 27, 20))

    @mute_logger("odoo.sql_db")
    def test_shared_tag_stands_once(self):
        Tag = self.env["chaser.tag"].sudo()
        Tag.create({"name": "Once", "company_id": False})
        Tag.create({"name": "Once", "company_id": self.company.id})
        with self.assertRaises(IntegrityError), self.env.cr.savepoint():
            Tag.create({"name": "Once", "company_id": False})

    def test_subsidiaries_are_customers(self):
        """A company with a parent is a customer of its own; a contact is none."""
        mother = self._make_customer("Mother", "m@mother.example")
        subsidiary = self._make_customer(
            "SubCo", "sub@mother.example", parent_id=mother.id
        )
        contact = self.env["res.partner"].create(
            {"name": "Clerk", "parent_id": subsidiary.id, "email": "c@m.example"}
        )
        self.assertEqual(
            (mother | subsidiary | contact).filtered("chaser_is_customer"),
            mother | subsidiary,
        )
        picked = self._segment(
            name="Picked",
            domain="[]",
            partner_ids=[Command.set((subsidiary | contact).ids)],
        )
        self.assertEqual(picked._get_customers(), subsidiary)
        self.assertEqual(picked.customer_count, 1)
        by_filter = self._segment(
            name="Found",
            domain=f"[('id', 'in', {(mother | subsidiary | contact).ids})]",
            partner_ids=[],
        )
        self.assertEqual(
            by_filter._get_customers().sorted("id"), (mother | subsidiary).sorted("id")
        )
        self.assertIn(
            contact,
            self.env["res.partner"].search([("chaser_is_customer", "=", False)]),
        )

    def test_chase(self):
        for customer in (self.picked, self.found, self.stranger):
            self._make_invoice(customer)
        segment = self._segment()
        action = segment.action_chase()
        preview = (
            self.env["chaser.preview"]
            .with_user(self.accountant)
            .browse(action["res_id"])
        )
        self.assertEqual((preview.customer_count, preview.segment_ids), (2, segment))
        campaign = self.env["chaser.campaign"].browse(
            preview.action_save_draft()["res_id"]
        )
        self.assertEqual(campaign.reminder_ids.partner_id, self.picked | self.found)
        self.assertEqual((campaign.segment_ids, segment.campaign_count), (segment, 1))

    def test_campaign_of_many_segments(self):
        for customer in (self.picked, self.stranger):
            self._make_invoice(customer)
        segments = self._segment(domain="[]") | self._segment(
            name="Two", domain="[]", partner_ids=[Command.set(self.stranger.ids)]
        )
        preview = (
            self.env["chaser.preview"]
            .with_user(self.accountant)
            .browse(segments.action_chase()["res_id"])
        )
        self.assertEqual((preview.customer_count, preview.segment_ids), (2, segments))

    def test_nothing_to_chase(self):
        with self.assertRaisesRegex(UserError, "Nothing is overdue"):
            self._segment().action_chase()
        empty = self._segment(name="Empty", domain="[]", partner_ids=[Command.clear()])
        with self.assertRaisesRegex(UserError, "no customer in Empty"):
            empty.action_chase()

    def test_company_scoped(self):
        other = self.setup_other_company(name="Second company")["company"]
        foreign = new_test_user(
            self.env,
            "seg_other",
            "invoice_chaser.group_chaser_user",
            company_id=other.id,
            company_ids=[Command.set(other.ids)],
        )
        segment = self._segment()
        self.assertFalse(self.env["chaser.segment"].with_user(foreign).search([]))
        with self.assertRaises(AccessError):
            segment.with_user(foreign).action_chase()
        with self.assertRaises(AccessError):
            segment.with_user(self.accountant).company_id = other

    def test_filter_is_shown_only_where_it_is_used(self):
        """An empty filter finds no customer; its widget would count all."""
        segment = self.env["chaser.segment"].create(
            {"name": "By hand", "company_id": self.company.id}
        )
        self.assertFalse(segment.uses_filter)
        segment.domain = "[('email', '!=', False)]"
        self.assertTrue(segment.uses_filter)
        with Form(segment) as form:
            form.uses_filter = False
        self.assertEqual((segment.domain, segment.uses_filter), ("[]", False))

    def test_same_name_once_per_company(self):
        self._segment()
        with (
            self.assertRaisesRegex(Exception, "chaser_segment_name_uniq"),
            self.cr.savepoint(),
        ):
            self._segment()

    # -- who comes and who goes

    def _told(self, record):
        """Odoo's own test classes switch notes of changes off."""
        return record.with_context(tracking_disable=False)

    def test_a_note_says_who_came_and_who_went(self):
        segment = self._told(self._segment(domain="[]"))
        segment.partner_ids = [
            Command.link(self.stranger.id),
            Command.unlink(self.picked.id),
        ]
        body = segment.message_ids[:1].body
        self.assertIn("put in: Stranger", body)
        self.assertIn("taken out: Picked", body)
        count = len(segment.message_ids)
        segment.partner_ids = [Command.link(self.stranger.id)]
        self.assertEqual(len(segment.message_ids), count, "nothing changed")

    def test_a_note_stays_short(self):
        """A segment of thousands is not written out at each change."""
        segment = self._told(self._segment(domain="[]"))
        many = self.env["res.partner"].create(
            [{"name": f"Customer {n:02d}"} for n in range(60)]
        )
        segment.partner_ids = [Command.link(partner.id) for partner in many]
        self.env.flush_all()
        body = segment.message_ids[:1].body
        self.assertIn("and 50 more", body)
        self.assertNotIn("Customer 15", body)
        self.assertFalse(
            segment.sudo().message_ids.tracking_value_ids.filtered("old_value_char")
        )

    def test_many_come_in_without_reading_who_is_in(self):
        """The same number of queries and of rows, however many are in already."""
        segment = self._segment(domain="[]")
        customers = self.env["res.partner"].create(
            [{"name": f"Customer {n:02d}"} for n in range(60)]
        )
        one, two, rest = customers[:5], customers[5:10], customers[10:]

        def read(partners):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            segment._put_in(partners)
            return self.cr.sql_log_count - before

        read(self.picked)  # rights and rules are known from now on
        first = read(one)
        segment._put_in(rest)
        self.assertEqual(read(two), first)
        segment._put_in(one)
        self.assertEqual(segment.partner_ids, self.picked | customers)

    def test_nobody_of_another_company_comes_in(self):
        other = self.setup_other_company(name="Second company")["company"]
        self.stranger.company_id = other
        segment = self._segment(domain="[]")
        with self.assertRaises(UserError):
            segment._put_in(self.stranger)
        with self.assertRaisesRegex(UserError, "Stranger belong"):
            segment.sudo()._put_in(self.stranger)
        self.assertEqual(segment.partner_ids, self.picked)
