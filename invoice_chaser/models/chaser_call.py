from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError


class ChaserCall(models.Model):
    """A phone call to a customer, and what came of it. Recording it settles the call that a level has asked for."""

    _name = "chaser.call"
    _description = "Call"
    _inherit = ["chaser.company.mixin"]
    _order = "called_at desc, id desc"
    _rec_name = "partner_id"
    _check_company_auto = True

    company_id = fields.Many2one("res.company", required=True, index=True, default=lambda self: self.env.company)
    partner_id = fields.Many2one("res.partner", "Customer", required=True, index=True, ondelete="cascade", check_company=True)
    reminder_id = fields.Many2one(
        "chaser.reminder", "About the Reminder", index="btree_not_null", ondelete="set null", check_company=True)
    user_id = fields.Many2one("res.users", "Called by", required=True, default=lambda self: self.env.user)
    called_at = fields.Datetime("Called", required=True, default=fields.Datetime.now)
    outcome = fields.Selection(
        [("reached", "Reached"), ("promised", "Promised to pay"), ("no_answer", "No answer"), ("wrong_number", "Wrong number")], required=True)
    note = fields.Text()
    date_promised = fields.Date("Promised For", help="Becomes a promise: no reminder before that day has passed.")
    amount_promised = fields.Monetary("Promised Amount", help="0: all that is open.")
    currency_id = fields.Many2one(related="company_id.currency_id")

    _promise_check = models.Constraint(
        "CHECK(outcome <> 'promised' OR date_promised IS NOT NULL)", "For which day did the customer promise to pay?")
    _amount_check = models.Constraint("CHECK(amount_promised >= 0)", "A promised amount cannot be negative.")

    @api.model
    def _open(self, partner, reminder=None):
        """The form of a new call, in a dialog."""
        self.check_access("create")
        company = reminder.company_id if reminder else self.env.company
        return {
            "type": "ir.actions.act_window", "name": self.env._("Call"), "res_model": self._name, "view_mode": "form", "target": "new",
            "context": {"default_partner_id": partner.id, "default_company_id": company.id, "default_reminder_id": reminder.id if reminder else False},
        }

    @api.model_create_multi
    def create(self, vals_list):
        calls = super().create(vals_list)
        for call in calls:
            call.partner_id = call.partner_id.commercial_partner_id
            call._note_on_customer()
            call._settle_activity()
            if call.outcome == "promised":
                call._record_promise()
        return calls

    def _get_words(self):
        """Outcome and note as one text."""
        outcome = dict(self._fields["outcome"]._description_selection(self.env))[self.outcome]
        return self.env._("Called: %(outcome)s. %(note)s", outcome=outcome, note=self.note or "").strip()

    def _note_on_customer(self):
        """Written by whoever may record the call, whether or not he may change contacts."""
        self.partner_id.sudo().message_post(body=self._get_words(), author_id=self.env.user.partner_id.id)

    def _settle_activity(self):
        """The call that a level asked for is done; after "no answer" it is due again tomorrow."""
        level_types = self.env["chaser.level"].sudo().with_context(active_test=False).search([("activity_type_id", "!=", False)]).activity_type_id
        activities = self.env["mail.activity"].sudo().search([
            ("res_model", "=", "res.partner"), ("res_id", "=", self.partner_id.id), ("activity_type_id", "in", level_types.ids)])
        if self.outcome == "no_answer":
            activities.write({"date_deadline": fields.Date.context_today(self) + timedelta(days=1)})
        else:
            activities.action_feedback(feedback=self._get_words())

    def _record_promise(self):
        moves = self.reminder_id._get_live_lines().move_id.filtered(lambda move: move.payment_state not in ("paid", "in_payment", "reversed"))
        self.env["chaser.promise"]._promise(
            self.company_id, self.partner_id, self.date_promised, moves, self.amount_promised,
            said_by=self.partner_id.name, **({"reminder_id": self.reminder_id.id} if self.reminder_id else {}))

    @api.ondelete(at_uninstall=False)
    def _unlink_except_manager(self):
        if not self.env.su and not self.env.user.has_group("invoice_chaser.group_chaser_manager"):
            raise UserError(self.env._("A recorded call is evidence: only a chaser manager deletes it."))
