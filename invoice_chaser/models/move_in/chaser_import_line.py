from odoo import api, fields, models
from odoo.exceptions import UserError

from ...core.letter.localize import FSI, PDI
from ...core.move_in.convert import STEPS


class ChaserImportLine(models.Model):
    """What one record of a file would do, or did; those that change nothing are only
    counted."""

    _name = "chaser.import.line"
    _description = "Move In: Record"
    _inherit = ["chaser.company.mixin", "chaser.import.words"]
    _order = "id"
    _rec_name = "name"

    import_id = fields.Many2one(
        "chaser.import", required=True, readonly=True, index=True, ondelete="cascade"
    )
    file_id = fields.Many2one(
        "chaser.import.file", "Table", required=True, readonly=True, ondelete="cascade"
    )
    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, index=True
    )
    step = fields.Selection(
        "_select_step", "Kind of Record", required=True, readonly=True
    )
    row = fields.Integer(readonly=True, aggregator=None)
    key = fields.Char(readonly=True)
    email = fields.Char(readonly=True)
    name = fields.Char("Record", readonly=True)
    action = fields.Selection("_select_action", "Result", required=True, readonly=True)
    difference = fields.Json("Values Here and in the File", readonly=True)
    difference_text = fields.Text("Difference", compute="_compute_texts")
    reason_code = fields.Char(readonly=True)
    reason_params = fields.Json(readonly=True)
    reason = fields.Char(compute="_compute_texts")
    partner_id = fields.Many2one("res.partner", "Customer", readonly=True)
    candidate_ids = fields.Many2many(
        "res.partner",
        "chaser_import_line_candidate_rel",
        string="May Be",
        readonly=True,
    )
    choice = fields.Selection(
        [
            ("match", "It is this customer"),
            ("create", "It is somebody new"),
            ("leave", "Leave it out"),
        ],
        "Decision",
    )
    choice_partner_id = fields.Many2one(
        "res.partner", "This Customer", domain="[('id', 'in', candidate_ids)]"
    )

    _file_step_idx = models.Index("(file_id, step)")
    _key_idx = models.Index("(import_id, step, key)")
    _email_idx = models.Index("(import_id, step, email)")

    @api.model
    def _select_step(self):
        words = self._get_step_words()
        return [(step, words[step]) for step in STEPS]

    @api.model
    def _select_action(self):
        return list(self._get_action_words().items())

    @api.depends("difference", "reason_code", "reason_params")
    @api.depends_context("lang")
    def _compute_texts(self):
        words, show = self._get_target_words(), self._show_difference
        for line in self:
            line.reason = (
                line._describe_problem(line.reason_code, line.reason_params or {})
                if line.reason_code
                else False
            )
            line.difference_text = (
                "\n".join(
                    f"{words.get(label, label)}: {show(label, old, new)}"
                    for label, (old, new) in (line.difference or {}).items()
                )
                or False
            )

    @api.model
    def _show_difference(self, label, old, new):
        """What is here and what the file says, as a person reads it; each keeps its own
        direction inside Arabic text."""
        reasons = dict(
            self.env["chaser.suppression"]
            ._fields["reason"]
            ._description_selection(self.env)
        )
        shown = []
        for value in filter(None, (old, new)):
            if label == "reason":
                value = reasons.get(value, value)
            elif value == "True":
                value = self.env._("Yes")
            shown.append(f"{FSI}{value}{PDI}")
        return " → ".join(shown)

    def write(self, vals):
        if {"choice", "choice_partner_id"} & set(vals):
            if self.filtered(lambda line: not line.candidate_ids):
                raise UserError(
                    self.env._("Only doubtful records wait for a decision.")
                )
            if vals.get("choice_partner_id"):
                vals = {"choice": "match", **vals}
        result = super().write(vals)
        for line in self:
            if line.choice == "match" and line.choice_partner_id:
                if line.choice_partner_id not in line.candidate_ids:
                    raise UserError(
                        self.env._("Choose one of the customers that it may be.")
                    )
        return result

    def action_match(self):
        """It is the first of the customers that it may be."""
        for line in self.filtered("candidate_ids"):
            line.write(
                {"choice": "match", "choice_partner_id": line.candidate_ids[:1].id}
            )
        return True

    def action_create_new(self):
        self.filtered("candidate_ids").write(
            {"choice": "create", "choice_partner_id": False}
        )
        return True

    def action_leave_out(self):
        self.filtered("candidate_ids").write(
            {"choice": "leave", "choice_partner_id": False}
        )
        return True
