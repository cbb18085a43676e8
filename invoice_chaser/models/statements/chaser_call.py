from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from ..planning.open_items import PAID_STATES


class ChaserCall(models.Model):
    """A phone call to a customer: planned for a day, or made, with its outcome.
    Recording an outcome settles a call that a user or a level had planned."""

    _name = "chaser.call"
    _description = "Call"
    _inherit = ["chaser.company.mixin"]
    _order = "called_at desc, id desc"
    _rec_name = "partner_id"
    _check_company_auto = True

    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company
    )
    partner_id = fields.Many2one(
        "res.partner",
        "Customer",
        required=True,
        index=True,
        ondelete="cascade",
        check_company=True,
    )
    reminder_id = fields.Many2one(
        "chaser.reminder",
        "About the Reminder",
        index="btree_not_null",
        ondelete="set null",
        check_company=True,
    )
    user_id = fields.Many2one(
        "res.users", "Called by", required=True, default=lambda self: self.env.user
    )
    called_at = fields.Datetime("Called", required=True, default=fields.Datetime.now)
    outcome = fields.Selection(
        [
            ("reached", "Reached"),
            ("promised", "Promised to pay"),
            ("no_answer", "No answer"),
            ("wrong_number", "Wrong number"),
            ("planned", "Not called yet: plan the call"),
        ],
        required=True,
    )
    note = fields.Text()
    date_again = fields.Date(
        "Call On", help="An activity for that day, in the list of your activities."
    )
    phone = fields.Char(related="partner_id.phone")
    activity_id = fields.Many2one(
        "mail.activity",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="cascade",
    )
    date_promised = fields.Date(
        "Promised For",
        help="Becomes a promise: no reminder before that day has passed.",
    )
    amount_promised = fields.Monetary("Promised Amount", help="0: all that is open.")
    currency_id = fields.Many2one(related="company_id.currency_id")

    _promise_check = models.Constraint(
        "CHECK(outcome <> 'promised' OR date_promised IS NOT NULL)",
        "For which day did the customer promise to pay?",
    )
    _again_check = models.Constraint(
        "CHECK(outcome <> 'planned' OR date_again IS NOT NULL)",
        "On which day is the customer to be called?",
    )
    _amount_check = models.Constraint(
        "CHECK(amount_promised >= 0)", "A promised amount cannot be negative."
    )

    @api.model
    def _open(self, partner, reminder=None):
        """The form of a new call, in a dialog."""
        self.check_access("create")
        company = reminder.company_id if reminder else self.env.company
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Call"),
            "res_model": self._name,
            "view_mode": "form",
            "target": "new",
            "context": {
                "default_partner_id": partner.id,
                "default_company_id": company.id,
                "default_reminder_id": reminder.id if reminder else False,
            },
        }

    @api.onchange("outcome")
    def _onchange_outcome(self):
        if self.outcome in ("no_answer", "planned"):
            self.date_again = self.date_again or self._get_tomorrow()

    @api.model
    def _get_tomorrow(self):
        return fields.Date.context_today(self) + timedelta(days=1)

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            if vals.get("outcome") == "no_answer":
                vals.setdefault("date_again", self._get_tomorrow())
        calls = super().create(vals_list)
        calls._check_caller()
        for call in calls:
            call.partner_id = call.partner_id.commercial_partner_id
            call._settle_activities()
            if call.outcome != "planned":
                call._note_on_customer()
            if call.outcome == "promised":
                call._record_promise()
        return calls

    def write(self, vals):
        self._check_recorded(vals)
        result = super().write(vals)
        if {"user_id", "outcome"} & set(vals):
            self._check_caller()
        return result

    def _check_caller(self):
        """Nobody records a call in another's name; one may be planned for others."""
        made = self.filtered(lambda call: call.outcome != "planned")
        if not self._is_by_program() and made.user_id - self.env.user:
            raise AccessError(
                self.env._("A call is recorded by the user who has made it.")
            )

    def _check_recorded(self, vals):
        """A call that was made is evidence: its note may grow, its facts stay."""
        facts = {"called_at", "outcome", "user_id", "company_id"} & set(vals)
        if (
            facts
            and not self._is_by_program()
            and self.filtered(lambda call: call.outcome != "planned")
        ):
            raise AccessError(
                self.env._(
                    "Who called when with which outcome cannot be changed afterwards. "
                    "Record another call."
                )
            )

    def _get_words(self):
        """Outcome and note as one text."""
        outcome = dict(self._fields["outcome"]._description_selection(self.env))[
            self.outcome
        ]
        return self.env._(
            "Called: %(outcome)s. %(note)s", outcome=outcome, note=self.note or ""
        ).strip()

    def _note_on_customer(self):
        """As superuser, because users who may record a call need not have the right to
        change contacts."""
        self.partner_id.sudo()._for_chaser(self.company_id).message_post(
            body=self._get_words(), author_id=self.env.user.partner_id.id
        )

    def _settle_activities(self):
        """The calls that were planned for this customer, by a person or by a level, are
        done, or due on the new day. A planned call that was made is not shown a second
        time in the history."""
        planned = self.sudo().search(
            [
                ("partner_id", "=", self.partner_id.id),
                ("company_id", "=", self.company_id.id),
                ("outcome", "=", "planned"),
                ("id", "!=", self.id),
            ]
        )
        level_types = (
            self.env["chaser.level"]
            .sudo()
            .with_context(active_test=False)
            .search([("activity_type_id", "!=", False)])
            .activity_type_id
        )
        activities = planned.activity_id | self.env["mail.activity"].sudo().search(
            [
                ("res_model", "=", "res.partner"),
                ("res_id", "=", self.partner_id.id),
                ("activity_type_id", "in", level_types.ids),
                # Those of another company with the same customer are theirs.
                ("chaser_company_id", "in", (self.company_id.id, False)),
            ]
        )
        planned.activity_id = False
        planned.unlink()
        if not self.date_again:
            activities.action_feedback(feedback=self._get_words())
            return
        if activities:
            activities.write({"date_deadline": self.date_again})
        else:
            partner = self.partner_id.sudo()._for_chaser(self.company_id)
            activities = partner.activity_schedule(
                "mail.mail_activity_data_call",
                self.date_again,
                summary=self.env._("Call about overdue invoices"),
                note=self.note or False,
                user_id=self.user_id.id,
            )
        if self.outcome == "planned":
            self._by_program().activity_id = activities[:1]

    def _record_promise(self):
        moves = self.reminder_id._get_live_lines().move_id.filtered(
            lambda move: move.payment_state not in PAID_STATES
        )
        self.env["chaser.promise"]._promise(
            self.company_id,
            self.partner_id,
            self.date_promised,
            moves,
            self.amount_promised,
            said_by=self.partner_id.name,
            **({"reminder_id": self.reminder_id.id} if self.reminder_id else {}),
        )

    @api.ondelete(at_uninstall=False)
    def _unlink_except_manager(self):
        made = self.filtered(lambda call: call.outcome != "planned")
        if (
            made
            and not self.env.su
            and not self.env.user.has_group("invoice_chaser.group_chaser_manager")
        ):
            raise UserError(
                self.env._(
                    "A recorded call is evidence: only a chaser manager deletes it."
                )
            )
