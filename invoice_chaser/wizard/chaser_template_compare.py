from odoo import api, fields, models

from ..core.letter.text_diff import compare_letters


class ChaserTemplateCompare(models.TransientModel):
    """Two versions of a template side by side, in both languages."""

    _name = "chaser.template.compare"
    _description = "Compare Versions of a Template"
    _inherit = ["chaser.company.mixin"]

    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company
    )
    template_id = fields.Many2one(
        "chaser.template", required=True, readonly=True, ondelete="cascade"
    )
    left_id = fields.Many2one(
        "chaser.template.version",
        "Version",
        domain="[('template_id', '=', template_id)]",
        ondelete="cascade",
    )
    right_id = fields.Many2one(
        "chaser.template.version",
        "Compared with",
        domain="[('template_id', '=', template_id)]",
        ondelete="cascade",
        help="Empty: the text as it is now.",
    )
    difference = fields.Json(
        compute="_compute_difference", help="Per language: rows of both sides."
    )

    @api.depends("left_id", "right_id", "template_id")
    @api.depends_context("lang")
    def _compute_difference(self):
        for comparison in self:
            now = comparison.template_id._get_sources()
            left = comparison.left_id.content or now if comparison.left_id else now
            right = comparison.right_id.content or now if comparison.right_id else now
            comparison.difference = {
                "left": comparison._get_title(comparison.left_id),
                "right": comparison._get_title(comparison.right_id),
                "languages": [
                    {
                        "lang": lang,
                        "name": name,
                        **compare_letters(
                            tuple(left.get(lang) or ("", "")),
                            tuple(right.get(lang) or ("", "")),
                        ),
                    }
                    for lang, name in (
                        ("en", self.env._("English")),
                        ("ar", self.env._("Arabic")),
                    )
                    if lang in left or lang in right
                ],
            }

    @api.model
    def _get_title(self, version):
        return (
            self.env._("Version %s", version.number)
            if version
            else self.env._("The text as it is now")
        )

    @api.model
    def _open(self, template, left, right):
        comparison = self._create_by_program(
            {"template_id": template.id, "left_id": left.id, "right_id": right.id}
        )
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Compare Versions"),
            "res_model": self._name,
            "res_id": comparison.id,
            "view_mode": "form",
            "views": [(False, "form")],
            "target": "new",
        }
