from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import email_normalize


class ChaserSuppression(models.Model):
    _name = "chaser.suppression"
    _description = "Stopped Address"
    _inherit = ["mail.thread", "chaser.company.mixin"]
    _order = "suppressed_at desc, id desc"
    _rec_name = "email"

    email = fields.Char(required=True, index=True, help="The address that gets no reminders from this company.")
    company_id = fields.Many2one("res.company", required=True, index=True, default=lambda self: self.env.company)
    reason = fields.Selection(
        [
            ("unsubscribed", "Unsubscribed"), ("hard_bounce", "Address does not exist"), ("complaint", "Complaint"),
            ("manual", "Stopped by a person"), ("import", "Imported"),
        ],
        required=True, default="manual", tracking=True,
    )
    source = fields.Char(help="Where it came from: the link in a mail, the mail server's answer, a file.")
    suppressed_at = fields.Datetime("Stopped On", required=True, default=fields.Datetime.now, readonly=True)
    released_at = fields.Datetime("Released On", readonly=True, tracking=True)
    released_by_id = fields.Many2one("res.users", readonly=True)
    is_active = fields.Boolean("In Force", compute="_compute_is_active", search="_search_is_active")
    reminder_id = fields.Many2one("chaser.reminder", readonly=True, index="btree_not_null", ondelete="set null")
    note = fields.Text()

    _active_uniq = models.UniqueIndex(
        "(company_id, email) WHERE released_at IS NULL", "Reminders to this address are stopped already."
    )

    @api.depends("released_at")
    def _compute_is_active(self):
        for record in self:
            record.is_active = not record.released_at

    def _search_is_active(self, operator, value):
        if operator != "in":
            return NotImplemented
        return [("released_at", "=" if True in value else "!=", False)]

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            vals["email"] = self._normalize(vals.get("email"))
        return super().create(vals_list)

    def write(self, vals):
        if "email" in vals:
            vals = {**vals, "email": self._normalize(vals["email"])}
        return super().write(vals)

    @api.model
    def _normalize(self, email):
        normalized = email_normalize(email or "")
        if not normalized:
            raise ValidationError(self.env._("“%s” is not a single e-mail address.", email or ""))
        return normalized

    def action_release(self):
        """Let reminders go to the address again; the row stays as evidence."""
        self.filtered("is_active").write({"released_at": fields.Datetime.now(), "released_by_id": self.env.uid})

    @api.model
    def _suppress(self, company, email, reason, source="", reminder=None, note=""):
        """Stop an address for a company, once; returns the record in force. Called as superuser."""
        email = self._normalize(email)
        record = self.sudo().search([("company_id", "=", company.id), ("email", "=", email), ("released_at", "=", False)], limit=1)
        return record or self.sudo().create({
            "company_id": company.id, "email": email, "reason": reason, "source": source, "note": note,
            "reminder_id": reminder.id if reminder else False,
        })
