from unittest.mock import patch

from odoo import fields
from odoo.tests import tagged, test_cursor
from odoo.tools import mute_logger

from ..core.letter.documents import pdf
from .common import FakeTransport
from .test_send import Killed
from .test_send_documents import DocumentCase

_LOG = "odoo.addons.invoice_chaser.models.send.chaser_documents"


@tagged("post_install", "-at_install")
class TestDrawn(DocumentCase):
    """Documents are drawn while nothing is locked; what happens meanwhile is seen
    before they go."""

    def setUp(self):
        super().setUp()
        self.template.write({"attach_statement": "pdf", "attach_letter": True})
        self.drawn = []
        self._renew()

    def _renew(self, customer=None):
        self.invoices = self._make_invoice(customer, amount=100) | self._make_invoice(
            customer, amount=70
        )
        self.campaign = self._campaign(self.invoices, template_id=self.template.id)
        self.campaign.action_send()
        self.reminder = self.campaign.reminder_ids

    def _run_while(self, *happens, transport=None):
        """A run of the mailbox; the functions in ``happens`` are called while the
        first, second … document is drawn."""
        happens = list(happens)

        def make_pdf(html):
            self.drawn.append(html)
            if happens and (happen := happens.pop(0)):
                happen()
                self.env.flush_all()
                test_cursor.TestCursor._cursors_stack[
                    -1
                ].commit()  # as another process would do
            return html.encode()

        with patch.object(pdf, "make_pdf", make_pdf):
            return self._run(transport).sent

    def _get_texts(self, message):
        return [file.content.decode() for file in message.attachments]

    def test_drawn_once_where_nothing_happens(self):
        [message] = self._run_while()
        self.assertEqual(len(self.drawn), 2)
        self.assertEqual(self._get_texts(message), self.drawn)

    def test_nothing_is_locked_or_written_while_drawing(self):
        """The transaction of the checks is over; that of the message begins after the
        drawing."""
        order, provider = [], type(self.provider)
        sender = self.registry["chaser.sender"]
        fresh, steps = provider._fresh, sender._run_steps
        with (
            patch.object(
                provider, "_fresh", lambda own: order.append("let go") or fresh(own)
            ),
            patch.object(
                sender,
                "_run_steps",
                lambda own, job: order.append("steps") or steps(own, job),
            ),
        ):
            self._run_while(lambda: order.append("draw"), lambda: order.append("draw"))
        order = order[order.index("steps") :]
        self.assertEqual(order[:5], ["steps", "let go", "draw", "draw", "steps"])

    def test_part_payment_while_drawing(self):
        [message] = self._run_while(lambda: self._pay(self.invoices[0], 40))
        self.assertEqual(len(self.drawn), 4, "both again")
        for text in (*self._get_texts(message), message.html):
            self.assertIn("130.00", text)
            self.assertNotIn("170.00", text)
        self.assertCountEqual(
            self.reminder.document_ids.mapped("raw"),
            [file.content for file in message.attachments],
            "only those that went are kept",
        )

    def test_one_of_two_paid_while_drawing(self):
        [message] = self._run_while(lambda: self._pay(self.invoices[0]))
        for text in (*self._get_texts(message), message.html):
            self.assertNotIn(self.invoices[0].name, text)
            self.assertIn("70.00", text)

    def test_paid_while_drawing(self):
        self.assertFalse(
            self._run_while(lambda: [self._pay(invoice) for invoice in self.invoices])
        )
        self.assertEqual(
            (self.reminder.state, self.reminder.reason_code), ("skipped", "paid")
        )
        self.assertFalse(self.reminder.document_ids)

    def test_disputed_paused_or_cancelled_while_drawing(self):
        def cancel():
            self.campaign.action_cancel()

        def pause():
            self.customer.with_company(
                self.company
            ).chaser_paused_until = fields.Date.add(self.today, days=9)

        for happen, state, code in (
            (pause, "skipped", "paused"),
            (cancel, "cancelled", False),
        ):
            with self.subTest(happen.__name__):
                self.assertFalse(self._run_while(happen))
                self.assertEqual(
                    (self.reminder.state, self.reminder.reason_code), (state, code)
                )
                self.customer.with_company(self.company).chaser_paused_until = False
                self._renew()

    def test_only_what_changed_is_drawn_again(self):
        """Another invoice, not yet due: it is in the statement, not in the letter."""
        [message] = self._run_while(lambda: self._make_invoice(amount=55, days=-10))
        self.assertEqual(len(self.drawn), 3)
        letter, statement = self._get_texts(message)
        self.assertIn("225.00", statement)
        self.assertIn("170.00", letter)

    def test_an_account_that_does_not_keep_still_waits(self):
        pay = [lambda: self._pay(self.invoices[0], 1)] * 20
        self.assertFalse(self._run_while(*pay))
        self.assertEqual(
            (self.reminder.state, self.reminder.reason_code),
            ("queued", "account_changing"),
        )
        self.assertGreater(self.reminder.scheduled_at, fields.Datetime.now())
        self.assertIn("is being changed", self.reminder.reason)
        self.reminder.sudo().scheduled_at = fields.Datetime.now()
        self.assertEqual(len(self._run_while()), 1)

    def test_a_customer_that_must_not_be_written_to_costs_no_drawing(self):
        self.customer.with_company(self.company).chaser_paused_until = fields.Date.add(
            self.today, days=9
        )
        self.assertFalse(self._run_while())
        self.assertFalse(self.drawn)

    def test_death_while_drawing(self):
        def die():
            raise Killed

        with mute_logger("odoo.addons.base.models.ir_cron"):
            try:
                self._run_while(die)
            except Killed:
                self.env.invalidate_all()
        self.assertEqual(
            (self.reminder.state, self.reminder.attempt_count), ("queued", 0)
        )
        [message] = self._run_while()
        self.assertEqual((len(message.attachments), self.reminder.state), (2, "sent"))

    def test_death_after_drawing_at_each_step(self):
        """Once the documents are there: nothing twice, nothing lost."""
        pipeline = self.registry["chaser.sender"]
        for name in pipeline._SEND_STEPS:
            with self.subTest(name):
                self.campaign.action_cancel()
                self._renew(self._make_customer(f"At {name}", f"{name}@after.example"))
                original = getattr(pipeline, f"_step_{name}")

                def step(sender, job, original=original):
                    stop = original(sender, job)
                    if job.drawn:
                        raise Killed
                    return stop

                transport = FakeTransport()
                with (
                    patch.object(pipeline, f"_step_{name}", step),
                    mute_logger("odoo.addons.base.models.ir_cron"),
                ):
                    try:
                        self._run_while(transport=transport)
                    except Killed:
                        self.env.invalidate_all()
                self._run_while(transport=transport)
                self._run_while(transport=transport)
                self.assertEqual(len(transport.sent), 0 if name == "mark" else 1)
                self.assertTrue(
                    self.reminder.is_undecided
                    if name in ("mark", "send")
                    else self.reminder.state == "sent",
                    self.reminder.state,
                )

    def test_an_engine_that_fails_is_asked_once_and_told(self):
        def fail():
            raise ValueError("broken font")

        with mute_logger(_LOG):
            [message] = self._run_while(fail)
        self.assertEqual((len(self.drawn), len(message.attachments)), (2, 1))
        self.assertIn("broken font", self.reminder.document_note)
        self.assertEqual(self.reminder.state, "sent")
