from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import AccessError, ValidationError

TASK_TYPE = "mail.mail_activity_data_todo"


class ChaserStatementMixin(models.AbstractModel):
    """What a customer said about their debts: who said it, where, about which invoices,
    and who is responsible for it."""

    _name = "chaser.statement.mixin"
    _description = "What a Customer Said"
    _inherit = ["mail.thread", "mail.activity.mixin", "chaser.company.mixin"]
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
    currency_id = fields.Many2one(
        "res.currency", required=True, default=lambda self: self.env.company.currency_id
    )
    source = fields.Selection(
        [
            ("page", "The customer's page"),
            ("mail", "Mail"),
            ("phone", "Phone"),
            ("other", "Other"),
        ],
        "Where",
        required=True,
        default="phone",
    )
    said_by = fields.Char(help="Who of the customer said it.")
    user_id = fields.Many2one(
        "res.users", "Responsible", default=lambda self: self.env.user, tracking=True
    )
    reminder_id = fields.Many2one(
        "chaser.reminder",
        index="btree_not_null",
        ondelete="set null",
        check_company=True,
    )

    @api.model_create_multi
    def create(self, vals_list):
        records = super().create(vals_list)
        records._check_source()
        return records

    def write(self, vals):
        result = super().write(vals)
        if "source" in vals:
            self._check_source()
        return result

    def _check_source(self):
        """What the customer said on the page comes from the page alone."""
        if not self._is_by_program() and "page" in self.mapped("source"):
            raise AccessError(
                self.env._(
                    "Only what the customer says on the page is from the page: choose "
                    "where you heard it."
                )
            )

    @api.constrains("move_ids", "partner_id")
    def _check_moves(self):
        for record in self:
            strangers = record.move_ids.filtered(
                lambda move, record=record: move.commercial_partner_id
                != record.partner_id
            )
            if strangers:
                raise ValidationError(
                    self.env._(
                        "%(invoices)s does not belong to %(customer)s.",
                        invoices=", ".join(strangers.mapped("display_name")),
                        customer=record.partner_id.display_name,
                    )
                )

    @api.model
    def _prepare_statement_values(self, vals):
        """The customer is the commercial partner; the currency that of the named
        invoices where they agree."""
        values = dict(vals)
        if vals.get("partner_id"):
            values["partner_id"] = (
                self.env["res.partner"]
                .browse(vals["partner_id"])
                .commercial_partner_id.id
            )
        if not vals.get("currency_id") and vals.get("move_ids"):
            moves = self.new({"move_ids": vals["move_ids"]}).move_ids
            if len(moves.currency_id) == 1:
                values["currency_id"] = (
                    moves.currency_id._origin.id or moves.currency_id.id
                )
        return values

    def _note(self, body, moves=None):
        """A note without notification on the customer and on the invoices it is about;
        ``body`` is text or ``Markup``."""
        self.ensure_one()
        body = body if isinstance(body, Markup) else Markup("<p>%s</p>") % body
        self.partner_id.sudo()._for_chaser(self.company_id)._message_log(body=body)
        for move in moves or self.move_ids:
            move.sudo()._message_log(body=body)

    def _plan_todo(self, summary, day=None, note=""):
        """A to-do for the responsible user while they work here, else for whoever is
        responsible then; ``summary`` as for ``res.users._say_chaser``."""
        for record in self:
            user = record.company_id._get_chaser_responsible(
                record.partner_id, wanted=record.user_id
            )
            if user:
                record.sudo().activity_schedule(
                    TASK_TYPE,
                    date_deadline=day or record.company_id._get_chaser_today(),
                    user_id=user.id,
                    summary=user._say_chaser(record, summary),
                    note=note,
                )

    def _get_invoices_text(self):
        """The named invoices, or words for everything."""
        self.ensure_one()
        numbers = self.move_ids.mapped("name")
        return (
            ", ".join(filter(None, numbers[:10])) + (" …" if len(numbers) > 10 else "")
            if numbers
            else self.env._("everything")
        )
