"""A ledger that is small enough to be added up by hand."""

from datetime import date
from unittest.mock import patch

from odoo.fields import Command

from .common import ChaserCase

TODAY = date(2025, 4, 20)


class OverviewCase(ChaserCase):
    """Company POP on 20 April 2025, in USD (the tests' company currency):

    == ============ ============ ====== ==========================================
    A  10 Jan       due 31 Jan     1000 paid on 12 March, 40 days late
    B  5 Feb        due 7 March     600 paid 200 on 17 March, 10 days late; credit
                                        note of 50 on 25 March; 350 are open
    C  20 March     due 19 April    900 open, 1 day late
    D  2 April      due 2 May       500 open, not due
    E  5 April                     -100 a credit note that nothing is set against
    F  15 Dec 2024  due 31 Dec      300 30 written off on 20 Feb; 270 are open
    == ============ ============ ====== ==========================================
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(
            patch.object(
                cls.registry["res.company"], "_get_chaser_today", lambda _self: TODAY
            )
        )
        cls.today = TODAY
        cls.other = cls._make_customer("Beta Stores", "pay@beta.example")
        cls.a = cls._make_bill(1000, date(2025, 1, 10), date(2025, 1, 31))
        cls.b = cls._make_bill(600, date(2025, 2, 5), date(2025, 3, 7))
        cls.c = cls._make_bill(900, date(2025, 3, 20), date(2025, 4, 19), cls.other)
        cls.d = cls._make_bill(500, date(2025, 4, 2), date(2025, 5, 2), cls.other)
        cls.f = cls._make_bill(300, date(2024, 12, 15), date(2024, 12, 31))
        cls._pay_on(cls.a, 1000, date(2025, 3, 12))
        cls._pay_on(cls.b, 200, date(2025, 3, 17))
        note = cls._make_bill(
            50, date(2025, 3, 25), date(2025, 3, 25), move_type="out_refund"
        )
        cls._match(note, cls.b)
        cls.e = cls._make_bill(
            100, date(2025, 4, 5), date(2025, 4, 5), move_type="out_refund"
        )
        cls._match(cls._write_off(30, date(2025, 2, 20)), cls.f)

    @classmethod
    def _make_bill(cls, amount, day, due, partner=None, **values):
        move = cls.env["account.move"].create(
            {
                "move_type": values.pop("move_type", "out_invoice"),
                "partner_id": (partner or cls.customer).id,
                "invoice_date": day,
                "date": day,
                "invoice_date_due": due,
                "invoice_payment_term_id": False,
                "invoice_line_ids": [
                    Command.create(
                        {
                            "name": "Goods",
                            "quantity": 1,
                            "price_unit": amount,
                            "tax_ids": [Command.clear()],
                        }
                    )
                ],
                **values,
            }
        )
        move.action_post()
        return move

    @classmethod
    def _pay_on(cls, invoice, amount, day):
        return (
            cls.env["account.payment.register"]
            .with_context(active_model="account.move", active_ids=invoice.ids)
            .create({"amount": amount, "payment_date": day})
            ._create_payments()
        )

    @classmethod
    def _write_off(cls, amount, day):
        account = cls.company_data["default_account_receivable"]
        move = cls.env["account.move"].create(
            {
                "move_type": "entry",
                "date": day,
                "line_ids": [
                    Command.create(
                        {
                            "name": "Bad debt",
                            "account_id": account.id,
                            "partner_id": cls.customer.id,
                            "credit": amount,
                        }
                    ),
                    Command.create(
                        {
                            "name": "Bad debt",
                            "account_id": cls.company_data[
                                "default_account_expense"
                            ].id,
                            "debit": amount,
                        }
                    ),
                ],
            }
        )
        move.action_post()
        return move

    @classmethod
    def _match(cls, *moves):
        lines = cls.env["account.move.line"]
        for move in moves:
            lines |= cls._receivable(move)
        lines.reconcile()

    def _read(self, as_user=None, **filters):
        Overview = self.env["chaser.overview"].with_user(as_user or self.accountant)
        return Overview.with_context(
            allowed_company_ids=self.company.ids
        ).read_overview(filters)
