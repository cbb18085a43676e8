from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.service.model import call_kw
from odoo.tests import new_test_user, tagged

from ..core.mail.errors import MessageRefused, OutcomeUnknown
from .common import ChaserCase, FakeTransport

OPERATIONS = ("read", "write", "create", "unlink")
# What users of the group may do themselves; the program's own calls run as superuser.
USER_RIGHTS = {
    "chaser.mailbox.move": "rwcu",
    "chaser.campaign": "rwcu",
    "chaser.suppression": "rwc",
    "chaser.tag": "rwc",
    "chaser.preview": "rwcu",
    "chaser.preview.message": "rwcu",
    "chaser.preview.item": "rwcu",
    "chaser.reminder": "r",
    "chaser.reminder.line": "r",
    "chaser.event": "r",
    "chaser.provider": "r",
    "chaser.answer": "r",
    "chaser.hold": "rwc",
    "chaser.promise": "rwc",
    "chaser.dispute": "rwc",
    "chaser.level": "r",
    "chaser.template": "r",
    "chaser.template.version": "r",
    "chaser.policy": "r",
    "chaser.inbound": "r",
    "chaser.inbound.assign": "rwcu",
    "chaser.worklist": "r",
    "chaser.daily.run": "r",
    "chaser.segment": "rwcu",
    "chaser.simulation": "rwcu",
    "chaser.simulation.level": "rwcu",
    "chaser.simulation.line": "rwcu",
    "chaser.call": "rwc",
}
# Only the addon's own methods come here.
USER_RIGHTS |= dict.fromkeys(("chaser.oauth.grant", "chaser.oauth.request"), "")
MANAGER_RIGHTS = USER_RIGHTS | dict.fromkeys(
    (
        "chaser.provider",
        "chaser.level",
        "chaser.template",
        "chaser.suppression",
        "chaser.tag",
        "chaser.hold",
        "chaser.promise",
        "chaser.dispute",
        "chaser.policy",
        "chaser.call",
    ),
    "rwcu",
)
TEXTS = {
    "subject": "{{ total_due }}",
    "body_html": "<p>{{ invoice_table }}</p><p>{{ pay_button }}</p>",
}
USER_RIGHTS["chaser.maybe.paid"] = MANAGER_RIGHTS["chaser.maybe.paid"] = "r"
# Only managers set up mailboxes.
for _name in ("chaser.person.data", "chaser.retention.rule"):
    USER_RIGHTS[_name], MANAGER_RIGHTS[_name] = "", "rwcu"
USER_RIGHTS["chaser.domain.check"] = ""
MANAGER_RIGHTS["chaser.domain.check"] = "rwcu"
# Only managers import letters; all users may compare them.
USER_RIGHTS |= {
    "chaser.template.compare": "rwcu",
    "chaser.template.import": "",
    "chaser.template.import.line": "",
}
MANAGER_RIGHTS |= dict.fromkeys(
    (
        "chaser.template.compare",
        "chaser.template.import",
        "chaser.template.import.line",
    ),
    "rwcu",
)
USER_RIGHTS["chaser.webhook.event"], MANAGER_RIGHTS["chaser.webhook.event"] = "", "r"
# Days off are the manager's.
USER_RIGHTS["chaser.holiday"], MANAGER_RIGHTS["chaser.holiday"] = "r", "rwcu"
# Moving in is for managers; its lines are written by the import alone.
for _name in ("chaser.import", "chaser.import.file", "chaser.import.column"):
    USER_RIGHTS[_name], MANAGER_RIGHTS[_name] = "", "rwcu"
USER_RIGHTS["chaser.import.line"], MANAGER_RIGHTS["chaser.import.line"] = "", "rw"
# Reports and the forecast are read; kept months and marks are the program's own.
for _name in (
    "chaser.cash.forecast",
    "chaser.event.report",
    "chaser.receivable.report",
    "chaser.reminder.report",
):
    USER_RIGHTS[_name] = MANAGER_RIGHTS[_name] = "r"
for _name in (
    "chaser.event.kept",
    "chaser.receivable.kept",
    "chaser.receivable.month",
    "chaser.receivable.stale",
):
    USER_RIGHTS[_name] = MANAGER_RIGHTS[_name] = ""


@tagged("post_install", "-at_install")
class TestRights(ChaserCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        own = {"company_id": cls.company.id}
        cls.manager = new_test_user(
            cls.env,
            "rights_manager",
            "invoice_chaser.group_chaser_manager",
            email="m@pop.example",
            **own,
        )
        cls.invoicing = new_test_user(
            cls.env, "rights_invoicing", "account.group_account_invoice", **own
        )
        cls.portal = new_test_user(cls.env, "rights_portal", "base.group_portal", **own)
        cls.public = cls.env.ref("base.public_user").sudo()
        cls.others = {
            "invoicing": cls.invoicing,
            "portal": cls.portal,
            "public": cls.public,
        }

    def _models(self):
        return sorted(
            name
            for name, model in self.registry.items()
            if model._original_module == "invoice_chaser" and not model._abstract
        )

    def _call(self, user, records, method, *args, **kwargs):
        model = self.env(
            user=user, su=False, context={"allowed_company_ids": self.company.ids}
        )[records._name]
        return call_kw(
            model,
            method,
            [
                *(
                    [records.ids]
                    if method not in ("create", "search", "create_for_invoices")
                    else []
                ),
                *args,
            ],
            kwargs,
        )

    def _failed_campaign(self, error):
        campaign = self._campaign(self._make_invoice())
        campaign.action_send()
        self._run(FakeTransport([error]))
        return campaign

    # -- who may do what at all

    def test_table_of_rights(self):
        """Each new model must be put into the table on purpose."""
        for user, table in (
            (self.accountant, USER_RIGHTS),
            (self.manager, MANAGER_RIGHTS),
        ):
            rights = {
                name: "".join(
                    operation[0]
                    for operation in OPERATIONS
                    if self.env[name].with_user(user).has_access(operation)
                )
                for name in self._models()
            }
            self.assertEqual(rights, table, user.login)

    def test_others_have_no_rights(self):
        self._sent_campaign(self._make_invoice())
        for login, user in self.others.items():
            for name in self._models():
                records = self.env[name].sudo().search([], limit=1)
                with self.subTest(user=login, model=name):
                    self.assertFalse(
                        [
                            operation
                            for operation in OPERATIONS
                            if self.env[name].with_user(user).has_access(operation)
                        ]
                    )
                    for method, args in (
                        ("search", [[]]),
                        (
                            "create",
                            [
                                [
                                    {"email": "x@y.example"}
                                    if "email" in records._fields
                                    else {}
                                ]
                            ],
                        ),
                    ):
                        with self.assertRaises(AccessError):
                            self._call(user, records, method, *args)
                    if records:
                        with self.assertRaises(AccessError):
                            self._call(user, records, "read", ["display_name"])

    def test_others_cannot_press_the_buttons(self):
        invoice = self._make_invoice()
        sent = self._sent_campaign(
            self._make_invoice(self._make_customer("Sent", "sent@customer.example"))
        )
        fresh = self._campaign(invoice)
        for login, user in self.others.items():
            for records, method, args in (
                (invoice, "action_chase", []),
                (self.customer, "action_chase", []),
                (fresh, "create_for_invoices", [invoice.ids]),
                *(
                    (fresh, name, [])
                    for name in (
                        "action_send",
                        "action_schedule",
                        "action_pause",
                        "action_resume",
                        "action_cancel",
                    )
                ),
                *(
                    (fresh.reminder_ids, name, [])
                    for name in (
                        "action_drop",
                        "action_retry",
                        "action_settle_sent",
                        "action_settle_not_sent",
                    )
                ),
                (sent.reminder_ids.line_ids, "action_drop", []),
                (self.provider, "action_test_connection", []),
                (self.provider, "action_send_sample", []),
                (self.provider, "action_disable", []),
                (self.provider, "action_clear_password", []),
            ):
                with (
                    self.subTest(user=login, method=method),
                    self.assertRaises(AccessError),
                ):
                    self._call(user, records, method, *args)
        self.assertEqual(
            (fresh.state, fresh.reminder_ids.state, self.provider.state),
            ("draft", "draft", "connected"),
        )

    def test_invoicing_user_works_undisturbed(self):
        """Users without rights on reminders can still open invoices and customers, and
        a payment that they register stops a reminder."""
        invoice = self._make_invoice()
        campaign = self._campaign(invoice)
        for records in (invoice, self.customer):
            names = [
                name
                for name in self._call(self.invoicing, records, "fields_get")
                if "chaser" in name
            ] + ["display_name"]
            self.assertNotIn("chaser_reminder_count", names)
            self.assertTrue(self._call(self.invoicing, records, "read", names))
        wizard = (
            self.env["account.payment.register"]
            .with_user(self.invoicing)
            .with_context(active_model="account.move", active_ids=invoice.ids)
            .create({})
        )
        wizard.action_create_payments()
        self.assertEqual(
            (campaign.reminder_ids.state, campaign.reminder_ids.reason_code),
            ("skipped", "paid"),
        )

    # -- the accountant

    def test_accountant_chases_from_invoice_to_sent(self):
        invoice = self._make_invoice()
        action = self._call(self.accountant, invoice, "action_chase")
        preview = self.env["chaser.preview"].browse(action["res_id"])
        opened = self._call(self.accountant, preview, "action_send")
        campaign = self.env["chaser.campaign"].browse(opened["res_id"])
        self.assertEqual(
            (campaign.state, campaign.user_id), ("sending", self.accountant)
        )
        self.assertEqual(len(self._run().sent), 1)
        self.assertEqual(campaign.state, "completed")

    def test_accountant_pauses_resumes_cancels(self):
        first, second = (
            self._campaign(self._make_invoice()),
            self._campaign(
                self._make_invoice(self._make_customer("Two", "two@customer.example"))
            ),
        )
        self._call(self.accountant, first | second, "action_send")
        self._call(self.accountant, first | second, "action_pause")
        self.assertEqual(self._run().sent, [])
        self.assertEqual(set((first | second).mapped("state")), {"paused"})
        self.assertIn(self.accountant.name, first.reason)
        self._call(self.accountant, first, "action_resume")
        self._call(self.accountant, second, "action_cancel")
        self.assertEqual(
            [mail.recipients[0] for mail in self._run().sent],
            ["finance@alnoor.example"],
        )
        self.assertEqual(
            (first.state, second.state, second.reminder_ids.state),
            ("completed", "cancelled", "cancelled"),
        )

    def test_accountant_schedules(self):
        campaign = self._campaign(self._make_invoice())
        self._call(
            self.accountant,
            campaign,
            "action_schedule",
            fields.Datetime.to_string(self._later(hours=3)),
        )
        self.assertEqual(campaign.state, "scheduled")
        self.assertEqual(self._run().sent, [])

    def test_accountant_drops_customer_and_item(self):
        other = self._make_customer("Two", "two@customer.example")
        campaign = self._campaign(
            self._make_invoice()
            | self._make_invoice(amount=50)
            | self._make_invoice(other)
        )
        mine = campaign.reminder_ids.filtered(
            lambda reminder: reminder.partner_id == self.customer
        )
        self._call(self.accountant, campaign.reminder_ids - mine, "action_drop")
        self._call(
            self.accountant,
            mine.line_ids.filtered(lambda line: line.amount_residual == 50),
            "action_drop",
        )
        campaign.action_send()
        [mail] = self._run().sent
        self.assertEqual(mail.recipients, ("finance@alnoor.example",))
        self.assertIn("1,000.00", mail.text)
        self.assertNotIn("1,050.00", mail.text)
        dropped = campaign.reminder_ids - mine
        self.assertEqual(
            (dropped.state, dropped.reason),
            ("skipped", f"Left out by {self.accountant.name}."),
        )

    def test_accountant_retries(self):
        campaign = self._failed_campaign(MessageRefused("no"))
        self.assertEqual(campaign.reminder_ids.state, "failed")
        self._call(self.accountant, campaign.reminder_ids, "action_retry")
        self.assertEqual(len(self._run().sent), 1)
        self.assertEqual(
            (campaign.reminder_ids.state, campaign.state), ("sent", "completed")
        )

    def test_accountant_settles(self):
        for method, state, sent in (
            ("action_settle_sent", "sent", 0),
            ("action_settle_not_sent", "sent", 1),
        ):
            with self.subTest(method=method):
                customer = self._make_customer(method, f"{method}@customer.example")
                campaign = self._campaign(self._make_invoice(customer))
                campaign.action_send()
                self._run(FakeTransport([OutcomeUnknown("line broke")]))
                self.assertTrue(campaign.reminder_ids.is_undecided)
                with self.assertRaises(UserError):
                    self._call(self.accountant, campaign.reminder_ids, "action_retry")
                self._call(self.accountant, campaign.reminder_ids, method)
                self.assertFalse(campaign.reminder_ids.is_undecided)
                self.assertEqual(len(self._run().sent), sent)
                self.assertEqual(campaign.reminder_ids.state, state)

    def test_accountant_stops_and_releases_an_address(self):
        [stopped] = self._call(
            self.accountant,
            self.env["chaser.suppression"],
            "create",
            [{"email": "Finance@AlNoor.example"}],
        )
        record = self.env["chaser.suppression"].browse(stopped)
        self.assertEqual(
            self._campaign(self._make_invoice()).reminder_ids.reason_code, "suppressed"
        )
        self._call(self.accountant, record, "action_release")
        self.assertEqual(record.released_by_id, self.accountant)
        self.assertEqual(
            self._campaign(self._make_invoice()).reminder_ids.state, "draft"
        )

    def test_accountant_cannot_set_the_rules(self):
        level, template = (
            self.env.ref("invoice_chaser.chaser_level_polite"),
            self.env.ref("invoice_chaser.chaser_template_polite"),
        )
        for records, values in (
            (self.provider, {"email": "x@pop.example", "name": "x"}),
            (level, {"name": "x", "template_id": template.id}),
            (template, {"name": "x", **TEXTS}),
        ):
            # Computed fields may depend on the clock.
            stored = [name for name in records.read()[0] if records._fields[name].store]
            before = records.read(stored)
            for method, args in (
                ("create", [[values]]),
                ("write", [values]),
                ("write", [{"active": False}]),
                ("unlink", []),
                ("copy", []),
                ("action_archive", []),
                ("web_save", [values, {}]),
            ):
                with (
                    self.subTest(model=records._name, method=method),
                    self.assertRaises(AccessError),
                ):
                    self._call(self.accountant, records, method, *args)
            self.env.invalidate_all()
            self.assertEqual(records.read(stored), before)
        for method in (
            "action_connect",
            "action_disconnect",
            "action_test_connection",
            "action_send_sample",
            "action_disable",
            "action_clear_password",
        ):
            with self.subTest(method=method), self.assertRaises(AccessError):
                self._call(self.accountant, self.provider, method)
        with self.assertRaises(AccessError):
            self._call(
                self.accountant,
                template,
                "update_field_translations",
                "subject",
                {"en_US": "x"},
            )

    def test_manager_sets_the_rules(self):
        [template] = self._call(
            self.manager,
            self.env["chaser.template"],
            "create",
            [{"name": "Ours", **TEXTS}],
        )
        [level] = self._call(
            self.manager,
            self.env["chaser.level"],
            "create",
            [{"name": "Ours", "template_id": template, "days_overdue": 1}],
        )
        [provider] = self._call(
            self.manager,
            self.env["chaser.provider"],
            "create",
            [{"kind": "odoo", "email": "second@pop.example"}],
        )
        self.assertTrue(self.env["chaser.provider"].browse(provider).cron_id.active)
        for records in (
            self.env["chaser.level"].browse(level),
            self.env["chaser.template"].browse(template),
            self.env["chaser.provider"].browse(provider),
        ):
            self._call(self.manager, records, "write", {"sequence": 3})
            self._call(self.manager, records, "unlink")
            self.assertFalse(records.exists())

    # -- evidence

    def test_nobody_changes_evidence(self):
        """Reminders, their items, events and template versions are written by the
        program alone, also for an administrator."""
        campaign = self._sent_campaign(self._make_invoice())
        reminder = campaign.reminder_ids
        administrator = new_test_user(
            self.env,
            "rights_admin",
            "base.group_system,invoice_chaser.group_chaser_manager,account.group_account_manager",
            company_id=self.company.id,
        )
        for records in (
            reminder,
            reminder.line_ids,
            reminder.event_ids,
            reminder.template_version_id,
        ):
            before = records.read()
            name = next(
                name
                for name in ("state", "amount", "verdict", "checksum")
                if name in records._fields
            )
            for user in (self.accountant, self.manager, administrator):
                for method, args in (
                    ("write", [{name: records[0][name]}]),
                    ("web_save", [{name: records[0][name]}, {}]),
                    ("unlink", []),
                    ("copy", []),
                    ("create", [[{"company_id": self.company.id}]]),
                ):
                    refusal = (
                        UserError
                        if records._name == "chaser.event"
                        and method in ("write", "web_save")
                        else AccessError
                    )
                    with (
                        self.subTest(
                            model=records._name, user=user.login, method=method
                        ),
                        self.assertRaises(refusal),
                    ):
                        self._call(user, records, method, *args)
            self.env.invalidate_all()
            self.assertEqual(records.read(), before)

    def test_evidence_cannot_be_changed_through_the_campaign(self):
        campaign = self._sent_campaign(self._make_invoice())
        reminder = campaign.reminder_ids
        for command in (
            [1, reminder.id, {"state": "draft"}],
            [2, reminder.id, 0],
            [0, 0, {"partner_id": self.customer.id, "company_id": self.company.id}],
        ):
            with self.subTest(command=command), self.assertRaises(UserError):
                self._call(self.manager, campaign, "write", {"reminder_ids": [command]})
                self.env.flush_all()
        self.env.invalidate_all()
        self.assertEqual(
            (reminder.exists().state, campaign.reminder_ids), ("sent", reminder)
        )

    def test_sent_campaign_cannot_be_deleted(self):
        campaign = self._sent_campaign(self._make_invoice())
        for user in (self.accountant, self.manager):
            with self.assertRaises(UserError):
                self._call(user, campaign, "unlink")
        self.assertTrue(campaign.exists().reminder_ids)
        draft = self._campaign(
            self._make_invoice(self._make_customer("Two", "two@customer.example"))
        )
        self._call(self.accountant, draft, "unlink")
        self.assertFalse(draft.exists())

    def test_events_are_append_only(self):
        """Even the program changes only the verdict, and personal data that is to be
        deleted."""
        event = self._sent_campaign(self._make_invoice()).reminder_ids.event_ids.sudo()
        for values in (
            {"event_type": "bounced"},
            {"occurred_at": fields.Datetime.now()},
            {"reminder_id": False},
            {"partner_id": False},
            {"link_url": "x"},
            {"verdict": "human", "source": "manual"},
            {"company_id": self.company.id},
        ):
            with self.subTest(values=values), self.assertRaises(UserError):
                event.write(values)
        with self.assertRaises(UserError):
            event.unlink()
        event.write({"verdict": "machine", "verdict_reason": "burst"})
        event.write({"user_agent": False, "ip_address": False, "raw_data": False})
        self.assertEqual(
            (event.verdict, event.raw_data, event.event_type),
            ("machine", False, "sent"),
        )
