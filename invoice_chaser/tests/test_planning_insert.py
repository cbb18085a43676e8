from unittest.mock import patch

from odoo.tests import tagged

from .common import ChaserCase

_TOKENS = ("token", "pixel_token", "stop_token", "reply_token", "page_token")
_OWN = {"id", "campaign_id", *_TOKENS, "create_date", "write_date"}


@tagged("post_install", "-at_install")
class TestInsert(ChaserCase):
    """A campaign's reminders are written past the ORM: their values must equal those
    that the ORM would have written."""

    def _read(self, campaign):
        """The stored columns of the reminders and lines, by customer, without what is
        each one's own."""
        self.env.flush_all()
        self.env.cr.execute(
            "SELECT * FROM chaser_reminder WHERE campaign_id = %s ORDER BY "
            "partner_id, id",
            [campaign.id],
        )
        rows = self.env.cr.dictfetchall()
        return [
            {name: value for name, value in row.items() if name not in _OWN}
            for row in rows
        ], rows

    def _make_invoices(self):
        silent = self._make_customer("No Address", False)
        arab = self._make_customer(
            "عميل", "finance@Ar.Example, second@other.example", chaser_language="ar"
        )
        single = self._make_customer(
            "Singly", "one@single.example", consolidation_preference="disabled"
        )
        invoices = self.env["account.move"]
        for customer in (self.customer, silent, arab, single, single):
            invoices |= self._make_invoice(customer, days=40)
        return invoices

    def test_reminders_are_those_that_the_orm_would_make(self):
        invoices = self._make_invoices()
        campaign = self._campaign(invoices)
        fast, rows = self._read(campaign)
        self.assertEqual(len(fast), 5)
        self.assertEqual(
            {row["recipient_domain"] for row in rows},
            {"alnoor.example", "ar.example", "single.example", None},
        )
        campaign.action_cancel()
        with patch.object(
            type(self.env["chaser.plan.writer"]),
            "_insert_reminders",
            lambda own, values: own.env["chaser.reminder"].sudo().create(values),
        ):
            slow, _rows = self._read(self._campaign(invoices))
        self.assertEqual(fast, slow)

    def test_each_has_tokens_of_its_own(self):
        _values, rows = self._read(self._campaign(self._make_invoices()))
        for name in _TOKENS:
            self.assertEqual(len({row[name] for row in rows} - {None, ""}), 5)

    def test_lines_stand_with_their_reminder(self):
        campaign = self._campaign(self._make_invoices())
        for reminder in campaign.reminder_ids:
            self.assertEqual(
                reminder.line_ids.move_id.commercial_partner_id, reminder.partner_id
            )
            self.assertEqual(reminder.company_id, self.company)

    def test_a_stored_field_of_a_later_addon_is_computed(self):
        """Not only what this addon knows."""
        marked, invoice = {}, self._make_invoice()
        self.env.flush_all()
        with (
            patch.object(
                self.env["chaser.reminder"]._fields["body_text"],
                "compute",
                "_compute_body_text",
            ),
            patch.object(
                type(self.env),
                "add_to_compute",
                lambda _env, field, records: marked.update({field.name: records}),
            ),
        ):
            campaign = self._campaign(invoice)
        self.assertEqual(marked["body_text"], campaign.reminder_ids)

    def test_query_count_from_selection_to_queued(self):
        """Does not grow with the customers: planning, writing, the checker's samples,
        queueing."""

        def count(customers):
            invoices = self._invoice_customers(customers)
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self._campaign(invoices).action_send()
            self.env.flush_all()
            return self.env.cr.sql_log_count - before

        count(2)
        few, many = count(3), count(30)
        self.assertLessEqual(
            many - few, 2, f"{few} queries for 3 customers, {many} for 30"
        )
        self.assertLessEqual(many, 90)
